"""What was booked wrongly is mended by new entries that say what they mend, and never twice."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from google.type.money_pb2 import Money
from tests.contract.budget.test_concurrency import outcome
from tests.contract.budget.test_spend import actual, latest
from tests.support.budget import ENVELOPE, ON_SQLITE, MoneySide, eur, refused
from tests.support.facts import revision
from tests.support.services import new_request_id
from tests.support.years import LAPSE, NEW, OLD, close, closing, late, two_years

from investiture.api.budget.v1 import budget_service_pb2 as pb

SMALL = 9_000_00
OTHER = "programs/other"


async def spent(
    money: MoneySide, units: int = 120, *, final: bool = False
) -> tuple[pb.Funding, pb.Commitment]:
    """A program with a commitment of 1,000 from which fiona spent; its actual is entry 4."""
    await money.issue()
    funding = await money.funded(revision(amount_minor=SMALL), "fiona")
    fiona = money.person("fiona")
    made: pb.Commitment = await fiona.Commit(money.commitment(funding, 1_000))
    return funding, await fiona.RecordActual(actual(made, units, final=final))


def correction(made: pb.Commitment, units: int, **changes: Any) -> pb.CorrectActualRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": made.name,
        "etag": made.etag,
        "entry": 4,
        "amount": eur(units),
        "reason": "the invoice said 100",
    }
    return pb.CorrectActualRequest(**{**values, **changes})


async def corrected(money: MoneySide, request: pb.CorrectActualRequest) -> pb.CorrectActualResponse:
    done: pb.CorrectActualResponse = await money.person("felix").CorrectActual(request)
    return done


async def parts(money: MoneySide, envelope: str = ENVELOPE) -> tuple[int, int, int, int]:
    """What is available, reserved, committed and spent, in whole euros."""
    held = await money.balances(envelope)
    return (
        held["available"] // 100,
        held["reserved"] // 100,
        held["committed"] // 100,
        held["actual"] // 100,
    )


async def test_an_actual_that_was_too_much_goes_back_to_its_open_commitment(
    money: MoneySide,
) -> None:
    _, made = await spent(money)
    before = await money.entries()
    done = await corrected(money, correction(made, 20))
    assert (done.corrected.actual, done.HasField("rebooked")) == (eur(100), False)
    assert await parts(money) == (991_000, 8_000, 900, 100)
    after = await money.entries()
    assert after[: len(before)] == before
    (entry,) = after[len(before) :]
    assert (entry.kind, entry.corrects, entry.commitment) == ("correct", 4, made.name)
    assert (entry.debit, entry.credit) == (pb.ACCOUNT_ACTUAL, pb.ACCOUNT_COMMITTED)
    assert (entry.actor, list(done.entries)) == ("people/felix", [entry])


async def test_an_actual_of_a_closed_commitment_goes_back_to_what_is_reserved(
    money: MoneySide,
) -> None:
    _, made = await spent(money, final=True)
    done = await corrected(money, correction(made, 20))
    assert (done.corrected.closed, done.corrected.actual) == (True, eur(100))
    assert await parts(money) == (991_000, 8_900, 0, 100)
    assert [(e.kind, e.corrects) for e in done.entries] == [("correct", 4), ("uncommit", 4)]
    assert (await latest(money)).reservation.remaining == eur(8_900)


async def test_an_actual_of_a_released_program_goes_back_to_what_is_available(
    money: MoneySide,
) -> None:
    await spent(money)
    await money.cases.ReleaseCase(money.releasing("programs/community"))
    (made,) = (await latest(money)).reservation.commitments
    done = await corrected(money, correction(made, 120))
    assert await parts(money) == (1_000_000, 0, 0, 0)
    assert [e.kind for e in done.entries] == ["correct", "release"]
    reservation = (await latest(money)).reservation
    assert (reservation.actual, reservation.released) == (eur(0), eur(9_000))


async def test_what_was_spent_in_an_older_rounds_envelope_goes_back_there(
    money: MoneySide,
) -> None:
    _, _ = await spent(money, final=True)
    await money.issue(name="envelopes/newer")
    case = await money.open(revision(2, amount_minor=9_950_00))
    await money.reserve(await money.approve(case, "fiona"), envelope="envelopes/newer")
    (made,) = (await latest(money)).reservation.commitments
    await corrected(money, correction(made, 20))
    assert await parts(money) == (999_900, 0, 0, 100)
    reservation = (await latest(money)).reservation
    assert (reservation.actual, reservation.released) == (eur(100), eur(20))


async def test_an_actual_is_booked_on_another_commitment_also_of_another_program(
    money: MoneySide,
) -> None:
    funding, made = await spent(money)
    fiona = money.person("fiona")
    second: pb.Commitment = await fiona.Commit(money.commitment(funding, 500))
    other = await money.funded(revision(program=OTHER, amount_minor=SMALL), "fiona")
    third: pb.Commitment = await fiona.Commit(money.commitment(other, 200))
    request = correction(made, 70, rebook_to=second.name, rebook_etag=second.etag)
    done = await corrected(money, request)
    assert (done.corrected.actual, done.rebooked.actual) == (eur(50), eur(70))
    assert [(e.kind, e.program, e.commitment, e.corrects, e.reference) for e in done.entries] == [
        ("correct", "programs/community", made.name, 4, made.name),
        ("actual", "programs/community", second.name, 4, "2027-0001"),
    ]
    assert (await latest(money)).reservation.actual == eur(120)
    again = correction(
        done.corrected, 50, rebook_to=third.name, rebook_etag=third.etag, invoice="2027-0002"
    )
    moved = await corrected(money, again)
    assert (moved.corrected.actual, moved.rebooked.actual) == (eur(0), eur(50))
    assert (moved.entries[1].program, moved.entries[1].reference) == (OTHER, "2027-0002")
    assert (await latest(money)).reservation.actual == eur(70)
    assert (await latest(money, OTHER)).reservation.actual == eur(50)
    # What was booked anew is an actual like any other: fiona may correct felix's.
    rebooked = correction(done.rebooked, 70, entry=done.entries[1].sequence)
    await money.person("fiona").CorrectActual(rebooked)
    assert (await latest(money)).reservation.actual == eur(0)


async def test_an_entry_is_corrected_up_to_its_amount_and_no_more(money: MoneySide) -> None:
    _, made = await spent(money)
    fiona = money.person("fiona")
    made = await fiona.RecordActual(actual(made, 500))
    problem = await refused(corrected(money, correction(made, 121)))
    assert (problem.reason, problem.metadata["available"]) == ("FUNDS_INSUFFICIENT", "12000")
    first = await corrected(money, correction(made, 100))
    problem = await refused(corrected(money, correction(first.corrected, 21)))
    assert (problem.metadata["available"], problem.legs[0].type) == ("2000", "ENTRY")
    second = await corrected(money, correction(first.corrected, 20))
    problem = await refused(corrected(money, correction(second.corrected, 1)))
    assert problem.reason == "FUNDS_INSUFFICIENT"
    assert (await parts(money))[3] == 500


async def test_who_booked_it_does_not_correct_it_nor_does_the_business(money: MoneySide) -> None:
    _, made = await spent(money)
    problem = await refused(money.person("fiona").CorrectActual(correction(made, 20)))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    problem = await refused(money.person("pia").CorrectActual(correction(made, 20)))
    assert problem.reason == "SIDES_NOT_SEPARATE"
    money.directory.say("people/felix", active=False)
    assert (await refused(corrected(money, correction(made, 20)))).reason == "NOT_A_HOLDER"


@ON_SQLITE
async def test_a_correction_binds_to_what_was_seen_and_is_done_once(money: MoneySide) -> None:
    funding, made = await spent(money)
    second: pb.Commitment = await money.person("fiona").Commit(money.commitment(funding, 500))
    stale = correction(made, 20, etag="0" * 20)
    assert (await refused(corrected(money, stale))).reason == "STALE_ETAG"
    stale = correction(made, 20, rebook_to=second.name, rebook_etag="0" * 20)
    assert (await refused(corrected(money, stale))).reason == "STALE_ETAG"
    before = await money.entries()
    rehearsed = await corrected(money, correction(made, 20, validate_only=True))
    assert (rehearsed.corrected.actual, await money.entries()) == (eur(100), before)
    request = correction(made, 20)
    first = await corrected(money, request)
    assert await corrected(money, request) == first
    assert len(await money.entries()) == len(before) + 1


@ON_SQLITE
@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"entry": 0}, "INVALID_ARGUMENT", "entry"),
        ({"entry": 3}, "INVALID_ARGUMENT", "entry"),
        ({"entry": 99}, "NOT_FOUND", ""),
        ({"reason": ""}, "INVALID_ARGUMENT", "reason"),
        ({"name": "programs/community"}, "INVALID_ARGUMENT", "name"),
        ({"rebook_to": "programs/community/commitments/1"}, "INVALID_ARGUMENT", "rebook_etag"),
        ({"rebook_etag": "x"}, "INVALID_ARGUMENT", "rebook_etag"),
        (
            {"rebook_to": "programs/community/commitments/1", "rebook_etag": "x"},
            "INVALID_ARGUMENT",
            "rebook_to",
        ),
        ({"rebook_to": "there", "rebook_etag": "x"}, "INVALID_ARGUMENT", "rebook_to"),
        (
            {"rebook_to": "programs/community/commitments/9", "rebook_etag": "x"},
            "NOT_FOUND",
            "",
        ),
        (
            {"amount": Money(currency_code="USD", units=1)},
            "INVALID_ARGUMENT",
            "amount.currency_code",
        ),
    ],
)
async def test_what_is_no_correction_is_refused_with_its_field(
    money: MoneySide, changes: dict[str, Any], code: str, field: str
) -> None:
    _, made = await spent(money)
    problem = await refused(corrected(money, correction(made, 1, **changes)))
    assert (problem.code, [v.field for v in problem.violations]) == (code, [field] if field else [])


@ON_SQLITE
async def test_an_entry_is_corrected_on_the_commitment_it_was_booked_on(money: MoneySide) -> None:
    funding, _ = await spent(money)
    second: pb.Commitment = await money.person("fiona").Commit(money.commitment(funding, 500))
    problem = await refused(corrected(money, correction(second, 1)))
    assert [v.field for v in problem.violations] == ["entry"]
    assert "booked on programs/community/commitments/1" in problem.message


@ON_SQLITE
async def test_a_rebooking_stays_within_its_commitment(money: MoneySide) -> None:
    funding, made = await spent(money)
    fiona = money.person("fiona")
    second: pb.Commitment = await fiona.Commit(money.commitment(funding, 50))
    request = correction(made, 51, rebook_to=second.name, rebook_etag=second.etag)
    problem = await refused(corrected(money, request))
    assert (problem.reason, problem.legs[0].type) == ("FUNDS_INSUFFICIENT", "COMMITMENT")
    closed: pb.Commitment = await fiona.RecordActual(actual(second, 0, final=True))
    request = correction(made, 1, rebook_to=closed.name, rebook_etag=closed.etag)
    assert (await refused(corrected(money, request))).reason == "WRONG_STATE"
    assert (await parts(money))[3] == 120


async def test_a_closed_year_is_not_corrected_and_what_was_rolled_forward_is(
    money: MoneySide,
) -> None:
    await two_years(money)
    funding = await money.funded(revision(amount_minor=SMALL), "fiona", envelope=OLD)
    fiona = money.person("fiona")
    made: pb.Commitment = await fiona.Commit(money.commitment(funding, 1_000))
    await fiona.RecordActual(actual(made, 300))
    booked = (await money.entries())[-1].sequence
    await close(money, closing(LAPSE))
    found: pb.Funding = await money.auditor.GetFunding(
        pb.GetFundingRequest(name="programs/community/budgetRequests/1")
    )
    (lapsed,) = found.reservation.commitments
    problem = await refused(corrected(money, correction(lapsed, 1, entry=booked)))
    assert (problem.reason, problem.legs[0].type) == ("WRONG_STATE", "FISCAL_YEAR")
    rolled: pb.Commitment = await money.person("fay").RollForwardActual(late(lapsed, 700))
    entry = (await money.entries())[-1].sequence
    done = await corrected(money, correction(rolled, 100, entry=entry))
    assert done.corrected.actual == eur(600)
    assert await parts(money, NEW) == (49_400, 0, 0, 600)


async def test_of_corrections_at_once_no_more_than_the_entry_is_taken_back(
    money: MoneySide,
) -> None:
    _, made = await spent(money)
    felixes = [money.person("felix") for _ in range(8)]
    outcomes = Counter(
        await asyncio.gather(*(outcome(one.CorrectActual(correction(made, 70))) for one in felixes))
    )
    assert outcomes == {"OK": 1, "STALE_ETAG": 7}
    assert (await parts(money))[3] == 50
