r"""A drawing as TikZ: a document of its own for the ``standalone`` class, in the fonts of LaTeX.

To use it in a paper, ``\input`` only the ``tikzpicture``, or include the PDF that it makes.
"""

from __future__ import annotations

import unicodedata

from nasedu.plots.drawing import Drawing, Item, Shape, Stroke, Text
from nasedu.plots.text import split

__all__ = ["tikz"]

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "→": r"$\to$", "×": r"$\times$", "−": "$-$", "–": "--", "·": r"$\cdot$", "σ": r"$\sigma$",
    "α": r"$\alpha$", "Σ": r"$\Sigma$", "≠": r"$\neq$", "≤": r"$\leq$", "≥": r"$\geq$", "…": r"\ldots{}",
    "—": "---", "’": "'", "‘": "`", "“": "``", "”": "''", "ß": r"\ss{}", "ø": r"\o{}", "æ": r"\ae{}",
    "\n": " ", "\r": " ", "\t": " ", '"': "''",
}  # fmt: skip
ACCENTS = {
    "\N{COMBINING GRAVE ACCENT}": "`", "\N{COMBINING ACUTE ACCENT}": "'", "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "\N{COMBINING TILDE}": "~", "\N{COMBINING DIAERESIS}": '"', "\N{COMBINING RING ABOVE}": "r",
    "\N{COMBINING CEDILLA}": "c", "\N{COMBINING CARON}": "v",
}  # fmt: skip


def tikz(drawing: Drawing) -> str:
    """Return a LaTeX document. Any TeX of the last ten years with TikZ compiles it: but for comments, it is ASCII.

    A letter that LaTeX's own fonts do not have is written as ``?``.
    """
    comments = [f"% {line}" for text in (drawing.title, drawing.description) for line in text.splitlines() if line]
    left, top, right, bottom = drawing.frame
    page = rf"\path[fill={_color(drawing.background)}] {_at((left, top))} rectangle {_at((right, bottom))};"
    return "\n".join(
        [
            *comments,
            r"\documentclass[tikz]{standalone}",
            r"\usepackage[utf8]{inputenc}",
            r"\usepackage[T1]{fontenc}",
            r"\begin{document}",
            r"\begin{tikzpicture}[x=1bp, y=-1bp, every node/.style={inner sep=0pt, outer sep=0pt, font=\sffamily}]",
            page,
            *(_command(item) for item in drawing.items),
            r"\end{tikzpicture}",
            r"\end{document}",
            "",
        ]
    )


def _command(item: Item) -> str:
    faint = f", opacity={_n(item.opacity)}" if item.opacity != 1 else ""
    if isinstance(item, Stroke):
        line = rf"\draw[{_pen(item.color, item.width, item.dash)}{faint}] {_curve(item)};"
        if not item.arrow:
            return line
        corners = " -- ".join(_at(point) for point in item.head)
        return line + "\n" + rf"\path[fill={_color(item.color)}{faint}] {corners} -- cycle;"
    if isinstance(item, Shape):
        corner = item.x - item.width / 2, item.y - item.height / 2
        other = item.x + item.width / 2, item.y + item.height / 2
        look = f"{_pen(item.line, item.line_width, item.dash)}, fill={_color(item.fill)}{faint}"
        return rf"\draw[{look}, rounded corners={_n(item.radius)}bp] {_at(corner)} rectangle {_at(other)};"
    return _text(item, faint)


def _curve(item: Stroke) -> str:
    """Return the quadratic curve as the cubic one that TikZ draws."""
    (x0, y0), (x1, y1), (x2, y2) = item.start, item.control, item.line_end
    first, second = (x0 + 2 * (x1 - x0) / 3, y0 + 2 * (y1 - y0) / 3), (x2 + 2 * (x1 - x2) / 3, y2 + 2 * (y1 - y2) / 3)
    return f"{_at(item.start)} .. controls {_at(first)} and {_at(second)} .. {_at(item.line_end)}"


def _text(item: Text, faint: str) -> str:
    anchor = {"start": "west", "middle": "center", "end": "east"}[item.anchor]
    look = f"text={_color(item.color)}, anchor={anchor}{faint}"
    if item.back or item.frame:
        look += f", inner sep={_n(0.15 * item.size)}bp"
        look += f", fill={_color(item.back)}" if item.back else ""
        look += f", draw={_color(item.frame)}, line width=1.3bp" if item.frame else ""
    name, index = split(item.text)
    words = rf"$\mathit{{{name}}}_{{{_escaped(index)}}}$" if index and name.isascii() else _escaped(item.text)
    font = rf"\fontsize{{{_n(item.size)}bp}}{{{_n(1.2 * item.size)}bp}}\selectfont" + (
        r"\bfseries" if item.bold else ""
    )
    return rf"\node[{look}] at {_at((item.x, item.y))} {{{font} {words}}};"


def _pen(color: str, width: float, dash: tuple[float, ...]) -> str:
    pen = f"color={_color(color)}, line width={_n(width)}bp"
    if not dash:
        return pen
    parts = " ".join(f"{'off' if k % 2 else 'on'} {_n(part * width)}bp" for k, part in enumerate(dash))
    return f"{pen}, dash pattern={parts}"


def _color(color: str) -> str:
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return f"{{rgb,255:red,{red};green,{green};blue,{blue}}}"


def _escaped(text: str) -> str:
    return "".join(_letter(letter) for letter in unicodedata.normalize("NFC", text))


def _letter(letter: str) -> str:
    """Return what LaTeX reads as this letter, in ASCII."""
    if letter in SPECIAL:
        return SPECIAL[letter]
    if not letter.isprintable():
        return ""
    base, *marks = list(unicodedata.normalize("NFKD", letter))
    if len(marks) == 1 and marks[0] in ACCENTS and base.isascii():
        return rf"\{ACCENTS[marks[0]]}{{{base}}}"
    plain = "".join([base, *marks])
    return "".join(SPECIAL.get(letter, letter) for letter in plain) if plain.isascii() else "?"


def _at(point: tuple[float, float]) -> str:
    return f"({_n(point[0])},{_n(point[1])})"


def _n(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".") or "0"
