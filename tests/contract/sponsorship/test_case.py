"""The shared CaseService as the PLEDGE gate answers it: escalating, reassigning, releasing."""

from datetime import timedelta

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
from tests.support.records import everything, rows
from tests.support.services import new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2, keys_pb2
from investiture.api.common.v1.keys_pb2_grpc import KeyServiceStub
from investiture.casework.facts import Ending
from investiture.casework.words import Gate, Outcome

GRACE, VIKTOR, ADA = "people/grace", "people/viktor", "people/ada"


def escalate(case: gate_pb2.GateCase) -> case_pb.EscalateCaseRequest:
    return case_pb.EscalateCaseRequest(request_id=new_request_id(), name=case.name)


def reassign(case: gate_pb2.GateCase, person: str) -> case_pb.ReassignCaseRequest:
    return case_pb.ReassignCaseRequest(
        request_id=new_request_id(),
        name=case.name,
        etag=case.etag,
        person=person,
        reason="on leave until spring",
    )


def void(case: gate_pb2.GateCase) -> case_pb.VoidCaseRequest:
    return case_pb.VoidCaseRequest(
        request_id=new_request_id(), name=case.name, etag=case.etag, reason="new facts"
    )


def ended(house: House) -> Ending:
    return Ending("programs/community", Outcome.WITHDRAWN, 1, BEN, "no need", house.clock.now())


def release(house: House, signer: str = "launch") -> case_pb.ReleaseCaseRequest:
    return case_pb.ReleaseCaseRequest(
        request_id=new_request_id(),
        program="programs/community",
        gate=gate_pb2.GATE_PLEDGE,
        end_statement=house.realm.statements(signer).end(ended(house)),
    )


async def test_escalation_adds_the_next_of_each_act_that_is_missing_and_ends_at_governance(
    house: House,
) -> None:
    case = await house.opened()
    house.clock.advance(timedelta(days=120))
    late: case_pb.EscalateCaseResponse = await house.cases().EscalateCase(escalate(case))
    steps = [gate_pb2.Step.Name(step.step).removeprefix("STEP_") for step in late.taken]
    assert steps == ["NUDGE", "WARN", "OVERDUE", "SECOND", "REPEAT"]
    assert [step.due_at for step in late.taken[:4]] == [
        case.timetable.nudge_at,
        case.timetable.warn_at,
        case.timetable.overdue_at,
        case.timetable.second_at,
    ]
    added = [person for step in late.taken for person in step.added]
    for _ in range(3):  # the last one finds nobody else
        house.clock.advance(timedelta(days=8))
        more: case_pb.EscalateCaseResponse = await house.cases().EscalateCase(escalate(case))
        added += [person for step in more.taken for person in step.added]
    assert added == [SAM, VIKTOR, ADA, GRACE, "people/gus"]
    now = (await house.read(case)).gate_case
    roles = {(h.person, h.role) for h in now.holders}
    assert {(SAM, "sponsor"), (VIKTOR, "endorser"), (GRACE, "governance")} <= roles


async def test_an_escalation_that_is_not_due_changes_nothing(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    early: case_pb.EscalateCaseResponse = await house.cases().EscalateCase(escalate(case))
    assert not early.taken
    assert early.next_in_ms > 0
    assert early.reading.gate_case.version == case.version
    assert len(rows(database_url, "SELECT 1 FROM event WHERE kind = 'pledge.escalated'")) == 0


async def test_who_was_added_may_pledge_and_then_stands_on_the_business_side(
    house: House,
) -> None:
    case = await house.opened()
    house.clock.set(case.timetable.overdue_at.ToDatetime(house.clock.now().tzinfo))
    late: case_pb.EscalateCaseResponse = await house.cases().EscalateCase(escalate(case))
    pledged = await house.pledge(SAM, late.reading.gate_case)
    assert holders(pledged.gate_case) == [(VERA, "endorser", "units/sales")]
    await house.say(VERA, pledged.gate_case, "units/sales", "CONSENT")
    signed: case_pb.SignedWarrant = await house.cases().GetWarrant(
        case_pb.GetWarrantRequest(program=case.program, gate=gate_pb2.GATE_PLEDGE)
    )
    reader = house.realm.statements("budget")
    warrant = reader.read_warrants([signed.warrant], [Gate.PLEDGE])[Gate.PLEDGE]
    assert warrant.business_people == (BEN, SARA, SAM)


async def test_a_sponsor_who_is_not_of_the_directory_is_stood_in_for_at_once(
    house: House,
) -> None:
    case = await house.opened(community(sponsor="people/gone"))
    assert (SARA, "sponsor", "units/support") in holders(case)
    assert not case.no_eligible_holder
    assert (await house.pledge(SARA, case)).gate_case.deciders[0].person == SARA


async def test_a_holder_hands_over_their_own_part_only(house: House) -> None:
    case = await house.opened()
    sponsor = house.cases(SARA, "sponsor")
    for stranger in (VIKTOR, "people/ivan", GRACE, BEN):
        problem = await refused(sponsor.ReassignCase(reassign(case, stranger)))
        assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER"), stranger
    reading: case_pb.CaseReading = await sponsor.ReassignCase(reassign(case, SAM))
    assert holders(reading.gate_case) == [
        (SAM, "sponsor", "units/support"),
        (VERA, "endorser", "units/sales"),
    ]
    pledged = await house.pledge(SAM, reading.gate_case)
    assert [d.person for d in pledged.gate_case.deciders] == [SAM]


async def test_governance_reassigns_a_part_and_never_decides(house: House) -> None:
    case = await house.opened()
    governance = house.cases(GRACE, "governance")
    reading: case_pb.CaseReading = await governance.ReassignCase(reassign(case, VIKTOR))
    assert holders(reading.gate_case) == [
        (SARA, "sponsor", "units/support"),
        (VIKTOR, "endorser", "units/sales"),
    ]
    assert (await refused(house.pledge(GRACE, reading.gate_case))).reason == "NOT_A_HOLDER"
    said = house.say(GRACE, reading.gate_case, "units/sales", "CONSENT")
    assert (await refused(said)).reason == "NOT_A_HOLDER"
    outsider = await refused(
        house.cases("people/otto", "governance").ReassignCase(reassign(reading.gate_case, SAM))
    )
    assert outsider.reason == "NOT_A_HOLDER"


async def test_a_pledge_is_taken_back_by_who_made_it_and_a_new_round_asks_anew(
    house: House,
) -> None:
    stands = await house.standing()
    outsider = await refused(house.cases("people/mira", "sponsor").VoidCase(void(stands)))
    assert outsider.reason == "NOT_A_HOLDER"
    reading: case_pb.CaseReading = await house.cases(SARA, "sponsor").VoidCase(void(stands))
    assert reading.gate_case.state == gate_pb2.CASE_STATE_VOIDED
    again = await house.opened()
    assert (again.round, again.state) == (2, gate_pb2.CASE_STATE_OPEN)
    assert holders(again)


async def test_a_pledge_outlives_its_validity_as_expired_and_reopens(house: House) -> None:
    await house.standing()
    house.clock.advance(timedelta(days=90))
    read = case_pb.ReadCaseRequest(program="programs/community", gate=gate_pb2.GATE_PLEDGE)
    reading: case_pb.CaseReading = await house.cases().ReadCase(read)
    assert reading.gate_case.state == gate_pb2.CASE_STATE_EXPIRED
    assert (await house.opened()).round == 2


async def test_only_an_end_statement_releases_and_nothing_is_decided_after_it(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    forged = await refused(house.cases().ReleaseCase(release(house, "sponsorship")))
    assert forged.reason == "STATEMENT_INVALID"
    released: case_pb.CaseReading = await house.cases().ReleaseCase(release(house))
    assert released.gate_case.state == gate_pb2.CASE_STATE_RELEASED
    before = everything(database_url)
    problem = await refused(house.pledge(SARA, released.gate_case))
    assert problem.reason == "WRONG_STATE"
    assert (await refused(house.pledge(SARA, case))).reason == "STALE_ETAG"
    late = await refused(house.cases().OpenCase(house.opening(community(2))))
    assert late.reason == "PROGRAM_ENDED"
    assert everything(database_url) == before


async def test_a_gate_of_another_service_and_a_forged_statement_open_nothing(
    house: House,
) -> None:
    other = house.opening(community(), gate=gate_pb2.GATE_FUND)
    problem = await refused(house.cases().OpenCase(other))
    assert [v.field for v in problem.violations] == ["gate"]
    forged = house.realm.statements("budget").revision(community())
    problem = await refused(
        house.cases().OpenCase(house.opening(community(), revision_statement=forged))
    )
    assert problem.reason == "STATEMENT_INVALID"
    await house.opened(community(2))
    late = await refused(house.cases().OpenCase(house.opening(community(1))))
    assert late.reason == "REVISION_SUPERSEDED"


async def test_each_person_sees_what_waits_for_them(house: House) -> None:
    case = await house.opened()
    await house.pledge(SARA, case)
    inboxes = {
        person: await house.cases(person, "endorser").ListPendingDecisions(
            case_pb.ListPendingDecisionsRequest()
        )
        for person in (SARA, VERA)
    }
    assert [[one.name for one in page.cases] for page in inboxes.values()] == [[], [case.name]]


async def test_every_change_of_a_case_rings_the_path_once(house: House, database_url: str) -> None:
    await house.standing()
    found = rows(database_url, "SELECT workflow_id, signal, workflow_type FROM outbox")
    assert found == [("launch-path/community", "ring", "")] * 3  # opened, pledged, agreed


async def test_the_services_public_keys_are_served(house: House) -> None:
    channel = house.service.channel(BEN, "proposer")
    answer: keys_pb2.KeySet = await KeyServiceStub(channel).GetKeySet(keys_pb2.GetKeySetRequest())
    assert '"kid": "sponsorship-1"' in answer.jwks_json
    assert '"d"' not in answer.jwks_json
