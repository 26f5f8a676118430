"""REINFORCE: a recurrent controller that writes architectures, and writes the good ones more often.

Zoph & Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017,
arXiv:1611.01578, Section 3.2; the gradient is Williams's, Machine Learning 8 (1992).

The controller (``controller.py``) draws one token per decision from a softmax and feeds it back.
The reward R of an architecture A cannot be differentiated, but its expectation can:
∇ E[R] = E[(R − b) ∇ log π(A)] for any b that does not depend on A. A b near the mean reward
makes the estimate far less noisy and leaves its expectation as it is.

    ask:   draw token after token; skip decisions that the earlier ones make inactive
    tell:  θ ← Adam step on −(R − b) log π(A) − λ H;   then move b towards R

Symbols (the paper's values, from its Section 4.1, and ours):
    hidden_size        size of the controller's state   two layers of 35     100
    learning_rate      Adam's                           0.0006             0.002
    baseline_decay     of the moving average b          not stated          0.95
    λ entropy_weight   of H, the sum of the entropies   –                   0.01
                       of the softmaxes along A; with a single decision the best
                       policy is π ∝ exp(R/λ), so a hundredth of reward is a factor e
    tells_per_update   how many make one Adam step      8 per worker           1

What differs from the paper:
    * A tanh network replaces the LSTM, and R is the score as it is (the paper cubes accuracy).
    * The entropy bonus is later practice (ENAS, arXiv:1802.03268); its gradient ignores, as
      usual, that the tokens drawn decide which softmaxes are met.
    * tell computes log π(A) afresh with the current weights, so a late trial is learned from as
      if it had been drawn now; no importance weight corrects that.
    * A draw that is no valid architecture is thrown away and drawn again. Trials then come from
      π / Z, where Z = P(valid); as E[∇ log π] = ∇ log Z under π / Z, the update is still exact
      if b is the mean reward, and is (E[R] − b) ∇ log Z too much while b only estimates it.
      After 10,000 draws in vain the space draws instead.
    * A failed trial counts as the lowest reward so far.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nasedu.core import MAX_REDRAWS, Architecture, SearchSpace, Trial
from nasedu.strategies.controller import Controller

__all__ = ["Reinforce"]


class Reinforce:
    """A controller trained by the policy gradient.

    Args:
        space: where to search.
        rng: the only source of randomness; the initial weights are drawn from it too.
        hidden_size: at least 1.
        learning_rate: Adam's, above 0.
        baseline_decay: of the moving average b, in [0, 1); while fewer trials are in it, their plain mean.
        entropy_weight: λ, at least 0, in units of reward per nat.
        tells_per_update: how many tells make one step, along their mean gradient; at least 1.

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        hidden_size: int = 100,
        learning_rate: float = 0.002,
        baseline_decay: float = 0.95,
        entropy_weight: float = 0.01,
        tells_per_update: int = 1,
    ) -> None:
        if hidden_size < 1 or tells_per_update < 1:
            given = f"{hidden_size} and {tells_per_update}"
            raise ValueError(f"hidden_size and tells_per_update must be at least 1; got {given}.")
        if learning_rate <= 0 or entropy_weight < 0:
            given = f"{learning_rate} and {entropy_weight}"
            raise ValueError(f"learning_rate must be above 0, entropy_weight at least 0; got {given}.")
        if not 0 <= baseline_decay < 1:
            raise ValueError(f"baseline_decay must lie in [0, 1); got {baseline_decay}.")
        self.space = space
        self.rng = rng
        self.settings = {
            "hidden_size": hidden_size,
            "learning_rate": learning_rate,
            "baseline_decay": baseline_decay,
            "entropy_weight": entropy_weight,
            "tells_per_update": tells_per_update,
        }
        self.hidden_size, self.learning_rate, self.baseline_decay = hidden_size, learning_rate, baseline_decay
        self.entropy_weight, self.tells_per_update = entropy_weight, tells_per_update
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        self.controller = Controller(space, generator, hidden_size)
        self.optimizer = torch.optim.Adam(self.controller.parameters, lr=learning_rate, fused=True)
        self.baseline = 0.0
        self.lowest = math.inf
        self.tells = 0
        self.state: dict[str, Any] = {}

    def ask(self) -> Architecture:
        """Draw an architecture from the policy, token by token."""
        with torch.no_grad(), _one_thread():
            choices, log_probabilities = self._write()
        self.state = _seen(self.space, choices, log_probabilities)
        return self.space.architecture(choices)

    def tell(self, trial: Trial) -> None:
        """Make the architecture likelier if it was better than the baseline, less likely if worse."""
        if trial.failure is None:
            self.lowest = min(self.lowest, trial.score)
        reward = self.lowest if trial.failure is not None else trial.score
        if math.isinf(reward):  # it failed, like all before: nothing to compare with
            self.state = {}
            return
        baseline = self.baseline if self.tells else reward
        with _one_thread():
            log_probability, entropy = self.controller.log_probability(trial.architecture.choices)
            loss = -(reward - baseline) * log_probability - self.entropy_weight * entropy
            (loss / self.tells_per_update).backward()  # type: ignore[no-untyped-call]  # gradients add up
            self.tells += 1
            if self.tells % self.tells_per_update == 0:
                self.optimizer.step()
                self.optimizer.zero_grad()
        self.baseline = baseline + max(1 - self.baseline_decay, 1 / self.tells) * (reward - baseline)
        self.state = {
            "reward": reward,
            "baseline": baseline,
            "advantage": reward - baseline,
            "loss": loss.item(),
            "entropy": entropy.item(),
            "log_probability": log_probability.item(),
        }

    def _write(self) -> tuple[tuple[int, ...], dict[int, Tensor]]:
        """Draw until the choices are valid; return them and what each was drawn from."""
        for _ in range(MAX_REDRAWS):
            choices, log_probabilities = self.controller.write(self._draw)
            if self.space.pin(choices) == choices and self.space.is_valid(choices):
                return choices, log_probabilities
        drawn = self.space.sample(self.rng).choices
        return self.controller.write(lambda index, _: drawn[index])

    def _draw(self, index: int, log_probabilities: Tensor) -> int:
        """Draw an option: the first whose cumulative probability exceeds a uniform number."""
        cumulative = log_probabilities.exp().cumsum(0).numpy()
        return min(int(np.searchsorted(cumulative, self.rng.random(), side="right")), len(cumulative) - 1)


def _seen(space: SearchSpace, choices: tuple[int, ...], tokens: dict[int, Tensor]) -> dict[str, Any]:
    """Return what there is to look at of a draw: a probability for each option, None where inactive."""
    probabilities = {index: log_p.exp().tolist() for index, log_p in tokens.items()}
    return {
        "probabilities": [probabilities.get(index) for index in range(len(space.decisions))],
        "chosen": [choices[index] if index in tokens else None for index in range(len(space.decisions))],
        "log_probability": sum(float(log_p[choices[index]]) for index, log_p in tokens.items()),
        "entropy": -sum(float((log_p.exp() * log_p).sum()) for log_p in tokens.values()),
    }


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums over threads depend on how many there are; one thread always gives the same."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
