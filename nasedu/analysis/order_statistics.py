"""The best of n: what random search finds, and by how much the winner of n noisy measurements is overrated.

David & Nagaraja, "Order Statistics", 3rd edition, Wiley 2003, sections 2.1 (continuous) and 2.4 (discrete).

Of n independent draws the largest is at most v with probability F(v)^n, if one draw is with probability F(v). From a
table, where F is known, what random search finds after n trials follows without a single search.

Random search that never evaluates an architecture twice would do slightly better; ``RandomSearch`` draws with
replacement, as here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["expected_best", "expected_maximum"]


def expected_best(values: ArrayLike, n: ArrayLike, judged: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return the exact mean of what the best of n uniform draws, with replacement, is worth.

    With the N values in ascending order, without ties, the best of n draws is the i-th with probability

        (i/N)^n − ((i − 1)/N)^n.

    Of equal values the first one drawn is kept, as an incumbent is; that may be each of them alike, so they count
    with their mean.

    Args:
        values: [N] by which the best is chosen, larger is better: the validation accuracies of a whole table.
        n: how many draws, at least 1; a number or an array of any shape.
        judged: [N] what the chosen one is worth, such as its test accuracy; the values themselves if None.

    Returns:
        The expectation, in the unit of what is judged; in the shape of n.

    Raises:
        ValueError: there are no values, one is NaN, the two lists differ in length, or n is below 1.

    Example:
        >>> expected_best([0.0, 1.0], [1, 2, 3]).tolist()
        [0.5, 0.75, 0.875]
        >>> float(expected_best([0.1, 0.2, 0.9], n=10**9, judged=[0.9, 0.8, 0.5]))
        0.5
    """
    score = np.asarray(values, dtype=float)
    worth = score if judged is None else np.asarray(judged, dtype=float)
    if score.ndim != 1 or score.size == 0 or worth.shape != score.shape:
        raise ValueError(
            f"values and judged must be lists of the same length, at least 1; got shapes {score.shape}, {worth.shape}."
        )
    if np.isnan(score).any() or np.isnan(worth).any():
        raise ValueError("values and judged must be numbers; got nan. Leave out architectures that failed.")
    draws = _at_least_one(n)
    _, group, counts = np.unique(score, return_inverse=True, return_counts=True)
    means = np.bincount(group, weights=worth) / counts  # of each group of equal values, ascending
    below = np.cumsum(counts) / score.size  # F: the share of values up to each
    reached = below ** draws[..., None]
    return np.asarray(np.diff(reached, axis=-1, prepend=0.0) @ means)


def expected_maximum(n: ArrayLike) -> NDArray[np.float64]:
    """Return the mean of the largest of n independent standard normal numbers.

    Whoever measures n equally good architectures, each with noise of standard deviation σ, and reports the best
    measurement, overrates it by σ times this:

        E max = n ∫ x φ(x) Φ(x)^(n − 1) dx = b − ∫_{−∞}^b Φ(x)^n dx    for b where Φ(b)^n is 1.

    Args:
        n: how many, at least 1; a number or an array of any shape.

    Returns:
        The expectation, in standard deviations; in the shape of n.

    Raises:
        ValueError: n is below 1.

    Example:
        >>> [round(float(value), 3) for value in expected_maximum([1, 2, 3, 100])]
        [0.0, 0.564, 0.846, 2.508]
    """
    from scipy.special import log_ndtr

    draws = _at_least_one(n)
    low, high, step = -9.0, 15.0, 0.01  # beyond, Φ^n is 0 and 1 to the last digit, for n up to 10^20
    reached = np.exp(draws[..., None] * log_ndtr(np.arange(low, high + step / 2, step)))
    return np.asarray(high - step * (reached.sum(axis=-1) - 0.5))  # the trapezoid rule; the last value is 1


def _at_least_one(n: ArrayLike) -> NDArray[Any]:
    draws = np.asarray(n, dtype=float)
    if not (draws >= 1).all():
        raise ValueError(f"n must be at least 1; got {draws.min()}.")
    return draws
