"""The units' positions over a real socket: a scoped veto, and silence that never agrees."""

import json
from datetime import UTC, timedelta
from typing import Any

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

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework import wire

SALES = "units/sales"
OBJECTION = {
    "grounds": "pricing",
    "harm": "prospects see what customers pay",
    "proposal": "hide prices from who is not a customer",
}


async def test_an_objection_needs_grounds_in_scope_a_harm_and_a_proposal(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    before = everything(database_url)
    problem = await refused(house.say(VERA, case, SALES, "OBJECT", grounds="brand"))
    assert (problem.code, problem.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert [v.field for v in problem.violations] == ["grounds", "harm", "proposal"]
    assert "accounts, pricing" in problem.violations[0].description
    assert everything(database_url) == before


async def test_an_objection_keeps_the_case_open_until_the_unit_says_otherwise(
    house: House,
) -> None:
    case = await house.opened()
    pledged = await house.pledge(SARA, case)
    objected = await house.say(VERA, pledged.gate_case, SALES, "OBJECT", **OBJECTION)
    assert objected.gate_case.state == gate_pb2.CASE_STATE_OPEN
    shown = position_of(objected, SALES)
    assert (shown.kind, shown.person) == (pb.POSITION_KIND_OBJECT, VERA)
    assert {name: getattr(shown, name) for name in OBJECTION} == OBJECTION
    assert holders(objected.gate_case) == [
        ("people/ada", "arbiter", SALES),
        (VERA, "endorser", SALES),
    ]
    agreed = await house.say(VERA, objected.gate_case, SALES, "CONSENT")
    assert agreed.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert position_of(agreed, SALES).resolution == pb.RESOLUTION_WITHDRAWN


async def test_a_consent_can_be_taken_back_while_the_case_is_open(house: House) -> None:
    case = await house.opened()
    agreed = await house.say(VERA, case, SALES, "CONSENT")
    objected = await house.say(VERA, agreed.gate_case, SALES, "OBJECT", **OBJECTION)
    assert not objected.gate_case.deciders
    assert holders(objected.gate_case) == sorted([*holders(case), ("people/ada", "arbiter", SALES)])
    pledged = await house.pledge(SARA, objected.gate_case)
    assert pledged.gate_case.state == gate_pb2.CASE_STATE_OPEN


async def test_conditions_become_conditions_of_the_case_and_are_closed_by_their_owner(
    house: House,
) -> None:
    pledged = await house.pledge(SARA, await house.opened())
    conditions = [
        gate_pb2.Condition(
            text="prices are hidden",
            owner=VERA,
            blocks=gate_pb2.GATE_LAUNCH,
            due_at=wire.stamp(house.clock.now() + timedelta(days=30)),
        ),
        gate_pb2.Condition(text="a sales rota", owner=BEN, blocks=gate_pb2.GATE_PILOT),
    ]
    agreed = await house.say(
        VERA, pledged.gate_case, SALES, "CONSENT_WITH_CONDITIONS", conditions=conditions
    )
    stands = agreed.gate_case
    assert stands.state == gate_pb2.CASE_STATE_STANDING
    assert [(c.id, c.owner) for c in stands.conditions] == [("sales-1", VERA), ("sales-2", BEN)]
    closed: case_pb.CaseReading = await house.cases(BEN, "proposer").CloseCondition(
        case_pb.CloseConditionRequest(
            request_id=new_request_id(),
            name=stands.name,
            etag=stands.etag,
            condition_id="sales-2",
            evidence="https://rota.example/sales",
        )
    )
    assert closed.gate_case.conditions[1].HasField("closed_at")
    assert not closed.gate_case.conditions[0].HasField("closed_at")


async def test_a_newer_position_takes_the_older_conditions_with_it(house: House) -> None:
    case = await house.opened()
    first = await house.say(VERA, case, SALES, "CONSENT_WITH_CONDITIONS", conditions=[condition()])
    assert [c.text for c in first.gate_case.conditions] == ["a"]
    second = await house.say(VERA, first.gate_case, SALES, "CONSENT")
    assert not second.gate_case.conditions


def condition(**changes: Any) -> gate_pb2.Condition:
    values: dict[str, Any] = {"text": "a", "owner": VERA, "blocks": gate_pb2.GATE_LAUNCH}
    return gate_pb2.Condition(**{**values, **changes})


INCOMPLETE: list[tuple[list[gate_pb2.Condition], list[str]]] = [
    ([], ["conditions"]),
    (
        [
            condition(),
            condition(text="", owner="people/nobody", blocks=gate_pb2.GATE_PLEDGE),
        ],
        ["conditions[1].text", "conditions[1].owner", "conditions[1].blocks"],
    ),
    ([condition(blocks=gate_pb2.GATE_UNSPECIFIED)], ["conditions[0].blocks"]),
    ([condition(due_at={"seconds": 1})], ["conditions[0].due_at"]),
    ([condition(due_at={"seconds": 1 << 60})], ["conditions[0].due_at"]),
]


async def test_conditions_that_lack_something_are_refused_by_field(house: House) -> None:
    case = await house.opened()
    for conditions, fields in INCOMPLETE:
        call = house.say(VERA, case, SALES, "CONSENT_WITH_CONDITIONS", conditions=conditions)
        assert [v.field for v in (await refused(call)).violations] == fields
    bare = house.say(VERA, case, SALES, "CONSENT", conditions=[condition()])
    assert [v.field for v in (await refused(bare)).violations] == ["conditions"]


async def test_a_recused_head_is_followed_by_the_deputy_then_by_the_head_above(
    house: House,
) -> None:
    case = await house.opened()
    first = await house.say(VERA, case, SALES, "RECUSE")
    assert position_of(first, SALES).asked == "people/viktor"
    assert ("people/viktor", "endorser", SALES) in holders(first.gate_case)
    assert (VERA, "endorser", SALES) not in holders(first.gate_case)
    again = await refused(house.say(VERA, first.gate_case, SALES, "CONSENT"))
    assert "recused themselves" in again.message
    second = await house.say("people/viktor", first.gate_case, SALES, "RECUSE")
    assert position_of(second, SALES).asked == "people/ada"
    pledged = await house.pledge(SARA, second.gate_case)
    agreed = await house.say("people/ada", pledged.gate_case, SALES, "CONSENT")
    assert agreed.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert [d.person for d in agreed.gate_case.deciders] == [SARA, "people/ada"]


async def test_an_abstention_leaves_the_question_unanswered(house: House) -> None:
    pledged = await house.pledge(SARA, await house.opened())
    abstained = await house.say(VERA, pledged.gate_case, SALES, "ABSTAIN")
    assert abstained.gate_case.state == gate_pb2.CASE_STATE_OPEN
    assert holders(abstained.gate_case) == [(VERA, "endorser", SALES)]


async def test_a_unit_that_is_heard_has_no_veto(house: House) -> None:
    case = await house.opened()
    heard = await house.say(
        "people/mira", case, "units/marketing", "OBJECT", **{**OBJECTION, "grounds": "brand"}
    )
    assert position_of(heard, "units/marketing").kind == pb.POSITION_KIND_OBJECT
    problem = await refused(
        house.say(
            "people/nora",
            heard.gate_case,
            "units/product",
            "CONSENT_WITH_CONDITIONS",
            conditions=[condition()],
        )
    )
    assert [v.field for v in problem.violations] == ["kind"]
    pledged = await house.pledge(SARA, heard.gate_case)
    agreed = await house.say(VERA, pledged.gate_case, SALES, "CONSENT")
    assert agreed.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert "people/mira" not in {d.person for d in agreed.gate_case.deciders}


async def test_input_that_does_not_come_in_its_window_is_recorded_as_heard_without_an_answer(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    asked = position_of(await house.read(case), "units/marketing")
    assert (asked.kind, asked.asked) == (pb.POSITION_KIND_UNSPECIFIED, "people/mira")
    house.clock.set(asked.heard_until.ToDatetime(tzinfo=UTC))
    silent = position_of(await house.read(case), "units/marketing")
    assert silent.kind == pb.POSITION_KIND_HEARD_NO_ANSWER
    assert silent.recorded_at == asked.heard_until
    assert silent.asked == ""
    pledged = await house.pledge(SARA, case)
    agreed = await house.say(VERA, pledged.gate_case, SALES, "CONSENT")
    assert agreed.gate_case.state == gate_pb2.CASE_STATE_STANDING
    payloads = {
        kind: json.loads(document)["payload"]
        for kind, document in rows(database_url, "SELECT kind, document FROM event")
    }
    told = {kind: said.get("heard_no_answer") for kind, said in payloads.items()}
    assert told.pop("pledge.pledged") == ["units/marketing", "units/product"]
    assert not any(told.values())


async def test_a_late_answer_is_better_than_none_and_nobody_says_silence(house: House) -> None:
    case = await house.opened()
    asked = position_of(await house.read(case), "units/marketing")
    house.clock.set(asked.heard_until.ToDatetime(tzinfo=UTC))
    late = await house.say("people/mira", case, "units/marketing", "CONSENT")
    assert position_of(late, "units/marketing").kind == pb.POSITION_KIND_CONSENT
    problem = await refused(house.say(VERA, late.gate_case, SALES, "HEARD_NO_ANSWER"))
    assert [one.field for one in problem.violations] == ["kind"]


async def test_who_does_not_speak_for_a_unit_records_no_position(house: House) -> None:
    case = await house.opened()
    for person, unit, why in (
        ("people/mira", SALES, "does not speak for"),
        (SARA, "units/support", "counts as the position"),
        ("people/lena", "units/legal", "is told"),
        (BEN, SALES, "stands for the program"),
    ):
        problem = await refused(house.say(person, case, unit, "CONSENT"))
        assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
        assert why in problem.message


async def test_a_unit_that_is_not_asked_is_an_invalid_field(house: House) -> None:
    case = await house.opened()
    for unit in ("units/hr", "units/nowhere"):
        problem = await refused(house.say("people/hana", case, unit, "CONSENT"))
        assert [v.field for v in problem.violations] == ["unit"], unit


async def test_a_sponsor_does_not_endorse_for_a_unit_whose_deputy_they_are(house: House) -> None:
    case = await house.opened(community(sponsor=SAM))
    assert (SARA, "endorser", "units/support") in holders(case)
    problem = await refused(house.say(SAM, case, "units/support", "CONSENT"))
    assert "stands for the program" in problem.message


async def test_a_deputy_speaks_for_the_unit(house: House) -> None:
    case = await house.opened()
    agreed = await house.say("people/viktor", case, SALES, "CONSENT")
    assert agreed.gate_case.deciders[0].person == "people/viktor"


async def test_a_delegate_speaks_for_the_unit_in_its_heads_name(house: House) -> None:
    case = await house.opened()
    in_name: dict[str, Any] = {"on_behalf_of": VERA}
    problem = await refused(house.say("people/max", case, SALES, "CONSENT", **in_name))
    assert problem.reason == "NOT_A_HOLDER"
    lent = pb.CreateDelegationRequest(
        request_id=new_request_id(),
        delegate="people/max",
        purpose=pb.PURPOSE_POSITION,
        ends_at=wire.stamp(house.clock.now() + timedelta(days=1)),
    )
    await house.of(VERA, "endorser").CreateDelegation(lent)
    agreed = await house.say("people/max", case, SALES, "CONSENT", **in_name)
    (decider,) = agreed.gate_case.deciders
    assert (decider.person, decider.on_behalf_of) == ("people/max", VERA)


async def test_a_position_keeps_the_promises_of_every_mutation(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    before = everything(database_url)
    rehearsed = await house.say(VERA, case, SALES, "CONSENT", validate_only=True)
    assert position_of(rehearsed, SALES).kind == pb.POSITION_KIND_CONSENT
    assert everything(database_url) == before
    request = new_request_id()
    first = await house.say(VERA, case, SALES, "CONSENT", request_id=request)
    assert await house.say(VERA, case, SALES, "CONSENT", request_id=request) == first
    other = await refused(house.say(VERA, case, SALES, "ABSTAIN", request_id=request))
    assert other.code == "ALREADY_EXISTS"
    stale = await refused(house.say(VERA, case, SALES, "ABSTAIN"))
    assert (stale.code, stale.reason) == ("ABORTED", "STALE_ETAG")
