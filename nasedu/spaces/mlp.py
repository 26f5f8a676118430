"""Multilayer perceptrons: layers of units, one after another, for tables of numbers.

Klein & Hutter, "Tabular Benchmarks for Joint Architecture and Hyperparameter Optimization", arXiv:1905.04970,
Section 2, for depth, width and activation; normalization and skip connections after the MLP and the ResNet of
Gorishniy, Rubachev, Khrulkov & Babenko, "Revisiting Deep Learning Models for Tabular Data", arXiv:2106.11959,
Section 3.

An architecture has a depth and a normalization and, for each layer up to that depth, a width and an activation. With
``skips=True`` a layer may have a skip connection around it. With n normalizations, w widths and a activations there are

    n · Σ_depth (w · a)^depth        networks, and with skips n · Σ_depth (2 · w · a)^depth

The native string reads from input to output, and begins with the normalization, if there is one:

    batch: 64-relu > 32-tanh+skip

What differs from the papers:
    * The benchmark of Klein & Hutter has two layers, always. Its choices of them are ``MLP(min_depth=2, max_depth=2,
      widths=(16, 32, 64, 128, 256, 512), normalizations=("none",))``, without the dropout and the settings of
      training (learning rate, batch size, schedule) that are searched there, too.
    * There is no dropout: it acts in training alone.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, pairwise

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

__all__ = ["ACTIVATIONS", "MLP", "NORMALIZATIONS"]

ACTIVATIONS = ("relu", "tanh", "gelu")
MOST_WIDTH = 1_000_000
NORMALIZATIONS = ("none", "batch", "layer")


class MLP(SearchSpace):
    """Multilayer perceptrons, on inputs of any shape, which are flattened.

    Args:
        min_depth, max_depth: limits of the number of hidden layers, 1 ≤ min_depth ≤ max_depth ≤ 100.
        widths: units of a layer to choose from, at least 1 each.
        activations: to choose from for each layer, among ``"relu"``, ``"tanh"`` and ``"gelu"``.
        normalizations: to choose from for the whole network, among ``"none"``, ``"batch"`` and ``"layer"``.
        skips: whether layers may have a skip connection around them.

    Raises:
        ValueError: a number is no whole one or out of range, or an activation or normalization is unknown.

    Example:
        >>> space = MLP(max_depth=2, widths=(16, 64), activations=("relu",))
        >>> space.size
        12
        >>> space.parse("batch: 64-relu > 16-relu").options["layer 2 width"]
        16
    """

    def __init__(
        self,
        min_depth: int = 1,
        max_depth: int = 4,
        widths: Sequence[int] = (16, 32, 64, 128),
        activations: Sequence[str] = ("relu", "tanh"),
        normalizations: Sequence[str] = ("none", "batch"),
        skips: bool = False,
    ) -> None:
        max_depth = check_whole("max_depth", max_depth, 1, 100)
        min_depth = check_whole("min_depth", min_depth, 1, max_depth)
        widths = [check_whole("a width", width, 1, MOST_WIDTH) for width in check_list("widths", widths, (16, 32))]
        activations = check_list("activations", activations, ("relu", "tanh"))
        normalizations = check_list("normalizations", normalizations, ("none", "batch"))
        for names, known in ((activations, ACTIVATIONS), (normalizations, NORMALIZATIONS)):
            unknown = set(names) - set(known)
            if unknown:
                raise ValueError(f"there is no {shown(min(unknown))}; choose among {', '.join(known)}.")
        decisions = [
            Decision("depth", tuple(range(min_depth, max_depth + 1))),
            Decision("normalization", tuple(normalizations)),
        ]
        parts: dict[str, tuple[int | str, ...]] = {"width": tuple(widths), "activation": tuple(activations)}
        if check_flag("skips", skips):
            parts["skip"] = ("no", "yes")
        for layer in range(1, max_depth + 1):
            decisions += [Decision(f"layer {layer} {part}", options) for part, options in parts.items()]
        parameters = {
            "min_depth": min_depth,
            "max_depth": max_depth,
            "widths": widths,
            "activations": activations,
            "normalizations": normalizations,
            "skips": bool(skips),
        }
        self._parts = tuple(parts)
        super().__init__("mlp", decisions, parameters)

    def normalization(self, choices: tuple[int, ...]) -> str:
        """Return the normalization of all layers: ``"none"``, ``"batch"`` or ``"layer"``."""
        return str(self.decisions[1].options[choices[1]])

    def layers(self, choices: tuple[int, ...]) -> list[tuple[int, str, bool]]:
        """Return the hidden layers from input to output: width, activation, and whether there is a skip connection."""
        found = []
        for start in self._starts(choices):
            parts = range(start, start + len(self._parts))
            width, activation, *skip = (self.decisions[k].options[choices[k]] for k in parts)
            found.append((int(width), str(activation), skip == ["yes"]))
        return found

    def _starts(self, choices: tuple[int, ...]) -> range:
        """Return the first decision of each layer that there is."""
        step = len(self._parts)
        return range(2, 2 + step * int(self.decisions[0].options[choices[0]]), step)

    def active(self, choices: tuple[int, ...]) -> tuple[bool, ...]:
        """Depth, normalization, and the layers up to that depth."""
        count = self._starts(choices).stop
        return (True,) * count + (False,) * (len(self.decisions) - count)

    @property
    def size_is_exact(self) -> bool:
        """Always: the networks of each depth are counted."""
        return True

    @cached_property
    def _ends_of_depths(self) -> list[int]:
        """How many networks there are up to each depth."""
        layers = int(np.prod(self._counts[2 : 2 + len(self._parts)]))
        return list(accumulate(self._counts[1] * layers ** int(depth) for depth in self.decisions[0].options))

    def _count_architectures(self) -> int:
        return self._ends_of_depths[-1]

    def sample(self, rng: np.random.Generator, by: str = "architecture") -> Architecture:
        """Draw a network: all equally likely, or all depths equally likely; see :meth:`SearchSpace.sample`."""
        check_rng(rng)
        check_by(by)
        choices = rng.integers(self._count_array).tolist()
        if by == "architecture":
            choices[0] = bisect_right(self._ends_of_depths, draw_below(rng, self.size))
        return self.architecture(self.pin(tuple(choices)))

    def alternatives(self, choices: tuple[int, ...], index: int) -> Sequence[int]:
        """Return the options that a decision may change to: of the depth one more and one less, else all others."""
        if index > 0:
            return super().alternatives(choices, index)
        return self.adjacent(choices, index)

    def format(self, choices: tuple[int, ...]) -> str:
        """Return the layers from input to output, such as ``batch: 64-relu > 32-tanh+skip``."""
        return "".join(text for text, _ in self.pieces(choices))

    def pieces(self, choices: tuple[int, ...]) -> list[tuple[str, int | None]]:
        """Return the string in pieces: normalization, then each layer's parts."""
        normalization = self.normalization(choices)
        found: list[tuple[str, int | None]] = [] if normalization == "none" else [(normalization, 1), (": ", None)]
        for start, (width, activation, skip) in zip(self._starts(choices), self.layers(choices), strict=True):
            found += [(" > ", None)] if start > 2 else []
            found += [(str(width), start), ("-", None), (activation, start + 1)]
            found += [("+skip", start + 2)] if skip else []
        return found

    def parse(self, text: str) -> Architecture:
        """Return the network that a string such as ``batch: 64-relu > 32-tanh`` names.

        Raises:
            ValueError: a layer is malformed, an option is not of this space, or the depth is outside its limits.
        """
        before, colon, after = check_text(text).partition(":")
        layers = [_parse_layer(name.strip(), text) for name in (after if colon else before).split(">")]
        depths = self.decisions[0].options
        if len(layers) not in depths:
            raise ValueError(f"the depth must lie in {depths[0]}..{depths[-1]}; got {len(layers)} layers.")
        values: list[int | str] = [len(layers), before.strip() if colon else "none"]
        for width, activation, skip in layers:
            if skip and "skip" not in self._parts:
                raise ValueError(f"this space has no skip connections (skips=False); got {shown(text)}.")
            layer: tuple[int | str, ...] = (width, activation, "yes" if skip else "no")
            values += layer[: len(self._parts)]
        choices = []
        for decision, value in zip(self.decisions, values, strict=False):
            if value not in decision.options:
                known = ", ".join(map(str, decision.options))
                raise ValueError(f"unknown {decision.name} {shown(value)} in {shown(text)}; it may be {known}.")
            choices.append(decision.options.index(value))
        return self.architecture(choices + [0] * (len(self.decisions) - len(choices)))

    def diagram(self, architecture: Architecture) -> Diagram:
        """Return the layers in a row; a skip connection is an arc around its layer, above and below in turn."""
        choices = architecture.choices
        normalization = self.normalization(choices)
        extra = "" if normalization == "none" else f" {normalization} norm"
        layers = list(zip(self._starts(choices), self.layers(choices), strict=True))
        inner = [
            Node(f"layer {i}", 1.5 * i, 0.0, f"dense ×{width}{extra} {activation}", "operation", decision=start)
            for i, (start, (width, activation, _)) in enumerate(layers, 1)
        ]
        output = Node("output", 1.5 * (len(layers) + 1), 0.0, "output", "output")
        nodes = [Node("input", 0.0, 0.0, "input", "input"), *inner, output]
        edges = [Edge(a.id, b.id) for a, b in pairwise(nodes)]
        for i, (start, (_, _, skip)) in enumerate(layers, 1):
            if skip:
                bend = 0.75 if i % 2 else -0.75  # else the arcs of neighbours would cross
                edges.append(Edge(nodes[i - 1].id, nodes[i + 1].id, "skip_connect", start + 2, bend))
        return Diagram(tuple(nodes), tuple(edges))


def _parse_layer(name: str, text: str) -> tuple[int, str, bool]:
    found = re.fullmatch(r"([0-9]{1,9})-([a-z]+)(\+skip)?", name)
    if not found:
        raise ValueError(
            f"expected layers like 64-relu or 64-relu+skip, joined by ' > ', and 'batch: ' or 'layer: ' before them if "
            f"they are normalized; got {shown(name)} in {shown(text)}."
        )
    return int(found[1]), found[2], bool(found[3])
