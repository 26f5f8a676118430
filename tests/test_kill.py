"""A search that is killed without warning, again and again, ends as if nothing had happened.

When to kill is said in lines of the file, not in seconds: the evaluator of a search that is to be killed
waits for it once the file has so many lines, so no search can be done before, however busy the machine is.
"""

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
SCRIPT = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[4:]
import test_kill
test_kill.search(sys.argv[1], Path(sys.argv[2]), wait_at=int(sys.argv[3])).run(progress=False)
"""
SETTINGS = {
    "RegularizedEvolution": {"population_size": 10, "sample_size": 3},
    "GeneticAlgorithm": {},
    "Reinforce": {"hidden_size": 8},
}


def search(name, history=None, wait_at=None):
    """Every third ask is made while two are outstanding; scores are of the choices alone."""

    def evaluate(architectures):
        while wait_at is not None and lines(history) >= wait_at:
            time.sleep(60)  # to be killed
        return [nas.Trial(a, accuracy=sum(a.choices) % 7 / 7) for a in architectures]

    strategy = getattr(nas.strategies, name)(nas.spaces.NASBench201(), np.random.default_rng(0), **SETTINGS[name])
    return nas.search(strategy, evaluate, TRIALS, batch=3, history=history)


def lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize(("name", "kills"), [("RegularizedEvolution", 10), ("GeneticAlgorithm", 10), ("Reinforce", 1)])
def test_a_search_killed_again_and_again_ends_like_an_uninterrupted_one(name, kills, tmp_path):
    """Each search adds at most 5 + 5 lines, as a batch has 6, so that 10 of them end before the 121st."""
    path, rng = tmp_path / "search.nas.jsonl", np.random.default_rng(0)
    here = Path(__file__).parent
    for _ in range(kills):
        wait_at = lines(path) + int(rng.integers(1, 6))
        command = [sys.executable, "-c", SCRIPT, name, str(path), str(wait_at), str(here), str(here.parent)]
        process = subprocess.Popen(command)
        while lines(path) < wait_at and process.poll() is None:
            time.sleep(0.0005)
        time.sleep(rng.uniform(0, 0.01) * rng.integers(2))  # half of them at once, while the file is written
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        with path.open("ab") as file:  # what a write cut in two leaves
            file.write(b'{"event":"tr' * int(rng.integers(2)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the last line was cut off
        resumed = search(name, history=path)
    assert 0 < len(resumed.history.trials) < TRIALS, "some of it was done, and not all"
    assert resumed.run(progress=False) == search(name).run(progress=False)
    assert nas.History.load(path) == resumed.history
