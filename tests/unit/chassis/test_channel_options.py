"""gRPC takes any option and ignores those it does not know: each of ours is one it knows."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from investiture.chassis.client import CHANNEL_OPTIONS
from investiture.chassis.server import server_options
from investiture.chassis.settings import ServerSettings

SERVER_OPTIONS = server_options(ServerSettings())


def _core() -> bytes:
    spec = find_spec("grpc._cython.cygrpc")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_bytes()


CORE = _core()


NAMES = list(dict.fromkeys(name for name, _ in (*CHANNEL_OPTIONS, *SERVER_OPTIONS)))


@pytest.mark.parametrize("name", NAMES)
def test_the_core_knows_the_option(name: str) -> None:
    assert name.encode() in CORE


def test_a_made_up_option_is_not_known() -> None:
    assert b"grpc.http2.min_recv_ping_interval_without_data_ms" not in CORE


def test_the_server_bears_the_pings_that_our_channels_send() -> None:
    client, server = dict(CHANNEL_OPTIONS), dict(SERVER_OPTIONS)
    assert server["grpc.http2.min_ping_interval_without_data_ms"] < client["grpc.keepalive_time_ms"]
    assert server["grpc.keepalive_permit_without_calls"]
