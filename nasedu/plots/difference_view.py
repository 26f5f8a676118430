"""The drawing of a difference: two architectures in one layout, with a sign at everything that only one of them has.

    −  only in the first        dotted, narrow
    +  only in the second       solid
    ≠  in both, but changed     dashed, wide

The signs, and width and dashes of the bands behind them, say it in grey; colours say it again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from nasedu.core import Architecture, Diagram, Edge, Node
from nasedu.plots.architecture import diagram_of
from nasedu.plots.comparison import ADDED, CHANGED, REMOVED, Difference, Marks, compare
from nasedu.plots.drawing import Drawing, Item, Shape, Stroke, Text, stacked
from nasedu.plots.layout import LABEL_TEXT, NODE_TEXT, UNIT, Picture, lay_out
from nasedu.plots.legend import legend
from nasedu.plots.painting import painted
from nasedu.plots.styles import Style, style_of
from nasedu.plots.text import text_width

if TYPE_CHECKING:
    import networkx

__all__ = ["difference"]

OUTLINE = 3.0  # points
MARKS = {REMOVED: ("incumbent", (1.0, 0.6)), ADDED: ("selected", ()), CHANGED: ("changed", (1.4, 0.4))}
BANDS = {REMOVED: 6.0, ADDED: 9.0, CHANGED: 13.0}  # points: how wide what lies behind an edge is
ROOM = 1.1  # steps between the two
SWATCH, MARGIN = 46.0, 8.0  # points


class Way(NamedTuple):
    """A way to draw: whether operations are named on edges, whether it reads downwards, and whether close together."""

    labels: bool
    down: bool
    tight: bool


WAYS = (
    Way(True, False, False),
    Way(True, False, True),
    Way(True, True, True),
    Way(False, False, True),
    Way(False, True, True),
)


def difference(
    first: Architecture | Diagram | networkx.DiGraph,
    second: Architecture | Diagram | networkx.DiGraph,
    *,
    names: tuple[str, str] = ("first", "second"),
    style: str = "light",
) -> Drawing:
    """Return a drawing of both architectures, one below the other or side by side, with what differs marked.

    Args:
        first: an architecture, a diagram or a graph.
        second: another; of the same space or not.
        names: what the two are called above their drawings.
        style: as for :func:`drawing_of`.

    Raises:
        ValueError: there is no such style.
        TypeError: one of them is nothing that can be drawn.

    Example:
        >>> import nasedu as nas
        >>> space = nas.spaces.NASBench201()
        >>> first, second = space.architecture((3, 0, 1, 4, 2, 3)), space.architecture((3, 0, 1, 1, 2, 3))
        >>> print(difference(first, second).description)
        The second differs from the first in 1 place: 1 changed.
    """
    look = style_of(style)
    found = compare(diagram_of(first), diagram_of(second))
    best: tuple[float, Drawing] | None = None
    for way in WAYS:
        made = _drawing(found, names, look, way)
        made = made.scaled(look.scale(*made.size))
        text = min(item.size for item in made.items if isinstance(item, Text))
        if best is None or text > best[0]:
            best = text, made
        if text >= look.least_text:
            break
    assert best is not None
    return replace(best[1], title=f"{names[0]} and {names[1]}", description=_described(found))


def _drawing(found: Difference, names: tuple[str, str], look: Style, way: Way) -> Drawing:
    if way.down or not way.labels:
        found = found.arranged(down=way.down, labels=way.labels)
    groups = dict.fromkeys(node.group for node in (*found.first.nodes, *found.second.nodes))
    parts = [_group(found, group, names, look, way) for group in groups]
    operations = [edge.operation for edge in (*found.first.edges, *found.second.edges) if edge.operation]
    if operations and not way.labels:
        parts.append(legend(operations, look, max(part.size[0] for part in parts)))
    used = {
        sign
        for mark in (found.first_marks, found.second_marks)
        for sign in (*mark.nodes.values(), *mark.edges.values())
    }
    return stacked([*parts, _legend([sign for sign in MARKS if sign in used], names, look)])


def _group(found: Difference, group: str, names: tuple[str, str], look: Style, way: Way) -> Drawing:
    """Return the drawing of one group of both."""
    both, signs = _together(found, group, names, way.down)
    written = [look.written(edge.operation) if way.labels else "" for edge in both.edges]
    texts = [f"{signs.edges.get(place, '')} {text}".strip() for place, text in enumerate(written)]
    labels = [look.written(node.label) if node.kind == "operation" else node.label for node in both.nodes]
    labels = [f"{signs.nodes.get(n.id, '')} {label}".strip() for n, label in zip(both.nodes, labels, strict=True)]
    picture = lay_out(both, texts, labels, tight=way.tight)
    made = painted(picture, look)
    items = [*_halos(picture, signs.edges, look), *(_outlined(item, signs.nodes, look) for item in made.items)]
    return replace(made, items=tuple(items))


def _described(found: Difference) -> str:
    marks = [found.first_marks, found.second_marks]
    signs = [sign for mark in marks for sign in (*mark.nodes.values(), *mark.edges.values())]
    counts = {"removed": signs.count(REMOVED), "added": signs.count(ADDED), "changed": signs.count(CHANGED) // 2}
    if not found.count:
        return "The second does not differ from the first."
    parts = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return f"The second differs from the first in {found.count} place{'s' * (found.count != 1)}: {parts}."


# Both in one diagram ------------------------------------------------------------------------------


def _together(found: Difference, group: str, names: tuple[str, str], down: bool) -> tuple[Diagram, Marks]:
    """Return one diagram of a group of both, the second below or beside the first, and the signs in it."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    node_signs: dict[str, str] = {}
    edge_signs: dict[int, str] = {}
    width, height = _room(found, group)
    boxes = max(ROOM, 0.4 + max(text_width(node.label, NODE_TEXT) for node in found.first.nodes) / UNIT)
    for name, diagram, marks in zip(
        names, (found.first, found.second), (found.first_marks, found.second_marks), strict=True
    ):
        is_upright = down or height > width
        aside, below = ((width + boxes, 0.0) if is_upright else (0.0, height + ROOM)) if nodes else (0.0, 0.0)
        own = {node.id for node in diagram.nodes if node.group == group}
        for node in diagram.nodes:
            if node.id in own:
                title, identity = f"{name}: {group}" if group else name, f"{name}: {node.id}"
                nodes.append(replace(node, id=identity, group=title, x=node.x + aside, y=node.y + below))
                node_signs |= {identity: marks.nodes[node.id]} if node.id in marks.nodes else {}
        for place, edge in enumerate(diagram.edges):
            if edge.source in own:
                edge_signs |= {len(edges): marks.edges[place]} if place in marks.edges else {}
                edges.append(replace(edge, source=f"{name}: {edge.source}", target=f"{name}: {edge.target}"))
    return Diagram(tuple(nodes), tuple(edges)), Marks(node_signs, edge_signs)


def _room(found: Difference, group: str) -> tuple[float, float]:
    """Return width and height of a group in steps: its nodes in either diagram, and edges that bend beyond them."""
    points: list[tuple[float, float]] = []
    for diagram in (found.first, found.second):
        own = {node.id: (node.x, node.y) for node in diagram.nodes if node.group == group}
        points += own.values()
        points += [
            _middle(own[edge.source], own[edge.target], edge.bend) for edge in diagram.edges if edge.source in own
        ]
    xs, ys = zip(*points, strict=True)
    return max(xs) - min(xs), max(ys) - min(ys)


def _middle(start: tuple[float, float], end: tuple[float, float], bend: float) -> tuple[float, float]:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy) or 1.0
    return (start[0] + end[0]) / 2 + bend * dy / length, (start[1] + end[1]) / 2 - bend * dx / length


# Marks --------------------------------------------------------------------------------------------


def _halos(picture: Picture, signs: Mapping[int, str], look: Style) -> Iterator[Stroke]:
    """Yield what lies behind the edges that are marked."""
    for index, sign in signs.items():
        edge = picture.edges[index]
        mark, dash = MARKS[sign]
        ends = edge.curve.start, edge.curve.control, edge.curve.end
        name = f"{sign} {edge.source}→{edge.target}"
        yield Stroke(*ends, look.mark(mark), BANDS[sign] * look.bold, dash, opacity=0.35, name=name)


def _outlined(item: Item, signs: Mapping[str, str], look: Style) -> Item:
    """Return a node's box with the outline of its mark, a sign that stands alone in ink, anything else as it is."""
    if isinstance(item, Text) and item.text in MARKS:
        return replace(item, color=look.ink)
    if not isinstance(item, Shape) or item.name not in signs:
        return item
    mark, dash = MARKS[signs[item.name]]
    return replace(
        item, line=look.mark(mark), dash=dash, line_width=OUTLINE * look.bold, name=f"{signs[item.name]} {item.name}"
    )


def _legend(signs: list[str], names: tuple[str, str], look: Style) -> Drawing:
    """Return what the signs mean."""
    said = {REMOVED: f"only in {names[0]}", ADDED: f"only in {names[1]}", CHANGED: "changed"}
    items: list[Item] = []
    x, y = MARGIN, 8.0
    for sign in signs:
        mark, dash = MARKS[sign]
        color = look.mark(mark)
        band, text = BANDS[sign] * look.bold, said[sign]
        items.append(Stroke((x, y), (x + SWATCH / 2, y), (x + SWATCH, y), color, band, dash, opacity=0.35))
        items.append(Text(x + SWATCH / 2, y, sign, LABEL_TEXT, look.ink, back=look.paper, name=f"sign {sign}"))
        items.append(Text(x + SWATCH + 6, y, text, LABEL_TEXT, look.ink, "start", name=f"legend {sign}"))
        x += SWATCH + 6 + text_width(text, LABEL_TEXT) + 18
    return Drawing(tuple(items), (0.0, 0.0, x - 18 + MARGIN, 16.0 + MARGIN if signs else 0.0), look.paper)
