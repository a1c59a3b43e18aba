"""The part of CaseService in which people talk: comments, evidence, questions and answers."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from google.protobuf.message import Message

from investiture.api.casework.v1 import case_notes_pb2 as pb
from investiture.casework import wire
from investiture.casework.conversing import Conversations
from investiture.casework.directory import Directory, known_person
from investiture.casework.note_store import Position
from investiture.casework.notes import Attachment, Consultation, Note, NoteKind
from investiture.casework.vocabulary import GATES, Vocabulary
from investiture.chassis.call import Call
from investiture.chassis.pagination import KeyValue, Pager
from investiture.chassis.refusal import Denied
from investiture.chassis.transaction import Mutations, Transaction

MOST_BYTES_OF_A_PAGE = 768 * 1024
"""A page ends before this, so that the answer stays below the limit of a message."""

OVERSEERS = frozenset({"operator", "auditor", "governance"})
"""Roles that see what waits for others."""

KINDS = Vocabulary(NoteKind, pb.NoteKind.Value, "NOTE_KIND_", pb.NOTE_KIND_UNSPECIFIED)


class NoteHandlers:
    """Proto in, operation, proto out."""

    def __init__(
        self,
        conversations: Conversations,
        mutations: Mutations,
        pager: Pager,
        directory: Directory,
    ) -> None:
        self._conversations = conversations
        self._mutations = mutations
        self._pager = pager
        self._directory = directory

    async def Consult(self, request: pb.ConsultRequest, call: Call) -> pb.Consultation:
        """Asks a person of the directory."""
        authority = await known_person(self._directory, request.person)
        return await self._mutations.run(
            call,
            request,
            lambda tx: consultation_to(
                self._conversations.consult(
                    tx, request.name, request.etag, authority, request.question
                )
            ),
        )

    async def AnswerConsult(self, request: pb.AnswerConsultRequest, call: Call) -> pb.Consultation:
        """Answers a question."""
        brought = attachment_of(request.attachment) if request.HasField("attachment") else None
        return await self._mutations.run(
            call,
            request,
            lambda tx: consultation_to(
                self._conversations.answer(tx, request.name, request.answer, brought)
            ),
        )

    async def ListConsultations(
        self, request: pb.ListConsultationsRequest, call: Call
    ) -> pb.ListConsultationsResponse:
        """Lists the questions a person was asked."""
        person = request.person or call.principal.subject
        if person != call.principal.subject and not call.principal.roles & OVERSEERS:
            raise Denied(
                "NOT_A_HOLDER",
                "you may list the questions you were asked; operators, auditors and governance "
                "list others'",
            )
        page = self._pager.open(request)
        after = _position(page.after)

        def unit(tx: Transaction) -> pb.ListConsultationsResponse:
            rows = self._conversations.asked(
                tx, person, after, page.limit, answered=request.include_answered
            )
            found = [consultation_to(row) for row in rows[: page.size]]
            fitting = replace(page, size=fitting_page(found) or page.size)
            _, token = fitting.cut(rows, _question_key)
            return pb.ListConsultationsResponse(
                consultations=found[: fitting.size], next_page_token=token
            )

        return await self._mutations.read(call, unit)

    async def AddComment(self, request: pb.AddCommentRequest, call: Call) -> pb.CaseNote:
        """Adds a comment."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: note_to(
                self._conversations.comment(tx, request.name, request.etag, request.text)
            ),
        )

    async def AttachEvidence(self, request: pb.AttachEvidenceRequest, call: Call) -> pb.CaseNote:
        """Attaches evidence."""
        brought = attachment_of(request.attachment)
        return await self._mutations.run(
            call,
            request,
            lambda tx: note_to(
                self._conversations.attach(tx, request.name, request.etag, brought, request.text)
            ),
        )

    async def ListCaseNotes(
        self, request: pb.ListCaseNotesRequest, call: Call
    ) -> pb.ListCaseNotesResponse:
        """Lists the notes of a case."""
        page = self._pager.open(request)
        after = int(page.after[0]) if page.after else 0
        kind = KINDS.maybe(request.kind)

        def unit(tx: Transaction) -> pb.ListCaseNotesResponse:
            rows = self._conversations.page(tx, request.name, kind, after, page.limit)
            found = [note_to(row) for row in rows[: page.size]]
            fitting = replace(page, size=fitting_page(found) or page.size)
            _, token = fitting.cut(rows, lambda row: (row.number,))
            return pb.ListCaseNotesResponse(notes=found[: fitting.size], next_page_token=token)

        return await self._mutations.read(call, unit)


def fitting_page(messages: Iterable[Message]) -> int:
    """How many messages fit a page, at least one; 0 where there are none."""
    total, fitting = 0, 0
    for message in messages:
        total += message.ByteSize()
        if fitting and total > MOST_BYTES_OF_A_PAGE:
            break
        fitting += 1
    return fitting


def attachment_of(message: pb.Attachment) -> Attachment:
    """A document from the API."""
    return Attachment(message.title, message.link, message.digest)


def note_to(note: Note) -> pb.CaseNote:
    """The API's form of a note."""
    document = note.attachment
    return pb.CaseNote(
        name=note.name,
        case_name=note.case_name,
        kind=KINDS.to(note.kind),
        author=note.author,
        create_time=wire.stamp(note.at),
        revision=note.revision,
        gate_digest=note.gate_digest,
        text=note.text,
        attachment=(
            pb.Attachment(title=document.title, link=document.link, digest=document.digest)
            if document
            else None
        ),
        asked=note.asked,
        answers=f"{note.case_name}/notes/{note.answers}" if note.answers else "",
        digest=note.digest,
    )


def consultation_to(consultation: Consultation) -> pb.Consultation:
    """The API's form of a question with its answer."""
    asked = consultation.question
    return pb.Consultation(
        name=asked.name,
        program=asked.program,
        gate=GATES.to(asked.gate),
        question=note_to(asked),
        answer=note_to(consultation.answer) if consultation.answer else None,
    )


def _question_key(row: Consultation) -> tuple[str, str, int]:
    asked = row.question
    return asked.at.isoformat(), asked.case_name, asked.number


def _position(after: tuple[KeyValue, ...] | None) -> Position | None:
    if after is None:
        return None
    at, case_name, number = after
    return datetime.fromisoformat(str(at)), str(case_name), int(number)
