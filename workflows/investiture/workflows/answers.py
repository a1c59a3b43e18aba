"""What an answer of a service means for a path: faults wait, answers act.

An expected refusal is a branch and comes back as data; an unexpected one parks the gate; whatever
is no answer at all is a fault, and its activity is repeated until there is one.
"""

from collections.abc import Awaitable
from typing import Final, TypeVar

import grpc
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from investiture.api.workflows.v1.path_pb2 import GateReading, Parked
from investiture.chassis.client import Problem, explain
from investiture.workflows.doorbell import GateId

T = TypeVar("T")

ANSWERS: Final = frozenset(
    {"INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION"}
)
"""Status codes that answer the question; every other one says that nobody could."""

BLOCKED: Final = frozenset({"LAUNCH_NOT_READY", "PROGRAM_SUSPENDED", "FORWARD_MOVES_PAUSED"})
WALK_AGAIN: Final = frozenset({"BUSINESS_FIRST", "STATEMENT_EXPIRED"})
PROGRAM_CHANGED: Final = frozenset({"REVISION_SUPERSEDED", "PROGRAM_ENDED"})

FAULT: Final = "Fault"
UNEXPECTED: Final = "UnexpectedAnswer"


class Refused(Exception):
    """A service answered, and the answer is no."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code} {problem.reason}")
        self.problem = problem

    def means(self, *reasons: str) -> bool:
        """Whether the refusal has one of these reasons."""
        return self.problem.reason in reasons


async def answer(call: Awaitable[T]) -> T:
    """Return what the call answers.

    Raises:
        Refused: the service says no.
        ApplicationError: nobody answered; worth another try.
    """
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        problem = explain(error)
        if problem.code in ANSWERS:
            raise Refused(problem) from error
        # History keeps this text: the code and the reason only, never the service's own words.
        what = f"{problem.code} {problem.reason}".strip()
        activity.logger.warning("no answer: %s", what)
        raise ApplicationError(
            what,
            type=FAULT,
            next_retry_delay=problem.retry_after,
            category=ApplicationErrorCategory.BENIGN,  # a line in the log, not a stack an attempt
        ) from None


def branch(gate: GateId, refused: Refused) -> GateReading:
    """Return the reading that an expected refusal makes.

    Raises:
        ApplicationError: nobody expected it; never repeated by itself, it parks the gate.
    """
    reason = refused.problem.reason
    reading = GateReading(gate=gate, reason=reason, next_in_ms=-1, standing_for_ms=-1)
    if reason in BLOCKED:
        reading.blocked = True
    elif reason in WALK_AGAIN:
        reading.walk_again = True
    elif reason in PROGRAM_CHANGED:
        reading.program_changed = True
    else:
        raise unexpected(gate, refused)
    return reading


def unexpected(gate: GateId, refused: Refused) -> ApplicationError:
    """Return the error that parks a gate."""
    code, reason = refused.problem.code, refused.problem.reason
    return ApplicationError(
        f"{code} {reason}".strip(),
        Parked(gate=gate, code=code, reason=reason),
        type=UNEXPECTED,
        non_retryable=True,
    )
