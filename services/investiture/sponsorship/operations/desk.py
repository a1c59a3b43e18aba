"""What the PLEDGE gate does differently from the other gates."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from investiture.casework import case as cases
from investiture.casework.case import Candidate, Case, Holder
from investiture.casework.conflicts import require_impartial
from investiture.casework.facts import Authority, Ending, Evidence, Revision, Warrant
from investiture.casework.standing import Part
from investiture.casework.succession import passes_on
from investiture.casework.trial_lane import Covered, Lane, marked, still_fits
from investiture.casework.words import Amber, CaseState, Gate, Purpose, Side
from investiture.charter.authority import NoTier, tier_for
from investiture.charter.model import Charter, UnknownId
from investiture.charter.ownership import GOVERNANCE, escalation_chain
from investiture.charter.policy import FundingTier
from investiture.charter.timetable import Timetable
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain import attestation, missing_acts, pledges, voting
from investiture.sponsorship.domain.attestation import SUPERIOR, require_not_paused
from investiture.sponsorship.domain.authority_legs import require_limit
from investiture.sponsorship.domain.objections import amended, arbiters_of, with_arbiter
from investiture.sponsorship.domain.pledges import Place, Pledge, Seat
from investiture.sponsorship.domain.positions import (
    Able,
    Position,
    PositionRole,
    ask,
    next_asked,
    passed_on,
    spokespeople,
)
from investiture.sponsorship.domain.succession import renewed
from investiture.sponsorship.domain.waits import may_be_passed_over, more_time
from investiture.sponsorship.operations.directory import DirectoryOperations
from investiture.sponsorship.operations.emergencies import EmergencyReviews
from investiture.sponsorship.operations.standing_decisions import StandingDecisions
from investiture.sponsorship.store.pledges import PledgeStore

_ROLE = {
    PositionRole.AGREE: "must agree",
    PositionRole.INPUT: "is heard",
    PositionRole.INFORM: "is told",
}


class PledgeDesk:
    """Asks the sponsors and the units, and knows whom to ask next."""

    gate = Gate.PLEDGE
    collection = "pledges"
    required: tuple[Gate, ...] = ()

    def __init__(
        self,
        charter: Charter,
        store: PledgeStore,
        directory: DirectoryOperations,
        standing: StandingDecisions,
        reviews: EmergencyReviews,
    ) -> None:
        self._charter = charter
        self._store = store
        self._directory = directory
        self._standing = standing
        self._reviews = reviews

    def admit(self, tx: Transaction, evidence: Evidence) -> None:
        """The business is asked first: nothing has to stand before a pledge."""

    def same_tier(self, decided: Revision, revision: Revision) -> bool:
        """Whether both totals need the same approvals by the delegation-of-authority table."""
        before, after = self._tier(decided), self._tier(revision)
        return before is not None and before == after

    def holders(self, tx: Transaction, case: Case, evidence: Evidence) -> Sequence[Holder]:
        """Stores whom the pledge asks; its sponsors and the heads of the units that must agree."""
        able = self._directory.impartial(tx, case.facts)
        asked = ask(self._charter, case.facts, able, tx.now)
        pledge = Pledge(
            seats=tuple(
                Seat(place, named, self._unit_of(tx, named, case.facts))
                for place, named in pledges.places(case.facts)
            ),
            positions=asked.positions,
            unowned=asked.unowned,
            contested=asked.contested,
        )
        if case.amber is Amber.TRANSFER:
            before = self._store.load(tx, f"{case.program}/{self.collection}/{case.round - 1}")
            pledge = renewed(pledge, before, case.gate_digest)
        self._store.insert(tx, case.name, pledge)
        held = pledges.held(case, pledge, able, tx.now).holders
        return (*held, *self._stand_ins(tx, case, pledge, able))

    def signer(self, evidence: Evidence) -> str:
        """Nobody: the directory is this service's own."""
        return ""

    def lane(self, tx: Transaction, case: Case, evidence: Evidence) -> Lane:
        """Which standing decision covers it; its place is taken with it, and counted here."""
        return self._standing.lane(tx, case, evidence)

    def fits(self, tx: Transaction, present: Case, evidence: Evidence) -> bool:
        """Whether a later revision keeps the caps."""
        return still_fits(self._charter, present, evidence.revision)

    def by_standing_decision(
        self, tx: Transaction, case: Case, evidence: Evidence, covered: Covered
    ) -> Case:
        """The sponsor's pledge in advance; no unit is asked."""
        named = covered.decision.signers.sponsor
        authority = self._directory.resolve(tx, named, Purpose.PLEDGE)
        seat = Seat(Place.SPONSOR, named, self._unit_of(tx, named, case.facts))
        statement = f"by standing decision {covered.ref.id}"
        pledge = pledges.pledged(Pledge((seat,), ()), case, seat, authority, statement, tx.now)
        due = attestation.due_at(self._charter, pledge, tx.now)
        self._store.insert(tx, case.name, replace(pledge, liveness_at=due))
        able = self._directory.impartial(tx, case.facts)
        validity = self._charter.validity(Gate.PLEDGE.value).elapsed
        return marked(pledges.settled(case, pledge, able, tx.now, validity), covered)

    def acting(self, tx: Transaction, authority: Authority) -> Authority:
        """Who decides provisionally, with the directory held still: of both, one is first."""
        self._directory.hold_still(tx)
        return self._directory.decider(tx, Purpose.PLEDGE)

    def may_decide(self, tx: Transaction, case: Case, authority: Authority) -> None:
        """Nobody with an interest in it; and the sponsor's own limit has to reach."""
        require_impartial(case.facts, authority)
        if authority.person == case.facts.sponsor:
            require_limit(case.facts, authority)

    def decided_provisionally(self, tx: Transaction, case: Case) -> None:
        """Opens the review that the emergency is owed."""
        self._reviews.opened(tx, case)

    def chain(self, tx: Transaction, case: Case) -> Sequence[Candidate]:
        """For each act that is missing the line above it, one of each in turn; governance last.

        Free of people who have left, who recused themselves, and who are on the wrong side.
        """
        pledge = self._store.load(tx, case.name)
        able = self._directory.impartial(tx, case.facts)
        last = [Candidate(name, GOVERNANCE) for name in self._governance(able)]
        if case.state is CaseState.STANDING:
            return (*self._superiors(pledge, case, able), *last)
        sponsors = [
            [
                n
                for n in self._line(seat, case)
                if able(n) and self._may_sponsor(tx, n, seat, pledge)
            ]
            for seat in pledges.free_seats(pledge)
        ]
        endorsers = [
            [name for name in self._spokespeople(position, pledge, case) if able(name)]
            if may_be_passed_over(position, tx.now)
            else []
            for position in pledges.unanswered(pledge)
        ]
        above = [
            [n for n in arbiters_of(self._charter, case, pledge, position) if able(n)]
            for position in pledges.objecting(pledge)
        ]
        return (*pledges.chain(pledge, sponsors, endorsers, above), *last)

    def parts(self, tx: Transaction, case: Case) -> Sequence[Part]:
        """Each act that is missing: a pledge, a unit's answer, an arbiter where a unit objects."""
        return missing_acts.parts(case, self._store.load(tx, case.name))

    def more_time(self, tx: Transaction, case: Case) -> Timetable | None:
        """The dates of the committee's meeting after the due date, where the case follows those."""
        before = self._store.load(tx, case.name)
        longer = more_time(self._charter, case, before, tx.now)
        if longer is None:
            return None
        after, table = longer
        self._store.save(tx, case.name, before, after)
        return table

    def superseded(self, tx: Transaction, old: Case, new: Case) -> None:
        """A new round asks anew; the older keeps what was said, its objections as amended."""
        if passes_on(old, new):
            return
        before = self._store.load(tx, old.name)
        positions = tuple(amended(one, new.facts, tx.now) for one in before.positions)
        self._store.save(tx, old.name, before, replace(before, positions=positions))

    def voided(self, tx: Transaction, case: Case) -> None:
        """A pledge holds nothing that would have to be given back."""

    def released(self, tx: Transaction, case: Case, ending: Ending) -> None:
        """Frees the place that the program had under a standing decision."""
        self._standing.free(tx, case.program)

    def handed_on(self, tx: Transaction, case: Case) -> tuple[Case, Pledge, Pledge]:
        """An open case without the holders who have left, its pledge as it was and as it is now.

        Whom a unit is asked of, who may end its objection and who stands in for a sponsor follow
        from who is there; with nobody it raises its alarm.
        """
        before = self._store.load(tx, case.name)
        held, after = self.held_anew(tx, case, before)
        return held, before, after

    def held_anew(self, tx: Transaction, case: Case, before: Pledge) -> tuple[Case, Pledge]:
        """An open case and its pledge, `before` as it is, in the hands of who is there."""
        able = self._directory.impartial(tx, case.facts)
        positions = tuple(self._asked_anew(tx, one, before, case, able) for one in before.positions)
        pledge = replace(before, positions=positions)
        staying = cases.with_holders(case, [one for one in case.holders if able(one.person)])
        held = pledges.held(staying, pledge, able, tx.now)
        stand_ins = (
            one
            for one in self._stand_ins(tx, held, pledge, able)
            if not any(h.role == one.role and h.unit == one.unit for h in held.holders)
        )
        return pledges.in_hands(held, pledge, (*held.holders, *stand_ins)), pledge

    def _asked_anew(
        self, tx: Transaction, position: Position, pledge: Pledge, case: Case, able: Able
    ) -> Position:
        board = () if position.appeal is None else position.appeal.asked
        concerned = (position.asked, position.arbiter, *position.members_asked, *board)
        if all(able(name) for name in concerned if name):
            return position
        left = voting.left(position, able, tx.now)
        seated = passed_on(self._charter, case.facts, left, able)
        if position.asked and seated.outstanding:
            asked = next_asked(self._charter, case.facts, seated, able)
            seated = replace(seated, asked=asked)
        return with_arbiter(self._charter, case, pledge, replace(seated, arbiter=""), able, tx.now)

    def evidence(self, tx: Transaction, case: Case) -> Evidence:
        """The revision: nothing comes before a pledge."""
        return Evidence(case.facts)

    def terms(self, tx: Transaction, case: Case) -> Sequence[str]:
        """What each touched unit is asked for, and what the charter leaves open."""
        pledge = self._store.load(tx, case.name)
        return (
            *(f"{one.unit}: {_ROLE[one.role]}" for one in pledge.positions),
            *(f"{one} belongs to no unit" for one in pledge.unowned),
            *(f"{one} belongs to two units" for one in pledge.contested),
        )

    def warrant(self, tx: Transaction, case: Case, warrant: Warrant) -> Warrant:
        """The business side: who was named, who pledged, who overrode a veto, and who voted."""
        require_not_paused(case, tx.now)
        pledge = self._store.load(tx, case.name)
        former = (seat.former for seat in pledge.seats if seat.former)
        spoken = case.provisional.deciders if case.provisional else ()
        in_emergency = (by.person for by in spoken)
        named = (*warrant.business_people, *pledge.sponsors, *former, *in_emergency)
        people = dict.fromkeys((*named, *pledge.overriders, *pledge.voters))
        ref = warrant.standing_decision
        return replace(
            warrant,
            business_people=tuple(people),
            standing_decision_ended="" if ref is None else self._standing.ended(tx, ref),
        )

    def _stand_ins(
        self, tx: Transaction, case: Case, pledge: Pledge, able: Able
    ) -> Iterator[Holder]:
        """For each sponsor who cannot decide or was lost a successor: who they named, else who may.

        That is the first of their line whose limit covers the program, or else the first at all.
        """
        for seat in pledges.free_seats(pledge):
            if able(seat.named) and not seat.lost:
                continue
            line = (seat.successor, *self._line(seat, case))
            may = [n for n in line if n and able(n) and self._may_sponsor(tx, n, seat, pledge)]
            reach = (name for name in may if name == seat.successor or self._covers(tx, name, case))
            for name in islice((*reach, *may), 1):
                yield Holder(name, pledges.SPONSOR, tx.now, seat.unit)

    def _covers(self, tx: Transaction, name: str, case: Case) -> bool:
        authority = self._directory.resolve(tx, name, Purpose.PLEDGE)
        return authority.covers(case.facts.amount_minor, case.facts.currency)

    def _superiors(self, pledge: Pledge, case: Case, able: Able) -> Iterator[Candidate]:
        """Who stands above the sponsors of a standing pledge."""
        for seat in pledge.seats:
            for name in self._line(seat, case):
                if able(name) and name not in seat.people:
                    yield Candidate(name, SUPERIOR, seat.unit)

    def _governance(self, able: Able) -> list[str]:
        governance = self._charter.governance
        return [name for name in (governance.owner, governance.deputy) if able(name)]

    def _tier(self, facts: Revision) -> FundingTier | None:
        conditions = facts.spend_conditions
        try:
            return tier_for(self._charter, facts.category, facts.amount_minor, conditions)
        except NoTier:
            return None

    def _unit_of(self, tx: Transaction, named: str, facts: Revision) -> str:
        person = self._directory.find(tx, named)
        return person.unit if person is not None and person.unit else facts.owning_unit

    def _line(self, seat: Seat, case: Case) -> Sequence[str]:
        """The heads and deputies above the sponsor's unit, then above the unit that leads."""
        names: list[str] = []
        for unit in (seat.unit, case.facts.owning_unit):
            try:
                chain = escalation_chain(self._charter, unit.removeprefix("units/"))
            except UnknownId:
                continue
            names += [one.person for one in chain if one.role != GOVERNANCE]
        return tuple(dict.fromkeys(names))

    def may_follow(self, tx: Transaction, name: str, seat: Seat, pledge: Pledge) -> bool:
        """Whether a person may take over a seat from who sits in it."""
        return name not in seat.people and self._may_sponsor(tx, name, seat, pledge)

    def _may_sponsor(self, tx: Transaction, name: str, seat: Seat, pledge: Pledge) -> bool:
        """Active staff of the business side; of any beside a business counter-sponsor."""
        person = self._directory.find(tx, name)
        if person is None or not person.able or name == seat.former:
            return False
        elsewhere = name in {*pledge.endorsers, *pledge.voters} or any(
            name in (one.named, *one.people) for one in pledge.seats if one != seat
        )
        beside = seat.place is Place.SPONSOR and len(pledge.seats) > 1
        return not elsewhere and (beside or self._directory.side(person) is Side.BUSINESS)

    def _spokespeople(self, position: Position, pledge: Pledge, case: Case) -> Sequence[str]:
        involved = {*case.facts.business_people, *pledge.sponsors}
        return [n for n in spokespeople(self._charter, position) if n not in involved]
