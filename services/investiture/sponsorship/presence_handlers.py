"""The part of SponsorshipService that says who is there: absences, and the directory's changes."""

from investiture.api.sponsorship.v1 import absences_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework import wire
from investiture.casework.standing_store import Published
from investiture.chassis.call import Call
from investiture.chassis.pagination import Pager
from investiture.chassis.transaction import Mutations, Transaction
from investiture.sponsorship.domain.absences import Absence, Planned
from investiture.sponsorship.operations.absences import AbsenceOperations
from investiture.sponsorship.wire import PURPOSES, given_instant

_CHANGES = 500
_MOST_CHANGES = 1_000


class PresenceHandlers:
    """Absences and the feed of the directory over gRPC."""

    def __init__(self, absences: AbsenceOperations, mutations: Mutations, pager: Pager) -> None:
        self._absences = absences
        self._mutations = mutations
        self._pager = pager

    async def SetAbsence(
        self, request: absences_pb2.SetAbsenceRequest, call: Call
    ) -> absences_pb2.Absence:
        """Says that a person is away."""
        planned = Planned(
            person=request.person or call.principal.subject,
            starts_at=given_instant(request, "starts_at"),
            ends_at=given_instant(request, "ends_at"),
            deputy=request.deputy,
        )
        return await self._mutations.run(
            call, request, lambda tx: _absence_to(self._absences.set(tx, planned))
        )

    async def ImportAbsences(
        self, request: absences_pb2.ImportAbsencesRequest, call: Call
    ) -> absences_pb2.ImportAbsencesResponse:
        """Sets the absences of many people, all or none."""
        planned = [
            Planned(
                person=one.person,
                starts_at=given_instant(one, "starts_at", f"absences[{index}].starts_at"),
                ends_at=given_instant(one, "ends_at", f"absences[{index}].ends_at"),
                deputy=one.deputy,
            )
            for index, one in enumerate(request.absences)
        ]

        def unit(tx: Transaction) -> absences_pb2.ImportAbsencesResponse:
            done = self._absences.import_(tx, planned)
            return absences_pb2.ImportAbsencesResponse(added=done.added, unchanged=done.unchanged)

        return await self._mutations.run(call, request, unit)

    async def ClearAbsence(
        self, request: absences_pb2.ClearAbsenceRequest, call: Call
    ) -> absences_pb2.Absence:
        """Says that a person is back."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: _absence_to(self._absences.clear(tx, request.name, request.etag)),
        )

    async def ListAbsences(
        self, request: absences_pb2.ListAbsencesRequest, call: Call
    ) -> absences_pb2.ListAbsencesResponse:
        """Lists absences that have not ended."""
        page = self._pager.open(request)
        after = str(page.after[0]) if page.after else ""

        def unit(tx: Transaction) -> absences_pb2.ListAbsencesResponse:
            rows = self._absences.page(tx, request.person, after, page.limit, now=request.now)
            shown, token = page.cut(rows, lambda one: (one.name,))
            return absences_pb2.ListAbsencesResponse(
                absences=[_absence_to(one) for one in shown], next_page_token=token
            )

        return await self._mutations.read(call, unit)

    async def ListDirectoryChanges(
        self, request: pb.ListDirectoryChangesRequest, call: Call
    ) -> pb.ListDirectoryChangesResponse:
        """Lists what has changed of who is there."""
        limit = min(request.limit or _CHANGES, _MOST_CHANGES)

        def unit(tx: Transaction) -> pb.ListDirectoryChangesResponse:
            found, newest = self._absences.published(tx, request.after_position, limit)
            return pb.ListDirectoryChangesResponse(
                people=[_standing_to(one) for one in found], newest_position=newest
            )

        return await self._mutations.read(call, unit)


def _absence_to(absence: Absence) -> absences_pb2.Absence:
    return absences_pb2.Absence(
        name=absence.name,
        person=absence.person,
        starts_at=wire.stamp(absence.starts_at),
        ends_at=wire.stamp(absence.ends_at),
        deputy=absence.deputy,
        set_by=absence.set_by,
        cleared_at=wire.stamp(absence.cleared_at),
        etag=absence.etag,
    )


def _standing_to(one: Published) -> pb.PersonStanding:
    standing = one.standing
    return pb.PersonStanding(
        person=standing.person,
        position=one.position,
        able=standing.able,
        guest=standing.guest,
        absences=[
            pb.PersonStanding.Away(
                starts_at=wire.stamp(away.starts_at),
                ends_at=wire.stamp(away.ends_at),
                deputy=away.deputy,
            )
            for away in standing.absences
        ],
        loans=[
            pb.PersonStanding.Loan(
                delegate=loan.delegate,
                purpose=PURPOSES.to(loan.purpose),
                starts_at=wire.stamp(loan.starts_at),
                ends_at=wire.stamp(loan.ends_at),
            )
            for loan in standing.loans
        ],
    )
