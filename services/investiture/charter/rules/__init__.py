"""The lint's rules: every id with its severity and what it is for, and how a rule reports."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from investiture.charter.document import At, Document
from investiture.charter.finding import Finding, Severity
from investiture.charter.model import Charter

_ERRORS: Mapping[str, str] = {
    # Shape: found while reading.
    "file-unreadable": "the file can be read and is UTF-8",
    "file-too-large": "the file is one that people write, up to 4 MiB",
    "yaml-syntax": "the file is one YAML document",
    "yaml-alias": "everything is written where it is read, no aliases",
    "yaml-tag": "no tags change what a value is",
    "yaml-depth": "not nested endlessly",
    "yaml-key": "keys are plain text",
    "yaml-duplicate-key": "no key twice in one place",
    "field-unknown": "no field that the model does not know",
    "field-missing": "no field missing",
    "field-invalid": "every value of its field's type and bounds",
    # Organisation.
    "duplicate-id": "an id names one thing of its kind",
    "unknown-id": "every id that is used is declared",
    "relationship-unowned": "every relationship has an owner",
    "relationship-contested": "no relationship has two owners",
    "relationship-owner-side": "the owner of a relationship is on the business side",
    "audience-unanswered": "every audience has a unit that answers for it",
    "unit-headless": "every unit has a head",
    "unit-deputy-is-head": "head and deputy of a unit are two people",
    "unit-circle": "no unit stands above itself",
    "unit-root": "exactly one unit stands at the top",
    "governance-one-person": "governance owner and deputy are two people",
    "sides-not-separate": "nobody approves money and knights, or heads an IT review unit",
    "people-too-few": "three people, or an outside countersigner",
    "countersigner-inside": "the countersigner holds nothing else in the charter",
    # Committees.
    "committee-seat-twice": "a person has one seat in a committee",
    "committee-chair": "the chair of a committee has a seat in it",
    "committee-quorum": "a committee has as many seats as its quorum and its floor need",
    "committee-never-meets": "every committee has a meeting to come",
    "committee-side": "a committee and who sits there are on the side for which it answers",
    # Authority.
    "gate-without-approver": "every gate can be passed by somebody",
    "approval-impossible": "as many people may approve as have to",
    "approval-levels": "levels of approval are 1, 2, 3, … each once",
    "approver-chain-endless": "fewer than 9 people must say yes",
    "tier-range": "a tier begins at 0 or above and ends above its beginning",
    "tier-hole": "every total from 0 up falls into a tier",
    "tier-overlap": "no total falls into two tiers",
    "amount-immaterial": "the amount is material where the money is decided",
    "currency-unknown": "the currency is one of ISO 4217, with minor units",
    # Time.
    "calendar-zone": "a calendar with hours names a time zone that exists",
    "calendar-subdivision": "a country comes with its subdivision, or `none`",
    "calendar-country": "the country and subdivision have holiday data",
    "calendar-year-empty": "every year to come has holiday data",
    "calendar-hours": "a calendar opens before it closes, on some day of the week",
    "calendar-always-open": "a calendar that is always open says nothing else",
    "sla-missing": "every gate and the proposer's changes have an agreed time",
    "sla-duration": "an agreed time is longer than nothing, in days or in hours",
    "appeal-window": "the time for an appeal is in days or in hours",
    "duration-nothing": "a duration is longer than nothing",
    "warrant-validity-missing": "every gate's decision has a validity",
    "freeze-reversed": "a freeze ends after it starts",
    "benefit-reviews-order": "benefit reviews are dated one after the other",
    "standing-decision-term": "a standing decision ends within 12 months",
    # Risk.
    "appetite-order": "larger losses have smaller probabilities",
    "appetite-validity": "the appetite is valid for some time",
    "material-missing": "every gate says what is material",
    "material-repeated": "no material field twice",
    "pilot-bounds": "a pilot's bounds leave room for a pilot",
    "emergency-stands": "a provisional decision stands for 72 hours at the most",
    "emergency-two-people": "two people decide a gate in an emergency",
    "emergency-sides": "sides share nobody in an emergency, and who decides closes no review",
    "standing-decision-signers": "a standing decision is signed by three people",
}

_WARNINGS: Mapping[str, str] = {
    "unit-without-deputy": "every unit has a deputy",
    "unit-without-scope": "who owns a relationship has grounds on which to object",
    "contributor-owns": "an owner is not listed as a contributor as well",
    "approver-chain-long": "at most 5 people must say yes",
    "committee-idle": "every committee answers for something",
    "calendar-without-holidays": "working hours know the holidays of a country",
    "tolerance-idle": "a tolerance is for a field that is material",
}

RULES: Mapping[str, tuple[Severity, str]] = {
    **{rule: (Severity.ERROR, why) for rule, why in _ERRORS.items()},
    **{rule: (Severity.WARNING, why) for rule, why in _WARNINGS.items()},
}
"""Every rule by id: how severe its findings are, and what holds where it is kept."""


@dataclass(frozen=True, slots=True)
class Report:
    """Collects findings of a document, in the order in which rules find them."""

    document: Document
    findings: list[Finding] = field(default_factory=list[Finding])

    def add(self, rule: str, at: At, message: str, remedy: str) -> None:
        """Report that a rule is broken at a path of the document."""
        severity, _ = RULES[rule]
        path = ".".join(str(step) for step in at)
        self.findings.append(
            Finding(
                self.document.file,
                self.document.line(at),
                rule,
                severity,
                message,
                remedy,
                path,
            )
        )


Check = Callable[[Charter, Report], None]
