"""The string under a drawing: what is pointed at in one lights up in the other, by mouse and by keyboard."""

from __future__ import annotations

import re

import numpy as np
from conftest import Lab, open_lab, photograph, use_theme
from playwright.sync_api import Page, expect
from test_documents import open_file

import nasedu as nas

LIT = re.compile(r"\bnasedu-lit\b")
SELECTED = re.compile(r"\bnasedu-selected\b")


def test_a_drawing_and_its_string_light_up_together(page: Page, lab: Lab) -> None:
    nas.spaces.NASBench201().architecture((3, 1, 2, 4, 2, 3)).save(lab.folder / "string.nas.json")
    genotype = nas.spaces.DARTS().sample(np.random.default_rng(0))
    genotype.save(lab.folder / "genotype.nas.json")
    open_lab(page, lab, "string")
    open_file(page, lab, "string.nas.json")
    view = page.locator(".nasedu-architecture:visible")
    string = view.locator(".nasedu-string")
    expect(string).to_have_text(
        "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|nor_conv_1x1~1|nor_conv_3x3~2|"
    )

    view.locator('.nasedu-label[data-decision="3"]').hover()
    expect(string.locator(".nasedu-lit")).to_have_text("avg_pool_3x3~0")
    photograph(page, "string_lit_by_the_drawing")
    string.get_by_role("button", name="skip_connect~0").hover()
    expect(view.locator(".nasedu-edge.nasedu-lit")).to_have_attribute("data-edge", "1")
    photograph(page, "drawing_lit_by_the_string")
    page.mouse.move(2, 2)
    expect(view.locator(".nasedu-lit")).to_have_count(0)

    string.get_by_role("button").first.focus()
    for key, edge in (("ArrowRight", "1"), ("ArrowRight", "2"), ("End", "5"), ("ArrowLeft", "4")):
        page.keyboard.press(key)
        expect(view.locator(".nasedu-edge.nasedu-lit")).to_have_attribute("data-edge", edge)
    page.keyboard.press("Enter")
    expect(view.locator('.nasedu-edge[data-edge="4"]')).to_have_class(SELECTED)
    page.keyboard.press("Tab")
    expect(view.locator(".nasedu-lit")).to_have_count(0)
    expect(view.locator('.nasedu-edge[data-edge="4"]')).to_have_class(SELECTED)  # what was chosen stays

    use_theme(page, "JupyterLab Dark")
    open_file(page, lab, "genotype.nas.json")
    view = page.locator(".nasedu-architecture:visible")
    expect(view.locator(".nasedu-string")).to_have_text(str(genotype))
    text, decision = next(piece for piece in genotype.space.pieces(genotype.choices) if piece[1] is not None)
    view.get_by_role("button", name=text).first.focus()
    expect(view.locator(f'.nasedu-edge[data-decision="{decision}"]')).to_have_class(LIT)
    photograph(page, "genotype_dark")
    use_theme(page, "JupyterLab Light")
