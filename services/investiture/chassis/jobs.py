"""Units of SQL work on their way from the event loop to a thread and back."""

import asyncio
import queue
from collections.abc import Callable, Sequence
from contextvars import copy_context
from itertools import groupby
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
import structlog
from structlog.typing import FilteringBoundLogger

T = TypeVar("T")

_log: FilteringBoundLogger = structlog.get_logger()


class Job(Generic[T]):
    """One unit: what to run, who waits for it, and how it ended."""

    __slots__ = ("_answer", "_committed", "_context", "_error", "_unit", "future")

    def __init__(
        self,
        unit: Callable[[sa.Connection], T],
        future: asyncio.Future[T],
        committed: Callable[[T], None] | None = None,
    ) -> None:
        self._unit = unit
        self._context = copy_context()  # the span and log fields of the caller go with it
        self.future = future
        self._committed = committed
        self._answer: tuple[T] | None = None
        self._error: Exception | None = None

    @property
    def abandoned(self) -> bool:
        """Whether the caller gave up; a unit that has not begun then need not begin."""
        return self.future.cancelled()

    @property
    def answered(self) -> bool:
        """Whether the unit ran to its end without an error."""
        return self._answer is not None and self._error is None

    @property
    def ended(self) -> bool:
        """Whether the unit ran, however it went."""
        return self._answer is not None or self._error is not None

    def run(self, connection: sa.Connection) -> None:
        """Run the unit and keep its answer; raises what the unit raises."""
        self._answer = (self._context.run(self._unit, connection),)

    def fail(self, error: BaseException) -> None:
        """Keep the error as what the caller will see."""
        if isinstance(error, StopIteration) or not isinstance(error, Exception):
            # These mean something to the loop or the process that a unit cannot mean.
            self._error = RuntimeError(f"the unit raised {type(error).__name__}")
            self._error.__cause__ = error
        else:
            self._error = error

    def settle(self) -> None:
        """On the event loop, once the transaction has ended: tell the caller."""
        if self.future.done():  # cancelled while the unit ran
            return
        if self._error is not None:
            self.future.set_exception(self._error)
        elif self._answer is not None:
            self.future.set_result(self._answer[0])

    def announce(self) -> None:
        """On the event loop, after ``settle``: tell who wanted to know of the commit."""
        if self._committed is not None and self._answer is not None and self._error is None:
            self._committed(self._answer[0])


class Jobs:
    """A queue of jobs for threads."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()

    def put(self, job: Job[Any]) -> None:
        """Add a job; never waits."""
        self._queue.put(job)

    def stop(self, threads: int = 1) -> None:
        """Ask that many threads to stop once they have taken what is queued now."""
        for _ in range(threads):
            self._queue.put(None)

    def take(self, limit: int = 1) -> list[Job[Any]]:
        """Wait for a job and return it with those that wait behind it; empty means stop."""
        first = self._queue.get()
        if first is None:
            return []
        jobs = [first]
        while len(jobs) < limit:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._queue.put(None)  # for the next call, after these are done
                break
            jobs.append(job)
        return jobs


def settle(jobs: Sequence[Job[Any]]) -> None:
    """From a worker thread: tell every caller, with one wake-up of its event loop for all."""
    for loop, group in groupby(jobs, key=lambda job: job.future.get_loop()):
        settled = list(group)
        try:
            loop.call_soon_threadsafe(_settle_all, settled)
        except RuntimeError:
            # The loop closed under its callers: nobody is left to tell, and the work is done.
            _log.warning("database.loop_closed", units=len(settled))


def _settle_all(jobs: Sequence[Job[Any]]) -> None:
    for job in jobs:
        job.settle()
    for job in jobs:
        job.announce()
