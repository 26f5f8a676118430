from collections import Counter

import numpy as np
import pytest
from pymoo.core.individual import Individual
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.operators.survival.rank_and_crowding import RankAndCrowding

import nasedu as nas
from nasedu.analysis.pareto import front

BITS = 12
SPACE = nas.SearchSpace("bits", [nas.Decision(f"bit {index}", (0, 1)) for index in range(BITS)])
BOTH = ("accuracy", "parameters")


def leading_ones(choices):
    return next((index for index, bit in enumerate(choices) if not bit), len(choices))


def conflict(architectures):
    """Ones at the beginning are accurate, and ones up to the end are large: 13 compromises are the best there are."""
    return [
        nas.Trial(a, leading_ones(a.choices) / BITS, metrics={"parameters": max([0, *np.flatnonzero(a.choices) + 1])})
        for a in architectures
    ]


def make(space=SPACE, seed=0, **settings):
    return nas.strategies.NSGA2(space, np.random.default_rng(seed), **{"objectives": BOTH, **settings})


def tell_values(strategy, values, first=0):
    """Tell trials that have these values, [trials, (accuracy, parameters)], whatever their architectures are."""
    rng = np.random.default_rng(first)
    for number, (accuracy, parameters) in enumerate(values, start=first):
        metrics = {"parameters": parameters}
        strategy.tell(nas.Trial(SPACE.sample(rng), accuracy, metrics=metrics, number=number))


def numbers(strategy):
    return [trial.number for trial in strategy.population]


@pytest.mark.parametrize("seed", range(10))
def test_the_survivors_are_those_of_pymoo(seed):
    """Parents and children, ranked and crowded together. pymoo's crowding is the mean over the objectives.

    Where only one end of a front survives, pymoo chooses it by chance; so ranks and crowding are compared, not names.
    """
    N = 12
    values = np.random.default_rng(seed).random((2 * N, 2))
    strategy = make(population_size=N)
    tell_values(strategy, values)
    everybody = Population.create(*[Individual(F=np.array([-accuracy, size])) for accuracy, size in values])
    survivors = RankAndCrowding().do(Problem(), everybody, n_survive=N)
    expected = sorted((each.get("rank"), each.get("crowding")) for each in survivors)
    assert strategy.generation == 2
    ours = sorted((rank, crowding / 2) for rank, crowding in zip(strategy.ranks, strategy.crowding, strict=True))
    assert [rank for rank, _ in ours] == [rank for rank, _ in expected]
    assert [crowding for _, crowding in ours] == pytest.approx([crowding for _, crowding in expected])


def test_the_population_is_in_the_order_of_rank_and_then_crowding_and_the_state_says_so():
    strategy = make(population_size=8)
    tell_values(strategy, np.random.default_rng(3).random((8, 2)))
    keys = list(zip(strategy.ranks, [-each for each in strategy.crowding], strict=True))
    assert keys == sorted(keys) and len(set(strategy.ranks)) > 1
    assert strategy.state["population"] == numbers(strategy)
    assert strategy.state["ranks"] == strategy.ranks
    assert [None if np.isinf(each) else each for each in strategy.crowding] == strategy.state["crowding"]


def test_a_tournament_prefers_the_lower_rank_and_then_the_less_crowded():
    """Of two draws from P, place r wins with probability ((P − r + 1)² − (P − r)²) / P²; 4 standard deviations."""
    P, n = 5, 20_000
    strategy = make(population_size=P)
    tell_values(strategy, [(0.9, 50), (0.8, 30), (0.6, 12), (0.5, 10), (0.4, 40)])
    assert numbers(strategy)[2:] == [1, 2, 4], "between the two ends the less crowded first; the dominated one last"
    strategy.crowding[0] = 1e300  # the ends are equal; now they are not
    strategy.crowding[0], strategy.crowding[1] = np.inf, 1e300
    found = Counter(strategy._winner().number for _ in range(n))
    for r, number in enumerate(numbers(strategy), start=1):
        expected = ((P - r + 1) ** 2 - (P - r) ** 2) / P**2
        assert abs(found[number] / n - expected) < 4 * (expected * (1 - expected) / n) ** 0.5, r


@pytest.mark.parametrize("seed", range(5))
def test_it_finds_far_more_compromises_than_random_search(seed):
    """Random search has an architecture with k leading ones and nothing after them with probability 2⁻¹²."""
    found = {}
    for name in ("NSGA2", "RandomSearch"):
        rng = np.random.default_rng(seed)
        strategy = make(seed=seed) if name == "NSGA2" else nas.strategies.RandomSearch(SPACE, rng)
        done = nas.search(strategy, conflict, 400).run(progress=False).trials
        best = {(each.accuracy, each.metrics["parameters"].value) for each in front(done, BOTH)}
        found[name] = len(best & {(k / BITS, k) for k in range(BITS + 1)})
    assert found["NSGA2"] >= 9 and found["RandomSearch"] <= 4, found


def test_the_ends_of_the_front_never_get_worse():
    strategy, best = make(population_size=6), []
    for number in range(120):
        (trial,) = conflict([strategy.ask()])
        strategy.tell(nas.Trial(trial.architecture, trial.accuracy, metrics=trial.metrics, number=number))
        if "population" in strategy.state:
            sizes = [member.metrics["parameters"].value for member in strategy.population]
            best.append((max(member.accuracy for member in strategy.population), -min(sizes)))
    assert len(best) == 20
    for column in zip(*best, strict=True):
        assert list(column) == sorted(column)


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_it_follows_the_direction_of_the_metric(better):
    def ones(architectures):
        return [
            nas.Trial(a, score=0.0, metrics={"ones": nas.Metric(sum(a.choices), "", better)}) for a in architectures
        ]

    strategy = make(objectives=("ones",))
    nas.search(strategy, ones, 300).run(progress=False)
    assert sum(strategy.population[0].architecture.choices) == (BITS if better == "higher" else 0)


def test_with_one_objective_the_best_of_parents_and_children_survive():
    strategy = make(population_size=4, objectives=("accuracy",))
    values = np.random.default_rng(0).random(20)
    tell_values(strategy, [(value, 1) for value in values])
    assert sorted(numbers(strategy)) == sorted(np.argsort(-values)[:4].tolist())


def test_trials_that_failed_or_lack_a_value_count_for_the_generation_but_never_enter():
    strategy = make(population_size=4)
    architecture = SPACE.architecture((0,) * BITS)
    strategy.tell(nas.Trial(architecture, failure="no", number=0))
    strategy.tell(nas.Trial(architecture, 0.5, metrics={"parameters": float("nan")}, number=1))
    tell_values(strategy, [(0.5, 1), (0.6, 2)], first=2)
    assert strategy.generation == 1
    assert sorted(numbers(strategy)) == [2, 3]
    for number in range(4, 8):
        strategy.tell(nas.Trial(architecture, failure="no", number=number))
    assert (strategy.generation, sorted(numbers(strategy))) == (2, [2, 3]), "a generation that failed changes nothing"


def test_of_equals_only_the_oldest_is_a_member():
    strategy = make(population_size=5)
    tell_values(strategy, [(0.5, 5), (0.6, 6), (0.5, 5), (0.6, 6), (0.4, 6)])
    assert sorted(numbers(strategy)) == [0, 1, 4]
    tell_values(strategy, [(0.6, 6), (0.7, 7), (0.4, 6), (0.3, 3), (0.2, 2)], first=5)
    assert sorted(numbers(strategy)) == [0, 1, 6, 8, 9]


def test_a_trial_without_the_objective_is_an_error_that_names_what_it_has():
    with pytest.raises(ValueError, match=r"trial 7 has no 'parameters' .* it has score, accuracy\."):
        make().tell(nas.Trial(SPACE.architecture((0,) * BITS), 0.5, number=7))


def test_nothing_is_evaluated_twice_until_everything_is():
    space = nas.SearchSpace("few", [nas.Decision("a", (0, 1, 2, 3, 4)), nas.Decision("b", (0, 1, 2, 3, 4))])
    done = nas.search(make(space, objectives=("score",), population_size=4), nearly_flat, 40).run(progress=False).trials
    asked = [trial.architecture for trial in done]
    assert len(set(asked[:20])) == 20
    assert set(asked) == set(space)


def nearly_flat(architectures):
    return [nas.Trial(a, score=0.01 * sum(a.choices)) for a in architectures]


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_child_has_two_parents_at_the_crossover_rate(rate):
    strategy = make(population_size=6, crossover_rate=rate)
    tell_values(strategy, np.random.default_rng(0).random((6, 2)))
    parents = []
    for _ in range(50):
        strategy.ask()
        parents.append(len(strategy.state["parents"]))
    assert set(parents) == ({2} if rate else {1})


def test_without_crossover_a_child_differs_from_its_parent_in_as_many_decisions_as_the_rate_says():
    """n = 2,000 children of 12 decisions, m = 0.25; tolerance 4 standard deviations."""
    strategy = make(population_size=2, crossover_rate=0.0, mutation_rate=0.25)
    tell_values(strategy, [(0.5, 5), (0.6, 6)])
    parents = {member.number: member.architecture.choices for member in strategy.population}
    n, changed = 2_000, 0
    for _ in range(n):
        child = strategy.child().choices
        (parent,) = strategy.state["parents"]
        changed += sum(mine != theirs for mine, theirs in zip(child, parents[parent], strict=True))
    assert abs(changed / (BITS * n) - 0.25) < 4 * (0.25 * 0.75 / (BITS * n)) ** 0.5


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"objectives": "accuracy"}, r"objectives must be names, such as .*; got 'accuracy'"),
        ({"objectives": ()}, "objectives must be names"),
        ({"population_size": 1}, "population_size must be a whole number, at least 2; got 1"),
        ({"population_size": 2.5}, "population_size must be a whole number, at least 2; got 2.5"),
        ({"crossover_rate": 1.5}, r"^crossover_rate must lie in \[0, 1\]; got 1.5"),
        ({"mutation_rate": -0.1}, r"^mutation_rate must lie in \[0, 1\]; got -0.1"),
    ],
)
def test_wrong_settings_say_what_must_hold(settings, says):
    with pytest.raises(ValueError, match=says):
        make(**settings)
