"""The log of a search, the files it lives in, and the loop that writes it.

A history is an event log: a header, then every ``ask`` (written before evaluating), ``trial``
and, for weight sharing, ``step``, in the order they happened. Players, plots and resuming read
nothing else. On disk it is JSON lines (``*.nas.jsonl``), appended and flushed event by event, so
a killed search loses at most the line being written. Neither format can carry code.

    {"format": "nasedu.history", "version": 1, "space": …, "strategy": …, "evaluator": …, "batch": 1, …}
    {"event": "ask", "number": 0, "choices": [4, 0, 3, …], "name": "|…|", "diagram": {…}, "state": {…}}
    {"event": "trial", "number": 0, "accuracy": 0.91, "score": 0.91, "cost": 1.3, "state": {…}}
    {"event": "step", "number": 0, "choices": […], "diagram": {…}, "state": {"alphas": …, "train_loss": …}}

Because evaluators are pure, resuming is replaying: the strategy asks and is told again in the
logged order, every proposal is checked against the log, and no logged trial is evaluated twice.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import platform
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from nasedu.core import (
    ARCHITECTURE_FORMAT,
    FORMAT_VERSION,
    Architecture,
    Decision,
    Diagram,
    Evaluator,
    Metric,
    SearchSpace,
    Strategy,
    Trial,
)

if TYPE_CHECKING:
    import pandas

__all__ = ["History", "RecordedSpace", "Search", "search"]

HISTORY_FORMAT = "nasedu.history"
Event = dict[str, Any]


class RecordedSpace(SearchSpace):
    """The space of a file whose own space is not installed here: it can be looked at and drawn."""

    def __init__(self, document: Mapping[str, Any], drawings: Iterable[Mapping[str, Any]] = ()) -> None:
        decisions = [Decision(d["name"], tuple(d["options"])) for d in document["decisions"]]
        super().__init__(document["name"], decisions, document["parameters"])
        recorded = {
            tuple(d["choices"]): (d.get("name"), d.get("diagram"))
            for d in drawings
            if isinstance(d.get("choices"), list)
        }
        object.__setattr__(self, "_recorded", recorded)

    _recorded: Mapping[tuple[int, ...], tuple[str | None, Mapping[str, Any] | None]]

    def format(self, choices: tuple[int, ...]) -> str:
        """Return the recorded native string, or ``decision=option,…`` where none was recorded."""
        return self._recorded.get(choices, (None, None))[0] or super().format(choices)

    def diagram(self, architecture: Architecture) -> Diagram:
        """Return the recorded diagram, or a chain of decisions where none was recorded."""
        recorded = self._recorded.get(architecture.choices, (None, None))[1]
        return Diagram.from_json(recorded) if recorded else super().diagram(architecture)


class History:
    """Every ask, trial and step of one search, in the order they happened.

    Args:
        header: what the search was: space, strategy and its settings, evaluator, versions.
        events: plain data, one dict per event; they become trials when touched.

    Example:
        >>> import nasedu as nas
        >>> space = nas.spaces.NASBench201()
        >>> strategy = nas.strategies.RandomSearch(space, np.random.default_rng(0))
        >>> share = lambda cells: [nas.Trial(c, accuracy=str(c).count("conv") / 6) for c in cells]
        >>> history = nas.search(strategy, share, trials=20).run(progress=False)
        >>> len(history.trials), history.incumbent.accuracy
        (20, 0.8333333333333334)
    """

    def __init__(self, header: Event, events: Iterable[Event] = ()) -> None:
        self.header = header
        self.events: list[Event] = list(events)
        self._space: SearchSpace | None = None
        self._trials: list[Trial] = []
        self._decoded = 0  # how many events have become trials

    def __repr__(self) -> str:
        kinds = [event["event"] for event in self.events]
        strategy = self.header.get("strategy", {}).get("name", "?")
        return f"<History of {strategy}: {kinds.count('trial')} trials, {kinds.count('step')} steps>"

    def __eq__(self, other: object) -> bool:
        """Equal when the same was asked, answered and seen; measured times are left out."""
        if not isinstance(other, History):
            return NotImplemented
        names = ("space", "strategy", "evaluator", "batch")
        return [self.header.get(name) for name in names] == [other.header.get(name) for name in names] and (
            [_without_times(event) for event in self.events] == [_without_times(event) for event in other.events]
        )

    __hash__ = None  # type: ignore[assignment]  # a history grows

    @property
    def space(self) -> SearchSpace:
        """The search space, or a recorded one that can only be looked at if it is not installed."""
        if self._space is None:
            self._space = _space_from_json(self.header["space"], self.events)
        return self._space

    @property
    def trials(self) -> list[Trial]:
        """Every trial, in the order they were told."""
        asked = {e["number"]: e for e in self.events if e["event"] == "ask"} if self._decoded == 0 else {}
        for event in self.events[self._decoded :]:
            if event["event"] == "ask":
                asked[event["number"]] = event
            elif event["event"] == "trial":
                number = event["number"]
                ask = asked.get(number) or next(e for e in self.events if e["event"] == "ask" and e["number"] == number)
                self._trials.append(_trial_from_event(event, self.space.architecture(ask["choices"])))
        self._decoded = len(self.events)
        return self._trials

    @property
    def incumbent(self) -> Trial:
        """The trial with the highest score; the first one on a tie.

        Raises:
            ValueError: there is no trial yet, or all have failed.
        """
        done = [trial for trial in self.trials if trial.failure is None]
        if not done:
            failed = f" and {len(self.trials)} failed: {self.trials[0].failure}" if self.trials else ""
            raise ValueError(f"no incumbent yet: no trial has finished{failed}. Run at least one trial.")
        return max(done, key=lambda trial: trial.score)

    @property
    def derived(self) -> Architecture:
        """The architecture that the last step of a weight-sharing search derived."""
        for event in reversed(self.events):
            if event["event"] == "step":
                return self.space.architecture(event["choices"])
        raise ValueError("nothing is derived yet: the history has no steps. Run at least one step.")

    def to_frame(self) -> pandas.DataFrame:
        """Return one row per trial (or step): number, architecture, score, cost, metrics."""
        import pandas

        if any(event["event"] == "step" for event in self.events):
            steps = [event for event in self.events if event["event"] == "step"]
            names = [str(self.space.architecture(step["choices"])) for step in steps]
            rows = [
                {"number": s["number"], "derived": n, **_scalars(s["state"])} for s, n in zip(steps, names, strict=True)
            ]
            return pandas.DataFrame(rows)
        rows = []
        for trial in self.trials:
            rows.append(
                {
                    "number": trial.number,
                    "architecture": str(trial.architecture),
                    "score": trial.score if trial.failure is None else math.nan,
                    "accuracy": trial.accuracy,
                    "epochs": trial.epochs,
                    "cost": trial.cost,
                    "failure": trial.failure,
                    **{name: metric.value for name, metric in trial.metrics.items() if isinstance(metric, Metric)},
                }
            )
        return pandas.DataFrame(rows)

    # Files ---------------------------------------------------------------------------------

    def lines(self, start: int = 0) -> list[str]:
        """Return the events from ``start`` on as JSON, one line each; the header first if start is 0."""
        events = [_event_line(self.space, event) for event in self.events[start:]]
        return [_json(self.header), *events] if start == 0 else events

    def text(self, start: int = 0) -> str:
        """Return :meth:`lines` as one text, each line ended."""
        return "".join(line + "\n" for line in self.lines(start))

    def save(self, path: str | Path) -> None:
        """Write the history to a ``*.nas.jsonl`` file."""
        Path(path).write_text(self.text(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> History:
        """Read a ``*.nas.jsonl`` file. A last line that was cut off is left out, with a warning.

        Raises:
            ValueError: the file is not a history of this format, or a line in its middle is garbage.
        """
        history, _ = _read_history(Path(path))
        return history

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from nasedu.plots.show import history_bundle  # how a value shows itself is drawn there

        return history_bundle(self)


class Search:
    """A black-box search that can be stepped, run, interrupted and resumed. Made by :func:`search`.

    Attributes:
        history: the log so far.
        trials: how many trials there will be in all.
    """

    def __init__(
        self, strategy: Strategy, evaluator: Evaluator, trials: int, batch: int, path: str | Path | None
    ) -> None:
        if trials < 1:
            raise ValueError(f"trials must be at least 1; got {trials}.")
        if batch < 1:
            raise ValueError(f"batch must be at least 1; got {batch}.")
        self.strategy, self.evaluator, self.trials, self.batch = strategy, evaluator, trials, batch
        self._asked: deque[tuple[int, Architecture]] = deque()  # asked, not answered
        self._answered: deque[Trial] = deque()  # evaluated, not told
        self._asks = self._tells = 0
        self._log: Log = Log(_header(strategy, evaluator, batch), strategy.space, path)
        for event in list(self.history.events):
            self._replay(event)

    @property
    def history(self) -> History:
        """The log so far."""
        return self._log.history

    @property
    def done(self) -> bool:
        """Whether all trials are in the history."""
        return self._tells >= self.trials

    def __iter__(self) -> Iterator[Trial]:
        while not self.done:
            yield self.step()

    def step(self) -> Trial:
        """Advance by one trial and return it. Where the batch is larger, it is evaluated as a whole first.

        Raises:
            StopIteration: all trials are done.
        """
        if self.done:
            raise StopIteration(f"all {self.trials} trials are done; search again with more trials to go on.")
        if not self._answered:
            self._ask_batch()
            self._answered.extend(self._evaluate())
        trial = self._answered.popleft()
        self._asked.popleft()
        self._tell(trial)
        return trial

    def run(self, progress: bool = True) -> History:
        """Run all trials that are left and return the history. Interrupting keeps what is done."""
        from tqdm.auto import tqdm

        with tqdm(total=self.trials, initial=self._tells, disable=not progress, unit="trial") as bar:
            for trial in self:
                bar.update()
                bar.set_postfix_str(f"score {trial.score:.4g}", refresh=False)
        return self.history

    def _ask_batch(self) -> None:
        """Ask until the batch is full, unless some of it has been answered already."""
        if self._asked and self.history.events[-1]["event"] == "trial":
            return
        while len(self._asked) < self.batch and self._asks < self.trials:
            architecture = self.strategy.ask()
            event: Event = {"event": "ask", "number": self._asks, "choices": list(architecture.choices)}
            self._log.append(event, getattr(self.strategy, "state", None))
            self._asked.append((self._asks, architecture))
            self._asks += 1

    def _evaluate(self) -> list[Trial]:
        trials = self.evaluator([architecture for _, architecture in self._asked])
        if len(trials) != len(self._asked):
            raise ValueError(
                f"the evaluator must return one trial per architecture: {len(self._asked)}; got {len(trials)}."
            )
        for trial, (_, architecture) in zip(trials, self._asked, strict=True):
            if trial.architecture != architecture:
                raise ValueError(
                    f"the evaluator must keep the order: expected {architecture!r}; got {trial.architecture!r}."
                )
        return [replace(trial, number=number) for trial, (number, _) in zip(trials, self._asked, strict=True)]

    def _tell(self, trial: Trial) -> None:
        self.strategy.tell(trial)
        self._log.append(_trial_event(trial), getattr(self.strategy, "state", None))
        self._tells += 1

    def _replay(self, event: Event) -> None:
        """Repeat one logged event and check that the strategy still does the same."""
        if event["event"] == "ask":
            architecture = self.strategy.ask()
            if list(architecture.choices) != event["choices"]:
                raise ValueError(
                    f"cannot resume: ask {event['number']} of the history is {event['choices']}, but the strategy now "
                    f"proposes {list(architecture.choices)}. Use the same version of nasedu and the same number of threads."
                )
            self._asked.append((event["number"], architecture))
            self._asks += 1
        elif event["event"] == "trial":
            number, architecture = self._asked.popleft()
            if number != event["number"]:
                raise ValueError(
                    f"cannot resume: expected trial {number} next; the history has trial {event['number']}."
                )
            self.strategy.tell(_trial_from_event(event, architecture))
            self._tells += 1


def search(
    strategy: Strategy, evaluator: Evaluator, trials: int, *, batch: int = 1, history: str | Path | None = None
) -> Search:
    """Prepare a search: iterate over it, ``step()`` it or ``run()`` it.

    Args:
        strategy: proposes architectures and learns from trials; fresh, also when resuming.
        evaluator: a list of architectures to a list of trials, in the same order.
        trials: the total, those of a resumed history included; at least 1.
        batch: how many are asked before they are evaluated together; at least 1.
        history: a ``*.nas.jsonl`` file to append to. If it exists, the search goes on where it stopped.

    Raises:
        ValueError: the file belongs to another space, strategy, evaluator, batch or random state.
    """
    return Search(strategy, evaluator, trials, batch, history)


class Log:
    """A history that is also appended to its file, if it has one. An existing file is read and continued."""

    def __init__(self, header: Event, space: SearchSpace, path: str | Path | None) -> None:
        self.path = None if path is None else Path(path)
        self.history = History(header)
        self._file: IO[str] | None = None
        if self.path is not None and self.path.exists() and self.path.stat().st_size > 0:
            self.history, length = _read_history(self.path)
            _check_same_search(self.history.header, header, self.path)
            os.truncate(self.path, length)  # drops a line that was being written when the search was killed
        self.history._space = space

    def append(self, event: Event, state: Mapping[str, Any] | None) -> None:
        """Add an event with the state to look at, and write it through to the file."""
        if state and is_snapshot(event["number"]):
            event["state"] = _for_the_eye(state)
        self.history.events.append(event)
        if self.path is not None:
            self._write(_event_line(self.history.space, event))

    def keep(self, events: int) -> None:
        """Drop every event after the first ``events``: what a weight-sharing checkpoint does not cover."""
        del self.history.events[events:]
        if self.path is not None and self.path.exists():
            lines = self.path.read_bytes().splitlines(keepends=True)
            os.truncate(self.path, sum(map(len, lines[: 1 + events])))

    def _write(self, line: str) -> None:
        assert self.path is not None
        if self._file is None:
            is_new = not self.path.exists() or self.path.stat().st_size == 0
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a", encoding="utf-8", newline="\n")
            if is_new:
                self._file.write(_json(self.history.header) + "\n")
        self._file.write(line + "\n")
        self._file.flush()


def is_snapshot(number: int) -> bool:
    """Say whether the event of this number keeps its state and diagram: all up to 255, then 128 per doubling.

    Example:
        >>> sum(is_snapshot(number) for number in range(10_000))
        925
    """
    return number < 256 or number % (1 << (number.bit_length() - 8)) == 0


def read_architecture(path: Path) -> Architecture:
    """Read a ``*.nas.json`` file; see :meth:`nasedu.core.Architecture.load`."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not a {ARCHITECTURE_FORMAT} file: it is not JSON ({error}).") from error
    _check_format(document, ARCHITECTURE_FORMAT, path)
    space_document, given = document["space"], document["choices"]
    choices = []
    for decision in space_document["decisions"]:
        option = given.get(decision["name"], decision["options"][0])
        if option not in decision["options"]:
            raise ValueError(
                f"{path}: unknown option {option!r} of decision {decision['name']!r}; it has {decision['options']}."
            )
        choices.append(decision["options"].index(option))
    return _space_from_json(space_document, [{**document, "choices": choices}]).architecture(choices)


def _space_from_json(document: Mapping[str, Any], drawings: Iterable[Event]) -> SearchSpace:
    from nasedu import spaces  # a file names its space; the installed ones are known there

    recorded = RecordedSpace(document, drawings)
    try:
        installed = spaces.create(document["name"], **document["parameters"])
    except (ValueError, TypeError):
        return recorded
    return installed if installed == recorded else recorded


def _read_history(path: Path) -> tuple[History, int]:
    """Return the history and how many bytes of the file are whole lines."""
    data = path.read_bytes()
    whole, newline, cut = data.rpartition(b"\n")
    if cut:
        warnings.warn(f"{path}: the last line was cut off and is left out: {cut[:60]!r}…", stacklevel=3)
    rows = [_parse_line(line, number, path) for number, line in enumerate(whole.split(b"\n"), start=1) if newline]
    if not rows:
        raise ValueError(f"{path} is not a history: it has no complete line.")
    _check_format(rows[0], HISTORY_FORMAT, path)
    for number, row in enumerate(rows[1:], start=2):
        if row.get("event") not in ("ask", "trial", "step") or not isinstance(row.get("number"), int):
            raise ValueError(
                f"{path}, line {number}: expected an ask, trial or step with its number; got {str(row)[:80]}."
            )
    return History(rows[0], rows[1:]), len(whole) + len(newline)


def _parse_line(line: bytes, number: int, path: Path) -> Event:
    try:
        row = json.loads(line)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path}, line {number}: expected one JSON object; got {line[:60]!r}. "
            f"Everything before it is whole: keep the first {number - 1} lines to go on from there."
        ) from error
    if not isinstance(row, dict):
        raise ValueError(f"{path}, line {number}: expected one JSON object; got {line[:60]!r}.")
    return row


def _check_format(document: Any, name: str, path: Path) -> None:
    found = document.get("format") if isinstance(document, dict) else None
    if found != name:
        raise ValueError(f"{path} is not a {name} file: its format is {found!r}.")
    if document.get("version") != FORMAT_VERSION:
        raise ValueError(
            f"{path} has version {document.get('version')!r} of {name}; this nasedu reads {FORMAT_VERSION}. Update nasedu."
        )


def _header(strategy: Strategy, evaluator: Evaluator, batch: int) -> Event:
    return {
        **header_start(strategy.space),
        "strategy": {
            "name": type(strategy).__name__,
            "settings": dict(getattr(strategy, "settings", {})),
            "rng": plain(strategy.rng.bit_generator.state),
        },
        "evaluator": {"name": _name(evaluator), "settings": plain(getattr(evaluator, "settings", {}))},
        "batch": batch,
    }


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


def _name(evaluator: Evaluator) -> str:
    return getattr(evaluator, "__qualname__", type(evaluator).__name__)


def _check_same_search(logged: Event, now: Event, path: Path) -> None:
    for part in ("space", "strategy", "evaluator", "batch"):
        was, is_now = logged.get(part), json.loads(_json(now.get(part)))
        if was == is_now:
            continue
        if part == "strategy" and isinstance(was, dict) and {**was, "rng": 0} == {**is_now, "rng": 0}:
            raise ValueError(
                f"{path} was begun from another random state; make the strategy with the same rng to resume."
            )
        raise ValueError(
            f"{path} belongs to another {part}: {_brief(was)}; now it is {_brief(is_now)}. Choose another file."
        )


def _brief(part: Any) -> str:
    shown = {k: v for k, v in part.items() if k not in ("rng", "decisions")} if isinstance(part, dict) else part
    return json.dumps(shown)


def _trial_event(trial: Trial) -> Event:
    event: Event = {"event": "trial", "number": trial.number}
    if trial.failure is not None:
        event["failure"] = trial.failure
    else:
        event["score"] = trial.score
    if trial.accuracy is not None:
        event["accuracy"] = trial.accuracy
    if trial.metrics:
        metrics = {name: m for name, m in trial.metrics.items() if isinstance(m, Metric)}
        event["metrics"] = {n: {"value": m.value, "unit": m.unit, "better": m.better} for n, m in metrics.items()}
    if trial.curve:
        event["curve"] = list(trial.curve)
    if trial.epochs is not None:
        event["epochs"] = trial.epochs
    if trial.cost:
        event["cost"] = trial.cost
    return event


def _trial_from_event(event: Event, architecture: Architecture) -> Trial:
    return Trial(
        architecture,
        accuracy=event.get("accuracy"),
        score=event.get("score", math.nan),
        metrics={name: Metric(**metric) for name, metric in event.get("metrics", {}).items()},
        curve=tuple(event.get("curve", ())),
        epochs=event.get("epochs"),
        cost=event.get("cost", 0.0),
        failure=event.get("failure"),
        number=event["number"],
    )


def _event_line(space: SearchSpace, event: Event) -> str:
    """Return the event as JSON; what is drawable gets its name and, in a snapshot, its diagram."""
    if "choices" in event and "name" not in event:
        architecture = space.architecture(event["choices"])
        event = {**event, "name": str(architecture)}
        if is_snapshot(event["number"]):
            event["diagram"] = space.diagram(architecture).to_json()
    return _json(event)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _without_times(event: Event) -> Event:
    """Leave out what two runs of the same search measure differently, and what follows from the choices."""
    kept = {name: value for name, value in event.items() if name not in ("cost", "name", "diagram")}
    if "metrics" in kept:
        kept["metrics"] = {name: metric for name, metric in kept["metrics"].items() if metric["unit"] != "s"}
    return kept


def _scalars(state: Mapping[str, Any]) -> Event:
    return {name: value for name, value in state.items() if isinstance(value, int | float | str)}


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: arrays become lists, numpy numbers become numbers."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | deque):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    return value.item() if isinstance(value, np.generic) else value


def _for_the_eye(value: Any) -> Any:
    """Return a state as plain data with four significant digits; not-a-number and infinity become null."""
    value = plain(value)
    if isinstance(value, dict):
        return {name: _for_the_eye(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_for_the_eye(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    return value
