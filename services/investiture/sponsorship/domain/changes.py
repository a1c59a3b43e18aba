"""Changes of the charter and of the directory: two people, one date, nobody signs their own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from enum import StrEnum
from hashlib import sha256

from investiture.charter.difference import diff
from investiture.charter.model import Charter
from investiture.charter.policy import Approval
from investiture.charter.vocabulary import Purpose
from investiture.chassis.refusal import (
    Denied,
    FieldViolation,
    InvalidArgument,
    Leg,
    PreconditionFailed,
    Stale,
)
from investiture.sponsorship.domain.authority import decides
from investiture.sponsorship.domain.organisation import side_of
from investiture.sponsorship.domain.people import ImportPlan, Person

_WRONG_STATE = "WRONG_STATE"


class ChangeKind(StrEnum):
    """What a change changes. Values equal the API's enum names without their prefix."""

    CHARTER = "CHARTER"
    DIRECTORY = "DIRECTORY"


class ChangeState(StrEnum):
    """How far a change is. Values equal the API's enum names without their prefix."""

    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    EFFECTIVE = "EFFECTIVE"
    DECLINED = "DECLINED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Change:
    """A change that one person proposed and a second one has to sign.

    `document` is what is changed to: a charter's YAML, or people as JSON. `base_digest` is the
    charter that a new one was compared with. `gaining` are people who gain authority by it.
    """

    kind: ChangeKind
    proposer: str
    reason: str
    proposed_at: datetime
    digest: str
    document: str
    number: int = 0
    state: ChangeState = ChangeState.PROPOSED
    effective_at: datetime | None = None
    base_digest: str = ""
    differences: tuple[str, ...] = ()
    gaining: tuple[str, ...] = ()
    decided_by: str = ""
    decided_at: datetime | None = None
    comment: str = ""
    took_effect_at: datetime | None = None
    failure: str = ""
    version: int = 1

    @property
    def name(self) -> str:
        """Its resource name, `changes/{change}`."""
        return f"changes/{self.number}"

    @property
    def etag(self) -> str:
        """Changes with every version."""
        return sha256(f"{self.name}\n{self.version}".encode()).hexdigest()[:20]


def propose_charter(
    proposed: Charter,
    document: str,
    latest: Charter,
    proposer: str,
    reason: str,
    effective_at: datetime | None,
    now: datetime,
) -> Change:
    """A charter proposed in place of `latest`, the last one that two people signed.

    Refuses with INVALID_FIELD another charter's id, a version that is not higher, what says the
    same, and a date in the past or before the charter's own `effective` day.
    """
    wrong: list[FieldViolation] = []
    if proposed.id != latest.id:
        why = f"the charter in force is {latest.id!r}, this is {proposed.id!r}; keep the id"
        wrong.append(FieldViolation("document", why))
    elif proposed.digest == latest.digest:
        wrong.append(FieldViolation("document", "it says what the charter in force says already"))
    elif proposed.version <= latest.version:
        why = f"version {proposed.version} is not above {latest.version}; count it up"
        wrong.append(FieldViolation("document", why))
    opens = datetime.combine(proposed.effective, time(), UTC)
    if effective_at is not None and effective_at < now:
        wrong.append(FieldViolation("effective_at", "lies in the past; leave it unset for at once"))
    elif effective_at is not None and effective_at < opens:
        why = f"the charter says of itself that it is effective from {proposed.effective} on"
        wrong.append(FieldViolation("effective_at", why))
    if wrong:
        raise InvalidArgument(violations=wrong)
    return Change(
        kind=ChangeKind.CHARTER,
        proposer=proposer,
        reason=reason,
        proposed_at=now,
        digest=proposed.digest,
        document=document,
        effective_at=effective_at or (opens if opens > now else None),
        base_digest=latest.digest,
        differences=diff(latest, proposed),
    )


def propose_people(
    people: Sequence[Person],
    document: str,
    plan: ImportPlan,
    gaining: Sequence[str],
    proposer: str,
    reason: str,
    effective_at: datetime | None,
    now: datetime,
) -> Change:
    """People whose import waits for a second person. Refuses a date in the past."""
    if effective_at is not None and effective_at < now:
        raise InvalidArgument.of("effective_at", "lies in the past; leave it unset for at once")
    if proposer in gaining:
        raise Denied(
            "NOT_A_HOLDER",
            f"{proposer} would gain authority by their own import; importing gives none. "
            "Somebody else imports that row",
        )
    changed = {one.name: one for one in (*plan.added, *plan.changed)}
    return Change(
        kind=ChangeKind.DIRECTORY,
        proposer=proposer,
        reason=reason,
        proposed_at=now,
        digest=plan.digest,
        document=document,
        effective_at=effective_at,
        differences=tuple(
            _said(one, new=one in plan.added) for one in people if one.name in changed
        ),
        gaining=tuple(gaining),
    )


def _said(person: Person, *, new: bool) -> str:
    place = person.unit or person.guest_of
    grade = f", {person.grade}" if person.grade else ""
    return f"{'+' if new else '~'} {person.name}: {place}{grade}"


def gaining_authority(
    charter: Charter, present: Mapping[str, Person], plan: ImportPlan
) -> tuple[str, ...]:
    """Who could decide more after an import than before, by name.

    More is: a higher limit for a purpose, another side of the house, or an office of the charter
    (a head, a deputy, an approver, a seat, governance) that becomes theirs to act in.
    """
    offices = office_holders(charter)
    return tuple(
        sorted(
            one.name
            for one in (*plan.added, *plan.changed)
            if _gains(charter, offices, present.get(one.name), one)
        )
    )


def _gains(charter: Charter, offices: frozenset[str], before: Person | None, after: Person) -> bool:
    if not decides(charter, after):
        return False
    limits = _limits(charter, after)
    was_able = before is not None and decides(charter, before)
    if after.name in offices and not was_able:
        return True
    if not was_able or before is None:
        return bool(limits)
    held = _limits(charter, before)
    if any(purpose not in held or _above(most, held[purpose]) for purpose, most in limits.items()):
        return True
    moved = side_of(charter, before.unit) is not side_of(charter, after.unit)
    return moved and bool(limits or after.name in offices)


def _limits(charter: Charter, person: Person) -> Mapping[Purpose, int | None]:
    grade = next((one for one in charter.grades if one.id == person.grade), None)
    return {} if grade is None else grade.limits


def _above(limit: int | None, other: int | None) -> bool:
    """Whether a limit reaches farther than another; None is no limit at all."""
    return other is not None and (limit is None or limit > other)


def office_holders(charter: Charter) -> frozenset[str]:
    """Everybody whom the charter names: heads, approvers, seats, governance, countersigner."""
    levels: list[Approval] = [*charter.launch.go_roles]
    for tier in charter.funding_tiers:
        levels += tier.approvals
    for approvals in charter.review.approvals.values():
        levels += approvals
    named = {person for level in levels for person in level.of or ()}
    for unit in charter.units:
        named |= {unit.head, unit.deputy or ""}
    for committee in charter.committees:
        named |= {*committee.seats}
    named.add(charter.countersigner or "")
    return frozenset(named | {charter.governance.owner, charter.governance.deputy}) - {""}


def signers(charter: Charter) -> tuple[str, ...]:
    """Who may sign as the second: governance's owner and deputy, then the heads of the house."""
    top = (unit.head for unit in charter.units if unit.parent is None)
    governance = charter.governance
    return tuple(dict.fromkeys((governance.owner, governance.deputy, *top)))


def require_signer(
    charter: Charter, change: Change, person: str, able: Callable[[str], bool]
) -> None:
    """Refuses who may not sign as the second: not named for it, the proposer, or who gains."""
    possible = [
        one
        for one in signers(charter)
        if one != change.proposer and one not in change.gaining and able(one)
    ]
    if person in possible:
        return
    if person == change.proposer:
        why = f"{person} proposed {change.name}; a second person signs it"
    elif person in change.gaining:
        why = f"{person} gains authority by {change.name} and does not sign it"
    else:
        why = f"{person} does not sign changes"
    who = " or ".join(possible) or "nobody who is left: name governance in the directory first"
    raise Denied("NOT_A_HOLDER", f"{why}; that is for {who}")


def check_etag(change: Change, etag: str) -> None:
    """Refuses with STALE_ETAG unless the caller saw this version."""
    if etag != change.etag:
        raise Stale(change.name, change.etag, f"{change.name} changed since you read it")


def approved(change: Change, person: str, comment: str, latest: str, now: datetime) -> Change:
    """The change signed by its second person. `latest` is the digest of the newest charter signed.

    Refuses with WRONG_STATE what is decided, and a charter compared with an older one.
    """
    _require_proposed(change)
    if change.kind is ChangeKind.CHARTER and change.base_digest != latest:
        raise PreconditionFailed(
            _WRONG_STATE,
            f"{change.name} was compared with a charter that is no longer the newest",
            legs=(
                Leg(
                    "BASE",
                    change.name,
                    f"it changes {change.base_digest}; {latest} was signed meanwhile",
                    "propose it anew, so that what is signed is what changes",
                ),
            ),
        )
    return replace(
        change,
        state=ChangeState.APPROVED,
        decided_by=person,
        decided_at=now,
        comment=comment,
        effective_at=max(change.effective_at or now, now),
        version=change.version + 1,
    )


def declined(charter: Charter, change: Change, person: str, reason: str, now: datetime) -> Change:
    """The change ended, as a no of a signer or taken back by its proposer."""
    _require_proposed(change)
    if person not in (*signers(charter), change.proposer):
        raise Denied(
            "NOT_A_HOLDER",
            f"{person} neither proposed {change.name} nor signs changes; "
            f"{' or '.join((change.proposer, *signers(charter)))} may decline it",
        )
    return replace(
        change,
        state=ChangeState.DECLINED,
        decided_by=person,
        decided_at=now,
        comment=reason,
        version=change.version + 1,
    )


def effective(change: Change, now: datetime) -> Change:
    """An approved change after it took effect."""
    return replace(
        change, state=ChangeState.EFFECTIVE, took_effect_at=now, version=change.version + 1
    )


def failed(change: Change, why: str) -> Change:
    """An approved change that could not take effect at its date."""
    return replace(
        change,
        state=ChangeState.FAILED,
        failure=why,
        took_effect_at=None,
        version=change.version + 1,
    )


def as_of(change: Change, now: datetime) -> Change:
    """The change as it reads at `now`: a charter that two signed holds from its date on."""
    date = change.effective_at
    waiting = change.kind is ChangeKind.CHARTER and change.state is ChangeState.APPROVED
    if not waiting or date is None or date > now:
        return change
    return replace(change, state=ChangeState.EFFECTIVE, took_effect_at=date)


def _require_proposed(change: Change) -> None:
    if change.state is ChangeState.PROPOSED:
        return
    said = change.state.lower()
    raise PreconditionFailed(
        _WRONG_STATE,
        f"{change.name} is {said} already",
        legs=(Leg("STATE", change.name, f"it is {said}", "propose another change"),),
    )
