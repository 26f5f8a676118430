"""Pareto fronts of trials, and the volume that a front covers.

A search for several objectives ends with a front, and two fronts are compared by the *hypervolume*: how much of the
space between a reference point and the best possible is matched or beaten by some trial? It never falls, and grows
with every trial that no other dominates: Zitzler & Thiele, "Multiobjective Evolutionary Algorithms: A Comparative
Case Study and the Strength Pareto Approach", IEEE Transactions on Evolutionary Computation 3 (1999), Section IV-A.

Its unit is the product of the objectives' units, and its value means nothing without the reference point: what
is not better than it in every objective counts for nothing, and a far reference point makes the ends of a front
count for nearly everything. So say which one, and compare volumes of one reference point only.

The volume is exact for any number of objectives: the boxes between the reference point and the trials are cut into
slices along the last objective, and each slice is a problem with one objective less. That takes time of the order of
(trials on the front)^(objectives − 1), so fronts of some hundreds of trials in up to three or four objectives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from nasedu.core import Trial
from nasedu.objectives import gains, is_on_front, objective

__all__ = ["front", "hypervolume", "hypervolume_curve"]

Array = np.ndarray[Any, np.dtype[np.float64]]


def front(trials: Sequence[Trial], objectives: Sequence[str]) -> list[Trial]:
    """Return the trials that no other one dominates, the best in the first objective first.

    Trials that are equal in all objectives are all there. Those that failed, or of which an objective is not known,
    are not.

    Args:
        trials: such as ``history.trials``, or ``table(table.architectures)`` for the truth of a whole space.
        objectives: names: ``"score"``, ``"accuracy"`` or metrics, which know their better direction.

    Raises:
        ValueError: a trial lacks one of the objectives, or they are no different names.

    Example:
        >>> import nasedu as nas
        >>> cell = nas.spaces.NASBench201().architecture((3, 3, 3, 3, 3, 3))
        >>> sizes = {0.9: 500, 0.8: 700, 0.7: 200}
        >>> trials = [nas.Trial(cell, accuracy, metrics={"parameters": size}) for accuracy, size in sizes.items()]
        >>> [trial.accuracy for trial in front(trials, ("accuracy", "parameters"))]
        [0.9, 0.7]
    """
    gained = gains(trials, objectives)
    known = np.flatnonzero(np.isfinite(gained).all(axis=1))
    chosen = known[is_on_front(gained[known])]
    return [trials[index] for index in chosen[np.lexsort(-gained[chosen].T[::-1])]]


def hypervolume(trials: Sequence[Trial], reference: Mapping[str, float]) -> float:
    """Return the volume between a reference point and the front of the trials.

    Args:
        trials: any; those that are not on the front, or not better than the reference point, change nothing.
        reference: for each objective the value from which on a trial counts, in the objective's own unit:
            ``{"accuracy": 0.5, "parameters": 6000}``.

    Returns:
        At least 0, in the product of the objectives' units: here, accuracy times parameters.

    Raises:
        ValueError: a trial lacks one of the objectives.

    Example:
        >>> import nasedu as nas
        >>> cell = nas.spaces.NASBench201().architecture((3, 3, 3, 3, 3, 3))
        >>> trial = nas.Trial(cell, accuracy=0.75, metrics={"parameters": 2000})
        >>> hypervolume([trial], {"accuracy": 0.5, "parameters": 6000})  # 0.25 × 4000
        1000.0
    """
    edges = _edges(trials, reference)
    return _volume(edges[is_on_front(edges)])


def hypervolume_curve(trials: Sequence[Trial], reference: Mapping[str, float]) -> Array:
    """Return [trials] the :func:`hypervolume` of the first one, of the first two, …: what a search had after each."""
    volumes, on_front, volume = np.zeros(len(trials)), np.empty((0, len(reference))), 0.0
    for number, trial in enumerate(trials):
        edge = _edges([trial], reference)
        if len(edge) and not (on_front >= edge).all(axis=1).any():
            on_front = np.concatenate([on_front, edge])
            on_front = on_front[is_on_front(on_front)]
            volume = _volume(on_front)
        volumes[number] = volume
    return volumes


def _edges(trials: Sequence[Trial], reference: Mapping[str, float]) -> Array:
    """Return [trials, objectives] how far each trial is better than the reference point, of those that are in all."""
    gained = gains(trials, tuple(reference))
    done = next((trial for trial in trials if trial.failure is None), None)
    if done is None:
        return np.empty((0, len(reference)))
    signs = [1 if objective(done, name).better == "higher" else -1 for name in reference]
    edges = gained - np.array(signs) * np.array(list(reference.values()), dtype=np.float64)
    return np.asarray(edges[(edges > 0).all(axis=1)])


def _volume(edges: Array) -> float:
    """Return the volume of the union of the boxes that reach from 0 to each row of [boxes, objectives]."""
    if not len(edges):
        return 0.0
    if edges.shape[1] == 1:
        return float(edges.max())
    edges = edges[np.argsort(-edges[:, -1])]
    depths = [*edges[:, -1].tolist(), 0.0]
    slices = [(count, upper - lower) for count, (upper, lower) in enumerate(pairwise(depths), start=1) if upper > lower]
    return float(sum(depth * _volume(edges[:count, :-1]) for count, depth in slices))
