"""What is published of DARTS beyond the network of the lessons, to check ours against: parameters agree exactly.

Liu, Simonyan & Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, arXiv:1806.09055, Appendices
A.2 and A.3, and the authors' code: their two genotypes, an auxiliary classifier, and the stem for ImageNet.

    CIFAR-10    stem → cells …                            C = 36, 20 cells
    ImageNet    stem of three strided convolutions, 1/8 of the resolution → cells …      C = 48, 14 cells

Nothing here is trained in the lessons. To have one of these networks, with fresh weights:

    materialize(lambda: PublishedNetwork(cell, dims=2, channels_in=3, classes=10), rng)

What differs from the published code:
    * The auxiliary head averages over what is left where its input is larger than 8.
    * Its first ReLU does not overwrite the cell's output. In the published code that changes the network's own
      logits where no other cell follows, that is with 2 or 3 layers.
"""

from __future__ import annotations

from torch import Tensor, nn

from nasedu.core import Architecture
from nasedu.networks.darts import cells_of, stages
from nasedu.networks.operations import activate_convolve_normalize, convolution, normalization
from nasedu.spaces.darts import NODES

__all__ = ["DARTS_V1", "DARTS_V2", "AuxiliaryHead", "PublishedNetwork"]

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


class PublishedNetwork(nn.Module):
    """Stem, cells, classifier, and an auxiliary classifier at two thirds of the depth.

    Args:
        architecture: of the space DARTS.
        dims: 1 for signals, 2 for images.
        channels_in: of the inputs.
        classes: number of logits.
        channels: C of the first cells.
        layers: number of cells, at least 1.
        stem: ``"cifar"`` keeps the resolution, ``"imagenet"`` divides it by 8.

    Raises:
        ValueError: the stem is unknown.
    """

    def __init__(
        self,
        architecture: Architecture,
        dims: int,
        channels_in: int,
        classes: int,
        channels: int = 36,
        layers: int = 20,
        stem: str = "cifar",
    ) -> None:
        super().__init__()
        if stem not in STEMS:
            raise ValueError(f"unknown stem {stem!r}; there are {' and '.join(STEMS)}.")
        large = stem == "imagenet"
        self.stem = _imagenet_stem(dims, channels_in, channels) if large else _cifar_stem(dims, channels_in, channels)
        plan = list(stages(layers, channels, channels if large else 3 * channels, last_reduces=large))
        self.cells = cells_of(architecture, dims, plan)
        self.auxiliary_at = 2 * layers // 3
        self.auxiliary = AuxiliaryHead(dims, NODES * plan[self.auxiliary_at].channels, classes, stem)
        self.classifier = nn.Linear(NODES * plan[-1].channels, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits and those of the auxiliary head, each [batch, classes].

        Raises:
            ValueError: the inputs are too small for the auxiliary head.
        """
        before = self.stem[0](x)
        last = self.stem[1](before)
        outputs = []
        for cell in self.cells:
            before, last = last, cell(before, last)
            outputs.append(last)
        return self.classifier(last.flatten(2).mean(2)), self.auxiliary(outputs[self.auxiliary_at])


def _cifar_stem(dims: int, channels_in: int, channels: int) -> nn.ModuleList:
    """Return the two parts whose outputs the first cell reads; here they are the same."""
    whole = nn.Sequential(convolution(dims, channels_in, 3 * channels, 3), normalization(dims, 3 * channels))
    return nn.ModuleList([whole, nn.Identity()])


def _imagenet_stem(dims: int, channels_in: int, channels: int) -> nn.ModuleList:
    """Return the two parts whose outputs the first cell reads, at 1/4 and 1/8 of the resolution."""
    half = channels // 2
    first = nn.Sequential(
        convolution(dims, channels_in, half, 3, stride=2),
        normalization(dims, half),
        nn.ReLU(),
        convolution(dims, half, channels, 3, stride=2),
        normalization(dims, channels),
    )
    return nn.ModuleList([first, activate_convolve_normalize(dims, channels, channels, 3, stride=2)])


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
                f"got {tuple(x.shape[2:])} after them. nasedu.networks.build makes networks without it."
            )
        logits: Tensor = self.classifier(self.features(self.pool(x.relu())).flatten(2).mean(2))
        return logits
