"""The network of a deep Q-network: it reads a state, and says what each action is worth.

    Q(s; θ) = m + d f(x; θ),    f(x; θ) = relu(relu(x W_1 + b_1) W_2 + b_2) W_3 + b_3

x has a one for each choice of the state s, and zeros elsewhere, also for what is not decided yet. f has a plain number
for each action. There is no softmax at its end: rewards are no probabilities. With m and d, where the rewards lie and
how far the scores are apart, f need not learn their unit.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from nasedu.strategies.environments import Environment, State

__all__ = ["QNetwork"]


class QNetwork:
    """Weights θ, a copy of them that rests, and Adam.

    Args:
        environment: whose states are read and whose actions are valued; it numbers both by slots.
        rng: draws the weights, uniform in ±1/√inputs; biases are 0.
        hidden_size: units of each of the two hidden layers.
        learning_rate: Adam's.

    Attributes:
        parameters: W_1, b_1, … b_3, in double precision.
        target_parameters: the copy.
        mean, deviation: m and d; 0 and 1 until they are set.
    """

    def __init__(
        self, environment: Environment, rng: np.random.Generator, hidden_size: int, learning_rate: float
    ) -> None:
        self.starts, self.slots = environment.starts, environment.slots
        self.mean, self.deviation = 0.0, 1.0
        self.parameters: list[Tensor] = []
        for inputs, outputs in pairwise((self.slots, hidden_size, hidden_size, self.slots)):
            weights = rng.uniform(-1, 1, (inputs, outputs)) / inputs**0.5
            self.parameters += [torch.from_numpy(weights), torch.zeros(outputs, dtype=torch.float64)]
        self.renew_target()
        for parameter in self.parameters:
            parameter.requires_grad_()
        self.optimizer = torch.optim.Adam(self.parameters, lr=learning_rate, fused=True)

    def values(self, states: Sequence[State]) -> np.ndarray:
        """Return the Q-value of every slot in these states [states, slots]."""
        return self._q(states, self.parameters).detach().numpy()

    def target_values(self, states: Sequence[State]) -> np.ndarray:
        """Return what the copy says."""
        return self._q(states, self.target_parameters).numpy()

    def _q(self, states: Sequence[State], parameters: Sequence[Tensor]) -> Tensor:
        x = torch.zeros(len(states), self.slots, dtype=torch.float64)
        for row, state in zip(x.numpy(), states, strict=True):
            row[[start + choice for start, choice in zip(self.starts, state, strict=False)]] = 1.0
        W_1, b_1, W_2, b_2, W_3, b_3 = parameters
        with _one_thread():
            f = torch.relu(torch.relu(x @ W_1 + b_1) @ W_2 + b_2) @ W_3 + b_3
        return self.mean + self.deviation * f

    def descend(self, states: Sequence[State], slots: Sequence[int], y: np.ndarray) -> float:
        """Make an Adam step along the mean Huber loss of Q − y, at a slot of each state, in units of d; return that."""
        q = self._q(states, self.parameters).gather(1, torch.tensor(slots)[:, None])[:, 0]
        loss = torch.nn.functional.huber_loss(q / self.deviation, torch.from_numpy(y) / self.deviation)
        self.optimizer.zero_grad()
        with _one_thread():
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
        return loss.item()

    def renew_target(self) -> None:
        """Copy θ."""
        self.target_parameters = [parameter.detach().clone() for parameter in self.parameters]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums over threads depend on how many there are; one thread always gives the same."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
