"""The ground under every PostgreSQL test: a real server, an empty database for each test."""

import pytest
import sqlalchemy as sa


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_gets_an_empty_database_of_its_own(postgres_database: str, turn: int) -> None:
    engine = sa.create_engine(postgres_database)
    with engine.begin() as connection:
        assert "PostgreSQL" in connection.scalar(sa.text("SELECT version()"))
        assert sa.inspect(connection).get_table_names() == []
        connection.execute(sa.text("CREATE TABLE left_behind (turn integer)"))
    engine.dispose()
