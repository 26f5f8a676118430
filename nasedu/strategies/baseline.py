"""The baseline of the policy gradient: what a reward is worth against the rewards before it.

    d = R − b;    σ² ← σ² + k (d² − σ²);    A = d / σ;    b ← b + k d

b begins as the first R, and σ as 0; k is 1/tells, and later a constant. Why so: ``reinforce_table.py``.
"""

import math

from nasedu.core import Trial

__all__ = ["Baseline"]


class Baseline:
    """Moving averages of the rewards.

    Args:
        decay: 1 − k in the long run, in [0, 1).

    Attributes:
        mean, variance: b and σ².
        tells: how many rewards there were.
        lowest: of those of trials that did not fail.

    Raises:
        ValueError: the decay is out of its range.
    """

    def __init__(self, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"baseline_decay must lie in [0, 1); got {decay}.")
        self.decay = decay
        self.mean, self.variance, self.lowest = 0.0, 0.0, math.inf
        self.tells = 0

    def advantage(self, trial: Trial) -> dict[str, float]:
        """Take note of a trial; return its ``reward``, ``baseline`` b before it, ``scale`` σ and ``advantage`` A.

        A failed trial counts as the lowest reward so far; nothing is returned while there is none.
        """
        reward = trial.score if trial.failure is None else self.lowest
        if math.isinf(reward):
            return {}
        self.lowest = min(self.lowest, reward)
        before = self.mean if self.tells else reward
        self.tells += 1
        k = max(1 - self.decay, 1 / self.tells)
        self.variance += k * ((reward - before) ** 2 - self.variance)
        self.mean = before + k * (reward - before)
        scale = math.sqrt(self.variance)
        advantage = (reward - before) / scale if scale else 0.0
        return {"reward": reward, "baseline": before, "scale": scale, "advantage": advantage}
