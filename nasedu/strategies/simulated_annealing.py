"""Simulated annealing: always go up, sometimes go down, and less and less often.

Kirkpatrick, Gelatt & Vecchi, "Optimization by Simulated Annealing", Science 220 (1983), 671–680; the rule of
acceptance is Metropolis et al., Journal of Chemical Physics 21 (1953), 1087.

A climb that only goes up ends at the first top. Annealing steps to a random neighbour, and if that is worse by d, goes
there all the same with probability exp(−d/T). While the temperature T is large against the differences between
neighbours, this is a random walk, in the end a climb; in between it leaves low tops more easily than high ones.

    ask:   the first n times: a random architecture; then
           draw a neighbour of the current trial, until there is one that was not asked for;
           a neighbour whose score is known is gone to or not, as below, and costs nothing
           after a hundred in vain the walk is frozen in: begin again at a random architecture, at T₀
    tell:  go there with probability min(1, exp((score − current score) / T)), where T = 0 until T₀ is known;
           T ← T / 2^(1/h), from T₀ after the first n trials

What is hot depends on the space. Without a given T₀ it is the median distance of the first n scores from their median,
which one architecture that does not learn at all cannot blow up, as it would their standard deviation.

Symbols (the original chose its values for each problem; these are ours):
    n   initial_asks   random asks at the beginning              10
    T₀  temperature    in units of score                         from the first n trials
    h   half_life      trials in which the temperature halves    10

What differs from the original:
    * It waits at each temperature until the walk has settled, then lowers it by a constant factor. Here T falls by a
      small constant factor with every trial.
    * Known neighbours are decided from memory, so nothing is evaluated twice as long as a hundred random draws give
      anything new; the walk is the same. It begins at the best of the first n.
    * Trials may return late: one is weighed against the trial where the walk then stands.
    * A failed trial is never gone to, and cools nothing.
"""

import math
from typing import Any

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial
from nasedu.strategies.arguments import check_space_and_rng

__all__ = ["SimulatedAnnealing"]

ATTEMPTS = 100


class SimulatedAnnealing:
    """A walk over neighbours that goes down less and less often.

    Args:
        space: where to search; its ``mutate`` draws the steps.
        rng: the only source of randomness.
        initial_asks: n, random asks at the beginning, at least 1; ours.
        temperature: T₀, at least 0, in units of score; None to take it from the first n trials.
        half_life: h, trials in which the temperature halves, above 0; ours.

    Attributes:
        current: the trial where the walk stands; None before the first.
        asked: every architecture that was asked for, with its trial; None while that is outstanding.

    State:
        ask: ``parent`` (number of the trial whose neighbour is asked for, None for a random ask), ``changed`` (indices
            of the decisions in which they differ), ``temperature`` (T, None while it is not known).
        tell: ``probability`` (how likely it was to go to the trial), ``temperature``, ``population`` (the number of the
            trial where the walk stands, as a list).

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        initial_asks: int = 10,
        temperature: float | None = None,
        half_life: float = 10.0,
    ) -> None:
        if initial_asks < 1:
            raise ValueError(f"initial_asks must be at least 1, or there is nowhere to begin; got {initial_asks}.")
        if (temperature is not None and temperature < 0) or half_life <= 0:
            given = f"{temperature} and {half_life}"
            raise ValueError(f"temperature must be at least 0 (or None), half_life above 0; got {given}.")
        check_space_and_rng(space, rng)
        self.space = space
        self.rng = rng
        self.initial_asks = self.initial_asks_left = initial_asks
        self.temperature, self.half_life = temperature, half_life
        self.first_scores: list[float] = []
        self.hottest: float | None = None  # T₀, once the first trials are there
        self.cooled = 0  # trials since the walk began at T₀
        self.current: Trial | None = None
        self.asked: dict[Architecture, Trial | None] = {}
        self.state: dict[str, Any] = {}

    def ask(self) -> Architecture:
        """Propose a neighbour of where the walk stands, or a random architecture."""
        self.initial_asks_left -= 1
        neighbor = None if self.initial_asks_left >= 0 else self._step()
        parent = self.current if neighbor else None
        architecture = neighbor or self._random()
        self.asked.setdefault(architecture, None)
        pairs = zip(parent.architecture.choices, architecture.choices, strict=True) if parent else ()
        changed = [index for index, (old, new) in enumerate(pairs) if old != new]
        self.state = {"parent": parent.number if parent else None, "changed": changed, "temperature": self._now()}
        return architecture

    def tell(self, trial: Trial) -> None:
        """Go to the trial or not, and cool down."""
        self.asked[trial.architecture] = trial
        probability = self._consider(trial)
        if trial.failure is None:
            self._cool(trial.score)
        self.state = {
            "probability": probability,
            "temperature": self._now(),
            "population": [] if self.current is None else [self.current.number],
        }

    def _step(self) -> Architecture | None:
        """Walk until there is a neighbour that was not asked for; None if there is nowhere to walk, or it froze in."""
        for _ in range(ATTEMPTS):
            if self.current is None:
                return None
            neighbor = self.space.mutate(self.current.architecture, self.rng)
            if neighbor not in self.asked:
                return neighbor
            known = self.asked[neighbor]
            if known is not None:
                self._consider(known)
        self.current, self.cooled = None, 0
        return None

    def _random(self) -> Architecture:
        for _ in range(ATTEMPTS):
            architecture = self.space.sample(self.rng)
            if architecture not in self.asked:
                break
        return architecture

    def _consider(self, trial: Trial) -> float:
        """Go to the trial with the probability of Metropolis, and return that."""
        gain = trial.score - self.current.score if self.current else math.inf
        now = self._now()
        if trial.failure is not None:
            probability = 0.0
        elif gain >= 0:
            probability = 1.0
        else:
            probability = math.exp(gain / now) if now else 0.0
        if self.rng.random() < probability:
            self.current = trial
        return probability

    def _cool(self, score: float) -> None:
        """Lower T, or find T₀ when the last of the first trials is there."""
        if self.hottest is not None:
            self.cooled += 1
            return
        self.first_scores.append(score)
        if len(self.first_scores) == self.initial_asks:
            distances = np.abs(np.array(self.first_scores) - np.median(self.first_scores))
            self.hottest = float(np.median(distances)) if self.temperature is None else self.temperature

    def _now(self) -> float | None:
        """Return T, or None before the first trials are there."""
        return None if self.hottest is None else float(self.hottest * 2 ** (-self.cooled / self.half_life))
