"""The computing process: what it spares the event loop, and how it ends what nobody waits for."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.eventually import eventually

from investiture.chassis.refusal import InvalidArgument, Unavailable
from investiture.itrisk.computing import ONE_THREAD, Asked, Computer, digest_of

APPETITE = [[250_000, 0.25], [1_000_000, 0.10], [5_000_000, 0.01]]


def asked(scenarios: int = 1, controls: int = 0, mode: float = 0.5, **more: Any) -> Asked:
    """Scenario X of the design, several times; a hundred of them take minutes."""
    document = {
        "scenarios": [
            {
                "name": f"scenario {number}",
                "frequency": {"pert": [0.1, mode + number / 1_000, 2.0]},
                "primary": {"pert": [50_000, 150_000 + number, 900_000]},
                "secondary": {"probability": 0.3, "loss": {"lognormal90": [100_000, 3_000_000]}},
            }
            for number in range(scenarios)
        ],
        "controls": [
            {
                "name": f"control {number}",
                "frequency_effectiveness": 0.03 + number / 100,
                "severity_reduction": 0.02 * (number % 3),
                "cost": 1_000.0 * 2**number,
            }
            for number in range(controls)
        ],
        "appetite": APPETITE,
        "exposure": 1.0,
        **more,
    }
    return Asked(document)


LONG = asked(60, 12)


@pytest.fixture
async def computer() -> AsyncIterator[Computer]:
    opened = Computer()
    yield opened
    opened.close()


def threads_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


async def test_it_computes_on_one_core_and_leaves_the_others_to_the_calls_beside_it(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ONE_THREAD:
        monkeypatch.delenv(name, raising=False)
    await computer.assess(asked(controls=3))
    assert threads_of(computer.pid) == 1


async def begun(computer: Computer, question: Asked) -> "asyncio.Task[Any]":
    """A question that is being computed."""
    before = computer.begun

    async def count() -> int:
        return computer.begun

    task = asyncio.create_task(computer.assess(question))
    await eventually(count, lambda now: now > before)
    return task


async def test_calls_go_on_by_the_thousand_while_an_assessment_runs_in_another_process(
    computer: Computer,
) -> None:
    known = asked()
    await computer.assess(known)
    pending = await begun(computer, LONG)
    for _ in range(10_000):
        await computer.assess(known)
        await asyncio.sleep(0)
    assert not pending.done()
    assert computer.begun == 2
    assert computer.pid != os.getpid()
    pending.cancel()


async def test_equal_questions_are_computed_once_together_and_later(computer: Computer) -> None:
    answers = await asyncio.gather(*(computer.assess(asked()) for _ in range(5)))
    assert await computer.assess(asked()) == answers[0]
    assert computer.begun == 1
    await computer.assess(asked(mode=0.6))
    assert computer.begun == 2


async def test_who_goes_ends_the_computation_and_the_next_question_does_not_revive_it(
    computer: Computer,
) -> None:
    pending = await begun(computer, LONG)
    pending.cancel()
    await computer.assess(asked())
    assert computer.begun == 2
    with pytest.raises(asyncio.CancelledError):
        await pending


async def test_a_deadline_ends_the_computation_and_says_so(computer: Computer) -> None:
    with pytest.raises(Unavailable, match="longer than its deadline"):
        await computer.assess(LONG, 0.5)
    await computer.assess(asked())


async def test_one_of_two_who_wait_may_go_and_the_other_is_answered(computer: Computer) -> None:
    question = asked(1, 12)
    first = await begun(computer, question)
    second = asyncio.create_task(computer.assess(question))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second)["verdict"] == "OUTSIDE"
    assert computer.begun == 1


async def test_a_process_that_died_is_replaced_and_the_question_asked_again(
    computer: Computer,
) -> None:
    await computer.assess(asked())
    before = computer.pid
    os.kill(before, signal.SIGKILL)
    answer = await computer.assess(asked(mode=0.6))
    assert answer["verdict"] == "OUTSIDE"
    assert computer.pid not in {0, before}


async def test_a_question_that_kills_its_process_twice_is_refused_and_the_next_is_answered(
    computer: Computer,
) -> None:
    pending = await begun(computer, LONG)
    first = computer.pid
    os.kill(first, signal.SIGKILL)

    async def pid() -> int:
        return computer.pid

    os.kill(await eventually(pid, lambda now: now not in {0, first}), signal.SIGKILL)
    with pytest.raises(Unavailable, match="died 2 times"):
        await pending
    await computer.assess(asked())


async def test_a_refusal_arrives_with_its_fields(computer: Computer) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await computer.assess(asked(appetite=[[1_000, 0.1], [2_000, 0.2]]))
    assert [one.field for one in refused.value.violations] == ["appetite[1][1]"]


async def test_who_closes_it_takes_its_process_along_and_a_new_one_begins_anew(
    computer: Computer,
) -> None:
    pending = await begun(computer, LONG)
    pid = computer.pid
    computer.close()
    with pytest.raises(Unavailable):
        await pending
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(Unavailable, match="stopping"):
        await computer.assess(asked())
    renewed = Computer()
    await renewed.assess(asked())
    renewed.close()


@pytest.mark.parametrize(
    ("said", "kept"),
    [(1e18, 10**18), (-0.0, 0), (4.0, 4), ([1e16, "a"], (10**16, "a")), ({"a": 2.0}, {"a": 2})],
)
def test_a_digest_stays_the_same_whatever_a_json_column_makes_of_a_number(
    said: object, kept: object
) -> None:
    assert digest_of(said) == digest_of(kept)
    assert digest_of(json.loads(json.dumps(said))) == digest_of(said)


def test_digests_differ_by_every_part_of_a_question() -> None:
    plain = asked()
    others = (
        asked(mode=0.6),
        Asked(plain.document, ("MFA",)),
        Asked(plain.document, (), (1.0,)),
        Asked(plain.document, (), (), "JPY"),
    )
    assert len({plain.digest, *(one.digest for one in others)}) == 5
