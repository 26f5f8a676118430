"""Diabetes: 442 patients, ten measurements each, and how far the disease had come a year later; with scikit-learn.

Efron, Hastie, Johnstone & Tibshirani, "Least Angle Regression", Annals of Statistics 32, 2004, Table 1.
The small regression: the target is a number, not a class. The ten columns (age, sex, body mass index,
blood pressure, six blood values) are no signal, but a convolution takes them as one of length 10. Linear
regression reaches R² = 0.58 on the validation split and 0.34 on the test split: 100 patients say little.
"""

import functools

import numpy as np

from nasedu.data.dataset import Dataset, Split

__all__ = ["load"]

SEED = 0
SAMPLES = (242, 100, 100)  # train, validation, test


@functools.cache
def load() -> Dataset:
    """Return the dataset: signals of shape (1, 10), one real-valued target, 25 to 346; 242 + 100 + 100 samples.

    Columns have mean 0 and standard deviation 1 in the training split. The split is one fixed draw.
    """
    from sklearn.datasets import load_diabetes  # takes a second to import

    columns, targets = load_diabetes(return_X_y=True, scaled=False)
    order = np.random.default_rng(SEED).permutation(len(targets))
    parts = [np.sort(part) for part in np.split(order, np.cumsum(SAMPLES)[:-1])]
    train = columns[parts[0]]
    standardised = (columns - train.mean(axis=0)) / train.std(axis=0)
    inputs = (np.round(standardised * 4096) / 4096)[:, None]  # so that every machine has the same bits
    return Dataset("diabetes", (1, 10), None, *(Split(inputs[part], targets[part]) for part in parts))
