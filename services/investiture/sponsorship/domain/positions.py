"""The positions of the units that a program touches: who is asked, what they say, what it means."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from investiture.casework.facts import Condition, Revision
from investiture.casework.words import Gate
from investiture.charter.model import Charter
from investiture.charter.ownership import lineage, required_positions
from investiture.charter.timetable import heard_until
from investiture.charter.vocabulary import Side
from investiture.chassis.refusal import FieldViolation, InvalidArgument
from investiture.sponsorship.domain import ballots
from investiture.sponsorship.domain.ballots import Ballot, Vote
from investiture.sponsorship.domain.committees import Choice, Outcome
from investiture.sponsorship.domain.organisation import find_unit, unit_name


class Speaker(Protocol):
    """Who says something, in whose name, and both of them."""

    @property
    def person(self) -> str:
        """Who acts."""
        ...

    @property
    def on_behalf_of(self) -> str:
        """In whose name; empty for their own."""
        ...

    @property
    def people(self) -> tuple[str, ...]:
        """The one and, where there is one, the other."""
        ...


Able = Callable[[str], bool]
"""Whether a person of this name is in the directory and may decide."""


class PositionKind(StrEnum):
    """What a unit says. Values equal the API's enum names without their prefix."""

    CONSENT = "CONSENT"
    CONSENT_WITH_CONDITIONS = "CONSENT_WITH_CONDITIONS"
    OBJECT = "OBJECT"
    RECUSE = "RECUSE"
    ABSTAIN = "ABSTAIN"
    HEARD_NO_ANSWER = "HEARD_NO_ANSWER"
    """Asked for its input and silent while it was heard. Nobody says this; it blocks nothing."""


class Resolution(StrEnum):
    """How an objection ended. Values equal the API's enum names without their prefix."""

    AMENDED = "AMENDED"
    CONDITIONED = "CONDITIONED"
    OVERRIDDEN = "OVERRIDDEN"
    SUSTAINED = "SUSTAINED"
    WITHDRAWN = "WITHDRAWN"


class PositionRole(StrEnum):
    """A unit's role in the decision, after RAPID."""

    AGREE = "AGREE"
    INPUT = "INPUT"
    INFORM = "INFORM"


CONSENTS = frozenset({PositionKind.CONSENT, PositionKind.CONSENT_WITH_CONDITIONS})


@dataclass(frozen=True, slots=True)
class Position:
    """A required position; `kind` is None while the unit has said nothing.

    `counts_with` is the sponsor whose pledge is this unit's Agree, because its head leads or
    proposes the program; such a unit is not asked. `recused` are those who cannot judge.
    `revision` and `gate_digest` say what the person saw. An objection stays on record with the way
    it ended; `arbiter` is who may end it over the unit's head. A unit without a veto is heard until
    `heard_until`. A unit with a committee answers by its `ballot`; where no unit stands above an
    objection, the committee above the top decides by the ballot of the `appeal`.
    """

    unit: str
    role: PositionRole
    relationships: tuple[str, ...] = ()
    kind: PositionKind | None = None
    person: str = ""
    on_behalf_of: str = ""
    grounds: str = ""
    harm: str = ""
    proposal: str = ""
    recorded_at: datetime | None = None
    revision: int = 0
    gate_digest: str = ""
    asked: str = ""
    counts_with: str = ""
    recused: tuple[str, ...] = ()
    heard_until: datetime | None = None
    arbiter: str = ""
    resolution: Resolution | None = None
    resolved_by: str = ""
    resolved_for: str = ""
    resolved_at: datetime | None = None
    resolution_reason: str = ""
    ballot: Ballot | None = None
    appeal: Ballot | None = None

    @property
    def agreed(self) -> bool:
        """Whether the unit consents; silence, an abstention and a recusal never do."""
        return self.kind in CONSENTS

    @property
    def objects(self) -> bool:
        """Whether the unit objects and nobody has ended that."""
        return self.kind is PositionKind.OBJECT and self.resolution is None

    @property
    def overridden(self) -> bool:
        """Whether the unit objects in vain."""
        return self.kind is PositionKind.OBJECT and self.resolution is Resolution.OVERRIDDEN

    @property
    def carried(self) -> tuple[Vote, ...]:
        """The votes by which its committee agreed; none where somebody else said it."""
        if self.ballot is None or not self.agreed:
            return ()
        if self.ballot.count.outcome is not Outcome.CARRIED:
            return ()
        return self.ballot.saying(Choice.YES)

    @property
    def before_the_board(self) -> Ballot | None:
        """The vote above the top of the house, while it can decide; None where it cannot."""
        if self.appeal is None or self.appeal.count.outcome is Outcome.NO_QUORUM:
            return None
        return self.appeal

    @property
    def members_asked(self) -> tuple[str, ...]:
        """The members of its committee whose word is asked; none where it needs no more."""
        return () if self.ballot is None or self.agreed else self.ballot.asked

    @property
    def outstanding(self) -> bool:
        """Whether the pledge cannot stand before this unit consents or is overridden."""
        return self.role is PositionRole.AGREE and not self.agreed and not self.overridden


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a program has to ask, and what the charter leaves open."""

    positions: tuple[Position, ...]
    unowned: tuple[str, ...]
    contested: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """What a person says for a unit; grounds, harm and proposal belong to an objection."""

    kind: PositionKind
    grounds: str = ""
    harm: str = ""
    proposal: str = ""
    conditions: tuple[Condition, ...] = ()


def ask(charter: Charter, facts: Revision, able: Able, now: datetime) -> Asked:
    """Whom a revision has to ask, from its audiences and channels by the charter's ownership."""
    until = heard_until(charter, now)
    owning = facts.owning_unit.removeprefix("units/")
    required = required_positions(charter, facts.audiences, facts.channels, owning)
    roles = (
        (PositionRole.AGREE, required.agree),
        (PositionRole.INPUT, required.input_),
        (PositionRole.INFORM, required.inform),
    )
    positions = [
        Position(
            unit_name(unit),
            role,
            required.through.get(unit, ()),
            heard_until=until if role is PositionRole.INPUT else None,
        )
        for role, units in roles
        for unit in units
    ]
    return Asked(
        positions=tuple(_addressed(charter, facts, one, able, now) for one in positions),
        unowned=required.unowned,
        contested=required.contested,
    )


def as_of(position: Position, now: datetime) -> Position:
    """The position as it reads at `now`: input that has not come in its window was heard silent."""
    until = position.heard_until
    if position.kind is not None or until is None or until > now:
        return position
    return replace(position, kind=PositionKind.HEARD_NO_ANSWER, recorded_at=until, asked="")


def _addressed(
    charter: Charter, facts: Revision, position: Position, able: Able, now: datetime
) -> Position:
    unit = find_unit(charter, position.unit)
    if position.role is PositionRole.INFORM or unit is None:
        return position
    if position.role is PositionRole.AGREE and unit.committee is not None:
        # The head answers no more than any other member: a pledge of theirs is not its yes.
        ballot = ballots.opened(charter, unit.committee, facts.business_people, able, now)
        return passed_on(charter, facts, replace(position, ballot=ballot), able)
    if position.role is PositionRole.AGREE and unit.head in facts.business_people:
        pledges = unit.head in (facts.sponsor, facts.counter_sponsor)
        counts_with = unit.head if pledges else facts.sponsor
        return replace(position, counts_with=counts_with, asked=unit.head)
    return replace(position, asked=next_asked(charter, facts, position, able))


def passed_on(charter: Charter, facts: Revision, position: Position, able: Able) -> Position:
    """The position with who is asked above the unit, where its committee has no quorum."""
    ballot = position.ballot
    if ballot is None or not position.outstanding:
        return position
    if ballot.count.outcome is not Outcome.NO_QUORUM:
        return position
    return replace(position, asked=next_asked(charter, facts, position, able))


def next_asked(charter: Charter, facts: Revision, position: Position, able: Able) -> str:
    """Who is asked for a unit: its head, its deputy, then the next above; empty where nobody is.

    Who recused themselves, has left, or stands for the program as its sponsor or proposer is
    passed over.
    """
    return next(
        (
            name
            for name in spokespeople(charter, position)
            if name not in facts.business_people and able(name)
        ),
        "",
    )


def spokespeople(charter: Charter, position: Position) -> tuple[str, ...]:
    """Who may speak for a unit, nearest first, without those who recused themselves.

    In the place of its committee the heads above it. Above a unit that must agree only the business
    side speaks for it. Last comes who countersigns from outside, where the charter names somebody
    (architecture.md, law 7).
    """
    unit = find_unit(charter, position.unit)
    if unit is None:
        return ()
    own = [name for name in (unit.head, unit.deputy) if name and position.ballot is None]
    above = (one for one in lineage(charter, unit.id) if one is not unit)
    agrees = position.role is PositionRole.AGREE
    line = own + [one.head for one in above if one.side is Side.BUSINESS or not agrees]
    if charter.countersigner is not None:
        line.append(charter.countersigner)
    return tuple(dict.fromkeys(person for person in line if person not in position.recused))


def check_statement(
    charter: Charter, position: Position, said: Statement, present: Able, now: datetime
) -> None:
    """Refuses, by field, what a unit cannot say.

    An objection needs grounds inside the unit's declared scope, a harm and a proposal; conditions
    come with CONSENT_WITH_CONDITIONS, only from a unit that must agree, and each names its owner,
    who is `present`, and a later gate that it blocks.
    """
    wrong = [
        *_objection(charter, position, said),
        *_conditions(position, said),
        *(v for i, one in enumerate(said.conditions) for v in _condition(i, one, present, now)),
    ]
    if wrong:
        raise InvalidArgument(violations=wrong)


def _objection(charter: Charter, position: Position, said: Statement) -> Iterable[FieldViolation]:
    if said.kind is not PositionKind.OBJECT:
        return
    unit = find_unit(charter, position.unit)
    scope = () if unit is None else unit.scope
    if said.grounds not in scope:
        among = ", ".join(scope) or "none: its scope is empty"
        yield FieldViolation("grounds", f"{position.unit} may object on these grounds: {among}")
    if not said.harm.strip():
        yield FieldViolation("harm", "say which harm the unit sees")
    if not said.proposal.strip():
        yield FieldViolation("proposal", "say what the unit proposes instead")


def _conditions(position: Position, said: Statement) -> Iterable[FieldViolation]:
    conditional = said.kind is PositionKind.CONSENT_WITH_CONDITIONS
    if conditional and not said.conditions:
        yield FieldViolation("conditions", "say what has to hold, or consent without conditions")
    if said.conditions and not conditional:
        yield FieldViolation("conditions", "come with CONSENT_WITH_CONDITIONS only")
    if conditional and position.role is not PositionRole.AGREE:
        yield FieldViolation(
            "kind", f"{position.unit} is heard and has no veto: it objects, or says so in words"
        )


def _condition(
    index: int, condition: Condition, present: Able, now: datetime
) -> Iterable[FieldViolation]:
    at = f"conditions[{index}]"
    if not condition.text.strip():
        yield FieldViolation(f"{at}.text", "say what has to hold")
    if not present(condition.owner):
        why = f"{condition.owner!r} is nobody of the directory; name who sees to it, as people/…"
        yield FieldViolation(f"{at}.owner", why)
    if condition.due_at is not None and condition.due_at <= now:
        yield FieldViolation(f"{at}.due_at", "give a date in the future, or none")
    if condition.blocks is Gate.PLEDGE:
        yield FieldViolation(f"{at}.blocks", "a condition of the pledge blocks a later gate")


def said_by(
    position: Position,
    said: Statement,
    authority: Speaker,
    seen: tuple[int, str],
    now: datetime,
) -> Position:
    """The position with what was said on a revision and gate digest that the person saw.

    Whom to ask next is `next_asked`; who recused themselves is not asked again. An objection that
    the unit no longer upholds stays on record as conditioned, amended where the program was
    revised since, or withdrawn.
    """
    recused = position.recused
    if said.kind is PositionKind.RECUSE:
        recused = tuple(dict.fromkeys((*recused, *authority.people)))
    moved = replace(
        position,
        kind=said.kind,
        person=authority.person,
        on_behalf_of=authority.on_behalf_of,
        recorded_at=now,
        revision=seen[0],
        gate_digest=seen[1],
        asked="",
        recused=recused,
        arbiter="",
        appeal=None,
    )
    if said.kind is PositionKind.OBJECT:
        return replace(
            moved,
            grounds=said.grounds,
            harm=said.harm,
            proposal=said.proposal,
            resolution=None,
            resolved_by="",
            resolved_for="",
            resolved_at=None,
            resolution_reason="",
        )
    if not position.objects:
        return moved
    if said.kind is PositionKind.CONSENT_WITH_CONDITIONS:
        return resolved(moved, Resolution.CONDITIONED, authority, "", now)
    amended = said.kind is PositionKind.CONSENT and seen[0] > position.revision
    ended = Resolution.AMENDED if amended else Resolution.WITHDRAWN
    return resolved(moved, ended, authority, "", now)


def resolved(
    position: Position, resolution: Resolution, authority: Speaker, reason: str, now: datetime
) -> Position:
    """The position with its objection ended, by whom, in whose name and why."""
    return replace(
        position,
        resolution=resolution,
        resolved_by=authority.person,
        resolved_for=authority.on_behalf_of,
        resolved_at=now,
        resolution_reason=reason,
    )
