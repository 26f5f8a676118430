"""The network of an architecture as a drawing: its blocks from input to logits, with shapes, weights and FLOPs.

The blocks are found by running the network once without numbers (``nasedu.networks.blocks``), so every space whose
architectures can be built is drawn, a student's own too. Several blocks of one kind in a row are one box with ×N;
an arc beside the boxes is an input from further back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nasedu.core import Architecture
from nasedu.plots.architecture import drawing_of
from nasedu.plots.drawing import Drawing, Item, Shape, Stroke, Text, beside, stacked
from nasedu.plots.layout import ARROW, LABEL_TEXT, NODE_TEXT
from nasedu.plots.styles import Style, style_of
from nasedu.plots.text import text_width

if TYPE_CHECKING:
    from nasedu.networks.blocks import Block

__all__ = ["network"]

BOX, STEP, MARGIN = 24.0, 38.0, 8.0  # points: height of a box, from one row to the next, around everything
GAP, LANE, BEHIND = 20.0, 13.0, 3.0  # between columns; between arcs; of the box behind a box with ×N
LINE = 16.0  # from one line of text to the next
HEADS = ("", "output", "parameters", "FLOPs")
NOTE = "a multiply-add is two FLOPs"
PREFIXES = ("", " k", " M", " G", " T")


class Row(NamedTuple):
    """A box and what is written beside it."""

    label: str
    times: int
    measures: tuple[str, str, str]
    sources: tuple[int, ...]  # rows


def network(
    architecture: Architecture,
    input_shape: Sequence[int],
    classes: int,
    *,
    channels: int = 8,
    cells: int = 1,
    style: str = "light",
    down: bool = True,
    with_architecture: bool = False,
    **options: Any,
) -> Drawing:
    """Return a drawing of the network that ``nas.networks.build`` makes of these arguments.

    Args:
        architecture: of a space whose networks can be built.
        input_shape: and the three that follow: as for :func:`nasedu.networks.build`.
        classes: see there.
        channels: see there.
        cells: see there.
        style: as for :func:`drawing_of`.
        down: from top to bottom, the measures beside the boxes; or from left to right, and below them.
        with_architecture: draw the architecture, such as its cells, too: beside the network, or above where the
            network reads to the right or the page is a column.
        options: as for :func:`nasedu.networks.build`.

    Raises:
        ValueError: the network cannot be built, or the style is unknown.
        TypeError: the space's network has no such option.

    Example:
        >>> import nasedu as nas
        >>> cell = nas.spaces.NASBench201().architecture((3, 0, 1, 4, 2, 3))
        >>> print(network(cell, (3, 32, 32), 10, channels=16, cells=5, skeleton="published").description[:60])
        Input 3×32×32, stem to 16×32×32, cell ×5 to 16×32×32, residu
    """
    from nasedu.networks import build
    from nasedu.networks.blocks import blocks

    look = style_of(style)
    rng = np.random.default_rng(0)  # what the weights are is not looked at
    made = build(architecture, input_shape, classes, rng=rng, channels=channels, cells=cells, **options)
    drawing = blocks_drawing(blocks(made, input_shape), tuple(input_shape), look, down)
    if with_architecture:
        parts = [drawing_of(architecture, style=style), drawing]
        drawing = beside(parts, GAP) if down and look.width >= look.height else stacked(parts, GAP)
        drawing = drawing.scaled(replace(look, enlarged=1.0).scale(*drawing.size))  # both have the style's size
    return replace(drawing, title=f"The network of {architecture}")


def blocks_drawing(found: Sequence[Block], input_shape: tuple[int, ...], look: Style, down: bool = True) -> Drawing:
    """Return the drawing of blocks, with what they measure."""
    rows = _rows(found, input_shape)
    total = Row("in all", 1, ("", f"{sum(b.parameters for b in found):,}", _count(sum(b.flops for b in found))), ())
    items, frame = (_downwards if down else _to_the_right)(rows, total, look)
    described = ", ".join(f"{row.label} to {row.measures[0]}" for row in rows[1:])
    description = (
        f"Input {rows[0].measures[0]}, {described}. {total.measures[1]} parameters, {total.measures[2]} FLOPs."
    )
    made = Drawing(tuple(items), frame, look.paper, description=description)
    return made.scaled(look.scale(*made.size))


def _rows(found: Sequence[Block], input_shape: tuple[int, ...]) -> list[Row]:
    rows = [Row("input", 1, ("×".join(map(str, input_shape)), "", ""), ())]
    for block in found:
        label = f"{block.name} ×{block.count}" if block.count > 1 else block.name
        parameters = f"{block.parameters:,}" if block.parameters else "–"
        measures = "×".join(map(str, block.shape)), parameters, _count(block.flops) if block.flops else "–"
        rows.append(Row(label, block.count, measures, tuple(source + 1 for source in block.sources)))
    return rows


def _count(number: float) -> str:
    """Return a number with three digits and a prefix: 313 M."""
    power = 0
    while number >= 999.5 and power < len(PREFIXES) - 1:
        number, power = number / 1000, power + 1
    return f"{number:.3g}{PREFIXES[power]}"


def _lanes(rows: Sequence[Row]) -> dict[tuple[int, int], int]:
    """Return the inputs from further back than the row before, by their two rows, and which lane is free for each."""
    spans = [(source, place) for place, row in enumerate(rows) for source in row.sources if place - source > 1]
    lanes: dict[tuple[int, int], int] = {}
    for span in sorted(spans, key=lambda span: span[1] - span[0]):
        taken = {lane for other, lane in lanes.items() if span[0] < other[1] and other[0] < span[1]}
        lanes[span] = min(set(range(len(taken) + 1)) - taken)
    return lanes


def _box(x: float, y: float, width: float, row: Row, kind: str, look: Style) -> list[Item]:
    fill, line = look.node(kind)
    width_of_line = 1.3 * look.bold
    shifts = [BEHIND, 0.0] if row.times > 1 else [0.0]
    boxes = [
        Shape(x + by, y - by, width, BOX, 6.0, fill, line, width_of_line, name=row.label if by == 0 else "")
        for by in shifts
    ]
    return [*boxes, Text(x, y, row.label, NODE_TEXT, look.ink, name=f"text {row.label}")]


def _arrow(start: tuple[float, float], control: tuple[float, float], end: tuple[float, float], look: Style) -> Stroke:
    return Stroke(start, control, end, look.quiet, 1.3 * look.bold, arrow=0.8 * ARROW)


def _kind(place: int, rows: Sequence[Row]) -> str:
    return "input" if place == 0 else "output" if place == len(rows) - 1 else "operation"


def _downwards(rows: Sequence[Row], total: Row, look: Style) -> tuple[list[Item], tuple[float, float, float, float]]:
    width = max(text_width(row.label, NODE_TEXT) for row in rows) + 24
    lanes = _lanes(rows)
    left = MARGIN + LANE * (1 + max(lanes.values(), default=-1))
    x, top = left + width / 2, MARGIN + LINE + BOX / 2
    ys = [top + STEP * place for place in range(len(rows))]
    items: list[Item] = []
    for (source, target), lane in lanes.items():
        start, end = (left, ys[source] + BOX / 4), (left - 1, ys[target] - BOX / 4)
        items.append(_arrow(start, (left - 2 * LANE * (lane + 1), (start[1] + end[1]) / 2), end, look))
    for place, row in enumerate(rows):
        if place - 1 in row.sources:
            behind = BEHIND if row.times > 1 else 0.0
            start, end = (x, ys[place - 1] + BOX / 2), (x, ys[place] - BOX / 2 - behind - 1)
            items.append(_arrow(start, (x, (start[1] + end[1]) / 2), end, look))
        items += _box(x, ys[place], width, row, _kind(place, rows), look)
    right = left + width + BEHIND
    for column, head in enumerate(HEADS[1:]):
        texts = [row.measures[column] for row in (*rows, total)]
        right += GAP + max(text_width(text, LABEL_TEXT, bold=True) for text in (head, *texts))
        items.append(Text(right, MARGIN + LINE / 2 - 2, head, LABEL_TEXT, look.quiet, "end"))
        for y, text in zip([*ys, ys[-1] + STEP - 6], texts, strict=True):
            items.append(Text(right, y, text, LABEL_TEXT, look.ink, "end", bold=y > ys[-1]))
    y = ys[-1] + STEP - 6
    items.append(Text(left, y, total.label, LABEL_TEXT, look.ink, "start", bold=True))
    items.append(Text(right, y + LINE, NOTE, LABEL_TEXT, look.quiet, "end"))
    return items, (0.0, 0.0, right + MARGIN, y + LINE + 8 + MARGIN)


def _to_the_right(rows: Sequence[Row], total: Row, look: Style) -> tuple[list[Item], tuple[float, float, float, float]]:
    lanes = _lanes(rows)
    y = MARGIN + LANE * (1 + max(lanes.values(), default=-1)) + BOX / 2 + BEHIND
    below = [y + BOX / 2 + 4 + LINE * (line + 0.5) for line in range(3)]
    items: list[Item] = []
    heads = max(text_width(head, LABEL_TEXT) for head in HEADS)
    for head, level in zip(HEADS[1:], below, strict=True):
        items.append(Text(MARGIN + heads, level, head, LABEL_TEXT, look.quiet, "end"))
    right = MARGIN + heads
    places: list[tuple[float, float]] = []  # of the boxes, their left and right ends
    for place, row in enumerate(rows):
        box = text_width(row.label, NODE_TEXT) + 20
        column = max(box + BEHIND, *(text_width(text, LABEL_TEXT) for text in row.measures))
        middle = right + GAP + column / 2
        places.append((middle - box / 2, middle + box / 2))
        if place - 1 in row.sources:
            start, end = (places[-2][1], y), (places[-1][0] - 1, y)
            items.append(_arrow(start, ((start[0] + end[0]) / 2, y), end, look))
        items += _box(middle, y, box, row, _kind(place, rows), look)
        for text, level in zip(row.measures, below, strict=True):
            items.append(Text(middle, level, text, LABEL_TEXT, look.ink))
        right += GAP + column
    for (source, target), lane in lanes.items():
        start = places[source][0] + 0.75 * (places[source][1] - places[source][0]), y - BOX / 2 - BEHIND
        end = places[target][0] + 0.25 * (places[target][1] - places[target][0]), y - BOX / 2 - BEHIND - 1
        items.append(_arrow(start, ((start[0] + end[0]) / 2, start[1] - 2 * LANE * (lane + 1)), end, look))
    right += GAP
    texts = (total.label, *total.measures[1:])
    column = max(text_width(text, LABEL_TEXT, bold=True) for text in texts)
    for text, level in zip(texts, below, strict=True):
        items.append(Text(right + column, level, text, LABEL_TEXT, look.ink, "end", bold=True))
    right += column
    items.append(Text(right, below[-1] + LINE, NOTE, LABEL_TEXT, look.quiet, "end"))
    return items, (0.0, 0.0, right + MARGIN, below[-1] + LINE + 8 + MARGIN)
