"""Units as the charter orders them, by the resource names that the API uses."""

from collections.abc import Iterable

from investiture.casework.words import Side
from investiture.charter.model import Charter, UnknownId
from investiture.charter.organisation import Unit
from investiture.charter.ownership import lineage

_UNITS = "units/"


def unit_name(unit_id: str) -> str:
    """The resource name of a unit of the charter."""
    return f"{_UNITS}{unit_id}"


def find_unit(charter: Charter, name: str) -> Unit | None:
    """The unit called `units/{unit}`; None where the charter has none of that name."""
    if not name.startswith(_UNITS):
        return None
    try:
        return charter.unit(name.removeprefix(_UNITS))
    except UnknownId:
        return None


def side_of(charter: Charter, name: str) -> Side | None:
    """The side of the unit called `name`; None where there is no such unit."""
    unit = find_unit(charter, name)
    return None if unit is None else Side(unit.side.value.upper())


def headed_by(charter: Charter, person: str) -> tuple[str, ...]:
    """Units whose head or deputy the person is, in the charter's order."""
    return tuple(unit_name(u.id) for u in charter.units if person in (u.head, u.deputy))


def commanded_by(charter: Charter, heads: Iterable[str]) -> tuple[str, ...]:
    """The units called `heads` and every unit below them, in the charter's order."""
    above = frozenset(heads)
    return tuple(
        unit_name(unit.id)
        for unit in charter.units
        if any(unit_name(one.id) in above for one in lineage(charter, unit.id))
    )


def superiors_of(charter: Charter, person: str, unit: str) -> tuple[str, ...]:
    """The line above a person of `unit`: the heads from that unit upward, nearest first."""
    found = find_unit(charter, unit)
    if found is None:
        return ()
    heads = (one.head for one in lineage(charter, found.id))
    return tuple(dict.fromkeys(head for head in heads if head != person))
