"""The layered layout: it reads one way, nothing overlaps, edges pass nodes, and the same gives the same."""

import itertools
import time

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasedu.core import Diagram, Edge, Node
from nasedu.spaces import bends, layered
from nasedu.spaces.layered import NODE, WIDTHS, arrange


def random_graph(rng: np.random.Generator, count: int, edges: int) -> tuple[list[Node], list[Edge]]:
    """Return nodes that compute between an input and an output, every one on a way from the one to the other."""
    kinds = ["input", *["operation"] * (count - 2), "output"]
    nodes = [Node(str(i), 7.0, 7.0, f"op {i}", kind) for i, kind in enumerate(kinds)]
    pairs = {(int(rng.integers(max(0, i - 4), i)), i) for i in range(1, count)}
    pairs |= {(i, int(rng.integers(i + 1, count))) for i in range(count - 1) if i not in {a for a, _ in pairs}}
    while len(pairs) < edges:
        a, b = sorted(int(i) for i in rng.choice(count, 2, replace=False))
        pairs.add((a, b))
    return nodes, [Edge(str(a), str(b), bend=9.0) for a, b in sorted(pairs)]


def size_of(node: Node) -> tuple[float, float]:
    return WIDTHS.get(node.kind, NODE), layered.HEIGHT


def curve(diagram: Diagram, edge: Edge, steps: int = 61) -> np.ndarray:
    """Return points of the edge by the rule of the drawings: its middle moves by ``bend`` to the left."""
    places = {node.id: np.array([node.x, node.y]) for node in diagram.nodes}
    start, end = places[edge.source], places[edge.target]
    along = end - start
    left = np.array([along[1], -along[0]]) / np.hypot(*along)
    control = (start + end) / 2 + 2 * edge.bend * left
    t = np.linspace(0, 1, steps)[:, None]
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end


def hits(diagram: Diagram) -> list[tuple[str, str, str]]:
    """Return which edges run through which nodes."""
    found = []
    for edge, node in itertools.product(diagram.edges, diagram.nodes):
        if node.id not in (edge.source, edge.target):
            half = np.array(size_of(node)) / 2
            if (np.abs(curve(diagram, edge) - (node.x, node.y)) < half).all(-1).any():
                found.append((edge.source, edge.target, node.id))
    return found


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 12), st.integers(0, 10), st.booleans())
def test_every_edge_points_forwards_and_nodes_stand_apart(seed: int, count: int, more: int, down: bool) -> None:
    most = count * (count - 1) // 2
    nodes, edges = random_graph(np.random.default_rng(seed), count, min(count + more, most))
    diagram = arrange(nodes, edges, down=down)
    assert [(n.id, n.label, n.kind) for n in diagram.nodes] == [(n.id, n.label, n.kind) for n in nodes]
    assert [(e.source, e.target) for e in diagram.edges] == [(e.source, e.target) for e in edges]
    along = {node.id: node.y if down else node.x for node in diagram.nodes}
    assert all(along[edge.source] < along[edge.target] for edge in diagram.edges)
    assert min(along.values()) == along["0"] == 0 and max(along.values()) == along[str(count - 1)]
    for a, b in itertools.combinations(diagram.nodes, 2):
        wide, high = ((one + other) / 2 for one, other in zip(size_of(a), size_of(b), strict=True))
        assert abs(a.x - b.x) >= wide or abs(a.y - b.y) >= high, (a, b)


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize(("count", "edges", "tolerated"), [(7, 9, 0), (12, 17, 0), (15, 21, 1)])
def test_edges_run_through_no_node(count: int, edges: int, tolerated: int, down: bool) -> None:
    rng = np.random.default_rng(0)
    bad = [hits(arrange(*random_graph(rng, count, edges), down=down)) for _ in range(30)]
    assert sum(map(bool, bad)) <= tolerated, bad


def test_the_same_structure_gets_the_same_places_whatever_the_operations_are_called() -> None:
    nodes, edges = random_graph(np.random.default_rng(1), 9, 14)
    one = arrange(nodes, [Edge(e.source, e.target, "conv") for e in edges])
    layered._places.cache_clear()
    other = arrange(nodes, [Edge(e.source, e.target, "max_pool_3x3") for e in edges])
    assert [(n.x, n.y) for n in one.nodes] == [(n.x, n.y) for n in other.nodes]
    assert [e.bend for e in one.edges] == [e.bend for e in other.edges]


def test_a_chain_is_straight_and_its_skips_are_arcs_beside_it() -> None:
    nodes = [Node(str(i), 0, 0, "conv", "operation") for i in range(10)]
    edges = [Edge(str(i), str(i + 1)) for i in range(9)] + [Edge("0", "4"), Edge("2", "9"), Edge("1", "3")]
    diagram = arrange(nodes, edges)
    assert len({node.y for node in diagram.nodes}) == 1
    assert [edge.bend for edge in diagram.edges[:9]] == [0] * 9
    assert all(abs(edge.bend) > 0.2 for edge in diagram.edges[9:])
    assert hits(diagram) == []


def test_a_planar_cell_is_drawn_without_crossings() -> None:
    """Two ways of two operations each, side by side, given in an order that crosses."""
    nodes = [Node("in", 0, 0, "x", "input"), *(Node(i, 0, 0, i) for i in "abcd"), Node("out", 0, 0, "y", "output")]
    pairs = ("in", "a"), ("in", "b"), ("a", "d"), ("b", "c"), ("c", "out"), ("d", "out")
    diagram = arrange(nodes, [Edge(*pair) for pair in pairs])
    curves = np.array([curve(diagram, edge, 13) for edge in diagram.edges])
    for number in range(1, len(curves)):
        assert bends._crossings(curves[number][None], curves[:number]).sum() == 0


def test_barycentres_and_swaps_undo_most_crossings() -> None:
    """K(6, 6) minus all but a shuffled matching crosses nowhere once it is ordered."""
    order = np.random.default_rng(3).permutation(6)
    columns = [list(range(6)), [6 + int(i) for i in order]]
    left = [[] for _ in range(6)] + [[i] for i in range(6)]
    right = [[6 + i] for i in range(6)] + [[] for _ in range(6)]
    place = [0.0] * 12
    for column in columns:
        layered._number(column, place)
    assert layered._crossings(columns, right, place) > 0
    layered._order(columns, left, right)
    for column in columns:
        layered._number(column, place)
    assert layered._crossings(columns, right, place) == 0


def test_the_best_order_that_was_seen_is_kept() -> None:
    """Sweeps may make it worse again. Measured over these 200 graphs: 5.85 crossings; with the last order, 6.16."""
    rng, count = np.random.default_rng(0), 0
    for _ in range(200):
        nodes, edges = random_graph(rng, 15, 26)
        links = [(int(edge.source), int(edge.target), False) for edge in edges]
        layers = layered._layers([node.kind for node in nodes], links, "late")
        columns, left, right = layered._columns(layers, links)
        layered._order(columns, left, right)
        place = [0.0] * len(left)
        for column in columns:
            layered._number(column, place)
        count += layered._crossings(columns, right, place)
    assert count / 200 < 6.0


def test_crossings_are_counted_as_by_hand() -> None:
    place = [0.0, 1.0, 0.0, 1.0, 2.0]
    right = [[3, 4], [2, 3], [], [], []]  # 0→3 and 0→4 cross 1→2; 0→4 crosses 1→3
    assert layered._crossings([[0, 1], [2, 3, 4]], right, place) == 3


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 3)), min_size=1, max_size=8))
def test_the_closest_ascending_numbers(values: list[tuple[float, float]]) -> None:
    from sklearn.isotonic import IsotonicRegression

    y, weights = (list(column) for column in zip(*values, strict=True))
    expected = IsotonicRegression().fit_transform(np.arange(len(y)), y, sample_weight=weights)
    np.testing.assert_allclose(layered._ascending(y, weights), expected, atol=1e-9)


def test_groups_stand_below_each_other_or_side_by_side() -> None:
    nodes = [Node(f"{group}{i}", 0, 0, "conv", "operation", group) for group in "ab" for i in range(3)]
    edges = [Edge(f"{group}{i}", f"{group}{i + 1}") for group in "ab" for i in range(2)]
    diagram, downwards = arrange(nodes, edges), arrange(nodes, edges, down=True)
    assert max(n.y for n in diagram.nodes if n.group == "a") + 1 < min(n.y for n in diagram.nodes if n.group == "b")
    assert max(n.x for n in downwards.nodes if n.group == "a") + 1 < min(n.x for n in downwards.nodes if n.group == "b")


def test_two_edges_between_the_same_nodes_bend_apart() -> None:
    nodes = [Node("a", 0, 0, "a"), Node("b", 0, 0, "b")]
    found = [edge.bend for edge in arrange(nodes, [Edge("a", "b")] * 3).edges]
    assert all(abs(one - other) > 0.1 for one, other in itertools.combinations(found, 2))


def test_what_is_no_diagram_is_refused() -> None:
    a, b = Node("a", 0, 0, "a"), Node("b", 0, 0, "b")
    with pytest.raises(ValueError, match="nodes must have different ids"):
        arrange([a, a], [])
    with pytest.raises(ValueError, match="an edge must join two of the nodes; got 'a' → 'c'"):
        arrange([a, b], [Edge("a", "c")])
    for edges in ([Edge("a", "b"), Edge("b", "a")], [Edge("a", "a")]):
        with pytest.raises(ValueError, match="must have no cycle"):
            arrange([a, b], edges)


def test_nothing_one_node_and_nodes_without_edges_are_laid_out() -> None:
    assert arrange([], []) == Diagram((), ())
    assert arrange([Node("a", 3, 3, "a")], []).nodes[0].x == 0
    apart = arrange([Node("a", 0, 0, "a"), Node("b", 0, 0, "b")], []).nodes
    assert (apart[0].x, apart[0].y) != (apart[1].x, apart[1].y)


def test_a_large_graph_takes_no_minutes() -> None:
    graph = networkx.gn_graph(120, seed=1).reverse()
    nodes = [Node(str(i), 0, 0, "conv", "operation") for i in graph]
    start = time.perf_counter()
    arrange(nodes, [Edge(str(a), str(b)) for a, b in graph.edges])
    assert time.perf_counter() - start < 20
