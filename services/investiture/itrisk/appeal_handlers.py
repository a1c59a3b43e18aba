"""AppealService: proto in, operation, proto out."""

from investiture.api.itrisk.v1 import appeal_service_pb2 as pb
from investiture.api.itrisk.v1.itrisk_service_pb2 import RiskReview
from investiture.casework.directory import Directory, known_person, resolve_caller
from investiture.casework.notes import check_link, check_text
from investiture.casework.operations import CaseOperations
from investiture.casework.vocabulary import APPEAL_OUTCOMES
from investiture.casework.words import Purpose
from investiture.chassis.call import Call
from investiture.chassis.transaction import Mutations, Transaction
from investiture.itrisk.appealing import AppealOperations
from investiture.itrisk.operations import ReviewReading
from investiture.itrisk.review_messages import review_to

SERVICE = "investiture.api.itrisk.v1.AppealService"


class AppealHandlers:
    """Appeals against declines, over gRPC."""

    def __init__(
        self,
        operations: AppealOperations,
        cases: CaseOperations,
        mutations: Mutations,
        directory: Directory,
    ) -> None:
        self._operations = operations
        self._cases = cases
        self._mutations = mutations
        self._directory = directory

    async def Appeal(self, request: pb.AppealRequest, call: Call) -> RiskReview:
        """Appeals a decline."""
        check_text("grounds", request.grounds)
        for index, link in enumerate(request.evidence):
            check_link(f"evidence[{index}]", link)
        between = await self._mutations.read(
            call, lambda tx: self._operations.between(tx, request.name)
        )
        superiors = {one: (await known_person(self._directory, one)).superiors for one in between}
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._operations.appeal(
                    tx, request.name, request.etag, request.grounds, request.evidence, superiors
                ),
                tx,
            ),
        )

    async def AcceptDecline(self, request: pb.AcceptDeclineRequest, call: Call) -> RiskReview:
        """Accepts a decline."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(self._operations.accept(tx, request.name, request.etag), tx),
        )

    async def DecideAppeal(self, request: pb.DecideAppealRequest, call: Call) -> RiskReview:
        """Decides an appeal."""
        check_text("reason", request.reason)
        outcome = APPEAL_OUTCOMES.of(request.outcome)
        authority = await resolve_caller(self._directory, call, Purpose.POSITION)
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._operations.decide(
                    tx, request.name, request.etag, outcome, request.reason, authority
                ),
                tx,
            ),
        )

    def _message(self, reading: ReviewReading, tx: Transaction) -> RiskReview:
        return review_to(reading, self._cases.reading(tx, reading.case))
