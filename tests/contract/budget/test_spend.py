"""What is reserved is committed, spent and given back, and never twice."""

from datetime import timedelta
from typing import Any

import pytest
from google.type.money_pb2 import Money
from tests.support.budget import ENVELOPE, ON_SQLITE, MoneySide, eur, refused
from tests.support.facts import revision
from tests.support.services import new_request_id

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2

SMALL = 9_000_00
OTHER = "envelopes/other"


def actual(made: pb.Commitment, units: int, **changes: Any) -> pb.RecordActualRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": made.name,
        "etag": made.etag,
        "amount": eur(units),
        "invoice": "2027-0001",
    }
    return pb.RecordActualRequest(**{**values, **changes})


async def latest(money: MoneySide, program: str = "programs/community") -> pb.Funding:
    funding: pb.Funding = await money.auditor.GetFunding(
        pb.GetFundingRequest(name=f"{program}/budgetRequests/latest")
    )
    return funding


async def void(money: MoneySide, funding: pb.Funding) -> gate_pb2.GateCase:
    fay = CaseServiceStub(money.service.channel("people/fay", "finance"))
    reading: case_pb.CaseReading = await fay.VoidCase(
        case_pb.VoidCaseRequest(
            request_id=new_request_id(),
            name=funding.gate_case.name,
            etag=funding.gate_case.etag,
            reason="the numbers were wrong",
        )
    )
    return reading.gate_case


async def test_money_goes_from_the_reservation_to_the_vendor(money: MoneySide) -> None:
    await money.issue()
    funding = await money.funded(revision(amount_minor=SMALL), "fiona")
    fiona = money.person("fiona")
    made: pb.Commitment = await fiona.Commit(money.commitment(funding, 123))
    assert (made.name, made.to_it) == ("programs/community/commitments/1", False)
    first: pb.Commitment = await fiona.RecordActual(actual(made, 40))
    done: pb.Commitment = await fiona.RecordActual(actual(first, 60, final=True))
    assert (done.actual, done.closed) == (eur(100), True)
    reservation = (await latest(money)).reservation
    assert (reservation.remaining, reservation.actual) == (eur(8_900), eur(100))
    assert [c.name for c in reservation.commitments] == [made.name]
    assert await money.balances() == {
        "appropriated": 1_000_000_00,
        "available": 991_000_00,
        "reserved": 8_900_00,
        "committed": 0,
        "actual": 100_00,
        "lapsed": 0,
    }
    entries = await money.entries(program="programs/community")
    assert [(e.kind, e.amount.units, e.reference, e.actor) for e in entries] == [
        ("reserve", 9_000, "programs/community/budgetRequests/1/reservation", "people/fay"),
        ("commit", 123, made.name, "people/fiona"),
        ("actual", 40, "2027-0001", "people/fiona"),
        ("actual", 60, "2027-0001", "people/fiona"),
        ("uncommit", 23, made.name, "people/fiona"),
    ]


@ON_SQLITE
async def test_what_goes_to_it_is_seen_as_such(money: MoneySide) -> None:
    await money.issue()
    funding = await money.funded(revision(amount_minor=SMALL), "fiona")
    made: pb.Commitment = await money.person("fiona").Commit(
        money.commitment(funding, 10, vendor="", tranche=pb.TRANCHE_TRIAL)
    )
    assert (made.to_it, made.vendor, made.tranche) == (True, "", pb.TRANCHE_TRIAL)


async def test_no_more_is_committed_than_remains_or_than_its_tranche(money: MoneySide) -> None:
    await money.issue()
    facts = revision(
        amount_minor=SMALL, trial_minor=1_000_00, pilot_minor=3_000_00, general_minor=5_000_00
    )
    funding = await money.funded(facts, "fiona")
    fiona = money.person("fiona")
    problem = await refused(fiona.Commit(money.commitment(funding, 9_001)))
    assert problem.reason == "FUNDS_INSUFFICIENT"
    assert [leg.type for leg in problem.legs] == ["RESERVATION", "TRANCHE"]
    problem = await refused(fiona.Commit(money.commitment(funding, 3_001)))
    assert [leg.type for leg in problem.legs] == ["TRANCHE"]
    await fiona.Commit(money.commitment(funding, 3_000))


@ON_SQLITE
@pytest.mark.parametrize(
    ("amount", "field"),
    [
        (Money(currency_code="EUR"), "amount"),
        (Money(currency_code="EUR", units=-1), "amount"),
        (Money(currency_code="EUR", units=1, nanos=-10_000_000), "amount"),
        (Money(currency_code="EUR", units=1, nanos=1_000_000), "amount"),
        (Money(currency_code="EUR", nanos=1_000_000_000), "amount"),
        (Money(currency_code="EUR", units=2**63 - 1), "amount"),
        (Money(currency_code="EURO", units=1), "amount.currency_code"),
        (Money(currency_code="USD", units=1), "amount.currency_code"),
    ],
    ids=["zero", "negative", "signs", "decimals", "nanos", "64 bits", "unknown", "another"],
)
async def test_what_is_no_amount_is_refused_with_its_field(
    money: MoneySide, amount: Money, field: str
) -> None:
    await money.issue()
    funding = await money.funded(revision(amount_minor=SMALL), "fiona")
    request = money.commitment(funding, 1, amount=amount)
    problem = await refused(money.person("fiona").Commit(request))
    assert (problem.code, problem.reason) == ("INVALID_ARGUMENT", "INVALID_AMOUNT")
    assert [v.field for v in problem.violations] == [field]


async def test_an_actual_stays_within_its_commitment_and_zero_only_closes(money: MoneySide) -> None:
    await money.issue()
    funding = await money.funded(revision(amount_minor=SMALL), "fiona")
    fiona = money.person("fiona")
    made: pb.Commitment = await fiona.Commit(money.commitment(funding, 100))
    problem = await refused(fiona.RecordActual(actual(made, 101)))
    assert (problem.reason, problem.metadata["available"]) == ("FUNDS_INSUFFICIENT", "10000")
    assert (await refused(fiona.RecordActual(actual(made, 0)))).reason == "INVALID_AMOUNT"
    closed: pb.Commitment = await fiona.RecordActual(actual(made, 0, final=True))
    assert closed.closed
    problem = await refused(fiona.RecordActual(actual(made, 1)))
    assert (problem.code, problem.reason) == ("ABORTED", "STALE_ETAG")
    problem = await refused(fiona.RecordActual(actual(closed, 1)))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
    unknown = actual(closed, 1, name="programs/community/commitments/7")
    assert (await refused(fiona.RecordActual(unknown))).code == "NOT_FOUND"


async def test_a_commitment_needs_a_standing_funding_as_the_caller_saw_it(
    money: MoneySide,
) -> None:
    await money.issue()
    fiona = money.person("fiona")
    case = await money.open(revision(amount_minor=SMALL))
    waiting = pb.Funding(gate_case=case)
    assert (await refused(fiona.Commit(money.commitment(waiting, 1)))).reason == "WRONG_STATE"
    funding = await money.reserve(await money.approve(case, "fiona"))
    assert (await refused(fiona.Commit(money.commitment(waiting, 1)))).reason == "STALE_ETAG"
    unknown = money.commitment(funding, 1, program="programs/none")
    assert (await refused(fiona.Commit(unknown))).code == "NOT_FOUND"
    money.clock.advance(timedelta(days=91))
    problem = await refused(fiona.Commit(money.commitment(funding, 1)))
    assert (problem.reason, problem.legs[0].type) == ("WRONG_STATE", "HOLD")


@ON_SQLITE
async def test_who_proposes_does_not_spend(money: MoneySide) -> None:
    await money.issue()
    funding = await money.funded(revision(amount_minor=SMALL), "fiona")
    made: pb.Commitment = await money.person("fiona").Commit(money.commitment(funding, 1))
    pia = money.person("pia")
    assert (await refused(pia.Commit(money.commitment(funding, 1)))).reason == "SIDES_NOT_SEPARATE"
    assert (await refused(pia.RecordActual(actual(made, 1)))).reason == "SIDES_NOT_SEPARATE"


async def test_a_repeated_commitment_is_one(money: MoneySide) -> None:
    await money.issue()
    funding = await money.funded(revision(amount_minor=SMALL), "fiona")
    fiona, request = money.person("fiona"), money.commitment(funding, 5)
    first: pb.Commitment = await fiona.Commit(request)
    assert await fiona.Commit(request) == first
    request.amount.units = 6
    assert (await refused(fiona.Commit(request))).reason == "REQUEST_ID_REUSED"
    assert (await money.balances())["committed"] == 5_00


async def test_a_released_program_gives_back_all_but_what_it_spent(money: MoneySide) -> None:
    await money.issue()
    funding = await money.funded(revision(amount_minor=SMALL), "fiona")
    fiona = money.person("fiona")
    made: pb.Commitment = await fiona.Commit(money.commitment(funding, 100))
    spent: pb.Commitment = await fiona.RecordActual(actual(made, 30))
    request = money.releasing("programs/community")
    reading: case_pb.CaseReading = await money.cases.ReleaseCase(request)
    assert reading.gate_case.state == gate_pb2.CASE_STATE_RELEASED
    assert await money.balances() == {
        "appropriated": 1_000_000_00,
        "available": 999_970_00,
        "reserved": 0,
        "committed": 0,
        "actual": 30_00,
        "lapsed": 0,
    }
    before = await money.entries()
    assert [(e.kind, e.amount.units) for e in before[-2:]] == [("release", 8_900), ("release", 70)]
    again: case_pb.CaseReading = await money.cases.ReleaseCase(
        money.releasing("programs/community")
    )
    assert again.gate_case.version == reading.gate_case.version
    assert await money.entries() == before
    after = await latest(money)
    assert (after.reservation.released, after.reservation.remaining) == (eur(8_970), eur(0))
    assert [c.closed for c in after.reservation.commitments] == [True]
    stale = await refused(fiona.RecordActual(actual(spent, 1)))
    assert stale.reason == "STALE_ETAG"
    (closed,) = after.reservation.commitments
    assert (await refused(fiona.RecordActual(actual(closed, 1)))).reason == "WRONG_STATE"
    assert (await refused(money.open(revision(2)))).reason == "PROGRAM_ENDED"


async def test_money_is_released_against_the_programs_end_statement_only(money: MoneySide) -> None:
    await money.issue()
    facts = revision(amount_minor=SMALL)
    await money.funded(facts, "fiona")
    wrong = {
        "of another program": money.end("programs/other"),
        "of another kind": money.realm.revision_statement(facts),
        "no statement": "eyJhbGciOiJub25lIn0.e30.",
    }
    for why, statement in wrong.items():
        request = money.releasing("programs/community", statement)
        problem = await refused(money.cases.ReleaseCase(request))
        assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "STATEMENT_INVALID"), why
    fay = CaseServiceStub(money.service.channel("people/fay", "finance"))
    problem = await refused(fay.ReleaseCase(money.releasing("programs/community")))
    assert problem.reason == "ROLE_MISSING"
    assert (await money.balances())["reserved"] == SMALL


@ON_SQLITE
async def test_a_program_that_never_asked_is_released_too(money: MoneySide) -> None:
    reading: case_pb.CaseReading = await money.cases.ReleaseCase(
        money.releasing("programs/community")
    )
    assert reading.gate_case.state == gate_pb2.CASE_STATE_RELEASED
    assert (await refused(money.open(revision()))).reason == "PROGRAM_ENDED"


async def test_a_new_rounds_reservation_replaces_the_old_one_in_one_step(money: MoneySide) -> None:
    await money.issue(20_000)
    funding = await money.funded(revision(amount_minor=SMALL), "fiona")
    made: pb.Commitment = await money.person("fiona").Commit(money.commitment(funding, 1_000))
    case = await money.open(revision(2, amount_minor=19_000_00))
    assert (case.round, (await money.balances())["reserved"]) == (2, 8_000_00)
    case = await money.approve(case, "felix", "finn")
    # 20,000 suffice for 19,000 only because the old hold goes back in the same transaction.
    again = await money.reserve(case)
    assert again.reservation.reserved == eur(19_000)
    assert (again.reservation.remaining, again.reservation.committed) == (eur(18_000), eur(1_000))
    assert [c.name for c in again.reservation.commitments] == [made.name]
    assert await money.balances() == {
        "appropriated": 20_000_00,
        "available": 1_000_00,
        "reserved": 18_000_00,
        "committed": 1_000_00,
        "actual": 0,
        "lapsed": 0,
    }
    old: pb.Funding = await money.auditor.GetFunding(
        pb.GetFundingRequest(name=funding.gate_case.name)
    )
    assert old.gate_case.state == gate_pb2.CASE_STATE_SUPERSEDED
    assert (old.reservation.remaining, old.reservation.released) == (eur(0), eur(8_000))
    second: pb.Commitment = await money.person("fiona").Commit(money.commitment(again, 1))
    assert second.name == "programs/community/commitments/2"


async def test_a_round_that_does_not_cover_what_is_committed_is_not_confirmed(
    money: MoneySide,
) -> None:
    await money.issue()
    await money.issue(name=OTHER)
    funding = await money.funded(revision(amount_minor=SMALL), "fiona")
    await money.person("fiona").Commit(money.commitment(funding, 8_500))
    await void(money, funding)
    case = await money.approve(await money.open(revision(2, amount_minor=8_000_00)), "fiona")
    problem = await refused(money.reserve(case))
    assert (problem.reason, problem.legs[0].type) == ("WRONG_STATE", "COMMITTED")
    case = await money.approve(await money.open(revision(3, amount_minor=8_600_00)), "fiona")
    problem = await refused(money.reserve(case, envelope=OTHER))
    assert problem.legs[0].type == "ENVELOPE"
    assert (await money.reserve(case)).reservation.remaining == eur(100)


async def test_a_void_keeps_the_money_until_the_next_round_or_the_end(money: MoneySide) -> None:
    await money.issue()
    facts = revision(amount_minor=SMALL)
    funding = await money.funded(facts, "fiona")
    voided = await void(money, funding)
    assert voided.state == gate_pb2.CASE_STATE_VOIDED
    assert (await money.balances())["reserved"] == SMALL
    fiona = money.person("fiona")
    request = money.commitment(pb.Funding(gate_case=voided), 1)
    assert (await refused(fiona.Commit(request))).reason == "WRONG_STATE"
    case = await money.open(facts)
    assert (case.round, case.state) == (2, gate_pb2.CASE_STATE_OPEN)
    await money.cases.ReleaseCase(money.releasing("programs/community"))
    assert (await money.balances())["available"] == 1_000_000_00


async def test_a_decrease_carries_the_funding_with_a_notice_to_its_deciders(
    money: MoneySide,
) -> None:
    await money.issue()
    await money.funded(revision(amount_minor=SMALL), "fiona")
    case = await money.open(revision(2, amount_minor=8_000_00))
    assert (case.state, case.basis) == (gate_pb2.CASE_STATE_STANDING, gate_pb2.BASIS_CARRIED)
    assert list(case.notices[0].people) == ["people/fay", "people/fiona"]
    carried = await latest(money)
    assert (carried.amount, carried.ceiling) == (eur(8_000), eur(9_900))
    assert (carried.reservation.remaining, carried.reservation.released) == (eur(8_000), eur(1_000))
    assert (await money.balances())["reserved"] == 8_000_00


async def test_a_decider_of_the_money_cannot_become_the_sponsor(money: MoneySide) -> None:
    await money.issue()
    await money.funded(revision(amount_minor=SMALL), "fiona")
    problem = await refused(money.open(revision(2, amount_minor=SMALL, sponsor="people/fiona")))
    assert (problem.reason, problem.legs[0].subject) == ("SIDES_NOT_SEPARATE", "people/fiona")
    more = revision(2, amount_minor=SMALL + 1, sponsor="people/fiona")
    reopened = await money.open(more)
    assert (reopened.round, [h.person for h in reopened.holders]) == (2, ["people/felix"])


async def test_who_became_the_sponsor_of_an_open_case_decides_it_no_more(money: MoneySide) -> None:
    await money.issue()
    await money.open(revision(amount_minor=SMALL))
    case = await money.open(revision(2, amount_minor=SMALL, sponsor="people/fiona"))
    assert (case.round, case.revision) == (1, 2)
    problem = await refused(money.approve(case, "fiona"))
    assert problem.reason == "SIDES_NOT_SEPARATE"
    funding = await money.reserve(await money.approve(case, "felix"))
    assert list(funding.levels[0].eligible) == ["people/felix"]
    assert funding.reservation.envelope == ENVELOPE
