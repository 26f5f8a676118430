import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn import metrics
from torch import nn

from nasedu import networks, training
from nasedu.data import Dataset, Split, load
from nasedu.spaces import NASBench201
from nasedu.training import (
    TrainingFailure,
    accuracy,
    augmentation,
    devices,
    f1,
    fit,
    flops,
    latency,
    loop,
    mean_absolute_error,
    measure,
    memory,
    memory_limit,
    parameters,
    score,
    time_limit,
)


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
        made = loop.make_optimizer(optimizer, network().parameters(), 0.01, 5e-4, fused=True)
        learning_rates = loop.make_schedule(schedule, made, 0.01, steps=20)
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


def always(label):
    """A network that says the same for every sample."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    with torch.no_grad():
        model[1].weight.zero_(), model[1].bias.copy_(torch.eye(3)[label])
    return model


def test_f1_is_that_of_scikit_learn():
    model, _ = trained(epochs=1)
    part = TASK.validation
    with torch.no_grad():
        said = model.eval()(torch.tensor(part.inputs)).argmax(1).numpy()
    assert f1(model, TASK, "validation", "cpu") == pytest.approx(metrics.f1_score(part.labels, said, average="macro"))
    assert 0 < accuracy(model, TASK, "validation", "cpu") < 1, "a case in which nothing can go wrong shows nothing"


def test_f1_counts_a_rare_class_as_much_as_the_others_and_leaves_out_one_that_is_not_there():
    """Of 40 samples 36 are of class 0, and always saying so is 90 % accurate; F1 is the mean of 72/76 and 0."""
    part = TASK.validation
    few = np.r_[np.flatnonzero(part.labels == 0)[:36].repeat(2)[:36], np.flatnonzero(part.labels == 1)[:4]]
    rare = Split(part.inputs[few], part.labels[few])
    data = Dataset("rare", (1, 4, 4), 3, TASK.train, rare, TASK.test)
    assert accuracy(always(0), data, "validation", "cpu") == pytest.approx(0.9)
    assert f1(always(0), data, "validation", "cpu") == pytest.approx((72 / 76 + 0) / 2)
    assert f1(always(2), data, "validation", "cpu") == 0.0


def test_label_smoothing_raises_the_lowest_loss():
    """With smoothing ε and 3 classes no loss is below the entropy of (1 − 2ε/3, ε/3, ε/3)."""
    _, run = trained(label_smoothing=0.3, epochs=8)
    assert run.losses[-1] > -(0.8 * np.log(0.8) + 2 * 0.1 * np.log(0.1)) > trained(epochs=8)[1].losses[-1]


def test_a_loss_that_is_not_finite_says_when_and_what_may_help():
    with pytest.raises(
        TrainingFailure, match=r"loss became (nan|inf) in epoch 1 of 4. Lower the learning rate \(it is 1e\+30\)"
    ):
        trained(learning_rate=1e30)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"epochs": 0}, "epochs must be at least 1; got 0"),
        ({"epochs": 1.5}, r"epochs must be a whole number; got 1\.5"),
        ({"batch_size": 32.0}, r"batch_size must be a whole number; got 32\.0"),
        ({"batch_size": 97}, r"batch_size must lie in 1\.\.96, the number of training samples; got 97"),
        ({"learning_rate": float("nan")}, "learning_rate must be positive and finite; got nan"),
        ({"learning_rate": 0}, "learning_rate must be positive"),
        ({"weight_decay": -1}, "weight_decay must not be negative; got -1"),
        ({"label_smoothing": 1}, r"label_smoothing must lie in \[0, 1\); got 1"),
        ({"schedule": "step"}, "schedule must be one of one-cycle, cosine; got 'step'"),
        ({"optimizer": "lion"}, "optimizer must be one of adamw, sgd; got 'lion'"),
        ({"augmentation": ("flop",)}, r"of shape \(1, 4, 4\) there are crop, flip, cutout; got \('flop',\)"),
        ({"augmentation": ("flip", "translate")}, r"there are crop, flip, cutout; got \('flip', 'translate'\)"),
        ({"augmentation": "flip"}, "augmentation must be a tuple of names; .*; got 'flip'"),
        ({"device": "gpu"}, "device 'gpu' is not on this machine; there are cpu"),
    ],
)
def test_wrong_settings_say_what_must_hold(setting, says):
    with pytest.raises(ValueError, match=says):
        trained(**setting)


# regression ------------------------------------------------------------------------------


def slopes(samples, seed):
    """Signals of 8 points; two targets in different units, 3 + 40·mean and 1000·(last − first), almost."""
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((samples, 1, 8)).astype(np.float32)
    targets = np.c_[3 + 40 * inputs[:, 0].mean(1), 1000 * (inputs[:, 0, -1] - inputs[:, 0, 0])]
    return Split(inputs, targets + rng.standard_normal(targets.shape) * [1, 100])


SLOPES = Dataset("slopes", (1, 8), None, slopes(320, 0), slopes(80, 1), slopes(80, 2))


def linear(data=SLOPES):
    model = nn.Sequential(nn.Flatten(), nn.Linear(8, data.outputs))
    with torch.no_grad():
        model[1].weight.zero_(), model[1].bias.zero_()
    return model


def regressed(data=SLOPES, **settings):
    model = linear(data)
    settings = {"epochs": 20, "batch_size": 32, "learning_rate": 0.05, "device": "cpu", **settings}
    return model, fit(model, data, rng=np.random.default_rng(0), **settings)


def predictions(model, data, split):
    """Return what a network says in the targets' own units."""
    with torch.no_grad():
        outputs = model(torch.tensor(getattr(data, split).inputs)).double().numpy()
    return data.train.labels.mean(0, dtype=float) + outputs * data.train.labels.std(0, dtype=float)


def test_a_regression_is_learned_and_its_score_and_error_are_those_of_scikit_learn():
    model, run = regressed()
    outputs, targets = predictions(model, SLOPES, "validation"), SLOPES.validation.labels
    assert run.curve[-1] == score(model, SLOPES, "validation", "cpu") > 0.95
    assert run.curve[-1] == pytest.approx(metrics.r2_score(targets, outputs), abs=1e-5)
    error = mean_absolute_error(model, SLOPES, "validation", "cpu")
    assert error == pytest.approx(metrics.mean_absolute_error(targets, outputs), rel=1e-4)
    assert 30 < error < 60  # (0.8 + 80) / 2 by the noise alone: in the targets' units
    assert run.losses[-1] < 0.1


def test_the_loss_of_a_regression_is_one_for_who_always_says_the_mean():
    """In variances of the training targets; R² of the mean is a little below 0, for validation has another mean."""
    _, run = regressed(epochs=1, batch_size=320, learning_rate=1e-12, weight_decay=0)
    assert run.losses == pytest.approx([1], abs=1e-4)
    assert -0.1 < run.curve[0] < 0


def test_r_squared_is_negative_without_bound():
    model = linear()
    with torch.no_grad():
        model[1].bias.fill_(10)
    assert score(model, SLOPES, "train", "cpu") == pytest.approx(-100, rel=1e-3)


def test_the_unit_of_the_targets_does_not_matter_to_the_training():
    scaled = [Split(part.inputs, 1e4 + 1e3 * part.labels) for part in (SLOPES.train, SLOPES.validation, SLOPES.test)]
    curves = [regressed(data)[1].curve for data in (SLOPES, Dataset("scaled", (1, 8), None, *scaled))]
    assert curves[0] == pytest.approx(curves[1], abs=1e-3)


def test_targets_are_standardised_by_the_training_split_alone():
    _, train = devices.on_device(SLOPES, "train", torch.device("cpu"))
    np.testing.assert_allclose(train.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(train.std(0, correction=0), 1, atol=1e-5)
    _, validation = devices.on_device(SLOPES, "validation", torch.device("cpu"))
    reference = SLOPES.train.labels.astype(float)
    expected = (SLOPES.validation.labels - reference.mean(0)) / reference.std(0)
    np.testing.assert_allclose(validation, expected, atol=1e-5)


def test_f1_needs_classes():
    with pytest.raises(ValueError, match="F1 needs classes; slopes has real-valued targets"):
        f1(linear(), SLOPES, "validation", "cpu")


def test_classes_and_real_valued_targets_are_not_mixed_up():
    with pytest.raises(
        ValueError, match=r"accuracy needs classes; slopes has real-valued targets\. Ask training.score"
    ):
        accuracy(linear(), SLOPES, "validation", "cpu")
    with pytest.raises(ValueError, match="an error needs real-valued targets; rows has classes"):
        mean_absolute_error(network(), TASK, "validation", "cpu")
    with pytest.raises(ValueError, match="label_smoothing must be 0 for real-valued targets, as of slopes; got 0"):
        regressed(label_smoothing=0.1)
    assert score(network(), TASK, "validation", "cpu") == accuracy(network(), TASK, "validation", "cpu")


def test_a_score_that_is_not_finite_fails_though_the_loss_is(monkeypatch):
    monkeypatch.setattr(loop, "score", lambda *_: float("-inf"))
    with pytest.raises(
        TrainingFailure, match=r"the validation score became -inf in epoch 1 of 20\. Lower the learning"
    ):
        regressed()


# augmentation ----------------------------------------------------------------------------


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(*shape):
    return torch.rand(shape, generator=generator(7)) + 1  # nothing is 0


def slow_crop(image, down, right, margin):
    padded = np.zeros((image.shape[0], image.shape[1] + 2 * margin, image.shape[2] + 2 * margin), np.float32)
    padded[:, margin:-margin, margin:-margin] = image
    return padded[:, down : down + image.shape[1], right : right + image.shape[2]]


def slow_translate(signal, right, margin):
    return slow_crop(np.repeat(signal[:, None], 3, axis=1), margin, right, margin)[:, 1]


def slow_cutout(image, row, column, half):
    cut = image.copy()
    for y in range(max(0, row - half), min(image.shape[1], row + half)):
        for x in range(max(0, column - half), min(image.shape[2], column + half)):
            cut[:, y, x] = 0
    return cut


REFERENCES = {  # (shape of a batch, ends of the draws, what becomes of a sample with these draws)
    "crop": ((50, 3, 32, 32), (9, 9), lambda image, down, right: slow_crop(image, down, right, 4)),
    "crop, small": ((50, 1, 8, 8), (3, 3), lambda image, down, right: slow_crop(image, down, right, 1)),
    "crop, not square": ((50, 2, 16, 6), (5, 5), lambda image, down, right: slow_crop(image, down, right, 2)),
    "flip": ((50, 3, 4, 5), (2,), lambda image, mirrored: image[:, :, ::-1] if mirrored else image),
    "cutout": ((50, 3, 32, 32), (32, 32), lambda image, row, column: slow_cutout(image, row, column, 8)),
    "cutout, not square": ((50, 1, 8, 5), (8, 5), lambda image, row, column: slow_cutout(image, row, column, 2)),
    "translate": ((50, 2, 40), (11,), lambda signal, right: slow_translate(signal, right, 5)),
    "translate, short": ((50, 1, 4), (3,), lambda signal, right: slow_translate(signal, right, 1)),
}


@pytest.mark.parametrize("case", REFERENCES)
def test_an_augmentation_does_to_each_sample_what_the_slow_one_does(case):
    shape, ends, slow = REFERENCES[case]
    batch, before = noise(*shape), noise(*shape)
    changed = getattr(augmentation, case.split(",")[0])(batch, generator(3))
    draws = [torch.randint(end, (len(batch), 1), generator=drawn)[:, 0] for drawn in [generator(3)] for end in ends]
    for index, sample in enumerate(batch.numpy()):
        expected = slow(sample, *(int(draw[index]) for draw in draws))
        np.testing.assert_array_equal(changed[index].numpy(), expected)
    assert torch.equal(batch, before)  # the data on the device stay as they are
    assert all(set(draw.tolist()) == set(range(end)) for draw, end in zip(draws, ends, strict=True) if end < 10)


def test_cutout_needs_images_of_which_it_cuts_something():
    low = Split(np.zeros((8, 1, 3, 4), np.float32), np.arange(8) % 2)
    with pytest.raises(ValueError, match=r"cutout needs images at least 4 high, .*; got \(1, 3, 4\)"):
        augmentation.check_augmentation(("flip", "cutout"), Dataset("low", (1, 3, 4), 2, low, low, low))
    augmentation.check_augmentation(("cutout",), TASK)  # 4 high


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
@pytest.mark.parametrize("name", augmentation.AUGMENTATIONS)
def test_an_augmentation_is_the_same_on_a_gpu(name):
    batch = noise(*((20, 3, 16, 16) if name != "translate" else (20, 3, 40)))
    change = getattr(augmentation, name)
    on_gpu = change(batch.cuda(), generator())
    assert on_gpu.is_cuda and torch.equal(on_gpu.cpu(), change(batch, generator()))


def seen_by(names, seed=0, epochs=2):
    """Return the training and the evaluation batches that a network sees."""
    batches = {True: [], False: []}
    model = network()
    model.register_forward_pre_hook(lambda module, args: batches[module.training].append(args[0].clone()))
    rng = np.random.default_rng(seed)
    fit(model, TASK, rng=rng, epochs=epochs, batch_size=32, device="cpu", augmentation=names)
    return batches[True], batches[False]


def test_training_batches_are_augmented_in_the_order_of_the_names_and_evaluation_is_not():
    plain, evaluated = seen_by(())
    changed, evaluated_too = seen_by(("crop", "flip"))
    assert all(torch.equal(one, other) for one, other in zip(evaluated, evaluated_too, strict=True))
    rng = np.random.default_rng(0)
    rng.integers(2**63)  # the order of the samples
    drawn = generator(int(rng.integers(2**63)))
    for before, after in zip(plain, changed, strict=True):
        assert torch.equal(after, augmentation.flip(augmentation.crop(before, drawn), drawn))


def test_the_same_rng_augments_in_the_same_way_and_an_epoch_differs_from_the_next():
    (first, _), (second, _), (other, _) = seen_by(("flip",)), seen_by(("flip",)), seen_by(("flip",), seed=1)
    assert all(torch.equal(one, same) for one, same in zip(first, second, strict=True))
    assert not torch.equal(first[0], other[0])
    runs = [trained(augmentation=names)[1].losses for names in (("crop",), ("crop",), ("crop", "flip"))]
    assert runs[0] == runs[1] != runs[2]


def test_without_augmentation_nothing_is_drawn_for_it():
    rngs = [np.random.default_rng(0) for _ in range(3)]
    for rng, names in zip(rngs, ((), (), ("flip",)), strict=True):
        fit(network(), TASK, rng=rng, epochs=1, batch_size=32, device="cpu", augmentation=names)
    rngs[0].integers(2**63)  # one draw more
    assert rngs[0].bit_generator.state == rngs[2].bit_generator.state != rngs[1].bit_generator.state


# limits ----------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves on by a second whenever somebody looks at it."""
    seconds = iter(range(1_000_000))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(seconds)))


def test_a_training_over_its_time_stops_and_keeps_the_curve_of_the_whole_epochs(clock):
    """The start is one look, an epoch 7: six batches and an evaluation. So 16 s are over in the third epoch."""
    model, calls = network(), []
    model.register_forward_pre_hook(lambda *_: calls.append(1))
    whole = trained()[1].curve
    with (
        pytest.raises(
            TrainingFailure, match=r"longer than its time_limit of 16 s\. Raise it, or lower epochs"
        ) as caught,
        time_limit(model, 16),
    ):
        fit(model, TASK, rng=np.random.default_rng(0), epochs=4, batch_size=16, device="cpu")
    assert caught.value.curve == whole[:2]
    assert len(calls) == 16  # ours comes first, so it sees the call that is refused
    model(torch.zeros(2, 1, 4, 4))  # the limit is gone with its block
    assert len(calls) == 17


@pytest.mark.parametrize("seconds", [None, 1e6])
def test_a_limit_that_is_not_reached_changes_nothing(seconds):
    model = network()
    with time_limit(model, seconds):
        run = fit(model, TASK, rng=np.random.default_rng(0), epochs=4, batch_size=16, device="cpu")
    assert run.curve == trained()[1].curve


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_time_limit_must_be_positive(seconds):
    with (
        pytest.raises(ValueError, match=f"time_limit must be a positive, finite number of seconds.*; got {seconds}"),
        time_limit(network(), seconds),
    ):
        pass


def exhausted(error):
    raise error


MEMORY_ERRORS = {
    "a GPU": lambda: exhausted(torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")),
    "torch on the CPU": lambda: torch.empty(2**50),
    "torch on Windows": lambda: exhausted(
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4503599627370496 bytes.")
    ),
    "Python": lambda: bytearray(2**62),
    "cuBLAS": lambda: exhausted(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`")),
}


@pytest.mark.parametrize("where", MEMORY_ERRORS)
def test_too_little_memory_is_a_training_failure_that_says_what_helps(where):
    class Greedy(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(16, 3)

        def forward(self, x):
            if not self.training:
                MEMORY_ERRORS[where]()
            return self.linear(x.flatten(1))

    says = r"device 'cpu' has too little memory for batches of 32\. Lower batch_size, channels or cells\."
    with pytest.raises(TrainingFailure, match=says):
        fit(Greedy(), TASK, rng=np.random.default_rng(0), epochs=1, batch_size=32, device="cpu")


def test_another_error_stays_what_it_is():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), memory_limit(torch.device("cpu"), 1):
        nn.Linear(3, 1)(torch.zeros(1, 2))


def test_a_failure_keeps_the_curve_so_far():
    class Fragile(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.evaluations = network(), 0

        def forward(self, x):
            self.evaluations += not self.training
            return self.inner(x) * (float("nan") if self.training and self.evaluations == 3 else 1)

    with pytest.raises(TrainingFailure, match="loss became nan in epoch 4 of 4") as caught:
        fit(Fragile(), TASK, rng=np.random.default_rng(0), epochs=4, batch_size=16, device="cpu")
    assert caught.value.curve == trained()[1].curve[:3]


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


@pytest.mark.parametrize("what", [flops, memory, latency])
def test_measuring_changes_nothing(what):
    model = network()
    next(module for module in model.modules() if isinstance(module, nn.BatchNorm2d)).eval()  # a frozen one
    modes = [module.training for module in model.modules()]
    before = [values.clone() for values in model.state_dict().values()]
    what(model, (1, 4, 4))
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(a, b) for a, b in zip(before, model.state_dict().values(), strict=True))
    what(model.eval(), (1, 4, 4))
    assert not any(module.training for module in model.modules())


def test_the_clock_waits_for_the_device_that_the_network_is_on(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device=None: waited.append(device))
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    for device in ("cpu", "cuda:1", "mps"):
        measure._timed(nn.Identity(), SimpleNamespace(device=torch.device(device)))
    assert waited == [torch.device("cuda:1"), "mps"]


class Branches(nn.Module):
    """Three products of the same input, which is needed until the last of them is there."""

    def __init__(self, keep):
        super().__init__()
        self.keep = keep
        self.layers = nn.ModuleList(nn.Linear(100, 100, bias=False) for _ in range(3))

    def forward(self, inputs):
        if self.keep:
            return torch.stack([layer(inputs) for layer in self.layers]).sum(0)
        total = self.layers[0](inputs)
        for layer in self.layers[1:]:
            total = total.add_(layer(inputs))
        return total


@pytest.mark.parametrize("batch_size", [1, 7])
def test_memory_by_hand(batch_size):
    """In numbers of 4 bytes: weights, and the largest set of tensors that are needed at one time."""
    wide = nn.Sequential(nn.Linear(10, 500, bias=False), nn.ReLU(), nn.Linear(500, 20, bias=False))
    assert memory(wide, (10,), batch_size) == 4 * (500 * 30 + batch_size * (10 + 500 + 500)), (
        "before and after the ReLU"
    )
    in_place = nn.Sequential(nn.Linear(10, 500, bias=False), nn.ReLU(inplace=True), nn.Linear(500, 20, bias=False))
    assert memory(in_place, (10,), batch_size) == 4 * (500 * 30 + batch_size * (10 + 500 + 20))
    many, few = (memory(Branches(keep), (100,), batch_size) for keep in (True, False))
    assert many == 4 * (30_000 + batch_size * 100 * (1 + 3 + 3)), "three products, and the same three stacked"
    assert few == 4 * (30_000 + batch_size * 100 * (1 + 2))


def test_memory_has_the_buffers_and_counts_shared_weights_once():
    assert memory(nn.BatchNorm1d(50), (50,)) == 4 * (2 * 50 + 2 * 50 + 2 * 50) + 8  # the count of batches has 8 bytes
    layer = nn.Linear(100, 100, bias=False)
    assert memory(nn.Sequential(layer, layer), (100,)) == 4 * (100 * 100 + 3 * 100)


class Sleeper(nn.Module):
    """Takes a millisecond, and the first times ten."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, inputs):
        self.calls += 1
        self.threads, self.shape = torch.get_num_threads(), tuple(inputs.shape)
        return inputs


@pytest.fixture
def sleeper(monkeypatch):
    """A network on a clock of its own: the first three runs take 10 ms, then every fourth takes 5 and the others 1."""
    model, now = Sleeper(), 0.0

    def clock():
        nonlocal now
        return now

    def run(inputs, forward=model.forward):
        nonlocal now
        forward(inputs)
        now += 0.010 if model.calls <= 3 else 0.005 if model.calls % 4 == 0 else 0.001
        return inputs

    model.forward = run
    monkeypatch.setattr(measure.time, "perf_counter", clock)
    return model


def test_latency_leaves_out_the_warm_up_and_has_a_spread(sleeper):
    warm = latency(sleeper, (3,), runs=40, warm_up=3, batch_size=8)
    assert sleeper.calls == 43 and sleeper.shape == (8, 3)
    assert warm.seconds == pytest.approx([0.005, 0.001, 0.001, 0.001] * 10)
    assert warm.median == pytest.approx(0.001) and warm.quartiles == pytest.approx((0.001, 0.002))
    assert str(warm) == "1 ms for 8 samples (quartiles 1 to 2), 1 thread, cpu"


def test_cold_runs_are_measured_where_they_are_wanted(sleeper):
    assert latency(sleeper, (3,), runs=1, warm_up=0).seconds == pytest.approx((0.010,))


def test_latency_uses_the_threads_it_is_told_and_gives_the_others_back(sleeper):
    before = torch.get_num_threads()
    assert latency(sleeper, (3,), runs=1, threads=2).threads == sleeper.threads == 2
    assert torch.get_num_threads() == before


def test_a_larger_network_takes_longer():
    """By a factor of a thousand in operations; the medians are far apart on any machine."""
    small, large = (latency(nn.Linear(n, n), (n,), runs=20).median for n in (32, 2048))
    assert 0 < small < large


@pytest.mark.parametrize(
    ("setting", "says"),
    [({"runs": 0}, "runs must be at least 1"), ({"warm_up": -1}, "warm_up must be at least 0; got -1"),
     ({"batch_size": 0}, "batch_size must be at least 1"), ({"threads": 0}, "threads must be at least 1")],
)  # fmt: skip
def test_wrong_numbers_for_latency_say_what_must_hold(setting, says):
    with pytest.raises(ValueError, match=says):
        latency(network(), (1, 4, 4), **setting)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
def test_measures_on_a_gpu():
    """The memory is the same as on the CPU, and a large product is waited for: 2·4096³ operations take some time."""
    assert memory(network().cuda(), (1, 4, 4)) == memory(network(), (1, 4, 4))
    product = latency(nn.Linear(4096, 4096).cuda(), (4096,), batch_size=4096)
    assert product.device == "cuda:0" and product.median > 2 * 4096**3 / 1e16


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


BENCHMARK = str(Path(__file__).parents[1] / "benchmarks" / "training.py")


def test_the_benchmark_runs(capsys):
    benchmark = runpy.run_path(BENCHMARK)
    cell = NASBench201().architecture((3, 0, 0, 3, 0, 0))
    rows = Split(np.zeros((128, 1, 8), np.float32), np.arange(128) % 2)
    flat = Dataset("flat", (1, 8), 2, rows, rows, rows)
    benchmark["compare_loops"](flat, cell, rounds=1, epochs=1, threads=1)
    benchmark["compare_parts"](flat, cell, "cpu", rounds=1, epochs=1)
    benchmark["compare_precision"](TASK, "cpu", channels=2, cells=1, epochs=1, batch_size=16)
    said = capsys.readouterr().out
    assert "times as fast" in said and "s/epoch" in said and "(off in our loop)" in said


def test_both_loops_of_the_benchmark_have_as_many_threads_as_are_asked_for(monkeypatch):
    benchmark, build, used = runpy.run_path(BENCHMARK), networks.build, set()

    def watched(*arguments, **settings):
        network = build(*arguments, **settings)
        network.register_forward_pre_hook(lambda *_: used.add(torch.get_num_threads()))
        return network

    monkeypatch.setattr(networks, "build", watched)
    rows = Split(np.zeros((128, 1, 8), np.float32), np.arange(128) % 2)
    cell = NASBench201().architecture((3, 0, 0, 3, 0, 0))
    benchmark["compare_loops"](Dataset("flat", (1, 8), 2, rows, rows, rows), cell, rounds=1, epochs=1, threads=2)
    assert used == {2}


def test_the_benchmarks_switches_leave_the_training_what_it_is():
    """With our parts it is our loop, bit by bit; each part turned, it is the same up to rounding."""
    benchmark = runpy.run_path(BENCHMARK)
    data, cell = load("digits"), NASBench201().architecture((3, 0, 0, 3, 0, 0))

    def losses(**parts):
        made = networks.build(cell, data.input_shape, 10, rng=np.random.default_rng(0))
        return benchmark["switched_fit"](made, data, 2, "cpu", benchmark["Parts"](**{"bfloat16": False, **parts}))

    made = networks.build(cell, data.input_shape, 10, rng=np.random.default_rng(0))
    ours = fit(made, data, rng=np.random.default_rng(0), epochs=2, device="cpu").losses
    assert tuple(losses()) == ours
    for part in ("resident", "read_once", "fused", "channels_last"):
        assert losses(**{part: False}) == pytest.approx(ours, rel=1e-3)
    rounded = losses(bfloat16=True)
    assert rounded == pytest.approx(ours, rel=0.05) and rounded != losses()


def test_the_benchmarks_cell_is_in_the_middle():
    space = NASBench201()
    cell = space.parse(runpy.run_path(BENCHMARK)["MIDDLE_CELL"])
    live = [sum(space.live_edges(each)) for each in space]
    assert np.bincount(live).tolist() == [341, 1364, 928, 3776, 1024, 4096, 4096]
    assert sum(space.live_edges(cell)) == np.median(live) == 5
    assert len(set(cell.choices)) == 5  # and none
