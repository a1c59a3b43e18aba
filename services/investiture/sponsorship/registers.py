"""RegisterService: proto in, operation, proto out."""

from datetime import datetime

from investiture.api.sponsorship.v1 import register_service_pb2 as pb
from investiture.casework import wire as shared
from investiture.casework.money import from_money
from investiture.casework.vocabulary import Vocabulary
from investiture.charter.model import Charter
from investiture.chassis.call import Call
from investiture.chassis.pagination import Pager
from investiture.chassis.transaction import Mutations, Transaction
from investiture.sponsorship import wire
from investiture.sponsorship.domain.interests import Declaration, Interest, InterestKind
from investiture.sponsorship.domain.lending import Row
from investiture.sponsorship.operations.registers import RegisterOperations

SERVICE = "investiture.api.sponsorship.v1.RegisterService"
KINDS = Vocabulary(
    InterestKind, pb.InterestKind.Value, "INTEREST_KIND_", pb.INTEREST_KIND_UNSPECIFIED
)


class RegisterHandlers:
    """The registers over gRPC."""

    def __init__(
        self,
        charter: Charter,
        registers: RegisterOperations,
        mutations: Mutations,
        pager: Pager,
    ) -> None:
        self._charter = charter
        self._registers = registers
        self._mutations = mutations
        self._pager = pager

    async def DeclareInterest(self, request: pb.DeclareInterestRequest, call: Call) -> pb.Interest:
        """Declares an interest."""
        said = _declaration(request.interest, call.principal.subject, "interest")
        return await self._mutations.run(
            call, request, lambda tx: _interest_to(self._registers.declare(tx, said))
        )

    async def EndInterest(self, request: pb.EndInterestRequest, call: Call) -> pb.Interest:
        """Ends an interest."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: _interest_to(
                self._registers.end(tx, request.name, request.etag, request.reason)
            ),
        )

    async def ListInterests(
        self, request: pb.ListInterestsRequest, call: Call
    ) -> pb.ListInterestsResponse:
        """Lists interests by name."""
        page = self._pager.open(request)
        after = str(page.after[0]) if page.after else ""

        def unit(tx: Transaction) -> pb.ListInterestsResponse:
            rows = self._registers.interests(
                tx,
                request.person,
                request.subject,
                after,
                page.limit,
                include_ended=request.include_ended,
            )
            shown, token = page.cut(rows, lambda one: (one.name,))
            return pb.ListInterestsResponse(
                interests=[_interest_to(one) for one in shown], next_page_token=token
            )

        return await self._mutations.read(call, unit)

    async def ImportInterests(
        self, request: pb.ImportInterestsRequest, call: Call
    ) -> pb.ImportInterestsResponse:
        """Imports interests, all or none."""
        said = [
            _declaration(one, "", f"interests[{index}]")
            for index, one in enumerate(request.interests)
        ]
        return await self._mutations.run(
            call,
            request,
            lambda tx: pb.ImportInterestsResponse(
                declared=len(self._registers.import_interests(tx, said))
            ),
        )

    async def ListDelegations(
        self, request: pb.ListDelegationsRequest, call: Call
    ) -> pb.ListDelegationsResponse:
        """Lists delegations by name."""
        page = self._pager.open(request)
        after = str(page.after[0]) if page.after else ""

        def unit(tx: Transaction) -> pb.ListDelegationsResponse:
            rows = self._registers.delegations(
                tx, request.person, after, page.limit, include_ended=request.include_ended
            )
            shown, token = page.cut(rows, lambda one: (one.name,))
            currency = self._charter.currency
            return pb.ListDelegationsResponse(
                delegations=[wire.delegation_to(one, currency) for one in shown],
                next_page_token=token,
            )

        return await self._mutations.read(call, unit)

    async def ImportDelegations(
        self, request: pb.ImportDelegationsRequest, call: Call
    ) -> pb.ImportDelegationsResponse:
        """Imports delegations, all or none."""
        rows = [_row(one, f"delegations[{i}]") for i, one in enumerate(request.delegations)]
        return await self._mutations.run(
            call,
            request,
            lambda tx: pb.ImportDelegationsResponse(
                delegations=[one.name for one in self._registers.import_delegations(tx, rows)]
            ),
        )


def _declaration(message: pb.InterestEntry, caller: str, at: str) -> Declaration:
    return Declaration(
        person=message.person or caller,
        subject=message.subject,
        kind=KINDS.of(message.kind),
        note=message.note,
        starts_at=wire.given_instant(message, "starts_at", f"{at}.starts_at"),
        ends_at=wire.given_instant(message, "ends_at", f"{at}.ends_at"),
    )


def _row(message: pb.DelegationEntry, at: str) -> Row:
    ends_at = wire.given_instant(message, "ends_at", f"{at}.ends_at")
    assert isinstance(ends_at, datetime), "validation requires it"
    return Row(
        delegator=message.delegator,
        delegate=message.delegate,
        purpose=wire.PURPOSES.of(message.purpose),
        limit=from_money(message.limit, f"{at}.limit") if message.HasField("limit") else None,
        starts_at=wire.given_instant(message, "starts_at", f"{at}.starts_at"),
        ends_at=ends_at,
    )


def _interest_to(interest: Interest) -> pb.Interest:
    return pb.Interest(
        name=interest.name,
        person=interest.person,
        subject=interest.subject,
        kind=KINDS.to(interest.kind),
        note=interest.note,
        starts_at=shared.stamp(interest.starts_at),
        ends_at=shared.stamp(interest.ends_at),
        declared_by=interest.declared_by,
        etag=interest.etag,
    )
