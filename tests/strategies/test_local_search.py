from collections import defaultdict

import numpy as np
import pytest

import nasedu as nas

SPACE = nas.spaces.NASBench201()
SWITCHES = nas.SearchSpace("switches", [nas.Decision(f"switch {i}", ("off", "on")) for i in range(12)])


def make(space=SPACE, seed=0, initial_asks=1):
    return nas.strategies.LocalSearch(space, np.random.default_rng(seed), initial_asks=initial_asks)


def rugged(architecture):
    """A score for every architecture, all different, without any slope."""
    return float(np.random.default_rng(architecture.choices).random())


def run(strategy, score, trials):
    """Ask and tell; return every trial with the states of its ask and tell."""
    log = []
    for number in range(trials):
        architecture = strategy.ask()
        asked = strategy.state
        trial = nas.Trial(architecture, score=score(architecture), number=number)
        strategy.tell(trial)
        log.append((trial, asked, strategy.state))
    return log


def test_a_climb_ends_where_no_neighbour_is_better_and_only_there():
    log = run(make(), rugged, 400)
    tops = {asked["climb"]: told["entered"] for _, asked, told in log if told["entered"] is not None}
    ended = [log[top][0].architecture for climb, top in tops.items() if climb < log[-1][1]["climb"]]
    assert len(ended) > 5
    for top in ended:
        assert all(rugged(neighbor) < rugged(top) for neighbor in SPACE.neighbors(top))


def test_it_goes_to_the_first_neighbour_that_is_better():
    current = None
    for trial, asked, told in run(make(), rugged, 300):
        assert asked["parent"] in (None, current)
        if asked["parent"] is None:
            current, best = None, -np.inf
        assert (told["entered"] == trial.number) == (trial.score > best)
        assert told["left"] == (current if told["entered"] is not None else None)
        if trial.score > best:
            current, best = trial.number, trial.score


def test_to_an_equal_neighbour_it_does_not_go():
    log = run(make(), lambda architecture: 0.5, 100)
    assert [told["entered"] for _, _, told in log] == [0 if n == 0 else n if n % 25 == 0 else None for n in range(100)]


def test_an_ask_is_a_neighbour_and_says_what_changed():
    log = run(make(nas.spaces.Chain()), rugged, 200)
    for trial, asked, _ in log:
        if asked["parent"] is not None:
            parent = log[asked["parent"]][0].architecture
            assert trial.architecture in trial.architecture.space.neighbors(parent)
            pairs = zip(parent.choices, trial.architecture.choices, strict=True)
            assert asked["changed"] == [index for index, (old, new) in enumerate(pairs) if old != new] != []


def test_nothing_is_asked_for_twice_and_a_small_space_is_seen_whole():
    log = run(make(SWITCHES), rugged, 300)
    assert len({trial.architecture for trial, _, _ in log}) == 300
    space = nas.SearchSpace("small", [nas.Decision(f"d{index}", (0, 1, 2)) for index in range(3)])
    log = run(make(space), rugged, 40)
    assert len({trial.architecture for trial, _, _ in log[: space.size]}) == space.size == 27
    assert len(log) == 40, "a space that is used up is asked for again"


def test_where_there_is_one_hill_the_first_climb_ends_on_top():
    for seed in range(20):
        log = run(make(SWITCHES, seed), lambda architecture: sum(architecture.choices), 100)
        first_climb = [trial.score for trial, asked, _ in log if asked["climb"] == 0]
        assert max(first_climb) == 12
        assert len(first_climb) < 100


def test_every_neighbour_is_equally_likely_to_be_tried_first():
    """n = 2,400 searches, 24 neighbours of one start, tolerance 5 standard deviations."""
    start, n = SPACE.architecture((0, 1, 2, 3, 4, 0)), 2_400
    found = defaultdict(int)
    for seed in range(n):
        strategy = make(seed=seed)
        strategy.ask()
        strategy.tell(nas.Trial(start, score=0.5, number=0))
        found[strategy.ask()] += 1
    assert len(found) == 24
    assert max(abs(count - n / 24) for count in found.values()) < 5 * (n / 24) ** 0.5


def test_every_climb_begins_at_the_best_of_its_random_asks():
    log = run(make(initial_asks=4), rugged, 300)
    by_climb = defaultdict(list)
    for trial, asked, _ in log:
        by_climb[asked["climb"]].append((trial, asked["parent"]))
    assert len(by_climb) > 3
    for climb in by_climb.values():
        assert [parent for _, parent in climb[:4]] == [None] * 4
        assert all(parent is not None for _, parent in climb[4:])
        assert len(climb) < 5 or climb[4][1] == max(climb[:4], key=lambda each: each[0].score)[0].number


def test_of_random_asks_that_were_made_together_the_best_is_climbed_from():
    strategy = make()
    waiting = [strategy.ask() for _ in range(5)]
    for number, score in enumerate((0.3, 0.9, 0.1, 0.5, 0.7)):
        strategy.tell(nas.Trial(waiting[number], score=score, number=number))
    strategy.ask()
    assert strategy.state["parent"] == 1


@pytest.mark.parametrize(("score", "goes"), [(0.4, False), (0.6, True)])
def test_a_late_neighbour_takes_its_climb_up_again_if_it_is_better_than_where_that_stood(score, goes):
    strategy = make()
    strategy.tell(nas.Trial(strategy.ask(), score=0.5, number=0))
    neighbors = [strategy.ask() for _ in range(24)]
    for number, neighbor in enumerate(neighbors[:-1], start=1):
        strategy.tell(nas.Trial(neighbor, score=0.2, number=number))
    start = strategy.ask()  # all neighbours were asked for, one is outstanding
    assert strategy.state == {"climb": 1, "parent": None, "changed": [], "untried": 0}
    strategy.tell(nas.Trial(neighbors[-1], score=score, number=24))
    assert strategy.state == {"entered": 24 if goes else None, "left": None}
    strategy.tell(nas.Trial(start, score=0.55, number=25))
    strategy.ask()
    assert strategy.state["parent"] == (24 if goes else 25)


def test_a_late_neighbour_that_is_worse_than_where_the_climb_now_stands_changes_nothing():
    strategy = make()
    strategy.tell(nas.Trial(strategy.ask(), score=0.5, number=0))
    first, second = strategy.ask(), strategy.ask()
    strategy.tell(nas.Trial(first, score=0.9, number=1))
    strategy.tell(nas.Trial(second, score=0.7, number=2))
    assert strategy.state == {"entered": None, "left": None}
    assert strategy.current.number == 1


def test_there_must_be_somewhere_to_begin():
    with pytest.raises(ValueError, match=r"initial_asks must be at least 1.*got 0"):
        make(initial_asks=0)


def test_a_failed_trial_is_never_gone_to():
    strategy = make()
    for number in range(10):
        strategy.tell(nas.Trial(strategy.ask(), failure="no", number=number))
        assert strategy.state == {"entered": None, "left": None}
    strategy.ask()
    assert strategy.state["parent"] is None
