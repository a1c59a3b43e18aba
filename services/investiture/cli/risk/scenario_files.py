"""Scenario files: a question to the mathematics of risk, as people write it."""

import re
from pathlib import Path

from investiture.charter.document import At, Document, read
from investiture.charter.finding import DocumentBroken, Finding, Severity
from investiture.chassis.refusal import FieldViolation, InvalidArgument
from investiture.itrisk.quantification.document import question_of
from investiture.itrisk.quantification.scenarios import Question

_STEP = re.compile(r"([^.\[\]]+)|\[([0-9]+)\]")
_TOP = re.compile(r"^file(\.|$)")
_AS_NUMBER = "write it as 100000, 1e5 or 100_000, without quotes, commas or a unit"


def question_in(path: Path) -> Question:
    """Read a scenario file.

    Raises:
        DocumentBroken: it cannot be read, is no YAML, or a field is wrong; with line and remedy.
    """
    document = read(path)
    try:
        return question_of(document.value)
    except InvalidArgument as refused:
        raise DocumentBroken(_finding(document, one) for one in refused.violations) from None


def _finding(document: Document, violation: FieldViolation) -> Finding:
    field = _TOP.sub("", violation.field)
    at: At = tuple(int(step[2]) if step[2] else step[1] for step in _STEP.finditer(field))
    text = violation.description.startswith("is to be a number, not '")
    return Finding(
        file=document.file,
        line=document.line(at),
        rule="field-refused",
        severity=Severity.ERROR,
        message=violation.description if field else f"the file {violation.description}",
        remedy=_AS_NUMBER if text else "correct it",
        field=field,
    )
