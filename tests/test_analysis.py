"""Analysis: against brute force, against scipy, and against numbers that were published."""

import itertools
import subprocess
import sys

import numpy as np
import pandas
import pytest
from hypothesis import given, settings, strategies
from scipy import integrate, stats

import nasedu as nas
from nasedu import analysis

# The best of n ---------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [[0.3, 0.1, 0.9, 0.5], [0.2, 0.7, 0.7, 0.1], [0.4, 0.4, 0.4]])
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_expected_best_is_the_mean_over_all_draws(values, n):
    judged = np.arange(len(values)) ** 2.0
    worth = []
    for draw in itertools.product(range(len(values)), repeat=n):
        best = max(draw, key=lambda index: values[index])  # the first on a tie, as an incumbent is
        worth.append(judged[best])
    assert analysis.expected_best(values, n, judged) == pytest.approx(np.mean(worth))


def test_the_expected_best_takes_many_numbers_of_draws_at_once():
    values = np.random.default_rng(0).random(50)
    one_by_one = [[float(analysis.expected_best(values, n)) for n in row] for row in ([1, 2, 5], [10, 100, 10_000])]
    np.testing.assert_allclose(analysis.expected_best(values, [[1, 2, 5], [10, 100, 10_000]]), one_by_one)
    assert one_by_one[0][0] == pytest.approx(values.mean())
    assert one_by_one[1][2] == pytest.approx(values.max())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 1), "at least 1; got shapes"),
        (([0.1, 0.2], 1, [0.1]), r"same length.*\(2,\), \(1,\)"),
        (([0.1, np.nan], 1), "must be numbers; got nan"),
        (([0.1, 0.2], 0), "n must be at least 1; got 0.0"),
    ],
)
def test_what_has_no_expected_best_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        analysis.expected_best(*arguments)


@pytest.mark.parametrize("n", [1, 2, 7, 200, 15_625])
def test_the_expected_maximum_is_the_integral(n):
    def weight(x):
        return n * x * stats.norm.pdf(x) * stats.norm.cdf(x) ** (n - 1)

    assert analysis.expected_maximum(n) == pytest.approx(integrate.quad(weight, -10, 10, limit=200)[0], abs=1e-8)


def test_the_expected_maximum_of_two_and_three_is_known_exactly():
    np.testing.assert_allclose(
        analysis.expected_maximum([2, 3]), [1 / np.sqrt(np.pi), 1.5 / np.sqrt(np.pi)], atol=1e-12
    )


# Who is better ---------------------------------------------------------------------------------

DEMSAR = {  # AUC of four variants of C4.5 on 14 data sets: Demšar, JMLR 7, 2006, Table 6; 0.9751 as it ranks that 0.975
    "C4.5": [0.763, 0.599, 0.954, 0.628, 0.882, 0.936, 0.661, 0.583, 0.775, 1, 0.940, 0.619, 0.972, 0.957],
    "C4.5+m": [0.768, 0.591, 0.971, 0.661, 0.888, 0.931, 0.668, 0.583, 0.838, 1, 0.962, 0.666, 0.981, 0.978],
    "C4.5+cf": [0.771, 0.590, 0.968, 0.654, 0.886, 0.916, 0.609, 0.563, 0.866, 1, 0.965, 0.614, 0.9751, 0.946],
    "C4.5+m+cf": [0.798, 0.569, 0.967, 0.657, 0.898, 0.931, 0.685, 0.625, 0.875, 1, 0.962, 0.669, 0.975, 0.970],
}


def test_ranks_and_critical_difference_are_those_of_the_papers_example():
    found = analysis.critical_difference(DEMSAR)
    assert {name: round(rank, 3) for name, rank in found.ranks.items()} == {
        "C4.5+m+cf": 1.964, "C4.5+m": 2.0, "C4.5+cf": 2.893, "C4.5": 3.143,
    }  # fmt: skip
    assert list(found.ranks) == sorted(found.ranks, key=found.ranks.get), "the best is the first"
    assert found.difference == pytest.approx(1.25, abs=0.005)
    assert analysis.critical_difference(DEMSAR, alpha=0.1).difference == pytest.approx(1.12, abs=0.005)
    assert found.groups == (("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"),)
    assert found.seeds == 14
    assert found.p == pytest.approx(stats.friedmanchisquare(*DEMSAR.values()).pvalue)


def test_groups_are_as_large_as_they_can_be_and_none_lies_in_another():
    shifts = dict(zip("abcde", (0.0, 0.3, 0.6, 1.2, 9.0), strict=True))
    rng = np.random.default_rng(0)
    values = {name: -shift + rng.normal(size=30) for name, shift in shifts.items()}
    found = analysis.critical_difference(values)
    names, ranks = list(found.ranks), np.array(list(found.ranks.values()))
    alike = np.abs(ranks[:, None] - ranks) < found.difference
    together = np.array([[any({a, b} <= set(group) for group in found.groups) for b in names] for a in names])
    np.testing.assert_array_equal(together | np.eye(5, dtype=bool), alike)
    assert len(found.groups) > 1
    assert not any(set(a) <= set(b) for a, b in itertools.permutations(found.groups, 2))
    assert not any("e" in group for group in found.groups)


def test_two_strategies_have_friedmans_test_too_and_equal_ones_no_difference():
    first, second = np.array([1, 2, 3, 4, 5.0]), np.array([0, 1, 2, 3, 5.0])
    ranks = stats.rankdata(-np.stack([first, second], axis=1), axis=1)
    ties = 2**3 - 2  # of the last seed
    statistic = 12 / (5 * 2 * 3) * (ranks.sum(axis=0) ** 2).sum() - 3 * 5 * 3
    corrected = statistic / (1 - ties / (5 * 2 * (2**2 - 1)))
    found = analysis.critical_difference({"a": first, "b": second})
    assert found.p == pytest.approx(stats.chi2.sf(corrected, 1))
    same = analysis.critical_difference({"a": first, "b": first, "c": first})
    assert same.p == 1 and same.ranks == {"a": 2, "b": 2, "c": 2} and same.groups == (("a", "b", "c"),)


def test_pairs_are_compared_by_wilcoxons_test_and_holms_correction():
    rng = np.random.default_rng(1)
    values = {"worse": rng.normal(0, 1, 25), "good": rng.normal(1, 1, 25), "best": rng.normal(1.2, 1, 25)}
    frame = analysis.compare(values, np.random.default_rng(0))
    assert list(zip(frame["first"], frame["second"], strict=True)) == list(itertools.combinations(values, 2))
    for row in frame.itertuples():
        a, b = values[row.first], values[row.second]
        assert row.difference == pytest.approx((a - b).mean())
        assert row.ahead == (a > b).mean()
        assert row.p == pytest.approx(stats.wilcoxon(a, b).pvalue)
        assert row.low < row.difference < row.high
    alone = analysis.compare(values, np.random.default_rng(0), control="worse")
    assert list(zip(alone["first"], alone["second"], strict=True)) == [("good", "worse"), ("best", "worse")]
    assert (alone["difference"] > 0).all()
    assert (alone["p_holm"].to_numpy() <= frame["p_holm"].to_numpy()[:2]).all(), "fewer questions, a smaller price"


def test_equal_differences_are_ties_whatever_subtraction_makes_of_them():
    rng = np.random.default_rng(3)
    right, wrong = rng.integers(3880, 3900, size=(2, 30))  # of 4,000 images
    (row,) = analysis.compare({"a": right / 4000, "b": wrong / 4000}, rng).itertuples()
    assert row.p == stats.wilcoxon(right - wrong, zero_method="pratt").pvalue
    assert len(np.unique(right - wrong)) < len(np.unique(right / 4000 - wrong / 4000)), "subtraction makes something"


def test_the_interval_holds_the_true_difference_as_often_as_it_says():
    """95 % of 400 intervals of 30 seeds: 380 ± 4.4; the bootstrap's percentiles are a little narrow."""
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(400):
        gap = rng.exponential(1.0, 30)  # skewed, with mean 1
        (row,) = analysis.compare({"a": gap, "b": np.zeros(30)}, rng).itertuples()
        inside += row.low <= 1 <= row.high
    assert 350 <= inside <= 390


def test_where_all_is_equal_there_is_no_difference():
    (row,) = analysis.compare({"a": [0.5] * 4, "b": [0.5] * 4}, np.random.default_rng(0)).itertuples()
    assert (row.difference, row.low, row.high, row.ahead, row.p, row.p_holm) == (0, 0, 0, 0.5, 1, 1)


@pytest.mark.parametrize("p", [[0.01, 0.04, 0.03, 0.005], [0.5, 0.5], [0.02]])
def test_holms_correction_is_the_step_down_rule(p):
    """At every level it rejects what stepping through the ascending p-values rejects."""
    corrected = analysis.holm(p)
    for level in (0.005, 0.01, 0.02, 0.03, 0.045, 0.07, 0.2, 0.6, 1.0):
        rejected = set()
        for done, index in enumerate(np.argsort(p)):
            if p[index] * (len(p) - done) > level:
                break
            rejected.add(int(index))
        assert set(np.flatnonzero(corrected <= level).tolist()) == (rejected if level < 1 else set(range(len(p))))


@pytest.mark.parametrize(
    "tool", [analysis.critical_difference, lambda v: analysis.compare(v, np.random.default_rng(0))]
)
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "two strategies or more.*got none"),
        ({"a": [1, 2]}, r"two strategies or more.*a \(2,\)"),
        ({"a": [1, 2], "b": [1]}, r"or more of each.*b \(1,\)"),
        ({"a": [1], "b": [1]}, "the same two seeds or more"),
        ({"a": [1, 2], "b": [1, np.nan]}, "'b' must be numbers; got nan"),
    ],
)
def test_what_cannot_be_compared_is_refused(tool, values, message):
    with pytest.raises(ValueError, match=message):
        tool(values)


@pytest.mark.parametrize(
    "tool", [analysis.critical_difference, nas.plots.critical_difference, lambda v: analysis.compare(v, None)]
)
def test_a_race_is_compared_by_its_outcomes(tool):
    frame = pandas.DataFrame({"strategy": ["a", "b"], "seed": [0, 0], "trial": [1, 1], "incumbent_test": [0.5, 0.6]})
    with pytest.raises(TypeError, match=r"give nas\.analysis\.outcomes\(frame\); got the frame of a race"):
        tool(frame)
    with pytest.raises(TypeError, match=r"outcomes\(frame\); got list"):
        tool([[1, 2], [2, 3]])


def test_a_control_must_race_and_a_level_must_be_a_share():
    with pytest.raises(ValueError, match="control must be one of a, b; got 'c'"):
        analysis.compare({"a": [1, 2], "b": [2, 3]}, np.random.default_rng(0), control="c")
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1; got 5"):
        analysis.critical_difference({"a": [1, 2], "b": [2, 3]}, alpha=5)


# Rank correlation ------------------------------------------------------------------------------


def test_rank_correlations_are_scipys_and_do_not_mind_a_rising_curve():
    rng = np.random.default_rng(3)
    truth = rng.random(200)
    estimate = np.round(truth + rng.normal(0, 0.2, 200), 1)  # with ties
    found = analysis.rank_correlation(estimate, truth)
    assert found == (
        pytest.approx(stats.spearmanr(estimate, truth).statistic),
        pytest.approx(stats.kendalltau(estimate, truth).statistic),
        200,
    )
    assert analysis.rank_correlation(np.exp(estimate), truth) == pytest.approx(found)
    best = np.argsort(truth)[-20:]
    assert analysis.rank_correlation(estimate, truth, top=0.1) == (
        pytest.approx(stats.spearmanr(estimate[best], truth[best]).statistic),
        pytest.approx(stats.kendalltau(estimate[best], truth[best]).statistic),
        20,
    )


def test_what_is_as_good_as_the_last_of_the_top_belongs_to_it_and_no_order_has_no_correlation():
    assert analysis.rank_correlation([1, 2, 3, 4, 5], [1, 2, 2, 2, 3], top=0.4).size == 4
    assert np.isnan(analysis.rank_correlation([1, 2, 3], [1, 1, 1]).kendall)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [1, 2, 3]), r"lists of the same length; got shapes \(2,\), \(3,\)"),
        (([1, np.nan], [1, 2]), "must be numbers; got nan"),
        (([1, 2], [1, 2], 0), "top must be a share above 0 and at most 1; got 0"),
        (([1, 2], [1, 2], 0.5), "at least 2 architectures; got 1 of 2"),
    ],
)
def test_what_has_no_rank_correlation_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        analysis.rank_correlation(*arguments)


def test_twelve_epochs_rank_the_cells_of_the_benchmark_as_well_as_was_computed_elsewhere(data_folder):
    """Kendall 0.594, Spearman 0.771, and Kendall 0.356 in the true top 10 %."""
    if data_folder is None:
        pytest.skip("NASEDU_DATA has no nas-bench-201-cifar10.csv.gz")
    table = pandas.read_csv(data_folder / "nas-bench-201-cifar10.csv.gz")
    early, late = table["validation_accuracy_12_epochs"], table["test_accuracy_200_epochs"]
    whole = analysis.rank_correlation(early, late)
    assert (round(whole.kendall, 3), round(whole.spearman, 3)) == (0.594, 0.771)
    assert analysis.rank_correlation(early, late, top=0.1).kendall == pytest.approx(0.356, abs=0.005), (
        "ties at its border"
    )


# Diversity -------------------------------------------------------------------------------------

CHAIN = nas.spaces.Chain(1, 4)
NB201 = nas.spaces.NASBench201()


def draw(space, count, seed=0):
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(count)]


@pytest.mark.parametrize("space", [CHAIN, NB201], ids=["chain", "nasbench201"])
def test_the_distance_is_the_share_of_active_decisions_that_differ(space):
    cells = draw(space, 30)
    found = analysis.distances(cells)
    for (i, first), (j, second) in itertools.product(enumerate(cells), repeat=2):
        options, others = first.options, second.options  # of the active decisions, by name
        names = options.keys() | others.keys()
        differ = [name for name in names if options.get(name) != others.get(name)]
        assert found[i, j] == len(differ) / len(names)
        assert found[i, j] == space.distance(first, second), "as the strategies measure it"


@settings(max_examples=200, deadline=None)
@given(seeds=strategies.tuples(*[strategies.integers(0, 2**32)] * 3))
def test_the_distance_obeys_the_laws_of_distances(seeds):
    a, b, c = (draw(CHAIN, 1, seed)[0] for seed in seeds)
    assert (analysis.distance(a, b) == 0) == (a == b)
    assert analysis.distance(a, b) == analysis.distance(b, a) <= 1
    assert analysis.distance(a, c) <= analysis.distance(a, b) + analysis.distance(b, c) + 1e-12


def test_the_diversity_of_uniform_draws_is_known_and_that_of_copies_is_nothing():
    """Each of the 6 decisions of two draws differs with probability 4/5; 600 draws: 0.8 ± 0.003."""
    assert analysis.diversity(draw(NB201, 600)) == pytest.approx(0.8, abs=0.01)
    assert analysis.diversity(draw(NB201, 1) * 5) == 0
    pair = draw(NB201, 2)
    assert analysis.diversity(pair) == analysis.distance(*pair)
    assert np.isnan(analysis.diversity(draw(NB201, 1)))


def test_the_diversity_over_time_is_that_of_the_last_trials():
    strategy = nas.strategies.RegularizedEvolution(NB201, np.random.default_rng(0), population_size=4, sample_size=4)
    history = nas.search(
        strategy, lambda cells: [nas.Trial(cell, accuracy=str(cell).count("conv") / 6) for cell in cells], 30
    ).run(progress=False)
    cells = [trial.architecture for trial in history.trials]
    found = analysis.diversity_over_time(history, window=5)
    assert len(found) == 30 and np.isnan(found[0])
    assert found[1] == analysis.distance(*cells[:2])
    for n in range(5, 31):
        assert found[n - 1] == pytest.approx(analysis.diversity(cells[n - 5 : n]))
    assert found[-10:].mean() < found[1:10].mean(), "greedy evolution closes in"
    with pytest.raises(ValueError, match="at least 2 trials; got 1"):
        analysis.diversity_over_time(history, window=1)


def test_architectures_of_two_spaces_have_no_distance():
    with pytest.raises(ValueError, match="of one space; got"):
        analysis.distance(draw(CHAIN, 1)[0], draw(NB201, 1)[0])


# Curves ----------------------------------------------------------------------------------------


def race_frame():
    """Two strategies, two seeds; the second search of b has a failed trial first and ends early."""
    rows = [
        ("b", 0, [1.0, 2.0, 3.0], [0.5, 0.7, 0.6]),
        ("a", 0, [2.0, 4.0, 9.0], [0.1, 0.2, 0.3]),
        ("b", 1, [1.0, 2.0], [np.nan, 0.8]),
        ("a", 1, [1.0, 5.0, 6.0], [0.4, 0.4, 0.9]),
    ]
    return pandas.concat(
        [
            pandas.DataFrame(
                {"strategy": n, "seed": s, "trial": range(1, len(e) + 1), "elapsed": e, "incumbent_test": t}
            )
            for n, s, e, t in rows
        ],
        ignore_index=True,
    )


def test_curves_are_arrays_of_seeds_and_trials_in_the_frames_order():
    found = analysis.curves(race_frame())
    assert list(found) == ["b", "a"]
    np.testing.assert_array_equal(found["b"], [[0.5, 0.7, 0.6], [np.nan, 0.8, np.nan]])
    np.testing.assert_array_equal(found["a"], [[0.1, 0.2, 0.3], [0.4, 0.4, 0.9]])
    np.testing.assert_allclose(analysis.regret(race_frame(), 0.9)["a"], [[0.8, 0.7, 0.6], [0.5, 0.5, 0.0]])


def test_at_a_time_a_search_has_what_the_last_trial_that_had_ended_left():
    found = analysis.curves(race_frame(), seconds=[0.5, 1.0, 1.9, 2.0, 2.5, 4.0, 6.0, 9.0, 9.1])
    nan = np.nan
    np.testing.assert_array_equal(found["a"][0], [nan, nan, nan, 0.1, 0.1, 0.2, 0.2, 0.3, nan])
    np.testing.assert_array_equal(found["a"][1], [nan, 0.4, 0.4, 0.4, 0.4, 0.4, 0.9, nan, nan])
    np.testing.assert_array_equal(found["b"][1], [nan, nan, nan, 0.8, nan, nan, nan, nan, nan])


def test_outcomes_are_what_was_found_after_a_trial_by_seed():
    shuffled = race_frame().sample(frac=1, random_state=np.random.default_rng(0))
    found = analysis.outcomes(shuffled, trial=2)
    assert {name: values.tolist() for name, values in found.items()} == {"a": [0.2, 0.4], "b": [0.7, 0.8]}
    assert analysis.outcomes(race_frame())["a"].tolist() == [0.3, 0.9]
    assert analysis.outcomes(shuffled)["b"].tolist() == [0.6, 0.8], "each at its own end"
    found = analysis.outcomes(shuffled, seconds=2)
    assert {name: values.tolist() for name, values in found.items()} == {"a": [0.1, 0.4], "b": [0.7, 0.8]}
    with pytest.raises(ValueError, match=r"one of every search, 1\.\.2; got 3"):
        analysis.outcomes(race_frame(), trial=3)
    with pytest.raises(ValueError, match=r"a search ended after 2 seconds; got 2\.5"):
        analysis.outcomes(race_frame(), seconds=2.5)


def test_a_band_is_the_quantiles_over_the_seeds_and_nan_where_one_has_none():
    values = np.random.default_rng(0).random((21, 4))
    values[3, 0] = np.nan
    low, middle, high = analysis.band(values)
    assert np.isnan([low[0], middle[0], high[0]]).all()
    ordered = np.sort(values[:, 1:], axis=0)
    np.testing.assert_allclose([low[1:], middle[1:], high[1:]], ordered[[2, 10, 18]])


def test_importing_it_loads_no_scipy_and_no_pandas():
    code = "import sys, nasedu as nas; nas.analysis; assert not {'scipy', 'pandas', 'matplotlib'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
