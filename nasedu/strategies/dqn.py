"""Deep Q-network: a network in place of the Q-table, so that what is learned in one state holds in others.

Mnih et al., "Human-level control through deep reinforcement learning", Nature 518 (2015), Algorithm 1, and before it
arXiv:1312.5602.

A network (``q_network.py``) reads a state and has an output for each action, its Q-value. Learning from one's own
estimates can chase its tail. Two things calm it: updates are made on steps drawn at random from a replay memory; and
the max in the targets is that of a copy, the *target network*, which is renewed only every C updates.

    ask:   walk ε-greedily from the best architecture (or from nothing, in "build") to one that is new (``agent.py``)
    tell:  put the steps (s, u, r, s') of the walk into the memory; then n times draw B of them, and with
               y = r                              where the episode ended
               y = r + γ max Q_target(s', ·)      else; in "edit" the max is at least 0, for one may stop
           make an Adam step along the mean Huber loss of Q(s, u; θ) − y; every C steps θ_target ← θ

Symbols (the paper's values, for video games, and ours):
    γ  discount           of what comes one action later       0.99           1
    ε  exploration        share of random actions, in the end  0.1            0.1
       initial_asks       ε is 1 for so many                   50,000 frames  10 trials
    B  batch_size         steps in an update                   32             32
    n  updates_per_tell                                        –              3
    C  target_interval    updates between copies               10,000         50
       memory_size        steps kept, the last                 1,000,000      10,000
       learning_rate      Adam's (the paper: RMSProp)          0.00025        0.003
       hidden_size        of each of two hidden layers         convolutions   32
       edits              the most of an episode of "edit"     –              3

What differs from the paper:
    * Q = m + d f(s; θ): f is the network, d the standard deviation of the scores so far, m their mean in "build" and
      0 in "edit". So no setting depends on the unit of the scores.
    * ε falls as initial_asks / t after t tells, and no trial is a repeat, as in ``q_learning.py``; but there is no
      stopping, for an estimate is never sure that nothing is better.
"""

from collections import deque

import numpy as np

from nasedu.core import SearchSpace, Trial
from nasedu.strategies.agent import Agent
from nasedu.strategies.arguments import check_above, check_at_least
from nasedu.strategies.environments import NEVER, State

__all__ = ["DQN"]


class DQN(Agent):
    """A network of Q-values, ε-greedy.

    Args:
        space: where to search.
        rng: the only source of randomness; the initial weights are drawn from it too.
        environment: ``"edit"`` changes whole architectures, ``"build"`` writes them decision by decision.
        discount: γ, in [0, 1]; 1 sets no price on a step; ours.
        exploration: the last ε, in [0, 1]; the paper's.
        initial_asks: for how many trials ε is 1, at least 0; ours.
        hidden_size: units of each of the two hidden layers, at least 1; ours.
        learning_rate: Adam's, above 0; ours.
        batch_size: B, at least 1; the paper's.
        updates_per_tell: n, at least 0; ours.
        target_interval: C, at least 1; ours.
        memory_size: how many steps are kept, at least 1; ours.
        edits: the most of an episode of "edit", at least 1; ours.

    Attributes:
        network: the weights θ and their copy.
        memory: the last steps: (state, action, next state, whether the episode ended there).
        known: the scores so far, and the best trial.
        updates: how many there were.

    State:
        ask: that of an :class:`Agent`.
        tell: ``score``, ``memory`` (the number of steps), ``updates`` (how many so far), ``losses`` (one of each of
            this tell's updates).

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        environment: str = "edit",
        discount: float = 1.0,
        exploration: float = 0.1,
        initial_asks: int = 10,
        hidden_size: int = 32,
        learning_rate: float = 0.003,
        batch_size: int = 32,
        updates_per_tell: int = 3,
        target_interval: int = 50,
        memory_size: int = 10_000,
        edits: int = 3,
    ) -> None:
        check_at_least(0, updates_per_tell=updates_per_tell)
        check_at_least(1, hidden_size=hidden_size, batch_size=batch_size)
        check_at_least(1, target_interval=target_interval, memory_size=memory_size)
        check_above(0, learning_rate=learning_rate)
        from nasedu.strategies.q_network import QNetwork

        super().__init__(space, rng, environment, discount, exploration, initial_asks, edits)
        self.hidden_size, self.learning_rate = hidden_size, learning_rate
        self.batch_size, self.updates_per_tell = batch_size, updates_per_tell
        self.target_interval, self.memory_size = target_interval, memory_size
        self.network = QNetwork(self.environment, rng, hidden_size, learning_rate)
        self.memory: deque[tuple[State, int, State, bool]] = deque(maxlen=memory_size)
        self.masks: dict[State, np.ndarray] = {}  # 0 for each action of a state that is allowed, else NEVER
        self.updates = 0

    def tell(self, trial: Trial) -> None:
        """Remember the walk, and learn from the memory."""
        score, steps = self.record(trial)
        self.network.mean = self.environment.untried(self.known.mean)
        self.network.deviation = float(np.std(list(self.known.scores.values()))) or 1.0
        self.memory.extend((*step, step is steps[-1]) for step in steps)
        losses = [self._update() for _ in range(self.updates_per_tell if self.memory else 0)]
        self.state = {"score": score, "memory": len(self.memory), "updates": self.updates, "losses": losses}

    def values(self, state: State) -> list[float]:
        """Return the Q-values of a state's actions, NEVER for those that are not allowed."""
        q = self.network.values([state])[0]
        return (q[self.environment.slots_of(state)] + self._mask(state)).tolist()  # type: ignore[no-any-return]

    def choose(self, values: list[float]) -> tuple[int, bool] | None:
        """Return an action, and whether it is a random one; None if none is allowed."""
        at_random = self.rng.random() < self.epsilon
        allowed = [action for action, q in enumerate(values) if q > NEVER]
        if not allowed:
            return None
        if at_random:
            return allowed[int(self.rng.integers(len(allowed)))], True
        return max(allowed, key=values.__getitem__), False

    def forbid(self, state: State, action: int) -> None:
        """Take note that an action is not allowed."""
        self._mask(state)[action] = NEVER

    def _update(self) -> float:
        """Draw a batch and make a step along its mean loss; return that loss, in squared units of the deviation."""
        batch = [self.memory[i] for i in self.rng.integers(len(self.memory), size=self.batch_size)]
        taken = [self.environment.slots_of(state).start + action for state, action, _, _ in batch]
        loss = self.network.descend([state for state, _, _, _ in batch], taken, self._targets(batch))
        self.updates += 1
        if self.updates % self.target_interval == 0:
            self.network.renew_target()
        return loss

    def _targets(self, batch: list[tuple[State, int, State, bool]]) -> np.ndarray:
        """Return y of each step [B]."""
        y = np.array([self.environment.reward(state, after, self.known.scores) for state, _, after, _ in batch])
        going_on = [(i, after) for i, (_, _, after, ended) in enumerate(batch) if not ended]
        rows = self.network.target_values([after for _, after in going_on])
        for (i, after), q in zip(going_on, rows, strict=True):
            allowed = q[self.environment.slots_of(after)] + self._mask(after)
            y[i] += self.discount * max(self.environment.stop, allowed.max())
        return y

    def _mask(self, state: State) -> np.ndarray:
        """Return 0 for each action of the state that is allowed, NEVER for the others."""
        if state not in self.masks:
            self.masks[state] = np.array(self.environment.actions(state, 0.0))
        return self.masks[state]
