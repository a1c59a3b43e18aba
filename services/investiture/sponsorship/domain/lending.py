"""Delegations that come in bulk: every row by the rules of a single one, and the rows together."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from investiture.casework.amounts import Amount
from investiture.casework.words import Purpose
from investiture.charter.model import Charter
from investiture.chassis.refusal import (
    FieldViolation,
    InvalidArgument,
    PreconditionFailed,
    Refusal,
)
from investiture.sponsorship.domain.authority import party
from investiture.sponsorship.domain.delegations import Delegation, draw_up
from investiture.sponsorship.domain.people import Person

_ROWS = "delegations"


@dataclass(frozen=True, slots=True)
class Row:
    """One delegation as it is to be imported; no start means now, no limit the delegator's own."""

    delegator: str
    delegate: str
    purpose: Purpose
    limit: Amount | None
    starts_at: datetime | None
    ends_at: datetime


def plan_lending(
    charter: Charter,
    people: Mapping[str, Person],
    present: Sequence[Delegation],
    rows: Sequence[tuple[str, Row]],
    importer: str,
    now: datetime,
) -> tuple[Delegation, ...]:
    """The delegations that rows make, each under its name; all of them or none.

    Refuses with INVALID_FIELD, each field by the path of its row: people who are not in the
    directory, what a single delegation is refused for, two that overlap, delegations in a circle,
    and one to who imports: an importer gains no authority by importing. `present` are delegations
    that have not ended.
    """
    wrong: list[FieldViolation] = []
    made: list[tuple[int, Delegation]] = []
    for index, (name, row) in enumerate(rows):
        at = f"{_ROWS}[{index}]"
        found = [*_strangers(people, row, importer, at)]
        if not found:
            try:
                made.append((index, _drawn(charter, people, name, row, now)))
            except Refusal as refusal:
                found += _told(refusal, row, at)
        wrong += found
    wrong += _overlapping(present, made)
    wrong += _circles(present, made)
    if wrong:
        raise InvalidArgument(violations=wrong)
    return tuple(one for _, one in made)


def refuse_mutual(made: Delegation, back: Iterable[Delegation]) -> None:
    """Refuses a delegation to who lends to the delegator for the same purpose and time."""
    for one in back:
        if one.revoked_at is None and _overlap(one, made):
            raise InvalidArgument.of("delegate", _circle_of((made.delegator, made.delegate), one))


def _strangers(
    people: Mapping[str, Person], row: Row, importer: str, at: str
) -> Iterator[FieldViolation]:
    for field in ("delegator", "delegate"):
        name: str = getattr(row, field)
        if name not in people:
            yield FieldViolation(f"{at}.{field}", f"{name} is not in the directory")
    if row.delegate == importer:
        why = "an importer gains no authority by importing; somebody else imports this one"
        yield FieldViolation(f"{at}.delegate", why)


def _drawn(
    charter: Charter, people: Mapping[str, Person], name: str, row: Row, now: datetime
) -> Delegation:
    if row.limit is not None and row.limit.currency != charter.currency:
        raise InvalidArgument.of("limit", f"limits are in {charter.currency}, as the charter says")
    return draw_up(
        name,
        party(charter, people[row.delegator], row.purpose),
        party(charter, people[row.delegate], row.purpose),
        row.purpose,
        row.limit,
        (row.starts_at, row.ends_at),
        now,
    )


def _told(refusal: Refusal, row: Row, at: str) -> Iterator[FieldViolation]:
    """A refusal of one delegation as what is wrong with its row."""
    if isinstance(refusal, InvalidArgument):
        for one in refusal.violations:
            yield replace(one, field=f"{at}.{one.field}")
    elif isinstance(refusal, PreconditionFailed):
        for leg in refusal.legs:
            lends = "limit" if row.limit is not None else "delegator"
            field = "delegate" if leg.subject == row.delegate else lends
            yield FieldViolation(f"{at}.{field}", f"{leg.description}; {leg.remedy}")
    else:
        yield FieldViolation(f"{at}.delegator", refusal.message)


def _overlapping(
    present: Iterable[Delegation], made: Sequence[tuple[int, Delegation]]
) -> Iterator[FieldViolation]:
    """Rows that lend what another row, or a delegation there is, lends at the same time."""
    lent: dict[tuple[str, str, Purpose], list[tuple[str, Delegation]]] = defaultdict(list)
    for one in present:
        lent[_lends(one)].append((one.name, one))
    for index, one in made:
        for said, other in lent[_lends(one)]:
            if _overlap(one, other):
                why = f"overlaps with {said}; let one begin when the other ends, or drop one"
                yield FieldViolation(f"{_ROWS}[{index}].delegate", why)
                break
        lent[_lends(one)].append((f"row {index + 1}", one))


def _circles(
    present: Iterable[Delegation], made: Sequence[tuple[int, Delegation]]
) -> Iterator[FieldViolation]:
    """Rows that close a circle: whose authority they lend is lent back for the same time."""
    by_purpose: dict[Purpose, list[Delegation]] = defaultdict(list)
    for one in (*present, *(row for _, row in made)):
        by_purpose[one.purpose].append(one)
    cores = {purpose: _core(lent) for purpose, lent in by_purpose.items()}
    for index, one in made:
        way = _way_back(one, cores[one.purpose])
        if way:
            said = " → ".join((one.delegator, *way))
            yield FieldViolation(
                f"{_ROWS}[{index}].delegate", f"delegations in a circle: {said}; break it"
            )


def _core(lent: Sequence[Delegation]) -> Mapping[str, list[Delegation]]:
    """What may lie on a circle, by delegator: who lends nothing, or is lent nothing, does not."""
    while True:
        lending = {one.delegator for one in lent}
        holding = {one.delegate for one in lent}
        kept = [one for one in lent if one.delegator in holding and one.delegate in lending]
        if len(kept) == len(lent):
            break
        lent = kept
    core: dict[str, list[Delegation]] = defaultdict(list)
    for one in lent:
        core[one.delegator].append(one)
    return core


def _way_back(start: Delegation, core: Mapping[str, Sequence[Delegation]]) -> tuple[str, ...]:
    """The people from a delegation's delegate back to its delegator; empty where there is none."""
    if start not in core.get(start.delegator, ()):
        return ()
    came_from: dict[str, str] = {start.delegate: ""}
    waiting = [start.delegate]
    while waiting:
        here = waiting.pop(0)
        if here == start.delegator:
            way = [here]
            while came_from[way[-1]]:
                way.append(came_from[way[-1]])
            return tuple(reversed(way))
        for one in core.get(here, ()):
            if one.delegate not in came_from and _overlap(one, start):
                came_from[one.delegate] = here
                waiting.append(one.delegate)
    return ()


def _lends(one: Delegation) -> tuple[str, str, Purpose]:
    return one.delegator, one.delegate, one.purpose


def _overlap(one: Delegation, other: Delegation) -> bool:
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at


def _circle_of(people: tuple[str, str], back: Delegation) -> str:
    return (
        f"{people[1]} lends to {people[0]} for the same purpose and time ({back.name}); "
        "delegations in a circle lend nothing: revoke one first"
    )
