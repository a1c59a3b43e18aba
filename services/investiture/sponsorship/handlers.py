"""SponsorshipService: proto in, operation, proto out."""

from datetime import datetime

from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework.money import from_money
from investiture.casework.operations import CaseOperations
from investiture.casework.vocabulary import GATES
from investiture.casework.wire import gaps_of
from investiture.casework.words import Purpose
from investiture.charter.model import Charter
from investiture.chassis.call import Call
from investiture.chassis.pagination import Pager
from investiture.chassis.transaction import Mutations, Transaction
from investiture.sponsorship import wire
from investiture.sponsorship.domain.organisation import unit_name
from investiture.sponsorship.domain.positions import Statement
from investiture.sponsorship.operations.absences import AbsenceOperations
from investiture.sponsorship.operations.changes import ChangeOperations, Import
from investiture.sponsorship.operations.delegations import DelegationOperations, Lending
from investiture.sponsorship.operations.directory import DirectoryOperations
from investiture.sponsorship.operations.liveness import LivenessOperations
from investiture.sponsorship.operations.pledges import PledgeOperations, PledgeReading
from investiture.sponsorship.presence_handlers import PresenceHandlers

SERVICE = "investiture.api.sponsorship.v1.SponsorshipService"


class SponsorshipHandlers(PresenceHandlers):
    """Pledges, the directory and delegations over gRPC."""

    def __init__(  # noqa: PLR0913, PLR0917 - one room each, and what all of them share
        self,
        charter: Charter,
        cases: CaseOperations,
        pledges: PledgeOperations,
        liveness: LivenessOperations,
        directory: DirectoryOperations,
        delegations: DelegationOperations,
        changes: ChangeOperations,
        mutations: Mutations,
        pager: Pager,
        *,
        absences: AbsenceOperations,
    ) -> None:
        super().__init__(absences, mutations, pager)
        self._charter = charter
        self._cases = cases
        self._pledges = pledges
        self._liveness = liveness
        self._directory = directory
        self._delegations = delegations
        self._changes = changes

    async def GetPledge(self, request: pb.GetPledgeRequest, call: Call) -> pb.Pledge:
        """Reads a pledge."""
        return await self._mutations.read(
            call, lambda tx: self._message(self._pledges.read(tx, request.name), tx)
        )

    async def Pledge(self, request: pb.PledgeRequest, call: Call) -> pb.Pledge:
        """Pledges; a rehearsal answers the legs of the authority test, failed ones included."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._pledges.pledge(
                    tx,
                    request.name,
                    request.etag,
                    request.statement,
                    request.on_behalf_of,
                    rehearsing=request.validate_only,
                ),
                tx,
            ),
        )

    async def DeclinePledge(self, request: pb.DeclinePledgeRequest, call: Call) -> pb.Pledge:
        """Declines to pledge."""
        (gap,) = gaps_of([request.gap])
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._pledges.decline(tx, request.name, request.etag, gap), tx
            ),
        )

    async def AttestSponsorship(
        self, request: pb.AttestSponsorshipRequest, call: Call
    ) -> pb.Pledge:
        """Attests that the sponsor still stands behind the program."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._liveness.attest(
                    tx, request.name, request.etag, request.statement, request.on_behalf_of
                ),
                tx,
            ),
        )

    async def NoteGateOpened(
        self, request: pb.NoteGateOpenedRequest, call: Call
    ) -> pb.NoteGateOpenedResponse:
        """Hears that a later gate opened."""
        gate = GATES.of(request.gate)
        return await self._mutations.run(
            call,
            request,
            lambda tx: pb.NoteGateOpenedResponse(
                asked=self._liveness.gate_opened(tx, request.program, gate)
            ),
        )

    async def TransferSponsorship(
        self, request: pb.TransferSponsorshipRequest, call: Call
    ) -> pb.Pledge:
        """Gives a standing sponsorship into other hands."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._liveness.transfer(
                    tx,
                    request.name,
                    request.etag,
                    request.sponsor,
                    request.successor,
                    request.reason,
                ),
                tx,
            ),
        )

    async def RecordPosition(self, request: pb.RecordPositionRequest, call: Call) -> pb.Pledge:
        """Records a unit's position."""
        said = Statement(
            kind=wire.KINDS.of(request.kind),
            grounds=request.grounds,
            harm=request.harm,
            proposal=request.proposal,
            conditions=wire.conditions_of(request.conditions),
        )
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._pledges.record_position(
                    tx, request.name, request.etag, request.unit, said, request.on_behalf_of
                ),
                tx,
            ),
        )

    async def ResolveObjection(self, request: pb.ResolveObjectionRequest, call: Call) -> pb.Pledge:
        """Ends a unit's objection over its head."""
        resolution = wire.RESOLUTIONS.of(request.resolution)
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._pledges.resolve_objection(
                    tx,
                    request.name,
                    request.etag,
                    request.unit,
                    resolution,
                    request.reason,
                    request.on_behalf_of,
                ),
                tx,
            ),
        )

    async def ResolveAuthority(
        self, request: pb.ResolveAuthorityRequest, call: Call
    ) -> pb.Authority:
        """Says who a person is, with what authority for a purpose."""
        purpose = wire.PURPOSES.of(request.purpose)
        at = wire.given_instant(request, "at")
        return await self._mutations.read(
            call,
            lambda tx: wire.authority_to(
                self._directory.resolve(tx, request.person, purpose, request.on_behalf_of, at)
            ),
        )

    async def ImportDirectory(
        self, request: pb.ImportDirectoryRequest, call: Call
    ) -> pb.ImportDirectoryResponse:
        """Imports people, all or none."""
        asked = Import(
            people=[wire.person_of(one) for one in request.people],
            replacing=request.replace,
            reason=request.reason,
            effective_at=wire.given_instant(request, "effective_at"),
        )

        def unit(tx: Transaction) -> pb.ImportDirectoryResponse:
            done = self._changes.import_people(tx, asked)
            return pb.ImportDirectoryResponse(
                added=len(done.plan.added),
                changed=len(done.plan.changed),
                deactivated=len(done.plan.deactivated),
                directory_digest=done.plan.digest,
                handed_on=done.aftermath.handed_on,
                transfers=done.aftermath.transfers,
                change=done.change.name if done.change else "",
                gaining=done.change.gaining if done.change else (),
            )

        return await self._mutations.run(call, request, unit)

    async def GetPerson(self, request: pb.GetPersonRequest, call: Call) -> pb.Person:
        """Reads a person."""
        return await self._mutations.read(
            call, lambda tx: wire.person_to(self._directory.person(tx, request.name))
        )

    async def ListPeople(self, request: pb.ListPeopleRequest, call: Call) -> pb.ListPeopleResponse:
        """Lists people by name."""
        page = self._pager.open(request)
        after = str(page.after[0]) if page.after else ""

        def unit(tx: Transaction) -> pb.ListPeopleResponse:
            rows = self._directory.page(tx, request.unit, after, page.limit)
            shown, token = page.cut(rows, lambda one: (one.name,))
            return pb.ListPeopleResponse(
                people=[wire.person_to(one) for one in shown], next_page_token=token
            )

        return await self._mutations.read(call, unit)

    async def ListUnits(self, request: pb.ListUnitsRequest, call: Call) -> pb.ListUnitsResponse:
        """Lists the units of the charter in force."""
        page = self._pager.open(request)
        after = str(page.after[0]) if page.after else ""
        units = sorted(self._charter.units, key=lambda one: one.id)
        rows = [one for one in units if unit_name(one.id) > after][: page.limit]
        shown, token = page.cut(rows, lambda one: (unit_name(one.id),))
        return pb.ListUnitsResponse(
            units=[wire.unit_to(self._charter, one) for one in shown],
            next_page_token=token,
            charter_digest=self._charter.digest,
        )

    async def CreateDelegation(
        self, request: pb.CreateDelegationRequest, call: Call
    ) -> pb.Delegation:
        """Delegates the caller's authority."""
        ends_at = wire.given_instant(request, "ends_at")
        assert isinstance(ends_at, datetime), "validation requires it"
        asked = Lending(
            delegate=request.delegate,
            purpose=wire.PURPOSES.of(request.purpose),
            limit=from_money(request.limit, "limit") if request.HasField("limit") else None,
            starts_at=wire.given_instant(request, "starts_at"),
            ends_at=ends_at,
        )
        return await self._mutations.run(
            call,
            request,
            lambda tx: wire.delegation_to(
                self._delegations.create(tx, asked), self._charter.currency
            ),
        )

    async def RevokeDelegation(
        self, request: pb.RevokeDelegationRequest, call: Call
    ) -> pb.Delegation:
        """Revokes a delegation."""

        def unit(tx: Transaction) -> pb.Delegation:
            self._directory.hold_alone(tx)
            revoked = self._delegations.revoke(tx, request.name, request.etag, request.reason)
            if revoked.purpose is Purpose.PLEDGE:
                self._liveness.examine(tx, (revoked.delegate,))
            return wire.delegation_to(revoked, self._charter.currency)

        return await self._mutations.run(call, request, unit)

    def _message(self, reading: PledgeReading, tx: Transaction) -> pb.Pledge:
        return wire.pledge_to(reading, self._cases.reading(tx, reading.case))
