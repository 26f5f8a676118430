"""The lines of a forward, from the calls that were recorded.

What is used once and is short stands where it is used, as a person would write it; everything else gets a name, if a
module made it that module's.
"""

from __future__ import annotations

import json
import keyword
import math
import re
from collections.abc import Callable, Collection
from typing import Any

import torch
from torch.overrides import resolve_name

from nasedu.networks.export_recording import BATCH, Body, Input, Item, Step, Weight

__all__ = ["LINE", "ForwardLines", "function_name", "is_name", "quoted", "unique"]

LINE = 100  # characters
INLINE = 60  # of an expression inside another
OPERATORS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "matmul": "@", "__rsub__": "-", "__rtruediv__": "/"}


class ForwardLines:
    """Writes the lines of a forward.

    Args:
        body: what was recorded.
        access: how the module gets at another, or at a weight, by its name in the network.
        in_place: whether a step overwrites what it gets; then all steps stay in order, each on its line.
        name: of a module in the network, without that of the module whose forward it is.
    """

    def __init__(
        self, body: Body, access: Callable[[str], str], name: Callable[[str], str], in_place: Callable[[Step], bool]
    ) -> None:
        self.body, self.access, self.name = body, access, name
        self.uses: dict[int, int] = {}
        for step in body.steps:
            self._count([step.arguments, dict(step.keywords)])
        self._count(body.output)
        self.names: dict[int, str] = {}
        self.waiting: dict[int, str] = {}  # expressions of steps that have no line
        self.out: list[str] = []
        self.taken = {"self", "torch", "nn", "F", *body.inputs}
        self.in_order = any(map(in_place, body.steps))

    def lines(self) -> list[str]:
        """Return the lines, without indentation of their own."""
        for step in self.body.steps:
            self._make_room(step)
            text = self._call(step)
            if self.uses.get(id(step), 0) == 1 and not self.in_order:
                self.waiting[id(step)] = text
            else:
                self._assign(step, text)
        self.out.append(_wrapped(f"return {self._text(self.body.output)}"))
        return self.out

    def _count(self, value: Any) -> None:
        if isinstance(value, Step):
            self.uses[id(value)] = self.uses.get(id(value), 0) + 1
        elif isinstance(value, Item):
            self.uses[id(value.step)] = 2  # one of several tensors: together they get a name
        elif isinstance(value, dict | tuple | list):
            for each in value.values() if isinstance(value, dict) else value:
                self._count(each)

    def _make_room(self, step: Step) -> None:
        """Where what could stand in a step is too long, give the longest of it lines before."""
        inner = [each for each in _steps([step.arguments, dict(step.keywords)]) if id(each) in self.waiting]
        inner.sort(key=lambda each: len(self.waiting[id(each)]))
        while inner and (
            len(self.waiting[id(inner[-1])]) > INLINE or sum(len(self.waiting[id(each)]) for each in inner) > LINE - 30
        ):
            longest = inner.pop()
            self._assign(longest, self.waiting.pop(id(longest)))

    def _assign(self, step: Step, text: str) -> None:
        base = re.sub(r"\W+", "_", self.name(step.target).replace("→", "_")) if isinstance(step.target, str) else "h"
        name = unique(base if is_name(base) else f"m{base}", self.taken)
        self.taken.add(name)
        self.names[id(step)] = name
        self.out.append(_wrapped(f"{name} = {text}"))

    def _call(self, step: Step) -> str:
        full = "" if isinstance(step.target, str) else function_name(step.target)
        if full == "torch.Tensor.__getitem__":
            return f"{_operand(self._text(step.arguments[0]))}[{self._index(step.arguments[1])}]"
        arguments = [self._text(value) for value in step.arguments]
        keywords = [f"{key}={self._text(value)}" for key, value in step.keywords.items()]
        inside = ", ".join(arguments + keywords)
        if isinstance(step.target, str):
            return f"{self.access(step.target)}({inside})"
        short = full.rpartition(".")[2]
        if not full.startswith("torch.Tensor."):
            return f"{full.replace('torch.nn.functional.', 'F.')}({inside})"
        if short in OPERATORS and len(arguments) == 2 and not keywords:
            first, second = reversed(arguments) if short.startswith("__r") else arguments
            return f"{_operand(first, before_sum=short == 'add')} {OPERATORS[short]} {_operand(second)}"
        if short == "__get__":  # a property
            return f"{_operand(arguments[0])}.{full.split('.')[-2]}"
        return f"{_operand(arguments[0])}.{short}({', '.join(arguments[1:] + keywords)})"

    def _index(self, value: Any) -> str:
        if isinstance(value, tuple) and value:
            return ", ".join(map(self._index, value)) + ("," if len(value) == 1 else "")
        if isinstance(value, slice):
            parts = ["" if part is None else self._text(part) for part in (value.start, value.stop)]
            return ":".join(parts) + ("" if value.step is None else f":{self._text(value.step)}")
        return "..." if value is Ellipsis else self._text(value)

    def _text(self, value: Any) -> str:
        if isinstance(value, Input):
            return value.name
        if isinstance(value, Weight):
            return self.access(value.name)
        if isinstance(value, Step):
            return self.names[id(value)] if id(value) in self.names else self.waiting.pop(id(value))
        if isinstance(value, Item):
            return f"{self._text(value.step)}[{value.index}]"
        if isinstance(value, tuple):
            return f"({', '.join(map(self._text, value))}{',' if len(value) == 1 else ''})"
        if isinstance(value, list):
            return f"[{', '.join(map(self._text, value))}]"
        return self._constant(value)

    def _constant(self, value: Any) -> str:
        if isinstance(value, torch.device):
            return f"{self.body.inputs[0]}.device"
        if type(value) is int and value and value % BATCH == 0:
            times = "" if value == BATCH else f"{value // BATCH} * "
            return f"{times}{self.body.inputs[0]}.shape[0]"
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        if isinstance(value, str):
            return quoted(value)
        if value is None or isinstance(value, bool | int | float | torch.dtype | torch.memory_format):
            return repr(value)
        raise ValueError(f"a {type(value).__name__} as an argument cannot be written as Python. Export to ONNX.")


def _steps(value: Any) -> list[Step]:
    if isinstance(value, Step):
        return [value]
    values = list(value.values()) if isinstance(value, dict) else value
    return [step for each in values for step in _steps(each)] if isinstance(values, tuple | list) else []


def function_name(function: Any) -> str:
    """Return the name of a torch function as one would write it, such as ``torch.nn.functional.pad``."""
    name: str | None = resolve_name(function)
    if name is None:
        raise ValueError(f"{function!r} cannot be written as Python. Export to ONNX.")
    return name


def _operand(text: str, before_sum: bool = False) -> str:
    """Return the text, in brackets if it has an operator outside of brackets that would bind otherwise."""
    outside = text
    while (bare := re.sub(r"\([^()\[\]]*\)|\[[^()\[\]]*\]", "", outside)) != outside:
        outside = bare
    if not re.search(r" |^-", outside) or (before_sum and not re.search(r" [^+] |^-", outside)):
        return text
    return f"({text})"


def _wrapped(line: str) -> str:
    """Return a line of a forward; a long one is broken after commas in brackets."""
    rows, row, depth, quote = [], "", 0, ""
    for word in re.findall(r"\S+\s?", line):
        if row and len(row) + len(word) + 8 > LINE and depth and row.rstrip().endswith(",") and not quote:
            rows.append(row.rstrip())
            row = "    "
        row += word
        for character in word:
            if character in "\"'" and quote in ("", character):
                quote = "" if quote else character
            elif not quote:
                depth += (character in "([{") - (character in ")]}")
    return "\n        ".join([*rows, row])


def quoted(text: str) -> str:
    """Return a string literal."""
    return json.dumps(text, ensure_ascii=False) if text.isprintable() else repr(text)


def is_name(text: str) -> bool:
    """Say whether Python takes it as a name."""
    return text.isidentifier() and not keyword.iskeyword(text)


def unique(name: str, taken: Collection[str]) -> str:
    """Return the name, or where it is taken one with a number."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}" if name[-1].isdecimal() else f"{name}{number}"
    return found
