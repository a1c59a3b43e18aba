"""Refusals as a client gets them."""

import grpc
from google.protobuf.message import Message
from google.rpc import status_pb2


def refused(code: grpc.StatusCode, message: str, *details: Message) -> grpc.aio.AioRpcError:
    """A failed call with these google.rpc details."""
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        status.details.add().Pack(detail)
    trailing = grpc.aio.Metadata(("grpc-status-details-bin", status.SerializeToString()))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, message)
