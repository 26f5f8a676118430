"""The recurrent controller: an architecture is a sentence, written one token per decision.

Zoph & Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017,
arXiv:1611.01578, Section 3.1.

Each token is drawn from a softmax and then fed back as input, so later decisions know the earlier ones:

    s_{t+1} = tanh(W_hh s_t + W_ha a_t + b_h),    a_{t+1} ~ softmax(W_ah s_{t+1} + b_a)

a_t is the one-hot vector of the action before, so W_ha a_t is that action's embedding. An action is
an option of a decision; the softmax for a decision is over its own options, and decisions that the
earlier ones make inactive have no token and no gradient.

What differs from the paper: a tanh network replaces the LSTM, and there are no anchor points for
skip connections; a space lists all its decisions.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from nasedu.core import SearchSpace

__all__ = ["Controller"]


class Controller:
    """The recurrent network, with one action for each option of each decision, and one to start.

    Args:
        space: whose architectures to write. What is active may depend on earlier decisions only.
        generator: draws the initial weights, uniform in ±0.1; the initial policy is nearly uniform.
        hidden_size: size of the state s, at least 1.

    Attributes:
        parameters: W_hh, W_ha (one row for each action), b_h, W_ah and b_a, in double precision.
    """

    def __init__(self, space: SearchSpace, generator: torch.Generator, hidden_size: int) -> None:
        self.space = space
        ends = np.cumsum([len(decision.options) for decision in space.decisions]).tolist()
        self.rows = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
        self.start = ends[-1]
        n, actions = hidden_size, ends[-1]
        shapes: list[tuple[int, ...]] = [(n, n), (actions + 1, n), (n,), (actions, n), (actions,)]
        self.parameters = [torch.empty(shape, dtype=torch.float64) for shape in shapes]
        for parameter in self.parameters:
            parameter.uniform_(-0.1, 0.1, generator=generator).requires_grad_()

    def write(self, choose: Callable[[int, Tensor], int]) -> tuple[tuple[int, ...], dict[int, Tensor]]:
        """Emit one token per active decision.

        Args:
            choose: from a decision's index and its log-probabilities [options] to the option taken.

        Returns:
            The choices, and the log-probabilities that each active decision was taken from.
        """
        W_hh, W_ha, b_h, W_ah, b_a = self.parameters
        choices = [0] * len(self.rows)
        log_probabilities: dict[int, Tensor] = {}
        state, action = torch.zeros_like(b_h), self.start
        for index, rows in enumerate(self.rows):
            if self.space.active(tuple(choices))[index]:
                state = torch.tanh(W_hh @ state + W_ha[action] + b_h)
                log_probabilities[index] = torch.log_softmax(W_ah[rows] @ state + b_a[rows], dim=0)
                choices[index] = choose(index, log_probabilities[index])
                action = rows.start + choices[index]
        return tuple(choices), log_probabilities

    def log_probability(self, choices: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """Return log π of these choices, and the sum of the entropies of the softmaxes along them, in nats."""
        _, tokens = self.write(lambda index, _: choices[index])
        taken = torch.stack([log_p[choices[index]] for index, log_p in tokens.items()])
        everything = torch.cat(list(tokens.values()))
        return taken.sum(), -(everything.exp() * everything).sum()
