"""Networks of NASNet-like cells in the skeleton of DARTS, as trained from scratch after a search.

Liu, Simonyan & Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, arXiv:1806.09055, Appendices
A.2 (CIFAR-10) and A.3 (ImageNet); the authors compared the cells of NASNet and AmoebaNet in the same skeleton.

    stem → cells, two of them reducing: at 1/3 and 2/3 of the depth → global average → linear

Each cell reads the outputs of the two cells before it, brought to C channels by a 1×1 convolution; its output
concatenates its nodes (those that no other node reads, in some spaces), C channels each. A reduction cell halves the
resolution (stride 2 on the edges from its inputs) and doubles C.

Symbols (values: the paper's):
    C  channels   of the first cells    36 on CIFAR-10, 48 on ImageNet
       layers     cells in all          20 on CIFAR-10, 14 on ImageNet

The published networks, with fresh weights; the parameters agree to the last one:

    build(cells, (3, 32, 32), 10, channels=36, layers=20, rng=rng)                        auxiliary=True adds the head
    build(cells, (3, 224, 224), 1000, channels=48, layers=14, stem="imagenet", rng=rng)

What differs from the paper:
    * For signals, convolutions and pooling are those of one dimension.
    * Odd sizes are halved rounding up; the published code refuses them.
    * NASNet-A Large and PNASNet-5 Large are not here: in those networks for ImageNet the stem ends in two reduction
      cells, and cells are joined otherwise. Here their cells stand in the skeleton of DARTS.
    * No drop path: the paper drops operations in training, with a probability that rises linearly to 0.2 over the
      epochs, and the training here has no schedule for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nasedu.core import Architecture
from nasedu.networks.cell_operations import operation, preprocess
from nasedu.networks.darts_published import AuxiliaryHead, imagenet_stem
from nasedu.networks.operations import convolution, normalization
from nasedu.spaces.cells import CellSpace
from nasedu.spaces.darts import NODES
from nasedu.spaces.genotype import Genes

__all__ = ["DARTSNetwork", "Stage", "depth", "network", "stages"]

STEMS = ("cifar", "imagenet")


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


def stages(
    layers: int,
    channels: int,
    stem_channels: int,
    last_reduces: bool = False,
    concatenated: tuple[int, int] = (NODES, NODES),
) -> Iterator[Stage]:
    """Yield where each of the cells stands; those at 1/3 and 2/3 of the depth reduce.

    Args:
        layers: number of cells.
        channels: C of the first cells.
        stem_channels: of both inputs of the first cell.
        last_reduces: whether the second of these has half the resolution of the first.
        concatenated: how many nodes the output of a normal and of a reduction cell concatenates.
    """
    before = last = stem_channels
    for layer in range(layers):
        reduces = layer in (layers // 3, 2 * layers // 3)
        channels *= 2 if reduces else 1
        yield Stage(before, last, channels, reduces, last_reduces)
        before, last, last_reduces = last, concatenated[reduces] * channels, reduces


class Cell(nn.Module):
    """A cell: each node adds up two operations, the output concatenates nodes.

    Args:
        genes: (operation, source) pairs, two for each node.
        outputs: the states that are concatenated.
        dims: 1 for signals, 2 for images.
        stage: where the cell stands.
    """

    def __init__(self, genes: Genes, outputs: Sequence[int], dims: int, stage: Stage) -> None:
        super().__init__()
        self.before = preprocess(dims, stage.channels_before, stage.channels, stage.last_reduces)
        self.last = preprocess(dims, stage.channels_last, stage.channels, False)
        self.sources = [source for _, source in genes]
        self.outputs = tuple(outputs)
        self.operations = nn.ModuleList(
            operation(name, dims, stage.channels, 2 if stage.reduces and source < 2 else 1) for name, source in genes
        )

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """Return [batch, outputs · channels, *space], halved in a reduction cell."""
        states = [self.before(before), self.last(last)]
        arriving = []
        for index, (module, source) in enumerate(zip(self.operations, self.sources, strict=True)):
            arriving.append(module(states[source]))
            if index % 2:
                states.append(arriving[-2] + arriving[-1])
        return torch.cat([states[output] for output in self.outputs], dim=1)


class DARTSNetwork(nn.Module):
    """Stem, cells, classifier, and on demand an auxiliary classifier at two thirds of the depth.

    Args:
        architecture: of the space DARTS, NASNet, AmoebaNet, PNASNet or ENASMicro.
        dims: 1 for signals, 2 for images.
        channels_in: of the inputs.
        classes: number of logits.
        channels: C of the first cells.
        layers: number of cells, at least 1.
        stem: ``"cifar"`` keeps the resolution, ``"imagenet"`` divides it by 8.
        auxiliary: whether there is an auxiliary classifier; see :meth:`with_auxiliary`.

    Raises:
        ValueError: the stem is unknown, or there are no layers.
    """

    def __init__(
        self,
        architecture: Architecture,
        dims: int,
        channels_in: int,
        classes: int,
        channels: int,
        layers: int,
        stem: str = "cifar",
        auxiliary: bool = False,
    ) -> None:
        super().__init__()
        if stem not in STEMS:
            raise ValueError(f"unknown stem {stem!r}; there are {' and '.join(STEMS)}.")
        if layers < 1:
            raise ValueError(f"layers must be at least 1; got {layers}.")
        large, wide = stem == "imagenet", 3 * channels
        self.second_stem: nn.Module = nn.Identity()
        if large:
            self.stem, self.second_stem = imagenet_stem(dims, channels_in, channels)
        else:
            self.stem = nn.Sequential(convolution(dims, channels_in, wide, 3), normalization(dims, wide))
        space = architecture.space
        assert isinstance(space, CellSpace)
        cells = space.genotype(architecture.choices)
        concatenated = len(cells.normal_concat), len(cells.reduce_concat)
        plan = list(stages(layers, channels, channels if large else wide, large, concatenated))
        self.cells = nn.ModuleList(
            Cell(cells.reduce, cells.reduce_concat, dims, stage)
            if stage.reduces
            else Cell(cells.normal, cells.normal_concat, dims, stage)
            for stage in plan
        )
        widths = [concatenated[stage.reduces] * stage.channels for stage in plan]
        self.classifier = nn.Linear(widths[-1], classes)
        self.auxiliary_at = 2 * layers // 3
        self.auxiliary = AuxiliaryHead(dims, widths[self.auxiliary_at], classes, stem) if auxiliary else None

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [batch, classes] of inputs [batch, channels, *space]."""
        return self._classify(self._outputs(x)[-1])

    def with_auxiliary(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits and those of the auxiliary classifier, each [batch, classes].

        Raises:
            ValueError: there is no auxiliary classifier, or the inputs are too small for it.
        """
        if self.auxiliary is None:
            raise ValueError("this network has no auxiliary classifier; build it with auxiliary=True.")
        outputs = self._outputs(x)
        return self._classify(outputs[-1]), self.auxiliary(outputs[self.auxiliary_at])

    def _outputs(self, x: Tensor) -> list[Tensor]:
        before = self.stem(x)
        last = self.second_stem(before)
        outputs = []
        for cell in self.cells:
            before, last = last, cell(before, last)
            outputs.append(last)
        return outputs

    def _classify(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(x.flatten(2).mean(2))
        return logits


def network(
    architecture: Architecture,
    input_shape: Sequence[int],
    classes: int,
    channels: int,
    cells: int,
    *,
    layers: int | None = None,
    stem: str = "cifar",
    auxiliary: bool = False,
) -> DARTSNetwork:
    """Return the network of a pair of cells; see :func:`nasedu.networks.build`.

    Args:
        architecture: of the space DARTS, NASNet, AmoebaNet, PNASNet or ENASMicro.
        input_shape: (channels, length) or (channels, height, width).
        classes: number of logits.
        channels: C of the first cells.
        cells: normal cells in each of three stages, with a reduction cell between.
        layers: instead of ``cells``, how many cells there are in all.
        stem: ``"cifar"`` keeps the resolution, ``"imagenet"`` divides it by 8.
        auxiliary: whether there is an auxiliary classifier.
    """
    layers = depth(cells) if layers is None else layers
    return DARTSNetwork(
        architecture, len(input_shape) - 1, input_shape[0], classes, channels, layers, stem=stem, auxiliary=auxiliary
    )
