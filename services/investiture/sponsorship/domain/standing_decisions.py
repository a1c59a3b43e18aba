"""Standing decisions: signatures, revocations and places, as immutable values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from investiture.casework.facts import StandingRef
from investiture.casework.trial_lane import signer_of
from investiture.casework.words import Side
from investiture.charter.policy import StandingDecision
from investiture.chassis.refusal import Denied, Leg, PreconditionFailed

SIDES = (Side.BUSINESS, Side.MONEY, Side.IT)


@dataclass(frozen=True, slots=True)
class Signature:
    """One side's signature under a decision's text."""

    side: Side
    person: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Revocation:
    """What ended a decision's text for good: a person, or an incident that launch recorded."""

    person: str
    reason: str
    at: datetime

    def __str__(self) -> str:
        """Return it in words."""
        return f"revoked: by {self.person} on {self.at:%Y-%m-%d %H:%M} UTC: {self.reason}"


@dataclass(frozen=True, slots=True)
class Place:
    """A program's place under a decision; it is free again once it has ended."""

    program: str
    ref: StandingRef
    since: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Signed:
    """How a decision's text stands: who signed, whether it was revoked, who has a place."""

    decision: StandingDecision
    ref: StandingRef
    signatures: Mapping[Side, Signature] = field(default_factory=dict[Side, Signature])
    revocation: Revocation | None = None
    programs: Sequence[str] = ()

    @property
    def unsigned(self) -> tuple[str, ...]:
        """Who has not signed this text yet; a signature of somebody else does not count."""
        asked = {side: signer_of(self.decision, side) for side in SIDES}
        return tuple(
            person
            for side, person in asked.items()
            if side not in self.signatures or self.signatures[side].person != person
        )

    def why_not(self) -> tuple[str, ...]:
        """Why it is not in force, its dates aside."""
        return (
            *(f"signature: {person} has not signed it" for person in self.unsigned),
            *((str(self.revocation),) if self.revocation else ()),
        )


def full(signed: Signed, program: str) -> tuple[str, ...]:
    """Why there is no place for a program; it does not stand in its own way."""
    others = [one for one in signed.programs if one != program]
    most = signed.decision.caps.concurrent
    if len(others) < most:
        return ()
    named = ", ".join(sorted(others))
    return (f"concurrent: {len(others)} under it already ({named}), at most {most}",)


def over(signed: Signed, place: Place | None, now: datetime) -> tuple[str, ...]:
    """Why a program that had a place is not let in again: its days under the decision are over."""
    if place is None or place.ref.id != signed.ref.id:
        return ()
    longest = signed.decision.caps.duration
    if now < place.since + longest.elapsed:
        return ()
    return (f"days: it began on {place.since:%Y-%m-%d %H:%M} UTC, its {longest} are over",)


def side_to_sign(decision: StandingDecision, person: str) -> Side:
    """The side for which the charter names a person; NOT_A_HOLDER where it does not."""
    side = next((one for one in SIDES if signer_of(decision, one) == person), None)
    if side is None:
        signers = ", ".join(signer_of(decision, one) for one in SIDES)
        raise Denied(
            "NOT_A_HOLDER",
            f"{person} is no signer of standing decision {decision.id}; its signers are {signers}",
        )
    return side


def require_signable(signed: Signed, person: str, side: Side, stands_on: Side | None) -> None:
    """Refuses a signature under what was revoked, and by who does not stand on that side."""
    if signed.revocation is not None:
        why = f"standing decision {signed.ref.id} was {signed.revocation}"
        remedy = "propose a charter with another text for it, then its three signers sign that"
        raise PreconditionFailed(
            "WRONG_STATE", why, legs=(Leg("REVOKED", signed.ref.id, why, remedy),)
        )
    if stands_on is not side:
        where = stands_on.value if stands_on else "no"
        why = f"{person} is to sign for side {side.value} and stands on side {where}"
        remedy = "propose a charter that names somebody of that side"
        raise PreconditionFailed(
            "SIDES_NOT_SEPARATE", why, legs=(Leg("SIDES", person, why, remedy),)
        )
