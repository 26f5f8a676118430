"""Bends of a diagram's edges: as small as they can be without meeting nodes or crossing more than they must.

An edge is a quadratic curve whose middle is moved sideways. Short edges that meet no node stay straight; the
others, from short to long, try bends of different sizes to both sides, and look which nodes and edges they meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["bends"]

CLEAR = 0.12  # between an edge and a node that is not its own
SIZES = (0.04, 0.07, 0.1, 0.13, 0.17, 0.21, 0.26, 0.32, 0.4, 0.5, 0.65)
RATIOS = np.array([0.0, *(sign * size for size in SIZES for sign in (-1, 1))])  # of a bend to the edge's length
STEPS = np.linspace(0, 1, 37)
COARSE = slice(None, None, 3)  # of the steps, for crossings
APART = 0.15  # of the ratios of two edges between the same nodes
# What a bend costs: a point within a node, its ratio, its width, a crossing, lying on another edge of the same nodes,
# and a point on any other edge.
HIT, BENT, WIDE, CROSSED, SAME, ALONG = 20.0, 20.0, 2.0, 3.0, 100.0, 1.0
TOUCHING = 0.1  # between the points of two edges that lie on each other
LIKELY = 8  # bends whose crossings are counted

Array = np.ndarray[Any, np.dtype[np.float64]]
Pair = tuple[int, int]


def bends(
    places: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    layers: Sequence[int],
    links: Sequence[Pair],
) -> tuple[list[float], int]:
    """Return how far each edge bends to the left of its direction (y grows downwards), and how much of nodes they meet.

    Args:
        places: of the centres of the nodes.
        sizes: of their boxes.
        layers: of the nodes; an edge between neighbouring layers stays straight if it can.
        links: the edges' source and target.

    Returns:
        The bends, and how many points of the curves lie in nodes or too near: 0 where all went well.
    """
    if not links:
        return [], 0
    centres, halves, ends = np.array(places), np.array(sizes) / 2 + CLEAR, np.array(links)
    start, end = centres[ends[:, 0]], centres[ends[:, 1]]
    lengths = np.hypot(*(end - start).T)
    straight = _curves(start, end, RATIOS[:1])
    is_clear = _hits(straight, centres, halves, ends)[:, 0] == 0
    is_repeated = np.array([link in links[:edge] for edge, link in enumerate(links)])
    is_long = np.abs(np.diff(np.array(layers)[ends], axis=1))[:, 0] > 1
    open_edges = np.flatnonzero(~is_clear | is_repeated | is_long)
    chosen = np.zeros(len(links), dtype=int)
    done = len(links) - len(open_edges)
    drawn = np.concatenate([np.delete(straight, open_edges, axis=0), straight[open_edges]])[:, 0, COARSE]
    curves = _curves(start[open_edges], end[open_edges], RATIOS)
    hits = _hits(curves, centres, halves, ends[open_edges])
    met = 0
    for place in np.argsort(lengths[open_edges], kind="stable"):  # an arc lies within the longer ones
        edge = open_edges[place]
        cost = HIT * hits[place] + (BENT + WIDE * lengths[edge]) * np.abs(RATIOS)
        for other, link in enumerate(links):
            if link == links[edge] and (other < edge or other not in open_edges) and other != edge:
                cost += SAME * (np.abs(RATIOS - RATIOS[chosen[other]]) < APART)
        likely = np.argsort(cost, kind="stable")[:LIKELY]
        meetings = _crossings(curves[place, likely, COARSE], drawn[:done])
        lying = _lying(curves[place, likely, COARSE], drawn[:done])
        best = likely[np.argmin(cost[likely] + CROSSED * meetings + ALONG * lying)]
        chosen[edge] = best
        drawn[done], done = curves[place, best, COARSE], done + 1
        met += int(hits[place, best])
    return np.round(RATIOS[chosen] * lengths, 3).tolist(), met


def _curves(start: Array, end: Array, ratios: Array) -> Array:
    """Return the curve of each edge for each ratio of bend to length: ``[edges, ratios, steps, 2]``."""
    along = (end - start)[:, None, None]
    across = np.stack([along[..., 1], -along[..., 0]], -1)  # to the left of the direction of travel
    t = STEPS[:, None]
    return np.asarray(start[:, None, None] + t * along + 4 * ratios[:, None, None] * (t * (1 - t)) * across)


def _hits(curves: Array, centres: Array, halves: Array, ends: Array) -> Array:
    """Return for each edge and ratio how many of its points lie in or too near nodes that are not its ends."""
    edges = np.arange(len(curves))
    low, high = curves.min((1, 2)), curves.max((1, 2))
    near = ((centres > low[:, None] - halves) & (centres < high[:, None] + halves)).all(-1)  # [edges, nodes]
    near[edges, ends[:, 0]] = near[edges, ends[:, 1]] = False
    which, node = np.nonzero(near)
    inside = (np.abs(curves[which] - centres[node, None, None]) < halves[node, None, None]).all(-1).sum(-1)
    hits = np.zeros(curves.shape[:2])
    np.add.at(hits, which, inside)
    return hits


def _crossings(curves: Array, drawn: Array) -> Array:
    """Return how often each curve crosses those drawn before; edges of the same node do not cross at their node."""
    one, other = _sides(curves, drawn), _sides(drawn, curves)
    parted = one[..., :-1] * one[..., 1:] < -1e-12  # [curves, their pieces, drawn, their pieces]
    parted &= (other[..., :-1] * other[..., 1:] < -1e-12).transpose(2, 3, 0, 1)
    return np.asarray(parted.sum((1, 2, 3)))


def _lying(curves: Array, drawn: Array) -> Array:
    """Return how many points of each curve, but for those at its ends, lie on those drawn before."""
    apart = curves[:, 1:-1, None, None] - drawn  # [curves, points, drawn, points, 2]
    return np.asarray(((apart**2).sum(-1) < TOUCHING**2).any((2, 3)).sum(1))


def _sides(curves: Array, others: Array) -> Array:
    """Return on which side of each piece of the curves the points of the others lie, by the sign."""
    along = np.diff(curves, axis=1)
    across = np.stack([-along[..., 1], along[..., 0]], -1)
    return np.asarray(np.tensordot(across, others, axes=(-1, -1)) - (across * curves[:, :-1]).sum(-1)[..., None, None])
