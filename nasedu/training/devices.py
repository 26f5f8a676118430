"""Where to compute: the device, the data on it, and the number of threads.

Small networks gain nothing from a second thread, and on a busy machine of two cores two OpenMP
threads that wait for each other are 20 to 200 times slower than one. So training uses one thread
unless told otherwise; whoever has more cores trains several architectures at once, in processes.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from nasedu.data import Dataset

__all__ = ["device", "on_device", "threads"]


def device(name: str | torch.device = "auto") -> torch.device:
    """Return the device of this name.

    Args:
        name: ``"auto"`` (a CUDA GPU if there is one, else the CPU), ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.

    Raises:
        ValueError: there is no such device on this machine.
    """
    existing = _existing()
    if name == "auto":
        name = "cuda" if "cuda" in existing else "cpu"
    if str(name) not in existing:
        raise ValueError(
            f"device {str(name)!r} is not on this machine; there are {', '.join(existing)}, or use 'auto'."
        )
    return torch.device(name)


def _existing() -> list[str]:
    gpus = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    apple = ["mps"] if torch.backends.mps.is_available() else []
    return ["cpu", *(["cuda", *gpus] if gpus else []), *apple]


@functools.lru_cache(maxsize=4)
def on_device(dataset: Dataset, split: str, where: torch.device) -> tuple[Tensor, Tensor]:
    """Return a split's inputs and labels as tensors on a device; the last few are kept for the next training.

    Images are stored channels last, the order in which convolutions are quickest. The targets of a
    regression are standardised: in the training split each output has mean 0 and standard deviation 1.
    """
    inputs, labels = getattr(dataset, split)
    if dataset.classes is None:
        reference = dataset.train.labels.astype(np.float64)
        labels = ((labels - reference.mean(axis=0)) / reference.std(axis=0)).astype(np.float32)
    inputs, labels = torch.tensor(inputs, device=where), torch.tensor(labels, device=where)
    return (inputs.contiguous(memory_format=torch.channels_last) if inputs.dim() == 4 else inputs), labels


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute with this many CPU threads inside the ``with`` block, and with as many as before after it."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
