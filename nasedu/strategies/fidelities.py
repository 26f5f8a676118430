"""What the strategies of several fidelities share: which numbers of epochs there are, and who proposes.

Rungs: from min_epochs r to max_epochs R in steps of η. With K the largest for which r η^K is at most R,

    r_k = R η^(k − K), rounded to whole epochs,    k = 0 … K

so the last rung is R exactly and none is below r: 1, 3, 10 for r = 1, R = 10, η = 3, and 12, 200 for
r = 12, R = 200, η = 16, where only these two are known.

Samplers: Falkner, Klein & Hutter, "BOHB: Robust and Efficient Hyperparameter Optimization at Scale",
ICML 2018, arXiv:1807.01774, Section 3.2 and Algorithm 2. Scores after one epoch and after ten are not to
be compared, so there is a sampler for each number of epochs, which is told the trials of this number alone.

    ask:   with probability ρ: a random architecture; else
           of the samplers that were told at least d + 3 trials, the one of the most epochs proposes;
           if there is none: a random architecture
    tell:  the sampler of the trial's epochs is told; a failed trial, all of them

The most epochs, because in the end these count; a lower number, as long as there are too few trials of it.

Symbols (BOHB's values):
    ρ  RANDOM_SHARE   of random architectures, whatever the samplers learn   1/3
    d                 decisions of the space; BOHB fits its model to d + 3
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from nasedu.core import Architecture, Proposal, SearchSpace, Strategy, Trial
from nasedu.strategies.arguments import check_space_and_rng

__all__ = ["MakeSampler", "MultiFidelity", "Samplers", "rung_epochs"]

RANDOM_SHARE = 1 / 3
MakeSampler = Callable[[SearchSpace, np.random.Generator], Strategy]


def rung_epochs(min_epochs: int, max_epochs: int, eta: int) -> list[int]:
    """Return the epochs of each rung, rising; the last are ``max_epochs``.

    Raises:
        ValueError: eta is below 2, or not 1 ≤ min_epochs ≤ max_epochs.
        TypeError: one of them is no whole number.

    Example:
        >>> rung_epochs(1, 81, 3), rung_epochs(1, 10, 3)
        ([1, 3, 9, 27, 81], [1, 3, 10])
    """
    if not all(isinstance(number, int) for number in (min_epochs, max_epochs, eta)):
        raise TypeError(
            f"min_epochs, max_epochs and eta must be whole numbers; got {min_epochs!r}, {max_epochs!r} and {eta!r}."
        )
    if eta < 2:
        raise ValueError(f"eta must be at least 2: one of eta is promoted; got {eta}.")
    if not 1 <= min_epochs <= max_epochs:
        raise ValueError(f"min_epochs must lie in 1..max_epochs={max_epochs}; got {min_epochs}.")
    last = 0
    while min_epochs * eta ** (last + 1) <= max_epochs:
        last += 1
    return [round(max_epochs / eta ** (last - k)) for k in range(last + 1)]


class Samplers:
    """Where new architectures come from: the space, or one sampler for each number of epochs.

    Args:
        space: of the architectures.
        rng: the only source of randomness; the samplers draw from it too.
        make: makes a sampler: a class of ``nas.strategies``, or any function from a space and an rng to a strategy
            that proposes architectures. None draws every one at random.

    Attributes:
        by_epochs: the samplers, made when the first trial of these epochs is told.

    Raises:
        TypeError: ``make`` can make nothing.
    """

    def __init__(self, space: SearchSpace, rng: np.random.Generator, make: MakeSampler | None) -> None:
        if make is not None and not callable(make):
            raise TypeError(
                "a sampler must be what makes a strategy from a space and an rng, such as "
                f"nas.strategies.OptunaStrategy, or None; got {make!r}."
            )
        self.space, self.rng, self.make = space, rng, make
        self.by_epochs: dict[float, Strategy] = {}
        self.told: dict[float, int] = {}  # how many trials that did not fail

    def ask(self) -> Architecture:
        """Return a new architecture.

        Raises:
            TypeError: the sampler proposes epochs too.
        """
        if self.make is None or self.rng.random() < RANDOM_SHARE:
            return self.space.sample(self.rng)
        ready = [epochs for epochs, count in self.told.items() if count >= len(self.space.decisions) + 3]
        if not ready:
            return self.space.sample(self.rng)
        proposed = self.by_epochs[max(ready)].ask()
        if isinstance(proposed, Proposal):
            raise TypeError(f"a sampler must propose an architecture, without epochs; got {proposed!r}.")
        return proposed

    def tell(self, trial: Trial) -> None:
        """Tell the trial to the sampler of its epochs."""
        if self.make is None:
            return
        if trial.failure is not None:
            for sampler in self.by_epochs.values():
                sampler.tell(trial)
        elif trial.epochs is not None:
            if trial.epochs not in self.by_epochs:
                self.by_epochs[trial.epochs] = self.make(self.space, self.rng)
            self.by_epochs[trial.epochs].tell(trial)
            self.told[trial.epochs] = self.told.get(trial.epochs, 0) + 1


class MultiFidelity:
    """What a strategy of several fidelities is made with; who is trained for longer is the subclass's.

    Attributes:
        epochs: of each rung, rising.
        samplers: where new architectures come from.
    """

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        min_epochs: int,
        max_epochs: int,
        eta: int,
        sampler: MakeSampler | None,
    ) -> None:
        check_space_and_rng(space, rng)
        self.epochs = rung_epochs(min_epochs, max_epochs, eta)
        self.space = space
        self.rng = rng
        self.min_epochs, self.max_epochs, self.eta, self.sampler = min_epochs, max_epochs, eta, sampler
        self.samplers = Samplers(space, rng, sampler)
        self.state: dict[str, Any] = {}
