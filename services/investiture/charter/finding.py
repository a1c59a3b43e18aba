"""What the lint has to say: by file, line and rule, with the remedy."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether a finding stops the start."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    ``line`` counts from 1; ``field`` is the path in the document, dotted, empty for the whole.
    """

    file: str
    line: int
    rule: str
    severity: Severity
    message: str
    remedy: str
    field: str = ""

    def __str__(self) -> str:
        """Return one line, as compilers write it, so that editors can jump to it."""
        return f"{self.file}:{self.line}: {self.severity} [{self.rule}] {self.message}; " + (
            self.remedy
        )


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that stop a start."""
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)


class DocumentBroken(Exception):
    """A file cannot be used; every finding says where and what to do."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


class CharterBroken(DocumentBroken):
    """A charter cannot be used: the start stops."""
