"""Who wins when authority goes while it is used; must-show 4 of the issue, sponsorship's half.

A decision reads the decider, the delegator and the delegation inside its own transaction, and holds
them until it is stored. So there are two orders and no third:

- the decision comes there first: it stands, with both names, and the revocation, departure or
  demotion is acknowledged after it and works on everything later;
- the revocation, departure or demotion comes there first: the decision sees it and is refused.

What was acknowledged is never overtaken: no decision is stored on a delegation whose revocation was
answered before. What a sponsor pledged stays as it was decided when they are demoted or leave
afterwards: that their program has to look for another sponsor then is the liveness rule's to say.

For the money and for IT the moment of a decision is the answer of ResolveAuthority, which is kept
with it: see tests/contract/budget/test_overtaken.py.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from tests.contract.sponsorship.house import SAM, SARA, VERA, House, community
from tests.contract.sponsorship.test_delegations import euros, lent, revoking
from tests.support import halden
from tests.support.interleaving import Held, comes_up
from tests.support.records import rows

from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.chassis.client import explain
from investiture.sponsorship.store.delegations import DelegationStore
from investiture.sponsorship.store.people import PeopleStore
from investiture.sponsorship.store.pledges import PledgeStore

Act = Callable[[], Awaitable[Any]]
"""A call that begins when it is asked to: a call of a stub begins where it is written."""


def started(call: Awaitable[Any]) -> "asyncio.Task[Any]":
    async def act() -> Any:
        return await call

    return asyncio.create_task(act())


async def reason(task: "asyncio.Task[Any]") -> str:
    """Of the refusal; empty where it was done."""
    try:
        await task
    except grpc.aio.AioRpcError as error:
        return explain(error).reason
    return ""


async def in_order(held: Held, first: Act, then: Act, database_url: str) -> tuple[str, str]:
    """Two calls; the second one comes up while the first is held in the middle."""
    one = started(first())
    await held.reached()
    other = started(then())
    await comes_up(other, database_url)
    held.go()
    return await reason(one), await reason(other)


def kinds(database_url: str) -> list[str]:
    """What happened, in the order in which it was stored."""
    return [kind for (kind,) in rows(database_url, "SELECT kind FROM event ORDER BY id")]


def changed(name: str, **changes: Any) -> pb.Person:
    (person,) = (one for one in halden.people() if one.name == name)
    for field, value in changes.items():
        setattr(person, field, value)
    return person


async def test_a_delegate_who_decides_first_has_decided_and_is_revoked_after(
    house: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, case = await lent(house, limit=euros(500_000)), await house.opened()
    held = Held(monkeypatch, PledgeStore, "save")
    found = await in_order(
        held,
        lambda: house.pledge(SAM, case, on_behalf_of=SARA),
        lambda: house.of(SARA).RevokeDelegation(revoking(made)),
        database_url,
    )
    assert found == ("", "")
    assert kinds(database_url)[-2:] == ["pledge.pledged", "delegation.revoked"]
    (decider,) = (await house.read(case)).gate_case.deciders
    assert (decider.person, decider.on_behalf_of) == (SAM, SARA)


async def test_a_delegate_who_is_revoked_first_decides_nothing(
    house: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, case = await lent(house, limit=euros(500_000)), await house.opened()
    held = Held(monkeypatch, DelegationStore, "revoke", after=True)
    found = await in_order(
        held,
        lambda: house.of(SARA).RevokeDelegation(revoking(made)),
        lambda: house.pledge(SAM, case, on_behalf_of=SARA),
        database_url,
    )
    assert found == ("", "NOT_A_HOLDER")
    assert (await house.read(case)).gate_case == case


@pytest.mark.parametrize("who", [SARA, SAM])
async def test_a_delegator_or_delegate_who_leaves_after_the_decision_is_answered_after_it(
    house: House, database_url: str, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    await lent(house, limit=euros(500_000))
    case = await house.opened()
    held = Held(monkeypatch, PledgeStore, "save")
    found = await in_order(
        held,
        lambda: house.pledge(SAM, case, on_behalf_of=SARA),
        lambda: house.import_people(*leaving(who)),
        database_url,
    )
    assert found == ("", "")
    stored = kinds(database_url)
    assert stored.index("pledge.pledged") < stored.index("directory.imported", 1)
    after = (await house.read(case)).gate_case
    if who == SAM:  # what a delegate did is not theirs to lose
        assert [one.person for one in after.deciders] == [SAM]
    else:  # borrowed authority carries a pledge while it is lent: somebody has to follow
        assert (after.amber, list(after.deciders)) == (gate_pb2.AMBER_TRANSFER, [])


@pytest.mark.parametrize("who", [SARA, SAM])
async def test_a_delegator_or_delegate_who_has_left_decides_nothing(
    house: House, database_url: str, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    await lent(house, limit=euros(500_000))
    case = await house.opened()
    held = Held(monkeypatch, PeopleStore, "save", after=True)
    found = await in_order(
        held,
        lambda: house.import_people(*leaving(who)),
        lambda: house.pledge(SAM, case, on_behalf_of=SARA),
        database_url,
    )
    # Who leaves hands on what they held, so that the case may have changed as well.
    assert found[0] == ""
    assert found[1] in {"NOT_A_HOLDER", "STALE_ETAG"}
    assert not (await house.read(case)).gate_case.deciders


async def test_a_sponsor_who_is_demoted_first_pledges_by_what_is_left_of_their_authority(
    house: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Demoted between reading the case and pledging: the moment of the decision counts."""
    case = await house.opened()
    held = Held(monkeypatch, PeopleStore, "save", after=True)
    found = await in_order(
        held,
        lambda: house.import_people(changed(SARA, grade="specialist")),
        lambda: house.pledge(SARA, case),
        database_url,
    )
    assert found == ("", "AUTHORITY_INSUFFICIENT")


async def test_a_sponsor_who_pledges_first_has_pledged_with_the_authority_they_had(
    house: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await house.opened()
    held = Held(monkeypatch, PledgeStore, "save")
    found = await in_order(
        held,
        lambda: house.pledge(SARA, case),
        lambda: house.import_people(changed(SARA, grade="specialist")),
        database_url,
    )
    assert found == ("", "")
    legs = {leg.leg: leg.holds for leg in (await house.read(case)).authority_test}
    assert legs["limit"]


async def test_a_sponsor_demoted_before_the_last_endorsement_has_to_be_followed(
    house: House,
) -> None:
    """The endorsement stands as it was given; the pledge went with the authority behind it."""
    case = await house.opened(community())
    pledged = (await house.pledge(SARA, case)).gate_case
    await house.import_people(changed(SARA, grade="specialist"))
    newest = (await house.read(pledged)).gate_case
    agreed = (await house.say(VERA, newest, "units/sales", "CONSENT")).gate_case
    assert (agreed.state, agreed.amber) == (gate_pb2.CASE_STATE_OPEN, gate_pb2.AMBER_TRANSFER)
    followed = (await house.pledge(SAM, agreed)).gate_case
    assert followed.state == gate_pb2.CASE_STATE_STANDING
    assert {one.person for one in followed.deciders} == {SAM, VERA}


def leaving(who: str) -> list[pb.Person]:
    """The import that takes a person out; who reported to them reports to the chief executive."""
    reporting = [one.name for one in halden.people() if one.manager == who]
    return [changed(who, active=False), *(changed(n, manager="people/ada") for n in reporting)]
