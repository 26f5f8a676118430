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
    * The rows hold the decisions one-hot beside the paths (``encodings.py``), for spaces in which hardly two
      architectures share a path. Their columns are those that the trials of the training had.
    * Values are normal scores, and the loss is their squared error; the paper's is an absolute one, of the
      accuracy or relative to it. A failed trial is the worst of all.
    * Half of the candidates are random; the paper's are all mutations.
    * The k asks between two trainings get new candidates each, among them mutations of what was told meanwhile.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial
from nasedu.strategies.archive import Archive, normal_scores
from nasedu.strategies.arguments import check_above, check_at_least, check_space_and_rng
from nasedu.strategies.encodings import Encoder, decisions, paths
from nasedu.strategies.ensemble import forward, train

__all__ = ["Bananas"]


class Bananas:
    """An ensemble of networks over decisions and paths, and independent Thompson sampling.

    Args:
        space: where to search.
        rng: the only source of randomness; the networks' initial weights and batches are drawn from it too.
        members: M, networks of the ensemble, at least 2; the paper's.
        hidden_size: units of each of the two hidden layers, at least 1; ours.
        learning_rate: Adam's, above 0; the paper's.
        steps: s, of each training, at least 1; ours.
        initial_asks: n, random asks at the beginning, at least 2; the paper's.
        tells_per_fit: k, trials between two trainings, at least 1; the paper's.
        candidates: c, among which the largest guess is asked, at least 2; ours.
        parents: p, the best trials that half of the candidates are mutated from, at least 1; ours.

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
        check_at_least(2, members=members, initial_asks=initial_asks, candidates=candidates)
        check_at_least(1, hidden_size=hidden_size, steps=steps, tells_per_fit=tells_per_fit, parents=parents)
        check_above(0, learning_rate=learning_rate)
        check_space_and_rng(space, rng)
        self.space = space
        self.rng = rng
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
        architecture, shown = self.archive.ask_best(candidates, mean, deviation, guesses)
        self.state |= {"fitted": self.fitted, **shown}
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
        sizes = (self.members, self.hidden_size)
        self.weights = train(rows, values, self.rng, *sizes, learning_rate=self.learning_rate, steps=self.steps)
        self.fitted = len(trials)
        return float(((forward(self.weights, rows)[-1] - values) ** 2).mean())

    def predict(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Return [members, architectures]: what each member predicts, in normal scores."""
        return np.asarray(forward(self.weights, self.encoder.rows(architectures))[-1][:, :, 0])
