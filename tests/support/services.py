"""One service in the test's process: real socket, real database, keys and tokens of its own."""

import shutil
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import psycopg
import sqlalchemy as sa

from investiture.casework.facts import Condition, Decider, Revision, Warrant
from investiture.casework.statements import OWNER, Statements
from investiture.casework.words import Basis, Gate, Side, Verdict
from investiture.chassis import keys, migrate
from investiture.chassis.authentication import LocalIssuer
from investiture.chassis.client import dial
from investiture.chassis.clock import Clock
from investiture.chassis.server import Server
from investiture.chassis.settings import ServiceSettings
from investiture.chassis.statements import KeyRing, Signer

ROOT = Path(__file__).resolve().parents[2]
CHARTER = ROOT / "deploy" / "charters" / "default.yaml"
SERVICES = ("sponsorship", "budget", "itrisk", "launch")
NOBODY_LISTENS = "127.0.0.1:1"
"""An address that refuses: Temporal, for a test that is not about it."""

Compose = Callable[[ServiceSettings, AsyncExitStack, Clock | None], Awaitable[Server]]


def new_request_id() -> str:
    return str(uuid4())


@dataclass(frozen=True, slots=True)
class FixedToken:
    """The same bearer token with every call."""

    value: str

    def token(self) -> str:
        return self.value


class Realm:
    """Keys, tokens and statements of one test: every service's signature, every person's token."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        self.key_folder = folder / "keys"
        keys.write_missing(self.key_folder, SERVICES)
        self._identity = self.settings("none", "sqlite:///none.db")
        assert self._identity.issuer_key_file is not None
        self._issuer = LocalIssuer(self._identity.issuer_key_file, self._identity)

    def settings(self, service: str, database_url: str, **given: Any) -> ServiceSettings:
        values: dict[str, Any] = {
            "database_url": database_url,
            "key_folder": self.key_folder,
            "charter": CHARTER,
            "issuer_key_file": self.folder / "issuer.jwk",
            "token_subject": f"workloads/{service}",
            "token_roles": ("service",),
            "temporal_address": NOBODY_LISTENS,
            "reflection": True,
        }
        return ServiceSettings(**{**values, **given})

    def token(self, subject: str, *roles: str) -> FixedToken:
        return FixedToken(self._issuer.mint(subject, roles, ttl=timedelta(hours=1)))

    def statements(self, service: str) -> Statements:
        """What `service` can sign."""
        signer = Signer(service, keys.signing_key(self.key_folder, service))
        return Statements(signer, KeyRing(self.key_folder), self.clock)

    def revision_statement(self, revision: Revision) -> str:
        return self.statements("launch").revision(revision)

    def warrant(
        self, gate: Gate, revision: Revision, *people: str, signer: str = "", **changes: Any
    ) -> str:
        """A warrant of `gate` for a revision, decided by `people`, as its service would sign it."""
        return self.statements(signer or OWNER[gate]).warrant(
            self.warrant_value(gate, revision, people, **changes)
        )

    def warrant_value(
        self, gate: Gate, revision: Revision, people: Iterable[str], **changes: Any
    ) -> Warrant:
        now = self.clock.now()
        side, verdict = _SAYS[gate]
        deciders = tuple(
            Decider(person, side, "decider", now, revision.number, revision.gate_digest(gate))
            for person in people
        )
        conditions: tuple[Condition, ...] = ()
        values: dict[str, Any] = {
            "program": revision.program,
            "gate": gate,
            "revision": revision.number,
            "gate_digest": revision.gate_digest(gate),
            "case_name": f"{revision.program}/cases/{gate.value.lower()}",
            "case_version": 1,
            "verdict": verdict,
            "basis": Basis.DECISION,
            "deciders": deciders,
            "issued_at": now,
            "standing_until": now + timedelta(days=90),
            "charter_digest": revision.charter_digest,
            "conditions": conditions,
            "business_people": revision.business_people,
        }
        return Warrant(**{**values, **changes})


_SAYS = {
    Gate.PLEDGE: (Side.BUSINESS, Verdict.PLEDGED),
    Gate.FUND: (Side.MONEY, Verdict.FUNDED),
    Gate.KNIGHT: (Side.IT, Verdict.KNIGHTED),
}


@dataclass(frozen=True, slots=True)
class Served:
    """A service that serves."""

    address: str
    realm: Realm
    closing: AsyncExitStack
    _channels: dict[tuple[str, ...], grpc.aio.Channel] = field(
        default_factory=dict[tuple[str, ...], grpc.aio.Channel]
    )

    def channel(self, subject: str, *roles: str) -> grpc.aio.Channel:
        """The channel of one caller; it closes with the service."""
        caller = (subject, *roles)
        if caller not in self._channels:
            self._channels[caller] = self.another_channel(subject, *roles)
        return self._channels[caller]

    def another_channel(self, subject: str, *roles: str) -> grpc.aio.Channel:
        """A connection of its own, for who calls at the same time as the others."""
        channel = dial(self.address, tokens=self.realm.token(subject, *roles))
        self.closing.push_async_callback(channel.close)
        return channel


_migrated = tempfile.TemporaryDirectory(prefix="investiture-migrated-")


def migrated(service: str, database_url: str) -> None:
    """Makes a database with the service's schema, by copying one that was migrated.

    One that is there is left alone: a test that starts its service again keeps its data.
    """
    url = sa.make_url(database_url)
    assert url.database is not None
    if url.get_backend_name() == "sqlite":
        _migrated_file(service, Path(url.database))
    else:
        _migrated_on_server(service, url)


def _migrated_file(service: str, file: Path) -> None:
    model = Path(_migrated.name) / f"{service}.db"
    if not model.exists():
        migrate.upgrade(service, f"sqlite:///{model}")
    if not file.exists():
        shutil.copyfile(model, file)


def _migrated_on_server(service: str, url: sa.URL) -> None:
    model = url.set(database=f"migrated_{service}")
    server = url.set(drivername="postgresql", database="postgres")
    with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as admin:
        there = {name for (name,) in admin.execute("SELECT datname FROM pg_database")}
        if model.database not in there:
            admin.execute(f'CREATE DATABASE "{model.database}"'.encode())
            migrate.upgrade(service, model.render_as_string(hide_password=False))
        if url.database not in there:
            admin.execute(
                f'CREATE DATABASE "{url.database}" TEMPLATE "{model.database}"'
                " STRATEGY FILE_COPY".encode()
            )


@asynccontextmanager
async def served(
    compose: Compose, service: str, realm: Realm, database_url: str, **given: Any
) -> AsyncGenerator[Served]:
    """Migrates, composes and starts a service; `given` overrides its settings."""
    migrated(service, database_url)
    settings = realm.settings(service, database_url, **given)
    async with AsyncExitStack() as closing:
        server = await compose(settings, closing, realm.clock)
        port = await server.start()
        try:
            async with AsyncExitStack() as channels:
                yield Served(f"{settings.host}:{port}", realm, channels)
        finally:
            await server.stop(0)
