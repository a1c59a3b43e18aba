"""Money goes from one envelope to another once both owners say so, whole and linked, or not."""

import asyncio
from collections import Counter, defaultdict
from datetime import UTC, timedelta
from typing import Any

import pytest
from google.type.money_pb2 import Money
from tests.contract.budget.test_concurrency import outcome
from tests.support.budget import ENVELOPE, ON_SQLITE, MoneySide, eur, refused
from tests.support.transfers import OTHER, approval, exchange, proposal, refusal, transferred

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.budget.v1 import transfers_pb2 as pb
from investiture.budget.ledger import INT64_MAX


async def issued(money: MoneySide, currency: str = "EUR", owner: str = "people/olga") -> None:
    await money.issue(1_000)
    amount = Money(currency_code=currency, units=1_000)
    await money.issue(name=OTHER, owner=owner, appropriation=amount)


async def test_money_moves_with_the_second_owners_approval_and_not_before(
    money: MoneySide,
) -> None:
    await issued(money)
    before = await money.balances()
    made: pb.Transfer = await money.person("fiona").ProposeTransfer(proposal(400))
    assert (made.state, list(made.awaited)) == (
        pb.TRANSFER_STATE_PROPOSED,
        [pb.TRANSFER_SEAT_GIVER, pb.TRANSFER_SEAT_TAKER],
    )
    half: pb.Transfer = await money.person("fay").ApproveTransfer(approval(made))
    assert list(half.awaited) == [pb.TRANSFER_SEAT_TAKER]
    assert await money.balances() == before
    done: pb.Transfer = await money.person("olga", "sponsor").ApproveTransfer(approval(half))
    assert (done.state, done.ended_by) == (pb.TRANSFER_STATE_POSTED, "people/olga")
    assert [(one.person, list(one.seats)) for one in done.approvals] == [
        ("people/fay", [pb.TRANSFER_SEAT_GIVER]),
        ("people/olga", [pb.TRANSFER_SEAT_TAKER]),
    ]
    assert (await money.balances())["appropriated"] == 600_00
    assert (await money.balances(OTHER))["available"] == 1_400_00
    linked = (await money.entries())[-2:]
    assert [(e.envelope, e.debit, e.credit, e.amount.units, e.reference) for e in linked] == [
        (ENVELOPE, budget_pb.ACCOUNT_AVAILABLE, budget_pb.ACCOUNT_TRANSIT, 400, done.name),
        (OTHER, budget_pb.ACCOUNT_TRANSIT, budget_pb.ACCOUNT_AVAILABLE, 400, done.name),
    ]
    read: pb.Transfer = await money.auditor.GetTransfer(pb.GetTransferRequest(name=done.name))
    assert read == done


async def test_a_transfer_posts_only_what_is_available_at_the_last_approval(
    money: MoneySide,
) -> None:
    await issued(money)
    problem = await refused(money.person("fiona").ProposeTransfer(proposal(1_001)))
    assert problem.reason == "FUNDS_INSUFFICIENT"
    made: pb.Transfer = await money.person("fiona").ProposeTransfer(proposal(900))
    half: pb.Transfer = await money.person("fay").ApproveTransfer(approval(made))
    await transferred(money, proposal(200))
    problem = await refused(money.person("olga").ApproveTransfer(approval(half)))
    assert (problem.reason, problem.metadata["available"]) == ("FUNDS_INSUFFICIENT", "80000")
    read: pb.Transfer = await money.auditor.GetTransfer(pb.GetTransferRequest(name=made.name))
    assert read == half
    assert (await money.balances())["available"] == 800_00


async def test_who_owns_both_envelopes_waits_for_the_committee(money: MoneySide) -> None:
    await issued(money, owner="people/fay")
    made: pb.Transfer = await money.person("fiona").ProposeTransfer(proposal())
    half: pb.Transfer = await money.person("fay").ApproveTransfer(approval(made))
    assert list(half.awaited) == [pb.TRANSFER_SEAT_COMMITTEE]
    fay = money.person("fay", "budget-committee")
    problem = await refused(fay.ApproveTransfer(approval(half)))
    assert (problem.reason, problem.legs[0].type) == ("WRONG_STATE", "ONE_VOICE")
    problem = await refused(money.person("finn").ApproveTransfer(approval(half)))
    assert problem.reason == "NOT_A_HOLDER"
    assert (await money.balances())["available"] == 1_000_00
    done: pb.Transfer = await money.committee.ApproveTransfer(approval(half))
    assert done.state == pb.TRANSFER_STATE_POSTED
    assert (await money.balances())["available"] == 600_00


@ON_SQLITE
async def test_a_declined_transfer_moves_nothing_and_takes_no_yes(money: MoneySide) -> None:
    await issued(money)
    made: pb.Transfer = await money.person("fiona").ProposeTransfer(proposal())
    problem = await refused(money.person("finn").DeclineTransfer(refusal(made)))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    ended: pb.Transfer = await money.person("olga").DeclineTransfer(refusal(made))
    assert (ended.state, ended.remark) == (pb.TRANSFER_STATE_DECLINED, "not this quarter")
    problem = await refused(money.person("fay").ApproveTransfer(approval(ended)))
    assert (problem.reason, problem.legs[0].type) == ("WRONG_STATE", "STATE")
    assert len(await money.entries()) == 2


@ON_SQLITE
async def test_a_decision_binds_to_the_transfer_that_was_seen(money: MoneySide) -> None:
    await issued(money)
    made: pb.Transfer = await money.person("fiona").ProposeTransfer(proposal())
    request = approval(made)
    half: pb.Transfer = await money.person("fay").ApproveTransfer(request)
    assert await money.person("fay").ApproveTransfer(request) == half
    assert (await refused(money.person("olga").ApproveTransfer(approval(made)))).reason == (
        "STALE_ETAG"
    )
    rehearsed: pb.Transfer = await money.person("olga").ApproveTransfer(
        approval(half, validate_only=True)
    )
    assert rehearsed.state == pb.TRANSFER_STATE_POSTED
    assert len(await money.entries()) == 2
    money.directory.say("people/olga", active=False)
    assert (await refused(money.person("olga").ApproveTransfer(approval(half)))).reason == (
        "NOT_A_HOLDER"
    )


async def test_two_currencies_are_two_legs_with_their_rate_and_rounding(money: MoneySide) -> None:
    await issued(money, currency="JPY")
    rate = exchange(rate="161.3749", rounding=pb.ROUNDING_HALF_UP)
    done = await transferred(money, proposal(3, exchange=rate))
    # 3 EUR × 161.3749 = 484.1247 JPY
    assert (done.taken, done.exchange.residue) == (Money(currency_code="JPY", units=484), "0.1247")
    assert (done.exchange.rate, done.exchange.source) == ("161.3749", "ECB reference rate")
    assert done.exchange.rounding == pb.ROUNDING_HALF_UP
    gives, takes = (await money.entries())[-2:]
    assert (gives.credit, gives.amount) == (budget_pb.ACCOUNT_EXCHANGE, eur(3))
    assert (takes.debit, takes.amount.units) == (budget_pb.ACCOUNT_EXCHANGE, 484)
    moved: dict[str, Counter[int]] = defaultdict(Counter)
    for entry in await money.entries():
        moved[entry.amount.currency_code][entry.debit] -= entry.amount.units
        moved[entry.amount.currency_code][entry.credit] += entry.amount.units
    assert {currency: sum(sums.values()) for currency, sums in moved.items()} == {
        "EUR": 0,
        "JPY": 0,
    }
    assert (moved["EUR"][budget_pb.ACCOUNT_EXCHANGE], moved["JPY"][budget_pb.ACCOUNT_EXCHANGE]) == (
        3,
        -484,
    )


@ON_SQLITE
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": Money(currency_code="EUR")}, "amount"),
        ({"taker": ENVELOPE}, "taker"),
        ({"taker": "olga"}, "taker"),
        ({"exchange": exchange()}, "exchange"),
        ({"exchange": exchange(rate="1,08")}, "exchange.rate"),
        ({"exchange": exchange(rate="-1")}, "exchange.rate"),
        ({"exchange": exchange(rate="1e3")}, "exchange.rate"),
        ({"exchange": exchange(quoted_on="2027-02-30")}, "exchange.quoted_on"),
        ({"exchange": exchange(rounding=0)}, "exchange.rounding"),
        ({"exchange": exchange(source="")}, "exchange.source"),
        ({"reason": ""}, "reason"),
        ({"transfer_id": "No Id"}, "transfer_id"),
    ],
)
async def test_what_is_no_transfer_is_refused_with_its_field(
    money: MoneySide, changes: dict[str, Any], field: str
) -> None:
    await issued(money)
    problem = await refused(money.person("fiona").ProposeTransfer(proposal(**changes)))
    assert (problem.code, [v.field for v in problem.violations]) == ("INVALID_ARGUMENT", [field])
    page: pb.ListTransfersResponse = await money.auditor.ListTransfers(pb.ListTransfersRequest())
    assert not page.transfers


@ON_SQLITE
async def test_the_taker_holds_no_more_than_64_bits(money: MoneySide) -> None:
    await money.issue(1_000)
    units, cents = divmod(INT64_MAX, 100)
    largest = Money(currency_code="EUR", units=units, nanos=cents * 10_000_000)
    await money.issue(name=OTHER, owner="people/olga", appropriation=largest)
    problem = await refused(money.person("fiona").ProposeTransfer(proposal(1)))
    assert (problem.code, problem.reason) == ("INVALID_ARGUMENT", "INVALID_AMOUNT")
    assert [v.field for v in problem.violations] == ["amount"]


@ON_SQLITE
async def test_a_transfer_keeps_its_name_and_its_envelopes_exist(money: MoneySide) -> None:
    await issued(money)
    fiona = money.person("fiona")
    made: pb.Transfer = await fiona.ProposeTransfer(proposal(transfer_id="event"))
    assert made.name == "transfers/event"
    problem = await refused(fiona.ProposeTransfer(proposal(transfer_id="event")))
    assert (problem.code, problem.reason) == ("ALREADY_EXISTS", "RESOURCE_EXISTS")
    assert (await refused(fiona.ProposeTransfer(proposal(taker="envelopes/none")))).code == (
        "NOT_FOUND"
    )
    unknown = pb.GetTransferRequest(name="transfers/none")
    assert (await refused(money.auditor.GetTransfer(unknown))).code == "NOT_FOUND"


async def test_transfers_are_listed_as_they_were_proposed(money: MoneySide) -> None:
    await issued(money)
    await money.issue(name="envelopes/third")
    ids = ["c", "a", "b"]
    for name in ids:
        await money.person("fiona").ProposeTransfer(proposal(1, transfer_id=name))
        money.clock.advance(money.clock.now() - money.clock.now().replace(minute=0, hour=14))
    third = proposal(1, transfer_id="third", giver="envelopes/third")
    await money.person("fiona").ProposeTransfer(third)
    found: list[str] = []
    token = ""
    for _ in range(2):
        page: pb.ListTransfersResponse = await money.auditor.ListTransfers(
            pb.ListTransfersRequest(envelope=ENVELOPE, page_size=2, page_token=token)
        )
        found += [one.name for one in page.transfers]
        token = page.next_page_token
    assert (found, token) == ([f"transfers/{name}" for name in ids], "")
    ended: pb.Transfer = await money.auditor.GetTransfer(pb.GetTransferRequest(name="transfers/a"))
    await money.person("fay").DeclineTransfer(refusal(ended))
    open_ = pb.ListTransfersRequest(state=pb.TRANSFER_STATE_PROPOSED)
    page = await money.auditor.ListTransfers(open_)
    assert [one.name for one in page.transfers] == [
        "transfers/c",
        "transfers/b",
        "transfers/third",
    ]


async def test_opposite_transfers_at_once_neither_block_nor_lose_money(money: MoneySide) -> None:
    await issued(money)
    ready: list[pb.Transfer] = []
    for number in range(40):
        giver, taker = (ENVELOPE, OTHER) if number % 2 else (OTHER, ENVELOPE)
        made: pb.Transfer = await money.person("fiona").ProposeTransfer(
            proposal(100, giver=giver, taker=taker)
        )
        ready.append(await money.person("fay").ApproveTransfer(approval(made)))
    olgas = [money.person("olga") for _ in ready]
    outcomes = await asyncio.gather(
        *(
            outcome(olga.ApproveTransfer(approval(one)))
            for olga, one in zip(olgas, ready, strict=True)
        )
    )
    assert set(outcomes) <= {"OK", "FUNDS_INSUFFICIENT"}
    first, second = await money.balances(), await money.balances(OTHER)
    assert first["available"] + second["available"] == 2_000_00
    assert min(first["available"], second["available"]) >= 0
    posted = [e for e in await money.entries() if e.kind == "transfer"]
    assert len(posted) == 2 * outcomes.count("OK")
    assert Counter(e.reference for e in posted) == Counter({e.reference: 2 for e in posted})


async def test_the_last_approval_at_once_posts_once(money: MoneySide) -> None:
    await issued(money, owner="people/fay")
    made: pb.Transfer = await money.person("fiona").ProposeTransfer(proposal())
    half: pb.Transfer = await money.person("fay").ApproveTransfer(approval(made))
    voices = [money.person(name, "budget-committee") for name in ("ada", "otto", "vera", "max")]
    outcomes = await asyncio.gather(
        *(outcome(one.ApproveTransfer(approval(half))) for one in voices)
    )
    assert sorted(outcomes) == ["OK", "STALE_ETAG", "STALE_ETAG", "STALE_ETAG"]
    assert (await money.balances())["available"] == 600_00


@ON_SQLITE
async def test_a_repeated_proposal_is_one(money: MoneySide) -> None:
    await issued(money)
    fiona, request = money.person("fiona"), proposal()
    first: pb.Transfer = await fiona.ProposeTransfer(request)
    assert await fiona.ProposeTransfer(request) == first
    request.amount.units += 1
    assert (await refused(fiona.ProposeTransfer(request))).reason == "REQUEST_ID_REUSED"
    assert first.name == f"transfers/{request.request_id}"


async def waiting(money: MoneySide, person: str, *roles: str, **request: Any) -> list[str]:
    """What waits for a person, as they ask for it themselves."""
    asked = pb.ListTransfersRequest(awaiting="people/-", **request)
    found: pb.ListTransfersResponse = await money.person(person, *roles).ListTransfers(asked)
    return [one.name for one in found.transfers]


async def test_each_owner_sees_what_waits_for_them_since_when_and_until_when(
    money: MoneySide,
) -> None:
    await issued(money)
    fiona, fay = money.person("fiona"), money.person("fay")
    made: pb.Transfer = await fiona.ProposeTransfer(proposal(400))
    for person in ("fay", "olga"):
        assert await waiting(money, person) == [made.name]
    for person in ("fiona", "ada"):
        assert await waiting(money, person) == []
    assert await waiting(money, "ada", "budget-committee") == [], "two owners need no third voice"
    wait = made.timetable
    assert wait.opened_at == made.proposed_at
    dates = [wait.opened_at, wait.nudge_at, wait.warn_at, wait.overdue_at, wait.second_at]
    assert dates == sorted(dates, key=lambda at: at.ToNanoseconds())
    assert wait.overdue_at.ToDatetime().isoformat() == "2027-01-07T15:00:00"  # FUND: P3D
    half: pb.Transfer = await fay.ApproveTransfer(approval(made))
    assert half.timetable == wait
    assert (await waiting(money, "fay"), await waiting(money, "olga")) == ([], [made.name])
    # Weeks after its last date it still waits: silence decides nothing.
    money.clock.set(wait.second_at.ToDatetime(tzinfo=UTC) + timedelta(days=60))
    assert await waiting(money, "olga") == [made.name]
    await money.person("olga").ApproveTransfer(approval(half))
    assert await waiting(money, "olga") == []


@ON_SQLITE
async def test_what_one_owner_approved_for_both_waits_for_the_committee(money: MoneySide) -> None:
    await issued(money, owner="people/fay")
    made: pb.Transfer = await money.person("fiona").ProposeTransfer(proposal(400))
    assert await waiting(money, "ada", "budget-committee") == []
    await money.person("fay").ApproveTransfer(approval(made))
    assert await waiting(money, "fay") == []
    assert await waiting(money, "fay", "budget-committee") == [], "one person is one voice"
    assert await waiting(money, "ada", "budget-committee") == [made.name]
    assert await waiting(money, "ada") == [], "only who sits on it"
    problem = await refused(
        money.auditor.ListTransfers(
            pb.ListTransfersRequest(awaiting="people/ada", state=pb.TRANSFER_STATE_POSTED)
        )
    )
    assert (problem.code, problem.violations[0].field) == ("INVALID_ARGUMENT", "state")


@ON_SQLITE
async def test_what_waits_is_listed_page_by_page_and_by_envelope(money: MoneySide) -> None:
    await issued(money)
    fiona = money.person("fiona")
    made = [(await fiona.ProposeTransfer(proposal(n))).name for n in (1, 2, 3)]
    found: list[str] = []
    token = ""
    while True:
        page: pb.ListTransfersResponse = await fiona.ListTransfers(
            pb.ListTransfersRequest(awaiting="people/olga", page_size=2, page_token=token)
        )
        found += [one.name for one in page.transfers]
        token = page.next_page_token
        if not token:
            break
    assert sorted(found) == sorted(made)
    assert len(await waiting(money, "olga", envelope=OTHER)) == 3
    assert await waiting(money, "olga", envelope="envelopes/none") == []
