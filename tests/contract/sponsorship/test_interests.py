"""The register of conflicts of interest over a real socket, and what it does to a pledge."""

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
    position_of,
    refused,
)
from tests.support.records import everything, rows
from tests.support.services import new_request_id

from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import register_service_pb2 as pb
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.api.sponsorship.v1.register_service_pb2_grpc import RegisterServiceStub
from investiture.casework import wire

GRACE = "people/grace"
VENDOR = "vendors/Brightside"


def register(house: House, person: str, *roles: str) -> RegisterServiceStub:
    return RegisterServiceStub(house.service.channel(person, *(roles or ("proposer",))))


def entry(person: str = "", subject: str = VENDOR, **changes: Any) -> pb.InterestEntry:
    values: dict[str, Any] = {"kind": pb.INTEREST_KIND_OWNERSHIP, **changes}
    return pb.InterestEntry(person=person, subject=subject, **values)


async def declare(
    house: House, person: str, *roles: str, of: str = "", **changes: Any
) -> pb.Interest:
    request = pb.DeclareInterestRequest(
        request_id=changes.pop("request_id", new_request_id()),
        validate_only=changes.pop("validate_only", False),
        interest=entry(of, **changes),
    )
    made: pb.Interest = await register(house, person, *roles).DeclareInterest(request)
    return made


async def end(house: House, person: str, made: pb.Interest, *roles: str) -> pb.Interest:
    request = pb.EndInterestRequest(
        request_id=new_request_id(), name=made.name, etag=made.etag, reason="sold the shares"
    )
    ended: pb.Interest = await register(house, person, *roles).EndInterest(request)
    return ended


async def resolved(house: House, person: str, behalf: str = "") -> sponsorship_pb.Authority:
    request = sponsorship_pb.ResolveAuthorityRequest(
        person=person, purpose=sponsorship_pb.PURPOSE_FUND, on_behalf_of=behalf
    )
    found: sponsorship_pb.Authority = await house.of("workloads/x", "service").ResolveAuthority(
        request
    )
    return found


async def test_an_interest_holds_from_its_start_to_its_end(house: House) -> None:
    soon = wire.stamp(house.clock.now() + timedelta(days=1))
    late = wire.stamp(house.clock.now() + timedelta(days=9))
    made = await declare(house, "people/finn", starts_at=soon, ends_at=late)
    assert (made.person, made.declared_by) == ("people/finn", "people/finn")
    assert not (await resolved(house, "people/finn")).interests
    house.clock.advance(timedelta(days=1))
    (held,) = (await resolved(house, "people/finn")).interests
    assert (held.name, held.subject) == (made.name, VENDOR)
    house.clock.advance(timedelta(days=8))
    assert not (await resolved(house, "people/finn")).interests


async def test_a_delegates_answer_has_the_interests_and_managers_of_both(house: House) -> None:
    await house.of("people/finn", "finance").CreateDelegation(
        sponsorship_pb.CreateDelegationRequest(
            request_id=new_request_id(),
            delegate="people/felix",
            purpose=sponsorship_pb.PURPOSE_FUND,
            ends_at=wire.stamp(house.clock.now() + timedelta(days=30)),
        )
    )
    await declare(house, "people/finn")
    await declare(house, "people/felix", subject="programs/x")
    answer = await resolved(house, "people/felix", "people/finn")
    assert {one.subject for one in answer.interests} == {VENDOR, "programs/x"}
    assert list(answer.reports_to) == ["people/finn", "people/fay"]


async def test_nobody_reports_to_who_stands_at_the_top(house: House) -> None:
    assert list((await resolved(house, "people/fay")).reports_to) == []
    assert list((await resolved(house, "people/ines")).reports_to) == ["people/ivan"]


async def test_governance_and_auditors_declare_for_others_and_strangers_do_not(
    house: House, database_url: str
) -> None:
    before = everything(database_url)
    problem = await refused(declare(house, BEN, of=SARA))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    assert everything(database_url) == before
    for office in ("governance", "auditor"):
        made = await declare(house, GRACE, office, of=SARA)
        assert (made.person, made.declared_by) == (SARA, GRACE)
    assert (await refused(declare(house, GRACE, "auditor", of="people/nobody"))).code == "NOT_FOUND"


async def test_nobody_ends_what_another_declared_of_them(house: House) -> None:
    mine, told = await declare(house, SARA), await declare(house, GRACE, "auditor", of=SARA)
    assert (await refused(end(house, SARA, told))).code == "PERMISSION_DENIED"
    assert (await refused(end(house, SARA, told, "auditor"))).code == "PERMISSION_DENIED"
    assert (await refused(end(house, BEN, mine))).code == "PERMISSION_DENIED"
    ended = await end(house, SARA, mine)
    assert ended.HasField("ends_at")
    stale = await refused(end(house, SARA, mine))
    assert stale.reason == "STALE_ETAG"
    assert await end(house, SARA, ended) == ended
    await end(house, GRACE, told, "governance")
    assert not (await resolved(house, SARA)).interests


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"subject": "units/nowhere"}, "interest.subject"),
        ({"subject": "vendors/ "}, "interest.subject"),
        ({"subject": "what"}, "interest.subject"),
        ({"kind": pb.INTEREST_KIND_OTHER}, "interest.note"),
        ({"kind": pb.INTEREST_KIND_UNSPECIFIED}, "interest.kind"),
        ({"of": "ben"}, "interest.person"),
    ],
)
async def test_what_is_no_interest_is_refused_by_field(
    house: House, database_url: str, changes: dict[str, Any], field: str
) -> None:
    before = everything(database_url)
    problem = await refused(declare(house, SARA, **changes))
    assert (problem.reason, [one.field for one in problem.violations]) == ("INVALID_FIELD", [field])
    assert everything(database_url) == before


async def test_declaring_keeps_the_promises_of_every_mutation(
    house: House, database_url: str
) -> None:
    before = everything(database_url)
    await declare(house, SARA, validate_only=True)
    assert everything(database_url) == before
    request = new_request_id()
    first = await declare(house, SARA, request_id=request)
    assert await declare(house, SARA, request_id=request) == first
    other = await refused(declare(house, SARA, request_id=request, subject="vendors/Acme"))
    assert other.code == "ALREADY_EXISTS"
    kinds = [kind for (kind,) in rows(database_url, "SELECT kind FROM event")]
    assert kinds.count("interest.declared") == 1


async def test_the_register_is_read_by_oneself_and_by_office_page_by_page(house: House) -> None:
    for person in (SARA, SAM, BEN):
        await declare(house, person)
    mine = await register(house, SARA).ListInterests(pb.ListInterestsRequest())
    assert [one.person for one in mine.interests] == [SARA]
    nosy = register(house, SARA).ListInterests(pb.ListInterestsRequest(person=SAM))
    assert (await refused(nosy)).reason == "NOT_A_HOLDER"
    auditor = register(house, GRACE, "auditor")
    found: list[str] = []
    token = ""
    while True:
        page = await auditor.ListInterests(
            pb.ListInterestsRequest(subject="vendors/ BRIGHTSIDE", page_size=2, page_token=token)
        )
        found += [one.person for one in page.interests]
        token = page.next_page_token
        if not token:
            break
    assert found == [BEN, SAM, SARA]


async def test_interests_are_imported_all_or_none(house: House, database_url: str) -> None:
    async def imported(*entries: pb.InterestEntry) -> int:
        answer = await register(house, "workloads/hr", "directory-admin").ImportInterests(
            pb.ImportInterestsRequest(request_id=new_request_id(), interests=entries)
        )
        return int(answer.declared)

    before = everything(database_url)
    problem = await refused(
        imported(
            entry(SARA),
            entry("people/nobody"),
            entry(),
            entry(SARA, "vendors/BRIGHTSIDE"),
            entry(SAM, "units/nowhere"),
        )
    )
    assert {one.field for one in problem.violations} == {
        "interests[1].person",
        "interests[2].person",
        "interests[3].subject",
        "interests[4].subject",
    }
    assert everything(database_url) == before
    assert await imported(entry(SARA), entry(SAM), entry(SAM, "programs/x")) == 3


async def test_a_sponsor_with_an_interest_in_a_vendor_does_not_pledge(
    house: House, database_url: str
) -> None:
    case = await house.opened(community(vendors=("brightside",)))
    await declare(house, SARA)
    before = everything(database_url)
    for rehearsing in (False, True):
        problem = await refused(house.pledge(SARA, case, validate_only=rehearsing))
        assert problem.reason == "CONFLICT_OF_INTEREST"
        ((kind, remedy),) = [(leg.type, leg.remedy) for leg in problem.legs]
        assert kind == "CONFLICT_OF_INTEREST"
        assert "recuse" in remedy
    assert everything(database_url) == before


async def test_a_head_with_an_interest_is_passed_over_like_one_who_recused(house: House) -> None:
    made = await declare(house, VERA, subject="units/support")
    case = await house.opened(community())
    assert ("people/viktor", "endorser", "units/sales") in holders(case)
    pledge = await house.read(case)
    assert position_of(pledge, "units/sales").asked == "people/viktor"
    problem = await refused(house.say(VERA, case, "units/sales", "CONSENT"))
    assert problem.reason == "CONFLICT_OF_INTEREST"
    await end(house, VERA, made)
    assert (await house.say(VERA, case, "units/sales", "CONSENT")).positions


async def test_who_learns_of_an_interest_recuses_and_the_deputy_is_asked(house: House) -> None:
    case = await house.opened(community())
    await declare(house, VERA, subject=case.program)
    recused = await house.say(VERA, case, "units/sales", "RECUSE")
    assert ("people/viktor", "endorser", "units/sales") in holders(recused.gate_case)


async def test_a_named_sponsor_with_an_interest_has_a_stand_in_at_once(house: House) -> None:
    await declare(house, SARA, subject="vendors/Brightside")
    case = await house.opened(community(vendors=("Brightside",)))
    assert case.state == gate_pb2.CASE_STATE_OPEN
    assert [one[0] for one in holders(case) if one[1] == "sponsor"] == [SAM]
