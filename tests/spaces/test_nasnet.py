"""The spaces of NASNet-like cells: published counts and cells, and an independent check of their names."""

import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasedu.spaces import DARTS, AmoebaNet, ENASMicro, NASNet, PNASNet, create
from nasedu.spaces.cells import CellSpace, cell_name
from nasedu.spaces.darts import DARTS_V1, DARTS_V2
from nasedu.spaces.enas import ENAS_MICRO
from nasedu.spaces.nasnet import AMOEBANET_A, NASNET_A, OPERATIONS, PNASNET_5

PUBLISHED = {
    "NASNet-A": (NASNet(), NASNET_A),
    "AmoebaNet-A": (AmoebaNet(), AMOEBANET_A),
    "PNASNet-5": (PNASNet(), PNASNET_5),
    "ENAS": (ENASMicro(), ENAS_MICRO),
    "DARTS_V1": (DARTS(), DARTS_V1),
    "DARTS_V2": (DARTS(), DARTS_V2),
}
OUTPUTS = {  # of the normal and of the reduction cell, in the papers' code
    "NASNet-A": ([2, 3, 4, 5, 6], [4, 5, 6]),
    "AmoebaNet-A": ([4, 5, 6], [3, 4, 6]),
    "PNASNet-5": ([2, 3, 4, 5, 6], [2, 3, 4, 5, 6]),
    "ENAS": ([2, 3, 4, 5, 6], [2, 4, 5, 6]),
    "DARTS_V1": ([2, 3, 4, 5], [2, 3, 4, 5]),
    "DARTS_V2": ([2, 3, 4, 5], [2, 3, 4, 5]),
}
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=30, derandomize=True, deadline=None)


def rng(seed=0):
    return np.random.default_rng(seed)


# Known answers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "rounded"),
    [(NASNet(), "7.15e+16"), (AmoebaNet(), "5.57e+14"), (PNASNet(), "5.57e+14"), (ENASMicro(), "5.06e+12")],
)
def test_a_cell_has_as_many_encodings_as_the_papers_count(space, rounded):
    """(2·3·4·5·6)² · O¹⁰: Radosavovic et al., arXiv:1905.13214; PNASNet's 5.6·10¹⁴: arXiv:1806.09055, Appendix A.1."""
    per_cell = math.prod(len(decision.options) for decision in space.decisions[: 5 * 4])
    assert per_cell == math.factorial(6) ** 2 * len(space.operations) ** 10
    assert f"{per_cell:.2e}" == rounded
    assert space.size == per_cell ** len(space.cells) and space.size_is_exact


def test_enas_counts_fewer_than_there_are():
    """(5 · (B−2)!)⁴ with B = 7, arXiv:1802.03268, Section 2.4, is 1.3·10¹¹."""
    assert f"{(5 * math.factorial(7 - 2)) ** 4:.1e}" == "1.3e+11"
    assert ENASMicro().size == 5_062_500_000_000**2 > (5 * math.factorial(5)) ** 4


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_cells_are_read_and_printed(name):
    space, text = PUBLISHED[name]
    cells = space.parse(text)
    given = eval(text.replace("Genotype", "dict"))  # a constant of the package
    genotype = space.genotype(cells.choices)
    for cell, outputs in zip(("normal", "reduce"), OUTPUTS[name], strict=True):
        pairs, ours = (
            list(zip(genes[::2], genes[1::2], strict=True)) for genes in (given[cell], space.genes(cells.choices, cell))
        )
        assert [set(pair) for pair in pairs] == [set(pair) for pair in ours]
        assert list(given[f"{cell}_concat"]) == outputs == list(getattr(genotype, f"{cell}_concat"))
    if not space.two_sources:
        assert str(cells) == text, "the order within a block is kept"
    assert space.parse(str(cells)) == cells


def test_a_block_is_known_by_two_of_sixteen_pairs_of_operation_and_input():
    assert PNASNet(1).size == 256 and PNASNet(1).count_unique() == 136 == math.comb(16, 2) + 16


def test_pnasnet_has_one_cell():
    space = PNASNet()
    cell = space.parse(PNASNET_5)
    assert space.genes(cell.choices, "normal") == space.genes(cell.choices, "reduce") and len(space.decisions) == 20
    with pytest.raises(ValueError, match="pnasnet has one cell: normal and reduce must be equal"):
        space.parse(PNASNET_5.replace("sep_conv_7x7", "sep_conv_3x3", 1))


def test_spaces_are_remade_from_name_and_parameters():
    for space in (NASNet(("skip_connect", "conv_1x1"), blocks=2), AmoebaNet(3), PNASNet(2), ENASMicro(1)):
        assert create(space.name, **space.parameters) == space
    assert NASNet(("skip_connect", "conv_1x1"), blocks=1).size == (2 * 2 * 2 * 2) ** 2


@pytest.mark.parametrize("name", PUBLISHED)
def test_drawings_have_an_edge_for_each_gene_and_each_output(name):
    space, text = PUBLISHED[name]
    cells = space.parse(text)
    diagram, graph, genotype = space.diagram(cells), space.graph(cells), space.genotype(cells.choices)
    assert graph.number_of_edges() == len(diagram.edges), "two edges between the same nodes are two"
    for k, cell in enumerate(space.cells):
        inner = [edge for edge in diagram.edges if edge.source.startswith(cell) and edge.operation]
        drawn = [(edge.operation, int(edge.source.split()[1])) for edge in inner]
        assert drawn == genotype[2 * k]
        assert [space.decisions[edge.decision].options[cells.choices[edge.decision]] for edge in inner] == [
            operation for operation, _ in drawn
        ]
        ends = [int(edge.source.split()[1]) for edge in diagram.edges if edge.target == f"{cell} output"]
        assert sorted(ends) == list(genotype[2 * k + 1])
    assert {node.kind for node in diagram.nodes} == {"input", "node", "output"}


# Names ----------------------------------------------------------------------------------------


def test_names_follow_skips_poolings_and_shared_operations():
    def name(*genes, outputs, reduces=False):
        return cell_name(list(genes), outputs, reduces)

    sep, skip, avg, max3, max5 = "sep_conv_3x3", "skip_connect", "avg_pool_3x3", "max_pool_3x3", "max_pool_5x5"
    twice = name((sep, 0), (skip, 1), (skip, 2), (skip, 2), outputs=(3,))
    two = name((sep, 0), (skip, 1), (sep, 0), (skip, 1), (skip, 2), (skip, 3), outputs=(4,))
    assert (twice, two) == ("a=sep_conv_3x3(x0); 2·a+2·x1", "a=sep_conv_3x3(x0); b=sep_conv_3x3(x0); 2·x1+a+b")
    assert name((skip, 0), (skip, 1), (avg, 2), (skip, 0), outputs=(3,)) == "avg(x0)+avg(x1)+x0"
    assert name((max3, 0), (skip, 1), outputs=(2,), reduces=True) == "a=skip_connect(x1); a+max3/2(x0)"
    larger = name((max3, 0), (max3, 0), (max3, 2), (skip, 1), outputs=(3,))
    assert larger == name((skip, 0), (skip, 0), (max5, 2), (skip, 1), outputs=(3,)) == "2·max5(x0)+x1"
    halved = name((max3, 0), (max3, 0), (max3, 2), (max3, 2), outputs=(3,), reduces=True)
    assert halved == name(("max_pool_7x7", 0), ("max_pool_7x7", 0), (skip, 2), (skip, 2), outputs=(3,), reduces=True)
    shared = name((sep, 0), (skip, 1), (sep, 2), (sep, 2), outputs=(2, 3))
    apart = name((sep, 0), (skip, 1), (sep, 0), (skip, 1), (sep, 3), (sep, 3), outputs=(2, 4))
    assert shared.startswith("a=sep_conv_3x3(x0); b=sep_conv_3x3(a+x1); ") and shared != apart


def test_pairs_of_operations_that_look_alike_are_told_apart_by_each_other_alone():
    """Nodes 2 and 3 are alike, and so are 4 and 5, each of which reads one of them: which one does not matter."""
    start = [("sep_conv_3x3", 0), ("skip_connect", 1)] * 2
    end = [("conv_1x1", 4), ("conv_1x1", 5)]
    straight, across, same = (
        cell_name(
            [*start, ("sep_conv_3x3", i), ("skip_connect", 0), ("sep_conv_3x3", j), ("skip_connect", 0), *end],
            outputs,
            False,
        )
        for outputs in [(2, 3, 4, 5, 6)]
        for i, j in [(2, 3), (3, 2), (2, 2)]
    )
    assert straight == across != same


KERNELS = {"max_pool_3x3": 3, "max_pool_5x5": 5, "max_pool_7x7": 7}


def pooled(x, size, stride, is_maximum):
    """Pooling of signals [..., length]; what lies outside is not counted."""
    reach, length = size // 2, x.shape[-1]
    shape = (*x.shape[:-1], length + 2 * reach)
    padded, inside = np.full(shape, -np.inf if is_maximum else 0.0), np.zeros(length + 2 * reach)
    padded[..., reach:-reach], inside[reach:-reach] = x, 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, -1)[..., ::stride, :]
    if is_maximum:
        return windows.max(-1)
    return windows.sum(-1) / np.lib.stride_tricks.sliding_window_view(inside, size)[::stride].sum(-1)


def values(genes, outputs, reduces, weights):
    """What a cell computes of two fixed signals, where weights [matchings, operations] make functions of their own."""
    states = [np.tile(rng(seed).uniform(-1, 1, 60), (len(weights), 1)) for seed in (1, 2)]
    column = 0
    for first, second in zip(genes[::2], genes[1::2], strict=True):
        total = 0
        for name, source in (first, second):
            x, stride = states[source], 2 if reduces and source < 2 else 1
            if name == "avg_pool_3x3":
                total = total + pooled(x, 3, stride, False)
            elif name in KERNELS:
                total = total + pooled(x, KERNELS[name], stride, True)
            elif name == "skip_connect" and stride == 1:
                total = total + x
            else:
                w = weights[:, column, None]
                x = x[:, ::stride] + 0.3 * np.roll(x, 1, 1)[:, ::stride]
                total = total + np.tanh(w * x) + w**2 * np.sin(x) ** 2 / 2
                column += 1
        states.append(total)
    return np.stack([states[state] for state in outputs], axis=1)  # [matchings, outputs, length]


def fingerprint(genes, outputs, reduces):
    """The set of a cell's outputs over all ways to give its operations weights, told by its extremes.

    Each kind of operation has its own weights, and every way to distribute them is tried. Two cells compute the same
    function for matching weights if and only if, but for accidents of rounding, the sets agree.
    """
    kinds = [name for name, source in genes if has_weights(name, source, reduces)]
    pools = {
        kind: [0.4 + 0.37 * k + 0.11 * n for k in range(kinds.count(kind))] for n, kind in enumerate(sorted(set(kinds)))
    }
    orders = [itertools.permutations(pool) for pool in pools.values()]
    matchings = []
    for chosen in itertools.product(*orders):
        queues = {kind: list(order) for kind, order in zip(pools, chosen, strict=True)}
        matchings.append([queues[kind].pop() for kind in kinds])
    found = values(genes, outputs, reduces, np.array(matchings).reshape(len(matchings), len(kinds)))
    sums = np.sort(found @ np.cos(np.arange(found.shape[-1])), axis=1)  # the order of the outputs does not count
    keys = sums @ np.sqrt(np.arange(2, 2 + sums.shape[1]))
    return (tuple(sorted(kinds)), len(outputs), round(float(keys.min()), 8), round(float(keys.max()), 8))


def has_weights(name, source, reduces):
    return "conv" in name or (name == "skip_connect" and reduces and source < 2)


SMALL = {  # one cell each, so that all can be compared
    "one block": (OPERATIONS, 1, True),
    "two blocks": (("skip_connect", "max_pool_3x3", "sep_conv_3x3"), 2, True),
    "two blocks of poolings": (("skip_connect", "max_pool_3x3", "max_pool_7x7"), 2, True),
    "two blocks, all concatenated": (("skip_connect", "avg_pool_3x3", "conv_1x1"), 2, False),
}


@pytest.mark.parametrize("reduces", [False, True])
@pytest.mark.parametrize("small", SMALL)
def test_names_are_equal_exactly_where_the_functions_are(small, reduces):
    """Over all cells of a small space, with a fingerprint that knows nothing of names."""
    operations, blocks, loose_ends = SMALL[small]
    space = CellSpace("small", operations, blocks, loose_ends=loose_ends, one_cell=True)
    of_name, of_value = {}, {}
    for cell in space:
        genes = space.genes(cell.choices, "normal")
        outputs = space.outputs(genes)
        name, value = cell_name(genes, outputs, reduces), fingerprint(genes, outputs, reduces)
        assert of_name.setdefault(name, value) == value, (str(cell), name)
        assert of_value.setdefault(value, name) == name, (str(cell), name)
    assert len(of_name) == len(of_value) < space.size


@given(seeds)
@few
def test_names_are_equal_exactly_where_the_functions_are_on_deep_cells(seed):
    """On cells of four blocks of few operations, where operations are often shared, and on relatives of theirs."""
    space = CellSpace(
        "deep", ("skip_connect", "sep_conv_3x3", "max_pool_3x3", "avg_pool_3x3"), 4, loose_ends=False, one_cell=True
    )
    draws = rng(seed)
    cell = space.sample(draws)
    relatives = [cell, relabelled(space, cell, draws), *(space.mutate(cell, draws) for _ in range(4))]
    rows = []
    for each in relatives:
        genes = space.genes(each.choices, "normal")
        if sum(name == "sep_conv_3x3" for name, _ in genes) <= 6:
            outputs = space.outputs(genes)
            rows.append((cell_name(genes, outputs, False), fingerprint(genes, outputs, False)))
    for (name, value), (other_name, other_value) in itertools.combinations(rows, 2):
        assert (name == other_name) == (value == other_value), (name, other_name)


def relabelled(space, architecture, draws):
    """The same pair of cells with nodes in another order, and a node's two genes swapped."""
    cells = []
    for cell in ("normal", "reduce"):
        pairs = list(zip(*[iter(space.genes(architecture.choices, cell))] * 2, strict=True))
        state, order, waiting = draws.bit_generator.state, [], set(range(len(pairs)))
        while waiting:  # a node may come as soon as what it reads is there
            ready = [n for n in sorted(waiting) if all(source < 2 or source - 2 in order for _, source in pairs[n])]
            order.append(ready[int(draws.integers(len(ready)))])
            waiting.remove(order[-1])
        place = {0: 0, 1: 1, **{node + 2: new + 2 for new, node in enumerate(order)}}
        genes = []
        for node in order:
            pair = [(name, place[source]) for name, source in pairs[node]]
            genes += pair[:: draws.choice([-1, 1])]
        cells.append(genes)
        if len(space.cells) == 1:
            draws.bit_generator.state = state  # both are one cell, and must stay equal
    return space.from_genes(*cells)


@pytest.mark.parametrize("space", [NASNet(), AmoebaNet(), PNASNet(), ENASMicro(), DARTS(), PNASNet(8)], ids=str)
def test_the_order_of_nodes_and_genes_does_not_change_the_name(space):
    changed = 0
    for seed in range(60):
        draws = rng(seed)
        cells = space.sample(draws)
        same = relabelled(space, cells, draws)
        changed += same != cells
        assert space.canonical(same) == space.canonical(cells)
    assert changed > 50


SYMMETRIC = {
    "five of a kind": [("sep_conv_3x3", 0)] * 10,
    "a tower": [("sep_conv_3x3", source) for source in (0, 0, 2, 2, 3, 3, 4, 4, 5, 5)],
    "a ring": [("sep_conv_3x3", source) for source in (0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 3, 4, 4, 5, 5, 2)],
}


@pytest.mark.parametrize("name", SYMMETRIC)
def test_names_of_the_most_symmetric_cells_come_quickly(name):
    genes = SYMMETRIC[name]
    start = time.perf_counter()
    cell_name(genes, tuple(range(2, 2 + len(genes) // 2)), False)
    assert time.perf_counter() - start < 2


# Errors ---------------------------------------------------------------------------------------

SKIP = "('skip_connect', 3)"  # a gene of NASNet-A's reduction cell
CHANGES = {
    "all concatenated": (
        ("reduce_concat=[4, 5, 6]", "reduce_concat=range(2, 7)"),
        r"reduce cell's output must concatenate nodes 4 to 6, the nodes that no other node reads; got \[2, 3",
    ),
    "too few concatenated": (("range(2, 7)", "[2, 3, 4, 5]"), "normal cell's output must concatenate nodes 2 to 6"),
    "source after its node": (
        (SKIP, "('skip_connect', 5)"),
        r"node 5 of the reduce cell must have its two sources among 0\.\.4; got \(5, 2\)",
    ),
    "no such operation": ((SKIP, "('none', 3)"), "unknown operation 'none'; the NASNet space has skip_connect"),
    "a gene too few": ((SKIP + ", ", ""), "reduce cell must have 10 genes, two for each node; got 9"),
    "a gene of three": ((SKIP, "('skip_connect', 3, 1)"), "expected genes like .* after 6 of them"),
    "a negative source": ((SKIP, "('skip_connect', -3)"), "expected genes like"),
    "a call as a limit": (("range(2, 7)", "range(2, __import__('os'))"), 'expected "Genotype'),
    "a name as a state": (("[4, 5, 6]", "[4, 5, x]"), "expected states to concatenate"),
    "code before": (("Genotype", "import os; Genotype"), 'expected "Genotype'),
    "code after": (("[4, 5, 6])", "[4, 5, 6]).normal"), 'expected "Genotype'),
    "ten megabytes": (("Genotype", "Genotype" * 1_250_000), r"at most 20,000 characters; got 10,000,"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_no_pair_of_cells_is_refused_quickly(name):
    (before, after), message = CHANGES[name]
    assert before in NASNET_A
    text = NASNET_A.replace(before, after)
    start = time.perf_counter()
    with pytest.raises(ValueError, match=message):
        NASNet().parse(text)
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "Genotype(normal=[" + "(" * 19_000,
        "Genotype(normal=[" * 1_100,
        " " * 19_999,
        "Genotype(normal=[], normal_concat=[" + "2," * 9_000,
        "Genotype(normal=[" + "('a'," * 3_500 + "], normal_concat=[2], reduce=[], reduce_concat=[2])",
        "Genotype(normal=[" + "('a', 0 " + " " * 15_000 + "], normal_concat=[2], reduce=[], reduce_concat=[2])",
    ],
)
def test_texts_made_to_be_slow_are_refused_quickly(text):
    start = time.perf_counter()
    with pytest.raises(ValueError, match="expected"):
        NASNet().parse(text)
    assert time.perf_counter() - start < 0.5


def test_sizes_and_operations_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"nodes in a cell must be a whole number in 1\.\.8; got 9"):
        AmoebaNet(9)
    with pytest.raises(ValueError, match="unknown operation 'none'; NASNet has skip_connect, conv_3x1_1x3"):
        NASNet(("none",))
