"""Networks of NATS-Bench's size space: five layers whose widths were searched.

Dong, Liu, Musial & Gabrys, "NATS-Bench: Benchmarking NAS Algorithms for Architecture Topology and Size",
TPAMI 2021, arXiv:2009.00437, and the code that trained its networks.

    conv3 to c₁, norm → cell c₁ → residual block to c₂, stride 2 → cell c₃ → residual block to c₄, stride 2 → cell c₅
    → norm, ReLU, global average, linear

The cell is the one of NAS-Bench-201 with the highest validation accuracy on CIFAR-100. Where its width is not that of
its input, the convolutions that read the input change it, and the skip connection is a 1×1 convolution and batch norm.

What differs: for signals, convolutions and pooling are those of one dimension; an odd size is halved rounding up.
"""

from __future__ import annotations

from torch import Tensor, nn

from nasedu.core import Architecture
from nasedu.networks.nasbench201 import CellNetwork, ResidualReduction
from nasedu.networks.operations import activate_convolve_normalize, convolution, normalization
from nasedu.spaces.nasbench201 import EDGES
from nasedu.spaces.nats_size import LAYERS, NATSSize

__all__ = ["Cell", "network"]

SKIP = (0, 3)  # |nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|


def network(
    architecture: Architecture, input_shape: tuple[int, ...], classes: int, channels: int, cells: int
) -> CellNetwork:
    """Return the network of an architecture; see :func:`nasedu.networks.build`. It has its own channels and cells."""
    assert isinstance(architecture.space, NATSSize)
    dims, widths = len(input_shape) - 1, [int(width) for width in architecture.options.values()]
    stem = nn.Sequential(convolution(dims, input_shape[0], widths[0], 3), normalization(dims, widths[0]))
    stages: list[nn.Module] = []
    for layer, channels_in, width in zip(LAYERS, [widths[0], *widths], widths, strict=False):
        make = Cell if layer == "cell" else ResidualReduction
        stages.append(make(dims, channels_in, width))
    return CellNetwork(stem, nn.Sequential(*stages), widths[-1], dims, classes)


class Cell(nn.Module):
    """The cell of the size space, from ``channels_in`` to ``channels``; ``dims`` is 1 for signals, 2 for images."""

    def __init__(self, dims: int, channels_in: int, channels: int) -> None:
        super().__init__()
        self.operations = nn.ModuleDict()
        for source, target in EDGES:
            width = channels if source else channels_in
            operation: nn.Module = activate_convolve_normalize(dims, width, channels, 3)
            if (source, target) == SKIP:
                operation = nn.Sequential(convolution(dims, width, channels, 1), normalization(dims, channels))
                operation = nn.Identity() if width == channels else operation
            self.operations[f"{source}→{target}"] = operation

    def forward(self, x: Tensor) -> Tensor:
        """Return [batch, channels, *space] of [batch, channels_in, *space]."""
        nodes = [x]
        for target in (1, 2, 3):
            total = self.operations[f"0→{target}"](x)
            for source in range(1, target):
                total = total + self.operations[f"{source}→{target}"](nodes[source])
            nodes.append(total)
        return nodes[3]
