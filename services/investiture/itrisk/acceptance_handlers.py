"""AcceptanceService: proto in, operation and computation, proto out."""

from functools import partial

from investiture.api.itrisk.v1 import acceptance_service_pb2 as pb
from investiture.casework import wire
from investiture.casework.amounts import Amount
from investiture.casework.directory import Directory, resolve_caller
from investiture.casework.money import to_money
from investiture.casework.words import Purpose
from investiture.chassis.call import Call
from investiture.chassis.transaction import Mutations, Transaction
from investiture.itrisk.accepting import AcceptanceOperations, AcceptanceReading, Accepting
from investiture.itrisk.assessing import Judged
from investiture.itrisk.computing import Computer, seconds_left

SERVICE = "investiture.api.itrisk.v1.AcceptanceService"


class AcceptanceHandlers:
    """Who accepts a risk, over gRPC."""

    def __init__(
        self,
        operations: AcceptanceOperations,
        mutations: Mutations,
        directory: Directory,
        computer: Computer,
    ) -> None:
        self._operations = operations
        self._mutations = mutations
        self._directory = directory
        self._computer = computer

    async def AcceptRisk(self, request: pb.AcceptRiskRequest, call: Call) -> pb.RiskAcceptance:
        """Accepts at the caller's level."""
        said = Accepting(
            program=request.program,
            digest=request.assessment_digest,
            reason=request.reason,
            until=wire.required_instant(request, "until"),
        )
        # Authority is what the budget's own table gives: it is asked for as money is.
        authority = await resolve_caller(self._directory, call, Purpose.FUND, request.on_behalf_of)
        subject = await self._mutations.read(
            call, partial(self._operations.subject, program=request.program)
        )
        judged = Judged(subject, await self._computer.assess(subject.asked, seconds_left(call)))
        return await self._mutations.run(
            call,
            request,
            lambda tx: _message(self._operations.accept(tx, said, authority, judged), tx),
        )

    async def ListRiskAcceptances(
        self, request: pb.ListRiskAcceptancesRequest, call: Call
    ) -> pb.ListRiskAcceptancesResponse:
        """Lists a program's acceptances."""
        return await self._mutations.read(
            call,
            lambda tx: pb.ListRiskAcceptancesResponse(
                acceptances=[
                    _message(one, tx) for one in self._operations.list(tx, request.program)
                ]
            ),
        )


def _message(reading: AcceptanceReading, tx: Transaction) -> pb.RiskAcceptance:
    one = reading.acceptance
    state = pb.ACCEPTANCE_STATE_PENDING
    if tx.now >= one.until:
        state = pb.ACCEPTANCE_STATE_EXPIRED
    elif one.accepted_at is not None:
        state = pb.ACCEPTANCE_STATE_ACCEPTED
    return pb.RiskAcceptance(
        name=one.name,
        state=state,
        assessment_digest=one.digest,
        at_stake=to_money(Amount(one.at_stake_minor, one.currency)),
        until=wire.stamp(one.until),
        review_at=wire.stamp(one.review_at),
        voices=[
            pb.AcceptingVoice(
                person=voice.person,
                on_behalf_of=voice.on_behalf_of,
                level=voice.level,
                role=voice.role,
                accepted_at=wire.stamp(voice.at),
                reason=voice.reason,
            )
            for voice in one.voices
        ],
        lacking=reading.lacking,
        profile_version=one.profile_version,
        appetite_version=one.appetite_version,
    )
