"""A clock that tests move."""

import threading
from datetime import datetime, timedelta


class SettableClock:
    """Stands still until it is set or advanced; read from the database's threads too."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def set(self, instant: datetime) -> None:
        with self._lock:
            self._now = instant

    def advance(self, by: timedelta) -> datetime:
        with self._lock:
            self._now += by
            return self._now
