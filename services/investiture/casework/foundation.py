"""What all four services stand on, wired once: database, outbox, keys, statements, identity."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

from investiture.api.governance.v1.governance_service_pb2_grpc import GovernanceServiceStub
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.casework.adoption import Adopt, charters_of, from_own_records, from_sponsorship
from investiture.casework.attendance import Attendance, RemoteFeed
from investiture.casework.charters import Charters
from investiture.casework.directory import Directory, RemoteDirectory
from investiture.casework.doorbell import ring_path
from investiture.casework.handlers import SERVICE as CASE_SERVICE
from investiture.casework.handlers import CaseHandlers, Principals, nobody
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Rules
from investiture.casework.statements import Statements
from investiture.casework.store import CaseStore, CaseTables, Doorbell
from investiture.charter.finding import CharterBroken
from investiture.charter.model import Charter
from investiture.chassis import temporal
from investiture.chassis.authentication import authenticator
from investiture.chassis.client import Channels, token_source
from investiture.chassis.clock import Clock
from investiture.chassis.database import Database
from investiture.chassis.keys import KeyHandlers, signing_key
from investiture.chassis.pagination import Pager
from investiture.chassis.process import StartRefused
from investiture.chassis.relay import Relay
from investiture.chassis.schema import SchemaMismatch, require_schema
from investiture.chassis.server import Binding, Server
from investiture.chassis.settings import ServiceSettings
from investiture.chassis.sqlite import DatabaseInUse
from investiture.chassis.statement_spans import trace_statements
from investiture.chassis.statements import KeyRing, Signer
from investiture.chassis.ticker import Ticker
from investiture.chassis.transaction import Mutations
from investiture.workflows import contract

KEY_SERVICE = "investiture.api.common.v1.KeyService"


@dataclass(frozen=True, slots=True)
class Foundation:
    """The parts that a service's own rooms are built on."""

    service: str
    settings: ServiceSettings
    clock: Clock
    charters: Charters
    rules: Rules
    adopt: Adopt
    closing: AsyncExitStack
    database: Database
    mutations: Mutations
    statements: Statements
    pager: Pager
    channels: Channels

    @property
    def charter(self) -> Charter:
        """The one in force as the service was built; with another it is built anew."""
        return self.rules.in_force

    def case_store(self, tables: CaseTables, doorbell: Doorbell = ring_path) -> CaseStore:
        """The store of the service's cases; each save rings the path."""
        return CaseStore(tables, doorbell)

    def directory(self) -> RemoteDirectory:
        """Sponsorship's directory, as the other services reach it."""
        return RemoteDirectory(self._sponsorship())

    def _sponsorship(self) -> SponsorshipServiceStub:
        return SponsorshipServiceStub(self.channels.to(self.settings.peer("sponsorship")))

    def attend(self, cases: CaseOperations, closing: AsyncExitStack, *, own: bool = False) -> None:
        """Keeps cases out of the hands of people who are not there, for as long as it serves.

        `own` says that the directory is this service's: there is nobody to hear it from.
        """
        feed = None if own else RemoteFeed(self._sponsorship())
        interval = timedelta(seconds=self.settings.attendance_seconds)
        attendance = Attendance(self.service, self.mutations, cases, feed, interval)
        ticker = Ticker("attendance", interval, attendance.tick)
        ticker.start()
        closing.push_async_callback(ticker.stop)

    def server(
        self,
        cases: CaseOperations,
        bindings: Sequence[Binding],
        directory: Directory | None = None,
        principals: Principals = nobody,
    ) -> Server:
        """The service's server: its own API, the shared CaseService, and its public keys.

        It asks to be built anew once another charter is in force.

        `directory` stands in for sponsorship's where the service is its own; `principals` says in
        whose name a person may decide here, where the service knows; `under` makes the operations
        that another charter would give.
        """
        handlers = CaseHandlers(
            cases,
            self.mutations,
            self.statements,
            self.pager,
            directory or self.directory(),
            principals,
        )
        shared = (
            Binding(CASE_SERVICE, handlers),
            Binding(KEY_SERVICE, KeyHandlers(self.settings.key_folder, self.service)),
        )
        server = Server(
            bindings=(*bindings, *shared),
            authenticator=authenticator(self.settings),
            settings=self.settings,
        )

        async def look() -> None:
            await self.adopt()
            in_force = self.charters.in_force(self.clock.now())
            if in_force.digest != self.charter.digest:
                server.renew(f"charter version {in_force.version}, {in_force.digest}")

        interval = timedelta(seconds=self.settings.charter_refresh_seconds)
        ticker = Ticker("charters", interval, look)
        ticker.start()
        self.closing.push_async_callback(ticker.stop)
        return server


async def lay(
    service: str, settings: ServiceSettings, closing: AsyncExitStack, clock: Clock
) -> Foundation:
    """Opens everything a service stands on; what has to be closed is pushed onto `closing`.

    Raises:
        StartRefused: the charter is broken, the schema is not the one this code needs, or the
            signing key is missing; the message says what to do.
    """
    try:
        signer = Signer(service, signing_key(settings.key_folder, service))
    except FileNotFoundError as error:
        raise StartRefused(str(error)) from None
    try:
        database = Database(settings.database_url)
    except (DatabaseInUse, ValueError) as error:
        raise StartRefused(str(error)) from None
    closing.push_async_callback(database.close)
    try:
        await require_schema(database, service)
    except SchemaMismatch as mismatch:
        raise StartRefused(str(mismatch)) from None
    try:
        charters = await charters_of(database, settings.charter, clock)
    except CharterBroken as broken:
        raise StartRefused(str(broken)) from None
    if settings.otlp_endpoint or settings.traces_file:
        trace_statements(database.engine)
    relay = Relay(
        database,
        lambda: temporal.connect(settings),
        source=f"/investiture/{service}",
        forward=contract.after_launch_path,
    )
    relay.start()
    closing.push_async_callback(relay.close)
    channels = Channels(tokens=token_source(settings), tls_settings=settings)
    closing.push_async_callback(channels.close)
    statements = Statements(signer, KeyRing(settings.key_folder), clock)
    if service == "sponsorship":
        adopt = from_own_records(database, charters)
    else:
        stub = GovernanceServiceStub(channels.to(settings.peer("sponsorship")))
        adopt = from_sponsorship(stub, database, charters, statements)
    rules = Rules(charters, charters.in_force(clock.now()))
    return Foundation(
        service=service,
        settings=settings,
        clock=clock,
        charters=charters,
        rules=rules,
        adopt=adopt,
        closing=closing,
        database=database,
        mutations=Mutations(database, clock, relay),
        statements=statements,
        pager=Pager(signer.derived_key("pages"), maximum=500),
        channels=channels,
    )
