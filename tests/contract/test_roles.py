"""Every RPC of every service refuses every role that its access option does not name."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from tests.support.services import Compose, Realm, Served, served

from investiture.budget.__main__ import compose as budget
from investiture.chassis.access import RoleRow, role_table
from investiture.chassis.client import explain
from investiture.cli.roles import SERVICES
from investiture.itrisk.__main__ import compose as itrisk
from investiture.launch.__main__ import compose as launch
from investiture.sponsorship.__main__ import compose as sponsorship

COMPOSITIONS: dict[str, Compose] = {
    "sponsorship": sponsorship,
    "budget": budget,
    "itrisk": itrisk,
    "launch": launch,
}
ROWS = tuple(role_table(SERVICES))
ROLES = sorted({role for row in ROWS for role in row.roles})
SHARED = ("investiture.api.casework.v1.CaseService", "investiture.api.common.v1.KeyService")
STREAMS = frozenset({"WatchProgram"})


def bytes_as_they_are(body: bytes) -> bytes:
    return body


async def reason_of(channel: grpc.aio.Channel, row: RoleRow) -> str:
    """The reason with which an empty request is refused; empty where it is answered."""
    path = f"/{row.service}/{row.method}"
    try:
        if row.method in STREAMS:
            stream = channel.unary_stream(
                path,
                request_serializer=bytes_as_they_are,
                response_deserializer=bytes_as_they_are,
            )
            async for _ in stream(b"", timeout=10):
                break
        else:
            call = channel.unary_unary(
                path,
                request_serializer=bytes_as_they_are,
                response_deserializer=bytes_as_they_are,
            )
            await call(b"", timeout=10)
    except grpc.aio.AioRpcError as error:
        return explain(error).reason
    return ""


@pytest.fixture(params=sorted(COMPOSITIONS))
async def service(
    request: pytest.FixtureRequest, realm: Realm, tmp_path: Path
) -> AsyncIterator[tuple[str, Served]]:
    name: str = request.param
    url = f"sqlite:///{tmp_path / 'service.db'}"
    peers = {"sponsorship": "127.0.0.1:1"}
    async with served(COMPOSITIONS[name], name, realm, url, peers=peers) as running:
        yield name, running


async def test_each_rpc_lets_in_exactly_the_roles_of_its_access_option(
    service: tuple[str, Served],
) -> None:
    name, running = service
    rows = [row for row in ROWS if row.service in SHARED or f".{name}." in row.service]
    assert any(f".{name}." in row.service for row in rows)
    for role in ROLES:
        channel = running.channel(f"people/{role}", role)
        for row in rows:
            refused = await reason_of(channel, row) == "ROLE_MISSING"
            allowed = row.any_authenticated or role in row.roles
            assert refused is not allowed, f"{role} → {row.service}/{row.method}"


async def test_nobody_gets_in_without_a_token(service: tuple[str, Served]) -> None:
    name, running = service
    async with grpc.aio.insecure_channel(running.address) as channel:
        for row in ROWS:
            if row.service in SHARED or f".{name}." in row.service:
                assert await reason_of(channel, row) == "UNAUTHENTICATED", row.method
