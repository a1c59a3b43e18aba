"""The made-up enterprise of the default charter: its rules and its people."""

from functools import cache
from typing import Any

import yaml
from tests.support.services import CHARTER, ROOT

from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.charter.load import load
from investiture.charter.model import Charter
from investiture.sponsorship.domain.people import Person
from investiture.sponsorship.wire import person_of

PEOPLE = ROOT / "deploy" / "examples" / "people.yaml"


@cache
def charter() -> Charter:
    return load(CHARTER)


def people() -> list[pb.Person]:
    """Everybody of the example directory."""
    return [
        pb.Person(
            name=one["id"],
            display_name=one["name"],
            email=one["email"],
            unit=f"units/{one['unit']}" if one["unit"] else "",
            grade=one["grade"],
            active=one["active"],
            manager=one["manager"] or "",
            guest_of=one.get("guest_of", ""),
        )
        for one in _listed()
    ]


@cache
def _listed() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = yaml.safe_load(PEOPLE.read_text())["people"]
    return listed


@cache
def directory() -> dict[str, Person]:
    """The same by name, as the domain has them."""
    return {one.name: person_of(one) for one in people()}
