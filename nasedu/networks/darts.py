"""Networks of DARTS cells, as trained from scratch after the search.

Liu, Simonyan & Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, arXiv:1806.09055,
Appendix A.2 (CIFAR-10). What is published beyond that (the auxiliary classifier, the networks for ImageNet) is in
``darts_published.py``.

    stem → cells, two of them reducing: at 1/3 and 2/3 of the depth → global average → linear

Each cell reads the outputs of the two cells before it, brought to C channels by a 1×1 convolution;
its output concatenates its four nodes, 4·C channels. A reduction cell halves the resolution
(stride 2 on the edges from its inputs) and doubles C.

Symbols (values: the paper's):
    C  channels   of the first cells    36
       layers     cells in all          20

What differs from the paper:
    * For signals, convolutions and pooling are those of one dimension.
    * Odd sizes are halved rounding up; the published code refuses them.
    * No drop path: the paper drops operations in training, with a probability that rises linearly to 0.2 over the
      epochs, and the training here has no schedule for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasedu.core import Architecture
from nasedu.networks.operations import (
    AveragePool,
    MaxPool,
    activate_convolve_normalize,
    convolution,
    normalization,
)
from nasedu.spaces.darts import CELLS, DARTS, NODES, Genes

__all__ = [
    "DARTSNetwork",
    "FactorizedReduce",
    "SeparableConvolution",
    "Stage",
    "cells_of",
    "depth",
    "network",
    "operation",
    "preprocess",
    "stages",
]

MOST_COMPOSED_CHANNELS = 16  # beyond that a separable convolution is faster in its two parts


# Operations ---------------------------------------------------------------------------------


def operation(name: str, dims: int, channels: int, stride: int, affine: bool = True) -> nn.Module:
    """Return an operation of the space by its name; it keeps the channels.

    Args:
        name: one of ``nasedu.spaces.darts.OPERATIONS``.
        dims: 1 for signals, 2 for images.
        channels: of input and output.
        stride: 1 keeps the resolution, 2 halves it, rounding up.
        affine: whether batch norms learn a scale and a shift.
    """
    if name == "max_pool_3x3":
        return MaxPool(stride)
    if name == "avg_pool_3x3":
        return AveragePool(stride)
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduce(dims, channels, channels, affine)
    kernel = int(name[-1])
    if name.startswith("dil_conv"):
        return _separable(dims, channels, kernel, stride, 2, affine)
    return nn.Sequential(
        *_separable(dims, channels, kernel, stride, 1, affine), *_separable(dims, channels, kernel, 1, 1, affine)
    )


def _separable(dims: int, channels: int, kernel: int, stride: int, dilation: int, affine: bool) -> nn.Sequential:
    """ReLU, separable convolution, batch norm."""
    return nn.Sequential(
        nn.ReLU(),
        SeparableConvolution(dims, channels, kernel, stride, dilation),
        normalization(dims, channels, affine),
    )


class SeparableConvolution(nn.Module):
    """A convolution within each channel, then one of size 1 across channels.

    Both are linear, so together they are one ordinary convolution with the weights across · within. With few
    channels that is 1.4 to 2.8 times faster on a CPU, gradient included. Where no gradient is needed the two are
    computed one after the other, so that counters of FLOPs see what a separable convolution costs.
    """

    def __init__(self, dims: int, channels: int, kernel: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.within = convolution(dims, channels, channels, kernel, stride=stride, dilation=dilation, groups=channels)
        self.across = convolution(dims, channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return [batch, channels, *space], divided by the stride."""
        within, across = self.within, self.across
        if x.shape[1] > MOST_COMPOSED_CHANNELS or not torch.is_grad_enabled():
            separate: Tensor = across(within(x))
            return separate
        weights = across.weight * within.weight.transpose(0, 1)  # [out, in, 1] · [1, in, kernel]
        convolve: Callable[..., Tensor] = F.conv1d if x.dim() == 3 else F.conv2d
        return convolve(x, weights, None, within.stride, within.padding, within.dilation)


class FactorizedReduce(nn.Module):
    """Half the resolution without losing a pixel: two 1×1 convolutions of stride 2, one of them shifted by one."""

    def __init__(self, dims: int, channels_in: int, channels_out: int, affine: bool = True) -> None:
        super().__init__()
        half = channels_out // 2
        self.even = convolution(dims, channels_in, half, 1, stride=2)
        self.odd = convolution(dims, channels_in, channels_out - half, 1, stride=2)
        self.norm = normalization(dims, channels_out, affine)

    def forward(self, x: Tensor) -> Tensor:
        """Return [batch, channels_out, *space/2], rounding up."""
        x = x.relu()
        by_one = [side for size in reversed(x.shape[2:]) for side in (-1, size % 2)]  # an odd size gets a zero
        shifted = F.pad(x, by_one)
        reduced: Tensor = self.norm(torch.cat([self.even(x), self.odd(shifted)], dim=1))
        return reduced


def preprocess(dims: int, channels_in: int, channels_out: int, halve: bool, affine: bool = True) -> nn.Module:
    """Return what brings an input of a cell to the cell's channels and resolution."""
    if halve:
        return FactorizedReduce(dims, channels_in, channels_out, affine)
    return activate_convolve_normalize(dims, channels_in, channels_out, 1, affine=affine)


# Skeleton -----------------------------------------------------------------------------------


class Stage(NamedTuple):
    """Where a cell stands in the network."""

    channels_before: int  # of the output of the last cell but one
    channels_last: int  # of the output of the last cell
    channels: int  # C of this cell
    reduces: bool
    last_reduces: bool  # whether the last cell did, so that the last but one must still be halved


def depth(cells: int) -> int:
    """Return how many cells there are in all: three stages of normal cells, and two reduction cells between."""
    return 3 * cells + 2


def stages(layers: int, channels: int, stem_channels: int, last_reduces: bool = False) -> Iterator[Stage]:
    """Yield where each of the cells stands; those at 1/3 and 2/3 of the depth reduce."""
    before = last = stem_channels
    for layer in range(layers):
        reduces = layer in (layers // 3, 2 * layers // 3)
        channels *= 2 if reduces else 1
        yield Stage(before, last, channels, reduces, last_reduces)
        before, last, last_reduces = last, NODES * channels, reduces


class Cell(nn.Module):
    """A cell: each node adds up two operations, the output concatenates the four nodes."""

    def __init__(self, genes: Genes, dims: int, stage: Stage) -> None:
        super().__init__()
        self.before = preprocess(dims, stage.channels_before, stage.channels, stage.last_reduces)
        self.last = preprocess(dims, stage.channels_last, stage.channels, False)
        self.sources = [source for _, source in genes]
        self.operations = nn.ModuleList(
            operation(name, dims, stage.channels, 2 if stage.reduces and source < 2 else 1) for name, source in genes
        )

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """Return [batch, 4·channels, *space], halved in a reduction cell."""
        states = [self.before(before), self.last(last)]
        arriving = []
        for index, (operation, source) in enumerate(zip(self.operations, self.sources, strict=True)):
            arriving.append(operation(states[source]))
            if index % 2:
                states.append(arriving[-2] + arriving[-1])
        return torch.cat(states[2:], dim=1)


class DARTSNetwork(nn.Module):
    """Stem, cells, classifier.

    Args:
        architecture: of the space DARTS.
        dims: 1 for signals, 2 for images.
        channels_in: of the inputs.
        classes: number of logits.
        channels: C of the first cells.
        layers: number of cells, at least 1.
    """

    def __init__(
        self, architecture: Architecture, dims: int, channels_in: int, classes: int, channels: int, layers: int
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(convolution(dims, channels_in, 3 * channels, 3), normalization(dims, 3 * channels))
        plan = list(stages(layers, channels, 3 * channels))
        self.cells = cells_of(architecture, dims, plan)
        self.classifier = nn.Linear(NODES * plan[-1].channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [batch, classes] of inputs [batch, channels, *space]."""
        before = last = self.stem(x)
        for cell in self.cells:
            before, last = last, cell(before, last)
        logits: Tensor = self.classifier(last.flatten(2).mean(2))
        return logits


def network(
    architecture: Architecture, input_shape: Sequence[int], classes: int, channels: int, cells: int
) -> DARTSNetwork:
    """Return the network of two cells, with this many normal cells in each of three stages; see ``build``."""
    return DARTSNetwork(architecture, len(input_shape) - 1, input_shape[0], classes, channels, depth(cells))


def cells_of(architecture: Architecture, dims: int, plan: Iterable[Stage]) -> nn.ModuleList:
    """Return the cells of a network, each where it stands."""
    space = architecture.space
    assert isinstance(space, DARTS)
    normal, reduce = (space.genes(architecture.choices, cell) for cell in CELLS)
    return nn.ModuleList(Cell(reduce if stage.reduces else normal, dims, stage) for stage in plan)
