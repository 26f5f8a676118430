"""Drawing an architecture: for the screen, a paper, a slide or a page, in every format that people paste.

Every operation has its colour, its dash pattern and its name on the edge, so a drawing can be read in
grey and by colour-blind eyes. The way is the same for all outputs: architecture → diagram (``core.py``)
→ picture (``layout.py``: where everything is) → drawing (``painting.py``: how it looks) → output.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nasedu.core import Architecture, Diagram, Edge, Node, shown
from nasedu.plots.canvas import figure_of, paint
from nasedu.plots.describe import describe_diagram
from nasedu.plots.drawing import Drawing, Stroke, Text, beside, stacked
from nasedu.plots.labels import SAMPLES, Curve
from nasedu.plots.layout import NODE_TEXT, lay_out
from nasedu.plots.legend import legend as legend_of
from nasedu.plots.painting import Weight, edge_name, painted
from nasedu.plots.styles import Style, style_of
from nasedu.plots.text import shortened
from nasedu.spaces.layered import arrange

if TYPE_CHECKING:
    import networkx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["architecture_figure", "diagram_of", "draw", "drawing_of"]

GROUP = 10.0  # points between groups
BESIDE_WEIGHTS = 30.0  # points of an edge that show its weights beside its label
HIDDEN = 0.5  # of an edge that may lie behind labels where there is little room
Weights = Mapping[tuple[str, str], Weight]


def drawing_of(
    architecture: Architecture | Diagram | networkx.DiGraph,
    *,
    style: str = "light",
    weights: Weights | None = None,
    highlight: Collection[int] = (),
    labels: bool | None = None,
    legend: bool | None = None,
    down: bool | None = None,
) -> Drawing:
    """Return the drawing of an architecture, a diagram or a networkx graph.

    Args:
        architecture: an architecture of any space; a diagram; or a graph as ``space.graph`` returns.
            A graph whose nodes have no coordinates is laid out in layers.
        style: ``"light"``, ``"dark"``, ``"print"`` (no colour needed; fits a column of 8.5 cm) or
            ``"slide"`` (large).
        weights: for a supernet, by edge ``(source, target)``: one weight in [0, 1] for its operation,
            or one for each of several operations, which are then drawn side by side. Width and opacity
            show the weight; the heaviest operation is named with its share.
        highlight: indices of decisions to mark, such as what a mutation changed.
        labels: whether operations are named on their edges.
        legend: whether a legend below names them.
        down: whether it reads downwards, and not to the right; a supernet does so only if this says so. A space
            whose own diagrams read downwards, such as MBConv, keeps doing so.

    The last three are as the style needs them where they are None: names, no legend and to the right, as
    long as the text stays large enough.

    Raises:
        ValueError: there is no such style, a weight lies outside [0, 1], or a highlighted decision, or the edge of a
            weight, does not exist.
        TypeError: it is nothing that can be drawn.
    """
    look = style_of(style)
    diagram = diagram_of(architecture)
    texts = [edge.operation for edge in diagram.edges]
    if weights:
        diagram, texts = _weighted(diagram, weights)
    marked = _marked(architecture, diagram, set(highlight))
    best: tuple[tuple[bool, float], Drawing] | None = None
    named = sum(map(bool, texts)) / max(len(texts), 1)
    for way in _ways(labels, False if weights and down is None else down, named):
        parts = [_drawn(part, words, look, weights, marked, way) for part, words in _by_group(diagram, texts)]
        made = beside(parts, GROUP) if way.side_by_side else stacked(parts, GROUP)
        if legend or (legend is None and not way.labels):
            operations = [name for edge in diagram.edges for name in _operations(edge, weights)]
            made = stacked([made, legend_of(operations, look, made.size[0])]) if operations else made
        scale = look.scale(*made.size)
        text = scale * min((item.size for item in made.items if isinstance(item, Text)), default=NODE_TEXT)
        is_clear = not look.width or _hidden(made) <= HIDDEN
        if best is None or (is_clear, text) > best[0]:
            best = (is_clear, text), made.scaled(scale) if scale != 1 else made
        if is_clear and text >= look.least_text:
            break
    assert best is not None
    title = str(architecture) if isinstance(architecture, Architecture) else "architecture"
    return replace(best[1], title=title, description=describe_diagram(diagram))


def draw(
    architecture: Architecture | Diagram | networkx.DiGraph | Drawing,
    ax: Axes | None = None,
    *,
    style: str = "light",
    weights: Weights | None = None,
    highlight: Collection[int] = (),
    labels: bool | None = None,
    legend: bool | None = None,
    down: bool | None = None,
) -> Axes:
    """Draw an architecture, a diagram or a networkx graph on matplotlib's axes.

    Args:
        architecture: what to draw; or a drawing, such as :func:`difference` returns, as it is.
        ax: where to draw; a new pyplot figure of the right size if None.
        style: and what follows: as for :func:`drawing_of`.
        weights: see there.
        highlight: see there.
        labels: see there.
        legend: see there.
        down: see there.

    Returns:
        The axes.

    Raises:
        ValueError, TypeError: as :func:`drawing_of` does.

    Example:
        >>> import nasedu as nas
        >>> cell = nas.spaces.NASBench201().architecture((3, 0, 1, 4, 2, 3))
        >>> ax = draw(cell, highlight=[0])
        >>> sorted(text.get_text() for text in ax.texts)[:3]
        ['1', '2', 'avg_pool_3x3']
    """
    if isinstance(architecture, Drawing):
        made = architecture
    else:
        made = drawing_of(
            architecture, style=style, weights=weights, highlight=highlight, labels=labels, legend=legend, down=down
        )
    if ax is None:
        from matplotlib import pyplot

        width, height = made.size
        figure = pyplot.figure(figsize=(width / 72, height / 72), facecolor=made.background)
        ax = figure.add_axes((0, 0, 1, 1))
    paint(made, ax)
    return ax


def architecture_figure(architecture: Architecture | Diagram | networkx.DiGraph, **options: Any) -> Figure:
    """Return the drawing as a figure of its own size, made without pyplot. Options as for :func:`drawing_of`."""
    return figure_of(drawing_of(architecture, **options))


# From what is given to a diagram -------------------------------------------------------------


def diagram_of(given: Architecture | Diagram | networkx.DiGraph) -> Diagram:
    """Return the diagram of an architecture or of a networkx graph; a diagram as it is.

    Raises:
        TypeError: it is none of these.
        ValueError: a graph without coordinates has a cycle.
    """
    if isinstance(given, Architecture):
        return given.space.diagram(given)
    if isinstance(given, Diagram):
        return given
    import networkx

    if not isinstance(given, networkx.Graph):
        raise TypeError(f"an architecture, a diagram or a networkx graph can be drawn; got {type(given).__name__}.")
    nodes = [
        Node(str(name), node.get("x", 0.0), node.get("y", 0.0), str(node.get("label", name)), node.get("kind", "node"),
             node.get("group", ""), node.get("decision"))
        for name, node in given.nodes(data=True)
    ]  # fmt: skip
    edges = [
        Edge(str(source), str(target), edge.get("operation", ""), edge.get("decision"), edge.get("bend", 0.0))
        for source, target, edge in given.edges(data=True)
    ]
    if all("x" in node and "y" in node for _, node in given.nodes(data=True)):
        return Diagram(tuple(nodes), tuple(edges))
    if not networkx.is_directed_acyclic_graph(given):
        raise ValueError("a graph without coordinates must have no cycle; give its nodes x and y to draw one.")
    return arrange(nodes, edges)


class _Way(NamedTuple):
    """A way to draw: whether operations are named on edges, it reads downwards, and groups stand side by side."""

    labels: bool
    down: bool
    side_by_side: bool
    tight: bool


RIGHT = ((False, False, False), (False, False, True))
BESIDE = (False, True, True)
DOWN = ((True, True, True), (True, False, True))


def _ways(labels: bool | None, down: bool | None, named: float) -> list[_Way]:
    """Return the ways to draw that were asked for, the usual first; ``named`` is the share of edges with operations.

    Names are written across: in a dense cell that reads downwards they would cover most of the edges.
    """
    written = (*RIGHT, *DOWN) if down or named < 0.5 else RIGHT
    ways = [
        *(_Way(True, *way) for way in written),
        *(_Way(False, *way) for way in (*RIGHT[:1], BESIDE, RIGHT[1], *DOWN)),
    ]
    return [way for way in ways if labels in (None, way.labels) and down in (None, way.down)]


def _by_group(diagram: Diagram, texts: list[str]) -> list[tuple[Diagram, list[str]]]:
    """Return the diagram of each group, and what is written on its edges; the whole where an edge joins two groups."""
    groups = {node.id: node.group for node in diagram.nodes}
    if any(groups[edge.source] != groups[edge.target] for edge in diagram.edges):
        return [(diagram, texts)]
    found = []
    for group in dict.fromkeys(groups.values()):
        nodes = tuple(node for node in diagram.nodes if node.group == group)
        pairs = [pair for pair in zip(diagram.edges, texts, strict=True) if groups[pair[0].source] == group]
        found.append((Diagram(nodes, tuple(edge for edge, _ in pairs)), [text for _, text in pairs]))
    return found or [(diagram, texts)]


def _drawn(
    diagram: Diagram, texts: list[str], look: Style, weights: Weights | None, marked: Collection[str | int], way: _Way
) -> Drawing:
    if way.down or (way.tight and not way.labels):
        edges = diagram.edges if way.labels else tuple(replace(edge, operation="") for edge in diagram.edges)
        laid = arrange(diagram.nodes, edges, down=way.down)
        pairs = zip(diagram.edges, laid.edges, strict=True)
        diagram = Diagram(laid.nodes, tuple(replace(edge, bend=other.bend) for edge, other in pairs))
    written = [shortened(look.written(text)) for text in texts] if way.labels else [""] * len(texts)
    labels = [look.written(node.label) if node.kind == "operation" else node.label for node in diagram.nodes]
    labels = [shortened(label) for label in labels]
    picture = lay_out(diagram, written, labels, beside=BESIDE_WEIGHTS if weights else 0.0, tight=way.tight)
    return painted(picture, look, weights, marked)


def _hidden(made: Drawing) -> float:
    """Return the largest share of an edge with an operation that lies behind names of operations."""
    labels = {item.name.removeprefix("label "): item.box for item in made.items if isinstance(item, Text) and item.back}
    boxes = np.array(list(labels.values()))
    found = 0.0
    for stroke in made.items:
        if isinstance(stroke, Stroke) and stroke.arrow and stroke.name.startswith(tuple(labels)):
            points = [Curve(stroke.start, stroke.control, stroke.line_end).at(t) for t in SAMPLES]
            covered = ((boxes[:, None, :2] < points) & (points < boxes[:, None, 2:])).all(-1).any(0)
            found = max(found, float(covered.mean()))
    return found


def _operations(edge: Edge, weights: Weights | None) -> list[str]:
    weight = (weights or {}).get((edge.source, edge.target))
    return list(weight) if isinstance(weight, Mapping) else [edge.operation] * bool(edge.operation)


def _weighted(diagram: Diagram, weights: Weights) -> tuple[Diagram, list[str]]:
    """Return the diagram with the weighted edges and those that only carry data, and what is written on them."""
    names = [node.id for node in diagram.nodes]
    given = {(edge.source, edge.target): edge for edge in diagram.edges}
    for source, target in weights:
        if source not in names or target not in names:
            raise ValueError(
                f"weights must be given by (source, target); there is no edge {(source, target)}. "
                f"Nodes: {', '.join(names)}."
            )
        given.setdefault((source, target), Edge(source, target))
    edges, texts = [], []
    for ends, edge in given.items():
        weight = weights.get(ends)
        if weight is None and not edge.operation:
            edges.append(edge)
            texts.append("")
        elif weight is not None:
            operations = weight if isinstance(weight, Mapping) else {edge.operation: float(weight)}
            if not operations or not all(0 <= each <= 1 for each in operations.values()):
                raise ValueError(f"the weights of an edge must lie in [0, 1]; edge {ends} has {shown(weight)}.")
            heaviest = max(operations, key=lambda name: operations[name])
            edges.append(replace(edge, operation=heaviest))
            texts.append(f"{heaviest} {operations[heaviest]:.0%}".strip())
    return Diagram(diagram.nodes, tuple(edges)), texts


# Marks ---------------------------------------------------------------------------------------


def _marked(given: object, diagram: Diagram, highlight: set[int]) -> set[str | int]:
    """Return the decisions that edges have, and the names of the nodes and edges that the other ones make."""
    if not highlight:
        return set()
    if isinstance(given, Architecture):
        count = len(given.space.decisions)
        if not all(0 <= index < count for index in highlight):
            raise ValueError(f"highlight takes indices of decisions, 0..{count - 1}; got {sorted(highlight)}.")
    of_edges = {edge.decision for edge in diagram.edges}
    marked: set[str | int] = set(highlight & of_edges)
    for index in highlight - of_edges:
        marked |= _made_by(given, index) if isinstance(given, Architecture) else set()
    return marked


def _made_by(architecture: Architecture, index: int) -> set[str]:
    """Return what would look different if one decision, and nothing before it, were changed."""
    here = _appearance(architecture.space.diagram(architecture))
    found: set[str] = set()
    for other in architecture.space.neighbors(architecture):
        pairs = zip(architecture.choices, other.choices, strict=True)
        changed = next(k for k, (mine, theirs) in enumerate(pairs) if mine != theirs)
        if changed == index:
            found |= {name for name, _ in here - _appearance(architecture.space.diagram(other))}
    return found


def _appearance(diagram: Diagram) -> set[tuple[str, str]]:
    nodes = {(node.id, node.label) for node in diagram.nodes}
    return nodes | {
        (edge_name(edge), edge.operation) for edge in diagram.edges if edge.operation or edge.decision is not None
    }
