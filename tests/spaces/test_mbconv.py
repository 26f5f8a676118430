"""The space of mobile networks: its size, its strings, its published points and how they are scaled."""

import itertools
import math
import time
from collections import Counter

import numpy as np
import pytest

import nasedu as nas
from nasedu.spaces.mbconv import (
    COEFFICIENTS,
    EFFICIENTNET_B0,
    LESSON,
    MNASNET_A1,
    MNASNET_B1,
    MOBILENET_V2,
    MBConv,
    efficientnet,
)

SPACE = MBConv()
SMALL = MBConv(  # 2 · (1 + 2 · 2 · 1 · 2 · 2)² architectures
    widths=((8, 16), (8, 16)),
    strides=(1, 1),
    depths=(0, 1, 2),
    kernels=(3, 5),
    expansions=(2,),
    activations=("relu", "silu"),
)
PUBLISHED = (EFFICIENTNET_B0, MNASNET_A1, MNASNET_B1, MOBILENET_V2)


def test_the_size_is_the_number_of_architectures():
    listed = list(SMALL)
    assert SMALL.size == 2 * 17**2 == len(listed) == len({str(each) for each in listed})
    assert SMALL.size_is_exact and SPACE.size_is_exact
    assert SPACE.size == 3 * 2**7 * 4**7 * 3**7 * 4**7 * (
        2 * 3**6
    )  # activation; squeeze, depth, kernel, expansion; width


def test_every_string_names_its_own_architecture():
    assert all(SMALL.parse(str(each)) == each for each in SMALL)


@pytest.mark.parametrize("text", PUBLISHED)
def test_the_published_networks_are_points_of_the_space(text):
    assert str(SPACE.parse(text)) == text


def test_efficientnet_b0_has_the_stages_of_its_table():
    """arXiv:1905.11946, Table 1, stages 2 to 8: operator, channels, layers; 16 blocks."""
    b0 = SPACE.parse(EFFICIENTNET_B0)
    rows = [tuple(stage.values()) for stage in SPACE.stages(b0.choices)]
    assert [(f"MBConv{e}, k{k}x{k}", w, d) for d, k, e, w, _ in rows] == [
        ("MBConv1, k3x3", 16, 1),
        ("MBConv6, k3x3", 24, 2),
        ("MBConv6, k5x5", 40, 2),
        ("MBConv6, k3x3", 80, 3),
        ("MBConv6, k5x5", 112, 3),
        ("MBConv6, k5x5", 192, 4),
        ("MBConv6, k3x3", 320, 1),
    ]
    blocks = list(itertools.chain(*SPACE.blocks(b0.choices)))
    assert len(blocks) == 16
    assert [block.stride for block in blocks] == [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]
    assert [block.squeezed for block in blocks[:4]] == [8, 4, 6, 6], "a quarter of what enters the block"


def test_a_block_is_residual_where_nothing_changes():
    blocks = SPACE.blocks(SPACE.parse(MNASNET_A1).choices)
    assert [[block.is_residual for block in stage] for stage in blocks[:3]] == [
        [False],
        [False, True],
        [False, True, True],
    ]


# Scaling --------------------------------------------------------------------------------------

STAGES = {  # width and depth of each stage, as timm 1.0 prints them for efficientnet_b1, _b4 and _b7
    1: ([16, 24, 40, 80, 112, 192, 320], [2, 3, 3, 4, 4, 5, 2]),
    4: ([24, 32, 56, 112, 160, 272, 448], [2, 4, 4, 6, 6, 8, 2]),
    7: ([32, 48, 80, 160, 224, 384, 640], [4, 7, 7, 10, 10, 13, 4]),
}


@pytest.mark.parametrize("number", STAGES)
def test_scaled_networks_have_the_published_stages(number):
    large = efficientnet(number)
    stages = large.space.stages(large.choices)
    assert ([stage["width"] for stage in stages], [stage["depth"] for stage in stages]) == STAGES[number]


def test_scaling_maps_a_space_to_a_larger_one_with_the_same_choices():
    b0 = SPACE.parse(EFFICIENTNET_B0)
    assert SPACE.scaled(1, 1) == SPACE and efficientnet(0) == b0
    for number, (width, depth, _) in enumerate(COEFFICIENTS):
        large = SPACE.scaled(width, depth)
        assert large.size == SPACE.size, "options stay apart"
        assert large.architecture(b0.choices) == efficientnet(number)
        assert large.parse(str(efficientnet(number))) == efficientnet(number)
    assert (SPACE.scaled(2.0, 3.1).stem, SPACE.scaled(2.0, 3.1).head) == (64, 2560)


@pytest.mark.parametrize(("width", "depth"), [(0.5, 1), (1, 0.9), (math.inf, 1), (1, math.nan)])
def test_a_space_cannot_be_scaled_down(width, depth):
    with pytest.raises(ValueError, match="coefficients must be at least 1 and finite; got"):
        SPACE.scaled(width, depth)


@pytest.mark.parametrize("number", [-1, 8, 1.5])
def test_there_are_eight_efficientnets(number):
    with pytest.raises(ValueError, match=r"EfficientNets are numbered 0\.\.7; got"):
        efficientnet(number)


# Strings --------------------------------------------------------------------------------------

LESSON_SPACE = MBConv(**LESSON)


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "": "expected the activation and 3 stages.*got ''",
        "relu > d1 k3 e1 w8 > d0": "expected the activation and 3 stages",
        "relu > d1 k3 e1 w8 > d0 > d0 > d0": "expected the activation and 3 stages",
        "gelu > d0 > d0 > d0": "unknown activation 'gelu'; this space has relu, silu",
        "relu > d1 k3 e1 > d0 > d0": "a stage must have d, k, e and w.*got 'd1 k3 e1'",
        "relu > d0 k3 e1 w8 > d0 > d0": "without blocks it is d0 alone.*got 'd0 k3 e1 w8'",
        "relu >  > d0 > d0": "a stage must have d, k, e and w.*got ''",
        "relu > d1 d1 k3 e1 w8 > d0 > d0": "each letter once; got 'd1 d1 k3 e1 w8'",
        "relu > d1 k3 e1 w8 s2 > d0 > d0": "expected a stage like",
        "relu > d1 k3 e1 w8 se > d0 > d0": "expected a stage like",
        "relu > d1 k3 e1 w-8 > d0 > d0": "expected a stage like",
        "relu > d1 k³ e1 w8 > d0 > d0": "expected a stage like",
        "relu > d3 k3 e1 w8 > d0 > d0": "stage 1 depth may be 0, 1, 2; got 3",
        "relu > d1 k7 e1 w8 > d0 > d0": "stage 1 kernel may be 3, 5; got 7",
        "relu > d0 > d1 k3 e3 w12 > d0": "stage 2 expansion may be 1, 2, 4; got 3",
        "relu > d0 > d0 > d1 k3 e1 w8": "stage 3 width may be 16, 24; got 8",
        "relu > d1 k3 e1 w8 se0.5 > d0 > d0": "stage 1 squeeze may be 0, 0.25; got 0.5",
        "relu > d1.5 k3 e1 w8 > d0 > d0": "expected a stage like",
        "relu > d1.0 k3 e1 w8 > d0 > d0": "whole numbers but for se.*got 'd1.0 k3 e1 w8'",
        "relu > d1 k3 e1 w8.0 > d0 > d0": "whole numbers but for se",
        "relu > d1 k3 e1 w8 se0.25 se0.25 > d0 > d0": "each letter once",
    }.items(),
)
def test_a_malformed_string_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        LESSON_SPACE.parse(text)


def test_the_letters_of_a_stage_may_come_in_any_order():
    given, printed = "relu>se0.25 w8  k5 e2 d2>d0>d1 k3 e1 w16 se0", "relu > d2 k5 e2 w8 se0.25 > d0 > d1 k3 e1 w16"
    assert str(LESSON_SPACE.parse(given)) == printed


@pytest.mark.parametrize("piece", ["d1 k3 e1 w8 ", "d1", ">", " ", "9", "se0.25 > ", "d9999999999 "])
def test_ten_megabytes_are_refused_at_once_and_briefly(piece):
    started = time.perf_counter()
    for text in (piece * (10_000_000 // len(piece)), "relu > " + piece * (90_000 // len(piece)) + " > d0 > d0"):
        with pytest.raises(ValueError) as caught:
            LESSON_SPACE.parse(text)
        assert len(str(caught.value)) < 1_000
    assert time.perf_counter() - started < 1


def test_pieces_of_the_string_and_nodes_of_the_diagram_tell_the_same_decisions():
    architecture = LESSON_SPACE.parse("silu > d2 k5 e4 w8 se0.25 > d0 > d1 k3 e1 w24")
    told = {
        text: LESSON_SPACE.decisions[index].name
        for text, index in LESSON_SPACE.pieces(architecture.choices)
        if index is not None
    }
    assert told == {
        "silu": "activation",
        "d2 k5 e4 w8 se0.25": "stage 1 depth",
        "d0": "stage 2 depth",
        "d1 k3 e1 w24": "stage 3 depth",
    }
    shown = {
        node.label: node.decision and LESSON_SPACE.decisions[node.decision].name
        for node in LESSON_SPACE.diagram(architecture).nodes
    }
    assert shown == {
        "input": None,
        "conv 3x3, 8, silu": 0,
        "2× MBConv4 5x5, 8, SE": "stage 1 depth",
        "MBConv1 3x3, 24, /2": "stage 3 depth",
        "conv 1x1, 32": None,
        "output": None,
    }


def test_every_decision_can_be_seen_in_the_diagram():
    """So that what a mutation changed can be marked."""
    space = MBConv(**LESSON | {"squeezes": (0, 0.125, 0.25)})
    for architecture in (
        space.parse("silu > d2 k5 e4 w8 se0.25 > d0 > d1 k3 e1 w24"),
        space.sample(np.random.default_rng(0)),
    ):
        shown = {tuple(node.label for node in space.diagram(each).nodes) for each in space.neighbors(architecture)}
        assert len(shown) == len(space.neighbors(architecture))


# Laws that are special here --------------------------------------------------------------------


def test_a_depth_changes_by_one_step_and_a_new_block_has_any_values():
    empty = SMALL.parse("relu > d0 > d0")
    neighbors = {str(each) for each in SMALL.neighbors(empty)}
    grown = {f"d1 k{k} e2 w{w}{se}" for k in (3, 5) for w in (8, 16) for se in ("", " se0.25")}
    assert neighbors == {"silu > d0 > d0", *(f"relu > {g} > d0" for g in grown), *(f"relu > d0 > {g}" for g in grown)}
    middle = SPACE.parse(MOBILENET_V2)
    depths = {each.options["stage 3 depth"] for each in SPACE.neighbors(middle)}
    assert depths == {2, 3, 4}


def test_all_architectures_are_sampled_equally_often():
    """Chi-squared of 40 draws for each of 578 architectures: 577 degrees of freedom, mean 577, deviation 34."""
    rng = np.random.default_rng(0)
    counts = Counter(SMALL.sample(rng).choices for _ in range(40 * SMALL.size))
    assert len(counts) == SMALL.size
    chi_squared = sum((count - 40) ** 2 / 40 for count in counts.values())
    assert abs(chi_squared - 577) < 4 * math.sqrt(2 * 577)


def test_decision_after_decision_every_depth_is_equally_likely():
    rng = np.random.default_rng(0)
    draws = 3_000
    for by, share in (("architecture", 1 / 17), ("decision", 1 / 3)):
        empty = sum(SMALL.sample(rng, by=by).options["stage 1 depth"] == 0 for _ in range(draws))
        assert abs(empty / draws - share) < 4 * math.sqrt(share * (1 - share) / draws)
    with pytest.raises(ValueError, match="by must be 'architecture' or 'decision'; got 'depth'"):
        SMALL.sample(rng, by="depth")


@pytest.mark.parametrize("space", [SPACE, LESSON_SPACE], ids=["mobile", "lesson"])
def test_ten_thousand_samples_take_less_than_a_second(space):
    rng = np.random.default_rng(0)
    started = time.process_time()
    sampled = [space.sample(rng) for _ in range(10_000)]
    assert time.process_time() - started < 1
    assert all(space.pin(each.choices) == each.choices and space.is_valid(each.choices) for each in sampled[:100])


def test_canonical_forgets_which_stage_a_block_is_in_and_nothing_else():
    """Stages of stride 1 with the same block merge; an empty one is as if it were not there."""
    same = ["relu > d2 k3 e2 w8 > d1 k3 e2 w8", "relu > d1 k3 e2 w8 > d2 k3 e2 w8"]
    assert len({SMALL.canonical(SMALL.parse(text)) for text in same}) == 1
    one = ["relu > d0 > d1 k3 e2 w8", "relu > d1 k3 e2 w8 > d0"]
    assert len({SMALL.canonical(SMALL.parse(text)) for text in one}) == 1
    blocks = {(each.choices[0], tuple(itertools.chain(*SMALL.blocks(each.choices)))) for each in SMALL}
    assert SMALL.count_unique() == len(blocks) < SMALL.size
    halving = MBConv(widths=((8,), (8,)), strides=(1, 2), depths=(0, 1), kernels=(3,), expansions=(2,))
    assert halving.canonical(halving.parse("relu > d1 k3 e2 w8 > d0")) != halving.canonical(
        halving.parse("relu > d0 > d1 k3 e2 w8")
    ), "the second stage halves the resolution"


def test_a_file_remakes_the_space_and_the_architecture(tmp_path):
    for architecture in (efficientnet(3), LESSON_SPACE.sample(np.random.default_rng(0))):
        architecture.save(tmp_path / "mobile.nas.json")
        loaded = nas.Architecture.load(tmp_path / "mobile.nas.json")
        assert loaded == architecture and isinstance(loaded.space, MBConv)
    assert nas.space("mbconv") == SPACE


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"widths": ()}, ValueError, "1 to 20 stages.*got widths for 0 and 7 strides"),
        ({"strides": (1, 2)}, ValueError, "got widths for 7 and 2 strides"),
        ({"widths": ((8,),) * 21, "strides": (1,) * 21}, ValueError, "1 to 20 stages"),
        ({"widths": ((0,),), "strides": (1,)}, ValueError, "widths, stem and head must be at least 1"),
        ({"widths": ((),), "strides": (1,)}, ValueError, "'stage 1 width' must have at least one option"),
        ({"widths": ((8, 8),), "strides": (1,)}, ValueError, "'stage 1 width' must have different options"),
        ({"widths": ((8.5,),), "strides": (1,)}, TypeError, "integer"),
        ({"head": 0}, ValueError, "widths, stem and head must be at least 1"),
        ({"stem_stride": 3}, ValueError, "strides must be 1 or 2"),
        ({"strides": (1, 2, 2, 2, 1, 2, 4)}, ValueError, "strides must be 1 or 2"),
        ({"depths": (2, 1)}, ValueError, "depths must grow"),
        ({"depths": (-1, 1)}, ValueError, r"depths must grow, and lie in 0\.\.100; got \[-1, 1\]"),
        ({"depths": (1, 101)}, ValueError, "depths must grow, and lie in 0"),
        ({"depths": ()}, ValueError, "'stage 1 depth' must have at least one option"),
        ({"kernels": 3}, ValueError, r"kernels must be a list such as \(3, 5\); got 3"),
        ({"widths": (16, 24)}, ValueError, r"widths of a stage must be a list such as \(16, 24\); got 16"),
        ({"activations": "relu"}, ValueError, "activations must be a list such as .*; got 'relu'"),
        ({"kernels": (4,)}, ValueError, "kernels must be odd"),
        ({"expansions": (0,)}, ValueError, "expansions must be at least 1"),
        ({"squeezes": (1.5,)}, ValueError, r"squeezes are ratios in \[0, 1\]"),
        ({"squeezes": (10**400,)}, ValueError, "squeezes are ratios"),
        ({"squeezes": (float("nan"),)}, ValueError, r"squeezes are ratios in \[0, 1\]"),
        ({"activations": ("gelu",)}, ValueError, "unknown activation 'gelu'; there are relu, relu6, silu"),
    ],
)
def test_spaces_that_cannot_be_are_refused(parameters, error, message):
    with pytest.raises(error, match=message):
        MBConv(**parameters)
