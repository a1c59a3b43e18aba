"""The command against a running stack: answers, refusals in words, exit codes."""

import hashlib
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.support.command import Said, investiture
from tests.support.site import Site

from investiture.stack.example import example

pytestmark = [pytest.mark.sqlite, pytest.mark.asyncio(loop_scope="session")]

Run = Callable[..., Awaitable[Said]]


@pytest.fixture
def run(site: Site) -> Run:
    async def command(*arguments: str) -> Said:
        return await investiture(site.stack.folder.path, *arguments)

    return command


@pytest.fixture
def program() -> str:
    return f"community-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def proposal(tmp_path: Path, program: str) -> Path:
    """A proposal that finance chooses the envelope for: the shared stack has no example ones."""
    text = example("examples/support-community.yaml").read_text()
    file = tmp_path / f"{program}.yaml"
    file.write_text(
        text.replace("program: support-community", f"program: {program}").replace(
            "envelope: envelopes/communities\n", ""
        )
    )
    return file


async def test_a_proposal_is_submitted_shown_and_pledged_for(
    run: Run, proposal: Path, program: str
) -> None:
    submitted = await run("submit", str(proposal), "--as", "ben")
    assert submitted.code == 0, submitted
    assert f"programs/{program}" in submitted.out

    shown = (await run("show", program, "--as", "ben", "--json")).json
    assert shown["program"]["revision"] == 1
    assert shown["waiting_at"] == "GATE_PLEDGE"

    early = await run("ask-it", program, "--as", "ben")
    assert early.code == 76
    assert early.err.splitlines()[0].startswith("BUSINESS_FIRST")
    assert "→ a business sponsor pledges" in early.err
    assert "→ finance approves" in early.err

    rehearsed = await run("pledge", program, "--as", "sara", "--dry-run")
    assert "would be" in rehearsed.out, rehearsed
    pledged = await run("--json", "--as", "sara", "pledge", program)
    assert pledged.code == 0, pledged
    deciders = pledged.json["gate_case"]["deciders"]
    assert [one["person"] for one in deciders] == ["people/sara"]

    waiting = (await run("inbox", "--as", "vera", "--json")).json["cases"]
    assert f"programs/{program}" in [case["program"] for case in waiting]


def rewrite(file: Path, old: str, new: str) -> int:
    """Changes a file in one place and returns the line of it."""
    text = file.read_text().replace(old, new)
    file.write_text(text)
    return next(number for number, line in enumerate(text.splitlines(), 1) if new in line)


async def test_a_malformed_proposal_is_refused_by_line_and_nothing_is_stored(
    run: Run, proposal: Path, program: str
) -> None:
    line = rewrite(proposal, "steward:", "stewart:")
    said = await run("submit", str(proposal), "--as", "ben")
    assert said.code == 65
    assert said.err.startswith(f"{proposal}:{line}: stewart:")
    assert "did you mean `steward`?" in said.err

    rewrite(proposal, "stewart:", "steward:")
    line = rewrite(proposal, "community-forum]", "community-forun]")
    said = await run("submit", str(proposal), "--as", "ben")
    assert said.code == 65
    assert said.err.startswith(f"{proposal}:{line}: channels[1]:")
    assert "did you mean 'community-forum'" in said.err

    assert (await run("show", program, "--as", "ben")).code == 66


async def test_repeating_a_submission_is_harmless_and_another_body_is_not_let_in(
    run: Run, proposal: Path
) -> None:
    again = ("--as", "ben", "--request-id", str(uuid.uuid4()), "--json")
    first = await run("submit", str(proposal), *again)
    second = await run("submit", str(proposal), *again)
    assert first.code == 0, first
    assert first.json == second.json

    rewrite(proposal, "title: Customers help", "title: Customers surely help")
    other = await run("submit", str(proposal), *again)
    assert other.code == 73
    assert "REQUEST_ID_REUSED" in other.err


async def test_each_refusal_has_its_exit_code_and_its_words(
    run: Run, proposal: Path, program: str
) -> None:
    assert (await run("submit", str(proposal), "--as", "ben")).code == 0

    nobody = await run("show", program)
    assert nobody.code == 77
    assert "--as" in nobody.err

    stranger = await run("show", program, "--as", "sarah")
    assert stranger.code == 66
    assert "did you mean people/sara?" in stranger.err

    role = await run("knight", program, "--as", "vera", "--json")
    assert role.code in (66, 77)

    unknown = await run("show", "no-such-program", "--as", "ben")
    assert unknown.code == 66
    assert "RESOURCE_NOT_FOUND" in unknown.err

    stale = await run("withdraw", program, "--as", "ben", "--reason", "over", "--etag", "old")
    assert stale.code == 75

    usage = await run("pilot", program, "perhaps", "--observation", "x", "--as", "ben")
    assert usage.code == 2

    away = await run("show", program, "--as", "ben", "--launch", "127.0.0.1:9")
    assert away.code == 69
    assert "does not answer" in away.err
    for said in (nobody, stranger, unknown, stale, away):
        assert "Traceback" not in said.err


async def test_a_token_of_the_stack_lets_other_tools_in(
    run: Run, site: Site, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    minted = await run("token", "sara")
    token.write_text(minted.out)
    listed = await run("list", "--json", "--token-file", str(token))
    assert listed.code == 0, listed
    assert "programs" in listed.json


async def test_the_operator_sees_the_workflow_and_may_ask_it_to_try_again(
    run: Run, proposal: Path, program: str
) -> None:
    assert (await run("submit", str(proposal), "--as", "ben")).code == 0
    # A submission is acknowledged before its path runs: the outbox starts it.
    watched = await run("watch", program, "--as", "ben", "--until", "pledge", "--json")
    assert watched.code == 0, watched
    shown = await run("path", "show", program, "--as", "omar", "--json")
    assert shown.json["workflow_id"] == f"launch-path/{program}"
    assert (await run("path", "retry", program, "--as", "omar")).code == 0
    assert (await run("path", "retry", "no-such-program", "--as", "omar")).code == 66


async def test_a_charter_is_linted_shown_and_compared(run: Run, tmp_path: Path) -> None:
    good, fast = example("charters/default.yaml"), example("charters/demo.yaml")
    assert (await run("charter", "lint", str(good))).code == 0
    broken = tmp_path / "charter.yaml"
    broken.write_text(good.read_text().replace("owner: pr,", "owner: publicity,"))
    said = await run("charter", "lint", str(broken))
    assert said.code == 65
    assert f"{broken}:" in said.out
    changes = (await run("charter", "diff", str(good), str(fast), "--json")).json["changes"]
    assert any("slas" in line for line in changes)
    shown = await run("charter", "show", "--json")
    assert shown.json["charter"]["id"] == "halden-demo", "the one that the stack runs under"


async def test_a_case_is_talked_about_and_given_more_time(
    run: Run, proposal: Path, program: str, tmp_path: Path
) -> None:
    assert (await run("submit", str(proposal), "--as", "ben")).code == 0
    assert (await run("watch", program, "--until", "pledge", "--as", "ben")).code == 0
    report = tmp_path / "report.pdf"
    report.write_bytes(b"what it says")
    digest = hashlib.sha256(b"what it says").hexdigest()
    of_pledge = ("case", "attach", program, "pledge", "https://dms.halden.example/report.pdf")
    attached = await run(*of_pledge, "--title", "Report", "--file", str(report), "--as", "sara")
    assert attached.code == 0, attached
    assert digest in attached.out
    other = ("--file", str(report), "--sha256", "ab" * 32)
    refused = await run(*of_pledge, "--title", "Report", *other, "--as", "sara")
    assert refused.code == 65

    dry = ("case", "comment", program, "pledge", "never said", "--dry-run", "--as", "sara")
    assert "would be said" in (await run(*dry)).out
    question = ("case", "consult", program, "pledge", "zoe", "How many members are there?")
    asked = (await run(*question, "--as", "sara", "--json")).json["name"]
    assert "you were asked" in (await run("inbox", "--as", "zoe")).out
    listed = (await run("case", "asked", "--as", "zoe", "--json")).json["consultations"]
    assert [one["name"] for one in listed] == [asked]
    answered = await run(
        "case", "answer", asked.removeprefix("programs/"), "About 40", "--as", "zoe"
    )
    assert answered.code == 0, answered

    more = ("case", "extend", program, "pledge", "--reason", "the works council meets on Monday")
    extended = (await run(*more, "--as", "sara", "--json")).json["gate_case"]
    assert [one["person"] for one in extended["extensions"]] == ["people/sara"]
    again = await run(*more, "--as", "sara")
    assert again.code == 76
    assert "people/sara was given more time" in again.err
    assert (await run(*more, "--as", "ben")).code == 77

    shown = await run("case", "show", program, "pledge", "--as", "sara")
    for words in ("Report: https://dms", digest, "asks zoe", "About 40", "given more time until"):
        assert words in shown.out, words
    assert "never said" not in shown.out
    assert "given more time until" in (await run("show", program, "--as", "ben")).out


async def test_a_withdrawn_program_is_taken_up_again(
    run: Run, proposal: Path, program: str
) -> None:
    assert (await run("submit", str(proposal), "--as", "ben")).code == 0
    early = await run("resubmit", program, "--as", "ben")
    assert early.code == 76
    assert "revise it" in early.err
    assert (await run("withdraw", program, "--reason", "not now", "--as", "sara")).code == 0
    again = await run("submit", str(proposal), "--as", "ben")
    assert again.code == 73, again
    taken = await run("resubmit", program, "--name", f"{program}-2", "--as", "ben")
    assert taken.code == 0, taken
    assert f"takes up programs/{program} again" in taken.out
    shown = (await run("show", f"{program}-2", "--as", "ben", "--json")).json
    assert shown["program"]["resubmits"] == f"programs/{program}"
    assert shown["program"]["revision"] == 1
