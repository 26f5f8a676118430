"""Reading NATS-Bench: a made-up benchmark in the format of its own package, read by that package."""

import math

import numpy as np
import pytest

import nasedu as nas
from nasedu.spaces import NASBench201, NATSSize
from nasedu.tables import read_nats_bench
from nasedu.tables.nats_bench import SPACES

nats_bench = pytest.importorskip("nats_bench", reason="pip install 'nasedu[benchmarks]'")

SPACE = NASBench201()
NAMES = [str(cell) for cell in SPACE]
SPLITS = {
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("x-valid", "x-test", "ori-test"),
    "ImageNet16-120": ("x-valid", "x-test", "ori-test"),
}
KINDS = 7  # different results; the i-th cell has those of kind i % 7


def percent(kind, epochs, dataset, split, seed, epoch):
    """Return an accuracy that tells all of them apart."""
    code = (kind, epochs > 12, list(SPLITS).index(dataset), len(split), seed == 888, epoch == epochs - 1)
    return 100 * sum(digit / base for digit, base in zip(code, (10, 29, 71, 503, 1009, 3001), strict=True)) / 2


def results(kind, names=NAMES, trainings=(12, 200)):
    """Return the state of a cell's file: one seed after short trainings; after the longest two for even kinds."""
    found = {}
    for epochs in trainings:
        cell = nats_bench.ArchResults(kind, names[kind])
        for dataset, splits in SPLITS.items():
            for seed in (777, 888) if epochs == trainings[-1] and kind % 2 == 0 else (777,):
                config = {"channel": 16, "num_cells": 5, "arch_str": names[kind], "class_num": 10}
                training = nats_bench.ResultsCount(
                    dataset,
                    None,
                    dict.fromkeys(range(epochs), 1.0),
                    {},
                    0.1 + kind,
                    5.5 + kind,
                    config,
                    seed,
                    epochs,
                    [1.0],
                )
                training.train_times = {epoch: 20.0 + kind for epoch in range(epochs)}
                for split in splits:
                    keys = {epoch: f"{split}@{epoch}" for epoch in (0, epochs - 1)}
                    training.eval_names.append(split)
                    for epoch, key in keys.items():
                        training.eval_acc1es[key] = percent(kind, epochs, dataset, split, seed, epoch)
                        training.eval_losses[key] = 1.0
                cell.update(dataset, seed, training)
        found[f"{epochs:02d}"] = cell.state_dict()
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder that the authors publish: a file for the names, and one for each cell."""
    folder = tmp_path_factory.mktemp("NATS-tss-v1_0-3ffb9-simple")
    nats_bench.pickle_save({"meta_archs": NAMES}, folder / "meta.pickle")
    for kind in range(KINDS):
        nats_bench.pickle_save(results(kind), folder / f"{kind:06d}.pickle")
    for index in range(KINDS, len(NAMES)):
        (folder / f"{index:06d}.pickle.pbz2").symlink_to(folder / f"{index % KINDS:06d}.pickle.pbz2")
    return folder


@pytest.fixture(scope="module")
def table(folder):
    return read_nats_bench(folder)


def test_a_cell_is_scored_by_its_validation_accuracy(table):
    trials = table([SPACE.parse(NAMES[index]) for index in (3, 15_624)])
    kinds = 3, 15_624 % KINDS
    expected = [percent(kind, 12, "cifar10-valid", "x-valid", 777, 11) / 100 for kind in kinds]
    assert [trial.accuracy for trial in trials] == pytest.approx(expected, abs=1e-12)
    assert trials[0].epochs == 12 and trials[0].curve == ()
    assert trials[0].cost == pytest.approx(12 * 23.0)
    assert trials[0].metrics["parameters"].value == 3_100_000
    assert trials[0].metrics["flops"].value == 17_000_000, "twice the benchmark's 8.5 million multiply-adds"


def test_the_test_accuracy_is_that_after_200_epochs_and_in_no_trial(table):
    test = [percent(4, 200, "cifar10", "ori-test", seed, 199) / 100 for seed in (777, 888)]
    assert table.test(SPACE.parse(NAMES[4])) == pytest.approx(np.mean(test), abs=1e-12)
    assert table.test(SPACE.parse(NAMES[5])) == pytest.approx(percent(5, 200, "cifar10", "ori-test", 777, 199) / 100)
    assert not any(f"{value:.6f}" in repr(table([SPACE.parse(NAMES[4])])) for value in (*test, np.mean(test)))


def test_seeds_that_a_cell_lacks_are_missing(table):
    assert table.seeds == (777, 888)
    assert np.isnan(table.validation[:, 1]).all(), "after 12 epochs there is one"
    assert table.one(888)([SPACE.parse(NAMES[4])])[0].failure is not None


@pytest.mark.parametrize("dataset", ["cifar100", "ImageNet16-120"])
def test_the_other_datasets_and_200_epochs(folder, dataset, monkeypatch):
    monkeypatch.setitem(SPACES, "topology", (SmallPart, "tss", (12, 200)))
    table = read_nats_bench(folder, dataset=dataset, epochs=200)
    values = [percent(2, 200, dataset, "x-valid", seed, 199) / 100 for seed in (777, 888)]
    assert table([SPACE.parse(NAMES[2])])[0].accuracy == pytest.approx(np.mean(values), abs=1e-12)
    assert table.one(888)([SPACE.parse(NAMES[2])])[0].accuracy == pytest.approx(values[1], abs=1e-12)
    assert table.one(888)([SPACE.parse(NAMES[1])])[0].failure is not None
    assert table.test(SPACE.parse(NAMES[1])) == pytest.approx(percent(1, 200, dataset, "x-test", 777, 199) / 100)


class SmallPart(NASBench201):
    """The first few cells, which read quickly."""

    def _all_choices(self):
        return (choices for _, choices in zip(range(KINDS), super()._all_choices(), strict=False))

    @property
    def size(self):
        return KINDS


class FewSizes(NATSSize):
    """The first few sizes."""

    def _all_choices(self):
        return (choices for _, choices in zip(range(KINDS), super()._all_choices(), strict=False))

    @property
    def size(self):
        return KINDS


@pytest.mark.parametrize("epochs", [12, 90])
def test_the_size_space_is_tested_after_90_epochs(epochs, monkeypatch):
    monkeypatch.setitem(SPACES, "size", (FewSizes, *SPACES["size"][1:]))
    names = [str(size) for size in FewSizes()]
    state = {
        "meta_archs": names,
        "arch2infos": {kind: results(kind, names, (1, 12, 90)) for kind in range(KINDS)},
        "evaluated_indexes": range(KINDS),
    }
    table = read_nats_bench(nats_bench.create(state, "sss", verbose=False), space="size", epochs=epochs)
    size = NATSSize().parse(names[3])
    expected = percent(3, epochs, "cifar10-valid", "x-valid", 777, epochs - 1) / 100
    assert table([size])[0].accuracy == pytest.approx(expected, abs=1e-12)
    assert table.test(size) == pytest.approx(percent(3, 90, "cifar10", "ori-test", 777, 89) / 100, abs=1e-12)
    assert table.name == "nats-bench-size-cifar10" and table.provenance["test_epochs"] == 90


def test_an_api_object_gives_the_same_table_as_the_folder(table, folder, monkeypatch):
    monkeypatch.setitem(SPACES, "topology", (SmallPart, "tss", (12, 200)))
    small = read_nats_bench(folder)
    state = {
        "meta_archs": NAMES,
        "arch2infos": {kind: results(kind) for kind in range(KINDS)},
        "evaluated_indexes": range(KINDS),
    }
    for api in (nats_bench.create(state, "tss", verbose=False), nats_bench.create(str(folder), "tss", True, False)):
        assert read_nats_bench(api).checksum == small.checksum
    assert small.accuracies().tolist() == table.accuracies()[:KINDS].tolist()


def test_a_table_can_be_saved_and_needs_the_files_no_more(table, tmp_path):
    table.save(tmp_path / "nats.npz")
    again = nas.tables.Table.load(tmp_path / "nats.npz")
    assert again.settings == table.settings
    assert math.isnan(again.one(888).accuracies()[0])


def test_what_cannot_be_read_is_refused(folder, tmp_path):
    with pytest.raises(ValueError, match="dataset must be one of cifar10, cifar100, ImageNet16-120; got 'mnist'"):
        read_nats_bench(folder, dataset="mnist")
    with pytest.raises(ValueError, match="epochs must be 1 or 12 or 90, the trainings of the benchmark; got 200"):
        read_nats_bench(folder, space="size", epochs=200)
    with pytest.raises(ValueError, match="space must be 'topology' or 'size'; got 'sss'"):
        read_nats_bench(folder, space="sss")
    with pytest.raises(ValueError, match="epochs must be 12 or 200, the trainings of the benchmark; got 90"):
        read_nats_bench(folder, epochs=90)
    with pytest.raises(ValueError, match=r"must be the folder of NATS-Bench's files.*meta\.pickle\.pbz2"):
        read_nats_bench(tmp_path)
    nats_bench.pickle_save({"meta_archs": NAMES}, tmp_path / "meta.pickle")
    with pytest.raises(ValueError, match=r"the benchmark's files lack \|none~0\|\+\|none~0\|none~1\|.* on cifar10"):
        read_nats_bench(tmp_path)


def test_without_the_package_the_error_says_how_to_install_it(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "nats_bench", None)
    with pytest.raises(ImportError, match=r"run pip install 'nasedu\[benchmarks\]'"):
        read_nats_bench(folder)
