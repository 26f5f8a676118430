"""Networks of NAS-Bench-201 cells: the small one of the lessons and the published one.

Dong & Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search",
ICLR 2020, arXiv:2001.00326, Section 2.1 and Figure 1.

    micro       stem (conv3, norm) → N cells of C channels → average of 2, ReLU, conv1 to 2C, norm
                → N cells of 2C channels → norm, ReLU, global average, linear
    published   stem (conv3, norm) → N cells of C channels → residual block to 2C, stride 2
                → N cells of 2C channels → residual block to 4C, stride 2
                → N cells of 4C channels → norm, ReLU, global average, linear

Symbols (values: the paper's; the lessons'):
    C  channels   of the first stage    16; 8
    N  cells      in a stage             5; 1

In the micro skeleton the cells do nearly all the work, and one of them trains in a second or two.

What differs from the paper:
    * An edge that no signal reaches, or that cannot reach the output, is not computed; the published
      code adds the batch-norm shift of a convolution of zeros there, a constant per channel. The published
      skeleton keeps the weights of such edges, untrained, so that parameters count as in the
      benchmark; the micro skeleton does not have them.
    * For signals, convolutions and pooling are those of one dimension.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from nasedu.core import Architecture
from nasedu.networks.operations import (
    AveragePool,
    activate_convolve_normalize,
    average_pool,
    convolution,
    normalization,
)
from nasedu.spaces.nasbench201 import EDGES, OPERATIONS, NASBench201

__all__ = ["SKELETONS", "Cell", "CellNetwork", "Reduction", "ResidualReduction", "network", "operation"]

SKELETONS = ("micro", "published")


def operation(name: str, dims: int, channels: int, affine: bool = True) -> nn.Module:
    """Return one of the operations that are not ``none``; all keep shape and channels."""
    if name == "skip_connect":
        return nn.Identity()
    if name == "avg_pool_3x3":
        return AveragePool()
    kernel = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}[name]
    return activate_convolve_normalize(dims, channels, channels, kernel, affine=affine)


class Cell(nn.Module):
    """A cell: each node is the sum of what arrives over its live edges.

    Args:
        architecture: of the space NASBench201.
        dims: 1 for signals, 2 for images.
        channels: of input and output.
        dead_weights: also make the operations of edges that are not live. They are never computed.

    Attributes:
        operations: the operation of an edge, by its name, such as ``"0→1"``.
    """

    def __init__(self, architecture: Architecture, dims: int, channels: int, dead_weights: bool = False) -> None:
        super().__init__()
        assert isinstance(architecture.space, NASBench201)
        self.operations = nn.ModuleDict()
        self.live: list[tuple[str, int, int]] = []
        live = architecture.space.live_edges(architecture)
        for (source, target), choice, is_live in zip(EDGES, architecture.choices, live, strict=True):
            edge = f"{source}→{target}"
            if is_live:
                self.live.append((edge, source, target))
            if is_live or (dead_weights and OPERATIONS[choice] != "none"):
                self.operations[edge] = operation(OPERATIONS[choice], dims, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output node, [batch, channels, *space] like x; zeros where no edge reaches it."""
        nodes: list[Tensor | None] = [x, None, None, None]
        for edge, source, target in self.live:
            arriving = self.operations[edge](nodes[source])
            so_far = nodes[target]
            nodes[target] = arriving if so_far is None else so_far + arriving
        output = nodes[3]
        return x * 0 if output is None else output


class Reduction(nn.Module):
    """Half the resolution, twice the channels, at little cost: average of 2, ReLU, 1×1 convolution, batch norm."""

    def __init__(self, dims: int, channels: int, affine: bool = True) -> None:
        super().__init__()
        self.convolution = activate_convolve_normalize(dims, channels, 2 * channels, 1, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        """Return [batch, 2·channels, *space/2], rounding up."""
        halved: Tensor = self.convolution(average_pool(x, 2, 2))
        return halved


class ResidualReduction(nn.Module):
    """Half the resolution, from ``channels_in`` to ``channels``: the benchmark's residual block with stride 2."""

    def __init__(self, dims: int, channels_in: int, channels: int) -> None:
        super().__init__()
        self.first = activate_convolve_normalize(dims, channels_in, channels, 3, stride=2)
        self.second = activate_convolve_normalize(dims, channels, channels, 3)
        self.shortcut = convolution(dims, channels_in, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return [batch, channels, *space/2], rounding up."""
        halved: Tensor = self.second(self.first(x)) + self.shortcut(average_pool(x, 2, 2))
        return halved


class CellNetwork(nn.Module):
    """Stem, stages of cells with a reduction before each but the first, classifier.

    Args:
        stem: from the input to the first stage.
        stages: what comes between stem and head, in order.
        channels: that the last stage puts out.
        dims: 1 for signals, 2 for images.
        classes: number of logits.
    """

    def __init__(self, stem: nn.Module, stages: nn.Sequential, channels: int, dims: int, classes: int) -> None:
        super().__init__()
        self.stem = stem
        self.stages = stages
        self.norm = normalization(dims, channels)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [batch, classes] of inputs [batch, channels, *space]."""
        x = self.norm(self.stages(self.stem(x))).relu()
        logits: Tensor = self.classifier(x.flatten(2).mean(2))
        return logits


def network(
    architecture: Architecture,
    input_shape: Sequence[int],
    classes: int,
    channels: int,
    cells: int,
    skeleton: str = "micro",
) -> CellNetwork:
    """Return the network of a cell; see :func:`nasedu.networks.build`.

    Raises:
        ValueError: the skeleton is unknown.
    """
    if skeleton not in SKELETONS:
        raise ValueError(f"unknown skeleton {skeleton!r}; there are {' and '.join(SKELETONS)}.")
    dims, published = len(input_shape) - 1, skeleton == "published"
    widths = (channels, 2 * channels, 4 * channels) if published else (channels, 2 * channels)
    stages: list[nn.Module] = []
    for width in widths:
        if width > channels:
            stages.append(ResidualReduction(dims, width // 2, width) if published else Reduction(dims, width // 2))
        stages += [Cell(architecture, dims, width, dead_weights=published) for _ in range(cells)]
    stem = nn.Sequential(convolution(dims, input_shape[0], channels, 3), normalization(dims, channels))
    return CellNetwork(stem, nn.Sequential(*stages), widths[-1], dims, classes)
