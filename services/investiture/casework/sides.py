"""The separation of the three sides: who would stand on two of them."""

from collections.abc import Iterable

from investiture.chassis.refusal import Leg


def shared_people(
    people: Iterable[str], other: Iterable[str], side: str, other_side: str
) -> tuple[Leg, ...]:
    """One leg for each person who would stand on both sides."""
    both = sorted(set(people) & set(other))
    return tuple(
        Leg(
            type="SIDES",
            subject=person,
            description=f"{person} stands on the {other_side} side of this program already",
            remedy=f"somebody else decides for the {side} side",
        )
        for person in both
    )
