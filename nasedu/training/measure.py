"""What a network costs, whatever it is trained on: weights and floating-point operations."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

__all__ = ["flops", "parameters"]


def parameters(network: nn.Module) -> int:
    """Return the number of trainable weights."""
    return sum(weights.numel() for weights in network.parameters() if weights.requires_grad)


@torch.no_grad()
def flops(network: nn.Module, input_shape: Sequence[int]) -> int:
    """Return the floating-point operations of one forward pass of one sample.

    A multiply-add counts as two, as in torch's counter; papers that print "MAdds" or, loosely,
    "FLOPs" often count it as one, which is half of this number. Only matrix products and
    convolutions count: sums, batch norms and activations are neglected, as in the papers.

    Args:
        network: its weights are not changed.
        input_shape: of one sample, without the batch.

    Example:
        >>> flops(nn.Conv1d(1, 8, kernel_size=3, padding=1, bias=False), (1, 40))  # 40 · 8 · 3 multiply-adds
        1920
    """
    weights = next(network.parameters(), torch.empty(0))
    was_training = network.training
    with FlopCounterMode(display=False) as counter:
        network.eval()(torch.zeros(1, *input_shape, device=weights.device))
    network.train(was_training)
    return int(counter.get_total_flops())
