"""A drawing on matplotlib's axes, and as a figure of its own size."""

from __future__ import annotations

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
    count = len(drawing.items) or 1
    for index, item in enumerate(drawing.items):
        order = 1 + index / count
        if isinstance(item, Stroke):
            _paint_stroke(ax, item, scale, order)
        elif isinstance(item, Shape):
            _paint_shape(ax, item, scale, order)
        else:
            _paint_text(ax, item, scale, order)


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


def _paint_stroke(ax: Axes, item: Stroke, scale: float, order: float) -> None:
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path as Outline

    if item.arrow:
        head = Polygon(item.head, facecolor=item.color, edgecolor="none", alpha=item.opacity, zorder=order)
        ax.add_artist(head)
    outline = Outline([item.start, item.control, item.line_end], [Outline.MOVETO, Outline.CURVE3, Outline.CURVE3])
    line = PathPatch(
        outline, fill=False, edgecolor=item.color, linewidth=item.width * scale, linestyle=_dash(item.dash),
        alpha=item.opacity, zorder=order, capstyle="round" if item.dash and item.dash[0] < 0.5 else "butt",
        gid=item.name,
    )  # fmt: skip
    ax.add_artist(line)


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
