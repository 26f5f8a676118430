"""How many different cells NAS-Bench-201 has depends on the rule; the benchmark's own code has two of them."""

import time

import pytest

from nasedu.spaces import NASBench201
from nasedu.spaces.nasbench201 import EDGES, OPERATIONS

SPACE = NASBench201()


@pytest.fixture(scope="module")
def cells():
    return list(SPACE)


def name_with_skips_followed(cell):
    """The rule with only skip connections transparent: none is an operation like any other."""
    nodes = ["x"]
    for target in (1, 2, 3):
        arriving = []
        for (source, end), choice in zip(EDGES, cell.choices, strict=True):
            if end == target:
                followed = OPERATIONS[choice] == "skip_connect"
                arriving.append(nodes[source] if followed else f"({nodes[source]})@{OPERATIONS[choice]}")
        nodes.append("+".join(sorted(arriving)))
    return nodes[3]


def test_12751_cells_are_different_when_only_skip_is_transparent(cells):
    assert len({name_with_skips_followed(cell) for cell in cells}) == 12_751


def test_the_benchmarks_own_code_counts_the_same(cells):
    """NATS-Bench's package: to_unique_str without and with zero; its names and ours are equal for the same cells."""
    utils = pytest.importorskip("nats_bench.genotype_utils", reason="pip install 'nasedu[benchmarks]'")
    structures = [utils.topology_str2structure(str(cell)) for cell in cells]
    for ours, consider_zero, count in [
        (name_with_skips_followed, False, 12_751),
        (SPACE.benchmark_canonical, True, 6_466),
    ]:
        theirs = [structure.to_unique_str(consider_zero) for structure in structures]
        pairs = {(ours(cell), name) for cell, name in zip(cells, theirs, strict=True)}
        assert len(pairs) == len({name for name, _ in pairs}) == len({*theirs}) == count


def test_all_cells_are_named_by_the_benchmarks_rule_in_a_second():
    start = time.process_time()
    assert len({SPACE.benchmark_canonical(cell) for cell in SPACE}) == 6_466
    assert time.process_time() - start < 1


def test_names_do_not_depend_on_which_convolution_is_called_a():
    """Twins by what they read, but not by where they lead: each way to call them must give the same name."""
    one = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|nor_conv_1x1~1|skip_connect~2|"
    other = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|nor_conv_1x1~2|"
    assert SPACE.canonical(SPACE.parse(one)) == SPACE.canonical(SPACE.parse(other))
    third = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|nor_conv_3x3~2|"
    assert SPACE.canonical(SPACE.parse(third)) != SPACE.canonical(SPACE.parse(other))
