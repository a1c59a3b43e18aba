"""From bytes to a request that keeps the rules of its proto."""

from collections.abc import AsyncIterator, Iterable

from google.protobuf.message import DecodeError, Message
from protovalidate import CompilationError, EvaluationError, Validator, Violation

from investiture.chassis.exchange import Exchange, Method, Step
from investiture.chassis.refusal import FieldViolation, InvalidArgument

_validator = Validator()


class RuleBroken(Exception):
    """A validation rule in a proto does not work: the server does not start."""


def warm(methods: Iterable[Method]) -> None:
    """Compile the rules of every request, 6 ms each, so that no first caller waits for it.

    Raises:
        RuleBroken: naming the message whose rules do not compile, or fail on an empty message.
    """
    for method in methods:
        try:
            _validator.collect_violations(method.request())
        except (CompilationError, EvaluationError) as error:
            raise RuleBroken(f"{method.request.DESCRIPTOR.full_name}: {error}") from None


async def validate(exchange: Exchange, rest: Step) -> None:
    """Decode and check the request, after permission and before the handler sees it."""
    body = exchange.body
    if isinstance(body, bytes):
        exchange.request = decoded(exchange.method.request, body)
    else:
        exchange.request = _each(exchange.method.request, body)
    await rest(exchange)


def decoded(kind: type[Message], raw: bytes) -> Message:
    """Return a request decoded and checked.

    Raises:
        InvalidArgument: UNDECODABLE_REQUEST, or INVALID_FIELD with every field that breaks a rule.
    """
    try:
        request = kind.FromString(raw)
    except DecodeError:
        raise InvalidArgument(
            "the bytes sent are no message of the type this method takes",
            reason="UNDECODABLE_REQUEST",
        ) from None
    violations = violations_of(request)
    if violations:
        raise InvalidArgument(violations=violations)
    return request


def violations_of(message: Message) -> list[FieldViolation]:
    """Return every field of a message that breaks a rule of its proto."""
    return [_violation(found) for found in _validator.collect_violations(message)]


async def _each(kind: type[Message], stream: AsyncIterator[bytes]) -> AsyncIterator[Message]:
    async for raw in stream:
        yield decoded(kind, raw)


def _violation(found: Violation) -> FieldViolation:
    proto = found.proto
    description = proto.message or f"breaks the rule {proto.rule_id}"
    if proto.for_key:
        description = f"the key {description}"
    return FieldViolation(_path(found), description)


def _path(found: Violation) -> str:
    """Return ``revision.amount``, ``audiences[0].size``, ``notes["a"]``; empty for the message."""
    path = ""
    if found.proto.field is None:  # a rule about the whole message
        return path
    for element in found.proto.field.elements:
        path += f".{element.field_name}" if path else element.field_name
        if element.subscript is not None:
            key = element.subscript.value
            path += f'["{key}"]' if isinstance(key, str) else f"[{key}]"
    return path
