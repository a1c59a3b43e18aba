"""Runs a part of the stack with traps in it: `python -m tests.support.killable MODULE`.

The part itself knows nothing of it: what is patched here are the seams between its layers, and
where no trap is set each of them does what it always does.
"""

import asyncio
import os
import runpy
import signal
import socket
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor
from tests.support.traps import DIE, SOCKET, VARIABLE, Moment, Trap, file_of

from investiture.chassis import delivery, relay, temporal, transaction
from investiture.chassis.call import Call
from investiture.chassis.outbox import OutboxRow
from investiture.chassis.process import run

WORKFLOWS = "investiture.workflows"


class Snares:
    """The traps of this process."""

    def __init__(self, part: str, folder: Path) -> None:
        self._part = part
        self._folder = folder

    def lying(self, act: str, said: bytes, *moments: Moment) -> Trap | None:
        """The trap that is set for this act on the program that `said` is about."""
        trap = Trap.lying_in(self._folder, self._part)
        if trap is None or trap.act != act or trap.moment not in moments:
            return None
        return trap if trap.program.encode() in said else None

    def spring(self) -> None:
        """Says that the point is reached, waits for the word, and dies if it says so."""
        file_of(self._folder, self._part).unlink()
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self._folder / SOCKET))
            line.sendall(f"{self._part}\n".encode())
            word = line.makefile("rb").readline()
        if word == DIE:
            os.kill(os.getpid(), signal.SIGKILL)


class Commits:
    """Traps around the commit of a mutation."""

    def __init__(self, snares: Snares) -> None:
        self._snares = snares
        self._thread = threading.local()
        self._committed: list[Any] = []
        self._unsent: set[str] = set()

    def patch(self) -> None:
        """Put the traps between the layers."""
        performing = transaction.Mutations._perform  # pyright: ignore[reportPrivateUsage] - the seam below the handlers, which has no public name
        delivering = transaction.Mutations._deliver  # pyright: ignore[reportPrivateUsage] - likewise
        sending = delivery.deliver

        def perform(mutations: Any, call: Call, *rest: Any) -> Any:
            effect = performing(mutations, call, *rest)
            self._lay(call.method, effect)
            return effect

        def deliver(mutations: Any, effect: Any) -> None:
            if any(effect is known for known in self._committed):
                self._committed.clear()
                self._snares.spring()
            delivering(mutations, effect)

        async def send(
            client: Client, row: OutboxRow, forward: delivery.Forward = delivery.to_nobody
        ) -> None:
            if row.id in self._unsent:
                self._unsent.clear()
                await asyncio.to_thread(self._snares.spring)
            await sending(client, row, forward)

        transaction.Mutations._perform = perform  # type: ignore[assignment] # pyright: ignore[reportPrivateUsage] - as above
        transaction.Mutations._deliver = deliver  # type: ignore[assignment] # pyright: ignore[reportPrivateUsage] - as above
        relay.deliver = send  # type: ignore[attr-defined] # pyright: ignore[reportPrivateImportUsage] - where the relay looks it up
        event.listen(sa.Engine, "commit", self._before_commit)

    def _lay(self, method: str, effect: Any) -> None:
        said = effect.answer.SerializeToString()
        moments = (Moment.BEFORE_COMMIT, Moment.AFTER_COMMIT, Moment.BEFORE_SIGNAL)
        trap = self._snares.lying(method, said, *moments)
        if trap is None:
            return
        if trap.moment is Moment.BEFORE_COMMIT:
            self._thread.trapped = True
        elif trap.moment is Moment.AFTER_COMMIT:
            self._committed.append(effect)
        else:
            self._unsent.update(row.id for row in effect.rows)

    def _before_commit(self, _connection: sa.Connection) -> None:
        if getattr(self._thread, "trapped", False):
            self._thread.trapped = False
            self._snares.spring()


class Activities(Interceptor):
    """Traps around the activities of a worker."""

    def __init__(self, snares: Snares) -> None:
        self._snares = snares

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the name is the SDK's
        return _Activity(next, self._snares)


class _Activity(ActivityInboundInterceptor):
    def __init__(self, next_: ActivityInboundInterceptor, snares: Snares) -> None:
        super().__init__(next_)
        self._snares = snares

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the name is the SDK's
        await self._at(Moment.CALL, input)
        answer = await super().execute_activity(input)
        await self._at(Moment.RETURN, input)
        return answer

    async def _at(self, moment: Moment, asked: ExecuteActivityInput) -> None:
        said = asked.args[0].SerializeToString()
        if self._snares.lying(activity.info().activity_type, said, moment):
            await asyncio.to_thread(self._snares.spring)


def main(module: str) -> None:
    """Run a service's module, or the worker's, until it is told to stop."""
    part = module.rpartition(".")[2]
    snares = Snares("worker" if module == WORKFLOWS else part, Path(os.environ[VARIABLE]))
    sys.argv[1:] = []
    if module != WORKFLOWS:
        Commits(snares).patch()
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        return
    from investiture.workflows.__main__ import WorkerSettings, build

    trapped = partial(build, interceptors=[Activities(snares)])
    sys.exit(run("worker", WorkerSettings, trapped, make_provider=temporal.replay_safe_provider))


if __name__ == "__main__":
    main(sys.argv[1])
