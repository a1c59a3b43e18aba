"""A small sound charter, to be broken or asked."""

from pathlib import Path

from investiture.charter.load import load
from investiture.charter.model import Charter

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TEXT = (HERE / "small.yaml").read_text(encoding="utf-8")


def small() -> Charter:
    return load(HERE / "small.yaml")


def edited(old: str, new: str) -> str:
    """The small charter's text with one passage replaced; it has to occur exactly once."""
    assert TEXT.count(old) == 1, f"{old!r} occurs {TEXT.count(old)} times"
    return TEXT.replace(old, new)
