"""A real path whose sponsor is lost or silent: it waits, says why and for whom, and goes on alone.

Issue 3, must show 4: "sponsor demoted between pledge and go: one defined winner". Every wait is for
a record or for what the path shows; the parts are the processes of a stack.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping

import pytest
import pytest_asyncio
from google.protobuf.message import Message
from temporalio.client import Client
from tests.support import halden
from tests.support.plays import Gate, Play, sees
from tests.support.programs import SPONSOR
from tests.support.services import new_request_id
from tests.support.site import CHARTER, Site, site
from tests.support.traps import PATIENCE_SECONDS

from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.stack.plan import ANY_PORTS
from investiture.workflows import contract

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]

Look = Callable[[launch_pb.Path], bool]
STANDS = gate_pb2.CASE_STATE_STANDING


@pytest_asyncio.fixture(loop_scope="session")
async def patient() -> AsyncGenerator[Site]:
    """Sponsors are asked once a day."""
    async with site(ports=ANY_PORTS) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def curious(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Site]:
    """Sponsors are asked every twenty seconds and answer within two."""
    charter = tmp_path_factory.mktemp("curious") / "charter.yaml"
    text = CHARTER.read_text().replace("reattestation: PT10M", "reattestation: PT20S")
    charter.write_text(text.replace("PLEDGE: {duration: PT6S,", "PLEDGE: {duration: PT2S,"))
    async with site(ports=ANY_PORTS, charter=charter) as started:
        yield started


def pledge_of(path: launch_pb.Path) -> gate_pb2.GateCase:
    return case_of(path, gate_pb2.GATE_PLEDGE)


def case_of(path: launch_pb.Path, gate: Gate) -> gate_pb2.GateCase:
    (found,) = (one.gate_case for one in path.gates if one.gate == gate)
    return found


def amber(value: gate_pb2.Amber.ValueType, state: gate_pb2.CaseState.ValueType) -> Look:
    """Whether the pledge of a path is amber so, in a state."""

    def look(path: launch_pb.Path) -> bool:
        case = pledge_of(path)
        return (case.amber, case.state) == (value, state)

    return look


async def shows(client: Client, program: str, *words: str) -> str:
    """The path's line in Temporal, once it says all that."""
    return await shown_at(client, contract.launch_path_id(program), *words)


async def shown_at(client: Client, workflow_id: str, *words: str) -> str:
    """A workflow's line in Temporal, once it says all that."""
    handle = client.get_workflow_handle(workflow_id)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            described = await handle.describe()
            line: str = await described.memo_value(contract.MEMO_NOW, "", type_hint=str)
            if all(word in line for word in words):
                return line
            # Temporal has no watch for a memo: it has to be asked.
            await asyncio.sleep(0.1)


async def demote(stage: Site, person: str) -> Mapping[str, object]:
    """The directory with somebody in a grade that pledges nothing."""
    (changed,) = (one for one in halden.people() if one.name == person)
    changed.grade = "specialist"
    hr = SponsorshipServiceStub(
        stage.stack.channel("sponsorship", "workloads/hr", ("directory-admin",))
    )
    request = pb.ImportDirectoryRequest(request_id=new_request_id(), people=[changed])
    return {"transfers": list((await hr.ImportDirectory(request)).transfers)}


async def follow(play: Play, person: str) -> Message:
    return await play.decide(
        gate_pb2.GATE_PLEDGE,
        "sponsorship",
        play.cast.sponsorship(person).Pledge,
        lambda case, request_id: pb.PledgeRequest(
            request_id=request_id, name=case.name, etag=case.etag, statement="I take it over"
        ),
    )


async def test_a_sponsor_demoted_between_pledge_and_go_is_followed_before_the_path_goes_on(
    patient: Site,
) -> None:
    play, temporal = patient.play("demoted"), await patient.temporal()
    await play.play("submit", "pledge")
    await play.opened(gate_pb2.GATE_FUND)
    assert await demote(patient, SPONSOR) == {"transfers": [f"{play.name}/pledges/1"]}
    waiting = await play.until(amber(gate_pb2.AMBER_TRANSFER, gate_pb2.CASE_STATE_OPEN))
    case = pledge_of(waiting)
    assert waiting.waiting_at == gate_pb2.GATE_PLEDGE
    assert case.round == 2
    assert f"{SPONSOR} has no limit to pledge" in case.reason
    (successor,) = [one.person for one in case.holders]
    line = await shows(temporal, play.name, "PLEDGE OPEN", "amber: the sponsor was lost")
    assert "waits for sponsor (support)" in line
    # What runs goes on and what is decided stays: the money is confirmed, and IT is not asked.
    await play.fund()
    funded = await play.until(sees(gate_pb2.GATE_FUND, STANDS, gate_pb2.CASE_STATE_OPEN))
    assert not case_of(funded, gate_pb2.GATE_KNIGHT).name
    assert (await play.case(gate_pb2.GATE_FUND, "budget")).state == STANDS
    assert not (await play.case(gate_pb2.GATE_KNIGHT, "itrisk")).name
    await follow(play, successor)
    green = await play.opened(gate_pb2.GATE_KNIGHT)
    assert pledge_of(green).state == STANDS
    assert pledge_of(green).amber == gate_pb2.AMBER_UNSPECIFIED
    await play.play("knight", "pilot")
    asked = case_of(await play.opened(gate_pb2.GATE_LAUNCH), gate_pb2.GATE_LAUNCH)
    assert [one.person for one in asked.holders] == [successor]
    await play.decide(
        gate_pb2.GATE_LAUNCH,
        "launch",
        play.cast.launch(successor).DecideGo,
        lambda case, request_id: launch_pb.DecideGoRequest(
            request_id=request_id, name=case.name, etag=case.etag, answer=launch_pb.GO_ANSWER_GO
        ),
    )
    launched = await play.opened(gate_pb2.GATE_PROVE)
    assert launched.program.HasField("launch_time")


async def test_a_silent_sponsor_pauses_forward_moves_until_the_word_comes(curious: Site) -> None:
    play, temporal = curious.play("silent"), await curious.temporal()
    await play.play("submit", "pledge")
    paused = await play.until(amber(gate_pb2.AMBER_FORWARD_MOVES_PAUSED, STANDS))
    assert f"{SPONSOR} was asked" in pledge_of(paused).reason
    assert SPONSOR in {one.person for one in pledge_of(paused).holders}
    await play.fund()
    line = await shows(temporal, play.name, "KNIGHT BLOCKED", "FORWARD_MOVES_PAUSED")
    assert "no gate opens until the sponsor attests" in line
    assert (await play.case(gate_pb2.GATE_FUND, "budget")).state == STANDS
    assert not (await play.case(gate_pb2.GATE_KNIGHT, "itrisk")).name
    await play.decide(
        gate_pb2.GATE_PLEDGE,
        "sponsorship",
        play.cast.sponsorship(SPONSOR).AttestSponsorship,
        lambda case, request_id: pb.AttestSponsorshipRequest(
            request_id=request_id, name=case.name, etag=case.etag, statement="we still want it"
        ),
    )
    opened = await play.opened(gate_pb2.GATE_KNIGHT)
    assert pledge_of(opened).state == STANDS
