"""Closing a fiscal year: load → decide → save in one transaction, all envelopes or none."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter

from investiture.budget import domain, years
from investiture.budget.holds import Holds
from investiture.budget.ledger import Posting
from investiture.budget.ledger_store import LedgerStore
from investiture.budget.store import FundingStore
from investiture.budget.year_store import YearStore
from investiture.budget.years import Closed, Closing, EnvelopeClose, ProgramClose, ProgramHolding
from investiture.casework import case as cases
from investiture.casework.amounts import Amount
from investiture.casework.emergencies import shown
from investiture.casework.operations import CaseOperations
from investiture.casework.words import CaseState, Gate
from investiture.charter.fiscal import FiscalYears, NoFiscalYear
from investiture.chassis.refusal import InvalidArgument, Leg, NotFound, PreconditionFailed, Stale
from investiture.chassis.transaction import Transaction

_ENVELOPES = TypeAdapter(tuple[EnvelopeClose, ...])
_PROGRAMS = TypeAdapter(tuple[ProgramClose, ...])


@dataclass(frozen=True, slots=True)
class FiscalYear:
    """A fiscal year with its days, and once it is closed what became of its money."""

    year: int
    first_day: date
    last_day: date
    etag: str
    closed_at: datetime | None = None
    closed_by: str = ""
    envelopes: tuple[EnvelopeClose, ...] = ()
    programs: tuple[ProgramClose, ...] = ()


class YearOperations:
    """Reads and closes fiscal years.

    A close locks as everybody does, but more of it: the programs' cases, their reservations, the
    year, its envelopes and their successors by name, the ledger's head.
    """

    def __init__(
        self,
        calendar: FiscalYears,
        cases_: CaseOperations,
        fundings: FundingStore,
        ledger: LedgerStore,
        store: YearStore,
    ) -> None:
        self._calendar = calendar
        self._cases = cases_
        self._fundings = fundings
        self._ledger = ledger
        self._holds = Holds(fundings)
        self._store = store

    def read(self, tx: Transaction, year: int) -> FiscalYear:
        """The fiscal year as it stands; NOT_FOUND where nothing was ever issued for it."""
        first, last = self._bounds(year)
        row = self._store.find(tx, year)
        if row is None:
            raise NotFound(
                years.year_name(year), f"no envelope was ever issued for fiscal year {year}"
            )
        etag = years.etag_of(year, self._ledger.of_year(tx, year))
        found = FiscalYear(year, first, last, etag, row.closed_at, row.closed_by)
        if row.closing is None:
            return found
        return replace(
            found,
            envelopes=_ENVELOPES.validate_python(row.closing["envelopes"]),
            programs=_PROGRAMS.validate_python(row.closing["programs"]),
        )

    def close(
        self, tx: Transaction, year: int, etag: str, closings: Sequence[Closing]
    ) -> FiscalYear:
        """The year closed by these rules; its envelopes are as the caller saw them, or STALE_ETAG.

        Refused with WRONG_STATE: before its last day is over, twice, or before an earlier year.
        """
        _, last = self._bounds(year)
        programs, owed = self._locked_programs(tx, year)
        self._require_open(tx, year, etag)
        years.require_ended(year, last, tx.now.date())
        years.require_in_order(year, self._store.earliest_open_before(tx, year))
        seen = {one.name: one for one in self._ledger.of_year(tx, year)}
        named = {one.successor for one in closings if one.successor}
        found = {name: self._ledger.find(tx, name) for name in named}
        successors = {name: one for name, one in found.items() if one is not None}
        years.check_closings(seen, closings, successors)
        locked = self._ledger.locked(tx, {*seen, *successors})
        envelopes = {name: locked[name] for name in seen}
        if years.etag_of(year, envelopes.values()) != etag:
            raise Stale(years.year_name(year), "")
        for posting in owed:  # what timed out is available again before anything is carried
            envelopes[posting.envelope] = domain.posted(envelopes[posting.envelope], posting)
        closed = years.close(
            year,
            envelopes,
            closings,
            {name: programs.get(name, ()) for name in envelopes},
            {name: locked[name] for name in successors},
        )
        self._ledger.post(tx, (*owed, *closed.postings))
        for reservation in closed.reservations:
            self._fundings.save_reservation(tx, reservation)
        self._fundings.save_commitments(tx, closed.commitments)
        went_to = {one.envelope: one.successor for one in closings}
        for name, envelope in envelopes.items():
            self._ledger.close(tx, envelope, went_to.get(name, ""))
        told = tuple(self._told(tx, year, one) for one in closed.programs)
        return self._kept(tx, year, replace(closed, programs=told))

    def _locked_programs(
        self, tx: Transaction, year: int
    ) -> tuple[Mapping[str, list[ProgramHolding]], list[Posting]]:
        """What each envelope of the year holds for programs: cases locked first, in one order.

        With it what the timeouts of holds have to post, before the close looks at the balances.
        """
        names = [one.name for one in self._ledger.of_year(tx, year)]
        programs = sorted(one.program for one in self._fundings.held_in(tx, names))
        for program in programs:
            case = self._cases.newest(tx, program, Gate.FUND)
            if case is not None:
                self._fundings.lock_case(tx, case.name)
        found: dict[str, list[ProgramHolding]] = {}
        owed: list[Posting] = []
        for program in programs:
            held = self._fundings.held(tx, program)
            if held is not None and held.envelope in names:
                now = self._holds.settled(tx, held)
                owed += now.postings
                holding = ProgramHolding(now.reservation, self._fundings.commitments(tx, program))
                found.setdefault(held.envelope, []).append(holding)
        return found, owed

    def _require_open(self, tx: Transaction, year: int, etag: str) -> None:
        row = self._store.locked(tx, year)
        present = self.read(tx, year)
        if row is not None and row.closed_at is not None:
            raise PreconditionFailed(
                "WRONG_STATE",
                legs=(
                    Leg(
                        type="FISCAL_YEAR",
                        subject=years.year_name(year),
                        description=f"fiscal year {year} was closed by {row.closed_by} already",
                        remedy="read it to see what became of its money",
                    ),
                ),
            )
        if etag != present.etag:
            raise Stale(
                years.year_name(year),
                present.etag,
                f"money moved in fiscal year {year} since it was read; read it again, then close",
            )

    def _told(self, tx: Transaction, year: int, what: ProgramClose) -> ProgramClose:
        """A program whose money lapsed loses its funding: the gate reopens, and its path hears it.

        Nothing holds what was approved any more, so the approval may not stand silently.
        """
        if not what.lapsed_minor:
            return what
        case = self._cases.newest(tx, what.program, Gate.FUND)
        if case is None or shown(case, tx.now).state is not CaseState.STANDING:
            return what
        lost = Amount(what.lapsed_minor, what.currency)
        reason = (
            f"fiscal year {year} was closed and {lost} held in {what.envelope} lapsed; "
            "the money has to be reserved again in an envelope of an open year"
        )
        after = cases.void(case, tx.now, reason)
        payload = {"reason": reason, "fiscal_year": year, "lapsed_minor": str(what.lapsed_minor)}
        self._cases.store.save(tx, case, after, "fund.lapsed", payload)
        return replace(what, funding_voided=True)

    def _kept(self, tx: Transaction, year: int, closed: Closed) -> FiscalYear:
        document: dict[str, Any] = {
            "envelopes": [_row(asdict(one)) for one in closed.envelopes],
            "programs": [_row(asdict(one)) for one in closed.programs],
        }
        self._store.close(tx, year, document)
        tx.record("fiscal_year.closed", years.year_name(year), 1, document)
        return self.read(tx, year)

    def _bounds(self, year: int) -> tuple[date, date]:
        try:
            return self._calendar.bounds(year)
        except NoFiscalYear as error:
            raise InvalidArgument.of("name", str(error)) from None


def _row(values: dict[str, Any]) -> dict[str, Any]:
    """Amounts as text: canonical JSON keeps integers exactly up to 2^53 - 1 only."""
    return {
        name: str(value) if name.endswith("_minor") else value for name, value in values.items()
    }
