"""Drafts, revisions, withdrawal, and reading programs."""

from dataclasses import replace

from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.casework.vocabulary import OUTCOMES
from investiture.chassis.call import Call
from investiture.chassis.transaction import Transaction
from investiture.launch import wire
from investiture.launch.domain.programs import Program
from investiture.launch.handlers.rooms import Handlers

MOST_BYTES_OF_A_PAGE = 768 * 1024
"""A page of programs ends before this, so that the answer stays below the limit of a message."""


class ProgramHandlers(Handlers):
    """Creates, submits, revises, withdraws and reads programs."""

    async def CreateProgram(self, request: pb.CreateProgramRequest, call: Call) -> pb.Program:
        """Creates a program as a draft."""
        content = wire.content_of(request.content) if request.HasField("content") else None
        return await self._mutations.run(
            call,
            request,
            lambda tx: wire.program_to(
                self._rooms.programs.create(tx, request.program_id, content, request.resubmits)
            ),
        )

    async def UpdateDraft(self, request: pb.UpdateDraftRequest, call: Call) -> pb.Program:
        """Replaces the content of a draft."""
        content = wire.content_of(request.content)
        return await self._mutations.run(
            call,
            request,
            lambda tx: wire.program_to(
                self._rooms.programs.update_draft(tx, request.name, request.etag, content)
            ),
        )

    async def SubmitProgram(self, request: pb.SubmitProgramRequest, call: Call) -> pb.Program:
        """Submits a draft as revision 1."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: wire.program_to(self._rooms.programs.submit(tx, request.name, request.etag)),
        )

    async def ReviseProgram(
        self, request: pb.ReviseProgramRequest, call: Call
    ) -> pb.ReviseProgramResponse:
        """Submits a new revision and says what happens to each gate."""
        content = wire.content_of(request.content)

        def unit(tx: Transaction) -> pb.ReviseProgramResponse:
            revised = self._rooms.programs.revise(
                tx, request.name, request.etag, content, request.reason
            )
            return pb.ReviseProgramResponse(
                program=wire.program_to(revised.program),
                effects=[wire.effect_to(effect) for effect in revised.effects],
            )

        return await self._mutations.run(call, request, unit)

    async def WithdrawProgram(self, request: pb.WithdrawProgramRequest, call: Call) -> pb.Program:
        """Ends a program by its proposer or its sponsor."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: wire.program_to(
                self._rooms.programs.withdraw(tx, request.name, request.etag, request.reason)
            ),
        )

    async def GetProgram(self, request: pb.GetProgramRequest, call: Call) -> pb.Program:
        """Reads a program."""
        return await self._mutations.read(
            call, lambda tx: wire.program_to(self._rooms.programs.get(tx, request.name))
        )

    async def ListPrograms(
        self, request: pb.ListProgramsRequest, call: Call
    ) -> pb.ListProgramsResponse:
        """Lists programs by name; a page ends early where its programs say much."""
        page = self._rooms.pager.open(request)
        after = str(page.after[0]) if page.after else ""
        state = wire.PROGRAM_STATES.maybe(request.state)

        def unit(tx: Transaction) -> pb.ListProgramsResponse:
            rows = self._rooms.programs.page(tx, state, after, page.limit)
            programs = [wire.program_to(row) for row in rows[: page.size]]
            fitting = replace(page, size=_fitting(programs))
            _, token = fitting.cut(rows, _key)
            return pb.ListProgramsResponse(programs=programs[: fitting.size], next_page_token=token)

        return await self._mutations.read(call, unit)

    async def GetRevision(self, request: pb.GetRevisionRequest, call: Call) -> pb.Revision:
        """Reads an immutable revision."""
        program, _, number = request.name.rpartition("/revisions/")
        return await self._mutations.read(
            call,
            lambda tx: wire.revision_to(self._rooms.programs.revision(tx, program, int(number))),
        )

    async def GetRevisionStatement(
        self, request: pb.GetRevisionStatementRequest, call: Call
    ) -> pb.SignedRevisionStatement:
        """Mints the signed statement of the newest revision."""

        def unit(tx: Transaction) -> pb.SignedRevisionStatement:
            shown = self._rooms.programs.presented(tx, request.program)
            signed = self._rooms.statements.revision(shown.facts, shown.incidents, shown.trial_runs)
            return pb.SignedRevisionStatement(statement=signed, revision=shown.facts.number)

        return await self._mutations.read(call, unit)

    async def GetEndStatement(
        self, request: pb.GetEndStatementRequest, call: Call
    ) -> pb.SignedEndStatement:
        """Mints the signed statement of how a program ended."""

        def unit(tx: Transaction) -> pb.SignedEndStatement:
            ending = self._rooms.programs.ending(tx, request.program)
            return pb.SignedEndStatement(
                statement=self._rooms.statements.end(ending), outcome=OUTCOMES.to(ending.outcome)
            )

        return await self._mutations.read(call, unit)


def _fitting(programs: list[pb.Program]) -> int:
    """How many programs fit a page; at least one."""
    total = 0
    for count, program in enumerate(programs):
        total += program.ByteSize()
        if total > MOST_BYTES_OF_A_PAGE:
            return max(1, count)
    return max(1, len(programs))


def _key(program: Program) -> tuple[str]:
    return (program.name,)
