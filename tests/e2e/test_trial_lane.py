"""The trial lane through the whole stack: three gates by a standing decision, until an incident."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from google.type.money_pb2 import Money
from tests.e2e.test_liveness import shows
from tests.support.eventually import eventually
from tests.support.plays import Play, sees
from tests.support.programs import PROPOSER, SPONSOR, eur, plan
from tests.support.services import new_request_id
from tests.support.site import CHARTER, Site, site

from investiture.api.common.v1 import gate_pb2
from investiture.api.governance.v1 import standing_decisions_pb2 as pb
from investiture.api.governance.v1.standing_decisions_pb2_grpc import StandingDecisionServiceStub
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.cli.demo.trial import dated_today
from investiture.stack.plan import ANY_PORTS

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.timeout(180),
    pytest.mark.asyncio(loop_scope="session"),
]

GATES = (gate_pb2.GATE_PLEDGE, gate_pb2.GATE_FUND, gate_pb2.GATE_KNIGHT)


@pytest_asyncio.fixture(loop_scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Site]:
    folder = tmp_path_factory.mktemp("lane")
    text = CHARTER.read_text().replace("concurrent: 1}", "concurrent: 9}")
    (folder / "lane.yaml").write_text(text.replace("    envelope: communities\n", ""))
    (folder / "dated").mkdir()
    charter = dated_today(folder / "lane.yaml", folder / "dated")
    async with site(ports=ANY_PORTS, charter=charter) as started:
        yield started


def decisions(stage: Site, person: str) -> StandingDecisionServiceStub:
    return StandingDecisionServiceStub(stage.cast.channel("sponsorship", person))


async def read(stage: Site) -> pb.StandingDecision:
    request = pb.ListStandingDecisionsRequest()
    (one,) = (await decisions(stage, PROPOSER).ListStandingDecisions(request)).standing_decisions
    return one


async def signed(stage: Site) -> None:
    decision = await read(stage)
    for asked in decision.signatures:
        await decisions(stage, asked.person).SignStandingDecision(
            pb.SignStandingDecisionRequest(
                request_id=new_request_id(), id=decision.id, digest=decision.digest
            )
        )


async def submitted(stage: Site, label: str) -> Play:
    """A trial at the caps, in an envelope of its own."""
    play = stage.play(label)
    await play.fund_it()
    nothing = Money(currency_code="EUR")
    await play.draft(
        channels=["support-portal"],
        data_classes=["public"],
        vendors=[],
        amount=eur(2_500),
        tranches=launch_pb.Tranches(trial=eur(2_500), pilot=nothing, general=nothing),
        exposure_bps=100,
        pilot_plan=plan(exposure_bps=100, people=50, days=14),
    )
    await play.submit()
    return play


async def test_three_gates_stand_without_a_person_until_an_incident_ends_the_decision(
    stage: Site,
) -> None:
    await signed(stage)
    trial = await submitted(stage, "trial")
    await trial.stands(gate_pb2.GATE_KNIGHT)
    path = await trial.opened(gate_pb2.GATE_PILOT)
    by = {one.gate: one.gate_case.standing_decision.id for one in path.gates if one.gate in GATES}
    assert by == dict.fromkeys(GATES, "small-trials")
    client = await stage.temporal()
    await shows(client, trial.name, "PILOT", "by standing decision small-trials")

    program = await trial.program()
    await stage.cast.launch(SPONSOR).Suspend(
        launch_pb.SuspendRequest(
            request_id=new_request_id(), name=trial.name, etag=program.etag, reason="a leak"
        )
    )
    after = await submitted(stage, "after")  # at once: nobody has to be told first
    opened = await after.until(sees(gate_pb2.GATE_PLEDGE, gate_pb2.CASE_STATE_OPEN))
    (pledge,) = (one.gate_case for one in opened.gates if one.gate == gate_pb2.GATE_PLEDGE)
    (why,) = pledge.not_covered
    assert "suspended: a leak" in why
    running = await trial.program()
    assert running.suspended
    knighted = await trial.case(gate_pb2.GATE_KNIGHT, "itrisk")
    assert knighted.state == gate_pb2.CASE_STATE_STANDING, "what passed by it goes on"
    revoked = await eventually(
        lambda: read(stage), lambda one: one.state == pb.STANDING_DECISION_STATE_REVOKED
    )
    assert trial.name in revoked.revoked
