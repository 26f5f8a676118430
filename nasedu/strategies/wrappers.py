"""Strategies around a strategy: bounds, no repeats, diversity, for any strategy and in any combination.

    strategy = WithoutRepeats(Constrained(RegularizedEvolution(space, rng), at_most, measure))

Each passes on what its strategy asks for and is told, and changes one thing of it. Its space, its rng and
what there is to see of it are the inner strategy's; the settings of both are recorded in the history.

    Constrained      refuses proposals that are too large     it learns of them as failed trials
    WithoutRepeats   evaluates no function twice              it is told the known trial again
    Diversified      lowers the score of what is similar      it is told the lower score
                     to the last k trials

Who asks again can ask in vain. Constrained then gives up: a search whose strategy finds nothing within
its bounds cannot go on. WithoutRepeats lets the repeat pass.

What differs from the literature: bounds are often part of the score (MnasNet, arXiv:1807.11626, multiplies; a price
that is taken off is ``nas.evaluators.Penalized``), here they are hard. Fitness sharing (Goldberg & Richardson,
ICGA 1987) divides the fitness by the number of similar members of the population; here a multiple of the mean
similarity is taken off, which works for scores below 0 as well, and what is compared with are the last k trials,
as not every strategy has a population.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from nasedu.core import Architecture, Metric, Proposal, Strategy, Trial

__all__ = ["Constrained", "Diversified", "WithoutRepeats", "similarity"]

Measure = Callable[[Architecture], Mapping[str, Metric | float]]
Key = tuple[str, float | None]  # what is computed, and how long it is trained; None where the strategy does not say


class _Wrapper:
    """A strategy around a strategy. What a subclass does not change is the inner one's."""

    def __init__(self, strategy: Strategy, **settings: Any) -> None:
        self.strategy = strategy
        self.space = strategy.space
        self.rng = getattr(strategy, "rng", None)
        inner = {"name": type(strategy).__name__, "settings": getattr(strategy, "settings", {})}
        self.settings = {"strategy": inner, **settings}
        self.state: dict[str, Any] = {}

    def ask(self) -> Architecture | Proposal:
        """Propose what the inner strategy proposes."""
        proposed = self.strategy.ask()
        self.state = self._inner_state()
        return proposed

    def tell(self, trial: Trial) -> None:
        """Let the inner strategy learn."""
        self.strategy.tell(trial)
        self.state = self._inner_state()

    def _inner_state(self) -> dict[str, Any]:
        return dict(getattr(self.strategy, "state", {}))


class Constrained(_Wrapper):
    """Never evaluate what is too large: such a proposal is told as a failed trial, and the next one is asked for.

    Args:
        strategy: whose proposals are checked.
        at_most: the largest value of each metric, such as ``{"parameters": 50_000}``, in the metric's unit.
        measure: an architecture to its metrics by name, without training it; metrics that ``at_most`` does not
            name are ignored. Of a table: ``lambda cell: table([cell])[0].metrics``. Of networks: a function that makes
            one with ``nas.networks.build`` and returns what ``nas.training.parameters``, ``flops`` or ``latency``
            say of it. It is called once for each architecture.

    State: the inner strategy's, and
        refused: how many proposals an ask has refused.

    Raises:
        TypeError: ``strategy`` is none.
        ValueError: ``at_most`` is empty, ``measure`` lacks a metric of it, or 1,000 proposals in a row were too large.
    """

    ATTEMPTS = 1_000

    def __init__(self, strategy: Strategy, at_most: Mapping[str, float], measure: Measure) -> None:
        _check_strategy(strategy, "Constrained(RandomSearch(space, rng), at_most, measure)")
        if not at_most:
            raise ValueError("at_most must bound at least one metric, such as {'parameters': 50_000}; got none.")
        name = getattr(measure, "__qualname__", type(measure).__name__)
        super().__init__(strategy, at_most=dict(at_most), measure=name)
        self.at_most, self.measure = dict(at_most), measure
        self.excesses: dict[Architecture, str] = {}  # of what was measured: why it is refused, or nothing

    def ask(self) -> Architecture | Proposal:
        """Propose what is within the bounds."""
        for refused in range(self.ATTEMPTS):
            proposed = self.strategy.ask()
            architecture, epochs = _parts(proposed)
            excess = self._excess(architecture)
            if not excess:
                self.state = {**self._inner_state(), "refused": refused}
                return proposed
            self.strategy.tell(Trial(architecture, epochs=epochs, failure=excess))
        raise ValueError(
            f"none of {self.ATTEMPTS:,} proposals of {type(self.strategy).__name__} was within {self.at_most}; "
            f"the last one: {excess}. Allow more, or search a space of smaller architectures."
        )

    def _excess(self, architecture: Architecture) -> str:
        if architecture not in self.excesses:
            measured = {name: _value(value) for name, value in self.measure(architecture).items()}
            missing = self.at_most.keys() - measured.keys()
            if missing:
                known = ", ".join(measured) or "nothing"
                raise ValueError(f"measure must give {min(missing)!r}, which at_most bounds; it gives {known}.")
            excesses = [
                f"too many {name}: {measured[name]:,.9g} > {most:,.9g}"
                for name, most in self.at_most.items()
                if not measured[name] <= most
            ]
            self.excesses[architecture] = "; ".join(excesses)
        return self.excesses[architecture]


class WithoutRepeats(_Wrapper):
    """Evaluate no function twice: of a known one the inner strategy is told the known trial, and asked again.

    Two architectures are the same if their space gives them the same canonical name and they are
    trained equally long. One that is being evaluated is not proposed either.

    Args:
        strategy: whose proposals are checked.
        attempts: after so many repeats in a row the last one is evaluated again, for a small space may
            be used up, and a strategy may have stopped exploring; at least 1.

    State: the inner strategy's, and
        skipped: how many repeats an ask has skipped.

    Raises:
        TypeError: ``strategy`` is none.
        ValueError: attempts is below 1.
    """

    def __init__(self, strategy: Strategy, attempts: int = 100) -> None:
        _check_strategy(strategy, "WithoutRepeats(RandomSearch(space, rng))")
        if attempts < 1:
            raise ValueError(f"attempts must be at least 1; got {attempts}.")
        super().__init__(strategy, attempts=attempts)
        self.attempts = attempts
        self.known: dict[Key, Trial | None] = {}  # None while it is evaluated
        self.waiting: dict[Key, list[Architecture]] = {}  # repeats of what is being evaluated
        self.names: dict[Architecture, str] = {}

    def ask(self) -> Architecture | Proposal:
        """Propose what was not proposed yet."""
        for skipped in range(self.attempts):
            proposed = self.strategy.ask()
            architecture, epochs = _parts(proposed)
            key = self._name(architecture), epochs
            if key not in self.known or skipped == self.attempts - 1:
                break
            known = self.known[key]
            if known is None:
                self.waiting.setdefault(key, []).append(architecture)
            else:
                self.strategy.tell(replace(known, architecture=architecture))
        self.known.setdefault(key, None)
        self.state = {**self._inner_state(), "skipped": skipped}
        return proposed

    def tell(self, trial: Trial) -> None:
        """Remember the trial, and let the inner strategy learn, also what it asked for again meanwhile."""
        name = self._name(trial.architecture)
        key = (name, trial.epochs) if (name, trial.epochs) in self.known else (name, None)
        self.known[key] = trial
        super().tell(trial)
        for architecture in self.waiting.pop(key, []):
            self.strategy.tell(replace(trial, architecture=architecture))

    def _name(self, architecture: Architecture) -> str:
        if architecture not in self.names:
            self.names[architecture] = self.space.canonical(architecture)
        return self.names[architecture]


class Diversified(_Wrapper):
    """Take off some of the score of what is similar to the trials before it, so that the strategy looks elsewhere.

        told score = score − pressure · mean similarity to the last k trials

    The history and its incumbent have the score as it was measured.

    Args:
        strategy: what is told the lower scores.
        pressure: at least 0, in units of score: what an architecture loses that is the same as all of the last k.
        last: k, at least 1.

    State: the inner strategy's, and
        similarity: of the trial to the last k, in [0, 1]; 0 for the first trial.

    Raises:
        TypeError: ``strategy`` is none.
        ValueError: an argument is out of its range.
    """

    def __init__(self, strategy: Strategy, pressure: float = 0.05, last: int = 20) -> None:
        _check_strategy(strategy, "Diversified(RandomSearch(space, rng))")
        if pressure < 0 or last < 1:
            raise ValueError(f"pressure must be at least 0 and last at least 1; got {pressure} and {last}.")
        super().__init__(strategy, pressure=pressure, last=last)
        self.pressure, self.last = pressure, last
        self.recent: deque[Architecture] = deque(maxlen=last)

    def tell(self, trial: Trial) -> None:
        """Let the inner strategy learn from the lower score."""
        similarities = [similarity(trial.architecture, other) for other in self.recent]
        mean = sum(similarities) / max(len(similarities), 1)
        self.recent.append(trial.architecture)
        super().tell(trial if trial.failure is not None else replace(trial, score=trial.score - self.pressure * mean))
        self.state["similarity"] = mean


def similarity(first: Architecture, second: Architecture) -> float:
    """Return the share of decisions in which two architectures of one space agree, in [0, 1].

    Decisions that matter to neither are left out; one that matters to only one of them is a difference.

    Example:
        >>> import nasedu as nas
        >>> space = nas.spaces.NASBench201()
        >>> similarity(space.architecture((0, 1, 2, 3, 4, 0)), space.architecture((0, 1, 2, 0, 0, 1)))
        0.5
    """
    space = first.space
    parts = zip(first.choices, second.choices, space.active(first.choices), space.active(second.choices), strict=True)
    agree = [a == b and on_first and on_second for a, b, on_first, on_second in parts if on_first or on_second]
    return sum(agree) / max(len(agree), 1)


def _check_strategy(strategy: Strategy, example: str) -> None:
    """Raise TypeError unless there is a strategy to be put around: an object, not its class or its space."""
    if isinstance(strategy, type) or not callable(getattr(strategy, "ask", None)):
        given = f"the class {strategy.__name__}" if isinstance(strategy, type) else repr(strategy)
        raise TypeError(f"{example.split('(')[0]} takes a strategy, such as {example}; got {given}.")


def _parts(proposed: Architecture | Proposal) -> tuple[Architecture, float | None]:
    return (proposed.architecture, proposed.epochs) if isinstance(proposed, Proposal) else (proposed, None)


def _value(metric: Metric | float) -> float:
    return metric.value if isinstance(metric, Metric) else float(metric)
