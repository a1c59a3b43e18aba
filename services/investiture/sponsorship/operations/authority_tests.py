"""The authority test with what the directory and the store know, at the pledge and later."""

from dataclasses import replace

from investiture.casework.case import Case
from investiture.casework.facts import Authority
from investiture.casework.rules import Rules
from investiture.casework.words import Purpose, Side
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain.authority_legs import (
    MOST_COUNTED,
    AuthorityLeg,
    Circumstances,
    authority_test,
)
from investiture.sponsorship.domain.pledges import Place, Pledge, Seat
from investiture.sponsorship.domain.succession import carrier_of
from investiture.sponsorship.operations.directory import DirectoryOperations
from investiture.sponsorship.store.pledges import PledgeStore


class AuthorityTests:
    """Tests a person for a seat, and whether who took one still carries it."""

    def __init__(self, rules: Rules, store: PledgeStore, directory: DirectoryOperations) -> None:
        self._rules = rules
        self._store = store
        self._directory = directory

    def legs(
        self, tx: Transaction, case: Case, pledge: Pledge, seat: Seat, authority: Authority
    ) -> tuple[AuthorityLeg, ...]:
        """The five legs for who would take a seat."""
        facts = case.facts
        able = self._directory.able(tx)
        rules = self._rules.of(tx, case.charter_digest)
        allowed = rules.sponsorship.max_live_sponsorships
        most = max(allowed, MOST_COUNTED)
        live = self._store.live_sponsorships(tx, authority.person, case.program, most)
        around = Circumstances(
            positions=pledge.positions,
            counters=seat.place is Place.COUNTER_SPONSOR,
            counter_side=self._side(tx, facts.counter_sponsor),
            live_sponsorships=live + 1,
            max_live_sponsorships=allowed,
            absent_owners=tuple(name for name in facts.benefit_owners if not able(name)),
        )
        return authority_test(facts, authority, around)

    def lost(self, tx: Transaction, case: Case, pledge: Pledge, seat: Seat) -> str:
        """Why who took a seat can no longer carry it; empty while they can.

        Measured by what they saw: a change that was carried since asks no more of them.
        """
        name, principal = carrier_of(seat)
        person = self._directory.find(tx, name)
        if person is None or not person.able:
            why = "decides nothing as a guest" if person and person.guest else "has left"
            return f"{name} {why}"
        authority = self._directory.resolve(tx, name, Purpose.PLEDGE, principal)
        if authority.on_behalf_of != principal:
            return f"{principal} no longer lends {name} the authority to pledge"
        seen = replace(case, facts=case.decided or case.facts)
        legs = self.legs(tx, seen, pledge, seat, authority)
        return "; ".join(leg.explanation for leg in legs if leg.refuses)

    def _side(self, tx: Transaction, name: str) -> Side | None:
        person = self._directory.find(tx, name) if name else None
        if person is None or not person.able:
            return None
        return self._directory.side(person)
