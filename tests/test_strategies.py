"""The contract of every strategy on every space. A new strategy is one line in MAKE."""

import dataclasses
import functools
import inspect
import json
import os
import subprocess
import sys
from collections import deque
from pathlib import Path

import numpy as np
import pytest

import nasedu as nas
from nasedu.loop import settings_of
from nasedu.spaces import DARTS, Chain, NASBench201

S = nas.strategies


def height(architecture):
    """A metric of every architecture of every space, in [0, 1]."""
    most = sum(len(decision.options) - 1 for decision in architecture.space.decisions)
    return {"height": sum(architecture.choices) / most}


MAKE = {
    "RandomSearch": lambda space, rng: S.RandomSearch(space, rng),
    "BoltzmannPolicy": lambda space, rng: S.BoltzmannPolicy(space, rng, initial_asks=5),
    "RegularizedEvolution": lambda space, rng: S.RegularizedEvolution(space, rng, population_size=6, sample_size=3),
    "LocalSearch": lambda space, rng: S.LocalSearch(space, rng),
    "SimulatedAnnealing": lambda space, rng: S.SimulatedAnnealing(space, rng, initial_asks=4, half_life=8),
    "Constrained": lambda space, rng: S.Constrained(S.RegularizedEvolution(space, rng), {"height": 0.7}, height),
    "WithoutRepeats": lambda space, rng: S.WithoutRepeats(S.BoltzmannPolicy(space, rng, initial_asks=5), attempts=20),
    "Diversified": lambda space, rng: S.Diversified(S.GeneticAlgorithm(space, rng, population_size=6), pressure=0.1),
    "GeneticAlgorithm": lambda space, rng: S.GeneticAlgorithm(space, rng, population_size=6),
    "NSGA2": lambda space, rng: S.NSGA2(space, rng, objectives=("score", "parameters"), population_size=6),
    "SuccessiveHalving": lambda space, rng: S.SuccessiveHalving(space, rng),
    "Hyperband": lambda space, rng: S.Hyperband(space, rng, max_epochs=9),
    "ASHA": lambda space, rng: S.ASHA(space, rng, eta=2),
    "OptunaStrategy": lambda space, rng: S.OptunaStrategy(space, rng),
    "BOHB": lambda space, rng: S.BOHB(space, rng),
    "BayesianOptimization": lambda space, rng: S.BayesianOptimization(space, rng, initial_asks=5, candidates=20),
    "Bananas": lambda space, rng: S.Bananas(space, rng, initial_asks=5, candidates=20, hidden_size=4, steps=5),
    "ReinforceTable": lambda space, rng: S.ReinforceTable(space, rng),
    "Reinforce": lambda space, rng: S.Reinforce(space, rng, hidden_size=8, learning_rate=0.01),
    "Reinforce, four tells per update": lambda space, rng: S.Reinforce(space, rng, hidden_size=8, tells_per_update=4),
    "PPO": lambda space, rng: S.PPO(space, rng, hidden_size=8, tells_per_update=4, epochs=3),
    "QLearning": lambda space, rng: S.QLearning(space, rng, initial_asks=4),
    "DQN": lambda space, rng: S.DQN(space, rng, hidden_size=4, initial_asks=4, updates_per_tell=1),
    "QLearning, build": lambda space, rng: S.QLearning(space, rng, environment="build", temperature=0.1),
}
SPACES = {
    "nasbench201": NASBench201(),
    "darts": DARTS(),
    "chain": Chain(),
    "chain with skips": Chain(skips=True, max_depth=3),
    "one decision": nas.SearchSpace("one", [nas.Decision("layers", (1, 2, 3, 4, 5))]),
    "two decisions": nas.SearchSpace("two", [nas.Decision("width", (8, 16)), nas.Decision("kernel", (1, 3, 5))]),
}
everywhere = pytest.mark.parametrize("space", SPACES.values(), ids=list(SPACES))
every_strategy = pytest.mark.parametrize("make", MAKE.values(), ids=list(MAKE))


def score(architecture):
    """A rugged but deterministic reward in [0, 1]."""
    return sum((3 * index + 1) * choice for index, choice in enumerate(architecture.choices)) % 17 / 16


def of_any_length(evaluator):
    """Let an evaluator train for as long as a strategy of several fidelities says; for 1 epoch if it says nothing."""

    def at(epochs):
        return lambda architectures: [dataclasses.replace(trial, epochs=epochs) for trial in evaluator(architectures)]

    evaluator_at = functools.wraps(evaluator)(lambda architectures: at(1)(architectures))
    evaluator_at.at = at
    return evaluator_at


@of_any_length
def evaluate(architectures):
    return [nas.Trial(a, accuracy=score(a), metrics={"parameters": sum(a.choices)}) for a in architectures]


@of_any_length
def evaluate_some_fail(architectures):
    return [
        dataclasses.replace(trial, failure="too large") if sum(trial.architecture.choices) % 3 == 0 else trial
        for trial in evaluate(architectures)
    ]


@of_any_length
def all_fail(architectures):
    return [nas.Trial(architecture, failure="no") for architecture in architectures]


def history(make, space, seed=0, trials=30, evaluator=evaluate, **options):
    strategy = make(space, np.random.default_rng(seed))
    return nas.search(strategy, evaluator, trials, **options).run(progress=False)


def answer(asked):
    """Evaluate one ask: an architecture, or a proposal of one and its epochs."""
    epochs = asked.epochs if isinstance(asked, nas.Proposal) else 1
    return evaluate.at(epochs)([architecture_of(asked)])[0]


def architecture_of(asked):
    return asked.architecture if isinstance(asked, nas.Proposal) else asked


def choices(found):
    return [trial.architecture.choices for trial in found.trials]


@everywhere
@every_strategy
def test_the_same_rng_gives_the_same_history(make, space):
    assert history(make, space) == history(make, space)


@pytest.mark.parametrize("name", sorted(set(nas.spaces.SPACES) - set(SPACES)))
@every_strategy
def test_it_runs_on_every_space_that_nasedu_has(make, name):
    space = nas.space(name)
    assert [trial.architecture in space for trial in history(make, space, trials=12).trials] == [True] * 12


@every_strategy
def test_another_rng_gives_another_history(make):
    assert choices(history(make, NASBench201(), seed=0)) != choices(history(make, NASBench201(), seed=1))


@every_strategy
def test_no_randomness_but_the_rng_is_touched(make):
    import torch

    before = np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist()  # noqa: NPY002
    history(make, NASBench201())
    assert before == (np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist())  # noqa: NPY002


def all_choices():
    return {
        f"{name} on {where}": choices(history(MAKE[name], space)) for name in MAKE for where, space in SPACES.items()
    }


def test_another_process_gives_the_same_histories():
    script = "import json, test_strategies; print(json.dumps(test_strategies.all_choices()))"
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": f"{here}{os.pathsep}{here.parent}", "PYTHONHASHSEED": "12345"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads(json.dumps(all_choices()))


@everywhere
@pytest.mark.parametrize(
    "name",
    [
        "RandomSearch",
        "LocalSearch",
        "SimulatedAnnealing",
        "BoltzmannPolicy",
        "RegularizedEvolution",
        "GeneticAlgorithm",
        "NSGA2",
        "QLearning",
        "DQN",
        "BayesianOptimization",
        "Bananas",
        "ReinforceTable",
        "Reinforce",
        "PPO",
        "SuccessiveHalving",
        "Hyperband",
        "ASHA",
        "BOHB",
        "OptunaStrategy",
    ],
)
def test_the_defaults_run(name, space):
    found = history(getattr(S, name), space, trials=120 if space.name == "nasbench201" else 25)
    assert found.incumbent.score > 0


@every_strategy
@pytest.mark.parametrize("batch", [1, 7])
def test_there_are_exactly_as_many_trials_as_asked_for(make, batch):
    evaluated = []

    @of_any_length
    def counting(architectures):
        evaluated.extend(architectures)
        return evaluate(architectures)

    assert len(history(make, NASBench201(), trials=33, evaluator=counting, batch=batch).trials) == 33
    assert len(evaluated) == 33


@everywhere
@every_strategy
def test_every_ask_is_an_architecture_of_the_space(make, space):
    for architecture in (trial.architecture for trial in history(make, space).trials):
        assert architecture in space
        space.check(architecture.choices)


@everywhere
@every_strategy
def test_tells_may_be_late_and_out_of_order(make, space):
    def run():
        strategy, order = make(space, np.random.default_rng(0)), np.random.default_rng(1)
        outstanding, asked = [], []
        for number in range(60):
            asked.append(strategy.ask())
            outstanding.append(dataclasses.replace(answer(asked[-1]), number=number))
            while len(outstanding) > order.integers(12):
                strategy.tell(outstanding.pop(order.integers(len(outstanding))))
        return asked

    assert run() == run()


def assert_learned(strategy, untold):
    """Their generators are in the same state, so only what was told can make their asks differ."""
    asked, elsewhere = [[each.ask() for _ in range(100)] for each in (strategy, untold)]
    assert all(architecture_of(each) in strategy.space for each in asked)
    assert (asked != elsewhere) == (type(strategy) is not S.RandomSearch)


@every_strategy
def test_many_asks_may_come_before_the_first_tell(make):
    strategy, untold = (make(NASBench201(), np.random.default_rng(0)) for _ in range(2))
    waiting = deque(strategy.ask() for _ in range(40))
    assert list(waiting) == [untold.ask() for _ in range(40)]
    while waiting:
        strategy.tell(answer(waiting.popleft()))
    assert_learned(strategy, untold)


@every_strategy
def test_trials_that_the_strategy_never_asked_for_are_learned_from(make):
    strategy, untold = (make(NASBench201(), np.random.default_rng(0)) for _ in range(2))
    rng = np.random.default_rng(1)
    for number in range(20):
        strategy.tell(dataclasses.replace(evaluate([strategy.space.sample(rng)])[0], number=number))
    assert_learned(strategy, untold)


@pytest.mark.parametrize(
    "name", ["LocalSearch", "SimulatedAnnealing", "RegularizedEvolution", "GeneticAlgorithm", "NSGA2"]
)
def test_what_was_told_without_being_asked_for_is_not_asked_for_either(name):
    space = SPACES["two decisions"]
    everything = list(space)
    for seed in range(10):
        strategy = getattr(S, name)(space, np.random.default_rng(seed))
        for number, trial in enumerate(evaluate(everything[:4])):
            strategy.tell(dataclasses.replace(trial, number=number))
        assert {strategy.ask() for _ in range(2)} == set(everything[4:])


class Nothing(nas.SearchSpace):
    """No combination is an architecture."""

    def is_valid(self, choices):
        return False


@every_strategy
def test_an_empty_space_is_called_so(make):
    with pytest.raises(ValueError, match=r"nothing seems to be empty.*Look at its is_valid\(\)"):
        make(Nothing("nothing", [nas.Decision("d", (1, 2))]), np.random.default_rng(0)).ask()


@every_strategy
def test_every_setting_is_recorded_and_is_an_attribute(make):
    strategy = make(NASBench201(), np.random.default_rng(0))
    arguments = [name for name in inspect.signature(type(strategy)).parameters if name not in ("space", "rng")]
    assert list(settings_of(strategy)) == arguments
    assert not [name for name in arguments if not hasattr(strategy, name)]


@everywhere
@every_strategy
@pytest.mark.parametrize("evaluator", [evaluate_some_fail, all_fail])
@pytest.mark.parametrize("batch", [1, 5])
def test_failed_trials_are_survived(make, space, evaluator, batch):
    found = history(make, space, evaluator=evaluator, batch=batch)
    assert len(found.trials) == 30
    json.dumps([event.get("state") for event in found.events], allow_nan=False)


@everywhere
@every_strategy
def test_a_search_abandoned_at_random_moments_resumes_to_an_equal_history(make, space, tmp_path):
    whole = history(make, space, batch=4, evaluator=evaluate_some_fail)
    path, rng = tmp_path / "search.nas.jsonl", np.random.default_rng(2)
    done = False
    while not done:
        search = nas.search(make(space, np.random.default_rng(0)), evaluate_some_fail, 30, batch=4, history=path)
        for _ in range(rng.integers(1, 9)):
            if not search.done:
                search.step()
        done = search.done
    assert search.history == whole
    assert nas.History.load(path) == whole


@everywhere
@every_strategy
def test_states_and_settings_are_plain_data(make, space):
    strategy = make(space, np.random.default_rng(0))
    for number in range(30):
        proposed = strategy.ask()
        asked = getattr(strategy, "state", {})
        json.dumps(asked)
        strategy.tell(dataclasses.replace(answer(proposed), number=number))
        told = getattr(strategy, "state", {})
        json.dumps(told)
        assert not asked or asked is not told, "each ask and tell makes its state anew"
    json.dumps(settings_of(strategy))


@every_strategy
def test_a_state_says_what_was_drawn_from_which_probabilities(make):
    space = Chain()
    strategy = make(space, np.random.default_rng(0))
    for _ in range(20):
        architecture = architecture_of(strategy.ask())
        state = getattr(strategy, "state", {})
        if "probabilities" not in state:
            continue
        active = space.active(architecture.choices)
        for probabilities, chosen, on, choice in zip(
            state["probabilities"], state["chosen"], active, architecture.choices, strict=True
        ):
            assert (probabilities is not None) == on
            assert chosen == (choice if on else None)
            assert not on or sum(probabilities) == pytest.approx(1)


def test_test_accuracy_is_out_of_reach():
    assert not [field.name for field in dataclasses.fields(nas.Trial) if "test" in field.name]
    for file in Path(S.__file__).parent.glob("*.py"):
        assert "test" not in file.read_text(encoding="utf-8").split(), file


def test_strategies_are_imported_without_torch():
    script = "import sys, nasedu.strategies as s; s.Reinforce; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


MADE_OF_A_SPACE = [name for name in S.__all__ if "space" in inspect.signature(getattr(S, name)).parameters]


@pytest.mark.parametrize("name", MADE_OF_A_SPACE)
def test_a_space_is_not_its_name_and_an_rng_not_its_seed(name):
    space, rng = SPACES["two decisions"], np.random.default_rng(0)
    with pytest.raises(TypeError, match=r"space must be a search space, such as .*; got 'nasbench201'"):
        getattr(S, name)("nasbench201", rng)
    with pytest.raises(TypeError, match=r"rng must be a numpy Generator, such as np\.random\.default_rng\(7\); got 7"):
        getattr(S, name)(space, 7)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("RegularizedEvolution", {"population_size": 3, "sample_size": 4}, "sample_size must lie in 1..*=3; got 4"),
        ("RegularizedEvolution", {"population_size": 0}, "population_size must be at least 1; got 0"),
        ("GeneticAlgorithm", {"population_size": 1}, "population_size must be a whole number, at least 2; got 1"),
        ("GeneticAlgorithm", {"population_size": "10"}, "population_size must be a whole number, at least 2; got '10'"),
        ("NSGA2", {"population_size": "10"}, "population_size must be a whole number, at least 2; got '10'"),
        ("RegularizedEvolution", {"population_size": "10"}, "population_size must be a whole number; got '10'"),
        ("RegularizedEvolution", {"sample_size": 2.5}, "sample_size must be a whole number; got 2.5"),
        ("GeneticAlgorithm", {"sample_size": 0}, "sample_size must lie in 1.."),
        ("GeneticAlgorithm", {"elites": 20}, "elites must lie in 0..19"),
        ("GeneticAlgorithm", {"mutation_rate": 1.5}, r"^mutation_rate must lie in \[0, 1\]; got 1.5"),
        ("BoltzmannPolicy", {"alpha": -1.0}, "^alpha must be at least 0; got -1.0"),
        ("BoltzmannPolicy", {"exploration": 2.0}, r"^exploration must lie in \[0, 1\]; got 2.0"),
        ("Reinforce", {"tells_per_update": 0}, "^tells_per_update must be at least 1; got 0"),
        ("Reinforce", {"learning_rate": 0.0}, "learning_rate must be above 0"),
        ("Reinforce", {"entropy_weight": -1.0}, "^entropy_weight must be at least 0; got -1.0"),
        ("Reinforce", {"baseline_decay": 1.0}, r"baseline_decay must lie in \[0, 1\); got 1.0"),
        ("PPO", {"tells_per_update": 1}, "^tells_per_update must be at least 2, or nothing is compared; got 1"),
        ("PPO", {"clip": 0.0}, "^clip must be above 0; got 0.0"),
        ("ReinforceTable", {"learning_rate": 0.0}, "^learning_rate must be above 0; got 0.0"),
        ("ReinforceTable", {"baseline_decay": -0.1}, r"baseline_decay must lie in \[0, 1\); got -0.1"),
    ],
)
def test_wrong_arguments_are_named(name, arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        getattr(S, name)(SPACES["two decisions"], np.random.default_rng(0), **arguments)
