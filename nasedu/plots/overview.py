"""What a history shows of itself in a notebook: its scores, its losses and alphas, or a sentence. Without pyplot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasedu.history import History
from nasedu.plots.axes import SIZE, TEXT, room
from nasedu.plots.curves import histories
from nasedu.plots.maps import draw_maps, maps_size
from nasedu.plots.weights import alpha_maps, losses

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["history_figure", "why_empty"]


def history_figure(history: History) -> Figure:
    """Return what a history shows of itself: scores, or losses and alphas, or why there is neither."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, facecolor="white", layout=room())
    FigureCanvasAgg(figure)
    reason = why_empty(history)
    if reason:
        figure.set_size_inches(SIZE[0], 0.6)
        figure.text(0.01, 0.5, reason, va="center", fontsize=TEXT)
    elif _recorded_parts(history):
        _draw_steps(figure, history)
    else:
        histories(history, figure.add_subplot())
    return figure


def why_empty(history: History) -> str:
    """Return what to say where a history has nothing to draw; nothing if it has."""
    steps = sum(event["event"] == "step" for event in history.events)
    if steps:
        return "" if _recorded_parts(history) else f"Steps: {steps}. They record neither a loss nor alphas to draw."
    if not history.trials:
        return "No trial yet: step the search, or run it."
    if all(trial.failure is not None for trial in history.trials):
        return f"No score yet: of {len(history.trials)} trials, all have failed."
    return ""


def _recorded_parts(history: History) -> set[str]:
    """Return which of losses and alphas the steps record."""
    names = {name for event in history.events if event["event"] == "step" for name in event.get("state", {})}
    return {"losses" for name in names if name.endswith("loss")} | ({"alphas"} & names)


def _draw_steps(figure: Figure, history: History) -> None:
    """Losses above alphas, as far as the steps record them."""
    parts = _recorded_parts(history)
    maps = alpha_maps(history, None) if "alphas" in parts else {}
    width, height = maps_size(maps) if maps else (0.0, 0.0)
    heights = [SIZE[1] * 0.75] * ("losses" in parts) + [height] * bool(maps)
    figure.set_size_inches(max(SIZE[0], width), sum(heights))
    rows = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    if "losses" in parts:
        losses(history, rows[0].add_subplot())
    if maps:
        draw_maps(rows[-1], maps)
