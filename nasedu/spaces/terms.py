"""Names for what a cell computes: the same for two cells that compute the same function for matching weights.

The value of each node is a sum of terms, counted: an input of the cell, an operation with weights, or a pooling.

    skip_connect    passes the terms on
    avg_pool        is linear, and so is applied to each term:           avg(2a + x) = 2 avg(a) + avg(x)
    max_pool        is one term; it lets positive factors through:       max3(2a + 2x) = 2 max3(a + x)
                    and of the maximum of one term makes a larger one:   max3(max3(x)) = max5(x)
    all others      have weights, and are a term each: two of the same input are different, while one that arrives
                    over two paths counts twice

The name writes every operation with weights once, with a letter: ``a=conv_3x3(x); b=conv_1x1(a); 2·x+b``. Which one is
called a is decided so that it does not depend on the numbers of the nodes: operations get the same colour while all
that leads to them and from them looks the same; where that leaves several of one colour, each of them is tried as the
next, and the smallest text is the name. What would give a text seen before is not tried further. (McKay &
Piperno, "Practical graph isomorphism, II", arXiv:1301.1493, Section 2, describe this scheme.)

Cells with one name compute the same function: each rule is an identity. That cells with other names never do is not
proven; the tests compare all cells of small spaces.
"""

from __future__ import annotations

import math
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

__all__ = ["Function", "Terms", "total"]

LETTERS = string.ascii_lowercase.replace("x", "")


class Average(NamedTuple):
    """A term after average pooling."""

    term: Term


class Maximum(NamedTuple):
    """A sum of terms after max pooling."""

    terms: frozenset[tuple[Term, int]]
    size: int
    stride: int


Term = str | int | Average | Maximum
"""An input by its name, an operation with weights by its number, or a pooling."""
Terms = Mapping[Term, int]
"""A sum: how often each term is added."""


def total(values: Iterable[Terms]) -> Terms:
    """Return the sum of some values."""
    terms: dict[Term, int] = {}
    for value in values:
        for term, count in value.items():
            terms[term] = terms.get(term, 0) + count
    return terms


class Function:
    """What a cell computes: operations are applied one after the other, and then it has a name.

    Example:
        >>> function, x = Function(), {"x": 1}
        >>> y = function.apply("conv_3x3", x)
        >>> function.name([total([x, y, x])])
        'a=conv_3x3(x); 2·x+a'
    """

    def __init__(self) -> None:
        self._operations: list[tuple[str, Terms]] = []  # with weights, and what each reads
        self._depths: list[int] = []  # of each, how many there are one after another up to it

    def apply(self, operation: str, value: Terms, stride: int = 1) -> Terms:
        """Return the value of an operation on a value; at most 25 of them may have weights."""
        if operation == "skip_connect" and stride == 1:
            return value
        if operation == "avg_pool_3x3":
            return {Average(term): count for term, count in value.items()}
        if operation.startswith("max_pool"):
            return _maximum(value, int(operation[-1]), stride)
        self._operations.append((operation, value))
        self._depths.append(1 + max((self._depths[k] for term in value for k in _within(term)), default=0))
        return {len(self._operations) - 1: 1}

    def name(self, outputs: Sequence[Terms]) -> str:
        """Return the name of the function with these outputs, which may come in any order.

        Every operation must lead to one of them.
        """
        colours = {k: f"#{self._depths[k]:02} {operation}" for k, (operation, _) in enumerate(self._operations)}
        return min(_Lines(self._operations, outputs).texts(colours))


def _maximum(value: Terms, size: int, stride: int) -> Terms:
    factor = math.gcd(*value.values())
    terms = frozenset((term, count // factor) for term, count in value.items())
    (term, _), *others = terms
    if isinstance(term, Maximum) and not others and stride == 1:
        return {Maximum(term.terms, term.size + term.stride * (size - 1), term.stride): factor}
    return {Maximum(terms, size, stride): factor}


class _Lines:
    """The operations with weights, each a line of text with a number from 0 on; the outputs are lines from -1 down."""

    def __init__(self, operations: Sequence[tuple[str, Terms]], outputs: Sequence[Terms]) -> None:
        self.lines = dict(enumerate(operations)) | {-k: ("", terms) for k, terms in enumerate(outputs, 1)}
        self.readers: dict[int, list[int]] = {k: [] for k in range(len(operations))}  # the lines that each occurs in
        for line, (_, terms) in self.lines.items():
            for k in {k for term in terms for k in _within(term)}:
                self.readers[k].append(line)

    def texts(self, colours: dict[int, str]) -> set[str]:
        """Return the texts of all ways to tell operations of one colour apart, by trying each of them first."""
        colours = self._refined(colours)
        tied = _tied(colours)
        if not tied:
            return {self._text(colours)}
        found: set[str] = set()
        tried: list[int] = []
        for k in tied:
            chosen = {**colours, k: f"{colours[k]} first"}
            if not any(self._are_twins(k, other) for other in tried) and self._one_text(chosen) not in found:
                found |= self.texts(chosen)  # else there is a symmetry, and it would give the same texts again
                tried.append(k)
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
        """Give different colours to operations that stand differently among the coloured, until nothing changes."""
        while _tied(colours):
            seen = {
                k: (colour, self._line(k, colours), self._surroundings(k, colours)) for k, colour in colours.items()
            }
            ranks = sorted(seen.values())
            refined = {k: f"#{ranks.index(each):02}" for k, each in seen.items()}
            if len(set(refined.values())) == len(set(colours.values())):
                return refined
            colours = refined
        return colours

    def _surroundings(self, k: int, colours: Mapping[int, str]) -> list[str]:
        """Return the lines that an operation occurs in."""
        names = {**colours, k: "this"}
        return sorted(self._line(line, names) for line in self.readers[k])

    def _are_twins(self, one: int, other: int) -> bool:
        """Say whether two operations can change places and leave all lines as they are."""
        names = {k: f"#{k}" for k in self.readers}
        swapped = {**names, one: names[other], other: names[one]}
        concerned = {one, other, *self.readers[one], *self.readers[other]}
        return sorted(self._line(k, names) for k in concerned) == sorted(self._line(k, swapped) for k in concerned)

    def _text(self, colours: Mapping[int, str]) -> str:
        order = sorted(colours, key=colours.__getitem__)
        names = dict(zip(order, LETTERS, strict=False))
        outputs = sorted(self._line(line, names) for line in self.lines if line < 0)
        return "; ".join([*(self._line(k, names) for k in order), ", ".join(outputs)])

    def _line(self, line: int, names: Mapping[int, str]) -> str:
        operation, terms = self.lines[line]
        read = _sum_text(terms.items(), names)
        return f"{names[line]}={operation}({read})" if operation else read


def _tied(colours: Mapping[int, str]) -> list[int]:
    """Return the operations of the first colour that several have."""
    if len(set(colours.values())) == len(colours):
        return []
    several = min(colour for colour, count in Counter(colours.values()).items() if count > 1)
    return [k for k, colour in colours.items() if colour == several]


def _within(term: Term) -> Iterator[int]:
    """Yield the operations with weights that occur in a term."""
    if isinstance(term, int):
        yield term
    elif isinstance(term, Average):
        yield from _within(term.term)
    elif isinstance(term, Maximum):
        for inner, _ in term.terms:
            yield from _within(inner)


def _sum_text(terms: Iterable[tuple[Term, int]], names: Mapping[int, str]) -> str:
    texts = [f"{count}·" * (count > 1) + _term_text(term, names) for term, count in terms]
    return "+".join(sorted(texts)) or "0"


def _term_text(term: Term, names: Mapping[int, str]) -> str:
    if isinstance(term, str):
        return term
    if isinstance(term, int):
        return names[term]
    if isinstance(term, Average):
        return f"avg({_term_text(term.term, names)})"
    return f"max{term.size}{'/2' * (term.stride == 2)}({_sum_text(term.terms, names)})"
