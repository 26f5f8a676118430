"""Regularized evolution: keep the young, not the best.

Real, Aggarwal, Huang & Le, "Regularized Evolution for Image Classifier Architecture Search",
AAAI 2019, arXiv:1802.01548, Algorithm 1.

The population is a queue of the last P trials. Each step draws S of them, copies the best of
that sample with one mutation, and appends the child; the *oldest* member leaves, however good
it was. What was good about it survives only in its children, which are evaluated anew, and that
guards against one lucky evaluation staying on top for ever.

    ask:   the first P times: a random architecture; then
           parent = argmax score over S draws, with replacement, from the queue
           child  = mutate(parent)
           begin again if it was asked for before
    tell:  append the child's trial to the queue; drop the oldest beyond P

The tournament is the whole selection pressure. With P different scores the parent has rank r
(1 is best) with probability ((P − r + 1)^S − (P − r)^S) / P^S.

Symbols (the values of the paper's "Methods Details", of the scripts of NAS-Bench-201, and ours):
    P  population_size   members of the queue    100   10   20
    S  sample_size       draws per tournament     25    3   P/2

What differs from Algorithm 1:
    * ask and tell are separate, so C, the number of cycles, belongs to the caller, and trials
      may return late: a tournament is held among those that have, and ask is random as long
      as none has.
    * Mutation is the space's own, one decision, and never the identity (0.05 in the paper).
    * What was asked for is not asked for again, unless a hundred attempts give nothing else:
      the trial is known. Algorithm 1 evaluates it again. Only equal choices count: a child that
      computes the same with other choices has other neighbours.
    * A failed trial enters the queue with score −∞: it is a parent only of a sample that all failed.
"""

from collections import deque
from operator import attrgetter
from typing import Any

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial
from nasedu.strategies.arguments import check_at_least, check_space_and_rng

__all__ = ["RegularizedEvolution"]

ATTEMPTS = 100


class RegularizedEvolution:
    """Aging evolution with tournament selection.

    Args:
        space: where to sample and mutate.
        rng: the only source of randomness.
        population_size: P, members of the queue, at least 1; ours.
        sample_size: S, draws per tournament, between 1 and P; None for half of P, ours. Larger is greedier; 1 ignores
            the scores altogether.

    Attributes:
        population: the queue of trials, the oldest first.
        asked: every architecture that was asked for.

    State:
        ask: ``parent`` (number of the tournament's winner, None for a random ask), ``draws`` (numbers of those who were
            in the tournament), ``changed`` (indices of the decisions in which the child differs).
        tell: ``entered`` and ``left``, the numbers of the trials that entered the queue and left it, or None.

    Raises:
        TypeError: a size is no whole number.
        ValueError: population_size is below 1, or sample_size outside 1..population_size.
    """

    def __init__(
        self, space: SearchSpace, rng: np.random.Generator, *, population_size: int = 20, sample_size: int | None = None
    ) -> None:
        for name, value in (("population_size", population_size), ("sample_size", sample_size)):
            if not isinstance(value, int | np.integer) and (name, value) != ("sample_size", None):
                raise TypeError(f"{name} must be a whole number; got {value!r}.")
        check_at_least(1, population_size=population_size)
        size = max(population_size // 2, 1) if sample_size is None else sample_size
        if not 1 <= size <= population_size:
            raise ValueError(f"sample_size must lie in 1..population_size={population_size}; got {size}.")
        check_space_and_rng(space, rng)
        self.space = space
        self.rng = rng
        self.population_size, self.sample_size = population_size, size
        self.population: deque[Trial] = deque(maxlen=population_size)
        self.random_asks_left = population_size
        self.asked: set[Architecture] = set()
        self.state: dict[str, Any] = {}

    def ask(self) -> Architecture:
        """Propose a mutated copy of a tournament's winner that was not asked for before."""
        self.random_asks_left -= 1
        for _ in range(ATTEMPTS):
            draws = [] if self.random_asks_left >= 0 else self._draw()
            parent = max(draws, key=attrgetter("score"), default=None)
            child = self.space.mutate(parent.architecture, self.rng) if parent else self.space.sample(self.rng)
            if child not in self.asked:
                break
        self.asked.add(child)
        pairs = zip(parent.architecture.choices, child.choices, strict=True) if parent else ()
        self.state = {
            "parent": parent.number if parent else None,
            "draws": [trial.number for trial in draws],
            "changed": [index for index, (old, new) in enumerate(pairs) if old != new],
        }
        return child

    def tell(self, trial: Trial) -> None:
        """Let the trial enter the queue; the oldest leaves a full one."""
        self.asked.add(trial.architecture)
        full = len(self.population) == self.population.maxlen
        self.state = {"entered": trial.number, "left": self.population[0].number if full else None}
        self.population.append(trial)  # the queue drops its oldest beyond P

    def _draw(self) -> list[Trial]:
        """Draw the sample of a tournament, with replacement; nobody from an empty queue."""
        if not self.population:
            return []
        return [self.population[int(u * len(self.population))] for u in self.rng.random(self.sample_size).tolist()]
