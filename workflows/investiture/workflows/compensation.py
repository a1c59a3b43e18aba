"""What each step of the path takes hold of, and beside it how that is given back."""

import asyncio
from typing import Final, NamedTuple

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from investiture.api.common.v1 import gate_pb2

from investiture.workflows.doorbell import GateId
from investiture.workflows.gates import Seeker


class Step(NamedTuple):
    """One gate of the path."""

    gate: GateId
    takes: str
    """What passing it takes hold of."""
    undo: str
    """What its release gives back; empty where launch ends it together with the program."""


STEPS: Final = (
    Step(
        gate_pb2.GATE_PLEDGE,
        takes="one of the sponsor's live sponsorships, and the units' consent",
        undo="the sponsor is free, the consents lapse",
    ),
    Step(
        gate_pb2.GATE_FUND,
        takes="a reservation in the envelope",
        undo="the reservation returns to the envelope",
    ),
    Step(
        gate_pb2.GATE_KNIGHT,
        takes="a place in the risk appetite",
        undo="the place is free, conditions and acceptances lapse",
    ),
    Step(gate_pb2.GATE_PILOT, takes="nothing outside launch", undo=""),
    Step(gate_pb2.GATE_LAUNCH, takes="nothing outside launch", undo=""),
)
"""The path in its order; the undo runs against it."""

GATES: Final = tuple(step.gate for step in STEPS)
HELD: Final = tuple(step.gate for step in STEPS if step.undo)
"""Gates of other services: each holds something until it is released."""


async def undo(seeker: Seeker) -> None:
    """Release all that is held for a program whose end is recorded.

    Each release is an activity of its own, and none waits for another: a service that is down
    delays its own release only. A gate that was never asked records the end, so that a late
    opening is refused. Never called for a fault, a cancellation or a termination.
    """
    if (await seeker.program()).settled:
        return
    pending: list[GateId] = list(reversed(HELD))
    while pending:
        released = await asyncio.gather(*(seeker.release(gate) for gate in pending))
        pending = [gate for gate, done in zip(pending, released, strict=True) if not done]
        if pending:
            await seeker.rest(pending[0])
    await seeker.settled()
