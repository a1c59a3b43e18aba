"""Tells the bench of each activity that ended: a datagram, so that nobody has to poll.

Both sides' workers carry the same tap, and it costs both the same few microseconds.
"""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from investiture.api.common.v1 import gate_pb2
from investiture.api.workflows.v1.path_pb2 import GateInput, GateReading

VARIABLE = "BENCH_TAP"
"""Environment variable of a worker: the UDP port on loopback where the bench listens."""

Moment = tuple[str, str, gate_pb2.Gate.ValueType]
"""What ended: the activity, of which program, at which gate."""


class Tap(Interceptor):
    """Sends a datagram after each activity on a gate; whoever does not listen misses it."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the name is the SDK's
        return _Activities(next, self._socket)


class _Activities(ActivityInboundInterceptor):
    def __init__(self, next_: ActivityInboundInterceptor, to: socket.socket) -> None:
        super().__init__(next_)
        self._to = to

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the name is the SDK's
        answer = await super().execute_activity(input)
        if isinstance(answer, GateReading):
            asked: GateInput = input.args[0]
            name = activity.info().activity_type
            said = f"{name} {asked.program} {asked.gate} {answer.reason}"
            self._to.send(said.encode())
        return answer


@dataclass(frozen=True, slots=True)
class Ended:
    """An activity that ended; ``reason`` is set where it was refused."""

    moment: Moment
    reason: str


class Listener(asyncio.DatagramProtocol):
    """The bench's end: waits for what ended, in whatever order it comes."""

    def __init__(self) -> None:
        self.port = 0
        self.refused: list[Ended] = []
        self._heard: dict[Moment, asyncio.Future[None]] = {}
        self._transport: asyncio.BaseTransport | None = None

    @classmethod
    async def listening(cls) -> "Listener":
        """Return a listener on a free port."""
        loop = asyncio.get_running_loop()
        transport, listener = await loop.create_datagram_endpoint(cls, local_addr=("127.0.0.1", 0))
        listener.port = transport.get_extra_info("sockname")[1]
        return listener

    def environment(self) -> Mapping[str, str]:
        """Return what a worker's environment says of this listener."""
        return {VARIABLE: str(self.port)}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Wake whoever waits for it, now or later."""
        name, program, gate, reason = data.decode().split(" ", 3)
        moment = (name, program, gate_pb2.Gate.ValueType(int(gate)))
        if reason:
            self.refused.append(Ended(moment, reason))
            return
        future = self._future(moment)
        if not future.done():
            future.set_result(None)

    async def ended(self, moment: Moment) -> None:
        """Return once it has ended, once for each moment."""
        await self._future(moment)
        del self._heard[moment]

    def forget(self) -> None:
        """Forget what nobody waited for."""
        self._heard.clear()

    def close(self) -> None:
        """Stop listening."""
        if self._transport is not None:
            self._transport.close()

    def _future(self, moment: Moment) -> asyncio.Future[None]:
        if moment not in self._heard:
            self._heard[moment] = asyncio.get_running_loop().create_future()
        return self._heard[moment]
