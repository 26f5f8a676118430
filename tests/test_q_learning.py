"""The Q-table against arithmetic by hand, against value iteration, and on the spaces that make walks stumble."""

import itertools

import numpy as np
import pytest

import nasedu as nas
from nasedu.strategies import DQN, QLearning
from nasedu.strategies.environments import NEVER, Build, Edit

TWO = nas.SearchSpace("two", [nas.Decision("width", (8, 16)), nas.Decision("kernel", (1, 3, 5))])
CHAIN = nas.spaces.Chain(max_depth=2, widths=(8,), kernels=(1, 3), activations=("relu",))
SPACES = pytest.mark.parametrize("space", [TWO, CHAIN], ids=["two", "chain"])


def make(space, seed=0, **settings):
    return QLearning(space, np.random.default_rng(seed), **settings)


def score(choices):
    return sum((3 * index + 2) * choice for index, choice in enumerate(choices)) % 11 / 11 - 0.3


def tell(strategy, choices, value=None):
    architecture = strategy.space.architecture(choices)
    strategy.tell(nas.Trial(architecture, score=score(choices) if value is None else value))


def run(strategy, trials, evaluate=None):
    evaluate = evaluate or (lambda asked: [nas.Trial(a, score=score(a.choices)) for a in asked])
    return nas.search(strategy, evaluate, trials).run(progress=False)


def test_an_update_by_hand():
    """α = ½, γ = 0.9, all entries 0.5 at first; a score of 0.8 arrives at both steps at once."""
    settings = {"environment": "build", "learning_rate": 0.5, "discount": 0.9, "initial_value": 0.5, "replays": 0}
    strategy = make(TWO, **settings)
    tell(strategy, (1, 2), 0.8)
    last = 0.5 * 0.5 + 0.5 * 0.8
    assert strategy.table[(1,)] == pytest.approx([0.5, 0.5, last])
    assert strategy.table[()] == pytest.approx([0.5, 0.5 * 0.5 + 0.5 * 0.9 * last])
    assert strategy.state == {"score": 0.8, "memory": 1, "td_errors": pytest.approx([0.3, 0.9 * last - 0.5])}

    tell(strategy, (1, 0), 0.1)  # worse: the maximum stays where it was
    assert strategy.table[(1,)] == pytest.approx([0.3, 0.5, last])
    assert strategy.table[()][1] == pytest.approx(0.25 * 0.5 + 0.75 * 0.9 * last)


def test_an_edit_is_worth_the_difference_it_makes():
    strategy = make(TWO, initial_asks=0, exploration=0.0, replays=0)
    tell(strategy, (0, 0), 0.5)
    child = strategy.ask()
    state, (action,) = strategy.state, strategy.state["actions"]
    assert strategy.table[(0, 0)] == [NEVER, 0.0, NEVER, 0.0, 0.0], "width has option 0, kernel has option 0"
    assert state["values"] == [0.0]
    assert Edit(TWO, 1).after((0, 0), action) == child.choices
    tell(strategy, child.choices, 0.4)
    assert strategy.table[(0, 0)][action] == pytest.approx(-0.1)
    assert strategy.state["td_errors"] == pytest.approx([-0.1])


def exact_build(space, discount):
    """Q*(s, u) by brute force: over all architectures through (s, u), the score discounted by the steps that follow."""
    exact = {}
    for architecture in space:
        steps = Build(space).episode(architecture.choices)
        for left, (state, action, _) in enumerate(reversed(steps)):
            value = discount**left * score(architecture.choices)
            exact[state, action] = max(exact.get((state, action), -np.inf), value)
    return exact


@SPACES
@pytest.mark.parametrize(
    "settings",
    [{}, {"discount": 0.9}, {"learning_rate": 0.1, "replays": 30}, {"initial_value": 2.0}],
    ids=["default", "discount", "slow", "optimistic"],
)
def test_building_converges_to_the_exact_values(space, settings):
    strategy = make(space, environment="build", initial_asks=10**9, **settings)
    run(strategy, 20 * space.size)
    exact = exact_build(space, settings.get("discount", 1.0))
    found = {(s, u): q for s, row in strategy.table.items() for u, q in enumerate(row) if q != NEVER}
    assert found.keys() == exact.keys(), "what leads to no valid architecture is forbidden, and nothing else"
    assert found == pytest.approx(exact, abs=1e-3 if "learning_rate" in settings else 1e-12)


def exact_edit(space, discount):
    """Q* by value iteration, where to stop is worth 0."""
    environment, states = Edit(space, 1), [architecture.choices for architecture in space]
    q = {s: environment.actions(s, 0.0) for s in states}
    for _ in range(400):
        for state, action in itertools.product(states, range(environment.slots)):
            after = environment.after(state, action) if q[state][action] != NEVER else None
            if after is None:
                q[state][action] = NEVER
            else:
                q[state][action] = score(after) - score(state) + discount * max(0.0, *q[after])
    return q


@SPACES
def test_editing_converges_to_the_exact_values(space):
    """Every architecture is known after a while; walks then only pass through, and learn all the same."""
    strategy = make(space, discount=0.7, initial_asks=space.size // 2, exploration=0.8)
    run(strategy, 40 * space.size)
    exact = exact_edit(space, 0.7)
    for state, row in strategy.table.items():
        assert row == pytest.approx(exact[state], abs=1e-9), state
    assert strategy.table.keys() == exact.keys()


@SPACES
@pytest.mark.parametrize("environment", ["build", "edit"])
def test_no_architecture_is_asked_for_twice_while_there_are_others(space, environment):
    strategy, size = make(space, environment=environment, initial_asks=3), space.size
    share = 2 * size // 3
    asked = [trial.architecture for trial in run(strategy, share).trials]
    assert len(set(asked)) == share


def test_batches_hold_no_repeats_either():
    strategy = make(nas.spaces.NASBench201())
    evaluate = lambda asked: [nas.Trial(a, score=score(a.choices)) for a in asked]  # noqa: E731
    history = nas.search(strategy, evaluate, 200, batch=8).run(progress=False)
    assert len({trial.architecture for trial in history.trials}) == 200


def test_a_local_optimum_is_left_for_a_random_architecture():
    """Switches; alone or all together they are good. Without exploration the walk must stop at the first top."""
    space = nas.SearchSpace("switches", [nas.Decision(f"{i}", (0, 1)) for i in range(8)])
    height = lambda a: abs(sum(a.choices) - 4.5)  # noqa: E731  # two tops: all off 4.5, all on 3.5
    strategy = make(space, initial_asks=1, exploration=0.0)
    drawn = 0
    for _ in range(200):
        architecture = strategy.ask()
        drawn += not strategy.state["actions"]
        strategy.tell(nas.Trial(architecture, score=height(architecture)))
    assert strategy.known.best.architecture.choices == (0,) * 8
    assert 3 <= drawn <= 60, "it starts again now and then, and climbs in between"


def test_a_walk_climbs_through_what_is_known():
    """From (0, 0) the best known edit leads to (1, 0); from there the only untried ones are (1, 1) and (1, 2)."""
    strategy = make(TWO, initial_asks=0, exploration=0.0)
    for choices, value in {(0, 0): 0.5, (1, 0): 0.5, (0, 1): 0.2, (0, 2): 0.3}.items():
        tell(strategy, choices, value)
    for edited in ((0, 1), (0, 2)):
        strategy._learn([((0, 0), 2 + edited[1], edited)])
    assert strategy.origin.architecture.choices == (0, 0)
    assert strategy.ask().choices in {(1, 1), (1, 2)}
    assert len(strategy.state["actions"]) == 2


def test_epsilon_falls_as_one_over_t():
    strategy = make(TWO, initial_asks=10, exploration=0.1)
    found = []
    for _ in range(151):
        found.append(strategy.epsilon)
        tell(strategy, (0, 0))
    assert found[:11] == [1.0] * 11
    assert (found[20], found[40], found[150]) == (0.5, 0.25, 0.1)


@pytest.mark.parametrize("exploration", [0.0, 0.3, 1.0])
def test_the_share_of_random_actions_is_epsilon(exploration):
    """n = 20,000 choices; tolerance 4 standard deviations."""
    strategy, n = make(TWO, initial_asks=0, exploration=exploration), 20_000
    chosen = [strategy.choose([0.0, NEVER, 1.0, 0.5, 1.0]) for _ in range(n)]
    tolerance = 4 * (exploration * (1 - exploration) / n) ** 0.5
    assert abs(sum(at_random for _, at_random in chosen) / n - exploration) <= tolerance
    assert {action for action, at_random in chosen if not at_random} <= {2, 4}, "the best, whichever comes first"
    greedy = [action for action, at_random in chosen if not at_random]
    assert exploration == 1.0 or {2, 4} <= set(greedy), "ties are broken at random"
    explored = [action for action, at_random in chosen if at_random]
    shares = np.bincount(explored, minlength=5) / max(len(explored), 1)
    assert exploration == 0.0 or shares == pytest.approx([0.25, 0, 0.25, 0.25, 0.25], abs=0.03)


@pytest.mark.parametrize("exploration", [0.0, 0.4])
def test_a_temperature_draws_from_the_softmax(exploration):
    """20,000 choices, of which those not at random; tolerance 4 standard deviations."""
    strategy = make(TWO, initial_asks=0, exploration=exploration, temperature=0.5)
    values = np.array([0.1, -np.inf, 0.9, 0.4])
    chosen = [strategy.choose(values.tolist()) for _ in range(20_000)]
    drawn = [action for action, at_random in chosen if not at_random]
    n = len(drawn)
    shares = np.bincount(drawn, minlength=4) / n
    expected = np.exp(values / 0.5) / np.exp(values / 0.5).sum()
    assert (abs(shares - expected) <= 4 * np.sqrt(expected * (1 - expected) / n)).all()


def test_stopping_is_better_than_making_it_worse():
    strategy = make(TWO, initial_asks=0, exploration=0.0)
    assert strategy.choose([-0.1, NEVER, -0.2, -0.1, NEVER]) is None
    assert make(TWO, initial_asks=0, exploration=0.0, environment="build").choose([-0.1, -0.2]) == (0, False)


def test_replaying_reaches_back_where_one_update_does_not():
    """One score, α = 0.1: the entry after n replays is 1 − 0.9^(n + 1), tell's own update included."""
    strategy = make(TWO, environment="build", learning_rate=0.1, initial_value=0.0, replays=9)
    tell(strategy, (1, 2), 1.0)
    assert strategy.table[(1,)][2] == pytest.approx(1 - 0.9**10)


def test_a_failed_trial_counts_as_the_lowest_score_so_far():
    strategy = make(TWO, environment="build", replays=0)
    strategy.tell(nas.Trial(TWO.architecture((0, 0)), failure="first of all"))
    tell(strategy, (0, 1), -3.0)
    assert strategy.known.scores == {(0, 0): -3.0, (0, 1): -3.0}
    tell(strategy, (0, 2), -5.0)
    strategy.tell(nas.Trial(TWO.architecture((1, 0)), failure="too large"))
    assert strategy.table[(1,)][0] == -5.0
    assert strategy.known.best.architecture.choices == (0, 1)


def test_inactive_decisions_are_skipped():
    space = nas.spaces.Chain(max_depth=2)
    steps = Build(space).episode(space.parse("pool").choices)
    assert [(len(state), action) for state, action, _ in steps] == [(0, 0), (1, 2)]
    assert steps[-1][2] == space.parse("pool").choices
    row = Edit(space, 1).actions(space.parse("pool").choices, 0.0)
    allowed = [Edit(space, 1).decision_of[action] for action, value in enumerate(row) if value != NEVER]
    assert allowed == [0, 1, 1], "another depth, or one of two other types of layer 1"


class Odd(nas.SearchSpace):
    """The choices add up to an odd number."""

    def is_valid(self, choices):
        return sum(choices) % 2 == 1


@pytest.mark.parametrize("environment", ["build", "edit"])
def test_a_space_where_every_single_edit_is_invalid_is_searched_all_the_same(environment):
    space = Odd("odd", [nas.Decision(name, (0, 1)) for name in "abcd"])
    strategy = make(space, environment=environment, initial_asks=2)
    found = run(strategy, 60)
    assert {trial.architecture.choices for trial in found.trials} == {a.choices for a in space}
    assert not any(np.isnan(value) for row in strategy.table.values() for value in row)


def test_better_than_random_search_on_the_shipped_table():
    """20 seeds, 100 trials: the mean best score is more than three standard errors ahead."""
    table = nas.tables.load("nasbench201-mnist1d")

    def best(kind):
        searches = [nas.search(kind(table.space, np.random.default_rng(seed)), table, 100) for seed in range(20)]
        return np.array([search.run(progress=False).incumbent.score for search in searches])

    ahead = best(QLearning) - best(nas.strategies.RandomSearch)
    assert ahead.mean() > 3 * ahead.std(ddof=1) / 20**0.5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"environment": "graph"}, "environment must be 'build' or 'edit'; got 'graph'"),
        ({"edits": 0}, "edits must be at least 1; got 0"),
        ({"learning_rate": 0.0}, r"learning_rate must lie in \(0, 1\]; got 0.0"),
        ({"discount": 1.1}, r"^discount must lie in \[0, 1\]; got 1.1"),
        ({"exploration": -0.1}, r"^exploration must lie in \[0, 1\]; got -0.1"),
        ({"replays": -1}, "^replays must be at least 0; got -1"),
        ({"initial_asks": -1}, "^initial_asks must be at least 0; got -1"),
        ({"temperature": float("nan")}, "^temperature must be at least 0; got nan"),
    ],
)
def test_wrong_arguments_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        make(TWO, **settings)


@pytest.mark.parametrize("kind", [QLearning, DQN])
def test_an_ask_says_which_trial_it_edits_and_where(kind):
    """The parent is the trial before the last edit, and not where the walk began."""
    space = nas.spaces.NASBench201()
    history = run(kind(space, np.random.default_rng(4), initial_asks=8, exploration=0.5), 60)
    asked = {event["number"]: event["state"] for event in history.events if event["event"] == "ask"}
    assert any(len(state["actions"]) > 1 for state in asked.values()), "some walks pass through what is known"
    for number, state in asked.items():
        child = history.trials[number].architecture.choices
        if not state["actions"]:
            assert (state["parent"], state["changed"], state["values"]) == (None, [], [])
            continue
        parent = history.trials[state["parent"]].architecture.choices
        assert state["parent"] < number and len(state["changed"]) == 1
        assert [index for index in range(6) if child[index] != parent[index]] == state["changed"]
        assert Edit(space, 3).after(parent, state["actions"][-1]) == child
        assert [type(each) for each in state["values"]] == [float] * len(state["actions"])


@pytest.mark.parametrize("kind", [QLearning, DQN])
def test_what_is_built_has_no_parent(kind):
    strategy = kind(TWO, np.random.default_rng(0), environment="build")
    strategy.ask()
    assert strategy.state.keys() == {"epsilon", "values", "actions", "explored"}
