"""Figures of weight sharing.

How does weight sharing learn?                      losses
Which operation does it prefer?                     alphas, supernet
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nasedu.core import Diagram, Edge, Node
from nasedu.history import Event, History
from nasedu.plots.architecture import draw
from nasedu.plots.axes import LineEnd, finish, new_axes
from nasedu.plots.curves import strategy_name
from nasedu.plots.maps import Maps, Row, maps_figure, recorded
from nasedu.plots.palette import strategy_styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alpha_maps", "alphas", "losses", "supernet"]


def losses(history: History, ax: Axes | None = None) -> Axes:
    """Draw the training and validation loss of a weight-sharing search over its steps.

    Raises:
        ValueError: the history has no steps, or they record no loss.
    """
    curves: dict[str, list[tuple[int, float]]] = {}
    for event in _steps(history):
        for name, value in event.get("state", {}).items():
            if name.endswith("loss") and isinstance(value, int | float):
                curves.setdefault(name, []).append((event["number"], float(value)))
    if not curves:
        raise ValueError(
            "the steps of this history record no loss: their state needs a number whose name ends in 'loss'."
        )
    ax = new_axes() if ax is None else ax
    ends = []
    styles = strategy_styles([strategy_name(history)] * len(curves))
    for (name, points), style in zip(sorted(curves.items()), styles, strict=True):
        x, y = np.array(points).T
        ax.plot(x, y, color=style.color, linewidth=1.6, linestyle=style.dash)
        ends.append(LineEnd(float(x[-1]), float(y[-1]), name.replace("_", " "), style))
    ax.set_xlabel("step")
    ax.set_ylabel("loss, nats")
    finish(ax, ends)
    return ax


def alphas(history: History, step: int | None = None) -> Figure:
    """Draw the softmax of the architecture parameters at a step: a heat map per cell, edges down, operations across.

    Args:
        history: of a weight-sharing search whose steps record ``alphas``.
        step: the last one recorded if None.

    Returns:
        The figure.

    Raises:
        ValueError: there are no steps, or this one records no alphas.
    """
    return maps_figure(alpha_maps(history, step))


def supernet(history: History, step: int | None = None, ax: Axes | None = None) -> Axes:
    """Draw the supernet's cells at a step: on every edge all operations, as wide and as strong as their softmax.

    Args:
        history: of a weight-sharing search.
        step: the last one recorded if None.
        ax: where to draw; a new pyplot figure if None.

    Returns:
        The axes.

    Raises:
        ValueError: there are no steps, this one records no alphas, or the history does not describe its supernet.
    """
    described = history.header.get("supernet")
    if not described:
        raise ValueError("the history does not say what its supernet looks like: its header has no 'supernet'.")
    _, by_cell = _alphas_by_cell(history, step)
    nodes: list[Node] = []
    edges: list[Edge] = []
    weights: dict[tuple[str, str], dict[str, float]] = {}
    for cell in described["cells"]:
        diagram = Diagram.from_json(cell["diagram"])
        drop = max((node.y for node in nodes), default=-1.0) + 1.0  # each cell below the last
        nodes += [replace(node, y=node.y + drop) for node in diagram.nodes]
        edges += diagram.edges
        for edge, row in zip(diagram.edges, by_cell[cell["name"]], strict=False):  # further edges carry data only
            weights[edge.source, edge.target] = dict(zip(row.options, row.weights, strict=True))
    return draw(Diagram(tuple(nodes), tuple(edges)), ax, weights=weights)


def alpha_maps(history: History, step: int | None) -> Maps:
    """Return the heat maps of a step, one for each cell; arguments as for :func:`alphas`."""
    number, by_cell = _alphas_by_cell(history, step)
    return {f"step {number}, {cell}: softmax of α, %": rows for cell, rows in by_cell.items()}


def _steps(history: History) -> list[Event]:
    steps = [event for event in history.events if event["event"] == "step"]
    if not steps:
        raise ValueError("the history has no steps: it is not of a weight-sharing search, or none was run yet.")
    return steps


def _alphas_by_cell(history: History, step: int | None) -> tuple[int, dict[str, list[Row]]]:
    """Return the step, and by cell the softmax of its alphas, a row for each edge."""
    number, state = recorded(_steps(history), "alphas", step, "step")
    found = state["alphas"]
    by_cell: dict[str, list[Row]] = {}
    for cell, parameters in (found if isinstance(found, Mapping) else {"cell": found}).items():
        values = np.asarray(parameters, dtype=float)
        weights = np.exp(values - values.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        edges, operations = _alpha_names(history, cell, weights.shape)
        rows = zip(edges, weights.tolist(), strict=True)
        by_cell[cell] = [Row(edge, operations, tuple(row)) for edge, row in rows]
    return number, by_cell


def _alpha_names(history: History, cell: str, shape: tuple[int, ...]) -> tuple[list[str], tuple[str, ...]]:
    """Return what the rows and columns of alphas are: as the history says of its supernet, else by the space."""
    described = history.header.get("supernet", {})
    diagrams = {found["name"]: found["diagram"] for found in described.get("cells", [])}
    edges = [decision.name for decision in history.space.decisions]
    if cell in diagrams:
        labels = {node["id"]: node["label"] for node in diagrams[cell]["nodes"]}
        edges = [f"{labels[edge['source']]} → {labels[edge['target']]}" for edge in diagrams[cell]["edges"][: shape[0]]]
    operations = tuple(map(str, described.get("operations", history.space.decisions[-1].options)))
    return (
        edges if len(edges) == shape[0] else [str(row) for row in range(shape[0])],
        operations if len(operations) == shape[1] else tuple(str(column) for column in range(shape[1])),
    )
