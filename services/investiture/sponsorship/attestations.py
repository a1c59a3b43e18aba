"""The sweep that asks sponsors for their word when it is due, and escalates where none comes."""

from datetime import timedelta
from functools import partial

import structlog

from investiture.chassis.call import Call, Principal
from investiture.chassis.refusal import Refusal, Stale
from investiture.chassis.transaction import Mutations, Transaction
from investiture.sponsorship.operations.liveness import LivenessOperations

_log = structlog.get_logger()

BATCH = 100
"""Pledges looked at in one round; after an outage the others follow with the next rounds."""

_OWN = Call(Principal("workloads/sponsorship", frozenset({"service"})), "sponsorship/attestations")
_QUICKEST = timedelta(milliseconds=200)
_SLOWEST = timedelta(seconds=30)


def pause(interval: timedelta) -> timedelta:
    """How often to look, given how often sponsors are asked: late by a thousandth at most."""
    return min(max(interval / 1000, _QUICKEST), _SLOWEST)


class Attestations:
    """Looks at every standing pledge whose date has come."""

    def __init__(self, mutations: Mutations, liveness: LivenessOperations) -> None:
        self._mutations = mutations
        self._liveness = liveness

    async def sweep(self) -> None:
        """Asks and escalates what is due; a pledge that changes meanwhile waits for the next."""
        for name in await self._mutations.read(_OWN, partial(self._liveness.due, limit=BATCH)):
            try:
                await self._mutations.run_own(_OWN, partial(self._look, name=name))
            except Stale:
                continue
            except Refusal:  # one pledge must not keep the others from being looked at
                _log.exception("attestations.failed", pledge=name)

    def _look(self, tx: Transaction, name: str) -> None:
        self._liveness.look(tx, name)
