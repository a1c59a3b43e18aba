"""People and envelopes from files."""

from pathlib import Path

import pytest

from investiture.charter.finding import DocumentBroken
from investiture.stack.entries import envelopes_of, people_of
from investiture.stack.example import ENVELOPES, PEOPLE, example

CSV = """id,name,email,unit,grade,active,manager,guest_of
people/ada,Ada Lindqvist,ada@halden.example,executive,chief,true,,
people/zoe,Zoe Bright,,,guest,no,,Brightside
"""


def test_the_example_people_and_envelopes_can_be_imported() -> None:
    people = {person.id: person.message() for person in people_of(example(PEOPLE))}
    assert people["people/sara"].unit == "units/support"
    assert people["people/zoe"].guest_of == "Brightside"
    owners = {envelope.owner for envelope in envelopes_of(example(ENVELOPES))}
    assert owners <= people.keys()


def test_a_table_says_the_same_as_yaml(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(CSV)
    ada, zoe = (person.message() for person in people_of(file))
    assert (ada.unit, ada.manager, ada.active) == ("units/executive", "", True)
    assert (zoe.unit, zoe.guest_of, zoe.active) == ("", "Brightside", False)


def test_a_wrong_cell_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(CSV.replace("people/zoe", "zoe").replace(",no,", ",perhaps,"))
    with pytest.raises(DocumentBroken) as caught:
        people_of(file)
    assert {(one.line, one.field) for one in caught.value.findings} == {
        (3, "people.1.id"),
        (3, "people.1.active"),
    }


def test_an_unknown_column_names_the_one_that_was_meant(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(CSV.replace("manager", "manger"))
    with pytest.raises(DocumentBroken, match="did you mean `manager`"):
        people_of(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentBroken, match="file-unreadable"):
        people_of(tmp_path / "nobody.csv")


def test_an_appropriation_says_its_currency(tmp_path: Path) -> None:
    file = tmp_path / "envelopes.yaml"
    text = example(ENVELOPES).read_text()
    file.write_text(text.replace("250_000 EUR", "250_000 CENTS"))
    with pytest.raises(DocumentBroken, match="write an amount as"):
        envelopes_of(file)
