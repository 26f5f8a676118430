"""Training: the weights of one network, fitted to the training split.

    for each epoch:
        shuffle the training samples
        for each batch of B samples:
            w ← w − step of the optimizer along ∇_w mean loss(network(augmented inputs; w), labels)
        validation score → the curve

The loss is the cross-entropy where there are classes, the squared error where there are real-valued targets; the
score is the accuracy or R² (see scores.py).

The same loop serves CPU and GPU. What makes it quick for small networks:
    * All data lie on the device from the start; a batch is an index away, and no worker copies anything.
    * The loss stays on the device and is read once an epoch, so a GPU never waits for Python.
    * The optimizer is fused: one kernel for all weights.
    * On a GPU, forward and backward run in bfloat16 where that is safe, with weights and sums in float32.

Symbols (values: those that the lessons' tables were made with):
    B   batch_size       128                  epochs           10
    η   learning_rate    0.01, the highest    λ  weight_decay  5e-4

Schedules: "one-cycle" rises to η over the first 30 % of the steps and falls to nearly 0 (Smith & Topin,
arXiv:1708.07120); "cosine" falls from η to 0 along half a cosine (Loshchilov & Hutter, arXiv:1608.03983).
Optimizers: "adamw" (arXiv:1711.05101); "sgd" with Nesterov momentum, as NAS-Bench-201 uses. With "cosine" the
momentum (AdamW's β₁) is 0.9 throughout; "one-cycle" moves it against the learning rate, as published: it falls from
0.95 to 0.85 while the learning rate rises, and goes back to 0.95.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler
from tqdm.auto import tqdm

from nasedu.core import check_number, shown
from nasedu.data import Dataset
from nasedu.networks.initialization import torch_generator
from nasedu.training import devices
from nasedu.training.augmentation import augmenter, check_augmentation
from nasedu.training.limits import TrainingFailure, memory_limit
from nasedu.training.scores import score

__all__ = ["Fit", "check_settings", "fit"]

SCHEDULES = ("one-cycle", "cosine")
OPTIMIZERS = ("adamw", "sgd")


@dataclass(frozen=True, slots=True)
class Fit:
    """How a training went.

    Attributes:
        curve: validation score after each epoch: accuracy in [0, 1], or R², at most 1.
        losses: mean training loss of each epoch: in nats, or in variances of the training targets.
        seconds: what it took, data transfer and validation included.
    """

    curve: tuple[float, ...]
    losses: tuple[float, ...]
    seconds: float


def fit(
    network: nn.Module,
    dataset: Dataset,
    *,
    rng: np.random.Generator,
    epochs: int = 10,
    batch_size: int = 128,
    learning_rate: float = 0.01,
    weight_decay: float = 5e-4,
    schedule: str = "one-cycle",
    optimizer: str = "adamw",
    label_smoothing: float = 0.0,
    augmentation: Sequence[str] = (),
    device: str | torch.device = "auto",
    mixed_precision: bool = True,
    threads: int = 1,
    progress: bool = False,
) -> Fit:
    """Train a network in place, and leave it on the device.

    On a CPU the result is the same for the same weights, ``rng`` and number of threads, bit by bit.

    Args:
        network: from inputs [batch, *dataset.input_shape] to [batch, dataset.outputs].
        dataset: trained on its train split; its validation split gives the curve; test is not touched.
        rng: draws the order of the samples and their augmentation, the same on every device.
        epochs: passes over the training data, at least 1.
        batch_size: B, between 1 and the number of training samples. An incomplete last batch is left out.
        learning_rate: η, the highest of the schedule; positive.
        weight_decay: λ, not negative.
        schedule: ``"one-cycle"`` or ``"cosine"``.
        optimizer: ``"adamw"`` or ``"sgd"``.
        label_smoothing: the share of the target that goes to all classes alike, in [0, 1).
        augmentation: changes of the training samples in this order, such as ``("crop", "flip")``;
            see :mod:`nasedu.training.augmentation`.
        device: see :func:`nasedu.training.device`.
        mixed_precision: bfloat16 on a CUDA GPU; nothing changes elsewhere. Without it convolutions on the GPU still
            round their inputs to TF32 where torch may (``torch.backends.cudnn.allow_tf32``, which is on by default).
        threads: of the CPU; see :mod:`nasedu.training.devices`.
        progress: show a bar over the epochs.

    Raises:
        ValueError: a setting is out of range, there is no such device, or the network's outputs have another shape.
        TrainingFailure: loss or score is not finite, or there is too little memory. Its ``curve`` goes as far as the
            training did.
    """
    started = time.perf_counter()
    check_settings(
        dataset, epochs, batch_size, learning_rate, weight_decay, schedule, optimizer, label_smoothing, augmentation
    )
    where = devices.device(device)
    samples = len(dataset.train.labels)
    steps = samples // batch_size
    shuffle = torch_generator(rng)  # on the CPU: one order for all devices
    augment = augmenter(augmentation, rng)
    expected = (batch_size, dataset.outputs)
    criterion = nn.MSELoss() if dataset.classes is None else nn.CrossEntropyLoss(label_smoothing=label_smoothing)
    low_precision = torch.autocast(where.type, torch.bfloat16, enabled=mixed_precision and where.type == "cuda")

    def loss_of(batch: Tensor) -> Tensor:
        with low_precision:
            outputs = network(augment(inputs[batch]))
            if getattr(outputs, "shape", None) != expected:
                raise wrong_outputs(outputs, expected, dataset)
            loss: Tensor = criterion(outputs, labels[batch])
        return loss

    curve: list[float] = []
    losses: list[float] = []
    try:
        with devices.threads(threads), memory_limit(where, batch_size):
            inputs, labels = devices.on_device(dataset, "train", where)
            if inputs.dim() == 4:
                network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in the stub
            network.to(where)
            torch_optimizer = make_optimizer(
                optimizer, network.parameters(), learning_rate, weight_decay, fused=where.type != "mps"
            )
            learning_rates = make_schedule(schedule, torch_optimizer, learning_rate, epochs * steps)
            for epoch in tqdm(range(1, epochs + 1), "training", unit="epoch", disable=not progress):
                network.train()
                order = torch.randperm(samples, generator=shuffle)[: steps * batch_size].to(where)
                loss = _epoch(order.view(steps, batch_size), loss_of, torch_optimizer, learning_rates)
                with low_precision:
                    validation = score(network, dataset, "validation", where)
                for what, value in (("training loss", loss), ("validation score", validation)):
                    if not math.isfinite(value):
                        raise diverged(what, value, epoch, epochs, learning_rate)
                losses.append(loss)
                curve.append(validation)
    except TrainingFailure as failure:
        failure.curve = tuple(curve)
        raise
    return Fit(tuple(curve), tuple(losses), time.perf_counter() - started)


def _epoch(
    batches: Tensor,
    loss_of: Callable[[Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    learning_rates: lr_scheduler.LRScheduler,
) -> float:
    """Take one step for each batch, a row of sample numbers, and return the mean loss."""
    total = torch.zeros((), device=batches.device)
    for batch in batches:
        loss = loss_of(batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        learning_rates.step()
        total += loss.detach()
    return total.item() / len(batches)


def check_settings(
    dataset: Dataset,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    schedule: str,
    optimizer: str,
    label_smoothing: float,
    augmentation: Sequence[str] = (),
) -> None:
    """Raise ValueError, saying what must hold, unless a network can be trained with these settings of :func:`fit`."""
    _check_lengths(epochs, batch_size, samples=len(dataset.train.labels))
    numbers = {"learning_rate": learning_rate, "weight_decay": weight_decay, "label_smoothing": label_smoothing}
    for name, value in numbers.items():
        check_number(name, value)
    if not 0 < learning_rate < math.inf:
        raise ValueError(f"learning_rate must be positive and finite; got {learning_rate}.")
    if not 0 <= weight_decay < math.inf:
        raise ValueError(f"weight_decay must not be negative; got {weight_decay}.")
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"label_smoothing must lie in [0, 1); got {label_smoothing}.")
    if label_smoothing and dataset.classes is None:
        raise ValueError(
            f"label_smoothing must be 0 for real-valued targets, as of {dataset.name}; got {label_smoothing}."
        )
    for name, choice, known in (("schedule", schedule, SCHEDULES), ("optimizer", optimizer, OPTIMIZERS)):
        if choice not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}; got {choice!r}.")
    check_augmentation(augmentation, dataset)


def _check_lengths(epochs: int, batch_size: int, samples: int) -> None:
    for name, number in (("epochs", epochs), ("batch_size", batch_size)):
        if not isinstance(number, int | np.integer):
            raise ValueError(f"{name} must be a whole number; got {number!r}.")
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1; got {epochs}.")
    if not 1 <= batch_size <= samples:
        raise ValueError(f"batch_size must lie in 1..{samples}, the number of training samples; got {batch_size}.")


def wrong_outputs(outputs: object, expected: tuple[int, int], dataset: Dataset) -> ValueError:
    """Return the error of a network that gives a batch other outputs than the dataset needs."""
    shape = getattr(outputs, "shape", None)
    got = shown(outputs) if shape is None else list(shape)
    what = "a number for each target" if dataset.classes is None else "a logit for each class"
    return ValueError(
        f"for {dataset.name} a network must return outputs [batch, {expected[1]}], {what}: of a batch of {expected[0]} "
        f"{list(expected)}; got {got}. Look at its last layer, which must have {expected[1]} outputs."
    )


def diverged(what: str, value: float, epoch: int, epochs: int, learning_rate: float) -> TrainingFailure:
    """Return the failure of a training whose loss or score is no number any more."""
    return TrainingFailure(
        f"the {what} became {value} in epoch {epoch} of {epochs}. Lower the learning rate (it is {learning_rate:g})."
    )


def make_optimizer(
    name: str, weights: Iterable[nn.Parameter], learning_rate: float, weight_decay: float, fused: bool
) -> torch.optim.Optimizer:
    """Return the optimizer of this name, one of ``OPTIMIZERS``."""
    if name == "sgd":
        return torch.optim.SGD(
            weights, lr=learning_rate, momentum=0.9, nesterov=True, weight_decay=weight_decay, fused=fused
        )
    return torch.optim.AdamW(weights, lr=learning_rate, weight_decay=weight_decay, fused=fused)


def make_schedule(
    name: str, optimizer: torch.optim.Optimizer, learning_rate: float, steps: int
) -> lr_scheduler.LRScheduler:
    """Return the schedule of this name, one of ``SCHEDULES``, over so many steps."""
    if name == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    return lr_scheduler.OneCycleLR(optimizer, max_lr=learning_rate, total_steps=steps)
