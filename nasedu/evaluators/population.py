"""Full training of whole generations: the trainings of ``Train``, many side by side.

A strategy that proposes a generation at a time, or a search with ``batch=10``, waits for the trials of
all its architectures anyway. Trained together they need a fraction of the time (see docs/performance.md).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nasedu.core import Architecture, Trial, check_architectures, check_whole
from nasedu.evaluators.train import Train

if TYPE_CHECKING:
    from torch import nn

    from nasedu.training import Fit, TrainingFailure

__all__ = ["Population"]

MOST_THREADS = 1024  # an operating system that has none left ends the process


@dataclass(frozen=True, eq=False)
class Population(Train):
    """Train architectures of NAS-Bench-201 side by side: a list of architectures to a list of trials.

    Initial weights and batches are those of ``Train`` with the same seed, and so are losses and gradients, up to
    rounding, which grows over the steps. On a CPU, where one thread computes, a trial is the same, bit by bit,
    whatever else is in its batch. On a GPU sums may be added in another order each time, so the last bits may
    differ. A trial's cost is its share of the time.

    Args:
        largest: how many to train at once, at least 1; None for what is quickest and fits in half of the free memory.
        threads: of the CPU, 1..1024. With two, a training took two thirds of the time on two idle cores, and far
            longer where another program held one of them.
        progress: show a bar over the epochs of those that are trained at once.
        data, epochs, seed, channels, cells, batch_size, learning_rate, weight_decay, schedule, optimizer,
            label_smoothing, device: see :class:`nasedu.evaluators.Train`. There is no augmentation, no time
            limit and no other skeleton than the micro one.

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
    threads: int = 1

    def __post_init__(self) -> None:
        from nasedu.networks.builder import check_sizes

        super().__post_init__()
        check_whole("threads", self.threads, 1, MOST_THREADS)
        if self.largest is not None:
            check_sizes(largest=self.largest)
        if self.data.classes is None:
            raise ValueError(f"a population learns to classify; {self.data.name} has real-valued targets. Use Train.")
        possible = {"augmentation": ((),), "time_limit": (None,), "network": ({}, {"skeleton": "micro"})}
        for name, values in possible.items():
            value = getattr(self, name)
            if value not in values:
                raise ValueError(f"a population is trained without {name}; got {value!r}. Use Train.")

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the trials, as JSON; ``largest`` on a GPU and ``threads`` may decide the last bits."""
        on_gpu = {} if self.device == "cpu" else {"largest": self.largest}
        more_threads = {} if self.threads == 1 else {"threads": self.threads}
        return {**super().settings, "population": True, **on_gpu, **more_threads}

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

    def fit(self, architecture: Architecture) -> tuple[nn.Module, Fit]:
        """Return the network behind an architecture's trial, and how its training went.

        Raises:
            nasedu.training.TrainingFailure: it cannot be trained.
        """
        from nasedu import training

        ((network, outcome),) = self.fit_all([architecture])
        if isinstance(outcome, training.TrainingFailure):
            raise outcome
        return network, outcome

    def fit_all(self, architectures: list[Architecture]) -> list[tuple[nn.Module, Fit | TrainingFailure]]:
        """Return the trained network of each architecture, and how its training went or why it failed.

        Where memory is too small after all, the architectures are trained in halves.
        """
        from nasedu import training

        results: list[tuple[nn.Module, Fit | TrainingFailure]] = []
        for group in self._groups(architectures):
            fresh = [self._fresh(each) for each in group]
            networks, rngs = [network for network, _ in fresh], [rng for _, rng in fresh]
            failure: TrainingFailure | None = None
            try:
                outcomes = training.fit_population(
                    networks,
                    self.data,
                    rngs=rngs,
                    device=self.device,
                    threads=self.threads,
                    progress=self.progress,
                    **self._fit_settings,
                )
            except training.TrainingFailure as error:
                failure = error.noted()  # and with this block, the memory of the failed population is free
            if failure is None:
                results += zip(networks, outcomes, strict=True)
            elif len(group) == 1:
                results.append((networks[0], failure))
            else:
                middle = len(group) // 2
                results += self.fit_all(group[:middle]) + self.fit_all(group[middle:])
        return results

    def _groups(self, architectures: list[Architecture]) -> Iterator[list[Architecture]]:
        from nasedu import training

        check_architectures(architectures)
        largest = self.largest or training.population_size(
            self.data, self.channels, self.cells, self.batch_size, self.device
        )
        for start in range(0, len(architectures), largest):
            yield architectures[start : start + largest]
