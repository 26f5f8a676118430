"""The gradient of the validation loss with respect to the architecture, exactly and approximately.

Liu, Simonyan & Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, arXiv:1806.09055.
The best architecture is the one whose *trained* weights do best on validation data (Eqs. 3–4):

    min_α  L_val(w*(α), α)      such that  w*(α) = argmin_w L_train(w, α).

Training to the end for every α would be dear, so one step of training stands for it (Eq. 6):

    ∇_α L_val(w', α),           w' = w − ξ ∇_w L_train(w, α).

α acts twice, directly and through w'. The chain rule gives (Eq. 7)

    ∇_α L_val(w', α) − ξ ∇²_{α,w} L_train(w, α) ∇_{w'} L_val(w', α),

whose matrix-vector product is a central difference of two gradients (Eq. 8), far from any matrix:

    (∇_α L_train(w⁺, α) − ∇_α L_train(w⁻, α)) / 2ε,         w± = w ± ε ∇_{w'} L_val(w', α).

Symbols (values: the paper's):
    w, α         weights, architecture            tensors of any shape
    ξ   xi       learning rate of the inner step  that of w; 0 is "first order"
    ε   epsilon  size of the difference           0.01 / ‖∇_{w'} L_val(w', α)‖₂ (footnote 2)

The whole divisor of Eq. 8 is 2ε. Several published codes have ``/ 2 * epsilon`` or the like, which divides
by 2 and multiplies by ε, and makes the second term about ε² too small: first order in disguise.

Where ∇_{w'} L_val(w', α) = 0 there is no such ε, and no need of one: the product is 0.

What differs from the paper: nothing. The functions here take any two losses of two tensors, to read and to
experiment with; ``darts.py`` does the same with the weights of a supernet, in place.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["exact_gradient", "finite_difference_gradient", "first_order_gradient"]

Loss = Callable[[Tensor, Tensor], Tensor]


def first_order_gradient(l_val: Loss, w: Tensor, alpha: Tensor) -> Tensor:
    """Return ∇_α L_val(w, α): what is left of Eq. 7 for ξ = 0, as if w did not depend on α.

    Args:
        l_val: validation loss, of w and α.
        w: weights, any shape.
        alpha: architecture, any shape.

    Returns:
        The gradient, of the shape of alpha.
    """
    return _gradient(l_val, w, alpha)[1]


def exact_gradient(l_train: Loss, l_val: Loss, w: Tensor, alpha: Tensor, xi: float) -> Tensor:
    """Return ∇_α L_val(w', α) by differentiating through the inner step: slow, and obvious.

    Args:
        l_train: training loss, of w and α, twice differentiable.
        l_val: validation loss, of w and α.
        w: weights, any shape.
        alpha: architecture, any shape.
        xi: ξ, the learning rate of the inner step, at least 0.

    Returns:
        The gradient of Eq. 6, of the shape of alpha.

    Example:
        Figure 2's losses at (α, w) = (2, −2), where w' = w − ξ · 2(w − α) = 2:

        >>> l_train = lambda w, alpha: w**2 - 2 * alpha * w + alpha**2
        >>> l_val = lambda w, alpha: alpha * w - 2 * alpha + 1
        >>> exact_gradient(l_train, l_val, torch.tensor(-2.0), torch.tensor(2.0), xi=0.5)
        tensor(2.)
    """
    w, alpha = (tensor.detach().requires_grad_() for tensor in (w, alpha))
    (dw,) = torch.autograd.grad(l_train(w, alpha), w, create_graph=True)
    w_prime = w - xi * dw
    (dalpha,) = torch.autograd.grad(l_val(w_prime, alpha), alpha)
    return dalpha


def finite_difference_gradient(l_train: Loss, l_val: Loss, w: Tensor, alpha: Tensor, xi: float) -> Tensor:
    """Return ∇_α L_val(w', α) by Eq. 8: four ordinary gradients, two of w and three of α.

    Takes the arguments of :func:`exact_gradient`. The error of the central difference is of order ε², and exactly
    zero where L_train is quadratic in w.
    """
    dw, _ = _gradient(l_train, w, alpha)
    w_prime = w - xi * dw
    dw_prime, dalpha = _gradient(l_val, w_prime, alpha)
    length = dw_prime.norm()
    if length == 0:
        return dalpha
    epsilon = 0.01 / length
    _, plus = _gradient(l_train, w + epsilon * dw_prime, alpha)
    _, minus = _gradient(l_train, w - epsilon * dw_prime, alpha)
    second_order: Tensor = xi * (plus - minus) / (2 * epsilon)
    return dalpha - second_order


def _gradient(loss: Loss, w: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """Return ∇_w and ∇_α of a loss."""
    w, alpha = (tensor.detach().requires_grad_() for tensor in (w, alpha))
    dw, dalpha = torch.autograd.grad(loss(w, alpha), (w, alpha))
    return dw, dalpha
