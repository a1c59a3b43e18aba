"""Who decides on the money has no interest in it and does not report to who asks for it."""

from datetime import timedelta
from typing import Any

from tests.contract.budget.test_with_sponsorship import Neighbours, neighbours
from tests.contract.sponsorship.test_interests import declare
from tests.support.budget import ON_SQLITE, refused
from tests.support.services import new_request_id

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.casework import wire

__all__ = ["neighbours"]


def approving(between: Neighbours, name: str, **changes: Any) -> Any:
    case = between.case
    request = pb.ApproveFundingRequest(
        request_id=new_request_id(), name=case.name, etag=case.etag, **changes
    )
    return between.money.person(name).ApproveFunding(request)


@ON_SQLITE
async def test_an_approver_with_an_interest_does_not_approve_and_a_colleague_does(
    neighbours: Neighbours,
) -> None:
    await declare(neighbours.house, "people/fiona", subject=neighbours.case.program)
    for rehearsing in (False, True):
        problem = await refused(approving(neighbours, "fiona", validate_only=rehearsing))
        assert problem.reason == "CONFLICT_OF_INTEREST"
        assert [leg.type for leg in problem.legs] == ["CONFLICT_OF_INTEREST"]
        assert "recuse" in problem.legs[0].remedy
    assert (await approving(neighbours, "felix")).gate_case.deciders


@ON_SQLITE
async def test_a_delegate_does_not_decide_in_the_name_of_somebody_with_an_interest(
    neighbours: Neighbours,
) -> None:
    house, clock = neighbours.house, neighbours.money.clock
    await declare(house, "people/fiona", subject="units/support")
    await house.of("people/fiona", "finance").CreateDelegation(
        sponsorship_pb.CreateDelegationRequest(
            request_id=new_request_id(),
            delegate="people/finn",
            purpose=sponsorship_pb.PURPOSE_FUND,
            ends_at=wire.stamp(clock.now() + timedelta(days=30)),
        )
    )
    problem = await refused(approving(neighbours, "finn", on_behalf_of="people/fiona"))
    assert problem.reason == "CONFLICT_OF_INTEREST"
    assert problem.legs[0].subject == "people/fiona"


@ON_SQLITE
async def test_who_reports_to_the_sponsor_does_not_approve(neighbours: Neighbours) -> None:
    house = neighbours.house
    moved = sponsorship_pb.Person(
        name="people/fiona",
        display_name="Fiona",
        unit="units/finance",
        grade="manager",
        active=True,
        manager="people/sara",
    )
    await house.import_people(moved)
    problem = await refused(approving(neighbours, "fiona"))
    assert problem.reason == "CONFLICT_OF_INTEREST"
    assert "reports to people/sara, who asks for this program" in problem.legs[0].description
