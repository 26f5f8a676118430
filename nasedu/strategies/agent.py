"""An agent of reinforcement learning: it walks through an environment to an architecture that is new.

What ``q_learning.py`` and ``dqn.py`` share. They differ in what an action is worth, and in how they learn it. There
are two environments to walk through (``environments.py``):

    build   a state is the decisions made so far, an action an option of the next one; reward: the score, at the end
    edit    a state is a whole architecture, an action another option for one of its decisions;
            reward: the difference that it makes to the score; to stop is always allowed, and worth 0

    ask:   from the start (build: nothing is decided; edit: the best trial), take in each state the action that is
           chosen by the Q-values, until the episode ends, and come to no state twice; an architecture there that is
           new is the ask. After 5 walks in vain, and where there is no start yet: draw from the space
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
from nasedu.strategies.arguments import check_at_least, check_share, check_space_and_rng
from nasedu.strategies.environments import NEVER, Build, Edit, State, Step
from nasedu.strategies.known import Known

__all__ = ["WALKS", "Agent", "Walk"]

WALKS = 5  # in vain before an architecture is drawn from the space
Walk = tuple[list[Step], list[bool]]
"""The steps, and which of their actions were random. There are none if it was better to stop, or it led nowhere."""


class Agent(ABC):
    """A strategy that walks; a subclass gives the Q-values, chooses by them, and learns.

    Attributes:
        environment: a :class:`Build` or an :class:`Edit`.
        known: what was asked for, and the scores so far, by choices; the best trial.
        origin: where walks start in "edit": the best trial; a subclass may set it to None, to begin elsewhere.
        epsilon: ε now.

    State:
        ask: ``epsilon``, ``actions`` (taken in the states on the way, each as an index into the state's Q-values; none
            if the architecture was drawn from the space), ``values`` (their Q-values), ``explored`` (whether they were
            random ones); in "edit" also ``parent`` (number of the trial that the last edit changed, None if the
            architecture was drawn) and ``changed`` (indices of the decisions in which the two differ).
    """

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        environment: str,
        discount: float,
        exploration: float,
        initial_asks: int,
        edits: int,
    ) -> None:
        check_space_and_rng(space, rng)
        check_at_least(0, initial_asks=initial_asks)
        check_share(discount=discount, exploration=exploration)
        if environment not in ("build", "edit"):
            raise ValueError(f"environment must be 'build' or 'edit'; got {environment!r}.")
        check_at_least(1, edits=edits)
        self.space = space
        self.rng = rng
        self.environment = Build(space) if environment == "build" else Edit(space, edits)
        self.discount, self.exploration, self.initial_asks, self.edits = discount, exploration, initial_asks, edits
        self.epsilon = 1.0 if initial_asks else exploration
        self.known = Known()
        self.origin: Trial | None = None
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

    def ask(self) -> Architecture:
        """Walk to an architecture that is new, or draw one."""
        origin = self.origin if self.known.tells >= self.initial_asks else None
        start = self.environment.start(None if origin is None else origin.architecture.choices)
        steps, explored = ([], []) if start is None else self.find(start)
        self.state = {
            "epsilon": self.epsilon,
            "values": [self.values(state)[action] for state, action, _ in steps],
            "actions": [action for _, action, _ in steps],
            "explored": explored,
        }
        before, after = (steps[-1][0], steps[-1][2]) if steps else ((), ())
        if isinstance(self.environment, Edit):
            changed = [index for index, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
            self.state |= {"parent": self.known.numbers.get(before), "changed": changed}
        if not steps:
            return self.known.draw(self.space, self.rng)
        self.known.asked.add(after)
        self.pending[after] = steps
        return Architecture(self.space, after)

    def record(self, trial: Trial) -> tuple[float, list[Step]]:
        """Take note of a trial; return its score, and the steps that led to it."""
        score = self.known.record(trial)
        if trial.failure is None and (self.origin is None or score > self.origin.score):
            self.origin = trial
        self.epsilon = max(self.exploration, min(1.0, self.initial_asks / self.known.tells))
        choices = trial.architecture.choices
        return score, self.pending.pop(choices, None) or self.environment.episode(choices)

    def find(self, start: State) -> Walk:
        """Walk until the end is new; no steps if that is in vain."""
        for _ in range(WALKS):
            steps, explored = self.walk(start)
            if steps and steps[-1][2] not in self.known.asked:
                return steps, explored
        return [], []

    def walk(self, start: State) -> Walk:
        """Take the actions that are chosen until the episode ends; come to no state twice."""
        steps: list[Step] = []
        explored: list[bool] = []
        state, met = start, {start}
        for _ in range(self.environment.limit):
            step = self._step(state, met)
            if step is None:
                if steps and max(self.values(state)) == NEVER:  # nothing is possible here: do not come again
                    self.forbid(steps[-1][0], steps[-1][1])
                return [], []
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
