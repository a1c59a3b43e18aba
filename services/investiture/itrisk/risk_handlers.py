"""RiskService: proto in, operation and computation, proto out."""

from functools import partial
from typing import Any

from investiture.api.itrisk.v1 import risk_service_pb2 as pb
from investiture.charter.model import Charter
from investiture.chassis.call import Call
from investiture.chassis.refusal import FieldViolation, InvalidArgument, NotFound
from investiture.chassis.transaction import Mutations
from investiture.itrisk import risk_messages as messages
from investiture.itrisk.assessing import Assessing, Otherwise, Subject
from investiture.itrisk.computing import Computer, seconds_left
from investiture.itrisk.profiling import ProfileOperations, Recomputed

SERVICE = "investiture.api.itrisk.v1.RiskService"


class RiskHandlers:
    """The risk of programs, over gRPC."""

    def __init__(
        self,
        operations: ProfileOperations,
        assessing: Assessing,
        computer: Computer,
        mutations: Mutations,
        charter: Charter,
    ) -> None:
        self._operations = operations
        self._assessing = assessing
        self._computer = computer
        self._mutations = mutations
        self._charter = charter

    async def SaveRiskProfile(
        self, request: pb.SaveRiskProfileRequest, call: Call
    ) -> pb.RiskProfile:
        """Stores a new version."""
        content = messages.content_of(request.content)
        return await self._saved(call, request, content)

    async def GetRiskProfile(self, request: pb.GetRiskProfileRequest, call: Call) -> pb.RiskProfile:
        """Reads a version."""
        program, _, version = request.name.rpartition("/riskProfiles/")
        number = None if version == "latest" else int(version)
        found = await self._mutations.read(
            call, lambda tx: self._operations.read(tx, program, number)
        )
        if found is None:
            raise NotFound(request.name)
        return messages.profile_to(found)

    async def Assess(self, request: pb.AssessRequest, call: Call) -> pb.Assessment:
        """The risk of a program as it stands."""
        return await self._answer(call, request.program, Otherwise(at=tuple(request.at)))

    async def WhatIf(self, request: pb.WhatIfRequest, call: Call) -> pb.Assessment:
        """The risk of a program as it might be."""
        content = None
        if request.HasField("content"):
            content = messages.content_of(request.content)
            await self._check(content, call)
        otherwise = Otherwise(
            controls=tuple(request.controls),
            exposure_bps=request.exposure_bps,
            appetite=tuple((point.loss, point.probability) for point in request.appetite),
            content=content,
            at=tuple(request.at),
        )
        return await self._answer(call, request.program, otherwise)

    async def AssessPortfolio(
        self, request: pb.AssessPortfolioRequest, call: Call
    ) -> pb.PortfolioAssessment:
        """All programs whose knighting stands, together."""
        living = await self._mutations.read(call, self._assessing.living)
        currency = self._charter.currency
        if living.subjects:
            asked = {program: subject.asked for program, subject in living.subjects.items()}
            answer = await self._computer.portfolio(
                asked, request.probability or 0.95, seconds_left(call)
            )
            message = messages.portfolio_to(answer, currency)
        else:
            message = pb.PortfolioAssessment(currency_code=currency)
        message.without_profile.extend(living.without[: messages.MOST_NAMED])
        message.other_currency.extend(living.foreign[: messages.MOST_NAMED])
        message.programs = len(living.subjects)
        return message

    async def _answer(self, call: Call, program: str, otherwise: Otherwise) -> pb.Assessment:
        subject: Subject = await self._mutations.read(
            call, partial(self._assessing.subject, program=program, otherwise=otherwise)
        )
        answer = await self._computer.assess(subject.asked, seconds_left(call))
        return messages.assessment_to(subject, answer)

    async def _saved(
        self, call: Call, request: pb.SaveRiskProfileRequest, content: dict[str, Any]
    ) -> pb.RiskProfile:
        """A repetition costs no computation, and neither does what would be refused anyway."""
        program, etag, reason = request.program, request.etag, request.reason
        answered: pb.RiskProfile | None = await self._mutations.answered(call, request)
        if answered is not None:
            return answered
        asked = await self._mutations.read(
            call, lambda tx: self._operations.asked_again(tx, program, etag, content, reason)
        )
        await self._check(content, call)
        recomputed = None
        if asked is not None:
            case, subject = asked
            answer = await self._computer.assess(subject.asked, seconds_left(call))
            recomputed = Recomputed(case.name, case.version, subject, answer)
        return await self._mutations.run(
            call,
            request,
            lambda tx: messages.profile_to(
                self._operations.save(tx, program, etag, content, reason, recomputed)
            ),
        )

    async def _check(self, content: dict[str, Any], call: Call) -> None:
        """Refuses numbers that cannot be meant, by their place in the request."""
        try:
            await self._computer.check(content, seconds_left(call))
        except InvalidArgument as refusal:
            raise InvalidArgument(
                violations=[
                    FieldViolation(f"content.{one.field}", one.description)
                    for one in refusal.violations
                ]
            ) from None
