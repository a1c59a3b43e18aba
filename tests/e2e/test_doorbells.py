"""A signal is a doorbell: forged, doubled, early, by the thousand, it moves no gate.

Rings are sent with the Temporal CLI, as anybody who reaches the server could. Terminating a path or
resetting it to before a negative decision changes nothing either: the records say where it is.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from itertools import count

import pytest
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError
from tests.support.plays import PROVEN, Play, sees
from tests.support.site import CommandRefused, Site, Undisturbed
from tests.support.stories import check_ledger

from investiture.api.common.v1 import gate_pb2 as gates_pb
from investiture.api.workflows.v1.path_pb2 import PathOutcome, Ring
from investiture.workflows import contract
from investiture.workflows.launch_path import LaunchPath

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(400),  # a flood takes what the server and the machine take
]

FLOOD = 12_000
"""Forged rings in a row: more than the 10,000 signals that the server takes of one run."""
SENDERS = 48
"""So many of them are on their way at the same time."""
BY_CLI = 12
"""So many of them are sent with the CLI, a process each, spread over the flood."""

SIGNAL_LIMIT = "execution limit for signal events"
"""The server's words to whoever signals a run that has had its 10,000."""

GAP = gates_pb.Gap(
    risk="a leak of what customers write",
    tolerance="at most 1 % a year",
    excess="by 2 %",
    remedy="single sign-on for everybody",
    fields=["controls"],
)

Path = WorkflowHandle[LaunchPath, PathOutcome]


async def path_of(site: Site, play: Play) -> Path:
    """The newest run of a program's path."""
    client = await site.temporal()
    return client.get_workflow_handle_for(LaunchPath.run, contract.launch_path_id(play.name))


async def ring(site: Site, path: str, **fields: object) -> None:
    """Forge a ring as the CLI lets anybody do."""
    await site.cli(
        *("workflow", "signal", "--workflow-id", path, "--name", contract.RING),
        *("--input", json.dumps(fields)),
        *("--input-meta", "encoding=json/protobuf"),
        *("--input-meta", f"messageType={Ring.DESCRIPTOR.full_name}"),
    )


async def caught_up(handle: Path) -> None:
    """Returns once the path has seen every signal that was sent: a query comes after them."""
    await handle.query("__stack_trace")


async def standing_still(site: Site, play: Play) -> Counter[str]:
    """What is on record of a program that nobody decided about; reminders are left out."""
    story = await site.story(play)
    return Counter(story.events)


async def test_forged_doubled_early_and_misdirected_rings_move_no_gate(site: Site) -> None:
    play, other = site.play("forged"), site.play("other")
    await asyncio.gather(play.submit(), other.submit())
    await asyncio.gather(play.ready_for("pledge"), other.ready_for("pledge"))
    await play.take_positions()
    path = await path_of(site, play)
    case = await play.case(gates_pb.GATE_PLEDGE, "sponsorship")
    before = await standing_still(site, play), await standing_still(site, other)

    genuine = {"gate": "GATE_PLEDGE", "caseName": case.name, "version": str(case.version)}
    await ring(site, path.id, **genuine | {"version": str(case.version + 1)})
    await ring(site, path.id, **genuine)
    await ring(site, path.id, **genuine)
    for later in ("GATE_FUND", "GATE_KNIGHT", "GATE_LAUNCH", "GATE_PROVE"):
        await ring(site, path.id, gate=later, caseName=f"{play.name}/forged/1", version="7")
    others = contract.launch_path_id(other.name)
    await ring(site, others, **genuine)
    await ring(site, path.id, gate="GATE_PLEDGE", caseName=f"{other.name}/pledges/1", version="9")
    await ring(site, path.id, caseName=play.name, version="999")
    await site.cli(
        *("workflow", "signal", "--workflow-id", path.id, "--name", contract.RING),
        *("--input", '"launch it"'),
    )

    await caught_up(path)
    await caught_up(await path_of(site, other))
    assert (await standing_still(site, play), await standing_still(site, other)) == before
    for one in (play, other):
        seen = await one.until(sees(gates_pb.GATE_PLEDGE, gates_pb.CASE_STATE_OPEN))
        assert seen.waiting_at == gates_pb.GATE_PLEDGE

    await play.pledge()  # and the genuine decision gets through
    await play.ready_for("fund")
    await asyncio.gather(play.withdraw(), other.withdraw())
    await asyncio.gather(play.settled(), other.settled())


async def test_a_genuine_decision_gets_through_a_flood_of_forged_rings(
    site: Site, undisturbed: Undisturbed, record_property: Callable[[str, object], None]
) -> None:
    play = site.play("flood")
    await play.play("submit")
    await play.ready_for("pledge")
    path = await path_of(site, play)
    before = await standing_still(site, play)
    flood = Flood(site, path.id)
    sending = asyncio.create_task(flood.send())
    await flood.half.wait()
    assert await standing_still(site, play) == before, "no gate has moved"
    await play.take("pledge")
    await sending
    await play.ready_for("fund")  # at the latest now
    record_property("sent", flood.sent)
    record_property("refused", flood.refused)
    await play.play(*PROVEN[2:])
    await play.settled()
    story = await site.story(play)
    assert story == undisturbed[PROVEN]
    check_ledger(story)


class SignalsExhausted(Exception):
    """The run has had its 10,000 signals and has not continued as new yet."""


class Flood:
    """12,000 forged rings to one path, for every gate and the program, some of them by the CLI.

    A process of the CLI takes 0.1 s and sends one signal, so 12,000 of them would take 20 minutes:
    all but some go through a client.
    """

    def __init__(self, site: Site, path: str) -> None:
        self.half = asyncio.Event()
        self.sent = 0
        self.refused = 0
        self._site = site
        self._path = path
        self._numbers = count()

    async def send(self) -> None:
        """Send all of them as fast as the server takes them."""
        await asyncio.gather(*(self._sender() for _ in range(SENDERS)))

    async def _sender(self) -> None:
        # By id alone: the path continues as new underneath.
        handle = (await self._site.temporal()).get_workflow_handle(self._path)
        while (number := next(self._numbers)) < FLOOD:
            gate = number % len(gates_pb.Gate.values())
            try:
                if number % (FLOOD // BY_CLI) == 0:
                    await self._ring_by_cli(gate, number)
                else:
                    await self._ring(handle, gate, number)
            except SignalsExhausted:
                self.refused += 1
            self.sent += 1
            if self.sent == FLOOD // 2:
                self.half.set()

    async def _ring_by_cli(self, gate: int, number: int) -> None:
        try:
            await ring(self._site, self._path, gate=gate, caseName="forged", version=number)
        except CommandRefused as refused:
            if SIGNAL_LIMIT not in str(refused):
                raise
            raise SignalsExhausted from refused

    async def _ring(self, handle: WorkflowHandle[object, object], gate: int, number: int) -> None:
        forged = Ring(gate=gates_pb.Gate.ValueType(gate), case_name="forged", version=number)
        try:
            await handle.signal(contract.RING, forged)
        except RPCError as error:
            if SIGNAL_LIMIT not in error.message:
                raise
            raise SignalsExhausted from error
