"""What people say about a case: comments, evidence, questions and answers; nothing moves by it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.contract.sponsorship.house import (
    BEN,
    SAM,
    SARA,
    VERA,
    House,
    community,
    holders,
    refused,
)
from tests.contract.sponsorship.test_case import release, void
from tests.support import halden
from tests.support.conversations import (
    DIGEST,
    LINK,
    Caller,
    answering,
    attaching,
    attachment,
    commenting,
    consulting,
    every_case_is_talked_about,
    newest,
    notes_of,
)
from tests.support.records import everything, rows

from investiture.api.casework.v1 import case_notes_pb2 as pb
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2

ZOE, IVAN, MIRA, GRACE = "people/zoe", "people/ivan", "people/mira", "people/grace"
"""A guest; somebody of IT; the head of marketing; the governance owner."""


def people(house: House) -> Caller:
    def stub(person: str, *roles: str) -> CaseServiceStub:
        return house.cases(person, *(roles or ("proposer",)))

    return stub


async def asked_of(house: House, person: str, **request: Any) -> list[pb.Consultation]:
    page: pb.ListConsultationsResponse = await house.cases(person, "proposer").ListConsultations(
        pb.ListConsultationsRequest(**request)
    )
    return list(page.consultations)


async def test_a_pledge_is_talked_about(house: House) -> None:
    case = await house.opened()
    await every_case_is_talked_about(people(house), case, SARA, IVAN, ZOE)


async def test_a_note_makes_no_deciders_etag_stale_and_wakes_no_path(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    rings = rows(database_url, "SELECT id FROM outbox")
    await house.cases(BEN, "proposer").AddComment(commenting(case))
    await house.cases(BEN, "proposer").AttachEvidence(attaching(case))
    await house.cases(BEN, "proposer").Consult(consulting(case, IVAN))
    assert rows(database_url, "SELECT id FROM outbox") == rings
    pledged = await house.pledge(SARA, case)  # with the etag from before
    assert [one.person for one in pledged.gate_case.deciders] == [SARA]


async def test_each_note_says_who_saw_what_when_and_the_audit_trail_has_its_digest(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    note: pb.CaseNote = await house.cases(VERA, "endorser").AttachEvidence(
        attaching(case, text="the survey of March")
    )
    assert note.name == f"{case.name}/notes/1"
    assert (note.author, note.revision, note.gate_digest) == (VERA, 1, case.gate_digest)
    assert note.create_time.ToDatetime(house.clock.now().tzinfo) == house.clock.now()
    assert note.attachment == attachment()
    ((document,),) = rows(
        database_url, "SELECT document FROM event WHERE kind = 'pledge.evidence_attached'"
    )
    assert note.digest in document
    assert DIGEST in document
    assert "survey" not in document  # words are kept by digest


async def test_a_later_revision_of_the_same_case_is_what_later_notes_were_made_on(
    house: House,
) -> None:
    case = await house.opened()
    ben = house.cases(BEN, "proposer")
    await ben.AddComment(commenting(case))
    moved = await house.opened(community(2))  # the same in what the gate decides on
    assert moved.name == case.name
    await ben.AddComment(commenting(case))
    assert [note.revision for note in await notes_of(ben, case)] == [1, 2]


@pytest.mark.parametrize("state", ["standing", "voided", "expired", "superseded", "released"])
async def test_a_closed_case_takes_notes_and_answers_and_no_questions(
    house: House, state: str
) -> None:
    case = await house.opened()
    ben = house.cases(BEN, "proposer")
    asked: pb.Consultation = await ben.Consult(consulting(case, IVAN))
    if state == "released":
        await house.cases().ReleaseCase(release(house))
    elif state == "superseded":
        await house.opened(community(2, objective="help each other more"))
    else:
        stands = await house.standing()
        if state == "voided":
            await house.cases(SARA, "sponsor").VoidCase(void(stands))
        if state == "expired":
            house.clock.advance(timedelta(days=91))
    await house.cases("people/axel", "auditor").AddComment(commenting(case))
    await ben.AttachEvidence(attaching(case))
    problem = await refused(ben.Consult(consulting(case, IVAN)))
    assert problem.reason == "WRONG_STATE"
    late: pb.Consultation = await house.cases(IVAN, "reviewer").AnswerConsult(answering(asked))
    assert late.answer.text == "first names"
    assert [note.kind for note in await notes_of(ben, case)] == [
        pb.NOTE_KIND_QUESTION,
        pb.NOTE_KIND_COMMENT,
        pb.NOTE_KIND_EVIDENCE,
        pb.NOTE_KIND_ANSWER,
    ]


@pytest.mark.parametrize(
    ("person", "roles"),
    [
        (BEN, ("proposer",)),
        (SARA, ("sponsor",)),
        (VERA, ("endorser",)),
        (MIRA, ("endorser",)),  # of the gate's business, though not asked
        (GRACE, ("governance",)),
        ("people/axel", ("auditor",)),
        ("people/leo", ("legal",)),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"])
async def test_who_is_involved_or_has_a_role_for_the_gate_speaks(
    house: House, person: str, roles: tuple[str, ...]
) -> None:
    case = await house.opened()
    stub = house.cases(person, *roles)
    note: pb.CaseNote = await stub.AddComment(commenting(case))
    assert await notes_of(stub, case) == [note]


@pytest.mark.parametrize(
    ("person", "roles"),
    [
        (IVAN, ("reviewer", "proposer")),
        (ZOE, ("agency",)),
        ("workloads/worker", ("worker",)),
        ("workloads/bot", ("governance", "auditor")),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"])
async def test_strangers_guests_and_workloads_neither_speak_nor_listen(
    house: House, person: str, roles: tuple[str, ...], database_url: str
) -> None:
    case = await house.opened()
    stub = house.cases(person, *roles)
    before = everything(database_url)
    for call in (
        stub.AddComment(commenting(case)),
        stub.AttachEvidence(attaching(case)),
        stub.ListCaseNotes(pb.ListCaseNotesRequest(name=case.name)),
        stub.Consult(consulting(case, VERA)),
    ):
        problem = await refused(call)
        assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    assert everything(database_url) == before


async def test_who_is_asked_holds_nothing_decides_nothing_and_is_not_barred(house: House) -> None:
    case = await house.opened()
    ben = house.cases(BEN, "proposer")
    for person in (SAM, VERA):
        await ben.Consult(consulting(case, person))
    now = await newest(ben, case)
    assert holders(now) == holders(case)
    assert now.version == case.version
    waits: case_pb.ListPendingDecisionsResponse = await house.cases(
        SAM, "sponsor"
    ).ListPendingDecisions(case_pb.ListPendingDecisionsRequest())
    assert list(waits.cases) == []
    problem = await refused(house.pledge(SAM, case))
    assert problem.reason == "NOT_A_HOLDER"
    # Law 7 counts who decides: an answer takes no side, so who holds the case decides it still.
    (asked,) = await asked_of(house, VERA)
    await house.cases(VERA, "endorser").AnswerConsult(answering(asked))
    pledged = await house.pledge(SARA, case)
    agreed = await house.say(VERA, pledged.gate_case, "units/sales", "CONSENT")
    assert agreed.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert IVAN not in {one.person for one in agreed.gate_case.deciders}


async def test_holders_governance_and_the_proposer_ask(house: House) -> None:
    case = await house.opened()
    for person in (SARA, VERA, BEN):
        await house.cases(person, "endorser").Consult(consulting(case, IVAN))
    for person in (MIRA, GRACE, "people/axel"):
        problem = await refused(house.cases(person, "governance").Consult(consulting(case, IVAN)))
        assert problem.reason == "NOT_A_HOLDER"
    assert [one.question.author for one in await asked_of(house, IVAN)] == [SARA, VERA, BEN]


@pytest.mark.parametrize(
    ("person", "says"),
    [
        ("people/nobody", "not in the directory"),
        (SARA, "cannot consult yourself"),
        (SAM, "no longer works here"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"])
async def test_only_somebody_else_of_the_directory_is_asked(
    house: House, person: str, says: str, database_url: str
) -> None:
    gone = next(one for one in halden.people() if one.name == SAM)
    gone.active = False
    await house.import_people(gone)
    case = await house.opened()
    before = everything(database_url)
    problem = await refused(house.cases(SARA, "sponsor").Consult(consulting(case, person)))
    assert [v.field for v in problem.violations] == ["person"]
    assert says in problem.message
    assert everything(database_url) == before


async def test_a_question_is_answered_once_by_who_was_asked(house: House) -> None:
    case = await house.opened()
    asked: pb.Consultation = await house.cases(SARA, "sponsor").Consult(consulting(case, ZOE))
    for person in (SARA, BEN, GRACE):
        problem = await refused(house.cases(person, "governance").AnswerConsult(answering(asked)))
        assert problem.reason == "NOT_A_HOLDER"
        assert ZOE in problem.message
    zoe = house.cases(ZOE, "agency")
    given: pb.Consultation = await zoe.AnswerConsult(answering(asked, attachment=attachment()))
    assert given.answer.attachment.link == LINK
    again = await refused(zoe.AnswerConsult(answering(asked, answer="or full names")))
    assert (again.reason, again.legs[0].type) == ("WRONG_STATE", "ANSWERED")
    assert await asked_of(house, ZOE) == []
    assert await asked_of(house, ZOE, include_answered=True) == [given]
    nothing = await refused(zoe.AnswerConsult(answering(asked, name=given.answer.name)))
    assert nothing.code == "NOT_FOUND"


async def test_two_answers_at_once_leave_one(house: House) -> None:
    case = await house.opened()
    asked: pb.Consultation = await house.cases(SARA, "sponsor").Consult(consulting(case, IVAN))
    ivan = house.cases(IVAN, "reviewer")
    calls = [ivan.AnswerConsult(answering(asked, answer=f"answer {n}")) for n in range(8)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(one, pb.Consultation) for one in outcomes) == 1
    found = await notes_of(house.cases(BEN, "proposer"), case)
    assert [note.kind for note in found] == [pb.NOTE_KIND_QUESTION, pb.NOTE_KIND_ANSWER]


async def test_notes_added_at_once_are_all_kept_and_numbered_without_gaps(house: House) -> None:
    case = await house.opened()
    ben = house.cases(BEN, "proposer")
    await asyncio.gather(*(ben.AddComment(commenting(case, text=f"{n}")) for n in range(24)))
    found = await notes_of(ben, case, page_size=7)
    assert [note.name.rpartition("/")[2] for note in found] == [str(n) for n in range(1, 25)]
    assert sorted(int(note.text) for note in found) == list(range(24))


async def test_lists_are_read_page_by_page_and_by_kind(house: House) -> None:
    case = await house.opened()
    ben = house.cases(BEN, "proposer")
    for n in range(5):
        await ben.AddComment(commenting(case, text=f"comment {n}"))
        await ben.Consult(consulting(case, IVAN, question=f"question {n}"))
    questions = await notes_of(ben, case, page_size=2, kind=pb.NOTE_KIND_QUESTION)
    assert [note.text for note in questions] == [f"question {n}" for n in range(5)]
    ivan = house.cases(IVAN, "reviewer")
    first: pb.ListConsultationsResponse = await ivan.ListConsultations(
        pb.ListConsultationsRequest(page_size=3)
    )
    rest: pb.ListConsultationsResponse = await ivan.ListConsultations(
        pb.ListConsultationsRequest(page_size=3, page_token=first.next_page_token)
    )
    texts = [one.question.text for one in (*first.consultations, *rest.consultations)]
    assert texts == [f"question {n}" for n in range(5)]
    assert rest.next_page_token == ""
    other = pb.ListConsultationsRequest(page_token=first.next_page_token, include_answered=True)
    assert (await refused(ivan.ListConsultations(other))).reason == "PAGE_TOKEN_INVALID"


async def test_a_page_of_long_notes_ends_before_a_message_does(house: House) -> None:
    case = await house.opened()
    ben = house.cases(BEN, "proposer")
    long = "€" * 4000  # three bytes each
    for _ in range(90):
        await ben.AddComment(commenting(case, text=long))
    page: pb.ListCaseNotesResponse = await ben.ListCaseNotes(
        pb.ListCaseNotesRequest(name=case.name, page_size=500)
    )
    assert 0 < len(page.notes) < 90
    assert len(await notes_of(ben, case, page_size=500)) == 90


async def test_what_others_were_asked_is_for_overseers(house: House) -> None:
    case = await house.opened()
    await house.cases(SARA, "sponsor").Consult(consulting(case, IVAN))
    of_ivan = pb.ListConsultationsRequest(person=IVAN)
    problem = await refused(house.cases(SARA, "sponsor").ListConsultations(of_ivan))
    assert problem.reason == "NOT_A_HOLDER"
    seen: pb.ListConsultationsResponse = await house.cases(GRACE, "governance").ListConsultations(
        of_ivan
    )
    assert len(seen.consultations) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"link": "http://dms.halden.example/report.pdf"}, "attachment.link"),
        ({"link": "https://" + "a" * 2000}, "attachment.link"),
        ({"digest": "ab" * 32}, "attachment.digest"),
        ({"digest": "sha256:" + "AB" * 32}, "attachment.digest"),
        ({"digest": "sha256:" + "ab" * 31}, "attachment.digest"),
        ({"title": ""}, "attachment.title"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"])
async def test_evidence_is_an_https_link_with_a_digest(
    house: House, changes: dict[str, str], field: str, database_url: str
) -> None:
    case = await house.opened()
    before = everything(database_url)
    request = attaching(case, attachment=attachment(**changes))
    problem = await refused(house.cases(BEN, "proposer").AttachEvidence(request))
    assert (problem.code, [v.field for v in problem.violations]) == ("INVALID_ARGUMENT", [field])
    assert everything(database_url) == before


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize("text", ["", "   ", "a\x00b", "bell\x07", "x" * 4001])
async def test_a_comment_says_something_that_can_be_read(house: House, text: str) -> None:
    case = await house.opened()
    problem = await refused(house.cases(BEN, "proposer").AddComment(commenting(case, text=text)))
    assert [v.field for v in problem.violations] == ["text"]


async def test_a_comment_may_insist_on_the_state_its_author_saw(house: House) -> None:
    case = await house.opened()
    await house.pledge(SARA, case)
    stub = house.cases(VERA, "endorser")
    assert (await refused(stub.AddComment(commenting(case, etag=case.etag)))).reason == "STALE_ETAG"
    await stub.AddComment(commenting(case))


async def test_a_note_comes_once_however_often_it_is_sent_and_a_rehearsal_stores_none(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    ben = house.cases(BEN, "proposer")
    before = everything(database_url)
    await ben.AddComment(commenting(case, validate_only=True))
    await ben.AttachEvidence(attaching(case, validate_only=True))
    await ben.Consult(consulting(case, IVAN, validate_only=True))
    assert everything(database_url) == before
    request = commenting(case)
    assert await ben.AddComment(request) == await ben.AddComment(request)
    assert len(await notes_of(ben, case)) == 1


async def test_a_case_that_is_not_there_takes_nothing(house: House) -> None:
    case = gate_pb2.GateCase(name="programs/none/pledges/1")
    problem = await refused(house.cases(BEN, "proposer").AddComment(commenting(case)))
    assert problem.code == "NOT_FOUND"
