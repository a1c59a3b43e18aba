"""Who may decide what, said a second time and independently: from the record as anybody reads it.

The oracle knows the enterprise, who lent what to whom, and what was accepted so far. It shares no
code with the services.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from tests.contract.sides.houses import Enterprise, Owed

from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework.facts import Revision

GOVERNANCE = "governance"


class Says(Enum):
    """What the oracle expects of an attempt."""

    MUST = "is done"
    MUST_NOT = "is refused"
    MAY = "is either"
    """Standing in for a sponsor: who is asked is the escalation's to say, not the oracle's."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody tries to decide, in whose name."""

    method: str
    person: str
    behalf: str = ""
    unit: str = ""

    @property
    def people(self) -> frozenset[str]:
        return frozenset(name for name in (self.person, self.behalf) if name)


@dataclass(frozen=True, slots=True)
class Spoken:
    """One of the two voices of a provisional decision."""

    person: str
    at: datetime


@dataclass(slots=True)
class Standing:
    """Who stands on which side of one program, as far as it was accepted."""

    facts: Revision
    pledgers: set[str] = field(default_factory=set[str])
    """Who pledged in the present round, principals included."""
    overriders: set[str] = field(default_factory=set[str])
    recused: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    business_of: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """By case of money and IT: the business side as it was told, openings added up."""
    money_of: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """By case of IT: the money side as it was told."""
    pledge: str = ""
    """The present round of the pledge."""
    heard: dict[str, list[Attempt]] = field(default_factory=dict[str, list[Attempt]])
    """By case: who decided as usual; a case that reads as provisional shows others."""
    declared: dict[str, Owed] = field(default_factory=dict[str, Owed])
    """By pledge: the emergency that was declared there."""
    spoken: dict[str, list[Spoken]] = field(default_factory=dict[str, list[Spoken]])
    """By case: who decided it provisionally."""

    @property
    def named(self) -> set[str]:
        """Who proposes and who is asked to pledge."""
        return {*self.facts.business_people}

    @property
    def business(self) -> set[str]:
        provisionally = {one.person for one in self.spoken_on(self.pledge)}
        return self.named | self.pledgers | self.overriders | provisionally

    def spoken_on(self, case: str) -> list[Spoken]:
        """Who decided a case provisionally, in order; one is not two."""
        return self.spoken.get(case, [])

    def dated(self, case: str) -> set[str]:
        """Who stands behind a case by a provisional decision, also after the ordinary one."""
        voices = self.spoken_on(case)
        return {one.person for one in voices} if len(voices) == 2 else set()

    def others(self, case: gate_pb2.GateCase) -> set[str]:
        """Who stands on the sides that are not the case's own, as far as it was told."""
        if case.gate == gate_pb2.GATE_PLEDGE:
            return set()
        money = self.money_of.get(case.name, set())
        return self.business_of[case.name] | self.named | money

    def deciders(self, case: gate_pb2.GateCase) -> set[str]:
        """Everybody behind the ordinary decision, principals included."""
        if not in_force(case):
            return deciders(case)
        return {name for one in self.heard.get(case.name, ()) for name in one.people}

    def approvals(self, case: gate_pb2.GateCase) -> int:
        """How often the money was approved."""
        if not in_force(case):
            return sum(one.role == "approver" for one in case.deciders)
        return sum(one.method == "ApproveFunding" for one in self.heard.get(case.name, ()))

    def told(
        self, case: gate_pb2.GateCase, pledge: gate_pb2.GateCase, money: Iterable[str]
    ) -> None:
        """A case of money or IT was opened, or opened again, with these warrants.

        Who acted in the name of somebody of the business acts for the business.
        """
        business = self.business
        for one in pledge.deciders:
            if {one.person, one.on_behalf_of} & business:
                business = business | {one.person, one.on_behalf_of} - {""}
        self.business_of.setdefault(case.name, set()).update(business)
        if case.gate == gate_pb2.GATE_KNIGHT:
            self.money_of.setdefault(case.name, set()).update(money)


def deciders(case: gate_pb2.GateCase) -> set[str]:
    """Everybody behind a case as it reads, principals included."""
    return {name for one in case.deciders for name in (one.person, one.on_behalf_of) if name}


def in_force(case: gate_pb2.GateCase) -> bool:
    """Whether it reads as standing by a provisional decision: the ordinary one is still asked."""
    standing = case.state == gate_pb2.CASE_STATE_STANDING
    return bool(standing and case.basis == gate_pb2.BASIS_EMERGENCY)


def is_asked(case: gate_pb2.GateCase) -> bool:
    """Whether its ordinary decision is to be made."""
    return bool(case.state == gate_pb2.CASE_STATE_OPEN) or in_force(case)


@dataclass(frozen=True, slots=True)
class Oracle:
    """Judges attempts at one program."""

    made: Enterprise
    standing: Standing

    def pledging(self, attempt: Attempt, pledge: pb.Pledge) -> Says:
        """Pledging: who is named and was not heard, with a limit, of the business side."""
        case, facts, people = pledge.gate_case, self.standing.facts, attempt.people
        if not self._present(attempt, case, "PLEDGE") or people & self._heard(case):
            return Says.MUST_NOT
        seats = [name for name in (facts.sponsor, facts.counter_sponsor) if name]
        if self.standing.pledgers and len(set(seats)) == 1:
            return Says.MUST_NOT
        held = {h.person for h in case.holders if h.role == "sponsor"}
        if not people & {*seats, *held}:
            return Says.MUST_NOT
        principal = attempt.behalf or attempt.person
        if not people & set(seats) or (self.standing.pledgers and len(set(seats)) > 1):
            return Says.MAY
        if len(set(seats)) > 1:
            return Says.MAY if self._limited(principal) or self._beside() else self._led(attempt)
        if self._limited(principal) or self.made.side(attempt.person) != "business":
            return Says.MUST_NOT
        return Says.MUST

    def position(self, attempt: Attempt, pledge: pb.Pledge) -> Says:
        """Speaking for a unit: its head, its deputy, whoever holds it; never the program's own."""
        case, people, unit = pledge.gate_case, attempt.people, attempt.unit
        asked = next((one for one in pledge.positions if one.unit == unit), None)
        if asked is None or asked.role == pb.POSITION_ROLE_INFORM:
            return Says.MUST_NOT
        if not self._present(attempt, case, "POSITION"):
            return Says.MUST_NOT
        head, _ = self.made.speaks_for(unit)
        agree = asked.role == pb.POSITION_ROLE_AGREE
        if agree and head in self.standing.named:
            return Says.MUST_NOT  # the pledge counts as this unit's Agree
        if people & (self.standing.named | self.standing.pledgers):
            return Says.MUST_NOT
        if people & self.standing.recused.get(unit, set()):
            return Says.MUST_NOT
        principal = attempt.behalf or attempt.person
        holds = any(
            h.person in people and h.role == "endorser" and h.unit == unit for h in case.holders
        )
        return Says.MUST if holds or principal in self.made.speaks_for(unit) else Says.MUST_NOT

    def funding(self, attempt: Attempt, case: gate_pb2.GateCase) -> Says:
        """Approving and confirming: in hand, not heard yet, and not of the business side."""
        people = attempt.people
        business = self.standing.business_of[case.name] | self.standing.named
        if not self._present(attempt, case, "FUND") or people & business:
            return Says.MUST_NOT
        levels = self._levels()
        given = self.standing.approvals(case)
        holds = self._holds(case, people)
        if attempt.method == "Reserve":
            may = holds or self.made.owner in people
            apart = not self._heard(case) & business
            return Says.MUST if given >= sum(levels) and may and apart else Says.MUST_NOT
        if attempt.method == "ApproveFunding":
            first = given < sum(levels) and not people & self._heard(case)
            return Says.MUST if holds and first else Says.MUST_NOT
        return Says.MUST if holds else Says.MUST_NOT  # asking for changes, declining

    def review(self, attempt: Attempt, case: gate_pb2.GateCase) -> Says:
        """Knighting and its opposites: in hand, and of neither of the other sides."""
        people = attempt.people
        others = self.standing.business_of[case.name] | self.standing.money_of[case.name]
        if not self._present(attempt, case, "KNIGHT") or people & others:
            return Says.MUST_NOT
        heard = self._heard(case)
        if attempt.method == "Knight" and people & heard:
            return Says.MUST_NOT
        if attempt.method == "Knight" and heard & others:
            return Says.MAY  # whether this yes is the last one that is needed
        return Says.MUST if self._holds(case, people) else Says.MUST_NOT

    def _present(self, attempt: Attempt, case: gate_pb2.GateCase, purpose: str) -> bool:
        """The case is open, and the name acted in was lent."""
        lent = not attempt.behalf or (attempt.behalf, attempt.person, purpose) in self.made.lent
        return is_asked(case) and lent

    def _heard(self, case: gate_pb2.GateCase) -> set[str]:
        return self.standing.deciders(case)

    def _holds(self, case: gate_pb2.GateCase, people: frozenset[str]) -> bool:
        return any(h.person in people and h.role != GOVERNANCE for h in case.holders)

    def _levels(self) -> list[int]:
        facts = self.standing.facts
        tier = next(
            one for one in self.made.charter.funding_tiers if one.contains(facts.amount_minor)
        )
        return [one.needed for one in tier.approvals]

    def _limited(self, principal: str) -> bool:
        return principal not in self.made.chiefs

    def _beside(self) -> bool:
        """Whether the named counter-sponsor is of the business side."""
        return self.made.side(self.standing.facts.counter_sponsor) == "business"

    def _led(self, attempt: Attempt) -> Says:
        """With a counter-sponsor who is not of the business side himself."""
        business = self.made.side(attempt.person) == "business"
        return Says.MUST if business else Says.MUST_NOT
