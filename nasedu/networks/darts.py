"""Networks of DARTS cells, as trained from scratch after the search.

Liu, Simonyan & Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, arXiv:1806.09055,
Appendix A.2 (CIFAR-10) and A.3 (ImageNet).

    stem → cells, two of them reducing: at 1/3 and 2/3 of the depth → global average → linear

Each cell reads the outputs of the two cells before it, brought to C channels by a 1×1 convolution;
its output concatenates its four nodes, 4·C channels. A reduction cell halves the resolution
(stride 2 on the edges from its inputs) and doubles C.

Symbols (values: CIFAR-10; ImageNet):
    C       channels   of the first cells     36; 48
    layers             cells in all           20; 14
    p       drop_path  dropped operations     0.2 (rising linearly from 0 over the epochs); 0

What differs from the paper:
    * For signals, convolutions and pooling are those of one dimension.
    * Odd sizes are halved rounding up (the published code refuses them), and the auxiliary head averages
      over what is left where its input is larger than 8. Both are the same for the published sizes.
    * The auxiliary head's first ReLU does not overwrite the cell's output. In the published code that
      changes the network's own logits where no other cell follows, that is with 2 or 3 layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    "DARTS_V1",
    "DARTS_V2",
    "DARTSNetwork",
    "FactorizedReduce",
    "SeparableConvolution",
    "Stage",
    "operation",
    "preprocess",
    "stages",
]

DARTS_V1 = (  # found by the authors with the first-order gradient
    "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', 1), "
    "('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], "
    "normal_concat=range(2, 6), "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), "
    "('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], "
    "reduce_concat=range(2, 6))"
)
DARTS_V2 = (  # found by the authors with the second-order gradient
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], "
    "normal_concat=range(2, 6), "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), "
    "('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], "
    "reduce_concat=range(2, 6))"
)
STEMS = ("cifar", "imagenet")
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
        return MaxPool(dims, stride)
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

    def forward(self, before: Tensor, last: Tensor, drop_path: float, generator: torch.Generator | None) -> Tensor:
        """Return [batch, 4·channels, *space], halved in a reduction cell."""
        states = [self.before(before), self.last(last)]
        arriving = []
        for index, (operation, source) in enumerate(zip(self.operations, self.sources, strict=True)):
            output = operation(states[source])
            if drop_path > 0 and not isinstance(operation, nn.Identity):
                output = _drop(output, drop_path, generator)
            arriving.append(output)
            if index % 2:
                states.append(arriving[-2] + arriving[-1])
        return torch.cat(states[2:], dim=1)


def _drop(x: Tensor, probability: float, generator: torch.Generator | None) -> Tensor:
    """Set whole samples to zero with this probability, and scale the others up so that the mean stays."""
    keep = 1 - probability
    mask = torch.empty(len(x), *[1] * (x.dim() - 1)).bernoulli_(keep, generator=generator)
    return x * (mask / keep).to(x)


class AuxiliaryHead(nn.Module):
    """A second classifier at two thirds of the depth, for training alone; its loss counts 0.4."""

    def __init__(self, dims: int, channels: int, classes: int, stem: str) -> None:
        super().__init__()
        kind = {1: nn.Conv1d, 2: nn.Conv2d}[dims]
        self.pool = {1: nn.AvgPool1d, 2: nn.AvgPool2d}[dims](
            5, stride=3 if stem == "cifar" else 2, padding=0, count_include_pad=False
        )
        self.features = nn.Sequential(
            convolution(dims, channels, 128, 1),
            normalization(dims, 128),
            nn.ReLU(),
            kind(128, 768, 2, bias=False),
            *([normalization(dims, 768)] if stem == "cifar" else []),  # the published ImageNet head has none
            nn.ReLU(),
        )
        self.classifier = nn.Linear(768, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [batch, classes] of a cell's output [batch, channels, *space], at least 8 in each direction."""
        if min(x.shape[2:]) < 8:
            raise ValueError(
                "the auxiliary head needs inputs of at least 29 positions in each direction (8 after two reductions); "
                f"got {tuple(x.shape[2:])} after them. Build with auxiliary=False."
            )
        logits: Tensor = self.classifier(self.features(self.pool(x.relu())).flatten(2).mean(2))
        return logits


class DARTSNetwork(nn.Module):
    """Stem, cells, classifier, and in training an auxiliary classifier.

    Args:
        architecture: of the space DARTS.
        dims: 1 for signals, 2 for images.
        channels_in: of the inputs.
        classes: number of logits.
        channels: C of the first cells.
        layers: number of cells, at least 1.
        auxiliary: whether to have the auxiliary head.
        stem: ``"cifar"`` keeps the resolution, ``"imagenet"`` divides it by 8.

    Attributes:
        drop_path: probability in [0, 1) with which each operation of each sample is dropped in training. The paper
            raises it linearly over the epochs; whoever trains sets it.
        generator: draws what is dropped; on the CPU.
    """

    def __init__(
        self,
        architecture: Architecture,
        dims: int,
        channels_in: int,
        classes: int,
        channels: int = 36,
        layers: int = 20,
        auxiliary: bool = False,
        stem: str = "cifar",
    ) -> None:
        super().__init__()
        space = architecture.space
        assert isinstance(space, DARTS)
        if stem not in STEMS:
            raise ValueError(f"unknown stem {stem!r}; there are {' and '.join(STEMS)}.")
        self.drop_path = 0.0
        self.generator: torch.Generator | None = None
        self.stem = _stem(dims, channels_in, channels, stem)
        normal, reduce = (space.genes(architecture.choices, cell) for cell in CELLS)
        plan = list(stages(layers, channels, channels if stem == "imagenet" else 3 * channels, stem == "imagenet"))
        self.cells = nn.ModuleList(Cell(reduce if stage.reduces else normal, dims, stage) for stage in plan)
        self.auxiliary_at = 2 * layers // 3
        self.auxiliary = (
            AuxiliaryHead(dims, NODES * plan[self.auxiliary_at].channels, classes, stem) if auxiliary else None
        )
        self.classifier = nn.Linear(NODES * plan[-1].channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [batch, classes] of inputs [batch, channels, *space]."""
        return self._logits(x)[0]

    def both_logits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits and those of the auxiliary head, each [batch, classes].

        Raises:
            ValueError: the network has no auxiliary head, or the inputs are too small for it.
        """
        if self.auxiliary is None:
            raise ValueError("the network has no auxiliary head; build it with auxiliary=True.")
        logits, features = self._logits(x)
        return logits, self.auxiliary(features)

    def _logits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        before = self.stem[0](x)
        last = self.stem[1](before)
        drop_path = self.drop_path if self.training else 0.0
        features = last
        for index, cell in enumerate(self.cells):
            before, last = last, cell(before, last, drop_path, self.generator)
            features = last if index == self.auxiliary_at else features
        return self.classifier(last.flatten(2).mean(2)), features


def _stem(dims: int, channels_in: int, channels: int, stem: str) -> nn.ModuleList:
    """Return the two parts whose outputs the first cell reads."""
    if stem == "cifar":
        whole = nn.Sequential(convolution(dims, channels_in, 3 * channels, 3), normalization(dims, 3 * channels))
        return nn.ModuleList([whole, nn.Identity()])
    half = channels // 2
    first = nn.Sequential(
        convolution(dims, channels_in, half, 3, stride=2),
        normalization(dims, half),
        nn.ReLU(),
        convolution(dims, half, channels, 3, stride=2),
        normalization(dims, channels),
    )
    return nn.ModuleList([first, activate_convolve_normalize(dims, channels, channels, 3, stride=2)])
