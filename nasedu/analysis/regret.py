"""Regret: how far what was found is from the best there is, over trials or over simulated seconds, for many seeds.

    regret after t trials = test accuracy of the best architecture of the table − test accuracy of the incumbent

It is the gap that a search leaves, in the unit of the accuracy. On a logarithmic axis it shows what the last tenths
of a percent hide. It may rise: an incumbent is chosen by validation accuracy, and judged by test accuracy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas

__all__ = ["band", "curves", "outcomes", "regret"]

Array = NDArray[np.float64]
BAND = (10, 90)  # percentiles


def curves(
    frame: pandas.DataFrame, column: str = "incumbent_test", seconds: ArrayLike | None = None
) -> dict[str, Array]:
    """Return what each strategy of a race had found, after each trial or at given times.

    Args:
        frame: what ``nas.race`` returned.
        column: of the frame: ``"incumbent_test"``, ``"incumbent_score"`` or ``"score"``.
        seconds: [points] times of the simulated clock, the frame's ``elapsed``; after each trial if None.

    Returns:
        By strategy, in the frame's order, an array [seeds, trials] or [seeds, points]. What a search has at a time is
        what it had after the last trial that had ended. NaN before the first one has ended, and after the last: what
        a search would have found if it had gone on is not known.

    Raises:
        TypeError: this is no frame of a race.
    """
    check_race(frame)
    names = frame["strategy"].unique()
    if seconds is None:
        table = frame.pivot(index=["strategy", "seed"], columns="trial", values=column)
        return {str(name): table.loc[name].to_numpy(float) for name in names}
    times = np.asarray(seconds, dtype=float)
    found: dict[str, list[Array]] = {str(name): [] for name in names}
    for (name, _), search in frame.groupby(["strategy", "seed"], sort=True):
        elapsed = search["elapsed"].to_numpy(float)
        ended = np.searchsorted(elapsed, times, side="right")  # how many trials have, by each time
        known = np.where(times <= elapsed[-1], ended, 0)
        found[str(name)].append(np.concatenate([[np.nan], search[column].to_numpy(float)])[known])
    return {name: np.array(rows) for name, rows in found.items()}


def regret(frame: pandas.DataFrame, best: float, seconds: ArrayLike | None = None) -> dict[str, Array]:
    """Return the regret of each strategy of a race by test accuracy; shapes as of :func:`curves`.

    Args:
        frame: what ``nas.race`` returned.
        best: the highest test accuracy there is, in [0, 1]: ``table.test_accuracies().max()``.
        seconds: as in :func:`curves`.

    Raises:
        TypeError: this is no frame of a race.
        ValueError: best is above 1.
    """
    check_best(best)
    return {name: best - values for name, values in curves(frame, seconds=seconds).items()}


def outcomes(
    frame: pandas.DataFrame,
    *,
    trial: int | None = None,
    seconds: float | None = None,
    column: str = "incumbent_test",
) -> dict[str, Array]:
    """Return what each strategy of a race had found, by seed: what tests compare.

    Args:
        frame: what ``nas.race`` returned.
        trial: after which, from 1; after the last one of each search if neither it nor seconds is given.
        seconds: by which time of the simulated clock, the frame's ``elapsed``.
        column: of the frame.

    Returns:
        By strategy, in the frame's order, an array [seeds], in the order of the seeds.

    Raises:
        TypeError: this is no frame of a race.
        ValueError: some search had ended before.
    """
    check_race(frame)
    if seconds is not None:
        found = {name: values[:, 0] for name, values in curves(frame, column, [seconds]).items()}
        shortest = float(frame.groupby(["strategy", "seed"])["elapsed"].max().min())
        if seconds > shortest:
            raise ValueError(f"a search ended after {shortest:.6g} seconds; got {seconds}.")
        return found
    shortest = frame.groupby(["strategy", "seed"])["trial"].max().min()
    if trial is not None and not 1 <= trial <= shortest:
        raise ValueError(f"trial must be one of every search, 1..{shortest}; got {trial}.")
    rows = frame if trial is None else frame[frame["trial"] == trial]
    ends = rows.sort_values("trial").groupby(["strategy", "seed"]).tail(1).set_index(["strategy", "seed"])[column]
    return {str(name): ends.loc[name].sort_index().to_numpy(float) for name in frame["strategy"].unique()}


def check_race(frame: object) -> None:
    """Raise TypeError unless this has the columns of what ``nas.race`` returns."""
    if not {"strategy", "seed", "trial"} <= set(getattr(frame, "columns", ())):
        raise TypeError(
            f"frame must be what nas.race returned; got {type(frame).__name__}. A history is one search, not a race: "
            "nas.plots.histories draws it."
        )


def check_best(best: float) -> None:
    """Raise ValueError if this accuracy is above 1."""
    if best > 1:
        raise ValueError(
            f"best must be the highest test accuracy there is, in [0, 1]; got {best}. Divide percent by 100."
        )


def band(values: ArrayLike) -> tuple[Array, Array, Array]:
    """Return the 10 % quantile over the seeds, the median and the 90 % quantile of values [seeds, points].

    NaN where one of the seeds has none: a band of those that are left would look better or worse than it is.
    """
    low, middle, high = np.percentile(np.asarray(values, dtype=float), [BAND[0], 50, BAND[1]], axis=0)
    return low, middle, high
