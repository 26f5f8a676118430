"""Q-learning: a table of what each action is worth in each state, filled by trying.

Watkins & Dayan, "Q-learning", Machine Learning 8 (1992); as a search for networks: Baker, Gupta, Naik & Raskar,
"Designing Neural Network Architectures using Reinforcement Learning" (MetaQNN), ICLR 2017, arXiv:1611.02167,
Sections 3 and 4, Equation 3.

Q(s, u) is the reward still to come if action u is taken in state s and only the best actions after it. With r the
reward of u and s' the state that follows, Q(s, u) = r + γ max Q(s', ·): what is worth more later makes worth more now.

    ask:   walk, in each state s with probability ε by any action, else by u = argmax Q(s, ·), or, with a
           temperature T > 0, by u ~ softmax(Q(s, ·) / T), until an architecture is reached that is new
    tell:  for each step (s, u, r, s') of the walk, the last first:
               Q(s, u) ← (1 − α) Q(s, u) + α (r + γ max Q(s', ·))      no max where the episode ended
           the same for k episodes drawn from the memory of all

States, actions, rewards and stopping are those of ``environments.py``. The softmax is one way to *choose* by
Q-values. The Q-values are rewards and no probabilities: they need not add up to 1.

A table knows nothing of a state that it has not met. In "build" what it learns of an option holds after the same
decisions only, so it compares the last decisions of good architectures and draws the rest: little more than random
search. In "edit" it climbs: untried edits are worth 0, so it tries the neighbours of the best until one is better.
When all are worse it stops, and starts again from an architecture drawn at random.

Symbols (the paper's values, k from its authors' code, and ours):
    α  learning_rate   share of the new value                   0.01           1
    γ  discount        of what comes one action later           1              1
    ε  exploration     share of random actions, in the end      0.1            0.1
       initial_asks    ε is 1 for so many trials (in "edit",    1,500          10
                       where they are drawn from the space)     of 2,700
    k  replays         episodes replayed per tell               128            1
    T  temperature     in units of score; 0 is greedy           –              0
       initial_value   of an action never tried                 about 0.5      the mean score; in "edit" 0
       edits           the most of an episode of "edit"         –              3

What differs from the paper:
    * "edit" is ours. So is α = 1, which is exact where an action always has the same reward, as here.
    * ε falls as initial_asks / t with t, the number of tells, for a strategy does not know how many there will be; the
      paper's falls by tenths. Both are at 0.1 in the end, here after ten times initial_asks.
    * As in the paper nothing is trained twice: the walk learns from what is known already, and begins again. After 5
      in vain an architecture is drawn from the space. A failed trial counts as the lowest score so far.
"""

from typing import Any

import numpy as np

from nasedu.core import Architecture, SearchSpace, Trial
from nasedu.strategies.environments import NEVER, Known, State, Step, make_environment, walk

__all__ = ["QLearning"]

WALKS = 5


class QLearning:
    """A Q-table, ε-greedy.

    Args:
        space: where to search.
        rng: the only source of randomness.
        environment: ``"edit"`` or ``"build"``.
        learning_rate: α, in (0, 1].
        discount: γ, in [0, 1].
        exploration: the last ε, in [0, 1].
        initial_asks: at least 0.
        replays: k, at least 0; each costs about as much as the update of the trial itself.
        temperature: T, at least 0.
        initial_value: in units of score, or None. High ones make it try every action once.
        edits: at least 1.

    Attributes:
        table: for each state met the Q-values of its actions; -inf for those that are not allowed. In "build" they are
            the options of the next decision, in "edit" the options of all decisions, one after the other.
        memory: the episodes so far, each a list of (state, action, next state).
        known: the scores so far, and the best trial.
        origin: the best trial since the last start from a random one, None if there is none.

    State:
        After an ask: ``epsilon``; for each state on the way the action taken there in ``actions``, as an index into
        its row of the table, that action's Q-value in ``values``, and whether it was a random one in ``explored``. The
        three are empty if the architecture was drawn from the space. In "edit" also ``parent``, the number of the
        trial that the last edit changed (None if drawn), and ``changed``, the indices of the decisions in which the
        two differ. After a tell: ``score``, ``memory``, the number of episodes, and ``td_errors``, how far each entry
        on the way was from what it should be, the last step first.

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        environment: str = "edit",
        learning_rate: float = 1.0,
        discount: float = 1.0,
        exploration: float = 0.1,
        initial_asks: int = 10,
        replays: int = 1,
        temperature: float = 0.0,
        initial_value: float | None = None,
        edits: int = 3,
    ) -> None:
        if not 0 < learning_rate <= 1:
            raise ValueError(f"learning_rate must lie in (0, 1]; got {learning_rate}.")
        if not (0 <= discount <= 1 and 0 <= exploration <= 1):
            raise ValueError(f"discount and exploration must lie in [0, 1]; got {discount} and {exploration}.")
        if min(initial_asks, replays, temperature) < 0:
            given = f"{initial_asks}, {replays} and {temperature}"
            raise ValueError(f"initial_asks, replays and temperature must be at least 0; got {given}.")
        self.space = space
        self.rng = rng
        self.settings = {
            "environment": environment,
            "learning_rate": learning_rate,
            "discount": discount,
            "exploration": exploration,
            "initial_asks": initial_asks,
            "replays": replays,
            "temperature": temperature,
            "initial_value": initial_value,
            "edits": edits,
        }
        self.environment = make_environment(environment, space, edits)
        self.learning_rate, self.discount, self.exploration = learning_rate, discount, exploration
        self.initial_asks, self.replays, self.temperature = initial_asks, replays, temperature
        self.initial_value, self.edits = initial_value, edits
        self.epsilon = 1.0 if initial_asks else exploration
        self.table: dict[State, list[float]] = {}
        self.memory: list[list[Step]] = []
        self.known = Known()
        self.origin: Trial | None = None
        self.pending: dict[State, list[Step]] = {}  # the walks whose trials were not told
        self.state: dict[str, Any] = {}

    def ask(self) -> Architecture:
        """Walk to an architecture that is new, or draw one."""
        steps, explored = self._walk()
        self.state = {
            "epsilon": self.epsilon,
            "values": [self.table[state][action] for state, action, _ in steps],
            "actions": [action for _, action, _ in steps],
            "explored": explored,
        }
        if self.settings["environment"] == "edit":
            self.state |= self.known.last_edit(steps)
        if not steps:
            return self.known.draw(self.space, self.rng)
        choices = steps[-1][2]
        self.known.asked.add(choices)
        self.pending[choices] = steps
        return Architecture(self.space, choices)

    def tell(self, trial: Trial) -> None:
        """Let the reward flow back along the walk, and along some of the memory."""
        choices = trial.architecture.choices
        score = self.known.record(trial)
        if trial.failure is None and (self.origin is None or score > self.origin.score):
            self.origin = trial
        self.epsilon = max(self.exploration, min(1.0, self.initial_asks / self.known.tells))
        steps = self.pending.pop(choices, None) or self.environment.episode(choices)
        errors = self._learn(steps)
        if steps:
            self.memory.append(steps)
        for _ in range(self.replays if self.memory else 0):
            self._learn(self.memory[int(self.rng.random() * len(self.memory))])
        self.state = {"score": score, "memory": len(self.memory), "td_errors": errors}

    def values(self, state: State) -> list[float]:
        """Return a row of the table; a new one where the state was not met before."""
        row = self.table.get(state)
        if row is None:
            value = self.initial_value
            value = self.environment.initial_value(self.known.mean) if value is None else value
            row = self.table[state] = self.environment.actions(state, value)
        return row

    def choose(self, values: list[float]) -> tuple[int, bool] | None:
        """Return an action, and whether it is a random one; None if to stop is better.

        Among equals it is the first one from a random place on.
        """
        best, u = max(values), self.rng.random()
        if best == NEVER:
            return None
        if u < self.epsilon:
            allowed = [action for action, q in enumerate(values) if q > NEVER]
            return allowed[int(len(allowed) * u / self.epsilon)], True
        if best < self.environment.stop:
            return None
        u = (u - self.epsilon) / (1 - self.epsilon)  # uniform again
        if self.temperature > 0:
            cumulative = np.exp((np.array(values) - best) / self.temperature).cumsum()
            return int(np.searchsorted(cumulative, u * cumulative[-1], side="right")), False
        place = int(len(values) * u)
        return values.index(best, place if best in values[place:] else 0), False

    def forbid(self, state: State, action: int) -> None:
        """Take an action out of the table."""
        self.table[state][action] = NEVER

    def _walk(self) -> tuple[list[Step], list[bool]]:
        """Walk until the end is new, and learn from what is known already; no steps if that is in vain."""
        origin = self.origin if self.known.tells >= self.initial_asks else None
        start = self.environment.start(None if origin is None else origin.architecture.choices)
        if start is None:
            return [], []
        for _ in range(WALKS):
            found = walk(self.environment, self, start, self.known)
            if found is not None and found[0][-1][2] not in self.known.asked:
                return found
            if found is not None:
                self._learn(found[0])
            elif max(self.table[start]) < self.environment.stop:
                break
        self.origin = None
        return [], []

    def _learn(self, steps: list[Step]) -> list[float]:
        """Update the entries of a walk, the last one first; return how far they were off."""
        errors, table, stop = [], self.table, self.environment.stop
        for state, action, after in reversed(steps):
            row = table.get(state) or self.values(state)
            if row[action] == NEVER:  # forbidden since
                continue
            error = self.environment.reward(state, after, self.known.scores) - row[action]
            following = table.get(after)  # none where the episode ended
            if following is not None:
                error += self.discount * max(stop, max(following))
            row[action] += self.learning_rate * error
            errors.append(error)
        return errors
