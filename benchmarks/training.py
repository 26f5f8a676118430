"""How fast is training: our loop beside the loop of a tutorial, and on a GPU with and without mixed precision.

    python benchmarks/training.py loops                                    # CPU, MNIST-1D, a minute
    python benchmarks/training.py cifar10 --device cuda --data <folder>    # the network of NAS-Bench-201

``loops`` trains the same random cells with both loops in turn, from the same weights with the same
optimizer, schedule, epochs and number of threads, and prints the median and the range over the rounds.
``cifar10`` needs a copy of CIFAR-10 (see nasedu/data/cifar10.py).
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from nasedu import data, networks, training
from nasedu.core import Architecture
from nasedu.data import Dataset
from nasedu.spaces import NASBench201
from nasedu.training import devices

BATCH = 128
PUBLISHED_CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"


class Timing(NamedTuple):
    """What one training took, and what came of it."""

    wall: float
    cpu: float
    accuracy: float


def plain_fit(network: nn.Module, dataset: Dataset, epochs: int, seed: int) -> float:
    """Train as tutorials do: a DataLoader, the loss read at every step; return the validation accuracy."""
    train, validation = (
        TensorDataset(*(torch.tensor(values) for values in split)) for split in (dataset.train, dataset.validation)
    )
    shuffle = torch.Generator().manual_seed(seed)
    batches = DataLoader(train, batch_size=BATCH, shuffle=True, drop_last=True, generator=shuffle)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=epochs * len(batches))
    criterion = nn.CrossEntropyLoss()
    for _ in range(epochs):
        network.train()
        running_loss = 0.0
        for inputs, labels in batches:
            optimizer.zero_grad()
            loss = criterion(network(inputs), labels)
            loss.backward()
            optimizer.step()
            schedule.step()
            running_loss += loss.item()
        network.eval()
        correct = 0
        with torch.no_grad():
            for inputs, labels in DataLoader(validation, batch_size=BATCH):
                correct += (network(inputs).argmax(1) == labels).sum().item()
    return correct / len(validation)


def our_fit(network: nn.Module, dataset: Dataset, epochs: int, seed: int) -> float:
    """Train with nasedu's loop; return the validation accuracy."""
    return training.fit(network, dataset, rng=np.random.default_rng(seed), epochs=epochs, device="cpu").curve[-1]


def timed(run: Callable[[], float]) -> Timing:
    """Run once; wall-clock and CPU seconds of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    accuracy = run()
    return Timing(time.perf_counter() - wall, time.process_time() - cpu, accuracy)


def compare_loops(dataset: Dataset, cells: list[Architecture], rounds: int, epochs: int, threads: int) -> None:
    """Print seconds per candidate of both loops, alternating, every round with fresh weights of every cell."""
    loops = {"tutorial": plain_fit, "nasedu": our_fit}
    rows: dict[str, list[list[Timing]]] = {name: [] for name in loops}
    with devices.threads(threads):
        for round_number in range(-1, rounds):  # the first warms up
            for name, loop in loops.items():
                timings = []
                for cell in cells:
                    rng = np.random.default_rng(round_number + 1)
                    network = networks.build(cell, dataset.input_shape, dataset.classes, rng=rng)
                    length = epochs if round_number >= 0 else 1
                    timings.append(timed(lambda loop=loop, n=network, e=length: loop(n, dataset, e, 0)))
                if round_number >= 0:
                    rows[name].append(timings)
    samples = epochs * (len(dataset.train.labels) // BATCH) * BATCH
    print(f"{dataset.name}, {len(cells)} cells × {rounds} rounds, {epochs} epochs, {threads} thread(s); per candidate:")
    for name, rounds_of in rows.items():
        wall = [statistics.mean(timing.wall for timing in timings) for timings in rounds_of]
        cpu = [statistics.mean(timing.cpu for timing in timings) for timings in rounds_of]
        accuracy = statistics.mean(timing.accuracy for timings in rounds_of for timing in timings)
        rate = samples / statistics.median(wall)
        print(
            f"  {name:9} wall {spread(wall)} s   CPU {spread(cpu)} s   {rate:8,.0f} samples/s   accuracy {accuracy:.3f}"
        )
    ratios = [
        statistics.mean(t.cpu for t in plain) / statistics.mean(t.cpu for t in ours)
        for plain, ours in zip(rows["tutorial"], rows["nasedu"], strict=True)
    ]
    print(f"  nasedu is {spread(ratios)} times as fast, in CPU time")


def compare_precision(dataset: Dataset, device: str, channels: int, cells: int, epochs: int, batch_size: int) -> None:
    """Print seconds per epoch and accuracy of the benchmark's own best network, with and without bfloat16."""
    cell = NASBench201().parse(PUBLISHED_CELL)
    print(f"{dataset!r}\n{cell}: {channels} channels, {cells} cells a stage, batch {batch_size}, {epochs} epochs")
    for mixed_precision in (True, False):
        for length in (1, epochs):  # the first warms up
            network = networks.build(
                cell,
                dataset.input_shape,
                dataset.classes,
                rng=np.random.default_rng(0),
                channels=channels,
                cells=cells,
                skeleton="published",
            )
            run = training.fit(
                network,
                dataset,
                rng=np.random.default_rng(0),
                epochs=length,
                batch_size=batch_size,
                device=device,
                mixed_precision=mixed_precision,
            )
        name = "bfloat16 where safe" if mixed_precision and torch.device(device).type == "cuda" else "float32"
        rate = epochs * len(dataset.train.labels) / run.seconds
        curve = ", ".join(f"{accuracy:.3f}" for accuracy in run.curve)
        print(f"  {name:20} {run.seconds / epochs:7.2f} s/epoch   {rate:9,.0f} samples/s   validation accuracy {curve}")
    print(
        f"  {training.parameters(network):,} weights, {training.flops(network, dataset.input_shape) / 1e6:.1f} MFLOPs"
    )


def spread(values: list[float]) -> str:
    """Return median and range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}..{max(values):.2f})"


def machine(device: str) -> str:
    """Say what this is run on."""
    gpu = f", {torch.cuda.get_device_name(device)}" if torch.device(device).type == "cuda" else ""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}"
    return f"{platform.machine()}, {os.cpu_count()} CPUs{gpu}{load}; {versions}"


def main() -> None:
    """Read the command line and run one comparison."""
    parser = argparse.ArgumentParser(description="How fast is training?")
    parser.add_argument("comparison", choices=["loops", "cifar10"])
    parser.add_argument("--device", default="cpu", help="of cifar10")
    parser.add_argument("--data", help="folder or file of CIFAR-10")
    parser.add_argument("--candidates", type=int, default=4, help="random cells of loops")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1, help="of the tutorial's loop; ours always uses one")
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--cells", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=256)
    given = parser.parse_args()
    print(machine(given.device))
    if given.comparison == "loops":
        rng = np.random.default_rng(0)
        cells = [NASBench201().sample(rng) for _ in range(given.candidates)]
        compare_loops(data.load("mnist1d"), cells, given.rounds, given.epochs, given.threads)
    else:
        photographs = data.load("cifar10", path=given.data)
        compare_precision(photographs, given.device, given.channels, given.cells, given.epochs, given.batch_size)


if __name__ == "__main__":
    main()
