"""NAS-Bench-101, from the file that its authors publish or from what others made of it.

Ying, Klein, Christiansen, Real, Murphy & Hutter, "NAS-Bench-101: Towards Reproducible Neural Architecture Search",
ICML 2019, arXiv:1902.09635, Section 2.

Every cell was trained on CIFAR-10 for 4, 12, 36 and 108 epochs, three times each. A table has the trainings of one
length: those for 4 epochs are no beginnings of those for 108. Cells are found by ``space.canonical``, so a matrix may
have its vertices in any order. What can be read, by the end of the file's name:

    .tfrecord   the authors' own file, ``nasbench_only108.tfrecord`` (499 MB) or ``nasbench_full.tfrecord`` (1.95 GB).
                Of each training all but the accuracy on training images; TensorFlow is not needed. Checksums of single
                records are not looked at; the provenance has the SHA-256 of the file, which the authors' README states.
    .json       a list of trainings, or of cells with the means of their trainings, as objects; or what the authors' API
                gives, ``{hash: get_metrics_from_hash(hash)}``, with matrices as lists.
    .csv        a line for each training or cell.

Columns of the last two, of which the first three must be there; ``.gz`` may follow the name:

    matrix                          rows of 0 and 1; in a string all in a row or with / between them
    operations                      ``input``, those of the vertices, ``output``; in a string with commas between them
    validation_accuracy             in [0, 1], after the last epoch
    test_accuracy                   the same
    halfway_validation_accuracy     after half of the epochs
    epochs                          for how many it was trained; where this is missing, all are of the length asked for
    trainable_parameters            a number of weights
    training_time                   in seconds, on the authors' TPUs
"""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import io
import json
import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nasedu.spaces import NASBench101
from nasedu.tables.files import finite
from nasedu.tables.table import Table

__all__ = ["read_nasbench101"]

EPOCHS = (4, 12, 36, 108)
NAMES = {  # of other people's files, and ours
    "module_adjacency": "matrix",
    "module_operations": "operations",
    "ops": "operations",
    "n_params": "trainable_parameters",
    "avg_validation_accuracy": "validation_accuracy",
    "avg_test_accuracy": "test_accuracy",
    "avg_training_time": "training_time",
    "final_validation_accuracy": "validation_accuracy",
    "final_test_accuracy": "test_accuracy",
    "final_training_time": "training_time",
}
LONGEST_RECORD = 1_000_000  # bytes; the authors' have about a thousandth of that


class Training(NamedTuple):
    """One training, or the mean of several; NaN is what is not known."""

    halfway: float
    validation: float
    test: float
    parameters: float
    seconds: float


def read_nasbench101(path: str | Path, *, epochs: int = 108, progress: bool = False) -> Table:
    """Read the trainings of one length; it takes minutes for the authors' files.

    Accuracies after half and all of the epochs, test accuracies after all; a seed is the number of a training, from 0.
    Metrics: parameters, and the seconds per epoch on the authors' TPUs.

    Args:
        path: of a file in one of the forms above.
        epochs: 4, 12, 36 or 108.
        progress: show a bar.

    Raises:
        ValueError: the file is damaged or in none of these forms, it has no trainings of this length, or one of its
            cells is no cell of the space.
        FileNotFoundError: there is no such file.
    """
    from tqdm.auto import tqdm

    if epochs not in EPOCHS:
        raise ValueError(f"epochs must be one of {', '.join(map(str, EPOCHS))}, the benchmark's; got {epochs}.")
    path, space = Path(path), NASBench101()
    names: dict[str, str] = {}  # of cells as they are written in the file
    found: dict[str, list[Training]] = {}
    with (
        path.open("rb") as file,
        tqdm(total=path.stat().st_size, unit="B", unit_scale=True, disable=not progress) as bar,
    ):
        reader = _Reader(file, bar)
        records = _tfrecords if path.suffix == ".tfrecord" else _plain_records
        for where, record in records(reader, path):
            try:
                if _length(record, epochs) == epochs:
                    written = json.dumps([record["matrix"], record["operations"]])
                    if written not in names:
                        names[written] = _name(space, record)
                    found.setdefault(names[written], []).append(_training(record))
            except (ValueError, TypeError, KeyError, OverflowError) as error:
                problem = f"there is no {error}" if isinstance(error, KeyError) else error
                raise ValueError(f"{path}, {where}: {problem}") from error
    if not found:
        raise ValueError(f"{path} has no trainings for {epochs} epochs.")
    return _table(space, found, epochs, {"file": path.name, "sha256": reader.sha256.hexdigest(), "epochs": epochs})


def _table(space: NASBench101, found: Mapping[str, list[Training]], epochs: int, provenance: dict[str, Any]) -> Table:
    seeds = max(map(len, found.values()))
    missing = [Training(*[math.nan] * len(Training._fields))]
    rows = [trainings + missing * (seeds - len(trainings)) for trainings in found.values()]
    values = np.array(rows, dtype=np.float64)  # [rows, seeds, what a training has]
    halfway, validation, test, parameters, seconds = np.moveaxis(values, 2, 0)
    has_halfway = not np.isnan(halfway).all()
    metrics = {}
    if not np.isnan(parameters[:, 0]).any():
        metrics["parameters"] = parameters[:, 0]
    if not np.isnan(seconds[:, 0]).any():
        metrics["seconds_per_epoch"] = np.nanmean(seconds, axis=1) / epochs
    return Table(
        f"nasbench101-cifar10-{epochs}",
        space,
        np.stack([halfway, validation] if has_halfway else [validation], axis=2),
        names=list(found),
        seeds=range(seeds),
        epochs=(epochs / 2, epochs) if has_halfway else (epochs,),
        test=None if np.isnan(test).all() else test,
        metrics=metrics,
        provenance=provenance,
    )


# One record -----------------------------------------------------------------------------------


def _length(record: Mapping[str, Any], asked: int) -> int:
    length = int(record.get("epochs", asked))
    if length not in EPOCHS:
        raise ValueError(f"epochs must be one of {', '.join(map(str, EPOCHS))}; got {length}.")
    return length


def _name(space: NASBench101, record: Mapping[str, Any]) -> str:
    """Return the canonical name of a record's cell."""
    matrix, operations = record["matrix"], record["operations"]
    if isinstance(matrix, str):
        matrix = _rows(matrix)
    if isinstance(operations, str):
        operations = operations.split(",")
    return space.canonical(space.from_matrix(matrix, operations))


def _rows(text: str) -> list[list[int]]:
    digits = text.replace("/", "")
    side = math.isqrt(len(digits))
    if len(digits) > 10_000 or side**2 != len(digits) or set(digits) - {"0", "1"}:
        raise ValueError(f"a matrix must be rows of as many 0 and 1 as there are rows; got {text[:80]!r}.")
    return [[int(digit) for digit in digits[start : start + side]] for start in range(0, len(digits), side)]


def _training(record: Mapping[str, Any]) -> Training:
    _ = record["validation_accuracy"]  # the one that must be there
    columns = "halfway_validation_accuracy", "validation_accuracy", "test_accuracy"
    accuracies = [finite(record[column]) if column in record else math.nan for column in columns]
    for accuracy in accuracies:
        if not (0 <= accuracy <= 1 or math.isnan(accuracy)):
            raise ValueError(f"accuracies must lie in 0..1; got {accuracy:g}.")
    others = ("trainable_parameters", "training_time")
    return Training(*accuracies, *(finite(record[column]) if column in record else math.nan for column in others))


# JSON and CSV ---------------------------------------------------------------------------------


def _plain_records(reader: _Reader, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    content = reader.read()
    try:
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        text = content.decode("utf-8-sig")
        kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
        if kind == ".csv":
            lines: Iterator[dict[Any, Any]] = csv.DictReader(io.StringIO(text, newline=""), strict=True)
            records: Any = [{key: value for key, value in line.items() if value != ""} for line in lines]
        elif kind == ".json":
            records = json.loads(text)
        else:
            raise ValueError("its name must end in .tfrecord, .json or .csv, or one of the last two and .gz")
    except (ValueError, EOFError, OSError, zlib.error, csv.Error, RecursionError) as error:
        raise ValueError(f"{path} cannot be read: {error}.") from error
    if isinstance(records, dict):
        records = [record for pair in records.values() for record in _of_the_api(pair)]
    if not isinstance(records, list):
        raise ValueError(f"{path} must be a list of objects, or an object of pairs.")
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict) or None in record or None in record.values():
            raise ValueError(f"{path}, entry {number}: expected a value for each column; got {str(record)[:80]}.")
        yield f"entry {number}", {NAMES.get(str(key), str(key)): value for key, value in record.items()}


def _of_the_api(pair: Any) -> Iterator[Any]:
    """Yield the trainings of a cell: its constants, and lists of measurements by the number of epochs."""
    try:
        constants, measured = pair
        for epochs, trainings in measured.items():
            for training in trainings:
                yield {**constants, **training, "epochs": int(epochs)}
    except (TypeError, ValueError, AttributeError):
        yield pair  # is none, and refused with its number


# The authors' file ----------------------------------------------------------------------------


def _tfrecords(reader: _Reader, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the records: length (8 bytes) and its checksum (4), so many bytes and their checksum (4), and again."""
    number = 0
    while start := reader.read(12):
        number += 1
        where = f"record {number}"
        length = struct.unpack("<Q", start[:8])[0] if len(start) == 12 else 0
        record = reader.read(length + 4) if length <= LONGEST_RECORD else b""
        if len(start) < 12 or len(record) < length + 4:
            raise ValueError(f"{path}, {where}: the file is damaged or cut off. Copy or download it again.")
        try:
            name, epochs, matrix, operations, metrics = json.loads(record[:-4])
            halfway, final, parameters = _metrics(base64.b64decode(metrics, validate=True))
            training = {
                "halfway_validation_accuracy": halfway[4],
                "validation_accuracy": final[4],
                "test_accuracy": final[5],
                "training_time": final[2],
                "trainable_parameters": parameters,
            }
        except (ValueError, TypeError, KeyError, IndexError, struct.error, RecursionError) as error:
            raise ValueError(f"{path}, {where}: it is no record of NAS-Bench-101 ({repr(error)[:200]}).") from error
        cell = {"matrix": matrix, "operations": operations, "epochs": epochs}
        yield f"{where}, cell {str(name)[:32]}", {**cell, **training}


def _metrics(message: bytes) -> tuple[dict[int, Any], dict[int, Any], int]:
    """Return what was measured after half and all of the epochs, by the numbers of the fields, and the parameters.

    The fields of the benchmark's ``model_metrics.proto``: 1 an evaluation (before, halfway, in the end), 2 the number
    of trainable parameters; in an evaluation 2 the training time, 4 validation accuracy, 5 test accuracy.
    """
    fields = list(_fields(message))
    evaluations = [dict(_fields(value)) for field, value in fields if field == 1]
    return evaluations[1], evaluations[2], dict(fields)[2]


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield the fields of a protocol buffer, by number: whole numbers, doubles, and bytes."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        if key & 7 == 0:
            value, position = _varint(message, position)
            yield key >> 3, value
        elif key & 7 == 1:
            yield key >> 3, struct.unpack_from("<d", message, position)[0]
            position += 8
        elif key & 7 == 2:
            length, position = _varint(message, position)
            yield key >> 3, message[position : position + length]
            position += length
        else:
            raise ValueError(f"a field of the unknown type {key & 7}")


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position


class _Reader:
    """Reads a file, shows how far, and takes the checksum of all of it."""

    def __init__(self, file: Any, bar: Any) -> None:
        self.file, self.bar, self.sha256 = file, bar, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, all of them by default."""
        content: bytes = self.file.read(size)
        self.sha256.update(content)
        self.bar.update(len(content))
        return content
