"""Successive halving: train many a little, the best third of them longer, and the best third of those longer still.

Jamieson & Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016,
arXiv:1502.07943; in the form and with the letters of Li et al., "Hyperband", JMLR 18 (2018), arXiv:1603.06560.

Most architectures look bad after an epoch already. To train them all to the end is to pay most for the worst.
A *bracket* starts with n architectures. In each of its *rungs* all that are left are trained equally long; the best go
to the next rung, where there are η times fewer and each is trained η times longer. So every rung costs about the same.

    rung i of a bracket has n_i = ⌊n η^−i⌋ places, each for r_i epochs; (n_i, r_i) by default: (9, 1) (3, 3) (1, 10)
    ask:   in the oldest bracket that has a place left: a new architecture (rung 0) or a promoted one
           if all wait for tells: open another bracket
    tell:  when the n_i trials of a rung are there, the best n_{i+1} of those that did not fail are promoted;
           after the last rung, or if all of one failed, the bracket is done

Symbols (values: Hyperband's η; the rest depends on the training and is ours):
    r, R  min_epochs, max_epochs   the shortest and the longest training    1, 10
    η     eta                      one of η is promoted                     3
    n     bracket_size             architectures that start a bracket       the fewest of which one reaches R

All rests on early ranks saying something about final ones. Epoch 1 of 10 in a table (``nas.tables.Table.at``) is not a
training of one epoch (``nas.evaluators.Train.at``), whose learning rate has fallen to its end by then.

What differs from the papers:
    * The first gives a total budget to n arms, halves (η = 2), and ends with one. Here n, η, r and R are
      given, as in Hyperband, and one bracket follows the other.
    * Trials may return late. A rung that waits for them holds nobody up: the next bracket begins.
    * A promoted architecture is trained anew, from its first epoch; the papers go on from where it stopped.
      A trial's cost says what was paid.
    * Epochs are whole numbers, and new architectures may come from another strategy, a *sampler* (``fidelities.py``).
    * A failed trial takes its place in the rung. A trial that was never asked for takes a free place of a first rung
      with its epochs, if there is one; else only the sampler learns from it.
"""

from collections import deque
from operator import attrgetter

import numpy as np

from nasedu.core import Architecture, Proposal, SearchSpace, Trial
from nasedu.strategies.fidelities import MakeSampler, MultiFidelity

__all__ = ["SuccessiveHalving"]


class Bracket:
    """One run of successive halving: the rung it is in, the places that are left there, the trials that were told."""

    def __init__(self, number: int, plan: list[tuple[int, int]]) -> None:
        self.number, self.plan, self.rung = number, plan, 0
        self.size, self.epochs = plan[0]  # of the rung; its size is smaller than planned where too many have failed
        self.places: deque[Trial | None] = deque([None] * self.size)  # not asked for yet; None is a new architecture
        self.told: list[Trial] = []

    def tell(self, trial: Trial) -> list[Trial]:
        """Collect a trial of the present rung. Return who is promoted by it: by the last one, the best."""
        self.told.append(trial)
        if len(self.told) < self.size or self.rung + 1 == len(self.plan):
            return []
        places, epochs = self.plan[self.rung + 1]
        able = [each for each in self.told if each.failure is None]
        best = sorted(able, key=attrgetter("score"), reverse=True)[:places]
        if best:
            self.rung, self.size, self.epochs = self.rung + 1, len(best), epochs
            self.told, self.places = [], deque(best)
        return best


class SuccessiveHalving(MultiFidelity):
    """One bracket after the other, each of which trains fewer and fewer architectures for longer and longer.

    Args:
        space: where to sample.
        rng: the only source of randomness.
        min_epochs: r, the shortest training, at least 1; ours.
        max_epochs: R, the longest, at least r; ours. The evaluator must have ``at(epochs)`` for every rung's epochs.
        eta: η, one of which is promoted, at least 2; Hyperband's.
        bracket_size: n, architectures that start one; None for the fewest of which one reaches R, and never fewer.
        sampler: what makes the strategy that proposes new architectures from a space and an rng, such as
            ``nas.strategies.OptunaStrategy``; None draws them from the space.

    Attributes:
        epochs: of each rung.
        brackets: those that are not done, the oldest first.

    State:
        ask: ``bracket`` (its number, from 0), ``rungs`` ([n_i, r_i] of each), ``told`` and ``size`` (how many trials
            the present rung has, and how many it waits for), ``epochs``, ``promoted`` (the number of the trial that is
            promoted, None for a new architecture).
        tell: ``bracket``, ``told``, ``size``, ``promotions`` (numbers of the trials that are promoted, the best first),
            ``to_epochs`` (where to, or None). Nothing for a trial without a place.

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
        bracket_size: int | None = None,
        sampler: MakeSampler | None = None,
    ) -> None:
        super().__init__(space, rng, min_epochs, max_epochs, eta, sampler)
        fewest = eta ** (len(self.epochs) - 1)
        if bracket_size is not None and bracket_size < fewest:
            least = f"{fewest}, or none is ever trained for {max_epochs} epochs"
            raise ValueError(f"bracket_size must be at least {least}; got {bracket_size}.")
        self.bracket_size = bracket_size or fewest
        self.brackets = [Bracket(0, self.plan(0))]
        self.opened = 1
        self.asked: dict[Architecture, list[Bracket]] = {}  # not told yet; a bracket waits in its present rung

    def plan(self, number: int) -> list[tuple[int, int]]:
        """Return (n_i, r_i) of the rungs of the bracket of this number."""
        return [(self.bracket_size // self.eta**i, r) for i, r in enumerate(self.epochs)]

    def ask(self) -> Proposal:
        """Propose a promoted architecture or a new one."""
        bracket = next((each for each in self.brackets if each.places), None)
        if bracket is None:
            bracket = Bracket(self.opened, self.plan(self.opened))
            self.brackets.append(bracket)
            self.opened += 1
        parent = bracket.places.popleft()
        architecture = self.samplers.ask() if parent is None else parent.architecture
        self.asked.setdefault(architecture, []).append(bracket)
        self.state = {
            "bracket": bracket.number,
            "epochs": bracket.epochs,
            "promoted": None if parent is None else parent.number,
            "rungs": [list(rung) for rung in bracket.plan],
            "told": len(bracket.told),
            "size": bracket.size,
        }
        return Proposal(architecture, bracket.epochs)

    def tell(self, trial: Trial) -> None:
        """Put the trial into its rung; the last one of a rung promotes the best."""
        self.samplers.tell(trial)
        self.state = {}
        bracket = self._bracket_of(trial)
        if bracket is None:
            return
        promoted = bracket.tell(trial)
        if len(bracket.told) == bracket.size:  # it was the last rung, or all of this one failed
            self.brackets.remove(bracket)
        self.state = {
            "bracket": bracket.number,
            "told": len(bracket.told),
            "size": bracket.size,
            "promotions": [each.number for each in promoted],
            "to_epochs": bracket.epochs if promoted else None,
        }

    def _bracket_of(self, trial: Trial) -> Bracket | None:
        """Return the bracket that asked for the trial, or one with a place for a new architecture, and take that."""
        asked = self.asked.get(trial.architecture, [])
        waiting = [bracket for bracket in asked if bracket.epochs == trial.epochs]
        if trial.failure is not None:
            waiting += asked  # it may have been trained for less than was asked
        if waiting:
            asked.remove(waiting[0])
            return waiting[0]
        for bracket in self.brackets:
            if bracket.places and bracket.places[0] is None and bracket.epochs == trial.epochs:
                bracket.places.popleft()
                return bracket
        return None
