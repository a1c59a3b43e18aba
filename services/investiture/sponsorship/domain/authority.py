"""Who a person is at an instant, and with what authority for a purpose."""

from collections.abc import Iterable
from datetime import datetime

from investiture.casework.facts import Authority, Interest
from investiture.casework.words import Purpose
from investiture.charter.model import Charter
from investiture.charter.vocabulary import Purpose as Limited
from investiture.sponsorship.domain.delegations import Delegation, Limit, Party, in_force
from investiture.sponsorship.domain.organisation import (
    commanded_by,
    headed_by,
    side_of,
    superiors_of,
)
from investiture.sponsorship.domain.people import Person

_LIMITED = {purpose.value: purpose for purpose in Limited}


def own_limit(charter: Charter, person: Person, purpose: Purpose) -> Limit:
    """How far a person's grade reaches; none for who decides nothing, and for other purposes."""
    limited = _LIMITED.get(purpose.value)
    grade = next((one for one in charter.grades if one.id == person.grade), None)
    if limited is None or grade is None or not person.able or limited not in grade.limits:
        return Limit()
    minor = grade.limits[limited]
    return Limit(unlimited=True) if minor is None else Limit(minor)


def decides(charter: Charter, person: Person) -> bool:
    """Whether a person may decide anything: active staff, and who countersigns from outside."""
    return person.able or (person.active and person.name == charter.countersigner)


def heads_of(charter: Charter, person: Person) -> tuple[str, ...]:
    """Units that a person speaks for; none for who decides nothing, whatever the charter says."""
    return headed_by(charter, person.name) if person.able else ()


def seats_of(charter: Charter, person: Person) -> tuple[str, ...]:
    """Committees in which a person has a vote to lend, as `committees/{committee}`."""
    if not person.able:
        return ()
    return tuple(f"committees/{c.id}" for c in charter.committees if person.name in c.seats)


def party(charter: Charter, person: Person, purpose: Purpose) -> Party:
    """A person as one side of a delegation for a purpose."""
    return Party(
        person=person,
        side=side_of(charter, person.unit),
        own=own_limit(charter, person, purpose),
        heads=(*heads_of(charter, person), *seats_of(charter, person)),
    )


def lent_to(
    charter: Charter,
    person: Person,
    delegator: Person,
    purpose: Purpose,
    delegations: Iterable[Delegation],
    at: datetime,
) -> Delegation | None:
    """The delegation by which a person acts for a delegator at an instant; None where none holds.

    None holds either where the delegator has left, or where they stand on different sides by now.
    """
    if not delegator.able or side_of(charter, person.unit) is not side_of(charter, delegator.unit):
        return None
    between = [
        one
        for one in delegations
        if (one.delegator, one.delegate, one.purpose) == (delegator.name, person.name, purpose)
    ]
    return in_force(between, at, own_limit(charter, delegator, purpose))


def authority_of(
    charter: Charter,
    person: Person,
    purpose: Purpose,
    *,
    resolved_at: datetime,
    directory_digest: str,
    delegation: tuple[Delegation, Person] | None = None,
    interests: Iterable[Interest] = (),
    reports_to: Iterable[str] = (),
) -> Authority:
    """A person's authority: their own, or what a delegation lends them.

    With a delegation the limit is the lesser of what was lent and of what the delegator has now,
    and units are headed and commanded in the delegator's place; unit, side and grade stay the
    person's own. A delegation is never the ground of another: it lends what the delegator's grade
    says and nothing that was lent to them.
    """
    principal, lent = (person, None) if delegation is None else (delegation[1], delegation[0])
    own = own_limit(charter, principal, purpose)
    limit = own if lent is None else lent.limit(own)
    if not person.able:
        limit, principal = Limit(), person
    heads = heads_of(charter, principal)
    return Authority(
        person=person.name,
        active=person.active,
        side=side_of(charter, person.unit),
        unit=person.unit,
        grade=person.grade,
        limit_minor=limit.minor,
        limit_currency="" if limit.minor is None else charter.currency,
        unlimited=limit.unlimited,
        resolved_at=resolved_at,
        directory_digest=directory_digest,
        on_behalf_of="" if lent is None else lent.delegator,
        delegation="" if lent is None else lent.name,
        guest=person.guest and not decides(charter, person),
        heads=heads,
        commands=commanded_by(charter, heads),
        superiors=superiors_of(charter, principal.name, principal.unit),
        interests=tuple(interests),
        reports_to=tuple(dict.fromkeys(reports_to)),
    )
