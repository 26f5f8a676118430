"""A search that is killed without warning, again and again, ends as if nothing had happened."""

import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import nasedu as nas

TRIALS = 60
KILLS = 10
SCRIPT = """
import sys
sys.path[:0] = sys.argv[3:]
import test_kill
test_kill.search(sys.argv[1], history=sys.argv[2], seconds=0.01).run(progress=False)
"""


class Slow:
    """Scores of the choices alone, after a while."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __call__(self, architectures):
        time.sleep(self.seconds * len(architectures))
        return [nas.Trial(a, accuracy=sum(a.choices) % 7 / 7, cost=self.seconds) for a in architectures]


def search(name, history=None, seconds=0.0):
    """Every third ask is made while two are outstanding."""
    space, rng = nas.spaces.NASBench201(), np.random.default_rng(0)
    settings = {"RegularizedEvolution": {"population_size": 10, "sample_size": 3}, "GeneticAlgorithm": {}}
    strategy = getattr(nas.strategies, name)(space, rng, **settings[name])
    return nas.search(strategy, Slow(seconds), TRIALS, batch=3, history=history)


def lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("name", ["RegularizedEvolution", "GeneticAlgorithm"])
def test_a_search_killed_ten_times_at_random_moments_ends_like_an_uninterrupted_one(name, tmp_path):
    path, rng = tmp_path / "search.nas.jsonl", np.random.default_rng(0)
    here = Path(__file__).parent
    command = [sys.executable, "-c", SCRIPT, name, str(path), str(here), str(here.parent)]
    kills = 0
    for moment in np.sort(rng.choice(2 * TRIALS - 10, KILLS, replace=False)):
        process = subprocess.Popen(command)
        while lines(path) <= moment and process.poll() is None:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        with path.open("ab") as file:  # what a write cut in two leaves
            file.write(b'{"event":"tr' * int(rng.integers(2)))
    assert kills == KILLS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the last line was cut off
        resumed = search(name, history=path)
    assert 0 < len(resumed.history.trials) < TRIALS, "some of it was done, and not all"
    assert resumed.run(progress=False) == search(name).run(progress=False)
    assert nas.History.load(path) == resumed.history
