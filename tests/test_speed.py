"""The benchmark of speed measures what it says: real searches, as long as they are said to be."""

import importlib.util
import os
from pathlib import Path

import pytest

import nasedu as nas

PATH = Path(__file__).parents[1] / "benchmarks" / "speed.py"
SPEC = importlib.util.spec_from_file_location("speed", PATH)
speed = importlib.util.module_from_spec(SPEC)
with pytest.MonkeyPatch.context() as patch:
    patch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))  # which it would set for all other tests
    SPEC.loader.exec_module(speed)
TOY = nas.SearchSpace("toy", [nas.Decision("width", (8, 16, 32)), nas.Decision("kernel", (1, 3, 5, 7))])


def toy():
    scores = [(sum(architecture.choices) + 1) / 7 for architecture in TOY]
    return nas.tables.Table("toys", TOY, [[[score]] for score in scores])


def counted(table):
    """Return a table that notes what is looked up."""
    looked_up = []

    class Counted:
        space = table.space

        def __call__(self, architectures):
            looked_up.extend(architectures)
            return table(architectures)

    return Counted(), looked_up


def test_every_strategy_that_stands_alone_is_measured():
    names = speed.names()
    assert {"RandomSearch", "RegularizedEvolution", "BoltzmannPolicy"} <= set(names) <= set(nas.strategies.__all__)
    assert "WithoutRepeats" not in names
    for name in names:
        assert speed.make(name, nas.spaces.NASBench201(), 0).space == nas.spaces.NASBench201()


def test_a_rate_is_that_of_as_many_trials_as_are_said():
    table, looked_up = counted(toy())
    assert speed.rate("RandomSearch", table, 30, 0) > 0 and len(looked_up) == 30
    assert len(speed.seconds_of_asks("RandomSearch", table, 20, 0)) == 20


@pytest.mark.parametrize("name", speed.OTHERS)
def test_other_libraries_search_for_about_as_long(name):
    pytest.importorskip(name.split()[0])
    table, looked_up = counted(nas.tables.load(speed.TABLE))
    assert speed.rate_of_other(name, table, 100, 0) > 0
    assert 40 <= len(looked_up) <= 120, "whole generations; and pygad remembers what it has evaluated"


def test_the_windows_of_growth_end_where_they_are_said_to(monkeypatch):
    trials = []
    monkeypatch.setattr(
        speed, "pseudo_random", lambda cells: (trials.extend(cells), [nas.Trial(c, accuracy=0.5) for c in cells])[1]
    )
    seconds, _ = speed.windows(("RandomSearch", 10_000))
    assert len(seconds) == 2 and len(trials) == 10_000 and min(seconds) > 0
