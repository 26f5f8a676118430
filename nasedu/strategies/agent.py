"""An agent of reinforcement learning: it walks through an environment to an architecture that is new.

What ``q_learning.py`` and ``dqn.py`` share. They differ in what an action is worth, and in how they learn it. What
there is to walk through is the environment's (``environments.py``), which says of any state

    actions   what can be done there                ends      whether the episode is over
    after     where an action leads                 reward    what a step has brought
    start     where to begin                        stop      what it is worth to end at will

    ask:   from the start, take in each state the action that is chosen by the Q-values, until the episode ends, and
           come to no state twice; the architecture there is the ask. In vain? Draw one from the space
    tell:  note the score, lower ε, and learn from the steps of the walk

No architecture is asked for twice, as long as a hundred random draws give anything new. In "edit" a walk passes
through what is known, and ends at what is not; an architecture that is being evaluated is closed to it. An action that
leads to an invalid architecture, or to where nothing is left to choose, is forbidden for ever. A failed trial counts as
the lowest score so far.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial
from nasedu.strategies.arguments import check_at_least, check_share
from nasedu.strategies.environments import NEVER, Edit, State, Step, make_environment
from nasedu.strategies.known import Known

__all__ = ["WALKS", "Agent"]

WALKS = 5  # in vain before an architecture is drawn from the space


class Agent(ABC):
    """A strategy that walks; a subclass gives the Q-values, chooses by them, and learns.

    Attributes:
        environment: a :class:`Build` or an :class:`Edit`.
        known: the scores so far, and the best trial.
        epsilon: ε now.

    State, after an ask:
        epsilon: ε.
        actions: taken in the states on the way, each as an index into the state's Q-values; empty if the
            architecture was drawn from the space.
        values: their Q-values.
        explored: whether they were random ones.
        parent: in "edit", the number of the trial that the last edit changed; None if the architecture was drawn.
        changed: in "edit", the indices of the decisions in which the two differ.
    """

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        environment: str,
        edits: int,
        exploration: float,
        initial_asks: int,
    ) -> None:
        check_at_least(0, initial_asks=initial_asks)
        check_share(exploration=exploration)
        self.space = space
        self.rng = rng
        self.environment = make_environment(environment, space, edits)
        self.edits, self.exploration, self.initial_asks = edits, exploration, initial_asks
        self.epsilon = 1.0 if initial_asks else exploration
        self.known = Known()
        self.pending: dict[State, list[Step]] = {}  # the walks whose trials were not told
        self.state: dict[str, Any] = {}

    @abstractmethod
    def values(self, state: State) -> list[float]:
        """Return the Q-value of each action of a state, NEVER for those that are not allowed."""

    @abstractmethod
    def choose(self, values: list[float]) -> tuple[int, bool] | None:
        """Return an action whose value is not NEVER, and whether it is a random one; None to stop."""

    @abstractmethod
    def forbid(self, state: State, action: int) -> None:
        """Take note that an action is not allowed."""

    @abstractmethod
    def find(self) -> tuple[list[Step], list[bool]]:
        """Walk until the end is new, as :meth:`walk` does; no steps if that is in vain."""

    def ask(self) -> Architecture:
        """Walk to an architecture that is new, or draw one."""
        steps, explored = self.find()
        self.state = {
            "epsilon": self.epsilon,
            "values": [self.values(state)[action] for state, action, _ in steps],
            "actions": [action for _, action, _ in steps],
            "explored": explored,
        }
        if isinstance(self.environment, Edit):
            self.state |= self._last_edit(steps)
        if not steps:
            return self.known.draw(self.space, self.rng)
        choices = steps[-1][2]
        self.known.asked.add(choices)
        self.pending[choices] = steps
        return Architecture(self.space, choices)

    def record(self, trial: Trial) -> tuple[float, list[Step]]:
        """Take note of a trial; return its score, and the steps that led to it."""
        score = self.known.record(trial)
        self.epsilon = max(self.exploration, min(1.0, self.initial_asks / self.known.tells))
        choices = trial.architecture.choices
        return score, self.pending.pop(choices, None) or self.environment.episode(choices)

    def walk(self, start: State) -> tuple[list[Step], list[bool]] | None:
        """Take the actions that are chosen until the episode ends; come to no state twice.

        Returns:
            The steps, and which of them were random; None if it was better to stop, or nothing was left to choose.
        """
        steps: list[Step] = []
        explored: list[bool] = []
        state, met = start, {start}
        for _ in range(self.environment.limit):
            step = self._step(state, met)
            if step is None:
                if steps and max(self.values(state)) == NEVER:  # nothing is possible here: do not come again
                    self.forbid(steps[-1][0], steps[-1][1])
                return None
            action, at_random, after = step
            steps.append((state, action, after))
            explored.append(at_random)
            if self.environment.ends(after, after in self.known.scores):
                break
            met.add(after)
            state = after
        return steps, explored

    def _step(self, state: State, met: set[State]) -> tuple[int, bool, State] | None:
        """Choose an action of the state that leads to where this walk may go; None to stop."""
        values = list(self.values(state))
        while (chosen := self.choose(values)) is not None:
            action, at_random = chosen
            after = self.environment.after(state, action)
            if after is None:
                self.forbid(state, action)
            elif after not in (met if after in self.known.scores else self.known.asked):
                return action, at_random, after
            values[action] = NEVER  # forbidden; or closed for this walk: met already, or being evaluated
        return None

    def _last_edit(self, steps: list[Step]) -> dict[str, Any]:
        if not steps:
            return {"parent": None, "changed": []}
        before, _, after = steps[-1]
        changed = [index for index, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
        return {"parent": self.known.numbers[before], "changed": changed}
