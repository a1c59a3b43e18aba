"""The closed vocabularies and the shapes of ids that a charter is written in."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

INT64_MAX = 2**63 - 1

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""The id of a thing the charter declares; bare, without its collection."""

PersonId = Annotated[str, StringConstraints(pattern=r"^people/[a-z0-9][a-z0-9._-]{0,62}$")]
"""The resource name of a person of the directory."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Minor = Annotated[int, Field(ge=0, le=INT64_MAX)]
"""An amount in minor units of the charter's currency."""

Bps = Annotated[int, Field(ge=0, le=10_000)]
"""A share in basis points: 10,000 is all of it."""


class Part(BaseModel):
    """The base of every part of a charter: frozen, and no field it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Gate(StrEnum):
    """The gates of the path, in the order in which they are passed."""

    PLEDGE = "PLEDGE"
    FUND = "FUND"
    KNIGHT = "KNIGHT"
    PILOT = "PILOT"
    LAUNCH = "LAUNCH"
    PROVE = "PROVE"


class Wait(StrEnum):
    """What somebody may be waited for: the decider of a gate, or the proposer's changes."""

    PLEDGE = "PLEDGE"
    FUND = "FUND"
    KNIGHT = "KNIGHT"
    PILOT = "PILOT"
    LAUNCH = "LAUNCH"
    PROVE = "PROVE"
    CHANGES = "CHANGES"


class Step(StrEnum):
    """A step of a timetable."""

    NUDGE = "NUDGE"
    WARN = "WARN"
    OVERDUE = "OVERDUE"
    SECOND = "SECOND"
    REPEAT = "REPEAT"


class Side(StrEnum):
    """The three sides that never share a person."""

    BUSINESS = "business"
    MONEY = "money"
    IT = "it"


class Purpose(StrEnum):
    """What a grade's limit is for."""

    PLEDGE = "PLEDGE"
    FUND = "FUND"
    KNIGHT = "KNIGHT"
    GO = "GO"


class Depth(StrEnum):
    """How deep an IT review goes, the shallowest first."""

    LIGHT = "LIGHT"
    STANDARD = "STANDARD"
    DEEP = "DEEP"


class RatedAs(StrEnum):
    """What a rating at the door comes to, by OWASP or by NIST SP 800-30."""

    NOTE = "NOTE"
    VERY_LOW = "VERY_LOW"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    MODERATE = "MODERATE"
    HIGH = "HIGH"
    VERY_HIGH = "VERY_HIGH"
    CRITICAL = "CRITICAL"


class SpendCondition(StrEnum):
    """What sends a spend up the table regardless of its amount."""

    NOVEL = "novel"
    CONTRACTUAL = "contractual"
    UNBUDGETED = "unbudgeted"


class MaterialField(StrEnum):
    """The fields of a revision that a gate may declare material."""

    TITLE = "title"
    OBJECTIVE = "objective"
    CUSTOMER_PROMISE = "customer_promise"
    AUDIENCES = "audiences"
    CHANNELS = "channels"
    DATA_CLASSES = "data_classes"
    VENDORS = "vendors"
    AMOUNT = "amount"
    TRANCHES = "tranches"
    EXPOSURE = "exposure"
    BENEFITS = "benefits"
    SPONSOR = "sponsor"
    PROPOSER = "proposer"
    STEWARD = "steward"
    OWNING_UNIT = "owning_unit"
    PILOT_PLAN = "pilot_plan"
    RESPONSE_ROTA = "response_rota"
    CONTROLS = "controls"
    CATEGORY = "category"
    ENVELOPE = "envelope"


PROGRAM_ROLES = frozenset({"sponsor", "counter-sponsor", "proposer", "steward", "liaison"})
"""Roles that each program fills with people of its own; the charter cannot name them."""
