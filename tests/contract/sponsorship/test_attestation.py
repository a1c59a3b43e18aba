"""The sponsor's word: asked for, given, missed, and what waits for it meanwhile.

domain.md, Sponsorship, Liveness: "the sponsor re-attests at each gate and every N weeks (charter);
a missed attestation flags 'sponsor in name only', escalates, then pauses forward moves only."
"""

import json
from datetime import UTC, datetime, timedelta
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
from tests.contract.sponsorship.test_delegations import lent
from tests.contract.sponsorship.test_leavers import GOVERNANCE, inbox
from tests.contract.sponsorship.test_objections import ADA, SALES
from tests.contract.sponsorship.test_succession import changed, transfer, warrant
from tests.support.records import everything, rows
from tests.support.services import new_request_id

from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb

FOUR_WEEKS = timedelta(days=28)
"""The default charter's interval: `sponsorship.reattestation: P28D`."""
SARAS = (SARA, "sponsor", "units/support")


async def attest(house: House, person: str, case: gate_pb2.GateCase, **request: Any) -> pb.Pledge:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": case.name,
        "etag": case.etag,
        "statement": "we still want it",
    }
    asked = pb.AttestSponsorshipRequest(**{**values, **request})
    pledge: pb.Pledge = await house.of(person).AttestSponsorship(asked)
    return pledge


async def swept(house: House, case: gate_pb2.GateCase, at: datetime | None = None) -> pb.Pledge:
    """The pledge after the sweep at an instant, now by default."""
    if at is not None:
        house.clock.set(at)
    await house.attestations.sweep()
    return await house.read(case)


async def asked(house: House) -> pb.Pledge:
    """The community's pledge four weeks later: its sponsor is asked."""
    standing = await house.standing()
    return await swept(house, standing, house.clock.now() + FOUR_WEEKS)


def at(stamp: Any) -> datetime:
    instant: datetime = stamp.ToDatetime(UTC)
    return instant


async def test_the_sponsor_is_asked_when_the_charters_interval_is_over(house: House) -> None:
    standing = await house.standing()
    now = house.clock.now()
    assert at((await house.read(standing)).attestation_due_at) == now + FOUR_WEEKS
    before = await swept(house, standing, now + FOUR_WEEKS - timedelta(seconds=1))
    assert (before.gate_case.etag, list(before.gate_case.holders)) == (standing.etag, [])
    after = await swept(house, standing, now + FOUR_WEEKS)
    case = after.gate_case
    assert (case.state, case.amber) == (gate_pb2.CASE_STATE_STANDING, gate_pb2.AMBER_UNSPECIFIED)
    assert holders(case) == [SARAS]
    assert await inbox(house, SARA) == [case.name]
    assert case.timetable.next_step == gate_pb2.STEP_NUDGE
    assert at(after.attestation_due_at) == now + FOUR_WEEKS
    assert at(after.attestation_missed_at) == at(case.timetable.overdue_at)
    assert at(after.forward_moves_paused_at) == at(case.timetable.second_at)
    assert (await warrant(house)).case_version == case.version
    await house.attestations.sweep()
    assert (await house.read(case)).gate_case.version == case.version


async def test_a_word_given_in_time_is_kept_and_the_next_is_due_an_interval_later(
    house: House, database_url: str
) -> None:
    case = (await asked(house)).gate_case
    after = await attest(house, SARA, case)
    assert (list(after.gate_case.holders), after.gate_case.amber) == ([], 0)
    (seat,) = after.sponsorships
    assert at(seat.attested_at) == house.clock.now()
    assert seat.attestation == "we still want it"
    assert at(after.attestation_due_at) == house.clock.now() + FOUR_WEEKS
    assert not after.HasField("attestation_missed_at")
    assert await inbox(house, SARA) == []
    (document,) = (
        json.loads(document)
        for kind, document in rows(database_url, "SELECT kind, document FROM event")
        if kind == "pledge.attested"
    )
    assert document["payload"]["authority"]["person"] == SARA
    again = await swept(house, case, house.clock.now() + FOUR_WEEKS)
    assert holders(again.gate_case) == [SARAS]


async def test_a_word_nobody_asked_for_counts_from_when_it_was_given(house: House) -> None:
    standing = await house.standing()
    house.clock.advance(timedelta(days=20))
    after = await attest(house, SARA, standing)
    assert at(after.attestation_due_at) == house.clock.now() + FOUR_WEEKS
    quiet = await swept(house, standing, house.clock.now() + timedelta(days=27))
    assert not quiet.gate_case.holders


async def test_a_missed_word_makes_a_sponsor_in_name_only_and_the_line_above_is_asked_too(
    house: House, database_url: str
) -> None:
    pledge = await asked(house)
    reminded = await swept(house, pledge.gate_case, at(pledge.gate_case.timetable.warn_at))
    assert holders(reminded.gate_case) == [SARAS]
    assert reminded.gate_case.amber == gate_pb2.AMBER_UNSPECIFIED
    missed = await swept(house, pledge.gate_case, at(pledge.attestation_missed_at))
    case = missed.gate_case
    assert case.amber == gate_pb2.AMBER_SPONSOR_IN_NAME_ONLY
    assert SARA in case.reason
    assert "has not answered" in case.reason
    assert holders(case) == [(SAM, "superior", "units/support"), SARAS]
    assert await inbox(house, SAM) == [case.name]
    assert [one.step for one in case.escalations][-3:] == [
        gate_pb2.STEP_NUDGE,
        gate_pb2.STEP_WARN,
        gate_pb2.STEP_OVERDUE,
    ]
    assert (await warrant(house)).case_version == case.version, "nothing is paused yet"


async def test_silence_beyond_the_second_escalation_pauses_forward_moves_until_the_word(
    house: House,
) -> None:
    pledge = await asked(house)
    second = at(pledge.forward_moves_paused_at)
    house.clock.set(second - timedelta(seconds=1))
    assert (await warrant(house)).revision == 1
    house.clock.set(second)
    problem = await refused(warrant(house))
    assert problem.reason == "FORWARD_MOVES_PAUSED", "from that instant, whoever has swept"
    (leg,) = problem.legs
    assert (leg.type, leg.subject) == ("ATTESTATION", pledge.gate_case.name)
    assert "attests" in leg.remedy
    case = (await swept(house, pledge.gate_case)).gate_case
    assert (case.state, case.amber) == (
        gate_pb2.CASE_STATE_STANDING,
        gate_pb2.AMBER_FORWARD_MOVES_PAUSED,
    )
    assert (ADA, "superior", "units/support") in holders(case)
    green = await attest(house, SARA, case)
    assert (green.gate_case.amber, green.gate_case.reason) == (gate_pb2.AMBER_UNSPECIFIED, "")
    assert (await warrant(house)).case_version == green.gate_case.version


async def test_after_the_line_governance_is_asked_and_whoever_was_asked_may_transfer(
    house: House,
) -> None:
    pledge = await asked(house)
    case = pledge.gate_case
    for _ in range(6):
        house.clock.advance(timedelta(days=8))
        case = (await swept(house, case)).gate_case
    assert set(GOVERNANCE) <= set(holders(case))
    handed = await transfer(house, SAM, case, successor=SAM)
    assert handed.gate_case.amber == gate_pb2.AMBER_TRANSFER
    opened = await house.opened()
    assert holders(opened) == [(SAM, "sponsor", "units/support")]
    assert (await house.pledge(SAM, opened)).gate_case.state == gate_pb2.CASE_STATE_STANDING


async def test_who_was_never_asked_has_missed_nothing(house: House) -> None:
    standing = await house.standing()
    house.clock.advance(timedelta(days=80))
    assert (await warrant(house)).case_version == standing.version
    late = await swept(house, standing)
    assert at(late.attestation_due_at) == house.clock.now()
    assert late.gate_case.amber == gate_pb2.AMBER_UNSPECIFIED


async def test_both_of_two_sponsors_are_asked_and_the_silent_one_is_waited_for(
    house: House,
) -> None:
    facts = community(
        sponsor="people/ivan", counter_sponsor="people/hana", owning_unit="units/it", channels=()
    )
    said = (await house.pledge("people/ivan", await house.opened(facts))).gate_case
    second = await house.pledge("people/hana", said)
    said = second.gate_case
    for one in second.positions:
        if one.role == pb.POSITION_ROLE_AGREE and not one.person:
            said = (await house.say(one.asked, said, one.unit, "CONSENT")).gate_case
    case = (await swept(house, said, house.clock.now() + FOUR_WEEKS)).gate_case
    assert [one.person for one in case.holders] == ["people/ivan", "people/hana"]
    half = (await attest(house, "people/ivan", case)).gate_case
    assert [one.person for one in half.holders] == ["people/hana"]
    missed = await swept(house, half, at(half.timetable.overdue_at))
    assert missed.gate_case.amber == gate_pb2.AMBER_SPONSOR_IN_NAME_ONLY
    assert "people/hana" in missed.gate_case.reason
    whole = (await attest(house, "people/hana", missed.gate_case)).gate_case
    assert (list(whole.holders), whole.amber) == ([], gate_pb2.AMBER_UNSPECIFIED)


async def test_a_delegate_attests_in_the_sponsors_name(house: House) -> None:
    case = (await asked(house)).gate_case
    assert (await refused(attest(house, SAM, case))).reason == "NOT_A_HOLDER"
    await lent(house)
    after = await attest(house, SAM, case, on_behalf_of=SARA)
    assert not after.gate_case.holders


async def test_who_did_not_pledge_or_has_no_authority_any_more_cannot_attest(
    house: House, database_url: str
) -> None:
    case = (await asked(house)).gate_case
    before = everything(database_url)
    for person in (BEN, VERA, SAM):
        problem = await refused(attest(house, person, case))
        assert problem.reason == "NOT_A_HOLDER", person
    assert (await refused(attest(house, SARA, case, etag="older"))).reason == "STALE_ETAG"
    rehearsed = await attest(house, SARA, case, validate_only=True)
    assert not rehearsed.gate_case.holders
    assert everything(database_url) == before
    await changed(house, SARA, grade="specialist")
    lost = (await house.read(case)).gate_case
    assert (await refused(attest(house, SARA, lost))).reason == "WRONG_STATE"


async def test_a_voided_or_expired_pledge_asks_nobody(house: House) -> None:
    standing = await house.standing()
    await transfer(house, SARA, standing)
    after = await swept(house, standing, house.clock.now() + FOUR_WEEKS)
    assert (after.gate_case.state, list(after.gate_case.holders)) == (
        gate_pb2.CASE_STATE_VOIDED,
        [],
    )
    assert not after.HasField("attestation_due_at")


@pytest.mark.parametrize("days", [0, 6])
async def test_a_young_word_counts_for_the_gate_that_opens(house: House, days: int) -> None:
    standing = await house.standing()
    house.clock.advance(timedelta(days=days))
    assert not (await noted(house, gate_pb2.GATE_KNIGHT)).asked
    assert (await house.read(standing)).gate_case.etag == standing.etag


async def test_a_gate_that_opens_long_after_the_last_word_asks_for_another(house: House) -> None:
    standing = await house.standing()
    house.clock.advance(timedelta(days=7))
    assert not (await noted(house, gate_pb2.GATE_FUND)).asked, "the pledge is the word for FUND"
    assert (await noted(house, gate_pb2.GATE_KNIGHT)).asked
    case = (await house.read(standing)).gate_case
    assert holders(case) == [SARAS]
    assert not (await noted(house, gate_pb2.GATE_PILOT)).asked, "they are being asked already"
    await attest(house, SARA, case)
    assert not (await noted(house, gate_pb2.GATE_PILOT)).asked
    house.clock.advance(timedelta(days=7))
    assert (await noted(house, gate_pb2.GATE_LAUNCH)).asked


async def noted(house: House, gate: gate_pb2.Gate.ValueType) -> pb.NoteGateOpenedResponse:
    request = pb.NoteGateOpenedRequest(
        request_id=new_request_id(), program="programs/community", gate=gate
    )
    answer: pb.NoteGateOpenedResponse = await house.of("workloads/worker", "worker").NoteGateOpened(
        request
    )
    return answer


async def test_no_program_or_pledge_nobody_to_ask(house: House) -> None:
    assert not (await noted(house, gate_pb2.GATE_KNIGHT)).asked
    case = await house.opened()
    pledged = await house.pledge(SARA, case)
    house.clock.advance(timedelta(days=9))
    assert not (await noted(house, gate_pb2.GATE_KNIGHT)).asked
    agreed = await house.say(VERA, pledged.gate_case, SALES, "CONSENT")
    assert not agreed.gate_case.holders
