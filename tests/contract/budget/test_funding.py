"""Funding over a real socket: approved level by level, confirmed once, never beyond the money."""

from datetime import timedelta
from typing import Any

import pytest
from google.type.money_pb2 import Money
from tests.support.budget import ENVELOPE, ON_SQLITE, MoneySide, eur, refused
from tests.support.facts import revision
from tests.support.services import new_request_id

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.casework.words import Gate

SMALL = 9_000_00
"""In the lowest tier: one finance partner approves, finance's head or deputy confirms."""
GAP = gate_pb2.Gap(
    risk="no money", tolerance="the envelope", excess="5,000 EUR", remedy="ask for less"
)


def approval(case: gate_pb2.GateCase, **changes: str | bool) -> pb.ApproveFundingRequest:
    request = pb.ApproveFundingRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    for name, value in changes.items():
        setattr(request, name, value)
    return request


def reserving(case: gate_pb2.GateCase, envelope: str = ENVELOPE) -> pb.ReserveRequest:
    return pb.ReserveRequest(
        request_id=new_request_id(), name=case.name, etag=case.etag, envelope=envelope
    )


def holders(case: gate_pb2.GateCase) -> list[str]:
    return [holder.person for holder in case.holders]


async def test_a_program_is_funded_by_its_levels_and_a_confirmation(money: MoneySide) -> None:
    await money.issue()
    facts = revision(amount_minor=100_000_00)
    case = await money.open(facts)
    assert case.name == f"{facts.program}/budgetRequests/1"
    assert holders(case) == ["people/finn"]
    case = await money.approve(case, "finn")
    assert holders(case) == ["people/fay"]
    case = await money.approve(case, "fay")
    assert holders(case) == ["people/fay", "people/finn"]
    funding = await money.reserve(case)
    stood = funding.gate_case
    assert (stood.state, stood.verdict) == (gate_pb2.CASE_STATE_STANDING, gate_pb2.VERDICT_FUNDED)
    assert [(d.person, d.side, d.role) for d in stood.deciders] == [
        ("people/finn", gate_pb2.SIDE_MONEY, "approver"),
        ("people/fay", gate_pb2.SIDE_MONEY, "approver"),
        ("people/fay", gate_pb2.SIDE_MONEY, "confirmer"),
    ]
    assert (funding.amount, funding.ceiling) == (eur(100_000), eur(110_000))
    assert [(level.level, list(level.approved_by)) for level in funding.levels] == [
        (1, ["people/finn"]),
        (2, ["people/fay"]),
    ]
    assert funding.reservation.envelope == ENVELOPE
    assert funding.reservation.remaining == eur(100_000)
    read: pb.Funding = await money.auditor.GetFunding(
        pb.GetFundingRequest(name=f"{facts.program}/budgetRequests/latest")
    )
    assert read == funding
    assert await money.balances() == {
        "appropriated": 1_000_000_00,
        "available": 900_000_00,
        "reserved": 100_000_00,
        "committed": 0,
        "actual": 0,
        "lapsed": 0,
    }


async def test_the_warrant_carries_ceiling_and_deciders(money: MoneySide) -> None:
    await money.issue()
    facts = revision(amount_minor=SMALL)
    await money.funded(facts, "fiona")
    signed: case_pb.SignedWarrant = await money.cases.GetWarrant(
        case_pb.GetWarrantRequest(program=facts.program, gate=gate_pb2.GATE_FUND)
    )
    read = money.realm.statements("launch").read_warrants([signed.warrant], [Gate.FUND])
    warrant = read[Gate.FUND]
    assert (warrant.ceiling_minor, warrant.ceiling_currency) == (9_900_00, "EUR")
    assert warrant.people == {"people/fiona", "people/fay"}
    assert warrant.gate_digest == facts.gate_digest(Gate.FUND)


@ON_SQLITE
async def test_funding_is_asked_only_when_the_business_stands(money: MoneySide) -> None:
    problem = await refused(money.open(revision(), warrants=[]))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "BUSINESS_FIRST")
    assert [leg.type for leg in problem.legs] == ["WARRANT_PLEDGE"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"category": "barter"}, "revision_statement.category", "INVALID_FIELD"),
        ({"currency": "USD"}, "revision_statement.amount.currency_code", "INVALID_AMOUNT"),
    ],
)
async def test_what_no_tier_covers_is_refused_with_its_field(
    money: MoneySide, changes: dict[str, Any], field: str, reason: str
) -> None:
    problem = await refused(money.open(revision(**changes)))
    assert (problem.code, problem.reason) == ("INVALID_ARGUMENT", reason)
    assert [v.field for v in problem.violations] == [field]


@ON_SQLITE
@pytest.mark.parametrize(
    ("amount_minor", "conditions", "level"),
    [
        (9_999_99, (), "finance-partner"),
        (49_999_99, (), "finance-partner"),
        (50_000_00, (), "controller"),
        (1, ("novel",), "controller"),
    ],
)
async def test_the_tier_follows_from_the_cumulative_total_and_its_floors(
    money: MoneySide, amount_minor: int, conditions: tuple[str, ...], level: str
) -> None:
    await money.open(revision(amount_minor=amount_minor, spend_conditions=conditions))
    funding: pb.Funding = await money.auditor.GetFunding(
        pb.GetFundingRequest(name="programs/community/budgetRequests/latest")
    )
    assert funding.levels[0].role == level


@ON_SQLITE
async def test_another_levels_people_wait_for_their_turn(money: MoneySide) -> None:
    case = await money.open(revision(amount_minor=20_000_00))
    problem = await refused(money.person("fay").ApproveFunding(approval(case)))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    assert "level 1 (finance-partner) is asked first" in problem.message


@ON_SQLITE
@pytest.mark.parametrize("role", ["proposer", "sponsor", "counter_sponsor"])
async def test_who_stands_on_the_business_side_decides_nothing_about_the_money(
    money: MoneySide, role: str
) -> None:
    await money.issue()
    changes: dict[str, Any] = {role: "people/fiona"}
    case = await money.open(revision(amount_minor=SMALL, **changes))
    assert holders(case) == ["people/felix"]
    problem = await refused(money.person("fiona").ApproveFunding(approval(case)))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "SIDES_NOT_SEPARATE")
    assert [(leg.subject, bool(leg.remedy)) for leg in problem.legs] == [("people/fiona", True)]


@ON_SQLITE
async def test_nobody_decides_in_the_name_of_the_business_side_either(money: MoneySide) -> None:
    case = await money.open(revision(amount_minor=SMALL))
    request = approval(case, on_behalf_of="people/sam")
    problem = await refused(money.person("fiona").ApproveFunding(request))
    assert problem.reason == "SIDES_NOT_SEPARATE"


async def test_a_delegate_approves_with_both_names_on_the_record(money: MoneySide) -> None:
    case = await money.open(revision(amount_minor=SMALL))
    request = approval(case, on_behalf_of="people/fiona")
    funding: pb.Funding = await money.person("mira").ApproveFunding(request)
    decider = funding.gate_case.deciders[0]
    assert (decider.person, decider.on_behalf_of) == ("people/mira", "people/fiona")


@ON_SQLITE
async def test_a_delegation_is_needed_and_reaches_as_far_as_its_limit(money: MoneySide) -> None:
    case = await money.open(revision(amount_minor=SMALL))
    money.directory.say("people/mira", limit_units=8_999)
    request = approval(case, on_behalf_of="people/fiona")
    problem = await refused(money.person("mira").ApproveFunding(request))
    assert problem.reason == "AUTHORITY_INSUFFICIENT"
    request = approval(case, on_behalf_of="fiona")
    problem = await refused(money.person("mira").ApproveFunding(request))
    assert [v.field for v in problem.violations] == ["on_behalf_of"]


@ON_SQLITE
async def test_who_left_guests_and_workloads_decide_nothing(money: MoneySide) -> None:
    case = await money.open(revision(amount_minor=SMALL))
    money.directory.people["people/fiona"] = sponsorship_pb.Authority(active=False)
    money.directory.people["people/felix"] = sponsorship_pb.Authority(active=True, guest=True)
    for name in ("fiona", "felix"):
        problem = await refused(money.person(name).ApproveFunding(approval(case)))
        assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    robot = BudgetServiceStub(money.service.channel("workloads/erp", "finance"))
    problem = await refused(robot.ApproveFunding(approval(case)))
    assert "only persons decide" in problem.message


@ON_SQLITE
async def test_the_same_person_is_not_heard_twice(money: MoneySide) -> None:
    case = await money.open(revision(amount_minor=300_000_00))
    case = await money.approve(case, "finn", "ada")
    assert holders(case) == ["people/fay", "people/otto"]
    problem = await refused(money.person("ada").ApproveFunding(approval(case)))
    assert (problem.reason, problem.legs[0].type) == ("WRONG_STATE", "ONE_VOICE")
    case = await money.approve(case, "otto")
    assert holders(case) == ["people/fay", "people/finn"]


async def test_reserving_waits_for_every_level(money: MoneySide) -> None:
    await money.issue()
    case = await money.approve(await money.open(revision(amount_minor=20_000_00)), "felix")
    problem = await refused(money.person("fay").Reserve(reserving(case)))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
    assert [leg.type for leg in problem.legs] == ["LEVEL_2"]


async def test_an_envelope_without_enough_is_refused_with_the_figures(money: MoneySide) -> None:
    await money.issue(8_999)
    case = await money.approve(await money.open(revision(amount_minor=SMALL)), "fiona")
    problem = await refused(money.person("fay").Reserve(reserving(case)))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "FUNDS_INSUFFICIENT")
    assert problem.metadata["available"] == "899900"
    assert problem.metadata["asked"] == "900000"
    assert problem.legs[0].subject == ENVELOPE
    assert (await money.balances())["available"] == 8_999_00
    await money.issue(9_000, name="envelopes/other")
    funding = await money.reserve(case, envelope="envelopes/other")
    assert funding.gate_case.state == gate_pb2.CASE_STATE_STANDING


async def test_the_envelope_is_the_revisions_unless_finance_names_one(money: MoneySide) -> None:
    await money.issue(owner="people/olga")
    await money.issue(
        name="envelopes/dollars", appropriation=Money(currency_code="USD", units=500_000)
    )
    case = await money.open(revision(amount_minor=SMALL, envelope=ENVELOPE))
    case = await money.approve(case, "fiona")
    assert holders(case) == ["people/olga", "people/fay", "people/finn"]
    for envelope, code in (("envelopes/none", "NOT_FOUND"), ("envelopes/dollars", "INVALID_")):
        problem = await refused(money.person("fay").Reserve(reserving(case, envelope)))
        assert problem.code.startswith(code)
    funding = await money.reserve(case, "olga", envelope="")
    assert funding.reservation.envelope == ENVELOPE


@ON_SQLITE
async def test_a_revision_without_an_envelope_asks_finance_for_one(money: MoneySide) -> None:
    case = await money.approve(await money.open(revision(amount_minor=SMALL)), "fiona")
    problem = await refused(money.person("fay").Reserve(reserving(case, "")))
    assert [v.field for v in problem.violations] == ["envelope"]


@ON_SQLITE
async def test_only_a_holder_or_the_envelopes_owner_confirms(money: MoneySide) -> None:
    await money.issue()
    case = await money.approve(await money.open(revision(amount_minor=SMALL)), "fiona")
    problem = await refused(money.person("felix").Reserve(reserving(case)))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")


async def test_a_stale_etag_is_aborted_and_a_repeated_request_is_harmless(money: MoneySide) -> None:
    await money.issue()
    case = await money.approve(await money.open(revision(amount_minor=SMALL)), "fiona")
    fay, request = money.person("fay"), reserving(case)
    first: pb.Funding = await fay.Reserve(request)
    assert await fay.Reserve(request) == first
    other = reserving(case, "envelopes/other")
    other.request_id = request.request_id
    problem = await refused(fay.Reserve(other))
    assert (problem.code, problem.reason) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
    problem = await refused(fay.Reserve(reserving(case)))
    assert (problem.code, problem.reason) == ("ABORTED", "STALE_ETAG")
    assert (await money.balances())["reserved"] == SMALL


async def test_validate_only_says_what_a_yes_would_do_and_stores_nothing(money: MoneySide) -> None:
    await money.issue()
    case = await money.approve(await money.open(revision(amount_minor=SMALL)), "fiona")
    request = reserving(case)
    request.validate_only = True
    answer: pb.Funding = await money.person("fay").Reserve(request)
    assert answer.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert answer.reservation.remaining == eur(9_000)
    assert (await money.balances())["reserved"] == 0
    assert len(await money.entries()) == 1
    assert (await money.reserve(case)).gate_case.state == gate_pb2.CASE_STATE_STANDING


@ON_SQLITE
async def test_a_directory_that_is_down_stores_nothing(money: MoneySide) -> None:
    case = await money.open(revision(amount_minor=SMALL))
    money.directory.down = True
    fiona, request = money.person("fiona"), approval(case)
    problem = await refused(fiona.ApproveFunding(request, timeout=5))
    assert (problem.code, problem.reason) == ("UNAVAILABLE", "DEPENDENCY_UNAVAILABLE")
    money.directory.down = False
    funding: pb.Funding = await money.auditor.GetFunding(pb.GetFundingRequest(name=case.name))
    assert funding.gate_case.version == case.version
    again: pb.Funding = await fiona.ApproveFunding(request)
    assert list(again.levels[0].approved_by) == ["people/fiona"]


async def test_a_decline_names_its_gap_and_ends_the_case(money: MoneySide) -> None:
    case = await money.open(revision(amount_minor=SMALL))
    request = pb.DeclineFundingRequest(
        request_id=new_request_id(), name=case.name, etag=case.etag, gap=gate_pb2.Gap(risk="money")
    )
    problem = await refused(money.person("fiona").DeclineFunding(request))
    assert [v.field for v in problem.violations] == ["gap.tolerance"]
    request.gap.CopyFrom(GAP)
    problem = await refused(money.person("fay").DeclineFunding(request))
    assert problem.reason == "NOT_A_HOLDER"
    funding: pb.Funding = await money.person("fiona").DeclineFunding(request)
    assert funding.gate_case.state == gate_pb2.CASE_STATE_DECLINED
    assert [d.person for d in funding.gate_case.deciders] == ["people/fiona"]
    assert (await money.open(revision(2, amount_minor=1_00))).state == gate_pb2.CASE_STATE_DECLINED


async def test_requested_changes_run_the_proposers_clock(money: MoneySide) -> None:
    case = await money.open(revision(amount_minor=SMALL))
    funding: pb.Funding = await money.person("fiona").RequestFundingChanges(
        pb.RequestFundingChangesRequest(
            request_id=new_request_id(), name=case.name, etag=case.etag, gaps=[GAP]
        )
    )
    waiting = funding.gate_case
    assert waiting.state == gate_pb2.CASE_STATE_CHANGES_REQUESTED
    assert [(h.person, h.role) for h in waiting.holders] == [("people/pia", "proposer")]
    assert waiting.timetable.overdue_at.ToDatetime() > case.timetable.overdue_at.ToDatetime()
    problem = await refused(money.person("felix").ApproveFunding(approval(waiting)))
    assert problem.reason == "WRONG_STATE"
    revised = await money.open(revision(2, amount_minor=8_000_00))
    assert (revised.round, holders(revised)) == (2, ["people/fiona", "people/felix"])


async def test_an_escalation_adds_the_line_above_and_spares_whom_a_later_level_needs(
    money: MoneySide,
) -> None:
    case = await money.open(revision(amount_minor=100_000_00))
    money.clock.set(case.timetable.second_at.ToDatetime(tzinfo=money.clock.now().tzinfo))
    escalated: case_pb.EscalateCaseResponse = await money.cases.EscalateCase(
        case_pb.EscalateCaseRequest(request_id=new_request_id(), name=case.name)
    )
    now = escalated.reading.gate_case
    # fay, head of finance, would be first; level 2 has nobody else, so the unit above comes first.
    assert holders(now) == ["people/finn", "people/ada", "people/fay"]
    funding: pb.Funding = await money.person("ada").ApproveFunding(approval(now))
    assert list(funding.levels[0].approved_by) == ["people/ada"]
    assert holders(funding.gate_case) == ["people/fay"]


async def test_a_case_is_reassigned_inside_its_chain_only(money: MoneySide) -> None:
    case = await money.open(revision(amount_minor=100_000_00))
    finn = CaseServiceStub(money.service.channel("people/finn", "finance"))
    request = case_pb.ReassignCaseRequest(
        request_id=new_request_id(),
        name=case.name,
        etag=case.etag,
        person="people/mira",
        reason="on leave",
    )
    assert (await refused(finn.ReassignCase(request))).reason == "NOT_A_HOLDER"
    request.person = "people/ada"
    reading: case_pb.CaseReading = await finn.ReassignCase(request)
    assert holders(reading.gate_case) == ["people/ada"]
    case = await money.approve(reading.gate_case, "ada")
    assert holders(case) == ["people/fay"]


async def test_pending_decisions_are_those_that_one_holds(money: MoneySide) -> None:
    case = await money.open(revision(amount_minor=20_000_00))
    for name, pending in (("fiona", 1), ("finn", 0)):
        stub = CaseServiceStub(money.service.channel(f"people/{name}", "finance"))
        page: case_pb.ListPendingDecisionsResponse = await stub.ListPendingDecisions(
            case_pb.ListPendingDecisionsRequest()
        )
        assert len(page.cases) == pending
    await money.approve(case, "felix")
    finn = CaseServiceStub(money.service.channel("people/finn", "finance"))
    page = await finn.ListPendingDecisions(case_pb.ListPendingDecisionsRequest())
    assert [one.name for one in page.cases] == [case.name]


async def test_a_funding_expires_and_a_new_round_takes_its_place(money: MoneySide) -> None:
    await money.issue()
    facts = revision(amount_minor=SMALL)
    await money.funded(facts, "fiona")
    money.clock.advance(timedelta(days=91))
    again = await money.funded(facts, "felix")
    assert again.gate_case.round == 2
    assert (await money.balances())["reserved"] == SMALL
