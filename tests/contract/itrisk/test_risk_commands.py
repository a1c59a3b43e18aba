"""The commands of risk against a service: what a proposer and a reviewer type, and read."""

from pathlib import Path

from tests.support.clock import SettableClock
from tests.support.command import investiture
from tests.support.facts import revision
from tests.support.reviews import Desk, it_side
from tests.support.services import Realm

from investiture.cli import problems

FILE = """
scenarios:
  - name: account takeover
    frequency: {pert: [0.1, 0.5, 2]}
    primary: {pert: [50000, 150000, 900000]}
    secondary: {probability: 0.3, loss: {lognormal90: [100000, 3000000]}}
controls:
  - {name: MFA, frequency_effectiveness: 0.35, cost: 40000}
appetite: [[250000, 0.25]]
"""


class Terminal:
    """Somebody's terminal."""

    def __init__(self, desk: Desk, folder: Path, person: str, *roles: str) -> None:
        self._address = desk.service.address
        self._folder = folder
        self._token = folder / f"token-{person}"
        token = desk.realm.token(f"people/{person}", *roles).token()
        self._token.write_text(token, encoding="utf-8")

    async def types(self, *arguments: str) -> tuple[int, str]:
        there = ("--itrisk", self._address, "--token-file", str(self._token))
        said = await investiture(self._folder, *arguments, *there)
        return said.code, said.out + said.err


async def test_a_profile_is_saved_assessed_estimated_and_asked_for_changes_from_the_terminal(
    realm: Realm, clock: SettableClock, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'service.db'}"
    file, picture = tmp_path / "risk.yaml", tmp_path / "curve.svg"
    file.write_text(FILE, encoding="utf-8")
    async with it_side(realm, clock, url) as desk:
        facts = revision(program="programs/typed", exposure_bps=10_000)
        pia = Terminal(desk, tmp_path, "pia", "proposer")
        code, said = await pia.types("risk", "profile", "typed", "--file", str(file))
        assert (code, "1 scenarios, 1 controls" in said) == (0, True), said
        assert "appetite of the file is not kept" in said
        code, said = await pia.types("risk", "profile", "typed")
        assert (code, "name: account takeover" in said) == (0, True), said
        file.write_text(said, encoding="utf-8")
        code, said = await pia.types("risk", "profile", "typed", "--file", str(file))
        assert (code, "say why it changes" in said) == (problems.BAD_INPUT, True), said

        for half, missing in (("--evidence", "--sha256"), ("--sha256", "--evidence")):
            again = ("risk", "profile", "typed", "--file", str(file), half, "https://x.example/a")
            code, said = await pia.types(*again)
            assert (code, f"with {missing}" in said) == (2, True), said

        case = await desk.opened(facts)
        code, said = await pia.types("risk", "assess", "typed", "--svg", str(picture))
        assert (code, "OUTSIDE" in said, "MFA" in said) == (0, True, True), said
        assert picture.exists()
        code, said = await pia.types("risk", "whatif", "typed", "--control", "MFA")
        assert (code, "INSIDE" in said, "in place: MFA" in said) == (0, True, True), said
        code, said = await pia.types(
            "risk", "whatif", "typed", "--appetite", "1000000:0.5", "--exposure", "5000", "--json"
        )
        assert (code, '"RISK_VERDICT_INSIDE"' in said) == (0, True), said

        ines = Terminal(desk, tmp_path, "ines", "reviewer")
        await pia.types("risk", "estimate", "typed", "account takeover", "--frequency", "0.1,1,2")
        code, said = await ines.types("risk", "estimate", "typed", "account takeover")
        assert (code, "say your own to see theirs" in said) == (0, True), said
        code, said = await ines.types(
            "risk", "estimate", "typed", "account takeover", "--frequency", "0.2,0.8,2"
        )
        assert (code, "mode: median 0.9" in said, "from 0.8 to 1" in said) == (0, True, True), said
        code, said = await pia.types(
            "risk", "combine", "typed", "--people", "2", "--reason", "round one"
        )
        assert (code, "frequency (ines, pia)" in said) == (0, True), said

        code, said = await ines.types("knight", "typed", "--changes-from-assessment")
        assert (code, "changes requested" in said) == (0, True), said
        assert case.name
        code, said = await ines.types("risk", "portfolio")
        assert (code, "0 programs" in said) == (0, True), said
