"""An appeal against a decline: once, in its time, to the nearest person above both sides."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.facts import NOW, open_case, revision
from tests.support.halden import charter

from investiture.casework import appeals
from investiture.casework import case as cases
from investiture.casework.case import Case, DueStep, Holder
from investiture.casework.facts import Appeal, Gap
from investiture.casework.openings import Kept, Tolerance, reopen
from investiture.casework.words import AppealOutcome, CaseState, Gate, Step
from investiture.charter import timetable as dates
from investiture.charter.duration import Duration
from investiture.chassis.refusal import Denied, PreconditionFailed

PIA, SAM, ADA, OTTO = "people/pia", "people/sam", "people/ada", "people/otto"
GRACE, GUS, EVE = "people/grace", "people/gus", "people/eve"
HOUR = timedelta(hours=1)
GAP = Gap("abuse", "none", "much", "moderate")
TABLE = dates.appeal_timetable(charter(), "KNIGHT", NOW)
assert TABLE is not None
UNTIL = TABLE.overdue_at


def declined(case: Case | None = None) -> Case:
    before = case or open_case(revision(), Gate.KNIGHT)
    after = cases.decline(before, [GAP], NOW, "price: 90,000 EUR")
    return appeals.may_be_appealed(after, [SAM], TABLE)


def made(line: tuple[str, ...] = (ADA,)) -> Appeal:
    return Appeal(SAM, "the forum is moderated", (), NOW + HOUR, ("people/ines",), line)


def appealed() -> Case:
    table = dates.timetable(charter(), "KNIGHT", NOW + HOUR)
    after = appeals.appealed(declined(), made(), table, NOW + HOUR)
    return cases.with_holders(after, [Holder(ADA, cases.ARBITER, NOW + HOUR)])


def decided(outcome: AppealOutcome) -> Case:
    return appeals.decided(appealed(), outcome, ADA, "it was tested", NOW + 2 * HOUR)


def legs(error: pytest.ExceptionInfo[PreconditionFailed]) -> Sequence[str]:
    assert all(leg.remedy for leg in error.value.legs)
    return [leg.type for leg in error.value.legs]


def test_a_decline_waits_for_its_proposer_and_sponsors_until_the_window_ends() -> None:
    case = declined()
    assert (case.appeal_open, case.in_hands, case.no_eligible_holder) == (True, True, False)
    assert [(h.person, h.role) for h in case.holders] == [(PIA, "proposer"), (SAM, "sponsor")]
    assert case.appealable_until == UNTIL
    own = appeals.may_be_appealed(cases.decline(case, [GAP], NOW), [PIA, SAM], TABLE)
    assert [h.person for h in own.holders] == [PIA, SAM], "who is both holds it once"


def test_the_window_is_business_time_of_the_gates_calendar() -> None:
    """Five business days after Monday 2027-01-04, 04:00 in New York."""
    assert UNTIL.isoformat() == "2027-01-11T14:00:00+00:00"


@pytest.mark.parametrize("window", [None, Duration(), Duration.parse("PT0S")])
def test_without_a_window_a_decline_is_final_at_once(window: Duration | None) -> None:
    review = charter().review.model_copy(update={"appeal_window": window})
    table = dates.appeal_timetable(charter().model_copy(update={"review": review}), "KNIGHT", NOW)
    case = appeals.may_be_appealed(cases.decline(open_case(revision()), [GAP], NOW), [SAM], table)
    assert (case.appeal_open, case.in_hands, case.holders) == (False, False, ())
    with pytest.raises(PreconditionFailed) as error:
        appeals.require_appealable(case, NOW)
    assert legs(error) == ["APPEAL_WINDOW"]


def test_a_later_decline_is_final() -> None:
    again = replace(
        open_case(revision(), Gate.KNIGHT, 2), appeal=decided(AppealOutcome.GRANTED).appeal
    )
    case = declined(again)
    assert not case.appeal_open
    with pytest.raises(PreconditionFailed) as error:
        appeals.require_appealable(case, NOW)
    assert legs(error) == ["APPEALED_BEFORE"]
    assert "was granted" in error.value.legs[0].description


def test_it_is_appealed_once_and_in_time() -> None:
    appeals.require_appealable(declined(), UNTIL - HOUR)
    with pytest.raises(PreconditionFailed) as late:
        appeals.require_appealable(declined(), UNTIL)
    assert legs(late) == ["APPEAL_WINDOW"]
    with pytest.raises(PreconditionFailed) as second:
        appeals.require_appealable(appealed(), NOW + HOUR)
    assert legs(second) == ["APPEALED_BEFORE"]
    with pytest.raises(PreconditionFailed) as early:
        appeals.require_appealable(open_case(revision()), NOW)
    assert legs(early) == ["STATE"]


def test_only_who_proposed_or_sponsors_it_appeals() -> None:
    for person in (PIA, SAM):
        appeals.require_party(declined(), [SAM], person)
    with pytest.raises(Denied, match="people/pia, people/sam may"):
        appeals.require_party(declined(), [SAM], ADA)


STEPS = (Step.NUDGE, Step.WARN, Step.OVERDUE, Step.SECOND)


def step(recorded: int) -> DueStep:
    assert TABLE is not None
    at = (TABLE.nudge_at, TABLE.warn_at, TABLE.overdue_at, TABLE.second_at)
    return DueStep(STEPS[recorded], at[recorded], recorded)


def test_a_window_that_runs_is_reminded_of_and_adds_nobody() -> None:
    case, taken = appeals.awaited(declined(), UNTIL - HOUR, step)
    assert [one.step for one in taken] == [Step.NUDGE, Step.WARN]
    assert case.appeal_open
    assert [h.person for h in case.holders] == [PIA, SAM]


@pytest.mark.parametrize("late", [timedelta(), 30 * 24 * HOUR])
def test_a_window_that_has_passed_makes_the_decline_final(late: timedelta) -> None:
    now = UNTIL + late
    case, taken = appeals.awaited(declined(), now, step)
    assert [one.step for one in taken] == [Step.NUDGE, Step.WARN, Step.OVERDUE]
    assert {one.recorded_at for one in taken} == {now}
    assert (case.state, case.appeal_open, case.holders) == (CaseState.DECLINED, False, ())
    assert case.reason == "price: 90,000 EUR; not appealed until 2027-01-11 14:00 UTC"
    assert case.waited_ms == (now - NOW) // timedelta(milliseconds=1)


def test_who_may_appeal_may_accept() -> None:
    case = appeals.accepted(declined(), SAM, NOW + HOUR)
    assert (case.state, case.appeal_open) == (CaseState.DECLINED, False)
    assert case.reason == "price: 90,000 EUR; accepted by people/sam"


def test_an_appeal_waits_for_its_answer_as_any_decision_does() -> None:
    case = appealed()
    assert (case.pending, case.appeal_open, case.appealable_until) == (True, True, None)
    assert case.waiting_since == NOW + HOUR
    assert case.waited_ms == HOUR // timedelta(milliseconds=1)
    assert cases.with_holders(case, ()).no_eligible_holder, "nobody to answer is an alarm"


def test_an_upheld_decline_is_final_with_both_names() -> None:
    case = decided(AppealOutcome.UPHELD)
    assert (case.state, case.appeal_open, case.holders) == (CaseState.DECLINED, False, ())
    assert case.reason.endswith("appeal of people/sam upheld by people/ada: it was tested")
    assert appeals.barred(case) == frozenset()
    later = revision(2, controls=("moderation",))
    kept = reopen(case, later, Gate.KNIGHT, Tolerance(frozenset()), NOW + 3 * HOUR)
    assert kept == Kept(case, changed=False)


def test_a_granted_appeal_sets_the_decline_aside_and_bars_who_declined_and_who_granted() -> None:
    case = decided(AppealOutcome.GRANTED)
    assert (case.state, case.appeal_open, case.in_hands) == (CaseState.VOIDED, False, False)
    assert appeals.barred(case) == {"people/ines", ADA}
    appeals.require_others(case, ["people/ralf"])
    with pytest.raises(PreconditionFailed) as error:
        appeals.require_others(case, ["people/ralf", "people/ines"])  # in whose name counts too
    assert [leg.subject for leg in error.value.legs] == ["people/ines"]


def test_there_is_nothing_to_decide_without_an_appeal_or_twice() -> None:
    for case in (declined(), decided(AppealOutcome.UPHELD), decided(AppealOutcome.GRANTED)):
        with pytest.raises(PreconditionFailed) as error:
            appeals.decided(case, AppealOutcome.GRANTED, ADA, "again", NOW + 3 * HOUR)
        assert legs(error) == ["APPEAL"]


@pytest.mark.parametrize(
    ("superiors", "took_part", "line"),
    [
        ([["people/sara", ADA], ["people/ivan", ADA]], [], (ADA,)),
        ([["people/h", OTTO, ADA], ["people/i", OTTO, ADA]], [], (OTTO, ADA)),
        ([["people/h", OTTO, ADA], ["people/i", OTTO, ADA]], [OTTO], (ADA,)),
        ([["people/sara", ADA], ["people/ivan", ADA]], [ADA], (GRACE, GUS)),
        ([["people/sara", ADA], ["people/ivan", ADA], []], [], (GRACE, GUS)),
        ([[], ["people/ivan", ADA]], [GRACE], (GUS,)),
        ([], [GRACE, GUS], ()),
    ],
    ids=["above", "nearest", "who-took-part", "above-took-part", "at-the-top", "deputy", "nobody"],
)
def test_the_nearest_above_both_decides_else_governance(
    superiors: Sequence[Sequence[str]], took_part: Sequence[str], line: tuple[str, ...]
) -> None:
    assert appeals.line_of(charter(), superiors, took_part) == line


def test_who_countersigns_from_outside_decides_where_governance_took_part_too() -> None:
    outside = charter().model_copy(update={"countersigner": EVE})
    assert appeals.line_of(outside, [[]], [GRACE, GUS]) == (EVE,)
    assert appeals.line_of(outside, [[]], [GRACE, GUS, EVE]) == ()
