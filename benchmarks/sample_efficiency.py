"""How good an architecture does each strategy find in how many trials? On the NAS-Bench-201 CIFAR-10 table.

The protocol of the benchmark's paper (arXiv:2001.00326): strategies see the validation accuracy after
12 epochs, and what they judge best by it is judged by its test accuracy after 200 epochs.

    python benchmarks/sample_efficiency.py TABLE.csv.gz [--seeds 50] [--trials 500]

The table has the columns architecture, validation_accuracy_12_epochs and test_accuracy_200_epochs, in percent.
"""

import argparse
import os
import platform
import time
from functools import cache
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import nasedu as nas

# What a search is called here, its class and its settings; the defaults where there are none.
STRATEGIES = {
    "random search": ("RandomSearch", {}),
    "Boltzmann policy": ("BoltzmannPolicy", {}),
    "regularized evolution, P=10 S=3": ("RegularizedEvolution", {"population_size": 10, "sample_size": 3}),
    "regularized evolution, P=100 S=25": ("RegularizedEvolution", {}),
    "genetic algorithm": ("GeneticAlgorithm", {}),
    "REINFORCE": ("Reinforce", {}),
}
CHECKPOINTS = (50, 100, 200, 300, 500, 1000)


@cache
def read(table):
    """Return the table as an evaluator; each process reads it once."""
    return nas.tables.read(
        nas.spaces.NASBench201(),
        table,
        unit="%",
        score="validation_accuracy_12_epochs",
        test="test_accuracy_200_epochs",
    )


def incumbents(job):
    """Return the test accuracy in percent of the best so far after every trial, and the CPU seconds it took."""
    table, name, seed, trials = job
    evaluator = read(table)
    kind, settings = STRATEGIES[name]
    strategy = getattr(nas.strategies, kind)(evaluator.space, np.random.default_rng(seed), **settings)
    start = time.process_time()
    done = nas.search(strategy, evaluator, trials).run(progress=False).trials
    seconds = time.process_time() - start
    best, found = done[0], []
    for trial in done:
        best = max(best, trial, key=lambda trial: trial.score)
        found.append(100 * evaluator.test(best.architecture))
    return found, seconds


def main():
    """Search with every strategy and seed, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the CSV file")
    parser.add_argument("--seeds", type=int, default=50, help="searches of each kind (50)")
    parser.add_argument("--trials", type=int, default=500, help="trials of each search (500)")
    parser.add_argument("--processes", type=int, default=2, help="searches at a time (2)")
    parser.add_argument("--only", nargs="+", default=list(STRATEGIES), choices=list(STRATEGIES), metavar="NAME")
    arguments = parser.parse_args()
    checkpoints = [n for n in CHECKPOINTS if n < arguments.trials] + [arguments.trials]

    print(f"nasedu {nas.__version__}, Python {platform.python_version()}, numpy {np.__version__}, ", end="")
    print(f"{platform.machine()}, {os.cpu_count()} cores, {arguments.processes} processes")
    print(f"{arguments.seeds} seeds; 200-epoch test accuracy in % of the incumbent, mean ± standard deviation;")
    print("above random: difference of the means after the last trial, with its 95 % interval\n")
    print("| strategy | " + " | ".join(map(str, checkpoints)) + " | above random | trials per CPU second |")
    print("|" + "---|" * (len(checkpoints) + 3))
    random_search = None
    with get_context("spawn").Pool(arguments.processes) as pool:
        names = ["random search", *(name for name in arguments.only if name != "random search")]
        for name in names:
            jobs = [(arguments.table, name, seed, arguments.trials) for seed in range(arguments.seeds)]
            results = pool.map(incumbents, jobs)
            found = np.array([accuracies for accuracies, _ in results])  # [seeds, trials]
            speed = arguments.trials / np.median([seconds for _, seconds in results])
            random_search = found if random_search is None else random_search
            cells = [f"{found[:, n - 1].mean():.2f} ± {found[:, n - 1].std(ddof=1):.2f}" for n in checkpoints]
            print(f"| {name} | {' | '.join(cells)} | {difference(found, random_search)} | {speed:,.0f} |", flush=True)
        pool.close()
        pool.join()


def difference(found, random_search):
    """Return the difference of two means with the half-width of its 95 % interval."""
    a, b = found[:, -1], random_search[:, -1]
    half = 1.96 * np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    return "" if found is random_search else f"{a.mean() - b.mean():+.2f} ± {half:.2f}"


if __name__ == "__main__":
    main()
