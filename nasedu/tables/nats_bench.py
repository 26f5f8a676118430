"""NATS-Bench, from the benchmark's own files: the topology space, which is NAS-Bench-201's, and the size space.

Dong, Liu, Musial & Gabrys, "NATS-Bench: Benchmarking NAS Algorithms for Architecture Topology and Size",
TPAMI 2021, arXiv:2009.00437.

The files (``NATS-tss-v1_0-3ffb9-simple``, some 2 GB, and ``NATS-sss-v1_0-50262-simple``) and the package that reads
them are the authors' (``pip install 'nasedu[benchmarks]'``). The files are pickles, which can carry code: open only
those that you trust. To need neither of them again, save the table: ``read_nats_bench(folder).save("nats.npz")``.

Every architecture is scored by its validation accuracy, and test accuracy is that after the longest training (200
epochs for topologies, 90 for sizes), as in the paper's searches:

    dataset           scored on                       tested on
    cifar10           cifar10-valid, x-valid          cifar10, ori-test (trained on training and validation images)
    cifar100          cifar100, x-valid               cifar100, x-test
    ImageNet16-120    ImageNet16-120, x-valid         ImageNet16-120, x-test
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nasedu.core import SearchSpace
from nasedu.spaces import NASBench201, NATSSize
from nasedu.tables.table import Table

__all__ = ["read_nats_bench"]

SPLITS = {  # (dataset, split) of the validation and of the test accuracy
    "cifar10": (("cifar10-valid", "x-valid"), ("cifar10", "ori-test")),
    "cifar100": (("cifar100", "x-valid"), ("cifar100", "x-test")),
    "ImageNet16-120": (("ImageNet16-120", "x-valid"), ("ImageNet16-120", "x-test")),
}
SPACES: dict[str, tuple[Callable[[], SearchSpace], str, tuple[int, ...]]] = {  # also its short name, and its trainings
    "topology": (NASBench201, "tss", (12, 200)),
    "size": (NATSSize, "sss", (1, 12, 90)),
}
Accuracies = dict[int, float]  # seed: accuracy in [0, 1]


def read_nats_bench(
    source: Any, *, space: str = "topology", dataset: str = "cifar10", epochs: int = 12, progress: bool = False
) -> Table:
    """Read a table of all 15,625 topologies or all 32,768 sizes.

    Architectures have one to three trainings, so accuracies of other seeds are missing: a trial is the mean of those
    that are there, and a view of one seed has failed trials. Metrics: parameters; FLOPs, twice the benchmark's number,
    since we count a multiply-add as two; and the benchmark's own seconds per epoch of training, on its authors' GPUs.

    Args:
        source: the folder of the files, or an API object (``nats_bench.create(…, "tss")``, or ``"sss"``).
        space: ``"topology"`` or ``"size"``; the source must be of it.
        dataset: ``"cifar10"``, ``"cifar100"`` or ``"ImageNet16-120"``.
        epochs: the training that is scored, each with its own schedule: 12 or 200 of topologies, 1, 12 or 90 of sizes.
        progress: show a bar; reading the files takes minutes.

    Raises:
        ValueError: there is no such space, dataset or training, the folder is not the benchmark's, or architectures
            are missing.
        ImportError: the package nats_bench is not installed.
    """
    from tqdm.auto import tqdm

    if space not in SPACES:
        raise ValueError(f"space must be {' or '.join(map(repr, SPACES))}; got {space!r}.")
    kind, benchmark_name, trainings = SPACES[space]
    if dataset not in SPLITS:
        raise ValueError(f"dataset must be one of {', '.join(SPLITS)}; got {dataset!r}.")
    if epochs not in trainings:
        known = " or ".join(map(str, trainings))
        raise ValueError(f"epochs must be {known}, the trainings of the benchmark; got {epochs}.")
    api = _create(Path(source), benchmark_name) if isinstance(source, str | Path) else source
    architectures, longest, rows = kind(), trainings[-1], []
    for each in tqdm(architectures, "reading", total=architectures.size, disable=not progress):
        rows.append(_read_architecture(api, str(each), dataset, epochs, longest))
    seeds = sorted({seed for validation, test, _ in rows for seed in (*validation, *test)})
    return Table(
        f"nats-bench-{dataset}" if space == "topology" else f"nats-bench-size-{dataset}",
        architectures,
        [[[validation.get(seed, math.nan)] for seed in seeds] for validation, _, _ in rows],
        seeds=seeds,
        epochs=(epochs,),
        test=[[test.get(seed, math.nan) for seed in seeds] for _, test, _ in rows],
        metrics={name: np.array([metrics[name] for _, _, metrics in rows]) for name in rows[0][2]},
        provenance={
            "source": f"NATS-Bench {api.filename}",
            "dataset": dataset,
            "epochs": epochs,
            "test_epochs": longest,
        },
    )


def _create(folder: Path, benchmark_name: str) -> Any:
    try:
        import nats_bench
    except ImportError as error:
        raise ImportError("the package nats_bench is not installed: run pip install 'nasedu[benchmarks]'.") from error
    if not (folder / "meta.pickle.pbz2").is_file():
        raise ValueError(
            f"{folder} must be the folder of NATS-Bench's files (NATS-tss-v1_0-3ffb9-simple for topologies, "
            "NATS-sss-v1_0-50262-simple for sizes), with meta.pickle.pbz2 in it; it is not there."
        )
    return nats_bench.create(str(folder), benchmark_name, fast_mode=True, verbose=False)


def _read_architecture(
    api: Any, text: str, dataset: str, epochs: int, longest: int
) -> tuple[Accuracies, Accuracies, dict[str, float]]:
    """Return validation and test accuracies by seed, and what the architecture costs."""
    try:
        index = api.archstr2index[text]
        was_there = index in api.arch2infos_dict
        if not was_there:
            api.reload(api.archive_dir, index)
        results = api.arch2infos_dict[index]
        scored, tested = SPLITS[dataset]
        validation = _accuracies(results[f"{epochs:02d}"], *scored)
        test = _accuracies(results[f"{longest:02d}"], *tested)
        cost = results[f"{longest:02d}"].get_compute_costs(scored[0])
        seconds = results[f"{epochs:02d}"].get_compute_costs(scored[0])["T-train@epoch"]
        if not was_there:  # all of them at once would need many gigabytes
            del api.arch2infos_dict[index]
    except (KeyError, AssertionError, ValueError) as error:
        raise ValueError(f"the benchmark's files lack {text} on {dataset}, or a part of it: {error}.") from error
    metrics = {
        "parameters": round(1e6 * cost["params"]),
        "flops": round(2e6 * cost["flops"]),
        "seconds_per_epoch": math.nan if seconds is None else seconds,
    }
    return validation, test, metrics


def _accuracies(results: Any, dataset: str, split: str) -> Accuracies:
    """Return the accuracy after the last epoch of each seed."""
    trainings = results.query(dataset)
    return {int(seed): each.get_eval(split)["accuracy"] / 100 for seed, each in trainings.items()}
