"""The closed vocabularies of cases. Values equal the API's enum names without their prefixes."""

from enum import StrEnum


class Gate(StrEnum):
    """The gates of the path, in the order in which they are passed."""

    PLEDGE = "PLEDGE"
    FUND = "FUND"
    KNIGHT = "KNIGHT"
    PILOT = "PILOT"
    LAUNCH = "LAUNCH"
    PROVE = "PROVE"


class Side(StrEnum):
    """The three sides that never share a person."""

    BUSINESS = "BUSINESS"
    MONEY = "MONEY"
    IT = "IT"


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "OPEN"
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    STANDING = "STANDING"
    DECLINED = "DECLINED"
    SUPERSEDED = "SUPERSEDED"
    VOIDED = "VOIDED"
    EXPIRED = "EXPIRED"
    RELEASED = "RELEASED"


WAITING = frozenset({CaseState.OPEN, CaseState.CHANGES_REQUESTED})


class Verdict(StrEnum):
    """What a decided case says."""

    PLEDGED = "PLEDGED"
    FUNDED = "FUNDED"
    KNIGHTED = "KNIGHTED"
    KNIGHTED_WITH_CONDITIONS = "KNIGHTED_WITH_CONDITIONS"
    KNIGHTED_FOR_EXPOSURE = "KNIGHTED_FOR_EXPOSURE"
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    DECLINED = "DECLINED"
    PILOT_SUCCEEDED = "PILOT_SUCCEEDED"
    PILOT_FAILED = "PILOT_FAILED"
    GO = "GO"
    LAUNCHED = "LAUNCHED"
    PROVEN = "PROVEN"
    MISSED = "MISSED"
    PROMISE_WAIVED = "PROMISE_WAIVED"


class Basis(StrEnum):
    """Why a decision stands for the revision it stands for."""

    DECISION = "DECISION"
    CARRIED = "CARRIED"
    STANDING_DECISION = "STANDING_DECISION"
    EMERGENCY = "EMERGENCY"


class Amber(StrEnum):
    """Why a case needs a look although nobody decided against it."""

    SPONSOR_IN_NAME_ONLY = "SPONSOR_IN_NAME_ONLY"
    FORWARD_MOVES_PAUSED = "FORWARD_MOVES_PAUSED"
    TRANSFER = "TRANSFER"
    DECISION_LOST = "DECISION_LOST"


class Step(StrEnum):
    """A step of a timetable."""

    NUDGE = "NUDGE"
    WARN = "WARN"
    OVERDUE = "OVERDUE"
    SECOND = "SECOND"
    REPEAT = "REPEAT"


class AppealOutcome(StrEnum):
    """What an appeal against a decline came to."""

    UPHELD = "UPHELD"
    GRANTED = "GRANTED"


class Outcome(StrEnum):
    """How a program ended."""

    PROVEN = "PROVEN"
    MISSED = "MISSED"
    PROMISE_WAIVED = "PROMISE_WAIVED"
    WITHDRAWN = "WITHDRAWN"
    DECLINED = "DECLINED"


class Purpose(StrEnum):
    """For which decision authority is asked."""

    PLEDGE = "PLEDGE"
    POSITION = "POSITION"
    FUND = "FUND"
    KNIGHT = "KNIGHT"
    GO = "GO"
    HOLD = "HOLD"
