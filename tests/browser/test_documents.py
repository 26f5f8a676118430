"""Files open by double-click and draw without a kernel, whatever is in them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from conftest import Lab, at, open_lab, photograph, use_theme
from playwright.sync_api import Page

import nasedu as nas

HOSTILE = '</script><img src=x onerror="window.stolen=1">'


def score(architectures: list[nas.Architecture]) -> list[nas.Trial]:
    """An evaluator that needs no training: the more 3x3 convolutions, the better."""
    return [nas.Trial(a, accuracy=0.1 + 0.14 * str(a).count("nor_conv_3x3")) for a in architectures]


def evolution(trials: int = 12) -> nas.Search:
    strategy = nas.strategies.RegularizedEvolution(
        nas.spaces.NASBench201(), np.random.default_rng(0), population_size=5, sample_size=2
    )
    return nas.search(strategy, score, trials=trials)


def open_file(page: Page, lab: Lab, name: str) -> None:
    page.evaluate("() => window.jupyterapp.commands.execute('filebrowser:refresh')")
    page.locator(f'.jp-DirListing-item[title*="Name: {name}"]').dblclick()


def hostile(document: dict[str, Any]) -> dict[str, Any]:
    document["name"] = document["space"]["name"] = HOSTILE
    document["diagram"]["nodes"][1]["label"] = HOSTILE
    document["diagram"]["nodes"][2]["kind"] = '"><script>window.stolen=1</script>'
    document["diagram"]["edges"][0]["operation"] = HOSTILE
    return document


def test_files_open_by_double_click(page: Page, lab: Lab) -> None:
    cell = nas.spaces.NASBench201().sample(np.random.default_rng(0))
    cell.save(lab.folder / "cell.nas.json")
    history = evolution().run(progress=False)
    history.save(lab.folder / "evolution.nas.jsonl")
    open_lab(page, lab, "documents")

    open_file(page, lab, "cell.nas.json")
    picture = page.locator(".nasedu-architecture svg.nasedu-picture")
    picture.wait_for()
    assert picture.locator(".nasedu-edge").count() == 6
    assert picture.locator(".nasedu-node").count() == 4
    photograph(page, "architecture_document")

    open_file(page, lab, "evolution.nas.jsonl")  # JupyterLab has a file type of its own for *.jsonl
    player = page.locator(".nasedu-player:visible")
    player.wait_for()
    assert player.get_attribute("data-length") == "24"
    player.get_by_role("button", name="First event").click()
    at(player, 0)
    player.get_by_role("button", name="One event forward").click()
    at(player, 1)
    assert "Ask 0" in player.locator(".nasedu-sentence").inner_text()
    player.get_by_role("slider").press("End")
    at(player, 24)
    assert player.locator(".nasedu-population .nasedu-dots .nasedu-dot").count() == 6  # five and the one that leaves
    photograph(page, "history_document")
    use_theme(page, "JupyterLab Dark")
    photograph(page, "history_document_dark")
    use_theme(page, "JupyterLab Light")


def test_bad_and_hostile_files_are_harmless(page: Page, lab: Lab) -> None:
    cell = nas.spaces.NASBench201().sample(np.random.default_rng(0))
    (lab.folder / "hostile.nas.json").write_text(json.dumps(hostile(cell.to_json())), encoding="utf-8")
    (lab.folder / "broken.nas.json").write_text("{not json", encoding="utf-8")
    lines = evolution().run(progress=False).lines()
    (lab.folder / "garbage.nas.jsonl").write_text("\n".join([*lines[:3], "garbage", *lines[3:], ""]), encoding="utf-8")
    (lab.folder / "cut.nas.jsonl").write_text("\n".join(lines)[:-20], encoding="utf-8")
    open_lab(page, lab, "hostile")

    open_file(page, lab, "hostile.nas.json")
    page.locator(".nasedu-picture", has_text="onerror").wait_for()
    open_file(page, lab, "broken.nas.json")
    page.locator(".nasedu-error:visible", has_text="not JSON").wait_for()
    open_file(page, lab, "garbage.nas.jsonl")
    page.locator(".nasedu-error:visible", has_text="line 4 is not JSON").wait_for()
    open_file(page, lab, "cut.nas.jsonl")
    player = page.locator(".nasedu-player:visible")
    player.wait_for()
    assert player.get_attribute("data-length") == "23"
    assert page.locator(".jp-Dialog").count() == 0
    assert page.evaluate("window.stolen") is None
