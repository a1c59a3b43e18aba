"""An emergency by the command: declared, decided by two at three gates, piloted, reviewed."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from tests.e2e.test_liveness import shows
from tests.support.command import Said, investiture
from tests.support.site import Site, site

from investiture.api.common.v1 import gate_pb2
from investiture.stack.plan import ANY_PORTS

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.timeout(180),
    pytest.mark.asyncio(loop_scope="session"),
]

WHY = ("--reason", "the portal was breached")
VOICES = {
    gate_pb2.GATE_PLEDGE: ("pledge", "sara", "otto"),
    gate_pb2.GATE_FUND: ("fund", "finn", "fiona"),
    gate_pb2.GATE_KNIGHT: ("knight", "ivan", "ralf"),
}


@pytest_asyncio.fixture(loop_scope="session")
async def stage() -> AsyncGenerator[Site]:
    async with site(ports=ANY_PORTS) as started:
        yield started


async def test_three_gates_by_two_people_each_and_a_review_that_somebody_else_closes(
    stage: Site,
) -> None:
    play = stage.play("breach")
    program = play.program_id

    async def said(person: str, *words: str) -> Said:
        return await investiture(stage.stack.folder.path, "--as", person, *words)

    async def done(person: str, *words: str) -> str:
        answer = await said(person, *words)
        assert answer.code == 0, answer.err
        return answer.out

    await play.submit()
    await play.opened(gate_pb2.GATE_PLEDGE)
    declared = await done(
        "ben", "emergency", "declare", program, *WHY, "--consequence", "customers hear it first"
    )
    assert "if it waits: customers hear it first" in declared
    for gate, (word, first, second) in VOICES.items():
        await play.opened(gate)
        await done(first, "emergency", "decide", program, word, *WHY)
        out = await done(second, "emergency", "decide", program, word, *WHY)
        assert "provisional until" in out
        await play.stands(gate)
    await play.opened(gate_pb2.GATE_PILOT)

    assert "provisional until" in await done("ben", "show", program)
    await shows(await stage.temporal(), play.name, "PILOT", "PLEDGE is provisional until")
    assert "PLEDGE is provisional until" in await done("ben", "path", "show", program)
    assert program in await done("ben", "emergency", "list", "--open", "--team", "support")
    assert "grace or gus closes it" in await done("grace", "inbox")

    again = stage.play("again")
    await again.submit()
    await again.opened(gate_pb2.GATE_PLEDGE)
    words = ("emergency", "declare", again.program_id, *WHY, "--consequence", "so what")
    blocked = await said("ben", *words)
    assert blocked.code == 76
    assert "people/grace or people/gus closes it" in blocked.err
    findings = ("--findings", "it was one; the order was kept")
    assert (await said("sara", "emergency", "close", program, *findings)).code == 77
    assert "closed by grace" in await done("grace", "emergency", "close", program, *findings)
    assert "it was one" in await done("ben", "emergency", "show", program)
    await done("ben", *words)
