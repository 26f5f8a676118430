"""NAS-Bench-101: the paper's counts and hashes, relabelling, and what is no cell."""

import itertools
import time

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from nasedu.spaces import NASBench101
from nasedu.spaces.nasbench101 import OPERATIONS

SPACE = NASBench101()
SMALL = NASBench101(max_vertices=5)

# The first cell of the published file nasbench_only108.tfrecord: its hash, matrix and operations
FIRST_HASH = "00005c142e6f48ac74fdcf73e3439874"
FIRST_MATRIX = [
    [0, 1, 0, 0, 1, 1, 0],
    [0, 0, 1, 0, 0, 0, 0],
    [0, 0, 0, 1, 0, 0, 1],
    [0, 0, 0, 0, 0, 1, 0],
    [0, 0, 0, 0, 0, 1, 0],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 0],
]
FIRST_OPERATIONS = ["conv3x3-bn-relu", "maxpool3x3", "conv3x3-bn-relu", "conv3x3-bn-relu", "conv1x1-bn-relu"]


def cell_of(matrix, inner):
    return SPACE.from_matrix(matrix, ["input", *inner, "output"])


# Counting -------------------------------------------------------------------------------------


def test_there_are_423624_cells():
    """Exactly so many in the README of the benchmark's code, about 423k in Section 2.2 of the paper."""
    assert SPACE.count_unique() == 423_624


@pytest.mark.parametrize(("vertices", "count"), [(2, 1), (3, 7), (4, 91), (5, 2_532)])
def test_smaller_spaces_have_the_counts_of_the_reference_implementation(vertices, count):
    """Printed by generate_graphs.py of the benchmark's code, with at most so many vertices and 9 edges."""
    space = NASBench101(max_vertices=vertices)
    assert space.count_unique() == count == len({space.canonical(cell) for cell in space})
    assert count == len({space.benchmark_canonical(cell) for cell in space})


def test_every_cell_is_listed_once_and_named_by_itself():
    cells = list(SMALL.unique())
    assert len(cells) == SMALL.count_unique()
    assert [str(cell) for cell in cells] == [SMALL.canonical(cell) for cell in cells]


def test_the_hash_tells_larger_cells_apart_too():
    """The paper's authors checked that for the whole space."""
    space = NASBench101(max_vertices=6, max_edges=7)
    assert len({space.benchmark_canonical(cell) for cell in space.unique()}) == space.count_unique()


def test_the_size_is_the_number_of_encodings_that_are_valid():
    """Against all combinations of a matrix's entries and operations, looked at one by one."""
    count = 0
    for vertices in (2, 3, 4):
        pairs = list(itertools.combinations(range(vertices), 2))
        for bits in itertools.product((0, 1), repeat=len(pairs)):
            graph = networkx.DiGraph([pair for pair, bit in zip(pairs, bits, strict=True) if bit])
            graph.add_nodes_from(range(vertices))
            between = {*networkx.descendants(graph, 0), 0} & {*networkx.ancestors(graph, vertices - 1), vertices - 1}
            if len(between) == vertices:
                count += 3 ** (vertices - 2)
    space = NASBench101(max_vertices=4)
    assert space.size == count == len(list(space)) == len({*space}) and space.size_is_exact
    assert NASBench101().size == 1_293_208, "as the documentation says"


def test_cells_are_listed_in_order_and_each_is_one():
    space = NASBench101(max_vertices=4, max_edges=4)
    listed = [cell.choices for cell in space]
    assert listed == sorted(listed)
    assert max(space.matrix(cell).sum() for cell in space) == 4
    for choices in listed:
        space.check(choices)


# Relabelling ----------------------------------------------------------------------------------


def test_the_published_hash_of_a_published_cell():
    assert SPACE.benchmark_canonical(cell_of(FIRST_MATRIX, FIRST_OPERATIONS)) == FIRST_HASH


def relabelled(cell, order):
    """The matrix and operations with the inner vertices in another order, which need not be upper triangular."""
    matrix, operations = SPACE.matrix(cell), SPACE.operations(cell)
    order = [0, *(vertex + 1 for vertex in order), len(matrix) - 1]
    return matrix[np.ix_(order, order)], [operations[vertex] for vertex in order]


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_names_do_not_depend_on_the_order_of_vertices(seed):
    rng = np.random.default_rng(seed)
    cell = SPACE.sample(rng)
    other = SPACE.from_matrix(*relabelled(cell, rng.permutation(len(SPACE.matrix(cell)) - 2)))
    assert SPACE.canonical(other) == SPACE.canonical(cell)
    assert SPACE.benchmark_canonical(other) == SPACE.benchmark_canonical(cell)
    assert SPACE.canonical(SPACE.parse(SPACE.canonical(cell))) == SPACE.canonical(cell)


def graph_of(cell):
    graph = networkx.DiGraph(SMALL.matrix(cell))
    for vertex, operation in enumerate(SMALL.operations(cell)):
        graph.nodes[vertex]["operation"] = operation
    return graph


def test_names_are_equal_exactly_where_graphs_are_isomorphic():
    """Against networkx, for pairs whose vertices have the same degrees and operations; half of such pairs differ."""
    rng, outcomes = np.random.default_rng(0), []
    by_degrees = {}
    for cell in SMALL:
        graph = graph_of(cell)
        key = sorted((graph.in_degree(v), graph.out_degree(v), graph.nodes[v]["operation"]) for v in graph)
        by_degrees.setdefault(tuple(key), []).append(cell)
    groups = [group for group in by_degrees.values() if len(group) > 1]
    for _ in range(600):
        first, second = rng.choice(groups[rng.integers(len(groups))], 2, replace=False)
        same = networkx.is_isomorphic(graph_of(first), graph_of(second), lambda a, b: a == b)
        assert same == (SMALL.canonical(first) == SMALL.canonical(second))
        outcomes.append(same)
    assert 50 < sum(outcomes) < 550, "pairs of both kinds were looked at"


# Drawing cells --------------------------------------------------------------------------------


def test_sampling_is_uniform_over_the_encodings():
    space = NASBench101(max_vertices=4, max_edges=4)
    number, rng = {cell: i for i, cell in enumerate(space)}, np.random.default_rng(0)
    draws = np.bincount([number[space.sample(rng)] for _ in range(20 * space.size)], minlength=space.size)
    assert chisquare(draws).pvalue > 0.001
    decisions = np.bincount([number[space.sample(rng, by="decision")] for _ in range(20 * space.size)])
    assert chisquare(decisions).pvalue < 1e-6, "decision by decision, small cells are likelier"


def test_ten_thousand_cells_are_drawn_in_a_second():
    rng = np.random.default_rng(0)
    SPACE.sample(rng)  # lists the graphs
    start = time.process_time()
    for _ in range(10_000):
        SPACE.sample(rng)
    assert time.process_time() - start < 1


def test_every_cell_can_be_reached_from_every_other():
    reached, waiting = set(), [next(iter(SMALL))]
    while waiting:
        cell = waiting.pop()
        if cell not in reached:
            reached.add(cell)
            waiting += SMALL.neighbors(cell)
    assert len(reached) == SMALL.size


def test_a_cell_grows_by_any_vertex_that_makes_a_cell():
    smallest = SPACE.parse("01/00")
    grown = {str(cell) for cell in SPACE.neighbors(smallest)}
    assert grown == {f"011/001/000 {operation}" for operation in OPERATIONS}, "the edge past the vertex stays"


# Reading --------------------------------------------------------------------------------------


def test_dead_vertices_are_left_out():
    matrix = [[0, 1, 1, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]
    inner = ["maxpool3x3", "conv1x1-bn-relu", "conv3x3-bn-relu"]  # the second leads nowhere, nothing reaches the third
    assert str(cell_of(matrix, inner)) == "010/001/000 maxpool3x3"


def test_a_cell_with_too_many_vertices_and_edges_is_one_if_the_dead_ones_were_the_ones_too_many():
    full = np.zeros((9, 9), dtype=int)
    full[np.triu_indices(9, 1)] = 1
    full[2:8, :] = full[:, 2:8] = 0
    full[2, 3:8] = 1  # among vertices that nothing reaches
    assert str(cell_of(full, ["maxpool3x3"] * 7)) == "011/001/000 maxpool3x3"


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "": "expected the rows of the matrix and the operations",
        "010/001 maxpool3x3": "expected the rows",
        "012/001/000 maxpool3x3": "expected the rows",
        "010/001/000 maxpool3x3 maxpool3x3": "expected the rows",
        "010/001/000": "an operation for each of 3 vertices; got 2",
        "010/001/000 max_pool_3x3": "unknown operation 'max_pool_3x3'; NAS-Bench-101 has conv3x3-bn-relu",
        "010/000/000 maxpool3x3": "disconnected: there must be a path from the input to the output",
        "010/010/000 maxpool3x3": "no cycle",
        "0110/0011/0101/0000 maxpool3x3,maxpool3x3": r"no cycle; there is one among the vertices \[1, 2, 3\]",
        "01111110/00111111/00000001/00000001/00000001/00000001/00000001/00000000 "
        + ",".join(["maxpool3x3"] * 6): "at most 7 vertices on paths from input to output; got 8",
        "01111/00111/00011/00001/00000 " + ",".join(["maxpool3x3"] * 3): "at most 9 edges.*got 10",
    }.items(),
)
def test_what_is_no_cell_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        SPACE.parse(text)


@pytest.mark.parametrize(
    ("matrix", "operations", "message"),
    [
        ([[0, 1], [0, 0, 0]], ["input", "output"], "square; its rows have different lengths"),
        ([[0, 1]], ["input", "output"], r"square, of 2 to 100 vertices; got the shape \(1, 2\)"),
        ([[0, 0.5], [0, 0]], ["input", "output"], "whole numbers, 0 or 1; got '0"),
        ([[0, 2], [0, 0]], ["input", "output"], "whole numbers, 0 or 1; got '2'"),
        ([[0, "1"], [0, 0]], ["input", "output"], "whole numbers, 0 or 1; got '"),
        ([[0, None], [0, 0]], ["input", "output"], "whole numbers, 0 or 1; got 'None'"),
        ([[0, 1], [0, 0]], ["input", "maxpool3x3"], "operations must be 'input', …, 'output'"),
        (np.zeros((1000, 1000), int), ["input", "output"], "of 2 to 100 vertices"),
    ],
)
def test_what_is_no_matrix_is_refused(matrix, operations, message):
    with pytest.raises(ValueError, match=message):
        SPACE.from_matrix(matrix, operations)


@pytest.mark.parametrize("text", ["0" * 10_000_000, "01/00 " + "x," * 5_000_000, " " * 10_000_000])
def test_a_huge_string_is_refused_at_once(text):
    start = time.perf_counter()
    with pytest.raises(ValueError) as caught:
        SPACE.parse(text)
    assert time.perf_counter() - start < 1 and len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "arguments", [{"max_vertices": 8}, {"max_vertices": 1}, {"max_edges": 0}, {"max_vertices": 4.0}]
)
def test_a_space_that_cannot_be_is_refused(arguments):
    with pytest.raises(ValueError, match="must be a whole number"):
        NASBench101(**arguments)


# Drawing --------------------------------------------------------------------------------------


def test_the_diagram_has_the_edges_and_operations_that_the_decisions_chose():
    cell = cell_of(FIRST_MATRIX, FIRST_OPERATIONS)
    diagram = SPACE.diagram(cell)
    assert [node.label for node in diagram.nodes] == ["input", *FIRST_OPERATIONS, "output"]
    drawn = np.zeros((7, 7), dtype=int)
    for edge in diagram.edges:
        drawn[int(edge.source), int(edge.target)] = 1
        assert cell.choices[edge.decision] == 1
    assert drawn.tolist() == FIRST_MATRIX
    for node in diagram.nodes[1:-1]:
        assert SPACE.decisions[node.decision].options[cell.choices[node.decision]] == node.label


def test_each_piece_of_the_string_tells_its_decision():
    cell = cell_of(FIRST_MATRIX, FIRST_OPERATIONS)
    pieces = SPACE.pieces(cell.choices)
    assert "".join(text for text, _ in pieces) == str(cell)
    told = [index for _, index in pieces if index is not None]
    assert sorted(told) == [i for i, on in enumerate(SPACE.active(cell.choices)) if on and i]
    for text, index in pieces:
        assert index is None or text == str(SPACE.decisions[index].options[cell.choices[index]])


# Anything -------------------------------------------------------------------------------------


@given(st.text(alphabet="01/ ,") | st.lists(st.text("01", max_size=7), max_size=8).map("/".join), st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_a_text_is_a_cell_or_refused(rows, rest):
    for text in (rows, f"{rows} {rest}", f"{rows} {','.join(['maxpool3x3'] * (rows.count('/') - 1))}"):
        try:
            cell = SPACE.parse(text)
        except ValueError:
            continue
        assert SPACE.parse(str(cell)) == cell
