"""Statements of an envelope and of a program at any past instant, over a real socket."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from tests.support.budget import ENVELOPE, ON_SQLITE, MoneySide, eur, refused
from tests.support.facts import revision
from tests.support.services import new_request_id
from tests.support.transfers import OTHER, proposal, transferred
from tests.support.years import CARRY_COMMITTED, NEW, OLD, close, closing, two_years

from investiture.api.budget.v1 import budget_service_pb2 as pb

PROGRAM = "programs/community"
ACCOUNTS = ("available", "reserved", "committed", "actual", "lapsed")


def stamp(at: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(at)
    return made


def units(balances: pb.Balances, names: Iterable[str] = ACCOUNTS) -> dict[str, int]:
    held = {name: int(getattr(balances, name).units) for name in names}
    return {name: value for name, value in held.items() if value}


async def statement(money: MoneySide, name: str, **values: Any) -> pb.Statement:
    found: pb.Statement = await money.auditor.GetStatement(
        pb.GetStatementRequest(name=name, **values)
    )
    return found


async def history(money: MoneySide) -> list[datetime]:
    """An envelope that is issued, reserved in, committed and spent from, an hour apart."""
    instants = [money.clock.now()]

    def later() -> None:
        instants.append(money.clock.now())
        money.clock.advance(timedelta(hours=1))

    await money.issue(100_000)
    later()
    funding = await money.funded(revision(amount_minor=9_000_00), "fiona")
    later()
    made: pb.Commitment = await money.person("fiona").Commit(money.commitment(funding, 5_000))
    later()
    await money.person("fiona").RecordActual(
        pb.RecordActualRequest(
            request_id=new_request_id(),
            name=made.name,
            etag=made.etag,
            amount=eur(4_000),
            final=True,
        )
    )
    later()
    await money.cases.ReleaseCase(money.releasing(PROGRAM))
    later()
    return instants[1:]


async def test_an_envelope_reads_at_every_instant_as_it_was(money: MoneySide) -> None:
    instants = await history(money)
    expected = [
        {"available": 100_000},
        {"available": 91_000, "reserved": 9_000},
        {"available": 91_000, "reserved": 4_000, "committed": 5_000},
        {"available": 91_000, "reserved": 5_000, "actual": 4_000},
        {"available": 96_000, "actual": 4_000},
    ]
    for at, held in zip(instants, expected, strict=True):
        found = await statement(money, ENVELOPE, at=stamp(at))
        assert units(found.closing[0].balances) == held
        assert found.closing[0].balances.appropriated == eur(100_000)
        assert found.at.ToDatetime(tzinfo=at.tzinfo) == at
        assert units(found.lines[-1].balances) == held
        before = await statement(money, ENVELOPE, at=stamp(at - timedelta(microseconds=1)))
        assert units(before.closing[0].balances) != held
    now = await statement(money, ENVELOPE)
    assert units(now.closing[0].balances) == expected[-1]
    assert len(now.lines) == 6
    nothing = await statement(money, ENVELOPE, at=stamp(instants[0] - timedelta(days=1)))
    assert (units(nothing.closing[0].balances), list(nothing.lines)) == ({}, [])


async def test_a_program_reads_at_every_instant_in_each_of_its_envelopes(money: MoneySide) -> None:
    instants = await history(money)
    other = await money.funded(
        revision(2, program="programs/other", amount_minor=1_000_00), "fiona"
    )
    assert other.reservation.envelope == ENVELOPE
    expected = [
        {},
        {"reserved": 9_000},
        {"reserved": 4_000, "committed": 5_000},
        {"reserved": 5_000, "actual": 4_000},
        {"actual": 4_000},
    ]
    for at, held in zip(instants, expected, strict=True):
        found = await statement(money, PROGRAM, at=stamp(at))
        (closing,) = found.closing
        assert (closing.envelope, units(closing.balances)) == (ENVELOPE, held)
        assert not closing.balances.HasField("available")
        assert {line.entry.program for line in found.lines} <= {PROGRAM}
        if held:
            assert units(found.lines[-1].balances) == held


async def test_money_moved_to_another_envelope_is_read_in_both(money: MoneySide) -> None:
    await money.issue()
    await money.issue(name="envelopes/other")
    funding = await money.funded(revision(amount_minor=9_000_00), "fiona")
    money.clock.advance(timedelta(hours=1))
    more = revision(2, amount_minor=12_000_00)
    case = await money.approve(await money.open(more), "fiona", "finn")
    await money.reserve(case, envelope="envelopes/other")
    found = await statement(money, PROGRAM)
    assert [(one.envelope, units(one.balances)) for one in found.closing] == [
        (ENVELOPE, {}),
        ("envelopes/other", {"reserved": 12_000}),
    ]
    assert funding.reservation.envelope == ENVELOPE


async def test_a_span_opens_with_what_was_there_and_shows_what_came_after(money: MoneySide) -> None:
    instants = await history(money)
    found = await statement(money, ENVELOPE, since=stamp(instants[1]), at=stamp(instants[3]))
    assert units(found.opening[0].balances) == {"available": 91_000, "reserved": 9_000}
    assert [line.entry.kind for line in found.lines] == ["commit", "actual", "uncommit"]
    assert units(found.closing[0].balances) == {
        "available": 91_000,
        "reserved": 5_000,
        "actual": 4_000,
    }


async def test_pages_are_of_one_span_whatever_is_posted_meanwhile(money: MoneySide) -> None:
    await history(money)
    whole = await statement(money, ENVELOPE)
    lines: list[pb.StatementLine] = []
    token = ""
    while True:
        page = await statement(money, ENVELOPE, page_size=2, page_token=token)
        assert (page.closing, page.at) == (whole.closing, whole.at)
        lines += page.lines
        token = page.next_page_token
        if not token:
            break
        money.clock.advance(timedelta(hours=1))
        name = f"envelopes/more-{len(lines)}"
        await money.issue(name=name)
        await money.funded(revision(program=f"programs/p{len(lines)}", amount_minor=1_00), "fiona")
    assert lines == list(whole.lines)


async def test_instants_never_go_back_from_one_entry_to_the_next(money: MoneySide) -> None:
    await money.issue()
    money.clock.advance(timedelta(hours=-1))
    await money.issue(name="envelopes/earlier")
    first, second = await money.entries()
    assert second.posted_at.ToDatetime() >= first.posted_at.ToDatetime()


@ON_SQLITE
async def test_what_is_to_come_or_unknown_has_no_statement(money: MoneySide) -> None:
    await money.issue()
    later = stamp(money.clock.now() + timedelta(seconds=1))
    problem = await refused(statement(money, ENVELOPE, at=later))
    assert [v.field for v in problem.violations] == ["at"]
    now = stamp(money.clock.now())
    early = stamp(money.clock.now() - timedelta(days=1))
    problem = await refused(statement(money, ENVELOPE, since=now, at=early))
    assert [v.field for v in problem.violations] == ["since"]
    for name in ("envelopes/none", "programs/none"):
        assert (await refused(statement(money, name))).code == "NOT_FOUND"
    problem = await refused(statement(money, "people/fay"))
    assert [v.field for v in problem.violations] == ["name"]


@ON_SQLITE
@pytest.mark.parametrize("seconds", [-1, 253402300800])
async def test_an_instant_outside_the_calendar_is_a_wrong_field(
    money: MoneySide, seconds: int
) -> None:
    await money.issue()
    problem = await refused(statement(money, ENVELOPE, at=Timestamp(seconds=seconds)))
    assert (problem.code, [v.field for v in problem.violations]) == ("INVALID_ARGUMENT", ["at"])


async def test_a_close_of_the_year_is_read_on_both_sides_of_it(money: MoneySide) -> None:
    await two_years(money)
    funding = await money.funded(revision(amount_minor=9_000_00), "fiona", envelope=OLD)
    await money.person("fiona").Commit(money.commitment(funding, 1_000))
    money.clock.advance(timedelta(seconds=1))
    before = money.clock.now() - timedelta(microseconds=1)
    await close(money, closing(CARRY_COMMITTED))
    found = await statement(money, PROGRAM)
    held = {one.envelope: units(one.balances) for one in found.closing}
    assert held == {OLD: {}, NEW: {"reserved": 8_000, "committed": 1_000}}
    earlier = await statement(money, PROGRAM, at=stamp(before))
    held = {one.envelope: units(one.balances) for one in earlier.closing}
    assert held == {OLD: {"reserved": 8_000, "committed": 1_000}, NEW: {}}
    for name in (OLD, NEW):
        whole = await statement(money, name)
        envelope: pb.Envelope = await money.auditor.GetEnvelope(pb.GetEnvelopeRequest(name=name))
        assert whole.closing[0].balances == envelope.balances
    more = await money.open(revision(2, amount_minor=9_900_00))
    assert (more.round, more.notices[0].changes[-1]) == (1, f"900.00 EUR more reserved in {NEW}")


async def test_money_given_to_another_envelope_is_on_both_statements(money: MoneySide) -> None:
    await money.issue()
    await money.issue(name=OTHER, owner="people/olga")
    await transferred(money, proposal(400))
    for name, left in ((ENVELOPE, 999_600), (OTHER, 1_000_400)):
        whole = await statement(money, name)
        assert units(whole.closing[0].balances) == {"available": left}
        assert whole.closing[0].balances.appropriated == eur(left)
        assert whole.lines[-1].entry.kind == "transfer"
        assert whole.lines[-1].balances == whole.closing[0].balances
