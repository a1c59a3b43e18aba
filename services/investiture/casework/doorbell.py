"""The ring that tells a program's path to look again."""

from investiture.api.workflows.v1 import path_pb2
from investiture.casework.case import Case
from investiture.casework.vocabulary import GATES
from investiture.chassis.outbox import OutboxMessage
from investiture.workflows import contract


def ring_path(case: Case) -> OutboxMessage:
    """A plain ring.

    Only launch starts paths, so a path that does not run reads the record when it does. Of a
    launched program it is forwarded to the proof of its return (`contract.after_launch_path`).
    """
    return OutboxMessage(
        workflow_id=contract.launch_path_id(case.program),
        signal=contract.RING,
        argument=path_pb2.Ring(gate=GATES.to(case.gate), case_name=case.name, version=case.version),
        kind=f"investiture.{case.gate.value.lower()}.case.changed",
        subject=case.name,
    )
