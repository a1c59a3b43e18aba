"""The first tables, and the ledger's guard: entries are added, never changed or taken away."""

import sqlalchemy as sa
from alembic import op

from investiture.casework.migration_steps import cases_1
from investiture.chassis.migration_steps import chassis_1
from investiture.chassis.tables import Document, Instant

revision = "0001"
down_revision = None


def upgrade() -> None:
    chassis_1()
    cases_1()
    _ledger()
    _append_only()
    _fundings()


def _ledger() -> None:
    op.create_table(
        "envelope",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("fiscal_year", sa.Integer, nullable=False),
        sa.Column("cost_centre", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("appropriated", sa.BigInteger, nullable=False),
        sa.Column("available", sa.BigInteger, nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.Column("committed", sa.BigInteger, nullable=False),
        sa.Column("actual", sa.BigInteger, nullable=False),
        sa.Column("lapsed", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.CheckConstraint("available >= 0", name="envelope_available"),
        sa.CheckConstraint(
            "reserved >= 0 AND committed >= 0 AND actual >= 0 AND lapsed >= 0",
            name="envelope_held",
        ),
        sa.CheckConstraint(
            "appropriated = available + reserved + committed + actual + lapsed",
            name="envelope_conserved",
        ),
    )
    op.create_index("envelope_by_year", "envelope", ["fiscal_year", "name"])
    op.create_table(
        "ledger_entry",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("posted_at", Instant, nullable=False),
        sa.Column("envelope", sa.Text, sa.ForeignKey("envelope.name"), nullable=False),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("debit", sa.Text, nullable=False),
        sa.Column("credit", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.CheckConstraint("amount > 0", name="ledger_entry_amount"),
        sa.CheckConstraint("debit <> credit", name="ledger_entry_accounts"),
    )
    op.create_index("ledger_entry_by_envelope", "ledger_entry", ["envelope", "sequence"])
    op.create_index("ledger_entry_by_program", "ledger_entry", ["program", "sequence"])
    head = op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "sequence": 0}])


def _append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER ledger_entry_no_{verb.lower()} BEFORE {verb} ON ledger_entry"
                " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
        " ON ledger_entry EXECUTE FUNCTION ledger_is_append_only()"
    )


def _fundings() -> None:
    op.create_table(
        "funding",
        sa.Column("case_name", sa.Text, primary_key=True),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("levels", Document, nullable=False),
        sa.Column("contingency_bps", sa.Integer, nullable=False),
        sa.Column("business_people", Document, nullable=False),
        sa.Column("ceiling", sa.BigInteger),
    )
    op.create_table(
        "reservation",
        sa.Column("case_name", sa.Text, primary_key=True),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("envelope", sa.Text, sa.ForeignKey("envelope.name"), nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.Column("remaining", sa.BigInteger, nullable=False),
        sa.Column("committed", sa.BigInteger, nullable=False),
        sa.Column("actual", sa.BigInteger, nullable=False),
        sa.Column("released", sa.BigInteger, nullable=False),
        sa.Column("carried", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.CheckConstraint(
            "remaining >= 0 AND committed >= 0 AND actual >= 0 AND released >= 0 AND carried >= 0",
            name="reservation_parts",
        ),
        sa.CheckConstraint(
            "reserved = remaining + committed + actual + released + carried",
            name="reservation_conserved",
        ),
    )
    op.create_index(
        "reservation_held_once",
        "reservation",
        ["program"],
        unique=True,
        sqlite_where=sa.text("state = 'HELD'"),
        postgresql_where=sa.text("state = 'HELD'"),
    )
    op.create_table(
        "commitment",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("vendor", sa.Text, nullable=False),
        sa.Column("tranche", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("actual", sa.BigInteger, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.CheckConstraint("actual >= 0 AND actual <= amount", name="commitment_spent"),
        sa.UniqueConstraint("program", "number"),
    )
