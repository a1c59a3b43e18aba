"""What people say about a case, each load → decide → save inside one transaction.

Nothing here saves a case: no version, no etag and no ring of a path changes with a note.
"""

from collections.abc import Sequence

from investiture.casework import case as cases
from investiture.casework import notes
from investiture.casework.case import Case
from investiture.casework.facts import Authority
from investiture.casework.note_store import NoteStore, Position
from investiture.casework.notes import Attachment, Consultation, Note, NoteKind, Words
from investiture.casework.operations import CaseOperations
from investiture.casework.words import CaseState
from investiture.chassis.refusal import Denied
from investiture.chassis.transaction import Transaction

_EVENTS = {
    NoteKind.COMMENT: "commented",
    NoteKind.EVIDENCE: "evidence_attached",
    NoteKind.QUESTION: "consulted",
    NoteKind.ANSWER: "consult_answered",
}


class Conversations:
    """Comments, evidence and questions on the cases of a service's gates."""

    def __init__(self, operations: CaseOperations, store: NoteStore) -> None:
        self._operations = operations
        self._store = store

    def comment(self, tx: Transaction, name: str, etag: str, text: str) -> Note:
        """Adds a comment, whatever the case's state."""
        notes.check_text("text", text)
        return self._say(tx, self._spoken(tx, name, etag), Words(NoteKind.COMMENT, text))

    def attach(
        self, tx: Transaction, name: str, etag: str, attachment: Attachment, text: str
    ) -> Note:
        """Attaches evidence, whatever the case's state."""
        notes.check_attachment(attachment)
        if text:
            notes.check_text("text", text)
        words = Words(NoteKind.EVIDENCE, text, attachment)
        return self._say(tx, self._spoken(tx, name, etag), words)

    def consult(
        self, tx: Transaction, name: str, etag: str, authority: Authority, text: str
    ) -> Consultation:
        """Asks a person, as the directory knows them, about a case that waits."""
        actor = _person(tx)
        words = notes.question(actor, authority, text)
        case = self._operations.find(tx, name, etag or None)
        notes.require_asker(case, actor)
        cases.require_state(case, CaseState.OPEN, CaseState.CHANGES_REQUESTED)
        return Consultation(self._say(tx, case, words), None)

    def answer(
        self, tx: Transaction, name: str, text: str, attachment: Attachment | None
    ) -> Consultation:
        """Answers a question in the asked person's own name, whatever became of the case."""
        case_name, _, number = name.rpartition(notes.NOTES)
        asked = self._store.consultation(tx, case_name, int(number))
        words = notes.answer(asked, _person(tx), text, attachment)
        said = self._say(tx, self._operations.find(tx, case_name), words)
        return Consultation(asked.question, said)

    def page(
        self, tx: Transaction, name: str, kind: NoteKind | None, after: int, limit: int
    ) -> Sequence[Note]:
        """Notes of a case, by number."""
        return self._store.page(tx, self._spoken(tx, name, "").name, kind, after, limit)

    def asked(
        self, tx: Transaction, person: str, after: Position | None, limit: int, *, answered: bool
    ) -> Sequence[Consultation]:
        """Questions to a person, the oldest first."""
        return self._store.asked(tx, person, after, limit, answered=answered)

    def _spoken(self, tx: Transaction, name: str, etag: str) -> Case:
        """The case, for who may speak on it."""
        actor = _person(tx)
        case = self._operations.find(tx, name, etag or None)
        if not notes.may_speak(case, actor, tx.call.principal.roles) and not (
            self._store.is_consulted(tx, case.name, actor)
        ):
            raise notes.stranger(case, actor)
        return case

    def _say(self, tx: Transaction, case: Case, words: Words) -> Note:
        number = self._store.next_number(tx, case.name)
        note = notes.note_on(case, number, _person(tx), words, tx.now)
        self._store.add(tx, note)
        document = note.attachment
        payload = {
            "case": note.case_name,
            "revision": note.revision,
            "gate_digest": note.gate_digest,
            "digest": note.digest,
            "asked": note.asked,
            "answers": note.answers,
            "evidence": document.digest if document else "",
        }
        kind = f"{case.gate.value.lower()}.{_EVENTS[words.kind]}"
        tx.record(kind, note.name, 1, payload, program=case.program)
        return note


def _person(tx: Transaction) -> str:
    principal = tx.call.principal
    if not principal.is_person:
        raise Denied("NOT_A_HOLDER", f"{principal.subject} is no person; only persons speak here")
    return principal.subject
