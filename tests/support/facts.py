"""Facts for tests: one believable revision, changed field by field."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from investiture.casework import case as cases
from investiture.casework.case import Case
from investiture.casework.facts import Decider, Revision
from investiture.casework.words import CaseState, Gate, Side, Verdict
from investiture.charter.timetable import Timetable

NOW = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
MATERIAL: Mapping[str, tuple[str, ...]] = {
    "PLEDGE": ("objective", "audiences", "channels", "amount", "sponsor"),
    "FUND": ("amount", "tranches", "category"),
    "KNIGHT": ("data_classes", "vendors", "exposure", "controls"),
    "PILOT": ("pilot_plan", "exposure"),
    "LAUNCH": ("objective", "exposure"),
    "PROVE": ("benefits",),
}

_BASE = Revision(
    program="programs/community",
    number=1,
    proposer="people/pia",
    sponsor="people/sam",
    owning_unit="units/support",
    amount_minor=100_000_00,
    currency="EUR",
    category="opex",
    exposure_bps=5_000,
    digest="",
    charter_digest="sha256:charter",
    submitted_at=NOW,
    gate_digests={},
    field_digests={},
    audiences=("customers",),
    channels=("forum",),
    data_classes=("personal",),
    benefit_owners=("people/bea",),
)


def revision(number: int = 1, **changes: Any) -> Revision:
    """A revision with digests that follow from what it says, as launch computes them."""
    texts = {key: changes.pop(key) for key in ("objective", "pilot_plan") if key in changes}
    made = replace(_BASE, number=number, **changes)
    known = {field.name: getattr(made, field.name) for field in fields(made)}
    said = {
        "objective": texts.get("objective", "help each other"),
        "pilot_plan": texts.get("pilot_plan", "50 customers"),
        "amount": known["amount_minor"],
        "tranches": (known["trial_minor"], known["pilot_minor"], known["general_minor"]),
        "exposure": known["exposure_bps"],
        "benefits": known["benefit_owners"],
        "sponsor": (known["sponsor"], known["counter_sponsor"]),
    }
    names = {name for material in MATERIAL.values() for name in material}
    digests = {name: _digest(said.get(name, known.get(name))) for name in names}
    return replace(
        made,
        field_digests=digests,
        gate_digests={
            gate: _digest([(name, digests[name]) for name in sorted(material)])
            for gate, material in MATERIAL.items()
        },
        digest=_digest(sorted(digests.items())),
    )


def _digest(value: object) -> str:
    return "sha256:" + sha256(repr(value).encode()).hexdigest()


def open_case(facts: Revision, gate: Gate = Gate.PLEDGE, round_: int = 1) -> Case:
    nudge, warn, overdue, second = (NOW + timedelta(hours=hours) for hours in (12, 19, 24, 36))
    return Case(
        name=f"{facts.program}/pledges/{round_}",
        program=facts.program,
        gate=gate,
        round=round_,
        facts=facts,
        state=CaseState.OPEN,
        version=1,
        timetable=Timetable(NOW, nudge, warn, overdue, second, "test@24x7"),
        opened_at=NOW,
        waiting_since=NOW,
        charter_digest="sha256:charter",
    )


def standing(facts: Revision, gate: Gate = Gate.PLEDGE) -> Case:
    decider = Decider(
        "people/sam", Side.BUSINESS, "sponsor", NOW, facts.number, facts.gate_digest(gate)
    )
    case = cases.with_decider(open_case(facts, gate), decider)
    return cases.decide(case, Verdict.PLEDGED, NOW, validity=timedelta(days=90))
