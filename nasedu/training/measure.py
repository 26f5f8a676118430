"""What a network costs, whatever it is trained on: weights, floating-point operations, memory and time.

    parameters   counted; the same everywhere
    flops        counted; the same everywhere
    memory       counted while the network runs once; the same everywhere, but for what kernels allocate for themselves
    latency      measured on this machine, now: it depends on device, threads, batch size and on what else is running

The first three are properties of the network. The last one is a measurement, and has a spread.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from nasedu.networks.dry_run import evaluating
from nasedu.training import devices

__all__ = ["Latency", "flops", "latency", "memory", "parameters"]


def parameters(network: nn.Module) -> int:
    """Return the number of trainable weights."""
    return sum(weights.numel() for weights in network.parameters() if weights.requires_grad)


def flops(network: nn.Module, input_shape: Sequence[int]) -> int:
    """Return the floating-point operations of one forward pass of one sample.

    A multiply-add counts as two, as in torch's counter; papers that print "MAdds" or, loosely,
    "FLOPs" often count it as one, which is half of this number. Only matrix products and
    convolutions count: sums, batch norms and activations are neglected, as in the papers.

    Args:
        network: its weights are not changed.
        input_shape: of one sample, without the batch.

    Example:
        >>> flops(nn.Conv1d(1, 8, kernel_size=3, padding=1, bias=False), (1, 40))  # 40 · 8 · 3 multiply-adds
        1920
    """
    with evaluating(network), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(_zeros(network, input_shape, 1))
    return int(counter.get_total_flops())


def memory(network: nn.Module, input_shape: Sequence[int], batch_size: int = 1) -> int:
    """Return the most bytes that are in use at one time while a batch goes through the network.

    Those are the weights and the buffers (such as the statistics of batch norms), the input, and all tensors that have
    been computed and are still needed. Evaluation only: training keeps every activation for the gradient, and so
    needs much more. What a kernel allocates for itself, what an allocator keeps in reserve, and Python and torch
    themselves, some hundred megabytes, are not in it.

    Args:
        network: its weights are not changed.
        input_shape: of one sample, without the batch.
        batch_size: in samples, at least 1.

    Example:
        >>> layer = nn.Linear(100, 10, bias=False)  # 1,000 weights, 100 inputs, 10 outputs, 4 bytes each
        >>> memory(layer, (100,))
        4440
    """
    with evaluating(network), torch.no_grad(), _Counter() as counter:
        for tensor in (*network.parameters(), *network.buffers()):
            counter.add(tensor)
        inputs = _zeros(network, input_shape, batch_size)
        counter.add(inputs)
        network(inputs)
    return int(counter.most)


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the bytes of every storage that torch's operations return, for as long as somebody holds it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.most = 0
        self.held: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self.add(leaf)
        return result

    def add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage not in self.held:
            self.held.add(storage)
            self.now += storage.nbytes()
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self._release, storage.nbytes())

    def _release(self, size: int) -> None:
        self.now -= size


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a forward pass took, in seconds a batch.

    Attributes:
        seconds: of each run, in their order, after the warm-up.
        batch_size: in samples.
        threads: of the CPU.
        device: where it ran.
    """

    seconds: tuple[float, ...]
    batch_size: int
    threads: int
    device: str

    @property
    def median(self) -> float:
        """The middle of the runs: half of them were quicker."""
        return float(np.median(self.seconds))

    @property
    def quartiles(self) -> tuple[float, float]:
        """The spread: a quarter of the runs was quicker than the first, a quarter slower than the second."""
        low, high = np.percentile(self.seconds, [25, 75])
        return float(low), float(high)

    def __str__(self) -> str:
        low, high = (1000 * each for each in self.quartiles)
        batch = "1 sample" if self.batch_size == 1 else f"{self.batch_size} samples"
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{1000 * self.median:.3g} ms for {batch} (quartiles {low:.3g} to {high:.3g}), {threads}, {self.device}"


def latency(
    network: nn.Module,
    input_shape: Sequence[int],
    *,
    batch_size: int = 1,
    runs: int = 50,
    warm_up: int = 10,
    threads: int = 1,
) -> Latency:
    """Measure how long a forward pass takes on this machine, where the network is.

    The first runs of a network are slower: memory is allocated, kernels are chosen, caches are empty. So some are made
    before any is measured. A GPU is waited for before the clock is read.

    Args:
        network: its weights are not changed.
        input_shape: of one sample, without the batch.
        batch_size: in samples, at least 1.
        runs: how many are measured, at least 1.
        warm_up: how many are made before, at least 0.
        threads: of the CPU, at least 1.

    Raises:
        ValueError: one of the numbers is too small.

    Example:
        >>> measured = latency(nn.Linear(2, 2), (2,), runs=5)
        >>> len(measured.seconds), measured.batch_size, measured.threads, measured.device
        (5, 1, 1, 'cpu')
    """
    for name, value, lowest in (("batch_size", batch_size, 1), ("runs", runs, 1), ("threads", threads, 1)):
        if value < lowest:
            raise ValueError(f"{name} must be at least {lowest}; got {value}.")
    if warm_up < 0:
        raise ValueError(f"warm_up must be at least 0; got {warm_up}.")
    inputs = _zeros(network, input_shape, batch_size)
    with evaluating(network), torch.no_grad(), devices.threads(threads):
        seconds = [_timed(network, inputs) for _ in range(warm_up + runs)]
    return Latency(tuple(seconds[warm_up:]), batch_size, threads, str(inputs.device))


def _timed(network: nn.Module, inputs: Tensor) -> float:
    started = time.perf_counter()
    network(inputs)
    if inputs.device.type == "cuda":
        torch.cuda.synchronize(inputs.device)
    elif inputs.device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter() - started


def _zeros(network: nn.Module, input_shape: Sequence[int], batch_size: int) -> Tensor:
    weights = next(network.parameters(), torch.empty(0))
    return torch.zeros(batch_size, *input_shape, device=weights.device)
