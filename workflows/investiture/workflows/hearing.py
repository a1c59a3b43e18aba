"""Hearing a ring: read only where somebody will look because of it."""

from temporalio import workflow
from temporalio.common import RawValue

from investiture.workflows.asking import full

with workflow.unsafe.imports_passed_through():
    from investiture.api.workflows.v1.path_pb2 import Ring
    from investiture.workflows.doorbell import Doorbell


def hear(bell: Doorbell, said: RawValue) -> None:
    """Mark what was rung for.

    A run that is about to continue as new reads nothing more, and the next one reads every record:
    a ring is not even decoded then. Decoding is most of what a signal costs, and after a flood
    10,000 of them are replayed in one activation, which the SDK takes for a deadlock after two
    seconds. What cannot be decoded is nobody's ring.
    """
    if full():
        return
    try:
        (ring,) = workflow.payload_converter().from_payloads([said.payload], [Ring])
    except Exception:  # noqa: BLE001 - anybody may send anything, and each converter has its own
        workflow.logger.warning("a signal that is no ring was dropped")
        return
    if isinstance(ring, Ring):
        bell.ring(ring)
