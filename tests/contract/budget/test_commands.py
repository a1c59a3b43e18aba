"""The commands for money, as people type them, against a service that serves."""

import os
from pathlib import Path

from tests.contract.budget.test_spend import actual
from tests.support.budget import ON_SQLITE, MoneySide
from tests.support.command import Said, investiture
from tests.support.facts import revision
from tests.support.transfers import OTHER
from tests.support.years import LAPSE, NEW, OLD, close, closing, two_years

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.cli import problems


async def said(money: MoneySide, folder: Path, who: str, *arguments: str, role: str = "") -> Said:
    """What the command says to somebody, who brings a token of their own."""
    token = folder / f"{who}.token"
    token.write_text(money.realm.token(f"people/{who}", role or "finance").token())
    reach = ("--budget", money.service.address, "--token-file", os.fspath(token))
    return await investiture(folder, *reach, *arguments)


@ON_SQLITE
async def test_a_transfer_is_proposed_approved_and_listed(money: MoneySide, tmp_path: Path) -> None:
    await money.issue(1_000, name=NEW)
    await money.issue(1_000, name=OTHER, owner="people/olga")
    ends = ("launches-2027", "events-2027")
    made = await said(
        money, tmp_path, "fiona", "transfer", "propose", *ends, "400 EUR", "--reason", "more",
        "--id", "more",
    )  # fmt: skip
    assert made.code == 0, made.err
    assert "transfers/more  proposed  400.00 EUR from launches-2027 to events-2027" in made.out
    assert "waits for giver and taker" in made.out
    mine = await said(money, tmp_path, "fay", "transfer", "approve", "more")
    assert "✓ fay, giver" in mine.out
    assert (
        "transfers/more"
        not in (await said(money, tmp_path, "fay", "transfer", "list", "--mine")).out
    )
    hers = await said(money, tmp_path, "olga", "transfer", "list", "--mine", "--json")
    assert [one["name"] for one in hers.json["transfers"]] == ["transfers/more"]
    waiting = await said(money, tmp_path, "fay", "transfer", "list", "--waiting")
    assert "launches-2027 → events-2027" in waiting.out
    dry = await said(money, tmp_path, "olga", "transfer", "approve", "more", "--dry-run")
    assert "posted" in dry.out
    assert (await money.balances(OTHER))["available"] == 1_000_00
    done = await said(money, tmp_path, "olga", "transfer", "approve", "more", "--json")
    assert done.json["state"] == "TRANSFER_STATE_POSTED"
    again = await said(money, tmp_path, "olga", "transfer", "decline", "more", "--reason", "no")
    assert again.code == problems.PRECONDITION
    assert "posted already" in again.err
    shown = await said(money, tmp_path, "fay", "ledger")
    assert "transfer: available → transit" in shown.out
    assert "✗" not in shown.out


@ON_SQLITE
async def test_money_is_committed_spent_corrected_and_rolled_forward(
    money: MoneySide, tmp_path: Path
) -> None:
    await two_years(money)
    await money.funded(revision(amount_minor=9_000_00), "fiona", envelope=OLD)
    made = await said(
        money, tmp_path, "fiona", "commit", "community", "500 EUR", "--tranche", "pilot",
        "--vendor", "Brightside",
    )  # fmt: skip
    assert "programs/community/commitments/1" in made.out, made.err
    spent = await said(
        money, tmp_path, "fiona", "spend", "community", "1", "120 EUR", "--invoice", "7"
    )
    assert "120.00 EUR of 500.00 EUR spent, to Brightside" in spent.out, spent.err
    entry = str((await money.entries())[-1].sequence)
    wrong = ("correct", "community", entry, "20 EUR", "--reason", "it was 100")
    own = await said(money, tmp_path, "fiona", *wrong)
    assert (own.code, "somebody else" in own.err) == (problems.PERMISSION, True)
    mended = await said(money, tmp_path, "felix", *wrong)
    assert "100.00 EUR of 500.00 EUR spent" in mended.out, mended.err
    assert f"correct #{entry}: actual → committed" in mended.out
    rehearsed = await said(
        money, tmp_path, "ada", "year", "close", "2026", "--lapse", "launches-2026=launches-2027",
        "--dry-run", role="budget-committee",
    )  # fmt: skip
    assert "community: 8,900.00 EUR lapsed; its funding is void" in rehearsed.out, rehearsed.err
    await close(money, closing(LAPSE))
    late = ("roll-forward", "community", "1", "50 EUR", "--spent-on", "2026-12-20")
    rolled = await said(money, tmp_path, "fay", *late)
    assert "rolls programs/community/commitments/1 forward" in rolled.out, rolled.err
    nowhere = await said(money, tmp_path, "fay", "spend", "community", "9", "1 EUR")
    assert nowhere.code == problems.NOT_FOUND


@ON_SQLITE
async def test_a_year_is_closed_by_the_committee(money: MoneySide, tmp_path: Path) -> None:
    await two_years(money)
    funding = await money.funded(revision(amount_minor=9_000_00), "fiona", envelope=OLD)
    made: pb.Commitment = await money.person("fiona").Commit(money.commitment(funding, 100))
    await money.person("fiona").RecordActual(actual(made, 100, final=True))
    rule = ("--carry-all", "launches-2026=launches-2027=1_000 EUR")
    denied = await said(money, tmp_path, "fay", "year", "close", "2026", *rule)
    assert denied.code == problems.PERMISSION
    done = await said(
        money, tmp_path, "ada", "year", "close", "2026", *rule, role="budget-committee"
    )
    assert done.code == 0, done.err
    assert "fiscalYears/2026  closed  2026-01-01 to 2026-12-31" in done.out
    assert "community: 8,900.00 EUR goes on" in done.out
    shown = await said(money, tmp_path, "fay", "year", "show", "2026")
    assert "carry all" in shown.out
    assert "90,000.00 EUR" in shown.out
    bad = await said(money, tmp_path, "ada", "year", "close", "2026", "--lapse", "a=b=1 EUR")
    assert bad.code == problems.USAGE
