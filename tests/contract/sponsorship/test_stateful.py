"""Whatever sponsor, units and arbiters do with a pledge, the service agrees with a small model.

domain.md, Sponsorship: checked after each step over a real socket, on both databases.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import grpc
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.contract.sponsorship.house import SARA, House, community, open_house
from tests.contract.sponsorship.test_objections import ADA, MIRA, OTTO, resolve
from tests.support.clock import SettableClock
from tests.support.services import Realm

from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.chassis.client import explain

LINES = {
    "units/sales": ("people/vera", "people/viktor", ADA),
    "units/pr": ("people/paul", "people/pia", ADA),
}
"""Who speaks for a unit that must agree: head, deputy, the head above."""

GROUNDS = {"units/sales": "pricing", "units/pr": "reputation"}
KINDS = ("CONSENT", "CONSENT_WITH_CONDITIONS", "OBJECT", "RECUSE", "ABSTAIN")
EXAMPLES, STEPS = 60, 25


@dataclass
class Unit:
    """What the model knows of a unit."""

    kind: str = ""
    overridden: bool = False
    recused: set[str] = field(default_factory=set[str])
    endorser: str = ""

    @property
    def settled(self) -> bool:
        return self.kind.startswith("CONSENT") or self.overridden

    @property
    def objects(self) -> bool:
        return self.kind == "OBJECT" and not self.overridden


class Circle(RuleBasedStateMachine):
    """One pledge, its sponsor, two units that must agree, and who stands above."""

    def __init__(self, runner: asyncio.Runner, house: House, number: int) -> None:
        super().__init__()
        self.runner = runner
        self.house = house
        self.units = {name: Unit() for name in LINES}
        self.pledged = False
        self.sustained = False
        facts = community(
            program=f"programs/circle-{number}", channels=("community-forum", "social-media")
        )
        self.case: gate_pb2.GateCase = self.run(house.opened(facts))

    def run(self, call: Awaitable[Any]) -> Any:
        async def wait() -> Any:
            return await call

        return self.runner.run(wait())

    def act(self, call: Awaitable[pb.Pledge], refused: str = "") -> bool:
        """Whether it was done; refused it should be for that reason, and then changes nothing."""
        reason = ""
        try:
            self.case = self.run(call).gate_case
        except grpc.aio.AioRpcError as error:
            reason = explain(error).reason
        assert reason == refused
        return not reason

    @property
    def state(self) -> str:
        if self.sustained:
            return "CHANGES_REQUESTED"
        settled = self.pledged and all(unit.settled for unit in self.units.values())
        return "STANDING" if settled else "OPEN"

    @rule()
    def pledge(self) -> None:
        refused = "WRONG_STATE" if self.pledged or self.state != "OPEN" else ""
        if self.act(self.house.pledge(SARA, self.case), refused):
            self.pledged = True

    @rule(
        name=st.sampled_from(sorted(LINES)),
        place=st.sampled_from((0, 1)),
        kind=st.sampled_from(KINDS),
    )
    def say(self, name: str, place: int, kind: str) -> None:
        unit, person = self.units[name], LINES[name][place]
        said: dict[str, Any] = {}
        if kind == "OBJECT":
            said = {"grounds": GROUNDS[name], "harm": "a harm", "proposal": "a proposal"}
        if kind == "CONSENT_WITH_CONDITIONS":
            asked = gate_pb2.Condition(text="a", owner=person, blocks=gate_pb2.GATE_LAUNCH)
            said = {"conditions": [asked]}
        if self.state != "OPEN":
            refused = "WRONG_STATE"
        elif person in unit.recused:
            refused = "NOT_A_HOLDER"
        elif kind == "OBJECT" and unit.overridden:
            refused = "WRONG_STATE"
        else:
            refused = ""
        if self.act(self.house.say(person, self.case, name, kind, **said), refused):
            unit.kind, unit.overridden = kind, False
            if kind == "RECUSE":
                unit.recused.add(person)

    @rule(
        name=st.sampled_from(sorted(LINES)),
        person=st.sampled_from((ADA, OTTO, MIRA)),
        how=st.sampled_from(("OVERRIDDEN", "SUSTAINED")),
    )
    def end(self, name: str, person: str, how: str) -> None:
        unit = self.units[name]
        if self.state != "OPEN" or not unit.objects:
            refused = "WRONG_STATE"
        elif person == MIRA:
            refused = "NOT_A_HOLDER"
        else:
            refused = ""
        if self.act(resolve(self.house, person, self.case, how, unit=name), refused):
            unit.overridden = how == "OVERRIDDEN"
            self.sustained = how == "SUSTAINED"

    @invariant()
    def it_stands_iff_everybody_stands_behind_it(self) -> None:
        read = self.run(self.house.read(self.case)).gate_case
        assert gate_pb2.CaseState.Name(read.state) == f"CASE_STATE_{self.state}"
        assert read.etag == self.case.etag, "a refused act changes nothing"
        if self.state == "OPEN":
            assert {(one.person, one.role) for one in read.holders} == self.waited_for()
        if self.state == "STANDING":
            assert not read.holders

    def waited_for(self) -> set[tuple[str, str]]:
        """Whom the model waits for."""
        waited: set[tuple[str, str]] = set() if self.pledged else {(SARA, "sponsor")}
        for name, unit in self.units.items():
            if unit.settled:
                unit.endorser = ""
                continue
            if not unit.endorser or unit.endorser in unit.recused:
                unit.endorser = next(one for one in LINES[name] if one not in unit.recused)
            waited.add((unit.endorser, "endorser"))
            if unit.objects:
                waited.add((ADA, "arbiter"))
        return waited


def test_a_pledge_agrees_with_its_model_after_every_step(
    realm: Realm, clock: SettableClock, database_url: str
) -> None:
    numbers = count(1)
    with asyncio.Runner() as runner:
        closing = AsyncExitStack()
        house = runner.run(closing.enter_async_context(open_house(realm, clock, database_url)))

        class Here(Circle):
            def __init__(self) -> None:
                super().__init__(runner, house, next(numbers))

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
