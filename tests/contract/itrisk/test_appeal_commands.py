"""An appeal at the command line: made, read by who decides it, and decided."""

from pathlib import Path

import pytest
from tests.contract.itrisk.test_appeals import house
from tests.support.appealed import ADA, SAM, House
from tests.support.command import Said, investiture
from tests.support.facts import revision

from investiture.cli import problems

__all__ = ["house"]

pytestmark = pytest.mark.parametrize("database", ["sqlite"])

GROUNDS = ("--grounds", "it is moderated", "--evidence", "https://dms/moderation")


class Terminal:
    """Somebody at the command line."""

    def __init__(self, house: House, folder: Path, person: str, *roles: str) -> None:
        self._address = house.desk.service.address
        self._folder = folder
        self._token = folder / f"token-{person.removeprefix('people/')}"
        token = house.desk.realm.token(person, *roles).token()
        self._token.write_text(token, encoding="utf-8")

    async def types(self, *arguments: str) -> Said:
        there = ("--itrisk", self._address, "--token-file", str(self._token))
        return await investiture(self._folder, *arguments, *there)


async def test_an_appeal_is_made_once_and_granted(house: House, tmp_path: Path) -> None:
    await house.declined()
    sponsor = Terminal(house, tmp_path, SAM, "sponsor")
    rehearsed = await sponsor.types("appeal", "make", "community", *GROUNDS, "--dry-run")
    assert "can be appealed until 2027-01-11" in rehearsed.out, rehearsed.err
    assert "KNIGHT would be declined, appealed; it waits for ada" in rehearsed.out
    said = await sponsor.types("appeal", "make", "community", *GROUNDS)
    assert said.code == 0, said.err
    assert "declined by ines, appealed by sam: it is moderated" in said.out
    assert "https://dms/moderation" in said.out
    again = await sponsor.types("appeal", "make", "community", *GROUNDS)
    assert again.code == problems.PRECONDITION
    assert "there is one in the life of a program" in again.err

    above = Terminal(house, tmp_path, ADA, "endorser")
    decide = ("appeal", "decide", "community")
    assert (await above.types(*decide, "maybe", "--reason", "x")).code == problems.USAGE
    said = await above.types(*decide, "granted", "--reason", "it was tested")
    assert said.code == 0, said.err
    assert "granted by ada: it was tested" in said.out
    reopened = await house.desk.opened(revision())
    assert reopened.appeal.reason == "it was tested"


async def test_a_decline_is_accepted(house: House, tmp_path: Path) -> None:
    await house.declined()
    sponsor = Terminal(house, tmp_path, SAM, "sponsor")
    said = await sponsor.types("appeal", "waive", "community")
    assert said.code == 0, said.err
    assert "KNIGHT is now declined" in said.out
    assert "appeal" not in said.out.rpartition("KNIGHT is now")[2].splitlines()[0]
