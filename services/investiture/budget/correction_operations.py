"""Correcting what was spent, and what comes after its year: load → decide → save."""

from dataclasses import dataclass
from datetime import date

from investiture.budget import corrections, domain
from investiture.budget.corrections import Rebooking
from investiture.budget.domain import Envelope
from investiture.budget.holdings import Commitment, Hold, Reservation
from investiture.budget.holds import Holds
from investiture.budget.ledger import Entry, Posting
from investiture.budget.ledger_store import LedgerStore
from investiture.budget.operations import CommitmentReading
from investiture.budget.spending import Spent
from investiture.budget.store import FundingStore
from investiture.casework.amounts import Amount
from investiture.casework.directory import require_able
from investiture.casework.facts import Authority
from investiture.casework.operations import CaseOperations
from investiture.casework.words import Gate
from investiture.charter.fiscal import FiscalYears, NoFiscalYear
from investiture.chassis.refusal import Denied, InvalidArgument, NotFound, Stale
from investiture.chassis.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction as its caller asks for it."""

    commitment: str
    etag: str
    entry: int
    amount: Amount
    rebook_to: str
    rebook_etag: str
    invoice: str
    reason: str


@dataclass(frozen=True, slots=True)
class LateActual:
    """An actual that comes after the close of its year, as its caller asks for it."""

    commitment: str
    etag: str
    amount: Amount
    spent_on: date
    invoice: str
    envelope: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a correction did."""

    corrected: CommitmentReading
    rebooked: CommitmentReading | None
    entries: tuple[Entry, ...]


class CorrectionOperations:
    """New entries for what was booked wrongly or late. Reservations are locked by program name."""

    def __init__(
        self,
        calendar: FiscalYears,
        cases_: CaseOperations,
        fundings: FundingStore,
        ledger: LedgerStore,
    ) -> None:
        self._calendar = calendar
        self._cases = cases_
        self._fundings = fundings
        self._ledger = ledger
        self._holds = Holds(fundings)

    def correct(self, tx: Transaction, asked: Correction, authority: Authority) -> Corrected:
        """Takes an actual back, in part or whole, and books it on another commitment if asked."""
        programs = {_program(asked.commitment, "name")}
        if asked.rebook_to:
            programs.add(_program(asked.rebook_to, "rebook_to"))
        standing, owed = self._standing(tx, programs)
        commitment = self._seen(tx, asked.commitment, asked.etag)
        corrections.check_target(commitment, asked.rebook_to, asked.rebook_etag)
        require_able(authority)
        self._check_sides(tx, programs, authority)
        entry = self._ledger.entry(tx, asked.entry)
        corrections.check_entry(entry, commitment, authority.person)
        back = corrections.take_back(
            entry,
            _held(standing, commitment.program),
            commitment,
            asked.amount,
            self._ledger.corrected_minor(tx, asked.entry),
        )
        done = [back]
        if asked.rebook_to:
            standing[commitment.program] = back.reservation
            target = self._seen(tx, asked.rebook_to, asked.rebook_etag)
            rebooking = Rebooking(_held(standing, target.program), target)
            done.append(corrections.book_instead(entry, rebooking, asked.amount, asked.invoice))
        moved = [posting for one in done for posting in one.postings]
        entries = self._ledger.post(tx, [*owed, *moved])[len(owed) :]
        # Of one program's two steps the second reservation follows from the first: both are saved.
        for one in done:
            self._fundings.save_reservation(tx, one.reservation)
            self._fundings.save_commitments(tx, (one.commitment,))
        self._record(tx, "actual.corrected", back, asked, authority)
        readings = [CommitmentReading(one.commitment, one.reservation.currency) for one in done]
        return Corrected(readings[0], readings[1] if asked.rebook_to else None, entries)

    def roll_forward(
        self, tx: Transaction, asked: LateActual, authority: Authority
    ) -> CommitmentReading:
        """Records a late actual of a closed year in an open one."""
        program = _program(asked.commitment, "name")
        standing, owed = self._standing(tx, {program})
        reservation = standing[program]
        lapsed = self._seen(tx, asked.commitment, asked.etag)
        corrections.require_lapsed(lapsed)
        assert reservation is not None, "a commitment has a reservation behind it"
        require_able(authority)
        self._check_sides(tx, {program}, authority)
        old = self._ledger.envelope(tx, lapsed.lapsed_in)
        self._check_day(old, asked.spent_on)
        envelope = self._where(tx, asked.envelope, old, reservation, authority)
        others = self._fundings.commitments(tx, program)
        less, spent = corrections.roll_forward(
            lapsed,
            reservation,
            envelope,
            1 + max(one.number for one in others),
            asked.amount,
            asked.spent_on.isoformat(),
            asked.invoice,
        )
        self._ledger.post(tx, [*owed, *spent.postings])
        self._fundings.save_reservation(tx, spent.reservation)
        self._fundings.save_commitments(tx, (less,))
        self._fundings.add_commitment(tx, spent.commitment)
        tx.record(
            "actual.rolled_forward",
            spent.commitment.name,
            spent.commitment.version,
            {
                "rolls_forward": lapsed.name,
                "from": old.name,
                "to": envelope,
                "amount_minor": str(asked.amount.minor),
                "currency": asked.amount.currency,
                "spent_on": asked.spent_on.isoformat(),
                "invoice": asked.invoice,
                "authority": authority.evidence(),
            },
            program=program,
        )
        return CommitmentReading(spent.commitment, reservation.currency)

    def _standing(
        self, tx: Transaction, programs: set[str]
    ) -> tuple[dict[str, Reservation | None], list[Posting]]:
        """The programs' reservations as they are now, and what their timeouts have to post."""
        standing = {one: self._fundings.standing(tx, one) for one in sorted(programs)}
        owed: list[Posting] = []
        for program, found in standing.items():
            if found is not None:
                settled = self._holds.settled(tx, found)
                standing[program] = settled.reservation
                owed += settled.postings
        return standing, owed

    def _where(
        self,
        tx: Transaction,
        envelope: str,
        old: Envelope,
        reservation: Reservation,
        authority: Authority,
    ) -> str:
        """What is reserved for the program pays first, else what an owner has available."""
        if reservation.state is Hold.HELD:
            if envelope not in ("", reservation.envelope):
                raise InvalidArgument.of(
                    "envelope",
                    f"money is reserved for the program in {reservation.envelope}; leave it out",
                )
            return reservation.envelope
        name = envelope or old.successor
        if not name:
            raise InvalidArgument.of(
                "envelope", f"{old.name} has no successor; name an envelope of an open year"
            )
        chosen = self._ledger.envelope(tx, name)
        domain.require_open_year(chosen)
        if chosen.currency != old.currency:
            raise InvalidArgument.of(
                "envelope",
                f"{name} is in {chosen.currency}; the commitment was in {old.currency}",
                reason="INVALID_AMOUNT",
            )
        if chosen.owner not in authority.people:
            raise Denied(
                "NOT_A_HOLDER",
                f"nothing is reserved for the program any more, so the late actual takes from what "
                f"is available in {name}; {chosen.owner}, who owns it, records it",
            )
        return name

    def _check_day(self, old: Envelope, day: date) -> None:
        """A late actual is of the year that is closed; what is newer is an actual of its own."""
        try:
            year = self._calendar.year_of(day)
        except NoFiscalYear as error:
            raise InvalidArgument.of("spent_on", str(error)) from None
        if year != old.fiscal_year:
            first, last = self._calendar.bounds(old.fiscal_year)
            raise InvalidArgument.of(
                "spent_on",
                f"{day} lies in fiscal year {year}; the commitment lapsed with {old.fiscal_year} "
                f"({first} to {last}), and what was spent later needs money that is reserved now",
            )

    def _seen(self, tx: Transaction, name: str, etag: str) -> Commitment:
        found = self._fundings.commitment(tx, name)
        if etag != found.etag:
            raise Stale(name, found.etag)
        return found

    def _check_sides(self, tx: Transaction, programs: set[str], authority: Authority) -> None:
        for program in sorted(programs):
            case = self._cases.newest(tx, program, Gate.FUND)
            if case is None:
                raise NotFound(f"{program}/budgetRequests/latest")
            funding = self._fundings.load(tx, case.name)
            domain.check_sides(case, funding, authority.people)

    def _record(
        self, tx: Transaction, kind: str, back: Spent, asked: Correction, authority: Authority
    ) -> None:
        made = back.commitment
        tx.record(
            kind,
            made.name,
            made.version,
            {
                "entry": str(asked.entry),
                "amount_minor": str(asked.amount.minor),
                "currency": asked.amount.currency,
                "rebooked_to": asked.rebook_to,
                "reason": asked.reason,
                "authority": authority.evidence(),
            },
            program=made.program,
        )


def _program(commitment: str, field: str) -> str:
    program, named, _ = commitment.partition("/commitments/")
    if not named:
        raise InvalidArgument.of(field, "name it as programs/{program}/commitments/{number}")
    return program


def _held(standing: dict[str, Reservation | None], program: str) -> Reservation:
    found = standing[program]
    assert found is not None, "a commitment has a reservation behind it"
    return found
