"""Build a table: train every function of a space with several seeds, measure what each costs, pack the results.

    1. training  every row with seed 0, then every row with seed 1, …: validation accuracy after each epoch, and
                 test accuracy, in batches that go to worker processes of one thread each
    2. timing    every row once: weights, FLOPs, and the seconds of an epoch, alone, on one thread
    3. packing   what is complete becomes ``NAME.npz``

Results are appended to ``NAME.part.jsonl`` as they come, so a build that is killed at any time loses at most
the running batches, and the same build goes on from there; ``NAME.lock`` says which process is at it. Where
``NAME.npz`` is there already, its trainings are not repeated: more seeds can be added to a finished table.

    {"format": "nasedu.table.part", "version": 1, "name": "nasbench201-digits", "settings": {…}, "versions": {…}}
    {"run": {"started": "2026-01-31T09:00:00+00:00", "machine": "…", "processes": 2, …}}
    {"seed": 0, "row": 17, "architecture": "|…|", "validation": [212, 240, …], "test": 371, "seconds": 0.8}
    {"row": 17, "parameters": 1778, "flops": 26240, "seconds_per_epoch": 0.041}

A row is trained as the first architecture in the space's order that computes its function.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import platform
import statistics
import time
import uuid
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from numpy.typing import NDArray

from nasedu.core import Architecture, SearchSpace
from nasedu.processes import side_by_side
from nasedu.spaces import NASBench201
from nasedu.tables.table import Table

if TYPE_CHECKING:
    from nasedu.data import Dataset
    from nasedu.evaluators import Population

__all__ = [
    *("RECIPES", "SPACE", "Recipe", "batches", "build", "count", "difference", "distinct", "machine", "measure"),
    *("shortened", "train", "versions"),
]

FORMAT, VERSION = "nasedu.table.part", 1
WARM_UP_STEPS, TIMED_STEPS = 4, 10
DECISIVE = (  # settings of an evaluator that decide the accuracies
    *("dataset", "channels", "cells", "epochs", "batch_size", "learning_rate", "weight_decay", "schedule"),
    *("optimizer", "label_smoothing", "population", "device"),
)
SPACE = NASBench201()
Record = dict[str, Any]
Job = tuple[int, list[tuple[int, tuple[int, ...]]]]  # a seed, and the number and choices of each row


@dataclass(frozen=True)
class Recipe:
    """What a table of NAS-Bench-201's cells is of; otherwise the defaults of ``nas.evaluators.Population``.

    All fields are plain values, so that it can be sent to another process.
    """

    name: str
    dataset: str
    epochs: int = 10
    channels: int = 8

    def load_data(self) -> Dataset:
        """Return the dataset."""
        from nasedu import data

        return data.load(self.dataset)

    def evaluator(self, seed: int, device: str, largest: int | None = None) -> Population:
        """Return the evaluator whose trainings are the table's; it trains at most ``largest`` side by side."""
        from nasedu.evaluators import Population

        data, epochs, channels = self.load_data(), self.epochs, self.channels
        return Population(data, epochs=epochs, seed=seed, channels=channels, device=device, largest=largest)

    def settings(self, device: str) -> Record:
        """Return all that decides the accuracies but the seed and the versions, as JSON values."""
        training = self.evaluator(0, device).settings
        return {"space": SPACE.name, **{name: training[name] for name in DECISIVE}}


RECIPES = {
    recipe.name: recipe for recipe in (Recipe("nasbench201-mnist1d", "mnist1d"), Recipe("nasbench201-digits", "digits"))
}


def distinct(space: SearchSpace) -> tuple[list[Architecture], NDArray[np.int64]]:
    """Return the first architecture of each function, in order of appearance, and each architecture's row in that list.

    Takes a second or two for NAS-Bench-201: 5,044 functions of 15,625 cells.
    """
    first: list[Architecture] = []
    row_of_name: dict[str, int] = {}
    rows = []
    for architecture in space:
        row = row_of_name.setdefault(space.canonical(architecture), len(first))
        if row == len(first):
            first.append(architecture)
        rows.append(row)
    return first, np.array(rows)


def build(
    recipe: Recipe,
    folder: str | Path = ".",
    *,
    seeds: int = 3,
    processes: int | None = None,
    device: str = "auto",
    batch: int | None = None,
    progress: bool = True,
) -> Path:
    """Build a table, or go on with it, and return where it is.

    Args:
        recipe: what to build, such as ``RECIPES["nasbench201-digits"]``.
        folder: where ``NAME.npz`` and ``NAME.part.jsonl`` are or will be.
        seeds: train with the seeds 0..seeds-1; at least 1.
        processes: trainings at a time; by default the cores of a CPU, and 1 on a GPU.
        device: see :func:`nasedu.training.device`.
        batch: architectures that a process trains side by side; what a kill may lose. By default that of the
            last run that is gone on with, or else what is quickest.
        progress: show bars.

    Raises:
        ValueError: a number is out of range, what is there was made with other settings or versions, another build
            is at work in the folder, or there is too little data to time an epoch.
        ChildProcessError: a process died; what was finished is kept.
    """
    from joblib import cpu_count
    from tqdm.auto import tqdm

    from nasedu import training

    for name, value in (("seeds", seeds), ("processes", processes), ("batch", batch)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1; got {value}.")
    device = str(training.device(device))
    processes = processes or (cpu_count() if device == "cpu" else 1)
    settings = recipe.settings(device)
    short, steps = shortened(recipe)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    architectures, rows = distinct(SPACE)
    with _alone(folder / f"{recipe.name}.lock"):
        packed = _packed(folder / f"{recipe.name}.npz", recipe, settings, rows)
        part = _Part(folder / f"{recipe.name}.part.jsonl", recipe, settings, architectures)
        try:
            before = part.runs[-1].get("batch") if part.runs else None
            batch = batch or before or _quickest(recipe, settings)
            part.append({"run": _run(device, processes, batch)})
            wanted = [seed for seed in range(seeds) if packed is None or seed not in packed.seeds]
            jobs = [job for seed in wanted for job in batches(seed, architectures, batch) if not part.has(job)]
            total, todo = seeds * len(architectures), sum(len(choices) for _, choices in jobs)
            with (
                tqdm(total=total, initial=total - todo, desc="training", disable=not progress) as bar,
                closing(train_all(recipe, device, jobs, processes)) as trained,
            ):
                for records in trained:
                    part.append(*records)
                    bar.update(len(records))
            if packed is None:
                _time_all(recipe, architectures, short, steps, part, progress)
            table = _pack(recipe, settings, rows, part, packed)
            table.save(folder / f"{recipe.name}.npz")
        finally:
            part.close()
    return folder / f"{recipe.name}.npz"


def _quickest(recipe: Recipe, settings: Record) -> int:
    from nasedu import training

    cells, size, device = settings["cells"], settings["batch_size"], settings["device"]
    return training.population_size(recipe.load_data(), recipe.channels, cells, size, device)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time in; the lock file of a process of this machine that has ended holds nobody back."""
    mine = path.with_name(f"{path.name}.{uuid.uuid4().hex}")  # a lock is there with all its content, or not at all
    mine.write_text(f"{os.getpid()} {psutil.Process().create_time()} {platform.node()}", encoding="utf-8")
    try:
        _link(mine, path)
    except FileExistsError:
        _check_over(path)
        os.replace(mine, path)
    finally:
        mine.unlink(missing_ok=True)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _link(file: Path, path: Path) -> None:
    """Give a file this name too, or copy it where file systems have no links; FileExistsError if the name is taken."""
    try:
        os.link(file, path)
    except FileExistsError:
        raise
    except OSError:
        with path.open("x", encoding="utf-8") as lock:
            lock.write(file.read_text(encoding="utf-8"))


def _check_over(path: Path) -> None:
    """Refuse a lock file whose process may still be there."""
    number, start, host = [*path.read_text(encoding="utf-8").split(maxsplit=2), "", "", ""][:3]
    if host not in ("", platform.node()):  # locks of older versions do not name it
        raise ValueError(
            f"process {number} on {host} is building here, says {path}. Wait for it, or build in another folder. "
            "Whether it still runs cannot be seen from here: if that build is over, delete the file."
        ) from None
    if _runs(number, start):
        raise ValueError(
            f"process {number} is building here, says {path}. Wait for it, or build in another folder."
        ) from None


def _runs(number: str, start: str) -> bool:
    """Say whether the process with this number and start is still there; numbers are given again."""
    try:
        return bool(abs(psutil.Process(int(number)).create_time() - float(start)) < 2)  # clocks are set
    except (ValueError, psutil.Error):  # cut off when it was written, or gone
        return False


# Training --------------------------------------------------------------------------------------


def batches(seed: int, architectures: Sequence[Architecture], size: int) -> Iterator[Job]:
    """Yield jobs of at most ``size`` rows each, always the same: what is computed together is rounded together."""
    pairs = [(row, each.choices) for row, each in enumerate(architectures)]
    for start in range(0, len(pairs), size):
        yield seed, pairs[start : start + size]


def train_all(recipe: Recipe, device: str, jobs: Sequence[Job], processes: int) -> Generator[list[Record], None, None]:
    """Yield the records of each batch as it is done; with one process, all is done in this one."""
    processes = min(processes, len(jobs))
    if processes <= 1:
        yield from (train(recipe, device, job) for job in jobs)
        return
    with closing(side_by_side(partial(train, recipe, device), jobs, processes)) as results:
        for _, records in results:
            yield records


def train(recipe: Recipe, device: str, job: Job) -> list[Record]:
    """Train a batch of rows with one seed, and return their records; a CPU computes on one thread."""
    from nasedu import training
    from nasedu.training import devices

    seed, pairs = job
    data, architectures = recipe.load_data(), [Architecture(SPACE, choices) for _, choices in pairs]
    started, records = time.perf_counter(), []
    with devices.threads(1):
        results = recipe.evaluator(seed, device, len(pairs)).fit_all(architectures)
        for (row, _), architecture, (network, fit) in zip(pairs, architectures, results, strict=True):
            record = {"seed": seed, "row": row, "architecture": str(architecture)}
            if isinstance(fit, training.TrainingFailure):
                records.append({**record, "failure": str(fit)})
                continue
            right = training.accuracy(network, data, "test", device) * len(data.test.labels)
            record["validation"] = [round(accuracy * len(data.validation.labels)) for accuracy in fit.curve]
            records.append({**record, "test": round(right)})
    seconds = (time.perf_counter() - started) / len(records)
    return [{**record, "seconds": round(seconds, 4)} for record in records]


# Timing ----------------------------------------------------------------------------------------


def _time_all(
    recipe: Recipe, architectures: list[Architecture], dataset: Dataset, steps: int, part: _Part, progress: bool
) -> None:
    from tqdm.auto import tqdm

    todo = [row for row in range(len(architectures)) if row not in part.timed]
    with tqdm(
        total=len(architectures), initial=len(architectures) - len(todo), desc="timing", disable=not progress
    ) as bar:
        for row in todo:
            part.append({"row": row, **measure(recipe, architectures[row], dataset, steps)})
            bar.update()


def shortened(recipe: Recipe) -> tuple[Dataset, int]:
    """Return the dataset with just enough samples for the steps that are timed, and the steps of a whole epoch.

    Raises:
        ValueError: an epoch has fewer than 2 steps, so none goes from one forward pass to the next.
    """
    from nasedu.data import Dataset, Split

    data, size = recipe.load_data(), recipe.evaluator(0, "cpu").batch_size
    steps = len(data.train.labels) // size
    if steps < 2:
        raise ValueError(
            f"to time an epoch, {data.name} must have at least 2 batches of {size} training samples; "
            f"got {len(data.train.labels)} samples."
        )
    few = slice(0, size * (1 + WARM_UP_STEPS + TIMED_STEPS))
    train = Split(data.train.inputs[few], data.train.labels[few])
    one = Split(data.validation.inputs[:1], data.validation.labels[:1])
    return Dataset(data.name, data.input_shape, data.classes, train, one, one), steps


def count(recipe: Recipe, architecture: Architecture, dataset: Dataset) -> Record:
    """Return how many weights an architecture's network has, and the FLOPs of one sample."""
    from nasedu import networks, training

    rng = np.random.default_rng(0)
    network = networks.build(architecture, dataset.input_shape, dataset.outputs, rng=rng, channels=recipe.channels)
    return {"parameters": training.parameters(network), "flops": training.flops(network, dataset.input_shape)}


def measure(recipe: Recipe, architecture: Architecture, dataset: Dataset, steps: int) -> Record:
    """Return what an architecture costs: weights, FLOPs of one sample, and seconds of an epoch's training steps.

    A step is one turn of the loop of :func:`nasedu.training.fit`: loss, gradient, optimizer and learning rate, for
    one batch, on one thread of the CPU. Counted is the time that this thread computes, so that other programs matter
    little. The time of a step is the median over ten after four that warm up, from the start of its forward pass to
    the start of the next; an epoch is ``steps`` times that. Validation after each epoch is not in it. Dataset and
    steps are those of :func:`shortened`.
    """
    from nasedu import networks, training

    evaluator, rng = recipe.evaluator(0, "cpu"), np.random.default_rng(0)
    network = networks.build(architecture, dataset.input_shape, dataset.outputs, rng=rng, channels=recipe.channels)
    starts: list[float] = []  # of training steps; nan where validation lies between two
    network.register_forward_pre_hook(
        lambda module, _: starts.append(time.thread_time() if module.training else math.nan)
    )
    in_epoch = len(dataset.train.labels) // evaluator.batch_size
    epochs = math.ceil((WARM_UP_STEPS + TIMED_STEPS) / (in_epoch - 1))
    training.fit(network, dataset, rng=rng, epochs=epochs, batch_size=evaluator.batch_size, device="cpu")
    times = [end - start for start, end in itertools.pairwise(starts) if not math.isnan(end - start)]
    seconds = statistics.median(times[WARM_UP_STEPS:][:TIMED_STEPS]) * steps
    return {**count(recipe, architecture, dataset), "seconds_per_epoch": round(seconds, 6)}


# The part file ---------------------------------------------------------------------------------


class _Part:
    """The file that a build appends to, and what is in it.

    Attributes:
        trained: record of each (seed, row).
        timed: record of each row.
        runs: of this build, in order; each with the ``seeds`` that it trained, and whether it ``timed`` rows.
        samples: how many there are in the validation and in the test split.
    """

    def __init__(self, path: Path, recipe: Recipe, settings: Record, architectures: list[Architecture]) -> None:
        data = recipe.load_data()
        self.path, self._recipe, self._names = path, recipe, [str(each) for each in architectures]
        self.samples = len(data.validation.labels), len(data.test.labels)
        self.trained: dict[tuple[int, int], Record] = {}
        self.timed: dict[int, Record] = {}
        self.runs: list[Record] = []
        self.header = {
            "format": FORMAT,
            "version": VERSION,
            "name": recipe.name,
            "settings": settings,
            "versions": versions(),
        }
        whole = self._read() if path.exists() else 0
        self._file = path.open("r+b" if whole else "wb")
        self._file.truncate(whole)  # a last line that was cut off
        self._file.seek(whole)
        if not whole:
            self._write(self.header)

    def append(self, *records: Record) -> None:
        """Keep records, here and on disk."""
        for record in records:
            self._keep(record)
        self._write(*records)

    def has(self, job: Job) -> bool:
        """Say whether all rows of a job are there."""
        return all((job[0], row) in self.trained for row, _ in job[1])

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def seeds(self) -> list[int]:
        """Return the seeds with which every row has been trained."""
        every = range(len(self._names))
        return [
            seed for seed in sorted({seed for seed, _ in self.trained}) if all((seed, i) in self.trained for i in every)
        ]

    def _write(self, *records: Record) -> None:
        self._file.write(b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records))
        self._file.flush()

    def _read(self) -> int:
        """Read the file; return how many bytes of it are whole lines."""
        whole, newline, _ = self.path.read_bytes().rpartition(b"\n")
        if not newline:
            return 0
        for number, line in enumerate(whole.split(b"\n"), start=1):
            try:
                record = json.loads(line)
                if number > 1:
                    self._keep(record)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ValueError(
                    f"{self.path}, line {number}: {line[:60]!r} is no line of this build ({error}). "
                    "Delete that line, and what it had is made again."
                ) from error
            if number == 1:
                self._check_header(record)
        return len(whole) + 1

    def _check_header(self, found: Any) -> None:
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise ValueError(f"{self.path} is not a {FORMAT} file: its first line is {str(found)[:60]}.")
        differing = difference(found, json.loads(json.dumps(self.header)))
        if differing:
            raise ValueError(
                f"{self.path} was made with other settings or versions, which give other accuracies: {differing}. "
                "Go on with those, or build in another folder."
            )

    def _keep(self, record: Record) -> None:
        if "run" in record:
            self.runs.append({**record["run"], "seeds": [], "timed": False})
        elif "seed" in record:
            self._check_training(record)
            self.trained[record["seed"], record["row"]] = record
            if self.runs and record["seed"] not in self.runs[-1]["seeds"]:
                self.runs[-1]["seeds"].append(record["seed"])
        else:
            cost = (record["parameters"], record["flops"], record["seconds_per_epoch"])
            if not 0 <= record["row"] < len(self._names) or not all(value >= 0 for value in cost):
                raise ValueError(f"row or cost out of range: {record}")
            self.timed[record["row"]] = record
            if self.runs:
                self.runs[-1]["timed"] = True

    def _check_training(self, record: Record) -> None:
        if not 0 <= record["row"] < len(self._names) or self._names[record["row"]] != record["architecture"]:
            raise ValueError(f"row {record['row']} is not {record['architecture']}")
        if not record["seconds"] >= 0:
            raise ValueError(f"seconds must be at least 0; got {record['seconds']}")
        if "failure" in record:
            return
        right, counts = record["validation"], (*record["validation"], record["test"])
        if len(right) != self._recipe.epochs or not all(type(count) is int and count >= 0 for count in counts):
            raise ValueError(f"expected {self._recipe.epochs} counts of right answers and that of the test")
        if max(right) > self.samples[0] or record["test"] > self.samples[1]:
            raise ValueError(f"there are {self.samples[0]} validation and {self.samples[1]} test samples")


def difference(found: Any, expected: Any, where: str = "") -> str:
    """Say what differs between two JSON documents; nothing if they are equal."""
    if isinstance(found, dict) and isinstance(expected, dict):
        parts = [difference(found.get(key), expected.get(key), f"{where}{key} ") for key in {**expected, **found}]
        return "; ".join(filter(None, parts))
    return "" if found == expected else f"{where}is {found!r} there and {expected!r} now"


def versions() -> dict[str, str]:
    """Return the versions of all that decides how accuracies are rounded."""
    import torch

    from nasedu import __version__

    return {
        "nasedu": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _run(device: str, processes: int, batch: int) -> Record:
    from joblib import cpu_count

    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(device),
        "cores": cpu_count(),
        "device": device,
        "processes": processes,
        "batch": batch,
    }


def machine(device: str) -> str:
    """Return the names of the processor, the GPU if that is the device, and the operating system."""
    import torch

    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), cpu)
    gpu = f", {torch.cuda.get_device_name(device)}" if torch.device(device).type == "cuda" else ""
    return f"{cpu}{gpu}, {platform.system()}"


# Packing ---------------------------------------------------------------------------------------


def _packed(path: Path, recipe: Recipe, settings: Record, rows: NDArray[np.int64]) -> Table | None:
    """Return the table that is there already; its rows must be those that are trained now."""
    if not path.exists():
        return None
    table = Table.load(path, SPACE)
    differing = difference(table.provenance.get("settings"), json.loads(json.dumps(settings)))
    if differing:
        raise ValueError(f"{path} was made with other settings: {differing}. Build in another folder.")
    if not np.array_equal(table.rows, rows):
        wrong = np.count_nonzero(table.rows != rows)
        raise ValueError(
            f"{path} must have the rows of this nasedu; it has {wrong:,} architectures in others. "
            "Build in another folder."
        )
    return table


def _pack(recipe: Recipe, settings: Record, rows: NDArray[np.int64], part: _Part, packed: Table | None) -> Table:
    """Return the table of all seeds that are complete: those of the packed one, and those of the part file."""
    count, samples = rows.max() + 1, part.samples
    seeds = [seed for seed in part.seeds() if packed is None or seed not in packed.seeds]
    validation = np.full((count, len(seeds), recipe.epochs), np.nan)
    tests = np.full((count, len(seeds)), np.nan)
    for row, (index, seed) in itertools.product(range(count), enumerate(seeds)):
        record = part.trained[seed, row]
        if "failure" not in record:
            validation[row, index] = np.divide(record["validation"], samples[0])
            tests[row, index] = record["test"] / samples[1]
    own = [part.trained[seed, row]["seconds"] for seed in seeds for row in range(count)]
    runs = [run for run in part.runs if {*run["seeds"]} & {*seeds} or (packed is None and run["timed"])]
    runs = runs or part.runs[-1:]
    builds = [{"seeds": seeds, "versions": versions(), "training_seconds": round(sum(own)), "runs": runs}]
    if packed is None:
        timed = [part.timed[row] for row in range(count)]
        metrics = {key: np.array([record[key] for record in timed]) for key in timed[0] if key != "row"}
    else:
        metrics = dict(packed.metrics)
        validation = np.concatenate([packed.validation, validation], axis=1)
        tests = np.concatenate([packed._tests, tests], axis=1)
        builds = [*packed.provenance["builds"], *(builds if seeds else [])]
        seeds = [*packed.seeds, *seeds]
    for run in itertools.chain.from_iterable(made["runs"] for made in builds):
        run.pop("command", None)  # older versions recorded it, with the folders of the builder
    command = f"nasedu table build {recipe.name} --seeds {len(seeds)}"
    return Table(
        recipe.name,
        SPACE,
        validation,
        rows=rows,
        seeds=seeds,
        epochs=range(1, recipe.epochs + 1),
        test=tests,
        metrics=metrics,
        samples=samples,
        provenance={"command": command, "settings": settings, "builds": builds},
    )
