"""Chain-structured networks: one layer after another, each with its own type and sizes.

The space of the first controllers (Zoph & Le, arXiv:1611.01578; Baker et al., arXiv:1611.02167),
in the reading of Elsken, Metzen & Hutter's survey, arXiv:1808.05377, Section 2 and Figure 2.

An architecture has a depth and, for each layer up to that depth, a type; convolutions have a
width, a kernel size and an activation, dense layers a width and an activation, pooling halves
the resolution. After the first dense layer all layers are dense. With ``skips=True`` a
convolution or dense layer may be bypassed by an identity (or, where sizes differ, a linear
projection), as in a residual network. Decisions of layers and kinds that do not apply are inactive.

A step to a neighbour changes the depth by one layer: it deletes the last one, or appends one of any type and sizes.

The native string reads from input to output:

    conv3-16-relu > pool > conv5-32-relu+skip > dense-64-tanh
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate, pairwise, product

import numpy as np

from nasedu.core import (
    Architecture,
    Decision,
    Diagram,
    Edge,
    Node,
    SearchSpace,
    check_by,
    check_flag,
    check_list,
    check_rng,
    check_text,
    check_whole,
    draw_below,
    shown,
)

__all__ = ["Chain", "Layer"]

TYPES = ("dense", "conv", "pool")  # the first is what a layer starts as: dense may follow any other
MOST_WIDTH, MOST_KERNEL = 1_000_000, 999
PARTS = {"conv": ("width", "kernel", "activation", "skip"), "pool": (), "dense": ("width", "activation", "skip")}

Layer = dict[str, str | int | float | bool]
"""One layer by name: type and, where they apply, width, kernel, activation, skip."""


class Chain(SearchSpace):
    """Chains of convolution, pooling and dense layers, on images and on signals.

    Args:
        min_depth, max_depth: limits of the number of layers, 1 ≤ min_depth ≤ max_depth ≤ 100.
        widths: output channels (convolution) or units (dense) to choose from.
        kernels: sizes of convolution kernels to choose from, odd.
        activations: among ``"relu"``, ``"tanh"`` and ``"gelu"``.
        skips: whether layers may have a skip connection around them.

    Raises:
        ValueError: a number is no whole one or out of range, a kernel is even, or an activation is unknown.

    Example:
        >>> space = Chain(max_depth=3)
        >>> space.parse("conv3-16-relu > pool > dense-32-relu").options["layer 2 type"]
        'pool'
    """

    def __init__(
        self,
        min_depth: int = 1,
        max_depth: int = 5,
        widths: Sequence[int] = (8, 16, 32),
        kernels: Sequence[int] = (1, 3, 5),
        activations: Sequence[str] = ("relu", "tanh"),
        skips: bool = False,
    ) -> None:
        max_depth = check_whole("max_depth", max_depth, 1, 100)
        min_depth = check_whole("min_depth", min_depth, 1, max_depth)
        widths = [check_whole("a width", width, 1, MOST_WIDTH) for width in check_list("widths", widths, (8, 16))]
        kernels = check_list("kernels", kernels, (3, 5))
        kernels = [check_whole("a kernel", kernel, 1, MOST_KERNEL) for kernel in kernels]
        activations = check_list("activations", activations, ("relu", "tanh"))
        if any(kernel % 2 == 0 for kernel in kernels):
            raise ValueError(f"kernels must be odd, so that a layer keeps its resolution; got {tuple(kernels)}.")
        unknown = set(activations) - {"relu", "tanh", "gelu"}
        if unknown:
            raise ValueError(f"unknown activation {shown(min(unknown))}; there are relu, tanh and gelu.")
        decisions = [Decision("depth", tuple(range(min_depth, max_depth + 1)))]
        parts: dict[str, tuple[str | int | float | bool, ...]] = {
            "type": TYPES,
            "width": tuple(widths),
            "kernel": tuple(kernels),
            "activation": tuple(activations),
        }
        if check_flag("skips", skips):
            parts["skip"] = ("no", "yes")
        for layer in range(1, max_depth + 1):
            decisions += [Decision(f"layer {layer} {part}", options) for part, options in parts.items()]
        parameters = {
            "min_depth": min_depth,
            "max_depth": max_depth,
            "widths": widths,
            "kernels": kernels,
            "activations": activations,
            "skips": bool(skips),
        }
        self._parts = tuple(parts)  # the parts that each layer has a decision for, type first
        self._layers = {
            "before dense": _layer_choices("conv", parts) + _layer_choices("pool", parts),
            "dense": _layer_choices("dense", parts),
        }
        super().__init__("chain", decisions, parameters)

    def layers(self, choices: tuple[int, ...]) -> list[Layer]:
        """Return the layers from input to output, with the parts that apply to their type."""
        depth = int(self.decisions[0].options[choices[0]])
        found: list[Layer] = []
        for layer in range(depth):
            start = 1 + layer * len(self._parts)
            values: Layer = {
                part: self.decisions[start + k].options[choices[start + k]] for k, part in enumerate(self._parts)
            }
            applies = PARTS[str(values["type"])]
            found.append({part: value for part, value in values.items() if part == "type" or part in applies})
        return found

    def active(self, choices: tuple[int, ...]) -> tuple[bool, ...]:
        """Depth, the type of each layer up to it, and what applies to that type."""
        depth = int(self.decisions[0].options[choices[0]])
        flags = [True]
        for layer in range((len(self.decisions) - 1) // len(self._parts)):
            applies = PARTS[TYPES[choices[1 + layer * len(self._parts)]]]
            flags += [layer < depth and (part == "type" or part in applies) for part in self._parts]
        return tuple(flags)

    def is_valid(self, choices: tuple[int, ...]) -> bool:
        """After a dense layer come only dense layers."""
        return all(b["type"] == "dense" for a, b in pairwise(self.layers(choices)) if a["type"] == "dense")

    @property
    def size_is_exact(self) -> bool:
        """Always: the chains are counted layer by layer."""
        return True

    @cached_property
    def _shapes(self) -> list[tuple[int, int]]:
        """How many layers there may be before the first dense one, and how many from it on."""
        depths = map(int, self.decisions[0].options)
        return [(depth - tail, tail) for depth in depths for tail in range(depth + 1)]

    @cached_property
    def _ends_of_shapes(self) -> list[int]:
        """How many chains there are up to each shape."""
        before, dense = len(self._layers["before dense"]), len(self._layers["dense"])
        return list(accumulate(before**n * dense**tail for n, tail in self._shapes))

    def _count_architectures(self) -> int:
        return self._ends_of_shapes[-1]

    def sample(self, rng: np.random.Generator, by: str = "architecture") -> Architecture:
        """Draw a chain: all chains equally likely, or decision after decision; see :meth:`SearchSpace.sample`.

        Where all chains are equally likely, most are as deep as can be, for most of the chains are. Decision after
        decision all depths are drawn equally often, but chains that are not valid are drawn again, and those are deep.
        """
        check_rng(rng)
        check_by(by)
        if by == "decision":
            return super().sample(rng, by)
        before, tail = self._shapes[bisect_right(self._ends_of_shapes, draw_below(rng, self.size))]
        kinds = ["before dense"] * before + ["dense"] * tail
        drawn = rng.integers([len(self._layers[kind]) for kind in kinds]).tolist()
        choices = [before + tail - int(self.decisions[0].options[0])]
        for kind, layer in zip(kinds, drawn, strict=True):
            choices += self._layers[kind][layer]
        return self.architecture(choices + [0] * (len(self.decisions) - len(choices)))

    def alternatives(self, choices: tuple[int, ...], index: int) -> Sequence[int]:
        """Return the options that a decision may change to: of the depth one more and one less, else all others."""
        if index > 0:
            return super().alternatives(choices, index)
        return self.adjacent(choices, index)

    def format(self, choices: tuple[int, ...]) -> str:
        """Return the layers from input to output, such as ``conv3-16-relu > pool > dense-32-relu``."""
        return " > ".join(_layer_name(layer) for layer in self.layers(choices))

    def pieces(self, choices: tuple[int, ...]) -> list[tuple[str, int | None]]:
        """Return the string in pieces: one for each layer, told by its type, and one for each skip connection."""
        found: list[tuple[str, int | None]] = []
        for index, layer in enumerate(self.layers(choices)):
            name = _layer_name(layer)
            body, start = name.removesuffix("+skip"), 1 + index * len(self._parts)
            found += [(" > ", None)] if index else []
            found.append((body, start))
            found += [("+skip", start + len(self._parts) - 1)] if body != name else []
        return found

    def parse(self, text: str) -> Architecture:
        """Return the chain that a string such as ``conv3-16-relu > pool`` names.

        Raises:
            ValueError: a layer is malformed, an option is not of this space, or the depth is outside its limits.
        """
        text = check_text(text)
        names = [name.strip() for name in text.split(">")]
        depths = self.decisions[0].options
        if len(names) not in depths:
            raise ValueError(f"the depth must lie in {depths[0]}..{depths[-1]}; got {len(names)} layers.")
        layers = [_parse_layer(name, text) for name in names]
        choices = [depths.index(len(names))]
        for layer in range(int(depths[-1])):
            given = layers[layer] if layer < len(layers) else {}
            if "skip" in given and given["skip"] == "yes" and "skip" not in self._parts:
                raise ValueError(f"this space has no skip connections (skips=False); got {shown(text)}.")
            for k, part in enumerate(self._parts):
                decision = self.decisions[1 + layer * len(self._parts) + k]
                option = given.get(part, decision.options[0])
                if option not in decision.options:
                    known = ", ".join(map(str, decision.options))
                    raise ValueError(
                        f"unknown {part} {shown(option)} in {shown(text)}; {decision.name} may be {known}."
                    )
                choices.append(decision.options.index(option))
        return self.architecture(self.pin(tuple(choices)))

    def diagram(self, architecture: Architecture) -> Diagram:
        """Return the layers in a row; a skip connection is an arc around its layer, above and below in turn."""
        layers = self.layers(architecture.choices)
        ends = (
            Node("input", 0.0, 0.0, "input", "input"),
            Node("output", 1.5 * (len(layers) + 1), 0.0, "output", "output"),
        )
        inner = [
            Node(f"layer {i}", 1.5 * i, 0.0, _layer_label(layer), "operation", decision=1 + (i - 1) * len(self._parts))
            for i, layer in enumerate(layers, 1)
        ]
        nodes = [ends[0], *inner, ends[1]]
        edges = [Edge(a.id, b.id) for a, b in pairwise(nodes)]
        for i, layer in enumerate(layers, 1):
            if layer.get("skip") == "yes":
                index = i * len(self._parts)  # the last part of layer i
                bend = 0.75 if i % 2 else -0.75  # else the arcs of neighbours would cross
                edges.append(Edge(nodes[i - 1].id, nodes[i + 1].id, "skip_connect", index, bend))
        return Diagram(tuple(nodes), tuple(edges))


def _layer_choices(kind: str, parts: Mapping[str, Sequence[object]]) -> list[tuple[int, ...]]:
    """Return the choices of every layer of a type, with those that do not apply at 0."""
    applies = [range(len(options)) if part in PARTS[kind] else (0,) for part, options in parts.items()]
    return [(TYPES.index(kind), *rest) for _, *rest in product(*applies)]


def _layer_name(layer: Layer) -> str:
    name = f"{layer['type']}{layer.get('kernel', '')}"
    name += "".join(f"-{layer[part]}" for part in ("width", "activation") if part in layer)
    return name + ("+skip" if layer.get("skip") == "yes" else "")


def _layer_label(layer: Layer) -> str:
    if layer["type"] == "pool":
        return "pool 2"
    kernel = f" {layer['kernel']}" if "kernel" in layer else ""
    return f"{layer['type']}{kernel} ×{layer['width']} {layer['activation']}"


def _parse_layer(name: str, text: str) -> Layer:
    body, plus, extra = name.partition("+")
    parts = body.split("-")
    kind = parts[0].rstrip("0123456789")
    kernel = parts[0][len(kind) :]
    expected = {"conv": (3, True), "pool": (1, False), "dense": (3, False)}
    is_expected = kind in expected and (len(parts), bool(kernel)) == expected[kind] and len(kernel) < 10
    if not is_expected or (plus and extra != "skip"):
        raise ValueError(
            "expected layers like conv3-16-relu, pool or dense-32-relu, joined by ' > '; "
            f"got {shown(name)} in {shown(text)}."
        )
    layer: Layer = {"type": kind}
    if kind != "pool":
        if not re.fullmatch("[0-9]{1,9}", parts[1]):
            raise ValueError(f"the width must be a whole number; got {shown(parts[1])} in {shown(text)}.")
        layer |= {"width": int(parts[1]), "activation": parts[2], "skip": "yes" if plus else "no"}
    if kernel:
        layer["kernel"] = int(kernel)
    return layer
