"""Evaluators: architectures in, trials out, in the same order. An evaluator is any such callable; these are ours.

Each is pure (the same architecture gives the same trial; on a GPU up to rounding), has ``settings`` for the
history, and has ``test(architecture)``, the only way to test accuracy. Importing them loads no torch.
"""

from nasedu.evaluators.population import Population
from nasedu.evaluators.train import Train
from nasedu.evaluators.wrappers import Averaged, Penalized

__all__ = ["Averaged", "Penalized", "Population", "Train"]


def __dir__() -> list[str]:
    return __all__  # the files have names too, but nobody looks for them
