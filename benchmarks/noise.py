"""How informative would a table be, were its networks trained for longer?

Random cells of NAS-Bench-201, each of another canonical form, with the settings of the tables and another number of
epochs; several seeds each. *Between cells* is the standard deviation of the means, *noise* that of one training around
its mean, *rank correlation* Spearman's between two seeds. Brackets: 95 % interval, by drawing cells with replacement.

    python benchmarks/noise.py [--data mnist1d] [--cells 100] [--seeds 2] [--epochs 10 20 40] [--processes 2]
"""

import argparse
import os
import platform
import time
from contextlib import closing
from functools import partial

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import nasedu as nas
from nasedu.processes import side_by_side
from nasedu.tables.info import rank_correlations, seed_noise

BATCH = 16
RESAMPLES = 1000


def train(data, job):
    """Return the validation accuracies of a batch of cells, in the given order."""
    epochs, seed, texts = job
    space = nas.spaces.NASBench201()
    evaluator = nas.evaluators.Population(nas.data.load(data), epochs=epochs, seed=seed, device="cpu")
    return [trial.accuracy for trial in evaluator([space.parse(text) for text in texts])]


def statistics(values):
    """Return between cells, noise and their ratio, and the rank correlation, of accuracies [cells, seeds]."""
    between, noise = values.mean(axis=1).std(ddof=1), seed_noise(values)
    return 100 * between, 100 * noise, between / noise, rank_correlations(values)[0]


def main():
    """Train everything, and print a line for each number of epochs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist1d", help="mnist1d (default) or digits")
    parser.add_argument("--cells", type=int, default=100, help="how many (100)")
    parser.add_argument("--seeds", type=int, default=2, help="trainings of each cell, at least 2 (2)")
    parser.add_argument("--epochs", type=int, nargs="+", default=[10, 20, 40], help="of each training (10 20 40)")
    parser.add_argument("--processes", type=int, default=2, help="trainings at a time (2)")
    arguments = parser.parse_args()
    if not 2 <= arguments.cells <= 5044 or arguments.seeds < 2:
        parser.error("there must be 2 to 5,044 cells and at least 2 seeds")
    rng, space = np.random.default_rng(0), nas.spaces.NASBench201()
    cells = {}
    while len(cells) < arguments.cells:
        cell = space.sample(rng)
        cells.setdefault(space.canonical(cell), str(cell))
    texts = list(cells.values())
    print(f"nasedu {nas.__version__}, Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}")
    print(f"{arguments.data}, {len(texts)} cells, {arguments.seeds} seeds\n")
    print("| epochs | between cells, points | noise, points | between / noise | rank correlation | minutes |")
    print("|---|---|---|---|---|---|")
    for epochs in arguments.epochs:
        start, found = time.perf_counter(), {}
        starts = range(0, len(texts), BATCH)
        jobs = [(epochs, seed, texts[at : at + BATCH]) for seed in range(arguments.seeds) for at in starts]
        with closing(side_by_side(partial(train, arguments.data), jobs, arguments.processes)) as results:
            for (_, seed, batch), accuracies in results:
                found |= {(text, seed): accuracy for text, accuracy in zip(batch, accuracies, strict=True)}
        values = np.array([[found[text, seed] for seed in range(arguments.seeds)] for text in texts])
        drawn = [statistics(values[rng.integers(len(values), size=len(values))]) for _ in range(RESAMPLES)]
        ends = np.quantile(drawn, [0.025, 0.975], axis=0).T
        forms = ("{:.2f}", "{:.2f}", "{:.1f}", "{:.3f}")
        columns = [
            f"{form.format(value)} ({form.format(low)} to {form.format(high)})"
            for form, value, (low, high) in zip(forms, statistics(values), ends, strict=True)
        ]
        print(f"| {epochs} | {' | '.join(columns)} | {(time.perf_counter() - start) / 60:.1f} |", flush=True)


if __name__ == "__main__":
    main()
