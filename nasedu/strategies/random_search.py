"""Random search: ask for anything, learn nothing.

The baseline that every other strategy has to beat under the same budget: Li & Talwalkar,
"Random Search and Reproducibility for Neural Architecture Search", UAI 2019, arXiv:1902.07638.

With N independent draws the best of them lies in the top share q of the space with probability

    1 − (1 − q)^N,

so 100 draws find one of the best 3 % with probability 0.95, whatever the space looks like, if draws
are uniform (see ``SearchSpace.sample``).

    ask:   draw an architecture from the space
    tell:  nothing

What differs from the paper:
    * It also evaluates with shared weights; here every architecture is evaluated on its own.
    * Draws are with replacement, so an architecture may come twice.
"""

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial
from nasedu.strategies.arguments import check_space_and_rng

__all__ = ["RandomSearch"]


class RandomSearch:
    """Independent draws from the space.

    Args:
        space: where to sample.
        rng: the only source of randomness.
    """

    def __init__(self, space: SearchSpace, rng: np.random.Generator) -> None:
        check_space_and_rng(space, rng)
        self.space = space
        self.rng = rng

    def ask(self) -> Architecture:
        """Propose a random architecture."""
        return self.space.sample(self.rng)

    def tell(self, trial: Trial) -> None:
        """Learn nothing."""
