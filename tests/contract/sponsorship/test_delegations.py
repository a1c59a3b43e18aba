"""Delegating authority over a real socket: dated, bounded, one level deep, revocable at once."""

from datetime import timedelta
from typing import Any

from tests.contract.sponsorship.house import SAM, SARA, VERA, House, refused
from tests.support.records import everything
from tests.support.services import new_request_id

from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework import wire


def lending(house: House, **changes: Any) -> pb.CreateDelegationRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "delegate": SAM,
        "purpose": pb.PURPOSE_PLEDGE,
        "limit": euros(500_000),
        "ends_at": wire.stamp(house.clock.now() + timedelta(days=30)),
    }
    return pb.CreateDelegationRequest(**{**values, **changes})


def euros(units: int, currency: str = "EUR") -> dict[str, Any]:
    return {"currency_code": currency, "units": units}


async def lent(house: House, person: str = SARA, **changes: Any) -> pb.Delegation:
    made: pb.Delegation = await house.of(person, "finance").CreateDelegation(
        lending(house, **changes)
    )
    return made


async def reach(house: House, delegate: str, delegator: str) -> tuple[str, int]:
    request = pb.ResolveAuthorityRequest(
        person=delegate, purpose=pb.PURPOSE_PLEDGE, on_behalf_of=delegator
    )
    found: pb.Authority = await house.of("workloads/x", "service").ResolveAuthority(request)
    return found.delegation, found.limit.units


def revoking(made: pb.Delegation, **changes: Any) -> pb.RevokeDelegationRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": made.name,
        "etag": made.etag,
        "reason": "back from leave",
    }
    return pb.RevokeDelegationRequest(**{**values, **changes})


async def test_a_delegation_holds_from_its_start_to_its_end(house: House) -> None:
    made = await lent(house)
    assert (made.delegator, made.delegate, made.limit.units) == (SARA, SAM, 500_000)
    assert made.name.startswith(f"{SARA}/delegations/")
    assert made.starts_at.ToDatetime(house.clock.now().tzinfo) == house.clock.now()
    assert await reach(house, SAM, SARA) == (made.name, 500_000)
    house.clock.advance(timedelta(days=30))
    assert await reach(house, SAM, SARA) == ("", 250_000)


async def test_a_delegation_reaches_no_farther_than_its_delegator_does_by_then(
    house: House,
) -> None:
    made = await lent(house, limit=euros(2_000_000))
    people = pb.Person(
        name=SARA,
        display_name="Sara",
        unit="units/support",
        grade="director",
        active=True,
        manager="people/ada",
    )
    await house.import_people(people)
    assert await reach(house, SAM, SARA) == (made.name, 250_000)
    people.active = False
    await house.import_people(people)
    assert await reach(house, SAM, SARA) == ("", 250_000)


async def test_of_several_delegations_the_farthest_reaching_counts(house: House) -> None:
    await lent(house, limit=euros(300_000))
    far = await lent(house, limit=euros(600_000))
    await lent(house, limit=euros(400_000))
    assert await reach(house, SAM, SARA) == (far.name, 600_000)


async def test_borrowed_authority_is_not_lent_again(house: House) -> None:
    await lent(house)
    again = lending(house, delegate="people/stella", limit=euros(400_000))
    problem = await refused(house.of(SAM, "sponsor").CreateDelegation(again))
    assert (problem.reason, problem.legs[0].subject) == ("AUTHORITY_INSUFFICIENT", SAM)
    await lent(house, SAM, delegate="people/stella", limit=euros(250_000))
    assert await reach(house, "people/stella", SARA) == ("", 50_000)


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"delegate": SARA}, "delegate"),
    ({"purpose": pb.PURPOSE_HOLD}, "purpose"),
    ({"ends_at": {"seconds": 1}}, "ends_at"),
    ({"ends_at": {"seconds": 1 << 60}}, "ends_at"),
    ({"limit": euros(1, "USD")}, "limit.currency_code"),
    ({"limit": {"currency_code": "EUR", "units": 1, "nanos": 1}}, "limit"),
    ({"limit": euros(0)}, "limit"),
]


async def test_a_delegation_that_cannot_be_is_refused_by_field(house: House) -> None:
    for changes, field in IMPOSSIBLE:
        problem = await refused(lent(house, **changes))
        assert problem.code == "INVALID_ARGUMENT"
        assert [v.field for v in problem.violations] == [field]


async def test_a_delegation_lasts_at_most_a_year(house: House) -> None:
    now = house.clock.now()
    year = now.replace(year=now.year + 1)
    await lent(house, ends_at=wire.stamp(year))
    problem = await refused(lent(house, ends_at=wire.stamp(year + timedelta(seconds=1))))
    assert [v.field for v in problem.violations] == ["ends_at"]


async def test_authority_is_lent_to_active_staff_of_the_same_side(
    house: House, database_url: str
) -> None:
    before = everything(database_url)
    for delegate, code, reason in (
        ("people/nobody", "NOT_FOUND", "RESOURCE_NOT_FOUND"),
        ("people/ivan", "FAILED_PRECONDITION", "SIDES_NOT_SEPARATE"),
        ("people/zoe", "FAILED_PRECONDITION", "AUTHORITY_INSUFFICIENT"),
    ):
        problem = await refused(lent(house, delegate=delegate))
        assert (problem.code, problem.reason) == (code, reason)
    assert everything(database_url) == before


async def test_nobody_lends_more_than_they_have(house: House) -> None:
    problem = await refused(lent(house, limit=euros(2_000_001)))
    assert problem.reason == "AUTHORITY_INSUFFICIENT"
    assert "above the own limit of 2,000,000.00 EUR" in problem.message
    nothing = await refused(lent(house, "people/ben"))
    assert nothing.reason == "AUTHORITY_INSUFFICIENT"
    for stranger in ("people/zoe", "people/nobody", "workloads/x"):
        problem = await refused(lent(house, stranger))
        assert problem.code == "PERMISSION_DENIED", stranger


async def test_a_delegation_is_revoked_at_once_by_who_made_it_or_by_governance(
    house: House,
) -> None:
    made = await lent(house)
    stranger = await refused(house.of(VERA, "sponsor").RevokeDelegation(revoking(made)))
    assert (stranger.code, stranger.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    stale = await refused(house.of(SARA).RevokeDelegation(revoking(made, etag="old")))
    assert (stale.code, stale.reason) == ("ABORTED", "STALE_ETAG")
    revoked: pb.Delegation = await house.of(SARA).RevokeDelegation(revoking(made))
    assert revoked.HasField("revoked_at")
    assert await reach(house, SAM, SARA) == ("", 250_000)
    again: pb.Delegation = await house.of(SARA).RevokeDelegation(revoking(revoked))
    assert again == revoked
    other = await lent(house)
    grace = house.of("people/grace", "governance")
    assert (await grace.RevokeDelegation(revoking(other))).HasField("revoked_at")


async def test_an_unknown_delegation_is_not_found_by_who_may_know(house: House) -> None:
    unknown = pb.Delegation(name=f"{SARA}/delegations/none", etag="x")
    problem = await refused(house.of(SARA).RevokeDelegation(revoking(unknown)))
    assert problem.code == "NOT_FOUND"
    problem = await refused(house.of(VERA).RevokeDelegation(revoking(unknown)))
    assert problem.code == "PERMISSION_DENIED"
    unknown.name = "what"
    problem = await refused(house.of(SARA).RevokeDelegation(revoking(unknown)))
    assert problem.code == "NOT_FOUND"


async def test_delegating_keeps_the_promises_of_every_mutation(
    house: House, database_url: str
) -> None:
    before = everything(database_url)
    rehearsed = await lent(house, validate_only=True)
    assert rehearsed.limit.units == 500_000
    assert everything(database_url) == before
    request = new_request_id()
    first = await lent(house, request_id=request)
    assert await lent(house, request_id=request) == first
    problem = await refused(lent(house, request_id=request, limit=euros(1)))
    assert problem.code == "ALREADY_EXISTS"
