"""DARTS: make the choice of operations continuous, and follow its gradient.

Liu, Simonyan & Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, arXiv:1806.09055,
Algorithm 1; the search settings are those of Appendix A.1.1.

Every edge computes all operations, mixed by softmax(α) (Eq. 2). Weights w and architecture α are
trained in turns, each on data of its own: were α trained on w's data, it would choose whatever
overfits best. In the end each edge keeps its strongest operation.

    step:    α ← Adam along ∇_α L_val(w − ξ ∇_w L_train(w, α), α)        on a validation batch
             w ← SGD along ∇_w L_train(w, α)                              on a training batch
    derive:  the strongest operations; the supernet of each space says how

    order 1: ξ = 0, the gradient ∇_α L_val(w, α) at the present weights
    order 2: ξ = η, the gradient of Eqs. 7 and 8; see ``architecture_gradient.py``. The inner step is the
             optimizer's own: w' = w − η (μ v + ∇_w L_train(w, α) + λ w), with momentum μ, its buffer v and decay λ

Symbols (values: the authors' code):
    η   learning_rate       of w      0.025, falling to 0.001 along half a cosine
    μ   momentum            of w      0.9
    λ   weight_decay        of w      3·10⁻⁴
        gradient_clip       of w      5, the norm of the whole gradient
        alpha_learning_rate of α      3·10⁻⁴; Adam's betas 0.5 and 0.999, weight decay 10⁻³
    α                                 starts as 10⁻³ · N(0, 1)

What differs from the paper:
    * The paper anneals η to 0 and starts α at 0. It does not mention the clip.
    * η falls with every step, not with every epoch, so that a search of a few hundred steps has a schedule.
    * Adam moves each α by about its learning rate per step. The paper takes some 20,000 steps; in 500 steps 3·10⁻⁴
      barely moves the softmax; 0.01 suits a search of a few hundred steps.
    * Batch norms of the inner step's and the finite difference's forward passes update the same running statistics.
      Nothing reads them: mixtures are always computed with the statistics of the batch.

What to expect: on NAS-Bench-201 itself DARTS ends with skip connections everywhere (arXiv:2001.00326, Section 5), and
elsewhere it may find good cells; ``state["entropy"]`` and the mixtures show what happens. Different seeds give
different cells, so one search proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nasedu.core import Architecture, SearchSpace
from nasedu.networks.builder import check_sizes
from nasedu.oneshot import supernet
from nasedu.oneshot.supernet import Supernet
from nasedu.spaces import NASBench201

__all__ = ["DARTS"]

Batch = tuple[Tensor, Tensor]  # inputs [batch, *input_shape], labels [batch]
POSITIVE = ("learning_rate", "gradient_clip", "alpha_learning_rate")
NOT_NEGATIVE = ("last_learning_rate", "weight_decay", "alpha_weight_decay")


class DARTS:
    """Differentiable architecture search, of first or second order.

    Args:
        space: NASBench201 or DARTS.
        rng: draws the initial α and w; the only source of randomness.
        order: 1 takes ξ = 0; 2 takes ξ = η and costs about three times as much.
        channels: of the supernet's first cells.
        cells: per stage; see :func:`nasedu.networks.build`.
        learning_rate: η at the first step, positive.
        last_learning_rate: η after the last step, not negative.
        momentum: μ, in [0, 1).
        weight_decay: λ, not negative.
        gradient_clip: the largest norm of w's gradient, positive.
        alpha_learning_rate: Adam's learning rate of α, positive.
        alpha_betas: Adam's β₁ and β₂, in [0, 1).
        alpha_weight_decay: of α, not negative.
        allow_none: whether an edge may become ``none`` in NASBench201, as in the benchmark's own code.

    Attributes:
        supernet: holds w; there once the search has begun.
        alphas: for each cell by name its α, [edges, operations].
        state: after a step, what there is to look at: losses in nats and accuracies in [0, 1] of the two batches,
            ``alphas``, and ``entropy``, the mean over all edges of −Σ m ln m of the mixture m, in nats. With order 2
            the validation batch is seen at w'.

    Raises:
        ValueError: a setting is out of range.
    """

    supernet: Supernet
    alphas: dict[str, Tensor]

    def __init__(
        self,
        space: SearchSpace,
        rng: np.random.Generator,
        *,
        order: int = 1,
        channels: int = 8,
        cells: int = 1,
        learning_rate: float = 0.025,
        last_learning_rate: float = 0.001,
        momentum: float = 0.9,
        weight_decay: float = 3e-4,
        gradient_clip: float = 5.0,
        alpha_learning_rate: float = 3e-4,
        alpha_betas: tuple[float, float] = (0.5, 0.999),
        alpha_weight_decay: float = 1e-3,
        allow_none: bool = False,
    ) -> None:
        self.space, self.rng = space, rng
        self.settings: dict[str, Any] = {
            "order": order,
            "channels": channels,
            "cells": cells,
            "learning_rate": learning_rate,
            "last_learning_rate": last_learning_rate,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "gradient_clip": gradient_clip,
            "alpha_learning_rate": alpha_learning_rate,
            "alpha_betas": [float(beta) for beta in alpha_betas],
            "alpha_weight_decay": alpha_weight_decay,
            "allow_none": allow_none,
        }
        _check(self.settings, space)
        self.state: dict[str, Any] = {}

    def start(self, input_shape: Sequence[int], classes: int, steps: int, device: torch.device) -> None:
        """Make the supernet and its optimizers; the search calls this once.

        Args:
            input_shape: (channels, length) or (channels, height, width), without the batch.
            classes: number of classes.
            steps: of the whole search, for the schedule of η.
            device: where to compute.

        Raises:
            ValueError: the space has no supernet.
        """
        chosen = self.settings
        sizes = {"channels": chosen["channels"], "cells": chosen["cells"]}
        self.supernet = supernet.build(self.space, input_shape, classes, rng=self.rng, **sizes).to(device)
        self.alphas = {
            cell: torch.tensor(
                1e-3 * self.rng.standard_normal((edges, len(self.supernet.operations))),
                dtype=torch.float32,
                device=device,
                requires_grad=True,
            )
            for cell, edges in self.supernet.edges.items()
        }
        self.w = list(self.supernet.parameters())
        self.w_optimizer = torch.optim.SGD(
            self.w, chosen["learning_rate"], momentum=chosen["momentum"], weight_decay=chosen["weight_decay"]
        )
        self.alpha_optimizer = torch.optim.Adam(
            self.alphas.values(),
            chosen["alpha_learning_rate"],
            betas=tuple(chosen["alpha_betas"]),
            weight_decay=chosen["alpha_weight_decay"],
        )
        self.steps, self.steps_done = steps, 0

    def step(self, train_batch: Batch, validation_batch: Batch) -> None:
        """Move α on the validation batch, then w on the training batch.

        Args:
            train_batch: inputs [batch, *input_shape] and labels [batch], on the device.
            validation_batch: likewise, of other samples.
        """
        self.w_optimizer.param_groups[0]["lr"] = self._eta()
        gradient = self._first_order if self.settings["order"] == 1 else self._second_order
        validation = self._move_alpha(gradient, train_batch, validation_batch)
        train = self._move_w(train_batch)
        self.steps_done += 1
        self.state = {
            "train_loss": float(train[0]),
            "validation_loss": float(validation[0]),
            "train_accuracy": float(train[1]),
            "validation_accuracy": float(validation[1]),
            "alphas": {cell: alpha.tolist() for cell, alpha in self.alphas.items()},
            "entropy": self._entropy(),
        }

    def derive(self) -> Architecture:
        """Return the architecture of the strongest operations."""
        mixtures = {cell: m.detach().cpu().numpy() for cell, m in self.mixtures().items()}
        return self.supernet.derive(mixtures, self.settings["allow_none"])

    def mixtures(self) -> dict[str, Tensor]:
        """Return softmax(α) of each cell, [edges, operations]."""
        return {cell: alpha.softmax(1) for cell, alpha in self.alphas.items()}

    # One step ------------------------------------------------------------------------------

    def _eta(self) -> float:
        first, last = self.settings["learning_rate"], self.settings["last_learning_rate"]
        return float(last + (first - last) * (1 + math.cos(math.pi * self.steps_done / self.steps)) / 2)

    def _loss(self, batch: Batch, mixtures: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the cross-entropy in nats and the accuracy."""
        inputs, labels = batch
        logits = self.supernet(inputs, mixtures)
        return F.cross_entropy(logits, labels), (logits.argmax(1) == labels).float().mean()

    def _move_alpha(
        self, gradient: Callable[[Batch, Batch], tuple[list[Tensor], Tensor, Tensor]], train: Batch, validation: Batch
    ) -> tuple[Tensor, Tensor]:
        dalpha, loss, accuracy = gradient(train, validation)
        for alpha, d in zip(self.alphas.values(), dalpha, strict=True):
            alpha.grad = d
        self.alpha_optimizer.step()
        return loss.detach(), accuracy

    def _move_w(self, train: Batch) -> tuple[Tensor, Tensor]:
        fixed = {cell: m.detach() for cell, m in self.mixtures().items()}
        loss, accuracy = self._loss(train, fixed)
        self.w_optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.w, self.settings["gradient_clip"])
        self.w_optimizer.step()
        return loss.detach(), accuracy

    def _first_order(self, train: Batch, validation: Batch) -> tuple[list[Tensor], Tensor, Tensor]:
        """Return ∇_α L_val(w, α), and loss and accuracy there."""
        loss, accuracy = self._loss(validation, self.mixtures())
        return list(torch.autograd.grad(loss, list(self.alphas.values()))), loss, accuracy

    def _second_order(self, train: Batch, validation: Batch) -> tuple[list[Tensor], Tensor, Tensor]:
        """Return the gradient of Eqs. 7 and 8, and loss and accuracy at w'. w is the same afterwards, bit by bit."""
        alphas, eta = list(self.alphas.values()), self._eta()
        w = [weight.detach().clone() for weight in self.w]
        try:
            dw = torch.autograd.grad(self._loss(train, self.mixtures())[0], self.w)
            self._set_w([a - eta * self._direction(p, d) for a, p, d in zip(w, self.w, dw, strict=True)])  # w'
            loss, accuracy = self._loss(validation, self.mixtures())
            dalpha, dw_prime = _split(torch.autograd.grad(loss, [*alphas, *self.w]), len(alphas))
            length = torch.stack([d.norm() for d in dw_prime]).norm()
            if length == 0:  # so is the product of Eq. 7
                return list(dalpha), loss, accuracy
            epsilon = 0.01 / length
            ends = []
            for sign in (1, -1):
                self._set_w([a + sign * epsilon * d for a, d in zip(w, dw_prime, strict=True)])  # w⁺, w⁻
                ends.append(torch.autograd.grad(self._loss(train, self.mixtures())[0], alphas))
        finally:
            self._set_w(w)
        gradient = [d - eta * (plus - minus) / (2 * epsilon) for d, plus, minus in zip(dalpha, *ends, strict=True)]
        return gradient, loss, accuracy

    def _direction(self, weight: Tensor, gradient: Tensor) -> Tensor:
        """Return where the optimizer would go: μ v + gradient + λ w."""
        direction: Tensor = gradient + self.settings["weight_decay"] * weight.detach()
        velocity: Tensor | None = self.w_optimizer.state.get(weight, {}).get("momentum_buffer")
        return direction if velocity is None else direction + self.settings["momentum"] * velocity

    @torch.no_grad()
    def _set_w(self, values: Sequence[Tensor]) -> None:
        for weight, value in zip(self.w, values, strict=True):
            weight.copy_(value)

    def _entropy(self) -> float:
        m = torch.cat([mixture.detach() for mixture in self.mixtures().values()])
        return float(torch.special.entr(m).sum(1).mean())  # 0 where m is 0

    # What a checkpoint holds -----------------------------------------------------------------

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that the next step depends on, by name."""
        found = {f"supernet.{name}": tensor for name, tensor in self.supernet.state_dict().items()}
        found |= {f"alphas.{cell}": alpha.detach() for cell, alpha in self.alphas.items()}
        found["steps_done"] = torch.tensor(self.steps_done)
        for label, optimizer in self._optimizers().items():
            for index, weight in enumerate(optimizer.param_groups[0]["params"]):
                kept = optimizer.state.get(weight, {})
                found |= {f"{label}.{index}.{name}": value for name, value in kept.items() if value is not None}
        return found

    @torch.no_grad()
    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go back to what :meth:`tensors` returned."""
        prefix = "supernet."
        self.supernet.load_state_dict({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
        for cell, alpha in self.alphas.items():
            alpha.copy_(tensors[f"alphas.{cell}"])
        self.steps_done = int(tensors["steps_done"])
        for label, optimizer in self._optimizers().items():
            optimizer.state.clear()
            for index, weight in enumerate(optimizer.param_groups[0]["params"]):
                prefix = f"{label}.{index}."
                kept = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
                if kept:  # Adam's count of steps stays on the CPU
                    optimizer.state[weight] = {
                        n: (t if n == "step" else t.to(weight.device)).clone() for n, t in kept.items()
                    }

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"w_optimizer": self.w_optimizer, "alpha_optimizer": self.alpha_optimizer}


def _check(settings: dict[str, Any], space: SearchSpace) -> None:
    """Raise a ValueError for a setting that is out of range."""
    if settings["order"] not in (1, 2):
        raise ValueError(f"order must be 1 or 2; got {settings['order']}.")
    check_sizes(channels=settings["channels"], cells=settings["cells"])
    for name in POSITIVE:
        if not 0 < settings[name] < math.inf:
            raise ValueError(f"{name} must be positive and finite; got {settings[name]}.")
    for name in NOT_NEGATIVE:
        if not 0 <= settings[name] < math.inf:
            raise ValueError(f"{name} must be finite and not negative; got {settings[name]}.")
    if not 0 <= settings["momentum"] < 1:
        raise ValueError(f"momentum must be at least 0 and less than 1; got {settings['momentum']}.")
    betas = settings["alpha_betas"]
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise ValueError(f"alpha_betas must be two numbers, each at least 0 and less than 1; got {betas}.")
    if settings["allow_none"] and not isinstance(space, NASBench201):
        raise ValueError(
            f"allow_none must be False: only in NASBench201 is none an operation; got the space {space.name!r}."
        )


def _split(tensors: Sequence[Tensor], at: int) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    return tensors[:at], tensors[at:]
