"""Money is conserved at every prefix of whatever programs do (domain.md, Budget, invariants)."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.support.facts import revision

from investiture.budget import domain, spending, timeouts
from investiture.budget.domain import Envelope
from investiture.budget.holdings import Commitment, Hold, Reservation, Tranche
from investiture.budget.ledger import Account, Kind, Posting, balances_of
from investiture.casework.amounts import Amount
from investiture.chassis.refusal import PreconditionFailed

ENVELOPES = ("envelopes/a", "envelopes/b")
PROGRAMS = ("programs/p", "programs/q", "programs/r")
AMOUNTS = st.integers(1, 600)
TIMEOUT = timedelta(days=90)


class Treasury(RuleBasedStateMachine):
    """Two envelopes, three programs, and every move there is; a refused move changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Posting] = []
        self.envelopes = {
            name: Envelope(name, name, 2027, "4711", "launches", "people/fay", "EUR")
            for name in ENVELOPES
        }
        self.held: dict[str, Reservation] = {}
        self.commitments: dict[str, tuple[Commitment, ...]] = dict.fromkeys(PROGRAMS, ())
        self.rounds: Counter[str] = Counter()
        self.released: set[str] = set()
        self.now = datetime(2027, 1, 4, tzinfo=UTC)
        for name in ENVELOPES:
            self.post(
                Posting(name, Kind.APPROPRIATE, Account.APPROPRIATION, Account.AVAILABLE, 1_000)
            )

    def post(self, *postings: Posting) -> None:
        after = dict(self.envelopes)
        for one in postings:
            after[one.envelope] = domain.posted(after[one.envelope], one)
        self.envelopes = after
        self.entries += postings

    def note(self, commitment: Commitment) -> None:
        others = [c for c in self.commitments[commitment.program] if c.name != commitment.name]
        made = sorted((*others, commitment), key=lambda c: c.number)
        self.commitments[commitment.program] = tuple(made)

    @rule(program=st.sampled_from(PROGRAMS), envelope=st.sampled_from(ENVELOPES), amount=AMOUNTS)
    def reserve(self, program: str, envelope: str, amount: int) -> None:
        if program in self.released:
            return
        self.rounds[program] += 1
        facts = replace(revision(amount_minor=amount), program=program)
        name = f"{program}/budgetRequests/{self.rounds[program]}"
        try:
            older, owed = self.as_of_now(program)
            until = self.now + TIMEOUT
            made = spending.hold(name, facts, envelope, older, until)
            self.post(*owed, *made.postings)
        except PreconditionFailed:
            return
        self.held[program] = made.reservation

    @precondition(lambda self: any(r.state is Hold.HELD for r in self.held.values()))
    @rule(data=st.data(), amount=AMOUNTS, tranche=st.sampled_from(Tranche))
    def commit(self, data: st.DataObject, amount: int, tranche: Tranche) -> None:
        program = data.draw(st.sampled_from(self.live()))
        over = self.now >= (self.held[program].expires_at or self.now)
        try:
            timeouts.require_in_time(self.held[program], self.now)
        except PreconditionFailed:
            assert over
            return
        assert not over
        facts = revision(trial_minor=100, pilot_minor=200, general_minor=300)
        try:
            made = spending.commit(
                self.held[program],
                self.commitments[program],
                facts,
                Amount(amount, "EUR"),
                tranche,
                "Vendor",
            )
        except PreconditionFailed:
            return
        self.post(*made.postings)
        self.held[program] = made.reservation
        self.note(made.commitment)

    @precondition(lambda self: any(c for cs in self.commitments.values() for c in cs))
    @rule(data=st.data(), amount=st.integers(0, 300), final=st.booleans())
    def spend(self, data: st.DataObject, amount: int, final: bool) -> None:
        every = [c for commitments in self.commitments.values() for c in commitments]
        commitment = data.draw(st.sampled_from(every))
        found, owed = self.as_of_now(commitment.program)
        assert found is not None
        try:
            made = spending.record_actual(found, commitment, Amount(amount, "EUR"), "", final=final)
        except PreconditionFailed:
            return
        self.post(*owed, *made.postings)
        self.held[commitment.program] = made.reservation
        self.note(made.commitment)

    @rule(days=st.integers(1, 60))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def sweep(self, data: st.DataObject) -> None:
        program = data.draw(st.sampled_from(sorted(self.held)))
        found, owed = self.as_of_now(program)
        assert found is not None
        self.post(*owed)
        self.held[program] = found
        assert self.as_of_now(program) == (found, ())  # once and no more

    @precondition(lambda self: any(r.state.may_owe for r in self.held.values()))
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        owing = [name for name, one in self.held.items() if one.state.may_owe]
        program = data.draw(st.sampled_from(owing))
        found, owed = self.as_of_now(program)
        assert found is not None
        back = spending.release(found, self.commitments[program])
        self.post(*owed, *back.postings)
        self.held[program] = back.reservation
        self.released.add(program)
        for commitment in back.commitments:
            self.note(commitment)

    def as_of_now(self, program: str) -> tuple[Reservation | None, tuple[Posting, ...]]:
        """A program's reservation by now, and what its timeout has to post; nothing is kept."""
        found = self.held.get(program)
        if found is None:
            return None, ()
        now = timeouts.settled(found, self.now)
        return now.reservation, now.postings

    def live(self) -> list[str]:
        return [name for name, one in self.held.items() if one.state is Hold.HELD]

    @invariant()
    def the_rows_are_the_sum_of_the_entries(self) -> None:
        for name, envelope in self.envelopes.items():
            assert envelope.balances == balances_of(e for e in self.entries if e.envelope == name)

    @invariant()
    def debits_equal_credits(self) -> None:
        moved: Counter[Account] = Counter()
        for entry in self.entries:
            moved[entry.debit] -= entry.amount_minor
            moved[entry.credit] += entry.amount_minor
        assert sum(moved.values()) == 0
        assert moved[Account.APPROPRIATION] == -1_000 * len(ENVELOPES)

    @invariant()
    def envelopes_hold_what_programs_hold(self) -> None:
        reserved = sum(one.remaining_minor for one in self.held.values())
        committed = sum(c.open_minor for cs in self.commitments.values() for c in cs)
        spent = sum(c.actual_minor for cs in self.commitments.values() for c in cs)
        balances = [one.balances for one in self.envelopes.values()]
        assert sum(b.reserved for b in balances) == reserved
        assert sum(b.committed for b in balances) == committed
        assert sum(b.actual for b in balances) == spent


TestTreasury = Treasury.TestCase
TestTreasury.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
