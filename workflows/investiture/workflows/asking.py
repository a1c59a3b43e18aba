"""Asking an activity: a fault is waited out while it lasts, an unexpected answer is raised."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from google.protobuf.message import Message

    from investiture.api.workflows.v1.path_pb2 import Parked
    from investiture.workflows.activities import Activities
    from investiture.workflows.answers import UNEXPECTED
    from investiture.workflows.liveness import MISSED_AFTER

FOR_EVER = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=15),
)
"""The longest pause is what a path still stands for once the service is back.

At a minute, eight attempts that met one restarting service or another kept a path waiting for over
three minutes where no service had been away for ten seconds. An attempt at a service that is away
costs milliseconds and leaves nothing in the history.
"""
ONCE = RetryPolicy(maximum_attempts=1)
AN_ATTEMPT = timedelta(seconds=30)
A_QUICK_ATTEMPT = timedelta(seconds=2)
"""Below a workflow task's timeout (three seconds), so that a quick read need not prolong it."""

A = TypeVar("A", bound=Message)
R = TypeVar("R", bound=Message)


class HistoryFull(Exception):
    """The server suggests to continue as new; all that is needed then is the program's name."""


class UnexpectedAnswer(Exception):
    """An answer that no branch of the path expects."""

    def __init__(self, parked: Parked) -> None:
        super().__init__(f"{parked.code} {parked.reason}")
        self.parked = parked


async def ask(
    method: Callable[[Activities, A], Awaitable[R]],
    argument: A,
    summary: str,
    *,
    quick: bool = False,
) -> R:
    """Return what the activity answers, however long that takes.

    Args:
        method: the activity.
        argument: its input.
        summary: what operators read of it.
        quick: try a local activity first, for a read after a ring. Where the service does not
            answer it at once, waiting is the server's work: a local activity that is repeated
            would fill the history for as long as an outage lasts.

    Raises:
        UnexpectedAnswer: repeating the question would not help.
        HistoryFull: the history must not grow further; what was asked may be asked again.
    """
    if quick:
        try:
            return await workflow.execute_local_activity_method(
                method,
                argument,
                start_to_close_timeout=A_QUICK_ATTEMPT,
                retry_policy=ONCE,
                summary=summary,
            )
        except FailureError as error:
            _raise_unless_fault(error)
    handle = workflow.start_activity_method(
        method,
        argument,
        start_to_close_timeout=AN_ATTEMPT,
        heartbeat_timeout=MISSED_AFTER,
        retry_policy=FOR_EVER,
        summary=summary,
    )
    # An outage may last for hours: signals that fill the history meanwhile must not make it deaf.
    await workflow.wait_condition(lambda: handle.done() or full())
    if not handle.done():
        raise HistoryFull
    try:
        return await handle
    except FailureError as error:
        cause = _raise_unless_fault(error)
        raise UnexpectedAnswer(Parked(code="FAILED", reason=type(cause).__name__)) from None


LONG_EVENTS = 500
"""More than a path has without a flood: 45 a gate at most."""


def full() -> bool:
    """Whether to continue as new: at the server's suggestion, and long before it.

    The server refuses the 10,001st signal of a run. While signals come in it takes no end of a run
    but from a later attempt at the workflow task, which replays the whole history: a flood is
    outlived while it lasts if that is short, and once it is over otherwise.
    """
    info = workflow.info()
    return info.is_continue_as_new_suggested() or info.get_current_history_length() >= LONG_EVENTS


def _raise_unless_fault(error: FailureError) -> BaseException:
    """Return the fault. A local activity's failure comes bare, a normal one's as the cause."""
    if is_cancelled_exception(error):
        raise error
    cause = (error.cause or error) if isinstance(error, ActivityError) else error
    if isinstance(cause, ApplicationError) and cause.type == UNEXPECTED:
        parked = next((d for d in cause.details if isinstance(d, Parked)), Parked(code="UNKNOWN"))
        raise UnexpectedAnswer(parked) from None
    return cause
