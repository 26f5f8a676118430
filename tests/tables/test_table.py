"""A table: what its trials are, its views, its file, and what is refused."""

import json
import math
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import nasedu as nas
from nasedu.spaces import Chain, NASBench201
from nasedu.tables import Table

TOY = nas.SearchSpace("toy", [nas.Decision("width", (8, 16)), nas.Decision("kernel", (1, 3))], {"size": 2})
ROWS = (0, 1, 2, 1)  # the second and the last architecture compute the same
VALIDATION = np.array(  # [3 rows, 2 seeds, 3 epochs], of 40 samples
    [[[10, 20, 30], [11, 21, 33]], [[5, 6, 7], [5, 8, 9]], [[20, 30, 36], [12, 30, 26]]]
)
TEST = np.array([[40, 42], [10, 20], [60, 61]])  # of 80


def toy(**changes):
    arguments = {
        "validation": VALIDATION / 40,
        "rows": ROWS,
        "seeds": (0, 7),
        "epochs": (1, 2, 3),
        "test": TEST / 80,
        "metrics": {"parameters": (10, 20, 30), "seconds_per_epoch": (0.5, 1.0, 2.0)},
        "samples": (40, 80),
        "provenance": {"made": "by hand"},
        **changes,
    }
    return Table("toys", TOY, **arguments)


# Trials ----------------------------------------------------------------------------------------


def test_a_trial_is_the_mean_over_the_seeds_after_the_last_epoch():
    first, last = toy()(list(TOY)[::3])
    assert first.architecture == TOY.architecture((0, 0)) and last.architecture == TOY.architecture((1, 1))
    assert first.curve == pytest.approx((10.5 / 40, 20.5 / 40, 31.5 / 40))
    assert first.accuracy == first.score == first.curve[-1]
    assert first.epochs == 3 and first.cost == 1.5
    assert last.accuracy == 8 / 40
    assert last.metrics == {
        "parameters": nas.Metric(20, "weights", "lower"),
        "seconds_per_epoch": nas.Metric(1.0, "s", "lower"),
    }
    assert isinstance(last.metrics["parameters"].value, int)


def test_trials_have_no_test_accuracy():
    other = toy(test=1 - TEST / 80)
    assert [repr(trial) for trial in toy()(list(TOY))] == [repr(trial) for trial in other(list(TOY))]


def test_architectures_that_compute_the_same_share_a_row():
    first, second = toy()([TOY.architecture((0, 1)), TOY.architecture((1, 1))])
    assert first.accuracy == second.accuracy and first.architecture != second.architecture
    assert len(toy()) == 4 and len(toy().validation) == 3


def test_an_earlier_epoch_has_the_curve_and_the_cost_up_to_it():
    table = toy()
    (trial,) = table.at(2)([TOY.architecture((1, 0))])
    assert trial.curve == pytest.approx((16 / 40, 30 / 40)) and trial.accuracy == 30 / 40
    assert trial.epochs == 2 and trial.cost == 4.0
    assert table.at(3)(list(TOY)) == table(list(TOY)), "a view changes nothing of its table"


def test_a_trial_costs_one_training_of_its_epochs_whatever_its_accuracy_is_the_mean_of():
    cell = TOY.architecture((1, 0))  # 2 s an epoch
    views = [toy(), toy().one(7), toy().at(1), toy().one(0).at(1)]
    assert [view([cell])[0].cost for view in views] == [6, 6, 2, 2]
    strategy = nas.strategies.RandomSearch(TOY, np.random.default_rng(0))
    search = nas.search(strategy, toy().at(2), 100, seconds=15)
    history = search.run(progress=False)
    seconds = [2 * trial.metrics["seconds_per_epoch"].value for trial in history.trials]
    assert search.spent == sum(seconds) >= 15 > sum(seconds[:-1])


def test_one_seed_is_one_training():
    view = toy().one(7)
    assert view([TOY.architecture((1, 0))])[0].accuracy == 26 / 40
    assert view.at(1).accuracies().tolist() == [11 / 40, 5 / 40, 12 / 40, 5 / 40]
    assert toy().at(1).one(7).accuracies().tolist() == view.at(1).accuracies().tolist()
    assert toy().best() == TOY.architecture((0, 0)), "31.5 of 40 in the mean"
    assert toy().one(0).best() == TOY.architecture((1, 0)), "36 of 40 with the first seed"


def test_the_test_accuracy_is_the_mean_whatever_the_view():
    for view in (toy(), toy().one(7), toy().at(1)):
        assert view.test(TOY.architecture((1, 1))) == 15 / 80
        assert view.test_accuracies().tolist() == pytest.approx([41 / 80, 15 / 80, 60.5 / 80, 15 / 80])


def test_a_whole_number_that_is_not_known_stays_unknown():
    table = toy(metrics={"parameters": (10, math.nan, 30)})
    cells = [table.architectures[int(np.flatnonzero(np.asarray(ROWS) == row)[0])] for row in range(3)]
    values = [trial.metrics["parameters"].value for trial in table(cells)]
    assert values[0] == 10 and math.isnan(values[1]) and values[2] == 30
    assert toy().metrics["parameters"].dtype.kind == "i"


def test_trials_and_views_are_made_once():
    table = toy()
    for view in (table, table.at(2), table.one(7).at(1)):
        assert all(again is first for again, first in zip(view(list(TOY)), view(list(TOY)), strict=True))
    assert table.at(2) is table.at(2) and table.one(7).at(2) is table.at(2).one(7) is not table.at(2)
    equal = nas.SearchSpace(TOY.name, TOY.decisions, TOY.parameters)
    assert table(list(equal)) == table(list(TOY))


def test_views_have_settings_of_their_own_and_the_checksum_of_their_table():
    table = toy()
    views = [table, table.at(2), table.one(0), table.one(7), table.one(7).at(2)]
    assert len({json.dumps(view.settings) for view in views}) == 5
    assert len({view.settings["checksum"] for view in views}) == 1
    assert toy().settings == table.settings
    changes = [{"test": TEST / 81}, {"rows": (0, 1, 2, 2)}, {"metrics": {}}, {"epochs": (2, 3, 4)}, {"seeds": (0, 8)}]
    assert len({toy(**change).checksum for change in [{}, *changes]}) == 6


def test_a_view_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ValueError, match=r"epochs must be one that table toys has \(1, 2, 3\); got 4"):
        toy().at(4)
    with pytest.raises(ValueError, match=r"seed must be one of those of table toys \(0, 7\); got '0'"):
        toy().one("0")
    with pytest.raises(ValueError, match=r"seed must be one of those of table toys \(0, 7\); got 1"):
        toy().one(1)


def test_the_best_is_the_first_on_a_tie():
    assert toy(validation=np.full((3, 2, 3), 0.5)).best() == TOY.architecture((0, 0))


def test_missing_trainings_are_left_out_of_means_and_fail_alone():
    validation = VALIDATION / 40
    validation[0, 1], validation[1] = np.nan, np.nan
    table = toy(validation=validation)
    trials = table(list(TOY))
    assert trials[0].accuracy == 30 / 40
    assert trials[1].failure == "table toys has no training of it that succeeded" and trials[1].cost == 3.0
    assert table.one(7)(list(TOY))[0].failure == "table toys has no training of it with seed 7 that succeeded"
    assert table.best() == TOY.architecture((1, 0))


def test_where_no_training_succeeded_there_is_no_best():
    validation = VALIDATION / 40
    validation[:, 1] = np.nan
    table = toy(validation=validation)
    assert table.best() == TOY.architecture((1, 0))
    with pytest.raises(ValueError, match=r"<Table toys: .*, seed 7, .*> has no best architecture: all trainings are"):
        table.one(7).best()


def test_seeds_epochs_and_samples_may_be_numpys(tmp_path):
    table = toy(seeds=np.array([0, 7]), epochs=np.arange(1, 4), samples=np.array([40, 80]))
    assert (table.seeds, table.epochs, table.samples) == ((0, 7), (1, 2, 3), (40, 80))
    table.save(tmp_path / "toys.npz")
    assert_equal(Table.load(tmp_path / "toys.npz", TOY), toy())
    assert json.dumps(table.one(np.int64(7)).settings) == json.dumps(toy().one(7).settings)
    with pytest.raises(ValueError, match=r"must be different whole numbers; got \(0\.0, 7\.0\)"):
        toy(seeds=np.array([0.0, 7.0]))


def test_a_part_of_a_space_that_is_too_large_to_list_is_asked_for_its_names():
    darts = nas.space("darts")
    message = rf"not complete: .* {darts.size:,} architectures of darts; got 2\. .* names its rows, names=\["
    with pytest.raises(ValueError, match=message):
        Table("few", darts, [[[0.5]], [[0.6]]])


def test_a_curve_needs_every_epoch():
    assert toy(epochs=(1, 2, 4))(list(TOY))[0].curve == ()
    assert toy(epochs=(1, 2, 4)).at(2)(list(TOY))[0].curve != ()


def test_an_architecture_of_another_space_is_refused():
    with pytest.raises(ValueError, match=r"architectures of <SearchSpace 'toy' \(size=2\): .*>; got one of NASB"):
        toy()([NASBench201().architecture((0,) * 6)])


def test_a_string_is_no_architecture_and_says_how_to_make_one():
    for ask in (toy().test, lambda text: toy()([text])):
        with pytest.raises(TypeError, match=r"got 'width=8,kernel=1'\. space\.parse\(text\) makes an architecture"):
            ask("width=8,kernel=1")


def test_values_cannot_be_changed():
    table = toy()
    for values in (table.validation, table.rows, table.metrics["parameters"]):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 0


def test_a_table_says_what_it_is():
    assert repr(toy()) == "<Table toys: 4 architectures of toy in 3 rows, 2 seeds, after epoch 3>"
    assert repr(toy().one(7).at(1)) == "<Table toys: 4 architectures of toy in 3 rows, seed 7, after epoch 1>"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"validation": VALIDATION[:, :1] / 40},
            r"validation of table toys must have the shape \(3, 2, 3\); got \(3, 1",
        ),
        ({"test": TEST[:2] / 80}, r"test of table toys must have the shape \(3, 2\); got \(2, 2\)"),
        ({"metrics": {"flops": (1, 2)}}, r"flops of table toys must have the shape \(3,\); got \(2,\)"),
        (
            {"validation": VALIDATION},
            r"validation of table toys must be accuracies in \[0, 1\]; got 5\.\.36\. Divide percent by 100\.",
        ),
        ({"test": -TEST / 80}, r"test of table toys must be accuracies in \[0, 1\]; got -0\.7625\.\.-0\.125\."),
        ({"rows": (0, 1, 2)}, r"not complete: it must have the row of each of the 4 architectures of toy; got an"),
        ({"rows": (0, 1, 2, 3)}, "its 3 rows must all be used, and no others; row 3 is used and not there"),
        ({"rows": (0, 1, 2, -1)}, "its 3 rows must all be used, and no others; row -1 is used and not there"),
        ({"rows": (0, 1, 1, 1)}, "its 3 rows must all be used, and no others; row 2 is not used"),
        (
            {"rows": None},
            r"not complete: it must have a row for each of the 4 architectures of toy; got 3\. .*names=\[",
        ),
        ({"metrics": {"watts": (1, 2, 3)}}, "metric 'watts' needs a unit and a direction"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        toy(**changes)


def test_a_search_on_a_table_resumes_only_with_the_same_view(tmp_path):
    path = tmp_path / "search.nas.jsonl"

    def search(table, trials):
        strategy = nas.strategies.RandomSearch(TOY, np.random.default_rng(0))
        return nas.search(strategy, table, trials, history=path).run(progress=False)

    search(toy(), 2)
    assert len(search(toy(), 3).trials) == 3
    with pytest.raises(ValueError, match="evaluator"):
        search(toy().one(7), 4)


def test_importing_tables_and_looking_up_loads_no_torch():
    code = (
        "import sys, nasedu as nas; s = nas.space('nasbench201'); t = nas.tables.Table('x', s, [[[0.5]]] * 15625);"
        "t(list(s)[:9]); print([name for name in ('torch', 'pandas', 'tqdm', 'nats_bench') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


# Files -----------------------------------------------------------------------------------------


def assert_equal(first, second):
    assert repr(first) == repr(second) and first.settings == second.settings
    assert first.provenance == second.provenance and first.samples == second.samples
    assert [repr(trial) for trial in first(first.architectures)] == [
        repr(trial) for trial in second(second.architectures)
    ]
    np.testing.assert_array_equal(first.test_accuracies(), second.test_accuracies())


def test_a_saved_table_is_the_same_to_the_last_bit(tmp_path):
    path = tmp_path / "toys.npz"
    toy().save(path)
    assert_equal(Table.load(path, TOY), toy())
    first = path.read_bytes()
    Table.load(path, TOY).save(path)
    assert path.read_bytes() == first
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["toys", "toys.csv"])
def test_a_table_is_saved_as_npz(tmp_path, name):
    with pytest.raises(ValueError, match=rf"whose name ends in \.npz; got '.*{name}'"):
        toy().save(tmp_path / name)
    assert [*tmp_path.iterdir()] == []


def test_what_cannot_be_saved_leaves_nothing_behind(tmp_path, monkeypatch):
    with pytest.raises(TypeError, match=r"provenance of table toys must be JSON values: .* int64 .* take \.tolist\(\)"):
        toy(provenance={"rows": np.int64(3)}).save(tmp_path / "toys.npz")
    assert list(tmp_path.iterdir()) == []

    def full(file, **arrays):
        file.write(b"PK")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="no space left"):
        toy().save(tmp_path / "toys.npz")
    assert list(tmp_path.iterdir()) == []


def test_counts_are_stored_and_missing_ones_stay_missing(tmp_path):
    path, validation = tmp_path / "toys.npz", VALIDATION / 40
    validation[0, 1] = np.nan
    toy(validation=validation).save(path)
    with np.load(path, allow_pickle=False) as arrays:
        assert {key: arrays[key].dtype.name for key in arrays.files if key != "header"} == {
            "rows": "uint16",
            "validation": "uint16",
            "test": "uint16",
            "metric parameters": "int64",
            "metric seconds_per_epoch": "float32",
        }
        assert arrays["test"].tolist() == TEST.tolist()
    assert_equal(Table.load(path, TOY), toy(validation=validation))


def test_accuracies_that_are_no_counts_are_stored_as_they_are_or_refused(tmp_path):
    table = toy(validation=VALIDATION / 41, samples=None)
    table.save(tmp_path / "toys.npz")
    assert_equal(Table.load(tmp_path / "toys.npz", TOY), table)
    with pytest.raises(ValueError, match="must be whole numbers of right answers of 40 samples"):
        toy(validation=VALIDATION / 41).save(tmp_path / "toys.npz")
    assert_equal(Table.load(tmp_path / "toys.npz", TOY), table)
    large = np.full((3, 2, 3), 1.0)
    with pytest.raises(ValueError, match="of 65535 samples, at most 65,534"):
        toy(validation=large, samples=(65_535, 80)).save(tmp_path / "toys.npz")


@pytest.mark.parametrize("samples", [400, 4000, 4001])
def test_every_count_is_exact(tmp_path, samples):
    counts = np.arange(samples + 1)
    settings = {"rows": (0,) * 4, "epochs": range(1, samples + 2), "samples": (samples, 1)}
    table = Table("counts", TOY, counts[None, None] / samples, **settings)
    table.save(tmp_path / "counts.npz")
    assert Table.load(tmp_path / "counts.npz", TOY).validation.tolist() == table.validation.tolist()


def edited(path, **changes):
    """Write the file again with other arrays; a callable changes the header."""
    with np.load(path, allow_pickle=False) as found:
        arrays = {key: found[key] for key in found.files}
    if "header" in changes:
        header = json.loads(str(arrays["header"]))
        changes["header"](header)
        changes["header"] = np.array(json.dumps(header))
    arrays.update(changes)
    np.savez(path, **{key: values for key, values in arrays.items() if values is not None})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"header": lambda header: header.update(format="x")}, "is not a nasedu.table file: its format is 'x'"),
        (
            {"header": lambda header: header.update(version=2)},
            "has version 2 of nasedu.table; this nasedu reads 1. Upd",
        ),
        ({"header": lambda header: header.pop("seeds")}, "is damaged: something is missing .*'seeds'"),
        ({"header": lambda header: header.update(units=3)}, "is damaged: something is missing or of the wrong kind"),
        ({"validation": None}, "is damaged: something is missing .*'validation'"),
        ({"metric parameters": None}, "is damaged: something is missing .*metric parameters"),
        ({"rows": np.array([0, 1, 2], np.uint16)}, "not complete: it must have the row of each of the 4"),
        ({"rows": np.array([0, 1, 2, 9], np.uint16)}, "its 3 rows must all be used, and no others"),
        ({"test": np.array([[1, 2]], np.uint16)}, r"test of table toys must have the shape \(3, 2\)"),
        ({"validation": VALIDATION.astype(np.uint16) + 20}, r"must be accuracies in \[0, 1\]"),
    ],
)
def test_a_file_whose_parts_do_not_fit_is_refused(tmp_path, changes, message):
    path = tmp_path / "toys.npz"
    toy().save(path)
    edited(path, **changes)
    with pytest.raises(ValueError, match=message) as error:
        Table.load(path, TOY)
    assert "toys.npz" in str(error.value)


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
def test_a_file_that_was_cut_off_is_refused(tmp_path, kept):
    path = tmp_path / "toys.npz"
    toy().save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if kept < 1 else kept])
    with pytest.raises(ValueError, match=r"toys\.npz is damaged or not a table: .*build it again"):
        Table.load(path, TOY)


def test_a_damaged_byte_is_noticed(tmp_path):
    path = tmp_path / "toys.npz"
    toy().save(path)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        offset = file.getinfo("validation.npy").header_offset
    content[offset + 80] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged or not a table"):
        Table.load(path, TOY)


def test_what_is_no_table_is_refused(tmp_path):
    text, array, other = tmp_path / "a.txt", tmp_path / "b.npy", tmp_path / "c.npz"
    text.write_text("architecture,validation\n")
    np.save(array, np.zeros(3))
    np.savez(other, weights=np.zeros(3))
    for path in (text, array, other):
        with pytest.raises(ValueError, match="is damaged or not a table") as error:
            Table.load(path)
        assert "nas.tables.read(space, file, score=…)" in str(error.value) and "pickle" not in str(error.value)
    with pytest.raises(FileNotFoundError):
        Table.load(tmp_path / "nowhere.npz")


def test_a_file_cannot_carry_code(tmp_path):
    path = tmp_path / "toys.npz"
    toy().save(path)
    edited(path, validation=np.array([print], dtype=object))
    with pytest.raises(ValueError, match="is damaged or not a table"):
        Table.load(path, TOY)


def test_a_table_of_another_space_or_other_parameters_is_refused(tmp_path):
    path = tmp_path / "toys.npz"
    toy().save(path)
    same_but_one = nas.SearchSpace("toy", TOY.decisions, {"size": 3})
    for space in (NASBench201(), same_but_one):
        with pytest.raises(ValueError, match=r"it is a table of another space: toy with the parameters \{'size': 2\}"):
            Table.load(path, space)
    with pytest.raises(
        ValueError, match=r"space 'toy' is not installed here.*nas.tables.Table.load\('toys.npz', space="
    ):
        Table.load(path)


def test_an_installed_space_is_found_by_its_name_and_parameters(tmp_path):
    space = Chain(max_depth=1, widths=(8,), kernels=(3,), activations=("relu",))
    table = Table("chains", space, np.full((space.size, 1, 1), 0.5))
    table.save(tmp_path / "chains.npz")
    assert Table.load(tmp_path / "chains.npz").space == space
    edited(tmp_path / "chains.npz", header=lambda header: header["space"]["decisions"].pop())
    with pytest.raises(ValueError, match="it is a table of another space: chain"):
        Table.load(tmp_path / "chains.npz")


# By name ---------------------------------------------------------------------------------------


def test_an_unknown_name_is_answered_with_those_there_are():
    assert nas.tables.names() == ["nasbench201-mnist1d", "nasbench201-digits"]
    with pytest.raises(ValueError, match="unknown table 'x'; there are nasbench201-mnist1d, nasbench201-digits"):
        nas.tables.load("x")


def test_a_table_that_is_not_in_this_installation_says_how_to_build_it(monkeypatch, tmp_path):
    monkeypatch.setattr("nasedu.tables.__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(FileNotFoundError, match="Build it with 'nasedu table build nasbench201-digits'"):
        nas.tables.load("nasbench201-digits")
    Table("x", NASBench201(), np.full((15_625, 1, 1), 0.5)).save(tmp_path / "nasbench201-digits.npz")
    assert nas.tables.load("nasbench201-digits").name == "x"


def test_seconds_that_are_not_known_are_no_cost():
    trials = toy(metrics={"seconds_per_epoch": (np.nan, 1.0, 2.0)})(list(TOY)[:2])
    assert [trial.cost for trial in trials] == [0, 3]
    assert np.isnan(trials[0].metrics["seconds_per_epoch"].value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": (3, 3)}, r"seeds of table toys must be different whole numbers; got \(3, 3\)"),
        ({"seeds": (0, "7")}, r"seeds of table toys must be different whole numbers; got \(0, '7'\)"),
        ({"epochs": (1, 3, 2)}, r"epochs of table toys must be above 0 and rise, or .*; got \(1, 3, 2\)"),
        ({"epochs": (0, 1, 2)}, "epochs of table toys must be above 0 and rise"),
        ({"epochs": (1, None, 2)}, "epochs of table toys must be above 0 and rise"),
        ({"epochs": (), "validation": np.zeros((3, 2, 0))}, r"epochs of table toys must be .*; got \(\)"),
        (
            {"metrics": {"watts": (1, 2, 3)}, "units": {"watts": ("W", "less")}},
            r"units of metric watts of table toys must be .* higher or lower, .*; got \('W', 'less'\)",
        ),
    ],
)
def test_axes_and_units_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        toy(**changes)
