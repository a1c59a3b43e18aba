"""Who is there to decide: people as the directory last published them, and the orphan rule.

Pure. What is not known of a person is not held against them: the decision itself asks the
directory. An absence gives and takes no authority: who is away may decide, and is not waited for.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from investiture.casework.case import GOVERNANCE, Candidate, Case, Holder
from investiture.casework.words import Purpose


@dataclass(frozen=True, slots=True)
class Away:
    """An absence; without an end until it is cleared. `deputy` says whom to ask first."""

    starts_at: datetime
    ends_at: datetime | None = None
    deputy: str = ""

    def holds(self, at: datetime) -> bool:
        """Whether the person is away at an instant."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


@dataclass(frozen=True, slots=True)
class Loan:
    """Authority that a person lends to `delegate` for one purpose."""

    delegate: str
    purpose: Purpose
    starts_at: datetime
    ends_at: datetime

    def holds(self, at: datetime) -> bool:
        """Whether it is in force at an instant."""
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Standing:
    """A person as published: whether they may decide at all, when they are away, who acts then.

    A guest is not able; the charter may name one who countersigns from outside all the same.
    """

    person: str
    able: bool = True
    absences: tuple[Away, ...] = ()
    loans: tuple[Loan, ...] = ()
    guest: bool = False

    @property
    def plain(self) -> bool:
        """Whether there is nothing to say of the person: able, never away, lending nothing."""
        return self.able and not self.absences and not self.loans

    def away(self, at: datetime) -> Away | None:
        """The absence that holds at an instant; None for who is there."""
        return next((one for one in self.absences if one.holds(at)), None)

    def turns_at(self, after: datetime) -> datetime | None:
        """The next instant at which an absence or a loan begins or ends; None for never."""
        spans = [(one.starts_at, one.ends_at) for one in self.absences]
        spans += [(one.starts_at, one.ends_at) for one in self.loans]
        return min((at for span in spans for at in span if at and at > after), default=None)


class RollCall:
    """Who is there at one instant; each person is looked up once.

    `outside` is who countersigns from outside by the charter, who may be a guest.
    """

    def __init__(
        self, look: Callable[[str], Standing | None], at: datetime, outside: str | None = None
    ) -> None:
        self._look = look
        self._at = at
        self._outside = outside
        self._known: dict[str, Standing] = {}

    def of(self, person: str) -> Standing:
        """The person's standing."""
        if person not in self._known:
            self._known[person] = self._look(person) or Standing(person)
        return self._known[person]

    def able(self, person: str) -> bool:
        """Whether the person may decide anything at all: active staff, as far as is known."""
        standing = self.of(person)
        return standing.able or (standing.guest and person == self._outside)

    def there(self, person: str, purpose: Purpose | None) -> bool:
        """Whether the person, or a delegate of theirs for the purpose, is there to decide."""
        standing = self.of(person)
        if not self.able(person):
            return False
        if standing.away(self._at) is None:
            return True
        return any(
            self.able(loan.delegate) and self.of(loan.delegate).away(self._at) is None
            for loan in standing.loans
            if loan.purpose is purpose and loan.holds(self._at)
        )

    def deputy(self, person: str) -> str:
        """Whom the person wants asked first while they are away; empty where they named nobody."""
        away = self.of(person).away(self._at)
        return away.deputy if away else ""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a case that somebody has to decide: how many people, for which purpose.

    `serves` says of a role, a person and a unit whether that holder has the part in hand;
    `barred` are those who may not: they stand on another side, recused themselves, were heard.
    A part that is not `vital` raises no alarm.
    """

    serves: Callable[[Holder], bool]
    purpose: Purpose | None = None
    count: int = 1
    barred: frozenset[str] = frozenset()
    vital: bool = True


def anybodys(purpose: Purpose | None, count: int = 1, barred: Iterable[str] = ()) -> Part:
    """A part that every holder but governance has in hand."""
    return Part(lambda held: held.role != GOVERNANCE, purpose, count, frozenset(barred))


def attended(
    case: Case,
    parts: Sequence[Part],
    chain: Callable[[], Sequence[Candidate]],
    roll: RollCall,
    now: datetime,
) -> Case:
    """The case that needs somebody's word in the hands of people who are there.

    Who has left holds nothing any more; who is away keeps what they hold. A part with too few
    holders who are there gets the next of the chain at once. Where the chain has nobody either,
    that is an alarm, and governance holds the case beside the others until it is over.
    """
    if not (case.pending or case.asked):
        return case
    holders = [h for h in case.holders if roll.able(h.person) and not _by_alarm(h)]
    asked: list[Candidate] | None = None
    short = False
    for part in parts:
        there = {h.person for h in holders if part.serves(h) and _free(h.person, part, roll)}
        if len(there) < part.count:
            asked = list(chain()) if asked is None else asked
            for one in _in_turn(asked, part, holders, roll, now):
                if len(there) < part.count:
                    holders.append(one)
                    there.add(one.person)
        short = short or (part.vital and len(there) < part.count)
    if short:
        holders += _governing(case, list(chain()) if asked is None else asked, roll, now)
    if tuple(holders) == case.holders and short == case.no_eligible_holder:
        return case
    return replace(case, holders=tuple(holders), no_eligible_holder=short)


def callable_chain(
    chain: Iterable[Candidate], parts: Sequence[Part], roll: RollCall, now: datetime
) -> list[Candidate]:
    """The candidates whom an escalation may add: who is there, then governance in any case."""
    return [one for one in chain if one.role == GOVERNANCE or _callable(one, parts, roll, now)]


def _callable(one: Candidate, parts: Sequence[Part], roll: RollCall, now: datetime) -> bool:
    serving = [p for p in parts if p.serves(Holder(one.person, one.role, now, one.unit))]
    purposes = [part.purpose for part in serving] or [None]
    return any(roll.there(one.person, purpose) for purpose in purposes)


def _free(person: str, part: Part, roll: RollCall) -> bool:
    return person not in part.barred and roll.there(person, part.purpose)


def _in_turn(
    chain: Sequence[Candidate],
    part: Part,
    holders: Sequence[Holder],
    roll: RollCall,
    now: datetime,
) -> Iterable[Holder]:
    """Who may be added for a part: whom an absent holder names first, then by the chain."""
    wanted = {roll.deputy(h.person) for h in holders if part.serves(h)}
    line = [Holder(one.person, one.role, now, one.unit) for one in chain]
    able = [one for one in line if part.serves(one) and _free(one.person, part, roll)]
    held = {h.person for h in holders if part.serves(h)}
    for one in sorted(able, key=lambda found: found.person not in wanted):
        if one.person not in held:
            held.add(one.person)
            yield one


def _governing(
    case: Case, chain: Sequence[Candidate], roll: RollCall, now: datetime
) -> Iterable[Holder]:
    """Governance, those of it who are there if any is; who holds it already stays as they are."""
    before = {h.person: h for h in case.holders if h.role == GOVERNANCE}
    names = [one.person for one in chain if one.role == GOVERNANCE]
    there = [name for name in names if roll.there(name, None)]
    stepped = {name for name, held in before.items() if not _by_alarm(held)}
    for name in there or names:
        if name not in stepped:
            yield before.get(name) or Holder(name, GOVERNANCE, now)


def _by_alarm(held: Holder) -> bool:
    return held.role == GOVERNANCE and held.added_by is None
