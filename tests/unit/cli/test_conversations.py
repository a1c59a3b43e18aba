"""How a conversation about a case looks, and what a document hashes to."""

import hashlib
import io
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from investiture.api.casework.v1 import case_notes_pb2 as pb
from investiture.api.common.v1 import gate_pb2
from investiture.cli import conversations, problems
from investiture.cli.problems import Complaint

CASE = "programs/community/pledges/1"


def drawn(*content: RenderableType) -> str:
    said = io.StringIO()
    Console(file=said, width=80, highlight=False).print(*content)
    return said.getvalue()


def question() -> pb.CaseNote:
    return pb.CaseNote(
        name=f"{CASE}/notes/3",
        case_name=CASE,
        kind=pb.NOTE_KIND_QUESTION,
        author="people/sara",
        revision=2,
        text="How many?\nAnd who?",
        asked="people/zoe",
    )


def test_a_note_says_who_asks_whom_on_which_revision() -> None:
    text = drawn(*conversations.lines(question()))
    assert "sara asks zoe" in text
    assert "on revision 2  #3" in text
    assert "    And who?" in text


def test_an_answer_names_its_question_and_shows_its_document() -> None:
    answer = pb.CaseNote(
        name=f"{CASE}/notes/4",
        kind=pb.NOTE_KIND_ANSWER,
        author="people/zoe",
        answers=f"{CASE}/notes/3",
        attachment=pb.Attachment(title="Count", link="https://dms/x", digest="sha256:ab"),
    )
    text = drawn(*conversations.lines(answer))
    assert "zoe answers 3" in text
    assert "Count: https://dms/x" in text
    assert "sha256:ab" in text


def test_markup_in_what_people_say_stays_what_they_said() -> None:
    note = question()
    note.text = "[red]stop[/red] :smile:"
    assert "[red]stop[/red] :smile:" in drawn(*conversations.lines(note))


@pytest.mark.parametrize(
    ("name", "gate"),
    [
        (f"{CASE}/notes/3", gate_pb2.GATE_PLEDGE),
        ("programs/pilots/riskReviews/2/notes/1", gate_pb2.GATE_KNIGHT),
        ("programs/x/budgetRequests/1/notes/1", gate_pb2.GATE_FUND),
        ("programs/x/proofs/1/notes/1", gate_pb2.GATE_PROVE),
    ],
)
def test_a_question_says_on_which_gates_case_it_is(name: str, gate: int) -> None:
    assert conversations.gate_in(name) == gate


@pytest.mark.parametrize("name", ["programs/x", "programs/x/cases/1/notes/1", "programs/pledges"])
def test_what_is_no_question_is_said(name: str) -> None:
    with pytest.raises(Complaint) as complaint:
        conversations.gate_in(name)
    assert complaint.value.code == problems.BAD_INPUT


def test_a_documents_digest_is_taken_or_given_and_both_agree(tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    file.write_bytes(b"what it says")
    digest = hashlib.sha256(b"what it says").hexdigest()
    wanted = f"sha256:{digest}"
    assert conversations.digest_of(file, "") == wanted
    assert conversations.digest_of(None, digest.upper()) == wanted
    assert conversations.digest_of(file, wanted) == wanted
    for path, given in ((None, ""), (file, "ab" * 32), (tmp_path / "none", "")):
        with pytest.raises(Complaint) as complaint:
            conversations.digest_of(path, given)
        assert complaint.value.code == problems.BAD_INPUT
