"""Black-box search strategies: one file per method. ``random_search.py`` is the shortest and shows their shape."""

from nasedu.strategies.asha import ASHA
from nasedu.strategies.bananas import Bananas
from nasedu.strategies.bayesian_optimization import BayesianOptimization
from nasedu.strategies.bohb import BOHB
from nasedu.strategies.boltzmann_policy import BoltzmannPolicy
from nasedu.strategies.constrained import Constrained
from nasedu.strategies.diversified import Diversified
from nasedu.strategies.dqn import DQN
from nasedu.strategies.genetic_algorithm import GeneticAlgorithm
from nasedu.strategies.hyperband import Hyperband
from nasedu.strategies.local_search import LocalSearch
from nasedu.strategies.nsga2 import NSGA2
from nasedu.strategies.optuna_strategy import OptunaStrategy
from nasedu.strategies.ppo import PPO
from nasedu.strategies.q_learning import QLearning
from nasedu.strategies.random_search import RandomSearch
from nasedu.strategies.regularized_evolution import RegularizedEvolution
from nasedu.strategies.reinforce import Reinforce
from nasedu.strategies.reinforce_table import ReinforceTable
from nasedu.strategies.simulated_annealing import SimulatedAnnealing
from nasedu.strategies.successive_halving import SuccessiveHalving
from nasedu.strategies.without_repeats import WithoutRepeats

__all__ = [
    "ASHA",
    "BOHB",
    "DQN",
    "NSGA2",
    "PPO",
    "Bananas",
    "BayesianOptimization",
    "BoltzmannPolicy",
    "Constrained",
    "Diversified",
    "GeneticAlgorithm",
    "Hyperband",
    "LocalSearch",
    "OptunaStrategy",
    "QLearning",
    "RandomSearch",
    "RegularizedEvolution",
    "Reinforce",
    "ReinforceTable",
    "SimulatedAnnealing",
    "SuccessiveHalving",
    "WithoutRepeats",
]


def __dir__() -> list[str]:
    return __all__  # the files have names too, but nobody looks for them
