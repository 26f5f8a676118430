"""Initial weights, all of them drawn from one generator that is passed in.

He, Zhang, Ren & Sun, "Delving Deep into Rectifiers", arXiv:1502.01852, Eq. 10: before a ReLU

    w ~ N(0, 2 / d)        d  inputs of one unit: kernel size × channels per group

keeps the size of the signals from layer to layer; a linear classifier has no ReLU: N(0, 1 / d).
Batch and layer norms start as the identity, biases at 0.

torch's layers draw from a hidden global generator when they are made. Here they are made on the
*meta* device, where tensors have a shape and no memory, so that they draw nothing and cost little.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch import nn

__all__ = ["initialize", "materialize", "torch_generator"]

Network = TypeVar("Network", bound=nn.Module)


def torch_generator(rng: np.random.Generator) -> torch.Generator:
    """Return a torch generator on the CPU, seeded from the next draw of ``rng``."""
    return torch.Generator().manual_seed(int(rng.integers(2**63)))


def materialize(make: Callable[[], Network], rng: np.random.Generator) -> Network:
    """Make a network and draw its weights.

    Args:
        make: returns the network; its layers must be torch's convolutions, linear layers, batch and layer norms.
        rng: the only source of randomness; the global generators are not touched.

    Returns:
        The network, on the CPU, in training mode.
    """
    with torch.device("meta"):
        network = make()
    network.to_empty(device="cpu")
    initialize(network, torch_generator(rng))
    return network


def initialize(network: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights anew, in the order in which the layers were made.

    Raises:
        TypeError: a layer has weights of its own and is of a kind that this function does not know.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
        elif isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="linear", generator=generator)
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.LayerNorm):
            layer.reset_parameters()
        elif next(layer.parameters(recurse=False), None) is not None:
            raise TypeError(f"initialize knows convolutions, linear layers, batch and layer norms; got {layer}.")
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
