"""What the README says is so: its tables are those of the code, its commands work."""

import asyncio
import json
import os
import re
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.support.command import started
from tests.support.services import ROOT
from typer.core import TyperGroup
from typer.main import get_command

from investiture.cli import problems, roles
from investiture.cli.main import app
from investiture.stack.names import TEMPORAL
from investiture.stack.plan import PREFERRED_PORTS

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SPANS = re.findall(
    r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
)


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def names(span: str) -> Iterator[str]:
    """The commands a span of code names: `path show\\|retry PROGRAM` are two."""
    words = span.split()
    first, second = words[0], words[1] if len(words) > 1 else ""
    if re.fullmatch(r"[a-z]+(\\\|[a-z]+)*", second) and first in GROUPS:
        yield from (f"{first} {one}" for one in second.split(r"\|"))
    else:
        yield first


def commands(group: TyperGroup, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, f"{before}{name} ")
        else:
            yield before + name


ROOT_GROUP = get_command(app)
assert isinstance(ROOT_GROUP, TyperGroup)
GROUPS = {name for name, command in ROOT_GROUP.commands.items() if isinstance(command, TyperGroup)}


def test_every_exit_code_is_documented() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", README, re.MULTILINE)
    written = {int(code): meaning.replace("`", "") for code, meaning in rows}
    assert written == dict(problems.EXIT_CODES)


def test_the_role_table_is_that_of_the_protos() -> None:
    assert "\n".join(roles.table()) in section("Who may call what")


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    assert isinstance(ROOT_GROUP, TyperGroup)
    cells = re.findall(r"^\| [^|]+ \| (`.*) \|$", section("The command"), re.MULTILINE)
    written = {
        name for cell in cells for span in re.findall("`([^`]+)`", cell) for name in names(span)
    }
    assert written == set(commands(ROOT_GROUP))


def test_every_make_target_it_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    said = {
        name
        for text in (*SPANS, *BLOCKS)
        for name in re.findall(r"^make ([a-z]+)", text, re.MULTILINE)
    }
    assert {"demo", "up", "test", "check", "bench"} <= said <= targets


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_file_a_document_links_to_exists(document: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / document).read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.sqlite
@pytest.mark.timeout(240)
async def test_its_examples_work_one_after_the_other_on_a_fresh_stack(tmp_path: Path) -> None:
    up = await started(tmp_path, "up", "--no-ui", "--json")
    try:
        assert up.stdout is not None
        addresses = json.loads(await up.stdout.readuntil(b"\n}\n"))["addresses"]
        said = [await run(block, tmp_path, addresses) for block in BLOCKS if "make" not in block]
    finally:
        up.terminate()
        await up.communicate()
    walked, computed, called, operated = said
    assert "KNIGHT" in walked
    assert "(e*)" in computed
    assert json.loads(called)["waitingAt"] == "GATE_PILOT"
    assert "PILOT" in operated


async def run(block: str, folder: Path, addresses: Mapping[str, str]) -> str:
    """What a block prints in a shell; the programs and ports are those of this very stack."""
    here = block.replace(".venv/bin/", f"{sysconfig.get_path('scripts')}/").replace(
        f"127.0.0.1:{PREFERRED_PORTS['launch']}", addresses["launch"]
    )
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euxc", here),
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "INVESTITURE_DATA": str(folder),
            "TEMPORAL_ADDRESS": addresses[TEMPORAL],
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, f"{out.decode()}\n{err.decode()}"
    return out.decode()
