"""Cases and facts to and from their protos."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from google.protobuf import json_format

from investiture.api.casework.v1 import case_service_pb2 as casework_pb
from investiture.api.common.v1 import gate_pb2
from investiture.casework.case import CarriedNotice, Case, DueStep, Escalation, Extension, Holder
from investiture.casework.facts import (
    Appeal,
    Condition,
    Decider,
    Emergency,
    Gap,
    Provisional,
    StandingRef,
    TrialRun,
    Voice,
)
from investiture.casework.instants import (
    NEVER_MS,
    instant,
    milliseconds_until,
    required_instant,
    stamp,
)
from investiture.casework.vocabulary import (
    AMBERS,
    APPEAL_OUTCOMES,
    BASES,
    GATES,
    SIDES,
    STATES,
    STEPS,
    VERDICTS,
)
from investiture.casework.words import CaseState
from investiture.charter.timetable import Timetable
from investiture.chassis.audit import canonical_json

__all__ = ["NEVER_MS", "instant", "milliseconds_until", "required_instant", "stamp"]
"""What is handed on from `instants`, so that who speaks proto needs one import."""


def condition_to(condition: Condition) -> gate_pb2.Condition:
    """The API's form of a condition."""
    return gate_pb2.Condition(
        id=condition.id,
        text=condition.text,
        owner=condition.owner,
        due_at=stamp(condition.due_at),
        blocks=GATES.to(condition.blocks),
        closed_at=stamp(condition.closed_at),
        evidence=condition.evidence,
    )


def condition_of(message: gate_pb2.Condition, condition_id: str = "") -> Condition:
    """A condition from the API; `condition_id` replaces its id."""
    return Condition(
        id=condition_id or message.id,
        text=message.text,
        owner=message.owner,
        blocks=GATES.of(message.blocks),
        due_at=instant(message, "due_at"),
        closed_at=instant(message, "closed_at"),
        evidence=message.evidence,
    )


def gap_to(gap: Gap) -> gate_pb2.Gap:
    """The API's form of a gap."""
    return gate_pb2.Gap(
        risk=gap.risk,
        tolerance=gap.tolerance,
        excess=gap.excess,
        remedy=gap.remedy,
        fields=gap.fields,
    )


def gaps_of(messages: Iterable[gate_pb2.Gap]) -> tuple[Gap, ...]:
    """Gaps from the API."""
    return tuple(Gap(g.risk, g.tolerance, g.excess, g.remedy, tuple(g.fields)) for g in messages)


def decider_to(decider: Decider) -> gate_pb2.Decider:
    """The API's form of a decider."""
    return gate_pb2.Decider(
        person=decider.person,
        on_behalf_of=decider.on_behalf_of,
        side=SIDES.to(decider.side),
        role=decider.role,
        decided_at=stamp(decider.decided_at),
        revision=decider.revision,
        gate_digest=decider.gate_digest,
    )


def decider_of(message: gate_pb2.Decider) -> Decider:
    """A decider from a statement."""
    return Decider(
        person=message.person,
        side=SIDES.of(message.side),
        role=message.role,
        decided_at=required_instant(message, "decided_at"),
        revision=message.revision,
        gate_digest=message.gate_digest,
        on_behalf_of=message.on_behalf_of,
    )


def escalation_to(escalation: Escalation) -> gate_pb2.Escalation:
    """The API's form of a step that was taken."""
    return gate_pb2.Escalation(
        step=STEPS.to(escalation.step),
        due_at=stamp(escalation.due_at),
        recorded_at=stamp(escalation.recorded_at),
        holders=escalation.holders,
        added=escalation.added,
    )


def holder_to(holder: Holder) -> gate_pb2.Holder:
    """The API's form of a holder."""
    return gate_pb2.Holder(
        person=holder.person,
        role=holder.role,
        unit=holder.unit,
        since=stamp(holder.since),
        added_by=STEPS.to(holder.added_by),
    )


def timetable_to(timetable: Timetable, following: DueStep | None = None) -> gate_pb2.Timetable:
    """The API's form of a wait's dates, with the next step where one is due."""
    return gate_pb2.Timetable(
        opened_at=stamp(timetable.opened_at),
        nudge_at=stamp(timetable.nudge_at),
        warn_at=stamp(timetable.warn_at),
        overdue_at=stamp(timetable.overdue_at),
        second_at=stamp(timetable.second_at),
        next_at=stamp(following.at) if following else None,
        next_step=STEPS.to(following.step if following else None),
        calendar_version=timetable.calendar_version,
    )


def _extension_to(extension: Extension) -> gate_pb2.Extension:
    return gate_pb2.Extension(
        person=extension.person,
        role=extension.role,
        reason=extension.reason,
        wait=STATES.to(extension.wait),
        extended_at=stamp(extension.extended_at),
        overdue_before=stamp(extension.overdue_before),
        overdue_at=stamp(extension.overdue_at),
    )


def _notice_to(notice: CarriedNotice) -> gate_pb2.CarriedNotice:
    return gate_pb2.CarriedNotice(
        from_revision=notice.from_revision,
        to_revision=notice.to_revision,
        changes=notice.changes,
        people=notice.people,
        at=stamp(notice.at),
    )


def _appeal_to(appeal: Appeal) -> gate_pb2.Appeal:
    return gate_pb2.Appeal(
        person=appeal.person,
        grounds=appeal.grounds,
        evidence=appeal.evidence,
        made_at=stamp(appeal.made_at),
        declined_by=appeal.declined_by,
        line=appeal.line,
        outcome=APPEAL_OUTCOMES.to(appeal.outcome),
        decided_by=appeal.decided_by,
        decided_at=stamp(appeal.decided_at),
        reason=appeal.reason,
    )


def case_to(case: Case, following: DueStep | None) -> gate_pb2.GateCase:
    """The API's form of a case; `following` is the next step of its timetable and its date."""
    return gate_pb2.GateCase(
        name=case.name,
        program=case.program,
        gate=GATES.to(case.gate),
        revision=case.facts.number,
        gate_digest=case.gate_digest,
        round=case.round,
        state=STATES.to(case.state),
        verdict=VERDICTS.to(case.verdict),
        basis=BASES.to(case.basis),
        version=case.version,
        etag=case.etag,
        holders=[holder_to(h) for h in case.holders],
        timetable=timetable_to(case.timetable, following),
        escalations=[escalation_to(e) for e in case.escalations],
        deciders=[decider_to(d) for d in case.deciders],
        conditions=[condition_to(c) for c in case.conditions],
        gaps=[gap_to(g) for g in case.gaps],
        exposure_limit_bps=case.exposure_limit_bps,
        opened_at=stamp(case.opened_at),
        decided_at=stamp(case.decided_at),
        standing_until=stamp(case.standing_until),
        charter_digest=case.charter_digest,
        notices=[_notice_to(n) for n in case.notices],
        no_eligible_holder=case.no_eligible_holder,
        reason=case.reason,
        amber=AMBERS.to(case.amber),
        waiting_since=stamp(case.waiting_since) if case.in_hands else None,
        waited_ms=case.waited_ms,
        extensions=[_extension_to(e) for e in case.extensions],
        standing_decision=standing_ref_to(case.standing_decision),
        not_covered=case.not_covered,
        appealable_until=stamp(case.appealable_until),
        appeal=None if case.appeal is None else _appeal_to(case.appeal),
        appeal_open=case.appeal_open,
        emergency=emergency_to(case.emergency),
        provisional=_provisional_to(case.provisional),
        trial_runs=[trial_run_to(run) for run in case.trial_runs],
    )


def emergency_to(emergency: Emergency | None) -> gate_pb2.Emergency | None:
    """The API's form of a declared emergency; None stays unset."""
    if emergency is None:
        return None
    return gate_pb2.Emergency(
        declared_by=emergency.declared_by,
        declared_at=stamp(emergency.declared_at),
        reason=emergency.reason,
        consequence=emergency.consequence,
    )


def emergency_of(message: gate_pb2.Emergency) -> Emergency | None:
    """A declared emergency from a statement; None where it is unset."""
    if not message.declared_by:
        return None
    declared_at = required_instant(message, "declared_at")
    return Emergency(message.declared_by, declared_at, message.reason, message.consequence)


def voice_to(voice: Voice) -> gate_pb2.ProvisionalVoice:
    """The API's form of one of two who decide provisionally."""
    return gate_pb2.ProvisionalVoice(decider=decider_to(voice.decider), reason=voice.reason)


def _provisional_to(made: Provisional | None) -> gate_pb2.ProvisionalDecision | None:
    if made is None:
        return None
    return gate_pb2.ProvisionalDecision(
        voices=[voice_to(voice) for voice in made.voices],
        decided_at=stamp(made.decided_at),
        standing_until=stamp(made.standing_until),
    )


def standing_ref_to(ref: StandingRef | None) -> gate_pb2.StandingDecisionRef | None:
    """The API's form of a reference to a standing decision; None stays unset."""
    return None if ref is None else gate_pb2.StandingDecisionRef(id=ref.id, digest=ref.digest)


def standing_ref_of(message: gate_pb2.StandingDecisionRef) -> StandingRef | None:
    """A reference to a standing decision; None where it is unset."""
    return StandingRef(message.id, message.digest) if message.id else None


def trial_run_to(run: TrialRun) -> gate_pb2.TrialRun:
    """The API's form of a trial's evidence, with the digest that links to it quote."""
    message = gate_pb2.TrialRun(
        program=run.program,
        pilot=run.pilot,
        revision=run.revision,
        standing_decision=standing_ref_to(run.standing),
        people=run.people,
        days=run.days,
        exposure_bps=run.exposure_bps,
        began_at=stamp(run.began_at),
        ended_at=stamp(run.ended_at),
        verdict=VERDICTS.to(run.verdict),
        observations=run.observations,
        incidents=run.incidents,
    )
    said = json_format.MessageToDict(message, preserving_proto_field_name=True)
    message.digest = sha256(canonical_json(said).encode()).hexdigest()
    return message


def trial_run_of(message: gate_pb2.TrialRun) -> TrialRun:
    """A trial's evidence from a statement."""
    ref = message.standing_decision
    return TrialRun(
        program=message.program,
        pilot=message.pilot,
        revision=message.revision,
        standing=StandingRef(ref.id, ref.digest),
        people=message.people,
        days=message.days,
        exposure_bps=message.exposure_bps,
        began_at=required_instant(message, "began_at"),
        ended_at=instant(message, "ended_at"),
        verdict=VERDICTS.maybe(message.verdict),
        observations=tuple(message.observations),
        incidents=tuple(message.incidents),
        digest=message.digest,
    )


def reading_to(
    case: Case, following: DueStep | None, statement: str, now: datetime
) -> casework_pb.CaseReading:
    """A case as it stands at `now`, with its signed statement."""
    standing = case.state is CaseState.STANDING
    return casework_pb.CaseReading(
        gate_case=case_to(case, following),
        case_statement=statement,
        next_in_ms=milliseconds_until(following.at if following else None, now),
        standing_for_ms=milliseconds_until(case.standing_until if standing else None, now),
    )
