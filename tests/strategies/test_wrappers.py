import re

import numpy as np
import pytest

import nasedu as nas
from nasedu.loop import settings_of

S = nas.strategies
SPACE = nas.spaces.NASBench201()


class Script:
    """Proposes what it was given, one after another, and writes down what it is told."""

    def __init__(self, asks):
        self.space, self.asks, self.told, self.state = SPACE, iter(asks), [], {"line": 0}

    def ask(self):
        return next(self.asks)

    def tell(self, trial):
        self.told.append(trial)


def cell(*choices):
    return SPACE.architecture(choices)


def convolutions(architecture):
    return {"convolutions": sum(choice in (2, 3) for choice in architecture.choices), "other": 1e9}


def evaluate(architectures):
    return [nas.Trial(each, score=sum(each.choices) / 24) for each in architectures]


FEW, MANY = cell(1, 1, 1, 1, 1, 3), cell(3, 3, 3, 3, 3, 3)


# Constrained ---------------------------------------------------------------------------------------


def test_what_is_over_a_bound_is_never_evaluated_and_told_as_failed():
    inner = Script([MANY, MANY, FEW])
    strategy = S.Constrained(inner, {"convolutions": 1}, convolutions)
    assert strategy.ask() == FEW
    assert strategy.state == {"line": 0, "refused": 2}
    assert [(trial.architecture, trial.failure) for trial in inner.told] == [(MANY, "too many convolutions: 6 > 1")] * 2


def test_at_the_bound_is_within_it_and_every_bound_counts():
    measure = {FEW: {"a": 1.0, "b": 2.5}, MANY: {"a": 1.0, "b": 2.0}}
    strategy = S.Constrained(Script([FEW, MANY]), {"a": 1.0, "b": 2.0}, measure.get)
    assert strategy.ask() == MANY
    assert strategy.strategy.told[0].failure == "too many b: 2.5 > 2"


def test_a_search_within_bounds_finds_the_best_that_is_within_them():
    strategy = S.RegularizedEvolution(SPACE, np.random.default_rng(0))
    search = nas.search(S.Constrained(strategy, {"convolutions": 1}, convolutions), evaluate, trials=300)
    found = search.run(progress=False)
    assert all(convolutions(trial.architecture)["convolutions"] <= 1 for trial in found.trials)
    assert found.incumbent.score >= 23 / 24
    assert found.header["strategy"]["settings"] == {
        "strategy": {"name": "RegularizedEvolution", "settings": settings_of(strategy)},
        "at_most": {"convolutions": 1},
        "measure": "convolutions",
    }


def test_metrics_of_a_table_can_be_bounds():
    table = nas.tables.load("nasbench201-mnist1d")
    middle = float(np.median(table.metrics["parameters"]))
    strategy = S.Constrained(
        S.RandomSearch(SPACE, np.random.default_rng(0)), {"parameters": middle}, lambda each: table([each])[0].metrics
    )
    found = nas.search(strategy, table, trials=50).run(progress=False).trials
    assert max(trial.metrics["parameters"].value for trial in found) <= middle


def test_networks_can_be_measured_without_training_them_and_once_each():
    measured = []

    def weights(each):
        measured.append(each)
        network = nas.networks.build(each, (1, 40), 10, rng=np.random.default_rng(0))
        return {"parameters": nas.training.parameters(network)}

    strategy = S.Constrained(Script([MANY, MANY, FEW, FEW]), {"parameters": weights(FEW)["parameters"]}, weights)
    measured.clear()
    assert [strategy.ask(), strategy.ask()] == [FEW, FEW]
    assert measured == [MANY, FEW]


def test_a_refused_proposal_for_some_epochs_is_told_with_them():
    inner = Script([nas.Proposal(MANY, 3), nas.Proposal(FEW, 9)])
    assert S.Constrained(inner, {"convolutions": 1}, convolutions).ask() == nas.Proposal(FEW, 9)
    assert inner.told[0].epochs == 3


def test_where_nothing_is_within_the_bounds_it_says_so():
    strategy = S.Constrained(S.RandomSearch(SPACE, np.random.default_rng(0)), {"convolutions": -1}, convolutions)
    with pytest.raises(ValueError, match=r"none of 1,000 proposals of RandomSearch was within \{'convolutions': -1\}"):
        strategy.ask()


@pytest.mark.parametrize("value", [np.nan, nas.Metric(np.nan, "ms", "lower")])
def test_what_cannot_be_measured_is_not_within_a_bound(value):
    inner = Script([MANY, FEW])
    assert S.Constrained(inner, {"x": 5}, lambda each: {"x": value if each == MANY else 1.0}).ask() == FEW


def test_a_bound_that_nothing_measures_is_named():
    with pytest.raises(ValueError, match="at_most must bound at least one metric"):
        S.Constrained(Script([]), {}, convolutions)
    with pytest.raises(ValueError, match=r"measure must give 'flops'.*it gives convolutions, other"):
        S.Constrained(Script([FEW]), {"flops": 5}, convolutions).ask()


# WithoutRepeats ------------------------------------------------------------------------------------

SAME = cell(3, 0, 0, 0, 1, 0), cell(3, 0, 1, 0, 1, 0), cell(1, 0, 0, 0, 3, 0)  # one convolution, drawn in three ways
OTHER = cell(1, 1, 1, 1, 1, 1)


def test_these_three_cells_compute_the_same():
    assert len({SPACE.canonical(each) for each in SAME}) == 1 < len({SPACE.canonical(each) for each in (*SAME, OTHER)})


def test_of_a_known_function_the_known_trial_is_told_again():
    inner = Script([SAME[0], SAME[1], OTHER])
    strategy = S.WithoutRepeats(inner)
    trial = nas.Trial(strategy.ask(), score=0.5, number=0)
    strategy.tell(trial)
    assert strategy.ask() == OTHER
    assert strategy.state == {"line": 0, "skipped": 1}
    assert [(told.architecture, told.score, told.number) for told in inner.told] == [
        (SAME[0], 0.5, 0),
        (SAME[1], 0.5, 0),
    ]


def test_a_repeat_of_what_is_being_evaluated_is_told_when_that_is_done():
    inner = Script([SAME[0], SAME[1], SAME[2], OTHER])
    strategy = S.WithoutRepeats(inner)
    assert [strategy.ask(), strategy.ask()] == [SAME[0], OTHER]
    assert inner.told == []
    strategy.tell(nas.Trial(SAME[0], score=0.5, number=0))
    assert [told.architecture for told in inner.told] == list(SAME)
    strategy.tell(nas.Trial(OTHER, score=0.5, number=1))
    strategy.tell(nas.Trial(SAME[0], score=0.5, number=2))
    assert len(inner.told) == 5, "each is told once"


def test_after_so_many_attempts_the_repeat_is_let_through():
    inner = Script([SAME[0], SAME[1], SAME[2], SAME[1], OTHER])
    strategy = S.WithoutRepeats(inner, attempts=3)
    strategy.tell(nas.Trial(strategy.ask(), score=0.5))
    assert strategy.ask() == SAME[1]
    assert strategy.state["skipped"] == 2
    assert [told.architecture for told in inner.told] == list(SAME), "the one that is let through is not told yet"
    with pytest.raises(ValueError, match="attempts must be at least 1; got 0"):
        S.WithoutRepeats(inner, attempts=0)


def test_trained_for_longer_it_is_no_repeat():
    asks = [nas.Proposal(SAME[0], 1), nas.Proposal(SAME[1], 3), nas.Proposal(SAME[2], 1), nas.Proposal(OTHER, 1)]
    inner = Script(asks)
    strategy = S.WithoutRepeats(inner)
    for expected in (asks[0], asks[1], asks[3]):
        assert strategy.ask() == expected
        strategy.tell(nas.Trial(expected.architecture, score=expected.epochs / 10, epochs=expected.epochs))
    assert [(told.score, told.epochs) for told in inner.told] == [(0.1, 1), (0.3, 3), (0.1, 1), (0.1, 1)]


def test_random_search_without_repeats_evaluates_every_function_once():
    strategy = S.WithoutRepeats(S.RandomSearch(SPACE, np.random.default_rng(0)))
    found = nas.search(strategy, evaluate, trials=400).run(progress=False).trials
    assert len({SPACE.canonical(trial.architecture) for trial in found}) == 400


@pytest.mark.parametrize("inner", [S.SuccessiveHalving, S.ASHA, S.Hyperband], ids=lambda kind: kind.__name__)
def test_around_a_strategy_of_several_fidelities_the_proposals_keep_their_epochs(inner):
    table = nas.tables.load("nasbench201-mnist1d")
    bounds = S.Constrained(inner(SPACE, np.random.default_rng(0), max_epochs=9), {"convolutions": 4}, convolutions)
    found = nas.search(S.WithoutRepeats(bounds), table, trials=150).run(progress=False).trials
    assert len({(SPACE.canonical(trial.architecture), trial.epochs) for trial in found}) == 150
    assert len({trial.epochs for trial in found}) > 1
    assert max(convolutions(trial.architecture)["convolutions"] for trial in found) <= 4


# Diversified ---------------------------------------------------------------------------------------


def test_what_is_told_is_the_score_without_the_pressure_times_the_mean_similarity():
    inner = Script([])
    strategy = S.Diversified(inner, pressure=0.3, last=2)
    cells = [cell(0, 0, 0, 0, 0, 0), cell(0, 0, 0, 0, 0, 0), cell(0, 0, 0, 1, 1, 1), cell(1, 1, 1, 1, 1, 1)]
    for each in cells:
        strategy.tell(nas.Trial(each, score=0.5))
    expected = [0.5, 0.5 - 0.3, 0.5 - 0.3 * 0.5, 0.5 - 0.3 * (0 + 0.5) / 2]
    assert [trial.score for trial in inner.told] == pytest.approx(expected)
    assert strategy.state == {"line": 0, "similarity": pytest.approx(0.25)}


def test_a_failed_trial_stays_one():
    inner = Script([])
    S.Diversified(inner).tell(nas.Trial(FEW, failure="no"))
    assert inner.told[0].failure == "no"


def test_the_history_has_the_score_as_it_was_measured():
    strategy = S.Diversified(S.RegularizedEvolution(SPACE, np.random.default_rng(0)), pressure=10.0)
    for trial in nas.search(strategy, evaluate, trials=40).run(progress=False).trials:
        assert trial.score == sum(trial.architecture.choices) / 24


def test_pressure_makes_a_search_diverse():
    """The last 50 of 150 proposals of a genetic algorithm, 10 seeds; random pairs differ in 0.8 of their edges."""

    def diversity(pressure):
        values = []
        for seed in range(10):
            strategy = S.Diversified(S.GeneticAlgorithm(SPACE, np.random.default_rng(seed)), pressure)
            found = nas.search(strategy, evaluate, trials=150).run(progress=False).trials
            values.append(nas.analysis.diversity([trial.architecture for trial in found[-50:]]))
        return np.mean(values)

    none, some, much = diversity(0.0), diversity(1.0), diversity(5.0)
    assert none + 0.02 < some < much - 0.02 < 0.8


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"pressure": -1.0}, "^pressure must be at least 0; got -1"), ({"last": 0}, "^last must be at least 1; got 0")],
)
def test_wrong_arguments_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        S.Diversified(Script([]), **settings)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: S.WithoutRepeats(SPACE, np.random.default_rng(0)),
            r"WithoutRepeats takes a strategy, such as WithoutRepeats\(RandomSearch\(space, rng\)\); got NASBench201",
        ),
        (
            lambda: S.Diversified(SPACE, np.random.default_rng(0)),
            r"Diversified takes a strategy, such as Diversified\(RandomSearch\(space, rng\)\); got NASBench201\(\)",
        ),
        (lambda: S.WithoutRepeats(S.RandomSearch), r"got the class RandomSearch\."),
        (
            lambda: S.Constrained(S.RandomSearch, {"x": 1}, convolutions),
            r"such as Constrained\(RandomSearch\(space, rng\), at_most, measure\); got the class RandomSearch",
        ),
    ],
)
def test_what_is_wrapped_is_a_strategy_and_neither_its_class_nor_a_space(make, message):
    with pytest.raises(TypeError, match=message):
        make()


# Together ------------------------------------------------------------------------------------------


def test_they_can_be_put_around_each_other_and_the_search_resumes(tmp_path):
    def make():
        inner = S.Constrained(S.LocalSearch(SPACE, np.random.default_rng(0)), {"convolutions": 3}, convolutions)
        return S.WithoutRepeats(S.Diversified(inner, pressure=0.1))

    whole = nas.search(make(), evaluate, trials=60).run(progress=False)
    path = tmp_path / "search.nas.jsonl"
    nas.search(make(), evaluate, trials=25, history=path).run(progress=False)
    assert nas.search(make(), evaluate, trials=60, history=path).run(progress=False) == whole
    assert len({SPACE.canonical(trial.architecture) for trial in whole.trials}) == 60
    assert max(convolutions(trial.architecture)["convolutions"] for trial in whole.trials) <= 3
    assert {"climb", "refused", "similarity", "skipped"} <= {key for event in whole.events for key in event["state"]}
    assert re.search("LocalSearch", str(whole.header["strategy"]["settings"]))
