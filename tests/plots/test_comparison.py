"""What differs between two architectures is found, and what is the same keeps its place."""

from __future__ import annotations

import numpy as np
import pytest

import nasedu as nas
from nasedu import spaces
from nasedu.plots.comparison import ADDED, CHANGED, REMOVED, Difference
from nasedu.plots.comparison import compare as compare_diagrams

CHAIN = spaces.Chain(max_depth=8, skips=True)
CELLS = spaces.NASBench201()


def compare(first: nas.Architecture, second: nas.Architecture) -> Difference:
    return compare_diagrams(first.space.diagram(first), second.space.diagram(second))


def places(diagram: nas.Diagram) -> dict[str, tuple[float, float]]:
    return {node.id: (node.x, node.y) for node in diagram.nodes}


def test_a_changed_edge_is_marked_in_both():
    found = compare(CELLS.architecture((0, 1, 2, 3, 4, 0)), CELLS.architecture((0, 1, 2, 3, 1, 0)))
    assert dict(found.first_marks.edges) == dict(found.second_marks.edges) == {4: CHANGED}
    assert found.first_marks.nodes == found.second_marks.nodes == {}
    assert found.count == 1


def test_a_gene_that_reads_another_node_is_removed_and_added():
    space = spaces.DARTS()
    first = space.sample(np.random.default_rng(0))
    choices = list(first.choices)
    choices[3] = (choices[3] + 1) % 3  # the inputs of node 3: another pair of (0, 1, 2)
    found = compare(first, space.architecture(choices))
    signs = sorted(found.first_marks.edges.values()), sorted(found.second_marks.edges.values())
    assert signs in ((([REMOVED], [ADDED])), ([CHANGED, REMOVED], [ADDED, CHANGED]))
    assert places(found.first) == places(found.second) == places(space.diagram(first))


def test_the_same_architecture_differs_in_nothing():
    for space in (CHAIN, CELLS, spaces.DARTS()):
        architecture = space.sample(np.random.default_rng(0))
        assert compare(architecture, architecture).count == 0


@pytest.mark.parametrize("at", range(4))
def test_one_layer_more_is_one_difference_wherever_it_is(at):
    layers = ["conv3-8-relu", "conv5-16-tanh", "pool", "dense-8-relu"]
    more = [*layers[:at], "conv1-32-relu", *layers[at:]] if at < 3 else [*layers, "dense-32-tanh"]
    found = compare(CHAIN.parse(" > ".join(layers)), CHAIN.parse(" > ".join(more)))
    assert dict(found.first_marks.nodes) == {}
    assert list(found.second_marks.nodes.values()) == [ADDED]
    (new,) = found.second_marks.nodes
    assert places(found.second).keys() - places(found.first).keys() == {new}
    assert {name: place for name, place in places(found.second).items() if name != new} == places(found.first)
    back = compare(CHAIN.parse(" > ".join(more)), CHAIN.parse(" > ".join(layers)))
    assert list(back.first_marks.nodes.values()) == [REMOVED] and back.second_marks.nodes == {}


def test_a_layer_of_another_kind_is_a_change():
    found = compare(CHAIN.parse("conv3-8-relu > pool"), CHAIN.parse("conv3-8-relu > conv3-8-relu"))
    assert dict(found.first_marks.nodes) == dict(found.second_marks.nodes) == {"layer 2": CHANGED}


def test_two_edges_between_the_same_nodes_are_told_apart():
    nodes = (nas.Node("a", 0, 0, "a", "input"), nas.Node("b", 1, 0, "b", "output"))
    conv, pool, skip = (nas.Edge("a", "b", name) for name in ("conv_3x3", "max_pool_3x3", "skip_connect"))
    found = compare_diagrams(nas.Diagram(nodes, (conv, pool)), nas.Diagram(nodes, (pool, skip)))
    assert dict(found.first_marks.edges) == {0: CHANGED} and dict(found.second_marks.edges) == {1: CHANGED}
    found = compare_diagrams(nas.Diagram(nodes, (conv,)), nas.Diagram(nodes, (pool, conv)))
    assert dict(found.first_marks.edges) == {} and dict(found.second_marks.edges) == {0: ADDED}


def test_an_edge_that_both_have_bends_in_both_alike():
    nodes = tuple(nas.Node(name, x, 0, name) for x, name in enumerate("abc"))
    first = nas.Diagram(nodes, (nas.Edge("a", "c", bend=0.5), nas.Edge("a", "b")))
    second = nas.Diagram(nodes, (nas.Edge("a", "b"), nas.Edge("a", "c", bend=-0.3), nas.Edge("b", "c", bend=0.1)))
    found = compare_diagrams(first, second)
    assert [edge.bend for edge in found.first.edges] == [0.5, 0]
    assert [edge.bend for edge in found.second.edges] == [0, 0.5, 0.1]


def test_any_two_chains_have_one_layout():
    rng = np.random.default_rng(0)
    for _ in range(30):
        found = compare(CHAIN.sample(rng), CHAIN.sample(rng))
        first, second = places(found.first), places(found.second)
        shared = first.keys() & second.keys()
        assert {"input", "output"} <= shared
        assert all(first[name] == second[name] for name in shared)
        assert len({*first.values(), *second.values()}) == len(first.keys() | second.keys())
        assert all(sign != ADDED for sign in found.first_marks.nodes.values())
        alone = {name for name, sign in found.second_marks.nodes.items() if sign == ADDED}
        assert alone == second.keys() - first.keys()
