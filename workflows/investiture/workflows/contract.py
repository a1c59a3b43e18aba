"""Names that whoever talks to the workflows has to agree on; nothing here does anything."""

from collections.abc import Mapping
from typing import Final

TASK_QUEUE: Final = "investiture"
LAUNCH_PATH: Final = "LaunchPath"
PROVE_RETURN: Final = "ProveReturn"
RING: Final = "ring"
"""Signal with a `Ring`: something may have changed, look again. It never decides."""
RETRY: Final = "retry"
"""Signal without an argument: try again what an unexpected answer parked."""

READ_PROGRAM: Final = "read_program"
OPEN_GATE: Final = "open_gate"
READ_GATE: Final = "read_gate"
ESCALATE_GATE: Final = "escalate_gate"
EXECUTE_LAUNCH: Final = "execute_launch"
RELEASE_GATE: Final = "release_gate"

GATE_ATTRIBUTE: Final = "InvGate"
STATE_ATTRIBUTE: Final = "InvState"
HOLDER_ROLE_ATTRIBUTE: Final = "InvHolderRole"
RISK_BAND_ATTRIBUTE: Final = "InvRiskBand"
UNITS_ATTRIBUTE: Final = "InvUnits"
DUE_AT_ATTRIBUTE: Final = "InvDueAt"
STALL_BILL_ATTRIBUTE: Final = "InvStallBillMinor"
ESCALATED_ATTRIBUTE: Final = "InvEscalated"

SEARCH_ATTRIBUTES: Final[Mapping[str, str]] = {
    GATE_ATTRIBUTE: "Keyword",
    STATE_ATTRIBUTE: "Keyword",
    HOLDER_ROLE_ATTRIBUTE: "Keyword",
    RISK_BAND_ATTRIBUTE: "Keyword",
    UNITS_ATTRIBUTE: "KeywordList",
    DUE_AT_ATTRIBUTE: "Datetime",
    STALL_BILL_ATTRIBUTE: "Int",
    ESCALATED_ATTRIBUTE: "Bool",
}
"""What has to be registered on the namespace, as the Temporal CLI names the types."""

MEMO_NOW: Final = "now"
"""Memo field with one line on where a path is, readable without a worker."""


def launch_path_id(program: str) -> str:
    """Workflow id of a program's path; `program` is a resource name, `programs/{program}`."""
    return f"launch-path/{program.removeprefix('programs/')}"


def prove_return_id(program: str) -> str:
    """Workflow id of a launched program's proof; `program` is a resource name."""
    return f"prove-return/{program.removeprefix('programs/')}"


def after_launch_path(workflow_id: str) -> str | None:
    """Workflow id that a ring for an ended path goes to, the proof's; None for any other id."""
    of_none = launch_path_id("")
    if not workflow_id.startswith(of_none):
        return None
    return prove_return_id(workflow_id.removeprefix(of_none))


def search_attribute_arguments() -> list[str]:
    """Arguments that make `temporal server start-dev` register the search attributes."""
    arguments: list[str] = []
    for name, kind in SEARCH_ATTRIBUTES.items():
        arguments += ["--search-attribute", f"{name}={kind}"]
    return arguments
