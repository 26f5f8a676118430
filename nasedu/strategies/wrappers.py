"""Strategies around a strategy: bounds, no repeats, diversity, for any strategy and in any combination.

    strategy = WithoutRepeats(Constrained(RegularizedEvolution(space, rng), at_most, measure))

Each passes on what its strategy asks for and is told, and changes one thing of it. Its space, its rng and
what there is to see of it are the inner strategy's; the settings of both are recorded in the history.

    Constrained      refuses proposals that are too large     it learns of them as failed trials
    WithoutRepeats   evaluates no function twice              it is told the known trial again
    Diversified      lowers the score of what is similar      it is told the lower score
                     to the last k trials

Who asks again can ask in vain. Constrained then gives up: a search whose strategy finds nothing within
its bounds cannot go on. WithoutRepeats lets the repeat pass.
"""

from typing import Any

from nasedu.core import Architecture, Proposal, Strategy, Trial

__all__ = ["Wrapper", "parts"]


class Wrapper:
    """A strategy around a strategy. What a subclass does not change is the inner one's.

    Args:
        strategy: the inner one.

    Raises:
        TypeError: ``strategy`` is none: a class, or a space.
    """

    def __init__(self, strategy: Strategy) -> None:
        if isinstance(strategy, type) or not callable(getattr(strategy, "ask", None)):
            name = type(self).__name__
            example = f"{name}(RandomSearch(space, rng){', at_most, measure' * (name == 'Constrained')})"
            given = f"the class {strategy.__name__}" if isinstance(strategy, type) else repr(strategy)
            raise TypeError(f"{name} takes a strategy, such as {example}; got {given}.")
        self.strategy = strategy
        self.space = strategy.space
        self.rng = getattr(strategy, "rng", None)
        self.state: dict[str, Any] = {}

    def ask(self) -> Architecture | Proposal:
        """Propose what the inner strategy proposes."""
        proposed = self.strategy.ask()
        self.state = self.inner_state()
        return proposed

    def tell(self, trial: Trial) -> None:
        """Let the inner strategy learn."""
        self.strategy.tell(trial)
        self.state = self.inner_state()

    def inner_state(self) -> dict[str, Any]:
        """Return what there is to see of the inner strategy."""
        return dict(getattr(self.strategy, "state", {}))


def parts(proposed: Architecture | Proposal) -> tuple[Architecture, float | None]:
    """Return the architecture of a proposal, and for how many epochs; None if the strategy does not say."""
    return (proposed.architecture, proposed.epochs) if isinstance(proposed, Proposal) else (proposed, None)
