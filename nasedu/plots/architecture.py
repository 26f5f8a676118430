"""Drawing an architecture: networkx graph in, matplotlib axes out.

Every operation has its colour, its dash pattern and its name on the edge, so a drawing can be read in
grey and by colour-blind eyes. Coordinates are points; text is scaled with the picture to fit the axes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nasedu.core import Architecture, Diagram
from nasedu.plots import layout
from nasedu.plots.layout import Curve, EdgeLine, NodeBox, Picture
from nasedu.plots.palette import INK, QUIET, kind_colors, mark_color, operation_style, readable

if TYPE_CHECKING:
    import networkx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["architecture_figure", "check_format", "draw", "save", "save_figure"]

FORMATS = (".pdf", ".png", ".svg")
FAINT = 0.65  # the opacity of none
LARGEST = 1.5  # how much an axes may enlarge a picture
Weights = Mapping[tuple[str, str], "float | Mapping[str, float]"]


def draw(
    architecture: Architecture | Diagram | networkx.DiGraph,
    ax: Axes | None = None,
    *,
    weights: Weights | None = None,
    highlight: Collection[int] = (),
) -> Axes:
    """Draw an architecture, a diagram or a networkx graph.

    Args:
        architecture: an architecture of any space; a diagram; or a graph as ``space.graph`` returns.
            A graph whose nodes have no coordinates is laid out by networkx.
        ax: where to draw; a new pyplot figure of the right size if None.
        weights: for a supernet, by edge ``(source, target)``: one weight in [0, 1] for its operation,
            or one for each of several operations, which are then drawn side by side. Width and opacity
            show the weight; the heaviest operation is named with its share.
        highlight: indices of decisions to mark, such as what a mutation changed.

    Returns:
        The axes.

    Raises:
        ValueError: a highlighted decision, or the edge of a weight, does not exist.

    Example:
        >>> import nasedu as nas
        >>> cell = nas.spaces.NASBench201().architecture((3, 0, 1, 4, 2, 3))
        >>> ax = draw(cell, highlight=[0])
        >>> sorted(text.get_text() for text in ax.texts)[:3]
        ['1', '2', 'avg_pool_3x3']
    """
    picture, marked = _prepare(architecture, weights, highlight)
    if ax is None:
        from matplotlib import pyplot

        width, height = picture.size
        ax = pyplot.figure(figsize=(width / 72, height / 72)).add_axes((0, 0, 1, 1))
    _paint(picture, ax, weights or {}, marked)
    return ax


def architecture_figure(
    architecture: Architecture | Diagram | networkx.DiGraph,
    *,
    weights: Weights | None = None,
    highlight: Collection[int] = (),
) -> Figure:
    """Return the drawing as a figure of its own size, made without pyplot. Arguments as for :func:`draw`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    picture, marked = _prepare(architecture, weights, highlight)
    width, height = picture.size
    figure = Figure(figsize=(width / 72, height / 72), facecolor="white")
    FigureCanvasAgg(figure)
    _paint(picture, figure.add_axes((0, 0, 1, 1)), weights or {}, marked)
    return figure


def save(
    architecture: Architecture | Diagram | networkx.DiGraph,
    path: str | Path,
    *,
    weights: Weights | None = None,
    highlight: Collection[int] = (),
) -> None:
    """Write the drawing to an svg, pdf or png file, by the ending of its name. The same drawing gives the same bytes.

    Raises:
        ValueError: the name has another ending.
    """
    check_format(path)  # before the work
    title = str(architecture) if isinstance(architecture, Architecture) else "nasedu"
    save_figure(architecture_figure(architecture, weights=weights, highlight=highlight), path, title)


def check_format(path: str | Path) -> str:
    """Return the picture format that a path's ending names, without its dot.

    Raises:
        ValueError: it is none of svg, pdf and png.
    """
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        raise ValueError(f"a picture's name must end in .svg, .pdf or .png; got {str(path)!r}.")
    return ending[1:]


def save_figure(figure: Figure, path: str | Path, title: str = "nasedu") -> None:
    """Write any figure to an svg, pdf or png file with nothing in it that changes from run to run."""
    import matplotlib

    ending = check_format(path)
    metadata: dict[str, dict[str, str | None]] = {
        "svg": {"Title": title, "Date": None},
        "pdf": {"Title": title, "CreationDate": None},
        "png": {"Title": title.encode("latin-1", "replace").decode("latin-1")},
    }
    with matplotlib.rc_context({"svg.hashsalt": "nasedu", "pdf.fonttype": 42}):
        figure.savefig(path, format=ending, dpi=200, metadata=metadata[ending])


# From what is given to a picture -------------------------------------------------------------


def _prepare(
    given: Architecture | Diagram | networkx.DiGraph, weights: Weights | None, highlight: Collection[int]
) -> tuple[Picture, set[str]]:
    graph = _graph(given)
    texts = _weight_texts(graph, weights or {})
    if weights:
        graph.remove_edges_from(
            [edge for edge in list(graph.edges) if edge not in texts and graph.edges[edge].get("operation")]
        )
    picture = layout.lay_out(graph, texts)
    return picture, _marked(given, picture, set(highlight))


def _graph(given: Architecture | Diagram | networkx.DiGraph) -> networkx.DiGraph:
    import networkx

    if isinstance(given, Architecture):
        return given.space.graph(given)
    graph = networkx.DiGraph()
    if isinstance(given, Diagram):
        for node in given.nodes:
            graph.add_node(node.id, x=node.x, y=node.y, label=node.label, kind=node.kind, group=node.group)
        for edge in given.edges:
            graph.add_edge(edge.source, edge.target, operation=edge.operation, decision=edge.decision, bend=edge.bend)
        return graph
    if not isinstance(given, networkx.Graph):
        raise TypeError(f"draw takes an architecture, a diagram or a networkx graph; got {type(given).__name__}.")
    graph.add_nodes_from((name, dict(node)) for name, node in given.nodes(data=True))
    graph.add_edges_from((source, target, dict(edge)) for source, target, edge in given.edges(data=True))
    if any("x" not in node or "y" not in node for _, node in graph.nodes(data=True)):
        _add_coordinates(graph)
    for name, node in graph.nodes(data=True):
        node.setdefault("label", str(name))
    return graph


def _add_coordinates(graph: networkx.DiGraph) -> None:
    """Place nodes in layers along the data flow, by networkx."""
    import networkx

    if not networkx.is_directed_acyclic_graph(graph):
        raise ValueError("a graph without coordinates must have no cycle; give its nodes x and y to draw one.")
    layers = list(networkx.topological_generations(graph))
    for layer, names in enumerate(layers):
        for name in names:
            graph.nodes[name]["layer"] = layer
    half = (max(len(layers), *map(len, layers)) - 1) / 2  # of the layout in steps, so that a step stays one
    for name, (x, y) in networkx.multipartite_layout(graph, subset_key="layer", scale=half or 1).items():
        graph.nodes[name].update(x=1.5 * float(x), y=1.2 * float(y))


def _weight_texts(graph: networkx.DiGraph, weights: Weights) -> dict[tuple[str, str], str]:
    texts = {}
    for edge, given in weights.items():
        if not (edge[0] in graph and edge[1] in graph):
            raise ValueError(
                f"weights must be given by (source, target); there is no edge {edge}. Nodes: {', '.join(graph)}."
            )
        if edge not in graph.edges:
            graph.add_edge(*edge)
        operations = given if isinstance(given, Mapping) else {graph.edges[edge].get("operation", ""): float(given)}
        heaviest = max(operations, key=lambda name: operations[name])
        graph.edges[edge]["operation"] = heaviest
        texts[edge] = f"{heaviest} {operations[heaviest]:.0%}"
    return texts


def _marked(given: object, picture: Picture, highlight: set[int]) -> set[str]:
    """Return the names of the nodes and edges that the highlighted decisions make."""
    if not highlight:
        return set()
    if isinstance(given, Architecture):
        count = len(given.space.decisions)
        if not all(0 <= index < count for index in highlight):
            raise ValueError(f"highlight takes indices of decisions, 0..{count - 1}; got {sorted(highlight)}.")
    marked: set[str] = set()
    for index in highlight:
        edges = {_name(edge) for edge in picture.edges if edge.decision == index}
        marked |= edges or (_made_by(given, index) if isinstance(given, Architecture) else set())
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
        (f"{edge.source}→{edge.target}", edge.operation)
        for edge in diagram.edges
        if edge.operation or edge.decision is not None
    }


def _name(edge: EdgeLine) -> str:
    return f"{edge.source}→{edge.target}"


# From a picture to artists -------------------------------------------------------------------


def _paint(picture: Picture, ax: Axes, weights: Weights, marked: Iterable[str]) -> None:
    scale = _fit(picture, ax)
    marked = set(marked)
    for edge in picture.edges:
        given = weights.get((edge.source, edge.target))
        if given is None:
            _paint_edge(ax, edge, scale, _name(edge) in marked)
        else:
            _paint_weighted(ax, edge, given, scale)
    for node in picture.nodes:
        _paint_node(ax, node, scale, node.id in marked)
    for edge in picture.edges:
        if edge.label is not None:
            _paint_label(ax, edge, scale, _name(edge) in marked)
    for x, y, text in picture.titles:
        ax.text(x, y, text, fontsize=layout.TITLE_TEXT * scale, fontweight="bold", va="center", color=INK)


def _fit(picture: Picture, ax: Axes) -> float:
    """Fit the picture into the axes, below their title, and return points of the axes per point of the picture."""
    left, top, right, bottom = picture.frame
    space = ax.get_position(original=True).transformed(ax.figure.transSubfigure)
    dpi = ax.figure.dpi
    wide, high = space.width * 72 / dpi, space.height * 72 / dpi
    scale = min(wide / (right - left), high / (bottom - top), LARGEST)
    x = (left + right) / 2
    ax.set_axis_off()
    ax.set_aspect("equal", adjustable="box", anchor="N")  # what is spare lies below, not between title and drawing
    ax.set_xlim(x - wide / scale / 2, x + wide / scale / 2)
    ax.set_ylim(bottom, top)  # y grows downwards
    return float(scale)


def _paint_edge(ax: Axes, edge: EdgeLine, scale: float, is_marked: bool) -> None:
    style = operation_style(edge.operation) if edge.operation else None
    if is_marked:
        _paint_curve(ax, edge.curve, mark_color("changed"), 9 * scale, alpha=0.3, gid=f"changed {_name(edge)}")
    color, dash = (style.color, style.dash) if style else (QUIET, "solid")
    is_none = edge.operation.lower() in ("none", "zero", "zeroize")
    width = 1.6 if is_none else 2.2 if style else 1.2
    _paint_curve(ax, edge.curve, color, width * scale, dash, FAINT if is_none else 1.0, gid=_name(edge), arrow=True)


def _paint_weighted(ax: Axes, edge: EdgeLine, given: float | Mapping[str, float], scale: float) -> None:
    operations = dict(given) if isinstance(given, Mapping) else {edge.operation: float(given)}
    heaviest = max(operations.values()) or 1.0
    spread = np.linspace(-1, 1, len(operations)) * 3.2 * (len(operations) - 1) if len(operations) > 1 else np.zeros(1)
    for (operation, weight), offset in zip(operations.items(), spread, strict=True):
        style = operation_style(operation)
        alpha = 0.1 + 0.9 * (weight / heaviest) ** 2
        curve = _beside(edge.curve, float(offset))
        is_heaviest = weight == heaviest
        _paint_curve(
            ax,
            curve,
            style.color,
            (0.8 + 4 * weight) * scale,
            style.dash,
            alpha,
            f"{_name(edge)} {operation}",
            is_heaviest,
        )


def _beside(curve: Curve, offset: float) -> Curve:
    """Return a curve with the same ends, its middle moved sideways by half the offset."""
    dx, dy = curve.end[0] - curve.start[0], curve.end[1] - curve.start[1]
    length = float(np.hypot(dx, dy)) or 1.0
    return Curve(
        curve.start, (curve.control[0] + offset * dy / length, curve.control[1] - offset * dx / length), curve.end
    )


def _paint_curve(
    ax: Axes,
    curve: Curve,
    color: str,
    width: float,
    dash: Any = "solid",
    alpha: float = 1.0,
    gid: str = "",
    arrow: bool = False,
) -> None:
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path as Outline

    end = np.array(curve.end)
    along = end - np.array(curve.control)
    along /= float(np.hypot(*along)) or 1.0
    if arrow:
        back, side = end - layout.ARROW * along, np.array([-along[1], along[0]]) * 0.45 * layout.ARROW
        ax.add_patch(Polygon([end, back + side, back - side], facecolor=color, edgecolor="none", alpha=alpha, zorder=2))
        end = end - 0.8 * layout.ARROW * along
    is_dotted = dash != "solid" and dash[1][0] < 0.5
    outline = Outline([curve.start, curve.control, tuple(end)], [Outline.MOVETO, Outline.CURVE3, Outline.CURVE3])
    line = PathPatch(
        outline, fill=False, edgecolor=color, linewidth=width, linestyle=dash, alpha=alpha, zorder=1.5 if arrow else 1
    )
    line.set_capstyle("round" if is_dotted else "butt")
    line.set_gid(gid)
    ax.add_patch(line)


def _paint_node(ax: Axes, node: NodeBox, scale: float, is_marked: bool) -> None:
    from matplotlib.patches import Circle, FancyBboxPatch

    fill, outline = kind_colors(node.kind)
    box = node.box
    look: dict[str, Any] = {"facecolor": fill, "edgecolor": outline, "linewidth": 1.3 * scale, "zorder": 3}
    if is_marked:
        look |= {"edgecolor": mark_color("changed"), "linewidth": 3 * scale}
    if node.round:
        shape: Any = Circle((box.x, box.y), box.width / 2, **look)
    else:
        corner = (box.x - box.width / 2, box.y - box.height / 2)
        shape = FancyBboxPatch(corner, box.width, box.height, boxstyle="round,pad=0,rounding_size=6", **look)
    shape.set_gid(f"changed {node.id}" if is_marked else node.id)
    ax.add_patch(shape)
    shown = layout.mathtext(node.label)
    ax.text(
        box.x, box.y, shown, fontsize=layout.NODE_TEXT * scale, ha="center", va="center", color=INK,
        zorder=4, parse_math=shown != node.label,
    )  # fmt: skip


def _paint_label(ax: Axes, edge: EdgeLine, scale: float, is_marked: bool) -> None:
    assert edge.label is not None
    frame, pad = (mark_color("changed"), 0.25) if is_marked else ("none", 0.12)  # white around it: legible on any line
    ax.text(
        edge.label.x, edge.label.y, edge.text, fontsize=layout.LABEL_TEXT * scale, ha="center", va="center",
        color=readable(operation_style(edge.operation).color), zorder=5, parse_math=False, gid=f"label {_name(edge)}",
        bbox={"boxstyle": f"square,pad={pad}", "facecolor": "white", "edgecolor": frame, "linewidth": 1.3 * scale},
    )  # fmt: skip
