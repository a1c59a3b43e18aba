"""The three services as their own `compose` wires them, called without a socket.

From the handlers on everything is what production runs: rules, transactions, a real database. What
is left out is the chain before the handlers (tokens, roles, field rules): every caller here has
every role, so that no role keeps the sides apart. The one call between services stays in the
process too.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import grpc
import pytest
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.type.money_pb2 import Money
from tests.contract.sides.houses import ENVELOPE, Enterprise
from tests.support.clock import SettableClock
from tests.support.services import NOBODY_LISTENS, Realm, Served, migrated, new_request_id, served

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.budget.__main__ import compose as compose_budget
from investiture.casework import foundation
from investiture.casework.charters import Charters
from investiture.casework.directory import authority_of
from investiture.casework.facts import Authority
from investiture.casework.foundation import Foundation
from investiture.casework.handlers import SERVICE as CASE_SERVICE
from investiture.casework.handlers import CaseHandlers
from investiture.casework.operations import CaseOperations
from investiture.casework.words import Purpose
from investiture.chassis.call import Call, Principal
from investiture.chassis.client import explain
from investiture.chassis.refusal import Refusal
from investiture.chassis.server import Binding, Server
from investiture.itrisk.__main__ import compose as compose_itrisk
from investiture.sponsorship.__main__ import compose as compose_sponsorship
from investiture.sponsorship.emergencies import SERVICE as EMERGENCY_SERVICE

_COMPOSE = {
    "sponsorship": compose_sponsorship,
    "budget": compose_budget,
    "itrisk": compose_itrisk,
}
_API = {
    "sponsorship": ("investiture.api.sponsorship.v1.SponsorshipService", EMERGENCY_SERVICE),
    "budget": ("investiture.api.budget.v1.BudgetService",),
    "itrisk": ("investiture.api.itrisk.v1.ItRiskService",),
}
ROLES = frozenset(
    {
        *("proposer", "sponsor", "endorser", "finance", "reviewer", "budget-committee"),
        *("governance", "operator", "auditor", "directory-admin", "service", "worker"),
    }
)


@dataclass(frozen=True, slots=True)
class Room:
    """One service's handlers."""

    bindings: tuple[Binding, ...]

    async def ask(self, caller: str, method: str, request: Any) -> Any:
        """The answer to a caller with every role; raises the Refusal."""
        for binding in self.bindings:
            handler = getattr(binding.handlers, method, None)
            if handler is not None:
                call = Call(Principal(caller, ROLES), f"/{binding.service}/{method}")
                return await handler(request, call)
        raise AssertionError(f"nobody answers {method}")

    async def attempt(self, caller: str, method: str, request: Any) -> tuple[Any, str]:
        """The answer, or the reason of the refusal."""
        try:
            return await self.ask(caller, method, request), ""
        except Refusal as refusal:
            return None, refusal.reason


class DistantRoom:
    """One service over its socket: tokens, roles and field rules included."""

    def __init__(self, service: Served, *names: str) -> None:
        self._service = service
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._methods = {
            method.name: (f"/{name}/{method.name}", GetMessageClass(method.output_type))
            for name in names
            for method in Default().FindServiceByName(name).methods
        }

    async def ask(self, caller: str, method: str, request: Any) -> Any:
        """The answer to a caller with every role; raises the RpcError."""
        if caller not in self._channels:
            self._channels[caller] = self._service.channel(caller, *ROLES)
        path, answer = self._methods[method]
        call: Any = self._channels[caller].unary_unary(
            path,
            request_serializer=_bytes_of,
            response_deserializer=answer.FromString,
        )
        return await call(request)

    async def attempt(self, caller: str, method: str, request: Any) -> tuple[Any, str]:
        """The answer, or the reason of the refusal."""
        try:
            return await self.ask(caller, method, request), ""
        except grpc.aio.AioRpcError as error:
            return None, explain(error).reason


class AnyRoom(Protocol):
    """A service, near or over its socket."""

    async def ask(self, caller: str, method: str, request: Any) -> Any: ...

    async def attempt(self, caller: str, method: str, request: Any) -> tuple[Any, str]: ...


class NearDirectory:
    """The directory without the socket between the services."""

    def __init__(self, sponsorship: Room) -> None:
        self._sponsorship = sponsorship

    async def resolve(self, person: str, purpose: Purpose, on_behalf_of: str = "") -> Authority:
        request = sponsorship_pb.ResolveAuthorityRequest(
            person=person,
            purpose=sponsorship_pb.Purpose.Value(f"PURPOSE_{purpose.value}"),
            on_behalf_of=on_behalf_of,
        )
        return authority_of(await self._sponsorship.ask("workloads/x", "ResolveAuthority", request))


def own_charter(made: Enterprise) -> Callable[..., Awaitable[Charters]]:
    """The enterprise's charter, also where the lint would not let it pass."""

    async def known(_database: object, _file: object, clock: SettableClock) -> Charters:
        return Charters.only(made.charter, clock.now())

    return known


@asynccontextmanager
async def rooms(
    patch: pytest.MonkeyPatch, realm: Realm, clock: SettableClock, folder: Path, made: Enterprise
) -> AsyncGenerator[dict[str, AnyRoom]]:
    """The services over an enterprise, its people imported and its money issued."""
    found: dict[str, Room] = {}
    bound: list[Binding] = []
    serve = Foundation.server

    def server(
        base: Foundation,
        cases: CaseOperations,
        bindings: list[Binding],
        *given: Any,
    ) -> Server:
        served = serve(base, cases, bindings, *given)
        directory = given[0] if given else base.directory()
        handlers = CaseHandlers(cases, base.mutations, base.statements, base.pager, directory)
        bound[:] = [*bindings, Binding(CASE_SERVICE, handlers)]
        return served

    def near(base: Foundation) -> NearDirectory:
        del base
        return NearDirectory(found["sponsorship"])

    async with AsyncExitStack() as closing:
        with patch.context() as context:
            context.setattr(foundation, "charters_of", own_charter(made))
            context.setattr(Foundation, "server", server)
            context.setattr(Foundation, "directory", near)
            for service, compose in _COMPOSE.items():
                url = f"sqlite:///{folder / f'{service}.db'}"
                migrated(service, url)
                settings = realm.settings(service, url, peers={"sponsorship": NOBODY_LISTENS})
                await compose(settings, closing, clock)
                found[service] = Room(tuple(bound))
        near_rooms: dict[str, AnyRoom] = {**found}
        await _settle(near_rooms, made)
        yield near_rooms


@asynccontextmanager
async def distant_rooms(
    patch: pytest.MonkeyPatch, realm: Realm, clock: SettableClock, folder: Path, made: Enterprise
) -> AsyncGenerator[dict[str, AnyRoom]]:
    """The same, each service behind its socket and asking the directory over one."""
    found: dict[str, AnyRoom] = {}
    peers: dict[str, str] = {}
    async with AsyncExitStack() as closing:
        with patch.context() as context:
            context.setattr(foundation, "charters_of", own_charter(made))
            for service, compose in _COMPOSE.items():
                url = f"sqlite:///{folder / f'{service}.db'}"
                running = await closing.enter_async_context(
                    served(compose, service, realm, url, peers=peers)
                )
                peers = {**peers, service: running.address}
                found[service] = DistantRoom(running, *_API[service], CASE_SERVICE)
        await _settle(found, made)
        yield found


async def _settle(found: Mapping[str, AnyRoom], made: Enterprise) -> None:
    await found["sponsorship"].ask(
        "workloads/hr",
        "ImportDirectory",
        sponsorship_pb.ImportDirectoryRequest(request_id=new_request_id(), people=made.directory()),
    )
    await found["budget"].ask(
        "people/committee",
        "IssueEnvelope",
        budget_pb.IssueEnvelopeRequest(
            request_id=new_request_id(),
            envelope_id=ENVELOPE.removeprefix("envelopes/"),
            display_name="All",
            fiscal_year=2027,
            cost_centre="1",
            purpose="launches",
            owner=made.owner,
            appropriation=Money(currency_code="EUR", units=1_000_000_000),
        ),
    )


def _bytes_of(message: Message) -> bytes:
    return message.SerializeToString()
