"""What a network is made of, block by block, in the order in which it runs.

A sample without numbers, on torch's *meta* device, goes through the network once. What the network calls is a block:
a cell, a reduction, a layer. A ``Sequential`` counts as its parts where these are more than torch's own layers.
Blocks of one kind in a row with outputs of one shape are one entry, with how many they are.

    shape        of the output, without the batch
    parameters   trainable weights
    flops        of one sample; a multiply-add counts as two, and only convolutions and matrix products count
    sources      the blocks whose outputs go in; where that cannot be seen, because the network computes something
                 in between, the block before

Nothing here depends on the space that the network came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from nasedu.networks.dry_run import dry_run, is_of_torch, on_meta, tensors

__all__ = ["INPUT", "Block", "blocks"]

INPUT = -1  # as a source: what goes into the network
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a network, or several alike in a row.

    Attributes:
        name: what it is called, such as ``"stem"``, ``"cell"`` or ``"reduction cell"``.
        count: how many there are in a row.
        shape: of the output of the last of them, without the batch.
        parameters: their trainable weights; weights that they share count once.
        flops: of all of them, for one sample.
        sources: the places, in the list of blocks, of those whose outputs go in; :data:`INPUT` for the network's input.
    """

    name: str
    count: int
    shape: Shape
    parameters: int
    flops: int
    sources: tuple[int, ...]


def blocks(network: nn.Module, input_shape: Sequence[int]) -> list[Block]:
    """Return the blocks of a network.

    Args:
        network: on any device, the meta device included; it is left as it was.
        input_shape: of one sample, without the batch.

    Example:
        >>> network = nn.Sequential(nn.Conv1d(1, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(320, 10))
        >>> [(block.name, block.shape, block.parameters) for block in blocks(network, (1, 40))]
        [('conv 3', (8, 40), 32), ('linear', (10,), 3210)]
    """
    return _in_groups(_calls(network, tuple(input_shape)))


@dataclass(slots=True)
class _Call:
    """One call of a module while the network ran."""

    module: nn.Module
    name: str  # by which its parent knows it
    inputs: list[Tensor]
    outputs: list[Tensor] = field(default_factory=list)
    flops: int = 0
    calls: list[_Call] = field(default_factory=list)

    @property
    def shape(self) -> Shape:
        return tuple(self.outputs[0].shape[1:]) if self.outputs else ()


# What runs ---------------------------------------------------------------------------------------


def _calls(network: nn.Module, input_shape: Shape) -> _Call:
    """Return the call of the network, with the calls in it."""
    names = {module: path.rpartition(".")[2] for path, module in network.named_modules()}
    inputs = torch.zeros(1, *input_shape, device="meta")
    root = _Call(network, "", [inputs])
    stack = [root]
    with torch.no_grad(), FlopCounterMode(display=False) as counter, _WithoutNorms():

        def enter(module: nn.Module, given: tuple[Any, ...]) -> None:
            call = _Call(module, names[module], tensors(given), flops=-int(counter.get_total_flops()))
            stack[-1].calls.append(call)
            stack.append(call)

        def leave(module: nn.Module, given: tuple[Any, ...], result: Any) -> None:
            call = stack.pop()
            call.outputs = tensors(result)
            call.flops += int(counter.get_total_flops())

        hooks = []
        for module in names:
            if module is not network:
                hooks += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
        root.outputs = tensors(dry_run(network, on_meta(network), inputs, hooks))
    return root


class _WithoutNorms(TorchFunctionMode):
    """Leaves out batch norms: they change no shape, count no FLOPs, and would take most of the time."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.batch_norm:
            return torch.empty_like(args[0])
        return func(*args, **(kwargs or {}))


def _shown(call: _Call) -> Iterable[_Call]:
    """Yield the calls that are blocks: a sequence of more than torch's layers is its parts."""
    for inner in call.calls:
        is_sequence = isinstance(inner.module, nn.Sequential)
        if is_sequence and not all(is_of_torch(module) for module in inner.module.modules()):
            yield from _shown(inner)
        elif not _does_little(inner):
            yield inner


def _does_little(call: _Call) -> bool:
    """Say whether it is one of torch's layers without weights, and only changes values or lays them out anew."""
    has_weights = next(call.module.parameters(), None) is not None
    return is_of_torch(call.module) and not has_weights and call.inputs[0].numel() == call.outputs[0].numel()


# What is alike ------------------------------------------------------------------------------------


def _in_groups(root: _Call) -> list[Block]:
    groups: list[list[_Call]] = []
    names: list[str] = []
    made_by: dict[int, int] = {id(tensor): INPUT for tensor in root.inputs}  # the tensors live as long as the calls
    sources: list[list[int]] = []
    for call in _shown(root):
        name = _name(call)
        found = [made_by[id(tensor)] for tensor in call.inputs if id(tensor) in made_by] or [len(groups) - 1]
        if groups and names[-1] == name and groups[-1][-1].shape == call.shape:
            groups[-1].append(call)
            sources[-1] += found
        else:
            groups.append([call])
            names.append(name)
            sources.append(found)
        made_by |= {id(tensor): len(groups) - 1 for tensor in call.outputs}
    return [
        Block(
            name,
            len(group),
            group[-1].shape,
            _parameters(call.module for call in group),
            sum(call.flops for call in group),
            tuple(sorted({source for source in found if source != place})),
        )
        for place, (name, group, found) in enumerate(zip(names, groups, sources, strict=True))
    ]


def _parameters(modules: Iterable[nn.Module]) -> int:
    unique = {id(weights): weights for module in modules for weights in module.parameters()}
    return sum(weights.numel() for weights in unique.values() if weights.requires_grad)


def _name(call: _Call) -> str:
    """Return the attribute that holds the module, or, for one of a row, what it is."""
    if not call.name.isdecimal():
        return call.name.replace("_", " ")
    if is_of_torch(call.module):
        return ", ".join(dict.fromkeys(filter(None, map(_layer_name, call.module.modules())))) or "identity"
    name = _words(type(call.module).__name__)
    halves = call.outputs[0].dim() > 2 and call.shape[1:] < tuple(call.inputs[-1].shape[2:])
    return f"reduction {name}" if halves and name == "cell" else name


def _layer_name(layer: nn.Module) -> str:
    """Return what a person calls one of torch's layers; nothing for what goes without saying."""
    kind = re.sub(r"\dd$", "", type(layer).__name__)
    if kind == "Conv":
        return f"conv {'×'.join(map(str, layer.kernel_size))}"  # type: ignore[arg-type]
    return "" if kind in ("Sequential", "BatchNorm", "Identity", "Dropout", "Flatten") else kind.lower()


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name).lower()
