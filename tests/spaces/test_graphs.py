"""Free-form cells: counts, strings, sub-graphs, and an independent check of canonical()."""

import itertools
import time
from collections import Counter

import numpy as np
import pytest

from nasedu.spaces import create
from nasedu.spaces.graphs import OPERATIONS, Graphs

SPACE = Graphs()
SMALL = Graphs(max_nodes=3, operations=("skip_connect", "conv_3x3", "avg_pool_3x3", "max_pool_3x3"))
RESIDUAL = "conv_3x3(0); conv_3x3(1); skip_connect(0,2)"


def test_the_size_is_the_number_of_cells():
    """Node i reads one of i (i + 1) / 2 sets: 1, 3, 6, 10, …"""
    for max_nodes, operations in ((1, 4), (2, 3), (3, 4)):
        space = Graphs(max_nodes, OPERATIONS[:operations])
        assert space.size == len(set(space)) and space.size_is_exact
    assert SMALL.size == 4 + 4**2 * 3 + 4**3 * 3 * 6
    assert SPACE.size == sum(5**m * ways for m, ways in enumerate((1, 3, 18, 180, 2_700, 56_700), 1))


def test_a_cell_is_read_node_by_node():
    cell = SPACE.parse(RESIDUAL)
    assert cell.options == {
        "nodes": 3,
        "node 1 operation": "conv_3x3",
        "node 2 inputs": "1",
        "node 2 operation": "conv_3x3",
        "node 3 inputs": "0,2",
        "node 3 operation": "skip_connect",
    }
    assert SPACE.genes(cell.choices)[2] == ("skip_connect", (0, 2))
    assert str(cell) == RESIDUAL and SPACE.from_genes(SPACE.genes(cell.choices)) == cell
    told = [(text, SPACE.decisions[index].name) for text, index in SPACE.pieces(cell.choices) if index is not None]
    assert told[1:3] == [("conv_3x3", "node 2 operation"), ("(1)", "node 2 inputs")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected nodes like"),
        ("conv_3x3", "expected nodes like"),
        ("conv_3x3(0); ", "expected nodes like"),
        ("conv_3x3(0,)", "expected nodes like"),
        ("conv_3x3(0); skip_connect(0,1,1)", "expected nodes like"),
        ("conv_7x7(0)", "unknown operation 'conv_7x7'; this space has skip_connect"),
        ("sep_conv_3x3(0)", "unknown operation 'sep_conv_3x3'"),
        ("conv_3x3(1)", r"node 1 must read one or two different nodes among 0\.\.0.*got \(1,\)"),
        ("conv_3x3(0); skip_connect(1,0)", r"the lower one first; got \(1, 0\)"),
        ("conv_3x3(0); skip_connect(1,1)", "two different nodes"),
        ("; ".join(["conv_3x3(0)"] * 7), r"number of nodes must lie in 1\.\.6; got 7"),
        ("conv_3x3(0);" * 1_000_000, "at most 1,000 characters; got 12,000,000"),
    ],
    ids=lambda text: text[:30],
)
def test_a_malformed_cell_is_refused(text, message):
    started = time.perf_counter()
    with pytest.raises(ValueError, match=message):
        SPACE.parse(text)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_nodes": 0}, r"max_nodes must be a whole number in 1\.\.20; got 0"),
        ({"max_nodes": 21}, r"a whole number in 1\.\.20; got 21"),
        ({"max_nodes": "6"}, r"a whole number in 1\.\.20; got '6'"),
        ({"operations": ("none",)}, "unknown operation 'none'; there are skip_connect"),
        ({"operations": ()}, "must have at least one option"),
    ],
)
def test_spaces_that_cannot_be_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        Graphs(**parameters)


def test_the_space_is_made_by_its_name_and_parameters():
    assert create("graphs", max_nodes=4, operations=["skip_connect", "dil_conv_5x5"]).size == 2 + 12 + 144 + 2_880


def test_every_string_of_the_largest_space_is_short_enough_to_be_read():
    space = Graphs(max_nodes=20, operations=OPERATIONS)
    cell = space.from_genes([("skip_connect", (0,)), *(("conv_1x1", (i - 2, i - 1)) for i in range(2, 21))])
    assert space.parse(str(cell)) == cell and space.canonical(cell)


# Steps and draws ------------------------------------------------------------------------------


def test_neighbors_change_an_operation_or_an_input_or_have_one_node_more_or_less():
    cell = SPACE.parse(RESIDUAL)
    neighbors = {str(each) for each in SPACE.neighbors(cell)}
    grown = {each for each in neighbors if each.startswith(RESIDUAL)}
    assert len(grown) == 5 * 10, "with any operation and any inputs"
    assert RESIDUAL.rpartition("; ")[0] in neighbors
    last = {each.rpartition("; ")[2] for each in neighbors if each.count(";") == 2} - {"skip_connect(0,2)"}
    assert {each for each in last if each.startswith("skip_connect")} == {
        f"skip_connect({sources})" for sources in ("0", "2", "0,1", "1,2")
    }, "one input less or other, but not both"
    assert len(neighbors) == 3 * 4 + 2 + 4 + 50 + 1


def test_cells_of_one_number_of_nodes_are_equally_likely_either_way():
    space, rng = Graphs(max_nodes=2, operations=("skip_connect", "conv_1x1")), np.random.default_rng(0)
    for by, chances in (("architecture", 1 / 14), ("decision", None)):
        drawn = Counter(space.sample(rng, by=by) for _ in range(14_000))
        assert set(drawn) == set(space)
        for cell, count in drawn.items():
            expected = 14_000 * (chances or (1 / 4 if len(space.genes(cell.choices)) == 1 else 1 / 24))
            assert abs(count - expected) < 4.5 * expected**0.5
    with pytest.raises(ValueError, match="by must be 'architecture' or 'decision'; got 'size'"):
        space.sample(rng, by="size")


def ancestors(genes, node):
    return {node}.union(*(ancestors(genes, source) for source in genes[node - 1][1] if source))


def test_crossover_puts_a_whole_sub_graph_of_one_parent_into_the_other():
    rng, sizes = np.random.default_rng(0), Counter()
    for _ in range(500):
        parents = [SPACE.sample(rng, by="decision") for _ in range(2)]
        first, second = (SPACE.genes(parent.choices) for parent in parents)
        child = SPACE.genes(SPACE.crossover(*parents, rng).choices)
        sizes[(len(child) > len(first)) - (len(child) < len(first))] += 1
        explained = []
        for root in range(1, len(second) + 1):
            taken = ancestors(second, root)
            longer = first + second[len(first) :] if root > len(first) else first
            explained.append([second[i - 1] if i in taken else gene for i, gene in enumerate(longer, 1)])
        assert child in explained
    assert sizes[1] > 50 and sizes[-1] == 0, "the child has as many nodes as the first parent, or as the second if more"


def test_every_node_of_the_other_parent_may_be_the_root():
    rng = np.random.default_rng(0)
    parents = SPACE.parse("; ".join(["skip_connect(0)"] * 3)), SPACE.parse("; ".join(["conv_1x1(0)"] * 3))
    children = Counter(str(SPACE.crossover(*parents, rng)) for _ in range(300))
    assert len(children) == 3 and min(children.values()) > 70


# What cells compute ---------------------------------------------------------------------------


LENGTH = 7
AVERAGE = np.array([[abs(i - j) < 2 for j in range(LENGTH)] for i in range(LENGTH)], dtype=float)
AVERAGE /= AVERAGE.sum(1, keepdims=True)
MATRICES = np.random.default_rng(0).normal(size=(3, LENGTH, LENGTH))
DIRECTION, SIGNALS = np.random.default_rng(1).normal(size=(2, LENGTH, 50))  # 50 signals


def pooled_maximum(v):
    return np.array([v[max(0, i - 1) : i + 2].max(0) for i in range(LENGTH)])


def fingerprint(genes):
    """Return how many convolutions a cell has, and how far its output goes under the best way to give them weights.

    A convolution is tanh(W v): not linear, not homogeneous, 0 at 0.
    """
    convolutions = [i for i, (operation, _) in enumerate(genes) if "conv" in operation]
    found = []
    for matrices in itertools.permutations(MATRICES[: len(convolutions)]):
        weights = dict(zip(convolutions, matrices, strict=True))
        nodes = [SIGNALS]
        for i, (operation, sources) in enumerate(genes):
            v = sum(nodes[source] for source in sources)
            if i in weights:
                nodes.append(np.tanh(weights[i] @ v))
            else:
                kept = {"skip_connect": lambda v: v, "avg_pool_3x3": lambda v: AVERAGE @ v}
                nodes.append(kept.get(operation, pooled_maximum)(v))
        read = {source for _, sources in genes for source in sources}
        found.append(sum((node * DIRECTION).sum() for i, node in enumerate(nodes) if i not in read))
    return len(convolutions), max(found)


def test_canonical_names_are_equal_exactly_where_the_functions_are():
    """Over all cells of up to three nodes: how far its outputs go in some direction is a fingerprint."""
    rows = sorted((*fingerprint(SMALL.genes(cell.choices)), SMALL.canonical(cell)) for cell in SMALL)
    assert len(rows) == 1_204
    for (count, value, name), (next_count, next_value, next_name) in itertools.pairwise(rows):
        same = count == next_count and abs(value - next_value) < 1e-9
        assert same == (name == next_name), (name, next_name)


def relabelled(genes, rng):
    """Return the same cell with its nodes listed in another possible order."""
    left, order = set(range(1, len(genes) + 1)), [0]
    while left:
        ready = sorted(node for node in left if set(genes[node - 1][1]) <= set(order))
        order.append(int(rng.choice(ready)))
        left.remove(order[-1])
    return [(genes[node - 1][0], tuple(sorted(order.index(s) for s in genes[node - 1][1]))) for node in order[1:]]


def test_canonical_does_not_depend_on_the_order_of_nodes():
    space, rng, reordered = Graphs(max_nodes=9), np.random.default_rng(0), 0
    for _ in range(150):
        cell = space.sample(rng)
        genes = relabelled(space.genes(cell.choices), rng)
        other = space.from_genes(genes)
        reordered += other != cell
        assert space.canonical(other) == space.canonical(cell)
    assert reordered > 100


OCTAGON, SQUARES = ((1, 2), (2, 3), (3, 4), (1, 4)), ((1, 2), (1, 2), (3, 4), (3, 4))


def rings(*shapes):
    """Return a cell of four convolutions and four that read two of these each, for each shape."""
    starts = range(1, 4 * len(shapes), 4)
    genes = [("conv_1x1", (0,))] * 4 * len(shapes)
    genes += [("conv_1x1", (s + i - 1, s + j - 1)) for s, shape in zip(starts, shapes, strict=True) for i, j in shape]
    return Graphs(max_nodes=20).from_genes(genes)


def test_convolutions_that_look_alike_from_everywhere_are_still_told_apart():
    """Every ring looks the same from each of its nodes, step by step; which is which shows only all the way round."""
    swapped = ((1, 3), (1, 3), (2, 4), (2, 4))
    name = rings(OCTAGON).space.canonical
    assert name(rings(OCTAGON)) != name(rings(SQUARES)) == name(rings(swapped))
    assert name(rings(OCTAGON, SQUARES)) == name(rings(SQUARES, OCTAGON)) != name(rings(SQUARES, SQUARES))


def test_canonical_is_quick_however_alike_the_convolutions_are():
    space = Graphs(max_nodes=20, operations=("conv_1x1",))
    side_by_side = space.from_genes([("conv_1x1", (0,))] * 20)
    chains, pairs = (
        space.from_genes([("conv_1x1", (0,))] * k + [("conv_1x1", (i - k,)) for i in range(k + 1, 21)]) for k in (4, 10)
    )
    started = time.process_time()
    assert space.canonical(side_by_side).startswith("a=conv_1x1(x); b=conv_1x1(x); ")
    assert [space.canonical(each).count("(x)") for each in (chains, pairs)] == [4, 10]
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("text", "name"),
    {
        "skip_connect(0)": "x",
        "skip_connect(0); skip_connect(0,1); avg_pool_3x3(0,2)": "3·avg(x)",
        "avg_pool_3x3(0); max_pool_3x3(0); skip_connect(0,1); max_pool_3x3(0,1)": "avg(x)+max3(avg(x)+x)+max3(x)+x",
        "skip_connect(0); max_pool_3x3(0,1)": "2·max3(x)",
        "conv_3x3(0); conv_3x3(0)": "a=conv_3x3(x); b=conv_3x3(x); a+b",
        "conv_3x3(0); skip_connect(1); skip_connect(1,2)": "a=conv_3x3(x); 2·a",
    }.items(),
)
def test_names_are_sums_of_terms(text, name):
    assert SPACE.canonical(SPACE.parse(text)) == name


def test_the_diagram_is_the_cell():
    diagram = SPACE.diagram(SPACE.parse(RESIDUAL))
    assert [(node.label, node.kind) for node in diagram.nodes] == [
        ("input", "input"),
        *((each, "operation") for each in ("conv_3x3", "conv_3x3", "skip_connect")),
        ("output", "output"),
    ]
    assert [SPACE.decisions[node.decision].name for node in diagram.nodes[1:-1]] == [
        f"node {i} operation" for i in (1, 2, 3)
    ]
    assert {(edge.source, edge.target) for edge in diagram.edges} == {
        ("0", "1"), ("1", "2"), ("0", "3"), ("2", "3"), ("3", "output")
    }  # fmt: skip
