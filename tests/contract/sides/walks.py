"""One program walked through its three gates while everybody tries everything, again and again."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, timedelta
from random import Random
from typing import Any

from tests.contract.sides.acts import (
    ENDING,
    GATES,
    IT,
    MONEY,
    NAMELESS,
    OWNER,
    PROVISIONAL,
    PURPOSE,
    agrees,
    case_of,
    gate_of,
    request_of,
)
from tests.contract.sides.emergencies import EmergencyOracle
from tests.contract.sides.houses import Enterprise
from tests.contract.sides.oracle import (
    Attempt,
    Oracle,
    Says,
    Standing,
    deciders,
    in_force,
    is_asked,
)
from tests.contract.sides.proposals import proposed
from tests.contract.sides.rooms import AnyRoom
from tests.contract.sides.tally import Tally
from tests.support.clock import SettableClock
from tests.support.services import Realm, new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework.facts import Authority, Revision, Warrant
from investiture.casework.statements import FRESH
from investiture.casework.words import Basis, Gate
from investiture.chassis.refusal import PreconditionFailed
from investiture.launch.domain import readiness, stages

WORKER, GOVERNOR = "workloads/worker", "people/governor"


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
        self.urgent = made.path is not None and chance.random() < 0.9
        self.surprising = 0.05 if self.urgent else 0.25
        self.standing = Standing(self._proposal(name, 1))
        self.oracle = Oracle(made, self.standing)
        self.emergencies = EmergencyOracle(made, self.standing)

    def _proposal(self, name: str, number: int, **changes: Any) -> Revision:
        return proposed(self.made, self.chance, name, number, urgent=self.urgent, **changes)

    async def walk(self) -> None:
        """To three standing warrants, or to where nobody is left."""
        surprises = self.chance.randint(0, 3)
        for _ in range(80):
            gate, provisional = await self._first_not_standing()
            if provisional and await self._meanwhile(provisional):
                continue
            if gate is None:
                if not await self._apart():
                    continue
                if not surprises:
                    self.tally.launched += 1
                    return
            if gate is None or (surprises and self.chance.random() < self.surprising):
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

    async def _first_not_standing(self) -> tuple[str | None, Sequence[str]]:
        """The gate that is to be decided next, and those before it that stand provisionally."""
        facts, provisional = self.standing.facts, list[str]()
        for gate in GATES:
            case = await self._read(gate)
            fresh = case.gate_digest == facts.gate_digest(Gate(gate))
            if case.state != gate_pb2.CASE_STATE_STANDING or not fresh:
                return gate, provisional
            if in_force(case):
                provisional.append(gate)
        return None, provisional

    async def _meanwhile(self, provisional: Sequence[str]) -> bool:
        """While a gate stands provisionally its ordinary decision is asked, or its time runs out.

        False where the program just goes on.
        """
        lot, gate = self.chance.random(), self.chance.choice(provisional)
        if lot < 0.27:
            if await self._open(gate) and not await self._everybody_tries(gate):
                await self._escalated(gate)
        elif lot < 0.36:
            await self._runs_out(gate)
        return lot < 0.36

    async def _runs_out(self, gate: str) -> None:
        """Until its last microsecond the decision gives a warrant, and after it none at all."""
        case, moment = await self._read(gate), timedelta(microseconds=1)
        self.clock.set(case.standing_until.ToDatetime(tzinfo=UTC) - moment)
        first, _ = await self._first_not_standing()
        standing = GATES[: GATES.index(first)] if first else GATES
        if gate not in standing:
            return  # one before it ran out sooner
        signed = {Gate(one): self._opened(await self._warrant(one), Gate(one)) for one in standing}
        facts = self.standing.facts
        if len(signed) == len(GATES):
            readiness.require_standing(facts, signed, self.clock.now(), FRESH)
        self.clock.advance(moment)
        request = case_pb.GetWarrantRequest(program=facts.program, gate=case.gate)
        late = await self.rooms[OWNER[gate]].attempt(WORKER, "GetWarrant", request)
        assert late == (None, "WRONG_STATE")
        try:
            readiness.require_standing(facts, signed, self.clock.now(), FRESH)
        except PreconditionFailed:
            self.tally.ran_out += 1
        else:
            raise AssertionError(f"launch took {gate}, whose time has run out")

    async def _warrant(self, gate: str) -> str:
        request = case_pb.GetWarrantRequest(
            program=self.standing.facts.program, gate=gate_pb2.Gate.Value(f"GATE_{gate}")
        )
        signed = await self.rooms[OWNER[gate]].ask(WORKER, "GetWarrant", request)
        self.emergencies.warranted(self._opened(signed.warrant, Gate(gate)), self.clock.now())
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
            self.standing.pledge = case.name
            self.standing.pledgers.clear()
            self.standing.overriders.clear()
            self.standing.recused.clear()
        if gate != "PLEDGE":
            pledge, fund = await self._read("PLEDGE"), await self._read("FUND")
            money = deciders(fund) | self.standing.dated(fund.name)
            self.standing.told(case, pledge, money)
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
        if not is_asked(case):
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
        urgent = [one for one in able if one.method in PROVISIONAL]
        chosen = self.chance.choice(urgent if urgent and self.chance.random() < 0.95 else able)
        answer, reason = await self._try(chosen, case, rehearsing=False)
        assert self._judge(chosen, record, answer, reason), (chosen, reason)
        self._remember(chosen, record)
        await self._tell(gate, case)
        return True

    async def _tell(self, gate: str, before: gate_pb2.GateCase) -> None:
        """How long it stands now, where two have decided it or the ordinary decision was made."""
        after = await self._read(gate)
        if in_force(after) and not in_force(before):
            until = after.standing_until.ToDatetime(tzinfo=UTC)
            assert until == self.emergencies.until(after.name)
            self.tally.provisional[gate] += 1
        if in_force(before) and not in_force(after):
            assert (after.state, after.basis) == (
                gate_pb2.CASE_STATE_STANDING,
                gate_pb2.BASIS_DECISION,
            )
            self.tally.replaced += 1

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
        assert (await self._read(gate_of(case))).etag == case.etag

    async def _record(self, case: gate_pb2.GateCase) -> Any:
        if case.gate != gate_pb2.GATE_PLEDGE:
            return case
        request = pb.GetPledgeRequest(name=case.name)
        return await self.rooms["sponsorship"].ask(WORKER, "GetPledge", request)

    def _attempts(self, gate: str, record: Any) -> Iterator[Attempt]:
        case = case_of(record)
        urgent = self.urgent or self.chance.random() < 0.1
        for person in self.made.people if urgent else ():
            if gate == "PLEDGE" and not in_force(case):
                yield Attempt("DeclareEmergency", person)
            yield Attempt("DecideProvisionally", person)
        for person in self.made.people:
            stranger = self.chance.choice(self.made.people)
            for purpose in PURPOSE[gate]:
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
                if not behalf or method not in NAMELESS:
                    yield Attempt(method, person, behalf)

    async def _try(
        self, attempt: Attempt, case: gate_pb2.GateCase, *, rehearsing: bool
    ) -> tuple[Any, str]:
        request = request_of(attempt, case, rehearsing=rehearsing)
        self.tally.attempts += 1
        room = self.rooms[OWNER[gate_of(case)]]
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
            self.tally.blocked += self._blocked(attempt)
        return done

    def _blocked(self, attempt: Attempt) -> bool:
        """Whether it is an emergency that its team may not have while it is owed a review."""
        proposes = attempt.person == self.standing.facts.proposer
        owed = self.made.home[attempt.person] in self.made.owed
        return attempt.method == "DeclareEmergency" and proposes and owed

    def _disagreement(self, attempt: Attempt, says: Says, record: Any, reason: str) -> str:
        case = case_of(record)
        holders = [(one.person, one.role, one.unit) for one in case.holders]
        return (
            f"{attempt} {says.value} by the oracle, yet {reason or 'was done'}; {case.name} is "
            f"held by {holders}, decided by {deciders(case)}; business is "
            f"{self.standing.business}, told as {self.standing.business_of.get(case.name)}; "
            f"provisionally spoke {self.standing.spoken_on(case.name)}"
        )

    def _says(self, attempt: Attempt, record: Any) -> Says:
        if attempt.method == "DeclareEmergency":
            return self.emergencies.declaring(attempt, case_of(record))
        if attempt.method == "DecideProvisionally":
            return self.emergencies.deciding(attempt, case_of(record), self.clock.now())
        if attempt.method == "Pledge":
            return self.oracle.pledging(attempt, record)
        if attempt.method == "RecordPosition":
            return self.oracle.position(attempt, record)
        if attempt.method in MONEY:
            return self.oracle.funding(attempt, record)
        return self.oracle.review(attempt, record)

    def _remember(self, attempt: Attempt, record: Any) -> None:
        case = case_of(record)
        if attempt.method == "Pledge":
            self.standing.pledgers |= attempt.people
        if attempt.method == "DeclareEmergency":
            self.emergencies.declared(case.name)
            self.tally.declared += 1
        elif attempt.method == "DecideProvisionally":
            self.emergencies.spoke(attempt.person, case.name, self.clock.now())
        elif attempt.method != "RecordPosition" or agrees(record, attempt.unit):
            self.standing.heard.setdefault(case.name, []).append(attempt)

    async def _escalated(self, gate: str) -> bool:
        """Whether time brought somebody new."""
        for _ in range(6):
            before = await self._read(gate)
            if not is_asked(before):
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
        business |= {p for d in pledge.deciders if {*d.people} & business for p in d.people}
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
        bases = {warrant.basis for warrant in warrants.values()}
        self.tally.provisionally_launched += Basis.EMERGENCY in bases
        readiness.require_standing(facts, warrants, self.clock.now(), FRESH)
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
