"""An architecture as a picture in which edges and nodes can be selected."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

if TYPE_CHECKING:
    from nasedu.core import Architecture

STATIC = Path(__file__).parent / "static"


class CellGraph(anywidget.AnyWidget):
    """Shows one architecture with its native string. Assign :attr:`architecture` to show another.

    What the pointer or the keyboard's focus is on lights up in both, drawing and string.

    Args:
        architecture: what to show.

    Attributes:
        selected: index of the decision whose edge or node was clicked, or reached with Tab and Enter; -1 if none.

    Raises:
        TypeError: the argument is no architecture.

    Example:
        >>> import numpy as np, nasedu as nas
        >>> graph = nas.widgets.CellGraph(nas.spaces.NASBench201().sample(np.random.default_rng(0)))
        >>> graph.selected
        -1
    """

    _esm = STATIC / "widget.js"
    _css = STATIC / "widget.css"

    kind = traitlets.Unicode("cell_graph").tag(sync=True)
    document = traitlets.Dict().tag(sync=True)
    selected = traitlets.Int(-1).tag(sync=True)

    def __init__(self, architecture: Architecture) -> None:
        if not hasattr(architecture, "to_json"):
            raise TypeError(f"CellGraph shows an architecture, such as space.parse('…'); got {architecture!r}.")
        self._architecture = architecture
        super().__init__(document=architecture.to_json())

    @property
    def architecture(self) -> Architecture:
        """What is shown."""
        return self._architecture

    @architecture.setter
    def architecture(self, architecture: Architecture) -> None:
        self._architecture = architecture
        with self.hold_sync():
            self.selected = -1
            self.document = architecture.to_json()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        from nasedu.plots.show import architecture_png  # a picture where no widget can be shown

        return with_png(super()._repr_mimebundle_(**kwargs), architecture_png(self._architecture))


def with_png(bundle: Any, png: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Add a picture to a widget's MIME bundle, for an untrusted notebook or a page without a kernel."""
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
    return {**data, "image/png": base64.b64encode(png).decode("ascii")}, metadata
