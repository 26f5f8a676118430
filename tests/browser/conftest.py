"""A real JupyterLab in headless Chromium: one server and one browser for all tests, a page for each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
LABEXTENSION = ROOT / "nasedu" / "widgets" / "labextension"
TOKEN = "t" * 32
SETTINGS = {  # nothing may pop up over the page, and no network is asked for news
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "docmanager-extension/plugin": {"autosave": False},
}


class Lab:
    """A running server, and what the tests put into its folder."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder

    def request(self, path: str, method: str = "GET") -> Any:
        request = urllib.request.Request(self.url + path, method=method, headers={"Authorization": f"token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def shut_down_kernels(self) -> None:
        """A kernel does not end with its page, and one with torch holds 300 MB."""
        for session in self.request("api/sessions"):
            self.request(f"api/sessions/{session['id']}", "DELETE")

    def write_notebook(self, name: str, *cells: str) -> str:
        code = [
            {"cell_type": "code", "id": f"c{i}", "metadata": {}, "execution_count": None, "outputs": [], "source": cell}
            for i, cell in enumerate(cells)
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = {"cells": code, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        (self.folder / name).write_text(json.dumps(notebook), encoding="utf-8")
        return name


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    base = tmp_path_factory.mktemp("lab")
    folder = base / "work"
    folder.mkdir()
    log = base / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            _command(base, folder), env=_environment(base), cwd=folder, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield Lab(_wait_for(server, base / "runtime", log), folder)
        finally:
            server.terminate()
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()


def _command(base: Path, folder: Path) -> list[str]:
    # The extension of this working tree, whatever is installed: a folder that holds it under its name.
    extensions = base / "extensions"
    shutil.copytree(LABEXTENSION, extensions / "@nasedu" / "labextension")
    return [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ServerApp.port=0", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder}"),
        *(f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True"),
        *("--LabApp.extension_manager=readonly", "--LabApp.news_url="),
        f"--LabServerApp.extra_labextensions_path={extensions}",
    ]


def _environment(base: Path) -> dict[str, str]:
    for name, settings in SETTINGS.items():
        path = base / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings), encoding="utf-8")
    folders = {
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    own = {name: str(base / folder) for name, folder in folders.items()}
    python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, **own, "JUPYTER_PREFER_ENV_PATH": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": python_path}


def _wait_for(server: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    """Return the server's address; it chose the port itself, so there is no race for a free one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            try:
                url: str = json.loads(file.read_text())["url"]
                Lab(url, runtime).request("api/status")
                return url
            except (OSError, ValueError):
                continue  # still writing, or not listening yet
        time.sleep(0.1)
    raise RuntimeError("JupyterLab did not start:\n" + log.read_text(errors="replace")[-3000:])


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("NASEDU_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.fail(
            "the browser tests need Chromium: install it with `apt-get install chromium`, "
            "or set NASEDU_CHROMIUM to the path of a Chromium or Chrome.",
            pytrace=False,
        )
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that fails the test if a script on it does. With NASEDU_SHOTS set, its end is photographed there."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(20_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    if "NASEDU_SHOTS" in os.environ:
        photograph(page, request.node.name)
    context.close()
    lab.shut_down_kernels()
    assert [error for error in errors if "nasedu" in error] == []


def photograph(page: Page, name: str) -> None:
    """Save what the page looks like, if somebody wants to look: pictures are not compared."""
    folder = os.environ.get("NASEDU_SHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def open_lab(page: Page, lab: Lab, workspace: str, path: str = "") -> None:
    """Open JupyterLab in a workspace of its own, so that tests do not inherit each other's tabs."""
    page.goto(f"{lab.url}lab/workspaces/{workspace}{path}?reset&token={TOKEN}")
    page.wait_for_function("window.jupyterapp && window.jupyterapp.started")
    page.evaluate("async () => { await window.jupyterapp.restored; }")


def open_notebook(page: Page, lab: Lab, name: str) -> None:
    open_lab(page, lab, name.split(".")[0], f"/tree/{name}")
    page.wait_for_function("window.jupyterapp.shell.currentWidget?.context")
    page.evaluate(
        """async () => {
            const notebook = window.jupyterapp.shell.currentWidget;
            await notebook.context.ready; await notebook.revealed; await notebook.sessionContext.ready;
            await notebook.sessionContext.session.kernel.info;
        }"""
    )


def run_all(page: Page, seconds: int = 120) -> None:
    """Run all cells, wait for the kernel's own answers, and assert that none is an error."""
    page.set_default_timeout(1000 * seconds)
    errors = page.evaluate(
        """async () => {
            const app = window.jupyterapp;
            await app.commands.execute('notebook:run-all-cells');
            return app.shell.currentWidget.content.widgets.filter(cell => cell.model.type === 'code')
                .flatMap(cell => cell.model.toJSON().outputs.filter(output => output.output_type === 'error'))
                .map(output => `${output.ename}: ${output.evalue}`);
        }"""
    )
    page.set_default_timeout(20_000)
    assert errors == []


def at(player: Locator, position: int) -> None:
    """Wait until a player shows this position."""
    player.page.wait_for_function(
        "([player, position]) => player.dataset.position === String(position) && player.dataset.waiting === 'false'",
        arg=[player.element_handle(), position],
    )


def use_theme(page: Page, name: str) -> None:
    page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name)
    light = str("Light" in name).lower()
    page.wait_for_function("light => document.body.dataset.jpThemeLight === light", arg=light)
    page.wait_for_timeout(300)
