"""The network of ENAS' macro space: counted by formula, and computed once more by hand."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nasedu.networks import build
from nasedu.networks.enas import network, reduced_after
from nasedu.spaces.enas import ENAS_MACRO, ENASMacro


def rng(seed=0):
    return np.random.default_rng(seed)


def inputs(shape, batch=4):
    return torch.randn(batch, *shape, generator=torch.Generator().manual_seed(0))


def expected_count(architecture, channels_in, classes, c):
    """Stem, layers, reductions of what is still read, classifier: a scale and a shift per batch norm, no other bias."""
    space, choices = architecture.space, architecture.choices
    total = 9 * channels_in * c + 2 * c
    skips = {layer: space.skips(choices, layer) for layer in range(1, space.layers + 1)}
    for layer in skips:
        name = space.operation(choices, layer)
        total += c * c + 2 * c
        if name.startswith("conv"):
            total += int(name[-1]) ** 2 * c * c + 2 * c
        elif name.startswith("sep"):
            total += int(name[-1]) ** 2 * c + c * c + 2 * c
        if layer > 1:
            total += (1 + len(skips[layer])) * c * c + 2 * c
        if layer in (space.layers // 3, 2 * (space.layers // 3)):
            sources = {layer}.union(*(skips[later] for later in skips if later > layer))
            total += sum(source <= layer for source in sources) * (2 * c * c + 4 * c)
            c *= 2
    return total + (c + 1) * classes


@pytest.mark.parametrize("layers", [3, 7, 12, 24])
def test_the_network_has_the_parameters_that_arithmetic_gives(layers):
    space = ENASMacro(layers)
    for architecture in [space.sample(rng(1)), space.sample(rng(2))]:
        with torch.device("meta"):
            made = network(architecture, (3, 32, 32), 10, 12)
        assert sum(weights.numel() for weights in made.parameters()) == expected_count(architecture, 3, 10, 12)


def test_the_authors_network_keeps_this_number_of_parameters():
    """To compare other implementations with. The authors' own network has other convolutions and more reductions."""
    architecture = ENASMacro(24).parse(ENAS_MACRO)
    with torch.device("meta"):
        made = network(architecture, (3, 32, 32), 10, 96)
    assert (
        sum(weights.numel() for weights in made.parameters()) == 30_947_434 == expected_count(architecture, 3, 10, 96)
    )


@pytest.mark.parametrize("shape", [(1, 40), (3, 9, 7)])
@pytest.mark.parametrize("layers", [1, 2, 3, 6])
def test_signals_and_images_become_logits_and_every_weight_has_a_gradient(layers, shape):
    for seed in range(3):
        built = build(ENASMacro(layers).sample(rng(seed)), shape, 7, channels=4, rng=rng())
        logits = built(inputs(shape))
        assert logits.shape == (4, 7)
        logits.square().sum().backward()
        assert [key for key, weights in built.named_parameters() if weights.grad is None] == []


def test_layers_read_the_layer_before_and_their_skips():
    """Three layers by hand: 5×5 convolution; max pooling; separable 3×3 with skips from the stem and from layer 1."""
    built = build(ENASMacro(3).parse("2 5 0 1 1 1"), (3, 8, 8), 5, channels=4, rng=rng()).eval()
    assert reduced_after(3) == (1, 2) and sorted(built.reductions["1"]) == ["0", "1"]
    x0 = built.stem(inputs((3, 8, 8)))
    x1 = built.layers[0].operation(x0)
    x0, x1 = (built.reductions["1"][key](x) for key, x in (("0", x0), ("1", x1)))
    x2 = built.layers[1].join(F.max_pool2d(built.layers[1].operation[0](x1), 3, 1, 1))
    x0, x1, x2 = (built.reductions["2"][key](x) for key, x in (("0", x0), ("1", x1), ("2", x2)))
    x3 = built.layers[2].join(torch.cat([x0, x1, built.layers[2].operation(x2)], dim=1))
    assert x3.shape == (4, 16, 2, 2)
    assert torch.allclose(built.classifier(x3.mean((2, 3))), built(inputs((3, 8, 8))), atol=1e-6)


@pytest.mark.parametrize(
    ("layers", "expected"), [(1, ()), (2, ()), (3, (1, 2)), (12, (4, 8)), (24, (8, 16)), (8, (2, 4))]
)
def test_a_third_and_two_thirds_of_the_layers_are_followed_by_a_reduction(layers, expected):
    assert reduced_after(layers) == expected
