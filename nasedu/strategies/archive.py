"""What model-based strategies share: the trials and outstanding asks, the values to learn, and the candidates.

Scores are replaced by *normal scores*: the normal quantile of their rank. A model then sees the order of
the trials and nothing else. One cell at chance level among many at 90 % would be an outlier that a model
spends itself on; here it is the worst, and so is a trial that failed. And nothing depends on the unit.

Candidates are mutations of the best trials and random architectures. The one that a strategy likes best is asked, if it
computes what none before did: a second architecture of the same canonical name would teach it nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial

__all__ = ["Archive", "normal_scores"]

ATTEMPTS = 100
SHOWN = 10  # candidates in a state


def normal_scores(scores: Sequence[float]) -> np.ndarray:
    """Return Φ⁻¹((rank − ½) / n) of each of n scores; equal scores share their mean rank. −∞ is the worst."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    return np.asarray(ndtri((rankdata(scores) - 0.5) / len(scores)))


class Archive:
    """What was asked and what was told, and what could be asked next.

    Args:
        space: where to sample and mutate.
        rng: the only source of randomness.

    Attributes:
        trials: those told, in the order of their tells.
        pending: asked and not told yet.
    """

    def __init__(self, space: SearchSpace, rng: np.random.Generator) -> None:
        self.space, self.rng = space, rng
        self.trials: list[Trial] = []
        self.pending: list[Architecture] = []
        self._known: set[Architecture] = set()
        self._names: set[str] = set()  # canonical ones

    def candidates(self, count: int, parents: int) -> list[Architecture]:
        """Return up to ``count`` new architectures: half are mutated from the best trials, half are random."""
        best = sorted(self.trials, key=lambda trial: trial.score, reverse=True)[:parents]
        draws = self.rng.integers(len(best), size=count // 2)
        found = [self.space.mutate(best[draw].architecture, self.rng) for draw in draws]
        found += [self.space.sample(self.rng) for _ in range(count - len(found))]
        return [each for each in dict.fromkeys(found) if each not in self._known]

    def ask(self, ranked: Iterable[Architecture] = ()) -> Architecture:
        """Take the first that computes what none before did; where there is none, a random architecture."""
        for architecture in ranked:
            name = self.space.canonical(architecture)
            if name not in self._names:
                break
        else:
            architecture, name = self._random()
        self._known.add(architecture)
        self._names.add(name)
        self.pending.append(architecture)
        return architecture

    def ask_best(
        self, candidates: Sequence[Architecture], mean: np.ndarray, deviation: np.ndarray, acquisition: np.ndarray
    ) -> tuple[Architecture, dict[str, Any]]:
        """Ask for the candidate with the largest acquisition that computes what none before did.

        Returns:
            The architecture, and what a state shows of the ten candidates with the largest acquisition and of the one
            that is asked: ``candidates`` (their choices), ``mean``, ``deviation``, ``acquisition``, and ``chosen``,
            which of them is asked, None if it is a random architecture.
        """
        order = np.argsort(-acquisition, kind="stable").tolist()
        architecture = self.ask(candidates[i] for i in order)
        chosen = [i for i in order if candidates[i] == architecture]
        shown = list(dict.fromkeys([*order[:SHOWN], *chosen]))
        return architecture, {
            "candidates": [list(candidates[i].choices) for i in shown],
            "mean": mean[shown].tolist(),
            "deviation": deviation[shown].tolist(),
            "acquisition": acquisition[shown].tolist(),
            "chosen": shown.index(chosen[0]) if chosen else None,
        }

    def _random(self) -> tuple[Architecture, str]:
        for _ in range(ATTEMPTS):
            architecture = self.space.sample(self.rng)
            if architecture not in self._known:
                break
        return architecture, self.space.canonical(architecture)

    def tell(self, trial: Trial) -> None:
        """Keep the trial. It need not have been asked for."""
        self.trials.append(trial)
        if trial.architecture not in self._known:
            self._known.add(trial.architecture)
            self._names.add(self.space.canonical(trial.architecture))
        if trial.architecture in self.pending:
            self.pending.remove(trial.architecture)
