"""What went wrong, in plain words, with the exit code that scripts go by."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import grpc
from rich.markup import escape
from rich.text import Text

from investiture.charter.finding import DocumentBroken, Finding
from investiture.chassis.client import Problem, explain
from investiture.chassis.settings import SettingsError
from investiture.cli.output import complaints
from investiture.stack.failures import FolderInUse, StackFailure, StartFailed

OK = 0
USAGE = 2
BAD_INPUT = 65
NOT_FOUND = 66
UNAVAILABLE = 69
INTERNAL = 70
EXISTS = 73
STALE = 75
PRECONDITION = 76
PERMISSION = 77
CONFIG = 78
INTERRUPTED = 130

EXIT_CODES: Mapping[int, str] = {
    OK: "done",
    1: "the demo did not end as expected",
    USAGE: "the command line is wrong",
    BAD_INPUT: "a file or a field is wrong; each is named, nothing was stored",
    NOT_FOUND: "no such resource, or none that you may see",
    UNAVAILABLE: "a service does not answer; repeat with the same --request-id",
    INTERNAL: "a fault of ours; the message has an id to look for in the logs",
    EXISTS: "it exists already, or the --request-id came with another body",
    STALE: "the record changed since it was read; read it again and decide again",
    PRECONDITION: "the state does not allow it; each failed leg is named with its remedy",
    PERMISSION: "you are not known, or may not do this",
    CONFIG: "the configuration cannot be used; the variable is named",
    INTERRUPTED: "stopped by Ctrl-C",
}
"""From 64 on after sysexits.h, where it has a fitting one."""

_BY_STATUS: Mapping[str, int] = {
    "INVALID_ARGUMENT": BAD_INPUT,
    "OUT_OF_RANGE": BAD_INPUT,
    "NOT_FOUND": NOT_FOUND,
    "UNAVAILABLE": UNAVAILABLE,
    "DEADLINE_EXCEEDED": UNAVAILABLE,
    "RESOURCE_EXHAUSTED": UNAVAILABLE,
    "CANCELLED": UNAVAILABLE,
    "ALREADY_EXISTS": EXISTS,
    "ABORTED": STALE,
    "FAILED_PRECONDITION": PRECONDITION,
    "PERMISSION_DENIED": PERMISSION,
    "UNAUTHENTICATED": PERMISSION,
}


class Complaint(Exception):
    """Something the command itself refuses, in words, with its exit code."""

    def __init__(self, message: str, code: int, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.remedy = remedy


class UnexpectedOutcome(Exception):
    """A demo that did not end as expected."""


@dataclass(frozen=True, slots=True)
class Told:
    """A problem as it is told: for people as lines, for scripts as JSON."""

    code: int
    lines: Sequence[Text | str]
    content: Mapping[str, object]


_KNOWN = (
    grpc.aio.AioRpcError,
    DocumentBroken,
    SettingsError,
    Complaint,
    StackFailure,
    UnexpectedOutcome,
)


def tell(error: Exception, *, as_json: bool) -> int:
    """Print what went wrong on standard error; return the exit code.

    Raises:
        Exception: the error itself, where it is none that a person can be told in words.
    """
    if not isinstance(error, _KNOWN):
        raise error
    told = _told(error)
    if as_json:
        complaints.print_json(json.dumps({"error": told.content}))
    else:
        for line in told.lines:
            complaints.print(line)
    return told.code


def _told(error: Exception) -> Told:
    match error:
        case grpc.aio.AioRpcError():
            return _refused(explain(error))
        case DocumentBroken():
            return _broken(error.findings)
        case SettingsError():
            return _plain(CONFIG, str(error), "")
        case Complaint():
            return _plain(error.code, error.message, error.remedy)
        case FolderInUse():
            remedy = "use it as it is, or stop it with `investiture down`"
            return _plain(EXISTS, str(error), remedy)
        case StartFailed():
            return _plain(UNAVAILABLE, str(error), "")
        case UnexpectedOutcome():
            return _plain(1, str(error), "")
        case _:
            return _plain(CONFIG, str(error), "")


def status_code(problem: Problem) -> int:
    """Return the exit code of a failed call."""
    return _BY_STATUS.get(problem.code, INTERNAL)


def _refused(problem: Problem) -> Told:
    if problem.code == "UNAVAILABLE" and not problem.reason:  # no server of ours said so
        problem = replace(problem, message="the service does not answer; is the stack running?")
    head = Text.assemble((problem.reason or problem.code, "bold red"), f"  {problem.message}")
    lines: list[Text | str] = [head]
    for leg in problem.legs:
        lines.append(Text.assemble(("  ✗ ", "red"), leg.description))
        if leg.remedy:
            lines.append(Text.assemble(("    → ", "green"), leg.remedy))
    for violation in problem.violations:
        where = violation.field or "the request"
        lines.append(Text.assemble(("  ✗ ", "red"), (where, "bold"), f": {violation.description}"))
    if problem.retry_after is not None:
        lines.append(f"  try again in {problem.retry_after.total_seconds():g} s")
    content: dict[str, object] = {
        "status": problem.code,
        "reason": problem.reason,
        "message": problem.message,
        "metadata": dict(problem.metadata),
        "legs": [asdict(leg) for leg in problem.legs],
        "violations": [asdict(violation) for violation in problem.violations],
    }
    return Told(status_code(problem), lines, content)


def _broken(findings: Sequence[Finding]) -> Told:
    unreadable = any(finding.rule == "file-unreadable" for finding in findings)
    lines = [escape(finding_line(finding)) for finding in findings]
    content = {
        "reason": "INVALID_FILE",
        "message": f"{len(findings)} findings; nothing was stored",
        "findings": [asdict(finding) for finding in findings],
    }
    return Told(NOT_FOUND if unreadable else BAD_INPUT, lines, content)


def finding_line(finding: Finding) -> str:
    """Return a finding as one line that editors jump to: file:line: field: what; remedy."""
    field = f" {finding.field}:" if finding.field else ""
    return f"{finding.file}:{finding.line}:{field} {finding.message}; {finding.remedy}"


def _plain(code: int, message: str, remedy: str) -> Told:
    lines: list[Text | str] = [Text(message, style="red")]
    if remedy:
        lines.append(Text.assemble(("  → ", "green"), remedy))
    return Told(code, lines, {"message": message, "remedy": remedy})
