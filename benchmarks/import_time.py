"""How long ``import nasedu`` takes in fresh interpreters, and what of it is numpy.

    python benchmarks/import_time.py [runs]

The bar is 0.3 s. The first run, which may have to write byte code, is not counted. The time is
taken without ``-X importtime``, which adds to it; the breakdown by library is taken with it.
"""

import os
import platform
import re
import statistics
import subprocess
import sys
from collections import Counter

import numpy as np

BAR = 0.3  # seconds
LINE = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \| ( *)(\S+)")
TIMED = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def seconds_to_import(module: str, runs: int) -> list[float]:
    """Return the seconds of so many imports, each in a fresh interpreter, sorted."""
    command = [sys.executable, "-c", TIMED.format(module)]
    return sorted(
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(runs)
    )


def own_seconds_by_library() -> Counter[str]:
    """Return the seconds that each library's own modules took in one import, as ``-X importtime`` reports them."""
    command = [sys.executable, "-X", "importtime", "-c", "import nasedu"]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    own: Counter[str] = Counter()
    for match in LINE.finditer(report):
        own[match[4].split(".")[0]] += int(match[1]) / 1e6
    return own


def main(runs: int = 11) -> int:
    """Print the median of so many runs; return 1 if it is above the bar."""
    seconds_to_import("nasedu", 1)
    medians = {}
    for module in ("nasedu", "numpy"):
        times = seconds_to_import(module, runs)
        medians[module] = statistics.median(times)
        print(f"import {module}: median {medians[module]:.3f} s of {runs} runs, {times[0]:.3f} to {times[-1]:.3f}")
    parts = ", ".join(f"{library} {seconds:.3f} s" for library, seconds in own_seconds_by_library().most_common(5))
    print(f"bar {BAR} s; modules with most time of their own: {parts}")
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; " if hasattr(os, "getloadavg") else ""
    print(f"{platform.platform()}; {load}Python {platform.python_version()}, numpy {np.__version__}")
    return int(medians["nasedu"] > BAR)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
