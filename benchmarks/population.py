"""What a population saves: K architectures trained side by side, and the same architectures one by one.

    python benchmarks/population.py sweep      # K = 1, 2, 4, … 64, on MNIST-1D and digits; ten minutes
    python benchmarks/population.py goal       # 32 at once: a third of a tutorial's CPU time, in 1 GB? Three minutes
    python benchmarks/population.py growth     # channels, resolution, epochs, architectures; five minutes
    python benchmarks/population.py live       # a search of 40 architectures with one thread and with two; ten minutes
    python benchmarks/population.py cuda --device cuda --whole-table    # K = 512 and a whole table on a GPU

Architectures are cells of NAS-Bench-201 drawn by a fixed rng, the same in every round, trained with the settings of the
tables: 8 channels, batches of 128, AdamW, one cycle up to 0.01. Three ways of training them take turns in one process:

    tutorial      one by one, with the loop of a tutorial (see training.py), torch's own pooling and default optimizer
    one by one    nas.evaluators.Train, with nasedu's loop
    K at once     nas.evaluators.Population

``live`` measures whole searches instead, of 40 trials in batches of 8 with ten epochs each, in wall-clock seconds.

A time covers building the networks, training and validation after each epoch. Tables have the median and the range
over the rounds, in seconds of CPU time of one thread (on a GPU, wall-clock seconds); ratios are taken within a round.
Peak memory is that of a fresh process which trains that population and nothing else.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from training import Timing, machine, plain_fit, spread, timed

from nasedu import data, networks, search
from nasedu.core import Architecture
from nasedu.data import Dataset, Split
from nasedu.evaluators import Population, Train
from nasedu.networks.nasbench201 import Reduction
from nasedu.networks.operations import AveragePool
from nasedu.spaces import NASBench201
from nasedu.strategies import GeneticAlgorithm, RegularizedEvolution
from nasedu.tables.build import RECIPES, Recipe, batches, distinct, train
from nasedu.training import devices, population_size

SIZES = (1, 2, 4, 8, 16, 32, 64)
SIZES_OF_A_GPU = (*SIZES, 128, 256, 512)
FEW = 8  # the size of growth's populations
ALONE = 32  # architectures that a GPU trains one by one
EPOCHS = {"sweep": 1, "goal": 2, "growth": 1, "live": 10, "cuda": 10}
TRIALS = 40  # of a live search
SAMPLES = 1024  # for training, of data that have no other meaning than their shape
CHANNELS = (4, 8, 16, 32)
LENGTHS = (20, 40, 80, 160)
SIDES = (8, 16, 32)


def draw(count: int) -> list[Architecture]:
    """Return the architectures."""
    rng = np.random.default_rng(0)
    return [NASBench201().sample(rng) for _ in range(count)]


def plain(network: nn.Module, dims: int) -> nn.Module:
    """Return the network with the pooling that a tutorial would use: torch's own, as layers."""
    pool = {1: nn.AvgPool1d, 2: nn.AvgPool2d}[dims]
    for name, child in network.named_children():
        if isinstance(child, AveragePool):
            setattr(network, name, pool(3, stride=1, padding=1, count_include_pad=False))
        elif isinstance(child, Reduction):
            setattr(network, name, nn.Sequential(pool(2, ceil_mode=True), *child.convolution))
        else:
            plain(child, dims)
    return network


def tutorial(cell: Architecture, dataset: Dataset, epochs: int, seed: int) -> float:
    """Build and train an architecture as a tutorial would; return the validation accuracy."""
    network = networks.build(cell, dataset.input_shape, dataset.outputs, rng=np.random.default_rng(seed))
    return plain_fit(plain(network, len(dataset.input_shape) - 1), dataset, epochs, seed)


def run_alone(evaluator: Train, cell: Architecture) -> Timing:
    """Train one architecture."""
    return timed(lambda: evaluator.fit(cell)[1].curve[-1])


def run_population(evaluator: Population, cells: list[Architecture]) -> Timing:
    """Train architectures side by side; return the mean of each."""
    whole = timed(lambda: statistics.mean(fit.curve[-1] for _, fit in evaluator.fit_all(cells)))
    return Timing(whole.wall / len(cells), whole.cpu / len(cells), whole.accuracy)


def mean(timings: Sequence[Timing]) -> Timing:
    """Return the mean of each column."""
    return Timing(*(statistics.mean(column) for column in zip(*timings, strict=True)))


def compare(dataset: Dataset, architectures: int, sizes: Sequence[int | None], rounds: int, epochs: int) -> None:
    """Print what an architecture takes one by one and in populations of each size; None is what Population chooses."""
    memory = [peak_memory(dataset.name, size or architectures, size) for size in sizes]
    ways = ["tutorial", "one by one", *sizes]
    rows: dict[str | int | None, list[Timing]] = {way: [] for way in ways}  # of each round, per architecture
    with devices.threads(1):
        for number in range(-1, rounds):  # the first warms up
            cells = draw(architectures)[: architectures if number >= 0 else 2]
            settings = {"epochs": epochs, "seed": number + 1, "device": "cpu"}
            pairs = [
                (timed(lambda c=cell: tutorial(c, dataset, epochs, 0)), run_alone(Train(dataset, **settings), cell))
                for cell in cells
            ]
            timings = [mean(column) for column in zip(*pairs, strict=True)]
            timings += [run_population(Population(dataset, largest=size, **settings), cells) for size in sizes]
            for way, timing in zip(ways, timings, strict=True):
                if number >= 0:
                    rows[way].append(timing)
    idle = peak_memory(dataset.name, 0, None)
    print(f"\n{dataset.name}: {architectures} architectures, {epochs} epoch(s), {rounds} rounds, one thread;", end=" ")
    print(f"a process that has loaded torch and the data has {idle} MB\n")
    print("| | CPU s per architecture | wall s per architecture | × tutorial | × one by one | peak MB |")
    print("|---|---|---|---|---|---|")
    for way, peak in zip(ways, ["", "", *memory], strict=True):
        name = way if isinstance(way, str) else f"{way or population_size(dataset, 8, 1, 128, 'cpu')} at once"
        cpu, wall = ([getattr(each, kind) for each in rows[way]] for kind in ("cpu", "wall"))
        gains = [
            spread([slow.cpu / quick.cpu for slow, quick in zip(rows[reference], rows[way], strict=True)])
            for reference in ("tutorial", "one by one")
        ]
        print(f"| {name} | {spread(cpu, 3)} | {spread(wall, 3)} | {' | '.join(gains)} | {peak} |")


def peak_memory(dataset: str, architectures: int, largest: int | None) -> str:
    """Return the most memory, in MB of 10⁶ bytes, of a new process that trains so many architectures for an epoch."""
    command = [sys.executable, __file__, "peak", "--dataset", dataset, "--architectures", str(architectures)]
    command += ["--largest", str(largest)] if largest else []
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def print_peak(dataset: Dataset, architectures: int, largest: int | None) -> None:
    """Train, and print the most memory that this process has had, in MB."""
    with devices.threads(1):
        if architectures:
            Population(dataset, epochs=1, largest=largest, device="cpu").fit_all(draw(architectures))
    status = Path("/proc/self/status")
    if status.exists():  # Linux, whose ru_maxrss begins with the memory of the process that started this one
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        print(f"{int(line.split()[1]) * 1024 / 1e6:.0f}")
    else:
        import resource

        print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.0f}")  # macOS counts bytes


def grow(rounds: int, epochs: int) -> None:
    """Print what an architecture takes against channels, resolution and epochs, one by one and in populations of 8."""
    signals = random_dataset((1, 40))
    grow_along("channels", {c: (signals, c, epochs, FEW) for c in CHANNELS}, rounds)
    grow_along("length of signals", {s: (random_dataset((1, s)), 8, epochs, FEW) for s in LENGTHS}, rounds)
    grow_along("side of images", {s: (random_dataset((1, s, s)), 8, epochs, FEW) for s in SIDES}, rounds)
    grow_along("epochs", {e: (signals, 8, e * epochs, FEW) for e in (1, 2, 4, 8)}, rounds)
    grow_along("architectures", {n: (signals, 8, epochs, n) for n in (8, 16, 32)}, rounds)


def grow_along(name: str, settings: dict[int, tuple[Dataset, int, int, int]], rounds: int) -> None:
    """Print a table of CPU time, with the exponent p of time ∝ value^p.

    Args:
        name: of what grows.
        settings: of each of its values: dataset, channels, epochs, architectures.
        rounds: in which all settings take turns.
    """
    seconds: dict[int, list[tuple[float, float]]] = {value: [] for value in settings}
    with devices.threads(1):
        for number in range(-1, rounds):  # the first warms up
            for value, (dataset, channels, epochs, count) in settings.items():
                cells = (draw(FEW) * count)[:count]
                sizes = {"epochs": epochs, "channels": channels, "seed": number + 1, "device": "cpu"}
                alone = mean([run_alone(Train(dataset, **sizes), cell) for cell in cells]).cpu
                together = run_population(Population(dataset, largest=FEW, **sizes), cells).cpu
                if number >= 0:
                    seconds[value].append((alone, together))
    samples = len(next(iter(settings.values()))[0].train.labels)
    print(f"\n{rounds} rounds, random data, {samples} samples for training; CPU s per architecture\n")
    print(f"| {name} | one by one | {FEW} at once | times as quick |\n|---|---|---|---|")
    for value, pairs in seconds.items():
        alone, together = (spread(list(column), 3) for column in zip(*pairs, strict=True))
        print(f"| {value} | {alone} | {together} | {spread([slow / quick for slow, quick in pairs])} |")
    logarithms = np.log([np.median(pairs, axis=0) for pairs in seconds.values()])
    alone, together = np.polyfit(np.log(list(settings)), logarithms, 1)[0]
    print(f"| exponent | {alone:.2f} | {together:.2f} | |")


def search_live(dataset: Dataset, rounds: int, epochs: int) -> None:
    """Print how long searches take that train a generation at a time, with one thread and with two."""
    strategies: list[type[RegularizedEvolution | GeneticAlgorithm]] = [RegularizedEvolution, GeneticAlgorithm]
    seconds: dict[tuple[str, int], list[float]] = {(each.__name__, n): [] for each in strategies for n in (1, 2)}
    for seed in range(rounds):
        for strategy, threads in itertools.product(strategies, (1, 2)):
            evaluator = Population(dataset, epochs=epochs, device="cpu", threads=threads)
            searching = search(strategy(NASBench201(), np.random.default_rng(seed)), evaluator, TRIALS, batch=FEW)
            started = time.perf_counter()
            searching.run(progress=False)
            seconds[strategy.__name__, threads].append(time.perf_counter() - started)
    print(f"\n{dataset.name}: {TRIALS} trials in batches of {FEW}, {epochs} epochs, {rounds} rounds; wall s\n")
    print("| strategy | one thread | two threads | times as quick |\n|---|---|---|---|")
    for strategy in strategies:
        one, two = seconds[strategy.__name__, 1], seconds[strategy.__name__, 2]
        gains = spread([slow / quick for slow, quick in zip(one, two, strict=True)])
        print(f"| {strategy.__name__} | {spread(one, 1)} | {spread(two, 1)} | {gains} |")


def random_dataset(shape: tuple[int, ...], samples: int = SAMPLES) -> Dataset:
    """Return noise: what a training takes does not depend on what can be learned."""
    rng = np.random.default_rng(0)
    splits = [
        Split(rng.standard_normal((count, *shape)).astype(np.float32), rng.integers(10, size=count))
        for count in (samples, samples // 4, samples // 4)
    ]
    return Dataset("noise", shape, 10, *splits)


def compare_on_gpu(dataset: Dataset, sizes: Sequence[int], device: str, rounds: int, epochs: int) -> None:
    """Print what an architecture takes in populations and one by one, of wall-clock time, and the GPU's peak memory.

    A population's step is recorded as a CUDA graph, in 32 bits; one by one, bfloat16 is used where that is safe.
    """
    cells, is_gpu = draw(max(ALONE, *sizes)), torch.device(device).type == "cuda"
    alone: list[float] = []
    together: dict[int, list[float]] = {size: [] for size in sizes}
    memory = dict.fromkeys(sizes, "")
    for number in range(-1, rounds):  # the first warms up
        settings = {"epochs": epochs if number >= 0 else 1, "seed": number + 1, "device": device}
        seconds = mean([run_alone(Train(dataset, **settings), cell) for cell in cells[:ALONE]]).wall
        if number >= 0:
            alone.append(seconds)
        for size in sizes:
            if is_gpu:
                torch.cuda.reset_peak_memory_stats(device)
            seconds = run_population(Population(dataset, largest=size, **settings), cells[: max(size, ALONE)]).wall
            if is_gpu:
                memory[size] = f"{torch.cuda.max_memory_allocated(device) / 1e6:.0f}"
            if number >= 0:
                together[size].append(seconds)
    print(f"\n{dataset.name} on {device}: {epochs} epoch(s), {rounds} rounds\n")
    print("| | wall s per architecture | times as quick | peak MB of the GPU |\n|---|---|---|---|")
    print(f"| one by one, {ALONE} architectures | {spread(alone, 4)} | | |")
    for size, rows in together.items():
        gains = [slow / quick for slow, quick in zip(alone, rows, strict=True)]
        print(f"| {size} at once | {spread(rows, 4)} | {spread(gains)} | {memory[size]} |")


def time_table(recipe: Recipe, device: str, size: int, rows: int | None = None) -> None:
    """Print how long a table's trainings take with one seed; ``rows`` of them if that is given."""
    architectures = distinct(NASBench201())[0]
    chosen = architectures[:rows]
    started = time.perf_counter()
    for job in batches(0, chosen, size):
        train(recipe, device, job)
    seconds = time.perf_counter() - started
    print(
        f"{recipe.name}: {len(chosen):,} of {len(architectures):,} rows, one seed, {recipe.epochs} epochs, "
        f"{size} at once on {device}: {seconds:.1f} wall s"
    )


def main() -> None:
    """Read the command line and run one comparison."""
    parser = argparse.ArgumentParser(description="What does training a population save?")
    parser.add_argument("comparison", choices=["sweep", "goal", "growth", "live", "cuda", "peak"])
    parser.add_argument("--dataset", action="append", help="default: mnist1d and digits; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, help=f"default: {EPOCHS}")
    parser.add_argument("--device", default="cpu", help="of cuda")
    parser.add_argument("--size", type=int, action="append", help="K of sweep and cuda; may be repeated")
    parser.add_argument("--whole-table", action="store_true", help="of cuda: also a table's trainings with one seed")
    parser.add_argument("--rows", type=int, help="of --whole-table: so many only")
    parser.add_argument("--architectures", type=int, default=0, help="of peak, which the others start")
    parser.add_argument("--largest", type=int, help="of peak")
    given = parser.parse_args()
    names = given.dataset or ["mnist1d", "digits"]
    if given.comparison == "peak":
        print_peak(data.load(names[0]), given.architectures, given.largest)
        return
    print(machine(given.device))
    epochs = given.epochs or EPOCHS[given.comparison]
    if given.comparison == "growth":
        grow(given.rounds, epochs)
        return
    for name in names:
        if given.comparison == "sweep":
            sizes = given.size or SIZES
            compare(data.load(name), max(sizes), sizes, given.rounds, epochs)
        elif given.comparison == "live":
            search_live(data.load(name), given.rounds, epochs)
        elif given.comparison == "goal":
            compare(data.load(name), 32, [None, 32], given.rounds, epochs)
        else:
            sizes = given.size or SIZES_OF_A_GPU
            compare_on_gpu(data.load(name), sizes, given.device, given.rounds, epochs)
            if given.whole_table:
                time_table(RECIPES[f"nasbench201-{name}"], given.device, max(sizes), given.rows)


if __name__ == "__main__":
    main()
