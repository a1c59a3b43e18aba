"""Duties beside the numbers: law, privacy, contracts. They pass, fail, or their owner excepts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from investiture.charter.model import Charter
from investiture.chassis.refusal import Denied, InvalidArgument, Leg, PreconditionFailed

LONGEST = timedelta(days=365)


class DutyKind(StrEnum):
    """What kind of duty; values equal the API's names without their prefix."""

    LEGAL = "LEGAL"
    PRIVACY = "PRIVACY"
    CONTRACT = "CONTRACT"


class DutyState(StrEnum):
    """How a program stands to a duty; values equal the API's names without their prefix."""

    PASS = "PASS"  # noqa: S105 - a word of the API
    FAIL = "FAIL"
    EXCEPTION = "EXCEPTION"


@dataclass(frozen=True, slots=True)
class Duty:
    """A word of a unit on a program's duty; `until` is set for an exception only."""

    program: str
    number: int
    kind: DutyKind
    unit: str
    state: DutyState
    reason: str
    until: datetime | None
    person: str
    recorded_at: datetime

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"{self.program}/duties/{self.number}"

    def fails(self, now: datetime) -> bool:
        """Whether it bars a knighting: it fails, or its exception has ended."""
        ended = self.until is not None and self.until <= now
        return self.state is DutyState.FAIL or (self.state is DutyState.EXCEPTION and ended)


def check(state: DutyState, reason: str, until: datetime | None, now: datetime) -> None:
    """A failure and an exception say why, and an exception until when. INVALID_FIELD otherwise."""
    if state is not DutyState.PASS and not reason.strip():
        raise InvalidArgument.of("reason", "say why: it bars the program, or makes an exception")
    if state is not DutyState.EXCEPTION:
        if until is not None:
            raise InvalidArgument.of("until", "only an exception ends; leave it out")
        return
    if until is None or not now < until <= now + LONGEST:
        raise InvalidArgument.of(
            "until", f"an exception ends: in the future, within {LONGEST.days} days"
        )


def in_scope(kind: DutyKind, scope: Iterable[str]) -> bool:
    """Whether a duty lies within a unit's scope: `privacy`, `contract`, `legal` or any law."""
    if kind is DutyKind.LEGAL:
        return any(word == "legal" or word.endswith("law") for word in scope)
    return kind.value.lower() in scope


def require_owner(charter: Charter, kind: DutyKind, unit: str, person: str) -> None:
    """Refuses who is neither head nor deputy of a unit that owns this kind of duty."""
    owners = [one for one in charter.units if in_scope(kind, one.scope)]
    found = next((one for one in owners if f"units/{one.id}" == unit), None)
    if found is None:
        names = ", ".join(f"units/{one.id}" for one in owners) or "none: extend a unit's scope"
        raise InvalidArgument.of(
            "unit", f"{unit} does not own duties of kind {kind.value}; by the charter: {names}"
        )
    if person not in (found.head, found.deputy):
        who = " or ".join(filter(None, (found.head, found.deputy)))
        raise Denied("NOT_A_HOLDER", f"{person} does not speak for {unit}; {who} does")


def require_kept(duties: Iterable[Duty], now: datetime) -> None:
    """Refuses with VERDICT_NOT_ALLOWED while a duty fails: no value offsets it."""
    legs = tuple(
        Leg(
            "DUTY",
            one.name,
            f"{one.kind.value.lower()} by {one.unit}: {_why(one)}",
            f"{one.unit} records that it passes, or makes an exception with a date",
        )
        for one in duties
        if one.fails(now)
    )
    if legs:
        raise PreconditionFailed(
            "VERDICT_NOT_ALLOWED", "; ".join(leg.description for leg in legs), legs=legs
        )


def _why(duty: Duty) -> str:
    ended = f"its exception ended on {duty.until:%Y-%m-%d}: " if duty.until else ""
    return f"{ended}{duty.reason}"
