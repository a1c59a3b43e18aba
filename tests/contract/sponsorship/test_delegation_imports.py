"""Delegations in bulk over a real socket: all or none, every error by its row, nobody gains."""

from datetime import timedelta
from typing import Any

from tests.contract.sponsorship.house import SAM, SARA, VERA, House, refused
from tests.contract.sponsorship.test_delegations import reach, revoking
from tests.support.records import everything, rows
from tests.support.services import new_request_id

from investiture.api.sponsorship.v1 import register_service_pb2 as pb
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.api.sponsorship.v1.register_service_pb2_grpc import RegisterServiceStub
from investiture.casework import wire

HR = "people/hana"


def register(house: House, person: str = HR, *roles: str) -> RegisterServiceStub:
    return RegisterServiceStub(house.service.channel(person, *(roles or ("directory-admin",))))


def entry(house: House, delegator: str = SARA, delegate: str = SAM, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "delegator": delegator,
        "delegate": delegate,
        "purpose": sponsorship_pb.PURPOSE_PLEDGE,
        "ends_at": wire.stamp(house.clock.now() + timedelta(days=30)),
    }
    return pb.DelegationEntry(**{**values, **changes})


async def imported(house: House, *entries: Any, caller: str = HR, **request: Any) -> list[str]:
    values: dict[str, Any] = {"request_id": new_request_id(), "delegations": entries, **request}
    answer: pb.ImportDelegationsResponse = await register(house, caller).ImportDelegations(
        pb.ImportDelegationsRequest(**values)
    )
    return list(answer.delegations)


async def test_imported_delegations_hold_like_those_that_were_made(house: House) -> None:
    first, other = await imported(house, entry(house), entry(house, "people/mira", "people/max"))
    assert (await reach(house, SAM, SARA))[0] == first
    assert other.startswith("people/mira/delegations/")
    made = await register(house, SARA, "sponsor").ListDelegations(pb.ListDelegationsRequest())
    (mine,) = made.delegations
    await house.of(SARA).RevokeDelegation(revoking(mine))
    assert (await reach(house, SAM, SARA))[0] == ""


async def test_one_wrong_row_and_nothing_is_stored(house: House, database_url: str) -> None:
    before = everything(database_url)
    problem = await refused(
        imported(
            house,
            entry(house),
            entry(house, delegate="people/nobody"),
            entry(house, delegate="people/ivan"),
            entry(house),
            entry(house, SAM, SARA),
            entry(house, VERA, HR),
        )
    )
    assert problem.reason == "INVALID_FIELD"
    found = {one.field: one.description for one in problem.violations}
    assert set(found) == {f"delegations[{row}].delegate" for row in range(6)}
    assert "circle" in found["delegations[0].delegate"]
    assert "gains no authority" in found["delegations[5].delegate"]
    assert everything(database_url) == before


async def test_an_import_keeps_the_promises_of_every_mutation(
    house: House, database_url: str
) -> None:
    before = everything(database_url)
    assert len(await imported(house, entry(house), validate_only=True)) == 1
    assert everything(database_url) == before
    request = new_request_id()
    first = await imported(house, entry(house), request_id=request)
    assert await imported(house, entry(house), request_id=request) == first
    assert len(rows(database_url, "SELECT name FROM delegation")) == 1
    again = await refused(imported(house, entry(house)))
    assert f"overlaps with {first[0]}" in again.violations[0].description


async def test_an_import_takes_at_most_5000_rows_and_as_many_at_once(house: House) -> None:
    start = house.clock.now()
    hours = [
        entry(
            house,
            starts_at=wire.stamp(start + timedelta(hours=hour)),
            ends_at=wire.stamp(start + timedelta(hours=hour + 1)),
        )
        for hour in range(5_001)
    ]
    problem = await refused(imported(house, *hours))
    assert [one.field for one in problem.violations] == ["delegations"]
    assert len(await imported(house, *hours[:5_000])) == 5_000


async def test_delegations_are_listed_to_whom_they_concern_page_by_page(house: House) -> None:
    names = await imported(
        house, *(entry(house, delegate=one) for one in (SAM, "people/stella", "people/mira"))
    )
    of_sam = await register(house, SAM, "sponsor").ListDelegations(pb.ListDelegationsRequest())
    assert [one.name for one in of_sam.delegations] == [names[0]]
    nosy = register(house, SAM, "sponsor").ListDelegations(pb.ListDelegationsRequest(person=VERA))
    assert (await refused(nosy)).reason == "NOT_A_HOLDER"
    found: list[str] = []
    token = ""
    while True:
        page = await register(house, "people/grace", "auditor").ListDelegations(
            pb.ListDelegationsRequest(page_size=2, page_token=token)
        )
        found += [one.name for one in page.delegations]
        token = page.next_page_token
        if not token:
            break
    assert found == sorted(names)
    house.clock.advance(timedelta(days=30))
    past = register(house, SARA, "sponsor")
    assert not (await past.ListDelegations(pb.ListDelegationsRequest())).delegations
    kept = await past.ListDelegations(pb.ListDelegationsRequest(include_ended=True))
    assert len(kept.delegations) == 3


async def test_who_lends_to_each_other_for_one_purpose_and_time_is_refused(house: House) -> None:
    await imported(house, entry(house))
    back = sponsorship_pb.CreateDelegationRequest(
        request_id=new_request_id(),
        delegate=SARA,
        purpose=sponsorship_pb.PURPOSE_PLEDGE,
        ends_at=wire.stamp(house.clock.now() + timedelta(days=3)),
    )
    problem = await refused(house.of(SAM).CreateDelegation(back))
    assert [one.field for one in problem.violations] == ["delegate"]
    assert "circle" in problem.message
