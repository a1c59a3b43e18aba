"""Estimates of several people: each says their own before they see the others'; then the median."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from investiture.chassis.refusal import InvalidArgument, Leg, NotFound, PreconditionFailed
from investiture.chassis.transaction import Transaction
from investiture.itrisk import combining
from investiture.itrisk.computing import digest_of
from investiture.itrisk.estimates import EstimateStore, Said
from investiture.itrisk.profiles import Profile, ProfileStore

PEOPLE = 3
"""How many people a part needs to be combined, where nothing else is asked."""
MOST_PEOPLE = 20
_LONGEST_REASON = 4_000


@dataclass(frozen=True, slots=True)
class PartView:
    """What somebody may see of a part: while `hidden`, their own numbers at most."""

    part: str
    people: int
    hidden: bool
    said: tuple[Said, ...]
    spread: tuple[combining.Spread, ...]


@dataclass(frozen=True, slots=True)
class ScenarioView:
    """What somebody may see of a scenario."""

    scenario: str
    version: int
    parts: tuple[PartView, ...]


class EstimateOperations:
    """Load → decide → save, each inside one transaction."""

    def __init__(self, profiles: ProfileStore, estimates: EstimateStore) -> None:
        self._profiles = profiles
        self._estimates = estimates

    def record(
        self,
        tx: Transaction,
        program: str,
        scenario: str,
        parts: Sequence[tuple[str, Mapping[str, Any]]],
        basis: str,
    ) -> ScenarioView:
        """Keeps the caller's numbers for a scenario of the newest profile."""
        profile = self._newest(tx, program)
        named = _scenario(profile, scenario)
        person = tx.call.principal.subject
        before = [
            one
            for one in self._estimates.said(tx, program, profile.version)
            if one.scenario == scenario
        ]
        for index, (part, estimate) in enumerate(parts):
            at = f"parts[{index}].estimate"
            if part in [earlier for earlier, _ in parts[:index]]:
                raise InvalidArgument.of(f"parts[{index}].part", f"say {part} once")
            combining.read(part, estimate, at)
            others = [one for one in before if one.part == part]
            _require_sayable(named, part, estimate, others, person, at)
            times = next((one.times for one in others if one.person == person), 0) + 1
            self._estimates.insert(
                tx,
                Said(
                    program=program,
                    version=profile.version,
                    scenario=scenario,
                    part=part,
                    person=person,
                    times=times,
                    estimate=estimate,
                    basis=basis,
                    said_at=tx.now,
                ),
            )
        payload = {
            "scenario": scenario,
            "parts": [part for part, _ in parts],
            "digest": digest_of([[part, dict(estimate)] for part, estimate in parts]),
        }
        tx.record("risk_estimate.said", profile.name, profile.version, payload, program=program)
        (view,) = self.seen(tx, program, None, scenario)
        return view

    def seen(
        self, tx: Transaction, program: str, version: int | None, scenario: str = ""
    ) -> list[ScenarioView]:
        """What the caller may see of a version, the newest where none is named."""
        newest = self._newest(tx, program)
        profile = newest if version is None else self._profiles.version(tx, program, version)
        names = [str(one["name"]) for one in profile.content["scenarios"]]
        if scenario:
            names = [str(_scenario(profile, scenario)["name"])]
        said = self._estimates.said(tx, program, profile.version)
        person = tx.call.principal.subject
        open_ = profile.version == newest.version
        return [
            ScenarioView(
                name,
                profile.version,
                tuple(
                    _view(part, [one for one in said if (one.scenario, one.part) == (name, part)])
                    if not open_ or _has_said(said, name, part, person)
                    else _hidden(part, said, name)
                    for part in combining.PARTS
                    if any((one.scenario, one.part) == (name, part) for one in said)
                ),
            )
            for name in names
        ]

    def combined(
        self, tx: Transaction, program: str, reason: str, people: int
    ) -> tuple[dict[str, Any], str]:
        """The newest profile's content with the medians in place, and the reason with who said.

        Refuses with WRONG_STATE where no part has numbers of enough people.
        """
        profile = self._newest(tx, program)
        enough = people or PEOPLE
        content = {**profile.content}
        done: list[str] = []
        legs: list[Leg] = []
        for (scenario, part), group in groupby(
            self._estimates.said(tx, program, profile.version),
            key=lambda one: (one.scenario, one.part),
        ):
            said = list(group)
            if len(said) < enough:
                legs.append(_too_few(scenario, part, len(said), enough))
                continue
            middle = combining.combined_of([one.estimate for one in said], "estimates")
            content["scenarios"] = [
                combining.with_part(one, part, middle) if one["name"] == scenario else one
                for one in content["scenarios"]
            ]
            who = ", ".join(one.person.removeprefix("people/") for one in said)
            done.append(f"{scenario}: {part} ({who})")
        if not done:
            none = Leg("ESTIMATES", profile.name, "nobody has said any numbers", "say some first")
            raise PreconditionFailed("WRONG_STATE", legs=tuple(legs) or (none,))
        whole = f"{reason}; medians of {'; '.join(done)}"
        return content, whole[:_LONGEST_REASON]

    def _newest(self, tx: Transaction, program: str) -> Profile:
        profile = self._profiles.newest(tx, program)
        if profile is None:
            raise NotFound(f"{program}/riskProfiles/latest")
        return profile


def _require_sayable(
    scenario: Mapping[str, Any],
    part: str,
    estimate: Mapping[str, Any],
    others: Sequence[Said],
    person: str,
    at: str,
) -> None:
    if part.startswith("secondary") and "secondary" not in scenario:
        raise InvalidArgument.of(
            at, "the profile names no secondary loss here; its author adds one first"
        )
    elsewhere = [one for one in others if one.person != person]
    if len(elsewhere) >= MOST_PEOPLE:
        raise InvalidArgument.of(at, f"{MOST_PEOPLE} people have said theirs: combine them")
    forms = {combining.form_of(one.estimate) for one in elsewhere} - {combining.form_of(estimate)}
    if forms:
        raise InvalidArgument.of(at, f"others said a {forms.pop()}: say yours in that form")


def _scenario(profile: Profile, name: str) -> Mapping[str, Any]:
    scenarios: Iterable[Mapping[str, Any]] = profile.content["scenarios"]
    for one in scenarios:
        if one["name"] == name:
            return one
    known = ", ".join(str(one["name"]) for one in scenarios)
    raise InvalidArgument.of("scenario", f"the profile has no {name!r}; it has {known}"[:1_000])


def _has_said(said: Sequence[Said], scenario: str, part: str, person: str) -> bool:
    return any((one.scenario, one.part, one.person) == (scenario, part, person) for one in said)


def _view(part: str, said: Sequence[Said]) -> PartView:
    spread = combining.spread_of([one.estimate for one in said])
    return PartView(part, len(said), hidden=False, said=tuple(said), spread=spread)


def _hidden(part: str, said: Sequence[Said], scenario: str) -> PartView:
    count = sum((one.scenario, one.part) == (scenario, part) for one in said)
    return PartView(part, count, hidden=True, said=(), spread=())


def _too_few(scenario: str, part: str, found: int, enough: int) -> Leg:
    return Leg(
        "ESTIMATES",
        f"{scenario}: {part}",
        f"{found} of {enough} people have said their numbers",
        "ask others for theirs, or combine what fewer people said",
    )
