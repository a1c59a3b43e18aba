"""How a service comes by its charters: the file it is first started with, then signed changes."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import sqlalchemy as sa
import structlog

from investiture.api.governance.v1 import governance_service_pb2 as pb
from investiture.api.governance.v1.governance_service_pb2_grpc import GovernanceServiceStub
from investiture.casework.charter_store import CharterStore
from investiture.casework.charters import CharterRecord, Charters
from investiture.casework.statements import Statements
from investiture.charter.load import examine, load, load_text
from investiture.chassis.clock import Clock
from investiture.chassis.database import Database
from investiture.chassis.refusal import PreconditionFailed

_log = structlog.get_logger(__name__)
_PAGE = 50

Adopt = Callable[[], Awaitable[None]]
"""Looks once for charters that were signed since, and makes them known."""


async def charters_of(database: Database, file: Path, clock: Clock) -> Charters:
    """The charters on record; on the very first start that of `file` becomes the first one.

    Afterwards the file changes nothing: a charter is changed by two people. Raises CharterBroken.
    """
    store = CharterStore()
    records = await database.read(store.records)
    if not records:
        first = _first(file, clock)
        await database.write(lambda connection: store.add(connection, first))
        records = await database.read(store.records)
    charters = Charters(records)
    found = examine(file).charter
    if found is None or all(one.digest != found.digest for one in records):
        _log.warning(
            "charter_file_not_signed",
            file_digest=found.digest if found else "",
            in_force=charters.in_force(clock.now()).digest,
            remedy="propose it with `investiture charter propose FILE`; a second person signs it",
        )
    return charters


def _first(file: Path, clock: Clock) -> CharterRecord:
    """The charter of the first start. Raises CharterBroken."""
    return CharterRecord(load(file).digest, file.read_text(encoding="utf-8"), clock.now())


def from_own_records(database: Database, charters: Charters) -> Adopt:
    """For sponsorship: what another replica has put on record."""

    async def adopt() -> None:
        charters.adopt(await database.read(CharterStore().records))

    return adopt


def from_sponsorship(
    stub: GovernanceServiceStub, database: Database, charters: Charters, statements: Statements
) -> Adopt:
    """For the other services: each charter that two people signed, by sponsorship's statement.

    While sponsorship does not answer, the service works under the charters it knows.
    """
    store = CharterStore()

    async def adopt() -> None:
        try:
            fresh = await _signed(stub, charters)
            records = [_record(await _whole(stub, one.name), statements) for one in fresh]
        except grpc.aio.AioRpcError as error:
            _log.info("charters_not_read", code=error.code().name)
            return
        if not records:
            return

        def keep(connection: sa.Connection) -> None:
            for record in records:
                store.add(connection, record)

        await database.write(keep)
        charters.adopt(records)

    return adopt


async def _signed(stub: GovernanceServiceStub, charters: Charters) -> list[pb.Change]:
    """Signed changes of the charter that are not on record here, the oldest first."""
    found: list[pb.Change] = []
    token = ""
    while True:
        page = await stub.ListChanges(
            pb.ListChangesRequest(kind=pb.CHANGE_KIND_CHARTER, page_size=_PAGE, page_token=token)
        )
        found += [o for o in page.changes if o.statement and not charters.knows(o.name)]
        token = page.next_page_token
        if not token:
            return found[::-1]


async def _whole(stub: GovernanceServiceStub, name: str) -> pb.Change:
    change: pb.Change = await stub.GetChange(pb.GetChangeRequest(name=name))
    return change


def _record(change: pb.Change, statements: Statements) -> CharterRecord:
    """The charter of a change, once its statement and its digest were verified."""
    signed = statements.read_change(change.statement)
    digest = load_text(change.document, change.name).digest
    if (signed.change, signed.kind, signed.digest) != (change.name, "CHARTER", digest):
        raise PreconditionFailed(
            "STATEMENT_INVALID", f"the statement of {change.name} is about something else"
        )
    return CharterRecord(digest, change.document, signed.effective_at, change.name)
