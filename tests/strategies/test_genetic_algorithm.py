from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

import nasedu as nas

SPACE = nas.spaces.NASBench201()
CHAIN = nas.spaces.Chain()


def score(architecture):
    return sum((3 * index + 1) * choice for index, choice in enumerate(architecture.choices)) % 17 / 16


def make(space=SPACE, seed=0, **settings):
    return nas.strategies.GeneticAlgorithm(space, np.random.default_rng(seed), **settings)


def run(strategy, trials):
    """Ask and tell; return every trial with the states of its ask and tell."""
    log = []
    for number in range(trials):
        architecture = strategy.ask()
        asked = strategy.state
        trial = nas.Trial(architecture, score=score(architecture), number=number)
        strategy.tell(trial)
        log.append((trial, asked, strategy.state))
    return log


def test_the_elites_survive_and_the_best_never_gets_worse():
    log = run(make(population_size=8, elites=3), 300)
    scores = [trial.score for trial, _, _ in log]
    populations = [told["population"] for _, _, told in log if "population" in told]
    assert len(populations) == 1 + (300 - 8) // (8 - 3)
    for before, after in pairwise(populations):
        elite = sorted(before, key=lambda number: -scores[number])[:3]
        assert after[:3] == elite
        assert max(scores[number] for number in after) >= max(scores[number] for number in before)


def test_a_generation_costs_only_its_children_and_nothing_is_evaluated_twice():
    strategy = make(population_size=10, elites=2)
    log = run(strategy, 10 + 8 * 30)
    assert strategy.generation == 31
    assert len({trial.architecture for trial, _, _ in log}) == len(log)


def test_without_elites_the_children_replace_everybody():
    log = run(make(population_size=5, elites=0), 20)
    assert [told["population"] for _, _, told in log if "population" in told] == [
        list(range(start, start + 5)) for start in (0, 5, 10, 15)
    ]


def test_better_members_are_parents_more_often():
    """A tournament of k draws: P(rank r) = ((N−r+1)^k − (N−r)^k) / N^k. n parents, 4 standard deviations."""
    N, k = 6, 3
    strategy = make(population_size=N, sample_size=k)
    for number in range(N):
        strategy.tell(nas.Trial(strategy.ask(), score=number / N, number=number))
    found, n = Counter(), 20_000
    for _ in range(n // 2):
        strategy.child()
        found.update(strategy.state["parents"])
    for rank in range(1, N + 1):
        expected = ((N - rank + 1) ** k - (N - rank) ** k) / N**k
        assert abs(found[N - rank] / n - expected) < 4 * (expected * (1 - expected) / n) ** 0.5, rank


@pytest.mark.parametrize("space", [SPACE, CHAIN], ids=["nasbench201", "chain"])
def test_a_child_is_its_parents_joined_at_the_cut_but_for_the_mutated_decisions(space):
    """What a mutation switches off is pinned, and no longer among the mutated."""
    log = run(make(space, population_size=8, mutation_rate=0.3), 300)
    cuts = set()
    for trial, asked, _ in log[8:]:
        first, second = (log[number][0].architecture.choices for number in asked["parents"])
        joined = space.crossed(first, second, asked["cut"])
        genes = zip(trial.architecture.choices, joined, space.active(trial.architecture.choices), strict=True)
        assert [index for index, (a, b, on) in enumerate(genes) if on and a != b] == asked["mutated"]
        cuts.add(asked["cut"])
    assert cuts >= {1, 2, 3, 4, 5}


class Swap(nas.SearchSpace):
    """A space with a crossover of its own: the child takes turns."""

    def crossover(self, first, second, rng):
        return self.architecture([(first, second)[index % 2].choices[index] for index in range(4)])


def test_crossover_is_the_spaces_own():
    space = Swap("swap", [nas.Decision(f"d{index}", (0, 1, 2)) for index in range(4)])
    log = run(make(space, population_size=6, mutation_rate=0.0), 30)
    cuts = set()
    for trial, asked, _ in log[6:]:
        first, second = (log[number][0].architecture for number in asked["parents"])
        assert trial.architecture == space.crossover(first, second, None)
        cuts.add(asked["cut"])
    assert None in cuts, "no cut of the parents gives such a child"


@pytest.mark.parametrize(("rate", "expected"), [(0.0, 0.0), (0.1, 0.1), (1.0, 1.0), (None, 1 / 6)])
def test_each_decision_mutates_at_the_given_rate(rate, expected):
    """n = 12,000 decisions, tolerance 4 standard deviations; by default one of the six on average."""
    strategy = make(mutation_rate=rate)
    n = 2_000
    mutated = sum(choice > 0 for _ in range(n) for choice in strategy.mutated((0,) * 6))
    assert abs(mutated / (6 * n) - expected) <= 4 * (expected * (1 - expected) / (6 * n)) ** 0.5


def test_a_layer_that_a_mutation_adds_has_any_type_and_size():
    """n = 4,000 mutations of a chain of one layer; decisions of layer 2 are uniform where active, 4.5 deviations."""
    strategy, start = make(CHAIN, mutation_rate=0.5), CHAIN.parse("pool").choices
    drawn = [strategy.mutated(start) for _ in range(4_000)]
    for index, decision in enumerate(CHAIN.decisions):
        if "layer 2" not in decision.name:
            continue
        values = [choices[index] for choices in drawn if CHAIN.active(choices)[index]]
        n, p = len(values), 1 / len(decision.options)
        found = np.bincount(values, minlength=len(decision.options)) / n
        assert n > 200 and (abs(found - p) <= 4.5 * (p * (1 - p) / n) ** 0.5).all(), decision


def test_asks_beyond_the_end_of_a_generation_have_the_last_complete_one_as_parents():
    strategy = make(population_size=4, elites=1)
    run(strategy, 4)
    waiting = [(strategy.ask(), strategy.state) for _ in range(10)]  # a generation has 3 children
    assert all(set(asked["parents"]) <= {0, 1, 2, 3} for _, asked in waiting)
    for number, (architecture, _) in enumerate(waiting, start=4):
        strategy.tell(nas.Trial(architecture, score=0.5, number=number))
    assert (strategy.generation, len(strategy.children)) == (4, 1)


def test_a_space_that_is_used_up_is_evaluated_again_rather_than_never():
    space = nas.SearchSpace("tiny", [nas.Decision("width", (8, 16, 32))])
    log = run(make(space, population_size=2, sample_size=2, elites=1), 12)
    assert {trial.architecture for trial, _, _ in log} == set(space)


@pytest.mark.parametrize(("population_size", "elites"), [(20, 5), (6, 1), (3, 0)])
def test_a_quarter_of_the_population_are_elites_unless_something_else_is_said(population_size, elites):
    log = run(make(population_size=population_size), 2 * population_size - elites)
    scores = [trial.score for trial, _, _ in log]
    assert log[-1][1]["elite"] == sorted(range(population_size), key=lambda number: -scores[number])[:elites]
    assert "population" in log[-1][2], "the last trial completes the second generation"
