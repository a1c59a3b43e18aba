"""RiskService: proto in, operation and computation, proto out."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from investiture.api.itrisk.v1 import risk_service_pb2 as pb
from investiture.casework.case import Case
from investiture.charter.model import Charter
from investiture.chassis.call import Call
from investiture.chassis.refusal import FieldViolation, InvalidArgument, NotFound, Stale
from investiture.chassis.transaction import Mutations, Transaction
from investiture.itrisk import risk_messages as messages
from investiture.itrisk.assessing import Assessing, Otherwise, Subject, appetite_of
from investiture.itrisk.computing import Computer, digest_of, seconds_left
from investiture.itrisk.estimating import EstimateOperations
from investiture.itrisk.library.choosing import Traits, suggest
from investiture.itrisk.profiling import ProfileOperations, Recomputed
from investiture.itrisk.risk_contents import content_of, estimate_of

SERVICE = "investiture.api.itrisk.v1.RiskService"


Saving = pb.SaveRiskProfileRequest | pb.CombineEstimatesRequest
Says = Callable[[Transaction], tuple[dict[str, Any], str]]
"""What a new version says, and why."""


class RiskHandlers:
    """The risk of programs, over gRPC."""

    def __init__(
        self,
        operations: ProfileOperations,
        estimates: EstimateOperations,
        assessing: Assessing,
        computer: Computer,
        mutations: Mutations,
        charter: Charter,
    ) -> None:
        self._operations = operations
        self._estimates = estimates
        self._assessing = assessing
        self._computer = computer
        self._mutations = mutations
        self._charter = charter

    async def SaveRiskProfile(
        self, request: pb.SaveRiskProfileRequest, call: Call
    ) -> pb.RiskProfile:
        """Stores a new version."""
        content = content_of(request.content)
        evidence = [{"url": one.url, "sha256": one.sha256} for one in request.evidence]
        return await self._saved(
            call, request, lambda _: (content, request.reason), evidence, request.trials
        )

    async def CombineEstimates(
        self, request: pb.CombineEstimatesRequest, call: Call
    ) -> pb.RiskProfile:
        """Stores the medians as a new version."""
        return await self._saved(
            call,
            request,
            lambda tx: self._estimates.combined(
                tx, request.program, request.reason, request.people
            ),
        )

    async def RecordEstimate(
        self, request: pb.RecordEstimateRequest, call: Call
    ) -> pb.ScenarioEstimates:
        """Keeps the caller's own numbers."""
        parts = [(messages.PARTS[one.part], estimate_of(one.estimate)) for one in request.parts]
        return await self._mutations.run(
            call,
            request,
            lambda tx: messages.estimates_to(
                self._estimates.record(tx, request.program, request.scenario, parts, request.basis),
                who=True,
            ),
        )

    async def ListEstimates(
        self, request: pb.ListEstimatesRequest, call: Call
    ) -> pb.ListEstimatesResponse:
        """What people said, as far as the caller may see it."""
        program, number = _version(request.profile)
        views = await self._mutations.read(
            call, lambda tx: self._estimates.seen(tx, program, number, request.scenario)
        )
        return pb.ListEstimatesResponse(
            scenarios=[messages.estimates_to(view, who=bool(request.scenario)) for view in views]
        )

    async def SuggestRiskProfile(
        self, request: pb.SuggestRiskProfileRequest, call: Call
    ) -> pb.RiskSuggestion:
        """Scenarios and controls to start from."""
        traits = Traits(
            tuple(request.audiences),
            tuple(request.channels),
            tuple(request.data_classes),
            tuple(request.vendors),
        )
        if traits == Traits():
            traits = await self._mutations.read(
                call, lambda tx: self._assessing.traits(tx, request.program)
            )
        currency = self._charter.currency
        found = suggest(traits, currency, request.units_per_euro)
        return messages.suggestion_to(request.program, found, appetite_of(self._charter), currency)

    async def GetRiskProfile(self, request: pb.GetRiskProfileRequest, call: Call) -> pb.RiskProfile:
        """Reads a version."""
        program, number = _version(request.name)
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
            content = content_of(request.content)
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
        self,
        call: Call,
        request: Saving,
        said: Says,
        evidence: Sequence[Mapping[str, str]] = (),
        trials: Sequence[str] = (),
    ) -> pb.RiskProfile:
        """A repetition costs no computation, and neither does what would be refused anyway."""
        program, etag = request.program, request.etag
        answered: pb.RiskProfile | None = await self._mutations.answered(call, request)
        if answered is not None:
            return answered

        def look(tx: Transaction) -> tuple[dict[str, Any], tuple[Case, Subject] | None]:
            content, reason = said(tx)
            return content, self._operations.asked_again(tx, program, etag, content, reason)

        content, asked = await self._mutations.read(call, look)
        await self._check(content, call)
        recomputed = None
        if asked is not None:
            case, subject = asked
            answer = await self._computer.assess(subject.asked, seconds_left(call))
            recomputed = Recomputed(case.name, case.version, subject, answer)

        def save(tx: Transaction) -> pb.RiskProfile:
            now, reason = said(tx)
            if digest_of(now) != digest_of(content):
                raise Stale(program, etag, "somebody said other numbers meanwhile; combine again")
            return messages.profile_to(
                self._operations.save(tx, program, etag, now, reason, recomputed, evidence, trials)
            )

        return await self._mutations.run(call, request, save)

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


def _version(name: str) -> tuple[str, int | None]:
    """The program and the version of a profile's name; None for the newest."""
    program, _, version = name.rpartition("/riskProfiles/")
    return program, None if version == "latest" else int(version)
