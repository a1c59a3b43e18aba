"""Programs to and from their protos."""

from collections.abc import Sequence

from google.type.money_pb2 import Money

from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.casework import wire
from investiture.casework.amounts import Amount
from investiture.casework.money import from_money, to_money
from investiture.casework.operations import Reading
from investiture.casework.vocabulary import GATES, OUTCOMES, STATES, VERDICTS, Vocabulary
from investiture.casework.words import CaseState
from investiture.chassis.refusal import FieldViolation, InvalidArgument
from investiture.launch.domain.content import Benefit, Content, PilotPlan, Tranches
from investiture.launch.domain.path import Effect, GateEffect, Recorded
from investiture.launch.domain.programs import Program, ProgramState, Submission
from investiture.launch.domain.proof import Measurement
from investiture.launch.domain.stages import GoAnswer, PilotOutcome
from investiture.launch.operations.path import GateReading, PathReading
from investiture.launch.operations.stages import GoReading, PilotReading

PROGRAM_STATES = Vocabulary(
    ProgramState, pb.ProgramState.Value, "PROGRAM_STATE_", pb.PROGRAM_STATE_UNSPECIFIED
)
EFFECTS = Vocabulary(
    Effect, pb.RevisionEffect.Value, "REVISION_EFFECT_", pb.REVISION_EFFECT_UNSPECIFIED
)
PILOT_OUTCOMES = Vocabulary(
    PilotOutcome, pb.PilotOutcome.Value, "PILOT_OUTCOME_", pb.PILOT_OUTCOME_UNSPECIFIED
)
ANSWERS = Vocabulary(GoAnswer, pb.GoAnswer.Value, "GO_ANSWER_", pb.GO_ANSWER_UNSPECIFIED)


class _Amounts:
    """Reads the amounts of a message and keeps what is wrong with them, to say all at once."""

    def __init__(self) -> None:
        self._wrong: list[FieldViolation] = []

    def read(self, money: Money, field: str, *, positive: bool = False) -> Amount:
        """The amount in `field`; nothing, where it is wrong."""
        try:
            return from_money(money, f"content.{field}", positive=positive)
        except InvalidArgument as refused:
            self._wrong += refused.violations
            return Amount(0, money.currency_code)

    def check(self) -> None:
        """Refuses with INVALID_AMOUNT what was wrong."""
        if self._wrong:
            raise InvalidArgument(violations=self._wrong, reason="INVALID_AMOUNT")


def content_of(message: pb.ProgramContent) -> Content:
    """Content from the API; what is output only in it is not read. Raises INVALID_AMOUNT."""
    amounts = _Amounts()
    tranches = None
    if message.HasField("tranches"):
        split, nothing = message.tranches, Amount(0, message.amount.currency_code)
        stages = (
            (split.HasField("trial"), split.trial, "tranches.trial"),
            (split.HasField("pilot"), split.pilot, "tranches.pilot"),
            (split.HasField("general"), split.general, "tranches.general"),
        )
        tranches = Tranches(
            *(amounts.read(money, field) if given else nothing for given, money, field in stages)
        )
    delay = None
    if message.HasField("cost_of_delay_per_week"):
        delay = amounts.read(message.cost_of_delay_per_week, "cost_of_delay_per_week")
    plan = message.pilot_plan
    content = Content(
        title=message.title,
        objective=message.objective,
        customer_promise=message.customer_promise,
        audiences=tuple(message.audiences),
        channels=tuple(message.channels),
        data_classes=tuple(message.data_classes),
        vendors=tuple(message.vendors),
        owning_unit=message.owning_unit,
        sponsor=message.sponsor,
        counter_sponsor=message.counter_sponsor,
        it_liaison=message.it_liaison,
        steward=message.steward,
        amount=amounts.read(message.amount, "amount", positive=True),
        tranches=tranches,
        category=message.category,
        envelope=message.envelope,
        spend_conditions=tuple(message.spend_conditions),
        exposure_bps=message.exposure_bps,
        benefits=tuple(
            _benefit_of(benefit, f"benefits[{index}]", amounts)
            for index, benefit in enumerate(message.benefits)
        ),
        cost_of_delay_per_week=delay,
        pilot_plan=PilotPlan(
            hypothesis=plan.hypothesis,
            exposure_bps=plan.exposure_bps,
            exit_criteria=tuple(plan.exit_criteria),
            kill_criteria=tuple(plan.kill_criteria),
            rollback=plan.rollback,
            owner=plan.owner,
            people=plan.people,
            days=plan.days,
        ),
        response_rota=tuple(message.response_rota),
        controls=tuple(message.controls),
        agency=message.agency,
    )
    amounts.check()
    return content


def _benefit_of(message: pb.Benefit, at: str, amounts: _Amounts) -> Benefit:
    return Benefit(
        id=message.id,
        description=message.description,
        measure=message.measure,
        owner=message.owner,
        baseline=message.baseline,
        low=amounts.read(message.low, f"{at}.low"),
        likely=amounts.read(message.likely, f"{at}.likely"),
        high=amounts.read(message.high, f"{at}.high"),
    )


def content_to(content: Content, measurements: Sequence[Measurement] = ()) -> pb.ProgramContent:
    """The API's form of content, with what was measured of its benefits."""
    split, delay, plan = content.tranches, content.cost_of_delay_per_week, content.pilot_plan
    found = {measurement.benefit: measurement for measurement in measurements}
    return pb.ProgramContent(
        title=content.title,
        objective=content.objective,
        customer_promise=content.customer_promise,
        audiences=content.audiences,
        channels=content.channels,
        data_classes=content.data_classes,
        vendors=content.vendors,
        owning_unit=content.owning_unit,
        sponsor=content.sponsor,
        counter_sponsor=content.counter_sponsor,
        it_liaison=content.it_liaison,
        steward=content.steward,
        amount=to_money(content.amount),
        tranches=(
            pb.Tranches(
                trial=to_money(split.trial),
                pilot=to_money(split.pilot),
                general=to_money(split.general),
            )
            if split
            else None
        ),
        category=content.category,
        envelope=content.envelope,
        spend_conditions=content.spend_conditions,
        exposure_bps=content.exposure_bps,
        benefits=[_benefit_to(benefit, found.get(benefit.id)) for benefit in content.benefits],
        cost_of_delay_per_week=to_money(delay) if delay else None,
        pilot_plan=plan_to(plan),
        response_rota=content.response_rota,
        controls=content.controls,
        agency=content.agency,
    )


def plan_to(plan: PilotPlan) -> pb.PilotPlan:
    """The API's form of a pilot's plan."""
    return pb.PilotPlan(
        hypothesis=plan.hypothesis,
        exposure_bps=plan.exposure_bps,
        exit_criteria=plan.exit_criteria,
        kill_criteria=plan.kill_criteria,
        rollback=plan.rollback,
        owner=plan.owner,
        people=plan.people,
        days=plan.days,
    )


def _benefit_to(benefit: Benefit, measurement: Measurement | None) -> pb.Benefit:
    return pb.Benefit(
        id=benefit.id,
        description=benefit.description,
        measure=benefit.measure,
        owner=benefit.owner,
        baseline=benefit.baseline,
        low=to_money(benefit.low),
        likely=to_money(benefit.likely),
        high=to_money(benefit.high),
        measured=to_money(measurement.value) if measurement else None,
        measured_at=wire.stamp(measurement.at) if measurement else None,
        evidence=measurement.evidence if measurement else "",
    )


def program_to(program: Program) -> pb.Program:
    """The API's form of a program."""
    suspension = program.suspension
    return pb.Program(
        name=program.name,
        state=PROGRAM_STATES.to(program.state),
        outcome=OUTCOMES.to(program.outcome),
        suspended=program.suspended,
        proposer=program.proposer,
        revision=program.revision,
        content=content_to(program.content, program.measurements),
        version=program.version,
        etag=program.etag,
        create_time=wire.stamp(program.created_at),
        submit_time=wire.stamp(program.submitted_at),
        launch_time=wire.stamp(program.launched_at),
        end_time=wire.stamp(program.ended_at),
        end_reason=program.end_reason,
        ended_by=program.ended_by,
        settled=program.settled,
        suspension_people=suspension.people if suspension else (),
        incidents=program.incidents,
        resubmits=program.resubmits,
    )


def revision_to(submission: Submission) -> pb.Revision:
    """The API's form of a revision."""
    facts = submission.facts
    return pb.Revision(
        name=f"{facts.program}/revisions/{facts.number}",
        number=facts.number,
        content=content_to(submission.content),
        digest=facts.digest,
        gate_digests=dict(facts.gate_digests),
        field_digests=dict(facts.field_digests),
        charter_digest=facts.charter_digest,
        submit_time=wire.stamp(facts.submitted_at),
        submitted_by=submission.submitted_by,
        reason=submission.reason,
    )


def effect_to(effect: GateEffect) -> pb.GateEffect:
    """The API's form of what a revision does to a gate."""
    return pb.GateEffect(
        gate=GATES.to(effect.gate),
        effect=EFFECTS.to(effect.effect),
        changed_fields=effect.changed,
    )


def recorded_of(message: gate_pb2.GateCase) -> Recorded:
    """What the path needs of a case that its service signed."""
    state = STATES.of(message.state)
    # Who is asked for another word on what stands holds the program up in nothing: no bill runs.
    waits = state is not CaseState.STANDING
    return Recorded(
        gate=GATES.of(message.gate),
        case_name=message.name,
        round=message.round,
        version=message.version,
        state=state,
        verdict=VERDICTS.maybe(message.verdict),
        revision=message.revision,
        gate_digest=message.gate_digest,
        opened_at=wire.instant(message, "opened_at"),
        waiting_since=wire.instant(message, "waiting_since") if waits else None,
        waited_ms=message.waited_ms,
        standing_until=wire.instant(message, "standing_until"),
        deciders=tuple(wire.decider_of(decider) for decider in message.deciders),
        reason=message.reason,
        charter_digest=message.charter_digest,
        standing_decision=wire.standing_ref_of(message.standing_decision),
        conditions=tuple(wire.condition_of(condition) for condition in message.conditions),
        appeal_open=message.appeal_open,
        provisional=message.basis == gate_pb2.BASIS_EMERGENCY,
    )


def gate_to(reading: GateReading) -> pb.PathGate:
    """The API's form of one gate of a path."""
    shown = None
    if reading.own is not None:
        shown = case_to(reading.own)
    elif reading.signed:
        shown = gate_pb2.GateCase.FromString(reading.signed)
    return pb.PathGate(
        gate=GATES.to(reading.gate),
        gate_case=shown,
        standing=reading.standing,
        waited_ms=reading.waited_ms,
        stall_bill=to_money(reading.stall_bill),
        typical_ms=reading.typical_ms,
    )


def path_to(reading: PathReading) -> pb.Path:
    """The API's form of a path."""
    return pb.Path(
        program=program_to(reading.program),
        gates=[gate_to(gate) for gate in reading.gates],
        waiting_at=GATES.to(reading.waiting_at),
        stall_bill=to_money(reading.stall_bill),
        trial_runs=[wire.trial_run_to(run) for run in reading.trial_runs],
    )


def case_to(reading: Reading) -> gate_pb2.GateCase:
    """The API's form of a case of our own."""
    return wire.case_to(reading.case, reading.following)


def pilot_to(reading: PilotReading) -> pb.Pilot:
    """The API's form of a pilot."""
    return pb.Pilot(
        gate_case=case_to(reading.case),
        plan=plan_to(reading.plan),
        observations=reading.observations,
    )


def go_to(reading: GoReading) -> pb.GoDecision:
    """The API's form of a go decision."""
    decision = reading.decision
    return pb.GoDecision(
        gate_case=case_to(reading.case),
        answer=ANSWERS.to(decision.answer),
        reason=decision.reason,
        snapshot_digest=decision.snapshot_digest,
    )


def on_benefit(money: Money) -> Amount:
    """The measured value of a benefit. Raises INVALID_AMOUNT."""
    return from_money(money, "measured", positive=False)
