"""The two spaces of ENAS: micro, cells as in NASNet, and macro, whole networks with skip connections.

Pham, Guan, Zoph, Le & Dean, "Efficient Neural Architecture Search via Parameter Sharing", ICML 2018,
arXiv:1802.03268, Sections 2.3 (macro) and 2.4 (micro).

**Macro**: a chain of L layers. Each chooses one of six operations, applied to the layer before it, and any subset of
the earlier ones (the stem is layer 0) whose outputs are concatenated to the operation's:

    6^L · 2^(L(L−1)/2) networks        1.6·10²⁹ for L = 12, as in the paper

The native string is that of the authors' code, ``--child_fixed_arc``: for each layer its operation and then, from the
stem on, 1 for each earlier output that is concatenated, such as ``0 3 0 2 1 0`` for three layers.

**Micro**: normal and reduction cell of five blocks with five operations; the rest is in ``nasedu/spaces/cells.py``.
A cell chooses 2 of its earlier states for each block, in order and with repetition, so there are

    ((2·3·4·5·6)² · 5¹⁰)² = 5,062,500,000,000² ≈ 2.6·10²⁵ pairs of cells

The paper counts (5 · (B−2)!)⁴ = 1.3·10¹¹ for B = 7 nodes, the two inputs among them. That has one factor of 5 for all
operations of half a cell and the factorial of 5 for its sources, where each of 5 blocks chooses one of 5 operations
for each of its two sources, and the sources are one of 2, 3, … 6 states.

What differs from the paper: the text of Section 2.3 lets a layer read any subset of the earlier layers. In the authors'
code, which is followed here, it reads the layer before it, and the subset is concatenated afterwards.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise

from nasedu.core import (
    Architecture,
    Decision,
    Diagram,
    Edge,
    Node,
    SearchSpace,
    check_text,
    check_whole,
    shown,
)
from nasedu.spaces.cells import CellSpace

__all__ = ["ENAS_MACRO", "ENAS_MICRO", "MACRO_OPERATIONS", "MICRO_OPERATIONS", "ENASMacro", "ENASMicro"]

MICRO_OPERATIONS = ("sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3", "skip_connect")
MACRO_OPERATIONS = ("conv_3x3", "sep_conv_3x3", "conv_5x5", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3")
SKIPS = ("no", "yes")
MOST_LAYERS = 100
STEP, WIDTH = 0.8, 1.0  # of the diagram: between two layers, and from a layer's middle to an arc that passes it

ENAS_MICRO = (  # of the authors' script cifar10_micro_final.sh
    "Genotype(normal=[('avg_pool_3x3', 0), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_5x5', 0), "
    "('skip_connect', 0), ('sep_conv_5x5', 1), ('sep_conv_3x3', 1), ('sep_conv_5x5', 0), "
    "('avg_pool_3x3', 0), ('sep_conv_5x5', 1)], normal_concat=range(2, 7), "
    "reduce=[('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('max_pool_3x3', 0), ('avg_pool_3x3', 0), "
    "('sep_conv_5x5', 1), ('sep_conv_5x5', 3), ('sep_conv_3x3', 1), ('skip_connect', 0), "
    "('max_pool_3x3', 0), ('sep_conv_5x5', 1)], reduce_concat=[2, 4, 5, 6])"
)
ENAS_MACRO = (  # 24 layers, of the authors' script cifar10_macro_final.sh
    "0 3 0 0 1 0 2 0 0 1 2 0 0 0 0 3 1 1 0 1 0 2 0 0 0 0 0 1 2 0 1 1 0 1 1 1 1 0 1 1 1 0 1 0 1 0 0 0 0 0 0 0 0 0 "
    "0 2 0 0 0 0 0 1 0 0 0 0 0 1 0 0 1 1 0 0 0 0 1 1 2 0 1 0 0 0 0 0 1 0 1 1 0 1 0 0 1 0 0 0 1 1 1 0 1 0 1 0 1 1 "
    "0 1 0 1 0 0 0 0 0 1 0 0 2 0 0 1 0 0 0 0 0 0 0 1 0 1 0 1 2 0 1 0 0 0 1 0 0 1 1 1 1 0 0 1 0 2 0 0 0 0 1 0 1 0 "
    "1 0 0 1 0 1 0 0 1 3 0 1 1 0 1 0 0 0 0 0 1 0 1 0 1 0 0 0 3 0 1 1 0 0 0 0 0 0 0 0 0 1 1 0 0 0 0 1 0 1 0 0 1 0 "
    "1 1 0 0 0 1 0 0 0 0 0 1 1 0 0 3 0 1 0 1 1 0 0 1 0 1 1 0 1 1 0 1 0 0 1 0 0 0 1 0 1 0 1 0 0 0 0 0 0 0 0 1 0 1 "
    "0 0 1 0 0 0 0 1 1 0 0 0 1 1 1 0 1 0 0 0 1 0 1 0 0 1 1 0 0 0"
)


class ENASMicro(CellSpace):
    """Normal and reduction cell of five blocks and five operations; the output concatenates the blocks that none reads.

    Args:
        blocks: in each cell, in 1..8.
    """

    def __init__(self, blocks: int = 5) -> None:
        super().__init__("enas-micro", MICRO_OPERATIONS, blocks, parameters={"blocks": blocks})


class ENASMacro(SearchSpace):
    """Chains of layers with skip connections from any earlier layer to any later one.

    Every network has its own name: the layers are a chain, and whatever a layer adds to it has weights.

    Args:
        layers: of the network, in 1..100.

    Raises:
        ValueError: the number of layers is out of range.

    Example:
        >>> space = ENASMacro(layers=3)
        >>> space.parse("0 3 0 2 1 0").options["layer 3 skip from 0"]
        'yes'
    """

    def __init__(self, layers: int = 12) -> None:
        self.layers = layers = check_whole("the number of layers", layers, 1, MOST_LAYERS)
        decisions = []
        for layer in range(1, layers + 1):
            decisions.append(Decision(f"layer {layer} operation", MACRO_OPERATIONS))
            decisions += [Decision(f"layer {layer} skip from {source}", SKIPS) for source in range(layer - 1)]
        super().__init__("enas-macro", decisions, {"layers": layers})

    def skips(self, choices: tuple[int, ...], layer: int) -> list[int]:
        """Return the layers (0: the stem) whose outputs are concatenated to that of a layer's operation."""
        start = _start(layer) + 1
        return [source for source in range(layer - 1) if choices[start + source]]

    def operation(self, choices: tuple[int, ...], layer: int) -> str:
        """Return the operation of a layer, counted from 1."""
        return MACRO_OPERATIONS[choices[_start(layer)]]

    def format(self, choices: tuple[int, ...]) -> str:
        """Return the numbers of all decisions, as the authors' code takes them."""
        return " ".join(map(str, choices))

    def pieces(self, choices: tuple[int, ...]) -> list[tuple[str, int | None]]:
        """Return the string in pieces: one for each number."""
        found: list[tuple[str, int | None]] = []
        for index, choice in enumerate(choices):
            found += [(" ", None)] if index else []
            found.append((str(choice), index))
        return found

    def parse(self, text: str) -> Architecture:
        """Return the network that a string such as ``0 3 0 2 1 0`` names.

        Raises:
            ValueError: the text is no list of numbers, has too many or too few, or one is out of range.
        """
        if not re.fullmatch(r"\s*(?:[0-9]{1,3}(?:\s+|$))+", check_text(text)):
            raise ValueError(
                f"expected {len(self.decisions)} numbers separated by spaces, for each layer its operation and 0 or 1 "
                f"for each earlier output but the last, such as '0 3 0 2 1 0' for three layers; got {shown(text)}."
            )
        choices = [int(number) for number in text.split()]
        layers = (math.isqrt(8 * len(choices) + 1) - 1) // 2  # the most that so many numbers are enough for
        if len(choices) != len(self.decisions):
            fits = _start(layers + 1) == len(choices)
            hint = f" Those are {layers} layers: ENASMacro(layers={layers})." if fits else ""
            raise ValueError(
                f"{self.layers} layers have {len(self.decisions)} numbers; got {len(choices)}: {shown(text)}.{hint}"
            )
        return self.architecture(choices)

    def diagram(self, architecture: Architecture) -> Diagram:
        """Return the layers in a column, from top to bottom; skip connections are arcs on its quieter side."""
        choices = architecture.choices
        nodes = [Node("0", 0.0, 0.0, "input", "input")]
        for layer in range(1, self.layers + 1):
            name, decision = self.operation(choices, layer), _start(layer)
            nodes.append(Node(str(layer), 0.0, STEP * layer, name, "operation", decision=decision))
        nodes.append(Node("output", 0.0, STEP * (self.layers + 1), "output", "output"))
        edges = [Edge(above.id, below.id) for above, below in pairwise(nodes)]
        sides: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        arcs = [(source, layer) for layer in range(1, self.layers + 1) for source in self.skips(choices, layer)]
        for source, layer in sorted(arcs, key=lambda arc: (arc[1] - arc[0], arc)):
            side = min((0, 1), key=lambda k: (sum(_cross((source, layer), arc) for arc in sides[k]), len(sides[k])))
            sides[side].append((source, layer))
            bend = _bend(layer - source) * (-1) ** side
            edges.append(Edge(str(source), str(layer), "", _start(layer) + 1 + source, bend))
        return Diagram(tuple(nodes), tuple(edges))


def _start(layer: int) -> int:
    """Return the index of the first decision of a layer, counted from 1."""
    return layer * (layer - 1) // 2


def _cross(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[0] < one[1] < other[1] or other[0] < one[0] < other[1] < one[1]


def _bend(span: int) -> float:
    """Return how far an arc over some layers is bent: past the boxes on its way, and the wider the longer."""
    return WIDTH * span**2 / (4 * (span - 1)) + 0.1 * span
