"""MNIST-1D: ten digits written as one-dimensional signals, generated afresh by this file.

Greydanus & Kobak, "Scaling Down Deep Learning with MNIST-1D", ICML 2024, arXiv:2011.14439. The
task, its ten templates and its settings are theirs (their data are Apache-2.0); the generator below is
our own. It separates good from bad networks in a second of training.

A template of 12 points becomes a signal of 40:

    1. pad        36 to 60 zeros after the template, then stretch to 72 points: the digit's width varies
    2. scale      by a factor between 0.8 and 1.2
    3. translate  by 0 to 47 points, around the end
    4. noise      correlated (Gaussian, smoothed over 2 points) where there is no digit, independent everywhere
    5. shear      add a straight line
    6. resample   72 points to 40, and bring all signals to mean 0 and standard deviation 1

What differs from the paper: 12,000 samples from one fixed seed, 4,000 each to train, validate and
test, every class equally often in each. Values are rounded to multiples of 2⁻¹², far below the
noise, so that every machine has the same bits. The mean and standard deviation are constants.
"""

import functools

import numpy as np
from numpy.typing import NDArray

from nasedu.data.dataset import Dataset, Split

__all__ = ["load", "signals", "templates"]

STROKES = (  # where the pen is, left or right of the middle (5), at 12 heights from the top of the digit to its bottom
    (5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5),
    (5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5),
    (5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5),
    (5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5),
    (5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5),
    (5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5),
    (5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5),
    (5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5),
)
PADDING = (36, 60)
MAX_SHIFT = 48
SCALE = 0.4  # widths of the intervals from which scale and shear are drawn
SHEAR = 0.75
CORRELATED_NOISE = 0.25
INDEPENDENT_NOISE = 0.02
POINTS, LENGTH = 72, 40  # before and after resampling
MEAN, DEVIATION = -0.0059, 0.1547  # of the values of 100,000 signals
SEED = 0
SAMPLES_PER_CLASS = 400  # in each split


def templates() -> NDArray[np.float64]:
    """Return the ten clean digits, [10, 12]: they begin and end at 0 and have standard deviation 1/6."""
    strokes = np.array(STROKES)
    return np.asarray((strokes - strokes[:, :1]) / strokes.std(axis=1, keepdims=True) / 6)


def signals(labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw one signal for each label.

    Args:
        labels: [samples] digits, 0..9.
        rng: the only source of randomness.

    Returns:
        [samples, 1, 40], with mean 0 and standard deviation 1.
    """
    count, points = len(labels), np.arange(POINTS)
    padding = rng.integers(PADDING[0], PADDING[1] + 1, size=(count, 1))
    position = points * (11 + padding) / (POINTS - 1)  # [samples, 72], in points of the padded template
    digit = position < 12
    clean = _at(np.pad(templates(), ((0, 0), (0, 1))), labels, np.minimum(position, 12))
    clean *= 1 + SCALE * (rng.random((count, 1)) - 0.5)
    shifted = (points - rng.integers(MAX_SHIFT, size=(count, 1))) % POINTS
    noise = CORRELATED_NOISE * rng.standard_normal((count, POINTS)) @ _smoothing(POINTS, width=2.0)
    signal = np.where(np.take_along_axis(digit, shifted, axis=1), np.take_along_axis(clean, shifted, axis=1), noise)
    signal += INDEPENDENT_NOISE * rng.standard_normal((count, POINTS))
    signal -= SHEAR * (rng.random((count, 1)) - 0.5) * np.linspace(-0.5, 0.5, POINTS)
    resampled = (_at(signal, np.arange(count), np.linspace(0, POINTS - 1, LENGTH)[None]) - MEAN) / DEVIATION
    return (np.round(resampled * 4096) / 4096).astype(np.float32)[:, None]


def _at(rows: NDArray[np.float64], row: NDArray[np.int64], position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows[row] at fractional positions, [samples, positions], interpolated linearly."""
    left = np.minimum(position.astype(np.int64), rows.shape[1] - 2)
    share = position - left
    return np.asarray((1 - share) * rows[row[:, None], left] + share * rows[row[:, None], left + 1])


def _smoothing(points: int, width: float) -> NDArray[np.float64]:
    """Return the matrix that smooths a row with a Gaussian; beyond its ends the row is mirrored."""
    to, start = np.arange(points), np.arange(points)[:, None]
    images = (start, -1 - start, 2 * points - 1 - start)
    kernel = sum(np.exp(-((to - image) ** 2) / (2 * width**2)) for image in images)
    return np.asarray(kernel / (width * np.sqrt(2 * np.pi)))


@functools.cache
def load() -> Dataset:
    """Return the dataset: 12,000 signals of shape (1, 40), the same in every session."""
    rng = np.random.default_rng(SEED)
    splits = []
    for _ in ("train", "validation", "test"):
        labels = rng.permutation(np.repeat(np.arange(10), SAMPLES_PER_CLASS))
        splits.append(Split(signals(labels, rng), labels))
    return Dataset("mnist1d", (1, LENGTH), 10, *splits)
