"""The migrations make exactly the tables that the code works on."""

from investiture.chassis import migrate


def test_a_migrated_database_is_what_the_code_needs(empty_database_url: str) -> None:
    assert migrate.upgrade("itrisk", empty_database_url)
    assert migrate.check("itrisk", empty_database_url) == []
