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
    hidden_size    size of the controller's state   two layers of 35     100
    learning_rate  Adam's                           0.0006             0.002
    decay          of the moving average b          not stated          0.95
    λ entropy      weight of H, the entropies of    –                   0.01
                   the softmaxes along A; with a single decision the best policy
                   is π ∝ exp(R/λ), so a hundredth of reward is a factor e
    batch          tells per update                 8 per worker           1

What differs from the paper:
    * A tanh network replaces the LSTM, and R is the score as it is (the paper cubes accuracy).
    * The entropy bonus is later practice (ENAS, arXiv:1802.03268); its gradient ignores, as
      usual, that the tokens drawn decide which softmaxes are met.
    * tell computes log π(A) afresh with the current weights, so a late trial is learned from as
      if it had been drawn now; no importance weight corrects that.
    * A draw that is no valid architecture is thrown away and drawn again. Trials then come from
      π / Z, where Z = P(valid); as E[∇ log π] = ∇ log Z under π / Z, the update is still exact
      if b is the mean reward, and is off by (b − E[R]) ∇ log Z while b only estimates it.
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
        decay: of the moving average b, in [0, 1); while fewer trials are in it, their plain mean.
        entropy: λ, at least 0, in units of reward per nat.
        batch: how many tells make one update, at least 1.

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
        decay: float = 0.95,
        entropy: float = 0.01,
        batch: int = 1,
    ) -> None:
        if hidden_size < 1 or batch < 1:
            raise ValueError(f"hidden_size and batch must be at least 1; got {hidden_size} and {batch}.")
        if learning_rate <= 0 or entropy < 0:
            raise ValueError(f"learning_rate must be above 0, entropy at least 0; got {learning_rate} and {entropy}.")
        if not 0 <= decay < 1:
            raise ValueError(f"decay must lie in [0, 1); got {decay}.")
        self.space = space
        self.rng = rng
        self.settings = {
            "hidden_size": hidden_size,
            "learning_rate": learning_rate,
            "decay": decay,
            "entropy": entropy,
            "batch": batch,
        }
        self.decay, self.entropy, self.batch = decay, entropy, batch
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
            for _ in range(MAX_REDRAWS):
                choices, log_probabilities = self.controller.write(self._draw)
                if self.space.pin(choices) == choices and self.space.is_valid(choices):
                    self.state = _seen(self.space, choices, log_probabilities)
                    return self.space.architecture(choices)
        raise ValueError(f"none of {MAX_REDRAWS:,} draws was a valid architecture of {self.space.name}; raise entropy.")

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
            loss = -(reward - baseline) * log_probability - self.entropy * entropy
            (loss / self.batch).backward()  # type: ignore[no-untyped-call]  # gradients add up over a batch
            self.tells += 1
            if self.tells % self.batch == 0:
                self.optimizer.step()
                self.optimizer.zero_grad()
        self.baseline = baseline + max(1 - self.decay, 1 / self.tells) * (reward - baseline)
        self.state = {
            "reward": reward,
            "baseline": baseline,
            "advantage": reward - baseline,
            "loss": loss.item(),
            "entropy": entropy.item(),
            "log_probability": log_probability.item(),
        }

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
