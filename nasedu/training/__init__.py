"""Training one network on CPU or GPU, and measuring what it costs."""

from nasedu.training.devices import device
from nasedu.training.loop import Fit, TrainingFailure, accuracy, check_settings, fit
from nasedu.training.measure import flops, parameters

__all__ = ["Fit", "TrainingFailure", "accuracy", "check_settings", "device", "fit", "flops", "parameters"]
