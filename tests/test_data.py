import hashlib
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from nasedu.data import Dataset, Split, cifar10, load, mnist1d

MNIST1D = ["f8b4ec85cd66d403", "0274fd5464bda85f", "97234787baec5434"]  # train, validation, test
FIRST = [0.39208984375, 0.2744140625, 0.27685546875, 0.670166015625]
PUBLISHED_STD = [1.198, 0.874, 0.841, 0.997, 0.891, 0.837, 1.195, 0.873, 0.997, 0.902]  # by class
PUBLISHED_STEP, PUBLISHED_QUANTILES = 0.597, [-2.787, -0.548, 0.568, 2.736]
MNIST1D_CHECKSUM = "d84f57fd8367b659"  # of all splits, with labels
DIABETES_CHECKSUM = "6e6ce2fe5d4e35a8"
DIGITS = ["9d53310f15fdb295", "690deb894b26b5f4", "3be7ff670a36b9f1"]


def split(samples=6, shape=(1, 4), labels=None):
    labels = np.arange(samples) % 3 if labels is None else labels
    return Split(np.zeros((samples, *shape), np.float32), np.array(labels, np.int64))


def splits(train=None):
    return {"train": train or split(), "validation": split(), "test": split()}


def made(train=None, classes=3):
    return Dataset("made", (1, 4), classes, **splits(train))


def digest(values):
    return hashlib.sha256(values.tobytes()).hexdigest()[:16]


def test_importing_data_loads_no_torch():
    code = "import sys; from nasedu.data import load; load('mnist1d'), load('digits'); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


# A dataset checks itself -----------------------------------------------------------------


def test_a_dataset_of_the_wrong_shape_is_refused():
    with pytest.raises(
        ValueError, match=r"train split of made has the wrong shape: inputs must be .*\(1, 4\)\]; got \(6, 1, 5\)"
    ):
        made(split(shape=(1, 5)))


def test_every_split_is_checked():
    for name in ("train", "validation", "test"):
        with pytest.raises(ValueError, match=f"the {name} split of made has the wrong shape"):
            Dataset("made", (1, 4), 3, **{**splits(), name: split(shape=(4,))})


def test_labels_and_inputs_must_be_as_many():
    with pytest.raises(ValueError, match=r"needs one label per input: 6 inputs, labels of shape \(5,\)"):
        made(split(labels=[0, 1, 2, 0, 1]))
    with pytest.raises(ValueError, match=r"needs one label per input: 6 inputs, labels of shape \(6, 2\)"):
        made(Split(split().inputs, np.zeros((6, 2), np.int64)))


def test_an_empty_split_is_refused():
    with pytest.raises(ValueError, match="train split of made is empty; it must have at least one sample"):
        made(split(samples=0))


def test_inputs_that_are_not_finite_are_counted():
    bad = split()
    bad.inputs[0, 0, :2] = np.nan, np.inf
    with pytest.raises(ValueError, match="must be finite; 2 values are not a number or infinite"):
        made(bad)


@pytest.mark.parametrize("label", [-1, 3])
def test_labels_outside_the_classes_are_refused(label):
    with pytest.raises(ValueError, match=r"labels must lie in 0\.\.2; got"):
        made(split(labels=[0, 1, 2, 0, 1, label]))


def test_labels_must_be_whole_numbers():
    with pytest.raises(
        ValueError, match=r"whole numbers as labels; got float64\. For real-valued targets say classes=None"
    ):
        made(Split(split().inputs, np.full(6, 0.5)))


def test_one_class_is_no_task():
    with pytest.raises(ValueError, match="classes must be at least 2, or None for real-valued targets; got 1"):
        made(classes=1)


def test_a_dataset_cannot_be_changed_not_even_through_the_callers_array():
    own = split()
    data = made(own)
    own.inputs[:] = 7
    assert data.train.inputs.max() == 0
    with pytest.raises(ValueError, match="read-only"):
        data.train.inputs[:] = 7


def test_the_checksum_tells_datasets_of_one_name_apart_and_is_the_same_in_every_session():
    assert load("mnist1d").checksum == MNIST1D_CHECKSUM
    assert made().checksum == made().checksum
    for name in ("train", "validation", "test"):
        other = split()
        other.inputs[0, 0, 0] = 1
        changed = Dataset("made", (1, 4), 3, **{**splits(), name: other})
        relabelled = Dataset("made", (1, 4), 3, **{**splits(), name: split(labels=[2, 1, 0, 0, 1, 2])})
        assert len({made().checksum, changed.checksum, relabelled.checksum}) == 3


# Regression ------------------------------------------------------------------------------


def regression(targets, other=None):
    """Return a dataset with these training targets; validation and test have as many columns."""
    targets = np.asarray(targets)
    other = np.linspace(0, 1, 6 * max(1, targets[0].size)).reshape(6, -1) if other is None else np.asarray(other)
    parts = [Split(np.zeros((len(values), 1, 4), np.float32), values) for values in (targets, other, other)]
    return Dataset("slopes", (1, 4), None, *parts)


def test_a_dataset_without_classes_has_real_valued_targets_in_columns():
    data = regression([0.5, -1.25, 3.0])
    assert data.train.labels.dtype == np.float32 and data.train.labels.tolist() == [[0.5], [-1.25], [3.0]]
    assert (data.classes, data.outputs) == (None, 1)
    assert repr(data) == "<Dataset slopes: 3 + 6 + 6 samples of shape (1, 4), 1 real-valued target>"
    assert regression([[1, 2], [3, 4]]).outputs == 2 and "2 real-valued targets" in repr(regression([[1, 2], [3, 4]]))
    assert made().outputs == 3


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        ([1.0, np.nan, np.inf], "train split of slopes must have finite targets; 2 are not a number or infinite"),
        ([7.0, 7.0], "train split of slopes: targets must vary; output 0 is 7 in every sample"),
        ([[1, 7.5], [2, 7.5]], r"targets must vary; output 1 is 7\.5 in every sample"),
        (["a", "b"], "needs real numbers as targets; got <U1"),
        ([[[1.0]], [[2.0]]], r"needs targets \[samples\] or \[samples, outputs\].*got shape \(2, 1, 1\)"),
        (np.zeros((2, 0)), r"needs targets \[samples\] or \[samples, outputs\].*got shape \(2, 0\)"),
    ],
)
def test_targets_that_cannot_be_learned_are_refused(targets, says):
    with pytest.raises(ValueError, match=says):
        regression(targets)


def test_every_splits_targets_are_checked():
    with pytest.raises(ValueError, match="validation split of slopes: targets must vary; output 0 is 1 in every"):
        regression([0.0, 1.0], other=[1.0, 1.0])
    with pytest.raises(ValueError, match=r"validation split of slopes needs .* as many outputs in every split"):
        regression([0.0, 1.0], other=[[1.0, 2.0], [3.0, 4.0]])


def test_diabetes_is_split_once_without_overlap_and_its_columns_are_standardised_by_the_training_split():
    data = load("diabetes")
    assert [len(part.labels) for part in (data.train, data.validation, data.test)] == [242, 100, 100]
    rows = [{row.tobytes() for row in part.inputs} for part in (data.train, data.validation, data.test)]
    assert sum(map(len, rows)) == len(set.union(*rows)) == 442
    np.testing.assert_allclose(data.train.inputs.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(data.train.inputs.std(axis=0), 1, atol=1e-4)
    everything = np.concatenate([part.labels for part in (data.train, data.validation, data.test)])
    assert (everything.min(), everything.max(), data.outputs) == (25, 346, 1)
    assert data.checksum == DIABETES_CHECKSUM


def test_diabetes_belongs_together_as_linear_regression_says():
    """Inputs and targets of one patient: the least-squares fit has R² 0.58 and 0.34, as the docstring says."""
    data = load("diabetes")

    def columns(part):
        return np.c_[np.ones(len(part.labels)), part.inputs[:, 0]]

    weights = np.linalg.lstsq(columns(data.train), data.train.labels, rcond=None)[0]
    errors = {
        name: getattr(data, name).labels - columns(getattr(data, name)) @ weights for name in ("validation", "test")
    }
    r_squared = [1 - errors[name].var() / getattr(data, name).labels.var() for name in errors]
    assert r_squared == pytest.approx([0.58, 0.34], abs=0.02)


def test_an_unknown_dataset_names_the_known_ones():
    with pytest.raises(ValueError, match="unknown dataset 'mnist'; there are mnist1d, digits, diabetes, cifar10"):
        load("mnist")


# MNIST-1D --------------------------------------------------------------------------------


def test_mnist1d_is_the_same_in_every_session_and_on_every_machine():
    data = load("mnist1d")
    assert [digest(inputs) for inputs, _ in (data.train, data.validation, data.test)] == MNIST1D
    np.testing.assert_allclose(data.train.inputs[0, 0, :4], FIRST, atol=1e-6)


def test_mnist1d_has_twelve_thousand_different_signals_of_balanced_classes():
    data = load("mnist1d")
    assert (data.input_shape, data.classes) == ((1, 40), 10)
    for _, labels in (data.train, data.validation, data.test):
        assert np.bincount(labels).tolist() == [400] * 10
        assert 0.8 < np.mean(labels[1:] != labels[:-1]) < 1  # shuffled
    everything = np.concatenate([part.inputs[:, 0] for part in (data.train, data.validation, data.test)])
    assert len(np.unique(everything, axis=0)) == 12_000


def test_mnist1d_signals_have_the_statistics_of_the_published_generator():
    """Of 40,000 samples of the package mnist1d 0.0.2: values by class, steps between neighbors, and quantiles.

    With 20,000 samples of ours the standard error of each is below 0.01.
    """
    labels = np.repeat(np.arange(10), 2000)
    inputs = mnist1d.signals(labels, np.random.default_rng(1))[:, 0].astype(float)
    assert abs(inputs.mean()) < 0.02
    np.testing.assert_allclose([inputs[labels == label].std() for label in range(10)], PUBLISHED_STD, atol=0.03)
    np.testing.assert_allclose(np.diff(inputs, axis=1).std(), PUBLISHED_STEP, atol=0.01)
    np.testing.assert_allclose(np.quantile(inputs, [0.01, 0.25, 0.75, 0.99]), PUBLISHED_QUANTILES, atol=0.05)


def test_templates_begin_and_end_at_zero_with_equal_strength():
    templates = mnist1d.templates()
    np.testing.assert_allclose(templates[:, [0, -1]], 0, atol=1e-12)
    np.testing.assert_allclose(templates.std(axis=1), 1 / 6)


def test_smoothing_is_a_gaussian_whose_rows_lose_nothing_at_the_ends():
    smoothing = mnist1d._smoothing(72, 2.0)
    np.testing.assert_allclose(smoothing.sum(axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(smoothing[36, 38] / smoothing[36, 36], np.exp(-0.5))


# digits ----------------------------------------------------------------------------------


def test_digits_are_split_once_without_overlap_and_balanced():
    data = load("digits")
    assert [len(part.labels) for part in (data.train, data.validation, data.test)] == [997, 400, 400]
    assert np.bincount(data.validation.labels).tolist() == np.bincount(data.test.labels).tolist() == [40] * 10
    parts = [{image.tobytes() for image in part.inputs} for part in (data.train, data.validation, data.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 1797
    assert [digest(part.inputs) for part in (data.train, data.validation, data.test)] == DIGITS


# CIFAR-10 --------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    """CIFAR-10 as if it had 10 training and 2 test images."""
    monkeypatch.setattr(cifar10, "SAMPLES", {"train": 10, "test": 2})


def binary_files(per_file=2):
    """Return the official files, made up: every byte of an image is its number, its label the number mod 10."""
    files = {}
    for number, name in enumerate([*cifar10.TRAIN_FILES, *cifar10.TEST_FILES]):
        images = np.arange(number * per_file, (number + 1) * per_file, dtype=np.uint8)
        files[name] = b"".join(bytes([i % 10]) + bytes([i]) * 1024 + bytes([i + 100]) * 2048 for i in images)
    return files


def write_archive(folder, files):
    with tarfile.open(folder / cifar10.ARCHIVE, "w:gz") as archive:
        for name, content in {"batches.meta.txt": b"airplane\n", **files}.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return folder / cifar10.ARCHIVE


def pixels(inputs):
    """Undo the normalization: [samples, 3] of the first pixel, 0..255."""
    return np.round((inputs[:, :, 0, 0] * cifar10.STD + cifar10.MEAN) * 255).astype(int)


def check_made_up(data):
    assert (data.input_shape, data.classes) == ((3, 32, 32), 10)
    assert [len(part.labels) for part in (data.train, data.validation, data.test)] == [5, 5, 2]
    assert pixels(data.test.inputs).tolist() == [[10, 110, 110], [11, 111, 111]]  # red, green, blue planes
    assert data.test.labels.tolist() == [0, 1]
    for part in (data.train, data.validation):
        assert (pixels(part.inputs)[:, 0] % 10 == part.labels).all()
    both = np.concatenate([pixels(data.train.inputs)[:, 0], pixels(data.validation.inputs)[:, 0]])
    assert sorted(both) == list(range(10))


def test_cifar10_is_read_from_the_official_archive(tmp_path, small):
    archive = write_archive(tmp_path, binary_files())
    check_made_up(load("cifar10", path=archive))
    check_made_up(load("cifar10", path=tmp_path))


def test_cifar10_is_read_from_the_unpacked_folder_named_by_the_environment(tmp_path, small, monkeypatch):
    (tmp_path / cifar10.FOLDER).mkdir()
    for name, content in binary_files().items():
        (tmp_path / cifar10.FOLDER / name).write_bytes(content)
    monkeypatch.setenv("NASEDU_DATA", str(tmp_path))
    check_made_up(load("cifar10"))


def test_cifar10_is_read_from_a_copy_of_jpegs(tmp_path, small):
    image = pytest.importorskip("PIL.Image")
    arrays = {}
    for name, count in (("train", 10), ("test", 2)):
        encoded = [io.BytesIO() for _ in range(count)]
        for index, file in enumerate(encoded):
            image.new("RGB", (32, 32), (200, 100, 10 * index)).save(file, "JPEG", quality=100)
        blobs = [file.getvalue() for file in encoded]
        arrays[f"{name}_jpeg"] = np.frombuffer(b"".join(blobs), np.uint8)
        arrays[f"{name}_offsets"] = np.cumsum([0, *map(len, blobs)])
        arrays[f"{name}_labels"] = np.arange(count, dtype=np.uint8)
    np.savez(tmp_path / cifar10.JPEGS, **arrays)
    data = load("cifar10", path=tmp_path)
    assert np.abs(pixels(data.test.inputs) - [[200, 100, 0], [200, 100, 10]]).max() <= 2
    assert data.test.labels.tolist() == [0, 1]


def test_cifar10_is_never_downloaded_unasked(tmp_path, monkeypatch):
    monkeypatch.setattr("pooch.retrieve", lambda *_, **__: pytest.fail("downloaded"))
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path)
    monkeypatch.delenv("NASEDU_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match=r"download=True\) fetches it \(170 MB\).*NASEDU_DATA"):
        load("cifar10")


def test_cifar10_is_downloaded_with_its_checksum_when_asked(tmp_path, small, monkeypatch):
    asked = []

    def retrieve(url, known_hash, fname, path, progressbar):
        asked.append((url, known_hash))
        return str(write_archive(Path(path), binary_files()))

    monkeypatch.setattr("pooch.retrieve", retrieve)
    monkeypatch.setenv("NASEDU_DATA", str(tmp_path))
    check_made_up(load("cifar10", download=True))
    load("cifar10", download=True)  # now there is a copy
    assert asked == [(cifar10.URL, "md5:c32a1d4ab5d03f1284b67883e8d87530")]


def test_a_damaged_archive_is_refused(tmp_path):
    archive = write_archive(tmp_path, binary_files())
    archive.write_bytes(archive.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"is damaged, or not cifar-10-binary.tar.gz: .*download it again"):
        load("cifar10", path=archive)


def test_an_archive_with_a_missing_or_cut_file_is_refused(tmp_path):
    files = binary_files()
    del files["data_batch_3.bin"]
    with pytest.raises(ValueError, match=r"data_batch_3\.bin is missing"):
        load("cifar10", path=write_archive(tmp_path, files))
    files = {**binary_files(), "data_batch_3.bin": bytes(3073 + 5)}
    (tmp_path / "second").mkdir()
    with pytest.raises(ValueError, match="must be whole records of 3073 bytes; got 3078 bytes"):
        load("cifar10", path=write_archive(tmp_path / "second", files))


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_archive_with_too_few_images_is_refused(tmp_path, small, monkeypatch, split):
    monkeypatch.setitem(cifar10.SAMPLES, split, 1 + cifar10.SAMPLES[split])
    with pytest.raises(ValueError, match=r"not CIFAR-10: it must have 1\d training and \d test images; got 10 and 2"):
        load("cifar10", path=write_archive(tmp_path, binary_files()))


def test_the_copy_of_jpegs_is_whole_and_normalized(data_folder):
    path = None if data_folder is None else data_folder / cifar10.JPEGS
    if path is None or not path.is_file():
        pytest.skip(f"set NASEDU_DATA to a folder that has {cifar10.JPEGS}")
    data = load("cifar10", path=path)
    assert [len(part.labels) for part in (data.train, data.validation, data.test)] == [25_000, 25_000, 10_000]
    assert np.bincount(data.test.labels).tolist() == [1000] * 10
    assert (np.bincount(data.train.labels) + np.bincount(data.validation.labels)).tolist() == [5000] * 10
    np.testing.assert_allclose(data.train.inputs.mean(axis=(0, 2, 3), dtype=float), 0, atol=0.02)
    np.testing.assert_allclose(data.train.inputs.std(axis=(0, 2, 3), dtype=float), 1, atol=0.02)
