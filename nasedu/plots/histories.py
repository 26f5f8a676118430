"""Figures of searches: one question each, lines named where they end, colours the same everywhere.

How good is what each search has found so far?      histories
How sure are we of it, over many seeds?             bands
What does a learned policy propose?                 controller
Which operation does weight sharing prefer?         alphas, supernet
How does weight sharing learn?                      losses
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nasedu.core import Diagram, Edge, Node
from nasedu.history import Event, History
from nasedu.plots.architecture import draw
from nasedu.plots.layout import mathtext
from nasedu.plots.palette import LineStyle, mark_color, readable, strategy_style, strategy_styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alphas", "bands", "controller", "histories", "history_figure", "losses", "supernet"]

Array = np.ndarray[Any, np.dtype[np.float64]]
SIZE = (7.0, 3.8)  # inches
PAD = 0.08  # inches
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
    styles = _styles_of(named)
    for (name, history), style in zip(named.items(), styles, strict=True):
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

    Unless the limits of the y-axis are set before, they leave out the first twentieth of the budget, whose
    random beginnings would squeeze everything else.

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
    ends, shown = [], []
    for (name, rows), style in zip(given.items(), strategy_styles(list(given)), strict=True):
        values = np.asarray(rows, dtype=float)
        if values.ndim != 2 or values.size == 0:
            raise ValueError(f"the values of {name!r} must be an array [seeds, trials]; got shape {values.shape}.")
        x = np.arange(1, values.shape[1] + 1, dtype=float) if budget is None else np.asarray(budget, dtype=float)
        if len(x) != values.shape[1]:
            raise ValueError(f"the budget must have one entry per trial of {name!r}: {values.shape[1]}; got {len(x)}.")
        low, middle, high = np.nanpercentile(values, [BAND[0], 50, BAND[1]], axis=0)
        ax.fill_between(x, low, high, color=style.color, alpha=0.13, linewidth=0)
        for edge in (low, high):
            ax.plot(x, edge, color=style.color, linewidth=0.8, alpha=0.55, linestyle=style.dash)
        ax.plot(x, middle, color=style.color, linewidth=2, linestyle=style.dash)
        ends.append((float(x[-1]), float(middle[-1]), name, style))
        shown += [low[len(x) // 20 :], high[len(x) // 20 :]]
    if ax.get_autoscaley_on():
        bottom, top = np.nanmin(np.concatenate(shown)), np.nanmax(np.concatenate(shown))
        margin = 0.05 * (top - bottom) or 0.01
        ax.set_ylim(bottom - margin, top + margin)
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
    figure = pyplot.figure(figsize=_maps_size(maps), layout=_room())
    _draw_maps(figure, maps)
    return figure


def supernet(history: History, step: int | None = None, ax: Axes | None = None) -> Axes:
    """Draw the supernet's cells at a step: on every edge all operations, as wide and as strong as their softmax.

    Args:
        history: of a weight-sharing search.
        step: the last one recorded if None.
        ax: where to draw; a new pyplot figure if None.

    Returns:
        The axes.

    Raises:
        ValueError: there are no steps, this one records no alphas, or the history does not describe its supernet.
    """
    described = history.header.get("supernet")
    if not described:
        raise ValueError("the history does not say what its supernet looks like: its header has no 'supernet'.")
    _, by_cell = _alphas_by_cell(history, step)
    nodes: list[Node] = []
    edges: list[Edge] = []
    weights: dict[tuple[str, str], dict[str, float]] = {}
    for cell in described["cells"]:
        diagram = Diagram.from_json(cell["diagram"])
        drop = max((node.y for node in nodes), default=-1.0) + 1.0  # each cell below the last
        nodes += [replace(node, y=node.y + drop) for node in diagram.nodes]
        edges += diagram.edges
        for edge, row in zip(diagram.edges, by_cell[cell["name"]], strict=False):  # further edges carry data only
            weights[edge.source, edge.target] = dict(zip(row.options, row.weights, strict=True))
    return draw(Diagram(tuple(nodes), tuple(edges)), ax, weights=weights)


def controller(history: History, ask: int | None = None) -> Figure:
    """Draw the probabilities that an ask was drawn from: decisions down, options across, the one drawn framed.

    Args:
        history: of a strategy that records ``probabilities`` with its asks: REINFORCE, the Boltzmann policy.
        ask: the last one recorded if None.

    Returns:
        The figure.

    Raises:
        ValueError: no ask, or not this one, records probabilities.
    """
    from matplotlib import pyplot

    asks = [event for event in history.events if event["event"] == "ask"]
    number, state = _recorded(asks, "probabilities", ask, "ask")
    rows = []
    chosen = state.get("chosen") or [None] * len(history.space.decisions)
    for decision, weights, taken in zip(history.space.decisions, state["probabilities"], chosen, strict=True):
        if weights is not None:
            rows.append(Row(decision.name, tuple(map(str, decision.options)), tuple(weights), taken))
    maps = {f"ask {number}: probability, %": rows}
    figure = pyplot.figure(figsize=_maps_size(maps), layout=_room())
    _draw_maps(figure, maps)
    return figure


def history_figure(history: History) -> Figure:
    """Return what a history shows of itself: scores, or losses and alphas. Made without pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, facecolor="white", layout=_room())
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

    return pyplot.figure(figsize=SIZE, layout=_room()).add_subplot()


def _room() -> Any:
    """Return a layout that keeps labels inside the figure, with a margin."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return ConstrainedLayoutEngine(w_pad=PAD, h_pad=PAD)


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


def _styles_of(named: Mapping[str, History]) -> list[LineStyle]:
    """A line has the colour of the strategy that its name says, else of the one that its history says."""
    said = strategy_styles(list(named))
    if all(style.color == strategy_style("other").color for style in said):
        return strategy_styles([_strategy_name(history) for history in named.values()])
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


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a heat map: shares that add up to 1, and which of them was drawn."""

    name: str
    options: tuple[str, ...]
    weights: tuple[float, ...]
    chosen: int | None = None


Maps = dict[str, list[Row]]


def _recorded(events: list[Event], part: str, number: int | None, kind: str) -> tuple[int, Event]:
    """Return the number and state of the event that records a part: the last one if no number is given."""
    states = {event["number"]: event["state"] for event in events if part in event.get("state", {})}
    if not states:
        raise ValueError(f"no {kind} of this history records {part}; its strategy has none to show.")
    if number is None:
        number = max(states)
    if number not in states:
        nearest = min(states, key=lambda known: abs(known - number))
        raise ValueError(f"{kind} {number} records no {part}; the nearest that does is {nearest}.")
    return number, states[number]


def _alphas_by_cell(history: History, step: int | None) -> tuple[int, dict[str, list[Row]]]:
    """Return the step, and by cell the softmax of its alphas, a row for each edge."""
    number, state = _recorded(_steps(history), "alphas", step, "step")
    found = state["alphas"]
    by_cell: dict[str, list[Row]] = {}
    for cell, alphas in (found if isinstance(found, Mapping) else {"cell": found}).items():
        values = np.asarray(alphas, dtype=float)
        weights = np.exp(values - values.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        edges, operations = _alpha_names(history, cell, weights.shape)
        rows = zip(edges, weights.tolist(), strict=True)
        by_cell[cell] = [Row(edge, operations, tuple(row)) for edge, row in rows]
    return number, by_cell


def _alpha_maps(history: History, step: int | None) -> Maps:
    number, by_cell = _alphas_by_cell(history, step)
    return {f"step {number}, {cell}: softmax of α, %": rows for cell, rows in by_cell.items()}


def _alpha_names(history: History, cell: str, shape: tuple[int, ...]) -> tuple[list[str], tuple[str, ...]]:
    """Return what the rows and columns of alphas are: as the history says of its supernet, else by the space."""
    supernet = history.header.get("supernet", {})
    diagrams = {found["name"]: found["diagram"] for found in supernet.get("cells", [])}
    edges = [decision.name for decision in history.space.decisions]
    if cell in diagrams:
        labels = {node["id"]: node["label"] for node in diagrams[cell]["nodes"]}
        edges = [f"{labels[edge['source']]} → {labels[edge['target']]}" for edge in diagrams[cell]["edges"][: shape[0]]]
    operations = tuple(map(str, supernet.get("operations", history.space.decisions[-1].options)))
    return (
        edges if len(edges) == shape[0] else [str(row) for row in range(shape[0])],
        operations if len(operations) == shape[1] else tuple(str(column) for column in range(shape[1])),
    )


def _have_same_options(rows: list[Row]) -> bool:
    return len({row.options for row in rows}) == 1


def _maps_size(maps: Maps) -> tuple[float, float]:
    columns = sum(max(len(row.options) for row in rows) for rows in maps.values())
    wide = all(_have_same_options(rows) for rows in maps.values())
    rows = max(len(rows) for rows in maps.values())
    return max(4.5, 1.3 * len(maps) + (0.62 if wide else 0.95) * columns), (1.5 if wide else 0.6) + 0.27 * rows


def _draw_maps(figure: Any, maps: Maps) -> None:
    axes = figure.subplots(1, len(maps), squeeze=False)[0]
    for ax, (title, rows) in zip(axes, maps.items(), strict=True):
        _draw_map(ax, rows)
        ax.set_title(title, fontsize=TEXT, loc="left")


def _draw_map(ax: Axes, rows: list[Row]) -> None:
    from matplotlib.patches import Rectangle

    values = np.full((len(rows), max(len(row.options) for row in rows)), np.nan)
    same = _have_same_options(rows)
    for y, row in enumerate(rows):
        values[y, : len(row.weights)] = row.weights
        for x, (option, weight) in enumerate(zip(row.options, row.weights, strict=True)):
            text = f"{100 * weight:.0f}" if same else f"{option}: {100 * weight:.0f}"
            weighty = "bold" if weight == max(row.weights) else "normal"
            color = "white" if weight > 0.5 else "#1a1a1a"
            ax.text(x, y, text, ha="center", va="center", fontsize=TEXT - 2, color=color, fontweight=weighty)
        if row.chosen is not None:
            frame = mark_color("incumbent")
            ax.add_patch(Rectangle((row.chosen - 0.46, y - 0.43), 0.92, 0.86, fill=False, edgecolor=frame, linewidth=2))
    ax.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    names = rows[0].options if same else ()
    ax.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor", fontsize=TEXT - 1)
    ax.set_yticks(range(len(rows)), [_shown(row.name) for row in rows], fontsize=TEXT - 1)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _shown(name: str) -> str:
    first, arrow, rest = name.partition(" → ")
    return mathtext(first) + arrow + rest


def _draw_steps(figure: Any, history: History) -> None:
    """Losses above alphas, as far as the steps record them."""
    parts: list[Any] = []
    states = [event.get("state", {}) for event in _steps(history)]
    has_loss = any(name.endswith("loss") for state in states for name in state)
    maps = _alpha_maps(history, None) if any("alphas" in state for state in states) else {}
    heights = ([SIZE[1] * 0.75] if has_loss else []) + ([_maps_size(maps)[1]] if maps else [])
    if not heights:
        figure.set_size_inches(SIZE[0], 0.6)
        figure.text(0.01, 0.5, repr(history), va="center", fontsize=TEXT)
        return
    width = max(SIZE[0], _maps_size(maps)[0]) if maps else SIZE[0]
    figure.set_size_inches(width, sum(heights))
    parts = list(np.atleast_1d(figure.subfigures(len(heights), 1, height_ratios=heights)))
    if has_loss:
        losses(history, parts.pop(0).add_subplot())
    if maps:
        _draw_maps(parts.pop(0), maps)
