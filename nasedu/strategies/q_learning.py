"""Q-learning: a table of what each action is worth in each state, filled by trying.

Watkins & Dayan, "Q-learning", Machine Learning 8 (1992); as a search for networks: Baker, Gupta, Naik & Raskar,
"Designing Neural Network Architectures using Reinforcement Learning" (MetaQNN), ICLR 2017, arXiv:1611.02167,
Sections 3 and 4, Equation 3.

Q(s, u) is the reward still to come if action u is taken in state s and only the best actions after it: what is worth
more later makes worth more now. Being rewards, Q-values need not add up to 1; a softmax is one way to *choose* by them.

    ask:   walk, in each state s with probability ε by any action, else by u = argmax Q(s, ·), or, with a
           temperature T > 0, by u ~ softmax(Q(s, ·) / T), until an architecture is reached
           if it is known, it is not trained again: learn from the walk as below, and walk again
           after 5 walks in vain, or where to stop is better than any edit: draw from the space
    tell:  for each step (s, u, r, s') of the walk, the last first:
               Q(s, u) ← (1 − α) Q(s, u) + α (r + γ max Q(s', ·))
               with no max where the episode ended; in "edit" it is at least 0, for one may stop
           the same for k episodes drawn from the memory of all

Walks are those of ``agent.py``, in "build" or in "edit". A table knows nothing of a state that it has not met. In
"build" what it learns of an option holds after the same decisions only, so it compares the last decisions of good
architectures and draws the rest: little more than random search. In "edit" it climbs: untried edits are worth 0, so it
tries the neighbours of the best until one is better. When all are worse it starts again from a random architecture.

Symbols (the paper's values, k from its authors' code, and ours):
    α  learning_rate   share of the new value                0.01             1
    γ  discount        of what comes one action later        1                1
    ε  exploration     share of random actions, in the end   0.1              0.1
       initial_asks    ε is 1 for so many trials             1,500 of 2,700   10
    k  replays         episodes replayed per tell            128              1
    T  temperature     in units of score; 0 is greedy        –                0
       initial_value   of an action never tried              about 0.5        the mean score; in "edit" 0
       edits           the most of an episode of "edit"      –                3

What differs from the paper:
    * "edit" is ours. So is α = 1, which is exact where an action always has the same reward, as here.
    * ε falls as initial_asks / t with t, the number of tells, for a strategy does not know how many there will be; the
      paper's falls by tenths. Both are at 0.1 in the end, here after ten times initial_asks.
    * In "edit" the first initial_asks are drawn from the space. That nothing is trained twice is as in the paper.
"""

import numpy as np

from nasedu.core import SearchSpace, Trial
from nasedu.strategies.agent import WALKS, Agent, Walk
from nasedu.strategies.arguments import check_at_least
from nasedu.strategies.environments import NEVER, State, Step

__all__ = ["QLearning"]


class QLearning(Agent):
    """A Q-table, ε-greedy.

    Args:
        space: where to search.
        rng: the only source of randomness.
        environment: ``"edit"`` changes whole architectures, ``"build"`` writes them decision by decision, as the paper.
        learning_rate: α, in (0, 1].
        discount: γ, in [0, 1]; 1, the paper's, sets no price on a step.
        exploration: the last ε, in [0, 1]; the paper's.
        initial_asks: for how many trials ε is 1, at least 0; ours.
        replays: k, at least 0; each costs about as much as the update of the trial itself; ours.
        temperature: T, at least 0, in units of score; 0, greedy, as the paper.
        initial_value: in units of score; None for the mean score, or 0 in "edit". High ones make it try every action.
        edits: the most of an episode of "edit", at least 1; ours.

    Attributes:
        table: for each state met the Q-values of its actions; -inf for those that are not allowed. In "build" they are
            the options of the next decision, in "edit" the options of all decisions, one after the other.
        memory: the episodes so far, each a list of (state, action, next state).
        known: the scores so far, and the best trial.
        origin: the best trial since the last start from a random one, None if there is none.

    State:
        ask: that of an :class:`Agent`; an action is an index into its state's row of the table.
        tell: ``score``, ``memory`` (the number of episodes), ``td_errors`` (how far each entry on the way was from what
            it should be, the last step first).

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
        check_at_least(0, replays=replays, temperature=temperature)
        super().__init__(space, rng, environment, discount, exploration, initial_asks, edits)
        self.learning_rate, self.replays = learning_rate, replays
        self.temperature, self.initial_value = temperature, initial_value
        self.table: dict[State, list[float]] = {}
        self.memory: list[list[Step]] = []

    def tell(self, trial: Trial) -> None:
        """Let the reward flow back along the walk, and along some of the memory."""
        score, steps = self.record(trial)
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
            value = self.environment.untried(self.known.mean) if self.initial_value is None else self.initial_value
            row = self.table[state] = self.environment.actions(state, value)
        return row

    def choose(self, values: list[float]) -> tuple[int, bool] | None:
        """Return an action, and whether it is a random one; None if to stop is better."""
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
        place = int(len(values) * u)  # among equals it is the first one from here on
        return values.index(best, place if best in values[place:] else 0), False

    def forbid(self, state: State, action: int) -> None:
        """Take an action out of the table."""
        self.table[state][action] = NEVER

    def find(self, start: State) -> Walk:
        """Walk until the end is new, and learn from what is known already; no steps if that is in vain."""
        for _ in range(WALKS):
            steps, explored = self.walk(start)
            if steps and steps[-1][2] not in self.known.asked:
                return steps, explored
            self._learn(steps)
            if not steps and max(self.table[start]) < self.environment.stop:
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
