"""BANANAS: a small ensemble of networks predicts the score; draw a guess for every candidate, ask for the best guess.

White, Neiswanger & Savani, "BANANAS: Bayesian Optimization with Neural Architectures for Neural Architecture
Search", AAAI 2021, arXiv:1910.11858, Algorithm 1.

M multilayer perceptrons read an architecture's encoding and are trained on all trials, each from its own random
beginning. Where there are trials, they agree; far from any, each has its own opinion. So the mean over them is the
prediction, and their standard deviation says how much to trust it. *Independent Thompson sampling* turns both into
a choice: for every candidate A a guess is drawn, independent of the others,

    f_A ~ N(mean_m f_m(A), deviation_m f_m(A)²)

and the largest guess wins. A candidate is asked as often as it is likely to be the best, which explores by itself,
and the asks of a batch differ without further precautions.

    ask:   the first n times, and while fewer than two are told: a random architecture
           train the ensemble anew, if k trials are new to it: s steps of Adam on the squared error
           candidates: c/2 mutated from the p best trials, c/2 random, none asked before
           draw f_A of each; the candidate with the largest that computes what none before did
    tell:  keep the trial

Symbols (the paper's values or those of the authors' code for NAS-Bench-101, and ours):
    M  members          of the ensemble                       5                  5
       hidden_size      units of the hidden layers            10 layers of 20    2 layers of 32
       learning_rate    Adam's                                0.01               0.01
    s  steps            of 32 trials each                     150 epochs         150
    n  initial_asks     random asks at the beginning          10                 10
    k  tells_per_fit    trials between two trainings          10                 10
    c  candidates       among which f_A is maximised          100                200
    p  parents          best trials that are mutated          1                  10

What differs from the paper:
    * The rows hold the decisions one-hot beside the paths (``surrogate.py``), for spaces in which hardly two
      architectures share a path. Their columns are those that the trials of the training had.
    * Values are normal scores, and the loss is their squared error; the paper's is an absolute one, of the
      accuracy or relative to it. A failed trial is the worst of all.
    * Half of the candidates are random; the paper's are all mutations.
    * The k asks between two trainings get new candidates each, among them mutations of what was told meanwhile.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial
from nasedu.strategies.surrogate import Archive, Encoder, decisions, normal_scores, paths

__all__ = ["Bananas"]

BATCH = 32
SHOWN = 10  # candidates in a state


class Bananas:
    """An ensemble of networks over decisions and paths, and independent Thompson sampling.

    Args:
        space: where to search.
        rng: the only source of randomness; the networks' initial weights and batches are drawn from it too.
        members: M, at least 2.
        hidden_size: at least 1.
        learning_rate: above 0.
        steps: s, at least 1.
        initial_asks: n, at least 2.
        tells_per_fit: k, at least 1.
        candidates: c, at least 2.
        parents: p, at least 1.

    Attributes:
        archive: the trials and the outstanding asks.
        weights: of the ensemble, [members, inputs, outputs] and [members, 1, outputs] of each layer; empty before
            the first training.
        fitted: on how many trials it was trained.

    State:
        observations: how many trials were told.
        fitted: on how many of them the ensemble was trained.
        loss: the mean squared error over members and trials after the training, if there was one in this ask.
        candidates: choices of the ten with the largest guess, the largest first, and of the one that is asked.
        mean, deviation, acquisition: their prediction, its deviation over the members, and f_A; 0 is the median trial,
            1 a standard deviation of trials.
        chosen: which of them is asked; None where the ask is random. Among the first asks there are no candidates.

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        members: int = 5,
        hidden_size: int = 32,
        learning_rate: float = 0.01,
        steps: int = 150,
        initial_asks: int = 10,
        tells_per_fit: int = 10,
        candidates: int = 200,
        parents: int = 10,
    ) -> None:
        if min(members, initial_asks, candidates) < 2:
            given = f"{members}, {initial_asks} and {candidates}"
            raise ValueError(f"members, initial_asks and candidates must be at least 2; got {given}.")
        if min(hidden_size, steps, tells_per_fit, parents) < 1 or learning_rate <= 0:
            given = f"{hidden_size}, {steps}, {tells_per_fit}, {parents} and {learning_rate}"
            raise ValueError(
                f"hidden_size, steps, tells_per_fit and parents must be at least 1, learning_rate above 0; got {given}."
            )
        self.space = space
        self.rng = rng
        self.settings = {
            "members": members,
            "hidden_size": hidden_size,
            "learning_rate": learning_rate,
            "steps": steps,
            "initial_asks": initial_asks,
            "tells_per_fit": tells_per_fit,
            "candidates": candidates,
            "parents": parents,
        }
        self.members, self.hidden_size, self.learning_rate, self.steps = members, hidden_size, learning_rate, steps
        self.initial_asks = self.initial_asks_left = initial_asks
        self.tells_per_fit, self.candidates, self.parents = tells_per_fit, candidates, parents
        self.archive = Archive(space, rng)
        self.encoder = Encoder(lambda architecture: decisions(architecture) + paths(architecture))
        self.weights: list[np.ndarray] = []
        self.fitted = 0
        self.state: dict[str, Any] = {}

    def ask(self) -> Architecture:
        """Propose the candidate with the largest guess."""
        told = len(self.archive.trials)
        self.initial_asks_left -= 1
        if self.initial_asks_left >= 0 or told < 2:
            architecture = self.archive.ask()
            self.state = {"observations": told, "fitted": self.fitted, "chosen": None}
            return architecture
        self.state = {"observations": told}
        if not self.weights or told - self.fitted >= self.tells_per_fit:
            self.state["loss"] = self.fit()
        candidates = self.archive.candidates(self.candidates, self.parents)
        predictions = self.predict(candidates)
        mean, deviation = predictions.mean(axis=0), predictions.std(axis=0)
        guesses = self.rng.normal(mean, deviation)
        order = np.argsort(-guesses, kind="stable")
        architecture = self.archive.ask(candidates[i] for i in order)
        chosen = [int(i) for i in order if candidates[i] == architecture]
        shown = list(dict.fromkeys([*order[:SHOWN].tolist(), *chosen]))
        self.state |= {
            "fitted": self.fitted,
            "candidates": [list(candidates[i].choices) for i in shown],
            "mean": mean[shown].tolist(),
            "deviation": deviation[shown].tolist(),
            "acquisition": guesses[shown].tolist(),
            "chosen": shown.index(chosen[0]) if chosen else None,
        }
        return architecture

    def tell(self, trial: Trial) -> None:
        """Keep the trial for the next training."""
        self.archive.tell(trial)
        self.state = {"observations": len(self.archive.trials), "fitted": self.fitted}

    def fit(self) -> float:
        """Train the ensemble anew on all trials; return the mean squared error that is left."""
        trials = self.archive.trials
        told = [trial.architecture for trial in trials]
        self.encoder.learn(told)
        rows = self.encoder.rows(told)
        values = normal_scores([trial.score for trial in trials])[:, None]
        sizes = [rows.shape[1], self.hidden_size, self.hidden_size, 1]
        weights = []
        for inputs, outputs in pairwise(sizes):
            weights.append(
                np.sqrt(2 / inputs) * self.rng.normal(size=(self.members, inputs, outputs))
            )  # He's, for ReLU
            weights.append(np.zeros((self.members, 1, outputs)))
        means, squares = [np.zeros_like(each) for each in weights], [np.zeros_like(each) for each in weights]
        draws = self.rng.integers(len(trials), size=(self.steps, self.members, min(BATCH, len(trials))))
        for step, draw in enumerate(draws, start=1):
            gradients = gradient(weights, rows[draw], values[draw])
            for weight, slope, mean, square in zip(weights, gradients, means, squares, strict=True):
                mean += 0.1 * (slope - mean)
                square += 0.001 * (slope**2 - square)
                weight -= self.learning_rate * mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        self.weights, self.fitted = weights, len(trials)
        return float(((forward(weights, rows)[-1] - values) ** 2).mean())

    def predict(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Return [members, architectures]: what each member predicts, in normal scores."""
        return np.asarray(forward(self.weights, self.encoder.rows(architectures))[-1][:, :, 0])


def forward(weights: Sequence[np.ndarray], rows: np.ndarray) -> list[np.ndarray]:
    """Return what each layer of each member gives: [members, n, units] for rows [n, inputs] or [members, n, inputs]."""
    layers = [rows]
    for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        layers.append(np.maximum(layers[-1] @ weight + bias, 0))
    return [*layers, layers[-1] @ weights[-2] + weights[-1]]


def gradient(weights: Sequence[np.ndarray], rows: np.ndarray, values: np.ndarray) -> list[np.ndarray]:
    """Return the gradient of each member's mean squared error by each of its weights, for rows [members, n, inputs]."""
    *layers, predictions = forward(weights, rows)
    slope = 2 * (predictions - values) / values.shape[-2]
    found: list[np.ndarray] = []
    for layer, weight in zip(layers[::-1], weights[-2::-2], strict=True):
        found = [layer.swapaxes(1, 2) @ slope, slope.sum(axis=1, keepdims=True), *found]
        slope = slope @ weight.swapaxes(1, 2) * (layer > 0)
    return found
