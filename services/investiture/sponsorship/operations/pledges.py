"""Pledging, declining, and the positions of the units."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from investiture.casework import case as cases
from investiture.casework.case import Case
from investiture.casework.conflicts import require_impartial
from investiture.casework.facts import Authority, Decider, Gap
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Pinned
from investiture.casework.words import CaseState, Gate, Purpose, Side
from investiture.charter.timetable import Timetable, timetable
from investiture.chassis.refusal import FieldViolation, InvalidArgument
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain import attestation, objections, pledges, voting
from investiture.sponsorship.domain.authority_legs import require_authority
from investiture.sponsorship.domain.ballots import Ballot
from investiture.sponsorship.domain.pledges import Pledge
from investiture.sponsorship.domain.positions import (
    Able,
    Position,
    PositionKind,
    Resolution,
    Statement,
    check_statement,
    next_asked,
    passed_on,
    said_by,
)
from investiture.sponsorship.domain.waits import waiting
from investiture.sponsorship.operations.authority_tests import AuthorityTests
from investiture.sponsorship.operations.desk import PledgeDesk
from investiture.sponsorship.operations.directory import DirectoryOperations
from investiture.sponsorship.store.pledges import PledgeStore

_PAGE = 100
"""Cases that are handed on at a time."""


@dataclass(frozen=True, slots=True)
class PledgeReading:
    """A pledge with its case."""

    case: Case
    pledge: Pledge


class PledgeOperations:
    """The acts of the PLEDGE gate, and reading a pledge."""

    def __init__(
        self,
        cases_: CaseOperations,
        store: PledgeStore,
        directory: DirectoryOperations,
        desks: Pinned[PledgeDesk],
        tests: AuthorityTests,
    ) -> None:
        self._cases = cases_
        self._store = store
        self._directory = directory
        self._desks = desks
        self._tests = tests

    def read(self, tx: Transaction, name: str) -> PledgeReading:
        """The pledge called `name`; `programs/{program}/pledges/latest` is the newest round."""
        case = self._cases.find(tx, name)
        return PledgeReading(case, pledges.as_of(self._store.load(tx, case.name), tx.now))

    def pledge(
        self,
        tx: Transaction,
        name: str,
        etag: str,
        statement: str,
        on_behalf_of: str,
        *,
        rehearsing: bool,
    ) -> PledgeReading:
        """Pledges for the program.

        Refused with AUTHORITY_INSUFFICIENT where a leg of the authority test bars; a rehearsal
        answers the legs instead.
        """
        case, before = self._decidable(tx, name, etag)
        authority = self._directory.decider(tx, Purpose.PLEDGE, on_behalf_of)
        seat = pledges.seat_of(before, case, authority)
        require_impartial(case.facts, authority)
        legs = self._tests.legs(tx, case, before, seat, authority)
        if rehearsing and any(leg.refuses for leg in legs):
            return PledgeReading(case, pledges.as_of(replace(before, legs=legs), tx.now))
        require_authority(legs, authority.person)
        taken = pledges.pledged(before, case, seat, authority, statement, tx.now)
        able = self._directory.impartial(tx, case.facts)
        rules = self._cases.rules(tx, case)
        passed = tuple(passed_on(rules, case.facts, p, able) for p in taken.positions)
        after = replace(taken, positions=passed, legs=legs)
        payload = {"authority": authority.evidence(), "place": seat.place, "statement": statement}
        return self._settle(tx, case, (before, after), "pledge.pledged", payload)

    def decline(self, tx: Transaction, name: str, etag: str, gap: Gap) -> PledgeReading:
        """Declines to pledge; the program ends with it."""
        case, pledge = self._decidable(tx, name, etag)
        authority = self._directory.decider(tx, Purpose.PLEDGE)
        pledges.require_sponsor(pledge, case, authority)
        _check_gap(gap)
        decided = cases.with_decider(case, _decliner(case, authority, tx))
        after = cases.decline(decided, (gap,), tx.now)
        payload = {"authority": authority.evidence(), "gap": gap.risk, "remedy": gap.remedy}
        saved = self._cases.store.save(tx, case, after, "pledge.declined", payload)
        return PledgeReading(saved, pledges.as_of(pledge, tx.now))

    def record_position(
        self,
        tx: Transaction,
        name: str,
        etag: str,
        unit: str,
        said: Statement,
        on_behalf_of: str,
    ) -> PledgeReading:
        """Records what a unit says; the newest position replaces the one before it."""
        case, before = self._decidable(tx, name, etag)
        authority = self._directory.decider(tx, Purpose.POSITION, on_behalf_of)
        position = _asked_position(before, case, unit)
        if said.kind is PositionKind.RECUSE and (
            board := objections.sits_above(position, authority)
        ):
            return self._stepped_aside(tx, case, before, position, board, authority)
        pledges.require_voice(before, case, position, authority)
        if said.kind is not PositionKind.RECUSE:
            require_impartial(case.facts, authority)
        ballot = voting.votes_on(position, authority)
        said = said if ballot is None else voting.joined(ballot, said)
        rules = self._cases.rules(tx, case)
        check_statement(
            rules, position, said, lambda person: self._directory.present(tx, person), tx.now
        )
        if said.kind is PositionKind.OBJECT:
            objections.refuse_repeated(case, position)
        able = self._directory.impartial(tx, case.facts)
        recorded = self._recorded(case, position, ballot, said, authority, able, tx)
        recorded = objections.with_arbiter(rules, case, before, recorded, able, tx.now)
        after = pledges.with_position(before, recorded)
        agreed = said.conditions if ballot is None else voting.conditions_of(recorded)
        conditions = pledges.conditions_with(case, unit, agreed)
        payload = {
            "authority": authority.evidence(),
            "unit": unit,
            "kind": said.kind,
            "grounds": said.grounds,
            "asked": recorded.asked,
            "arbiter": recorded.arbiter,
            **({} if ballot is None else voting.record_of(recorded, authority)),
        }
        moved = replace(case, conditions=conditions)
        return self._settle(tx, case, (before, after), "pledge.position", payload, moved)

    def resolve_objection(
        self,
        tx: Transaction,
        name: str,
        etag: str,
        unit: str,
        resolution: Resolution,
        reason: str,
        on_behalf_of: str,
    ) -> PledgeReading:
        """Ends a unit's objection over its head: overridden it bars nothing, sustained it stands.

        Sustained, the case asks the proposer for what the unit proposed. Refused with NOT_A_HOLDER
        for who does not stand one level above the unit and the sponsor's.
        """
        case, before = self._decidable(tx, name, etag)
        authority = self._directory.decider(tx, Purpose.POSITION, on_behalf_of)
        position = _asked_position(before, case, unit)
        objections.require_objection(case, position)
        rules = self._cases.rules(tx, case)
        objections.require_arbiter(rules, case, before, position, authority)
        require_impartial(case.facts, authority)
        payload = {
            "authority": authority.evidence(),
            "unit": unit,
            "grounds": position.grounds,
            "objected_by": position.person,
            "reason": reason,
        }
        seen = (case.facts.number, case.gate_digest)
        if (board := position.before_the_board) is not None:
            ended = objections.appealed(
                position, board, resolution, authority, reason, seen, tx.now
            )
        elif resolution is Resolution.OVERRIDDEN:
            ended = objections.override(position, authority, reason, seen, tx.now)
        else:
            ended = objections.sustain(position, authority, reason, tx.now)
        return self._ended(tx, case, before, ended, "pledge.objection_vote", payload)

    def _stepped_aside(
        self,
        tx: Transaction,
        case: Case,
        before: Pledge,
        position: Position,
        board: Ballot,
        authority: Authority,
    ) -> PledgeReading:
        """A member of the committee above the top cannot judge an objection."""
        seen = (case.facts.number, case.gate_digest)
        left = objections.recused(position, board, authority, seen, tx.now)
        able, rules = self._directory.impartial(tx, case.facts), self._cases.rules(tx, case)
        asked = objections.with_arbiter(rules, case, before, left, able, tx.now)
        payload = {
            "authority": authority.evidence(),
            "unit": position.unit,
            "committee": board.name,
        }
        return self._ended(tx, case, before, asked, "pledge.objection_recusal", payload)

    def _ended(
        self,
        tx: Transaction,
        case: Case,
        before: Pledge,
        ended: Position,
        kind: str,
        payload: Mapping[str, Any],
    ) -> PledgeReading:
        """Stores how an objection stands; sustained, it asks the proposer for changes.

        `kind` is what happened where nothing was decided by it.
        """
        if ended.resolution is not Resolution.SUSTAINED:
            after = pledges.with_position(before, ended)
            what = "pledge.objection_overridden" if ended.overridden else kind
            return self._settle(tx, case, (before, after), what, payload)
        dates = self._cases.changes_timetable(tx, case)
        asked = cases.request_changes(case, (objections.gap_of(ended),), dates, tx.now)
        change = (before, pledges.with_position(before, ended))
        return self._saved(tx, case, asked, change, "pledge.objection_sustained", payload)

    def leave(self, tx: Transaction, people: Collection[str]) -> tuple[str, ...]:
        """Hands on at once the open pledges that people who have left hold; answers their names."""
        handed: list[str] = []
        after: tuple[datetime, str] | None = None
        leaving = sorted(people)
        while page := self._cases.store.held(tx, leaving, "", after, _PAGE):
            for case, _ in page:
                if case.state is CaseState.OPEN:
                    self._hand_on(tx, case, people)
                    handed.append(case.name)
            after = (page[-1][1], page[-1][0].name)
        return tuple(handed)

    def _hand_on(self, tx: Transaction, case: Case, people: Collection[str]) -> None:
        handed_on, before, after = self._desks.of(tx, case).handed_on(tx, case)
        self._store.save(tx, case.name, before, after)
        if after.complete:  # those who stay in a committee have said enough
            able, validity = (
                self._directory.impartial(tx, case.facts),
                self._cases.validity(tx, case),
            )
            handed_on = pledges.settled(case, after, able, tx.now, validity)
        dated = waiting(handed_on, after, self._agreed(tx, case))
        moved = self._cases.governed(tx, dated)
        payload = {
            "left": sorted(one.person for one in case.holders if one.person in people),
            "holders": sorted(one.person for one in moved.holders),
            "no_eligible_holder": moved.no_eligible_holder,
        }
        self._cases.store.save(tx, case, moved, "pledge.handed_on", payload)

    def _agreed(self, tx: Transaction, case: Case) -> Timetable:
        """The dates of the agreed time from now on."""
        return timetable(self._cases.rules(tx, case), Gate.PLEDGE.value, tx.now)

    def _decidable(self, tx: Transaction, name: str, etag: str) -> tuple[Case, Pledge]:
        self._directory.hold_still(tx)
        case = self._cases.find(tx, name, etag)
        cases.require_state(case, CaseState.OPEN)
        return case, self._store.load(tx, case.name)

    def _settle(
        self,
        tx: Transaction,
        case: Case,
        change: tuple[Pledge, Pledge],
        kind: str,
        payload: Mapping[str, Any],
        moved: Case | None = None,
    ) -> PledgeReading:
        settled = pledges.settled(
            moved or case,
            change[1],
            self._directory.impartial(tx, case.facts),
            tx.now,
            self._cases.validity(tx, case),
        )
        if settled.state is CaseState.OPEN:
            settled = waiting(settled, change[1], self._agreed(tx, case))
        if settled.state is CaseState.STANDING:
            due = attestation.due_at(self._cases.rules(tx, case), change[1], tx.now)
            change = (change[0], replace(change[1], liveness_at=due))
        return self._saved(tx, case, settled, change, kind, payload)

    def _saved(
        self,
        tx: Transaction,
        case: Case,
        moved: Case,
        change: tuple[Pledge, Pledge],
        kind: str,
        payload: Mapping[str, Any],
    ) -> PledgeReading:
        """Stores the case and its pledge, with who was silent while they were heard."""
        before, after = change[0], pledges.as_of(change[1], tx.now)
        silent = [unit for unit in after.silent if unit not in before.silent]
        said = {**payload, "heard_no_answer": silent} if silent else payload
        self._store.save(tx, case.name, before, after)
        governed = self._cases.governed(tx, moved)
        saved = self._cases.store.save(tx, case, governed, kind, said)
        return PledgeReading(saved, after)

    def _recorded(
        self,
        case: Case,
        position: Position,
        ballot: Ballot | None,
        said: Statement,
        authority: Authority,
        able: Able,
        tx: Transaction,
    ) -> Position:
        seen, rules = (case.facts.number, case.gate_digest), self._cases.rules(tx, case)
        if ballot is not None:
            voted = voting.voted(position, ballot, said, authority, seen, tx.now)
            return passed_on(rules, case.facts, voted, able)
        recorded = said_by(position, said, authority, seen, tx.now)
        if recorded.agreed:
            return recorded
        return replace(recorded, asked=next_asked(rules, case.facts, recorded, able))


def _asked_position(pledge: Pledge, case: Case, unit: str) -> Position:
    position = pledge.position(unit)
    if position is None:
        asked = ", ".join(one.unit for one in pledge.positions) or "none"
        raise InvalidArgument.of("unit", f"{case.name} does not ask {unit}; it asks {asked}")
    return position


def _check_gap(gap: Gap) -> None:
    """No bare no: it names what is short and what would flip the answer."""
    needed = (("risk", gap.risk, "say what is short"), ("remedy", gap.remedy, "say what flips it"))
    wrong = [FieldViolation(f"gap.{name}", why) for name, value, why in needed if not value.strip()]
    if wrong:
        raise InvalidArgument(violations=wrong)


def _decliner(case: Case, authority: Authority, tx: Transaction) -> Decider:
    return Decider(
        person=authority.person,
        side=Side.BUSINESS,
        role=pledges.SPONSOR,
        decided_at=tx.now,
        revision=case.facts.number,
        gate_digest=case.gate_digest,
    )
