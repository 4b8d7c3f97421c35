"""Work shared out to processes: independent jobs, of which each result comes back on its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import cv2

from detforge.errors import DatasetError, DetforgeError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from multiprocessing.connection import Connection

Job = TypeVar("Job")
Result = TypeVar("Result")

# A fork starts at once and shares what is in memory. On macOS the system's own libraries do not
# survive it.
_START = "fork" if sys.platform.startswith("linux") else "spawn"


def process_count(processes: int) -> int:
    """Return a number of processes; 0 asks for one per core that this process may use."""
    if processes:
        return processes
    if sys.platform.startswith("linux"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share_out(
    work: Callable[[Job], Result], jobs: Sequence[Job], *, processes: int
) -> Generator[tuple[Job, Result], None, None]:
    """Yield each job with what ``work(job)`` returned, as they are done.

    When the generator is closed, or an error leaves it, no process is left. When this process is
    killed, the others end with it.

    Args:
        work: called in the processes, or here when one is enough. Where processes are not forked
            it is pickled, once for each.
        jobs: dealt out in their order, one by one; pickled, as results are.
        processes: at most so many.

    Yields:
        In no particular order.

    Raises:
        DatasetError: a process was ended from outside.
        DetforgeError: what `work` raised; so with OSError. Anything else is a RuntimeError with
            the traceback.
    """
    count = min(processes, len(jobs))
    if count <= 1:
        for job in jobs:
            yield job, work(job)
        return
    workers = _hire(work, count)
    try:
        yield from _share_out(workers, jobs)
    except BaseException:
        for worker in workers:
            worker.kill()
        raise
    finally:
        for worker in workers:
            worker.end()


def _hire(work: Callable[[Job], Result], count: int) -> list[Worker[Job, Result]]:
    # A fork has none of the threads of OpenCV's pool, and would wait for them for ever.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return [Worker(work) for _ in range(count)]
    finally:
        cv2.setNumThreads(threads)


def _share_out(
    workers: Sequence[Worker[Job, Result]], jobs: Sequence[Job]
) -> Generator[tuple[Job, Result], None, None]:
    rest = iter(jobs)
    busy: dict[Any, tuple[Worker[Job, Result], Job]] = {}
    for worker, job in zip(workers, rest):  # noqa: B905 - there may be more jobs
        worker.begin(job)
        busy[worker.pipe] = worker, job
    while busy:
        for pipe in wait(list(busy)):
            worker, job = busy.pop(pipe)
            result = worker.result()
            for following in rest:
                worker.begin(following)
                busy[pipe] = worker, following
                break
            yield job, result


class Worker(Generic[Job, Result]):
    """One process, and the pipe to it."""

    def __init__(
        self,
        work: Callable[[Job], Result],
        *,
        start: str = _START,
        advice: str = "give fewer --processes",
    ) -> None:
        """Start the process.

        Args:
            work: called there; pickled unless the process is forked.
            start: "fork" or "spawn".
            advice: what to do when the process is ended from outside, for the message.
        """
        context: Any = multiprocessing.get_context(start)
        self._advice = advice
        self.pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(work, other), daemon=True)
        self._process.start()
        # Held here, or by a process forked later, it would hide that this one has died.
        other.close()

    def begin(self, job: Job) -> None:
        """Hand over a job."""
        with contextlib.suppress(BrokenPipeError):  # `result` says why
            self.pipe.send(job)

    def result(self) -> Result:
        """Return what came of the job.

        Raises:
            DatasetError: the process has died.
        """
        try:
            result, error, trace = self.pipe.recv()
        except (EOFError, ConnectionResetError) as err:
            self._process.join()
            raise DatasetError(
                f"a process that did part of the work ended with code {self._process.exitcode}, "
                f"as happens when memory runs out; {self._advice}"
            ) from err
        if error is not None:
            raise error
        if trace is not None:
            raise RuntimeError(f"in a process that did part of the work:\n{trace}")
        return result

    def kill(self) -> None:
        """End the process in the middle of its job."""
        self._process.kill()

    def end(self) -> None:
        """Let the process go."""
        with contextlib.suppress(BrokenPipeError):
            self.pipe.send(None)
        self._process.join()
        self.pipe.close()


def _serve(work: Callable[[Any], Any], pipe: Connection) -> None:
    """Do jobs until there is None."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent answers it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)  # of which a fork has made sure already
    while (job := pipe.recv()) is not None:
        pipe.send(_attempt(work, job))


def _attempt(work: Callable[[Any], Any], job: Any) -> tuple[Any, Exception | None, str | None]:
    try:
        return work(job), None, None
    except (DetforgeError, OSError) as err:
        return None, err, None
    except Exception:  # noqa: BLE001 - it is raised again over there
        return None, None, traceback.format_exc()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
