"""Training one network or a population, on CPU or GPU; scoring networks, and measuring what they cost."""

from nasedu.training.devices import device
from nasedu.training.limits import TrainingFailure, check_time_limit, memory_limit, time_limit
from nasedu.training.loop import Fit, check_settings, fit
from nasedu.training.measure import Latency, flops, latency, memory, parameters
from nasedu.training.population import fit_population, population_size
from nasedu.training.scores import accuracy, f1, mean_absolute_error, score

__all__ = [
    "Fit",
    "Latency",
    "TrainingFailure",
    "accuracy",
    "check_settings",
    "check_time_limit",
    "device",
    "f1",
    "fit",
    "fit_population",
    "flops",
    "latency",
    "mean_absolute_error",
    "memory",
    "memory_limit",
    "parameters",
    "population_size",
    "score",
    "time_limit",
]


def __dir__() -> list[str]:
    return __all__  # the files have names too, but nobody looks for them
