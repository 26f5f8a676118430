"""Local search: look at the neighbours, go to the first that is better, begin elsewhere when none is.

White, Nolen & Savani, "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021,
arXiv:2005.02960: on small benchmarks this simplest of searches finds as much as far cleverer ones.

Two architectures are neighbours if they differ in one decision. From a random start the search
climbs; where no neighbour is better, it is at a *local optimum*, which may be far below the best
there is, and starts again. How much it finds depends on how many such tops a space has, and how
wide their slopes are. The climbs see one measurement of each architecture: a lucky one is a top, too.

    ask:   if every neighbour of the current trial was asked for: a local optimum; forget where we are
           if we are nowhere: a random architecture that was not asked for before
           else: one of the neighbours that were not asked for, drawn uniformly
    tell:  go there if we are nowhere, or if it is better than the current trial

Nothing is evaluated twice, neither in one climb nor in two; only where a hundred random draws were
all asked for before, which happens when a small space is used up, does a start come again.

What differs from the paper:
    * Its climb evaluates all neighbours and goes to the best of them. Here it goes to the first that
      is better, so a step costs a few trials and not the whole neighbourhood (24 in NAS-Bench-201).
    * After a local optimum it starts again, as long as there are trials.
    * Trials may return late. One that was asked for as a neighbour is gone to if it is better than
      that trial and than the current one. So a climb that was given up too early is taken up again,
      and of several random starts that were asked for together the best one is climbed from.
    * A failed trial is never gone to.
"""

from typing import Any

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial

__all__ = ["LocalSearch"]

ATTEMPTS = 100


class LocalSearch:
    """Hill climbing by first improvement, with random restarts.

    Args:
        space: where to search; its ``neighbors`` are the steps.
        rng: the only source of randomness.

    Attributes:
        current: the trial at which the climb stands; None before a start is told.
        asked: every architecture that was asked for, with the trial whose neighbour it was, None for a start.

    State:
        climb: which climb an ask belongs to, from 0.
        parent: number of the trial whose neighbour is asked for; None for a random start.
        changed: indices of the decisions in which they differ.
        untried: how many of its neighbours are left after this one.
        entered, left: after a tell, the numbers of the trials that the climb went to and came from, or None.
    """

    def __init__(self, space: SearchSpace, rng: np.random.Generator) -> None:
        self.space = space
        self.rng = rng
        self.settings: dict[str, Any] = {}
        self.climb = 0
        self.current: Trial | None = None
        self.untried: list[Architecture] = []  # neighbours of the current trial
        self.asked: dict[Architecture, Trial | None] = {}
        self.state: dict[str, Any] = {}

    def ask(self) -> Architecture:
        """Propose a neighbour that was not asked for yet, or a new start if there is none."""
        self.untried = [each for each in self.untried if each not in self.asked]
        if self.current is not None and not self.untried:
            self.current, self.climb = None, self.climb + 1
        if self.current is None:
            architecture, changed = self._start(), []
        else:
            architecture = self.untried.pop(int(self.rng.integers(len(self.untried))))
            pairs = zip(self.current.architecture.choices, architecture.choices, strict=True)
            changed = [index for index, (old, new) in enumerate(pairs) if old != new]
        self.asked[architecture] = self.current
        self.state = {
            "climb": self.climb,
            "parent": None if self.current is None else self.current.number,
            "changed": changed,
            "untried": len(self.untried),
        }
        return architecture

    def tell(self, trial: Trial) -> None:
        """Go to the trial if that is upwards."""
        asked_from = self.asked.setdefault(trial.architecture, None)
        lower = [each for each in (asked_from, self.current) if each is not None]
        self.state = {"entered": None, "left": None}
        if trial.failure is None and all(trial.score > each.score for each in lower):
            self.state = {"entered": trial.number, "left": None if self.current is None else self.current.number}
            self.current, self.untried = trial, self.space.neighbors(trial.architecture)

    def _start(self) -> Architecture:
        for _ in range(ATTEMPTS):
            start = self.space.sample(self.rng)
            if start not in self.asked:
                break
        return start
