"""ItRiskService: proto in, operation, proto out."""

from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as pb
from investiture.casework import wire
from investiture.casework.directory import Directory, resolve_caller
from investiture.casework.facts import Authority
from investiture.casework.operations import CaseOperations
from investiture.casework.words import Purpose
from investiture.chassis.call import Call
from investiture.chassis.refusal import FieldViolation, InvalidArgument
from investiture.chassis.transaction import Mutations, Transaction
from investiture.itrisk import domain
from investiture.itrisk.assessing import Judged
from investiture.itrisk.computing import Computer, seconds_left
from investiture.itrisk.operations import ReviewOperations, ReviewReading
from investiture.itrisk.review_messages import review_to

SERVICE = "investiture.api.itrisk.v1.ItRiskService"

Verdict = pb.KnightRequest | pb.RequestChangesRequest | pb.DeclineRequest


class ItRiskHandlers:
    """IT's review over gRPC."""

    def __init__(
        self,
        operations: ReviewOperations,
        cases: CaseOperations,
        mutations: Mutations,
        directory: Directory,
        computer: Computer,
    ) -> None:
        self._computer = computer
        self._operations = operations
        self._cases = cases
        self._mutations = mutations
        self._directory = directory

    async def GetReview(self, request: pb.GetReviewRequest, call: Call) -> pb.RiskReview:
        """Reads a review."""
        return await self._mutations.read(
            call, lambda tx: self._message(self._operations.read(tx, request.name), tx)
        )

    async def Knight(self, request: pb.KnightRequest, call: Call) -> pb.RiskReview:
        """Knights the program."""
        _require_blocks(request)
        knighting = domain.Knighting(
            conditions=tuple(wire.condition_of(c) for c in request.conditions),
            exposure_limit_bps=request.exposure_limit_bps,
            rationale=request.rationale,
        )
        stated = request.stated_probability if request.HasField("stated_probability") else None
        authority = await self._authority(call, request.on_behalf_of)
        judged = await self._judged(call, request, request.exposure_limit_bps)
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._operations.knight(
                    tx, request.name, request.etag, knighting, authority, judged, stated
                ),
                tx,
            ),
        )

    async def RequestChanges(self, request: pb.RequestChangesRequest, call: Call) -> pb.RiskReview:
        """Asks for changes."""
        gaps = wire.gaps_of(request.gaps)
        authority = await self._authority(call, request.on_behalf_of)
        judged = await self._judged(call, request) if request.from_assessment else None
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._operations.request_changes(
                    tx, request.name, request.etag, gaps, authority, judged
                ),
                tx,
            ),
        )

    async def Decline(self, request: pb.DeclineRequest, call: Call) -> pb.RiskReview:
        """Declines the program."""
        gaps = wire.gaps_of(request.gaps)
        authority = await self._authority(call, request.on_behalf_of)
        judged = await self._judged(call, request) if request.no_exposure_fits else None
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._operations.decline(
                    tx,
                    request.name,
                    request.etag,
                    gaps,
                    request.price,
                    authority,
                    judged,
                    no_exposure_fits=request.no_exposure_fits,
                ),
                tx,
            ),
        )

    async def _judged(self, call: Call, request: Verdict, limit_bps: int = 0) -> Judged | None:
        """The numbers that a verdict rests on; of a repetition they are not asked again."""
        if await self._mutations.answered(call, request) is not None:
            return None
        subject = await self._mutations.read(
            call, lambda tx: self._operations.subject(tx, request.name, limit_bps)
        )
        if subject is None:
            return None
        return Judged(subject, await self._computer.assess(subject.asked, seconds_left(call)))

    async def _authority(self, call: Call, on_behalf_of: str) -> Authority:
        return await resolve_caller(self._directory, call, Purpose.KNIGHT, on_behalf_of)

    def _message(self, reading: ReviewReading, tx: Transaction) -> pb.RiskReview:
        return review_to(reading, self._cases.reading(tx, reading.case))


def _require_blocks(request: pb.KnightRequest) -> None:
    wrong = [
        FieldViolation(f"conditions[{index}].blocks", "name the gate it blocks: PILOT or LAUNCH")
        for index, condition in enumerate(request.conditions)
        if condition.blocks == gate_pb2.GATE_UNSPECIFIED
    ]
    if wrong:
        raise InvalidArgument(violations=wrong)
