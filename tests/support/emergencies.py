"""Emergencies in tests: a program within the caps, and the two who decide each gate."""

from typing import Any

from tests.support.facts import NOW, revision
from tests.support.services import new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.casework.facts import Emergency, Revision

BEN, SARA, OTTO = "people/ben", "people/sara", "people/otto"
DECLARED = Emergency(BEN, NOW, "the portal was breached", "customers hear it from the press")


def urgent(number: int = 1, **changes: Any) -> Revision:
    """Ben's help page after a breach, sponsored by Sara: at every cap, beyond none."""
    values: dict[str, Any] = {
        "program": "programs/breach",
        "proposer": BEN,
        "sponsor": SARA,
        "benefit_owners": (SARA,),
        "channels": ("community-forum",),
        "amount_minor": 100_000_00,
        "exposure_bps": 5_000,
        "envelope": "envelopes/launches-2027",
        **changes,
    }
    return revision(number, **values)


async def voiced(
    stub: CaseServiceStub, case: gate_pb2.GateCase, **changes: Any
) -> gate_pb2.GateCase:
    """The case after one of two has decided it provisionally."""
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": case.name,
        "etag": case.etag,
        "reason": "it cannot wait",
        **changes,
    }
    asked = case_pb.DecideProvisionallyRequest(**values)
    reading: case_pb.CaseReading = await stub.DecideProvisionally(asked)
    return reading.gate_case
