"""The pieces of a native string join to it, and every piece that tells a decision is of one that is drawn."""

from __future__ import annotations

import json

import numpy as np
import pytest

import nasedu as nas
from nasedu import spaces

SPACES = [spaces.create(name) for name in spaces.SPACES] + [
    nas.SearchSpace("toy", [nas.Decision("width", (8, 16)), nas.Decision("kernel", (1, 3, 5))]),
    spaces.Chain(skips=True, max_depth=9),
]


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_pieces_join_to_the_string(space):
    rng = np.random.default_rng(0)
    for _ in range(100):
        architecture = space.sample(rng)
        pieces = space.pieces(architecture.choices)
        assert "".join(text for text, _ in pieces) == str(architecture)
        active = space.active(architecture.choices)
        assert all(decision is None or active[decision] for _, decision in pieces)


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_every_decision_that_is_drawn_has_its_piece(space):
    rng = np.random.default_rng(1)
    for _ in range(50):
        architecture = space.sample(rng)
        diagram = space.diagram(architecture)
        drawn = {part.decision for part in (*diagram.nodes, *diagram.edges)} - {None}
        assert drawn <= {decision for _, decision in space.pieces(architecture.choices)}


def test_a_piece_says_what_its_edge_does():
    space = spaces.DARTS()
    architecture = space.sample(np.random.default_rng(2))
    texts = {decision: text for text, decision in space.pieces(architecture.choices)}
    for edge in space.diagram(architecture).edges:
        if edge.decision is not None:
            assert texts[edge.decision] == f"('{edge.operation}', {edge.source.split()[-1]})"


def test_pieces_of_a_space_of_its_own():
    toy = SPACES[-2]
    assert toy.pieces((1, 2)) == [("width=16", 0), (",", None), ("kernel=5", 1)]

    class Named(nas.SearchSpace):
        def format(self, choices):
            return f"w{8 * (1 + choices[0])}"

    named = Named("named", [nas.Decision("width", (8, 16))])
    assert named.pieces((1,)) == [("w16", None)]


def test_a_file_carries_the_pieces(tmp_path):
    architecture = spaces.NASBench201().architecture((3, 0, 1, 4, 2, 3))
    architecture.save(tmp_path / "cell.nas.json")
    document = json.loads((tmp_path / "cell.nas.json").read_text(encoding="utf-8"))
    assert "".join(text for text, _ in document["pieces"]) == document["name"]
    assert nas.Architecture.load(tmp_path / "cell.nas.json") == architecture
