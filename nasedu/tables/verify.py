"""Is a table true? Check its structure, and train some of its rows again.

Of randomly drawn rows, weights and FLOPs are counted again, and every row is trained twice: with a seed that
the table has, and with one that it has not. The first must give the same accuracies to the bit on a CPU where machine
and versions are those of the build; elsewhere they differ by rounding, which grows to a difference as between seeds.
The second must differ from the stored ones as they differ among themselves. A training that failed must fail again.

The rule is a randomisation test (Fisher, "The Design of Experiments", 1935), applied to the validation accuracies
after the last epoch and to the test accuracies. If the table is true, the new training x₀ of a row and its S stored
ones x₁ … x_S are S + 1 draws of one kind, and any of them could as well be the new one. With

    d = x₀ − mean of x₁ … x_S,        over the n drawn rows:   |mean d|   and   √ mean d²

choose in each row any of the S + 1 for x₀, at random, 10,000 times. What share of these choices gives a mean, or
a root mean square, at least as large as the true one? Any share below 0.001 is no seed noise. Nothing is assumed
about how accuracies are distributed, nor that all cells are equally noisy.

What is not checked: rows that are not drawn; of several stored seeds, the trainings of the others one by one; epochs
before the last on another machine; seconds per epoch, which no other machine has. With one stored seed the root
mean square cannot be tested, since exchanging two values leaves it as it is: then a table whose accuracies are those of
other rows is found false only where they must be the same to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasedu.core import Architecture
from nasedu.tables.build import (
    RECIPES,
    SPACE,
    Recipe,
    batches,
    count,
    difference,
    distinct,
    machine,
    train_all,
    versions,
)
from nasedu.tables.info import seed_noise
from nasedu.tables.table import Table

__all__ = ["Comparison", "Verification", "compare", "report", "verify"]

BATCH = 8  # rows that are trained side by side
CHOICES = 10_000
VALUES_AT_ONCE = 1_000_000  # of the choices; all those of 5,000 rows would need half a gigabyte
LEAST_SHARE = 0.001


@dataclass(frozen=True)
class Comparison:
    """New trainings beside the stored ones, with accuracies after the last epoch; failed ones are left out.

    Attributes:
        seed: of the new trainings.
        split: whose accuracies these are, ``"validation"`` or ``"test"``.
        exact: share of the rows whose accuracies, after every epoch, are those that are stored; None for a new seed.
        largest: the largest difference to the stored training of that seed; None for a new seed.
        mean, error: of the differences to the mean of the stored ones, and its standard error.
        rms: root mean square of these differences.
        mean_share, rms_share: see the rule of this module.
    """

    seed: int
    split: str
    exact: float | None
    largest: float | None
    mean: float
    error: float
    rms: float
    mean_share: float
    rms_share: float

    @property
    def is_seed_noise(self) -> bool:
        """Whether the rule lets the differences pass."""
        return min(self.mean_share, self.rms_share) >= LEAST_SHARE


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes:
        problems: what is wrong, in words; empty if all is as it must be.
        rows: those that were drawn.
        noise: standard deviation of the validation accuracy of one stored training around the mean of its row, over
            the drawn rows; nan if the table has one seed.
        comparisons: validation and test of the seed that the table has, and of the one that it has not.
    """

    problems: tuple[str, ...]
    rows: tuple[int, ...]
    noise: float
    comparisons: tuple[Comparison, ...]


def verify(
    table: Table,
    *,
    rows: int = 50,
    seed: int = 0,
    processes: int | None = None,
    device: str = "auto",
    progress: bool = True,
) -> Verification:
    """Check a table that :func:`nasedu.tables.build.build` made.

    Args:
        table: what to check.
        rows: how many to train again, at least 2.
        seed: which rows, and which of the table's seeds.
        processes: trainings at a time; by default the cores of a CPU, and 1 on a GPU.
        device: see :func:`nasedu.training.device`.
        progress: show a bar.

    Raises:
        ValueError: a number is out of range, or the table was not made by a recipe.
        ChildProcessError: a process died.
    """
    from joblib import cpu_count

    from nasedu import training

    for name, value, most in (("rows", rows, len(table.validation)), ("processes", processes, None)):
        least = 2 if name == "rows" else 1
        if value is not None and not least <= value <= (most or value):
            raise ValueError(f"{name} must be at least {least}{f' and at most {most}' if most else ''}; got {value}.")
    device = str(training.device(device))
    recipe = _recipe(table, device)
    architectures, row_of = distinct(SPACE)
    problems = _check_structure(table, recipe, row_of)
    if problems:  # what a row is cannot be relied on
        return Verification(tuple(problems), (), math.nan, ())
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.choice(len(architectures), size=rows, replace=False))
    cells = [architectures[row] for row in drawn]
    problems += _check_costs(table, recipe, drawn, cells)
    seeds = int(rng.choice(table.seeds)), max(table.seeds) + 1
    processes = processes or (cpu_count() if device == "cpu" else 1)
    comparisons: list[Comparison] = []
    for new, records in _train(recipe, seeds, cells, processes, device, progress).items():
        failures = _check_failures(table, drawn, new, records)
        compared = [] if failures else _compare_records(table, drawn, new, records, rng)
        if not failures and not compared:
            failures = [f"with seed {new} fewer than 2 of the rows that were drawn can be compared; draw more"]
        problems += failures
        comparisons += compared
    exactly = _must_be_exact(table, seeds[0], device)
    for each_one in comparisons:
        which = f"with seed {each_one.seed} the {each_one.split} accuracies"
        if not each_one.is_seed_noise:
            problems.append(f"{which} differ from the stored ones by more than seed noise")
        if exactly and each_one.exact is not None and each_one.exact < 1:
            same = f"{each_one.exact:.1%} of the rows exactly as stored"
            problems.append(f"{which} are in {same}, though machine and versions are named as those of the build")
    stored = table.validation[drawn, :, -1]
    noise = seed_noise(stored) if stored.shape[1] > 1 else math.nan
    return Verification(tuple(problems), tuple(drawn.tolist()), noise, tuple(comparisons))


def _must_be_exact(table: Table, seed: int, device: str) -> bool:
    """Say whether a training must be the stored one: on a CPU, with the machine and the versions of the build."""
    for made in table.provenance["builds"]:
        if seed in made["seeds"]:
            machines = {run["machine"] for run in made["runs"]}
            return device == "cpu" and made["versions"] == versions() and machines == {machine(device)}
    return False


def _check_failures(table: Table, drawn: NDArray[np.int64], seed: int, records: list[dict[str, Any]]) -> list[str]:
    """Say which trainings failed and should not have, or the other way round; a new seed may do as any stored one."""
    failed = np.array(["failure" in record for record in records])
    stored = np.isnan(table.validation[drawn, :, -1])  # [n, S]
    if seed in table.seeds:
        stored = stored[:, [table.seeds.index(seed)]]
    new, gone = failed & ~stored.any(axis=1), ~failed & stored.all(axis=1)
    problems = []
    for wrong, what in ((new, "failed now and not there"), (gone, "failed there and not now")):
        if wrong.any():
            first = records[int(wrong.argmax())]["architecture"]
            problems.append(f"with seed {seed} {wrong.sum()} trainings {what}, the first that of {first}")
    return problems


def _compare_records(
    table: Table, drawn: NDArray[np.int64], seed: int, records: list[dict[str, Any]], rng: np.random.Generator
) -> list[Comparison]:
    """Return the comparisons of validation and test, over the rows of which no training failed."""
    assert table.samples is not None and table._tests is not None
    known = ~np.isnan(table.validation[drawn, :, -1]).any(axis=1) & ["failure" not in record for record in records]
    if known.sum() < 2:  # there is nothing to compare
        return []
    rows, records = drawn[known], [record for record, there in zip(records, known, strict=True) if there]
    validation = np.array([record["validation"] for record in records]) / table.samples[0]  # [n, epochs]
    tests = np.array([[record["test"]] for record in records]) / table.samples[1]  # [n, 1]
    found = []
    for split, new, stored in (
        ("validation", validation, table.validation[rows]),
        ("test", tests, table._tests[rows, :, None]),
    ):
        exact = largest = None
        if seed in table.seeds:
            differences = abs(new - stored[:, table.seeds.index(seed)])
            exact, largest = float((differences == 0).all(axis=1).mean()), float(differences[:, -1].max())
        found.append(compare(new[:, -1], stored[:, :, -1], seed, split, exact, largest, rng))
    return found


def compare(
    new: NDArray[np.float64],
    stored: NDArray[np.float64],
    seed: int,
    split: str,
    exact: float | None,
    largest: float | None,
    rng: np.random.Generator,
) -> Comparison:
    """Apply the rule of this module to new accuracies [n] and stored ones [n, S]; the rest is passed on."""
    values, others = np.column_stack([new, stored]), stored.shape[1]
    d = values - (values.sum(axis=1, keepdims=True) - values) / others  # [n, S + 1]: each value against the others
    means, roots = _exchange(d, rng)

    def share(of_choices: NDArray[np.float64], true: float) -> float:
        return float(1 + (of_choices >= true - 1e-12).sum()) / (1 + CHOICES)  # the true one is a choice, too

    mean, rms = float(d[:, 0].mean()), float(np.sqrt((d[:, 0] ** 2).mean()))
    mean_share, rms_share = share(abs(means), abs(mean)), share(roots, rms)
    error = float(d[:, 0].std(ddof=1) / np.sqrt(len(d)))
    return Comparison(seed, split, exact, largest, mean, error, rms, mean_share, rms_share)


def _exchange(d: NDArray[np.float64], rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and root mean square [CHOICES] of d [n, S + 1] with any of the S + 1 in each row, at random."""
    parts, at_once = [], max(1, VALUES_AT_ONCE // len(d))
    for start in range(0, CHOICES, at_once):
        size = min(at_once, CHOICES - start), len(d)
        choices = d[np.arange(len(d)), rng.integers(d.shape[1], size=size)]
        parts.append((choices.mean(axis=1), np.sqrt((choices**2).mean(axis=1))))
    return np.concatenate([means for means, _ in parts]), np.concatenate([roots for _, roots in parts])


def report(table: Table, found: Verification) -> str:
    """Return what was found, in lines of text; accuracies in %."""
    lines = [("table", f"{table.name}, checksum {table.checksum}")]
    if found.rows:
        lines.append(("drawn", f"{len(found.rows)} of {len(table.validation):,} rows"))
    if len(table.seeds) > 1 and found.rows:
        expected = found.noise * np.sqrt(1 + 1 / len(table.seeds))
        noise = f"{100 * found.noise:.3f} of one training; so a new one is {100 * expected:.3f} (rms)"
        lines.append(("seed noise", f"{noise} from the mean of the {len(table.seeds)} stored"))
    for each_one in found.comparisons:
        if each_one.exact is not None and each_one.largest is not None:
            largest = f", the largest difference is {100 * each_one.largest:.3f}" if each_one.largest else ""
            known = f"{each_one.exact:.1%} of the rows exactly as stored{largest}"
        else:
            known = "a seed which the table has not"
        lines.append((f"seed {each_one.seed}", f"{each_one.split} accuracy: {known}"))
        if each_one.exact == 1:
            continue  # what is stored is within its own noise
        mean = f"{100 * each_one.mean:+.3f} ± {100 * each_one.error:.3f}, rms {100 * each_one.rms:.3f}"
        lines.append(("", f"new minus mean of the stored: {mean}"))
        shares = f"mean {each_one.mean_share:.4f}, rms {each_one.rms_share:.4f}"
        lines.append(("", f"as large by exchanging new and stored at random: {shares}; at least {LEAST_SHARE} each"))
    lines += [("WRONG", problem) for problem in found.problems]
    lines += [] if found.problems else [("verdict", "within seed noise; weights, FLOPs and structure are right")]
    return "\n".join(f"{name:<12} {value}" for name, value in lines)


def _recipe(table: Table, device: str) -> Recipe:
    """Return the recipe of a table's name, if it was made by that."""
    if table.name not in RECIPES:
        raise ValueError(f"there is no recipe to train {table.name} by; there are those of {', '.join(RECIPES)}.")
    recipe = RECIPES[table.name]
    stored = table.provenance.get("settings")
    settings = {**(stored if isinstance(stored, dict) else {}), "device": device}
    differing = difference(settings, recipe.settings(device))
    if differing:
        raise ValueError(f"table {table.name} was made with other settings: {differing}.")
    return recipe


def _check_structure(table: Table, recipe: Recipe, row_of: NDArray[np.int64]) -> list[str]:
    """Say what a table lacks that its recipe makes; the rest can only be checked where nothing is lacking."""
    data, problems = recipe.load_data(), []
    if table.space != SPACE or not np.array_equal(table.rows, row_of):
        wrong = int((table.rows != row_of).sum()) if table.space == SPACE else len(table)
        problems.append(f"{wrong:,} architectures are in the row of another function")
    if table._tests is None:
        problems.append("test accuracies are missing")
    else:
        missing = np.isnan(table.validation).any(axis=2) | np.isnan(table._tests)
        partly = missing & ~(np.isnan(table.validation).all(axis=2) & np.isnan(table._tests))
        if partly.any():
            problems.append(f"{int(partly.sum()):,} trainings have some of their accuracies and not all")
    samples = len(data.validation.labels), len(data.test.labels)
    if table.samples != samples:
        problems.append(f"samples of validation and test are {table.samples} there, and {samples} in {data.name}")
    epochs = tuple(range(1, recipe.epochs + 1))
    if table.epochs != epochs:
        problems.append(f"accuracies are after the epochs {table.epochs}, and the recipe's are {epochs}")
    problems += [
        f"metric {name} is missing"
        for name in ("parameters", "flops", "seconds_per_epoch")
        if name not in table.metrics
    ]
    try:
        for made in table.provenance["builds"]:
            _ = (set(made["seeds"]), made["versions"], [run["machine"] for run in made["runs"]])
    except (KeyError, TypeError) as error:
        problems.append(f"provenance does not say who built it: {error!r}")
    return problems


def _check_costs(table: Table, recipe: Recipe, drawn: NDArray[np.int64], cells: Sequence[Architecture]) -> list[str]:
    dataset, problems = recipe.load_data(), []
    for row, cell in zip(drawn, cells, strict=True):
        found = count(recipe, cell, dataset)
        problems += [
            f"{name} of row {row} ({cell}) are {table.metrics[name][row]:,} there and {found[name]:,} now"
            for name in ("parameters", "flops")
            if found[name] != table.metrics[name][row]
        ]
    return problems


def _train(
    recipe: Recipe, seeds: tuple[int, int], cells: list[Architecture], processes: int, device: str, progress: bool
) -> dict[int, list[dict[str, Any]]]:
    """Return the records of all cells for each seed."""
    from tqdm.auto import tqdm

    size = max(1, min(BATCH, -(-2 * len(cells) // processes)))
    jobs = [job for seed in seeds for job in batches(seed, cells, size)]
    found: dict[int, dict[int, dict[str, Any]]] = {seed: {} for seed in seeds}
    with (
        tqdm(total=len(seeds) * len(cells), desc="training", disable=not progress) as bar,
        closing(train_all(recipe, device, jobs, processes)) as trained,
    ):
        for records in trained:
            found[records[0]["seed"]] |= {record["row"]: record for record in records}
            bar.update(len(records))
    return {seed: [records[row] for row in range(len(cells))] for seed, records in found.items()}
