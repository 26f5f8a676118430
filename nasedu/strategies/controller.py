"""The recurrent controller: an architecture is a sentence, written one token per decision.

Zoph & Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017,
arXiv:1611.01578, Section 3.1; Adam: Kingma & Ba, ICLR 2015, arXiv:1412.6980, Algorithm 1.

A table of logits has one softmax for each decision, whatever the others are. Here each token is
drawn from a softmax and then fed back as input, so later decisions know the earlier ones:

    s_t = tanh(W_hh s_{t−1} + W_ha a_{t−1} + b_h),    a_t ~ softmax(z_t),    z_t = W_ah s_t + b_a

a_{t−1} is the one-hot vector of the action before, so W_ha a_{t−1} is that action's embedding. An
action is an option of a decision; the softmax for a decision is over its own options, and
decisions that the earlier ones make inactive have no token and no gradient.

Learning needs the gradient of G = Σ_t w_t log p_t(a_t) + λ Σ_t H_t for weights w_t that the strategy
gives. Backpropagation through time goes through the tokens from the last to the first. With
p = softmax(z) and H = −Σ p log p:

    ∂G/∂z_t   = w_t (onehot(a_t) − p_t) − λ p_t (log p_t + H_t)
    ∂G/∂s_t   = W_ahᵀ ∂G/∂z_t + W_hhᵀ u_{t+1}         from this token, and from all later ones
    u_t       = (1 − s_t²) ∂G/∂s_t                     through the tanh
    ∂G/∂W_hh  = Σ_t u_t s_{t−1}ᵀ,   ∂G/∂W_ha = Σ_t u_t a_{t−1}ᵀ,   ∂G/∂b_h = Σ_t u_t
    ∂G/∂W_ah  = Σ_t ∂G/∂z_t s_tᵀ,   ∂G/∂b_a  = Σ_t ∂G/∂z_t

All of it is for B sentences at a time, one to a row.

What differs from the paper: a tanh network replaces the LSTM, and there are no anchor points for
skip connections; a space lists all its decisions.
"""

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasedu.core import MAX_REDRAWS, SearchSpace
from nasedu.strategies.arguments import check_space_and_rng

__all__ = ["Controller", "Sentences"]

Array = NDArray[np.float64]


@dataclass
class Sentences:
    """What a controller wrote, or read: B sentences of D decisions, with A actions in all.

    Attributes:
        choices: the option taken [B, D], 0 where a decision is inactive.
        active: which decisions have a token [B, D].
        log_p: log-probability of each action, among the options of its decision [B, A]; 0 where that has no token.
        taken: log-probability of each token that was taken [B, D], 0 where there is none.
        entropies: of the softmax of each token, in nats [B, D], 0 where there is none.
        states: s_0 … s_D [D + 1, B, n]; an inactive decision leaves the state as it was.
        inputs: the action before each token [D, B].
    """

    choices: NDArray[np.int_]
    active: NDArray[np.bool_]
    log_p: Array
    taken: Array
    entropies: Array
    states: Array
    inputs: NDArray[np.int_]


class Controller:
    """The recurrent network, with one action for each option of each decision, and one to start.

    Args:
        space: whose architectures to write. What is active may depend on earlier decisions only.
        rng: draws the initial weights, uniform in ±0.1; the initial policy is nearly uniform.
        hidden_size: n, the size of the state s, at least 1.
        learning_rate: of Adam.

    Attributes:
        parameters: all weights in one vector; W_hh [n, n], W_ha [A + 1, n] (a row for each action), b_h [n],
            W_ah [A, n] and b_a [A] are views of it.
    """

    def __init__(self, space: SearchSpace, rng: np.random.Generator, hidden_size: int, learning_rate: float) -> None:
        check_space_and_rng(space, rng)
        self.space = space
        self.counts = np.array([len(decision.options) for decision in space.decisions])
        ends = np.cumsum(self.counts)
        self.starts = ends - self.counts
        self.rows = [slice(int(start), int(end)) for start, end in zip(self.starts, ends, strict=True)]
        n, actions = hidden_size, int(ends[-1])
        self.shapes = [(n, n), (actions + 1, n), (n,), (actions, n), (actions,)]
        self.parameters = rng.uniform(-0.1, 0.1, sum(int(np.prod(shape)) for shape in self.shapes))
        self.W_hh, self.W_ha, self.b_h, self.W_ah, self.b_a = self.views(self.parameters)
        self.all_active = type(space).active is SearchSpace.active
        self.learning_rate, self.steps = learning_rate, 0
        self.mean, self.square = np.zeros_like(self.parameters), np.zeros_like(self.parameters)  # Adam's m and v
        self.drawn: deque[tuple[tuple[int, ...], Array, dict[str, Any]]] = deque()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)  # a copy's views must be views of its own parameters
        self.W_hh, self.W_ha, self.b_h, self.W_ah, self.b_a = self.views(self.parameters)

    def views(self, vector: Array) -> list[Array]:
        """Return the parts of a vector of all weights, in their shapes."""
        ends = np.cumsum([np.prod(shape) for shape in self.shapes])[:-1]
        return [part.reshape(shape) for part, shape in zip(np.split(vector, ends), self.shapes, strict=True)]

    def draw(self, rng: np.random.Generator, block: int) -> tuple[tuple[int, ...], Array, dict[str, Any]]:
        """Draw a valid architecture from the policy.

        As long as the policy stays as it is, a block of sentences is drawn in one go, with the uniform numbers
        ``rng.random((block, D))``, and handed out one by one; :meth:`climb` throws away those that are left.
        An invalid one is skipped; after 10,000 of them in a row the space draws.

        Returns:
            The choices; the log-probability of each token [D]; and what there is to look at: ``probabilities`` and
            ``chosen`` for each decision, None where it is inactive, ``log_probability`` and ``entropy`` in nats.
        """
        for _ in range(MAX_REDRAWS):
            if not self.drawn:
                self.drawn.extend(self._rows(self.write(rng.random((block, len(self.rows))))))
            found = self.drawn.popleft()
            if self.space.pin(found[0]) == found[0] and self.space.is_valid(found[0]):
                return found
        return self._rows(self.read(np.array([self.space.sample(rng).choices])))[0]

    def _rows(self, sentences: Sentences) -> list[tuple[tuple[int, ...], Array, dict[str, Any]]]:
        parts = [np.exp(sentences.log_p[:, rows]).tolist() for rows in self.rows]
        sums = sentences.taken.sum(axis=1).tolist(), sentences.entropies.sum(axis=1).tolist()
        columns = sentences.choices.tolist(), sentences.active.tolist(), sentences.taken, *sums
        found = []
        for choices, active, taken, log_probability, entropy, *all_p in zip(*columns, *parts, strict=True):
            look = {
                "probabilities": [p if on else None for p, on in zip(all_p, active, strict=True)],
                "chosen": [choice if on else None for choice, on in zip(choices, active, strict=True)],
                "log_probability": log_probability,
                "entropy": entropy,
            }
            found.append((tuple(choices), taken, look))
        return found

    def write(self, uniforms: Array) -> Sentences:
        """Draw sentences: each token is the first option whose cumulative probability exceeds its number.

        Args:
            uniforms: uniform numbers in [0, 1) [B, D].
        """

        def draw(index: int, log_p: Array) -> NDArray[np.int_]:
            ends = np.exp(log_p).cumsum(axis=1)
            drawn = (uniforms[:, index, None] >= ends).sum(axis=1)
            return np.asarray(np.minimum(drawn, ends.shape[1] - 1))

        with _one_thread():
            return self._sentences(len(uniforms), draw)

    def read(self, choices: NDArray[np.int_]) -> Sentences:
        """Go through given sentences [B, D], as the present weights would have written them."""
        with _one_thread():
            return self._sentences(len(choices), lambda index, _: choices[:, index])

    def _sentences(self, count: int, choose: Callable[[int, Array], NDArray[np.int_]]) -> Sentences:
        decisions, actions = len(self.rows), len(self.b_a)
        choices, active = np.zeros((count, decisions), int), np.zeros((count, decisions), bool)
        log_p, inputs = np.zeros((count, actions)), np.zeros((decisions, count), int)
        states = np.zeros((decisions + 1, count, len(self.b_h)))
        last = np.full(count, actions)  # the action that starts a sentence
        flags = [self.space.active((0,) * decisions)] * count  # of what is written so far
        for t, rows in enumerate(self.rows):
            on = np.array([each[t] for each in flags])
            active[:, t], inputs[t], states[t + 1] = on, last, states[t]
            if not on.any():
                continue
            state = np.tanh(states[t] @ self.W_hh.T + self.W_ha[last] + self.b_h)
            z = state @ self.W_ah[rows].T + self.b_a[rows]
            z -= z.max(axis=1, keepdims=True)
            log_p[:, rows] = on[:, None] * (z - np.log(np.exp(z).sum(axis=1, keepdims=True)))
            choices[:, t] = np.where(on, choose(t, log_p[:, rows]), 0)
            states[t + 1] = np.where(on[:, None], state, states[t])
            last = np.where(on, rows.start + choices[:, t], last)
            if not self.all_active:
                for row in np.flatnonzero(choices[:, t]).tolist():
                    flags[row] = self.space.active(tuple(choices[row].tolist()))
        taken = np.take_along_axis(log_p, self.starts + choices, axis=1)
        entropies = -np.add.reduceat(np.exp(log_p) * log_p, self.starts, axis=1)
        return Sentences(choices, active, log_p, active * taken, active * entropies, states, inputs)

    def gradient(self, sentences: Sentences, weights: Array, entropy_weight: float) -> Array:
        """Return the gradient of G, summed over the sentences: a vector like the parameters.

        Args:
            sentences: as written or read with the present weights.
            weights: w_t for each token [B, D].
            entropy_weight: λ.
        """
        with _one_thread():
            return self._gradient(sentences, weights, entropy_weight)

    def _gradient(self, sentences: Sentences, weights: Array, entropy_weight: float) -> Array:
        p, options = np.exp(sentences.log_p), self.counts
        onehot = np.zeros_like(p)
        np.put_along_axis(onehot, self.starts + sentences.choices, 1.0, axis=1)
        H = sentences.entropies.repeat(options, axis=1)
        dz = weights.repeat(options, axis=1) * (onehot - p) - entropy_weight * p * (sentences.log_p + H)
        dz *= sentences.active.repeat(options, axis=1)
        gradient = np.zeros_like(self.parameters)
        dW_hh, dW_ha, db_h, dW_ah, db_a = self.views(gradient)
        u = np.zeros_like(sentences.states[1:])
        ds = np.zeros_like(u[0])  # what the later tokens say about s_t
        for t in reversed(range(len(self.rows))):
            rows, state, on = self.rows[t], sentences.states[t + 1], sentences.active[:, t, None]
            if not on.any():
                continue
            u[t] = on * (1 - state**2) * (dz[:, rows] @ self.W_ah[rows] + ds)
            ds = u[t] @ self.W_hh + ~on * ds
            dW_ah[rows] = dz[:, rows].T @ state
        db_a[:] = dz.sum(axis=0)
        u = u.reshape(-1, len(self.b_h))
        dW_hh[:] = u.T @ sentences.states[:-1].reshape(u.shape)
        np.add.at(dW_ha, sentences.inputs.ravel(), u)
        db_h[:] = u.sum(axis=0)
        return gradient

    def climb(self, gradient: Array) -> None:
        """Make a step of Adam uphill."""
        self.steps += 1
        self.mean += 0.1 * (gradient - self.mean)
        self.square += 0.001 * (gradient**2 - self.square)
        mean, square = self.mean / (1 - 0.9**self.steps), self.square / (1 - 0.999**self.steps)
        self.parameters += self.learning_rate * mean / (np.sqrt(square) + 1e-8)
        self.drawn.clear()


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _one_thread() -> AbstractContextManager[Any]:
    """Sums over threads depend on how many there are; one thread always gives the same."""
    return _blas().limit(limits=1, user_api="blas")  # type: ignore[no-any-return]
