"""The heartbeat: each living program's workflow is rung now and then, so a lost start heals."""

from datetime import timedelta

from investiture.chassis.call import Call, Principal
from investiture.chassis.transaction import Mutations, Transaction
from investiture.launch.doorbell import ring_program
from investiture.launch.store import ProgramStore

BATCH = 100
"""Programs rung in one transaction; after an outage the others follow batch by batch."""

_OWN = Call(Principal("workloads/launch", frozenset({"service"})), "launch/heartbeat")
_QUICKEST = timedelta(milliseconds=200)
_SLOWEST = timedelta(seconds=10)


def pause(heartbeat: timedelta) -> timedelta:
    """How often to look for programs whose beat is due: a beat is late by a tenth at most."""
    return min(max(heartbeat / 10, _QUICKEST), _SLOWEST)


class Heartbeats:
    """Rings the workflows of programs that nobody has rung for an interval."""

    def __init__(self, mutations: Mutations, programs: ProgramStore) -> None:
        self._mutations = mutations
        self._programs = programs

    async def beat(self) -> None:
        """Ring all that are due, in bounded batches."""
        while await self._mutations.read(_OWN, self._programs.any_due):
            if await self._mutations.run_own(_OWN, self._ring_batch) == 0:
                return  # another replica has them

    def _ring_batch(self, tx: Transaction) -> int:
        programs = self._programs.take_due(tx, BATCH)
        for program in programs:
            tx.post(ring_program(program, "heartbeat"))
        return len(programs)
