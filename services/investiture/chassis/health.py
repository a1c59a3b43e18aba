"""The standard health service (grpc.health.v1), per service and for the whole server.

Our own handlers for its proto: the packaged ones answer undecodable bytes with a class name.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeAlias, cast

from google.protobuf.message import Message
from grpc_health.v1 import health_pb2

from investiture.chassis.call import Call
from investiture.chassis.refusal import NotFound

SERVICE = "grpc.health.v1.Health"

_Status: TypeAlias = int
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
_ListResponse = cast("Any", health_pb2).HealthListResponse  # newer than the package's stubs


class Health:
    """Says of each service whether it serves; the empty name stands for the server."""

    def __init__(self, services: Iterable[str]) -> None:
        names = ["", *services]
        self._status: dict[str, _Status] = {name: NOT_SERVING for name in names}  # noqa: C420 - pyright
        self._changed = asyncio.Event()
        self._drained = False

    def serve(self) -> None:
        """Say SERVING of everything, unless the server drains already."""
        if not self._drained:
            self._set(self._status, SERVING)

    def set(self, service: str, serving: bool) -> None:
        """Say of one service whether it serves; after :meth:`drain` nothing changes any more."""
        if not self._drained:
            self._set([service], SERVING if serving else NOT_SERVING)

    def drain(self) -> None:
        """Say NOT_SERVING of everything, for good: load balancers turn away."""
        self._drained = True
        self._set(self._status, NOT_SERVING)

    def _set(self, services: Iterable[str], status: _Status) -> None:
        self._status.update(dict.fromkeys(services, status))
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def Check(
        self, request: health_pb2.HealthCheckRequest, call: Call
    ) -> health_pb2.HealthCheckResponse:
        """Answer whether a service serves now."""
        status = self._status.get(request.service)
        if status is None:
            raise NotFound(request.service, f"this server has no service {request.service}")
        return health_pb2.HealthCheckResponse(status=status)

    async def List(self, request: Any, call: Call) -> Message:
        """Answer whether each service serves now."""
        statuses = {
            service: health_pb2.HealthCheckResponse(status=status)
            for service, status in self._status.items()
        }
        answer: Message = _ListResponse(statuses=statuses)
        return answer

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, call: Call
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Answer whether a service serves, now and at every change."""
        last: _Status | None = None
        while True:
            changed = self._changed
            status = self._status.get(request.service, SERVICE_UNKNOWN)
            if status != last:
                yield health_pb2.HealthCheckResponse(status=status)
                last = status
            await changed.wait()
