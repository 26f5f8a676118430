"""The operations that cells are made of, for signals and for images.

Every operation takes ``dims``, 1 for signals [batch, channels, length] or 2 for images
[batch, channels, height, width]; everything else is the same. As in NAS-Bench-201
(arXiv:2001.00326) and DARTS (arXiv:1806.09055) a convolution is ReLU, convolution without
bias, batch norm, in this order, so that an operation's output may be negative and can be added up.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["AveragePool", "MaxPool", "activate_convolve_normalize", "average_pool", "convolution", "normalization"]

LARGEST_MATRIX = 64  # positions; beyond that a product with a matrix is slower than pooling


def convolution(
    dims: int, channels_in: int, channels_out: int, kernel: int, *, stride: int = 1, dilation: int = 1, groups: int = 1
) -> nn.Conv1d | nn.Conv2d:
    """Return a convolution without bias, padded so that stride 1 keeps the resolution. The kernel is odd."""
    padding = dilation * (kernel - 1) // 2
    kind = nn.Conv1d if dims == 1 else nn.Conv2d
    return kind(
        channels_in, channels_out, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups, bias=False
    )


def normalization(dims: int, channels: int, affine: bool = True) -> nn.Module:
    """Return a batch norm; ``affine=False`` leaves out its learned scale and shift, as supernets do."""
    return {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}[dims](channels, affine=affine)


def activate_convolve_normalize(
    dims: int, channels_in: int, channels_out: int, kernel: int, stride: int = 1, affine: bool = True
) -> nn.Sequential:
    """Return ReLU, convolution, batch norm: the convolution of both cell spaces."""
    return nn.Sequential(
        nn.ReLU(),
        convolution(dims, channels_in, channels_out, kernel, stride=stride),
        normalization(dims, channels_out, affine),
    )


class AveragePool(nn.Module):
    """Average over windows of 3, padded; what lies outside is not counted (``count_include_pad=False``).

    Args:
        stride: 1 keeps the resolution, 2 halves it, rounding up.
    """

    def __init__(self, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Return the local means of x."""
        return average_pool(x, 3, self.stride)


class MaxPool(nn.Module):
    """Maximum over windows, padded.

    Args:
        stride: 1 keeps the resolution, 2 halves it, rounding up.
        size: of the windows, odd.
    """

    def __init__(self, stride: int = 1, size: int = 3) -> None:
        super().__init__()
        self.stride = stride
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """Return the local maxima of x."""
        pool = F.max_pool1d if x.dim() == 3 else F.max_pool2d
        return pool(x, self.size, stride=self.stride, padding=self.size // 2)


def average_pool(x: Tensor, size: int, stride: int) -> Tensor:
    """Average over windows; windows of odd size are padded, those of even size are cut at the border.

    Pooling is linear, so for small inputs it is one product with a fixed matrix. With its gradient that
    is 5 to 8 times faster on a CPU than torch's own pooling. That one is used where neither gradients are
    needed nor inference mode is on, as when FLOPs are counted: counters know that pooling costs next to nothing.

    Args:
        x: [batch, channels, length] or [batch, channels, height, width].
        size: of the window, 2 or 3.
        stride: of the window.

    Returns:
        The means, every spatial size divided by the stride, rounding up.
    """
    needs_gradient = torch.is_grad_enabled() and x.requires_grad
    in_a_hurry = needs_gradient or torch.is_inference_mode_enabled()
    if not in_a_hurry or x[0, 0].numel() > LARGEST_MATRIX:
        return _torch_average_pool(x, size, stride)
    matrix = pooling_matrix(x.shape[2:], size, stride, x.dtype, x.device)
    space = [-(-length // stride) for length in x.shape[2:]]
    return (x.flatten(2) @ matrix).view(*x.shape[:2], *space)


def _torch_average_pool(x: Tensor, size: int, stride: int) -> Tensor:
    pool = {3: F.avg_pool1d, 4: F.avg_pool2d}[x.dim()]
    return pool(x, size, stride=stride, padding=(size - 1) // 2, ceil_mode=size == 2, count_include_pad=False)


@lru_cache(maxsize=64)
def pooling_matrix(space: torch.Size, size: int, stride: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the matrix [positions in, positions out] of a pooling: what it makes of each unit vector."""
    positions = space.numel()
    with torch.inference_mode(False):  # else a matrix first needed in inference could not be used in training
        units = torch.eye(positions, dtype=dtype, device=device).view(positions, 1, *space)
        return _torch_average_pool(units, size, stride).flatten(1)
