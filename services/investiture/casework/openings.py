"""What an opening does to a gate that may have a case already.

The one rule for revisions, voids and expiries.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from investiture.casework.case import CarriedNotice, Case, supersede
from investiture.casework.facts import Revision
from investiture.casework.words import Basis, CaseState, Gate
from investiture.charter.model import Charter
from investiture.chassis.refusal import PreconditionFailed

BPS = 10_000
_MONEY_FIELDS = frozenset({"amount", "tranches"})
_EXPOSURE_FIELD = "exposure"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a decision may be carried, cumulatively from what its deciders saw.

    A decrease is always inside.
    """

    material: frozenset[str]
    amount_increase_bps: int = 0
    exposure_increase_bps: int = 0


def tolerance_of(rules: Charter, gate: Gate) -> Tolerance:
    """What a charter tolerates at a gate."""
    allowed = rules.tolerance(gate.value)
    return Tolerance(
        material=rules.material_of(gate.value),
        amount_increase_bps=allowed.amount_increase_bps,
        exposure_increase_bps=allowed.exposure_increase_bps,
    )


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a gate that holds something says of a revision of what it decided.

    `notes` is what the deciders are told where it is carried, else why the gate reopens.
    """

    carried: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """The present case goes on; `changed` says whether it has to be saved."""

    case: Case
    changed: bool


@dataclass(frozen=True, slots=True)
class Fresh:
    """A new round opens; the older case, if any, is superseded in the same transaction."""

    round: int
    superseded: Case | None


def changed_fields(old: Revision, new: Revision, material: frozenset[str]) -> tuple[str, ...]:
    """Material fields whose digests differ, sorted."""
    return tuple(
        sorted(
            name for name in material if old.field_digests.get(name) != new.field_digests.get(name)
        )
    )


def within_tolerance(
    decided: Revision, new: Revision, tolerance: Tolerance, *, same_tier: bool
) -> bool:
    """Whether every material change since the decision lies within the charter's tolerance."""
    changed = frozenset(changed_fields(decided, new, tolerance.material))
    if changed - _MONEY_FIELDS - {_EXPOSURE_FIELD}:
        return False
    if changed & _MONEY_FIELDS:
        if decided.currency != new.currency:
            return False
        grown = new.amount_minor - decided.amount_minor
        allowed = grown * BPS <= decided.amount_minor * tolerance.amount_increase_bps
        if grown > 0 and not (allowed and same_tier):
            return False
    if _EXPOSURE_FIELD in changed:
        grown = new.exposure_bps - decided.exposure_bps
        if grown > 0 and grown * BPS > decided.exposure_bps * tolerance.exposure_increase_bps:
            return False
    return True


def differences(old: Revision, new: Revision, changed: tuple[str, ...]) -> tuple[str, ...]:
    """One line a changed field, with figures where there are any."""
    lines: list[str] = []
    for name in changed:
        if name == "amount":
            lines.append(
                f"amount: {old.amount_minor} → {new.amount_minor} minor units of {new.currency}"
            )
        elif name == _EXPOSURE_FIELD:
            lines.append(f"exposure: {old.exposure_bps} → {new.exposure_bps} basis points")
        else:
            lines.append(f"{name} changed")
    return tuple(lines)


def reopen(
    present: Case | None,
    facts: Revision,
    gate: Gate,
    tolerance: Tolerance,
    now: datetime,
    *,
    same_tier: bool = True,
    weighed: "Weighed | None" = None,
    fits: bool = True,
) -> Kept | Fresh:
    """Decides what an opening for `facts` does; `present` is the newest case as it reads at `now`.

    A gate that has weighed a revision itself (`Weighed`) is not asked for its tolerance. What a
    standing decision decided has no tolerance beyond its caps: `fits` says that it is within them.

    Refuses with REVISION_SUPERSEDED an opening for an older revision than the case has seen.
    """
    if present is None:
        return Fresh(1, None)
    if facts.number < present.facts.number:
        raise PreconditionFailed(
            "REVISION_SUPERSEDED",
            f"revision {facts.number} of {facts.program} was superseded by revision "
            f"{present.facts.number}; open the case for that one",
        )
    if present.state in (CaseState.DECLINED, CaseState.RELEASED):
        return Kept(present, changed=False)
    if present.state in (CaseState.VOIDED, CaseState.EXPIRED, CaseState.SUPERSEDED):
        older = None if present.state is CaseState.SUPERSEDED else present
        return Fresh(present.round + 1, older)
    if present.gate_digest == facts.gate_digest(gate) and fits:
        moved = present.facts.number != facts.number
        return Kept(replace(present, facts=facts) if moved else present, changed=moved)
    standing = present.decided if present.state is CaseState.STANDING else None
    if present.basis is Basis.STANDING_DECISION:
        within = False
    elif weighed is not None:
        within = weighed.carried
    else:
        within = standing is not None and within_tolerance(
            standing, facts, tolerance, same_tier=same_tier
        )
    if standing is not None and within:
        notes = weighed.notes if weighed else ()
        return Kept(carry(present, facts, tolerance, now, notes), changed=True)
    return Fresh(present.round + 1, present)


def carry(
    case: Case, facts: Revision, tolerance: Tolerance, now: datetime, notes: tuple[str, ...] = ()
) -> Case:
    """The decision carried to a later revision, with a notice to its deciders."""
    changed = changed_fields(case.facts, facts, tolerance.material)
    notice = CarriedNotice(
        from_revision=case.facts.number,
        to_revision=facts.number,
        changes=(*differences(case.facts, facts, changed), *notes),
        people=tuple(sorted(case.people)),
        at=now,
    )
    return replace(case, facts=facts, basis=Basis.CARRIED, notices=(*case.notices, notice))


def superseded(case: Case, now: datetime) -> Case:
    """The older case of a gate that reopened; a void or an expiry keeps its own name."""
    if case.state in (CaseState.VOIDED, CaseState.EXPIRED):
        return case
    return supersede(case, now)
