"""A legend of operations: for each its line, with colour, dash and width, and its name."""

from __future__ import annotations

from collections.abc import Sequence

from nasedu.plots.drawing import Drawing, Item, Stroke, Text
from nasedu.plots.styles import Style
from nasedu.plots.text import text_width

__all__ = ["LINE", "legend"]

LINE = 2.2  # points, the width of an operation's line
SWATCH, SPACE, BETWEEN = 34.0, 6.0, 18.0  # points: a line at least, from it to its name, to the next one
PERIODS = 1.6  # of its dashes that a line shows, at least
TEXT, ROW = 10.0, 16.0
MARGIN = 8.0
LEAST = 180.0


def legend(operations: Sequence[str], style: Style, width: float) -> Drawing:
    """Return the lines and names of the operations, in rows that are no wider than the width (or 180 points)."""
    items: list[Item] = []
    right = max(width, LEAST) - MARGIN
    x, y, widest = MARGIN, ROW / 2, MARGIN
    looks = {operation: style.operation(operation) for operation in operations}
    widths = {operation: LINE * look.width * style.bold for operation, look in looks.items()}
    swatch = max([SWATCH, *(PERIODS * widths[operation] * sum(look.pattern) for operation, look in looks.items())])
    for operation, look in looks.items():
        needed = swatch + SPACE + text_width(style.written(operation), TEXT)
        if x > MARGIN and x + needed > right:
            x, y = MARGIN, y + ROW
        ends = (x, y), (x + swatch / 2, y), (x + swatch, y)
        items.append(Stroke(*ends, look.color, widths[operation], look.pattern, name=f"legend {operation}"))
        items.append(Text(x + swatch + SPACE, y, style.written(operation), TEXT, style.ink, "start"))
        x += needed + BETWEEN
        widest = max(widest, x - BETWEEN)
    return Drawing(tuple(items), (0.0, 0.0, widest + MARGIN, y + ROW / 2 + MARGIN), style.paper)
