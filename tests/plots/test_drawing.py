"""Drawings: everything is named, nothing covers anything else, and every output shows the same.

Nothing here looks at pixels: a drawing is a list of boxes, strokes and texts, and its laws are checked on these.
"""

import itertools
import subprocess
import sys

import matplotlib
import networkx
import numpy as np
import pytest

import nasedu as nas
from nasedu import plots
from nasedu.plots import canvas, layout, palette, styles
from nasedu.plots.drawing import Drawing, Shape, Stroke, Text, beside, stacked
from nasedu.plots.labels import SAMPLES
from nasedu.plots.legend import legend
from nasedu.plots.text import mathtext, text_width
from nasedu.spaces import enas, mbconv, nasnet
from nasedu.spaces.darts import CELL_HEIGHT, CELLS, cell_bend, cell_nodes
from nasedu.spaces.darts import OPERATIONS as DARTS_OPERATIONS

matplotlib.use("Agg")

CELL = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|none~2|"
SPACES = {name: nas.spaces.create(name) for name in nas.spaces.SPACES}
SPACES |= {
    "deep chain": nas.spaces.Chain(min_depth=5, skips=True),
    "own": nas.SearchSpace("own", [nas.Decision("price", ("$1", "$2")), nas.Decision("kernel", (1, 3))]),
}
NB201 = SPACES["nasbench201"]
DENSE = [
    nas.spaces.ENASMicro().parse(enas.ENAS_MICRO),
    nas.spaces.NASNet().parse(nasnet.NASNET_A),
    nas.spaces.AmoebaNet().parse(nasnet.AMOEBANET_A),
    nas.spaces.PNASNet().parse(nasnet.PNASNET_5),
]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    from matplotlib import pyplot

    pyplot.close("all")


def sampled(name: str, count: int) -> list[nas.Architecture]:
    rng = np.random.default_rng(0)
    return [SPACES[name].sample(rng) for _ in range(count)]


def of(made: Drawing, kind: type, name: str = "") -> list:
    return [item for item in made.items if isinstance(item, kind) and item.name.startswith(name)]


def texts(made: Drawing) -> list[str]:
    return [text.text for text in of(made, Text)]


def shared(one, other) -> float:
    """Return the area that two boxes share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0


def faults(made: Drawing, tolerance: float = 1.0) -> list[str]:
    """Return what covers something, or lies outside where it should be, in words."""
    found = []
    boxes = {shape.name.removeprefix("changed "): shape.box for shape in of(made, Shape)}
    inner = {text.name.removeprefix("text "): text for text in of(made, Text, "text ")}
    assert boxes and boxes.keys() == inner.keys()
    for name, text in inner.items():
        left, top, right, bottom = boxes[name]
        box = text.box
        if box[0] < left or box[1] < top or box[2] > right or box[3] > bottom:
            found.append(f"{text.text} is larger than its box")
    outer = {f"{text.name}: {text.text}": text.box for text in of(made, Text) if not text.name.startswith("text ")}
    for (a, one), (b, other) in itertools.combinations([*boxes.items(), *outer.items()], 2):
        if shared(one, other) > tolerance:
            found.append(f"{a} and {b} overlap")
    left, top, right, bottom = made.frame
    for name, box in [*boxes.items(), *outer.items()]:
        if box[0] < left or box[1] < top or box[2] > right or box[3] > bottom:
            found.append(f"{name} lies outside the frame")
    for stroke in of(made, Stroke):
        for x, y in [stroke.start, *stroke.head]:
            if not (left <= x <= right and top <= y <= bottom):
                found.append(f"{stroke.name} leaves the frame")
    return found + runs_through(made)


def runs_through(made: Drawing) -> list[str]:
    """Return which edges run through nodes that are not their own, in words."""
    found = []
    for stroke, shape in itertools.product(of(made, Stroke), of(made, Shape)):
        node = shape.name.removeprefix("changed ")
        source, arrow, target = stroke.name.removeprefix("changed ").partition("→")
        if arrow and node not in (source, target.split(" ")[0], target):
            x, y = points_of(stroke).T
            if 2 * shape.radius >= shape.width:
                inside = np.hypot(x - shape.x, y - shape.y) < shape.width / 2
            else:
                inside = (np.abs(x - shape.x) < shape.width / 2) & (np.abs(y - shape.y) < shape.height / 2)
            if inside.any():
                found.append(f"{stroke.name} runs through {node}")
    return found


def points_of(stroke: Stroke) -> np.ndarray:
    t = np.linspace(0, 1, 41)[:, None]
    start, control, end = map(np.array, (stroke.start, stroke.control, stroke.end))
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end


# A drawing says everything ---------------------------------------------------------------------


@pytest.mark.parametrize("name", SPACES)
def test_every_operation_node_and_group_is_named(name: str) -> None:
    for architecture in sampled(name, 3):
        diagram = architecture.space.diagram(architecture)
        expected = [edge.operation for edge in diagram.edges if edge.operation]
        expected += [node.label for node in diagram.nodes]
        expected += sorted({node.group for node in diagram.nodes} - {""})
        assert sorted(texts(plots.drawing_of(architecture))) == sorted(expected)


def test_operations_have_the_palettes_colours_and_dashes() -> None:
    made = plots.drawing_of(NB201.parse(CELL))
    edge, nothing = (of(made, Stroke, name)[0] for name in ("0→1", "0→2"))
    look = palette.operation_style("nor_conv_3x3")
    assert (edge.color, edge.dash, edge.opacity) == (look.color, look.pattern, 1)
    assert nothing.opacity < 1


def test_a_node_that_computes_has_the_colour_and_dash_of_its_operation() -> None:
    nodes = [nas.Node("a", 0, 0, "x", "input"), nas.Node("b", 2, 0, "max_pool_3x3", "operation")]
    box = of(plots.drawing_of(nas.Diagram(tuple(nodes), (nas.Edge("a", "b"),))), Shape, "b")[0]
    look = palette.operation_style("max_pool_3x3")
    assert (box.line, box.dash) == (look.color, look.pattern)


@pytest.mark.parametrize("style", styles.STYLES)
def test_text_is_legible_in_every_style(style: str) -> None:
    for name in ("nasbench201", "darts", "deep chain"):
        made = plots.drawing_of(sampled(name, 1)[0], style=style, legend=True)
        fills = {shape.name: shape.fill for shape in of(made, Shape)}
        for text in of(made, Text):
            assert palette.contrast(text.color, fills.get(text.name.removeprefix("text "), made.background)) >= 4.5


# Nothing covers anything else ------------------------------------------------------------------


@pytest.mark.parametrize("style", styles.STYLES)
@pytest.mark.parametrize("name", SPACES)
def test_nothing_overlaps_and_nothing_is_cut_off(name: str, style: str) -> None:
    for architecture in sampled(name, 12 if style == "light" else 3):
        assert faults(plots.drawing_of(architecture, style=style)) == [], str(architecture)


@pytest.mark.parametrize("name", SPACES)
def test_no_edge_runs_through_a_node_that_is_not_its_own(name: str) -> None:
    for architecture in sampled(name, 12):
        picture = layout.lay_out(architecture.space.diagram(architecture))
        for edge, node in itertools.product(picture.edges, picture.nodes):
            if node.id not in (edge.source, edge.target):
                assert not any(node.contains(*edge.curve.at(t), 1.0) for t in SAMPLES), (str(architecture), edge, node)


@pytest.mark.parametrize("style", styles.STYLES)
def test_skips_pass_beside_the_layers_that_they_skip(style: str) -> None:
    perceptron = nas.spaces.MLP(min_depth=4, max_depth=4, skips=True)
    chain = nas.spaces.Chain(min_depth=4, max_depth=4, skips=True)
    for given in (
        perceptron.parse("batch: 64-relu > 64-relu+skip > 64-relu+skip > 64-tanh+skip"),
        *(space.sample(np.random.default_rng(seed)) for space in (perceptron, chain) for seed in range(4)),
    ):
        assert faults(plots.drawing_of(given, style=style)) == [], str(given)


def behind_labels(made: Drawing) -> dict[str, float]:
    """Return the share of each named edge that lies behind its own name."""
    found = {}
    for text in of(made, Text, "label "):
        left, top, right, bottom = text.box
        for stroke in of(made, Stroke, text.name.removeprefix("label ")):
            x, y = points_of(stroke).T
            found[stroke.name] = float(((left < x) & (x < right) & (top < y) & (y < bottom)).mean())
    return found


@pytest.mark.parametrize("style", ["light", "print"])
def test_names_hide_no_more_than_about_half_of_an_edge(style: str) -> None:
    for given in [*DENSE, *sampled("nasbench201", 10)]:
        shares = behind_labels(plots.drawing_of(given, style=style))
        assert max(shares.values(), default=0.0) <= 0.6, (str(given), shares)


def test_where_names_would_hide_edges_print_has_a_legend() -> None:
    for given in DENSE:
        made = plots.drawing_of(given, style="print")
        operations = {edge.operation for edge in given.space.diagram(given).edges if edge.operation}
        assert not of(made, Text, "label ")
        assert {stroke.name for stroke in of(made, Stroke, "legend ")} == {f"legend {name}" for name in operations}


@pytest.mark.parametrize(("style", "most"), [("light", 0.4), ("print", 0.5)])
def test_no_two_edges_lie_on_each_other_for_long(style: str, most: float) -> None:
    for given in DENSE:
        strokes = [stroke for stroke in of(plots.drawing_of(given, style=style), Stroke) if stroke.arrow]
        for one, other in itertools.permutations(strokes, 2):
            gaps = np.hypot(*(points_of(one)[:, None] - points_of(other)).transpose(2, 0, 1)).min(1)
            assert (gaps < 3.0).mean() < most, (str(given), one.name, other.name)


def test_a_supernet_for_print_reads_like_the_one_on_the_screen() -> None:
    weights = {(str(a), str(b)): {"nor_conv_3x3": 0.7, "none": 0.3} for a, b in itertools.combinations(range(4), 2)}
    made = plots.drawing_of(NB201.parse(CELL), weights=weights, style="print")
    centres = {shape.name: (shape.x, shape.y) for shape in of(made, Shape)}
    assert [name for name, _ in sorted(centres.items(), key=lambda item: item[1])] == ["0", "1", "2", "3"]
    assert centres["3"][0] - centres["0"][0] > 100
    assert of(made, Stroke, "legend nor_conv_3x3")
    asked = plots.drawing_of(NB201.parse(CELL), weights=weights, style="print", down=True)
    assert asked.size[1] > asked.size[0]


@pytest.mark.parametrize("style", styles.STYLES)
def test_a_legend_shows_more_than_one_period_of_every_dash(style: str) -> None:
    operations = list(palette._palette()["operations"])
    made = legend(operations, styles.style_of(style), 200.0)
    for stroke in of(made, Stroke):
        assert stroke.end[0] - stroke.start[0] >= 1.5 * stroke.width * sum(stroke.dash), stroke.name
    for text, other in itertools.combinations(of(made, Text), 2):
        assert shared(text.box, other.box) == 0.0
    assert {text.text for text in of(made, Text)} == {styles.style_of(style).written(name) for name in operations}


def test_a_network_of_stages_takes_half_a_column_of_print() -> None:
    made = plots.drawing_of(nas.spaces.MBConv().parse(mbconv.EFFICIENTNET_B0), style="print")
    assert made.size[1] <= 14 * styles.CENTIMETRE
    assert min(text.size for text in of(made, Text)) >= 6


def test_labels_of_a_nasbench201_cell_lie_on_no_other_edge() -> None:
    for architecture in sampled("nasbench201", 50):
        picture = layout.lay_out(architecture.space.diagram(architecture))
        for edge, other in itertools.permutations(picture.edges, 2):
            for x, y in map(other.curve.at, SAMPLES):
                assert abs(x - edge.label.x) >= edge.label.width / 2 or abs(y - edge.label.y) >= edge.label.height / 2


def test_matplotlib_sets_text_as_wide_as_it_was_measured() -> None:
    made = plots.drawing_of(sampled("nasbench101", 1)[0], legend=True)
    figure = canvas.figure_of(made)
    renderer = figure.canvas.get_renderer()
    for item, artist in zip(of(made, Text), figure.axes[0].texts, strict=True):
        artist.set_bbox(None)
        box = artist.get_window_extent(renderer)
        width = box.width * 72 / figure.dpi
        assert width <= 1.03 * item.width + 1
        assert width >= 0.85 * item.width - 2


# Weights ---------------------------------------------------------------------------------------


def darts_supernet() -> tuple[nas.Diagram, dict]:
    rng = np.random.default_rng(0)
    nodes, edges, weights = [], [], {}
    for row, cell in enumerate(CELLS):
        nodes += cell_nodes(cell, 4, y=row * CELL_HEIGHT)
        for target in range(2, 6):
            for source in range(target):
                edges.append(nas.Edge(f"{cell} {source}", f"{cell} {target}", bend=cell_bend(source, target)))
                shares = rng.dirichlet(np.ones(8))
                weights[edges[-1].source, edges[-1].target] = dict(
                    zip(("none", *DARTS_OPERATIONS), shares, strict=True)
                )
    return nas.Diagram(tuple(nodes), tuple(edges)), weights


def test_a_darts_supernet_is_readable_too() -> None:
    diagram, weights = darts_supernet()
    made = plots.drawing_of(diagram, weights=weights)
    assert faults(made) == []
    shares = weights["normal 0", "normal 2"]
    heaviest = max(shares, key=shares.get)
    assert f"{heaviest} {shares[heaviest]:.0%}" in texts(made)
    assert {f"normal 0→normal 2 {name}" for name in shares} <= {stroke.name for stroke in of(made, Stroke)}


def test_a_heavier_operation_is_wider_and_stronger() -> None:
    weights = {("0", "1"): {"skip_connect": 0.2, "nor_conv_3x3": 0.8}}
    made = plots.drawing_of(NB201.parse(CELL), weights=weights)
    light, heavy = (of(made, Stroke, f"0→1 {name}")[0] for name in weights["0", "1"])
    assert light.width < heavy.width
    assert light.opacity < heavy.opacity


def test_a_weight_must_be_of_an_edge_between_nodes() -> None:
    with pytest.raises(ValueError, match=r"no edge \('0', '9'\)\. Nodes: 0, 1, 2, 3"):
        plots.drawing_of(NB201.parse(CELL), weights={("0", "9"): 0.5})


# Bends and trimming ----------------------------------------------------------------------------


def test_the_middle_of_an_edge_moves_to_the_left_of_its_direction_of_travel() -> None:
    nodes = (nas.Node("a", 0, 0, "a"), nas.Node("b", 4, 0, "b"))
    straight, bent = (
        layout.lay_out(nas.Diagram(nodes, (nas.Edge("a", "b", "conv", None, bend),))).edges[0].curve.at(0.5)
        for bend in (0.0, 0.5)
    )
    assert bent[1] - straight[1] == pytest.approx(-0.5 * layout.UNIT * layout.FLATTER, abs=0.5)  # up: y grows down
    assert bent[0] == pytest.approx(straight[0], abs=0.5)


def test_edges_end_at_the_outlines_of_their_nodes() -> None:
    picture = layout.lay_out(NB201.diagram(NB201.parse(CELL)))
    nodes = {node.id: node for node in picture.nodes}
    for edge in picture.edges:
        for point, node in ((edge.curve.start, nodes[edge.source]), (edge.curve.end, nodes[edge.target])):
            assert not node.contains(*point)
            assert node.contains(*point, 2.0)


# Highlights ------------------------------------------------------------------------------------


def changed(made: Drawing) -> list[str]:
    return [item.name.removeprefix("changed ") for item in made.items if item.name.startswith("changed ")]


@pytest.mark.parametrize("name", ["nasbench201", "darts"])
def test_a_highlight_marks_exactly_the_edge_of_the_changed_decision(name: str) -> None:
    architecture = sampled(name, 1)[0]
    for edge in architecture.space.diagram(architecture).edges:
        if edge.decision is not None:
            made = plots.drawing_of(architecture, highlight=[edge.decision])
            assert changed(made) == [f"{edge.source}→{edge.target}"]


def test_of_two_edges_between_the_same_nodes_the_changed_one_is_marked() -> None:
    nodes = [nas.Node("a", 0, 0, "a", "input"), nas.Node("b", 0, 0, "b", "output")]
    edges = [nas.Edge("a", "b", "conv_3x3", 0), nas.Edge("a", "b", "max_pool_3x3", 1)]
    made = plots.drawing_of(nas.spaces.layered.arrange(nodes, edges), highlight=[1])
    assert changed(made) == ["a→b"]
    assert [bool(label.frame) for label in of(made, Text, "label ")] == [False, True]


def test_a_highlighted_layer_is_marked_as_a_node() -> None:
    space = SPACES["deep chain"]
    chain = space.parse("conv3-16-relu+skip > pool > pool > dense-8-relu > dense-8-tanh")
    index = [decision.name for decision in space.decisions].index("layer 1 width")
    assert changed(plots.drawing_of(chain, highlight=[index])) == ["layer 1"]


def test_highlighted_inputs_mark_the_edges_into_the_node() -> None:
    index = [decision.name for decision in SPACES["darts"].decisions].index("normal node 5 inputs")
    marked = changed(plots.drawing_of(sampled("darts", 1)[0], highlight=[index]))
    assert len(marked) == 2 and all(name.endswith("→normal 5") for name in marked)


def test_nothing_is_marked_unasked() -> None:
    assert changed(plots.drawing_of(sampled("darts", 1)[0])) == []


def test_a_highlight_must_be_a_decision() -> None:
    with pytest.raises(ValueError, match=r"indices of decisions, 0\.\.5; got \[6\]"):
        plots.drawing_of(NB201.parse(CELL), highlight=[6])


# What can be drawn -----------------------------------------------------------------------------


def test_a_diagram_and_a_graph_are_drawn_like_their_architecture() -> None:
    cell = NB201.parse(CELL)
    for given in (NB201.diagram(cell), NB201.graph(cell)):
        assert sorted(map(repr, plots.drawing_of(given).items)) == sorted(map(repr, plots.drawing_of(cell).items))


def test_a_graph_without_coordinates_is_laid_out() -> None:
    graph = networkx.DiGraph()
    graph.add_edge("in", "a", operation="conv")
    graph.add_edge("a", "out", operation="pool")
    made = plots.drawing_of(graph)
    assert set(texts(made)) == {"in", "a", "out", "conv", "pool"}
    assert faults(made) == []
    assert "x" not in graph.nodes["in"], "the given graph must stay as it is"


def test_two_edges_between_the_same_nodes_are_both_drawn() -> None:
    nodes = [nas.Node("a", 0, 0, "a", "input"), nas.Node("b", 0, 0, "b", "output")]
    edges = [nas.Edge("a", "b", "conv_3x3"), nas.Edge("a", "b", "max_pool_3x3")]
    made = plots.drawing_of(nas.spaces.layered.arrange(nodes, edges))
    one, other = of(made, Stroke)
    assert abs(one.control[1] - other.control[1]) > 20
    assert faults(made) == []


def test_long_names_are_cut_and_cover_nothing() -> None:
    long = "an operation with a name " + 10 * "that has no end "
    space = nas.SearchSpace("wordy", [nas.Decision(name, (long, "b")) for name in ("first", "second", "third")])
    made = plots.drawing_of(space.architecture((0, 0, 0)))
    assert faults(made) == []
    assert next(text for text in texts(made) if text.endswith("…") and len(text) == 40).startswith(
        "first: an operation"
    )


def test_a_cycle_needs_coordinates() -> None:
    with pytest.raises(ValueError, match="must have no cycle"):
        plots.drawing_of(networkx.DiGraph([("a", "b"), ("b", "a")]))


def test_other_things_are_not_drawn() -> None:
    with pytest.raises(TypeError, match="an architecture, a diagram or a networkx graph can be drawn; got str"):
        plots.drawing_of("nor_conv")


# On axes ---------------------------------------------------------------------------------------


def test_a_drawing_fits_the_axes_it_is_given() -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(7, 2))
    ax = plots.draw(NB201.parse(CELL), axes[0])
    assert ax is axes[0]
    figure.canvas.draw()
    assert len(ax.texts) == 4 + 6
    for text in ax.texts:
        box = text.get_window_extent()
        assert ax.bbox.x0 - 1 <= box.x0 and box.x1 <= ax.bbox.x1 + 1


def test_a_drawing_stands_close_below_the_title_of_its_axes_and_keeps_its_shape() -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 5), layout="constrained")
    ax = plots.draw(NB201.parse(CELL), axes[0])
    title = ax.set_title("a cell\nin two lines")
    figure.canvas.draw()
    shapes = {artist.get_gid(): artist for artist in ax.patches}
    box = shapes["1"].get_window_extent()
    assert box.width == pytest.approx(box.height, rel=0.01)
    assert 0 < title.get_window_extent().y0 - box.y1 < 30
    left, right = (shapes[gid].get_window_extent() for gid in ("0", "3"))
    middle = (title.get_window_extent().x0 + title.get_window_extent().x1) / 2
    assert middle == pytest.approx((left.x0 + right.x1) / 2, abs=2)


def test_what_is_drawn_later_on_the_axes_lies_above() -> None:
    ax = plots.draw(NB201.parse(CELL))
    (line,) = ax.plot([0, 1], [0, 1])
    assert all(artist.get_zorder() < line.get_zorder() for artist in [*ax.patches, *ax.texts])
    orders = [artist.get_zorder() for artist in ax.texts]
    assert orders == sorted(orders)


def test_matplotlib_has_every_stroke_with_its_colour_width_and_arrow() -> None:
    from matplotlib.collections import PathCollection, PolyCollection

    made = plots.drawing_of(NB201.parse(CELL), highlight=[0])
    collections = canvas.figure_of(made).axes[0].collections
    found = []
    for lines in collections:
        if isinstance(lines, PathCollection):
            ends = [tuple(path.vertices[0]) for path in lines.get_paths()]
            found += zip(ends, map(tuple, lines.get_edgecolors()), lines.get_linewidths(), strict=True)
    strokes = of(made, Stroke)
    expected = [(item.start, matplotlib.colors.to_rgba(item.color, item.opacity), item.width) for item in strokes]
    assert sorted(found) == sorted(expected)
    heads = [len(heads.get_paths()) for heads in collections if isinstance(heads, PolyCollection)]
    assert sum(heads) == sum(item.arrow > 0 for item in strokes) == 6


# Styles ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SPACES)
def test_print_fits_a_column_with_text_that_can_be_read_and_has_no_colour(name: str) -> None:
    for architecture in sampled(name, 3):
        made = plots.drawing_of(architecture, style="print")
        width, height = made.size
        assert width <= 8.5 / 2.54 * 72 + 0.01 and height <= 22 / 2.54 * 72 + 0.01
        least = 4.5 if name == "enas-macro" else 6.0  # some thirty skips around twelve layers take the width
        assert min(text.size for text in of(made, Text)) >= least, str(architecture)
        colors = {c for item in made.items for c in (getattr(item, "color", ""), getattr(item, "line", "")) if c}
        assert all(color[1:3] == color[3:5] == color[5:7] for color in colors)


OPERATIONS = {
    "nasbench201": nas.spaces.nasbench201.OPERATIONS,
    "nasbench101": nas.spaces.nasbench101.OPERATIONS,
    "darts": DARTS_OPERATIONS,
    "nasnet": nas.spaces.nasnet.OPERATIONS,
    "enas": nas.spaces.enas.MACRO_OPERATIONS,
    "recurrent": nas.spaces.recurrent.ACTIVATIONS,
    "graphs": nas.spaces.graphs.OPERATIONS,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_differ_by_colour_and_without_colour_by_dash_or_width(name: str) -> None:
    looks = [palette.operation_style(operation) for operation in OPERATIONS[name]]
    assert palette.operation_style("other") not in looks
    assert len({look.color for look in looks}) == len({look.dark for look in looks}) == len(looks)
    assert len({(look.pattern, look.width) for look in looks}) == len(looks)
    if name in ("nasbench201", "darts"):  # these are drawn in the browser too, which has one width
        assert len({look.pattern for look in looks}) == len(looks)


def test_every_operation_stands_out_from_light_and_dark_pages() -> None:
    for name, entry in palette._palette()["operations"].items():
        assert palette.contrast(entry["color"], "#ffffff") >= 3, name
        assert palette.contrast(entry["dark"], "#111111") >= 3, name


def test_slides_have_large_text() -> None:
    for name in ("nasbench201", "darts", "deep chain"):
        made = plots.drawing_of(sampled(name, 1)[0], style="slide")
        assert made.size[0] <= 900.01 and made.size[1] <= 480.01
        assert min(text.size for text in of(made, Text)) >= 11


def test_dark_is_light_on_dark() -> None:
    made = plots.drawing_of(NB201.parse(CELL), style="dark")
    assert made.background == "#111111"
    assert of(made, Stroke, "0→1")[0].color == palette.operation_style("nor_conv_3x3").dark
    assert canvas.figure_of(made).get_facecolor()[:3] == matplotlib.colors.to_rgb("#111111")


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown style 'sepia'; there are light, dark, print, slide"):
        plots.drawing_of(NB201.parse(CELL), style="sepia")


# Legend and description ------------------------------------------------------------------------


def test_a_legend_names_each_operation_once_with_its_line() -> None:
    cell = NB201.parse(CELL)
    made = plots.drawing_of(cell, legend=True, labels=False)
    swatches = of(made, Stroke, "legend ")
    assert [s.name.removeprefix("legend ") for s in swatches] == list(dict.fromkeys(cell.options.values()))
    assert not of(made, Text, "label ")
    look = palette.operation_style("avg_pool_3x3")
    swatch = next(s for s in swatches if s.name == "legend avg_pool_3x3")
    assert (swatch.color, swatch.dash) == (look.color, look.pattern)
    assert faults(made) == []
    assert made.size[1] > plots.drawing_of(cell, labels=False, legend=False).size[1]


def test_a_description_counts_operations_and_ways() -> None:
    cell = NB201.parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|")
    assert plots.describe(cell) == (
        "4 nodes and 6 edges: 2 nor_conv_3x3, 2 none, 1 skip_connect, 1 avg_pool_3x3. "
        "From input to output: 2 ways, over 1 to 2 operations."
    )
    nothing = NB201.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    assert plots.describe(nothing).endswith("No way leads from input to output.")
    both = plots.describe(sampled("darts", 1)[0])
    assert both.startswith("Normal cell: 7 nodes") and "Reduction cell: 7 nodes" in both


# Putting drawings together ---------------------------------------------------------------------


def test_drawings_are_put_together_without_touching() -> None:
    one, other = (plots.drawing_of(sampled(name, 1)[0]) for name in ("nasbench201", "deep chain"))
    for together, side in ((stacked([one, other], 10), 1), (beside([one, other], 10), 0)):
        assert together.size[side] == pytest.approx(one.size[side] + other.size[side] + 10)
        assert together.size[1 - side] == pytest.approx(max(one.size[1 - side], other.size[1 - side]))
        first, second = (together.items[: len(one.items)], together.items[len(one.items) :])
        ends = [item.box[2 + side] for item in first if not isinstance(item, Stroke)]
        starts = [item.box[side] for item in second if not isinstance(item, Stroke)]
        assert max(ends) < min(starts)
    with pytest.raises(ValueError, match="at least one drawing"):
        stacked([])


def test_a_scaled_drawing_is_the_same_picture() -> None:
    made = plots.drawing_of(NB201.parse(CELL))
    half = made.scaled(0.5)
    assert half.size == pytest.approx(tuple(side / 2 for side in made.size))
    for item, small in zip(made.items, half.items, strict=True):
        for name in ("x", "y", "width", "height", "size", "line_width", "arrow", "radius"):
            if hasattr(item, name):
                assert getattr(small, name) == pytest.approx(getattr(item, name) / 2), (item, name)


def test_a_label_with_an_index_is_read_as_one() -> None:
    assert mathtext("c_{k-1}") == "$c_{k-1}$"
    assert mathtext("$1_{2") == "$1_{2"
    assert text_width("c_{k-1}", 10) == text_width("c", 10) + 0.72 * text_width("k−1", 10)
    figure = canvas.figure_of(plots.drawing_of(sampled("darts", 1)[0]))
    assert [text.get_text() for text in figure.axes[0].texts[:2]] == ["c", "k−2"]
    one, other = (text.get_window_extent() for text in figure.axes[0].texts[:2])
    assert abs(one.x1 - other.x0) < 2 and other.y0 < one.y0, "below and right of its name"


def test_importing_plots_and_describing_need_no_matplotlib() -> None:
    code = (
        "import sys, nasedu as nas; from nasedu import plots;"
        "plots.describe(nas.spaces.NASBench201().architecture((3, 0, 1, 4, 2, 3)));"
        "assert 'matplotlib' not in sys.modules and 'networkx' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
