"""A drawing on matplotlib's axes, and as a figure of its own size."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from nasedu.plots.drawing import Drawing, Shape, Stroke, Text
from nasedu.plots.text import INDEX, LOWER, clean, minus, split, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure_of", "paint"]

LARGEST = 1.5  # how much an axes may enlarge a drawing


def figure_of(drawing: Drawing) -> Figure:
    """Return the drawing as a figure of its size, made without pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = drawing.size
    figure = Figure(figsize=(width / 72, height / 72), facecolor=drawing.background)
    FigureCanvasAgg(figure)
    paint(drawing, figure.add_axes((0, 0, 1, 1)))
    return figure


def paint(drawing: Drawing, ax: Axes) -> None:
    """Draw on axes: as large as they allow, at most half as large again, at their top below the title.

    Other artists of the axes, in its usual order of drawing, come above: the drawing lies between 1 and 2.
    """
    scale = _fit(drawing, ax)
    place, count = 0, len(drawing.items) or 1
    for is_stroke, run in groupby(drawing.items, key=lambda item: isinstance(item, Stroke)):
        items = list(run)
        if is_stroke:
            _paint_strokes(ax, [item for item in items if isinstance(item, Stroke)], scale, 1 + place / count)
        for offset, item in enumerate(items):
            if isinstance(item, Shape):
                _paint_shape(ax, item, scale, 1 + (place + offset) / count)
            elif isinstance(item, Text):
                _paint_text(ax, item, scale, 1 + (place + offset) / count)
        place += len(items)


def _fit(drawing: Drawing, ax: Axes) -> float:
    """Set the limits of the axes, and return points of the axes per point of the drawing."""
    left, top, right, bottom = drawing.frame
    space = ax.get_position(original=True).transformed(ax.figure.transSubfigure)
    dpi = ax.figure.dpi
    wide, high = space.width * 72 / dpi, space.height * 72 / dpi
    scale = min(wide / (right - left), high / (bottom - top), LARGEST)
    x = (left + right) / 2
    ax.set_axis_off()
    ax.set_aspect("equal", adjustable="box", anchor="N")  # what is spare lies below, not between title and drawing
    ax.set_xlim(x - wide / scale / 2, x + wide / scale / 2)
    ax.set_ylim(bottom, top)  # y grows downwards
    return float(scale)


def _dash(pattern: tuple[float, ...]) -> Any:
    return (0.0, pattern) if pattern else "solid"


def _paint_strokes(ax: Axes, items: list[Stroke], scale: float, order: float) -> None:
    """Draw strokes as a few collections, which takes matplotlib a fraction of the time of as many patches."""
    from matplotlib.collections import PathCollection, PolyCollection
    from matplotlib.colors import to_rgba
    from matplotlib.path import Path as Outline

    codes = [Outline.MOVETO, Outline.CURVE3, Outline.CURVE3]
    dotted = [item for item in items if item.dash and item.dash[0] < 0.5]
    for drawn, cap in (([item for item in items if item not in dotted], "butt"), (dotted, "round")):
        if drawn:
            lines = PathCollection(
                [Outline([item.start, item.control, item.line_end], codes) for item in drawn], facecolors="none",
                edgecolors=[to_rgba(item.color, item.opacity) for item in drawn], zorder=order, capstyle=cap,
                linewidths=[item.width * scale for item in drawn], linestyles=[_dash(item.dash) for item in drawn],
            )  # fmt: skip
            ax.add_collection(lines, autolim=False)
    pointed = [item for item in items if item.arrow]
    if pointed:
        colors = [to_rgba(item.color, item.opacity) for item in pointed]
        heads = PolyCollection([item.head for item in pointed], facecolors=colors, edgecolors="none", zorder=order)
        ax.add_collection(heads, autolim=False)


def _paint_shape(ax: Axes, item: Shape, scale: float, order: float) -> None:
    from matplotlib.patches import Circle, FancyBboxPatch

    look: dict[str, Any] = {
        "facecolor": item.fill, "edgecolor": item.line, "linewidth": item.line_width * scale, "zorder": order,
        "linestyle": _dash(item.dash), "alpha": item.opacity, "gid": item.name,
    }  # fmt: skip
    if 2 * item.radius >= max(item.width, item.height):
        ax.add_artist(Circle((item.x, item.y), item.width / 2, **look))
        return
    corner = (item.x - item.width / 2, item.y - item.height / 2)
    style = f"round,pad=0,rounding_size={item.radius}" if item.radius else "square,pad=0"
    ax.add_artist(FancyBboxPatch(corner, item.width, item.height, boxstyle=style, **look))


def _paint_text(ax: Axes, item: Text, scale: float, order: float) -> None:
    from matplotlib.patches import Rectangle

    look: dict[str, Any] = {
        "fontsize": item.size * scale, "fontweight": "bold" if item.bold else "normal", "color": item.color,
        "alpha": item.opacity, "zorder": order, "va": "center", "parse_math": False, "gid": item.name,
    }  # fmt: skip
    name, index = split(clean(item.text))
    if index:  # not by mathtext, which takes longer than all the rest
        left = item.x - item.width * {"start": 0.0, "middle": 0.5, "end": 1.0}[item.anchor]
        ax.text(left, item.y, name, fontstyle="italic", **look)
        look["fontsize"] *= INDEX
        ax.text(left + text_width(name, item.size, item.bold), item.y + LOWER * item.size, minus(index), **look)
        return
    if item.back or item.frame:
        left, top, right, bottom = item.box
        ax.add_artist(
            Rectangle(
                (left, top), right - left, bottom - top, facecolor=item.back or "none", zorder=order,
                edgecolor=item.frame or "none", linewidth=1.3 * scale, alpha=item.opacity,
            )
        )  # fmt: skip
    ax.text(item.x, item.y, name, ha={"start": "left", "middle": "center", "end": "right"}[item.anchor], **look)
