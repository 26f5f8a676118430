"""Networks of free-form cells, in the micro skeleton of NAS-Bench-201's lessons.

    stem (conv3, norm) → N cells of C channels → average of 2, ReLU, conv1 to 2C, norm → N cells of 2C channels
    → norm, ReLU, global average, linear

with C ``channels`` and N ``cells``; all operations keep shape and channels. They are those of
:mod:`nasedu.networks.cell_operations`; see :mod:`nasedu.spaces.graphs` for the cells and their source.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from nasedu.core import Architecture
from nasedu.networks import nasbench201
from nasedu.networks.cell_operations import operation
from nasedu.networks.operations import convolution, normalization
from nasedu.spaces.graphs import Graphs, loose_ends

__all__ = ["Cell", "network"]


class Cell(nn.Module):
    """A cell: each node applies its operation to the sum of what it reads; the loose ends are added up.

    Args:
        architecture: of the space Graphs.
        dims: 1 for signals, 2 for images.
        channels: of input and output.
    """

    def __init__(self, architecture: Architecture, dims: int, channels: int) -> None:
        super().__init__()
        space = architecture.space
        assert isinstance(space, Graphs)
        genes = space.genes(architecture.choices)
        self.sources = [sources for _, sources in genes]
        self.ends = loose_ends(genes)
        self.operations = nn.ModuleList(operation(name, dims, channels, stride=1) for name, _ in genes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of the loose ends, [batch, channels, *space] like x."""
        nodes = [x]
        for sources, apply in zip(self.sources, self.operations, strict=True):
            nodes.append(apply(_sum([nodes[source] for source in sources])))
        return _sum([nodes[end] for end in self.ends])


def _sum(values: list[Tensor]) -> Tensor:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def network(
    architecture: Architecture, input_shape: Sequence[int], classes: int, channels: int, cells: int
) -> nasbench201.CellNetwork:
    """Return the network of a free-form cell; see :func:`nasedu.networks.build`."""
    dims = len(input_shape) - 1
    stem = nn.Sequential(convolution(dims, input_shape[0], channels, 3), normalization(dims, channels))
    stages: list[nn.Module] = [
        *(Cell(architecture, dims, channels) for _ in range(cells)),
        nasbench201.Reduction(dims, channels),
        *(Cell(architecture, dims, 2 * channels) for _ in range(cells)),
    ]
    return nasbench201.CellNetwork(stem, nn.Sequential(*stages), 2 * channels, dims, classes)
