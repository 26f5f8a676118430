"""An architecture as its native string: the pieces under the drawing, each underlined as what it makes is drawn.

The interactive drawing shows which piece is which by pointing (``page/native_string.ts``); on paper the underline
does, with the colour and the dashes of the operation.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from nasedu.core import Architecture, Diagram
from nasedu.plots.architecture import drawing_of
from nasedu.plots.drawing import Drawing, Item, Stroke, Text, stacked
from nasedu.plots.styles import Style, style_of
from nasedu.plots.text import text_width

__all__ = ["with_string"]

TEXT, LINE, UNDER = 9.0, 1.8, 0.85  # points: text, underline; where it lies, in heights of the text below its middle
MARGIN = 8.0
LEAST = 200.0  # points of width, however small the drawing is


def with_string(
    architecture: Architecture, *, style: str = "light", highlight: Collection[int] = (), **options: Any
) -> Drawing:
    """Return the drawing of an architecture with its native string below it.

    Args:
        architecture: of any space. A space whose ``pieces`` are its own tells which piece is which.
        style: as for :func:`drawing_of`.
        highlight: indices of decisions to mark in both.
        options: the others of :func:`drawing_of`.

    Example:
        >>> import nasedu as nas
        >>> made = with_string(nas.spaces.NASBench201().architecture((3, 0, 1, 4, 2, 3)))
        >>> [item.text for item in made.items if item.name.startswith("piece")][:2]
        ['nor_conv_3x3~0', 'none~0']
    """
    look = style_of(style)
    picture = drawing_of(architecture, style=style, highlight=highlight, **options)
    size = max(look.least_text, TEXT)
    string = _string(architecture, look, picture.size[0], size, set(highlight))
    made = stacked([picture, string])
    made = made.scaled(replace(look, enlarged=1.0).scale(*made.size))  # both have the style's size
    return replace(made, title=picture.title, description=picture.description)


def _string(architecture: Architecture, look: Style, width: float, size: float, marked: set[int]) -> Drawing:
    diagram = architecture.space.diagram(architecture)
    right = max(width, LEAST) - MARGIN
    x, y, row = MARGIN, size, 1.9 * size
    items: list[Item] = []
    for text, decision in architecture.space.pieces(architecture.choices):
        for part in _parts(text, size, right - MARGIN):
            wide = text_width(part, size)
            if x > MARGIN and x + wide > right:
                x, y, part = MARGIN, y + row, part.lstrip()
                wide = text_width(part, size)
            if decision in marked:
                items.append(Stroke(*_line(x, y, wide), look.mark("changed"), 1.5 * size, opacity=0.2, name="changed"))
            if decision is not None:
                style = look.operation(_operation(diagram, decision))
                width_of_line = LINE * style.width * look.bold
                items.append(Stroke(*_line(x, y + UNDER * size, wide), style.color, width_of_line, style.pattern))
            name = "" if decision is None else f"piece {decision}"
            color = look.quiet if decision is None else look.ink
            items.append(Text(x, y, part, size, color, "start", name=name, decision=decision))
            x += wide
    return Drawing(tuple(items), (0.0, 0.0, right + MARGIN, y + row), look.paper)


def _parts(text: str, size: float, width: float) -> list[str]:
    """Return a piece as it is, or in parts that fit into a line."""
    if text_width(text, size) <= width:
        return [text]
    per_line = max(1, int(len(text) * width / text_width(text, size)) - 1)
    return [text[start : start + per_line] for start in range(0, len(text), per_line)]


def _line(x: float, y: float, width: float) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
    return (x, y), (x + width / 2, y), (x + width, y)


def _operation(diagram: Diagram, decision: int) -> str:
    """Return what the drawing shows for a decision."""
    found = [edge.operation for edge in diagram.edges if edge.decision == decision]
    found += [node.label for node in diagram.nodes if node.decision == decision]
    return found[0] if found else ""
