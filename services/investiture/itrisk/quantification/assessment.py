"""One answer to one question: the distribution, the verdict, and what would flip it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from investiture.itrisk.quantification import compound, tipping
from investiture.itrisk.quantification.compound import Bracket, Portfolio, within
from investiture.itrisk.quantification.controls import ControlSet, entering
from investiture.itrisk.quantification.quantiles import tails
from investiture.itrisk.quantification.scenarios import Question
from investiture.itrisk.quantification.sensitivity import Swing, swings
from investiture.itrisk.quantification.tipping import Reading, Tipping, Verdict
from investiture.itrisk.quantification.value import risk_adjusted_npv

QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)
SHOWN_WIDTH = 1e-4
"""How narrow the bracket of an exceedance probability is made before it is shown."""


class Answer(StrEnum):
    """What verdict and value say together."""

    KNIGHTABLE = "KNIGHTABLE"
    """Inside, and worth it (or its worth was not asked)."""
    NOT_WORTH_IT = "NOT_WORTH_IT"
    """Inside, and the risk-adjusted net present value is not above 0."""
    TREAT = "TREAT"
    """Not inside, and worth it: add controls, reduce the exposure, or have it accepted."""
    AVOID = "AVOID"
    """Neither inside nor worth it."""


@dataclass(frozen=True, slots=True)
class Exceeding:
    """P(L > loss) as a bracket."""

    loss: float
    found: Bracket


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything about a question, at its exposure and before the offered controls.

    Amounts in the currency's major unit, a year; `shortfall` is the mean of the worst 5 % of
    years. `tipping` is about the full audience. `sets` is the Pareto list of control sets that
    enter the appetite at the asked exposure; empty where nothing offered is enough.
    """

    mean: float
    standard_deviation: float
    no_loss: float
    exceedance: tuple[Exceeding, ...]
    quantiles: tuple[tuple[float, float], ...]
    shortfall: float
    readings: tuple[Reading, ...]
    verdict: Verdict | None
    tipping: Tipping | None
    exposure: float
    sets: tuple[ControlSet, ...]
    swings: tuple[Swing, ...]
    net_present_value: float | None
    answer: Answer | None

    @property
    def effectiveness_needed(self) -> float:
        """The control effectiveness that the asked exposure needs."""
        return 0.0 if self.tipping is None else self.tipping.effectiveness_at(self.exposure)

    @property
    def binding(self) -> Reading | None:
        """The point of the appetite that is met first."""
        if self.tipping is None:
            return None
        return next(
            (r for r in self.readings if r.tolerance.loss == self.tipping.binding_loss), None
        )

    @property
    def cheapest(self) -> ControlSet | None:
        """The cheapest set that enters the appetite; the empty one where nothing is needed."""
        return self.sets[0] if self.sets else None


def _going_on() -> None:
    """Nobody waits with a deadline."""


def assess(
    question: Question, at: Sequence[float] = (), proceed: Callable[[], None] = _going_on
) -> Assessment:
    """The assessment of a question, with further losses `at` which P(L > loss) is wanted.

    `proceed` is called between the steps, at least every second of work; what it raises ends the
    computation.
    """
    full = question.risks()
    risks = [risk.scaled(question.exposure) for risk in full]
    proceed()
    readings, tipped, sets, swung = _judged(question, proceed)
    verdict = tipping.verdict_of(readings) if readings else None
    average = compound.mean(risks)
    worth = _worth(question, average)
    proceed()
    worst = dict(zip(QUANTILES, tails(risks, QUANTILES), strict=True))
    proceed()
    return Assessment(
        mean=average,
        standard_deviation=compound.variance(risks) ** 0.5,
        no_loss=compound.no_loss(risks),
        exceedance=_exceedance(question, readings, at, proceed),
        quantiles=tuple((p, tail.quantile) for p, tail in worst.items()),
        shortfall=worst[0.95].expected_shortfall,
        readings=readings,
        verdict=verdict,
        tipping=tipped,
        exposure=question.exposure,
        sets=sets,
        swings=swung,
        net_present_value=worth,
        answer=None if verdict is None else _answer(verdict, worth),
    )


def _judged(
    question: Question, proceed: Callable[[], None]
) -> tuple[tuple[Reading, ...], Tipping | None, tuple[ControlSet, ...], tuple[Swing, ...]]:
    if not question.appetite:
        return (), None, (), ()
    points = max(3, len(question.appetite))
    full = Portfolio(question.risks(), affordable=compound.AFFORDABLE * 3 / points)
    readings = tuple(tipping.read(full, question.appetite, question.exposure))
    proceed()
    tipped = tipping.tipping_point(full, question.appetite)
    proceed()
    sets = entering(question, proceed)
    proceed()
    return readings, tipped, sets, swings(question, _pressing(readings, tipped), proceed)


def _pressing(readings: Sequence[Reading], tipped: Tipping) -> float:
    """The loss whose tolerance is met first; where none ever is, the largest."""
    return tipped.binding_loss or readings[-1].tolerance.loss


def _exceedance(
    question: Question,
    readings: Sequence[Reading],
    at: Sequence[float],
    proceed: Callable[[], None],
) -> tuple[Exceeding, ...]:
    full = Portfolio(question.risks())
    found = [Exceeding(reading.tolerance.loss, reading.found) for reading in readings]
    for loss in at:
        proceed()
        bracket = full.exceedance(loss, within(SHOWN_WIDTH), question.exposure)
        found.append(Exceeding(loss, bracket))
    return tuple(sorted(found, key=lambda one: one.loss))


def _worth(question: Question, average: float) -> float | None:
    if question.value is None:
        return None
    premium = question.insurance.premium if question.insurance is not None else 0.0
    return risk_adjusted_npv(question.value, average, premium)


def _answer(verdict: Verdict, worth: float | None) -> Answer:
    worthwhile = worth is None or worth > 0.0
    if verdict is Verdict.INSIDE:
        return Answer.KNIGHTABLE if worthwhile else Answer.NOT_WORTH_IT
    return Answer.TREAT if worthwhile else Answer.AVOID
