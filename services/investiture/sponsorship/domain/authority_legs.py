"""The authority test: may this person stand for this program? Five legs, each with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass

from investiture.casework.amounts import Amount
from investiture.casework.facts import Authority, Revision
from investiture.casework.words import Side
from investiture.chassis.refusal import Leg, PreconditionFailed
from investiture.sponsorship.domain.positions import Position, PositionRole

MOST_COUNTED = 25
"""Living sponsorships of one person are counted this far, so that counting stays cheap."""


@dataclass(frozen=True, slots=True)
class AuthorityLeg:
    """One leg; a `warning` that does not hold is recorded and does not refuse."""

    leg: str
    holds: bool
    explanation: str
    remedy: str = ""
    warning: bool = False

    @property
    def refuses(self) -> bool:
        """Whether it bars the pledge."""
        return not self.holds and not self.warning


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the test knows beside the person and the program.

    `counter_side` is the side of the named counter-sponsor, None where none is named or known;
    `counters` is True while it is the counter-sponsor who is tested. `live_sponsorships` counts
    the person's programs with a living pledge, this one included. `absent_owners` are owners of
    promised benefits who are not active in the directory.
    """

    positions: tuple[Position, ...] = ()
    counters: bool = False
    counter_side: Side | None = None
    live_sponsorships: int = 1
    max_live_sponsorships: int = 3
    absent_owners: tuple[str, ...] = ()


def authority_test(
    facts: Revision, authority: Authority, around: Circumstances
) -> tuple[AuthorityLeg, ...]:
    """The five legs: limit, units, load, benefit_owners, business_side.

    Limit and business side refuse; the others are reported.
    """
    return (
        _limit(facts, authority, around),
        _units(authority, around.positions),
        _load(authority, around),
        _benefit_owners(facts, around.absent_owners),
        _business_side(facts, authority, around),
    )


def require_authority(legs: Sequence[AuthorityLeg], subject: str) -> None:
    """Refuses with AUTHORITY_INSUFFICIENT, a violation with its remedy for each leg that bars."""
    barring = [leg for leg in legs if leg.refuses]
    if barring:
        raise PreconditionFailed(
            "AUTHORITY_INSUFFICIENT",
            "; ".join(leg.explanation for leg in barring),
            legs=[Leg(leg.leg, subject, leg.explanation, leg.remedy) for leg in barring],
        )


def _limit(facts: Revision, authority: Authority, around: Circumstances) -> AuthorityLeg:
    total = Amount(facts.amount_minor, facts.currency)
    reach = _reach(authority)
    if authority.covers(facts.amount_minor, facts.currency):
        return AuthorityLeg("limit", True, f"the cumulative total is {total}, {reach}")
    why = f"the cumulative total is {total}, but {reach}"
    if _countersigned(authority, around):
        carried = f"; {facts.counter_sponsor} carries the amount"
        return AuthorityLeg("limit", False, f"{why}{carried}", _WIDEN, warning=True)
    return AuthorityLeg("limit", False, why, _WIDEN)


_WIDEN = (
    "pledge in the name of somebody whose delegation covers the total, name a sponsor whose own "
    "limit covers it, or revise the amount"
)


def _reach(authority: Authority) -> str:
    in_name = f" on behalf of {authority.on_behalf_of}" if authority.on_behalf_of else ""
    who = f"{authority.person}{in_name}"
    if authority.unlimited:
        return f"{who} pledges without limit"
    if authority.limit_minor is None:
        return f"{who} has no limit to pledge"
    return f"{who} pledges up to {Amount(authority.limit_minor, authority.limit_currency)}"


def _units(authority: Authority, positions: Sequence[Position]) -> AuthorityLeg:
    agree = [one for one in positions if one.role is PositionRole.AGREE]
    own = [
        one
        for one in agree
        # A unit's committee is asked, whoever commands the unit.
        if one.counts_with or (one.unit in authority.commands and one.ballot is None)
    ]
    coalition = [one for one in agree if one not in own and one.agreed]
    overridden = [one for one in agree if one not in own and one.overridden]
    missing = [one for one in agree if one not in own and one.outstanding]
    parts = (
        ("in command of", own),
        ("endorsed by", coalition),
        ("over the objection of", overridden),
        ("without the endorsement of", missing),
    )
    said = "; ".join(f"{what} {', '.join(o.unit for o in who)}" for what, who in parts if who)
    return AuthorityLeg(
        "units",
        not missing,
        said or "the program touches no unit that must agree",
        "their heads record their positions; the pledge stands when each consents",
        warning=True,
    )


def _load(authority: Authority, around: Circumstances) -> AuthorityLeg:
    live, most = around.live_sponsorships, around.max_live_sponsorships
    count = f"{live}" if live <= MOST_COUNTED else f"more than {MOST_COUNTED}"
    return AuthorityLeg(
        "load",
        live <= most,
        f"with this one {authority.person} sponsors {count} living programs; {most} are thought "
        "to be what one person can stand behind",
        "hand one over, or name another sponsor",
        warning=True,
    )


def _benefit_owners(facts: Revision, absent: Sequence[str]) -> AuthorityLeg:
    owners = ", ".join(facts.benefit_owners)
    if not facts.benefit_owners:
        why = "no promised benefit has an owner"
    elif absent:
        why = f"owners of promised benefits who are not active staff: {', '.join(absent)}"
    else:
        return AuthorityLeg("benefit_owners", True, f"owned by {owners}", warning=True)
    remedy = "revise the program so that each benefit has an owner who works here"
    return AuthorityLeg("benefit_owners", False, why, remedy, warning=True)


def _business_side(facts: Revision, authority: Authority, around: Circumstances) -> AuthorityLeg:
    unit = authority.unit or "no unit"
    if authority.side is Side.BUSINESS:
        return AuthorityLeg("business_side", True, f"{unit} is on the business side")
    side = "no" if authority.side is None else f"the {_SIDES[authority.side]}"
    why = f"{authority.person} is of {unit}, on {side} side"
    if around.counters or not facts.counter_sponsor:
        return AuthorityLeg("business_side", False, why, _NAME_COUNTER)
    counter = facts.counter_sponsor
    if not _countersigned(authority, around):
        why = f"{why}, and the named counter-sponsor {counter} is not on the business side either"
        return AuthorityLeg("business_side", False, why, _NAME_COUNTER)
    return AuthorityLeg(
        "business_side", True, f"{why}; {counter} pledges beside for the business side"
    )


_SIDES = {Side.MONEY: "money", Side.IT: "IT"}
_NAME_COUNTER = (
    "revise the program and name a business counter-sponsor, who pledges beside and whose unit is "
    "on the business side"
)


def _countersigned(authority: Authority, around: Circumstances) -> bool:
    """Whether a business counter-sponsor pledges beside a sponsor from another side."""
    return (
        not around.counters
        and authority.side is not Side.BUSINESS
        and around.counter_side is Side.BUSINESS
    )


def require_limit(facts: Revision, authority: Authority) -> None:
    """Refuses with AUTHORITY_INSUFFICIENT a sponsor whose own limit does not reach the total."""
    if authority.covers(facts.amount_minor, facts.currency):
        return
    asked = Amount(facts.amount_minor, facts.currency)
    why = f"the limit of {authority.person} does not reach {asked}"
    leg = Leg("LIMIT", authority.person, why, "a sponsor whose limit does is named")
    raise PreconditionFailed("AUTHORITY_INSUFFICIENT", why, legs=(leg,))
