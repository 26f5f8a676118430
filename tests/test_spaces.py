"""Known answers about each installed space: the papers' counts and strings, and an independent check of canonical()."""

import itertools
from collections import Counter

import numpy as np
import pytest

import nasedu as nas
from nasedu.spaces import DARTS, Chain, NASBench201
from nasedu.spaces.nasbench201 import EDGES, OPERATIONS

SPACE = NASBench201()


@pytest.fixture(scope="module")
def cells():
    return list(SPACE)


# NAS-Bench-201 --------------------------------------------------------------------------------


def test_a_published_string_is_read_edge_by_edge():
    cell = SPACE.parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|skip_connect~2|")
    assert cell.options == {
        "edge 0→1": "nor_conv_3x3",
        "edge 0→2": "none",
        "edge 1→2": "skip_connect",
        "edge 0→3": "avg_pool_3x3",
        "edge 1→3": "nor_conv_1x1",
        "edge 2→3": "skip_connect",
    }


def test_every_string_names_its_own_cell(cells):
    assert len({str(cell) for cell in cells}) == 15_625 == len(cells)
    assert all(SPACE.parse(str(cell)) == cell for cell in cells)


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "|conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|": "unknown operation 'conv_5x5'.*has none, skip_connect",
        "|none~0|+|none~0|none~1|+|none~0|none~1|": "expected .*with an operation for each op; got",
        "|none~1|+|none~0|none~1|+|none~0|none~1|none~2|": "expected .*with an operation for each op; got",
        "|none~0|none~0|none~1|none~0|none~1|none~2|": "expected .*with an operation for each op; got",
        "": "expected .*with an operation for each op; got ''",
    }.items(),
)
def test_a_malformed_string_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        SPACE.parse(text)


def paths_of(cell):
    """Every path from input to output whose operations are not none, as sets of edge indices: slow and obvious."""
    found = []
    for middle in ((), (1,), (2,), (1, 2)):
        path = [EDGES.index(edge) for edge in itertools.pairwise((0, *middle, 3))]
        if all(OPERATIONS[cell.choices[index]] != "none" for index in path):
            found.append(set(path))
    return found


def test_an_edge_is_live_when_it_lies_on_a_path_from_input_to_output(cells):
    for cell in cells:
        on_a_path = set().union(*paths_of(cell))
        assert SPACE.live_edges(cell) == tuple(index in on_a_path for index in range(6))


def test_341_cells_are_disconnected(cells):
    """They are exactly the cells that the benchmark lists at 10.0 %, the accuracy of guessing."""
    assert sum(not paths_of(cell) for cell in cells) == 341
    assert sum(SPACE.canonical(cell) == "0" for cell in cells) == 341


def test_the_published_rule_tells_6466_cells_apart(cells):
    assert len({SPACE.benchmark_canonical(cell) for cell in cells}) == 6_466


def outputs_under_all_matchings(cell):
    """Evaluate the cell as a function of one number, for every assignment of weights to its live convolutions.

    Each kind of convolution has six weights; weight w makes the function tanh(w·v) + w²·sin(v)²/2, different for each
    weight, not linear, 0 at 0. Pooling multiplies by 0.6, skip keeps, none is 0. Two cells compute the
    same function for matching weights if and only if (but for accidents of rounding) the sets of outputs agree.
    """
    weights = {
        "nor_conv_1x1": (0.31, 0.57, 0.83, 1.09, 1.37, 1.71),
        "nor_conv_3x3": (-0.43, -0.71, -0.97, -1.21, -1.49, -1.87),
    }
    names = [OPERATIONS[choice] for choice in cell.choices]
    on_a_path = set().union(*paths_of(cell))
    places = {kind: [i for i in sorted(on_a_path) if names[i] == kind] for kind in weights}
    matchings = [
        dict(zip(places["nor_conv_1x1"] + places["nor_conv_3x3"], one + three, strict=True))
        for one in itertools.permutations(weights["nor_conv_1x1"][: len(places["nor_conv_1x1"])])
        for three in itertools.permutations(weights["nor_conv_3x3"][: len(places["nor_conv_3x3"])])
    ]
    node = [np.full(len(matchings), 0.7), *(np.zeros(len(matchings)) for _ in range(3))]
    for index, (source, target) in enumerate(EDGES):
        if index not in on_a_path:
            continue
        value = node[source]
        if "conv" in names[index]:
            w = np.array([matching[index] for matching in matchings])
            value = np.tanh(w * value) + w**2 * np.sin(value) ** 2 / 2
        elif names[index] == "avg_pool_3x3":
            value = 0.6 * value
        node[target] = node[target] + value
    return tuple(len(place) for place in places.values()), node[3]


def test_canonical_names_are_equal_exactly_where_the_functions_are(cells):
    """Over all 15,625 cells: the smallest output over all matchings is a fingerprint that knows nothing of names."""
    rows = []
    for cell in cells:
        kinds, outputs = outputs_under_all_matchings(cell)
        rows.append((kinds, float(outputs.min()), float(outputs.max()), SPACE.canonical(cell)))
    rows.sort()
    classes = 1
    for (kinds, low, high, name), (next_kinds, next_low, next_high, next_name) in itertools.pairwise(rows):
        same_function = kinds == next_kinds and abs(low - next_low) < 1e-12 and abs(high - next_high) < 1e-12
        assert same_function == (name == next_name), (name, next_name)
        classes += not same_function
    assert classes == 5_044 == len({name for *_, name in rows})


def test_canonical_follows_skips_and_forgets_what_no_signal_passes():
    same = [
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|",
        "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|skip_connect~1|none~2|",
        "|skip_connect~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|skip_connect~2|",
        "|none~0|+|none~0|avg_pool_3x3~1|+|nor_conv_3x3~0|skip_connect~1|skip_connect~2|",
    ]
    assert {SPACE.canonical(SPACE.parse(text)) for text in same} == {"a=nor_conv_3x3(x); a"}


def test_canonical_counts_one_convolution_used_twice_apart_from_two_convolutions():
    twice = SPACE.parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|skip_connect~1|skip_connect~2|")
    two = SPACE.parse("|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|skip_connect~2|")
    assert (SPACE.canonical(twice), SPACE.canonical(two)) == (
        "a=nor_conv_3x3(x); 2·a",
        "a=nor_conv_3x3(x); b=nor_conv_3x3(x); a+b",
    )
    assert SPACE.benchmark_canonical(twice) == SPACE.benchmark_canonical(two)


# DARTS ----------------------------------------------------------------------------------------

DARTS_V2 = (  # the cell of the paper's Figures 4 and 5, as the authors' code prints it
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)


def test_the_darts_space_has_the_size_that_the_paper_counts():
    space = DARTS()
    assert [len(pairs) for pairs in space.sources[:4]] == [1, 3, 6, 10]
    assert 180 * 7**8 == 1_037_664_180
    assert space.size == 1_037_664_180**2 and space.size_is_exact


def test_the_published_genotype_is_read_and_printed():
    space = DARTS()
    published = space.parse(DARTS_V2)
    normal = space.genes(published.choices, "normal")
    assert normal[4:6] == [("skip_connect", 0), ("sep_conv_3x3", 1)], "within a node the lower source comes first"
    assert normal[6:] == [("skip_connect", 0), ("dil_conv_3x3", 2)]
    assert space.genes(published.choices, "reduce")[2:4] == [("max_pool_3x3", 1), ("skip_connect", 2)]
    assert "normal_concat=range(2, 6)" in str(published)
    assert space.parse(str(published)) == published == space.parse(DARTS_V2.replace("'", '"'))


def test_the_genes_of_the_published_genotype_are_kept_node_by_node():
    space = DARTS()
    namespace = {"Genotype": dict}
    given = eval(DARTS_V2, namespace)  # a constant of this file
    ours = space.parse(DARTS_V2)
    for cell in ("normal", "reduce"):
        genes = space.genes(ours.choices, cell)
        for node in range(4):
            assert Counter(genes[2 * node : 2 * node + 2]) == Counter(given[cell][2 * node : 2 * node + 2])


GENES = [("skip_connect", 0), ("skip_connect", 1)] * 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "normal=[]", 'expected "Genotype'),
        (
            lambda text: text.replace("dil_conv_3x3", "conv_7x7"),
            "unknown operation 'conv_7x7'; the DARTS space has max_p",
        ),
        (lambda text: text.replace("dil_conv_3x3", "none"), "unknown operation 'none'"),
        (
            lambda text: text.replace("('dil_conv_3x3', 2)", "('dil_conv_3x3', 5)"),
            r"node 5 of the normal cell.*\(0, 5\)",
        ),
        (lambda text: text.replace("('dil_conv_3x3', 2)", "('dil_conv_3x3', 0)"), r"two different sources.*\(0, 0\)"),
        (lambda text: text.replace(", ('dil_conv_3x3', 2)", ""), "normal cell must have 8 genes.*got 7"),
        (lambda text: text.replace("('dil_conv_3x3', 2)", "('dil_conv_3x3', 2), print()"), "expected genes like"),
        (
            lambda text: text.replace("normal_concat=[2, 3, 4, 5]", "normal_concat=[2, 3]"),
            "must concatenate nodes 2 to 5",
        ),
    ],
)
def test_a_malformed_genotype_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        DARTS().parse(change(DARTS_V2))


# Chains ---------------------------------------------------------------------------------------

CHAINS = [
    {"max_depth": 1},
    {"max_depth": 3, "widths": (8,), "kernels": (3,), "activations": ("relu",)},
    {"min_depth": 2, "max_depth": 3, "widths": (8, 16), "kernels": (3,), "activations": ("relu",)},
    {"max_depth": 2, "widths": (8, 16), "kernels": (1, 3), "activations": ("relu", "gelu"), "skips": True},
    {"min_depth": 2, "max_depth": 2, "widths": (8,), "kernels": (3, 5), "activations": ("tanh",), "skips": True},
]


@pytest.mark.parametrize("parameters", CHAINS)
def test_the_count_of_chains_is_the_number_of_chains(parameters):
    space = Chain(**parameters)
    listed = list(space)
    assert space.size == len(listed) == len({str(chain) for chain in listed})
    assert all(space.parse(str(chain)) == chain for chain in listed)


def test_the_default_chain_space_is_counted_by_hand():
    """a = 3·3·2 + 1 ways for a convolution or pooling layer, d = 3·2 for a dense one; sum over depth and dense tail."""
    a, d = 19, 6
    assert Chain().size == sum(a ** (n - tail) * d**tail for n in range(1, 6) for tail in range(n + 1)) == 3_815_657


def test_a_chain_is_read_layer_by_layer():
    space = Chain(max_depth=4, skips=True)
    chain = space.parse("conv3-16-relu > pool > conv5-32-relu+skip > dense-32-tanh")
    assert chain.options["depth"] == 4
    assert space.layers(chain.choices) == [
        {"type": "conv", "width": 16, "kernel": 3, "activation": "relu", "skip": "no"},
        {"type": "pool"},
        {"type": "conv", "width": 32, "kernel": 5, "activation": "relu", "skip": "yes"},
        {"type": "dense", "width": 32, "activation": "tanh", "skip": "no"},
    ]
    arcs = [edge for edge in space.diagram(chain).edges if edge.operation == "skip_connect"]
    assert [space.decisions[edge.decision].name for edge in arcs] == ["layer 3 skip"]
    types = [space.decisions[node.decision].name for node in space.diagram(chain).nodes if node.decision is not None]
    assert types == [f"layer {i} type" for i in range(1, 5)]


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "conv3-16": "expected layers like conv3-16-relu.*got 'conv3-16'",
        "pool3": "expected layers like.*got 'pool3'",
        "conv-16-relu": "expected layers like.*got 'conv-16-relu'",
        "conv3-16-relu+jump": "expected layers like",
        "conv3-²-relu": "the width must be a whole number; got '²'",
        "conv3-17-relu": "unknown width 17.*layer 1 width may be 8, 16, 32",
        "conv7-16-relu": "unknown kernel 7",
        "conv3-16-gelu": "unknown activation 'gelu'.*may be relu, tanh",
        "conv3-16-relu+skip": r"no skip connections \(skips=False\)",
        "dense-16-relu > conv3-16-relu": "not a valid architecture of chain. After a dense layer come only dense",
        " > ".join(["pool"] * 6): r"depth must lie in 1\.\.5; got 6 layers",
        "": "expected layers like",
    }.items(),
)
def test_a_malformed_chain_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Chain().parse(text)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"min_depth": 3, "max_depth": 2}, r"min_depth must be a whole number in 1\.\.2; got 3"),
        ({"min_depth": 0}, r"min_depth must be a whole number in 1\.\.5; got 0"),
        ({"widths": (0,)}, r"a width must be a whole number in 1\.\.1000000; got 0"),
        ({"widths": (1.5,)}, "a width must be a whole number.*got 1.5"),
        ({"widths": ()}, "'layer 1 width' must have at least one option"),
        ({"kernels": (2,)}, "kernels must be odd"),
        ({"activations": ("swish",)}, "unknown activation 'swish'; there are relu, tanh and gelu"),
        ({"activations": "relu"}, r"activations must be a list such as \('relu', 'tanh'\); got 'relu'"),
        ({"widths": 16}, r"widths must be a list such as \(8, 16\); got 16"),
        ({"kernels": 3}, r"kernels must be a list such as \(3, 5\); got 3"),
    ],
)
def test_chains_that_cannot_be_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        Chain(**parameters)


def test_widths_given_as_numpy_numbers_are_parameters_of_a_file(tmp_path):
    chain = Chain(widths=np.array([8, 16]), kernels=np.array([3])).parse("conv3-16-relu")
    chain.save(tmp_path / "chain.nas.json")
    assert nas.Architecture.load(tmp_path / "chain.nas.json").space == Chain(widths=(8, 16), kernels=(3,))


# By name --------------------------------------------------------------------------------------


def test_a_space_is_made_by_its_name_and_parameters():
    assert nas.space("nasbench201") == SPACE and isinstance(nas.space("darts"), DARTS)
    assert nas.space("chain", max_depth=2) == Chain(max_depth=2)
    with pytest.raises(ValueError, match="unknown search space 'nasbench202'; there are "):
        nas.space("nasbench202")


@pytest.mark.parametrize("name", nas.spaces.SPACES)
def test_every_space_is_called_what_it_is_found_by(name):
    assert nas.space(name).name == name


def test_a_chain_grows_and_shrinks_by_one_layer_of_any_kind():
    space = Chain(max_depth=3)
    rng = np.random.default_rng(0)
    longer = space.neighbors(space.parse("pool > conv3-8-relu"))
    assert sum(len(space.layers(chain.choices)) == 3 for chain in longer) == 3 * 3 * 2 + 1 + 3 * 2, "every layer"
    assert sum(len(space.layers(chain.choices)) == 1 for chain in longer) == 1
    for _ in range(200):
        chain = space.sample(rng)
        depth = len(space.layers(chain.choices))
        depths = {len(space.layers(neighbor.choices)) for neighbor in space.neighbors(chain)}
        assert depths == {depth - 1, depth, depth + 1} & {1, 2, 3}


def test_a_space_says_which_parameters_it_has():
    with pytest.raises(ValueError, match=r"chain has no parameter 'depth'; it has min_depth, max_depth, widths"):
        nas.space("chain", depth=3)
    with pytest.raises(ValueError, match=r"nasbench201 has no parameter 'nodes'; it has none"):
        nas.space("nasbench201", nodes=4)
