"""From an architecture to a network that can be trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from nasedu.core import Architecture
from nasedu.networks import chain, darts, nasbench201
from nasedu.networks.initialization import materialize
from nasedu.spaces import DARTS, Chain, NASBench201

__all__ = ["build", "check_input_shape", "check_sizes"]

LEAST = {"classes": 1, "channels": 1, "cells": 1}


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
        architecture: of one of the spaces NASBench201, DARTS or Chain.
        input_shape: (channels, length) for signals, (channels, height, width) for images; without the batch.
        classes: number of outputs: a logit for each class, or a number for each target of a regression; at least 1.
            Of a dataset it is ``data.outputs``.
        rng: the only source of the initial weights.
        channels: width of the first stage of cells, at least 1. A chain has its own widths.
        cells: cells per stage, at least 1. DARTS has three stages of normal cells with a reduction cell between, so
            6 makes the published 20 layers. A chain has no cells.
        options: what one space's network has beyond that. NASBench201: ``skeleton``, ``"micro"`` or ``"published"``.

    Returns:
        A module from inputs [batch, *input_shape] to outputs [batch, classes], on the CPU, in training mode.

    Raises:
        ValueError: a number is out of range, the shape is not that of signals or images, or the space has no network.
        TypeError: the space's network has no such option.

    Example:
        >>> from nasedu.spaces import NASBench201
        >>> cell = NASBench201().parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|")
        >>> network = build(cell, input_shape=(1, 40), classes=10, rng=np.random.default_rng(0))
        >>> sum(weights.numel() for weights in network.parameters())
        1778
    """
    dims = check_input_shape(input_shape)
    check_sizes(classes=classes, channels=channels, cells=cells)
    space, channels_in = architecture.space, input_shape[0]
    if isinstance(space, NASBench201):
        return materialize(
            lambda: nasbench201.network(architecture, dims, channels_in, classes, channels, cells, **options), rng
        )
    if isinstance(space, DARTS):
        layers = darts.depth(cells)
        return materialize(
            lambda: darts.DARTSNetwork(architecture, dims, channels_in, classes, channels, layers, **options), rng
        )
    if isinstance(space, Chain):
        return materialize(lambda: chain.network(architecture, dims, channels_in, classes, **options), rng)
    raise ValueError(
        f"nasedu can build networks for NASBench201, DARTS and Chain; got the space {space.name!r}. To search a space "
        "of your own, write an evaluator: any function from a list of architectures to a list of nasedu.Trial, "
        "which may build and train whatever the decisions in architecture.options mean to you."
    )


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
    """Check some of ``classes``, ``channels`` and ``cells``.

    Raises:
        ValueError: one of them is too small.
    """
    for name, size in sizes.items():
        if size is None:
            raise ValueError(f"{name} must be a number; got None. A regression has no classes: pass data.outputs.")
        if size < LEAST[name]:
            raise ValueError(f"{name} must be at least {LEAST[name]}; got {size}.")
