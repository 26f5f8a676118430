"""Notebook widgets: an architecture to look at and select in, and a player for a search, live or recorded.

They are for what needs Python behind it. What only has to be looked at, an architecture or a
history, shows itself: JupyterLab draws it without a kernel, and it survives reopening the notebook.

The drawing is done in TypeScript, in ``widgets/`` beside this package; what is in ``static/`` and
``labextension/`` here is built from it by ``npm run build``.
"""

from nasedu.widgets.cell_graph import CellGraph
from nasedu.widgets.player import Player

__all__ = ["CellGraph", "Player"]


def __dir__() -> list[str]:
    return __all__  # the files have names too, but nobody looks for them
