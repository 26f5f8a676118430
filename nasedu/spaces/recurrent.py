"""The recurrent cells of ENAS and DARTS: what happens to a state at each step of a sequence.

Pham, Guan, Zoph, Le & Dean, "Efficient Neural Architecture Search via Parameter Sharing", ICML 2018, arXiv:1802.03268,
Section 2.1; Liu, Simonyan & Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, arXiv:1806.09055, Section
3.1.2.

Node 0 mixes the step's input x with the state h of the step before; every further node takes one earlier node, through
an activation f of its own and a gate c that says how much of the node to replace:

    c_0, z_0 = [x, h] W_0                s_0 = h   + σ(c_0) · (tanh(z_0) − h)
    c_i, z_i = s_j W_i,  j < i           s_i = s_j + σ(c_i) · (f_i(z_i) − s_j)

The new state is the mean over all nodes but node 0 (DARTS), or over the loose ends, the nodes that no other one takes
(ENAS). With i inputs to choose from and 4 activations node i has 4·i ways, so that

    N nodes make 4ᴺ · N! cells:    2,642,411,520 for DARTS, with N = 8

The native string is the genotype of DARTS' code; for a cell of ENAS ``concat`` lists the loose ends:

    Genotype(recurrent=[('relu', 0), ('relu', 1), …], concat=range(1, 9))

What differs from the papers:
    * ENAS counts its first node among the N and chooses its activation; here, as in DARTS, it is node 0 and has tanh,
      as in the cell that ENAS found. 4ᴺ · N! is ENAS's formula too, for its 12 nodes, although there the first
      has no earlier node to take and the second has one.
    * DARTS counts the two inputs, node 0 and the output too, and so has 12 nodes. Its ``none`` lives in the supernet
      and is no activation of this space.
"""

from __future__ import annotations

import re

from nasedu.core import (
    Architecture,
    Decision,
    Diagram,
    Edge,
    Node,
    SearchSpace,
    check_flag,
    check_text,
    check_whole,
    shown,
)
from nasedu.spaces import genotype
from nasedu.spaces.layered import arrange

__all__ = ["ACTIVATIONS", "DARTS_V1", "DARTS_V2", "ENAS", "Recurrent"]

ACTIVATIONS = ("tanh", "relu", "sigmoid", "identity")
LONGEST = 4_000  # characters of a native string: more than 100 nodes can need

DARTS_V1 = (  # found on Penn Treebank; what the authors' rnn/genotypes.py had at first
    "Genotype(recurrent=[('relu', 0), ('relu', 1), ('tanh', 2), ('relu', 3), ('relu', 4), ('identity', 1), "
    "('relu', 5), ('relu', 1)], concat=range(1, 9))"
)
DARTS_V2 = (  # and later
    "Genotype(recurrent=[('sigmoid', 0), ('relu', 1), ('relu', 1), ('identity', 1), ('tanh', 2), ('sigmoid', 5), "
    "('tanh', 3), ('relu', 5)], concat=range(1, 9))"
)
ENAS = (  # found by ENAS on Penn Treebank, as DARTS' code has it: of Recurrent(nodes=11, loose_ends=True)
    "Genotype(recurrent=[('tanh', 0), ('tanh', 1), ('relu', 1), ('tanh', 3), ('tanh', 3), ('relu', 3), ('relu', 4), "
    "('relu', 7), ('relu', 8), ('relu', 8), ('relu', 8)], concat=[2, 5, 6, 9, 10, 11])"
)


class Recurrent(SearchSpace):
    """Recurrent cells: for each node an earlier one and an activation.

    Args:
        nodes: N, how many nodes there are after node 0, a whole number in 1..100.
        loose_ends: whether the new state is the mean over the loose ends (ENAS), and not over all nodes (DARTS).

    Raises:
        ValueError: nodes is no such number.

    Example:
        >>> space = Recurrent()
        >>> space.size
        2642411520
        >>> space.parse(DARTS_V2).options["node 2 activation"]
        'relu'
    """

    def __init__(self, nodes: int = 8, loose_ends: bool = False) -> None:
        nodes = check_whole("nodes", nodes, 1, 100)
        decisions = [Decision("node 1 activation", ACTIVATIONS)]
        for node in range(2, nodes + 1):
            decisions.append(Decision(f"node {node} input", tuple(range(node))))
            decisions.append(Decision(f"node {node} activation", ACTIVATIONS))
        self.nodes, self.loose_ends = nodes, check_flag("loose_ends", loose_ends)
        super().__init__("recurrent", decisions, {"nodes": self.nodes, "loose_ends": self.loose_ends})

    def genes(self, choices: tuple[int, ...]) -> list[tuple[str, int]]:
        """Return the (activation, input) pair of each node from 1 to N."""
        inputs = (0, *choices[1::2])
        return [(ACTIVATIONS[choice], source) for choice, source in zip(choices[::2], inputs, strict=True)]

    def outputs(self, genes: list[tuple[str, int]]) -> list[int]:
        """Return the nodes whose mean is the new state."""
        taken = {source for _, source in genes} if self.loose_ends else set()
        return [node for node in range(1, len(genes) + 1) if node not in taken]

    def format(self, choices: tuple[int, ...]) -> str:
        """Return the genotype as DARTS' code prints it."""
        return "".join(text for text, _ in self.pieces(choices))

    def pieces(self, choices: tuple[int, ...]) -> list[tuple[str, int | None]]:
        """Return the genotype in pieces: one for each gene, told by the decision of its activation."""
        genes = self.genes(choices)
        found: list[tuple[str, int | None]] = [("Genotype(recurrent=[", None)]
        for index, gene in enumerate(genes):
            found += [(", ", None)] if index else []
            found.append((str(gene), 2 * index))
        concat = self.outputs(genes) if self.loose_ends else f"range(1, {self.nodes + 1})"
        return [*found, (f"], concat={concat})", None)]

    def parse(self, text: str) -> Architecture:
        """Return the cell that a ``Genotype(…)`` string names. The string is read, never run.

        Raises:
            ValueError: the string is malformed, names an unknown activation, a node takes itself or a later one, or
                ``concat`` lists other nodes than this space makes the new state of.
        """
        parts = re.fullmatch(
            r"\s*Genotype\(\s*recurrent\s*=\s*\[([^\[\]]*)\]\s*,\s*concat\s*=\s*(range\([0-9,\s]*\)|\[[0-9,\s]*\])\s*\)\s*",
            check_text(text, LONGEST),
        )
        if parts is None:
            raise ValueError(
                f"expected \"Genotype(recurrent=[('relu', 0), …], concat=range(1, {self.nodes + 1}))\"; "
                f"got {shown(text)}."
            )
        genes = genotype.read_genes(parts[1])
        if len(genes) != self.nodes:
            raise ValueError(
                f"the cell must have {self.nodes} genes, one for each node; got {len(genes)}. Other numbers of nodes "
                "have spaces of their own: Recurrent(nodes=…)."
            )
        choices: list[int] = []
        for node, (activation, source) in enumerate(genes, 1):
            if activation not in ACTIVATIONS:
                raise ValueError(f"unknown activation {activation!r}; there are {', '.join(ACTIVATIONS)}.")
            if source >= node:
                raise ValueError(f"node {node} must take one of the nodes 0..{node - 1}; got {source}.")
            choices += [source] if node > 1 else []
            choices.append(ACTIVATIONS.index(activation))
        self._check_outputs(genotype.read_states(parts[2]), self.outputs(genes))
        return self.architecture(choices)

    def _check_outputs(self, given: tuple[int, ...], outputs: list[int]) -> None:
        if sorted(given) != outputs:
            which = "loose ends" if self.loose_ends else "nodes from 1 on"
            raise ValueError(
                f"the new state must be the mean over all {which}, concat={outputs}; got {shown(list(given))}. "
                f"The other rule is Recurrent(nodes={self.nodes}, loose_ends={not self.loose_ends})."
            )

    def diagram(self, architecture: Architecture) -> Diagram:
        """Return the structure, laid out in layers."""
        found = self.structure(architecture)
        return arrange(found.nodes, found.edges)

    def structure(self, architecture: Architecture) -> Diagram:
        """Return the cell: input and old state into node 0, a tree of nodes, and the new state."""
        genes = self.genes(architecture.choices)
        nodes = [Node("x", 0.0, 0.0, "x_{t}", "input"), Node("h", 0.0, 0.0, "h_{t-1}", "input")]
        nodes += [Node(str(node), 0.0, 0.0, str(node)) for node in range(len(genes) + 1)]
        nodes.append(Node("output", 0.0, 0.0, "h_{t}", "output"))
        edges = [Edge("x", "0"), Edge("h", "0")]
        edges += [Edge(str(source), str(i), name, 2 * (i - 1)) for i, (name, source) in enumerate(genes, 1)]
        edges += [Edge(str(node), "output") for node in self.outputs(genes)]
        return Diagram(tuple(nodes), tuple(edges))

    def canonical(self, architecture: Architecture) -> str:
        """Return a name for the function that the cell computes: its tree, whatever the order of its nodes.

        Each node takes one other, so a cell is a tree with node 0 as its root, and neither mean depends on the numbers
        of the nodes: cells with the same name compute the same function for matching weights. That the functions of
        different names differ is not proven; for N = 3, where there are 188 names, a test compares them all.
        """
        genes = self.genes(architecture.choices)
        branches: list[list[str]] = [[] for _ in range(len(genes) + 1)]
        for node in range(len(genes), 0, -1):  # a node's branches are complete before it is one itself
            activation, source = genes[node - 1]
            branches[source].append(activation + _bracketed(branches[node]))
        return "0" + _bracketed(branches[0])

    def count_unique(self) -> int:
        """Return the number of canonical names: of trees with a root, N further nodes and 4 kinds of these.

        Trees are counted by Cayley's recurrence: with f(n) forests of n nodes there are t(n) = 4 f(n−1) trees, and
        n f(n) = Σ_k f(n−k) Σ_{d divides k} d t(d).
        """
        trees, forests = [0], [1]
        for n in range(1, self.nodes + 1):
            trees.append(len(ACTIVATIONS) * forests[n - 1])
            sums = (forests[n - k] * sum(d * trees[d] for d in range(1, k + 1) if k % d == 0) for k in range(1, n + 1))
            forests.append(sum(sums) // n)
        return forests[-1]


def _bracketed(branches: list[str]) -> str:
    return f"({' '.join(sorted(branches))})" if branches else ""
