"""The command line: each command does its work on tiny settings, and each mistake is one line that says what to do."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nasedu as nas
from nasedu import cli

ROOT = Path(__file__).parents[1]
CELL = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|none~2|"


def fails(capsys: pytest.CaptureFixture, *arguments: str) -> str:
    """Run a command that must fail, and return its one line on stderr."""
    assert cli.main(list(arguments)) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("nasedu: ")
    return lines[0]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table in which a cell is better the more convolutions it has."""
    path = tmp_path / "table.csv"
    rows = [f"{cell},{str(cell).count('conv') / 8},{str(cell).count('conv') / 10}" for cell in nas.spaces.NASBench201()]
    path.write_text("\n".join(["architecture,validation,held_out", *rows]) + "\n", encoding="utf-8")
    return path


# Help and mistakes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["lab", "--help"],
        ["search", "-h"],
        ["draw", "-h"],
        ["export", "-h"],
        ["table", "-h"],
        ["table", "build", "-h"],
        ["doctor", "-h"],
    ],
)
def test_help_is_printed(capsys: pytest.CaptureFixture, arguments: list[str]) -> None:
    assert cli.main(arguments) == 0
    assert "usage: nasedu" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"nasedu {nas.__version__}\n"


def test_help_needs_nothing_heavy_and_the_module_runs() -> None:
    code = (
        "import sys, nasedu.cli; nasedu.cli.main(['--help']);"
        "print([name for name in ('torch', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.endswith("[]\n")
    done = subprocess.run([sys.executable, "-m", "nasedu", "frob"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["frob"], "invalid choice: 'frob'"),
        (["search", "--frob"], "unrecognized arguments: --frob; see nasedu --help"),
        (["search", "--trials", "many"], "--trials: invalid int value: 'many'; see nasedu search --help"),
        (["search", "--space", "frob"], "unknown search space 'frob'; there are amoebanet, chain, "),
        (["search", "--strategy", "frob"], "unknown strategy 'frob'; there are "),
        (["search", "--data", "frob"], "unknown dataset 'frob'; there are mnist1d"),
        (["search", "--seed", "-1"], "--seed must not be negative; got -1"),
        (["search", "--trials", "0"], "trials must be at least 1; got 0"),
        (["search", "--history", "out.txt"], "--history must end in .nas.jsonl; got 'out.txt'"),
        (["search", "--set", "P"], "--set takes NAME=VALUE, such as population_size=20; got 'P'"),
        (
            ["search", "--strategy", "evolution", "--set", "population_size=abc"],
            "a setting of RegularizedEvolution is of the wrong kind: population_size='abc'",
        ),
        (["search", "--score", "x"], "--score says how to read a table: say which one with --table"),
        (["search", "--unit", "%"], "--unit says how to read a table: say which one with --table"),
        (
            ["search", "--steps", "9"],
            "--steps is for a strategy that shares weights (darts): say how long with --trials",
        ),
        (["search", "--strategy", "darts", "--trials", "9"], "--trials is not for a strategy that shares weights"),
        (["search", "--table", "x.csv", "--data", "digits"], "--data is for training, and with --table accuracies are"),
        (["search", "--table", "x.csv", "--epochs", "5"], "--epochs is for training, and with --table accuracies are"),
        (["search", "--table", "x.csv"], "--table needs --score COLUMN"),
        (["search", "--table", "x"], "unknown table 'x'; there are nasbench201-mnist1d, nasbench201-digits"),
        (["search", "--table", "x.npz", "--score", "y"], "--score is for a CSV or JSON file; got x.npz"),
        (["search", "--table", "x.npz"], "No such file or directory: x.npz"),
        (["search", "--table", "nowhere.csv", "--score", "x"], "No such file or directory: nowhere.csv"),
        (["draw", CELL], "the following arguments are required: -o"),
        (
            ["draw", CELL, "-o", "cell.png", "--style", "sepia"],
            "unknown style 'sepia'; there are light, dark, print, slide",
        ),
        (["draw", CELL, "-o", "cell.gif"], "must end in .svg, .pdf, .png, .tex, .dot or .mmd; got 'cell.gif'"),
        (
            ["draw", "frob", "-o", "cell.png"],
            "'frob' names no architecture. Published ones are darts-v1, darts-v2, ",
        ),
        (["draw", "|frob", "-o", "cell.png"], "expected '|op~0|+|op~0|op~1|+|op~0|op~1|op~2|' with an operation"),
        (["draw", "frob", "--space", "frob", "-o", "cell.png"], "unknown search space 'frob'; there are amoebanet, "),
        (["draw", "frob", "--space", "nats-size", "-o", "cell.png"], "frob"),
        (["draw", "darts-v2", "--set", "blocks=5", "-o", "x.png"], "--set is for the parameters of a space: name it"),
        (["draw", "x", "--space", "nasnet", "--set", "blocks=a", "-o", "x.png"], "a whole number in 1..8; got"),
        (["draw", "x", "--space", "nasnet", "--set", "frob=5", "-o", "x.png"], "nasnet has no parameter 'frob'"),
        (["export", CELL, "--to", "torch"], "argument --to: invalid choice: 'torch' (choose from"),
        (["export", CELL, "--to", "onnx", "-o", "x.py"], "--to onnx writes a file that ends in .onnx; got 'x.py'"),
        (["export", CELL, "-o", "x.pt"], "the file of an exported network must end in .py or .onnx; got 'x.pt'"),
        (["export", CELL, "--input-shape", "1"], "--input-shape takes sizes such as 1,40 or 3,32,32; got '1'"),
        (["export", CELL, "--input-shape", "1,0"], "input_shape must be (channels, length) or (channels, height,"),
        (["export", CELL, "--classes", "0"], "classes must be at least 1; got 0"),
        (["export", CELL, "--option", "frob=1"], "unexpected keyword argument 'frob'"),
        (["export", "nowhere.nas.json"], "No such file or directory: nowhere.nas.json"),
        (["draw", "nowhere.nas.json", "-o", "cell.png"], "No such file or directory: nowhere.nas.json"),
    ],
)
def test_a_mistake_is_one_line(capsys: pytest.CaptureFixture, arguments: list[str], message: str) -> None:
    assert message in fails(capsys, *arguments)


def test_an_unknown_setting_is_answered_with_those_there_are(capsys: pytest.CaptureFixture) -> None:
    line = fails(capsys, "search", "--strategy", "evolution", "--set", "P=3", "--epochs", "1")
    assert "RegularizedEvolution has no setting 'P'; it has population_size, sample_size" in line


def test_the_help_of_search_names_every_strategy(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "2000")  # a line may break at a hyphen
    assert cli.main(["search", "--help"]) == 0
    words = capsys.readouterr().out.replace(",", " ").split()
    assert {"nsga2", "bayesian-optimization", "asha", "darts", *cli._strategies()} <= set(words)
    assert "constrained" not in words  # it goes around a strategy


# nasedu search ---------------------------------------------------------------------------------


def test_a_search_trains_and_prints_what_it_found(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    path = tmp_path / "search.nas.jsonl"
    arguments = ["search", "--trials", "2", "--epochs", "1", "--history", str(path), "--quiet"]
    assert cli.main(arguments) == 0
    out = capsys.readouterr().out.splitlines()
    history = nas.History.load(path)
    assert out[0] == str(history.incumbent.architecture)
    assert out[1] == f"validation accuracy  {100 * history.incumbent.accuracy:.2f} %"
    assert [line.split("  ")[0] for line in out[2:]] == ["test accuracy", "trials", "time"]


def test_of_a_regression_it_prints_r_squared(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    path = tmp_path / "search.nas.jsonl"
    arguments = ["search", "--space", "mlp", "--data", "diabetes", "--trials", "2", "--epochs", "1", "--quiet"]
    assert cli.main([*arguments, "--history", str(path)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[1] == f"validation R²        {nas.History.load(path).incumbent.score:.4f}"
    assert out[2].startswith("test R²              ") and abs(float(out[2].split()[-1])) < 10
    assert not any("%" in line for line in out)


@pytest.mark.parametrize(
    "strategy",
    ["random-search", "boltzmann-policy", "regularized-evolution", "evolution", "genetic-algorithm", "reinforce"],
)
def test_every_strategy_searches_a_table(capsys: pytest.CaptureFixture, table: Path, strategy: str) -> None:
    columns = ["--score", "validation", "--test", "held_out"]
    assert (
        cli.main(["search", "--strategy", strategy, "--trials", "9", "--table", str(table), *columns, "--quiet"]) == 0
    )
    name, validation, test, trials, _ = capsys.readouterr().out.splitlines()
    convolutions = name.count("conv")
    assert validation.endswith(f" {100 * convolutions / 8:.2f} %")
    assert test.endswith(f" {100 * convolutions / 10:.2f} %")
    assert trials.split() == ["trials", "9"]


def test_a_setting_of_several_names_is_split_at_commas(
    capsys: pytest.CaptureFixture, table: Path, tmp_path: Path
) -> None:
    histories = []
    for number, text in enumerate(["objectives=score, accuracy", 'objectives=["score", "accuracy"]']):
        path = tmp_path / f"{number}.nas.jsonl"
        common = ["search", "--strategy", "nsga2", "--table", str(table), "--score", "validation", "--quiet"]
        assert cli.main([*common, "--trials", "3", "--set", text, "--history", str(path)]) == 0
        histories.append(nas.History.load(path))
    assert histories[0].header["strategy"]["settings"]["objectives"] == ["score", "accuracy"]
    assert histories[0] == histories[1]


def test_a_table_without_a_test_column_says_so(capsys: pytest.CaptureFixture, table: Path) -> None:
    assert cli.main(["search", "--trials", "2", "--table", str(table), "--score", "validation", "--quiet"]) == 0
    assert "not looked up: name the table's column with --test" in capsys.readouterr().out


def test_a_search_on_a_table_of_ours_needs_no_columns_and_reads_the_test_accuracy(
    capsys: pytest.CaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, path = nas.spaces.NASBench201(), tmp_path / "nasbench201-digits.npz"
    convolutions = np.array([str(cell).count("conv") for cell in space])
    values = {"validation": convolutions[:, None, None] / 8, "test": convolutions[:, None] / 10}
    nas.tables.Table("nasbench201-digits", space, **values).save(path)
    monkeypatch.setattr("nasedu.tables.__file__", str(tmp_path / "__init__.py"))
    for table in (str(path), "nasbench201-digits"):
        assert cli.main(["search", "--trials", "9", "--table", table, "--quiet"]) == 0
        best, validation, test, *_ = capsys.readouterr().out.splitlines()
        assert validation == f"validation accuracy  {100 * best.count('conv') / 8:.2f} %"
        assert test == f"test accuracy        {100 * best.count('conv') / 10:.2f} %"
    assert "the table has architectures of NASBench201" in fails(
        capsys, "search", "--space", "darts", "--table", str(path), "--quiet"
    )


def test_an_existing_history_is_gone_on_with(capsys: pytest.CaptureFixture, table: Path, tmp_path: Path) -> None:
    path = tmp_path / "search.nas.jsonl"
    whole = tmp_path / "whole.nas.jsonl"
    common = ["search", "--table", str(table), "--score", "validation", "--quiet", "--strategy", "evolution"]
    common += ["--set", "population_size=4", "--set", "sample_size=2"]
    assert cli.main([*common, "--trials", "5", "--history", str(path)]) == 0
    assert cli.main([*common, "--trials", "12", "--history", str(path)]) == 0
    assert cli.main([*common, "--trials", "12", "--history", str(whole)]) == 0
    assert capsys.readouterr().err == ""
    assert cli.main([*common, "--trials", "6", "--history", str(path)]) == 0
    said = capsys.readouterr()
    assert "has 12 trials already, and --trials counts them: no trial was added." in said.err
    assert "trials               12\n" in said.out
    assert nas.History.load(path) == nas.History.load(whole)
    line = fails(capsys, *common, "--trials", "12", "--history", str(path), "--seed", "1")
    assert "another random state" in line


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(
    capsys: pytest.CaptureFixture, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "search.nas.jsonl"
    look_up, calls = nas.tables.Table.__call__, []

    def interrupted(self, architectures):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return look_up(self, architectures)

    common = ["search", "--table", str(table), "--score", "validation", "--quiet", "--trials", "6"]
    with monkeypatch.context() as patch:
        patch.setattr(nas.tables.Table, "__call__", interrupted)
        assert cli.main([*common, "--history", str(path)]) == 130
    err = capsys.readouterr().err
    assert "interrupted after 3 of 6 trials" in err and "the same command goes on from there" in err
    assert len(nas.History.load(path).trials) == 3
    assert cli.main([*common, "--history", str(path)]) == 0
    assert len(nas.History.load(path).trials) == 6


def test_darts_shares_weights(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    path = tmp_path / "darts.nas.jsonl"
    arguments = ["search", "--strategy", "darts", "--steps", "2", "--epochs", "1", "--set", "channels=4", "--quiet"]
    assert cli.main([*arguments, "--history", str(path)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == str(nas.History.load(path).derived)
    assert out[1].endswith("trained on its own")
    assert out[3].split() == ["steps", "2"]


def test_the_seed_of_darts_is_also_that_of_its_batches(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    path = tmp_path / "darts.nas.jsonl"
    arguments = ["search", "--strategy", "darts", "--steps", "1", "--epochs", "1", "--set", "channels=2", "--quiet"]
    assert cli.main([*arguments, "--seed", "3", "--history", str(path)]) == 0
    header = nas.History.load(path).header
    assert header["evaluator"]["settings"]["seed"] == 3
    assert header["strategy"]["rng"]["state"] == np.random.default_rng(3).bit_generator.state["state"]


def test_darts_beside_a_table_trains_its_weights_on_data_and_looks_the_result_up(
    capsys: pytest.CaptureFixture, table: Path
) -> None:
    common = ["search", "--strategy", "darts", "--table", str(table), "--score", "validation", "--quiet"]
    assert cli.main([*common, "--data", "digits", "--steps", "1", "--set", "channels=2"]) == 0
    name, validation, test, *_ = capsys.readouterr().out.splitlines()
    assert validation == f"validation accuracy  {100 * name.count('conv') / 8:.2f} %, trained on its own"
    assert "not looked up" in test
    assert "--epochs is for training" in fails(capsys, *common, "--epochs", "1")


def test_a_training_that_fails_is_one_line(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise nas.training.TrainingFailure("the GPU has too little memory")

    with monkeypatch.context() as patch:
        patch.setattr(nas.evaluators.Train, "test", failing)
        assert cli.main(["search", "--trials", "1", "--epochs", "1", "--quiet"]) == 2
    assert capsys.readouterr().err == "nasedu: the GPU has too little memory\n"
    monkeypatch.setattr(nas.training, "fit", failing)
    assert "2 failed: the GPU has too little memory" in fails(capsys, "search", "--trials", "2", "--quiet")


def test_our_own_mistakes_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(name: str) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(nas, "space", mistaken)
    with pytest.raises(RuntimeError, match="ours"):
        cli.main(["search"])


# nasedu draw -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        CELL,
        str(nas.spaces.DARTS().sample(np.random.default_rng(0))),
        "conv7-96-gelu+skip > pool > dense-100-relu",
    ],
)
@pytest.mark.parametrize("ending", ["svg", "pdf", "png"])
def test_a_native_string_of_any_space_is_drawn(
    capsys: pytest.CaptureFixture, tmp_path: Path, text: str, ending: str
) -> None:
    path = tmp_path / f"cell.{ending}"
    assert cli.main(["draw", text, "-o", str(path)]) == 0
    assert path.stat().st_size > 1000
    assert capsys.readouterr().out == f"{path}: {text}\n"


def test_files_are_drawn(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    space = nas.spaces.NASBench201()
    cell = space.parse(CELL)
    cell.save(tmp_path / "cell.nas.json")
    assert cli.main(["draw", str(tmp_path / "cell.nas.json"), "-o", str(tmp_path / "a.svg")]) == 0

    strategy = nas.strategies.RandomSearch(space, np.random.default_rng(0))
    log = nas.search(strategy, lambda cells: [nas.Trial(c, accuracy=len(str(c)) / 200) for c in cells], trials=5)
    log.run(progress=False).save(tmp_path / "log.nas.jsonl")
    assert cli.main(["draw", str(tmp_path / "log.nas.jsonl"), "-o", str(tmp_path / "b.svg")]) == 0
    out = capsys.readouterr().out
    assert CELL in out and str(log.history.incumbent.architecture) in out


def test_a_file_of_another_format_is_refused(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    path = tmp_path / "cell.nas.json"
    path.write_text('{"format": "frob"}', encoding="utf-8")
    assert "is not a nasedu.architecture file" in fails(capsys, "draw", str(path), "-o", str(tmp_path / "a.svg"))


def test_a_space_with_its_parameters_reads_its_strings(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    what = ["draw", "conv3-4-relu > conv3-8-relu", "--space", "chain", "--set", "widths=[4, 8]", "-o", str(path)]
    assert cli.main(what) == 0
    assert path.exists()
    assert "may be 4" in fails(capsys, *what[:-3], "widths=[4]", *what[-2:])


# nasedu export ---------------------------------------------------------------------------------


def test_the_exported_file_gives_the_output_of_the_network(
    capsys: pytest.CaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", CELL, "--input-shape", "1,7", "--option", "skeleton=published", "--seed", "3"]) == 0
    architecture = nas.spaces.named(CELL)
    network = nas.networks.build(architecture, (1, 7), 10, rng=np.random.default_rng(3), skeleton="published").eval()
    weights = sum(each.numel() for each in network.parameters())
    assert capsys.readouterr().out == f"network.py, network.safetensors: {weights:,} parameters; {CELL}\n"
    done = subprocess.run([sys.executable, "network.py"], capture_output=True, text=True, check=True)
    printed = [float(number) for number in done.stdout.removeprefix("tensor([[").removesuffix("]])\n").split(",")]
    with torch.no_grad():
        expected = network(torch.ones(1, 1, 7))[0]
    assert printed == pytest.approx(expected.tolist(), abs=2e-4)  # four digits are printed
    assert expected.abs().max() > 0.01


# nasedu lab ------------------------------------------------------------------------------------


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have been started."""
    commands: list[list[str]] = []

    def call(command: list[str]) -> int:
        commands.append(command)
        return 0

    monkeypatch.setattr(cli, "_start", call)
    return commands


def test_in_the_repository_the_lab_opens_its_notebooks(
    started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert cli.main(["lab"]) == 0
    assert f"--ServerApp.root_dir={ROOT / 'notebooks'}" in started[0]
    assert "--LabApp.news_url=None" in started[0]
    assert ("--allow-root" in started[0]) == cli._is_root()


@pytest.mark.skipif(os.name != "posix", reason="Windows cannot replace a process")
def test_what_is_started_takes_the_place_of_the_command() -> None:
    code = "import os, sys; from nasedu import cli; print(os.getpid(), flush=True); "
    code += "cli._start([sys.executable, '-c', 'import os; print(os.getpid())'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    before, after = done.stdout.split()
    assert before == after


def test_elsewhere_the_course_is_copied_and_never_over_a_students_work(
    started: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    lessons = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    mine = tmp_path / "mine" / lessons[0]
    mine.parent.mkdir()
    mine.write_text("my answers", encoding="utf-8")
    assert cli.main(["lab", "mine", "--no-browser", "--port", "9999"]) == 0
    assert mine.read_text(encoding="utf-8") == "my answers"
    assert sorted(path.name for path in mine.parent.glob("*.ipynb")) == lessons
    assert started[0][-3:] == ["--no-browser", "--port", "9999"]
    assert cli.main(["lab", "--port", "9999"]) == 0
    assert (tmp_path / "nasedu-course" / lessons[0]).exists()
    assert not (tmp_path / "9999").exists()


def test_a_file_is_no_directory(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert "DIR must be a directory" in fails(capsys, "lab", str(tmp_path / "file"))


# nasedu doctor ---------------------------------------------------------------------------------


def test_the_doctor_reports_versions_and_what_is_missing(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_lab_extension", lambda: "somewhere")
    monkeypatch.setattr(cli, "_widgets", lambda: "41 kB")
    monkeypatch.setattr("joblib.cpu_count", lambda: 3)
    version = cli._version
    monkeypatch.setattr(cli, "_version", lambda name: None if name == "optuna" else version(name))
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "optuna         not there: only its samplers" in out  # and nothing is missing for that
    found = {line.split()[0] for line in out.splitlines()}
    assert {"nasedu", "python", "torch", "jupyterlab", "anywidget", "device", "cores", "memory", "data"} <= found
    assert {"scipy", "joblib"} <= found
    assert f"cores          3 usable of {os.cpu_count()}\n" in out
    assert out.endswith("Nothing is missing.\n")

    monkeypatch.setattr(cli, "_lab_extension", lambda: None)
    assert cli.main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "MISSING: reinstall nasedu" in out
    assert out.endswith("1 of what is needed is missing or out of date: see the capitals above.\n")


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The package.json of the JupyterLab extension where it is installed, the same as the repository's."""
    place = tmp_path / "share" / "labextensions" / "@nasedu" / "labextension" / "package.json"
    place.parent.mkdir(parents=True)
    place.write_bytes((ROOT / "nasedu" / "widgets" / "labextension" / "package.json").read_bytes())
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda name: [str(tmp_path / "share" / name)])
    return place


def test_the_doctor_and_the_lab_say_that_the_extension_is_out_of_date(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, started: list[list[str]], extension: Path
) -> None:
    monkeypatch.chdir(ROOT)
    assert cli.main(["doctor"]) == 0
    assert cli.main(["lab"]) == 0
    assert "out of date" not in "".join(capsys.readouterr()).lower()
    extension.write_text(extension.read_text(encoding="utf-8").replace("remoteEntry.", "remoteEntry.0"), "utf-8")
    assert cli.main(["doctor"]) == 1
    assert f"lab extension  OUT OF DATE in {extension.parent}: run make lab" in capsys.readouterr().out
    assert cli.main(["lab"]) == 0
    assert f"extension in {extension.parent} is out of date: run make lab" in capsys.readouterr().err
    assert len(started) == 2


def test_without_a_copy_of_its_own_as_in_a_wheel_the_extension_is_in_order(
    monkeypatch: pytest.MonkeyPatch, extension: Path, tmp_path: Path
) -> None:
    extension.write_text("{}", encoding="utf-8")
    assert cli._is_out_of_date(str(extension.parent))
    monkeypatch.setattr(cli, "EXTENSION", tmp_path / "nowhere")
    assert not cli._is_out_of_date(str(extension.parent))


def test_the_doctor_says_where_the_data_is(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NASEDU_DATA", str(tmp_path))
    cli.main(["doctor"])
    assert "NASEDU_DATA" in capsys.readouterr().out
    (tmp_path / "cifar10-jpeg.npz").write_bytes(b"")
    cli.main(["doctor"])
    assert str(tmp_path / "cifar10-jpeg.npz") in capsys.readouterr().out
