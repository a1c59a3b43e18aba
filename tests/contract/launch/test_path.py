"""The path: what the other services signed, monotone, and what follows from it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.launches import ASKED, WAITED, Front, Watched
from tests.support.programs import MONEY, SPONSOR, content, eur
from tests.support.services import new_request_id

from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.casework.words import CaseState, Gate

HOUR_MS = 3_600_000


def gate_of(path: pb.Path, gate: gate_pb2.Gate.ValueType) -> pb.PathGate:
    return next(one for one in path.gates if one.gate == gate)


async def test_a_path_says_who_holds_each_gate_since_when_and_what_it_costs(desk: Front) -> None:
    program = await desk.submitted()
    facts = await desk.facts(program.name)
    await desk.stand(facts, Gate.PLEDGE)
    holder = gate_pb2.Holder(person=MONEY, role="approver", unit="units/finance")
    await desk.record(desk.gate_case(facts, Gate.FUND, CaseState.OPEN, holders=[holder]))
    desk.clock.advance(timedelta(hours=2))
    path = await desk.path(program.name)
    assert [gate.gate for gate in path.gates] == list(range(1, 7))
    assert path.waiting_at == gate_pb2.GATE_FUND
    pledge, fund = path.gates[0], path.gates[1]
    assert (pledge.standing, pledge.waited_ms) == (True, HOUR_MS)
    assert (fund.standing, fund.waited_ms) == (False, 2 * HOUR_MS)
    assert fund.gate_case.holders[0].person == MONEY
    assert path.gates[2] == pb.PathGate(gate=gate_pb2.GATE_KNIGHT, stall_bill=eur(0))
    bill = path.stall_bill.units * 100 + path.stall_bill.nanos // 10_000_000
    assert bill == 3 * 7_000_00 // (7 * 24) - 1, "each gate's bill is rounded down by itself"
    assert await desk.path(program.name) == path


async def test_a_draft_has_a_path_that_waits_for_nobody(desk: Front) -> None:
    draft = await desk.draft()
    path = await desk.path(draft.name)
    assert path.waiting_at == gate_pb2.GATE_UNSPECIFIED
    assert not any(gate.HasField("gate_case") for gate in path.gates)


async def test_only_what_is_newer_changes_the_path(desk: Front) -> None:
    program = await desk.submitted()
    facts = await desk.facts(program.name)
    stands = desk.gate_case(facts, Gate.PLEDGE, CaseState.STANDING, version=5)
    recorded = await desk.record(stands)
    assert recorded.standing
    version = (await desk.program(program.name)).version
    for older in (
        desk.gate_case(facts, Gate.PLEDGE, CaseState.OPEN, version=4),
        desk.gate_case(facts, Gate.PLEDGE, CaseState.VOIDED, version=5),
        desk.gate_case(facts, Gate.PLEDGE, CaseState.DECLINED, round_=0, version=9),
    ):
        assert await desk.record(older) == recorded
    assert (await desk.program(program.name)).version == version
    newer = desk.gate_case(facts, Gate.PLEDGE, CaseState.VOIDED, version=6)
    assert not (await desk.record(newer)).standing
    assert (await desk.program(program.name)).version == version + 1


async def test_an_expired_reading_of_the_same_version_is_news(desk: Front) -> None:
    program = await desk.submitted()
    facts = await desk.facts(program.name)
    await desk.record(desk.gate_case(facts, Gate.PLEDGE, CaseState.STANDING, version=2))
    expired = desk.gate_case(facts, Gate.PLEDGE, CaseState.EXPIRED, version=2)
    assert not (await desk.record(expired)).standing


async def test_waiting_adds_up_over_the_rounds_of_a_gate(desk: Front) -> None:
    program = await desk.submitted()
    facts = await desk.facts(program.name)
    await desk.stand(facts, Gate.PLEDGE)
    await desk.record(desk.gate_case(facts, Gate.PLEDGE, CaseState.OPEN, round_=2))
    desk.clock.advance(WAITED)
    gate = gate_of(await desk.path(program.name), gate_pb2.GATE_PLEDGE)
    assert gate.waited_ms == 2 * HOUR_MS
    assert gate.gate_case.round == 2


async def test_what_is_typical_is_the_median_of_those_who_passed(desk: Front) -> None:
    for program_id, hours in (("a", 1), ("b", 3), ("c", 9)):
        program = await desk.submitted(program_id)
        facts = await desk.facts(program.name)
        case = desk.gate_case(facts, Gate.PLEDGE, CaseState.STANDING, waited_ms=hours * HOUR_MS)
        await desk.record(case)
    waiting = await desk.submitted("d")
    facts = await desk.facts(waiting.name)
    await desk.record(desk.gate_case(facts, Gate.PLEDGE, CaseState.OPEN, waited_ms=99 * HOUR_MS))
    path = await desk.path(waiting.name)
    assert [gate.typical_ms for gate in path.gates] == [3 * HOUR_MS, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("signer", ["budget", "itrisk", "launch"])
async def test_a_service_speaks_for_the_gates_it_owns_and_no_other(
    desk: Front, signer: str
) -> None:
    program = await desk.submitted()
    before = desk.everything()
    case = desk.gate_case(await desk.facts(program.name), Gate.PLEDGE, CaseState.STANDING)
    problem = await desk.refused(desk.record(case, signer))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "STATEMENT_INVALID")
    assert desk.everything() == before


async def test_a_forged_statement_changes_nothing(desk: Front) -> None:
    program = await desk.submitted()
    facts = await desk.facts(program.name)
    before = desk.everything()
    genuine = desk.signed(desk.gate_case(facts, Gate.PLEDGE, CaseState.OPEN))
    standing = desk.signed(desk.gate_case(facts, Gate.PLEDGE, CaseState.STANDING))
    header, _, signature = genuine.split(".")
    forged = {
        "another body under the signature": ".".join((header, standing.split(".")[1], signature)),
        "a warrant for a case": desk.realm.warrant(Gate.PLEDGE, facts, SPONSOR),
        "no statement": "x.y.z",
        "a revision statement": await desk.statement(program.name),
    }
    for what, statement in forged.items():
        problem = await desk.refused(
            desk.worker.RecordStanding(
                pb.RecordStandingRequest(request_id=new_request_id(), case_statement=statement)
            )
        )
        assert problem.reason == "STATEMENT_INVALID", what
    assert desk.everything() == before


async def test_a_statement_about_a_program_that_is_not_here_is_not_found(desk: Front) -> None:
    program = await desk.submitted()
    facts = replace(await desk.facts(program.name), program="programs/elsewhere")
    problem = await desk.refused(desk.record(desk.gate_case(facts, Gate.PLEDGE, CaseState.OPEN)))
    assert problem.code == "NOT_FOUND"


async def test_a_decline_ends_the_program_in_its_deciders_name(desk: Front) -> None:
    program = await desk.submitted()
    facts = await desk.facts(program.name)
    await desk.stand(facts, Gate.PLEDGE)
    declined = desk.gate_case(facts, Gate.FUND, CaseState.DECLINED, reason="no budget this year")
    await desk.record(declined)
    ended = await desk.program(program.name)
    assert (ended.state, ended.outcome) == (
        pb.PROGRAM_STATE_ENDED,
        statements_pb2.OUTCOME_DECLINED,
    )
    assert (ended.ended_by, ended.end_reason) == (MONEY, "no budget this year")
    assert (await desk.path(program.name)).waiting_at == gate_pb2.GATE_UNSPECIFIED
    kinds = sorted(row["type"] for row in desk.rows("outbox"))
    assert kinds == ["investiture.program.ended", "investiture.program.submitted"]


async def test_a_decline_that_crossed_a_revision_ends_the_program_too(desk: Front) -> None:
    program = await desk.submitted()
    facts = await desk.facts(program.name)
    declined = desk.gate_case(facts, Gate.FUND, CaseState.DECLINED)
    await desk.revised(program, vendors=["Another"])
    await desk.record(declined)
    # Its service never reopens a declined case: the path would wait for ever.
    assert (await desk.program(program.name)).outcome == statements_pb2.OUTCOME_DECLINED


async def test_waiting_ends_with_the_program(desk: Front) -> None:
    program = await desk.submitted()
    facts = await desk.facts(program.name)
    await desk.record(desk.gate_case(facts, Gate.PLEDGE, CaseState.OPEN))
    desk.clock.advance(WAITED)
    await desk.withdrawn(program.name)
    desk.clock.advance(timedelta(days=9))
    assert gate_of(await desk.path(program.name), gate_pb2.GATE_PLEDGE).waited_ms == HOUR_MS


async def test_an_ended_program_is_settled_once_all_three_recorded_their_release(
    desk: Front,
) -> None:
    program = await desk.submitted()
    facts = await desk.facts(program.name)
    await desk.stand(facts, Gate.PLEDGE)
    await desk.withdrawn(program.name)
    for gate in ASKED:
        assert not (await desk.program(program.name)).settled
        # Gates that were never asked answer a release without a round.
        round_, version = (1, 3) if gate is Gate.PLEDGE else (0, 1)
        released = desk.gate_case(
            facts, gate, CaseState.RELEASED, round_, version=version, opened_at=None
        )
        await desk.record(released)
    assert (await desk.program(program.name)).settled


@pytest.mark.parametrize("state", [CaseState.VOIDED, CaseState.EXPIRED])
async def test_a_decision_lost_after_the_launch_is_an_incident(
    desk: Front, state: CaseState
) -> None:
    program = await desk.launched()
    facts = await desk.facts(program.name)
    lost = desk.gate_case(facts, Gate.KNIGHT, state, version=3, reason="a leak")
    await desk.record(lost)
    await desk.record(lost)
    after = await desk.program(program.name)
    assert after.state == pb.PROGRAM_STATE_LAUNCHED
    (line,) = after.incidents
    assert "knight" in line
    assert line.endswith("a leak")


async def test_a_decision_lost_before_the_launch_is_none(desk: Front) -> None:
    program = await desk.submitted()
    facts = await desk.facts(program.name)
    await desk.stand(facts, Gate.PLEDGE)
    await desk.record(desk.gate_case(facts, Gate.PLEDGE, CaseState.VOIDED, version=3))
    assert not (await desk.program(program.name)).incidents


async def test_a_watch_tells_the_present_then_each_change(desk: Front) -> None:
    program = await desk.submitted()
    watched = Watched(desk, program.name)
    first = await watched.next()
    assert (first.version, first.path.program) == (program.version, program)
    await desk.stand(await desk.facts(program.name), Gate.PLEDGE)
    while not (change := await watched.next()).path.gates[0].standing:
        assert change.version > first.version
    watched.call.cancel()


async def test_a_watch_resumes_after_the_version_it_has_seen(desk: Front) -> None:
    program = await desk.submitted()
    seen = (await Watched(desk, program.name).next()).version
    await desk.revised(program, title="Another title")
    resumed = await Watched(desk, program.name, seen).next()
    assert resumed.path.program.revision == 2
    assert resumed.version > seen


async def test_a_watch_that_has_seen_everything_waits_for_the_next_change(desk: Front) -> None:
    program = await desk.submitted()
    watched = Watched(desk, program.name, program.version)
    waiting = asyncio.create_task(watched.next())
    # A round trip on the same connection: the watch has been opened and found nothing to tell.
    await desk.path(program.name)
    assert not waiting.done()
    await desk.revised(program, title="Another title")
    assert (await waiting).path.program.revision == 2


async def test_our_own_cases_change_what_is_watched(desk: Front) -> None:
    program = await desk.submitted()
    await desk.stand(await desk.facts(program.name))
    version = (await desk.program(program.name)).version
    watched = Watched(desk, program.name, version)
    await desk.open(Gate.PILOT, program.name)
    assert (await watched.next()).path.program.state == pb.PROGRAM_STATE_PILOTING


async def test_a_watch_ends_when_nothing_can_change_any_more(desk: Front) -> None:
    draft = await desk.draft()
    watched = Watched(desk, draft.name)
    await watched.next()
    await desk.withdrawn(draft.name)
    assert (await watched.next()).path.program.settled
    assert await watched.ended()


async def test_a_watch_of_what_does_not_exist_is_not_found(desk: Front) -> None:
    problem = await desk.refused(Watched(desk, "programs/nobody").next())
    assert problem.code == "NOT_FOUND"


async def test_a_program_says_what_it_would_cost_only_if_it_knows(desk: Front) -> None:
    free = content()
    free.ClearField("cost_of_delay_per_week")
    draft = await desk.proposer.CreateProgram(
        pb.CreateProgramRequest(request_id=new_request_id(), program_id="free", content=free)
    )
    program = await desk.proposer.SubmitProgram(
        pb.SubmitProgramRequest(request_id=new_request_id(), name=draft.name, etag=draft.etag)
    )
    await desk.stand(await desk.facts(program.name), Gate.PLEDGE)
    path = await desk.path(program.name)
    assert path.gates[0].waited_ms == HOUR_MS
    assert (path.stall_bill.units, path.stall_bill.nanos) == (0, 0)
