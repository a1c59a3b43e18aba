"""A service with an RPC of each kind, compiled when the tests run, and handlers to steer it."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message_factory import GetMessageClass

from investiture.api._vendor.buf.validate import validate_pb2
from investiture.api.common.v1 import access_pb2
from investiture.chassis.call import Call

HERE = Path(__file__).resolve().parent
PROTOS = HERE.parents[2] / "protos"
SERVICE = "probe.v1.Probe"
_DEPENDENCIES = (access_pb2, validate_pb2)  # importing them puts their files into the pool

Messages = Any
"""The message classes by name; there is no generated module to take their types from."""


def load(folder: Path) -> Messages:
    """Compile ``probe.proto`` into ``folder`` and return its message classes."""
    out = folder / "probe.binpb"
    paths = [f"--proto_path={path}" for path in (HERE, PROTOS / "third_party", PROTOS)]
    protoc = (sys.executable, "-m", "grpc_tools.protoc")  # a module without types, run as a command
    subprocess.run([*protoc, *paths, f"--descriptor_set_out={out}", "probe.proto"], check=True)
    files = FileDescriptorSet.FromString(out.read_bytes())
    pool = descriptor_pool.Default()
    for file in files.file:
        pool.AddSerializedFile(file.SerializeToString())
    found = pool.FindFileByName("probe.proto").message_types_by_name
    return SimpleNamespace(**{name: GetMessageClass(kind) for name, kind in found.items()})


@dataclass
class Handlers:
    """Answers every RPC of the probe; ``act`` is what a test has it do first."""

    messages: Messages
    act: Callable[[], Any] = lambda: None
    calls: list[Call] = field(default_factory=list[Call])
    requests: list[Any] = field(default_factory=list[Any])
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    waits: bool = False

    async def _answer(self, request: Any, call: Call) -> Any:
        self.calls.append(call)
        self.requests.append(request)
        self.entered.set()
        self.act()
        if self.waits:
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        return self.messages.EchoResponse(text=request.text, principal=call.principal.subject)

    async def Echo(self, request: Any, call: Call) -> Any:
        return await self._answer(request, call)

    async def GetEcho(self, request: Any, call: Call) -> Any:
        return await self._answer(request, call)

    async def Report(self, request: Any, call: Call) -> Any:
        return await self._answer(request, call)

    async def WatchEcho(self, request: Any, call: Call) -> AsyncIterator[Any]:
        for _ in range(3):
            yield self.messages.EchoResponse(text=request.text)
        yield await self._answer(request, call)

    async def Gather(self, requests: AsyncIterator[Any], call: Call) -> Any:
        texts = [request.text async for request in requests]
        return await self._answer(self.messages.EchoRequest(text="".join(texts)), call)

    async def Chat(self, requests: AsyncIterator[Any], call: Call) -> AsyncIterator[Any]:
        async for request in requests:
            yield await self._answer(request, call)
