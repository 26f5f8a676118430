"""Views of an architecture: its network, its difference to another, its string. Checked by structure, not by pixels."""

from __future__ import annotations

import base64
import itertools
import re

import numpy as np
import pytest
from torch import nn

import nasedu as nas
from nasedu import plots
from nasedu.networks.blocks import INPUT, Block, blocks
from nasedu.plots.comparison import ADDED, CHANGED, REMOVED
from nasedu.plots.difference_view import BANDS, MARKS
from nasedu.plots.drawing import Drawing, Shape, Stroke, Text
from nasedu.plots.network_view import blocks_drawing
from nasedu.plots.styles import STYLES, style_of
from nasedu.training import measure

CELLS = nas.spaces.NASBench201()
CELL = CELLS.architecture((3, 1, 2, 4, 2, 3))
CHAINS = nas.spaces.Chain(max_depth=8, skips=True)
DARTS = nas.spaces.DARTS().sample(np.random.default_rng(0))


def of_kind(drawing: Drawing, kind: type) -> list:
    return [item for item in drawing.items if isinstance(item, kind)]


def texts(drawing: Drawing) -> list[str]:
    return [item.text for item in of_kind(drawing, Text)]


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return min(a[2], b[2]) - max(a[0], b[0]) > 0.5 and min(a[3], b[3]) - max(a[1], b[1]) > 0.5


def box(shape: Shape) -> tuple[float, float, float, float]:
    return shape.x - shape.width / 2, shape.y - shape.height / 2, shape.x + shape.width / 2, shape.y + shape.height / 2


def check(drawing: Drawing) -> None:
    """No text lies on another or beyond the frame, nor across the outline of a box."""
    left, top, right, bottom = drawing.frame
    found = of_kind(drawing, Text)
    for a, b in itertools.combinations(found, 2):
        assert not overlap(a.box, b.box), (a.text, b.text)
    for text in found:
        x0, y0, x1, y1 = text.box
        assert left - 0.5 <= x0 and x1 <= right + 0.5 and top - 0.5 <= y0 and y1 <= bottom + 0.5, text.text
        for shape in of_kind(drawing, Shape):
            x2, y2, x3, y3 = box(shape)
            inside = x2 <= x0 and x1 <= x3 and y2 - 4 <= y0 and y1 <= y3 + 4
            assert inside or not overlap(text.box, box(shape)), (text.text, shape.name)


# The network ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize("style", STYLES)
def test_a_network_shows_what_its_blocks_measure(style, down):
    options = {"channels": 16, "cells": 5, "skeleton": "published"}
    made = plots.network(CELL, (3, 32, 32), 10, style=style, down=down, **options)
    check(made)
    network = nas.networks.build(CELL, (3, 32, 32), 10, rng=np.random.default_rng(0), **options)
    shown = texts(made)
    for block in blocks(network, (3, 32, 32)):
        assert "×".join(map(str, block.shape)) in shown
        assert f"{block.parameters:,}" in shown
    assert f"{measure.parameters(network):,}" in shown
    assert shown.count("cell ×5") == 3
    assert len(of_kind(made, Stroke)) == 8  # from the input to the classifier, one arrow each


@pytest.mark.parametrize("down", [True, False])
def test_inputs_from_further_back_are_arcs_and_do_not_share_a_lane(down):
    sources = [(INPUT,), (0,), (0, 1), (0, 2), (1, 3)]
    found = [Block(f"layer {place}", 1, (8, 4, 4), 10, 20, given) for place, given in enumerate(sources)]
    made = blocks_drawing(found, (3, 8, 8), style_of("light"), down)
    check(made)
    strokes = of_kind(made, Stroke)
    straight = [stroke for stroke in strokes if stroke.start[0] == stroke.end[0] or stroke.start[1] == stroke.end[1]]
    arcs = [stroke for stroke in strokes if stroke not in straight]
    assert (len(straight), len(arcs)) == (5, 3)
    heights = sorted(stroke.control[0 if down else 1] for stroke in arcs)
    assert min(b - a for a, b in itertools.pairwise(heights)) > 10  # all three pass the same row


def test_a_block_without_weights_shows_no_number():
    made = blocks_drawing([Block("pool", 1, (8, 2), 0, 0, (INPUT,))], (8, 4), style_of("light"))
    assert texts(made).count("–") == 2


def test_an_architecture_beside_its_network_has_both():
    alone = plots.network(DARTS, (3, 16, 16), 10, cells=1)
    both = plots.network(DARTS, (3, 16, 16), 10, cells=1, with_architecture=True)
    assert sorted(texts(both)) == sorted([*texts(alone), *texts(plots.drawing_of(DARTS))])
    column = plots.network(DARTS, (3, 16, 16), 10, cells=1, with_architecture=True, style="print")
    assert column.size[0] <= style_of("print").width + 0.5
    slide = plots.network(DARTS, (3, 16, 16), 10, cells=1, with_architecture=True, style="slide")
    assert slide.size[0] <= style_of("slide").width + 0.5 and slide.size[1] <= style_of("slide").height + 0.5


class Own(nas.SearchSpace):
    """A student's space."""

    def __init__(self) -> None:
        super().__init__("own", [nas.Decision("width", (4, 8))])

    def network(self, architecture, input_shape, classes):
        width = architecture.options["width"]
        return nn.Sequential(
            nn.Flatten(), nn.Linear(input_shape[0] * input_shape[1], width), nn.ReLU(), nn.Linear(width, classes)
        )


def test_the_network_of_a_space_of_ones_own_is_drawn():
    made = plots.network(Own().architecture((1,)), (1, 40), 10)
    assert {"input", "linear", "1×40", "328", "90", "418"} <= set(texts(made))


# The difference -------------------------------------------------------------------------------------


def signs(drawing: Drawing) -> list[str]:
    found = [text.text[0] for text in of_kind(drawing, Text) if not text.name.startswith(("legend", "sign"))]
    return sorted(sign for sign in found if sign in MARKS)


@pytest.mark.parametrize("style", STYLES)
def test_what_differs_has_a_sign_and_a_halo(style):
    made = plots.difference(CELL, CELLS.architecture((3, 1, 2, 0, 2, 3)), style=style)
    check(made)
    assert signs(made) == [CHANGED, CHANGED]
    halos = [stroke for stroke in of_kind(made, Stroke) if stroke.name.startswith(CHANGED)]
    assert {stroke.name for stroke in halos} == {f"{CHANGED} {name}: 0→{name}: 3" for name in ("first", "second")}
    explained = [text.text for text in of_kind(made, Text) if text.name.startswith(("legend", "sign"))]
    assert explained[-2:] == [CHANGED, "changed"]


def test_a_layer_that_is_new_is_outlined_and_what_went_too():
    first, second = CHAINS.parse("conv3-16-relu > pool"), CHAINS.parse("conv3-16-relu > conv5-8-tanh > pool")
    made = plots.difference(first, second, names=("parent", "child"))
    check(made)
    assert signs(made) == sorted([ADDED, REMOVED])  # the layer, and the edge that it interrupts
    (new,) = [shape for shape in of_kind(made, Shape) if shape.name.startswith(ADDED)]
    others = [shape for shape in of_kind(made, Shape) if shape is not new]
    assert new.line_width > max(shape.line_width for shape in others)
    assert {"parent", "child", "only in parent", "only in child"} <= set(texts(made))
    places = {shape.name.split(": ")[1]: shape.x for shape in others if shape.name.startswith("child")}
    assert places == {shape.name.split(": ")[1]: shape.x for shape in others if shape.name.startswith("parent")}


def test_signs_can_be_told_apart_without_colour():
    assert len({dash for _, dash in MARKS.values()}) == len(set(BANDS.values())) == len(MARKS)
    made = plots.difference(*(CHAINS.sample(np.random.default_rng(seed)) for seed in (0, 1)), style="print")
    for item in made.items:
        for color in re.findall("#[0-9a-f]{6}", str(item)):
            assert color[1:3] == color[3:5] == color[5:7], item


@pytest.mark.parametrize("space", [CELLS, CHAINS, DARTS.space, nas.spaces.NASBench101(), nas.spaces.Graphs()], ids=repr)
def test_differences_of_any_two_are_drawn(space):
    rng = np.random.default_rng(1)
    for _ in range(5):
        first, second = space.sample(rng), space.sample(rng)
        made = plots.difference(first, second)
        assert len(of_kind(made, Shape)) == sum(len(space.diagram(one).nodes) for one in (first, second))
        assert made.description.startswith("The second")
    assert plots.difference(first, first).description == "The second does not differ from the first."


# The string -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "architecture", [CELL, DARTS, CHAINS.sample(np.random.default_rng(3))], ids=["cell", "darts", "chain"]
)
def test_a_string_is_under_its_drawing_whole(architecture, style):
    made = plots.with_string(architecture, style=style)
    picture = plots.drawing_of(architecture, style=style)
    look = style_of(style)
    assert not look.width or (made.size[0] <= look.width + 0.5 and made.size[1] <= look.height + 0.5)
    string = of_kind(made, Text)[len(of_kind(picture, Text)) :]
    assert "".join(text.text for text in string).replace(" ", "") == str(architecture).replace(" ", "")
    lowest = max(text.box[3] for text in of_kind(made, Text) if text not in string)
    assert all(text.box[1] > lowest for text in string)
    for a, b in itertools.combinations(string, 2):
        assert not overlap(a.box, b.box)
    assert all(made.frame[0] <= text.box[0] and text.box[2] <= made.frame[2] + 0.5 for text in string)


def test_a_piece_is_underlined_as_its_edge_is_drawn():
    made = plots.with_string(CELL, highlight=[2])
    lines = {stroke.decision: stroke for stroke in of_kind(made, Stroke) if stroke.decision is not None}
    pieces = {text.decision: text for text in of_kind(made, Text) if text.name.startswith("piece")}
    assert pieces.keys() == set(range(6))
    under = [stroke for stroke in of_kind(made, Stroke) if stroke.start[1] == stroke.end[1] and not stroke.name]
    for decision, piece in pieces.items():
        (line,) = [
            stroke for stroke in under if stroke.start[0] == piece.x and piece.y < stroke.start[1] < piece.box[3] + 6
        ]
        assert (line.color, line.dash) == (lines[decision].color, lines[decision].dash)
    (mark,) = [stroke for stroke in of_kind(made, Stroke) if stroke.name == "changed"]
    assert (mark.start[0], mark.start[1]) == (pieces[2].x, pieces[2].y)


def test_a_string_longer_than_a_line_goes_on_below():
    space = nas.SearchSpace("long", [nas.Decision("x", ("y" * 300, "z"))])
    made = plots.with_string(space.architecture((0,)), style="print")
    rows = {text.y for text in of_kind(made, Text) if text.name.startswith("piece")}
    assert len(rows) > 1 and all(text.box[2] <= made.frame[2] + 0.5 for text in of_kind(made, Text))


# What all of them are -------------------------------------------------------------------------------


def test_a_view_shows_itself_and_is_saved(tmp_path):
    made = plots.difference(CELL, CELLS.architecture((3, 1, 2, 0, 2, 3)))
    data, metadata = made._repr_mimebundle_()
    assert (
        data["text/plain"]
        == repr(made)
        == f"<drawing of {made.size[0]:.0f} × {made.size[1]:.0f} points: first and second>"
    )
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["width"] == pytest.approx(made.size[0], abs=1)
    for ending in ("svg", "png", "pdf", "tex"):
        plots.save(made, tmp_path / f"difference.{ending}")
    assert "≠ none" in (tmp_path / "difference.svg").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="must end in"):
        plots.save(made, tmp_path / "difference.dot")
    assert sorted(text.get_text() for text in plots.draw(made).texts) == sorted(texts(made))
    with pytest.raises(TypeError):
        plots.save(made, tmp_path / "difference.svg", style="print")  # a drawing has its style


# The supernet ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("architecture", [CELL, DARTS], ids=["cell", "darts"])
def test_a_supernet_names_the_heaviest_operation_of_each_edge(architecture, style):
    rng = np.random.default_rng(0)
    edges = [edge for edge in architecture.space.diagram(architecture).edges if edge.operation]
    names = architecture.space.decisions[1].options[:5]
    weights = {(e.source, e.target): dict(zip(names, rng.dirichlet(np.ones(5)), strict=True)) for e in edges}
    made = plots.drawing_of(architecture, weights=weights, style=style, labels=True)
    shown = texts(made)
    for shares in weights.values():
        heaviest = max(shares, key=lambda name: shares[name])
        assert style_of(style).written(f"{heaviest} {shares[heaviest]:.0%}") in shown
    weighted = [stroke for stroke in of_kind(made, Stroke) if any(stroke.name.endswith(f" {name}") for name in names)]
    assert len(weighted) == 5 * len(weights)
