"""A place on every edge for its label, where it covers no node and no other label, and few other edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nasedu.plots.text import text_width

__all__ = ["GAP", "LABEL_HEIGHT", "LABEL_TEXT", "Box", "Curve", "place_labels"]

LABEL_TEXT = 10.0
LABEL_HEIGHT = 14.0
GAP = 3.0  # between a label and anything else
TIP = 4.0  # around the end of an edge, where its arrow is
PLACES = np.array(sorted(np.linspace(0.12, 0.88, 29), key=lambda t: abs(t - 0.5)))
SAMPLES = np.linspace(0, 1, 25)
ROUNDS = 8

Array = np.ndarray[Any, np.dtype[np.float64]]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its centre."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Curve:
    """A quadratic curve."""

    start: Point
    control: Point
    end: Point

    def at(self, t: float) -> Point:
        """Return the point at the parameter ``t``, 0 the start and 1 the end."""
        a, b, c = (1 - t) * (1 - t), 2 * t * (1 - t), t * t
        (x0, y0), (x1, y1), (x2, y2) = self.start, self.control, self.end
        return a * x0 + b * x1 + c * x2, a * y0 + b * y1 + c * y2

    def part(self, first: float, last: float) -> Curve:
        """Return the part of the curve between two parameters."""
        (x0, y0), (x1, y1), (x2, y2) = self.start, self.control, self.end
        early = x0 + first * (x1 - x0), y0 + first * (y1 - y0)
        late = x1 + first * (x2 - x1), y1 + first * (y2 - y1)
        control = early[0] + last * (late[0] - early[0]), early[1] + last * (late[1] - early[1])
        return Curve(self.at(first), control, self.at(last))


def place_labels(curves: Sequence[Curve], texts: Sequence[str], nodes: Sequence[Box]) -> tuple[list[Box | None], float]:
    """Return the box of each edge's label, None where there is no text, and the area that labels still cover.

    Args:
        curves: of the edges, cut at their nodes.
        texts: of the edges.
        nodes: the boxes of the nodes.
    """
    placed: list[Box | None] = [None] * len(curves)
    # Short edges have the least choice, so they choose first.
    labelled = sorted(
        (edge for edge, text in enumerate(texts) if text),
        key=lambda edge: math.dist(curves[edge].start, curves[edge].end),
    )
    if not labelled:
        return placed, 0.0
    shapes = np.array([(curve.start, curve.control, curve.end) for curve in curves])
    points = _points(shapes[labelled], PLACES)  # [labels, places, 2]
    sizes = np.array([(text_width(texts[edge], LABEL_TEXT) + 2 * GAP, LABEL_HEIGHT) for edge in labelled])
    centres = np.array([(box.x, box.y) for box in nodes])
    extents = np.array([(box.width, box.height) for box in nodes])
    on_nodes = _overlaps(points, sizes[:, None], centres, extents)
    cost = 10 * on_nodes + _on_edges(points, sizes, _points(shapes, SAMPLES), labelled) + 60 * np.abs(PLACES - 0.5)
    chosen = np.full(len(labelled), -1)
    for _ in range(ROUNDS):
        before = chosen.copy()
        for label in range(len(labelled)):
            others = [other for other in np.flatnonzero(chosen >= 0) if other != label]
            on_labels = _overlaps(points[label], sizes[label], points[others, chosen[others]], sizes[others])
            chosen[label] = np.argmin(cost[label] + 10 * on_labels)
        if (chosen == before).all():
            break
    rows = np.arange(len(labelled))
    at = points[rows, chosen]
    between = _overlaps(at, sizes, at, sizes).sum() - _overlaps_of_itself(sizes)
    for edge, (x, y), (width, height) in zip(labelled, at.tolist(), sizes.tolist(), strict=True):
        placed[edge] = Box(x, y, width, height)
    return placed, float(on_nodes[rows, chosen].sum() + between)


def _points(shapes: Array, t: Array) -> Array:
    """Return the points of curves, ``[curves, 3, 2]``, at parameters: ``[curves, parameters, 2]``."""
    weights = np.stack([(1 - t) ** 2, 2 * t * (1 - t), t**2], axis=-1)
    return np.asarray(weights @ shapes)


def _overlaps(points: Array, sizes: Array, others: Array, extents: Array) -> Array:
    """Return for boxes at points the area, with a point of distance, that they share with the other boxes together."""
    if not len(others):
        return np.zeros(points.shape[:-1])
    shared = (sizes[..., None, :] + extents) / 2 + 1.0 - np.abs(points[..., None, :] - others)
    return np.asarray(np.clip(shared, 0, None).prod(-1).sum(-1))


def _overlaps_of_itself(sizes: Array) -> float:
    return float((sizes + 1.0).prod(-1).sum())


def _on_edges(points: Array, sizes: Array, samples: Array, labelled: list[int]) -> Array:
    """Return a price for lying on other edges, and a higher one for lying on the end of one."""
    half = (sizes / 2)[:, None, None, None]
    inside = (np.abs(samples[None, None] - points[:, :, None, None]) < half).all(-1).sum(-1)  # [labels, places, edges]
    inside[np.arange(len(labelled)), :, labelled] = 0
    tips = (np.abs(samples[None, None, :, -1] - points[:, :, None]) < half[:, :, 0] + TIP).all(-1).sum(-1)
    return np.asarray(25.0 * inside.sum(-1) + 400.0 * tips)
