"""Which revisions a standing decision covers: each cap at its value and one beyond it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.facts import NOW, open_case
from tests.support.lanes import BEN, FAY, INES, SARA, decision, lane_document, small

from investiture.casework import trial_lane
from investiture.casework.facts import (
    Authority,
    Evidence,
    Interest,
    StandingIncident,
    StandingRef,
    Warrant,
)
from investiture.casework.openings import Fresh, Kept, Tolerance, reopen
from investiture.casework.words import Basis, Gate, Side, Verdict
from investiture.charter.load import load_text

CHARTER = load_text(lane_document(), "the test's charter")
(SIGNED,) = CHARTER.standing_decisions
REF = trial_lane.ref_of(CHARTER, SIGNED)
MICROSECOND = timedelta(microseconds=1)


def exceeded(**changes: Any) -> tuple[str, ...]:
    return trial_lane.exceeded(SIGNED, small(**changes), "EUR")


def test_a_program_at_every_cap_is_within_them() -> None:
    assert exceeded() == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pilot_people": 51}, "people: 51 asked, at most 50"),
        ({"pilot_people": 0}, "people: no number asked, at most 50"),
        ({"exposure_bps": 101}, "exposure: 101 basis points asked, at most 100"),
        ({"pilot_days": 15}, "days: 15 asked, at most P14D"),
        ({"pilot_days": 0}, "days: no number asked, at most P14D"),
        ({"trial_minor": 1_999_99}, "all of it has to be"),
        ({"currency": "USD"}, "money: "),
        ({"sponsor": BEN}, "sponsor: people/ben named, people/sara signed it"),
        ({"counter_sponsor": BEN}, "people/ben named, people/sara signed it"),
        ({"vendors": ("Brightside",)}, "vendors: Brightside named, none may be"),
        ({"spend_conditions": ("novel",)}, "spend: novel, none of these may be"),
        ({"envelope": ""}, "envelope: none asked"),
    ],
)
def test_one_beyond_a_cap_is_named_with_the_cap_and_what_was_asked(
    changes: dict[str, Any], said: str
) -> None:
    (line,) = exceeded(**changes)
    assert said in line


def test_a_cent_too_much_is_too_much() -> None:
    (line,) = exceeded(amount_minor=2_000_01, trial_minor=2_000_01)
    assert line == "money: 2,000.01 EUR asked, at most 2,000.00 EUR"


def test_only_the_decisions_envelope_is_covered_and_none_means_that_one() -> None:
    one = decision(envelope="trials")
    assert trial_lane.exceeded(one, small(envelope=""), "EUR") == ()
    assert trial_lane.exceeded(one, small(envelope="envelopes/trials"), "EUR") == ()
    (line,) = trial_lane.exceeded(one, small(envelope="envelopes/other"), "EUR")
    assert "envelopes/other asked, only envelopes/trials" in line


@pytest.mark.parametrize(
    ("changes", "belongs"),
    [
        ({}, True),
        ({"pilot_people": 50_000, "amount_minor": 9_000_000_00}, True),
        ({"channels": ()}, True),
        ({"audiences": ("customers", "employees")}, False),
        ({"channels": ("community-forum",)}, False),
        ({"data_classes": ("contact",)}, False),
        ({"category": "capex"}, False),
    ],
)
def test_a_class_is_what_a_program_is_about_whatever_its_size(
    changes: dict[str, Any], belongs: bool
) -> None:
    assert trial_lane.of_class(SIGNED, small(**changes)) is belongs


def test_it_is_in_force_from_midnight_of_its_first_day_to_midnight_of_the_day_it_expires() -> None:
    first, last = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 12, 1, tzinfo=UTC)
    assert trial_lane.out_of_term(SIGNED, first - MICROSECOND) == (
        "term: it is in force from 2027-01-01 on",
    )
    assert trial_lane.out_of_term(SIGNED, first) == ()
    assert trial_lane.out_of_term(SIGNED, last - MICROSECOND) == ()
    assert trial_lane.out_of_term(SIGNED, last) == ("term: it expired on 2027-12-01",)


def authority(person: str, side: Side, **changes: Any) -> Authority:
    values: dict[str, Any] = {
        "person": person,
        "active": True,
        "side": side,
        "unit": "units/x",
        "grade": "vp",
        "limit_minor": 2_000_00,
        "limit_currency": "EUR",
        "unlimited": False,
        "resolved_at": NOW,
        **changes,
    }
    return Authority(**values)


IN_VENDOR = (Interest(f"{FAY}/interests/1", "programs/trial"),)


@pytest.mark.parametrize(
    ("person", "side", "changes", "facts", "said"),
    [
        (SARA, Side.BUSINESS, {}, {}, ""),
        (FAY, Side.MONEY, {}, {}, ""),
        (INES, Side.IT, {}, {}, ""),
        (SARA, Side.BUSINESS, {}, {"proposer": SARA}, ""),
        (SARA, Side.BUSINESS, {"limit_minor": 1_999_99}, {}, "does not reach"),
        (FAY, Side.MONEY, {"limit_minor": 0}, {}, ""),
        (FAY, Side.MONEY, {"active": False}, {}, "decides nothing any more"),
        (FAY, Side.MONEY, {"guest": True}, {}, "decides nothing any more"),
        (FAY, Side.MONEY, {"side": Side.BUSINESS}, {}, "no longer stands there"),
        (FAY, Side.MONEY, {"side": None}, {}, "no longer stands there"),
        (FAY, Side.MONEY, {}, {"proposer": FAY}, "another side of this program"),
        (FAY, Side.MONEY, {"interests": IN_VENDOR}, {}, "declared interest in programs/trial"),
        (INES, Side.IT, {"reports_to": (BEN,)}, {}, "reports to people/ben"),
        (SARA, Side.BUSINESS, {"reports_to": (BEN,)}, {}, ""),
    ],
)
def test_each_condition_of_a_signer(
    person: str, side: Side, changes: dict[str, Any], facts: dict[str, Any], said: str
) -> None:
    found = trial_lane.unfit(
        person, side, replace(authority(person, side), **changes), small(**facts)
    )
    assert bool(found) is bool(said), found
    assert said in "".join(found)


def test_a_signer_whom_the_directory_does_not_know_decides_nothing() -> None:
    assert trial_lane.unfit(INES, Side.IT, None, small())


def evidence(signer: Authority | None = None, **changes: Any) -> Evidence:
    facts = small()
    values: dict[str, Any] = {
        "program": facts.program,
        "gate": Gate.PLEDGE,
        "revision": 1,
        "gate_digest": facts.gate_digest(Gate.PLEDGE),
        "case_name": "programs/trial/pledges/1",
        "case_version": 1,
        "verdict": Verdict.PLEDGED,
        "basis": Basis.STANDING_DECISION,
        "deciders": (),
        "issued_at": NOW,
        "standing_until": NOW + timedelta(days=14),
        "charter_digest": CHARTER.digest,
        "standing_decision": REF,
        **changes,
    }
    said = signer or authority(FAY, Side.MONEY)
    return Evidence(facts, {Gate.PLEDGE: Warrant(**values)}, signer=said)


def followed(given: Evidence, at: datetime = NOW) -> trial_lane.Lane:
    return trial_lane.followed(CHARTER, Side.MONEY, given, (), at)


def test_a_later_gate_follows_the_pledge_and_stands_no_longer() -> None:
    lane = followed(evidence())
    assert lane.why == ()
    assert lane.covered == trial_lane.Covered(SIGNED, REF, NOW + timedelta(days=14))


def test_what_people_pledged_is_asked_of_people_without_a_word() -> None:
    assert followed(evidence(standing_decision=None)) == trial_lane.ON_FOOT


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (evidence(standing_decision_ended="revoked: by people/sara"), "revoked: by people/sara"),
        (evidence(standing_decision=StandingRef(SIGNED.id, "sha256:x")), "in other words"),
        (evidence(authority(FAY, Side.MONEY, active=False)), "decides nothing any more"),
        (replace(evidence(), revision=small(pilot_people=51)), "people: 51 asked"),
        (replace(evidence(), revision=small(category="capex")), "class: "),
        (
            replace(
                evidence(), incidents=(StandingIncident(REF, "programs/other", "a leak", NOW),)
            ),
            "an incident of programs/other (a leak)",
        ),
    ],
)
def test_a_later_gate_reads_the_caps_and_the_incidents_itself(given: Evidence, said: str) -> None:
    lane = followed(given)
    assert lane.covered is None
    assert said in "".join(lane.why)


def test_an_incident_of_another_text_of_the_decision_does_not_count() -> None:
    other = StandingIncident(StandingRef(SIGNED.id, "sha256:old"), "programs/other", "a leak", NOW)
    assert followed(replace(evidence(), incidents=(other,))).covered


def test_another_currency_or_cap_is_another_text_to_sign() -> None:
    dearer = load_text(lane_document(amount_minor=2_000_01), "dearer")
    assert dearer.signed_digest(dearer.standing_decisions[0]) != REF.digest
    foreign = CHARTER.model_copy(update={"currency": "USD"})
    assert foreign.signed_digest(SIGNED) != REF.digest


def standing() -> Any:
    case = open_case(small(), Gate.PLEDGE)
    covered = trial_lane.Covered(SIGNED, REF, NOW + timedelta(days=14))
    validity = timedelta(days=90)
    return trial_lane.decided(
        case, Verdict.PLEDGED, "sponsor", Side.BUSINESS, covered, NOW, validity
    )


def test_what_is_decided_so_says_by_what_and_stands_as_long_as_the_trial_may_last() -> None:
    case = standing()
    assert (case.basis, case.standing_decision) == (Basis.STANDING_DECISION, REF)
    assert [one.person for one in case.deciders] == [SARA]
    assert case.standing_until == NOW + timedelta(days=14)
    assert "standing decision small-trials" in case.reason


def test_a_standing_decision_has_no_tolerance_beyond_its_caps() -> None:
    generous = Tolerance(frozenset({"amount"}), amount_increase_bps=10_000)
    dearer = small(2, amount_minor=2_000_01, trial_minor=2_000_01)
    assert isinstance(reopen(standing(), dearer, Gate.PLEDGE, generous, NOW), Fresh)
    more = small(2, pilot_people=51)  # nothing that the pledge calls material
    assert isinstance(reopen(standing(), more, Gate.PLEDGE, generous, NOW, fits=False), Fresh)
    assert isinstance(reopen(standing(), more, Gate.PLEDGE, generous, NOW), Kept)
    assert not trial_lane.still_fits(CHARTER, standing(), more)
    assert trial_lane.still_fits(CHARTER, standing(), small(2, pilot_people=49))
