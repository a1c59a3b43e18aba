"""A knighting taken back after the launch: on record, in the inbox of its sponsor, in Temporal."""

import pytest
from tests.e2e.test_liveness import shown_at
from tests.support.command import investiture
from tests.support.plays import PROVEN
from tests.support.site import Site

from investiture.api.common.v1 import gate_pb2
from investiture.workflows import contract
from investiture.workflows.launch_path import LaunchPath

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.timeout(180),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_a_void_after_the_launch_is_an_incident_and_the_sponsors_to_answer(
    site: Site,
) -> None:
    play = site.play("taken-back")
    program = play.program_id

    async def done(person: str, *words: str) -> str:
        answer = await investiture(site.stack.folder.path, "--as", person, *words)
        assert answer.code == 0, answer.err
        return answer.out

    await play.play(*PROVEN[:-1])
    await play.ready_for("prove")
    client = await site.temporal()
    path_id = contract.launch_path_id(play.name)
    await client.get_workflow_handle_for(LaunchPath.run, path_id).result()

    await done("grace", "void", program, "knight", "--reason", "it leaks")
    path = await play.until(lambda path: bool(path.program.incidents))
    (incident,) = path.program.incidents
    assert incident.endswith("the decision of knight was taken back: it leaks")
    proof = contract.prove_return_id(play.name)
    await shown_at(client, proof, "PROVE OPEN", "KNIGHT was lost (VOIDED)")
    told = await done("omar", "path", "show", program)
    assert proof in told
    assert "KNIGHT was lost" in told
    case = await play.case(gate_pb2.GATE_PROVE, "launch")
    assert case.amber == gate_pb2.AMBER_DECISION_LOST
    inbox = await done("sara", "inbox")
    assert "open amber" in next(line for line in inbox.splitlines() if program in line)
    shown = " ".join((await done("sara", "show", program)).split())
    assert f"incident: {incident}" in shown
    assert "PROVE amber, a decision it was launched by is gone" in shown
    await play.take("prove")
    await play.settled()
