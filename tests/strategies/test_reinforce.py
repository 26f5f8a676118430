"""The policy gradient against exact expectations, on spaces small enough to enumerate."""

import itertools
import math

import numpy as np
import pytest
import torch

import nasedu as nas
from nasedu.strategies import Reinforce

TWO = nas.SearchSpace("two", [nas.Decision("width", (8, 16)), nas.Decision("kernel", (1, 3, 5))])
CHAIN = nas.spaces.Chain(max_depth=2, widths=(8, 16), kernels=(1, 3), activations=("relu",))
SPACES = pytest.mark.parametrize("space", [TWO, CHAIN], ids=["two", "chain"])
NEVER = 10**9  # as tells_per_update: gradients add up and no step is taken


def make(space, seed=0, sharpen=5.0, **settings):
    """A controller whose policy is far from uniform: its initial weights times ``sharpen``."""
    strategy = Reinforce(space, np.random.default_rng(seed), **{"hidden_size": 6, "entropy_weight": 0.0, **settings})
    with torch.no_grad():
        for parameter in strategy.controller.parameters:
            parameter *= sharpen
    return strategy


def sequences(space):
    """All that the controller can write, the invalid included."""
    options = [range(len(decision.options)) for decision in space.decisions]
    return sorted({space.pin(choices) for choices in itertools.product(*options)})


def reward(choices):
    return sum((index + 2) * choice for index, choice in enumerate(choices)) % 7 / 7


def log_p(strategy, choices):
    return strategy.controller.log_probability(choices)[0]


def flat(gradients):
    return torch.cat([gradient.flatten() for gradient in gradients])


def told_gradient(strategy, choices, baseline):
    """The ascent direction that tell adds for this architecture: minus the loss's gradient."""
    strategy.baseline, strategy.tells = baseline, 1
    strategy.optimizer.zero_grad()
    strategy.tell(nas.Trial(strategy.space.architecture(choices), score=reward(choices)))
    return -NEVER * flat([parameter.grad for parameter in strategy.controller.parameters])


@SPACES
def test_the_probabilities_of_all_sequences_add_up_to_one(space):
    strategy = make(space)
    total = sum(log_p(strategy, choices).exp().item() for choices in sequences(space))
    assert total == pytest.approx(1, abs=1e-12)
    probabilities = [log_p(strategy, choices).exp().item() for choices in sequences(space)]
    assert max(probabilities) > 3 * min(probabilities), "the policy of these tests must not be uniform"


def test_the_update_is_the_exact_policy_gradient_whatever_the_baseline():
    strategy = make(TWO, tells_per_update=NEVER)
    probabilities = {choices: log_p(strategy, choices).exp() for choices in sequences(TWO)}
    expected_reward = sum(p * reward(choices) for choices, p in probabilities.items())
    exact = flat(torch.autograd.grad(expected_reward, strategy.controller.parameters))
    assert exact.norm() > 1e-3
    for baseline in (0.0, 0.4, -3.0):
        estimate = sum(p.item() * told_gradient(strategy, choices, baseline) for choices, p in probabilities.items())
        torch.testing.assert_close(estimate, exact, rtol=0, atol=1e-11)


def test_where_draws_are_rejected_the_update_is_exact_at_a_baseline_of_the_mean_reward():
    strategy = make(CHAIN, tells_per_update=NEVER)
    valid = [choices for choices in sequences(CHAIN) if CHAIN.is_valid(choices)]
    assert len(valid) < len(sequences(CHAIN))
    probabilities = torch.stack([log_p(strategy, choices).exp() for choices in valid])
    conditional = probabilities / probabilities.sum()
    expected_reward = (conditional * torch.tensor([reward(choices) for choices in valid], dtype=torch.float64)).sum()
    exact = flat(torch.autograd.grad(expected_reward, strategy.controller.parameters, retain_graph=True))

    def estimate(baseline):
        pairs = zip(conditional.tolist(), valid, strict=True)
        return sum(p * told_gradient(strategy, choices, baseline) for p, choices in pairs)

    torch.testing.assert_close(estimate(expected_reward.item()), exact, rtol=0, atol=1e-11)
    grad_log_Z = flat(torch.autograd.grad(probabilities.sum().log(), strategy.controller.parameters))
    assert grad_log_Z.norm() > 1e-3
    for baseline in (0.0, 0.9):  # the known limit: another baseline is off by (E[R] − b) ∇ log Z
        excess = (expected_reward.item() - baseline) * grad_log_Z
        torch.testing.assert_close(estimate(baseline) - exact, excess, rtol=0, atol=1e-11)


@pytest.mark.parametrize("space", [TWO, CHAIN], ids=["two", "chain"])
def test_architectures_are_drawn_as_often_as_their_probability_says(space):
    """5,000 asks, tolerance 4.5 standard deviations for each architecture; invalid ones never."""
    strategy = make(space, hidden_size=4, sharpen=8.0)
    valid = [choices for choices in sequences(space) if space.is_valid(choices)]
    with torch.no_grad():
        p = np.array([log_p(strategy, choices).exp().item() for choices in valid])
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


def test_the_tokens_are_those_of_the_formula():
    """s' = tanh(W_hh s + W_ha a + b_h), a' ~ softmax(W_ah s' + b_a), in numpy."""
    strategy = make(TWO)
    W_hh, W_ha, b_h, W_ah, b_a = (parameter.detach().numpy() for parameter in strategy.controller.parameters)
    choices = strategy.ask().choices
    state, action, at = np.zeros(6), W_ha[5], 0
    for index, count in enumerate((2, 3)):
        state = np.tanh(W_hh @ state + action + b_h)
        logits = (W_ah @ state + b_a)[at : at + count]
        expected = np.exp(logits) / np.exp(logits).sum()
        assert strategy.state["probabilities"][index] == pytest.approx(expected)
        action, at = W_ha[at + choices[index]], at + count


def test_a_trial_at_the_baseline_moves_nothing():
    strategy = make(TWO, tells_per_update=NEVER)
    choices = (1, 2)
    assert told_gradient(strategy, choices, baseline=reward(choices)).norm() == 0
    assert strategy.state["advantage"] == 0


def test_the_baseline_is_a_moving_average_of_the_rewards_before():
    """Their plain mean while 1/n is above 1 − baseline_decay, so the first rewards do not count for too much."""
    strategy = make(TWO, baseline_decay=0.75)
    seen = []
    for score in (1.0, 0.0, 1.0, 3.0, 0.0):
        strategy.tell(nas.Trial(strategy.ask(), score=score))
        seen.append((strategy.state["baseline"], strategy.state["advantage"]))
    assert [baseline for baseline, _ in seen] == pytest.approx([1, 1, 1 / 2, 2 / 3, 5 / 4])
    assert [advantage for _, advantage in seen] == pytest.approx([0, -1, 1 / 2, 7 / 3, -5 / 4])


def test_the_initial_weights_come_from_the_rng():
    first, again, other = (make(TWO, seed=seed).controller.parameters for seed in (0, 0, 1))
    assert torch.equal(flat(first), flat(again))
    assert not torch.equal(flat(first), flat(other))


def test_the_entropy_bonus_pulls_towards_the_uniform_policy():
    strategy = make(TWO, entropy_weight=0.1, learning_rate=0.01)
    strategy.ask()
    before = strategy.state["entropy"]
    for number in range(200):
        strategy.tell(nas.Trial(strategy.ask(), score=0.5, number=number))
    strategy.ask()
    assert before < strategy.state["entropy"] <= math.log(2) + math.log(3) + 1e-9
    assert strategy.state["entropy"] > math.log(6) - 0.01


def test_with_a_single_decision_nothing_moves_at_exp_reward_over_the_entropy_weight():
    """The expected gradient of E[R] + λ H is zero at π ∝ exp(R/λ), and not at the uniform policy."""
    space, weight = nas.SearchSpace("layers", [nas.Decision("layers", (1, 2, 3, 4))]), 0.2
    strategy = make(space, entropy_weight=weight, tells_per_update=NEVER)
    everything = [architecture.choices for architecture in space]
    _, _, _, W_ah, b_a = strategy.controller.parameters

    def expected_gradient(logits):
        with torch.no_grad():
            W_ah.zero_()
            b_a.copy_(torch.tensor(logits, dtype=torch.float64))
            probabilities = [log_p(strategy, choices).exp().item() for choices in everything]
        pairs = zip(probabilities, everything, strict=True)
        return sum(p * told_gradient(strategy, choices, baseline=0.3) for p, choices in pairs)

    at_best = expected_gradient([reward(choices) / weight for choices in everything])
    torch.testing.assert_close(at_best, torch.zeros_like(at_best), rtol=0, atol=1e-11)
    assert expected_gradient([0.0] * 4).norm() > 1e-2


def test_the_best_architecture_becomes_likely():
    strategy = make(TWO, sharpen=1.0, learning_rate=0.01, hidden_size=16)
    assert log_p(strategy, (1, 2)).exp() < 0.3
    for _ in range(300):
        architecture = strategy.ask()
        strategy.tell(nas.Trial(architecture, score=float(architecture.choices == (1, 2))))
    assert log_p(strategy, (1, 2)).exp() > 0.8


def test_several_tells_are_one_step_along_the_mean_gradient():
    """With plain gradient descent in Adam's place a step is the gradient times the learning rate."""
    strategy, rate = make(TWO, tells_per_update=3), 0.1
    parameters = strategy.controller.parameters
    strategy.optimizer = torch.optim.SGD(parameters, lr=rate)
    trials = [nas.Trial(TWO.architecture(c), score=reward(c)) for c in ((0, 1), (1, 2), (1, 0))]
    for _ in range(2):  # the second time shows that nothing is left of the first
        before, gradients = flat(parameters).detach().clone(), []
        for trial in trials:
            assert torch.equal(before, flat(parameters)), "no step before the third"
            log_probability = log_p(strategy, trial.architecture.choices)
            gradient = flat(torch.autograd.grad(log_probability, parameters))
            strategy.tell(trial)
            gradients.append(strategy.state["advantage"] * gradient)
        moved = flat(parameters).detach() - before
        assert moved.norm() > 1e-3
        torch.testing.assert_close(moved, rate * sum(gradients) / 3, rtol=0, atol=1e-12)


def test_where_the_policy_writes_nothing_valid_the_space_draws(monkeypatch):
    monkeypatch.setattr("nasedu.strategies.reinforce.MAX_REDRAWS", 50)
    strategy = make(CHAIN)
    invalid = next(choices for choices in sequences(CHAIN) if not CHAIN.is_valid(choices))
    strategy._draw = lambda index, _: invalid[index]
    architecture = strategy.ask()
    assert architecture in CHAIN
    assert strategy.state["log_probability"] == pytest.approx(log_p(strategy, architecture.choices).item())


def test_a_failed_trial_counts_as_the_lowest_reward_so_far():
    strategy = make(TWO)
    strategy.tell(nas.Trial(strategy.ask(), failure="no"))
    assert strategy.state == {}, "nothing to compare with yet"
    for score in (0.4, 0.2, 0.9):
        strategy.tell(nas.Trial(strategy.ask(), score=score))
    strategy.tell(nas.Trial(strategy.ask(), failure="no"))
    assert strategy.state["reward"] == 0.2


def test_the_number_of_threads_does_not_matter_and_is_left_alone():
    def run(threads):
        torch.set_num_threads(threads)
        strategy = make(nas.spaces.NASBench201(), hidden_size=100)
        asked = []
        for _ in range(40):
            asked.append(strategy.ask())
            strategy.tell(nas.Trial(asked[-1], score=reward(asked[-1].choices)))
        assert torch.get_num_threads() == threads
        return asked

    before = torch.get_num_threads()
    try:
        assert run(1) == run(3)
    finally:
        torch.set_num_threads(before)
