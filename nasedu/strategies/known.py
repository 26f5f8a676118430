"""What an agent of reinforcement learning has asked for and been told so far."""

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial
from nasedu.strategies.environments import State

__all__ = ["Known"]

DRAWS = 100


class Known:
    """The architectures that were asked for and told, with their scores.

    Attributes:
        asked: the choices of every architecture proposed or told.
        scores: of those that were told; a failed one has the lowest score at that time.
        numbers: of the trials that were told.
        best: the trial with the highest score, None before the first that did not fail.
        tells: how many trials.
        mean: of all scores.
    """

    def __init__(self) -> None:
        self.asked: set[State] = set()
        self.scores: dict[State, float] = {}
        self.numbers: dict[State, int | None] = {}
        self.best: Trial | None = None
        self.tells, self.mean, self.lowest = 0, 0.0, 0.0

    def record(self, trial: Trial) -> float:
        """Take note of a trial, and return its score."""
        score = trial.score
        if trial.failure is not None:
            score = self.lowest
        elif self.best is None:
            self.best, self.lowest, self.mean = trial, score, score
            self.scores = dict.fromkeys(self.scores, score)  # of those that have failed before
        elif score > self.best.score:
            self.best = trial
        elif score < self.lowest:
            self.lowest = score
        self.tells += 1
        self.mean += (score - self.mean) / self.tells
        self.scores[trial.architecture.choices] = score
        self.numbers[trial.architecture.choices] = trial.number
        self.asked.add(trial.architecture.choices)
        return score

    def draw(self, space: SearchSpace, rng: np.random.Generator) -> Architecture:
        """Draw from the space, if possible what was never asked for."""
        for _ in range(DRAWS):
            architecture = space.sample(rng)
            if architecture.choices not in self.asked:
                break
        self.asked.add(architecture.choices)
        return architecture
