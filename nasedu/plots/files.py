"""Files of drawings and figures, by the ending of their names. The same value gives the same bytes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasedu.core import Architecture, Diagram
from nasedu.plots.architecture import diagram_of, drawing_of
from nasedu.plots.canvas import figure_of
from nasedu.plots.dot import dot
from nasedu.plots.drawing import Drawing, Text
from nasedu.plots.mermaid import mermaid
from nasedu.plots.svg import svg
from nasedu.plots.tikz import tikz

if TYPE_CHECKING:
    import networkx
    from matplotlib.figure import Figure

__all__ = ["DRAWINGS", "check_format", "save", "save_drawing", "save_figure"]

PICTURES = (".svg", ".pdf", ".png")
DRAWINGS = (*PICTURES, ".tex", ".dot", ".mmd")
SMALLEST = 5.0  # points: text that can be read in print
DOTS = 200  # of a PNG, per inch


def save(architecture: Architecture | Diagram | networkx.DiGraph | Drawing, path: str | Path, **options: Any) -> None:
    """Write the drawing to a file, by the ending of its name. The same drawing gives the same bytes.

    ``.svg``, ``.pdf`` and ``.png`` are pictures, ``.tex`` is TikZ (a document of its own), ``.dot`` Graphviz
    and ``.mmd`` Mermaid. The last two have no coordinates and no style: their own programs lay them out.

    Args:
        architecture: what to draw; or a drawing, such as :func:`difference` returns, which has no structure any
            more: it can be ``.svg``, ``.pdf``, ``.png`` or ``.tex``, not ``.dot`` or ``.mmd``.
        path: where to; an existing file is replaced.
        options: as for :func:`drawing_of`; a drawing takes none.

    Raises:
        ValueError: the name has another ending, or as :func:`drawing_of` does.

    Warns:
        UserWarning: text in the picture is smaller than 5 points.
    """
    if isinstance(architecture, Drawing):
        return save_drawing(architecture, path, **options)
    ending = check_format(path, DRAWINGS)  # before the work
    if ending in ("dot", "mmd"):
        title = str(architecture) if isinstance(architecture, Architecture) else "architecture"
        writer = dot if ending == "dot" else mermaid
        Path(path).write_text(writer(diagram_of(architecture), title), encoding="utf-8")
    else:
        save_drawing(drawing_of(architecture, **options), path)
    return None


def save_drawing(made: Drawing, path: str | Path) -> None:
    """Write a drawing to a ``.svg``, ``.pdf``, ``.png`` or ``.tex`` file. The same drawing gives the same bytes.

    Raises:
        ValueError: the name has another ending.
    """
    if Path(path).suffix.lower() in (".dot", ".mmd"):
        raise ValueError(
            f"a drawing's name must end in .svg, .pdf, .png or .tex; got {str(path)!r}. DOT and Mermaid are of the "
            "structure: save the architecture or its diagram itself."
        )
    ending = check_format(path, (*PICTURES, ".tex"))
    text = min((item.size for item in made.items if isinstance(item, Text)), default=SMALLEST)
    if text < SMALLEST - 0.05:
        warnings.warn(
            f"text in this drawing is {text:.1f} points high, and below {SMALLEST:g} it cannot be read in print: draw "
            "less of it, such as one cell or fewer layers, or take style='light' for a wider page.",
            stacklevel=3,
        )
    if ending in ("svg", "tex"):
        Path(path).write_text(svg(made) if ending == "svg" else tikz(made), encoding="utf-8")
    else:
        save_figure(figure_of(made), path, made.title, made.description)


def check_format(path: str | Path, endings: Sequence[str] = PICTURES) -> str:
    """Return the format that a path's ending names, without its dot.

    Raises:
        ValueError: it is none of the endings.
    """
    ending = Path(path).suffix.lower()
    if ending not in endings:
        raise ValueError(f"a picture's name must end in {', '.join(endings[:-1])} or {endings[-1]}; got {str(path)!r}.")
    return ending[1:]


def save_figure(figure: Figure, path: str | Path, title: str = "nasedu", description: str = "") -> None:
    """Write any figure to an svg, pdf or png file with nothing in it that changes from run to run."""
    import matplotlib

    ending = check_format(path)
    metadata: dict[str, dict[str, str | None]] = {
        "svg": {"Title": title, "Description": description or None, "Date": None},
        "pdf": {"Title": title, "Subject": description or None, "CreationDate": None},
        "png": {"Title": title, "Description": description},
    }
    with matplotlib.rc_context({"svg.hashsalt": "nasedu", "pdf.fonttype": 42}):
        figure.savefig(path, format=ending, dpi=DOTS, metadata=metadata[ending])
