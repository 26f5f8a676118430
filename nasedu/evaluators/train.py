"""Full training: the evaluator that everything else approximates.

Every architecture is trained from fresh weights for the same number of epochs, and its score is the
validation accuracy after the last one, or R² where the targets are real numbers. Weights and batch order come from

    SeedSequence([seed, *choices]),

so an architecture has the same trial whoever asks for it and whatever else is in the batch, and
two seeds are two independent trainings. The best epoch is not picked: that would reward noise.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nasedu.core import HOW_TO_PARSE, Architecture, Metric, Trial, check_architectures, shown

if TYPE_CHECKING:
    from torch import nn

    from nasedu.data import Dataset
    from nasedu.training import Fit, TrainingFailure

__all__ = ["Train"]

FIT_SETTINGS = ("epochs", "batch_size", "learning_rate", "weight_decay", "schedule", "optimizer", "label_smoothing")
MEASURES = ("f1", "latency", "memory")
OWN = ("architecture", "input_shape", "classes", "rng", "channels", "cells")  # what Train tells nasedu.networks.build


@dataclass(frozen=True, eq=False)
class Train:
    """Train architectures one after another: a list of architectures to a list of trials.

    A trial has the score after the last epoch, the curve, the parameters, the FLOPs (a multiply-add counts
    as two) and the last epoch's training loss; its cost is the seconds it took. The score is the accuracy; of a
    regression it is R² (at most 1, and negative for a network that does worse than the mean), there is no accuracy,
    and the mean absolute error is among the metrics. An architecture that cannot be trained gives a failed
    trial that says why, with the curve as far as it came. What the test split says is in no trial: ask :meth:`test`.

    Args:
        data: what is learned; see :func:`nasedu.data.load`.
        epochs: passes over the training data, at least 1.
        seed: which training, of all the possible ones; not negative.
        channels: of the first cells, at least 1.
        cells: in each stage, at least 1.
        network: further arguments of :func:`nasedu.networks.build`, such as ``{"skeleton": "published"}``.
        batch_size, learning_rate, weight_decay, schedule, optimizer, label_smoothing:
            see :func:`nasedu.training.fit`.
        augmentation: changes of the training samples, such as ``("crop", "flip")``; see
            :mod:`nasedu.training.augmentation`.
        time_limit: seconds after which a training is stopped and its trial has failed; None for no limit. How far
            a training comes in that time is the machine's affair, so such a trial may not repeat.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``; see :func:`nasedu.training.device`.
        measure: further metrics of a trial, which take time of their own: ``"f1"``, macro-averaged, of the validation
            split; ``"memory"``, the bytes of one sample's forward pass; ``"latency"``, its median seconds on this
            machine with one thread, a measurement and no two times the same. See :mod:`nasedu.training.measure`.
        progress: show a bar over the architectures of a call.

    Raises:
        ValueError: a setting is out of range, or there is no such device.

    Example:
        >>> import nasedu as nas
        >>> evaluator = Train(nas.data.load("mnist1d"), epochs=1, channels=4)
        >>> cell = nas.spaces.NASBench201().architecture((1, 1, 0, 3, 0, 2))
        >>> trial = evaluator([cell])[0]
        >>> trial.epochs, len(trial.curve), trial.accuracy == trial.curve[-1]
        (1, 1, True)
    """

    data: Dataset
    _: KW_ONLY
    epochs: int = 10
    seed: int = 0
    channels: int = 8
    cells: int = 1
    network: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int = 128
    learning_rate: float = 0.01
    weight_decay: float = 5e-4
    schedule: str = "one-cycle"
    optimizer: str = "adamw"
    label_smoothing: float = 0.0
    augmentation: Sequence[str] = ()
    time_limit: float | None = None
    device: str = "auto"
    measure: Sequence[str] = ()
    progress: bool = False

    def __post_init__(self) -> None:
        from nasedu import training
        from nasedu.data import Dataset
        from nasedu.networks.builder import check_sizes

        if not isinstance(self.data, Dataset):
            raise TypeError(f"data must be a dataset, such as nas.data.load('mnist1d'); got {self.data!r}.")
        self._check_seed()
        check_sizes(channels=self.channels, cells=self.cells)
        self._check_network()
        training.check_settings(self.data, **self._fit_settings, augmentation=self.augmentation)
        training.check_time_limit(self.time_limit)
        self._check_measure()
        object.__setattr__(self, "augmentation", tuple(self.augmentation))
        object.__setattr__(self, "device", str(training.device(self.device)))

    def _check_seed(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int | np.integer):
            raise ValueError(f"seed must be a whole number; got {shown(self.seed)}.")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative; got {self.seed}.")

    def _check_network(self) -> None:
        for name in OWN:
            if name in self.network:
                way = f"Write Train(data, {name}=…)" if hasattr(self, name) else "Leave it out"
                raise ValueError(
                    f"network must not have {name!r}, which Train sets itself; got {shown(self.network)}. {way}."
                )

    def _check_measure(self) -> None:
        if isinstance(self.measure, str) or not set(self.measure) <= set(MEASURES):
            raise ValueError(f"measure must be names out of {', '.join(MEASURES)}; got {self.measure!r}.")
        if "f1" in self.measure and self.data.classes is None:
            raise ValueError(f"f1 needs classes; {self.data.name} has real-valued targets. Leave it out of measure.")
        object.__setattr__(self, "measure", tuple(self.measure))

    @property
    def _fit_settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in FIT_SETTINGS}

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the trials, as JSON values; the device too, since a GPU rounds differently."""
        skeleton = {"channels": self.channels, "cells": self.cells, "network": dict(self.network)}
        data = {"name": self.data.name, "checksum": self.data.checksum}
        further = {"augmentation": list(self.augmentation), "time_limit": self.time_limit, "device": self.device}
        measured = {"measure": list(self.measure)} if self.measure else {}
        return {"dataset": data, "seed": self.seed, **skeleton, **self._fit_settings, **further, **measured}

    def at(self, epochs: int) -> Self:
        """Return the same evaluator with another number of epochs: from the start, with a schedule of that length.

        Raises:
            ValueError: epochs is not a whole number above 0.
        """
        if epochs != int(epochs):
            raise ValueError(f"epochs must be a whole number; got {epochs}.")
        return replace(self, epochs=int(epochs))

    def __call__(self, architectures: list[Architecture]) -> list[Trial]:
        """Train every architecture, in order."""
        from tqdm.auto import tqdm

        check_architectures(architectures)
        return [self._train(each) for each in tqdm(architectures, "evaluating", disable=not self.progress)]

    def test(self, architecture: Architecture) -> float:
        """Return the test score of the network behind the architecture's trial, which is trained again.

        It is the accuracy, in [0, 1], or R². For what a search has chosen: who chooses by it has none left to report.

        Raises:
            nasedu.training.TrainingFailure: it cannot be trained.
        """
        from nasedu import training
        from nasedu.training import devices

        network, _ = self.fit(architecture)
        with devices.threads(1):
            return training.score(network, self.data, "test", self.device)

    def fit(self, architecture: Architecture) -> tuple[nn.Module, Fit]:
        """Return the trained network of an architecture, and how its training went.

        Raises:
            nasedu.training.TrainingFailure: it cannot be trained.
        """
        network, order = self._fresh(architecture)
        return network, self._fit(network, order)

    def _fresh(self, architecture: Architecture) -> tuple[nn.Module, np.random.Generator]:
        from nasedu import networks

        if not isinstance(architecture, Architecture):
            raise TypeError(f"what is trained is one architecture; got {shown(architecture)}. {HOW_TO_PARSE}")
        weights, order = np.random.SeedSequence([self.seed, *architecture.choices]).spawn(2)
        shape, outputs, rng = self.data.input_shape, self.data.outputs, np.random.default_rng(weights)
        network = networks.build(
            architecture, shape, outputs, rng=rng, channels=self.channels, cells=self.cells, **self.network
        )
        return network, np.random.default_rng(order)

    def _fit(self, network: nn.Module, order: np.random.Generator) -> Fit:
        from nasedu import training

        with training.time_limit(network, self.time_limit):
            return training.fit(
                network, self.data, rng=order, augmentation=self.augmentation, device=self.device, **self._fit_settings
            )

    def _train(self, architecture: Architecture) -> Trial:
        from nasedu import training

        started = time.perf_counter()
        network, order = self._fresh(architecture)
        try:
            outcome: Fit | TrainingFailure = self._fit(network, order)
        except training.TrainingFailure as failure:
            outcome = failure.noted()
        return self._trial(architecture, network, outcome, time.perf_counter() - started)

    def _trial(
        self, architecture: Architecture, network: nn.Module, outcome: Fit | TrainingFailure, seconds: float
    ) -> Trial:
        from nasedu import training
        from nasedu.training import devices

        with devices.threads(1):
            flops = training.flops(network, self.data.input_shape)
        metrics: dict[str, Metric | float] = {"parameters": training.parameters(network), "flops": flops}
        curve = outcome.curve
        if isinstance(outcome, training.TrainingFailure):
            epochs, failure = len(curve), str(outcome)
            return Trial(architecture, metrics=metrics, curve=curve, epochs=epochs, cost=seconds, failure=failure)
        if self.data.classes is None:
            with devices.threads(1):
                error = training.mean_absolute_error(network, self.data, "validation", self.device)
            loss = Metric(outcome.losses[-1], "target variances", "lower")
            metrics |= {"train_loss": loss, "mean_absolute_error": error}
        else:
            metrics["train_loss"] = outcome.losses[-1]
        metrics |= self._measured(network)
        return Trial(
            architecture,
            accuracy=None if self.data.classes is None else curve[-1],
            score=curve[-1],
            metrics=metrics,
            curve=curve,
            epochs=self.epochs,
            cost=seconds,
        )

    def _measured(self, network: nn.Module) -> dict[str, float]:
        """Return the metrics that are only there when they were asked for."""
        from nasedu import training
        from nasedu.training import devices

        found: dict[str, float] = {}
        with devices.threads(1):
            if "f1" in self.measure:
                found["f1"] = training.f1(network, self.data, "validation", self.device)
            if "memory" in self.measure:
                found["memory"] = training.memory(network, self.data.input_shape)
            if "latency" in self.measure:
                found["latency"] = training.latency(network, self.data.input_shape).median
        return found
