"""One program walked through its three gates while everybody tries everything, again and again."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from tests.contract.sides.houses import ENVELOPE, TIER_MINOR, Enterprise
from tests.contract.sides.oracle import Attempt, Oracle, Says, Standing, deciders
from tests.contract.sides.rooms import AnyRoom
from tests.support.clock import SettableClock
from tests.support.facts import revision
from tests.support.services import Realm, new_request_id

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as itrisk_pb
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework.facts import Authority, Revision, Warrant
from investiture.casework.words import Gate
from investiture.chassis.refusal import PreconditionFailed
from investiture.launch.domain import readiness, stages

GATES = ("PLEDGE", "FUND", "KNIGHT")
OWNER = {"PLEDGE": "sponsorship", "FUND": "budget", "KNIGHT": "itrisk"}
MONEY = ("ApproveFunding", "Reserve", "RequestFundingChanges", "DeclineFunding")
IT = ("Knight", "RequestChanges", "Decline")
ENDING = frozenset({"RequestFundingChanges", "DeclineFunding", "RequestChanges", "Decline"})
"""Rehearsed, never done for good: a walk would end there."""

WORKER, GOVERNOR = "workloads/worker", "people/governor"
GAP = gate_pb2.Gap(risk="r", tolerance="t", excess="e", remedy="m")
_REQUESTS: dict[str, Any] = {
    "Pledge": pb.PledgeRequest,
    "RecordPosition": pb.RecordPositionRequest,
    "ApproveFunding": budget_pb.ApproveFundingRequest,
    "Reserve": budget_pb.ReserveRequest,
    "RequestFundingChanges": budget_pb.RequestFundingChangesRequest,
    "DeclineFunding": budget_pb.DeclineFundingRequest,
    "Knight": itrisk_pb.KnightRequest,
    "RequestChanges": itrisk_pb.RequestChangesRequest,
    "Decline": itrisk_pb.DeclineRequest,
}
_SAYING: dict[str, dict[str, Any]] = {
    "RecordPosition": {"kind": pb.POSITION_KIND_CONSENT},
    "Reserve": {"envelope": ENVELOPE},
    "RequestFundingChanges": {"gaps": [GAP]},
    "DeclineFunding": {"gap": GAP},
    "RequestChanges": {"gaps": [GAP]},
    "Decline": {"gaps": [GAP], "price": "p", "no_exposure_fits": True},
}
_NAMELESS = frozenset({"RequestFundingChanges", "DeclineFunding"})
"""Decided in one's own name only."""

_PURPOSE = {"PLEDGE": ("PLEDGE", "POSITION"), "FUND": ("FUND",), "KNIGHT": ("KNIGHT",)}


@dataclass(slots=True)
class Tally:
    """What was tried, over all programs."""

    attempts: int = 0
    done: int = 0
    rehearsed: int = 0
    delegated: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    launched: int = 0
    late: int = 0
    """Warrants that launch refused: a decider of money or IT has pledged since."""
    barred: int = 0
    """Programs that stood still because nobody was left who might decide, or a side was taken."""


class Walk:
    """A program of an enterprise."""

    def __init__(
        self,
        name: str,
        made: Enterprise,
        found: dict[str, AnyRoom],
        realm: Realm,
        clock: SettableClock,
        chance: Random,
        tally: Tally,
    ) -> None:
        self.made, self.rooms, self.realm, self.clock = made, found, realm, clock
        self.chance, self.tally = chance, tally
        self.standing = Standing(self._proposal(name, 1))
        self.oracle = Oracle(made, self.standing)

    def _proposal(self, name: str, number: int, **changes: Any) -> Revision:
        business = [unit for unit in self.made.units if unit.side == "business"]
        people, chance = self.made.people, self.chance
        chiefs = sorted(self.made.chiefs)
        values: dict[str, Any] = {
            "program": name,
            "proposer": chance.choice(people),
            "sponsor": chance.choice(chiefs or people),
            "counter_sponsor": chance.choice(people) if chance.random() < 0.3 else "",
            "owning_unit": chance.choice(business).name,
            "amount_minor": chance.choice((1, TIER_MINOR - 1, TIER_MINOR, TIER_MINOR * 10)),
            "audiences": tuple(
                f"a-{unit.name.removeprefix('units/')}" for unit in chance.sample(business, 2)
            ),
            "channels": ("web",),
            "data_classes": ("open",),
            **changes,
        }
        return revision(number, **values)

    async def walk(self) -> None:
        """To three standing warrants, or to where nobody is left."""
        surprises = self.chance.randint(0, 3)
        for _ in range(60):
            gate = await self._first_not_standing()
            if gate is None:
                if not await self._apart():
                    continue
                if not surprises:
                    self.tally.launched += 1
                    return
            if gate is None or (surprises and self.chance.random() < 0.25):
                surprises -= 1
                await self._surprise()
                continue
            if not await self._open(gate):
                self.tally.barred += 1
                return
            if not await self._everybody_tries(gate) and not await self._escalated(gate):
                self.tally.barred += 1
                return

    async def _read(self, gate: str) -> gate_pb2.GateCase:
        request = case_pb.ReadCaseRequest(
            program=self.standing.facts.program, gate=gate_pb2.Gate.Value(f"GATE_{gate}")
        )
        reading = await self.rooms[OWNER[gate]].ask(WORKER, "ReadCase", request)
        case: gate_pb2.GateCase = reading.gate_case
        return case

    async def _first_not_standing(self) -> str | None:
        facts = self.standing.facts
        for gate in GATES:
            case = await self._read(gate)
            fresh = case.gate_digest == facts.gate_digest(Gate(gate))
            if case.state != gate_pb2.CASE_STATE_STANDING or not fresh:
                return gate
        return None

    async def _warrant(self, gate: str) -> str:
        request = case_pb.GetWarrantRequest(
            program=self.standing.facts.program, gate=gate_pb2.Gate.Value(f"GATE_{gate}")
        )
        signed = await self.rooms[OWNER[gate]].ask(WORKER, "GetWarrant", request)
        text: str = signed.warrant
        return text

    async def _open(self, gate: str) -> bool:
        """As the path does: with a fresh warrant of each gate before."""
        before = await self._read(gate)
        warrants = [await self._warrant(one) for one in GATES[: GATES.index(gate)]]
        request = case_pb.OpenCaseRequest(
            request_id=new_request_id(),
            gate=gate_pb2.Gate.Value(f"GATE_{gate}"),
            revision_statement=self.realm.revision_statement(self.standing.facts),
            warrants=warrants,
        )
        answer, reason = await self.rooms[OWNER[gate]].attempt(WORKER, "OpenCase", request)
        if reason:
            assert reason == "SIDES_NOT_SEPARATE", reason
            standing = before.state == gate_pb2.CASE_STATE_STANDING
            return await self._void(gate if standing else "FUND")
        case: gate_pb2.GateCase = answer.gate_case
        if gate == "PLEDGE" and case.name != before.name:
            self.standing.pledgers.clear()
            self.standing.overriders.clear()
            self.standing.recused.clear()
        if gate != "PLEDGE":
            pledge, fund = await self._read("PLEDGE"), await self._read("FUND")
            self.standing.told(case, pledge, deciders(fund))
        return True

    async def _void(self, gate: str) -> bool:
        case = await self._read(gate)
        if case.state != gate_pb2.CASE_STATE_STANDING:
            return False
        request = case_pb.VoidCaseRequest(
            request_id=new_request_id(), name=case.name, etag=case.etag, reason="sides"
        )
        await self.rooms[OWNER[gate]].ask(GOVERNOR, "VoidCase", request)
        return True

    async def _surprise(self) -> None:
        """A pledge or a funding is voided, or a revision puts who decides on the business side."""
        what = self.chance.choice(("void-pledge", "void-fund", "revise"))
        if what != "revise":
            await self._void(what.removeprefix("void-").upper())
            return
        facts = self.standing.facts
        cases = [await self._read(gate) for gate in ("FUND", "KNIGHT")]
        seen = {name for case in cases for name in deciders(case)}
        seen |= {holder.person for case in cases for holder in case.holders}
        named = self.chance.choice(("sponsor", "proposer", "counter_sponsor"))
        who = self.chance.choice([*sorted(seen), *self.made.people])
        changes = {named: who, "amount_minor": facts.amount_minor}
        self.standing.facts = self._proposal(facts.program, facts.number + 1, **changes)

    async def _everybody_tries(self, gate: str) -> bool:
        """Everybody tries everything at once; one of those who may then does it for good."""
        case = await self._read(gate)
        if case.state != gate_pb2.CASE_STATE_OPEN:
            return case.state == gate_pb2.CASE_STATE_STANDING
        record = await self._record(case)
        attempts = list(self._attempts(gate, record))
        rehearsals = [self._try(one, case, rehearsing=True) for one in attempts]
        answers = await asyncio.gather(*rehearsals)
        self.tally.rehearsed += len(answers)
        able: list[Attempt] = []
        for attempt, (answer, reason) in zip(attempts, answers, strict=True):
            done = self._judge(attempt, record, answer, reason)
            if done and self._moves(attempt, record):
                able.append(attempt)
        await self._for_good(case, attempts, answers, record)
        if not able:
            return False
        chosen = self.chance.choice(able)
        answer, reason = await self._try(chosen, case, rehearsing=False)
        assert self._judge(chosen, record, answer, reason), (chosen, reason)
        self._remember(chosen)
        return True

    def _moves(self, attempt: Attempt, record: Any) -> bool:
        """Whether it takes the program on: it neither ends it nor says again what was said."""
        if attempt.method == "RecordPosition":
            asked = next(one for one in record.positions if one.unit == attempt.unit)
            return bool(asked.kind != pb.POSITION_KIND_CONSENT)
        return attempt.method not in ENDING

    async def _for_good(
        self,
        case: gate_pb2.GateCase,
        attempts: list[Attempt],
        answers: list[tuple[Any, str]],
        record: Any,
    ) -> None:
        """Some of those who were refused try it for good all the same, and change nothing."""
        refused = [a for a, (answer, _) in zip(attempts, answers, strict=True) if answer is None]
        sample = self.chance.sample(refused, min(len(refused), 20))
        tried = await asyncio.gather(*(self._try(one, case, rehearsing=False) for one in sample))
        for attempt, (answer, reason) in zip(sample, tried, strict=True):
            assert not self._judge(attempt, record, answer, reason), attempt
        assert (await self._read(_gate(case))).etag == case.etag

    async def _record(self, case: gate_pb2.GateCase) -> Any:
        if case.gate != gate_pb2.GATE_PLEDGE:
            return case
        request = pb.GetPledgeRequest(name=case.name)
        return await self.rooms["sponsorship"].ask(WORKER, "GetPledge", request)

    def _attempts(self, gate: str, record: Any) -> Iterator[Attempt]:
        for person in self.made.people:
            stranger = self.chance.choice(self.made.people)
            for purpose in _PURPOSE[gate]:
                names = dict.fromkeys((*self.made.names(person, purpose), stranger))
                for behalf in names:
                    if behalf != person:
                        yield from self._acts(gate, purpose, person, behalf, record)

    def _acts(
        self, gate: str, purpose: str, person: str, behalf: str, record: Any
    ) -> Iterator[Attempt]:
        if gate == "PLEDGE" and purpose == "PLEDGE":
            yield Attempt("Pledge", person, behalf)
        elif gate == "PLEDGE":
            for position in record.positions:
                yield Attempt("RecordPosition", person, behalf, position.unit)
        else:
            for method in MONEY if gate == "FUND" else IT:
                if not behalf or method not in _NAMELESS:
                    yield Attempt(method, person, behalf)

    async def _try(
        self, attempt: Attempt, case: gate_pb2.GateCase, *, rehearsing: bool
    ) -> tuple[Any, str]:
        said: dict[str, Any] = dict(_SAYING.get(attempt.method, {}))
        if attempt.method not in _NAMELESS:
            said["on_behalf_of"] = attempt.behalf
        if attempt.unit:
            said["unit"] = attempt.unit
        request = _REQUESTS[attempt.method](
            request_id=new_request_id(),
            name=case.name,
            etag=case.etag,
            validate_only=rehearsing,
            **said,
        )
        self.tally.attempts += 1
        room = self.rooms[OWNER[_gate(case)]]
        return await room.attempt(attempt.person, attempt.method, request)

    def _judge(self, attempt: Attempt, record: Any, answer: Any, reason: str) -> bool:
        """Whether it was done; the oracle agrees."""
        # A rehearsal answers the legs of the authority test, barring ones included.
        tested = answer.authority_test if attempt.method == "Pledge" and answer else ()
        if any(not leg.holds and not leg.warning for leg in tested):
            answer, reason = None, "AUTHORITY_INSUFFICIENT"
        says = self._says(attempt, record)
        done = answer is not None
        expected = says is Says.MAY or done is (says is Says.MUST)
        assert expected, self._disagreement(attempt, says, record, reason)
        if done:
            self.tally.done += 1
        else:
            self.tally.refused[reason] += 1
        return done

    def _disagreement(self, attempt: Attempt, says: Says, record: Any, reason: str) -> str:
        case: gate_pb2.GateCase = record if attempt.method in MONEY + IT else record.gate_case
        holders = [(one.person, one.role, one.unit) for one in case.holders]
        return (
            f"{attempt} {says.value} by the oracle, yet {reason or 'was done'}; {case.name} is "
            f"held by {holders}, decided by {deciders(case)}; business is "
            f"{self.standing.business}, told as {self.standing.business_of.get(case.name)}"
        )

    def _says(self, attempt: Attempt, record: Any) -> Says:
        if attempt.method == "Pledge":
            return self.oracle.pledging(attempt, record)
        if attempt.method == "RecordPosition":
            return self.oracle.position(attempt, record)
        if attempt.method in MONEY:
            return self.oracle.funding(attempt, record)
        return self.oracle.review(attempt, record)

    def _remember(self, attempt: Attempt) -> None:
        if attempt.method == "Pledge":
            self.standing.pledgers |= attempt.people

    async def _escalated(self, gate: str) -> bool:
        """Whether time brought somebody new."""
        for _ in range(6):
            before = await self._read(gate)
            if before.state != gate_pb2.CASE_STATE_OPEN:
                return False
            self.clock.advance(timedelta(seconds=61))
            request = case_pb.EscalateCaseRequest(request_id=new_request_id(), name=before.name)
            answer = await self.rooms[OWNER[gate]].ask(WORKER, "EscalateCase", request)
            if len(answer.reading.gate_case.holders) > len(before.holders):
                return True
        return False

    async def _apart(self) -> bool:
        """Whether launch takes the three warrants; it does if and only if they share nobody.

        Nobody of money or IT decides go then. Otherwise governance voids the gate whose decider
        pledged since: that is the way out.
        """
        facts = self.standing.facts
        warrants = {
            Gate(gate): self._opened(await self._warrant(gate), Gate(gate)) for gate in GATES
        }
        pledge = warrants[Gate.PLEDGE]
        business = {*facts.business_people, *pledge.business_people}
        business |= {p for d in pledge.deciders if d.role == "sponsor" for p in d.people}
        money, it = warrants[Gate.FUND].people, warrants[Gate.KNIGHT].people
        assert money
        assert it
        assert self.standing.business <= business
        apart = not (business & money or business & it or money & it)
        try:
            readiness.require_separate(readiness.sides_of(facts, warrants))
        except PreconditionFailed:
            assert not apart
            self.tally.late += 1
            assert await self._void("FUND" if business & money else "KNIGHT")
            return False
        assert apart, (business, money, it)
        for person in self.made.people:
            for behalf in self.made.people:
                self._go(person, "" if behalf == person else behalf, money | it)
        return True

    def _go(self, person: str, behalf: str, others: frozenset[str]) -> None:
        authority = Authority(
            person=person,
            on_behalf_of=behalf,
            active=True,
            side=None,
            unit="",
            grade="",
            limit_minor=None,
            limit_currency="",
            unlimited=True,
            resolved_at=self.clock.now(),
        )
        try:
            stages.check_decider(authority, others)
        except PreconditionFailed:
            assert others & {person, behalf}
        else:
            assert not others & {person, behalf}

    def _opened(self, signed: str, gate: Gate) -> Warrant:
        return self.realm.statements("launch").read_warrants([signed], (gate,))[gate]


def _gate(case: gate_pb2.GateCase) -> str:
    return gate_pb2.Gate.Name(case.gate).removeprefix("GATE_")
