"""Reading an adjacency matrix: is it one, has it a cycle, and which vertices lie between input and output."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["LARGEST_MATRIX", "live_part"]

LARGEST_MATRIX = 100  # vertices; a bound on how long reading one takes


def live_part(matrix: ArrayLike, operations: int) -> tuple[list[int], NDArray[np.bool_]]:
    """Return what lies on paths from the first vertex to the last.

    Args:
        matrix: [vertices, vertices] of 0 and 1; ``matrix[i][j]`` is the edge from i to j. 2 to 100 vertices.
        operations: how many were given; one for each vertex.

    Returns:
        These vertices, in an order in which all edges lead to later ones (their own, if it is one), and the edges
        between them, [of them, of them]. Nothing if the last vertex is not reached.

    Raises:
        ValueError: it is no such matrix, or it has a cycle.
    """
    try:
        found = np.asarray(matrix)
    except ValueError as error:
        raise ValueError("the matrix must be square; its rows have different lengths.") from error
    if found.ndim != 2 or found.shape[0] != found.shape[1] or not 2 <= len(found) <= LARGEST_MATRIX:
        raise ValueError(f"the matrix must be square, of 2 to {LARGEST_MATRIX} vertices; got the shape {found.shape}.")
    if operations != len(found):
        raise ValueError(f"there must be an operation for each of {len(found)} vertices; got {operations} operations.")
    if found.dtype.kind not in "biu" or not np.isin(found, (0, 1)).all():
        wrong = next(each for each in found.ravel().tolist() if type(each) not in (bool, int) or each not in (0, 1))
        raise ValueError(f"the matrix must have whole numbers, 0 or 1; got {str(wrong)[:40]!r}.")
    edges = found.astype(bool)
    order, on_a_path = _topological_order(edges), _on_a_path(edges)
    live = [vertex for vertex in order if on_a_path[vertex]]
    return live, edges[np.ix_(live, live)]


def _topological_order(edges: NDArray[np.bool_]) -> list[int]:
    found: list[int] = []
    waiting = list(range(len(edges)))
    while waiting:
        free = next((vertex for vertex in waiting if not edges[waiting, vertex].any()), None)
        if free is None:
            raise ValueError(f"the graph must have no cycle; there is one among the vertices {waiting}.")
        found.append(free)
        waiting.remove(free)
    return found


def _on_a_path(edges: NDArray[np.bool_]) -> NDArray[np.bool_]:
    from_first, to_last = np.zeros((2, len(edges)), dtype=bool)
    from_first[0] = to_last[-1] = True
    for _ in edges:  # no path is longer
        from_first = from_first | edges[from_first].any(axis=0)
        to_last = to_last | edges[:, to_last].any(axis=1)
    return np.asarray(from_first & to_last)
