"""Optuna's samplers on our spaces: what the study holds is what the search did."""

import subprocess
import sys

import numpy as np
import optuna
import pytest
from example_spaces import SPACES, Perceptron

import nasedu as nas
from nasedu.core import Decision, SearchSpace
from nasedu.loop import settings_of

SPACE = nas.spaces.NASBench201()
STATES = optuna.trial.TrialState
everywhere = pytest.mark.parametrize("space", SPACES.values(), ids=list(SPACES))


def make(space=SPACE, seed=0, **settings):
    return nas.strategies.OptunaStrategy(space, np.random.default_rng(seed), **settings)


def convolutions(architecture):
    return str(architecture).count("conv") / 6


def run(strategy, trials, score=convolutions):
    done = []
    for number in range(trials):
        architecture = strategy.ask()
        trial = nas.Trial(architecture, score=score(architecture), number=number)
        strategy.tell(trial)
        done.append(trial)
    return done


@everywhere
def test_the_study_has_the_active_decisions_of_every_trial_and_its_score(space):
    strategy = make(space)
    done = run(strategy, 30, lambda architecture: float(sum(architecture.choices)))
    complete = strategy.study.get_trials(states=[STATES.COMPLETE])
    assert [trial.params for trial in complete] == [trial.architecture.options for trial in done]
    assert [trial.value for trial in complete] == [trial.score for trial in done]
    assert strategy.study.best_value == max(trial.score for trial in done)


class Backwards(SearchSpace):
    """What is active depends on a later decision, and ends with one that it makes inactive."""

    def __init__(self):
        super().__init__(
            "backwards", [Decision("a", (1, 2, 3)), Decision("b", (1, 2, 3)), Decision("which", ("b", "a"))]
        )

    def active(self, choices):
        return (choices[2] == 1, choices[2] == 0, True)


def test_decisions_that_a_later_one_makes_active_are_suggested_too():
    strategy = make(Backwards(), sampler=optuna.samplers.RandomSampler(seed=0))
    assert {trial.architecture for trial in run(strategy, 100, lambda _: 0.5)} == set(Backwards())


def test_draws_that_are_no_architecture_are_pruned_in_the_study_and_cost_no_trial():
    strategy, redrawn = make(Perceptron(), sampler=optuna.samplers.RandomSampler(seed=0)), 0
    for number in range(50):
        architecture = strategy.ask()
        redrawn += strategy.state["redrawn"]
        strategy.tell(nas.Trial(architecture, score=0.5, number=number))
    assert len(strategy.study.get_trials(states=[STATES.COMPLETE])) == 50
    assert len(strategy.study.get_trials(states=[STATES.PRUNED])) == redrawn > 0


class Narrow(SearchSpace):
    """One in 3,000 combinations is an architecture."""

    def __init__(self):
        super().__init__("narrow", [Decision(name, tuple(range(55))) for name in ("a", "b")])

    def is_valid(self, choices):
        return choices == (7, 11)


def test_after_a_hundred_draws_in_vain_the_space_draws():
    strategy = make(Narrow(), seed=1)
    assert strategy.ask().choices == (7, 11)
    assert strategy.state["redrawn"] == 100
    assert strategy.study.trials[-1].params == {"a": 7, "b": 11}


def test_a_failed_trial_is_pruned_in_the_study():
    strategy = make()
    strategy.tell(nas.Trial(strategy.ask(), failure="diverged"))
    assert strategy.state == {"study_trial": 0, "result": "PRUNED"}
    assert [trial.state for trial in strategy.study.trials] == [STATES.PRUNED]


def test_tpe_learns_what_fails_and_what_is_no_architecture():
    """The best lie beside what fails, 39 % of the space: 10 seeds of 80 trials, random draws would fail 308 times."""
    failures = 0
    for seed in range(10):
        strategy = make(seed=seed)
        for number in range(80):
            architecture = strategy.ask()
            weight = sum(3 if "3x3" in option else 1 for option in architecture.options.values() if "conv" in option)
            failures += (failed := weight > 5)
            arguments = {"failure": "too large"} if failed else {"score": weight / 5}
            strategy.tell(nas.Trial(architecture, number=number, **arguments))
    assert failures < 300


def test_late_tells_reach_their_own_trials_of_the_study_and_others_are_added():
    strategy = make()
    asked = [strategy.ask() for _ in range(4)]
    foreign = SPACE.parse("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|none~1|none~2|")
    for score, architecture in ((0.2, asked[2]), (0.9, foreign), (0.3, asked[0])):
        strategy.tell(nas.Trial(architecture, score=score))
    strategy.tell(nas.Trial(foreign, failure="the second time it diverged"))
    trials = strategy.study.trials
    assert [trial.state.name for trial in trials] == [
        "COMPLETE",
        "RUNNING",
        "COMPLETE",
        "RUNNING",
        "COMPLETE",
        "PRUNED",
    ]
    assert [trial.value for trial in trials] == [0.3, None, 0.2, None, 0.9, None]
    assert strategy.study.best_trial.params == foreign.options


def test_tpe_finds_better_cells_than_random_search_with_as_many_trials():
    """20 seeds of 60 trials on the shipped table: differences of the best score, by more than 2 standard errors."""
    table = nas.tables.load("nasbench201-mnist1d")

    def best(strategy):
        return nas.search(strategy, table, 60).run(progress=False).incumbent.score

    differences = np.array(
        [
            best(make(seed=seed)) - best(nas.strategies.RandomSearch(SPACE, np.random.default_rng(seed)))
            for seed in range(20)
        ]
    )
    assert differences.mean() > 2 * differences.std(ddof=1) / np.sqrt(len(differences))


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_sampler_that_takes_each_combination_once_takes_each_architecture_once():
    space = SearchSpace("two", [Decision("width", (8, 16)), Decision("kernel", (1, 3, 5))])
    strategy = make(space, sampler=optuna.samplers.BruteForceSampler(seed=0))
    assert len({trial.architecture for trial in run(strategy, 5, lambda _: 0.5)}) == 5 == len(space) - 1
    assert settings_of(strategy) == {"sampler": "BruteForceSampler"}


def test_the_seed_of_the_sampler_comes_from_the_rng_unless_the_sampler_is_given():
    def asked(seed, sampler=None):
        return [trial.architecture for trial in run(make(seed=seed, sampler=sampler), 25)]

    assert asked(0) == asked(0) != asked(1)
    given = optuna.samplers.TPESampler
    assert asked(0, given(seed=5)) == asked(1, given(seed=5)) != asked(1, given(seed=6))


@pytest.mark.parametrize("sampler", ["tpe", optuna.samplers.TPESampler])
def test_a_name_or_a_class_is_no_sampler(sampler):
    with pytest.raises(TypeError, match=r"must be an object, such as optuna\.samplers\.TPESampler\(seed=0\).*; got"):
        make(sampler=sampler)


def test_optuna_says_nothing_and_its_verbosity_stays():
    script = (
        "import sys, numpy as np, nasedu as nas\n"
        "space = nas.spaces.NASBench201()\n"
        "nas.strategies.Hyperband(space, np.random.default_rng(0))\n"
        "print('optuna' in sys.modules)\n"
        "strategy = nas.strategies.OptunaStrategy(space, np.random.default_rng(0))\n"
        "import optuna\n"
        "strategy.tell(nas.Trial(strategy.ask(), accuracy=0.5))\n"
        "print(optuna.logging.get_verbosity() == optuna.logging.INFO)\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.split() == ["False", "True"], "imported when first used; still INFO"


def test_a_missing_optuna_is_said_with_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r"optuna is not installed: run pip install 'nasedu\[optuna\]'"):
        make()
