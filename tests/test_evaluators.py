import json
import math
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

import nasedu as nas
from nasedu import training
from nasedu.data import Dataset, Split
from nasedu.evaluators import Population, Train
from nasedu.spaces import NASBench201
from nasedu.training import TrainingFailure, accuracy, mean_absolute_error, score

SPACE = NASBench201()


def signals(samples, seed):
    """Two classes of 16 points: a peak or a trough, anywhere."""
    rng = np.random.default_rng(seed)
    labels = np.arange(samples) % 2
    inputs = 0.5 * rng.standard_normal((samples, 1, 16)).astype(np.float32)
    inputs[np.arange(samples), 0, rng.integers(16, size=samples)] += 4 - 8 * labels
    return Split(inputs, labels)


TASK = Dataset("peaks", (1, 16), 2, signals(128, 0), signals(64, 1), signals(64, 2))
CELLS = [SPACE.architecture(choices) for choices in ((3, 0, 0, 1, 0, 0), (1, 3, 2, 4, 0, 3), (0, 0, 0, 3, 0, 0))]


def train(**settings):
    return Train(TASK, **{"epochs": 2, "batch_size": 32, "channels": 4, "device": "cpu", **settings})


def without_cost(trial):
    return trial.architecture, trial.accuracy, trial.curve, trial.metrics, trial.failure


def test_importing_evaluators_loads_no_torch():
    code = "import nasedu.evaluators, sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


# Train -----------------------------------------------------------------------------------


def test_a_trial_has_everything_but_the_test_accuracy():
    (trial,) = train()(CELLS[:1])
    assert trial.architecture == CELLS[0]
    assert len(trial.curve) == trial.epochs == 2
    assert trial.score == trial.accuracy == trial.curve[-1]
    assert trial.cost > 0
    assert set(trial.metrics) == {"parameters", "flops", "train_loss"}
    assert not any("test" in name for name in (*trial.metrics, *trial.__slots__))


def test_what_costs_time_is_measured_where_it_is_asked_for():
    plain, measured = train()(CELLS[:1])[0], train(measure=("latency", "f1", "memory"))(CELLS[:1])[0]
    network, _ = train().fit(CELLS[0])
    assert set(measured.metrics) - set(plain.metrics) == {"latency", "f1", "memory"}
    assert {name: measured.metrics[name] for name in plain.metrics} == plain.metrics
    assert measured.metrics["f1"].value == training.f1(network, TASK, "validation", "cpu")
    assert measured.metrics["memory"].value == training.memory(network, TASK.input_shape)
    assert 0 < measured.metrics["latency"].value < 1
    assert (measured.score, measured.curve) == (plain.score, plain.curve)
    population = Population(TASK, epochs=2, batch_size=32, channels=4, device="cpu", measure=("memory",))
    assert population(CELLS[:1])[0].metrics["memory"] == measured.metrics["memory"]


def test_a_measured_latency_makes_no_difference_between_histories(tmp_path):
    def run():
        strategy = nas.strategies.RandomSearch(SPACE, np.random.default_rng(0))
        return nas.search(strategy, train(measure=("latency",)), 2).run(progress=False)

    first, second = run(), run()
    latencies = [[trial.metrics["latency"].value for trial in history.trials] for history in (first, second)]
    assert first == second and latencies[0] != latencies[1]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("latency", "measure must be names out of f1, latency, memory; got 'latency'"),
        (("time",), "measure must be names"),
    ],
)
def test_only_what_can_be_measured_may_be_asked_for(given, says):
    with pytest.raises(ValueError, match=says):
        train(measure=given)


def test_trials_do_not_depend_on_the_test_split():
    other = Dataset("peaks", (1, 16), 2, TASK.train, TASK.validation, signals(64, 9))
    assert without_cost(train()(CELLS[:1])[0]) == without_cost(
        Train(other, epochs=2, channels=4, batch_size=32, device="cpu")(CELLS[:1])[0]
    )


def test_an_architecture_has_the_same_trial_whoever_asks_and_whatever_else_is_in_the_batch():
    together = train()(CELLS)
    assert [trial.architecture for trial in together] == CELLS
    torch.rand(7)  # torch's global generator has no say
    alone = [train()([cell])[0] for cell in reversed(CELLS)]
    assert [without_cost(trial) for trial in together] == [without_cost(trial) for trial in reversed(alone)]


def test_another_seed_is_another_training():
    first, second = train(seed=0)(CELLS[:1])[0], train(seed=1)(CELLS[:1])[0]
    assert first.metrics["train_loss"] != second.metrics["train_loss"]
    assert first.metrics["parameters"] == second.metrics["parameters"]


def test_two_architectures_of_one_network_start_from_different_weights():
    """Only the choices decide, so equal functions are two trainings, as they would be in a table."""
    same = [SPACE.architecture((0, 0, 0, 3, 0, 0)), SPACE.architecture((0, 3, 0, 0, 0, 1))]
    assert SPACE.canonical(same[0]) == SPACE.canonical(same[1])
    first, second = train()(same)
    assert first.metrics["parameters"] == second.metrics["parameters"]
    assert first.metrics["train_loss"] != second.metrics["train_loss"]


def test_the_test_accuracy_is_that_of_the_network_behind_the_trial():
    evaluator = train(epochs=10)
    network, run = evaluator.fit(CELLS[2])
    assert run.curve == evaluator(CELLS[2:])[0].curve
    assert evaluator.test(CELLS[2]) == accuracy(network, TASK, "test", "cpu")
    wrong = Dataset("peaks", (1, 16), 2, TASK.train, TASK.validation, Split(TASK.test.inputs, 1 - TASK.test.labels))
    other = Train(wrong, epochs=10, channels=4, batch_size=32, device="cpu")
    assert other.test(CELLS[2]) == pytest.approx(1 - evaluator.test(CELLS[2]))
    assert evaluator.test(CELLS[2]) > 0.8


def test_everything_that_is_computed_uses_one_thread(monkeypatch):
    seen = []

    def watched(name):
        original = getattr(training, name)
        monkeypatch.setattr(training, name, lambda *args: seen.append(torch.get_num_threads()) or original(*args))

    for name in ("flops", "score", "mean_absolute_error"):
        watched(name)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        evaluator = Train(HEIGHTS, epochs=1, batch_size=16, channels=4, device="cpu")
        evaluator(CELLS[:1]), evaluator.test(CELLS[0])
        assert seen == [1, 1, 1] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_training_that_diverges_is_a_failed_trial_that_says_why_and_the_others_go_on():
    failed, other = train(learning_rate=1e30)(CELLS[:2])
    for trial in (failed, other):
        assert trial.score == -math.inf and trial.accuracy is None
        assert "Lower the learning rate (it is 1e+30)" in trial.failure
        assert trial.metrics["parameters"].value > 0
    with pytest.raises(TrainingFailure, match="Lower the learning rate"):
        train(learning_rate=1e30).test(CELLS[0])


def test_too_little_memory_is_a_failed_trial(monkeypatch):
    def greedy(*_, **__):
        raise TrainingFailure("the GPU has too little memory")

    monkeypatch.setattr("nasedu.training.fit", greedy)
    assert train()(CELLS[:1])[0].failure == "the GPU has too little memory"


def test_our_own_mistakes_are_not_swallowed(monkeypatch):
    monkeypatch.setattr("nasedu.training.fit", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train()(CELLS[:1])


def test_wrong_settings_are_refused_before_anything_is_trained():
    with pytest.raises(ValueError, match="learning_rate must be positive and finite; got nan"):
        train(learning_rate=math.nan)
    with pytest.raises(ValueError, match="device 'tpu' is not on this machine"):
        train(device="tpu")
    with pytest.raises(ValueError, match="seed must not be negative; got -1"):
        train(seed=-1)
    with pytest.raises(ValueError, match=r"for inputs of shape \(1, 16\) there are translate; got \('crop',\)"):
        train(augmentation=("crop",))
    with pytest.raises(ValueError, match=r"time_limit must be a positive, finite number of seconds, .*; got 0"):
        train(time_limit=0)
    with pytest.raises(ValueError, match=r"batch_size must lie in 1\.\.128, the number of training samples; got 129"):
        train(batch_size=129)
    with pytest.raises(ValueError, match=r"epochs must be a whole number; got 1\.5"):
        train(epochs=1.5)
    for name in ("channels", "cells"):
        with pytest.raises(ValueError, match=f"{name} must be at least 1; got 0"):
            train(**{name: 0})


@pytest.mark.parametrize("name", ["seed", "channels", "cells"])
@pytest.mark.parametrize("value", [8.5, "8", None, True])
def test_seed_and_sizes_must_be_whole_numbers(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a whole number; got {value!r}"):
        train(**{name: value})


@pytest.mark.parametrize("name", ["learning_rate", "weight_decay", "label_smoothing"])
@pytest.mark.parametrize("value", ["0.1", None, True])
def test_rates_must_be_numbers(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a number; got {value!r}"):
        train(**{name: value})


@pytest.mark.parametrize("kind", [nas.evaluators.Train, nas.evaluators.Population, nas.tables.Table])
@pytest.mark.parametrize("one", [CELLS[0], str(CELLS[0])])
def test_one_architecture_is_no_list_of_them(kind, one):
    evaluator = nas.tables.load("nasbench201-digits") if kind is nas.tables.Table else kind(nas.data.load("digits"))
    message = rf"an evaluator takes a list of architectures, such as \[architecture\]; got one: '{re.escape(str(one))}'"
    with pytest.raises(TypeError, match=message):
        evaluator(one)


@pytest.mark.parametrize(
    ("name", "way"),
    [("channels", r"Write Train\(data, channels=…\)"), ("cells", r"Write Train\(data, cells=…\)")]
    + [(name, "Leave it out") for name in ("architecture", "input_shape", "classes", "rng")],
)
def test_what_train_tells_the_network_itself_is_no_option_of_the_network(name, way):
    says = rf"network must not have '{name}', which Train sets itself; got {{'{name}': 16}}\. {way}\."
    with pytest.raises(ValueError, match=says):
        train(network={name: 16})


def test_a_training_that_takes_too_long_is_a_failed_trial_with_the_curve_so_far(monkeypatch):
    """The clock moves on by a second a look. An epoch is 4 batches and an evaluation; one look each is before them."""
    whole = train(epochs=5)(CELLS[:1])[0]
    seconds = iter(range(1_000_000))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(seconds)))
    (trial,) = train(epochs=5, time_limit=13)(CELLS[:1])
    assert "longer than its time_limit of 13 s" in trial.failure
    assert (trial.score, trial.accuracy, trial.epochs) == (-math.inf, None, 2)
    assert trial.curve == whole.curve[:2]
    assert trial.metrics["parameters"] == whole.metrics["parameters"] and "train_loss" not in trial.metrics
    with pytest.raises(TrainingFailure, match="longer than its time_limit"):
        train(epochs=5, time_limit=13).test(CELLS[0])


def test_a_time_limit_that_is_not_reached_changes_nothing():
    assert without_cost(train(time_limit=1e6)(CELLS[:1])[0]) == without_cost(train()(CELLS[:1])[0])


def test_augmentation_is_part_of_the_training_and_repeats():
    plain, moved, again = (train(augmentation=names)(CELLS[:1])[0] for names in ((), ("translate",), ["translate"]))
    assert without_cost(moved) == without_cost(again) != without_cost(plain)


def heights(samples, seed):
    """Signals of 16 points; the target is the height of their peak, in a unit of its own."""
    rng = np.random.default_rng(seed)
    peaks = rng.uniform(-3, 3, samples)
    inputs = 0.1 * rng.standard_normal((samples, 1, 16)).astype(np.float32)
    inputs[np.arange(samples), 0, rng.integers(16, size=samples)] += peaks
    return Split(inputs, 500 + 100 * peaks)


HEIGHTS = Dataset("heights", (1, 16), None, heights(128, 0), heights(64, 1), heights(64, 2))


def test_a_regressions_score_is_r_squared_and_its_error_is_in_the_targets_unit():
    evaluator = Train(HEIGHTS, epochs=10, batch_size=16, channels=4, device="cpu")
    (trial,) = evaluator(CELLS[2:])
    network, run = evaluator.fit(CELLS[2])
    assert trial.accuracy is None and trial.score == trial.curve[-1] == run.curve[-1]
    assert 0.5 < trial.score < 1
    assert set(trial.metrics) == {"parameters", "flops", "train_loss", "mean_absolute_error"}
    assert trial.metrics["mean_absolute_error"].value == mean_absolute_error(network, HEIGHTS, "validation", "cpu")
    assert 5 < trial.metrics["mean_absolute_error"].value < 100
    assert trial.metrics["mean_absolute_error"].better == "lower"
    assert trial.metrics["train_loss"] == nas.Metric(run.losses[-1], "target variances", "lower")
    assert evaluator.test(CELLS[2]) == score(network, HEIGHTS, "test", "cpu")


def test_a_regression_has_no_f1_but_a_memory():
    with pytest.raises(ValueError, match="f1 needs classes; heights has real-valued targets"):
        Train(HEIGHTS, measure=("f1",))
    (trial,) = Train(HEIGHTS, epochs=1, batch_size=16, channels=4, device="cpu", measure=("memory",))(CELLS[2:])
    assert trial.metrics["memory"].value > 4 * trial.metrics["parameters"].value


def test_a_search_on_a_regression_prefers_the_higher_r_squared_and_its_file_is_read_again(tmp_path):
    """Targets that have nothing to do with the inputs: what is learned of them is worse than the mean."""
    path = tmp_path / "noise.nas.jsonl"
    strategy = nas.strategies.RandomSearch(SPACE, np.random.default_rng(0))
    noise = [Split(part.inputs, part.labels[::-1]) for part in (HEIGHTS.train, HEIGHTS.validation, HEIGHTS.test)]
    evaluator = Train(Dataset("noise", (1, 16), None, *noise), epochs=5, batch_size=16, device="cpu")
    history = nas.search(strategy, evaluator, 3, history=path).run(progress=False)
    assert min(trial.score for trial in history.trials) < 0
    assert history.incumbent.score == max(trial.score for trial in history.trials)
    assert [trial.score for trial in nas.History.load(path).trials] == [trial.score for trial in history.trials]


def test_settings_are_json_and_tell_evaluators_apart():
    evaluators = [train(), train(epochs=3), train(seed=1), train(channels=8), train(optimizer="sgd"),
                  train(network={"skeleton": "published"}), train(augmentation=("translate",)),
                  train(time_limit=60), train(measure=("f1",))]  # fmt: skip
    written = [json.dumps(evaluator.settings, sort_keys=True) for evaluator in evaluators]
    assert len(set(written)) == len(written)
    assert "peaks" in written[0]
    assert train().at(3).settings == train(epochs=3).settings


def test_at_is_a_training_of_that_length_with_a_schedule_of_its_own():
    evaluator = train(epochs=4)
    (short,), (whole,) = evaluator.at(2)(CELLS[2:]), evaluator(CELLS[2:])
    assert evaluator.epochs == 4 and len(short.curve) == short.epochs == 2 and len(whole.curve) == 4
    assert without_cost(short) == without_cost(train(epochs=2)(CELLS[2:])[0])
    assert short.curve != whole.curve[:2], "the learning rate falls sooner"
    assert type(Population(TASK, epochs=4, batch_size=32, channels=4, device="cpu").at(2)) is Population
    with pytest.raises(ValueError, match=r"epochs must be a whole number; got 2\.5"):
        evaluator.at(2.5)


def test_settings_tell_datasets_of_one_name_apart():
    other = Dataset("peaks", (1, 16), 2, TASK.train, TASK.validation, signals(64, 9))
    first, second = (Train(data, epochs=1, device="cpu").settings for data in (TASK, other))
    assert first != second
    assert {**first, "dataset": 0} == {**second, "dataset": 0}


def test_the_networks_options_are_passed_on():
    micro, published = (train(network=options)(CELLS[:1])[0] for options in ({}, {"skeleton": "published"}))
    assert published.metrics["parameters"].value > micro.metrics["parameters"].value


def test_a_search_trains_and_resumes(tmp_path):
    path = tmp_path / "random.nas.jsonl"

    def search(trials):
        strategy = nas.strategies.RandomSearch(SPACE, np.random.default_rng(0))
        return nas.search(strategy, train(epochs=1), trials, history=path).run()

    search(2)
    scores = [trial.score for trial in search(3).trials]
    strategy = nas.strategies.RandomSearch(SPACE, np.random.default_rng(0))
    assert scores == [trial.score for trial in nas.search(strategy, train(epochs=1), 3).run().trials]


def test_a_string_is_no_architecture_and_says_how_to_make_one():
    for ask in (train().test, lambda text: train()([text])):
        with pytest.raises(TypeError, match=r"got '\|none~0\|'\. space\.parse\(text\) makes an architecture"):
            ask("|none~0|")


def test_train_takes_a_dataset_and_not_its_name():
    with pytest.raises(TypeError, match=r"data must be a dataset, such as nas\.data\.load\('mnist1d'\); got 'digits'"):
        nas.evaluators.Train("digits")
