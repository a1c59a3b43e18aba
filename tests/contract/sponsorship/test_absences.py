"""Who is away is not waited for; an absence gives and takes no authority."""

from datetime import timedelta
from typing import Any

import pytest
from tests.contract.sponsorship.house import (
    BEN,
    SAM,
    SARA,
    VERA,
    House,
    community,
    holders,
    refused,
)
from tests.contract.sponsorship.test_leavers import GOVERNANCE, VIKTOR, leave
from tests.contract.sponsorship.test_objections import ADA, OTTO, SALES, objected
from tests.support.budget import ON_SQLITE
from tests.support.eventually import eventually
from tests.support.records import everything, rows
from tests.support.services import new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import absences_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework import wire

DAY = timedelta(days=1)
SUPPORT = "units/support"


async def away(
    house: House, person: str, by: str = "", roles: tuple[str, ...] = (), **absence: Any
) -> absences_pb2.Absence:
    values: dict[str, Any] = {"request_id": new_request_id(), **absence}
    if by:
        values["person"] = person
    said: absences_pb2.Absence = await house.of(by or person, *roles).SetAbsence(
        absences_pb2.SetAbsenceRequest(**values)
    )
    return said


async def back(house: House, absence: absences_pb2.Absence, by: str = "") -> absences_pb2.Absence:
    cleared: absences_pb2.Absence = await house.of(by or absence.person).ClearAbsence(
        absences_pb2.ClearAbsenceRequest(
            request_id=new_request_id(), name=absence.name, etag=absence.etag
        )
    )
    return cleared


async def listed(house: House, **asked: Any) -> list[str]:
    found = await house.of(BEN).ListAbsences(absences_pb2.ListAbsencesRequest(**asked))
    return sorted(one.person for one in found.absences)


async def held(
    house: House, case: gate_pb2.GateCase, *people: tuple[str, str, str]
) -> gate_pb2.GateCase:
    """The case once it is in these hands."""
    pledge = await eventually(
        lambda: house.read(case), lambda now: holders(now.gate_case) == sorted(people)
    )
    return pledge.gate_case


async def test_the_deputy_is_asked_beside_the_head_who_is_away(house: House) -> None:
    case = await house.opened()
    absence = await away(house, VERA)
    after = await held(
        house,
        case,
        (SARA, "sponsor", SUPPORT),
        (VERA, "endorser", SALES),
        (VIKTOR, "endorser", SALES),
    )
    assert not after.no_eligible_holder
    await back(house, absence)
    pledged = await house.pledge(SARA, after)
    agreed = await house.say(VERA, pledged.gate_case, SALES, "CONSENT")  # it was hers all along
    assert agreed.gate_case.state == gate_pb2.CASE_STATE_STANDING


async def test_the_next_of_the_line_may_pledge_for_a_sponsor_who_is_away(house: House) -> None:
    case = await house.opened()
    await away(house, SARA)
    after = await held(
        house,
        case,
        (SAM, "sponsor", SUPPORT),
        (SARA, "sponsor", SUPPORT),
        (VERA, "endorser", SALES),
    )
    assert SARA in {one.person for one in after.holders}
    pledged = await house.pledge(SARA, after)  # away, and it is her pledge all the same
    assert holders(pledged.gate_case) == [(VERA, "endorser", SALES)]


async def test_who_is_away_when_a_case_opens_is_not_waited_for(house: House) -> None:
    await away(house, VERA, deputy=ADA)
    case = await house.opened()
    assert holders(case) == [
        (ADA, "endorser", SALES),
        (SARA, "sponsor", SUPPORT),
        (VERA, "endorser", SALES),
    ]


async def test_an_absence_begins_at_its_date_and_ends_at_its_date(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    now = house.clock.now()
    await away(house, VERA, starts_at=wire.stamp(now + DAY), ends_at=wire.stamp(now + 2 * DAY))
    assert await listed(house) == [VERA]
    assert await listed(house, now=True) == []
    assert len(holders((await house.read(case)).gate_case)) == 2
    house.clock.advance(DAY)
    assert await listed(house, now=True) == [VERA]
    await eventually(
        lambda: house.read(case),
        lambda now: (VIKTOR, "endorser", SALES) in holders(now.gate_case),
    )
    house.clock.advance(DAY)
    assert await listed(house) == []
    other = await house.opened(community(program="programs/other"))
    assert (VIKTOR, "endorser", SALES) not in holders(other)
    kinds = [kind for (kind,) in rows(database_url, "SELECT kind FROM event")]
    assert kinds.count("pledge.attended") == 1


@ON_SQLITE
async def test_with_everybody_away_it_is_governances_until_one_is_back(house: House) -> None:
    case = await house.opened()
    absences = [await away(house, one) for one in (OTTO, ADA, VIKTOR, VERA)]
    waiting = ((SARA, "sponsor", SUPPORT), (VERA, "endorser", SALES))
    alarmed = await held(house, case, *waiting, *GOVERNANCE)
    assert alarmed.no_eligible_holder
    await back(house, absences[2])
    after = await held(house, case, *waiting, (VIKTOR, "endorser", SALES))
    assert not after.no_eligible_holder


@ON_SQLITE
async def test_an_arbiter_who_is_away_gets_the_next_beside_them(house: House) -> None:
    pledge = await objected(house)
    await away(house, ADA)
    found = await eventually(
        lambda: house.read(pledge.gate_case),
        lambda now: (OTTO, "arbiter", SALES) in holders(now.gate_case),
    )
    assert (ADA, "arbiter", SALES) in holders(found.gate_case)


@ON_SQLITE
async def test_a_delegate_finds_in_the_inbox_what_waits_for_the_delegator(house: House) -> None:
    case = await house.opened()

    async def inbox() -> list[str]:
        found = await house.cases(VIKTOR, "endorser").ListPendingDecisions(
            case_pb.ListPendingDecisionsRequest()
        )
        return [one.name for one in found.cases]

    assert await inbox() == []
    made = await house.of(VERA).CreateDelegation(
        pb.CreateDelegationRequest(
            request_id=new_request_id(),
            delegate=VIKTOR,
            purpose=pb.PURPOSE_POSITION,
            ends_at=wire.stamp(house.clock.now() + DAY),
        )
    )
    assert await inbox() == [case.name]
    await away(house, VERA)
    agreed = await house.say(VIKTOR, case, SALES, "CONSENT", on_behalf_of=VERA)
    (position,) = (one for one in agreed.positions if one.unit == SALES)
    assert position.person == VIKTOR
    await house.of(VERA).RevokeDelegation(
        pb.RevokeDelegationRequest(request_id=new_request_id(), name=made.name, etag=made.etag)
    )
    assert await inbox() == []


@ON_SQLITE
@pytest.mark.parametrize(
    ("roles", "allowed"),
    [(("directory-admin",), True), (("governance",), True), (("sponsor", "endorser"), False)],
)
async def test_others_absences_are_said_by_who_looks_after_the_directory(
    house: House, roles: tuple[str, ...], allowed: bool
) -> None:
    asking = away(house, VERA, by=SAM, roles=roles)
    if not allowed:
        assert (await refused(asking)).reason == "NOT_A_HOLDER"
        return
    absence = await asking
    assert (absence.person, absence.set_by) == (VERA, SAM)
    assert (await refused(back(house, absence, by=BEN))).reason == "NOT_A_HOLDER"
    cleared = await back(house, absence)
    assert cleared.HasField("cleared_at")
    assert await listed(house) == []


@ON_SQLITE
async def test_an_absence_that_cannot_be_is_refused_by_field(house: House) -> None:
    now = house.clock.now()
    await leave(house, VIKTOR)
    cases: list[tuple[str, dict[str, Any]]] = [
        ("ends_at", {"ends_at": wire.stamp(now)}),
        ("ends_at", {"starts_at": wire.stamp(now + DAY), "ends_at": wire.stamp(now + DAY)}),
        ("deputy", {"deputy": VERA}),
        ("deputy", {"deputy": VIKTOR}),
        ("deputy", {"deputy": "people/nobody"}),
    ]
    for field, absence in cases:
        problem = await refused(away(house, VERA, **absence))
        assert [one.field for one in problem.violations] == [field]
    problem = await refused(away(house, "people/nobody"))
    assert [one.field for one in problem.violations] == ["person"]


async def test_an_import_of_absences_is_all_or_none(house: House, database_url: str) -> None:
    admin = house.of("workloads/hr", "directory-admin")
    until = wire.stamp(house.clock.now() + DAY)
    start = wire.stamp(house.clock.now())

    def asked(*people: str, **request: Any) -> absences_pb2.ImportAbsencesRequest:
        planned = [
            absences_pb2.PlannedAbsence(person=one, starts_at=start, ends_at=until)
            for one in people
        ]
        return absences_pb2.ImportAbsencesRequest(
            request_id=new_request_id(), absences=planned, **request
        )

    before = everything(database_url)
    problem = await refused(admin.ImportAbsences(asked(VERA, "people/nobody", VERA)))
    assert [one.field for one in problem.violations] == ["absences[1].person", "absences[2].person"]
    rehearsed = await admin.ImportAbsences(asked(VERA, SAM, validate_only=True))
    assert rehearsed.added == 2
    assert everything(database_url) == before
    first = await admin.ImportAbsences(asked(VERA, SAM))
    again = await admin.ImportAbsences(asked(VERA, SAM, SARA))
    assert (first.added, first.unchanged, again.added, again.unchanged) == (2, 0, 1, 2)
    assert await listed(house) == sorted((VERA, SAM, SARA))
    assert len((await house.of(BEN).ListAbsences(absences_pb2.ListAbsencesRequest())).absences) == 3
