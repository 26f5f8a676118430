"""The cell space of DARTS: a normal and a reduction cell of four nodes with two inputs each.

Liu, Simonyan & Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, arXiv:1806.09055,
Section 2.1 and Appendix A.1.

A cell has two inputs (the outputs of the two cells before it) and four nodes. Each node adds up
two operations, each on a different earlier node or input; the cell's output concatenates the
four nodes. With 1, 3, 6 and 10 pairs of inputs and 7 operations on each of 8 edges:

    (1·3·6·10 · 7⁸)² = 1,037,664,180² ≈ 1.08·10¹⁸ architectures

The native string is the genotype of the authors' code, which the whole field has kept:

    Genotype(normal=[('sep_conv_3x3', 0), …], normal_concat=range(2, 6), reduce=[…], reduce_concat=range(2, 6))

where sources 0 and 1 are the cell's inputs and 2 to 5 its nodes. ``none`` is no operation of
this space: it lives in the supernet's softmax alone and is never derived.
"""

from __future__ import annotations

import itertools
import re

from nasedu.core import Architecture, Decision, Diagram, Edge, Node, SearchSpace

__all__ = ["CELLS", "DARTS", "OPERATIONS"]

OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
CELLS = ("normal", "reduce")
NODES = 4
PAIRS = tuple(tuple(itertools.combinations(range(node + 2), 2)) for node in range(NODES))

Genes = list[tuple[str, int]]


class DARTS(SearchSpace):
    """Normal and reduction cell, 24 decisions: for each of 4 nodes the pair of inputs and two operations.

    Example:
        >>> DARTS().size == 1_037_664_180**2
        True
    """

    def __init__(self) -> None:
        decisions = []
        for cell, node in itertools.product(CELLS, range(NODES)):
            pairs = tuple(f"{first},{second}" for first, second in PAIRS[node])
            decisions.append(Decision(f"{cell} node {node + 2} inputs", pairs))
            decisions += [Decision(f"{cell} node {node + 2} operation {k}", OPERATIONS) for k in (1, 2)]
        super().__init__("darts", decisions)

    def genes(self, choices: tuple[int, ...], cell: str) -> Genes:
        """Return a cell's eight (operation, source) pairs, two for each node, the lower source first."""
        start = CELLS.index(cell) * 3 * NODES
        genes: Genes = []
        for node in range(NODES):
            pair, *operations = choices[start + 3 * node : start + 3 * node + 3]
            genes += [(OPERATIONS[op], source) for op, source in zip(operations, PAIRS[node][pair], strict=True)]
        return genes

    def from_genes(self, normal: Genes, reduce: Genes) -> Architecture:
        """Return the architecture of these genes: eight (operation, source) pairs a cell, in any order within a node.

        Raises:
            ValueError: not eight genes, an unknown operation, or a node whose sources are not two earlier ones.
        """
        choices: list[int] = []
        for cell, genes in zip(CELLS, (normal, reduce), strict=True):
            if len(genes) != 2 * NODES:
                raise ValueError(f"the {cell} cell must have {2 * NODES} genes, two for each node; got {len(genes)}.")
            for node in range(NODES):
                pair = sorted(genes[2 * node : 2 * node + 2], key=lambda gene: gene[1])
                sources = tuple(source for _, source in pair)
                if sources not in PAIRS[node]:
                    raise ValueError(
                        f"node {node + 2} of the {cell} cell must have two different sources among "
                        f"0..{node + 1}; got {sources}."
                    )
                for operation, _ in pair:
                    if operation not in OPERATIONS:
                        raise ValueError(
                            f"unknown operation {operation!r}; the DARTS space has {', '.join(OPERATIONS)}."
                        )
                choices += [PAIRS[node].index(sources), *(OPERATIONS.index(operation) for operation, _ in pair)]
        return self.architecture(choices)

    def format(self, choices: tuple[int, ...]) -> str:
        """Return the genotype as the authors' code prints it."""
        normal, reduce = (self.genes(choices, cell) for cell in CELLS)
        concat = f"range(2, {NODES + 2})"
        return f"Genotype(normal={normal}, normal_concat={concat}, reduce={reduce}, reduce_concat={concat})"

    def pieces(self, choices: tuple[int, ...]) -> list[tuple[str, int | None]]:
        """Return the genotype in pieces: one for each gene, told by the decision of its operation."""
        found: list[tuple[str, int | None]] = [("Genotype(", None)]
        for row, cell in enumerate(CELLS):
            found.append((f"{', ' if row else ''}{cell}=[", None))
            for index, gene in enumerate(self.genes(choices, cell)):
                node, k = divmod(index, 2)
                found += [(", ", None)] if index else []
                found.append((str(gene), 3 * (row * NODES + node) + 1 + k))
            found.append((f"], {cell}_concat=range(2, {NODES + 2})", None))
        return [*found, (")", None)]

    def parse(self, text: str) -> Architecture:
        """Return the architecture that a ``Genotype(…)`` string names. The string is read, never run.

        Raises:
            ValueError: the string is malformed, or names an unknown operation or source.
        """
        cells = re.fullmatch(
            r"\s*Genotype\(normal=\[(.*?)\],\s*normal_concat=(.*?),\s*reduce=\[(.*?)\],\s*reduce_concat=(.*?)\)\s*",
            text,
            re.DOTALL,
        )
        if cells is None:
            raise ValueError(
                "expected \"Genotype(normal=[('op', source), …], normal_concat=range(2, 6), reduce=[…], "
                f'reduce_concat=range(2, 6))"; got {text!r}.'
            )
        for concat in (cells[2], cells[4]):
            if concat.replace(" ", "") not in ("range(2,6)", "[2,3,4,5]"):
                raise ValueError(f"the cell's output must concatenate nodes 2 to 5, range(2, 6); got {concat!r}.")
        return self.from_genes(_parse_genes(cells[1], text), _parse_genes(cells[3], text))

    def diagram(self, architecture: Architecture) -> Diagram:
        """Return both cells, the normal one above the reduction cell."""
        nodes: list[Node] = []
        edges: list[Edge] = []
        for row, cell in enumerate(CELLS):
            start = row * 3 * NODES
            nodes += cell_nodes(cell, NODES, y=row * CELL_HEIGHT)
            for index, (operation, source) in enumerate(self.genes(architecture.choices, cell)):
                node, k = divmod(index, 2)
                bend = cell_bend(source, node + 2)
                edges.append(Edge(f"{cell} {source}", f"{cell} {node + 2}", operation, start + 3 * node + 1 + k, bend))
            edges += [Edge(f"{cell} {node + 2}", f"{cell} output") for node in range(NODES)]
        return Diagram(tuple(nodes), tuple(edges))


def _parse_genes(genes: str, text: str) -> Genes:
    gene = r"\(\s*(?:'(\w+)'|\"(\w+)\")\s*,\s*([0-9]+)\s*\)"
    if not re.fullmatch(rf"\s*(?:{gene}\s*(?:,\s*|$))*", genes):
        raise ValueError(f"expected genes like ('sep_conv_3x3', 0), separated by commas; got [{genes}] in {text!r}.")
    return [(single or double, int(source)) for single, double, source in re.findall(gene, genes)]


CELL_HEIGHT = 4.0


def cell_nodes(cell: str, nodes: int, y: float = 0.0) -> list[Node]:
    """Return a DARTS cell's nodes with coordinates: inputs at the left, nodes in a zigzag, output at the right."""
    title = "reduction cell" if cell == "reduce" else f"{cell} cell"
    heights = (0.2, 2.8, 0.2, 2.8)
    inner = [
        Node(f"{cell} {node + 2}", 2.2 + 1.6 * node, y + heights[node % len(heights)], str(node), group=title)
        for node in range(nodes)
    ]
    return [
        Node(f"{cell} 0", 0.0, y + 0.5, "c_{k-2}", "input", title),
        Node(f"{cell} 1", 0.0, y + 2.5, "c_{k-1}", "input", title),
        *inner,
        Node(f"{cell} output", 2.2 + 1.6 * nodes + 0.4, y + 1.5, "c_{k}", "output", title),
    ]


def cell_bend(source: int, target: int) -> float:
    """Return how far an edge bends: around the nodes of its own row, and less between the rows."""
    steps = target - source
    size = 0.0 if steps <= 2 else 0.04 * steps if steps % 2 else 0.1 * steps
    return size if target % 2 else -size
