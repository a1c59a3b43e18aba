"""StandingDecisionService: proto in, operation, proto out."""

from datetime import datetime

import yaml

from investiture.api.governance.v1 import standing_decisions_pb2 as pb
from investiture.casework import trial_lane, wire
from investiture.casework.amounts import Amount
from investiture.casework.money import to_money
from investiture.casework.statements import Statements
from investiture.casework.vocabulary import SIDES
from investiture.charter.model import Charter
from investiture.chassis.call import Call
from investiture.chassis.transaction import Mutations, Transaction
from investiture.sponsorship.domain import standing_decisions as rules
from investiture.sponsorship.domain.standing_decisions import Signed
from investiture.sponsorship.operations.standing_decisions import StandingDecisions

SERVICE = "investiture.api.governance.v1.StandingDecisionService"


class StandingDecisionHandlers:
    """The trial lane's decisions over gRPC."""

    def __init__(
        self,
        charter: Charter,
        decisions: StandingDecisions,
        mutations: Mutations,
        statements: Statements,
    ) -> None:
        self._charter = charter
        self._decisions = decisions
        self._mutations = mutations
        self._statements = statements

    async def ListStandingDecisions(
        self, request: pb.ListStandingDecisionsRequest, call: Call
    ) -> pb.ListStandingDecisionsResponse:
        """Lists the standing decisions of the charter in force."""
        del request

        def unit(tx: Transaction) -> pb.ListStandingDecisionsResponse:
            every = self._decisions.every(tx)
            return pb.ListStandingDecisionsResponse(
                standing_decisions=[self._message(one, tx.now) for one in every]
            )

        return await self._mutations.read(call, unit)

    async def SignStandingDecision(
        self, request: pb.SignStandingDecisionRequest, call: Call
    ) -> pb.StandingDecision:
        """Signs a standing decision."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(self._decisions.sign(tx, request.id, request.digest), tx.now),
        )

    async def RevokeStandingDecision(
        self, request: pb.RevokeStandingDecisionRequest, call: Call
    ) -> pb.StandingDecision:
        """Ends a standing decision."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._decisions.revoke(tx, request.id, request.reason), tx.now
            ),
        )

    async def NoteStandingIncident(
        self, request: pb.NoteStandingIncidentRequest, call: Call
    ) -> pb.NoteStandingIncidentResponse:
        """Ends a standing decision because of an incident."""
        incident = self._statements.read_incident(request.incident_statement)
        return await self._mutations.run(
            call,
            request,
            lambda tx: pb.NoteStandingIncidentResponse(
                standing_decision=wire.standing_ref_to(self._decisions.note(tx, incident))
            ),
        )

    def _message(self, signed: Signed, now: datetime) -> pb.StandingDecision:
        decision, caps = signed.decision, signed.decision.caps
        plain = decision.model_dump(mode="json", exclude_defaults=True)
        return pb.StandingDecision(
            id=decision.id,
            name=decision.name,
            digest=signed.ref.digest,
            text=yaml.safe_dump(plain, sort_keys=False, allow_unicode=True),
            state=_state(signed, now),
            signatures=[
                pb.StandingSignature(
                    side=SIDES.to(side),
                    person=trial_lane.signer_of(decision, side),
                    signed_at=wire.stamp(
                        signed.signatures[side].signed_at if side in signed.signatures else None
                    ),
                )
                for side in rules.SIDES
            ],
            valid_from=decision.valid_from.isoformat(),
            expires=decision.expires.isoformat(),
            most_people=caps.people,
            most_money=to_money(Amount(caps.amount_minor, self._charter.currency)),
            most_exposure_bps=caps.exposure_bps,
            longest=str(caps.duration),
            most_programs=caps.concurrent,
            programs=signed.programs,
            revoked=str(signed.revocation) if signed.revocation else "",
        )


def _state(signed: Signed, now: datetime) -> pb.StandingDecisionState.ValueType:
    if signed.revocation is not None:
        return pb.STANDING_DECISION_STATE_REVOKED
    if trial_lane.expired(signed.decision, now):
        return pb.STANDING_DECISION_STATE_EXPIRED
    if signed.unsigned:
        return pb.STANDING_DECISION_STATE_UNSIGNED
    if trial_lane.out_of_term(signed.decision, now):
        return pb.STANDING_DECISION_STATE_NOT_YET
    return pb.STANDING_DECISION_STATE_IN_FORCE
