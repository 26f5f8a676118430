"""Running a network without numbers, on torch's *meta* device, to see what it does: shapes, and who calls whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves
from torch.utils.hooks import RemovableHandle

__all__ = ["dry_run", "evaluating", "is_of_torch", "on_meta", "tensors"]


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Let a network evaluate inside the ``with`` block, and leave each of its modules in the mode that it was in."""
    was_training = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in was_training.items():
            module.training = mode


def on_meta(network: nn.Module) -> dict[str, Tensor]:
    """Return parameters and buffers by name, without their numbers."""
    return {name: tensor.to("meta") for name, tensor in (*network.named_parameters(), *network.named_buffers())}


def dry_run(network: nn.Module, state: Mapping[str, Tensor], sample: Tensor, hooks: Iterable[RemovableHandle]) -> Any:
    """Return what a network returns in evaluation, with these parameters and buffers in place of its own.

    Gradients are the caller's business, for whoever records torch's calls would see ``no_grad`` among them.

    Args:
        network: left as it is, but for the hooks: they are removed.
        state: see :func:`on_meta`.
        sample: on the meta device.
        hooks: on modules of the network.
    """
    try:
        with evaluating(network):
            return torch.func.functional_call(network, dict(state), (sample,))
    finally:
        for hook in hooks:
            hook.remove()


def is_of_torch(module: nn.Module) -> bool:
    """Say whether it is one of torch's own layers."""
    return type(module).__module__.startswith("torch.nn")


def tensors(values: Any) -> list[Tensor]:
    """Return the tensors in a value, however deep in lists, tuples and dicts."""
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor)]
