"""The benchmark runs and compares with its bars; what it measures is not looked at here."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import nasedu as nas

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "sample_efficiency.py"
ONLY = ["--only", "local search", "regularized evolution"]


def run(*arguments):
    """Return the exit code and the rows of the printed table, its head first."""
    command = [sys.executable, str(BENCHMARK), *arguments, "--seeds", "2", "--processes", "1", *ONLY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    return done.returncode, [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


@pytest.mark.parametrize(("test", "code", "mark"), [("95", 0, "✓"), ("60", 1, "✗")])
def test_a_strategy_below_its_bar_is_marked_and_is_the_exit_code(tmp_path, test, code, mark):
    table = tmp_path / "table.csv"
    rows = [f"{cell},{70 + sum(cell.choices)},{test}" for cell in nas.spaces.NASBench201()]
    table.write_text("\n".join(["architecture,validation_accuracy_12_epochs,test_accuracy_200_epochs", *rows]))
    returned, printed = run(str(table), "--trials", "100")
    assert printed[0] == ["strategy", "50", "100", "at least, at 100", "above random"]
    assert [row[0] for row in printed[1:]] == ["random search", "local search", "regularized evolution"]
    assert [row[2] for row in printed[1:]] == [f"{test}.00 ± 0.00"] * 3
    assert [row[3][-1:] for row in printed[1:]] == ["", mark, mark]
    assert [row[4] == "" for row in printed[1:]] == [True, False, False], "random search is not compared with itself"
    assert returned == code


def test_a_shipped_table_has_no_bars():
    returned, printed = run("--shipped", "nasbench201-mnist1d", "--trials", "20")
    assert printed[0] == ["strategy", "20", "above random"]
    assert all(85 < float(row[1].split("±")[0]) < 98 for row in printed[1:])
    assert returned == 0


def test_every_search_names_a_strategy_that_there_is():
    spec = importlib.util.spec_from_file_location("sample_efficiency", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, (kind, settings, bar) in module.STRATEGIES.items():
        assert hasattr(nas.strategies, kind), name
        assert isinstance(settings, dict) and (bar is None or 90 < bar < 94.4), name
