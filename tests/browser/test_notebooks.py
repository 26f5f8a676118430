"""Widgets and outputs in a notebook: recorded and live, by mouse and by keyboard."""

from __future__ import annotations

import json
import shutil
import time

from conftest import ROOT, Lab, at, open_lab, open_notebook, photograph, run_all, use_theme
from playwright.sync_api import Locator, Page, expect

SEARCH = """
import numpy as np, nasedu as nas
def score(architectures):
    return [nas.Trial(a, accuracy=0.1 + 0.14 * str(a).count("nor_conv_3x3")) for a in architectures]
def search(trials=12, evaluator=score):
    strategy = nas.strategies.RegularizedEvolution(
        nas.spaces.NASBench201(), np.random.default_rng(0), population_size=5, sample_size=2)
    return nas.search(strategy, evaluator, trials=trials)
"""


def output(page: Page, cell: int) -> Locator:
    return page.locator(".jp-Document:not(.lm-mod-hidden) .jp-CodeCell").nth(cell).locator(".jp-OutputArea")


def player_in(page: Page, cell: int) -> Locator:
    player = output(page, cell).locator(".nasedu-player")
    player.wait_for()
    player.scroll_into_view_if_needed()
    return player


def sentence(player: Locator) -> str:
    return player.locator(".nasedu-sentence").inner_text()


def operations(player: Locator) -> list[str | None]:
    edges = player.locator(".nasedu-child .nasedu-edge")
    return edges.evaluate_all("edges => edges.map(edge => edge.dataset.operation)")


def execute(page: Page, code: str) -> dict[str, object]:
    """The kernel's reply to code run beside the notebook's cells."""
    reply: dict[str, object] = page.evaluate(
        """async code => (await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
            .requestExecute({code}).done).content""",
        code,
    )
    return reply


def wait_for_kernel(page: Page, condition: str) -> None:
    """Wait until a condition holds in the kernel.

    A widget sends a change only when the change before has been answered: code that is run meanwhile overtakes it.
    """
    deadline = time.monotonic() + 20
    while (reply := execute(page, f"assert {condition}"))["status"] != "ok":
        assert time.monotonic() < deadline, reply


def step_by_mouse_and_keyboard(player: Locator) -> None:
    """Step a player of a recorded evolution and see that the picture, the sentence and the slider follow."""
    slider = player.get_by_role("slider", name="Event")
    slider.focus()
    slider.press("Home")
    at(player, 0)
    assert sentence(player).startswith("Before the first event")
    forward, back = (player.get_by_role("button", name=f"One event {way}") for way in ("forward", "back"))
    forward.click()
    at(player, 1)
    assert sentence(player).startswith("Ask 0")
    first = operations(player)
    for position in (2, 3):
        forward.click()
        at(player, position)
    assert sentence(player).startswith("Ask 1")
    assert operations(player) != first
    back.click()
    back.click()
    at(player, 1)
    assert operations(player) == first
    forward.press("Shift+ArrowRight")
    at(player, 11)  # ask 5: the first child
    assert "child of trial" in sentence(player)
    assert player.locator(".nasedu-child .nasedu-edge.nasedu-changed").count() >= 1
    assert player.locator(".nasedu-parent .nasedu-edge").count() >= 1
    slider.press("End")
    at(player, int(player.get_attribute("data-length") or 0))
    assert "Event" in (slider.get_attribute("aria-valuetext") or "")


def test_a_recorded_history_plays_in_a_player_and_as_output(page: Page, lab: Lab) -> None:
    show_both = ["history = search().run(progress=False)\nnas.widgets.Player(history)", "history"]
    name = lab.write_notebook("recorded.ipynb", SEARCH, *show_both)
    open_notebook(page, lab, name)
    run_all(page)
    widget, drawn = player_in(page, 1), player_in(page, 2)
    assert widget.get_attribute("data-position") == "1"
    step_by_mouse_and_keyboard(widget)
    photograph(page, "player_widget")
    step_by_mouse_and_keyboard(drawn)
    photograph(page, "player_output")

    # In command mode, JupyterLab's own keys must not reach a focused button: d d would delete the cell.
    cells = page.locator(".jp-Notebook:visible .jp-Cell").count()
    button = drawn.get_by_role("button", name="Play")
    button.focus()
    button.press("d")
    button.press("d")
    assert page.locator(".jp-Notebook:visible .jp-Cell").count() == cells


def test_a_history_in_an_output_survives_reopening(page: Page, lab: Lab) -> None:
    recorded = "history = search().run(progress=False)\nhistory"
    name = lab.write_notebook("reopened.ipynb", SEARCH, recorded, "nas.widgets.Player(history)")
    open_notebook(page, lab, name)
    run_all(page)
    player_in(page, 2)
    page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save'); }")
    page.goto("about:blank")
    lab.shut_down_kernels()
    open_lab(page, lab, "reopened", f"/tree/{name}")
    for cell, position in ((1, "24"), (2, "1")):  # nothing has been run, and no kernel is asked
        player = player_in(page, cell)
        assert player.get_attribute("data-position") == position
        step_by_mouse_and_keyboard(player)


def test_a_live_search_goes_on_from_the_player(page: Page, lab: Lab) -> None:
    fails = """
def fails(architectures):
    if len(other.history.trials) == 1: raise RuntimeError("out of luck")
    return score(architectures)
other = search(evaluator=fails)
nas.widgets.Player(other)
"""
    live = "running = search(trials=4)\nplayer = nas.widgets.Player(running)\nplayer"
    name = lab.write_notebook("live.ipynb", SEARCH, live, fails, "len(running.history.trials)")
    open_notebook(page, lab, name)
    run_all(page)
    player = player_in(page, 1)
    assert (player.get_attribute("data-length"), player.get_attribute("data-live")) == ("0", "true")
    player.get_by_role("button", name="One event forward").click()
    at(player, 1)
    assert sentence(player).startswith("Ask 0")
    player.get_by_role("slider").press("ArrowRight")
    at(player, 2)
    assert sentence(player).startswith("Trial 0")
    assert player.get_attribute("data-length") == "2"
    player.get_by_role("combobox", name="Speed").select_option("60")
    player.get_by_role("button", name="Play").click()
    expect(player).to_have_attribute("data-position", "8")  # four trials: the search is done
    expect(player).to_have_attribute("data-live", "false")
    expect(player).to_have_attribute("data-playing", "false")
    photograph(page, "player_live")

    # Python follows the widget, and the widget follows Python.
    player.get_by_role("slider").press("Home")
    player.get_by_role("button", name="One event forward").click()
    at(player, 1)
    wait_for_kernel(page, "player.position == 1")
    assert execute(page, "player.position = 7")["status"] == "ok"
    at(player, 7)

    failing = player_in(page, 2)
    forward = failing.get_by_role("button", name="One event forward")
    for position in (1, 2, 3):
        forward.click()
        at(failing, position)
    expect(failing.locator(".nasedu-error")).to_have_text("RuntimeError: out of luck")
    photograph(page, "player_error")


def test_a_cell_graph_is_selected_in_and_redrawn(page: Page, lab: Lab) -> None:
    cells = [
        "graph = nas.widgets.CellGraph(nas.spaces.NASBench201().architecture((0, 1, 2, 3, 4, 1)))\ngraph",
        "nas.spaces.NASBench201().architecture((3,) * 6)",
    ]
    name = lab.write_notebook("graph.ipynb", SEARCH, *cells)
    open_notebook(page, lab, name)
    run_all(page)
    graph = output(page, 1).locator(".nasedu-architecture")
    graph.wait_for()
    edge = graph.get_by_role("button", name="input to 2: skip_connect")
    edge.press("Enter")
    expect(graph).to_have_attribute("data-selected", "1")
    graph.locator('[data-decision="0"] .nasedu-halo').dispatch_event("click")
    expect(graph).to_have_attribute("data-selected", "0")
    photograph(page, "cell_graph")
    use_theme(page, "JupyterLab Dark")
    photograph(page, "cell_graph_dark")
    use_theme(page, "JupyterLab Light")
    wait_for_kernel(page, "graph.selected == 0")
    redrawn = execute(page, "graph.architecture = nas.spaces.NASBench201().architecture((4,) * 6)")
    assert redrawn["status"] == "ok"
    expect(graph.locator('.nasedu-edge[data-operation="avg_pool_3x3"]')).to_have_count(6)
    expect(graph).to_have_attribute("data-selected", "-1")
    drawn = output(page, 2).locator('.nasedu-architecture .nasedu-edge[data-operation="nor_conv_3x3"]')
    expect(drawn).to_have_count(6)


def test_the_lesson_on_evolution_plays(page: Page, lab: Lab) -> None:
    lesson = ROOT / "notebooks" / "05_evolution.ipynb"
    shutil.copy(lesson, lab.folder / lesson.name)
    open_notebook(page, lab, lesson.name)
    run_all(page, seconds=180)
    notebook = json.loads(lesson.read_text(encoding="utf-8"))
    assert any("Player(" in "".join(cell["source"]) for cell in notebook["cells"])
    player = page.locator(".jp-Document:not(.lm-mod-hidden) .nasedu-player").first
    player.wait_for()
    player.scroll_into_view_if_needed()
    start = int(player.get_attribute("data-position") or 0)
    player.get_by_role("button", name="One event forward").click()
    at(player, start + 1)
    said = sentence(player)
    player.get_by_role("slider").press("ArrowRight")
    at(player, start + 2)
    assert sentence(player) != said
    player.get_by_role("slider").press("ArrowLeft")
    at(player, start + 1)
    assert sentence(player) == said
    photograph(page, "lesson")
