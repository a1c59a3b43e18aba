"""What a decision binds to: one digest for each field, one for each gate, one for the whole.

A digest is `sha256:` and the hexadecimal SHA-256 of the value's canonical JSON (RFC 8785), so that
anybody can recompute it. Lists that are sets are sorted first; amounts are decimal strings of minor
units, because JSON readers lose integers beyond 2^53.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256

from investiture.casework.amounts import Amount
from investiture.casework.facts import Revision
from investiture.casework.words import Gate
from investiture.charter.model import Charter
from investiture.charter.vocabulary import MaterialField
from investiture.chassis.audit import canonical_json
from investiture.launch.domain.content import Benefit, Content, PilotPlan, Tranches

_UNSAID_BEFORE = frozenset({"people", "days"})


def digest_of(value: object) -> str:
    """`sha256:…` over the canonical JSON of `value`; TypeError for what has no such form."""
    return f"sha256:{sha256(canonical_json(value).encode()).hexdigest()}"


def field_values(content: Content, proposer: str) -> Mapping[MaterialField, object]:
    """The value of each field that a gate may declare material, as it is digested."""
    field = MaterialField
    return {
        field.TITLE: content.title,
        field.OBJECTIVE: content.objective,
        field.CUSTOMER_PROMISE: content.customer_promise,
        field.AUDIENCES: sorted(content.audiences),
        field.CHANNELS: sorted(content.channels),
        field.DATA_CLASSES: sorted(content.data_classes),
        field.VENDORS: sorted(content.vendors),
        field.AMOUNT: _amount(content.amount),
        field.TRANCHES: _tranches(content.split),
        field.EXPOSURE: content.exposure_bps,
        field.BENEFITS: sorted((_benefit(b) for b in content.benefits), key=lambda b: b["id"]),
        # Who pledges beside the sponsor is part of who pledges.
        field.SPONSOR: [content.sponsor, content.counter_sponsor],
        field.PROPOSER: proposer,
        field.STEWARD: content.steward,
        field.OWNING_UNIT: content.owning_unit,
        field.PILOT_PLAN: _pilot_plan(content.pilot_plan),
        field.RESPONSE_ROTA: sorted(content.response_rota),
        field.CONTROLS: sorted(content.controls),
        # The conditions choose the row of the table as much as the category does.
        field.CATEGORY: [content.category, *sorted(content.spend_conditions)],
        field.ENVELOPE: content.envelope,
    }


def revision_of(
    program: str, number: int, proposer: str, content: Content, charter: Charter, at: datetime
) -> Revision:
    """The facts of a revision submitted at `at`, with the digests that follow from them."""
    field_digests = {
        field.value: digest_of(value) for field, value in field_values(content, proposer).items()
    }
    delay, split = content.cost_of_delay_per_week, content.split
    whole = {
        "program": program,
        "number": number,
        "fields": field_digests,
        "it_liaison": content.it_liaison,
        "agency": content.agency,
        "cost_of_delay_per_week": _amount(delay) if delay else None,
        "charter_digest": charter.digest,
    }
    return Revision(
        program=program,
        number=number,
        proposer=proposer,
        sponsor=content.sponsor,
        counter_sponsor=content.counter_sponsor,
        owning_unit=content.owning_unit,
        amount_minor=content.amount.minor,
        currency=content.amount.currency,
        category=content.category,
        envelope=content.envelope,
        exposure_bps=content.exposure_bps,
        audiences=tuple(sorted(content.audiences)),
        channels=tuple(sorted(content.channels)),
        data_classes=tuple(sorted(content.data_classes)),
        vendors=tuple(sorted(content.vendors)),
        controls=tuple(sorted(content.controls)),
        benefit_owners=content.benefit_owners,
        spend_conditions=tuple(sorted(content.spend_conditions)),
        trial_minor=split.trial.minor,
        pilot_minor=split.pilot.minor,
        general_minor=split.general.minor,
        pilot_people=content.pilot_plan.people,
        pilot_days=content.pilot_plan.days,
        digest=digest_of(whole),
        charter_digest=charter.digest,
        submitted_at=at,
        field_digests=field_digests,
        gate_digests=gate_digests(field_digests, charter),
    )


def gate_digests(field_digests: Mapping[str, str], charter: Charter) -> Mapping[str, str]:
    """One digest for each gate, over the digests of the fields that it declares material."""
    return {
        gate.value: digest_of(
            {field: field_digests[field] for field in charter.material_of(gate.value)}
        )
        for gate in Gate
    }


def _amount(amount: Amount) -> Mapping[str, str]:
    return {"currency": amount.currency, "minor": str(amount.minor)}


def _tranches(split: Tranches) -> Mapping[str, object]:
    parts = {"trial": split.trial, "pilot": split.pilot, "general": split.general}
    return {stage: _amount(amount) for stage, amount in parts.items()}


def _benefit(benefit: Benefit) -> dict[str, str]:
    return {
        "id": benefit.id,
        "description": benefit.description,
        "measure": benefit.measure,
        "owner": benefit.owner,
        "baseline": repr(benefit.baseline),  # the shortest text that reads back as the same number
        "currency": benefit.low.currency,
        "low": str(benefit.low.minor),
        "likely": str(benefit.likely.minor),
        "high": str(benefit.high.minor),
    }


def _pilot_plan(plan: PilotPlan) -> Mapping[str, object]:
    said = asdict(plan)
    # What a plan does not say leaves its digest as it was before plans could say it.
    return {name: value for name, value in said.items() if value or name not in _UNSAID_BEFORE}
