"""The rings of the launch service: it alone starts paths, so each is a signal with a start.

A ring to a path that does not run starts it; its first act is to read the program, and to finish
where there is nothing to do. So a lost start heals by the next ring, at the latest the heartbeat.
"""

from investiture.api.workflows.v1 import path_pb2
from investiture.casework.case import Case
from investiture.casework.vocabulary import GATES
from investiture.casework.words import CaseState, Gate, Verdict
from investiture.chassis.outbox import OutboxMessage
from investiture.launch.domain.programs import Program
from investiture.workflows import contract


def ring_program(program: Program, what: str) -> OutboxMessage:
    """Rings the workflow that has this program in hand: its path, or the proof of its return."""
    ring = path_pb2.Ring(case_name=program.name, version=program.version)
    kind = f"investiture.program.{what}"
    if program.launched_at is None:
        return _ring_path(program.name, ring, kind, program.name)
    return _ring_proof(program.name, ring, kind, program.name)


_NO_NEWS = frozenset({CaseState.SUPERSEDED, CaseState.RELEASED, CaseState.DECLINED})
_SETTLED = frozenset({Verdict.LAUNCHED, Verdict.PROVEN, Verdict.MISSED, Verdict.PROMISE_WAIVED})


def ring_case(case: Case) -> OutboxMessage | None:
    """Rings for one of our own cases.

    None where its next round or its program's end rings anyway, or where the path that made the
    change has the answer.
    """
    if case.state in _NO_NEWS or case.verdict in _SETTLED:
        return None
    ring = path_pb2.Ring(gate=GATES.to(case.gate), case_name=case.name, version=case.version)
    kind = f"investiture.{case.gate.value.lower()}.case.changed"
    if case.gate is Gate.PROVE:
        return _ring_proof(case.program, ring, kind, case.name)
    return _ring_path(case.program, ring, kind, case.name)


def _ring_path(program: str, ring: path_pb2.Ring, kind: str, subject: str) -> OutboxMessage:
    return OutboxMessage(
        workflow_id=contract.launch_path_id(program),
        workflow_type=contract.LAUNCH_PATH,
        task_queue=contract.TASK_QUEUE,
        signal=contract.RING,
        argument=ring,
        start_argument=path_pb2.PathInput(program=program),
        summary=program.removeprefix("programs/"),
        kind=kind,
        subject=subject,
    )


def _ring_proof(program: str, ring: path_pb2.Ring, kind: str, subject: str) -> OutboxMessage:
    return OutboxMessage(
        workflow_id=contract.prove_return_id(program),
        workflow_type=contract.PROVE_RETURN,
        task_queue=contract.TASK_QUEUE,
        signal=contract.RING,
        argument=ring,
        start_argument=path_pb2.PathInput(program=program),
        summary=program.removeprefix("programs/"),
        kind=kind,
        subject=subject,
    )
