"""A directory that answers what a test wants: what services ask of it, over a socket."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.type.money_pb2 import Money

from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework import wire
from investiture.chassis.clock import Clock


class ScriptedDirectory:
    """Everybody works here without limit, but for whom the test says otherwise."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.people: dict[str, pb.Authority] = {}
        self.down = False
        self.asked: list[str] = []
        self.on_ask: Callable[[], None] | None = None
        self._published: dict[str, pb.PersonStanding] = {}
        self._newest = 0

    def say(
        self,
        person: str,
        *,
        active: bool = True,
        guest: bool = False,
        limit_units: int = -1,
        interest: str = "",
        reports_to: str = "",
        side: str = "",
        superiors: Sequence[str] = (),
    ) -> None:
        """Says of a person: whether active, a guest, a limit in EUR (-1: none), their conflicts.

        `side` is BUSINESS, MONEY or IT; empty for one who works on none. `superiors` is the line
        above, nearest first.
        """
        limit = None if limit_units < 0 else Money(currency_code="EUR", units=limit_units)
        self.people[person] = pb.Authority(
            active=active,
            guest=guest,
            limit=limit,
            unlimited=limit is None,
            interests=[
                pb.InterestInForce(name=f"{person}/interests/1", subject=subject)
                for subject in (interest,)
                if subject
            ],
            reports_to=[name for name in (reports_to,) if name],
            side=gate_pb2.Side.Value(f"SIDE_{side or 'UNSPECIFIED'}"),
            superiors=superiors,
        )

    def publish(self, person: str, *, able: bool = True, away: bool = False) -> None:
        """Publishes of a person: whether they may decide at all, and whether they are away now."""
        self._newest += 1
        absences = [pb.PersonStanding.Away(starts_at=wire.stamp(self._clock.now()))] if away else []
        self._published[person] = pb.PersonStanding(
            person=person, position=self._newest, able=able, absences=absences
        )

    async def changes(
        self,
        request: pb.ListDirectoryChangesRequest,
        context: grpc.aio.ServicerContext[
            pb.ListDirectoryChangesRequest, pb.ListDirectoryChangesResponse
        ],
    ) -> pb.ListDirectoryChangesResponse:
        if self.down:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "down")
        found = [o for o in self._published.values() if o.position > request.after_position]
        return pb.ListDirectoryChangesResponse(
            people=sorted(found, key=lambda one: one.position), newest_position=self._newest
        )

    async def resolve(
        self,
        request: pb.ResolveAuthorityRequest,
        context: grpc.aio.ServicerContext[pb.ResolveAuthorityRequest, pb.Authority],
    ) -> pb.Authority:
        self.asked.append(request.person)
        if self.on_ask is not None:
            self.on_ask()
        if self.down:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "down")
        answer = pb.Authority(active=True, unlimited=True)
        if request.person in self.people:
            answer.CopyFrom(self.people[request.person])
        answer.person = request.person
        answer.on_behalf_of = request.on_behalf_of
        resolved_at = wire.stamp(self._clock.now())
        assert resolved_at is not None
        answer.resolved_at.CopyFrom(resolved_at)
        return answer


@asynccontextmanager
async def scripted_directory(clock: Clock) -> AsyncGenerator[tuple[ScriptedDirectory, str]]:
    """The directory and its address."""
    directory = ScriptedDirectory(clock)
    server = grpc.aio.server()
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "ResolveAuthority": grpc.unary_unary_rpc_method_handler(
            directory.resolve,
            request_deserializer=pb.ResolveAuthorityRequest.FromString,
            response_serializer=pb.Authority.SerializeToString,
        ),
        "ListDirectoryChanges": grpc.unary_unary_rpc_method_handler(
            directory.changes,
            request_deserializer=pb.ListDirectoryChangesRequest.FromString,
            response_serializer=pb.ListDirectoryChangesResponse.SerializeToString,
        ),
    }
    service = pb.DESCRIPTOR.services_by_name["SponsorshipService"].full_name
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield directory, f"127.0.0.1:{port}"
    finally:
        await server.stop(0)
