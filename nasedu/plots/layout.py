"""From a diagram's coordinates to boxes, curves and places for labels, in points; y grows downwards.

The coordinates come with the diagram. Here the unit is chosen, edges are bent and cut at the outlines
of their nodes, and every label looks for a place on its edge where it covers nothing; where there is
none, the unit grows.

The interactive drawing is another program (``geometry.ts``). Both take a diagram's coordinates as they
are, bend an edge by the same rule (its middle moves by ``bend`` to the left of its direction), draw
nodes with one or two letters round and cut edges at outlines. Units, sizes of text and boxes, how groups
are kept apart and where labels go are each one's own, so the two agree in shape, not point for point.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import networkx

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
    "mathtext",
]

NODE_TEXT = 11.0
LABEL_TEXT = 10.0
TITLE_TEXT = 12.0
ARROW = 8.0
UNIT = 84.0  # points for one step of a diagram, at least
FLATTER = 0.8  # one step across the flow is this much of a step along it
GROWTH, MAX_UNIT = 1.08, 2.5
NODE_HEIGHT = 26.0
LABEL_HEIGHT = 14.0
TITLE_HEIGHT = 24.0
GAP = 3.0  # between a label and anything else
WEIGHED = 30.0  # how much of an edge of several operations stays visible beside its label
MARGIN = 8.0
PLACES = np.array(sorted(np.linspace(0.12, 0.88, 39), key=lambda t: abs(t - 0.5)))
SAMPLES = np.linspace(0, 1, 33)

Array = np.ndarray[Any, np.dtype[np.float64]]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its centre."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class NodeBox:
    """A node's place; round ones are circles of the box's width."""

    id: str
    label: str
    kind: str
    group: str
    box: Box
    round: bool

    def contains(self, point: Array, margin: float) -> bool:
        """Say whether a point lies inside the outline, or within a margin of it."""
        dx, dy = abs(point[0] - self.box.x), abs(point[1] - self.box.y)
        if self.round:
            return math.hypot(dx, dy) <= self.box.width / 2 + margin
        return bool(dx <= self.box.width / 2 + margin and dy <= self.box.height / 2 + margin)


@dataclass(frozen=True, slots=True)
class Curve:
    """A quadratic curve."""

    start: Point
    control: Point
    end: Point

    def at(self, t: float | Array) -> Array:
        """Return the points at the parameters ``t``, 0 the start and 1 the end: ``[..., 2]``."""
        t = np.asarray(t)[..., None]
        return np.asarray(
            (1 - t) ** 2 * np.array(self.start) + 2 * t * (1 - t) * np.array(self.control) + t**2 * np.array(self.end)
        )


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
    """Everything to draw, and the frame around it: left, top, right, bottom."""

    nodes: tuple[NodeBox, ...]
    edges: tuple[EdgeLine, ...]
    titles: tuple[tuple[float, float, str], ...]
    frame: tuple[float, float, float, float]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in points."""
        left, top, right, bottom = self.frame
        return right - left, bottom - top


def lay_out(graph: networkx.DiGraph, texts: dict[tuple[str, str], str] | None = None) -> Picture:
    """Lay out a graph whose nodes have ``x``, ``y`` and ``label``, as ``SearchSpace.graph`` returns.

    Args:
        graph: nodes may have a kind and a group; edges an operation, a decision and a bend.
        texts: what is written on an edge instead of its operation.
    """
    texts = texts or {}
    unit = _least_unit(graph, texts)
    while True:
        picture, covered = _at_unit(graph, unit, texts)
        if covered < 1.0 or unit > MAX_UNIT * UNIT:
            return picture
        unit *= GROWTH


def mathtext(label: str) -> str:
    """Return a label such as ``c_{k-1}`` as matplotlib's mathtext, any other as it is."""
    name, underscore, index = label.partition("_{")
    return f"${label}$" if underscore and index.endswith("}") and name.isalpha() else label


@cache
def text_width(text: str, size: float) -> float:
    """Return the width of a line of text in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    shown = mathtext(text)
    width, _, _ = text_to_path.get_text_width_height_descent(shown, FontProperties(size=size), shown != text)
    return float(width)


def _node_size(label: str, kind: str) -> tuple[float, float, bool]:
    is_round = kind != "operation" and len(label) <= 2
    return (NODE_HEIGHT if is_round else text_width(label, NODE_TEXT) + 16), NODE_HEIGHT, is_round


def _least_unit(graph: networkx.DiGraph, texts: dict[tuple[str, str], str]) -> float:
    """Return the points per step that neighbouring boxes in a row need, with a label on the edge between them."""
    unit = UNIT
    for source, target, edge in graph.edges(data=True):
        a, b = graph.nodes[source], graph.nodes[target]
        along, across = abs(b["x"] - a["x"]), abs(b["y"] - a["y"])
        if along < 0.3 or across > 0.25 * along:
            continue
        boxes = sum(_node_size(node["label"], node.get("kind", "node"))[0] for node in (a, b)) / 2
        text = texts.get((source, target), edge.get("operation", "")) if abs(edge.get("bend", 0.0)) < 0.2 else ""
        label = text_width(text, LABEL_TEXT) + 2 * GAP + (WEIGHED if (source, target) in texts else 0) if text else 0.0
        unit = max(unit, (boxes + 1.8 * ARROW + label) / along)
    return min(unit, MAX_UNIT * UNIT)


def _at_unit(graph: networkx.DiGraph, unit: float, texts: dict[tuple[str, str], str]) -> tuple[Picture, float]:
    """Return the picture at this unit, and how much its labels cover of nodes and of each other."""
    shifts = _group_shifts(graph, unit * FLATTER)
    nodes = {}
    for name, node in graph.nodes(data=True):
        width, height, is_round = _node_size(node["label"], node.get("kind", "node"))
        group = node.get("group", "")
        box = Box(node["x"] * unit, node["y"] * unit * FLATTER + shifts[group], width, height)
        nodes[name] = NodeBox(name, node["label"], node.get("kind", "node"), group, box, is_round)
    lines = []
    for source, target, edge in graph.edges(data=True):
        curve = _trim(
            _curve(nodes[source].box, nodes[target].box, edge.get("bend", 0.0), unit), nodes[source], nodes[target]
        )
        operation = edge.get("operation", "")
        text = texts.get((source, target), operation)
        lines.append(EdgeLine(source, target, operation, edge.get("decision"), curve, text))
    placed, covered = _place_labels(lines, list(nodes.values()))
    titles = _titles(nodes.values())
    return Picture(tuple(nodes.values()), tuple(placed), titles, _frame(nodes.values(), placed, titles)), covered


def _group_shifts(graph: networkx.DiGraph, unit: float) -> dict[str, float]:
    """Return how far down each group moves, so that groups and their titles do not overlap."""
    rows: dict[str, list[float]] = {}
    for _, node in graph.nodes(data=True):
        rows.setdefault(node.get("group", ""), []).append(node["y"] * unit)
    shifts, free = {}, -math.inf
    for group, ys in sorted(rows.items(), key=lambda item: min(item[1])):
        shifts[group] = max(0.0, free - min(ys)) if len(rows) > 1 else 0.0
        free = max(ys) + shifts[group] + NODE_HEIGHT + TITLE_HEIGHT + 12
    return shifts


def _curve(start: Box, end: Box, bend: float, unit: float) -> Curve:
    """Return the curve from centre to centre, its middle moved by ``bend`` to the left of its direction.

    y grows downwards, so left of (1, 0) is (0, -1); the middle of a quadratic curve lies half-way to its control point.
    """
    dx, dy = (end.x - start.x) / unit, (end.y - start.y) / (unit * FLATTER)
    length = math.hypot(dx, dy) or 1.0
    control = (
        (start.x + end.x) / 2 + 2 * bend * dy / length * unit,
        (start.y + end.y) / 2 - 2 * bend * dx / length * unit * FLATTER,
    )
    return Curve((start.x, start.y), control, (end.x, end.y))


def _trim(curve: Curve, source: NodeBox, target: NodeBox) -> Curve:
    """Return the part of the curve between the outlines of its two nodes."""
    first, last = _crossing(curve, source, 0.0), _crossing(curve, target, 1.0)
    start, control, end = (np.array(point) for point in (curve.start, curve.control, curve.end))
    early, late = start + first * (control - start), control + first * (end - control)
    points = curve.at(first), early + last * (late - early), curve.at(last)
    return Curve(*((float(x), float(y)) for x, y in points))


def _crossing(curve: Curve, node: NodeBox, inside: float) -> float:
    """Return the parameter at which the curve leaves the node, by bisection from its middle."""
    outside = 0.5
    if node.contains(curve.at(outside), 1.0):
        return inside
    for _ in range(20):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if node.contains(curve.at(middle), 1.0) else (inside, middle)
    return outside


def _place_labels(lines: list[EdgeLine], nodes: list[NodeBox]) -> tuple[list[EdgeLine], float]:
    """Give each label the place on its edge where it covers least; return the lines and what is still covered."""
    labelled = [index for index, line in enumerate(lines) if line.text]
    if not labelled:
        return lines, 0.0
    # Short edges have the least choice, so they choose first.
    labelled.sort(key=lambda index: math.dist(lines[index].curve.start, lines[index].curve.end))
    sizes = {i: (text_width(lines[i].text, LABEL_TEXT) + 2 * GAP, LABEL_HEIGHT) for i in labelled}
    points = {i: lines[i].curve.at(PLACES) for i in labelled}
    on_nodes, on_edges = _cost_of_places(lines, nodes, labelled, points, sizes)
    chosen: dict[int, int] = {}
    for _ in range(8):
        before = dict(chosen)
        for i in labelled:
            others = [j for j in chosen if j != i]
            on_labels = _overlaps(points[i], sizes[i], [(points[j][chosen[j]], sizes[j]) for j in others])
            cost = 10 * (on_nodes[i] + on_labels) + on_edges[i] + 60 * np.abs(PLACES - 0.5)
            chosen[i] = int(np.argmin(cost))
        if chosen == before:
            break
    placed, covered = list(lines), 0.0
    for i in labelled:
        x, y = points[i][chosen[i]]
        placed[i] = replace(lines[i], label=Box(float(x), float(y), *sizes[i]))
        rest = [(points[j][chosen[j]], sizes[j]) for j in labelled if j != i]
        covered += float(on_nodes[i][chosen[i]] + _overlaps(points[i][[chosen[i]]], sizes[i], rest)[0])
    return placed, covered


def _cost_of_places(
    lines: list[EdgeLine], nodes: list[NodeBox], labelled: list[int], points: dict[int, Array], sizes: dict[int, Point]
) -> tuple[dict[int, Array], dict[int, Array]]:
    """Return for each label and place the area of nodes that it covers, and a price for lying on edges."""
    boxes = [(np.array([node.box.x, node.box.y]), (node.box.width, node.box.height)) for node in nodes]
    samples = np.array([line.curve.at(SAMPLES) for line in lines])  # [edges, samples, 2]
    tips = samples[:, -1]
    on_nodes, on_edges = {}, {}
    for i in labelled:
        half = np.array(sizes[i]) / 2
        on_nodes[i] = _overlaps(points[i], sizes[i], boxes)
        hits = (np.abs(samples[None] - points[i][:, None, None]) < half).all(-1).sum(-1)  # [places, edges]
        hits[:, i] = 0
        on_tips = (np.abs(tips[None] - points[i][:, None]) < half + ARROW / 2).all(-1).sum(-1)
        on_edges[i] = 25.0 * hits.sum(-1) + 400.0 * on_tips
    return on_nodes, on_edges


def _overlaps(points: Array, size: Point, others: Collection[tuple[Array, Point]]) -> Array:
    """Return for boxes of one size at several points the area that they share with the other boxes."""
    area = np.zeros(len(points))
    for place, other in others:
        shared = (np.array(size) + np.array(other)) / 2 + 1.0 - np.abs(points - place)
        area += np.clip(shared, 0, None).prod(-1)
    return area


def _titles(nodes: Collection[NodeBox]) -> tuple[tuple[float, float, str], ...]:
    titles = []
    for group in dict.fromkeys(node.group for node in nodes if node.group):
        boxes = [node.box for node in nodes if node.group == group]
        left = min(box.x - box.width / 2 for box in boxes)
        titles.append((left, min(box.y for box in boxes) - NODE_HEIGHT / 2 - 14, group))
    return tuple(titles)


def _frame(
    nodes: Collection[NodeBox], lines: list[EdgeLine], titles: tuple[tuple[float, float, str], ...]
) -> tuple[float, float, float, float]:
    boxes = [node.box for node in nodes] + [line.label for line in lines if line.label]
    boxes += [Box(float(x), float(y), 4, 4) for line in lines for x, y in line.curve.at(SAMPLES)]
    for x, y, text in titles:
        width = text_width(text, TITLE_TEXT) * 1.1  # it is bold
        boxes.append(Box(x + width / 2, y, width, TITLE_TEXT + 4))
    if not boxes:
        return (0.0, 0.0, 2 * MARGIN, 2 * MARGIN)
    return (
        min(box.x - box.width / 2 for box in boxes) - MARGIN,
        min(box.y - box.height / 2 for box in boxes) - MARGIN,
        max(box.x + box.width / 2 for box in boxes) + MARGIN,
        max(box.y + box.height / 2 for box in boxes) + MARGIN,
    )
