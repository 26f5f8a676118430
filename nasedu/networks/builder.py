"""From an architecture to a network that can be trained."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from nasedu.core import Architecture, SearchSpace, check_rng, shown
from nasedu.networks import chain, darts, enas, graphs, mbconv, mlp, nasbench101, nasbench201, nats_size, recurrent
from nasedu.networks.initialization import materialize, torch_generator
from nasedu.spaces import (
    DARTS,
    MLP,
    AmoebaNet,
    Chain,
    ENASMacro,
    ENASMicro,
    Graphs,
    MBConv,
    NASBench101,
    NASBench201,
    NASNet,
    NATSSize,
    PNASNet,
    Recurrent,
)

__all__ = ["NETWORKS", "build", "check_input_shape", "check_sizes"]

NETWORKS: Mapping[type[SearchSpace], Callable[..., nn.Module]] = {
    Chain: chain.network,
    AmoebaNet: darts.network,
    DARTS: darts.network,
    ENASMacro: enas.network,
    ENASMicro: darts.network,
    Graphs: graphs.network,
    NASNet: darts.network,
    PNASNet: darts.network,
    MBConv: mbconv.network,
    MLP: mlp.network,
    NASBench101: nasbench101.network,
    NASBench201: nasbench201.network,
    NATSSize: nats_size.network,
    Recurrent: recurrent.network,
}
"""For each space the function network(architecture, input_shape, classes, channels, cells, **options)."""


def build(
    architecture: Architecture,
    input_shape: Sequence[int],
    classes: int,
    *,
    rng: np.random.Generator,
    channels: int = 8,
    cells: int = 1,
    **options: Any,
) -> nn.Module:
    """Return the network of an architecture, with fresh weights.

    Args:
        architecture: of a space in ``NETWORKS``, or of a space of your own that has a method
            ``network(self, architecture, input_shape, classes, **options)``, which returns a module.
        input_shape: (channels, length) for signals, (channels, height, width) for images; without the batch.
        classes: number of outputs: a logit for each class, or a number for each target of a regression; at least 1.
            Of a dataset it is ``data.outputs``.
        rng: the only source of the initial weights.
        channels: width of the first stage of cells, at least 1. Spaces that choose their widths do not use it.
        cells: cells per stage, at least 1. DARTS has three stages of normal cells with a reduction cell between, so
            6 makes the published 20 layers. Spaces without cells do not use it.
        options: what one space's network has beyond that, such as NASBench201's ``skeleton="published"``; see the
            function ``network`` in the file of that name in ``nasedu/networks``.

    Returns:
        A module from inputs [batch, *input_shape] to outputs [batch, classes], on the CPU, in training mode. The
        weights of the spaces in ``NETWORKS`` are those of ``initialization.py``; in the network of your own space
        they are what torch's layers draw when they are made.

    Raises:
        ValueError: a number is out of range, the shape is not that of signals or images, or the space has no network.
        TypeError: the space's network has no such option, your space's method takes other arguments or returns no
            module, or ``rng`` is no numpy Generator.

    Example:
        >>> from nasedu.spaces import NASBench201
        >>> cell = NASBench201().parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|")
        >>> network = build(cell, input_shape=(1, 40), classes=10, rng=np.random.default_rng(0))
        >>> sum(weights.numel() for weights in network.parameters())
        1778
    """
    check_rng(rng)
    check_input_shape(input_shape)
    check_sizes(classes=classes, channels=channels, cells=cells)
    shape, space = tuple(input_shape), architecture.space
    if hasattr(space, "network"):
        return _own_network(architecture, shape, classes, rng, options)
    network = next((network for kind, network in NETWORKS.items() if isinstance(space, kind)), None)
    if network is not None:
        return materialize(lambda: network(architecture, shape, classes, channels, cells, **options), rng)
    known = ", ".join(kind.__name__ for kind in NETWORKS)
    raise ValueError(
        f"nasedu can build networks for {known}; got the space {space.name!r}. For a space of your own, write the "
        "method network(self, architecture, input_shape, classes) in its class: it returns the torch module that "
        "architecture.options stand for. Or write an evaluator: any function from a list of architectures to a list of "
        "nasedu.Trial."
    )


def _own_network(
    architecture: Architecture,
    input_shape: tuple[int, ...],
    classes: int,
    rng: np.random.Generator,
    options: Mapping[str, Any],
) -> nn.Module:
    """Return what a space's own method makes. Torch's layers draw from the global generator: here it is a fork."""
    space: Any = architecture.space
    try:
        inspect.signature(space.network).bind(architecture, input_shape, classes, **options)
    except TypeError as error:
        raise TypeError(
            f"the method network of {space.name!r} must be network(self, architecture, input_shape, classes), and may "
            f"have options: {error}."
        ) from error
    with torch.random.fork_rng(devices=[]):
        torch.random.set_rng_state(torch_generator(rng).get_state())
        network = space.network(architecture, input_shape, classes, **options)
    if not isinstance(network, nn.Module):
        raise TypeError(f"the method network of {space.name!r} must return a torch.nn.Module; got {shown(network)}.")
    return network


def check_input_shape(input_shape: Sequence[int]) -> int:
    """Return 1 for signals and 2 for images.

    Raises:
        ValueError: it is neither the shape of a signal nor that of an image.
    """
    if len(input_shape) not in (2, 3) or any(size < 1 for size in input_shape):
        raise ValueError(
            "input_shape must be (channels, length) or (channels, height, width), each at least 1, without the batch; "
            f"got {tuple(input_shape)}. Reshape the inputs: a table of n columns is a signal of shape (1, n)."
        )
    return len(input_shape) - 1


def check_sizes(**sizes: int | None) -> None:
    """Check numbers such as ``classes``, ``channels`` and ``cells``, each given by its name.

    Raises:
        ValueError: one of them is not a whole number, or is less than 1.
    """
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int | np.integer):
            way = " A regression has no classes: pass data.outputs." if (name, size) == ("classes", None) else ""
            raise ValueError(f"{name} must be a whole number; got {shown(size)}.{way}")
        if size < 1:
            raise ValueError(f"{name} must be at least 1; got {size}.")
