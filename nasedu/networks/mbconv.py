"""Networks of MBConv blocks: stem, stages, head, as MobileNetV2, MnasNet and EfficientNet have them.

Sandler et al., arXiv:1801.04381, Section 3 and Table 1; Tan et al., arXiv:1807.11626, Figure 7; Tan & Le,
arXiv:1905.11946, Table 1; squeeze-and-excitation: Hu, Shen & Sun, arXiv:1709.01507, Section 3. With the authors' code:

    stem     3×3 convolution, batch norm, activation
    block    1×1 convolution, batch norm, activation       left out where the expansion is 1
             depthwise k×k convolution with the stride, batch norm, activation
             squeeze-and-excitation                        x · sigmoid(W₂ act(W₁ mean(x))), W with a bias
             1×1 convolution, batch norm                   linear: no activation
             + the block's input                           where neither resolution nor channels change
    head     1×1 convolution, batch norm, activation, mean over all positions, linear classifier

Squeeze-and-excitation squeezes to a quarter of the channels that enter the *block*, not of those that it expands to.

Parameters agree exactly with the published networks, for 1,000 classes and images of three channels:

    MobileNetV2          3,504,872      EfficientNet-B0      5,288,548      EfficientNet-B4     19,341,616
    MnasNet-A1           3,887,038      EfficientNet-B1      7,794,184      EfficientNet-B5     30,389,784
    MnasNet-B1           4,383,312      EfficientNet-B2      9,109,994      EfficientNet-B6     43,040,704
                                        EfficientNet-B3     12,233,232      EfficientNet-B7     66,347,960

To have one of them, with fresh weights (the space says everything that the network is made of):

    build(efficientnet(0), (3, 224, 224), 1000, rng=rng, momentum=0.01)

What differs from the authors' code:
    * A convolution with stride 2 is padded alike on all sides, as torch does it, and so in timm's and torchvision's
      networks. TensorFlow pads an even size on the right and below alone (timm's variants named "tf_").
    * Batch norm adds 0.001 to the variance everywhere, as in MnasNet and EfficientNet. Its running means move
      by 0.1 a step, fit for the short trainings of lessons, unless the published 0.01 is asked for.
    * No dropout before the classifier and no stochastic depth; both act in training alone and have no weights.
    * Initial weights are those of ``initialization.py``.
    * For signals, convolutions are those of one dimension.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from nasedu.core import Architecture
from nasedu.networks.operations import convolution
from nasedu.spaces.mbconv import Block, MBConv

__all__ = ["InvertedResidual", "MobileNetwork", "SqueezeExcitation", "network"]

ACTIVATIONS = {"relu": nn.ReLU, "relu6": nn.ReLU6, "silu": nn.SiLU}
EPSILON = 0.001  # that batch norm adds to the variance


class SqueezeExcitation(nn.Module):
    """A gate for each channel, computed from the means of all channels.

    Args:
        dims: 1 for signals, 2 for images.
        channels: of input and output.
        squeezed: channels between the two linear layers.
        activation: between them.
    """

    def __init__(self, dims: int, channels: int, squeezed: int, activation: type[nn.Module]) -> None:
        super().__init__()
        kind = nn.Conv1d if dims == 1 else nn.Conv2d
        self.gate = nn.Sequential(kind(channels, squeezed, 1), activation(), kind(squeezed, channels, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """Return x [batch, channels, *space], each channel times its gate in (0, 1)."""
        gated: Tensor = x * self.gate(x.mean(tuple(range(2, x.dim())), keepdim=True))
        return gated


class InvertedResidual(nn.Module):
    """One MBConv block.

    Args:
        block: its numbers.
        dims: 1 for signals, 2 for images.
        activation: after all convolutions but the last.
        momentum: of the batch norms.
    """

    def __init__(self, block: Block, dims: int, activation: type[nn.Module], momentum: float) -> None:
        super().__init__()
        hidden, layers = block.hidden, list[nn.Module]()
        if hidden != block.channels_in:
            layers += [convolution(dims, block.channels_in, hidden, 1), _norm(dims, hidden, momentum), activation()]
        depthwise = convolution(dims, hidden, hidden, block.kernel, stride=block.stride, groups=hidden)
        layers += [depthwise, _norm(dims, hidden, momentum), activation()]
        if block.squeezed:
            layers.append(SqueezeExcitation(dims, hidden, block.squeezed, activation))
        layers += [convolution(dims, hidden, block.channels_out, 1), _norm(dims, block.channels_out, momentum)]
        self.layers = nn.Sequential(*layers)
        self.is_residual = block.is_residual

    def forward(self, x: Tensor) -> Tensor:
        """Return [batch, channels out, *space/stride], rounding up."""
        output: Tensor = self.layers(x)
        return output + x if self.is_residual else output


class MobileNetwork(nn.Module):
    """Stem, stages of blocks, head.

    Args:
        architecture: of the space MBConv.
        dims: 1 for signals, 2 for images.
        channels_in: of the inputs.
        classes: number of logits.
        momentum: of the batch norms.
    """

    def __init__(self, architecture: Architecture, dims: int, channels_in: int, classes: int, momentum: float) -> None:
        super().__init__()
        space = architecture.space
        assert isinstance(space, MBConv)
        activation = ACTIVATIONS[str(architecture.options["activation"])]
        stages = space.blocks(architecture.choices)
        last = next((blocks[-1].channels_out for blocks in reversed(stages) if blocks), space.stem)
        self.stem = nn.Sequential(
            convolution(dims, channels_in, space.stem, 3, stride=space.stem_stride),
            _norm(dims, space.stem, momentum),
            activation(),
        )
        self.stages = nn.Sequential(
            *(nn.Sequential(*(InvertedResidual(block, dims, activation, momentum) for block in s)) for s in stages)
        )
        self.head = nn.Sequential(
            convolution(dims, last, space.head, 1), _norm(dims, space.head, momentum), activation()
        )
        self.classifier = nn.Linear(space.head, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [batch, classes] of inputs [batch, channels, *space]."""
        features = self.head(self.stages(self.stem(x)))
        logits: Tensor = self.classifier(features.flatten(2).mean(2))
        return logits


def network(
    architecture: Architecture,
    input_shape: Sequence[int],
    classes: int,
    channels: int = 1,
    cells: int = 1,
    momentum: float = 0.1,
) -> MobileNetwork:
    """Return the network of an architecture, whose space has all sizes; see :func:`nasedu.networks.build`.

    Args:
        architecture: of the space MBConv.
        input_shape: without the batch.
        classes: number of logits.
        channels: not used.
        cells: not used.
        momentum: how far one batch moves the running means of the batch norms, in (0, 1]; published 0.01.

    Raises:
        ValueError: the momentum is out of range.
    """
    if not 0 < momentum <= 1:
        raise ValueError(f"momentum must lie in (0, 1]; got {momentum}.")
    return MobileNetwork(architecture, len(input_shape) - 1, input_shape[0], classes, momentum)


def _norm(dims: int, channels: int, momentum: float) -> nn.Module:
    return {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}[dims](channels, eps=EPSILON, momentum=momentum)
