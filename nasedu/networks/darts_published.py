"""What is published of DARTS' networks beyond cells in a row: the stem for ImageNet, and the auxiliary classifier.

Liu, Simonyan & Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, arXiv:1806.09055, Appendices
A.2 and A.3, and the authors' code.

What differs from the published code:
    * The auxiliary classifier averages over what is left where its input is larger than 8.
    * Its first ReLU does not overwrite the cell's output. In the published code that changes the network's own
      logits where no other cell follows, that is with 2 or 3 layers.
"""

from __future__ import annotations

from torch import Tensor, nn

from nasedu.networks.operations import activate_convolve_normalize, convolution, normalization

__all__ = ["AuxiliaryHead", "imagenet_stem"]


def imagenet_stem(dims: int, channels_in: int, channels: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Return the two parts whose outputs the first cell reads, at 1/4 and 1/8 of the resolution."""
    half = channels // 2
    first = nn.Sequential(
        convolution(dims, channels_in, half, 3, stride=2),
        normalization(dims, half),
        nn.ReLU(),
        convolution(dims, half, channels, 3, stride=2),
        normalization(dims, channels),
    )
    return first, activate_convolve_normalize(dims, channels, channels, 3, stride=2)


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
        """Return logits [batch, classes] of a cell's output [batch, channels, *space], at least 8 in each direction.

        Raises:
            ValueError: there are fewer than 8 positions in a direction.
        """
        if min(x.shape[2:]) < 8:
            raise ValueError(
                "the auxiliary classifier needs inputs of at least 29 positions in each direction (8 after two "
                f"reductions); got {tuple(x.shape[2:])} after them. Build the network without auxiliary=True."
            )
        logits: Tensor = self.classifier(self.features(self.pool(x.relu())).flatten(2).mean(2))
        return logits
