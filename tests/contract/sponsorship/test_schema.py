"""The migrations make exactly the tables that the code works on."""

from investiture.chassis import migrate


def test_a_migrated_database_is_what_the_code_needs(database_url: str) -> None:
    assert migrate.upgrade("sponsorship", database_url) == "0003"
    assert migrate.check("sponsorship", database_url) == []
