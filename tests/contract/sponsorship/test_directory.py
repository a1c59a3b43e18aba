"""The directory over a real socket: imported whole or not at all, and asked who may what."""

from datetime import timedelta
from typing import Any

from tests.contract.sponsorship.house import BEN, SARA, VERA, House, refused
from tests.support import halden
from tests.support.records import everything, rows
from tests.support.services import new_request_id

from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework import wire


def person(name: str = "people/new", **changes: Any) -> pb.Person:
    values: dict[str, Any] = {
        "name": name,
        "display_name": name.removeprefix("people/").title(),
        "unit": "units/support",
        "grade": "specialist",
        "active": True,
        "manager": SARA,
        **changes,
    }
    return pb.Person(**values)


def ask(name: str, purpose: str = "PLEDGE", **changes: Any) -> pb.ResolveAuthorityRequest:
    return pb.ResolveAuthorityRequest(
        person=name, purpose=pb.Purpose.Value(f"PURPOSE_{purpose}"), **changes
    )


async def authority(house: House, *asked: str, **changes: Any) -> pb.Authority:
    found: pb.Authority = await house.of("workloads/budget", "service").ResolveAuthority(
        ask(*asked, **changes)
    )
    return found


async def test_an_import_says_what_it_changed_and_repeating_it_changes_nothing(
    house: House, database_url: str
) -> None:
    same: pb.ImportDirectoryResponse = await house.import_people(*halden.people())
    assert (same.added, same.changed, same.deactivated) == (0, 0, 0)
    moved = person(BEN, display_name="Ben Haddad", unit="units/sales", manager=VERA)
    after: pb.ImportDirectoryResponse = await house.import_people(moved, person())
    assert (after.added, after.changed, after.deactivated) == (1, 1, 0)
    assert after.directory_digest != same.directory_digest
    versions = rows(
        database_url, "SELECT name, version FROM person WHERE name IN ('people/ben', 'people/sam')"
    )
    assert sorted(versions) == [("people/ben", 2), ("people/sam", 1)]
    assert (await authority(house, BEN)).directory_digest == after.directory_digest


async def test_replacing_makes_inactive_whom_it_does_not_name(house: House) -> None:
    everybody = [one for one in halden.people() if one.name != BEN]
    after: pb.ImportDirectoryResponse = await house.import_people(*everybody, replace=True)
    assert (after.added, after.changed, after.deactivated) == (0, 0, 1)
    ben: pb.Person = await house.of(SARA).GetPerson(pb.GetPersonRequest(name=BEN))
    assert not ben.active
    assert ben.unit == "units/support"


async def test_a_rehearsed_import_stores_nothing(house: House, database_url: str) -> None:
    before = everything(database_url)
    rehearsed: pb.ImportDirectoryResponse = await house.import_people(person(), validate_only=True)
    assert rehearsed.added == 1
    assert everything(database_url) == before


async def test_an_import_with_one_wrong_field_stores_nothing_and_names_each(
    house: House, database_url: str
) -> None:
    before = everything(database_url)
    problem = await refused(
        house.import_people(
            person("people/fine"),
            person("people/a", unit="units/moon", grade="emperor", manager="people/nobody"),
            person("people/fine"),
            person("people/b", manager="people/c"),
            person("people/c", manager="people/b"),
            person("people/d", guest_of="Brightside"),
        )
    )
    assert (problem.code, problem.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert [v.field for v in problem.violations] == [
        "people[1].grade",
        "people[1].manager",
        "people[1].unit",
        "people[2].name",
        "people[3].manager",
        "people[4].manager",
        "people[5].unit",
    ]
    assert "people/b → people/c → people/b" in problem.violations[4].description
    assert everything(database_url) == before


async def test_a_circle_is_found_through_people_who_are_there_already(house: House) -> None:
    problem = await refused(house.import_people(person("people/ada", manager=BEN, grade="chief")))
    (violation,) = problem.violations
    assert violation.field == "people[0].manager"
    assert "people/ada → people/ben" in violation.description


async def test_importing_gives_no_authority_and_needs_its_role(house: House) -> None:
    request = pb.ImportDirectoryRequest(request_id=new_request_id(), people=[person()])
    problem = await refused(house.of(SARA, "sponsor").ImportDirectory(request))
    assert problem.reason == "ROLE_MISSING"


async def test_an_altered_import_under_the_same_request_id_is_refused(house: House) -> None:
    request = new_request_id()
    first = await house.import_people(person(), request_id=request)
    assert await house.import_people(person(), request_id=request) == first
    problem = await refused(house.import_people(person("people/other"), request_id=request))
    assert problem.code == "ALREADY_EXISTS"


async def test_people_are_read_by_name_and_listed_page_by_page(house: House) -> None:
    stub = house.of(BEN, "proposer")
    nobody = await refused(stub.GetPerson(pb.GetPersonRequest(name="people/nobody")))
    assert (nobody.code, nobody.reason) == ("NOT_FOUND", "RESOURCE_NOT_FOUND")
    names: list[str] = []
    request = pb.ListPeopleRequest(page_size=10)
    while True:
        page: pb.ListPeopleResponse = await stub.ListPeople(request)
        names += [one.name for one in page.people]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert names == sorted(one.name for one in halden.people())
    support: pb.ListPeopleResponse = await stub.ListPeople(
        pb.ListPeopleRequest(unit="units/support")
    )
    assert [one.name for one in support.people] == [BEN, "people/sam", SARA, "people/stella"]
    other = pb.ListPeopleRequest(unit="units/support", page_token=request.page_token)
    problem = await refused(stub.ListPeople(other))
    assert problem.reason == "PAGE_TOKEN_INVALID"


async def test_units_come_from_the_charter_in_force(house: House) -> None:
    stub = house.of(BEN, "proposer")
    first: pb.ListUnitsResponse = await stub.ListUnits(pb.ListUnitsRequest(page_size=6))
    rest: pb.ListUnitsResponse = await stub.ListUnits(
        pb.ListUnitsRequest(page_size=6, page_token=first.next_page_token)
    )
    units = {one.name: one for one in (*first.units, *rest.units)}
    assert len(units) == len(halden.charter().units)
    assert rest.next_page_token == ""
    assert first.charter_digest == halden.charter().digest
    sales = units["units/sales"]
    assert (sales.head, sales.deputy, sales.parent) == (VERA, "people/viktor", "units/executive")
    assert (list(sales.relationships), list(sales.scope)) == (
        ["prospects", "partners"],
        ["accounts", "pricing"],
    )
    assert (sales.side, units["units/it"].side) == (gate_pb2.SIDE_BUSINESS, gate_pb2.SIDE_IT)


async def test_authority_is_the_grades_limit_the_units_and_the_line_above(house: House) -> None:
    found = await authority(house, "people/ivan", "KNIGHT")
    assert (found.unit, found.grade, found.side) == ("units/it", "chief", gate_pb2.SIDE_IT)
    assert found.unlimited
    assert not found.HasField("limit")
    assert list(found.heads) == ["units/it"]
    assert list(found.commands) == ["units/it", "units/it-security"]
    assert list(found.superiors) == ["people/ada"]
    sara = await authority(house, SARA)
    assert (sara.limit.units, sara.limit.currency_code) == (2_000_000, "EUR")
    assert sara.resolved_at.ToDatetime(house.clock.now().tzinfo) == house.clock.now()
    ben = await authority(house, BEN)
    assert (ben.HasField("limit"), ben.unlimited, list(ben.superiors)) == (
        False,
        False,
        [SARA, "people/ada"],
    )
    position = await authority(house, SARA, "POSITION")
    assert not position.HasField("limit")


async def test_a_guest_and_who_left_have_no_authority(house: House) -> None:
    guest = await authority(house, "people/zoe")
    assert (guest.guest, guest.active, guest.unit) == (True, True, "")
    assert guest.side == gate_pb2.SIDE_UNSPECIFIED
    (sara,) = [one for one in halden.people() if one.name == SARA]
    sara.active = False
    await house.import_people(sara)
    left = await authority(house, SARA)
    assert not left.active
    assert not left.HasField("limit")
    assert not left.heads


async def test_authority_is_said_of_known_people_to_services_only(house: House) -> None:
    service = house.of("workloads/budget", "service")
    problem = await refused(service.ResolveAuthority(ask("people/nobody")))
    assert (problem.code, problem.reason) == ("NOT_FOUND", "RESOURCE_NOT_FOUND")
    curious = await refused(house.of(BEN, "proposer").ResolveAuthority(ask(SARA)))
    assert curious.reason == "ROLE_MISSING"


async def test_an_instant_outside_the_calendar_is_an_invalid_field(house: House) -> None:
    service = house.of("workloads/budget", "service")
    for seconds in (1 << 60, -(1 << 60)):
        problem = await refused(service.ResolveAuthority(ask(SARA, at={"seconds": seconds})))
        assert [v.field for v in problem.violations] == ["at"]


async def test_a_delegation_is_resolved_at_the_instant_that_is_asked_for(house: House) -> None:
    now = house.clock.now()
    await house.of(SARA).CreateDelegation(
        pb.CreateDelegationRequest(
            request_id=new_request_id(),
            delegate="people/sam",
            purpose=pb.PURPOSE_PLEDGE,
            starts_at=wire.stamp(now + timedelta(days=1)),
            ends_at=wire.stamp(now + timedelta(days=2)),
        )
    )
    for days, holds in ((0, False), (1, True), (2, False)):
        found = await authority(
            house,
            "people/sam",
            on_behalf_of=SARA,
            at=wire.stamp(now + timedelta(days=days)),
        )
        assert found.on_behalf_of == (SARA if holds else "")
        assert found.limit.units == (2_000_000 if holds else 250_000)
