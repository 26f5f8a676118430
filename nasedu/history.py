"""The log of a search, and the file it lives in.

A history is an event log: a header, then every ``ask`` (written before evaluating), ``trial``
and, for weight sharing, ``step``, in the order they happened. Players, plots and resuming read
nothing else. On disk it is JSON lines (``*.nas.jsonl``), appended and flushed event by event, so
a killed search loses at most the line being written. Neither format can carry code.

    {"format": "nasedu.history", "version": 1, "space": …, "strategy": …, "evaluator": …, "batch": 1, …}
    {"event": "ask", "number": 0, "choices": [4, 0, 3, …], "name": "|…|", "diagram": {…}, "state": {…}}
    {"event": "trial", "number": 0, "accuracy": 0.91, "score": 0.91, "cost": 1.3, "state": {…}}
    {"event": "step", "number": 0, "choices": […], "diagram": {…}, "state": {"alphas": …, "train_loss": …}}

The loop that writes it is in ``loop.py``.
"""

from __future__ import annotations

import json
import math
import warnings
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np

from nasedu.core import (
    ARCHITECTURE_FORMAT,
    FORMAT_VERSION,
    Architecture,
    Decision,
    Diagram,
    Metric,
    SearchSpace,
    Trial,
    shown,
)

if TYPE_CHECKING:
    import pandas

__all__ = ["Ask", "Event", "Events", "History", "RecordedSpace"]

HISTORY_FORMAT = "nasedu.history"
LARGEST_FILE = 5_000_000  # bytes of an architecture: more than 10,000 decisions, and read in less than a second
Event = dict[str, Any]


class Ask(NamedTuple):
    """An ask: its number, what to evaluate, and for how many epochs; None for what the evaluator is set to."""

    number: int
    architecture: Architecture
    epochs: float | None


Row = Event | Ask | Trial


class Events(Sequence[Event]):
    """The events of a history, to be read. What a running search did becomes a dict each time it is looked at."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.rows = list(rows)
        self.states: dict[int, Any] = {}  # of what a running search did, by its place: plain data

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return repr(self[:])

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self.rows)))]
        event = event_of(self.rows[index])
        state = self.states.get(index % len(self.rows))
        return {**event, "state": state} if state else event

    def truncate(self, length: int) -> None:
        """Drop every event after the first ``length``."""
        del self.rows[length:]
        self.states = {index: state for index, state in self.states.items() if index < length}

    def kinds(self) -> list[str]:
        """Return of each event whether it is an ``ask``, a ``trial`` or a ``step``."""
        return [
            row["event"] if isinstance(row, dict) else "trial" if isinstance(row, Trial) else "ask" for row in self.rows
        ]


class RecordedSpace(SearchSpace):
    """The space of a file whose own space is not installed here: it can be looked at and drawn, not searched."""

    def __init__(self, document: Mapping[str, Any], drawings: Iterable[Mapping[str, Any]] = ()) -> None:
        self._names: dict[tuple[int, ...], str] = {}
        self._diagrams: dict[tuple[int, ...], Mapping[str, Any]] = {}
        for drawing in drawings:
            if isinstance(drawing.get("choices"), list):
                choices = tuple(drawing["choices"])
                if drawing.get("name"):
                    self._names[choices] = drawing["name"]
                if drawing.get("diagram"):  # an architecture that came back later may have none there
                    self._diagrams[choices] = drawing["diagram"]
        decisions = [Decision(d["name"], tuple(d["options"])) for d in document["decisions"]]
        super().__init__(document["name"], decisions, document["parameters"])

    def __repr__(self) -> str:
        return f"<recorded space {self.name!r}, not installed here>"

    @property
    def size_is_exact(self) -> bool:
        """Never: which combinations are valid is not in the file."""
        return False

    def format(self, choices: tuple[int, ...]) -> str:
        """Return the recorded native string, or ``decision=option,…`` where none was recorded."""
        return self._names.get(choices) or super().format(choices)

    def parse(self, text: str) -> Architecture:
        """Return the architecture of a recorded native string or of ``decision=option,…``."""
        for choices, name in self._names.items():
            if name == text:
                return self.architecture(choices)
        return super().parse(text)

    def diagram(self, architecture: Architecture) -> Diagram:
        """Return the recorded diagram, or a chain of decisions where none was recorded."""
        recorded = self._diagrams.get(architecture.choices)
        return Diagram.from_json(recorded) if recorded else super().diagram(architecture)

    def sample(self, rng: np.random.Generator, by: str = "architecture") -> Architecture:
        """Refuse: which combinations are valid is not in the file."""
        raise self._cannot("sample")

    def neighbors(self, architecture: Architecture) -> list[Architecture]:
        """Refuse, as :meth:`sample` does."""
        raise self._cannot("list neighbors in")

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """Refuse, as :meth:`sample` does."""
        raise self._cannot("mutate in")

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """Refuse, as :meth:`sample` does."""
        raise self._cannot("cross over in")

    def _cannot(self, what: str) -> ValueError:
        return ValueError(
            f"cannot {what} the recorded space {self.name!r}: a file does not say which combinations are valid. "
            "Make the space itself, from the code that wrote the file."
        )


class History:
    """Every ask, trial and step of one search, in the order they happened.

    Args:
        header: what the search was: space, strategy and its settings, evaluator, versions.
        events: one dict of plain data per event; they become trials when touched.
        space: the search space, if it is at hand; else it is made from the header when first asked for.

    Example:
        >>> import nasedu as nas
        >>> space = nas.spaces.NASBench201()
        >>> strategy = nas.strategies.RandomSearch(space, np.random.default_rng(0))
        >>> share = lambda cells: [nas.Trial(c, accuracy=str(c).count("conv") / 6) for c in cells]
        >>> history = nas.search(strategy, share, trials=20).run(progress=False)
        >>> len(history.trials), history.incumbent.accuracy
        (20, 0.8333333333333334)
    """

    def __init__(self, header: Event, events: Iterable[Event] = (), space: SearchSpace | None = None) -> None:
        self.header = header
        self.events = Events(events)
        self._space = space
        self.truncate(len(self.events))

    def truncate(self, events: int) -> None:
        """Drop every event after the first ``events``."""
        self.events.truncate(events)
        self._trials: list[Trial] = []
        self._incumbent: Trial | None = None
        self._asked: dict[int, Architecture | list[int]] = {}  # asks that no decoded trial has answered
        self._decoded = 0  # how many rows have become trials

    def __repr__(self) -> str:
        kinds = self.events.kinds()
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
            try:
                self._space = _space_from_json(self.header["space"], self.events)
            except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
                raise ValueError(f"the history's header is damaged: its space is not one ({error!r:.200}).") from error
        return self._space

    @property
    def trials(self) -> list[Trial]:
        """Every trial, in the order they were told. Cheap to call after every step; not to be changed."""
        rows = self.events.rows
        while self._decoded < len(rows):
            row = rows[self._decoded]
            if isinstance(row, Ask):
                self._asked[row.number] = row.architecture
            elif isinstance(row, dict) and row["event"] == "ask":
                self._asked[row["number"]] = row["choices"]
            elif isinstance(row, Trial) or row["event"] == "trial":
                self._decode(row)
            self._decoded += 1
        return self._trials

    def _decode(self, row: Event | Trial) -> None:
        """Add the trial of a row to the trials."""
        number = row["number"] if isinstance(row, dict) else row.number
        if number not in self._asked:
            raise ValueError(f"the history has trial {number} without an ask of that number before it.")
        asked = self._asked.pop(number)
        if isinstance(row, dict):
            architecture = asked if isinstance(asked, Architecture) else self.space.architecture(asked)
            try:
                row = trial_from_event(row, architecture)
            except (KeyError, TypeError, AttributeError, OverflowError) as error:
                raise ValueError(f"trial {number} of the history is damaged: {error!r:.200}.") from error
        self._trials.append(row)
        if row.failure is None and (self._incumbent is None or is_better(row, self._incumbent)):
            self._incumbent = row

    @property
    def incumbent(self) -> Trial:
        """The trial with the highest score among those trained for the most epochs; the first one on a tie.

        Raises:
            ValueError: there is no trial yet, or all have failed.
        """
        trials = self.trials
        if self._incumbent is None:
            failed = f" and {len(trials)} failed: {trials[0].failure}" if trials else ""
            raise ValueError(f"no incumbent yet: no trial has finished{failed}. Run at least one trial.")
        return self._incumbent

    @property
    def derived(self) -> Architecture:
        """The architecture that the last step of a weight-sharing search derived."""
        for event in reversed(self.events):
            if event["event"] == "step":
                return self.space.architecture(event["choices"])
        raise ValueError("nothing is derived yet: the history has no steps. Run at least one step.")

    def to_frame(self) -> pandas.DataFrame:
        """Return one row per trial (or step): number, architecture, score, cost, metrics.

        ``elapsed`` is the cost of a trial and of all that were told before it, in seconds: what the search
        had spent by then, one evaluation after another.
        """
        import pandas

        if "step" in self.events.kinds():
            steps = [event for event in self.events if event["event"] == "step"]
            names = [str(self.space.architecture(step["choices"])) for step in steps]
            rows = [
                {"number": step["number"], "derived": name, **_scalars(step.get("state", {}))}
                for step, name in zip(steps, names, strict=True)
            ]
            return pandas.DataFrame(rows)
        rows, elapsed = [], 0.0
        for trial in self.trials:
            elapsed += trial.cost
            rows.append(
                {
                    "number": trial.number,
                    "architecture": str(trial.architecture),
                    "score": trial.score if trial.failure is None else math.nan,
                    "accuracy": trial.accuracy,
                    "epochs": trial.epochs,
                    "cost": trial.cost,
                    "elapsed": elapsed,
                    "failure": trial.failure,
                    **{name: metric.value for name, metric in trial.metrics.items() if isinstance(metric, Metric)},
                }
            )
        return pandas.DataFrame(rows)

    # Files ---------------------------------------------------------------------------------

    def event_lines(self, start: int = 0) -> list[str]:
        """Return the events from ``start`` on as JSON, one line each."""
        return [event_line(self.space, event) for event in self.events[start:]]

    def lines(self) -> list[str]:
        """Return the whole history as JSON: a line for the header, and one for each event."""
        return [to_json_line(self.header), *self.event_lines()]

    def text(self) -> str:
        """Return what a ``*.nas.jsonl`` file holds: :meth:`lines`, each ended."""
        return "".join(line + "\n" for line in self.lines())

    def save(self, path: str | Path) -> None:
        """Write the history to a ``*.nas.jsonl`` file."""
        Path(path).write_text(self.text(), encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, path: str | Path) -> History:
        """Read a ``*.nas.jsonl`` file. A last line that was cut off is left out, with a warning.

        Raises:
            ValueError: the file is not a history of this format, or a line in its middle is garbage.
        """
        history, _ = read_history(Path(path))
        return history

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        from nasedu.plots.show import history_bundle, sized  # how a value shows itself is drawn there

        return sized(history_bundle(self))


def is_better(trial: Trial, best: Trial) -> bool:
    """Say whether a trial takes the incumbent's place: it was trained for longer, or as long and has a higher score.

    A failed trial never does, and always gives way to one that succeeded.
    """
    if trial.failure is not None or best.failure is not None:
        return trial.failure is None
    return (trial.epochs or 0, trial.score) > (best.epochs or 0, best.score)


def incumbents(trials: Iterable[Trial]) -> list[Trial]:
    """Return after each trial the incumbent; a failed trial as long as none has succeeded."""

    def better(best: Trial, trial: Trial) -> Trial:
        return trial if is_better(trial, best) else best

    return list(accumulate(trials, better))


def is_snapshot(number: int) -> bool:
    """Say whether the event of this number keeps its state and diagram: all up to 511, then 64 per doubling.

    Example:
        >>> [sum(is_snapshot(number) for number in range(events)) for events in (500, 10_000, 100_000)]
        [500, 783, 994]
    """
    return number < 512 or number % (1 << (number.bit_length() - 7)) == 0


def read_architecture(path: Path) -> Architecture:
    """Read a ``*.nas.json`` file; see :meth:`nasedu.core.Architecture.load`."""
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise ValueError(f"{path} is no architecture: its file has at most {LARGEST_FILE:,} bytes; got {size:,}.")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # wrong bytes, no JSON, or lists in lists in lists
        raise ValueError(f"{path} is not a {ARCHITECTURE_FORMAT} file: it is not JSON ({error}).") from error
    _check_format(document, ARCHITECTURE_FORMAT, path)
    try:
        return _architecture_from_json(document)
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: a field is missing or of the wrong kind ({error!r:.200}).") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error!s:.1000}") from error


def _architecture_from_json(document: Mapping[str, Any]) -> Architecture:
    recorded, given = document["space"], dict(document["choices"])
    choices = []
    for decision in recorded["decisions"]:
        option = given.pop(decision["name"], decision["options"][0])
        if option not in decision["options"]:
            raise ValueError(
                f"unknown option {shown(option)} of decision {decision['name']!r}; it has {shown(decision['options'])}."
            )
        choices.append(decision["options"].index(option))
    if given:
        raise ValueError(f"unknown decision {min(given)!r}; {recorded['name']} has none of this name.")
    return _space_from_json(recorded, [{**document, "choices": choices}]).architecture(choices)


def _space_from_json(document: Mapping[str, Any], drawings: Iterable[Event]) -> SearchSpace:
    from nasedu import spaces  # a file names its space; the installed ones are known there

    if not isinstance(document["name"], str):
        raise TypeError(f"the name of a space must be a string; got {shown(document['name'])}")
    recorded = RecordedSpace(document, drawings)
    try:
        installed = spaces.create(document["name"], **document["parameters"])
    except (ValueError, TypeError):
        return recorded
    return installed if installed == recorded else recorded


def read_history(path: Path) -> tuple[History, int]:
    """Return the history and how many bytes of the file are whole lines."""
    data = path.read_bytes()
    whole, newline, cut = data.rpartition(b"\n")
    if cut:
        warnings.warn(f"{path}: the last line was cut off and is left out: {cut[:60]!r}…", stacklevel=3)
    if not newline:
        raise ValueError(f"{path} is not a history: it has no complete line.")
    rows = [_parse_line(line, number, path) for number, line in enumerate(whole.split(b"\n"), start=1)]
    _check_format(rows[0], HISTORY_FORMAT, path)
    for number, row in enumerate(rows[1:], start=2):
        kind = row.get("event")
        drawable = kind == "trial" or (kind in ("ask", "step") and isinstance(row.get("choices"), list))
        if not drawable or not isinstance(row.get("number"), int):
            raise ValueError(
                f"{path}, line {number}: expected an ask, trial or step with its number (and choices); "
                f"got {str(row)[:80]}."
            )
    return History(rows[0], rows[1:]), len(whole) + len(newline)


def _parse_line(line: bytes, number: int, path: Path) -> Event:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:  # wrong bytes, no JSON, or lists in lists in lists
        if number == 1:
            raise ValueError(f"{path} is not a {HISTORY_FORMAT} file: its first line is {line[:60]!r}.") from error
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
        raise ValueError(f"{path} is not a {name} file: its format is {shown(found)}.")
    found = document.get("version")
    if found != FORMAT_VERSION or found is True:
        raise ValueError(
            f"{path} has version {shown(found)} of {name}; this nasedu reads {FORMAT_VERSION}. Update nasedu."
        )


def event_of(row: Row) -> Event:
    """Return what happened as plain data."""
    if isinstance(row, Trial):
        return trial_event(row)
    if isinstance(row, Ask):
        event: Event = {"event": "ask", "number": row.number, "choices": list(row.architecture.choices)}
        return event if row.epochs is None else {**event, "epochs": row.epochs}
    return row


def trial_event(trial: Trial) -> Event:
    """Return the event that logs a trial: plain data; what is at its default is left out."""
    event: Event = {"event": "trial", "number": trial.number}
    if trial.failure is not None:
        event["failure"] = trial.failure
    else:
        event["score"] = trial.score
    if trial.accuracy is not None:
        event["accuracy"] = trial.accuracy
    if trial.metrics:
        metrics = {name: m for name, m in trial.metrics.items() if isinstance(m, Metric)}
        event["metrics"] = {
            name: {"value": _null_if_nan(metric.value), "unit": metric.unit, "better": metric.better}
            for name, metric in metrics.items()
        }
    if trial.curve:
        event["curve"] = [_null_if_nan(value) for value in trial.curve]
    if trial.epochs is not None:
        event["epochs"] = trial.epochs
    if trial.cost:
        event["cost"] = trial.cost
    return event


def trial_from_event(event: Event, architecture: Architecture) -> Trial:
    """Return the trial that :func:`trial_event` logged, exactly."""
    return Trial(
        architecture,
        accuracy=event.get("accuracy"),
        score=event.get("score", math.nan),
        metrics={
            name: Metric(_nan_if_null(metric["value"]), metric["unit"], metric["better"])
            for name, metric in event.get("metrics", {}).items()
        },
        curve=tuple(_nan_if_null(value) for value in event.get("curve", ())),
        epochs=event.get("epochs"),
        cost=event.get("cost", 0.0),
        failure=event.get("failure"),
        number=event["number"],
    )


def _null_if_nan(value: float) -> float | None:
    return None if math.isnan(value) else value


def _nan_if_null(value: float | None) -> float:
    return math.nan if value is None else value


def event_line(space: SearchSpace, event: Event) -> str:
    """Return the event as JSON; what is drawable gets its name and, in a snapshot, its diagram."""
    if "choices" in event and "name" not in event:
        event = {**event, "name": space.format(tuple(event["choices"]))}
        if is_snapshot(event["number"]):
            event["diagram"] = space.diagram(space.architecture(event["choices"])).to_json()
    return to_json_line(event)


_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def to_json_line(value: Any) -> str:
    """Return plain data as JSON on one line; not-a-number and infinity are refused."""
    return _JSON.encode(value)


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
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError(
        "states and settings must be numbers, strings, lists, dicts or numpy arrays; "
        f"got {type(value).__name__} {value!r}."
    )


def for_the_eye(value: Any) -> Any:
    """Return a state as plain data with four significant digits; not-a-number and infinity become null."""
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if type(value) is dict:
        return {str(name): for_the_eye(item) for name, item in value.items()}
    if type(value) is list:
        return value[:] if {*map(type, value)} <= {int} else [for_the_eye(item) for item in value]
    return for_the_eye(plain(value))
