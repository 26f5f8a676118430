import math
from collections import Counter

import numpy as np
import pytest

import nasedu as nas

SPACE = nas.spaces.NASBench201()
SMALL = nas.SearchSpace("small", [nas.Decision("a", (0, 1, 2)), nas.Decision("b", (0, 1, 2, 3))])


def make(space=SPACE, seed=0, **settings):
    return nas.strategies.SimulatedAnnealing(space, np.random.default_rng(seed), **settings)


def score(architecture):
    return sum((3 * index + 1) * choice for index, choice in enumerate(architecture.choices)) % 17 / 16


def run(strategy, trials):
    log = []
    for number in range(trials):
        architecture = strategy.ask()
        asked = strategy.state
        trial = nas.Trial(architecture, score=score(architecture), number=number)
        strategy.tell(trial)
        log.append((trial, asked, strategy.state))
    return log


def begun(temperature, **settings):
    """A strategy whose walk stands at a trial with score 0.5, at this temperature."""
    strategy = make(initial_asks=1, temperature=temperature, **settings)
    strategy.tell(nas.Trial(strategy.ask(), score=0.5, number=0))
    return strategy


@pytest.mark.parametrize(
    ("temperature", "told", "expected"),
    [
        (0.1, 0.6, 1.0),
        (0.1, 0.5, 1.0),
        (0.1, 0.4, math.exp(-1)),
        (0.1, 0.2, math.exp(-3)),
        (1e9, 0.0, 1.0),
        (0.0, 0.5, 1.0),
        (0.0, 0.499, 0.0),
    ],
)
def test_it_goes_down_with_the_probability_of_metropolis(temperature, told, expected):
    """n = 5,000, tolerance 4 standard deviations."""
    strategy, n, gone = begun(temperature), 5_000, 0
    here, there = strategy.current, nas.Trial(SPACE.architecture((1,) * 6), score=told, number=1)
    for _ in range(n):
        strategy.current = here
        assert strategy._consider(there) == pytest.approx(expected)
        gone += strategy.current is there
    assert abs(gone / n - expected) <= 4 * (expected * (1 - expected) / n) ** 0.5 + 1e-6


def test_at_one_temperature_the_walk_is_everywhere_as_often_as_boltzmann_says():
    """π ∝ exp(score / T), as every architecture here has as many neighbours. 40,000 steps of a walk."""
    strategy, temperature = make(SMALL, initial_asks=1, temperature=0.3, half_life=1e9), 0.3
    known = {each: nas.Trial(each, score=score(each)) for each in SMALL}
    strategy.tell(known[SMALL.architecture((0, 0))])
    found, n = Counter(), 40_000
    for _ in range(n):
        strategy._consider(known[SMALL.mutate(strategy.current.architecture, strategy.rng)])
        found[strategy.current.architecture] += 1
    weights = {each: math.exp(trial.score / temperature) for each, trial in known.items()}
    for each, weight in weights.items():
        assert abs(found[each] / n - weight / sum(weights.values())) < 0.015, each


def test_the_temperature_halves_every_half_life_after_the_first_trials():
    strategy = make(initial_asks=4, temperature=0.8, half_life=10)
    told = [state["temperature"] for _, _, state in run(strategy, 34)]
    assert told[:3] == [None] * 3
    assert [told[3], told[13], told[23]] == pytest.approx([0.8, 0.4, 0.2])
    assert told[3:] == pytest.approx([0.8 * 0.5 ** (trial / 10) for trial in range(31)])


def test_the_temperature_is_the_median_distance_of_the_first_scores_from_their_median():
    strategy = make(initial_asks=5)
    for number, value in enumerate((0.90, 0.10, 0.92, 0.95, 0.88)):  # one has learned nothing
        strategy.tell(nas.Trial(strategy.ask(), score=value, number=number))
    assert strategy.state["temperature"] == pytest.approx(0.02)


def test_the_walk_begins_at_the_best_of_the_first_trials():
    strategy = make(initial_asks=5, temperature=1e9)
    for number, value in enumerate((0.3, 0.9, 0.1, 0.5, 0.7)):
        strategy.tell(nas.Trial(strategy.ask(), score=value, number=number))
    assert strategy.state["population"] == [1]
    strategy.ask()
    assert strategy.state["parent"] == 1


def test_hot_it_walks_anywhere_and_cold_it_only_climbs():
    downwards = {}
    for temperature in (1e9, 0.0):
        log = run(make(initial_asks=5, temperature=temperature, half_life=1e9), 300)
        stands = [log[told["population"][0]][0].score for _, _, told in log[5:]]
        downwards[temperature] = np.mean(np.diff(stands) < 0)
    assert downwards[1e9] > 0.3
    assert downwards[0.0] < 0.05, "only where it begins again"


def test_known_neighbours_cost_nothing():
    log = run(make(), 300)
    assert len({trial.architecture for trial, _, _ in log}) == 300
    log = run(make(SMALL), 30)
    assert len({trial.architecture for trial, _, _ in log[:12]}) == SMALL.size == 12, "a small space is seen whole"


def test_the_walk_goes_on_over_known_neighbours():
    strategy = begun(0.0)
    for number, neighbor in enumerate(SPACE.neighbors(strategy.current.architecture), start=1):
        strategy.asked[neighbor] = nas.Trial(neighbor, score=0.9 if number == 7 else 0.1, number=number)
    strategy.ask()
    assert strategy.state["parent"] == 7


def test_frozen_in_it_begins_again_at_a_random_architecture_at_the_first_temperature():
    strategy = begun(0.1, half_life=0.5)
    top = strategy.current.architecture
    for number, neighbor in enumerate(SPACE.neighbors(top), start=1):
        strategy.tell(nas.Trial(neighbor, score=0.1, number=number))
    assert strategy.state["temperature"] < 1e-12
    new = strategy.ask()
    assert strategy.state == {"parent": None, "changed": [], "temperature": 0.1}
    strategy.tell(nas.Trial(new, score=0.2, number=25))
    assert strategy.current.number == 25


def test_a_failed_trial_is_never_gone_to_and_cools_nothing():
    strategy = begun(0.1)
    for number in range(1, 10):
        strategy.tell(nas.Trial(strategy.ask(), failure="no", number=number))
        assert strategy.state == {"probability": 0.0, "temperature": 0.1, "population": [0]}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"initial_asks": 0}, "initial_asks must be at least 1.*got 0"),
        ({"temperature": -1.0}, r"temperature must be at least 0 \(or None\).*got -1.0"),
        ({"half_life": 0.0}, "half_life above 0; got None and 0.0"),
    ],
)
def test_wrong_arguments_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        make(**settings)
