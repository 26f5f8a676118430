"""Building a table: what is in it, and that it survives being killed, stopped, damaged and gone on with."""

import json
import os
import platform
import signal
import statistics
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from nasedu import cli, training
from nasedu.data import Dataset, Split
from nasedu.evaluators import Population
from nasedu.spaces import NASBench201
from nasedu.tables import Table, names
from nasedu.tables import build as building
from nasedu.tables.build import RECIPES, Recipe, batches, build, distinct, measure, shortened, train

SPACE = NASBench201()
TINY = Recipe("tiny", "digits", epochs=1, channels=4)
CELLS = [
    SPACE.architecture(choices) for choices in ((3, 0, 0, 1, 0, 0), (0,) * 6, (1, 3, 2, 4, 0, 3), (2, 0, 0, 4, 0, 0))
]
ROWS = np.arange(SPACE.size) % len(CELLS)  # as if the space had but four functions


@pytest.fixture(autouse=True)
def four_functions(monkeypatch):
    monkeypatch.setattr(building, "distinct", lambda space: (CELLS, ROWS))


def tiny(folder, seeds=2, **settings):
    """Build it here, in this process, in batches of two."""
    return Table.load(build(TINY, folder, seeds=seeds, **{"processes": 1, "batch": 2, "progress": False, **settings}))


def lines(folder):
    return [json.loads(line) for line in (folder / "tiny.part.jsonl").read_text().splitlines()]


def trainings(folder):
    return [(line["seed"], line["row"]) for line in lines(folder) if "seed" in line]


def assert_same(first, second):
    """All but times."""
    assert first.seeds == second.seeds and first.epochs == second.epochs and first.samples == second.samples
    np.testing.assert_array_equal(first.validation, second.validation)
    np.testing.assert_array_equal(first._tests, second._tests)
    for name in ("parameters", "flops"):
        np.testing.assert_array_equal(first.metrics[name], second.metrics[name])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A build that nothing disturbed: its folder and its table."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "distinct", lambda space: (CELLS, ROWS))
        return folder, tiny(folder)


# What is built ---------------------------------------------------------------------------------


def test_nas_bench_201_has_5044_functions_and_the_map_is_that_of_canonical():
    first, rows = distinct(SPACE)
    canonical = [SPACE.canonical(cell) for cell in SPACE]
    assert len(first) == len(set(canonical)) == 5_044
    assert [SPACE.canonical(first[row]) for row in rows] == canonical
    cells, (_, appearance) = list(SPACE), np.unique(rows, return_index=True)
    assert first == [cells[index] for index in appearance], "the first in the space's order"
    assert (np.diff(appearance) > 0).all(), "in order of appearance"


def test_the_shipped_recipes_are_the_names_and_train_as_the_evaluator_does_by_default():
    assert names() == list(RECIPES)
    for recipe in RECIPES.values():
        settings, expected = recipe.settings("cpu"), Population(recipe.load_data(), device="cpu").settings
        assert {**expected, **settings} == {**expected, "space": "nasbench201"}
        assert settings["epochs"] == 10 and settings["channels"] == 8


def test_the_accuracies_are_those_of_the_evaluator(whole):
    table = whole[1]
    assert table.validation.shape == (4, 2, 1) and table.seeds == (0, 1) and table.epochs == (1,)
    assert table.rows.tolist() == ROWS.tolist()
    for index, seed in enumerate(table.seeds):
        evaluator = Population(TINY.load_data(), epochs=1, seed=seed, channels=4, device="cpu", largest=2)
        trials = evaluator(CELLS)
        assert table.validation[:, index, 0].tolist() == [trial.accuracy for trial in trials]
        networks = [network for pair in (CELLS[:2], CELLS[2:]) for network, _ in evaluator.fit_all(pair)]
        tests = [training.accuracy(network, TINY.load_data(), "test", "cpu") for network in networks]
        assert table._tests[:, index].tolist() == tests
    for name in ("parameters", "flops"):
        assert table.metrics[name].tolist() == [trial.metrics[name].value for trial in trials]


def test_an_epoch_takes_the_time_of_its_steps(monkeypatch):
    """By a clock that goes on by 1, 2, 3, … seconds; digits have 7 batches, so 3 epochs have 6 intervals each."""
    seconds, now = iter(range(1_000)), [0]

    def clock():
        now[0] += next(seconds)
        return now[0]

    monkeypatch.setattr(building, "time", SimpleNamespace(thread_time=clock))
    dataset, steps = shortened(TINY)
    assert steps == 7
    # Starts 0..6 are training steps of the first epoch, 7..13 of the second, …; start i comes i s after start i - 1.
    intervals = [i for i in range(1, 21) if i % 7]
    expected = statistics.median(intervals[4:14]) * 7
    assert measure(TINY, CELLS[2], dataset, steps)["seconds_per_epoch"] == expected, "ten steps after four"


def test_an_epoch_of_one_step_cannot_be_timed_and_is_refused_before_anything_is_trained(tmp_path, monkeypatch):
    data = TINY.load_data()
    few = Dataset(
        "few", data.input_shape, data.classes, *(Split(data.train.inputs[:255], data.train.labels[:255]),) * 3
    )
    monkeypatch.setattr(Recipe, "load_data", lambda recipe: few)
    with pytest.raises(ValueError, match="few must have at least 2 batches of 128 training samples; got 255 samples"):
        tiny(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [1, 3])
def test_a_batch_is_what_is_trained_side_by_side(tmp_path, monkeypatch, size):
    fit_population, sizes = training.fit_population, []

    def counted(networks, *rest, **named):
        sizes.append(len(networks))
        return fit_population(networks, *rest, **named)

    monkeypatch.setattr(training, "fit_population", counted)
    monkeypatch.setattr(training, "population_size", lambda *_: 2)
    tiny(tmp_path, seeds=1, batch=size)
    assert sizes == {1: [1, 1, 1, 1], 3: [3, 1]}[size]
    sizes.clear()
    tiny(tmp_path, seeds=2, batch=None)
    assert sizes == {1: [1, 1, 1, 1], 3: [3, 1]}[size], "the batch of the last run"
    sizes.clear()
    tiny(tmp_path / "other", seeds=1, batch=None)
    assert sizes == [2, 2], "what is quickest"


def test_the_provenance_says_how_it_was_made(whole):
    provenance = whole[1].provenance
    assert provenance["command"] == "nasedu table build tiny --seeds 2"
    assert provenance["settings"]["dataset"]["checksum"] == TINY.load_data().checksum
    (made,) = provenance["builds"]
    assert made["seeds"] == [0, 1] and made["training_seconds"] >= 0
    assert set(made["versions"]) == {"nasedu", "torch", "numpy", "python"}
    assert made["runs"][0]["machine"] and made["runs"][0]["started"].startswith("20")
    assert str(whole[0]) not in json.dumps(provenance)
    assert made["runs"][0]["processes"] == 1 and made["runs"][0]["batch"] == 2


def test_no_table_says_in_which_folder_it_was_built(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["/home/lovelace/nasedu", "table", "build", "tiny", "--out", str(tmp_path)])
    said = json.dumps(tiny(tmp_path, seeds=1).provenance)
    assert str(tmp_path) not in said and "lovelace" not in said
    written = (tmp_path / "tiny.part.jsonl").read_text()
    assert str(tmp_path) not in written and "lovelace" not in written


def test_commands_that_older_builds_recorded_are_read_and_get_into_no_table(tmp_path):
    tiny(tmp_path, seeds=1)
    part, path = tmp_path / "tiny.part.jsonl", tmp_path / "tiny.npz"
    part.write_text(part.read_text().replace('{"run": {', '{"run": {"command": "nasedu --out /home/lovelace", '))
    path.unlink()
    assert "lovelace" not in json.dumps(tiny(tmp_path, seeds=1).provenance), "from the part file"
    old = Table.load(path)
    old.provenance["builds"][0]["runs"][0]["command"] = "nasedu --out /home/lovelace"
    old.save(path)
    assert "lovelace" in json.dumps(Table.load(path).provenance)
    both = tiny(tmp_path, seeds=2)
    assert both.seeds == (0, 1) and "lovelace" not in json.dumps(both.provenance), "from the table that it goes on with"


def test_all_rows_of_a_seed_come_before_the_next_seed(whole):
    assert trainings(whole[0]) == [(seed, row) for seed in (0, 1) for row in range(4)]


def test_worker_processes_give_the_same_table(whole, tmp_path):
    assert_same(tiny(tmp_path, processes=2), whole[1])


def test_a_training_that_fails_is_missing_and_the_others_are_there(tmp_path, monkeypatch):
    fit_all = Population.fit_all

    def fails(evaluator, architectures):
        results = fit_all(evaluator, architectures)
        spoilt = training.TrainingFailure("the training loss became nan")
        return [
            (net, spoilt if cell == CELLS[2] and evaluator.seed == 1 else run)
            for cell, (net, run) in zip(architectures, results, strict=True)
        ]

    monkeypatch.setattr(Population, "fit_all", fails)
    table = tiny(tmp_path)
    assert np.isnan(table.validation[2, 1]).all() and not np.isnan(table.validation[2, 0]).any()
    assert np.isnan(table.validation).sum() == 1
    cell = table.architectures[2]
    assert table.rows[2] == 2, "as if that cell had the function of CELLS[2]"
    assert table.one(1)([cell])[0].failure is not None and table.one(0)([cell])[0].failure is None


# Going on --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [1, 2, 3, 5, 8, 10, 12, 13])
def test_a_build_goes_on_after_any_line(whole, tmp_path, kept):
    """The file is cut in the middle of a line, as when the power fails."""
    whole_lines = (whole[0] / "tiny.part.jsonl").read_bytes().splitlines(keepends=True)
    path = tmp_path / "tiny.part.jsonl"
    cut = whole_lines[kept][:20] if kept != 3 else b"x" * 5000  # longer than what is written over it
    path.write_bytes(b"".join(whole_lines[:kept]) + cut)
    assert_same(tiny(tmp_path), whole[1])
    assert len({*trainings(tmp_path)}) == 8
    assert b"".join(whole_lines[:kept]) == path.read_bytes()[: len(b"".join(whole_lines[:kept]))]


def test_what_is_there_is_not_made_again(whole, tmp_path, monkeypatch):
    (tmp_path / "tiny.part.jsonl").write_bytes((whole[0] / "tiny.part.jsonl").read_bytes())
    monkeypatch.setattr(building, "train", None)
    monkeypatch.setattr(building, "measure", None)
    assert_same(tiny(tmp_path), whole[1])


SCRIPT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal; a job in the background ignores it
from nasedu import cli
import numpy as np
sys.path.insert(0, {tests!r})
import test_table_build as tests
from nasedu.tables import build as building
building.distinct = lambda space: (tests.CELLS, tests.ROWS)
append = building._Part.append

def slowly(part, *records):
    append(part, *records)
    if len(part.trained) + len(part.timed) >= {stop}:
        print("ready", flush=True)
        time.sleep(60)

building._Part.append = slowly
if __name__ == "__main__":
    building.RECIPES["tiny"] = tests.TINY
    options = ["--seeds", "2", "--processes", "{processes}", "--batch", "2", "--quiet", "--device", "cpu"]
    sys.exit(cli.main(["table", "build", "tiny", "--out", {folder!r}, *options]))
"""


def start_and_wait(tmp_path, stop, processes):
    """Start a build in a process of its own that waits when it has so many results."""
    script = tmp_path / "script.py"
    folder, here = tmp_path / "build", Path(__file__).parent
    script.write_text(SCRIPT.format(tests=str(here), stop=stop, folder=str(folder), processes=processes))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, str(script)], text=True, start_new_session=True, **pipes)
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process, folder


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
@pytest.mark.parametrize(("stop", "processes"), [(2, 1), (4, 2), (10, 1)])
def test_a_build_that_is_killed_goes_on_and_ends_as_if_nothing_had_happened(whole, tmp_path, stop, processes):
    process, folder = start_and_wait(tmp_path, stop, processes)
    process.kill()
    process.communicate()
    done = len(trainings(folder)) + sum("flops" in line for line in lines(folder))
    assert stop <= done < 12
    assert_same(tiny(folder), whole[1])


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_workers_and_keeps_what_is_there(whole, tmp_path, how):
    process, folder = start_and_wait(tmp_path, stop=2, processes=2)
    if how == signal.SIGINT:
        os.killpg(process.pid, how)  # all processes, as Ctrl-C in a terminal does
    else:
        process.send_signal(how)
    _, error = process.communicate(timeout=20)
    assert process.returncode == 128 + how
    assert error.startswith("nasedu: interrupted; what was finished is in ") and error.count("\n") == 1
    assert 2 <= len(trainings(folder)) < 8
    assert_same(tiny(folder), whole[1])


def test_the_command_says_what_is_kept_when_it_is_interrupted(capsys, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("nasedu.tables.build.build", interrupted)
    assert cli.main(["table", "build", "nasbench201-digits", "--out", str(tmp_path)]) == 130
    said = capsys.readouterr().err
    assert f"is in {tmp_path / 'nasbench201-digits.part.jsonl'}, and the same command goes on from there" in said


def test_only_seeds_that_are_complete_are_packed(whole, tmp_path):
    folder = tmp_path
    all_lines = (whole[0] / "tiny.part.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "tiny.part.jsonl").write_bytes(b"".join(all_lines[:8]))  # seed 0, and two rows of seed 1
    table = tiny(folder, seeds=1)
    assert table.seeds == (0,)
    np.testing.assert_array_equal(table.validation, whole[1].validation[:, :1])
    assert len(trainings(folder)) == 6, "the rows of seed 1 are still there"
    assert_same(tiny(folder, seeds=2), whole[1])


def test_seeds_are_added_to_a_packed_table_without_training_the_others_again(whole, tmp_path):
    first = tiny(tmp_path, seeds=1)
    (tmp_path / "tiny.part.jsonl").unlink()
    both = tiny(tmp_path, seeds=2)
    assert_same(both, whole[1])
    assert {seed for seed, _ in trainings(tmp_path)} == {1}
    assert both.metrics["seconds_per_epoch"].tolist() == first.metrics["seconds_per_epoch"].tolist()
    assert [made["seeds"] for made in both.provenance["builds"]] == [[0], [1]]
    again = tiny(tmp_path, seeds=1)
    assert_same(again, whole[1])
    assert len(again.provenance["builds"]) == 2


def test_the_provenance_has_the_runs_that_trained_or_timed_what_is_packed(tmp_path):
    tiny(tmp_path, seeds=1)
    assert tiny(tmp_path, seeds=1).seeds == (0,)  # a run with nothing to do
    builds = tiny(tmp_path, seeds=2).provenance["builds"]
    assert [[(run["seeds"], run["timed"]) for run in made["runs"]] for made in builds] == [
        [([0], True)],
        [([1], False)],
    ]
    (tmp_path / "tiny.npz").unlink()
    (made,) = tiny(tmp_path, seeds=2).provenance["builds"]
    assert [(run["seeds"], run["timed"]) for run in made["runs"]] == [([0], True), ([1], False)]


def test_a_second_build_in_the_same_folder_is_refused_and_a_lock_of_a_dead_process_is_not(whole, tmp_path):
    lock, mine = tmp_path / "tiny.lock", psutil.Process()
    (tmp_path / "tiny.part.jsonl").write_bytes((whole[0] / "tiny.part.jsonl").read_bytes())
    lock.write_text(f"{mine.pid} {mine.create_time()}")
    with pytest.raises(ValueError, match=rf"process {mine.pid} is building here, says .*tiny\.lock\. Wait for it, or"):
        tiny(tmp_path)
    assert lock.is_file() and len(lines(tmp_path)) == len(lines(whole[0])), "the other one keeps lock and file"
    for dead in (f"{mine.pid} {mine.create_time() - 60}", "99999999 1.0", f"{mine.pid}", ""):
        lock.write_text(dead)
        assert_same(tiny(tmp_path), whole[1])
        assert not lock.exists()


def test_a_build_of_another_machine_is_not_taken_for_dead(whole, tmp_path):
    lock, mine = tmp_path / "tiny.lock", psutil.Process()
    for holder in (f"{mine.pid} {mine.create_time()} elsewhere", "99999999 1.0 elsewhere"):
        lock.write_text(holder)
        with pytest.raises(ValueError, match=r"process \d+ on elsewhere is building here, .* over, delete the file\."):
            tiny(tmp_path)
        assert lock.read_text() == holder
    lock.write_text(f"{mine.pid} {mine.create_time()} {platform.node()}")
    with pytest.raises(ValueError, match=f"process {mine.pid} is building here"):
        tiny(tmp_path)
    lock.write_text(f"99999999 1.0 {platform.node()}")
    (tmp_path / "tiny.part.jsonl").write_bytes((whole[0] / "tiny.part.jsonl").read_bytes())
    assert_same(tiny(tmp_path), whole[1])


@pytest.mark.parametrize("links", [True, False])
def test_a_lock_has_its_content_from_the_first_moment_and_leaves_nothing_behind(tmp_path, monkeypatch, links):
    link, lock, seen = os.link, tmp_path / "tiny.lock", []

    def watched(file, path):
        seen.append((Path(file).read_text(), lock.exists()))
        if not links:
            raise PermissionError("no links here")
        link(file, path)

    monkeypatch.setattr(os, "link", watched)
    mine = f"{os.getpid()} {psutil.Process().create_time()} {platform.node()}"
    with building._alone(lock):
        assert lock.read_text() == mine and list(tmp_path.iterdir()) == [lock]
        with pytest.raises(ValueError, match=f"process {os.getpid()} is building here"), building._alone(lock):
            pass
        assert list(tmp_path.iterdir()) == [lock]
    assert list(tmp_path.iterdir()) == []
    assert seen == [(mine, False), (mine, True)]


# What is refused -------------------------------------------------------------------------------


def with_header(folder, whole, change):
    all_lines = (whole[0] / "tiny.part.jsonl").read_text().splitlines(keepends=True)
    header = json.loads(all_lines[0])
    change(header)
    (folder / "tiny.part.jsonl").write_text(json.dumps(header) + "\n" + "".join(all_lines[1:]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h["settings"].update(epochs=3), "settings epochs is 3 there and 1 now"),
        (lambda h: h["settings"]["dataset"].update(checksum="0"), "settings dataset checksum is '0' there and '"),
        (lambda h: h["settings"].update(device="cuda"), "settings device is 'cuda' there and 'cpu' now"),
        (lambda h: h["versions"].update(torch="1.0"), "versions torch is '1.0' there and '"),
        (lambda h: h.update(version=2), "version is 2 there and 1 now"),
        (lambda h: h.update(name="other"), "name is 'other' there and 'tiny' now"),
    ],
)
def test_a_part_file_of_other_settings_or_versions_is_refused_and_kept(whole, tmp_path, change, message):
    with_header(tmp_path, whole, change)
    before = (tmp_path / "tiny.part.jsonl").read_bytes()
    with pytest.raises(
        ValueError, match=f"other settings or versions, which give other accuracies: {message}"
    ) as error:
        tiny(tmp_path)
    assert "build in another folder" in str(error.value)
    assert (tmp_path / "tiny.part.jsonl").read_bytes() == before


def test_what_is_no_part_file_is_refused(whole, tmp_path):
    with_header(tmp_path, whole, lambda header: header.update(format="x"))
    with pytest.raises(ValueError, match=r"is not a nasedu\.table\.part file"):
        tiny(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"seed": 0, "row": 9, "architecture": "x"}',
        '{"seed": 0, "row": 1, "architecture": "x", "validation": [1], "test": 1, "seconds": 1}',
        f'{{"seed": 0, "row": 1, "architecture": "{CELLS[1]}", "validation": [1, 2], "test": 1, "seconds": 1}}',
        f'{{"seed": 0, "row": 1, "architecture": "{CELLS[1]}", "validation": [401], "test": 1, "seconds": 1}}',
        f'{{"seed": 0, "row": 1, "architecture": "{CELLS[1]}", "validation": [1], "test": -1, "seconds": 1}}',
        f'{{"seed": 0, "row": 1, "architecture": "{CELLS[1]}", "validation": [1], "seconds": 1}}',
        '{"row": 4, "parameters": 1, "flops": 1, "seconds_per_epoch": 1}',
        '{"row": 1, "parameters": 1, "flops": -1, "seconds_per_epoch": 1}',
        '{"row": 1, "parameters": 1}',
        f'{{"seed": 0, "row": 1, "architecture": "{CELLS[1]}", "failure": "no", "seconds": -1}}',
        f'{{"seed": 0, "row": 1, "architecture": "{CELLS[1]}", "failure": "no"}}',
        '{"run": 3}',
    ],
)
def test_a_damaged_line_is_refused_with_its_number(whole, tmp_path, line):
    all_lines = (whole[0] / "tiny.part.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "tiny.part.jsonl").write_text("".join([*all_lines[:3], line + "\n", *all_lines[4:]]))
    with pytest.raises(ValueError, match=r"tiny\.part\.jsonl, line 4: .* is no line of this build .*Delete that line"):
        tiny(tmp_path)


def test_a_packed_table_of_other_settings_is_refused(whole, tmp_path):
    tiny(tmp_path, seeds=1)
    other = Table.load(tmp_path / "tiny.npz")
    longer = Recipe("tiny", "digits", epochs=2, channels=4)
    (tmp_path / "tiny.part.jsonl").unlink()
    with pytest.raises(ValueError, match="was made with other settings: epochs is 1 there and 2 now"):
        build(longer, tmp_path, seeds=2, processes=1, progress=False)
    swapped = other.rows.copy()
    swapped[:2] = 1, 0
    names = ("seeds", "epochs", "metrics", "units", "samples", "provenance")
    same = {name: getattr(other, name) for name in names}
    Table("tiny", SPACE, other.validation, rows=swapped, test=other._tests, **same).save(tmp_path / "tiny.npz")
    with pytest.raises(
        ValueError, match=r"must have the rows of this nasedu; it has 2 architectures in others\. Build"
    ):
        tiny(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seeds": 0}, "seeds must be at least 1; got 0"),
        ({"processes": 0}, "processes must be at least 1; got 0"),
        ({"batch": 0}, "batch must be at least 1; got 0"),
        ({"device": "tpu"}, "device 'tpu' is not on this machine"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        tiny(tmp_path, **settings)
    assert list(tmp_path.iterdir()) == []


def test_mistakes_at_the_command_line_are_one_line(capsys, tmp_path):
    for arguments, message in (
        (["build", "x"], "unknown table 'x'; there are nasbench201-mnist1d, nasbench201-digits"),
        (["build", "nasbench201-digits", "--seeds", "0", "--out", str(tmp_path)], "seeds must be at least 1; got 0"),
        ([], "required: COMMAND; see nasedu table --help"),
    ):
        assert cli.main(["table", *arguments]) == 2
        said = capsys.readouterr().err.splitlines()
        assert len(said) == 1 and message in said[0]


def test_batches_do_not_depend_on_what_is_left():
    jobs = list(batches(5, CELLS, 3))
    assert [[row for row, _ in pairs] for _, pairs in jobs] == [[0, 1, 2], [3]]
    assert jobs[0] == (5, [(row, CELLS[row].choices) for row in (0, 1, 2)])
    assert [record["row"] for record in train(TINY, "cpu", jobs[1])] == [3]
