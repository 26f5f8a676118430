"""How good an architecture does each strategy of several fidelities find in how many seconds of training?

On the table in the package, NAS-Bench-201 on MNIST-1D: a trial costs its epochs times the seconds that one took when
the table was built. Every search sees validation accuracies only; its incumbent, the best of those trained for
longest so far, is judged by its test accuracy.

    python benchmarks/multi_fidelity.py [--seeds 50] [--seconds 320] [--processes 2]

Early epochs are those of the table's trainings of 10 epochs, so every rung sees a learning rate that is still high.
"""

import argparse
import os
import platform
from functools import cache
from multiprocessing import get_context

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import nasedu as nas
from nasedu.history import is_better

S = nas.strategies
# What a search is called here, and what makes its strategy; defaults where nothing is said.
RANDOM = "random search, 10 epochs"
STRATEGIES = {
    RANDOM: S.RandomSearch,
    "successive halving": S.SuccessiveHalving,
    "successive halving, n = 27": lambda space, rng: S.SuccessiveHalving(space, rng, bracket_size=27),
    "Hyperband": S.Hyperband,
    "ASHA": S.ASHA,
    "TPE, 10 epochs": S.OptunaStrategy,
    "BOHB": S.BOHB,
    "ASHA, TPE": lambda space, rng: S.ASHA(space, rng, sampler=S.OptunaStrategy),
    "regularized evolution, P=10 S=3, 10 epochs": lambda space, rng: S.RegularizedEvolution(
        space, rng, population_size=10, sample_size=3
    ),
}
CHECKPOINTS = (20, 40, 80, 160, 320, 640, 1280)


@cache
def read():
    """Return the table and the validation accuracy of its best hundredth; each process reads it once."""
    table = nas.tables.load("nasbench201-mnist1d")
    return table, float(np.quantile(table.accuracies(), 0.99))


def search(job):
    """Return the incumbent's test accuracy in % at each checkpoint, and when the best hundredth was reached."""
    name, seed, checkpoints = job
    table, goal = read()
    strategy = STRATEGIES[name](table.space, np.random.default_rng(seed))
    seconds, best, found, reached = 0.0, None, [], np.inf
    for trial in nas.search(strategy, table, trials=1_000_000):
        seconds += trial.cost
        while len(found) < len(checkpoints) and seconds > checkpoints[len(found)]:
            found.append(np.nan if best is None else 100 * table.test(best.architecture))
        if len(found) == len(checkpoints):
            return found, reached
        best = trial if best is None or is_better(trial, best) else best
        if trial.epochs == 10 and trial.score >= goal:
            reached = min(reached, seconds)


def main():
    """Search with every strategy and seed, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=50, help="searches of each kind (50)")
    parser.add_argument("--seconds", type=int, default=320, help="of training in each search (320)")
    parser.add_argument("--processes", type=int, default=2, help="searches at a time (2)")
    parser.add_argument("--only", nargs="+", default=list(STRATEGIES), choices=list(STRATEGIES), metavar="NAME")
    arguments = parser.parse_args()
    checkpoints = [s for s in CHECKPOINTS if s < arguments.seconds] + [arguments.seconds]
    table, goal = read()
    final = table.accuracies()

    print(f"nasedu {nas.__version__}, Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}")
    print(f"{arguments.seeds} seeds; test accuracy in % of the incumbent after so many seconds, mean ± std. deviation;")
    print("above random: difference of the means over these times, with its 95 % interval;")
    print(f"goal: seconds until a cell has {goal:.4f} after 10 epochs, as 1 in 100 has: median (10 % to 90 %)")
    print(
        f"a training of 10 epochs takes {np.mean(10 * table.metrics['seconds_per_epoch'][table.rows]):.1f} s on average"
    )
    for epochs in (1, 3):
        early = table.at(epochs).accuracies()
        ranks = [nas.analysis.rank_correlation(early, final, top).spearman for top in (1.0, 0.1)]
        print(f"rank correlation of epochs {epochs} and 10: {ranks[0]:.2f}; of the best tenth of cells: {ranks[1]:.2f}")
    print()
    print("| strategy | " + " | ".join(f"{s} s" for s in checkpoints) + " | above random | goal |")
    print("|" + "---|" * (len(checkpoints) + 3))
    random_search = None
    with get_context("spawn").Pool(arguments.processes) as pool:
        for name in [RANDOM, *(name for name in arguments.only if name != RANDOM)]:
            results = pool.map(search, [(name, seed, checkpoints) for seed in range(arguments.seeds)])
            found = np.array([accuracies for accuracies, _ in results])  # [seeds, checkpoints]
            random_search = found if random_search is None else random_search
            cells = [f"{each.mean():.2f} ± {each.std(ddof=1):.2f}" for each in found.T]
            cells.append("" if name == RANDOM else difference(found.mean(axis=1), random_search.mean(axis=1)))
            low, median, high = np.quantile([reached for _, reached in results], [0.1, 0.5, 0.9], method="higher")
            print(f"| {name} | {' | '.join(cells)} | {median:.0f} ({low:.0f} to {high:.0f}) |", flush=True)
        pool.close()
        pool.join()


def difference(found, random_search):
    """Return the difference of two means with the half-width of its 95 % interval."""
    half = 1.96 * np.sqrt(found.var(ddof=1) / len(found) + random_search.var(ddof=1) / len(random_search))
    return f"{found.mean() - random_search.mean():+.2f} ± {half:.2f}"


if __name__ == "__main__":
    main()
