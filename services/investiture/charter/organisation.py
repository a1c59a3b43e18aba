"""Who there is: units, the relationships they own, audiences, channels and grades."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from investiture.charter.vocabulary import Id, Minor, Part, PersonId, Purpose, Side, Text


class Unit(Part):
    """A unit of the organisation.

    ``scope`` are the grounds on which it may object, for instance ``reputation``. A unit with a
    ``committee`` answers by it instead of by its head.
    """

    id: Id
    name: Text
    side: Side
    head: PersonId
    deputy: PersonId | None = None
    parent: Id | None = None
    scope: tuple[Id, ...] = ()
    committee: Id | None = None


class Relationship(Part):
    """An audience the enterprise deals with; exactly one unit owns it, others contribute."""

    id: Id
    name: Text
    owner: Id
    contributors: tuple[Id, ...] = ()


class Audience(Part):
    """Whom a program may address, and the relationship this belongs to."""

    id: Id
    name: Text
    relationship: Id


class Channel(Part):
    """How a program reaches an audience, and the relationships that are touched by that alone."""

    id: Id
    name: Text
    relationships: tuple[Id, ...] = ()


class Touch(Part):
    """Relationships touched beside the audience's own when it is reached through this channel."""

    audience: Id
    channel: Id
    relationships: Annotated[tuple[Id, ...], Field(min_length=1)]


class Informed(Part):
    """A unit that is told of programs with these audiences and channels; none named means any."""

    unit: Id
    audiences: tuple[Id, ...] = ()
    channels: tuple[Id, ...] = ()


class Grade(Part):
    """How far a person's own authority reaches, by purpose, in minor units.

    ``null`` is without limit; a purpose that is not named is none at all.
    """

    id: Id
    name: Text
    limits: Mapping[Purpose, Minor | None] = {}

    def covers(self, purpose: str, total_minor: int) -> bool:
        """Return whether the grade alone suffices for ``total_minor``."""
        if purpose not in self.limits:
            return False
        limit = self.limits[Purpose(purpose)]
        return limit is None or total_minor <= limit


class Governance(Part):
    """Where every escalation ends: they reassign and never decide."""

    owner: PersonId
    deputy: PersonId


class DataClass(Part):
    """A class of data that a program may use."""

    id: Id
    name: Text
