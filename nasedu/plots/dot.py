"""A diagram as Graphviz's DOT: its structure, colours and dashes; Graphviz lays it out."""

from __future__ import annotations

from nasedu.core import Diagram, Edge, Node
from nasedu.plots.painting import box_style
from nasedu.plots.palette import LineStyle, kind_colors, operation_style, readable
from nasedu.plots.text import plain

__all__ = ["dot", "reads_down"]


def dot(diagram: Diagram, title: str = "architecture") -> str:
    """Return a digraph that reads as the diagram does, to the right or downwards; every group is a cluster."""
    numbers = {node.id: f"n{number}" for number, node in enumerate(diagram.nodes)}
    lines = [
        f"digraph {_quoted(title)} {{",
        f"  rankdir={'TB' if reads_down(diagram) else 'LR'};",
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


def reads_down(diagram: Diagram) -> bool:
    """Say whether most of a diagram's edges lead more downwards than to the right."""
    nodes = {node.id: node for node in diagram.nodes}
    ends = [(nodes[edge.source], nodes[edge.target]) for edge in diagram.edges]
    return 2 * sum(b.y - a.y > abs(b.x - a.x) for a, b in ends) > len(ends)


def _node(node: Node, number: str) -> str:
    fill, line = kind_colors(node.kind)
    look = box_style(node)
    drawn = f', style="rounded,filled,{_line(look)}", penwidth={1.5 * look.width:g}' if look else ""
    color = look.color if look else line
    return f'{number} [label={_quoted(plain(node.label))}, fillcolor="{fill}", color="{color}"{drawn}];'


def _line(look: LineStyle) -> str:
    return "solid" if not look.pattern else "dotted" if max(look.pattern) < 2.5 else "dashed"


def _edge(edge: Edge, numbers: dict[str, str]) -> str:
    ends = f"{numbers[edge.source]} -> {numbers[edge.target]}"
    if not edge.operation:
        return f"{ends};"
    look = operation_style(edge.operation)
    return (
        f'{ends} [label={_quoted(edge.operation)}, color="{look.color}", fontcolor="{readable(look.color)}", '
        f"style={_line(look)}, penwidth={1.5 * look.width:g}];"
    )


def _quoted(text: str) -> str:
    r"""Return the text as a quoted string; in DOT a backslash begins an escape such as \\N, so it is doubled."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'
