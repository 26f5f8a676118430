"""The blocks of a network add up to the network, whatever space it came from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import nasedu as nas
from nasedu.networks.blocks import INPUT, blocks
from nasedu.training import measure

CELLS = nas.spaces.NASBench201()


def built(architecture: nas.Architecture, shape: tuple[int, ...], **options: object) -> nn.Module:
    return nas.networks.build(architecture, shape, 10, rng=np.random.default_rng(0), **options)


NETWORKS = {
    "nasbench201": (
        nas.spaces.NASBench201().architecture((3, 0, 1, 4, 2, 3)),
        (3, 32, 32),
        {"channels": 16, "cells": 5},
    ),
    "signals": (nas.spaces.NASBench201().architecture((3, 3, 3, 3, 3, 3)), (1, 40), {}),
    "darts": (nas.spaces.DARTS().sample(np.random.default_rng(0)), (3, 32, 32), {"channels": 8, "cells": 2}),
    "chain": (nas.spaces.Chain().parse("conv3-16-relu > pool > conv5-32-tanh > dense-16-relu"), (1, 8, 8), {}),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_blocks_add_up_to_the_network(name):
    architecture, shape, options = NETWORKS[name]
    network = built(architecture, shape, **options)
    found = blocks(network, shape)
    assert sum(block.parameters for block in found) == measure.parameters(network)
    assert sum(block.flops for block in found) == measure.flops(network, shape)
    assert found[-1].shape == (10,)
    assert found[0].sources == (INPUT,)
    assert all(source < place for place, block in enumerate(found) for source in block.sources)


@pytest.mark.parametrize("name", nas.spaces.SPACES)
def test_blocks_of_every_space_are_found(name):
    space = nas.spaces.create(name)
    shape = (1, 40) if name == "recurrent" else (3, 32, 32)
    network = built(space.sample(np.random.default_rng(0)), shape)
    found = blocks(network, shape)
    assert sum(block.parameters for block in found) == measure.parameters(network)
    assert found[-1].shape == (10,)


def test_a_stage_of_equal_cells_is_one_entry():
    architecture, shape, options = NETWORKS["nasbench201"]
    found = blocks(built(architecture, shape, skeleton="published", **options), shape)
    assert [(block.name, block.count, block.shape) for block in found] == [
        ("stem", 1, (16, 32, 32)),
        ("cell", 5, (16, 32, 32)),
        ("residual reduction", 1, (32, 16, 16)),
        ("cell", 5, (32, 16, 16)),
        ("residual reduction", 1, (64, 8, 8)),
        ("cell", 5, (64, 8, 8)),
        ("norm", 1, (64, 8, 8)),
        ("classifier", 1, (10,)),
    ]


def test_a_cell_reads_the_two_before_it():
    """After a reduction, the first cell of the next stage still reads the stage before the reduction."""
    architecture, shape, options = NETWORKS["darts"]
    found = blocks(built(architecture, shape, **options), shape)
    counts = [(block.name, block.count) for block in found]
    assert counts == [("stem", 1), *2 * [("cell", 2), ("reduction cell", 1)], ("cell", 2), ("classifier", 1)]
    assert [block.sources for block in found] == [(INPUT,), (0,), (1,), (1, 2), (3,), (3, 4), (5,)]


def test_layers_of_a_chain_are_named_by_what_they_are():
    architecture, shape, options = NETWORKS["chain"]
    found = blocks(built(architecture, shape, **options), shape)
    assert [block.name for block in found] == [
        "conv 3×3, relu", "halve", "conv 5×5, tanh", "global average", "linear, relu", "linear"
    ]  # fmt: skip
    assert [block.shape for block in found] == [(16, 8, 8), (16, 4, 4), (32, 4, 4), (32,), (16,), (10,)]


class Shared(nn.Module):
    """One layer used three times, and one that is never used."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
        self.steps = 0

    def forward(self, x: Tensor) -> Tensor:
        first = self.layers[0](x)
        second = self.layers[0](first)
        third: Tensor = self.layers[0](second + first)
        return third


def test_weights_used_again_count_once_and_their_flops_each_time():
    (block,) = blocks(Shared(), (4,))
    assert (block.count, block.parameters, block.flops) == (3, 20, 3 * 2 * 16)


def test_the_network_is_left_as_it_was():
    architecture, shape, options = NETWORKS["nasbench201"]
    network = built(architecture, shape, **options)
    network.stem.eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    blocks(network, shape)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_a_network_without_numbers_will_do():
    with torch.device("meta"):
        network = nn.Sequential(nn.Conv2d(3, 1000, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1000 * 30 * 30, 10_000))
    assert [block.parameters for block in blocks(network, (3, 32, 32))] == [28_000, 9_000_010_000]
