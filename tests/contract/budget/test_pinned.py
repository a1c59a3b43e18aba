"""A funding is led to its end by the charter it was opened under, the next round by the new one."""

from datetime import UTC, timedelta

from tests.support.budget import money_side
from tests.support.charters import amended, sign
from tests.support.clock import SettableClock
from tests.support.facts import revision
from tests.support.services import Realm, new_request_id

from investiture.api.casework.v1 import case_service_pb2 as pb
from investiture.api.common.v1 import gate_pb2

B = amended(
    ("of: [people/fiona, people/felix]}", "of: [people/finn]}"),
    ("contingency_bps: 1000", "contingency_bps: 0"),
    ("head: people/fay\n    deputy: people/finn", "head: people/otto\n    deputy: people/finn"),
    ("FUND: {duration: P3D", "FUND: {duration: P9D"),
    ("FUND: P90D", "FUND: P10D"),
)


async def test_an_open_funding_follows_its_charter_and_the_next_round_the_new_one(
    realm: Realm, clock: SettableClock, database_url: str
) -> None:
    async with money_side(realm, clock, database_url) as money:
        await money.issue()
        case = await money.open(revision(amount_minor=9_000_00))
    second = sign(database_url, B, clock.now())
    async with money_side(realm, clock, database_url) as money:
        clock.set(case.timetable.overdue_at.ToDatetime(UTC))
        step: pb.EscalateCaseResponse = await money.cases.EscalateCase(
            pb.EscalateCaseRequest(request_id=new_request_id(), name=case.name)
        )
        assert list(step.taken[-1].added) == ["people/fay"], "the head of finance as it was"
        approved = await money.approve(step.reading.gate_case, "fiona")
        stands = (await money.reserve(approved)).gate_case
        until = stands.standing_until.ToDatetime(UTC)
        assert until == clock.now() + timedelta(days=90)
        carried = await money.open(revision(2, amount_minor=9_900_00))
        assert (carried.basis, carried.round) == (gate_pb2.BASIS_CARRIED, 1), "inside the ceiling"
        clock.set(until)
        again = await money.open(revision(2, amount_minor=9_900_00))
        assert (again.round, again.charter_digest) == (2, second)
        assert [one.person for one in again.holders] == ["people/finn"]
