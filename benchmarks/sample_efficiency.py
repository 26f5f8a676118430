"""How good an architecture does each strategy find in how many trials? On a table, so that luck averages out.

The protocol of NAS-Bench-201's paper (arXiv:2001.00326), on its CIFAR-10 table: strategies see the validation
accuracy after 12 epochs, and what they judge best by it is judged by its test accuracy after 200 epochs.

    python benchmarks/sample_efficiency.py TABLE.csv.gz [--seeds 300] [--trials 200] [--only "local search" …]
    python benchmarks/sample_efficiency.py --shipped nasbench201-mnist1d [--seeds 300] …

The file has the columns architecture, validation_accuracy_12_epochs and test_accuracy_200_epochs, in percent. A table
that nasedu ships is searched by the validation accuracy of its first training, and judged by its test accuracy.
"""

import argparse
import os
import platform
import sys
from functools import cache
from multiprocessing import get_context

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import nasedu as nas

# What a search is called here: its class, its settings (the defaults where there are none), and the mean test accuracy
# in percent that it must reach with 100 trials on the CIFAR-10 table, None where nothing is asked of it.
STRATEGIES = {
    "random search": ("RandomSearch", {}, None),
    "local search": ("LocalSearch", {}, 94.15),
    "simulated annealing": ("SimulatedAnnealing", {}, None),
    "Boltzmann policy": ("BoltzmannPolicy", {}, None),
    "regularized evolution": ("RegularizedEvolution", {}, 94.10),
    "regularized evolution, P=10 S=3": ("RegularizedEvolution", {"population_size": 10, "sample_size": 3}, None),
    "regularized evolution, P=100 S=25": ("RegularizedEvolution", {"population_size": 100, "sample_size": 25}, None),
    "genetic algorithm": ("GeneticAlgorithm", {}, None),
    "NSGA-II, one objective": ("NSGA2", {}, None),
    "Bayesian optimisation": ("BayesianOptimization", {}, 94.25),
    "BANANAS": ("Bananas", {}, None),
    "REINFORCE, table": ("ReinforceTable", {}, 93.90),
    "REINFORCE": ("Reinforce", {}, 93.90),
    "PPO": ("PPO", {}, 93.90),
    "Q-learning": ("QLearning", {}, 93.90),
    "Q-learning, building": ("QLearning", {"environment": "build"}, None),
    "DQN": ("DQN", {}, 93.90),
}
CHECKPOINTS = (50, 100, 150, 200, 300, 500, 1000)
BAR_AT = 100  # trials


@cache
def read(path, shipped):
    """Return the table as an evaluator; each process reads it once."""
    if shipped:
        table = nas.tables.load(shipped)
        return table.one(table.seeds[0])
    columns = {"score": "validation_accuracy_12_epochs", "test": "test_accuracy_200_epochs"}
    return nas.tables.read(nas.spaces.NASBench201(), path, unit="%", **columns)


def incumbents(job):
    """Return the test accuracy in percent of the best so far after every trial."""
    path, shipped, name, seed, trials = job
    table = read(path, shipped)
    kind, settings, _ = STRATEGIES[name]
    strategy = getattr(nas.strategies, kind)(table.space, np.random.default_rng(seed), **settings)
    done = nas.search(strategy, table, trials).run(progress=False).trials
    best, found = done[0], []
    for trial in done:
        best = max(best, trial, key=lambda trial: trial.score)
        found.append(100 * table.test(best.architecture))
    return found


def arguments_of(parser):
    """Return the arguments, of which exactly one names a table."""
    parser.add_argument("table", nargs="?", help="the CSV file of NAS-Bench-201")
    parser.add_argument("--shipped", choices=nas.tables.names(), metavar="NAME", help="a table of nasedu instead")
    parser.add_argument("--seeds", type=int, default=300, help="searches of each kind (300)")
    parser.add_argument("--trials", type=int, default=200, help="trials of each search (200)")
    parser.add_argument("--processes", type=int, default=2, help="searches at a time (2)")
    parser.add_argument("--only", nargs="+", default=list(STRATEGIES), choices=list(STRATEGIES), metavar="NAME")
    arguments = parser.parse_args()
    if (arguments.table is None) == (arguments.shipped is None):
        parser.error("name the CSV file of NAS-Bench-201, or a table of nasedu with --shipped; not both")
    return arguments


def main():
    """Search with every strategy and seed, and print the table. The exit code is 1 if a strategy finds too little."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments = arguments_of(parser)
    checkpoints = [n for n in CHECKPOINTS if n < arguments.trials] + [arguments.trials]
    has_bars = arguments.shipped is None and BAR_AT in checkpoints

    print(f"nasedu {nas.__version__}, Python {platform.python_version()}, numpy {np.__version__}, ", end="")
    print(f"{platform.machine()}, {os.cpu_count()} cores, {arguments.processes} processes")
    print(f"{arguments.seeds} seeds; test accuracy in % of the incumbent, mean ± standard deviation;")
    print("above random: difference of the means after the last trial, with its 95 % interval\n")
    columns = ["strategy", *map(str, checkpoints), *([f"at least, at {BAR_AT}"] if has_bars else []), "above random"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)
    random_search, failed = None, []
    with get_context("spawn").Pool(arguments.processes) as pool:
        for name in ["random search", *(name for name in arguments.only if name != "random search")]:
            jobs = [
                (arguments.table, arguments.shipped, name, seed, arguments.trials) for seed in range(arguments.seeds)
            ]
            found = np.array(pool.map(incumbents, jobs))  # [seeds, trials]
            random_search = found if random_search is None else random_search
            cells = [f"{found[:, n - 1].mean():.2f} ± {found[:, n - 1].std(ddof=1):.2f}" for n in checkpoints]
            if has_bars:
                bar = STRATEGIES[name][2]
                missed = bar is not None and bool(found[:, BAR_AT - 1].mean() < bar)
                failed += [name] if missed else []
                cells.append("" if bar is None else f"{bar:.2f} {'✗' if missed else '✓'}")
            print(f"| {name} | {' | '.join(cells)} | {difference(found, random_search)} |", flush=True)
        pool.close()
        pool.join()
    return int(bool(failed))


def difference(found, random_search):
    """Return the difference of two means with the half-width of its 95 % interval."""
    a, b = found[:, -1], random_search[:, -1]
    half = 1.96 * np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    return "" if found is random_search else f"{a.mean() - b.mean():+.2f} ± {half:.2f}"


if __name__ == "__main__":
    sys.exit(main())
