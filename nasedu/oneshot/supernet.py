"""Supernets: networks that contain every architecture of a space at once.

On every edge of a cell all operations are computed, and their outputs are mixed
(Liu, Simonyan & Yang, arXiv:1806.09055, Eq. 2):

    ō(x) = Σ_o m_o · o(x),           m = softmax(α) of the edge.

A supernet holds the weights w alone. The mixtures m come with every call, so whoever searches decides
what they are: the softmax of DARTS, or a single 1 per edge, which makes the supernet compute one
architecture with shared weights. All cells of one name share their mixtures.

Batch norms within cells have no scale and shift (``affine=False``): a scale would undo what a mixture says.

What differs from the published supernets is how much is computed, and not the result: the convolutions of all edges
that leave a node are one convolution with stacked outputs, and pooling and ReLU are done once per node.
NAS-Bench-201's cells stand in the micro skeleton of ``networks/nasbench201.py``, and its convolutions have no bias,
which a batch norm would take away again. For signals, operations are those of one dimension.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nasedu.core import Architecture, Diagram, Edge, SearchSpace
from nasedu.networks import darts
from nasedu.networks.builder import check_input_shape, check_sizes
from nasedu.networks.cell_operations import operation, preprocess
from nasedu.networks.initialization import materialize
from nasedu.networks.nasbench201 import Reduction
from nasedu.networks.operations import AveragePool, MaxPool, average_pool, convolution, normalization
from nasedu.spaces import DARTS, NASBench201
from nasedu.spaces.darts import CELLS, NODES, cell_bend, cell_nodes
from nasedu.spaces.darts import OPERATIONS as DARTS_OPERATIONS
from nasedu.spaces.nasbench201 import BENDS, EDGES, LAYOUT, OPERATIONS

__all__ = ["DARTSSupernet", "NASBench201Supernet", "Supernet", "build"]

Mixtures = Mapping[str, Tensor]


class Supernet(nn.Module, abc.ABC):
    """What a search needs to know of a supernet, besides its forward pass.

    Attributes:
        operations: what the columns of every mixture stand for.
        diagrams: for each cell by name what it looks like; its first edges are the rows of the cell's mixture.
        edges: for each cell by name how many rows its mixture has.
    """

    operations: tuple[str, ...]
    diagrams: dict[str, Diagram]
    edges: dict[str, int]

    @abc.abstractmethod
    def derive(self, mixtures: Mapping[str, np.ndarray[Any, Any]], allow_none: bool = False) -> Architecture:
        """Return the architecture that mixtures, [edges, operations] for each cell, are nearest to.

        Args:
            mixtures: of each cell by name.
            allow_none: whether an edge may become ``none``, where the space has that operation.
        """

    def to_json(self) -> dict[str, Any]:
        """Return what viewers need to draw mixtures: the operations, and a diagram of each cell."""
        cells = [{"name": name, "diagram": diagram.to_json()} for name, diagram in self.diagrams.items()]
        return {"operations": list(self.operations), "cells": cells}


def build(
    space: SearchSpace,
    input_shape: Sequence[int],
    classes: int,
    *,
    rng: np.random.Generator,
    channels: int = 8,
    cells: int = 1,
) -> Supernet:
    """Return the supernet of a space, with fresh weights.

    Args:
        space: NASBench201 or DARTS.
        input_shape: (channels, length) or (channels, height, width), without the batch.
        classes: number of logits.
        rng: the only source of the initial weights.
        channels: of the first cells.
        cells: per stage; see :func:`nasedu.networks.build`.

    Returns:
        A module from inputs [batch, *input_shape] and mixtures to logits [batch, classes].

    Raises:
        ValueError: a number is out of range, the space has no supernet, or the shape is not that of signals or images.
    """
    dims = check_input_shape(input_shape)
    check_sizes(classes=classes, channels=channels, cells=cells)
    if isinstance(space, NASBench201):
        return materialize(lambda: NASBench201Supernet(space, dims, input_shape[0], classes, channels, cells), rng)
    if isinstance(space, DARTS):
        layers = darts.depth(cells)
        return materialize(lambda: DARTSSupernet(space, dims, input_shape[0], classes, channels, layers), rng)
    raise ValueError(
        f"nasedu has supernets of NASBench201 and DARTS; got the space {space.name!r}. Search it with a black-box "
        "strategy: nasedu.search(nasedu.strategies.RegularizedEvolution(space, rng), evaluator, trials=...)."
    )


# NAS-Bench-201 -------------------------------------------------------------------------------


class NASBench201MixedCell(nn.Module):
    """Four nodes, and on each of the six edges all five operations."""

    def __init__(self, dims: int, channels: int) -> None:
        super().__init__()
        self.conv_1x1, self.conv_3x3 = (  # from each node to all later ones, outputs stacked
            nn.ModuleList(
                nn.Sequential(
                    convolution(dims, channels, targets * channels, kernel),
                    normalization(dims, targets * channels, affine=False),
                )
                for targets in (3, 2, 1)
            )
            for kernel in (1, 3)
        )

    def forward(self, x: Tensor, mixture: Tensor) -> Tensor:
        """Return [batch, channels, *space] like x, for a mixture [6, 5]."""
        nodes: list[Tensor] = [x]
        arriving: list[list[Tensor]] = [[], [], [], []]
        for source in range(3):
            skip, pool, active = nodes[source], average_pool(nodes[source], 3, 1), nodes[source].relu()
            targets = range(source + 1, 4)
            conv_1x1 = self.conv_1x1[source](active).chunk(len(targets), 1)
            conv_3x3 = self.conv_3x3[source](active).chunk(len(targets), 1)
            for k, target in enumerate(targets):
                m = mixture[EDGES.index((source, target))]  # m[0] is none's, which computes nothing
                arriving[target].append(m[1] * skip + m[2] * conv_1x1[k] + m[3] * conv_3x3[k] + m[4] * pool)
            nodes.append(sum(arriving[source + 1][1:], arriving[source + 1][0]))
        return nodes[3]


class NASBench201Supernet(Supernet):
    """The micro skeleton with mixed cells: stem, cells, reduction, cells, classifier.

    ``derive`` takes the strongest operation of each edge other than ``none``. The benchmark's own searches may choose
    ``none`` as well (``allow_none``). But its share says little (Section 2.4 of the DARTS paper): a larger one only
    makes the node smaller, which the next batch norm undoes, and cells without any path come out.
    """

    def __init__(
        self, space: NASBench201, dims: int, channels_in: int, classes: int, channels: int = 8, cells: int = 1
    ) -> None:
        super().__init__()
        self.space = space
        self.operations = OPERATIONS
        edges = [
            Edge(str(source), str(target), decision=row, bend=BENDS.get((source, target), 0.0))
            for row, (source, target) in enumerate(EDGES)
        ]
        self.diagrams = {"cell": Diagram(LAYOUT, tuple(edges))}
        self.edges = {"cell": len(EDGES)}
        self.stem = nn.Sequential(convolution(dims, channels_in, channels, 3), normalization(dims, channels))
        self.first = nn.ModuleList(NASBench201MixedCell(dims, channels) for _ in range(cells))
        self.reduction = Reduction(dims, channels)
        self.second = nn.ModuleList(NASBench201MixedCell(dims, 2 * channels) for _ in range(cells))
        self.norm = normalization(dims, 2 * channels)
        self.classifier = nn.Linear(2 * channels, classes)

    def forward(self, x: Tensor, mixtures: Mixtures) -> Tensor:
        """Return logits [batch, classes] for the mixture ``{"cell": [6, 5]}``."""
        x = self.stem(x)
        for cell in self.first:
            x = cell(x, mixtures["cell"])
        x = self.reduction(x)
        for cell in self.second:
            x = cell(x, mixtures["cell"])
        logits: Tensor = self.classifier(self.norm(x).relu().flatten(2).mean(2))
        return logits

    def derive(self, mixtures: Mapping[str, np.ndarray[Any, Any]], allow_none: bool = False) -> Architecture:
        """Return the cell of the strongest operations; the earlier operation on a tie."""
        first = 0 if allow_none else 1
        return self.space.architecture(first + mixtures["cell"][:, first:].argmax(1))


# DARTS ---------------------------------------------------------------------------------------


class DARTSMixedCell(nn.Module):
    """Four nodes, an edge to each from both inputs and all earlier nodes, and on each of the 14 edges 8 operations."""

    def __init__(self, dims: int, stage: darts.Stage) -> None:
        super().__init__()
        channels = stage.channels
        self.before = preprocess(dims, stage.channels_before, channels, stage.last_reduces, affine=False)
        self.last = preprocess(dims, stage.channels_last, channels, False, affine=False)
        strides = [2 if stage.reduces and source < 2 else 1 for source in range(NODES + 1)]
        self.max_pool, self.avg_pool = (  # of each state
            nn.ModuleList(nn.Sequential(pool, normalization(dims, channels, affine=False)) for pool in pools)
            for pools in ([MaxPool(stride) for stride in strides], [AveragePool(stride) for stride in strides])
        )
        self.operations = nn.ModuleList(  # of each edge, those that have weights, and the identity
            nn.ModuleList(operation(name, dims, channels, stride, affine=False) for name in DARTS_OPERATIONS[2:])
            for node in range(NODES)
            for stride in strides[: node + 2]
        )

    def forward(self, before: Tensor, last: Tensor, mixture: Tensor) -> Tensor:
        """Return [batch, 4·channels, *space], halved in a reduction cell, for a mixture [14, 8]."""
        states = [self.before(before), self.last(last)]
        pooled: list[list[Tensor]] = []
        row = 0
        for node in range(NODES):
            for source in range(len(pooled), node + 2):
                pooled.append([self.max_pool[source](states[source]), self.avg_pool[source](states[source])])
            arriving: list[Tensor] = []
            for source in range(node + 2):
                outputs = [*pooled[source], *(operation(states[source]) for operation in self._on_edge(row))]
                m = mixture[row, 1:]  # without none's, which computes nothing
                arriving += [share * output for share, output in zip(m, outputs, strict=True)]
                row += 1
            states.append(sum(arriving[1:], arriving[0]))
        return torch.cat(states[2:], dim=1)

    def _on_edge(self, row: int) -> nn.ModuleList:
        operations = self.operations[row]
        assert isinstance(operations, nn.ModuleList)
        return operations


class DARTSSupernet(Supernet):
    """The skeleton of the derived networks, with mixed cells; the stem's batch norm alone is affine.

    ``derive`` follows Section 2.4: each node keeps the two edges whose strongest operation other than ``none`` is
    strongest, and on them that operation. On a tie the earlier operation and the lower source are kept.
    """

    def __init__(
        self, space: DARTS, dims: int, channels_in: int, classes: int, channels: int = 16, layers: int = 8
    ) -> None:
        super().__init__()
        self.space = space
        self.operations = ("none", *DARTS_OPERATIONS)
        self.diagrams = {cell: _darts_diagram(cell) for cell in CELLS}
        self.edges = {cell: sum(node + 2 for node in range(NODES)) for cell in CELLS}
        self.stem = nn.Sequential(convolution(dims, channels_in, 3 * channels, 3), normalization(dims, 3 * channels))
        plan = list(darts.stages(layers, channels, 3 * channels))
        self.names = [CELLS[stage.reduces] for stage in plan]
        self.cells = nn.ModuleList(DARTSMixedCell(dims, stage) for stage in plan)
        self.classifier = nn.Linear(NODES * plan[-1].channels, classes)

    def forward(self, x: Tensor, mixtures: Mixtures) -> Tensor:
        """Return logits [batch, classes] for mixtures ``{"normal": [14, 8], "reduce": [14, 8]}``."""
        before = last = self.stem(x)
        for name, cell in zip(self.names, self.cells, strict=True):
            before, last = last, cell(before, last, mixtures[name])
        logits: Tensor = self.classifier(last.flatten(2).mean(2))
        return logits

    def derive(self, mixtures: Mapping[str, np.ndarray[Any, Any]], allow_none: bool = False) -> Architecture:
        """Return the two strongest edges of each node with their strongest operations.

        Raises:
            ValueError: allow_none is set, and the space has no such operation.
        """
        if allow_none:
            raise ValueError("allow_none must be False: none is no operation of the DARTS space, only of its supernet.")
        genes: list[list[tuple[str, int]]] = []
        for cell in CELLS:
            genes.append([])
            without_none = mixtures[cell][:, 1:]
            row = 0
            for node in range(NODES):
                edges = without_none[row : row + node + 2]
                strongest = np.argsort(-edges.max(1), kind="stable")[:2]
                genes[-1] += [(DARTS_OPERATIONS[edges[source].argmax()], int(source)) for source in strongest]
                row += node + 2
        return self.space.from_genes(*genes)


def _darts_diagram(cell: str) -> Diagram:
    rows = [
        Edge(f"{cell} {source}", f"{cell} {node + 2}", bend=cell_bend(source, node + 2))
        for node in range(NODES)
        for source in range(node + 2)
    ]
    outputs = [Edge(f"{cell} {node + 2}", f"{cell} output") for node in range(NODES)]
    return Diagram(tuple(cell_nodes(cell, NODES)), (*rows, *outputs))
