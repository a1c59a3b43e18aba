"""The heartbeat: each living program's workflow is rung, so that a lost start heals by itself."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from tests.support.clock import SettableClock
from tests.support.programs import PROPOSER, content

from investiture.casework.words import Outcome
from investiture.chassis import migrate
from investiture.chassis.call import Call, Principal
from investiture.chassis.database import Database
from investiture.chassis.outbox import OutboxRow
from investiture.chassis.transaction import Mutations, NoDelivery, Transaction
from investiture.launch.domain import programs as rules
from investiture.launch.domain.programs import Program, ProgramState
from investiture.launch.heartbeats import BATCH, Heartbeats, pause
from investiture.launch.store import ProgramStore
from investiture.launch.wire import content_of

QUARTER = timedelta(minutes=15)
CALL = Call(Principal("workloads/launch", frozenset({"service"})), "test")
CONTENT = content_of(content())


class Delivered(NoDelivery):
    """In place of a relay: remembers which transaction handed which rows over."""

    def __init__(self) -> None:
        super().__init__("test")
        self.batches: list[list[str]] = []

    def hand_over(self, rows: Sequence[OutboxRow]) -> None:
        self.batches.append([row.workflow_id for row in rows])


@dataclass(slots=True)
class Heart:
    """A store with a heart, and no service around it."""

    clock: SettableClock
    mutations: Mutations
    programs: ProgramStore
    delivered: Delivered
    heartbeats: Heartbeats

    async def keep(self, *programs: Program) -> None:
        def unit(tx: Transaction) -> None:
            for program in programs:
                created = self.programs.create(tx, program)
                self.programs.save(tx, created, created)

        await self.mutations.run_own(CALL, unit)

    async def beat(self) -> list[str]:
        self.delivered.batches.clear()
        await self.heartbeats.beat()
        return sorted(name for batch in self.delivered.batches for name in batch)


@pytest.fixture
async def heart(empty_database_url: str, clock: SettableClock) -> AsyncIterator[Heart]:
    migrate.upgrade("launch", empty_database_url)
    database = Database(empty_database_url)
    try:
        delivered = Delivered()
        mutations = Mutations(database, clock, delivered)
        programs = ProgramStore(QUARTER, lambda _: None)
        beats = Heartbeats(mutations, programs)
        yield Heart(clock, mutations, programs, delivered, beats)
    finally:
        await database.close()


def program(name: str, clock: SettableClock, state: ProgramState) -> Program:
    now = clock.now()
    draft = Program(f"programs/{name}", PROPOSER, CONTENT, created_at=now)
    return replace(draft, state=state, revision=1)


async def test_every_living_program_is_rung_when_nobody_did_for_an_interval(heart: Heart) -> None:
    clock = heart.clock
    walking = program("walking", clock, ProgramState.ON_PATH)
    launched = replace(program("launched", clock, ProgramState.LAUNCHED), launched_at=clock.now())
    withdrawn = rules.end(
        program("withdrawn", clock, ProgramState.ON_PATH),
        Outcome.WITHDRAWN,
        PROPOSER,
        "",
        clock.now(),
    )
    closed = rules.end(
        replace(launched, name="programs/closed"), Outcome.PROVEN, PROPOSER, "", clock.now()
    )
    await heart.keep(
        program("draft", clock, ProgramState.DRAFT),
        walking,
        program("piloting", clock, ProgramState.PILOTING),
        launched,
        withdrawn,
        closed,
        replace(withdrawn, name="programs/settled", settled=True),
    )
    assert await heart.beat() == []
    clock.advance(QUARTER)
    rung = [
        "launch-path/piloting",
        "launch-path/walking",
        "launch-path/withdrawn",
        "prove-return/closed",
        "prove-return/launched",
    ]
    assert await heart.beat() == rung
    assert await heart.beat() == [], "once an interval"
    clock.advance(QUARTER)
    assert await heart.beat() == rung


async def test_a_change_puts_the_next_beat_off(heart: Heart) -> None:
    walking = program("walking", heart.clock, ProgramState.ON_PATH)
    await heart.keep(walking)
    heart.clock.advance(QUARTER - timedelta(seconds=1))

    def change(tx: Transaction) -> None:
        present = heart.programs.load(tx, walking.name)
        heart.programs.save(tx, present, rules.with_incident(present, "a change"))

    await heart.mutations.run_own(CALL, change)
    heart.clock.advance(timedelta(seconds=1))
    assert await heart.beat() == []


async def test_a_beat_changes_neither_the_version_nor_the_etag(heart: Heart) -> None:
    await heart.keep(program("walking", heart.clock, ProgramState.ON_PATH))

    def read(tx: Transaction) -> Program:
        return heart.programs.load(tx, "programs/walking")

    before = await heart.mutations.read(CALL, read)
    heart.clock.advance(QUARTER)
    assert len(await heart.beat()) == 1
    assert await heart.mutations.read(CALL, read) == before


async def test_after_an_outage_the_beats_follow_in_bounded_batches(heart: Heart) -> None:
    await heart.keep(
        *(program(f"p{i}", heart.clock, ProgramState.ON_PATH) for i in range(BATCH + 3))
    )
    heart.clock.advance(timedelta(days=3))
    assert len(await heart.beat()) == BATCH + 3
    assert [len(batch) for batch in heart.delivered.batches] == [BATCH, 3]


def test_a_beat_is_late_by_a_tenth_at_most_and_never_hammers() -> None:
    assert pause(timedelta(minutes=15)) == timedelta(seconds=10)
    assert pause(timedelta(seconds=20)) == timedelta(seconds=2)
    assert pause(timedelta(seconds=1)) == timedelta(milliseconds=200)
