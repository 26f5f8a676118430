"""Tables from CSV and JSON files: what is read, and what is refused with its line and the way out."""

import gzip
import json

import pytest

import nasedu as nas
from nasedu.spaces import NASBench201
from nasedu.tables import read

SPACE = NASBench201()
TOY = nas.SearchSpace("toy", [nas.Decision("width", (8, 16)), nas.Decision("kernel", (1, 3))])
LINES = [
    "architecture,validation,test,seconds",
    '"width=16,kernel=1",71.5,70.0,12.5',
    '"width=8,kernel=1",60.0,61.0,11.0',
    '"width=8,kernel=3",80.25,78.0,140.0',
    '"width=16,kernel=3",80.25,79.0,15.0',
]
ROWS = [
    {"architecture": "width=16,kernel=1", "validation": 0.715, "test": 0.70, "seconds": 12.5},
    {"architecture": "width=8,kernel=1", "validation": 0.6, "test": 0.61, "seconds": 11.0},
    {"architecture": "width=8,kernel=3", "validation": 0.8025, "test": 0.78, "seconds": 140.0},
    {"architecture": "width=16,kernel=3", "validation": 0.8025, "test": 0.79, "seconds": 15.0},
]
BY_NAME = {row["architecture"]: {key: row[key] for key in row if key != "architecture"} for row in ROWS}


def write(folder, name, text):
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def table(tmp_path, lines=LINES, name="toy.csv", **settings):
    path = write(tmp_path, name, "\n".join(lines) + "\n")
    return read(TOY, path, **{"score": "validation", "test": "test", "unit": "%", **settings})


def json_table(tmp_path, document, name="toy.json", **settings):
    path = write(tmp_path, name, document if isinstance(document, str) else json.dumps(document))
    return read(TOY, path, **{"score": "validation", "test": "test", **settings})


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "json", "json.gz", "list.json"])
def test_a_table_is_looked_up_by_name_and_gives_fractions(tmp_path, kind):
    documents = {"json": BY_NAME, "json.gz": BY_NAME, "list.json": ROWS}
    toy = json_table(tmp_path, documents[kind], f"a.{kind}") if kind in documents else table(tmp_path, name=f"a.{kind}")
    asked = [TOY.parse("width=8,kernel=3"), TOY.parse("width=16,kernel=1")]
    trials = toy(asked)
    assert [trial.architecture for trial in trials] == asked
    assert [trial.accuracy for trial in trials] == [0.8025, 0.715]
    assert trials[0].cost == 0 and not trials[0].metrics and not trials[0].curve and trials[0].epochs is None
    assert [toy.test(each) for each in asked] == [0.78, 0.70]
    assert len(toy) == 4 and len(toy.validation) == 4


def test_a_column_may_be_a_metric_of_the_trials(tmp_path):
    toy = table(tmp_path, metrics=["seconds"], units={"seconds": ("s", "lower")}, epochs=12)
    (trial,) = toy([TOY.parse("width=8,kernel=3")])
    assert trial.metrics == {"seconds": nas.Metric(140.0, "s", "lower")}
    assert trial.epochs == 12
    with pytest.raises(ValueError, match=r"metric 'seconds' needs a unit and a direction, units=\{'seconds': "):
        table(tmp_path, metrics=["seconds"])


def test_the_test_column_gets_into_no_trial(tmp_path):
    with pytest.raises(ValueError, match="the test may not be one; got 'test'"):
        table(tmp_path, metrics=["test"], units={"test": ("fraction", "higher")})
    with pytest.raises(ValueError, match="score and test must be different columns"):
        table(tmp_path, score="test")


def test_everything_is_in_the_order_of_the_space(tmp_path):
    toy = table(tmp_path)
    assert toy.architectures == list(TOY)
    assert toy.accuracies().tolist() == [0.6, 0.8025, 0.715, 0.8025]
    assert toy.test_accuracies().tolist() == [0.61, 0.78, 0.70, 0.79]
    assert toy.best() == TOY.parse("width=8,kernel=3"), "the first one on a tie"


def test_fractions_need_no_unit_and_a_table_needs_no_test(tmp_path):
    lines = ["architecture,validation", *(f'"{each}",0.5' for each in TOY)]
    toy = table(tmp_path, lines, unit="fraction", test=None)
    assert toy([TOY.architecture((0, 0))])[0].accuracy == 0.5
    assert not toy.has_test
    with pytest.raises(ValueError, match=r"table toy\.csv has no test accuracies"):
        toy.test(TOY.architecture((0, 0)))


def test_a_table_that_is_not_complete_says_how_many_are_missing_and_names_one(tmp_path):
    message = r"must have all 4 architectures of toy and has 3; one that is missing is width=8,kernel=3"
    with pytest.raises(ValueError, match=message):
        table(tmp_path, LINES[:3] + LINES[4:])
    with pytest.raises(ValueError, match=message):
        json_table(tmp_path, ROWS[:2] + ROWS[3:])


def test_a_row_that_comes_twice_is_refused_with_both_places(tmp_path):
    with pytest.raises(ValueError, match="line 6: 'width=8,kernel=1' is already on line 3"):
        table(tmp_path, [*LINES, LINES[2]])
    with pytest.raises(ValueError, match="entry 5: 'width=8,kernel=1' is already on entry 2"):
        json_table(tmp_path, [*ROWS, ROWS[1]])
    with pytest.raises(ValueError, match="'width=8,kernel=1' comes twice"):
        json_table(tmp_path, json.dumps(BY_NAME)[:-1] + ', "width=8,kernel=1": {}}')


def test_a_score_that_is_a_metric_and_metrics_that_are_a_string_are_refused(tmp_path):
    with pytest.raises(ValueError, match="the score is each trial's accuracy, so it may not be a metric as well; got"):
        table(tmp_path, metrics=["validation"], units={"validation": ("%", "higher")})
    with pytest.raises(ValueError, match=r"metrics must be a list of columns, such as \['seconds'\]; got 'seconds'"):
        table(tmp_path, metrics="seconds")


def test_a_column_that_comes_twice_is_refused(tmp_path):
    twice = [LINES[0].replace("seconds", "test"), *LINES[1:]]
    with pytest.raises(ValueError, match=r"toy\.csv has 2 columns 'test'; every column must have its own name"):
        table(tmp_path, twice)


def test_what_a_spreadsheet_writes_before_the_first_column_is_skipped(tmp_path):
    assert table(tmp_path, ["\ufeff" + LINES[0], *LINES[1:]]).accuracies().tolist() == [0.6, 0.8025, 0.715, 0.8025]


def test_a_field_that_never_ends_is_a_damaged_table(tmp_path):
    with pytest.raises(ValueError, match=r"toy\.csv is damaged or not a table: field larger than field limit"):
        table(tmp_path, [*LINES, '"' + "x" * 200_000])


def test_a_whole_number_that_is_too_large_is_refused_with_its_entry(tmp_path):
    with pytest.raises(ValueError, match=r"entry 3: int too large to convert to float"):
        json_table(tmp_path, [*ROWS[:2], {**ROWS[2], "validation": 10**400}, ROWS[3]])


def test_an_unknown_architecture_is_refused_with_its_line(tmp_path):
    with pytest.raises(ValueError, match="line 4: unknown option '5' of decision 'kernel'"):
        table(tmp_path, [*LINES[:3], '"width=8,kernel=5",1,1,1', LINES[4]])


@pytest.mark.parametrize("value", ["abc", "nan", "inf", ""])
def test_a_value_that_is_no_number_is_refused_with_its_line(tmp_path, value):
    with pytest.raises(ValueError, match=rf"line 4: .* must be a finite number, such as .*; got '{value}'"):
        table(tmp_path, [*LINES[:3], f'"width=8,kernel=3",{value},1,1', LINES[4]])


@pytest.mark.parametrize("value", [None, True, [1], float("nan"), "x"])
def test_a_json_value_that_is_no_number_is_refused_with_its_entry(tmp_path, value):
    with pytest.raises(ValueError, match=r"entry 3: every value must be a finite number"):
        json_table(tmp_path, [*ROWS[:2], {**ROWS[2], "validation": value}, ROWS[3]])


def test_percent_read_as_fractions_is_refused(tmp_path):
    message = r"accuracies with unit 'fraction'; its values are 60\.\.80\.25\. Is it unit='%'"
    with pytest.raises(ValueError, match=message):
        table(tmp_path, unit="fraction")


def test_fractions_read_as_percent_are_refused(tmp_path):
    lines = ["architecture,validation", *(f'"{each}",0.5' for each in TOY)]
    message = r"accuracies with unit '%'; its values are 0\.5\.\.0\.5\. Is it unit='fraction'"
    with pytest.raises(ValueError, match=message):
        table(tmp_path, lines, test=None)
    with pytest.raises(ValueError, match="unit must be 'fraction' or '%'; got 'percent'"):
        table(tmp_path, unit="percent")


def test_a_column_that_is_no_accuracy_is_refused(tmp_path):
    for settings in ({"score": "seconds"}, {"test": "seconds"}):
        with pytest.raises(ValueError, match=r"column 'seconds' .* its values are 11\.\.140.* or another column"):
            table(tmp_path, **settings)


def test_a_missing_column_lists_the_columns(tmp_path):
    for settings in ({"score": "accuracy"}, {"test": "accuracy"}, {"metrics": ["accuracy"]}):
        with pytest.raises(ValueError, match=r"no column 'accuracy' in .*; it has validation, test, seconds"):
            table(tmp_path, **settings)
    with pytest.raises(ValueError, match=r"no column 'test' in .*; it has validation \(entry 2\)"):
        json_table(tmp_path, [ROWS[0], {"architecture": "width=8,kernel=1", "validation": 0.5}])


def test_a_file_that_was_cut_off_is_refused(tmp_path):
    table(tmp_path, name="whole.csv.gz")
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes((tmp_path / "whole.csv.gz").read_bytes()[:-12])
    with pytest.raises(ValueError, match=r"cut.csv.gz is damaged or not a table.*Copy or download it again"):
        read(TOY, cut, score="validation", unit="%")
    with pytest.raises(ValueError, match=r"line 5: expected 4 values, as in the header; got 2\. Was it cut off"):
        table(tmp_path, [*LINES[:4], '"width=16,kernel=3",80.25'])
    with pytest.raises(
        ValueError, match=r"line 5: expected 4 values, as in the header; got 5\. A value with commas in"
    ):
        table(tmp_path, [*LINES[:4], "width=16,kernel=3,80.25,1,1"])
    with pytest.raises(ValueError, match=r"toy.json is damaged or not a table"):
        json_table(tmp_path, json.dumps(ROWS)[:-5])


def test_a_file_that_is_no_table_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must begin with 'architecture,<column>,…', .*; it begins with 'hello'"):
        table(tmp_path, ["hello"])
    with pytest.raises(ValueError, match=r"with commas between columns; it begins with 'architecture;validation'"):
        table(tmp_path, ["architecture;validation"])
    with pytest.raises(ValueError, match="must be an object of objects or a list of them; it is '3'"):
        json_table(tmp_path, 3)
    for document in ([3], {"width=8,kernel=1": 3}, [{"validation": 0.5}]):
        with pytest.raises(ValueError, match=r"entry 1: expected an object with the architecture's string"):
            json_table(tmp_path, document)
    with pytest.raises(ValueError, match="is damaged or not a table"):
        (tmp_path / "plain.csv.gz").write_text("architecture,validation\n")
        read(TOY, tmp_path / "plain.csv.gz", score="validation")
    with pytest.raises(FileNotFoundError):
        read(TOY, tmp_path / "nowhere.csv", score="validation")


@pytest.mark.parametrize("name", ["toy.npz", "toy.parquet", "toy.txt.gz", "csv"])
def test_a_file_of_another_kind_is_refused_by_its_name(tmp_path, name):
    message = (
        r"must end in \.csv or \.json, or one of them and \.gz\. .* \.npz is read by nas\.tables\.Table\.load\(file\)"
    )
    with pytest.raises(ValueError, match=message):
        table(tmp_path, name=name)


def test_a_space_after_a_comma_is_no_part_of_a_name(tmp_path):
    spaced = [line.replace(",v", ", v").replace(",t", ", t") for line in LINES]
    assert (
        spaced[0] != LINES[0] and table(tmp_path, spaced).settings["checksum"] == table(tmp_path).settings["checksum"]
    )


def test_text_in_another_encoding_is_told(tmp_path):
    path = tmp_path / "toy.csv"
    path.write_text("\n".join(LINES), encoding="utf-16")
    with pytest.raises(ValueError, match=r"toy\.csv must be text in UTF-8; it is not: .*Save it again as that"):
        read(TOY, path, score="validation", unit="%")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": "10"}, "epochs must be a number; got '10'"),
        ({"units": {"latency": ("ms", "lower")}}, "units must be of metrics; got one of 'latency', which is none"),
        ({"metrics": ["seconds"], "units": {"seconds": "s"}}, r"such as \('ms', 'lower'\); got 's'"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        table(tmp_path, **settings)


def test_the_name_of_a_space_is_no_space(tmp_path):
    with pytest.raises(TypeError, match=r"space must be a search space, .*; got 'toy'"):
        read("toy", tmp_path / "toy.csv", score="validation")


def test_the_ending_of_a_name_may_be_in_capitals(tmp_path):
    assert table(tmp_path, name="TOY.CSV").settings["checksum"] == table(tmp_path).settings["checksum"]


def test_a_long_value_that_is_no_number_is_cut_off(tmp_path):
    with pytest.raises(ValueError, match=r"entry 1: .*; got '\[0, 0, .{73}'\.$"):
        json_table(tmp_path, [{**ROWS[0], "validation": [0] * 1_000}])


def test_a_tables_settings_change_with_its_content_and_do_not_say_where_it_is(tmp_path):
    first = table(tmp_path).settings
    assert str(tmp_path) not in json.dumps([first, table(tmp_path).provenance])
    other = [line.replace("71.5", "71.6") for line in LINES]
    assert table(tmp_path, other).settings != first
    assert table(tmp_path).settings == first


def test_nas_bench_201_has_its_known_optimum(data_folder):
    """The best mean test accuracy after 200 epochs on CIFAR-10 is 94.37 % (arXiv:2001.00326, Table 5)."""
    path = None if data_folder is None else data_folder / "nas-bench-201-cifar10.csv.gz"
    if path is None or not path.is_file():
        pytest.skip("set NASEDU_DATA to a folder that has nas-bench-201-cifar10.csv.gz")
    columns = {"score": "validation_accuracy_12_epochs", "test": "test_accuracy_200_epochs"}
    bench = read(SPACE, path, unit="%", epochs=12, **columns)
    assert len(bench) == 15_625
    best = SPACE.parse(
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
    )
    assert bench.test(best) == bench.test_accuracies().max() == pytest.approx(0.9437, abs=5e-5)
    assert bench([best])[0].epochs == 12
