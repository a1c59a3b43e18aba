"""The ledger's commands against a service: what a person of the committee types, and reads."""

from pathlib import Path

from tests.support.budget import ENVELOPE, ON_SQLITE, MoneySide
from tests.support.command import investiture
from tests.support.facts import revision

from investiture.budget.appropriations import COLUMNS
from investiture.cli import problems

HEADER = ",".join(COLUMNS)
LINE = "beta,Beta,2027,4711,launches,people/fay,EUR,12.50"


class Committee:
    """Ada at her terminal."""

    def __init__(self, money: MoneySide, folder: Path) -> None:
        self._address = money.service.address
        self._folder = folder
        self._token = folder / "token"
        token = money.realm.token("people/ada", "budget-committee").token()
        self._token.write_text(token, encoding="utf-8")

    async def types(self, *arguments: str) -> tuple[int, str]:
        there = ("--budget", self._address, "--token-file", str(self._token))
        said = await investiture(self._folder, *arguments, *there)
        return said.code, said.out + said.err


@ON_SQLITE
async def test_the_committee_imports_shows_and_hands_over(money: MoneySide, tmp_path: Path) -> None:
    await money.issue()
    await money.funded(revision(amount_minor=9_000_00), "fiona")
    ada, file = Committee(money, tmp_path), tmp_path / "appropriations.csv"

    file.write_text(f"{HEADER}\n{LINE.replace('12.50', '12.505')}\n", encoding="utf-8")
    code, said = await ada.types("ledger", "import", str(file))
    assert code == problems.BAD_INPUT
    assert f"{file}:2: amount: '12.505' has more decimals than the 2 of EUR" in said
    assert "nothing was imported" in said

    file.write_text(f"{HEADER}\n{LINE}\n", encoding="utf-8")
    code, said = await ada.types("ledger", "import", str(file), "--check")
    assert (code, "12.50 EUR would be appropriated on 1 lines" in said) == (0, True), said
    code, said = await ada.types("ledger", "import", str(file))
    assert (code, "12.50 EUR appropriated on 1 lines: 1 envelopes issued" in said) == (0, True), (
        said
    )
    code, said = await ada.types("ledger", "import", str(file))
    assert (code, "this very file was imported" in said) == (problems.EXISTS, True), said

    code, said = await ada.types("ledger", "owner", "beta", "olga", "--reason", "fay moves on")
    assert (code, "beta is now owned by olga" in said) == (0, True), said
    code, said = await ada.types("ledger", "envelopes")
    assert (code, "olga" in said) == (0, True), said

    envelope = ENVELOPE.removeprefix("envelopes/")
    at = money.clock.now().isoformat()
    code, said = await ada.types("ledger", "--envelope", envelope, "--at", at)
    assert (code, "reserve: available → reserved" in said) == (0, True), said
    assert "991,000.00 EUR" in said
    code, said = await ada.types("ledger", "community", "--at", at, "--json")
    assert (code, '"reserved"' in said) == (0, True), said
