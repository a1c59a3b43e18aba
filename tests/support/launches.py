"""The launch service with its callers: a believable program, and its way through the gates."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from tests.support.clock import SettableClock
from tests.support.directory import ScriptedDirectory, scripted_directory
from tests.support.programs import (
    BENEFIT_OWNER,
    KNIGHT,
    MONEY,
    PILOT_OWNER,
    PROPOSER,
    SPONSOR,
    content,
    eur,
)
from tests.support.services import CHARTER, Realm, Served, new_request_id, served

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.casework import wire
from investiture.casework.facts import Revision
from investiture.casework.statements import OWNER
from investiture.casework.vocabulary import GATES, SIDES, STATES
from investiture.casework.words import CaseState, Gate, Side
from investiture.chassis.client import Problem, explain
from investiture.launch.__main__ import compose
from investiture.launch.store import METADATA

ASKED = (Gate.PLEDGE, Gate.FUND, Gate.KNIGHT)
WAITED = timedelta(hours=1)
"""How long each gate of another service waits in these tests."""


@dataclass(slots=True)
class Front:
    """A launch service that serves, and the people who call it."""

    realm: Realm
    clock: SettableClock
    directory: ScriptedDirectory
    service: Served
    database_url: str
    worker: LaunchServiceStub
    cases: CaseServiceStub
    peers: dict[str, str]
    """Where the directory is."""
    stubs: dict[tuple[str, ...], LaunchServiceStub] = field(
        default_factory=dict[tuple[str, ...], LaunchServiceStub]
    )

    def person(self, name: str, *roles: str) -> LaunchServiceStub:
        """The stub of a person in these roles."""
        key = (name, *roles)
        if key not in self.stubs:
            self.stubs[key] = LaunchServiceStub(self.service.channel(name, *roles))
        return self.stubs[key]

    def case_person(self, name: str, *roles: str) -> CaseServiceStub:
        return CaseServiceStub(self.service.channel(name, *roles))

    @property
    def proposer(self) -> LaunchServiceStub:
        return self.person(PROPOSER, "proposer")

    @property
    def sponsor(self) -> LaunchServiceStub:
        return self.person(SPONSOR, "sponsor")

    async def refused(self, call: Awaitable[Any]) -> Problem:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await call
        return explain(error.value)

    async def draft(self, program_id: str = "community", **changes: Any) -> pb.Program:
        return await self.proposer.CreateProgram(
            pb.CreateProgramRequest(
                request_id=new_request_id(), program_id=program_id, content=content(**changes)
            )
        )

    async def submitted(self, program_id: str = "community", **changes: Any) -> pb.Program:
        """A program on its path, revision 1."""
        draft = await self.draft(program_id, **changes)
        return await self.proposer.SubmitProgram(
            pb.SubmitProgramRequest(request_id=new_request_id(), name=draft.name, etag=draft.etag)
        )

    async def revised(self, program: pb.Program, **changes: Any) -> pb.ReviseProgramResponse:
        """The program with these fields changed from what a believable one says."""
        present = await self.program(program.name)
        return await self.proposer.ReviseProgram(
            pb.ReviseProgramRequest(
                request_id=new_request_id(),
                name=present.name,
                etag=present.etag,
                content=content(**changes),
                reason="asked for",
            )
        )

    async def withdrawn(self, name: str) -> pb.Program:
        """The program ended by its proposer."""
        present = await self.program(name)
        return await self.proposer.WithdrawProgram(
            pb.WithdrawProgramRequest(
                request_id=new_request_id(), name=name, etag=present.etag, reason="not now"
            )
        )

    async def program(self, name: str) -> pb.Program:
        return await self.worker.GetProgram(pb.GetProgramRequest(name=name))

    async def path(self, name: str) -> pb.Path:
        return await self.worker.GetPath(pb.GetPathRequest(program=name))

    async def statement(self, name: str) -> str:
        signed: pb.SignedRevisionStatement = await self.worker.GetRevisionStatement(
            pb.GetRevisionStatementRequest(program=name)
        )
        return signed.statement

    async def facts(self, name: str) -> Revision:
        """What the newest revision says, as launch signed it."""
        return self.realm.statements("launch").read_revision(await self.statement(name)).revision

    def warrants(self, facts: Revision, **by_gate: str) -> list[str]:
        """Fresh warrants of the three gates; `by_gate` puts others in their place, "" none."""
        people = {Gate.PLEDGE: facts.sponsor, Gate.FUND: MONEY, Gate.KNIGHT: KNIGHT}
        made = {
            gate.value.lower(): self.realm.warrant(gate, facts, person)
            for gate, person in people.items()
        }
        return [jws for jws in {**made, **by_gate}.values() if jws]

    def gate_case(
        self, facts: Revision, gate: Gate, state: CaseState, round_: int = 1, **changes: Any
    ) -> gate_pb2.GateCase:
        """A case of another service, as it would answer it."""
        now = self.clock.now()
        decided = state in (CaseState.STANDING, CaseState.DECLINED)
        person, side = _DECIDERS[gate]
        decider = gate_pb2.Decider(
            person=person,
            side=SIDES.to(side),
            decided_at=wire.stamp(now),
            revision=facts.number,
            gate_digest=facts.gate_digest(gate),
        )
        values: dict[str, Any] = {
            "name": f"{facts.program}/cases/{gate.value.lower()}-{round_}",
            "program": facts.program,
            "gate": GATES.to(gate),
            "revision": facts.number,
            "gate_digest": facts.gate_digest(gate),
            "round": round_,
            "state": STATES.to(state),
            "version": 1,
            "deciders": [decider] if decided else [],
            "opened_at": wire.stamp(now),
            "waiting_since": None if decided else wire.stamp(now),
            "standing_until": wire.stamp(now + timedelta(days=90)) if decided else None,
        }
        return gate_pb2.GateCase(**{**values, **changes})

    def signed(self, case: gate_pb2.GateCase, signer: str = "") -> str:
        gate = GATES.of(case.gate)
        return self.realm.statements(signer or OWNER[gate]).case(case)

    async def record(self, case: gate_pb2.GateCase, signer: str = "") -> pb.PathGate:
        return await self.worker.RecordStanding(
            pb.RecordStandingRequest(
                request_id=new_request_id(), case_statement=self.signed(case, signer)
            )
        )

    async def stand(self, facts: Revision, *gates: Gate) -> None:
        """These gates were opened, waited for an hour, and stand."""
        for gate in gates or ASKED:
            await self.record(self.gate_case(facts, gate, CaseState.OPEN))
            self.clock.advance(WAITED)
            waited = WAITED // timedelta(milliseconds=1)
            await self.record(
                self.gate_case(facts, gate, CaseState.STANDING, version=2, waited_ms=waited)
            )

    async def open(self, gate: Gate, name: str, **request: Any) -> case_pb.CaseReading:
        facts = await self.facts(name)
        values: dict[str, Any] = {
            "request_id": new_request_id(),
            "gate": GATES.to(gate),
            "revision_statement": self.realm.revision_statement(facts),
            "warrants": self.warrants(facts),
        }
        return await self.cases.OpenCase(case_pb.OpenCaseRequest(**{**values, **request}))

    async def piloting(self, program_id: str = "community", **changes: Any) -> pb.Pilot:
        """A pilot that runs: everything before it stands."""
        program = await self.submitted(program_id, **changes)
        await self.stand(await self.facts(program.name))
        await self.open(Gate.PILOT, program.name)
        return await self.pilot(program.name)

    async def pilot(self, name: str) -> pb.Pilot:
        return await self.worker.GetPilot(pb.GetPilotRequest(name=f"{name}/pilots/latest"))

    async def outcome(self, pilot: pb.Pilot, **changes: Any) -> pb.Pilot:
        values: dict[str, Any] = {
            "request_id": new_request_id(),
            "name": pilot.gate_case.name,
            "etag": pilot.gate_case.etag,
            "outcome": pb.PILOT_OUTCOME_SUCCEEDED,
            "observations": ["41 % were active"],
        }
        owner = self.person(PILOT_OWNER, "pilot-owner")
        return await owner.RecordPilotOutcome(pb.RecordPilotOutcomeRequest(**{**values, **changes}))

    async def asked_for_go(self, program_id: str = "community", **changes: Any) -> pb.GoDecision:
        """A go decision that waits: the pilot succeeded."""
        pilot = await self.outcome(await self.piloting(program_id, **changes))
        await self.open(Gate.LAUNCH, pilot.gate_case.program)
        return await self.go_decision(pilot.gate_case.program)

    async def go_decision(self, name: str) -> pb.GoDecision:
        return await self.worker.GetGoDecision(
            pb.GetGoDecisionRequest(name=f"{name}/goDecisions/latest")
        )

    async def decide(self, go: pb.GoDecision, **changes: Any) -> pb.GoDecision:
        values: dict[str, Any] = {
            "request_id": new_request_id(),
            "name": go.gate_case.name,
            "etag": go.gate_case.etag,
            "answer": pb.GO_ANSWER_GO,
        }
        return await self.sponsor.DecideGo(pb.DecideGoRequest(**{**values, **changes}))

    async def cleared(self, program_id: str = "community", **changes: Any) -> Revision:
        """A program whose go was given: only the launch itself is left."""
        go = await self.decide(await self.asked_for_go(program_id, **changes))
        return await self.facts(go.gate_case.program)

    async def execute(self, facts: Revision, **changes: Any) -> pb.Program:
        values: dict[str, Any] = {
            "request_id": new_request_id(),
            "program": facts.program,
            "warrants": self.warrants(facts),
        }
        return await self.worker.ExecuteLaunch(pb.ExecuteLaunchRequest(**{**values, **changes}))

    async def launched(self, program_id: str = "community", **changes: Any) -> pb.Program:
        return await self.execute(await self.cleared(program_id, **changes))

    async def measured(self, name: str, units: int, benefit_id: str = "deflection") -> pb.Program:
        present = await self.program(name)
        owner = self.person(BENEFIT_OWNER, "benefit-owner")
        return await owner.RecordBenefit(
            pb.RecordBenefitRequest(
                request_id=new_request_id(),
                name=name,
                etag=present.etag,
                benefit_id=benefit_id,
                measured=eur(units),
                evidence="https://halden.example/figures",
            )
        )

    async def close(
        self, name: str, outcome: statements_pb2.Outcome.ValueType, **changes: Any
    ) -> pb.Program:
        present = await self.program(name)
        values: dict[str, Any] = {
            "request_id": new_request_id(),
            "name": name,
            "etag": present.etag,
            "outcome": outcome,
            "reason": "the year is over",
        }
        return await self.sponsor.CloseProgram(pb.CloseProgramRequest(**{**values, **changes}))

    async def suspended(self, program: pb.Program, reason: str = "a leak") -> pb.Program:
        present = await self.program(program.name)
        return await self.person("people/omar", "on-call").Suspend(
            pb.SuspendRequest(
                request_id=new_request_id(), name=present.name, etag=present.etag, reason=reason
            )
        )

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What a table of the service's database holds."""
        engine = sa.create_engine(self.database_url)
        try:
            with engine.connect() as connection:
                known = METADATA.tables[table]
                found = connection.execute(known.select().order_by(*known.primary_key))
                return [dict(row) for row in found.mappings()]
        finally:
            engine.dispose()

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """All that is stored, to show that a call stored nothing."""
        return {
            name: sorted(self.rows(name), key=repr) for name in METADATA.tables if name != "outbox"
        } | {"outbox": sorted(({"id": row["id"]} for row in self.rows("outbox")), key=repr)}


class Watched:
    """A watch, read change by change."""

    def __init__(self, desk: Front, name: str, after_version: int = 0) -> None:
        request = pb.WatchProgramRequest(program=name, after_version=after_version)
        self.call: Any = desk.worker.WatchProgram(request)
        self._changes: AsyncIterator[pb.WatchProgramResponse] = aiter(self.call)

    async def next(self) -> pb.WatchProgramResponse:
        return await asyncio.wait_for(anext(self._changes), 20)

    async def ended(self) -> bool:
        return await asyncio.wait_for(anext(self._changes, None), 20) is None


_DECIDERS = {
    Gate.PLEDGE: (SPONSOR, Side.BUSINESS),
    Gate.FUND: (MONEY, Side.MONEY),
    Gate.KNIGHT: (KNIGHT, Side.IT),
}


@asynccontextmanager
async def front(
    realm: Realm, clock: SettableClock, database_url: str, **given: Any
) -> AsyncGenerator[Front]:
    """Serves launch; `given` overrides its settings.

    The charter is the default one with a heart that does not beat while a test moves the clock.
    """
    charter = realm.folder / "quiet.yaml"
    charter.write_text(CHARTER.read_text().replace("heartbeat: PT15M", "heartbeat: P3650D"))
    given = {"charter": charter, **given}
    async with AsyncExitStack() as stack:
        directory, at = await stack.enter_async_context(scripted_directory(clock))
        peers = {"sponsorship": at}
        service = await stack.enter_async_context(
            served(compose, "launch", realm, database_url, peers=peers, **given)
        )
        channel = service.channel("workloads/worker", "worker")
        yield Front(
            realm,
            clock,
            directory,
            service,
            database_url,
            LaunchServiceStub(channel),
            CaseServiceStub(channel),
            peers,
        )
