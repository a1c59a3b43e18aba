"""CaseService: the API that every gate's case shares."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from investiture.api.casework.v1 import case_service_pb2 as pb
from investiture.api.common.v1 import gate_pb2
from investiture.casework import wire
from investiture.casework.case import Case
from investiture.casework.charters import proposed_charter
from investiture.casework.conversing import Conversations
from investiture.casework.desk import Desk, LaneDesk
from investiture.casework.directory import Directory, resolve_caller
from investiture.casework.emergencies import SIDES
from investiture.casework.facts import Ending, Evidence
from investiture.casework.inbox import waits_for
from investiture.casework.note_handlers import OVERSEERS, NoteHandlers
from investiture.casework.operations import CaseOperations, Reading
from investiture.casework.statements import Statements
from investiture.casework.trial import Trial
from investiture.casework.vocabulary import GATES
from investiture.casework.words import Gate, Purpose
from investiture.chassis.call import Call
from investiture.chassis.pagination import KeyValue, Pager
from investiture.chassis.refusal import Denied, InvalidArgument, NotFound
from investiture.chassis.transaction import Mutations, Transaction

SERVICE = "investiture.api.casework.v1.CaseService"


Principals = Callable[[Transaction, str], Sequence[str]]
"""In whose name a person may decide here now, by delegations; their own name left out."""


def nobody(tx: Transaction, person: str) -> Sequence[str]:
    """The Principals of a service that knows no delegations."""
    del tx, person
    return ()


class CaseHandlers(NoteHandlers):
    """Proto in, operation, proto out."""

    def __init__(
        self,
        operations: CaseOperations,
        mutations: Mutations,
        statements: Statements,
        pager: Pager,
        directory: Directory,
        principals: Principals = nobody,
    ) -> None:
        conversations = Conversations(operations, operations.store.notes)
        super().__init__(conversations, mutations, pager, directory)
        self._directory = directory
        self._principals = principals
        self._operations = operations
        self._statements = statements

    async def OpenCase(self, request: pb.OpenCaseRequest, call: Call) -> pb.CaseReading:
        """Opens a gate's case from signed statements."""
        gate = GATES.of(request.gate)
        desk = self._operations.desk(gate)
        said = self._statements.read_revision(request.revision_statement)
        warrants = self._statements.read_warrants(request.warrants, desk.required)
        evidence = await self._with_signer(desk, replace(said, warrants=warrants))
        return await self._mutations.run(
            call, request, lambda tx: self._answer(self._operations.open(tx, gate, evidence), tx)
        )

    async def _with_signer(self, desk: Desk, evidence: Evidence) -> Evidence:
        """With who signed for this gate's side, where a standing decision may cover the opening."""
        asked = desk.signer(evidence) if isinstance(desk, LaneDesk) else ""
        if not asked:
            return evidence
        try:
            signer = await self._directory.resolve(asked, Purpose(desk.gate.value))
        except (Denied, NotFound):  # nobody of that name any more: people decide
            return evidence
        return replace(evidence, signer=signer)

    async def ReadCase(self, request: pb.ReadCaseRequest, call: Call) -> pb.CaseReading:
        """Reads the newest case of a program's gate; an empty answer where there is none."""
        gate = GATES.of(request.gate)

        def unit(tx: Transaction) -> pb.CaseReading:
            reading = self._operations.read(tx, request.program, gate)
            if reading is None:
                return pb.CaseReading(next_in_ms=wire.NEVER_MS, standing_for_ms=wire.NEVER_MS)
            return self._answer(reading, tx)

        return await self._mutations.read(call, unit)

    async def EscalateCase(
        self, request: pb.EscalateCaseRequest, call: Call
    ) -> pb.EscalateCaseResponse:
        """Takes what is due of a timetable and says when to come back."""

        def unit(tx: Transaction) -> pb.EscalateCaseResponse:
            reading, taken = self._operations.escalate(tx, request.name)
            next_at = reading.following.at if reading.following else None
            return pb.EscalateCaseResponse(
                reading=self._answer(reading, tx),
                taken=[wire.escalation_to(step) for step in taken],
                next_at=wire.stamp(next_at),
                next_in_ms=wire.milliseconds_until(next_at, tx.now),
            )

        return await self._mutations.run(call, request, unit)

    async def ReleaseCase(self, request: pb.ReleaseCaseRequest, call: Call) -> pb.CaseReading:
        """Releases what a gate holds for a program that has ended."""
        gate = GATES.of(request.gate)
        ending = self._statements.read_end(request.end_statement, request.program)

        def unit(tx: Transaction) -> pb.CaseReading:
            reading = self._operations.release(tx, gate, ending)
            if reading is None:
                return self._tombstone(gate, ending)
            return self._answer(reading, tx)

        return await self._mutations.run(call, request, unit)

    async def VoidCase(self, request: pb.VoidCaseRequest, call: Call) -> pb.CaseReading:
        """Takes a standing decision back."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._answer(
                self._operations.void(tx, request.name, request.etag, request.reason), tx
            ),
        )

    async def DecideProvisionally(
        self, request: pb.DecideProvisionallyRequest, call: Call
    ) -> pb.CaseReading:
        """Decides a case provisionally in an emergency, as one of two."""
        gate = self._operations.gate_of(request.name)
        if gate not in SIDES:
            raise InvalidArgument.of("name", f"{gate.value.lower()} is not decided provisionally")
        authority = await resolve_caller(self._directory, call, Purpose(gate.value))
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._answer(
                self._operations.decide_provisionally(
                    tx, request.name, request.etag, request.reason, authority
                ),
                tx,
            ),
        )

    async def CloseCondition(self, request: pb.CloseConditionRequest, call: Call) -> pb.CaseReading:
        """Closes a condition with its evidence."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._answer(
                self._operations.close_condition(
                    tx, request.name, request.etag, request.condition_id, request.evidence
                ),
                tx,
            ),
        )

    async def ReassignCase(self, request: pb.ReassignCaseRequest, call: Call) -> pb.CaseReading:
        """Hands a case to another person."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._answer(
                self._operations.reassign(
                    tx, request.name, request.etag, request.person, request.reason
                ),
                tx,
            ),
        )

    async def ExtendCase(self, request: pb.ExtendCaseRequest, call: Call) -> pb.CaseReading:
        """Gives the present wait more time, once."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._answer(
                self._operations.extend(tx, request.name, request.etag, request.reason), tx
            ),
        )

    async def GetWarrant(self, request: pb.GetWarrantRequest, call: Call) -> pb.SignedWarrant:
        """Mints a fresh warrant from the present record."""
        gate = GATES.of(request.gate)

        def unit(tx: Transaction) -> pb.SignedWarrant:
            warrant = self._operations.warrant(tx, request.program, gate)
            return pb.SignedWarrant(
                warrant=self._statements.warrant(warrant), issued_at=wire.stamp(warrant.issued_at)
            )

        return await self._mutations.read(call, unit)

    async def ListPendingDecisions(
        self, request: pb.ListPendingDecisionsRequest, call: Call
    ) -> pb.ListPendingDecisionsResponse:
        """Lists the waiting cases of a person, the earliest overdue date first.

        A case comes once, however many parts of it the person holds, and in however many names.
        """
        person = request.person or call.principal.subject
        if person != call.principal.subject and not call.principal.roles & OVERSEERS:
            raise Denied(
                "NOT_A_HOLDER",
                "you may list your own pending decisions; operators, auditors and governance "
                "list others'",
            )
        page = self._pager.open(request)
        after = _position(page.after)

        def unit(tx: Transaction) -> pb.ListPendingDecisionsResponse:
            store = self._operations.store
            principals = self._principals(tx, person)
            people = {person, *principals, *store.standings.lenders(tx, person)}
            rows = store.held(tx, sorted(people), request.unit, after, page.limit)
            shown, token = page.cut(rows, _key)
            waits = waits_for(self._operations, tx, person, principals)
            return pb.ListPendingDecisionsResponse(
                cases=[self._case(case, tx) for case, _ in shown if waits(case)],
                next_page_token=token,
            )

        return await self._mutations.read(call, unit)

    async def TryCharter(self, request: pb.TryCharterRequest, call: Call) -> pb.TryCharterResponse:
        """Says what the next round of which open cases would ask differently."""
        charter = proposed_charter(request.document)
        trial = Trial(self._operations, self._operations.under(charter))
        page = self._pager.open(request)
        after = str(page.after[0]) if page.after else ""

        def unit(tx: Transaction) -> pb.TryCharterResponse:
            rows = trial.page(tx, after, page.limit)
            shown, token = page.cut(rows, lambda one: (one.case.name,))
            changed = [one for one in shown if one.differences]
            return pb.TryCharterResponse(
                cases=[
                    pb.TriedCase(
                        name=one.case.name,
                        program=one.case.program,
                        gate=GATES.to(one.case.gate),
                        differences=one.differences,
                    )
                    for one in changed
                ],
                tried=len(shown),
                charter_digest=charter.digest,
                next_page_token=token,
            )

        return await self._mutations.rehearse(call, unit)

    def _case(self, case: Case, tx: Transaction) -> gate_pb2.GateCase:
        reading = self._operations.reading(tx, case)
        return wire.case_to(reading.case, reading.following)

    def _answer(self, reading: Reading, tx: Transaction) -> pb.CaseReading:
        message = wire.case_to(reading.case, reading.following)
        return wire.reading_to(
            reading.case, reading.following, self._statements.case(message), tx.now
        )

    def _tombstone(self, gate: Gate, ending: Ending) -> pb.CaseReading:
        """Says of a gate without a case that the program has ended there.

        Nothing is held, nothing opens.
        """
        message = gate_pb2.GateCase(
            name=f"{ending.program}/{self._operations.desk(gate).collection}/released",
            program=ending.program,
            gate=GATES.to(gate),
            revision=ending.revision,
            state=gate_pb2.CASE_STATE_RELEASED,
            version=1,
        )
        return pb.CaseReading(
            gate_case=message,
            case_statement=self._statements.case(message),
            next_in_ms=wire.NEVER_MS,
            standing_for_ms=wire.NEVER_MS,
        )


def _key(row: tuple[Case, datetime]) -> tuple[str, str]:
    case, overdue_at = row
    return overdue_at.isoformat(), case.name


def _position(after: tuple[KeyValue, ...] | None) -> tuple[datetime, str] | None:
    if after is None:
        return None
    return datetime.fromisoformat(str(after[0])), str(after[1])
