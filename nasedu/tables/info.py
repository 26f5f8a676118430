"""What a table can tell and what it cannot: how far cells lie apart, and how far two trainings of one cell.

S   seeds; x[r, s] the validation accuracy of row r with seed s, after the last epoch
between cells      standard deviation over the rows of the means over the seeds
noise              √ mean over the rows of the variance over the seeds: how far one training is from the mean of many
error of a mean    noise · √ mean over the rows of 1 / S[r], with S[r] the trainings of row r that succeeded: how far
                   the stored mean is from the mean of many; noise / √S where all have succeeded
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasedu.spaces import NASBench201
from nasedu.tables.table import Table, mean_known

__all__ = ["describe", "error_of_mean", "rank_correlations", "seed_noise"]


def describe(table: Table) -> str:
    """Return what is in a table, in lines of text.

    Statistics are over rows: where architectures that compute the same share one, each function counts once.
    """
    means = mean_known(table.validation[:, :, -1], axis=1)
    quartiles = np.nanquantile(means, (0, 0.25, 0.5, 0.75, 1))
    lines = [
        ("table", f"{table.name}, checksum {table.checksum}"),
        ("architectures", f"{len(table):,} of {table.space.name} in {len(means):,} rows"),
        ("seeds", ", ".join(map(str, table.seeds))),
        ("epochs", ", ".join("not known" if epoch is None else f"{epoch:g}" for epoch in table.epochs)),
        ("metrics", ", ".join(f"{name} ({unit[0]})" for name, unit in table.units.items()) or "none"),
        ("test accuracy", "yes" if table.has_test else "none"),
        ("", ""),
        ("validation accuracy after the last epoch that is there, in %, over the rows", ""),
        ("min, quartiles, max", ", ".join(f"{100 * each:.2f}" for each in quartiles)),
        *_spread(table, means),
    ]
    text = [f"{name:<20} {value}".rstrip() for name, value in lines]
    return "\n".join([*text, "", *_provenance(table.provenance)])


def _spread(table: Table, means: NDArray[np.float64]) -> list[tuple[str, str]]:
    values = table.validation[:, :, -1]
    between, count = float(np.nanstd(means, ddof=1)), values.shape[1]
    lines = [("between cells", f"standard deviation {100 * between:.3f}")]
    if isinstance(table.space, NASBench201):  # the cell of nothing but none comes first in the space
        connected = np.delete(means, table.rows[0])
        lines.append(("", f"{100 * np.nanstd(connected, ddof=1):.3f} without the row of disconnected cells"))
    if count == 1:
        return [*lines, ("noise", "cannot be known from one seed: the differences between cells include luck")]
    noise, error = seed_noise(values), error_of_mean(values)
    fewer = "" if not np.isnan(values).any() else " at most"
    lines.append(("noise", f"of one training {100 * noise:.3f}, of the mean of{fewer} {count} {100 * error:.3f}"))
    if noise > 0:
        lines.append(("between / noise", f"{between / noise:.1f} for one training, {between / error:.1f} for the mean"))
    else:
        lines.append(("between / noise", "cannot be said: no two trainings of a cell differ"))
    everywhere, best_half = rank_correlations(values)
    lines.append(("rank correlation", f"{everywhere:.4f} between two seeds (Spearman, mean over the pairs)"))
    if best_half is None:
        reason = "cannot be known from two seeds: a third one must say which half that is"
        return [*lines, ("", f"in the better half: {reason}")]
    lines.append(("", f"{best_half:.4f} in the better half, which the other seeds choose: a seed that chose"))
    return [*lines, ("", "would take the cells that were lucky with it, and be compared on its own luck")]


def seed_noise(values: NDArray[np.float64]) -> float:
    """Return the standard deviation of one training around the mean of its row; values [rows, seeds], at least 2."""
    known = values[(~np.isnan(values)).sum(axis=1) >= 2]
    return math.sqrt(float(np.nanvar(known, axis=1, ddof=1).mean())) if len(known) else math.nan


def error_of_mean(values: NDArray[np.float64]) -> float:
    """Return how far the mean of a row is from the mean of many trainings; values [rows, seeds], at least 2."""
    seeds = (~np.isnan(values)).sum(axis=1)
    return seed_noise(values) * math.sqrt(float((1 / seeds[seeds > 0]).mean()))


def rank_correlations(values: NDArray[np.float64]) -> tuple[float, float | None]:
    """Return Spearman's rank correlation between two seeds, mean over the pairs: of all rows, and of the better half.

    Which half is better is decided by the mean of the seeds that are not compared; with two seeds there are none.

    Args:
        values: [rows, seeds] accuracies, at least 2 seeds.
    """
    everywhere, best_half = [], []
    for first, second in itertools.combinations(range(values.shape[1]), 2):
        pair = values[:, [first, second]]
        everywhere.append(_spearman(pair))
        others = np.delete(values, [first, second], axis=1)
        if others.shape[1]:
            judge = mean_known(others, axis=1)
            best_half.append(_spearman(pair[judge >= np.nanmedian(judge)]))
    return float(np.mean(everywhere)), float(np.mean(best_half)) if best_half else None


def _spearman(pair: NDArray[np.float64]) -> float:
    import pandas

    return float(pandas.DataFrame(pair).corr(method="spearman").to_numpy()[0, 1])


def _provenance(provenance: dict[str, Any]) -> list[str]:
    builds = provenance.get("builds")
    if builds is None:
        return [f"{name:<20} {value}" for name, value in provenance.items()]
    settings = provenance["settings"]
    data = settings["dataset"]
    training = f"{settings['epochs']} epochs, {settings['optimizer']}, {settings['schedule']}, batch "
    training += (
        f"{settings['batch_size']}, learning rate {settings['learning_rate']:g}, {settings['channels']} channels"
    )
    lines = [
        ("command", provenance["command"]),
        ("dataset", f"{data['name']}, checksum {data['checksum']}"),
        ("training", training),
    ]
    for build in builds:
        last = build["runs"][-1]
        versions = ", ".join(f"{name} {version}" for name, version in build["versions"].items())
        hours = f"{build['training_seconds'] / 3600:.1f} hours of one process"
        seeds = ", ".join(map(str, build["seeds"]))
        lines.append((f"seeds {seeds}", f"{hours}, {last['device']}, {last['machine']}, {last['cores']} cores"))
        lines.append(("", f"processes {last['processes']}, each with {last['batch']} architectures side by side"))
        lines.append(("", f"{build['runs'][0]['started'][:10]} to {last['started'][:10]}; {versions}"))
    return [f"{name:<20} {value}" for name, value in lines]
