"""Emergencies at the pledge: declared, decided by two, reviewed, and the team blocked meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
import pytest
from tests.contract.sponsorship.house import House, open_house, refused
from tests.support import halden
from tests.support.clock import SettableClock
from tests.support.emergencies import BEN, OTTO, SARA, urgent, voiced
from tests.support.eventually import eventually
from tests.support.services import CHARTER, Realm, new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.governance.v1 import emergencies_pb2 as pb
from investiture.api.governance.v1.emergencies_pb2_grpc import EmergencyServiceStub
from investiture.casework.facts import Ending, Revision, Warrant
from investiture.casework.words import Basis, Gate, Outcome
from investiture.chassis.client import explain

GRACE, GUS, PAUL, VERA = "people/grace", "people/gus", "people/paul", "people/vera"
OPEN, STANDS = gate_pb2.CASE_STATE_OPEN, gate_pb2.CASE_STATE_STANDING
SCOPE = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Emergencies:
    """A house by the default charter, which has an emergency path."""

    house: House

    def of(self, person: str, *roles: str) -> EmergencyServiceStub:
        return EmergencyServiceStub(self.house.service.channel(person, *(roles or ("proposer",))))

    async def declare(
        self, case: gate_pb2.GateCase, person: str = BEN, **changes: Any
    ) -> pb.EmergencyReview:
        values: dict[str, Any] = {
            "request_id": new_request_id(),
            "pledge": case.name,
            "etag": case.etag,
            "reason": "the portal was breached",
            "consequence": "customers hear it from the press",
            **changes,
        }
        asked = pb.DeclareEmergencyRequest(**values)
        declared: pb.EmergencyReview = await self.of(person).DeclareEmergency(asked)
        return declared

    async def now(self, case: gate_pb2.GateCase) -> gate_pb2.GateCase:
        return (await self.house.read(case)).gate_case

    async def declared(self, facts: Revision | None = None) -> gate_pb2.GateCase:
        case = await self.house.opened(facts or urgent())
        await self.declare(case)
        return await self.now(case)

    async def voice(
        self, person: str, case: gate_pb2.GateCase, **changes: Any
    ) -> gate_pb2.GateCase:
        return await voiced(self.house.cases(person, "sponsor"), case, **changes)

    async def decided(self, facts: Revision | None = None) -> gate_pb2.GateCase:
        """The pledge decided provisionally by Sara and the executive office's deputy."""
        case = await self.voice(SARA, await self.declared(facts))
        return await self.voice(OTTO, case)

    async def review(self, case: gate_pb2.GateCase) -> pb.EmergencyReview:
        asked = pb.GetEmergencyRequest(name=f"{case.name}/emergency")
        review: pb.EmergencyReview = await self.of(BEN).GetEmergency(asked)
        return review

    async def close(
        self, person: str, review: pb.EmergencyReview, **changes: Any
    ) -> pb.EmergencyReview:
        values: dict[str, Any] = {
            "request_id": new_request_id(),
            "name": review.name,
            "etag": review.etag,
            "findings": "it was one; the order was kept",
            **changes,
        }
        asked = pb.CloseEmergencyReviewRequest(**values)
        closed: pb.EmergencyReview = await self.of(person, "governance").CloseEmergencyReview(asked)
        return closed

    async def warrant(self, program: str) -> Warrant:
        request = case_pb.GetWarrantRequest(program=program, gate=gate_pb2.GATE_PLEDGE)
        signed = (await self.house.cases().GetWarrant(request)).warrant
        found = self.house.realm.statements("budget").read_warrants([signed], [Gate.PLEDGE])
        return found[Gate.PLEDGE]


@pytest.fixture
async def path(realm: Realm, clock: SettableClock, database_url: str) -> AsyncIterator[Emergencies]:
    async with open_house(realm, clock, database_url) as opened:
        yield Emergencies(opened)


async def test_two_people_decide_for_three_days_and_the_units_are_asked_all_the_same(
    path: Emergencies,
) -> None:
    case = await path.declared()
    assert (case.state, case.emergency.reason) == (OPEN, "the portal was breached")
    one = await path.voice(SARA, case)
    assert one.state == OPEN, "one is not two"
    two = await path.voice(OTTO, one, reason="it cannot wait for sales")
    assert (two.state, two.basis) == (STANDS, gate_pb2.BASIS_EMERGENCY)
    assert two.verdict == gate_pb2.VERDICT_PLEDGED
    assert [by.person for by in two.deciders] == [SARA, OTTO]
    assert two.standing_until.ToDatetime() - two.decided_at.ToDatetime() == SCOPE
    assert {holder.person for holder in two.holders} == {SARA, VERA}
    assert [voice.reason for voice in two.provisional.voices] == [
        "it cannot wait",
        "it cannot wait for sales",
    ]
    warrant = await path.warrant("programs/breach")
    assert (warrant.basis, sorted(warrant.people)) == (Basis.EMERGENCY, [OTTO, SARA])
    assert warrant.emergency is not None
    assert {SARA, OTTO, BEN} <= set(warrant.business_people), "nobody of them decides the money"


async def test_one_person_is_not_two_and_an_old_etag_decides_nothing(path: Emergencies) -> None:
    case = await path.declared()
    one = await path.voice(SARA, case)
    again = await refused(path.voice(SARA, one))
    assert (again.reason, again.legs[0].type) == ("WRONG_STATE", "ONE_VOICE")
    stale = await refused(path.voice(OTTO, case))
    assert stale.reason == "STALE_ETAG"
    asked = new_request_id()
    two = await path.voice(OTTO, one, request_id=asked)
    assert await path.voice(OTTO, one, request_id=asked) == two, "the same call, the same answer"
    third = await refused(path.voice(PAUL, two))
    assert "decided provisionally already" in third.message


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        (BEN, "NOT_A_HOLDER"),  # who proposes it is not the second pair of eyes
        (GRACE, "NOT_A_HOLDER"),  # who closes reviews decides nothing
        ("people/fay", "NOT_A_HOLDER"),
        ("people/zoe", "NOT_A_HOLDER"),
    ],
)
async def test_nobody_else_decides(path: Emergencies, person: str, reason: str) -> None:
    case = await path.declared()
    assert (await refused(path.voice(person, case))).reason == reason


async def test_the_sponsor_is_one_of_the_two(path: Emergencies) -> None:
    one = await path.voice(OTTO, await path.declared())
    other = await refused(path.voice(PAUL, one))
    assert (other.reason, "people/sara" in other.message) == ("NOT_A_HOLDER", True)
    assert (await path.voice(SARA, one)).state == STANDS


async def test_the_sponsor_needs_a_limit_that_reaches(path: Emergencies) -> None:
    case = await path.declared(urgent(sponsor="people/stella"))
    short = await refused(path.voice("people/stella", case))
    assert (short.reason, short.legs[0].type) == ("AUTHORITY_INSUFFICIENT", "LIMIT")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"amount_minor": 100_000_01}, "money: 100,000.01 EUR asked, at most 100,000.00 EUR"),
        ({"exposure_bps": 5_001}, "exposure: 5001 basis points asked, at most 5000"),
        ({"envelope": ""}, "envelope: none asked"),
        ({"counter_sponsor": VERA}, "people/vera has to pledge as well"),
    ],
)
async def test_beyond_a_cap_there_is_no_emergency(
    path: Emergencies, changes: dict[str, Any], said: str
) -> None:
    case = await path.house.opened(urgent(**changes))
    beyond = await refused(path.declare(case))
    assert beyond.reason == "WRONG_STATE"
    assert [leg.type for leg in beyond.legs] == ["CAP"]
    assert said in beyond.legs[0].description


async def test_only_the_proposer_declares_and_only_once(path: Emergencies) -> None:
    case = await path.house.opened(urgent())
    assert (await refused(path.declare(case, SARA))).reason == "NOT_A_HOLDER"
    asked = new_request_id()
    rehearsed = await path.declare(case, validate_only=True)
    assert rehearsed.state == pb.EMERGENCY_STATE_DECLARED
    first = await path.declare(case, request_id=asked)
    assert await path.declare(case, request_id=asked) == first
    assert (await refused(path.declare(await path.now(case)))).legs[0].type == "EMERGENCY"
    undeclared = await path.house.opened(urgent(program="programs/other"))
    assert "no emergency was declared" in (await refused(path.voice(SARA, undeclared))).message


async def test_after_three_days_it_is_open_as_it_was_and_cannot_be_had_again(
    path: Emergencies, clock: SettableClock
) -> None:
    case = await path.decided()
    clock.advance(SCOPE - timedelta(microseconds=1))
    assert (await path.now(case)).state == STANDS
    clock.advance(timedelta(microseconds=1))
    after = await path.now(case)
    assert (after.state, after.round, after.version) == (OPEN, case.round, case.version)
    assert {holder.person for holder in after.holders} >= {SARA, VERA}
    late = await refused(path.warrant(case.program))
    assert late.reason == "WRONG_STATE"
    assert (await refused(path.voice(SARA, after))).legs[0].type == "EMERGENCY"
    assert (await refused(path.declare(after))).reason == "WRONG_STATE"


async def test_what_waited_for_three_days_undecided_was_no_emergency(
    path: Emergencies, clock: SettableClock
) -> None:
    case = await path.declared()
    clock.advance(SCOPE)
    late = await refused(path.voice(SARA, case))
    assert "declared more than PT72H ago" in late.message


async def test_the_full_pledge_takes_its_place(path: Emergencies, clock: SettableClock) -> None:
    case = await path.decided()
    pledged = await path.house.pledge(SARA, case)
    assert pledged.gate_case.basis == gate_pb2.BASIS_EMERGENCY, "sales has not agreed yet"
    agreed = await path.house.say(VERA, pledged.gate_case, "units/sales", "CONSENT")
    full = agreed.gate_case
    assert (full.state, full.basis) == (STANDS, gate_pb2.BASIS_DECISION)
    clock.advance(SCOPE)
    warrant = await path.warrant(case.program)
    assert warrant.basis is Basis.DECISION
    assert OTTO in warrant.people, "who decided in the emergency stands behind it as well"
    assert warrant.emergency is not None, "the gates that follow may still be in a hurry"


async def test_a_decider_or_governance_takes_it_back(path: Emergencies) -> None:
    case = await path.decided()
    request = case_pb.VoidCaseRequest(
        request_id=new_request_id(), name=case.name, etag=case.etag, reason="false alarm"
    )
    assert (await refused(path.house.cases(VERA, "endorser").VoidCase(request))).reason
    void: case_pb.CaseReading = await path.house.cases(OTTO, "sponsor").VoidCase(request)
    assert void.gate_case.state == gate_pb2.CASE_STATE_VOIDED
    again = await path.house.opened(urgent())
    assert (again.round, again.state, again.HasField("emergency")) == (2, OPEN, False)


@pytest.mark.parametrize(
    ("person", "changes", "state"),
    [
        (SARA, {"active": False}, gate_pb2.CASE_STATE_VOIDED),
        (OTTO, {"active": False}, gate_pb2.CASE_STATE_VOIDED),
        (SARA, {"grade": "specialist"}, gate_pb2.CASE_STATE_VOIDED),
        (OTTO, {"grade": "specialist"}, STANDS),  # the limit is the sponsor's to have
        (PAUL, {"active": False}, STANDS),
    ],
)
async def test_who_may_not_decide_any_more_takes_the_decision_with_them(
    path: Emergencies, person: str, changes: dict[str, Any], state: gate_pb2.CaseState.ValueType
) -> None:
    case = await path.decided()
    (known,) = (one for one in halden.people() if one.name == person)
    for field, value in changes.items():
        setattr(known, field, value)
    await path.house.import_people(known)
    assert (await path.now(case)).state == state


async def test_the_team_has_no_other_emergency_until_its_review_is_closed(
    path: Emergencies,
) -> None:
    case = await path.decided()
    review = await path.review(case)
    assert (review.state, review.team) == (pb.EMERGENCY_STATE_UNDER_REVIEW, "units/support")
    assert [holder.person for holder in review.holders] == [GRACE]
    assert list(review.closers) == [GRACE, GUS]
    assert [voice.decider.person for voice in review.voices] == [SARA, OTTO]
    next_one = await path.house.opened(urgent(program="programs/next"))
    blocked = await refused(path.declare(next_one))
    (leg,) = blocked.legs
    assert (leg.type, leg.subject) == ("REVIEW", review.name)
    assert leg.remedy.startswith("people/grace or people/gus closes it")
    elsewhere = urgent(program="programs/sales", proposer="people/viktor", sponsor=VERA)
    sales = await path.house.opened(elsewhere)
    assert (await path.declare(sales, "people/viktor")).team == "units/sales"

    for person in (SARA, OTTO, PAUL, "people/fay", BEN):
        assert (await refused(path.close(person, review))).reason == "NOT_A_HOLDER", person
    stale = await refused(path.close(GRACE, review, etag="older"))
    assert stale.reason == "STALE_ETAG"
    asked = new_request_id()
    closed = await path.close(GRACE, review, request_id=asked)
    assert (closed.state, closed.closed_by) == (pb.EMERGENCY_STATE_CLOSED, GRACE)
    assert closed.findings == "it was one; the order was kept"
    assert await path.close(GRACE, review, request_id=asked) == closed
    assert (await refused(path.close(GUS, closed))).reason == "WRONG_STATE"
    assert (await path.declare(next_one)).state == pb.EMERGENCY_STATE_DECLARED


async def test_of_two_emergencies_of_a_team_at_once_one_is_decided(path: Emergencies) -> None:
    cases = [
        await path.voice(SARA, await path.declared(urgent(program=f"programs/e{number}")))
        for number in range(2)
    ]
    found = await asyncio.gather(
        *(path.voice(OTTO, case) for case in cases), return_exceptions=True
    )
    stands = [one for one in found if isinstance(one, gate_pb2.GateCase)]
    assert [one.state for one in stands] == [STANDS]
    (other,) = (one for one in found if isinstance(one, grpc.aio.AioRpcError))
    assert [leg.type for leg in explain(other).legs] == ["REVIEW"]


async def test_a_review_escalates_and_survives_the_end_of_its_program(
    path: Emergencies, clock: SettableClock
) -> None:
    case = await path.decided()
    ending = Ending(case.program, Outcome.WITHDRAWN, 1, BEN, "over", clock.now())
    await path.house.cases().ReleaseCase(
        case_pb.ReleaseCaseRequest(
            request_id=new_request_id(),
            program=case.program,
            gate=gate_pb2.GATE_PLEDGE,
            end_statement=path.house.realm.statements("launch").end(ending),
        )
    )
    review = await path.review(case)
    assert review.state == pb.EMERGENCY_STATE_UNDER_REVIEW
    assert review.timetable.next_step == gate_pb2.STEP_NUDGE
    clock.set(review.timetable.overdue_at.ToDatetime(tzinfo=clock.now().tzinfo))
    overdue = await eventually(lambda: path.review(case), lambda one: len(one.escalations) == 3)
    assert [step.step for step in overdue.escalations][-1] == gate_pb2.STEP_OVERDUE
    assert [holder.person for holder in overdue.holders] == [GRACE, GUS]
    blocked = await path.house.opened(urgent(program="programs/next"))
    assert (await refused(path.declare(blocked))).legs[0].type == "REVIEW"
    assert (await path.close(GUS, overdue)).closed_by == GUS


async def test_emergencies_are_listed_the_newest_first_page_by_page(
    path: Emergencies, clock: SettableClock
) -> None:
    cases: list[gate_pb2.GateCase] = []
    for number in range(3):
        cases.insert(0, await path.declared(urgent(program=f"programs/e{number}")))
        clock.advance(timedelta(seconds=1))
    names = [f"{case.name}/emergency" for case in cases]
    await path.voice(OTTO, await path.voice(SARA, cases[0]))
    first = await path.of(BEN).ListEmergencies(pb.ListEmergenciesRequest(page_size=2))
    rest = await path.of(BEN).ListEmergencies(
        pb.ListEmergenciesRequest(page_size=2, page_token=first.next_page_token)
    )
    assert [one.name for one in (*first.emergencies, *rest.emergencies)] == names
    assert not rest.next_page_token
    of_team = pb.ListEmergenciesRequest(team="units/support", state=pb.EMERGENCY_STATE_UNDER_REVIEW)
    (open_one,) = (await path.of(BEN).ListEmergencies(of_team)).emergencies
    assert open_one.name == names[0]


async def test_without_an_emergency_path_in_the_charter_there_are_no_emergencies(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Any
) -> None:
    text = CHARTER.read_text()
    charter = tmp_path / "none.yaml"
    charter.write_text(text[: text.index("emergency:\n")])
    async with open_house(realm, clock, database_url, charter=charter) as house:
        path = Emergencies(house)
        case = await house.opened(urgent())
        none = await refused(path.declare(case))
        assert (none.reason, none.legs[0].type) == ("WRONG_STATE", "EMERGENCY")
        assert "no emergency path" in none.message
