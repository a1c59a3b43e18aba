"""IT's side of the house with who appeals a decline there, and who decides the appeal."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.support.facts import revision
from tests.support.reviews import GAP, REVIEWER, Desk
from tests.support.services import new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import appeal_service_pb2 as pb
from investiture.api.itrisk.v1 import itrisk_service_pb2 as review_pb
from investiture.api.itrisk.v1.appeal_service_pb2_grpc import AppealServiceStub
from investiture.api.itrisk.v1.itrisk_service_pb2_grpc import ItRiskServiceStub
from investiture.casework.facts import Revision

PIA, SAM, RALF = "people/pia", "people/sam", "people/ralf"
ADA, GRACE, GUS = "people/ada", "people/grace", "people/gus"
UPHELD, GRANTED = gate_pb2.APPEAL_OUTCOME_UPHELD, gate_pb2.APPEAL_OUTCOME_GRANTED
DECLINED, OPEN = gate_pb2.CASE_STATE_DECLINED, gate_pb2.CASE_STATE_OPEN
ROLES = ("proposer", "sponsor", "endorser", "governance")
WINDOW = timedelta(days=7)
"""Five business days from a Monday on."""


@dataclass(slots=True)
class House:
    """IT's side of the house, and who appeals."""

    desk: Desk
    url: str

    def stub(self, person: str) -> AppealServiceStub:
        return AppealServiceStub(self.desk.service.channel(person, *ROLES))

    async def declined(
        self, facts: Revision | None = None, by: str = REVIEWER
    ) -> gate_pb2.GateCase:
        case = await self.desk.opened(facts or revision())
        return await self.declines(case, by)

    async def declines(self, case: gate_pb2.GateCase, by: str = REVIEWER) -> gate_pb2.GateCase:
        stub = ItRiskServiceStub(self.desk.service.channel(by, "reviewer"))
        review: review_pb.RiskReview = await stub.Decline(
            review_pb.DeclineRequest(
                request_id=new_request_id(),
                name=case.name,
                etag=case.etag,
                gaps=[GAP],
                price="90,000 EUR",
                no_exposure_fits=True,
            )
        )
        return review.gate_case

    def asking(self, case: gate_pb2.GateCase, **changes: Any) -> pb.AppealRequest:
        values: dict[str, Any] = {
            "request_id": new_request_id(),
            "name": case.name,
            "etag": case.etag,
            "grounds": "the forum is moderated since May",
            "evidence": ["https://dms/moderation"],
        }
        return pb.AppealRequest(**{**values, **changes})

    async def appealed(self, case: gate_pb2.GateCase, by: str = SAM) -> gate_pb2.GateCase:
        review: review_pb.RiskReview = await self.stub(by).Appeal(self.asking(case))
        return review.gate_case

    def deciding(
        self, case: gate_pb2.GateCase, outcome: gate_pb2.AppealOutcome.ValueType, **changes: Any
    ) -> pb.DecideAppealRequest:
        values: dict[str, Any] = {
            "request_id": new_request_id(),
            "name": case.name,
            "etag": case.etag,
            "outcome": outcome,
            "reason": "moderation was tested",
        }
        return pb.DecideAppealRequest(**{**values, **changes})

    async def decided(
        self,
        case: gate_pb2.GateCase,
        outcome: gate_pb2.AppealOutcome.ValueType,
        by: str = ADA,
    ) -> gate_pb2.GateCase:
        review: review_pb.RiskReview = await self.stub(by).DecideAppeal(
            self.deciding(case, outcome)
        )
        return review.gate_case

    async def read(self, case: gate_pb2.GateCase) -> case_pb.CaseReading:
        request = case_pb.ReadCaseRequest(program=case.program, gate=gate_pb2.GATE_KNIGHT)
        reading: case_pb.CaseReading = await self.desk.cases.ReadCase(request)
        return reading

    async def escalated(self, case: gate_pb2.GateCase) -> case_pb.EscalateCaseResponse:
        request = case_pb.EscalateCaseRequest(request_id=new_request_id(), name=case.name)
        answer: case_pb.EscalateCaseResponse = await self.desk.cases.EscalateCase(request)
        return answer

    async def inbox(self, person: str) -> list[str]:
        stub = CaseServiceStub(self.desk.service.channel(person, *ROLES))
        found: case_pb.ListPendingDecisionsResponse = await stub.ListPendingDecisions(
            case_pb.ListPendingDecisionsRequest()
        )
        return [case.name for case in found.cases]

    async def knights(
        self, case: gate_pb2.GateCase, by: str, on_behalf_of: str = ""
    ) -> gate_pb2.GateCase:
        stub = ItRiskServiceStub(self.desk.service.channel(by, "reviewer"))
        review: review_pb.RiskReview = await stub.Knight(
            review_pb.KnightRequest(
                request_id=new_request_id(),
                name=case.name,
                etag=case.etag,
                on_behalf_of=on_behalf_of,
            )
        )
        return review.gate_case
