"""Black-box search strategies: one file per method, in the order in which each differs a little from the last.

The learned controller needs torch, so it is imported when first used.
"""

from typing import TYPE_CHECKING, Any

from nasedu.strategies.boltzmann_policy import BoltzmannPolicy
from nasedu.strategies.genetic_algorithm import GeneticAlgorithm
from nasedu.strategies.random_search import RandomSearch
from nasedu.strategies.regularized_evolution import RegularizedEvolution

if TYPE_CHECKING:
    from nasedu.strategies.reinforce import Reinforce

__all__ = ["BoltzmannPolicy", "GeneticAlgorithm", "RandomSearch", "RegularizedEvolution", "Reinforce"]


def __getattr__(name: str) -> Any:
    if name == "Reinforce":
        from nasedu.strategies.reinforce import Reinforce

        return Reinforce
    raise AttributeError(f"module 'nasedu.strategies' has no attribute {name!r}")
