"""Laws that every search space keeps. A new space is one entry in SPACES."""

import itertools
import json
import math
import time
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
from example_spaces import Perceptron
from hypothesis import given, settings
from hypothesis import strategies as st

import nasedu as nas
from nasedu.core import Architecture, Decision, Diagram, SearchSpace
from nasedu.spaces import (
    DARTS,
    MLP,
    AmoebaNet,
    Chain,
    ENASMacro,
    ENASMicro,
    Graphs,
    MBConv,
    NASBench101,
    NASBench201,
    NASNet,
    NATSSize,
    PNASNet,
    Recurrent,
)
from nasedu.spaces.mbconv import LESSON

TOY = SearchSpace("toy", [Decision("width", (8, 16, 32)), Decision("rate", (0.1, 1e-5)), Decision("no", (1,))])
SPACES = {  # a space, and one of its kind so small that all its architectures can be compared; None if there is none
    "toy": (TOY, TOY),
    "perceptron": (Perceptron(), Perceptron()),
    "chain": (Chain(), Chain(max_depth=2, widths=(8, 16), kernels=(3,), activations=("relu",))),
    "chain with skips": (
        Chain(min_depth=2, max_depth=4, skips=True),
        Chain(max_depth=2, widths=(8,), kernels=(1, 3), activations=("relu",), skips=True),
    ),
    "mbconv": (MBConv(), None),
    "mbconv of lessons": (
        MBConv(**LESSON),
        MBConv(widths=((8, 16), (8,)), strides=(1, 1), depths=(0, 1, 2), kernels=(3, 5), expansions=(2,)),
    ),
    "mlp": (MLP(skips=True), MLP(max_depth=3, widths=(8, 16), activations=("relu",))),
    "nasbench101": (NASBench101(), NASBench101(max_vertices=4, max_edges=4)),
    "nasbench201": (NASBench201(), None),
    "nats-size": (NATSSize(), None),
    "darts": (DARTS(), None),
    "nasnet": (NASNet(), NASNet(("skip_connect", "avg_pool_3x3", "sep_conv_3x3"), blocks=1)),
    "amoebanet": (AmoebaNet(), None),
    "pnasnet": (PNASNet(), PNASNet(blocks=1)),
    "enas-micro": (ENASMicro(), None),
    "enas-macro": (ENASMacro(), ENASMacro(layers=3)),
    "recurrent": (Recurrent(), Recurrent(nodes=3)),
    "recurrent, loose ends": (Recurrent(11, loose_ends=True), Recurrent(2, loose_ends=True)),
    "graphs": (Graphs(), Graphs(max_nodes=3, operations=("skip_connect", "conv_1x1"))),
}
everywhere = pytest.mark.parametrize("space", [space for space, _ in SPACES.values()], ids=SPACES)
smalls = {name: small for name, (_, small) in SPACES.items() if small}
where_small = pytest.mark.parametrize("space", smalls.values(), ids=smalls)
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=20, derandomize=True, deadline=None)


def rng(seed=0):
    return np.random.default_rng(seed)


def is_valid(space, choices):
    parts = zip(choices, space.decisions, strict=True)
    in_range = all(0 <= choice < len(decision.options) for choice, decision in parts)
    return in_range and space.pin(choices) == choices and space.is_valid(choices)


def differences(a, b):
    """Return the decisions that are active in both architectures and differ."""
    space = a.space
    both = zip(space.active(a.choices), space.active(b.choices), strict=True)
    return [k for k, (one, other) in enumerate(both) if one and other and a.choices[k] != b.choices[k]]


def are_neighbors(a, b):
    """The definition, said of two architectures."""
    changed = differences(a, b)
    return len(changed) == 1 and b.choices[changed[0]] in a.space.alternatives(a.choices, changed[0])


def chance_by_decision(architecture):
    """How likely an architecture is when its active decisions are drawn one by one, but for a common factor."""
    active = zip(architecture.space.active(architecture.choices), architecture.space.decisions, strict=True)
    return math.prod(1 / len(decision.options) for on, decision in active if on)


def assert_drawn_as_expected(draws, chances):
    """χ² of the draws within 5 standard deviations of what it is on average: k − 1 ± 5·√(2(k − 1))."""
    counts, total = Counter(draws), sum(chances.values())
    assert set(counts) <= set(chances)
    expected = {key: len(draws) * chance / total for key, chance in chances.items()}
    assert min(expected.values()) >= 5, "too few draws for the test"
    statistic = sum((counts[key] - value) ** 2 / value for key, value in expected.items())
    assert abs(statistic - (len(expected) - 1)) <= 5 * math.sqrt(2 * (len(expected) - 1)), statistic


# Architectures --------------------------------------------------------------------------------


@everywhere
@few
@given(seed=seeds)
def test_what_is_drawn_is_valid_and_comes_back_from_its_string(space, seed):
    for by in ("architecture", "decision"):
        architecture = space.sample(rng(seed), by=by)
        assert is_valid(space, architecture.choices) and architecture in space
        assert space.parse(str(architecture)) == architecture
        assert "".join(text for text, _ in space.pieces(architecture.choices)) == str(architecture)


@everywhere
@few
@given(seed=seeds)
def test_pinning_twice_is_pinning_once_and_what_is_active_depends_on_earlier_decisions_only(space, seed):
    draws = rng(seed)
    counts = [len(decision.options) for decision in space.decisions]
    choices, other = (tuple(draws.integers(counts).tolist()) for _ in range(2))
    pinned = space.pin(choices)
    assert space.pin(pinned) == pinned
    assert all(choice == 0 for choice, on in zip(pinned, space.active(pinned), strict=True) if not on)
    for k in draws.integers(len(counts), size=5).tolist():
        assert space.active(choices)[: k + 1] == space.active(choices[:k] + other[k:])[: k + 1]


@where_small
def test_the_size_is_the_number_of_architectures_listed(space):
    listed = list(space)
    assert space.size_is_exact and space.size == len(space) == len(listed) == len(set(listed))
    assert [each.choices for each in listed] == sorted(each.choices for each in listed)
    combinations = itertools.product(*(range(len(decision.options)) for decision in space.decisions))
    assert {each.choices for each in listed} == {choices for choices in combinations if is_valid(space, choices)}


@where_small
def test_unique_names_are_counted(space):
    assert space.count_unique() == len({space.canonical(each) for each in space}) <= space.size


@everywhere
@few
@given(seed=seeds)
def test_a_file_gives_back_the_architecture(space, seed, tmp_path_factory):
    path = tmp_path_factory.mktemp("architecture") / "a.nas.json"
    architecture = space.sample(rng(seed))
    architecture.save(path)
    loaded = Architecture.load(path)
    assert loaded == architecture and hash(loaded) == hash(architecture) and loaded.space == space
    assert str(loaded) == str(architecture)
    assert loaded.space.diagram(loaded) == space.diagram(architecture)


@pytest.mark.parametrize("name", nas.spaces.SPACES)
def test_every_installed_space_is_here_and_made_again_by_its_name_and_parameters(name):
    ours = [space for pair in SPACES.values() for space in pair if space is not None and space.name == name]
    assert ours, f"add an entry for {name} to SPACES"
    for space in ours:
        again = nas.space(name, **json.loads(json.dumps(dict(space.parameters))))
        assert again == space and type(again) is type(space)


@everywhere
@few
@given(seed=seeds)
def test_diagrams_survive_json_and_name_their_decisions(space, seed):
    architecture = space.sample(rng(seed))
    diagram = space.diagram(architecture)
    assert Diagram.from_json(json.loads(json.dumps(diagram.to_json()))) == diagram
    ids = [node.id for node in diagram.nodes]
    assert len(set(ids)) == len(ids)
    active = space.active(architecture.choices)
    for edge in diagram.edges:
        assert edge.source in ids and edge.target in ids and edge.source != edge.target
    for part in (*diagram.edges, *diagram.nodes):
        assert part.decision is None or active[part.decision]
    assert without_places(space.structure(architecture)) == without_places(diagram)


def without_places(diagram):
    return (
        [replace(node, x=0.0, y=0.0) for node in diagram.nodes],
        [replace(edge, bend=0.0) for edge in diagram.edges],
    )


# Neighbours -----------------------------------------------------------------------------------


@everywhere
@few
@given(seed=seeds)
def test_neighbors_are_distinct_valid_and_mutual(space, seed):
    draws = rng(seed)
    architecture = space.sample(draws)
    neighbors = space.neighbors(architecture)
    assert len(set(neighbors)) == len(neighbors) > 0
    assert all(is_valid(space, each.choices) and are_neighbors(architecture, each) for each in neighbors)
    for k in draws.integers(len(neighbors), size=3).tolist():
        assert architecture in space.neighbors(neighbors[k])


@where_small
def test_neighbors_are_all_that_fit_the_definition(space):
    listed = list(space)
    for k in rng(0).permutation(len(listed))[:40].tolist():
        expected = {other for other in listed if are_neighbors(listed[k], other)}
        assert set(space.neighbors(listed[k])) == expected


@everywhere
@few
@given(seed=seeds)
def test_a_mutant_is_a_neighbor(space, seed):
    draws = rng(seed)
    architecture = space.sample(draws)
    for _ in range(3):
        mutant = space.mutate(architecture, draws)
        assert is_valid(space, mutant.choices) and are_neighbors(architecture, mutant)


@where_small
def test_mutation_draws_a_step_uniformly_and_then_what_it_activates_one_by_one(space):
    for seed in range(3):
        architecture = space.sample(rng(seed))
        steps = defaultdict(list)
        for neighbor in space.neighbors(architecture):
            (index,) = differences(architecture, neighbor)
            steps[index, neighbor.choices[index]].append(neighbor)
        chances = {}
        for found in steps.values():
            common = [chance_by_decision(each) for each in found]
            chances |= {each: chance / sum(common) for each, chance in zip(found, common, strict=True)}
        draws, count = rng(seed), math.ceil(10 * sum(chances.values()) / min(chances.values()))
        assert_drawn_as_expected([space.mutate(architecture, draws) for _ in range(count)], chances)


@everywhere
@few
@given(seed=seeds)
def test_a_child_is_valid_and_has_its_parents_genes(space, seed):
    draws = rng(seed)
    parents = space.sample(draws), space.sample(draws)
    child = space.crossover(*parents, draws)
    assert is_valid(space, child.choices)
    active = [space.active(parent.choices) for parent in parents]
    for k, on in enumerate(space.active(child.choices)):
        genes = {parent.choices[k] for parent, is_active in zip(parents, active, strict=True) if is_active[k]}
        assert not on or child.choices[k] in (genes or {0}), space.decisions[k]


# Sampling -------------------------------------------------------------------------------------


@where_small
def test_sampling_is_uniform(space):
    draws = rng(1)
    chances = dict.fromkeys(space, 1.0)
    assert_drawn_as_expected([space.sample(draws) for _ in range(20 * space.size)], chances)


@where_small
def test_sampling_by_decision_has_its_own_law(space):
    draws = rng(2)
    chances = {each: chance_by_decision(each) for each in space}
    count = math.ceil(10 * sum(chances.values()) / min(chances.values()))
    assert_drawn_as_expected([space.sample(draws, by="decision") for _ in range(count)], chances)


@everywhere
def test_sampling_says_what_by_may_be(space):
    with pytest.raises(ValueError, match="by must be 'architecture' or 'decision'; got 'depth'"):
        space.sample(rng(), by="depth")


@everywhere
def test_sampling_is_quick(space):
    """2,000 draws in a second of CPU; 10,000 are what is promised on a quiet machine."""
    draws, started = rng(0), time.process_time()
    for _ in range(2000):
        space.sample(draws)
    assert time.process_time() - started < 1


# Functions ------------------------------------------------------------------------------------

REDUNDANT = {  # spaces in which several architectures compute the same; options of build
    "nasbench201": {"cells": 1},
    "graphs": {},
    "recurrent": {},
}


@pytest.mark.parametrize("name", REDUNDANT)
def test_architectures_with_one_canonical_name_have_the_same_output(name):
    """All operations of one kind share their weights, so that however they are matched, those of a pair agree."""
    import torch

    space, options, draws = SPACES[name][0], REDUNDANT[name], rng(5)
    groups = defaultdict(list)
    while sum(len(group) == 2 for group in groups.values()) < 12:
        architecture = space.sample(draws)
        for each in (architecture, *space.neighbors(architecture)):
            group = groups[space.canonical(each)]
            if len(group) < 2 and each not in group:
                group.append(each)
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    outputs = {}
    for canonical, group in groups.items():
        if len(group) == 2:
            with torch.no_grad():
                one, other = (with_weights_by_shape(each, options)(x) for each in group)
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9, msg=f"{group} share the name {canonical}")
            outputs[canonical] = one
    assert len({tuple(output.flatten().tolist()) for output in outputs.values()}) > 3, "else all outputs are alike"


def with_weights_by_shape(architecture, options):
    import torch

    network = nas.networks.build(architecture, (3, 8, 8), 3, rng=rng(0), channels=4, **options).double().eval()
    for weights in network.parameters():
        generator = torch.Generator().manual_seed(hash(tuple(weights.shape)) % 2**32)
        weights.data = torch.rand(weights.shape, generator=generator, dtype=torch.float64) - 0.3
    return network


# Any space ------------------------------------------------------------------------------------


class AnySpace(SearchSpace):
    """Decisions that are active if an earlier one has certain options, and some combinations forbidden."""

    def __init__(self, counts, parents, forbidden):
        self.parents, self.forbidden = parents, forbidden
        super().__init__("any", [Decision(str(k), range(count)) for k, count in enumerate(counts)])

    def active(self, choices):
        found = []
        for parent, options in self.parents:
            found.append(parent is None or (found[parent] and choices[parent] in options))
        return tuple(found)

    def is_valid(self, choices):
        return sum((k + 2) * choice for k, choice in enumerate(choices)) % 5 not in self.forbidden


@st.composite
def any_space(draw):
    counts = draw(st.lists(st.integers(1, 3), min_size=1, max_size=5))
    parents = [(None, ())]
    for k in range(1, len(counts)):
        parent = draw(st.none() | st.integers(0, k - 1))
        parents.append((parent, () if parent is None else draw(st.sets(st.integers(0, counts[parent] - 1)))))
    return AnySpace(counts, parents, draw(st.sets(st.integers(0, 4), max_size=3)))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(space=any_space(), seed=seeds)
def test_the_laws_hold_for_any_space_with_conditions_and_rules(space, seed):
    combinations = itertools.product(*(range(len(decision.options)) for decision in space.decisions))
    expected = [choices for choices in combinations if is_valid(space, choices)]
    listed = list(space)
    assert [each.choices for each in listed] == expected and space.size == len(expected)
    draws = rng(seed)
    for one, other in zip(listed[:6], reversed(listed), strict=False):
        neighbors = {each for each in listed if are_neighbors(one, each)}
        assert set(space.neighbors(one)) == neighbors and len(space.neighbors(one)) == len(neighbors)
        if neighbors:
            assert space.mutate(one, draws) in neighbors
        else:
            with pytest.raises(ValueError, match="has no neighbour"):
                space.mutate(one, draws)
        child, parents = space.crossover(one, other, draws), (one, other)
        assert child in listed
        for k, on in enumerate(space.active(child.choices)):
            genes = {parent.choices[k] for parent in parents if space.active(parent.choices)[k]}
            assert not on or child.choices[k] in (genes or {0})
        assert space.parse(str(one)) == one and space.sample(draws) in listed


HUGE = ["a" * 10_000_000, "a" * 99_000, "9" * 99_000, "a~" * 45_000, "|" * 90_000, "width=8," * 12_000, ", =" * 30_000]


@everywhere
@pytest.mark.parametrize("text", HUGE, ids=lambda text: f"{len(text)} of {text[:8]}")
def test_whatever_text_comes_is_refused_at_once_and_briefly(space, text):
    started = time.perf_counter()
    with pytest.raises(ValueError) as raised:
        space.parse(text)
    assert time.perf_counter() - started < 0.5 and len(str(raised.value)) < 1_000


@everywhere
@pytest.mark.parametrize("text", [None, 5, b"", ["conv3-8-relu"]])
def test_only_strings_are_parsed(space, text):
    with pytest.raises(TypeError, match="an architecture is parsed from a string; got"):
        space.parse(text)
