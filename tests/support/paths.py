"""A company whose programs walk real paths: records, services, relay, worker and deciders."""

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowHandle,
    WorkflowHistory,
)
from temporalio.common import (
    SearchAttributePair,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Interceptor, Worker
from tests.support.case_records import OWNERS, Gate, ScriptedClock
from tests.support.gate_server import GateServers
from tests.support.program_records import Records

from investiture.api.common.v1 import gate_pb2 as pb
from investiture.api.workflows.v1.path_pb2 import PathInput, PathOutcome, Ring
from investiture.workflows import contract
from investiture.workflows.launch_path import LaunchPath
from investiture.workflows.prove_return import ProveReturn
from investiture.workflows.worker import WorkerLimits, build_worker

Plan = Callable[[pb.GateCase], None]
"""What the deciders do about a case that was opened."""


class Company:
    """Everything a path needs, in this process; Temporal is a real server."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.queue = f"queue-{uuid.uuid4().hex[:12]}"
        self.clock = ScriptedClock()
        self.records = Records(self.clock, self._post)
        self.records.on_open = self._decide_on
        self.servers = GateServers(self.records)
        self.plans: dict[str, Plan] = {}
        self.lost: Callable[[str, Gate], bool] = lambda _program, _gate: False
        """Rings that never arrive."""
        self._relay: set[asyncio.Task[None]] = set()
        self._started: dict[str, asyncio.Event] = {}

    def new_program(self, plan: Plan | None = None, name: str = "") -> str:
        """The name of a program that nobody has submitted; by default everybody says yes."""
        program = f"programs/{name or f'p-{uuid.uuid4().hex[:12]}'}"
        self.plans[program] = plan or self.say_yes
        return program

    def submit(self, plan: Plan | None = None) -> str:
        program = self.new_program(plan)
        self.records.submit(program)
        return program

    def say_yes(self, case: pb.GateCase) -> None:
        if case.gate != pb.GATE_PROVE and case.state == pb.CASE_STATE_OPEN:
            self.records.decide(case.program, case.gate)

    def say_nothing(self, case: pb.GateCase) -> None:
        """The test decides."""

    def say_yes_before(self, gate: Gate) -> Plan:
        """Yes to the gates before this one; it and the later ones wait."""

        def plan(case: pb.GateCase) -> None:
            if case.gate < gate:
                self.say_yes(case)

        return plan

    def state(self, program: str, gate: Gate, number: int = 1) -> str:
        """State of the gate's case of that round; empty where it was not opened."""
        rounds = self.records.cases.get((program, gate), [])
        if len(rounds) < number:
            return ""
        return pb.CaseState.Name(rounds[number - 1].state).removeprefix("CASE_STATE_")

    async def opened(self, program: str, gate: Gate, number: int = 1) -> pb.GateCase:
        """Wait until the gate's case of that round is opened."""
        rounds = self.records.cases
        await self.records.until(lambda: len(rounds.get((program, gate), [])) >= number)
        return rounds[program, gate][number - 1]

    async def path(self, program: str) -> WorkflowHandle[Any, Any]:
        """Wait until the program's path was started once."""
        await self._started.setdefault(program, asyncio.Event()).wait()
        return self.client.get_workflow_handle_for(LaunchPath.run, contract.launch_path_id(program))

    def proof(self, program: str) -> WorkflowHandle[Any, PathOutcome]:
        return self.client.get_workflow_handle_for(
            ProveReturn.run, contract.prove_return_id(program)
        )

    async def outcome(self, program: str) -> PathOutcome:
        """Wait for the end of the program's path."""
        outcome: PathOutcome = await (await self.path(program)).result()
        return outcome

    async def shows(
        self, program: str, line: str, handle: WorkflowHandle[Any, Any] | None = None
    ) -> None:
        """Wait until the path's line in its memo begins so."""
        await _shows(handle or await self.path(program), line)

    async def proof_shows(self, program: str, line: str, after: str | None = None) -> None:
        """Wait until the proof's line in its memo begins so, in another run than `after`."""
        proof = contract.prove_return_id(program)
        await self._started.setdefault(proof, asyncio.Event()).wait()
        if after is not None:
            run = self.client.get_workflow_handle(proof, run_id=after)
            async for _ in run.fetch_history_events(wait_new_event=True):
                """Until the run has ended."""
            await self.caught_up(self.proof(program))
        else:
            await _shows(self.proof(program), line)

    async def caught_up(self, handle: WorkflowHandle[Any, Any]) -> None:
        """Wait until the workflow has seen every signal sent so far: a query comes after them."""
        await handle.query("__stack_trace")

    async def send(self, program: str, ring: Ring) -> None:
        """Ring as the launch service does: a path that does not run is started."""
        launched = self.records.programs[program].message.HasField("launch_time")
        kind, workflow_id = (
            (contract.PROVE_RETURN, contract.prove_return_id(program))
            if launched
            else (contract.LAUNCH_PATH, contract.launch_path_id(program))
        )
        await self.client.start_workflow(
            kind,
            PathInput(program=program),
            id=workflow_id,
            task_queue=self.queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=contract.RING,
            start_signal_args=[ring],
            static_summary=program,
        )
        self._started.setdefault(program, asyncio.Event()).set()
        self._started.setdefault(workflow_id, asyncio.Event()).set()

    async def start_path(self, program: str) -> None:
        """Start the program's path whatever it is, as a late ring would, and wait for its end."""
        await self.client.execute_workflow(
            LaunchPath.run,
            PathInput(program=program),
            id=contract.launch_path_id(program),
            task_queue=self.queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )

    def worker(self, *interceptors: Interceptor, limits: WorkerLimits | None = None) -> Worker:
        return build_worker(
            self.client,
            self.servers.cases,
            self.servers.launch,
            task_queue=self.queue,
            limits=limits,
            interceptors=interceptors,
            strict=True,
        )

    async def stop(self) -> None:
        # Not cancelled: an abandoned call would come back to an interpreter that is going away.
        await asyncio.gather(*self._relay, return_exceptions=True)
        await self.servers.stop()

    def _decide_on(self, case: pb.GateCase) -> None:
        plan = self.plans[case.program]
        asyncio.get_running_loop().call_soon(plan, case)

    def _post(self, program: str, gate: Gate, case: pb.GateCase | None) -> None:
        if self.lost(program, gate):
            return
        ring = Ring(gate=gate)
        if case is not None:
            ring.case_name, ring.version = case.name, case.version
        by_launch = gate == pb.GATE_UNSPECIFIED or OWNERS[gate] == "launch"
        task = asyncio.create_task(
            self.send(program, ring) if by_launch else self._signal(program, ring)
        )
        self._relay.add(task)
        task.add_done_callback(self._relay.discard)

    async def _signal(self, program: str, ring: Ring) -> None:
        to: str | None = contract.launch_path_id(program)
        while to is not None:
            try:
                await self.client.get_workflow_handle(to).signal(contract.RING, ring)
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:  # it reads the record when it runs
                    raise
                to = contract.after_launch_path(to)
            else:
                return


@asynccontextmanager
async def company(
    client: Client, *, working: bool = True, interceptors: Sequence[Interceptor] = ()
) -> AsyncGenerator[Company]:
    """A company with a worker, unless that is left to the test."""
    founded = Company(client)
    await founded.servers.start()
    try:
        if working:
            async with founded.worker(*interceptors):
                yield founded
        else:
            yield founded
    finally:
        await founded.stop()


async def _shows(handle: WorkflowHandle[Any, Any], line: str) -> None:
    async for event in handle.fetch_history_events(wait_new_event=True):
        fields = event.workflow_properties_modified_event_attributes.upserted_memo.fields
        if contract.MEMO_NOW in fields:
            now: str = json.loads(fields[contract.MEMO_NOW].data)
            if now.startswith(line):
                return
    raise AssertionError(f"{handle.id} ended without having shown {line!r}")


def attributes_of(description: WorkflowExecutionDescription) -> dict[str, Any]:
    """Search attributes of a workflow, by name."""
    # One type a key, which a loop over all of them cannot say.
    pairs = cast("Iterable[SearchAttributePair[Any]]", description.typed_search_attributes)
    return {pair.key.name: pair.value for pair in pairs}


def activities_of(history: WorkflowHistory) -> list[str]:
    """Names of the activities that a history scheduled, in order; local ones in brackets."""
    names: list[str] = []
    for event in history.events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            attributes = event.activity_task_scheduled_event_attributes
            names.append(attributes.activity_type.name)
        elif event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
            names.append("(local)")
    return names
