"""Networks of NAS-Bench-101: published parameter counts, channels, and equal functions of isomorphic cells."""

import numpy as np
import pytest
import torch

from nasedu.networks import build
from nasedu.networks.nasbench101 import Cell, vertex_channels
from nasedu.spaces import NASBench101

SPACE = NASBench101()
FIRST = (  # the first cell of the published file nasbench_only108.tfrecord
    "0100110/0010000/0001001/0000010/0000010/0000001/0000000 "
    "conv3x3-bn-relu,maxpool3x3,conv3x3-bn-relu,conv3x3-bn-relu,conv1x1-bn-relu"
)
INCEPTION = (  # the example of the benchmark's README
    "0111010/0000001/0000001/0000100/0000001/0000001/0000000 "
    "conv1x1-bn-relu,conv3x3-bn-relu,conv3x3-bn-relu,conv3x3-bn-relu,maxpool3x3"
)
LARGEST = "0111001/0010000/0001000/0000100/0000010/0000001/0000000 " + ",".join(["conv3x3-bn-relu"] * 5)


def parameters(network):
    return sum(weights.numel() for weights in network.parameters() if weights.requires_grad)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (FIRST, 8_555_530),  # trainable_parameters of hash 00005c142e6f48ac74fdcf73e3439874 in the published file
        (INCEPTION, 2_694_282),  # the output of NASBench.ipynb in the benchmark's repository
        (LARGEST, 49_979_274),  # the most trainable_parameters in the published file
    ],
)
def test_published_networks_have_the_published_number_of_parameters(text, count):
    cell = SPACE.parse(text)
    options = {"channels": 128, "cells": 3, "skeleton": "published", "rng": np.random.default_rng(0)}
    with torch.device("meta"):
        assert parameters(build(cell, (3, 32, 32), 10, **options)) == count


def matrix_of(text):
    return SPACE.matrix(SPACE.parse(text))


ONE, TWO, THREE = (",".join(["maxpool3x3"] * count) for count in (1, 2, 3))


@pytest.mark.parametrize(
    ("text", "channels", "expected"),
    [  # tests of the benchmark's own code
        ("01/00", 5, [5]),
        (f"0100/0010/0001/0000 {TWO}", 16, [16, 16, 16]),
        (f"01100/00010/00010/00001/00000 {THREE}", 16, [16, 16, 16, 16]),
        (f"0110/0001/0001/0000 {TWO}", 15, [8, 7, 15]),
        (f"01110/00001/00001/00001/00000 {THREE}", 8, [3, 3, 2, 8]),
        (f"01000/00110/00001/00001/00000 {THREE}", 9, [5, 5, 4, 9]),
        (f"01010/00101/00010/00001/00000 {THREE}", 15, [8, 7, 7, 15]),
    ],
)
def test_channels_are_divided_as_in_the_benchmark(text, channels, expected):
    assert vertex_channels(matrix_of(text), channels)[1:] == expected


def test_a_cell_computes_what_the_paper_says():
    """Vertex 1 has one channel more than vertex 2, which it feeds, and drops it. The output adds a projection."""
    cell = SPACE.parse("0111/0011/0001/0000 conv1x1-bn-relu,maxpool3x3")
    module = Cell(cell, 2, 4, 5).eval()
    x = torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    first = module.operations["1"](module.projections["1"](x))
    second = torch.nn.functional.max_pool2d(first[:, :2] + module.projections["2"](x), 3, 1, 1)
    expected = torch.cat([first, second], 1) + module.projections["3"](x)
    assert first.shape[1] == 3 and torch.equal(module(x), expected)


def compute_the_same(first, second, new_place, shape=(3, 4, 10)):
    """Give the second cell the first one's weights, and say whether it computes the same.

    Args:
        first, second: modules.
        new_place: where each vertex of the first is in the second; several may be in one place.
        shape: of the input.
    """
    for old, new in new_place.items():
        for kind in ("operations", "projections"):
            if str(old) in getattr(first, kind):
                getattr(second, kind)[str(new)].load_state_dict(getattr(first, kind)[str(old)].state_dict())
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    parts, others = parts_of(first, x), parts_of(second, x)
    return all(torch.allclose(part, others[new_place[old]], atol=1e-5) for old, part in parts.items())


def parts_of(module, x):
    """Return the part of the output that comes from each vertex which leads into it."""
    sources = module.sources[module.last]
    return dict(zip(sources, module(x).split([module.widths[source] for source in sources], dim=1), strict=True))


@pytest.mark.parametrize("seed", range(8))
def test_relabelled_cells_compute_the_same_with_matched_weights(seed):
    """60 channels divide evenly among one to five vertices; the output has them in the order of its vertices.

    What the input adds to the output, not by vertices, is left out.
    """
    rng = np.random.default_rng(seed)
    while True:
        cell = SPACE.sample(rng)
        matrix, last = SPACE.matrix(cell), len(SPACE.matrix(cell)) - 1
        order = [0, *(1 + rng.permutation(last - 1)).tolist(), last]
        changed = matrix[np.ix_(order, order)]
        if not matrix[0, last] and not np.tril(changed).any() and order != sorted(order):
            break
    other = SPACE.from_matrix(changed, [SPACE.operations(cell)[vertex] for vertex in order])
    assert SPACE.canonical(cell) == SPACE.canonical(other)
    first, second = Cell(cell, 1, 4, 60).eval(), Cell(other, 1, 4, 60).eval()
    assert compute_the_same(first, second, {old: new for new, old in enumerate(order)})


def test_two_poolings_of_the_same_vertex_compute_the_same_and_are_two():
    """A known limit of the benchmark's rule, and so of canonical(): 423,624 graphs are not as many functions."""
    conv1, conv3, pool = "conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3"
    one = SPACE.parse(f"010000/001000/000110/000001/000001/000000 {conv3},{pool},{conv3},{conv1}")
    two = SPACE.parse(f"0100000/0011000/0000100/0000010/0000001/0000001/0000000 {conv3},{pool},{pool},{conv3},{conv1}")
    assert SPACE.canonical(one) != SPACE.canonical(two)
    assert compute_the_same(Cell(two, 1, 4, 8).eval(), Cell(one, 1, 4, 8).eval(), {1: 1, 2: 2, 3: 2, 4: 3, 5: 4})


@pytest.mark.parametrize("shape", [(1, 40), (3, 9, 7)])
def test_the_network_of_any_cell_is_trained_on_signals_and_images(shape):
    rng = np.random.default_rng(0)
    for _ in range(5):
        network = build(SPACE.sample(rng), shape, 10, channels=8, rng=rng)
        logits = network(torch.randn(4, *shape, generator=torch.Generator().manual_seed(0)))
        assert logits.shape == (4, 10)
        logits.sum().backward()
        assert all(weights.grad is not None for weights in network.parameters())


def test_what_cannot_be_built_is_refused():
    wide, rng = SPACE.parse(f"01110/00001/00001/00001/00000 {THREE}"), np.random.default_rng(0)
    with pytest.raises(ValueError, match="channels must be at least 3, one for each vertex that leads into the output"):
        build(wide, (1, 40), 10, channels=2, rng=rng)
    with pytest.raises(ValueError, match="unknown skeleton 'large'; there are micro and published"):
        build(wide, (1, 40), 10, skeleton="large", rng=rng)
