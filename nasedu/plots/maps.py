"""Heat maps of probabilities: a row for each choice, its options across, and what a learned policy proposes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nasedu.history import Event, History
from nasedu.plots.axes import TEXT, room
from nasedu.plots.palette import INK, mark_color
from nasedu.plots.text import mathtext

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Maps", "Row", "controller", "draw_maps", "maps_figure", "maps_size", "recorded"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a heat map: shares that add up to 1, and which of them was drawn."""

    name: str
    options: tuple[str, ...]
    weights: tuple[float, ...]
    chosen: int | None = None


Maps = dict[str, list[Row]]  # by title


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
    asks = [event for event in history.events if event["event"] == "ask"]
    number, state = recorded(asks, "probabilities", ask, "ask")
    rows = []
    chosen = state.get("chosen") or [None] * len(history.space.decisions)
    for decision, weights, taken in zip(history.space.decisions, state["probabilities"], chosen, strict=True):
        if weights is not None:
            rows.append(Row(decision.name, tuple(map(str, decision.options)), tuple(weights), taken))
    return maps_figure({f"ask {number}: probability, %": rows})


def recorded(events: list[Event], part: str, number: int | None, kind: str) -> tuple[int, Event]:
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


def maps_figure(maps: Maps) -> Figure:
    """Return a pyplot figure of maps side by side."""
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=maps_size(maps), layout=room())
    draw_maps(figure, maps)
    return figure


def maps_size(maps: Maps) -> tuple[float, float]:
    """Return the width and height in inches that maps side by side need."""
    columns = sum(max(len(row.options) for row in rows) for rows in maps.values())
    wide = all(_have_same_options(rows) for rows in maps.values())
    rows = max(len(rows) for rows in maps.values())
    return max(4.5, 1.3 * len(maps) + (0.62 if wide else 0.95) * columns), (1.5 if wide else 0.6) + 0.27 * rows


def draw_maps(figure: Any, maps: Maps) -> None:
    """Draw maps side by side into a figure, or a part of one."""
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
            color = "white" if weight > 0.5 else INK
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


def _have_same_options(rows: list[Row]) -> bool:
    return len({row.options for row in rows}) == 1


def _shown(name: str) -> str:
    first, arrow, rest = name.partition(" → ")
    return mathtext(first) + arrow + rest
