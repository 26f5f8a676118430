import dataclasses
from collections import Counter

import numpy as np
import pytest

import nasedu as nas

SPACE = nas.spaces.NASBench201()


def filled(population_size, sample_size, scores):
    """A strategy whose queue holds trials with these scores, the oldest first."""
    rng = np.random.default_rng(0)
    settings = {"population_size": population_size, "sample_size": sample_size}
    strategy = nas.strategies.RegularizedEvolution(SPACE, rng, **settings)
    for number, score in enumerate(scores):
        strategy.tell(nas.Trial(strategy.ask(), score=score, number=number))
    return strategy


def test_the_parent_has_each_rank_as_often_as_draws_with_replacement_make_it():
    """P(rank r) = ((P−r+1)^S − (P−r)^S) / P^S. 20,000 tournaments, tolerance 4 standard deviations."""
    P, size, n = 5, 3, 20_000
    strategy = filled(P, size, [0.3, 0.1, 0.5, 0.2, 0.4])
    best_first = [2, 4, 0, 3, 1]
    found = Counter()
    for _ in range(n):
        strategy.asked.clear()  # what was asked for before would be thrown away
        strategy.ask()
        found[strategy.state["parent"]] += 1
    for rank, number in enumerate(best_first, start=1):
        expected = ((P - rank + 1) ** size - (P - rank) ** size) / P**size
        assert abs(found[number] / n - expected) < 4 * (expected * (1 - expected) / n) ** 0.5, rank


def test_the_parent_is_the_best_of_the_draws():
    scores = [0.3, 0.1, 0.5, 0.2, 0.4]
    strategy = filled(5, 2, scores)
    for _ in range(100):
        strategy.asked.clear()
        strategy.ask()
        assert len(strategy.state["draws"]) == 2
        assert scores[strategy.state["parent"]] == max(scores[number] for number in strategy.state["draws"])


def test_the_oldest_leaves_and_not_the_worst():
    strategy = filled(3, 2, [0.9, 0.1, 0.5])
    strategy.tell(nas.Trial(strategy.ask(), score=0.2, number=3))
    assert strategy.state == {"entered": 3, "left": 0}
    assert [trial.number for trial in strategy.population] == [1, 2, 3]
    strategy.tell(nas.Trial(strategy.ask(), score=0.0, number=4))
    assert strategy.state == {"entered": 4, "left": 1}


def test_nobody_leaves_before_the_queue_is_full():
    strategy = filled(3, 2, [0.9, 0.1])
    assert strategy.state == {"entered": 1, "left": None}


def test_a_child_differs_from_its_parent_in_exactly_one_decision():
    strategy = filled(10, 3, np.linspace(0, 1, 10))
    by_number = {trial.number: trial.architecture for trial in strategy.population}
    changed = Counter()
    for _ in range(200):
        child, state = strategy.ask(), strategy.state
        pairs = zip(child.choices, by_number[state["parent"]].choices, strict=True)
        assert [index for index, (new, old) in enumerate(pairs) if new != old] == state["changed"]
        assert len(state["changed"]) == 1
        changed.update(state["changed"])
    assert set(changed) == set(range(6)), "every decision is mutated some time"


def test_the_first_asks_are_random_and_then_there_is_a_parent():
    strategy = filled(4, 2, [0.1, 0.2, 0.3])
    strategy.ask()
    assert strategy.state == {"parent": None, "draws": [], "changed": []}
    strategy.ask()
    assert strategy.state["parent"] in (0, 1, 2)


def test_a_failed_trial_is_parent_only_of_a_sample_that_all_failed():
    strategy = filled(4, 2, [0.1, 0.2, 0.3])
    strategy.tell(dataclasses.replace(nas.Trial(strategy.ask(), failure="no"), number=3))
    for _ in range(200):
        strategy.asked.clear()
        strategy.ask()
        assert strategy.state["parent"] != 3 or strategy.state["draws"] == [3, 3]


def test_nothing_is_asked_for_twice_as_long_as_there_is_something_else():
    space = nas.SearchSpace("small", [nas.Decision(f"d{index}", (0, 1, 2, 3)) for index in range(3)])
    strategy = nas.strategies.RegularizedEvolution(space, np.random.default_rng(0), population_size=4, sample_size=2)
    asked = []
    for number in range(space.size):
        asked.append(strategy.ask())
        strategy.tell(nas.Trial(asked[-1], score=sum(asked[-1].choices), number=number))
    assert len(set(asked[:40])) == 40, "a population of four has up to 36 neighbours"
    assert len(set(asked)) >= 50
    assert strategy.ask() in space, "a space that is used up is asked for again"


@pytest.mark.parametrize(("population_size", "expected"), [(20, 10), (5, 2), (1, 1)])
def test_half_of_the_population_is_drawn_unless_something_else_is_said(population_size, expected):
    strategy = nas.strategies.RegularizedEvolution(SPACE, np.random.default_rng(0), population_size=population_size)
    for number in range(population_size):
        strategy.tell(nas.Trial(strategy.ask(), score=0.5, number=number))
    strategy.ask()
    assert len(strategy.state["draws"]) == expected
