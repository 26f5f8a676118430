"""A race: several strategies, the same evaluator, many seeds; afterwards each is judged by the test accuracy.

    for each seed:
        for each strategy:                                    side by side, on all cores
            search by the score of the trials
            look up the test accuracy of every incumbent, when the search is over

One search shows luck, many show a strategy. On a table a search costs a fraction of a second.

Searches are independent, so they run in processes of their own; see nasedu/processes.py.
"""

from __future__ import annotations

import math
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from nasedu.core import SearchSpace, Strategy, Trial, has_test, shown
from nasedu.history import incumbents
from nasedu.loop import search
from nasedu.processes import side_by_side

if TYPE_CHECKING:
    import pandas

__all__ = ["race"]

MakeStrategy = Callable[[SearchSpace, np.random.Generator], Strategy]
Job = tuple[int, str]  # a seed and the name of a strategy
Columns = dict[str, Any]
Results = Generator[tuple[Job, Columns], None, None]
PATIENCE = 2.0  # seconds, about what it takes to start other processes


def race(
    strategies: Mapping[str, MakeStrategy],
    evaluator: Any,
    *,
    seeds: int,
    trials: int | None = None,
    seconds: float | None = None,
    processes: int | None = None,
    progress: bool = True,
) -> pandas.DataFrame:
    """Run each strategy from each seed, and return what it had found after each trial.

    A race that is interrupted returns the seeds from which every strategy has run, and warns that there are fewer.
    No strategy sees the test: it is looked up when a search is over. The result does not depend on ``processes``.

    Args:
        strategies: by the name to show, what makes a fresh one from a space and an rng: a class, or a function such as
            ``lambda space, rng: nas.strategies.RegularizedEvolution(space, rng, population_size=10, sample_size=3)``.
        evaluator: a table, or any evaluator with the ``space`` of its architectures. Its ``test(architecture)``
            gives the test accuracy, in [0, 1]; without one, or with ``has_test`` false, there is none.
        seeds: how many searches of each strategy, with the seeds 0, 1, …; at least 1.
        trials: of each search; at least 1. May be left out where ``seconds`` are given.
        seconds: a budget of each search, in seconds of trial cost, as in ``nas.search``; it ends with this or with
            ``trials``, whichever comes first. So strategies are compared that train some for fewer epochs.
        processes: how many searches run at a time. With 1 all run here, one after another: for strategies or
            evaluators that cannot be sent, or that note what they did. If None, they run here for two seconds, for a
            short race is over before other processes have started, and the rest in one process for each core.
        progress: show a bar.

    Returns:
        One row for each strategy, seed and trial: ``strategy``, ``seed``, ``trial`` (from 1), its ``score``;
        ``elapsed``, the cost in seconds of all trials up to it; ``incumbent_score`` and ``incumbent_test``, the score
        and the test accuracy of the incumbent: the best trial so far of those that were trained for longest, the
        first one on a tie. NaN for a failed trial, where none has succeeded yet, and where there is no test.

    Raises:
        ValueError: there are no strategies, no seeds or no processes, neither trials nor seconds, or no trials.
        TypeError: the strategies have no names, one is an object instead of what makes one, the evaluator has no space,
            or they cannot be sent.
        RuntimeError: a search failed; says which, and why.
        KeyboardInterrupt: it was interrupted before every strategy had run once.
    """
    import pandas
    from tqdm.auto import tqdm

    if trials is None and seconds is None:
        raise ValueError("a race must know when its searches end: give trials, or seconds, or both; got neither.")
    numbers = {"trials": trials, "seeds": seeds, "processes": processes}
    _check(strategies, evaluator, {name: number for name, number in numbers.items() if number is not None})
    runner = _Runner(strategies, evaluator, trials, seconds)
    jobs = [(seed, name) for seed in range(seeds) for name in strategies]
    found: dict[Job, Columns] = {}
    interrupted = False
    with (
        tqdm(total=len(jobs), disable=not progress, unit="search") as bar,
        closing(_run_all(runner, jobs, processes)) as results,
    ):
        try:
            for job, columns in results:
                found[job] = columns
                bar.update()
        except KeyboardInterrupt:
            interrupted = True
    complete = [seed for seed in range(seeds) if all((seed, name) in found for name in strategies)]
    if interrupted and not complete:
        raise KeyboardInterrupt
    if interrupted:
        warnings.warn(f"interrupted after {len(complete)} of {seeds} seeds; the rest is not there.", stacklevel=2)
    rows = [{"strategy": name, "seed": seed, **found[seed, name]} for seed in complete for name in strategies]
    return pandas.concat([pandas.DataFrame(each) for each in rows], ignore_index=True)


def _check(strategies: Mapping[str, MakeStrategy], evaluator: Any, numbers: Mapping[str, int]) -> None:
    if not isinstance(strategies, Mapping):
        raise TypeError(
            "strategies must have names, such as {'random search': nas.strategies.RandomSearch}; "
            f"got {type(strategies).__name__}."
        )
    if not strategies:
        raise ValueError("a race takes at least one strategy; got none.")
    for name, make in strategies.items():
        if not callable(make):
            kind = type(make).__name__
            raise TypeError(
                f"a race makes a fresh strategy for each search: give the class or a function, not an object; {name!r} "
                f"is {'an object of the class ' + kind if callable(getattr(make, 'ask', None)) else repr(make)}. "
                "Such as nas.strategies.RandomSearch, or lambda space, rng: nas.strategies.LocalSearch(space, rng)."
            )
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} must be a whole number, at least 1; got {value!r}.")
    if isinstance(evaluator, type):
        raise TypeError(f"an evaluator is an object, such as a table; got the class {evaluator.__name__}: call it.")
    if not isinstance(getattr(evaluator, "space", None), SearchSpace):
        raise TypeError(
            "the evaluator must have the space of its architectures, as tables have, such as "
            f"nas.tables.load('nasbench201-digits'); got {shown(evaluator)}, without evaluator.space."
        )


# Where searches run ----------------------------------------------------------------------------


def _run_all(runner: _Runner, jobs: list[Job], processes: int | None) -> Results:
    """Yield the results of all jobs, run here, side by side, or some here and then the rest side by side."""
    from joblib import cpu_count

    count = cpu_count() if processes is None else processes
    end = time.monotonic() + (PATIENCE if processes is None else 0.0)
    left = deque(jobs)
    while left and (count == 1 or time.monotonic() < end):
        job = left.popleft()
        yield job, runner.run(job)
    if left:
        yield from side_by_side(runner.run, list(left), min(count, len(left)))


# One search ------------------------------------------------------------------------------------


class _Runner:
    """What all searches of a race have in common."""

    def __init__(
        self, strategies: Mapping[str, MakeStrategy], evaluator: Any, trials: int | None, seconds: float | None
    ) -> None:
        self.strategies, self.evaluator, self.trials, self.seconds = dict(strategies), evaluator, trials, seconds

    def run(self, job: Job) -> Columns:
        """Return the columns of one search."""
        seed, name = job
        try:
            done = self._search(seed, name)
        except Exception as error:
            raise RuntimeError(
                f"the search of {name!r} from seed {seed} failed: {type(error).__name__}: {error}"
            ) from error
        best = incumbents(done)
        once = {each.number: each for each in best}
        tests = {number: _test(self.evaluator, each) for number, each in once.items()}
        return {
            "trial": np.arange(1, len(done) + 1),
            "score": [_known(trial) for trial in done],
            "elapsed": np.cumsum([trial.cost for trial in done]),
            "incumbent_score": [_known(each) for each in best],
            "incumbent_test": [tests[each.number] for each in best],
        }

    def _search(self, seed: int, name: str) -> list[Trial]:
        from threadpoolctl import threadpool_limits

        strategy = self.strategies[name](self.evaluator.space, np.random.default_rng(seed))
        with threadpool_limits(1):  # of the libraries that are loaded by now
            return list(search(strategy, self.evaluator, self.trials, seconds=self.seconds))


def _known(trial: Trial) -> float:
    return trial.score if trial.failure is None else math.nan


def _test(evaluator: Any, trial: Trial) -> float:
    return float(evaluator.test(trial.architecture)) if has_test(evaluator) and trial.failure is None else math.nan
