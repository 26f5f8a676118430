"""Local search: look at the neighbours, go to the first that is better, begin elsewhere when none is.

White, Nolen & Savani, "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021,
arXiv:2005.02960: on small benchmarks this simplest of searches finds as much as far cleverer ones.

Two architectures are neighbours if they differ in one decision. From the best of a few random
architectures the search climbs; where no neighbour is better, it is at a *local optimum*, which may
be far below the best there is, and it starts again. How much it finds depends on how many such tops a
space has, and how wide their slopes are.

    ask:   if every neighbour of the current trial was asked for, it is a local optimum: forget it
           the first n times of a climb, and while nothing is told: a random architecture
           else: a neighbour of the current trial, drawn uniformly from those not asked for before
    tell:  go there if it is better than the current trial, or if there is none

Nothing is evaluated twice, neither in one climb nor in two; only where a hundred random draws were
all asked for before, as when a small space is used up, does an architecture come again.

Symbols (no canonical values; this is ours):
    n  initial_asks   random asks at the beginning of each climb    10

What differs from the paper:
    * Its climb evaluates all neighbours and goes to the best of them. Here it goes to the first that
      is better, so a step costs a few trials and not the whole neighbourhood (24 in NAS-Bench-201).
    * A climb begins at the best of n random architectures, and after a local optimum there is
      another climb, as long as there are trials.
    * Trials may return late. A neighbour is gone to if it is better than the current trial and than
      the one whose neighbour it is, so a climb that was given up too early is taken up again.
    * A failed trial is never gone to.
"""

from typing import Any

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial
from nasedu.strategies.arguments import check_space_and_rng

__all__ = ["LocalSearch"]

ATTEMPTS = 100


class LocalSearch:
    """Hill climbing by first improvement, with random restarts.

    Args:
        space: where to search; its ``neighbors`` are the steps.
        rng: the only source of randomness.
        initial_asks: n, random asks at the beginning of each climb, at least 1; ours.

    Attributes:
        current: the trial at which the climb stands; None before a start is told.
        asked: every architecture that was asked for, with the trial whose neighbour it was, None for a random one.

    State:
        ask: ``climb`` (which one, from 0), ``parent`` (number of the trial whose neighbour is asked for, None for a
            random ask), ``changed`` (indices of the decisions in which they differ), ``untried`` (how many neighbours
            of the current trial are left).
        tell: ``entered`` and ``left``, the numbers of the trials that the climb went to and came from, or None.

    Raises:
        ValueError: initial_asks is below 1.
    """

    def __init__(self, space: SearchSpace, rng: np.random.Generator, *, initial_asks: int = 10) -> None:
        if initial_asks < 1:
            raise ValueError(f"initial_asks must be at least 1, or there is nowhere to begin; got {initial_asks}.")
        check_space_and_rng(space, rng)
        self.space = space
        self.rng = rng
        self.initial_asks = self.initial_asks_left = initial_asks
        self.climb = 0
        self.current: Trial | None = None
        self.untried: list[Architecture] = []  # neighbours of the current trial
        self.asked: dict[Architecture, Trial | None] = {}
        self.state: dict[str, Any] = {}

    def ask(self) -> Architecture:
        """Propose a neighbour that was not asked for yet, or a random architecture to climb from."""
        if self.current is not None and not self.untried:
            self.current, self.climb, self.initial_asks_left = None, self.climb + 1, self.initial_asks
        self.initial_asks_left -= 1
        parent = None if self.initial_asks_left >= 0 else self.current
        changed: list[int] = []
        if parent is None:
            architecture = self._random()
        else:
            architecture = self.untried.pop(int(self.rng.integers(len(self.untried))))
            pairs = zip(parent.architecture.choices, architecture.choices, strict=True)
            changed = [index for index, (old, new) in enumerate(pairs) if old != new]
        self._note(architecture, parent)
        self.state = {
            "climb": self.climb,
            "parent": None if parent is None else parent.number,
            "changed": changed,
            "untried": len(self.untried),
        }
        return architecture

    def tell(self, trial: Trial) -> None:
        """Go to the trial if that is upwards."""
        if trial.architecture not in self.asked:
            self._note(trial.architecture, None)
        asked_from = self.asked[trial.architecture]
        lower = [each for each in (asked_from, self.current) if each is not None]
        self.state = {"entered": None, "left": None}
        if trial.failure is None and all(trial.score > each.score for each in lower):
            self.state = {"entered": trial.number, "left": None if self.current is None else self.current.number}
            neighbors = self.space.neighbors(trial.architecture)
            self.current, self.untried = trial, [each for each in neighbors if each not in self.asked]

    def _note(self, architecture: Architecture, parent: Trial | None) -> None:
        """Remember that an architecture was asked for."""
        self.asked[architecture] = parent
        if parent is None and architecture in self.untried:  # else it was taken from there, or is no neighbour
            self.untried.remove(architecture)

    def _random(self) -> Architecture:
        for _ in range(ATTEMPTS):
            architecture = self.space.sample(self.rng)
            if architecture not in self.asked:
                break
        return architecture
