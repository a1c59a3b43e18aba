"""A program ends by a final decline only, in whatever order launch hears of it."""

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tests.support.budget import ON_SQLITE
from tests.support.launches import Front, Watched
from tests.support.programs import KNIGHT, PROPOSER, SPONSOR

from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.casework import wire
from investiture.casework.facts import Revision
from investiture.casework.words import CaseState, Gate

ADA = "people/ada"
WAITS = [gate_pb2.Holder(person=PROPOSER, role="proposer")]
ARBITER = [gate_pb2.Holder(person=ADA, role="arbiter")]


def appeal(outcome: gate_pb2.AppealOutcome.ValueType) -> gate_pb2.Appeal:
    return gate_pb2.Appeal(person=SPONSOR, grounds="it is moderated", outcome=outcome)


def told(desk: Front, facts: Revision, *, granted: bool) -> Sequence[gate_pb2.GateCase]:
    """How the review stood after each act of its appeal."""
    until = wire.stamp(desk.clock.now() + timedelta(days=7))
    since = wire.stamp(desk.clock.now())

    def case(version: int, state: CaseState, **changes: Any) -> gate_pb2.GateCase:
        values: dict[str, Any] = {"version": version, "standing_until": None, **changes}
        return desk.gate_case(facts, Gate.KNIGHT, state, **values)

    declined = case(
        2,
        CaseState.DECLINED,
        appeal_open=True,
        appealable_until=until,
        holders=WAITS,
        waiting_since=since,
    )
    appealed = case(
        3,
        CaseState.DECLINED,
        appeal_open=True,
        appeal=appeal(gate_pb2.APPEAL_OUTCOME_UNSPECIFIED),
        holders=ARBITER,
        waiting_since=since,
    )
    if not granted:
        upheld = appeal(gate_pb2.APPEAL_OUTCOME_UPHELD)
        return declined, appealed, case(4, CaseState.DECLINED, appeal=upheld, reason="upheld")
    set_aside = appeal(gate_pb2.APPEAL_OUTCOME_GRANTED)
    again = desk.gate_case(facts, Gate.KNIGHT, CaseState.OPEN, 2, appeal=set_aside)
    return declined, appealed, case(4, CaseState.VOIDED, appeal=set_aside), again


async def walking(desk: Front, name: str = "community") -> Revision:
    facts = await desk.facts((await desk.submitted(name)).name)
    await desk.stand(facts, Gate.PLEDGE, Gate.FUND)
    return facts


async def test_a_decline_that_may_be_appealed_is_shown_and_ends_nothing(desk: Front) -> None:
    facts = await walking(desk)
    declined, appealed, _ = told(desk, facts, granted=False)
    await desk.record(declined)
    desk.clock.advance(timedelta(hours=3))
    path = await desk.path(facts.program)
    assert (path.program.outcome, path.waiting_at) == (0, gate_pb2.GATE_KNIGHT)
    shown = path.gates[2]
    assert shown.gate_case.appealable_until == declined.appealable_until
    assert shown.gate_case.holders[0].person == PROPOSER
    assert shown.waited_ms == timedelta(hours=3) // timedelta(milliseconds=1)
    watched = Watched(desk, facts.program, path.program.version)
    await desk.record(appealed)
    change = (await watched.next()).path.gates[2].gate_case
    assert (change.appeal.person, change.holders[0].person) == (SPONSOR, ADA)


@ON_SQLITE
async def test_an_upheld_decline_ends_the_program_in_whatever_order_it_is_heard(
    desk: Front,
) -> None:
    for order in itertools.permutations(range(3)):
        facts = await walking(desk, "p" + "".join(map(str, order)))
        news = told(desk, facts, granted=False)
        ended = False
        for place in order:
            await desk.record(news[place])
            ended = ended or place == 2
            outcome = (await desk.program(facts.program)).outcome
            assert (outcome == statements_pb2.OUTCOME_DECLINED) is ended, order
        program = await desk.program(facts.program)
        assert (program.ended_by, program.end_reason) == (KNIGHT, "upheld")


@ON_SQLITE
async def test_a_granted_appeal_never_ends_the_program_in_whatever_order_it_is_heard(
    desk: Front,
) -> None:
    for order in itertools.permutations(range(4)):
        facts = await walking(desk, "p" + "".join(map(str, order)))
        news = told(desk, facts, granted=True)
        for place in order:
            await desk.record(news[place])
        path = await desk.path(facts.program)
        assert (path.program.outcome, path.waiting_at) == (0, gate_pb2.GATE_KNIGHT), order
        now = path.gates[2].gate_case
        assert (now.round, now.state) == (2, gate_pb2.CASE_STATE_OPEN)


async def test_a_program_is_not_revised_while_its_decline_may_be_appealed(desk: Front) -> None:
    facts = await walking(desk)
    program = await desk.program(facts.program)
    declined, appealed, set_aside, _ = told(desk, facts, granted=True)
    for news in (declined, appealed):
        await desk.record(news)
        problem = await desk.refused(desk.revised(program, vendors=["Another"]))
        assert problem.reason == "WRONG_STATE"
        (leg,) = problem.legs
        assert leg.type == "APPEAL"
        assert "take it up again as a new one" in leg.remedy
    await desk.record(set_aside)
    revised = await desk.revised(program, vendors=["Another"])
    assert revised.program.revision == 2


async def test_it_is_withdrawn_and_taken_up_again_meanwhile(desk: Front) -> None:
    facts = await walking(desk)
    declined, appealed, final = told(desk, facts, granted=False)
    await desk.record(declined)
    ended = await desk.withdrawn(facts.program)
    assert ended.outcome == statements_pb2.OUTCOME_WITHDRAWN
    for late in (appealed, final):
        await desk.record(late)
    assert (await desk.program(facts.program)).outcome == statements_pb2.OUTCOME_WITHDRAWN
    draft: pb.Program = await desk.draft("again", vendors=["Another"])
    assert draft.state == pb.PROGRAM_STATE_DRAFT


async def test_a_revision_that_crossed_the_decline_changes_nothing_of_it(desk: Front) -> None:
    facts = await walking(desk)
    program = await desk.program(facts.program)
    await desk.revised(program, vendors=["Another"])
    declined, _, final = told(desk, facts, granted=False)
    await desk.record(declined)
    assert not (await desk.program(facts.program)).outcome
    await desk.record(final)
    assert (await desk.program(facts.program)).outcome == statements_pb2.OUTCOME_DECLINED
