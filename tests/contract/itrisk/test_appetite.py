"""A new appetite holds for every program that lives: it is reconfirmed, or has thirty days."""

from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.support.charters import amended, sign
from tests.support.clock import SettableClock
from tests.support.eventually import eventually
from tests.support.facts import revision
from tests.support.records import rows
from tests.support.reviews import Desk, it_side
from tests.support.risks import content, saving, scenario
from tests.support.services import Realm, new_request_id
from tests.support.sweeps import UNSWEPT, swept_by_hand

from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as pb
from investiture.api.itrisk.v1 import risk_service_pb2 as risk_pb
from investiture.api.itrisk.v1.risk_service_pb2_grpc import RiskServiceStub
from investiture.chassis.refusal import Unavailable
from investiture.itrisk import __main__ as process
from investiture.itrisk.appetites import FIRST_PAUSE_S, LONGEST_PAUSE_S
from investiture.itrisk.computing import LONGEST_SECONDS, Asked, Computer, Result

STRICTER = amended(
    ("owner: people/otto\n  version: 1", "owner: people/otto\n  version: 2"),
    ("{loss_minor: 250_000_00, probability: 0.25}", "{loss_minor: 250_000_00, probability: 0.12}"),
)
MONTH = timedelta(days=30)


def risk(desk: Desk) -> RiskServiceStub:
    return RiskServiceStub(desk.service.channel("people/pia", "proposer"))


async def knighted(desk: Desk, program: str, what: risk_pb.RiskContent) -> str:
    """The name of the review of a program that is inside today's appetite."""
    facts = revision(program=program, exposure_bps=10_000, controls=("MFA",))
    await risk(desk).SaveRiskProfile(saving(program, what))
    case = await desk.opened(facts)
    await desk.review.Knight(
        pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    )
    return case.name


async def review_of(desk: Desk, name: str) -> pb.RiskReview:
    found: pb.RiskReview = await desk.review.GetReview(pb.GetReviewRequest(name=name))
    return found


def _mode(asked: Asked) -> float:
    """The most likely number of events a year of its first scenario."""
    found: Any = asked.document["scenarios"][0]["frequency"]
    return float(found["pert"][1])


def judgements(database_url: str, name: str) -> list[str]:
    query = f"SELECT kind FROM risk_judgement WHERE case_name = '{name}' ORDER BY number"
    return [kind for (kind,) in rows(database_url, query)]


async def test_a_new_appetite_reconfirms_what_it_holds_and_gives_the_rest_thirty_days(
    realm: Realm, clock: SettableClock, database_url: str
) -> None:
    rare = content(scenario(frequency=risk_pb.Frequency(events=risk_pb.Estimate(constant=0.01))))
    async with it_side(realm, clock, database_url) as desk:
        safe = await knighted(desk, "programs/safe", rare)
        near = await knighted(desk, "programs/near", content())
        late = await knighted(desk, "programs/late", content())
    sign(database_url, STRICTER, clock.now())
    begun = clock.now()
    async with it_side(realm, clock, database_url) as desk:
        for name in (near, late):
            review = await eventually(
                partial(review_of, desk, name), lambda one: one.HasField("grace_until")
            )
            assert review.grace_until.ToDatetime(UTC) == begun + MONTH
            assert review.gate_case.standing_until.ToDatetime(UTC) == begun + MONTH
            assert review.gate_case.state == gate_pb2.CASE_STATE_STANDING
            assert "at most 12.0% is accepted" in review.grace_reason
        await eventually(
            lambda: review_of(desk, safe),
            lambda _: judgements(database_url, safe) == ["KNIGHTED", "RECONFIRMED"],
        )
        assert not (await review_of(desk, safe)).HasField("grace_until")

        clock.advance(timedelta(days=10))
        latest = await risk(desk).GetRiskProfile(
            risk_pb.GetRiskProfileRequest(name="programs/near/riskProfiles/latest")
        )
        saved = await risk(desk).SaveRiskProfile(
            saving("programs/near", rare, etag=latest.etag, reason="a second factor for all")
        )
        assert saved.effect == "RECONFIRMED"
        inside = await review_of(desk, near)
        assert not inside.HasField("grace_until")
        assert inside.gate_case.standing_until.ToDatetime(UTC) == begun + timedelta(days=90)

        clock.set(begun + MONTH)
        assert (await review_of(desk, late)).gate_case.state == gate_pb2.CASE_STATE_EXPIRED
        assert (await review_of(desk, near)).gate_case.state == gate_pb2.CASE_STATE_STANDING


async def test_a_recomputation_that_fails_pauses_ever_longer_and_the_others_go_on(
    realm: Realm, clock: SettableClock, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with it_side(realm, clock, database_url, **UNSWEPT) as desk:
        near = await knighted(desk, "programs/near", content())
        other = await knighted(desk, "programs/other", content(scenario(0.45)))
    sign(database_url, STRICTER, clock.now())
    tried: list[datetime] = []
    failed: list[Any] = []

    class Failing(Computer):
        """Fails over one program."""

        broken = True

        async def assess(self, asked: Asked, seconds: float = LONGEST_SECONDS) -> Result:
            if _mode(asked) == 0.5 and self.broken:
                tried.append(clock.now())
                raise Unavailable("the computing process died 2 times over this")
            return await super().assess(asked, seconds)

    monkeypatch.setattr(process, "Computer", Failing)
    async with swept_by_hand(monkeypatch, realm, clock, database_url) as swept:
        with capture_logs() as said:
            for _ in range(12):
                for _ in range(2):
                    await swept.recomputing.tick()
                failed = [one for one in said if one["event"] == "appetite.not_recomputed"]
                assert (len(failed), failed[-1]["of"]) == (len(tried), near)
                clock.set(datetime.fromisoformat(failed[-1]["again_at"]))
        assert (await review_of(swept.desk, other)).HasField("grace_until")
        pauses = [(b - a).total_seconds() for a, b in pairwise([*tried, clock.now()])]
        assert len(pauses) == 12
        for count, pause in enumerate(pauses):
            longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**count)
            assert longest / 2 <= pause <= longest
        assert "died 2 times" in failed[0]["why"]
        Failing.broken = False
        await swept.recomputing.tick()
        assert (await review_of(swept.desk, near)).HasField("grace_until")
