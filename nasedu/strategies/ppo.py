"""Proximal policy optimisation: several steps from the same trials, none of them too far.

Schulman, Wolski, Dhariwal, Radford & Klimov, "Proximal Policy Optimization Algorithms",
arXiv:1707.06347, Algorithm 1 with the clipped surrogate, Equation 7.

REINFORCE (``reinforce.py``) uses each batch of trials for one step and throws it away: after the
step they come from an old policy. PPO goes on with them, by importance weights. With
r_t(θ) = p_θ(a_t) / p_old(a_t) for each token a_t, and the advantage A of its architecture, it climbs

    L(θ) = mean over the trials of Σ_t min(r_t A, clip(r_t, 1 − ε, 1 + ε) A) + λ H

At θ = old all r_t are 1 and the gradient is that of REINFORCE. As soon as a token has become by ε
likelier where A > 0 (or less likely where A < 0), min makes its term flat: it asks for no more.

    ask:   draw with the controller, and remember log p_old of each token
    tell:  collect; of every m trials:  A = (R − mean R) / deviation of R
           K times:  θ ← Adam step along ∇L = mean of Σ_t [not clipped] r_t A ∇ log p_t + λ ∇H

Symbols (the paper's values for continuous tasks, its Table 3, and ours):
    n  hidden_size        size of the controller's state         two layers of 64     32
    η  learning_rate      Adam's                                 0.0003            0.005
    ε  clip               how far a probability may go           0.2                 0.2
    m  tells_per_update   trials of a batch                      2048                 10
    K  epochs             steps with each batch                  10                   10
    λ  entropy_weight     of H, the sum of the entropies of      –                   0.1
                          the softmaxes along A, per nat

What differs from the paper:
    * No value network and no discounting. The reward comes once, at the end of a sentence, so each
      token has the same advantage: the reward in units of its batch, which is the usual
      normalisation, and makes any other baseline drop out. A batch of equal rewards teaches nothing.
    * Each of the K steps takes the whole batch, as a batch is small; the paper's take parts of 64.
    * Trials may be late: log p_old is that of the ask, however old. Of an architecture asked for
      several times the asks are answered in their order. Where there was none, log p_old is the
      present one.
    * A draw that is no valid architecture is drawn again, and r_t is not corrected for it. A failed
      trial counts as the lowest reward so far.
"""

import math
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasedu.core import Architecture, SearchSpace, Trial
from nasedu.strategies.arguments import check_above, check_at_least
from nasedu.strategies.controller import Controller

__all__ = ["PPO"]


class PPO:
    """A controller trained on the clipped surrogate.

    Args:
        space: where to search.
        rng: the only source of randomness; the initial weights are drawn from it too.
        hidden_size: n, of the controller's state, at least 1; ours.
        learning_rate: η, Adam's, above 0; ours.
        clip: ε, how far a probability may go, above 0; the paper's.
        tells_per_update: m, trials of a batch, at least 2; ours.
        epochs: K, steps with each batch, at least 1; the paper's.
        entropy_weight: λ, at least 0, in units of the deviation of a batch's rewards; ours.

    State:
        ask: ``probabilities`` (for each decision a list over its options, None where it is inactive), ``chosen`` (an
            index each, or None), ``log_probability`` and ``entropy`` (sums over the tokens, in nats).
        tell: ``reward``; with the tell that completes a batch also, in the order of its trials, ``advantages`` and
            ``ratios`` (of the whole architectures, after the last step), ``clipped`` (the share of tokens that were
            flat in the last step), ``loss`` (−L before the first step) and ``entropy`` (its mean, then).

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
        clip: float = 0.2,
        tells_per_update: int = 10,
        epochs: int = 10,
        entropy_weight: float = 0.1,
    ) -> None:
        if tells_per_update < 2:
            raise ValueError(f"tells_per_update must be at least 2, or nothing is compared; got {tells_per_update}.")
        check_at_least(1, hidden_size=hidden_size, epochs=epochs)
        check_above(0, learning_rate=learning_rate, clip=clip)
        check_at_least(0, entropy_weight=entropy_weight)
        self.space = space
        self.rng = rng
        self.hidden_size, self.learning_rate, self.clip = hidden_size, learning_rate, clip
        self.tells_per_update, self.epochs, self.entropy_weight = tells_per_update, epochs, entropy_weight
        self.controller = Controller(space, rng, hidden_size, learning_rate)
        self.asked: dict[Architecture, deque[NDArray[np.float64]]] = {}  # log p_old of asks that wait for their tell
        self.batch: list[tuple[tuple[int, ...], float, NDArray[np.float64]]] = []
        self.lowest = math.inf
        self.state: dict[str, Any] = {}

    def ask(self) -> Architecture:
        """Draw an architecture from the policy, and remember how likely each token was."""
        choices, log_p, self.state = self.controller.draw(self.rng, self.tells_per_update)
        architecture = self.space.architecture(choices)
        self.asked.setdefault(architecture, deque()).append(log_p)
        return architecture

    def tell(self, trial: Trial) -> None:
        """Collect the trial; the last one of a batch makes the steps."""
        self.state = {}
        choices, asks = trial.architecture.choices, self.asked.get(trial.architecture)
        log_p = asks.popleft() if asks else self.controller.read(np.array([choices])).taken[0]
        if asks is not None and not asks:
            del self.asked[trial.architecture]
        if trial.failure is None:
            self.lowest = min(self.lowest, trial.score)
        reward = trial.score if trial.failure is None else self.lowest
        if math.isinf(reward):  # it failed, like all before: nothing to compare with
            return
        self.state = {"reward": reward}
        self.batch.append((choices, reward, log_p))
        if len(self.batch) == self.tells_per_update:
            self.state |= self._update()

    def _update(self) -> dict[str, Any]:
        """Make K steps with the batch."""
        choices, rewards, old = (np.array(column) for column in zip(*self.batch, strict=True))
        self.batch = []
        differ = rewards.max() > rewards.min()
        advantages = (rewards - rewards.mean()) / rewards.std() if differ else np.zeros_like(rewards)
        A = np.broadcast_to(advantages[:, None], choices.shape)  # the same for each token of an architecture
        for epoch in range(self.epochs):
            sentences = self.controller.read(choices)
            ratios = np.exp(sentences.taken - old)
            flat = np.where(A > 0, ratios > 1 + self.clip, ratios < 1 - self.clip)
            if epoch == 0:
                surrogate = np.minimum(ratios * A, ratios.clip(1 - self.clip, 1 + self.clip) * A)
                start = (surrogate * sentences.active).sum(axis=1).mean()
                entropy = sentences.entropies.sum(axis=1).mean()
            weights = np.where(flat, 0.0, ratios * A)
            gradient = self.controller.gradient(sentences, weights, self.entropy_weight)
            self.controller.climb(gradient / len(choices))
        after = self.controller.read(choices).taken
        return {
            "advantages": advantages.tolist(),
            "ratios": np.exp((after - old).sum(axis=1)).tolist(),
            "clipped": float(flat[sentences.active].mean()),
            "loss": -float(start + self.entropy_weight * entropy),
            "entropy": float(entropy),
        }
