"""Delegations of authority: dated, by purpose and limit, one level deep, revocable at once."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from investiture.casework.amounts import Amount
from investiture.casework.words import Purpose, Side
from investiture.chassis.refusal import (
    Denied,
    FieldViolation,
    InvalidArgument,
    Leg,
    PreconditionFailed,
    Stale,
)
from investiture.sponsorship.domain.people import Person

_INSUFFICIENT = "AUTHORITY_INSUFFICIENT"


@dataclass(frozen=True, slots=True)
class Limit:
    """How far authority reaches, in minor units of the charter's currency; None is none at all."""

    minor: int | None = None
    unlimited: bool = False

    def reaches(self, other: "Limit") -> bool:
        """Whether it reaches at least as far as `other`."""
        if self.unlimited or other == Limit():
            return True
        if other.unlimited or other.minor is None or self.minor is None:
            return False
        return other.minor <= self.minor

    def at_most(self, other: "Limit") -> "Limit":
        """The lesser of both."""
        return self if other.reaches(self) else other


@dataclass(frozen=True, slots=True)
class Delegation:
    """Authority lent by `delegator` to `delegate`; `limit_minor` None is the delegator's own."""

    name: str
    delegator: str
    delegate: str
    purpose: Purpose
    starts_at: datetime
    ends_at: datetime
    limit_minor: int | None = None
    revoked_at: datetime | None = None
    version: int = 1

    @property
    def etag(self) -> str:
        """Changes with every version."""
        return sha256(f"{self.name}\n{self.version}".encode()).hexdigest()[:20]

    def holds(self, at: datetime) -> bool:
        """Whether it is in force at an instant."""
        revoked = self.revoked_at is not None and self.revoked_at <= at
        return self.starts_at <= at < self.ends_at and not revoked

    def limit(self, own: Limit) -> Limit:
        """How far the delegate reaches with it, given the delegator's own limit now."""
        return own if self.limit_minor is None else Limit(self.limit_minor).at_most(own)


def in_force(delegations: Iterable[Delegation], at: datetime, own: Limit) -> Delegation | None:
    """Of several the one that reaches farthest at `at`, given the delegator's own limit."""
    best: Delegation | None = None
    for one in sorted(delegations, key=lambda found: found.name):
        if one.holds(at) and (best is None or not best.limit(own).reaches(one.limit(own))):
            best = one
    return best


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a delegation: the person, their side of the house, and their own reach."""

    person: Person
    side: Side | None
    own: Limit
    heads: tuple[str, ...]


def draw_up(
    name: str,
    delegator: Party,
    delegate: Party,
    purpose: Purpose,
    limit: Amount | None,
    dates: tuple[datetime | None, datetime],
    now: datetime,
) -> Delegation:
    """A new delegation, from now where its start is unset or past.

    Refuses: to oneself, for no purpose that is lent, for more than a year, to or from who decides
    nothing, across sides, and above the delegator's own authority.
    """
    starts_at, ends_at = max(dates[0] or now, now), dates[1]
    _check_fields(delegator.person, delegate.person, purpose, starts_at, ends_at)
    if not delegator.person.able:
        raise Denied("NOT_A_HOLDER", f"{delegator.person.name} decides nothing, so lends nothing")
    _check_delegate(delegator, delegate)
    _check_reach(delegator, purpose, limit)
    return Delegation(
        name=name,
        delegator=delegator.person.name,
        delegate=delegate.person.name,
        purpose=purpose,
        starts_at=starts_at,
        ends_at=ends_at,
        limit_minor=None if limit is None else limit.minor,
    )


def revoke(delegation: Delegation, etag: str, now: datetime) -> Delegation:
    """The delegation revoked from `now` on; revoking it again changes nothing."""
    if etag != delegation.etag:
        raise Stale(delegation.name, delegation.etag)
    if delegation.revoked_at is not None:
        return delegation
    return replace(delegation, revoked_at=now, version=delegation.version + 1)


def _check_fields(
    delegator: Person, delegate: Person, purpose: Purpose, starts_at: datetime, ends_at: datetime
) -> None:
    wrong: list[FieldViolation] = []
    if delegator.name == delegate.name:
        wrong.append(FieldViolation("delegate", "nobody delegates to themselves"))
    if purpose is Purpose.HOLD:
        why = "who is added by an escalation is the charter's to say; it cannot be delegated"
        wrong.append(FieldViolation("purpose", why))
    if ends_at <= starts_at:
        wrong.append(FieldViolation("ends_at", "must lie after the start, in the future"))
    elif ends_at > _a_year_after(starts_at):
        wrong.append(FieldViolation("ends_at", "must lie at most a year after the start"))
    if wrong:
        raise InvalidArgument(violations=wrong)


def _check_delegate(delegator: Party, delegate: Party) -> None:
    name = delegate.person.name
    if not delegate.person.able:
        why = "is a guest" if delegate.person.guest else "has left"
        raise _refused(
            _INSUFFICIENT, name, f"{name} {why} and decides nothing", "name active staff"
        )
    if delegator.side is not delegate.side:
        why = f"{name} stands on another side of the house than {delegator.person.name}"
        raise _refused("SIDES_NOT_SEPARATE", name, why, "name somebody of your own side")


def _check_reach(delegator: Party, purpose: Purpose, limit: Amount | None) -> None:
    name, own = delegator.person.name, delegator.own
    lends = purpose.value.lower()
    if own == Limit() and (limit is not None or not delegator.heads):
        why = f"{name} has no authority of their own to {lends}, and borrowed authority stays"
        raise _refused(_INSUFFICIENT, name, why, "ask who has it to delegate it directly")
    if limit is not None and not own.reaches(Limit(limit.minor)):
        reach = "" if own.minor is None else f" of {Amount(own.minor, limit.currency)}"
        why = f"{limit} is above the own limit{reach} of {name} to {lends}"
        raise _refused(_INSUFFICIENT, name, why, "delegate at most your own limit")


def _refused(reason: str, subject: str, why: str, remedy: str) -> PreconditionFailed:
    return PreconditionFailed(reason, why, legs=(Leg(reason, subject, why, remedy),))


def _a_year_after(instant: datetime) -> datetime:
    try:
        return instant.replace(year=instant.year + 1)
    except ValueError:  # 29 February
        return instant.replace(year=instant.year + 1, month=3, day=1)
