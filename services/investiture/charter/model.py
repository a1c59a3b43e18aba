"""The charter: the governance rules as one immutable value with a digest."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Annotated, Protocol, TypeVar

from pydantic import Field, StringConstraints

from investiture.charter.calendar import Calendar, FreezeWindow, Sla
from investiture.charter.committees import Committee
from investiture.charter.digest import digest as digest_of
from investiture.charter.duration import Duration, IsoDuration
from investiture.charter.fiscal import FiscalYears
from investiture.charter.organisation import (
    Audience,
    Channel,
    DataClass,
    Governance,
    Grade,
    Informed,
    Relationship,
    Touch,
    Unit,
)
from investiture.charter.policy import (
    Appetite,
    EmergencyPath,
    FundingPolicy,
    FundingTier,
    LaunchPolicy,
    PilotTemplate,
    Review,
    SponsorshipPolicy,
    StandardClass,
    StandingDecision,
    Tolerance,
    Triage,
)
from investiture.charter.vocabulary import (
    Gate,
    Id,
    MaterialField,
    Minor,
    Part,
    PersonId,
    SpendCondition,
    Text,
    Wait,
)

EMERGENCY_REVIEW = "EMERGENCY_REVIEW"
"""The wait for the review of an emergency; its agreed time stands with the emergency path."""

DEFAULT_BENEFIT_REVIEWS = tuple(Duration(days=days) for days in (30, 90, 180, 365))


class UnknownId(LookupError):
    """The charter declares nothing of that kind under that id."""


class _Named(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Named)


class Charter(Part):
    """The governance rules; amounts are minor units of ``currency``.

    ``effective`` is the day from which it is in force; holidays are checked from that year on.
    """

    id: Id
    title: Text
    version: Annotated[int, Field(ge=1)]
    effective: date
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]

    units: tuple[Unit, ...]
    relationships: tuple[Relationship, ...]
    audiences: tuple[Audience, ...]
    channels: tuple[Channel, ...]
    touches: tuple[Touch, ...] = ()
    informed: tuple[Informed, ...] = ()
    data_classes: tuple[DataClass, ...] = ()
    governance: Governance
    countersigner: PersonId | None = None
    """From outside, stands in where the three sides leave nobody of the company's own."""
    committees: tuple[Committee, ...] = ()
    oversight: Id | None = None
    """The committee above the top unit, for instance the board: it ends objections to what the
    head of the house sponsors, which no unit stands above."""

    grades: tuple[Grade, ...]
    funding_tiers: tuple[FundingTier, ...]
    spend_floors: Mapping[SpendCondition, Minor] = {}
    """A spend under the condition is read in the table as if it were at least this much."""
    funding: FundingPolicy = FundingPolicy()

    fiscal_year: FiscalYears = FiscalYears()

    review: Review
    launch: LaunchPolicy
    sponsorship: SponsorshipPolicy = SponsorshipPolicy()

    calendars: tuple[Calendar, ...]
    slas: Mapping[Wait, Sla]
    freeze_windows: tuple[FreezeWindow, ...] = ()
    warrant_validity: Mapping[Gate, IsoDuration]
    benefit_reviews: tuple[IsoDuration, ...] = DEFAULT_BENEFIT_REVIEWS

    material: Mapping[Gate, tuple[MaterialField, ...]]
    tolerances: Mapping[Gate, Tolerance] = {}
    appetite: Appetite
    triage: Triage = Triage()
    pilot_templates: tuple[PilotTemplate, ...] = ()
    standing_decisions: tuple[StandingDecision, ...] = ()
    emergency: EmergencyPath | None = None
    """The emergency path; without it there are no emergencies."""
    standard_classes: tuple[StandardClass, ...] = ()

    @cached_property
    def digest(self) -> str:
        """``sha256:…`` over what the charter says; comments and layout do not count.

        Values equal to a field's default are left out, so that a field added to the model later
        leaves the digests of the charters that open cases are pinned to as they are. The price:
        a default, once released, never changes.
        """
        return digest_of(self.model_dump(mode="json", exclude_defaults=True))

    def unit(self, unit_id: str) -> Unit:
        """Return a unit. Raises UnknownId."""
        return _named("unit", self.units, unit_id)

    def relationship(self, relationship_id: str) -> Relationship:
        """Return a relationship. Raises UnknownId."""
        return _named("relationship", self.relationships, relationship_id)

    def audience(self, audience_id: str) -> Audience:
        """Return an audience. Raises UnknownId."""
        return _named("audience", self.audiences, audience_id)

    def channel(self, channel_id: str) -> Channel:
        """Return a channel. Raises UnknownId."""
        return _named("channel", self.channels, channel_id)

    def grade(self, grade_id: str) -> Grade:
        """Return a grade. Raises UnknownId."""
        return _named("grade", self.grades, grade_id)

    def calendar(self, calendar_id: str) -> Calendar:
        """Return a calendar. Raises UnknownId."""
        return _named("calendar", self.calendars, calendar_id)

    def committee(self, committee_id: str) -> Committee:
        """Return a committee. Raises UnknownId."""
        return _named("committee", self.committees, committee_id)

    def signed_digest(self, decision: StandingDecision) -> str:
        """Return ``sha256:…`` over a standing decision's text, with the currency of its money.

        It is what its signers sign: with another text they sign anew.
        """
        said = decision.model_dump(mode="json", exclude_defaults=True)
        return digest_of({"currency": self.currency, **said})

    def sla(self, wait: str) -> Sla:
        """Return the agreed time of a gate, of ``CHANGES``, of a review. Raises UnknownId."""
        if wait == EMERGENCY_REVIEW and self.emergency is not None:
            return self.emergency.review
        try:
            return self.slas[Wait(wait)]
        except (KeyError, ValueError):
            raise UnknownId(f"the charter agrees no time for {wait}") from None

    def validity(self, gate: str) -> Duration:
        """Return how long a decision of ``gate`` stands. Raises UnknownId."""
        try:
            return self.warrant_validity[Gate(gate)]
        except (KeyError, ValueError):
            raise UnknownId(f"the charter says no warrant validity for {gate}") from None

    @property
    def emergency_closers(self) -> tuple[str, ...]:
        """Who closes the review of an emergency: governance unless others are named."""
        named = self.emergency.closers if self.emergency is not None else ()
        return named or (self.governance.owner, self.governance.deputy)

    @property
    def hold_timeout(self) -> Duration:
        """Return how long the money of a funding is held. Raises UnknownId."""
        return self.funding.hold_timeout or self.validity(Gate.FUND)

    def material_of(self, gate: str) -> frozenset[str]:
        """Return the revision's fields that are material for ``gate``. Raises UnknownId."""
        try:
            return frozenset(field.value for field in self.material[Gate(gate)])
        except (KeyError, ValueError):
            raise UnknownId(f"the charter says no material fields for {gate}") from None

    def tolerance(self, gate: str) -> Tolerance:
        """Return the tolerance of ``gate``: none where the charter names none."""
        return self.tolerances[Gate(gate)] if gate in self.tolerances else Tolerance()

    def frozen_by(self, gate: str, at: datetime) -> FreezeWindow | None:
        """Return the freeze window that stops ``gate`` at ``at``, if any."""
        return next((window for window in self.freeze_windows if window.freezes(gate, at)), None)

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories of the delegation-of-authority table, in its order."""
        return tuple(dict.fromkeys(tier.category for tier in self.funding_tiers))


def _named(kind: str, among: Iterable[T], wanted: str) -> T:
    for one in among:
        if one.id == wanted:
            return one
    raise UnknownId(f"the charter declares no {kind} {wanted!r}")
