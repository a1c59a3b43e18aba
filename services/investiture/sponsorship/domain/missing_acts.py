"""The acts that a pledge still misses, as parts of its case that somebody has to have in hand."""

from collections.abc import Collection
from functools import partial

from investiture.casework.case import Case, Holder
from investiture.casework.standing import Part
from investiture.casework.words import Purpose
from investiture.sponsorship.domain.deciders import ARBITER, ENDORSER, MEMBER
from investiture.sponsorship.domain.pledges import (
    Pledge,
    Seat,
    free_seats,
    serves,
    unanswered,
)


def parts(case: Case, pledge: Pledge) -> tuple[Part, ...]:
    """The acts that are missing, each one person's: of whom, for which purpose, and who may not.

    That a unit's objection is in an arbiter's hands is not vital: the unit itself may end it.
    """
    involved = frozenset({*case.facts.business_people, *pledge.sponsors})
    found = [
        Part(partial(_serves_seat, seat, pledge), Purpose.PLEDGE, barred=pledge.endorsers)
        for seat in free_seats(pledge)
    ]
    for one in unanswered(pledge):
        out = involved | frozenset(one.recused)
        serves_unit = partial(_serves_unit, (ENDORSER, MEMBER), one.unit)
        found.append(Part(serves_unit, Purpose.POSITION, barred=out))
        if one.objects:
            arbitrates = partial(_serves_unit, (ARBITER,), one.unit)
            found.append(Part(arbitrates, Purpose.POSITION, barred=involved, vital=False))
    return tuple(found)


def _serves_seat(seat: Seat, pledge: Pledge, holder: Holder) -> bool:
    return serves(holder, seat, pledge)


def _serves_unit(roles: Collection[str], unit: str, holder: Holder) -> bool:
    return holder.role in roles and holder.unit == unit
