"""What people said of scenarios, in SQL: every time they said it; what they said last counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from investiture.chassis.tables import Document, Instant
from investiture.chassis.transaction import Transaction
from investiture.itrisk.store import METADATA

ESTIMATE = sa.Table(
    "risk_estimate",
    METADATA,
    sa.Column("program", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("scenario", sa.Text, primary_key=True),
    sa.Column("part", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("times", sa.Integer, primary_key=True),
    sa.Column("estimate", Document, nullable=False),
    sa.Column("basis", sa.Text, nullable=False),
    sa.Column("said_at", Instant, nullable=False),
)

_E = ESTIMATE.c
_SAID = (
    sa.select(ESTIMATE)
    .where(_E.program == sa.bindparam("known"), _E.version == sa.bindparam("number"))
    .order_by(_E.scenario, _E.part, _E.person, _E.times)
)


@dataclass(frozen=True, slots=True)
class Said:
    """A person's numbers for one part of a scenario of one version of a profile.

    `times` counts how often the person has said them; `estimate` is as a scenario file holds one.
    """

    program: str
    version: int
    scenario: str
    part: str
    person: str
    times: int
    estimate: Mapping[str, Any]
    basis: str
    said_at: datetime


class EstimateStore:
    """Loads and saves them inside a transaction."""

    def said(self, tx: Transaction, program: str, version: int) -> list[Said]:
        """What each person said last of a version, by scenario, part and person."""
        rows = tx.connection.execute(_SAID, {"known": program, "number": version}).mappings()
        last: dict[tuple[str, str, str], Said] = {}
        for row in rows:
            said = Said(**row)
            last[said.scenario, said.part, said.person] = said
        return list(last.values())

    def insert(self, tx: Transaction, said: Said) -> None:
        """Keeps what was said; the same time of the same person at most once."""
        tx.connection.execute(
            ESTIMATE.insert(), {column.name: getattr(said, column.name) for column in _E}
        )
