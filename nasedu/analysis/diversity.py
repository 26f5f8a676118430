"""Diversity: how different architectures are from each other, in a population or along a search.

The distance of two architectures is the share of decisions in which they differ, of those that are active in at least
one of them (``space.distance``). A decision that is active in one only, such as the width of a layer that the other
does not have, is a difference. Here it is computed for all pairs at once.

A search explores while its proposals are diverse, and exploits when they are alike; one whose diversity has fallen to
nothing will not find anything new.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nasedu.core import Architecture
from nasedu.history import History

__all__ = ["distance", "distances", "diversity", "diversity_over_time"]

Array = NDArray[np.float64]
INACTIVE = -1


def distance(first: Architecture, second: Architecture) -> float:
    """Return the share of decisions in which two architectures of one space differ, in [0, 1].

    Example:
        >>> import nasedu as nas
        >>> space = nas.spaces.NASBench201()
        >>> distance(space.architecture((0, 0, 0, 0, 0, 0)), space.architecture((0, 0, 0, 1, 2, 3)))
        0.5
    """
    _check_one_space([first, second])
    return first.space.distance(first, second)


def distances(architectures: Sequence[Architecture]) -> Array:
    """Return the distance of each pair, [N, N], of N architectures of one space."""
    choices = _choices(architectures)
    active = choices != INACTIVE
    differ = (choices[:, None] != choices[None]).sum(axis=2)
    either = (active[:, None] | active[None]).sum(axis=2)
    return np.asarray(differ / np.maximum(either, 1))


def diversity(architectures: Sequence[Architecture]) -> float:
    """Return the mean distance of all pairs, in [0, 1]; NaN of fewer than two. Copies count: they are at distance 0.

    Of independent uniform draws it is on average the mean over the decisions of 1 − 1/options: 0.8 in NAS-Bench-201.
    """
    count = len(architectures)
    return float(distances(architectures).sum() / (count * (count - 1))) if count > 1 else np.nan


def diversity_over_time(history: History, window: int = 20) -> Array:
    """Return, after each trial, the diversity of the last ``window`` trials, [trials].

    NaN for the first; shorter windows before there are enough.

    Raises:
        ValueError: the window is shorter than 2.
    """
    if window < 2:
        raise ValueError(f"window must be at least 2 trials; got {window}.")
    cells = [trial.architecture for trial in history.trials]
    return np.array([diversity(cells[max(0, end - window) : end]) for end in range(1, len(cells) + 1)])


def _choices(architectures: Sequence[Architecture]) -> NDArray[np.int_]:
    """Return the choices [N, decisions], with INACTIVE for a decision that is not active."""
    _check_one_space(architectures)
    rows = []
    for each in architectures:
        on = each.space.active(each.choices)
        rows.append([choice if used else INACTIVE for choice, used in zip(each.choices, on, strict=True)])
    return np.array(rows, dtype=int).reshape(len(rows), -1)


def _check_one_space(architectures: Sequence[Architecture]) -> None:
    spaces = {architecture.space for architecture in architectures}
    if len(spaces) > 1:
        raise ValueError(f"architectures must be of one space; got {', '.join(map(repr, spaces))}.")
