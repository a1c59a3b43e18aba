"""The ledger's commands: what is no command is what to show; instants as people type them."""

import io
from datetime import UTC, datetime, timedelta

import pytest
import typer
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from rich.console import Console
from typer.testing import CliRunner

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.cli.books import instant_of
from investiture.cli.ledgers import statement_view
from investiture.cli.main import app


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ledger", "--help"], "import"),
        (["ledger", "show", "--help"], "PROGRAM"),
        (["ledger", "--at", "yesterday", "--envelope", "one"], "yesterday is no instant"),
        (["ledger", "some-program", "--at", "yesterday"], "yesterday is no instant"),
        (["ledger", "--at", "2026-12-31"], "a statement is of one envelope or one program"),
        (["ledger", "import", "no-such-file.csv"], "cannot be read"),
        (["ledger", "owner", "one"], "PERSON"),
    ],
)
def test_the_ledger_has_commands_and_shows_by_itself(arguments: list[str], said: str) -> None:
    addresses = ["--budget", "127.0.0.1:1", "--token-file", __file__]
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, [*arguments, *addresses])
    assert said in result.output


def test_a_day_means_its_end_and_never_the_future() -> None:
    day = instant_of("2026-03-01", "--at").ToDatetime(tzinfo=UTC).astimezone()
    assert (day.date().isoformat(), day.hour, day.minute) == ("2026-03-01", 23, 59)
    today = datetime.now(UTC).astimezone().date().isoformat()
    assert instant_of(today, "--at").ToDatetime(tzinfo=UTC) <= datetime.now(UTC)


def test_an_instant_has_its_zone() -> None:
    at = instant_of("2026-12-31T17:00+02:00", "--at").ToDatetime(tzinfo=UTC)
    assert at == datetime(2026, 12, 31, 15, tzinfo=UTC)
    with pytest.raises(typer.BadParameter):
        instant_of("soon", "--at")


def test_a_statement_shows_what_each_movement_left() -> None:
    def eur(units: int) -> Money:
        return Money(currency_code="EUR", units=units)

    at = Timestamp()
    at.FromDatetime(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=1))
    empty = {name: eur(0) for name in ("committed", "actual", "lapsed")}
    held = pb.Balances(appropriated=eur(9), available=eur(5), reserved=eur(4), **empty)
    statement = pb.Statement(
        name="envelopes/one",
        at=at,
        opening=[pb.StatementBalance(envelope="envelopes/one")],
        lines=[
            pb.StatementLine(
                entry=pb.LedgerEntry(
                    sequence=7,
                    posted_at=at,
                    debit=pb.ACCOUNT_AVAILABLE,
                    credit=pb.ACCOUNT_RESERVED,
                    amount=eur(4),
                    kind="reserve",
                ),
                balances=held,
            )
        ],
        closing=[pb.StatementBalance(envelope="envelopes/one", balances=held)],
    )
    written = io.StringIO()
    Console(file=written, width=120, highlight=False).print(statement_view(statement))
    text = written.getvalue()
    assert "reserve: available → reserved" in text
    assert "5.00 EUR" in text
    assert "lapsed" in text
