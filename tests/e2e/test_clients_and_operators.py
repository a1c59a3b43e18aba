"""Who uses it from outside: clients that are not ours, operators in Temporal, whoever reads traces.

One stack and one program for the whole file; each test looks at it from another side.
"""

import asyncio
import base64
import json
import shutil
import sysconfig
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from tests.support.collector import Collector, collecting
from tests.support.services import ROOT, new_request_id

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.cli.proposals import proposal_of
from investiture.stack.embedded import Stack
from investiture.stack.plan import ANY_PORTS, Options
from investiture.workflows import contract

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROPOSER, SPONSOR = "people/ben", "people/sara"
PROGRAM = "programs/portal-check"
PORTAL = Path(__file__).with_name("portal")
SCRIPTS = Path(sysconfig.get_path("scripts"))
SERVICE = "investiture.api.sponsorship.v1.SponsorshipService"

FIRST_EDGES = {
    ("portal", "launch"),  # the submit
    ("launch", "sqlite"),
    ("launch", "worker"),  # by way of Temporal: the outbox's signal starts the path
    ("worker", "launch"),
    ("worker", "sponsorship"),
    ("sponsorship", "sqlite"),
}
"""Who calls whom in the trace of one submit, until the first gate is open."""

LATER_EDGES = {
    ("worker", "budget"),
    ("budget", "sqlite"),
    ("worker", "itrisk"),
    ("itrisk", "sqlite"),
}
"""Who is called in the same trace when business and money stand."""


@dataclass(slots=True)
class World:
    """A running stack, what it tells the collector, and the program that was submitted."""

    stack: Stack
    collector: Collector
    submit_trace: str = ""

    def token(self, person: str, *roles: str) -> str:
        return self.stack.tokens(person, roles).token()

    def launch(self, person: str, *roles: str) -> LaunchServiceStub:
        return LaunchServiceStub(self.stack.channel("launch", person, roles))

    async def case(self, service: str, gate: gate_pb2.Gate.ValueType) -> gate_pb2.GateCase:
        stub = CaseServiceStub(self.stack.channel(service, SPONSOR, ["sponsor"]))
        reading: case_pb.CaseReading = await stub.ReadCase(
            case_pb.ReadCaseRequest(program=PROGRAM, gate=gate)
        )
        return reading.gate_case

    async def waiting_at(self, gate: gate_pb2.Gate.ValueType) -> launch_pb.Path:
        """The path once it waits at a gate whose case is open."""
        watch = self.launch(PROPOSER, "proposer").WatchProgram(
            launch_pb.WatchProgramRequest(program=PROGRAM), timeout=30
        )
        async for change in watch:
            at = next(g for g in change.path.gates if g.gate == gate)
            if at.gate_case.state == gate_pb2.CASE_STATE_OPEN:
                watch.cancel()
                return change.path
        raise AssertionError("the watch ended before the gate opened")


async def submitted(stack: Stack, collector: Collector) -> World:
    """Submits a program as a portal that traces: its span is the root of the trace."""
    world = World(stack, collector)
    provider = TracerProvider(resource=Resource.create({"service.name": "portal"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=collector.address)))
    launch = world.launch(PROPOSER, "proposer")
    content = proposal_of(ROOT / "deploy" / "examples" / "support-community.yaml").content
    created: launch_pb.Program = await launch.CreateProgram(
        launch_pb.CreateProgramRequest(
            request_id=new_request_id(), program_id=PROGRAM.partition("/")[2], content=content
        )
    )
    with provider.get_tracer("portal").start_as_current_span("submit the program") as span:
        world.submit_trace = f"{span.get_span_context().trace_id:032x}"
        await launch.SubmitProgram(
            launch_pb.SubmitProgramRequest(
                request_id=new_request_id(), name=PROGRAM, etag=created.etag
            )
        )
    await asyncio.to_thread(provider.shutdown)
    await world.waiting_at(gate_pb2.GATE_PLEDGE)
    return world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with collecting() as collector:
        options = Options(
            charter=ROOT / "deploy" / "charters" / "default.yaml",
            ports=ANY_PORTS,
            ui=False,
            traces=False,
            people=ROOT / "deploy" / "examples" / "people.yaml",
            envelopes=ROOT / "deploy" / "examples" / "envelopes.yaml",
            environment={"INVESTITURE_OTLP_ENDPOINT": collector.address},
        )
        async with Stack(tmp_path_factory.mktemp("stack"), options) as stack:
            yield await submitted(stack, collector)


async def run(*command: str | Path, given: str = "", cwd: Path = ROOT) -> tuple[int, str, str]:
    """Runs a command; answers its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
    )
    out, err = await process.communicate(given.encode())
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def temporal(world: World, *arguments: str) -> Any:
    """What the Temporal CLI answers, as JSON."""
    code, out, err = await run(
        SCRIPTS / "temporal",
        *arguments,
        "--address",
        world.stack.addresses["temporal"],
        "--output",
        "json",
    )
    assert code == 0, err
    return json.loads(out or "null")


async def seen(world: World, edges: set[tuple[str, str]]) -> None:
    """Waits for these edges in the trace of the submit."""
    try:
        await world.collector.until(lambda: world.collector.edges(world.submit_trace) >= edges)
    except TimeoutError:
        missing = edges - world.collector.edges(world.submit_trace)
        pytest.fail(f"edges never seen: {sorted(missing)}")


async def test_one_submit_is_one_trace_as_far_as_the_first_gate(world: World) -> None:
    await seen(world, FIRST_EDGES)

    def of_gates() -> list[dict[str, str]]:
        return [
            span.attributes
            for span in world.collector.spans.values()
            if span.trace_id == world.submit_trace
            and span.service == "worker"
            and "launch.id" in span.attributes
        ]

    # A span is sent once it has ended: the one that opened the gate comes after what it called.
    await world.collector.until(lambda: any(span.get("gate") == "PLEDGE" for span in of_gates()))
    assert {span["launch.id"] for span in of_gates()} == {PROGRAM}


async def test_log_lines_of_a_call_carry_its_trace(world: World) -> None:
    log = (world.stack.folder.log("sponsorship")).read_text()
    lines = [json.loads(line) for line in log.splitlines() if '"event": "call"' in line]
    opened = [line for line in lines if line["method"].endswith("/OpenCase")]
    assert world.submit_trace in {line.get("trace_id") for line in opened}


async def buf_curl(world: World, method: str, body: object, token: str) -> tuple[int, str, str]:
    return await run(
        SCRIPTS / "buf",
        "curl",
        "--protocol",
        "grpc",
        "--http2-prior-knowledge",
        "--header",
        f"authorization: Bearer {token}",
        "--data",
        json.dumps(body),
        f"http://{world.stack.addresses['sponsorship']}/{method}",
    )


async def test_buf_curl_finds_the_api_by_reflection_and_records_a_position(world: World) -> None:
    token = world.token("people/vera", "endorser")
    case = await world.case("sponsorship", gate_pb2.GATE_PLEDGE)
    code, out, err = await buf_curl(
        world,
        f"{SERVICE}/RecordPosition",
        {
            "requestId": new_request_id(),
            "name": case.name,
            "etag": case.etag,
            "unit": "units/sales",
            "kind": "POSITION_KIND_CONSENT",
        },
        token,
    )
    assert code == 0, err
    positions = {p["unit"]: p.get("kind", "") for p in json.loads(out)["positions"]}
    assert positions["units/sales"] == "POSITION_KIND_CONSENT"


async def test_buf_curl_shows_an_error_with_its_details_and_a_code(world: World) -> None:
    token = world.token(SPONSOR, "sponsor")
    code, _, err = await buf_curl(
        world,
        f"{SERVICE}/Pledge",
        {"requestId": "7", "name": f"{PROGRAM}/pledges/1", "etag": "x"},
        token,
    )
    assert code == grpc.StatusCode.INVALID_ARGUMENT.value[0] * 8
    shown = json.loads(err)
    assert shown["code"] == "invalid_argument"
    values = {
        detail["type"]: base64.b64decode(detail["value"] + "==") for detail in shown["details"]
    }
    info = error_details_pb2.ErrorInfo.FromString(values["google.rpc.ErrorInfo"])
    assert (info.domain, info.reason) == ("investiture", "INVALID_FIELD")
    bad = error_details_pb2.BadRequest.FromString(values["google.rpc.BadRequest"])
    assert [violation.field for violation in bad.field_violations] == ["request_id"]


async def test_buf_curl_watches_a_program(world: World) -> None:
    process = await asyncio.create_subprocess_exec(
        SCRIPTS / "buf",
        "curl",
        "--protocol",
        "grpc",
        "--http2-prior-knowledge",
        "--header",
        f"authorization: Bearer {world.token(PROPOSER, 'proposer')}",
        "--data",
        json.dumps({"program": PROGRAM}),
        f"http://{world.stack.addresses['launch']}"
        "/investiture.api.launch.v1.LaunchService/WatchProgram",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            shown = ""
            while '"version"' not in shown:
                line = await process.stdout.readline()
                assert line, "the stream ended without a message"
                shown += line.decode()
    finally:
        process.kill()
        await process.wait()
    assert PROGRAM in shown


async def test_health_is_answered_to_whoever_asks(world: World) -> None:
    code, out, err = await run(
        SCRIPTS / "buf",
        "curl",
        "--protocol",
        "grpc",
        "--http2-prior-knowledge",
        "--data",
        json.dumps({"service": SERVICE}),
        f"http://{world.stack.addresses['sponsorship']}/grpc.health.v1.Health/Check",
    )
    assert code == 0, err
    assert json.loads(out) == {"status": "SERVING"}


async def installed(folder: Path) -> Path:
    """The portal with its locked packages, and the folder it runs in."""
    for name in ("package.json", "package-lock.json", ".npmrc", "decide.js"):
        shutil.copy(PORTAL / name, folder)
    npm = shutil.which("npm") or str(SCRIPTS / "npm")
    code, out, err = await run(npm, "ci", "--ignore-scripts", "--no-progress", cwd=folder)
    assert code == 0, out + err
    return folder


async def test_a_portal_in_javascript_pledges_on_what_it_read(world: World, tmp_path: Path) -> None:
    folder = await installed(tmp_path)
    types = ROOT / "protos" / "third_party"
    asked = {
        "address": world.stack.addresses["sponsorship"],
        "token": world.token(SPONSOR, "sponsor"),
        "program": PROGRAM,
        "requestId": new_request_id(),
        "protos": [str(ROOT / "protos"), str(types)],
    }
    node = shutil.which("node") or str(SCRIPTS / "node")
    code, out, err = await run(node, "decide.js", given=json.dumps(asked), cwd=folder)
    assert code == 0, err
    shown = json.loads(out)
    assert shown["refused"]["code"] == "ABORTED"
    assert SPONSOR in shown["deciders"]


async def test_a_decision_starts_a_trace_of_its_own_that_links_to_the_submission(
    world: World,
) -> None:
    def linked() -> bool:
        return any(
            world.submit_trace in span.linked_traces
            and span.trace_id != world.submit_trace
            and span.name.endswith("/Pledge")
            for span in world.collector.spans.values()
        )

    await world.collector.until(linked)


async def test_operators_find_a_path_by_gate_unit_and_due_date(world: World) -> None:
    case = await world.case("budget", gate_pb2.GATE_FUND)
    if not case.name:
        await world.waiting_at(gate_pb2.GATE_FUND)
    query = (
        f"{contract.GATE_ATTRIBUTE} = 'FUND' AND {contract.UNITS_ATTRIBUTE} = 'support' "
        f"AND {contract.DUE_AT_ATTRIBUTE} < '2099-01-01T00:00:00Z'"
    )
    async with asyncio.timeout(20):
        found: list[Any] = []
        while not found:
            found = await temporal(world, "workflow", "list", "--query", query) or []
            await asyncio.sleep(0 if found else 0.2)  # visibility is indexed after the fact
    assert [row["execution"]["workflowId"] for row in found] == [contract.launch_path_id(PROGRAM)]


async def test_current_details_say_whom_the_path_waits_for(world: World) -> None:
    described = await temporal(
        world, "workflow", "metadata", "--workflow-id", contract.launch_path_id(PROGRAM)
    )
    details: str = described["queryResult"][0]["currentDetails"]
    assert "FUND" in details
    assert "approver" in details
    assert base64.b64encode(b"Sara").decode() not in details, "roles and units, no names"


async def test_the_history_holds_ids_and_digests_only(world: World) -> None:
    history = await temporal(
        world, "workflow", "show", "--workflow-id", contract.launch_path_id(PROGRAM)
    )
    text = json.dumps(history)
    payloads = [
        base64.b64decode(payload["data"]).decode("utf-8", "replace")
        for payload in _payloads(history)
    ]
    said = text + "".join(payloads)
    for word in ("Customers help", "four working hours", "moderation", SPONSOR, "halden.example"):
        assert word not in said, word


def _payloads(value: Any) -> list[Any]:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if "data" in fields and "metadata" in fields:
            return [fields]
        return [found for one in fields.values() for found in _payloads(one)]
    if isinstance(value, list):
        rows: list[Any] = value  # pyright: ignore[reportUnknownVariableType] - JSON, whatever it holds
        return [found for one in rows for found in _payloads(one)]
    return []


async def test_the_pledge_is_read_as_it_was_decided(world: World) -> None:
    stub = SponsorshipServiceStub(world.stack.channel("sponsorship", SPONSOR, ["sponsor"]))
    pledge: sponsorship_pb.Pledge = await stub.GetPledge(
        sponsorship_pb.GetPledgeRequest(name=f"{PROGRAM}/pledges/latest")
    )
    assert pledge.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert {d.person for d in pledge.gate_case.deciders} >= {SPONSOR, "people/vera"}


async def test_the_trace_of_the_submit_goes_on_through_money_and_it(world: World) -> None:
    async def funding(person: str) -> tuple[BudgetServiceStub, budget_pb.Funding]:
        stub = BudgetServiceStub(world.stack.channel("budget", person, ["finance"]))
        name = f"{PROGRAM}/budgetRequests/latest"
        return stub, await stub.GetFunding(budget_pb.GetFundingRequest(name=name))

    for person in ("people/fiona", "people/finn"):
        stub, present = await funding(person)
        await stub.ApproveFunding(
            budget_pb.ApproveFundingRequest(
                request_id=new_request_id(),
                name=present.gate_case.name,
                etag=present.gate_case.etag,
            )
        )
    stub, present = await funding("people/fay")
    await stub.Reserve(
        budget_pb.ReserveRequest(
            request_id=new_request_id(), name=present.gate_case.name, etag=present.gate_case.etag
        )
    )
    await world.waiting_at(gate_pb2.GATE_KNIGHT)
    await seen(world, FIRST_EDGES | LATER_EDGES)
