import numpy as np
import pytest

import nasedu as nas
from nasedu.strategies.boltzmann_policy import boltzmann

LAYERS = nas.SearchSpace("layers", [nas.Decision("layers", (1, 2, 3, 4, 5))])
TWO = nas.SearchSpace("two", [nas.Decision("width", (8, 16)), nas.Decision("kernel", (1, 3, 5))])


def layers(architecture):
    return architecture.options["layers"]


def make(space, **settings):
    return nas.strategies.BoltzmannPolicy(space, np.random.default_rng(0), **settings)


def test_the_worked_example():
    """1 to 5 layers that are all equally good, R = 1 − |A|/5, α = 1."""
    strategy = make(LAYERS, alpha=1.0, penalty=1 / 5, size=layers)
    for number, architecture in enumerate(LAYERS):
        strategy.tell(nas.Trial(architecture, accuracy=1.0, number=number))
    assert strategy.policy()[0] == pytest.approx([0.2868, 0.2348, 0.1922, 0.1574, 0.1289], abs=5e-5)
    assert strategy.best.architecture.options == {"layers": 1}


def test_the_worked_example_is_what_a_search_arrives_at():
    strategy = make(LAYERS, alpha=1.0, penalty=1 / 5, size=layers)
    nas.search(strategy, lambda asked: [nas.Trial(a, accuracy=1.0) for a in asked], trials=60).run(progress=False)
    assert strategy.policy()[0] == pytest.approx([0.2868, 0.2348, 0.1922, 0.1574, 0.1289], abs=5e-5)


def test_the_product_is_exact_where_the_reward_is_a_sum_of_one_term_per_decision():
    strategy = make(TWO, alpha=2.0)
    rewards = {}
    for architecture in TWO:
        rewards[architecture] = 0.3 * architecture.choices[0] - 0.1 * architecture.choices[1] ** 2
        strategy.tell(nas.Trial(architecture, score=rewards[architecture]))
    first, second = strategy.policy()
    exact = boltzmann(np.array(list(rewards.values())), 2.0)
    assert np.outer(first, second).ravel() == pytest.approx(exact, abs=1e-12)


def test_where_trials_are_not_balanced_an_option_has_the_merits_of_its_company():
    """The known limit. R = 0.1x + 0.5y, α = 3: exact is P(x=0) = 1 / (1 + e^0.3) = 0.43."""
    space = nas.SearchSpace("two", [nas.Decision("x", (0, 1)), nas.Decision("y", (0, 1))])

    def p(trials):
        strategy = make(space, alpha=3.0)
        for x, y in trials:
            strategy.tell(nas.Trial(space.architecture((x, y)), score=0.1 * x + 0.5 * y))
        return strategy.policy()[0][0]

    assert p([(0, 0), (0, 1), (1, 0), (1, 1)]) == pytest.approx(1 / (1 + np.exp(0.3)))
    assert p([(0, 0), (0, 0), (0, 1), (1, 0), (1, 1), (1, 1), (1, 1)]) == pytest.approx(0.28, abs=0.005)


@pytest.mark.parametrize("settings", [{}, {"exploration": 0.3}], ids=["default", "0.3"])
def test_the_share_of_random_asks_is_the_exploration(settings):
    """n = 4,000 asks after the initial ones, tolerance 4 standard deviations."""
    strategy = make(TWO, initial_asks=0, **settings)
    n, expected = 4_000, settings.get("exploration", 0.1)
    share = 0
    for _ in range(n):
        strategy.ask()
        share += strategy.state["random"] / n
    assert abs(share - expected) < 4 * (expected * (1 - expected) / n) ** 0.5


def test_asks_follow_the_policy():
    """20,000 asks, tolerance 4 standard deviations."""
    strategy = make(TWO, alpha=3.0, exploration=0.0, initial_asks=0)
    for architecture in TWO:
        strategy.tell(nas.Trial(architecture, score=architecture.choices[0] * 0.2 + architecture.choices[1] * 0.1))
    n = 20_000
    asked = [strategy.ask().choices for _ in range(n)]
    for index, policy in enumerate(strategy.policy()):
        for option, p in enumerate(policy):
            share = sum(choices[index] == option for choices in asked) / n
            assert abs(share - p) < 4 * (p * (1 - p) / n) ** 0.5


def test_alpha_is_the_sharpness():
    rewards = np.array([0.1, 0.9, 0.5])
    assert boltzmann(rewards, 0.0) == pytest.approx([1 / 3] * 3)
    assert boltzmann(rewards, 1e9) == pytest.approx([0.0, 1.0, 0.0])
    assert boltzmann(rewards, 2.0)[1] / boltzmann(rewards, 2.0)[2] == pytest.approx(np.exp(2.0 * 0.4))


def test_an_option_that_was_never_tried_is_taken_for_average():
    strategy = make(LAYERS, alpha=1.0)
    strategy.tell(nas.Trial(LAYERS.architecture([0]), score=0.2))
    strategy.tell(nas.Trial(LAYERS.architecture([1]), score=0.6))
    assert strategy.estimates()[0] == pytest.approx([0.2, 0.6, 0.4, 0.4, 0.4])


def test_decisions_that_do_not_matter_learn_nothing():
    space = nas.spaces.Chain(max_depth=2)
    strategy = make(space)
    strategy.tell(nas.Trial(space.parse("pool"), score=1.0))
    tried = [int(counts.sum()) for counts in strategy.counts]
    assert tried == [1, 1, 0, 0, 0, 0, 0, 0, 0]  # the depth and the type of layer 1


def test_the_first_asks_are_random_and_the_best_is_kept():
    strategy = make(TWO, initial_asks=3, exploration=0.0)
    flags = []
    for number, score in enumerate([0.1, 0.7, 0.3, 0.5]):
        architecture = strategy.ask()
        flags.append(strategy.state["random"])
        strategy.tell(nas.Trial(architecture, score=score, number=number))
    assert flags == [True, True, True, False]
    assert strategy.state == {"reward": 0.5, "best": 1}
