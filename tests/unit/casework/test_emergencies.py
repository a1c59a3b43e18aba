"""The pure rules of the emergency path: who may speak, how long it stands, how it reads."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support import halden
from tests.support.emergencies import BEN, DECLARED, OTTO, SARA, urgent
from tests.support.facts import NOW, open_case

from investiture.casework import case as cases
from investiture.casework import emergencies as rules
from investiture.casework.case import Case, Holder
from investiture.casework.facts import Authority, Revision
from investiture.casework.statements import warrant_for
from investiture.casework.words import Basis, CaseState, Gate, Side, Verdict
from investiture.charter.duration import Duration
from investiture.charter.policy import EmergencyPath
from investiture.chassis.refusal import Denied, PreconditionFailed

DAYS = timedelta(hours=72)
CHARTER = halden.charter()
HOLDER = Holder("people/vera", "endorser", NOW, "units/sales")


def path(**changes: Any) -> EmergencyPath:
    assert CHARTER.emergency is not None
    return CHARTER.emergency.model_copy(update=changes)


def urgent_case(gate: Gate = Gate.PLEDGE, **changes: Any) -> Case:
    case = replace(open_case(urgent(**changes), gate), emergency=DECLARED)
    return cases.with_holders(case, (HOLDER,))


def person(name: str, side: Side | None = Side.BUSINESS) -> Authority:
    return Authority(name, True, side, "units/support", "vp", None, "EUR", True, NOW)


def spoken(case: Case, *names: str) -> Case:
    for name in names:
        until = rules.runs_out(path(), NOW, None)
        case = rules.voiced(case, person(name), "it cannot wait", NOW, until)
    return case


def test_one_voice_decides_nothing_and_two_stand_until_the_very_instant() -> None:
    one = spoken(urgent_case(), SARA)
    assert not rules.in_force(one, NOW)
    two = spoken(one, OTTO)
    assert rules.in_force(two, NOW + DAYS - timedelta(microseconds=1))
    assert not rules.in_force(two, NOW + DAYS)


def test_it_reads_as_standing_and_is_still_in_the_hands_of_who_decide_it() -> None:
    case = spoken(urgent_case(), SARA, OTTO)
    read = rules.shown(case, NOW)
    assert (read.state, read.basis, read.verdict) == (
        CaseState.STANDING,
        Basis.EMERGENCY,
        Verdict.PLEDGED,
    )
    assert (read.standing_until, read.holders) == (NOW + DAYS, (HOLDER,))
    assert case.state is CaseState.OPEN, "what is stored waits for its ordinary decision"
    assert rules.shown(case, NOW + DAYS) == case


def test_whatever_is_decided_as_usual_takes_its_place() -> None:
    made = spoken(urgent_case(), SARA, OTTO)
    for case in (
        cases.decide(made, Verdict.PLEDGED, NOW, validity=None),
        cases.decline(made, (), NOW),
        cases.request_changes(made, (), made.timetable, NOW),
        cases.void(made, NOW, "false alarm"),
        cases.supersede(made, NOW),
    ):
        assert not rules.in_force(case, NOW), case.state
        assert rules.shown(case, NOW) == case


def test_who_decided_provisionally_stands_behind_the_full_warrant_too() -> None:
    provisional = spoken(urgent_case(), SARA, OTTO)
    warrant = warrant_for(provisional, NOW)
    assert (warrant.basis, warrant.standing_until) == (Basis.EMERGENCY, NOW + DAYS)
    full = cases.decide(provisional, Verdict.PLEDGED, NOW, validity=None)
    assert warrant_for(full, NOW).people == {SARA, OTTO}
    with pytest.raises(PreconditionFailed):
        warrant_for(provisional, NOW + DAYS)
    half = spoken(urgent_case(), SARA)
    unused = cases.decide(half, Verdict.PLEDGED, NOW, validity=None)
    assert warrant_for(unused, NOW).emergency is None, "the pledge was in time after all"


@pytest.mark.parametrize(
    ("stands", "bound", "until"),
    [
        (Duration(milliseconds=3_600_000), None, timedelta(hours=1)),
        (Duration(days=9), None, DAYS),
        (Duration(days=3), timedelta(hours=5), timedelta(hours=5)),
        (Duration(days=3), timedelta(days=30), DAYS),
    ],
)
def test_it_never_stands_longer_than_three_days(
    stands: Duration, bound: timedelta | None, until: timedelta
) -> None:
    given = None if bound is None else NOW + bound
    assert rules.runs_out(path(stands=stands), NOW, given) == NOW + until


COUNTERSIGN = set(path().countersigners)


@pytest.mark.parametrize(
    ("case", "said", "named"),
    [
        (urgent_case(), (), {SARA} | COUNTERSIGN),
        (urgent_case(), (SARA,), COUNTERSIGN - {SARA}),
        (urgent_case(), (OTTO,), {SARA}),
        (
            urgent_case(proposer=OTTO),
            (SARA,),
            COUNTERSIGN - {SARA, OTTO},
        ),
        (urgent_case(proposer=SARA), (OTTO,), {SARA}),  # who proposes may sponsor it as well
        (
            urgent_case(Gate.FUND),
            ("people/fay",),
            set(path().fund) - {"people/fay"},
        ),
        (urgent_case(Gate.KNIGHT), (), set(path().knight)),
    ],
)
def test_who_may_speak_next(case: Case, said: Sequence[str], named: set[str]) -> None:
    assert set(rules.seats(path(), spoken(case, *said))) == named


def test_who_closes_reviews_decides_nothing_whatever_the_charter_says() -> None:
    closers = path(closers=(OTTO,))
    charter = CHARTER.model_copy(update={"emergency": closers})
    with pytest.raises(Denied):
        rules.require_seat(charter, closers, urgent_case(), person(OTTO))
    rules.require_seat(CHARTER, path(), urgent_case(), person(OTTO))


def test_who_has_changed_sides_decides_nothing() -> None:
    with pytest.raises(PreconditionFailed, match="stands on side MONEY"):
        rules.require_seat(CHARTER, path(), urgent_case(), person(OTTO, Side.MONEY))


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        (OTTO, {}, ""),
        (OTTO, {"active": False}, "decides nothing any more"),
        (OTTO, {"guest": True}, "decides nothing any more"),
        (OTTO, {"side": Side.MONEY}, "is not of side BUSINESS any more"),
        (OTTO, {"unlimited": False}, ""),
        (SARA, {"unlimited": False}, "does not reach any more"),
    ],
)
def test_who_carries_a_provisional_decision_has_to_be_able_to(
    name: str, changes: dict[str, Any], why: str
) -> None:
    said = rules.unfit(urgent_case(), replace(person(name), **changes))
    assert said.endswith(why)
    assert bool(said) is bool(why)


def test_the_caps_hold_at_the_cap_and_not_one_beyond() -> None:
    assert rules.exceeded(path(), urgent(), "EUR") == ()
    beyond: list[Revision] = [
        urgent(amount_minor=100_000_01),
        urgent(exposure_bps=5_001),
        urgent(currency="USD"),
        urgent(envelope=""),
        urgent(counter_sponsor=BEN),
    ]
    assert [len(rules.exceeded(path(), facts, "EUR")) for facts in beyond] == [1] * len(beyond)


def test_an_emergency_is_decided_while_it_is_young_and_once() -> None:
    case, last = urgent_case(), NOW + DAYS - timedelta(microseconds=1)
    rules.require_possible(CHARTER, case, last)
    none = CHARTER.model_copy(update={"emergency": None})
    for charter, refused, at in (
        (none, case, NOW),
        (CHARTER, replace(case, emergency=None), NOW),
        (CHARTER, case, NOW + DAYS),
        (CHARTER, spoken(case, SARA, OTTO), NOW),
        (CHARTER, cases.void(case, NOW, "no"), NOW),
    ):
        with pytest.raises(PreconditionFailed):
            rules.require_possible(charter, refused, at)
