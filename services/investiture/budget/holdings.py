"""What is held for a program and what is promised from it, in minor units. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256


class Tranche(StrEnum):
    """Part of a reservation, by stage."""

    TRIAL = "TRIAL"
    PILOT = "PILOT"
    GENERAL = "GENERAL"


class Hold(StrEnum):
    """What became of a reservation: at most one of a program's is anything but REPLACED."""

    HELD = "HELD"
    REPLACED = "REPLACED"
    RELEASED = "RELEASED"
    LAPSED = "LAPSED"
    EXPIRED = "EXPIRED"

    @property
    def may_owe(self) -> bool:
        """Whether commitments may be open: a timeout ends what is free, never what is promised."""
        return self in (Hold.HELD, Hold.EXPIRED)


def provisional_name(case_name: str) -> str:
    """What a case reserved provisionally is called: beside what its ordinary decision reserves."""
    return f"{case_name}/provisional"


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money held for a program by a confirmed round, in minor units of `currency`.

    `carried_minor` is what a later round took over: commitments and spend stay with the program.
    `released_minor` went back to the envelope, or lapsed where the state says so. At `expires_at`
    what remains goes back by itself; None is a row of before there were timeouts, long replaced.
    Raises ValueError where the parts do not come to what was reserved.
    """

    case_name: str
    program: str
    envelope: str
    currency: str
    reserved_minor: int
    remaining_minor: int
    committed_minor: int = 0
    actual_minor: int = 0
    released_minor: int = 0
    carried_minor: int = 0
    state: Hold = Hold.HELD
    version: int = 1
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        parts = (
            self.remaining_minor,
            self.committed_minor,
            self.actual_minor,
            self.released_minor,
            self.carried_minor,
        )
        if min(parts) < 0 or sum(parts) != self.reserved_minor:
            raise ValueError(f"{self.case_name}: {parts} do not come to {self.reserved_minor}")

    @property
    def name(self) -> str:
        """Resource name: the case's, with `/reservation`."""
        return f"{self.case_name}/reservation"


@dataclass(frozen=True, slots=True)
class Commitment:
    """Money promised to a vendor, or to IT where `vendor` is empty, in minor units.

    `lapsed_minor` lapsed with the year of the envelope `lapsed_in` and was not rolled forward yet.
    `rolls_forward` names the commitment whose late actual of the day `spent_on` this one is.
    """

    name: str
    program: str
    number: int
    vendor: str
    tranche: Tranche
    amount_minor: int
    actual_minor: int = 0
    closed: bool = False
    version: int = 1
    lapsed_minor: int = 0
    lapsed_in: str = ""
    rolls_forward: str = ""
    spent_on: str = ""

    @property
    def open_minor(self) -> int:
        """What may still be spent of it."""
        return 0 if self.closed else self.amount_minor - self.actual_minor

    @property
    def used_minor(self) -> int:
        """What it takes of its tranche: the promise while open, the spend once closed."""
        return self.actual_minor if self.closed else self.amount_minor

    @property
    def etag(self) -> str:
        """Changes with every version."""
        return sha256(f"{self.name}\n{self.version}".encode()).hexdigest()[:20]
