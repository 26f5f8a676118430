"""Worker processes: the same function for many jobs, on several cores."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

__all__ = ["each"]


def each(work: Callable[..., Any], common: tuple[Any, ...], jobs: Iterable[Any], processes: int) -> Iterator[Any]:
    """Yield ``work(*common, job)`` for each job, in the order in which they are done.

    Args:
        work: a function of a module; new processes import it.
        common: what all jobs share, plain values.
        jobs: plain values.
        processes: with 1, all is done in this process.

    Raises:
        ChildProcessError: a worker died.
        RuntimeError: a job raised in a worker; the message has its traceback. With one process, what the job raised.
    """
    if processes == 1:
        yield from (work(*common, job) for job in jobs)
        return
    context, remaining = get_context("spawn"), iter(jobs)  # a fork would inherit torch's threads in any state
    workers: dict[Any, BaseProcess] = {}
    try:
        for _ in range(processes):
            ours, theirs = context.Pipe()
            workers[ours] = context.Process(target=_serve, args=(theirs, work, common), daemon=True)
            workers[ours].start()
            theirs.close()  # so that the worker's death is the end of the file
        busy = {connection for connection in workers if _give(connection, remaining)}
        while busy:
            ready: list[Any] = wait(busy)
            for connection in ready:
                result = _take(connection, workers[connection])
                if not _give(connection, remaining):
                    busy.remove(connection)
                    connection.close()  # that is the end of the worker
                yield result
    finally:
        for connection, process in workers.items():
            if not connection.closed:
                process.terminate()
        for process in workers.values():
            process.join()


def _give(connection: Any, jobs: Iterator[Any]) -> bool:
    """Send the next job, if there is one; say whether there was."""
    for job in jobs:
        connection.send(job)
        return True
    return False


def _take(connection: Any, process: BaseProcess) -> Any:
    try:
        result, failure = connection.recv()
    except (EOFError, ConnectionError) as error:
        process.join()
        raise ChildProcessError(
            f"a worker process died with exit code {process.exitcode}; if memory is short, take fewer --processes or "
            "a smaller --batch. The same command goes on from what is kept."
        ) from error
    if failure is not None:
        raise RuntimeError(f"a worker process failed:\n{failure}")
    return result


def _serve(connection: Connection, work: Callable[..., Any], common: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits for us
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # in order, not on the spot
    while True:
        try:
            job = connection.recv()
        except (EOFError, ConnectionError):  # that process has gone
            return
        answer: tuple[Any, str | None]
        try:
            answer = (work(*common, job), None)
        except Exception:
            answer = (None, traceback.format_exc())
        try:
            connection.send(answer)
        except ConnectionError:
            return
