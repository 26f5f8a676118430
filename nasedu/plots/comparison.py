"""What two architectures have in common, and what not; what is the same has the same place in both.

Nodes with the same ids are the same where both diagrams have the same ones, as cells of one size do. Otherwise the
two lists of nodes are aligned as texts are: the longest blocks of equal nodes belong together, so a chain that has got
a layer more differs in one layer, wherever that is, and a graph that has grown in what has grown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher

from nasedu.core import Diagram, Edge, Node
from nasedu.spaces.layered import arrange

__all__ = ["ADDED", "CHANGED", "REMOVED", "Difference", "Marks", "compare"]

REMOVED, ADDED, CHANGED = "−", "+", "≠"


@dataclass(frozen=True, slots=True)
class Marks:
    """Which nodes, by id, and edges, by their place in the diagram, are marked, and with which sign."""

    nodes: Mapping[str, str] = field(default_factory=dict)
    edges: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """Two diagrams with the same places for what is the same, and the marks of each."""

    first: Diagram
    second: Diagram
    first_marks: Marks
    second_marks: Marks

    def arranged(self, *, down: bool = False, labels: bool = True) -> Difference:
        """Return the same with new places: both are laid out together, and each takes the places of what it has.

        Args:
            down: from top to bottom.
            labels: leave room for the names of operations.
        """
        ours = {node.id for node in self.first.nodes}
        nodes = [*self.first.nodes, *(node for node in self.second.nodes if node.id not in ours)]
        edges = _by_ends(self.first.edges), _by_ends(self.second.edges)
        named = {(edge.source, edge.target) for edge in (*self.first.edges, *self.second.edges) if edge.operation}
        together = []
        for ends in dict.fromkeys([*edges[0], *edges[1]]):
            count = max(len(found.get(ends, [])) for found in edges)
            together += count * [Edge(*ends, "named" if labels and ends in named else "")]
        both = arrange(nodes, together, down=down)
        return replace(self, first=_placed(self.first, both), second=_placed(self.second, both))

    @property
    def count(self) -> int:
        """How many nodes and edges were removed, added or changed."""
        marks = [*self.first_marks.nodes.values(), *self.first_marks.edges.values()]
        added = [*self.second_marks.nodes.values(), *self.second_marks.edges.values()]
        return len(marks) + added.count(ADDED)


def compare(first: Diagram, second: Diagram) -> Difference:
    """Find what differs between two architectures, of one space or of two.

    Args:
        first: the diagram of one architecture.
        second: that of another.

    Example:
        >>> from nasedu.spaces import Chain
        >>> space = Chain()
        >>> texts = "conv3-8-relu > pool", "conv3-8-relu > conv5-16-relu > pool"
        >>> found = compare(*(space.diagram(space.parse(text)) for text in texts))
        >>> found.first_marks.nodes, found.second_marks.nodes
        ({}, {'layer 2 of the second': '+'})
    """
    second = _renamed(second, _partners(first.nodes, second.nodes))
    found = Difference(first, second, *_marks(first, second))
    if _places(first) != _places(second):
        return found.arranged()
    return replace(found, second=_bent(second, first))


# Which nodes are the same -------------------------------------------------------------------------


def _partners(first: Sequence[Node], second: Sequence[Node]) -> dict[str, str]:
    """Return for nodes of the second diagram, by id, the node of the first that each is."""
    ids = [{(node.id, node.kind, node.group) for node in nodes} for nodes in (first, second)]
    if ids[0] == ids[1]:
        return {node.id: node.id for node in first}
    names, others = ([(node.label, node.kind, node.group) for node in nodes] for nodes in (first, second))
    found = {}
    for what, start, end, start_2, end_2 in SequenceMatcher(None, names, others, autojunk=False).get_opcodes():
        for one, other in zip(first[start:end], second[start_2:end_2], strict=False):
            if what in ("equal", "replace") and (one.kind, one.group) == (other.kind, other.group):
                found[other.id] = one.id
    return found


def _renamed(diagram: Diagram, partners: Mapping[str, str]) -> Diagram:
    names = {node.id: partners.get(node.id, f"{node.id} of the second") for node in diagram.nodes}
    return Diagram(
        tuple(replace(node, id=names[node.id]) for node in diagram.nodes),
        tuple(replace(edge, source=names[edge.source], target=names[edge.target]) for edge in diagram.edges),
    )


# The same places for the same nodes ---------------------------------------------------------------


def _places(diagram: Diagram) -> dict[str, tuple[float, float]]:
    return {node.id: (node.x, node.y) for node in diagram.nodes}


def _placed(diagram: Diagram, like: Diagram) -> Diagram:
    """Return the diagram with the places that its nodes have in another one, and the bends of its edges."""
    places = _places(like)
    nodes = tuple(replace(node, x=places[node.id][0], y=places[node.id][1]) for node in diagram.nodes)
    return _bent(replace(diagram, nodes=nodes), like)


def _bent(diagram: Diagram, like: Diagram) -> Diagram:
    """Return the diagram with the bends that its edges have in another one; those that are not there keep theirs."""
    lanes = _by_ends(like.edges)
    bent = list(diagram.edges)
    for ends, indices in _by_ends(diagram.edges).items():
        for index, lane in zip(indices, lanes.get(ends, []), strict=False):
            bent[index] = replace(bent[index], bend=like.edges[lane].bend)
    return replace(diagram, edges=tuple(bent))


# What differs -------------------------------------------------------------------------------------


def _marks(first: Diagram, second: Diagram) -> tuple[Marks, Marks]:
    """Return the marks of both; a mere wire to or from a node of one of them alone is not marked."""
    nodes = _node_marks(first, second, REMOVED), _node_marks(second, first, ADDED)
    edges: tuple[dict[int, str], dict[int, str]] = ({}, {})
    places = _by_ends(first.edges), _by_ends(second.edges)
    for ends in dict.fromkeys([*places[0], *places[1]]):
        ours, theirs = _unequal(first, second, places[0].get(ends, []), places[1].get(ends, []))
        changed = min(len(ours), len(theirs))
        for k, index in enumerate(ours):
            edges[0][index] = CHANGED if k < changed else REMOVED
        for k, index in enumerate(theirs):
            edges[1][index] = CHANGED if k < changed else ADDED
    for diagram, own, alone in ((first, edges[0], nodes[0]), (second, edges[1], nodes[1])):
        for index in list(own):
            edge = diagram.edges[index]
            if not edge.operation and any(alone.get(end, CHANGED) != CHANGED for end in (edge.source, edge.target)):
                del own[index]
    return Marks(nodes[0], edges[0]), Marks(nodes[1], edges[1])


def _node_marks(diagram: Diagram, other: Diagram, sign: str) -> dict[str, str]:
    labels = {node.id: node.label for node in other.nodes}
    return {
        node.id: CHANGED if node.id in labels else sign for node in diagram.nodes if labels.get(node.id) != node.label
    }


def _by_ends(edges: Sequence[Edge]) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    for index, edge in enumerate(edges):
        found.setdefault((edge.source, edge.target), []).append(index)
    return found


def _unequal(first: Diagram, second: Diagram, ours: list[int], theirs: list[int]) -> tuple[list[int], list[int]]:
    """Return the edges, by place, between the same two nodes, without those that both have."""
    left = list(theirs)
    unequal = []
    for index in ours:
        same = [k for k in left if second.edges[k].operation == first.edges[index].operation]
        if same:
            left.remove(same[0])
        else:
            unequal.append(index)
    return unequal, left
