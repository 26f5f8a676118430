"""A name for the function of a cell graph, whatever its nodes are called and however it is written.

The value of each node is a sum of terms, counted: the input x, a convolution, or a pooling.

    skip_connect    passes the terms on
    avg_pool_3x3    is linear, and so is applied to each term:         avg(2a + x) = 2 avg(a) + avg(x)
    max_pool_3x3    is one term; it lets positive factors through:     max(2a + 2x) = 2 max(a + x)
    convolutions    are a term each, with weights of their own: two of the same input are different, while one that
                    arrives over two paths counts twice

The name writes every convolution once, with a letter: ``a=conv_3x3(x); b=conv_1x1(a); b+2·x``. Which one is
called a is decided so that it does not depend on the numbers of the nodes: convolutions get the same colour while all
that leads to them and from them looks the same; where that leaves several of one colour, each of them is tried as the
next, and the smallest text is the name. Who would give a text that was seen before is not tried further. (McKay &
Piperno, "Practical graph isomorphism, II", arXiv:1301.1493, Section 2, describe this scheme.)

Cells with the same name compute the same function for matching weights, by these rules. That other names mean other
functions is not proven; the tests compare all cells of a small space.
"""

from __future__ import annotations

import math
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

__all__ = ["name"]

INPUT, OUTPUT = 0, -1
LETTERS = string.ascii_lowercase.replace("x", "")

Term = Any  # the number of a convolution's node, 0 for the input; or a tuple of a pooling and what it pools
Terms = Counter[Term]


def name(genes: Sequence[tuple[str, tuple[int, ...]]], ends: Sequence[int]) -> str:
    """Return the name of the function of a cell.

    Args:
        genes: of each node from 1 on, its operation and the nodes that it reads, whose values are added up; among them
            at most 25 convolutions.
        ends: the nodes whose sum is the output; every node leads to one of them.

    Example:
        >>> name([("conv_3x3", (0,)), ("skip_connect", (0, 1))], [2])
        'a=conv_3x3(x); a+x'
    """
    values: list[Terms] = [Counter({INPUT: 1})]
    lines: dict[int, tuple[str, Terms]] = {}  # the operation of each convolution and what it reads
    depth = [0]  # how many convolutions one after another lead to a node
    for node, (operation, sources) in enumerate(genes, 1):
        arriving = _sum(values[source] for source in sources)
        values.append(_applied(operation, arriving, node))
        depth.append(max(depth[source] for source in sources) + (node in values[node]))
        if node in values[node]:
            lines[node] = (operation, arriving)
    colours = {node: f"{depth[node]:02} {operation}" for node, (operation, _) in lines.items()}
    lines[OUTPUT] = ("", _sum(values[end] for end in ends))
    return min(_Convolutions(lines).texts(colours))


def _sum(values: Iterable[Terms]) -> Terms:
    total: Terms = Counter()
    for terms in values:
        total.update(terms)
    return total


def _applied(operation: str, terms: Terms, node: int) -> Terms:
    """Return the terms of a node that applies the operation to these."""
    if operation == "skip_connect":
        return terms
    if operation == "avg_pool_3x3":
        return Counter({("avg", term): count for term, count in terms.items()})
    if operation == "max_pool_3x3":
        factor = math.gcd(*terms.values())
        return Counter({("max", frozenset((term, count // factor) for term, count in terms.items())): factor})
    return Counter({node: 1})


class _Convolutions:
    """The convolutions of a cell, each a line of text, and the output as the last line."""

    def __init__(self, lines: Mapping[int, tuple[str, Terms]]) -> None:
        self.lines = lines
        self.readers: dict[int, list[int]] = {node: [] for node in lines}  # the lines that each occurs in
        for line, (_, terms) in lines.items():
            for node in {each for term in terms for each in _within(term)}:
                self.readers[node].append(line)

    def texts(self, colours: dict[int, str]) -> set[str]:
        """Return the texts of all ways to tell convolutions of one colour apart, by trying each of them first."""
        colours = self._refined(colours)
        tied = _tied(colours)
        if not tied:
            return {self._text(colours)}
        found: set[str] = set()
        tried: list[int] = []
        for node in tied:
            chosen = {**colours, node: f"{colours[node]} first"}
            if not any(self._are_twins(node, other) for other in tried) and self._one_text(chosen) not in found:
                found |= self.texts(chosen)  # else there is a symmetry, and it would give the same texts again
                tried.append(node)
        return found

    def _one_text(self, colours: dict[int, str]) -> str:
        """Return one of the texts."""
        while True:
            colours = self._refined(colours)
            tied = _tied(colours)
            if not tied:
                return self._text(colours)
            colours = {**colours, tied[0]: f"{colours[tied[0]]} first"}

    def _refined(self, colours: dict[int, str]) -> dict[int, str]:
        """Give different colours to convolutions that stand differently among the coloured, until nothing changes."""
        while _tied(colours):
            seen = {}
            for node, colour in colours.items():
                names = {**colours, node: "this"}
                seen[node] = (
                    colour,
                    self._line(node, colours),
                    sorted(self._line(k, names) for k in self.readers[node]),
                )
            ranks = sorted(seen.values())
            refined = {node: f"{ranks.index(each):02}" for node, each in seen.items()}
            if len(set(refined.values())) == len(set(colours.values())):
                return refined
            colours = refined
        return colours

    def _are_twins(self, one: int, other: int) -> bool:
        """Say whether two convolutions can change places and leave all lines as they are."""
        names = {node: str(node) for node in self.lines}
        swapped = {**names, one: names[other], other: names[one]}
        concerned = {one, other, *self.readers[one], *self.readers[other]}
        return sorted(self._line(k, names) for k in concerned) == sorted(self._line(k, swapped) for k in concerned)

    def _text(self, colours: Mapping[int, str]) -> str:
        order = sorted(colours, key=colours.__getitem__)
        names = dict(zip(order, LETTERS, strict=False))
        return "; ".join(self._line(node, names) for node in [*order, OUTPUT])

    def _line(self, node: int, names: Mapping[int, str]) -> str:
        operation, terms = self.lines[node]
        read = _sum_text(terms.items(), names)
        return f"{names[node]}={operation}({read})" if operation else read


def _tied(colours: Mapping[int, str]) -> list[int]:
    """Return the convolutions of the first colour that several have."""
    counts = Counter(colours.values())
    several = min((colour for colour, count in counts.items() if count > 1), default=None)
    return [node for node, colour in colours.items() if colour == several]


def _within(term: Term) -> Iterator[int]:
    """Yield the convolutions that occur in a term."""
    if isinstance(term, int):
        if term != INPUT:
            yield term
    elif term[0] == "avg":
        yield from _within(term[1])
    else:
        for inner, _ in term[1]:
            yield from _within(inner)


def _sum_text(terms: Iterable[tuple[Term, int]], names: Mapping[int, str]) -> str:
    return "+".join(sorted(f"{count}·" * (count > 1) + _term_text(term, names) for term, count in terms))


def _term_text(term: Term, names: Mapping[int, str]) -> str:
    if isinstance(term, int):
        return names[term] if term else "x"
    pooling, inner = term
    return f"{pooling}({_sum_text(inner, names) if pooling == 'max' else _term_text(inner, names)})"
