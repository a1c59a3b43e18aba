"""What may happen to a program, when, and by whom."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.facts import revision
from tests.support.programs import PROPOSER, SPONSOR, content

from investiture.casework.words import Gate, Outcome
from investiture.chassis.refusal import Denied, PreconditionFailed, Refusal, Stale
from investiture.launch.domain import programs as rules
from investiture.launch.domain.programs import WALKING, Program, ProgramState
from investiture.launch.wire import content_of

NOW = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
DRAFT = Program("programs/community", PROPOSER, content_of(content()), created_at=NOW)
ON_PATH = rules.submit(DRAFT, NOW)
PILOTING = replace(ON_PATH, state=ProgramState.PILOTING)
LAUNCHED = replace(ON_PATH, state=ProgramState.LAUNCHED, launched_at=NOW)
ENDED = rules.end(ON_PATH, Outcome.WITHDRAWN, PROPOSER, "not now", NOW)


def reason(refusing: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(Refusal) as refused:
        refusing(*arguments, **named)
    return refused.value.reason


def test_a_draft_is_submitted_once() -> None:
    assert (ON_PATH.state, ON_PATH.revision, ON_PATH.submitted_at) == (ProgramState.ON_PATH, 1, NOW)
    assert reason(rules.submit, ON_PATH, NOW) == "WRONG_STATE"
    assert reason(rules.submit, ENDED, NOW) == "PROGRAM_ENDED"


def test_a_revision_goes_on_with_the_pilot_or_starts_it_again() -> None:
    other = content_of(content(title="Another title"))
    going_on = rules.revise(PILOTING, other, NOW, pilot_goes_on=True)
    assert (going_on.state, going_on.revision) == (ProgramState.PILOTING, 2)
    again = rules.revise(PILOTING, other, NOW, pilot_goes_on=False)
    assert again.state is ProgramState.ON_PATH
    for program in (DRAFT, LAUNCHED):
        assert reason(rules.revise, program, other, NOW, pilot_goes_on=True) == "WRONG_STATE"


def test_a_wrong_state_names_the_state_and_the_remedy() -> None:
    with pytest.raises(PreconditionFailed) as refused:
        rules.require_state(LAUNCHED, *WALKING)
    (leg,) = refused.value.legs
    assert leg.description == "the program is launched, not on path or piloting"
    assert "suspend it" in leg.remedy


def test_only_the_proposer_changes_a_program() -> None:
    rules.require_proposer(DRAFT, PROPOSER)
    assert reason(rules.require_proposer, DRAFT, SPONSOR) == "NOT_A_HOLDER"


def test_an_etag_is_of_one_edition_and_no_nudge_changes_it() -> None:
    rules.check_etag(DRAFT, DRAFT.etag)
    rules.check_etag(replace(DRAFT, version=7), DRAFT.etag)
    with pytest.raises(Stale) as stale:
        rules.check_etag(replace(DRAFT, edition=2), DRAFT.etag)
    assert stale.value.current_etag == replace(DRAFT, edition=2).etag


def test_a_draft_that_is_withdrawn_is_settled_at_once_because_nobody_was_asked() -> None:
    assert rules.end(DRAFT, Outcome.WITHDRAWN, PROPOSER, "no", NOW).settled
    assert not ENDED.settled


def test_an_end_says_who_how_and_why() -> None:
    ending = rules.ending_of(ENDED)
    assert (ending.outcome, ending.decided_by, ending.reason) == (
        Outcome.WITHDRAWN,
        PROPOSER,
        "not now",
    )
    assert (ending.revision, ending.ended_at) == (1, NOW)
    assert reason(rules.ending_of, ON_PATH) == "WRONG_STATE"


@pytest.mark.parametrize(
    ("program", "beats"),
    [
        (DRAFT, False),
        (ON_PATH, True),
        (PILOTING, True),
        (LAUNCHED, True),
        (ENDED, True),
        (replace(ENDED, settled=True), False),
    ],
)
def test_a_heart_beats_from_the_submission_until_nothing_is_held(
    program: Program, beats: bool
) -> None:
    assert program.beats is beats


@pytest.mark.parametrize("program", [ON_PATH, PILOTING, LAUNCHED])
def test_a_suspended_program_runs_again_once_two_people_agreed(program: Program) -> None:
    stopped = rules.suspend(program, "people/omar", "a leak", NOW)
    assert stopped.suspended
    assert reason(rules.require_not_suspended, stopped) == "PROGRAM_SUSPENDED"
    once = rules.resume(stopped, "people/omar")
    assert once.suspended, "who suspended may agree, and is one of the two"
    assert reason(rules.resume, once, "people/omar") == "WRONG_STATE"
    running = rules.resume(once, "people/lena")
    assert not running.suspended
    assert running.state is program.state
    rules.require_not_suspended(running)
    assert running.suspension is not None
    assert running.suspension.people == ("people/omar", "people/omar", "people/lena")


def test_a_program_is_suspended_once_and_resumed_only_then() -> None:
    stopped = rules.suspend(ON_PATH, "people/omar", "a leak", NOW)
    assert reason(rules.suspend, stopped, "people/lena", "too", NOW) == "WRONG_STATE"
    assert reason(rules.resume, ON_PATH, "people/lena") == "WRONG_STATE"
    assert reason(rules.suspend, DRAFT, "people/lena", "no", NOW) == "WRONG_STATE"
    assert reason(rules.suspend, ENDED, "people/lena", "no", NOW) == "PROGRAM_ENDED"


def test_a_second_suspension_counts_its_own_agreements() -> None:
    stopped = rules.suspend(ON_PATH, "people/omar", "a leak", NOW)
    running = rules.resume(rules.resume(stopped, "people/omar"), "people/lena")
    again = rules.suspend(running, "people/lena", "another", NOW + timedelta(days=1))
    assert again.suspension is not None
    assert again.suspension.people == ("people/lena",)


def test_any_on_call_may_stop_a_program_and_only_its_own_sponsor() -> None:
    any_of = ("on-call", "legal")
    rules.require_responder(ON_PATH, "people/omar", frozenset({"on-call"}), any_of)
    rules.require_responder(ON_PATH, SPONSOR, frozenset({"sponsor"}), any_of)
    sponsor = frozenset({"sponsor"})
    with pytest.raises(Denied):
        rules.require_responder(ON_PATH, "people/mira", sponsor, any_of)


def test_nobody_decides_on_what_was_revised_meanwhile() -> None:
    newest = revision(2, pilot_plan="100 customers")
    rules.require_current(PILOTING, newest, Gate.PILOT, newest.gate_digest(Gate.PILOT))
    seen = revision().gate_digest(Gate.PILOT)
    assert reason(rules.require_current, PILOTING, newest, Gate.PILOT, seen) == (
        "REVISION_SUPERSEDED"
    )
