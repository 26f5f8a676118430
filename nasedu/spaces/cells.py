"""What the spaces of NASNet-like cells share: the decisions of a cell, its genotype, its outputs, its names.

A cell has two inputs, the outputs of the two cells before it, and B nodes ("blocks" in NASNet's paper). Each node adds
up two operations, each on one of the states before the node:

    state_b = operation_1(state_i) + operation_2(state_j),        i, j < b,        states 0 and 1: the inputs

The cell's output concatenates some of the nodes. The papers' spaces differ in four things only:

                    operations   B   both inputs may be one state   the output concatenates
    NASNet              13       5   yes                            the nodes that no other node reads
    AmoebaNet            8       5   yes                            the nodes that no other node reads
    ENAS, micro          5       5   yes                            the nodes that no other node reads
    PNASNet              8       5   yes, and one cell for both     all nodes
    DARTS                7       4   no                             all nodes

An architecture is a normal and a reduction cell, which halves the resolution: there, operations on states 0 and 1 have
stride 2. The native string is the genotype of DARTS' code.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from nasedu.core import Architecture, Decision, Diagram, Edge, Node, SearchSpace, check_whole, shown
from nasedu.spaces import genotype
from nasedu.spaces.genotype import CELLS, Genes, Genotype
from nasedu.spaces.layered import arrange
from nasedu.spaces.terms import Function, Terms, total

__all__ = ["MOST_NODES", "CellSpace", "cell_name"]

MOST_NODES = 8  # of two operations each; names have letters for 25
TITLES = {"normal": "normal cell", "reduce": "reduction cell", "both": "normal and reduction cell"}


class CellSpace(SearchSpace):
    """Normal and reduction cells; a space of a paper is a subclass that says in what it differs.

    Args:
        name: how files and the command line call the space.
        operations: what each node may apply to a state.
        nodes: in each cell, in 1..8.
        two_sources: whether the two states that a node reads must differ.
        loose_ends: whether the output concatenates only the nodes that no other node reads.
        one_cell: whether the reduction cell is the normal cell, with strides.
        parameters: what the space was made with.

    Raises:
        ValueError: the number of nodes is no whole number, or out of range.
    """

    def __init__(
        self,
        name: str,
        operations: Sequence[str],
        nodes: int,
        *,
        two_sources: bool = False,
        loose_ends: bool = True,
        one_cell: bool = False,
        parameters: dict[str, Any] | None = None,
    ) -> None:
        self.operations = tuple(operations)
        self.nodes = check_whole("the number of nodes in a cell", nodes, 1, MOST_NODES)
        self.two_sources, self.loose_ends = two_sources, loose_ends
        self.cells = ("both",) if one_cell else CELLS
        self.sources: list[tuple[tuple[int, ...], ...]] = []  # of each node, the pairs of states that it may read
        decisions = []
        for cell, node in itertools.product(self.cells, range(self.nodes)):
            place = f"{cell} node {node + 2}"
            if two_sources:
                self.sources.append(tuple(itertools.combinations(range(node + 2), 2)))
                decisions.append(Decision(f"{place} inputs", tuple(f"{i},{j}" for i, j in self.sources[-1])))
            else:
                decisions += [Decision(f"{place} input {k}", tuple(range(node + 2))) for k in (1, 2)]
            decisions += [Decision(f"{place} operation {k}", self.operations) for k in (1, 2)]
        self._width = 3 if two_sources else 4  # decisions of a node, the last two of which are its operations
        super().__init__(name, decisions, parameters)

    def genes(self, choices: tuple[int, ...], cell: str) -> Genes:
        """Return the (operation, source) pairs of a cell, ``"normal"`` or ``"reduce"``, two for each node."""
        start = CELLS.index(cell) % len(self.cells) * self.nodes * self._width
        genes: Genes = []
        for node in range(self.nodes):
            *inputs, first, second = choices[start + node * self._width : start + (node + 1) * self._width]
            sources = self.sources[node][inputs[0]] if self.two_sources else inputs
            genes += [(self.operations[op], source) for op, source in zip((first, second), sources, strict=True)]
        return genes

    def from_genes(self, normal: Genes, reduce: Genes) -> Architecture:
        """Return the architecture of these genes: 2 · nodes (operation, source) pairs a cell.

        Raises:
            ValueError: the number of genes is wrong, an operation is unknown, a source does not come before its node,
                a node's sources are equal where they must differ, or the cells differ where there is only one.
        """
        if len(self.cells) == 1 and normal != reduce:
            raise ValueError(f"{self.name} has one cell: normal and reduce must be equal; got {normal} and {reduce}.")
        choices: list[int] = []
        for cell, genes in zip(CELLS[: len(self.cells)], (normal, reduce), strict=False):
            if len(genes) != 2 * self.nodes:
                raise ValueError(
                    f"the {cell} cell must have {2 * self.nodes} genes, two for each node; got {len(genes)}."
                )
            for node in range(self.nodes):
                choices += self._node_choices(cell, node, genes[2 * node : 2 * node + 2])
        return self.architecture(choices)

    def _node_choices(self, cell: str, node: int, pair: Genes) -> list[int]:
        if self.two_sources:
            pair = sorted(pair, key=lambda gene: gene[1])
        sources = tuple(source for _, source in pair)
        if max(sources) > node + 1 or (self.two_sources and sources[0] == sources[1]):
            different = "two different sources" if self.two_sources else "its two sources"
            raise ValueError(
                f"node {node + 2} of the {cell} cell must have {different} among 0..{node + 1}; got {sources}."
            )
        for operation, _ in pair:
            if operation not in self.operations:
                known = ", ".join(self.operations)
                raise ValueError(f"unknown operation {shown(operation)}; the {type(self).__name__} space has {known}.")
        inputs = [self.sources[node].index(sources)] if self.two_sources else list(sources)
        return [*inputs, *(self.operations.index(operation) for operation, _ in pair)]

    def outputs(self, genes: Genes) -> tuple[int, ...]:
        """Return the states that the output of the cell of these genes concatenates, in rising order."""
        read = {source for _, source in genes} if self.loose_ends else set()
        return tuple(state for state in range(2, len(genes) // 2 + 2) if state not in read)

    def genotype(self, choices: tuple[int, ...]) -> Genotype:
        """Return genes and outputs of both cells."""
        normal, reduce = (self.genes(choices, cell) for cell in CELLS)
        return Genotype(normal, self.outputs(normal), reduce, self.outputs(reduce))

    def format(self, choices: tuple[int, ...]) -> str:
        """Return the genotype as the code of DARTS prints it."""
        return "".join(text for text, _ in genotype.pieces(self.genotype(choices)))

    def pieces(self, choices: tuple[int, ...]) -> list[tuple[str, int | None]]:
        """Return the genotype in pieces: one for each gene, told by the decision of its operation."""
        found = genotype.pieces(self.genotype(choices))
        return [(text, None if gene is None else self._operation_index(gene)) for text, gene in found]

    def _operation_index(self, gene: int) -> int:
        """Return the index of the decision of a gene's operation."""
        node, k = divmod(gene % (2 * self.nodes * len(self.cells)), 2)
        return node * self._width + self._width - 2 + k

    def parse(self, text: str) -> Architecture:
        """Return the architecture that a ``Genotype(…)`` text names. The text is read, never run.

        Raises:
            ValueError: the text is malformed, or it is not a pair of cells of this space.
        """
        given = genotype.read(text)
        architecture = self.from_genes(given.normal, given.reduce)
        found = self.genotype(architecture.choices)
        for cell, states, must in (
            ("normal", given.normal_concat, found.normal_concat),
            ("reduce", given.reduce_concat, found.reduce_concat),
        ):
            if tuple(sorted(states)) != must:
                rule = "the nodes that no other node reads" if self.loose_ends else "all nodes"
                raise ValueError(
                    f"the {cell} cell's output must concatenate nodes {_listed(must)}, {rule}; got {list(states)}."
                )
        return architecture

    def canonical(self, architecture: Architecture) -> str:
        """Return a name for what the cells compute: the same for every order of the nodes and of a node's two genes.

        Cells of one name compute the same function of their inputs, where every operation with weights has its own;
        ``nasedu.spaces.terms`` says by which rules. The order in which nodes are concatenated does not count, for
        the weights of whatever reads them can be ordered alike.
        """
        given = self.genotype(architecture.choices)
        normal = cell_name(given.normal, given.normal_concat, reduces=False)
        return f"{normal} / {cell_name(given.reduce, given.reduce_concat, reduces=True)}"

    def diagram(self, architecture: Architecture) -> Diagram:
        """Return the cells laid out in layers, the normal one above the reduction cell."""
        found = self.structure(architecture)
        return arrange(found.nodes, found.edges)

    def structure(self, architecture: Architecture) -> Diagram:
        """Return the cells: their inputs and nodes, operations on the edges, and what the output concatenates."""
        nodes: list[Node] = []
        edges: list[Edge] = []
        for row, cell in enumerate(self.cells):
            title, genes = TITLES[cell], self.genes(architecture.choices, CELLS[row])
            nodes += [Node(f"{cell} {i}", 0.0, 0.0, f"c_{{k-{2 - i}}}", "input", title) for i in (0, 1)]
            nodes += [Node(f"{cell} {i + 2}", 0.0, 0.0, str(i + 2), group=title) for i in range(self.nodes)]
            nodes.append(Node(f"{cell} output", 0.0, 0.0, "c_{k}", "output", title))
            for index, (operation, source) in enumerate(genes):
                decision = self._operation_index(row * 2 * self.nodes + index)
                edges.append(Edge(f"{cell} {source}", f"{cell} {index // 2 + 2}", operation, decision))
            edges += [Edge(f"{cell} {state}", f"{cell} output") for state in self.outputs(genes)]
        return Diagram(tuple(nodes), tuple(edges))


def cell_name(genes: Genes, outputs: Sequence[int], reduces: bool) -> str:
    """Return the name of what a cell computes, by the rules of :mod:`nasedu.spaces.terms`.

    Args:
        genes: (operation, source) pairs, two for each node.
        outputs: the states that the output concatenates, in any order.
        reduces: whether operations on states 0 and 1 have stride 2; there ``skip_connect`` has weights.
    """
    function = Function()
    values: list[Terms] = [{"x0": 1}, {"x1": 1}]
    for pair in zip(genes[::2], genes[1::2], strict=True):
        parts = [function.apply(name, values[source], 2 if reduces and source < 2 else 1) for name, source in pair]
        values.append(total(parts))
    return function.name([values[state] for state in outputs])


def _listed(states: tuple[int, ...]) -> str:
    first, last = states[0], states[-1]
    return f"{first} to {last}" if len(states) > 1 and last - first == len(states) - 1 else ", ".join(map(str, states))
