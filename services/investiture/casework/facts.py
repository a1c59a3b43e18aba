"""What a service knows from signed statements and from the directory, as immutable values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from investiture.casework.words import AppealOutcome, Basis, Gate, Outcome, Side, Verdict


@dataclass(frozen=True, slots=True)
class Revision:
    """What a submitted revision says, from launch's RevisionStatement.

    Money is integer minor units of `currency`; exposure is in basis points of the full audience.
    """

    program: str
    number: int
    proposer: str
    sponsor: str
    owning_unit: str
    amount_minor: int
    currency: str
    category: str
    exposure_bps: int
    digest: str
    charter_digest: str
    submitted_at: datetime
    gate_digests: Mapping[str, str]
    field_digests: Mapping[str, str]
    counter_sponsor: str = ""
    envelope: str = ""
    audiences: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    data_classes: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    benefit_owners: tuple[str, ...] = ()
    spend_conditions: tuple[str, ...] = ()
    trial_minor: int = 0
    pilot_minor: int = 0
    general_minor: int = 0
    pilot_people: int = 0
    pilot_days: int = 0

    def gate_digest(self, gate: Gate) -> str:
        """Digest over the fields that `gate` declares material."""
        return self.gate_digests[gate.value]

    @property
    def business_people(self) -> tuple[str, ...]:
        """Proposer, sponsor and counter-sponsor: the business side."""
        return tuple(
            dict.fromkeys(p for p in (self.proposer, self.sponsor, self.counter_sponsor) if p)
        )


@dataclass(frozen=True, slots=True)
class StandingRef:
    """A standing decision of the charter, by the text that its three signers signed."""

    id: str
    digest: str


@dataclass(frozen=True, slots=True)
class StandingIncident:
    """An incident of a program that ran under a standing decision, which ends it for everybody."""

    standing: StandingRef
    program: str
    incident: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TrialRun:
    """A pilot that ran under a standing decision, and what it showed: evidence for the full path.

    `people` and `days` are what its plan allowed at the most, `exposure_bps` is in basis points of
    the full audience. `verdict` is None where nobody recorded how it went; `digest` is set where
    launch has signed it.
    """

    program: str
    pilot: str
    revision: int
    standing: StandingRef
    people: int
    days: int
    exposure_bps: int
    began_at: datetime
    ended_at: datetime | None = None
    verdict: Verdict | None = None
    observations: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decided, on what they saw."""

    person: str
    side: Side
    role: str
    decided_at: datetime
    revision: int
    gate_digest: str
    on_behalf_of: str = ""

    @property
    def people(self) -> tuple[str, ...]:
        """The person who acted and, for a delegate, the one in whose name."""
        return (self.person, self.on_behalf_of) if self.on_behalf_of else (self.person,)


@dataclass(frozen=True, slots=True)
class Emergency:
    """What an emergency is, as the proposer declared it at the pledge."""

    declared_by: str
    declared_at: datetime
    reason: str
    consequence: str


@dataclass(frozen=True, slots=True)
class Voice:
    """One of the two people who decide a gate provisionally, and why."""

    decider: Decider
    reason: str


@dataclass(frozen=True, slots=True)
class Provisional:
    """What a gate was decided provisionally; dated once the second of two has spoken."""

    voices: tuple[Voice, ...]
    decided_at: datetime | None = None
    standing_until: datetime | None = None

    @property
    def deciders(self) -> tuple[Decider, ...]:
        """Who has spoken."""
        return tuple(voice.decider for voice in self.voices)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on an approval; it blocks `blocks` while open."""

    id: str
    text: str
    owner: str
    blocks: Gate
    due_at: datetime | None = None
    closed_at: datetime | None = None
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Which risk exceeds which tolerance, by how much, and what would flip the answer."""

    risk: str
    tolerance: str
    excess: str
    remedy: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Appeal:
    """The appeal against a decline, the one that a program has at a gate.

    `line` is who may decide it, nearest first; `declined_by` is whose decline it is about.
    """

    person: str
    grounds: str
    evidence: tuple[str, ...]
    made_at: datetime
    declined_by: tuple[str, ...]
    line: tuple[str, ...]
    outcome: AppealOutcome | None = None
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Warrant:
    """A service's signed certificate that its gate's decision stands."""

    program: str
    gate: Gate
    revision: int
    gate_digest: str
    case_name: str
    case_version: int
    verdict: Verdict
    basis: Basis
    deciders: tuple[Decider, ...]
    issued_at: datetime
    standing_until: datetime | None
    charter_digest: str
    conditions: tuple[Condition, ...] = ()
    exposure_limit_bps: int = 10_000
    ceiling_minor: int = 0
    ceiling_currency: str = ""
    business_people: tuple[str, ...] = ()
    standing_decision: StandingRef | None = None
    standing_decision_ended: str = ""
    emergency: Emergency | None = None

    @property
    def people(self) -> frozenset[str]:
        """Everyone who stands behind it, principals included."""
        return frozenset(person for decider in self.deciders for person in decider.people)

    def open_conditions(self, gate: Gate) -> tuple[Condition, ...]:
        """Conditions that still block `gate`."""
        return tuple(c for c in self.conditions if c.blocks is gate and c.closed_at is None)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a program ended, from launch's EndStatement."""

    program: str
    outcome: Outcome
    revision: int
    decided_by: str
    reason: str
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Interest:
    """A declared interest in force: `vendors/…`, `programs/…` or `units/…` is its subject."""

    name: str
    subject: str

    @property
    def person(self) -> str:
        """Whose it is."""
        return self.name.partition("/interests/")[0]


@dataclass(frozen=True, slots=True)
class Authority:
    """Who a person is at the moment of a decision, as the directory answered; kept as evidence.

    `interests` and `reports_to` are of the person and of the one in whose name.
    """

    person: str
    active: bool
    side: Side | None
    unit: str
    grade: str
    limit_minor: int | None
    limit_currency: str
    unlimited: bool
    resolved_at: datetime
    directory_digest: str = ""
    on_behalf_of: str = ""
    delegation: str = ""
    guest: bool = False
    heads: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    superiors: tuple[str, ...] = ()
    interests: tuple[Interest, ...] = ()
    reports_to: tuple[str, ...] = ()

    @property
    def people(self) -> tuple[str, ...]:
        """The person and, for a delegate, the one in whose name."""
        return (self.person, self.on_behalf_of) if self.on_behalf_of else (self.person,)

    def covers(self, amount_minor: int, currency: str) -> bool:
        """Whether the limit reaches `amount_minor` of `currency`."""
        if self.unlimited:
            return True
        return (
            self.limit_minor is not None
            and self.limit_currency == currency
            and amount_minor <= self.limit_minor
        )

    def evidence(self) -> dict[str, object]:
        """What is kept of it in the audit trail."""
        return {
            "person": self.person,
            "on_behalf_of": self.on_behalf_of,
            "unit": self.unit,
            "grade": self.grade,
            # As text: canonical JSON keeps integers exactly up to 2^53 - 1 only.
            "limit_minor": None if self.limit_minor is None else str(self.limit_minor),
            "limit_currency": self.limit_currency,
            "unlimited": self.unlimited,
            "delegation": self.delegation,
            "interests": [one.name for one in self.interests],
            "directory_digest": self.directory_digest,
            "resolved_at": self.resolved_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """The verified statements that came with an opening.

    `incidents` are those by which standing decisions ended, and `trial_runs` what trials showed, by
    launch's statement; `signer` is who signed one for this gate's side, as the directory has them
    now, where one may cover it.
    """

    revision: Revision
    warrants: Mapping[Gate, Warrant] = field(default_factory=dict[Gate, Warrant])
    incidents: tuple[StandingIncident, ...] = ()
    trial_runs: tuple[TrialRun, ...] = ()
    signer: Authority | None = None
