"""Reading NAS-Bench-101: the authors' format, written here by hand, and files that others made of it."""

import base64
import csv
import gzip
import json
import math
import struct
import time

import numpy as np
import pytest

import nasedu as nas
from nasedu.spaces import NASBench101
from nasedu.tables import Table, read_nasbench101

SPACE = NASBench101()
HASH = "00005c142e6f48ac74fdcf73e3439874"
MATRIX = "0100110001000000010010000010000001000000010000000"
OPERATIONS = "input,conv3x3-bn-relu,maxpool3x3,conv3x3-bn-relu,conv3x3-bn-relu,conv1x1-bn-relu,output"
PARAMETERS = 8_555_530
# What the authors' API gives for this cell: halfway and final training time, validation and test accuracy, three times
PUBLISHED = [
    (
        (883.4580078125, 0.7776442170143127, 0.7740384340286255),
        (1769.1279296875, 0.9241786599159241, 0.9211738705635071),
    ),
    (
        (883.6810302734375, 0.8291265964508057, 0.8204126358032227),
        (1768.2509765625, 0.9245793223381042, 0.9190705418586731),
    ),
    (
        (883.4569702148438, 0.811598539352417, 0.8058894276618958),
        (1768.9759521484375, 0.9304887652397156, 0.9215745329856873),
    ),
]
OTHER = "0111/0001/0001/0000", "input,maxpool3x3,conv1x1-bn-relu,output"


def cell(matrix=MATRIX, operations=OPERATIONS):
    rows = (
        [list(map(int, row)) for row in matrix.split("/")] if "/" in matrix else np.reshape([*map(int, matrix)], (7, 7))
    )
    return SPACE.from_matrix(rows, operations.split(","))


def relabelled():
    """The first cell as another matrix: its second and third vertex last among the inner ones, not upper triangular."""
    order = [0, 1, 5, 4, 3, 2, 6]
    operations = OPERATIONS.split(",")
    return np.reshape([*map(int, MATRIX)], (7, 7))[np.ix_(order, order)].tolist(), [operations[i] for i in order]


# A writer of the authors' format ------------------------------------------------------------------


def varint(value):
    more = []
    while value > 127:
        more.append(value & 127 | 128)
        value >>= 7
    return bytes([*more, value])


def field(number, value):
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def evaluation(epoch, seconds, validation, test):
    values = (float(epoch), seconds, 0.5, validation, test)
    parts = [field(number, value) for number, value in enumerate(values, start=1)]
    return b"".join([*parts, field(6, b"gs://somewhere/model.ckpt")])


def row(trainings, epochs, name=HASH, matrix=MATRIX, operations=OPERATIONS, parameters=PARAMETERS):
    """Return the bytes of one record for each training."""
    found = b""
    for halfway, final in trainings:
        evaluations = evaluation(0, 0.0, 0.1, 0.1), evaluation(epochs / 2, *halfway), evaluation(epochs, *final)
        message = b"".join(field(1, each) for each in evaluations) + field(2, parameters) + field(3, 2000.5)
        record = json.dumps([name, epochs, matrix, operations, base64.b64encode(message).decode()]).encode()
        found += struct.pack("<QI", len(record), 0) + record + struct.pack("<I", 0)
    return found


SHORT = [((10.0, 0.2, 0.21), (20.0, 0.3, 0.31))]


@pytest.fixture
def tfrecord(tmp_path):
    other = {"name": "f" * 32, "matrix": OTHER[0].replace("/", ""), "operations": OTHER[1], "parameters": 7}
    path = tmp_path / "nasbench_full.tfrecord"
    path.write_bytes(row(SHORT, 4) + row(PUBLISHED, 108) + row(SHORT * 2, 108, **other))
    return path


def test_the_authors_file_is_read_to_the_last_digit(tfrecord):
    table = read_nasbench101(tfrecord)
    trial = table([cell()])[0]
    assert trial.accuracy == pytest.approx(np.mean([final[1] for _, final in PUBLISHED]), abs=1e-15)
    assert table.at(54)([cell()])[0].accuracy == pytest.approx(np.mean([half[1] for half, _ in PUBLISHED]), abs=1e-15)
    assert table.test(cell()) == pytest.approx(np.mean([final[2] for _, final in PUBLISHED]), abs=1e-15)
    for seed, (_, final) in enumerate(PUBLISHED):
        assert table.one(seed)([cell()])[0].accuracy == final[1]
    assert trial.metrics["parameters"].value == PARAMETERS
    assert trial.cost == pytest.approx(np.mean([final[0] for _, final in PUBLISHED]))
    assert len(table) == 2 and table.seeds == (0, 1, 2) and table.epochs == (54, 108)


def test_a_cell_with_fewer_trainings_has_the_mean_of_those_that_are_there(tfrecord):
    table = read_nasbench101(tfrecord)
    assert table([cell(*OTHER)])[0].accuracy == 0.3
    assert table.one(1)([cell(*OTHER)])[0].accuracy == 0.3
    assert "no training" in table.one(2)([cell(*OTHER)])[0].failure


def test_trainings_of_another_length_are_another_table(tfrecord):
    table = read_nasbench101(tfrecord, epochs=4)
    assert table([cell()])[0].accuracy == 0.3 and len(table) == 1 and table.epochs == (2, 4)
    with pytest.raises(ValueError, match="has no trainings for 36 epochs"):
        read_nasbench101(tfrecord, epochs=36)
    with pytest.raises(ValueError, match="epochs must be one of 4, 12, 36, 108, the benchmark's; got 10"):
        read_nasbench101(tfrecord, epochs=10)


def test_any_relabelled_or_unpruned_cell_is_found(tfrecord):
    table = read_nasbench101(tfrecord)
    other = SPACE.from_matrix(*relabelled())
    assert other.choices != cell().choices and table([other])[0].accuracy == table([cell()])[0].accuracy
    dead = SPACE.from_matrix([[0, 1, 1, 1, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [0] * 5],
                             ["input", "maxpool3x3", "conv1x1-bn-relu", "maxpool3x3", "output"])  # fmt: skip
    assert table.test(dead) == 0.31


def test_a_cell_that_is_not_there_has_a_failed_trial(tfrecord):
    table, missing = read_nasbench101(tfrecord), SPACE.parse("01/00")
    assert table([missing])[0].failure == "table nasbench101-cifar10-108 does not have it"
    with pytest.raises(ValueError, match=r"table nasbench101-cifar10-108 does not have 01/00\."):
        table.test(missing)


def test_a_search_and_a_file_of_ours(tfrecord, tmp_path):
    table = read_nasbench101(tfrecord)
    assert table.best() == table.architectures[0] and SPACE.canonical(table.best()) == SPACE.canonical(cell())
    assert table.accuracies().shape == table.test_accuracies().shape == (2,)
    table.save(tmp_path / "table.npz")
    again = Table.load(tmp_path / "table.npz")
    assert again.checksum == table.checksum and again.names == table.names
    assert again.test(SPACE.from_matrix(*relabelled())) == table.test(cell())
    strategy = nas.strategies.RandomSearch(table.space, np.random.default_rng(0))
    assert len(nas.search(strategy, again, 5).run(progress=False).trials) == 5


# Files of others ----------------------------------------------------------------------------------


def flat(halfway, final):
    return {
        "epochs": 108,
        "halfway_validation_accuracy": halfway[1],
        "validation_accuracy": final[1],
        "test_accuracy": final[2],
        "training_time": final[0],
        "trainable_parameters": PARAMETERS,
    }


def of_the_api():
    names = [
        f"{when}_{what}"
        for when in ("halfway", "final")
        for what in ("training_time", "validation_accuracy", "test_accuracy")
    ]
    trainings = [dict(zip(names, (*halfway, *final), strict=True)) for halfway, final in PUBLISHED]
    constants = {
        "module_adjacency": np.reshape([*map(int, MATRIX)], (7, 7)).tolist(),
        "module_operations": OPERATIONS.split(","),
        "trainable_parameters": PARAMETERS,
    }
    return {HASH: [constants, {"108": trainings, "4": trainings[:1]}]}


def write(path, content):
    (gzip.open if path.suffix == ".gz" else open)(path, "wt").write(content)
    return path


def test_json_of_trainings_csv_and_the_api_give_the_same_table_as_the_authors_file(tmp_path):
    (tmp_path / "first.tfrecord").write_bytes(row(PUBLISHED, 108))
    expected = read_nasbench101(tmp_path / "first.tfrecord")
    matrix, operations = relabelled()
    trainings = [flat(*each) for each in PUBLISHED]
    lists = [{"matrix": matrix, "operations": operations, **each} for each in trainings]
    strings = [{"matrix": MATRIX, "operations": OPERATIONS, **each} for each in trainings]
    with open(tmp_path / "c.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, strings[0])
        writer.writeheader()
        writer.writerows(strings)
    paths = [
        write(tmp_path / "a.json", json.dumps(lists)),
        write(tmp_path / "b.json.gz", json.dumps(of_the_api())),
        tmp_path / "c.csv",
    ]
    for path in paths:
        table = read_nasbench101(path)
        assert table.checksum == expected.checksum, path
        assert table.test(cell()) == expected.test(cell()), path


def test_a_list_of_cells_with_means(tmp_path):
    """The form of nas_bench.json, which others use."""
    document = [
        {
            "hash_": HASH,
            "matrix": np.reshape([*map(int, MATRIX)], (7, 7)).tolist(),
            "ops": OPERATIONS.split(","),
            "n_params": PARAMETERS,
            "training_time": 1768.7849527994792,
            "train_accuracy": 1.0,
            "validation_accuracy": 0.9264155824979147,
            "test_accuracy": 0.9206063151359558,
        }
    ]
    table = read_nasbench101(write(tmp_path / "nas_bench.json", json.dumps(document)))
    trial = table([cell()])[0]
    assert (trial.accuracy, table.test(cell())) == (0.9264155824979147, 0.9206063151359558)
    assert trial.metrics["parameters"].value == PARAMETERS and table.epochs == (108,)


GOOD = {"matrix": "01/00", "operations": "input,output", "validation_accuracy": 0.9}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"matrix": None}, "entry 1: expected a value for each column"),
        ({"matrix": "011/00"}, "entry 1: a matrix must be rows of as many 0 and 1"),
        ({"matrix": "0" * 10_000_000}, "entry 1: a matrix must be rows of as many 0 and 1"),
        ({"matrix": [[0, 1], [1, 0]]}, "entry 1: the graph must have no cycle"),
        ({"matrix": [[0, 0], [0, 0]]}, "entry 1: the cell is disconnected"),
        ({"matrix": 7}, "entry 1: the matrix must be square"),
        ({"operations": "input,conv"}, "entry 1: operations must be 'input'"),
        ({"operations": 7}, "entry 1"),
        ({"validation_accuracy": 93.1}, r"entry 1: accuracies must lie in 0\.\.1; got 93\.1"),
        ({"test_accuracy": math.nan}, r"entry 1: every value must be a finite number, .*; got 'nan'"),
        ({"validation_accuracy": "high"}, r"entry 1: every value must be a finite number, .*; got 'high'"),
        ({"epochs": 200}, "entry 1: epochs must be one of 4, 12, 36, 108; got 200"),
        ({"epochs": 12}, "has no trainings for 108 epochs"),
    ],
)
def test_an_entry_that_is_wrong_is_named(change, message, tmp_path):
    path = write(tmp_path / "wrong.json", json.dumps([GOOD | change]))
    start = time.perf_counter()
    with pytest.raises(ValueError, match=message):
        read_nasbench101(path)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("column", GOOD)
def test_a_column_that_must_be_there_is_asked_for(column, tmp_path):
    record = {key: value for key, value in GOOD.items() if key != column}
    with pytest.raises(ValueError, match=f"entry 1: there is no '{column}'"):
        read_nasbench101(write(tmp_path / "wrong.json", json.dumps([record])))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "[{", "cannot be read"),
        ("a.json", "[" * 1_000_000, "cannot be read"),
        ("a.json", "7", "must be a list of objects"),
        ("a.json", "[7]", "entry 1: expected a value"),
        ("a.json", '{"a": 7}', "entry 1: expected a value"),
        ("a.json.gz", "no gzip", "cannot be read"),
        ("a.csv", "matrix,operations,validation_accuracy\n01/00,input", "entry 1: expected a value"),
        ("a.csv", 'matrix,operations\n"01/00,input', "cannot be read"),
        ("a.pickle", "", "name must end in .tfrecord, .json or .csv"),
        ("a.json", "[]", "has no trainings"),
    ],
)
def test_a_file_that_is_no_table_is_refused(name, content, message, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        read_nasbench101(tmp_path / name)


def test_a_record_without_a_measurement_is_refused(tmp_path):
    message = field(1, field(1, 0.0)) * 3 + field(2, PARAMETERS)
    record = json.dumps([HASH, 108, MATRIX, OPERATIONS, base64.b64encode(message).decode()]).encode()
    path = tmp_path / "first.tfrecord"
    path.write_bytes(struct.pack("<QI", len(record), 0) + record + struct.pack("<I", 0))
    with pytest.raises(ValueError, match=r"record 1: it is no record of NAS-Bench-101 \(KeyError\(4\)\)"):
        read_nasbench101(path)


def test_a_damaged_file_of_the_authors_is_refused(tfrecord):
    content = tfrecord.read_bytes()
    for position, change in [(0, b"\xff" * 8), (20, b"\x00"), (200, b"!"), (len(content) - 40, b"")]:
        tfrecord.write_bytes(content[:position] + change + (content[position + len(change) :] if change else b""))
        with pytest.raises(ValueError, match=r"record [0-9]+.*(damaged or cut off|no record of NAS-Bench-101)"):
            read_nasbench101(tfrecord)


def test_names_of_rows_are_different_and_one_for_each():
    with pytest.raises(ValueError, match="names of table t must be 2 different ones, one for each row, and no rows"):
        Table("t", SPACE, [[[0.5]], [[0.6]]], names=["01/00", "01/00"])
    with pytest.raises(ValueError, match="got 1, 1 of them different"):
        Table("t", SPACE, [[[0.5]], [[0.6]]], names=["01/00"])
    with pytest.raises(ValueError, match="and no rows"):
        Table("t", SPACE, [[[0.5]], [[0.6]]], names=["01/00", "010/001/000 maxpool3x3"], rows=[1, 0])
