"""The loop of a weight-sharing search: batches in, one event per step out.

    for each step n:
        draw a training and a validation batch
        strategy.step(training batch, validation batch)
        log what the strategy would derive now, and its state

It is to weight sharing what ``nasedu.loop.Search`` is to black-box search, and is stepped, run,
interrupted and resumed in the same way. Resuming takes the last checkpoint, drops the steps that were
logged after it, and computes them again; the history is the one of a search that was never stopped.
For that the batches of step n depend on the seed and n alone: they are drawn afresh for each
step, without replacement within a batch. (The papers shuffle once per epoch.)
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from nasedu import training
from nasedu.core import Architecture, SearchSpace
from nasedu.data import Dataset
from nasedu.history import History, plain
from nasedu.loop import Log, check_fresh, header_start, note_searched
from nasedu.oneshot import checkpoint
from nasedu.oneshot.supernet import Supernet
from nasedu.training import devices

__all__ = ["OneShotSearch", "OneShotStrategy", "search"]

Batch = tuple[Tensor, Tensor]
CHECKPOINT_SHARE = 0.05  # at most this share of the time goes into checkpoints,
CHECKPOINT_SECONDS = 1.0  # and they are at least this far apart


class OneShotStrategy(Protocol):
    """What a weight-sharing strategy has; :class:`nasedu.oneshot.DARTS` is the model.

    ``settings`` are JSON values. ``state``, with the two losses and accuracies at least, is that of the last step.
    """

    space: SearchSpace
    rng: np.random.Generator
    settings: dict[str, Any]
    state: dict[str, Any]
    supernet: Supernet

    def start(self, input_shape: Sequence[int], classes: int, steps: int, device: torch.device) -> None:
        """Make the supernet and its optimizers; called once."""

    def step(self, train_batch: Batch, validation_batch: Batch) -> None:
        """Take one step, and set ``state``."""

    def derive(self) -> Architecture:
        """Return the architecture that the search has come to."""

    def tensors(self) -> dict[str, Tensor]:
        """Return all that the next step depends on, by name."""

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go back to what ``tensors`` returned."""


class OneShotSearch:
    """A weight-sharing search that can be stepped, run, interrupted and resumed. Made by :func:`search`.

    Attributes:
        strategy: whose ``state`` and ``derive()`` are those of the last step.
        steps: how many there will be in all.
    """

    def __init__(
        self,
        strategy: OneShotStrategy,
        data: Dataset,
        steps: int,
        batch_size: int,
        seed: int,
        device: str,
        threads: int,
        path: str | Path | None,
    ) -> None:
        if data.classes is None:
            raise ValueError(
                f"a search with shared weights needs classes; {data.name} has real-valued targets. Search it with a "
                "black-box strategy and nasedu.evaluators.Train."
            )
        smallest = min(len(data.train.labels), len(data.validation.labels))
        if steps < 1:
            raise ValueError(f"steps must be at least 1; got {steps}.")
        if not 2 <= batch_size <= smallest:
            raise ValueError(f"batch_size must lie in 2..{smallest}, the size of the smaller split; got {batch_size}.")
        if seed < 0:
            raise ValueError(f"seed must not be negative; got {seed}.")
        check_fresh(strategy)
        self.strategy, self.steps = strategy, steps
        self._data, self._batch_size, self._seed, self._threads = data, batch_size, seed, threads
        self._device = training.device(device)
        header = {
            **header_start(strategy.space),
            "strategy": {
                "name": type(strategy).__name__,
                "settings": plain(strategy.settings),
                "rng": plain(strategy.rng.bit_generator.state),
            },
            "evaluator": {
                "name": "shared weights",
                "settings": {
                    "dataset": {"name": data.name, "checksum": data.checksum},
                    "steps": steps,
                    "batch_size": batch_size,
                    "seed": seed,
                    "device": str(self._device),
                    "threads": threads,
                },
            },
        }
        note_searched(strategy)  # it draws its weights now
        strategy.start(data.input_shape, data.classes, steps, self._device)
        header["supernet"] = strategy.supernet.to_json()
        self._log = Log(header, strategy.space, path)
        self._checkpoint = None if path is None else Path(path).with_suffix(".npz")
        self._search = {name: header[name] for name in ("space", "strategy", "evaluator")}
        self._saved = -1  # the number of steps in the checkpoint
        self._next_save = math.inf  # by time.perf_counter()
        if self._checkpoint is not None:
            self._resume(self._checkpoint)

    @property
    def history(self) -> History:
        """The log so far."""
        return self._log.history

    @property
    def _number(self) -> int:
        return len(self.history.events)

    @property
    def done(self) -> bool:
        """Whether all steps are in the history."""
        return self._number >= self.steps

    def __iter__(self) -> Iterator[Architecture]:
        return self

    def __next__(self) -> Architecture:
        return self.step()

    def step(self) -> Architecture:
        """Take one step, and return what the strategy would derive after it.

        Whatever stops a step, the search is as it was before, and can be stepped again.

        Raises:
            StopIteration: all steps are done.
            nasedu.training.TrainingFailure: a loss is not finite.
        """
        if self.done:
            raise StopIteration(f"all {self.steps} steps are done; start a new search to take more.")
        before = {name: tensor.clone() for name, tensor in self.strategy.tensors().items()}
        try:
            with devices.threads(self._threads):
                self.strategy.step(*self._batches(self._number))
            self._check_losses()
            derived = self.strategy.derive()
        except BaseException:
            self.strategy.load(before)
            raise
        event = {"event": "step", "number": self._number, "choices": list(derived.choices)}
        self._log.append(event, self.strategy.state)
        if self.done or time.perf_counter() >= self._next_save:
            self._save()
        if self.done:
            self._log.close()
        return derived

    def run(self, progress: bool = True) -> History:
        """Take all steps that are left and return the history. Interrupting keeps what is done."""
        from tqdm.auto import tqdm

        try:
            with tqdm(total=self.steps, initial=self._number, disable=not progress, unit="step") as bar:
                for _ in self:
                    state = self.strategy.state
                    bar.update()
                    bar.set_postfix_str(
                        f"loss {state['train_loss']:.3f}, accuracy {state['train_accuracy']:.2f}", refresh=False
                    )
        finally:
            self._save()
            self._log.close()
        return self.history

    def _batches(self, number: int) -> tuple[Batch, Batch]:
        """Return the training and the validation batch of a step; they depend on the seed and the step alone."""
        rng = np.random.default_rng([self._seed, number])
        batches = []
        for split in ("train", "validation"):
            inputs, labels = devices.on_device(self._data, split, self._device)
            chosen = torch.from_numpy(rng.choice(len(labels), self._batch_size, replace=False)).to(self._device)
            batches.append((inputs[chosen], labels[chosen]))
        return batches[0], batches[1]

    def _check_losses(self) -> None:
        for name in ("train_loss", "validation_loss"):
            if not math.isfinite(self.strategy.state[name]):
                raise training.TrainingFailure(
                    f"the {name.replace('_', ' ')} became {self.strategy.state[name]} in step {self._number} of "
                    f"{self.steps}. Lower the strategy's learning rates. The {self._number} steps before it are kept."
                )

    def _resume(self, path: Path) -> None:
        """Take up an existing history, or begin: a checkpoint is there before the first event is."""
        logged = self._number
        if logged:
            number, tensors = checkpoint.read(path, self._search)
            if number > logged:
                raise ValueError(
                    f"cannot resume: {path} was written after step {number}, but the history beside it has only "
                    f"{logged} steps. Choose another file for a new search."
                )
            self.strategy.load(tensors)
            self._log.keep(number)
        self._save()

    def _save(self) -> None:
        if self._checkpoint is None or self._saved == self._number:
            return
        started = time.perf_counter()
        checkpoint.write(self._checkpoint, self._search, self._number, self.strategy.tensors())
        ended = time.perf_counter()
        self._saved = self._number
        self._next_save = ended + max(CHECKPOINT_SECONDS, (ended - started) / CHECKPOINT_SHARE)


def search(
    strategy: OneShotStrategy,
    data: Dataset,
    steps: int = 500,
    *,
    history: str | Path | None = None,
    batch_size: int = 64,
    seed: int = 0,
    device: str = "auto",
    threads: int = 1,
) -> OneShotSearch:
    """Prepare a weight-sharing search: iterate over it, ``step()`` it or ``run()`` it.

    Args:
        strategy: such as :class:`nasedu.oneshot.DARTS`; fresh, also when resuming.
        data: weights are trained on its train split, the architecture on its validation split.
        steps: the total, those of a resumed history included; at least 1. The schedule depends on it, so a resumed
            search has the same.
        history: a ``*.nas.jsonl`` file to append to; the weights are kept in an ``*.nas.npz`` file beside it. If it
            exists, the search goes on where it stopped.
        batch_size: of each of the two batches of a step, at least 2.
        seed: of the batches, not negative.
        device: see :func:`nasedu.training.device`.
        threads: of the CPU; see :mod:`nasedu.training.devices`. Other numbers of threads may round differently, so a
            resumed search has the same.

    Raises:
        ValueError: a setting is out of range, the strategy has already searched, the space has no supernet, or the file
            belongs to another search.
        FileNotFoundError: there is a history to resume, and no weights beside it.

    Example:
        >>> import nasedu as nas
        >>> space, data = nas.spaces.NASBench201(), nas.data.load("digits")
        >>> strategy = nas.oneshot.DARTS(space, np.random.default_rng(0), channels=2)
        >>> history = search(strategy, data, steps=3, batch_size=16, device="cpu").run(progress=False)
        >>> len(history.events), history.derived.space.name
        (3, 'nasbench201')
    """
    return OneShotSearch(strategy, data, steps, batch_size, seed, device, threads, history)
