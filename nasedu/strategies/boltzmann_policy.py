"""Boltzmann policy: draw every architecture with a probability that grows with its reward.

    π(A) ∝ exp(α R(A)),    R(A) = f(A) − c |A|

The policy that maximises E[R] + H/α, the mean reward plus its own entropy H over α: Ziebart, Maas, Bagnell & Dey,
"Maximum Entropy Inverse Reinforcement Learning", AAAI 2008; as exploration: Sutton & Barto, "Reinforcement Learning",
2nd edition, 2018, Section 2.8. f is the score, |A| the size; α = 0 draws uniformly, α → ∞ always takes the best.

π(A) needs R(A) for every A, which is what a search does not know. So R is estimated decision by decision:

    π(A) = Π_i softmax(α r_i)[a_i],    r_i[o] = mean R of the trials with option o in decision i

With a single decision (such as the number of layers) that is the formula above as soon as every option was tried.
With several it is exact where R is a sum of one term for each decision and the trials are balanced: every combination
tried equally often. A search's own trials are not, so an option also looks good or bad by the company it kept. And
where R is no such sum, the policy is blind to how decisions work together; controllers are there to mend that.

    initialise:  the first n asks are random
    ask:         with probability ε: a random architecture; else sample an option of each decision from its softmax
    tell:        (it was evaluated) keep the best; reshape the distribution: update the means
    stop:        the caller's: after a number of trials

Symbols (no canonical values; these are ours):
    α  alpha          sharpness, per unit of score                          30
    c  penalty        price of one unit of size                             0
    n  initial_asks   random asks at the beginning                          20
    ε  exploration    share of random asks afterwards                       0.1

What differs from the formula:
    * The product form. An option that was never tried has the mean reward of all trials.
    * Inactive decisions of a trial are left out of the means, and failed trials altogether.
    * A draw that is no valid architecture is drawn again.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from nasedu.core import MAX_REDRAWS, Architecture, SearchSpace, Trial
from nasedu.strategies.arguments import check_at_least, check_share, check_space_and_rng

__all__ = ["BoltzmannPolicy"]


def active_decisions(architecture: Architecture) -> float:
    """Return how many decisions of the architecture are active."""
    return sum(architecture.space.active(architecture.choices))


class BoltzmannPolicy:
    """One softmax over estimated rewards for each decision.

    Args:
        space: where to search.
        rng: the only source of randomness.
        alpha: α, at least 0, per unit of score; ours. At 30, an accuracy higher by 0.1 is e³ ≈ 20 times likelier.
        penalty: c, in score per unit of size; 0 for none.
        size: |A|; by default the number of active decisions.
        initial_asks: n, random asks at the beginning, at least 0; ours.
        exploration: ε, the share of random asks afterwards, in [0, 1]; ours.

    Attributes:
        best: the trial with the highest reward so far; None before the first.

    State:
        ask: ``probabilities`` (for each decision a list over its options, None where it is inactive), ``chosen`` (an
            index each, or None), ``random`` (whether the architecture was drawn from the space instead).
        tell: ``reward`` R, and ``best``, the number of the best trial. Nothing for a trial that failed.

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        alpha: float = 30.0,
        penalty: float = 0.0,
        size: Callable[[Architecture], float] = active_decisions,
        initial_asks: int = 20,
        exploration: float = 0.1,
    ) -> None:
        check_space_and_rng(space, rng)
        check_at_least(0, alpha=alpha, initial_asks=initial_asks)
        check_share(exploration=exploration)
        self.space = space
        self.rng = rng
        self.alpha, self.penalty, self.size, self.exploration = alpha, penalty, size, exploration
        self.initial_asks = self.initial_asks_left = initial_asks
        self.sums = [np.zeros(len(decision.options)) for decision in space.decisions]  # of rewards
        self.counts = [np.zeros(len(decision.options)) for decision in space.decisions]  # of trials
        self.total, self.tells = 0.0, 0  # of all rewards
        self.best: Trial | None = None
        self.state: dict[str, Any] = {}

    def ask(self) -> Architecture:
        """Sample an architecture from the policy, or at random."""
        self.initial_asks_left -= 1
        is_random = self.initial_asks_left >= 0 or self.rng.random() < self.exploration
        policy = self.policy()
        architecture = self.space.sample(self.rng) if is_random else self._sample(policy)
        active = self.space.active(architecture.choices)
        self.state = {
            "probabilities": [p.tolist() if on else None for p, on in zip(policy, active, strict=True)],
            "chosen": [choice if on else None for choice, on in zip(architecture.choices, active, strict=True)],
            "random": is_random,
        }
        return architecture

    def tell(self, trial: Trial) -> None:
        """Keep the best and update the mean reward of every option that the trial had."""
        self.state = {}
        if trial.failure is not None:
            return
        reward = self.reward(trial)
        if self.best is None or reward > self.reward(self.best):
            self.best = trial
        self.total += reward
        self.tells += 1
        choices = trial.architecture.choices
        for index, on in enumerate(self.space.active(choices)):
            if on:
                self.sums[index][choices[index]] += reward
                self.counts[index][choices[index]] += 1
        self.state = {"reward": reward, "best": self.best.number}

    def reward(self, trial: Trial) -> float:
        """R = f − c |A|."""
        return trial.score - self.penalty * self.size(trial.architecture)

    def policy(self) -> list[np.ndarray]:
        """Return for each decision the probability of each of its options."""
        return [boltzmann(estimate, self.alpha) for estimate in self.estimates()]

    def estimates(self) -> list[np.ndarray]:
        """Return for each decision the mean reward r_i of each of its options."""
        mean = self.total / max(self.tells, 1)
        pairs = zip(self.sums, self.counts, strict=True)
        return [np.where(tried > 0, total / np.maximum(tried, 1), mean) for total, tried in pairs]

    def _sample(self, policy: list[np.ndarray]) -> Architecture:
        for _ in range(MAX_REDRAWS):
            choices = self.space.pin(tuple(int(self.rng.choice(len(p), p=p)) for p in policy))
            if self.space.is_valid(choices):
                return self.space.architecture(choices)
        return self.space.sample(self.rng)


def boltzmann(rewards: np.ndarray, alpha: float) -> np.ndarray:
    """Return exp(alpha · rewards), normalised; the largest is subtracted first, so nothing overflows.

    Worked example, 1 to 5 layers and R = 1 − |A|/5:
        >>> boltzmann(np.array([0.8, 0.6, 0.4, 0.2, 0.0]), alpha=1.0).round(4)
        array([0.2868, 0.2348, 0.1922, 0.1574, 0.1289])
    """
    weights = np.exp(alpha * (rewards - rewards.max()))
    return np.asarray(weights / weights.sum())
