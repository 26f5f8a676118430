"""A legend of operations: for each its line, with colour, dash and width, and its name."""

from __future__ import annotations

from collections.abc import Sequence

from nasedu.plots.drawing import Drawing, Item, Stroke, Text
from nasedu.plots.styles import Style
from nasedu.plots.text import text_width

__all__ = ["LINE", "legend"]

LINE = 2.2  # points, the width of an operation's line
SWATCH, SPACE, BETWEEN = 34.0, 6.0, 18.0  # points: a line, from it to its name, to the next one
TEXT, ROW = 10.0, 16.0
MARGIN = 8.0
LEAST = 180.0


def legend(operations: Sequence[str], style: Style, width: float) -> Drawing:
    """Return the lines and names of the operations, in rows that are no wider than the width (or 180 points)."""
    items: list[Item] = []
    right = max(width, LEAST) - MARGIN
    x, y, widest = MARGIN, ROW / 2, MARGIN
    for operation in dict.fromkeys(operations):
        needed = SWATCH + SPACE + text_width(style.written(operation), TEXT)
        if x > MARGIN and x + needed > right:
            x, y = MARGIN, y + ROW
        look = style.operation(operation)
        ends = (x, y), (x + SWATCH / 2, y), (x + SWATCH, y)
        line_width = LINE * look.width * style.bold
        items.append(Stroke(*ends, look.color, line_width, look.pattern, name=f"legend {operation}"))
        items.append(Text(x + SWATCH + SPACE, y, style.written(operation), TEXT, style.ink, "start"))
        x += needed + BETWEEN
        widest = max(widest, x - BETWEEN)
    return Drawing(tuple(items), (0.0, 0.0, widest + MARGIN, y + ROW / 2 + MARGIN), style.paper)
