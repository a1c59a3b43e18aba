"""Risk above the appetite that somebody with the authority accepts: who may, how much, how long.

An accepter stands on none of the three sides of the program. Who asks for it or pays for it would
accept for a benefit of their own, and who knights it would judge their own exception (law 7).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from investiture.casework.amounts import Amount, exponent
from investiture.casework.approvals import Level, open_level
from investiture.casework.facts import Authority
from investiture.casework.sides import shared_people
from investiture.chassis.refusal import InvalidArgument, Leg, PreconditionFailed
from investiture.itrisk.comparing import tolerances, why_worse

LONGEST = timedelta(days=365)
REVIEW_BEFORE = timedelta(days=30)
"""So long before its end the risk is looked at again."""
TREAT = "TREAT"


@dataclass(frozen=True, slots=True)
class Voice:
    """One person's acceptance, at a level of the delegation of authority."""

    person: str
    on_behalf_of: str
    level: int
    role: str
    at: datetime
    reason: str

    @property
    def people(self) -> tuple[str, ...]:
        """The person and, for a delegate, the one in whose name."""
        return (self.person, self.on_behalf_of) if self.on_behalf_of else (self.person,)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """An acceptance of a program's risk; `accepted_at` is set once every level has accepted.

    `at_stake_minor` is in minor units of `currency`; `answer` is what was accepted, whole.
    """

    program: str
    number: int
    digest: str
    profile_version: int
    appetite_version: int
    at_stake_minor: int
    currency: str
    until: datetime
    answer: Mapping[str, Any]
    voices: tuple[Voice, ...] = field(default=())
    accepted_at: datetime | None = None

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"{self.program}/riskAcceptances/{self.number}"

    @property
    def people(self) -> frozenset[str]:
        """Everyone who accepted, principals included."""
        return frozenset(person for voice in self.voices for person in voice.people)

    @property
    def review_at(self) -> datetime:
        """When to look again; half way where it ends sooner than in twice the usual time."""
        first = self.voices[0].at if self.voices else self.until
        return max(self.until - REVIEW_BEFORE, first + (self.until - first) / 2)

    def to_be_reviewed(self, now: datetime) -> bool:
        """Whether it ends so soon that what rests on it has to be looked at again."""
        return self.review_at <= now

    def holds(self, now: datetime) -> bool:
        """Whether every level has accepted and it has not ended."""
        return self.accepted_at is not None and now < self.until


class ReReview(StrEnum):
    """What is to be done about an acceptance whose date to be looked at has come."""

    LATER = "LATER"
    """Its end is not near yet."""
    ASK = "ASK"
    """A knighting rests on it: somebody is to review the risk again."""
    GO_ON = "GO_ON"
    """They were asked, and nothing has come of it so far."""
    OVER = "OVER"
    """Nothing rests on it any more."""


def re_review(
    acceptance: Acceptance, resting: Acceptance | None, now: datetime, *, inside: bool, asked: bool
) -> ReReview:
    """What to do about an acceptance of a program whose knighting stands.

    `resting` is the acceptance that the knighting rests on now: another one where the risk was
    accepted anew, None where it is `inside`, or nothing holds it any more. `asked` says that its
    re-review is in somebody's hands: they keep it in a grace too.
    """
    if inside or (resting is not None and resting.number != acceptance.number):
        return ReReview.OVER
    if asked:
        return ReReview.GO_ON
    if resting is None:
        return ReReview.OVER
    return ReReview.ASK if acceptance.to_be_reviewed(now) else ReReview.LATER


def at_stake(answer: Mapping[str, Any]) -> float:
    """What authority is read for, in the major unit: max(ES95, largest loss that exceeds).

    The expected shortfall and not a quantile: VaR95 is 0 for a catastrophe at 0.04 a year.
    """
    upper = {one["loss"]: one["upper"] for one in answer["exceedance"]}
    exceeded: list[float] = [
        one["loss"] for one in answer["slack"] if upper[one["loss"]] > one["tolerance"]
    ]
    shortfall: float = answer["expected_shortfall"]["0.95"]
    return max([shortfall, *exceeded])


def at_stake_minor(answer: Mapping[str, Any], currency: str) -> int:
    """The same in minor units, rounded up."""
    scale: int = 10 ** exponent(currency)
    return math.ceil(at_stake(answer) * scale)


def check_until(until: datetime, now: datetime) -> None:
    """An acceptance ends: in the future, and within a year. INVALID_FIELD otherwise."""
    if until <= now:
        raise InvalidArgument.of("until", "give a date in the future: an acceptance ends")
    if until > now + LONGEST:
        raise InvalidArgument.of(
            "until",
            f"at most {LONGEST.days} days, until {now + LONGEST:%Y-%m-%d}; it can be accepted anew",
        )


def require_acceptable(answer: Mapping[str, Any]) -> None:
    """Refuses what is inside, and what is not worth it: neither is anybody's to accept."""
    if answer["answer"] == TREAT:
        return
    remedy = (
        "let IT knight it"
        if answer["answer"] == "KNIGHTABLE"
        else "raise the benefits, lower the costs, or do not launch"
    )
    raise PreconditionFailed(
        "WRONG_STATE",
        f"there is no risk here to accept: {answer['sentence']}",
        legs=(Leg("RISK", "assessment", str(answer["sentence"]), remedy),),
    )


def require_neutral(
    people: Sequence[str], business: Sequence[str], money: Sequence[str], it: Sequence[str]
) -> None:
    """Refuses with SIDES_NOT_SEPARATE an accepter who stands on a side of the program."""
    sides = (("business", business), ("money", money), ("IT", it))
    legs = tuple(leg for side, on in sides for leg in shared_people(people, on, "accepting", side))
    if legs:
        raise PreconditionFailed(
            "SIDES_NOT_SEPARATE",
            "; ".join(leg.description for leg in legs) + ": who accepts stands on no side",
            legs=legs,
        )


def accept(
    acceptance: Acceptance,
    levels: Sequence[Level],
    authority: Authority,
    reason: str,
    until: datetime,
    now: datetime,
) -> Acceptance:
    """The acceptance after one voice, complete once every level has spoken, in order.

    Refuses with AUTHORITY_INSUFFICIENT who is not of the level that is asked now, with WRONG_STATE
    a second voice of one person. The earliest date of all counts.
    """
    if acceptance.people & set(authority.people):
        raise PreconditionFailed(
            "WRONG_STATE", f"{authority.person} has accepted already; one person is one voice"
        )
    asked = open_level(levels, len(acceptance.voices))
    if asked is None:
        raise PreconditionFailed("WRONG_STATE", f"{acceptance.name} is complete")
    if not set(authority.people) & set(asked.eligible):
        raise _not_of(asked, authority, acceptance)
    voice = Voice(authority.person, authority.on_behalf_of, asked.level, asked.role, now, reason)
    voices = (*acceptance.voices, voice)
    done = open_level(levels, len(voices)) is None
    return replace(
        acceptance,
        voices=voices,
        until=min(acceptance.until, until),
        accepted_at=now if done else None,
    )


def _not_of(asked: Level, authority: Authority, acceptance: Acceptance) -> PreconditionFailed:
    who = ", ".join(asked.eligible) or "people who stand on no side of the program: nobody is left"
    stake = Amount(acceptance.at_stake_minor, acceptance.currency)
    return PreconditionFailed(
        "AUTHORITY_INSUFFICIENT",
        f"{authority.person} may not accept {stake} now",
        legs=(
            Leg(
                "LEVEL",
                authority.person,
                f"level {asked.level}, {asked.role}, is asked: {asked.needed} of {who}",
                "one of them accepts; or bring the risk down, to what a lower tier may accept",
            ),
        ),
    )


def why_not_covered(
    acceptance: Acceptance, digest: str, answer: Mapping[str, Any], now: datetime
) -> str:
    """Why an acceptance does not cover a risk; empty where it does.

    It covers what was accepted, and what is the same or better.
    """
    if acceptance.accepted_at is None:
        return "not every level has accepted"
    if now >= acceptance.until:
        return f"it ended on {acceptance.until:%Y-%m-%d}"
    if digest == acceptance.digest:
        return ""
    if tolerances(acceptance.answer) != tolerances(answer):
        return "the appetite is another one since"
    return why_worse(acceptance.answer, answer)


def with_ground(rationale: str, acceptance: Acceptance | None) -> str:
    """A rationale that names what the knighting rests on."""
    if acceptance is None:
        return rationale
    who = " and ".join(voice.person for voice in acceptance.voices)
    rests = f"rests on {acceptance.name}, accepted by {who} until {acceptance.until:%Y-%m-%d}"
    return f"{rationale}; {rests}" if rationale else rests
