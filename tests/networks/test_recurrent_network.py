"""Networks of recurrent cells: the published equations and numbers of weights, step by step."""

import numpy as np
import pytest
import torch

import nasedu as nas
from nasedu.networks import build
from nasedu.networks.recurrent import Cell, RecurrentNetwork
from nasedu.spaces.recurrent import DARTS_V1, DARTS_V2, ENAS, Recurrent

DARTS = Recurrent()


def weights(module):
    return sum(each.numel() for each in module.parameters())


@pytest.mark.parametrize("text", [DARTS_V1, DARTS_V2])
def test_darts_model_for_penn_treebank_has_its_published_size(text):
    """23 million, arXiv:1806.09055, Table 2: 850 units, an embedding of 10,000 words that also decodes, with a bias."""
    with torch.device("meta"):
        cell = Cell(DARTS.parse(text), inputs=850, units=850)
    assert weights(cell) == (850 + 850) * 2 * 850 + 8 * 850 * 2 * 850 == 14_450_000
    assert round((weights(cell) + 10_000 * 850 + 10_000) / 1e6) == 23


def test_a_cell_computes_what_the_papers_write():
    space = Recurrent(nodes=4, loose_ends=True)
    text = "Genotype(recurrent=[('relu', 0), ('sigmoid', 0), ('identity', 2), ('tanh', 1)], concat=[3, 4])"
    cell = Cell(space.parse(text), inputs=3, units=5).double()
    generator = torch.Generator().manual_seed(0)
    for each in cell.parameters():
        torch.nn.init.normal_(each, generator=generator)
    x, h = (torch.randn(2, size, dtype=torch.double, generator=generator) for size in (3, 5))

    def node(previous, matrix, function):
        c, z = previous @ matrix.weight.T[:, :5], previous @ matrix.weight.T[:, 5:]
        return c.sigmoid(), function(z)

    c, z = node(torch.cat([x, h], 1), cell.first, torch.tanh)
    s = [c * z + (1 - c) * h]
    for source, function, matrix in zip(
        (0, 0, 2, 1), (torch.relu, torch.sigmoid, lambda z: z, torch.tanh), cell.nodes, strict=True
    ):
        c, z = node(s[source], matrix, function)
        s.append(c * z + (1 - c) * s[source])
    torch.testing.assert_close(cell(x, h), (s[3] + s[4]) / 2)


def test_a_sequence_is_read_in_its_order_from_a_state_of_zeros():
    network = build(DARTS.parse(DARTS_V2), (2, 6), 3, channels=4, rng=np.random.default_rng(0))
    x = torch.randn(5, 2, 6, generator=torch.Generator().manual_seed(0))
    state, states = torch.zeros(5, 4), []
    for position in range(6):
        state = network.cells[0](network.stem(x)[:, :, position], state)
        states.append(state)
    torch.testing.assert_close(network(x), network.classifier(network.norm(torch.stack(states).mean(0))))
    assert not torch.allclose(network(x), network(x.flip(2)))


def test_an_image_is_read_row_by_row():
    network = build(DARTS.parse(DARTS_V1), (3, 5, 7), 4, channels=6, rng=np.random.default_rng(0))
    assert network.stem[0].in_channels == 3 * 7
    x = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    rows = x.permute(0, 1, 3, 2).reshape(2, 21, 5)  # a signal of five steps
    torch.testing.assert_close(network(x), network(rows))


def test_stacked_cells_read_the_states_of_each_other():
    space = Recurrent(nodes=11, loose_ends=True)
    network = build(space.parse(ENAS), (1, 9), 2, channels=4, cells=2, rng=np.random.default_rng(0))
    assert isinstance(network, RecurrentNetwork)
    assert weights(network) == (1 * 3 * 4 + 8) + 2 * (8 * 8 + 11 * 4 * 8) + 8 + (4 * 2 + 2)
    x = torch.randn(3, 1, 9, generator=torch.Generator().manual_seed(0))
    assert not torch.allclose(network(x), network(x.flip(0)))
    with torch.no_grad():
        network.cells[1].first.weight[:, :4] = 0  # deaf to the first cell
    assert torch.equal(network(x), network(x.flip(0)))


def test_cells_of_one_name_compute_the_same_with_matched_weights():
    space = Recurrent(nodes=3)
    one = space.parse("Genotype(recurrent=[('tanh', 0), ('relu', 0), ('relu', 1)], concat=range(1, 4))")
    two = space.parse("Genotype(recurrent=[('relu', 0), ('tanh', 0), ('relu', 2)], concat=range(1, 4))")
    assert space.canonical(one) == space.canonical(two)
    networks = [build(cell, (2, 5), 3, channels=4, rng=np.random.default_rng(0)) for cell in (one, two)]
    state = networks[0].state_dict()
    swapped = {"cells.0.nodes.0.weight": "cells.0.nodes.1.weight", "cells.0.nodes.1.weight": "cells.0.nodes.0.weight"}
    networks[1].load_state_dict({name: state[swapped.get(name, name)] for name in state})
    x = torch.randn(4, 2, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(networks[0](x), networks[1](x))


def test_there_are_no_options():
    with pytest.raises(TypeError, match="skeleton"):
        build(DARTS.parse(DARTS_V1), (1, 8), 2, rng=np.random.default_rng(0), skeleton="published")


def test_a_recurrent_cell_learns_digits_from_their_rows():
    evaluator = nas.evaluators.Train(nas.data.load("digits"), epochs=10, channels=32, seed=0)
    trial = evaluator([DARTS.parse(DARTS_V2)])[0]
    assert trial.accuracy > 0.8
    stem, step, classifier = 8 * 3 * 8 * 32, 64 * 64 + 8 * 32 * 64, 32 * 10
    assert trial.metrics["flops"].value == 2 * (stem + 8 * step + classifier)
