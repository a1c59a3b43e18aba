"""What people say about a case, as requests; and what holds of it at every gate."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from tests.support.services import new_request_id

from investiture.api.casework.v1 import case_notes_pb2 as pb
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.chassis.client import Problem, explain

DIGEST = "sha256:" + "ab" * 32
LINK = "https://dms.halden.example/risk/report.pdf"
Caller = Callable[..., CaseServiceStub]
"""The stub of a person in these roles."""


def attachment(**changes: Any) -> pb.Attachment:
    values: dict[str, Any] = {"title": "Report", "link": LINK, "digest": DIGEST}
    return pb.Attachment(**{**values, **changes})


def extending(case: gate_pb2.GateCase, **changes: Any) -> case_pb.ExtendCaseRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": case.name,
        "etag": case.etag,
        "reason": "the works council meets on Monday",
    }
    return case_pb.ExtendCaseRequest(**{**values, **changes})


def commenting(case: gate_pb2.GateCase, **changes: Any) -> pb.AddCommentRequest:
    values: dict[str, Any] = {"request_id": new_request_id(), "name": case.name, "text": "seen it"}
    return pb.AddCommentRequest(**{**values, **changes})


def attaching(case: gate_pb2.GateCase, **changes: Any) -> pb.AttachEvidenceRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": case.name,
        "attachment": attachment(),
    }
    return pb.AttachEvidenceRequest(**{**values, **changes})


def consulting(case: gate_pb2.GateCase, person: str, **changes: Any) -> pb.ConsultRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": case.name,
        "person": person,
        "question": "May we show names?",
    }
    return pb.ConsultRequest(**{**values, **changes})


def answering(asked: pb.Consultation, **changes: Any) -> pb.AnswerConsultRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": asked.name,
        "answer": "first names",
    }
    return pb.AnswerConsultRequest(**{**values, **changes})


async def notes_of(
    stub: CaseServiceStub, case: gate_pb2.GateCase, **request: Any
) -> list[pb.CaseNote]:
    found: list[pb.CaseNote] = []
    token = ""
    while True:
        page: pb.ListCaseNotesResponse = await stub.ListCaseNotes(
            pb.ListCaseNotesRequest(name=case.name, page_token=token, **request)
        )
        found += page.notes
        token = page.next_page_token
        if not token:
            return found


async def newest(stub: CaseServiceStub, case: gate_pb2.GateCase) -> gate_pb2.GateCase:
    reading: case_pb.CaseReading = await stub.ReadCase(
        case_pb.ReadCaseRequest(program=case.program, gate=case.gate)
    )
    return reading.gate_case


async def refused(call: Awaitable[Any]) -> Problem:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return explain(error.value)


async def every_case_is_talked_about(
    caller: Caller, case: gate_pb2.GateCase, holder: str, expert: str, guest: str
) -> None:
    """A holder comments, attaches, consults and takes more time; who is asked answers.

    Nothing of it but the extension changes the case.
    """
    by = caller(holder)
    comment: pb.CaseNote = await by.AddComment(commenting(case, etag=case.etag))
    evidence: pb.CaseNote = await by.AttachEvidence(attaching(case))
    for person in (expert, guest):
        asked: pb.Consultation = await by.Consult(consulting(case, person))
        assert (await refused(by.AnswerConsult(answering(asked)))).reason == "NOT_A_HOLDER"
        waits: pb.ListConsultationsResponse = await caller(person).ListConsultations(
            pb.ListConsultationsRequest()
        )
        assert [one.name for one in waits.consultations] == [asked.name]
        answered: pb.Consultation = await caller(person).AnswerConsult(answering(asked))
        assert (answered.answer.author, answered.answer.answers) == (person, asked.name)
    assert (await refused(caller(guest).ListCaseNotes(_listing(case)))).reason == "NOT_A_HOLDER"
    found = await notes_of(caller(expert), case, page_size=2)
    assert [note.kind for note in found] == [
        pb.NOTE_KIND_COMMENT,
        pb.NOTE_KIND_EVIDENCE,
        *(pb.NOTE_KIND_QUESTION, pb.NOTE_KIND_ANSWER) * 2,
    ]
    assert found[:2] == [comment, evidence]
    assert {(note.revision, note.gate_digest) for note in found} == {
        (case.revision, case.gate_digest)
    }
    assert await newest(by, case) == case
    reading: case_pb.CaseReading = await by.ExtendCase(extending(case))
    after = reading.gate_case
    assert after.version == case.version + 1
    assert after.timetable.overdue_at.ToNanoseconds() > case.timetable.overdue_at.ToNanoseconds()
    (extension,) = after.extensions
    assert (extension.person, extension.wait) == (holder, case.state)
    problem = await refused(by.ExtendCase(extending(after)))
    assert [leg.type for leg in problem.legs] == ["EXTENDED_BEFORE"]


def _listing(case: gate_pb2.GateCase) -> pb.ListCaseNotesRequest:
    return pb.ListCaseNotesRequest(name=case.name)
