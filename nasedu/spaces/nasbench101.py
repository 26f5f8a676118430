"""The cell space of NAS-Bench-101: graphs of up to seven vertices and nine edges, an operation on each inner vertex.

Ying, Klein, Christiansen, Real, Murphy & Hutter, "NAS-Bench-101: Towards Reproducible Neural Architecture Search",
ICML 2019, arXiv:1902.09635, Sections 2.1 and 2.2.

The first vertex is the cell's input and the last its output; the vertices between compute, each one of three operations
on the sum of what arrives. Every vertex lies on a path from input to output, and edges lead from earlier to later ones:

    Σ_{v=2..7} 3^{v-2} · (upper triangular v × v matrices without a dead vertex, at most 9 edges) = 1,293,208

Of 2²¹ · 3⁵ matrices and operations these are few; and the same graph can still be written with its inner vertices in
several orders. Counted once each there are 423,624 cells, which the benchmark trained.

The native string is the adjacency matrix, row by row, and the operations of the inner vertices:

    0110/0001/0001/0000 conv3x3-bn-relu,maxpool3x3

What differs from the paper: a cell is an architecture here only without dead vertices. :meth:`NASBench101.from_matrix`
takes them out, as the benchmark does, and takes the vertices in any order that has no cycle; the benchmark wants the
matrix upper triangular. Two max-poolings of the same vertices compute the same and count as two, as in the benchmark.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasedu.core import (
    Architecture,
    Decision,
    Diagram,
    Edge,
    Node,
    SearchSpace,
    check_rng,
    check_text,
    check_whole,
    shown,
)
from nasedu.spaces.adjacency import LARGEST_MATRIX, live_part
from nasedu.spaces.isomorphism import edges_of, full_graphs, labelings, masks_after, orders, representatives, stars
from nasedu.spaces.layered import arrange

__all__ = ["OPERATIONS", "NASBench101"]

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")  # in the order of the benchmark's configuration
LONGEST_TEXT = LARGEST_MATRIX * (LARGEST_MATRIX + 32)


class NASBench101(SearchSpace):
    """Cells of NAS-Bench-101; with fewer vertices or edges a space that can be listed in a moment.

    Decisions: how many vertices there are, for each pair of vertices whether there is an edge, and the operation of
    each inner vertex. The output is last however many vertices there are, so that growing leaves its edges as they are.

    Args:
        max_vertices: of a cell, input and output included, 2 to 7.
        max_edges: of a cell, 1 to 21.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> space = NASBench101(max_vertices=4)
        >>> space.size, space.count_unique()
        (97, 91)
    """

    def __init__(self, max_vertices: int = 7, max_edges: int = 9) -> None:
        max_vertices = check_whole("max_vertices", max_vertices, 2, 7)
        self.max_edges = max_edges = check_whole("max_edges", max_edges, 1, len(edges_of(7)))
        last = max_vertices - 1
        names = {0: "input", last: "output"} | {vertex: str(vertex) for vertex in range(1, last)}
        edges, inner = edges_of(max_vertices), range(1, last)
        counts = tuple(range(2, max_vertices + 1))
        decisions = [Decision("vertices", counts)]
        decisions += [Decision(f"edge {names[source]}→{names[target]}", (0, 1)) for source, target in edges]
        decisions += [Decision(f"operation {vertex}", OPERATIONS) for vertex in inner]
        self._slots = {}  # of each number of vertices the indices of its decisions, of edges and of operations
        for count in counts:
            there = {*range(count - 1), last}
            edge_slots = [i for i, edge in enumerate(edges, start=1) if there.issuperset(edge)]
            self._slots[count] = edge_slots, [1 + len(edges) + vertex - 1 for vertex in range(1, count - 1)]
        self._active = [
            tuple(i == 0 or i in (*edge_slots, *operation_slots) for i in range(len(decisions)))
            for edge_slots, operation_slots in self._slots.values()
        ]
        super().__init__("nasbench101", decisions, {"max_vertices": max_vertices, "max_edges": max_edges})

    # The space --------------------------------------------------------------------------------

    def active(self, choices: tuple[int, ...]) -> tuple[bool, ...]:
        """Edges and operations of vertices that are there."""
        return self._active[choices[0]]

    def is_valid(self, choices: tuple[int, ...]) -> bool:
        """Every vertex must lie on a path from input to output, and edges must not be too many."""
        vertices, edges, _ = self._parts(choices)
        mask = 0
        for edge in edges:
            mask = 2 * mask + edge
        return mask.bit_count() <= self.max_edges and all(mask & star for star in stars(vertices))

    def alternatives(self, choices: tuple[int, ...], index: int) -> Sequence[int]:
        """Return the other options; the number of vertices changes by one."""
        if index:
            return super().alternatives(choices, index)
        return self.adjacent(choices, index)

    def _parts(self, choices: tuple[int, ...]) -> tuple[int, list[int], list[int]]:
        """Return the number of vertices, for each pair of them 0 or 1, and the operations of the inner ones."""
        vertices = choices[0] + 2
        edge_slots, operation_slots = self._slots[vertices]
        return vertices, [choices[slot] for slot in edge_slots], [choices[slot] for slot in operation_slots]

    def _choices(self, vertices: int, mask: int, operations: Sequence[int]) -> tuple[int, ...]:
        """Return the choices of such parts; the bits of the mask are the edges, the first the highest."""
        choices = [vertices - 2, *itertools.repeat(0, len(self.decisions) - 1)]
        edge_slots, operation_slots = self._slots[vertices]
        for slot in reversed(edge_slots):
            mask, choices[slot] = divmod(mask, 2)
        for slot, operation in zip(operation_slots, operations, strict=True):
            choices[slot] = operation
        return tuple(choices)

    def _count_architectures(self) -> int:
        return sum(self._blocks().values())

    @property
    def size_is_exact(self) -> bool:
        """Always: the graphs are listed, and each has the same number of operations."""
        return True

    def _blocks(self) -> dict[int, int]:
        """Return how many architectures there are of each number of vertices."""
        return {count: len(full_graphs(count, self.max_edges)) * len(labelings(count)) for count in self._slots}

    def _all_choices(self) -> Iterator[tuple[int, ...]]:
        for count in self._slots:
            for mask in full_graphs(count, self.max_edges).tolist():
                for operations in labelings(count).tolist():
                    yield self._choices(count, mask, operations)

    def sample(self, rng: np.random.Generator, by: str = "architecture") -> Architecture:
        """Draw an architecture, by its number in their order; see :meth:`SearchSpace.sample`."""
        if by != "architecture":
            return super().sample(rng, by)
        check_rng(rng)
        index, vertices, blocks = int(rng.integers(self.size)), 2, self._blocks()
        while index >= blocks[vertices]:
            index -= blocks[vertices]
            vertices += 1
        graph, operations = divmod(index, len(labelings(vertices)))
        mask = int(full_graphs(vertices, self.max_edges)[graph])
        return self.architecture(self._choices(vertices, mask, labelings(vertices)[operations].tolist()))

    # Text and matrices ------------------------------------------------------------------------

    def matrix(self, architecture: Architecture) -> NDArray[np.int8]:
        """Return the adjacency matrix, [vertices, vertices] of 0 and 1, upper triangular."""
        vertices, edges, _ = self._parts(architecture.choices)
        matrix = np.zeros((vertices, vertices), dtype=np.int8)
        for (source, target), edge in zip(edges_of(vertices), edges, strict=True):
            matrix[source, target] = edge
        return matrix

    def operations(self, architecture: Architecture) -> list[str]:
        """Return the operation of each vertex, from ``"input"`` to ``"output"``."""
        return ["input", *(OPERATIONS[choice] for choice in self._parts(architecture.choices)[2]), "output"]

    def from_matrix(self, matrix: ArrayLike, operations: Sequence[str]) -> Architecture:
        """Return the cell of an adjacency matrix. What is on no path from input to output is left out.

        Args:
            matrix: [vertices, vertices] of 0 and 1; ``matrix[i][j]`` is the edge from i to j. At most 100 vertices, and
                no cycle. The first vertex is the input, the last the output.
            operations: of each vertex, ``"input"`` first and ``"output"`` last.

        Raises:
            ValueError: it is no such matrix, an operation is unknown, the input does not reach the output, or too many
                vertices or edges are on the paths between them.
        """
        vertices, edges = live_part(matrix, len(operations))
        if [*operations[:1], *operations[-1:]] != ["input", "output"]:
            raise ValueError(f"operations must be 'input', …, 'output'; got {shown(list(operations))}.")
        for operation in operations[1:-1]:
            if operation not in OPERATIONS:
                known = ", ".join(OPERATIONS)
                raise ValueError(f"unknown operation {shown(operation)}; NAS-Bench-101 has {known}.")
        if not vertices:
            raise ValueError("the cell is disconnected: there must be a path from the input to the output.")
        most = len(self._slots) + 1
        if len(vertices) > most:
            raise ValueError(
                f"a cell must have at most {most} vertices on paths from input to output; got {len(vertices)}."
            )
        if edges.sum() > self.max_edges:
            raise ValueError(
                f"a cell must have at most {self.max_edges} edges on paths from input to output; got {edges.sum()}."
            )
        mask = int("".join(str(int(edges[pair])) for pair in edges_of(len(vertices))), 2)
        inner = [OPERATIONS.index(operations[vertex]) for vertex in vertices[1:-1]]
        return self.architecture(self._choices(len(vertices), mask, inner))

    def format(self, choices: tuple[int, ...]) -> str:
        """Return the rows of the matrix and the operations, ``0110/0001/0001/0000 conv3x3-bn-relu,maxpool3x3``."""
        return "".join(text for text, _ in self.pieces(choices))

    def pieces(self, choices: tuple[int, ...]) -> list[tuple[str, int | None]]:
        """Return the string in pieces: one for each digit above the diagonal, and one for each operation."""
        vertices, _, operations = self._parts(choices)
        edge_slots, operation_slots = self._slots[vertices]
        slots = dict(zip(edges_of(vertices), edge_slots, strict=True))
        found: list[tuple[str, int | None]] = []
        for source in range(vertices):
            found.append(("/" * (source > 0) + "0" * (source + 1), None))
            for target in range(source + 1, vertices):
                found.append((str(choices[slots[source, target]]), slots[source, target]))
        for slot, operation in zip(operation_slots, operations, strict=True):
            found += [("," if slot > operation_slots[0] else " ", None), (OPERATIONS[operation], slot)]
        return found

    def parse(self, text: str) -> Architecture:
        """Return the cell of a string such as ``010/001/000 maxpool3x3``; see :meth:`from_matrix`.

        Raises:
            ValueError: the string is malformed, or is no cell of the space.
        """
        words = check_text(text, LONGEST_TEXT).split()
        rows = words[0].split("/") if words else []
        if len(words) > 2 or not rows or any(set(row) - {"0", "1"} or len(row) != len(rows) for row in rows):
            raise ValueError(
                "expected the rows of the matrix and the operations of the inner vertices, such as "
                f"'0110/0001/0001/0000 conv3x3-bn-relu,maxpool3x3'; got {shown(text)}."
            )
        operations = words[1].split(",") if len(words) == 2 else []
        return self.from_matrix([[int(digit) for digit in row] for row in rows], ["input", *operations, "output"])

    def diagram(self, architecture: Architecture) -> Diagram:
        """Return the structure, laid out in layers."""
        found = self.structure(architecture)
        return arrange(found.nodes, found.edges)

    def structure(self, architecture: Architecture) -> Diagram:
        """Return the cell: a node for each vertex, labelled with its operation, and its edges."""
        vertices, edges, operations = self._parts(architecture.choices)
        edge_slots, operation_slots = self._slots[vertices]
        nodes = [Node("0", 0, 0, "input", "input")]
        for vertex, (slot, operation) in enumerate(zip(operation_slots, operations, strict=True), start=1):
            nodes.append(Node(str(vertex), 0, 0, OPERATIONS[operation], "operation", decision=slot))
        nodes.append(Node(str(vertices - 1), 0, 0, "output", "output"))
        there = [
            Edge(str(source), str(target), decision=slot)
            for (source, target), edge, slot in zip(edges_of(vertices), edges, edge_slots, strict=True)
            if edge
        ]
        return Diagram(tuple(nodes), tuple(there))

    # Relabelling ------------------------------------------------------------------------------

    def canonical(self, architecture: Architecture) -> str:
        """Return the native string of the smallest relabelling: equal if and only if the graphs are isomorphic.

        Isomorphic cells compute the same for matching weights wherever the channels into the output divide evenly; else
        vertices share what is left over in their order, and relabelled cells differ by a channel here and there.
        """
        return self.format(self._smallest(architecture.choices))

    def _smallest(self, choices: tuple[int, ...]) -> tuple[int, ...]:
        vertices, edges, operations = self._parts(choices)
        codes = masks_after(vertices) @ np.array(edges, dtype=np.float64)
        smallest = codes.min()
        relabelled = [
            tuple(operations[vertex] for vertex in order) for order in orders(vertices)[codes == smallest].tolist()
        ]
        return self._choices(vertices, int(smallest), min(relabelled))

    def benchmark_canonical(self, architecture: Architecture) -> str:
        """Return the benchmark's own hash of the cell (Ying, arXiv:1902.06192), by which its files name it.

        Each vertex has the MD5 hash of its degrees and operation; then, as often as there are vertices, that of its own
        and its neighbours' hashes. The hash of all of them is the cell's. In this space it tells apart what is not
        isomorphic; in larger ones it does not always.
        """
        vertices, edges, operations = self._parts(architecture.choices)
        there = [edge for edge, is_there in zip(edges_of(vertices), edges, strict=True) if is_there]
        into = [[source for source, target in there if target == vertex] for vertex in range(vertices)]
        out = [[target for source, target in there if source == vertex] for vertex in range(vertices)]
        labels = zip(map(len, out), map(len, into), [-1, *operations, -2], strict=True)
        hashes = [_md5(str(label)) for label in labels]
        for _ in range(vertices):
            hashes = [
                _md5("|".join([_joined(hashes, into[v]), _joined(hashes, out[v]), hashes[v]])) for v in range(vertices)
            ]
        return _md5(str(sorted(hashes)))

    def unique(self) -> Iterator[Architecture]:
        """Every cell once: of all relabellings the smallest, the one that :meth:`canonical` names."""
        for vertices in self._slots:
            masks, keep = representatives(vertices, self.max_edges)
            labels = labelings(vertices).tolist()
            for mask, kept in zip(masks.tolist(), keep, strict=True):
                for operations in np.flatnonzero(kept):
                    yield self.architecture(self._choices(vertices, mask, labels[operations]))

    def count_unique(self) -> int:
        """Return the number of cells up to relabelling, 423,624 with 7 vertices and 9 edges, without naming them."""
        return sum(int(representatives(vertices, self.max_edges)[1].sum()) for vertices in self._slots)

    max_edges: int
    _slots: dict[int, tuple[list[int], list[int]]]
    _active: list[tuple[bool, ...]]


def _joined(hashes: Sequence[str], vertices: Iterable[int]) -> str:
    return "".join(sorted(hashes[vertex] for vertex in vertices))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
