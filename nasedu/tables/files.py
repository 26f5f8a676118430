"""Tables from files of other people: CSV or JSON, gzipped if the name ends in ``.gz``.

A CSV file has one row per architecture, its native string under ``architecture``, and a column for each thing
that was measured:

    architecture,validation_accuracy,test_accuracy
    |none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|,0.713,0.708

A JSON file has the same as objects, ``{"<architecture>": {"validation_accuracy": 0.713, …}, …}``, or as a list,
``[{"architecture": "…", "validation_accuracy": 0.713, …}, …]``.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasedu.core import SearchSpace, check_number, check_space
from nasedu.tables.table import Table

__all__ = ["finite", "read"]

CSV, JSON = (".csv", ".csv.gz"), (".json", ".json.gz")
UNITS = {"fraction": 1.0, "%": 100.0}
Row = tuple[str, str, Mapping[str, Any]]  # where it is in the file, the architecture, its values by column


def read(
    space: SearchSpace,
    path: str | Path,
    *,
    score: str,
    test: str | None = None,
    unit: str = "fraction",
    epochs: float | None = None,
    metrics: Sequence[str] = (),
    units: Mapping[str, tuple[str, str]] | None = None,
) -> Table:
    r"""Read a table with one value of everything for each architecture.

    The first column of a CSV file is called ``architecture``, and has the strings that ``space.parse`` reads; one with
    commas in it stands in quotes. For JSON see the top of ``nasedu/tables/files.py``.

    Args:
        space: whose architectures the file has, all of them.
        path: a file whose name ends in ``.csv``, ``.json``, or one of them and ``.gz``.
        score: the column that is a trial's accuracy; validation accuracy, as strategies maximise it.
        test: the column with the test accuracy; None if there is none.
        unit: ``"fraction"`` or ``"%"``: how the file writes accuracies.
        epochs: for how many the scored networks were trained; None if that is not known.
        metrics: the columns that become metrics of trials, in the units of ``nasedu.core.KNOWN_METRICS``.
        units: unit and better direction of other metrics, such as ``{"latency": ("ms", "lower")}``.

    Raises:
        ValueError: the file's name ends in something else, it is damaged or is not a table, a row is wrong or comes
            twice, architectures are missing, there is no such column, or the accuracies are not in the unit.
        FileNotFoundError: there is no such file.
        TypeError: this is no search space.

    Example:
        >>> import tempfile
        >>> import nasedu as nas
        >>> space = nas.SearchSpace("toy", [nas.Decision("width", (8, 16)), nas.Decision("kernel", (3, 5))])
        >>> lines = ["architecture,validation,test", *(f'"{each}",0.7,0.6' for each in space)]
        >>> file = Path(tempfile.mkdtemp(), "mine.csv")
        >>> _ = file.write_text("\n".join(lines))
        >>> table = read(space, file, score="validation", test="test")
        >>> lines[1], len(table)
        ('"width=8,kernel=3",0.7,0.6', 4)
    """
    check_space(space)
    if epochs is not None:
        check_number("epochs", epochs)
    if isinstance(metrics, str):
        raise ValueError(f"metrics must be a list of columns, such as [{metrics!r}]; got {metrics!r}.")
    if unit not in UNITS:
        raise ValueError(f"unit must be 'fraction' or '%'; got {unit!r}.")
    if score == test:
        raise ValueError(f"score and test must be different columns, or a strategy sees the test; got {score!r}.")
    if test in metrics:
        raise ValueError(
            f"metrics are in trials, where a strategy sees them, so the test may not be one; got {test!r}."
        )
    if score in metrics:
        raise ValueError(f"the score is each trial's accuracy, so it may not be a metric as well; got {score!r}.")
    path = Path(path)
    kind = path.name.lower()
    if not kind.endswith((*JSON, *CSV)):
        raise ValueError(
            f"the name of {path} must end in .csv or .json, or one of them and .gz. "
            "A table that was saved as .npz is read by nas.tables.Table.load(file)."
        )
    content = path.read_bytes()
    rows = _json_rows if kind.endswith(JSON) else _csv_rows
    columns = [score, *([] if test is None else [test]), *metrics]
    values = _collect(space, rows(_text(content, path), path), columns, path)
    accuracies = {
        column: _accuracies(values[column], column, unit, path) for column in columns if column not in metrics
    }
    return Table(
        path.name,
        space,
        accuracies[score].reshape(-1, 1, 1),
        epochs=(epochs,),
        test=None if test is None else accuracies[test].reshape(-1, 1),
        metrics={name: values[name] for name in metrics},
        units=units,
        provenance={"file": path.name, "sha256": hashlib.sha256(content).hexdigest(), "score": score, "test": test},
    )


def _text(content: bytes, path: Path) -> str:
    try:
        plain = gzip.decompress(content) if path.suffix.lower() == ".gz" else content
        return plain.decode("utf-8-sig")  # spreadsheets begin a file with a byte order mark
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be text in UTF-8; it is not: {error}. Save it again as that.") from error
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} is damaged or not a table: {error}. Copy or download it again.") from error


def _csv_rows(text: str, path: Path) -> Iterator[Row]:
    lines = _csv_lines(text, path)
    header = next(lines, [])
    if header[:1] != ["architecture"] or len(header) < 2:
        begin = ",".join(header)[:60]
        raise ValueError(
            f"{path} must begin with 'architecture,<column>,…', with commas between columns; it begins with {begin!r}."
        )
    for name in header:
        if header.count(name) > 1:
            raise ValueError(f"{path} has {header.count(name)} columns {name!r}; every column must have its own name.")
    for number, line in enumerate(lines, start=2):
        where = f"line {number}"
        if len(line) != len(header):
            raise ValueError(
                f"{path}, {where}: expected {len(header)} values, as in the header; got {len(line)}. "
                + ("Was it cut off?" if len(line) < len(header) else 'A value with commas in it needs quotes: "…".')
            )
        yield where, line[0], dict(zip(header[1:], line[1:], strict=True))


def _csv_lines(text: str, path: Path) -> Iterator[list[str]]:
    try:
        yield from csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    except csv.Error as error:
        raise ValueError(f"{path} is damaged or not a table: {error}. Copy or download it again.") from error


def _json_rows(text: str, path: Path) -> Iterator[Row]:
    def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} comes twice")
        return found

    try:
        document = json.loads(text, object_pairs_hook=without_repeats)
    except ValueError as error:
        raise ValueError(f"{path} is damaged or not a table: {error}. Copy or download it again.") from error
    if isinstance(document, dict):
        document = [{"architecture": name, **row} if isinstance(row, dict) else row for name, row in document.items()]
    if not isinstance(document, list):
        raise ValueError(f"{path} must be an object of objects or a list of them; it is {text[:60]!r}.")
    for number, row in enumerate(document, start=1):
        if not isinstance(row, dict) or not isinstance(row.get("architecture"), str):
            raise ValueError(
                f"{path}, entry {number}: expected an object with the architecture's string and its values; "
                f"got {str(row)[:60]}."
            )
        yield f"entry {number}", row["architecture"], row


def _collect(
    space: SearchSpace, rows: Iterator[Row], columns: Sequence[str], path: Path
) -> dict[str, NDArray[np.float64]]:
    """Return the values of each column, in the order of the space."""
    found: dict[tuple[int, ...], tuple[str, list[float]]] = {}
    for where, name, values in rows:
        for column in columns:
            if column not in values:
                known = ", ".join(each for each in values if each != "architecture")
                raise ValueError(f"no column {column!r} in {path}; it has {known} ({where}).")
        try:
            choices = space.parse(name).choices
            numbers = [finite(values[column]) for column in columns]
        except (ValueError, OverflowError) as error:  # a whole number of hundreds of digits is too large
            raise ValueError(f"{path}, {where}: {error}") from error
        if choices in found:
            raise ValueError(f"{path}, {where}: {name!r} is already on {found[choices][0]}.")
        found[choices] = where, numbers
    if len(found) != space.size:
        missing = next(each for each in space if each.choices not in found)
        raise ValueError(
            f"{path} is not complete: it must have all {space.size:,} architectures of {space.name} "
            f"and has {len(found):,}; one that is missing is {missing}."
        )
    by_row = np.array([found[each.choices][1] for each in space])
    return dict(zip(columns, by_row.T, strict=True))


def finite(value: Any) -> float:
    """Return a file's value, a number or its text, as a number.

    Raises:
        ValueError: it is no finite number.
        OverflowError: it is a whole number that is too large for one.
    """
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (ValueError, TypeError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"every value must be a finite number, such as 0.713; got {str(value)[:80]!r}.")
    return number


def _accuracies(values: NDArray[np.float64], column: str, unit: str, path: Path) -> NDArray[np.float64]:
    highest = UNITS[unit]
    if values.min() < 0 or values.max() > highest or (unit == "%" and values.max() <= 1):
        other = "%" if unit == "fraction" else "fraction"
        raise ValueError(
            f"column {column!r} of {path} must be accuracies with unit {unit!r}; its values are "
            f"{values.min():g}..{values.max():g}. Is it unit={other!r}, or another column?"
        )
    return np.asarray(values / highest)
