"""A diagram in a sentence or two, for whoever cannot see it: what is in it, and how long its ways are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from nasedu.core import NOTHING, Architecture, Diagram
from nasedu.plots.text import plain

if TYPE_CHECKING:
    import networkx

__all__ = ["describe", "describe_diagram"]

NAMED = 12  # operations that are counted one by one


def describe(architecture: Architecture | Diagram | networkx.DiGraph) -> str:
    """Return what a drawing of it shows, in words: nodes, operations, and the ways from input to output.

    Raises:
        TypeError: it is nothing that can be drawn.

    Example:
        >>> import nasedu as nas
        >>> print(describe(nas.spaces.NASBench201().architecture((3, 0, 0, 4, 0, 3))))
        4 nodes and 6 edges: 3 none, 2 nor_conv_3x3, 1 avg_pool_3x3. From input to output: 1 way, over 1 operation.
    """
    from nasedu.plots.architecture import diagram_of

    return describe_diagram(diagram_of(architecture))


def describe_diagram(diagram: Diagram) -> str:
    """Return the description of a diagram; one of several groups is described group by group."""
    groups = list(dict.fromkeys(node.group for node in diagram.nodes))
    if len(groups) < 2:
        return _sentences(diagram)
    parts = []
    for group in groups:
        nodes = tuple(node for node in diagram.nodes if node.group == group)
        ids = {node.id for node in nodes}
        edges = tuple(edge for edge in diagram.edges if edge.source in ids and edge.target in ids)
        parts.append(f"{(group or 'other nodes').capitalize()}: {_sentences(Diagram(nodes, edges))}")
    return " ".join(parts)


def _sentences(diagram: Diagram) -> str:
    operations = [edge.operation for edge in diagram.edges if edge.operation]
    operations += [node.label for node in diagram.nodes if node.kind == "operation"]
    text = f"{_count(len(diagram.nodes), 'node')} and {_count(len(diagram.edges), 'edge')}"
    if operations:
        has_commas = any("," in operation for operation in operations)
        counts = Counter(operations)
        counted = list(counts.items()) if has_commas else counts.most_common()  # long labels in their order
        named = [name if has_commas and count == 1 else f"{count} {name}" for name, count in counted[:NAMED]]
        rest = sum(count for _, count in counted[NAMED:])
        named += [_count(rest, "other")] * bool(rest)
        text += f": {('; ' if has_commas else ', ').join(named)}"
    return f"{text}. {_ways(diagram)}".strip()


def _ways(diagram: Diagram) -> str:
    """Return how many ways lead from inputs to outputs, and over how many operations, skipping edges of none."""
    edges = [edge for edge in diagram.edges if edge.operation.lower() not in NOTHING]
    computes = {node.id: int(node.kind == "operation") for node in diagram.nodes}
    ends = {kind: [node.id for node in diagram.nodes if node.kind == kind] for kind in ("input", "output")}
    if not ends["input"] or not ends["output"]:
        return ""
    missing = Counter(edge.target for edge in edges)
    ready = [node.id for node in diagram.nodes if not missing[node.id]]
    ways: dict[str, tuple[int, int, int]] = {name: (1, 0, 0) for name in ends["input"]}  # how many, shortest, longest
    for name in ready:
        for edge in (edge for edge in edges if edge.source == name):
            missing[edge.target] -= 1
            if not missing[edge.target]:
                ready.append(edge.target)
            if name in ways:
                step = int(bool(edge.operation) and "skip" not in edge.operation) + computes[edge.target]
                count, shortest, longest = ways[name]
                known = ways.get(edge.target, (0, shortest + step, 0))
                ways[edge.target] = (
                    known[0] + count, min(known[1], shortest + step), max(known[2], longest + step),
                )  # fmt: skip
    reached = [ways[name] for name in ends["output"] if name in ways]
    names = " and ".join(
        ", ".join(plain(node.label) for node in diagram.nodes if node.kind == kind) for kind in ("input", "output")
    )
    if not reached:
        return f"No way leads from {names.replace(' and ', ' to ')}."
    count, shortest, longest = sum(w[0] for w in reached), min(w[1] for w in reached), max(w[2] for w in reached)
    over = f"{shortest} to {longest} operations" if shortest < longest else _count(longest, "operation")
    return f"From {names.replace(' and ', ' to ')}: {_count(count, 'way')}, over {over}."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
