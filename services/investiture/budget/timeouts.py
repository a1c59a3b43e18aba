"""The timeout of a hold: what remains of it goes back to its envelope, once. Pure.

As TigerBeetle's pending transfers (docs/coding/two-phase-transfers.md): the timeout is an interval
from the server's clock at the moment of the hold, and a hold is over at the very instant it ends.
What was posted before stays: a commitment is a promise to somebody outside, which no clock ends.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from investiture.budget.holdings import Hold, Reservation
from investiture.budget.ledger import Account, Kind, Posting
from investiture.casework.amounts import Amount
from investiture.chassis.refusal import Leg, PreconditionFailed


@dataclass(frozen=True, slots=True)
class Settled:
    """A reservation as it is at an instant, and the postings of a timeout that came until then."""

    reservation: Reservation
    postings: tuple[Posting, ...] = ()


def settled(found: Reservation, now: datetime) -> Settled:
    """The reservation at `now`: unchanged before its timeout, after it EXPIRED and given back."""
    if found.state is not Hold.HELD or found.expires_at is None or now < found.expires_at:
        return Settled(found)
    after = replace(
        found,
        remaining_minor=0,
        released_minor=found.released_minor + found.remaining_minor,
        state=Hold.EXPIRED,
        version=found.version + 1,
    )
    if not found.remaining_minor:
        return Settled(after)
    back = Posting(
        envelope=found.envelope,
        kind=Kind.EXPIRE,
        debit=Account.RESERVED,
        credit=Account.AVAILABLE,
        amount_minor=found.remaining_minor,
        program=found.program,
        reference=found.name,
    )
    return Settled(after, (back,))


def require_in_time(found: Reservation, now: datetime) -> None:
    """Refuses with WRONG_STATE to post from a hold at its timeout or later."""
    after = settled(found, now).reservation
    if after.state is not Hold.EXPIRED:
        return
    since = f"{after.expires_at:%Y-%m-%d %H:%M:%S}" if after.expires_at else "before"
    released = Amount(after.released_minor, after.currency)
    raise PreconditionFailed(
        "WRONG_STATE",
        f"the hold for {after.program} in {after.envelope} expired at {since} UTC; nothing more is "
        "promised from it",
        legs=(
            Leg(
                type="HOLD",
                subject=after.name,
                description=f"it expired at {since} UTC and {released} went back to "
                f"{after.envelope}",
                remedy="the FUND gate opens a new round by itself: have it approved and reserved "
                "there, then commit; what was promised before is still spent as it was promised",
            ),
        ),
    )
