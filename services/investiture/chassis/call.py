"""Who calls, what, and until when: what a handler knows of the call besides its request."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    ``subject`` is a resource name, ``people/ada`` or ``workloads/worker``; ``name`` is for
    display only and never compared.
    """

    subject: str
    roles: frozenset[str]
    name: str = ""

    @property
    def is_person(self) -> bool:
        """Whether a person calls, not a workload."""
        return self.subject.startswith("people/")


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the chain let it through: authenticated, allowed, bounded in time."""

    principal: Principal
    method: str
    """The full method, ``/package.Service/Method``."""
    traceparent: str = ""
    """The W3C trace context of this call's span, to be stored and linked to; empty if none."""
    deadline: datetime | None = None
    """When the chain cancels the handler, on the system clock, in UTC."""
