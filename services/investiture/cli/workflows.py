"""The workflow behind a program's path, asked of Temporal itself."""

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from temporalio.client import (
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
)
from temporalio.common import SearchAttributePair
from temporalio.service import RPCError, RPCStatusCode

from investiture.chassis import temporal
from investiture.cli import problems
from investiture.cli.deciding import program_name
from investiture.cli.output import clock
from investiture.cli.problems import Complaint
from investiture.cli.session import Session
from investiture.stack.names import TEMPORAL
from investiture.workflows.contract import RETRY, launch_path_id, prove_return_id

_CONNECT_SECONDS = 5.0


async def described(session: Session, program: str) -> dict[str, Any]:
    """Return what Temporal says of a path, after the launch of the proof, as plain data.

    Raises:
        Complaint: Temporal does not answer, or has no such workflow.
    """
    path, proof = await _handles(session, program)
    try:
        found = await path.describe()
        if found.status is not WorkflowExecutionStatus.RUNNING:
            found = await _described(proof) or found
    except RPCError as error:
        raise _no_workflow(error, path.id) from None
    memo = await found.memo()
    return {
        "workflow_id": found.id,
        "run_id": found.run_id,
        "status": found.status.name if found.status else "",
        "started": clock(found.start_time),
        "history_length": found.history_length,
        "memo": {name: str(value) for name, value in memo.items()},
        "search_attributes": _attributes(found),
    }


async def retried(session: Session, program: str) -> str:
    """Let a parked gate try again; return the workflow's id.

    Raises:
        Complaint: Temporal does not answer, or has no such workflow.
    """
    path, proof = await _handles(session, program)
    try:
        await path.signal(RETRY)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
    else:
        return path.id
    try:
        await proof.signal(RETRY)
    except RPCError as error:
        raise _no_workflow(error, path.id) from None
    return proof.id


async def _described(
    handle: WorkflowHandle[Any, Any],
) -> WorkflowExecutionDescription | None:
    """Return what Temporal says of a workflow; None where there was none."""
    try:
        return await handle.describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return None


async def _handles(
    session: Session, program: str
) -> tuple[WorkflowHandle[Any, Any], WorkflowHandle[Any, Any]]:
    """Return a program's path and its proof, on the Temporal that the stack or a variable names.

    Raises:
        Complaint: Temporal does not answer.
    """
    address = session.shared.addresses.get(TEMPORAL, "")
    if not address and session.record is not None:
        address = session.record.addresses[TEMPORAL]
    settings = session.settings
    if address:
        settings = settings.model_copy(update={"temporal_address": address})
    try:
        connecting = temporal.connect(settings)
        client = await asyncio.wait_for(connecting, _CONNECT_SECONDS)
    except (RuntimeError, TimeoutError):
        raise Complaint(
            f"Temporal at {settings.temporal_address} does not answer",
            problems.UNAVAILABLE,
            "the path waits for it and nothing is lost; give --temporal HOST:PORT for another",
        ) from None
    name = program_name(program)
    return (
        client.get_workflow_handle(launch_path_id(name)),
        client.get_workflow_handle(prove_return_id(name)),
    )


def _no_workflow(error: RPCError, workflow: str) -> Exception:
    if error.status is not RPCStatusCode.NOT_FOUND:
        return error
    return Complaint(
        f"no workflow {workflow} is running",
        problems.NOT_FOUND,
        "a program that has ended has none; a living one gets it with the next heartbeat",
    )


def _attributes(found: WorkflowExecutionDescription) -> dict[str, str]:
    """Return the path's search attributes as texts."""
    pairs = cast("Iterable[SearchAttributePair[Any]]", found.typed_search_attributes)
    return {pair.key.name: str(pair.value) for pair in pairs}
