"""What does first-order DARTS find on MNIST-1D, how long does it take, and is the cell any good?

    python benchmarks/darts.py [--seeds 3] [--steps 500] [--cells 20]

For each seed the micro supernet is searched, and the derived cell is trained alone with the settings of the lessons
(8 channels, 10 epochs). Beside it stand random cells, and the cell with most weights, which needs no search at all.
"""

from __future__ import annotations

import argparse
import os
import platform
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

import nasedu as nas

ALPHA_LEARNING_RATE = 0.01  # the paper's 3e-4 barely moves the softmax in a few hundred steps


def main() -> None:
    """Search, train what was found, and print both."""
    parser = argparse.ArgumentParser(description="What does first-order DARTS find on MNIST-1D?")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--cells", type=int, default=20, help="random cells to compare with")
    given = parser.parse_args()
    load = f"; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores" if hasattr(os, "getloadavg") else ""
    print(f"nasedu {nas.__version__}, torch {torch.__version__}, {platform.platform()}{load}")

    space, data = nas.spaces.NASBench201(), nas.data.load("mnist1d")
    train = nas.evaluators.Train(data, epochs=10, seed=0, device="cpu")
    for seed in range(given.seeds):
        strategy = nas.oneshot.DARTS(space, np.random.default_rng(seed), alpha_learning_rate=ALPHA_LEARNING_RATE)
        start = time.perf_counter()
        history = nas.oneshot.search(strategy, data, given.steps, seed=seed, device="cpu").run(progress=False)
        seconds = time.perf_counter() - start
        state, trial = strategy.state, train([history.derived])[0]
        print(
            f"seed {seed}: {seconds:.1f} s; losses {state['train_loss']:.2f} train, {state['validation_loss']:.2f} "
            f"validation; {history.derived}\n        alone: validation accuracy {trial.accuracy:.4f}"
        )
    rng = np.random.default_rng(100)
    trials = train([space.sample(rng) for _ in range(given.cells)])
    quantiles = np.quantile([trial.accuracy for trial in trials], [0, 0.25, 0.5, 0.75, 1])
    costs = [trial.cost for trial in trials]
    print(f"{given.cells} random cells: min, quartiles, max " + ", ".join(f"{q:.4f}" for q in quantiles))
    print(f"        seconds to train one: median {np.median(costs):.2f}, {min(costs):.2f} to {max(costs):.2f}")
    largest = space.parse(
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    )
    print(f"every edge a 3x3 convolution, the most weights: {train([largest])[0].accuracy:.4f}")


if __name__ == "__main__":
    main()
