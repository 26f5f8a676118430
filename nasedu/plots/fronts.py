"""Fronts: two objectives against each other, what a search has tried, and the offers that nothing beats.

Which compromises did a search find?      front
What do they look like?                   front_cells

The line is the border of what was found: everything on its worse side is matched or beaten by a trial on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nasedu.analysis import pareto
from nasedu.core import Metric, Trial
from nasedu.history import History
from nasedu.objectives import check_objectives, gains, objective
from nasedu.plots.architecture import architecture_figure, draw
from nasedu.plots.axes import SIZE, TEXT, finish, new_axes, room
from nasedu.plots.palette import INK, QUIET, mark_color, readable, strategy_styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["front", "front_cells"]

Array = np.ndarray[Any, np.dtype[np.float64]]
Trials = History | Sequence[Trial]
FAR = 100.0  # widths of the axes: beyond every limit that somebody may set later
FEW = 500  # trials; more are small dots
PAGE = 9.0  # inches: the width of a figure with cells


def front(
    given: Trials | Mapping[str, Trials],
    objectives: Sequence[str] = ("accuracy", "parameters"),
    ax: Axes | None = None,
    *,
    truth: Sequence[Trial] = (),
) -> Axes:
    """Draw trials by two objectives, and their Pareto front as a line.

    Of one search the dots are coloured by the number of the trial, early ones dark, and those of the front are ringed.
    Several have the colours of their strategies. Trials that failed, or lack a value, are left out.

    Args:
        given: a history, a list of trials, or several of them by the name to write in the legend.
        objectives: of the y-axis and of the x-axis: ``"score"``, ``"accuracy"`` or metrics.
        ax: where to draw; a new pyplot figure if None.
        truth: trials whose front is drawn as the best there is, such as those of a whole table.

    Returns:
        The axes. Their limits may be changed, and ``ax.set_xscale("log")`` works, too.

    Raises:
        ValueError: there are not two objectives, a trial lacks one, or no trial has both.
    """
    check_objectives(objectives)
    if len(objectives) != 2:
        raise ValueError(f"a front is drawn for two objectives; got {', '.join(objectives)}.")
    named = dict(given) if isinstance(given, Mapping) else {"": given}
    found = {name: _known(name, each, objectives) for name, each in named.items()}
    ax = new_axes() if ax is None else ax
    styles = strategy_styles(list(found))
    for (name, trials), style in zip(found.items(), styles, strict=True):
        _draw_dots(ax, trials, objectives, style.color if name else "")
    ax.autoscale_view()
    if len(truth):
        _draw_line(ax, truth, objectives, color=QUIET, linewidth=1, label="best there is")
    for (name, trials), style in zip(found.items(), styles, strict=True):
        dash: Any = style.dash if name else "solid"
        color = readable(style.color) if name else mark_color("incumbent")
        _draw_line(ax, trials, objectives, color=color, linewidth=2, linestyle=dash, label=name or "front")
    _finish(ax, [objective(next(iter(found.values()))[0], name) for name in objectives], objectives)
    return ax


def _known(name: str, given: Trials, objectives: Sequence[str]) -> list[Trial]:
    """Return the trials that have both objectives."""
    trials = given.trials if isinstance(given, History) else list(given)
    known = np.flatnonzero(np.isfinite(gains(trials, objectives)).all(axis=1))
    if not len(known):
        of = f" of {name}" if name else ""
        raise ValueError(f"there is nothing to draw: no trial{of} has {' and '.join(objectives)}.")
    return [trials[index] for index in known]


def _values(trials: Sequence[Trial], objectives: Sequence[str]) -> Array:
    """Return [trials, (y, x)] in the objectives' own units."""
    return np.array([[objective(trial, name).value for name in objectives] for trial in trials])


def _draw_dots(ax: Axes, trials: list[Trial], objectives: Sequence[str], color: str) -> None:
    y, x = _values(trials, objectives).T
    size = 28 if len(trials) <= FEW else 6
    numbers = [trial.number + 1 for trial in trials if trial.number is not None]
    if color or len(numbers) < len(trials):
        alpha = 0.35 if color or len(trials) > FEW else 0.8
        ax.scatter(x, y, s=size, color=color or mark_color("trial"), alpha=alpha, linewidths=0)
        return
    dots = ax.scatter(x, y, s=size, c=numbers, cmap="viridis", alpha=0.8)
    ax.figure.colorbar(dots, ax=ax, label="trial", pad=0.02).outline.set_visible(False)
    y, x = _values(pareto.front(trials, objectives), objectives).T
    ax.scatter(x, y, s=1.6 * size, facecolors="none", edgecolors=INK, linewidths=1.2, zorder=4)


def _draw_line(ax: Axes, trials: Sequence[Trial], objectives: Sequence[str], **line: Any) -> None:
    """Draw the border of what the trials' front dominates, without changing the limits."""
    from matplotlib.lines import Line2D

    on_front = pareto.front(trials, objectives)
    signs = np.array([1 if objective(on_front[0], name).better == "higher" else -1 for name in objectives])
    steps = _values(on_front, objectives) * signs  # gains: y falls while x rises
    spans = [FAR * abs(high - low) for low, high in (ax.get_ylim(), ax.get_xlim())]
    y, x = [steps[0, 0]], [steps[0, 1] - spans[1]]
    for row, below in zip(steps, [*steps[1:, 0], steps[-1, 0] - spans[0]], strict=True):
        y, x = [*y, row[0], below], [*x, row[1], row[1]]
    ax.add_artist(Line2D(signs[1] * np.array(x), signs[0] * np.array(y), zorder=3, **line))


def _finish(ax: Axes, kinds: list[Metric], objectives: Sequence[str]) -> None:
    """Name the axes, and say in which corner one wants to be."""
    for axis, kind, name in zip((ax.yaxis, ax.xaxis), kinds, objectives, strict=True):
        _name_axis(axis, kind, name)
    up, right = (kind.better == "higher" for kind in kinds)
    arrow = {(True, False): "↖", (True, True): "↗", (False, False): "↙", (False, True): "↘"}[up, right]
    ax.set_title(f"{arrow} better", fontsize=TEXT, loc="right" if right else "left", color=QUIET)
    finish(ax, [])
    if len(ax.get_lines()) > 1:
        where: Any = f"{'lower' if up else 'upper'} {'left' if right else 'right'}"
        ax.legend(loc=where, frameon=False, fontsize=TEXT)


def _name_axis(axis: Any, kind: Metric, name: str) -> None:
    from matplotlib.ticker import FuncFormatter

    words = "validation accuracy" if name == "accuracy" else name.replace("_", " ")
    if kind.unit == "fraction":
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g}"))
        axis.set_label_text(f"{words}, %")
    elif kind.unit == "weights" or name == "score":
        axis.set_label_text(words)
    else:
        axis.set_label_text(f"{words}, {kind.unit}".replace("flops, FLOPs,", "FLOPs,"))
    if kind.unit == "weights" or name == "flops":
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def front_cells(
    given: Trials,
    objectives: Sequence[str] = ("accuracy", "parameters"),
    *,
    cells: int = 4,
    truth: Sequence[Trial] = (),
) -> Figure:
    """Draw trials and their front as :func:`front` does, and below it some architectures of the front, with letters.

    Args:
        given: a history or a list of trials.
        objectives: of the y-axis and of the x-axis.
        cells: how many architectures at most, at least 1: the ends of the front and others evenly between.
        truth: as for :func:`front`.

    Returns:
        A new pyplot figure.

    Raises:
        ValueError: as :func:`front` does, or cells is too small.
    """
    from matplotlib import pyplot

    if cells < 1:
        raise ValueError(f"cells must be at least 1; got {cells}.")
    on_front = pareto.front(_known("", given, objectives), objectives)
    different = list({tuple(_values([trial], objectives)[0]): trial for trial in on_front}.values())
    places = np.linspace(0, len(different) - 1, min(cells, len(different))).round().astype(int)
    chosen = [different[place] for place in dict.fromkeys(places.tolist())]
    sizes = [architecture_figure(trial.architecture).get_size_inches() for trial in chosen]
    columns = 2 if max(width for width, _ in sizes) < 1.4 * PAGE / 2 else 1
    scale = min(1.0, (PAGE / columns - 0.4) / max(width for width, _ in sizes))
    row_height = scale * max(height for _, height in sizes) + 0.45
    rows = -(-len(chosen) // columns)
    figure = pyplot.figure(figsize=(PAGE, SIZE[1] + rows * row_height), facecolor="white")
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=[SIZE[1], rows * row_height])
    above, below = parts[:, 0]
    figure.set_layout_engine(room())
    ax = front(given, objectives, above.add_subplot(), truth=truth)
    for index, trial in enumerate(chosen):
        letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[index % 26]
        y, x = _values([trial], objectives)[0]
        ax.annotate(letter, (x, y), xytext=(6, -12), textcoords="offset points", fontsize=TEXT, fontweight="bold")
        column, row = index % columns, index // columns
        left, bottom = (column + 0.04) / columns, 1 - (row + 1 - 0.06) / rows
        panel = below.add_axes((left, bottom, 0.92 / columns, (row_height - 0.45) / row_height / rows))
        panel.set_in_layout(False)
        draw(trial.architecture, panel)
        panel.set_title(f"{letter}   {_said(trial, objectives)}", fontsize=TEXT, loc="left", color=INK)
    return figure


def _said(trial: Trial, objectives: Sequence[str]) -> str:
    """Return the values of the objectives in words."""
    metrics = {name.replace("_", " "): objective(trial, name) for name in objectives}
    return ", ".join(
        f"{100 * each.value:.4g} %" if each.unit == "fraction" else f"{each.value:,.6g} {name}"
        for name, each in metrics.items()
    )
