"""The bare service's methods, as its callers have them."""

from typing import TypeAlias

import grpc
from tests.bench.bare import contract

from investiture.api.workflows.v1.path_pb2 import GateInput, GateReading

Method: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[GateInput, GateReading]"


def method(channel: grpc.aio.Channel, name: str) -> Method:
    """Return one of the methods of the contract on a channel."""
    found: Method = channel.unary_unary(
        f"/{contract.SERVICE}/{name}",
        request_serializer=GateInput.SerializeToString,
        response_deserializer=GateReading.FromString,
    )
    return found
