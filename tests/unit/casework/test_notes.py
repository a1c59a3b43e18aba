"""Notes: what may be said and by whom, what a link may be, and what a digest covers."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest
from tests.support.facts import NOW, open_case, revision, standing

from investiture.casework import case as cases
from investiture.casework import notes
from investiture.casework.case import Holder
from investiture.casework.facts import Condition
from investiture.casework.notes import Attachment, Note, NoteKind, Words
from investiture.casework.words import Gate
from investiture.chassis.refusal import InvalidArgument

DIGEST = "sha256:" + "ab" * 32


def document(link: str = "https://dms.example/report.pdf", title: str = "Report") -> Attachment:
    return Attachment(title, link, DIGEST)


@pytest.mark.parametrize(
    "link",
    [
        "https://dms.example/report.pdf",
        "HTTPS://DMS.example:8443/a?b=c#d",
        "https://[2001:db8::1]/x",
        "https://dms.example/größe.pdf",
    ],
)
def test_evidence_lies_at_an_https_address(link: str) -> None:
    notes.check_attachment(document(link))


@pytest.mark.parametrize(
    "link",
    [
        "http://dms.example/report.pdf",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//dms.example/x",
        "dms.example/x",
        "https:/dms.example/x",
        "https://",
        "https://:443/x",
        "https://ben:secret@dms.example/x",
        "https://ben@dms.example/x",
        "https://dms.example/a b",
        "https://dms.example/a\nb",
        " https://dms.example/x",
        "https://dms.example/\u202efdp.exe",
        "https://dms.example/\u200bx",
        "https://dms.example:x/",
        "https://dms.example:70000/",
        "https://[::1",
        "",
    ],
)
def test_any_other_link_is_refused_by_its_field(link: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        notes.check_attachment(document(link))
    assert [one.field for one in refusal.value.violations] == ["attachment.link"]


@pytest.mark.parametrize("title", ["", " ", "a\x00b", "\x1b[2J"])
def test_a_title_says_something_that_can_be_read(title: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        notes.check_attachment(document(title=title))
    assert [one.field for one in refusal.value.violations] == ["attachment.title"]


def test_text_may_have_lines_and_tabs() -> None:
    notes.check_text("text", "first\n\tsecond\r\nthird, größer than 5 €")


def a_note() -> Note:
    words = Words(NoteKind.EVIDENCE, "what it shows", document(), asked="people/a", answers=3)
    return notes.note_on(open_case(revision()), 4, "people/sam", words, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"case_name": "programs/other/pledges/1"},
        {"kind": NoteKind.COMMENT},
        {"author": "people/other"},
        {"at": NOW + timedelta(microseconds=1)},
        {"revision": 2},
        {"gate_digest": "sha256:other"},
        {"text": "other"},
        {"attachment": document("https://dms.example/other.pdf")},
        {"attachment": document(title="Other")},
        {"attachment": replace(document(), digest="sha256:" + "cd" * 32)},
        {"attachment": None},
        {"asked": "people/b"},
        {"answers": 2},
    ],
)
def test_the_digest_of_a_note_covers_all_that_it_says(changes: dict[str, object]) -> None:
    note = a_note()
    assert replace(note, **changes).digest != note.digest  # type: ignore[arg-type]  # by name
    covered = {"case_name", "kind", "author", "at", "revision", "gate_digest", "text"}
    covered |= {"attachment", "asked", "answers"}
    # What else it has follows from these, or says where it is kept.
    rest = {field.name for field in fields(Note)} - covered
    assert rest == {"program", "gate", "number", "guest"}


def test_whoever_had_a_part_in_a_case_speaks_on_it_for_ever() -> None:
    held = cases.with_holders(
        open_case(revision()), [Holder("people/vera", "endorser", NOW, "units/sales")]
    )
    decided = replace(
        standing(revision()), conditions=(Condition("c1", "tidy", "people/cora", Gate.LAUNCH),)
    )
    for case, person in (
        (held, "people/pia"),  # the proposer
        (held, "people/vera"),
        (held, "people/bea"),  # owns a benefit
        (decided, "people/sam"),  # decided
        (decided, "people/cora"),  # owns a condition
    ):
        assert notes.may_speak(case, person, frozenset()), person
    assert not notes.may_speak(decided, "people/vera", frozenset({"proposer", "reviewer"}))


@pytest.mark.parametrize("gate", list(Gate))
def test_overseers_speak_at_every_gate_and_proposers_of_other_programs_at_none(gate: Gate) -> None:
    case = open_case(revision(), gate)
    for role in ("governance", "auditor", "operator", "legal"):
        assert notes.may_speak(case, "people/new", frozenset({role}))
    for role in ("proposer", "agency", "worker", "service", "benefit-owner", "directory-admin"):
        assert not notes.may_speak(case, "people/new", frozenset({role}))
