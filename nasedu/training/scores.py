"""How well a network does on a split: one number, from batch norms with running statistics.

    classification    accuracy: the share of samples whose largest logit is that of their class, in [0, 1]
    regression        R² = 1 − Σ (t − y)² / Σ (t − mean t)²        t  targets, y  outputs, over the split's samples

R², the coefficient of determination, is 1 for a perfect network, 0 for one that always says the split's
mean, and negative, without a bound, for one that does worse. Of several outputs it is the mean.

Where classes are not equally frequent, accuracy hides the rare ones; the macro-averaged F1 counts all classes alike:

    F1 of a class = 2 · right / (how often it was said + how often it was true)

A network learns targets that :func:`nasedu.training.devices.on_device` has standardised by the training split;
R² does not change by that.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from nasedu.data import Dataset
from nasedu.training import devices

__all__ = ["accuracy", "f1", "mean_absolute_error", "score"]

EVALUATION_BATCH = 500


def score(network: nn.Module, dataset: Dataset, split: str, device: str | torch.device = "auto") -> float:
    """Return what a network is judged by: accuracy in [0, 1] where there are classes, else R², at most 1.

    Args:
        network: already on the device; it is left in evaluation mode.
        dataset: of the shape that the network takes.
        split: ``"train"``, ``"validation"`` or ``"test"``.
        device: where network and data are.
    """
    if dataset.classes is not None:
        return accuracy(network, dataset, split, device)
    outputs, targets = _evaluate(network, dataset, split, device)
    unexplained = (targets - outputs).square().sum(0) / (targets - targets.mean(0)).square().sum(0)
    return 1 - float(unexplained.mean())


def accuracy(network: nn.Module, dataset: Dataset, split: str, device: str | torch.device = "auto") -> float:
    """Return the share of a split that a network classifies rightly, in [0, 1]; see :func:`score`.

    Raises:
        ValueError: the dataset has real-valued targets.
    """
    if dataset.classes is None:
        raise ValueError(f"accuracy needs classes; {dataset.name} has real-valued targets. Ask training.score for R².")
    logits, labels = _evaluate(network, dataset, split, device)
    return int((logits.argmax(1) == labels).sum()) / len(labels)


def f1(network: nn.Module, dataset: Dataset, split: str, device: str | torch.device = "auto") -> float:
    """Return the macro-averaged F1 of a split, in [0, 1]: the mean over all classes that were true or were said.

    Raises:
        ValueError: the dataset has real-valued targets.
    """
    if dataset.classes is None:
        raise ValueError(f"F1 needs classes; {dataset.name} has real-valued targets. Ask training.mean_absolute_error.")
    logits, labels = _evaluate(network, dataset, split, device)
    said, true = logits.argmax(1).cpu().numpy(), labels.cpu().numpy()
    both = np.concatenate([said, true])
    right, either = (np.bincount(each, minlength=dataset.classes) for each in (true[said == true], both))
    return float((2 * right[either > 0] / either[either > 0]).mean())


def mean_absolute_error(network: nn.Module, dataset: Dataset, split: str, device: str | torch.device = "auto") -> float:
    """Return the mean distance of outputs and targets in the targets' own unit, over samples and outputs.

    Raises:
        ValueError: the dataset has classes.
    """
    if dataset.classes is not None:
        raise ValueError(f"an error needs real-valued targets; {dataset.name} has classes. Ask training.accuracy.")
    outputs, targets = _evaluate(network, dataset, split, device)
    deviations = dataset.train.labels.std(axis=0, dtype=np.float64)
    return float(((targets - outputs).abs().mean(0).cpu().numpy() * deviations).mean())


def _evaluate(network: nn.Module, dataset: Dataset, split: str, device: str | torch.device) -> tuple[Tensor, Tensor]:
    """Return the outputs of a network in evaluation mode, [samples, outputs], and the labels."""
    inputs, labels = devices.on_device(dataset, split, devices.device(device))
    network.eval()
    starts = range(0, len(labels), EVALUATION_BATCH)
    with torch.inference_mode():
        return torch.cat([network(inputs[start : start + EVALUATION_BATCH]) for start in starts]).float(), labels
