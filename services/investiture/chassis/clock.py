"""The one source of business time.

Domain dates, statements and timetables are stamped and compared by a :class:`Clock`, which tests
move. Tokens, gRPC deadlines and spans stay on the system clock and do not come from here.
"""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Says what time it is for business purposes."""

    def now(self) -> datetime:
        """Return the present instant, timezone-aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock: what every process uses outside tests."""

    def now(self) -> datetime:
        """Return the present instant, timezone-aware, in UTC."""
        return datetime.now(UTC)
