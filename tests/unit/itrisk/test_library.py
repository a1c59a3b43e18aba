"""The scenario library: what is chosen, why, and that all of it can be computed."""

import pytest

from investiture.chassis.refusal import InvalidArgument
from investiture.itrisk.library.choosing import Traits, suggest
from investiture.itrisk.quantification.document import question_of

EVERYTHING = Traits(
    audiences=("journalists", "employees", "developers", "resellers"),
    channels=("community-forum", "email-campaign", "press-release"),
    data_classes=("contact", "payment", "sensitive"),
    vendors=("Acme",),
)


def names(traits: Traits) -> set[str]:
    return {one["name"] for one in suggest(traits, "EUR").content["scenarios"]}


def test_a_program_that_says_nothing_starts_from_what_every_launch_risks() -> None:
    assert names(Traits()) == {"The service is down when it is needed"}


@pytest.mark.parametrize(
    ("traits", "scenario"),
    [
        (Traits(channels=("support-portal",)), "Account takeover"),
        (Traits(channels=("social-media",)), "Harm by what people write"),
        (Traits(audiences=("journalists",)), "A statement that is wrong or too early"),
        (Traits(channels=("email-campaign",)), "Messages to the wrong people, or without consent"),
        (Traits(data_classes=("behaviour",)), "Personal data is disclosed"),
        (Traits(data_classes=("sensitive",)), "Data that hurts is disclosed"),
        (Traits(data_classes=("payment",)), "Payments are abused"),
        (Traits(vendors=("Acme",)), "A vendor fails"),
        (Traits(audiences=("employees",)), "Misuse by somebody inside"),
        (Traits(audiences=("developers",)), "Keys are stolen or the interface is abused"),
        (Traits(channels=("partner-portal",)), "A partner is told less or later than others"),
    ],
)
def test_what_a_program_says_chooses_its_scenarios(traits: Traits, scenario: str) -> None:
    assert scenario in names(traits)
    assert scenario not in names(Traits())


def test_a_vendor_loses_data_only_where_there_is_some() -> None:
    assert "A vendor loses our data" not in names(Traits(vendors=("Acme",)))
    assert "A vendor loses our data" in names(Traits(vendors=("Acme",), data_classes=("contact",)))


def test_everything_at_once_is_a_question_with_a_note_on_each_part() -> None:
    found = suggest(EVERYTHING, "EUR")
    question = question_of(found.content)
    assert len(question.controls) <= 12
    assert len(found.notes) == len(question.scenarios) + len(question.controls)
    offered = {control.name for control in question.controls}
    assert all(note.because and note.source for note in found.notes)
    assert all(set(control.scenarios) for control in question.controls)
    assert len(offered) == len(question.controls)


def test_another_currency_needs_a_rate_which_amounts_follow_and_frequencies_do_not() -> None:
    with pytest.raises(InvalidArgument, match="how many JPY a euro is"):
        suggest(EVERYTHING, "JPY")
    euro, yen = suggest(EVERYTHING, "EUR").content, suggest(EVERYTHING, "JPY", 160.0).content
    for before, after in zip(euro["scenarios"], yen["scenarios"], strict=True):
        assert before["frequency"] == after["frequency"]
        assert [160.0 * v for v in before["primary"]["pert"][:3]] == after["primary"]["pert"][:3]
        assert after["primary"]["pert"][3] == 4.0
    assert [160.0 * one["cost"] for one in euro["controls"]] == [
        one["cost"] for one in yen["controls"]
    ]
