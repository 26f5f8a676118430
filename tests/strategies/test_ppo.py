"""The clipped surrogate against torch, against exact expectations, and at the edges of the clip."""

import math

import numpy as np
import pytest
import torch
from torch_controller import gradient, log_probability, parameters, tokens

import nasedu as nas
from nasedu.strategies.ppo import PPO

TWO = nas.SearchSpace("two", [nas.Decision("width", (8, 16)), nas.Decision("kernel", (1, 3, 5))])
CHAIN = nas.spaces.Chain(max_depth=2, widths=(8, 16), kernels=(1, 3), activations=("relu",))
SPACES = pytest.mark.parametrize("space", [TWO, CHAIN], ids=["two", "chain"])


def make(space, seed=0, sharpen=5.0, **settings):
    """A strategy whose policy is far from uniform: its initial weights times ``sharpen``."""
    strategy = PPO(space, np.random.default_rng(seed), **{"hidden_size": 6, "entropy_weight": 0.0, **settings})
    strategy.controller.parameters *= sharpen
    return strategy


def record(strategy):
    """Collect the gradients of the steps; the parameters stay as they are."""
    gradients = []
    strategy.controller.climb = gradients.append
    return gradients


def reward(choices):
    return sum((index + 2) * choice for index, choice in enumerate(choices)) % 7 / 7


def tell(strategy, architectures):
    for architecture in architectures:
        strategy.tell(nas.Trial(architecture, score=reward(architecture.choices)))


def standardised(rewards):
    return (np.array(rewards) - np.mean(rewards)) / np.std(rewards)


def log_p(strategy, choices):
    return strategy.controller.read(np.array([choices])).taken[0]


@SPACES
def test_the_gradient_is_that_of_the_surrogate_by_torch(space):
    """Asked with one policy, told with another: some tokens are clipped, and some are not."""
    strategy = make(space, tells_per_update=8, entropy_weight=0.3, clip=0.2, epochs=1)
    asked = [strategy.ask() for _ in range(8)]
    old = [log_p(strategy, architecture.choices) for architecture in asked]
    strategy.controller.parameters += np.random.default_rng(5).normal(0, 0.3, len(strategy.controller.parameters))
    gradients, weights = record(strategy), parameters(strategy.controller)
    tell(strategy, asked)
    total = clipped = 0
    for architecture, before, A in zip(asked, old, standardised([reward(a.choices) for a in asked]), strict=True):
        for index, now in tokens(strategy.controller, weights, architecture.choices):
            ratio = (now[architecture.choices[index]] - before[index]).exp()
            total = total + torch.minimum(ratio * A, ratio.clamp(0.8, 1.2) * A) - 0.3 * (now.exp() * now).sum()
            clipped += bool(A * ratio > A * ratio.clamp(0.8, 1.2))
    assert 0 < clipped < sum(sum(space.active(a.choices)) for a in asked)
    np.testing.assert_allclose(gradients, [gradient(total / 8, weights)], rtol=0, atol=1e-10)
    assert strategy.state["loss"] == pytest.approx(-total.item() / 8)
    assert strategy.state["clipped"] == clipped / sum(sum(space.active(a.choices)) for a in asked)


def test_while_no_ratio_has_moved_it_is_the_gradient_of_reinforce():
    strategy = make(TWO, tells_per_update=5, epochs=3)
    gradients, weights = record(strategy), parameters(strategy.controller)
    asked = [strategy.ask() for _ in range(5)]
    tell(strategy, asked)
    advantages = standardised([reward(a.choices) for a in asked])
    scores = [gradient(log_probability(strategy.controller, weights, a.choices), weights) for a in asked]
    expected = sum(A * score for A, score in zip(advantages, scores, strict=True)) / 5
    assert strategy.state["advantages"] == pytest.approx(advantages)
    assert strategy.state["ratios"] == [1] * 5
    np.testing.assert_allclose(gradients, [expected] * 3, rtol=0, atol=1e-12)


@pytest.mark.parametrize("moved", [0.0, 1.0])
def test_importance_weights_make_old_draws_an_exact_estimate_for_the_new_policy(moved):
    """A batch with each option as often as the old policy says has the exact gradient of E_new[A]."""
    space = nas.SearchSpace("one", [nas.Decision("layers", (1, 2, 3))])
    strategy = make(space, tells_per_update=4, clip=1e9, epochs=1)
    controller = strategy.controller
    controller.W_ah[:], controller.b_a[:] = 0.0, np.log([0.5, 0.25, 0.25])
    batch = [space.architecture((choice,)) for choice in (0, 0, 1, 2)]
    while any(len(strategy.asked.get(each, ())) < batch.count(each) for each in batch):
        strategy.ask()
    controller.parameters += moved * np.random.default_rng(1).normal(size=len(controller.parameters))
    gradients, weights = record(strategy), parameters(controller)
    tell(strategy, batch)
    advantages = standardised([reward(each.choices) for each in batch])
    pairs = zip((0, 1, 2), advantages[1:], strict=True)
    expected = sum(log_probability(controller, weights, (c,)).exp() * A for c, A in pairs)
    exact = gradient(expected, weights)
    assert np.linalg.norm(exact) > 1e-2
    np.testing.assert_allclose(gradients, [exact], rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    ("better", "ratio", "flat"), [(True, 1.3, True), (True, 0.7, False), (False, 1.3, False), (False, 0.7, True)]
)
def test_the_clip_is_flat_only_beyond_its_edge_and_only_on_the_side_of_the_advantage(better, ratio, flat):
    """Two options; the policy was uniform when they were asked for, and one has become likelier since."""
    space = nas.SearchSpace("one", [nas.Decision("layers", (1, 2))])
    strategy = make(space, tells_per_update=2, clip=0.2, epochs=1)
    controller, (first, second) = strategy.controller, (space.architecture((c,)) for c in (0, 1))
    controller.W_ah[:], controller.b_a[:] = 0.0, 0.0
    while not {first, second} <= strategy.asked.keys():
        strategy.ask()
    controller.b_a[:] = np.log([ratio / 2, 1 - ratio / 2])
    gradients = record(strategy)
    strategy.tell(nas.Trial(first, score=float(better)))
    strategy.tell(nas.Trial(second, score=float(not better)))
    assert strategy.state["ratios"] == pytest.approx([ratio, 2 - ratio])
    assert strategy.state["clipped"] == float(flat), "the other one's advantage and ratio are the mirror image"
    assert (not gradients[0].any()) == flat


def test_a_late_trial_is_weighted_from_the_policy_that_drew_it():
    strategy = make(nas.spaces.NASBench201(), tells_per_update=4, epochs=2, learning_rate=0.05)
    late = strategy.ask()
    then = log_p(strategy, late.choices)
    for _ in range(3):
        tell(strategy, [strategy.ask() for _ in range(4)])
    assert len(strategy.asked[late]) == 1, "the others are different ones"
    ratio = math.exp((log_p(strategy, late.choices) - then).sum())
    assert abs(ratio - 1) > 0.2
    record(strategy)
    tell(strategy, [strategy.ask(), late, strategy.ask(), strategy.ask()])
    assert strategy.state["ratios"] == pytest.approx([1, ratio, 1, 1])


def test_asks_of_the_same_architecture_are_answered_in_their_order():
    space = nas.SearchSpace("one", [nas.Decision("layers", (1,)), nas.Decision("width", (8, 16))])
    strategy = make(space, tells_per_update=3)
    strategy.controller.W_ah[:], expected = 0.0, []
    for logit in (5.0, 6.0, 7.0):  # so often the first option that each of three asks has it
        strategy.controller.b_a[:], strategy.controller.drawn = [0, logit, 0], type(strategy.controller.drawn)()
        assert strategy.ask().choices == (0, 0)
        expected.append(-math.log(1 + math.exp(-logit)))
    strategy.controller.b_a[:] = 0.0
    record(strategy)
    tell(strategy, [space.architecture((0, 0))] * 3)
    assert np.log(strategy.state["ratios"]) == pytest.approx([-math.log(2) - each for each in expected])
    assert strategy.asked == {}


def test_a_trial_that_was_never_asked_for_counts_with_the_present_policy():
    strategy = make(TWO, tells_per_update=2)
    record(strategy)
    tell(strategy, [TWO.architecture((0, 1)), TWO.architecture((1, 1))])
    assert strategy.state["ratios"] == [1, 1]


def test_a_batch_of_equal_rewards_teaches_nothing():
    strategy = make(TWO, tells_per_update=3)
    before = strategy.controller.parameters.copy()
    for _ in range(3):
        strategy.tell(nas.Trial(strategy.ask(), score=0.7))
    assert strategy.state["advantages"] == [0, 0, 0]
    assert np.array_equal(strategy.controller.parameters, before)


def test_each_batch_makes_as_many_steps_as_there_are_epochs():
    strategy = make(TWO, tells_per_update=3, epochs=4)
    gradients = record(strategy)
    tell(strategy, [strategy.ask() for _ in range(7)])
    assert len(gradients) == 8


def test_the_ratios_stop_near_the_clip():
    """With a small clip the policy hardly moves in one batch, however many steps; without, it moves far."""

    def moved(clip):
        strategy = make(TWO, sharpen=1.0, tells_per_update=6, epochs=200, clip=clip, learning_rate=0.003)
        tell(strategy, list(TWO))
        return max(strategy.state["ratios"])

    assert moved(0.1) < 1.1**2 + 0.15
    assert moved(1e9) > 3


def test_a_failed_trial_counts_as_the_lowest_reward_so_far():
    strategy = make(TWO, tells_per_update=4)
    strategy.tell(nas.Trial(strategy.ask(), failure="no"))
    assert strategy.state == {}, "nothing to compare with yet"
    for score in (0.4, 0.2, 0.9):
        strategy.tell(nas.Trial(strategy.ask(), score=score))
    strategy.tell(nas.Trial(strategy.ask(), failure="no"))
    assert strategy.state["reward"] == 0.2
    assert strategy.state["advantages"] == pytest.approx(standardised([0.4, 0.2, 0.9, 0.2]))


def test_the_best_architecture_becomes_likely():
    strategy = make(TWO, sharpen=1.0, hidden_size=16)
    assert math.exp(log_p(strategy, (1, 2)).sum()) < 0.3
    for _ in range(300):
        architecture = strategy.ask()
        strategy.tell(nas.Trial(architecture, score=float(architecture.choices == (1, 2))))
    assert math.exp(log_p(strategy, (1, 2)).sum()) > 0.8
