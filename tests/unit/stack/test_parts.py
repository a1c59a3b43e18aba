"""Ports, the folder's lock, and the supervision of a process."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest
import pytest_asyncio

from investiture.stack import record
from investiture.stack.failures import FolderInUse, StartFailed
from investiture.stack.folder import Folder, Kin, Lock, holder
from investiture.stack.part import Blueprint, Event, Part, Phase
from investiture.stack.ports import LOOPBACK, choose
from investiture.stack.record import Record

WAIT = "import signal; signal.pause()"


def test_a_port_that_is_taken_gives_way_to_the_next_free_one() -> None:
    with closing(socket.socket()) as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = choose({"one": port, "other": port})
    assert found["one"] > port
    assert found["other"] != found["one"]


def test_a_port_that_is_free_is_taken() -> None:
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
    assert choose({"one": port}) == {"one": port}


def test_who_prefers_no_port_gets_one_that_no_connection_takes_meanwhile() -> None:
    first_of_linux = 32_768
    for _ in range(20):
        found = choose({"one": 0, "other": 0})
        assert found["one"] != found["other"]
        assert all(1_024 < port < first_of_linux for port in found.values())


async def test_a_port_that_another_stack_has_chosen_gives_way_before_its_server_listens() -> None:
    wanted = choose({"one": 0})
    async with AsyncExitStack() as claims:
        assert choose(wanted, claims) == wanted
        assert choose(wanted)["one"] != wanted["one"]
    assert choose(wanted) == wanted


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "stack")
    made.make()
    return made


def test_a_folder_has_one_stack_at_a_time(folder: Folder) -> None:
    lock = Lock(folder)
    with pytest.raises(FolderInUse):
        Lock(folder)
    lock.release()
    Lock(folder).release()


def test_the_lock_says_whose_it_is_and_looking_does_not_take_it(folder: Folder) -> None:
    assert holder(folder) is None
    lock = Lock(folder)
    assert holder(folder) == holder(folder) != 0
    lock.release()
    assert holder(folder) is None


def test_a_record_of_an_earlier_run_is_not_taken_for_a_running_stack(folder: Folder) -> None:
    earlier = Record(
        pid=1, addresses={}, ui="", issuer_key="", charter="c", database="sqlite", traces=""
    )
    record.write(folder, earlier)
    assert record.read(folder.path) == earlier
    assert record.running(folder.path) is None
    lock = Lock(folder)
    assert record.running(folder.path) is None, "the lock is of another process than the record"
    lock.release()


def test_a_record_that_cannot_be_read_counts_as_none(folder: Folder) -> None:
    folder.record.write_text(json.dumps({"pid": 1}))
    assert record.read(folder.path) is None


class Ears:
    """Hears what is told of a part, and waits for it."""

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self._news = asyncio.Condition()

    def tell(self, event: Event) -> None:
        self.heard.append(event)
        self._task = asyncio.get_running_loop().create_task(self._notify())

    async def until(self, phase: Phase, times: int = 1) -> None:
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(
                lambda: [one.phase for one in self.heard].count(phase) >= times
            )

    async def _notify(self) -> None:
        async with self._news:
            self._news.notify_all()


async def ready(_pid: int) -> None:
    """A part that is ready at once."""


def blueprint(tmp_path: Path, code: str) -> Blueprint:
    command = (sys.executable, "-c", code)
    return Blueprint("part", command, {}, tmp_path / "part.log", ready)


@pytest_asyncio.fixture
async def ears() -> Ears:
    return Ears()


@pytest_asyncio.fixture
async def supervised(tmp_path: Path, ears: Ears) -> AsyncIterator[Part]:
    part = Part(blueprint(tmp_path, WAIT), ears.tell, supervise=True)
    await part.start()
    yield part
    await part.stop(5)


async def test_a_part_that_is_killed_comes_back_with_another_process(
    supervised: Part, ears: Ears
) -> None:
    killed = await supervised.kill()
    await ears.until(Phase.READY, times=2)
    assert supervised.pid not in (0, killed)
    assert supervised.restarts == 1
    died = next(one for one in ears.heard if one.phase is Phase.DIED)
    assert "signal 9" in died.detail


async def test_a_part_that_is_stopped_stays_stopped(supervised: Part, ears: Ears) -> None:
    await supervised.stop(5)
    assert supervised.pid == 0
    assert ears.heard[-1].phase is Phase.STOPPED


async def test_without_supervision_a_killed_part_stays_dead_until_it_is_started(
    tmp_path: Path, ears: Ears
) -> None:
    part = Part(blueprint(tmp_path, WAIT), ears.tell, supervise=False)
    await part.start()
    await part.kill()
    await ears.until(Phase.DIED)
    assert part.pid == 0
    await part.start()
    assert part.pid != 0
    await part.stop(5)


async def test_a_part_that_will_not_stop_is_killed(tmp_path: Path, ears: Ears) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)"
    part = Part(
        Blueprint(
            "part",
            (sys.executable, "-c", f"{deaf}; signal.pause()"),
            {},
            tmp_path / "part.log",
            lambda _pid: written(tmp_path / "part.log"),
        ),
        ears.tell,
        supervise=True,
    )
    await part.start()
    await part.stop(0.05)
    assert part.pid == 0


async def written(log: Path) -> None:
    """Returns once something is in the log."""
    while not log.read_text():  # noqa: ASYNC110, ASYNC240 - another process writes it
        await asyncio.sleep(0.01)


async def never(_pid: int) -> None:
    await asyncio.Event().wait()


async def test_a_part_that_ends_at_its_start_says_so_with_the_end_of_its_log(
    tmp_path: Path, ears: Ears
) -> None:
    command = (sys.executable, "-c", "raise SystemExit('INVESTITURE_CHARTER is not set')")
    part = Part(
        Blueprint("part", command, {}, tmp_path / "part.log", never), ears.tell, supervise=True
    )
    with pytest.raises(StartFailed, match="exit code 1") as caught:
        await part.start()
    assert "INVESTITURE_CHARTER is not set" in str(caught.value)
    assert part.pid == 0


async def test_a_part_s_process_is_the_command_s_own(tmp_path: Path, ears: Ears) -> None:
    code = "import os; print(os.getpid(), flush=True); import signal; signal.pause()"
    part = Part(blueprint(tmp_path, code), ears.tell, supervise=False)
    await part.start()
    await written(tmp_path / "part.log")
    assert int((tmp_path / "part.log").read_text()) == part.pid
    await part.stop(5)


async def test_a_part_that_outlives_its_stack_keeps_the_next_one_waiting(
    folder: Folder, tmp_path: Path, ears: Ears
) -> None:
    kin = Kin(folder)
    await kin.gone()
    part = Part(blueprint(tmp_path, WAIT), ears.tell, supervise=False, inherited=(kin.handle,))
    await part.start()
    kin.close()  # as if the stack had been killed: only the part is left
    later = Kin(folder)
    waiting = asyncio.create_task(later.gone())
    await asyncio.sleep(0)
    assert not waiting.done()
    await part.kill()
    await waiting
    later.close()
