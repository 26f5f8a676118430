"""The genotype: how the code of DARTS writes a pair of cells, and the whole field after it.

Liu, Simonyan & Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, arXiv:1806.09055, and its code:

    Genotype(normal=[('sep_conv_3x3', 0), …], normal_concat=range(2, 6), reduce=[…], reduce_concat=[4, 5, 6])

A cell is a list of genes, (operation, source), two for each node. States 0 and 1 are the cell's inputs, and its nodes
the states from 2 on; ``concat`` names the states that the cell's output concatenates. The text is read, never run.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from nasedu.core import check_text, shown

__all__ = ["CELLS", "Genes", "Genotype", "pieces", "read", "read_genes", "read_states"]

CELLS = ("normal", "reduce")
Genes = list[tuple[str, int]]

LONGEST = 20_000  # characters
FORM = "Genotype(normal=[('op', source), …], normal_concat=range(2, 6), reduce=[…], reduce_concat=range(2, 6))"
CELL = r"{0}\s*=\s*\[([^][]*)\]\s*,\s*{0}_concat\s*=\s*(range\([^()]*\)|\[[^][]*\])"
TEXT = re.compile(rf"\s*Genotype\(\s*{CELL.format('normal')}\s*,\s*{CELL.format('reduce')}\s*,?\s*\)\s*")
GENE = re.compile(r"\(\s*(?:'(\w{1,40})'|\"(\w{1,40})\")\s*,\s*([0-9]{1,4})\s*,?\s*\)\s*(?:,\s*|$)")
RANGE = re.compile(r"range\(\s*([0-9]{1,4})\s*,\s*([0-9]{1,4})\s*\)")
STATE = re.compile(r"\s*([0-9]{1,4})\s*(?:,|$)")


class Genotype(NamedTuple):
    """Two cells, as their text has them: the genes, and the states that are concatenated."""

    normal: Genes
    normal_concat: tuple[int, ...]
    reduce: Genes
    reduce_concat: tuple[int, ...]


def read(text: str) -> Genotype:
    """Return what a ``Genotype(…)`` text says; whether a space has such cells is the space's to say.

    Raises:
        ValueError: the text is malformed, or too long.
    """
    match = TEXT.fullmatch(check_text(text, LONGEST))
    if match is None:
        raise ValueError(f'expected "{FORM}"; got {shown(text)}.')
    return Genotype(read_genes(match[1]), read_states(match[2]), read_genes(match[3]), read_states(match[4]))


def pieces(genotype: Genotype) -> list[tuple[str, int | None]]:
    """Return the text in pieces, each gene's with its place among all genes, the others' with None."""
    found: list[tuple[str, int | None]] = []
    start, opening = 0, "Genotype("
    for cell, genes, concat in (("normal", *genotype[:2]), ("reduce", *genotype[2:])):
        found.append((f"{opening}{cell}=[", None))
        for index, gene in enumerate(genes):
            found += [(", ", None)] if index else []
            found.append((str(gene), start + index))
        nodes = len(genes) // 2
        states = f"range(2, {nodes + 2})" if concat == tuple(range(2, nodes + 2)) else str(list(concat))
        start, opening = len(genes), f"], {cell}_concat={states}, "
    return [*found, (opening.removesuffix(", ") + ")", None)]


def read_genes(text: str) -> Genes:
    """Return the genes of a list, such as ``('sep_conv_3x3', 0), ('skip_connect', 1)``, without its brackets."""
    genes: Genes = []
    rest = text.strip()
    position = 0
    while position < len(rest):
        match = GENE.match(rest, position)
        if match is None:
            raise ValueError(
                "expected genes like ('sep_conv_3x3', 0), separated by commas; got "
                f"{shown(rest[position:])} after {len(genes)} of them."
            )
        genes.append((match[1] or match[2], int(match[3])))
        position = match.end()
    return genes


def read_states(text: str) -> tuple[int, ...]:
    """Return the states that ``range(2, 6)`` or ``[4, 5, 6]`` lists."""
    limits = RANGE.fullmatch(text)
    if limits is not None:
        return tuple(range(int(limits[1]), int(limits[2])))
    states, position = [], 1
    while position < len(text) - 1:
        match = STATE.match(text[:-1], position)
        if match is None:
            break
        states.append(int(match[1]))
        position = match.end()
    if text.startswith("[") and text[position:-1].strip() == "":
        return tuple(states)
    raise ValueError(f"expected states to concatenate, like range(2, 6) or [4, 5, 6]; got {shown(text)}.")
