"""Networks of free-form cells: what a cell computes, and that equal names mean equal functions."""

import numpy as np
import pytest
import torch

from nasedu.networks import build, nasbench201
from nasedu.networks.graphs import Cell
from nasedu.spaces import NASBench201
from nasedu.spaces.graphs import OPERATIONS, Graphs

SPACE = Graphs()


def network(text, shape=(1, 12), space=SPACE, **sizes):
    return build(space.parse(text), shape, 3, rng=np.random.default_rng(0), **{"channels": 4, **sizes})


def signals(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_a_cell_sums_what_its_nodes_read_and_its_loose_ends():
    cell = network("conv_3x3(0); avg_pool_3x3(0,1); conv_1x1(1); skip_connect(0,3)").stages[0]
    assert isinstance(cell, Cell)
    x = signals(2, 4, 12)
    one, pool, three, _ = cell.operations
    torch.testing.assert_close(cell(x), pool(x + one(x)) + x + three(one(x)))


@pytest.mark.parametrize("shape", [(1, 12), (3, 8, 8)])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_works_on_signals_and_images(operation, shape):
    space = Graphs(2, OPERATIONS)
    made = network(f"{operation}(0); {operation}(0,1)", shape, space, cells=2)
    assert len(made.stages) == 5 and made(signals(2, *shape)).shape == (2, 3)


def test_a_cell_that_nasbench201_has_too_is_the_same_network():
    ours = network("conv_3x3(0); conv_1x1(1); skip_connect(0,2)", (3, 8, 8))
    text = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|skip_connect~2|"
    theirs = build(NASBench201().parse(text), (3, 8, 8), 3, channels=4, rng=np.random.default_rng(1))
    assert isinstance(ours, nasbench201.CellNetwork)
    assert [each.shape for each in ours.parameters()] == [each.shape for each in theirs.parameters()]
    for mine, other in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
        mine.copy_(other)
    torch.testing.assert_close(ours(signals(2, 3, 8, 8)), theirs(signals(2, 3, 8, 8)))


@pytest.mark.parametrize(
    ("one", "two", "order"),
    [
        ("conv_3x3(0); conv_1x1(0)", "conv_1x1(0); conv_3x3(0)", (1, 0)),
        ("conv_3x3(0); skip_connect(0,1); avg_pool_3x3(2)", "conv_3x3(0); avg_pool_3x3(0,1)", (0,)),
        ("conv_3x3(0); avg_pool_3x3(0,1)", "conv_3x3(0); avg_pool_3x3(0); avg_pool_3x3(1)", (0,)),
        ("conv_3x3(0); skip_connect(1); max_pool_3x3(1,2)", "conv_3x3(0); max_pool_3x3(1); skip_connect(2); "
         "skip_connect(2)", (0,)),
    ],
)  # fmt: skip
def test_cells_of_one_name_compute_the_same_with_matched_weights(one, two, order):
    """``order`` says which convolution of the first cell is each one of the second."""
    assert SPACE.canonical(SPACE.parse(one)) == SPACE.canonical(SPACE.parse(two))
    cells = [network(text).stages[0] for text in (one, two)]
    convolutions = [[each for each in cell.operations if list(each.parameters())] for cell in cells]
    for index, target in zip(order, convolutions[1], strict=True):
        target.load_state_dict(convolutions[0][index].state_dict())
    x = signals(2, 4, 12)
    torch.testing.assert_close(cells[0](x), cells[1](x))
