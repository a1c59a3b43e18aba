"""Instants and durations to and from the API."""

from datetime import UTC, datetime, timedelta

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

NEVER_MS = -1
_MS = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamp(instant: datetime | None) -> Timestamp | None:
    """The API's form of an instant; None stays unset."""
    if instant is None:
        return None
    # By hand: FromDatetime takes twice as long, and an answer has a dozen of them.
    since = instant - _EPOCH
    seconds = since.days * 86_400 + since.seconds
    return Timestamp(seconds=seconds, nanos=since.microseconds * 1_000)


def instant(message: Message, field: str) -> datetime | None:
    """The instant in `field` of `message`, in UTC; None where it is unset."""
    if not message.HasField(field):
        return None
    value: Timestamp = getattr(message, field)
    return value.ToDatetime(tzinfo=UTC)


def required_instant(message: Message, field: str) -> datetime:
    """The instant in a field that the issuer always sets; ValueError where it did not."""
    found = instant(message, field)
    if found is None:
        raise ValueError(f"{field} is unset")
    return found


def milliseconds_until(at: datetime | None, now: datetime) -> int:
    """Whole milliseconds from `now` to `at`, rounded up; 0 where it is past, -1 for None."""
    if at is None:
        return NEVER_MS
    return max(0, -((now - at) // _MS))
