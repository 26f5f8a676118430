"""A drawing as SVG: real text that can be searched and copied, and a title and description for screen readers."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from nasedu.plots.drawing import Drawing, Item, Shape, Stroke, Text
from nasedu.plots.text import INDEX, LOWER, minus, split, text_width

__all__ = ["svg"]

FONT = "DejaVu Sans, Verdana, Geneva, sans-serif"  # the widths are of the first; textLength holds the others to it
CONTROL = {code: None for code in [*range(32), 127, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)] if code not in (9, 10, 13)}


def svg(drawing: Drawing) -> str:
    """Return an SVG document. Every element says in ``data-name`` what it stands for, and which decision chose it."""
    left, top, _, _ = drawing.frame
    width, height = drawing.size
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="{_n(left)} {_n(top)} {_n(width)} {_n(height)}" '
        f'width="{_n(width)}pt" height="{_n(height)}pt" font-family={_attribute(FONT)}>'
    )
    lines = [head]
    if drawing.title:
        lines.append(f"<title>{_text(drawing.title)}</title>")
    if drawing.description:
        lines.append(f"<desc>{_text(drawing.description)}</desc>")
    lines.append(
        f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(width)}" height="{_n(height)}" fill="{drawing.background}"/>'
    )
    lines += [_element(item) for item in drawing.items]
    return "\n".join([*lines, "</svg>\n"])


def _element(item: Item) -> str:
    marks = "".join(
        f" {name}={_attribute(str(value))}"
        for name, value in (("data-name", item.name), ("data-decision", item.decision))
        if value not in ("", None)
    ) + (f' opacity="{_n(item.opacity)}"' if item.opacity != 1 else "")
    if isinstance(item, Stroke):
        return f"<g{marks}>{_line(item)}{_head(item)}</g>"
    if isinstance(item, Shape):
        return (
            f'<rect{marks} x="{_n(item.x - item.width / 2)}" y="{_n(item.y - item.height / 2)}" '
            f'width="{_n(item.width)}" height="{_n(item.height)}" rx="{_n(item.radius)}" fill="{item.fill}" '
            f'stroke="{item.line}" stroke-width="{_n(item.line_width)}"{_dash(item.dash, item.line_width)}/>'
        )
    return f"<g{marks}>{_back(item)}{_words(item)}</g>"


def _line(item: Stroke) -> str:
    points = [f"{_n(x)} {_n(y)}" for x, y in (item.start, item.control, item.line_end)]
    cap = ' stroke-linecap="round"' if item.dash and item.dash[0] < 0.5 else ""
    return (
        f'<path d="M{points[0]}Q{points[1]} {points[2]}" fill="none" stroke="{item.color}" '
        f'stroke-width="{_n(item.width)}"{_dash(item.dash, item.width)}{cap}/>'
    )


def _head(item: Stroke) -> str:
    if not item.arrow:
        return ""
    points = " ".join(f"{_n(x)},{_n(y)}" for x, y in item.head)
    return f'<polygon points="{points}" fill="{item.color}"/>'


def _dash(pattern: tuple[float, ...], width: float) -> str:
    return f' stroke-dasharray="{" ".join(_n(part * width) for part in pattern)}"' if pattern else ""


def _back(item: Text) -> str:
    if not item.back and not item.frame:
        return ""
    left, top, right, bottom = item.box
    frame = f' stroke="{item.frame}" stroke-width="1.3"' if item.frame else ""
    return (
        f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(right - left)}" height="{_n(bottom - top)}" '
        f'fill="{item.back or "none"}"{frame}/>'
    )


def _words(item: Text) -> str:
    weight = ' font-weight="bold"' if item.bold else ""
    name, index = split(item.text)
    words = _text(name)
    if index:
        small = f'<tspan dy="{LOWER}em" font-size="{_n(INDEX * item.size)}">{_text(minus(index))}</tspan>'
        words = f'<tspan font-style="italic">{words}</tspan>{small}'
    length = "" if index else f' textLength="{_n(text_width(item.text, item.size, item.bold))}"'
    adjust = ' lengthAdjust="spacingAndGlyphs"' if length else ""
    return (
        f'<text x="{_n(item.x)}" y="{_n(item.y + 0.35 * item.size)}" font-size="{_n(item.size)}" fill="{item.color}" '
        f'text-anchor="{item.anchor}"{weight}{length}{adjust}>{words}</text>'
    )


def _text(text: str) -> str:
    return escape(text.translate(CONTROL))


def _attribute(text: str) -> str:
    return quoteattr(text.translate(CONTROL))


def _n(number: float) -> str:
    """Return a number of points, to a hundredth, without needless zeros."""
    return f"{number:.2f}".rstrip("0").rstrip(".") or "0"
