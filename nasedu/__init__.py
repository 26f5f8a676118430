"""A laboratory for learning neural architecture search.

    >>> import numpy as np, nasedu as nas
    >>> space = nas.spaces.NASBench201()
    >>> space.size
    15625
    >>> cell = space.sample(np.random.default_rng(0))
    >>> print(cell)
    |avg_pool_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|skip_connect~0|skip_connect~1|none~2|

Importing nasedu is quick: the parts that need torch or matplotlib are imported when first used.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nasedu.core import Architecture, Decision, Diagram, Edge, Metric, Node, Proposal, SearchSpace, Trial
from nasedu.history import History
from nasedu.loop import Search, search
from nasedu.racing import race

if TYPE_CHECKING:
    from nasedu import (
        analysis,
        data,
        evaluators,
        networks,
        oneshot,
        plots,
        spaces,
        strategies,
        tables,
        training,
        widgets,
    )

__version__ = "0.1.0"

__all__ = [
    "Architecture",
    "Decision",
    "Diagram",
    "Edge",
    "History",
    "Metric",
    "Node",
    "Proposal",
    "Search",
    "SearchSpace",
    "Trial",
    "analysis",
    "data",
    "evaluators",
    "networks",
    "oneshot",
    "plots",
    "race",
    "search",
    "space",
    "spaces",
    "strategies",
    "tables",
    "training",
    "widgets",
]

_PARTS = {
    "analysis",
    "data",
    "evaluators",
    "networks",
    "oneshot",
    "plots",
    "spaces",
    "strategies",
    "tables",
    "training",
    "widgets",
}


def __getattr__(name: str) -> Any:
    if name in _PARTS:
        return import_module(f"nasedu.{name}")
    raise AttributeError(f"module 'nasedu' has no attribute {name!r}", name=name, obj=sys.modules[__name__])


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def space(name: str, **parameters: Any) -> SearchSpace:
    """Return the search space of this name, such as ``nas.space("nasbench201")``; see ``nasedu.spaces``."""
    from nasedu import spaces

    return spaces.create(name, **parameters)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "widgets/labextension", "dest": "@nasedu/labextension"}]
