"""Refusals: the domain errors every layer may raise and the client may read.

A refusal is an answer, not a fault: it knows its status code and its reason, and says what to do
about it. This module is standard library only, so that domains may import it; ``status.py`` turns
a refusal into a ``google.rpc.Status``.

``reason`` is the name of a ``investiture.api.common.v1.ErrorReason`` value without its
``ERROR_REASON_`` prefix; ``code`` is the name of a ``google.rpc.Code`` value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import ClassVar

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request that breaks a rule.

    ``field`` is the path in proto snake_case, dotted (``revision.amount``,
    ``audiences[0].size``); empty for a rule about the whole message.
    """

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class Leg:
    """One failed leg of a precondition: what failed, on what, why, and what would mend it."""

    type: str
    subject: str
    description: str
    remedy: str


class Refusal(Exception):
    """The base of every refusal; never raised itself.

    ``message`` is shown to people and leaves the process: no class name, SQL or path in it.
    ``metadata`` is machine-readable and leaves too.
    """

    code: ClassVar[str] = "UNKNOWN"

    def __init__(
        self, reason: str, message: str, *, metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata: Mapping[str, str] = _NOTHING if metadata is None else dict(metadata)

    def __str__(self) -> str:
        """Return ``REASON: message``, as logs and failing tests show it."""
        return f"{self.reason}: {self.message}"


class InvalidArgument(Refusal):
    """The request itself is wrong, whatever the state: INVALID_ARGUMENT."""

    code: ClassVar[str] = "INVALID_ARGUMENT"

    def __init__(
        self,
        message: str = "",
        *,
        violations: Sequence[FieldViolation] = (),
        reason: str = "INVALID_FIELD",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.violations = tuple(violations)
        super().__init__(
            reason,
            message or "; ".join(_sentence(v) for v in self.violations) or "the request is invalid",
            metadata=metadata,
        )

    @classmethod
    def of(
        cls, field: str, description: str, *, reason: str = "INVALID_FIELD"
    ) -> "InvalidArgument":
        """Return the refusal of one field, its path in proto snake_case."""
        return cls(violations=(FieldViolation(field, description),), reason=reason)


class PreconditionFailed(Refusal):
    """The request is right but the state is not (yet): FAILED_PRECONDITION, each leg named."""

    code: ClassVar[str] = "FAILED_PRECONDITION"

    def __init__(
        self,
        reason: str,
        message: str = "",
        *,
        legs: Sequence[Leg] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.legs = tuple(legs)
        super().__init__(
            reason,
            message or "; ".join(leg.description for leg in self.legs) or "the state forbids it",
            metadata=metadata,
        )


class NotFound(Refusal):
    """There is no such resource, said only to those who may know: NOT_FOUND."""

    code: ClassVar[str] = "NOT_FOUND"

    def __init__(
        self,
        resource: str,
        message: str = "",
        *,
        reason: str = "RESOURCE_NOT_FOUND",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.resource = resource
        super().__init__(
            reason,
            message or f"{resource} does not exist",
            metadata={"resource": resource, **(metadata or {})},
        )


class AlreadyExists(Refusal):
    """The name or request id is taken by something else: ALREADY_EXISTS."""

    code: ClassVar[str] = "ALREADY_EXISTS"

    def __init__(
        self,
        message: str,
        *,
        reason: str = "REQUEST_ID_REUSED",
        resource: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.resource = resource
        named = {"resource": resource} if resource else {}
        super().__init__(reason, message, metadata={**named, **(metadata or {})})


class Stale(Refusal):
    """The caller decided on an older version: ABORTED; read again, then decide again."""

    code: ClassVar[str] = "ABORTED"

    def __init__(
        self,
        resource: str,
        current_etag: str,
        message: str = "",
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.resource = resource
        self.current_etag = current_etag
        super().__init__(
            "STALE_ETAG",
            message
            or f"{resource} has changed since it was read; read it again and decide on that",
            metadata={"resource": resource, "current_etag": current_etag, **(metadata or {})},
        )


class Denied(Refusal):
    """This caller may not do this: PERMISSION_DENIED."""

    code: ClassVar[str] = "PERMISSION_DENIED"


class Unauthenticated(Refusal):
    """The caller did not prove who it is: UNAUTHENTICATED."""

    code: ClassVar[str] = "UNAUTHENTICATED"


class Exhausted(Refusal):
    """A limit is reached: RESOURCE_EXHAUSTED, worth another try after ``retry_after``."""

    code: ClassVar[str] = "RESOURCE_EXHAUSTED"

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        retry_after: timedelta,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.retry_after = retry_after
        super().__init__(reason, message, metadata=metadata)


class Unavailable(Refusal):
    """Something this call needs is down; nothing was stored: UNAVAILABLE."""

    code: ClassVar[str] = "UNAVAILABLE"

    def __init__(
        self,
        message: str,
        *,
        reason: str = "DEPENDENCY_UNAVAILABLE",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(reason, message, metadata=metadata)


def _sentence(violation: FieldViolation) -> str:
    if not violation.field:
        return violation.description
    return f"{violation.field}: {violation.description}"
