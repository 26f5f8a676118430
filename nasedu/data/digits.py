"""Digits: 1,797 handwritten digits of 8×8 grey pixels, which come with scikit-learn.

Alpaydin & Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998.
The second small task: does a cell found on signals work on images?
"""

import functools

import numpy as np

from nasedu.data.dataset import Dataset, Split

__all__ = ["load"]

SEED = 0
SAMPLES_PER_CLASS = 40  # in each of validation and test; the rest is for training


@functools.cache
def load() -> Dataset:
    """Return the dataset: images of shape (1, 8, 8) with values in [0, 1]; 997 + 400 + 400 samples.

    The split is one fixed draw: validation and test have 40 samples of each class.
    """
    from sklearn.datasets import load_digits  # takes a second to import

    images, labels = load_digits(return_X_y=True)
    rng = np.random.default_rng(SEED)
    of_class = [rng.permutation(np.flatnonzero(labels == label)) for label in range(10)]
    parts = [np.split(indices, [SAMPLES_PER_CLASS, 2 * SAMPLES_PER_CLASS]) for indices in of_class]
    test, validation, train = (np.sort(np.concatenate(part)) for part in zip(*parts, strict=True))
    inputs = (images / 16).reshape(-1, 1, 8, 8)
    return Dataset("digits", (1, 8, 8), 10, *(Split(inputs[i], labels[i]) for i in (train, validation, test)))
