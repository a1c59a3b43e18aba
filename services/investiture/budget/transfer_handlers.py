"""Transfers over gRPC: proto in, operation, proto out."""

from datetime import date, datetime

from investiture.api.budget.v1 import transfers_pb2 as pb
from investiture.budget.transfer_operations import TransferOperations
from investiture.budget.transfers import Exchange, Quote, Rounding, Seat, State, Transfer, Voice
from investiture.casework import wire
from investiture.casework.directory import Directory, resolve_caller
from investiture.casework.money import from_money, to_money
from investiture.casework.vocabulary import Vocabulary
from investiture.casework.words import Purpose
from investiture.chassis.call import Call
from investiture.chassis.pagination import Page, Pager
from investiture.chassis.refusal import InvalidArgument
from investiture.chassis.transaction import Mutations, Transaction

CALLER = "people/-"
Place = tuple[datetime, str]
"""When a transfer was proposed, and its name."""

STATES = Vocabulary(State, pb.TransferState.Value, "TRANSFER_STATE_", pb.TRANSFER_STATE_UNSPECIFIED)
SEATS = Vocabulary(Seat, pb.TransferSeat.Value, "TRANSFER_SEAT_", pb.TRANSFER_SEAT_UNSPECIFIED)
ROUNDINGS = Vocabulary(Rounding, pb.Rounding.Value, "ROUNDING_", pb.ROUNDING_UNSPECIFIED)


class TransferHandlers:
    """Transfers between envelopes."""

    def __init__(
        self,
        transfers: TransferOperations,
        mutations: Mutations,
        directory: Directory,
        pager: Pager,
    ) -> None:
        self._transfers = transfers
        self._mutations = mutations
        self._directory = directory
        self._pager = pager

    async def ProposeTransfer(self, request: pb.ProposeTransferRequest, call: Call) -> pb.Transfer:
        """Proposes a transfer."""
        amount = from_money(request.amount, "amount")
        quote = _quote(request.exchange) if request.HasField("exchange") else None
        name = f"transfers/{request.transfer_id or request.request_id.lower()}"
        return await self._mutations.run(
            call,
            request,
            lambda tx: message(
                self._transfers.propose(
                    tx, name, (request.giver, request.taker), amount, quote, request.reason
                )
            ),
        )

    async def ApproveTransfer(self, request: pb.ApproveTransferRequest, call: Call) -> pb.Transfer:
        """Approves a transfer."""
        authority = await resolve_caller(self._directory, call, Purpose.FUND, request.on_behalf_of)
        return await self._mutations.run(
            call,
            request,
            lambda tx: message(self._transfers.approve(tx, request.name, request.etag, authority)),
        )

    async def DeclineTransfer(self, request: pb.DeclineTransferRequest, call: Call) -> pb.Transfer:
        """Declines or withdraws a transfer."""
        authority = await resolve_caller(self._directory, call, Purpose.FUND, request.on_behalf_of)
        return await self._mutations.run(
            call,
            request,
            lambda tx: message(
                self._transfers.decline(tx, request.name, request.etag, request.reason, authority)
            ),
        )

    async def GetTransfer(self, request: pb.GetTransferRequest, call: Call) -> pb.Transfer:
        """Reads a transfer."""
        return await self._mutations.read(
            call, lambda tx: message(self._transfers.read(tx, request.name))
        )

    async def ListTransfers(
        self, request: pb.ListTransfersRequest, call: Call
    ) -> pb.ListTransfersResponse:
        """Lists transfers as they were proposed."""
        page = self._pager.open(request)
        after = None
        if page.after:
            after = (datetime.fromisoformat(str(page.after[0])), str(page.after[1]))
        state = STATES.maybe(request.state)
        if request.awaiting:
            return await self._waiting(request, call, page, after)

        def unit(tx: Transaction) -> pb.ListTransfersResponse:
            rows = self._transfers.list(tx, request.envelope, state, after, page.limit)
            shown, token = page.cut(rows, _place)
            return pb.ListTransfersResponse(
                transfers=[message(row) for row in shown], next_page_token=token
            )

        return await self._mutations.read(call, unit)

    async def _waiting(
        self, request: pb.ListTransfersRequest, call: Call, page: Page, after: Place | None
    ) -> pb.ListTransfersResponse:
        if STATES.maybe(request.state) not in (None, State.PROPOSED):
            raise InvalidArgument.of("state", "only what is proposed waits; leave the state out")

        person = call.principal.subject if request.awaiting == CALLER else request.awaiting

        def unit(tx: Transaction) -> pb.ListTransfersResponse:
            rows, waits = self._transfers.waiting(tx, request.envelope, person, after, page.limit)
            shown, token = page.cut(rows, lambda row: _place(row.transfer))
            return pb.ListTransfersResponse(
                transfers=[message(row.transfer) for row in shown if waits(row)],
                next_page_token=token,
            )

        return await self._mutations.read(call, unit)


def message(value: Transfer) -> pb.Transfer:
    """The API's form of a transfer."""
    return pb.Transfer(
        name=value.name,
        giver=value.giver,
        taker=value.taker,
        given=to_money(value.given),
        taken=to_money(value.taken),
        exchange=None if value.exchange is None else _exchange(value.exchange),
        reason=value.reason,
        proposer=value.proposer,
        proposed_at=wire.stamp(value.proposed_at),
        state=STATES.to(value.state),
        approvals=[_approval(voice) for voice in value.voices],
        awaited=[SEATS.to(seat) for seat in value.awaited],
        ended_at=wire.stamp(value.ended_at),
        ended_by=value.ended_by,
        remark=value.remark,
        version=value.version,
        etag=value.etag,
        timetable=None if value.timetable is None else wire.timetable_to(value.timetable),
    )


def day(text: str, field: str) -> date:
    """A day written as YYYY-MM-DD; INVALID_FIELD for one that no calendar has."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidArgument.of(field, f"{text} is no day of any calendar") from None


def _quote(exchange: pb.Exchange) -> Quote:
    return Quote(
        rate=exchange.rate,
        source=exchange.source,
        quoted_on=day(exchange.quoted_on, "exchange.quoted_on"),
        rounding=ROUNDINGS.of(exchange.rounding),
    )


def _exchange(value: Exchange) -> pb.Exchange:
    return pb.Exchange(
        rate=value.quote.rate,
        source=value.quote.source,
        quoted_on=value.quote.quoted_on.isoformat(),
        rounding=ROUNDINGS.to(value.quote.rounding),
        residue=value.residue,
    )


def _approval(voice: Voice) -> pb.TransferApproval:
    return pb.TransferApproval(
        seats=[SEATS.to(seat) for seat in voice.seats],
        person=voice.person,
        on_behalf_of=voice.on_behalf_of,
        approved_at=wire.stamp(voice.at),
    )


def _place(row: Transfer) -> tuple[str, str]:
    return (row.proposed_at.isoformat(), row.name)
