"""The budget service's tables. Money is integer minor units, guarded by constraints."""

import sqlalchemy as sa

from investiture.casework.charter_store import charter_table
from investiture.casework.store import case_tables
from investiture.chassis.tables import Document, Instant, chassis_tables

METADATA = sa.MetaData()
chassis_tables(METADATA)
CASES = case_tables(METADATA)
charter_table(METADATA)

ENVELOPE = sa.Table(
    "envelope",
    METADATA,
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
    sa.Column("closed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("successor", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.CheckConstraint("available >= 0", name="envelope_available"),
    sa.CheckConstraint(
        "reserved >= 0 AND committed >= 0 AND actual >= 0 AND lapsed >= 0", name="envelope_held"
    ),
    sa.CheckConstraint(
        "appropriated = available + reserved + committed + actual + lapsed",
        name="envelope_conserved",
    ),
    sa.Index("envelope_by_year", "fiscal_year", "name"),
)

AFTER = tuple(
    f"after_{account}" for account in ("available", "reserved", "committed", "actual", "lapsed")
)
OF_PROGRAM = tuple(f"program_{account}" for account in ("reserved", "committed", "actual"))

ENTRY = sa.Table(
    "ledger_entry",
    METADATA,
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
    sa.Column("commitment", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("corrects", sa.BigInteger),
    # What the entry left in its envelope, and of its program there: a balance is one row to read.
    *(
        sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))
        for name in (*AFTER, *OF_PROGRAM)
    ),
    sa.CheckConstraint("amount > 0", name="ledger_entry_amount"),
    sa.CheckConstraint("debit <> credit", name="ledger_entry_accounts"),
    sa.Index("ledger_entry_by_envelope", "envelope", "sequence"),
    sa.Index("ledger_entry_by_program", "program", "sequence"),
    sa.Index(
        "ledger_entry_by_corrected",
        "corrects",
        sqlite_where=sa.text("corrects IS NOT NULL"),
        postgresql_where=sa.text("corrects IS NOT NULL"),
    ),
    sa.Index("ledger_entry_by_program_envelope", "program", "envelope", "sequence"),
    sa.Index("ledger_entry_by_time", "posted_at", "sequence"),
)

# One row: the last sequence given and its instant. It is locked until the commit, so that entries
# become visible in their order and no reader who resumes after a sequence ever misses a lower one;
# instants never go back from one entry to the next, so that "until" is a place in the sequence.
HEAD = sa.Table(
    "ledger_head",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("posted_at", Instant),
)

FUNDING = sa.Table(
    "funding",
    METADATA,
    sa.Column("case_name", sa.Text, primary_key=True),
    sa.Column("program", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("levels", Document, nullable=False),
    sa.Column("contingency_bps", sa.Integer, nullable=False),
    sa.Column("business_people", Document, nullable=False),
    sa.Column("ceiling", sa.BigInteger),
    # How the round was opened: the row of the table, and the round whose levels approved it.
    sa.Column("tier_from", sa.BigInteger),
    sa.Column("tier_to", sa.BigInteger),
    sa.Column("cost_centre", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("approved_in", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("kept_ceiling", sa.BigInteger),
    sa.Column("reason", sa.Text, nullable=False, server_default=sa.text("''")),
    # How many others were counted: most rounds have none to load.
    sa.Column("counted", sa.Integer, nullable=False, server_default=sa.text("0")),
)

# The other programs that were counted together with a round's request.
FUNDING_OTHER = sa.Table(
    "funding_other",
    METADATA,
    sa.Column("case_name", sa.Text, primary_key=True),
    sa.Column("program", sa.Text, primary_key=True),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("asked_at", Instant, nullable=False),
)

# What each program asks now, so that requests split to stay under a tier are found.
ASKED = sa.Table(
    "asked",
    METADATA,
    sa.Column("program", sa.Text, primary_key=True),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("cost_centre", sa.Text, nullable=False),
    sa.Column("vendors", Document, nullable=False),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Index("asked_by_cost_centre", "cost_centre", "asked_at"),
)

# What programs promised to vendors that their requests did not name: it counts from then on.
PROMISED = sa.Table(
    "promised",
    METADATA,
    sa.Column("program", sa.Text, primary_key=True),
    sa.Column("vendor_key", sa.Text, primary_key=True),
    sa.Column("vendor", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("cost_centre", sa.Text, nullable=False),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Index("promised_by_cost_centre", "cost_centre", "asked_at"),
)

RESERVATION = sa.Table(
    "reservation",
    METADATA,
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
    sa.Column("expires_at", Instant),
    sa.CheckConstraint(
        "remaining >= 0 AND committed >= 0 AND actual >= 0 AND released >= 0 AND carried >= 0",
        name="reservation_parts",
    ),
    sa.CheckConstraint(
        "reserved = remaining + committed + actual + released + carried",
        name="reservation_conserved",
    ),
    # However many rounds a program had: money is held for it once.
    sa.Index(
        "reservation_held_once",
        "program",
        unique=True,
        sqlite_where=sa.text("state = 'HELD'"),
        postgresql_where=sa.text("state = 'HELD'"),
    ),
    # What times out next: only what is held can.
    sa.Index(
        "reservation_by_expiry",
        "expires_at",
        "program",
        sqlite_where=sa.text("state = 'HELD'"),
        postgresql_where=sa.text("state = 'HELD'"),
    ),
)

COMMITMENT = sa.Table(
    "commitment",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("program", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("vendor", sa.Text, nullable=False),
    sa.Column("tranche", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("actual", sa.BigInteger, nullable=False),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("lapsed", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("lapsed_in", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("rolls_forward", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("spent_on", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.CheckConstraint("actual >= 0 AND actual <= amount", name="commitment_spent"),
    sa.UniqueConstraint("program", "number"),
)

TRANSFER = sa.Table(
    "transfer",
    METADATA,
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
    sa.Column("timetable", Document),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("voices", Document, nullable=False),
    sa.Column("ended_at", Instant),
    sa.Column("ended_by", sa.Text, nullable=False),
    sa.Column("remark", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.CheckConstraint("given > 0 AND taken > 0", name="transfer_amounts"),
    sa.CheckConstraint("giver <> taker", name="transfer_envelopes"),
    sa.Index("transfer_by_giver", "giver", "proposed_at", "name"),
    sa.Index("transfer_by_taker", "taker", "proposed_at", "name"),
    sa.Index("transfer_by_state", "state", "proposed_at", "name"),
)

# A row for every year that an envelope was issued for. Who issues locks it for sharing and who
# closes for themselves, so that no envelope slips into a year that closes at the same moment.
FISCAL_YEAR = sa.Table(
    "fiscal_year",
    METADATA,
    sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("closed_at", Instant),
    sa.Column("closed_by", sa.Text, nullable=False),
    sa.Column("closing", Document),
)

# Which files of appropriations were imported, so that none is twice.
IMPORT = sa.Table(
    "appropriation_import",
    METADATA,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("lines", sa.Integer, nullable=False),
    sa.Column("imported_by", sa.Text, nullable=False),
    sa.Column("imported_at", Instant, nullable=False),
)
