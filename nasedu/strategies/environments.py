"""Two ways to make a sequence of actions of a search: build an architecture, or edit one.

Reinforcement learning knows states, actions and rewards; a space knows decisions, a trial a score.

    Build   a state is the decisions made so far, an action an option of the next one: Baker, Gupta, Naik & Raskar,
            "Designing Neural Network Architectures using Reinforcement Learning", ICLR 2017, arXiv:1611.02167,
            Section 4. The episode ends with the last decision, and only then is there a reward: the score.
    Edit    a state is a whole architecture, an action another option for one of its decisions: on chains another
            type or size of a layer, or another depth, which appends or deletes layers. The reward of an edit is the
            difference that it makes to the score; to stop is always allowed, and worth 0.

The differences along some edits add up to score(last) − score(first), so both reward what comes out at the end.

An edit between two architectures whose scores are known costs no training. A walk (``agent.py``) passes through them
and ends at the first architecture that was never evaluated: that is the trial. So in both an episode is one trial.
Inactive decisions are skipped.
"""

import math
from itertools import accumulate

from nasedu.core import SearchSpace

__all__ = ["NEVER", "Build", "Edit", "Environment", "State", "Step"]

State = tuple[int, ...]
"""The choices of an architecture (Edit), or of its first decisions (Build)."""
Step = tuple[State, int, State]
"""A state, the action taken in it, and the state that followed. An episode is a list of steps."""
NEVER = -math.inf
"""The value of an action that is not allowed."""


class Build:
    """Write an architecture, one active decision after the other. What is active may depend on earlier ones only.

    Attributes:
        slots: how many options all decisions have together.
        starts: which slot is the first of each decision.
        limit: the most steps of an episode.
        stop: the value of ending the episode at will: not allowed.
    """

    stop = NEVER

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self.counts = [len(decision.options) for decision in space.decisions]
        *self.starts, self.slots = accumulate(self.counts, initial=0)
        self.limit = len(self.counts)

    def start(self, origin: State | None) -> State | None:
        """Return the state with no decision made."""
        return self._to_next(())

    def actions(self, state: State, value: float) -> list[float]:
        """Return this value for each action of the state: for each option of the next decision."""
        return [value] * self.counts[len(state)]

    def slots_of(self, state: State) -> slice:
        """Return which slots are the state's actions."""
        start = self.starts[len(state)]
        return slice(start, start + self.counts[len(state)])

    def untried(self, mean: float) -> float:
        """Return what an action is taken for that was never tried: the mean score."""
        return mean

    def after(self, state: State, action: int) -> State | None:
        """Return the state that follows; None if it would be an invalid architecture."""
        state = self._to_next((*state, action))
        if len(state) < self.limit:
            return state
        choices = self.space.pin(state)
        return choices if self.space.is_valid(choices) else None

    def ends(self, state: State, is_told: bool) -> bool:
        """Say whether the episode ends here: when all decisions are made."""
        return len(state) == self.limit

    def reward(self, state: State, after: State, scores: dict[State, float]) -> float:
        """Return the score of a complete architecture, else 0."""
        return scores[after] if len(after) == self.limit else 0.0

    def episode(self, choices: State) -> list[Step]:
        """Return the steps that write these choices."""
        steps, state = [], self._to_next(())
        while len(state) < self.limit:
            after = self._to_next(choices[: len(state) + 1])
            steps.append((state, choices[len(state)], after))
            state = after
        return steps

    def _to_next(self, state: State) -> State:
        """Pin the inactive decisions that follow to 0, up to the next active one."""
        while len(state) < self.limit and not self.space.active(state + (0,) * (self.limit - len(state)))[len(state)]:
            state = (*state, 0)
        return state


class Edit:
    """Change one decision after the other; in between, all is as in :class:`Build`.

    Args:
        space: whose architectures to edit.
        limit: the most edits of an episode, at least 1.
    """

    stop = 0.0

    def __init__(self, space: SearchSpace, limit: int) -> None:
        self.space, self.limit = space, limit
        self.counts = [len(decision.options) for decision in space.decisions]
        *self.starts, self.slots = accumulate(self.counts, initial=0)
        self.decision_of = [index for index, count in enumerate(self.counts) for _ in range(count)]

    def start(self, origin: State | None) -> State | None:
        """Return where the strategy wants to start; None if it does not know yet."""
        return origin

    def actions(self, state: State, value: float) -> list[float]:
        """Return this value for each option of each active decision, NEVER for the options that the state has."""
        row: list[float] = []
        for start, count, choice, on in zip(self.starts, self.counts, state, self.space.active(state), strict=True):
            row += [value if on else NEVER] * count
            row[start + choice] = NEVER
        return row

    def slots_of(self, state: State) -> slice:
        """Return all slots."""
        return slice(0, self.slots)

    def untried(self, mean: float) -> float:
        """Return what an action is taken for that was never tried: it makes no difference."""
        return 0.0

    def after(self, state: State, action: int) -> State | None:
        """Return the edited architecture's choices; None if they are invalid."""
        index = self.decision_of[action]
        choices = self.space.pin((*state[:index], action - self.starts[index], *state[index + 1 :]))
        return choices if self.space.is_valid(choices) else None

    def ends(self, state: State, is_told: bool) -> bool:
        """Say whether the episode ends here: at an architecture that was never evaluated."""
        return not is_told

    def reward(self, state: State, after: State, scores: dict[State, float]) -> float:
        """Return the difference that the edit made to the score."""
        return scores[after] - scores[state]

    def episode(self, choices: State) -> list[Step]:
        """Return no steps: by which edits somebody else came here is not known."""
        return []


Environment = Build | Edit
