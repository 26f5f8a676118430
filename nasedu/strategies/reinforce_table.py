"""REINFORCE with a table of logits: one softmax for each decision, moved by every trial.

Williams, "Simple statistical gradient-following algorithms for connectionist reinforcement
learning", Machine Learning 8 (1992); a table as in NAS-Bench-201's baseline (arXiv:2001.00326).

The reward R of an architecture A cannot be differentiated, but its expectation can: with
π(A) = Π_i softmax(θ_i)[a_i] and ∇π = π ∇ log π,

    ∇ E[R] = E[(R − b) ∇ log π(A)],    ∂ log π(A) / ∂θ_i = onehot(a_i) − softmax(θ_i)

for any baseline b that does not depend on A. A b near the mean reward makes the estimate far less
noisy. So one trial is one step: the options that it had become likelier if it was better than b,
and less likely if it was worse.

    ask:   draw an option of each decision from its softmax
    tell:  d = R − b;  σ² ← σ² + k (d² − σ²);  A = d / σ
           θ_i ← θ_i + η (A (onehot(a_i) − π_i) + λ ∇H_i)   for each decision i that matters to A
           b ← b + k d            (b begins as the first R, and σ as 0)

Symbols (values: ours; NATS-Bench's script, arXiv:2009.00437, has Adam at 0.01, a decay of 0.9):
    η      learning_rate    size of a step                                      0.2
    1 − k  baseline_decay   of the moving averages b and σ²;                    0.9
                            k is 1/tells while that is larger
    λ      entropy_weight   of the entropy H of the softmaxes, per nat          0.1

What differs from Williams:
    * The advantage A is in units of σ, so η needs no unit and one value serves accuracies in every
      range. As d is in σ, R counts as f(R) = d / √((1 − k) σ² + k d²): it rises with R, and no
      outlier, such as a network that learned nothing, is more than 1/√k. The mean step is along
      the exact gradient of E[f(R)]. λ is in the same units.
    * Decisions that do not matter to A have no gradient. A draw that is no valid architecture is
      drawn again; the step ignores what that does to π. A failed trial counts as the lowest reward.
    * Tells may be late; the step is taken from where θ is now.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasedu.core import MAX_REDRAWS, Architecture, SearchSpace, Trial
from nasedu.strategies.arguments import check_above, check_at_least, check_space_and_rng
from nasedu.strategies.baseline import Baseline

__all__ = ["ReinforceTable"]


class ReinforceTable:
    """A policy without memory: no decision knows what the others are.

    Args:
        space: where to search.
        rng: the only source of randomness.
        learning_rate: η, the size of a step, above 0; ours.
        baseline_decay: 1 − k, of the moving averages, in [0, 1); that of NATS-Bench's script.
        entropy_weight: λ, of the entropy bonus, at least 0; ours.

    Attributes:
        logits: θ [decisions, options], all 0 at first; −∞ where a decision has fewer options.
        baseline: the moving averages.

    State:
        ask: ``probabilities`` (for each decision a list over its options, None where it does not matter),
            ``chosen`` (an index each, or None), ``log_probability`` and ``entropy`` (sums over the decisions, nats).
        tell: ``reward``, ``baseline`` b before it, ``scale`` σ and ``advantage`` A.

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        learning_rate: float = 0.2,
        baseline_decay: float = 0.9,
        entropy_weight: float = 0.1,
    ) -> None:
        check_space_and_rng(space, rng)
        check_above(0, learning_rate=learning_rate)
        check_at_least(0, entropy_weight=entropy_weight)
        self.space = space
        self.rng = rng
        self.learning_rate, self.baseline_decay, self.entropy_weight = learning_rate, baseline_decay, entropy_weight
        self.counts = np.array([len(decision.options) for decision in space.decisions])
        self.logits = np.where(np.arange(self.counts.max()) < self.counts[:, None], 0.0, -np.inf)
        self.baseline = Baseline(baseline_decay)
        self.state: dict[str, Any] = {}

    def ask(self) -> Architecture:
        """Draw an architecture from the policy."""
        log_p = self.log_policy()
        architecture = self._draw(np.exp(log_p))
        active = self.space.active(architecture.choices)
        rows = list(zip(log_p, self.counts.tolist(), architecture.choices, active, strict=True))
        self.state = {
            "probabilities": [np.exp(row[:count]).tolist() if on else None for row, count, _, on in rows],
            "chosen": [choice if on else None for _, _, choice, on in rows],
            "log_probability": float(sum(row[choice] for row, _, choice, on in rows if on)),
            "entropy": float(entropies(log_p)[list(active)].sum()),
        }
        return architecture

    def tell(self, trial: Trial) -> None:
        """Make the options of the trial likelier if it was better than the baseline, less likely if worse."""
        self.state = self.baseline.advantage(trial)
        if self.state:
            self.logits += self.learning_rate * self.gradient(trial.architecture, self.state["advantage"])

    def gradient(self, architecture: Architecture, advantage: float) -> NDArray[np.float64]:
        """Return A ∇ log π + λ ∇ H [decisions, options], with ∂H_i/∂θ_i = −π_i (log π_i + H_i)."""
        log_p = self.log_policy()
        p = np.exp(log_p)
        onehot = np.arange(p.shape[1]) == np.array(architecture.choices)[:, None]
        pull = p * (np.where(np.isfinite(log_p), log_p, 0.0) + entropies(log_p)[:, None])
        active = np.array(self.space.active(architecture.choices))[:, None]
        return np.asarray(active * (advantage * (onehot - p) - self.entropy_weight * pull))

    def log_policy(self) -> NDArray[np.float64]:
        """Return the log-probability of each option [decisions, options]; −∞ where a decision has fewer."""
        shifted = self.logits - self.logits.max(axis=1, keepdims=True)
        return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))

    def _draw(self, policy: NDArray[np.float64]) -> Architecture:
        ends = policy.cumsum(axis=1)  # an option's piece of the line from 0 to 1 ends here
        for _ in range(MAX_REDRAWS):
            drawn = (self.rng.random((len(ends), 1)) >= ends).sum(axis=1)
            choices = self.space.pin(tuple(np.minimum(drawn, self.counts - 1).tolist()))
            if self.space.is_valid(choices):
                return self.space.architecture(choices)
        return self.space.sample(self.rng)


def entropies(log_p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the entropy of each row, in nats; 0 log 0 is 0.

    Example:
        >>> entropies(np.array([[np.log(0.5), np.log(0.5)], [0.0, -np.inf]])).round(4) + 0.0
        array([0.6931, 0.    ])
    """
    return np.asarray(-(np.exp(log_p) * np.where(np.isfinite(log_p), log_p, 0.0)).sum(axis=1))
