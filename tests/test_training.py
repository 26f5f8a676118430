import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from nasedu import training
from nasedu.data import Dataset, Split, load
from nasedu.spaces import NASBench201
from nasedu.training import TrainingFailure, accuracy, devices, fit, flops, loop, parameters


def images(samples=96, seed=0):
    """Three classes of 4×4 images, told apart by which row is bright."""
    rng = np.random.default_rng(seed)
    labels = np.arange(samples) % 3
    inputs = 0.3 * rng.standard_normal((samples, 1, 4, 4)).astype(np.float32)
    inputs[np.arange(samples), 0, labels] += 1
    return Split(inputs, labels)


TASK = Dataset("rows", (1, 4, 4), 3, images(), images(seed=1), images(seed=2))


def network(seed=0):
    """A small network with batch norm; its weights come from the seed."""
    made = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(96, 3))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in (*made[0].parameters(), *made[4].parameters()):
            weights.copy_(0.2 * torch.randn(weights.shape, generator=generator))
    return made


def trained(seed=0, **settings):
    model = network()
    settings = {"epochs": 4, "batch_size": 16, "device": "cpu", **settings}
    return model, fit(model, TASK, rng=np.random.default_rng(seed), **settings)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
def test_a_network_learns_with_every_optimizer_and_schedule(optimizer, schedule):
    model, run = trained(optimizer=optimizer, schedule=schedule)
    assert len(run.curve) == len(run.losses) == 4
    assert run.losses[-1] < run.losses[0] / 2
    assert run.curve[-1] > 0.95
    assert run.curve[-1] == accuracy(model, TASK, "validation", "cpu")
    assert run.seconds > 0


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_one_cycle_moves_the_momentum_against_the_learning_rate_and_cosine_keeps_it(optimizer):
    """From 0.95 to 0.85 and back, as torch's default is; the accuracies that the lessons print stand on it."""
    for schedule, expected in (("one-cycle", (0.95, 0.85, 0.95)), ("cosine", (0.9, 0.9, 0.9))):
        made = loop._optimizer(optimizer, network(), 0.01, 5e-4, fused=True)
        learning_rates = loop._schedule(schedule, made, 0.01, steps=20)
        rates, momenta = [], []
        for _ in range(20):
            group = made.param_groups[0]
            rates.append(group["lr"])
            momenta.append(group["momentum"] if optimizer == "sgd" else group["betas"][0])
            made.step()
            if len(rates) < 20:
                learning_rates.step()
        top = int(np.argmax(rates))
        assert rates[top] == pytest.approx(0.01)
        assert (momenta[0], momenta[top], momenta[-1]) == pytest.approx(expected)
        assert min(momenta) == pytest.approx(min(expected))


def test_the_same_rng_trains_the_same_network_bit_by_bit_and_another_does_not():
    (first, a), (second, b), (_, c) = trained(), trained(), trained(seed=1)
    assert (a.curve, a.losses) == (b.curve, b.losses)
    assert all(torch.equal(one, other) for one, other in zip(first.parameters(), second.parameters(), strict=True))
    assert a.losses != c.losses


def test_training_neither_reads_nor_moves_torchs_global_generator():
    model = network()
    before = torch.get_rng_state()
    run = fit(model, TASK, rng=np.random.default_rng(0), epochs=1, batch_size=16, device="cpu")
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(5)
    assert trained(epochs=1)[1].losses == run.losses


def test_every_sample_is_seen_once_an_epoch_in_a_new_order():
    seen = []

    class Watch(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(16, 3)

        def forward(self, x):
            if self.training:
                seen.append(x[:, 0, 0, 0].tolist())
            return self.linear(x.flatten(1))

    fit(Watch(), TASK, rng=np.random.default_rng(0), epochs=2, batch_size=32, device="cpu")
    first, second = (np.concatenate(batches).tolist() for batches in (seen[:3], seen[3:]))
    assert len(seen) == 6 and {len(batch) for batch in seen} == {32}
    assert sorted(first) == sorted(second) == sorted(TASK.train.inputs[:, 0, 0, 0].tolist())
    assert first != second


def test_an_incomplete_last_batch_is_left_out():
    sizes = []
    model = network()
    model.register_forward_pre_hook(lambda module, args: sizes.append(len(args[0])) if module.training else None)
    fit(model, TASK, rng=np.random.default_rng(0), epochs=1, batch_size=40, device="cpu")
    assert sizes == [40, 40]  # of 96


def test_the_test_split_is_not_touched():
    changed = Dataset("rows", (1, 4, 4), 3, TASK.train, TASK.validation, images(seed=5))
    asked = []
    original = devices.on_device

    def watch(dataset, split, where):
        asked.append(split)
        return original(dataset, split, where)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(devices, "on_device", watch)
        fit(network(), changed, rng=np.random.default_rng(0), epochs=1, batch_size=16, device="cpu")
    assert set(asked) == {"train", "validation"}


def test_accuracy_counts_by_hand_and_uses_running_statistics():
    class Constant(nn.Module):
        def forward(self, x):
            assert not self.training
            return torch.tensor([0.0, 1.0, 0.0]).expand(len(x), 3)

    labels = np.array([1, 1, 0, 2, 1])
    five = Split(np.zeros((5, 1, 4, 4), np.float32), labels)
    data = Dataset("five", (1, 4, 4), 3, five, five, five)
    assert accuracy(Constant(), data, "validation", "cpu") == 3 / 5


def test_label_smoothing_raises_the_lowest_loss():
    """With smoothing ε and 3 classes no loss is below the entropy of (1 − 2ε/3, ε/3, ε/3)."""
    _, run = trained(label_smoothing=0.3, epochs=8)
    assert run.losses[-1] > -(0.8 * np.log(0.8) + 2 * 0.1 * np.log(0.1)) > trained(epochs=8)[1].losses[-1]


def test_a_loss_that_is_not_finite_says_when_and_what_may_help():
    with pytest.raises(
        TrainingFailure, match=r"loss became (nan|inf) in epoch 1 of 4. Lower the learning rate \(it is 1e\+30\)"
    ):
        trained(learning_rate=1e30)


def test_too_little_memory_is_a_training_failure():
    class Greedy(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(16, 3)

        def forward(self, x):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(TrainingFailure, match=r"too little memory for batches of 32\. Lower batch_size or channels"):
        fit(Greedy(), TASK, rng=np.random.default_rng(0), epochs=1, batch_size=32, device="cpu")


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"epochs": 0}, "epochs must be at least 1; got 0"),
        ({"batch_size": 97}, r"batch_size must lie in 1\.\.96, the number of training samples; got 97"),
        ({"learning_rate": float("nan")}, "learning_rate must be positive and finite; got nan"),
        ({"learning_rate": 0}, "learning_rate must be positive"),
        ({"weight_decay": -1}, "weight_decay must not be negative; got -1"),
        ({"label_smoothing": 1}, r"label_smoothing must lie in \[0, 1\); got 1"),
        ({"schedule": "step"}, "schedule must be one of one-cycle, cosine; got 'step'"),
        ({"optimizer": "lion"}, "optimizer must be one of adamw, sgd; got 'lion'"),
        ({"device": "gpu"}, "device 'gpu' is not on this machine; there are cpu"),
    ],
)
def test_wrong_settings_say_what_must_hold(setting, says):
    with pytest.raises(ValueError, match=says):
        trained(**setting)


# devices ---------------------------------------------------------------------------------


def test_auto_is_the_gpu_where_there_is_one():
    assert training.device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert training.device("cpu") == training.device(torch.device("cpu")) == torch.device("cpu")


def test_a_device_that_does_not_exist_names_those_that_do():
    with pytest.raises(ValueError, match=r"device 'cuda:99' is not on this machine; there are cpu.*use 'auto'"):
        training.device("cuda:99")


def test_training_uses_one_thread_and_gives_the_others_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    seen = []
    model = network()
    model.register_forward_pre_hook(lambda *_: seen.append(torch.get_num_threads()))
    try:
        fit(model, TASK, rng=np.random.default_rng(0), epochs=1, batch_size=16, device="cpu")
        assert set(seen) == {1} and torch.get_num_threads() == 2
        with pytest.raises(TrainingFailure):
            trained(learning_rate=1e30)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_data_are_put_on_the_device_once():
    first, again = (devices.on_device(TASK, "train", torch.device("cpu"))[0] for _ in range(2))
    assert first is again
    assert torch.equal(first, torch.from_numpy(TASK.train.inputs.copy()))


# measures --------------------------------------------------------------------------------


def test_flops_of_convolutions_by_hand():
    """2 · outputs · kernel · channels in, and 2 · outputs · inputs of a linear layer."""
    convolution = nn.Conv2d(3, 16, 3, padding=1, bias=False)
    assert flops(convolution, (3, 32, 32)) == 2 * (16 * 32 * 32) * (3 * 3 * 3)
    signal = nn.Sequential(
        nn.Conv1d(1, 8, 3, padding=1, bias=False), nn.BatchNorm1d(8), nn.Flatten(), nn.Linear(320, 10)
    )
    assert flops(signal, (1, 40)) == 2 * (8 * 40) * 3 + 2 * 320 * 10


def test_measuring_changes_nothing():
    model = network()
    before = [values.clone() for values in model.state_dict().values()]
    flops(model, (1, 4, 4))
    assert model.training
    assert all(torch.equal(a, b) for a, b in zip(before, model.state_dict().values(), strict=True))
    flops(model.eval(), (1, 4, 4))
    assert not model.training


def test_parameters_are_the_trainable_ones():
    model = network()
    assert parameters(model) == (6 * 9 + 6) + 2 * 6 + (96 * 3 + 3)
    model[0].weight.requires_grad_(False)
    assert parameters(model) == 6 + 2 * 6 + (96 * 3 + 3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
@pytest.mark.parametrize("mixed_precision", [True, False])
def test_a_gpu_trains_as_well_as_a_cpu(mixed_precision):
    data, curves = load("digits"), {}
    for name in ("cpu", "cuda"):
        model = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 64, 10)
        )
        run = fit(model, data, rng=np.random.default_rng(0), epochs=5, device=name, mixed_precision=mixed_precision)
        curves[name] = run.curve
    assert abs(curves["cpu"][-1] - curves["cuda"][-1]) < 0.03


def test_the_benchmark_runs(capsys):
    benchmark = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "training.py"))
    cells = [NASBench201().architecture((3, 0, 0, 3, 0, 0))]
    rows = Split(np.zeros((128, 1, 8), np.float32), np.arange(128) % 2)
    benchmark["compare_loops"](Dataset("flat", (1, 8), 2, rows, rows, rows), cells, rounds=1, epochs=1, threads=1)
    benchmark["compare_precision"](TASK, "cpu", channels=2, cells=1, epochs=1, batch_size=16)
    said = capsys.readouterr().out
    assert "times as fast" in said and "s/epoch" in said
