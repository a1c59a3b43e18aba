"""Reviews in SQL: the shared tables of cases, and what a review keeps beside its case."""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from investiture.casework.case import Case
from investiture.casework.charter_store import charter_table
from investiture.casework.store import case_tables
from investiture.chassis.prepared import Query
from investiture.chassis.tables import Document, chassis_tables
from investiture.chassis.transaction import Transaction

METADATA = sa.MetaData()
chassis_tables(METADATA)
CASES = case_tables(METADATA)
charter_table(METADATA)

REVIEW = sa.Table(
    "review",
    METADATA,
    sa.Column("case_name", sa.Text, primary_key=True),
    sa.Column("program", sa.Text, nullable=False),
    sa.Column("depth", sa.Text, nullable=False),
    sa.Column("business_people", Document, nullable=False),
    sa.Column("money_people", Document, nullable=False),
    sa.Column("changes_requested", sa.Boolean, nullable=False),
    sa.Column("sponsors", Document, nullable=False, server_default=sa.text("'[]'")),
    sa.Column("spoke", Document, nullable=False, server_default=sa.text("'[]'")),
    sa.Index("review_by_program", "program"),
)

_INSERT = REVIEW.insert()
_READ = Query(
    sa.select(
        REVIEW.c.depth, REVIEW.c.business_people, REVIEW.c.money_people, REVIEW.c.sponsors
    ).where(REVIEW.c.case_name == sa.bindparam("name"))
)
_ROUNDS = Query(
    sa.select(sa.func.count())
    .select_from(REVIEW)
    .where(REVIEW.c.program == sa.bindparam("program"), REVIEW.c.changes_requested)
)
_MARK = (
    REVIEW.update().where(REVIEW.c.case_name == sa.bindparam("name")).values(changes_requested=True)
)
_HEAR = (
    REVIEW.update()
    .where(REVIEW.c.case_name == sa.bindparam("name"))
    .values(
        business_people=sa.bindparam("business"),
        money_people=sa.bindparam("money"),
        sponsors=sa.bindparam("by"),
    )
)
_SPOKE = sa.select(REVIEW.c.case_name, REVIEW.c.spoke).where(
    REVIEW.c.program == sa.bindparam("program")
)
_SPEAK = (
    REVIEW.update()
    .where(REVIEW.c.case_name == sa.bindparam("name"))
    .values(spoke=sa.bindparam("people"))
)


@dataclass(frozen=True, slots=True)
class Review:
    """What a review keeps beside its case: its depth, and who stands on the other two sides.

    `sponsors` are those of the business side who pledged.
    """

    depth: str
    business_people: tuple[str, ...]
    money_people: tuple[str, ...]
    sponsors: tuple[str, ...]


class ReviewStore:
    """Loads and saves reviews inside a transaction."""

    def insert(self, tx: Transaction, case_name: str, program: str, review: Review) -> None:
        """Stores a new review."""
        tx.connection.execute(
            _INSERT,
            {
                "case_name": case_name,
                "program": program,
                "depth": review.depth,
                "business_people": list(review.business_people),
                "money_people": list(review.money_people),
                "changes_requested": False,
                "sponsors": list(review.sponsors),
                "spoke": [],
            },
        )

    def load(self, tx: Transaction, case_name: str) -> Review:
        """The review of a case that exists."""
        ((depth, business, money, by),) = _READ.rows(tx.connection, {"name": case_name})
        return Review(depth, tuple(business), tuple(money), tuple(by))

    def hear_of(self, tx: Transaction, case_name: str, review: Review) -> None:
        """Stores who stands on the other two sides by now."""
        tx.connection.execute(
            _HEAR,
            {
                "name": case_name,
                "business": list(review.business_people),
                "money": list(review.money_people),
                "by": list(review.sponsors),
            },
        )

    def speak(self, tx: Transaction, case: Case, people: Iterable[str]) -> None:
        """Keeps who said something for IT in this round, whatever it was."""
        before = dict(self._voices(tx, case.program))[case.name]
        now = sorted({*before, *people})
        tx.connection.execute(_SPEAK, {"name": case.name, "people": now})

    def spoke(self, tx: Transaction, program: str) -> frozenset[str]:
        """Who has said something for IT in any round of a program."""
        return frozenset(one for _, people in self._voices(tx, program) for one in people)

    def _voices(self, tx: Transaction, program: str) -> list[tuple[str, list[str]]]:
        rows = tx.connection.execute(_SPOKE, {"program": program})
        return [(name, people) for name, people in rows]

    def mark_changes_requested(self, tx: Transaction, case_name: str) -> None:
        """Counts this round among those in which changes were requested."""
        tx.connection.execute(_MARK, {"name": case_name})

    def rounds_of_changes(self, tx: Transaction, program: str) -> int:
        """In how many rounds of a program changes were requested."""
        count: int = _ROUNDS.value(tx.connection, {"program": program})
        return count
