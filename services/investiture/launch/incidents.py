"""One incident ends a standing decision: on record here at once, signed with every revision.

Whatever happens to a message, no gate opens without a statement of launch's, and each says which
standing decisions have ended. Sponsorship is told as well, until it has it on record.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa

from investiture.api.governance.v1 import standing_decisions_pb2 as pb
from investiture.api.governance.v1.standing_decisions_pb2_grpc import StandingDecisionServiceStub
from investiture.casework.facts import StandingIncident, StandingRef
from investiture.casework.statements import Statements
from investiture.casework.words import Gate
from investiture.chassis.call import Call, Principal
from investiture.chassis.transaction import Mutations, Transaction
from investiture.launch.domain.programs import Program
from investiture.launch.store import STANDING_INCIDENT, SignedRecord

_OWN = Call(Principal("workloads/launch", frozenset({"service"})), "launch/incidents")
_T = STANDING_INCIDENT.c
_ALL = sa.select(_T.digest, _T.decision, _T.program, _T.incident, _T.at).order_by(_T.digest)
_KNOWN = sa.select(_T.digest).where(_T.digest == sa.bindparam("of"))
_TOLD = STANDING_INCIDENT.update().where(_T.digest == sa.bindparam("of")).values(told=True)


class StandingIncidents:
    """Which standing decisions incidents have ended."""

    def every(self, tx: Transaction) -> tuple[StandingIncident, ...]:
        """All of them: a charter has few standing decisions."""
        return tuple(_incident(row) for row in tx.connection.execute(_ALL))

    def untold(self, tx: Transaction) -> tuple[StandingIncident, ...]:
        """Those that sponsorship has not answered for yet."""
        query = _ALL.where(_T.told.is_(False))
        return tuple(_incident(row) for row in tx.connection.execute(query))

    def told(self, tx: Transaction, ref: StandingRef) -> None:
        """Sponsorship has it on record."""
        tx.connection.execute(_TOLD, {"of": ref.digest})

    def note(
        self,
        tx: Transaction,
        program: Program,
        records: Mapping[Gate, SignedRecord],
        incident: str,
    ) -> None:
        """Ends every standing decision by which a gate of the program was decided."""
        for ref in _refs(records.values()):
            if tx.connection.execute(_KNOWN, {"of": ref.digest}).first() is not None:
                continue
            values = {
                "digest": ref.digest,
                "decision": ref.id,
                "program": program.name,
                "incident": incident,
                "at": tx.now,
                "told": False,
            }
            tx.connection.execute(STANDING_INCIDENT.insert(), values)
            payload = {"digest": ref.digest, "incident": incident}
            name = f"standingDecisions/{ref.id}"
            tx.record("standing_decision.incident", name, 0, payload, program=program.name)


class IncidentTeller:
    """Tells sponsorship, again and again until it has answered."""

    def __init__(
        self,
        mutations: Mutations,
        incidents: StandingIncidents,
        statements: Statements,
        stub: StandingDecisionServiceStub,
    ) -> None:
        self._mutations = mutations
        self._incidents = incidents
        self._statements = statements
        self._stub = stub

    async def tell(self) -> None:
        """Tell what was not told yet; what fails is tried at the next turn."""
        for one in await self._mutations.read(_OWN, self._incidents.untold):
            await self._stub.NoteStandingIncident(
                pb.NoteStandingIncidentRequest(
                    request_id=str(uuid5(NAMESPACE_URL, f"{one.standing.digest} {one.at}")),
                    incident_statement=self._statements.incident(one),
                )
            )
            await self._mutations.run_own(_OWN, partial(self._incidents.told, ref=one.standing))


def _refs(records: Iterable[SignedRecord]) -> tuple[StandingRef, ...]:
    found = (one.record.case.standing_decision for one in records)
    return tuple(dict.fromkeys(ref for ref in found if ref is not None))


def _incident(row: sa.Row[*tuple[Any, ...]]) -> StandingIncident:
    digest, decision, program, incident, at = row
    return StandingIncident(StandingRef(decision, digest), program, incident, at)
