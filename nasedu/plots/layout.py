"""From a diagram's coordinates to boxes, curves and places for labels, in points; y grows downwards.

The coordinates come with the diagram. Here the unit is chosen, edges are bent and cut at the outlines
of their nodes, and every label looks for a place on its edge where it covers nothing (``labels.py``);
where there is none, the unit grows.

The interactive drawing is another program (``geometry.ts``). Both take a diagram's coordinates as they
are, bend an edge by the same rule (its middle moves by ``bend`` to the left of its direction), draw
nodes with one or two letters round and cut edges at outlines. Units, sizes of text and boxes, how groups
are kept apart and where labels go are each one's own, so the two agree in shape, not point for point.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from nasedu.core import Diagram, Node
from nasedu.plots.labels import GAP, LABEL_HEIGHT, LABEL_TEXT, Box, Curve, place_labels
from nasedu.plots.text import text_width
from nasedu.spaces.layered import NODE, WIDTHS

__all__ = [
    "ARROW",
    "LABEL_TEXT",
    "NODE_TEXT",
    "TITLE_TEXT",
    "Box",
    "Curve",
    "EdgeLine",
    "NodeBox",
    "Picture",
    "lay_out",
]

NODE_TEXT = 11.0
TITLE_TEXT = 12.0
ARROW = 8.0
UNIT = 84.0  # points for one step of a diagram, at least
FLATTER = 0.8  # one step downwards is this much of a step to the right
GROWTH, MAX_UNIT = 1.08, 2.5
NODE_HEIGHT = 26.0
MARGIN = 8.0


@dataclass(frozen=True, slots=True)
class NodeBox:
    """A node's place; round ones are circles of the box's width. ``text`` is what is written in it."""

    id: str
    label: str
    kind: str
    group: str
    box: Box
    round: bool
    decision: int | None = None
    text: str = ""

    def contains(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Say whether a point lies inside the outline, or within a margin of it."""
        dx, dy = abs(x - self.box.x), abs(y - self.box.y)
        if self.round:
            return math.hypot(dx, dy) <= self.box.width / 2 + margin
        return dx <= self.box.width / 2 + margin and dy <= self.box.height / 2 + margin


@dataclass(frozen=True, slots=True)
class EdgeLine:
    """An edge's curve between the outlines of its nodes, and where its operation is written."""

    source: str
    target: str
    operation: str
    decision: int | None
    curve: Curve
    text: str = ""
    label: Box | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything to draw, in the order of the diagram, and the frame around it: left, top, right, bottom."""

    nodes: tuple[NodeBox, ...]
    edges: tuple[EdgeLine, ...]
    titles: tuple[tuple[float, float, str], ...]
    frame: tuple[float, float, float, float]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in points."""
        left, top, right, bottom = self.frame
        return right - left, bottom - top


def lay_out(
    diagram: Diagram,
    texts: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    *,
    beside: float = 0.0,
    tight: bool = False,
) -> Picture:
    """Lay out a diagram.

    Args:
        diagram: its nodes have coordinates.
        texts: what is written on each edge; its operation if None.
        labels: what is written in each node; its label if None.
        beside: points of every labelled edge that must stay visible beside its label.
        tight: take no more width than the nodes need.
    """
    texts = [edge.operation for edge in diagram.edges] if texts is None else texts
    labels = [node.label for node in diagram.nodes] if labels is None else labels
    sizes = [_node_size(node.kind, label) for node, label in zip(diagram.nodes, labels, strict=True)]
    across, down = _least_unit(diagram, texts, [width for width, _ in sizes], beside, 0.0 if tight else UNIT), UNIT
    while True:
        picture, covered = _at_unit(diagram, texts, labels, sizes, across, FLATTER * down)
        if covered < 1.0 or across > MAX_UNIT * UNIT:
            return picture
        across, down = across * GROWTH, down * GROWTH


def _node_size(kind: str, label: str) -> tuple[float, bool]:
    """Return the width of a node and whether it is round."""
    is_round = kind != "operation" and len(label) <= 2
    return (NODE_HEIGHT if is_round else text_width(label, NODE_TEXT) + 16), is_round


def _least_unit(diagram: Diagram, texts: Sequence[str], widths: Sequence[float], beside: float, least: float) -> float:
    """Return the points per step that neighbouring boxes in a row need, with a label on the edge between them.

    Where edges bow sideways past boxes, these must not be wider than the bend supposes.
    """
    index = {node.id: place for place, node in enumerate(diagram.nodes)}
    needed = [width / WIDTHS.get(node.kind, NODE) for node, width in zip(diagram.nodes, widths, strict=True)]
    unit = max([least, *needed])
    if not any(
        _bows_aside(diagram.nodes[index[e.source]], diagram.nodes[index[e.target]], e.bend) for e in diagram.edges
    ):
        unit = min(unit, UNIT)
    for edge, text in zip(diagram.edges, texts, strict=True):
        one, other = index[edge.source], index[edge.target]
        a, b = diagram.nodes[one], diagram.nodes[other]
        along = abs(b.x - a.x)
        is_flat = abs(b.y - a.y) * UNIT * FLATTER < 2 * LABEL_HEIGHT and abs(edge.bend) < 0.2
        if least and text and is_flat:  # half of it stays visible
            twice = 2 * (text_width(text, LABEL_TEXT) + 2 * GAP)
            unit = max(unit, ((widths[one] + widths[other]) / 2 + twice) / (along or 1.0))
        if along < 0.3 or abs(b.y - a.y) > 0.25 * along:
            continue
        label = text_width(text, LABEL_TEXT) + 2 * GAP + beside if text and abs(edge.bend) < 0.2 else 0.0
        unit = max(unit, ((widths[one] + widths[other]) / 2 + 1.8 * ARROW + label) / along)
    for one, a in enumerate(diagram.nodes):  # boxes side by side
        for other, b in enumerate(diagram.nodes[:one]):
            if abs(b.x - a.x) > 0.1 and abs(b.y - a.y) * UNIT * FLATTER < NODE_HEIGHT + GAP:
                unit = max(unit, ((widths[one] + widths[other]) / 2 + ARROW) / abs(b.x - a.x))
    return min(unit, MAX_UNIT * UNIT)


def _bows_aside(source: Node, target: Node, bend: float) -> bool:
    return bend != 0 and abs(target.y - source.y) > abs(target.x - source.x)


def _at_unit(
    diagram: Diagram, texts: Sequence[str], labels: Sequence[str], sizes: Sequence[tuple[float, bool]],
    across: float, down: float,
) -> tuple[Picture, float]:  # fmt: skip
    """Return the picture at these points per step, and how much its labels cover of nodes and of each other."""
    nodes = {
        node.id: NodeBox(
            node.id, node.label, node.kind, node.group, Box(node.x * across, node.y * down, width, NODE_HEIGHT),
            is_round, node.decision, label,
        )
        for node, label, (width, is_round) in zip(diagram.nodes, labels, sizes, strict=True)
    }  # fmt: skip
    boxes = tuple(nodes.values())
    lines = []
    for edge, text in zip(diagram.edges, texts, strict=True):
        source, target = nodes[edge.source], nodes[edge.target]
        curve = _trim(_curve(source.box, target.box, edge.bend, across, down), source, target)
        lines.append(EdgeLine(edge.source, edge.target, edge.operation, edge.decision, curve, text))
    places, covered = place_labels([line.curve for line in lines], texts, [node.box for node in boxes])
    placed = tuple(replace(line, label=place) for line, place in zip(lines, places, strict=True))
    titles = _titles(boxes, placed)
    return Picture(boxes, placed, titles, _frame(boxes, placed, titles)), covered


def _curve(start: Box, end: Box, bend: float, across: float, down: float) -> Curve:
    """Return the curve from centre to centre, its middle moved by ``bend`` to the left of its direction.

    y grows downwards, so left of (1, 0) is (0, -1); the middle of a quadratic curve lies half-way to its control point.
    """
    dx, dy = (end.x - start.x) / across, (end.y - start.y) / down
    length = math.hypot(dx, dy) or 1.0
    control = (
        (start.x + end.x) / 2 + 2 * bend * dy / length * across,
        (start.y + end.y) / 2 - 2 * bend * dx / length * down,
    )
    return Curve((start.x, start.y), control, (end.x, end.y))


def _trim(curve: Curve, source: NodeBox, target: NodeBox) -> Curve:
    """Return the part of the curve between the outlines of its two nodes."""
    return curve.part(_crossing(curve, source, 0.0), _crossing(curve, target, 1.0))


def _crossing(curve: Curve, node: NodeBox, inside: float) -> float:
    """Return the parameter at which the curve leaves the node, by bisection from its middle."""
    outside = 0.5
    if node.contains(*curve.at(outside), 1.0):
        return inside
    for _ in range(16):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if node.contains(*curve.at(middle), 1.0) else (inside, middle)
    return outside


def _titles(nodes: Sequence[NodeBox], lines: Sequence[EdgeLine]) -> tuple[tuple[float, float, str], ...]:
    """Return the place of each group's name: above all that belongs to it."""
    titles = []
    for group in dict.fromkeys(node.group for node in nodes if node.group):
        own = [node for node in nodes if node.group == group]
        ids = {node.id for node in own}
        boxes = [node.box for node in own] + [
            box for line in lines if line.source in ids and line.target in ids for box in _boxes(line)
        ]
        left = min(node.box.x - node.box.width / 2 for node in own)
        titles.append((left, min(box.y - box.height / 2 for box in boxes) - TITLE_TEXT, group))
    return tuple(titles)


def _boxes(line: EdgeLine) -> list[Box]:
    """Return boxes that together hold the edge, its arrow and its label."""
    points = [Box(*line.curve.at(step / 16), 8, 8) for step in range(17)]
    return [*points, line.label] if line.label else points


def _frame(
    nodes: Collection[NodeBox], lines: Collection[EdgeLine], titles: tuple[tuple[float, float, str], ...]
) -> tuple[float, float, float, float]:
    boxes = [node.box for node in nodes] + [box for line in lines for box in _boxes(line)]
    for x, y, text in titles:
        width = text_width(text, TITLE_TEXT, bold=True)
        boxes.append(Box(x + width / 2, y, width, TITLE_TEXT + 4))
    if not boxes:
        return (0.0, 0.0, 2 * MARGIN, 2 * MARGIN)
    return (
        min(box.x - box.width / 2 for box in boxes) - MARGIN,
        min(box.y - box.height / 2 for box in boxes) - MARGIN,
        max(box.x + box.width / 2 for box in boxes) + MARGIN,
        max(box.y + box.height / 2 for box in boxes) + MARGIN,
    )
