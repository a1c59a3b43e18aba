"""Calls at the same moment: one program's changes happen one after the other."""

import asyncio
from typing import Any

import grpc
from tests.support.launches import ASKED, Front
from tests.support.programs import content
from tests.support.services import new_request_id

from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.casework.words import CaseState, Gate
from investiture.chassis.client import explain
from investiture.workflows import contract

NAME = "programs/community"


async def reasons(*calls: Any) -> list[str]:
    """The reason of each refused call, empty for an answered one, sorted."""
    found = await asyncio.gather(*calls, return_exceptions=True)
    for one in found:
        assert not isinstance(one, BaseException) or isinstance(one, grpc.aio.AioRpcError), one
    return sorted(
        explain(one).reason if isinstance(one, grpc.aio.AioRpcError) else "" for one in found
    )


async def test_a_launch_that_is_executed_eight_times_at_once_happens_once(desk: Front) -> None:
    facts = await desk.cleared()
    assert await reasons(*(desk.execute(facts) for _ in range(8))) == [""] * 8
    starts = [row for row in desk.rows("outbox") if row["workflow_type"] == contract.PROVE_RETURN]
    assert len(starts) == 1
    assert [row["kind"] for row in desk.rows("event")].count("program.launched") == 1


async def test_the_first_records_of_all_gates_at_once_are_all_kept(desk: Front) -> None:
    program = await desk.submitted()
    facts = await desk.facts(NAME)
    cases = [desk.gate_case(facts, gate, CaseState.STANDING) for gate in ASKED]
    before = program.version
    assert await reasons(*(desk.record(case) for case in cases for _ in range(3))) == [""] * 9
    path = await desk.path(NAME)
    assert [gate.standing for gate in path.gates[:3]] == [True] * 3
    assert path.program.version == before + 3, "each statement once"


async def test_of_a_withdrawal_and_a_revision_at_once_one_is_told_to_look_again(
    desk: Front,
) -> None:
    program = await desk.submitted()
    withdrawal = pb.WithdrawProgramRequest(
        request_id=new_request_id(), name=NAME, etag=program.etag, reason="not now"
    )
    revision = pb.ReviseProgramRequest(
        request_id=new_request_id(),
        name=NAME,
        etag=program.etag,
        content=content(title="Another title"),
        reason="asked for",
    )
    found = await reasons(
        desk.sponsor.WithdrawProgram(withdrawal), desk.proposer.ReviseProgram(revision)
    )
    assert found == ["", "STALE_ETAG"]


async def test_a_go_and_a_withdrawal_at_once_leave_one_consistent_record(desk: Front) -> None:
    go = await desk.asked_for_go()
    found = await reasons(desk.decide(go), desk.withdrawn(NAME))
    assert found in (["", ""], ["", "PROGRAM_ENDED"], ["", "STALE_ETAG"])
    program = await desk.program(NAME)
    assert program.state == pb.PROGRAM_STATE_ENDED
    ended = await desk.refused(desk.execute(await desk.facts(NAME)))
    assert ended.reason == "PROGRAM_ENDED"


async def test_one_pilot_opens_however_often_it_is_asked_for(desk: Front) -> None:
    program = await desk.submitted()
    await desk.stand(await desk.facts(NAME))
    assert await reasons(*(desk.open(Gate.PILOT, program.name) for _ in range(6))) == [""] * 6
    assert [row["round"] for row in desk.rows("gate_case")] == [1]
