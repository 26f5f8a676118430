import copy
import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nasedu.core import Decision, SearchSpace
from nasedu.networks import build
from nasedu.networks.cell_operations import FactorizedReduce, SeparableConvolution
from nasedu.networks.initialization import materialize
from nasedu.networks.nasbench201 import Cell
from nasedu.networks.operations import AveragePool, average_pool, pooling_matrix
from nasedu.spaces import DARTS, Chain, NASBench201
from nasedu.spaces.nasbench201 import EDGES, OPERATIONS

NB201 = NASBench201()
SIGNAL, IMAGE = (1, 40), (1, 8, 8)


def rng(seed=0):
    return np.random.default_rng(seed)


def inputs(shape, batch=4, seed=0, dtype=torch.float32):
    return torch.randn(batch, *shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def count(network):
    return sum(weights.numel() for weights in network.parameters())


def uniform(operation):
    return NB201.architecture([OPERATIONS.index(operation)] * 6)


# Known answers: parameter counts ------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("nor_conv_3x3", 1_531_546),
        ("nor_conv_1x1", 241_306),
        ("skip_connect", 73_306),
        ("avg_pool_3x3", 73_306),
        ("none", 73_306),
    ],
)
def test_the_published_skeleton_has_the_benchmark_s_parameters(operation, expected):
    counts = [
        count(build(uniform(operation), (3, 32, 32), classes, channels=16, cells=5, rng=rng(), skeleton="published"))
        for classes in (10, 100, 120)
    ]
    assert counts == [expected, expected + 90 * 65, expected + 110 * 65]


def test_the_published_skeleton_counts_the_weights_of_dead_edges_and_the_micro_one_does_not():
    dead = NB201.parse("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
    skip = NB201.parse("|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
    published, micro = (
        [count(build(cell, (3, 8, 8), 10, rng=rng(), skeleton=skeleton)) for cell in (dead, skip)]
        for skeleton in ("published", "micro")
    )
    assert published[0] - published[1] == sum(9 * c * c + 2 * c for c in (8, 16, 32))
    assert micro[0] == micro[1]


# Laws ---------------------------------------------------------------------------------------

SPACES = {
    "nasbench201": (NB201, {}),
    "nasbench201 published": (NB201, {"skeleton": "published"}),
    "darts": (DARTS(), {"channels": 4}),
    "chain": (Chain(max_depth=8, activations=("relu", "tanh", "gelu"), skips=True), {}),
}


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("shape", [SIGNAL, IMAGE, (3, 7, 5), (2, 1)])
def test_every_network_maps_a_batch_to_logits_and_has_a_gradient(name, shape):
    space, options = SPACES[name]
    for seed in range(4):
        network = build(space.sample(rng(seed)), shape, 7, rng=rng(), **options)
        logits = network(inputs(shape))
        assert logits.shape == (4, 7)
        logits.square().sum().backward()
        gradients = [weights.grad for weights in network.parameters() if weights.grad is not None]
        assert gradients and all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("name", SPACES)
def test_the_same_rng_gives_the_same_weights_and_no_global_generator_is_touched(name):
    space, options = SPACES[name]
    architecture = space.sample(rng(3))
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    first, again, other = (build(architecture, IMAGE, 10, rng=rng(seed), **options) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert np.random.get_state()[1].tolist() == numpy_before  # noqa: NPY002
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("name", SPACES)
def test_every_parameter_and_buffer_is_set(name):
    """Networks are made without memory first; nothing may be left as it was found there."""
    space, options = SPACES[name]
    network = build(space.sample(rng(5)), IMAGE, 10, rng=rng(), **options)
    for key, tensor in network.state_dict().items():
        assert tensor.device.type == "cpu"
        assert not tensor.dtype.is_floating_point or tensor.abs().max() < 10, key
        if "running_mean" in key or "num_batches" in key:
            assert not tensor.any(), key
        if "running_var" in key:
            assert (tensor == 1).all(), key


def test_weights_start_with_he_s_variance():
    """The variance of n normal draws has a relative standard error of √(2/n): four of them are allowed."""
    network = materialize(lambda: nn.Sequential(nn.Conv2d(32, 64, 3, groups=2), nn.Linear(300, 100)), rng())
    convolution, linear = network
    for weight, variance in ((convolution.weight, 2 / (16 * 9)), (linear.weight, 1 / 300)):
        assert weight.var().item() == pytest.approx(variance, rel=4 * (2 / weight.numel()) ** 0.5)
    assert not convolution.bias.any() and not linear.bias.any()


def test_a_layer_that_nobody_initializes_is_refused():
    with pytest.raises(TypeError, match="convolutions, linear layers, batch and layer norms; got GRU"):
        materialize(lambda: nn.Sequential(nn.GRU(3, 4)), rng())


def test_a_cell_without_a_path_gives_the_same_logits_for_every_input():
    network = build(uniform("none"), SIGNAL, 10, rng=rng())
    logits = network(inputs(SIGNAL))
    assert torch.equal(logits[0], logits[1])


def test_chains_reach_any_depth_on_any_input():
    chain = Chain(max_depth=9)
    deep = chain.parse(" > ".join(["pool"] * 8 + ["dense-8-relu"]))
    assert build(deep, SIGNAL, 10, rng=rng())(inputs(SIGNAL)).shape == (4, 10)
    assert build(chain.parse("conv5-8-relu"), SIGNAL, 10, rng=rng())[0](inputs(SIGNAL)).shape == (4, 8, 40)
    assert build(chain.parse("pool"), SIGNAL, 10, rng=rng())[0](inputs(SIGNAL)).shape == (4, 1, 20)


def test_a_skip_adds_the_input_and_projects_it_only_where_sizes_differ():
    chain = Chain(skips=True)
    network = build(chain.parse("conv3-8-relu+skip > conv3-8-relu+skip > dense-16-relu+skip"), SIGNAL, 10, rng=rng())
    first, second, _, dense, _ = network
    assert (first.projection.weight.shape, dense.projection.weight.shape) == ((8, 1, 1), (16, 8))
    x = inputs((8, 40))
    assert torch.allclose(second(x), second.layer(x) + x)


# Differential: fast against slow and obvious -------------------------------------------------


@pytest.mark.parametrize("space", [(40,), (7,), (1,), (8, 8), (5, 3), (1, 2), (9, 9)])
@pytest.mark.parametrize(("size", "stride"), [(3, 1), (3, 2), (2, 2)])
def test_pooling_as_a_matrix_is_torch_s_pooling(space, size, stride):
    x = inputs((2, *space), dtype=torch.float64).requires_grad_()
    pool = F.avg_pool1d if len(space) == 1 else F.avg_pool2d
    expected = pool(x, size, stride, padding=size // 3, ceil_mode=size == 2, count_include_pad=False)
    with torch.no_grad():
        assert torch.equal(average_pool(x, size, stride), expected)
    result = average_pool(x, size, stride)
    assert result.shape == expected.shape and torch.allclose(result, expected)
    weights = torch.randn(result.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    gradients = [torch.autograd.grad((y * weights).sum(), x)[0] for y in (result, expected)]
    assert torch.allclose(*gradients)


def test_a_matrix_first_needed_in_inference_serves_training_too():
    pooling_matrix.cache_clear()
    x = inputs((2, 11))
    with torch.inference_mode():
        in_inference = average_pool(x, 3, 1)
    y = average_pool(x.requires_grad_(), 3, 1)
    assert torch.equal(y, in_inference) and "Pool" not in type(y.grad_fn).__name__
    y.sum().backward()


def test_padding_is_not_counted():
    assert torch.equal(AveragePool()(torch.ones(1, 1, 4, requires_grad=True)), torch.ones(1, 1, 4))


@pytest.mark.parametrize("shape", [(4, 9), (4, 6, 7)])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 1, 1), (5, 2, 1), (3, 2, 2), (5, 1, 2)])
def test_a_separable_convolution_in_one_is_the_same_as_in_two(shape, kernel, stride, dilation):
    layer = materialize(lambda: SeparableConvolution(len(shape) - 1, 4, kernel, stride, dilation), rng()).double()
    x = inputs(shape, dtype=torch.float64).requires_grad_()
    outputs = (layer(x), layer.across(layer.within(x)))
    assert torch.allclose(*outputs)
    weights = torch.randn(outputs[0].shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    gradients = [torch.autograd.grad((y * weights).sum(), [x, *layer.parameters()]) for y in outputs]
    assert all(torch.allclose(a, b) for a, b in zip(*gradients, strict=True))
    with torch.no_grad():
        assert torch.equal(layer(x), outputs[1])


def test_factorized_reduce_sees_every_position():
    reduce = materialize(lambda: FactorizedReduce(2, 1, 2), rng()).eval()
    for size in ((4, 6), (5, 3)):
        x = torch.ones(1, 1, *size, requires_grad=True)
        y = reduce(x)
        assert y.shape == (1, 2, -(-size[0] // 2), -(-size[1] // 2))
        even, odd = (torch.autograd.grad(y[0, c].sum(), x, retain_graph=True)[0][0, 0] != 0 for c in (0, 1))
        rows, columns = torch.meshgrid(*map(torch.arange, size), indexing="ij")
        assert torch.equal(even, (rows % 2 == 0) & (columns % 2 == 0))
        assert torch.equal(odd, (rows % 2 == 1) & (columns % 2 == 1))


def every_edge(cell, architecture, x):
    """The cell as the published code computes it: every edge, also those of zeros."""
    nodes = [x] + [torch.zeros_like(x)] * 3
    for (source, target), choice in zip(EDGES, architecture.choices, strict=True):
        if OPERATIONS[choice] != "none":
            nodes[target] = nodes[target] + cell.operations[f"{source}→{target}"](nodes[source])
    return nodes[3]


@pytest.mark.parametrize("shape", [(4, 9), (4, 5, 6)])
def test_leaving_out_dead_edges_changes_nothing_but_a_constant_per_channel(shape):
    draws, x = rng(7), inputs(shape, dtype=torch.float64)
    some_dead = 0
    for _ in range(60):
        architecture = NB201.sample(draws)
        cell = materialize(lambda a=architecture: Cell(a, len(shape) - 1, 4, dead_weights=True), draws).double()
        assert torch.allclose(cell(x), every_edge(cell, architecture, x), atol=1e-12)
        some_dead += len(cell.operations) > len(cell.live)
    assert some_dead > 20
    unreached = NB201.parse("|none~0|+|none~0|none~1|+|skip_connect~0|nor_conv_3x3~1|none~2|")
    cell = materialize(lambda: Cell(unreached, len(shape) - 1, 4, dead_weights=True), draws).double()
    cell.operations["1→3"][2].bias.data = torch.arange(4.0, dtype=torch.float64)
    difference = (every_edge(cell, unreached, x) - cell(x)).transpose(0, 1).flatten(1)
    assert torch.allclose(difference, torch.arange(4.0, dtype=torch.float64)[:, None].expand_as(difference))


def test_cells_with_one_canonical_name_compute_the_same_function():
    """Cells with at most one convolution of each size: there it is plain which weights match."""
    weights = {
        "nor_conv_1x1": materialize(lambda: Cell(uniform("nor_conv_1x1"), 1, 4), rng(1)).operations["0→1"],
        "nor_conv_3x3": materialize(lambda: Cell(uniform("nor_conv_3x3"), 1, 4), rng(2)).operations["0→1"],
    }
    x = inputs((4, 9), dtype=torch.float64)
    outputs = {}
    pairs = 0
    for choices in itertools.islice(itertools.product(range(5), repeat=6), 0, None, 7):
        names = [OPERATIONS[choice] for choice in choices]
        if names.count("nor_conv_1x1") > 1 or names.count("nor_conv_3x3") > 1:
            continue
        architecture = NB201.architecture(choices)
        cell = Cell(architecture, 1, 4)
        for edge, source, target in cell.live:
            name = names[EDGES.index((source, target))]
            if name in weights:
                cell.operations[edge] = copy.deepcopy(weights[name])
        output = cell.double()(x).detach()
        name = NB201.canonical(architecture)
        if name in outputs:
            pairs += 1
            assert torch.allclose(output, outputs[name], atol=1e-12)
        outputs[name] = output
    different = [float((a - b).abs().max()) for a, b in itertools.combinations(list(outputs.values())[:60], 2)]
    assert pairs > 100 and min(different) > 1e-6


# Errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(40,), (1, 2, 3, 4), (1, 0), ()])
def test_shapes_that_are_neither_signals_nor_images_are_refused(shape):
    with pytest.raises(ValueError, match=r"input_shape must be \(channels, length\)"):
        build(uniform("skip_connect"), shape, 10, rng=rng())


@pytest.mark.parametrize("wrong", [{"classes": 0}, {"channels": 0}, {"cells": 0}])
def test_numbers_out_of_range_are_refused(wrong):
    arguments = {"input_shape": SIGNAL, "classes": 10, "rng": rng()} | wrong
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be at least"):
        build(uniform("skip_connect"), **arguments)


def test_unknown_skeletons_and_options_are_refused():
    with pytest.raises(ValueError, match="unknown skeleton 'macro'; there are micro and published"):
        build(uniform("none"), SIGNAL, 10, rng=rng(), skeleton="macro")
    with pytest.raises(TypeError, match="unexpected keyword argument 'skeleton'"):
        build(DARTS().sample(rng()), SIGNAL, 10, rng=rng(), skeleton="published")


def test_a_space_of_one_s_own_needs_a_method_or_an_evaluator():
    space = SearchSpace("toy", [Decision("width", (8, 16))])
    with pytest.raises(
        ValueError, match=r"got the space 'toy'\..* write the method network\(self.*Or write an evaluator"
    ):
        build(space.architecture((0,)), SIGNAL, 10, rng=rng())


def test_none_is_no_number_of_classes_even_for_a_regression():
    with pytest.raises(ValueError, match=r"classes must be a whole number; got None\. .* pass data\.outputs"):
        build(NB201.sample(rng()), SIGNAL, None, rng=rng())


@pytest.mark.parametrize("name", ["classes", "channels", "cells"])
@pytest.mark.parametrize("value", [8.5, 8.0, "8", True])
def test_sizes_are_whole_numbers(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a whole number; got {value!r}"):
        build(NB201.sample(rng()), SIGNAL, rng=rng(), **{"classes": 10, name: value})
    build(NB201.sample(rng()), SIGNAL, rng=rng(), **{"classes": 10, name: np.int64(2)})


def test_a_seed_is_no_source_of_randomness():
    with pytest.raises(TypeError, match=r"rng must be a numpy Generator, such as np\.random\.default_rng\(7\); got 7"):
        build(NB201.sample(rng()), SIGNAL, 10, rng=7)
