"""Whatever people do with an envelope, the service agrees with a small model of it.

domain.md, Budget, invariants: checked after each step over a real socket, on both databases.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import grpc
from google.protobuf.message import Message
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.contract.budget.test_concurrency import postings
from tests.support.budget import MoneySide, Sweep, eur, money_side
from tests.support.clock import SettableClock
from tests.support.facts import revision
from tests.support.services import Realm, new_request_id

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.common.v1 import gate_pb2
from investiture.budget.ledger import balances_of
from investiture.casework import wire
from investiture.chassis.client import explain

CENTS = 100
APPROPRIATED = 12_000
PROGRAMS = ("one", "two", "three")
UNITS = st.integers(1, 6_000)
EXAMPLES, STEPS = 80, 25


@dataclass
class Promise:
    """What the model knows of a commitment, in whole euros."""

    made: pb.Commitment
    open_: int


@dataclass
class Account:
    """What the model knows of a program, in whole euros."""

    case: gate_pb2.GateCase
    asked: int
    funding: pb.Funding | None = None
    remaining: int = 0
    actual: int = 0
    promises: list[Promise] = field(default_factory=list[Promise])
    released: bool = False
    until: datetime | None = None
    """When the hold times out; None once that is settled."""

    @property
    def holds(self) -> bool:
        return self.funding is not None and not self.released


class Books(RuleBasedStateMachine):
    """One envelope, three programs; a refused act changes nothing, a repeated one neither."""

    def __init__(self, runner: asyncio.Runner, money: MoneySide, sweep: Sweep, number: int) -> None:
        super().__init__()
        self.sweep_once = sweep
        self.runner = runner
        self.money = money
        self.number = number
        self.envelope = f"envelopes/books-{number}"
        self.available = APPROPRIATED
        self.accounts: dict[str, Account] = {}
        self.last: tuple[Callable[[Any], Awaitable[Any]], Message, Message] | None = None
        self.run(self.money.issue(APPROPRIATED, self.envelope))

    def run(self, call: Awaitable[Any]) -> Any:
        async def wait() -> Any:
            return await call

        return self.runner.run(wait())

    def act(
        self, method: Callable[[Any], Awaitable[Any]], request: Message, refused: str = ""
    ) -> Any:
        """What a call answers; None where it is refused, as it should be, for that reason."""
        answer, reason = None, ""
        try:
            answer = self.run(method(request))
        except grpc.aio.AioRpcError as error:
            reason = explain(error).reason
        assert reason == refused
        if answer is not None:
            self.last = (method, request, answer)
        return answer

    def holding(self) -> list[str]:
        return [name for name, account in self.accounts.items() if account.holds]

    def open_promises(self) -> list[tuple[str, int]]:
        return [
            (name, place)
            for name in self.holding()
            for place, promise in enumerate(self.accounts[name].promises)
            if not promise.made.closed
        ]

    @rule(name=st.sampled_from(PROGRAMS), units=UNITS)
    def fund(self, name: str, units: int) -> None:
        account = self.accounts.get(name)
        if account is None:
            program = f"programs/{name}-{self.number}"
            facts = revision(program=program, amount_minor=units * CENTS)
            case = self.run(self.money.open(facts))
            account = Account(self.run(self.money.approve(case, "fiona")), units)
            self.accounts[name] = account
        if account.funding is not None:
            return
        request = pb.ReserveRequest(
            request_id=new_request_id(),
            name=account.case.name,
            etag=account.case.etag,
            envelope=self.envelope,
        )
        short = "FUNDS_INSUFFICIENT" if account.asked > self.available else ""
        funding = self.act(self.money.person("fay").Reserve, request, short)
        if funding is not None:
            account.funding, account.remaining = funding, account.asked
            account.until = wire.required_instant(funding.reservation, "expires_at")
            self.available -= account.asked

    @precondition(lambda self: self.holding())
    @rule(data=st.data(), units=UNITS)
    def commit(self, data: st.DataObject, units: int) -> None:
        account = self.accounts[data.draw(st.sampled_from(self.holding()))]
        assert account.funding is not None
        request = self.money.commitment(account.funding, units)
        short = "FUNDS_INSUFFICIENT" if units > account.remaining else ""
        short = "WRONG_STATE" if self.over(account) else short
        made = self.act(self.money.person("fiona").Commit, request, short)
        if made is not None:
            account.remaining -= units
            account.promises.append(Promise(made, units))

    @precondition(lambda self: self.open_promises())
    @rule(data=st.data(), units=st.integers(1, 4_000), final=st.booleans())
    def spend(self, data: st.DataObject, units: int, final: bool) -> None:
        name, place = data.draw(st.sampled_from(self.open_promises()))
        account = self.accounts[name]
        promise = account.promises[place]
        request = pb.RecordActualRequest(
            request_id=new_request_id(),
            name=promise.made.name,
            etag=promise.made.etag,
            amount=eur(units),
            invoice="2027-0001",
            final=final,
        )
        short = "FUNDS_INSUFFICIENT" if units > promise.open_ else ""
        made = self.act(self.money.person("fiona").RecordActual, request, short)
        if made is not None:
            self.settle(account)
            account.actual += units
            promise.open_ -= units
            if final:
                if self.over(account):
                    self.available += promise.open_
                else:
                    account.remaining += promise.open_
                promise.open_ = 0
            promise.made = made

    @precondition(lambda self: self.holding())
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        account = self.accounts[data.draw(st.sampled_from(self.holding()))]
        self.act(self.money.cases.ReleaseCase, self.money.releasing(account.case.program))
        self.available += account.remaining + sum(one.open_ for one in account.promises)
        account.remaining, account.released = 0, True
        for promise in account.promises:
            promise.open_ = 0

    @precondition(lambda self: self.holding())
    @rule(days=st.sampled_from((1, 30, 89)))
    def time_passes(self, days: int) -> None:
        self.money.clock.advance(timedelta(days=days))

    @rule()
    def sweep(self) -> None:
        self.run(self.sweep_once())
        for account in self.accounts.values():
            self.settle(account)

    def over(self, account: Account) -> bool:
        """Whether the hold has timed out, settled or not."""
        until = account.until
        return account.funding is not None and (until is None or until <= self.money.clock.now())

    def settle(self, account: Account) -> None:
        """What is free of a hold that has timed out goes back, once."""
        if account.until is not None and self.over(account) and not account.released:
            self.available += account.remaining
            account.remaining, account.until = 0, None

    @precondition(lambda self: self.last is not None)
    @rule()
    def repeat(self) -> None:
        assert self.last is not None
        method, request, answer = self.last
        assert self.run(method(request)) == answer

    @invariant()
    def the_service_holds_what_the_model_holds(self) -> None:
        accounts = self.accounts.values()
        expected = {
            "appropriated": APPROPRIATED,
            "available": self.available,
            "reserved": sum(one.remaining for one in accounts),
            "committed": sum(p.open_ for one in accounts for p in one.promises),
            "actual": sum(one.actual for one in accounts),
            "lapsed": 0,
        }
        found = self.run(self.money.balances(self.envelope))
        assert found == {name: units * CENTS for name, units in expected.items()}

    def teardown(self) -> None:
        entries = self.run(self.money.entries(envelope=self.envelope))
        summed = balances_of(postings(entries))
        found = self.run(self.money.balances(self.envelope))
        assert {name: getattr(summed, name) for name in found} == found
        sequences = [entry.sequence for entry in entries]
        assert sequences == sorted(set(sequences))


def test_an_envelope_agrees_with_its_model_after_every_step(
    realm: Realm, clock: SettableClock, database_url: str, sweeps: list[Sweep]
) -> None:
    numbers = count(1)
    with asyncio.Runner() as runner:
        closing = AsyncExitStack()
        serving = money_side(realm, clock, database_url)
        money = runner.run(closing.enter_async_context(serving))

        class Here(Books):
            def __init__(self) -> None:
                super().__init__(runner, money, sweeps[0], next(numbers))

        try:
            run_state_machine_as_test(
                Here,
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=STEPS,
                    deadline=None,
                    suppress_health_check=[HealthCheck.too_slow],
                ),
            )
        finally:
            runner.run(closing.aclose())
