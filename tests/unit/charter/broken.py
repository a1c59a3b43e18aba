"""The small charter broken in one place, once for each way to break a rule."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Broken:
    """Replace `old` by `new`; the finding names the line with `at`, by default `new`'s first."""

    rule: str
    old: str
    new: str
    at: str = ""
    also: frozenset[str] = field(default_factory=frozenset[str])
    """Rules that the same mistake cannot help breaking."""

    @property
    def line(self) -> str:
        return self.at or self.new.splitlines()[0]


def people(names: Iterable[str]) -> str:
    return "[" + ", ".join(f"people/{name}" for name in names) + "]"


CONTROLLER = "    approvals:\n      - {level: 1, role: controller, unit: money}"
PUBLIC = "  - {id: public, name: The public, owner: board}"
OFFICE = "  - id: office\n    zone: America/New_York\n    country: US\n    subdivision: none\n"
FUND = "  FUND: {duration: P3D,"
HOLE = frozenset({"tier-hole"})
OWNER = "governance:\n  owner: people/ida"

SHAPE = (
    Broken("yaml-syntax", "title: A small charter", "title: [A small charter\nx: y", "x: y"),
    Broken("yaml-alias", "title: A small charter", "title: &t A\nfoo: *t", "foo: *t"),
    Broken("yaml-tag", "version: 1\neff", "version: !!int '1'\neff"),
    Broken("yaml-depth", "title: A small charter", f"title: {'[' * 40}{']' * 40}"),
    Broken("yaml-key", "title: A small charter", "title: A\n? [a, b]\n: c", "? [a, b]"),
    Broken("yaml-duplicate-key", "currency: EUR", "currency: EUR\ntitle: Twice", "title: Twice"),
    Broken("field-unknown", "    deputy: people/dan", "    deputee: people/dan"),
    Broken(
        "field-missing",
        "launch:\n  heartbeat: PT15M\n  go_roles:\n    - {role: sponsor}",
        "launch:\n  heartbeat: PT15M",
    ),
    Broken("field-invalid", "    head: people/cat", "    head: cat"),
    Broken("field-invalid", "version: 1\neff", "version: '1'\neff"),
    Broken("field-invalid", "  heartbeat: PT15M", "  heartbeat: P1M"),
    Broken("field-invalid", "    opens: 09:00", "    opens: 09:00:30"),
    Broken("field-invalid", "  FUND: [amount]", "  FUND: [amounts]"),
    Broken("field-invalid", "  FUND: [amount]", "  FOND: [amount]", also=frozenset()),
)

ORGANISATION = (
    Broken(
        "duplicate-id",
        "  - {id: open, name: Open}",
        "  - {id: open, name: Open}\n  - {id: open, name: Again}",
        "name: Again",
    ),
    Broken(
        "duplicate-id",
        PUBLIC,
        f"{PUBLIC}\n  - {{id: public, name: Again, owner: board}}",
        "name: Again",
    ),
    Broken("unknown-id", PUBLIC, "  - {id: public, name: The public, owner: boards}"),
    Broken("unknown-id", "contributors: [board]", "contributors: [boards]"),
    Broken("unknown-id", "Paper, relationships: [media]", "Paper, relationships: [medium]"),
    Broken("unknown-id", "{audience: readers,", "{audience: reader,"),
    Broken("unknown-id", "channel: web,", "channel: wed,"),
    Broken("unknown-id", "web, relationships: [media]", "web, relationships: [medium]"),
    Broken("unknown-id", "  - {unit: tech}", "  - {unit: text}"),
    Broken("unknown-id", "audiences: [writers]", "audiences: [riders]"),
    Broken("unknown-id", "channels: [paper]", "channels: [wood]"),
    Broken("unknown-id", "data_classes: [open]", "data_classes: [shut]"),
    Broken(
        "unknown-id",
        "role: controller, unit: money",
        "role: controller, unit: funny",
        also=frozenset({"approval-impossible"}),
    ),
    Broken("unknown-id", "review:\n  unit: tech\n", "review:\n  unit: text\n", "unit: text"),
    Broken("unknown-id", f"{FUND} calendar: office", f"{FUND} calendar: home"),
    Broken("unknown-id", "    audiences: [readers]", "    audiences: [leaders]"),
    Broken("unknown-id", "    categories: [opex]", "    categories: [apex]"),
    Broken("unknown-id", "channels: [web]", "channels: [wed]"),
    Broken("relationship-unowned", PUBLIC, "  - {id: public, name: The public}"),
    Broken("relationship-unowned", PUBLIC, "  - {id: public, name: The public, owner: null}"),
    Broken(
        "relationship-contested",
        PUBLIC,
        "  - {id: public, name: The public, owner: [board, press]}",
    ),
    Broken(
        "relationship-contested",
        PUBLIC,
        f"{PUBLIC}\n  - {{id: public, name: Again, owner: press}}",
        "name: Again",
    ),
    Broken(
        "relationship-owner-side",
        PUBLIC,
        "  - {id: public, name: The public, owner: tech}",
        also=frozenset({"unit-without-scope"}),
    ),
    Broken("contributor-owns", "contributors: [board]", "contributors: [press]"),
    Broken("audience-unanswered", "Writers, relationship: media", "Writers, relationship: medium"),
    Broken("audience-unanswered", "name: Writers, relationship: media}", "name: Writers}"),
    Broken("unit-headless", "    head: people/cat\n", "    head: null\n"),
    Broken(
        "unit-headless",
        "  - id: press\n    name: Press office\n    side: business\n    head: people/cat\n",
        "  - id: press\n    name: Press office\n    side: business\n",
    ),
    Broken("unit-without-deputy", "    deputy: people/dan\n", "    deputy: null\n"),
    Broken("unit-deputy-is-head", "    deputy: people/dan", "    deputy: people/cat"),
    Broken("unit-without-scope", "    scope: [reputation]", "    scope: []"),
    Broken(
        "unit-circle",
        "    scope: [strategy]",
        "    scope: [strategy]\n    parent: press",
        "parent: press",
        frozenset({"unit-root"}),
    ),
    Broken("governance-one-person", "  deputy: people/jan", "  deputy: people/ida"),
    Broken("sides-not-separate", "of: [people/eve, people/fred]", "of: [people/eve, people/hal]"),
    Broken(
        "sides-not-separate",
        "of: [people/ann]",
        "of: [people/gil]",
        "role: chief, needed: 1, of: [people/gil]",
    ),
    Broken("countersigner-inside", "currency: EUR", "countersigner: people/ann\ncurrency: EUR"),
)


def circle(rule: str, at: str, before: str = "oversight: circle", **changes: str) -> Broken:
    """A sound committee above the top of the house, with some of its lines changed."""
    lines = {
        "id": "circle",
        "name": "Circle",
        "seats": people(["ann", "cat", "zoe"]),
        "chair": "people/cat",
        "meets": "{calendar: office, every: second tuesday}",
        **changes,
    }
    body = "\n    ".join(f"{name}: {value}" for name, value in lines.items())
    return Broken(rule, OWNER, f"{before}\ncommittees:\n  - {body}\n{OWNER}", at)


COMMITTEES = (
    circle("committee-seat-twice", "seats: ", seats=people(["ann", "cat", "ann", "zoe"])),
    circle("committee-chair", "chair: people/bob", chair="people/bob"),
    circle("committee-quorum", "quorum: 4", quorum="4"),
    circle("committee-quorum", "floor: 4", floor="4"),
    circle("committee-quorum", "seats: ", seats=people(["cat"])),
    circle("committee-never-meets", "meets: ", meets="{calendar: office}"),
    circle("committee-never-meets", "meets: ", meets="{calendar: office, dates: [2025-12-31]}"),
    circle(
        "committee-side",
        "oversight: circle",
        side="money",
        seats=people(["eve", "zoe"]),
        chair="people/eve",
    ),
    circle("committee-side", "seats: ", seats=people(["cat", "gil"])),
    circle("committee-side", "    committee: circle", "    committee: circle"),
    circle("committee-idle", "- id: circle", "# none"),
    circle("unknown-id", "meets: ", meets="{calendar: home, every: last friday}"),
    circle("field-invalid", "meets: ", meets="{calendar: office, every: fifth friday}"),
    Broken("unknown-id", "currency: EUR", "currency: EUR\noversight: circle", "oversight: circle"),
    Broken(
        "unknown-id",
        "    deputy: people/hal\n",
        "    deputy: people/hal\n    committee: board\n",
        "committee: board",
    ),
)

AUTHORITY = (
    Broken("approval-impossible", "needed: 1, of: [people/eve", "needed: 3, of: [people/eve"),
    Broken("approval-impossible", "    - {role: sponsor}", "    - {role: sponsors}"),
    Broken(
        "approval-impossible",
        "role: controller, unit: money",
        "role: sponsor",
        "{level: 1, role: sponsor}",
    ),
    Broken(
        "approval-levels",
        CONTROLLER,
        CONTROLLER.replace("level: 1", "level: 2").replace("approvals:", "approvals: # here"),
        "# here",
    ),
    Broken(
        "approver-chain-long",
        CONTROLLER,
        "    approvals: # here\n      - {level: 1, "
        f"role: controller, needed: 5, of: {people('klmno')}}}",
        "# here",
    ),
    Broken(
        "approver-chain-endless",
        CONTROLLER,
        "    approvals: # here\n      - {level: 1, "
        f"role: controller, needed: 8, of: {people('klmnopqr')}}}",
        "# here",
    ),
    Broken("tier-range", "    to_minor: 1000", "    to_minor: 0", also=HOLE),
    Broken("tier-range", "    from_minor: 0", "    from_minor: -5", also=HOLE),
    Broken("tier-hole", "    from_minor: 1000", "    from_minor: 1001"),
    Broken("tier-hole", "    from_minor: 0", "    from_minor: 7"),
    Broken("tier-hole", "    to_minor: null", "    to_minor: 2000"),
    Broken("tier-overlap", "    from_minor: 1000", "    from_minor: 999"),
    Broken("tier-overlap", "    to_minor: 1000", "    to_minor: null", "from_minor: 1000"),
    Broken("currency-unknown", "currency: EUR", "currency: EUX"),
    Broken("currency-unknown", "currency: EUR", "currency: XAU"),
)

TIME = (
    Broken("calendar-zone", "zone: America/New_York", "zone: America/New_Amsterdam"),
    Broken("calendar-zone", "zone: America/New_York", "zone: ../../etc/passwd"),
    Broken("calendar-zone", OFFICE, OFFICE.replace("    zone: America/New_York\n", "")),
    Broken(
        "calendar-subdivision", OFFICE, OFFICE.replace("    subdivision: none\n", ""), "country: US"
    ),
    Broken(
        "calendar-subdivision", OFFICE, OFFICE.replace("    country: US\n", ""), "subdivision: none"
    ),
    Broken("calendar-country", "    country: US", "    country: XX"),
    Broken("calendar-country", OFFICE, OFFICE.replace("none", "BE"), "country: US"),
    Broken("calendar-year-empty", "effective: 2026-01-01", "effective: 2098-01-01", "country: US"),
    Broken("calendar-without-holidays", OFFICE, "  - id: office\n    zone: America/New_York\n"),
    Broken("calendar-hours", "    closes: 17:00", "    closes: 09:00"),
    Broken("calendar-hours", "    working_days: [0, 1, 2, 3, 4]", "    working_days: []"),
    Broken("calendar-hours", "    working_days: [0, 1, 2, 3, 4]", "    working_days: [1, 7]"),
    Broken("calendar-hours", "    working_days: [0, 1, 2, 3, 4]", "    working_days: [1, 1]"),
    Broken("calendar-always-open", "always_open: true}", "always_open: true, zone: UTC}"),
    Broken("sla-missing", "slas:\n  PLEDGE: {duration: P3D, calendar: office}\n", "slas:\n"),
    Broken("sla-duration", FUND, "  FUND: {duration: P0D,"),
    Broken("sla-duration", FUND, "  FUND: {duration: -P3D,"),
    Broken("sla-duration", FUND, "  FUND: {duration: P1DT2H,"),
    Broken("sla-duration", "repeat: PT30S", "repeat: PT0S"),
    Broken("sla-duration", "repeat: PT30S", "repeat: PT30S, extension: PT0S"),
    Broken(
        "appeal-window",
        "review:\n  unit: tech\n",
        "review:\n  unit: tech\n  appeal_window: P1DT2H\n",
        "appeal_window: P1DT2H",
    ),
    Broken("duration-nothing", "  heartbeat: PT15M", "  heartbeat: PT0S"),
    Broken(
        "duration-nothing",
        "tolerances:",
        "funding: {split_window: PT0S}\ntolerances:",
        "split_window: PT0S",
    ),
    Broken(
        "duration-nothing",
        "tolerances:",
        "funding: {hold_timeout: PT0S}\ntolerances:",
        "hold_timeout: PT0S",
    ),
    Broken("warrant-validity-missing", "warrant_validity: {PLEDGE: P90D, ", "warrant_validity: {"),
    Broken(
        "freeze-reversed",
        "    ends: 2027-01-03T00:00:00+01:00",
        "    ends: 2026-12-23T01:00:00+01:00",
    ),
    Broken(
        "benefit-reviews-order",
        "material:\n",
        "benefit_reviews:\n  - P30D\n  - P29D\nmaterial:\n",
        "- P29D",
    ),
    Broken("standing-decision-term", "    expires: 2027-01-01", "    expires: 2027-01-02"),
    Broken("standing-decision-term", "    expires: 2027-01-01", "    expires: 2026-01-01"),
)

EMERGENCY = """\
emergency:
  stands: PT48H
  caps: {amount_minor: 400, exposure_bps: 500}
  countersigners: [people/bob]
  fund: [people/eve, people/dan]
  knight: [people/gil, people/hal]
  review: {duration: P6D, calendar: office}
"""


def emergency(rule: str, old: str, new: str) -> Broken:
    """An emergency path that breaks a rule, where the small charter has none."""
    broken = EMERGENCY.replace(old, new)
    assert broken != EMERGENCY
    after = "standard_classes:\n"
    return Broken(rule, after, broken + after, new)


RISK = (
    Broken("appetite-order", "probability: 0.1}", "probability: 0.25}", "loss_minor: 2000"),
    Broken("appetite-order", "loss_minor: 2000", "loss_minor: 1000", "probability: 0.1}"),
    Broken("appetite-validity", "    valid_until: 2026-12-31".strip(), "valid_until: 2025-12-31"),
    Broken("material-missing", "  FUND: [amount]", "  FUND: []"),
    Broken("material-repeated", "  FUND: [amount]", "  FUND: [amount, amount]"),
    Broken("pilot-bounds", "    target_rate: 0.35", "    target_rate: 0.20"),
    Broken("pilot-bounds", "    min_duration: P7D", "    min_duration: P29D", "max_duration: P28D"),
    Broken("pilot-bounds", "    maturity: P7D", "    maturity: P29D"),
    Broken("pilot-bounds", "    false_go: 0.05", "    false_go: 0.5"),
    Broken(
        "tolerance-idle",
        "  PLEDGE: [objective, amount, exposure]",
        "  PLEDGE: [objective, amount]",
        "exposure_increase_bps: 500",
    ),
    Broken("amount-immaterial", "  FUND: [amount]", "  FUND: [tranches]"),
    emergency("emergency-stands", "stands: PT48H", "stands: PT73H"),
    emergency("emergency-stands", "stands: PT48H", "stands: PT0S"),
    emergency("emergency-two-people", "fund: [people/eve, people/dan]", "fund: [people/eve]"),
    emergency("emergency-two-people", "people/gil, people/hal]", "people/gil, people/gil]"),
    emergency("emergency-sides", "people/gil, people/hal]", "people/gil, people/eve]"),
    emergency("emergency-sides", "countersigners: [people/bob]", "countersigners: [people/ida]"),
    emergency("sla-duration", "duration: P6D", "duration: P1DT1H"),
    emergency("unknown-id", "calendar: office", "calendar: nowhere"),
    Broken("standing-decision-signers", "fund_owner: people/eve", "fund_owner: people/ann"),
)

CASES = (*SHAPE, *ORGANISATION, *COMMITTEES, *AUTHORITY, *TIME, *RISK)
