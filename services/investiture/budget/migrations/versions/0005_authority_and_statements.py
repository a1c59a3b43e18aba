"""How a round was opened, what programs ask, and what every entry left in its accounts."""

import json
from collections import defaultdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Document, Instant

revision = "0005"
down_revision = "0004"

_ACCOUNTS = ("AVAILABLE", "RESERVED", "COMMITTED", "ACTUAL", "LAPSED")
_OF_PROGRAM = ("RESERVED", "COMMITTED", "ACTUAL")
_BATCH = 5_000


def upgrade() -> None:
    """Adds them, filled from what is there."""
    _rounds()
    _asked()
    _running_balances()
    op.create_table(
        "appropriation_import",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("imported_by", sa.Text, nullable=False),
        sa.Column("imported_at", Instant, nullable=False),
    )


def _rounds() -> None:
    for name in ("tier_from", "tier_to", "kept_ceiling"):
        op.add_column("funding", sa.Column(name, sa.BigInteger))
    for name in ("cost_centre", "approved_in", "reason"):
        op.add_column(
            "funding", sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))
        )
    op.add_column(
        "funding", sa.Column("counted", sa.Integer, nullable=False, server_default=sa.text("0"))
    )
    op.create_table(
        "funding_other",
        sa.Column("case_name", sa.Text, primary_key=True),
        sa.Column("program", sa.Text, primary_key=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("asked_at", Instant, nullable=False),
    )


def _asked() -> None:
    asked = op.create_table(
        "asked",
        sa.Column("program", sa.Text, primary_key=True),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("cost_centre", sa.Text, nullable=False),
        sa.Column("vendors", Document, nullable=False),
        sa.Column("asked_at", Instant, nullable=False),
    )
    op.create_index("asked_by_cost_centre", "asked", ["cost_centre", "asked_at"])
    connection = op.get_bind()
    envelopes = connection.execute(sa.text("SELECT name, cost_centre FROM envelope"))
    centres: dict[str, str] = {row.name: row.cost_centre for row in envelopes}
    newest: dict[str, dict[str, Any]] = {}
    cases = sa.text("SELECT document FROM gate_case ORDER BY program, round")
    for (document,) in connection.execute(cases):
        case = json.loads(document) if isinstance(document, str) else document
        facts = case["facts"]
        if case["state"] in ("DECLINED", "RELEASED"):
            newest.pop(case["program"], None)
            continue
        newest[case["program"]] = {
            "program": case["program"],
            "category": facts["category"],
            "currency": facts["currency"],
            "amount": facts["amount_minor"],
            "cost_centre": centres.get(facts["envelope"], facts["owning_unit"]),
            "vendors": facts["vendors"],
            "asked_at": datetime.fromisoformat(case["opened_at"]),
        }
    if newest:
        op.bulk_insert(asked, list(newest.values()))
    for row in newest.values():
        connection.execute(
            sa.text("UPDATE funding SET cost_centre = :cost_centre WHERE program = :program"),
            {"cost_centre": row["cost_centre"], "program": row["program"]},
        )


def _running_balances() -> None:
    op.add_column("ledger_head", sa.Column("posted_at", Instant))
    for account in _ACCOUNTS:
        op.add_column("ledger_entry", _balance(f"after_{account.lower()}"))
    for account in _OF_PROGRAM:
        op.add_column("ledger_entry", _balance(f"program_{account.lower()}"))
    op.create_index("ledger_entry_by_time", "ledger_entry", ["posted_at", "sequence"])
    op.create_index(
        "ledger_entry_by_program_envelope", "ledger_entry", ["program", "envelope", "sequence"]
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    trigger = "ledger_entry_no_update" if sqlite else "ledger_entry_append_only ON ledger_entry"
    op.execute(f"DROP TRIGGER {trigger}")
    _fill()
    if sqlite:
        op.execute(
            "CREATE TRIGGER ledger_entry_no_update BEFORE UPDATE ON ledger_entry"
            " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        )
    else:
        op.execute(
            "CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
            " ON ledger_entry EXECUTE FUNCTION ledger_is_append_only()"
        )


def _balance(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def _fill() -> None:
    """Adds up what is there, page by page in posting order."""
    connection = op.get_bind()
    read = sa.text(
        "SELECT sequence, envelope, program, debit, credit, amount FROM ledger_entry"
        " WHERE sequence > :after ORDER BY sequence LIMIT :batch"
    )
    names = [
        *(f"after_{account.lower()}" for account in _ACCOUNTS),
        *(f"program_{account.lower()}" for account in _OF_PROGRAM),
    ]
    write = sa.text(
        f"UPDATE ledger_entry SET {', '.join(f'{name} = :{name}' for name in names)}"  # noqa: S608 - our own column names
        " WHERE sequence = :sequence"
    )
    whole: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    part: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    after = 0
    while rows := connection.execute(read, {"after": after, "batch": _BATCH}).all():
        filled: list[dict[str, int]] = []
        for row in rows:
            held, own = whole[row.envelope], part[row.program, row.envelope]
            for accounts in (held, own):
                accounts[row.debit] -= row.amount
                accounts[row.credit] += row.amount
            filled.append(
                {
                    "sequence": row.sequence,
                    **{f"after_{one.lower()}": held[one] for one in _ACCOUNTS},
                    **{
                        f"program_{one.lower()}": own[one] if row.program else 0
                        for one in _OF_PROGRAM
                    },
                }
            )
        connection.execute(write, filled)
        after = rows[-1].sequence
    connection.execute(
        sa.text("UPDATE ledger_head SET posted_at = (SELECT max(posted_at) FROM ledger_entry)")
    )
