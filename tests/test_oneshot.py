import itertools
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call

import nasedu as nas
from nasedu.core import Decision, SearchSpace
from nasedu.data import Dataset, Split
from nasedu.networks import build
from nasedu.networks.initialization import materialize
from nasedu.oneshot import (
    DARTS,
    checkpoint,
    exact_gradient,
    finite_difference_gradient,
    first_order_gradient,
    search,
    supernet,
)
from nasedu.oneshot.supernet import DARTSSupernet
from nasedu.spaces.darts import CELLS
from nasedu.spaces.darts import OPERATIONS as DARTS_OPERATIONS
from nasedu.spaces.nasbench201 import EDGES, OPERATIONS
from nasedu.training import TrainingFailure

NB201, DARTS_SPACE = nas.spaces.NASBench201(), nas.spaces.DARTS()


def rng(seed=0):
    return np.random.default_rng(seed)


def inputs(shape, batch=6, dtype=torch.float32):
    return torch.randn(batch, *shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def toy_data(shape=(1, 10), samples=24, classes=3):
    draws = rng(9)
    splits = [
        Split(draws.normal(size=(samples, *shape)).astype(np.float32), draws.integers(classes, size=samples))
        for _ in range(3)
    ]
    return Dataset("toy", shape, classes, *splits)


DATA = toy_data()


def new_search(path=None, steps=12, space=NB201, data=DATA, seed=0, **settings):
    strategy = DARTS(space, rng(1), **({"channels": 2, "alpha_learning_rate": 0.05} | settings))
    return search(strategy, data, steps, history=path, batch_size=8, seed=seed, device="cpu")


# The gradient of the architecture ------------------------------------------------------------


def l_train(w, alpha):  # Figure 2
    return w**2 - 2 * alpha * w + alpha**2


def l_val(w, alpha):
    return alpha * w - 2 * alpha + 1


@pytest.mark.parametrize("gradient", [exact_gradient, finite_difference_gradient])
@pytest.mark.parametrize("xi", [0.0, 0.1, 0.25, 0.5])
def test_figure_2_comes_to_rest_where_algebra_says(gradient, xi):
    """α rests at 2/(1+2ξ): at 2 for first order, and at the optimum 1 for ξ = ½."""
    alpha, w = torch.tensor(2.0, dtype=torch.float64), torch.tensor(-2.0, dtype=torch.float64)
    for _ in range(400):
        alpha = alpha - 0.2 * gradient(l_train, l_val, w, alpha, xi)
        w = w - 0.25 * 2 * (w - alpha)
    assert alpha.item() == pytest.approx(2 / (1 + 2 * xi), abs=1e-6)
    assert w.item() == pytest.approx(alpha.item(), abs=1e-6)


def test_figure_2_by_hand():
    """At (α, w) = (2, −2): ∇_α L_val(w) = w − 2 = −4; w' = −2 + 8ξ, and the gradient is w' − 2 + 2ξα = −4 + 12ξ."""
    w, alpha = torch.tensor(-2.0, dtype=torch.float64), torch.tensor(2.0, dtype=torch.float64)
    assert first_order_gradient(l_val, w, alpha).item() == -4
    for xi in (0.0, 0.25, 0.5):
        for gradient in (exact_gradient, finite_difference_gradient):
            assert gradient(l_train, l_val, w, alpha, xi).item() == pytest.approx(-4 + 12 * xi, abs=1e-9)


@pytest.mark.parametrize("xi", [0.0, 0.5])
def test_where_the_validation_loss_does_not_depend_on_w_the_second_term_is_zero(xi):
    """Figure 2 at α = 0: ∇_w L_val = α = 0, so ε = 0.01/0. What is left is ∇_α L_val = w' − 2, with w' = w(1 − 2ξ)."""
    alpha = torch.tensor(0.0)
    for w in (0.0, 3.0):
        found = finite_difference_gradient(l_train, l_val, torch.tensor(w), alpha, xi).item()
        assert found == exact_gradient(l_train, l_val, torch.tensor(w), alpha, xi).item() == w * (1 - 2 * xi) - 2


def random_network():
    """Two mixed tanh layers, every weight in one vector: losses that are not quadratic in w."""
    draws = torch.Generator().manual_seed(0)
    x, y = (torch.randn(40, n, generator=draws, dtype=torch.float64) for n in (3, 2))
    w = torch.randn(3 * 4 + 4 * 2, generator=draws, dtype=torch.float64)
    alpha = torch.randn(2, 3, generator=draws, dtype=torch.float64)

    def loss(rows):
        def of(w, alpha):
            m = alpha.softmax(1)
            hidden = x[rows] @ w[:12].view(3, 4)
            hidden = m[0, 0] * hidden + m[0, 1] * hidden.tanh() + m[0, 2] * hidden.sigmoid()
            output = hidden @ w[12:].view(4, 2)
            output = m[1, 0] * output + m[1, 1] * output.tanh() + m[1, 2] * output.sigmoid()
            return (output - y[rows]).square().mean()

        return of

    return loss(slice(0, 20)), loss(slice(20, 40)), w, alpha


def wrong_finite_difference(l_train, l_val, w, alpha, xi):
    """The famous mistake: `/ 2 * epsilon` where `/ (2 * epsilon)` is meant."""
    w, alpha = (tensor.detach().requires_grad_() for tensor in (w, alpha))
    (dw,) = torch.autograd.grad(l_train(w, alpha), w)
    w_prime = (w - xi * dw).detach().requires_grad_()
    dalpha, dw_prime = torch.autograd.grad(l_val(w_prime, alpha), (alpha, w_prime))
    epsilon = 0.01 / dw_prime.norm()
    plus, minus = (torch.autograd.grad(l_train(w + sign * epsilon * dw_prime, alpha), alpha)[0] for sign in (1.0, -1.0))
    return dalpha - xi * (plus - minus) / 2.0 * epsilon


def test_equation_8_agrees_with_autograd_and_the_famous_mistake_does_not():
    """Central differences err by O(ε²): 1e-4 of the second-order term is allowed. The mistake loses nearly all."""
    train, val, w, alpha = random_network()
    exact = exact_gradient(train, val, w, alpha, xi=0.5)
    inner = torch.autograd.grad(train(w.requires_grad_(), alpha), w)[0]
    second_order = exact - first_order_gradient(val, w - 0.5 * inner, alpha)
    assert second_order.norm() > 0.1 * exact.norm()

    def error(gradient):
        return ((gradient(train, val, w, alpha, xi=0.5) - exact).norm() / second_order.norm()).item()

    assert error(finite_difference_gradient) < 1e-4
    assert error(wrong_finite_difference) > 0.9


def test_first_order_is_xi_zero():
    train, val, w, alpha = random_network()
    for gradient in (exact_gradient, finite_difference_gradient):
        assert torch.equal(gradient(train, val, w, alpha, xi=0.0), first_order_gradient(val, w, alpha))


# Supernets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channels", "layers", "expected"), [(16, 8, 1_930_618), (16, 5, 1_275_834), (8, 4, 347_298), (4, 3, 72_854)]
)
def test_the_darts_supernet_has_the_published_parameters(channels, layers, expected):
    with torch.device("meta"):
        network = DARTSSupernet(DARTS_SPACE, 2, 3, 10, channels, layers)
    assert sum(weights.numel() for weights in network.parameters()) == expected
    assert network.edges == {"normal": 14, "reduce": 14} and len(network.operations) == 8


def one_hot(network, chosen):
    """Mixtures with a single 1 per edge; ``chosen[cell]`` lists the operation of each row."""
    columns = {cell: [network.operations.index(name) for name in names] for cell, names in chosen.items()}
    return {cell: F.one_hot(torch.tensor(c), len(network.operations)).float() for cell, c in columns.items()}


@pytest.mark.parametrize("shape", [(1, 12), (2, 6, 5)])
def test_a_one_hot_nasbench201_supernet_is_the_derived_network(shape):
    whole = supernet.build(NB201, shape, 4, rng=rng(), channels=4, cells=2)
    x, draws = inputs(shape), rng(5)
    for _ in range(12):
        architecture = NB201.sample(draws)
        alone = build(architecture, shape, 4, rng=draws, channels=4, cells=2)
        copy_nasbench201_weights(whole, alone)
        names = [OPERATIONS[choice] for choice in architecture.choices]
        assert torch.allclose(whole(x, one_hot(whole, {"cell": names})), alone(x), atol=1e-5)


def copy_nasbench201_weights(whole, alone):
    first, (reduction,), second = alone.stages[:2], alone.stages[2:3], alone.stages[3:]
    for name in ("stem", "norm", "classifier"):
        getattr(alone, name).load_state_dict(getattr(whole, name).state_dict())
    reduction.load_state_dict(whole.reduction.state_dict())
    for mixed, cell in zip([*whole.first, *whole.second], [*first, *second], strict=True):
        for edge, source, target in cell.live:
            operation = cell.operations[edge]
            if isinstance(operation, torch.nn.Sequential):
                kernel = operation[1].kernel_size[0]
                stacked = (mixed.conv_1x1 if kernel == 1 else mixed.conv_3x3)[source][0].weight
                operation[1].weight.data = stacked.chunk(3 - source)[target - source - 1].clone()


@pytest.mark.parametrize("shape", [(1, 16), (1, 8, 9)])
def test_a_one_hot_darts_supernet_is_the_derived_network(shape):
    """Two edges of each node carry an operation and the others none. Max and average pooling are normalized in a
    supernet and not in a derived network, so the comparison leaves them out."""
    whole = supernet.build(DARTS_SPACE, shape, 4, rng=rng(), channels=4)
    x, draws = inputs(shape), rng(6)
    for _ in range(3):
        choices = [
            draws.integers(2, len(d.options)) if "operation" in d.name else draws.integers(len(d.options))
            for d in DARTS_SPACE.decisions
        ]
        architecture = DARTS_SPACE.architecture(choices)
        alone = build(architecture, shape, 4, rng=draws, channels=4)
        rows = {cell: darts_rows(architecture, cell) for cell in CELLS}
        alone.stem.load_state_dict(whole.stem.state_dict())
        alone.classifier.load_state_dict(whole.classifier.state_dict())
        for name, mixed, cell in zip(whole.names, whole.cells, alone.cells, strict=True):
            for part in ("before", "last"):
                getattr(cell, part).load_state_dict(getattr(mixed, part).state_dict(), strict=False)
            for operation, (row, gene) in zip(cell.operations, rows[name], strict=True):
                shared = mixed.operations[row][DARTS_OPERATIONS.index(gene) - 2]
                operation.load_state_dict(shared.state_dict(), strict=False)
        chosen = {cell: ["none"] * 14 for cell in CELLS}
        for cell in CELLS:
            for row, gene in rows[cell]:
                chosen[cell][row] = gene
        assert torch.allclose(whole(x, one_hot(whole, chosen)), alone(x), atol=1e-4)


def darts_rows(architecture, cell):
    """Row in the mixture and operation of each of the eight genes."""
    offsets = (0, 2, 5, 9)
    genes = DARTS_SPACE.genes(architecture.choices, cell)
    return [(offsets[index // 2] + source, gene) for index, (gene, source) in enumerate(genes)]


@pytest.mark.parametrize("shape", [(1, 12), (1, 6, 6)])
def test_pooling_in_the_darts_supernet_is_normalized(shape):
    mixed = supernet.build(DARTS_SPACE, shape, 3, rng=rng(), channels=4).cells[0]
    x = inputs((4, *shape[1:]))
    assert mixed.max_pool[0](x).transpose(0, 1).flatten(1).std(1, unbiased=False).detach().numpy() == pytest.approx(
        1, abs=1e-3
    )


@pytest.mark.parametrize("space", [NB201, DARTS_SPACE])
@pytest.mark.parametrize("shape", [(1, 12), (2, 6, 5)])
def test_every_weight_and_every_alpha_has_a_gradient(space, shape):
    network = supernet.build(space, shape, 4, rng=rng(), channels=2)
    alphas = {
        c: torch.linspace(0, 1, e * len(network.operations)).view(e, -1).requires_grad_()
        for c, e in network.edges.items()
    }
    loss = F.cross_entropy(network(inputs(shape), {c: a.softmax(1) for c, a in alphas.items()}), torch.arange(6) % 4)
    gradients = torch.autograd.grad(loss, [*alphas.values(), *network.parameters()])
    assert all((gradient != 0).any() for gradient in gradients)
    assert all((gradient != 0).all() for gradient in gradients[: len(alphas)])


@pytest.mark.parametrize("space", [NB201, DARTS_SPACE])
def test_batch_norms_within_mixed_cells_have_no_scale_that_could_undo_a_mixture(space):
    network = supernet.build(space, (1, 8), 3, rng=rng(), channels=2)
    cells = [*network.first, *network.second] if space is NB201 else network.cells
    norms = [layer for cell in cells for layer in cell.modules() if isinstance(layer, torch.nn.BatchNorm1d)]
    assert norms and all(norm.weight is None and norm.bias is None for norm in norms)


@pytest.mark.parametrize("space", [NB201, DARTS_SPACE])
def test_the_first_edges_of_a_supernet_s_diagrams_are_the_rows(space):
    network = supernet.build(space, (1, 8), 3, rng=rng(), channels=2)
    for cell in network.to_json()["cells"]:
        edges = cell["diagram"]["edges"][: network.edges[cell["name"]]]
        ends = [(edge["source"].split()[-1], edge["target"].split()[-1]) for edge in edges]
        pairs = EDGES if space is NB201 else [(s, n) for n in range(2, 6) for s in range(n)]
        assert ends == [(str(source), str(target)) for source, target in pairs]
        ids = {node["id"] for node in cell["diagram"]["nodes"]}
        assert ids >= {end for edge in cell["diagram"]["edges"] for end in (edge["source"], edge["target"])}


def test_a_space_without_a_supernet_is_sent_to_black_box_search():
    space = SearchSpace("toy", [Decision("width", (8, 16))])
    with pytest.raises(ValueError, match=r"got the space 'toy'\. Search it with a black-box strategy"):
        new_search(space=space)


def test_real_valued_targets_are_sent_to_black_box_search():
    targets = [Split(part.inputs, part.inputs.mean((1, 2))) for part in (DATA.train, DATA.validation, DATA.test)]
    with pytest.raises(
        ValueError, match=r"needs classes; heights has real-valued targets\. Search it with a black-box"
    ):
        new_search(data=Dataset("heights", DATA.input_shape, None, *targets))


@pytest.mark.parametrize("wrong", [{"classes": 0}, {"channels": 0}, {"cells": 0}])
def test_supernets_and_networks_check_the_same_numbers(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be at least .; got {next(iter(wrong.values()))}"):
        supernet.build(NB201, (1, 8), **({"classes": 3, "rng": rng()} | wrong))


def test_every_supernet_must_say_how_to_derive():
    with pytest.raises(TypeError, match=r"abstract.*derive"):
        supernet.Supernet()


# Deriving ------------------------------------------------------------------------------------


def test_nasbench201_takes_the_strongest_operation_and_none_only_if_allowed():
    network = supernet.build(NB201, (1, 8), 3, rng=rng(), channels=2)
    mixture = np.full((6, 5), 0.1)
    mixture[:, 0] = 0.5
    mixture[range(6), [1, 2, 3, 4, 1, 3]] = 0.2
    assert network.derive({"cell": mixture}).choices == (1, 2, 3, 4, 1, 3)
    assert network.derive({"cell": mixture}, allow_none=True).choices == (0,) * 6
    assert network.derive({"cell": np.ones((6, 5))}).choices == (1,) * 6  # the earlier one on a tie


def test_darts_keeps_the_two_strongest_edges_whatever_none_says():
    network = supernet.build(DARTS_SPACE, (1, 8), 3, rng=rng(), channels=2)
    mixture = np.full((14, 8), 0.01)
    mixture[:, 0] = 0.9
    strongest = {0: 4, 1: 5, 3: 6, 4: 7, 5: 3, 8: 1, 10: 2, 13: 4}  # row → column
    for rank, (row, column) in enumerate(strongest.items()):
        mixture[row, column] = 0.05 + 0.001 * rank
    architecture = network.derive({"normal": mixture, "reduce": np.full((14, 8), 0.1)})
    assert DARTS_SPACE.genes(architecture.choices, "normal") == [
        ("sep_conv_3x3", 0), ("sep_conv_5x5", 1),
        ("dil_conv_3x3", 1), ("dil_conv_5x5", 2),
        ("skip_connect", 0), ("max_pool_3x3", 3),
        ("avg_pool_3x3", 1), ("sep_conv_3x3", 4),
    ]  # fmt: skip
    assert DARTS_SPACE.genes(architecture.choices, "reduce") == [("max_pool_3x3", 0), ("max_pool_3x3", 1)] * 4
    with pytest.raises(ValueError, match="allow_none must be False"):
        network.derive({"normal": mixture, "reduce": mixture}, allow_none=True)


# The strategy --------------------------------------------------------------------------------


def batches(count=2, dtype=torch.float32):
    draws = torch.Generator().manual_seed(3)
    return [
        (torch.randn(8, 1, 10, generator=draws, dtype=dtype), torch.randint(3, (8,), generator=draws))
        for _ in range(count)
    ]


def started(order=1, **settings):
    strategy = DARTS(NB201, rng(2), order=order, channels=2, **settings)
    strategy.start((1, 10), 3, steps=10, device=torch.device("cpu"))
    return strategy


def test_alpha_starts_small_and_as_the_rng_says():
    first, again = started(), started()
    assert torch.equal(first.alphas["cell"], again.alphas["cell"])
    assert first.alphas["cell"].shape == (6, 5)


def test_alpha_starts_as_a_thousandth_of_a_normal_draw():
    """The deviation of n = 1200 normal draws has a relative standard error of 1/√(2n) = 2 %; five are allowed."""
    draws, many = rng(0), []
    for _ in range(40):
        strategy = DARTS(NB201, draws, channels=1)
        strategy.start((1, 4), 2, steps=1, device=torch.device("cpu"))
        many.append(strategy.alphas["cell"].detach())
    many = torch.stack(many)
    assert many.std().item() == pytest.approx(1e-3, rel=0.1)
    assert abs(many.mean().item()) < 4 * 1e-3 / 1200**0.5


def test_both_optimizers_have_their_settings():
    defaults, own = started(), started(alpha_learning_rate=0.02, alpha_betas=(0.3, 0.9), alpha_weight_decay=0.4)
    for strategy, expected in ((defaults, (3e-4, (0.5, 0.999), 1e-3)), (own, (0.02, (0.3, 0.9), 0.4))):
        group = strategy.alpha_optimizer.param_groups[0]
        assert (group["lr"], group["betas"], group["weight_decay"]) == expected
        assert group["params"] == list(strategy.alphas.values())
    group = started(learning_rate=0.2, momentum=0.7, weight_decay=0.5).w_optimizer.param_groups[0]
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (0.2, 0.7, 0.5)


def test_alpha_follows_the_validation_batch_and_w_the_training_batch():
    train, validation = batches()
    _, other = batches(3)[1:]
    reference, other_validation, other_train = started(), started(), started()
    reference.step(train, validation)
    other_validation.step(train, other)
    other_train.step(other, validation)
    assert not torch.equal(reference.alphas["cell"], other_validation.alphas["cell"])
    assert torch.equal(reference.alphas["cell"], other_train.alphas["cell"])
    assert not torch.equal(reference.w[0], other_train.w[0])


def test_alpha_moves_before_w():
    """w's gradient must be taken at the new α; with an enormous step of α the two orders differ plainly."""
    train, validation = batches()
    strategy, plain = started(alpha_learning_rate=3.0), started(alpha_learning_rate=3.0)
    strategy.step(train, validation)
    plain.w_optimizer.param_groups[0]["lr"] = 0.025
    dalpha, loss, _ = plain._first_order(train, validation)
    assert strategy.state["validation_loss"] == pytest.approx(loss.item())
    plain.alphas["cell"].grad = dalpha[0]
    plain.alpha_optimizer.step()
    train_loss, _ = plain._loss(train, plain.mixtures())
    assert strategy.state["train_loss"] == pytest.approx(train_loss.item(), abs=1e-6)


def test_the_learning_rate_falls_along_half_a_cosine():
    strategy = started()
    rates = []
    for _ in range(10):
        rates.append(strategy._eta())
        strategy.steps_done += 1
    assert rates[0] == 0.025 and strategy._eta() == pytest.approx(0.001)
    assert rates[5] == pytest.approx((0.025 + 0.001) / 2) and rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("momentum_steps", [0, 3])
def test_second_order_is_autograd_through_the_optimizer_s_own_step(momentum_steps):
    """Eq. 8 in place, against differentiating through w' = w − η(μv + ∇L + λw) as a function, in float64.

    The central difference errs by O(ε²), and ReLUs and maxima have kinks: 1e-3 of the second-order term is allowed.
    """
    strategy = started(order=2, learning_rate=0.1, weight_decay=0.01)
    strategy.supernet.double()
    strategy.alphas["cell"].data = torch.linspace(-1, 1, 30, dtype=torch.float64).view(6, 5)
    train, validation = batches(dtype=torch.float64)
    for _ in range(momentum_steps):
        strategy._move_w(train)
    gradient, _, _ = strategy._second_order(train, validation)
    first, _, _ = strategy._first_order(train, validation)

    network, eta = strategy.supernet, strategy._eta()
    names = [name for name, _ in network.named_parameters()]
    w = [weight.detach().clone().requires_grad_() for weight in strategy.w]
    alpha = strategy.alphas["cell"]
    velocity = [strategy.w_optimizer.state.get(p, {}).get("momentum_buffer") for p in strategy.w]

    def loss(weights, batch):
        mixtures = {"cell": alpha.softmax(1)}
        logits = functional_call(network, dict(zip(names, weights, strict=True)), (batch[0], mixtures))
        return F.cross_entropy(logits, batch[1])

    dw = torch.autograd.grad(loss(w, train), w, create_graph=True)
    w_prime = [
        weight - eta * ((0 if v is None else 0.9 * v) + d + 0.01 * weight)
        for weight, d, v in zip(w, dw, velocity, strict=True)
    ]
    (exact,) = torch.autograd.grad(loss(w_prime, validation), alpha)
    (direct,) = torch.autograd.grad(loss([p.detach() for p in w_prime], validation), alpha)
    assert (velocity[0] is None) == (momentum_steps == 0)
    assert (exact - direct).norm() > 0.02 * exact.norm()
    assert (gradient[0] - exact).norm() < 1e-3 * (exact - direct).norm()
    assert (first[0] - exact).norm() > 1e-2 * exact.norm()


def test_second_order_leaves_the_weights_alone_even_if_it_fails(monkeypatch):
    strategy = started(order=2)
    before = [weight.clone() for weight in strategy.w]
    train, validation = batches()
    strategy._second_order(train, validation)
    assert all(map(torch.equal, strategy.w, before))
    losses, real = itertools.count(), strategy._loss

    def third_fails(*arguments):
        if next(losses) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(strategy, "_loss", third_fails)
    with pytest.raises(KeyboardInterrupt):
        strategy._second_order(train, validation)
    assert all(map(torch.equal, strategy.w, before))


def test_the_gradient_of_w_is_clipped():
    train, validation = batches()
    strategy = started(gradient_clip=1e-3, weight_decay=0.0)
    strategy.step(train, validation)
    assert torch.stack([weight.grad.norm() for weight in strategy.w]).norm().item() == pytest.approx(1e-3, rel=1e-3)


def test_the_state_is_what_there_is_to_look_at():
    strategy = started(order=2)
    strategy.step(*batches())
    state = strategy.state
    assert set(state) == {
        "train_loss", "validation_loss", "train_accuracy", "validation_accuracy", "alphas", "entropy",
    }  # fmt: skip
    assert np.array(state["alphas"]["cell"]).shape == (6, 5)
    assert state["entropy"] == pytest.approx(np.log(5), abs=1e-3)
    assert 0 <= state["train_accuracy"] <= 1


def test_the_entropy_of_a_decided_edge_is_zero():
    """exp(−200) is 0 in float32, and 0 · ln 0 is 0: one edge of six is decided, and the others have ln 5."""
    strategy = started()
    strategy.alphas["cell"].data = torch.zeros(6, 5)
    strategy.alphas["cell"].data[2, 3] = 200.0
    assert strategy._entropy() == pytest.approx(5 / 6 * np.log(5), abs=1e-6)


def test_second_order_is_first_order_where_the_validation_loss_does_not_depend_on_w(monkeypatch):
    strategy, real = started(order=2), DARTS._loss
    train, validation = batches()

    def loss(batch, mixtures):
        of_w, accuracy = real(strategy, batch, mixtures)
        return (of_w if batch is train else 0 * of_w + mixtures["cell"].square().sum()), accuracy

    monkeypatch.setattr(strategy, "_loss", loss)
    before = [weight.clone() for weight in strategy.w]
    second, first = strategy._second_order(train, validation)[0], strategy._first_order(train, validation)[0]
    assert torch.equal(second[0], first[0]) and first[0].any()
    assert all(map(torch.equal, strategy.w, before))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"order": 3}, "order must be 1 or 2; got 3"),
        ({"channels": 0}, "channels must be at least 1; got 0"),
        ({"cells": 0}, "cells must be at least 1; got 0"),
        ({"learning_rate": 0}, "learning_rate must be positive and finite; got 0"),
        ({"gradient_clip": np.inf}, "gradient_clip must be positive and finite; got inf"),
        ({"alpha_learning_rate": np.nan}, "alpha_learning_rate must be positive and finite; got nan"),
        ({"last_learning_rate": -1}, "last_learning_rate must be finite and not negative; got -1"),
        ({"weight_decay": -0.1}, "weight_decay must be finite and not negative; got -0.1"),
        ({"alpha_weight_decay": np.inf}, "alpha_weight_decay must be finite and not negative; got inf"),
        ({"momentum": 2}, "momentum must be at least 0 and less than 1; got 2"),
        ({"momentum": -0.1}, "momentum must be at least 0 and less than 1; got -0.1"),
        ({"alpha_betas": (0.5, 1)}, r"alpha_betas must be two numbers, .* less than 1; got \[0\.5, 1\.0\]"),
        ({"alpha_betas": (0.5,)}, r"alpha_betas must be two numbers, .*; got \[0\.5\]"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, message):
    with pytest.raises(ValueError, match="^" + message):
        DARTS(NB201, rng(), **wrong)


def test_none_is_allowed_only_where_it_is_an_operation():
    DARTS(NB201, rng(), allow_none=True)
    with pytest.raises(ValueError, match="only in NASBench201 is none an operation; got the space 'darts'"):
        DARTS(DARTS_SPACE, rng(), allow_none=True)


def test_settings_at_the_ends_of_their_ranges_are_taken():
    ends = {"last_learning_rate": 0, "momentum": 0, "weight_decay": 0, "alpha_betas": (0, 0), "alpha_weight_decay": 0}
    strategy = started(**ends)
    strategy.step(*batches())
    assert np.isfinite(strategy.state["train_loss"])


@pytest.mark.parametrize("order", [1, 2])
def test_moving_alpha_alone_makes_the_validation_batch_easier(order):
    train, validation = batches()
    strategy = started(order, alpha_learning_rate=0.05)
    gradient = strategy._first_order if order == 1 else strategy._second_order
    losses = [strategy._move_alpha(gradient, train, validation)[0].item() for _ in range(25)]
    assert losses[-1] < losses[0] - 0.02


# The loop: histories that resume -------------------------------------------------------------


def test_a_search_takes_its_steps_and_says_what_it_was(tmp_path):
    run = new_search(tmp_path / "darts.nas.jsonl")
    derived = [next(run), run.step(), *run]
    assert run.done and len(derived) == 12 and run.history.derived == derived[-1]
    for another in (run.step, run.__next__):
        with pytest.raises(StopIteration, match="all 12 steps are done"):
            another()
    assert iter(run) is run
    header = json.loads((tmp_path / "darts.nas.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert header["strategy"]["name"] == "DARTS" and header["strategy"]["settings"]["order"] == 1
    assert header["evaluator"]["settings"] == {
        "dataset": {"name": "toy", "checksum": DATA.checksum},
        "steps": 12, "batch_size": 8, "seed": 0, "device": "cpu", "threads": 1,
    }  # fmt: skip
    assert header["supernet"]["operations"] == list(OPERATIONS)
    assert [cell["name"] for cell in header["supernet"]["cells"]] == ["cell"]
    event = run.history.events[3]
    assert (event["event"], event["number"]) == ("step", 3)
    assert np.array(event["state"]["alphas"]["cell"]).shape == (6, 5)


def test_a_history_s_file_is_its_history(tmp_path):
    run = new_search(tmp_path / "darts.nas.jsonl")
    run.run(progress=False)
    loaded = nas.History.load(tmp_path / "darts.nas.jsonl")
    assert loaded == run.history and loaded.derived == run.strategy.derive()
    assert list(loaded.to_frame()["number"]) == list(range(12))


@pytest.mark.parametrize(("space", "order", "steps"), [(NB201, 1, 3), (NB201, 2, 3), (DARTS_SPACE, 1, 1)])
def test_the_same_rng_and_seed_repeat_a_search_and_others_do_not(space, order, steps):
    runs = [new_search(space=space, order=order, steps=steps, seed=seed) for seed in (0, 0, 1)]
    first, again, other = (run.run(progress=False) for run in runs)
    assert first == again and first != other


def test_no_global_generator_is_touched():
    before = torch.get_rng_state()
    new_search(steps=2).run(progress=False)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("saved", [0, 1, 5])
@pytest.mark.parametrize("abandoned", [5, 9])
def test_an_abandoned_search_goes_on_as_if_it_had_never_stopped(tmp_path, monkeypatch, saved, abandoned, order):
    path = tmp_path / "darts.nas.jsonl"
    whole = new_search(order=order)
    expected = whole.run(progress=False)
    part = new_search(path, order=order)
    for number in range(1, abandoned + 1):
        part._next_save = 0 if number == saved else np.inf
        part.step()
    resumed = new_search(path, order=order)
    assert len(resumed.history.events) == saved
    assert resumed.run(progress=False) == expected == nas.History.load(path)
    assert all(
        torch.equal(tensor, resumed.strategy.tensors()[name]) for name, tensor in whole.strategy.tensors().items()
    )


def test_batches_depend_on_the_seed_and_the_step_and_hold_no_sample_twice():
    run, again, other = new_search(), new_search(), new_search(seed=1)
    drawn = [[batch[0] for batch in where._batches(number)] for where, number in ((run, 0), (run, 1), (other, 0))]
    for (train, validation), (train_too, validation_too) in itertools.combinations(drawn, 2):
        assert not torch.equal(train, train_too) and not torch.equal(validation, validation_too)
    assert all(map(torch.equal, drawn[1], (batch[0] for batch in again._batches(1))))
    assert len(drawn[0][0].unique(dim=0)) == 8
    shares = [(sample == torch.tensor(DATA.train.inputs)).all((1, 2)).any().item() for sample in drawn[0][0]]
    assert all(shares)  # training batches come from the training split


def test_a_finished_search_can_be_opened_again(tmp_path):
    path = tmp_path / "darts.nas.jsonl"
    expected = new_search(path).run(progress=False)
    again = new_search(path)
    assert again.done and again.history == expected and again.strategy.derive() == expected.derived


NURSERY = """
import os, signal, sys, time
sys.path.insert(0, {tests!r})
import numpy as np
from nasedu.oneshot import loop
from test_oneshot import new_search

loop.CHECKPOINT_SECONDS, loop.CHECKPOINT_SHARE = 0.0, 0.5
path, rng = {path!r}, np.random.default_rng(0)


def lines():
    return open(path, "rb").read().count(b"\\n") if os.path.exists(path) else 0


for kill in range(5):
    child = os.fork()
    if child == 0:
        new_search(path, steps=100_000).run(progress=False)
    enough, deadline = lines() + 6, time.monotonic() + 60
    while lines() < enough and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(rng.uniform(0, 0.02))  # a step takes about as long, its checkpoint included
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and lines() >= enough, (kill, status, lines())
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_a_search_killed_five_times_goes_on_as_if_it_had_never_stopped(tmp_path):
    """One process imports torch and forks the searches, each of which takes up what the one before has left."""
    path = tmp_path / "darts.nas.jsonl"
    program = NURSERY.format(tests=os.path.dirname(__file__), path=str(path))
    subprocess.run([sys.executable, "-c", program], env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True, timeout=300)
    logged = path.read_bytes().count(b"\n") - 1
    rest, whole = (new_search(where, steps=100_000) for where in (path, None))
    assert 0 < len(rest.history.events) <= logged + 1
    for run in (rest, whole):
        while len(run.history.events) < logged + 5:
            run.step()
    assert rest.history == whole.history


@pytest.mark.parametrize("interrupted", [0, 4])
def test_an_interrupted_step_is_taken_again_from_where_it_began(tmp_path, monkeypatch, interrupted):
    path = tmp_path / "darts.nas.jsonl"
    expected = new_search().run(progress=False)
    run = new_search(path)
    real, calls = run.strategy._move_w, itertools.count()

    def interrupted_once(batch):
        result = real(batch)
        if next(calls) == interrupted:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(run.strategy, "_move_w", interrupted_once)
    with pytest.raises(KeyboardInterrupt):
        run.run(progress=False)
    assert len(run.history.events) == interrupted
    assert len(new_search(path).history.events) == interrupted  # the checkpoint kept all of them
    assert run.run(progress=False) == expected


def test_a_loss_that_is_not_finite_stops_with_an_explanation_and_keeps_the_rest():
    run = new_search(learning_rate=1e30, gradient_clip=1e30)
    with pytest.raises(TrainingFailure, match=r"loss became (nan|inf) in step \d+ of 12\. Lower the strategy's"):
        run.run(progress=False)
    assert 1 <= len(run.history.events) < 12
    assert all(np.isfinite(event["state"]["train_loss"]) for event in run.history.events)


# Files that do not belong together -----------------------------------------------------------


def test_a_history_without_its_weights_is_kept_and_not_resumed(tmp_path):
    path = tmp_path / "darts.nas.jsonl"
    new_search(path).run(progress=False)
    (tmp_path / "darts.nas.npz").unlink()
    before = path.read_bytes()
    with pytest.raises(FileNotFoundError, match=r"the weights are not at .*darts\.nas\.npz"):
        new_search(path)
    assert path.read_bytes() == before


def test_a_search_with_other_settings_is_another_search(tmp_path):
    path = tmp_path / "darts.nas.jsonl"
    new_search(path).run(progress=False)
    for other, part in (({"order": 2}, "strategy"), ({"steps": 13}, "evaluator"), ({"seed": 1}, "evaluator")):
        with pytest.raises(ValueError, match=f"belongs to another {part}"):
            new_search(path, **other)


def test_weights_of_another_search_are_refused(tmp_path):
    new_search(tmp_path / "a.nas.jsonl").run(progress=False)
    new_search(tmp_path / "b.nas.jsonl", order=2).run(progress=False)
    os.replace(tmp_path / "b.nas.npz", tmp_path / "a.nas.npz")
    with pytest.raises(ValueError, match="belongs to another search than the history beside it"):
        new_search(tmp_path / "a.nas.jsonl")


def test_weights_ahead_of_the_history_are_refused(tmp_path):
    path = tmp_path / "darts.nas.jsonl"
    new_search(path).run(progress=False)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:5]))
    with pytest.raises(ValueError, match="was written after step 12, but the history beside it has only 4 steps"):
        new_search(path)


def test_weights_without_a_history_belong_to_nobody_and_are_replaced(tmp_path):
    path = tmp_path / "darts.nas.jsonl"
    expected = new_search(path).run(progress=False)
    path.unlink()
    assert new_search(path).run(progress=False) == expected


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04 cut"])
def test_a_broken_checkpoint_is_refused_by_name(tmp_path, content):
    path = tmp_path / "darts.nas.jsonl"
    new_search(path).run(progress=False)
    (tmp_path / "darts.nas.npz").write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(f"{tmp_path / 'darts.nas.npz'} is not a checkpoint")):
        new_search(path)


def test_a_checkpoint_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    checkpoint.write(path, {}, 1, {"x": torch.ones(3)})

    def full_disk(*_, **__):
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="no space"):
        checkpoint.write(path, {}, 2, {"x": torch.zeros(3)})
    step, tensors = checkpoint.read(path, {})
    assert step == 1 and torch.equal(tensors["x"], torch.ones(3))


def test_a_checkpoint_carries_no_code(tmp_path):
    np.savez(tmp_path / "a.npz", about=np.array([object()], dtype=object))
    with pytest.raises(ValueError, match="is not a checkpoint"):
        checkpoint.read(tmp_path / "a.npz", {})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "steps must be at least 1; got 0"),
        ({"batch_size": 25}, r"batch_size must lie in 2\.\.24, the size of the smaller split; got 25"),
        ({"batch_size": 1}, r"batch_size must lie in 2\.\.24"),
        ({"seed": -1}, "seed must not be negative; got -1"),
    ],
)
def test_arguments_of_search_out_of_range_are_refused(wrong, message):
    arguments = {"steps": 3, "batch_size": 8, "device": "cpu"} | wrong
    with pytest.raises(ValueError, match=message):
        search(DARTS(NB201, rng()), DATA, **arguments)


def test_a_strategy_searches_once():
    first = new_search()
    with pytest.raises(ValueError, match=r"already searched; make a new one: strategy = DARTS\(…\)"):
        search(first.strategy, DATA, 3, batch_size=8, device="cpu")
    first.run(progress=False)
    with pytest.raises(ValueError, match="already searched"):
        search(first.strategy, DATA, 3, batch_size=8, device="cpu")


def test_initial_weights_of_a_supernet_come_from_the_rng():
    first, again = (
        materialize(lambda: DARTSSupernet(DARTS_SPACE, 1, 1, 3, channels=2, layers=3), rng(4)) for _ in range(2)
    )
    assert all(map(torch.equal, first.parameters(), again.parameters()))
