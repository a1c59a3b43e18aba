"""domain.md, The charter: open cases keep the digest they were opened under, for ever."""

from datetime import timedelta

from tests.contract.sponsorship.house import (
    SAM,
    SARA,
    VERA,
    House,
    community,
    holders,
    open_house,
    refused,
)
from tests.contract.sponsorship.test_attestation import FOUR_WEEKS, swept
from tests.contract.sponsorship.test_changes import GUS, Governance
from tests.contract.sponsorship.test_extension import at, dates, escalated, extended
from tests.support import halden
from tests.support.charters import amended, pin, sign
from tests.support.clock import SettableClock
from tests.support.services import Realm

from investiture.api.common.v1 import gate_pb2

B = amended(
    ("head: people/vera", "head: people/viktor"),
    ("deputy: people/viktor", "deputy: people/nora"),
    ("PLEDGE: {duration: P3D", "PLEDGE: {duration: P5D"),
    ("{PLEDGE: P90D", "{PLEDGE: P10D"),
    ("{amount_increase_bps: 1000, exp", "{amount_increase_bps: 0, exp"),
    ("reattestation: P28D", "reattestation: P7D"),
)
"""Another line, agreed time, validity, tolerance and interval than the default charter's."""
SALES, SUPPORT = "units/sales", "units/support"
PAUL, PIA, VIKTOR = "people/paul", "people/pia", "people/viktor"
SARAS = (SARA, "sponsor", SUPPORT)


async def under_b(house: House, signed: bool) -> str:
    governance = Governance(house)
    if signed:
        change = await governance.propose(document=B)
        await governance.approve(GUS, change)
    return (await governance.in_force()).digest


async def test_an_open_pledge_follows_its_charter_to_the_end_and_the_next_round_the_new_one(
    realm: Realm, clock: SettableClock, database_url: str
) -> None:
    async with open_house(realm, clock, database_url) as house:
        case = await house.opened()
        first = await under_b(house, signed=False)
        second = await under_b(house, signed=True)
    async with open_house(realm, clock, database_url) as house:
        longer = await extended(house, SARA, case)
        assert dates(longer)[2] == at("2027-01-12T15:00"), "three days, not five"
        clock.set(dates(longer)[3])
        step = await escalated(house, case)
        added = [person for one in step.taken for person in one.added]
        assert added == [SAM, VIKTOR], added
        pledged = await house.pledge(SARA, step.reading.gate_case)
        said = await house.say(VERA, pledged.gate_case, SALES, "CONSENT")
        stands = said.gate_case
        assert stands.state == gate_pb2.CASE_STATE_STANDING
        assert stands.standing_until.ToDatetime() == clock.now().replace(tzinfo=None) + timedelta(
            days=90
        )
        week_later = await swept(house, stands, clock.now() + timedelta(days=8))
        assert not week_later.gate_case.holders
        carried = await house.opened(community(2, amount_minor=105_000_00))
        assert (carried.basis, carried.charter_digest) == (gate_pb2.BASIS_CARRIED, first)
        asked = await swept(house, stands, clock.now() + FOUR_WEEKS - timedelta(days=8))
        assert holders(asked.gate_case) == [SARAS]
        renewed = await house.opened(community(3, amount_minor=120_000_00))
        assert (renewed.round, renewed.charter_digest) == (2, second)
        assert holders(renewed) == [SARAS, (VIKTOR, "endorser", SALES)]


async def test_a_charter_that_another_replica_adopted_is_read_from_the_record(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    digest = sign(database_url, B, house.clock.now() + timedelta(days=1))
    pin(database_url, case.name, case.charter_digest, digest)
    longer = await extended(house, SARA, case)
    assert dates(longer)[2] == at("2027-01-14T15:00"), "five days on the three that it had"


async def test_a_charter_that_is_not_on_record_is_no_other_charter(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    pin(database_url, case.name, case.charter_digest, "sha256:lost")
    for call in (house.read(case), escalated(house, case), house.pledge(SARA, case)):
        problem = await refused(call)
        assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
        assert "sha256:lost" in problem.message
        assert [leg.type for leg in problem.legs] == ["CHARTER"]
    reopened = await house.opened(community(program="programs/other"))
    assert reopened.state == gate_pb2.CASE_STATE_OPEN


async def test_who_governs_today_has_what_nobody_of_its_charter_can_take(
    realm: Realm, clock: SettableClock, database_url: str
) -> None:
    async with open_house(realm, clock, database_url) as house:
        case = await house.opened()
    sign(
        database_url,
        amended(
            ("owner: people/grace\n", "owner: people/paul\n"),
            ("people/lena, people/paul, ", "people/lena, "),  # who closes reviews decides none
            ("deputy: people/gus", "deputy: people/pia"),
        ),
        clock.now(),
    )
    async with open_house(realm, clock, database_url) as house:
        (grace, gus) = (one for one in halden.people() if one.name in ("people/grace", GUS))
        grace.active = gus.active = False
        await house.import_people(grace, gus)
        last = case
        for _ in range(9):  # one of the line a step, governance at its end
            clock.advance(timedelta(days=9))
            last = (await escalated(house, case)).reading.gate_case
        assert {one.person for one in last.holders if one.role == "governance"} == {PAUL, PIA}
