"""Full training of whole generations: the trainings of ``Train``, many side by side.

A strategy that proposes a generation at a time, or a search with ``batch=10``, waits for the trials of
all its candidates anyway. Trained together they need a fraction of the time (see docs/performance.md).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nasedu.core import Architecture, Trial
from nasedu.evaluators.train import Train

if TYPE_CHECKING:
    from torch import nn

    from nasedu.training import Fit, TrainingFailure

__all__ = ["Population"]


@dataclass(frozen=True, eq=False)
class Population(Train):
    """Train architectures of NAS-Bench-201 side by side: a list of architectures to a list of trials.

    Initial weights and batches are those of ``Train`` with the same seed, and so are losses and gradients, up to
    rounding. That grows over hundreds of steps, to the difference between two seeds at most. A trial does not
    depend on the others in its batch. Its cost is its share of the time.

    Args:
        largest: how many to train at once, at least 1; None for what is quickest and fits in half of the free memory.
        data, epochs, seed, channels, cells, batch_size, learning_rate, weight_decay, schedule, optimizer,
            label_smoothing, device, progress: see :class:`nasedu.evaluators.Train`. There is no augmentation, no time
            limit and no other network.

    Raises:
        ValueError: a setting is out of range or cannot be had here, or there is no such device.

    Example:
        >>> import nasedu as nas
        >>> evaluator = Population(nas.data.load("digits"), epochs=2)
        >>> cells = list(nas.spaces.NASBench201().neighbors(nas.spaces.NASBench201().architecture((1, 1, 0, 3, 0, 2))))
        >>> len(evaluator(cells[:3]))
        3
    """

    largest: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.largest is not None and self.largest < 1:
            raise ValueError(f"largest must be at least 1, or None for what fits; got {self.largest}.")
        if self.data.classes is None:
            raise ValueError(f"a population learns to classify; {self.data.name} has real-valued targets. Use Train.")
        for name, default in (("augmentation", ()), ("time_limit", None), ("network", {})):
            value = getattr(self, name)
            if value != default:
                raise ValueError(f"a population is trained without {name}; got {value!r}. Use Train.")

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the trials, as JSON values."""
        return {**super().settings, "population": True}

    def __call__(self, architectures: list[Architecture]) -> list[Trial]:
        """Train every architecture."""
        trials = []
        for group in self._groups(architectures):
            started = time.perf_counter()
            outcomes = self.fit_all(group)
            seconds = (time.perf_counter() - started) / len(group)
            trials += [
                self._trial(architecture, network, outcome, seconds)
                for architecture, (network, outcome) in zip(group, outcomes, strict=True)
            ]
        return trials

    def fit_all(self, architectures: list[Architecture]) -> list[tuple[nn.Module, Fit | TrainingFailure]]:
        """Return the trained network of each architecture, and how its training went or why it failed.

        Where memory is too small after all, the architectures are trained in halves.
        """
        from nasedu import training

        results: list[tuple[nn.Module, Fit | TrainingFailure]] = []
        for group in self._groups(architectures):
            fresh = [self._fresh(each) for each in group]
            networks, rngs = [network for network, _ in fresh], [rng for _, rng in fresh]
            try:
                outcomes = training.fit_population(
                    networks, self.data, rngs=rngs, device=self.device, progress=self.progress, **self._recipe
                )
            except training.TrainingFailure as failure:
                if len(group) > 1:
                    middle = len(group) // 2
                    results += self.fit_all(group[:middle]) + self.fit_all(group[middle:])
                    continue
                outcomes = [failure]
            results += zip(networks, outcomes, strict=True)
        return results

    def _groups(self, architectures: list[Architecture]) -> Iterator[list[Architecture]]:
        from nasedu import training

        largest = self.largest or training.population_size(
            self.data, self.channels, self.cells, self.batch_size, self.device
        )
        for start in range(0, len(architectures), largest):
            yield architectures[start : start + largest]
