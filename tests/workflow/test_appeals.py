"""A declined program on a running path: the real itrisk and launch, time skipped.

Until the decline is final nothing is undone; then the program ends as any declined one does.
"""

from collections.abc import AsyncGenerator
from datetime import UTC, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment
from tests.support.eventually import eventually
from tests.support.programs import PROPOSER, SPONSOR
from tests.support.reviews import GAP
from tests.support.services import new_request_id
from tests.workflow.test_risk_governance import House, opened_house

from investiture.api.common.v1 import gate_pb2 as gates
from investiture.api.common.v1 import statements_pb2
from investiture.api.itrisk.v1 import appeal_service_pb2 as pb
from investiture.api.itrisk.v1 import itrisk_service_pb2 as review_pb
from investiture.api.itrisk.v1.appeal_service_pb2_grpc import AppealServiceStub
from investiture.api.itrisk.v1.itrisk_service_pb2_grpc import ItRiskServiceStub
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.api.workflows.v1.path_pb2 import Ring
from investiture.workflows import contract

pytestmark = pytest.mark.asyncio(loop_scope="session")

REVIEWER, OTHER, ADA = "people/ines", "people/ralf", "people/ada"
OPEN, STANDS = gates.CASE_STATE_OPEN, gates.CASE_STATE_STANDING
DECLINED, RELEASED = gates.CASE_STATE_DECLINED, gates.CASE_STATE_RELEASED


@pytest_asyncio.fixture(loop_scope="session")
async def house(environment: WorkflowEnvironment, tmp_path: Path) -> AsyncGenerator[House]:
    async with opened_house(environment, tmp_path) as home:
        home.front.directory.say(SPONSOR, superiors=[ADA])
        home.front.directory.say(REVIEWER, superiors=["people/ivan", ADA])
        yield home


async def declined(house: House) -> gates.GateCase:
    """The review declined by one of its reviewers, and launch has heard of it."""
    case = await house.review(1, OPEN)
    stub = ItRiskServiceStub(house.it.channel(REVIEWER, "reviewer"))
    review: review_pb.RiskReview = await stub.Decline(
        review_pb.DeclineRequest(
            request_id=new_request_id(),
            name=case.name,
            etag=case.etag,
            gaps=[GAP],
            price="90,000 EUR",
            no_exposure_fits=True,
        )
    )
    await house.recorded(1, DECLINED)
    return review.gate_case


def appeals(house: House, person: str, role: str) -> AppealServiceStub:
    return AppealServiceStub(house.it.channel(person, role))


async def appealed(house: House, case: gates.GateCase) -> gates.GateCase:
    review: review_pb.RiskReview = await appeals(house, SPONSOR, "sponsor").Appeal(
        pb.AppealRequest(
            request_id=new_request_id(), name=case.name, etag=case.etag, grounds="it is moderated"
        )
    )
    return review.gate_case


async def decided(
    house: House, case: gates.GateCase, outcome: gates.AppealOutcome.ValueType
) -> None:
    await appeals(house, ADA, "endorser").DecideAppeal(
        pb.DecideAppealRequest(
            request_id=new_request_id(),
            name=case.name,
            etag=case.etag,
            outcome=outcome,
            reason="it was tested",
        )
    )


async def ended(house: House) -> launch_pb.Program:
    """The program once it has ended as declined, and nothing is held for it any more."""
    program = await eventually(
        lambda: house.front.program(house.program), lambda program: program.settled
    )
    assert program.outcome == statements_pb2.OUTCOME_DECLINED
    assert program.ended_by == REVIEWER
    await house.review(1, RELEASED)
    states = {
        one.gate: one.gate_case.state for one in (await house.front.path(house.program)).gates
    }
    assert [states[gate] for gate in (gates.GATE_PLEDGE, gates.GATE_FUND)] == [RELEASED] * 2
    outcome = await house.path.result()
    assert outcome.outcome == statements_pb2.OUTCOME_DECLINED
    return program


async def lives_on(house: House) -> None:
    """Nothing of it is undone, and its path says whom it waits for."""
    path = await house.front.path(house.program)
    assert not path.program.outcome
    assert path.waiting_at == gates.GATE_KNIGHT
    assert {one.standing for one in path.gates[:2]} == {True}


async def line(house: House, wanted: str) -> str:
    """What the path says of itself, once it says that."""

    async def read() -> str:
        memo = await (await house.path.describe()).memo()
        return str(memo.get(contract.MEMO_NOW, ""))

    return await eventually(read, lambda said: wanted in said)


async def test_a_decline_that_nobody_appeals_ends_the_program_when_its_time_has_passed(
    house: House,
) -> None:
    case = await declined(house)
    until = case.appealable_until.ToDatetime(UTC)
    said = await line(house, "can be appealed until")
    assert said.startswith("KNIGHT DECLINED, waits for proposer, sponsor, since")
    assert f"{until:%Y-%m-%d %H:%M:%S}Z" in said
    await lives_on(house)
    left = until - house.clock.now()
    await house.days((left - timedelta(hours=1)) / timedelta(days=1))
    await lives_on(house)
    await house.days(2 / 24)
    program = await ended(house)
    assert "not appealed until" in program.end_reason


async def test_an_accepted_decline_ends_the_program_at_once(house: House) -> None:
    case = await declined(house)
    await lives_on(house)
    await appeals(house, PROPOSER, "proposer").AcceptDecline(
        pb.AcceptDeclineRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    )
    assert (await ended(house)).end_reason.endswith(f"accepted by {PROPOSER}")


async def test_a_granted_appeal_opens_a_round_for_others_and_the_program_goes_on(
    house: House,
) -> None:
    case = await appealed(house, await declined(house))
    await line(house, "KNIGHT DECLINED, waits for arbiter")
    await house.days(30)  # past the time in which it could have been appealed
    await lives_on(house)
    late = await house.review(1, DECLINED)
    assert late.holders[0].role == "arbiter"
    assert len(late.escalations) >= 4, "its wait is escalated like any other"
    await decided(house, late, gates.APPEAL_OUTCOME_GRANTED)
    again = await house.review(2, OPEN)
    assert [holder.person for holder in again.holders] == [OTHER]
    stub = ItRiskServiceStub(house.it.channel(OTHER, "reviewer"))
    await stub.Knight(
        review_pb.KnightRequest(request_id=new_request_id(), name=again.name, etag=again.etag)
    )
    await house.piloting()
    await house.recorded(2, STANDS)
    shown = (await house.front.path(house.program)).gates[2].gate_case.appeal
    assert (shown.person, shown.decided_by) == (SPONSOR, ADA)
    assert case.appeal.person == SPONSOR


async def test_an_upheld_decline_ends_the_program_and_releases_what_is_held(house: House) -> None:
    case = await appealed(house, await declined(house))
    await lives_on(house)
    await decided(house, case, gates.APPEAL_OUTCOME_UPHELD)
    program = await ended(house)
    assert f"appeal of {SPONSOR} upheld by {ADA}: it was tested" in program.end_reason


async def test_a_later_decline_is_final(house: House) -> None:
    case = await appealed(house, await declined(house))
    await decided(house, case, gates.APPEAL_OUTCOME_GRANTED)
    again = await house.review(2, OPEN)
    stub = ItRiskServiceStub(house.it.channel(OTHER, "reviewer"))
    await stub.Decline(
        review_pb.DeclineRequest(
            request_id=new_request_id(),
            name=again.name,
            etag=again.etag,
            gaps=[GAP],
            price="90,000 EUR",
            no_exposure_fits=True,
        )
    )
    program = await eventually(
        lambda: house.front.program(house.program), lambda program: program.settled
    )
    assert (program.outcome, program.ended_by) == (statements_pb2.OUTCOME_DECLINED, OTHER)


async def test_a_program_is_withdrawn_while_its_decline_may_be_appealed(house: House) -> None:
    await declined(house)
    await house.front.withdrawn(house.program)
    await house.path.signal(contract.RING, Ring())  # launch's own relay reaches nobody here
    program = await eventually(
        lambda: house.front.program(house.program), lambda program: program.settled
    )
    assert program.outcome == statements_pb2.OUTCOME_WITHDRAWN
