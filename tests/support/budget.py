"""The budget service with its callers: what its contract tests, and others that need money, ask."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.type.money_pb2 import Money
from tests.support.clock import SettableClock
from tests.support.directory import ScriptedDirectory, scripted_directory
from tests.support.services import Realm, Served, new_request_id, served

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.budget.__main__ import compose
from investiture.casework.facts import Ending, Revision
from investiture.casework.words import Gate, Outcome
from investiture.chassis.client import Problem, explain

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"])
"""For a rule that is decided before a database is asked: once is enough, on the quicker one."""

ENVELOPE = "envelopes/launches-2027"
FINANCE = ("finance",)
OVERSEER = ("auditor",)


UNSWEPT = {"expiry_seconds": 3_600.0}
"""Holds time out when a test says so: nothing sweeps behind its back."""


Sweep = Callable[[], Awaitable[None]]
"""One turn of a service's sweep over holds that have timed out."""


def eur(units: int) -> Money:
    return Money(currency_code="EUR", units=units)


@dataclass(slots=True)
class MoneySide:
    """A budget service that serves, and the people of the default charter who call it."""

    realm: Realm
    clock: SettableClock
    directory: ScriptedDirectory
    service: Served
    cases: CaseServiceStub
    committee: BudgetServiceStub
    auditor: BudgetServiceStub

    def person(self, name: str, *roles: str) -> BudgetServiceStub:
        """The stub of `people/{name}`, in finance unless said otherwise."""
        return BudgetServiceStub(self.service.channel(f"people/{name}", *(roles or FINANCE)))

    def cases_of(self, name: str, *roles: str) -> CaseServiceStub:
        """The stub for cases of `people/{name}`, in finance unless said otherwise."""
        return CaseServiceStub(self.service.channel(f"people/{name}", *(roles or FINANCE)))

    async def issue(self, units: int = 1_000_000, name: str = ENVELOPE, **changes: Any) -> Any:
        values: dict[str, Any] = {
            "request_id": new_request_id(),
            "envelope_id": name.removeprefix("envelopes/"),
            "display_name": "Launches 2027",
            "fiscal_year": 2027,
            "cost_centre": "4711",
            "purpose": "launches",
            "owner": "people/fay",
            "appropriation": eur(units),
        }
        return await self.committee.IssueEnvelope(pb.IssueEnvelopeRequest(**{**values, **changes}))

    def opening(self, facts: Revision, **request: Any) -> case_pb.OpenCaseRequest:
        values: dict[str, Any] = {
            "request_id": new_request_id(),
            "gate": gate_pb2.GATE_FUND,
            "revision_statement": self.realm.revision_statement(facts),
            "warrants": [self.realm.warrant(Gate.PLEDGE, facts, facts.sponsor)],
        }
        return case_pb.OpenCaseRequest(**{**values, **request})

    async def open(self, facts: Revision, **request: Any) -> gate_pb2.GateCase:
        reading: case_pb.CaseReading = await self.cases.OpenCase(self.opening(facts, **request))
        return reading.gate_case

    async def approve(self, case: gate_pb2.GateCase, *names: str) -> gate_pb2.GateCase:
        """The case after each of these people approved it, in order."""
        for name in names:
            request = pb.ApproveFundingRequest(
                request_id=new_request_id(), name=case.name, etag=case.etag
            )
            funding: pb.Funding = await self.person(name).ApproveFunding(request)
            case = funding.gate_case
        return case

    async def reserve(
        self, case: gate_pb2.GateCase, name: str = "fay", envelope: str = ENVELOPE
    ) -> pb.Funding:
        request = pb.ReserveRequest(
            request_id=new_request_id(), name=case.name, etag=case.etag, envelope=envelope
        )
        funding: pb.Funding = await self.person(name).Reserve(request)
        return funding

    async def funded(self, facts: Revision, *names: str, envelope: str = ENVELOPE) -> pb.Funding:
        """A program's funding, opened, approved by these people and reserved by finance's head."""
        case = await self.open(facts)
        return await self.reserve(await self.approve(case, *names), envelope=envelope)

    def commitment(self, funding: pb.Funding, units: int, **changes: Any) -> pb.CommitRequest:
        values: dict[str, Any] = {
            "request_id": new_request_id(),
            "program": funding.gate_case.program,
            "etag": funding.gate_case.etag,
            "amount": eur(units),
            "tranche": pb.TRANCHE_PILOT,
            "vendor": "Brightside",
        }
        return pb.CommitRequest(**{**values, **changes})

    def end(self, program: str, **changes: Any) -> str:
        """The EndStatement of a program that its proposer withdrew."""
        values: dict[str, Any] = {
            "program": program,
            "outcome": Outcome.WITHDRAWN,
            "revision": 1,
            "decided_by": "people/pia",
            "reason": "not now",
            "ended_at": self.clock.now(),
        }
        return self.realm.statements("launch").end(Ending(**{**values, **changes}))

    def releasing(self, program: str, statement: str = "") -> case_pb.ReleaseCaseRequest:
        return case_pb.ReleaseCaseRequest(
            request_id=new_request_id(),
            program=program,
            gate=gate_pb2.GATE_FUND,
            end_statement=statement or self.end(program),
        )

    async def balances(self, name: str = ENVELOPE) -> dict[str, int]:
        """An envelope's balances in cents, by account."""
        found: pb.Envelope = await self.auditor.GetEnvelope(pb.GetEnvelopeRequest(name=name))
        return {
            account: getattr(found.balances, account).units * 100
            + getattr(found.balances, account).nanos // 10_000_000
            for account in found.balances.DESCRIPTOR.fields_by_name
        }

    async def entries(self, page_size: int = 500, **filters: str) -> list[pb.LedgerEntry]:
        """The whole ledger, page by page."""
        found: list[pb.LedgerEntry] = []
        token = ""
        while True:
            page: pb.ListLedgerEntriesResponse = await self.auditor.ListLedgerEntries(
                pb.ListLedgerEntriesRequest(page_size=page_size, page_token=token, **filters)
            )
            found += page.entries
            token = page.next_page_token
            if not token:
                return found


async def refused(call: Awaitable[Any]) -> Problem:
    """Why a call was refused."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return explain(error.value)


@asynccontextmanager
async def money_side(
    realm: Realm, clock: SettableClock, database_url: str, *, sponsorship: str = "", **given: Any
) -> AsyncGenerator[MoneySide]:
    """Serves the budget beside a directory that the test scripts, or beside `sponsorship`.

    `given` overrides its settings.
    """
    async with AsyncExitStack() as stack:
        directory, at = await stack.enter_async_context(scripted_directory(clock))
        service = await stack.enter_async_context(
            served(
                compose,
                "budget",
                realm,
                database_url,
                **{"peers": {"sponsorship": sponsorship or at}, **UNSWEPT, **given},
            )
        )
        yield MoneySide(
            realm=realm,
            clock=clock,
            directory=directory,
            service=service,
            cases=CaseServiceStub(service.channel("workloads/worker", "worker")),
            committee=BudgetServiceStub(service.channel("people/ada", "budget-committee")),
            auditor=BudgetServiceStub(service.channel("people/axel", *OVERSEER)),
        )
