"""The trial lane at the pledge: three sign, a program at the caps is through, places count."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.contract.sponsorship.house import House, open_house, refused
from tests.contract.sponsorship.test_interleavings import in_order
from tests.support import halden
from tests.support.clock import SettableClock
from tests.support.interleaving import Held
from tests.support.lanes import BEN, FAY, INES, SARA, SMALL, lane_charter, small
from tests.support.records import rows
from tests.support.services import Realm, new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.governance.v1 import standing_decisions_pb2 as pb
from investiture.api.governance.v1.standing_decisions_pb2_grpc import StandingDecisionServiceStub
from investiture.casework import wire
from investiture.casework.facts import Ending, Revision, StandingIncident, StandingRef, Warrant
from investiture.casework.words import Gate, Outcome
from investiture.sponsorship.store.standing_decisions import StandingDecisionStore

STANDS = gate_pb2.CASE_STATE_STANDING


@dataclass(frozen=True, slots=True)
class Trials:
    """A house whose charter has one standing decision with one place."""

    house: House

    def of(self, person: str, *roles: str) -> StandingDecisionServiceStub:
        return StandingDecisionServiceStub(
            self.house.service.channel(person, *(roles or ("proposer",)))
        )

    async def read(self) -> pb.StandingDecision:
        answer: pb.ListStandingDecisionsResponse = await self.of(BEN).ListStandingDecisions(
            pb.ListStandingDecisionsRequest()
        )
        (one,) = answer.standing_decisions
        return one

    async def sign(self, person: str, **changes: Any) -> pb.StandingDecision:
        values: dict[str, Any] = {"digest": (await self.read()).digest, **changes}
        request = pb.SignStandingDecisionRequest(request_id=new_request_id(), id=SMALL, **values)
        signed: pb.StandingDecision = await self.of(person).SignStandingDecision(request)
        return signed

    async def signed(self) -> pb.StandingDecision:
        for person in (SARA, FAY, INES):
            await self.sign(person)
        return await self.read()

    async def revoke(self, person: str, *roles: str) -> pb.StandingDecision:
        request = pb.RevokeStandingDecisionRequest(
            request_id=new_request_id(), id=SMALL, reason="we look again"
        )
        revoked: pb.StandingDecision = await self.of(person, *roles).RevokeStandingDecision(request)
        return revoked

    async def open(
        self, facts: Revision, incidents: tuple[StandingIncident, ...] = ()
    ) -> gate_pb2.GateCase:
        statement = self.house.realm.statements("launch").revision(facts, incidents)
        request = self.house.opening(facts, revision_statement=statement)
        reading: case_pb.CaseReading = await self.house.cases().OpenCase(request)
        return reading.gate_case

    async def warrant(self, program: str) -> Warrant:
        request = case_pb.GetWarrantRequest(program=program, gate=gate_pb2.GATE_PLEDGE)
        signed = (await self.house.cases().GetWarrant(request)).warrant
        found = self.house.realm.statements("budget").read_warrants([signed], [Gate.PLEDGE])
        return found[Gate.PLEDGE]

    async def end(self, program: str) -> None:
        ending = Ending(program, Outcome.WITHDRAWN, 1, BEN, "over", self.house.clock.now())
        await self.house.cases().ReleaseCase(
            case_pb.ReleaseCaseRequest(
                request_id=new_request_id(),
                program=program,
                gate=gate_pb2.GATE_PLEDGE,
                end_statement=self.house.realm.statements("launch").end(ending),
            )
        )


@pytest.fixture
async def trials(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> AsyncIterator[Trials]:
    charter = lane_charter(tmp_path)
    async with open_house(realm, clock, database_url, charter=charter) as opened:
        yield Trials(opened)


def why(case: gate_pb2.GateCase) -> str:
    return "; ".join(case.not_covered)


async def test_it_is_in_force_once_all_three_have_signed_the_same_text(trials: Trials) -> None:
    signed = await trials.read()
    for number, person in enumerate((SARA, FAY, INES)):
        before = await trials.open(small(program=f"programs/t{number}"))
        assert before.state == gate_pb2.CASE_STATE_OPEN
        assert f"{person} has not signed it" in why(before)
        signed = await trials.sign(person)
        assert (signed.state == pb.STANDING_DECISION_STATE_IN_FORCE) is (person == INES)
    case = await trials.open(small())
    assert (case.state, case.basis) == (STANDS, gate_pb2.BASIS_STANDING_DECISION)
    assert case.verdict == gate_pb2.VERDICT_PLEDGED
    assert not case.not_covered
    assert [one.person for one in case.deciders] == [SARA]
    assert case.standing_decision.id == SMALL
    assert f"by standing decision {SMALL}" in case.reason
    warrant = await trials.warrant(case.program)
    assert warrant.standing_decision == StandingRef(SMALL, signed.digest)
    assert not warrant.standing_decision_ended
    assert list((await trials.read()).programs) == ["programs/trial"]
    assert not (await trials.house.read(case)).positions, "no unit is asked"


async def test_nobody_else_signs_and_nobody_another_text(trials: Trials) -> None:
    stranger = await refused(trials.sign(BEN))
    assert (stranger.code, stranger.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    other = await refused(trials.sign(SARA, digest="sha256:" + "0" * 64))
    assert [one.field for one in other.violations] == ["digest"]
    once = await trials.sign(SARA)
    assert await trials.sign(SARA) == once, "a second time it is signed already"


async def test_of_two_openings_at_once_with_one_place_left_one_gets_it(
    trials: Trials, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trials.signed()
    held = Held(monkeypatch, StandingDecisionStore, "take")
    first, other = small(program="programs/a"), small(program="programs/b")
    cases: dict[str, gate_pb2.GateCase] = {}

    async def opened(facts: Revision) -> None:
        cases[facts.program] = await trials.open(facts)

    refusals = await in_order(held, lambda: opened(first), lambda: opened(other), database_url)
    assert refusals == ("", "")
    assert cases["programs/a"].state == STANDS
    assert cases["programs/b"].state == gate_pb2.CASE_STATE_OPEN
    assert "concurrent: 1 under it already (programs/a), at most 1" in why(cases["programs/b"])
    assert [h.person for h in cases["programs/b"].holders] == [SARA]


async def test_of_many_at_once_as_many_as_there_are_places_get_one(trials: Trials) -> None:
    await trials.signed()
    opened = await asyncio.gather(
        *(trials.open(small(program=f"programs/t{number}")) for number in range(6))
    )
    assert sum(case.state == STANDS for case in opened) == 1


async def test_a_program_that_ends_frees_its_place(trials: Trials) -> None:
    await trials.signed()
    assert (await trials.open(small())).state == STANDS
    assert (await trials.open(small(program="programs/b"))).state != STANDS
    await trials.end("programs/trial")
    assert (await trials.open(small(program="programs/c"))).state == STANDS


async def test_a_revision_beyond_a_cap_goes_on_foot_and_frees_the_place(trials: Trials) -> None:
    await trials.signed()
    await trials.open(small())
    same = await trials.open(small(2, pilot_people=49))
    assert (same.round, same.state, same.revision) == (1, STANDS, 2)
    beyond = await trials.open(small(3, pilot_people=51))
    assert (beyond.round, beyond.state) == (2, gate_pb2.CASE_STATE_OPEN)
    assert why(beyond).endswith("people: 51 asked, at most 50")
    assert (await trials.open(small(program="programs/b"))).state == STANDS


async def test_what_is_of_another_class_is_told_nothing(trials: Trials) -> None:
    await trials.signed()
    case = await trials.open(small(audiences=("employees",)))
    assert (case.state, list(case.not_covered)) == (gate_pb2.CASE_STATE_OPEN, [])


@pytest.mark.parametrize(
    ("day", "said"),
    [(datetime(2027, 12, 1, tzinfo=UTC), "expired on 2027-12-01"), (None, "")],
)
async def test_it_covers_until_the_instant_of_its_last_day(
    trials: Trials, day: datetime | None, said: str
) -> None:
    await trials.signed()
    end = datetime(2027, 12, 1, tzinfo=UTC)
    trials.house.clock.set(day or end - timedelta(microseconds=1))
    case = await trials.open(small())
    assert (case.state == STANDS) is (day is None), why(case)
    assert said in why(case)


async def test_a_signer_who_has_left_covers_nothing_any_more(trials: Trials) -> None:
    await trials.signed()
    (ines,) = (one for one in halden.people() if one.name == INES)
    ines.active = False
    await trials.house.import_people(ines)
    case = await trials.open(small())
    assert case.state == gate_pb2.CASE_STATE_OPEN
    assert f"{INES}, who signed for IT, decides nothing any more" in why(case)


async def test_who_signed_for_the_money_does_not_carry_a_program_of_their_own(
    trials: Trials,
) -> None:
    await trials.signed()
    case = await trials.open(small(proposer=FAY))
    assert f"{FAY}, who signed for the money, stands on another side" in why(case)


async def test_a_trial_stands_as_long_as_it_may_last_and_is_not_renewed(trials: Trials) -> None:
    await trials.signed()
    case = await trials.open(small())
    until = wire.required_instant(case, "standing_until")
    assert until == trials.house.clock.now() + timedelta(days=14)
    trials.house.clock.set(until)
    again = await trials.open(small())
    assert (again.round, again.state) == (2, gate_pb2.CASE_STATE_OPEN)
    assert "its P14D are over" in why(again)


@pytest.mark.parametrize(
    ("person", "roles"), [(SARA, ()), (INES, ()), ("people/grace", ("governance",))]
)
async def test_a_signer_or_governance_revokes_it_at_once_and_what_runs_goes_on(
    trials: Trials, person: str, roles: tuple[str, ...]
) -> None:
    await trials.signed()
    case = await trials.open(small())
    revoked = await trials.revoke(person, *roles)
    assert revoked.state == pb.STANDING_DECISION_STATE_REVOKED
    assert (await trials.house.read(case)).gate_case.state == STANDS
    ended = (await trials.warrant(case.program)).standing_decision_ended
    assert f"revoked: by {person}" in ended, "the gates after it ask people"
    await trials.end(case.program)
    assert f"revoked: by {person}" in why(await trials.open(small(program="programs/b")))


async def test_a_stranger_does_not_revoke_it(trials: Trials) -> None:
    problem = await refused(trials.revoke(BEN))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")


async def test_a_revocation_that_was_answered_is_never_overtaken(
    trials: Trials, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trials.signed()
    held = Held(monkeypatch, StandingDecisionStore, "revoke")
    cases: list[gate_pb2.GateCase] = []

    async def opened() -> None:
        cases.append(await trials.open(small()))

    refusals = await in_order(held, lambda: trials.revoke(SARA), opened, database_url)
    assert refusals == ("", "")
    assert cases[0].state == gate_pb2.CASE_STATE_OPEN
    assert "revoked: by people/sara" in why(cases[0])


async def test_launchs_statement_of_an_incident_ends_it_even_where_nobody_has_told(
    trials: Trials,
) -> None:
    signed = await trials.signed()
    ref = StandingRef(SMALL, signed.digest)
    incident = StandingIncident(
        ref, "programs/other", "suspended: a leak", trials.house.clock.now()
    )
    case = await trials.open(small(), (incident,))
    assert case.state == gate_pb2.CASE_STATE_OPEN
    assert "an incident of programs/other (suspended: a leak)" in why(case)


async def test_an_incident_that_launch_signed_is_noted_once_and_nobody_elses_is(
    trials: Trials, database_url: str
) -> None:
    signed = await trials.signed()
    now = trials.house.clock.now()
    incident = StandingIncident(StandingRef(SMALL, signed.digest), "programs/x", "a leak", now)
    service = trials.of("workloads/launch", "service")
    for signer, refusal in (("budget", "STATEMENT_INVALID"), ("launch", ""), ("launch", "")):
        request = pb.NoteStandingIncidentRequest(
            request_id=new_request_id(),
            incident_statement=trials.house.realm.statements(signer).incident(incident),
        )
        if refusal:
            assert (await refused(service.NoteStandingIncident(request))).reason == refusal
        else:
            await service.NoteStandingIncident(request)
    read = await trials.read()
    assert read.state == pb.STANDING_DECISION_STATE_REVOKED
    assert "an incident of programs/x: a leak" in read.revoked
    told = "SELECT kind FROM event WHERE kind = 'standing_decision.revoked'"
    assert len(rows(database_url, told)) == 1
    (once,) = (await trials.open(small(), (incident,))).not_covered
    assert "an incident of programs/x: a leak" in once
