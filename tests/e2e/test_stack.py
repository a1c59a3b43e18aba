"""The embedded stack: its life, its ports, its data, and that it heals."""

import asyncio
import json
import signal
import socket
import sys
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.support.command import investiture, started

from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.stack import record
from investiture.stack.embedded import Stack
from investiture.stack.example import PEOPLE, example
from investiture.stack.folder import Folder, holder
from investiture.stack.part import Event, Phase
from investiture.stack.plan import ANY_PORTS, PREFERRED_PORTS, SERVICES, TEMPORAL, WORKER, Options
from investiture.stack.ports import LOOPBACK

pytestmark = pytest.mark.sqlite

CHARTER = example("charters/demo.yaml")


@asynccontextmanager
async def up(folder: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    """`investiture up` in the foreground of a process of its own, once it says where it is."""
    process = await started(folder, "up", "--charter", str(CHARTER), "--no-ui", "--json")
    try:
        assert process.stdout is not None
        said = await process.stdout.readuntil(b"\n}\n")
        assert json.loads(said)["addresses"].keys() == {*SERVICES, TEMPORAL}
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


@pytest.mark.timeout(240)
async def test_a_second_up_finds_the_data_again(tmp_path: Path) -> None:
    folder = tmp_path / "stack"
    with closing(socket.socket()) as taken:
        with suppress(OSError):  # somebody else may have it: it is taken all the same
            taken.bind((LOOPBACK, PREFERRED_PORTS["launch"]))
            taken.listen()
        await first_life(folder)
    again = await investiture(folder, "down")
    assert again.code == 0, "what does not run is stopped already"
    await second_life(folder)
    logs = {path.name for path in (folder / "logs").iterdir()}
    assert {f"{part}.log" for part in (*SERVICES, WORKER, TEMPORAL)} <= logs


async def first_life(folder: Path) -> None:
    proposal = example("examples/support-community.yaml")
    async with up(folder) as first:
        noted = record.running(folder)
        assert noted is not None
        given = int(noted.addresses["launch"].rpartition(":")[2])
        assert given > PREFERRED_PORTS["launch"], "a taken port gives way to the next free one"
        submitted = await investiture(folder, "submit", str(proposal), "--as", "ben")
        assert submitted.code == 0, submitted
        refused = await investiture(folder, "up")
        assert refused.code == 73
        assert str(first.pid) in refused.err
        stopped = await investiture(folder, "down")
        assert stopped.code == 0, stopped
        assert await first.wait() == 0
        assert holder(Folder(folder)) is None


async def second_life(folder: Path) -> None:
    async with up(folder) as second:
        listed = await investiture(folder, "list", "--as", "ben", "--json")
        names = [program["name"] for program in listed.json["programs"]]
        assert names == ["programs/support-community"]
        workflow = await investiture(folder, "path", "show", "support-community", "--json")
        assert workflow.json["status"] == "RUNNING", "Temporal found its data, too"
        second.send_signal(signal.SIGINT)
        assert await second.wait() == 0, "Ctrl-C stops it in order"


class Watch:
    """Counts what is told of a stack's parts, and waits for it."""

    def __init__(self) -> None:
        self._events: list[tuple[str, Phase]] = []
        self._news = asyncio.Event()

    def tell(self, event: Event) -> None:
        self._events.append((event.part, event.phase))
        self._news.set()

    async def ready_again(self, part: str) -> None:
        async with asyncio.timeout(60):
            while self._events.count((part, Phase.READY)) < 2:
                self._news.clear()
                await self._news.wait()


async def test_whatever_is_killed_comes_back_on_the_same_port(tmp_path: Path) -> None:
    options = Options(charter=CHARTER, ports=ANY_PORTS, ui=False, people=example(PEOPLE))
    watch = Watch()
    async with Stack(tmp_path / "stack", options, watch.tell) as stack:
        before = dict(stack.addresses)
        killed = {part: await stack.kill(part) for part in (*SERVICES, WORKER, TEMPORAL)}
        await asyncio.gather(*(watch.ready_again(part) for part in killed))
        assert stack.addresses == before
        assert stack.restarts == len(killed)
        assert not set(killed.values()) & set(stack.pids.values())
        noted = record.running(stack.folder.path)
        assert noted is not None
        assert noted.pids == stack.pids, "the record has the new processes"
    assert set(stack.pids.values()) == {0}, "nothing that was started is left"


async def test_a_broken_charter_stops_the_start_by_line_and_rule(tmp_path: Path) -> None:
    broken = tmp_path / "charter.yaml"
    broken.write_text(CHARTER.read_text().replace("owner: pr,", "owner: publicity,"))
    folder = tmp_path / "stack"
    process = await started(folder, "up", "--charter", str(broken))
    _, err = await process.communicate()
    assert process.returncode == 65
    line = next(n for n, row in enumerate(broken.read_text().splitlines(), 1) if "publicity" in row)
    assert err.decode().startswith(f"{broken}:{line}:")
    assert holder(Folder(folder)) is None


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a process of its parent's end"
)
async def test_a_stack_that_is_killed_leaves_nothing_that_the_next_one_trips_over(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "stack"
    async with up(folder) as process:
        noted = record.running(folder)
        assert noted is not None
        process.kill()
        await process.wait()
        assert record.running(folder) is None
    async with up(folder):  # at once: it waits until what the killed one left has ended
        again = record.running(folder)
        assert again is not None
        assert again.charter == noted.charter


async def test_the_records_may_lie_in_postgresql(tmp_path: Path, postgres_url: str) -> None:
    prefix = f"stack_{uuid.uuid4().hex[:8]}"
    options = Options(
        charter=CHARTER,
        database=sa.make_url(postgres_url).set(database=prefix).render_as_string(False),
        ports=ANY_PORTS,
        supervise=False,
        ui=False,
        people=example(PEOPLE),
    )
    for _ in range(2):  # the second time they are there, migrated and with their people
        async with Stack(tmp_path / "stack", options) as stack:
            stub = SponsorshipServiceStub(stack.channel("sponsorship", "people/ada", ()))
            found = await stub.GetPerson(sponsorship_pb.GetPersonRequest(name="people/ada"))
            assert found.display_name == "Ada Lindqvist"
    assert {path.name for path in (tmp_path / "stack" / "databases").iterdir()} == {"temporal.db"}
