"""Evaluators around evaluators: less noise, and a price for size.

    evaluator = Penalized(Averaged([table.one(seed) for seed in table.seeds]), penalty=1e-7)

Each is an evaluator itself: pure where the inner ones are, with their settings in its own, with ``at(epochs)``,
``test(architecture)`` and ``space`` where they have them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nasedu.core import Architecture, Metric, SearchSpace, Trial, check_number, has_test

__all__ = ["Averaged", "Penalized"]


@dataclass(frozen=True, eq=False)
class Averaged:
    """Evaluate with each of several evaluators, and take the mean: a training from another seed for each.

    With n trainings the noise of a score has 1/√n of its standard deviation, for n times the cost. A trial has the
    means of scores, accuracies, curves and metrics, as far as all have them, the summed cost, and as the
    metric ``score_deviation`` the standard deviation of the scores (n − 1 in the denominator). If one training
    fails, the trial has failed: a mean over those that went well would be too high.

    Args:
        evaluators: at least one, such as ``[table.one(seed) for seed in table.seeds]`` or
            ``[nas.evaluators.Train(data, seed=seed) for seed in range(3)]``.

    Raises:
        ValueError: there are no evaluators.
    """

    evaluators: Sequence[Any]

    def __post_init__(self) -> None:
        if not self.evaluators:
            raise ValueError("evaluators must be at least one, such as [table.one(0), table.one(1)]; got none.")

    def __call__(self, architectures: list[Architecture]) -> list[Trial]:
        """Evaluate every architecture with every evaluator."""
        groups = [evaluator(architectures) for evaluator in self.evaluators]
        return [_mean(trials) for trials in zip(*groups, strict=True)]

    def at(self, epochs: float) -> Averaged:
        """Return the same with each evaluator's ``at(epochs)``."""
        return Averaged([evaluator.at(epochs) for evaluator in self.evaluators])

    def test(self, architecture: Architecture) -> float:
        """Return the mean of the evaluators' tests."""
        return float(np.mean([evaluator.test(architecture) for evaluator in self.evaluators]))

    @property
    def space(self) -> SearchSpace:
        """The space of the first evaluator, where it has one."""
        return self.evaluators[0].space  # type: ignore[no-any-return]

    @property
    def has_test(self) -> bool:
        """Whether every evaluator has tests."""
        return all(has_test(evaluator) for evaluator in self.evaluators)

    @property
    def settings(self) -> dict[str, Any]:
        """The names and settings of all."""
        return {"evaluators": [_named_settings(evaluator) for evaluator in self.evaluators]}


@dataclass(frozen=True, eq=False)
class Penalized:
    """Let size cost score: R = f − c · |A|.

    The trial's score is R; its accuracy stays what was measured. With c > 0 a search looks for what is good for
    its size; which c gives which size is not known beforehand. For a hard bound there is
    :class:`nasedu.strategies.Constrained`.

    Args:
        evaluator: gives f, a trial's score.
        penalty: c, in units of score per unit of size; finite.
        size: |A|: the name of one of the trial's metrics, or a function of the architecture.

    Raises:
        ValueError: the penalty is not finite; in a call, a trial has no metric of this name, or its size is not finite.

    Example:
        >>> import nasedu as nas
        >>> table = nas.tables.load("nasbench201-mnist1d")
        >>> [trial] = Penalized(table, penalty=1e-5)([table.best()])
        >>> round(trial.accuracy - trial.score, 6) == round(1e-5 * trial.metrics["parameters"].value, 6)
        True
    """

    evaluator: Any
    penalty: float
    size: str | Callable[[Architecture], float] = "parameters"

    def __post_init__(self) -> None:
        check_number("penalty", self.penalty)
        if not math.isfinite(self.penalty):
            raise ValueError(f"penalty must be a finite number; got {self.penalty}. With 0 size costs nothing.")

    def __call__(self, architectures: list[Architecture]) -> list[Trial]:
        """Evaluate every architecture, and lower its score by its size."""
        return [
            trial if trial.failure is not None else replace(trial, score=trial.score - self.penalty * self._size(trial))
            for trial in self.evaluator(architectures)
        ]

    def _size(self, trial: Trial) -> float:
        if not isinstance(self.size, str):
            size = float(self.size(trial.architecture))
        elif self.size in trial.metrics:
            size = _value(trial.metrics[self.size])
        else:
            known = ", ".join(trial.metrics) or "none"
            raise ValueError(f"size must be a function or one of the trial's metrics ({known}); got {self.size!r}.")
        if not math.isfinite(size):
            raise ValueError(
                f"a size must be a finite number; got {size} as {self._size_name} of {trial.architecture}. Take a size "
                "that all architectures have."
            )
        return size

    @property
    def _size_name(self) -> str:
        return self.size if isinstance(self.size, str) else getattr(self.size, "__qualname__", type(self.size).__name__)

    def at(self, epochs: float) -> Penalized:
        """Return the same around the evaluator's ``at(epochs)``."""
        return replace(self, evaluator=self.evaluator.at(epochs))

    def test(self, architecture: Architecture) -> float:
        """Return the evaluator's test accuracy, which has no penalty."""
        return float(self.evaluator.test(architecture))

    @property
    def space(self) -> SearchSpace:
        """The space of the evaluator, where it has one."""
        return self.evaluator.space  # type: ignore[no-any-return]

    @property
    def has_test(self) -> bool:
        """Whether the evaluator has tests."""
        return has_test(self.evaluator)

    @property
    def settings(self) -> dict[str, Any]:
        """The evaluator's name and settings, c and what the size is."""
        return {"evaluator": _named_settings(self.evaluator), "penalty": self.penalty, "size": self._size_name}


def _mean(trials: Sequence[Trial]) -> Trial:
    """Return the trial of the means."""
    first, cost = trials[0], sum(trial.cost for trial in trials)
    failures = [trial.failure for trial in trials if trial.failure is not None]
    if failures:
        why = f"{len(failures)} of {len(trials)} trainings failed; the first that did: {failures[0]}"
        return Trial(first.architecture, epochs=first.epochs, cost=cost, failure=why)
    scores = [trial.score for trial in trials]
    accuracies = [trial.accuracy for trial in trials if trial.accuracy is not None]
    shared = [name for name in first.metrics if all(name in trial.metrics for trial in trials)]
    metrics = {name: _mean_metric([trial.metrics[name] for trial in trials]) for name in shared}
    if len(trials) > 1:
        metrics["score_deviation"] = Metric(float(np.std(scores, ddof=1)), "as the score", "lower")
    same_length = len({len(trial.curve) for trial in trials}) == 1
    return replace(
        first,
        accuracy=float(np.mean(accuracies)) if len(accuracies) == len(trials) else None,
        score=float(np.mean(scores)),
        metrics=metrics,
        curve=tuple(np.mean([trial.curve for trial in trials], axis=0).tolist()) if same_length else (),
        cost=cost,
    )


def _mean_metric(metrics: Sequence[Metric | float]) -> Metric | float:
    mean = float(np.mean([_value(metric) for metric in metrics]))
    first = metrics[0]
    return replace(first, value=mean) if isinstance(first, Metric) else mean


def _value(metric: Metric | float) -> float:
    return metric.value if isinstance(metric, Metric) else float(metric)


def _named_settings(evaluator: Any) -> dict[str, Any]:
    name = getattr(evaluator, "__name__", type(evaluator).__name__)
    return {"name": name, "settings": getattr(evaluator, "settings", {})}
