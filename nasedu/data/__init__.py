"""Datasets as numpy arrays: one file per dataset. None of them needs torch."""

from collections.abc import Callable
from typing import Any

from nasedu.data import cifar10, diabetes, digits, mnist1d
from nasedu.data.dataset import Dataset, Split

__all__ = ["Dataset", "Split", "load"]

LOADERS: dict[str, Callable[..., Dataset]] = {
    "mnist1d": mnist1d.load,
    "digits": digits.load,
    "diabetes": diabetes.load,
    "cifar10": cifar10.load,
}


def __dir__() -> list[str]:
    return __all__  # the files have names too, but nobody looks for them


def load(name: str, **options: Any) -> Dataset:
    """Return a dataset, split once and for all into train, validation and test.

    Args:
        name: ``"mnist1d"`` (signals, generated in a moment), ``"digits"`` (scikit-learn's small images),
            ``"diabetes"`` (scikit-learn's small regression) or ``"cifar10"`` (photographs; from a local copy, or
            downloaded with ``download=True``).
        options: the arguments of the dataset's own ``load``; only CIFAR-10 has any.

    Raises:
        ValueError: no dataset has this name, or a file is not what it should be.
        FileNotFoundError: there is no local copy, and nobody asked for a download.

    Example:
        >>> data = load("mnist1d")
        >>> data.input_shape, data.classes, len(data.train.labels)
        ((1, 40), 10, 4000)
    """
    if name not in LOADERS:
        raise ValueError(f"unknown dataset {name!r}; there are {', '.join(LOADERS)}.")
    return LOADERS[name](**options)
