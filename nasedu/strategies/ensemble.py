"""An ensemble of multilayer perceptrons, all of them trained side by side, each from its own random beginning.

    layer 1, 2:  h ← max(0, h W + b)        output:  f = h W + b

Adam: Kingma & Ba, ICLR 2015, arXiv:1412.6980, Algorithm 1, with its values but for the learning rate. The initial
weights are He's, for ReLU (arXiv:1502.01852). Everything has an axis of members in front, so one multiplication does
all of them, and the gradient is written out below.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

__all__ = ["forward", "gradient", "train"]

BATCH = 32


def train(
    rows: np.ndarray,
    values: np.ndarray,
    rng: np.random.Generator,
    members: int,
    hidden_size: int,
    *,
    learning_rate: float,
    steps: int,
) -> list[np.ndarray]:
    """Return the weights of networks with two hidden layers, trained on the squared error.

    Args:
        rows: inputs [n, inputs].
        values: what to predict [n, 1].
        rng: draws the initial weights, and for each step and member 32 of the n, or n if there are fewer.
        members: how many networks.
        hidden_size: units of each hidden layer.
        learning_rate: Adam's.
        steps: how many.

    Returns:
        For each layer the weights [members, inputs, outputs] and the biases [members, 1, outputs].
    """
    weights = []
    for inputs, outputs in pairwise([rows.shape[1], hidden_size, hidden_size, 1]):
        weights.append(np.sqrt(2 / inputs) * rng.normal(size=(members, inputs, outputs)))
        weights.append(np.zeros((members, 1, outputs)))
    means, squares = [np.zeros_like(each) for each in weights], [np.zeros_like(each) for each in weights]
    draws = rng.integers(len(rows), size=(steps, members, min(BATCH, len(rows))))
    for step, draw in enumerate(draws, start=1):
        gradients = gradient(weights, rows[draw], values[draw])
        for weight, slope, mean, square in zip(weights, gradients, means, squares, strict=True):
            mean += 0.1 * (slope - mean)
            square += 0.001 * (slope**2 - square)
            weight -= learning_rate * mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return weights


def forward(weights: Sequence[np.ndarray], rows: np.ndarray) -> list[np.ndarray]:
    """Return what each layer of each member gives: [members, n, units] for rows [n, inputs] or [members, n, inputs]."""
    layers = [rows]
    for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        layers.append(np.maximum(layers[-1] @ weight + bias, 0))
    return [*layers, layers[-1] @ weights[-2] + weights[-1]]


def gradient(weights: Sequence[np.ndarray], rows: np.ndarray, values: np.ndarray) -> list[np.ndarray]:
    """Return the gradient of each member's mean squared error by each of its weights, for rows [members, n, inputs]."""
    *layers, predictions = forward(weights, rows)
    slope = 2 * (predictions - values) / values.shape[-2]
    found: list[np.ndarray] = []
    for layer, weight in zip(layers[::-1], weights[-2::-2], strict=True):
        found = [layer.swapaxes(1, 2) @ slope, slope.sum(axis=1, keepdims=True), *found]
        slope = slope @ weight.swapaxes(1, 2) * (layer > 0)
    return found
