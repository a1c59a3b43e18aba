"""Who has which authority, and the rules themselves, change by two people's signatures."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from tests.contract.sponsorship.house import BEN, SARA, VERA, House, open_house, refused
from tests.contract.sponsorship.test_interleavings import in_order
from tests.support import halden
from tests.support.clock import SettableClock
from tests.support.interleaving import Held
from tests.support.records import everything, rows
from tests.support.services import CHARTER, Realm, new_request_id

from investiture.api.governance.v1 import governance_service_pb2 as pb
from investiture.api.governance.v1.governance_service_pb2_grpc import GovernanceServiceStub
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.casework import wire
from investiture.sponsorship.store.changes import ChangeStore

GRACE, GUS, ADA, HR = "people/grace", "people/gus", "people/ada", "workloads/hr"
OLD_WINDOW, NEW_WINDOW = "input_window: P3D", "input_window: P5D"


@dataclass(frozen=True, slots=True)
class Governance:
    """The callers of the GovernanceService of a house."""

    house: House

    def of(self, person: str, *roles: str) -> GovernanceServiceStub:
        return GovernanceServiceStub(
            self.house.service.channel(person, *(roles or ("governance",)))
        )

    async def propose(self, person: str = GRACE, **changes: Any) -> pb.Change:
        values: dict[str, Any] = {
            "request_id": new_request_id(),
            "document": version(2),
            "reason": "five days to be heard",
            **changes,
        }
        change: pb.Change = await self.of(person).ProposeCharter(pb.ProposeCharterRequest(**values))
        return change

    async def approve(self, person: str, change: pb.Change, **changes: Any) -> pb.Change:
        values: dict[str, Any] = {
            "request_id": new_request_id(),
            "name": change.name,
            "etag": change.etag,
            **changes,
        }
        after: pb.Change = await self.of(person).ApproveChange(pb.ApproveChangeRequest(**values))
        return after

    async def decline(self, person: str, change: pb.Change, *roles: str) -> pb.Change:
        request = pb.DeclineChangeRequest(
            request_id=new_request_id(), name=change.name, etag=change.etag, reason="not now"
        )
        after: pb.Change = await self.of(person, *roles).DeclineChange(request)
        return after

    async def read(self, name: str) -> pb.Change:
        change: pb.Change = await self.of(BEN, "proposer").GetChange(pb.GetChangeRequest(name=name))
        return change

    async def in_force(self, digest: str = "") -> pb.Charter:
        charter: pb.Charter = await self.of(BEN, "proposer").GetCharter(
            pb.GetCharterRequest(digest=digest)
        )
        return charter


def version(number: int) -> str:
    """The default charter with a longer window to be heard, as version `number`."""
    text = CHARTER.read_text()
    assert OLD_WINDOW in text
    assert "version: 1\n" in text
    return text.replace("version: 1\n", f"version: {number}\n", 1).replace(
        OLD_WINDOW, f"input_window: P{number + 3}D"
    )


def stamp(instant: datetime) -> Timestamp:
    made = wire.stamp(instant)
    assert made is not None
    return made


def promoted(**changes: Any) -> sponsorship_pb.Person:
    """Ben, a specialist of support, made a director."""
    (ben,) = (one for one in halden.people() if one.name == BEN)
    for name, value in {"grade": "director", **changes}.items():
        setattr(ben, name, value)
    return ben


async def reach(house: House, person: str) -> int:
    authority: sponsorship_pb.Authority = await house.of(
        "workloads/budget", "service"
    ).ResolveAuthority(
        sponsorship_pb.ResolveAuthorityRequest(person=person, purpose=sponsorship_pb.PURPOSE_PLEDGE)
    )
    return authority.limit.units


async def test_a_charter_is_in_force_once_a_second_person_has_signed_it(house: House) -> None:
    governance = Governance(house)
    first = await governance.in_force()
    change = await governance.propose()
    assert change.state == pb.CHANGE_STATE_PROPOSED
    assert not change.statement
    assert [line for line in change.differences if "input_window" in line]
    assert (await governance.in_force()).digest == first.digest
    after = await governance.approve(GUS, change)
    assert after.state == pb.CHANGE_STATE_EFFECTIVE
    assert (after.proposer, after.decided_by) == (GRACE, GUS)
    now = await governance.in_force()
    assert (now.digest, now.change, now.in_force) == (change.digest, change.name, True)
    assert now.digest != first.digest
    kept = await governance.in_force(first.digest)
    assert (kept.document, kept.in_force) == (CHARTER.read_text(), False)
    signed = house.realm.statements("budget").read_change(after.statement)
    assert (signed.change, signed.digest, signed.approver) == (change.name, change.digest, GUS)


async def test_nobody_signs_what_they_proposed_and_only_governance_signs(
    house: House, database_url: str
) -> None:
    governance = Governance(house)
    change = await governance.propose()
    before = everything(database_url)
    for person in (GRACE, VERA):
        problem = await refused(governance.approve(person, change))
        assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
        assert GUS in problem.message
    assert everything(database_url) == before
    assert (await governance.approve(ADA, change)).decided_by == ADA


async def test_a_charter_holds_from_its_date_on(house: House) -> None:
    governance = Governance(house)
    date = house.clock.now() + timedelta(days=7)
    change = await governance.propose(effective_at=stamp(date))
    approved = await governance.approve(GUS, change)
    assert approved.state == pb.CHANGE_STATE_APPROVED
    old = await governance.in_force()
    house.clock.set(date - timedelta(seconds=1))
    assert (await governance.in_force()).digest == old.digest
    house.clock.set(date)
    assert (await governance.in_force()).digest == change.digest
    assert (await governance.read(change.name)).state == pb.CHANGE_STATE_EFFECTIVE
    listed: pb.ListChangesResponse = await governance.of(BEN, "proposer").ListChanges(
        pb.ListChangesRequest(state=pb.CHANGE_STATE_EFFECTIVE)
    )
    assert [one.name for one in listed.changes] == [change.name]


async def test_a_broken_charter_is_refused_with_every_finding_by_line(
    house: House, database_url: str
) -> None:
    broken = version(2).replace("head: people/hana", "head: hana", 1).replace("P10D", "ten days")
    before = everything(database_url)
    problem = await refused(Governance(house).propose(document=broken))
    assert problem.reason == "INVALID_FIELD"
    said = [one.description for one in problem.violations]
    assert len(said) >= 2
    assert all(line.startswith("line ") for line in said)
    assert everything(database_url) == before


async def test_a_charter_of_the_same_version_or_another_house_is_refused(house: House) -> None:
    governance = Governance(house)
    text = version(2)
    for document, word in (
        (CHARTER.read_text(), "says what the charter in force says"),
        (version(2).replace("version: 2\n", "version: 1\n", 1), "count it up"),
        (text.replace("id: halden\n", "id: other\n", 1), "keep the id"),
    ):
        problem = await refused(governance.propose(document=document))
        assert word in problem.message
    early = stamp(house.clock.now() - timedelta(days=1))
    problem = await refused(governance.propose(effective_at=early))
    assert [one.field for one in problem.violations] == ["effective_at"]


async def test_of_two_charters_compared_with_the_same_one_the_second_is_proposed_anew(
    house: House,
) -> None:
    governance = Governance(house)
    one, other = await governance.propose(), await governance.propose(document=version(3))
    await governance.approve(GUS, one)
    problem = await refused(governance.approve(GUS, other))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
    assert [leg.type for leg in problem.legs] == ["BASE"]


@pytest.mark.parametrize("database", ["postgresql"])
async def test_of_two_replicas_that_sign_charters_compared_with_the_same_one_only_one_does(
    house: House,
    realm: Realm,
    clock: SettableClock,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_house(realm, clock, database_url) as replica:
        here, there = Governance(house), Governance(replica)
        one, other = await here.propose(), await there.propose(document=version(3))
        held = Held(monkeypatch, ChangeStore, "save")
        found = await in_order(
            held,
            lambda: here.approve(GUS, one),
            lambda: there.approve(GUS, other),
            database_url,
        )
        assert found == ("", "WRONG_STATE")
        problem = await refused(there.propose(document=version(2)))
        assert "says what the charter in force says" in problem.message


async def test_a_change_is_taken_back_by_its_proposer_and_then_signed_by_nobody(
    house: House,
) -> None:
    governance = Governance(house)
    change = await governance.propose()
    problem = await refused(governance.decline(VERA, change))
    assert problem.reason == "NOT_A_HOLDER"
    declined = await governance.decline(GRACE, change)
    assert (declined.state, declined.comment) == (pb.CHANGE_STATE_DECLINED, "not now")
    assert (await refused(governance.approve(GUS, declined))).reason == "WRONG_STATE"
    assert (await refused(governance.approve(GUS, change))).reason == "STALE_ETAG"


async def test_a_charter_outlives_a_restart_and_the_file_changes_nothing(
    realm: Realm, clock: SettableClock, database_url: str
) -> None:
    async with open_house(realm, clock, database_url) as house:
        governance = Governance(house)
        change = await governance.propose()
        await governance.approve(GUS, change)
    async with open_house(realm, clock, database_url) as again:
        assert (await Governance(again).in_force()).digest == change.digest


async def test_what_gives_authority_waits_for_a_second_person(
    house: House, database_url: str
) -> None:
    governance = Governance(house)
    assert await reach(house, BEN) == 0
    answer = await house.import_people(promoted(), reason="he earned it")
    assert (answer.changed, list(answer.gaining)) == (0, [BEN])
    assert await reach(house, BEN) == 0
    change = await governance.read(answer.change)
    assert (change.proposer, change.reason) == (HR, "he earned it")
    assert list(change.differences) == ["~ people/ben: units/support, director"]
    after = await governance.approve(GRACE, change)
    assert after.state == pb.CHANGE_STATE_EFFECTIVE
    assert await reach(house, BEN) == 250_000
    kinds = [kind for (kind,) in rows(database_url, "SELECT kind FROM event ORDER BY id")]
    assert kinds[-2:] == ["directory.imported", "change.approved"]


async def test_what_takes_authority_away_and_what_gives_none_holds_at_once(house: House) -> None:
    (vera,) = (one for one in halden.people() if one.name == VERA)
    vera.grade = "specialist"
    new = sponsorship_pb.Person(
        name="people/new",
        display_name="New",
        unit="units/support",
        grade="specialist",
        active=True,
        manager=SARA,
    )
    answer = await house.import_people(vera, new)
    assert (answer.added, answer.changed, answer.change) == (1, 1, "")
    assert await reach(house, VERA) == 0


async def test_of_a_mixed_import_only_the_rows_that_give_authority_wait(house: House) -> None:
    def below(name: str, manager: str, grade: str = "specialist") -> sponsorship_pb.Person:
        return sponsorship_pb.Person(
            name=name,
            display_name=name,
            unit="units/support",
            grade=grade,
            active=True,
            manager=manager,
        )

    answer = await house.import_people(
        below("people/chief", SARA, "manager"),
        below("people/hers", "people/chief"),
        below("people/other", SARA),
        *[one for one in halden.people() if one.name != "people/max"],
        replace=True,
    )
    assert (answer.added, answer.deactivated, list(answer.gaining)) == (1, 1, ["people/chief"])
    governance = Governance(house)
    change = await governance.read(answer.change)
    assert len(change.differences) == 2
    assert (await governance.approve(GUS, change)).state == pb.CHANGE_STATE_EFFECTIVE
    page: sponsorship_pb.ListPeopleResponse = await house.of(BEN).ListPeople(
        sponsorship_pb.ListPeopleRequest(unit="units/support", page_size=500)
    )
    active = {one.name for one in page.people if one.active}
    assert {"people/chief", "people/hers", "people/other", SARA} <= active


async def test_who_gains_signs_nothing_and_imports_nothing_for_themselves(house: House) -> None:
    governance = Governance(house)
    gus = next(one for one in halden.people() if one.name == GUS)
    gus.grade = "chief"
    answer = await house.import_people(gus)
    change = await governance.read(answer.change)
    problem = await refused(governance.approve(GUS, change))
    assert problem.reason == "NOT_A_HOLDER"
    assert "gains authority" in problem.message
    request = sponsorship_pb.ImportDirectoryRequest(
        request_id=new_request_id(), people=[promoted()]
    )
    problem = await refused(house.of(BEN, "directory-admin").ImportDirectory(request))
    assert problem.reason == "NOT_A_HOLDER"
    assert "importing gives none" in problem.message


async def test_a_dated_import_takes_effect_at_its_date(house: House) -> None:
    governance = Governance(house)
    date = house.clock.now() + timedelta(days=3)
    answer = await house.import_people(promoted(), effective_at=stamp(date))
    change = await governance.approve(GRACE, await governance.read(answer.change))
    assert change.state == pb.CHANGE_STATE_APPROVED
    assert await reach(house, BEN) == 0
    house.clock.set(date)
    await _until(governance, change.name, pb.CHANGE_STATE_EFFECTIVE)
    assert await reach(house, BEN) == 250_000


async def test_a_dated_import_that_fits_no_more_fails_and_says_why(house: House) -> None:
    governance = Governance(house)
    date = house.clock.now() + timedelta(days=3)
    answer = await house.import_people(promoted(), effective_at=stamp(date))
    await governance.approve(GRACE, await governance.read(answer.change))
    manager = promoted().manager
    gone: list[sponsorship_pb.Person] = []
    for one in halden.people():
        if one.name == manager:
            one.active = False
        elif one.manager == manager:
            one.manager = ""
        else:
            continue
        gone.append(one)
    await house.import_people(*gone)
    house.clock.set(date)
    failed = await _until(governance, answer.change, pb.CHANGE_STATE_FAILED)
    assert f"{manager} has left" in failed.failure
    assert await reach(house, BEN) == 0


async def test_a_rehearsed_change_stores_nothing(house: House, database_url: str) -> None:
    governance = Governance(house)
    change = await governance.propose()
    before = everything(database_url)
    assert (await governance.propose(document=version(3), validate_only=True)).differences
    rehearsed = await governance.approve(GUS, change, validate_only=True)
    assert rehearsed.state == pb.CHANGE_STATE_EFFECTIVE
    assert (await house.import_people(promoted(), validate_only=True)).gaining
    assert everything(database_url) == before
    assert (await governance.in_force()).change == ""


async def _until(governance: Governance, name: str, state: "pb.ChangeState.ValueType") -> pb.Change:
    async with asyncio.timeout(30):
        while (change := await governance.read(name)).state != state:  # noqa: ASYNC110 - a record
            await asyncio.sleep(0.05)
    return change
