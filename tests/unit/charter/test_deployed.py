"""The charters and people that come with the product fit together."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict
from tests.unit.charter.small import ROOT

from investiture.charter.authority import candidates, review_approvals, tier_approvals
from investiture.charter.document import read
from investiture.charter.load import examine, load
from investiture.charter.model import Charter
from investiture.charter.ownership import escalation_chain
from investiture.charter.rules.organisation import people_of
from investiture.charter.timetable import timetable
from investiture.charter.typed import typed
from investiture.charter.vocabulary import Depth, Gate, Purpose, Side, Wait

CHARTERS = ROOT / "deploy" / "charters"
DEFAULT, DEMO = load(CHARTERS / "default.yaml"), load(CHARTERS / "demo.yaml")


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    name: str
    email: str
    unit: str | None
    grade: str
    active: bool
    manager: str | None
    guest_of: str | None = None


class Directory(BaseModel):
    model_config = ConfigDict(extra="forbid")

    people: list[Person]


LISTED = typed(read(ROOT / "deploy" / "examples" / "people.yaml"), Directory).people
PEOPLE = {person.id: person for person in LISTED}


@pytest.mark.parametrize("name", ["default", "demo"])
def test_the_charters_have_no_finding(name: str) -> None:
    assert examine(CHARTERS / f"{name}.yaml").findings == ()


def test_the_default_charter_has_the_units_of_a_believable_enterprise() -> None:
    """domain.md: HR, Legal, PR, Support, Marketing, Sales, Product, Finance and IT."""
    named = {"hr", "legal", "pr", "support", "marketing", "sales", "product", "finance", "it"}
    assert named <= {unit.id for unit in DEFAULT.units}
    assert {unit.side for unit in DEFAULT.units} == set(Side)


def test_the_default_agreed_time_is_three_business_days() -> None:
    """domain.md, "Time": defaults."""
    assert {str(DEFAULT.sla(gate).duration) for gate in Gate} == {"P3D"}


def plain(charter: Charter) -> dict[str, Any]:
    data = charter.model_dump(mode="json")
    for only_here in ("id", "title", "calendars", "slas", "freeze_windows", "warrant_validity"):
        del data[only_here]
    del data["emergency"]["review"]
    del data["standing_decisions"], data["benefit_reviews"], data["launch"]["heartbeat"]
    del data["review"]["appeal_window"]
    del data["sponsorship"]["reattestation"], data["sponsorship"]["input_window"]
    return data


def test_the_demo_charter_differs_in_its_clock_and_its_trial_lane_only() -> None:
    assert plain(DEMO) == plain(DEFAULT)


def test_the_demo_shows_an_overdue_decision_within_seconds() -> None:
    opened = DEFAULT.freeze_windows[0].starts
    for wait in Wait:
        table = timetable(DEMO, wait, opened)
        limit = {"PLEDGE": 9, "CHANGES": 45}.get(wait, 30)
        assert (table.second_at - opened).total_seconds() == limit
    assert DEMO.freeze_windows == ()


def test_nobody_is_listed_twice() -> None:
    assert len(PEOPLE) == len(LISTED)
    assert len({person.email for person in LISTED}) == len(LISTED)
    assert len({person.name for person in LISTED}) == len(LISTED)


def test_everybody_in_the_charter_works_here() -> None:
    for person in people_of(DEFAULT):
        assert PEOPLE[person].active, person
        assert PEOPLE[person].unit is not None


def test_heads_and_deputies_belong_to_their_units() -> None:
    for unit in DEFAULT.units:
        assert PEOPLE[unit.head].unit == unit.id
        assert unit.deputy is not None
        assert PEOPLE[unit.deputy].unit == unit.id


def managers(person: Person) -> Iterator[str]:
    while person.manager is not None:
        yield person.manager
        person = PEOPLE[person.manager]


def test_everybody_has_a_grade_a_unit_and_a_line_to_the_top() -> None:
    for person in LISTED:
        DEFAULT.grade(person.grade)
        if person.unit is None:
            assert person.guest_of
            assert DEFAULT.grade(person.grade).limits == {}
        else:
            DEFAULT.unit(person.unit)
            assert [person.id, *managers(person)][-1] == "people/ada"


def test_there_is_a_guest_from_an_agency() -> None:
    assert [person.id for person in LISTED if person.guest_of == "Brightside"] == ["people/zoe"]


def grade_covers(person: str, purpose: Purpose, total_minor: int) -> bool:
    return DEFAULT.grade(PEOPLE[person].grade).covers(purpose, total_minor)


def test_the_last_level_of_a_tier_has_authority_over_all_of_it() -> None:
    for tier in DEFAULT.funding_tiers:
        most = 2**62 if tier.to_minor is None else tier.to_minor - 1
        for person in candidates(DEFAULT, tier_approvals(tier)[-1]):
            assert grade_covers(person, Purpose.FUND, most), (tier, person)


def test_reviewers_have_authority_over_what_triage_sends_them() -> None:
    """DEEP starts where much money does; below it one reviewer's own limit has to reach."""
    much = next(r.amount_from_minor for r in DEFAULT.triage.rules if r.id == "much-money")
    assert much is not None
    for depth in (Depth.LIGHT, Depth.STANDARD):
        for approval in review_approvals(DEFAULT, depth):
            for person in candidates(DEFAULT, approval):
                assert grade_covers(person, Purpose.KNIGHT, much - 1)


def test_every_business_head_can_sponsor_something() -> None:
    for unit in DEFAULT.units:
        if unit.side is Side.BUSINESS:
            assert grade_covers(unit.head, Purpose.PLEDGE, 50_000_00)


def test_the_three_sides_share_nobody_below_the_top() -> None:
    """architecture.md, law 7. The committee's chiefs may do either; a service checks each case."""
    money = {
        person
        for tier in DEFAULT.funding_tiers
        for approval in tier.approvals
        for person in candidates(DEFAULT, approval)
    }
    reviewers = {
        person
        for depth in Depth
        for approval in review_approvals(DEFAULT, depth)
        for person in candidates(DEFAULT, approval)
    }
    assert {PEOPLE[person].unit for person in reviewers} <= {"it", "it-security"}
    assert {PEOPLE[person].unit for person in money} <= {"finance", "executive"}


def test_every_unit_has_somebody_to_ask_besides_governance() -> None:
    for unit in DEFAULT.units:
        chain = escalation_chain(DEFAULT, unit.id)
        assert len([holder for holder in chain if holder.role != "governance"]) >= 2
        assert [holder.person for holder in chain][-2:] == ["people/grace", "people/gus"]
        for holder in chain:
            assert holder.person in PEOPLE


def test_go_is_asked_of_people_who_may_say_it() -> None:
    for approval in DEFAULT.launch.go_roles:
        for person in candidates(DEFAULT, approval):
            assert grade_covers(person, Purpose.GO, 0)
