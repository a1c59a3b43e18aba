"""Only launch starts paths: what it rings, and when."""

from datetime import timedelta

from tests.support.launches import Front
from tests.support.services import new_request_id

from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.api.workflows.v1 import path_pb2
from investiture.casework.words import Gate
from investiture.workflows import contract

NAME = "programs/community"
PATH, PROOF = contract.launch_path_id(NAME), contract.prove_return_id(NAME)


def sent(desk: Front) -> list[tuple[str, str]]:
    """What was posted, in order: what happened, and to which workflow."""
    rows = sorted(desk.rows("outbox"), key=lambda row: (row["time"], row["posted_at"]))
    return [(row["type"].removeprefix("investiture."), row["workflow_id"]) for row in rows]


async def test_a_ring_starts_the_path_with_the_program_alone(desk: Front) -> None:
    await desk.submitted()
    (row,) = desk.rows("outbox")
    assert (row["workflow_id"], row["workflow_type"]) == (PATH, contract.LAUNCH_PATH)
    assert (row["task_queue"], row["signal"]) == (contract.TASK_QUEUE, contract.RING)
    assert path_pb2.PathInput.FromString(row["start_data"]) == path_pb2.PathInput(program=NAME)
    assert '"community"' in row["start_options"]
    ring = path_pb2.Ring.FromString(row["data"])
    assert (ring.gate, ring.case_name) == (gate_pb2.GATE_UNSPECIFIED, NAME)


async def test_each_change_rings_once_whoever_has_the_program_in_hand(desk: Front) -> None:
    await desk.draft()
    assert sent(desk) == [], "nobody is asked about a draft"
    draft = await desk.program(NAME)
    await desk.proposer.SubmitProgram(
        pb.SubmitProgramRequest(request_id=new_request_id(), name=NAME, etag=draft.etag)
    )
    expected = [("program.submitted", PATH)]
    assert sent(desk) == expected
    await desk.stand(await desk.facts(NAME))
    assert sent(desk) == expected, "launch does not ring itself for what it was told"
    await desk.open(Gate.PILOT, NAME)
    await desk.outcome(await desk.pilot(NAME))
    await desk.open(Gate.LAUNCH, NAME)
    await desk.decide(await desk.go_decision(NAME))
    expected += [("pilot.case.changed", PATH)] * 2 + [("launch.case.changed", PATH)] * 2
    assert sorted(sent(desk)) == sorted(expected)
    await desk.execute(await desk.facts(NAME))
    expected += [("prove.case.changed", PROOF)]
    assert sorted(sent(desk)) == sorted(expected)
    desk.clock.advance(timedelta(days=1))
    await desk.suspended(await desk.program(NAME))
    expected += [("program.suspended", PROOF)]
    await desk.measured(NAME, 40_000)
    assert sorted(sent(desk)) == sorted(expected)
    await desk.close(NAME, statements_pb2.OUTCOME_PROVEN)
    expected += [("program.ended", PROOF)]
    assert sorted(sent(desk)) == sorted(expected)


async def test_an_end_rings_once_however_many_stages_it_releases(desk: Front) -> None:
    await desk.asked_for_go()
    before = len(sent(desk))
    await desk.withdrawn(NAME)
    assert len(sent(desk)) == before + 1
    await desk.draft("other")
    await desk.withdrawn("programs/other")
    assert len(sent(desk)) == before + 1, "a draft has no path to ring"
