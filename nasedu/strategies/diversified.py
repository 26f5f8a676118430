"""A price for being similar to the last trials, so that any strategy looks elsewhere.

    tell:  told score = score − pressure · mean similarity to the last k trials

The similarity of two architectures is one minus their distance (``space.distance``): the share of decisions in which
they agree.

What differs from the literature: fitness sharing (Goldberg & Richardson, ICGA 1987) divides the fitness by the number
of similar members of the population; here a multiple of the mean similarity is taken off, which works for scores below
0 as well, and what is compared with are the last k trials, as not every strategy has a population.
"""

from collections import deque
from dataclasses import replace

from nasedu.core import Architecture, Strategy, Trial
from nasedu.strategies.arguments import check_at_least
from nasedu.strategies.wrappers import Wrapper

__all__ = ["Diversified"]


class Diversified(Wrapper):
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
        super().__init__(strategy)
        check_at_least(0, pressure=pressure)
        check_at_least(1, last=last)
        self.pressure, self.last = pressure, last
        self.recent: deque[Architecture] = deque(maxlen=last)

    def tell(self, trial: Trial) -> None:
        """Let the inner strategy learn from the lower score."""
        similarities = [1 - self.space.distance(trial.architecture, other) for other in self.recent]
        mean = sum(similarities) / max(len(similarities), 1)
        self.recent.append(trial.architecture)
        super().tell(trial if trial.failure is not None else replace(trial, score=trial.score - self.pressure * mean))
        self.state["similarity"] = mean
