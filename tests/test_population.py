"""Training K networks side by side must be training each of them alone."""

import copy
import dataclasses
import gc
import json
import math
import re
import runpy
import weakref
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
import torch.nn.functional as F

import nasedu as nas
from nasedu import training
from nasedu.data import Dataset, Split
from nasedu.evaluators import Population, Train
from nasedu.networks import population as population_networks
from nasedu.networks.population import PopulationNetwork
from nasedu.training import devices
from nasedu.training import population as population_training

SPACE = nas.spaces.NASBench201()
CPU = torch.device("cpu")
DISCONNECTED = SPACE.architecture((0, 0, 0, 0, 0, 0))
EVERYTHING = SPACE.architecture((3, 2, 4, 1, 3, 2))


def sampled(count, seed=0):
    rng = np.random.default_rng(seed)
    return [DISCONNECTED, EVERYTHING, *(SPACE.sample(rng) for _ in range(count - 2))]


def built(architectures, data, dtype=torch.float32, **sizes):
    return [
        nas.networks.build(cell, data.input_shape, data.classes, rng=np.random.default_rng(seed), **sizes).to(dtype)
        for seed, cell in enumerate(architectures)
    ]


def random_dataset(input_shape, samples=96, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    splits = [
        Split(rng.standard_normal((samples, *input_shape)).astype(np.float32), rng.integers(classes, size=samples))
        for _ in range(3)
    ]
    return Dataset("random", input_shape, classes, *splits)


def batches_of(data, count, size, dtype=torch.float32, seed=0):
    """Return inputs [K, channels, batch, *space] and labels [K, batch], another batch for each network."""
    draw = torch.Generator().manual_seed(seed)
    rows = torch.stack([torch.randperm(len(data.train.labels), generator=draw)[:size] for _ in range(count)])
    inputs = torch.tensor(data.train.inputs, dtype=dtype)[rows]
    return inputs, torch.tensor(data.train.labels)[rows]


def population_step(population, inputs, labels):
    """Set the population's gradient and return the losses [K]."""
    with torch.no_grad():
        logits = population.forward(inputs.transpose(1, 2).contiguous(), training=True)
    logits.requires_grad_()
    losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(len(labels), -1).mean(1)
    (g,) = torch.autograd.grad(losses.sum(), logits)
    with torch.no_grad():
        population.backward(g)
    return losses.detach()


def gradients_of(population, networks):
    """Return the gradient of each network's parameters, by name."""
    kept = population.weights.clone()
    population.weights.copy_(population.gradient)
    population.write_back()
    gradients = [{name: w.detach().clone() for name, w in network.named_parameters()} for network in networks]
    population.weights.copy_(kept)
    population.write_back()
    return gradients


def alone(network, inputs, labels):
    """Return loss and gradients, by name, of one network by automatic differentiation."""
    network.train()
    network.zero_grad()
    loss = F.cross_entropy(network(inputs), labels)
    loss.backward()
    return loss.item(), {name: weights.grad for name, weights in network.named_parameters()}


SHAPES = {"signals": (2, 11), "long signals": (1, 40), "images": (3, 5, 6), "one pixel high": (1, 1, 7)}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("sizes", [{"channels": 4, "cells": 1}, {"channels": 3, "cells": 2}])
def test_losses_gradients_and_statistics_are_those_of_automatic_differentiation_in_float64(shape, sizes):
    data, cells = random_dataset(shape), sampled(9)
    networks = built(cells, data, torch.float64, **sizes)
    references = copy.deepcopy(networks)
    population = PopulationNetwork(networks, shape, CPU)
    inputs, labels = batches_of(data, len(cells), 16, torch.float64)
    losses = population_step(population, inputs, labels)
    gradients = gradients_of(population, networks)
    for k, (network, reference) in enumerate(zip(networks, references, strict=True)):
        loss, expected = alone(reference, inputs[k], labels[k])
        assert losses[k].item() == pytest.approx(loss, rel=1e-11)
        assert gradients[k].keys() == expected.keys()
        for name, gradient in expected.items():
            torch.testing.assert_close(gradients[k][name], gradient, rtol=1e-8, atol=1e-10, msg=f"{cells[k]} {name}")
        for (name, ours), theirs in zip(network.named_buffers(), reference.buffers(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-10, msg=f"{cells[k]} {name}")


@pytest.mark.parametrize("shape", [(1, 12), (2, 23, 24)], ids=str)
def test_what_a_gpu_computes_is_the_same(shape, monkeypatch):
    """There all edges of a group are copied together, and sums begin with zeros; a second step finds no old sums."""
    data, cells = random_dataset(shape, samples=16), sampled(9)
    found = []
    for slot_by_slot in (("cpu",), ()):
        monkeypatch.setattr(population_networks, "SLOT_BY_SLOT", slot_by_slot)
        networks = built(cells, data, torch.float64, channels=2)
        population = PopulationNetwork(networks, shape, CPU)
        for _ in range(2):
            losses = population_step(population, *batches_of(data, len(cells), 8, torch.float64))
        found.append((losses, population.gradient.clone()))
    torch.testing.assert_close(found[0], found[1], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("shape", [(1, 513), (2, 23, 24)], ids=str)
def test_large_inputs_are_pooled_as_automatic_differentiation_does(shape):
    pools = [population_networks._Pool(torch.Size(shape[1:]), *kind, torch.zeros(1)) for kind in ((3, 1), (2, 2))]
    assert pools[0].matrix is None
    data, cells = random_dataset(shape, samples=8), [EVERYTHING, SPACE.architecture((4, 4, 4, 4, 4, 4))]
    networks = built(cells, data, torch.float64, channels=2)
    population, references = PopulationNetwork(networks, shape, CPU), copy.deepcopy(networks)
    inputs, labels = batches_of(data, 2, 4, torch.float64)
    losses = population_step(population, inputs, labels)
    for k, gradients in enumerate(gradients_of(population, networks)):
        loss, expected = alone(references[k], inputs[k], labels[k])
        assert losses[k].item() == pytest.approx(loss, rel=1e-11)
        for name, gradient in expected.items():
            torch.testing.assert_close(gradients[name], gradient, rtol=1e-8, atol=1e-10, msg=f"{cells[k]} {name}")


def test_every_tensor_of_the_gradient_is_right_in_float32_along_a_training():
    """‖g − r‖ ≤ 1e-5 · max(‖r‖, 0.1) with r in float64; torch's own float32 gradients are as far away."""
    data, cells = nas.data.load("mnist1d"), sampled(8)
    networks = built(cells, data)
    population = PopulationNetwork(networks, data.input_shape, CPU)
    weights = torch.nn.Parameter(population.weights)
    weights.grad = population.gradient
    optimizer = torch.optim.AdamW([weights], lr=0.003)
    for step in range(5):
        population.write_back()
        references = [copy.deepcopy(network).double() for network in networks]
        inputs, labels = batches_of(data, len(cells), 128, seed=step)
        losses = population_step(population, inputs, labels)
        for k, gradients in enumerate(gradients_of(population, networks)):
            loss, expected = alone(references[k], inputs[k].double(), labels[k])
            assert losses[k].item() == pytest.approx(loss, abs=1e-5)
            for name, r in expected.items():
                distance = (gradients[name] - r).norm().item()
                assert distance <= 1e-5 * max(r.norm().item(), 0.1), (step, str(cells[k]), name)
        optimizer.step()


@pytest.mark.parametrize("name", ["mnist1d", "digits"])
@pytest.mark.parametrize(("optimizer", "schedule"), [("adamw", "one-cycle"), ("sgd", "cosine")])
def test_five_steps_have_the_losses_of_training_one_by_one(name, optimizer, schedule):
    whole = nas.data.load(name)
    few = Split(whole.train.inputs[:64], whole.train.labels[:64])
    data = Dataset(name, whole.input_shape, whole.classes, few, whole.validation, whole.test)
    recipe = {"optimizer": optimizer, "schedule": schedule, "learning_rate": 0.001, "label_smoothing": 0.1}
    settings = {"epochs": 5, "batch_size": 64, **recipe}
    cells = sampled(8)
    rngs = [np.random.default_rng(k) for k in range(len(cells))]
    fits = training.fit_population(built(cells, data), data, rngs=rngs, device="cpu", **settings)  # an epoch is a step
    for k, network in enumerate(built(cells, data)):
        fit = training.fit(network, data, rng=np.random.default_rng(k), device="cpu", **settings)
        np.testing.assert_allclose(fits[k].losses, fit.losses, rtol=0, atol=1e-5)
        assert fits[k].curve[0] == pytest.approx(fit.curve[0], abs=2 / len(data.validation.labels))


def parameters_of(network):
    return torch.cat([weights.detach().flatten() for weights in network.parameters()])


@pytest.mark.parametrize("name", ["mnist1d", "digits"])
def test_a_network_is_the_same_bit_by_bit_whoever_else_is_there_and_however_many(name):
    cells = sampled(9)
    evaluator = Population(nas.data.load(name), epochs=1, device="cpu", largest=9)
    together = evaluator.fit_all(cells)
    for k in (1, 4):
        others = [cells[7], cells[k], cells[2]]
        for group in ([cells[k]], others, [cells[k], cells[k]]):
            network, fit = evaluator.fit_all(group)[group.index(cells[k])]
            assert torch.equal(parameters_of(network), parameters_of(together[k][0])), (k, len(group))
            assert fit.curve == together[k][1].curve
            assert fit.losses == together[k][1].losses


def test_the_networks_that_come_back_are_the_trained_ones():
    data, cells = random_dataset((1, 12)), sampled(4)
    networks = built(cells, data, channels=4)
    fits = training.fit_population(
        networks, data, rngs=[np.random.default_rng(k) for k in range(4)], epochs=2, batch_size=32, device="cpu"
    )
    for network, fit in zip(networks, fits, strict=True):
        assert training.accuracy(network, data, "validation", "cpu") == pytest.approx(fit.curve[-1], abs=1.5 / 96)
        assert int(network.norm.num_batches_tracked) == 2 * 3


def test_one_that_diverges_says_so_and_harms_no_other():
    data, cells = random_dataset((1, 12)), sampled(4)
    arguments = {"epochs": 2, "batch_size": 32, "device": "cpu", "learning_rate": 0.02}

    def fitted(spoil):
        networks = built(cells, data, channels=4)
        if spoil:
            with torch.no_grad():
                networks[1].classifier.weight[0, 0] = math.nan
        rngs = [np.random.default_rng(k) for k in range(4)]
        return training.fit_population(networks, data, rngs=rngs, **arguments)

    spoiled, whole = fitted(True), fitted(False)
    assert isinstance(spoiled[1], training.TrainingFailure)
    assert "training loss became nan in epoch 1 of 2. Lower the learning rate (it is 0.02)" in str(spoiled[1])
    assert spoiled[1].curve == ()
    for k in (0, 2, 3):
        assert spoiled[k].losses == whole[k].losses
        assert spoiled[k].curve == whole[k].curve


def test_one_that_diverges_later_keeps_its_curve_so_far_and_harms_no_other(monkeypatch):
    data, forward, validated = random_dataset((1, 12)), PopulationNetwork.forward, []

    def fitted():
        rngs = [np.random.default_rng(k) for k in range(3)]
        networks = built(sampled(3), data, channels=4)
        return training.fit_population(networks, data, rngs=rngs, epochs=2, batch_size=32, device="cpu")

    def spoiled_after_the_first_epoch(population, inputs, training):
        logits = forward(population, inputs, training)
        if not training:
            validated.append(True)
        elif validated:
            logits[1] = math.nan
        return logits

    whole = fitted()
    monkeypatch.setattr(PopulationNetwork, "forward", spoiled_after_the_first_epoch)
    first, failure, last = fitted()
    assert "training loss became nan in epoch 2 of 2" in str(failure)
    assert failure.curve == whole[1].curve[:1]
    for ours, expected in ((first, whole[0]), (last, whole[2])):
        assert (ours.curve, ours.losses) == (expected.curve, expected.losses)


def test_a_learning_rate_that_diverges_is_a_failed_trial_for_each():
    settings = {"epochs": 2, "batch_size": 32, "learning_rate": 1e30, "channels": 4, "device": "cpu"}
    evaluator = Population(random_dataset((1, 12)), **settings)
    trials = evaluator(sampled(3)[1:])
    assert all(trial.failure and "Lower the learning rate" in trial.failure for trial in trials)
    assert all(trial.score == -math.inf for trial in trials)
    with pytest.raises(training.TrainingFailure, match="Lower the learning rate"):
        evaluator.test(EVERYTHING)


# The evaluator --------------------------------------------------------------------------------


def test_trials_say_what_those_of_training_alone_say():
    data, cells = random_dataset((1, 12)), sampled(5)
    settings = {"epochs": 2, "batch_size": 32, "channels": 4, "seed": 3, "device": "cpu"}
    ours, theirs = Population(data, **settings, largest=2)(cells), Train(data, **settings)(cells)
    for a, b in zip(ours, theirs, strict=True):
        assert a.architecture == b.architecture
        assert a.epochs == b.epochs == len(a.curve)
        assert a.accuracy == a.curve[-1] == pytest.approx(b.accuracy, abs=0.05)
        assert a.metrics["parameters"] == b.metrics["parameters"]
        assert a.metrics["flops"] == b.metrics["flops"]
        assert a.metrics["train_loss"].value == pytest.approx(b.metrics["train_loss"].value, abs=1e-3)
        assert a.cost > 0


def test_fit_and_test_are_of_the_network_behind_the_trial():
    """Training alone rounds otherwise, so that its weights are others."""
    data = random_dataset((1, 12))
    settings = {"epochs": 3, "batch_size": 32, "channels": 4, "device": "cpu"}
    evaluator = Population(data, **settings)
    ((network, fit),) = evaluator.fit_all([EVERYTHING])
    same, same_fit = evaluator.fit(EVERYTHING)
    assert torch.equal(parameters_of(same), parameters_of(network))
    assert not torch.equal(parameters_of(same), parameters_of(Train(data, **settings).fit(EVERYTHING)[0]))
    assert same_fit.curve == fit.curve == evaluator([EVERYTHING])[0].curve
    assert evaluator.test(EVERYTHING) == training.accuracy(network, data, "test", "cpu")


def test_a_search_in_generations_trains_them_together(monkeypatch):
    sizes, fit_population = [], training.fit_population
    monkeypatch.setattr(
        training,
        "fit_population",
        lambda networks, *rest, **named: sizes.append(len(networks)) or fit_population(networks, *rest, **named),
    )
    evaluator = Population(random_dataset((1, 12)), epochs=1, batch_size=32, channels=4, device="cpu", largest=4)
    strategy = nas.strategies.RegularizedEvolution(SPACE, np.random.default_rng(0), population_size=6, sample_size=2)
    history = nas.search(strategy, evaluator, trials=12, batch=6).run(progress=False)
    assert sizes == [4, 2, 4, 2]
    assert len(history.trials) == 12


def test_too_little_memory_means_fewer_at_a_time(monkeypatch):
    sizes, fit_population = [], training.fit_population

    def small_machine(networks, *rest, **named):
        sizes.append(len(networks))
        if len(networks) > 2:
            raise training.TrainingFailure("device 'cpu' has too little memory")
        return fit_population(networks, *rest, **named)

    evaluator = Population(random_dataset((1, 12)), epochs=1, batch_size=32, channels=4, device="cpu", largest=5)
    expected = evaluator(sampled(5))
    monkeypatch.setattr(training, "fit_population", small_machine)
    trials = evaluator(sampled(5))
    assert sizes == [5, 2, 3, 1, 2]
    assert [trial.accuracy for trial in trials] == [trial.accuracy for trial in expected]


def test_the_memory_of_a_population_that_failed_is_free_before_its_halves_are_trained(monkeypatch):
    alive, forward = weakref.WeakSet(), PopulationNetwork.forward

    def exhausted(population, inputs, training):
        alive.add(population)
        assert len(alive) == 1
        if len(population) > 1:
            raise RuntimeError("CUDA out of memory")
        return forward(population, inputs, training)

    monkeypatch.setattr(PopulationNetwork, "forward", exhausted)
    gc.disable()  # or it might help
    try:
        evaluator = Population(random_dataset((1, 12)), epochs=1, batch_size=32, channels=4, device="cpu", largest=4)
        results = evaluator.fit_all(sampled(4))
    finally:
        gc.enable()
    assert [len(fit.curve) for _, fit in results] == [1] * 4


def test_a_failure_that_is_kept_holds_no_frames(monkeypatch):
    def exhausted(*_):
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(PopulationNetwork, "forward", lambda *_, **__: exhausted())
    settings = {"epochs": 1, "batch_size": 32, "channels": 4, "device": "cpu"}
    ((_, failure),) = Population(random_dataset((1, 12)), **settings).fit_all([EVERYTHING])
    assert "too little memory for batches of 32. Lower batch_size" in str(failure)
    assert failure.__traceback__ is failure.__cause__ is failure.__context__ is None
    networks, rngs = built(sampled(3), random_dataset((1, 12))), [np.random.default_rng(0)] * 3
    with pytest.raises(training.TrainingFailure, match=r"for 3 networks with batches of 32\. Train fewer at once"):
        training.fit_population(networks, random_dataset((1, 12)), rngs=rngs, batch_size=32, device="cpu")


def test_settings_name_largest_on_a_gpu_only(monkeypatch):
    """On a CPU it does not matter to the trials."""
    settings = Population(random_dataset((1, 12)), batch_size=32, largest=3, device="cpu").settings
    assert settings["population"] is True and "largest" not in settings
    monkeypatch.setattr(training, "device", torch.device)
    for size in (None, 3):
        assert (
            Population(random_dataset((1, 12)), batch_size=32, largest=size, device="cuda").settings["largest"] == size
        )


def test_the_micro_skeleton_may_be_named():
    settings = {"epochs": 1, "batch_size": 32, "channels": 4, "device": "cpu"}
    named, plain = (
        Population(random_dataset((1, 12)), network=network, **settings)([EVERYTHING])[0].curve
        for network in ({"skeleton": "micro"}, {})
    )
    assert named == plain


def test_one_that_does_not_fit_even_alone_is_a_failed_trial(monkeypatch):
    def no_memory(*_, **__):
        raise training.TrainingFailure("device 'cpu' has too little memory for batches of 32.")

    monkeypatch.setattr(training, "fit_population", no_memory)
    trials = Population(random_dataset((1, 12)), epochs=1, batch_size=32, channels=4, device="cpu")(sampled(3))
    assert [trial.failure for trial in trials] == ["device 'cpu' has too little memory for batches of 32."] * 3


def test_as_many_are_trained_at_once_as_fit_in_half_of_the_free_memory(monkeypatch):
    data = nas.data.load("mnist1d")
    memory = psutil.virtual_memory()
    need = 4 * 8 * 40 * (128 * 26 * 3 + 125 * (4 * 3 + 8))

    def size(available, **changed):
        monkeypatch.setattr(psutil, "virtual_memory", lambda: memory._replace(available=available))
        return training.population_size(
            data, **{"channels": 8, "cells": 1, "batch_size": 128, "device": "cpu", **changed}
        )

    assert size(2**40) == population_training.LARGEST["cpu"]
    assert size(2 * 3 * need) == 3
    assert size(2 * 3 * need, channels=16) == 1
    assert size(0) == 1


def test_what_torch_holds_of_a_gpu_without_using_it_is_free(monkeypatch):
    need = 4 * 8 * 40 * (128 * 26 * 3 + 125 * (4 * 3 + 8))
    monkeypatch.setattr(devices, "device", torch.device)
    for name, answer in (("mem_get_info", (6 * need, 0)), ("memory_reserved", 5 * need), ("memory_allocated", need)):
        monkeypatch.setattr(torch.cuda, name, lambda _, answer=answer: answer)
    assert training.population_size(nas.data.load("mnist1d"), 8, 1, 128, "cuda") == 5  # half of 6 + 5 − 1


@pytest.mark.parametrize(
    ("shape", "cells", "batch_size"), [((1, 40), 1, 128), ((1, 40), 2, 16), ((3, 16, 16), 1, 64), ((3, 16, 16), 2, 16)]
)
def test_the_estimate_of_the_memory_is_neither_too_small_nor_four_times_too_large(shape, cells, batch_size, tmp_path):
    """By the most that torch holds at one time, training and validation, of the largest of all networks."""
    data = random_dataset(shape, samples=250)

    def peak(count):
        networks = built([SPACE.architecture((3,) * 6)] * count, data, channels=8, cells=cells)
        rngs = [np.random.default_rng(k) for k in range(count)]
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
            training.fit_population(networks, data, rngs=rngs, epochs=1, batch_size=batch_size, device="cpu")
        profile.export_chrome_trace(str(tmp_path / "trace.json"))
        events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
        changes = sorted((event["ts"], event["args"]["Bytes"]) for event in events if event["name"] == "[memory]")
        return max(np.cumsum([change for _, change in changes]))

    peak(2)  # what is kept for later trainings
    more = (peak(4) - peak(2)) / 2
    estimate = population_training._memory(shape, 8, cells, batch_size)
    assert more <= estimate <= 4 * more


# Bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"largest": 0}, "largest must be at least 1"),
        ({"largest": 2.5}, r"largest must be a whole number; got 2\.5"),
        ({"threads": 0}, r"threads must be a whole number in 1\.\.1024; got 0"),
        ({"threads": 1.5}, r"threads must be a whole number in 1\.\.1024; got 1\.5"),
        ({"threads": None}, r"threads must be a whole number in 1\.\.1024; got None\.$"),
        ({"threads": 100_000}, "threads must be a whole number .*; got 100000"),  # they would end the process
        ({"augmentation": ("translate",)}, "without augmentation"),
        ({"time_limit": 3.0}, "without time_limit"),
        ({"network": {"skeleton": "published"}}, "without network"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"batch_size": 97}, "batch_size must lie in 1..96"),
    ],
)
def test_wrong_settings_say_what_must_hold(setting, says):
    with pytest.raises(ValueError, match=says):
        Population(random_dataset((1, 12)), **{"batch_size": 32, "device": "cpu", **setting})


def test_a_regression_is_refused():
    with pytest.raises(ValueError, match="has real-valued targets"):
        Population(nas.data.load("diabetes"), batch_size=32)


def test_other_networks_and_sizes_are_refused():
    data = random_dataset((1, 12))
    chain = nas.networks.build(
        nas.spaces.Chain().sample(np.random.default_rng(0)), (1, 12), 4, rng=np.random.default_rng(0)
    )
    published = built([EVERYTHING], data, skeleton="published")[0]
    narrow, wide = built([EVERYTHING], data, channels=4)[0], built([EVERYTHING], data, channels=8)[0]
    for networks, says in (
        ([], "at least one network"),
        ([narrow, chain], "micro skeleton"),
        ([published], "micro skeleton"),
        ([narrow, wide], "same input, classes, channels and number of cells"),
    ):
        with pytest.raises(ValueError, match=says):
            PopulationNetwork(networks, (1, 12), CPU)
    with pytest.raises(ValueError, match="one rng for each network; got 1 for 2"):
        training.fit_population([narrow, narrow], data, rngs=[np.random.default_rng(0)], batch_size=32)


@pytest.mark.parametrize(
    ("shape", "classes", "says"),
    [
        ((1, 12), 3, r"for random a network must return outputs \[batch, 4\], .* of a batch of 32 .*; got \[32, 3\]"),
        ((1, 12), 5, r"for random a network must return outputs \[batch, 4\], .* of a batch of 32 .*; got \[32, 5\]"),
        ((2, 12), 4, r"inputs \[batch, 1, 12\]; got one for \[batch, 2, length\]\. .* input_shape=\(1, 12\)"),
        ((1, 4, 3), 4, r"inputs \[batch, 1, 12\]; got one for \[batch, 1, height, width\]"),
    ],
)
def test_networks_for_another_dataset_are_refused_before_anything_is_trained(shape, classes, says):
    data, networks = random_dataset((1, 12)), built([EVERYTHING], random_dataset(shape, classes=classes))
    before = parameters_of(networks[0])
    with pytest.raises(ValueError, match=says):
        training.fit_population(networks, data, rngs=[np.random.default_rng(0)], batch_size=32, device="cpu")
    assert torch.equal(parameters_of(networks[0]), before)


# CUDA -----------------------------------------------------------------------------------------


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_gpu_trains_the_population_as_a_cpu_does():
    """A slow learning rate, since what is rounded otherwise grows while networks learn: within a few samples."""
    data, cells = nas.data.load("mnist1d"), sampled(8)
    samples, steps = len(data.validation.labels), 2 * (len(data.train.labels) // 128)
    networks, fits = {}, {}
    for device in ("cpu", "cuda"):
        networks[device], rngs = built(cells, data), [np.random.default_rng(k) for k in range(8)]
        fits[device] = training.fit_population(
            networks[device], data, rngs=rngs, epochs=2, learning_rate=0.001, device=device
        )
    for network, ours, reference in zip(networks["cuda"], fits["cuda"], fits["cpu"], strict=True):
        assert ours.losses == pytest.approx(reference.losses, abs=0.002)
        assert ours.curve == pytest.approx(reference.curve, abs=12 / samples)
        assert training.accuracy(network, data, "validation", "cuda") == pytest.approx(ours.curve[-1], abs=5 / samples)
        assert int(network.norm.num_batches_tracked) == steps


# The benchmark ----------------------------------------------------------------------------------

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)  # it takes the tutorial's loop from the script beside it
    return runpy.run_path(str(BENCHMARKS / "population.py"))


def test_the_benchmark_runs(benchmark, capsys):
    digits, tiny = nas.data.load("digits"), benchmark["random_dataset"]((1, 8), samples=128)
    benchmark["compare"](digits, 2, [None, 1], rounds=1, epochs=1)
    benchmark["grow_along"]("channels", {c: (tiny, c, 1, 2) for c in (2, 4)}, rounds=1)
    benchmark["compare_on_gpu"](tiny, [2], "cpu", rounds=1, epochs=1)
    recipe = dataclasses.replace(benchmark["RECIPES"]["nasbench201-digits"], epochs=1)
    benchmark["time_table"](recipe, "cpu", size=2, rows=3)
    said = capsys.readouterr().out
    for row in ("| tutorial |", "| one by one |", "| 8 at once |", "| 1 at once |", "| exponent |", "3 of 5,044 rows"):
        assert row in said
    idle, *peaks = map(int, re.findall(r"(?:has | \| )(\d+) (?:MB|\|)$", said, re.MULTILINE))
    assert len(peaks) == 2 and all(idle < peak < 2000 for peak in peaks)


@pytest.mark.parametrize("name", ["mnist1d", "digits"])
def test_the_benchmarks_tutorial_trains_the_same_network_with_the_pooling_of_torch(benchmark, name):
    data = nas.data.load(name)
    ours, theirs = (built([EVERYTHING], data)[0] for _ in range(2))
    benchmark["plain"](theirs, len(data.input_shape) - 1)
    kinds = [type(module).__name__ for module in theirs.modules()]
    assert sum(kind.startswith("AvgPool") for kind in kinds) == 3  # one in each cell, and the reduction's
    assert not {"AveragePool", "Reduction"} & set(kinds)
    inputs, labels = (torch.tensor(values[:64]) for values in data.train)
    for network in (ours, theirs):
        F.cross_entropy(network(inputs), labels).backward()
    for weights, expected in zip(theirs.parameters(), ours.parameters(), strict=True):
        torch.testing.assert_close(weights.grad, expected.grad, rtol=1e-4, atol=1e-6)


def test_a_population_may_use_more_threads(monkeypatch):
    used = []
    train = nas.training.fit_population
    monkeypatch.setattr(nas.training, "fit_population", lambda *a, **k: used.append(k["threads"]) or train(*a, **k))
    data, cells = random_dataset((1, 12)), [SPACE.architecture((3, 0, 1, 4, 2, 3))]
    for threads in (1, 2):
        evaluator = Population(data, epochs=1, batch_size=32, channels=4, device="cpu", threads=threads)
        assert evaluator(cells)[0].failure is None and evaluator.settings.get("threads", 1) == threads
    assert used == [1, 2]
