"""Envelopes, decisions on fundings, and spend: load → decide → save, each in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from investiture.budget import domain, spending, timeouts
from investiture.budget.desk import FundDesk
from investiture.budget.domain import Envelope, Funding
from investiture.budget.holdings import (
    Commitment,
    Hold,
    Reservation,
    Tranche,
    provisional_name,
)
from investiture.budget.holds import Holds
from investiture.budget.ledger import Entry, Posting
from investiture.budget.ledger_store import LedgerStore
from investiture.budget.spending import Spent
from investiture.budget.splits import names
from investiture.budget.store import FundingStore
from investiture.casework import case as cases
from investiture.casework.amounts import Amount
from investiture.casework.case import Case
from investiture.casework.conflicts import require_independent
from investiture.casework.directory import require_able
from investiture.casework.emergencies import shown
from investiture.casework.facts import Authority, Gap
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Pinned
from investiture.casework.words import CaseState, Gate
from investiture.chassis.refusal import InvalidArgument, NotFound, Stale
from investiture.chassis.transaction import Transaction


@dataclass(frozen=True, slots=True)
class FundingReading:
    """A funding with its case, what its round reserved, and what is promised from that."""

    case: Case
    funding: Funding
    reservation: Reservation | None
    commitments: tuple[Commitment, ...]


@dataclass(frozen=True, slots=True)
class CommitmentReading:
    """A commitment and the currency of its amounts."""

    commitment: Commitment
    currency: str


class EnvelopeOperations:
    """Issuing and reading envelopes, and the ledger."""

    def __init__(self, ledger: LedgerStore) -> None:
        self._ledger = ledger

    def issue(self, tx: Transaction, envelope: Envelope, appropriation_minor: int) -> Envelope:
        """A new envelope with its appropriation."""
        tx.record(
            "envelope.issued",
            envelope.name,
            0,
            {"owner": envelope.owner, "currency": envelope.currency, "purpose": envelope.purpose},
        )
        return self._ledger.issue(tx, envelope, appropriation_minor)

    def read(self, tx: Transaction, name: str) -> Envelope:
        """The envelope called `name`, or NOT_FOUND."""
        return self._ledger.envelope(tx, name)

    def envelopes(
        self, tx: Transaction, fiscal_year: int, after: str | None, limit: int
    ) -> Sequence[Envelope]:
        """Envelopes by name."""
        return self._ledger.envelopes(tx, fiscal_year, after, limit)

    def entries(
        self, tx: Transaction, envelope: str, program: str, after: int, limit: int
    ) -> Sequence[Entry]:
        """Entries of the ledger in posting order."""
        return self._ledger.entries(tx, envelope, program, after, limit)


class FundingOperations:
    """The money side's decisions."""

    def __init__(
        self,
        cases_: CaseOperations,
        desks: Pinned[FundDesk],
        fundings: FundingStore,
        ledger: LedgerStore,
    ) -> None:
        self._cases = cases_
        self._desks = desks
        self._fundings = fundings
        self._ledger = ledger
        self._holds = Holds(fundings)

    def read(self, tx: Transaction, name: str) -> FundingReading:
        """The funding called `name`."""
        return self._reading(tx, self._cases.find(tx, name))

    def approve(
        self, tx: Transaction, name: str, etag: str, comment: str, authority: Authority
    ) -> FundingReading:
        """One approval at the level that is asked now."""
        case, funding = self._decidable(tx, name, etag, authority)
        asked = Amount(case.facts.amount_minor, case.facts.currency)
        domain.check_delegated_limit(authority, asked)
        confirmers = self._desks.of(tx, case).confirmers(tx, case, funding)
        approved = domain.approve(case, funding, authority, confirmers, tx.now)
        after = self._cases.governed(tx, approved)
        payload = {"authority": authority.evidence(), "comment": comment}
        return self._reading(tx, self._cases.store.save(tx, case, after, "fund.approved", payload))

    def reserve(
        self, tx: Transaction, name: str, etag: str, envelope: str, authority: Authority
    ) -> FundingReading:
        """The confirmation: the approved total is held in an envelope, and the case stands.

        It stands no longer than the money is held, so that the earlier of both is what the path,
        the warrant and everybody else sees.
        """
        case, funding = self._decidable(tx, name, etag, authority)
        domain.require_approved(case, funding)
        chosen = self._envelope(tx, envelope or case.facts.envelope, case.facts.currency)
        domain.require_confirmer(case, authority, chosen)
        asked = Amount(case.facts.amount_minor, case.facts.currency)
        domain.check_delegated_limit(authority, asked)
        desk = self._desks.of(tx, case)
        desk.rounds.check_envelope(tx, case, funding, chosen)
        timeout = desk.hold_timeout
        validity = min(self._cases.validity(tx, case), timeout)
        after, ceiled = domain.confirm(case, funding, authority, tx.now, validity)
        payload = {
            "authority": authority.evidence(),
            "envelope": chosen.name,
            "reserved_minor": str(asked.minor),
            "ceiling_minor": str(ceiled.ceiling_minor),
            "currency": chosen.currency,
            "held_until": (tx.now + timeout).isoformat(),
        }
        # First, so that of two confirmations at once the slower one learns that it is late.
        saved = self._cases.store.save(tx, case, after, "fund.reserved", payload)
        self._fundings.save(tx, ceiled)
        older, until = self._holds.taken_over(tx, case.program), tx.now + timeout
        commitments = self._fundings.commitments(tx, case.program) if older else ()
        held = self._holds.take(tx, self._ledger, case.name, case.facts, chosen.name, older, until)
        return FundingReading(saved, ceiled, held, commitments)

    def decline(
        self, tx: Transaction, name: str, etag: str, gap: Gap, authority: Authority
    ) -> FundingReading:
        """A no, with the named gap; the program ends with it."""
        case, _ = self._held(tx, name, etag, authority)
        after = domain.decline(case, authority, gap, tx.now)
        payload = {"authority": authority.evidence(), "gap": gap.risk}
        return self._reading(tx, self._cases.store.save(tx, case, after, "fund.declined", payload))

    def request_changes(
        self, tx: Transaction, name: str, etag: str, gaps: Sequence[Gap], authority: Authority
    ) -> FundingReading:
        """The named gaps go to the proposer, whose clock runs."""
        case, _ = self._held(tx, name, etag, authority)
        timetable = self._cases.changes_timetable(tx, case)
        asked = domain.request_changes(case, gaps, timetable, tx.now)
        after = self._cases.governed(tx, asked)
        payload = {"authority": authority.evidence(), "gaps": [gap.risk for gap in gaps]}
        saved = self._cases.store.save(tx, case, after, "fund.changes_requested", payload)
        return self._reading(tx, saved)

    def _held(
        self, tx: Transaction, name: str, etag: str, authority: Authority
    ) -> tuple[Case, Funding]:
        case, funding = self._decidable(tx, name, etag, authority)
        cases.require_holder(case, *authority.people)
        return case, funding

    def _decidable(
        self, tx: Transaction, name: str, etag: str, authority: Authority
    ) -> tuple[Case, Funding]:
        case = self._cases.find(tx, name, etag)
        cases.require_state(case, CaseState.OPEN)
        require_able(authority)
        funding = self._fundings.load(tx, case.name)
        domain.check_sides(case, funding, authority.people)
        require_independent(case.facts, authority)
        return case, funding

    def _envelope(self, tx: Transaction, name: str, currency: str) -> Envelope:
        if not name:
            raise InvalidArgument.of(
                "envelope", "the revision names no envelope: choose the one to reserve in"
            )
        found = self._ledger.envelope(tx, name)
        domain.require_open_year(found)
        domain.require_currency(found, currency)
        return found

    def _reading(self, tx: Transaction, case: Case) -> FundingReading:
        funding = self._fundings.load(tx, case.name)
        found = self._fundings.reservation(tx, case.name) or self._fundings.reservation(
            tx, provisional_name(case.name)
        )
        reservation = found and timeouts.settled(found, tx.now).reservation
        live = reservation is not None and reservation.state is not Hold.REPLACED
        commitments = self._fundings.commitments(tx, case.program) if live else ()
        return FundingReading(case, funding, reservation, commitments)


class SpendOperations:
    """Promising and spending what is reserved."""

    def __init__(
        self,
        cases_: CaseOperations,
        desks: Pinned[FundDesk],
        fundings: FundingStore,
        ledger: LedgerStore,
    ) -> None:
        self._cases = cases_
        self._desks = desks
        self._fundings = fundings
        self._ledger = ledger
        self._holds = Holds(fundings)

    def commit(
        self,
        tx: Transaction,
        program: str,
        etag: str,
        amount: Amount,
        tranche: Tranche,
        vendor: str,
        authority: Authority,
    ) -> CommitmentReading:
        """Promises part of what is reserved; the funding has to stand as the caller saw it.

        The etag is the funding's: it says the decision is the one that was seen. Commitments do
        not change it, so several may follow one reading; what remains is guarded by its own row.
        Refused at the very instant of the hold's timeout, whether it was settled by then or not.
        """
        cost_centre = self._desks.in_force.rounds.lock_vendors(tx, program) if vendor else ""
        held = self._fundings.held(tx, program)  # locks before the case is read
        case = self._funding_of(tx, program)
        cases.check_etag(case, etag)
        if held is not None:
            timeouts.require_in_time(held, tx.now)
        cases.require_state(shown(case, tx.now), CaseState.STANDING)
        require_able(authority)
        funding = self._fundings.load(tx, case.name)
        domain.check_sides(case, funding, authority.people)
        assert held is not None, "a standing funding has a reservation behind it"
        others = self._fundings.commitments(tx, program)
        spent = spending.commit(held, others, case.facts, amount, tranche, vendor)
        if vendor:
            to_vendor = amount.minor + sum(
                one.used_minor for one in others if names((one.vendor,), vendor)
            )
            rounds = self._desks.of(tx, case).rounds
            rounds.check_vendor(tx, case, funding, cost_centre, vendor, to_vendor)
        self._post(tx, spent)
        self._fundings.add_commitment(tx, spent.commitment)
        return self._recorded(tx, spent, "commitment.made", {"authority": authority.evidence()})

    def record_actual(
        self,
        tx: Transaction,
        name: str,
        etag: str,
        amount: Amount,
        invoice: str,
        *,
        final: bool,
    ) -> CommitmentReading:
        """Spends from a commitment, also where its funding has expired since: it was promised."""
        program = name.partition("/commitments/")[0]
        held = self._fundings.held(tx, program)  # locks before the commitment is read
        commitment = self._fundings.commitment(tx, name)
        if etag != commitment.etag:
            raise Stale(name, commitment.etag)
        spending.require_open(commitment)
        assert held is not None, "an open commitment has a reservation behind it"
        case = self._funding_of(tx, program)
        funding = self._fundings.load(tx, case.name)
        domain.check_sides(case, funding, (tx.call.principal.subject,))
        now = self._holds.settled(tx, held)
        spent = spending.record_actual(now.reservation, commitment, amount, invoice, final=final)
        self._post(tx, spent, now.postings)
        self._fundings.save_commitments(tx, (spent.commitment,))
        return self._recorded(tx, spent, "commitment.spent", {"invoice": invoice, "final": final})

    def _funding_of(self, tx: Transaction, program: str) -> Case:
        case = self._cases.newest(tx, program, Gate.FUND)
        if case is None:
            raise NotFound(f"{program}/budgetRequests/latest")
        return case

    def _post(self, tx: Transaction, spent: Spent, owed: Sequence[Posting] = ()) -> None:
        self._ledger.post(tx, (*owed, *spent.postings))
        self._fundings.save_reservation(tx, spent.reservation)

    def _recorded(
        self, tx: Transaction, spent: Spent, kind: str, payload: dict[str, object]
    ) -> CommitmentReading:
        made = spent.commitment
        figures = {
            "vendor": made.vendor,
            "tranche": made.tranche.value,
            "amount_minor": str(made.amount_minor),
            "actual_minor": str(made.actual_minor),
            "closed": made.closed,
            "currency": spent.reservation.currency,
        }
        tx.record(kind, made.name, made.version, {**figures, **payload}, program=made.program)
        return CommitmentReading(made, spent.reservation.currency)
