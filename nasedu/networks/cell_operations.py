"""The operations of NASNet-like cells, by the names that the code of DARTS gives them, for signals and for images.

Liu, Simonyan & Yang, arXiv:1806.09055, Appendix A.1, for the operations of DARTS; Zoph, Vasudevan, Shlens & Le,
arXiv:1707.07012, Section 3, for the others. Every operation keeps the channels; its stride is 1 or 2.

    skip_connect              as it is; with stride 2, a convolution that loses no pixel
    max_pool_3x3, 5x5, 7x7    maximum over windows, padded
    avg_pool_3x3              mean over windows; what lies outside is not counted
    conv_1x1, conv_3x3        ReLU, convolution, batch norm
    conv_3x1_1x3, 7x1_1x7     ReLU, convolution along one direction, along the other, batch norm
    sep_conv_3x3, 5x5, 7x7    twice ReLU, convolution within channels, across channels, batch norm; the first strides
    dil_conv_3x3, 5x5         once the same, the convolution within channels with dilation 2

For signals, a convolution along the other direction sees one position, as on an image of height 1.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasedu.networks.operations import (
    AveragePool,
    MaxPool,
    activate_convolve_normalize,
    convolution,
    normalization,
)

__all__ = ["FactorizedReduce", "SeparableConvolution", "operation", "preprocess"]

MOST_COMPOSED_CHANNELS = 16  # beyond that a separable convolution is faster in its two parts


def operation(name: str, dims: int, channels: int, stride: int, affine: bool = True) -> nn.Module:
    """Return an operation by its name.

    Args:
        name: as in the table above.
        dims: 1 for signals, 2 for images.
        channels: of input and output.
        stride: 1 keeps the resolution, 2 halves it, rounding up.
        affine: whether batch norms learn a scale and a shift.
    """
    if name == "avg_pool_3x3":
        return AveragePool(stride)
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduce(dims, channels, channels, affine)
    kind, kernel = name.rsplit("_", 1)[0], int(name[-1])
    if kind == "max_pool":
        return MaxPool(stride, kernel)
    if kind == "conv":
        return activate_convolve_normalize(dims, channels, channels, kernel, stride, affine)
    if kind == "dil_conv":
        return separable(dims, channels, kernel, stride, 2, affine)
    if kind == "sep_conv":
        return nn.Sequential(
            *separable(dims, channels, kernel, stride, 1, affine), *separable(dims, channels, kernel, 1, 1, affine)
        )
    return nn.Sequential(  # conv_3x1_1x3, conv_7x1_1x7
        nn.ReLU(),
        *_along_each_direction(dims, channels, kernel, stride),
        normalization(dims, channels, affine),
    )


def separable(
    dims: int, channels: int, kernel: int, stride: int = 1, dilation: int = 1, affine: bool = True
) -> nn.Sequential:
    """Return ReLU, separable convolution, batch norm."""
    return nn.Sequential(
        nn.ReLU(),
        SeparableConvolution(dims, channels, kernel, stride, dilation),
        normalization(dims, channels, affine),
    )


def _along_each_direction(dims: int, channels: int, kernel: int, stride: int) -> list[nn.Module]:
    """Return the convolutions [1, kernel] and [kernel, 1], each with the stride in its own direction."""
    if dims == 1:
        return [convolution(1, channels, channels, kernel, stride=stride), convolution(1, channels, channels, 1)]
    margin = kernel // 2
    return [
        nn.Conv2d(channels, channels, (1, kernel), stride=(1, stride), padding=(0, margin), bias=False),
        nn.Conv2d(channels, channels, (kernel, 1), stride=(stride, 1), padding=(margin, 0), bias=False),
    ]


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
