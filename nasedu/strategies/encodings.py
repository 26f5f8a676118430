"""What a model sees of an architecture: rows of zeros and ones, in two encodings that every space has.

    decisions   one-hot: a column for each option of each decision; a decision that does not matter has none
    paths       a column for each way from an input to an output, written as the operations met on it:
                White, Neiswanger & Savani, "BANANAS", AAAI 2021, arXiv:1910.11858, Section 3

Two architectures are compared by what only one of the two has. Decisions say *where* an
operation is, paths *what the signal goes through*, wherever that is: in NAS-Bench-201 a 3x3 convolution
and pooling after it are the same path over node 1 and over node 2.

What differs from the paper's encoding:
    * ``skip_connect`` changes nothing on its way, so it is no operation of a path (one of the paper's
      operations); ``none`` carries nothing, so no path goes over it.
    * Paths of more than 3 operations are left out. The paper keeps the likeliest ones, which are short. Where all are
      longer, as in mobile networks of seven stages, the decisions alone tell architectures apart.
    * Nodes that compute, as in chains, are operations too, and paths begin with the name of their input,
      because some cells have two.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from nasedu.core import NOTHING, Architecture

__all__ = ["Encoder", "decisions", "paths"]

LONGEST = 3
CHANGES_NOTHING = "", "skip_connect", "identity"
KEPT = 4096  # architectures whose names an encoder remembers


def decisions(architecture: Architecture) -> list[str]:
    """Return the chosen options of the decisions that matter: ``["width=8", "kernel=3"]``."""
    return [f"{name}={option}" for name, option in architecture.options.items()]


def paths(architecture: Architecture) -> list[str]:
    """Return the different ways from an input to an output, of at most 3 operations, sorted.

    Example:
        >>> from nasedu.spaces import NASBench201
        >>> paths(NASBench201().parse("|avg_pool_3x3~0|+|none~0|none~1|+|skip_connect~0|nor_conv_3x3~1|none~2|"))
        ['0', '0 > avg_pool_3x3 > nor_conv_3x3']
    """
    graph = architecture.space.structure(architecture)
    arriving: dict[str, list[tuple[str, str]]] = {}
    for edge in graph.edges:
        if edge.operation not in NOTHING:
            arriving.setdefault(edge.target, []).append((edge.source, edge.operation))
    found: dict[str, set[tuple[str, ...]]] = {node.id: {(node.id,)} for node in graph.nodes if node.kind == "input"}
    computed = {node.id: (node.label,) for node in graph.nodes if node.kind == "operation"}

    def into(node: str) -> set[tuple[str, ...]]:
        """Return the paths from the inputs to a node: the name of an input, then operations."""
        if node not in found:
            found[node] = {
                path
                for source, operation in arriving.get(node, ())
                for start in into(source)
                if len(path := start + (operation,) * (operation not in CHANGES_NOTHING) + computed.get(node, ()))
                <= 1 + LONGEST
            }
        return found[node]

    return sorted(" > ".join(path) for node in graph.nodes if node.kind == "output" for path in into(node.id))


class Encoder:
    """Rows of zeros and ones, with a column for every name that was learned, in the order of learning.

    Args:
        features: an architecture to the names of what it has, such as :func:`decisions` or :func:`paths`.

    Attributes:
        columns: the column of each name.
    """

    def __init__(self, features: Callable[[Architecture], list[str]]) -> None:
        self.names = lru_cache(maxsize=KEPT)(features)
        self.columns: dict[str, int] = {}
        self._learned: dict[tuple[int, ...], list[int]] = {}  # by choices, the columns of their names

    def learn(self, architectures: Sequence[Architecture]) -> None:
        """Give a column to everything that these have."""
        for each in architectures:
            if each.choices not in self._learned:
                names = self.names(each)
                self._learned[each.choices] = [self.columns.setdefault(name, len(self.columns)) for name in names]

    def rows(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Return an array [architectures, columns]; what has no column is left out."""
        ones = [self._ones(each) for each in architectures]
        rows = np.zeros((len(ones), len(self.columns)))
        rows[np.repeat(np.arange(len(ones)), [len(each) for each in ones]), [i for each in ones for i in each]] = 1
        return rows

    def differences(self, some: Sequence[Architecture], others: Sequence[Architecture]) -> np.ndarray:
        """Learn the others; return [some, others]: how many names only one of the two has."""
        self.learn(others)
        rows, sizes = self.rows(others), np.array([len(self.names(each)) for each in some])
        return np.asarray(sizes[:, None] + rows.sum(axis=1) - 2 * self.rows(some) @ rows.T)

    def _ones(self, architecture: Architecture) -> list[int]:
        if architecture.choices in self._learned:
            return self._learned[architecture.choices]
        return [self.columns[name] for name in self.names(architecture) if name in self.columns]
