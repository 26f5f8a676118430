"""Dominance, fronts, crowding and hypervolume: by hand, against pymoo, and by laws."""

import math

import numpy as np
import pytest
from pymoo.indicators.hv import HV
from pymoo.operators.survival.rank_and_crowding.metrics import calc_crowding_distance
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

import nasedu as nas
from nasedu.analysis.pareto import _volume, front, hypervolume, hypervolume_curve
from nasedu.objectives import crowding, gains, is_on_front, objective, ranks

SPACE = nas.SearchSpace("numbers", [nas.Decision("n", tuple(range(1000)))])
BOTH = ("accuracy", "parameters")
REFERENCE = {"accuracy": 0.2, "parameters": 900}


def trial(accuracy, parameters, number=None, **further):
    metrics = {"parameters": parameters, **further}
    return nas.Trial(SPACE.architecture((int(parameters) % 1000,)), accuracy, metrics=metrics, number=number)


def drawn(count, rng):
    """Trials with values on a coarse grid, so that many are equal in one objective or in both."""
    return [trial(rng.integers(20) / 20, 100 * int(rng.integers(1, 12))) for _ in range(count)]


def points(count, objectives, seed, grid=None):
    """Gains: all different, or whole numbers with many ties."""
    rng = np.random.default_rng(seed)
    return (
        rng.random((count, objectives)) if grid is None else rng.integers(grid, size=(count, objectives)).astype(float)
    )


CASES = [
    (count, m, seed, grid) for m in (1, 2, 3, 4) for grid in (None, 6) for seed, count in enumerate((1, 2, 17, 60))
]


# What a trial has of an objective --------------------------------------------------------------


def test_every_gain_is_better_when_higher_whatever_the_direction():
    mine = trial(0.75, 1200, flops=10, f1=0.7, own=nas.Metric(3, "kg", "higher"))
    assert gains([mine], ("accuracy", "score", "parameters", "flops", "f1", "own")).tolist() == [
        [0.75, 0.75, -1200, -10, 0.7, 3]
    ]


@pytest.mark.parametrize(
    ("name", "unit", "better"),
    [
        ("f1", "fraction", "higher"),
        ("memory", "bytes", "lower"),
        ("latency", "s", "lower"),
        ("accuracy", "fraction", "higher"),
    ],
)
def test_direction_and_unit_of_an_objective_are_known(name, unit, better):
    mine = trial(0.5, 10, f1=0.5, memory=0.5, latency=0.5)
    assert objective(mine, name) == nas.Metric(0.5, unit, better)


def test_failed_trials_and_unknown_values_have_no_gains():
    failed = nas.Trial(SPACE.architecture((1,)), failure="no", metrics={"parameters": 1})
    found = gains([failed, trial(0.5, 700)], BOTH)
    unknown = nas.Trial(SPACE.architecture((1,)), 0.5, metrics={"parameters": math.nan})
    assert np.isnan(found[0]).all() and found[1].tolist() == [0.5, -700]
    assert np.isnan(gains([unknown], BOTH)).tolist() == [[False, True]]
    assert front([failed, unknown, trial(0.1, 900)], BOTH) == [trial(0.1, 900)]


def test_a_missing_metric_is_named_with_those_there_are():
    with pytest.raises(
        ValueError, match=r"trial 4 has no 'latency' to be an objective; it has score, accuracy, parameters\."
    ):
        gains([trial(0.5, 10, number=4)], ("accuracy", "latency"))
    with pytest.raises(ValueError, match=r"the trial has no 'accuracy' to be an objective; it has score\."):
        gains([nas.Trial(SPACE.architecture((1,)), score=1.0)], ("accuracy",))


@pytest.mark.parametrize(
    ("names", "says"), [("accuracy", "must be names"), ((), "must be names"), (("f1", "f1"), "must all be different")]
)
def test_objectives_are_different_names(names, says):
    with pytest.raises(ValueError, match=says):
        gains([], names)


# Dominance -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "m", "seed", "grid"), CASES)
def test_ranks_are_those_of_pymoo(count, m, seed, grid):
    gained = points(count, m, seed, grid)
    fronts = NonDominatedSorting().do(-gained)
    expected = np.empty(count, dtype=int)
    for rank, members in enumerate(fronts):
        expected[members] = rank
    assert ranks(gained).tolist() == expected.tolist()


@pytest.mark.parametrize(("count", "m", "seed", "grid"), CASES)
def test_the_front_is_what_no_row_dominates(count, m, seed, grid):
    gained = points(count, m, seed, grid)
    slow = [not any((other >= row).all() and (other > row).any() for other in gained) for row in gained]
    assert is_on_front(gained).tolist() == slow


@pytest.mark.parametrize(("count", "m", "seed"), [(30, 2, 0), (30, 3, 1), (3, 2, 2), (50, 4, 3)])
def test_crowding_is_that_of_pymoo_but_for_a_mean_over_the_objectives(count, m, seed):
    gained = points(count, m, seed)
    expected = calc_crowding_distance(-gained)
    ours = crowding(gained)
    assert np.isinf(ours).tolist() == np.isinf(expected).tolist()
    inside = np.isfinite(ours)
    np.testing.assert_allclose(ours[inside] / m, expected[inside])


def test_crowding_of_one_and_of_equal_ones_is_nothing():
    assert crowding(np.array([[0.5, 3.0]])).tolist() == [0.0]
    assert crowding(np.array([[0.5, 3.0]] * 4)).tolist() == [0.0] * 4


def test_a_front_has_all_equal_trials_the_best_in_the_first_objective_first():
    given = [trial(0.7, 200), trial(0.9, 500), trial(0.8, 500), trial(0.9, 500), trial(0.7, 300)]
    assert [(each.accuracy, each.metrics["parameters"].value) for each in front(given, BOTH)] == [
        (0.9, 500), (0.9, 500), (0.7, 200)
    ]  # fmt: skip


# Hypervolume -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "m", "seed", "grid"), CASES)
def test_the_volume_is_that_of_pymoo(count, m, seed, grid):
    edges = 0.1 + points(count, m, seed, grid)
    assert _volume(edges[is_on_front(edges)]) == pytest.approx(HV(ref_point=np.zeros(m))(-edges), rel=1e-9)


def test_the_hypervolume_of_two_trials_by_hand():
    """0.8 × 400 and 0.5 × 700, of which 0.5 × 400 twice; what is not better than the reference adds nothing."""
    given = [trial(1.0, 500), trial(0.7, 200), trial(0.6, 600), trial(0.9, 900), trial(0.2, 1)]
    assert hypervolume(given, REFERENCE) == pytest.approx(0.8 * 400 + 0.5 * 700 - 0.5 * 400)


def test_the_hypervolume_does_not_depend_on_the_order_of_trials_or_objectives():
    rng = np.random.default_rng(0)
    given = drawn(40, rng)
    expected = hypervolume(given, REFERENCE)
    assert expected > 0
    assert hypervolume([given[index] for index in rng.permutation(40)], REFERENCE) == pytest.approx(expected)
    assert hypervolume(given, dict(reversed(REFERENCE.items()))) == pytest.approx(expected)


def test_nothing_is_covered_without_a_trial_that_succeeded():
    failed = nas.Trial(SPACE.architecture((1,)), failure="no")
    assert hypervolume([], REFERENCE) == hypervolume([failed], REFERENCE) == 0.0
    assert hypervolume_curve([failed, trial(0.7, 800)], REFERENCE).tolist() == [0.0, pytest.approx(50.0)]


@pytest.mark.parametrize("seed", range(5))
def test_the_curve_is_the_hypervolume_of_every_beginning(seed):
    given = drawn(60, np.random.default_rng(seed))
    curve = hypervolume_curve(given, REFERENCE)
    np.testing.assert_allclose(curve, [hypervolume(given[: n + 1], REFERENCE) for n in range(60)])
    assert (np.diff(curve) >= 0).all()


def test_the_front_of_a_whole_table_is_found_in_a_moment_and_is_known():
    """The best accuracy and the smallest network are its ends."""
    table = nas.tables.load("nasbench201-mnist1d")
    trials = table(table.architectures)
    found = front(trials, BOTH)
    sizes = [each.metrics["parameters"].value for each in found]
    assert found[0].accuracy == table.accuracies().max()
    assert sizes[-1] == min(each.metrics["parameters"].value for each in trials)
    assert sizes == sorted(sizes, reverse=True)
