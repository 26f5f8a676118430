"""BOHB: Hyperband says for how long, a model of the good architectures says which.

Falkner, Klein & Hutter, "BOHB: Robust and Efficient Hyperparameter Optimization at Scale", ICML 2018,
arXiv:1807.01774, Algorithm 2.

Hyperband (``hyperband.py``) begins every bracket with random architectures and forgets them when it ends.
BOHB learns from them all: a model l of the good ones and a model g of the others, as TPE has
(``optuna_strategy.py``), propose what is likely under l and unlikely under g. A third stays random, in case the
models are wrong.

    Hyperband, where a new architecture is
        with probability ρ = 1/3, or as long as no number of epochs has d + 3 trials: random
        else: TPE's, told the trials of the most epochs of which there are d + 3 (d decisions)

It is no more than that: ``Hyperband(space, rng, sampler=OptunaStrategy)``; ``fidelities.py`` has the rule.

Symbols: those of Hyperband; ρ and d + 3 are the paper's.

What differs from BOHB, besides what differs from Hyperband:
    * Optuna's TPE takes the place of BOHB's: kernels and bandwidths differ, the best 10 % are the good ones (15 %
      there), the best of 24 draws is taken (of 64 there), and asks without an answer count as bad, so that they are
      not repeated.
    * Decisions that not every architecture has are modelled one by one, not jointly with the others.
    * Optuna draws at random until it was told 10 trials, which is more than d + 3 where d < 7.
"""

import numpy as np

from nasedu.core import SearchSpace
from nasedu.strategies.hyperband import Hyperband
from nasedu.strategies.optuna_strategy import OptunaStrategy

__all__ = ["BOHB"]


class BOHB(Hyperband):
    """Hyperband whose new architectures come from Optuna's TPE.

    Args:
        space: where to search.
        rng: the only source of randomness.
        min_epochs: r, the shortest training, at least 1; ours.
        max_epochs: R, the longest, at least r; ours. The evaluator must have ``at(epochs)`` for every rung's epochs.
        eta: η, one of which is promoted, at least 2; Hyperband's.

    Attributes and State: those of :class:`nasedu.strategies.SuccessiveHalving`.

    Raises:
        ValueError: an argument is out of its range.
        TypeError: a number of epochs or eta is no whole number.
        ImportError: Optuna is not installed.
    """

    def __init__(
        self, space: SearchSpace, rng: np.random.Generator, *, min_epochs: int = 1, max_epochs: int = 10, eta: int = 3
    ) -> None:
        super().__init__(space, rng, min_epochs=min_epochs, max_epochs=max_epochs, eta=eta, sampler=OptunaStrategy)
