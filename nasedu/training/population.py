"""Training a population: the weights of K networks with different cells, fitted side by side.

    for each epoch:
        shuffle the training samples, for each network anew
        for each batch of B samples, one batch per network:
            losses, gradient ← all networks at once                (nasedu/networks/population.py)
            w ← w − step of one optimizer, whose weights are those of all networks
        validation accuracy of each network → its curve

The loop is that of loop.py, with the same shuffles, optimizer and schedules. AdamW and SGD move every number by
itself, so that one optimizer for all is as good as one for each, and a network that diverges harms no other. What a
population rounds otherwise than training one network alone grows while the networks learn.

On a CPU one thread computes unless told otherwise, and K is small enough for the caches. A GPU records a step once,
as a CUDA graph, and replays it: it then runs as fast as its memory allows, and not as fast as Python can tell it what
to do.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import psutil
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm.auto import tqdm

from nasedu.data import Dataset
from nasedu.networks.initialization import torch_generator
from nasedu.networks.nasbench201 import CellNetwork
from nasedu.networks.population import PopulationNetwork
from nasedu.training import devices
from nasedu.training.limits import TrainingFailure, memory_limit
from nasedu.training.loop import Fit, check_settings, diverged, make_optimizer, make_schedule, wrong_outputs

__all__ = ["fit_population", "population_size"]

LARGEST = {"cpu": 16, "cuda": 512}  # K beyond which nothing is gained
TENSORS_PER_CELL = 26  # at most, the size of a cell's input: four nodes and their gradients, six edges of three
NODES = 4  # of a cell; those that were evaluated last stay
TENSORS_TO_EVALUATE = 8  # at most, of the same size, beside all nodes; those of the last training step are still there
SHARE_OF_MEMORY = 0.5  # of what is free
EVALUATION_BATCH = 125  # of each network: smaller than in scores.py, for K batches lie side by side in the caches


def fit_population(
    networks: Sequence[nn.Module],
    dataset: Dataset,
    *,
    rngs: Sequence[np.random.Generator],
    epochs: int = 10,
    batch_size: int = 128,
    learning_rate: float = 0.01,
    weight_decay: float = 5e-4,
    schedule: str = "one-cycle",
    optimizer: str = "adamw",
    label_smoothing: float = 0.0,
    device: str | torch.device = "auto",
    threads: int = 1,
    progress: bool = False,
) -> list[Fit | TrainingFailure]:
    """Train networks of NAS-Bench-201 cells in place, all at once, and leave them where they are.

    Args:
        networks: from :func:`nasedu.networks.build` with the micro skeleton, from inputs [batch, *dataset.input_shape]
            to logits [batch, dataset.classes].
        dataset: a classification; trained on its train split, and its validation split gives the curves.
        rngs: one for each network: draws the order of the samples, as in :func:`nasedu.training.fit`.
        epochs: passes over the training data, at least 1.
        batch_size: B, of each network.
        learning_rate: η, the highest of the schedule; positive.
        weight_decay: λ, not negative.
        schedule: ``"one-cycle"`` or ``"cosine"``.
        optimizer: ``"adamw"`` or ``"sgd"``.
        label_smoothing: the share of the target that goes to all classes alike, in [0, 1).
        device: see :func:`nasedu.training.device`. On a GPU nothing is in bfloat16; convolutions round their inputs to
            TF32 where torch may (``torch.backends.cudnn.allow_tf32``, which is on by default).
        threads: of the CPU; see :mod:`nasedu.training.devices`. With one, a network's result is the same bit by bit,
            whoever else is in the population; on a GPU it may differ in the last bits.
        progress: show a bar over the epochs.

    Returns:
        For each network how its training went, or why it failed. The seconds of a fit are its share of the whole.

    Raises:
        ValueError: a setting is out of range, the networks do not fit together or to the dataset, or there is no such
            device.
        TrainingFailure: there is too little memory for so many networks.
    """
    started = time.perf_counter()
    check_settings(dataset, epochs, batch_size, learning_rate, weight_decay, schedule, optimizer, label_smoothing)
    if dataset.classes is None:
        raise ValueError(f"a population learns to classify; {dataset.name} has real-valued targets. Use Train.")
    if len(rngs) != len(networks):
        raise ValueError(f"there must be one rng for each network; got {len(rngs)} for {len(networks)}.")
    where = devices.device(device)
    samples = len(dataset.train.labels)
    steps = samples // batch_size
    shuffles = [torch_generator(rng) for rng in rngs]
    curves: list[list[float]] = [[] for _ in networks]
    losses: list[list[float]] = [[] for _ in networks]
    failures: dict[int, TrainingFailure] = {}
    with devices.threads(threads), memory_limit(where, batch_size, len(networks)), torch.no_grad():
        population = PopulationNetwork(networks, dataset.input_shape, where)
        _check_sizes(cast(CellNetwork, networks[0]), dataset, batch_size)  # and with it the others: they are alike
        weights = nn.Parameter(population.weights)  # the same memory
        weights.grad = population.gradient
        torch_optimizer = make_optimizer(optimizer, [weights], learning_rate, weight_decay, fused=where.type != "mps")
        learning_rates = make_schedule(schedule, torch_optimizer, learning_rate, epochs * steps)
        accuracies_of = _scorer(population, dataset, "validation", where)
        losses_of = _step(population, dataset, label_smoothing, (len(networks), batch_size), where)
        for epoch in tqdm(range(1, epochs + 1), "training", unit="epoch", disable=not progress):
            orders = [torch.randperm(samples, generator=each)[: steps * batch_size] for each in shuffles]
            batches = torch.stack(orders).view(len(networks), steps, batch_size).transpose(0, 1).to(where)
            total = torch.zeros(len(networks), device=where)
            for batch in batches:
                total += losses_of(batch)
                torch_optimizer.step()
                learning_rates.step()
            means = (total / steps).tolist()
            for k, (loss, accuracy) in enumerate(zip(means, accuracies_of(), strict=True)):
                if k in failures:
                    continue
                if not math.isfinite(loss):
                    failures[k] = diverged("training loss", loss, epoch, epochs, learning_rate)
                    failures[k].curve = tuple(curves[k])
                    continue
                losses[k].append(loss)
                curves[k].append(accuracy)
        population.write_back()
        for network in networks:
            network.to(where)
    seconds = (time.perf_counter() - started) / len(networks)
    return [failures.get(k, Fit(tuple(curve), tuple(losses[k]), seconds)) for k, curve in enumerate(curves)]


def population_size(dataset: Dataset, channels: int, cells: int, batch_size: int, device: str | torch.device) -> int:
    """Return how many networks to train at once: what is quickest, as far as half of the free memory allows.

    Args:
        dataset: what is learned.
        channels: of the first cells.
        cells: in each stage.
        batch_size: B.
        device: where.

    Returns:
        K, at least 1.
    """
    where = devices.device(device)
    if where.type == "cuda":  # what torch has reserved and does not use is free, too
        unused = torch.cuda.memory_reserved(where) - torch.cuda.memory_allocated(where)
        free = torch.cuda.mem_get_info(where)[0] + unused
    else:
        free = psutil.virtual_memory().available
    need = _memory(dataset.input_shape, channels, cells, batch_size)
    return max(1, min(LARGEST.get(where.type, 16), int(SHARE_OF_MEMORY * free) // need))


def _check_sizes(network: CellNetwork, dataset: Dataset, batch_size: int) -> None:
    """Raise ValueError unless a network takes the inputs of a dataset and has a logit for each of its classes."""
    given, taken = dataset.input_shape, next(network.stem.parameters()).shape[1:]  # of samples; [channels, *kernel]
    if (given[0], len(given)) != (taken[0], len(taken)):
        space = "length" if len(taken) == 2 else "height, width"
        raise ValueError(
            f"for {dataset.name} a network must take inputs [batch, {', '.join(map(str, given))}]; got one for "
            f"[batch, {taken[0]}, {space}]. Build it with input_shape={given}."
        )
    outputs = network.classifier.out_features
    if outputs != dataset.outputs:
        raise wrong_outputs(torch.empty(batch_size, outputs, device="meta"), (batch_size, dataset.outputs), dataset)


def _memory(input_shape: Sequence[int], channels: int, cells: int, batch_size: int) -> int:
    """Return how many bytes a network of the population needs at most."""
    stages = 2 * cells + 1
    training = TENSORS_PER_CELL * stages * batch_size
    evaluation = (NODES * stages + TENSORS_TO_EVALUATE) * EVALUATION_BATCH
    return 4 * channels * math.prod(input_shape[1:]) * (training + evaluation)


def _step(
    population: PopulationNetwork, dataset: Dataset, label_smoothing: float, shape: tuple[int, int], where: torch.device
) -> Callable[[Tensor], Tensor]:
    """Return a function from sample numbers [K, B] to the losses [K] of the networks, that sets the gradient."""
    inputs, labels = devices.on_device(dataset, "train", where)
    by_channel = inputs.transpose(0, 1).contiguous()  # [channels, samples, *space]

    def losses_of(batch: Tensor) -> Tensor:
        logits = population.forward(by_channel[:, batch].transpose(0, 1).contiguous(), training=True).requires_grad_()
        with torch.enable_grad():
            entropies = F.cross_entropy(
                logits.flatten(0, 1), labels[batch].flatten(), reduction="none", label_smoothing=label_smoothing
            )
            losses = entropies.view(shape).mean(1)
            (g,) = torch.autograd.grad(losses.sum(), logits)
        population.backward(g)
        return losses.detach()

    return _recorded(losses_of, population, shape, where) if where.type == "cuda" else losses_of


def _recorded(
    losses_of: Callable[[Tensor], Tensor], population: PopulationNetwork, shape: tuple[int, int], where: torch.device
) -> Callable[[Tensor], Tensor]:
    """Return the same function as a CUDA graph: one launch instead of hundreds."""
    batch = torch.zeros(shape, dtype=torch.int64, device=where)
    before = [each.clone() for each in population.statistics]
    stream = torch.cuda.Stream(where)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(where))
    with torch.cuda.stream(stream):  # a graph wants its kernels to have run before
        for _ in range(3):
            losses_of(batch)
    torch.cuda.current_stream(where).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.device(where), torch.cuda.graph(graph, stream=stream):
        losses = losses_of(batch)
    for ours, value in zip(population.statistics, before, strict=True):
        ours.copy_(value)

    def replay(numbers: Tensor) -> Tensor:
        batch.copy_(numbers)
        graph.replay()
        return losses

    return replay


def _scorer(
    population: PopulationNetwork, dataset: Dataset, split: str, where: torch.device
) -> Callable[[], list[float]]:
    """Return a function that returns the share of a split that each network classifies rightly, now."""
    inputs, labels = devices.on_device(dataset, split, where)
    by_channel, size = inputs.transpose(0, 1).contiguous(), len(population)

    def accuracies() -> list[float]:
        right = torch.zeros(size, dtype=torch.int64, device=where)
        for start in range(0, len(labels), EVALUATION_BATCH):
            batch = slice(start, start + EVALUATION_BATCH)
            logits = population.forward(by_channel[None, :, batch], training=False)
            right += (logits.argmax(2) == labels[batch]).sum(1)
        return [count / len(labels) for count in right.tolist()]

    return accuracies
