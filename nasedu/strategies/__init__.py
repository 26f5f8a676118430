"""Black-box search strategies: one file per method, in the order in which each differs a little from the last."""

from nasedu.strategies.random_search import RandomSearch
from nasedu.strategies.regularized_evolution import RegularizedEvolution

__all__ = ["RandomSearch", "RegularizedEvolution"]
