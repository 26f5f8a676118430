"""Small cells as numbers: all graphs of a size, and which are the same but for the names of their vertices.

A cell has v vertices, edges from earlier to later ones, and an operation on each inner vertex. Its edges are the bits
of one number, its mask: pairs in the order of :func:`edges_of`, the first the highest. Only inner vertices change
places.

Two cells are isomorphic if one becomes the other by relabelling. Of all relabellings the one with the smallest mask,
and of those with this mask the one with the smallest operations, stands for them all. Relabellings in which an edge
leads backwards have masks above all others, so none of them is ever the smallest.

Listing all cells up to relabelling is quick because there are few graphs: of each the smallest mask is looked for once,
and then its operations need to be compared only under the relabellings that leave the graph as it is.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["edges_of", "full_graphs", "labelings", "masks_after", "orders", "representatives", "stars"]

KINDS = 3  # of operations


@lru_cache
def edges_of(vertices: int) -> tuple[tuple[int, int], ...]:
    """Return all pairs (source, target), by targets: (0, 1), (0, 2), (1, 2), (0, 3) and so on."""
    return tuple((source, target) for target in range(vertices) for source in range(target))


@lru_cache
def stars(vertices: int) -> tuple[int, ...]:
    """Return a mask for what leaves each vertex but the output, and one for what reaches each but the input."""
    edges = edges_of(vertices)
    bits = {edge: 1 << len(edges) - 1 - place for place, edge in enumerate(edges)}
    out = [sum(bit for (source, _), bit in bits.items() if source == vertex) for vertex in range(vertices - 1)]
    into = [sum(bit for (_, target), bit in bits.items() if target == vertex) for vertex in range(1, vertices)]
    return (*out, *into)


@lru_cache
def full_graphs(vertices: int, max_edges: int) -> NDArray[np.int64]:
    """Return the masks, rising, of all graphs in which every vertex is on a path from the first to the last.

    As edges lead to later vertices, that is where something leaves every vertex but the output and reaches every
    vertex but the input.
    """
    masks = np.arange(2 ** len(edges_of(vertices)))
    for star in stars(vertices):
        masks = masks[masks & star != 0]
    count = sum(masks >> place & 1 for place in range(len(edges_of(vertices))))
    return _frozen(masks[count <= max_edges])


@lru_cache
def labelings(vertices: int) -> NDArray[np.int64]:
    """Return all operations of the inner vertices, [3^inner, inner], in order."""
    found = list(itertools.product(range(KINDS), repeat=vertices - 2))
    return _frozen(np.array(found, dtype=np.int64).reshape(len(found), vertices - 2))


@lru_cache
def orders(vertices: int) -> NDArray[np.int64]:
    """Return all relabellings, [inner!, inner]: which inner vertex, from 0, comes to each place."""
    found = list(itertools.permutations(range(vertices - 2)))
    return _frozen(np.array(found, dtype=np.int64).reshape(len(found), vertices - 2))


@lru_cache
def masks_after(vertices: int) -> NDArray[np.float64]:
    """Return what each edge adds to the mask after each relabelling, [inner!, edges]; exact, as all are below 2^53."""
    edges = edges_of(vertices)
    bits = {edge: 2 ** (len(edges) - 1 - place) for place, edge in enumerate(edges)}
    bits |= {(target, source): 2 ** len(edges) * bit for (source, target), bit in bits.items()}  # backwards
    found = []
    for order in orders(vertices).tolist():
        place = {0: 0, vertices - 1: vertices - 1} | {old + 1: new + 1 for new, old in enumerate(order)}
        found.append([bits[place[source], place[target]] for source, target in edges])
    return _frozen(np.array(found, dtype=np.float64))


def representatives(vertices: int, max_edges: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return what stands for all cells of so many vertices.

    Returns:
        The smallest masks of graphs, [graphs], and which of the :func:`labelings` are the smallest, [graphs, 3^inner].
    """
    masks, after = full_graphs(vertices, max_edges), masks_after(vertices)
    bits = _bits(masks, vertices)
    smallest = masks.astype(np.float64)
    for weights in after:
        np.minimum(smallest, bits @ weights, out=smallest)
    masks = masks[masks == smallest]
    bits = _bits(masks, vertices)
    operations = labelings(vertices)
    rank = np.arange(len(operations))
    keep = np.ones((len(masks), len(operations)), dtype=bool)
    for order, weights in zip(orders(vertices), after, strict=True):
        same_graph = bits @ weights == masks
        rank_after = operations[:, order] @ KINDS ** np.arange(vertices - 2)[::-1]
        keep[same_graph] &= rank <= rank_after
    return masks, keep


def _bits(masks: NDArray[np.int64], vertices: int) -> NDArray[np.float64]:
    places = np.arange(len(edges_of(vertices)))[::-1]
    return (masks[:, None] >> places & 1).astype(np.float64)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array
