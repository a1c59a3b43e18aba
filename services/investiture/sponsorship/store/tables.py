"""Sponsorship's tables: people, delegations, and what a pledge keeps beside its case."""

import sqlalchemy as sa

from investiture.casework.charter_store import charter_table
from investiture.casework.store import case_tables
from investiture.chassis.tables import Document, Instant, Serial, chassis_tables

METADATA = sa.MetaData()
chassis_tables(METADATA)
CASES = case_tables(METADATA)
charter_table(METADATA)

PERSON = sa.Table(
    "person",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("grade", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("manager", sa.Text, nullable=False),
    sa.Column("guest_of", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Index("person_by_unit", "unit", "name"),
)

# One row: locked by an import, so that two of them follow each other.
DIRECTORY = sa.Table(
    "directory",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)

DELEGATION = sa.Table(
    "delegation",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("delegator", sa.Text, nullable=False),
    sa.Column("delegate", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("limit_minor", sa.BigInteger),
    sa.Column("starts_at", Instant, nullable=False),
    sa.Column("ends_at", Instant, nullable=False),
    sa.Column("revoked_at", Instant),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Index("delegation_by_delegate", "delegate", "delegator", "purpose"),
    sa.Index("delegation_by_delegator", "delegator", "name"),
)

# `compared` is the subject as it is compared: a vendor without its case and spare spaces.
INTEREST = sa.Table(
    "interest",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("compared", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("starts_at", Instant, nullable=False),
    sa.Column("ends_at", Instant),
    sa.Column("declared_by", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Index("interest_by_person", "person", "name"),
    sa.Index("interest_by_subject", "compared", "name"),
)

ABSENCE = sa.Table(
    "absence",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("starts_at", Instant, nullable=False),
    sa.Column("ends_at", Instant),
    sa.Column("deputy", sa.Text, nullable=False),
    sa.Column("set_by", sa.Text, nullable=False),
    sa.Column("cleared_at", Instant),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Index("absence_by_person", "person", "starts_at"),
)

# The rows of a case are written before the case itself, so none of them refers to it.
PLEDGE = sa.Table(
    "pledge",
    METADATA,
    sa.Column("case_name", sa.Text, primary_key=True),
    sa.Column("unowned", Document, nullable=False),
    sa.Column("contested", Document, nullable=False),
    sa.Column("legs", Document, nullable=False),
    sa.Column("liveness_at", Instant),
    sa.Index("pledge_by_liveness", "liveness_at"),
)

SEAT = sa.Table(
    "pledge_seat",
    METADATA,
    sa.Column("case_name", sa.Text, primary_key=True),
    sa.Column("place", sa.Text, primary_key=True),
    sa.Column("named", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("on_behalf_of", sa.Text, nullable=False),
    sa.Column("pledged_at", Instant),
    sa.Column("statement", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("gate_digest", sa.Text, nullable=False),
    sa.Column("attested_at", Instant),
    sa.Column("attestation", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("attested_revision", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("lost", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("former", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("successor", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Index("pledge_seat_by_person", "person"),
    sa.Index("pledge_seat_by_principal", "on_behalf_of"),
)

POSITION = sa.Table(
    "position",
    METADATA,
    sa.Column("case_name", sa.Text, primary_key=True),
    sa.Column("unit", sa.Text, primary_key=True),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("relationships", Document, nullable=False),
    sa.Column("kind", sa.Text),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("on_behalf_of", sa.Text, nullable=False),
    sa.Column("grounds", sa.Text, nullable=False),
    sa.Column("harm", sa.Text, nullable=False),
    sa.Column("proposal", sa.Text, nullable=False),
    sa.Column("recorded_at", Instant),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("gate_digest", sa.Text, nullable=False),
    sa.Column("asked", sa.Text, nullable=False),
    sa.Column("counts_with", sa.Text, nullable=False),
    sa.Column("recused", Document, nullable=False),
    sa.Column("heard_until", Instant),
    sa.Column("arbiter", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("resolution", sa.Text),
    sa.Column("resolved_by", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("resolved_for", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("resolved_at", Instant),
    sa.Column("resolution_reason", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("ballot", sa.Text),
    sa.Column("appeal", sa.Text),
)

# A signature is bound to a decision's text: to its digest.
STANDING_SIGNATURE = sa.Table(
    "standing_signature",
    METADATA,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("side", sa.Text, primary_key=True),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("signed_at", Instant, nullable=False),
    sa.Index("standing_signature_by_decision", "decision"),
)

STANDING_REVOCATION = sa.Table(
    "standing_revocation",
    METADATA,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

# A program's place under a decision, counted by its id whatever its text; one that ended frees it.
STANDING_PLACE = sa.Table(
    "standing_place",
    METADATA,
    sa.Column("program", sa.Text, primary_key=True),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    sa.Index("standing_place_by_decision", "decision", "ended_at"),
)

# A team has one review that is not closed: that is what blocks its next emergency.
EMERGENCY = sa.Table(
    "emergency",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("program", sa.Text, nullable=False),
    sa.Column("team", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("declared_at", Instant, nullable=False),
    sa.Column("next_at", Instant),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Index("emergency_by_program", "program", "declared_at"),
    sa.Index("emergency_by_time", "declared_at", "name"),
    sa.Index(
        "emergency_one_review",
        "team",
        unique=True,
        sqlite_where=sa.text("state = 'UNDER_REVIEW'"),
        postgresql_where=sa.text("state = 'UNDER_REVIEW'"),
    ),
    sa.Index(
        "emergency_by_step",
        "next_at",
        "name",
        sqlite_where=sa.text("state = 'UNDER_REVIEW'"),
        postgresql_where=sa.text("state = 'UNDER_REVIEW'"),
    ),
)

CHANGE = sa.Table(
    "governance_change",
    METADATA,
    sa.Column("number", Serial, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("proposer", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("proposed_at", Instant, nullable=False),
    sa.Column("effective_at", Instant),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("base_digest", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("differences", Document, nullable=False),
    sa.Column("gaining", Document, nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("decided_at", Instant),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("took_effect_at", Instant),
    sa.Column("failure", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Index("governance_change_by_state", "state", "effective_at"),
)
