"""Known answers about recurrent cells: the papers' counts and cells, and an independent check of canonical()."""

import itertools
import math
import time

import numpy as np
import pytest

from nasedu.spaces import create
from nasedu.spaces.recurrent import DARTS_V1, DARTS_V2, ENAS, Recurrent

SMALL = Recurrent(nodes=3)


def test_there_are_as_many_cells_as_enas_counts():
    """4^N · N!, arXiv:1802.03268, Section 2.1."""
    for nodes in (1, 2, 3):
        assert Recurrent(nodes).size == 4**nodes * math.factorial(nodes) == len(set(Recurrent(nodes)))
    assert Recurrent(12).size == 4**12 * math.factorial(12)
    assert Recurrent().size == 2_642_411_520


def test_the_published_cells_are_read_and_printed():
    for text in (DARTS_V1, DARTS_V2):
        assert str(Recurrent().parse(text)) == text
        assert (
            Recurrent().parse(text.replace("range(1, 9)", "[1,2,3,4,5,6,7,8]").replace("'", '"')).space == Recurrent()
        )
    enas = Recurrent(nodes=11, loose_ends=True)
    assert str(enas.parse(ENAS)) == ENAS, "the loose ends of ENAS's cell are those that DARTS' code lists"


def test_genes_are_read_node_by_node():
    options = Recurrent().parse(DARTS_V2).options
    assert list(options.items())[:5] == [
        ("node 1 activation", "sigmoid"),
        ("node 2 input", 1),
        ("node 2 activation", "relu"),
        ("node 3 input", 1),
        ("node 3 activation", "relu"),
    ]
    assert (options["node 8 input"], options["node 8 activation"]) == (5, "relu")


def test_the_pieces_of_the_string_tell_the_activations():
    space = Recurrent(nodes=11, loose_ends=True)
    cell = space.parse(ENAS)
    pieces = space.pieces(cell.choices)
    assert "".join(text for text, _ in pieces) == ENAS
    told = {space.decisions[index].name: text for text, index in pieces if index is not None}
    assert len(told) == 11 and told["node 8 activation"] == "('relu', 7)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected .Genotype.*got ''"),
        (DARTS_V2 + ";print()", "expected .Genotype"),
        (DARTS_V2.replace("recurrent", "normal"), "expected .Genotype"),
        (DARTS_V2.replace("('relu', 5)", "('relu', __import__('os').getpid())"), "expected genes like.*__import__"),
        (DARTS_V2.replace("'sigmoid', 0", "'gelu', 0"), "unknown activation 'gelu'; there are tanh, relu, sigmoid"),
        (DARTS_V2.replace("'sigmoid', 0", "'none', 0"), "unknown activation 'none'"),
        (DARTS_V2.replace("('relu', 5)", "('relu', 8)"), r"node 8 must take one of the nodes 0\.\.7; got 8"),
        (DARTS_V2.replace("('relu', 5)", "('relu', -1)"), "expected genes like"),
        (DARTS_V2.replace("('sigmoid', 0), ", ""), "must have 8 genes, one for each node; got 7"),
        (
            DARTS_V2.replace("range(1, 9)", "range(2, 9)"),
            r"all nodes from 1 on, concat=\[1, 2.*loose_ends=True",
        ),
        (DARTS_V2.replace("range(1, 9)", "range(1,9),0"), "expected .Genotype"),
        (ENAS, "must have 8 genes"),
    ],
)
def test_a_malformed_genotype_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Recurrent().parse(text)


def test_the_other_rule_for_the_new_state_is_named():
    with pytest.raises(ValueError, match=r"over all loose ends.*Recurrent\(nodes=8, loose_ends=False\)"):
        Recurrent(loose_ends=True).parse(DARTS_V2)


@pytest.mark.parametrize(
    "text",
    [
        DARTS_V2 * 100_000,
        "Genotype(recurrent=[" + " " * 10_000_000,
        "Genotype(recurrent=[], concat=" + " " * 1_900 + ")" * 1_900 + "x",
        "Genotype(recurrent=[" + "('relu', 0)," * 300 + "], concat=[])",
    ],
    ids=["many", "10 MB of spaces", "brackets", "300 genes"],
)
def test_a_huge_text_is_refused_at_once(text):
    started = time.perf_counter()
    with pytest.raises(ValueError) as raised:
        Recurrent().parse(text)
    assert time.perf_counter() - started < 0.5
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize("nodes", [0, 101, 2.5])
def test_cells_that_cannot_be_are_refused(nodes):
    with pytest.raises(ValueError, match=rf"nodes must be a whole number in 1\.\.100; got {nodes}"):
        Recurrent(nodes=nodes)


def test_the_space_is_made_by_its_name_and_parameters():
    assert create("recurrent", nodes=11, loose_ends=True) == Recurrent(11, True) != Recurrent(11)


def test_the_diagram_is_the_cell_with_its_two_inputs():
    space = Recurrent(nodes=11, loose_ends=True)
    diagram = space.diagram(space.parse(ENAS))
    edges = {(edge.source, edge.target): edge for edge in diagram.edges}
    assert [node.id for node in diagram.nodes if node.kind == "input"] == ["x", "h"]
    assert edges["3", "6"].operation == "relu" and ("4", "6") not in edges
    assert [source for source, target in edges if target == "output"] == ["2", "5", "6", "9", "10", "11"]
    assert space.decisions[edges["7", "8"].decision].name == "node 8 activation"
    assert len(Recurrent().diagram(Recurrent().parse(DARTS_V2)).edges) == 2 + 8 + 8


# What cells compute ---------------------------------------------------------------------------


FUNCTIONS = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "sigmoid": lambda z: 1 / (1 + np.exp(-z))}
DIRECTION = np.random.default_rng(2).normal(size=(5, 4))
MATRICES = np.random.default_rng(0).normal(size=(3, 4, 8))  # for the three nodes; a state has 4 numbers
START = np.random.default_rng(1).normal(size=(5, 4))  # the values of node 0, for 5 inputs


def outputs_under_all_matchings(cell):
    """Return the cell's output for every way to give the three matrices to its nodes: slow and obvious."""
    found = []
    for matrices in itertools.permutations(MATRICES):
        states = [START]
        for (activation, source), matrix in zip(cell.space.genes(cell.choices), matrices, strict=True):
            gate, value = np.split(states[source] @ matrix, 2, axis=1)
            change = FUNCTIONS.get(activation, lambda z: z)(value) - states[source]
            states.append(states[source] + FUNCTIONS["sigmoid"](gate) * change)
        taken = {source for _, source in cell.space.genes(cell.choices)} if cell.space.loose_ends else set()
        mean = np.mean([state for node, state in enumerate(states) if node and node not in taken], axis=0)
        found.append((mean * DIRECTION).sum())
    return found


@pytest.mark.parametrize("loose_ends", [False, True])
def test_canonical_names_are_equal_exactly_where_the_functions_are(loose_ends):
    """Over all cells of three nodes: how far its outputs go in some direction is a fingerprint of the function."""
    space = Recurrent(nodes=3, loose_ends=loose_ends)
    rows = sorted((max(outputs_under_all_matchings(cell)), space.canonical(cell)) for cell in space)
    for (value, name), (next_value, next_name) in itertools.pairwise(rows):
        assert (abs(value - next_value) < 1e-12) == (name == next_name), (name, next_name)
    assert len({name for _, name in rows}) == 188 == space.count_unique()


def test_canonical_names_are_counted_without_listing():
    for nodes in (1, 2, 4):
        space = Recurrent(nodes)
        assert space.count_unique() == len({space.canonical(cell) for cell in space})
    assert [Recurrent(nodes).count_unique() for nodes in (1, 2, 3)] == [4, 26, 188]


def test_canonical_forgets_the_order_of_nodes():
    one = Recurrent(3).parse("Genotype(recurrent=[('tanh', 0), ('relu', 0), ('relu', 1)], concat=range(1, 4))")
    two = Recurrent(3).parse("Genotype(recurrent=[('relu', 0), ('tanh', 0), ('relu', 2)], concat=range(1, 4))")
    other = Recurrent(3).parse("Genotype(recurrent=[('relu', 0), ('tanh', 0), ('relu', 1)], concat=range(1, 4))")
    assert SMALL.canonical(one) == SMALL.canonical(two) == "0(relu tanh(relu))" != SMALL.canonical(other)
