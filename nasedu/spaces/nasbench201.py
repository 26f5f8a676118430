"""The cell space of NAS-Bench-201: four nodes, six edges, five operations.

Dong & Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search",
ICLR 2020, arXiv:2001.00326, Section 2.1 and Figure 1.

Node 0 is the cell's input and node 3 its output; every node is the sum of what its incoming
edges compute, and there is an edge from every node to every later one:

    node_j = Σ_{i<j} operation_{i→j}(node_i),        5⁶ = 15,625 cells

The native string lists nodes 1 to 3, separated by ``+``; each lists ``operation~source``:

    |nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|skip_connect~2|

What differs from the paper: an edge that no signal from the input reaches computes nothing here.
In the published networks a convolution of zeros adds its batch-norm shift, a constant per channel.
"""

from __future__ import annotations

import re
from functools import cache

from nasedu.core import Architecture, Decision, Diagram, Edge, Node, SearchSpace, check_text, shown
from nasedu.spaces.terms import Function, Terms, total

__all__ = ["EDGES", "OPERATIONS", "NASBench201"]

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # (source, target), in the order of the native string

LAYOUT = (  # planar: no two edges cross, and every edge has room for its operation's name
    Node("0", 0.0, 1.35, "input", "input"),
    Node("1", 1.3, 0.0, "1"),
    Node("2", 2.55, 1.0, "2"),
    Node("3", 4.25, 1.35, "output", "output"),
)
BENDS = {(0, 3): -0.5, (1, 3): 0.25}  # below and above node 2
LONGEST = 1_000  # characters of a native string: no cell needs as many


class NASBench201(SearchSpace):
    """All 15,625 cells of NAS-Bench-201, for images and, with 1-D operations, for signals.

    Example:
        >>> space = NASBench201()
        >>> cell = space.parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|")
        >>> space.canonical(cell)
        'a=nor_conv_3x3(x); a'
    """

    def __init__(self) -> None:
        decisions = [Decision(f"edge {source}→{target}", OPERATIONS) for source, target in EDGES]
        super().__init__("nasbench201", decisions)

    def format(self, choices: tuple[int, ...]) -> str:
        """Return the benchmark's own string."""
        parts = [f"{OPERATIONS[choice]}~{source}" for choice, (source, _) in zip(choices, EDGES, strict=True)]
        return f"|{parts[0]}|+|{parts[1]}|{parts[2]}|+|{parts[3]}|{parts[4]}|{parts[5]}|"

    def pieces(self, choices: tuple[int, ...]) -> list[tuple[str, int | None]]:
        """Return the benchmark's string in pieces: one for each edge, such as ``nor_conv_3x3~0``."""
        found: list[tuple[str, int | None]] = [("|", None)]
        for index, (choice, (source, target)) in enumerate(zip(choices, EDGES, strict=True)):
            ends_node = source == target - 1 and index < len(EDGES) - 1
            found += [(f"{OPERATIONS[choice]}~{source}", index), ("|+|" if ends_node else "|", None)]
        return found

    def parse(self, text: str) -> Architecture:
        """Return the cell that a string such as ``|none~0|+|none~0|none~1|+|…|`` names.

        Raises:
            ValueError: the string is malformed, or names an unknown operation.
        """
        parts = re.findall(r"[^|+~]+~[^|+~]*", check_text(text, LONGEST))
        names = [part.split("~")[0] for part in parts]
        for name in names:
            if name not in OPERATIONS:
                known = ", ".join(OPERATIONS)
                raise ValueError(f"unknown operation {shown(name)} in {shown(text)}; NAS-Bench-201 has {known}.")
        if len(names) == len(EDGES):
            choices = tuple(OPERATIONS.index(name) for name in names)
            if self.format(choices) == text.strip():
                return self.architecture(choices)
        raise ValueError(
            f"expected '|op~0|+|op~0|op~1|+|op~0|op~1|op~2|' with an operation for each op; got {shown(text)}."
        )

    def diagram(self, architecture: Architecture) -> Diagram:
        """Return the cell: four nodes, an edge per operation. Edges of ``none`` are there, and say so."""
        edges = [
            Edge(str(source), str(target), OPERATIONS[choice], index, BENDS.get((source, target), 0.0))
            for index, (choice, (source, target)) in enumerate(zip(architecture.choices, EDGES, strict=True))
        ]
        return Diagram(LAYOUT, tuple(edges))

    def live_edges(self, architecture: Architecture) -> tuple[bool, ...]:
        """Say for each edge whether it lies on a path of non-zero operations from input to output."""
        open_edges = [
            edge for edge, choice in zip(EDGES, architecture.choices, strict=True) if OPERATIONS[choice] != "none"
        ]
        reached, reaching = {0}, {3}
        for source, target in open_edges:  # sources come before targets in this order
            if source in reached:
                reached.add(target)
        for source, target in reversed(open_edges):
            if target in reaching:
                reaching.add(source)
        return tuple(edge in open_edges and edge[0] in reached and edge[1] in reaching for edge in EDGES)

    def canonical(self, architecture: Architecture) -> str:
        """Return a name for the function that the cell computes: 5,044 different ones.

        :mod:`nasedu.spaces.terms` says by which rules. What is on no path of operations from input to output does not
        count.
        """
        live = self.live_edges(architecture)
        names = [OPERATIONS[choice] if on else "none" for choice, on in zip(architecture.choices, live, strict=True)]
        return _canonical(tuple(names))

    def benchmark_canonical(self, architecture: Architecture) -> str:
        """Return the published rule's name for the cell: 6,466 different ones (Section 2.1).

        Skip and zero edges are followed, every node is the sorted list of what arrives, and edges
        that cannot reach the output stay in the text. It tells apart some cells that
        :meth:`canonical` proves equal, and merges one convolution used twice with two convolutions.
        """
        nodes = ["x"]
        for target in (1, 2, 3):
            arriving = []
            for index, (source, edge_target) in enumerate(EDGES):
                if edge_target == target:
                    arriving.append(_published_term(OPERATIONS[architecture.choices[index]], nodes[source]))
            nodes.append("+".join(sorted(arriving)))
        return nodes[3]


@cache  # at most one for each cell
def _canonical(names: tuple[str, ...]) -> str:
    """Return the name of a cell with these operations, ``none`` where no signal passes."""
    function = Function()
    nodes: list[Terms] = [{"x": 1}, {}, {}, {}]
    for (source, target), name in zip(EDGES, names, strict=True):  # sources come before targets
        if name != "none":
            nodes[target] = total([nodes[target], function.apply(name, nodes[source])])
    return function.name([nodes[3]])


def _published_term(operation: str, source: str) -> str:
    if operation == "none" or source == "#":
        return "#"
    return source if operation == "skip_connect" else f"({source})@{operation}"
