"""Budget beside the real sponsorship service: nobody waits for who has left or is away."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs
from tests.contract.sponsorship.house import BEN, SARA, House, community, open_house
from tests.contract.sponsorship.test_leavers import leave
from tests.support import halden
from tests.support.budget import ON_SQLITE, MoneySide, money_side, refused
from tests.support.clock import SettableClock
from tests.support.eventually import eventually
from tests.support.records import rows
from tests.support.services import CHARTER, Realm, new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import absences_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.casework import wire
from investiture.casework.case import Case
from investiture.casework.facts import Revision
from investiture.casework.operations import CaseOperations
from investiture.casework.words import Gate
from investiture.chassis.transaction import Transaction

QUICK = {"attendance_seconds": 0.03}
FIONA, FELIX, FAY, FINN = "people/fiona", "people/felix", "people/fay", "people/finn"
GOVERNANCE = ["people/grace", "people/gus"]
SMALL, LARGE = 9_000_00, 300_000_00
DAY = timedelta(days=1)


@dataclass(slots=True)
class Neighbours:
    """Both services; the budget's is started by the test."""

    house: House
    clock: SettableClock
    database_url: str
    stack: AsyncExitStack
    start: Callable[..., AbstractAsyncContextManager[MoneySide]]
    programs: int = 0

    async def serve(self, **given: Any) -> MoneySide:
        """The budget service, until the stack of the moment ends."""
        return await self.stack.enter_async_context(self.start(**given))

    async def facts(self, amount_minor: int) -> tuple[Revision, str]:
        """A program whose pledge stands, and the warrant of it."""
        self.programs += 1
        facts = community(program=f"programs/p{self.programs}", amount_minor=amount_minor)
        await self.house.standing(facts)
        signed: case_pb.SignedWarrant = await self.house.cases().GetWarrant(
            case_pb.GetWarrantRequest(program=facts.program, gate=gate_pb2.GATE_PLEDGE)
        )
        return facts, signed.warrant

    async def opened(self, money: MoneySide, amount_minor: int = SMALL) -> gate_pb2.GateCase:
        facts, warrant = await self.facts(amount_minor)
        return await money.open(facts, warrants=[warrant])

    async def away(self, person: str, **absence: Any) -> absences_pb2.Absence:
        request = absences_pb2.SetAbsenceRequest(request_id=new_request_id(), **absence)
        said: absences_pb2.Absence = await self.house.of(person).SetAbsence(request)
        return said

    async def back(self, absence: absences_pb2.Absence) -> None:
        await self.house.of(absence.person).ClearAbsence(
            absences_pb2.ClearAbsenceRequest(
                request_id=new_request_id(), name=absence.name, etag=absence.etag
            )
        )

    def events(self, kind: str) -> int:
        found = rows(self.database_url, "SELECT kind FROM event")
        return [name for (name,) in found].count(kind)


@pytest.fixture
async def neighbours(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> AsyncIterator[Neighbours]:
    async with AsyncExitStack() as stack:
        beside = f"sqlite:///{tmp_path / 'sponsorship.db'}"
        house = await stack.enter_async_context(open_house(realm, clock, beside, **QUICK))

        start = partial(
            money_side, realm, clock, database_url, sponsorship=house.service.address, **QUICK
        )
        yield Neighbours(house, clock, database_url, stack, start)


async def read(money: MoneySide, case: gate_pb2.GateCase) -> gate_pb2.GateCase:
    reading: case_pb.CaseReading = await money.cases.ReadCase(
        case_pb.ReadCaseRequest(program=case.program, gate=gate_pb2.GATE_FUND)
    )
    return reading.gate_case


def people(case: gate_pb2.GateCase) -> list[str]:
    return [one.person for one in case.holders]


async def held_by(money: MoneySide, case: gate_pb2.GateCase, *expected: str) -> gate_pb2.GateCase:
    """The case once it is in these hands."""
    return await eventually(lambda: read(money, case), lambda now: people(now) == [*expected])


async def inbox(money: MoneySide, person: str) -> list[str]:
    stub = CaseServiceStub(money.service.channel(person, "finance"))
    found = await stub.ListPendingDecisions(case_pb.ListPendingDecisionsRequest())
    return [one.name for one in found.cases]


async def known(neighbours: Neighbours, person: str, word: str, *, says: bool = True) -> None:
    """Once the budget has heard this of a person, and has nothing left to look at."""

    async def look() -> tuple[list[Any], list[Any]]:
        heard = f"SELECT document FROM person_standing WHERE person = '{person}'"
        queue = "SELECT person FROM person_to_attend"
        return rows(neighbours.database_url, heard), rows(neighbours.database_url, queue)

    await eventually(
        look, lambda now: not now[1] and bool(now[0]) and (word in now[0][0][0]) is says
    )


async def test_an_import_that_removes_an_approver_hands_their_case_on_at_once(
    neighbours: Neighbours,
) -> None:
    money = await neighbours.serve()
    case = await neighbours.opened(money)
    assert people(case) == [FIONA, FELIX]
    await leave(neighbours.house, FIONA)
    case = await held_by(money, case, FELIX)
    await leave(neighbours.house, FELIX)
    case = await held_by(money, case, FAY)
    assert not case.no_eligible_holder
    assert await inbox(money, FAY) == [case.name]
    approved = await money.approve(case, "fay")  # what an added holder says counts for the level
    await money.issue()
    funding = await money.reserve(approved, "finn")
    assert funding.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert neighbours.events("fund.attended") == 2


async def test_a_case_never_opens_into_the_hands_of_somebody_who_left(
    neighbours: Neighbours,
) -> None:
    await leave(neighbours.house, FIONA, FELIX)
    money = await neighbours.serve()
    await known(neighbours, FELIX, '"able":false')
    assert people(await neighbours.opened(money)) == [FAY]


async def test_an_absence_begins_and_ends_at_its_dates(neighbours: Neighbours) -> None:
    money, clock = await neighbours.serve(), neighbours.clock
    case = await neighbours.opened(money)
    dates = {
        "starts_at": wire.stamp(clock.now() + DAY),
        "ends_at": wire.stamp(clock.now() + 2 * DAY),
    }
    for person in (FIONA, FELIX):
        await neighbours.away(person, **dates)
    other = await neighbours.away(FAY)
    for person in (FIONA, FELIX, FAY):
        await known(neighbours, person, "starts_at")
    assert people(await read(money, case)) == [FIONA, FELIX]
    clock.advance(DAY)
    case = await held_by(money, case, FIONA, FELIX, FINN)
    assert not case.no_eligible_holder
    clock.advance(DAY)
    await neighbours.back(other)
    await known(neighbours, FAY, "starts_at", says=False)
    assert people(await read(money, case)) == [FIONA, FELIX, FINN]  # nothing is taken away
    assert neighbours.events("fund.attended") == 1
    assert people(await money.approve(case, "fiona")) == [FAY, FINN]  # it was theirs all along


@ON_SQLITE
async def test_who_is_away_may_decide_all_the_same(neighbours: Neighbours) -> None:
    money = await neighbours.serve()
    case = await neighbours.opened(money)
    for person in (FIONA, FELIX):
        await neighbours.away(person)
    case = await held_by(money, case, FIONA, FELIX, FAY)
    assert people(await money.approve(case, "fiona")) == [FAY, FINN]


@ON_SQLITE
async def test_a_delegate_stands_in_for_who_is_away_and_finds_the_case_in_the_inbox(
    neighbours: Neighbours,
) -> None:
    money = await neighbours.serve()
    case = await neighbours.opened(money)
    await leave(neighbours.house, FIONA)
    case = await held_by(money, case, FELIX)
    assert await inbox(money, FINN) == []
    until = wire.stamp(neighbours.clock.now() + DAY)
    for purpose in (sponsorship_pb.PURPOSE_GO, sponsorship_pb.PURPOSE_FUND):
        assert await inbox(money, FINN) == []  # go is another purpose
        await neighbours.house.of(FELIX, "finance").CreateDelegation(
            sponsorship_pb.CreateDelegationRequest(
                request_id=new_request_id(), delegate=FINN, purpose=purpose, ends_at=until
            )
        )
        await known(neighbours, FELIX, "GO" if purpose == sponsorship_pb.PURPOSE_GO else "FUND")
    assert await inbox(money, FINN) == [case.name]
    await neighbours.away(FELIX)
    await known(neighbours, FELIX, '"deputy"')
    assert people(await read(money, case)) == [FELIX]  # somebody acts in his name
    assert (await refused(money.approve(case, "finn"))).reason == "NOT_A_HOLDER"  # not in his own
    await neighbours.away(FINN)
    case = await held_by(money, case, FELIX, FAY)
    neighbours.clock.advance(DAY)
    await known(neighbours, FELIX, '"deputy"')
    assert await inbox(money, FINN) == []


async def test_a_level_that_too_few_can_approve_is_alarmed_at_once(
    neighbours: Neighbours,
) -> None:
    money = await neighbours.serve()
    case = await money.approve(await neighbours.opened(money, LARGE), "finn")
    assert people(case) == [FAY, "people/ada", "people/otto"]  # two of three
    await leave(neighbours.house, "people/otto")
    case = await held_by(money, case, FAY, "people/ada")
    assert not case.no_eligible_holder
    absence = await neighbours.away("people/ada")
    case = await held_by(money, case, FAY, "people/ada", *GOVERNANCE)
    assert case.no_eligible_holder
    assert await inbox(money, GOVERNANCE[0]) == [case.name]
    await neighbours.back(absence)
    case = await held_by(money, case, FAY, "people/ada")
    assert not case.no_eligible_holder  # the alarm is over, and governance holds nothing any more
    assert await inbox(money, GOVERNANCE[0]) == []
    approved = await money.approve(case, "fay", "ada")
    assert approved.deciders[-1].person == "people/ada"


@ON_SQLITE
async def test_the_alarm_is_logged_once_and_kept_in_the_event(neighbours: Neighbours) -> None:
    money = await neighbours.serve()
    case = await money.approve(await neighbours.opened(money, LARGE), "finn")
    with capture_logs() as logged:
        for one in ("people/ada", "people/otto"):
            await neighbours.away(one)
        await held_by(money, case, FAY, "people/ada", "people/otto", *GOVERNANCE)
        await neighbours.away("people/vera")  # nothing to do with it
        await known(neighbours, "people/vera", "starts_at")
    alarms = [one for one in logged if one["event"] == "case.no_eligible_holder"]
    assert [(one["case"], one["log_level"]) for one in alarms] == [(case.name, "warning")]
    documents = [
        json.loads(document)
        for kind, document in rows(neighbours.database_url, "SELECT kind, document FROM event")
        if kind == "fund.attended"
    ]
    (raised,) = (one for one in documents if one["payload"]["no_eligible_holder"])
    assert raised["payload"]["added"] == GOVERNANCE


@ON_SQLITE
async def test_a_revision_that_names_a_holder_for_the_business_asks_the_next_at_once(
    neighbours: Neighbours,
) -> None:
    money = await neighbours.serve()
    facts, warrant = await neighbours.facts(SMALL)
    case = await money.open(facts, warrants=[warrant])
    revised = replace(facts, number=2, counter_sponsor=FIONA, benefit_owners=(FELIX,))
    pledge = neighbours.house.realm.warrant(Gate.PLEDGE, revised, FIONA, FELIX)
    moved = await money.open(revised, warrants=[pledge])
    assert moved.name == case.name
    assert people(moved) == [FIONA, FELIX]  # Felix may: who owns a benefit decides nothing by it
    other = neighbours.house.realm.warrant(
        Gate.PLEDGE, revised, FIONA, business_people=(BEN, SARA, FIONA, FELIX)
    )
    moved = await money.open(replace(revised, number=3), warrants=[other])
    assert people(moved) == [FIONA, FELIX, FAY]


@ON_SQLITE
async def test_a_level_of_two_is_filled_from_the_line_above_whose_word_counts(
    neighbours: Neighbours, tmp_path: Path
) -> None:
    one, two = (
        "needed: 1, of: [people/fiona, people/felix]",
        "needed: 2, of: [people/fiona, people/felix, people/luis]",
    )
    charter = tmp_path / "charter.yaml"
    charter.write_text(CHARTER.read_text().replace(one, two))
    money = await neighbours.serve(charter=charter)
    case = await neighbours.opened(money)
    await leave(neighbours.house, FIONA, FELIX)
    case = await held_by(money, case, "people/luis", FAY)
    assert not case.no_eligible_holder
    heard = await money.approve(case, "fay")
    assert people(heard) == ["people/luis"]
    assert people(await money.approve(heard, "luis")) == [FAY, FINN]  # to confirm


@ON_SQLITE
async def test_governance_hands_an_alarmed_case_to_somebody_and_holds_nothing_then(
    neighbours: Neighbours,
) -> None:
    money = await neighbours.serve()
    case = await neighbours.opened(money)
    absences = [await neighbours.away(one) for one in (FINN, FAY, "people/ada", "people/otto")]
    await known(neighbours, "people/otto", "starts_at")
    for one in (FIONA, FELIX):
        await neighbours.away(one)
    case = await held_by(money, case, FIONA, FELIX, *GOVERNANCE)
    assert case.no_eligible_holder
    grace = CaseServiceStub(money.service.channel("people/grace", "governance"))
    await neighbours.back(absences[0])
    case = await held_by(money, case, FIONA, FELIX, FINN)
    reading: case_pb.CaseReading = await grace.ReassignCase(
        case_pb.ReassignCaseRequest(
            request_id=new_request_id(),
            name=case.name,
            etag=case.etag,
            person=FINN,
            reason="the others are away",
        )
    )
    assert people(reading.gate_case) == [FINN]
    assert not reading.gate_case.no_eligible_holder


async def test_a_follower_that_dies_in_the_middle_loses_nothing_and_repeats_nothing(
    neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    attend = CaseOperations.attend

    def dies_at_the_second(cases: CaseOperations, tx: Transaction, name: str) -> Case:
        looked.append(name)
        if len(looked) > 1:
            raise RuntimeError("killed")
        return attend(cases, tx, name)

    async with AsyncExitStack() as first:
        neighbours.stack, whole = first, neighbours.stack
        money = await neighbours.serve()
        opened = [await neighbours.opened(money) for _ in range(4)]
        monkeypatch.setattr(CaseOperations, "attend", dies_at_the_second)
        await leave(neighbours.house, FIONA)
        # It fails at each of the others, again and again: whom they concern stays in the queue.
        await eventually(
            lambda: asyncio.sleep(0, len(looked)), lambda tried: tried > 2 * len(opened)
        )
        neighbours.stack = whole
    assert neighbours.events("fund.attended") == 1
    monkeypatch.undo()
    money = await neighbours.serve()
    for case in opened:
        await held_by(money, case, FELIX)
    await known(neighbours, FIONA, '"able":false')
    assert neighbours.events("fund.attended") == len(opened)


@pytest.mark.parametrize("database", ["postgresql"])
async def test_two_replicas_hand_each_case_on_once(neighbours: Neighbours) -> None:
    money, _ = await neighbours.serve(), await neighbours.serve()
    opened = [await neighbours.opened(money) for _ in range(5)]
    await leave(neighbours.house, FIONA)
    for case in opened:
        await held_by(money, case, FELIX)
    await known(neighbours, FIONA, '"able":false')
    assert neighbours.events("fund.attended") == len(opened)


@ON_SQLITE
async def test_a_directory_restored_from_an_older_copy_is_learnt_anew(
    neighbours: Neighbours, tmp_path: Path
) -> None:
    async with AsyncExitStack() as first:
        neighbours.stack, whole = first, neighbours.stack
        await neighbours.serve()
        await leave(neighbours.house, FIONA)
        await known(neighbours, FIONA, '"able":false')
        neighbours.stack = whole
    older = f"sqlite:///{tmp_path / 'older.db'}"
    house = await neighbours.stack.enter_async_context(
        open_house(neighbours.house.realm, neighbours.clock, older, **QUICK)
    )
    await neighbours.serve(peers={"sponsorship": house.service.address})
    await known(neighbours, FIONA, '"able":true')


@ON_SQLITE
async def test_only_services_follow_the_directory(neighbours: Neighbours) -> None:
    asked = sponsorship_pb.ListDirectoryChangesRequest()
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await neighbours.house.of(FAY, "finance").ListDirectoryChanges(asked)
    assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED
    service = neighbours.house.of("workloads/budget", "service")
    first = await service.ListDirectoryChanges(sponsorship_pb.ListDirectoryChangesRequest(limit=10))
    assert [one.position for one in first.people] == list(range(1, 11))
    last = await service.ListDirectoryChanges(
        sponsorship_pb.ListDirectoryChangesRequest(after_position=first.newest_position - 1)
    )
    assert [one.position for one in last.people] == [first.newest_position]
    assert len(halden.people()) == first.newest_position
