"""Who may declare an emergency, decide provisionally and close the review, said a second time.

From the design's words: two different people of the gate's side whom the charter names, at the
pledge the sponsor and a countersigner; for 72 hours at the most; and somebody else reviews it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.contract.sides.acts import gate_of
from tests.contract.sides.houses import Enterprise, Owed
from tests.contract.sides.oracle import Attempt, Says, Spoken, Standing

from investiture.api.common.v1 import gate_pb2
from investiture.casework.facts import Warrant
from investiture.casework.words import Basis

LONGEST = timedelta(hours=72)
SIDE = {"PLEDGE": "business", "FUND": "money", "KNIGHT": "it"}


@dataclass(frozen=True, slots=True)
class EmergencyOracle:
    """Judges what is done at one program in an emergency."""

    made: Enterprise
    standing: Standing

    def declaring(self, attempt: Attempt, case: gate_pb2.GateCase) -> Says:
        """The proposer, once, within the caps, whose team owes no review and has who closes it."""
        facts = self.standing.facts
        may = (
            attempt.person == facts.proposer
            and case.state == gate_pb2.CASE_STATE_OPEN
            and case.name not in self.standing.declared
            and self._within()
        )
        owed = self.owed(case.name)
        blocked = owed.team in self.made.owed or not self.closers(owed)
        return Says.MUST if may and not blocked else Says.MUST_NOT

    def owed(self, pledge: str) -> Owed:
        """The review that an emergency declared now would be owed."""
        facts = self.standing.facts
        named = (facts.proposer, facts.sponsor, facts.counter_sponsor)
        team = self.made.home[facts.proposer]
        return Owed(f"{pledge}/emergency", team, frozenset(name for name in named if name))

    def deciding(self, attempt: Attempt, case: gate_pb2.GateCase, now: datetime) -> Says:
        """One of the two, in their own name, on no other side, while it is an emergency."""
        person, said = attempt.person, [one.person for one in self.standing.spoken_on(case.name)]
        others = self.standing.others(case)
        may = (
            case.state == gate_pb2.CASE_STATE_OPEN
            and len(said) < 2
            and self._urgent(case, now)
            and person in self._named(case, said)
            and self._fit(person, gate_of(case))
            and not {person, *said} & others
        )
        if may and case.gate == gate_pb2.GATE_PLEDGE and said:
            may = self.standing.declared[case.name].team not in self.made.owed
        return Says.MUST if may else Says.MUST_NOT

    def declared(self, pledge: str) -> None:
        """Keeps that an emergency was declared at a pledge."""
        self.standing.declared[pledge] = self.owed(pledge)

    def spoke(self, person: str, case: str, now: datetime) -> None:
        """Keeps a voice; the second one at a pledge owes its team a review."""
        standing = self.standing
        standing.spoken.setdefault(case, []).append(Spoken(person, now))
        owed = standing.declared.get(case)
        if owed is not None and len(standing.spoken[case]) == 2:
            assert owed.team not in self.made.owed
            self.made.owed[owed.team] = owed
        program = case.rpartition("/")[0].rpartition("/")[0]
        for one in self.made.owed.values():
            if one.name.startswith(f"{program}/"):
                one.voices.update(
                    said.person for voices in standing.spoken.values() for said in voices
                )

    def closing(self, person: str, owed: Owed) -> Says:
        """Whom the charter names, who is not of the team, and neither asked for it nor decides."""
        return Says.MUST if person in self.closers(owed) else Says.MUST_NOT

    def closers(self, owed: Owed) -> set[str]:
        """Who may close a review."""
        path, governance = self.made.path, self.made.charter.governance
        if path is None:
            return set()
        named = {*path.closers} or {governance.owner, governance.deputy}
        deciding = {*path.countersigners, *path.fund, *path.knight}
        team = {person for person, unit in self.made.home.items() if unit == owed.team}
        return named - deciding - owed.asking - team

    def until(self, case_name: str) -> datetime:
        """When what two have decided stands no more."""
        path = self.made.path
        assert path is not None
        _, second = self.standing.spoken_on(case_name)
        return second.at + min(path.stands.elapsed, LONGEST)

    def warranted(self, warrant: Warrant, now: datetime) -> None:
        """A warrant names who stands behind it, on no other side, and stands in their time only.

        Who decided provisionally may have changed sides before the ordinary decision was made: they
        stand behind it as well, so that launch refuses it.
        """
        standing, name, gate = self.standing, warrant.case_name, warrant.gate.value
        told = standing.business_of.get(name, set()) | standing.money_of.get(name, set())
        voices = standing.spoken_on(name)
        people = {one.person for one in voices}
        if warrant.basis is not Basis.EMERGENCY:
            assert standing.dated(name) <= warrant.people, "they stand behind it as well"
            assert not warrant.people & told - standing.dated(name), (warrant.people, told)
            return
        assert not people & told, (people, told)
        assert len(people) == len(voices) == 2, voices
        assert people == warrant.people, "and nobody in whose name"
        assert all(self._fit(one, gate) for one in people), people
        assert people <= self._eligible(gate), people
        assert gate != "PLEDGE" or standing.facts.sponsor in people
        assert gate != "PLEDGE" or people <= {*warrant.business_people}
        assert now < self.until(name)
        assert warrant.standing_until == self.until(name)

    def _urgent(self, case: gate_pb2.GateCase, now: datetime) -> bool:
        """The proposer said so not too long ago, and the program keeps the caps."""
        path = self.made.path
        if path is None or not case.HasField("emergency") or not self._within():
            return False
        declared = case.emergency.declared_at.ToDatetime(tzinfo=UTC)
        return now < declared + path.stands.elapsed

    def _within(self) -> bool:
        path, facts = self.made.path, self.standing.facts
        return (
            path is not None
            and facts.amount_minor <= path.caps.amount_minor
            and facts.exposure_bps <= path.caps.exposure_bps
            and bool(facts.envelope)
            and not facts.counter_sponsor
        )

    def _named(self, case: gate_pb2.GateCase, said: list[str]) -> set[str]:
        """Whom the charter and the program name, without who proposes it for somebody else."""
        facts, named = self.standing.facts, self._eligible(gate_of(case))
        if case.gate == gate_pb2.GATE_PLEDGE:
            if said and facts.sponsor not in said:
                named = {facts.sponsor}
            if facts.sponsor not in self.made.chiefs:
                named = named - {facts.sponsor}
        return named - {*said} - ({facts.proposer} - {facts.sponsor})

    def _eligible(self, gate: str) -> set[str]:
        path = self.made.path
        assert path is not None
        if gate == "PLEDGE":
            return {self.standing.facts.sponsor, *path.countersigners}
        return {*path.fund} if gate == "FUND" else {*path.knight}

    def _fit(self, person: str, gate: str) -> bool:
        """Of the gate's side, and nobody who closes reviews."""
        path, governance = self.made.path, self.made.charter.governance
        assert path is not None
        closers = path.closers or (governance.owner, governance.deputy)
        return self.made.side(person) == SIDE[gate] and person not in closers
