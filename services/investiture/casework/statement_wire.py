"""Statements as the API signs them, to and from what the domain decides on."""

from collections.abc import Iterable

from investiture.api.common.v1 import statements_pb2
from investiture.casework.facts import (
    Ending,
    Revision,
    StandingIncident,
    StandingRef,
    TrialRun,
    Warrant,
)
from investiture.casework.instants import (
    instant,
    required_instant,
    stamp,
)
from investiture.casework.vocabulary import (
    BASES,
    GATES,
    OUTCOMES,
    VERDICTS,
)
from investiture.casework.wire import (
    condition_of,
    condition_to,
    decider_of,
    decider_to,
    emergency_of,
    emergency_to,
    standing_ref_of,
    standing_ref_to,
    trial_run_to,
)


def warrant_to(warrant: Warrant) -> statements_pb2.Warrant:
    """The statement of a warrant."""
    return statements_pb2.Warrant(
        program=warrant.program,
        gate=GATES.to(warrant.gate),
        revision=warrant.revision,
        gate_digest=warrant.gate_digest,
        case_name=warrant.case_name,
        case_version=warrant.case_version,
        verdict=VERDICTS.to(warrant.verdict),
        basis=BASES.to(warrant.basis),
        deciders=[decider_to(d) for d in warrant.deciders],
        conditions=[condition_to(c) for c in warrant.conditions],
        exposure_limit_bps=warrant.exposure_limit_bps,
        issued_at=stamp(warrant.issued_at),
        standing_until=stamp(warrant.standing_until),
        charter_digest=warrant.charter_digest,
        ceiling=(
            statements_pb2.Amount(
                currency_code=warrant.ceiling_currency, minor=warrant.ceiling_minor
            )
            if warrant.ceiling_currency
            else None
        ),
        business_people=warrant.business_people,
        standing_decision=standing_ref_to(warrant.standing_decision),
        standing_decision_ended=warrant.standing_decision_ended,
        emergency=emergency_to(warrant.emergency),
    )


def warrant_of(message: statements_pb2.Warrant) -> Warrant:
    """A warrant from its statement."""
    return Warrant(
        program=message.program,
        gate=GATES.of(message.gate),
        revision=message.revision,
        gate_digest=message.gate_digest,
        case_name=message.case_name,
        case_version=message.case_version,
        verdict=VERDICTS.of(message.verdict),
        basis=BASES.of(message.basis),
        deciders=tuple(decider_of(d) for d in message.deciders),
        issued_at=required_instant(message, "issued_at"),
        standing_until=instant(message, "standing_until"),
        charter_digest=message.charter_digest,
        conditions=tuple(condition_of(c) for c in message.conditions),
        exposure_limit_bps=message.exposure_limit_bps,
        ceiling_minor=message.ceiling.minor,
        ceiling_currency=message.ceiling.currency_code,
        business_people=tuple(message.business_people),
        standing_decision=standing_ref_of(message.standing_decision),
        standing_decision_ended=message.standing_decision_ended,
        emergency=emergency_of(message.emergency),
    )


def revision_to(
    revision: Revision,
    incidents: Iterable[StandingIncident] = (),
    trial_runs: Iterable[TrialRun] = (),
) -> statements_pb2.RevisionStatement:
    """The statement of a revision, with what ended standing decisions and what trials showed."""
    return statements_pb2.RevisionStatement(
        program=revision.program,
        revision=revision.number,
        proposer=revision.proposer,
        sponsor=revision.sponsor,
        counter_sponsor=revision.counter_sponsor,
        owning_unit=revision.owning_unit,
        audiences=revision.audiences,
        channels=revision.channels,
        data_classes=revision.data_classes,
        vendors=revision.vendors,
        amount=statements_pb2.Amount(currency_code=revision.currency, minor=revision.amount_minor),
        tranches=statements_pb2.TrancheAmounts(
            trial_minor=revision.trial_minor,
            pilot_minor=revision.pilot_minor,
            general_minor=revision.general_minor,
        ),
        category=revision.category,
        envelope=revision.envelope,
        exposure_bps=revision.exposure_bps,
        benefit_owners=revision.benefit_owners,
        field_digests=dict(revision.field_digests),
        gate_digests=dict(revision.gate_digests),
        digest=revision.digest,
        charter_digest=revision.charter_digest,
        submitted_at=stamp(revision.submitted_at),
        controls=revision.controls,
        spend_conditions=revision.spend_conditions,
        pilot_people=revision.pilot_people,
        pilot_days=revision.pilot_days,
        incidents=[incident_to(one) for one in incidents],
        trial_runs=[trial_run_to(run) for run in trial_runs],
    )


def revision_of(message: statements_pb2.RevisionStatement) -> Revision:
    """A revision from its statement."""
    return Revision(
        program=message.program,
        number=message.revision,
        proposer=message.proposer,
        sponsor=message.sponsor,
        counter_sponsor=message.counter_sponsor,
        owning_unit=message.owning_unit,
        audiences=tuple(message.audiences),
        channels=tuple(message.channels),
        data_classes=tuple(message.data_classes),
        vendors=tuple(message.vendors),
        amount_minor=message.amount.minor,
        currency=message.amount.currency_code,
        trial_minor=message.tranches.trial_minor,
        pilot_minor=message.tranches.pilot_minor,
        general_minor=message.tranches.general_minor,
        category=message.category,
        envelope=message.envelope,
        exposure_bps=message.exposure_bps,
        benefit_owners=tuple(message.benefit_owners),
        field_digests=dict(message.field_digests),
        gate_digests=dict(message.gate_digests),
        digest=message.digest,
        charter_digest=message.charter_digest,
        submitted_at=required_instant(message, "submitted_at"),
        controls=tuple(message.controls),
        spend_conditions=tuple(message.spend_conditions),
        pilot_people=message.pilot_people,
        pilot_days=message.pilot_days,
    )


def incident_to(one: StandingIncident) -> statements_pb2.StandingDecisionIncident:
    """The statement of an incident that ended a standing decision."""
    return statements_pb2.StandingDecisionIncident(
        standing_decision=standing_ref_to(one.standing),
        program=one.program,
        incident=one.incident,
        at=stamp(one.at),
    )


def incident_of(message: statements_pb2.StandingDecisionIncident) -> StandingIncident:
    """An incident that ended a standing decision, from its statement."""
    ref = message.standing_decision
    return StandingIncident(
        StandingRef(ref.id, ref.digest),
        message.program,
        message.incident,
        required_instant(message, "at"),
    )


def ending_to(ending: Ending) -> statements_pb2.EndStatement:
    """The statement of a program's end."""
    return statements_pb2.EndStatement(
        program=ending.program,
        outcome=OUTCOMES.to(ending.outcome),
        revision=ending.revision,
        decided_by=ending.decided_by,
        reason=ending.reason,
        ended_at=stamp(ending.ended_at),
    )


def ending_of(message: statements_pb2.EndStatement) -> Ending:
    """A program's end from its statement."""
    return Ending(
        program=message.program,
        outcome=OUTCOMES.of(message.outcome),
        revision=message.revision,
        decided_by=message.decided_by,
        reason=message.reason,
        ended_at=required_instant(message, "ended_at"),
    )
