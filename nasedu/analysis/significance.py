"""Who is better, and how sure are we? Tests of strategies that ran from the same seeds.

Two questions, two tools:

* **compare**: two strategies at a time. Their difference from the same seed, the interval in which its mean lies, and
  the p-value of Wilcoxon's signed-rank test, corrected by Holm for having asked several questions at once.
* **critical_difference**: all strategies at a time, by their ranks: Friedman's test and Nemenyi's critical difference.
  Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7, 2006, sections 3.2.2 and 3.2.4.

The seeds are the blocks. Two searches from one seed belong together: most strategies begin with the same random
draws, so a lucky beginning is luck for both. Runs on several tables may be blocks as well, and say more: seeds on one
table say which strategy wins on this table.

Ranks have a price. Whether Nemenyi's test tells A from B depends on who else is in the race (Benavoli, Corani &
Mangili, "Should We Really Use Post-Hoc Tests Based on Mean-Ranks?", JMLR 17(5), 2016). For a question about two
strategies use ``compare``; the diagram of ranks is the overview.

A p-value does not say how large a difference is, and with enough seeds every difference is significant. Read the
difference and its interval first.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas

__all__ = ["CriticalDifference", "compare", "critical_difference", "holm"]

Array = NDArray[np.float64]
RESAMPLES = 2_000


def compare(
    values: Mapping[str, ArrayLike], rng: np.random.Generator, *, control: str | None = None
) -> pandas.DataFrame:
    """Compare strategies in pairs.

    Args:
        values: by strategy, what it reached [seeds], the same seeds in the same order: ``analysis.outcomes(frame)``.
        rng: draws the bootstrap's samples.
        control: compare the others with this one only, which asks fewer questions; every pair if None.

    Returns:
        One row for each pair: ``first``, ``second`` (the control, if there is one); ``difference``, the mean of
        first − second, in the unit of the values, and ``low`` and ``high``, the ends of its 95 % interval by the
        bootstrap (2,000 samples of the seeds, percentiles); ``ahead``, the share of seeds in which the first is
        ahead, where an equal result counts half; ``p`` of Wilcoxon's signed-rank test, two-sided, with equal results
        ranked (Pratt 1959); ``p_holm``, the same after Holm's correction for all rows.

    Raises:
        TypeError: the values are not by strategy, such as the frame of a race.
        ValueError: there are fewer than two strategies or seeds, they have different numbers of seeds, one is NaN,
            or there is no such control.
    """
    import pandas
    from scipy import stats

    found = _checked(values)
    if control is not None and control not in found:
        raise ValueError(f"control must be one of {', '.join(found)}; got {control!r}.")
    pairs = list(itertools.combinations(found, 2)) if control is None else [(n, control) for n in found if n != control]
    seeds = len(next(iter(found.values())))
    samples = rng.integers(seeds, size=(RESAMPLES, seeds))  # the same seeds for every pair
    rows = []
    for first, second in pairs:
        gap = np.round(found[first] - found[second], 12)  # equal differences of accuracies must be equal
        low, high = np.percentile(gap[samples].mean(axis=1), [2.5, 97.5])
        ahead = (gap > 0).mean() + (gap == 0).mean() / 2
        p = stats.wilcoxon(gap, zero_method="pratt").pvalue if gap.any() else 1.0
        rows.append((first, second, gap.mean(), low, high, ahead, float(p)))
    frame = pandas.DataFrame(rows, columns=["first", "second", "difference", "low", "high", "ahead", "p"])
    return frame.assign(p_holm=holm(frame["p"]))


def holm(p_values: ArrayLike) -> Array:
    """Return p-values corrected for having tested all of them, by Holm's step-down rule.

    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6, 1979. Of m
    p-values in ascending order, the i-th is multiplied by m − i + 1, and is at least as large as the one before. The
    chance that any difference is called real that is not, is then at most the level at which one draws the line.

    Example:
        >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return corrected


@dataclass(frozen=True, slots=True)
class CriticalDifference:
    """What a critical-difference diagram shows.

    Attributes:
        ranks: the mean rank of each strategy over the seeds, best first; 1 is best, equal results share their ranks.
        difference: mean ranks that are closer than this cannot be told apart.
        groups: strategies that cannot be told apart, each group as large as it can be.
        p: of Friedman's test that all strategies are alike, corrected for ties.
        seeds: how many.
        alpha: the level of the tests.
    """

    ranks: dict[str, float]
    difference: float
    groups: tuple[tuple[str, ...], ...]
    p: float
    seeds: int
    alpha: float


def critical_difference(values: Mapping[str, ArrayLike], alpha: float = 0.05) -> CriticalDifference:
    """Rank the strategies from each seed, and say which mean ranks differ by more than chance.

    With k strategies and N seeds, two mean ranks differ by chance by less than

        CD = q √(k (k + 1) / (6 N))

    in 1 − alpha of all races of equal strategies; q is the quantile of the studentised range by √2 (Nemenyi).

    Args:
        values: by strategy, what it reached [seeds], larger is better, the same seeds in the same order.
        alpha: between 0 and 1.

    Raises:
        TypeError: the values are not by strategy, such as the frame of a race.
        ValueError: there are fewer than two strategies or seeds, they have different numbers of seeds, one is NaN,
            or alpha is outside (0, 1).
    """
    from scipy import stats

    found = _checked(values)
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1; got {alpha}.")
    table = np.stack(list(found.values()), axis=1)  # [seeds, strategies]
    seeds, count = table.shape
    means = stats.rankdata(-table, axis=1).mean(axis=0)
    q = stats.studentized_range.ppf(1 - alpha, count, np.inf) / np.sqrt(2)
    difference = float(q * np.sqrt(count * (count + 1) / (6 * seeds)))
    ranks = dict(sorted(zip(found, means.tolist(), strict=True), key=lambda pair: pair[1]))
    return CriticalDifference(ranks, difference, _groups(ranks, difference), _friedman(table), seeds, alpha)


def _friedman(table: Array) -> float:
    """Return the p-value of Friedman's test of [seeds, strategies]; 1 where every seed has all of them equal."""
    from scipy import stats

    if (table == table[:, :1]).all():
        return 1.0
    if table.shape[1] == 2:  # scipy wants three; of two, the test is the sign test's normal approximation
        first, second = (table[:, 0] > table[:, 1]).sum(), (table[:, 0] < table[:, 1]).sum()
        return float(stats.chi2.sf((first - second) ** 2 / (first + second), 1))
    return float(stats.friedmanchisquare(*table.T).pvalue)


def _groups(ranks: Mapping[str, float], difference: float) -> tuple[tuple[str, ...], ...]:
    """Return the largest runs of neighbours, of two or more, whose first and last differ by less."""
    names, values = list(ranks), list(ranks.values())
    runs: list[tuple[int, int]] = []
    for start in range(len(names)):
        end = max(place for place in range(start, len(names)) if values[place] - values[start] < difference)
        if end > start and (not runs or end > runs[-1][1]):
            runs.append((start, end))
    return tuple(tuple(names[start : end + 1]) for start, end in runs)


def _checked(values: Mapping[str, ArrayLike]) -> dict[str, Array]:
    is_race = "incumbent_test" in getattr(values, "columns", ())
    if is_race or not hasattr(values, "items"):
        what = "the frame of a race" if is_race else type(values).__name__
        raise TypeError(
            f"values are what each strategy reached, by its name: give nas.analysis.outcomes(frame); got {what}."
        )
    found = {name: np.asarray(each, dtype=float) for name, each in values.items()}
    shapes = {each.shape for each in found.values()}
    if len(found) < 2 or len(shapes) != 1 or len(next(iter(shapes))) != 1 or next(iter(shapes))[0] < 2:
        given = ", ".join(f"{name} {each.shape}" for name, each in found.items())
        raise ValueError(
            f"a comparison takes two strategies or more, and the same two seeds or more of each; got {given or 'none'}."
        )
    for name, each in found.items():
        if np.isnan(each).any():
            raise ValueError(f"the values of {name!r} must be numbers; got nan. Compare seeds that all have finished.")
    return found
