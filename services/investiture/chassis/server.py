"""The gRPC server: every RPC of every bound service behind the chain, bytes in, bytes out.

The handlers registered with gRPC take raw bytes and return raw bytes. So the chain wraps all four
kinds of RPC alike, and what cannot be decoded is refused by us and not by gRPC, which would tell
the client a Python class name.
"""

import asyncio
import inspect
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from typing import Any, cast

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import reflection

from investiture.chassis import chain, health, tls
from investiture.chassis.access import access_of, methods_of, service_descriptor
from investiture.chassis.authentication import Authenticator
from investiture.chassis.exchange import MAX_MESSAGE_BYTES, Context, Exchange, Method, Step
from investiture.chassis.limits import Deadline, Limit
from investiture.chassis.process import Renewed
from investiture.chassis.settings import ServerSettings, SettingsError
from investiture.chassis.status import MethodUnknown, failure_of
from investiture.chassis.validation import warm

DEFAULT_LOGGED = ("program",)


@dataclass(frozen=True, slots=True)
class Binding:
    """A service and who answers it.

    ``service`` is the full proto name; ``handlers`` has a method named as each RPC: ``async def
    Rpc(self, request, call) -> Message``, an async generator for a server stream, and an async
    iterator of requests for a client stream.
    """

    service: str
    handlers: object


class Server:
    """A gRPC server over the given bindings.

    Args:
        bindings: the services it answers; health and reflection come by themselves.
        authenticator: says who calls.
        settings: address, limits, TLS, reflection.
        logged: request fields whose value goes into a call's log line.

    Raises:
        AccessMissing: a method has no access option.
        LookupError: a service is not declared by any imported module.
        TypeError: a handler is missing or of the wrong kind.
        RuleBroken: a validation rule does not work.
    """

    def __init__(
        self,
        *,
        bindings: Sequence[Binding],
        authenticator: Authenticator,
        settings: ServerSettings,
        logged: Sequence[str] = DEFAULT_LOGGED,
    ) -> None:
        self.settings = settings
        self.health = health.Health([binding.service for binding in bindings])
        self._deadline = Deadline(settings.unary_deadline_seconds, settings.watch_limit_seconds)
        limit = Limit(settings.max_in_flight, settings.max_watches)
        guarded = chain.guarded(authenticator, limit, self._deadline, logged)
        opened = chain.opened(self._deadline)
        methods = list(_methods(bindings, guarded=True))
        open_methods = list(_methods(self._open_bindings(bindings), guarded=False))
        warm(methods)
        handlers = {method.path: _raw_handler(method, guarded) for method in methods}
        handlers |= {method.path: _raw_handler(method, opened) for method in open_methods}
        self.methods: Sequence[str] = tuple(handlers)
        """The full path of every method the server answers, health and reflection included."""
        self._stopped = asyncio.Event()
        self._renewed = ""
        self._server = grpc.aio.server(
            handlers=(_Routes(handlers),), options=server_options(settings)
        )

    async def start(self) -> int:
        """Listen, say SERVING, and return the port.

        Raises:
            SettingsError: the address cannot be listened on, or a TLS file cannot be read.
        """
        address = f"{self.settings.host}:{self.settings.port}"
        credentials = tls.server_credentials(self.settings)
        try:
            if credentials is None:
                port = self._server.add_insecure_port(address)
            else:
                port = self._server.add_secure_port(address, credentials)
        except RuntimeError:
            raise SettingsError(
                f"INVESTITURE_HOST and INVESTITURE_PORT: nobody can listen on {address};"
                " is the port taken?"
            ) from None
        await self._server.start()
        self.health.serve()
        return port

    async def stop(self, grace: float) -> None:
        """Say NOT_SERVING, end the watches, and let calls under way end in ``grace`` seconds."""
        self.health.drain()
        self._deadline.drain()
        await self._server.stop(grace)
        self._stopped.set()

    async def wait(self) -> None:
        """Return when the server has stopped; raise ``Renewed`` where it was asked to."""
        # Not gRPC's wait_for_termination: cancelling that breaks the server's own stop.
        await self._stopped.wait()
        if self._renewed:
            raise Renewed(self._renewed)

    def renew(self, why: str) -> None:
        """Ask to be stopped and built anew, because of what the log then says."""
        self._renewed = why
        self._stopped.set()

    def _open_bindings(self, bindings: Sequence[Binding]) -> Iterator[Binding]:
        yield Binding(health.SERVICE, self.health)
        if self.settings.reflection:
            described = [binding.service for binding in bindings]
            names = [*described, health.SERVICE, reflection.SERVICE_NAME]
            yield Binding(reflection.SERVICE_NAME, reflection.aio.ReflectionServicer(names))


def server_options(settings: ServerSettings) -> list[tuple[str, int]]:
    """Return the channel options of a server, each with its reason."""
    age_ms = settings.max_connection_age_seconds * 1000
    return [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),  # before anything is allocated
        ("grpc.max_concurrent_streams", 100),  # one client cannot take every place
        ("grpc.max_connection_age_ms", age_ms),  # load spreads over replicas that came later
        ("grpc.max_connection_age_grace_ms", int(settings.watch_limit_seconds * 1000)),
        ("grpc.server_handshake_timeout_ms", 3_000),  # silent connections are let go
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),  # our clients ping every 30 s
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.so_reuseport", 0),  # a second process on the port is a mistake, and fails
    ]


def _methods(bindings: Iterable[Binding], *, guarded: bool) -> Iterator[Method]:
    for binding in bindings:
        for descriptor in methods_of(service_descriptor(binding.service)):
            yield Method(
                path=f"/{binding.service}/{descriptor.name}",
                request=GetMessageClass(descriptor.input_type),
                client_streaming=descriptor.client_streaming,
                server_streaming=descriptor.server_streaming,
                access=access_of(descriptor) if guarded else None,
                handler=_handler(binding, descriptor),
            )


def _handler(binding: Binding, descriptor: MethodDescriptor) -> Callable[..., Any]:
    handler = getattr(binding.handlers, descriptor.name, None)
    where = f"{type(binding.handlers).__name__}.{descriptor.name}"
    if descriptor.server_streaming:
        if not inspect.isasyncgenfunction(handler):
            raise TypeError(f"{descriptor.full_name} needs {where} to be an async generator")
    elif not inspect.iscoroutinefunction(handler):
        raise TypeError(f"{descriptor.full_name} needs {where} to be an async function")
    return cast("Callable[..., Any]", handler)


class _Routes(grpc.GenericRpcHandler):
    """Finds the handler of a path; what is not served is refused in our words, too."""

    def __init__(self, handlers: "Mapping[str, grpc.RpcMethodHandler[Any, Any]]") -> None:
        self._handlers = handlers

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Any, Any]":
        path = handler_call_details.method
        return self._handlers.get(path) or _unknown(path)


def _unknown(path: str) -> "grpc.RpcMethodHandler[Any, Any]":
    async def refuse(_raw: bytes, context: Context) -> bytes:
        await context.abort_with_status(failure_of(MethodUnknown(path)).for_grpc())

    return grpc.unary_unary_rpc_method_handler(cast("Any", refuse))


def _raw_handler(method: Method, step: Step) -> "grpc.RpcMethodHandler[Any, Any]":
    """Return what gRPC calls for a method, of its kind, without any deserialiser."""

    async def run(body: bytes | AsyncIterator[bytes], context: Context) -> bytes:
        exchange = Exchange(method, context, dict(context.invocation_metadata() or ()), body)
        await step(exchange)
        if exchange.failure is not None:
            await context.abort_with_status(exchange.failure.for_grpc())
        return exchange.response

    async def run_stream(body: bytes | AsyncIterator[bytes], context: Context) -> None:
        await run(body, context)

    kinds: Mapping[tuple[bool, bool], tuple[Any, Callable[..., Awaitable[Any]]]] = {
        (False, False): (grpc.unary_unary_rpc_method_handler, run),
        (False, True): (grpc.unary_stream_rpc_method_handler, run_stream),
        (True, False): (grpc.stream_unary_rpc_method_handler, run),
        (True, True): (grpc.stream_stream_rpc_method_handler, run_stream),
    }
    kind, behaviour = kinds[method.client_streaming, method.server_streaming]
    handler: grpc.RpcMethodHandler[Any, Any] = kind(behaviour)
    return handler
