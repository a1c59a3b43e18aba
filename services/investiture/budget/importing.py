"""Importing the committee's appropriations: load → decide → save, every line or none."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from investiture.budget import appropriations
from investiture.budget.appropriation_store import AppropriationStore, Imported
from investiture.budget.appropriations import Appropriation, File, LineError
from investiture.budget.domain import Envelope
from investiture.budget.ledger import Account, Kind, Posting
from investiture.casework.amounts import Amount
from investiture.chassis.refusal import AlreadyExists, FieldViolation, InvalidArgument
from investiture.chassis.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import did, or what stands against it."""

    digest: str
    lines: int
    issued: int
    supplemented: int
    totals: tuple[Amount, ...]
    errors: tuple[LineError, ...] = ()


class ImportOperations:
    """Imports a file of appropriations in one transaction."""

    def __init__(self, store: AppropriationStore) -> None:
        self._store = store

    def check(self, tx: Transaction, file: File, digest: str, gone: Mapping[str, str]) -> Outcome:
        """What an import of the file would do, with everything that is wrong; changes nothing.

        RESOURCE_EXISTS where the very file was imported before.
        """
        self._refuse_again(tx, digest)
        closed = self._closed_years(tx, file)
        return self._outcome(file, digest, gone, self._known(tx, file), closed)

    def run(self, tx: Transaction, file: File, digest: str, gone: Mapping[str, str]) -> Outcome:
        """Imports every line; INVALID_FIELD with the lines that are wrong, and nothing stored."""
        self._refuse_again(tx, digest)
        closed = self._closed_years(tx, file)
        known = self._known(tx, file)
        outcome = self._outcome(file, digest, gone, known, closed)
        if outcome.errors:
            raise _refusal(outcome.errors)
        new = {line.envelope: line.issued() for line in file.lines if line.envelope not in known}
        postings = [_posting(line, digest) for line in file.lines]
        self._store.appropriate(tx, postings, known, new)
        actor = tx.call.principal.subject
        self._store.keep(tx, Imported(digest, len(file.lines), actor, tx.now))
        # One leaf for all lines: the digest of the file fixes every one of them.
        tx.record(
            "appropriations.imported",
            f"appropriationImports/{digest.removeprefix('sha256:')}",
            1,
            {
                "lines": len(file.lines),
                "issued": len(new),
                "supplemented": len(known),
                "totals_minor": {one.currency: str(one.minor) for one in outcome.totals},
            },
        )
        return outcome

    def _closed_years(self, tx: Transaction, file: File) -> frozenset[int]:
        years = {line.fiscal_year for line in file.lines if line.fiscal_year}
        return self._store.closed_years(tx, years)

    def _known(self, tx: Transaction, file: File) -> Mapping[str, Envelope]:
        return self._store.known(tx, [line.envelope for line in file.lines])

    def _outcome(
        self,
        file: File,
        digest: str,
        gone: Mapping[str, str],
        known: Mapping[str, Envelope],
        closed: frozenset[int],
    ) -> Outcome:
        errors = (
            *file.errors,
            *appropriations.against(file.lines, known.get, closed),
            *appropriations.owners(file.lines, gone),
        )
        totals: dict[str, int] = defaultdict(int)
        for line in file.lines:
            totals[line.currency] += line.amount_minor
        more = sum(line.envelope in known for line in file.lines)
        return Outcome(
            digest=digest,
            lines=len(file.lines),
            issued=len(file.lines) - more,
            supplemented=more,
            totals=tuple(Amount(minor, code) for code, minor in sorted(totals.items())),
            errors=tuple(sorted(errors, key=lambda one: one.line)),
        )

    def _refuse_again(self, tx: Transaction, digest: str) -> None:
        before = self._store.imported(tx, digest)
        if before is not None:
            raise AlreadyExists(
                f"this very file was imported by {before.imported_by} at "
                f"{before.imported_at:%Y-%m-%d %H:%M} UTC; nothing is appropriated twice by "
                "mistake: for a supplement write a file of its own",
                reason="RESOURCE_EXISTS",
                resource=f"appropriationImports/{digest.removeprefix('sha256:')}",
            )


def _posting(line: Appropriation, digest: str) -> Posting:
    return Posting(
        envelope=line.envelope,
        kind=Kind.APPROPRIATE,
        debit=Account.APPROPRIATION,
        credit=Account.AVAILABLE,
        amount_minor=line.amount_minor,
        reference=f"appropriationImports/{digest.removeprefix('sha256:')[:16]}#{line.line}",
    )


def _refusal(errors: tuple[LineError, ...]) -> InvalidArgument:
    """All that fits the answer's trailers; a rehearsal answers more of them."""
    lines = len({error.line for error in errors})
    return InvalidArgument(
        f"nothing was imported: {len(errors)} errors on {lines} lines; the first: "
        f"{_sentence(errors[0])}. With validate_only the answer has up to 1,000 of them",
        violations=[
            FieldViolation(
                f"line {error.line}, {error.column}" if error.column else f"line {error.line}",
                f"{error.problem}; {error.remedy}",
            )
            for error in errors
        ],
    )


def _sentence(error: LineError) -> str:
    column = f", {error.column}" if error.column else ""
    return f"line {error.line}{column}: {error.problem}; {error.remedy}"
