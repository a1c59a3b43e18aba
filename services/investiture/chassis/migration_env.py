"""What every service's ``migrations/env.py`` does, so that the file is three lines.

That is::

from investiture.chassis.migration_env import run
from investiture.sponsorship.tables import METADATA
run(METADATA)
"""

import sqlalchemy as sa
from alembic import context


def run(metadata: sa.MetaData) -> None:
    """Run what the command asks for on the connection it gives, all in its transaction."""
    connection: sa.Connection | None = context.config.attributes.get("connection")
    if connection is None:
        raise RuntimeError("run python -m investiture.chassis.migrate, not alembic itself")
    context.configure(
        connection=connection,
        target_metadata=metadata,
        # SQLite alters a table by making it anew: migrations write op.batch_alter_table.
        render_as_batch=connection.dialect.name == "sqlite",
        compare_server_default=True,
    )
    context.run_migrations()
