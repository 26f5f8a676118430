"""The space of multilayer perceptrons: counts, strings, and networks on tables and images."""

import time

import numpy as np
import pytest
import torch
from torch import nn

import nasedu as nas
from nasedu.networks import build
from nasedu.spaces import MLP


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_published_choices_of_two_layers_are_counted():
    """arXiv:1905.04970 and its code: for each of 2 layers 6 widths and 2 activations (and 3 dropouts, not here)."""
    space = MLP(min_depth=2, max_depth=2, widths=(16, 32, 64, 128, 256, 512), normalizations=("none",))
    assert space.size == (6 * 2) ** 2 == space.count_unique()


def test_the_count_is_the_sum_over_depths():
    assert MLP().size == 2 * sum((4 * 2) ** depth for depth in (1, 2, 3, 4))
    assert MLP(min_depth=2, max_depth=3, skips=True).size == 2 * sum((2 * 4 * 2) ** depth for depth in (2, 3))
    assert MLP(max_depth=100).size_is_exact and MLP(max_depth=100).size > 10**90


def test_a_network_is_read_layer_by_layer():
    space = MLP(skips=True)
    network = space.parse(" batch:64-relu>  32-tanh+skip ")
    assert str(network) == "batch: 64-relu > 32-tanh+skip"
    assert space.normalization(network.choices) == "batch"
    assert space.layers(network.choices) == [(64, "relu", False), (32, "tanh", True)]
    assert [text for text, index in space.pieces(network.choices) if index is None] == [": ", "-", " > ", "-"]
    told = {space.decisions[index].name: text for text, index in space.pieces(network.choices) if index is not None}
    assert told == {
        "normalization": "batch",
        "layer 1 width": "64",
        "layer 1 activation": "relu",
        "layer 2 width": "32",
        "layer 2 activation": "tanh",
        "layer 2 skip": "+skip",
    }
    (arc,) = [edge for edge in space.diagram(network).edges if edge.operation]
    assert (arc.source, arc.target, space.decisions[arc.decision].name) == ("layer 1", "output", "layer 2 skip")


def test_most_networks_are_deep_unless_decisions_are_drawn_one_by_one():
    """n = 4,000 draws: P(depth 4) = 4096/4680 = 0.875, against 1/4; standard deviations below 0.7 %, 5 tolerated."""
    space, draws = MLP(), rng()
    for by, expected in (("architecture", 8**4 / (8 + 8**2 + 8**3 + 8**4)), ("decision", 1 / 4)):
        deep = np.mean([space.sample(draws, by=by).options["depth"] == 4 for _ in range(4000)])
        assert abs(deep - expected) < 5 * 0.007


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "64": "expected layers like 64-relu.*got '64'",
        "": "expected layers like",
        "64-relu >": "expected layers like.*got ''",
        "-64-relu": "expected layers like",
        "٣-relu": "expected layers like",
        "64-relu+jump": "expected layers like",
        "65-relu": "unknown layer 1 width 65 .*it may be 16, 32, 64, 128",
        "64-gelu": "unknown layer 1 activation 'gelu'.*it may be relu, tanh",
        "layer: 64-relu": "unknown normalization 'layer'.*it may be none, batch",
        "none: batch: 64-relu": "expected layers like",
        "64-relu+skip": r"no skip connections \(skips=False\)",
        " > ".join(["64-relu"] * 5): r"depth must lie in 1\.\.4; got 5 layers",
        "64-relu > " * 1_000_000: "at most 100,000 characters; got 10,000,000",
    }.items(),
    ids=lambda text: text[:20],
)
def test_a_malformed_string_is_refused_at_once(text, message):
    started = time.process_time()
    with pytest.raises(ValueError, match=message) as caught:
        MLP().parse(text)
    assert time.process_time() - started < 1 and len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"min_depth": 3, "max_depth": 2}, r"min_depth must be a whole number in 1\.\.2; got 3"),
        ({"max_depth": 101}, r"max_depth must be a whole number in 1\.\.100; got 101"),
        ({"widths": (0,)}, r"a width must be a whole number in 1\.\.1000000; got 0"),
        ({"widths": (8.5,)}, "a width must be a whole number.*got 8.5"),
        ({"widths": ()}, "must have at least one option"),
        ({"widths": 16}, r"widths must be a list such as \(16, 32\); got 16"),
        ({"widths": "16"}, r"widths must be a list such as \(16, 32\); got '16'"),
        ({"activations": "relu"}, r"activations must be a list such as \('relu', 'tanh'\); got 'relu'"),
        ({"normalizations": "none"}, r"normalizations must be a list such as \('none', 'batch'\); got 'none'"),
        ({"activations": ("swish",)}, "there is no 'swish'; choose among relu, tanh, gelu"),
        ({"normalizations": ("group",)}, "there is no 'group'; choose among none, batch, layer"),
    ],
)
def test_spaces_that_cannot_be_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        MLP(**parameters)


ALL = MLP(widths=(16, 32), activations=("relu", "tanh", "gelu"), normalizations=("none", "batch", "layer"), skips=True)


@pytest.mark.parametrize(
    ("text", "parameters"),
    {
        "16-relu": 11 * 16 + 17 * 2,
        "16-relu > 32-tanh": 11 * 16 + 17 * 32 + 33 * 2,
        "batch: 16-gelu": 10 * 16 + 2 * 16 + 17 * 2,
        "layer: 16-gelu > 16-relu": 10 * 16 + 2 * 16 + 16 * 16 + 2 * 16 + 17 * 2,
        "16-relu+skip": 11 * 16 + 10 * 16 + 17 * 2,
        "16-relu > 16-relu+skip": 11 * 16 + 17 * 16 + 17 * 2,
    }.items(),
)
def test_parameters_are_those_counted_by_hand(text, parameters):
    network = build(ALL.parse(text), (1, 10), 2, rng=rng())
    assert sum(weights.numel() for weights in network.parameters()) == parameters


def test_a_layer_is_what_its_formula_says():
    network = build(ALL.parse("16-tanh > 16-relu+skip"), (2, 5), 3, rng=rng()).eval()
    x = torch.randn(4, 2, 5, generator=torch.Generator().manual_seed(0))
    (w1, b1), (w2, b2), (w3, b3) = ((m.weight, m.bias) for m in network.modules() if isinstance(m, nn.Linear))
    hidden = torch.tanh(x.flatten(1) @ w1.T + b1)
    hidden = torch.relu(hidden @ w2.T + b2) + hidden
    torch.testing.assert_close(network(x), hidden @ w3.T + b3)


@pytest.mark.parametrize("data", ["diabetes", "digits", "mnist1d"])
def test_every_kind_of_network_trains_on_tables_images_and_signals(data):
    data = nas.data.load(data)
    evaluator = nas.evaluators.Train(data, epochs=1, batch_size=32)
    networks = [ALL.parse(f"{norm}: 32-relu > 16-tanh+skip") for norm in ("none", "batch", "layer")]
    for trial in evaluator(networks):
        assert trial.failure is None and np.isfinite(trial.score)


def test_a_regression_learns_something():
    """Linear regression reaches R² = 0.58 on this validation split; the mean has 0."""
    evaluator = nas.evaluators.Train(nas.data.load("diabetes"), epochs=30, batch_size=32)
    assert evaluator([MLP().parse("batch: 32-relu")])[0].score > 0.4
