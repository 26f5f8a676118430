"""Successive halving, Hyperband and ASHA: who is trained for how long, who is promoted, who proposes."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

import nasedu as nas
from nasedu.core import Decision, SearchSpace
from nasedu.loop import settings_of
from nasedu.strategies.fidelities import rung_epochs

S = nas.strategies
SPACE = nas.spaces.NASBench201()


def score(architecture, epochs):
    """Ranks differ between the rungs, and longer trainings are better."""
    seed = [*architecture.choices, int(epochs)]
    return 0.05 * np.log(epochs) + 0.5 * np.random.default_rng(seed).random()


def trial_of(proposal, number=None, failure=None, epochs=None):
    value = None if failure else score(proposal.architecture, proposal.epochs)
    arguments = {"accuracy": value, "failure": failure, "number": number}
    return nas.Trial(proposal.architecture, epochs=proposal.epochs if epochs is None else epochs, **arguments)


def make(kind=S.SuccessiveHalving, space=SPACE, seed=0, **settings):
    return kind(space, np.random.default_rng(seed), **settings)


def run(strategy, trials, start=0):
    """Ask and tell; return each trial with the states of its ask and tell."""
    log = []
    for number in range(start, start + trials):
        proposal = strategy.ask()
        asked = strategy.state
        trial = trial_of(proposal, number)
        strategy.tell(trial)
        log.append((trial, asked, strategy.state))
    return log


# Rungs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("least", "most", "eta", "expected"),
    [
        (1, 81, 3, [1, 3, 9, 27, 81]),
        (1, 243, 3, [1, 3, 9, 27, 81, 243]),  # ⌊log 243 / log 3⌋ is 4 in floating point
        (1, 10, 3, [1, 3, 10]),
        (2, 10, 3, [3, 10]),
        (12, 200, 16, [12, 200]),  # what the published tables have
        (10, 10, 2, [10]),
    ],
)
def test_rungs_end_at_the_most_epochs_and_begin_at_the_fewest_or_above(least, most, eta, expected):
    assert rung_epochs(least, most, eta) == expected


def test_rungs_are_whole_numbers_that_rise_by_about_eta_within_the_bounds():
    for eta in range(2, 6):
        for most in range(1, 60):
            for least in range(1, most + 1):
                epochs = rung_epochs(least, most, eta)
                assert epochs[-1] == most
                assert least <= epochs[0] <= least * eta
                assert all(abs(above - eta * below) <= (eta + 1) / 2 for below, above in pairwise(epochs))


# Successive halving -----------------------------------------------------------------------------


def test_the_best_third_of_a_rung_is_trained_for_three_times_as_long():
    log = run(make(min_epochs=1, max_epochs=9, bracket_size=20), 20 + 6 + 2)
    trials = [trial for trial, _, _ in log]
    assert [trial.epochs for trial in trials] == [1] * 20 + [3] * 6 + [9] * 2
    for first, last, above in ((0, 20, 6), (20, 26, 2)):
        best = sorted(trials[first:last], key=lambda trial: -trial.score)[:above]
        promoted = trials[last : last + above]
        assert [trial.architecture for trial in promoted] == [trial.architecture for trial in best]
        assert log[last - 1][2]["promotions"] == [trial.number for trial in best]
        assert log[last - 1][2]["to_epochs"] == promoted[0].epochs
        assert [asked["promoted"] for _, asked, _ in log[last : last + above]] == [trial.number for trial in best]
    assert not any(told["promotions"] for number, (_, _, told) in enumerate(log) if number not in (19, 25))


def test_by_default_a_bracket_is_the_smallest_of_which_one_is_trained_to_the_end():
    log = run(make(), 26)
    assert [trial.epochs for trial, _, _ in log] == 2 * ([1] * 9 + [3] * 3 + [10])
    assert [asked["bracket"] for _, asked, _ in log] == [0] * 13 + [1] * 13


def test_while_a_rung_waits_the_next_bracket_begins_and_late_tells_are_not_lost():
    strategy = make(max_epochs=3)  # 3 for an epoch, then 1 for 3
    first = [strategy.ask() for _ in range(3)]
    strategy.tell(trial_of(first[2], 2))
    strategy.tell(trial_of(first[0], 0))
    second = [strategy.ask() for _ in range(2)]
    assert strategy.state["bracket"] == 1
    assert [proposal.epochs for proposal in second] == [1, 1]
    strategy.tell(trial_of(second[0], 3))
    assert strategy.state == {"bracket": 1, "told": 1, "size": 3, "promotions": [], "to_epochs": None}
    strategy.tell(trial_of(first[1], 1))
    best = max(first, key=lambda proposal: score(proposal.architecture, 1))
    assert strategy.ask() == nas.Proposal(best.architecture, 3)
    assert strategy.state["bracket"] == 0


def test_failed_trials_are_never_promoted_and_hold_nobody_up():
    strategy = make(max_epochs=9)
    asked = [strategy.ask() for _ in range(9)]
    for number, proposal in enumerate(asked):  # the last two succeed; some failed before their time
        strategy.tell(trial_of(proposal, number, failure=None if number > 6 else "diverged", epochs=int(number > 2)))
    assert sorted(strategy.state["promotions"]) == [7, 8]
    above = [strategy.ask() for _ in range(2)]
    assert [proposal.epochs for proposal in above] == [3, 3]
    assert strategy.ask().epochs == 1, "two of three places are taken, and no failed one gets the third"
    strategy.tell(trial_of(above[0], 9, failure="diverged", epochs=2))
    strategy.tell(trial_of(above[1], 10, failure="diverged", epochs=2))
    assert [bracket.number for bracket in strategy.brackets] == [1], "the first one is done: nobody is left"


def test_an_architecture_may_be_in_several_places_at_once():
    only = SearchSpace("only", [Decision("layers", (1,))])
    log = run(make(space=only, max_epochs=9), 26)
    assert [trial.epochs for trial, _, _ in log] == 2 * ([1] * 9 + [3] * 3 + [9])
    strategy = make(space=only, max_epochs=9)
    asked = [strategy.ask() for _ in range(30)]
    for number, proposal in enumerate(asked):
        strategy.tell(trial_of(proposal, number))
    assert [strategy.ask().epochs for _ in range(9)] == [3] * 9, "three brackets are full"


def test_a_trial_that_nobody_asked_for_takes_the_place_of_a_new_one_of_its_epochs():
    strategy = make(max_epochs=3)
    for epochs in (3, 2, None):
        strategy.tell(nas.Trial(SPACE.sample(np.random.default_rng(1)), accuracy=0.9, epochs=epochs))
        assert strategy.state == {}
    best = SPACE.sample(np.random.default_rng(2))
    strategy.tell(nas.Trial(best, accuracy=0.99, epochs=1, number=7))
    assert strategy.state["told"] == 1
    assert [trial.epochs for trial, _, _ in run(strategy, 3)] == [1, 1, 3]
    assert strategy.ask().epochs == 1, "the next bracket"


# Hyperband --------------------------------------------------------------------------------------

PAPER = {  # arXiv:1603.06560, Table 1: (n_i, r_i) for R = 81, η = 3
    4: [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
    3: [(27, 3), (9, 9), (3, 27), (1, 81)],
    2: [(9, 9), (3, 27), (1, 81)],
    1: [(6, 27), (2, 81)],
    0: [(5, 81)],
}
ALGORITHM_1 = {  # n = ⌈(s_max + 1) / (s + 1) · η^s⌉ = ⌈5 · 81 / 5⌉, ⌈5 · 27 / 4⌉, ⌈5 · 9 / 3⌉, ⌈5 · 3 / 2⌉, 5
    4: [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
    3: [(34, 3), (11, 9), (3, 27), (1, 81)],
    2: [(15, 9), (5, 27), (1, 81)],
    1: [(8, 27), (2, 81)],
    0: [(5, 81)],
}


def test_the_brackets_are_those_of_algorithm_1_and_the_epochs_those_of_table_1():
    strategy = make(S.Hyperband, min_epochs=1, max_epochs=81, eta=3)
    for number in range(10):
        s = 4 - number % 5
        assert strategy.plan(number) == ALGORITHM_1[s]
        assert [r for _, r in strategy.plan(number)] == [r for _, r in PAPER[s]]
    assert ALGORITHM_1[4] == PAPER[4]
    assert ALGORITHM_1[0] == PAPER[0]


def test_every_bracket_costs_about_as_much_and_none_more_than_b():
    B = 5 * 81
    costs = [sum(n * r for n, r in make(S.Hyperband, max_epochs=81).plan(number)) for number in range(5)]
    assert costs == [405, 363, 351, 378, 405]
    assert max(costs) == B


def test_hyperband_runs_its_brackets_in_turn_down_to_random_search_and_again():
    log = run(make(S.Hyperband, max_epochs=9), 44)
    cycle = [1] * 9 + [3] * 3 + [9] + [3] * 5 + [9] + [9] * 3
    assert [trial.epochs for trial, _, _ in log] == 2 * cycle
    promoted = [asked["promoted"] is not None for _, asked, _ in log]
    assert promoted == 2 * ([False] * 9 + [True] * 4 + [False] * 5 + [True] + [False] * 3)
    best = max((trial for trial, _, _ in log[13:18]), key=lambda trial: trial.score)
    assert log[18][0].architecture == best.architecture


# ASHA -------------------------------------------------------------------------------------------


def cell(number):
    """Return an architecture that can be told apart."""
    return next(architecture for index, architecture in enumerate(SPACE) if index == number)


def told(strategy, scores, epochs):
    for number, value in enumerate(scores):
        strategy.tell(nas.Trial(cell(number), accuracy=value, epochs=epochs, number=number))


def test_asha_promotes_as_algorithm_2_does_by_hand():
    """η = 2, rungs of 1, 2, 4 epochs; new architectures score .1, .5, .3, .6, …, whatever the epochs."""
    strategy, scores, known, log = make(S.ASHA, max_epochs=4, eta=2), iter([0.1, 0.5, 0.3, 0.6, 0.2, 0.4]), {}, []
    for number in range(10):
        proposal = strategy.ask()
        if strategy.state["promoted"] is None:
            known[number] = value = next(scores)
        else:
            value = known[strategy.state["promoted"]]
            known[number] = value
        strategy.tell(nas.Trial(proposal.architecture, accuracy=value, epochs=proposal.epochs, number=number))
        log.append((proposal.epochs, value))
    assert log == [
        (1, 0.1),
        (1, 0.5),
        (2, 0.5),  # the best 1 of 2
        (1, 0.3),  # of 3 too, but it was promoted
        (1, 0.6),
        (2, 0.6),  # the best 2 of 4 are .6 and .5
        (4, 0.6),  # the best 1 of 2 there, before anything new
        (1, 0.2),
        (1, 0.4),
        (2, 0.4),  # the best 3 of 6 are .6, .5 and .4
    ]


def test_asha_looks_at_the_highest_rung_first():
    strategy = make(S.ASHA, max_epochs=4, eta=2)
    told(strategy, [0.1, 0.2, 0.3, 0.4], epochs=1)
    told(strategy, [0.7, 0.6], epochs=2)
    assert strategy.ask() == nas.Proposal(cell(0), 4)
    assert [strategy.ask() for _ in range(2)] == [nas.Proposal(cell(3), 2), nas.Proposal(cell(2), 2)]
    assert strategy.ask().epochs == 1
    assert strategy.state["rungs"] == [[1, 4, 2], [2, 2, 1], [4, 0, 0]]


def test_asha_waits_for_nobody():
    strategy = make(S.ASHA)
    asked = [strategy.ask() for _ in range(50)]
    assert {proposal.epochs for proposal in asked} == {1}
    for number in (40, 3, 17):
        strategy.tell(trial_of(asked[number], number))
    best = max((asked[number] for number in (40, 3, 17)), key=lambda proposal: score(proposal.architecture, 1))
    assert strategy.ask() == nas.Proposal(best.architecture, 3)


def test_asha_never_promotes_a_trial_twice_nor_one_that_failed():
    strategy, failed, promoted = make(S.ASHA), set(), []
    for number in range(400):
        proposal = strategy.ask()
        promoted.append(strategy.state["promoted"])
        failure = "diverged" if sum(proposal.architecture.choices) % 5 else None  # four of five
        failed |= {number} if failure else set()
        strategy.tell(trial_of(proposal, number, failure=failure))
    promoted = [number for number in promoted if number is not None]
    assert len(promoted) > 20
    assert len(set(promoted)) == len(promoted)
    assert not failed & set(promoted)


def test_a_third_of_each_rung_of_asha_goes_up():
    """Never fewer than a third, rounded down; and not many more, who were among the best when they went up."""
    strategy = make(S.ASHA, max_epochs=9)
    run(strategy, 2000)
    for rung in strategy.rungs[:-1]:
        third = rung.told // 3
        assert third <= len(rung.promoted) <= 1.2 * third
    assert strategy.rungs[-1].promoted == []


def test_asha_promotes_as_a_search_through_the_whole_rung_does():
    """Against Algorithm 2 word for word: of the best third of the whole rung, the best that was not promoted."""

    def promotable(trials, promoted):
        ranked = sorted(trials, key=lambda trial: -trial.score)[: len(trials) // 3]  # ties: who came first
        return next((trial.number for trial in ranked if trial.number not in promoted), None)

    strategy, rungs, promoted, rng = make(S.ASHA), {1: [], 3: [], 10: []}, set(), np.random.default_rng(3)
    outstanding = []
    for number in range(600):
        expected = promotable(rungs[3], promoted)
        expected = promotable(rungs[1], promoted) if expected is None else expected
        proposal = strategy.ask()
        assert strategy.state["promoted"] == expected
        promoted |= {expected} - {None}
        value = int(rng.integers(12)) / 12  # many ties
        outstanding.append(nas.Trial(proposal.architecture, accuracy=value, epochs=proposal.epochs, number=number))
        while len(outstanding) > rng.integers(8):
            trial = outstanding.pop(int(rng.integers(len(outstanding))))
            rungs[trial.epochs].append(trial)
            strategy.tell(trial)
    assert len(promoted) > 150


# Samplers ---------------------------------------------------------------------------------------


class Recorder:
    """Always proposes the same architecture, and remembers what it was told."""

    def __init__(self, space, rng):
        self.space, self.rng, self.trials = space, rng, []

    def ask(self):
        return cell(0)

    def tell(self, trial):
        self.trials.append(trial)


@pytest.mark.parametrize("kind", [S.SuccessiveHalving, S.Hyperband, S.ASHA])
def test_each_sampler_is_told_the_trials_of_its_epochs_alone(kind):
    strategy = make(kind, sampler=Recorder)
    trials = [trial for trial, _, _ in run(strategy, 60)]
    for epochs in (1, 3, 10):
        assert strategy.samplers.by_epochs[epochs].trials == [trial for trial in trials if trial.epochs == epochs]
    failed = trial_of(strategy.ask(), 60, failure="diverged", epochs=0)
    strategy.tell(failed)
    assert all(sampler.trials[-1] is failed for sampler in strategy.samplers.by_epochs.values())
    assert set(strategy.samplers.by_epochs) == {1, 3, 10}


def test_the_sampler_of_the_most_epochs_that_has_seen_enough_proposes():
    strategy = make(S.ASHA, sampler=lambda space, rng: Recorder(space, rng))
    enough = len(SPACE.decisions) + 3
    for epochs, count in ((10, enough - 1), (3, enough), (1, 5 * enough)):
        for number in range(count):
            strategy.samplers.tell(nas.Trial(cell(number), accuracy=0.5, epochs=epochs))
    for epochs, sampler in strategy.samplers.by_epochs.items():
        sampler.ask = lambda epochs=epochs: cell({1: 1, 3: 3, 10: 10}[epochs])
    assert Counter(strategy.samplers.ask() for _ in range(100)).most_common(1)[0][0] == cell(3)
    strategy.samplers.tell(nas.Trial(cell(0), accuracy=0.5, epochs=10))
    assert Counter(strategy.samplers.ask() for _ in range(100)).most_common(1)[0][0] == cell(10)


def test_a_third_of_new_architectures_is_random_and_all_are_until_a_sampler_has_seen_enough():
    """Binomial: 3000 draws, p = 2/3 of the sampler's, 4 standard deviations."""
    strategy = make(S.ASHA, sampler=Recorder)
    enough = len(SPACE.decisions) + 3
    for number in range(enough - 1):
        strategy.samplers.tell(nas.Trial(cell(number), accuracy=0.5, epochs=1))
    for failure in range(9):
        strategy.samplers.tell(nas.Trial(cell(failure), failure="no", epochs=1))
    assert sum(strategy.samplers.ask() == cell(0) for _ in range(100)) <= 1
    strategy.samplers.tell(nas.Trial(cell(0), accuracy=0.5, epochs=1))
    draws = 3000
    proposed = sum(strategy.samplers.ask() == cell(0) for _ in range(draws))
    assert abs(proposed - draws * 2 / 3) < 4 * np.sqrt(draws * 2 / 9) + 1


def test_promotions_never_come_from_the_sampler():
    log = run(make(S.Hyperband, sampler=S.RegularizedEvolution), 200)
    trials = [trial for trial, _, _ in log]
    for trial, asked, _ in log:
        if asked["promoted"] is not None:
            assert trial.architecture == trials[asked["promoted"]].architecture


def test_a_sampler_that_says_for_how_many_epochs_is_refused():
    strategy = make(S.ASHA, sampler=S.SuccessiveHalving)
    with pytest.raises(TypeError, match=r"a sampler must propose an architecture, without epochs; got Proposal\("):
        run(strategy, 100)


def test_what_is_no_sampler_is_refused():
    with pytest.raises(TypeError, match=r"a sampler must be what makes a strategy .* or None; got 'OptunaStrategy'"):
        make(S.ASHA, sampler="OptunaStrategy")


def test_bohb_is_hyperband_with_optunas_sampler():
    bohb, hyperband = make(S.BOHB), make(S.Hyperband, sampler=S.OptunaStrategy)
    assert [trial for trial, _, _ in run(bohb, 60)] == [trial for trial, _, _ in run(hyperband, 60)]
    assert isinstance(bohb.samplers.by_epochs[10], S.OptunaStrategy)
    assert settings_of(bohb) == {"min_epochs": 1, "max_epochs": 10, "eta": 3}


def test_a_history_names_the_sampler():
    for sampler, name in ((None, None), (S.RegularizedEvolution, "RegularizedEvolution")):
        assert settings_of(make(S.Hyperband, sampler=sampler))["sampler"] == name


# Where ranks never change -----------------------------------------------------------------------


def rank(architecture):
    return float(np.random.default_rng([*architecture.choices]).random())


@pytest.mark.parametrize(
    ("strategy", "trials", "started"),
    [
        (make(max_epochs=9, bracket_size=27), 39, 27),
        (make(S.Hyperband, max_epochs=81), 121, 81),
        (make(S.ASHA, max_epochs=9), 500, 330),
    ],
)
def test_the_best_of_many_is_found_for_the_price_of_few_where_early_ranks_are_the_final_ones(strategy, trials, started):
    def at(epochs):
        return lambda cells: [nas.Trial(each, accuracy=rank(each), epochs=epochs) for each in cells]

    def evaluate(cells):
        raise AssertionError("every ask says for how long")

    evaluate.at = at
    history = nas.search(strategy, evaluate, trials).run(progress=False)
    new = [trial for trial in history.trials if trial.epochs == 1]
    assert len(new) >= started
    assert history.incumbent.epochs == strategy.max_epochs
    assert history.incumbent.score == max(trial.score for trial in new)
    price = sum(trial.epochs for trial in history.trials) / strategy.max_epochs
    assert price < 0.4 * len(new), "in trainings of full length"


# Errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [S.SuccessiveHalving, S.Hyperband, S.ASHA])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"eta": 1}, "eta must be at least 2: one of eta is promoted; got 1"),
        ({"min_epochs": 0}, "min_epochs must lie in 1..max_epochs=10; got 0"),
        ({"min_epochs": 4, "max_epochs": 3}, "min_epochs must lie in 1..max_epochs=3; got 4"),
    ],
)
def test_wrong_arguments_are_named(kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(kind, **arguments)


@pytest.mark.parametrize("arguments", [{"eta": 2.5}, {"min_epochs": 1.5}, {"max_epochs": 9.0}])
def test_epochs_and_eta_are_whole_numbers(arguments):
    with pytest.raises(TypeError, match="min_epochs, max_epochs and eta must be whole numbers; got "):
        make(**arguments)


def test_a_bracket_of_which_none_would_reach_the_last_rung_is_refused():
    with pytest.raises(
        ValueError, match="bracket_size must be at least 9, or none is ever trained for 10 epochs; got 8"
    ):
        make(bracket_size=8)


def test_a_table_without_a_rungs_epochs_says_which_it_has():
    table = nas.tables.load("nasbench201-mnist1d")
    with pytest.raises(ValueError, match=r"epochs must be one that table .* has \(1, 2, .*10\); got 11"):
        nas.search(make(min_epochs=11, max_epochs=11), table, 1).run(progress=False)
