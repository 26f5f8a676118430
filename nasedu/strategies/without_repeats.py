"""No function is evaluated twice, whatever the strategy asks for.

    ask:   ask the strategy; while what it proposes computes what a known trial does, tell it that trial again, and ask
           again; while that is being evaluated, it is told when the trial is there
    tell:  remember the trial, and tell it to the strategy, once more for each ask that was waiting for it

What a function is says the space, by its canonical names. The strategy learns from every answer as if it had been paid
for, so regularised evolution, say, still lets the oldest leave.
"""

from dataclasses import replace

from nasedu.core import Architecture, Proposal, Strategy, Trial
from nasedu.strategies.arguments import check_at_least
from nasedu.strategies.wrappers import Wrapper, parts

__all__ = ["WithoutRepeats"]

Key = tuple[str, float | None]  # what is computed, and how long it is trained; None where the strategy does not say


class WithoutRepeats(Wrapper):
    """Evaluate no function twice: of a known one the inner strategy is told the known trial, and asked again.

    Two architectures are the same if their space gives them the same canonical name and they are
    trained equally long. One that is being evaluated is not proposed either.

    Args:
        strategy: whose proposals are checked.
        attempts: after so many repeats in a row the last one is evaluated again, for a small space may
            be used up, and a strategy may have stopped exploring; at least 1.

    State: the inner strategy's, and
        skipped: how many repeats an ask has skipped.

    Raises:
        TypeError: ``strategy`` is none.
        ValueError: attempts is below 1.
    """

    def __init__(self, strategy: Strategy, attempts: int = 100) -> None:
        super().__init__(strategy)
        check_at_least(1, attempts=attempts)
        self.attempts = attempts
        self.known: dict[Key, Trial | None] = {}  # None while it is evaluated
        self.waiting: dict[Key, list[Architecture]] = {}  # repeats of what is being evaluated
        self.names: dict[Architecture, str] = {}

    def ask(self) -> Architecture | Proposal:
        """Propose what was not proposed yet."""
        for skipped in range(self.attempts):
            proposed = self.strategy.ask()
            architecture, epochs = parts(proposed)
            key = self._name(architecture), epochs
            if key not in self.known or skipped == self.attempts - 1:
                break
            known = self.known[key]
            if known is None:
                self.waiting.setdefault(key, []).append(architecture)
            else:
                self.strategy.tell(replace(known, architecture=architecture))
        self.known.setdefault(key, None)
        self.state = {**self.inner_state(), "skipped": skipped}
        return proposed

    def tell(self, trial: Trial) -> None:
        """Remember the trial, and let the inner strategy learn, also what it asked for again meanwhile."""
        name = self._name(trial.architecture)
        key = (name, trial.epochs) if (name, trial.epochs) in self.known else (name, None)
        self.known[key] = trial
        super().tell(trial)
        for architecture in self.waiting.pop(key, []):
            self.strategy.tell(replace(trial, architecture=architecture))

    def _name(self, architecture: Architecture) -> str:
        if architecture not in self.names:
            self.names[architecture] = self.space.canonical(architecture)
        return self.names[architecture]
