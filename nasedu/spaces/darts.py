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

from nasedu.core import Architecture, Diagram, Edge, Node
from nasedu.spaces.cells import CellSpace
from nasedu.spaces.genotype import CELLS

__all__ = ["CELLS", "DARTS", "DARTS_V1", "DARTS_V2", "OPERATIONS"]

OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
NODES = 4

DARTS_V1 = (  # found by the authors with the first-order gradient
    "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', 1), "
    "('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], "
    "normal_concat=range(2, 6), "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), "
    "('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], "
    "reduce_concat=range(2, 6))"
)
DARTS_V2 = (  # found by the authors with the second-order gradient
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], "
    "normal_concat=range(2, 6), "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), "
    "('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], "
    "reduce_concat=range(2, 6))"
)


class DARTS(CellSpace):
    """Normal and reduction cell, 24 decisions: for each of 4 nodes the pair of inputs and two operations.

    Example:
        >>> DARTS().size == 1_037_664_180**2
        True
    """

    def __init__(self) -> None:
        super().__init__("darts", OPERATIONS, NODES, two_sources=True, loose_ends=False)

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

    def structure(self, architecture: Architecture) -> Diagram:
        """Return the diagram: its places cost nothing."""
        return self.diagram(architecture)


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
