"""A network as classes that need torch alone.

There is a class for each kind of module that the network is made of, with the layers in ``__init__`` and what it does,
line by line, in ``forward``. Names are those of the network, so that its state dict fits. Modules that do the same
share a class. A module without weights that only pools is one of torch's pooling layers, one that only calls its parts
in a row is an ``nn.Sequential``. What the network never calls is left out.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from torch import nn

from nasedu.networks.dry_run import is_of_torch
from nasedu.networks.export_forward import LINE, ForwardLines, function_name, is_name, quoted, unique
from nasedu.networks.export_recording import Body, Input, Step, record

__all__ = ["python_source"]

POOLS = re.compile(r"torch\.(?:nn\.functional\.)?(max|avg)_pool([12]d)")
Expression = str | tuple[str, list[Any], str]  # a text, or (head, expressions, end)


def python_source(network: nn.Module, input_shape: Sequence[int]) -> tuple[str, list[str]]:
    """Return the classes as text, the last of them ``Network``, and the names of the weights that they have.

    Args:
        network: left as it is.
        input_shape: of one sample, without the batch. The classes are for inputs of this shape.

    Raises:
        ValueError: a part of the network cannot be written: one of torch's layers that does not tell what it was made
            with, one that does different things in different calls, or a tensor of unknown origin.
    """
    writer = _Writer(network, record(network, input_shape))
    writer.write("", "Network")
    names = [name for name in network.state_dict() if name.rpartition(".")[0] in writer.written]
    return "\n\n\n".join(writer.classes.values()), names


class _Writer:
    """Writes one class after the other; those that another needs come first."""

    def __init__(self, network: nn.Module, bodies: Mapping[str, list[Body]]) -> None:
        self.modules = dict(network.named_modules())
        self.bodies = bodies
        self.used = {part for name in bodies for part in accumulate(name.split("."), _joined)}
        self.written: set[str] = set()
        self.classes: dict[str, str] = {}  # name → text
        self.names: dict[str, str] = {}  # what a class does → its name

    # What makes a module ----------------------------------------------------------------------

    def expression(self, name: str) -> Expression:
        """Return what makes a module."""
        module = self.modules[name]
        kind = type(module)
        self.written.add(name)
        parts = {child: _joined(name, child) for child, _ in module.named_children()}
        if kind is nn.Sequential and all(child == str(place) for place, child in enumerate(parts)):
            return "nn.Sequential(", [self.expression(part) for part in parts.values()], ")"
        if kind is nn.ModuleList:
            items = [self.expression(part) if part in self.used else "nn.Identity()" for part in parts.values()]
            return "nn.ModuleList([", items, "])"
        if kind is nn.Sequential:
            return "nn.Sequential(OrderedDict({", self._named(parts), "}))"
        if kind is nn.ModuleDict or name not in self.bodies:  # it only holds its parts
            return "nn.ModuleDict({", self._named(parts), "})"
        if is_of_torch(module):
            return _layer(module)
        body = self._body(name)
        if chain := self._chain(name, body):
            return "nn.Sequential(OrderedDict({", self._named({child: parts[child] for child in chain}), "}))"
        return _pool(body) or f"{self.write(name, kind.__name__)}()"

    def _named(self, parts: Mapping[str, str]) -> list[Expression]:
        return [
            _after(f"{quoted(child)}: ", self.expression(part)) for child, part in parts.items() if part in self.used
        ]

    def _body(self, name: str) -> Body:
        first, *others = self.bodies[name]
        text = self._forward(name, first) if others else ""
        if any(self._forward(name, other) != text for other in others):
            kind = type(self.modules[name]).__name__
            raise ValueError(
                f"the module {name!r}, a {kind}, does different things in different calls, which cannot be written as "
                "one forward. Export to ONNX."
            )
        return first

    def _chain(self, name: str, body: Body) -> list[str]:
        """Return the children of a module that only calls them in a row, each once, and of another nothing."""
        found: list[str] = []
        last: Any = Input(body.inputs[0]) if len(body.inputs) == 1 else None
        for step in body.steps:
            holder, _, child = str(step.target).rpartition(".")
            if holder != name or child in found or step.arguments != (last,) or step.keywords:
                return []
            found.append(child)
            last = step
        module = self.modules[name]
        has_own = any(len(list(each)) for each in (module.parameters(recurse=False), module.buffers(recurse=False)))
        return found if body.output is last and not has_own else []

    # Classes ----------------------------------------------------------------------------------

    def write(self, name: str, class_name: str) -> str:
        """Write the class of a module, unless one that does the same is there, and return its name."""
        module, body = self.modules[name], self._body(name)
        self.written.add(name)
        is_sequence = type(module) is nn.Sequential  # only the network itself comes here as one
        if is_sequence:
            made = self.expression(name)
            assert not isinstance(made, str), "a sequence is an expression with items"
            head, items, end = made
            init = [_laid_out((head.replace("nn.Sequential", "super().__init__", 1), items, end), 8)]
        else:
            init = ["super().__init__()", *self._attributes(name, module)]
        text = "    def __init__(self):\n" + "\n".join(f"        {line}" for line in init)
        text += "" if is_sequence else "\n\n" + self._forward(name, body)
        if text in self.names and name:
            return self.names[text]
        own = unique(class_name, {*self.classes, "Network"}) if name else class_name
        self.names[text] = own
        base = "nn.Sequential" if is_sequence else "nn.Module"
        self.classes[own] = f"class {own}({base}):\n{_docstring(module, body)}\n\n{text}"
        return own

    def _attributes(self, name: str, module: nn.Module) -> list[str]:
        lines = []
        for own, tensor in module.named_parameters(recurse=False):
            lines.append(f"self.{own} = nn.Parameter(torch.empty({tuple(tensor.shape)}))")
        for own, buffer in module.named_buffers(recurse=False):
            lines.append(f'self.register_buffer("{own}", torch.empty({tuple(buffer.shape)}, dtype={buffer.dtype}))')
        for child, _ in module.named_children():
            part = _joined(name, child)
            if part in self.used:
                made = self.expression(part)
                start, end = (f"self.{child} = ", "") if is_name(child) else (f"self.add_module({quoted(child)}, ", ")")
                lines.append(_laid_out(_after(start, made), 8) + end)
        return lines

    def _forward(self, name: str, body: Body) -> str:
        def relative(path: str) -> str:
            return path.removeprefix(f"{name}.") if name else path

        lines = ForwardLines(body, lambda path: self._access(name, relative(path)), relative, self._is_in_place).lines()
        return f"    def forward({', '.join(['self', *body.inputs])}):\n" + "\n".join(f"        {x}" for x in lines)

    def _access(self, name: str, path: str) -> str:
        """Return how the module ``name`` gets at what is at ``path`` inside it."""
        text, at = "self", name
        for part in path.split("."):
            holder = self.modules[at]
            if at != name and isinstance(holder, nn.ModuleList | nn.Sequential) and part.isdecimal():
                text += f"[{part}]"
            elif at != name and (isinstance(holder, nn.ModuleDict) or at not in self.bodies):
                text += f"[{quoted(part)}]"
            else:
                text += f".{part}" if is_name(part) else f".get_submodule({quoted(part)})"
            at = _joined(at, part)
        return text

    def _is_in_place(self, step: Step) -> bool:
        if isinstance(step.target, str):
            return any(getattr(module, "inplace", False) is True for module in self.modules[step.target].modules())
        short = function_name(step.target).rpartition(".")[2]
        return (short.endswith("_") and not short.endswith("__")) or step.keywords.get("inplace", False) is True


def _docstring(module: nn.Module, body: Body) -> str:
    """Return the first sentence that the module's class says of itself, and the shapes."""
    said = inspect.cleandoc("" if is_of_torch(module) else type(module).__doc__ or "").partition("\n\n")[0]
    said = " ".join(said.replace("\\", "/").replace('"', "'").split())
    if not said:
        return f'    """{body.shapes}."""'
    lines = textwrap.wrap(f'"""{said}', LINE, initial_indent="    ", subsequent_indent="    ")
    return "\n".join([*lines, "", f"    {body.shapes}", '    """'])


# torch's layers -----------------------------------------------------------------------------------


def _layer(module: nn.Module) -> str:
    """Return what makes one of torch's layers, without arguments at their defaults."""
    kind = type(module).__name__
    if isinstance(module, nn.Identity) or type(module).__init__ is nn.Module.__init__:
        return f"nn.{kind}()"
    arguments, is_positional = [], True
    for name, parameter in list(inspect.signature(type(module)).parameters.items()):
        if name in ("device", "dtype"):
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or not hasattr(module, name):
            raise ValueError(f"torch's {kind} cannot be written as Python. Export to ONNX.")
        value = getattr(module, name)
        if name == "bias":
            value = value is not None
        if isinstance(value, tuple) and len(set(value)) == 1 and name != "normalized_shape":
            value = value[0]
        if value == parameter.default and type(value) is type(parameter.default):
            is_positional = False
            continue
        is_positional &= parameter.default is parameter.empty
        arguments.append(repr(value) if is_positional else f"{name}={value!r}")
    return f"nn.{kind}({', '.join(arguments)})"


def _pool(body: Body) -> str:
    """Return one of torch's pooling layers, if that is all that a module does."""
    if len(body.steps) != 1 or body.output is not body.steps[0] or isinstance(body.steps[0].target, str):
        return ""
    step = body.steps[0]
    found = POOLS.fullmatch(function_name(step.target))
    if not found or step.arguments[:1] != (Input(body.inputs[0]),):
        return ""
    kind = f"{found[1].capitalize()}Pool{found[2]}"
    defaults = inspect.signature(getattr(nn, kind)).parameters
    given = [f"{key}={value!r}" for key, value in step.keywords.items() if value != defaults[key].default]
    return f"nn.{kind}({', '.join([*map(repr, step.arguments[1:]), *given])})"


# Text ---------------------------------------------------------------------------------------------


def _joined(name: str, child: str) -> str:
    return f"{name}.{child}" if name else child


def _after(start: str, made: Expression) -> Expression:
    return start + made if isinstance(made, str) else (start + made[0], made[1], made[2])


def _laid_out(made: Expression, indent: int) -> str:
    """Return an expression, on one line if it fits, else with its parts below each other."""
    if isinstance(made, str):
        return made
    head, items, end = made
    flat = _flat(made)
    if indent + len(flat) <= LINE:
        return flat
    rows = [f"{' ' * (indent + 4)}{_laid_out(item, indent + 4)}," for item in items]
    return "\n".join([head, *rows, " " * indent + end])


def _flat(made: Expression) -> str:
    return made if isinstance(made, str) else made[0] + ", ".join(map(_flat, made[1])) + made[2]
