"""How fast is training: our loop beside the loop of a tutorial, and what each part of ours is worth.

    python benchmarks/training.py loops                                    # CPU, MNIST-1D, two minutes
    python benchmarks/training.py parts                                    # CPU, MNIST-1D and digits, three minutes
    python benchmarks/training.py parts --device cuda --data <folder>      # a GPU, and CIFAR-10 too
    python benchmarks/training.py cifar10 --device cuda --data <folder>    # the network of NAS-Bench-201

``loops`` trains one cell with both loops in turn, from the same weights with the same optimizer, schedule, epochs and
number of threads: MIDDLE_CELL has five live operations, the median over the search space, and all kinds of them.
``parts`` trains it with our loop written out with switches, and again with one of them turned, in turn. Both print
the median and the range over the rounds, on a CPU of CPU time, for other programs do not count there. ``cifar10`` needs
a copy of CIFAR-10 (see nasedu/data/cifar10.py).
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader, TensorDataset

from nasedu import data, networks, training
from nasedu.core import Architecture
from nasedu.data import Dataset
from nasedu.networks.initialization import torch_generator
from nasedu.spaces import NASBench201
from nasedu.training import devices

BATCH = 128
MIDDLE_CELL = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|nor_conv_1x1~1|avg_pool_3x3~2|"
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
    """Train with nasedu's loop, on as many threads as torch has; return the validation accuracy."""
    rng, threads = np.random.default_rng(seed), torch.get_num_threads()
    return training.fit(network, dataset, rng=rng, epochs=epochs, device="cpu", threads=threads).curve[-1]


def timed(run: Callable[[], float]) -> Timing:
    """Run once; wall-clock and CPU seconds of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    accuracy = run()
    return Timing(time.perf_counter() - wall, time.process_time() - cpu, accuracy)


def compare_loops(dataset: Dataset, cell: Architecture, rounds: int, epochs: int, threads: int) -> None:
    """Print seconds per candidate of both loops, alternating, every round with fresh weights."""
    loops = {"tutorial": plain_fit, "nasedu": our_fit}
    rows: dict[str, list[Timing]] = {name: [] for name in loops}
    with devices.threads(threads):
        for round_number in range(-1, rounds):  # the first warms up
            for name, loop in loops.items():
                rng = np.random.default_rng(round_number + 1)
                network = networks.build(cell, dataset.input_shape, dataset.outputs, rng=rng)
                length = epochs if round_number >= 0 else 1
                timing = timed(lambda loop=loop, n=network, e=length: loop(n, dataset, e, 0))
                if round_number >= 0:
                    rows[name].append(timing)
    samples = epochs * (len(dataset.train.labels) // BATCH) * BATCH
    print(f"{dataset.name}, {cell}, {rounds} rounds, {epochs} epochs, {threads} thread(s)")
    print("one-by-one training of a cell with a median number of live operations, with the table's settings:")
    for name, timings in rows.items():
        wall, cpu = [timing.wall for timing in timings], [timing.cpu for timing in timings]
        rate = samples / statistics.median(cpu)
        accuracy = statistics.mean(timing.accuracy for timing in timings)
        print(
            f"  {name:9} CPU {spread(cpu)} s   wall {spread(wall)} s   {rate:8,.0f} samples/s   accuracy {accuracy:.3f}"
        )
    ratios = [plain.cpu / ours.cpu for plain, ours in zip(rows["tutorial"], rows["nasedu"], strict=True)]
    print(f"  nasedu is {spread(ratios)} times as fast, in CPU time")


@dataclass(frozen=True)
class Parts:
    """What makes the loop quick, to be turned on and off; as they stand in nasedu/training/loop.py."""

    resident: bool = True  # data on the device, a batch is an index away; else a DataLoader and a copy
    read_once: bool = True  # the loss is read once an epoch; else at every step
    fused: bool = True  # one kernel for all weights; else torch's default for the device
    channels_last: bool = True  # images; else the order of PyTorch
    bfloat16: bool = True  # autocast of forward and loss


def switched_fit(network: nn.Module, dataset: Dataset, epochs: int, device: str, parts: Parts) -> list[float]:
    """Train as training.fit does, with the parts that are asked for; return the mean loss of each epoch."""
    where, rng = torch.device(device), np.random.default_rng(0)
    shuffle = torch_generator(rng)
    layout = torch.channels_last if parts.channels_last else torch.contiguous_format
    inputs, labels = (torch.tensor(values) for values in dataset.train)
    if parts.resident:
        inputs, labels = inputs.to(where), labels.to(where)
    if inputs.dim() == 4:
        inputs = inputs.contiguous(memory_format=layout)
        network.to(memory_format=layout)
    network.to(where)
    steps = len(labels) // BATCH
    fused = {"fused": True} if parts.fused else {}
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01, weight_decay=5e-4, **fused)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=epochs * steps)
    criterion = nn.CrossEntropyLoss()
    samples = TensorDataset(inputs, labels)
    losses = []
    for _ in range(epochs):
        network.train()
        order = torch.randperm(len(labels), generator=shuffle)[: steps * BATCH]
        total: Tensor | float = torch.zeros((), device=where) if parts.read_once else 0.0
        if parts.resident:
            batches = ((inputs[batch], labels[batch]) for batch in order.to(where).view(steps, BATCH))
        else:
            loader = DataLoader(samples, batch_sampler=BatchSampler(order.tolist(), BATCH, drop_last=True))
            batches = ((x.to(where), y.to(where)) for x, y in loader)
        for x, y in batches:
            with torch.autocast(where.type, torch.bfloat16, enabled=parts.bfloat16):
                loss = criterion(network(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.detach() if parts.read_once else loss.item()
        losses.append(float(total) / steps)
    return losses


def compare_parts(dataset: Dataset, cell: Architecture, device: str, rounds: int, epochs: int, **options) -> None:
    """Print how many times as fast the loop is with each part as without it, all else being as our loop has it."""
    ours = Parts(bfloat16=torch.device(device).type == "cuda", channels_last=len(dataset.input_shape) == 3)
    names = [name for name in vars(ours) if name != "channels_last" or ours.channels_last]
    variants = {"ours": ours, **{name: replace(ours, **{name: not getattr(ours, name)}) for name in names}}
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    with devices.threads(1):
        for round_number in range(-1, rounds):  # the first warms up
            for name, parts in variants.items():
                rng = np.random.default_rng(0)
                network = networks.build(cell, dataset.input_shape, dataset.outputs, rng=rng, **options)
                timing = timed(
                    lambda n=network, p=parts: finished(switched_fit(n, dataset, epochs, device, p)[-1], device)
                )
                if round_number >= 0:
                    seconds[name].append(timing.wall if torch.device(device).type == "cuda" else timing.cpu)
    print(f"{dataset.name}, {cell}, {rounds} rounds of {epochs} epoch(s) on {device}, training alone")
    own = spread([value / epochs for value in seconds["ours"]], 3)
    print(f"  our loop: {own} s an epoch; with a part it is so many times as fast as without:")
    for name in names:
        is_ours = getattr(ours, name)
        ratios = [turned / own for turned, own in zip(seconds[name], seconds["ours"], strict=True)]
        ratios = ratios if is_ours else [1 / ratio for ratio in ratios]
        print(f"  {name:14} {spread(ratios, 3)} times   ({'on' if is_ours else 'off'} in our loop)")


def finished(value: float, device: str) -> float:
    """Return the value when all that the device was told to do is done."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
    return value


def compare_precision(dataset: Dataset, device: str, channels: int, cells: int, epochs: int, batch_size: int) -> None:
    """Print seconds per epoch and accuracy of the benchmark's own best network, with and without bfloat16."""
    cell = NASBench201().parse(PUBLISHED_CELL)
    print(f"{dataset!r}\n{cell}: {channels} channels, {cells} cells a stage, batch {batch_size}, {epochs} epochs")
    for mixed_precision in (True, False):
        for length in (1, epochs):  # the first warms up
            network = networks.build(
                cell,
                dataset.input_shape,
                dataset.outputs,
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


def spread(values: list[float], digits: int = 2) -> str:
    """Return median and range."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}..{max(values):.{digits}f})"


def machine(device: str) -> str:
    """Say what this is run on."""
    gpu = f", {torch.cuda.get_device_name(device)}" if torch.device(device).type == "cuda" else ""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}"
    return f"{platform.machine()}, {os.cpu_count()} CPUs{gpu}{load}; {versions}"


def main() -> None:
    """Read the command line and run one comparison."""
    parser = argparse.ArgumentParser(description="How fast is training?")
    parser.add_argument("comparison", choices=["loops", "parts", "cifar10"])
    parser.add_argument("--device", default="cpu", help="of parts and cifar10")
    parser.add_argument("--data", help="folder or file of CIFAR-10")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1, help="of the CPU, in both loops")
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--cells", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=256)
    given = parser.parse_args()
    print(machine(given.device))
    middle = NASBench201().parse(MIDDLE_CELL)
    if given.comparison == "loops":
        compare_loops(data.load("mnist1d"), middle, given.rounds, given.epochs, given.threads)
    elif given.comparison == "parts":
        for name in ("mnist1d", "digits"):
            compare_parts(data.load(name), middle, given.device, given.rounds, epochs=2)
        if given.data:
            cell, skeleton = NASBench201().parse(PUBLISHED_CELL), {"skeleton": "published", "channels": given.channels}
            photographs = data.load("cifar10", path=given.data)
            compare_parts(photographs, cell, given.device, given.rounds, epochs=1, cells=given.cells, **skeleton)
    else:
        photographs = data.load("cifar10", path=given.data)
        compare_precision(photographs, given.device, given.channels, given.cells, given.epochs, given.batch_size)


if __name__ == "__main__":
    main()
