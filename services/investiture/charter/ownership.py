"""Which units a program touches, in which role they are heard, and whom to ask next."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from investiture.charter.model import Charter
from investiture.charter.organisation import Unit
from investiture.charter.vocabulary import Side

HEAD = "head"
DEPUTY = "deputy"
GOVERNANCE = "governance"
"""The role that reassigns and never decides."""


@dataclass(frozen=True, slots=True)
class RequiredPositions:
    """The units that must be asked, by role; each unit once, in the charter's order.

    ``agree`` has a scoped veto, ``input_`` is heard, ``inform`` is told. ``through`` says for each
    of them by which relationships it is touched, ``touched`` which these are in all.

    ``unowned`` names what no unit answers for (``audiences/x``, ``channels/x``,
    ``relationships/x``, ``units/x``): under a charter that passed the lint these are ids that it
    does not know. ``contested`` names relationships with more than one owner; the lint refuses
    those too.
    """

    agree: tuple[str, ...]
    input_: tuple[str, ...]
    inform: tuple[str, ...]
    unowned: tuple[str, ...]
    contested: tuple[str, ...]
    touched: tuple[str, ...]
    through: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Holder:
    """A person who may be asked, in which role and for which unit (bare id; empty for none)."""

    person: str
    role: str
    unit: str


def touched_relationships(
    charter: Charter, audiences: Iterable[str], channels: Iterable[str]
) -> tuple[str, ...]:
    """Return the relationships that a program touches, in the charter's order.

    The audience's own, those of each channel by itself, and those of each audience reached
    through a channel. What the charter does not know comes last, as it is named.
    """
    wanted, through = set(audiences), set(channels)
    found = [audience.relationship for audience in charter.audiences if audience.id in wanted]
    for channel in charter.channels:
        if channel.id in through:
            found.extend(channel.relationships)
    for touch in charter.touches:
        if touch.audience in wanted and touch.channel in through:
            found.extend(touch.relationships)
    order = {relationship.id: place for place, relationship in enumerate(charter.relationships)}
    return tuple(sorted(set(found), key=lambda name: (order.get(name, len(order)), name)))


def required_positions(
    charter: Charter, audiences: Iterable[str], channels: Iterable[str], owning_unit: str
) -> RequiredPositions:
    """Return who must agree, be heard and be told.

    The owners of the touched relationships agree, their contributors are heard, the units of the
    ``informed`` table are told. The unit that leads agrees too (its sponsor's pledge may count as
    that) if it is on the business side; from another side it is told, because IT has no veto
    before its own gate. Who agrees is not asked again for input, who is heard is not told again.
    """
    audiences, channels = tuple(audiences), tuple(channels)
    touched = touched_relationships(charter, audiences, channels)
    sides = {unit.id: unit.side for unit in charter.units}
    owners = _owners(charter)
    through: dict[str, list[str]] = {}
    agree: set[str] = set()
    heard: set[str] = set()
    for relationship in charter.relationships:
        if relationship.id not in touched:
            continue
        agree.add(relationship.owner)
        heard.update(relationship.contributors)
        for unit in (relationship.owner, *relationship.contributors):
            through.setdefault(unit, []).append(relationship.id)
    told = {
        rule.unit
        for rule in charter.informed
        if (not rule.audiences or set(rule.audiences) & set(audiences))
        and (not rule.channels or set(rule.channels) & set(channels))
    }
    (agree if sides.get(owning_unit) is Side.BUSINESS else told).add(owning_unit)
    known = tuple(sides)
    return RequiredPositions(
        agree=tuple(unit for unit in known if unit in agree),
        input_=tuple(unit for unit in known if unit in heard - agree),
        inform=tuple(unit for unit in known if unit in told - heard - agree),
        unowned=_unowned(charter, audiences, channels, owning_unit, touched),
        contested=tuple(name for name in touched if len(owners.get(name, ())) > 1),
        touched=touched,
        through={unit: tuple(dict.fromkeys(through[unit])) for unit in known if unit in through},
    )


def escalation_chain(charter: Charter, unit_id: str) -> tuple[Holder, ...]:
    """Return whom to ask, in order: head, deputy, the head of each unit above, then governance.

    Each person comes once, in the first place where they stand. The last two, governance owner
    and deputy, reassign and never decide; their role is ``governance``.

    Raises:
        UnknownId: there is no such unit.
    """
    chain: list[Holder] = []
    for unit in lineage(charter, unit_id):
        chain.append(Holder(unit.head, HEAD, unit.id))
        if unit.id == unit_id and unit.deputy is not None:
            chain.append(Holder(unit.deputy, DEPUTY, unit.id))
    chain.append(Holder(charter.governance.owner, GOVERNANCE, ""))
    chain.append(Holder(charter.governance.deputy, GOVERNANCE, ""))
    first: dict[str, Holder] = {}
    for holder in chain:
        first.setdefault(holder.person, holder)
    return tuple(first.values())


def lineage(charter: Charter, unit_id: str) -> Iterator[Unit]:
    """Yield a unit and the units above it, the nearest first.

    Raises:
        UnknownId: there is no such unit.
    """
    seen: set[str] = set()
    here: str | None = unit_id
    while here is not None and here not in seen:  # the lint finds a circle before this could
        seen.add(here)
        unit = charter.unit(here)
        yield unit
        here = unit.parent


def _owners(charter: Charter) -> Mapping[str, set[str]]:
    owners: dict[str, set[str]] = {}
    for relationship in charter.relationships:
        owners.setdefault(relationship.id, set()).add(relationship.owner)
    return owners


def _unowned(
    charter: Charter,
    audiences: Iterable[str],
    channels: Iterable[str],
    owning_unit: str,
    touched: Iterable[str],
) -> tuple[str, ...]:
    units = {unit.id for unit in charter.units}
    owned = {one.id for one in charter.relationships if one.owner in units}
    asked = (
        ("audiences", audiences, {one.id for one in charter.audiences}),
        ("channels", channels, {one.id for one in charter.channels}),
        ("relationships", touched, owned),
        ("units", (owning_unit,), units),
    )
    return tuple(
        f"{kind}/{name}" for kind, names, known in asked for name in names if name not in known
    )
