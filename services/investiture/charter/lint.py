"""The lint: gaps, overlaps and contradictions of a charter, by file, line and rule."""

from investiture.charter.document import Document
from investiture.charter.finding import Finding
from investiture.charter.model import Charter
from investiture.charter.rules import (
    Check,
    Report,
    authority,
    committees,
    organisation,
    references,
    risk,
    time,
)

CHECKS: tuple[Check, ...] = (
    *references.CHECKS,
    *organisation.CHECKS,
    *committees.CHECKS,
    *authority.CHECKS,
    *time.CHECKS,
    *risk.CHECKS,
)


def lint(charter: Charter, document: Document) -> tuple[Finding, ...]:
    """Return what is wrong with a charter, by line; ``document`` is what it was read from."""
    report = Report(document)
    for check in CHECKS:
        check(charter, report)
    return tuple(sorted(report.findings, key=lambda one: (one.line, one.rule, one.message)))
