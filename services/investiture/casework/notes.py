"""Notes on a case: comments, evidence, questions to a person and their answers.

A note is never changed and never removed. It moves nothing: the case, its dates, its holders and
its etag stay as they are, so that what people say to each other never gets in a decider's way.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from urllib.parse import urlsplit

from investiture.casework.case import GOVERNANCE, Case
from investiture.casework.facts import Authority
from investiture.casework.words import Gate
from investiture.chassis.audit import canonical_json, rfc3339
from investiture.chassis.refusal import Denied, InvalidArgument, Leg, PreconditionFailed

NOTES = "/notes/"
_LAID_OUT = frozenset("\n\r\t")
_EVERY_GATE = frozenset({"governance", "auditor", "operator", "legal"})
_ROLES: Mapping[Gate, frozenset[str]] = {
    Gate.PLEDGE: frozenset({"sponsor", "endorser"}),
    Gate.FUND: frozenset({"finance", "budget-committee", "sponsor"}),
    Gate.KNIGHT: frozenset({"reviewer", "on-call", "sponsor"}),
    Gate.PILOT: frozenset({"reviewer", "on-call", "sponsor"}),
    Gate.LAUNCH: frozenset({"reviewer", "on-call", "finance", "sponsor"}),
    Gate.PROVE: frozenset({"finance", "sponsor"}),
}
"""Roles that speak on every case of a gate, whoever is involved in it."""


class NoteKind(StrEnum):
    """What a note is; values equal the API's names without their prefix."""

    COMMENT = "COMMENT"
    EVIDENCE = "EVIDENCE"
    QUESTION = "QUESTION"
    ANSWER = "ANSWER"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document that lies elsewhere; `digest` is the SHA-256 of its bytes, `sha256:…`."""

    title: str
    link: str
    digest: str


@dataclass(frozen=True, slots=True)
class Note:
    """A note on a case: who said what, when, on which state of the program.

    `number` counts the notes of the case from 1. `asked` is the person of a question, who is a
    `guest` or not; `answers` is the number of the question that an answer is to.
    """

    case_name: str
    program: str
    gate: Gate
    number: int
    kind: NoteKind
    author: str
    at: datetime
    revision: int
    gate_digest: str
    text: str = ""
    attachment: Attachment | None = None
    asked: str = ""
    guest: bool = False
    answers: int = 0

    @property
    def name(self) -> str:
        """The note's resource name."""
        return f"{self.case_name}{NOTES}{self.number}"

    @property
    def digest(self) -> str:
        """SHA-256 over what the note says, as RFC 8785 JSON: `sha256:…`.

        The audit trail keeps it in place of the words.
        """
        document = self.attachment
        said = {
            "case_name": self.case_name,
            "kind": self.kind.value,
            "author": self.author,
            "create_time": rfc3339(self.at),
            "revision": self.revision,
            "gate_digest": self.gate_digest,
            "text": self.text,
            "title": document.title if document else "",
            "link": document.link if document else "",
            "digest": document.digest if document else "",
            "asked": self.asked,
            "answers": f"{self.case_name}{NOTES}{self.answers}" if self.answers else "",
        }
        return "sha256:" + sha256(canonical_json(said).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Consultation:
    """A question, and its answer once there is one."""

    question: Note
    answer: Note | None


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody wants to say."""

    kind: NoteKind
    text: str = ""
    attachment: Attachment | None = None
    asked: str = ""
    guest: bool = False
    answers: int = field(default=0, kw_only=True)


def note_on(case: Case, number: int, author: str, words: Words, now: datetime) -> Note:
    """The next note on a case, bound to what its author saw."""
    return Note(
        case_name=case.name,
        program=case.program,
        gate=case.gate,
        number=number,
        kind=words.kind,
        author=author,
        at=now,
        revision=case.facts.number,
        gate_digest=case.gate_digest,
        text=words.text,
        attachment=words.attachment,
        asked=words.asked,
        guest=words.guest,
        answers=words.answers,
    )


def involved(case: Case) -> frozenset[str]:
    """Everybody who has or had a part in the case: in the program, in deciding, in an appeal."""
    facts = case.facts
    held = (holder.person for holder in case.holders)
    waited = (name for step in case.escalations for name in (*step.holders, *step.added))
    owners = (condition.owner for condition in case.conditions)
    extended = (extension.person for extension in case.extensions)
    return frozenset(
        (
            *facts.business_people,
            *facts.benefit_owners,
            *held,
            *waited,
            *owners,
            *extended,
            *case.people,
            *((case.appeal.person, case.appeal.decided_by) if case.appeal else ()),
        )
    )


def may_speak(case: Case, person: str, roles: frozenset[str]) -> bool:
    """Whether a person is involved in the case or has a role for its gate."""
    return person in involved(case) or not roles.isdisjoint(_EVERY_GATE | _ROLES[case.gate])


def stranger(case: Case, person: str) -> Denied:
    """The refusal of who has no part in the case."""
    return Denied(
        "NOT_A_HOLDER",
        f"{person} has no part in {case.name} and no role for its gate; a holder or the proposer "
        "can consult them, and guests answer what they are asked",
    )


def require_asker(case: Case, person: str) -> None:
    """Refuses with NOT_A_HOLDER who is neither a holder, governance included, nor the proposer."""
    if person == case.facts.proposer or case.held_by(person) is not None:
        return
    who = ", ".join(h.person for h in case.holders if h.role != GOVERNANCE) or "nobody yet"
    raise Denied(
        "NOT_A_HOLDER",
        f"{person} does not hold {case.name}; who holds it ({who}) and {case.facts.proposer}, who "
        "proposed the program, may consult others",
    )


def question(asker: str, authority: Authority, text: str) -> Words:
    """A question to a person as the directory knows them; guests may be asked like everybody."""
    if authority.person == asker:
        raise InvalidArgument.of("person", "you cannot consult yourself; add a comment instead")
    if not authority.active:
        raise InvalidArgument.of(
            "person", f"{authority.person} no longer works here; ask somebody who does"
        )
    check_text("question", text)
    return Words(NoteKind.QUESTION, text, asked=authority.person, guest=authority.guest)


def answer(asked: Consultation, person: str, text: str, attachment: Attachment | None) -> Words:
    """The answer of the person who was asked; a second one is refused with WRONG_STATE."""
    if asked.question.asked != person:
        raise Denied(
            "NOT_A_HOLDER",
            f"{asked.question.name} was asked of {asked.question.asked}, who alone answers it",
        )
    if asked.answer is not None:
        said = f"it was answered at {asked.answer.at:%Y-%m-%d %H:%M} UTC"
        raise PreconditionFailed(
            "WRONG_STATE",
            f"{asked.question.name} is answered already: {said}",
            legs=(
                Leg(
                    type="ANSWERED",
                    subject=asked.question.name,
                    description=said,
                    remedy="what was answered stays; whoever asked can ask again",
                ),
            ),
        )
    check_text("answer", text)
    check_attachment(attachment)
    return Words(NoteKind.ANSWER, text, attachment, answers=asked.question.number)


def check_text(name: str, text: str) -> None:
    """Refuses with INVALID_FIELD text of nothing but blanks, or with control characters in it."""
    if not text.strip():
        raise InvalidArgument.of(name, "says nothing; write a sentence")
    if any(unicodedata.category(one) == "Cc" and one not in _LAID_OUT for one in text):
        raise InvalidArgument.of(name, "has control characters; only line breaks and tabs may be")


def check_attachment(attachment: Attachment | None) -> None:
    """Refuses with INVALID_FIELD an attachment without a title, or whose link is none."""
    if attachment is None:
        return
    check_text("attachment.title", attachment.title)
    check_link("attachment.link", attachment.link)


def check_link(name: str, link: str) -> None:
    """Refuses with INVALID_FIELD a link that is no plain https address.

    A link is shown to people of other departments years later: other schemes run something, or
    open what the next reader does not have; a password in it would be kept for ever.
    """
    why = _unfit(link)
    if why:
        raise InvalidArgument.of(
            name, f"{why}; write an https address, for instance https://dms/report.pdf"
        )


def _unfit(link: str) -> str:
    if any(one.isspace() or unicodedata.category(one).startswith("C") for one in link):
        return "has blanks or invisible characters in it"
    try:
        parts = urlsplit(link)
        port = parts.port
    except ValueError:
        return "is no address"
    if parts.scheme.lower() != "https":
        return "is not an https link"
    if not parts.hostname or port == 0:
        return "names no host"
    if parts.username is not None or parts.password is not None:
        return "has a user or a password in it"
    return ""
