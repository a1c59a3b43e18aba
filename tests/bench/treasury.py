"""A stack whose budget is filled by SQL while the service is down, and asked once it is up again.

Nothing but the budget's own service is asked: the worker is stopped, and what is filled in is what
the service stores itself, many times over, under other names.
"""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from tests.bench.company import ENVELOPE, Company, new_id, options
from tests.bench.postgres import created, postgres

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.chassis import keys
from investiture.chassis.pagination import Pager
from investiture.chassis.statements import Signer
from investiture.stack.databases import url_of
from investiture.stack.embedded import Stack
from investiture.stack.plan import WORKER

ENGINES = ("sqlite", "postgresql")
BUDGET = "budget"
_CACHE_KIB = 400_000
ENVELOPE_NAME = f"envelopes/{ENVELOPE}"


@dataclass(frozen=True, slots=True)
class Treasury:
    """The stack, who calls it, and the URL of the budget's database."""

    stack: Stack
    company: Company
    url: str

    async def fill(self, work: Callable[[sa.Connection], None], *copies: str) -> Sequence[str]:
        """Change the budget's database while its service is down; its statistics are fresh then.

        Returns the URLs of copies that nobody else uses.
        """
        await self.stack.stop(BUDGET)
        await asyncio.to_thread(self._fill, work)
        urls = [await asyncio.to_thread(self._copy, name) for name in copies]
        await self.stack.start(BUDGET)
        self.company.renew()
        return urls

    def pager(self) -> Pager:
        """The service's own, which makes the token of a page that nobody has to walk to."""
        signer = Signer(BUDGET, keys.signing_key(self.stack.folder.keys, BUDGET))
        return Pager(signer.derived_key("pages"), maximum=500)

    def _fill(self, work: Callable[[sa.Connection], None]) -> None:
        engine = sa.create_engine(self.url)
        try:
            with engine.connect() as connection:
                if engine.name == "sqlite":  # 4 MB of cache would do for a million rows, but slowly
                    connection.execute(sa.text(f"PRAGMA cache_size = -{_CACHE_KIB}"))
                    connection.execute(sa.text("PRAGMA synchronous = OFF"))
                    connection.rollback()
                with connection.begin():
                    work(connection)
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                # PostgreSQL does by itself within the minute what a bench does not wait for.
                vacuum = "VACUUM ANALYZE" if engine.name == "postgresql" else "ANALYZE"
                connection.execute(sa.text(vacuum))
        finally:
            engine.dispose()

    def _copy(self, name: str) -> str:
        url = sa.make_url(self.url)
        if url.get_backend_name() == "postgresql":
            return created(self.url, name, template=str(url.database))
        file = Path(str(url.database))
        return f"sqlite:///{shutil.copy(file, file.with_name(f'{name}.db'))}"


@asynccontextmanager
async def treasury(folder: Path, engine: str) -> AsyncGenerator[Treasury]:
    """Run a stack on an engine, with one envelope issued."""
    with postgres() if engine == "postgresql" else nullcontext("sqlite") as database:
        async with Stack(folder / "stack", options(folder, database=database)) as stack:
            await stack.stop(WORKER)
            async with Company(stack).open() as company:
                await company.issue_envelope()
                yield Treasury(stack, company, url_of(database, stack.folder, BUDGET))


async def approved(company: Company, program_id: str) -> gate_pb2.GateCase:
    """A funding that waits for its confirmation; its cases are opened as the worker would."""
    worker = company.headers("workloads/worker", "worker")
    program = await company.submit(program_id)
    launch = company.stub("launch", LaunchServiceStub)
    signed = await launch.GetRevisionStatement(
        launch_pb.GetRevisionStatementRequest(program=program), metadata=worker
    )

    async def opened(gate: gate_pb2.Gate.ValueType, *warrants: str) -> gate_pb2.GateCase:
        owner = {gate_pb2.GATE_PLEDGE: "sponsorship", gate_pb2.GATE_FUND: BUDGET}[gate]
        opening = case_pb.OpenCaseRequest(
            request_id=new_id(), gate=gate, revision_statement=signed.statement, warrants=warrants
        )
        reading = await company.stub(owner, CaseServiceStub).OpenCase(opening, metadata=worker)
        return reading.gate_case

    await company.pledge(await opened(gate_pb2.GATE_PLEDGE))
    pledged = await company.stub("sponsorship", CaseServiceStub).GetWarrant(
        case_pb.GetWarrantRequest(program=program, gate=gate_pb2.GATE_PLEDGE), metadata=worker
    )
    return await company.approve(await opened(gate_pb2.GATE_FUND, pledged.warrant))
