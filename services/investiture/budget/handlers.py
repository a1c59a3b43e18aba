"""BudgetService: proto in, operation, proto out."""

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.budget import messages
from investiture.budget.domain import Envelope
from investiture.budget.ledger import Entry
from investiture.budget.messages import TRANCHES
from investiture.budget.operations import (
    CommitmentReading,
    EnvelopeOperations,
    FundingOperations,
    FundingReading,
    SpendOperations,
)
from investiture.budget.owners import require_owner
from investiture.casework import wire
from investiture.casework.directory import Directory, resolve_caller
from investiture.casework.money import from_money
from investiture.casework.operations import CaseOperations
from investiture.casework.words import Purpose
from investiture.chassis.call import Call
from investiture.chassis.pagination import Pager
from investiture.chassis.transaction import Mutations, Transaction

SERVICE = "investiture.api.budget.v1.BudgetService"


class BudgetHandlers:
    """Envelopes, fundings and the ledger over gRPC."""

    def __init__(
        self,
        *,
        envelopes: EnvelopeOperations,
        fundings: FundingOperations,
        spend: SpendOperations,
        cases: CaseOperations,
        mutations: Mutations,
        directory: Directory,
        pager: Pager,
    ) -> None:
        self._envelopes = envelopes
        self._fundings = fundings
        self._spend = spend
        self._cases = cases
        self._mutations = mutations
        self._directory = directory
        self._pager = pager

    async def IssueEnvelope(self, request: pb.IssueEnvelopeRequest, call: Call) -> pb.Envelope:
        """Issues an envelope."""
        appropriation = from_money(request.appropriation, "appropriation")
        await require_owner(self._directory, request.owner)
        envelope = Envelope(
            name=f"envelopes/{request.envelope_id}",
            display_name=request.display_name,
            fiscal_year=request.fiscal_year,
            cost_centre=request.cost_centre,
            purpose=request.purpose,
            owner=request.owner,
            currency=appropriation.currency,
        )
        return await self._mutations.run(
            call,
            request,
            lambda tx: messages.envelope(self._envelopes.issue(tx, envelope, appropriation.minor)),
        )

    async def GetEnvelope(self, request: pb.GetEnvelopeRequest, call: Call) -> pb.Envelope:
        """Reads an envelope."""
        return await self._mutations.read(
            call, lambda tx: messages.envelope(self._envelopes.read(tx, request.name))
        )

    async def ListEnvelopes(
        self, request: pb.ListEnvelopesRequest, call: Call
    ) -> pb.ListEnvelopesResponse:
        """Lists envelopes by name."""
        page = self._pager.open(request)
        after = str(page.after[0]) if page.after else None

        def unit(tx: Transaction) -> pb.ListEnvelopesResponse:
            rows = self._envelopes.envelopes(tx, request.fiscal_year, after, page.limit)
            shown, token = page.cut(rows, lambda row: (row.name,))
            return pb.ListEnvelopesResponse(
                envelopes=[messages.envelope(row) for row in shown], next_page_token=token
            )

        return await self._mutations.read(call, unit)

    async def GetFunding(self, request: pb.GetFundingRequest, call: Call) -> pb.Funding:
        """Reads a funding."""
        return await self._mutations.read(
            call, lambda tx: self._message(self._fundings.read(tx, request.name), tx)
        )

    async def ApproveFunding(self, request: pb.ApproveFundingRequest, call: Call) -> pb.Funding:
        """Approves at the level that is asked now."""
        authority = await resolve_caller(self._directory, call, Purpose.FUND, request.on_behalf_of)
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._fundings.approve(tx, request.name, request.etag, request.comment, authority),
                tx,
            ),
        )

    async def DeclineFunding(self, request: pb.DeclineFundingRequest, call: Call) -> pb.Funding:
        """Declines with the named gap."""
        (gap,) = wire.gaps_of([request.gap])
        authority = await resolve_caller(self._directory, call, Purpose.FUND)
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._fundings.decline(tx, request.name, request.etag, gap, authority), tx
            ),
        )

    async def RequestFundingChanges(
        self, request: pb.RequestFundingChangesRequest, call: Call
    ) -> pb.Funding:
        """Asks the proposer for changes."""
        gaps = wire.gaps_of(request.gaps)
        authority = await resolve_caller(self._directory, call, Purpose.FUND)
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._fundings.request_changes(tx, request.name, request.etag, gaps, authority),
                tx,
            ),
        )

    async def Reserve(self, request: pb.ReserveRequest, call: Call) -> pb.Funding:
        """Confirms the funding."""
        authority = await resolve_caller(self._directory, call, Purpose.FUND, request.on_behalf_of)
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._fundings.reserve(tx, request.name, request.etag, request.envelope, authority),
                tx,
            ),
        )

    async def Commit(self, request: pb.CommitRequest, call: Call) -> pb.Commitment:
        """Promises part of what is reserved."""
        amount = from_money(request.amount, "amount")
        tranche = TRANCHES.of(request.tranche)
        authority = await resolve_caller(self._directory, call, Purpose.FUND)
        return await self._mutations.run(
            call,
            request,
            lambda tx: _commitment(
                self._spend.commit(
                    tx, request.program, request.etag, amount, tranche, request.vendor, authority
                )
            ),
        )

    async def RecordActual(self, request: pb.RecordActualRequest, call: Call) -> pb.Commitment:
        """Records what was spent."""
        amount = from_money(request.amount, "amount", positive=not request.final)
        return await self._mutations.run(
            call,
            request,
            lambda tx: _commitment(
                self._spend.record_actual(
                    tx, request.name, request.etag, amount, request.invoice, final=request.final
                )
            ),
        )

    async def ListLedgerEntries(
        self, request: pb.ListLedgerEntriesRequest, call: Call
    ) -> pb.ListLedgerEntriesResponse:
        """Lists entries in posting order."""
        page = self._pager.open(request)
        after = int(page.after[0]) if page.after else 0

        def unit(tx: Transaction) -> pb.ListLedgerEntriesResponse:
            rows = self._envelopes.entries(tx, request.envelope, request.program, after, page.limit)
            shown, token = page.cut(rows, _sequence)
            return pb.ListLedgerEntriesResponse(
                entries=[messages.entry(row) for row in shown], next_page_token=token
            )

        return await self._mutations.read(call, unit)

    def _message(self, reading: FundingReading, tx: Transaction) -> pb.Funding:
        shown = self._cases.reading(tx, reading.case)
        return messages.funding(reading, wire.case_to(shown.case, shown.following))


def _commitment(reading: CommitmentReading) -> pb.Commitment:
    return messages.commitment(reading.commitment, reading.currency)


def _sequence(row: Entry) -> tuple[int]:
    return (row.sequence,)
