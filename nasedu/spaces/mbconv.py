"""Networks of mobile inverted bottlenecks (MBConv), stage by stage: MobileNetV2, MnasNet and EfficientNet.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", arXiv:1801.04381, Section 3 and Table 2;
Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile", arXiv:1807.11626, Section 4.1 and
Figure 7; Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", arXiv:1905.11946,
Sections 3.3 and 4 and Table 1; for the numbers of layers and channels also the authors' code of the last two.

A network is a stem, a few stages and a head. A stage repeats one block; the first of its blocks has the stage's
stride and makes its width, the others add what they compute to what they got:

    block    1×1 convolution to e times the channels → depthwise k×k convolution → squeeze-and-excitation → 1×1
             convolution to w channels, without activation

An architecture chooses the activation of the whole network and, for each stage,

    d  depth       blocks of the stage; 0 leaves the stage out, with its stride (where the space has that option)
    k  kernel      of the depthwise convolution
    e  expansion   channels inside a block for each channel that enters it; with 1 there is no first convolution
    w  width       channels that leave each block
    se squeeze     channels of squeeze-and-excitation for each channel that enters the block; 0 is without

That is MnasNet's factorised hierarchical space: stages differ, the blocks of a stage do not, so a space of 7 stages
with S options each has S⁷ members and not S to the number of layers. The native string reads from input to output:

    silu > d1 k3 e1 w16 se0.25 > d2 k3 e6 w24 se0.25 > …

EfficientNet-B1 to B7 are B0, found in the small space and then scaled: :meth:`MBConv.scaled` multiplies
every width and every depth of a space, and so maps each architecture to a larger one with the same choices.
:func:`efficientnet` returns them. The coefficients are those of the authors' code, near the paper's 1.1^φ and 1.2^φ.

What differs from MnasNet's space:
    * The published networks are exact points of this one, so the fifth and sixth stage have widths 112 and 192,
      where 1.25 times those of MobileNetV2 would be 120 and 200. Widths are multiples of 8.
    * Depths are 1 to 4 for every stage, not one more or less than MobileNetV2's.
    * Also kernels of 7, and the choice of the expansion and the activation, which there belong to the operation.
    * No regular convolutions and no pooling beside a block: no published network of the family has them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise, product
from operator import index
from typing import Any, cast

import numpy as np

from nasedu.core import (
    Architecture,
    Decision,
    Diagram,
    Edge,
    Node,
    SearchSpace,
    check_list,
    check_rng,
    check_text,
    shown,
)
from nasedu.spaces.layered import arrange

__all__ = [
    "COEFFICIENTS",
    "EFFICIENTNET_B0",
    "LESSON",
    "MNASNET_A1",
    "MNASNET_B1",
    "MOBILENET_V2",
    "Block",
    "MBConv",
    "efficientnet",
]

EFFICIENTNET_B0 = (  # arXiv:1905.11946, Table 1
    "silu > d1 k3 e1 w16 se0.25 > d2 k3 e6 w24 se0.25 > d2 k5 e6 w40 se0.25 > d3 k3 e6 w80 se0.25 > "
    "d3 k5 e6 w112 se0.25 > d4 k5 e6 w192 se0.25 > d1 k3 e6 w320 se0.25"
)
MNASNET_A1 = (  # arXiv:1807.11626, Figure 7
    "relu > d1 k3 e1 w16 > d2 k3 e6 w24 > d3 k5 e3 w40 se0.25 > d4 k3 e6 w80 > d2 k3 e6 w112 se0.25 > "
    "d3 k5 e6 w160 se0.25 > d1 k3 e6 w320"
)
MNASNET_B1 = (  # the same search without squeeze-and-excitation; the authors' code
    "relu > d1 k3 e1 w16 > d3 k3 e3 w24 > d3 k5 e3 w40 > d3 k5 e6 w80 > d2 k3 e6 w96 > d4 k5 e6 w192 > d1 k3 e6 w320"
)
MOBILENET_V2 = (  # designed by hand; arXiv:1801.04381, Table 2
    "relu6 > d1 k3 e1 w16 > d2 k3 e6 w24 > d3 k3 e6 w32 > d4 k3 e6 w64 > d3 k3 e6 w96 > d3 k3 e6 w160 > d1 k3 e6 w320"
)
COEFFICIENTS = (  # of EfficientNet-B0 to B7 in the authors' code: width, depth, image size in pixels
    (1.0, 1.0, 224),
    (1.0, 1.1, 240),
    (1.1, 1.2, 260),
    (1.2, 1.4, 300),
    (1.4, 1.8, 380),
    (1.6, 2.2, 456),
    (1.8, 2.6, 528),
    (2.0, 3.1, 600),
)
WIDTHS = ((16, 24), (16, 24, 32), (24, 32, 40), (48, 64, 80), (72, 96, 112), (120, 160, 192), (240, 320, 400))
STRIDES = (1, 2, 2, 2, 1, 2, 1)
ACTIVATIONS = ("relu", "relu6", "silu")
PARTS = ("depth", "kernel", "expansion", "width", "squeeze")  # of a stage, in the order of its decisions
LETTERS = ("d", "k", "e", "w", "se")
TOKEN = re.compile(r"(?:(d|k|e|w)([0-9]{1,18})|(se)([0-9]{1,18}(?:\.[0-9]{1,18})?(?:e-[0-9]{1,2})?))")
MAX_STAGES, MAX_DEPTH = 20, 100
# Arguments of a space whose networks train in seconds, on digits, signals of 40 or images of 32 pixels:
LESSON: dict[str, Any] = {
    "widths": ((8, 12), (12, 16), (16, 24)),
    "strides": (1, 2, 2),
    "depths": (0, 1, 2),
    "kernels": (3, 5),
    "expansions": (1, 2, 4),
    "activations": ("relu", "silu"),
    "stem": 8,
    "stem_stride": 1,
    "head": 32,
}


@dataclass(frozen=True, slots=True)
class Block:
    """One MBConv block, in numbers.

    Attributes:
        kernel: size of the depthwise convolution.
        stride: of the depthwise convolution.
        channels_in: that enter.
        hidden: between the convolutions; where it equals ``channels_in`` there is no first convolution.
        squeezed: inside squeeze-and-excitation; 0 is without.
        channels_out: that leave. Where nothing changes, neither channels nor resolution, the input is added.
    """

    kernel: int
    stride: int
    channels_in: int
    hidden: int
    squeezed: int
    channels_out: int

    @property
    def is_residual(self) -> bool:
        """Whether the block adds its input to its output."""
        return self.stride == 1 and self.channels_in == self.channels_out


class MBConv(SearchSpace):
    """Stages of MBConv blocks. As it is, the space of ImageNet's mobile networks; smaller ones by its arguments.

    Args:
        widths: for each stage the widths to choose from; 1 to 20 stages.
        strides: of each stage, 1 or 2.
        depths: blocks of a stage to choose from, growing, 0 to 100.
        kernels: odd.
        expansions: whole numbers, at least 1.
        squeezes: ratios of squeeze-and-excitation, in [0, 1]; 0 is without.
        activations: among ``"relu"``, ``"relu6"`` and ``"silu"``.
        stem: channels of the 3×3 convolution before the stages.
        stem_stride: its stride, 1 or 2.
        head: channels of the 1×1 convolution after the stages.

    Raises:
        ValueError: one of them is out of range, or widths and strides are not of the same number of stages.

    Example:
        >>> b0 = MBConv().parse(EFFICIENTNET_B0)
        >>> b0.options["stage 5 kernel"], b0.options["stage 5 width"]
        (5, 112)
        >>> MBConv(**LESSON).size
        235298
    """

    def __init__(
        self,
        widths: Sequence[Sequence[int]] = WIDTHS,
        strides: Sequence[int] = STRIDES,
        depths: Sequence[int] = (1, 2, 3, 4),
        kernels: Sequence[int] = (3, 5, 7),
        expansions: Sequence[int] = (1, 3, 4, 6),
        squeezes: Sequence[float] = (0.0, 0.25),
        activations: Sequence[str] = ACTIVATIONS,
        stem: int = 32,
        stem_stride: int = 2,
        head: int = 1280,
    ) -> None:
        parameters: dict[str, Any] = {
            "widths": [
                _whole("the widths of a stage", stage, (16, 24)) for stage in check_list("widths", widths, WIDTHS)
            ],
            "strides": _whole("strides", strides, STRIDES),
            "depths": _whole("depths", depths, (1, 2, 3)),
            "kernels": _whole("kernels", kernels, (3, 5)),
            "expansions": _whole("expansions", expansions, (1, 6)),
            "squeezes": [
                float(ratio) if 0 <= ratio <= 1 else ratio for ratio in check_list("squeezes", squeezes, (0.0, 0.25))
            ],
            "activations": check_list("activations", activations, ACTIVATIONS),
            "stem": index(stem),
            "stem_stride": index(stem_stride),
            "head": index(head),
        }
        _check(parameters)
        decisions = [Decision("activation", tuple(parameters["activations"]))]
        for stage, options in enumerate(parameters["widths"], 1):
            others = [parameters[name] for name in ("depths", "kernels", "expansions", "squeezes")]
            parts = zip(PARTS, (*others[:3], options, others[3]), strict=True)
            decisions += [Decision(f"stage {stage} {part}", tuple(each)) for part, each in parts]
        self.strides = tuple(parameters["strides"])
        self.stem, self.stem_stride, self.head = (parameters[name] for name in ("stem", "stem_stride", "head"))
        self._has_empty_stages = parameters["depths"][0] == 0
        super().__init__("mbconv", decisions, parameters)

    def stages(self, choices: tuple[int, ...]) -> list[dict[str, float]]:
        """Return each stage's depth, kernel, expansion, width and squeeze by name; of an empty one the depth alone."""
        found = []
        for start in range(1, len(self.decisions), len(PARTS)):
            decisions, chosen = self.decisions[start : start + len(PARTS)], choices[start : start + len(PARTS)]
            options = (cast("float", d.options[choice]) for d, choice in zip(decisions, chosen, strict=True))
            stage = dict(zip(PARTS, options, strict=True))
            found.append(stage if stage["depth"] else {"depth": stage["depth"]})
        return found

    def blocks(self, choices: tuple[int, ...]) -> list[list[Block]]:
        """Return the blocks of each stage, in numbers: what the network is made of."""
        channels, found = self.stem, []
        for stage, stride in zip(self.stages(choices), self.strides, strict=True):
            blocks = []
            for place in range(int(stage["depth"])):
                squeeze, width = stage["squeeze"], int(stage["width"])
                squeezed = max(1, int(channels * squeeze)) if squeeze else 0
                hidden = channels * int(stage["expansion"])
                blocks.append(Block(int(stage["kernel"]), 1 if place else stride, channels, hidden, squeezed, width))
                channels = width
            found.append(blocks)
        return found

    def scaled(self, width: float, depth: float) -> MBConv:
        """Return the larger space in which every width and depth is multiplied, arXiv:1905.11946, Section 3.3.

        An architecture's choices are those of its larger self: ``larger.architecture(architecture.choices)``.

        Args:
            width: for channels, at least 1; rounded to multiples of 8, never down by more than a tenth.
            depth: for blocks, at least 1; rounded up.

        Raises:
            ValueError: a coefficient is below 1, where options would fall together.
        """
        if not (1 <= width < math.inf and 1 <= depth < math.inf):
            raise ValueError(f"width and depth coefficients must be at least 1 and finite; got {width} and {depth}.")
        larger = dict(self.parameters)
        larger["widths"] = [[_to_eights(width * each) for each in stage] for stage in larger["widths"]]
        larger["depths"] = [math.ceil(depth * each) for each in larger["depths"]]
        larger |= {name: _to_eights(width * larger[name]) for name in ("stem", "head")}
        return MBConv(**larger)

    def active(self, choices: tuple[int, ...]) -> tuple[bool, ...]:
        """All decisions but those of empty stages, of which only the depth matters."""
        if not self._has_empty_stages:
            return self._always_active
        flags = [True]
        for start in range(1, len(choices), len(PARTS)):
            flags += [True, *[choices[start] > 0] * (len(PARTS) - 1)]
        return tuple(flags)

    def alternatives(self, choices: tuple[int, ...], index: int) -> Sequence[int]:
        """Return the options that a decision may change to: of a depth the next and the one before, else all others."""
        if index % len(PARTS) != 1:
            return super().alternatives(choices, index)
        return self.adjacent(choices, index)

    @property
    def size_is_exact(self) -> bool:
        """Always: stages are independent of each other."""
        return True

    def _count_architectures(self) -> int:
        return self._counts[0] * math.prod(map(len, self._stage_choices))

    @cached_property
    def _stage_choices(self) -> list[list[tuple[int, ...]]]:
        """The choices of every stage that there can be, of an empty one all 0."""
        found = []
        for start in range(1, len(self._counts), len(PARTS)):
            depths, *rest = map(range, self._counts[start : start + len(PARTS)])
            empty = [(0,) * len(PARTS)] if self._has_empty_stages else []
            found.append(empty + list(product(depths[len(empty) :], *rest)))
        return found

    def sample(self, rng: np.random.Generator, by: str = "architecture") -> Architecture:
        """Draw an architecture: all equally likely, or decision after decision; see :meth:`SearchSpace.sample`.

        The two differ where stages may be empty: each depth is equally likely decision after decision, but of all
        architectures few have empty stages.
        """
        if by != "architecture":
            return super().sample(rng, by)
        check_rng(rng)
        drawn = rng.integers([self._counts[0], *map(len, self._stage_choices)]).tolist()
        stages = (choices[number] for choices, number in zip(self._stage_choices, drawn[1:], strict=True))
        return self.architecture((drawn[0], *chain(*stages)))

    def format(self, choices: tuple[int, ...]) -> str:
        """Return the stages from input to output, such as ``relu > d2 k3 e6 w24 se0.25 > d0 > d1 k5 e3 w40``."""
        return "".join(text for text, _ in self.pieces(choices))

    def pieces(self, choices: tuple[int, ...]) -> list[tuple[str, int | None]]:
        """Return the string in pieces: the activation, and each stage, told by the decision of its depth."""
        found: list[tuple[str, int | None]] = [(str(self.decisions[0].options[choices[0]]), 0)]
        for place, stage in enumerate(self.stages(choices)):
            tokens = (f"{letters}{value}" for letters, value in zip(LETTERS, stage.values(), strict=False))
            text = " ".join(token for token in tokens if token != "se0.0")
            found += [(" > ", None), (text, 1 + place * len(PARTS))]
        return found

    def parse(self, text: str) -> Architecture:
        """Return the architecture that a string such as ``relu > d2 k3 e6 w24 se0.25 > …`` names.

        Raises:
            ValueError: a stage is malformed or missing, or an option is not of this space.
        """
        count = len(self.strides)
        names = check_text(text).split(">")
        if len(names) != count + 1:
            raise ValueError(
                f"expected the activation and {count} stages, joined by ' > ', such as "
                f"'relu > d2 k3 e6 w24 se0.25 > …'; got {shown(text)}."
            )
        activation, known = names[0].strip(), self.decisions[0].options
        if activation not in known:
            raise ValueError(f"unknown activation {shown(activation)}; this space has {', '.join(map(str, known))}.")
        choices = [known.index(activation)]
        for stage, name in enumerate(names[1:], 1):
            choices += self._parse_stage(name, stage)
        return self.architecture(choices)

    def _parse_stage(self, name: str, stage: int) -> list[int]:
        given: dict[str, float] = {}
        for token in name.split():
            match = TOKEN.fullmatch(token)
            if match is None or (match[1] or match[3]) in given:
                raise ValueError(
                    "expected a stage like 'd2 k3 e6 w24 se0.25', whole numbers but for se, each letter once; "
                    f"got {shown(name.strip())}."
                )
            given[match[1] or match[3]] = float(match[2] or match[4])
        is_empty = given.get("d") == 0
        expected = {"d"} if is_empty else {*LETTERS} if "se" in given else {*LETTERS[:-1]}
        if given.keys() != expected:
            raise ValueError(
                f"a stage must have d, k, e and w, and may have se; without blocks it is d0 alone; "
                f"got {shown(name.strip())}."
            )
        choices = []
        for k, letters in enumerate(LETTERS):
            decision = self.decisions[1 + (stage - 1) * len(PARTS) + k]
            value = given.get(letters, decision.options[0] if is_empty else 0.0)
            if value not in decision.options:
                known = ", ".join(f"{option:g}" for option in decision.options)
                raise ValueError(f"{decision.name} may be {known}; got {value:g} in {shown(name.strip())}.")
            choices.append(decision.options.index(value))
        return choices

    def canonical(self, architecture: Architecture) -> str:
        """Return the blocks that the network is made of, one after another, whatever stages they are in.

        That is exact: equal names are the same layers; other names are other layers, with other weights.
        """
        choices = architecture.choices
        names = [str(self.decisions[0].options[choices[0]])]
        for block in (block for stage in self.blocks(choices) for block in stage):
            names.append(f"k{block.kernel} s{block.stride} {block.channels_in}→{block.hidden}→{block.channels_out}")
            names[-1] += f" se{block.squeezed}" if block.squeezed else ""
        return " > ".join(names)

    def diagram(self, architecture: Architecture) -> Diagram:
        """Return stem, stages and head, from top to bottom; "/2" halves the resolution, "3×" are three blocks."""
        choices = architecture.choices
        ratios = sum(ratio > 0 for ratio in self.parameters["squeezes"])
        stem = f"conv 3x3, {self.stem}{_halves(self.stem_stride)}, {self.decisions[0].options[choices[0]]}"
        labels: list[tuple[str, str, int | None]] = [("input", "input", None), (stem, "operation", 0)]
        for place, (stage, stride) in enumerate(zip(self.stages(choices), self.strides, strict=True)):
            if stage["depth"]:
                label = f"MBConv{stage['expansion']} {stage['kernel']}x{stage['kernel']}, {stage['width']}"
                squeeze = f", SE {stage['squeeze']}" if ratios > 1 else ", SE"  # one ratio need not be told
                label += (squeeze if stage["squeeze"] else "") + _halves(stride)
                repeats = f"{stage['depth']}× " if stage["depth"] > 1 else ""
                labels.append((repeats + label, "operation", 1 + place * len(PARTS)))
        labels += [(f"conv 1x1, {self.head}", "operation", None), ("output", "output", None)]
        nodes = [Node(str(i), 0, 0, text, kind, decision=decision) for i, (text, kind, decision) in enumerate(labels)]
        return arrange(nodes, [Edge(a.id, b.id) for a, b in pairwise(nodes)], down=True)


def efficientnet(number: int) -> Architecture:
    """Return EfficientNet-B0, or B1 to B7, which are points of larger spaces: see :meth:`MBConv.scaled`.

    Args:
        number: 0..7.

    Raises:
        ValueError: there is no such EfficientNet.

    Example:
        >>> [stage["depth"] for stage in efficientnet(7).space.stages(efficientnet(7).choices)]
        [4, 7, 7, 10, 10, 13, 4]
    """
    if number not in range(len(COEFFICIENTS)):
        raise ValueError(f"EfficientNets are numbered 0..{len(COEFFICIENTS) - 1}; got {number}.")
    width, depth, _ = COEFFICIENTS[number]
    small = MBConv()
    return small.scaled(width, depth).architecture(small.parse(EFFICIENTNET_B0).choices)


def _to_eights(channels: float) -> int:
    """Return the multiple of 8 next to a number of channels, not below nine tenths of it; the authors' rule."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8


def _halves(stride: int) -> str:
    return ", /2" if stride == 2 else ""


def _whole(name: str, values: Sequence[int], example: Sequence[int]) -> list[int]:
    return list(map(index, check_list(name, values, example)))


def _check(given: Mapping[str, Any]) -> None:
    widths, strides, depths = given["widths"], given["strides"], given["depths"]
    if not 1 <= len(widths) <= MAX_STAGES or len(strides) != len(widths):
        raise ValueError(
            f"there must be 1 to {MAX_STAGES} stages, each with its widths and its stride; "
            f"got widths for {len(widths)} and {len(strides)} strides."
        )
    if any(stride not in (1, 2) for stride in (*strides, given["stem_stride"])):
        raise ValueError(f"strides must be 1 or 2; got {strides}, and {given['stem_stride']} of the stem.")
    if min(*chain(*widths), given["stem"], given["head"]) < 1:
        raise ValueError(f"widths, stem and head must be at least 1; got {widths}, {given['stem']}, {given['head']}.")
    if depths != sorted(depths) or any(not 0 <= depth <= MAX_DEPTH for depth in depths):
        raise ValueError(f"depths must grow, and lie in 0..{MAX_DEPTH}; got {depths}.")
    if any(kernel < 1 or kernel % 2 == 0 for kernel in given["kernels"]):
        raise ValueError(f"kernels must be odd, so that a block keeps its resolution; got {given['kernels']}.")
    if min(given["expansions"], default=1) < 1:
        raise ValueError(f"expansions must be at least 1; got {given['expansions']}.")
    if any(not 0 <= ratio <= 1 for ratio in given["squeezes"]):
        raise ValueError(f"squeezes are ratios in [0, 1]; got {given['squeezes']}.")
    unknown = set(given["activations"]) - set(ACTIVATIONS)
    if unknown:
        raise ValueError(f"unknown activation {shown(min(unknown))}; there are {', '.join(ACTIVATIONS)}.")
