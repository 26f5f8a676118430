"""Networks of NAS-Bench-101 cells: the small one of the lessons and the published one.

Ying, Klein, Christiansen, Real, Murphy & Hutter, "NAS-Bench-101: Towards Reproducible Neural Architecture Search",
ICML 2019, arXiv:1902.09635, Sections 2.1 to 2.3 and Figure 1.

    micro       conv3 to C → N cells of C channels → maximum of 2 → N cells of 2C
                → global average, linear
    published   conv3 to C → N cells of C channels → maximum of 2 → N cells of 2C → maximum of 2 → N cells of 4C
                → global average, linear

Symbols (values: the paper's; the lessons'):
    C  channels   of the stem and the first stack   128; 8
    N  cells      in a stack                          3; 1

so ``build(cell, (3, 32, 32), 10, channels=128, cells=3, skeleton="published", rng=rng)`` is the benchmark's network.

A convolution is convolution, batch norm, ReLU. In a cell a vertex computes on the sum of what arrives, and the output
concatenates: its channels are divided among the vertices that lead into it, the first of them getting one more where
that does not divide evenly; the others have as many as the widest vertex that they lead into. An edge between inner
vertices drops channels that are too many (one at most). An edge from the input is a 1×1 convolution to the channels
wanted; the one into the output is added to what is concatenated.

What differs from the paper: batch norms forget with torch's momentum of 0.1, and weights start as in
``initialization.py``. For signals, convolutions and pooling are those of one dimension.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nasedu.core import Architecture
from nasedu.networks.chain import GlobalAverage, Halve
from nasedu.networks.operations import MaxPool, convolution, normalization
from nasedu.spaces.nasbench101 import NASBench101

__all__ = ["STACKS", "Cell", "network", "vertex_channels"]

STACKS = {"micro": 2, "published": 3}


def network(
    architecture: Architecture,
    input_shape: tuple[int, ...],
    classes: int,
    channels: int,
    cells: int,
    skeleton: str = "micro",
) -> nn.Sequential:
    """Return the network of a cell; see :func:`nasedu.networks.build`.

    Raises:
        ValueError: the skeleton is unknown, or the channels are fewer than the vertices that lead into the output.
    """
    if skeleton not in STACKS:
        raise ValueError(f"unknown skeleton {skeleton!r}; there are {' and '.join(STACKS)}.")
    dims, width = len(input_shape) - 1, channels
    layers: list[nn.Module] = [_convolve_normalize_activate(dims, input_shape[0], channels, 3)]
    for stack in range(STACKS[skeleton]):
        layers += [Halve()] if stack else []
        for _ in range(cells):
            layers.append(Cell(architecture, dims, width, channels * 2**stack))
            width = channels * 2**stack
    return nn.Sequential(*layers, GlobalAverage(), nn.Linear(width, classes))


class Cell(nn.Module):
    """A cell.

    Args:
        architecture: of the space NASBench101.
        dims: 1 for signals, 2 for images.
        channels_in: of the input.
        channels: of the output, at least as many as vertices lead into it.

    Attributes:
        operations: of each inner vertex, by its name, such as ``"1"``.
        projections: of the input to each vertex that it leads to, by that vertex's name.
    """

    def __init__(self, architecture: Architecture, dims: int, channels_in: int, channels: int) -> None:
        super().__init__()
        space = architecture.space
        assert isinstance(space, NASBench101)
        matrix = space.matrix(architecture)
        self.last = len(matrix) - 1
        self.sources = [[int(i) for i in matrix[1:, vertex].nonzero()[0] + 1] for vertex in range(self.last + 1)]
        self.widths = vertex_channels(matrix, channels)
        self.operations = nn.ModuleDict()
        for vertex, name in enumerate(space.operations(architecture)[1:-1], start=1):
            self.operations[str(vertex)] = _operation(name, dims, self.widths[vertex])
        self.projections = nn.ModuleDict()
        for vertex in matrix[0].nonzero()[0].tolist():
            self.projections[str(vertex)] = _convolve_normalize_activate(dims, channels_in, self.widths[vertex], 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return [batch, channels, *space] of [batch, channels_in, *space]."""
        values: dict[int, Tensor] = {}
        for vertex in range(1, self.last):
            arriving = [values[source][:, : self.widths[vertex]] for source in self.sources[vertex]]
            values[vertex] = self.operations[str(vertex)](self._added(arriving, vertex, x))
        into_output = [values[source] for source in self.sources[self.last]]
        return self._added([torch.cat(into_output, dim=1)] if into_output else [], self.last, x)

    def _added(self, arriving: list[Tensor], vertex: int, x: Tensor) -> Tensor:
        """Return the sum of what arrives at a vertex, the input included if it leads there."""
        if str(vertex) in self.projections:
            arriving = [*arriving, self.projections[str(vertex)](x)]
        total = arriving[0]
        for each in arriving[1:]:
            total = total + each
        return total


def vertex_channels(matrix: NDArray[np.int8], channels: int) -> list[int]:
    """Return the channels of each vertex but the input, whose place has 0.

    Args:
        matrix: [vertices, vertices] the adjacency matrix of a cell, upper triangular.
        channels: of the output.

    Raises:
        ValueError: more vertices lead into the output than it has channels.
    """
    last = len(matrix) - 1
    into_output = [vertex for vertex in range(1, last) if matrix[vertex, last]]
    if channels < len(into_output):
        raise ValueError(
            f"channels must be at least {len(into_output)}, one for each vertex that leads into the output; "
            f"got {channels}."
        )
    widths = [0] * last + [channels]
    for place, vertex in enumerate(into_output):
        even, left_over = divmod(channels, len(into_output))
        widths[vertex] = even + (place < left_over)
    for vertex in reversed(range(1, last)):
        if vertex not in into_output:
            widths[vertex] = max(widths[target] for target in range(vertex + 1, last) if matrix[vertex, target])
    return widths


def _operation(name: str, dims: int, channels: int) -> nn.Module:
    if name == "maxpool3x3":
        return MaxPool()
    kernel = {"conv1x1-bn-relu": 1, "conv3x3-bn-relu": 3}[name]
    return _convolve_normalize_activate(dims, channels, channels, kernel)


def _convolve_normalize_activate(dims: int, channels_in: int, channels: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(convolution(dims, channels_in, channels, kernel), normalization(dims, channels), nn.ReLU())
