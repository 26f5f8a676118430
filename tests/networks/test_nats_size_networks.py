"""Networks of NATS-Bench's size space: the parameters that the benchmark stores, and its cell."""

import numpy as np
import pytest
import torch

from nasedu.networks import build, nasbench201
from nasedu.networks.nats_size import Cell
from nasedu.spaces import NASBench201, NATSSize

SPACE = NATSSize()
TOPOLOGY = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"


@pytest.mark.parametrize(
    ("text", "count"),
    [("8:8:8:8:8", 11_714), ("8:8:16:40:40", 107_826), ("64:64:64:64:64", 713_674)],  # as the benchmark's files have it
)
def test_networks_have_the_number_of_parameters_that_the_benchmark_stores(text, count):
    network = build(SPACE.parse(text), (3, 32, 32), 10, rng=np.random.default_rng(0))
    assert sum(weights.numel() for weights in network.parameters()) == count


def test_with_one_width_the_cell_is_the_topology_of_nasbench201():
    topology = NASBench201().parse(TOPOLOGY)
    reference, cell = nasbench201.Cell(topology, 2, 8).eval(), Cell(2, 8, 8).eval()
    cell.load_state_dict(reference.state_dict())
    x = torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(cell(x), reference(x))


def test_where_the_width_changes_the_skip_connection_is_linear():
    """A 1×1 convolution and batch norm without the ReLU that other convolutions begin with."""
    cell = Cell(2, 8, 16).eval()
    skip = cell.operations["0→3"]
    assert [type(layer).__name__ for layer in skip] == ["Conv2d", "BatchNorm2d"]
    with torch.no_grad():
        for name, operation in cell.operations.items():
            if name != "0→3":
                operation[1].weight.zero_()
    x = torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(cell(-x), -cell(x), atol=1e-5), "and nothing else is left"


@pytest.mark.parametrize("shape", [(1, 40), (3, 9, 7)])
def test_the_network_is_trained_on_signals_and_images(shape):
    rng = np.random.default_rng(0)
    network = build(SPACE.sample(rng), shape, 10, rng=rng)
    logits = network(torch.randn(4, *shape, generator=torch.Generator().manual_seed(0)))
    logits.sum().backward()
    assert logits.shape == (4, 10) and all(weights.grad is not None for weights in network.parameters())
