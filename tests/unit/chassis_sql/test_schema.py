"""The newest migration's file name says which schema the code needs."""

from pathlib import Path

import pytest

from investiture.chassis.schema import migrations_of, schema_version


def folder(at: Path, *names: str) -> Path:
    (at / "versions").mkdir()
    for name in names:
        (at / "versions" / name).touch()
    return at


def test_the_newest_number_is_the_version(tmp_path: Path) -> None:
    named = folder(tmp_path, "0001_first.py", "0002_second.py", "__init__.py", "README.md")
    assert schema_version(named) == "0002"


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("0002_second.py",),
        ("0001_first.py", "0003_third.py"),
        ("0001_first.py", "0001_again.py"),
        ("0001_first.py", "second.py"),
        ("0001_first.py", "0002-Second.py"),
    ],
)
def test_gaps_doubles_and_other_names_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="migration"):
        schema_version(folder(tmp_path, *names))


def test_a_service_without_migrations_is_named() -> None:
    with pytest.raises(LookupError, match="no service 'nobody'"):
        migrations_of("nobody")
    with pytest.raises(LookupError, match="chassis has no migrations"):
        migrations_of("chassis")
