"""A unit that answers by its committee, over a real socket: votes, quorum, recusal, dates."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.contract.sponsorship.house import (
    BEN,
    SARA,
    VERA,
    House,
    community,
    holders,
    position_of,
    refused,
)
from tests.contract.sponsorship.test_leavers import GOVERNANCE, inbox, leave
from tests.contract.sponsorship.test_objections import ADA, OBJECTION, SALES, resolve
from tests.support.councils import COUNCIL, PRESS
from tests.support.records import everything, rows
from tests.support.services import new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework import wire
from investiture.casework.words import Gate

PR = "units/pr"
LOUD: dict[str, Any] = {"channels": ("community-forum", "social-media")}
REPUTATION = {**OBJECTION, "grounds": "reputation"}


async def vote(
    house: House, case: gate_pb2.GateCase, unit: str, *said: tuple[str, str], **request: Any
) -> pb.Pledge:
    """Each of some members says something, one after the other."""
    pledge = pb.Pledge(gate_case=case)
    for person, kind in said:
        pledge = await house.say(person, pledge.gate_case, unit, kind, **request)
    return pledge


def yes(*people: str) -> tuple[tuple[str, str], ...]:
    return tuple((person, "CONSENT") for person in people)


def recuse(*people: str) -> tuple[tuple[str, str], ...]:
    return tuple((person, "RECUSE") for person in people)


def holding(pledge: pb.Pledge, role: str, unit: str = SALES) -> list[str]:
    found = pledge.gate_case.holders
    return sorted(one.person for one in found if (one.role, one.unit) == (role, unit))


def at(stamp: Any) -> datetime:
    found: datetime = stamp.ToDatetime(tzinfo=UTC)
    return found


async def escalate(house: House, case: gate_pb2.GateCase, when: Any) -> case_pb.CaseReading:
    house.clock.set(max(house.clock.now(), at(when)))
    answer: case_pb.EscalateCaseResponse = await house.cases().EscalateCase(
        case_pb.EscalateCaseRequest(request_id=new_request_id(), name=case.name)
    )
    return answer.reading


async def test_a_committee_is_asked_instead_of_the_head_and_all_its_members_hold_the_case(
    council: House,
) -> None:
    case = await council.opened()
    pledge = await council.read(case)
    assert holding(pledge, "member") == sorted(COUNCIL)
    assert not holding(pledge, "endorser")
    shown = position_of(pledge, SALES)
    assert (shown.asked, shown.kind) == ("", pb.POSITION_KIND_UNSPECIFIED)
    ballot = shown.ballot
    assert (ballot.committee, ballot.display_name) == ("committees/council", "Sales council")
    assert ballot.summary == "4 of 7 needed, 0 yes, 0 no"
    assert tuple(ballot.asked) == COUNCIL
    assert ballot.outcome == pb.BALLOT_OUTCOME_OPEN
    for person in COUNCIL:
        assert await inbox(council, person) == [case.name]


async def test_the_committee_agrees_as_soon_as_nothing_can_change_it_and_asks_nobody_else(
    council: House,
) -> None:
    case = await council.opened()
    three = await vote(council, case, SALES, *yes(*COUNCIL[:3]))
    assert position_of(three, SALES).ballot.summary == "4 of 7 needed, 3 yes, 0 no"
    assert holding(three, "member") == sorted(COUNCIL[3:])
    against = await council.say("people/pia", three.gate_case, SALES, "OBJECT", **OBJECTION)
    assert position_of(against, SALES).ballot.outcome == pb.BALLOT_OUTCOME_OPEN
    carried = await vote(council, against.gate_case, SALES, *yes(COUNCIL[3]))
    shown = position_of(carried, SALES)
    assert shown.kind == pb.POSITION_KIND_CONSENT
    assert (shown.ballot.outcome, shown.ballot.summary) == (
        pb.BALLOT_OUTCOME_CARRIED,
        "4 of 7 needed, 4 yes, 1 no",
    )
    assert not holding(carried, "member")
    stands = (await council.pledge(SARA, carried.gate_case)).gate_case
    assert stands.state == gate_pb2.CASE_STATE_STANDING
    assert [(d.person, d.role) for d in stands.deciders] == [
        (SARA, "sponsor"),
        *((person, "member") for person in COUNCIL[:4]),
    ]
    signed: case_pb.SignedWarrant = await council.cases().GetWarrant(
        case_pb.GetWarrantRequest(program=stands.program, gate=gate_pb2.GATE_PLEDGE)
    )
    reader = council.realm.statements("budget")
    warrant = reader.read_warrants([signed.warrant], [Gate.PLEDGE])[Gate.PLEDGE]
    took_part = {*COUNCIL[:4], "people/pia"}
    assert set(warrant.business_people) == {BEN, SARA, *took_part}, "who voted against as well"


async def test_seven_seats_two_recused_need_three_of_five(council: House) -> None:
    """domain.md, Sponsorship, quorum vectors."""
    pledged = await council.pledge(SARA, await council.opened())
    recused = await vote(council, pledged.gate_case, SALES, *recuse(*COUNCIL[:2]))
    ballot = position_of(recused, SALES).ballot
    assert (ballot.needed, ballot.eligible, ballot.summary) == (3, 5, "3 of 5 needed, 0 yes, 0 no")
    assert tuple(ballot.out) == COUNCIL[:2]
    again = await refused(council.say(COUNCIL[0], recused.gate_case, SALES, "CONSENT"))
    assert "recused themselves" in again.message
    agreed = await vote(council, recused.gate_case, SALES, *yes(*COUNCIL[2:5]))
    assert agreed.gate_case.state == gate_pb2.CASE_STATE_STANDING


async def test_without_a_quorum_the_next_above_the_unit_is_asked_at_once(council: House) -> None:
    """domain.md, Sponsorship, quorum vectors: 4 seats all recused but one."""
    case = await council.opened(community(**LOUD))
    two = await vote(council, case, PR, *recuse(*PRESS[:2]))
    assert position_of(two, PR).ballot.outcome == pb.BALLOT_OUTCOME_OPEN
    three = await vote(council, two.gate_case, PR, *recuse(PRESS[2]))
    shown = position_of(three, PR)
    assert shown.ballot.outcome == pb.BALLOT_OUTCOME_NO_QUORUM
    assert shown.asked == ADA
    assert holding(three, "endorser", PR) == [ADA]
    assert not holding(three, "member", PR)
    assert not three.gate_case.no_eligible_holder
    late = await refused(council.say(PRESS[3], three.gate_case, PR, "CONSENT"))
    assert late.reason == "NOT_A_HOLDER"
    assert "has no quorum" in late.message
    assert ADA in late.message
    agreed = await council.say(ADA, three.gate_case, PR, "CONSENT")
    assert (position_of(agreed, PR).kind, position_of(agreed, PR).person) == (
        pb.POSITION_KIND_CONSENT,
        ADA,
    )
    assert [(d.person, d.role) for d in agreed.gate_case.deciders] == [(ADA, "endorser")]


async def test_without_a_quorum_and_with_nobody_above_the_alarm_is_raised_at_once(
    council: House,
) -> None:
    case = await council.opened(community(**LOUD))
    await leave(council, ADA)
    held = await council.read(case)
    assert not held.gate_case.no_eligible_holder
    after = await vote(council, held.gate_case, PR, *recuse(*PRESS[:3]))
    assert after.gate_case.no_eligible_holder
    assert set(GOVERNANCE) <= set(holders(after.gate_case))
    message = (await refused(council.say(PRESS[3], after.gate_case, PR, "CONSENT"))).message
    assert "nobody at present, which governance is told" in message


async def test_one_delegate_for_two_members_is_one_presence_with_two_votes(
    council: House,
) -> None:
    """domain.md, Sponsorship, quorum vectors."""
    case = await council.opened(community(**LOUD))
    for member in ("people/paul", "people/hugo"):
        lent = pb.CreateDelegationRequest(
            request_id=new_request_id(),
            delegate="people/stella",
            purpose=pb.PURPOSE_POSITION,
            ends_at=wire.stamp(council.clock.now() + timedelta(days=1)),
        )
        await council.of(member, "endorser").CreateDelegation(lent)
    first = await council.say("people/stella", case, PR, "CONSENT", on_behalf_of="people/paul")
    second = await council.say(
        "people/stella", first.gate_case, PR, "CONSENT", on_behalf_of="people/hugo"
    )
    ballot = position_of(second, PR).ballot
    assert (ballot.yes, ballot.present) == (2, 1)
    assert [(one.seat, one.person) for one in ballot.votes] == [
        ("people/paul", "people/stella"),
        ("people/hugo", "people/stella"),
    ]
    third = await vote(council, second.gate_case, PR, *yes("people/pia"))
    assert (position_of(third, PR).ballot.present, position_of(third, PR).kind) == (
        2,
        pb.POSITION_KIND_CONSENT,
    )
    named = {(d.person, d.on_behalf_of) for d in third.gate_case.deciders}
    assert ("people/stella", "people/paul") in named, "both names on the record"


async def test_a_no_says_why_and_the_others_may_join_it(council: House, database_url: str) -> None:
    case = await council.opened()
    before = everything(database_url)
    bare = await refused(council.say(VERA, case, SALES, "OBJECT"))
    assert [one.field for one in bare.violations] == ["grounds", "harm", "proposal"]
    assert everything(database_url) == before
    first = await council.say(VERA, case, SALES, "OBJECT", **OBJECTION)
    rest = [(person, "OBJECT") for person in COUNCIL[1:4]]
    rejected = await vote(council, first.gate_case, SALES, *rest)
    shown = position_of(rejected, SALES)
    assert shown.kind == pb.POSITION_KIND_OBJECT
    assert {name: getattr(shown, name) for name in OBJECTION} == OBJECTION
    assert {one.harm for one in shown.ballot.votes} == {OBJECTION["harm"]}
    assert (ADA, "arbiter", SALES) in holders(rejected.gate_case)
    assert holding(rejected, "member") == sorted(COUNCIL), "they may reconsider"
    ended = await resolve(council, ADA, rejected.gate_case)
    assert position_of(ended, SALES).resolution == pb.RESOLUTION_OVERRIDDEN
    again = await refused(council.say(COUNCIL[5], ended.gate_case, SALES, "OBJECT"))
    assert again.reason == "WRONG_STATE"
    late = await vote(council, ended.gate_case, SALES, *yes(COUNCIL[4]))
    assert position_of(late, SALES).resolution == pb.RESOLUTION_OVERRIDDEN


async def test_a_rejected_committee_reconsiders_and_its_objection_ends(council: House) -> None:
    case = await council.opened()
    first = await council.say(VERA, case, SALES, "OBJECT", **OBJECTION)
    rest = [(person, "OBJECT") for person in COUNCIL[1:4]]
    rejected = await vote(council, first.gate_case, SALES, *rest, *yes(*COUNCIL[4:]))
    assert position_of(rejected, SALES).kind == pb.POSITION_KIND_OBJECT
    turned = await vote(council, rejected.gate_case, SALES, *yes(COUNCIL[1]))
    shown = position_of(turned, SALES)
    assert (shown.kind, shown.resolution) == (
        pb.POSITION_KIND_CONSENT,
        pb.RESOLUTION_WITHDRAWN,
    )


async def test_abstentions_alone_reject_and_object_to_nothing(council: House) -> None:
    pledged = await council.pledge(SARA, await council.opened(community(**LOUD)))
    quiet = await vote(council, pledged.gate_case, PR, *((p, "ABSTAIN") for p in PRESS))
    shown = position_of(quiet, PR)
    assert (shown.kind, shown.harm) == (pb.POSITION_KIND_ABSTAIN, "")
    assert quiet.gate_case.state == gate_pb2.CASE_STATE_OPEN
    assert holding(quiet, "member", PR) == sorted(PRESS)


async def test_the_chair_who_abstained_is_asked_again_in_a_tie(council: House) -> None:
    case = await council.opened(community(**LOUD))
    recused = await vote(council, case, PR, *recuse("people/luis"))
    against = await council.say("people/pia", recused.gate_case, PR, "OBJECT", **REPUTATION)
    tied = await vote(
        council, against.gate_case, PR, *yes("people/hugo"), ("people/paul", "ABSTAIN")
    )
    ballot = position_of(tied, PR).ballot
    assert (ballot.outcome, list(ballot.asked)) == (pb.BALLOT_OUTCOME_OPEN, ["people/paul"])
    assert holding(tied, "member", PR) == ["people/paul"]
    yes_now = await vote(council, tied.gate_case, PR, *yes("people/paul"))
    assert position_of(yes_now, PR).kind == pb.POSITION_KIND_CONSENT


async def test_the_conditions_of_every_yes_are_conditions_of_the_case(council: House) -> None:
    case = await council.opened()
    condition = gate_pb2.Condition(text="prices are hidden", owner=VERA, blocks=gate_pb2.GATE_PILOT)
    first = await council.say(VERA, case, SALES, "CONSENT_WITH_CONDITIONS", conditions=[condition])
    assert not first.gate_case.conditions, "nothing is agreed yet"
    carried = await vote(council, first.gate_case, SALES, *yes(*COUNCIL[1:4]))
    assert position_of(carried, SALES).kind == pb.POSITION_KIND_CONSENT_WITH_CONDITIONS
    assert [(c.id, c.text) for c in carried.gate_case.conditions] == [
        ("sales-1", "prices are hidden")
    ]


async def test_who_stands_for_the_program_takes_no_part(council: House) -> None:
    case = await council.opened(community(proposer="people/max"))
    pledge = await council.read(case)
    assert "people/max" not in holding(pledge, "member")
    ballot = position_of(pledge, SALES).ballot
    assert (list(ballot.out), ballot.summary) == (["people/max"], "4 of 6 needed, 0 yes, 0 no")
    problem = await refused(council.say("people/max", case, SALES, "CONSENT"))
    assert "stands for the program" in problem.message


async def test_who_has_no_seat_has_no_vote_and_no_seat_is_handed_over(
    council: House, database_url: str
) -> None:
    case = await council.opened()
    before = everything(database_url)
    for person in (ADA, "people/hana", "people/ivan", "people/fay"):
        problem = await refused(council.say(person, case, SALES, "CONSENT"))
        assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
        assert "has no seat in committees/council" in problem.message
    for actor, person in ((VERA, ADA), (VERA, "people/hana"), ("people/grace", "people/hana")):
        handed = case_pb.ReassignCaseRequest(
            request_id=new_request_id(),
            name=case.name,
            etag=case.etag,
            person=person,
            reason="they know more of it",
        )
        problem = await refused(council.cases(actor, "sponsor", "governance").ReassignCase(handed))
        assert problem.reason == "NOT_A_HOLDER"
    assert everything(database_url) == before


async def test_a_member_who_leaves_without_a_word_leaves_the_fraction(council: House) -> None:
    case = await council.opened()
    voted = await vote(council, case, SALES, *yes("people/nils"))
    answer = await leave(council, "people/nils", "people/nora")
    assert list(answer.handed_on) == [case.name]
    after = await council.read(voted.gate_case)
    ballot = position_of(after, SALES).ballot
    assert (list(ballot.out), ballot.summary) == (["people/nora"], "4 of 6 needed, 1 yes, 0 no")
    assert "people/nora" not in holding(after, "member")


async def test_who_stays_may_have_said_enough_when_others_leave(council: House) -> None:
    pledged = await council.pledge(SARA, await council.opened())
    three = await vote(council, pledged.gate_case, SALES, *yes(*COUNCIL[:3]))
    assert three.gate_case.state == gate_pb2.CASE_STATE_OPEN
    await leave(council, *COUNCIL[5:])
    after = await council.read(three.gate_case)
    shown = position_of(after, SALES)
    assert shown.ballot.summary == "3 of 5 needed, 3 yes, 0 no"
    assert (shown.kind, shown.person) == (pb.POSITION_KIND_CONSENT, COUNCIL[2])
    assert after.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert not after.gate_case.no_eligible_holder


async def test_a_quorum_is_lost_by_leaving_and_the_next_above_is_asked(council: House) -> None:
    case = await council.opened(community(**LOUD))
    await leave(council, *PRESS[:3])
    after = await council.read(case)
    assert position_of(after, PR).ballot.outcome == pb.BALLOT_OUTCOME_NO_QUORUM
    assert holding(after, "endorser", PR) == [ADA]


async def test_who_stands_in_for_the_sponsor_has_no_vote_as_well(council: House) -> None:
    facts = community(sponsor=VERA, owning_unit="sales")
    case = await council.opened(facts)
    await leave(council, VERA)
    held = await council.read(case)
    assert holding(held, "sponsor") == ["people/viktor"]
    pledged = await council.pledge("people/viktor", held.gate_case)
    ballot = position_of(pledged, SALES).ballot
    assert (set(ballot.out), ballot.eligible) == ({VERA, "people/viktor"}, 5)
    problem = await refused(council.say("people/viktor", pledged.gate_case, SALES, "CONSENT"))
    assert "stands for the program" in problem.message


async def test_who_has_voted_does_not_stand_in_for_the_sponsor(council: House) -> None:
    case = await council.opened(community(sponsor=VERA, owning_unit="sales"))
    await leave(council, VERA)
    held = await council.read(case)
    voted = await vote(council, held.gate_case, SALES, *yes("people/viktor"))
    assert (ADA, "sponsor", SALES) in holders(voted.gate_case), "the next of the line at once"
    assert not voted.gate_case.no_eligible_holder
    problem = await refused(council.pledge("people/viktor", voted.gate_case))
    assert problem.reason == "WRONG_STATE"
    assert "one person is one voice" in problem.message


async def test_who_sits_for_two_units_is_asked_once_and_speaks_for_each(council: House) -> None:
    case = await council.opened(community(**LOUD))
    both = "people/pia"
    assert await inbox(council, both) == [case.name]
    said = await council.say(both, case, SALES, "CONSENT")
    assert position_of(said, PR).ballot.yes == 0, "a yes is for the unit that it names"
    assert await inbox(council, both) == [case.name]
    then = await council.say(both, said.gate_case, PR, "CONSENT")
    assert await inbox(council, both) == []
    assert [position_of(then, unit).ballot.yes for unit in (SALES, PR)] == [1, 1]


async def test_a_vote_keeps_the_promises_of_every_mutation_and_is_on_record(
    council: House, database_url: str
) -> None:
    case = await council.opened()
    before = everything(database_url)
    rehearsed = await council.say(VERA, case, SALES, "CONSENT", validate_only=True)
    assert position_of(rehearsed, SALES).ballot.yes == 1
    assert everything(database_url) == before
    request = new_request_id()
    first = await council.say(VERA, case, SALES, "CONSENT", request_id=request)
    assert await council.say(VERA, case, SALES, "CONSENT", request_id=request) == first
    stale = await refused(council.say(COUNCIL[1], case, SALES, "CONSENT"))
    assert (stale.code, stale.reason) == ("ABORTED", "STALE_ETAG")
    (said,) = (
        json.loads(document)["payload"]
        for kind, document in rows(database_url, "SELECT kind, document FROM event")
        if kind == "pledge.position"
    )
    assert (said["committee"], said["seat"]) == ("committees/council", VERA)
    assert (said["outcome"], said["count"]) == ("OPEN", "4 of 7 needed, 1 yes, 0 no")
