"""The table of logits: its gradient by torch, its draws, and what a step leaves alone."""

import math

import numpy as np
import pytest
import torch
from torch_controller import sequences

import nasedu as nas
from nasedu.strategies import Reinforce, ReinforceTable

TWO = nas.SearchSpace("two", [nas.Decision("width", (8, 16)), nas.Decision("kernel", (1, 3, 5))])
CHAIN = nas.spaces.Chain(max_depth=2, widths=(8, 16), kernels=(1, 3), activations=("relu",))
SPACES = pytest.mark.parametrize("space", [TWO, CHAIN], ids=["two", "chain"])


def make(space, seed=0, **settings):
    """A strategy whose policy is far from uniform."""
    strategy = ReinforceTable(space, np.random.default_rng(seed), **settings)
    strategy.logits += np.random.default_rng(seed + 1).normal(size=strategy.logits.shape)
    return strategy


def reward(choices):
    return sum((index + 2) * choice for index, choice in enumerate(choices)) % 7 / 7


def log_softmaxes(strategy, logits):
    return [
        torch.log_softmax(row[: len(d.options)], 0) for row, d in zip(logits, strategy.space.decisions, strict=True)
    ]


def autograd(strategy, function):
    """Return the gradient of a function of the log-softmaxes, 0 where a decision has fewer options."""
    logits = torch.tensor(strategy.logits, requires_grad=True)
    (found,) = torch.autograd.grad(function(log_softmaxes(strategy, logits)), logits)
    return found.nan_to_num().numpy()


def log_pi(log_p, space, choices):
    active = space.active(choices)
    return sum(row[choice] for row, choice, on in zip(log_p, choices, active, strict=True) if on)


def entropy(log_p, space, choices):
    return -sum((row.exp() * row).sum() for row, on in zip(log_p, space.active(choices), strict=True) if on)


@SPACES
def test_the_gradient_is_that_of_torch(space):
    strategy = make(space, entropy_weight=0.3)
    for choices in sequences(space)[::5]:
        if not space.is_valid(choices):
            continue
        exact = autograd(
            strategy, lambda log_p, c=choices: -1.7 * log_pi(log_p, space, c) + 0.3 * entropy(log_p, space, c)
        )
        found = strategy.gradient(space.architecture(choices), -1.7)
        np.testing.assert_allclose(found, exact, rtol=0, atol=1e-12)


def test_every_architecture_told_once_is_the_exact_policy_gradient():
    """The mean of (R − b) ∇ log π over the policy is ∇ E[R], for any b."""
    strategy = make(TWO, entropy_weight=0.0)
    pi = {
        c: log_pi(log_softmaxes(strategy, torch.tensor(strategy.logits)), TWO, c).exp().item() for c in sequences(TWO)
    }
    assert sum(pi.values()) == pytest.approx(1)
    exact = autograd(strategy, lambda log_p: sum(log_pi(log_p, TWO, c).exp() * reward(c) for c in pi))
    assert np.linalg.norm(exact) > 1e-2
    for b in (0.0, 0.5, -3.0):
        estimate = sum(p * strategy.gradient(TWO.architecture(c), reward(c) - b) for c, p in pi.items())
        np.testing.assert_allclose(estimate, exact, rtol=0, atol=1e-12)


@SPACES
def test_a_tell_is_a_step_along_the_gradient(space):
    strategy = make(space, learning_rate=0.5)
    for _ in range(10):
        architecture, before = strategy.ask(), strategy.logits.copy()
        slopes = [strategy.gradient(architecture, advantage) for advantage in (0.0, 1.0)]
        strategy.tell(nas.Trial(architecture, score=reward(architecture.choices)))
        step = slopes[0] + strategy.state["advantage"] * (slopes[1] - slopes[0])
        finite = np.isfinite(before)
        np.testing.assert_allclose(strategy.logits[finite] - before[finite], 0.5 * step[finite], rtol=0, atol=1e-12)
        assert np.array_equal(finite, np.isfinite(strategy.logits)), "what does not exist stays out"


def test_decisions_that_do_not_matter_to_the_trial_stay_where_they_are():
    strategy, space = make(CHAIN), CHAIN
    first, second = space.parse("dense-8-relu"), space.parse("conv3-16-relu > pool")
    before = strategy.logits.copy()
    strategy.tell(nas.Trial(first, score=0.5))
    strategy.tell(nas.Trial(second, score=0.9))
    strategy.tell(nas.Trial(first, score=0.1))
    matter = (np.array(space.active(first.choices)) | np.array(space.active(second.choices))) & (strategy.counts > 1)
    moved = (strategy.logits != before).any(axis=1)
    assert moved.tolist() == matter.tolist()
    assert 0 < matter.sum() < len(matter)


@SPACES
def test_architectures_are_drawn_as_often_as_their_probability_says(space):
    """5,000 asks, tolerance 4.5 standard deviations for each architecture; invalid ones never."""
    strategy, n = make(space), 5_000
    valid = [choices for choices in sequences(space) if space.is_valid(choices)]
    log_p = log_softmaxes(strategy, torch.tensor(strategy.logits))
    p = np.array([log_pi(log_p, space, choices).exp().item() for choices in valid])
    p /= p.sum()
    asked = [strategy.ask().choices for _ in range(n)]
    counts = np.array([asked.count(choices) for choices in valid])
    assert counts.sum() == n
    assert np.all(np.abs(counts / n - p) < 4.5 * np.sqrt(p * (1 - p) / n) + 1 / n)


@SPACES
def test_the_state_of_an_ask_is_that_of_its_softmaxes(space):
    strategy = make(space)
    log_p = log_softmaxes(strategy, torch.tensor(strategy.logits))
    for _ in range(20):
        choices, state = strategy.ask().choices, strategy.state
        assert state["log_probability"] == pytest.approx(log_pi(log_p, space, choices).item())
        assert state["entropy"] == pytest.approx(entropy(log_p, space, choices).item())
        for row, p in zip(log_p, state["probabilities"], strict=True):
            assert p is None or p == pytest.approx(row.exp().tolist())


def test_it_has_the_advantages_of_reinforce():
    """What differs is the policy: told the same, both take the same to be good."""
    table, controller = ReinforceTable(TWO, np.random.default_rng(0)), Reinforce(TWO, np.random.default_rng(0))
    trials = [nas.Trial(architecture, score=reward(architecture.choices)) for architecture in TWO]
    for trial in [nas.Trial(TWO.architecture((0, 0)), failure="no"), *trials, *trials]:
        failed = nas.Trial(trial.architecture, failure="no")
        for each in (trial, failed):
            table.tell(each)
            controller.tell(each)
            shared = {name: controller.state[name] for name in table.state}
            assert table.state == shared
    assert list(table.state) == ["reward", "baseline", "scale", "advantage"]


def test_where_nothing_valid_is_drawn_the_space_draws(monkeypatch):
    monkeypatch.setattr("nasedu.strategies.reinforce_table.MAX_REDRAWS", 50)
    strategy = ReinforceTable(CHAIN, np.random.default_rng(0))
    names = [decision.name for decision in CHAIN.decisions]
    for name, choice in (("depth", 1), ("layer 1 type", 0), ("layer 2 type", 1)):  # dense, then a convolution
        strategy.logits[names.index(name), choice] = 1e3
    assert CHAIN.is_valid(strategy.ask().choices)
    assert strategy.state["log_probability"] < -900


def test_the_best_architecture_becomes_likely():
    strategy = ReinforceTable(TWO, np.random.default_rng(0))
    for _ in range(300):
        architecture = strategy.ask()
        strategy.tell(nas.Trial(architecture, score=float(architecture.choices == (1, 2))))
    log_p = strategy.log_policy()
    assert math.exp(log_p[0, 1] + log_p[1, 2]) > 0.8
