"""Networks of recurrent cells: a state that reads a sequence step by step, and a classifier of the mean state.

Pham et al., arXiv:1802.03268, Section 2.1; Liu, Simonyan & Yang, arXiv:1806.09055, Section 3.1.2. At each step

    [c_0, z_0] = [x, h] W_0          s_0 = h   + σ(c_0) · (tanh(z_0) − h)
    [c_i, z_i] = s_j W_i             s_i = s_j + σ(c_i) · (f_i(z_i) − s_j)         h = mean of the output nodes

with matrices W_0 [inputs + units, 2 units] and W_i [units, 2 units] and no biases, so that a cell of N nodes has

    2 · units · (inputs + units) + N · 2 · units²        weights.

    stem (conv3 along the steps, norm) → cell → more cells, reading the states of the one before → mean → norm, linear

A step of a signal [channels, length] is a position; of an image [channels, height, width] it is a row, with
channels · width numbers. The first state is zero.

DARTS' model for Penn Treebank is such a cell with 850 inputs and units, 14,450,000 weights for its 8 nodes, and an
embedding of 10,000 words that is used for reading and for predicting them, with a bias: 22,960,000 in all,
23 million in the paper's Table 2.

What differs from the papers: they predict a word from the state of every step, and words are embedded; here the
mean of the states over all steps is classified, and a convolution takes the embedding's place. The batch norms after
it and before the classifier are ours: with them a few epochs are enough. (DARTS has one in every node while it
searches, and none in the networks that it evaluates.) Dropout and penalties on the activations belong to language
models and are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from nasedu.core import Architecture
from nasedu.networks.operations import convolution, normalization
from nasedu.spaces.recurrent import Recurrent

__all__ = ["Cell", "RecurrentNetwork", "network"]

FUNCTIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "identity": lambda z: z,
}


class Cell(nn.Module):
    """One step of a recurrent cell.

    Args:
        architecture: of the space Recurrent.
        inputs: size of a step's input.
        units: size of the state.
    """

    def __init__(self, architecture: Architecture, inputs: int, units: int) -> None:
        super().__init__()
        space = architecture.space
        assert isinstance(space, Recurrent)
        self.genes = space.genes(architecture.choices)
        self.outputs = space.outputs(self.genes)
        self.first = nn.Linear(inputs + units, 2 * units, bias=False)
        self.nodes = nn.ModuleList(nn.Linear(units, 2 * units, bias=False) for _ in self.genes)

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        """Return the new state [batch, units] of an input [batch, inputs] and the old state."""
        states = [_mixed(state, self.first(torch.cat([x, state], 1)), "tanh")]
        for (activation, source), linear in zip(self.genes, self.nodes, strict=True):
            states.append(_mixed(states[source], linear(states[source]), activation))
        return torch.stack([states[node] for node in self.outputs]).mean(0)


def _mixed(state: Tensor, gate_and_value: Tensor, activation: str) -> Tensor:
    gate, value = gate_and_value.chunk(2, 1)
    return torch.lerp(state, FUNCTIONS[activation](value), gate.sigmoid())  # state + σ(gate) · (f(value) − state)


class RecurrentNetwork(nn.Module):
    """Stem, cells, classifier.

    Args:
        architecture: of the space Recurrent.
        inputs: numbers in a step.
        units: size of the states.
        cells: how many.
        classes: number of logits.
    """

    def __init__(self, architecture: Architecture, inputs: int, units: int, cells: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(convolution(1, inputs, units, 3), normalization(1, units))
        self.cells = nn.ModuleList(Cell(architecture, units, units) for _ in range(cells))
        self.norm = normalization(1, units)
        self.classifier = nn.Linear(units, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [batch, classes] of signals [batch, channels, length] or images [batch, channels, *space]."""
        x = x.movedim(2, -1).flatten(1, -2)  # [batch, inputs, steps]
        steps: Sequence[Tensor] = self.stem(x).unbind(2)
        for cell in self.cells:
            state, states = torch.zeros_like(steps[0]), []  # [batch, units]
            for step in steps:
                state = cell(step, state)
                states.append(state)
            steps = states
        logits: Tensor = self.classifier(self.norm(torch.stack(list(steps)).mean(0)))
        return logits


def network(
    architecture: Architecture, input_shape: Sequence[int], classes: int, channels: int, cells: int
) -> RecurrentNetwork:
    """Return the network of a recurrent cell; see :func:`nasedu.networks.build`.

    Args:
        architecture: of the space Recurrent.
        input_shape: (channels, length), or (channels, height, width), which is read row by row.
        classes: number of logits.
        channels: size of the state.
        cells: how many cells are stacked, one reading the states of the other.
    """
    inputs = input_shape[0] * (input_shape[2] if len(input_shape) == 3 else 1)
    return RecurrentNetwork(architecture, inputs, channels, cells, classes)
