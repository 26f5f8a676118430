"""A race: several strategies, the same evaluator, many seeds; afterwards each is judged by the test accuracy.

    for each seed:
        for each strategy:
            search by the score of the trials
            look up the test accuracy of every incumbent, when the search is over

One search shows luck, many show a strategy. On a table a search costs a fraction of a second.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from nasedu.core import SearchSpace, Strategy, Trial
from nasedu.loop import search

if TYPE_CHECKING:
    import pandas

__all__ = ["race"]

MakeStrategy = Callable[[SearchSpace, np.random.Generator], Strategy]
Row = dict[str, Any]


def race(
    strategies: Mapping[str, MakeStrategy], evaluator: Any, *, trials: int, seeds: int, progress: bool = True
) -> pandas.DataFrame:
    """Run each strategy from each seed, and return what it had found after each trial.

    The seeds are the outer loop: a race that is interrupted returns the seeds from which every strategy has run,
    and warns that there are fewer. No strategy sees the test: it is looked up when a search is over.

    Args:
        strategies: by the name to show, what makes a fresh one from a space and an rng: a class, or a function such as
            ``lambda space, rng: nas.strategies.RegularizedEvolution(space, rng, population_size=10, sample_size=3)``.
        evaluator: a table, or any evaluator with the ``space`` of its architectures. Its ``test(architecture)``
            gives the test accuracy, in [0, 1]; without one, or with ``has_test`` false, there is none.
        trials: of each search; at least 1.
        seeds: how many searches of each strategy, with the seeds 0, 1, …; at least 1.
        progress: show a bar.

    Returns:
        One row for each strategy, seed and trial: ``strategy``, ``seed``, ``trial`` (from 1), its ``score``,
        ``incumbent_score``, the highest so far, and ``incumbent_test``, the test accuracy of the first trial that
        had it. NaN for a failed trial, where none has succeeded yet, and where there is no test.

    Raises:
        ValueError: there are no strategies, no trials or no seeds.
        TypeError: the strategies have no names, or the evaluator has no space.
        KeyboardInterrupt: it was interrupted before every strategy had run once.
    """
    import pandas
    from tqdm.auto import tqdm

    _check(strategies, evaluator, trials, seeds)
    rows: list[Row] = []
    with tqdm(total=seeds * len(strategies), disable=not progress, unit="search") as bar:
        for seed in range(seeds):
            try:
                found = []
                for name, make in strategies.items():
                    found += _run(name, make, evaluator, seed, trials)
                    bar.update()
            except KeyboardInterrupt:
                if seed == 0:
                    raise
                warnings.warn(f"interrupted after {seed} of {seeds} seeds; the rest is not there.", stacklevel=2)
                break
            rows += found
    return pandas.DataFrame(rows)


def _check(strategies: Mapping[str, MakeStrategy], evaluator: Any, trials: int, seeds: int) -> None:
    if not isinstance(strategies, Mapping):
        raise TypeError(
            "strategies must have names, such as {'random search': nas.strategies.RandomSearch}; "
            f"got {type(strategies).__name__}."
        )
    if not strategies:
        raise ValueError("a race takes at least one strategy; got none.")
    for name, value in (("trials", trials), ("seeds", seeds)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1; got {value}.")
    if not isinstance(getattr(evaluator, "space", None), SearchSpace):
        raise TypeError(
            "the evaluator must have the space of its architectures, as tables have: evaluator.space; "
            f"got {type(evaluator).__name__} without one."
        )


def _run(name: str, make: MakeStrategy, evaluator: Any, seed: int, trials: int) -> list[Row]:
    """Return the rows of one search."""
    strategy = make(evaluator.space, np.random.default_rng(seed))
    done = search(strategy, evaluator, trials).run(progress=False).trials
    incumbents = list(accumulate(done, _better))
    once = {each.number: each for each in incumbents}
    tests = {number: _test(evaluator, each) for number, each in once.items()}
    return [
        {
            "strategy": name,
            "seed": seed,
            "trial": number,
            "score": _known(trial),
            "incumbent_score": _known(best),
            "incumbent_test": tests[best.number],
        }
        for number, (trial, best) in enumerate(zip(done, incumbents, strict=True), start=1)
    ]


def _better(best: Trial, trial: Trial) -> Trial:
    return trial if trial.score > best.score else best


def _known(trial: Trial) -> float:
    return trial.score if trial.failure is None else math.nan


def _test(evaluator: Any, trial: Trial) -> float:
    has_test = getattr(evaluator, "has_test", hasattr(evaluator, "test"))
    return float(evaluator.test(trial.architecture)) if has_test and trial.failure is None else math.nan
