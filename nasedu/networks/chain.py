"""Networks of chains: the layers as they are written, then a linear classifier.

The networks of the first controllers (Zoph & Le, arXiv:1611.01578; Baker et al., arXiv:1611.02167):

    conv    convolution that keeps the resolution, batch norm, activation
    pool    maximum over windows of 2, which halves the resolution, never below 1
    dense   linear layer, batch norm, activation
    +skip   adds the layer's input to its output (He et al., arXiv:1512.03385, Eqs. 1–2): as it is where the sizes
            agree, else through a linear projection (a 1×1 convolution, between dense layers a linear layer)

Between the convolutional part and the first dense layer (or the classifier) the features are averaged over
all positions, [batch, channels, *space] → [batch, channels], so that any depth fits any input and
the number of weights does not depend on the input's size.

What differs from the papers: they flatten the features there, and MetaQNN has no batch norm; with it
a few epochs are enough to tell chains apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from nasedu.core import Architecture
from nasedu.networks.operations import convolution, normalization
from nasedu.spaces.chain import Chain, Layer

__all__ = ["network"]

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}


class Halve(nn.Module):
    """Maximum over windows of 2; a size of 1 stays, an odd one is rounded up."""

    def forward(self, x: Tensor) -> Tensor:
        """Return [batch, channels, *space/2]."""
        pool = F.max_pool1d if x.dim() == 3 else F.max_pool2d
        return pool(x, 2, ceil_mode=True)


class GlobalAverage(nn.Module):
    """The mean over all positions."""

    def forward(self, x: Tensor) -> Tensor:
        """Return [batch, channels] of [batch, channels, *space]."""
        return x.flatten(2).mean(2)


class Residual(nn.Module):
    """A layer with a skip connection around it."""

    def __init__(self, layer: nn.Module, projection: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.projection = projection

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer makes of x, plus x."""
        output: Tensor = self.layer(x) + self.projection(x)
        return output


def network(
    architecture: Architecture, input_shape: Sequence[int], classes: int, channels: int = 1, cells: int = 1
) -> nn.Sequential:
    """Return the network of a chain, which has its own widths and no cells; see :func:`nasedu.networks.build`."""
    space = architecture.space
    assert isinstance(space, Chain)
    layers = space.layers(architecture.choices)
    dims, widths = len(input_shape) - 1, [input_shape[0]]
    modules: list[nn.Module] = []
    for layer in layers:
        if layer["type"] == "pool":
            modules.append(Halve())
            continue
        if layer["type"] == "dense" and not any(isinstance(module, GlobalAverage) for module in modules):
            modules.append(GlobalAverage())
        widths.append(int(layer["width"]))
        modules.append(_layer(layer, dims, widths[-2], widths[-1]))
    if not any(isinstance(module, GlobalAverage) for module in modules):
        modules.append(GlobalAverage())
    return nn.Sequential(*modules, nn.Linear(widths[-1], classes))


def _layer(layer: Layer, dims: int, width_in: int, width: int) -> nn.Module:
    linear: nn.Module
    projection: nn.Module
    if layer["type"] == "conv":
        linear = convolution(dims, width_in, width, int(layer["kernel"]))
        norm, projection = normalization(dims, width), convolution(dims, width_in, width, 1)
    else:
        linear = nn.Linear(width_in, width, bias=False)
        norm, projection = nn.BatchNorm1d(width), nn.Linear(width_in, width, bias=False)
    module = nn.Sequential(linear, norm, ACTIVATIONS[str(layer["activation"])]())
    if layer.get("skip") != "yes":
        return module
    return Residual(module, nn.Identity() if width_in == width else projection)
