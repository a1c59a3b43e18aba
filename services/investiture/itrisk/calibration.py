"""What reviewers said would happen, against what did: a forecast each, and its score.

The Brier score is the mean of (stated − happened)² (Brier, Monthly Weather Review 78, 1950).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from investiture.casework.amounts import exponent
from investiture.casework.case import Case
from investiture.casework.facts import Authority
from investiture.chassis.refusal import InvalidArgument
from investiture.chassis.tables import Instant
from investiture.chassis.transaction import Transaction
from investiture.itrisk.assessing import Judged
from investiture.itrisk.store import METADATA

FEWEST_PEOPLE = 3
"""Of fewer a figure of all would show somebody's own."""

FORECAST = sa.Table(
    "risk_forecast",
    METADATA,
    sa.Column("case_name", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("program", sa.Text, nullable=False),
    sa.Column("loss_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("stated", sa.Float, nullable=False),
    sa.Column("stated_at", Instant, nullable=False),
    sa.Column("happened", sa.Boolean),
    sa.Column("settled_at", Instant),
    sa.Index("risk_forecast_by_program", "program"),
    sa.Index("risk_forecast_by_person", "person"),
)
_F = FORECAST.c


@dataclass(frozen=True, slots=True)
class Forecast:
    """A stated probability of losing more than `loss_minor` in a year, 0 to 1."""

    case_name: str
    person: str
    program: str
    loss_minor: int
    currency: str
    stated: float
    stated_at: datetime
    happened: bool | None = None
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """How well some forecasts held; all 0 where none is settled."""

    settled: int
    brier: float
    stated: float
    happened: float


def score(forecasts: Sequence[Forecast]) -> Score:
    """The score of the settled ones among them."""
    known = [(one.stated, float(one.happened)) for one in forecasts if one.happened is not None]
    if not known:
        return Score(0, 0.0, 0.0, 0.0)
    count = len(known)
    return Score(
        settled=count,
        brier=sum((stated - happened) ** 2 for stated, happened in known) / count,
        stated=sum(stated for stated, _ in known) / count,
        happened=sum(happened for _, happened in known) / count,
    )


def score_of_all(forecasts: Sequence[Forecast]) -> Score | None:
    """The score of everybody together; None where it would show somebody's own."""
    people = {one.person for one in forecasts if one.happened is not None}
    return score(forecasts) if len(people) >= FEWEST_PEOPLE else None


def forecast_of(
    case: Case, authority: Authority, judged: Judged | None, stated: float, now: datetime
) -> Forecast:
    """What a reviewer says of the binding point of the appetite; INVALID_FIELD without numbers."""
    if judged is None or not judged.answer["slack"]:
        raise InvalidArgument.of(
            "stated_probability", "leave it out: the program's risk is not known in numbers"
        )
    tipping = judged.answer["tipping"]
    binding = (tipping and tipping["binding_loss"]) or judged.answer["slack"][0]["loss"]
    scale: int = 10 ** exponent(judged.subject.currency)
    return Forecast(
        case_name=case.name,
        person=authority.person,
        program=case.program,
        loss_minor=round(binding * scale),
        currency=judged.subject.currency,
        stated=stated,
        stated_at=now,
    )


class ForecastStore:
    """Loads and saves forecasts inside a transaction."""

    def insert(self, tx: Transaction, forecast: Forecast) -> None:
        """Stores a forecast: a person has one voice in a case."""
        row = {column.name: getattr(forecast, column.name) for column in _F}
        tx.connection.execute(FORECAST.insert(), row)

    def open(self, tx: Transaction, program: str) -> list[Forecast]:
        """Those about a program that nothing has settled."""
        query = sa.select(FORECAST).where(_F.program == program, _F.happened.is_(None))
        return [Forecast(**row) for row in tx.connection.execute(query).mappings()]

    def settle(self, tx: Transaction, forecast: Forecast, *, happened: bool) -> None:
        """Stores what happened."""
        place = sa.and_(_F.case_name == forecast.case_name, _F.person == forecast.person)
        values = {"happened": happened, "settled_at": tx.now}
        tx.connection.execute(FORECAST.update().where(place).values(values))

    def settled(self, tx: Transaction) -> list[Forecast]:
        """All that are settled."""
        query = sa.select(FORECAST).where(_F.happened.is_not(None))
        return [Forecast(**row) for row in tx.connection.execute(query).mappings()]
