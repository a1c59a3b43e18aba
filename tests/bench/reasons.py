"""Why a target is missed, where one is: from the profiles taken when the figures were made."""

from tests.bench.figures import Findings


def reasons(findings: Findings) -> list[str]:
    """Return the reason of each kind of row that missed its target."""
    missed = {row.key for row in findings.rows if row.met is False}
    return [text for prefix, text in _REASONS.items() if any(k.startswith(prefix) for k in missed)]


_REASONS: dict[str, str] = {}
