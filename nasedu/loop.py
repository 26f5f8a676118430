"""The loop of a black-box search: ask, evaluate, tell, and log all of it as it happens.

    until there are enough trials:
        ask the strategy for a batch of architectures      log each ask
        evaluate them
        tell the strategy each trial                       log each trial

Because evaluators are pure, resuming is replaying: the strategy asks and is told again in the
logged order, every proposal is checked against the log, and no logged trial is evaluated twice.
"""

from __future__ import annotations

import contextlib
import datetime
import inspect
import json
import math
import os
import platform
import warnings
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from nasedu.core import FORMAT_VERSION, Architecture, Evaluator, Proposal, SearchSpace, Strategy, Trial
from nasedu.history import (
    HISTORY_FORMAT,
    Ask,
    Event,
    History,
    Row,
    event_of,
    for_the_eye,
    is_snapshot,
    plain,
    read_history,
    to_json_line,
    trial_from_event,
)

__all__ = ["Log", "Search", "check_fresh", "header_start", "note_searched", "search"]

EXAMPLE = "such as [nas.Trial(architecture, accuracy=0.9)]"
_SEARCHED: dict[int, weakref.ref[Any]] = {}  # strategies that have searched, by id: not all can be hashed


def search(
    strategy: Strategy,
    evaluator: Evaluator,
    trials: int | None = None,
    *,
    batch: int = 1,
    seconds: float | None = None,
    history: str | Path | None = None,
) -> Search:
    """Prepare a search: iterate over it, ``step()`` it or ``run()`` it.

    Args:
        strategy: proposes architectures and learns from trials; fresh, also when resuming. Any object with
            ``ask() -> Architecture``, ``tell(trial)``, and its search space as ``space``; if it draws at random, from
            a numpy Generator in ``rng``. See :class:`nasedu.core.Strategy`.
        evaluator: a list of architectures to a list of trials, in the same order. For a strategy whose asks are
            proposals, its ``at(epochs)`` returns such an evaluator that trains for so long.
        trials: the total, those of a resumed history included; at least 1. May be left out where ``seconds`` are given.
        batch: how many are asked before they are evaluated together; at least 1. Where the total is no multiple of
            it, the last batch is smaller; a search that goes on from there with more trials is a valid one, but asks
            in other groups than one that had the larger total from the start.
        seconds: a budget: the search also ends when the costs of all its trials, those of a resumed history included,
            add up to this or more, above 0. A batch that was begun before is finished. On a table a trial costs what
            its training would have taken, so hours are searched in a second. None for no such end.
        history: a ``*.nas.jsonl`` file to append to. If it exists, the search goes on where it stopped.

    Raises:
        ValueError: the file belongs to another space, strategy, evaluator, batch or random state, the strategy has
            already searched, an argument is out of its range, or there are neither trials nor seconds.
        TypeError: the strategy lacks one of these, or an argument is of another kind.
    """
    return Search(strategy, evaluator, trials, batch, seconds, history)


class Search:
    """A black-box search that can be stepped, run, interrupted and resumed. Made by :func:`search`.

    Attributes:
        history: the log so far.
        trials: how many trials there will be in all, if no budget of seconds ends the search before; None where only
            that does.
        spent: the cost of all trials so far, in seconds.
    """

    def __init__(
        self,
        strategy: Strategy,
        evaluator: Evaluator,
        trials: int | None,
        batch: int,
        seconds: float | None,
        path: str | Path | None,
    ) -> None:
        _check_arguments(strategy, evaluator, trials, batch, seconds)
        check_fresh(strategy)
        self.strategy, self.evaluator, self.trials, self.batch = strategy, evaluator, trials, batch
        self.seconds, self.spent = seconds, 0.0
        self._most = math.inf if trials is None else trials
        self._at: dict[float, Evaluator] = {}  # the evaluator by epochs, for strategies that say how many
        self._asked: deque[Ask] = deque()  # asked, not answered
        self._answered: deque[Trial] = deque()  # evaluated, not told
        self._asks = self._tells = 0
        self._has_begun = False
        self._log: Log = Log(_header(strategy, evaluator, batch), strategy.space, path)
        for event in list(self.history.events):
            self._replay(event)

    @property
    def history(self) -> History:
        """The log so far."""
        return self._log.history

    @property
    def done(self) -> bool:
        """Whether all trials are in the history, or the budget of seconds is used up and no ask is left unanswered."""
        is_spent = self.seconds is not None and self.spent >= self.seconds
        return self._tells >= self._most or (is_spent and not self._asked)

    def __iter__(self) -> Iterator[Trial]:
        return self

    def __next__(self) -> Trial:
        return self.step()

    def step(self) -> Trial:
        """Advance by one trial and return it. Where the batch is larger, it is evaluated as a whole first.

        Raises:
            StopIteration: all trials are done, or the budget of seconds is used up.
            ValueError: the evaluator's answer is not one trial per architecture, in their order.
        """
        if self.done:
            if self._tells < self._most:
                raise StopIteration(f"the {self.seconds} seconds are used up; search again with more seconds to go on.")
            raise StopIteration(f"all {self.trials} trials are done; search again with more trials to go on.")
        if not self._answered:
            self._ask_batch()
            self._answered.extend(self._evaluate())
        trial = self._answered[0]
        self.strategy.tell(trial)
        self._answered.popleft()
        self._asked.popleft()
        self._tells += 1
        self.spent += trial.cost
        self._log.append(trial, getattr(self.strategy, "state", None))
        if self.done:
            self._log.close()
        return trial

    def run(self, progress: bool = True) -> History:
        """Run all trials that are left and return the history. Interrupting keeps what is done."""
        from tqdm.auto import tqdm

        try:
            with tqdm(total=self.trials, initial=self._tells, disable=not progress, unit="trial") as bar:
                for trial in self:
                    if progress:
                        bar.update()
                        spent = "" if self.seconds is None else f", {self.spent:.0f} of {self.seconds:.0f} s"
                        bar.set_postfix_str(f"score {trial.score:.4g}{spent}", refresh=False)
        finally:
            self._log.close()
        return self.history

    def _ask_batch(self) -> None:
        """Ask until the batch is full, unless some of it has been answered already."""
        if self._asked and self.history.events[-1]["event"] == "trial":
            return
        while len(self._asked) < self.batch and self._asks < self._most:
            asked = self._ask()
            self._asked.append(asked)
            self._asks += 1
            self._log.append(asked, getattr(self.strategy, "state", None))

    def _ask(self) -> Ask:
        """Ask the strategy: an architecture, or a proposal that says for how many epochs."""
        if not self._has_begun:
            check_fresh(self.strategy)
            note_searched(self.strategy)
            self._has_begun = True
        proposed = self.strategy.ask()
        architecture = proposed.architecture if isinstance(proposed, Proposal) else proposed
        if not isinstance(architecture, Architecture):
            raise TypeError(
                f"ask() must return an architecture, such as self.space.sample(self.rng); got {architecture!r}."
            )
        return Ask(self._asks, architecture, proposed.epochs if isinstance(proposed, Proposal) else None)

    def _evaluate(self) -> list[Trial]:
        """Return the trials of what was asked, in that order; what has the same epochs is evaluated together."""
        if len(self._asked) == 1:
            return self._evaluate_group(self._asked[0].epochs, [self._asked[0]])
        groups: dict[float | None, list[Ask]] = {}
        for asked in self._asked:
            groups.setdefault(asked.epochs, []).append(asked)
        trials = [trial for epochs, group in groups.items() for trial in self._evaluate_group(epochs, group)]
        return trials if len(groups) == 1 else sorted(trials, key=lambda trial: trial.number or 0)

    def _evaluate_group(self, epochs: float | None, group: list[Ask]) -> list[Trial]:
        trials = self._evaluator(epochs)([asked.architecture for asked in group])
        if not isinstance(trials, (list, tuple)):
            raise ValueError(f"the evaluator must return a list of trials, {EXAMPLE}; got {str(trials)[:80]}.")
        if len(trials) != len(group):
            raise ValueError(f"the evaluator must return one trial per architecture: {len(group)}; got {len(trials)}.")
        return [self._numbered(trial, asked) for trial, asked in zip(trials, group, strict=True)]

    def _numbered(self, trial: Trial, asked: Ask) -> Trial:
        """Check that a trial is of what was asked, and return it with the number of the ask."""
        number, architecture, epochs = asked
        if not isinstance(trial, Trial):
            raise ValueError(f"the evaluator must return a list of trials, {EXAMPLE}; got {str(trial)[:80]} in it.")
        if trial.architecture != architecture:
            raise ValueError(
                f"the evaluator must keep the order: expected {architecture!r}; got {trial.architecture!r}."
            )
        if self.seconds is not None and trial.cost == 0 and (trial.failure is None or self.trials is None):
            failed = "" if trial.failure is None else f", which failed ({trial.failure}),"
            way_out = "Leave seconds out" if self.trials is not None else "Say how many trials instead"
            raise ValueError(
                f"with a budget of {self.seconds} seconds every trial must have a cost; got one of 0{failed} from "
                f"{_name(self.evaluator)}. {way_out}, or set cost= of the trials."
            )
        if trial.epochs is not None:
            if epochs not in (None, trial.epochs) and trial.failure is None:
                raise ValueError(f"evaluator.at({epochs}) must train for {epochs} epochs; got {trial.epochs}.")
            epochs = trial.epochs
        return _copy(trial, number, epochs)

    def _evaluator(self, epochs: float | None) -> Evaluator:
        """Return the evaluator, or what trains for so many epochs."""
        if epochs is None:
            return self.evaluator
        if not hasattr(self.evaluator, "at"):
            raise TypeError(
                f"{type(self.strategy).__name__} says for how many epochs to train (now {epochs}), so the evaluator "
                "must have at(epochs), which returns an evaluator that does, as nas.evaluators.Train and tables have; "
                f"got {_name(self.evaluator)} without it."
            )
        if epochs not in self._at:
            self._at[epochs] = self.evaluator.at(epochs)
        return self._at[epochs]

    def _replay(self, event: Event) -> None:
        """Repeat one logged event and check that the strategy still does the same."""
        kind, number = event["event"], event["number"]
        expected = self._asks if kind == "ask" else self._asked[0].number if self._asked else None
        if kind == "step" or number != expected:
            raise ValueError(
                f"cannot resume: {kind} {number} of the history is out of turn. Two searches may have written to the "
                "same file. Choose another one."
            )
        if kind == "trial":
            trial = trial_from_event(event, self._asked.popleft().architecture)
            self.strategy.tell(trial)
            self._tells += 1
            self.spent += trial.cost
            return
        asked = self._ask()
        logged, now = (_what(each) for each in (event, event_of(asked)))
        if logged != now:
            raise ValueError(
                f"cannot resume: ask {number} of the history is {logged}, but the strategy now proposes {now}. "
                "Use a fresh strategy, the same version of nasedu and as many threads."
            )
        self._asked.append(asked)
        self._asks += 1


def _copy(trial: Trial, number: int, epochs: float | None) -> Trial:
    """Return the trial with this number and these epochs; what else it has was checked when it was made."""
    if type(trial) is not Trial:
        return replace(trial, number=number, epochs=epochs)
    copy, set_once = object.__new__(Trial), object.__setattr__
    for name in Trial.__slots__:
        set_once(copy, name, getattr(trial, name))
    set_once(copy, "number", number)
    set_once(copy, "epochs", epochs)
    return copy


class Mark(NamedTuple):
    """A place in a log's file: after so many bytes and so many events."""

    length: int
    events: int


class Log:
    """A history that is also appended to its file, if it has one. An existing file is read and continued.

    The file is opened by the first append and closed by :meth:`close`; appending again reopens it.
    """

    def __init__(self, header: Event, space: SearchSpace, path: str | Path | None) -> None:
        self.path = None if path is None else Path(path)
        self.history = History(json.loads(to_json_line(header)), space=space)
        self._file: IO[bytes] | None = None
        self._written = self._writing = Mark(0, 0)  # what is in the file, and what will be after the present write
        if self.path is not None and self.path.exists() and self.path.stat().st_size > 0:
            self._continue(header, space, self.path)

    def _continue(self, header: Event, space: SearchSpace, path: Path) -> None:
        if _is_cut_header(path):
            warnings.warn(f"{path}: the only line was cut off; the search begins anew.", stacklevel=5)
            os.truncate(path, 0)
            return
        logged, length = read_history(path)
        _check_same_search(logged.header, header, path)
        if path.stat().st_size > length:  # a line was being written when the search was killed
            os.truncate(path, length)
        self.history = History(logged.header, logged.events, space)
        self._written = self._writing = Mark(length, len(logged.events))

    def append(self, row: Row, state: Mapping[str, Any] | None) -> None:
        """Add what happened with the state to look at, and write it through to the file."""
        events = self.history.events
        if state and is_snapshot(row["number"] if isinstance(row, dict) else row.number or 0):
            events.states[len(events.rows)] = for_the_eye(state)
        events.rows.append(row)
        if self.path is not None:
            self._write(self.path)

    def keep(self, events: int) -> None:
        """Drop every event after the first ``events``: what a weight-sharing checkpoint does not cover."""
        self.history.truncate(events)
        if self.path is not None and self.path.exists():
            self.close()
            lines = self.path.read_bytes().splitlines(keepends=True)
            length = sum(map(len, lines[: 1 + events]))
            self._written = self._writing = Mark(length, min(self._written.events, events))
            os.truncate(self.path, length)

    def close(self) -> None:
        """Close the file, so that it can be moved, truncated or deleted on every system."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, path: Path) -> None:
        """Write every event that is not in the file yet: more than one after an interrupt."""
        if self._file is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab")
        self._file.flush()
        size = os.fstat(self._file.fileno()).st_size
        if size == self._writing.length:  # an interrupt may have come between writing and counting
            self._written = self._writing
        if size != self._written.length:  # whoever else writes changes the length
            self.close()
            raise ValueError(
                f"{path} was changed by somebody else, perhaps by another search; nothing more is written to it. "
                "Search again with this history to go on from what is in it, or choose another file."
            )
        new = self.history.event_lines(self._written.events)
        header = [to_json_line(self.history.header)] if self._written.length == 0 else []
        data = "".join(line + "\n" for line in [*header, *new]).encode()
        self._writing = Mark(self._written.length + len(data), self._written.events + len(new))
        self._file.write(data)
        self._file.flush()
        self._written = self._writing


def _is_cut_header(path: Path) -> bool:
    """Say whether the file holds nothing but the beginning of a history's header."""
    start = f'{{"format":"{HISTORY_FORMAT}",'.encode()
    with path.open("rb") as file:
        data = file.readline()
    return not data.endswith(b"\n") and (data.startswith(start) or start.startswith(data))


def _check_arguments(
    strategy: Strategy, evaluator: Evaluator, trials: int | None, batch: int, seconds: float | None
) -> None:
    """Raise TypeError or ValueError, saying what must hold, unless these can make a search."""
    missing = [name for name in ("ask", "tell") if not callable(getattr(strategy, name, None))]
    space = getattr(strategy, "space", None)
    if isinstance(space, type) and not missing and not isinstance(strategy, type):
        raise TypeError(f"the space of {type(strategy).__name__} is the class {space.__name__}: call it.")
    missing += [] if isinstance(space, SearchSpace) else ["space"]
    if missing or isinstance(strategy, type):
        what = f"the class {strategy.__name__}: call it" if isinstance(strategy, type) else type(strategy).__name__
        raise TypeError(
            f"a strategy is an object with ask(), tell(trial) and its search space as space; got {what}"
            + (f", without {', '.join(missing)}." if missing else ".")
        )
    rng = getattr(strategy, "rng", None)
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise TypeError(f"a strategy's rng must be a numpy Generator; got {rng!r}. Make one: np.random.default_rng(0).")
    if not callable(evaluator) or isinstance(evaluator, type):
        what = f"the class {evaluator.__name__}: call it" if isinstance(evaluator, type) else repr(evaluator)
        raise TypeError(f"an evaluator is a function from a list of architectures to a list of trials; got {what}.")
    if trials is None and seconds in (None, math.inf):
        raise ValueError("a search must know when to end: give trials, or seconds, or both; got neither.")
    for name, number in (("trials", 1 if trials is None else trials), ("batch", batch)):
        if not isinstance(number, int | np.integer):
            raise TypeError(f"{name} must be a whole number; got {number!r}.")
        if number < 1:
            raise ValueError(f"{name} must be at least 1; got {number}.")
    if seconds is not None and not seconds > 0:
        raise ValueError(f"seconds must be above 0, or None for no such budget; got {seconds}.")


def check_fresh(strategy: object) -> None:
    """Raise ValueError if the strategy, or one inside it, has learned from another search."""
    for each in _with_inner(strategy):
        known = _SEARCHED.get(id(each))
        if known is not None and known() is each:
            raise ValueError(
                f"this strategy has already searched; make a new one: strategy = {type(each).__name__}(…). It would go "
                "on from what it learned in the other search."
            )


def note_searched(strategy: object) -> None:
    """Remember, for as long as they live, that the strategy and those inside it are no longer fresh."""
    for each in _with_inner(strategy):
        with contextlib.suppress(TypeError):  # a class with __slots__ and without __weakref__ cannot be remembered
            _SEARCHED[id(each)] = weakref.ref(each, partial(_SEARCHED.pop, id(each)))


def _with_inner(strategy: object) -> list[Any]:
    """Return the strategy, and those that it is wrapped around."""
    found: list[Any] = [strategy]
    inner = getattr(strategy, "strategy", None)
    while (
        callable(getattr(inner, "ask", None))
        and not isinstance(inner, type)
        and not any(inner is each for each in found)
    ):
        found.append(inner)
        inner = getattr(inner, "strategy", None)
    return found


def _header(strategy: Strategy, evaluator: Evaluator, batch: int) -> Event:
    rng = getattr(strategy, "rng", None)
    return {
        **header_start(strategy.space),
        "strategy": {
            "name": type(strategy).__name__,
            "settings": settings_of(strategy),
            "rng": None if rng is None else plain(rng.bit_generator.state),
        },
        "evaluator": {"name": _name(evaluator), "settings": plain(getattr(evaluator, "settings", {}))},
        "batch": batch,
    }


def settings_of(strategy: Any) -> dict[str, Any]:
    """Return what a strategy was made with, as plain data.

    That is its attribute ``settings``, where it has one; else each argument of its class that is also the name of an
    attribute, with the attribute's value. A value that is no plain data is told by name: a function's, or that of an
    object's class; a strategy in a strategy, by its name and its settings.
    """
    if hasattr(strategy, "settings"):
        return dict(plain(strategy.settings))
    arguments = [name for name in inspect.signature(type(strategy)).parameters if name not in ("space", "rng")]
    return {name: _setting(getattr(strategy, name)) for name in arguments if hasattr(strategy, name)}


def _setting(value: Any) -> Any:
    if callable(getattr(value, "ask", None)) and not isinstance(value, type):
        return {"name": type(value).__name__, "settings": settings_of(value)}
    try:
        return plain(value)
    except ValueError:
        return getattr(value, "__qualname__", type(value).__name__)


def header_start(space: SearchSpace) -> Event:
    """Return the part of a header that every kind of search has: format, versions, space."""
    from nasedu import __version__

    return {
        "format": HISTORY_FORMAT,
        "version": FORMAT_VERSION,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": {"nasedu": __version__, "python": platform.python_version(), "numpy": np.__version__},
        "space": space.to_json(),
    }


def _what(ask: Event) -> str:
    """Return what an ask is about, for people: its choices and epochs."""
    return f"{ask['choices']}" + (f" for {ask['epochs']} epochs" if "epochs" in ask else "")


def _name(evaluator: Evaluator) -> str:
    return getattr(evaluator, "__name__", type(evaluator).__name__)


def _check_same_search(logged: Event, now: Event, path: Path) -> None:
    for part in ("space", "strategy", "evaluator", "batch"):
        was, is_now = logged.get(part), json.loads(to_json_line(now.get(part)))
        if was == is_now:
            continue
        if part == "strategy" and isinstance(was, dict) and {**was, "rng": 0} == {**is_now, "rng": 0}:
            raise ValueError(
                f"{path} was begun from another random state; make the strategy with the same rng to resume."
            )
        before, after = _brief(was), _brief(is_now)
        if before == after:  # a space with other decisions, for one
            before, after = json.dumps(was), json.dumps(is_now)
        raise ValueError(f"{path} belongs to another {part}: {before}; now it is {after}. Choose another file.")


def _brief(part: Any) -> str:
    shown = {k: v for k, v in part.items() if k not in ("rng", "decisions")} if isinstance(part, dict) else part
    return json.dumps(shown)
