"""A diagram as a Mermaid flowchart, which GitHub, GitLab and JupyterLab show in Markdown."""

from __future__ import annotations

from nasedu.core import Diagram, Edge, Node
from nasedu.plots.dot import reads_down
from nasedu.plots.painting import box_style
from nasedu.plots.palette import LineStyle, kind_colors, operation_style
from nasedu.plots.text import plain

__all__ = ["mermaid"]

SHAPES = {"input": ("([", "])"), "output": ("([", "])"), "operation": ("[", "]")}  # others are circles
KINDS = ("input", "node", "operation", "output")


def mermaid(diagram: Diagram, title: str = "architecture") -> str:
    """Return a flowchart that reads as the diagram does, to the right or downwards; every group is a subgraph."""
    numbers = {node.id: f"n{number}" for number, node in enumerate(diagram.nodes)}
    direction = "TB" if reads_down(diagram) else "LR"
    lines = [f"%% {_line(title)}", f"flowchart {direction}"]
    for number, group in enumerate(dict.fromkeys(node.group for node in diagram.nodes)):
        members = [_node(node, numbers[node.id]) for node in diagram.nodes if node.group == group]
        if group:
            members = [f"direction {direction}", *members]
            members = [f"subgraph g{number}[{_quoted(group)}]", *(f"  {member}" for member in members), "end"]
        lines += [f"  {member}" for member in members]
    lines += [f"  {_edge(edge, numbers)}" for edge in diagram.edges]
    for number, edge in enumerate(diagram.edges):
        if edge.operation:
            lines.append(f"  linkStyle {number} {_pen(operation_style(edge.operation))}")
    for node in diagram.nodes:
        if box := box_style(node):
            lines.append(f"  style {numbers[node.id]} {_pen(box)}")
    for kind in KINDS:
        fill, line = kind_colors(kind)
        lines.append(f"  classDef {kind}_node fill:{fill},stroke:{line},color:#1a1a1a")
    return "\n".join([*lines, ""])


def _node(node: Node, number: str) -> str:
    opening, closing = SHAPES.get(node.kind, ("((", "))"))
    kind = node.kind if node.kind in KINDS else "node"
    return f"{number}{opening}{_quoted(plain(node.label))}{closing}:::{kind}_node"


def _pen(look: LineStyle) -> str:
    dash = f",stroke-dasharray:{' '.join(f'{2 * part:g}' for part in look.pattern)}" if look.pattern else ""
    return f"stroke:{look.color},stroke-width:{2 * look.width:g}px{dash}"


def _edge(edge: Edge, numbers: dict[str, str]) -> str:
    label = f"|{_quoted(edge.operation)}|" if edge.operation else ""
    return f"{numbers[edge.source]} -->{label} {numbers[edge.target]}"


def _line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text).replace("{", "(").replace("}", ")")


def _quoted(text: str) -> str:
    """Return the text in quotes; what Mermaid or HTML would read as its own is written as a number."""
    codes = {letter: f"#{ord(letter)};" for letter in '"#&<>`\\;{}[]()|'}
    return '"' + "".join(codes.get(letter, letter) for letter in text if letter.isprintable()) + '"'
