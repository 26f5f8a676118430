"""Where the nodes of a diagram go: layers from input to output, few crossings, edges around nodes.

Sugiyama, Tagawa & Toda, "Methods for Visual Understanding of Hierarchical System Structures", IEEE
Transactions on Systems, Man, and Cybernetics 11(2), 1981. Four steps, each simple alone:

1. *Layers*: a node stands right of everything that it reads; inputs leftmost, outputs rightmost.
2. *Order*: within a layer, nodes move to the mean of their neighbours, sweep after sweep, and then
   neighbours swap places while that saves crossings. An edge over several layers counts in each of them.
3. *Places in the layer*: every node goes towards the mean of its neighbours as far as order and distances allow.
4. *Bends*: an edge that would meet a node, or cross more than it must, is bent around it.

What differs: an edge is one curve with one bend, as the drawings expect, and not a line through the layers
that it passes; so its bend is chosen by looking at the curve itself. Own code because the packages give
broken lines, which step 4 would have to undo, and a search asks for a thousand layouts: each takes about a millisecond.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from nasedu.core import Diagram, Edge, Node
from nasedu.spaces.bends import bends

__all__ = ["arrange"]

NODE, WIDTHS = 0.4, {"operation": 1.2, "input": 0.8, "output": 0.8}  # of a node's box, as most are
HEIGHT = 0.4
ROOM = {"right": (0.5, 1.4), "down": (0.5, 0.8)}  # between two layers; where an operation is written between them
CHAIN = 0.25  # between two boxes of a chain that reads downwards
SIDE = {"right": 0.5, "down": 0.3}  # between two nodes of a layer
LANE = 0.3  # between a node or an edge and an edge that passes
GROUP = 1.4  # between groups
GRID = 0.1  # places in a layer are whole multiples: what is nearly straight becomes straight
PASSING = 0.001  # what the wish of an edge counts in a layer, against that of a node
SWEEPS, SMOOTHINGS = 8, 8
# How nodes find their layers, and how much room there is within one: tried until no edge meets a node.
VARIANTS = (("late", 1.0), ("early", 1.0), ("late", 1.5), ("early", 1.5), ("late", 2.2), ("single", 1.0))

Link = tuple[int, int, bool]  # source, target, whether it has an operation
Size = tuple[float, float]  # of a node's box, along the flow and across
Places = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]


def arrange(nodes: Sequence[Node], edges: Sequence[Edge], *, down: bool = False) -> Diagram:
    """Return the diagram of these nodes and edges with all coordinates and bends set.

    What the nodes say of x and y and the edges of bend is not looked at; nothing else is changed. The same
    structure gets the same places whatever its operations are called, so a drawing keeps still while they change.

    Args:
        nodes: with different ids. Kind ``"input"`` stands at the beginning of its group, ``"output"`` at the end.
        edges: between these nodes, without a cycle; two edges between the same nodes bend apart.
        down: read from top to bottom and not from left to right; groups stand side by side and not one
            below the other. For narrow columns: boxes are wide and low, so a deep diagram becomes compact.

    Raises:
        ValueError: two nodes have the same id, an edge joins something else, or there is a cycle.

    Example:
        >>> diagram = arrange(
        ...     [Node("a", 0, 0, "x", "input"), Node("b", 0, 0, "conv", "operation"), Node("c", 0, 0, "y", "output")],
        ...     [Edge("a", "b"), Edge("b", "c"), Edge("a", "c", "skip_connect")],
        ... )
        >>> [node.x for node in diagram.nodes] == sorted(node.x for node in diagram.nodes)
        True
        >>> diagram.edges[0].bend == 0 != diagram.edges[2].bend
        True
    """
    index = {node.id: place for place, node in enumerate(nodes)}
    if len(index) < len(nodes):
        raise ValueError(f"nodes must have different ids; got {[node.id for node in nodes]}.")
    for edge in edges:
        if edge.source not in index or edge.target not in index:
            raise ValueError(f"an edge must join two of the nodes; got {edge.source!r} → {edge.target!r}.")
    groups = {group: number for number, group in enumerate(dict.fromkeys(node.group for node in nodes))}
    kinds = tuple((node.kind, groups[node.group]) for node in nodes)
    links = tuple((index[edge.source], index[edge.target], bool(edge.operation)) for edge in edges)
    along, across, bent = _places(kinds, links, "down" if down else "right")
    xs, ys = (across, along) if down else (along, across)
    return Diagram(
        tuple(Node(n.id, x, y, n.label, n.kind, n.group, n.decision) for n, x, y in zip(nodes, xs, ys, strict=True)),
        tuple(
            Edge(e.source, e.target, e.operation, e.decision, -bend if down else bend)  # left becomes right
            for e, bend in zip(edges, bent, strict=True)
        ),
    )


@lru_cache(maxsize=4096)
def _places(kinds: tuple[tuple[str, int], ...], links: tuple[Link, ...], direction: str) -> Places:
    """Return for every node its place along the flow and across it, and for every edge its bend."""
    sizes = [(WIDTHS.get(kind, NODE), HEIGHT) for kind, _ in kinds]
    sizes = sizes if direction == "right" else [(height, width) for width, height in sizes]
    along, across, bent = [0.0] * len(kinds), [0.0] * len(kinds), [0.0] * len(links)
    free = 0.0
    for group in range(len({group for _, group in kinds})):
        members = [node for node, (_, other) in enumerate(kinds) if other == group]
        local = {node: place for place, node in enumerate(members)}
        inner = [edge for edge, (source, target, _) in enumerate(links) if source in local and target in local]
        own = [sizes[node] for node in members]
        own_links = [(local[links[edge][0]], local[links[edge][1]], links[edge][2]) for edge in inner]
        xs, ys, own_bends = _best_places([kinds[node][0] for node in members], own, own_links, direction)
        low = min(y - size[1] / 2 for y, size in zip(ys, own, strict=True))
        for node, x, y in zip(members, xs, ys, strict=True):
            along[node], across[node] = x, round(y - low + free, 4)
        for edge, bend in zip(inner, own_bends, strict=True):
            bent[edge] = bend
        free = max(across[node] + sizes[node][1] / 2 for node in members) + GROUP
    if any(kinds[source][1] != kinds[target][1] for source, target, _ in links):
        pairs = [(source, target) for source, target, _ in links]
        bent, _ = bends(list(zip(along, across, strict=True)), sizes, [0] * len(kinds), pairs)
    return tuple(along), tuple(across), tuple(bent)


def _best_places(
    kinds: list[str], sizes: list[Size], links: list[Link], direction: str
) -> tuple[list[float], list[float], list[float]]:
    """Return the places and bends of a group: of the first variant whose edges meet no node, or meet least."""
    pairs = [(source, target) for source, target, _ in links]
    best, least = None, math.inf
    for variant, spread in VARIANTS:
        layers = _layers(kinds, links, variant)
        xs, ys = _group_places(layers, sizes, links, direction, spread)
        bent, met = bends(list(zip(xs, ys, strict=True)), sizes, layers, pairs)
        if met < least:
            best, least = (xs, ys, bent), met
        if met == 0:
            break
    assert best is not None
    return best


def _group_places(
    layers: list[int], sizes: list[Size], links: list[Link], direction: str, spread: float
) -> tuple[list[float], list[float]]:
    columns, left, right = _columns(layers, links)
    _order(columns, left, right)
    across = _across(columns, left, right, [size for _, size in sizes], SIDE[direction] * spread, LANE * spread)
    steps = {layers[source] for source, target, _ in links if layers[target] == layers[source] + 1}
    is_chain = direction == "down" and len(sizes) == len(columns) == len(steps) + 1
    half = [0.0] * len(columns)  # of each layer
    room = [CHAIN if is_chain else ROOM[direction][0]] * len(columns)  # before it
    for layer, (size, _) in zip(layers, sizes, strict=True):
        half[layer] = max(half[layer], size / 2)
    for source, target, named in links:
        if named and layers[target] == layers[source] + 1:
            room[layers[target]] = ROOM[direction][1]
    along = [0.0]
    for layer in range(1, len(columns)):
        along.append(round(along[-1] + half[layer - 1] + room[layer] + half[layer], 4))
    return [along[layer] for layer in layers], across


# Layers --------------------------------------------------------------------------------------


def _layers(kinds: list[str], links: list[Link], variant: str) -> list[int]:
    """Return the layer of each node: behind all that it reads.

    ``"early"`` puts nodes as far to the front as they can stand, ``"late"`` close to what reads them where no
    edge gets longer by it, and ``"single"`` each into a layer of its own: a line, with edges that bow around it.
    """
    sources, targets = _neighbours(len(kinds), links)
    order = _in_order(sources, targets)
    layers = [0] * len(kinds)
    for place, node in enumerate(order):
        layers[node] = (
            place if variant == "single" else max((layers[source] + 1 for source in sources[node]), default=0)
        )
    last = max(layers)
    for node in reversed(order) if variant != "single" else []:
        if kinds[node] == "output" and not targets[node]:
            layers[node] = last
        elif targets[node] and kinds[node] != "input" and len(sources[node]) < len(targets[node]) + (variant == "late"):
            layers[node] = min(layers[target] for target in targets[node]) - 1
    return layers


def _in_order(sources: list[list[int]], targets: list[list[int]]) -> list[int]:
    """Return the nodes so that each comes behind all that it reads."""
    missing = [len(found) for found in sources]
    order = [node for node, count in enumerate(missing) if count == 0]
    for node in order:  # grows while it is read
        for target in targets[node]:
            missing[target] -= 1
            if missing[target] == 0:
                order.append(target)
    if len(order) < len(sources):
        raise ValueError("the edges must have no cycle: an architecture reads from its input to its output.")
    return order


def _neighbours(count: int, links: list[Link]) -> tuple[list[list[int]], list[list[int]]]:
    sources: list[list[int]] = [[] for _ in range(count)]
    targets: list[list[int]] = [[] for _ in range(count)]
    for source, target in dict.fromkeys((source, target) for source, target, _ in links):
        sources[target].append(source)
        targets[source].append(target)
    return sources, targets


def _columns(layers: list[int], links: list[Link]) -> tuple[list[list[int]], list[list[int]], list[list[int]]]:
    """Return what stands in each layer, and the neighbours of each to its left and to its right.

    Numbers from ``len(layers)`` on are no nodes but edges passing through.
    """
    columns: list[list[int]] = [[] for _ in range(max(layers) + 1)]
    for node, layer in enumerate(layers):
        columns[layer].append(node)
    left: list[list[int]] = [[] for _ in layers]
    right: list[list[int]] = [[] for _ in layers]
    for source, target in dict.fromkeys((source, target) for source, target, _ in links):
        before = source
        for layer in range(layers[source] + 1, layers[target]):
            passing = len(left)
            columns[layer].append(passing)
            left.append([before])
            right.append([])
            right[before].append(passing)
            before = passing
        left[target].append(before)
        right[before].append(target)
    return columns, left, right


# Order ---------------------------------------------------------------------------------------


def _order(columns: list[list[int]], left: list[list[int]], right: list[list[int]]) -> None:
    """Order every layer in place so that few edges cross."""
    place = [0.0] * len(left)
    for column in columns:
        _number(column, place)
    best, least = [list(column) for column in columns], _crossings(columns, right, place)
    for sweep in range(SWEEPS):
        if least == 0:
            break
        neighbours = right if sweep % 2 else left
        for column in reversed(columns) if sweep % 2 else columns:
            means = {item: _mean(neighbours[item], place, place[item]) for item in column}
            column.sort(key=means.__getitem__)
            _number(column, place)
        crossings = _crossings(columns, right, place)
        if crossings < least:
            best, least = [list(column) for column in columns], crossings
    columns[:] = best
    for column in columns:
        _number(column, place)
    for _ in range(SWEEPS):
        if not sum(_swap(column, (left, right), place) for column in columns):
            break


def _number(column: list[int], place: list[float]) -> None:
    for position, item in enumerate(column):
        place[item] = position - (len(column) - 1) / 2  # from the middle, so that layers of different sizes compare


def _mean(neighbours: list[int], place: list[float], otherwise: float) -> float:
    return sum(place[item] for item in neighbours) / len(neighbours) if neighbours else otherwise


def _crossings(columns: list[list[int]], right: list[list[int]], place: list[float]) -> int:
    """Return how many pairs of edges cross between the layers."""
    count = 0
    for column in columns:
        ends: list[float] = []  # at the right, of the edges above
        for item in column:
            mine = sorted(place[other] for other in right[item])
            count += sum(len(ends) - bisect_right(ends, end) for end in mine)
            for end in mine:
                insort(ends, end)
    return count


def _swap(column: list[int], sides: tuple[list[list[int]], list[list[int]]], place: list[float]) -> int:
    """Let neighbours in a layer change places while that saves crossings; return how many did."""
    swaps = 0
    for upper in range(len(column) - 1):
        one, other = column[upper], column[upper + 1]
        saved = 0
        for side in sides:
            for a in side[one]:
                for b in side[other]:
                    saved += (place[a] > place[b]) - (place[a] < place[b])
        if saved > 0:
            column[upper], column[upper + 1] = other, one
            place[one], place[other] = place[other], place[one]
            swaps += 1
    return swaps


# Places across the flow ----------------------------------------------------------------------


def _across(
    columns: list[list[int]],
    left: list[list[int]],
    right: list[list[int]],
    sizes: list[float],
    side: float,
    lane: float,
) -> list[float]:
    """Return the nodes' places: near the mean of their neighbours, in order, and as far apart as they must be."""
    nodes = len(sizes)
    y = [0.0] * len(left)
    offsets = []
    for column in columns:
        offset = [0.0]
        for above, below in pairwise(column):
            room = side if above < nodes and below < nodes else lane
            offset.append(offset[-1] + room + sum(sizes[item] / 2 for item in (above, below) if item < nodes))
        offsets.append(offset)
        standing = [down for item, down in zip(column, offset, strict=True) if item < nodes]
        for item, down in zip(column, offset, strict=True):
            y[item] = down - sum(standing) / len(standing)  # every layer has a node
    neighbours = [_looked_at([*left[item], *right[item]], item, nodes) for item in range(len(left))]
    for step in range(SMOOTHINGS):
        for layer in range(len(columns)) if step % 2 else range(len(columns) - 1, -1, -1):
            column, offset = columns[layer], offsets[layer]
            wanted = []
            for item, down in zip(column, offset, strict=True):
                wanted.append(_mean(neighbours[item], y, y[item]) - down)
            weights = [1.0 if item < nodes else PASSING for item in column]
            for item, height, down in zip(column, _ascending(wanted, weights), offset, strict=True):
                y[item] = height + down
    return [GRID * round(height / GRID) for height in y[:nodes]]


def _looked_at(neighbours: list[int], item: int, nodes: int) -> list[int]:
    """Return the neighbours that an item wants to stand beside: a node looks to nodes, if it can."""
    return neighbours if item >= nodes else [other for other in neighbours if other < nodes] or neighbours


def _ascending(values: list[float], weights: list[float]) -> list[float]:
    """Return the ascending numbers closest to the values by weighted squares: what is in the wrong order is pooled."""
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for value, weight in zip(values, weights, strict=True):
        pools.append((value, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, u, m), (b, v, n) = pools[-2:]
            pools[-2:] = [((a * u + b * v) / (u + v), u + v, m + n)]
    return [mean for mean, _, count in pools for _ in range(count)]
