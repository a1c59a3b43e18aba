"""Reservations and commitments: what is held for a program, promised from it and spent.

Pure. Each function answers the next values together with the postings that make them true.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from investiture.budget.holdings import Commitment, Hold, Reservation, Tranche
from investiture.budget.ledger import Account, Kind, Posting
from investiture.casework.amounts import Amount
from investiture.casework.facts import Revision
from investiture.chassis.refusal import InvalidArgument, Leg, PreconditionFailed


@dataclass(frozen=True, slots=True)
class Held:
    """A reservation made, the one it replaced, and the postings of both."""

    reservation: Reservation
    replaced: Reservation | None
    postings: tuple[Posting, ...]


@dataclass(frozen=True, slots=True)
class Spent:
    """A commitment after it was made or spent from, its reservation, and the postings."""

    reservation: Reservation
    commitment: Commitment
    postings: tuple[Posting, ...]


@dataclass(frozen=True, slots=True)
class Released:
    """A reservation given back with its open commitments, and the postings."""

    reservation: Reservation
    commitments: tuple[Commitment, ...]
    postings: tuple[Posting, ...]


def hold(
    case_name: str,
    facts: Revision,
    envelope: str,
    older: Reservation | None,
    expires_at: datetime | None = None,
) -> Held:
    """Holds a revision's cumulative total in place of what an older round held, or lost.

    What is committed and spent already counts as part of the new total; the rest of the older
    hold goes back first, unless it lapsed with its fiscal year. Refuses with WRONG_STATE where the
    total does not cover it, or where commitments are open in another envelope.
    """
    carried = older.committed_minor + older.actual_minor if older else 0
    if older is not None:
        _check_takeover(older, facts, envelope)
    reservation = Reservation(
        case_name=case_name,
        program=facts.program,
        envelope=envelope,
        currency=facts.currency,
        reserved_minor=facts.amount_minor,
        remaining_minor=facts.amount_minor - carried,
        committed_minor=older.committed_minor if older else 0,
        actual_minor=older.actual_minor if older else 0,
        expires_at=expires_at,
    )
    taken = _move(
        reservation, Kind.RESERVE, reservation.remaining_minor, reference=reservation.name
    )
    if older is None:
        return Held(reservation, None, taken)
    given_back = _move(older, Kind.RELEASE, older.remaining_minor, reference=older.name)
    replaced = replace(
        older,
        remaining_minor=0,
        committed_minor=0,
        actual_minor=0,
        released_minor=older.released_minor + older.remaining_minor,
        carried_minor=carried,
        state=Hold.REPLACED,
        version=older.version + 1,
    )
    return Held(reservation, replaced, (*given_back, *taken))


def commit(
    reservation: Reservation,
    others: Sequence[Commitment],
    facts: Revision,
    amount: Amount,
    tranche: Tranche,
    vendor: str,
) -> Spent:
    """Promises part of a reservation to a vendor, or to IT where `vendor` is empty.

    Refuses with FUNDS_INSUFFICIENT more than remains, or more than is left of the tranche where
    the revision splits its total.
    """
    check_currency(amount, reservation.currency)
    legs: list[Leg] = []
    if amount.minor > reservation.remaining_minor:
        left = Amount(reservation.remaining_minor, reservation.currency)
        legs.append(_short("RESERVATION", reservation.name, left, amount))
    bound = tranche_bound(facts, tranche)
    used = sum(c.used_minor for c in others if c.tranche is tranche)
    if bound is not None and used + amount.minor > bound:
        left = Amount(max(0, bound - used), reservation.currency)
        legs.append(_short("TRANCHE", tranche.value, left, amount))
    refuse_short(legs, reservation.remaining_minor, amount)
    number = 1 + max((c.number for c in others), default=0)
    commitment = Commitment(
        name=f"{reservation.program}/commitments/{number}",
        program=reservation.program,
        number=number,
        vendor=vendor,
        tranche=tranche,
        amount_minor=amount.minor,
    )
    after = replace(
        reservation,
        remaining_minor=reservation.remaining_minor - amount.minor,
        committed_minor=reservation.committed_minor + amount.minor,
        version=reservation.version + 1,
    )
    return Spent(
        after,
        commitment,
        _move(reservation, Kind.COMMIT, amount.minor, commitment=commitment.name),
    )


def record_actual(
    reservation: Reservation, commitment: Commitment, amount: Amount, invoice: str, *, final: bool
) -> Spent:
    """Spends from a commitment; a final actual returns the rest to the reservation.

    Where the hold has expired, the rest goes back to the envelope: nothing is free in it any more.

    Zero is an amount only together with `final`. Refuses with WRONG_STATE a closed commitment and
    with FUNDS_INSUFFICIENT more than is left of it: a hold resolves once, and never above itself.
    """
    require_open(commitment)
    check_currency(amount, reservation.currency)
    if amount.minor > commitment.open_minor:
        left = Amount(commitment.open_minor, reservation.currency)
        refuse_short(
            [_short("COMMITMENT", commitment.name, left, amount)], commitment.open_minor, amount
        )
    returned = commitment.open_minor - amount.minor if final else 0
    stays = reservation.state is Hold.HELD
    spent = replace(
        commitment,
        actual_minor=commitment.actual_minor + amount.minor,
        closed=final,
        version=commitment.version + 1,
    )
    after = replace(
        reservation,
        remaining_minor=reservation.remaining_minor + (returned if stays else 0),
        released_minor=reservation.released_minor + (0 if stays else returned),
        committed_minor=reservation.committed_minor - amount.minor - returned,
        actual_minor=reservation.actual_minor + amount.minor,
        version=reservation.version + 1,
    )
    postings = (
        *_move(
            reservation,
            Kind.ACTUAL,
            amount.minor,
            reference=invoice,
            commitment=commitment.name,
        ),
        *_move(
            reservation,
            Kind.UNCOMMIT if stays else Kind.RELEASE,
            returned,
            debit=Account.COMMITTED,
            commitment=commitment.name,
        ),
    )
    return Spent(after, spent, postings)


def require_open(commitment: Commitment) -> None:
    """Refuses with WRONG_STATE a commitment that had its final actual, or was released."""
    if not commitment.closed:
        return
    lapsed = bool(commitment.lapsed_in)
    raise PreconditionFailed(
        "WRONG_STATE",
        f"{commitment.name} is closed; nothing more is spent from it",
        legs=(
            Leg(
                type="FISCAL_YEAR" if lapsed else "STATE",
                subject=commitment.lapsed_in or commitment.name,
                description=(
                    f"the commitment lapsed with the fiscal year of {commitment.lapsed_in}"
                    if lapsed
                    else "the commitment is closed"
                ),
                remedy=(
                    "roll the late actual forward into the successor"
                    if lapsed
                    else "commit again from what remains reserved, then record there"
                ),
            ),
        ),
    )


def release(reservation: Reservation, commitments: Iterable[Commitment]) -> Released:
    """Gives back what remains and every open commitment; what is spent stays spent."""
    still_open = [c for c in commitments if not c.closed]
    promised = sum(c.open_minor for c in still_open)
    postings = [*_move(reservation, Kind.RELEASE, reservation.remaining_minor)]
    for commitment in still_open:
        postings += _move(
            reservation,
            Kind.RELEASE,
            commitment.open_minor,
            debit=Account.COMMITTED,
            commitment=commitment.name,
        )
    after = replace(
        reservation,
        remaining_minor=0,
        committed_minor=reservation.committed_minor - promised,
        released_minor=reservation.released_minor + reservation.remaining_minor + promised,
        state=Hold.RELEASED,
        version=reservation.version + 1,
    )
    closed = tuple(replace(c, closed=True, version=c.version + 1) for c in still_open)
    return Released(after, closed, tuple(postings))


def tranche_bound(facts: Revision, tranche: Tranche) -> int | None:
    """What a revision allows for a stage, in minor units; None where it splits nothing."""
    amounts = {
        Tranche.TRIAL: facts.trial_minor,
        Tranche.PILOT: facts.pilot_minor,
        Tranche.GENERAL: facts.general_minor,
    }
    return amounts[tranche] if any(amounts.values()) else None


def check_currency(amount: Amount, currency: str) -> None:
    """Refuses with INVALID_AMOUNT another currency than the reservation's."""
    if amount.currency != currency:
        raise InvalidArgument.of(
            "amount.currency_code",
            f"the money is held in {currency}; give the amount in {currency}",
            reason="INVALID_AMOUNT",
        )


def refuse_short(legs: Sequence[Leg], available_minor: int, asked: Amount) -> None:
    """Refuses with FUNDS_INSUFFICIENT and the figures, unless there is no leg."""
    if legs:
        raise PreconditionFailed(
            "FUNDS_INSUFFICIENT",
            "; ".join(leg.description for leg in legs),
            legs=legs,
            metadata={
                "available": str(available_minor),
                "asked": str(asked.minor),
                "currency_code": asked.currency,
            },
        )


def _short(kind: str, subject: str, left: Amount, asked: Amount) -> Leg:
    return Leg(
        type=kind,
        subject=subject,
        description=f"{asked} was asked of {subject}, which has {left} left",
        remedy=f"ask for at most {left}, or have the program revised and funded anew",
    )


def _check_takeover(older: Reservation, facts: Revision, envelope: str) -> None:
    carried = Amount(older.committed_minor + older.actual_minor, older.currency)
    legs: list[Leg] = []
    if facts.currency != older.currency and carried.minor:
        legs.append(
            Leg(
                type="CURRENCY",
                subject=older.name,
                description=f"{carried} is committed or spent, the revision is in {facts.currency}",
                remedy=f"revise the program's total in {older.currency}",
            )
        )
    elif facts.amount_minor < carried.minor:
        legs.append(
            Leg(
                type="COMMITTED",
                subject=older.name,
                description=(
                    f"{carried} is committed or spent already, the revision asks for "
                    f"{Amount(facts.amount_minor, facts.currency)} in all"
                ),
                remedy=f"revise the program's total to at least {carried}",
            )
        )
    if envelope != older.envelope and older.committed_minor:
        legs.append(
            Leg(
                type="ENVELOPE",
                subject=older.envelope,
                description=(
                    f"{Amount(older.committed_minor, older.currency)} is committed in "
                    f"{older.envelope}, and {envelope} was chosen"
                ),
                remedy=f"reserve in {older.envelope}, or record the final actuals there first",
            )
        )
    if legs:
        raise PreconditionFailed("WRONG_STATE", legs=legs)


def _move(
    reservation: Reservation,
    kind: Kind,
    amount_minor: int,
    *,
    debit: Account | None = None,
    reference: str = "",
    commitment: str = "",
) -> tuple[Posting, ...]:
    """The posting of an amount along its kind's route; none for nothing."""
    if not amount_minor:
        return ()
    giving, taking = _ROUTE[kind]
    return (
        Posting(
            envelope=reservation.envelope,
            kind=kind,
            debit=debit or giving,
            credit=taking,
            amount_minor=amount_minor,
            program=reservation.program,
            reference=reference or commitment or reservation.name,
            commitment=commitment,
        ),
    )


_ROUTE = {
    Kind.RESERVE: (Account.AVAILABLE, Account.RESERVED),
    Kind.COMMIT: (Account.RESERVED, Account.COMMITTED),
    Kind.ACTUAL: (Account.COMMITTED, Account.ACTUAL),
    Kind.UNCOMMIT: (Account.COMMITTED, Account.RESERVED),
    Kind.RELEASE: (Account.RESERVED, Account.AVAILABLE),
}
