"""Curves of searches: one question each, lines named where they end, colours the same everywhere.

How good is what each search has found so far?      histories
How sure are we of it, over many seeds?             bands
How different are the architectures that it tries?  diversity

Races of many strategies are drawn in ``races.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from nasedu import analysis
from nasedu.history import History, incumbents
from nasedu.plots.axes import TEXT, LineEnd, finish, new_axes, score_axis
from nasedu.plots.palette import QUIET, LineStyle, strategy_style, strategy_styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bands", "diversity", "draw_band", "histories", "limit", "strategy_name", "what_bands_are"]

Array = np.ndarray[Any, np.dtype[np.float64]]
MARKS = 8  # on a line, about
FEW = 150  # trials; more have smaller dots
_LIMITS: WeakKeyDictionary[Any, tuple[float, float]] = WeakKeyDictionary()  # that bands has set, by axes


def histories(given: History | Sequence[History] | Mapping[str, History], ax: Axes | None = None) -> Axes:
    """Draw every trial's score as a dot, and the incumbent's as a line, for one or several searches.

    The incumbent is the best so far of the trials that were trained for longest: where some are trained for fewer
    epochs, the line falls when the first one is trained for more. Of several searches, every line
    carries its strategy's marker now and then, each at other trials, so that lines which coincide can be told apart. A
    cross at the bottom is a trial that failed.

    Args:
        given: one history, several, or several by the name to write at their lines. A name that
            starts with a strategy's has that strategy's colour.
        ax: where to draw; a new pyplot figure if None.

    Returns:
        The axes.

    Raises:
        ValueError: there is nothing to draw, or a history has no trials.
    """
    named = _named(given)
    ax = new_axes() if ax is None else ax
    ends = []
    for place, ((name, history), style) in enumerate(zip(named.items(), _styles_of(named), strict=True)):
        ends.append(_draw_history(ax, name, history, style, place, len(named)))
    ax.set_xlabel("trial")
    score_axis(ax, all(_score_is_accuracy(history) for history in named.values()))
    finish(ax, ends)
    return ax


def _draw_history(ax: Axes, name: str, history: History, style: LineStyle, place: int, count: int) -> LineEnd:
    """Draw one history; its place among all that are drawn says which trials have a marker on the line."""
    numbers, scores, failed = _scores(name, history)
    color = style.color
    size = 5.5 if len(numbers) <= FEW else 4.0
    ax.plot(
        numbers, scores, marker=style.marker, color=color, markersize=size, alpha=0.6, markeredgewidth=0, linestyle=""
    )
    best = np.array([trial.score for trial in incumbents(history.trials)])
    shown = np.isfinite(best)
    every = max(1, -(-int(shown.sum()) // MARKS))
    ax.step(
        numbers[shown], best[shown], where="post", color=color, linewidth=2, linestyle=style.dash, zorder=3,
        marker=style.marker if count > 1 else "", markevery=(place * every // count, every), markersize=8,
        markeredgecolor="white",
    )  # fmt: skip
    if failed.any():
        bottom = np.full(failed.sum(), 0.02)
        ax.plot(numbers[failed], bottom, "x", color=color, markersize=5, transform=ax.get_xaxis_transform())
    return LineEnd(float(numbers[-1]), float(best[-1]) if shown.any() else np.nan, name, style)


def bands(
    given: Mapping[str, Any],
    ax: Axes | None = None,
    *,
    budget: Sequence[float] | None = None,
    budget_name: str = "trials",
    score_name: str = "validation accuracy",
) -> Axes:
    """Draw the median over seeds as a line, and the 10 to 90 % band around it, for several strategies.

    Unless the limits of the y-axis are set before, they leave out the first twentieth of the budget, whose
    random beginnings would squeeze everything else. Panels that share their y-axis get limits that hold the
    bands of all.

    Args:
        given: by strategy, an array ``[seeds, trials]``, such as the best score so far.
        ax: where to draw; a new pyplot figure if None.
        budget: what each column has cost; 1, 2, 3, … if None.
        budget_name: what the budget is, with its unit.
        score_name: what the arrays hold. Accuracy, error and regret are fractions, and drawn in %.

    Returns:
        The axes.

    Raises:
        ValueError: an array is not ``[seeds, trials]``, is empty, or is as long as no budget.
    """
    if not given:
        raise ValueError("bands takes at least one strategy; got none.")
    ax = new_axes() if ax is None else ax
    ends, shown = [], []
    for (name, rows), style in zip(given.items(), strategy_styles(list(given)), strict=True):
        values, x = _values(name, rows, budget)
        low, middle, high = draw_band(ax, x, values, style)
        ends.append(LineEnd(float(x[-1]), float(middle[-1]), name, style))
        shown += [low[len(x) // 20 :], high[len(x) // 20 :]]
    limit(ax, np.concatenate(shown))
    ax.set_xlabel(budget_name)
    score_axis(ax, any(word in score_name for word in ("accuracy", "error", "regret")), score_name)
    ax.set_title(what_bands_are(given), fontsize=TEXT, loc="left", color=QUIET)
    finish(ax, ends)
    return ax


def diversity(
    given: History | Sequence[History] | Mapping[str, History], window: int = 20, ax: Axes | None = None
) -> Axes:
    """Draw how different the last trials of each search are from each other: 1 if in every decision, 0 if not at all.

    Args:
        given: one history, several, or several by name, as in :func:`histories`.
        window: how many trials are compared, at least 2; see ``nasedu.analysis.diversity_over_time``.
        ax: where to draw; a new pyplot figure if None.

    Returns:
        The axes.

    Raises:
        ValueError: there is nothing to draw, a history has fewer than two trials, or the window is too short.
    """
    named = _named(given)
    ax = new_axes() if ax is None else ax
    ends = []
    for (name, history), style in zip(named.items(), _styles_of(named), strict=True):
        values = analysis.diversity_over_time(history, window)
        if len(values) < 2:
            raise ValueError(f"the diversity of {name} takes at least 2 trials; it has {len(values)}.")
        x = np.arange(1, len(values) + 1, dtype=float)
        ax.plot(x, values, color=style.color, linewidth=2, linestyle=style.dash)
        ends.append(LineEnd(float(x[-1]), float(values[-1]), name, style))
    ax.set_xlabel("trial")
    ax.set_ylabel(f"diversity of the last {window} trials")
    ax.set_ylim(0, None)
    finish(ax, ends)
    return ax


def draw_band(ax: Axes, x: Array, values: Array, style: LineStyle) -> tuple[Array, Array, Array]:
    """Draw the median and the band around it where all seeds have a value; return lower edge, median, upper edge."""
    low, middle, high = analysis.band(values)
    if np.isnan(middle).all():
        raise ValueError("a band needs a place where every seed has a value; here some seed has nan everywhere.")
    ax.fill_between(x, low, high, color=style.color, alpha=0.13, linewidth=0)
    for edge in (low, high):
        ax.plot(x, edge, color=style.color, linewidth=0.8, alpha=0.55, linestyle=style.dash)
    ax.plot(x, middle, color=style.color, linewidth=2, linestyle=style.dash)
    return low, middle, high


def what_bands_are(given: Mapping[str, Any]) -> str:
    """Return what the lines and bands of these values [seeds, trials] show, in words."""
    seeds = sorted({len(np.asarray(rows)) for rows in given.values()})
    count = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]}–{seeds[-1]}"
    return f"median and 10–90 % of {count} seeds"


def _values(name: str, rows: Any, budget: Sequence[float] | None) -> tuple[Array, Array]:
    """Return a strategy's values, ``[seeds, trials]``, and what each column has cost."""
    values = np.asarray(rows, dtype=float)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"the values of {name!r} must be an array [seeds, trials]; got shape {values.shape}.")
    x = np.arange(1, values.shape[1] + 1, dtype=float) if budget is None else np.asarray(budget, dtype=float)
    if len(x) != values.shape[1]:
        raise ValueError(f"the budget must have one entry per trial of {name!r}: {values.shape[1]}; got {len(x)}.")
    return values, x


def limit(ax: Axes, shown: Array) -> None:
    """Let the y-axis hold these values and those of earlier bands on it; limits that others have set stay."""
    siblings = ax.get_shared_y_axes().get_siblings(ax)
    earlier = {_LIMITS[other] for other in siblings if other in _LIMITS} & {ax.get_ylim()}
    if ax.get_yscale() != "linear" or not (ax.get_autoscaley_on() or earlier):
        return  # a logarithmic axis is squeezed by no beginnings
    bottom, top = float(np.nanmin(shown)), float(np.nanmax(shown))
    margin = 0.05 * (top - bottom) or 0.01
    lows, highs = zip((bottom - margin, top + margin), *earlier, strict=True)
    ax.set_ylim(min(lows), max(highs))
    _LIMITS[ax] = ax.get_ylim()


# Parts -----------------------------------------------------------------------------------------


def strategy_name(history: History) -> str:
    """Return the name of the strategy that made a history."""
    return str(history.header.get("strategy", {}).get("name", "search"))


def _named(given: History | Sequence[History] | Mapping[str, History]) -> dict[str, History]:
    if isinstance(given, History):
        given = [given]
    if isinstance(given, Mapping):
        named = dict(given)
    else:
        named = {}
        for history in given:
            name = strategy_name(history)
            same = sum(known.split(" #")[0] == name for known in named)
            named[f"{name} #{same + 1}" if same else name] = history
    if not named:
        raise ValueError("histories takes at least one history; got none.")
    return named


def _styles_of(named: Mapping[str, History]) -> list[LineStyle]:
    """A line has the colour of the strategy that its name says, else of the one that its history says."""
    said = strategy_styles(list(named))
    if all(style.color == strategy_style("other").color for style in said):
        return strategy_styles([strategy_name(history) for history in named.values()])
    return said


def _scores(name: str, history: History) -> tuple[Array, Array, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return the place of each trial, from 1, its score (nan if it failed), and whether it failed."""
    if not history.trials:
        raise ValueError(f"{name} has no trials yet. Run at least one.")
    failed = np.array([trial.failure is not None for trial in history.trials])
    scores = np.array([np.nan if trial.failure is not None else trial.score for trial in history.trials])
    return np.arange(1, len(scores) + 1, dtype=float), scores, failed


def _score_is_accuracy(history: History) -> bool:
    done = [trial for trial in history.trials if trial.failure is None]
    return all(trial.accuracy is not None and trial.score == trial.accuracy for trial in done)
