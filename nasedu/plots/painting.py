"""From a picture's boxes and curves to a drawing in a style: colours, dashes, widths, marks and weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from nasedu.core import NOTHING, Edge, Node
from nasedu.plots.drawing import Drawing, Item, Shape, Stroke, Text
from nasedu.plots.layout import ARROW, LABEL_TEXT, NODE_TEXT, TITLE_TEXT, EdgeLine, NodeBox, Picture
from nasedu.plots.legend import LINE
from nasedu.plots.palette import LineStyle, operation_style
from nasedu.plots.styles import Style

__all__ = ["Weight", "box_style", "edge_name", "painted"]

FAINT = 0.65  # the opacity of none
Weight = float | Mapping[str, float]


def edge_name(edge: Edge | EdgeLine) -> str:
    """Return the name that an edge's items carry."""
    return f"{edge.source}→{edge.target}"


def box_style(node: Node | NodeBox) -> LineStyle | None:
    """Return how the outline of a node's box is drawn that stands for an operation; None for any other node."""
    look = operation_style(node.label)
    return look if node.kind == "operation" and look != operation_style("other") else None


def painted(
    picture: Picture,
    style: Style,
    weights: Mapping[tuple[str, str], Weight] | None = None,
    marked: Collection[str | int] = (),
) -> Drawing:
    """Return the drawing of a picture.

    Args:
        picture: where everything is.
        style: how it looks.
        weights: of edges, by their ends: one for the operation, or one for each of several, side by side.
        marked: what to mark as changed: nodes and edges by their names, and edges by their decisions.
    """
    items: list[Item] = []
    for edge in picture.edges:
        weight = (weights or {}).get((edge.source, edge.target))
        items += _edge(edge, style, _is_marked(edge, marked)) if weight is None else _weighted(edge, weight, style)
    for node in picture.nodes:
        items += _node(node, style, node.id in marked)
    for edge in picture.edges:
        if edge.label is not None:
            items.append(_label(edge, style, _is_marked(edge, marked)))
    items += [Text(x, y, text, TITLE_TEXT, style.ink, "start", bold=True) for x, y, text in picture.titles]
    return Drawing(tuple(items), picture.frame, style.paper)


def _is_marked(edge: EdgeLine, marked: Collection[str | int]) -> bool:
    return edge_name(edge) in marked or (edge.decision is not None and edge.decision in marked)


def _edge(edge: EdgeLine, style: Style, is_marked: bool) -> list[Item]:
    curve, name = edge.curve, edge_name(edge)
    ends = curve.start, curve.control, curve.end
    items: list[Item] = []
    if is_marked:
        items.append(Stroke(*ends, style.mark("changed"), 9.0, opacity=0.3, name=f"changed {name}"))
    look = style.operation(edge.operation) if edge.operation else LineStyle(style.quiet, "solid")
    is_nothing = edge.operation.lower() in NOTHING
    width = (LINE * look.width if edge.operation else 1.2) * style.bold
    opacity = FAINT if is_nothing else 1.0
    items.append(Stroke(*ends, look.color, width, look.pattern, opacity, ARROW, name, edge.decision))
    return items


def _weighted(edge: EdgeLine, weight: Weight, style: Style) -> list[Item]:
    """Return a stroke for each operation, the heavier the wider and the stronger."""
    operations = dict(weight) if isinstance(weight, Mapping) else {edge.operation: float(weight)}
    heaviest = max(operations.values()) or 1.0
    (x0, y0), (x1, y1), (x2, y2) = edge.curve.start, edge.curve.control, edge.curve.end
    length = ((x2 - x0) ** 2 + (y2 - y0) ** 2) ** 0.5 or 1.0
    aside, down = (y2 - y0) / length, (x2 - x0) / length
    items: list[Item] = []
    for index, (operation, share) in enumerate(operations.items()):
        look = style.operation(operation)
        offset = 6.4 * (index - (len(operations) - 1) / 2)  # of the control point, so half of it in the middle
        control = (x1 + offset * aside, y1 - offset * down)
        width, opacity = (0.8 + 4 * share) * style.bold, 0.1 + 0.9 * (share / heaviest) ** 2
        arrow = ARROW if share == heaviest else 0.0
        name = f"{edge_name(edge)} {operation}"
        items.append(
            Stroke((x0, y0), control, (x2, y2), look.color, width, look.pattern, opacity, arrow, name, edge.decision)
        )
    return items


def _node(node: NodeBox, style: Style, is_marked: bool) -> list[Item]:
    box = node.box
    fill, line = style.node(node.kind)
    width, dash = 1.3, tuple[float, ...]()
    if box_style(node):
        look = style.operation(node.label)
        line, dash, width = look.color, look.pattern, 1.6 * look.width
    name = node.id
    if is_marked:
        line, dash, width, name = style.mark("changed"), (), 3.0, f"changed {node.id}"
    radius = box.width / 2 if node.round else 6.0
    return [
        Shape(
            box.x, box.y, box.width, box.height, radius, fill, line, width * style.bold, dash, 1.0, name, node.decision
        ),
        Text(box.x, box.y, node.text, NODE_TEXT, style.ink, name=f"text {node.id}", decision=node.decision),
    ]


def _label(edge: EdgeLine, style: Style, is_marked: bool) -> Text:
    """Return the operation's name, on a background that keeps it legible on any line."""
    assert edge.label is not None
    color, frame = style.text(edge.operation), style.mark("changed") if is_marked else ""
    name = f"label {edge_name(edge)}"
    return Text(
        edge.label.x, edge.label.y, edge.text, LABEL_TEXT, color, back=style.paper, frame=frame, name=name,
        decision=edge.decision,
    )  # fmt: skip
