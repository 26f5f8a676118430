import gzip
import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch

import nasedu as nas
from nasedu.data import Dataset, Split
from nasedu.evaluators import Table, Train
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
                  train(time_limit=60)]  # fmt: skip
    written = [json.dumps(evaluator.settings, sort_keys=True) for evaluator in evaluators]
    assert len(set(written)) == len(written)
    assert "peaks" in written[0]
    assert train().at(3).settings == train(epochs=3).settings


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


# Table -----------------------------------------------------------------------------------

TOY = nas.SearchSpace("toy", [nas.Decision("width", (8, 16)), nas.Decision("kernel", (1, 3))])
LINES = [
    "architecture,validation,test,seconds",
    '"width=16,kernel=1",71.5,70.0,12.5',
    '"width=8,kernel=1",60.0,61.0,11.0',
    '"width=8,kernel=3",80.25,78.0,140.0',
    '"width=16,kernel=3",80.25,79.0,15.0',
]


def table(tmp_path, lines=LINES, name="toy.csv", **settings):
    path = tmp_path / name
    content = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return Table(TOY, path, **{"score": "validation", "test": "test", "unit": "%", **settings})


@pytest.mark.parametrize("name", ["toy.csv", "toy.csv.gz"])
def test_a_table_is_looked_up_by_name_and_gives_fractions(tmp_path, name):
    toy = table(tmp_path, name=name)
    asked = [TOY.parse("width=8,kernel=3"), TOY.parse("width=16,kernel=1")]
    trials = toy(asked)
    assert [trial.architecture for trial in trials] == asked
    assert [trial.accuracy for trial in trials] == [0.8025, 0.715]
    assert trials[0].cost == 0 and not trials[0].metrics
    assert [toy.test(each) for each in asked] == [0.78, 0.70]
    assert toy.test(asked[0], "validation") == 0.8025
    assert len(toy) == 4 and toy.columns == ["validation", "test", "seconds"]


def test_the_best_is_of_a_column_and_the_first_on_a_tie(tmp_path):
    toy = table(tmp_path)
    assert toy.best() == TOY.parse("width=8,kernel=3")
    assert toy.best("test") == TOY.parse("width=16,kernel=3")
    assert toy.accuracies("test").tolist() == [0.70, 0.61, 0.78, 0.79]
    assert str(toy.architectures[0]) == "width=16,kernel=1"


def test_fractions_need_no_unit(tmp_path):
    lines = ["architecture,validation", *(f'"{each}",0.5' for each in TOY)]
    toy = table(tmp_path, lines, unit="fraction", test=None)
    assert toy([TOY.architecture((0, 0))])[0].accuracy == 0.5
    with pytest.raises(ValueError, match=r"say which column has the test accuracy; .* has validation\."):
        toy.test(TOY.architecture((0, 0)))


def test_a_table_that_is_not_complete_says_how_many_are_missing_and_names_one(tmp_path):
    with pytest.raises(
        ValueError, match=r"must have all 4 architectures of toy and has 3; one that is missing is width=8,kernel=3"
    ):
        table(tmp_path, LINES[:3] + LINES[4:])


def test_a_row_that_comes_twice_is_refused_with_both_lines(tmp_path):
    with pytest.raises(ValueError, match="line 6: 'width=8,kernel=1' is already on line 3"):
        table(tmp_path, [*LINES, LINES[2]])


def test_an_unknown_architecture_is_refused_with_its_line(tmp_path):
    with pytest.raises(ValueError, match="line 4: unknown option '5' of decision 'kernel'"):
        table(tmp_path, [*LINES[:3], '"width=8,kernel=5",1,1,1', LINES[4]])


@pytest.mark.parametrize("value", ["abc", "nan", "inf", ""])
def test_a_value_that_is_no_number_is_refused_with_its_line(tmp_path, value):
    with pytest.raises(ValueError, match=r"line 4: .*(could not convert string to float|must be a finite number)"):
        table(tmp_path, [*LINES[:3], f'"width=8,kernel=3",{value},1,1', LINES[4]])


def test_percent_read_as_fractions_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"accuracies with unit 'fraction'; its values are 60\.\.80\.25\. Is it unit='%'"
    ):
        table(tmp_path, unit="fraction")


def test_fractions_read_as_percent_are_refused(tmp_path):
    lines = ["architecture,validation", *(f'"{each}",0.5' for each in TOY)]
    with pytest.raises(
        ValueError, match=r"accuracies with unit '%'; its values are 0\.5\.\.0\.5\. Is it unit='fraction'"
    ):
        table(tmp_path, lines, test=None)


def test_a_column_that_is_no_accuracy_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"column 'seconds' .* its values are 11\.\.140.* or another column"):
        table(tmp_path).accuracies("seconds")


def test_a_missing_column_lists_the_columns(tmp_path):
    for settings in ({"score": "accuracy"}, {"test": "accuracy"}):
        with pytest.raises(ValueError, match=r"no column 'accuracy' in .*; it has validation, test, seconds"):
            table(tmp_path, **settings)


def test_the_score_may_not_be_the_test(tmp_path):
    with pytest.raises(ValueError, match="score and test must be different columns"):
        table(tmp_path, score="test")


def test_a_file_that_was_cut_off_is_refused(tmp_path):
    table(tmp_path, name="whole.csv.gz")
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes((tmp_path / "whole.csv.gz").read_bytes()[:-12])
    with pytest.raises(ValueError, match=r"cut.csv.gz is damaged or not a table.*Copy or download it again"):
        Table(TOY, cut, score="validation", unit="%")
    with pytest.raises(ValueError, match=r"line 5: expected 4 values, as in the header; got 2\. Was it cut off"):
        table(tmp_path, [*LINES[:4], '"width=16,kernel=3",80.25'])


def test_a_file_that_is_no_table_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must begin with 'architecture,<column>,…'; it begins with 'hello'"):
        table(tmp_path, ["hello"])
    with pytest.raises(ValueError, match="is damaged or not a table"):
        (tmp_path / "plain.csv.gz").write_text("architecture,validation\n")
        Table(TOY, tmp_path / "plain.csv.gz", score="validation")


def test_an_architecture_of_another_space_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"the table has architectures of SearchSpace.*; got one of NASBench201"):
        table(tmp_path)(CELLS[:1])


def test_a_tables_settings_change_with_its_content(tmp_path):
    first = table(tmp_path).settings
    json.dumps(first)
    assert str(tmp_path) not in json.dumps(first)
    other = [line.replace("71.5", "71.6") for line in LINES]
    assert table(tmp_path, other).settings != first


def test_nas_bench_201_has_its_known_optimum(data_folder):
    """The best mean test accuracy after 200 epochs on CIFAR-10 is 94.37 % (arXiv:2001.00326, Table 5)."""
    path = None if data_folder is None else data_folder / "nas-bench-201-cifar10.csv.gz"
    if path is None or not path.is_file():
        pytest.skip("set NASEDU_DATA to a folder that has nas-bench-201-cifar10.csv.gz")
    columns = {"score": "validation_accuracy_12_epochs", "test": "test_accuracy_200_epochs"}
    bench = Table(SPACE, path, unit="%", epochs=12, **columns)
    assert len(bench) == 15_625
    best = bench.best("test_accuracy_200_epochs")
    assert (
        str(best) == "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
    )
    assert bench.test(best) == pytest.approx(0.9437, abs=5e-5)
    assert bench([best])[0].epochs == 12


def test_train_takes_a_dataset_and_not_its_name():
    with pytest.raises(TypeError, match=r"data must be a dataset, such as nas\.data\.load\('mnist1d'\); got 'digits'"):
        nas.evaluators.Train("digits")
