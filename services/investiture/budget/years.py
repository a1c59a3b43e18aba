"""The close of a fiscal year: what lapses, what is carried, and what programs lose by it.

Pure. Each envelope of the year has a rule: LAPSE, CARRY_COMMITTED, or CARRY_ALL with a cap. The
cap bounds what is free; what is reserved and committed is owed to somebody and goes on whole. What
is carried goes by linked entries that meet in TRANSIT, so that the new year gets what the old one
gives.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from hashlib import sha256

from investiture.budget.domain import Envelope
from investiture.budget.holdings import Commitment, Hold, Reservation
from investiture.budget.ledger import INT64_MAX, Account, Kind, Posting
from investiture.casework.amounts import Amount
from investiture.chassis.refusal import InvalidArgument, Leg, PreconditionFailed


class Rule(StrEnum):
    """What becomes of an envelope when its fiscal year closes."""

    LAPSE = "LAPSE"
    CARRY_COMMITTED = "CARRY_COMMITTED"
    CARRY_ALL = "CARRY_ALL"


@dataclass(frozen=True, slots=True)
class Closing:
    """What the committee says of an envelope; `cap` bounds what CARRY_ALL carries of available."""

    envelope: str
    rule: Rule
    successor: str = ""
    cap: Amount | None = None


@dataclass(frozen=True, slots=True)
class ProgramHolding:
    """What a program holds in an envelope of the year: its reservation and its commitments."""

    reservation: Reservation
    commitments: tuple[Commitment, ...]


@dataclass(frozen=True, slots=True)
class EnvelopeClose:
    """What the close did to an envelope, in minor units of `currency`."""

    envelope: str
    rule: Rule
    successor: str
    currency: str
    lapsed_minor: int = 0
    carried_available_minor: int = 0
    carried_reserved_minor: int = 0
    carried_committed_minor: int = 0


@dataclass(frozen=True, slots=True)
class ProgramClose:
    """What the close did to the money of a program, reserved and committed together."""

    program: str
    envelope: str
    currency: str
    carried_minor: int = 0
    lapsed_minor: int = 0
    funding_voided: bool = False


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed year: the values after it, the postings that make them true, and the figures."""

    postings: tuple[Posting, ...]
    reservations: tuple[Reservation, ...]
    commitments: tuple[Commitment, ...]
    envelopes: tuple[EnvelopeClose, ...]
    programs: tuple[ProgramClose, ...]


def year_name(year: int) -> str:
    """Resource name of a fiscal year."""
    return f"fiscalYears/{year}"


def etag_of(year: int, envelopes: Iterable[Envelope]) -> str:
    """Changes with every movement in an envelope of the year, and with every new one."""
    lines = [f"{one.name}:{one.version}" for one in sorted(envelopes, key=lambda one: one.name)]
    return sha256("\n".join([year_name(year), *lines]).encode()).hexdigest()[:20]


def require_ended(year: int, last_day: date, today: date) -> None:
    """Refuses with WRONG_STATE a year whose last day is not over."""
    if today > last_day:
        return
    raise PreconditionFailed(
        "WRONG_STATE",
        legs=(
            Leg(
                type="FISCAL_YEAR",
                subject=year_name(year),
                description=f"fiscal year {year} runs to {last_day.isoformat()}",
                remedy="close it once that day is over",
            ),
        ),
    )


def require_in_order(year: int, earlier: int | None) -> None:
    """Refuses with WRONG_STATE a year before which another one is open: it would carry into it."""
    if earlier is None:
        return
    raise PreconditionFailed(
        "WRONG_STATE",
        legs=(
            Leg(
                type="FISCAL_YEAR",
                subject=year_name(earlier),
                description=f"fiscal year {earlier} is still open",
                remedy=f"close {earlier} first, then {year}",
            ),
        ),
    )


def check_closings(
    envelopes: Mapping[str, Envelope],
    closings: Sequence[Closing],
    successors: Mapping[str, Envelope],
) -> None:
    """Refuses a closing that cannot be done as it says, with the field.

    `envelopes` are all of the year by name; one that holds nothing to close may be left out.
    """
    named: set[str] = set()
    for index, closing in enumerate(closings):
        at = f"envelopes[{index}]"
        if closing.envelope not in envelopes:
            raise InvalidArgument.of(
                f"{at}.envelope", f"{closing.envelope} is no envelope of that fiscal year"
            )
        if closing.envelope in named:
            raise InvalidArgument.of(f"{at}.envelope", f"{closing.envelope} is named twice")
        named.add(closing.envelope)
        envelope = envelopes[closing.envelope]
        _check_cap(closing, envelope, at)
        _check_successor(closing, envelope, successors, at)
    for name, envelope in envelopes.items():
        if name not in named and _open_minor(envelope):
            left = Amount(_open_minor(envelope), envelope.currency)
            raise InvalidArgument.of(
                "envelopes", f"{name} holds {left}; say whether it lapses or is carried"
            )


def close(
    year: int,
    envelopes: Mapping[str, Envelope],
    closings: Sequence[Closing],
    held: Mapping[str, Sequence[ProgramHolding]],
    successors: Mapping[str, Envelope],
) -> Closed:
    """The year closed; `held` has what each envelope holds for programs.

    Refuses with INVALID_AMOUNT what a successor could not hold in 64 bits.
    """
    postings: list[Posting] = []
    reservations: list[Reservation] = []
    commitments: list[Commitment] = []
    figures: list[EnvelopeClose] = []
    programs: list[ProgramClose] = []
    room = {name: INT64_MAX - one.balances.appropriated for name, one in successors.items()}
    for index, closing in enumerate(closings):
        envelope = envelopes[closing.envelope]
        one = _close_envelope(year, envelope, closing, held.get(envelope.name, ()))
        postings += one.postings
        reservations += one.reservations
        commitments += one.commitments
        figures += one.envelopes
        programs += one.programs
        if closing.successor:
            room[closing.successor] -= _carried_minor(one.envelopes[0])
            if room[closing.successor] < 0:
                raise InvalidArgument.of(
                    f"envelopes[{index}].successor",
                    f"{closing.successor} cannot hold that much more: its sum would not fit 64 "
                    "bits of minor units",
                    reason="INVALID_AMOUNT",
                )
    return Closed(
        tuple(postings), tuple(reservations), tuple(commitments), tuple(figures), tuple(programs)
    )


def _close_envelope(
    year: int, envelope: Envelope, closing: Closing, held: Sequence[ProgramHolding]
) -> Closed:
    carries = closing.rule is not Rule.LAPSE
    parts = [
        _carry_program(one, closing.successor) if carries else _lapse_program(one) for one in held
    ]
    postings = [posting for part in parts for posting in part.postings]
    available = envelope.balances.available
    carried = _carried_of_available(closing, available)
    reference = year_name(year)
    postings += _carry(envelope.name, closing.successor, Account.AVAILABLE, carried, reference)
    postings += _lapse(envelope.name, Account.AVAILABLE, available - carried, reference)
    programs = tuple(program for part in parts for program in part.programs)
    balances = envelope.balances
    return Closed(
        tuple(postings),
        tuple(reservation for part in parts for reservation in part.reservations),
        tuple(commitment for part in parts for commitment in part.commitments),
        (
            EnvelopeClose(
                envelope=envelope.name,
                rule=closing.rule,
                successor=closing.successor,
                currency=envelope.currency,
                lapsed_minor=available - carried + sum(one.lapsed_minor for one in programs),
                carried_available_minor=carried,
                carried_reserved_minor=balances.reserved if carries else 0,
                carried_committed_minor=balances.committed if carries else 0,
            ),
        ),
        programs,
    )


def _carry_program(account: ProgramHolding, successor: str) -> Closed:
    reservation = account.reservation
    owner = {"program": reservation.program}
    postings = _carry(
        reservation.envelope,
        successor,
        Account.RESERVED,
        reservation.remaining_minor,
        reservation.name,
        **owner,
    )
    for one in account.commitments:
        postings += _carry(
            reservation.envelope,
            successor,
            Account.COMMITTED,
            one.open_minor,
            one.name,
            commitment=one.name,
            **owner,
        )
    moved = reservation.remaining_minor + reservation.committed_minor
    after = replace(reservation, envelope=successor, version=reservation.version + 1)
    figures = ProgramClose(
        reservation.program, reservation.envelope, reservation.currency, carried_minor=moved
    )
    return Closed(tuple(postings), (after,), (), (), (figures,))


def _lapse_program(account: ProgramHolding) -> Closed:
    """The program's money lapses; what it spent stays spent, and what it was promised is noted.

    Without money to lose the reservation stays as it is: its funding has nothing to take back.
    """
    reservation = account.reservation
    lost = reservation.remaining_minor + reservation.committed_minor
    if not lost:
        return Closed((), (), (), (), ())
    name, owner = reservation.envelope, {"program": reservation.program}
    postings = _lapse(
        name, Account.RESERVED, reservation.remaining_minor, reservation.name, **owner
    )
    commitments: list[Commitment] = []
    for one in account.commitments:
        if one.closed:
            continue
        postings += _lapse(
            name, Account.COMMITTED, one.open_minor, one.name, commitment=one.name, **owner
        )
        commitments.append(
            replace(
                one,
                closed=True,
                lapsed_minor=one.open_minor,
                lapsed_in=name,
                version=one.version + 1,
            )
        )
    after = replace(
        reservation,
        remaining_minor=0,
        committed_minor=0,
        released_minor=reservation.released_minor + lost,
        state=Hold.LAPSED,
        version=reservation.version + 1,
    )
    figures = ProgramClose(
        reservation.program, name, reservation.currency, lapsed_minor=lost, funding_voided=False
    )
    return Closed(tuple(postings), (after,), tuple(commitments), (), (figures,))


def _carried_of_available(closing: Closing, available_minor: int) -> int:
    if closing.rule is not Rule.CARRY_ALL:
        return 0
    return available_minor if closing.cap is None else min(available_minor, closing.cap.minor)


def _carried_minor(figures: EnvelopeClose) -> int:
    return (
        figures.carried_available_minor
        + figures.carried_reserved_minor
        + figures.carried_committed_minor
    )


def _open_minor(envelope: Envelope) -> int:
    balances = envelope.balances
    return balances.available + balances.reserved + balances.committed


def _carry(
    giver: str,
    taker: str,
    account: Account,
    amount_minor: int,
    reference: str,
    *,
    program: str = "",
    commitment: str = "",
) -> list[Posting]:
    """The two linked entries of what is carried; none for nothing."""
    if not amount_minor:
        return []
    legs = ((giver, account, Account.TRANSIT), (taker, Account.TRANSIT, account))
    return [
        Posting(
            envelope=envelope,
            kind=Kind.CARRY,
            debit=debit,
            credit=credit,
            amount_minor=amount_minor,
            program=program,
            reference=reference,
            commitment=commitment,
        )
        for envelope, debit, credit in legs
    ]


def _lapse(
    envelope: str,
    account: Account,
    amount_minor: int,
    reference: str,
    *,
    program: str = "",
    commitment: str = "",
) -> list[Posting]:
    if not amount_minor:
        return []
    return [
        Posting(
            envelope=envelope,
            kind=Kind.LAPSE,
            debit=account,
            credit=Account.LAPSED,
            amount_minor=amount_minor,
            program=program,
            reference=reference,
            commitment=commitment,
        )
    ]


def _check_cap(closing: Closing, envelope: Envelope, at: str) -> None:
    if closing.cap is None:
        return
    if closing.rule is not Rule.CARRY_ALL:
        raise InvalidArgument.of(
            f"{at}.cap", f"{closing.rule} carries nothing that is available; a cap has no meaning"
        )
    if closing.cap.currency != envelope.currency:
        raise InvalidArgument.of(
            f"{at}.cap.currency_code",
            f"{envelope.name} is in {envelope.currency}; give the cap in {envelope.currency}",
            reason="INVALID_AMOUNT",
        )


def _check_successor(
    closing: Closing, envelope: Envelope, successors: Mapping[str, Envelope], at: str
) -> None:
    field = f"{at}.successor"
    if not closing.successor:
        if closing.rule is Rule.LAPSE:
            return
        raise InvalidArgument.of(
            field, f"name the envelope of {envelope.fiscal_year + 1} in which it goes on"
        )
    successor = successors.get(closing.successor)
    if successor is None:
        raise InvalidArgument.of(field, f"{closing.successor} does not exist; issue it first")
    if successor.fiscal_year != envelope.fiscal_year + 1:
        raise InvalidArgument.of(
            field,
            f"{successor.name} is of fiscal year {successor.fiscal_year}; the successor is of "
            f"{envelope.fiscal_year + 1}",
        )
    if successor.currency != envelope.currency:
        raise InvalidArgument.of(
            field,
            f"{successor.name} is in {successor.currency}, {envelope.name} in {envelope.currency}; "
            "carry within one currency, then transfer",
        )
