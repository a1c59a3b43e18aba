"""Authority that goes while the money decides; must-show 4 of the issue.

The directory is another service, so a decision of the money cannot hold what it reads there. Its
moment is the answer of ResolveAuthority: what was revoked or interrupted after that instant does
not reach it, what was before does. The answer is kept with the decision, with its instant, so that
the order can be read afterwards. The window ends with the call's deadline (10 s by default): a
decision that has not begun to be stored by then is never stored. IT decides by the same rule.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.contract.budget.test_with_sponsorship import Neighbours, neighbours
from tests.support.budget import refused
from tests.support.interleaving import Held
from tests.support.records import rows
from tests.support.services import new_request_id

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.budget.store import FundingStore
from investiture.casework import wire

__all__ = ["neighbours"]


async def lent(between: Neighbours) -> sponsorship_pb.Delegation:
    request = sponsorship_pb.CreateDelegationRequest(
        request_id=new_request_id(),
        delegate="people/felix",
        purpose=sponsorship_pb.PURPOSE_FUND,
        ends_at=wire.stamp(between.money.clock.now() + timedelta(days=30)),
    )
    made: sponsorship_pb.Delegation = await between.house.of(
        "people/fay", "finance"
    ).CreateDelegation(request)
    return made


async def revoked(between: Neighbours, made: sponsorship_pb.Delegation) -> None:
    await between.house.of("people/fay", "finance").RevokeDelegation(
        sponsorship_pb.RevokeDelegationRequest(
            request_id=new_request_id(), name=made.name, etag=made.etag, reason="back"
        )
    )


def confirming(between: Neighbours, case: gate_pb2.GateCase) -> Any:
    request = pb.ReserveRequest(
        request_id=new_request_id(),
        name=case.name,
        etag=case.etag,
        envelope="envelopes/launches-2027",
        on_behalf_of="people/fay",
    )
    return between.money.person("felix").Reserve(request)


async def test_a_delegation_revoked_after_the_directory_answered_has_served_once_more(
    neighbours: Neighbours, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await lent(neighbours)
    case = await neighbours.money.approve(neighbours.case, "fiona")
    held = Held(monkeypatch, FundingStore, "load")
    call = confirming(neighbours, case)
    await held.reached()  # the directory has answered, nothing is stored yet
    answered = neighbours.money.clock.now()
    neighbours.money.clock.advance(timedelta(seconds=1))
    await revoked(neighbours, made)
    held.go()
    funding: pb.Funding = await call
    assert funding.gate_case.state == gate_pb2.CASE_STATE_STANDING
    query = "SELECT document FROM event WHERE kind = 'fund.reserved'"
    ((document,),) = rows(database_url, query)
    evidence = json.loads(document)["payload"]["authority"]
    assert evidence["delegation"] == made.name
    assert evidence["resolved_at"] == answered.isoformat()


async def test_a_delegation_revoked_before_the_directory_answers_serves_no_more(
    neighbours: Neighbours,
) -> None:
    made = await lent(neighbours)
    case = await neighbours.money.approve(neighbours.case, "fiona")
    await revoked(neighbours, made)
    assert (await refused(confirming(neighbours, case))).reason == "NOT_A_HOLDER"
