"""A dataset: inputs and labels, in three splits that never mix.

Networks are trained on ``train``, strategies choose by the accuracy on ``validation``, and ``test``
is looked at once, after the search.
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
        labels: [samples] int64, 0..classes-1.
    """

    inputs: NDArray[np.float32]
    labels: NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A classification task. It checks itself, and its arrays cannot be changed.

    Args:
        name: how histories call it.
        input_shape: of one sample, without the batch: (channels, length) or (channels, height, width).
        classes: how many different labels there may be; at least 2.
        train: what the weights are fitted to.
        validation: what architectures are chosen by.
        test: what the chosen architecture is judged by.

    Raises:
        ValueError: a split is empty, has another shape, inputs that are not finite, or labels outside 0..classes-1.
    """

    name: str
    input_shape: tuple[int, ...]
    classes: int
    train: Split
    validation: Split
    test: Split

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise ValueError(f"{self.name}: classes must be at least 2; got {self.classes}.")
        object.__setattr__(self, "input_shape", tuple(self.input_shape))
        for name in ("train", "validation", "test"):
            inputs, labels = getattr(self, name)
            self._check(name, np.asarray(inputs), np.asarray(labels))
            split = Split(_frozen(inputs, np.float32), _frozen(labels, np.int64))
            object.__setattr__(self, name, split)

    def _check(self, name: str, inputs: NDArray[Any], labels: NDArray[Any]) -> None:
        where = f"the {name} split of {self.name}"
        if inputs.shape[1:] != self.input_shape:
            raise ValueError(
                f"{where} has the wrong shape: inputs must be [samples, *{self.input_shape}]; got {inputs.shape}."
            )
        if labels.shape != inputs.shape[:1]:
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
        if not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(f"{where} needs whole numbers as labels; got {labels.dtype}.")
        if labels.min() < 0 or labels.max() >= self.classes:
            raise ValueError(f"{where}: labels must lie in 0..{self.classes - 1}; got {labels.min()}..{labels.max()}.")

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
        return f"<Dataset {self.name}: {sizes} samples of shape {self.input_shape}, {self.classes} classes>"


def _frozen(values: NDArray[Any], dtype: type) -> NDArray[Any]:
    array: NDArray[Any] = np.ascontiguousarray(values, dtype=dtype)
    if array is values and array.flags.writeable:
        array = array.copy()  # the caller may go on changing theirs
    array.setflags(write=False)
    return array
