"""Rules of the money side: who approves in which order, what a confirmation fixes, and envelopes.

Pure. `ledger` has the accounts, `spending` reservations and commitments.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from investiture.budget.ceilings import Opened, ceiling
from investiture.budget.ledger import Account, Balances, Overdrawn, Overfull, Posting
from investiture.budget.spending import refuse_short
from investiture.casework import case as cases
from investiture.casework.amounts import Amount
from investiture.casework.approvals import Level, open_level
from investiture.casework.case import Case, Holder
from investiture.casework.facts import Authority, Decider, Gap, Revision, Warrant
from investiture.casework.sides import business_side, shared_people
from investiture.casework.words import CaseState, Side, Verdict
from investiture.charter.timetable import Timetable
from investiture.chassis.refusal import Denied, InvalidArgument, Leg, PreconditionFailed

APPROVER = "approver"
CONFIRMER = "confirmer"
DECLINER = "decliner"


@dataclass(frozen=True, slots=True)
class Envelope:
    """Money issued by the committee, with what is where; amounts in minor units of `currency`.

    `closed` says that its fiscal year is closed, `successor` where it went on then, if anywhere.
    """

    name: str
    display_name: str
    fiscal_year: int
    cost_centre: str
    purpose: str
    owner: str
    currency: str
    balances: Balances = field(default_factory=Balances)
    version: int = 1
    closed: bool = False
    successor: str = ""

    @property
    def etag(self) -> str:
        """Changes with every version."""
        return sha256(f"{self.name}\n{self.version}".encode()).hexdigest()[:20]


@dataclass(frozen=True, slots=True)
class Funding:
    """What a funding case keeps beside the case: the tier's levels as it was opened, the ceiling.

    `business_people` are those of the pledge's warrant; the case's revision may name more since.
    """

    case_name: str
    program: str
    category: str
    levels: tuple[Level, ...]
    contingency_bps: int
    business_people: tuple[str, ...]
    ceiling_minor: int | None = None
    opened: Opened = field(default_factory=Opened)


def posted(envelope: Envelope, posting: Posting) -> Envelope:
    """The envelope after a posting.

    Refused: FUNDS_INSUFFICIENT where not enough is available, INVALID_AMOUNT where the envelope
    would hold more than 64 bits, WRONG_STATE where its fiscal year is closed.
    """
    require_open_year(envelope)
    try:
        return replace(envelope, balances=envelope.balances.after(posting))
    except Overfull:
        raise InvalidArgument.of(
            "amount",
            f"{envelope.name} cannot hold that much more: its sum would not fit 64 bits of minor "
            "units",
            reason="INVALID_AMOUNT",
        ) from None
    except Overdrawn as error:
        if posting.debit is not Account.AVAILABLE:
            raise  # what is held was checked before; an empty account here is a fault of ours
        left = Amount(error.has_minor, envelope.currency)
        asked = Amount(posting.amount_minor, envelope.currency)
        leg = Leg(
            type="ENVELOPE",
            subject=envelope.name,
            description=f"{envelope.name} has {left} available, {asked} was asked",
            remedy="choose another envelope, have more appropriated, or ask for less",
        )
        refuse_short((leg,), left.minor, asked)
        raise


def require_currency(envelope: Envelope, currency: str) -> None:
    """Refuses with INVALID_AMOUNT an envelope in another currency than the program's."""
    if envelope.currency != currency:
        raise InvalidArgument.of(
            "envelope",
            f"{envelope.name} is in {envelope.currency}; the program asks for {currency}",
            reason="INVALID_AMOUNT",
        )


def require_open_year(envelope: Envelope) -> None:
    """Refuses with WRONG_STATE an envelope of a fiscal year that is closed."""
    if not envelope.closed:
        return
    onward = f"{envelope.successor}, its successor" if envelope.successor else "an open envelope"
    raise PreconditionFailed(
        "WRONG_STATE",
        legs=(
            Leg(
                type="FISCAL_YEAR",
                subject=envelope.name,
                description=(
                    f"fiscal year {envelope.fiscal_year} of {envelope.name} is closed; nothing "
                    "posts into it any more"
                ),
                remedy=f"post in {onward}; what was promised before the close and comes late is "
                "rolled forward",
            ),
        ),
    )


def business_people(facts: Revision, pledge: Warrant) -> tuple[str, ...]:
    """The business side: proposer, sponsors, and who pledged in the name of one of them."""
    return tuple(sorted(business_side(facts, pledge)))


def conflicted(case: Case, funding: Funding) -> frozenset[str]:
    """Who stands on the business side of the program and so on no other."""
    return frozenset({*case.facts.business_people, *funding.business_people})


def approvals(case: Case) -> tuple[Decider, ...]:
    """The approvals given so far, in order."""
    return tuple(decider for decider in case.deciders if decider.role == APPROVER)


def approved_by_level(case: Case, levels: Sequence[Level]) -> tuple[tuple[str, ...], ...]:
    """Who approved at each level, in the levels' order."""
    given = [decider.person for decider in approvals(case)]
    shares: list[tuple[str, ...]] = []
    for level in levels:
        shares.append(tuple(given[: level.needed]))
        given = given[level.needed :]
    return tuple(shares)


def present_level(case: Case, funding: Funding) -> Level | None:
    """The level that is asked now; None when every level has approved."""
    return open_level(funding.levels, len(approvals(case)))


def eligible(case: Case, funding: Funding, level: Level) -> tuple[str, ...]:
    """Who of a level may still approve: free of the business side, and not heard yet."""
    out = conflicted(case, funding) | case.people
    return tuple(person for person in level.eligible if person not in out)


def indispensable_later(case: Case, funding: Funding) -> frozenset[str]:
    """Whom a level after the present one cannot do without: one voice is all a person has."""
    level = present_level(case, funding)
    later = funding.levels[funding.levels.index(level) + 1 :] if level else ()
    needed: set[str] = set()
    for one in later:
        able = eligible(case, funding, one)
        if len(able) <= one.needed:
            needed.update(able)
    return frozenset(needed)


def holders(
    case: Case, funding: Funding, confirmers: Iterable[Holder], now: datetime
) -> tuple[Holder, ...]:
    """Who has the case in hand: the present level, or who can confirm once all have approved."""
    level = present_level(case, funding)
    if level is None:
        return tuple(confirmers)
    return tuple(Holder(p, APPROVER, now, level.unit) for p in eligible(case, funding, level))


def check_sides(case: Case, funding: Funding, people: Iterable[str]) -> None:
    """Refuses with SIDES_NOT_SEPARATE who stands on the business side, also through delegation."""
    legs = shared_people(people, conflicted(case, funding), "money", "business")
    if legs:
        raise PreconditionFailed(
            "SIDES_NOT_SEPARATE",
            "; ".join(leg.description for leg in legs)
            + ": somebody else has to decide for the money",
            legs=legs,
        )


def check_delegated_limit(authority: Authority, asked: Amount) -> None:
    """Refuses a delegate whose delegation is limited to less than the program's total.

    Without a delegation the table's levels alone say who may approve what.
    """
    limited = authority.on_behalf_of and authority.limit_minor is not None
    if not limited or authority.covers(asked.minor, asked.currency):
        return
    limit = Amount(authority.limit_minor or 0, authority.limit_currency)
    what = f"{authority.person} may decide for {authority.on_behalf_of} up to {limit}, not {asked}"
    raise PreconditionFailed(
        "AUTHORITY_INSUFFICIENT",
        what,
        legs=(
            Leg(
                type="LIMIT",
                subject=authority.delegation or authority.person,
                description=what,
                remedy=f"{authority.on_behalf_of} decides, or delegates up to {asked}",
            ),
        ),
    )


def approve(
    case: Case,
    funding: Funding,
    authority: Authority,
    confirmers: Iterable[Holder],
    now: datetime,
) -> Case:
    """The case after one approval at the level that is asked now.

    Refused: NOT_A_HOLDER for another level's people, WRONG_STATE for a second voice or once every
    level has approved.
    """
    level = present_level(case, funding)
    if level is None:
        raise PreconditionFailed(
            "WRONG_STATE",
            f"every level of {case.name} has approved",
            legs=(
                Leg(
                    type="APPROVED",
                    subject=case.name,
                    description="every level has approved",
                    remedy="confirm the funding: reserve the money in an envelope",
                ),
            ),
        )
    cases.require_first_time(case, authority.people)
    _require_level(case, funding, level, authority)
    heard = cases.with_decider(case, decider(case, authority, APPROVER, now))
    following = present_level(heard, funding)
    if following == level:
        left = [h for h in case.holders if h.person not in authority.people]
        return cases.with_holders(heard, left)
    return cases.with_holders(heard, holders(heard, funding, confirmers, now))


def _require_level(case: Case, funding: Funding, level: Level, authority: Authority) -> None:
    """Holders approve: the level's eligible people, and whom an escalation or a holder added."""
    if case.held_by(*authority.people):
        cases.require_holder(case, *authority.people)
        return
    later = next((one for one in funding.levels if set(one.eligible) & set(authority.people)), None)
    if later is not None and later.level > level.level:
        raise Denied(
            "NOT_A_HOLDER",
            f"{authority.person} approves at level {later.level} ({later.role}); level "
            f"{level.level} ({level.role}) is asked first",
            metadata={"level": str(level.level)},
        )
    cases.require_holder(case, *authority.people)


def require_approved(case: Case, funding: Funding) -> None:
    """Refuses with WRONG_STATE, one leg a level, while approvals are missing."""
    legs: list[Leg] = []
    given = approved_by_level(case, funding.levels)
    for level, people in zip(funding.levels, given, strict=True):
        if len(people) < level.needed:
            legs.append(
                Leg(
                    type=f"LEVEL_{level.level}",
                    subject=case.name,
                    description=(
                        f"level {level.level} ({level.role}) has {len(people)} of {level.needed} "
                        "approvals"
                    ),
                    remedy=f"{' or '.join(level.eligible) or 'an added holder'} approves",
                )
            )
    if legs:
        raise PreconditionFailed("WRONG_STATE", legs=legs)


def require_confirmer(case: Case, authority: Authority, envelope: Envelope) -> None:
    """Refuses with NOT_A_HOLDER who neither holds the case nor owns the envelope."""
    if envelope.owner not in authority.people:
        cases.require_holder(case, *authority.people)


def confirm(
    case: Case, funding: Funding, authority: Authority, now: datetime, validity: timedelta
) -> tuple[Case, Funding]:
    """The case standing as FUNDED and the ceiling it fixes; sides are checked for all deciders."""
    decided = cases.with_decider(case, decider(case, authority, CONFIRMER, now))
    check_sides(decided, funding, decided.people)
    after = cases.decide(decided, Verdict.FUNDED, now, validity=validity)
    total = case.facts.amount_minor
    reach = ceiling(total, funding.contingency_bps, funding.opened)
    return after, replace(funding, ceiling_minor=reach)


def decline(case: Case, authority: Authority, gap: Gap, now: datetime) -> Case:
    """The case decided against. Who declined comes first: that is who ended the program."""
    check_gaps((gap,), "gap")
    decliner = decider(case, authority, DECLINER, now)
    return cases.decline(replace(case, deciders=(decliner, *case.deciders)), (gap,), now)


def request_changes(case: Case, gaps: Sequence[Gap], timetable: Timetable, now: datetime) -> Case:
    """The case in the proposer's hands, with every gap named."""
    check_gaps(gaps, "gaps")
    return cases.request_changes(case, gaps, timetable, now)


def check_gaps(gaps: Sequence[Gap], field: str) -> None:
    """No bare no: each gap names the risk, the tolerance, the excess and the remedy."""
    for index, gap in enumerate(gaps):
        at = field if field == "gap" else f"{field}[{index}]"
        for name in ("risk", "tolerance", "excess", "remedy"):
            if not str(getattr(gap, name)).strip():
                raise InvalidArgument.of(f"{at}.{name}", _GAP_ASKS[name])


_GAP_ASKS = {
    "risk": "say what is short",
    "tolerance": "say against which tolerance, with its unit",
    "excess": "say by how much, with its unit",
    "remedy": "say what would make the answer yes",
}


def decider(case: Case, authority: Authority, role: str, now: datetime) -> Decider:
    """Who decided for the money, on what they saw."""
    return Decider(
        person=authority.person,
        on_behalf_of=authority.on_behalf_of,
        side=Side.MONEY,
        role=role,
        decided_at=now,
        revision=case.facts.number,
        gate_digest=case.gate_digest,
    )


def check_standing_apart(case: Case, facts: Revision, business: Iterable[str]) -> None:
    """Refuses a revision that puts a decider of the funding that stands on the business side.

    A revision that reopens the gate may: the new round is decided without that person.
    """
    stays = case.gate_digest == facts.gate_digest(case.gate)
    if not stays or case.state is not CaseState.STANDING:
        return
    legs = shared_people(case.people, business, "money", "business")
    if legs:
        raise PreconditionFailed(
            "SIDES_NOT_SEPARATE",
            "; ".join(leg.description for leg in legs)
            + f": have {case.name} voided, then others approve and confirm",
            legs=legs,
        )
