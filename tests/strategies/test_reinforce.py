"""The policy gradient against exact expectations, on spaces small enough to enumerate."""

import copy
import math

import numpy as np
import pytest
import torch
from torch_controller import gradient, log_probability, parameters, sequences

import nasedu as nas
from nasedu.strategies import Reinforce

TWO = nas.SearchSpace("two", [nas.Decision("width", (8, 16)), nas.Decision("kernel", (1, 3, 5))])
CHAIN = nas.spaces.Chain(max_depth=2, widths=(8, 16), kernels=(1, 3), activations=("relu",))
SPACES = pytest.mark.parametrize("space", [TWO, CHAIN], ids=["two", "chain"])
DECAY = 0.9


def make(space, seed=0, sharpen=5.0, **settings):
    """A strategy whose policy is far from uniform: its initial weights times ``sharpen``."""
    settings = {"hidden_size": 6, "entropy_weight": 0.0, "baseline_decay": DECAY, **settings}
    strategy = Reinforce(space, np.random.default_rng(seed), **settings)
    strategy.controller.parameters *= sharpen
    return strategy


def reward(choices):
    return sum((index + 2) * choice for index, choice in enumerate(choices)) % 7 / 7


def probability(strategy, choices):
    controller = strategy.controller
    return math.exp(controller.read(np.array([choices])).taken.sum())


def told_gradient(strategy, choices, baseline, deviation=0.5):
    """The direction that tell would step in, from this baseline and this deviation of the rewards before."""
    average = strategy.baseline
    average.mean, average.variance, average.tells = baseline, deviation**2, 10**6
    gradients = []
    strategy.controller.climb = gradients.append  # and make no step
    strategy.tell(nas.Trial(strategy.space.architecture(choices), score=reward(choices)))
    (found,) = gradients
    return found


def squashed(choices, baseline, deviation=0.5):
    """f(R) = d / √((1 − k) σ² + k d²), what the reward counts for."""
    d = reward(choices) - baseline
    return d / math.sqrt(DECAY * deviation**2 + (1 - DECAY) * d**2)


def test_the_update_is_the_exact_policy_gradient_whatever_the_baseline():
    """Every architecture told once, weighted with its probability, is ∇ E[f(R)] by torch."""
    strategy = make(TWO)
    weights = parameters(strategy.controller)
    log_p = {choices: log_probability(strategy.controller, weights, choices) for choices in sequences(TWO)}
    for baseline in (0.0, 0.4, -3.0):
        expected = sum(each.exp() * squashed(choices, baseline) for choices, each in log_p.items())
        exact = gradient(expected, weights)
        estimate = sum(each.exp().item() * told_gradient(strategy, c, baseline) for c, each in log_p.items())
        assert np.linalg.norm(exact) > 1e-3
        np.testing.assert_allclose(estimate, exact, rtol=0, atol=1e-11)


def test_a_large_deviation_makes_it_the_gradient_of_the_mean_reward():
    """f(R) → (R − b) / σ where all rewards are close to b."""
    strategy, deviation = make(TWO), 1e4
    weights = parameters(strategy.controller)
    log_p = {choices: log_probability(strategy.controller, weights, choices) for choices in sequences(TWO)}
    exact = gradient(sum(each.exp() * reward(choices) for choices, each in log_p.items()), weights)
    estimate = sum(each.exp().item() * told_gradient(strategy, c, 0.4, deviation) for c, each in log_p.items())
    np.testing.assert_allclose(estimate * deviation * math.sqrt(DECAY), exact, rtol=0, atol=1e-8)


def test_where_draws_are_rejected_the_update_is_off_by_the_mean_advantage_times_the_gradient_of_log_Z():
    strategy = make(CHAIN)
    weights = parameters(strategy.controller)
    valid = [choices for choices in sequences(CHAIN) if CHAIN.is_valid(choices)]
    assert len(valid) < len(sequences(CHAIN))
    probabilities = torch.stack([log_probability(strategy.controller, weights, choices).exp() for choices in valid])
    conditional = probabilities / probabilities.sum()
    grad_log_Z = gradient(probabilities.sum().log(), weights)
    assert np.linalg.norm(grad_log_Z) > 1e-3
    for baseline in (0.0, 0.9):
        advantages = torch.tensor([squashed(choices, baseline) for choices in valid], dtype=torch.float64)
        mean = (conditional * advantages).sum()
        pairs = zip(conditional.tolist(), valid, strict=True)
        estimate = sum(p * told_gradient(strategy, choices, baseline) for p, choices in pairs)
        excess = mean.item() * grad_log_Z
        np.testing.assert_allclose(estimate - gradient(mean, weights), excess, rtol=0, atol=1e-11)


@SPACES
def test_architectures_are_drawn_as_often_as_their_probability_says(space):
    """5,000 asks, tolerance 4.5 standard deviations for each architecture; invalid ones never."""
    strategy = make(space, hidden_size=4, sharpen=8.0, tells_per_update=100)
    valid = [choices for choices in sequences(space) if space.is_valid(choices)]
    p = np.array([probability(strategy, choices) for choices in valid])
    p /= p.sum()
    n = 5_000
    asked = [strategy.ask().choices for _ in range(n)]
    counts = np.array([asked.count(choices) for choices in valid])
    assert counts.sum() == n
    assert np.all(np.abs(counts / n - p) < 4.5 * np.sqrt(p * (1 - p) / n) + 1 / n)


@SPACES
def test_the_log_probability_is_that_of_the_actions_taken(space):
    strategy = make(space)
    for number in range(20):
        architecture = strategy.ask()
        asked = strategy.state
        taken = [p[choice] for p, choice in zip(asked["probabilities"], asked["chosen"], strict=True) if p is not None]
        entropy = -sum(q * math.log(q) for p in asked["probabilities"] if p is not None for q in p)
        assert asked["log_probability"] == pytest.approx(math.log(math.prod(taken)))
        assert asked["entropy"] == pytest.approx(entropy)
        strategy.tell(nas.Trial(architecture, score=reward(architecture.choices), number=number))
        assert strategy.state["log_probability"] == pytest.approx(asked["log_probability"])
        assert strategy.state["entropy"] == pytest.approx(asked["entropy"])


def test_later_tokens_depend_on_earlier_ones():
    strategy = make(TWO)
    seen = {}
    for _ in range(50):
        strategy.ask()
        seen[strategy.state["chosen"][0]] = strategy.state["probabilities"][1]
    assert max(abs(a - b) for a, b in zip(seen[0], seen[1], strict=True)) > 0.01


def test_a_trial_at_the_baseline_moves_nothing():
    strategy = make(TWO)
    choices = (1, 2)
    assert not told_gradient(strategy, choices, baseline=reward(choices)).any()
    assert strategy.state["advantage"] == 0


def test_baseline_and_scale_are_moving_averages():
    """Plain means while 1/n is above 1 − baseline_decay, so the first rewards do not count for too much."""
    strategy = make(TWO, baseline_decay=0.75)
    seen = []
    for score in (1.0, 0.0, 1.0, 3.0, 0.0):
        strategy.tell(nas.Trial(strategy.ask(), score=score))
        seen.append([strategy.state[name] for name in ("baseline", "scale", "advantage")])
    baselines, scales, advantages = map(list, zip(*seen, strict=True))
    assert baselines == pytest.approx([1, 1, 1 / 2, 2 / 3, 5 / 4])
    differences, variance, k = [0, -1, 1 / 2, 7 / 3, -5 / 4], 0.0, [1, 1 / 2, 1 / 3, 1 / 4, 1 / 4]
    for d, rate, scale, advantage in zip(differences, k, scales, advantages, strict=True):
        variance = (1 - rate) * variance + rate * d**2
        assert scale == pytest.approx(math.sqrt(variance))
        assert advantage == pytest.approx(d / scale if d else 0)


@pytest.mark.parametrize(("factor", "offset"), [(0.01, 0.0), (100.0, -7.0)])
def test_the_unit_of_the_reward_does_not_matter(factor, offset):
    def run(change):
        strategy, asked = make(nas.spaces.NASBench201(), tells_per_update=3), []
        for _ in range(60):
            asked.append(strategy.ask())
            strategy.tell(nas.Trial(asked[-1], score=change(reward(asked[-1].choices))))
        return asked

    assert run(lambda r: r) == run(lambda r: factor * r + offset)


def test_no_outlier_counts_for_more_than_the_bound():
    strategy = make(TWO)
    for score in [0.9, 0.91] * 20 + [-1e6]:
        strategy.tell(nas.Trial(strategy.ask(), score=score))
    assert -1 / math.sqrt(1 - DECAY) <= strategy.state["advantage"] < -3


def test_the_initial_weights_come_from_the_rng():
    first, again, other = (make(TWO, seed=seed).controller.parameters for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_entropy_bonus_pulls_towards_the_uniform_policy():
    strategy = make(TWO, entropy_weight=0.1, learning_rate=0.01)
    strategy.ask()
    before = strategy.state["entropy"]
    for number in range(200):
        strategy.tell(nas.Trial(strategy.ask(), score=0.5, number=number))
    strategy.ask()
    assert before < strategy.state["entropy"] <= math.log(2) + math.log(3) + 1e-9
    assert strategy.state["entropy"] > math.log(6) - 0.01


def test_with_a_single_decision_nothing_moves_at_exp_advantage_over_the_entropy_weight():
    """The expected gradient of E[f(R)] + λ H is zero at π ∝ exp(f(R)/λ), and not at the uniform policy."""
    space, weight = nas.SearchSpace("layers", [nas.Decision("layers", (1, 2, 3, 4))]), 0.4
    strategy = make(space, entropy_weight=weight)
    everything = [architecture.choices for architecture in space]

    def expected_gradient(logits):
        strategy.controller.W_ah[:], strategy.controller.b_a[:] = 0.0, logits
        return sum(probability(strategy, c) * told_gradient(strategy, c, baseline=0.3) for c in everything)

    assert np.abs(expected_gradient([squashed(c, 0.3) / weight for c in everything])).max() < 1e-11
    assert np.linalg.norm(expected_gradient([0.0] * 4)) > 1e-2


def test_the_best_architecture_becomes_likely():
    strategy = make(TWO, sharpen=1.0, learning_rate=0.01, hidden_size=16)
    assert probability(strategy, (1, 2)) < 0.3
    for _ in range(300):
        architecture = strategy.ask()
        strategy.tell(nas.Trial(architecture, score=float(architecture.choices == (1, 2))))
    assert probability(strategy, (1, 2)) > 0.8


def test_several_tells_are_one_step_along_the_mean_gradient():
    strategy = make(TWO, tells_per_update=3)
    controller, gradients = strategy.controller, []
    controller.climb = gradients.append
    weights = parameters(controller)
    for _ in range(2):  # the second time shows that nothing is left of the first
        mean = 0
        for choices in ((0, 1), (1, 2), (1, 0)):
            assert "loss" not in strategy.state or choices == (0, 1), "no step before the third"
            strategy.tell(nas.Trial(TWO.architecture(choices), score=reward(choices)))
            score = gradient(log_probability(controller, weights, choices), weights)
            mean = mean + strategy.state["advantage"] * score / 3
        np.testing.assert_allclose(gradients.pop(), mean, rtol=0, atol=1e-12)
        assert not gradients


def test_as_many_are_drawn_in_one_go_as_make_a_step():
    strategy = make(TWO, tells_per_update=4)
    rng = copy.deepcopy(strategy.rng)
    expected = [strategy.controller.write(rng.random((4, 2))).choices.tolist() for _ in range(2)]
    assert [list(strategy.ask().choices) for _ in range(8)] == expected[0] + expected[1]


def test_a_step_throws_away_what_was_drawn_before():
    strategy = make(TWO, tells_per_update=50)
    strategy.ask()  # 49 more are waiting
    strategy.controller.parameters[:] = 0.0
    strategy.controller.b_a[:] = [0, 50, 0, 0, 50]
    before = {strategy.ask().choices for _ in range(40)}
    for _ in range(50):
        strategy.tell(nas.Trial(TWO.architecture((1, 2)), score=0.5))
    assert len(before) > 1
    assert {strategy.ask().choices for _ in range(9)} == {(1, 2)}


def test_where_the_policy_writes_nothing_valid_the_space_draws(monkeypatch):
    monkeypatch.setattr("nasedu.strategies.controller.MAX_REDRAWS", 50)
    strategy = make(CHAIN)
    invalid = next(choices for choices in sequences(CHAIN) if not CHAIN.is_valid(choices))
    write, strategy.controller.write = (
        strategy.controller.write,
        lambda _: strategy.controller.read(np.array([invalid])),
    )
    architecture = strategy.ask()
    strategy.controller.write = write
    assert architecture in CHAIN
    expected = math.log(probability(strategy, architecture.choices))
    assert strategy.state["log_probability"] == pytest.approx(expected)


def test_a_failed_trial_counts_as_the_lowest_reward_so_far():
    strategy = make(TWO)
    strategy.tell(nas.Trial(strategy.ask(), failure="no"))
    assert strategy.state == {}, "nothing to compare with yet"
    for score in (0.4, 0.2, 0.9):
        strategy.tell(nas.Trial(strategy.ask(), score=score))
    strategy.tell(nas.Trial(strategy.ask(), failure="no"))
    assert strategy.state["reward"] == 0.2
