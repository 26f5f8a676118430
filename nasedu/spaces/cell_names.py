"""Names for what a cell computes: the same for two cells that compute the same function for matching weights.

A cell is written as sums of terms, one sum for each node that the output concatenates:

    skip_connect    adds the terms of what it reads
    avg_pool        is linear, and so is applied to each term
    max_pool        a term of its own, of the whole sum; but twice the sum has twice the maximum, and the maximum over
                    windows of maxima over windows is one over larger windows
    all others      have weights: each is a term of its own, even if another reads the same sum with the same operation

What an operation with weights computes may arrive at several places, which must be seen: one convolution added twice
is not two convolutions. Such operations get numbers, and the smallest text over all ways to number them is the name.

In a reduction cell ``skip_connect`` on an input of the cell halves the resolution and has weights.

Cells with one name compute the same function: each rule is an identity. That cells with two names never do is not
proven; the tests compare all cells of small spaces. Graphs that grow have names by the same rules in ``terms.py``,
written so that they stay short; here a cell is small, and names are made twice as fast.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from nasedu.spaces.genotype import Genes

__all__ = ["cell_name"]

RADIUS = {"max_pool_3x3": 1, "max_pool_5x5": 2, "max_pool_7x7": 3}


@dataclass(frozen=True, slots=True)
class Input:
    """One of the two inputs of the cell."""

    index: int


@dataclass(frozen=True, slots=True)
class Average:
    """A term after average pooling."""

    term: Term


@dataclass(frozen=True, slots=True)
class Maximum:
    """A sum after max pooling."""

    value: Sum
    radius: int
    stride: int


@dataclass(frozen=True, slots=True)
class Weighted:
    """What an operation with weights computes."""

    index: int  # among those of the cell


Term = Input | Average | Maximum | Weighted
Sum = frozenset[tuple[Term, int]]  # terms, and how often each is added


def cell_name(genes: Genes, outputs: tuple[int, ...], reduces: bool) -> str:
    """Return the name of a cell.

    Args:
        genes: (operation, source) pairs, two for each node.
        outputs: the states that the output concatenates.
        reduces: whether operations on states 0 and 1 have stride 2.
    """
    cell = _Cell(genes, outputs, reduces)
    classes: dict[tuple[str, str], list[int]] = {}
    for index, places in enumerate(cell.count_places()):
        if places > 1:
            alike = cell.texts({})[index], cell.text({index: "*"})  # what it computes, and where that arrives
            classes.setdefault(alike, []).append(index)
    best = ""
    for order in itertools.product(*(itertools.permutations(classes[alike]) for alike in sorted(classes))):
        numbers = {index: n for n, index in enumerate(itertools.chain(*order))}
        if all(numbers.get(one, -1) <= numbers.get(other, -1) for one, other in cell.twins):
            text = cell.text({index: f"#{n}" for index, n in numbers.items()})
            best = min(best or text, text)
    return best


class _Cell:
    """A cell as sums of terms."""

    def __init__(self, genes: Genes, outputs: tuple[int, ...], reduces: bool) -> None:
        self.operations: list[tuple[str, Sum]] = []  # with weights: the name, and what it reads
        self.twins: list[tuple[int, int]] = []  # those that may change places, whatever else there is
        states: list[Sum] = [frozenset({(Input(i), 1)}) for i in (0, 1)]
        for pair in zip(genes[::2], genes[1::2], strict=True):
            terms: Counter[Term] = Counter()
            count = len(self.operations)
            for name, source in pair:
                terms.update(self._apply(name, states[source], 2 if reduces and source < 2 else 1))
            if pair[0] == pair[1] and len(self.operations) == count + 2:
                self.twins.append((count, count + 1))
            states.append(frozenset(terms.items()))
        self.outputs = [states[state] for state in outputs]

    def _apply(self, name: str, value: Sum, stride: int) -> dict[Term, int]:
        if name == "skip_connect" and stride == 1:
            return dict(value)
        if name == "avg_pool_3x3":
            return {Average(term): count for term, count in value}
        if name in RADIUS:
            return _maximum(value, RADIUS[name], stride)
        self.operations.append((name, value))
        return {Weighted(len(self.operations) - 1): 1}

    def count_places(self) -> list[int]:
        """Return at how many places each operation with weights arrives."""
        places = [0] * len(self.operations)
        values = list(self.outputs)
        for value in values:  # which grows
            for term, count in value:
                while isinstance(term, Average):
                    term = term.term
                if isinstance(term, Maximum):
                    values.append(term.value)
                if isinstance(term, Weighted):
                    places[term.index] += count
                    values.append(self.operations[term.index][1])
        return places

    def texts(self, labels: Mapping[int, str]) -> list[str]:
        """Return the text of each operation with weights, with labels at some of them."""
        known: list[str] = []
        for index, (name, value) in enumerate(self.operations):  # what an operation reads comes before it
            known.append(f"{name}{labels.get(index, '')}({_sum_text(value, known)})")
        return known

    def text(self, labels: Mapping[int, str]) -> str:
        """Return the text of the cell, with labels at some of the operations with weights."""
        known = self.texts(labels)
        return "[" + ", ".join(sorted(_sum_text(value, known) for value in self.outputs)) + "]"


def _maximum(value: Sum, radius: int, stride: int) -> dict[Term, int]:
    share = math.gcd(*(count for _, count in value))
    value = frozenset((term, count // share) for term, count in value)
    (term, _), *others = value
    if isinstance(term, Maximum) and not others and stride == 1:
        return {Maximum(term.value, term.radius + term.stride * radius, term.stride): share}
    return {Maximum(value, radius, stride): share}


def _sum_text(value: Sum, known: list[str]) -> str:
    terms = [f"{count}*{_term_text(term, known)}" if count > 1 else _term_text(term, known) for term, count in value]
    return "+".join(sorted(terms))


def _term_text(term: Term, known: list[str]) -> str:
    if isinstance(term, Input):
        return str(term.index)
    if isinstance(term, Weighted):
        return known[term.index]
    if isinstance(term, Average):
        return f"avg({_term_text(term.term, known)})"
    return f"max{term.radius}{'/2' if term.stride == 2 else ''}({_sum_text(term.value, known)})"
