"""Take the picture in the README: python docs/picture.py. Needs the dev extra and a Chromium.

A minute: a search by regularised evolution on MNIST-1D, shown by the built front end, without JupyterLab.
"""

import base64
import io
import os
import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

import nasedu as nas
from nasedu.widgets.cell_graph import STATIC

WIDTH, MARGIN = 900, 16
PAGE = """<body data-jp-theme-light="true" style="margin: {margin}px; background: #fff">
<style>{style}</style><div id="host" style="width: {width}px"></div></body>"""
RENDER = """async ([code, state]) => {
    const widget = await import("data:text/javascript;base64," + code);
    const nothing = () => undefined;
    const model = {get: name => state[name], set: nothing, save_changes: nothing, on: nothing, off: nothing};
    widget.default.render({model, el: document.getElementById("host")});
    await new Promise(requestAnimationFrame);
}"""


def evolve() -> nas.History:
    """Search with a real evaluator, for a minute."""
    evaluator = nas.evaluators.Train(nas.data.load("mnist1d"), epochs=4, seed=0)
    strategy = nas.strategies.RegularizedEvolution(
        nas.spaces.NASBench201(), np.random.default_rng(1), population_size=10, sample_size=4
    )
    return nas.search(strategy, evaluator, trials=40).run(progress=False)


def moment(history: nas.History) -> int:
    """Return the position after the last trial that was a new incumbent."""
    position, best = 0, 0.0
    for index, event in enumerate(history.events):
        if event["event"] == "trial" and event.get("score", 0) > best:
            position, best = index + 1, event["score"]
    return position


def photograph(history: nas.History) -> bytes:
    """Show the history in a browser at its best moment, and return the picture as PNG."""
    code = base64.b64encode((STATIC / "widget.js").read_bytes()).decode("ascii")
    state = {"kind": "player", "text": history.text(), "position": moment(history), "live": False, "error": ""}
    with sync_playwright() as playwright:
        chromium = os.environ.get("NASEDU_CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH + 2 * MARGIN, "height": 900}, device_scale_factor=2)
        page.set_content(PAGE.format(margin=MARGIN, width=WIDTH, style=(STATIC / "widget.css").read_text("utf-8")))
        page.evaluate(RENDER, [code, state])
        box = page.locator(".nasedu-player").bounding_box()
        assert box is not None
        clip = {"x": 0, "y": 0, "width": WIDTH + 2 * MARGIN, "height": box["height"] + 2 * MARGIN}
        return page.screenshot(clip=clip, full_page=True)


if __name__ == "__main__":
    picture = Image.open(io.BytesIO(photograph(evolve()))).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    picture.save(Path(__file__).with_name("player.png"), optimize=True)
