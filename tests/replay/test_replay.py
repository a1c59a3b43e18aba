"""Closed histories of every path replay: a running path meets new code and goes on."""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from tests.replay.journeys import JOURNEYS

from investiture.workflows import compensation
from investiture.workflows.sandbox import workflow_runner
from investiture.workflows.worker import WORKFLOWS

HISTORIES = Path(__file__).resolve().parent / "histories"
RECORDED = sorted(HISTORIES.glob("*.json"))


def history_in(file: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(file.stem, file.read_text())


@pytest.mark.parametrize("strict", [False, True], ids=["lean", "strict"])
@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
async def test_a_closed_history_replays(file: Path, strict: bool) -> None:
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=workflow_runner(strict=strict))
    await replayer.replay_workflow(history_in(file))


def test_every_journey_has_its_history_and_nothing_else_is_kept() -> None:
    assert {file.stem for file in RECORDED} == set(JOURNEYS)


async def test_a_path_in_another_order_does_not_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    backwards = tuple(reversed(compensation.GATES))
    monkeypatch.setattr("investiture.workflows.launch_path.GATES", backwards)
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=UnsandboxedWorkflowRunner())
    result = await replayer.replay_workflow(
        history_in(HISTORIES / "launched.json"), raise_on_replay_failure=False
    )
    assert result.replay_failure is not None
