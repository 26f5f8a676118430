"""Races: who beats whom by the test accuracy, by how much, and how sure are we?

What has each strategy found after each trial?      race
How much is still missing to the best there is?     regret
Whose ranks can be told apart?                      critical_difference
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nasedu import analysis
from nasedu.analysis.regret import check_best, check_race
from nasedu.plots.axes import SIZE, TEXT, finish, room, score_axis
from nasedu.plots.curves import Array, draw_band, limit, what_bands_are
from nasedu.plots.palette import INK, QUIET, LineStyle, readable, strategy_styles

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["critical_difference", "race", "regret"]

PANEL = (2.35, 2.0)  # inches
POINTS = 200  # on an axis of time
UNITS = (("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0))
ROW = 0.27  # inches of a diagram of ranks
NAMES = 1.75  # inches on each side of it


# Curves ----------------------------------------------------------------------------------------


def race(frame: pandas.DataFrame, *, best: float | None = None, by_time: bool = False) -> Figure:
    """Draw the test accuracy of what each strategy of a race had found after each trial.

    Each strategy has a panel, with the first strategy behind it to compare: the median over the seeds as a line,
    and the 10 to 90 % band around it, where all seeds have an incumbent. The y-axis leaves out the first twentieth,
    whose random beginnings would squeeze everything else.

    Args:
        frame: what ``nas.race`` returned.
        best: the highest test accuracy there is, in [0, 1], for a line at the top.
        by_time: over the simulated time that the trainings would have taken, instead of trials. Strategies that
            train some architectures for fewer epochs can only be compared so.

    Returns:
        A new pyplot figure.

    Raises:
        TypeError: this is no frame of a race.
        ValueError: the race had no test accuracies, or no costs to draw it over time, or best is above 1.
    """
    budget = _budget(frame, by_time)
    if best is not None:
        check_best(best)
    given = analysis.curves(frame, seconds=budget.seconds)
    figure, panels, styles = _panels(list(given), budget.name, "test accuracy")
    shown = [] if best is None else [np.array([best])]
    for name, ax in panels.items():
        for each in dict.fromkeys((next(iter(given)), name)):
            low, _, high = draw_band(ax, budget.x, given[each], styles[each])
            shown += [low[len(low) // 20 :], high[len(high) // 20 :]]
        if best is not None:
            ax.axhline(best, color=INK, linewidth=1)
    limit(ax, np.concatenate(shown))
    _finish(figure, panels, styles, what_bands_are(given), best)
    return figure


def regret(frame: pandas.DataFrame, best: float, *, by_time: bool = False) -> Figure:
    """Draw how much test accuracy is still missing to the best there is, on a logarithmic axis.

    Panels as in :func:`race`. A line that leaves at the bottom has reached the best there is.

    Args:
        frame: what ``nas.race`` returned.
        best: the highest test accuracy there is, in [0, 1]: ``table.test_accuracies().max()``.
        by_time: as in :func:`race`.

    Returns:
        A new pyplot figure.

    Raises:
        TypeError, ValueError: as of :func:`race`, or the race has found more than the best.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    budget = _budget(frame, by_time)
    given = analysis.regret(frame, best, seconds=budget.seconds)
    everything = np.concatenate([values.ravel() for values in given.values()])
    if np.nanmin(everything) < 0:
        raise ValueError(
            f"best must be the highest test accuracy there is; the race has found {best - np.nanmin(everything)}."
        )
    figure, panels, styles = _panels(list(given), budget.name, "regret")
    highest = []
    for name, ax in panels.items():
        ax.set_yscale("log", nonpositive="clip")
        for each in dict.fromkeys((next(iter(given)), name)):
            _, _, high = draw_band(ax, budget.x, given[each], styles[each])
            highest.append(np.nanmax(high[len(high) // 20 :]))
        ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g}"))
        ax.yaxis.set_minor_formatter(NullFormatter())
    if (everything > 0).any():
        ax.set_ylim(0.8 * everything[everything > 0].min(), 1.25 * max(highest))
    _finish(figure, panels, styles, what_bands_are(given), None)
    return figure


class _Budget(NamedTuple):
    """What the points of a curve have cost: their x, its name with the unit, and the same in seconds."""

    x: Array
    name: str
    seconds: Array | None


def _budget(frame: pandas.DataFrame, by_time: bool) -> _Budget:
    check_race(frame)
    if frame["incumbent_test"].isna().all():
        raise ValueError(
            "a race is drawn by its test accuracies, and this one has none: race on a table that has them."
        )
    if not by_time:
        return _Budget(np.sort(frame["trial"].unique()).astype(float), "trials", None)
    end = float(frame["elapsed"].max())
    if not end > 0:
        raise ValueError(
            "the trials of this race have no cost, so there is no time to draw it over: draw it by trials."
        )
    unit, length = next((unit, length) for unit, length in UNITS if end >= 2 * length or unit == "seconds")
    seconds = np.linspace(0, end, POINTS + 1)[1:]
    return _Budget(seconds / length, f"simulated {unit}", seconds)


def _panels(names: Sequence[str], budget: str, score: str) -> tuple[Figure, dict[str, Axes], dict[str, LineStyle]]:
    """Return a pyplot figure, its panels by the strategy of their title, which share their axes, and all styles."""
    from matplotlib import pyplot

    styles = dict(zip(names, strategy_styles(names), strict=True))
    titles = list(names[1:] or names)
    columns = math.ceil(math.sqrt(len(titles)))
    columns += len(titles) % columns == 1  # no panel is alone in its row
    rows = math.ceil(len(titles) / columns)
    size = (max(SIZE[0], 0.4 + PANEL[0] * columns), 0.9 + PANEL[1] * rows)
    figure = pyplot.figure(figsize=size, facecolor="white", layout=room())
    axes = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel())
    for index, ax in enumerate(axes):
        ax.set_visible(index < len(titles))
        if index % columns == 0:
            score_axis(ax, True, score)
            ax.set_ylabel(f"{score}, %" if score != "regret" else "regret, % points")
        if index + columns >= len(titles):  # nothing is below it
            ax.set_xlabel(budget)
            ax.tick_params(labelbottom=True)
    panels = dict(zip(titles, axes, strict=False))
    for name, ax in panels.items():
        ax.set_title(name, fontsize=TEXT, loc="left", color=readable(styles[name].color))
    return figure, panels, styles


def _finish(
    figure: Figure, panels: Mapping[str, Axes], styles: Mapping[str, LineStyle], bands: str, best: float | None
) -> None:
    """Clear the frames, and write above the panels what the bands are, and the lines that all panels have."""
    from matplotlib.lines import Line2D

    for ax in panels.values():
        finish(ax, [])
    first, *others = styles
    dash: Any = styles[first].dash
    lines = [Line2D([], [], color=styles[first].color, linestyle=dash, linewidth=2, label=first)] if others else []
    if best is not None:
        lines.append(Line2D([], [], color=INK, linewidth=1, label=f"best there is: {100 * best:.2f} %"))
    figure.suptitle(bands, x=0.02, ha="left", fontsize=TEXT, color=QUIET)
    if lines:
        figure.legend(handles=lines, loc="outside upper right", ncols=len(lines), frameon=False, fontsize=TEXT)


# Ranks -----------------------------------------------------------------------------------------


def critical_difference(values: Mapping[str, ArrayLike], alpha: float = 0.05, ax: Axes | None = None) -> Axes:
    """Draw the mean rank of each strategy, and bars over those that cannot be told apart.

    Two strategies of one bar differ by less than the critical difference, which is drawn at the top. Demšar, JMLR 7,
    2006, Figure 1; see ``nasedu.analysis.critical_difference``.

    Args:
        values: by strategy, what it reached [seeds], larger is better: ``nas.analysis.outcomes(frame)``.
        alpha: between 0 and 1.
        ax: where to draw; a new pyplot figure of the right size if None.

    Returns:
        The axes.

    Raises:
        TypeError, ValueError: as of ``nasedu.analysis.critical_difference``.
    """
    from matplotlib import pyplot

    found = analysis.critical_difference(values, alpha)
    styles = dict(zip(values, strategy_styles(list(values)), strict=True))
    names, last = list(found.ranks), len(found.ranks)
    half = math.ceil(last / 2)
    first_row = 1.0 + 0.5 * len(found.groups)  # rows below the axis of ranks
    if ax is None:
        ax = pyplot.figure(figsize=(SIZE[0], ROW * (first_row + half + 4.5)), layout=room()).add_subplot()
    _draw_scale(ax, last, found.difference)
    for row, group in enumerate(found.groups):
        left, right = found.ranks[group[0]], found.ranks[group[-1]]
        ax.plot([left, right], [0.7 + 0.5 * row] * 2, color=INK, linewidth=4, solid_capstyle="round")
    edge = max(last, 1 + found.difference)
    margin = (edge - 1) * NAMES / (SIZE[0] - 2 * NAMES)
    places = [(name, row, 1 - 0.08 * margin, "right") for row, name in enumerate(names[:half])]
    places += [(name, row, edge + 0.08 * margin, "left") for row, name in enumerate(reversed(names[half:]))]
    for name, row, end, side in places:
        y, rank, style = first_row + row, found.ranks[name], styles[name]
        ax.plot([rank, rank, end], [0, y, y], color=style.color, linewidth=1)
        ax.plot(rank, 0, marker=style.marker, color=style.color, markersize=8, markeredgecolor="white", zorder=4)
        label = f"{name}  {rank:.2f}" if side == "right" else f"{rank:.2f}  {name}"
        ax.text(end, y, f" {label} ", ha=side, va="center", fontsize=TEXT, color=readable(style.color))
    ax.set_xlim(1 - margin, edge + margin)
    ax.set_ylim(first_row + half, -3.2)
    ax.set_axis_off()
    p = f"p = {found.p:.2g}" if found.p >= 0.001 else "p < 0.001"
    title = f"mean rank of {found.seeds} seeds, 1 is best; all alike (Friedman): {p}"
    ax.set_title(title, fontsize=TEXT, loc="left", color=QUIET)
    return ax


def _draw_scale(ax: Axes, last: int, difference: float) -> None:
    """Draw the axis of ranks, and the critical difference above it."""
    ax.plot([1, last], [0, 0], color=INK, linewidth=1)
    for rank in range(1, last + 1):
        ax.plot([rank, rank], [0, -0.3], color=INK, linewidth=1)
        ax.text(rank, -0.45, str(rank), ha="center", va="bottom", fontsize=TEXT - 1, color=INK)
    ends = [1, 1 + difference]
    ax.plot(ends, [-1.8, -1.8], "|-", color=INK, linewidth=1.5, markersize=8)
    text = f"critical difference {difference:.2f}"
    ax.text(sum(ends) / 2, -2.05, text, ha="center", va="bottom", fontsize=TEXT - 1, color=INK)
