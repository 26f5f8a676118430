"""How long ``import nasedu`` takes, in fresh interpreters, and which modules cost most of it.

    python benchmarks/import_time.py [runs]

The bar is 0.3 s. The first run, which may have to write byte code, is not counted.
"""

import platform
import re
import statistics
import subprocess
import sys

import numpy as np

BAR = 0.3  # seconds
LINE = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \| ( *)(\S+)")


def import_times() -> list[tuple[str, float, float]]:
    """Return (module, own seconds, seconds with what it imports) of one ``import nasedu``, in order of completion."""
    command = [sys.executable, "-X", "importtime", "-c", "import nasedu"]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return [(match[4], int(match[1]) / 1e6, int(match[2]) / 1e6) for match in LINE.finditer(report)]


def main(runs: int = 11) -> int:
    """Print the median of so many runs; return 1 if it is above the bar."""
    import_times()
    totals, own = [], {}
    for _ in range(runs):
        times = import_times()
        totals.append(next(total for module, _, total in times if module == "nasedu"))
        for module, seconds, _ in times:
            part = module.split(".")[0]
            own.setdefault(part, []).append((module, seconds))
    median = statistics.median(totals)
    print(f"import nasedu: median {median:.3f} s of {runs} runs ({min(totals):.3f} to {max(totals):.3f}); bar {BAR} s")
    costly = sorted(((sum(s for _, s in rows) / runs, part) for part, rows in own.items()), reverse=True)[:6]
    print("of which, on average: " + ", ".join(f"{part} {seconds:.3f} s" for seconds, part in costly))
    machine = f"{platform.system()} {platform.machine()}, {platform.processor() or 'unknown processor'}"
    print(f"{machine}; Python {platform.python_version()}, numpy {np.__version__}")
    return int(median > BAR)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
