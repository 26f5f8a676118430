"""The size space of NATS-Bench: how many channels each of five layers has.

Dong, Liu, Musial & Gabrys, "NATS-Bench: Benchmarking NAS Algorithms for Architecture Topology and Size",
TPAMI 2021, arXiv:2009.00437, the size search space.

Operations and connections are fixed, those of one good cell of NAS-Bench-201; only the widths are searched, 8, 16, …,
64 channels in each layer:

    8⁵ = 32,768 architectures

The native string lists the channels from input to output: ``8:16:24:32:40``.

What differs: nothing.
"""

from __future__ import annotations

import itertools

from nasedu.core import Architecture, Decision, Diagram, Edge, Node, SearchSpace, check_text, shown
from nasedu.spaces.layered import arrange

__all__ = ["CHANNELS", "LAYERS", "NATSSize"]

CHANNELS = (8, 16, 24, 32, 40, 48, 56, 64)
LAYERS = ("cell", "reduction", "cell", "reduction", "cell")


class NATSSize(SearchSpace):
    """All 32,768 networks of NATS-Bench's size space.

    Example:
        >>> NATSSize().parse("8:16:24:32:40").options["layer 5 channels"]
        40
    """

    def __init__(self) -> None:
        decisions = [Decision(f"layer {number} channels", CHANNELS) for number in range(1, len(LAYERS) + 1)]
        super().__init__("nats-size", decisions)

    def format(self, choices: tuple[int, ...]) -> str:
        """Return the benchmark's own string."""
        return ":".join(str(CHANNELS[choice]) for choice in choices)

    def pieces(self, choices: tuple[int, ...]) -> list[tuple[str, int | None]]:
        """Return the benchmark's string in pieces: one for each layer."""
        found: list[tuple[str, int | None]] = []
        for index, choice in enumerate(choices):
            found += [(":", None)] if index else []
            found.append((str(CHANNELS[choice]), index))
        return found

    def parse(self, text: str) -> Architecture:
        """Return the architecture that a string such as ``8:16:24:32:40`` names.

        Raises:
            ValueError: there are not five numbers, or one is not among those of the space.
        """
        known = {str(channels): index for index, channels in enumerate(CHANNELS)}
        numbers = check_text(text).strip().split(":", maxsplit=len(LAYERS))
        if len(numbers) != len(LAYERS) or not known.keys() >= set(numbers):
            raise ValueError(
                f"expected the channels of {len(LAYERS)} layers, such as '8:16:24:32:40', each one of "
                f"{', '.join(known)}; got {shown(text)}."
            )
        return self.architecture([known[number] for number in numbers])

    def diagram(self, architecture: Architecture) -> Diagram:
        """Return the layers in a row, each with its channels."""
        nodes = [Node("input", 0, 0, "input", "input")]
        for index, (layer, choice) in enumerate(zip(LAYERS, architecture.choices, strict=True)):
            nodes.append(Node(f"layer {index + 1}", 0, 0, f"{layer} {CHANNELS[choice]}", "operation", decision=index))
        nodes.append(Node("output", 0, 0, "output", "output"))
        return arrange(nodes, [Edge(a.id, b.id) for a, b in itertools.pairwise(nodes)])
