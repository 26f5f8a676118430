"""A tabular benchmark: the truth for every architecture of a space, looked up in a few microseconds.

A table is a CSV file, gzipped if its name ends in ``.gz``, with one row per architecture: its native
string under ``architecture``, and a column for each thing that was measured.

    architecture,validation_accuracy,test_accuracy
    |none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|,0.713,0.708

Ying et al., "NAS-Bench-101: Towards Reproducible Neural Architecture Search", ICML 2019,
arXiv:1902.09635, had the idea: a search that costs a second can be repeated until luck averages out.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasedu.core import Architecture, SearchSpace, Trial

__all__ = ["Table"]

UNITS = {"fraction": 1.0, "%": 100.0}


class Table:
    """Look architectures up: a list of architectures to a list of trials, in the same order.

    Args:
        space: whose architectures the table has, all of them.
        path: the CSV file.
        score: the column that is a trial's accuracy; validation accuracy, as strategies maximise it.
        test: the column that :meth:`test` reads unless told another; None if the table has none.
        unit: ``"fraction"`` or ``"%"``: how the file writes accuracies.
        epochs: for how many the scored networks were trained; None if that is not known.

    Attributes:
        columns: what was measured, in the order of the file.
        architectures: in the order of the file.

    Raises:
        ValueError: the file is damaged or is not a table, a row is wrong or comes twice, architectures are
            missing, there is no such column, or the accuracies are not in the unit.
        FileNotFoundError: there is no such file.
    """

    def __init__(
        self,
        space: SearchSpace,
        path: str | Path,
        *,
        score: str,
        test: str | None = None,
        unit: str = "fraction",
        epochs: float | None = None,
    ) -> None:
        if unit not in UNITS:
            raise ValueError(f"unit must be 'fraction' or '%'; got {unit!r}.")
        if score == test:
            raise ValueError(f"score and test must be different columns, or a strategy sees the test; got {score!r}.")
        self.space = space
        self.path = Path(path)
        self._unit, self._score, self._test, self._epochs = unit, score, test, epochs
        content = self.path.read_bytes()
        self._checksum = hashlib.sha256(content).hexdigest()[:16]
        self.columns, self._rows, self._values = self._read(_text(content, self.path))
        self._check_complete()
        self._scores = self.accuracies(score).tolist()
        self._tests = None if test is None else self.accuracies(test)

    def __call__(self, architectures: list[Architecture]) -> list[Trial]:
        """Return the trials of these architectures; they cost nothing."""
        return [
            Trial(each, accuracy=self._scores[self._row(each)], epochs=self._epochs, cost=0.0) for each in architectures
        ]

    def test(self, architecture: Architecture, column: str | None = None) -> float:
        """Return the test accuracy, in [0, 1], of what a search has chosen, from the given column or the table's."""
        accuracies = self._tests if column is None else self.accuracies(column)
        if accuracies is None:
            raise ValueError(f"say which column has the test accuracy; {self.path} has {', '.join(self.columns)}.")
        return float(accuracies[self._row(architecture)])

    def accuracies(self, column: str) -> NDArray[np.float64]:
        """Return a column as fractions in [0, 1], in the order of :attr:`architectures`.

        Raises:
            ValueError: there is no such column, or its values are not accuracies in the table's unit.
        """
        if column not in self.columns:
            raise ValueError(f"no column {column!r} in {self.path}; it has {', '.join(self.columns)}.")
        values, highest = self._values[self.columns.index(column)], UNITS[self._unit]
        if values.min() < 0 or values.max() > highest or (self._unit == "%" and values.max() <= 1):
            other = "%" if self._unit == "fraction" else "fraction"
            raise ValueError(
                f"column {column!r} of {self.path} must be accuracies with unit {self._unit!r}; its values are "
                f"{values.min():g}..{values.max():g}. Is it unit={other!r}, or another column?"
            )
        return np.asarray(values / highest)

    @property
    def architectures(self) -> list[Architecture]:
        """All architectures, in the order of the file."""
        return [Architecture(self.space, choices) for choices in self._rows]

    def best(self, column: str | None = None) -> Architecture:
        """Return the architecture with the highest value in a column, by default the score; the first one on a tie."""
        row = int(np.argmax(self.accuracies(column or self._score)))
        return Architecture(self.space, list(self._rows)[row])

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the trials, as JSON values: the file by name and checksum, its column, unit and epochs."""
        column = {"score": self._score, "unit": self._unit, "epochs": self._epochs}
        return {"table": self.path.name, "sha256": self._checksum, **column}

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"<Table {self.path.name}: {len(self):,} architectures of {self.space.name}, {', '.join(self.columns)}>"

    def _row(self, architecture: Architecture) -> int:
        space = architecture.space
        if space is not self.space and space != self.space:
            raise ValueError(f"the table has architectures of {self.space!r}; got one of {space!r}.")
        return self._rows[architecture.choices]

    def _read(self, text: str) -> tuple[list[str], dict[tuple[int, ...], int], NDArray[np.float64]]:
        """Return the columns, the row of each architecture's choices, and the values [columns, rows]."""
        lines = csv.reader(io.StringIO(text, newline=""))
        header = next(lines, [])
        if header[:1] != ["architecture"] or len(header) < 2:
            raise ValueError(
                f"{self.path} must begin with 'architecture,<column>,…'; it begins with {','.join(header)[:60]!r}."
            )
        rows: dict[tuple[int, ...], int] = {}
        values = []
        for number, line in enumerate(lines, start=2):
            choices, numbers = self._parse(line, number, len(header))
            if choices in rows:
                raise ValueError(f"{self.path}, line {number}: {line[0]!r} is already on line {rows[choices] + 2}.")
            rows[choices] = len(rows)
            values.append(numbers)
        return header[1:], rows, np.array(values, dtype=np.float64).reshape(-1, len(header) - 1).T

    def _parse(self, line: list[str], number: int, width: int) -> tuple[tuple[int, ...], list[float]]:
        where = f"{self.path}, line {number}"
        if len(line) != width:
            raise ValueError(f"{where}: expected {width} values, as in the header; got {len(line)}. Was it cut off?")
        try:
            choices = self.space.parse(line[0]).choices
            numbers = [float(value) for value in line[1:]]
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        if not all(np.isfinite(numbers)):
            raise ValueError(f"{where}: every value must be a finite number; got {', '.join(line[1:])}.")
        return choices, numbers

    def _check_complete(self) -> None:
        if len(self._rows) == self.space.size:
            return
        missing = next(each for each in self.space if each.choices not in self._rows)
        raise ValueError(
            f"{self.path} is not complete: it must have all {self.space.size:,} architectures of {self.space.name} "
            f"and has {len(self._rows):,}; one that is missing is {missing}."
        )


def _text(content: bytes, path: Path) -> str:
    try:
        plain = gzip.decompress(content) if path.suffix == ".gz" else content
        return plain.decode("utf-8")
    except (EOFError, OSError, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged or not a table: {error}. Copy or download it again.") from error
