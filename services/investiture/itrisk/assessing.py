"""What is asked of the mathematics for a program: its profile, controls, exposure and appetite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from investiture.casework.amounts import exponent
from investiture.casework.case import Case
from investiture.casework.facts import Gap
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Rules
from investiture.casework.words import Gate
from investiture.charter.model import Charter
from investiture.chassis.refusal import Leg, NotFound, PreconditionFailed
from investiture.chassis.transaction import Transaction
from investiture.itrisk.comparing import INSIDE
from investiture.itrisk.computing import Asked
from investiture.itrisk.library.choosing import Traits
from investiture.itrisk.profiles import Profile, ProfileStore

FULL_BPS = 10_000


@dataclass(frozen=True, slots=True)
class Subject:
    """A question about a program, and what it was made of.

    `revision` and `profile_version` are 0 where none was taken; `appetite_version` 0 where another
    appetite was given than the charter's.
    """

    program: str
    asked: Asked
    profile_version: int
    revision: int
    appetite_version: int
    currency: str

    @property
    def exposure(self) -> float:
        """The share of the full audience that is looked at."""
        return float(self.asked.document["exposure"])


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What is to be different in a what-if; what is empty stays as it is."""

    controls: tuple[str, ...] = ()
    exposure_bps: int = 0
    appetite: tuple[tuple[float, float], ...] = ()
    content: Mapping[str, Any] | None = None
    at: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Living:
    """Programs whose knighting stands: with numbers, without, and with some in another currency."""

    subjects: dict[str, Subject]
    without: list[str]
    foreign: list[str]


@dataclass(frozen=True, slots=True)
class Judged:
    """A question and its answer."""

    subject: Subject
    answer: Mapping[str, Any]


class Assessing:
    """Makes questions out of the record."""

    def __init__(self, cases: CaseOperations, profiles: ProfileStore, rules: Rules) -> None:
        self._cases = cases
        self._profiles = profiles
        self._rules = rules

    def subject(self, tx: Transaction, program: str, otherwise: Otherwise = Otherwise()) -> Subject:
        """The question about a program as it stands, or otherwise. NOT_FOUND without a profile."""
        case = self._cases.newest(tx, program, Gate.KNIGHT)
        profile = self._profiles.newest(tx, program)
        if profile is None and otherwise.content is None:
            raise NotFound(f"{program}/riskProfiles/latest")
        return self.of_case(tx, program, case, profile, otherwise)

    def of_case(
        self,
        tx: Transaction,
        program: str,
        case: Case | None,
        profile: Profile | None,
        otherwise: Otherwise = Otherwise(),
    ) -> Subject:
        """The question about a program whose case and profile are known."""
        # The appetite is the house's of today, whatever charter the case was opened under: a new
        # one holds for all programs that live (risk.md), which have 30 days to come inside.
        charter = self._rules.in_force
        content = otherwise.content
        if content is None:
            assert profile is not None, "the caller has made sure of one of them"
            content = profile.content
        offered = [str(one["name"]) for one in content.get("controls", ())]
        named = {*(case.facts.controls if case else ()), *otherwise.controls}
        unknown = sorted(set(otherwise.controls) - set(offered))
        if unknown:
            raise PreconditionFailed(
                "WRONG_STATE",
                f"the profile does not offer {', '.join(unknown)}",
                legs=(
                    Leg(
                        "CONTROLS",
                        program,
                        f"offered are {', '.join(offered) or 'none'}",
                        "name a control that the profile offers, or give other content",
                    ),
                ),
            )
        bps = otherwise.exposure_bps or (case.facts.exposure_bps if case else FULL_BPS)
        document = {
            **content,
            "appetite": [list(point) for point in otherwise.appetite or appetite_of(charter)],
            "exposure": bps / FULL_BPS,
        }
        in_place = tuple(one for one in offered if one in named)
        asked = Asked(document, in_place, otherwise.at, charter.currency)
        return Subject(
            program=program,
            asked=asked,
            profile_version=0
            if otherwise.content is not None or profile is None
            else profile.version,
            revision=case.facts.number if case else 0,
            appetite_version=0 if otherwise.appetite else charter.appetite.version,
            currency=charter.currency,
        )

    def traits(self, tx: Transaction, program: str) -> Traits:
        """What the revision before IT says of a program; NOT_FOUND where there is none yet."""
        case = self._cases.newest(tx, program, Gate.KNIGHT)
        if case is None:
            raise NotFound(
                program,
                f"IT has not been asked about {program} yet: give its audiences, channels, data "
                "classes and vendors",
            )
        facts = case.facts
        return Traits(facts.audiences, facts.channels, facts.data_classes, facts.vendors)

    def of_review(self, tx: Transaction, case: Case, limit_bps: int) -> Subject | None:
        """The question that a verdict on a review answers; None where no numbers exist."""
        profile = self._profiles.newest(tx, case.program)
        if profile is None:
            return None
        bps = min(limit_bps or case.facts.exposure_bps, case.facts.exposure_bps)
        return self.of_case(tx, case.program, case, profile, Otherwise(exposure_bps=bps))

    def of_standing(self, tx: Transaction, case: Case) -> Subject | None:
        """The question about a knighting as it stands; None where no numbers exist."""
        return self.of_review(tx, case, case.exposure_limit_bps)

    def living(self, tx: Transaction) -> "Living":
        """Questions about all programs whose knighting stands, and those that have none."""
        found = Living({}, [], [])
        for program in self._profiles.standing(tx):
            case = self._cases.newest(tx, program, Gate.KNIGHT)
            profile = self._profiles.newest(tx, program)
            if profile is None or case is None:
                found.without.append(program)
                continue
            limit = min(case.exposure_limit_bps, case.facts.exposure_bps)
            subject = self.of_case(tx, program, case, profile, Otherwise(exposure_bps=limit))
            if subject.currency != self._rules.in_force.currency:
                found.foreign.append(program)
            else:
                found.subjects[program] = subject
        return found


def appetite_of(charter: Charter) -> tuple[tuple[float, float], ...]:
    """The charter's appetite, its losses in the currency's major unit."""
    scale = 10 ** exponent(charter.currency)
    return tuple((point.loss_minor / scale, point.probability) for point in charter.appetite.points)


def gaps_of(answer: Mapping[str, Any], currency: str) -> tuple[Gap, ...]:
    """The named gaps of an assessment that is not inside: a point each, with what flips it."""
    if answer["verdict"] in (None, INSIDE):
        return ()
    exceeding = {one["loss"]: one for one in answer["exceedance"]}
    gaps: list[Gap] = []
    for point in answer["slack"]:
        found = exceeding[point["loss"]]
        if found["upper"] <= point["tolerance"]:
            continue
        loss = f"{point['loss']:,.0f} {currency}"
        chance = (found["lower"] + found["upper"]) / 2.0
        gaps.append(
            Gap(
                risk=f"a loss of more than {loss} in a year has a chance of {chance:.2%}",
                tolerance=f"at most {point['tolerance']:.2%} of years may lose more than {loss}",
                excess=f"{chance - point['tolerance']:.2%} too much",
                remedy=remedy_of(answer, currency),
                fields=("controls", "exposure"),
            )
        )
    return tuple(gaps)


def require_inside(answer: Mapping[str, Any], currency: str) -> None:
    """Refuses with VERDICT_NOT_ALLOWED what is not inside, or not worth it: a leg each."""
    if answer["answer"] in (None, "KNIGHTABLE"):
        return
    legs = [
        Leg("APPETITE", "verdict", f"{gap.risk}; {gap.tolerance}", gap.remedy)
        for gap in gaps_of(answer, currency)
    ]
    worth = answer["net_present_value"]
    if worth is not None and worth <= 0.0:
        legs.append(
            Leg(
                "VALUE",
                "verdict",
                f"it is worth {worth:,.0f} {currency} once its risk is paid for",
                "raise the benefits, lower the costs, or do not launch",
            )
        )
    raise PreconditionFailed("VERDICT_NOT_ALLOWED", str(answer["sentence"]), legs=tuple(legs))


def require_empty_window(answer: Mapping[str, Any]) -> None:
    """Refuses with VERDICT_NOT_ALLOWED that no exposure fits where the numbers show one.

    The window is empty where x* is 0 and no set of the controls on offer enters the appetite.
    """
    tipping = answer["tipping"]
    outside = answer["verdict"] not in (None, INSIDE)
    fits = bool(tipping) and int(tipping["exposure"] * FULL_BPS) > 0  # of what can be asked for
    if outside and not fits and not answer["control_sets"]:
        return
    raise PreconditionFailed(
        "VERDICT_NOT_ALLOWED",
        f"by the numbers the launch window is not empty: {answer['sentence']}",
        legs=(
            Leg(
                "WINDOW",
                "no_exposure_fits",
                str(answer["sentence"]),
                "request changes with the named gap, or knight for the exposure that fits",
            ),
        ),
    )


def remedy_of(answer: Mapping[str, Any], currency: str) -> str:
    """What would bring it inside, the cheapest first."""
    ways: list[str] = []
    sets: Sequence[Mapping[str, Any]] = answer["control_sets"]
    if sets and sets[0]["controls"]:
        names = " and ".join(sets[0]["controls"])
        ways.append(f"put {names} in place, for {sets[0]['cost']:,.0f} {currency}")
    exposure = answer["tipping"]["exposure"] if answer["tipping"] else 0.0
    if exposure > 0.0:
        ways.append(f"address at most {exposure:.1%} of the audience")
    return "; or ".join(ways) or "no control on offer and no exposure brings it inside: redesign it"
