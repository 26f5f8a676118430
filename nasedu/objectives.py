"""Several objectives: what a trial has of each, which trials are beaten in all of them, and how crowded a front is.

With one objective any two trials can be compared. With several, a trial *dominates* another if it is nowhere worse
and somewhere better; two that each win somewhere are simply different. The trials that none dominates are the
*Pareto front*: the best offers, one for each price.

    rank      front by front: 0 for the Pareto front, 1 for the Pareto front of the rest, …
    crowding  of a member of a front: the sides of the box between its two neighbours, each in shares of the
              front's extent, summed up; infinite at the ends. Large means that nothing else is near.

Both are from Deb, Pratap, Agarwal & Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE
Transactions on Evolutionary Computation 6 (2002), Section III.

Where the price of a weight or a bound is known beforehand, one objective is enough: ``nas.evaluators.Penalized`` takes
the price off the score, ``nas.strategies.Constrained`` keeps to the bound.

An objective is a name: ``"score"``, ``"accuracy"`` or that of a metric, which knows whether higher or lower is better.
Inside, everything is a *gain*: the value, with its sign changed where lower is better.

What differs from the paper:
    * Fronts are peeled off one after another, each found by one pass through the trials in the order of their gains,
      and not by counting who dominates whom: the same ranks, and whole tables fit in memory.
    * An objective in which all of a front are equal adds nothing to its crowding, not even at the ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nasedu.core import Metric, Trial

__all__ = ["check_objectives", "crowding", "gains", "is_on_front", "objective", "ranks"]

Array = np.ndarray[Any, np.dtype[np.float64]]


def check_objectives(objectives: Sequence[str]) -> None:
    """Raise ValueError unless these are the names of one or several different objectives."""
    if isinstance(objectives, str) or not objectives or not all(isinstance(name, str) for name in objectives):
        raise ValueError(f"objectives must be names, such as ('accuracy', 'parameters'); got {objectives!r}.")
    if len(set(objectives)) < len(objectives):
        raise ValueError(f"objectives must all be different; got {tuple(objectives)}.")


def objective(trial: Trial, name: str) -> Metric:
    """Return what a trial has of an objective: its value, unit and better direction.

    Raises:
        ValueError: the trial has no such metric.
    """
    if name == "score":
        return Metric(trial.score, "score", "higher")
    if name == "accuracy" and trial.accuracy is not None:
        return Metric(trial.accuracy, "fraction", "higher")
    metric = trial.metrics.get(name)
    if not isinstance(metric, Metric):
        there_are = ["score", *(["accuracy"] if trial.accuracy is not None else []), *trial.metrics]
        which = "the trial" if trial.number is None else f"trial {trial.number}"
        raise ValueError(f"{which} has no {name!r} to be an objective; it has {', '.join(there_are)}.")
    return metric


def gains(trials: Sequence[Trial], objectives: Sequence[str]) -> Array:
    """Return [trials, objectives]: what each trial has of each objective, higher always better.

    NaN for a failed trial, and where a value is not known.

    Raises:
        ValueError: the objectives are no names, or a trial lacks one of them.

    Example:
        >>> import nasedu as nas
        >>> cell = nas.spaces.NASBench201().architecture((3, 3, 3, 3, 3, 3))
        >>> gains([nas.Trial(cell, accuracy=0.75, metrics={"parameters": 1200})], ("accuracy", "parameters")).tolist()
        [[0.75, -1200.0]]
    """
    check_objectives(objectives)
    rows = [[_gain(trial, name) for name in objectives] for trial in trials]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(objectives))


def _gain(trial: Trial, name: str) -> float:
    if trial.failure is not None:
        return np.nan
    metric = objective(trial, name)
    return metric.value if metric.better == "higher" else -metric.value


def is_on_front(gained: Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Say for each row of gains [trials, objectives], all of them known, whether no other row dominates it.

    Example:
        >>> is_on_front(np.array([[0.9, -5.0], [0.8, -5.0], [0.7, -2.0]])).tolist()
        [True, False, True]
    """
    on_front = np.zeros(len(gained), dtype=bool)
    front = np.empty((0, gained.shape[1]))
    for index in np.lexsort(-gained.T):  # by the last gain, then the one before, …: nobody is beaten by a later one
        row = gained[index]
        if not ((front >= row).all(axis=1) & (front > row).any(axis=1)).any():
            on_front[index] = True
            front = np.concatenate([front, row[None]])
    return on_front


def ranks(gained: Array) -> np.ndarray[Any, np.dtype[np.int_]]:
    """Return for each row of gains [trials, objectives], all of them known, the number of its front, from 0.

    Example:
        >>> ranks(np.array([[0.9, -5.0], [0.8, -5.0], [0.7, -2.0]])).tolist()
        [0, 1, 0]
    """
    found = np.zeros(len(gained), dtype=int)
    left = np.arange(len(gained))
    while len(left):
        on_front = is_on_front(gained[left])
        left = left[~on_front]
        found[left] += 1
    return found


def crowding(gained: Array) -> Array:
    """Return for each row of the gains of one front, [members, objectives], how far apart its neighbours are.

    Example:
        >>> crowding(np.array([[0.9, -5.0], [0.8, -3.0], [0.7, -1.0], [0.5, -1.0]])).round(6).tolist()
        [inf, 1.5, 1.25, inf]
    """
    distances = np.zeros(len(gained))
    for column in gained.T:
        order = np.argsort(column, kind="stable")
        ordered = column[order]
        extent = ordered[-1] - ordered[0]
        if extent > 0:
            distances[order[1:-1]] += (ordered[2:] - ordered[:-2]) / extent
            distances[order[[0, -1]]] = np.inf
    return distances
