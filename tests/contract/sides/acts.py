"""What people do to a case: the acts of the three gates, and how each is asked for."""

from typing import Any

from tests.contract.sides.houses import ENVELOPE
from tests.contract.sides.oracle import Attempt
from tests.support.services import new_request_id

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.governance.v1 import emergencies_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as itrisk_pb
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb

GATES = ("PLEDGE", "FUND", "KNIGHT")
OWNER = {"PLEDGE": "sponsorship", "FUND": "budget", "KNIGHT": "itrisk"}
MONEY = ("ApproveFunding", "Reserve", "RequestFundingChanges", "DeclineFunding")
IT = ("Knight", "RequestChanges", "Decline")
ENDING = frozenset({"RequestFundingChanges", "DeclineFunding", "RequestChanges", "Decline"})
"""Rehearsed, never done for good: a walk would end there."""
PROVISIONAL = ("DeclareEmergency", "DecideProvisionally")

GAP = gate_pb2.Gap(risk="r", tolerance="t", excess="e", remedy="m")
_REQUESTS: dict[str, Any] = {
    "Pledge": pb.PledgeRequest,
    "RecordPosition": pb.RecordPositionRequest,
    "ApproveFunding": budget_pb.ApproveFundingRequest,
    "Reserve": budget_pb.ReserveRequest,
    "RequestFundingChanges": budget_pb.RequestFundingChangesRequest,
    "DeclineFunding": budget_pb.DeclineFundingRequest,
    "Knight": itrisk_pb.KnightRequest,
    "RequestChanges": itrisk_pb.RequestChangesRequest,
    "Decline": itrisk_pb.DeclineRequest,
    "DeclareEmergency": emergencies_pb2.DeclareEmergencyRequest,
    "DecideProvisionally": case_pb.DecideProvisionallyRequest,
}
_SAYING: dict[str, dict[str, Any]] = {
    "RecordPosition": {"kind": pb.POSITION_KIND_CONSENT},
    "Reserve": {"envelope": ENVELOPE},
    "RequestFundingChanges": {"gaps": [GAP]},
    "DeclineFunding": {"gap": GAP},
    "RequestChanges": {"gaps": [GAP]},
    "Decline": {"gaps": [GAP], "price": "p", "no_exposure_fits": True},
    "DeclareEmergency": {"reason": "a breach", "consequence": "worse"},
    "DecideProvisionally": {"reason": "it cannot wait"},
}
NAMELESS = frozenset({"RequestFundingChanges", "DeclineFunding", *PROVISIONAL})
"""Decided in one's own name only."""

PURPOSE = {"PLEDGE": ("PLEDGE", "POSITION"), "FUND": ("FUND",), "KNIGHT": ("KNIGHT",)}


def request_of(attempt: Attempt, case: gate_pb2.GateCase, *, rehearsing: bool) -> Any:
    """The message by which somebody tries an act."""
    said: dict[str, Any] = dict(_SAYING.get(attempt.method, {}))
    if attempt.method not in NAMELESS:
        said["on_behalf_of"] = attempt.behalf
    if attempt.unit:
        said["unit"] = attempt.unit
    said["pledge" if attempt.method == "DeclareEmergency" else "name"] = case.name
    return _REQUESTS[attempt.method](
        request_id=new_request_id(),
        etag=case.etag,
        validate_only=rehearsing,
        **said,
    )


def gate_of(case: gate_pb2.GateCase) -> str:
    """The gate of a case, in one word."""
    return gate_pb2.Gate.Name(case.gate).removeprefix("GATE_")


def case_of(record: Any) -> gate_pb2.GateCase:
    """The case of what was read, which of a pledge is more than that."""
    case: gate_pb2.GateCase = record.gate_case if isinstance(record, pb.Pledge) else record
    return case


def agrees(record: pb.Pledge, unit: str) -> bool:
    """Whether who speaks for a unit decides with it: others are heard."""
    asked = next(one for one in record.positions if one.unit == unit)
    return bool(asked.role == pb.POSITION_ROLE_AGREE)
