"""ASHA: successive halving that waits for nobody.

Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht & Talwalkar, "A System for Massively Parallel
Hyperparameter Tuning", MLSys 2020, arXiv:1810.05934, Algorithm 2.

Successive halving compares the trials of a rung when all are there; with many workers most of them wait for the
slowest. ASHA, the asynchronous successive halving algorithm, has no brackets and no end of a rung. Whoever is among the
best 1/η of those that have arrived goes up at once, and if nobody does, a new architecture starts below.

    ask:   for each rung k but the last, the highest first:
               of the best ⌊|rung k| / η⌋ of its trials, the best that was not promoted yet, if there is one:
               promote it: train its architecture for r_{k+1} epochs
           else: a new architecture for r_0 epochs
    tell:  put the trial into the rung of its epochs

It pays with promotions that the whole rung would not have made: who is the best of the first three may not be among
the best thirty of ninety. Their share falls as rungs grow.

Symbols (R depends on the training; Hyperband's η, where the paper's experiments have 4):
    r, R  min_epochs, max_epochs   the shortest and the longest training    1, 10
    η     eta                      one of η is promoted                     3

What differs from Algorithm 2:
    * The early-stopping rate s is left out: rung 0 trains for r η^s there; here r is chosen.
    * A promoted architecture is trained anew, from its first epoch; the paper goes on from where it stopped.
    * Epochs are whole numbers, and new architectures may come from another strategy, a *sampler*: ``fidelities.py``
      has both.
    * A failed trial enters no rung. A trial that was never asked for enters the rung of its epochs, if there is one.
"""

from bisect import bisect_right, insort
from heapq import heappop, heappush
from itertools import pairwise

import numpy as np

from nasedu.core import Proposal, SearchSpace, Trial
from nasedu.strategies.fidelities import MakeSampler, MultiFidelity

__all__ = ["ASHA"]


class Rung:
    """The trials of one number of epochs: those that wait, the best first, and the scores of those that went up."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.told = 0
        self.waiting: list[tuple[float, int, Trial]] = []  # a heap of (−score, place in the order of tells, trial)
        self.promoted: list[float] = []  # −scores, rising

    def add(self, trial: Trial) -> None:
        """Let a trial enter."""
        heappush(self.waiting, (-trial.score, self.told, trial))
        self.told += 1

    def promote(self, eta: int) -> Trial | None:
        """Return the best trial that waits, if it is among the best 1/eta of all; it waits no more."""
        if not self.waiting:
            return None
        better = bisect_right(self.promoted, self.waiting[0][0])  # as all that are better were promoted
        if better >= self.told // eta:
            return None
        score, _, trial = heappop(self.waiting)
        insort(self.promoted, score)
        return trial


class ASHA(MultiFidelity):
    """Promote whoever is among the best of its rung so far; else start a new architecture.

    Args:
        space: where to sample.
        rng: the only source of randomness.
        min_epochs: r, the shortest training, at least 1; ours.
        max_epochs: R, the longest, at least r; ours. The evaluator must have ``at(epochs)`` for every rung's epochs.
        eta: η, one of which is promoted, at least 2; Hyperband's.
        sampler: what makes the strategy that proposes new architectures from a space and an rng, such as
            ``nas.strategies.OptunaStrategy``; None draws them from the space.

    Attributes:
        rungs: the lowest first.

    State:
        ask: ``epochs``, ``promoted`` (the number of the trial that is promoted, None for a new architecture), ``rungs``
            ([epochs, how many trials were told, how many of them promoted] of each).
        tell: ``entered``, the trial's number, and ``epochs``, of its rung. Nothing for a trial that enters no rung.

    Raises:
        ValueError: an argument is out of its range.
        TypeError: a number of epochs or eta is no whole number, or the sampler can make nothing.
    """

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        min_epochs: int = 1,
        max_epochs: int = 10,
        eta: int = 3,
        sampler: MakeSampler | None = None,
    ) -> None:
        super().__init__(space, rng, min_epochs, max_epochs, eta, sampler)
        self.rungs = [Rung(epochs) for epochs in self.epochs]

    def ask(self) -> Proposal:
        """Propose a promoted architecture, from as high a rung as there is one, or a new one."""
        for rung, above in reversed(list(pairwise(self.rungs))):
            trial = rung.promote(self.eta)
            if trial is not None:
                return self._propose(Proposal(trial.architecture, above.epochs), trial.number)
        return self._propose(Proposal(self.samplers.ask(), self.rungs[0].epochs), None)

    def _propose(self, proposal: Proposal, promoted: int | None) -> Proposal:
        rungs = [[rung.epochs, rung.told, len(rung.promoted)] for rung in self.rungs]
        self.state = {"epochs": proposal.epochs, "promoted": promoted, "rungs": rungs}
        return proposal

    def tell(self, trial: Trial) -> None:
        """Put the trial into the rung of its epochs."""
        self.samplers.tell(trial)
        rung = next((rung for rung in self.rungs if rung.epochs == trial.epochs), None)
        self.state = {}
        if rung is not None and trial.failure is None:
            rung.add(trial)
            self.state = {"entered": trial.number, "epochs": rung.epochs}
