"""Figures of searches: one question each, lines named where they end, colours the same everywhere.

How good is what each search has found so far?      histories
How sure are we of it, over many seeds?             bands
Which operation does weight sharing prefer?         alphas
How does weight sharing learn?                      losses
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nasedu.history import History
from nasedu.plots.palette import LineStyle, strategy_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alphas", "bands", "histories", "history_figure", "losses"]

Array = np.ndarray[Any, np.dtype[np.float64]]
SIZE = (7.0, 3.8)  # inches
TEXT = 10
BAND = (10, 90)  # percentiles


def histories(given: History | Sequence[History] | Mapping[str, History], ax: Axes | None = None) -> Axes:
    """Draw every trial's score as a dot, and the best so far as a line, for one or several searches.

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
    ax = _new_axes() if ax is None else ax
    ends = []
    for name, history in named.items():
        style = _style_of(name, history)
        numbers, scores, failed = _scores(name, history)
        best = np.maximum.accumulate(np.where(np.isnan(scores), -np.inf, scores))
        ax.plot(numbers, scores, style.marker, color=style.color, markersize=3.5, alpha=0.35, markeredgewidth=0)
        shown = np.isfinite(best)
        ax.step(numbers[shown], best[shown], where="post", color=style.color, linewidth=2, linestyle=style.dash)
        if failed.any():
            ax.plot(
                numbers[failed],
                np.full(failed.sum(), 0.02),
                "x",
                color=style.color,
                markersize=5,
                transform=ax.get_xaxis_transform(),
            )
        ends.append((float(numbers[-1]), float(best[-1]), name, style))
    ax.set_xlabel("trial")
    _score_axis(ax, all(_score_is_accuracy(history) for history in named.values()))
    _finish(ax, ends)
    return ax


def bands(
    given: Mapping[str, Any],
    ax: Axes | None = None,
    *,
    budget: Sequence[float] | None = None,
    budget_name: str = "trials",
    score_name: str = "validation accuracy",
) -> Axes:
    """Draw the median over seeds as a line, and the 10 to 90 % band around it, for several strategies.

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
    ax = _new_axes() if ax is None else ax
    ends = []
    for name, rows in given.items():
        values = np.asarray(rows, dtype=float)
        if values.ndim != 2 or values.size == 0:
            raise ValueError(f"the values of {name!r} must be an array [seeds, trials]; got shape {values.shape}.")
        x = np.arange(1, values.shape[1] + 1, dtype=float) if budget is None else np.asarray(budget, dtype=float)
        if len(x) != values.shape[1]:
            raise ValueError(f"the budget must have one entry per trial of {name!r}: {values.shape[1]}; got {len(x)}.")
        style = strategy_style(_strategy_in(name))
        low, middle, high = np.nanpercentile(values, [BAND[0], 50, BAND[1]], axis=0)
        ax.fill_between(x, low, high, color=style.color, alpha=0.16, linewidth=0)
        ax.plot(x, middle, color=style.color, linewidth=2, linestyle=style.dash)
        ends.append((float(x[-1]), float(middle[-1]), name, style))
    seeds = sorted({len(np.asarray(rows)) for rows in given.values()})
    ax.set_xlabel(budget_name)
    _score_axis(ax, any(word in score_name for word in ("accuracy", "error", "regret")), score_name)
    count = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]}–{seeds[-1]}"
    ax.set_title(f"median and {BAND[0]}–{BAND[1]} % of {count} seeds", fontsize=TEXT, loc="left", color="#4d4d4d")
    _finish(ax, ends)
    return ax


def losses(history: History, ax: Axes | None = None) -> Axes:
    """Draw the training and validation loss of a weight-sharing search over its steps.

    Raises:
        ValueError: the history has no steps, or they record no loss.
    """
    curves: dict[str, list[tuple[int, float]]] = {}
    for event in _steps(history):
        for name, value in event.get("state", {}).items():
            if name.endswith("loss") and isinstance(value, int | float):
                curves.setdefault(name, []).append((event["number"], float(value)))
    if not curves:
        raise ValueError(
            "the steps of this history record no loss: their state needs a number whose name ends in 'loss'."
        )
    ax = _new_axes() if ax is None else ax
    ends = []
    color = strategy_style(_strategy_name(history)).color
    for (name, points), look in zip(sorted(curves.items()), _shades(color), strict=False):
        x, y = np.array(points).T
        ax.plot(x, y, color=look.color, linewidth=1.6, linestyle=look.dash)
        ends.append((float(x[-1]), float(y[-1]), name.replace("_", " "), look))
    ax.set_xlabel("step")
    ax.set_ylabel("loss, nats")
    _finish(ax, ends)
    return ax


def alphas(history: History, step: int | None = None) -> Figure:
    """Draw the softmax of the architecture parameters at a step: a heat map per cell, edges down, operations across.

    Args:
        history: of a weight-sharing search whose steps record ``alphas``.
        step: the last one recorded if None.

    Returns:
        The figure.

    Raises:
        ValueError: there are no steps, or this one records no alphas.
    """
    from matplotlib import pyplot

    maps = _alpha_maps(history, step)
    figure = pyplot.figure(figsize=_alpha_size(maps), layout="constrained")
    _draw_alphas(figure, maps)
    return figure


def history_figure(history: History) -> Figure:
    """Return what a history shows of itself: scores, or losses and alphas. Made without pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    kinds = {event["event"] for event in history.events}
    if "step" in kinds:
        _draw_steps(figure, history)
    elif any(trial.failure is None for trial in history.trials):
        histories(history, figure.add_subplot())
    else:
        figure.set_size_inches(SIZE[0], 0.6)
        figure.text(0.01, 0.5, f"{history!r}: no score yet", va="center", fontsize=TEXT)
    return figure


# Parts -----------------------------------------------------------------------------------------


def _new_axes() -> Axes:
    from matplotlib import pyplot

    return pyplot.figure(figsize=SIZE, layout="constrained").add_subplot()


def _named(given: History | Sequence[History] | Mapping[str, History]) -> dict[str, History]:
    if isinstance(given, History):
        given = [given]
    if isinstance(given, Mapping):
        named = dict(given)
    else:
        named = {}
        for history in given:
            name = _strategy_name(history)
            same = sum(known.split(" #")[0] == name for known in named)
            named[f"{name} #{same + 1}" if same else name] = history
    if not named:
        raise ValueError("histories takes at least one history; got none.")
    return named


def _strategy_name(history: History) -> str:
    return str(history.header.get("strategy", {}).get("name", "search"))


def _strategy_in(name: str) -> str:
    """Return the strategy that a line's name starts with: ``"RandomSearch, 10 epochs"`` is RandomSearch's."""
    return name.split(",")[0].split(" #")[0].split(" (")[0]


def _style_of(name: str, history: History) -> LineStyle:
    style = strategy_style(_strategy_in(name))
    return strategy_style(_strategy_name(history)) if style == strategy_style("other") else style


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


def _score_axis(ax: Axes, is_fraction: bool, name: str = "") -> None:
    from matplotlib.ticker import FuncFormatter

    if not is_fraction:
        ax.set_ylabel(name or "score")
        return
    ax.set_ylabel(f"{name or 'validation accuracy'}, %")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g}"))


def _shades(color: str) -> list[LineStyle]:
    return [LineStyle(color, "solid"), LineStyle("#1a1a1a", (0.0, (4, 1.6))), LineStyle("#6f5aa8", (0.0, (1.4, 1.4)))]


def _finish(ax: Axes, ends: list[tuple[float, float, str, LineStyle]]) -> None:
    """Write each line's name at its end, moved apart where they would touch, and clear the frame."""
    from nasedu.plots.palette import readable

    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=TEXT - 1)
    low, high = ax.get_ylim()
    if high == low:
        return
    height = ax.get_window_extent().height * 72 / ax.figure.dpi
    apart = 1.25 * TEXT / max(height, 1.0)
    order = sorted(range(len(ends)), key=lambda index: ends[index][1])
    places = _apart([(ends[index][1] - low) / (high - low) for index in order], apart)
    ax.set_ylim(low, high)
    for index, place in zip(order, places, strict=True):
        _, _, name, style = ends[index]
        ax.annotate(
            name, (1.0, place), xycoords="axes fraction", xytext=(6, 0), textcoords="offset points", va="center",
            fontsize=TEXT, color=readable(style.color), annotation_clip=False,
        )  # fmt: skip


def _apart(places: list[float], gap: float) -> list[float]:
    """Return the ascending places, moved as little as needed to be at least a gap apart."""
    moved = list(places)
    for _ in range(100):
        for i in range(1, len(moved)):
            missing = gap - (moved[i] - moved[i - 1])
            if missing > 1e-9:
                moved[i - 1] -= missing / 2
                moved[i] += missing / 2
    return moved


def _steps(history: History) -> list[dict[str, Any]]:
    steps = [event for event in history.events if event["event"] == "step"]
    if not steps:
        raise ValueError("the history has no steps: it is not of a weight-sharing search, or none was run yet.")
    return steps


AlphaMaps = dict[str, tuple[list[str], list[str], Array]]


def _alpha_maps(history: History, step: int | None) -> AlphaMaps:
    """Return by cell: the names of its edges, of its operations, and the weights ``[edges, operations]``."""
    recorded = {event["number"]: event["state"] for event in _steps(history) if "alphas" in event.get("state", {})}
    if not recorded:
        raise ValueError("the steps of this history record no alphas: their state needs 'alphas', rows of numbers.")
    number = max(recorded) if step is None else step
    if number not in recorded:
        raise ValueError(
            f"step {number} records no alphas; the nearest that does is {min(recorded, key=lambda n: abs(n - number))}."
        )
    found = recorded[number]["alphas"]
    by_cell = found if isinstance(found, Mapping) else {"": found}
    return {cell: _alpha_map(history, cell, rows, recorded[number]) for cell, rows in by_cell.items()}


def _alpha_map(history: History, cell: str, rows: Any, state: Mapping[str, Any]) -> tuple[list[str], list[str], Array]:
    values = np.asarray(rows, dtype=float)
    weights = np.exp(values - values.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    edges = list(state.get("edges", [])) or [d.name for d in history.space.decisions]
    operations = list(state.get("operations", [])) or list(history.space.decisions[-1].options)
    if len(edges) != len(values):
        edges = [str(row) for row in range(len(values))]
    if len(operations) != values.shape[1]:
        operations = [str(column) for column in range(values.shape[1])]
    return [str(edge) for edge in edges], [str(name) for name in operations], weights


def _alpha_size(maps: AlphaMaps) -> tuple[float, float]:
    widest = max(weights.shape[1] for _, _, weights in maps.values())
    longest = max(weights.shape[0] for _, _, weights in maps.values())
    return max(4.0, (1.2 + 0.62 * widest) * len(maps)), 1.6 + 0.27 * longest


def _draw_alphas(figure: Any, maps: AlphaMaps) -> None:
    axes = figure.subplots(1, len(maps), squeeze=False)[0]
    for ax, (cell, (edges, operations, weights)) in zip(axes, maps.items(), strict=True):
        ax.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for (row, column), weight in np.ndenumerate(weights):
            heaviest = weight == weights[row].max()
            ax.text(
                column, row, f"{100 * weight:.0f}", ha="center", va="center", fontsize=TEXT - 2,
                color="white" if weight > 0.55 else "#1a1a1a", fontweight="bold" if heaviest else "normal",
            )  # fmt: skip
        ax.set_xticks(
            range(len(operations)), operations, rotation=40, ha="right", rotation_mode="anchor", fontsize=TEXT - 1
        )
        ax.set_yticks(range(len(edges)), edges, fontsize=TEXT - 1)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_title(f"{cell + ': ' if cell else ''}softmax of α, %", fontsize=TEXT, loc="left")


def _draw_steps(figure: Any, history: History) -> None:
    """Losses above alphas, as far as the steps record them."""
    parts: list[Any] = []
    states = [event.get("state", {}) for event in _steps(history)]
    has_loss = any(name.endswith("loss") for state in states for name in state)
    maps = _alpha_maps(history, None) if any("alphas" in state for state in states) else {}
    heights = ([SIZE[1] * 0.75] if has_loss else []) + ([_alpha_size(maps)[1]] if maps else [])
    if not heights:
        figure.set_size_inches(SIZE[0], 0.6)
        figure.text(0.01, 0.5, repr(history), va="center", fontsize=TEXT)
        return
    width = max(SIZE[0], _alpha_size(maps)[0]) if maps else SIZE[0]
    figure.set_size_inches(width, sum(heights))
    parts = list(np.atleast_1d(figure.subfigures(len(heights), 1, height_ratios=heights)))
    if has_loss:
        losses(history, parts.pop(0).add_subplot())
    if maps:
        _draw_alphas(parts.pop(0), maps)
