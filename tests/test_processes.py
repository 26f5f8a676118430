"""Jobs in other processes: each is done once, and what goes wrong there is heard of here."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
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


def children(of=None):
    """Return the processes below one, without those that look after its files."""
    found = []
    for each in psutil.Process(of).children(recursive=True):
        with suppress(psutil.Error):  # it has just ended
            found += [] if "resource_tracker" in " ".join(each.cmdline()) else [each]
    return found


@pytest.mark.parametrize("processes", [1, 3])
def test_every_job_is_done_once_in_other_processes_which_then_end(processes):
    before = children()
    found = dict(side_by_side(partial(square, 1), range(9), processes))
    assert found == {number: 1 + number**2 for number in range(9)}
    assert [each for each in children() if each not in before] == []


def meet(folder, count, number):
    """Wait until as many jobs have begun, and return the process of this one."""
    (folder / str(number)).touch()
    end = time.monotonic() + 30
    while len([*folder.iterdir()]) < count and time.monotonic() < end:
        time.sleep(0.01)
    return os.getpid()


def test_as_many_processes_as_asked_work_at_a_time(tmp_path):
    found = [where for _, where in side_by_side(partial(meet, tmp_path, 2), range(6), 2)]
    assert len({*found}) == 2 and os.getpid() not in found


def test_a_process_that_dies_is_noticed_and_the_others_end():
    before = children()
    with pytest.raises(ChildProcessError, match=r"^a process died( with \{EXIT\(7\)\})?; if memory is short"):
        list(side_by_side(partial(square, 1), [1, 13, 2, 3, *range(20, 60)], 3))
    assert [each for each in children() if each not in before] == []


def test_work_that_cannot_be_sent_is_told():
    lock = threading.Lock()
    with pytest.raises(TypeError, match=r"other processes can be sent: .*lock.*Use processes=1"):
        list(side_by_side(lambda job: (lock, job), [1, 2], 2))


def test_what_goes_wrong_with_the_jobs_is_not_blamed_on_the_sending():
    def jobs():
        yield 1
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        list(side_by_side(partial(square, 1), jobs(), 2))


def test_what_a_job_raises_is_heard_of_with_its_traceback():
    with pytest.raises(ValueError, match="fourteen") as error:
        list(side_by_side(partial(square, 1), [1, 14, 2, 3], 2))
    assert "in square" in str(error.value.__cause__)


def test_whoever_closes_it_early_leaves_nothing_running():
    before = children()
    with closing(side_by_side(time.sleep, [0.01, *[60] * 9], 2)) as results:
        assert next(results) == (0.01, None)
        start = time.monotonic()
    assert time.monotonic() - start < 30
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
    others = children(process.pid)
    assert len(others) == 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    try:
        assert psutil.wait_procs(others, timeout=20)[1] == []
    finally:
        for each in others:
            with suppress(psutil.Error):
                each.kill()
