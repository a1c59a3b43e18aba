"""Transfers between envelopes, the close of a fiscal year, and what a correction refers to."""

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Document, Instant

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _what_a_close_leaves()
    _what_an_entry_refers_to()
    _transfers()
    _years()


def _what_a_close_leaves() -> None:
    op.add_column(
        "envelope", sa.Column("closed", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column(
        "envelope", sa.Column("successor", sa.Text, nullable=False, server_default=sa.text("''"))
    )
    op.add_column(
        "commitment", sa.Column("lapsed", sa.BigInteger, nullable=False, server_default="0")
    )
    for name in ("lapsed_in", "rolls_forward", "spent_on"):
        op.add_column(
            "commitment", sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))
        )


def _what_an_entry_refers_to() -> None:
    op.add_column(
        "ledger_entry",
        sa.Column("commitment", sa.Text, nullable=False, server_default=sa.text("''")),
    )
    op.add_column("ledger_entry", sa.Column("corrects", sa.BigInteger))
    op.create_index(
        "ledger_entry_by_corrected",
        "ledger_entry",
        ["corrects"],
        sqlite_where=sa.text("corrects IS NOT NULL"),
        postgresql_where=sa.text("corrects IS NOT NULL"),
    )


def _transfers() -> None:
    op.create_table(
        "transfer",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("giver", sa.Text, sa.ForeignKey("envelope.name"), nullable=False),
        sa.Column("taker", sa.Text, sa.ForeignKey("envelope.name"), nullable=False),
        sa.Column("given", sa.BigInteger, nullable=False),
        sa.Column("given_currency", sa.Text, nullable=False),
        sa.Column("taken", sa.BigInteger, nullable=False),
        sa.Column("taken_currency", sa.Text, nullable=False),
        sa.Column("exchange", Document),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("proposer", sa.Text, nullable=False),
        sa.Column("proposed_at", Instant, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("voices", Document, nullable=False),
        sa.Column("ended_at", Instant),
        sa.Column("ended_by", sa.Text, nullable=False),
        sa.Column("remark", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.CheckConstraint("given > 0 AND taken > 0", name="transfer_amounts"),
        sa.CheckConstraint("giver <> taker", name="transfer_envelopes"),
    )
    op.create_index("transfer_by_giver", "transfer", ["giver", "proposed_at", "name"])
    op.create_index("transfer_by_taker", "transfer", ["taker", "proposed_at", "name"])
    op.create_index("transfer_by_state", "transfer", ["state", "proposed_at", "name"])


def _years() -> None:
    op.create_table(
        "fiscal_year",
        sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("closed_at", Instant),
        sa.Column("closed_by", sa.Text, nullable=False),
        sa.Column("closing", Document),
    )
    op.execute(
        "INSERT INTO fiscal_year (year, closed_by) SELECT DISTINCT fiscal_year, '' FROM envelope"
    )
