"""The shared colours and dash patterns of ``palette.json``, ready for matplotlib. Loads only the standard library."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = [
    "INK",
    "QUIET",
    "RULE",
    "LineStyle",
    "contrast",
    "kind_colors",
    "mark_color",
    "operation_style",
    "readable",
    "strategy_style",
    "strategy_styles",
]

Dash = tuple[float, tuple[float, ...]] | str
Marker = str | tuple[int, int, int]  # matplotlib's name, or corners, 1 for a star, and degrees
INK, QUIET, RULE = "#1a1a1a", "#4d4d4d", "#e6e6e6"  # of text, of notes and plain edges, of grid lines
READABLE = 4.5  # contrast of small text on its background, WCAG 2.2, criterion 1.4.3


@dataclass(frozen=True, slots=True)
class LineStyle:
    """How an operation or a strategy is drawn.

    Attributes:
        color: on a light page.
        dash: matplotlib's dash pattern.
        marker: of a strategy.
        dark: the colour on a dark page; "" where none is known.
        width: of an operation's line, in multiples of the usual one; it grows with the size of the kernel.
    """

    color: str
    dash: Dash
    marker: Marker = "o"
    dark: str = ""
    width: float = 1.0

    @property
    def pattern(self) -> tuple[float, ...]:
        """The lengths of line and gap in turn, in multiples of the line's width; () is a solid line."""
        return () if isinstance(self.dash, str) else self.dash[1]


@cache
def _palette() -> dict[str, Any]:
    return dict(json.loads((Path(__file__).parent / "palette.json").read_text(encoding="utf-8")))


def _line_style(entry: dict[str, Any]) -> LineStyle:
    dash: Dash = (0.0, tuple(entry["dash"])) if entry["dash"] else "solid"
    marker = entry.get("marker", "o")
    marker = tuple(marker) if isinstance(marker, list) else marker
    return LineStyle(entry["color"], dash, marker, entry["dark"], entry.get("width", 1.0))


@cache
def operation_style(name: str) -> LineStyle:
    """Return how an operation is drawn; one that the palette does not list takes the first rule that fits its name."""
    operations = _palette()["operations"]
    if name not in operations:
        words = name.lower()
        rules = _palette()["rules"]
        name = next((rule["like"] for rule in rules if all(word in words for word in rule["words"])), "other")
    return _line_style(operations[name])


@cache
def strategy_style(name: str) -> LineStyle:
    """Return how a strategy is drawn, by the name of its class or any spelling of it (``"regularized evolution"``)."""
    strategies = _palette()["strategies"]
    spelled = {_letters(key): entry for key, entry in strategies.items()}
    return _line_style(spelled.get(_letters(name), strategies["other"]))


def strategy_styles(names: Sequence[str]) -> list[LineStyle]:
    """Return a style for each line of one figure, all different.

    A name that starts with a strategy's, as in ``"RandomSearch, 10 epochs"``, has that strategy's colour;
    a second one of the same strategy has another shade and dash pattern. Other names take colours that are free.
    """
    other = strategy_style("other")
    wanted = [strategy_style(re.split(r",| #| \(", name)[0]) for name in names]
    free = [_line_style(entry) for entry in _palette()["strategies"].values()]
    free = [style for style in dict.fromkeys(free) if style not in wanted]
    found: list[LineStyle] = []
    for style in wanted:
        if style == other and style in found and free:
            style = free.pop()
        repeats = sum(earlier.marker == style.marker for earlier in found)
        found.append(_variant(style, repeats))
    return found


def _variant(style: LineStyle, repeat: int) -> LineStyle:
    if repeat == 0:
        return style
    dashes: list[Dash] = [(0.0, (4.0, 1.4)), (0.0, (1.2, 1.2)), (0.0, (6.0, 1.2, 1.0, 1.2))]
    target, share = (0, 0.4) if repeat % 2 else (255, 0.35)
    channels = [round((1 - share) * channel + share * target) for channel in _channels(style.color)]
    return LineStyle(_hex(channels), dashes[(repeat - 1) % len(dashes)], style.marker)


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def kind_colors(kind: str, dark: bool = False) -> tuple[str, str]:
    """Return the fill and the outline of a node of this kind, on a light or a dark page."""
    kinds = _palette()["kinds"]
    entry = kinds.get(kind, kinds["node"])
    return (entry["dark"], entry["line_dark"]) if dark else (entry["color"], entry["line"])


def mark_color(name: str, dark: bool = False) -> str:
    """Return the colour of a mark: ``"trial"``, ``"incumbent"``, ``"changed"`` or ``"selected"``."""
    return str(_palette()["marks"][name]["dark" if dark else "color"])


@cache
def readable(color: str, paper: str = "#ffffff") -> str:
    """Return the colour, darkened (on a dark page lightened) until small text in it is legible."""
    channels = _channels(color)
    away = 0 if _luminance(_channels(paper)) > 0.5 else 255
    while contrast(_hex(channels), paper) < READABLE:
        channels = [round(channel + 0.03 * (away - channel) + (0.5 if away else -0.5)) for channel in channels]
        channels = [min(max(channel, 0), 255) for channel in channels]
    return _hex(channels)


def contrast(color: str, paper: str) -> float:
    """Return the contrast of two colours, from 1 to 21, as WCAG 2.2 defines it."""
    light, dark = sorted((_luminance(_channels(color)), _luminance(_channels(paper))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _channels(color: str) -> list[int]:
    return [int(color[start : start + 2], 16) for start in (1, 3, 5)]


def _hex(channels: Sequence[int]) -> str:
    return "#" + "".join(f"{channel:02x}" for channel in channels)


def _luminance(channels: list[int]) -> float:
    """Return the relative luminance of WCAG 2.2."""
    parts = [channel / 255 for channel in channels]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
