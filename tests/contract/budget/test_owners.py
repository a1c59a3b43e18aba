"""Who owns an envelope and confirms in it, over a real socket."""

import pytest
from tests.support.budget import ENVELOPE, ON_SQLITE, MoneySide, refused
from tests.support.facts import revision
from tests.support.services import new_request_id

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.common.v1 import gate_pb2


def change(envelope: pb.Envelope, owner: str, **values: bool) -> pb.ChangeEnvelopeOwnerRequest:
    return pb.ChangeEnvelopeOwnerRequest(
        request_id=new_request_id(),
        name=envelope.name,
        etag=envelope.etag,
        owner=owner,
        reason="olga has left",
        **values,
    )


def holders(case: gate_pb2.GateCase) -> list[str]:
    return [holder.person for holder in case.holders]


async def test_a_new_owner_takes_over_the_confirmations_that_wait(money: MoneySide) -> None:
    envelope = await money.issue(owner="people/olga")
    facts = revision(amount_minor=9_000_00, envelope=ENVELOPE)
    case = await money.approve(await money.open(facts), "fiona")
    assert holders(case) == ["people/olga", "people/fay", "people/finn"]
    waiting = await money.open(
        revision(program="programs/other", amount_minor=1, envelope=ENVELOPE)
    )
    changed: pb.Envelope = await money.committee.ChangeEnvelopeOwner(
        change(envelope, "people/oscar")
    )
    assert (changed.owner, changed.version) == ("people/oscar", envelope.version + 1)
    assert changed.balances == envelope.balances
    read: pb.Funding = await money.auditor.GetFunding(pb.GetFundingRequest(name=case.name))
    assert holders(read.gate_case) == ["people/oscar", "people/fay", "people/finn"]
    other: pb.Funding = await money.auditor.GetFunding(pb.GetFundingRequest(name=waiting.name))
    assert other.gate_case == waiting, "its level is asked first"
    assert (await refused(money.reserve(read.gate_case, "olga"))).reason == "NOT_A_HOLDER"
    funding = await money.reserve(read.gate_case, "oscar")
    assert funding.gate_case.state == gate_pb2.CASE_STATE_STANDING


async def test_an_owner_who_left_confirms_nothing(money: MoneySide) -> None:
    await money.issue(owner="people/olga")
    facts = revision(amount_minor=9_000_00, envelope=ENVELOPE)
    case = await money.approve(await money.open(facts), "fiona")
    money.directory.say("people/olga", active=False)
    problem = await refused(money.reserve(case, "olga"))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    assert "no longer works here" in problem.message


async def test_finance_keeps_what_it_holds_when_its_head_gives_an_envelope_away(
    money: MoneySide,
) -> None:
    envelope = await money.issue(owner="people/fay")
    facts = revision(amount_minor=9_000_00, envelope=ENVELOPE)
    case = await money.approve(await money.open(facts), "fiona")
    await money.committee.ChangeEnvelopeOwner(change(envelope, "people/oscar"))
    read: pb.Funding = await money.auditor.GetFunding(pb.GetFundingRequest(name=case.name))
    assert holders(read.gate_case) == ["people/oscar", "people/fay", "people/finn"]


async def test_the_sponsor_may_own_the_envelope_and_confirms_nothing(money: MoneySide) -> None:
    """domain.md, "Budget": the sponsor may own the envelope; finance confirms."""
    envelope = await money.issue(owner="people/olga")
    facts = revision(amount_minor=9_000_00, envelope=ENVELOPE)
    case = await money.approve(await money.open(facts), "fiona")
    changed: pb.Envelope = await money.committee.ChangeEnvelopeOwner(change(envelope, "people/sam"))
    assert changed.owner == facts.sponsor
    read: pb.Funding = await money.auditor.GetFunding(pb.GetFundingRequest(name=case.name))
    assert holders(read.gate_case) == ["people/fay", "people/finn"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("owner", "why"),
    [
        ("people/gone", "no longer works here"),
        ("people/guest", "is a guest"),
        ("people/fay", "owns envelopes/launches-2027 already"),
    ],
)
async def test_who_cannot_own_an_envelope_is_refused_with_the_field(
    money: MoneySide, owner: str, why: str
) -> None:
    envelope = await money.issue()
    money.directory.say("people/gone", active=False)
    money.directory.say("people/guest", guest=True)
    problem = await refused(money.committee.ChangeEnvelopeOwner(change(envelope, owner)))
    assert [violation.field for violation in problem.violations] == ["owner"]
    assert why in problem.message
    if owner != "people/fay":
        problem = await refused(money.issue(name="envelopes/new", owner=owner))
        assert [violation.field for violation in problem.violations] == ["owner"]


async def test_a_change_of_owner_is_bound_to_what_was_seen_and_repeated_once(
    money: MoneySide,
) -> None:
    envelope = await money.issue()
    rehearsal = change(envelope, "people/olga", validate_only=True)
    assert (await money.committee.ChangeEnvelopeOwner(rehearsal)).owner == "people/olga"
    request = change(envelope, "people/olga")
    changed = await money.committee.ChangeEnvelopeOwner(request)
    assert await money.committee.ChangeEnvelopeOwner(request) == changed
    problem = await refused(money.committee.ChangeEnvelopeOwner(change(envelope, "people/oscar")))
    assert (problem.code, problem.reason) == ("ABORTED", "STALE_ETAG")
    missing = change(pb.Envelope(name="envelopes/none", etag="x"), "people/olga")
    assert (await refused(money.committee.ChangeEnvelopeOwner(missing))).code == "NOT_FOUND"
