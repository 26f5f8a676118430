"""How many trials a second does a search make where a trial costs next to nothing? All that is left is the search.

    python benchmarks/speed.py strategies [--rounds 7] [--only RandomSearch …]
    python benchmarks/speed.py growth [--steps 1000000] [--only RandomSearch …]

``strategies``: every strategy with its defaults on the table that nasedu brings, recorded in memory, and in the same
run the nearest public implementations on the same table: optuna, pymoo and pygad (``pip install nasedu[benchmarks]``).
A round is one search by each, so that what else the machine does falls on all of them. It prints the trials per second
of searches with 1,000 trials (200, where 100 take more than 0.1 s), and how long the asks of one with 200 trials take.

``growth``: the time of a step after 1e3, 1e4, … trials of one search, and the memory that a trial takes. The space is
that of DARTS, whose 1e18 architectures no search uses up; the scores are pseudo-random, so that nothing converges.

Times are CPU time of one thread.
"""

import argparse
import gc
import importlib
import inspect
import math
import os
import platform
import statistics
import time
import warnings
import zlib
from multiprocessing import get_context

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import psutil

import nasedu as nas

TABLE = "nasbench201-mnist1d"
CHEAP = ("RandomSearch", "LocalSearch", "SimulatedAnnealing", "RegularizedEvolution", "GeneticAlgorithm", "QLearning")


def names():
    """Return the strategies that can be made from a space and an rng: wrappers take a strategy instead."""
    classes = {name: getattr(nas.strategies, name) for name in nas.strategies.__all__}
    return [name for name, kind in classes.items() if next(iter(inspect.signature(kind).parameters)) == "space"]


def make(name, space, seed):
    """Return a fresh strategy with its defaults."""
    return getattr(nas.strategies, name)(space, np.random.default_rng(seed))


def rate(name, table, trials, seed):
    """Return the trials per CPU second of one search."""
    search = nas.search(make(name, table.space, seed), table, trials)
    start = time.process_time()
    search.run(progress=False)
    return trials / (time.process_time() - start)


def seconds_of_asks(name, table, trials, seed):
    """Return the CPU seconds of each ask of one search."""
    strategy, seconds = make(name, table.space, seed), []
    ask = strategy.ask

    def timed():
        start = time.process_time()
        asked = ask()
        seconds.append(time.process_time() - start)
        return asked

    strategy.ask = timed
    nas.search(strategy, table, trials).run(progress=False)
    return seconds


# The nearest public implementations: each searches with so many trials and a seed ---------------


def optuna_search(objective, counts, trials, seed, sampler):
    """Maximise with one of optuna's samplers."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def suggest(trial):
        return objective([trial.suggest_categorical(str(i), list(range(count))) for i, count in enumerate(counts)])

    study = optuna.create_study(direction="maximize", sampler=getattr(optuna.samplers, sampler)(seed=seed))
    study.optimize(suggest, n_trials=trials)


def pymoo_search(objective, counts, trials, seed):
    """Minimise with pymoo's genetic algorithm: 20 members, integers, evaluated one by one."""
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.core.problem import ElementwiseProblem
    from pymoo.operators.crossover.ux import UniformCrossover
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling
    from pymoo.optimize import minimize

    class Lookup(ElementwiseProblem):
        def __init__(self):
            super().__init__(n_var=len(counts), n_obj=1, xl=0, xu=np.array(counts) - 1, vtype=int)

        def _evaluate(self, x, out, *args, **kwargs):
            out["F"] = -objective(x)

    algorithm = GA(
        pop_size=20,
        sampling=IntegerRandomSampling(),
        crossover=UniformCrossover(repair=RoundingRepair()),
        mutation=PM(vtype=float, repair=RoundingRepair()),
    )
    minimize(Lookup(), algorithm, ("n_evals", trials), seed=seed)


def pygad_search(objective, counts, trials, seed):
    """Maximise with pygad's genetic algorithm: 20 members, of which the best 2 stay."""
    import pygad

    algorithm = pygad.GA(
        num_generations=trials // 18,
        num_parents_mating=10,
        sol_per_pop=20,
        keep_elitism=2,
        num_genes=len(counts),
        gene_type=int,
        gene_space=[list(range(count)) for count in counts],
        parent_selection_type="tournament",
        mutation_probability=1 / len(counts),
        fitness_func=lambda algorithm, choices, index: objective(choices),
        random_seed=seed,
        suppress_warnings=True,
    )
    algorithm.run()


OTHERS = {
    "optuna RandomSampler": lambda *job: optuna_search(*job, "RandomSampler"),
    "optuna TPESampler": lambda *job: optuna_search(*job, "TPESampler"),
    "pymoo GA": pymoo_search,
    "pygad GA": pygad_search,
}


def rate_of_other(name, table, trials, seed):
    """Return the evaluations per CPU second of one search by another library."""
    scores = []

    def objective(choices):
        (trial,) = table([table.space.architecture([int(choice) for choice in choices])])
        scores.append(trial.score)
        return trial.score

    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        OTHERS[name](objective, [len(decision.options) for decision in table.space.decisions], trials, seed)
    return len(scores) / (time.process_time() - start)


# The parts ------------------------------------------------------------------------------------


def versions():
    """Return the versions of the libraries that are compared, by name; None for one that is not installed."""
    found = {}
    for library in ("optuna", "pymoo", "pygad"):
        try:
            found[library] = importlib.import_module(library).__version__
        except ImportError:
            found[library] = None
    return found


def strategies(arguments):
    """Print the table of all strategies and of the other libraries."""
    table = nas.tables.load(TABLE)
    table(list(table.space))  # the first look at a row makes its trial
    rate_of = {name: rate for name in arguments.only or names()}
    if not arguments.only:
        rate_of |= {name: rate_of_other for name in OTHERS if versions()[name.split()[0]]}
    trials, rates = {}, {name: [] for name in rate_of}
    for name, measure in rate_of.items():
        measure(name, table, 20, 0)  # imports what it needs
        trials[name] = 1_000 if measure(name, table, 100, 0) > 1_000 else 200
    gc.collect()
    gc.freeze()  # what all these libraries have loaded, so that no search pays for looking through it
    for seed in range(arguments.rounds):
        for name, measure in rate_of.items():
            rates[name].append(measure(name, table, trials[name], seed))

    print(f"{arguments.rounds} rounds, trials per second: median (lowest to highest); asks: of one search\n")
    print("| | trials | trials per second | mean ask, ms | longest ask, ms |\n|---|---|---|---|---|")
    for name in sorted(rates, key=lambda name: (name in OTHERS, -statistics.median(rates[name]))):
        asks = [1e3 * each for each in seconds_of_asks(name, table, 200, 0)] if rate_of[name] is rate else []
        shown = f"{statistics.mean(asks):.2g} | {max(asks):.2g}" if asks else " | "
        found = f"{statistics.median(rates[name]):,.0f} ({min(rates[name]):,.0f} to {max(rates[name]):,.0f})"
        print(f"| {name} | {trials[name]:,} | {found} | {shown} |", flush=True)


def pseudo_random(architectures):
    """Score architectures without any structure, and quickly."""
    return [nas.Trial(each, accuracy=zlib.crc32(bytes(each.choices)) / 2**32) for each in architectures]


def windows(job):
    """Return the CPU seconds of a step in the last tenth before 1e3, 1e4, … trials, and the bytes that a trial took."""
    name, steps = job
    search = nas.search(make(name, nas.spaces.DARTS(), 0), pseudo_random, steps)
    process, found = psutil.Process(), []
    ends = [10**power for power in range(3, 1 + round(math.log10(steps)))]
    before = process.memory_info().rss
    for end in ends:
        while len(search.history.trials) < end - end // 10:
            search.step()
        start = time.process_time()
        for _ in range(end // 10):
            search.step()
        found.append((time.process_time() - start) / (end // 10))
    return found, (process.memory_info().rss - before) / steps


def growth(arguments):
    """Print how long a step takes as a search grows."""
    ends = [f"{10**power:,}" for power in range(3, 1 + round(math.log10(arguments.steps)))]
    print("µs of a step in the last tenth before so many trials, one search each\n")
    print(f"| | {' | '.join(ends)} | bytes per trial |")
    print("|" + "---|" * (len(ends) + 2))
    for name in arguments.only or [name for name in CHEAP if name in names()]:
        with get_context("spawn").Pool(1) as pool:  # a process of its own, for the memory
            seconds, size = pool.map(windows, [(name, arguments.steps)])[0]
            pool.close()
            pool.join()
        print(f"| {name} | {' | '.join(f'{1e6 * each:.1f}' for each in seconds)} | {size:,.0f} |", flush=True)


def main():
    """Measure one part and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("strategies", "growth"))
    parser.add_argument("--rounds", type=int, default=7, help="searches of each kind (7)")
    parser.add_argument("--steps", type=int, default=1_000_000, help="trials of the searches that grow (1000000)")
    parser.add_argument("--only", nargs="+", default=[], choices=names(), metavar="NAME")
    arguments = parser.parse_args()
    others = ", ".join(f"{library} {version or 'is not installed'}" for library, version in versions().items())
    print(f"nasedu {nas.__version__}, Python {platform.python_version()}, numpy {np.__version__}, {others}")
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; CPU time of one thread")
    {"strategies": strategies, "growth": growth}[arguments.part](arguments)


if __name__ == "__main__":
    main()
