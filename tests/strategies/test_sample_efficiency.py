"""The benchmark runs; what it measures is not looked at here."""

import subprocess
import sys
from pathlib import Path

import nasedu as nas

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "sample_efficiency.py"


def test_the_printed_table_has_a_row_for_every_strategy(tmp_path):
    table = tmp_path / "table.csv"
    rows = [f"{cell},{70 + sum(cell.choices)},{60 + sum(cell.choices)}" for cell in nas.spaces.NASBench201()]
    table.write_text("\n".join(["architecture,validation_accuracy_12_epochs,test_accuracy_200_epochs", *rows]))
    command = [sys.executable, str(BENCHMARK), str(table), "--seeds", "2", "--trials", "20", "--processes", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    printed = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if "|" in line]
    assert printed[0] == ["strategy", "20", "above random", "trials per CPU second"]
    assert [row[0] for row in printed[2:]] == [
        "random search",
        "Boltzmann policy",
        "regularized evolution, P=10 S=3",
        "regularized evolution, P=100 S=25",
        "genetic algorithm",
        "REINFORCE",
    ]
    for row in printed[2:]:
        mean, deviation = (float(value) for value in row[1].split("±"))
        assert 60 < mean < 85 and deviation < 10, row
    assert [row[2] == "" for row in printed[2:]] == [True] + 5 * [False], "random search is not compared with itself"
