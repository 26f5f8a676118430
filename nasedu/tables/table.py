"""A tabular benchmark: the truth for every architecture of a space, looked up in a few microseconds.

Ying et al., "NAS-Bench-101: Towards Reproducible Neural Architecture Search", ICML 2019,
arXiv:1902.09635, had the idea: a search that costs a second can be repeated until luck averages out.

Architectures that compute the same function share a row; in NAS-Bench-201, 15,625 cells share 5,044. A table may also
name its rows, by what ``space.canonical`` returns: then it need not have the whole space, nor list it, and any
architecture with a row's name is found there; in NAS-Bench-101, 1,293,208 cells share 423,624 names.
A row has the validation accuracies [rows, seeds, epochs] of several trainings, each from its own seed.
On disk a table is one npz file of plain arrays and a header in JSON. Accuracies are kept as they were
counted, the number of right answers, so that nothing is rounded, and five thousand rows of three
trainings of ten epochs take less than half a megabyte.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import math
import os
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasedu.core import (
    HOW_TO_PARSE,
    KNOWN_METRICS,
    Architecture,
    Metric,
    SearchSpace,
    Trial,
    check_architectures,
    shown,
)
from nasedu.spaces import create

__all__ = ["Table", "mean_known"]

FORMAT, VERSION = "nasedu.table", 1
NOT_MEASURED = 65_535  # in place of a count of right answers
DTYPES = {"parameters": np.int64, "flops": np.int64, "seconds_per_epoch": np.float32}


class Table:
    """Look architectures up: a list of architectures to a list of trials, in the same order.

    A trial's accuracy is the mean over the seeds, after the last epoch that was measured; its curve has the
    epochs before. Its cost is the time that one such training would have taken, epochs times ``seconds_per_epoch``,
    where that is known. To see less of the truth, as a search that trains does, there are :meth:`at` and :meth:`one`.

    Args:
        name: how histories and errors call the table.
        space: whose architectures it has, all of them unless there are names.
        validation: [rows, seeds, epochs] accuracies in [0, 1]; NaN where a training is missing or failed.
        rows: [architectures in the space's order] the row of each; by default each has its own.
        names: [rows] the canonical name of each, all different, instead of ``rows``; ``space.parse`` must read it. An
            architecture of another name has a failed trial.
        seeds: of the trainings, all different; the middle axis of ``validation``.
        epochs: after which accuracies were measured, rising; the last axis. ``(None,)`` if that is not known.
        test: [rows, seeds] accuracies in [0, 1] after the training that provenance names, or None.
        metrics: [rows] further measurements by name; NaN where one is not known.
        units: unit and better direction of those that ``nasedu.core.KNOWN_METRICS`` lacks: ``{"x": ("ms", "lower")}``.
        samples: how many samples the validation and the test split have, if accuracies are counts of them.
        provenance: how the table was made, as JSON values.

    Attributes:
        scored_seed: the seed whose trainings give the accuracies; None for the mean over all.
        scored_epoch: the epoch after which; None if that is not known.

    Raises:
        ValueError: an array has the wrong shape, an accuracy is outside [0, 1], seeds or names repeat, epochs do
            not rise, a metric's better direction is unknown, or the rows do not cover the space.
    """

    def __init__(
        self,
        name: str,
        space: SearchSpace,
        validation: ArrayLike,
        *,
        rows: ArrayLike | None = None,
        names: Sequence[str] | None = None,
        seeds: Sequence[int] = (0,),
        epochs: Sequence[float | None] = (None,),
        test: ArrayLike | None = None,
        metrics: Mapping[str, ArrayLike] | None = None,
        units: Mapping[str, tuple[str, str]] | None = None,
        samples: tuple[int, int] | None = None,
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        self.name, self.space = name, space
        self.seeds, self.epochs = _plain(seeds), _plain(epochs)
        self.samples = None if samples is None else _plain(samples)
        self.provenance = dict(provenance or {})
        self.names = None if names is None else tuple(names)
        self.validation = _frozen(validation, np.float64)
        self._check_complete(rows)
        count = space.size if names is None else len(names)
        self.rows = _frozen(np.arange(count) if rows is None else rows, np.int64)
        self._tests = None if test is None else _frozen(test, np.float64)
        for key in units or {}:
            if key not in (metrics or {}):
                raise ValueError(
                    f"units must be of metrics; got one of {key!r}, which is none. Name it in metrics, too."
                )
        self.units = {key: (units or {}).get(key) or _known_unit(key) for key in metrics or {}}
        self.metrics = {key: _frozen(values, _dtype(key, values)) for key, values in (metrics or {}).items()}
        self._check_axes()
        self._check()
        keys: Iterable[tuple[int, ...] | str] = space._all_choices() if self.names is None else self.names
        self._row_of = dict(zip(keys, self.rows.tolist(), strict=True))
        self._views: dict[tuple[int | None, int], Table] = {}  # shared by all of them
        self._score(None, len(self.epochs) - 1)

    def _check_complete(self, rows: ArrayLike | None) -> None:
        size, given = self.space.size, self.validation.shape[:1]
        if rows is None and self.names is None and given != (size,):  # before a row is made for each architecture
            raise ValueError(
                f"table {self.name} is not complete: it must have a row for each of the {size:,} architectures of "
                f"{self.space.name}; got {given[0] if given else 0:,}. Those that share rows need rows=…, and a table "
                "of some of the space names its rows, names=[space.canonical(architecture), …]."
            )

    def _check_axes(self) -> None:
        if not all(type(seed) is int for seed in self.seeds) or len({*self.seeds}) < len(self.seeds):
            raise ValueError(f"seeds of table {self.name} must be different whole numbers; got {self.seeds}.")
        numbers = [epoch for epoch in self.epochs if isinstance(epoch, int | float)]
        rising = len(numbers) == len(self.epochs) > 0 and all(a < b for a, b in itertools.pairwise((0, *numbers)))
        if not rising and self.epochs != (None,):
            raise ValueError(
                f"epochs of table {self.name} must be above 0 and rise, or be (None,) if not known; got {self.epochs}."
            )
        for key, unit in self.units.items():
            if isinstance(unit, str) or len(unit) != 2 or unit[1] not in ("higher", "lower"):
                raise ValueError(
                    f"units of metric {key} of table {self.name} must be its unit and what is better, higher or lower, "
                    f"such as ('ms', 'lower'); got {unit!r}."
                )

    def _check(self) -> None:
        count = len(self.validation)
        shapes: dict[str, tuple[NDArray[Any], tuple[int, ...]]] = {
            "validation": (self.validation, (count, len(self.seeds), len(self.epochs)))
        }
        if self._tests is not None:
            shapes["test"] = (self._tests, (count, len(self.seeds)))
        shapes |= {key: (values, (count,)) for key, values in self.metrics.items()}
        for key, (values, shape) in shapes.items():
            if values.shape != shape:
                raise ValueError(f"{key} of table {self.name} must have the shape {shape}; got {values.shape}.")
        for key in [key for key in ("validation", "test") if key in shapes]:
            values = shapes[key][0]
            if not (np.isnan(values) | (abs(values - 0.5) <= 0.5)).all():
                raise ValueError(
                    f"{key} of table {self.name} must be accuracies in [0, 1]; got {np.nanmin(values):g}.."
                    f"{np.nanmax(values):g}. Divide percent by 100."
                )
        if self.names is not None:
            if len({*self.names}) < count or not np.array_equal(self.rows, np.arange(count)):
                raise ValueError(
                    f"names of table {self.name} must be {count:,} different ones, one for each row, and no rows; "
                    f"got {len(self.names):,}, {len({*self.names}):,} of them different."
                )
        elif self.rows.shape != (self.space.size,):
            raise ValueError(
                f"table {self.name} is not complete: it must have the row of each of the {self.space.size:,} "
                f"architectures of {self.space.name}; got an array of shape {self.rows.shape}."
            )
        wrong = np.setxor1d(self.rows, np.arange(count))
        if len(wrong):
            what = "is not used" if 0 <= wrong[0] < count else "is used and not there"
            raise ValueError(
                f"table {self.name}: its {count:,} rows must all be used, and no others; row {wrong[0]} {what}."
            )

    def _score(self, seed: int | None, epoch: int) -> None:
        """Choose what trials are made from: the mean or one seed, up to an epoch's index."""
        self.scored_seed, self.scored_epoch = seed, self.epochs[epoch]
        of_seeds = self.validation if seed is None else self.validation[:, [self.seeds.index(seed)]]
        self._means = mean_known(of_seeds[:, :, : epoch + 1], axis=1)  # [rows, epochs]
        self._found: dict[tuple[int, ...], Trial] = {}  # of the choices that were looked up

    # Scoring -----------------------------------------------------------------------------------

    def __call__(self, architectures: list[Architecture]) -> list[Trial]:
        """Return the trials of these architectures; one whose training is missing or failed is a failed trial."""
        check_architectures(architectures)
        return [self._trial(each) for each in architectures]

    def _trial(self, architecture: Architecture) -> Trial:
        self._check_space(architecture)
        return self._found.get(architecture.choices) or self._look_up(architecture)

    def _look_up(self, architecture: Architecture) -> Trial:
        row = self._row_of.get(self._key(architecture))
        if row is None:
            return Trial(architecture, failure=f"table {self.name} does not have it")
        curve, seconds = self._means[row].tolist(), self.metrics.get("seconds_per_epoch")
        found: dict[str, Any] = {
            "metrics": {key: Metric(values[row].item(), *self.units[key]) for key, values in self.metrics.items()},
            "epochs": self.scored_epoch,
        }
        if seconds is not None and self.scored_epoch is not None and not math.isnan(seconds[row]):
            found["cost"] = self.scored_epoch * float(seconds[row])
        if np.isnan(curve[-1]):
            which = "" if self.scored_seed is None else f" with seed {self.scored_seed}"
            found["failure"] = f"table {self.name} has no training of it{which} that succeeded"
        else:
            found["accuracy"] = curve[-1]
            if self.epochs[: len(curve)] == tuple(range(1, len(curve) + 1)):
                found["curve"] = tuple(curve)
        self._found[architecture.choices] = trial = Trial(architecture, **found)
        return trial

    def at(self, epochs: float) -> Table:
        """Return the same table, scored after this epoch of the same trainings.

        An early epoch of a long training is not a short training: the learning rate is then still high, since the
        schedule fits the whole length. Whoever wants short trainings trains them: ``nas.evaluators.Train(…).at(3)``.

        Raises:
            ValueError: the accuracy after this epoch was not measured.
        """
        if epochs not in self.epochs:
            known = ", ".join(map(str, self.epochs))
            raise ValueError(f"epochs must be one that table {self.name} has ({known}); got {epochs!r}.")
        return self._view(self.scored_seed, self.epochs.index(epochs))

    def one(self, seed: int) -> Table:
        """Return the same table, scored by the one training from this seed, as a search would see that trains once.

        :meth:`test` stays the mean over all seeds: the truth by which what was found is judged.

        Raises:
            ValueError: there is no training from this seed.
        """
        if seed not in self.seeds:
            known = ", ".join(map(str, self.seeds))
            raise ValueError(f"seed must be one of those of table {self.name} ({known}); got {seed!r}.")
        return self._view(self.seeds[self.seeds.index(seed)], self.epochs.index(self.scored_epoch))  # none of numpy's

    def _view(self, seed: int | None, epoch: int) -> Table:
        if (seed, epoch) not in self._views:
            self._views[seed, epoch] = view = copy.copy(self)
            view._score(seed, epoch)
        return self._views[seed, epoch]

    # The truth ---------------------------------------------------------------------------------

    def test(self, architecture: Architecture) -> float:
        """Return the test accuracy, in [0, 1], of what a search has chosen, mean over the seeds.

        Raises:
            ValueError: the table has no test accuracies, or does not have the architecture.
        """
        self._check_space(architecture)
        row = self._row_of.get(self._key(architecture))
        if row is None:
            raise ValueError(f"table {self.name} does not have {architecture}.")
        return float(self._test_means[row])

    def test_accuracies(self) -> NDArray[np.float64]:
        """Return all test accuracies, means over the seeds, in the order of :attr:`architectures`.

        Raises:
            ValueError: the table has no test accuracies.
        """
        return np.asarray(self._test_means[self.rows])

    @property
    def has_test(self) -> bool:
        """Whether the table has test accuracies."""
        return self._tests is not None

    @cached_property
    def _test_means(self) -> NDArray[np.float64]:
        if self._tests is None:
            raise ValueError(f"table {self.name} has no test accuracies.")
        return mean_known(self._tests, axis=1)

    def accuracies(self) -> NDArray[np.float64]:
        """Return all validation accuracies as trials have them, in the order of :attr:`architectures`."""
        return np.asarray(self._means[self.rows, -1])

    @property
    def architectures(self) -> list[Architecture]:
        """All architectures, in the space's order; of a table with names, one for each row."""
        return [self._architecture(key) for key in self._row_of]

    def best(self) -> Architecture:
        """Return the architecture with the highest validation accuracy; the first one on a tie.

        Raises:
            ValueError: all trainings are missing or failed.
        """
        accuracies = self.accuracies()
        if np.isnan(accuracies).all():
            raise ValueError(
                f"{self!r} has no best architecture: all trainings are missing or failed. "
                "Another seed or epoch may have some: table.one(seed), table.at(epochs)."
            )
        return self._architecture(list(self._row_of)[int(np.nanargmax(accuracies))])

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the trials, as JSON values."""
        score = {"epochs": self.scored_epoch, "seed": self.scored_seed}
        return {"table": self.name, "checksum": self.checksum, **score}

    @property
    def checksum(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the space and all values; views have their table's."""
        if "_checksum" not in self.__dict__:
            names = [] if self.names is None else [self.names]
            header = [self.space.to_json(), self.seeds, self.epochs, self.units, *names]
            digest = hashlib.sha256(json.dumps(header).encode())
            tests = () if self._tests is None else (self._tests,)
            for values in (self.rows, self.validation, *tests, *self.metrics.values()):
                digest.update(values.tobytes())
            self._checksum = digest.hexdigest()[:16]
        return self._checksum

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        count = len(self.seeds)
        seeds = f"seed {self.scored_seed}" if self.scored_seed is not None else f"{count} seed{'s' * (count > 1)}"
        epochs = "" if self.scored_epoch is None else f", after epoch {self.scored_epoch:g}"
        rows = f"{len(self):,} architectures of {self.space.name} in {len(self.validation):,} rows"
        return f"<Table {self.name}: {rows}, {seeds}{epochs}>"

    def _key(self, architecture: Architecture) -> tuple[int, ...] | str:
        """Return what the row of an architecture is found by."""
        return architecture.choices if self.names is None else self.space.canonical(architecture)

    def _architecture(self, key: tuple[int, ...] | str) -> Architecture:
        return self.space.parse(key) if isinstance(key, str) else Architecture(self.space, key)

    def _check_space(self, architecture: Architecture) -> None:
        if not isinstance(architecture, Architecture):
            raise TypeError(f"a table has architectures; got {shown(architecture)}. {HOW_TO_PARSE}")
        space = architecture.space
        if space is not self.space and space != self.space:
            raise ValueError(f"the table has architectures of {self.space!r}; got one of {space!r}.")

    # Files -------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write the table to one npz file; what was there before is replaced in one step.

        Raises:
            ValueError: the file's name does not end in ``.npz``, or accuracies are no counts of the samples.
            TypeError: provenance has values that JSON does not know.
        """
        path = Path(path)
        if path.suffix.lower() != ".npz":
            raise ValueError(f"a table is saved in a file whose name ends in .npz; got {str(path)!r}.")
        header = {
            "format": FORMAT,
            "version": VERSION,
            "name": self.name,
            "space": self.space.to_json(),
            "seeds": self.seeds,
            "epochs": self.epochs,
            "units": self.units,
            "samples": self.samples,
            "provenance": self.provenance,
        }
        try:
            text = json.dumps(header)
        except TypeError as error:
            raise TypeError(
                f"provenance of table {self.name} must be JSON values: {error}. Of a value of numpy take .tolist()."
            ) from error
        counts = self.samples or (None, None)
        small = len(self.validation) <= 2**16
        arrays = {"rows": self.rows.astype(np.uint16 if small else np.int64), **self._prefixed_metrics()}
        if self.names is not None:
            arrays["names"] = np.array([name.encode() for name in self.names])
        arrays["validation"] = _counted(self.validation, counts[0], self.name)
        if self._tests is not None:
            arrays["test"] = _counted(self._tests, counts[1], self.name)
        unfinished = path.with_name(path.name + ".unfinished")
        try:
            with unfinished.open("wb") as file:
                np.savez_compressed(file, header=np.array(text), **arrays)  # type: ignore[arg-type]
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)

    def _prefixed_metrics(self) -> dict[str, NDArray[Any]]:
        return {f"metric {key}": values for key, values in self.metrics.items()}

    @classmethod
    def load(cls, path: str | Path, space: SearchSpace | None = None) -> Table:
        """Read a table from its file.

        Args:
            path: an npz file that :meth:`save` wrote.
            space: which space it must be of; needed for a space of your own, which the file only names.

        Raises:
            ValueError: the file is damaged, no table, of a newer version or of another space, or its arrays do not fit.
            FileNotFoundError: there is no such file.
        """
        path = Path(path)
        header, arrays = _read_npz(path)
        try:
            samples = tuple(header["samples"]) if header["samples"] else None
            counts = samples or (None, None)
            return cls(
                header["name"],
                _recorded_space(header["space"], space, path),
                _fractions(arrays["validation"], counts[0]),
                rows=arrays["rows"],
                names=[name.decode() for name in arrays["names"].tolist()] if "names" in arrays else None,
                seeds=header["seeds"],
                epochs=header["epochs"],
                test=_fractions(arrays["test"], counts[1]) if "test" in arrays else None,
                metrics={key: arrays[f"metric {key}"] for key in header["units"]},
                units={key: tuple(unit) for key, unit in header["units"].items()},
                samples=samples,
                provenance=header["provenance"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is damaged: something is missing or of the wrong kind ({error!r}).") from error
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def mean_known(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return the mean of what was measured; NaN where nothing was."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0.0).sum(axis) / known.sum(axis))


def _plain(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return values with numpy's numbers as Python's, which JSON knows."""
    return tuple(value.item() if isinstance(value, np.generic) else value for value in values)


def _frozen(values: ArrayLike, dtype: Any) -> NDArray[Any]:
    array = np.array(values, dtype=dtype)
    array.setflags(write=False)
    return array


def _dtype(metric: str, values: ArrayLike) -> Any:
    """Return the type of a metric's numbers: whole ones only where all are known, for there is no whole NaN."""
    is_known = not np.isnan(np.asarray(values, np.float64)).any()
    return DTYPES.get(metric, np.float64) if is_known else np.float64


def _known_unit(metric: str) -> tuple[str, str]:
    if metric not in KNOWN_METRICS:
        raise ValueError(
            f"metric {metric!r} needs a unit and a direction, units={{{metric!r}: ('ms', 'lower')}}. "
            f"Without them there are {', '.join(KNOWN_METRICS)}."
        )
    return KNOWN_METRICS[metric]


def _counted(values: NDArray[np.float64], samples: int | None, name: str) -> NDArray[Any]:
    """Return accuracies as counts of right answers; without a number of samples as they are."""
    if samples is None:
        return values
    counts = np.where(np.isnan(values), NOT_MEASURED, np.rint(values * samples)).astype(np.int64)
    if not np.array_equal(_fractions(counts, samples), values, equal_nan=True) or samples >= NOT_MEASURED:
        raise ValueError(
            f"the accuracies of table {name} must be whole numbers of right answers of {samples} samples, at most "
            f"{NOT_MEASURED - 1:,}. Without samples they are stored as they are."
        )
    return counts.astype(np.uint16)


def _fractions(counts: NDArray[Any], samples: int | None) -> NDArray[np.float64]:
    if samples is None:
        return np.asarray(counts, dtype=np.float64)
    return np.where(counts == NOT_MEASURED, np.nan, counts / samples)


def _read_npz(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    path.stat()  # a missing file is no damaged one
    try:
        if not zipfile.is_zipfile(path):  # numpy would say that it is no pickle
            raise zipfile.BadZipFile("it is no npz file, or was cut off")
        with np.load(path, allow_pickle=False) as found:
            arrays = {key: found[key] for key in found.files}
        header = json.loads(str(arrays["header"]))
        known = header.get("format")
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        EOFError,
        OSError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise ValueError(
            f"{path} is damaged or not a table: {error}. Copy it again, or build it again; "
            "a CSV or JSON file is read by nas.tables.read(space, file, score=…)."
        ) from error
    if known != FORMAT:
        raise ValueError(f"{path} is not a {FORMAT} file: its format is {known!r}.")
    if header.get("version") != VERSION:
        found_version = header.get("version")
        raise ValueError(
            f"{path} has version {found_version!r} of {FORMAT}; this nasedu reads {VERSION}. Update nasedu."
        )
    return header, arrays


def _recorded_space(recorded: Mapping[str, Any], given: SearchSpace | None, path: Path) -> SearchSpace:
    """Return the space of a file: the given one, or the installed one of its name; it must be the very same."""
    try:
        space = create(recorded["name"], **recorded["parameters"]) if given is None else given
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"its space {recorded['name']!r} is not installed here: {error} If it is yours, give it, in Python: "
            f"nas.tables.Table.load({path.name!r}, space=…)."
        ) from error
    if space.to_json() != recorded:
        raise ValueError(
            f"it is a table of another space: {recorded['name']} with the parameters {recorded['parameters']} and "
            f"{len(recorded['decisions'])} decisions; got {space!r}."
        )
    return space
