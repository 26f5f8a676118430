"""What the curves share: the size of a figure, an axis of scores, and names at the ends of lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nasedu.plots.palette import RULE, LineStyle, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SIZE", "TEXT", "LineEnd", "finish", "new_axes", "room", "score_axis"]

SIZE = (7.0, 3.8)  # inches
PAD = 0.08  # inches
TEXT = 10  # points
LEADER = 10.0  # points between the frame and a name


class LineEnd(NamedTuple):
    """Where a line ends, and what is written there; nan where it has no height."""

    x: float
    y: float
    name: str
    style: LineStyle


def new_axes() -> Axes:
    """Return the axes of a new pyplot figure."""
    from matplotlib import pyplot

    return pyplot.figure(figsize=SIZE, layout=room()).add_subplot()


def room() -> Any:
    """Return a layout that keeps labels inside the figure, with a margin."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return ConstrainedLayoutEngine(w_pad=PAD, h_pad=PAD)


def score_axis(ax: Axes, is_fraction: bool, name: str = "") -> None:
    """Name the y-axis; a fraction is written in %."""
    from matplotlib.ticker import FuncFormatter

    if not is_fraction:
        ax.set_ylabel(name or "score")
        return
    ax.set_ylabel(f"{name or 'validation accuracy'}, %")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g}"))


def finish(ax: Axes, ends: list[LineEnd]) -> None:
    """Clear the frame, and write each line's name at its end, moved apart where names would touch.

    The names follow when the limits of the y-axis change later.
    """
    from matplotlib.transforms import ScaledTranslation

    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color=RULE, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=TEXT - 1)
    ax.set_ylim(ax.get_ylim(), auto=False)  # names and leaders move no limits
    beside = ax.transAxes + ScaledTranslation(LEADER / 72, 0, ax.figure.dpi_scale_trans)
    names = [
        ax.annotate(
            end.name, (end.x, end.y), xytext=(1.0, 0.0), textcoords=beside, va="center", annotation_clip=False,
            fontsize=TEXT, color=readable(end.style.color),
            arrowprops={"arrowstyle": "-", "color": end.style.color, "linewidth": 0.8, "alpha": 0.7,
                        "shrinkA": 2, "shrinkB": 1, "relpos": (0, 0.5)},
        )
        for end in ends
    ]  # fmt: skip

    def place(ax: Axes) -> None:
        low, high = ax.get_ylim()
        inside = [low if np.isnan(end.y) else float(np.clip(end.y, min(low, high), max(low, high))) for end in ends]
        heights = [ax.transAxes.inverted().transform(ax.transData.transform((ends[0].x, y)))[1] for y in inside]
        order = sorted(range(len(ends)), key=lambda index: heights[index])
        points = ax.get_window_extent().height * 72 / ax.figure.dpi
        places = _apart([heights[index] for index in order], 1.25 * TEXT / max(points, 1.0))
        for index, where in zip(order, places, strict=True):
            names[index].xy = (ends[index].x, inside[index])
            names[index].set_position((1.0, where))

    place(ax)
    ax.callbacks.connect("ylim_changed", place)


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
