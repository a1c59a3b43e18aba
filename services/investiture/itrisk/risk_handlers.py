"""RiskService: proto in, operation and computation, proto out."""

from functools import partial

from investiture.api.itrisk.v1 import risk_service_pb2 as pb
from investiture.charter.model import Charter
from investiture.chassis.call import Call
from investiture.chassis.refusal import NotFound
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
        evidence = [{"url": one.url, "sha256": one.sha256} for one in request.evidence]
        asked = await self._mutations.read(
            call, lambda tx: self._operations.asked_again(tx, request.program, content)
        )
        recomputed = None
        if asked is not None:
            case, subject = asked
            answer = await self._computer.assess(subject.asked, seconds_left(call))
            recomputed = Recomputed(case.name, case.version, subject, answer)
        return await self._mutations.run(
            call,
            request,
            lambda tx: messages.profile_to(
                self._operations.save(
                    tx,
                    request.program,
                    request.etag,
                    content,
                    request.reason,
                    recomputed,
                    evidence,
                )
            ),
        )

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
        otherwise = Otherwise(
            controls=tuple(request.controls),
            exposure_bps=request.exposure_bps,
            appetite=tuple((point.loss, point.probability) for point in request.appetite),
            content=messages.content_of(request.content) if request.HasField("content") else None,
            at=tuple(request.at),
        )
        return await self._answer(call, request.program, otherwise)

    async def AssessPortfolio(
        self, request: pb.AssessPortfolioRequest, call: Call
    ) -> pb.PortfolioAssessment:
        """All programs whose knighting stands, together."""
        subjects, without = await self._mutations.read(call, self._assessing.living)
        if not subjects:
            return pb.PortfolioAssessment(
                currency_code=self._charter.currency, without_profile=without
            )
        asked = {program: subject.asked for program, subject in subjects.items()}
        answer = await self._computer.portfolio(
            asked, request.probability or 0.95, seconds_left(call)
        )
        return messages.portfolio_to(answer, self._charter.currency, without)

    async def _answer(self, call: Call, program: str, otherwise: Otherwise) -> pb.Assessment:
        subject: Subject = await self._mutations.read(
            call, partial(self._assessing.subject, program=program, otherwise=otherwise)
        )
        answer = await self._computer.assess(subject.asked, seconds_left(call))
        return messages.assessment_to(subject, answer)
