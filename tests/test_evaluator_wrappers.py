import re

import numpy as np
import pytest

import nasedu as nas
from nasedu.evaluators import Averaged, Penalized

SPACE = nas.spaces.NASBench201()
CELL, OTHER = SPACE.architecture((3,) * 6), SPACE.architecture((1, 2, 3, 4, 0, 1))


def giving(**fields):
    """An evaluator whose trials all have these fields."""
    return lambda architectures: [nas.Trial(each, **fields) for each in architectures]


def table(seeds=(0, 1, 2), samples=None):
    rng = np.random.default_rng(0)
    shape = (SPACE.size, len(seeds), 2)
    return nas.tables.Table(
        "t", SPACE, rng.uniform(0.5, 1, shape), seeds=seeds, epochs=(1, 2), test=rng.uniform(0.5, 1, shape[:2])
    )


def test_the_trial_has_the_means_and_the_summed_cost():
    first = giving(accuracy=0.8, score=0.5, curve=(0.6, 0.8), cost=2, epochs=2, metrics={"parameters": 10, "flops": 4})
    second = giving(accuracy=0.9, score=0.9, curve=(0.8, 0.9), cost=3, epochs=2, metrics={"parameters": 20})
    trials = Averaged([first, second])([CELL, OTHER])
    assert [trial.architecture for trial in trials] == [CELL, OTHER]
    assert (trials[0].accuracy, trials[0].score, trials[0].cost, trials[0].epochs) == pytest.approx((0.85, 0.7, 5, 2))
    assert trials[0].curve == pytest.approx((0.7, 0.85))
    assert {name: metric.value for name, metric in trials[0].metrics.items()} == {
        "parameters": 15,
        "score_deviation": pytest.approx(np.std([0.5, 0.9], ddof=1)),
    }
    assert trials[0].metrics["parameters"].unit == "weights"


def test_what_only_some_trainings_have_is_left_out():
    trial = Averaged([giving(accuracy=0.8, curve=(0.8,)), giving(score=0.4)])([CELL])[0]
    assert (trial.accuracy, trial.score, trial.curve) == (None, pytest.approx(0.6), ())


def test_one_evaluator_changes_nothing_but_the_name():
    one = table()
    assert Averaged([one])([CELL]) == one([CELL])


def test_the_average_of_a_tables_seeds_is_the_table():
    whole = table()
    averaged = Averaged([whole.one(seed) for seed in whole.seeds])
    assert averaged([CELL])[0].accuracy == pytest.approx(whole([CELL])[0].accuracy)
    assert averaged.at(1)([CELL])[0].accuracy == pytest.approx(whole.at(1)([CELL])[0].accuracy)
    assert averaged.test(CELL) == pytest.approx(whole.test(CELL))
    assert averaged.space == SPACE and averaged.has_test


def test_the_mean_of_n_has_a_square_root_of_n_less_noise():
    """1,000 cells with noise of standard deviation 0.1; a deviation is known to 2.2 %, tolerance 5 times that."""

    def noisy(seed):
        rng = np.random.default_rng(seed)
        return lambda cells: [nas.Trial(cell, score=0.5 + rng.normal(0, 0.1)) for cell in cells]

    cells = [SPACE.sample(np.random.default_rng(seed)) for seed in range(1_000)]
    for n in (1, 4, 16):
        scores = [trial.score for trial in Averaged([noisy(seed) for seed in range(n)])(cells)]
        assert np.std(scores) == pytest.approx(0.1 / n**0.5, rel=0.11)


def test_if_one_training_fails_the_trial_has_failed():
    trial = Averaged([giving(accuracy=0.9, cost=1), giving(failure="diverged", cost=2)])([CELL])[0]
    assert trial.failure == "1 of 2 trainings failed; the first that did: diverged"
    assert (trial.score, trial.cost) == (-np.inf, 3)


def test_an_average_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"evaluators must be at least one.*got none"):
        Averaged([])


def test_a_penalty_lowers_the_score_and_leaves_the_accuracy():
    evaluator = Penalized(giving(accuracy=0.9, metrics={"parameters": 2_000}), penalty=1e-4)
    trial = evaluator([CELL])[0]
    assert (trial.accuracy, trial.score) == (0.9, pytest.approx(0.7))


def test_the_size_may_be_any_metric_or_a_function_and_the_score_that_of_another_wrapper():
    inner = giving(score=0.9, metrics={"parameters": 2_000, "flops": 100})
    twice = Penalized(Penalized(inner, 1e-3, size="flops"), 0.01, size=lambda each: sum(each.choices))
    assert twice([CELL])[0].score == pytest.approx(0.9 - 0.1 - 0.18)
    assert twice.settings["evaluator"]["settings"]["size"] == "flops"


def test_another_number_of_epochs_is_the_inner_evaluators_and_the_test_has_no_penalty():
    whole = table()
    penalized = Penalized(whole, 0.01, size=lambda each: sum(each.choices))
    assert penalized.at(1)([CELL])[0].score == pytest.approx(whole.at(1)([CELL])[0].score - 0.18)
    assert penalized.test(CELL) == whole.test(CELL)


def test_a_failed_trial_stays_one_and_needs_no_size():
    assert Penalized(giving(failure="no"), 1.0)([CELL])[0].failure == "no"


def test_a_size_that_is_not_measured_is_named():
    with pytest.raises(ValueError, match=r"one of the trial's metrics \(flops\); got 'parameters'"):
        Penalized(giving(score=0.9, metrics={"flops": 1}), 1.0)([CELL])


@pytest.mark.parametrize("penalty", [np.nan, np.inf])
def test_a_penalty_that_is_no_finite_number_is_refused(penalty):
    with pytest.raises(ValueError, match=f"penalty must be a finite number; got {penalty}"):
        Penalized(giving(score=0.9), penalty)


def test_a_penalty_that_is_text_is_refused():
    with pytest.raises(ValueError, match="penalty must be a number; got '1e-5'"):
        Penalized(giving(score=0.9), "1e-5")


def test_a_size_that_is_no_finite_number_is_refused_and_not_left_out_of_the_score():
    """Tables have NaN where a metric was not measured; a score of NaN would be replaced by the accuracy."""
    inner = giving(accuracy=0.9, metrics={"parameters": np.nan})
    with pytest.raises(ValueError, match=f"must be a finite number; got nan as parameters of {re.escape(str(CELL))}"):
        Penalized(inner, 1e-4)([CELL])
    with pytest.raises(ValueError, match=r"got inf as .*<lambda> of "):
        Penalized(inner, 1e-4, size=lambda _: np.inf)([CELL])


def test_a_penalty_finds_smaller_networks():
    known = nas.tables.load("nasbench201-mnist1d")

    def smallest(penalty):
        strategy = nas.strategies.LocalSearch(SPACE, np.random.default_rng(0))
        found = nas.search(strategy, Penalized(known, penalty), trials=200).run(progress=False).incumbent
        return found.metrics["parameters"].value

    assert smallest(1e-3) < 0.7 * smallest(0.0)


def test_both_are_evaluators_that_searches_resume_with_and_races_run_on(tmp_path):
    def make():
        whole = table()
        return Penalized(Averaged([whole.one(seed) for seed in whole.seeds]), 1e-3, size=lambda each: sum(each.choices))

    def search(trials, path=None):
        strategy = nas.strategies.RandomSearch(SPACE, np.random.default_rng(0))
        return nas.search(strategy, make(), trials, history=path).run(progress=False)

    search(5, tmp_path / "a.nas.jsonl")
    assert search(12, tmp_path / "a.nas.jsonl") == search(12)
    frame = nas.race({"random": nas.strategies.RandomSearch}, make(), trials=5, seeds=2, progress=False)
    assert frame["incumbent_test"].between(0.5, 1).all()
    settings = search(1).header["evaluator"]["settings"]
    assert [each["settings"]["seed"] for each in settings["evaluator"]["settings"]["evaluators"]] == [0, 1, 2]
