"""The networks of MobileNetV2, MnasNet and EfficientNet, held against the published numbers and against timm's."""

import importlib.util

import numpy as np
import pytest
import torch
from torch import nn

import nasedu as nas
from nasedu.networks import build
from nasedu.networks.mbconv import network
from nasedu.spaces.mbconv import (
    COEFFICIENTS,
    LESSON,
    MNASNET_A1,
    MNASNET_B1,
    MOBILENET_V2,
    MBConv,
    efficientnet,
)
from nasedu.training import flops, parameters

SPACE = MBConv()
MODELS = {  # timm's name, ours, and the published number of weights: timm's models, and the authors' README and tests
    "mobilenetv2_100": (SPACE.parse(MOBILENET_V2), 3_504_872),
    "mnasnet_100": (SPACE.parse(MNASNET_B1), 4_383_312),
    "semnasnet_100": (SPACE.parse(MNASNET_A1), 3_887_038),
    "efficientnet_b0": (efficientnet(0), 5_288_548),
    "efficientnet_b1": (efficientnet(1), 7_794_184),
    "efficientnet_b2": (efficientnet(2), 9_109_994),
    "efficientnet_b3": (efficientnet(3), 12_233_232),
    "efficientnet_b4": (efficientnet(4), 19_341_616),
    "efficientnet_b5": (efficientnet(5), 30_389_784),
    "efficientnet_b6": (efficientnet(6), 43_040_704),
    "efficientnet_b7": (efficientnet(7), 66_347_960),
}
IMAGES = (3, 224, 224)


@pytest.fixture(scope="module")
def timm():
    """The library. It imports torchvision, whose binary part need not fit torch (made for a GPU, and torch not).

    Then torchvision fails to describe two operators that it could not load; none of timm's models here needs them.
    """
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed; it is in the dev dependencies: pip install '.[dev]'")
    library = None
    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        assert "operator torchvision::nms does not exist" in str(error)
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import timm

    yield timm
    del library  # which would take the operators with it


def on_meta(architecture, classes=1000):
    """The network without memory for its weights."""
    with torch.device("meta"):
        return network(architecture, IMAGES, classes)


@pytest.mark.parametrize("name", MODELS)
def test_parameters_are_the_published_ones(name):
    architecture, count = MODELS[name]
    assert parameters(on_meta(architecture)) == count


@pytest.mark.parametrize("name", MODELS)
def test_every_layer_has_the_shape_that_it_has_in_timm(name, timm):
    with torch.device("meta"):
        theirs = timm.create_model(name, pretrained=False)
    ours = on_meta(MODELS[name][0])
    shapes = [[tuple(value.shape) for value in each.state_dict().values()] for each in (ours, theirs)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize(
    "name", ["mobilenetv2_100", "mnasnet_100", "semnasnet_100", "efficientnet_b0", "efficientnet_b2"]
)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_outputs_are_those_of_timm_for_the_same_weights(name, training, timm):
    """In float64, on images of odd and even size, with statistics and weights of batch norm that do something."""
    generator = torch.Generator().manual_seed(0)
    ours = build(MODELS[name][0], (3, 66, 45), 7, rng=np.random.default_rng(0), momentum=0.01).double()
    drawn = {
        key: torch.rand(value.shape, generator=generator, dtype=value.dtype) + 0.5
        for key, value in ours.state_dict().items()
        if value.dim() == 1
    }
    ours.load_state_dict(ours.state_dict() | drawn)
    theirs = timm.create_model(name, num_classes=7, bn_eps=1e-3, bn_momentum=0.01, drop_rate=0, drop_path_rate=0)
    theirs.double().load_state_dict(
        dict(zip(theirs.state_dict(), map(torch.clone, ours.state_dict().values()), strict=True))
    )
    images = torch.randn(3, 3, 66, 45, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        outputs = [each.train(training)(images) for each in (ours, theirs)]
    assert outputs[0].std() > 0.01, "the comparison says nothing about constants"
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-9, atol=1e-9)
    for mine, other in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-9)  # the running means moved alike


MULTIPLY_ADDS = {  # in thousands of millions, as torchvision publishes them with its weights; size of its images
    "mobilenetv2_100": (0.301, 224),
    "mnasnet_100": (0.314, 224),
    "semnasnet_100": (0.312, 224),  # arXiv:1807.11626, Section 6.1
    "efficientnet_b0": (0.386, 224),
    "efficientnet_b1": (0.687, 240),
    "efficientnet_b2": (1.088, 288),
    "efficientnet_b3": (1.827, 300),
    "efficientnet_b4": (4.394, 380),
    "efficientnet_b5": (10.266, 456),
    "efficientnet_b6": (19.068, 528),
    "efficientnet_b7": (37.746, 600),
}


@pytest.mark.parametrize("name", MULTIPLY_ADDS)
def test_multiply_adds_are_the_published_ones(name):
    published, size = MULTIPLY_ADDS[name]
    assert flops(on_meta(MODELS[name][0]), (3, size, size)) / 2e9 == pytest.approx(published, abs=0.00051)


@pytest.mark.parametrize(("number", "published"), [(0, 0.39), (2, 1.0)])
def test_efficientnets_are_made_for_the_sizes_of_their_images(number, published):
    """arXiv:1905.11946, Table 2: multiply-adds, in thousands of millions, to two digits."""
    size = COEFFICIENTS[number][2]
    counted = flops(on_meta(efficientnet(number)), (3, size, size)) / 2e9
    assert counted == pytest.approx(published, rel=0.025) and len(COEFFICIENTS) == 8


# Networks of lessons ---------------------------------------------------------------------------

LESSON_SPACE = MBConv(**LESSON)
EMPTY = LESSON_SPACE.parse("relu > d0 > d0 > d0")


@pytest.mark.parametrize("shape", [(1, 40), (1, 8, 8), (3, 32, 32), (2, 1), (1, 1, 3)])
def test_networks_take_signals_and_images_of_any_size(shape):
    rng = np.random.default_rng(0)
    for architecture in (EMPTY, *(LESSON_SPACE.sample(rng) for _ in range(5))):
        module = build(architecture, shape, 4, rng=rng).eval()
        assert module(torch.zeros(2, *shape)).shape == (2, 4)


def test_an_image_of_one_row_is_a_signal():
    """A signal's network, with kernels as the middle rows of an image's, gives what the image's gives for one row."""
    architecture = LESSON_SPACE.parse("silu > d2 k5 e2 w12 se0.25 > d1 k3 e4 w16 > d2 k3 e1 w24 se0.25")
    on_signals = build(architecture, (2, 11), 3, rng=np.random.default_rng(0)).eval()
    on_images = build(architecture, (2, 1, 11), 3, rng=np.random.default_rng(1)).eval()
    state = on_images.state_dict()
    for name, value in on_signals.state_dict().items():
        if value.dim() == 3:
            state[name][:, :, state[name].shape[2] // 2] = value
        else:
            state[name] = value
    on_images.load_state_dict(state)
    signals = torch.randn(4, 2, 11, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(on_signals(signals), on_images(signals[:, :, None]), rtol=1e-4, atol=1e-5)


def test_equal_canonical_names_are_equal_networks_and_other_names_other_functions():
    space = MBConv(
        widths=((8,), (8, 16)),
        strides=(1, 1),
        depths=(0, 1, 2),
        kernels=(3,),
        expansions=(1, 2),
        activations=("silu",),
        stem=8,
        head=8,
    )
    seen = {}
    for architecture in space:
        module = build(architecture, (1, 6), 2, rng=np.random.default_rng(0)).double().eval()
        with torch.no_grad():
            output = module(torch.arange(6, dtype=torch.float64).view(1, 1, 6))
        seen.setdefault(space.canonical(architecture), []).append(output)
    assert space.count_unique() == len(seen) < space.size == 153
    for outputs in seen.values():
        assert all(torch.equal(outputs[0], other) for other in outputs[1:])
    functions = torch.cat([outputs[0] for outputs in seen.values()])
    assert torch.pdist(functions).min() > 1e-6


def test_the_activation_is_that_of_the_architecture():
    rest = " > d1 k3 e2 w8 se0.25 > d0 > d1 k3 e1 w16"
    space = MBConv(**LESSON | {"activations": ("relu", "relu6", "silu")})
    signals = 100 * torch.randn(2, 1, 20, generator=torch.Generator().manual_seed(0))
    outputs = [
        build(space.parse(name + rest), (1, 20), 2, rng=np.random.default_rng(0)).eval()(signals).flatten()
        for name in ("relu", "relu6", "silu")
    ]
    assert torch.pdist(torch.stack(outputs)).min() > 0.01


def test_a_network_of_the_lesson_learns():
    data = nas.data.load("mnist1d")
    evaluator = nas.evaluators.Train(data, epochs=3, seed=0)
    architecture = LESSON_SPACE.parse("relu > d1 k5 e2 w12 > d1 k5 e2 w16 > d1 k5 e2 w24")
    trial = evaluator([architecture])[0]
    assert trial.failure is None and trial.accuracy > 0.4, "guessing gives 0.1"


def test_squeeze_and_excitation_is_a_gate_from_means():
    gate = network(LESSON_SPACE.parse("relu > d1 k3 e1 w8 se0.25 > d0 > d0"), (1, 5), 2).stages[0][0].layers[3]
    x = torch.randn(2, 8, 5, generator=torch.Generator().manual_seed(0))
    first, second = (layer for layer in gate.modules() if isinstance(layer, nn.Conv1d))
    squeezed = torch.relu(x.mean(2) @ first.weight[:, :, 0].T + first.bias)
    gates = torch.sigmoid(squeezed @ second.weight[:, :, 0].T + second.bias)
    torch.testing.assert_close(gate(x), x * gates[:, :, None])
    assert first.out_channels == 2


@pytest.mark.parametrize("momentum", [0, -0.1, 1.5, float("nan")])
def test_a_momentum_out_of_range_is_refused(momentum):
    with pytest.raises(ValueError, match=r"momentum must lie in \(0, 1\]; got"):
        build(EMPTY, (1, 8), 2, rng=np.random.default_rng(0), momentum=momentum)
