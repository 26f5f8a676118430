"""How wide a text is, and what a label such as ``c_{k-1}`` means. Widths are those of DejaVu Sans."""

from __future__ import annotations

import math
import re
from functools import cache

__all__ = ["BOLD", "INDEX", "LOWER", "clean", "mathtext", "minus", "plain", "short", "shortened", "split", "text_width"]

BOLD = 1.17  # how much wider bold text is
INDEX, LOWER = 0.72, 0.3  # size of an index, and how far down it is, in sizes of the text
LONGEST = 40  # letters
MEASURED = 10.0  # points; widths grow with the size


def split(label: str) -> tuple[str, str]:
    """Return a label's name and its index: ``c_{k-1}`` gives ``("c", "k-1")``.

    A label without an index gives itself and ``""``.
    """
    name, underscore, index = label.partition("_{")
    if underscore and index.endswith("}") and name.isalpha():
        return name, index[:-1]
    return label, ""


def clean(text: str) -> str:
    """Return the text without what cannot be printed, such as line breaks and control characters."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)


def shortened(text: str) -> str:
    """Return the text, cut where it is longer than a drawing has room for."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def minus(index: str) -> str:
    """Return an index as it is set, with minus signs and not hyphens."""
    return index.replace("-", "\N{MINUS SIGN}")


def mathtext(label: str) -> str:
    """Return a label such as ``c_{k-1}`` as matplotlib's mathtext, any other as it is."""
    return f"${label}$" if split(label)[1] else label


def plain(label: str) -> str:
    """Return a label as one would say it: ``c_{k-1}`` is ``c k-1``."""
    return " ".join(filter(None, split(label)))


def short(operation: str) -> str:
    """Return a short name of an operation, as figures in papers write it: ``sep_conv_3x3`` is ``sep 3×3``."""
    name = re.sub(r"[-_]bn[-_]relu$", "", operation)
    name = re.sub(r"(?<=[a-z])(?=\d+x\d)", "_", name)  # maxpool3x3
    name = re.sub(r"(\d)x(\d)", r"\1×\2", name)
    for long, brief in (("nor_conv", "conv"), ("sep_conv", "sep"), ("dil_conv", "dil"), ("_connect", ""),
                        ("max_pool", "max"), ("avg_pool", "avg"), ("maxpool", "max"), ("avgpool", "avg")):  # fmt: skip
        name = name.replace(long, brief)
    return name.replace("_", " ")


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return the width of a line of text in points."""
    return _width(text) * size / MEASURED * (BOLD if bold else 1.0)


@cache
def _width(text: str) -> float:
    """Return the width at the measured size, rounded up to a tenth of a point."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    name, index = split(clean(text))
    if index:
        return _width(name) + INDEX * _width(minus(index))
    width, _, _ = text_to_path.get_text_width_height_descent(name, FontProperties(size=MEASURED), False)
    return math.ceil(10 * width) / 10
