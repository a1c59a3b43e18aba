"""What a revision says, and whether it can be governed under the charter."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from investiture.casework.amounts import Amount
from investiture.charter.model import Charter
from investiture.charter.vocabulary import SpendCondition
from investiture.chassis.refusal import FieldViolation, InvalidArgument

_PERSON = re.compile(r"people/[a-z0-9][a-z0-9._-]{0,62}")
_ENVELOPE = re.compile(r"envelopes/[a-z0-9][a-z0-9-]{0,62}")
_MOST_NAMED = 12
"""So many known ids are listed in a violation; of more only the nearest one is named."""


@dataclass(frozen=True, slots=True)
class Benefit:
    """What is promised in return: low, likely and high are yearly values."""

    id: str
    description: str
    measure: str
    owner: str
    baseline: float
    low: Amount
    likely: Amount
    high: Amount


@dataclass(frozen=True, slots=True)
class Tranches:
    """The total split by stage."""

    trial: Amount
    pilot: Amount
    general: Amount


@dataclass(frozen=True, slots=True)
class PilotPlan:
    """How the pilot is run; the exposure is in basis points of the full audience.

    `people` and `days` are the most that it reaches and takes; 0 says nothing.
    """

    hypothesis: str
    exposure_bps: int
    exit_criteria: tuple[str, ...]
    kill_criteria: tuple[str, ...]
    rollback: str
    owner: str
    people: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True)
class Content:
    """What a draft or a revision says; the exposure is in basis points of the full audience."""

    title: str
    objective: str
    customer_promise: str
    audiences: tuple[str, ...]
    channels: tuple[str, ...]
    data_classes: tuple[str, ...]
    vendors: tuple[str, ...]
    owning_unit: str
    sponsor: str
    counter_sponsor: str
    it_liaison: str
    steward: str
    amount: Amount
    tranches: Tranches | None
    category: str
    envelope: str
    spend_conditions: tuple[str, ...]
    exposure_bps: int
    benefits: tuple[Benefit, ...]
    cost_of_delay_per_week: Amount | None
    pilot_plan: PilotPlan
    response_rota: tuple[str, ...]
    controls: tuple[str, ...]
    agency: str

    @property
    def sponsors(self) -> frozenset[str]:
        """Who may act as the program's sponsor: the sponsor and the counter-sponsor, if any."""
        return frozenset(person for person in (self.sponsor, self.counter_sponsor) if person)

    @property
    def split(self) -> Tranches:
        """The total by stage: all of it for the general launch unless it says otherwise."""
        nothing = Amount(0, self.amount.currency)
        return self.tranches or Tranches(nothing, nothing, self.amount)

    @property
    def benefit_owners(self) -> tuple[str, ...]:
        """Owners of the promised benefits, sorted, each once."""
        return tuple(sorted({benefit.owner for benefit in self.benefits}))

    def benefit(self, benefit_id: str) -> Benefit | None:
        """The benefit with this id."""
        return next((b for b in self.benefits if b.id == benefit_id), None)


def check(content: Content, charter: Charter) -> None:
    """Refuses content that cannot be governed, with one violation for each field and a remedy."""
    found = [
        FieldViolation(f"content.{field}", why)
        for field, why in (
            *_vocabulary(content, charter),
            *_people(content),
            *_money(content, charter),
            *_benefits(content),
            *_exposure(content),
            *_texts(content),
        )
    ]
    if found:
        raise InvalidArgument(violations=found)


def unknown(kind: str, value: str, known: Iterable[str]) -> str:
    """Says that the charter does not know `value`, and which id was probably meant."""
    ids = tuple(known)
    near = get_close_matches(value, ids, 1, 0.6)
    says = f"the charter knows no {kind} {value!r}"
    if near:
        return f"{says}; did you mean {near[0]!r}?"
    if len(ids) > _MOST_NAMED:
        return f"{says}; `investiture charter show` lists the {len(ids)} it knows"
    return f"{says}; it knows {', '.join(ids)}"


_Found = Iterator[tuple[str, str]]


def _vocabulary(content: Content, charter: Charter) -> _Found:
    lists = (
        ("audiences", "audience", content.audiences, [one.id for one in charter.audiences]),
        ("channels", "channel", content.channels, [one.id for one in charter.channels]),
        ("data_classes", "data class", content.data_classes, [c.id for c in charter.data_classes]),
        ("spend_conditions", "spend condition", content.spend_conditions, list(SpendCondition)),
    )
    for field, kind, values, known in lists:
        for index, value in enumerate(values):
            if value not in known:
                yield f"{field}[{index}]", unknown(kind, value, known)
    units = [f"units/{unit.id}" for unit in charter.units]
    if content.owning_unit not in units:
        yield "owning_unit", unknown("unit", content.owning_unit, units)
    if content.category not in charter.categories:
        yield "category", unknown("category", content.category, charter.categories)
    if content.envelope and not _ENVELOPE.fullmatch(content.envelope):
        yield "envelope", "name it as envelopes/{envelope}, or leave it empty for finance to choose"


def _people(content: Content) -> _Found:
    optional = (
        ("counter_sponsor", content.counter_sponsor),
        ("it_liaison", content.it_liaison),
        ("steward", content.steward),
    )
    for field, person in optional:
        if person and not _PERSON.fullmatch(person):
            yield field, f"{person!r} names nobody; write people/{{person}}, or leave it empty"
    required = (
        ("sponsor", content.sponsor),
        ("pilot_plan.owner", content.pilot_plan.owner),
        *((f"response_rota[{i}]", person) for i, person in enumerate(content.response_rota)),
        *((f"benefits[{i}].owner", benefit.owner) for i, benefit in enumerate(content.benefits)),
    )
    for field, person in required:
        if not _PERSON.fullmatch(person):
            yield field, f"{person!r} names nobody; write people/{{person}}"
    if content.counter_sponsor == content.sponsor:
        yield "counter_sponsor", "is the sponsor already; name another business person, or nobody"


def _money(content: Content, charter: Charter) -> _Found:
    amounts = tuple(_amounts(content))
    foreign = [(field, amount) for field, amount in amounts if amount.currency != charter.currency]
    for field, amount in foreign:
        why = "every amount of a program is in the charter's currency"
        yield field, f"is in {amount.currency}; {why}, {charter.currency}"
    split = content.tranches
    if split is None or foreign:
        return
    total = Amount(split.trial.minor + split.pilot.minor + split.general.minor, charter.currency)
    if total != content.amount:
        remedy = "make them equal, or leave the tranches out"
        yield "tranches", f"add up to {total}; the amount is {content.amount}: {remedy}"


def _amounts(content: Content) -> Iterator[tuple[str, Amount]]:
    yield "amount", content.amount
    split, delay = content.tranches, content.cost_of_delay_per_week
    if split is not None:
        yield "tranches.trial", split.trial
        yield "tranches.pilot", split.pilot
        yield "tranches.general", split.general
    if delay is not None:
        yield "cost_of_delay_per_week", delay
    for index, benefit in enumerate(content.benefits):
        yield f"benefits[{index}].low", benefit.low
        yield f"benefits[{index}].likely", benefit.likely
        yield f"benefits[{index}].high", benefit.high


def _benefits(content: Content) -> _Found:
    seen: set[str] = set()
    for index, benefit in enumerate(content.benefits):
        at = f"benefits[{index}]"
        if benefit.id in seen:
            yield f"{at}.id", f"{benefit.id!r} is there already; each benefit has an id of its own"
        seen.add(benefit.id)
        low, likely, high = benefit.low, benefit.likely, benefit.high
        if not low.minor <= likely.minor <= high.minor:
            rule = "they must not fall from low over likely to high"
            yield f"{at}.likely", f"low {low}, likely {likely}, high {high}: {rule}"


def _exposure(content: Content) -> _Found:
    pilot, general = content.pilot_plan.exposure_bps, content.exposure_bps
    if pilot > general:
        rule = "a pilot is not larger than the launch"
        yield "pilot_plan.exposure_bps", f"{pilot} basis points, the launch {general}: {rule}"


def _texts(content: Content) -> _Found:
    lists = (
        ("vendors", content.vendors),
        ("controls", content.controls),
        ("pilot_plan.exit_criteria", content.pilot_plan.exit_criteria),
        ("pilot_plan.kill_criteria", content.pilot_plan.kill_criteria),
    )
    for field, values in lists:
        for index, value in enumerate(values):
            if not value.strip():
                yield f"{field}[{index}]", "is blank; say something, or leave the line out"
    singles = (
        ("title", content.title),
        ("objective", content.objective),
        ("customer_promise", content.customer_promise),
    )
    for field, value in singles:
        if not value.strip():
            yield field, "is blank; say something"
