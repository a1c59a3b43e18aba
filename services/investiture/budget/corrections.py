"""Corrections of what was spent: new entries that refer to the entry they correct.

Pure. An actual that was booked wrongly goes back to its commitment; where the commitment is closed,
to what is reserved; where nothing is held any more, or it was spent in another envelope than the
money is held in now, to what is available there. Then it may be booked on another commitment.
"""

from dataclasses import dataclass, replace

from investiture.budget import spending
from investiture.budget.holdings import Commitment, Hold, Reservation
from investiture.budget.ledger import Account, Entry, Kind, Posting
from investiture.budget.spending import Spent
from investiture.casework.amounts import Amount
from investiture.chassis.refusal import Denied, InvalidArgument, Leg, PreconditionFailed

SPENT = frozenset({Kind.ACTUAL, Kind.ROLL_FORWARD})


@dataclass(frozen=True, slots=True)
class Rebooking:
    """Where a corrected actual is booked instead."""

    reservation: Reservation
    commitment: Commitment


def check_entry(entry: Entry, commitment: Commitment, corrector: str) -> None:
    """Refuses an entry that is no actual of the commitment, or that the corrector booked.

    Four eyes: nobody takes back what they booked themselves. An entry that names no commitment is
    older than that column; the program it was booked for has to agree.
    """
    posting = entry.posting
    if posting.kind not in SPENT:
        raise InvalidArgument.of(
            "entry",
            f"entry {entry.sequence} is no actual but a {posting.kind}; only what was spent is "
            "corrected here",
        )
    booked_on = posting.commitment or posting.program
    if booked_on not in (commitment.name, commitment.program):
        raise InvalidArgument.of(
            "entry", f"entry {entry.sequence} was booked on {booked_on}, not on {commitment.name}"
        )
    if entry.actor == corrector:
        raise Denied(
            "NOT_A_HOLDER",
            f"{corrector} booked entry {entry.sequence}; somebody else in finance corrects it",
        )


def take_back(
    entry: Entry,
    reservation: Reservation,
    commitment: Commitment,
    amount: Amount,
    corrected_minor: int,
) -> Spent:
    """The actual less `amount`, which goes back to where it can be used again.

    `corrected_minor` was taken back of the entry before. Refused: another currency, and with
    FUNDS_INSUFFICIENT more than is left of the entry.
    """
    spending.check_currency(amount, entry.currency)
    left = min(entry.posting.amount_minor - corrected_minor, commitment.actual_minor)
    if amount.minor > left:
        rest = Amount(left, entry.currency)
        leg = Leg(
            type="ENTRY",
            subject=f"ledgerEntries/{entry.sequence}",
            description=(
                f"{amount} was to be corrected of entry {entry.sequence}, of which {rest} is left"
            ),
            remedy=f"correct at most {rest}",
        )
        spending.refuse_short([leg], left, amount)
    elsewhere = entry.posting.envelope != reservation.envelope
    freed = elsewhere or (commitment.closed and reservation.state is not Hold.HELD)
    closed = commitment.closed or freed
    after = replace(
        commitment,
        actual_minor=commitment.actual_minor - amount.minor,
        closed=closed,
        version=commitment.version + 1,
    )
    postings = [_posting(entry, commitment, Kind.CORRECT, amount.minor)]
    if freed:
        postings.append(_posting(entry, commitment, Kind.RELEASE, amount.minor))
    elif closed:
        postings.append(_posting(entry, commitment, Kind.UNCOMMIT, amount.minor))
    back = replace(
        reservation,
        actual_minor=reservation.actual_minor - amount.minor,
        committed_minor=reservation.committed_minor + (0 if closed else amount.minor),
        remaining_minor=reservation.remaining_minor + (amount.minor if closed and not freed else 0),
        released_minor=reservation.released_minor + (amount.minor if freed else 0),
        version=reservation.version + 1,
    )
    return Spent(back, after, tuple(postings))


def book_instead(entry: Entry, target: Rebooking, amount: Amount, invoice: str) -> Spent:
    """What was taken back, booked on another open commitment; its entry refers to the old one.

    Refused as an actual there would be, and for a commitment in another currency.
    """
    if target.reservation.currency != amount.currency:
        raise InvalidArgument.of(
            "rebook_to",
            f"{target.commitment.name} is in {target.reservation.currency}, the entry in "
            f"{amount.currency}",
            reason="INVALID_AMOUNT",
        )
    reference = invoice or entry.posting.reference
    booked = spending.record_actual(
        target.reservation, target.commitment, amount, reference, final=False
    )
    linked = tuple(replace(one, corrects=entry.sequence) for one in booked.postings)
    return replace(booked, postings=linked)


def check_target(commitment: Commitment, target: str, etag: str) -> None:
    """Refuses a rebooking on the commitment itself, and an etag without a rebooking."""
    if not target and etag:
        raise InvalidArgument.of("rebook_etag", "there is no commitment to rebook to; leave it out")
    if target and not etag:
        raise InvalidArgument.of("rebook_etag", f"give the etag of {target} that you saw")
    if target == commitment.name:
        raise InvalidArgument.of(
            "rebook_to", "it is booked there; correct only what was too much, without a rebooking"
        )


def roll_forward(
    lapsed: Commitment,
    reservation: Reservation,
    envelope: str,
    number: int,
    amount: Amount,
    spent_on: str,
    invoice: str,
) -> tuple[Commitment, Spent]:
    """The lapsed commitment less `amount`, and the record that spends it in another year.

    From what is reserved for the program where a reservation is held in `envelope`, else from what
    is available there. Refuses with FUNDS_INSUFFICIENT more than lapsed, or than remains reserved.
    """
    spending.check_currency(amount, reservation.currency)
    held = reservation.state is Hold.HELD
    legs = [
        _late(subject, Amount(left, amount.currency), amount)
        for subject, left, matters in (
            (lapsed.name, lapsed.lapsed_minor, True),
            (reservation.name, reservation.remaining_minor, held),
        )
        if matters and amount.minor > left
    ]
    spending.refuse_short(legs, lapsed.lapsed_minor, amount)
    record = Commitment(
        name=f"{lapsed.program}/commitments/{number}",
        program=lapsed.program,
        number=number,
        vendor=lapsed.vendor,
        tranche=lapsed.tranche,
        amount_minor=amount.minor,
        actual_minor=amount.minor,
        closed=True,
        rolls_forward=lapsed.name,
        spent_on=spent_on,
    )
    posting = Posting(
        envelope=envelope,
        kind=Kind.ROLL_FORWARD,
        debit=Account.RESERVED if held else Account.AVAILABLE,
        credit=Account.ACTUAL,
        amount_minor=amount.minor,
        program=lapsed.program,
        reference=invoice or lapsed.name,
        commitment=record.name,
    )
    less = replace(
        lapsed, lapsed_minor=lapsed.lapsed_minor - amount.minor, version=lapsed.version + 1
    )
    given_back = 0 if held else min(amount.minor, reservation.released_minor)
    after = replace(
        reservation,
        reserved_minor=reservation.reserved_minor + (0 if held else amount.minor - given_back),
        remaining_minor=reservation.remaining_minor - (amount.minor if held else 0),
        released_minor=reservation.released_minor - given_back,
        actual_minor=reservation.actual_minor + amount.minor,
        version=reservation.version + 1,
    )
    return less, Spent(after, record, (posting,))


def require_lapsed(commitment: Commitment) -> None:
    """Refuses with WRONG_STATE a commitment of which nothing lapsed, or nothing is left to come."""
    if commitment.lapsed_minor:
        return
    still = "is open" if not commitment.closed else "was closed before"
    gone = "was rolled forward whole already" if commitment.lapsed_in else still
    raise PreconditionFailed(
        "WRONG_STATE",
        legs=(
            Leg(
                type="STATE",
                subject=commitment.name,
                description=f"{commitment.name} {gone}; nothing of it waits for a late actual",
                remedy="record an ordinary actual on an open commitment",
            ),
        ),
    )


def _posting(entry: Entry, commitment: Commitment, kind: Kind, amount_minor: int) -> Posting:
    debit, credit = {
        Kind.CORRECT: (Account.ACTUAL, Account.COMMITTED),
        Kind.UNCOMMIT: (Account.COMMITTED, Account.RESERVED),
        Kind.RELEASE: (Account.COMMITTED, Account.AVAILABLE),
    }[kind]
    return Posting(
        envelope=entry.posting.envelope,
        kind=kind,
        debit=debit,
        credit=credit,
        amount_minor=amount_minor,
        program=commitment.program,
        reference=commitment.name,
        commitment=commitment.name,
        corrects=entry.sequence,
    )


def _late(subject: str, left: Amount, asked: Amount) -> Leg:
    return Leg(
        type="LAPSED" if "/commitments/" in subject else "RESERVATION",
        subject=subject,
        description=f"{asked} was asked of {subject}, which has {left} left",
        remedy=f"record at most {left}; what goes beyond it needs money that is approved now",
    )
