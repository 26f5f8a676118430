"""Jobs in other processes: each is done once, and what goes wrong there is heard of here."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from functools import partial

import psutil
import pytest

from nasedu.processes import side_by_side


def square(offset, number):
    if number == 13:
        os._exit(7)
    if number == 14:
        raise ValueError("fourteen")
    time.sleep(0.01)
    return offset + number**2


def children():
    found = psutil.Process().children(recursive=True)
    return [each for each in found if "resource_tracker" not in " ".join(each.cmdline())]


@pytest.mark.parametrize("processes", [1, 3])
def test_every_job_is_done_once_in_other_processes_which_then_end(processes):
    before = children()
    found = dict(side_by_side(partial(square, 1), range(9), processes))
    assert found == {number: 1 + number**2 for number in range(9)}
    assert [each for each in children() if each not in before] == []


def test_as_many_processes_as_asked_work_at_a_time():
    with closing(side_by_side(lambda _: time.sleep(0.2) or os.getpid(), range(6), 2)) as results:
        found = [where for _, where in results]
    assert len({*found}) == 2 and os.getpid() not in found


def test_a_process_that_dies_is_noticed():
    with pytest.raises(ChildProcessError, match=r"a process died with \{EXIT\(7\)\}; if memory is short"):
        list(side_by_side(partial(square, 1), [1, 13, 2, 3], 2))


def test_what_a_job_raises_is_heard_of_with_its_traceback():
    with pytest.raises(ValueError, match="fourteen") as error:
        list(side_by_side(partial(square, 1), [1, 14, 2, 3], 2))
    assert "in square" in str(error.value.__cause__)


def test_whoever_closes_it_early_leaves_nothing_running():
    before = children()
    with closing(side_by_side(time.sleep, [0.01, *[600] * 9], 2)) as results:
        assert next(results) == (0.01, None)
    assert [each for each in children() if each not in before] == []


ENDLESS = """
import time
from nasedu.processes import side_by_side

for _ in side_by_side(time.sleep, [0.01] * 100_000, 2):
    print("one", flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_the_processes_of_one_that_is_killed_end_too():
    process = subprocess.Popen([sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "one\n"
    others = psutil.Process(process.pid).children(recursive=True)
    assert len(others) >= 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert psutil.wait_procs(others, timeout=20)[1] == []
