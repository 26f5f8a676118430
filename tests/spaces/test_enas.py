"""ENAS' macro space: published counts, and the network of the authors' script."""

import time

import numpy as np
import pytest

from nasedu.spaces import ENASMacro, create
from nasedu.spaces.enas import ENAS_MACRO, MACRO_OPERATIONS


def test_there_are_as_many_networks_as_the_paper_counts():
    """6^L · 2^(L(L−1)/2), which is 1.6·10²⁹ for L = 12: arXiv:1802.03268, Section 2.3."""
    for layers in (1, 2, 3, 12, 24):
        assert ENASMacro(layers).size == 6**layers * 2 ** (layers * (layers - 1) // 2)
    assert f"{ENASMacro().size:.1e}" == "1.6e+29"
    assert ENASMacro(3).size == len({str(network) for network in ENASMacro(3)}) == 1_728


def test_the_authors_string_is_read_layer_by_layer():
    space = ENASMacro(4)
    network = space.parse("0  3 0\n5 1 0 2 0 1 1")
    assert [space.operation(network.choices, layer) for layer in (1, 2, 3, 4)] == [
        "conv_3x3",
        "sep_conv_5x5",
        "max_pool_3x3",
        "conv_5x5",
    ]
    assert [space.skips(network.choices, layer) for layer in (1, 2, 3, 4)] == [[], [], [0], [1, 2]]
    assert str(network) == "0 3 0 5 1 0 2 0 1 1" and space.parse(str(network)) == network
    assert network.options["layer 4 skip from 2"] == "yes" and network.options["layer 2 skip from 0"] == "no"


def test_the_published_network_is_read():
    space = ENASMacro(24)
    network = space.parse(ENAS_MACRO)
    assert str(network) == ENAS_MACRO and create("enas-macro", layers=24) == space
    operations = [space.operation(network.choices, layer) for layer in range(1, 25)]
    assert {name: operations.count(name) for name in MACRO_OPERATIONS} == {
        "conv_3x3": 8,
        "sep_conv_3x3": 2,
        "conv_5x5": 9,
        "sep_conv_5x5": 5,
        "avg_pool_3x3": 0,
        "max_pool_3x3": 0,
    }
    assert space.skips(network.choices, 9) == [1, 2, 3, 5, 7] and space.skips(network.choices, 10) == []


def test_a_neighbor_has_another_operation_or_one_skip_more_or_less():
    space = ENASMacro(5)
    network = space.sample(np.random.default_rng(0))
    neighbors = space.neighbors(network)
    assert len(neighbors) == len(set(neighbors)) == 5 * 5 + 10
    for neighbor in neighbors:
        changed = [k for k, (a, b) in enumerate(zip(network.choices, neighbor.choices, strict=True)) if a != b]
        assert len(changed) == 1


def test_the_diagram_is_the_chain_and_its_skips():
    space = ENASMacro(4)
    diagram = space.diagram(space.parse("0 3 0 5 1 0 2 0 1 1"))
    assert [node.label for node in diagram.nodes] == [
        "input",
        "conv_3x3",
        "sep_conv_5x5",
        "max_pool_3x3",
        "conv_5x5",
        "output",
    ]
    chain = [(edge.source, edge.target) for edge in diagram.edges if edge.decision is None]
    assert chain == [("0", "1"), ("1", "2"), ("2", "3"), ("3", "4"), ("4", "output")]
    skips = sorted((edge.source, edge.target, edge.decision) for edge in diagram.edges if edge.decision is not None)
    assert skips == [("0", "3", 4), ("1", "4", 8), ("2", "4", 9)]
    assert [space.decisions[index].name for *_, index in skips] == [
        "layer 3 skip from 0",
        "layer 4 skip from 1",
        "layer 4 skip from 2",
    ]


def test_arcs_pass_the_boxes_of_other_layers():
    """A box reaches 0.7 from the column's middle; an arc is the curve with its middle moved by the bend."""
    space = ENASMacro(12)
    for seed in range(20):
        diagram = space.diagram(space.sample(np.random.default_rng(seed)))
        for edge in (edge for edge in diagram.edges if edge.decision is not None):
            top, bottom = int(edge.source), int(edge.target)
            for layer in range(top + 1, bottom):
                t = (layer - top) / (bottom - top)
                assert abs(4 * t * (1 - t) * edge.bend) > 0.9


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected 6 numbers separated by spaces"),
        ("0 1 0 2 1", "3 layers have 6 numbers; got 5: "),
        ("0 1 0 2 1 1 1", "3 layers have 6 numbers; got 7: "),
        ("6 1 0 2 1 1", r"decision 'layer 1 operation' must lie in 0\.\.5; got 6"),
        ("0 1 2 2 1 1", r"decision 'layer 2 skip from 0' must lie in 0\.\.1; got 2"),
        ("0 1 0 2 1 x", "expected 6 numbers separated by spaces.*such as '0 3 0 2 1 0'"),
        ("0 1 0 2 1 -1", "expected 6 numbers"),
        ("0 " * 5_000_000, "at most 100,000 characters; got 10,000,000"),
        ("1" * 1_000, "expected 6 numbers"),
    ],
)
def test_what_is_no_network_is_refused_quickly(text, message):
    start = time.perf_counter()
    with pytest.raises(ValueError, match=message):
        ENASMacro(3).parse(text)
    assert time.perf_counter() - start < 0.5


def test_a_network_of_another_size_is_told_which_space_it_is_of():
    with pytest.raises(
        ValueError, match=r"12 layers have 78 numbers; got 6: .*\. Those are 3 layers: ENASMacro\(layers=3\)"
    ):
        ENASMacro().parse("0 3 0 2 1 0")
    with pytest.raises(ValueError, match=r"12 layers have 78 numbers; got 5: '0 3 0 2 1'\.$"):
        ENASMacro().parse("0 3 0 2 1")


@pytest.mark.parametrize("layers", [0, 101, 2.5])
def test_the_number_of_layers_is_limited(layers):
    with pytest.raises(ValueError, match=rf"layers must be a whole number in 1\.\.100; got {layers}"):
        ENASMacro(layers)
