"""Statements as values: what a service signs about its cases, and what it believes of others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.casework import emergencies, statement_wire, wire
from investiture.casework.case import Case
from investiture.casework.facts import (
    Decider,
    Ending,
    Evidence,
    Revision,
    StandingIncident,
    TrialRun,
    Warrant,
)
from investiture.casework.vocabulary import GATES
from investiture.casework.words import Basis, CaseState, Gate, Side, Verdict
from investiture.chassis.clock import Clock
from investiture.chassis.refusal import Leg, PreconditionFailed
from investiture.chassis.statements import KeyRing, Signer

REVISION = "revision"
WARRANT = "warrant"
CASE = "case"
END = "end"
CHANGE = "change"
INCIDENT = "incident"
FRESH = timedelta(minutes=5)
"""How long after it was minted a warrant is accepted.

A fresh one is minted from the present record each time, so a revocation needs no list.
"""

OWNER: Mapping[Gate, str] = {
    Gate.PLEDGE: "sponsorship",
    Gate.FUND: "budget",
    Gate.KNIGHT: "itrisk",
    Gate.PILOT: "launch",
    Gate.LAUNCH: "launch",
    Gate.PROVE: "launch",
}

_ASK = {
    Gate.PLEDGE: "a business sponsor pledges and the touched units endorse first",
    Gate.FUND: "finance approves and reserves the money first",
    Gate.KNIGHT: "IT reviews the risk and knights the program first",
}

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class SignedChange:
    """A change of the charter or of the directory that two people signed."""

    change: str
    kind: str
    digest: str
    proposer: str
    approver: str
    approved_at: datetime
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class SignedCase:
    """A case statement that was verified: which service signed what, and when."""

    gate_case: gate_pb2.GateCase
    issued_at: datetime


class Statements:
    """Mints this service's statements and reads the others', by the service's Clock."""

    def __init__(self, signer: Signer, keys: KeyRing, clock: Clock) -> None:
        self._signer = signer
        self._keys = keys
        self._clock = clock

    def case(self, gate_case: gate_pb2.GateCase) -> str:
        """Signs how a case stands."""
        now = self._clock.now()
        message = statements_pb2.CaseStatement(gate_case=gate_case, issued_at=wire.stamp(now))
        return self._sign(CASE, message, now)

    def warrant(self, warrant: Warrant) -> str:
        """Signs a warrant."""
        return self._sign(WARRANT, statement_wire.warrant_to(warrant), warrant.issued_at)

    def revision(
        self,
        revision: Revision,
        incidents: Iterable[StandingIncident] = (),
        trial_runs: Iterable[TrialRun] = (),
    ) -> str:
        """Signs what a revision says, what ended standing decisions, and what trials showed."""
        message = statement_wire.revision_to(revision, incidents, trial_runs)
        return self._sign(REVISION, message, self._clock.now())

    def end(self, ending: Ending) -> str:
        """Signs how a program ended."""
        return self._sign(END, statement_wire.ending_to(ending), self._clock.now())

    def incident(self, one: StandingIncident) -> str:
        """Signs that an incident ended a standing decision."""
        return self._sign(INCIDENT, statement_wire.incident_to(one), self._clock.now())

    def read_incident(self, jws: str) -> StandingIncident:
        """What launch says ended a standing decision, or STATEMENT_INVALID."""
        message = self._read(jws, "launch", INCIDENT, statements_pb2.StandingDecisionIncident())
        return statement_wire.incident_of(message)

    def change(self, signed: SignedChange) -> str:
        """Signs that two people signed a change."""
        message = statements_pb2.ChangeStatement(
            change=signed.change,
            kind=signed.kind,
            digest=signed.digest,
            proposer=signed.proposer,
            approver=signed.approver,
            approved_at=wire.stamp(signed.approved_at),
            effective_at=wire.stamp(signed.effective_at),
        )
        return self._sign(CHANGE, message, self._clock.now())

    def read_change(self, jws: str) -> SignedChange:
        """What sponsorship says two people signed, or STATEMENT_INVALID."""
        message = self._read(jws, "sponsorship", CHANGE, statements_pb2.ChangeStatement())
        if not message.approver or message.approver == message.proposer:
            raise PreconditionFailed(
                "STATEMENT_INVALID", f"{message.change} was not signed by two people"
            )
        return SignedChange(
            change=message.change,
            kind=message.kind,
            digest=message.digest,
            proposer=message.proposer,
            approver=message.approver,
            approved_at=wire.required_instant(message, "approved_at"),
            effective_at=wire.required_instant(message, "effective_at"),
        )

    def read_revision(self, jws: str) -> Evidence:
        """What a RevisionStatement says, or STATEMENT_INVALID."""
        message = self._read(jws, "launch", REVISION, statements_pb2.RevisionStatement())
        incidents = tuple(statement_wire.incident_of(one) for one in message.incidents)
        runs = tuple(wire.trial_run_of(run) for run in message.trial_runs)
        revision = statement_wire.revision_of(message)
        return Evidence(revision, incidents=incidents, trial_runs=runs)

    def read_end(self, jws: str, program: str) -> Ending:
        """The end of `program`, or STATEMENT_INVALID."""
        ending = statement_wire.ending_of(
            self._read(jws, "launch", END, statements_pb2.EndStatement())
        )
        if ending.program != program:
            raise _about_another(END, ending.program, program)
        return ending

    def read_case(self, jws: str, gate: Gate) -> SignedCase:
        """A case statement of the service that owns `gate`, or STATEMENT_INVALID."""
        message = self._read(jws, OWNER[gate], CASE, statements_pb2.CaseStatement())
        return SignedCase(message.gate_case, wire.required_instant(message, "issued_at"))

    def read_any_case(self, jws: str) -> SignedCase:
        """A case statement of whichever service signed it, or STATEMENT_INVALID.

        A service speaks for the gates it owns and no other.
        """
        issuer = self._keys.claimed_issuer(jws)
        if issuer not in OWNER.values():
            raise PreconditionFailed(
                "STATEMENT_INVALID", "the case statement was signed by no service that owns a gate"
            )
        message = self._read(jws, issuer, CASE, statements_pb2.CaseStatement())
        gate = GATES.maybe(message.gate_case.gate)
        if gate is None or OWNER[gate] != issuer:
            raise PreconditionFailed(
                "STATEMENT_INVALID", f"{issuer} signed a case of a gate that it does not own"
            )
        return SignedCase(message.gate_case, wire.required_instant(message, "issued_at"))

    def read_warrants(self, signed: Iterable[str], required: Iterable[Gate]) -> dict[Gate, Warrant]:
        """The warrants by gate; each has to be of one of the required gates."""
        found: dict[Gate, Warrant] = {}
        wanted = tuple(required)
        for jws in signed:
            warrant = self._read_warrant(jws, wanted)
            found[warrant.gate] = warrant
        return found

    def _read_warrant(self, jws: str, wanted: tuple[Gate, ...]) -> Warrant:
        refusal: PreconditionFailed | None = None
        for issuer in dict.fromkeys(OWNER[gate] for gate in wanted):
            try:
                message = self._read(jws, issuer, WARRANT, statements_pb2.Warrant())
            except PreconditionFailed as error:
                refusal = refusal or error
                continue
            warrant = statement_wire.warrant_of(message)
            if OWNER[warrant.gate] != issuer:
                raise PreconditionFailed(
                    "STATEMENT_INVALID",
                    f"{issuer} signed a warrant for a gate that it does not own",
                )
            return warrant
        raise refusal or PreconditionFailed(
            "STATEMENT_INVALID", "this gate takes no warrants; send none"
        )

    def _sign(self, kind: str, message: Message, issued_at: datetime) -> str:
        payload = json_format.MessageToDict(message, preserving_proto_field_name=True)
        return self._signer.sign(kind, payload, issued_at)

    def _read(self, jws: str, issuer: str, kind: str, message: M) -> M:
        payload = self._keys.verify(jws, issuer=issuer, kind=kind, now=self._clock.now())
        try:
            json_format.ParseDict(dict(payload), message, ignore_unknown_fields=True)
        except json_format.ParseError:
            raise PreconditionFailed(
                "STATEMENT_INVALID", f"the {kind} statement of {issuer} has no readable content"
            ) from None
        return message


def warrant_for(case: Case, now: datetime) -> Warrant:
    """The warrant of a standing case; WRONG_STATE where none stands.

    Who decided provisionally before it was decided as usual stands behind it as well.
    """
    case, made = emergencies.shown(case, now), case.provisional
    dated = made is not None and made.decided_at is not None
    earlier = made.deciders if made is not None and dated else ()
    if case.state is not CaseState.STANDING or case.verdict is None or case.basis is None:
        raise PreconditionFailed(
            "WRONG_STATE",
            f"{case.name} does not stand: it is {case.state.lower().replace('_', ' ')}",
            legs=(
                Leg(
                    type="STANDING",
                    subject=case.name,
                    description=f"the case is {case.state.lower().replace('_', ' ')}",
                    remedy=_ASK.get(case.gate, "wait until the gate is decided"),
                ),
            ),
        )
    return Warrant(
        program=case.program,
        gate=case.gate,
        revision=case.facts.number,
        gate_digest=case.gate_digest,
        case_name=case.name,
        case_version=case.version,
        verdict=case.verdict,
        basis=case.basis,
        deciders=tuple(dict.fromkeys((*case.deciders, *earlier))),
        issued_at=now,
        standing_until=case.standing_until,
        charter_digest=case.charter_digest,
        conditions=case.conditions,
        exposure_limit_bps=case.exposure_limit_bps,
        business_people=case.facts.business_people,
        standing_decision=case.standing_decision,
        emergency=case.emergency if dated else None,
    )


def recalled(
    case: Case, gate: Gate, *, people: Iterable[str] = (), business: Iterable[str] = ()
) -> Warrant:
    """A warrant of an earlier gate as far as the record of a later one has kept it: its people."""
    side = {"sponsorship": Side.BUSINESS, "budget": Side.MONEY}.get(OWNER[gate], Side.IT)
    digest = case.facts.gate_digest(gate)
    deciders = tuple(
        Decider(one, side, "", case.opened_at, case.facts.number, digest) for one in people
    )
    return Warrant(
        program=case.program,
        gate=gate,
        revision=case.facts.number,
        gate_digest=digest,
        case_name="",
        case_version=0,
        verdict=Verdict.PLEDGED if gate is Gate.PLEDGE else Verdict.FUNDED,
        basis=Basis.DECISION,
        deciders=deciders,
        issued_at=case.opened_at,
        standing_until=None,
        charter_digest=case.charter_digest,
        business_people=tuple(business),
    )


def missing_warrants(
    evidence: Evidence, required: Iterable[Gate], now: datetime
) -> tuple[Leg, ...]:
    """One leg for each required warrant that is absent, stale, ended, or about something else."""
    revision = evidence.revision
    legs: list[Leg] = []
    for gate in required:
        why = _unfit(evidence.warrants.get(gate), revision, gate, now)
        if why:
            legs.append(
                Leg(
                    type=f"WARRANT_{gate.value}",
                    subject=revision.program,
                    description=f"{gate.value.lower()}: {why}",
                    remedy=_ASK.get(gate, "pass that gate first"),
                )
            )
    return tuple(legs)


def _unfit(warrant: Warrant | None, revision: Revision, gate: Gate, now: datetime) -> str:
    if warrant is None:
        return "there is no warrant"
    if warrant.program != revision.program:
        return f"the warrant is about {warrant.program}"
    if warrant.gate_digest != revision.gate_digest(gate):
        return f"the warrant is for another state of the program than revision {revision.number}"
    if warrant.issued_at + FRESH < now:
        return f"the warrant was minted at {warrant.issued_at:%H:%M:%S}, more than 5 minutes ago"
    if warrant.standing_until is not None and warrant.standing_until <= now:
        return f"the decision stood until {warrant.standing_until:%Y-%m-%d %H:%M}"
    return ""


def _about_another(kind: str, found: str, wanted: str) -> PreconditionFailed:
    return PreconditionFailed(
        "STATEMENT_INVALID", f"the {kind} statement is about {found}, not about {wanted}"
    )
