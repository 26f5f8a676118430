"""How values show themselves in a notebook: text, a PNG, and our own format for the interactive viewer.

The PNG is in every bundle because an untrusted notebook, GitHub and a printed page show it; it is drawn
at twice the resolution of the page, and without pyplot, which would cost time at the first display.
"""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any

from nasedu.core import Architecture, Diagram
from nasedu.history import History
from nasedu.plots.describe import describe_diagram
from nasedu.plots.drawing import Drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "ARCHITECTURE_MIME",
    "HISTORY_MIME",
    "architecture_bundle",
    "architecture_png",
    "drawing_bundle",
    "history_bundle",
    "history_png",
    "sized",
]

ARCHITECTURE_MIME = "application/vnd.nasedu.architecture+json"
HISTORY_MIME = "application/vnd.nasedu.history+jsonl"
LARGEST_HISTORY = 2_000_000  # bytes that showing a history may add to a notebook
RESOLUTION = 144  # dots per inch; a page has 72 points, so two dots a point


def architecture_bundle(architecture: Architecture) -> dict[str, Any]:
    """Return the MIME bundle of an architecture: its native string, a picture, and the ``*.nas.json`` document."""
    return {
        "text/plain": repr(architecture),
        "image/png": _base64(architecture_png(architecture)),
        ARCHITECTURE_MIME: architecture.to_json(),
    }


def architecture_png(architecture: Architecture) -> bytes:
    """Return the drawing as a PNG."""
    from nasedu.plots.architecture import drawing_of

    return _drawing_png(drawing_of(architecture))


def drawing_bundle(drawing: Drawing) -> dict[str, Any]:
    """Return the MIME bundle of a drawing: what it shows in words, and as a picture."""
    return {"text/plain": repr(drawing), "image/png": _base64(_drawing_png(drawing))}


def _drawing_png(drawing: Drawing) -> bytes:
    from nasedu.plots.canvas import figure_of

    return _png(figure_of(drawing), {"Title": drawing.title, "Description": drawing.description})


def history_bundle(history: History) -> dict[str, Any]:
    """Return the MIME bundle of a history: one line of text, a picture, and the log as JSON lines.

    A history with nothing to draw says so in text and picture, and what to do.
    A log above two megabytes loses its states and diagrams first; one that is still above it is left
    out, and the text says so. The file itself always keeps everything.
    """
    from nasedu.plots.overview import why_empty

    text = f"{history!r} {why_empty(history)}".rstrip()
    bundle: dict[str, Any] = {"image/png": _base64(history_png(history))}
    log = history.text()
    if len(log) > LARGEST_HISTORY:
        log = _thinned(log)
        text += " (shown without its states)"
    if len(log) <= LARGEST_HISTORY:
        bundle[HISTORY_MIME] = log
    else:
        text = f"{history!r} (too long for a notebook: save it and open the file)"
    return {"text/plain": text, **bundle}


def history_png(history: History) -> bytes:
    """Return the progress of a search as a PNG."""
    from nasedu.plots.overview import history_figure

    return _png(history_figure(history))


def sized(bundle: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a bundle and its metadata: how large the page should show the picture, and what an architecture's shows.

    A point of the page has two dots of the picture.
    """
    header = base64.b64decode(bundle["image/png"][:32])  # a PNG has its width and height in bytes 16 to 24
    width, height = (int.from_bytes(header[start : start + 4], "big") for start in (16, 20))
    scale = 72 / RESOLUTION
    metadata: dict[str, Any] = {"width": round(width * scale), "height": round(height * scale)}
    if ARCHITECTURE_MIME in bundle:
        metadata["alt"] = describe_diagram(Diagram.from_json(bundle[ARCHITECTURE_MIME]["diagram"]))
    return bundle, {"image/png": metadata}


def _thinned(log: str) -> str:
    """Return the log without what is only for the eye."""
    header, *events = log.splitlines()
    kept = [{k: v for k, v in json.loads(line).items() if k not in ("state", "diagram", "curve")} for line in events]
    return "".join(
        line + "\n"
        for line in [header, *(json.dumps(event, ensure_ascii=False, separators=(",", ":")) for event in kept)]
    )


def _png(figure: Figure, words: dict[str, str] | None = None) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=RESOLUTION, metadata=words)
    return target.getvalue()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
