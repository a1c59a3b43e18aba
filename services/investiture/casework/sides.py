"""The separation of the three sides: who would stand on two of them."""

from collections.abc import Iterable

from investiture.casework.facts import Revision, Warrant
from investiture.chassis.refusal import Leg


def business_side(facts: Revision, pledge: Warrant) -> frozenset[str]:
    """Who stands for the business, by a revision and the warrant of its pledge.

    Proposer and sponsors, who pledged or overrode a veto, and who acted in the name of one of them.
    """
    named = {*facts.business_people, *pledge.business_people}
    delegates = {p for d in pledge.deciders if named & set(d.people) for p in d.people}
    return frozenset(named | delegates)


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
