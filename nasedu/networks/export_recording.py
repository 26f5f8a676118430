"""What a network does, written down while it does it: the calls that each of its modules makes.

A sample without numbers, on torch's *meta* device, goes through the network once. Every call of a torch function and
of a module is noted in the module that makes it, as a person would write it in its ``forward``. What torch's own layers
do inside is not looked at. So decisions that depend on the shape of the input are taken, and what is noted holds
for inputs of that shape, in evaluation mode; the size of the batch stays open.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

from nasedu.networks.dry_run import dry_run, is_of_torch, on_meta, tensors

__all__ = ["BATCH", "Body", "Input", "Item", "Step", "Weight", "record"]

BATCH = 7919  # samples: where a multiple of it is an argument, it was computed from the size of the batch


@dataclass(frozen=True, slots=True)
class Input:
    """An argument of a forward: its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Weight:
    """A parameter or a buffer: its name in the network's state dict."""

    name: str


@dataclass(eq=False, slots=True)
class Step:
    """A call: of a torch function, or of the module of this name.

    Attributes:
        target: the function, or the name of the module in the network.
        arguments: in order; tensors are an Input, a Weight, a Step, or an Item of one.
        keywords: likewise.
    """

    target: Callable[..., Any] | str
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One of the tensors that a step gives."""

    step: Step
    index: int


@dataclass(eq=False, slots=True)
class Body:
    """A forward: what comes in, the steps, what goes out.

    Attributes:
        inputs: names of the arguments that are used, in order.
        steps: in order.
        output: a step or the like, or a tuple or list of them.
        shapes: of the inputs and of the outputs, in words.
    """

    inputs: tuple[str, ...] = ()
    steps: list[Step] = field(default_factory=list)
    output: Any = None
    shapes: str = ""


def record(network: nn.Module, input_shape: Sequence[int]) -> dict[str, list[Body]]:
    """Return what each module does in each of its calls, by its name in the network; the network itself is ``""``.

    Args:
        network: left as it is.
        input_shape: of one sample, without the batch.

    Raises:
        ValueError: a module uses a tensor that is neither an input nor a parameter nor a buffer.
    """
    recorder = _Recorder(network)
    state = on_meta(network)
    recorder.weights = {id(tensor): Weight(name) for name, tensor in state.items()}
    hooks = [
        hook
        for module in network.modules()
        for hook in (
            module.register_forward_pre_hook(recorder.enter, with_kwargs=True),
            module.register_forward_hook(recorder.leave, with_kwargs=True),
        )
    ]
    sample = torch.empty(BATCH, *input_shape, device="meta")
    with torch.no_grad(), torch.device("meta"), recorder:  # what the network makes itself is there, too
        dry_run(network, state, sample, hooks)
    return recorder.bodies


@dataclass(eq=False, slots=True)
class _Frame:
    """A call of a module that is going on."""

    name: str
    body: Body
    values: dict[int, Any]  # by the id of a tensor, what it is here
    given: list[tuple[str, Tensor]]  # the tensors among the arguments, and how to call them
    is_muted: bool  # inside torch's own layers nothing is noted
    alive: list[Tensor] = field(default_factory=list)  # else an id could be that of another tensor


class _Recorder(TorchFunctionMode):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.names = {module: name for name, module in network.named_modules()}
        self.bodies: dict[str, list[Body]] = {}
        self.frames: list[_Frame] = []
        self.weights: dict[int, Weight] = {}

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if self.frames:
            self._check_origin(self.frames[-1], (args, kwargs))
        result = function(*args, **(kwargs or {}))
        if self.frames and not self.frames[-1].is_muted and tensors(result):
            self._note(self.frames[-1], function, args, kwargs or {}, result)
        return result

    def enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Begin a frame."""
        is_muted = is_of_torch(module) and not isinstance(module, nn.Sequential)
        is_muted |= bool(self.frames) and self.frames[-1].is_muted
        given = [] if is_muted else _named(module, args, kwargs)
        frame = _Frame(self.names[module], Body(), {}, given, is_muted)
        self.frames.append(frame)

    def leave(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
        """End a frame, and note the call in the frame around it. What comes out are other tensors, the same inside."""
        frame = self.frames.pop()
        if self.frames and self.frames[-1].is_muted:
            return result
        passed: tuple[Any, ...] = args
        with torch._C.DisableTorchFunction():
            if not frame.is_muted:
                frame.body.output = self._told(frame, result)
                used = {value.name for value in frame.values.values() if isinstance(value, Input)}
                direct = {id(arg) for arg in (*args, *kwargs.values()) if isinstance(arg, Tensor)}
                given = [(name, tensor) for name, tensor in frame.given if name in used or id(tensor) in direct]
                frame.body.inputs = tuple(name for name, _ in given)
                frame.body.shapes = f"{_shapes(t for _, t in given)} → {_shapes(tensors(result))}"
                self.bodies.setdefault(frame.name, []).append(frame.body)
                passed, kwargs = tuple(tensor for _, tensor in given), {}
            else:
                self.bodies.setdefault(frame.name, [])
            if not self.frames:
                return result
            result = tree_map(lambda leaf: leaf.view_as(leaf) if isinstance(leaf, Tensor) else leaf, result)
            self._note(self.frames[-1], frame.name, passed, kwargs, result)
        return result

    def _note(self, frame: _Frame, target: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> None:
        step = Step(target, self._told(frame, args), self._told(frame, dict(kwargs)))
        frame.body.steps.append(step)
        frame.alive += [*tensors(args), *tensors(kwargs), *tensors(result)]
        if isinstance(result, Tensor):
            frame.values[id(result)] = step
        else:
            for index, tensor in enumerate(result):
                frame.values[id(tensor)] = Item(step, index)

    def _told(self, frame: _Frame, value: Any) -> Any:
        """Return a value with its tensors told by where they come from."""
        if isinstance(value, Tensor):
            if id(value) not in frame.values:
                frame.values[id(value)] = self._source(frame, value)
            return frame.values[id(value)]
        if isinstance(value, dict):
            return {key: self._told(frame, each) for key, each in value.items()}
        if isinstance(value, tuple | list) and not isinstance(value, torch.Size):
            return type(value)(self._told(frame, each) for each in value)
        return value

    def _source(self, frame: _Frame, tensor: Tensor) -> Input | Weight:
        for name, given in frame.given:
            if given is tensor:
                return Input(name)
        if id(tensor) in self.weights:
            return self.weights[id(tensor)]
        raise self._unknown(frame, tensor)

    def _check_origin(self, frame: _Frame, given: Any) -> None:
        """Refuse tensors with numbers: all that is known here has none."""
        for tensor in tensors(given):
            if not tensor.is_meta:
                raise self._unknown(frame, tensor)

    def _unknown(self, frame: _Frame, tensor: Tensor) -> ValueError:
        return ValueError(
            f"the module {frame.name or 'network'!r} uses a tensor of shape {tuple(tensor.shape)} that is no input, no "
            "parameter and no buffer. Make it known with self.register_buffer('name', tensor), or export to ONNX."
        )


def _named(module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[tuple[str, Tensor]]:
    """Return the tensors among the arguments of a forward, named as its arguments are."""
    bound = inspect.signature(module.forward).bind(*args, **kwargs)
    found = []
    for name, value in bound.arguments.items():
        if isinstance(value, Tensor):
            found.append((name, value))
        elif isinstance(value, dict):
            found += [(f"{name}_{key}", each) for key, each in value.items() if isinstance(each, Tensor)]
        else:
            found += [(f"{name}_{place}", each) for place, each in enumerate(tensors(value))]
    return found


def _shapes(tensors: Iterable[Tensor]) -> str:
    return ", ".join(f"[{', '.join(['batch', *map(str, tensor.shape[1:])])}]" for tensor in tensors)
