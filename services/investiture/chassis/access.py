"""Who may call what: read from the method option ``investiture.api.common.v1.access``.

Deny by default: a method without the option, or with one that allows nobody, stops the server that
would serve it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from investiture.api.common.v1 import access_pb2
from investiture.chassis.call import Principal
from investiture.chassis.refusal import Denied

_OPTION = access_pb2.access
_READS = ("Get", "List")


class AccessMissing(Exception):
    """A method says nothing, or nothing usable, about who may call it."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call one method, and how long it is served under load."""

    roles: frozenset[str]
    any_authenticated: bool
    priority: access_pb2.Priority.ValueType
    """An ``investiture.api.common.v1.Priority``; the higher, the longer it is served."""

    def check(self, principal: Principal) -> None:
        """Let a caller through.

        Raises:
            Denied: ROLE_MISSING, naming the roles that may.
        """
        if self.any_authenticated or not self.roles.isdisjoint(principal.roles):
            return
        wanted = ", ".join(sorted(self.roles))
        raise Denied(
            "ROLE_MISSING",
            f"{principal.subject} has none of the roles that may call this: {wanted}",
            metadata={"roles": wanted},
        )


@dataclass(frozen=True, slots=True)
class RoleRow:
    """One row of the role table: a method and who may call it."""

    service: str
    method: str
    roles: tuple[str, ...]
    """Sorted; empty where every authenticated principal may call."""
    any_authenticated: bool
    priority: str


def service_descriptor(service: str) -> ServiceDescriptor:
    """Return the descriptor of a service by its full name.

    Raises:
        LookupError: no generated module that declares it was imported.
    """
    try:
        found: ServiceDescriptor = descriptor_pool.Default().FindServiceByName(service)
    except KeyError:
        raise LookupError(f"no imported module declares the service {service}") from None
    return found


def access_of(method: MethodDescriptor) -> Access:
    """Return who may call a method.

    Raises:
        AccessMissing: with the method's full name.
    """
    options = method.GetOptions()
    if not options.HasExtension(_OPTION):
        raise AccessMissing(f"{method.full_name} has no access option")
    option = options.Extensions[_OPTION]
    if option.any_authenticated == bool(option.roles):
        raise AccessMissing(
            f"{method.full_name} has an access option that names no roles, or names some beside"
            " any_authenticated"
        )
    return Access(
        frozenset(option.roles), option.any_authenticated, option.priority or _by_name(method.name)
    )


def role_table(services: Iterable[str]) -> Iterator[RoleRow]:
    """Yield a row for each method of the named services, in the order of their protos."""
    for service in services:
        for method in methods_of(service_descriptor(service)):
            access = access_of(method)
            yield RoleRow(
                service=service,
                method=method.name,
                roles=tuple(sorted(access.roles)),
                any_authenticated=access.any_authenticated,
                priority=access_pb2.Priority.Name(access.priority).removeprefix("PRIORITY_"),
            )


def methods_of(service: ServiceDescriptor) -> list[MethodDescriptor]:
    """Return a service's methods in the order of its proto."""
    methods: Any = service.methods  # a C container that the stubs type as one of Any
    return list(methods)


def _by_name(rpc: str) -> access_pb2.Priority.ValueType:
    return access_pb2.PRIORITY_READ if rpc.startswith(_READS) else access_pb2.PRIORITY_DECIDE
