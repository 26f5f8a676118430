"""How long it takes to count a search space up to what is the same, and to draw from it.

    python benchmarks/spaces.py [--rounds 7] [--vertices 7] [--parts nasbench101 nasbench201 sampling]

``nasbench101``: find all cells up to relabelling, with nothing prepared (caches are emptied before each round); beside
it, once and in the same run, the algorithm that the benchmark's authors describe (Ying, arXiv:1902.06192) in
plain Python: all matrices, all operations, one hash each. With 7 vertices that takes minutes, with ``--vertices 6``
seconds.

``nasbench201``: name all 15,625 cells by the benchmark's rule and by ours; beside it NATS-Bench's package, where it is
installed (``pip install 'nasedu[benchmarks]'``).

``sampling``: draw 10,000 architectures of every space, the first of them included, which may have to list something.
That they are valid is checked afterwards.

Times are CPU time of one thread. The exit code is 1 if NAS-Bench-101 takes more than 60 s or has not 423,624 cells, or
if NAS-Bench-201's 6,466, or drawing from a space, take more than 1 s.
"""

import argparse
import hashlib
import itertools
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import nasedu as nas
from nasedu.spaces import SPACES, isomorphism, nasbench201

DRAWS = 10_000
COUNTS = {2: 1, 3: 7, 4: 91, 5: 2_532, 7: 423_624}  # of NAS-Bench-101, by its authors' code; of 6 it is not published


def seconds(work: Callable[[], object], rounds: int, before: Callable[[], object] = lambda: None) -> list[float]:
    """Return the CPU seconds of each round, sorted."""
    found = []
    for _ in range(rounds):
        before()
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return sorted(found)


def spread(times: list[float]) -> str:
    """Return median, lowest and highest."""
    middle = f"{statistics.median(times):.3f}"
    return middle if len(times) == 1 else f"{middle} ({times[0]:.3f} to {times[-1]:.3f})"


# NAS-Bench-101 --------------------------------------------------------------------------------


def forget() -> None:
    """Empty the caches of graphs, relabellings and names."""
    for function in vars(isomorphism).values():
        if hasattr(function, "cache_clear"):
            function.cache_clear()
    nasbench201._canonical.cache_clear()


def reference_count(max_vertices: int, max_edges: int) -> int:
    """Return the number of different hashes, as the benchmark's authors counted."""
    found = set()
    for vertices in range(2, max_vertices + 1):
        pairs = [(source, target) for target in range(vertices) for source in range(target)]
        for bits in range(2 ** len(pairs)):
            edges = [pair for place, pair in enumerate(pairs) if bits >> place & 1]
            if len(edges) > max_edges or len({source for source, _ in edges}) < vertices - 1:
                continue
            if len({target for _, target in edges}) < vertices - 1:
                continue
            into = [[source for source, target in edges if target == vertex] for vertex in range(vertices)]
            out = [[target for source, target in edges if source == vertex] for vertex in range(vertices)]
            for operations in itertools.product(range(3), repeat=vertices - 2):
                found.add(reference_hash(into, out, (-1, *operations, -2)))
    return len(found)


def reference_hash(into: list[list[int]], out: list[list[int]], operations: tuple[int, ...]) -> str:
    """Return the iterated hash of a cell."""
    degrees = zip(map(len, out), map(len, into), operations, strict=True)
    hashes = [hashlib.md5(str(each).encode()).hexdigest() for each in degrees]
    for _ in operations:
        hashes = [
            hashlib.md5(
                (
                    "".join(sorted([hashes[source] for source in sources]))
                    + "|"
                    + "".join(sorted([hashes[target] for target in targets]))
                    + "|"
                    + own
                ).encode()
            ).hexdigest()
            for sources, targets, own in zip(into, out, hashes, strict=True)
        ]
    return hashlib.md5(str(sorted(hashes)).encode()).hexdigest()


def nasbench101(arguments: argparse.Namespace) -> bool:
    """Print how long counting takes; say whether it is quick enough and right."""
    vertices = arguments.vertices
    space = nas.spaces.NASBench101(max_vertices=vertices)
    counted = seconds(space.count_unique, arguments.rounds, forget)
    listed = seconds(lambda: sum(1 for _ in space.unique()), min(arguments.rounds, 3), forget)
    start = time.process_time()
    reference = reference_count(vertices, space.max_edges)
    theirs = time.process_time() - start
    count = space.count_unique()
    ratio = theirs / statistics.median(counted)
    print(f"NAS-Bench-101, at most {vertices} vertices and {space.max_edges} edges: {space.size:,} encodings")
    print(f"| count the {count:,} cells | {spread(counted)} |")
    print(f"| make each of them an architecture | {spread(listed)} |")
    print(f"| the authors' algorithm: {reference:,} | {spread([theirs])} |")
    print(f"counting is {ratio:,.0f} times as fast as the authors' algorithm\n", flush=True)
    return count == reference == COUNTS.get(vertices, count) and counted[-1] < 60


# NAS-Bench-201 --------------------------------------------------------------------------------


def nasbench201_names(arguments: argparse.Namespace) -> bool:
    """Print how long naming all cells takes; say whether it is quick enough and right."""
    space = nas.spaces.NASBench201()
    rule = seconds(lambda: len(set(map(space.benchmark_canonical, space))), arguments.rounds)
    ours = seconds(lambda: len(set(map(space.canonical, space))), arguments.rounds, forget)
    counts = [len(set(map(name, space))) for name in (space.benchmark_canonical, space.canonical)]
    print(f"NAS-Bench-201: {space.size:,} cells")
    print(f"| name them by the benchmark's rule: {counts[0]:,} | {spread(rule)} |")
    print(f"| name their functions: {counts[1]:,} | {spread(ours)} |")
    if find_spec("nats_bench"):
        from nats_bench.genotype_utils import topology_str2structure

        texts = list(map(str, space))
        theirs = seconds(
            lambda: len({topology_str2structure(text).to_unique_str(True) for text in texts}), arguments.rounds
        )
        print(f"| NATS-Bench's package, from strings | {spread(theirs)} |")
    print(flush=True)
    return counts == [6_466, 5_044] and rule[-1] < 1


# Sampling -------------------------------------------------------------------------------------


def draw(space: nas.SearchSpace, rng: np.random.Generator) -> list[nas.Architecture]:
    """Draw so many architectures, each as likely as any other."""
    return [space.sample(rng) for _ in range(DRAWS)]


def sampling(arguments: argparse.Namespace) -> bool:
    """Print how long drawing takes from each space; say whether it is quick enough and all is valid."""
    print(f"| space | architectures | {DRAWS:,} drawn, seconds |\n|---|---|---|")
    slowest = 0.0
    for name in SPACES:
        space, rng = nas.space(name), np.random.default_rng(0)
        times = seconds(partial(draw, space, rng), arguments.rounds, forget)
        for architecture in draw(space, rng):
            space.check(architecture.choices)
        slowest = max(slowest, statistics.median(times))
        size = f"{space.size:,}" if space.size < 10**12 else f"{space.size:.2e}".replace("e+", "·10^")
        print(f"| {name} | {'' if space.size_is_exact else 'at most '}{size} | {spread(times)} |", flush=True)
    return slowest < 1


def main() -> int:
    """Measure and print; return 1 if a bar was missed."""
    parts = {"nasbench101": nasbench101, "nasbench201": nasbench201_names, "sampling": sampling}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="of each measurement (7)")
    parser.add_argument("--vertices", type=int, default=7, help="of the largest cells of NAS-Bench-101 (7)")
    parser.add_argument("--parts", nargs="+", default=list(parts), choices=parts)
    arguments = parser.parse_args()
    print(f"nasedu {nas.__version__}, Python {platform.python_version()}, numpy {np.__version__}")
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(
        f"{platform.platform()}, {os.cpu_count()} cores{load}; CPU seconds of one thread, {arguments.rounds} rounds\n"
    )
    kept = {part: parts[part](arguments) for part in arguments.parts}
    print("\nbars kept: " + ", ".join(f"{part} {'yes' if each else 'NO'}" for part, each in kept.items()))
    return int(not all(kept.values()))


if __name__ == "__main__":
    sys.exit(main())
