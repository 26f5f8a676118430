"""Bayesian optimisation: model the score, with its uncertainty, and ask where improvement is likeliest to be large.

Jones, Schonlau & Welch, "Efficient Global Optimization of Expensive Black-Box Functions", Journal of
Global Optimization 13 (1998); for architectures: NASBOT, arXiv:1802.07191, and NAS-BOWL, arXiv:2006.07556.

A Gaussian process (``gaussian_process.py``) says of every architecture how good it will be, as a normal distribution
with mean μ and standard deviation σ. Ours expects similar scores of architectures that share decisions, or paths
(``encodings.py``).

    expected improvement EI(A) = E[max(f(A) − y*, 0)] = σ (z Φ(z) + φ(z)),    z = (μ − y*) / σ

with y* the best value. EI is large where μ is, and where σ is: it explores by itself.

    ask:   the first n times, and while fewer than two are told: a random architecture
           y = normal scores of the trials; outstanding asks join them with their mean as value
           refit ℓ and η by maximum marginal likelihood, if there are a fifth more trials than at the last fit
           candidates: c/2 mutated from the p best trials, c/2 random, none asked before
           the candidate with the largest EI that computes what none before did
    tell:  keep the trial

Values are normal scores: the prior mean 0 is the median trial's, the prior variance 1 theirs, and a
failed trial is the worst of all. Any increasing transformation of the scores gives the same search.

Symbols (no canonical values; these are ours):
    n  initial_asks   random asks at the beginning                10
    c  candidates     among which EI is maximised                200
    p  parents        best trials that are mutated                10
    ℓ, η              length scales in numbers of differences, and noise: fitted

What differs from the papers:
    * The kernel. NASBOT's is an optimal transport between layers, NAS-BOWL's counts subtrees of the graph.
    * Several asks at a time are "kriging believers" (Ginsbourger et al., 2010): an ask counts as a
      trial that gave its mean, so σ shrinks around it and the next ask goes elsewhere.
    * Options have no order: a width of 8 is as far from 16 as from 32.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial
from nasedu.strategies.archive import Archive, normal_scores
from nasedu.strategies.arguments import check_at_least, check_space_and_rng
from nasedu.strategies.encodings import Encoder, decisions, paths
from nasedu.strategies.gaussian_process import LEAST_NOISE, fit, posterior, similarity

__all__ = ["BayesianOptimization", "expected_improvement"]

GROWTH = 1.2  # of the number of trials between two fits


class BayesianOptimization:
    """A Gaussian process over decisions and paths, and expected improvement.

    Args:
        space: where to search.
        rng: the only source of randomness.
        initial_asks: n, random asks at the beginning, at least 2.
        candidates: c, among which EI is maximised, at least 2.
        parents: p, the best trials that half of them are mutated from, at least 1.

    Attributes:
        archive: the trials and the outstanding asks.
        lengths: ℓ of decisions and of paths; so many differences make a part of the kernel 1/e.
        noise: η, in units of the variance of the values.

    State:
        observations: how many trials the model has.
        pending: how many asks are outstanding.
        candidates: choices of the ten with the largest EI, the largest first, and of the one that is asked.
        mean, deviation, acquisition: their μ, σ and EI; 0 is the median trial, 1 a standard deviation of trials.
        chosen: which of them is asked; None where the ask is random. Among the first asks there are no candidates.
        best: y*.
        length_scales, noise: ℓ by encoding, and η.

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        initial_asks: int = 10,
        candidates: int = 200,
        parents: int = 10,
    ) -> None:
        check_at_least(2, initial_asks=initial_asks, candidates=candidates)
        check_at_least(1, parents=parents)
        check_space_and_rng(space, rng)
        self.space = space
        self.rng = rng
        self.initial_asks = self.initial_asks_left = initial_asks
        self.candidates, self.parents = candidates, parents
        self.archive = Archive(space, rng)
        self.encoders = {"decisions": Encoder(decisions), "paths": Encoder(paths)}
        self.lengths, self.noise = np.ones(2), LEAST_NOISE
        self.fitted = 0  # to so many trials
        self.state: dict[str, Any] = {}

    def ask(self) -> Architecture:
        """Propose the candidate with the largest expected improvement."""
        told, pending = [trial.architecture for trial in self.archive.trials], list(self.archive.pending)
        self.initial_asks_left -= 1
        if self.initial_asks_left >= 0 or len(told) < 2:
            architecture = self.archive.ask()
            self.state = {"observations": len(told), "pending": len(pending), "chosen": None}
            return architecture
        values = self.values()
        if len(told) >= GROWTH * self.fitted:
            self.lengths, self.noise = fit(self.distances(told, told), values)
            self.fitted = len(told)
        if pending:
            values = np.concatenate([values, self.predict(told, values, pending)[0]])
        candidates = self.archive.candidates(self.candidates, self.parents)
        mean, deviation = self.predict(told + pending, values, candidates)
        acquisition = self.acquire(mean, deviation, float(values.max()))
        architecture, shown = self.archive.ask_best(candidates, mean, deviation, acquisition)
        self.state = {
            "observations": len(told),
            "pending": len(pending),
            **shown,
            "best": float(values.max()),
            "length_scales": dict(zip(self.encoders, self.lengths.tolist(), strict=True)),
            "noise": self.noise,
        }
        return architecture

    def tell(self, trial: Trial) -> None:
        """Keep the trial; the next ask looks at it."""
        self.archive.tell(trial)
        self.state = {"observations": len(self.archive.trials), "pending": len(self.archive.pending)}

    def values(self) -> np.ndarray:
        """Return y, what the model is told of each trial; of mean 0 and variance about 1."""
        return normal_scores([trial.score for trial in self.archive.trials])

    def acquire(self, mean: np.ndarray, deviation: np.ndarray, best: float) -> np.ndarray:
        """Return what is maximised over the candidates, [candidates], from their μ and σ and from y*."""
        return expected_improvement(mean, deviation, best)

    def distances(self, some: Sequence[Architecture], others: Sequence[Architecture]) -> np.ndarray:
        """Return [encodings, some, others]: how many options and paths only one of two architectures has."""
        return np.array([encoder.differences(some, others) for encoder in self.encoders.values()])

    def predict(
        self, told: Sequence[Architecture], values: np.ndarray, asked: Sequence[Architecture]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return μ and σ of each of the architectures asked about, given those told and their values."""
        among, across = self.distances(told, told), self.distances(asked, told)
        return posterior(similarity(among, self.lengths), similarity(across, self.lengths), values, self.noise)


def expected_improvement(mean: np.ndarray, deviation: np.ndarray, best: float) -> np.ndarray:
    """Return E[max(f − best, 0)] of normal f with these means and positive standard deviations."""
    from scipy.special import ndtr

    z = (mean - best) / deviation
    return np.asarray(deviation * (z * ndtr(z) + np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)))
