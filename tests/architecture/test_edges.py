"""What only one place may touch: the system clock, alembic, the experimental tracing plugin."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = Path("services/investiture")
CHASSIS = SERVICES / "chassis"

RULES = {
    # Tests run the clocks of services and workflows in step: a date read elsewhere is wrong.
    # Tokens, deadlines and screens run on the system clock.
    r"\b(datetime\.(now|utcnow)|date\.today|time\.time(_ns)?)\(": (
        CHASSIS,
        SERVICES / "cli",
        SERVICES / "stack",
    ),
    # Servers compare a version at start; migrating is a command of its own.
    r"^\s*(from|import) alembic\b": (
        CHASSIS / "migrate.py",
        CHASSIS / "migration_env.py",
        CHASSIS / "migration_steps.py",
        SERVICES / "casework" / "migration_steps.py",
        *(SERVICES / name / "migrations" for name in ("sponsorship", "budget", "itrisk", "launch")),
    ),
    # Marked experimental: one file to change when it does.
    r"temporalio\.contrib\.opentelemetry": (CHASSIS / "temporal.py",),
}


@pytest.mark.parametrize("pattern", RULES)
def test_only_its_own_place_touches_it(pattern: str) -> None:
    allowed = RULES[pattern]
    found = [
        path.relative_to(ROOT).as_posix()
        for root in ("services", "workflows")
        for path in sorted((ROOT / root).rglob("*.py"))
        if not any(path.is_relative_to(ROOT / place) for place in allowed)
        and re.search(pattern, path.read_text(), re.MULTILINE)
    ]
    assert found == []
