"""The same work for many jobs side by side, in processes of their own.

They are started afresh and are sent the work as it is, functions of a notebook included; nothing of this process is
copied by forking, which would hang where a library has started threads. Each computes on one thread, so that a job
gives the same numbers in whichever process it runs, and is as quick beside another.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Generator, Iterable
from io import BytesIO
from itertools import islice
from threading import RLock, Thread
from typing import Any, TypeVar

import psutil

__all__ = ["side_by_side"]

Job = TypeVar("Job")
Result = TypeVar("Result")
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
_WORK: list[Callable[[Any], Any]] = []  # what a process was started for: _start puts it here


def side_by_side(
    work: Callable[[Job], Result], jobs: Iterable[Job], processes: int
) -> Generator[tuple[Job, Result], None, None]:
    """Yield each job with ``work(job)``, in the order in which they are done.

    The processes end with this generator: close it, by ``contextlib.closing``, where its end may not be reached.

    Args:
        work: is sent to each process once.
        jobs: are sent one after another.
        processes: at least 1.

    Raises:
        TypeError: the work, or something that it uses, cannot be sent.
        ChildProcessError: a process died.
        Exception: what the work raised.
    """
    from joblib.externals.loky import FIRST_COMPLETED, ProcessPoolExecutor, wait
    from joblib.externals.loky.backend.reduction import dump
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        dump(work, BytesIO())
    except Exception as error:
        raise TypeError(
            f"the work, with all that it uses, must be what other processes can be sent: {error}. Use processes=1."
        ) from error
    pool = ProcessPoolExecutor(processes, initializer=_start, initargs=(work, os.getpid()), env=ONE_THREAD)
    left, running = iter(jobs), dict[Any, Job]()
    try:
        running = {pool.submit(_run, job): job for job in islice(left, 2 * processes)}
        while running:
            for each in wait(running, return_when=FIRST_COMPLETED)[0]:
                yield running.pop(each), each.result()
                running |= {pool.submit(_run, job): job for job in islice(left, 1)}
    except TerminatedWorkerError as error:
        pool.shutdown(kill_workers=True)  # the others
        codes = re.search(r"\{.*\}", str(error))  # not on Windows
        raise ChildProcessError(
            f"a process died{f' with {codes[0]}' if codes else ''}; if memory is short, take fewer processes."
        ) from error
    except BaseException:  # a job failed, or nobody waits for the rest
        for _ in range(100):  # at most a second: the pool's thread fails on a job that it has not queued yet
            if all(each.running() or each.done() for each in running):
                break
            time.sleep(0.01)
        pool.shutdown(kill_workers=True)
        raise
    pool.shutdown()


def _start(work: Callable[[Any], Any], parent: int) -> None:
    """Take what this process needs for every job; Ctrl-C is for the process that started it."""
    from tqdm import tqdm

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tqdm.set_lock(RLock())  # its own is for several processes, and one that is killed would leave it behind
    Thread(target=_end_with, args=(psutil.Process(parent),), daemon=True).start()
    _WORK.append(work)


def _end_with(parent: psutil.Process) -> None:
    """End this process when the one that started it is gone, killed perhaps: nobody would send another job."""
    while parent.is_running() and os.getppid() == parent.pid:  # on Windows the latter stays as it was
        time.sleep(1)
    os._exit(1)


def _run(job: Any) -> Any:
    return _WORK[0](job)
