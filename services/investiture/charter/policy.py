"""What is allowed: tiers, reviews, appetite, triage, pilots, standing decisions."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated

from pydantic import Field

from investiture.charter.calendar import Sla
from investiture.charter.duration import Duration, IsoDuration
from investiture.charter.vocabulary import (
    INT64_MAX,
    Bps,
    Depth,
    Id,
    Minor,
    Part,
    PersonId,
    RatedAs,
    Text,
)

Share = Annotated[float, Field(ge=0, le=1)]
"""A probability or a rate, 0 to 1."""

Count = Annotated[int, Field(ge=1, le=1_000_000_000)]


class Approval(Part):
    """One level of approval: ``needed`` people out of ``of``.

    Without ``of``, head and deputy of ``unit`` may approve. Without both, the role is one that
    each program fills itself (``sponsor``, ``steward``, …).
    """

    level: Annotated[int, Field(ge=1, le=99)] = 1
    role: Id
    unit: Id | None = None
    needed: Annotated[int, Field(ge=1, le=99)] = 1
    of: tuple[PersonId, ...] | None = None


class FundingTier(Part):
    """A row of the delegation-of-authority table, for totals in [``from_minor``, ``to_minor``).

    ``to_minor`` null has no upper bound. ``contingency_bps`` may be spent above the approved
    total without a new approval.
    """

    category: Id
    from_minor: Annotated[int, Field(ge=-INT64_MAX, le=INT64_MAX)]
    to_minor: Annotated[int, Field(ge=-INT64_MAX, le=INT64_MAX)] | None
    approvals: tuple[Approval, ...]
    contingency_bps: Bps = 0

    def contains(self, total_minor: int) -> bool:
        """Return whether a cumulative total falls into this row."""
        return self.from_minor <= total_minor and (
            self.to_minor is None or total_minor < self.to_minor
        )


class FundingPolicy(Part):
    """How a funding goes on when its program changes, and how split requests are found.

    ``confirm_increase_bps``: an increase up to this share of what the levels approved, beyond the
    ceiling and inside the same tier, is confirmed by finance alone. ``split_window``: requests of
    one category for the same vendor and cost centre within it count together; null looks for none.
    ``hold_timeout``: how long what a funding reserves is held; null as long as a funding stands. A
    funding stands no longer than its money is held.
    """

    confirm_increase_bps: Annotated[int, Field(ge=0, le=100_000)] = 1000
    split_window: IsoDuration | None = Duration(days=90)
    hold_timeout: IsoDuration | None = None


class Review(Part):
    """IT's review: the unit that answers for it and who knights, by the depth that triage says.

    ``decline_after_rounds`` of requested changes come before a decline that is not for exposure.
    ``appeal_window``: the business time in which a decline may be appealed; without one, or with
    nothing, it is final at once.
    """

    unit: Id
    approvals: Mapping[Depth, tuple[Approval, ...]]
    decline_after_rounds: Annotated[int, Field(ge=1, le=99)] = 2
    appeal_window: IsoDuration | None = None


class Tolerance(Part):
    """How far a revision may go up, cumulatively, with the decision carried; down is always in."""

    amount_increase_bps: Annotated[int, Field(ge=0, le=100_000)] = 0
    exposure_increase_bps: Annotated[int, Field(ge=0, le=100_000)] = 0


class AppetitePoint(Part):
    """A yearly loss of more than ``loss_minor`` may have at most this ``probability``."""

    loss_minor: Minor
    probability: Share


class Appetite(Part):
    """How much risk is accepted, by whom it was said and for how long."""

    owner: PersonId
    version: Annotated[int, Field(ge=1)]
    valid_from: date
    valid_until: date
    points: Annotated[tuple[AppetitePoint, ...], Field(min_length=1)]


class TriageRule(Part):
    """Programs that need a review of at least this depth.

    A field that is not given does not matter; one of the ids of a list is enough; the fields
    that are given must all hold.
    """

    id: Id
    depth: Depth
    data_classes: tuple[Id, ...] = ()
    audiences: tuple[Id, ...] = ()
    channels: tuple[Id, ...] = ()
    vendors: bool | None = None
    exposure_from_bps: Bps | None = None
    amount_from_minor: Minor | None = None


class Triage(Part):
    """How deep IT looks: the deepest rule that holds, else ``default``.

    ``by_rating`` asks for a depth by what the proposer's rating comes to: OWASP's severities NOTE,
    LOW, MEDIUM, HIGH, CRITICAL, or NIST's levels VERY_LOW, LOW, MODERATE, HIGH, VERY_HIGH.
    """

    default: Depth = Depth.STANDARD
    rules: tuple[TriageRule, ...] = ()
    by_rating: Mapping[RatedAs, Depth] = {}


class PilotTemplate(Part):
    """A pilot as it is usually run; the error rates and n_max are fixed when a stage is entered.

    ``baseline_rate`` is p0, ``target_rate`` p1, ``false_go`` α and ``false_stop`` β.
    """

    id: Id
    name: Text
    unit_of_observation: Text
    max_exposure_bps: Annotated[int, Field(ge=1, le=10_000)]
    max_people: Count
    min_duration: IsoDuration
    max_duration: IsoDuration
    maturity: IsoDuration
    baseline_rate: Share
    target_rate: Share
    false_go: Share
    false_stop: Share
    max_observations: Count


class SponsorshipPolicy(Part):
    """How sponsors are kept honest.

    ``max_live_sponsorships`` is a warning, not a bar. ``input_window`` is the business time in
    which a unit without a veto is heard.
    """

    max_live_sponsorships: Count = 3
    reattestation: IsoDuration = Duration(days=28)
    input_window: IsoDuration = Duration(days=3)


class LaunchPolicy(Part):
    """The launch service's own: how often a living path is rung, and who is polled for go."""

    heartbeat: IsoDuration = Duration(milliseconds=900_000)
    go_roles: tuple[Approval, ...]


class Signers(Part):
    """Who signed a standing decision in advance: one person of each side."""

    sponsor: PersonId
    fund_owner: PersonId
    knight: PersonId


class Caps(Part):
    """What a program under a standing decision may not exceed."""

    people: Count
    amount_minor: Minor
    exposure_bps: Annotated[int, Field(ge=1, le=10_000)]
    duration: IsoDuration
    concurrent: Count


class StandingDecision(Part):
    """The trial lane: what may pass without a person, signed in advance, revoked by one incident.

    A list that is empty allows nothing of its kind. ``envelope`` is where the money is reserved by
    a program that names none; without it a program has to name one.
    """

    id: Id
    name: Text
    signers: Signers
    valid_from: date
    expires: date
    caps: Caps
    audiences: tuple[Id, ...] = ()
    channels: tuple[Id, ...] = ()
    data_classes: tuple[Id, ...] = ()
    categories: tuple[Id, ...] = ()
    envelope: Id | None = None


LONGEST_EMERGENCY = timedelta(hours=72)
"""How long a provisional decision may stand at the most (risk.md, Governance)."""


class EmergencyCaps(Part):
    """What a program in an emergency may not exceed: its total, its exposure."""

    amount_minor: Minor
    exposure_bps: Annotated[int, Field(ge=1, le=10_000)]


class EmergencyPath(Part):
    """The emergency path: the same order with fewer people, provisionally, and a review after it.

    Two different people decide each gate. At the pledge one of them is the program's sponsor, the
    other one of ``countersigners``; ``fund`` and ``knight`` name whom of two are needed there.
    ``stands`` is how long a provisional decision does, 24x7; it is also how long after the
    declaration one may be made. ``review`` is the business time within which the review is due;
    ``closers`` close it, governance owner and deputy where none is named. Who may close a review
    decides nothing provisionally.
    """

    stands: IsoDuration = Duration(milliseconds=72 * 60 * 60 * 1000)
    caps: EmergencyCaps
    countersigners: Annotated[tuple[PersonId, ...], Field(min_length=1)]
    fund: Annotated[tuple[PersonId, ...], Field(min_length=1)]
    knight: Annotated[tuple[PersonId, ...], Field(min_length=1)]
    review: Sla
    closers: tuple[PersonId, ...] = ()


class StandardClass(Part):
    """A pre-approved class of low, reversible launches that policy may knight."""

    id: Id
    name: Text
    audiences: tuple[Id, ...] = ()
    channels: tuple[Id, ...] = ()
    data_classes: tuple[Id, ...] = ()
    max_exposure_bps: Annotated[int, Field(ge=1, le=10_000)]
    max_amount_minor: Minor
    successes_needed: Count = 3
