"""REINFORCE: a recurrent controller that writes architectures, and writes the good ones more often.

Zoph & Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017,
arXiv:1611.01578, Section 3.2; the gradient is Williams's, Machine Learning 8 (1992).

The gradient and the advantage are those of ``reinforce_table.py``: ∇ E[R] = E[(R − b) ∇ log π(A)],
in units of the rewards' deviation. What is new is the policy. The controller (``controller.py``)
draws one token per decision from a softmax and feeds it back, so that it can learn which options
are good together, and a step for one decision moves all of them, for they share their weights.

    ask:   draw token after token; skip decisions that the earlier ones make inactive
    tell:  d = R − b;  σ² ← σ² + k (d² − σ²);  A = d / σ;  b ← b + k d
           after m of them:  θ ← Adam step along the mean of A ∇ log π + λ ∇ H

Symbols (the paper's values, from its Section 4.1, and ours):
    n      hidden_size        size of the controller's state        two layers of 35      32
    η      learning_rate      Adam's                                0.0006             0.005
    1 − k  baseline_decay     of the moving averages b and σ²;      not stated           0.9
                              k is 1/tells while that is larger
    λ      entropy_weight     of H, the sum of the entropies of     –                    0.1
                              the softmaxes along A, per nat
    m      tells_per_update   how many make one Adam step           8 per worker           1

What differs from the paper:
    * A tanh network replaces the LSTM. The paper cubes accuracy; here the advantage is in units of
      σ, with what that means for outliers (``reinforce_table.py``), and λ is in the same units.
    * The entropy bonus is later practice (ENAS, arXiv:1802.03268); its gradient ignores, as
      usual, that the tokens drawn decide which softmaxes are met.
    * log π(A) is computed afresh with the current weights, so a late trial is learned from as
      if it had been drawn now; no importance weight corrects that.
    * A draw that is no valid architecture is thrown away and drawn again. Trials then come from
      π / Z, where Z = P(valid); as E[∇ log π] = ∇ log Z under π / Z, the update is still exact
      if the mean advantage is 0, and is E[A] ∇ log Z too much where it is not.
    * A failed trial counts as the lowest reward so far.
"""

from typing import Any

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial
from nasedu.strategies.arguments import check_above, check_at_least
from nasedu.strategies.baseline import Baseline
from nasedu.strategies.controller import Controller

__all__ = ["Reinforce"]


class Reinforce:
    """A controller trained by the policy gradient.

    Args:
        space: where to search.
        rng: the only source of randomness; the initial weights are drawn from it too.
        hidden_size: n, of the controller's state, at least 1; ours.
        learning_rate: η, Adam's, above 0; ours.
        baseline_decay: 1 − k, of the moving averages, in [0, 1); ours.
        entropy_weight: λ, of the entropy bonus, at least 0; ours.
        tells_per_update: m, trials of a step, at least 1; as many architectures are drawn in one go, see
            :meth:`Controller.draw`; ours.

    State:
        ask: ``probabilities`` (for each decision a list over its options, None where it is inactive), ``chosen`` (an
            index each, or None), ``log_probability`` and ``entropy`` (sums over the tokens, in nats).
        tell: ``reward``, ``baseline`` b before it, ``scale`` σ and ``advantage`` A; with the tell that makes the step
            also ``loss`` (what the step lowers), ``entropy`` and ``log_probability``, means over its m trials.

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        hidden_size: int = 32,
        learning_rate: float = 0.005,
        baseline_decay: float = 0.9,
        entropy_weight: float = 0.1,
        tells_per_update: int = 1,
    ) -> None:
        check_at_least(1, hidden_size=hidden_size, tells_per_update=tells_per_update)
        check_above(0, learning_rate=learning_rate)
        check_at_least(0, entropy_weight=entropy_weight)
        self.space = space
        self.rng = rng
        self.hidden_size, self.learning_rate, self.baseline_decay = hidden_size, learning_rate, baseline_decay
        self.entropy_weight, self.tells_per_update = entropy_weight, tells_per_update
        self.controller = Controller(space, rng, hidden_size, learning_rate)
        self.waiting: list[tuple[tuple[int, ...], float]] = []
        self.baseline = Baseline(baseline_decay)
        self.state: dict[str, Any] = {}

    def ask(self) -> Architecture:
        """Draw an architecture from the policy, token by token."""
        choices, _, self.state = self.controller.draw(self.rng, self.tells_per_update)
        return self.space.architecture(choices)

    def tell(self, trial: Trial) -> None:
        """Make the architecture likelier if it was better than the baseline, less likely if worse."""
        self.state = self.baseline.advantage(trial)
        if not self.state:  # it failed, like all before
            return
        self.waiting.append((trial.architecture.choices, self.state["advantage"]))
        if len(self.waiting) == self.tells_per_update:
            self.state |= self._update()

    def _update(self) -> dict[str, float]:
        """Make one step along the mean gradient of the waiting trials."""
        sentences = self.controller.read(np.array([choices for choices, _ in self.waiting]))
        advantages = np.array([advantage for _, advantage in self.waiting])
        weights = np.broadcast_to(advantages[:, None], sentences.choices.shape)
        gradient = self.controller.gradient(sentences, weights, self.entropy_weight) / len(self.waiting)
        self.controller.climb(gradient)
        self.waiting = []
        log_p, entropy = sentences.taken.sum(axis=1), sentences.entropies.sum(axis=1)
        return {
            "loss": -float((advantages * log_p + self.entropy_weight * entropy).mean()),
            "entropy": float(entropy.mean()),
            "log_probability": float(log_p.mean()),
        }
