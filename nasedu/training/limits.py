"""Limits: a training that takes too long or needs too much memory ends with a failure that says what helps.

They stand around the loop, not in it: whoever trains with a loop of their own can use them as well.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator

import torch
from torch import nn

__all__ = ["TrainingFailure", "check_time_limit", "memory_limit", "time_limit"]

NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")  # as GPUs and CPUs say it


class TrainingFailure(RuntimeError):
    """A network that could not be trained to the end; the message says why, and what may help.

    Attributes:
        curve: the validation scores of the epochs before it.
    """

    curve: tuple[float, ...] = ()

    def noted(self) -> TrainingFailure:
        """Return the same failure without traceback and cause, whose frames would keep networks and tensors alive."""
        noted = TrainingFailure(*self.args)
        noted.curve = self.curve
        return noted


def check_time_limit(seconds: float | None) -> None:
    """Raise ValueError unless this is a time limit: a positive number of seconds, or None for no limit."""
    if seconds is not None and not 0 < seconds < math.inf:
        raise ValueError(
            f"time_limit must be a positive, finite number of seconds, or None for no limit; got {seconds}."
        )


@contextlib.contextmanager
def time_limit(network: nn.Module, seconds: float | None) -> Iterator[None]:
    """Stop whatever computes with the network inside the ``with`` block when the time is over.

    The clock is looked at when the network is called, so the limit is overrun by one batch at most; on a
    GPU, which works behind Python's back, by what lies in its queue: an epoch at most.

    Args:
        network: trained in the block.
        seconds: positive; None for no limit.

    Raises:
        ValueError: the limit is not positive.
        TrainingFailure: the time is over.

    Example:
        >>> network = nn.Linear(2, 1)
        >>> with time_limit(network, seconds=1e-9):
        ...     network(torch.zeros(1, 2))
        Traceback (most recent call last):
        nasedu.training.limits.TrainingFailure: the training took longer than its time_limit of 1e-09 s. ...
    """
    check_time_limit(seconds)
    if seconds is None:
        yield
        return
    end = time.perf_counter() + seconds

    def look_at_the_clock(*_: object) -> None:
        if time.perf_counter() > end:
            raise TrainingFailure(
                f"the training took longer than its time_limit of {seconds:g} s. Raise it, or lower epochs or channels."
            )

    hook = network.register_forward_pre_hook(look_at_the_clock)
    try:
        yield
    finally:
        hook.remove()


@contextlib.contextmanager
def memory_limit(device: torch.device, batch_size: int, networks: int = 1) -> Iterator[None]:
    """Turn the many errors of too little memory, on CPU or GPU, into one that says what helps.

    Args:
        device: where the block computes; for the message, as are the other two.
        batch_size: in samples.
        networks: that are trained at once.

    Raises:
        TrainingFailure: an allocation failed.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(sign in str(error) for sign in NO_MEMORY):
            raise
        batches = f"batches of {batch_size}" if networks == 1 else f"{networks} networks with batches of {batch_size}"
        lower = "Lower" if networks == 1 else "Train fewer at once (Population's largest), or lower"
        raise TrainingFailure(
            f"device {str(device)!r} has too little memory for {batches}. {lower} batch_size, channels or cells."
        ) from error
