"""A dataset: inputs and labels, in three splits that never mix.

Networks are trained on ``train``, strategies choose by the score on ``validation``, and ``test``
is looked at once, after the search. Labels are classes (classification) or real numbers (regression).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Dataset", "Split"]


class Split(NamedTuple):
    """Some of a dataset's samples.

    Attributes:
        inputs: [samples, *input_shape] float32.
        labels: [samples] int64, 0..classes-1; of a regression [samples, outputs] float32, in the targets' own unit.
    """

    inputs: NDArray[np.float32]
    labels: NDArray[np.int64] | NDArray[np.float32]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A task: classification or regression. It checks itself, and its arrays cannot be changed.

    Args:
        name: how histories call it.
        input_shape: of one sample, without the batch: (channels, length) or (channels, height, width).
        classes: how many different labels there may be; at least 2. None for a regression, whose labels are real
            numbers, [samples] or [samples, outputs].
        train: what the weights are fitted to.
        validation: what architectures are chosen by.
        test: what the chosen architecture is judged by.

    Raises:
        ValueError: a split is empty, has another shape, values that are not finite, labels outside 0..classes-1, or
            targets that are all the same.

    Example:
        >>> split = Split(np.zeros((3, 1, 8)), np.array([0.5, 1.5, 3.5]))
        >>> Dataset("lengths", (1, 8), None, split, split, split)
        <Dataset lengths: 3 + 3 + 3 samples of shape (1, 8), 1 real-valued target>
    """

    name: str
    input_shape: tuple[int, ...]
    classes: int | None
    train: Split
    validation: Split
    test: Split

    def __post_init__(self) -> None:
        if self.classes is not None and self.classes < 2:
            raise ValueError(
                f"{self.name}: classes must be at least 2, or None for real-valued targets; got {self.classes}."
            )
        object.__setattr__(self, "input_shape", tuple(self.input_shape))
        for name in ("train", "validation", "test"):
            inputs, labels = (np.asarray(values) for values in getattr(self, name))
            self._check_inputs(f"the {name} split of {self.name}", inputs, labels)
            if self.classes is None:
                self._check_targets(f"the {name} split of {self.name}", labels)
                labels = _frozen(labels.reshape(len(labels), -1), np.float32)
            else:
                self._check_classes(f"the {name} split of {self.name}", labels, self.classes)
                labels = _frozen(labels, np.int64)
            object.__setattr__(self, name, Split(_frozen(inputs, np.float32), labels))

    def _check_inputs(self, where: str, inputs: NDArray[Any], labels: NDArray[Any]) -> None:
        if inputs.shape[1:] != self.input_shape:
            raise ValueError(
                f"{where} has the wrong shape: inputs must be [samples, *{self.input_shape}]; got {inputs.shape}."
            )
        if labels.shape[:1] != inputs.shape[:1]:
            raise ValueError(
                f"{where} needs one label per input: {len(inputs)} inputs, labels of shape {labels.shape}."
            )
        if len(inputs) == 0:
            raise ValueError(f"{where} is empty; it must have at least one sample.")
        if not np.isfinite(inputs).all():
            count = int((~np.isfinite(inputs)).sum())
            raise ValueError(
                f"{where} must be finite; {count} values are not a number or infinite. Remove or fill them."
            )

    def _check_classes(self, where: str, labels: NDArray[Any], classes: int) -> None:
        if labels.ndim != 1:
            raise ValueError(
                f"{where} needs one label per input: {len(labels)} inputs, labels of shape {labels.shape}."
            )
        if not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(
                f"{where} needs whole numbers as labels; got {labels.dtype}. For real-valued targets say classes=None."
            )
        if labels.min() < 0 or labels.max() >= classes:
            raise ValueError(f"{where}: labels must lie in 0..{classes - 1}; got {labels.min()}..{labels.max()}.")

    def _check_targets(self, where: str, targets: NDArray[Any]) -> None:
        """Nothing can be learned of a target that never varies, and R² divides by its variance."""
        outputs = np.size(self.train.labels) // len(self.train.labels)
        if targets.ndim > 2 or targets.size != outputs * len(targets) or outputs == 0:
            raise ValueError(
                f"{where} needs targets [samples] or [samples, outputs], as many outputs in every split; "
                f"got shape {targets.shape}."
            )
        if targets.dtype.kind not in "iuf":
            raise ValueError(f"{where} needs real numbers as targets; got {targets.dtype}.")
        if not np.isfinite(targets).all():
            count = int((~np.isfinite(targets)).sum())
            raise ValueError(f"{where} must have finite targets; {count} are not a number or infinite. Remove them.")
        columns = targets.reshape(len(targets), -1).astype(np.float32)
        constant = np.flatnonzero(columns.min(axis=0) == columns.max(axis=0))
        if len(constant):
            raise ValueError(
                f"{where}: targets must vary; output {constant[0]} is {columns[0, constant[0]]:g} in every sample."
            )

    @property
    def outputs(self) -> int:
        """How many numbers a network gives for a sample: a logit for each class, or a number for each target."""
        return self.train.labels.shape[1] if self.classes is None else self.classes

    @cached_property
    def checksum(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of all splits' bytes: by it a history knows its data again."""
        digest = hashlib.sha256()
        for split in (self.train, self.validation, self.test):
            for values in split:
                digest.update(values)  # type: ignore[arg-type]
        return digest.hexdigest()[:16]

    def __repr__(self) -> str:
        sizes = " + ".join(f"{len(split.labels):,}" for split in (self.train, self.validation, self.test))
        plural = "" if self.outputs == 1 else "s"
        task = f"{self.outputs} real-valued target{plural}" if self.classes is None else f"{self.classes} classes"
        return f"<Dataset {self.name}: {sizes} samples of shape {self.input_shape}, {task}>"


def _frozen(values: NDArray[Any], dtype: type) -> NDArray[Any]:
    array: NDArray[Any] = np.ascontiguousarray(values, dtype=dtype)
    if array is values and array.flags.writeable:
        array = array.copy()  # the caller may go on changing theirs
    array.setflags(write=False)
    return array
