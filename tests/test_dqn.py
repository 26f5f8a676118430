"""The network of Q-values against exact ones, and the parts that keep it from chasing its own tail."""

import numpy as np
import pytest
import torch

import nasedu as nas
from nasedu.strategies import DQN
from nasedu.strategies.environments import NEVER, Build

TWO = nas.SearchSpace("two", [nas.Decision("width", (8, 16)), nas.Decision("kernel", (1, 3, 5))])
CHAIN = nas.spaces.Chain(max_depth=2, widths=(8,), kernels=(1, 3), activations=("relu",))
ENVIRONMENTS = pytest.mark.parametrize("environment", ["build", "edit"])


def make(space, seed=0, **settings):
    return DQN(space, np.random.default_rng(seed), **settings)


def score(choices):
    return sum((3 * index + 2) * choice for index, choice in enumerate(choices)) % 11 / 11 - 0.3


def tell(strategy, choices, value=None):
    architecture = strategy.space.architecture(choices)
    strategy.tell(nas.Trial(architecture, score=score(choices) if value is None else value))


def run(strategy, trials):
    evaluate = lambda asked: [nas.Trial(a, score=score(a.choices)) for a in asked]  # noqa: E731
    return nas.search(strategy, evaluate, trials).run(progress=False)


def weights(parameters):
    return torch.cat([parameter.detach().flatten() for parameter in parameters]).clone()


@pytest.mark.parametrize("discount", [1.0, 0.5])
def test_building_approaches_the_exact_values(discount):
    """Six architectures, told again and again; the exact Q of a first decision is γ times the best score below it."""
    strategy = make(TWO, environment="build", discount=discount, target_interval=10, updates_per_tell=10)
    for _ in range(12):
        for architecture in TWO:
            tell(strategy, architecture.choices)
    for width in range(2):
        exact = [score((width, kernel)) for kernel in range(3)]
        assert strategy.values((width,)) == pytest.approx(exact, abs=0.03)
        assert strategy.values(())[width] == pytest.approx(discount * max(exact), abs=0.03)


def test_editing_approaches_the_differences():
    """Each edit's trial is new, so its episode ends with it and its exact Q is the difference that it makes."""
    strategy = make(TWO, initial_asks=0, exploration=0.0, updates_per_tell=0)
    tell(strategy, (0, 0))
    edits = [((0, 0), 1, (1, 0)), ((0, 0), 3, (0, 1)), ((0, 0), 4, (0, 2))]
    for step in edits:
        tell(strategy, step[2])
        strategy.memory.append((*step, True))
    for _ in range(300):
        strategy._update()
    values = strategy.values((0, 0))
    for state, action, after in edits:
        assert values[action] == pytest.approx(score(after) - score(state), abs=0.03)
    assert values[0] == values[2] == NEVER, "the options it has already"


def test_nothing_is_added_where_an_episode_ended_and_the_targets_best_value_elsewhere():
    strategy = make(TWO, environment="build", discount=0.9, updates_per_tell=0)
    tell(strategy, (1, 2), 0.4)
    tell(strategy, (0, 1), 0.2)
    (first, last), _ = list(strategy.memory)[:2], None
    assert (first[3], last[3]) == (False, True)
    for parameter in strategy.network.parameters:  # what the targets must not look at
        parameter.data += 1.0
    table = strategy.network.target_values([(1,)])[0].tolist()
    allowed = table[2:5]  # the slots of the second decision
    assert strategy._targets([last]) == pytest.approx([0.4])
    assert strategy._targets([first, last]) == pytest.approx([0.9 * max(allowed), 0.4])


def test_what_is_not_allowed_never_counts_as_the_best():
    """The mask holds in the targets: the largest output of all belongs to a forbidden action."""
    strategy = make(TWO, environment="build", updates_per_tell=0)
    tell(strategy, (1, 2), 0.4)
    strategy.network.target_parameters[-1][0] = 100.0  # the slot of width 8
    assert strategy._targets([strategy.memory[0]])[0] < 10
    strategy.forbid((1,), 1)
    strategy.network.target_parameters[-1][3] = 100.0  # the slot of kernel 3
    assert strategy._targets([strategy.memory[0]])[0] < 10
    assert strategy.values((1,))[1] == NEVER


def test_the_target_network_moves_only_when_it_should():
    strategy = make(TWO, environment="build", target_interval=4, updates_per_tell=1)
    before = weights(strategy.network.target_parameters)
    assert torch.equal(before, weights(strategy.network.parameters))
    for update in range(1, 13):
        tell(strategy, (1, update % 3))
        assert not torch.equal(weights(strategy.network.parameters), before)
        if update % 4 == 0:
            assert torch.equal(weights(strategy.network.target_parameters), weights(strategy.network.parameters))
            before = weights(strategy.network.target_parameters)
        else:
            assert torch.equal(weights(strategy.network.target_parameters), before)
    assert strategy.state["updates"] == 12


def test_the_loss_is_hubers():
    """Half the square of a small error, and linear in a large one, in units of the deviation of the scores."""
    strategy = make(TWO, environment="build", updates_per_tell=0, batch_size=64)
    for architecture in TWO:
        tell(strategy, architecture.choices)
    for shift in (0.5, 3.0):
        last = next(step for step in strategy.memory if step[3])
        strategy.memory.clear()
        strategy.memory.append(last)
        slot = Build(TWO).slots_of(last[0]).start + last[1]
        error = shift * strategy.network.deviation
        strategy.network.parameters[-1].data[slot] += (
            strategy._targets([last])[0] + error - strategy.network.values([last[0]])[0, slot]
        ) / strategy.network.deviation
        assert strategy._update() == pytest.approx(0.5 * shift**2 if shift <= 1 else shift - 0.5)


def test_choices_are_the_best_or_random_and_always_allowed():
    strategy = make(TWO, initial_asks=0, exploration=0.0)
    assert strategy.choose([0.3, NEVER, 0.9, 0.1]) == (2, False)
    assert strategy.choose([NEVER, NEVER]) is None
    explorer = make(TWO, initial_asks=0, exploration=1.0)
    chosen = [explorer.choose([0.3, NEVER, 0.9, 0.1]) for _ in range(300)]
    assert set(chosen) == {(0, True), (2, True), (3, True)}


@ENVIRONMENTS
@pytest.mark.parametrize("space", [TWO, CHAIN, nas.spaces.NASBench201()], ids=["two", "chain", "nasbench201"])
def test_asks_are_new_as_long_as_there_are_others(space, environment):
    share = min(2 * space.size // 3, 40)
    found = run(make(space, environment=environment, initial_asks=3, hidden_size=8), share)
    assert len({trial.architecture for trial in found.trials}) == share


def test_the_memory_forgets_the_oldest_steps():
    strategy = make(TWO, environment="build", memory_size=3, updates_per_tell=0)
    for kernel in range(3):
        tell(strategy, (0, kernel))
    assert [step[2] for step in strategy.memory] == [(0, 1), (0,), (0, 2)]


def test_the_unit_of_the_scores_does_not_matter():
    """Scores times 100 minus 7: the same proposals, and Q-values in the new unit."""

    def asked(strategy, unit, zero):
        found = []
        for _ in range(40):
            found.append(strategy.ask())
            strategy.tell(nas.Trial(found[-1], score=unit * score(found[-1].choices) + zero))
        return found

    space = nas.spaces.NASBench201()
    one, other = make(space), make(space)
    assert asked(one, 1.0, 0.0) == asked(other, 100.0, -7.0)
    best = one.known.best.architecture.choices
    finite = [(a, b) for a, b in zip(one.values(best), other.values(best), strict=True) if a != NEVER]
    assert [100 * a for a, _ in finite] == pytest.approx([b for _, b in finite], rel=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"environment": "graph"}, "environment must be 'build' or 'edit'; got 'graph'"),
        ({"discount": -0.1}, r"^discount must lie in \[0, 1\]; got -0.1"),
        ({"updates_per_tell": -1}, "^updates_per_tell must be at least 0; got -1"),
        ({"batch_size": 0}, "^batch_size must be at least 1; got 0"),
        ({"target_interval": 0}, "^target_interval must be at least 1; got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0; got 0.0"),
    ],
)
def test_wrong_arguments_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        make(TWO, **settings)
