"""Hyperband: successive halving for those who do not know how early is too early.

Li, Jamieson, DeSalvo, Rostamizadeh & Talwalkar, "Hyperband: A Novel Bandit-Based Approach to
Hyperparameter Optimization", JMLR 18 (2018), arXiv:1603.06560, Algorithm 1.

Successive halving has to choose between many architectures trained briefly, which is wrong where good
ones start slowly, and few trained long, which is dear where they do not. Hyperband tries it all: its bracket
s starts with η^s times shorter trainings, for s = s_max (very early) down to 0 (random search), and all brackets
cost about as much. So it pays at most about s_max + 1 times what the best of them, or random search, would have.

    for s = s_max, …, 1, 0, and again:
        a bracket of successive halving with n = ⌈(s_max + 1) / (s + 1) · η^s⌉ architectures, whose
        rungs i = 0 … s train n_i = ⌊n η^−i⌋ of them for r_i = R η^(i − s) epochs

For R = 81 and η = 3, (n_i, r_i) of each bracket:

    s = 4   (81, 1) (27, 3) (9, 9) (3, 27) (1, 81)
    s = 3           (34, 3) (11, 9) (3, 27) (1, 81)
    s = 2                   (15, 9) (5, 27) (1, 81)
    s = 1                           (8, 27) (2, 81)
    s = 0                                   (5, 81)

Symbols (the paper's η; R depends on the training and is ours):
    r, R  min_epochs, max_epochs   the shortest and the longest training    1, 10
    η     eta                      one of η is promoted                     3
    s_max                          the largest for which r η^s_max ≤ R      2

What differs from the paper:
    * Its Table 1, the same example, starts the brackets s = 3, 2, 1 with 27, 9 and 6; its Algorithm 1 gives 34, 15
      and 8, and is followed here.
    * Its shortest training is 1 unit (s_max = ⌊log_η R⌋); min_epochs makes it longer, as in BOHB.
    * When all brackets are done it begins again, as BOHB does.
    * Late trials, failed ones, whole epochs, training anew: as ``successive_halving.py`` says.
"""

import numpy as np

from nasedu.core import SearchSpace
from nasedu.strategies.fidelities import MakeSampler
from nasedu.strategies.successive_halving import SuccessiveHalving

__all__ = ["Hyperband"]


class Hyperband(SuccessiveHalving):
    """Brackets of successive halving, from the one that stops earliest to random search, and again.

    Args:
        space: where to sample.
        rng: the only source of randomness.
        min_epochs: r, the shortest training, at least 1; ours.
        max_epochs: R, the longest, at least r; ours. The evaluator must have ``at(epochs)`` for every rung's epochs.
        eta: η, one of which is promoted, at least 2; Hyperband's.
        sampler: as for :class:`SuccessiveHalving`.

    Attributes and State: those of :class:`SuccessiveHalving`.

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
        super().__init__(space, rng, min_epochs=min_epochs, max_epochs=max_epochs, eta=eta, sampler=sampler)

    def plan(self, number: int) -> list[tuple[int, int]]:
        """Return (n_i, r_i) of the rungs of the bracket of this number: s_max is the first."""
        brackets = len(self.epochs)  # s_max + 1
        s = brackets - 1 - number % brackets
        n = -(-brackets * self.eta**s // (s + 1))  # rounded up, exactly
        return [(n // self.eta**i, r) for i, r in enumerate(self.epochs[brackets - 1 - s :])]
