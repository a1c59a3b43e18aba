"""Another charter than the one a service was started with, in force from its next start on."""

from datetime import datetime

import sqlalchemy as sa
from tests.support.services import CHARTER

from investiture.casework.charter_store import CharterStore
from investiture.casework.charters import CharterRecord
from investiture.charter.load import load_text


def amended(*pairs: tuple[str, str], text: str = "") -> str:
    """A charter, by default the default one, as version 2 and with other words in some places."""
    found = text or CHARTER.read_text(encoding="utf-8")
    for old, new in (("version: 1\n", "version: 2\n"), *pairs):
        assert old in found, old
        found = found.replace(old, new, 1)
    return found


def sign(database_url: str, document: str, since: datetime) -> str:
    """Puts a charter on a service's record, as the change that two people signed would; its digest.

    The service that runs is not told: it is another replica's doing, or of before a restart.
    """
    digest = load_text(document, "the test's charter").digest
    engine = sa.create_engine(database_url)
    try:
        with engine.begin() as connection:
            CharterStore().add(connection, CharterRecord(digest, document, since, "changes/1"))
    finally:
        engine.dispose()
    return digest


def pin(database_url: str, name: str, old: str, new: str) -> None:
    """Rewrites which charter a stored case is pinned to."""
    engine = sa.create_engine(database_url)
    statement = sa.text(
        "UPDATE gate_case SET document = replace(document, :old, :new) WHERE name = :name"
    )
    try:
        with engine.begin() as connection:
            connection.execute(statement, {"old": old, "new": new, "name": name})
    finally:
        engine.dispose()
