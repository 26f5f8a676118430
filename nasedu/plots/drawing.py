"""What is on the page: boxes, strokes and texts with their places and looks, in points; y grows downwards.

A drawing is the one thing that every output reads: matplotlib's axes, and through them PDF and PNG, SVG
and TikZ. Drawings are values: they are moved, scaled, and put together to larger ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from nasedu.plots.text import text_width

__all__ = ["Drawing", "Item", "Shape", "Stroke", "Text", "beside", "stacked"]

Point = tuple[float, float]
Frame = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Shape:
    """A box with round corners by its centre; a circle where the radius is half of its width and height.

    Attributes:
        dash: of the outline: lengths of line and gap in turn, in multiples of the line's width; () is a solid line.
        name: what it stands for, such as a node's id.
        decision: index of the decision that chose it, or None.
    """

    x: float
    y: float
    width: float
    height: float
    radius: float
    fill: str
    line: str
    line_width: float = 1.3
    dash: tuple[float, ...] = ()
    opacity: float = 1.0
    name: str = ""
    decision: int | None = None

    @property
    def box(self) -> Frame:
        """Left, top, right and bottom."""
        across, down = self.width / 2, self.height / 2
        return self.x - across, self.y - down, self.x + across, self.y + down


@dataclass(frozen=True, slots=True)
class Stroke:
    """A quadratic curve; with an arrow, the length of its head, it points to its end. Other fields as for a shape."""

    start: Point
    control: Point
    end: Point
    color: str
    width: float
    dash: tuple[float, ...] = ()
    opacity: float = 1.0
    arrow: float = 0.0
    name: str = ""
    decision: int | None = None

    @property
    def head(self) -> tuple[Point, Point, Point]:
        """The tip and the two other corners of the arrow."""
        (x, y), (dx, dy) = self.end, self._direction
        back_x, back_y, side = x - self.arrow * dx, y - self.arrow * dy, 0.45 * self.arrow
        return (x, y), (back_x - side * dy, back_y + side * dx), (back_x + side * dy, back_y - side * dx)

    @property
    def line_end(self) -> Point:
        """Where the line ends: within the arrow's head, if there is one."""
        (x, y), (dx, dy) = self.end, self._direction
        return x - 0.8 * self.arrow * dx, y - 0.8 * self.arrow * dy

    @property
    def _direction(self) -> Point:
        dx, dy = self.end[0] - self.control[0], self.end[1] - self.control[1]
        length = math.hypot(dx, dy) or 1.0
        return dx / length, dy / length


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text by its middle (or ``anchor`` ``"start"`` or ``"end"``), on ``back`` where that is a colour.

    ``frame`` is the colour of a line around it, if any. Other fields as for a shape.
    """

    x: float
    y: float
    text: str
    size: float
    color: str
    anchor: str = "middle"
    bold: bool = False
    back: str = ""
    frame: str = ""
    opacity: float = 1.0
    name: str = ""
    decision: int | None = None

    @property
    def width(self) -> float:
        """Width of the text in points."""
        return text_width(self.text, self.size, self.bold)

    @property
    def box(self) -> Frame:
        """Left, top, right and bottom of the text, with its background if it has one."""
        pad = 0.2 * self.size if self.frame else 0.12 * self.size if self.back else 0.0
        left = self.x - pad - self.width * {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor]
        high = 0.6 * self.size + pad
        return left, self.y - high, left + self.width + 2 * pad, self.y + high


Item = Shape | Stroke | Text


@dataclass(frozen=True, slots=True, repr=False)
class Drawing:
    """Items, later ones over earlier ones, and the frame around them: left, top, right, bottom. A notebook shows it.

    Attributes:
        title: what it is, in a few words.
        description: what a person who cannot see it should be told.
    """

    items: tuple[Item, ...]
    frame: Frame
    background: str = "#ffffff"
    title: str = ""
    description: str = ""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in points."""
        left, top, right, bottom = self.frame
        return right - left, bottom - top

    def moved(self, dx: float, dy: float) -> Drawing:
        """Return the drawing moved to the right and down."""
        return self._mapped(1.0, dx, dy)

    def scaled(self, factor: float) -> Drawing:
        """Return the drawing at another size: places, lines and text."""
        return self._mapped(factor, 0.0, 0.0)

    def __repr__(self) -> str:
        width, height = self.size
        return f"<drawing of {width:.0f} × {height:.0f} points: {self.title}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        from nasedu.plots.show import drawing_bundle, sized

        return sized(drawing_bundle(self))

    def _mapped(self, factor: float, dx: float, dy: float) -> Drawing:
        left, top, right, bottom = self.frame
        frame = (left * factor + dx, top * factor + dy, right * factor + dx, bottom * factor + dy)
        return replace(self, items=tuple(_mapped(item, factor, dx, dy) for item in self.items), frame=frame)


def _mapped(item: Item, factor: float, dx: float, dy: float) -> Item:
    if isinstance(item, Stroke):
        start, control, end = ((x * factor + dx, y * factor + dy) for x, y in (item.start, item.control, item.end))
        width, arrow = item.width * factor, item.arrow * factor
        return replace(item, start=start, control=control, end=end, width=width, arrow=arrow)
    x, y = item.x * factor + dx, item.y * factor + dy
    if isinstance(item, Text):
        return replace(item, x=x, y=y, size=item.size * factor)
    return replace(
        item, x=x, y=y, width=item.width * factor, height=item.height * factor, radius=item.radius * factor,
        line_width=item.line_width * factor,
    )  # fmt: skip


def stacked(drawings: Sequence[Drawing], gap: float = 0.0) -> Drawing:
    """Return the drawings one below the other, aligned at the left; background and words are the first one's.

    Raises:
        ValueError: there are none.
    """
    return _joined(drawings, gap, down=True)


def beside(drawings: Sequence[Drawing], gap: float = 0.0) -> Drawing:
    """Return the drawings side by side, aligned at the top; background and words are the first one's.

    Raises:
        ValueError: there are none.
    """
    return _joined(drawings, gap, down=False)


def _joined(drawings: Sequence[Drawing], gap: float, down: bool) -> Drawing:
    if not drawings:
        raise ValueError("there must be at least one drawing to put together; got none.")
    items: list[Item] = []
    x = y = right = bottom = 0.0
    for drawing in drawings:
        items += drawing.moved(x - drawing.frame[0], y - drawing.frame[1]).items
        width, height = drawing.size
        right, bottom = max(right, x + width), max(bottom, y + height)
        x, y = (0.0, y + height + gap) if down else (x + width + gap, 0.0)
    return replace(drawings[0], items=tuple(items), frame=(0.0, 0.0, right, bottom))
