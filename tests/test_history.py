"""The log of a search: its order, its file, and that a resumed search is an uninterrupted one."""

import gc
import inspect
import json
import math
import os
import re
import sys
import warnings
import weakref

import numpy as np
import pytest
from example_spaces import SPACES, Perceptron

import nasedu as nas
from nasedu import history as history_module
from nasedu import loop
from nasedu.history import History, RecordedSpace, is_snapshot
from nasedu.loop import Log, header_start
from nasedu.strategies import RandomSearch

SPACE = SPACES["nasbench201"]


class Climb:
    """A strategy that remembers, with state and settings: mutates the best of what it was told."""

    def __init__(self, space, rng, greed=0.5):
        self.space, self.rng, self.greed = space, rng, greed
        self.settings = {"greed": greed, "window": (1, 2)}
        self.best = None
        self.state = {}

    def ask(self):
        if self.best is None or self.rng.random() > self.greed:
            architecture = self.space.sample(self.rng)
        else:
            architecture = self.space.mutate(self.best.architecture, self.rng)
        self.state = {"best": -math.inf if self.best is None else self.best.score}
        return architecture

    def tell(self, trial):
        if self.best is None or trial.score > self.best.score:
            self.best = trial
        self.state = {
            "third": 1 / 3 + trial.number,
            "probabilities": np.array([[1 / 7, math.nan]]),
            "best": self.best.score,
        }


def evaluate(architectures):
    """Share of the largest choices; every seventh architecture fails."""
    return [trial_of(architecture) for architecture in architectures]


def trial_of(architecture):
    if sum(architecture.choices) % 7 == 0:
        return nas.Trial(architecture, failure="seven", cost=0.25)
    score = sum(architecture.choices) / 100
    metrics = {"flops": 10 * score, "validation_loss": math.inf if score > 0.1 else score, "seconds_per_epoch": 3}
    return nas.Trial(architecture, accuracy=score, metrics=metrics, curve=(0.0, math.nan, score), epochs=3, cost=1.5)


def climb(trials, path=None, batch=1, seed=0, space=SPACE, evaluator=evaluate, **settings):
    strategy = Climb(space, np.random.default_rng(seed), **settings)
    return nas.search(strategy, evaluator, trials, batch=batch, history=path)


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# Order ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 3])
def test_every_ask_is_in_the_file_before_it_is_evaluated(tmp_path, batch):
    path = tmp_path / "h.nas.jsonl"
    seen = []

    def look(architectures):
        events = rows(path)[1:]
        asked = [event["choices"] for event in events if event["event"] == "ask"]
        assert asked[-len(architectures) :] == [list(a.choices) for a in architectures]
        assert sum(event["event"] == "trial" for event in events) == len(asked) - len(architectures)
        seen.append(len(architectures))
        return evaluate(architectures)

    climb(7, path, batch, evaluator=look).run(progress=False)
    assert seen == ([1] * 7 if batch == 1 else [3, 3, 1])


def test_events_stand_in_the_order_they_happened():
    kinds = [event["event"][0] + str(event["number"]) for event in climb(5, batch=2).run(progress=False).events]
    assert kinds == ["a0", "a1", "t0", "t1", "a2", "a3", "t2", "t3", "a4", "t4"]


def test_a_strategy_is_told_every_trial_with_its_number():
    told = []
    strategy = Climb(SPACE, np.random.default_rng(0))
    strategy.tell = lambda trial: told.append(trial)
    history = nas.search(strategy, evaluate, 5, batch=2).run(progress=False)
    assert [trial.number for trial in told] == [0, 1, 2, 3, 4]
    assert [(t.architecture, t.score) for t in told] == [(t.architecture, t.score) for t in history.trials]


def test_the_search_is_an_iterator_that_ends():
    search = climb(3)
    assert next(search).number == 0
    assert [trial.number for trial in search] == [1, 2] and search.done
    with pytest.raises(StopIteration, match="all 3 trials are done; search again with more trials"):
        search.step()


def test_an_evaluator_that_keeps_its_trials_finds_them_unchanged():
    kept = {}

    def remember(architectures):
        return [kept.setdefault(a, trial_of(a)) for a in architectures]

    climb(5, evaluator=remember).run(progress=False)
    assert all(trial.number is None for trial in kept.values())


def test_progress_is_shown_unless_it_is_not_wanted(capsys):
    climb(2).run(progress=False)
    assert capsys.readouterr().err == ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tqdm's about missing widgets
        climb(2).run()
    assert "2/2" in capsys.readouterr().err


# Equality -------------------------------------------------------------------------------------


def test_histories_are_equal_whatever_time_they_took():
    def slower(architectures):
        timed = {"flops": 1, "seconds_per_epoch": 99}
        return [nas.Trial(a, accuracy=0.5, cost=77, metrics=timed) for a in architectures]

    def faster(architectures):
        timed = {"flops": 1, "seconds_per_epoch": 1}
        return [nas.Trial(a, accuracy=0.5, metrics=timed) for a in architectures]

    slower.__name__ = faster.__name__ = "same"
    assert climb(4, evaluator=slower).run(False) == climb(4, evaluator=faster).run(False)


def test_histories_differ_in_what_was_asked_answered_seen_or_set():
    same = climb(6).run(False)
    assert same == climb(6).run(False) and same != "history"
    assert same != climb(5).run(False)
    assert same != climb(6, seed=1).run(False)
    assert same != climb(6, batch=2).run(False)
    assert same != climb(6, greed=0.4).run(False)
    for change in ({"score": 0.0}, {"state": {"third": 7}}, {"failure": "other"}):
        *events, last = same.events
        assert same == History(same.header, [*events, last]) != History(same.header, [*events, {**last, **change}])


def test_a_history_in_memory_equals_the_same_one_from_a_file(tmp_path):
    history = climb(20).run(False)
    history.save(tmp_path / "h.nas.jsonl")
    loaded = History.load(tmp_path / "h.nas.jsonl")
    assert loaded == history and loaded.space == SPACE
    assert [str(t.architecture) for t in loaded.trials] == [str(t.architecture) for t in history.trials]
    assert loaded.text() == history.text() and loaded.event_lines(3) == history.lines()[4:]


def test_saving_writes_what_searching_wrote(tmp_path):
    path = tmp_path / "h.nas.jsonl"
    history = climb(5, path).run(False)
    assert history.text().encode() == path.read_bytes()


# Resuming -------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 2])
def test_a_search_killed_at_any_byte_resumes_to_the_uninterrupted_history(tmp_path, batch):
    path = tmp_path / "h.nas.jsonl"
    space = nas.SearchSpace("toy", [nas.Decision("d", (1, 2, 3))])  # for short lines
    whole = climb(3, path, batch, space=space).run(False)
    data = path.read_bytes()
    for length in range(len(data) + 1):
        path.write_bytes(data[:length])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            resumed = climb(3, path, batch, space=space)
        was_cut = length > 0 and data[length - 1 : length] != b"\n"
        assert any("cut off" in str(warning.message) for warning in caught) == was_cut
        assert resumed.run(False) == whole, length
        lines = path.read_bytes().splitlines()
        assert lines[1:] == data.splitlines()[1:], length


def test_resuming_evaluates_nothing_twice(tmp_path):
    path = tmp_path / "h.nas.jsonl"
    climb(4, path).run(False)
    evaluated = []

    def evaluate(architectures):
        evaluated.extend(architectures)
        return [trial_of(architecture) for architecture in architectures]

    history = climb(6, path, evaluator=evaluate).run(False)
    assert evaluated == [trial.architecture for trial in history.trials[4:]]


@pytest.mark.parametrize(("batch", "first"), [(1, 3), (2, 4), (4, 8)])
def test_more_trials_later_are_the_trials_of_a_longer_search(tmp_path, batch, first):
    path = tmp_path / "h.nas.jsonl"
    climb(first, path, batch).run(False)
    assert climb(11, path, batch).run(False) == climb(11, None, batch).run(False)
    assert History.load(path) == climb(11, None, batch).run(False)


def test_fewer_trials_than_the_history_has_are_done_at_once(tmp_path):
    path = tmp_path / "h.nas.jsonl"
    climb(5, path).run(False)
    search = climb(2, path)
    assert search.done and len(search.run(False).trials) == 5


def stop_at(trials, error=KeyboardInterrupt):
    """Return an evaluator that raises once, after so many trials."""
    left = [trials]

    def evaluate(architectures):
        if left[0] is not None and left[0] < len(architectures):
            left[0] = None
            raise error
        if left[0] is not None:
            left[0] -= len(architectures)
        return [trial_of(architecture) for architecture in architectures]

    return evaluate


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("same_object", [True, False])
def test_an_interrupted_search_goes_on(tmp_path, batch, error, same_object):
    path = tmp_path / "h.nas.jsonl"
    search = climb(10, path, batch, evaluator=stop_at(4, error))
    with pytest.raises(error):
        search.run(False)
    assert 3 <= len(search.history.trials) <= 4
    if not same_object:
        search = climb(10, path, batch)
    assert search.run(False) == climb(10, None, batch).run(False) == History.load(path)


def test_an_interrupt_while_writing_loses_no_event(tmp_path, monkeypatch):
    path = tmp_path / "h.nas.jsonl"
    search = climb(6, path)
    search.step()
    original = history_module.event_line
    for kind in ("ask", "trial"):

        def interrupted(space, event, kind=kind):
            if event["event"] == kind:
                raise KeyboardInterrupt
            return original(space, event)

        monkeypatch.setattr(history_module, "event_line", interrupted)
        with pytest.raises(KeyboardInterrupt):
            search.step()
        monkeypatch.setattr(history_module, "event_line", original)
    assert search.run(False) == climb(6).run(False) == History.load(path)


@pytest.mark.parametrize("closes", [True, False])
@pytest.mark.parametrize("method", ["write", "flush"])
def test_an_interrupt_just_after_writing_writes_no_event_twice(tmp_path, method, closes):
    class Interrupted:
        def __init__(self, file):
            self.file, self.calls = file, 0

        def __getattr__(self, name):
            def call(*arguments):
                result = getattr(self.file, name)(*arguments)
                self.calls += name == method
                if name == method and self.calls == 4:
                    raise KeyboardInterrupt
                return result

            return call

    path = tmp_path / "h.nas.jsonl"
    search = climb(6, path)
    search.step()
    log = search._log
    log._file = Interrupted(log._file)
    with pytest.raises(KeyboardInterrupt):
        for _ in search:
            pass
    if closes:
        log.close()
    else:
        log._file = log._file.file
    assert search.run(False) == climb(6).run(False) == History.load(path)


def test_a_strategy_that_fails_to_learn_is_told_again():
    search = climb(4)
    tell = search.strategy.tell
    search.step()

    def broken(trial):
        raise RuntimeError("a bug")

    search.strategy.tell = broken
    with pytest.raises(RuntimeError):
        search.step()
    search.strategy.tell = tell
    assert search.run(False) == climb(4).run(False)


def other_evaluator(architectures):
    return evaluate(architectures)


OTHERS = {
    "space": ({"space": SPACES["chain"]}, "belongs to another space: .*nasbench201.*now it is .*chain.*Choose another"),
    "settings": ({"greed": 0.1}, "belongs to another strategy: .*0.5.*now it is .*0.1"),
    "rng": ({"seed": 1}, "begun from another random state; make the strategy with the same rng to resume"),
    "evaluator": ({"evaluator": other_evaluator}, "belongs to another evaluator: .*evaluate.*other_evaluator"),
    "batch": ({"batch": 2}, "belongs to another batch: 1; now it is 2"),
}


@pytest.mark.parametrize(("change", "message"), OTHERS.values(), ids=OTHERS)
def test_a_history_of_another_search_is_refused_and_left_alone(tmp_path, change, message):
    path = tmp_path / "h.nas.jsonl"
    climb(3, path).run(False)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=message):
        climb(5, path, **change)
    assert path.read_bytes() == before


def test_a_space_with_other_decisions_is_named_by_them(tmp_path):
    path = tmp_path / "h.nas.jsonl"
    toy, other = (nas.SearchSpace("toy", [nas.Decision("width", widths)]) for widths in ((1, 2, 3), (1, 2, 4)))
    climb(2, path, space=toy).run(False)
    with pytest.raises(ValueError, match=r"another space: .*\[1, 2, 3\].*now it is .*\[1, 2, 4\]"):
        climb(2, path, space=other)


def test_a_strategy_that_proposes_something_else_is_refused(tmp_path):
    path = tmp_path / "h.nas.jsonl"
    climb(3, path).run(False)
    lines = path.read_text().splitlines()
    ask = json.loads(lines[3])
    ask["choices"][0] = (ask["choices"][0] + 1) % 5
    path.write_text("\n".join([*lines[:3], json.dumps(ask), *lines[4:]]) + "\n")
    with pytest.raises(ValueError, match=r"cannot resume: ask 1 of the history is .*but the strategy now proposes"):
        climb(5, path)


def test_two_searches_cannot_mix_their_lines_in_one_file(tmp_path):
    path = tmp_path / "h.nas.jsonl"
    first, second = climb(6, path), climb(6, path)
    first.step()
    with pytest.raises(ValueError, match="was changed by somebody else, perhaps by another search"):
        second.step()
    first.step()
    third = climb(6, path)
    third.step()
    with pytest.raises(ValueError, match="was changed by somebody else"):
        first.step()
    assert third.run(False) == climb(6).run(False) == History.load(path)


@pytest.mark.parametrize("row", [3, 4])
def test_a_history_whose_events_are_out_of_turn_is_refused(tmp_path, row):
    path = tmp_path / "h.nas.jsonl"
    climb(3, path).run(False)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[: row + 1], *lines[row:]]))
    with pytest.raises(ValueError, match=r"(ask|trial) 1 of the history is out of turn"):
        climb(5, path)


@pytest.mark.parametrize("step", ["run", "steps"])
def test_the_file_is_closed_when_the_search_is_done_or_interrupted(tmp_path, step):
    path = tmp_path / "h.nas.jsonl"
    search = climb(3, path, evaluator=stop_at(1))
    with pytest.raises(KeyboardInterrupt):
        search.run(False)
    assert search._log._file is None
    if step == "run":
        search.run(False)
    else:
        assert len(list(search)) == 2
    assert search._log._file is None


# A budget of seconds --------------------------------------------------------------------------


def spend(seconds, path=None, batch=1, trials=1000):
    """Trials cost 1.5 s, the failed ones 0.25 s."""
    strategy = Climb(SPACE, np.random.default_rng(0))
    return nas.search(strategy, evaluate, trials, batch=batch, seconds=seconds, history=path)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("seconds", [0.1, 7.5, 20])
def test_a_search_ends_with_the_batch_in_which_its_seconds_are_used_up(seconds, batch):
    search = spend(seconds, batch=batch)
    costs = [trial.cost for trial in search.run(False).trials]
    assert search.done and search.spent == sum(costs) >= seconds > sum(costs[:-batch])
    assert len(costs) % batch == 0 and set(costs) <= {0.25, 1.5}
    assert search.history == climb(len(costs), batch=batch).run(False)
    with pytest.raises(StopIteration, match="seconds are used up; search again with more seconds to go on"):
        search.step()


def test_trials_end_a_search_that_has_seconds_left():
    search = spend(1e9, trials=5)
    assert len(search.run(False).trials) == 5 and search.spent < 10
    with pytest.raises(StopIteration, match="all 5 trials are done"):
        search.step()


@pytest.mark.parametrize("batch", [1, 3])
def test_a_search_with_a_budget_killed_at_any_event_ends_where_the_uninterrupted_one_did(tmp_path, batch):
    path = tmp_path / "h.nas.jsonl"
    whole = spend(10, path, batch).run(False)
    lines = path.read_bytes().splitlines(keepends=True)
    for kept in range(1, len(lines) + 1):
        path.write_bytes(b"".join(lines[:kept]))
        resumed = spend(10, path, batch)
        assert resumed.run(False) == whole == History.load(path), kept
        assert resumed.spent == sum(trial.cost for trial in whole.trials)


@pytest.mark.parametrize("batch", [1, 3])
def test_more_seconds_later_are_the_trials_of_a_longer_search(tmp_path, batch):
    path = tmp_path / "h.nas.jsonl"
    spend(5, path, batch).run(False)
    assert spend(30, path, batch).run(False) == spend(30, None, batch).run(False)
    assert spend(4, path, batch).done


def test_a_budget_that_nothing_is_taken_from_is_refused():
    search = nas.search(Fixed(), ones, 3, seconds=10)
    with pytest.raises(ValueError, match=r"10 seconds every trial must have a cost; got one of 0 from ones"):
        search.step()
    for seconds in (0, -1, math.nan):
        with pytest.raises(ValueError, match="seconds must be above 0, or None for no such budget; got"):
            nas.search(Fixed(), ones, 3, seconds=seconds)


@pytest.mark.parametrize("batch", [1, 3])
def test_seconds_alone_end_a_search(batch):
    search = spend(20, batch=batch, trials=None)
    assert search.run(False) == spend(20, batch=batch).run(False) and search.done and search.trials is None
    with pytest.raises(StopIteration, match="the 20 seconds are used up"):
        search.step()


def test_seconds_alone_are_shown_in_the_bar(capsys):
    spend(20, trials=None).run()
    assert re.search(r"\d+trial .*, \d+ of 20 s", capsys.readouterr().err)


def test_a_search_that_would_never_end_is_refused():
    for endless in ({}, {"trials": None}, {"seconds": math.inf}):
        with pytest.raises(ValueError, match="must know when to end: give trials, or seconds, or both; got neither"):
            nas.search(Fixed(), ones, **endless)
    with pytest.raises(ValueError, match=r"got one of 0 from ones\. Say how many trials instead, or set cost="):
        nas.search(Fixed(), ones, seconds=10).step()
    free = lambda cells: [nas.Trial(cell, failure="too large") for cell in cells]  # noqa: E731
    with pytest.raises(ValueError, match=r"every trial must have a cost; got one of 0, which failed \(too large\)"):
        nas.search(Fixed(), free, seconds=10).step()
    assert nas.search(Fixed(), free, 3, seconds=10).step().failure == "too large", "the trials end this one"


def test_a_frame_says_how_much_time_had_been_spent():
    history = spend(20).run(False)
    frame = history.to_frame()
    assert frame["elapsed"].tolist() == np.cumsum([trial.cost for trial in history.trials]).tolist()
    assert frame["elapsed"].iloc[-2] < 20 <= frame["elapsed"].iloc[-1]


# Several fidelities ---------------------------------------------------------------------------


class Deepen(Climb):
    """Proposes new architectures for 1 or 2.5 epochs, the best for 9, and now and then says nothing of epochs."""

    def ask(self):
        architecture, kind = super().ask(), self.rng.integers(4)
        if kind == 3:
            return architecture
        if kind == 2 and self.best is not None:
            return nas.Proposal(self.best.architecture, 9)
        return nas.Proposal(architecture, (1, 2.5)[kind % 2])


class Trainer:
    """Trains for 3 epochs, or for any other number of them; every seventh architecture fails."""

    settings = {}  # noqa: RUF012

    def __init__(self, epochs=3, calls=None):
        self.epochs, self.calls = epochs, [] if calls is None else calls

    def at(self, epochs):
        return Trainer(epochs, self.calls)

    def __call__(self, architectures):
        self.calls.append((self.epochs, architectures))
        return [self.trial(architecture) for architecture in architectures]

    def trial(self, architecture):
        if sum(architecture.choices) % 7 == 0:
            return nas.Trial(architecture, failure="seven")
        return nas.Trial(architecture, accuracy=sum(architecture.choices) / 30 / self.epochs, epochs=self.epochs)


def deepen(trials, path=None, batch=1, evaluator=None):
    strategy = Deepen(SPACE, np.random.default_rng(0))
    return nas.search(strategy, evaluator or Trainer(), trials, batch=batch, history=path)


@pytest.mark.parametrize("batch", [1, 5])
def test_a_proposal_is_evaluated_for_its_epochs_and_what_has_the_same_together(batch):
    trainer = Trainer()
    history = deepen(60, batch=batch, evaluator=trainer).run(False)
    asks = [event for event in history.events if event["event"] == "ask"]
    assert {ask.get("epochs") for ask in asks} == {None, 1, 2.5, 9}
    for ask, trial in zip(asks, history.trials, strict=True):
        assert trial.number == ask["number"] and list(trial.architecture.choices) == ask["choices"]
        wanted = Trainer(ask.get("epochs", 3)).trial(trial.architecture)
        assert (trial.score, trial.failure) == (wanted.score, wanted.failure)
        assert trial.epochs == ask.get("epochs", None if trial.failure else 3), "also of one that failed without saying"
    for start in range(0, 60, batch):
        groups = [trainer.calls.pop(0) for _ in {ask.get("epochs") for ask in asks[start : start + batch]}]
        assert len({epochs for epochs, _ in groups}) == len(groups)
        assert sum(len(architectures) for _, architectures in groups) == batch
    assert list(history.to_frame()["epochs"].dropna()) == [t.epochs for t in history.trials if t.epochs is not None]


@pytest.mark.parametrize("batch", [1, 4])
def test_a_search_of_several_fidelities_killed_at_any_event_resumes(tmp_path, batch):
    path = tmp_path / "h.nas.jsonl"
    whole = deepen(12, path, batch).run(False)
    lines = path.read_bytes().splitlines(keepends=True)
    for kept in range(1, len(lines)):
        path.write_bytes(b"".join(lines[:kept]))
        resumed = deepen(12, path, batch)
        assert resumed.run(False) == whole == History.load(path), kept
        assert path.read_bytes().splitlines()[1:] == [line.strip() for line in lines[1:]]


def test_other_epochs_than_those_of_the_history_are_refused(tmp_path):
    path = tmp_path / "h.nas.jsonl"
    deepen(12, path).run(False)
    lines = path.read_text().splitlines()
    changed = next(row for row, line in enumerate(lines) if '"epochs":2.5' in line and '"ask"' in line)
    lines[changed] = lines[changed].replace('"epochs":2.5', '"epochs":2')
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(ValueError, match=r"cannot resume: ask \d+ .* for 2 epochs, .* now proposes .* for 2.5 epochs"):
        deepen(12, path)


def test_an_evaluator_without_at_is_named_when_epochs_are_proposed():
    with pytest.raises(TypeError, match=r"Deepen says for how many epochs.* must have at\(epochs\).*got evaluate with"):
        deepen(12, evaluator=evaluate).run(False)


def test_at_must_train_for_the_epochs_that_it_was_asked_for():
    trainer = Trainer()
    trainer.at = lambda epochs: trainer
    with pytest.raises(ValueError, match=r"evaluator\.at\((1|2\.5|9)\) must train for \1 epochs; got 3"):
        deepen(12, evaluator=trainer).run(False)


def test_the_incumbent_is_the_best_of_those_trained_for_longest():
    search = deepen(60)
    for _ in search:
        done = [trial for trial in search.history.trials if trial.failure is None]
        if done:
            longest = [trial for trial in done if (trial.epochs or 0) == max(each.epochs or 0 for each in done)]
            assert search.history.incumbent is max(longest, key=lambda trial: trial.score)
    best = search.history.incumbent
    assert best.epochs == 9 and best.score < max(trial.score for trial in search.history.trials)


@pytest.mark.parametrize("epochs", [0, -1, math.inf, math.nan])
def test_a_proposal_is_for_a_positive_number_of_epochs(epochs):
    with pytest.raises(ValueError, match="epochs of a proposal must be above 0 and finite; got"):
        nas.Proposal(SPACE.sample(np.random.default_rng(0)), epochs)


def test_whole_epochs_of_a_proposal_are_an_int():
    architecture = SPACE.sample(np.random.default_rng(0))
    for epochs in (3, 3.0, np.int64(3), np.float32(3)):
        assert type(nas.Proposal(architecture, epochs).epochs) is int
    assert nas.Proposal(architecture, 0.5).epochs == 0.5


# Files that are not what they should be -------------------------------------------------------


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "h.nas.jsonl"
    climb(3, path).run(False)
    return path


def test_a_cut_last_line_is_left_out_with_a_warning(written):
    written.write_bytes(written.read_bytes()[:-10])
    with pytest.warns(UserWarning, match=r"the last line was cut off and is left out") as caught:
        history = History.load(written)
    assert len(history.trials) == 2 and caught[0].filename == __file__


@pytest.mark.parametrize(
    "garbage", ["!", "[1]", '{"event":"ask","number":1', '{"event":"dance","number":1}', '{"event":"ask"}']
)
def test_garbage_in_the_middle_is_named_by_its_line(written, garbage):
    lines = written.read_text().splitlines()
    lines[3] = garbage
    written.write_text("\n".join(lines) + "\n")
    with pytest.raises(ValueError, match=r"h.nas.jsonl, line 4: expected"):
        History.load(written)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            {"format": "nasedu.history", "version": 2},
            "has version 2 of nasedu.history; this nasedu reads 1. Update nasedu",
        ),
        ({"format": "other"}, "is not a nasedu.history file: its format is 'other'"),
        ({}, "its format is None"),
    ],
)
def test_another_format_or_version_is_refused(written, header, message):
    lines = written.read_text().splitlines()
    written.write_text("\n".join([json.dumps(header), *lines[1:]]) + "\n")
    for read in (History.load, lambda path: climb(3, path)):
        with pytest.raises(ValueError, match=message):
            read(written)


def test_a_file_without_a_whole_line_is_no_history(written):
    written.write_bytes(written.read_bytes()[:20])
    with pytest.warns(UserWarning, match="cut off"), pytest.raises(ValueError, match="it has no complete line"):
        History.load(written)


def test_somebody_elses_file_is_not_overwritten(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("my notes")
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="not a history"):
        climb(3, path)
    assert path.read_text() == "my notes"


def test_a_trial_that_nobody_asked_for_is_refused():
    history = climb(2).run(False)
    lonely = History(history.header, [event for event in history.events if event["event"] == "trial"])
    with pytest.raises(ValueError, match="trial 0 without an ask of that number"):
        _ = lonely.trials


# Evaluators that answer wrongly ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda cells: evaluate(cells)[:-1], "one trial per architecture: 2; got 1"),
        (lambda cells: evaluate(cells)[::-1], "must keep the order: expected <nasbench201"),
        (lambda cells: None, "must return a list of trials.*got None"),
        (lambda cells: [0.9, 0.8], r"must return a list of trials.*accuracy=0.9.*got 0.9 in it"),
    ],
)
def test_a_wrong_answer_of_the_evaluator_is_refused(answer, message):
    search = nas.search(RandomSearch(SPACE, np.random.default_rng(0)), answer, 4, batch=2)
    with pytest.raises(ValueError, match=message):
        search.step()


@pytest.mark.parametrize(
    ("arguments", "message"), [((0,), "trials must be at least 1; got 0"), ((1, None, 0), "batch must be")]
)
def test_a_search_of_nothing_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        climb(*arguments)


def test_states_and_settings_that_are_no_plain_data_are_refused():
    search = climb(2)
    search.strategy.settings = {"space": object()}
    with pytest.raises(ValueError, match="must be numbers, strings, lists, dicts or numpy arrays; got object"):
        nas.search(search.strategy, evaluate, 2)


class Scripted:
    """A strategy as a user writes one: no ``settings``, and arguments of many kinds."""

    def __init__(self, space, rng, rate, sizes=(1, 2), model=None, measure=len, forgotten=1):
        self.space, self.rng, self.rate, self.sizes, self.model, self.measure = space, rng, rate, sizes, model, measure
        self.other = "no argument"

    def ask(self):
        return self.space.sample(self.rng)

    def tell(self, trial):
        pass


def test_a_history_names_the_arguments_of_a_strategy():
    strategy = Scripted(SPACE, np.random.default_rng(0), 0.5, model=object())
    wrapped = nas.strategies.WithoutRepeats(strategy, attempts=7)
    inner = {"rate": 0.5, "sizes": [1, 2], "model": "object", "measure": "len"}
    assert nas.search(strategy, evaluate, 2).history.header["strategy"]["settings"] == inner
    assert nas.search(wrapped, evaluate, 2).history.header["strategy"]["settings"] == {
        "strategy": {"name": "Scripted", "settings": inner},
        "attempts": 7,
    }


# What is in a history -------------------------------------------------------------------------


def test_trials_come_back_as_they_were_told():
    told = []
    search = climb(30)
    tell = search.strategy.tell
    search.strategy.tell = lambda trial: (told.append(trial), tell(trial))
    trials = search.run(False).trials
    assert [repr(trial) for trial in trials] == [repr(trial) for trial in told]
    assert any(trial.failure for trial in trials) and any(
        not trial.failure and math.isnan(trial.metrics["validation_loss"].value) for trial in trials
    )


def test_the_incumbent_is_the_first_of_the_best_and_never_a_failed_one():
    search = climb(60)
    for count, _ in enumerate(search, start=1):
        done = [trial for trial in search.history.trials if trial.failure is None]
        if done:
            assert search.history.incumbent is max(done, key=lambda trial: trial.score)
        assert len(search.history.trials) == count


def test_on_a_tie_the_first_stays_incumbent():
    def equal(architectures):
        return [nas.Trial(architecture, accuracy=0.5) for architecture in architectures]

    assert climb(5, evaluator=equal).run(False).incumbent.number == 0


def test_no_incumbent_says_why():
    search = nas.search(
        RandomSearch(SPACE, np.random.default_rng(0)),
        lambda cells: [nas.Trial(c, failure="no memory") for c in cells],
        2,
    )
    with pytest.raises(ValueError, match=r"no incumbent yet: no trial has finished. Run at least one trial"):
        _ = search.history.incumbent
    with pytest.raises(ValueError, match="and 2 failed: no memory"):
        _ = search.run(False).incumbent


def test_calling_trials_after_every_step_decodes_each_event_once(monkeypatch):
    decoded = []
    original = history_module.trial_from_event
    monkeypatch.setattr(
        history_module, "trial_from_event", lambda event, a: (decoded.append(event["number"]), original(event, a))[1]
    )
    logged = climb(50, batch=5).run(False)
    history = History(logged.header, [], SPACE)
    for event in logged.events:
        history.events.rows.append(event)
        _ = history.trials, history.trials and history.incumbent
    assert decoded == list(range(50))
    assert history._asked == {}, "answered asks are forgotten, so nothing is searched for"


def test_what_was_told_is_kept_and_becomes_plain_data_when_looked_at():
    told = []
    search = nas.search(Fixed(tell=told.append), evaluate, 5, batch=2)
    history = search.run(False)
    assert all(trial is each for trial, each in zip(history.trials, told, strict=True)), "nothing is made anew"
    assert [event["event"] for event in history.events[3:5]] == ["trial", "ask"] == history.events.kinds()[3:5]
    assert repr(history.events) == repr(list(history.events)) and history.events[-1] == list(history.events)[-1]
    again = History(history.header, history.events, SPACE)
    assert [repr(trial) for trial in again.trials] == [repr(trial) for trial in told]
    assert again == history and again.events.kinds() == history.events.kinds()


def test_a_step_costs_as_much_after_five_thousand_trials_as_after_one_hundred():
    """Counted in calls, which repeat; trials and incumbent are looked at after each step."""
    calls = []

    def count(frame, kind, argument):
        calls[-1] += kind in ("call", "c_call")

    search = nas.search(Fixed(), ones, 6000)
    for number in range(5001):
        if number in (100, 5000):
            calls.append(0)
            sys.setprofile(count)
        search.step()
        _ = search.history.trials, search.history.incumbent
        sys.setprofile(None)
    assert 20 < calls[0] == calls[1] < 100


def test_a_trial_of_ones_own_class_stays_one():
    class Sure(nas.Trial):
        """Has a method more."""

        def doubled(self):
            return 2 * self.score

    told = []
    strategy = Fixed(tell=told.append)
    nas.search(strategy, lambda cells: [Sure(cell, accuracy=0.25) for cell in cells], 1).run(False)
    assert told[0].doubled() == 0.5 and told[0].number == 0


def test_snapshots_thin_out_and_stay_about_a_thousand():
    numbers = [number for number in range(1_000_000) if is_snapshot(number)]
    assert numbers[:512] == list(range(512))
    for power in range(9, 19):
        assert sum(2**power <= number < 2 ** (power + 1) for number in numbers) == 64
    assert len([number for number in numbers if number < 100_000]) < 1_000


def test_state_and_diagram_are_in_snapshots_alone(tmp_path):
    path = tmp_path / "h.nas.jsonl"
    climb(600, path).run(False)
    for row in rows(path)[1:]:
        assert ("state" in row) == is_snapshot(row["number"])
        assert ("diagram" in row) == (row["event"] == "ask" and is_snapshot(row["number"]))
        assert ("name" in row) == (row["event"] == "ask")


def test_state_has_four_significant_digits_and_no_file_has_nan(tmp_path):
    path = tmp_path / "h.nas.jsonl"
    climb(30, path).run(False)

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    read = [json.loads(line, parse_constant=refuse) for line in path.read_text().splitlines()]
    assert read[2]["state"]["third"] == 0.3333 and read[4]["state"]["third"] == 1.333
    assert read[2]["state"]["probabilities"] == [[0.1429, None]]
    assert read[1]["state"]["best"] is None
    assert any(row.get("metrics", {}).get("validation_loss", {}).get("value", 0) is None for row in read)


def test_the_history_of_a_space_that_is_not_installed_is_read_and_drawn(tmp_path):
    class Drawn(Perceptron):
        def format(self, choices):
            return f"perceptron {choices[0]}-{choices[1]}-{choices[2]}"

        def diagram(self, architecture):
            return nas.Diagram((nas.Node(str(architecture.choices), 0, 0, "x"),), ())

    path = tmp_path / "h.nas.jsonl"
    climb(300, path, space=Drawn()).run(False)
    loaded = History.load(path)
    assert isinstance(loaded.space, RecordedSpace) and loaded.space == Drawn()
    for trial in loaded.trials:  # also those that came again where no diagram was recorded
        assert trial.architecture == Drawn().architecture(trial.architecture.choices)
        assert str(trial.architecture) == Drawn().format(trial.architecture.choices)
        assert loaded.space.diagram(trial.architecture) == Drawn().diagram(trial.architecture)
    assert climb(301, path, space=Drawn()).run(False).space.sample(np.random.default_rng(0)), "the student's own space"


def test_a_frame_has_a_row_per_trial():
    frame = climb(30).run(False).to_frame()
    assert list(frame["number"]) == list(range(30)) and frame["flops"].notna().any()
    assert frame.loc[frame["failure"].notna(), "score"].isna().all()


def steps(path=None, count=300):
    """Return the log of a made-up weight-sharing search."""
    log = Log({**header_start(SPACE), "strategy": {"name": "DARTS"}}, SPACE, path)
    for number in range(count):
        choices = list(SPACE.sample(np.random.default_rng(number)).choices)
        log.append({"event": "step", "number": number, "choices": choices}, {"train_loss": 1 / (1 + number)})
    return log


def test_steps_have_a_frame_and_a_derived_architecture(tmp_path):
    log = steps(tmp_path / "h.nas.jsonl")
    log.close()
    for history in (log.history, History.load(tmp_path / "h.nas.jsonl")):
        frame = history.to_frame()
        assert len(frame) == 300 and frame["train_loss"].notna().sum() == 300
        assert list(history.derived.choices) == history.events[-1]["choices"]
    with pytest.raises(ValueError, match=r"nothing is derived yet: the history has no steps"):
        _ = climb(2).run(False).derived


def test_steps_beyond_a_checkpoint_are_dropped_from_memory_and_file(tmp_path):
    path = tmp_path / "h.nas.jsonl"
    log = steps(path, 10)
    log.keep(4)
    assert len(log.history.events) == 4 and log.history == History.load(path)
    log.append({"event": "step", "number": 4, "choices": [0] * 6}, None)
    log.close()
    assert [event["number"] for event in History.load(path).events] == [0, 1, 2, 3, 4]


def test_a_strategy_without_state_or_settings_is_enough(tmp_path):
    class Bare:
        def __init__(self):
            self.space, self.rng = SPACE, np.random.default_rng(0)

        def ask(self):
            return self.space.sample(self.rng)

        def tell(self, trial):
            pass

    path = tmp_path / "deep" / "er" / "h.nas.jsonl"
    nas.search(Bare(), evaluate, 3, history=path).run(False)
    assert nas.search(Bare(), evaluate, 5, history=str(path)).run(False) == nas.search(Bare(), evaluate, 5).run(False)


def test_nothing_that_is_read_can_run_code():
    for module in (nas.core, history_module, loop):
        source = inspect.getsource(module)
        assert not any(
            word in source for word in ("pickle", "eval(", "exec(", "__import__", "marshal", "import_module")
        )


def test_a_hundred_thousand_events_are_read_in_seconds(tmp_path):
    """About 0.5 s on two cores; the bar is ten times that."""
    path = tmp_path / "h.nas.jsonl"
    header = climb(1).history.header
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(header) + "\n")
        for number in range(50_000):
            file.write(f'{{"event":"ask","number":{number},"choices":[1,2,3,4,0,{number % 5}],"name":"|…|"}}\n')
            file.write(f'{{"event":"trial","number":{number},"score":0.5,"accuracy":0.5}}\n')
    before = os.times()
    history = History.load(path)
    assert history.events[-1]["number"] == 49_999 and history._decoded == 0, "rows become trials when touched"
    assert os.times().user - before.user < 5


def test_going_on_from_within_a_batch_is_valid_but_asks_in_other_groups(tmp_path):
    """A known limit: the last batch of a total that is no multiple of it is smaller, and stays so."""
    path = tmp_path / "h.nas.jsonl"
    climb(6, path, 4).run(False)
    resumed = climb(12, path, 4).run(False)
    assert len(resumed.trials) == 12
    kinds = [event["event"] for event in resumed.events]
    assert (
        kinds
        == ["ask"] * 4
        + ["trial"] * 4
        + (["ask"] * 2 + ["trial"] * 2)
        + ["ask"] * 4
        + ["trial"] * 4
        + ["ask"] * 2
        + ["trial"] * 2
    )


class Fixed:
    """A student's strategy with nothing but what a search needs."""

    def __init__(self, **attributes):
        self.space = SPACE
        self.__dict__.update(attributes)

    def ask(self):
        return self.space.architecture((0,) * len(SPACE.decisions))

    def tell(self, trial):
        pass


def ones(architectures):
    return [nas.Trial(architecture, accuracy=1.0) for architecture in architectures]


def test_a_strategy_needs_no_rng(tmp_path):
    history = nas.search(Fixed(), ones, trials=3, history=tmp_path / "h.nas.jsonl").run(False)
    assert history.header["strategy"]["rng"] is None
    assert nas.search(Fixed(), ones, trials=3, history=tmp_path / "h.nas.jsonl").run(False) == history


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (Fixed, ones, 3),
            r"a strategy is an object with ask\(\), tell\(trial\) and its .* got the class Fixed: call it",
        ),
        ((ones, Fixed(), 3), r"got function, without ask, tell, space"),
        ((Fixed(space=None), ones, 3), r"got Fixed, without space"),
        ((Fixed(space=nas.spaces.NASBench201), ones, 3), r"the space of Fixed is the class NASBench201: call it"),
        ((Fixed(), nas.evaluators.Train, 3), r"a list of trials; got the class Train: call it"),
        ((Fixed(rng=0), ones, 3), r"rng must be a numpy Generator; got 0\. Make one: np\.random\.default_rng\(0\)"),
        ((Fixed(), [], 3), r"an evaluator is a function from a list of architectures to a list of trials; got \[\]"),
        ((Fixed(), ones, 3.0), r"trials must be a whole number; got 3\.0"),
        ((Fixed(), ones, 0), r"trials must be at least 1; got 0"),
    ],
)
def test_what_cannot_make_a_search_is_refused(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        nas.search(*arguments)


class Unhashable(Fixed):
    """Compares by what it holds, so it has no hash."""

    def __eq__(self, other):
        return isinstance(other, Unhashable)


@pytest.mark.parametrize("make", [Fixed, Unhashable, lambda: nas.strategies.WithoutRepeats(Fixed())])
def test_a_strategy_searches_once(make):
    strategy = make()
    waiting = nas.search(strategy, ones, trials=2)  # it has asked nothing
    search = nas.search(strategy, ones, trials=2)
    search.step()
    with pytest.raises(ValueError, match=r"has already searched; make a new one: strategy = "):
        nas.search(strategy, ones, trials=2)
    with pytest.raises(ValueError, match="already searched"):
        waiting.step()
    assert len(search.run(progress=False).trials) == 2, "the same search goes on"
    assert len(nas.search(make(), ones, trials=2).run(progress=False).trials) == 2, "an equal one is not the same"


def test_a_used_strategy_in_a_new_wrapper_has_searched_too_and_what_has_replayed_as_well(tmp_path):
    strategy, path = Fixed(), tmp_path / "fixed.nas.jsonl"
    nas.search(strategy, ones, trials=1, history=path).run(progress=False)
    with pytest.raises(ValueError, match="already searched"):
        nas.search(nas.strategies.WithoutRepeats(strategy), ones, trials=1)
    resumed = Fixed()
    nas.search(resumed, ones, trials=2, history=path)
    with pytest.raises(ValueError, match="already searched"):
        nas.search(resumed, ones, trials=2)


def test_a_strategy_that_cannot_be_remembered_searches():
    class Slots:
        __slots__ = ("space",)

        def ask(self):
            return self.space.sample(np.random.default_rng(0))

        def tell(self, trial):
            pass

    strategy = Slots()
    strategy.space = nas.spaces.NASBench201()
    assert len(nas.search(strategy, ones, trials=1).run(progress=False).trials) == 1


def test_strategies_are_not_kept_alive_by_having_searched():
    strategy = Fixed()
    nas.search(strategy, ones, trials=1).run(progress=False)
    left, key = weakref.ref(strategy), id(strategy)
    del strategy
    gc.collect()
    assert left() is None
    assert key not in loop._SEARCHED


@pytest.mark.parametrize("answer", [None, (0, 0), [0]])
def test_what_is_asked_for_is_an_architecture(answer):
    strategy = Fixed(ask=lambda: answer)
    with pytest.raises(TypeError, match=r"ask\(\) must return an architecture"):
        nas.search(strategy, ones, trials=1).step()


def test_a_file_that_is_no_history_is_left_alone(tmp_path):
    path = tmp_path / "ten.py"
    path.write_text("import numpy\nprint(10)\n")
    with pytest.raises(ValueError, match=r"ten\.py is not a nasedu\.history file: its first line is b'import numpy'"):
        nas.search(Fixed(), ones, trials=1, history=path)
    assert path.read_text() == "import numpy\nprint(10)\n"
