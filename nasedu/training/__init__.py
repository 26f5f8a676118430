"""Training one network on CPU or GPU, scoring it, and measuring what it costs."""

from nasedu.training.devices import device
from nasedu.training.limits import TrainingFailure, check_time_limit, memory_limit, time_limit
from nasedu.training.loop import Fit, check_settings, fit
from nasedu.training.measure import flops, parameters
from nasedu.training.scores import accuracy, mean_absolute_error, score

__all__ = [
    "Fit",
    "TrainingFailure",
    "accuracy",
    "check_settings",
    "check_time_limit",
    "device",
    "fit",
    "flops",
    "mean_absolute_error",
    "memory_limit",
    "parameters",
    "score",
    "time_limit",
]
