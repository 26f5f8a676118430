"""A diagram as Graphviz's DOT: its structure, colours and dashes; Graphviz lays it out."""

from __future__ import annotations

from nasedu.core import Diagram, Edge, Node
from nasedu.plots.palette import kind_colors, operation_style, readable
from nasedu.plots.text import plain

__all__ = ["dot"]


def dot(diagram: Diagram, title: str = "architecture") -> str:
    """Return a digraph that reads from left to right; every group is a cluster."""
    numbers = {node.id: f"n{number}" for number, node in enumerate(diagram.nodes)}
    lines = [
        f"digraph {_quoted(title)} {{",
        "  rankdir=LR;",
        '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11];',
        '  edge [fontname="Helvetica", fontsize=10];',
    ]
    for number, group in enumerate(dict.fromkeys(node.group for node in diagram.nodes)):
        members = [_node(node, numbers[node.id]) for node in diagram.nodes if node.group == group]
        if group:
            members = [f"subgraph cluster_{number} {{", f"  label={_quoted(group)};", *(f"  {m}" for m in members), "}"]
        lines += [f"  {member}" for member in members]
    lines += [f"  {_edge(edge, numbers)}" for edge in diagram.edges]
    return "\n".join([*lines, "}", ""])


def _node(node: Node, number: str) -> str:
    fill, line = kind_colors(node.kind)
    return f'{number} [label={_quoted(plain(node.label))}, fillcolor="{fill}", color="{line}"];'


def _edge(edge: Edge, numbers: dict[str, str]) -> str:
    ends = f"{numbers[edge.source]} -> {numbers[edge.target]}"
    if not edge.operation:
        return f"{ends};"
    look = operation_style(edge.operation)
    pattern = look.pattern
    line = "solid" if not pattern else "dotted" if max(pattern) < 2.5 else "dashed"
    return (
        f'{ends} [label={_quoted(edge.operation)}, color="{look.color}", fontcolor="{readable(look.color)}", '
        f"style={line}, penwidth={1.5 * look.width:g}];"
    )


def _quoted(text: str) -> str:
    r"""Return the text as a quoted string; in DOT a backslash begins an escape such as \\N, so it is doubled."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'
