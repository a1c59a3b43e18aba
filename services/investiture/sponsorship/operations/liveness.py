"""Liveness of the sponsors: their word on what stands, and the transfer where they are lost."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from investiture.casework import case as cases
from investiture.casework import emergencies
from investiture.casework.case import Case
from investiture.casework.escalating import recorded
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Pinned
from investiture.casework.words import Amber, CaseState, Gate, Purpose
from investiture.charter.timetable import timetable
from investiture.chassis.refusal import Denied, InvalidArgument
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain import attestation, pledges, succession
from investiture.sponsorship.domain.authority_legs import require_authority
from investiture.sponsorship.domain.people import Aftermath, ImportPlan
from investiture.sponsorship.domain.pledges import Pledge, Seat
from investiture.sponsorship.domain.waits import waiting
from investiture.sponsorship.operations.authority_tests import AuthorityTests
from investiture.sponsorship.operations.desk import PledgeDesk
from investiture.sponsorship.operations.directory import DirectoryOperations
from investiture.sponsorship.operations.emergencies import EmergencyReviews
from investiture.sponsorship.operations.pledges import PledgeOperations, PledgeReading
from investiture.sponsorship.store.pledges import PledgeStore

_AT_ONCE = 500
"""People whose pledges are looked for in one statement."""


class LivenessOperations:
    """Asks sponsors for their word, records it, and has lost ones followed."""

    def __init__(
        self,
        cases_: CaseOperations,
        store: PledgeStore,
        directory: DirectoryOperations,
        desks: Pinned[PledgeDesk],
        tests: AuthorityTests,
        pledges_: PledgeOperations,
        reviews: EmergencyReviews,
    ) -> None:
        self._cases = cases_
        self._store = store
        self._directory = directory
        self._desks = desks
        self._tests = tests
        self._pledges = pledges_
        self._reviews = reviews

    def attest(
        self, tx: Transaction, name: str, etag: str, statement: str, on_behalf_of: str
    ) -> PledgeReading:
        """Who pledged says that they still stand behind it, with the authority to do so."""
        case, before = self._standing(tx, name, etag)
        authority = self._directory.decider(tx, Purpose.PLEDGE, on_behalf_of)
        seat = attestation.seat_of(before, case, authority)
        carrier, principal = succession.carrier_of(seat)
        carrying = self._directory.resolve(tx, carrier, Purpose.PLEDGE, principal)
        require_authority(self._tests.legs(tx, case, before, seat, carrying), carrier)
        spoken = attestation.attested(before, seat, statement, case.facts.number, tx.now)
        moved = attestation.answered(case, spoken)
        look = before.liveness_at
        if not moved.holders:
            look = attestation.due_at(self._cases.rules(tx, case), spoken, tx.now)
        after = replace(spoken, liveness_at=look)
        payload = {"authority": authority.evidence(), "place": seat.place, "statement": statement}
        return self._saved(tx, case, moved, (before, after), "pledge.attested", payload)

    def transfer(
        self, tx: Transaction, name: str, etag: str, sponsor: str, successor: str, reason: str
    ) -> PledgeReading:
        """Gives a standing sponsorship into other hands; the round that follows asks for it."""
        case, before = self._standing(tx, name, etag)
        self._require_transferrer(tx, case, before)
        seat = _seat_of(before, sponsor)
        desk = self._desks.of(tx, case)
        if successor and not desk.may_follow(tx, successor, seat, before):
            raise InvalidArgument.of(
                "successor",
                f"{successor} cannot sponsor {case.program}: name active staff of the business "
                "side who has neither pledged nor endorsed, or nobody, and the line above is asked",
            )
        why = f"{tx.call.principal.subject} hands over for {seat.person}: {reason}"
        return self._taken_back(tx, case, before, {seat: why}, successor)

    def followed(self, tx: Transaction, plan: ImportPlan) -> Aftermath:
        """What follows from an import: lost sponsors, and what those who left held."""
        people = {one.name for one in (*plan.changed, *plan.deactivated)}
        self._take_back_provisional(tx, people)
        transfers = self.examine(tx, people)
        handed_on = self._pledges.leave(tx, plan.unable) if plan.unable else ()
        return Aftermath(handed_on, transfers)

    def examine(self, tx: Transaction, people: Collection[str]) -> tuple[str, ...]:
        """Has every sponsor among `people` followed who can no longer carry their pledge.

        Answers the pledges that are amber with it. What stands is taken back, what is open waits
        for somebody else in the same place.
        """
        amber: list[str] = []
        for some in _portions(sorted(people)):
            for name in self._store.carried_by(tx, some):
                if name not in amber and self._examined(tx, name):
                    amber.append(name)
        return tuple(amber)

    def _take_back_provisional(self, tx: Transaction, people: Collection[str]) -> None:
        """Takes back what somebody of `people` decided in an emergency and may not any more."""
        for name in self._reviews.decided_by(tx, people):
            case = self._cases.find(tx, name)
            if not emergencies.in_force(case, tx.now):
                continue
            found = (
                emergencies.unfit(case, self._directory.resolve(tx, person, Purpose.PLEDGE))
                for person in sorted(emergencies.spoken(case))
            )
            why = [one for one in found if one]
            if why:
                self._cases.take_back(tx, case, "; ".join(why))

    def due(self, tx: Transaction, limit: int) -> list[str]:
        """Pledges whose sponsors are to be asked, or whose wait has come to its next step."""
        return self._store.due(tx, limit)

    def look(self, tx: Transaction, name: str) -> None:
        """Asks the sponsors of a pledge, or takes the step that is due; harmless where none is."""
        case = self._cases.find(tx, name)
        pledge = self._store.load(tx, name)
        if case.state is not CaseState.STANDING:
            self._store.save(tx, name, pledge, replace(pledge, liveness_at=None))
        elif not case.holders:
            due = attestation.due_at(self._cases.rules(tx, case), pledge, tx.now)
            if due <= tx.now:
                self._ask(tx, case, pledge, {"due": True})
            else:
                self._store.save(tx, name, pledge, replace(pledge, liveness_at=due))
        else:
            self._escalate(tx, case, pledge)

    def gate_opened(self, tx: Transaction, program: str, gate: Gate) -> bool:
        """Asks the sponsors because a later gate opened, unless their word is young enough."""
        case = self._cases.newest(tx, program, Gate.PLEDGE)
        if case is None or case.state is not CaseState.STANDING or case.holders:
            return False
        pledge = self._store.load(tx, case.name)
        rules = self._cases.rules(tx, case)
        if not attestation.asked_at_gate(rules, pledge, gate, tx.now):
            return False
        self._ask(tx, case, pledge, {"gate": gate.value})
        return True

    def _ask(
        self, tx: Transaction, case: Case, pledge: Pledge, why: Mapping[str, Any]
    ) -> PledgeReading:
        dates = timetable(self._cases.rules(tx, case), Gate.PLEDGE.value, tx.now)
        moved = attestation.asked(case, pledge, dates, tx.now)
        following = self._cases.reading(tx, moved).following
        after = replace(pledge, liveness_at=following.at if following else None)
        return self._saved(tx, case, moved, (pledge, after), "pledge.attestation_asked", why)

    def _escalate(self, tx: Transaction, case: Case, pledge: Pledge) -> None:
        moved, taken = self._cases.escalated(tx, case)
        amber = attestation.escalated(moved, taken)
        following = self._cases.reading(tx, amber).following
        after = replace(pledge, liveness_at=following.at if following else None)
        if not taken:
            self._store.save(tx, case.name, pledge, after)
            return
        payload = {**recorded(taken), "amber": amber.amber.value if amber.amber else ""}
        self._saved(tx, case, amber, (pledge, after), "pledge.attestation_escalated", payload)

    def _examined(self, tx: Transaction, name: str) -> bool:
        case, pledge = self._cases.find(tx, name), self._store.load(tx, name)
        if case.state not in (CaseState.OPEN, CaseState.STANDING):
            return False
        found = {s: self._tests.lost(tx, case, pledge, s) for s in pledge.seats if s.taken}
        lost = {seat: why for seat, why in found.items() if why}
        if lost and case.state is CaseState.STANDING:
            self._taken_back(tx, case, pledge, lost)
        elif lost:
            self._vacated(tx, case, pledge, lost)
        return bool(lost)

    def _taken_back(
        self,
        tx: Transaction,
        case: Case,
        before: Pledge,
        lost: Mapping[Seat, str],
        successor: str = "",
    ) -> PledgeReading:
        """The pledge that stood, void: the path reopens the gate and waits for the transfer."""
        after = before
        for seat, why in lost.items():
            after = succession.without(after, seat, why, successor)
        void = cases.void(case, tx.now, "; ".join(lost.values()), Amber.TRANSFER)
        change = (before, replace(after, liveness_at=None))
        return self._saved(tx, case, void, change, "pledge.transfer_asked", _payload(lost))

    def _vacated(
        self, tx: Transaction, case: Case, before: Pledge, lost: Mapping[Seat, str]
    ) -> None:
        """The pledge that is still open, with the seats to be taken by somebody else."""
        free = before
        for seat, why in lost.items():
            free = succession.vacated(free, seat, why)
        said = replace(case, amber=Amber.TRANSFER, reason="; ".join(lost.values()))
        held, after = self._desks.of(tx, case).held_anew(tx, pledges.decided_by(said, free), free)
        agreed = timetable(self._cases.rules(tx, case), Gate.PLEDGE.value, tx.now)
        self._store.save(tx, case.name, before, after)  # who is asked next follows from it
        governed = self._cases.governed(tx, waiting(held, after, agreed))
        self._saved(tx, case, governed, (after, after), "pledge.vacated", _payload(lost))

    def _saved(
        self,
        tx: Transaction,
        case: Case,
        moved: Case,
        change: tuple[Pledge, Pledge],
        kind: str,
        payload: Mapping[str, Any],
    ) -> PledgeReading:
        saved = self._cases.store.save(tx, case, moved, kind, payload)
        self._store.save(tx, case.name, *change)
        return PledgeReading(saved, pledges.as_of(change[1], tx.now))

    def _standing(self, tx: Transaction, name: str, etag: str) -> tuple[Case, Pledge]:
        self._directory.hold_still(tx)
        case = self._cases.find(tx, name, etag)
        cases.require_state(case, CaseState.STANDING)
        return case, self._store.load(tx, case.name)

    def _require_transferrer(self, tx: Transaction, case: Case, pledge: Pledge) -> None:
        """A sponsor of it, governance, and who was asked because the sponsor says nothing."""
        actor = tx.call.principal
        asked = any(h.person == actor.subject for h in case.holders)
        own = any(actor.subject in seat.people for seat in pledge.seats)
        if not (asked or own or "governance" in actor.roles):
            raise Denied(
                "NOT_A_HOLDER",
                f"{actor.subject} does not sponsor {case.program}; its sponsor, who stands above "
                "one who says nothing, and governance may transfer it",
            )


def _seat_of(pledge: Pledge, sponsor: str) -> Seat:
    found = [seat for seat in pledge.seats if not sponsor or sponsor in (seat.named, *seat.people)]
    if len(found) != 1:
        sponsors = ", ".join(seat.person for seat in pledge.seats)
        raise InvalidArgument.of("sponsor", f"name the one who is to be followed: {sponsors}")
    return found[0]


def _payload(lost: Mapping[Seat, str]) -> dict[str, Any]:
    return {
        "sponsors": [seat.person for seat in lost],
        "on_behalf_of": [seat.on_behalf_of for seat in lost],
        "why": list(lost.values()),
    }


def _portions(people: list[str]) -> Iterator[list[str]]:
    rest = iter(people)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
