"""Hard bounds around any strategy: nothing larger is ever evaluated.

    ask:   ask the strategy; while what it proposes is too large, tell it so as a failed trial, and ask again

What differs from the literature: bounds are often part of the score (MnasNet, arXiv:1807.11626, multiplies; a price
that is taken off is ``nas.evaluators.Penalized``), here they are hard.
"""

from collections.abc import Callable, Mapping

from nasedu.core import Architecture, Metric, Proposal, Strategy, Trial
from nasedu.strategies.wrappers import Wrapper, parts

__all__ = ["Constrained"]

Measure = Callable[[Architecture], Mapping[str, Metric | float]]


class Constrained(Wrapper):
    """Never evaluate what is too large: such a proposal is told as a failed trial, and the next one is asked for.

    Args:
        strategy: whose proposals are checked.
        at_most: the largest value of each metric, such as ``{"parameters": 50_000}``, in the metric's unit.
        measure: an architecture to its metrics by name, without training it; metrics that ``at_most`` does not
            name are ignored. Of a table: ``lambda cell: table([cell])[0].metrics``. Of networks: a function that makes
            one with ``nas.networks.build`` and returns what ``nas.training.parameters``, ``flops`` or ``latency``
            say of it. It is called once for each architecture.

    State: the inner strategy's, and
        refused: how many proposals an ask has refused.

    Raises:
        TypeError: ``strategy`` is none.
        ValueError: ``at_most`` is empty, ``measure`` lacks a metric of it, or 1,000 proposals in a row were too large.
    """

    ATTEMPTS = 1_000

    def __init__(self, strategy: Strategy, at_most: Mapping[str, float], measure: Measure) -> None:
        if not at_most:
            raise ValueError("at_most must bound at least one metric, such as {'parameters': 50_000}; got none.")
        super().__init__(strategy)
        self.at_most, self.measure = dict(at_most), measure
        self.excesses: dict[Architecture, str] = {}  # of what was measured: why it is refused, or nothing

    def ask(self) -> Architecture | Proposal:
        """Propose what is within the bounds."""
        for refused in range(self.ATTEMPTS):
            proposed = self.strategy.ask()
            architecture, epochs = parts(proposed)
            excess = self._excess(architecture)
            if not excess:
                self.state = {**self.inner_state(), "refused": refused}
                return proposed
            self.strategy.tell(Trial(architecture, epochs=epochs, failure=excess))
        raise ValueError(
            f"none of {self.ATTEMPTS:,} proposals of {type(self.strategy).__name__} was within {self.at_most}; "
            f"the last one: {excess}. Allow more, or search a space of smaller architectures."
        )

    def _excess(self, architecture: Architecture) -> str:
        if architecture not in self.excesses:
            measured = {name: _value(value) for name, value in self.measure(architecture).items()}
            missing = self.at_most.keys() - measured.keys()
            if missing:
                known = ", ".join(measured) or "nothing"
                raise ValueError(f"measure must give {min(missing)!r}, which at_most bounds; it gives {known}.")
            excesses = [
                f"too many {name}: {measured[name]:,.9g} > {most:,.9g}"
                for name, most in self.at_most.items()
                if not measured[name] <= most
            ]
            self.excesses[architecture] = "; ".join(excesses)
        return self.excesses[architecture]


def _value(metric: Metric | float) -> float:
    return metric.value if isinstance(metric, Metric) else float(metric)
