"""Four styles: for a light and a dark screen, for print and for slides.

``print`` needs no colour: operations differ by dash and by width, so a copy in grey says as much. It fits
a column of 8.5 cm with text of at least 6 points, ``slide`` a slide of 16:9 (13.33 × 7.5 inches) with text of 14,
where that is possible: a drawing that would get smaller text reads downwards instead, or its legend names
the operations and the edges do not, whatever gives the largest text.
"""

from __future__ import annotations

from dataclasses import dataclass

from nasedu.plots.palette import INK, QUIET, LineStyle, kind_colors, mark_color, operation_style, readable
from nasedu.plots.text import short

__all__ = ["STYLES", "Style", "style_of"]

CENTIMETRE = 72 / 2.54


@dataclass(frozen=True, slots=True)
class Style:
    """How a drawing looks, and how large it may be.

    Attributes:
        paper: the colour of the background.
        ink, quiet: of text, and of edges that only carry data.
        dark: whether the background is; the palette then gives its colours for dark pages.
        grey: whether there are no colours.
        bold: how much wider lines are than usual.
        enlarged: how much larger everything is, where it fits.
        width, height: the largest size in points; 0 is any.
        least_text: the smallest text in points that it should be scaled down to.
        short: whether operations have short names, such as sep 3×3.
    """

    name: str
    paper: str = "#ffffff"
    ink: str = INK
    quiet: str = QUIET
    dark: bool = False
    grey: bool = False
    bold: float = 1.0
    enlarged: float = 1.0
    width: float = 0.0
    height: float = 0.0
    least_text: float = 0.0
    short: bool = False

    def scale(self, width: float, height: float) -> float:
        """Return by how much a drawing of this size grows or shrinks."""
        limits = [limit / side for limit, side in ((self.width, width), (self.height, height)) if limit]
        return min([self.enlarged, *limits])

    def written(self, operation: str) -> str:
        """Return what is written for an operation."""
        return short(operation) if self.short else operation

    def operation(self, name: str) -> LineStyle:
        """Return colour, dash and width of an operation."""
        look = operation_style(name)
        if self.grey:
            return LineStyle(self.quiet if look == operation_style("none") else self.ink, look.dash, width=look.width)
        return LineStyle(look.dark, look.dash, width=look.width) if self.dark else look

    def text(self, operation: str) -> str:
        """Return the colour in which an operation's name is legible."""
        return readable(self.operation(operation).color, self.paper)

    def node(self, kind: str) -> tuple[str, str]:
        """Return the fill and the outline of a node of this kind."""
        if self.grey:
            return {"input": "#f0f0f0", "output": "#e0e0e0"}.get(kind, self.paper), self.ink
        return kind_colors(kind, self.dark)

    def mark(self, name: str) -> str:
        """Return the colour of a mark, such as ``"changed"``."""
        return self.ink if self.grey else mark_color(name, self.dark)


STYLES = {
    style.name: style
    for style in (
        Style("light"),
        Style("dark", paper="#111111", ink="#f0f0f0", quiet="#c9c9c9", dark=True),
        Style(
            "print", grey=True, enlarged=0.8, width=8.5 * CENTIMETRE, height=22 * CENTIMETRE, least_text=6.0, short=True
        ),
        Style("slide", bold=1.3, enlarged=2.2, width=900.0, height=480.0, least_text=14.0, short=True),
    )
}


def style_of(name: str) -> Style:
    """Return the style of this name.

    Raises:
        ValueError: there is none.
    """
    if name not in STYLES:
        raise ValueError(f"unknown style {name!r}; there are {', '.join(STYLES)}.")
    return STYLES[name]
