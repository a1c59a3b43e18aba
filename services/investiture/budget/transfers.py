"""Transfers between envelopes: who has to approve, what is posted, and money in two currencies.

Pure. Nothing is held for a proposal: anybody in finance may make one, and a proposal that tied up
another owner's money would spend it without them. What is available is looked at when it is
proposed, so that nobody approves what cannot be, and decides when the last approval posts it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, localcontext
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256

from investiture.budget.domain import Envelope, check_delegated_limit, posted
from investiture.budget.ledger import INT64_MAX, Account, Kind, Posting
from investiture.casework.amounts import Amount, exponent
from investiture.casework.facts import Authority
from investiture.charter.timetable import Timetable
from investiture.chassis.refusal import Denied, InvalidArgument, Leg, PreconditionFailed, Stale


class State(StrEnum):
    """Where a transfer stands."""

    PROPOSED = "PROPOSED"
    POSTED = "POSTED"
    DECLINED = "DECLINED"


class Seat(StrEnum):
    """For whom somebody approves."""

    GIVER = "GIVER"
    TAKER = "TAKER"
    COMMITTEE = "COMMITTEE"


class Rounding(StrEnum):
    """How a fraction of a minor unit becomes a whole one."""

    HALF_EVEN = "HALF_EVEN"
    HALF_UP = "HALF_UP"
    DOWN = "DOWN"


@dataclass(frozen=True, slots=True)
class Quote:
    """A rate: units of the taker's currency for one of the giver's, exact, with its source."""

    rate: str
    source: str
    quoted_on: date
    rounding: Rounding


@dataclass(frozen=True, slots=True)
class Exchange:
    """A quote that was applied; `residue` is exact less booked, in minor units, as a decimal."""

    quote: Quote
    residue: str


@dataclass(frozen=True, slots=True)
class Voice:
    """One approval; two seats where one person speaks for both owners."""

    seats: tuple[Seat, ...]
    person: str
    at: datetime
    on_behalf_of: str = ""

    @property
    def people(self) -> frozenset[str]:
        """The person who approved and, for a delegate, the one in whose name."""
        return frozenset(person for person in (self.person, self.on_behalf_of) if person)


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money from one envelope to another, proposed, posted or declined.

    `timetable` says by when its approvals are expected; its dates decide nothing.
    """

    name: str
    giver: str
    taker: str
    given: Amount
    taken: Amount
    reason: str
    proposer: str
    proposed_at: datetime
    exchange: Exchange | None = None
    state: State = State.PROPOSED
    voices: tuple[Voice, ...] = ()
    ended_at: datetime | None = None
    ended_by: str = ""
    remark: str = ""
    version: int = 1
    timetable: Timetable | None = None

    @property
    def etag(self) -> str:
        """Changes with every version."""
        return sha256(f"{self.name}\n{self.version}".encode()).hexdigest()[:20]

    @property
    def awaited(self) -> tuple[Seat, ...]:
        """Seats whose approval is missing; the committee's only where one voice took both."""
        taken = {seat for voice in self.voices for seat in voice.seats}
        missing = [seat for seat in (Seat.GIVER, Seat.TAKER) if seat not in taken]
        if not missing and len(self.voices) < 2:
            missing.append(Seat.COMMITTEE)
        return tuple(missing) if self.state is State.PROPOSED else ()


@dataclass(frozen=True, slots=True)
class Owned:
    """A transfer with the owners of its envelopes."""

    transfer: Transfer
    giver_owner: str
    taker_owner: str

    def waits_for(self, people: frozenset[str], *, committee: bool) -> bool:
        """Whether one of `people`, or a member of the committee among them, has a voice left."""
        transfer = self.transfer
        heard = {person for voice in transfer.voices for person in voice.people}
        owners = {Seat.GIVER: self.giver_owner, Seat.TAKER: self.taker_owner}
        able = people - heard
        return bool(able) and any(
            committee if seat is Seat.COMMITTEE else owners[seat] in able
            for seat in transfer.awaited
        )


def propose(
    name: str,
    giver: Envelope,
    taker: Envelope,
    amount: Amount,
    quote: Quote | None,
    reason: str,
    proposer: str,
    now: datetime,
) -> Transfer:
    """A transfer that waits for its approvals.

    Refused: envelopes that are one, or of two fiscal years; another currency than the giver's; a
    quote that is missing or out of place; FUNDS_INSUFFICIENT where it could not be posted now.
    """
    if giver.name == taker.name:
        raise InvalidArgument.of("taker", "the envelope gives already; name another one")
    if giver.fiscal_year != taker.fiscal_year:
        raise InvalidArgument.of(
            "taker",
            f"{taker.name} is of fiscal year {taker.fiscal_year}, {giver.name} of "
            f"{giver.fiscal_year}; money goes on to another year by the close of its own only",
        )
    if amount.currency != giver.currency:
        raise InvalidArgument.of(
            "amount.currency_code",
            f"{giver.name} is in {giver.currency}; give the amount in {giver.currency}",
            reason="INVALID_AMOUNT",
        )
    taken, exchange = _exchanged(amount, taker, quote, now)
    made = Transfer(
        name=name,
        giver=giver.name,
        taker=taker.name,
        given=amount,
        taken=taken,
        reason=reason,
        proposer=proposer,
        proposed_at=now,
        exchange=exchange,
    )
    for envelope, posting in zip((giver, taker), postings(made), strict=True):
        posted(envelope, posting)
    return made


def approve(
    transfer: Transfer,
    giver: Envelope,
    taker: Envelope,
    authority: Authority,
    now: datetime,
    *,
    committee: bool,
) -> Transfer:
    """The transfer after one more voice; POSTED with the last one.

    `committee` says whether who approves sits in the budget committee. Refused: NOT_A_HOLDER for
    who owns neither envelope, WRONG_STATE for a second voice of one person, and
    AUTHORITY_INSUFFICIENT for a delegate whose limit is less.
    """
    require_proposed(transfer)
    people = frozenset(authority.people)
    _require_first_voice(transfer, people)
    owners = {Seat.GIVER: giver.owner, Seat.TAKER: taker.owner}
    seats: tuple[Seat, ...] = tuple(
        seat for seat in transfer.awaited if seat is not Seat.COMMITTEE and owners[seat] in people
    )
    if not seats and committee and (Seat.COMMITTEE in transfer.awaited):
        seats = (Seat.COMMITTEE,)
    if not seats:
        raise _no_seat(transfer, owners, authority.person)
    if Seat.GIVER in seats:
        check_delegated_limit(authority, transfer.given)
    elif Seat.TAKER in seats:
        check_delegated_limit(authority, transfer.taken)
    voice = Voice(seats, authority.person, now, authority.on_behalf_of)
    heard = replace(transfer, voices=(*transfer.voices, voice), version=transfer.version + 1)
    if heard.awaited:
        return heard
    return replace(heard, state=State.POSTED, ended_at=now, ended_by=authority.person)


def decline(
    transfer: Transfer,
    giver: Envelope,
    taker: Envelope,
    authority: Authority,
    reason: str,
    now: datetime,
    *,
    committee: bool,
) -> Transfer:
    """The transfer ended without a movement: by an owner, the committee, or who proposed it."""
    require_proposed(transfer)
    able = {giver.owner, taker.owner, transfer.proposer} & set(authority.people)
    if not able and not committee:
        raise Denied(
            "NOT_A_HOLDER",
            f"{authority.person} owns neither envelope of {transfer.name}; {giver.owner}, "
            f"{taker.owner} or the budget committee decline it, {transfer.proposer} withdraws it",
        )
    return replace(
        transfer,
        state=State.DECLINED,
        ended_at=now,
        ended_by=authority.person,
        remark=reason,
        version=transfer.version + 1,
    )


def postings(transfer: Transfer) -> tuple[Posting, Posting]:
    """The linked entries, each naming the transfer: what is given, then what is taken.

    In one currency they meet in TRANSIT, which is empty again; in two, each leg has its
    counterpart in EXCHANGE, so that debits equal credits in each currency.
    """
    between = Account.TRANSIT if transfer.exchange is None else Account.EXCHANGE
    return (
        Posting(
            envelope=transfer.giver,
            kind=Kind.TRANSFER,
            debit=Account.AVAILABLE,
            credit=between,
            amount_minor=transfer.given.minor,
            reference=transfer.name,
        ),
        Posting(
            envelope=transfer.taker,
            kind=Kind.TRANSFER,
            debit=between,
            credit=Account.AVAILABLE,
            amount_minor=transfer.taken.minor,
            reference=transfer.name,
        ),
    )


def check_etag(transfer: Transfer, etag: str) -> None:
    """Refuses with STALE_ETAG unless the caller saw this version."""
    if etag != transfer.etag:
        raise Stale(transfer.name, transfer.etag)


def require_proposed(transfer: Transfer) -> None:
    """Refuses with WRONG_STATE a transfer that has ended."""
    if transfer.state is State.PROPOSED:
        return
    ended = transfer.state.lower()
    raise PreconditionFailed(
        "WRONG_STATE",
        legs=(
            Leg(
                type="STATE",
                subject=transfer.name,
                description=f"{transfer.name} is {ended} already, by {transfer.ended_by}",
                remedy="propose another transfer, the other way round to take this one back",
            ),
        ),
    )


def convert(minor: int, source: str, target: str, quote: Quote) -> tuple[int, str]:
    """Minor units of `target` for minor units of `source`, and the residue: exact less booked.

    The rate is for whole units of both, whatever their exponents (ISO 4217). Integers and exact
    fractions only: 100 JPY at 0.00625 EUR are 62.5 cents, 62 by HALF_EVEN, and 0.5 is left.
    """
    exact = Fraction(minor) * Fraction(quote.rate) * Fraction(10) ** exponent(target)
    exact /= 10 ** exponent(source)
    whole, rest = divmod(exact.numerator, exact.denominator)
    tie = 2 * rest - exact.denominator
    up = {
        Rounding.DOWN: False,
        Rounding.HALF_UP: tie >= 0,
        Rounding.HALF_EVEN: tie > 0 or (tie == 0 and whole % 2 == 1),
    }[quote.rounding]
    booked = whole + up
    return booked, _decimal(exact - booked)


def _decimal(value: Fraction) -> str:
    """An exact decimal without an exponent; a product of decimals always is one."""
    with localcontext() as context:
        context.prec = 100
        return f"{Decimal(value.numerator) / Decimal(value.denominator):f}"


def _exchanged(
    amount: Amount, taker: Envelope, quote: Quote | None, now: datetime
) -> tuple[Amount, Exchange | None]:
    if amount.currency == taker.currency:
        if quote is not None:
            raise InvalidArgument.of(
                "exchange", f"both envelopes are in {taker.currency}; leave the rate out"
            )
        return amount, None
    if quote is None:
        raise InvalidArgument.of(
            "exchange",
            f"{taker.name} is in {taker.currency}; give the rate for one {amount.currency}, with "
            "its source and date",
        )
    if not Fraction(quote.rate):
        raise InvalidArgument.of("exchange.rate", "the rate must be more than zero")
    if quote.quoted_on > now.date():
        raise InvalidArgument.of(
            "exchange.quoted_on", f"{quote.quoted_on} has not come yet; give the day of the rate"
        )
    booked, residue = convert(amount.minor, amount.currency, taker.currency, quote)
    if not 0 < booked <= INT64_MAX:
        why = "comes to nothing" if not booked else "does not fit 64 bits of minor units"
        raise InvalidArgument.of(
            "amount", f"at that rate it {why} in {taker.currency}", reason="INVALID_AMOUNT"
        )
    return Amount(booked, taker.currency), Exchange(quote, residue)


def _require_first_voice(transfer: Transfer, people: frozenset[str]) -> None:
    heard = frozenset(person for voice in transfer.voices for person in voice.people)
    again = sorted(people & heard)
    if not again:
        return
    raise PreconditionFailed(
        "WRONG_STATE",
        legs=(
            Leg(
                type="ONE_VOICE",
                subject=again[0],
                description=(
                    f"{again[0]} has approved {transfer.name} already; one person is one voice"
                ),
                remedy=_asks(transfer.awaited),
            ),
        ),
    )


def _no_seat(transfer: Transfer, owners: Mapping[Seat, str], person: str) -> Denied:
    waits = [owners.get(seat, "the budget committee") for seat in transfer.awaited]
    return Denied(
        "NOT_A_HOLDER",
        f"{person} has no voice on {transfer.name} now; it waits for {' and '.join(waits)}",
    )


def _asks(awaited: Sequence[Seat]) -> str:
    words = {
        Seat.GIVER: "the owner of the envelope that gives",
        Seat.TAKER: "the owner of the envelope that takes",
        Seat.COMMITTEE: "somebody else, of the budget committee,",
    }
    return f"{' and '.join(words[seat] for seat in awaited)} approves"
