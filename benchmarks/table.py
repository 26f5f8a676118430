"""How quick is a table: loading it, looking architectures up, and a search on it.

    python benchmarks/table.py FILE.npz

Prints the median and the range over rounds, each with other architectures.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import nasedu as nas

ROUNDS = 9
LOOK_UPS = 20_000
TRIALS = 5_000


def seconds(run: Callable[[int], object]) -> list[float]:
    """Run with the number of every round, after one round that warms up."""
    found = []
    for number in range(ROUNDS + 1):
        start = time.perf_counter()
        run(number)
        found.append(time.perf_counter() - start)
    return found[1:]


def spread(values: list[float], form: str) -> str:
    """Return median and range."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def main() -> None:
    """Read the command line and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="an .npz file")
    path = parser.parse_args().table
    table = nas.tables.Table.load(path)
    rngs = np.random.default_rng(0).spawn(ROUNDS + 1)
    cells = [[table.space.sample(rng) for _ in range(LOOK_UPS)] for rng in rngs]

    def search(number: int) -> None:
        strategy = nas.strategies.RandomSearch(table.space, np.random.default_rng(number))
        nas.search(strategy, table, TRIALS).run(progress=False)

    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, load {load}; nasedu {nas.__version__}, ", end="")
    print(f"Python {platform.python_version()}, numpy {np.__version__}; {ROUNDS} rounds\n{table}")
    print(f"file             {path.stat().st_size:,} bytes")
    print(f"load             {spread([1000 * s for s in seconds(lambda _: nas.tables.Table.load(path))], '.1f')} ms")
    rates = [LOOK_UPS / s for s in seconds(lambda number: table(cells[number]))]
    print(f"look-ups         {spread(rates, ',.0f')} a second, {LOOK_UPS:,} at a time")
    fresh = [LOOK_UPS / s for s in seconds(lambda number: table.at(table.epochs[-1])(cells[number]))]
    print(f"in a new view    {spread(fresh, ',.0f')} a second, rows that are looked up for the first time among them")
    print(
        f"random search    {spread([TRIALS / s for s in seconds(search)], ',.0f')} trials a second, {TRIALS:,} trials"
    )


if __name__ == "__main__":
    main()
