"""Whom the embedded stack lets in where: from the charter, never more than the doors."""

from pathlib import Path

import pytest
from tests.support.councils import council_charter

from investiture.charter.load import load
from investiture.charter.model import Charter
from investiture.stack.entries import people_of
from investiture.stack.example import PEOPLE, example
from investiture.stack.roles import roles_of


@pytest.fixture(scope="module")
def charter() -> Charter:
    return load(example("charters/demo.yaml"))


def roles(charter: Charter, name: str) -> set[str]:
    cast = {person.id: person for person in people_of(example(PEOPLE))}
    one = cast[f"people/{name}"]
    found = roles_of(one.id, one.unit or "", guest=bool(one.guest_of), charter=charter)
    return set(found)


def test_a_guest_sees_and_answers(charter: Charter) -> None:
    assert roles(charter, "zoe") == {"agency"}


def test_finance_approves_and_does_not_sponsor_unless_it_heads_its_unit(charter: Charter) -> None:
    assert "finance" in roles(charter, "fiona")
    assert "sponsor" not in roles(charter, "fiona")
    assert "reviewer" not in roles(charter, "fiona")


def test_it_reviews(charter: Charter) -> None:
    assert {"reviewer", "on-call"} <= roles(charter, "ralf")
    assert "finance" not in roles(charter, "ralf")


def test_who_heads_a_unit_speaks_for_it_on_whatever_side(charter: Charter) -> None:
    assert {"sponsor", "endorser"} <= roles(charter, "ivan")


def test_the_committee_and_governance_are_named_by_the_charter(charter: Charter) -> None:
    assert "budget-committee" in roles(charter, "otto")
    assert "budget-committee" not in roles(charter, "fiona")
    assert "governance" in roles(charter, "gus")


def test_who_sits_in_a_committee_speaks_for_its_unit_and_who_countersigns_for_each_side(
    tmp_path: Path,
) -> None:
    charter = load(council_charter(tmp_path, countersigner="people/zoe"))
    assert "endorser" in roles(charter, "lena")
    assert roles(charter, "zoe") == {"endorser", "finance", "reviewer"}
