"""Optuna's samplers as strategies: a search space of decisions is a study of categorical parameters.

Akiba, Sano, Yanase, Ohta & Koyama, "Optuna: A Next-generation Hyperparameter Optimization Framework",
KDD 2019, arXiv:1907.10902. Its default sampler is the tree-structured Parzen estimator, TPE (Bergstra, Bardenet,
Bengio & Kégl, "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011), which makes one density l of the best
trials and one density g of the others, draws from l, and proposes the draw with the largest l/g.

    ask:   a trial of the study; of its decisions in order, each that the ones so far make active
               is suggested by the sampler
           no architecture? the study's trial is pruned; begin again; after 100 times the space draws
    tell:  the score to the study's trial; a failed trial is pruned

Decisions that do not matter are not parameters of the trial (*define by run*), so the sampler learns nothing from them.
Every decision is a categorical parameter. CmaEsSampler knows numbers only: here it falls back to random draws, from the
first trial to the last. TPESampler, GPSampler and NSGAIISampler take categories.
TPE proposes some architectures again and again; ``nas.strategies.WithoutRepeats`` around it mends that.

What differs from a study of Optuna's own loop:
    * Failed trials, and draws that are no architecture, are *pruned* in the study, which TPE takes for bad. Optuna's
      own state for what failed leaves no trace in its models, so TPE would propose the like again and again.
    * A trial that was never asked for is added to the study.
    * The sampler's seed is drawn from rng, so the same rng gives the same history. A sampler that you make
      yourself has the seed that you give it: optuna.samplers.GPSampler(seed=0).
    * The study is in memory only. It is remade by replaying the history, as every strategy is.
    * Samplers that end a study when all is tried (GridSampler, BruteForceSampler) end the search with Optuna's error.

Optuna is not installed with nasedu: pip install 'nasedu[optuna]'.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from nasedu.core import Architecture, Decision, SearchSpace, Trial
from nasedu.strategies.arguments import check_space_and_rng

if TYPE_CHECKING:
    import optuna

__all__ = ["OptunaStrategy"]

ATTEMPTS = 100


class OptunaStrategy:
    """Ask a sampler of Optuna.

    Args:
        space: whose decisions are the parameters, by their names.
        rng: the seed of the default sampler is drawn from it, and architectures after 100 draws in vain.
        sampler: any of ``optuna.samplers`` for one objective and categories, with a seed of its own; None for TPE.

    Attributes:
        study: Optuna's, to look at with ``optuna.visualization``. It maximises the score.

    State:
        ask: ``study_trial`` (the number of the study's trial, which counts draws that were no architecture too),
            ``redrawn`` (how many such draws were before it).
        tell: ``study_trial``, ``result`` (what the study says of it: ``"COMPLETE"`` or ``"PRUNED"``).

    Raises:
        ImportError: Optuna is not installed.
        TypeError: sampler is no sampler, such as its name or its class.
    """

    def __init__(
        self, space: SearchSpace, rng: np.random.Generator, *, sampler: "optuna.samplers.BaseSampler | None" = None
    ) -> None:
        check_space_and_rng(space, rng)
        optuna = _optuna()
        self.space = space
        self.rng = rng
        if sampler is not None and not isinstance(sampler, optuna.samplers.BaseSampler):
            raise TypeError(
                "sampler must be an object, such as optuna.samplers.TPESampler(seed=0), or None for TPE; "
                f"got {sampler!r}."
            )
        self.sampler = sampler or optuna.samplers.TPESampler(seed=int(rng.integers(2**32)))
        with _quiet():
            self.study = optuna.create_study(direction="maximize", sampler=self.sampler)
        self.asked: dict[Architecture, list[int]] = {}  # not told yet: the numbers of the study's trials
        self.state: dict[str, Any] = {}

    def ask(self) -> Architecture:
        """Propose what the sampler suggests."""
        for attempt in range(ATTEMPTS + 1):
            if attempt == ATTEMPTS:
                self.study.enqueue_trial(self.space.sample(self.rng).options)
            trial = self.study.ask()
            choices = self._suggest(trial)
            if self.space.is_valid(choices):
                break
            self.study.tell(trial, state=_optuna().trial.TrialState.PRUNED)
        architecture = self.space.architecture(choices)
        self.asked.setdefault(architecture, []).append(trial.number)
        self.state = {"study_trial": trial.number, "redrawn": attempt}
        return architecture

    def _suggest(self, trial: "optuna.Trial") -> tuple[int, ...]:
        """Return the choices of a trial of the study: each active decision is suggested in turn."""
        choices, suggested = [0] * len(self.space.decisions), set[int]()
        while True:
            active = self.space.active(tuple(choices))
            index = next((i for i, on in enumerate(active) if on and i not in suggested), None)
            if index is None:
                return self.space.pin(tuple(choices))
            decision = self.space.decisions[index]
            choices[index] = decision.options.index(trial.suggest_categorical(decision.name, decision.options))
            suggested.add(index)

    def tell(self, trial: Trial) -> None:
        """Tell the study the score, or that there is none."""
        states = _optuna().trial.TrialState
        result = states.COMPLETE if trial.failure is None else states.PRUNED
        score = trial.score if trial.failure is None else None
        asked = self.asked.get(trial.architecture)
        if asked:
            number = asked.pop()
            self.study.tell(number, score, state=result)
        else:
            number = len(self.study.get_trials(deepcopy=False))
            self.study.add_trial(
                _optuna().trial.create_trial(
                    state=result,
                    value=score,
                    params=trial.architecture.options,
                    distributions={
                        decision.name: _optuna().distributions.CategoricalDistribution(decision.options)
                        for decision in self._active_decisions(trial.architecture)
                    },
                )
            )
        self.state = {"study_trial": number, "result": result.name}

    def _active_decisions(self, architecture: Architecture) -> list[Decision]:
        parts = zip(self.space.decisions, self.space.active(architecture.choices), strict=True)
        return [decision for decision, on in parts if on]


def _optuna() -> Any:
    """Return the package, which is imported when it is first used."""
    try:
        import optuna
    except ImportError as error:
        raise ImportError("the package optuna is not installed: run pip install 'nasedu[optuna]'.") from error
    return optuna


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna from announcing the study, and leave its verbosity as it was."""
    logging = _optuna().logging
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
