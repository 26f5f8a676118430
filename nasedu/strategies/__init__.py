"""Black-box search strategies: one file per method, in the order in which each differs a little from the last."""

from nasedu.strategies.boltzmann_policy import BoltzmannPolicy
from nasedu.strategies.genetic_algorithm import GeneticAlgorithm
from nasedu.strategies.local_search import LocalSearch
from nasedu.strategies.random_search import RandomSearch
from nasedu.strategies.regularized_evolution import RegularizedEvolution
from nasedu.strategies.reinforce import Reinforce
from nasedu.strategies.reinforce_table import ReinforceTable
from nasedu.strategies.simulated_annealing import SimulatedAnnealing
from nasedu.strategies.wrappers import Constrained, Diversified, WithoutRepeats

__all__ = [
    "BoltzmannPolicy",
    "Constrained",
    "Diversified",
    "GeneticAlgorithm",
    "LocalSearch",
    "RandomSearch",
    "RegularizedEvolution",
    "Reinforce",
    "ReinforceTable",
    "SimulatedAnnealing",
    "WithoutRepeats",
]
