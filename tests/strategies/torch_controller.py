"""The controller once more: one sentence at a time, and differentiated by torch."""

import itertools

import torch


def parameters(controller):
    """Return its weights as tensors that ask for gradients."""
    return [torch.tensor(part, requires_grad=True) for part in controller.views(controller.parameters)]


def tokens(controller, weights, choices):
    """Return (decision, log-probabilities of its options) for every token of these choices."""
    W_hh, W_ha, b_h, W_ah, b_a = weights
    state, action, found = torch.zeros_like(b_h), len(b_a), []
    active = controller.space.active(tuple(map(int, choices)))
    for index, (rows, choice) in enumerate(zip(controller.rows, choices, strict=True)):
        if active[index]:
            state = torch.tanh(W_hh @ state + W_ha[action] + b_h)
            found.append((index, torch.log_softmax(W_ah[rows] @ state + b_a[rows], dim=0)))
            action = rows.start + int(choice)
    return found


def log_probability(controller, weights, choices):
    return torch.stack([log_p[choices[index]] for index, log_p in tokens(controller, weights, choices)]).sum()


def gradient(value, weights):
    """Return the gradient as one numpy vector; weights that do not matter have gradient 0."""
    found = torch.autograd.grad(value, weights, retain_graph=True, allow_unused=True)
    parts = [torch.zeros_like(w) if g is None else g for w, g in zip(weights, found, strict=True)]
    return torch.cat([part.flatten() for part in parts]).numpy()


def sequences(space):
    """Return all that the controller can write, the invalid included."""
    options = [range(len(decision.options)) for decision in space.decisions]
    return sorted({space.pin(choices) for choices in itertools.product(*options)})
