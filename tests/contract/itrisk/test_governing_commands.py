"""Who answers for a risk, at the command line: acceptances and duties, typed and read."""

from pathlib import Path

import pytest
from tests.support.clock import SettableClock
from tests.support.command import Said, investiture
from tests.support.facts import revision
from tests.support.reviews import REVIEWER, Desk, it_side
from tests.support.risks import content, saving
from tests.support.services import Realm

from investiture.api.itrisk.v1.risk_service_pb2_grpc import RiskServiceStub
from investiture.cli import problems


@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_controller_accepts_and_counsel_records_a_duty(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> None:
    async with it_side(realm, clock, database_url) as desk:
        facts = revision(exposure_bps=10_000, controls=())
        proposer = RiskServiceStub(desk.service.channel("people/pia", "proposer"))
        await proposer.SaveRiskProfile(saving(facts.program, content()))
        await desk.opened(facts)
        controller = Terminal(desk, tmp_path, "people/finn", "finance")
        accept = ("risk", "accept", "community", "--reason", "the fair", "--until")
        late = await controller.types(*accept, "2029-01-01")
        assert late.code == problems.BAD_INPUT
        assert "at most 365 days" in late.err
        said = await controller.types(*accept, "2027-02-28")
        assert said.code == 0, said.err
        assert "programs/community/riskAcceptances/1 pending" in said.out
        assert "finn as controller: the fair" in said.out
        assert "lacks level 2, investment-committee: 2 of" in said.out
        listed = await controller.types("risk", "acceptances", "community")
        assert "riskAcceptances/1 pending" in listed.out

        counsel = Terminal(desk, tmp_path, "people/lena", "endorser")
        duty = ("risk", "duty", "community", "privacy")
        said = await counsel.types(*duty, "fail", "--unit", "legal", "--reason", "no consent")
        assert said.out.strip() == "privacy by legal: fail: no consent, says lena", said.err
        said = await counsel.types(*duty, "pass", "--unit", "legal")
        assert said.code == 0, said.err
        listed = await counsel.types("risk", "duties", "community")
        assert listed.out.strip() == "privacy by legal: pass, says lena"


@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_reviewers_stated_chance_is_settled_by_the_outcome_and_read_by_them(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> None:
    async with it_side(realm, clock, database_url) as desk:
        facts = revision(exposure_bps=10_000, controls=("MFA",))
        proposer = RiskServiceStub(desk.service.channel("people/pia", "proposer"))
        await proposer.SaveRiskProfile(saving(facts.program, content()))
        case = await desk.opened(facts)
        reviewer = Terminal(desk, tmp_path, REVIEWER, "reviewer")
        none = await reviewer.types("risk", "calibration")
        assert "yours, which nobody else sees: none is settled yet" in none.out
        wrong = await reviewer.types("knight", "community", "--chance", "1.2", "--etag", case.etag)
        assert wrong.code == problems.USAGE
        assert "--chance" in wrong.err
        said = await reviewer.types("knight", "community", "--chance", "0.2", "--etag", case.etag)
        assert said.code == 0, said.err

        finance = Terminal(desk, tmp_path, "people/fay", "finance")
        settle = (
            "risk",
            "outcome",
            "community",
            "300_000 EUR",
            "--evidence",
            "https://h.example/y",
        )
        bare = await finance.types(*settle)
        assert bare.code == problems.BAD_INPUT
        assert "give the document with --file FILE, or its digest with --sha256" in bare.err
        settled = await finance.types(*settle, "--sha256", "0" * 64)
        assert settled.out.strip() == (
            "programs/community lost 300,000.00 EUR; probabilities settled by that: 1"
        ), settled.err
        score = await reviewer.types("risk", "calibration")
        assert "yours, which nobody else sees: Brier score 0.640 over 1" in score.out
        assert "stated 20% on average, happened 100%" in " ".join(score.out.split())
        assert "too few have a settled one" in score.out


class Terminal:
    """Somebody at the command line."""

    def __init__(self, desk: Desk, folder: Path, person: str, role: str) -> None:
        self._address = desk.service.address
        self._folder = folder
        self._token = folder / f"token-{role}"
        self._token.write_text(desk.realm.token(person, role).token(), encoding="utf-8")

    async def types(self, *arguments: str) -> Said:
        there = ("--itrisk", self._address, "--token-file", str(self._token))
        return await investiture(self._folder, *arguments, *there)
