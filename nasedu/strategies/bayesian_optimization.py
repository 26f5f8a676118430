"""Bayesian optimisation: model the score, with its uncertainty, and ask where improvement is likeliest to be large.

Jones, Schonlau & Welch, "Efficient Global Optimization of Expensive Black-Box Functions", Journal of
Global Optimization 13 (1998); the Gaussian process: Rasmussen & Williams, "Gaussian Processes for Machine
Learning", 2006, Algorithm 2.1 and Eq. 5.9; for architectures: NASBOT, arXiv:1802.07191, and NAS-BOWL, arXiv:2006.07556.

A Gaussian process says of every architecture how good it will be, as a normal distribution. It needs a
*kernel*: how alike the scores of two architectures are before anything is known. Ours is a mean over two
encodings e (``surrogate.py``), where d_e counts what only one of the two architectures has:

    k(A, B) = ½ exp(−d_decisions(A, B) / ℓ_decisions) + ½ exp(−d_paths(A, B) / ℓ_paths)

So the score is a sum of two parts, one alike for similar decisions and one alike for similar paths.
Given trials with values y, K = k(trials, trials) + η I, and k_A = k(A, trials):

    mean μ(A) = k_Aᵀ K⁻¹ y,    variance σ²(A) = 1 − k_Aᵀ K⁻¹ k_A
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
    * The process is written out here. scikit-learn's, with this kernel, gives the same numbers and takes four to
      five times as long to fit: 110 ms against 24 for 100 trials.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial
from nasedu.strategies.surrogate import Archive, Encoder, decisions, normal_scores, paths

__all__ = ["BayesianOptimization", "expected_improvement", "fit", "posterior", "similarity"]

GROWTH = 1.2  # of the number of trials between two fits
LEAST_NOISE = 1e-3
SHOWN = 10  # candidates in a state


class BayesianOptimization:
    """A Gaussian process over decisions and paths, and expected improvement.

    Args:
        space: where to search.
        rng: the only source of randomness.
        initial_asks: n, at least 2.
        candidates: c, at least 2.
        parents: p, at least 1.

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
        if initial_asks < 2 or candidates < 2 or parents < 1:
            given = f"{initial_asks}, {candidates} and {parents}"
            raise ValueError(f"initial_asks and candidates must be at least 2, parents at least 1; got {given}.")
        self.space = space
        self.rng = rng
        self.settings = {"initial_asks": initial_asks, "candidates": candidates, "parents": parents}
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
        order = np.argsort(-acquisition, kind="stable")
        architecture = self.archive.ask(candidates[i] for i in order)
        chosen = [i for i in order if candidates[i] == architecture]
        shown = list(dict.fromkeys([*order[:SHOWN].tolist(), *chosen]))
        self.state = {
            "observations": len(told),
            "pending": len(pending),
            "candidates": [list(candidates[i].choices) for i in shown],
            "mean": mean[shown].tolist(),
            "deviation": deviation[shown].tolist(),
            "acquisition": acquisition[shown].tolist(),
            "chosen": shown.index(chosen[0]) if chosen else None,
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


def similarity(distances: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the kernel: the mean over encodings of exp(−d / ℓ), from distances [encodings, a, b]."""
    return np.asarray(np.exp(-distances / np.reshape(lengths, (-1, 1, 1))).mean(axis=0))


def posterior(among: np.ndarray, across: np.ndarray, values: np.ndarray, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation at m points, given the values at n others.

    Rasmussen & Williams, Algorithm 2.1.

    Args:
        among: [n, n] kernel of the n points with each other.
        across: [m, n] kernel of the m points with the n.
        values: [n], of mean 0 under the prior.
        noise: η, the variance of a value around f, above 0.
    """
    from scipy.linalg import cho_solve, cholesky, solve_triangular

    factor = cholesky(among + noise * np.eye(len(among)), lower=True)
    mean = across @ cho_solve((factor, True), values)
    explained = (solve_triangular(factor, across.T, lower=True) ** 2).sum(axis=0)
    return mean, np.sqrt(np.maximum(1 - explained, 1e-12))


def expected_improvement(mean: np.ndarray, deviation: np.ndarray, best: float) -> np.ndarray:
    """Return E[max(f − best, 0)] of normal f with these means and positive standard deviations."""
    from scipy.special import ndtr

    z = (mean - best) / deviation
    return np.asarray(deviation * (z * ndtr(z) + np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)))


def fit(distances: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the length scales and the noise of the highest marginal likelihood, from distances [encodings, n, n].

    Length scales are sought from a thirtieth to thirty times the mean distance, the noise from 0.001 to 1.
    """
    from scipy.optimize import minimize

    count = len(values)
    typical = np.maximum(distances.sum(axis=(1, 2)) / (count * (count - 1)), 1)
    start = np.log([*typical, 0.1])
    bounds = [*zip(start[:-1] - np.log(30), start[:-1] + np.log(30), strict=True), (np.log(LEAST_NOISE), 0.0)]
    found = minimize(negative_log_likelihood, start, (distances, values), "L-BFGS-B", jac=True, bounds=bounds).x
    return np.exp(found[:-1]), float(np.exp(found[-1]))


def negative_log_likelihood(
    log_parameters: np.ndarray, distances: np.ndarray, values: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return −log p(values), but for a constant, and its gradient by log ℓ and log η (Eqs. 5.8 and 5.9)."""
    from scipy.linalg import cho_solve, cholesky

    *lengths, noise = np.exp(log_parameters)
    scaled = distances / np.reshape(lengths, (-1, 1, 1))
    parts = np.exp(-scaled) / len(distances)  # of the kernel, [encodings, n, n]
    factor = cholesky(parts.sum(axis=0) + noise * np.eye(len(values)), lower=True)
    weights = cho_solve((factor, True), values)
    inner = cho_solve((factor, True), np.eye(len(values))) - np.outer(weights, weights)
    gradient = [(inner * part * d).sum() / 2 for part, d in zip(parts, scaled, strict=True)]
    value = values @ weights / 2 + np.log(np.diag(factor)).sum()
    return float(value), np.array([*gradient, noise * np.trace(inner) / 2])
