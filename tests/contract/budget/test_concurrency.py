"""However many ask at once: an envelope is never over-committed (domain.md, Budget, invariants)."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

import grpc
import pytest
from tests.support.budget import ENVELOPE, MoneySide, eur
from tests.support.directory import scripted_directory
from tests.support.facts import revision
from tests.support.services import new_request_id, served

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.budget.__main__ import compose
from investiture.budget.ledger import Account, Kind, Posting, balances_of
from investiture.chassis.client import explain

CLIENTS = 16
T = TypeVar("T")
R = TypeVar("R")


async def shared_out(
    work: Sequence[T], stubs: Sequence[BudgetServiceStub], act: Callable[[Any, T], Awaitable[R]]
) -> list[R]:
    """Every piece of work done once, by as many clients at a time as there are stubs."""
    waiting = list(work)
    done: list[R] = []

    async def client(stub: BudgetServiceStub) -> None:
        while waiting:
            done.append(await act(stub, waiting.pop()))

    await asyncio.gather(*(client(stub) for stub in stubs))
    return done


async def outcome(call: Awaitable[Any]) -> str:
    """OK, or the reason of the refusal."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return explain(error).reason
    return "OK"


def stubs(money: MoneySide, name: str) -> list[BudgetServiceStub]:
    channels = [money.service.another_channel(f"people/{name}", "finance") for _ in range(CLIENTS)]
    return [BudgetServiceStub(channel) for channel in channels]


async def approved(money: MoneySide, count: int, amount_minor: int) -> list[gate_pb2.GateCase]:
    """That many programs, each with every approval it needs and no money yet."""

    async def ask(stub: BudgetServiceStub, number: int) -> gate_pb2.GateCase:
        facts = revision(program=f"programs/p{number}", amount_minor=amount_minor)
        reading: case_pb.CaseReading = await money.cases.OpenCase(money.opening(facts))
        case = reading.gate_case
        funding: pb.Funding = await stub.ApproveFunding(
            pb.ApproveFundingRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
        )
        return funding.gate_case

    return await shared_out(range(count), stubs(money, "fiona"), ask)


def reserving(case: gate_pb2.GateCase) -> pb.ReserveRequest:
    return pb.ReserveRequest(
        request_id=new_request_id(), name=case.name, etag=case.etag, envelope=ENVELOPE
    )


def postings(entries: Iterable[pb.LedgerEntry]) -> list[Posting]:
    return [
        Posting(
            envelope=entry.envelope,
            kind=Kind(entry.kind),
            debit=Account(pb.Account.Name(entry.debit).removeprefix("ACCOUNT_")),
            credit=Account(pb.Account.Name(entry.credit).removeprefix("ACCOUNT_")),
            amount_minor=entry.amount.units * 100 + entry.amount.nanos // 10_000_000,
        )
        for entry in entries
    ]


async def assert_balanced(money: MoneySide) -> None:
    """The envelope's row is the sum of its entries, whose sequence has no hole."""
    entries = await money.entries()
    assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
    summed = balances_of(postings(entries))
    assert {name: getattr(summed, name) for name in await money.balances()} == (
        await money.balances()
    )


async def test_of_200_reservations_at_once_exactly_as_many_succeed_as_there_is_money_for(
    money: MoneySide,
) -> None:
    await money.issue(1_000_000)  # ⌊1,000,000 / 9,000⌋ = 111, and 1,000 are left
    cases = await approved(money, 200, 9_000_00)
    outcomes = await shared_out(
        cases, stubs(money, "fay"), lambda stub, case: outcome(stub.Reserve(reserving(case)))
    )
    assert Counter(outcomes) == {"OK": 111, "FUNDS_INSUFFICIENT": 89}
    balances = await money.balances()
    assert (balances["reserved"], balances["available"]) == (999_000_00, 1_000_00)
    await assert_balanced(money)


@pytest.mark.parametrize("database", ["postgresql"])
async def test_two_replicas_share_one_envelope(money: MoneySide, database_url: str) -> None:
    await money.issue(200_000)  # ⌊200,000 / 9,000⌋ = 22
    cases = await approved(money, 60, 9_000_00)
    async with (
        scripted_directory(money.clock) as (_, at),
        served(compose, "budget", money.realm, database_url, peers={"sponsorship": at}) as twin,
    ):
        here = stubs(money, "fay")[: CLIENTS // 2]
        there = [BudgetServiceStub(twin.another_channel("people/fay", "finance")) for _ in here]
        outcomes = await shared_out(
            cases, here + there, lambda stub, case: outcome(stub.Reserve(reserving(case)))
        )
    assert Counter(outcomes) == {"OK": 22, "FUNDS_INSUFFICIENT": 38}
    await assert_balanced(money)


async def test_of_many_confirmations_of_one_program_one_reserves(money: MoneySide) -> None:
    await money.issue(1_000_000)
    (case,) = await approved(money, 1, 9_000_00)
    outcomes = await shared_out(
        [case] * 40, stubs(money, "fay"), lambda stub, one: outcome(stub.Reserve(reserving(one)))
    )
    assert Counter(outcomes) == {"OK": 1, "STALE_ETAG": 39}
    assert (await money.balances())["reserved"] == 9_000_00
    await assert_balanced(money)


async def test_of_many_openings_of_one_program_one_opens_the_case(money: MoneySide) -> None:
    facts = revision(amount_minor=9_000_00)

    async def open_case(_: BudgetServiceStub, __: int) -> str:
        return await outcome(money.cases.OpenCase(money.opening(facts)))

    outcomes = Counter(await shared_out(range(40), stubs(money, "fiona"), open_case))
    assert set(outcomes) <= {"OK", "STALE_ETAG"}
    assert (await money.open(facts)).round == 1


async def test_one_request_sent_many_times_at_once_reserves_once(money: MoneySide) -> None:
    await money.issue(1_000_000)
    (case,) = await approved(money, 1, 9_000_00)
    request = reserving(case)
    answers = await asyncio.gather(*(stub.Reserve(request) for stub in stubs(money, "fay")))
    assert all(answer == answers[0] for answer in answers)
    assert len(await money.entries()) == 2


async def test_commitments_spend_and_the_end_of_programs_at_once_conserve_the_money(
    money: MoneySide,
) -> None:
    await money.issue(1_000_000)
    cases = await approved(money, 8, 9_000_00)
    fundings = [await money.reserve(case) for case in cases]
    fiona = stubs(money, "fiona")

    async def spend(stub: BudgetServiceStub, number: int) -> str:
        funding = fundings[number % len(fundings)]
        if number % 40 == 39:
            ended = money.releasing(funding.gate_case.program)
            return await outcome(money.cases.ReleaseCase(ended))
        try:
            vendor = f"agency {number % len(fundings)}"  # one for all would be a split request
            request = money.commitment(funding, 1_000, vendor=vendor)
            made: pb.Commitment = await stub.Commit(request)
            await stub.RecordActual(
                pb.RecordActualRequest(
                    request_id=new_request_id(),
                    name=made.name,
                    etag=made.etag,
                    amount=eur(number % 1_000),
                    final=True,
                )
            )
        except grpc.aio.AioRpcError as error:
            return explain(error).reason
        return "OK"

    outcomes = Counter(await shared_out(range(160), fiona, spend))
    assert set(outcomes) <= {"OK", "FUNDS_INSUFFICIENT", "WRONG_STATE", "STALE_ETAG"}
    await assert_balanced(money)
    balances = await money.balances()
    assert balances["committed"] == 0
