"""Rank correlation: does an estimate put architectures in the order of the truth?

A search needs the order, not the numbers. Spearman's ρ is the ordinary correlation of the ranks; Kendall's τ is the
share of pairs in the right order minus the share in the wrong one (τ-b, which allows for ties). 1 is the same order,
0 none, −1 the opposite. Yang et al., "NAS evaluation is frustratingly hard", arXiv:1912.12522, and Yu et al.,
"Evaluating the Search Phase of Neural Architecture Search", arXiv:1902.08142, measure estimates so.

Over a whole space the bad architectures make it high. What a search chooses from are the good ones, where the truth
differs by little: look at them alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["RankCorrelation", "rank_correlation"]


class RankCorrelation(NamedTuple):
    """Spearman's ρ and Kendall's τ-b of so many architectures; NaN where all are equal."""

    spearman: float
    kendall: float
    size: int


def rank_correlation(estimate: ArrayLike, truth: ArrayLike, top: float = 1.0) -> RankCorrelation:
    """Return how well an estimate ranks the architectures that are truly best.

    Args:
        estimate: [N] larger is better: early accuracies, a predictor, a zero-cost score.
        truth: [N] of the same architectures.
        top: the share of them to look at, above 0 and at most 1: those whose truth is highest; with all that are
            equal to the last of them.

    Raises:
        ValueError: the lists differ in length or have NaN, the share is not in (0, 1], or fewer than two are left.

    Example:
        >>> found = rank_correlation([1, 2, 3, 4], [10, 20, 40, 30])
        >>> round(found.spearman, 3), round(found.kendall, 3), found.size
        (0.8, 0.667, 4)
    """
    from scipy import stats

    guess, true = np.asarray(estimate, dtype=float), np.asarray(truth, dtype=float)
    if guess.ndim != 1 or guess.shape != true.shape:
        raise ValueError(
            f"estimate and truth must be lists of the same length; got shapes {guess.shape}, {true.shape}."
        )
    if np.isnan(guess).any() or np.isnan(true).any():
        raise ValueError("estimate and truth must be numbers; got nan. Leave out architectures that failed.")
    if not 0 < top <= 1:
        raise ValueError(f"top must be a share above 0 and at most 1; got {top}.")
    count = int(np.ceil(top * len(true)))
    if count < 2:
        raise ValueError(f"a rank correlation takes at least 2 architectures; got {count} of {len(true)}.")
    best = true >= np.sort(true)[-count]
    if np.ptp(guess[best]) == 0 or np.ptp(true[best]) == 0:
        return RankCorrelation(np.nan, np.nan, int(best.sum()))
    spearman, kendall = stats.spearmanr(guess[best], true[best]), stats.kendalltau(guess[best], true[best])
    return RankCorrelation(float(spearman.statistic), float(kendall.statistic), int(best.sum()))
