"""The fourth and the fifth story: a trial by a standing decision, and one beyond its only place."""

import re
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.api.governance.v1 import standing_decisions_pb2 as pb
from investiture.api.governance.v1.standing_decisions_pb2_grpc import StandingDecisionServiceStub
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.cli.demo.people import Person
from investiture.cli.demo.stage import WATCHER, Stage
from investiture.cli.demo.story import Story, case_of, story
from investiture.cli.demo.warrants import collect
from investiture.cli.output import gate_word, short, verdict_word
from investiture.cli.paths import case_remarks, trial_remarks

TITLE = "Fifty customers try it, by a standing decision"
TWIN_TITLE = "The same once more, beyond its only place"
FILE = "community-trial.yaml"
TWIN = "community-trial-2"
DECISION = "small-trials"
_GATES = (gate_pb2.GATE_PLEDGE, gate_pb2.GATE_FUND, gate_pb2.GATE_KNIGHT)
_TERM = re.compile(r"valid_from: \S+\n    expires: \S+\n    caps:")
_TODAY = "valid_from: {}\n    expires: {}\n    caps:"
_SIDES = {
    gate_pb2.SIDE_BUSINESS: "the business",
    gate_pb2.SIDE_MONEY: "the money",
    gate_pb2.SIDE_IT: "IT",
}
_DAYS = timedelta(days=360)
_OBSERVED = "41 % of the fifty answered a question"


def dated_today(charter: Path, folder: Path) -> Path:
    """Write the charter with a standing decision of today: one expires within twelve months."""
    today = datetime.now(UTC).date()
    term = _TODAY.format(today - timedelta(days=1), today + _DAYS)
    text, found = _TERM.subn(term, charter.read_text())
    if found != 1:
        raise ValueError(f"{charter} has {found} standing decisions; the demo plays with one")
    dated = folder / charter.name
    dated.write_text(text)
    return dated


async def plays(stage: Stage) -> list[Story]:
    """Signed in advance, passed while one watches; an identical one is told why it does not."""
    ben = Person(stage, "ben")
    first = await _passes(stage, ben)
    twin = await _is_told_why(stage, ben, first)
    return [first, twin]


async def _passes(stage: Stage, ben: Person) -> Story:
    async with story(stage, 4, TITLE, FILE) as told:
        await _is_signed(stage, told)
        began = time.monotonic()
        await ben.submits(told)
        await told.until("three gates to stand, and nobody to be asked", _through)
        seconds = time.monotonic() - began
        for gate in _GATES:
            case = told.case(gate)
            told.expect(
                f"{gate_word(gate)} by {DECISION}",
                case.standing_decision.id == DECISION
                and case.basis == gate_pb2.BASIS_STANDING_DECISION,
                case.reason,
            )
            who = ", ".join(short(one.person) for one in case.deciders)
            told.tell(f"{gate_word(gate)} {verdict_word(case.verdict)}, {who}: {case.reason}")
        said = " and ".join((", ".join(gate_word(g) for g in _GATES[:2]), gate_word(_GATES[2])))
        told.tell(f"{said} by standing decision {DECISION}, in {seconds:.1f} s.", "bold")
        await collect(told, *_GATES)
    return told


async def _is_told_why(stage: Stage, ben: Person, first: Story) -> Story:
    async with story(stage, 5, TWIN_TITLE, FILE, TWIN) as told:
        await ben.submits(told)
        case = await told.opens(gate_pb2.GATE_PLEDGE)
        for why in case.not_covered:
            told.tell(f"  {why}", "yellow")
        full = any("concurrent: 1 under it already" in why for why in case.not_covered)
        told.expect("the case to say why it goes on foot", full, list(case.not_covered))
        await Person(stage, "sara").pledges(told)
        await told.opens(gate_pb2.GATE_FUND)
        by_people = told.case(gate_pb2.GATE_PLEDGE).basis == gate_pb2.BASIS_DECISION
        told.expect("people to have decided", by_people)
        await collect(told, gate_pb2.GATE_PLEDGE)
        await ben.withdraws(told, "one trial at a time is enough")
        await told.ends(statements_pb2.OUTCOME_WITHDRAWN)

        first.watch()
        await _shows_what_it_showed(ben, first)
        left = list((await _decision(stage)).programs)
        told.expect("its place to be free again", not left, left)
        await ben.withdraws(first, "all customers at once is a project of its own")
        await first.ends(statements_pb2.OUTCOME_WITHDRAWN)
        await first.stop_watching()
    return told


async def _shows_what_it_showed(ben: Person, first: Story) -> None:
    """Once everybody is to have it, people are asked, and see what the trial showed."""
    await first.opens(gate_pb2.GATE_PILOT)
    await ben.ends_pilot(first, _OBSERVED)
    await ben.revises(first, _for_everybody, "all customers, after what the trial showed")
    case = await first.opens(gate_pb2.GATE_PLEDGE, 2)
    runs = case.trial_runs
    shown = len(runs) == 1 and list(runs[0].observations) == [_OBSERVED]
    first.expect("who is asked now to see what the trial showed", shown, list(runs))
    for line in (*case_remarks(case), *trial_remarks(runs)):
        first.tell(line.plain, "cyan")


def _for_everybody(content: launch_pb.ProgramContent) -> None:
    content.exposure_bps = 10_000
    content.pilot_plan.people, content.pilot_plan.exposure_bps = 500, 1_000


async def _is_signed(stage: Stage, told: Story) -> None:
    """Sponsor, fund owner and knight sign the text that the charter has."""
    decision = await _decision(stage)
    told.tell(
        f"Standing decision {decision.id}: at most {decision.most_people} people, "
        f"{decision.longest}, {decision.most_programs} at a time."
    )
    for asked in decision.signatures:
        stub = StandingDecisionServiceStub(stage.channel("sponsorship", asked.person))
        decision = await stub.SignStandingDecision(
            pb.SignStandingDecisionRequest(
                request_id=str(uuid.uuid4()), id=decision.id, digest=decision.digest
            )
        )
        told.tell(f"{stage.display_name(asked.person)} signs it for {_SIDES[asked.side]}.")
    in_force = decision.state == pb.STANDING_DECISION_STATE_IN_FORCE
    told.expect("it to be in force with the third signature", in_force, decision.state)


async def _decision(stage: Stage) -> pb.StandingDecision:
    stub = StandingDecisionServiceStub(stage.channel("sponsorship", WATCHER))
    every: Sequence[pb.StandingDecision] = (
        await stub.ListStandingDecisions(pb.ListStandingDecisionsRequest())
    ).standing_decisions
    return next(one for one in every if one.id == DECISION)


def _through(path: launch_pb.Path) -> bool:
    return all(case_of(path, gate).state == gate_pb2.CASE_STATE_STANDING for gate in _GATES)
