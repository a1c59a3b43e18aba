"""Whatever people do with six envelopes over two years, the service agrees with a small model.

Transfers in two currencies, corrections, the close of a year and what comes late after it; the
invariants of domain.md (Budget) are checked after each step over a real socket, on both databases.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from fractions import Fraction
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.support.budget import MoneySide, money_side
from tests.support.clock import SettableClock
from tests.support.facts import revision
from tests.support.services import Realm, new_request_id
from tests.support.transfers import approval, exchange, proposal
from tests.support.two_years import (
    EXPONENTS,
    Actual,
    Pot,
    Program,
    Promise,
    another,
    minor_of,
    money_of,
    near,
    posting_of,
)
from tests.support.years import CARRY_ALL, CARRY_COMMITTED, LAPSE, close, closing, late

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.budget.v1 import fiscal_years_pb2 as fiscal
from investiture.api.budget.v1 import transfers_pb2 as transfers
from investiture.budget.ledger import Account, Balances
from investiture.chassis.client import explain

YEAR = 2026
EXAMPLES, STEPS = 12, 100
PLACES = ("a", "b", "yen")
OWNERS = {"a": "fay", "b": "olga", "yen": "olga"}
PROGRAMS = ("one", "two", "three", "four")
ISSUED = {"EUR": 8_000_00, "JPY": 900_000}
RATES = {("EUR", "JPY"): "161.375", ("JPY", "EUR"): "0.0061967"}


class TwoYears(RuleBasedStateMachine):
    """A refused act changes nothing; each has the one reason that the model expects."""

    def __init__(
        self, runner: asyncio.Runner, serving: AbstractAsyncContextManager[MoneySide]
    ) -> None:
        super().__init__()
        self.runner, self.closing = runner, AsyncExitStack()
        self.money = money = self.run(self.closing.enter_async_context(serving))
        self.steps, self.close_at = 0, STEPS
        self.pots: dict[tuple[str, int], Pot] = {}
        self.programs: dict[str, Program] = {}
        for place in PLACES:
            for one in (YEAR, YEAR + 1):
                currency = "JPY" if place == "yen" else "EUR"
                pot = Pot(f"envelopes/{place}-{one}", place, currency, Counter())
                pot.move(ISSUED[currency], "", "available")
                self.pots[place, one] = pot
                self.run(
                    money.issue(
                        name=pot.name,
                        fiscal_year=one,
                        owner=f"people/{OWNERS[place]}",
                        appropriation=money_of(ISSUED[currency], currency),
                    )
                )

    def run(self, call: Awaitable[Any]) -> Any:
        async def wait() -> Any:
            return await call

        return self.runner.run(wait())

    def act(
        self, method: Callable[[Any], Awaitable[Any]], request: Message, refused: str = ""
    ) -> Any:
        answer, reason = None, ""
        try:
            answer = self.run(method(request))
        except grpc.aio.AioRpcError as error:
            reason = explain(error).reason
        assert reason == refused
        return answer

    def newest(self, pot: Pot) -> int:
        """The sequence of the last entry of an envelope."""
        return int(self.run(self.money.entries(envelope=pot.name))[-1].sequence)

    def refresh(self, program: Program) -> None:
        """Sees what became of a program's commitments, in the round that reserved last."""
        assert program.funding is not None
        name = program.funding.gate_case.name
        found = self.run(self.money.auditor.GetFunding(pb.GetFundingRequest(name=name)))
        known = {one.name: one for one in found.reservation.commitments}
        for promise in program.promises:
            promise.made.CopyFrom(known[promise.made.name])
            assert minor_of(promise.made.lapsed) == promise.lapsed

    def held(self) -> list[str]:
        return [name for name, one in self.programs.items() if one.state == "held"]

    def promises(self, wanted: Callable[[Program, Promise], bool]) -> list[tuple[str, int]]:
        return [
            (name, place)
            for name, program in self.programs.items()
            for place, promise in enumerate(program.promises)
            if wanted(program, promise)
        ]

    @property
    def closed(self) -> bool:
        return self.pots["a", YEAR].closed

    def transfer(self, data: st.DataObject) -> None:
        ends = data.draw(st.permutations(PLACES))
        later = data.draw(st.booleans())
        taken_later = later if data.draw(st.integers(0, 9)) < 9 else not later
        giver, taker = (
            self.pots[ends[0], YEAR + later],
            self.pots[ends[1], YEAR + taken_later],
        )
        minor = near(data, giver.held["available"])
        request = proposal(
            giver=giver.name, taker=taker.name, amount=money_of(minor, giver.currency)
        )
        taken = minor
        if giver.currency != taker.currency:
            rate = RATES[giver.currency, taker.currency]
            request.exchange.CopyFrom(exchange(rate=rate, quoted_on="2026-12-31"))
            shift = EXPONENTS[taker.currency] - EXPONENTS[giver.currency]
            taken = round(minor * Fraction(rate) * Fraction(10) ** shift)
        refused = ""
        if later != taken_later:
            refused = "INVALID_FIELD"
        elif not taken:
            refused = "INVALID_AMOUNT"
        elif giver.closed:
            refused = "WRONG_STATE"
        elif minor > giver.held["available"]:
            refused = "FUNDS_INSUFFICIENT"
        made = self.act(self.money.person("fiona").ProposeTransfer, request, refused)
        if made is None:
            return
        first, second = (
            self.money.person(OWNERS[giver.place]),
            self.money.person(OWNERS[taker.place]),
        )
        made = self.act(first.ApproveTransfer, approval(made))
        if giver.place != taker.place and OWNERS[giver.place] == OWNERS[taker.place]:
            second = self.money.committee
        made = self.act(second.ApproveTransfer, approval(made))
        assert made.state == transfers.TRANSFER_STATE_POSTED
        assert minor_of(made.taken) == taken
        giver.move(minor, "available", "")
        taker.move(taken, "", "available")

    def fund(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(PROGRAMS))
        place, later = data.draw(st.sampled_from(("a", "b"))), data.draw(st.booleans())
        program = self.programs.get(name)
        if program is not None and program.state in ("held", "ended"):
            return
        asked = data.draw(st.integers(1, 6_000_00)) if program is None else program.asked
        if program is None or program.state == "lapsed":
            facts = revision(program=f"programs/{name}-{YEAR}", amount_minor=asked)
            case = self.run(self.money.approve(self.run(self.money.open(facts)), "fiona"))
            if program is None:
                program = self.programs[name] = Program(asked, case)
            program.case, program.state = case, "asking"
        pot, need = self.pots[place, YEAR + later], asked - program.spent
        refused = ""
        if pot.closed:
            refused = "WRONG_STATE"
        elif need > pot.held["available"]:
            refused = "FUNDS_INSUFFICIENT"
        request = pb.ReserveRequest(
            request_id=new_request_id(),
            name=program.case.name,
            etag=program.case.etag,
            envelope=pot.name,
        )
        funding = self.act(self.money.person("fay").Reserve, request, refused)
        if funding is not None:
            program.funding, program.pot, program.state = funding, pot, "held"
            program.remaining = need
            pot.move(need, "available", "reserved")

    def commit(self, data: st.DataObject) -> None:
        program = self.programs[data.draw(st.sampled_from(self.held()))]
        assert program.funding is not None
        assert program.pot is not None
        minor = near(data, program.remaining)
        amount = money_of(minor, "EUR")
        request = self.money.commitment(program.funding, 1, amount=amount)
        short = "FUNDS_INSUFFICIENT" if minor > program.remaining else ""
        made = self.act(self.money.person("fiona").Commit, request, short)
        if made is not None:
            program.remaining -= minor
            program.promises.append(Promise(made, minor))
            program.pot.move(minor, "reserved", "committed")

    def spend(self, data: st.DataObject) -> None:
        final = not data.draw(st.integers(0, 3))
        open_ = self.promises(lambda _, one: not one.made.closed)
        name, place = data.draw(st.sampled_from(open_))
        program = self.programs[name]
        promise, pot = program.promises[place], program.pot
        assert pot is not None
        minor = near(data, promise.open_)
        request = pb.RecordActualRequest(
            request_id=new_request_id(),
            name=promise.made.name,
            etag=promise.made.etag,
            amount=money_of(minor, "EUR"),
            final=final,
        )
        short = "FUNDS_INSUFFICIENT" if minor > promise.open_ else ""
        made = self.act(self.money.person("fiona").RecordActual, request, short)
        if made is None:
            return
        promise.made = made
        promise.open_ -= minor
        pot.move(minor, "committed", "actual")
        last = self.newest(pot)
        back = promise.open_ if final else 0
        promise.actuals.append(Actual(last - (1 if back else 0), pot, minor))
        promise.open_ -= back
        program.remaining += back
        pot.move(back, "committed", "reserved")

    def correct(self, data: st.DataObject) -> None:
        spent = self.promises(lambda _, one: bool(one.actuals))
        name, place = data.draw(st.sampled_from(spent))
        program = self.programs[name]
        promise = program.promises[place]
        actual = data.draw(st.sampled_from(promise.actuals))
        minor = near(data, actual.left)
        refused = ""
        if minor > actual.left:
            refused = "FUNDS_INSUFFICIENT"
        elif actual.pot.closed:
            refused = "WRONG_STATE"
        request = pb.CorrectActualRequest(
            request_id=new_request_id(),
            name=promise.made.name,
            etag=promise.made.etag,
            entry=actual.sequence,
            amount=money_of(minor, "EUR"),
            reason="a slip",
        )
        done = self.act(self.money.person("felix").CorrectActual, request, refused)
        if done is None:
            return
        promise.made = done.corrected
        actual.left -= minor
        elsewhere = actual.pot is not program.pot or program.state != "held"
        if elsewhere:
            actual.pot.move(minor, "actual", "available")
        elif promise.made.closed:
            actual.pot.move(minor, "actual", "reserved")
            program.remaining += minor
        else:
            actual.pot.move(minor, "actual", "committed")
            promise.open_ += minor

    def end(self, data: st.DataObject) -> None:
        program = self.programs[data.draw(st.sampled_from(self.held()))]
        assert program.pot is not None
        self.act(self.money.cases.ReleaseCase, self.money.releasing(program.case.program))
        program.pot.move(program.remaining, "reserved", "available")
        program.remaining, program.state = 0, "ended"
        for promise in program.promises:
            program.pot.move(promise.open_, "committed", "available")
            promise.open_ = 0
        self.refresh(program)

    def close_the_year(self, data: st.DataObject) -> None:
        rules = data.draw(st.tuples(*[st.sampled_from((LAPSE, CARRY_COMMITTED, CARRY_ALL))] * 3))
        caps = data.draw(st.tuples(*[st.none() | st.integers(0, 9_000_00)] * 3))
        said: list[fiscal.EnvelopeClosing] = []
        for place, how, cap in zip(PLACES, rules, caps, strict=True):
            old, new = self.pots[place, YEAR], self.pots[place, YEAR + 1]
            one = closing(how, old.name, successor=new.name)
            if how == CARRY_ALL and cap is not None:
                one.cap.CopyFrom(money_of(cap, old.currency))
            said.append(one)
            self.follow(old, new, how, cap)
        self.run(close(self.money, *said, name=f"fiscalYears/{YEAR}"))
        for program in self.programs.values():
            if program.promises:
                self.refresh(program)

    def follow(self, old: Pot, new: Pot, how: Any, cap: int | None) -> None:
        """What the model makes of one envelope's close."""
        old.closed = True
        free = old.held["available"]
        kept = 0 if how != CARRY_ALL else free if cap is None else min(free, cap)
        old.move(free - kept, "available", "lapsed")
        old.move(kept, "available", "")
        new.move(kept, "", "available")
        for program in self.programs.values():
            if program.state != "held" or program.pot is not old:
                continue
            owed = sum(one.open_ for one in program.promises)
            if how == LAPSE:
                old.move(program.remaining, "reserved", "lapsed")
                old.move(owed, "committed", "lapsed")
                if program.remaining + owed:
                    program.remaining, program.state = 0, "lapsed"
                    for promise in program.promises:
                        promise.lapsed, promise.open_ = promise.open_, 0
                        promise.lapsed_in = old
                continue
            for minor, account in ((program.remaining, "reserved"), (owed, "committed")):
                old.move(minor, account, "")
                new.move(minor, "", account)
            program.pot = new

    def roll_forward(self, data: st.DataObject) -> None:
        waiting = self.promises(lambda _, one: one.lapsed > 0)
        name, place = data.draw(st.sampled_from(waiting))
        program = self.programs[name]
        promise = program.promises[place]
        assert promise.lapsed_in is not None
        pot = self.pots[promise.lapsed_in.place, YEAR + 1]
        account = "available"
        if program.state == "held":
            assert program.pot is not None
            pot, account = program.pot, "reserved"
        room = program.remaining if program.state == "held" else pot.held["available"]
        minor = near(data, min(promise.lapsed, room))
        short = "FUNDS_INSUFFICIENT" if minor > min(promise.lapsed, room) else ""
        request = late(promise.made, 1, amount=money_of(minor, "EUR"), spent_on=f"{YEAR}-06-30")
        made = self.act(self.money.person(OWNERS[pot.place]).RollForwardActual, request, short)
        if made is None:
            return
        promise.lapsed -= minor
        pot.move(minor, account, "actual")
        if program.state == "held":
            program.remaining -= minor
        # Who rolled it forward does not correct it, so felix may.
        program.promises.append(Promise(made, 0, actuals=[Actual(self.newest(pot), pot, minor)]))
        self.refresh(program)

    @rule(data=st.data())
    def act_once(self, data: st.DataObject) -> None:
        """One act of those that make sense now; the year closes when its hour has come."""
        self.steps += 1
        if self.steps >= self.close_at and not self.closed:
            return self.close_the_year(data)
        can: dict[Callable[[st.DataObject], None], int] = {self.transfer: 2, self.fund: 3}
        if self.held():
            can |= {self.commit: 3, self.end: 1 if self.steps % 7 == 0 else 0}
        if self.promises(lambda _, one: not one.made.closed):
            can[self.spend] = 5
        if self.promises(lambda _, one: bool(one.actuals)):
            can[self.correct] = 3
        if self.promises(lambda _, one: one.lapsed > 0):
            can[self.roll_forward] = 4
        acts = [act for act, weight in can.items() for _ in range(weight)]
        return data.draw(st.sampled_from(acts))(data)

    @initialize(close_at=st.integers(15, 60))
    def choose_when_to_close(self, close_at: int) -> None:
        self.close_at = close_at

    @invariant()
    def the_service_holds_what_the_model_holds(self) -> None:
        page = self.run(self.money.auditor.ListEnvelopes(pb.ListEnvelopesRequest()))
        envelopes = {one.name: one for one in page.envelopes}
        for pot in self.pots.values():
            read = envelopes[pot.name]
            found = {
                account.name: minor_of(getattr(read.balances, account.name))
                for account in read.balances.DESCRIPTOR.fields
            }
            held = {name: pot.held[name] for name in found if name != "appropriated"}
            assert found == {"appropriated": sum(held.values()), **held}, pot.name
            assert read.closed == pot.closed

    def teardown(self) -> None:
        mine = {pot.name for pot in self.pots.values()}
        balances: defaultdict[str, Balances] = defaultdict(Balances)
        outside: Counter[tuple[str, Account]] = Counter()
        for entry in self.run(self.money.entries()):
            if entry.envelope not in mine:
                continue
            posting = posting_of(entry)
            # Every prefix adds up, or Balances refuses to be.
            balances[entry.envelope] = balances[entry.envelope].after(posting)
            currency = entry.amount.currency_code
            outside[currency, posting.debit] -= posting.amount_minor
            outside[currency, posting.credit] += posting.amount_minor
        for pot in self.pots.values():
            assert balances[pot.name].available == pot.held["available"]
        for currency in EXPONENTS:
            sums = [minor for (one, _), minor in outside.items() if one == currency]
            assert sum(sums) == 0
            assert outside[currency, Account.TRANSIT] == 0
        self.run(self.closing.aclose())


@pytest.mark.timeout(400)  # thousands of steps over gRPC: a minute alone, more beside others
def test_two_years_agree_with_their_model_after_every_step(
    realm: Realm, clock: SettableClock, database_url: str
) -> None:
    with asyncio.Runner() as runner:

        class Here(TwoYears):
            def __init__(self) -> None:
                super().__init__(runner, money_side(realm, clock, another(database_url)))

        run_state_machine_as_test(
            Here,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
                phases=(Phase.generate,),
            ),
        )
