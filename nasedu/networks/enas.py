"""Networks of ENAS' macro space: layers in a row, with skip connections from any layer to any later one.

Pham, Guan, Zoph, Le & Dean, "Efficient Neural Architecture Search via Parameter Sharing", ICML 2018,
arXiv:1802.03268, Section 2.3, and the authors' code for networks that are trained after the search.

    stem → layers → global average → linear

    operation    ReLU, 1×1 convolution, batch norm, and then ReLU, convolution, batch norm, or pooling
    layer        the operation on the layer before; from the second on, its output and those of the skip connections
                 are concatenated, then ReLU, 1×1 convolution, batch norm
    reduction    after 1/3 and 2/3 of the layers: everything so far that is still read gets half the resolution and
                 twice the channels

Symbols (values: the authors' script for CIFAR-10):
    C  channels   of the stem and the first layers    96
    L  layers     of the space                        24

What differs from the authors' code:
    * There, the network trained after the search takes ordinary convolutions for separable ones, and has no pooling.
    * There, what no later layer reads is reduced as well, by convolutions that change nothing.
    * A reduction begins with a ReLU, like those of the cells; the linear classifier has a bias; there is no dropout.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nasedu.core import Architecture
from nasedu.networks.cell_operations import FactorizedReduce, separable
from nasedu.networks.operations import (
    AveragePool,
    MaxPool,
    activate_convolve_normalize,
    convolution,
    normalization,
)
from nasedu.spaces.enas import ENASMacro

__all__ = ["ENASNetwork", "network"]


class Layer(nn.Module):
    """An operation, and what it is concatenated with."""

    def __init__(self, name: str, skips: list[int], dims: int, channels: int, is_first: bool) -> None:
        super().__init__()
        self.skips = skips
        first = activate_convolve_normalize(dims, channels, channels, 1)
        self.operation = nn.Sequential(first, _operation(name, dims, channels))
        wide = (1 + len(skips)) * channels
        self.join = nn.Identity() if is_first else activate_convolve_normalize(dims, wide, channels, 1)

    def forward(self, outputs: dict[int, Tensor], last: int) -> Tensor:
        """Return [batch, channels, *space], of the outputs of earlier layers by number."""
        own = self.operation(outputs[last])
        joined: Tensor = self.join(torch.cat([*(outputs[source] for source in self.skips), own], dim=1))
        return joined


def _operation(name: str, dims: int, channels: int) -> nn.Module:
    if name == "avg_pool_3x3":
        return AveragePool()
    if name == "max_pool_3x3":
        return MaxPool()
    kernel = int(name[-1])
    if name.startswith("sep_conv"):
        return separable(dims, channels, kernel)
    return activate_convolve_normalize(dims, channels, channels, kernel)


class ENASNetwork(nn.Module):
    """Stem, layers, classifier.

    Args:
        architecture: of the space ENASMacro.
        dims: 1 for signals, 2 for images.
        channels_in: of the inputs.
        classes: number of logits.
        channels: C of the first layers.
    """

    def __init__(self, architecture: Architecture, dims: int, channels_in: int, classes: int, channels: int) -> None:
        super().__init__()
        space, choices = architecture.space, architecture.choices
        assert isinstance(space, ENASMacro)
        skips = [space.skips(choices, layer) for layer in range(1, space.layers + 1)]
        self.stem = nn.Sequential(convolution(dims, channels_in, channels, 3), normalization(dims, channels))
        self.layers, self.reductions = nn.ModuleList(), nn.ModuleDict()
        for layer in range(1, space.layers + 1):
            name = space.operation(choices, layer)
            self.layers.append(Layer(name, skips[layer - 1], dims, channels, layer == 1))
            if layer in reduced_after(space.layers):
                read = {layer, *(source for later in skips[layer:] for source in later if source <= layer)}
                self.reductions[str(layer)] = nn.ModuleDict(
                    {str(source): FactorizedReduce(dims, channels, 2 * channels) for source in sorted(read)}
                )
                channels *= 2
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [batch, classes] of inputs [batch, channels, *space]."""
        outputs = {0: self.stem(x)}
        for number, layer in enumerate(self.layers, 1):
            outputs[number] = layer(outputs, number - 1)
            if str(number) in self.reductions:
                reductions = self.reductions[str(number)]
                assert isinstance(reductions, nn.ModuleDict)
                outputs = {int(source): reduce(outputs[int(source)]) for source, reduce in reductions.items()}
        logits: Tensor = self.classifier(outputs[len(self.layers)].flatten(2).mean(2))
        return logits


def reduced_after(layers: int) -> tuple[int, ...]:
    """Return the layers, counted from 1, after which the resolution is halved; none of fewer than three."""
    return (layers // 3, 2 * (layers // 3)) if layers >= 3 else ()


def network(
    architecture: Architecture, input_shape: Sequence[int], classes: int, channels: int, cells: int = 1
) -> ENASNetwork:
    """Return the network of ENAS' macro space, whose layers are in the architecture; see ``build``.

    Args:
        architecture: of the space ENASMacro.
        input_shape: (channels, length) or (channels, height, width).
        classes: number of logits.
        channels: of the stem and the first layers; 96 in the authors' script.
        cells: not used.
    """
    return ENASNetwork(architecture, len(input_shape) - 1, input_shape[0], classes, channels)
