"""Networks of multilayer perceptrons: linear layers as they are written, then a linear output.

Klein & Hutter, arXiv:1905.04970, Section 2; Gorishniy et al., arXiv:2106.11959, Section 3.

    x → flatten → layers → linear,        layer(x) = activation(normalize(W x + b)) [+ x]

A skip connection adds the layer's input, as it is where the widths agree, else through a linear projection without
bias. With a normalization the layers have no bias b, since batch norm and layer norm bring a shift of their own.

What differs from the papers: no dropout, and where a layer has a skip connection the normalization stays behind the
linear map, as it is without one; the ResNet of Gorishniy et al. normalizes first and has two linear maps in a block.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import nn

from nasedu.core import Architecture
from nasedu.networks.chain import ACTIVATIONS, Residual
from nasedu.spaces.mlp import MLP

__all__ = ["network"]

NORMS: dict[str, type[nn.BatchNorm1d | nn.LayerNorm]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


def network(
    architecture: Architecture, input_shape: Sequence[int], classes: int, channels: int = 1, cells: int = 1
) -> nn.Sequential:
    """Return the network of an architecture, which has its own widths and no cells; see ``nasedu.networks.build``."""
    space = architecture.space
    assert isinstance(space, MLP)
    normalization = space.normalization(architecture.choices)
    modules: list[nn.Module] = [nn.Flatten()]
    width_in = math.prod(input_shape)
    for width, activation, skip in space.layers(architecture.choices):
        layer: list[nn.Module] = [nn.Linear(width_in, width, bias=normalization == "none")]
        if normalization != "none":
            layer.append(NORMS[normalization](width))
        module: nn.Module = nn.Sequential(*layer, ACTIVATIONS[activation]())
        if skip:
            projection = nn.Identity() if width_in == width else nn.Linear(width_in, width, bias=False)
            module = Residual(module, projection)
        modules.append(module)
        width_in = width
    return nn.Sequential(*modules, nn.Linear(width_in, classes))
