"""Cell graphs that grow and shrink: the free-form space, and what genetic programming does on it.

Suganuma, Shirakawa & Nagao, "A Genetic Programming Approach to Designing Convolutional Neural Network Architectures",
GECCO 2017, arXiv:1704.00764, Section 3: a network as a graph whose nodes are listed in an order, each with an operation
and with the earlier nodes that it reads (Cartesian genetic programming; Miller & Thomson, EuroGP 2000).

Node 0 is the cell's input. Each of 1 to n further nodes adds up one or two earlier ones and applies its operation; the
loose ends, the nodes that no other one reads, are added up to be the cell's output. So no node is ever without use:

    node_i = operation_i(node_j + node_k), j < k < i, or operation_i(node_j)

Node i reads one of i (i + 1) / 2 sets, so with o operations there are Σ_m Π_{i ≤ m} o·i (i + 1) / 2 cells of at most
n nodes.

*Genetic programming* (Koza, "Genetic Programming", MIT Press 1992) is evolution of programs whose crossover exchanges
whole sub-programs. Here a sub-program is a node with everything that it is computed from, and :meth:`Graphs.crossover`
exchanges those; so :class:`nasedu.strategies.GeneticAlgorithm` on this space is genetic programming, and so is any
other strategy that recombines. Mutations change an operation or one input, let a node grow at the end or take the
last one away.

The native string lists the nodes, each with what it reads:

    conv_3x3(0); conv_1x1(1); skip_connect(0,2)

What differs from the paper:
    * Their graphs have a fixed length and nodes without use, which drift and may come back; these have only the nodes
      that they need, and their number is a decision.
    * Their nodes are residual and convolutional blocks, poolings, sum and concatenation, for a whole network; these are
      the operations of cells, any of which sums its two inputs.
    * They only mutate. Crossover of sub-graphs in Cartesian genetic programming: Kalkreuth, Rudolph & Droschinsky,
      EuroGP 2017, who rewire at a cut; here nodes keep their places, so that every gene is one of a parent's. Whether
      it does better than mutation alone depends on the problem (Husa & Kalkreuth, EuroGP 2018).
"""

from __future__ import annotations

import itertools
import operator
import re
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from nasedu.core import (
    Architecture,
    Decision,
    Diagram,
    Edge,
    Node,
    SearchSpace,
    check_by,
    check_rng,
    check_text,
    check_whole,
    draw_below,
    shown,
)
from nasedu.spaces.layered import arrange
from nasedu.spaces.terms import Function, Terms, total

__all__ = ["OPERATIONS", "Gene", "Graphs"]

OPERATIONS = (  # what nodes may do; the first five do by default
    "skip_connect",
    "conv_1x1",
    "conv_3x3",
    "avg_pool_3x3",
    "max_pool_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
MOST_NODES = 20
LONGEST = 1_000  # characters of a native string: more than 20 nodes can need

Gene = tuple[str, tuple[int, ...]]
"""The operation of a node, and which one or two earlier nodes it reads."""


class Graphs(SearchSpace):
    """Cells of 1 to ``max_nodes`` nodes, each with an operation and one or two inputs.

    Args:
        max_nodes: n, a whole number in 1..20.
        operations: different ones out of ``OPERATIONS``.

    Raises:
        ValueError: max_nodes is no such number, or an operation is unknown.

    Example:
        >>> space = Graphs(max_nodes=3)
        >>> cell = space.parse("conv_3x3(0); conv_1x1(1); skip_connect(0,2)")
        >>> space.canonical(cell)
        'a=conv_3x3(x); b=conv_1x1(a); b+x'
    """

    def __init__(self, max_nodes: int = 6, operations: Sequence[str] = OPERATIONS[:5]) -> None:
        max_nodes = check_whole("max_nodes", max_nodes, 1, MOST_NODES)
        unknown = set(operations) - set(OPERATIONS)
        if unknown:
            raise ValueError(f"unknown operation {shown(min(unknown))}; there are {', '.join(OPERATIONS)}.")
        self.operations = tuple(operations)
        self.inputs = tuple(_sets(node) for node in range(max_nodes + 1))
        decisions = [Decision("nodes", tuple(range(1, max_nodes + 1)))]
        for node in range(1, max_nodes + 1):
            if node > 1:
                options = tuple(",".join(map(str, sources)) for sources in self.inputs[node])
                decisions.append(Decision(f"node {node} inputs", options))
            decisions.append(Decision(f"node {node} operation", self.operations))
        super().__init__("graphs", decisions, {"max_nodes": max_nodes, "operations": list(operations)})

    def genes(self, choices: tuple[int, ...]) -> list[Gene]:
        """Return what each node from 1 on does and reads."""
        sources = (0, *choices[2::2])  # of node 1 there is only one way
        operations = choices[1 : 2 * choices[0] + 2 : 2]
        return [
            (self.operations[operation], self.inputs[node][choice])
            for node, (operation, choice) in enumerate(zip(operations, sources, strict=False), 1)
        ]

    def from_genes(self, genes: Sequence[Gene]) -> Architecture:
        """Return the cell of these genes.

        Raises:
            ValueError: there are too many or none, or a gene has an unknown operation or reads what is not there.
        """
        most = len(self.inputs) - 1
        if not 1 <= len(genes) <= most:
            raise ValueError(f"the number of nodes must lie in 1..{most}; got {len(genes)}.")
        choices = [len(genes) - 1]
        for node, (operation, sources) in enumerate(genes, 1):
            if operation not in self.operations:
                raise ValueError(f"unknown operation {shown(operation)}; this space has {', '.join(self.operations)}.")
            if tuple(sources) not in self.inputs[node]:
                raise ValueError(
                    f"node {node} must read one or two different nodes among 0..{node - 1}, the lower one first; "
                    f"got {tuple(sources)}."
                )
            choices += [self.inputs[node].index(tuple(sources))] if node > 1 else []
            choices.append(self.operations.index(operation))
        return self.architecture((*choices, *[0] * (len(self.decisions) - len(choices))))

    def active(self, choices: tuple[int, ...]) -> tuple[bool, ...]:
        """The number of nodes, and what the nodes up to it do and read."""
        used = 2 * (choices[0] + 1)
        return (True,) * used + (False,) * (len(self.decisions) - used)

    def alternatives(self, choices: tuple[int, ...], index: int) -> list[int]:
        """One node more or less; any other operation; one input more, less or other."""
        if index == 0:
            return self.adjacent(choices, index)
        if index % 2:
            return [option for option in range(len(self.operations)) if option != choices[index]]
        sets = self.inputs[index // 2 + 1]
        now = set(sets[choices[index]])
        return [option for option, sources in enumerate(sets) if _is_step(now, set(sources))]

    @property
    def size_is_exact(self) -> bool:
        """Always: a node's ways are multiplied, and the numbers of nodes added."""
        return True

    def _count_architectures(self) -> int:
        return sum(self._cells_by_nodes())

    def _cells_by_nodes(self) -> list[int]:
        """Return how many cells have 1, 2, … nodes."""
        ways = (len(self.operations) * len(sets) for sets in self.inputs[1:])
        return list(itertools.accumulate(ways, operator.mul))

    def sample(self, rng: np.random.Generator, by: str = "architecture") -> Architecture:
        """Draw a cell: all are equally likely, or, by ``"decision"``, all numbers of nodes and then all cells of it."""
        check_rng(rng)
        check_by(by)
        counts = self._cells_by_nodes()
        if by == "decision":
            nodes = int(rng.integers(len(counts)))
        else:
            nodes = bisect_right(list(itertools.accumulate(counts)), draw_below(rng, sum(counts)))
        used = 2 * (nodes + 1)
        drawn = rng.integers(self._count_array[1:used]).tolist()
        return self.architecture((nodes, *drawn, *[0] * (len(self.decisions) - used)))

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """Exchange a sub-graph: put a node of the second parent, with all that it is computed from, into the first.

        The node is drawn uniformly. It and its ancestors keep their numbers and replace the first parent's nodes of
        these numbers; all other nodes stay. If the first parent has no node of the drawn number, the child also has
        the second's further nodes. So every node of the child, and their number, is one of a parent's.
        """
        genes = self.genes(second.choices)
        root = 1 + int(rng.integers(len(genes)))
        taken = {root}
        for node in range(root, 0, -1):
            if node in taken:
                taken.update(genes[node - 1][1])
        kept = self.genes(first.choices)
        if root > len(kept):
            kept += genes[len(kept) :]
        return self.from_genes([genes[i - 1] if i in taken else gene for i, gene in enumerate(kept, 1)])

    def format(self, choices: tuple[int, ...]) -> str:
        """Return the nodes in their order, such as ``conv_3x3(0); skip_connect(0,1)``."""
        return "".join(text for text, _ in self.pieces(choices))

    def pieces(self, choices: tuple[int, ...]) -> list[tuple[str, int | None]]:
        """Return the string in pieces: two for each node, its operation and what it reads."""
        found: list[tuple[str, int | None]] = []
        for node, (operation, sources) in enumerate(self.genes(choices), 1):
            found += [("; ", None)] if found else []
            found += [
                (operation, 2 * node - 1),
                (f"({','.join(map(str, sources))})", 2 * node - 2 if node > 1 else None),
            ]
        return found

    def parse(self, text: str) -> Architecture:
        """Return the cell that a string such as ``conv_3x3(0); skip_connect(0,1)`` names.

        Raises:
            ValueError: the string is malformed, too long, or names an unknown operation or a node that is not there.
        """
        genes: list[Gene] = []
        for part in check_text(text, LONGEST).split(";"):
            gene = re.fullmatch(r"\s*(\w+)\s*\(\s*([0-9]{1,2})\s*(?:,\s*([0-9]{1,2})\s*)?\)\s*", part)
            if gene is None:
                raise ValueError(
                    f"expected nodes like conv_3x3(0,1), separated by ';'; got {shown(part)} in {shown(text)}."
                )
            genes.append((gene[1], tuple(int(source) for source in gene.groups()[1:] if source is not None)))
        return self.from_genes(genes)

    def diagram(self, architecture: Architecture) -> Diagram:
        """Return the structure, laid out in layers."""
        found = self.structure(architecture)
        return arrange(found.nodes, found.edges)

    def structure(self, architecture: Architecture) -> Diagram:
        """Return the cell: a box for each operation, between the input and the sum of the loose ends."""
        genes = self.genes(architecture.choices)
        nodes = [
            Node("0", 0.0, 0.0, "input", "input"),
            *(
                Node(str(i), 0.0, 0.0, operation, "operation", decision=2 * i - 1)
                for i, (operation, _) in enumerate(genes, 1)
            ),
            Node("output", 0.0, 0.0, "output", "output"),
        ]
        edges = [
            Edge(str(source), str(i), decision=2 * i - 2 if i > 1 else None)
            for i, (_, sources) in enumerate(genes, 1)
            for source in sources
        ]
        edges += [Edge(str(node), "output") for node in loose_ends(genes)]
        return Diagram(tuple(nodes), tuple(edges))

    def canonical(self, architecture: Architecture) -> str:
        """Return a name for the function that the cell computes, by the rules of :mod:`nasedu.spaces.terms`.

        It is the same however the nodes are numbered, and whatever the skip connections are that make the same sums.
        """
        genes, function = self.genes(architecture.choices), Function()
        values: list[Terms] = [{"x": 1}]
        for operation, sources in genes:
            values.append(function.apply(operation, total(values[source] for source in sources)))
        return function.name([total(values[end] for end in loose_ends(genes))])


def _sets(node: int) -> list[tuple[int, ...]]:
    """Return the sets of one or two nodes that a node may read."""
    return [*itertools.combinations(range(node), 1), *itertools.combinations(range(node), 2)]


def _is_step(now: set[int], then: set[int]) -> bool:
    """Say whether one input was added, taken away or exchanged."""
    return now != then and max(len(now - then), len(then - now)) == 1


def loose_ends(genes: Sequence[Gene]) -> list[int]:
    """Return the nodes that no other one reads; their sum is the cell's output."""
    read = {source for _, sources in genes for source in sources}
    return [node for node in range(1, len(genes) + 1) if node not in read]
