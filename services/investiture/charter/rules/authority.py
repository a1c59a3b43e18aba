"""Rules about who may approve: tiers, levels, chains, and gates that nobody can pass."""

from collections.abc import Sequence

from iso4217 import Currency

from investiture.charter.authority import candidates
from investiture.charter.document import At
from investiture.charter.model import Charter
from investiture.charter.ownership import required_positions
from investiture.charter.policy import Approval, FundingTier
from investiture.charter.rules import Check, Report
from investiture.charter.vocabulary import PROGRAM_ROLES, Depth, Purpose, Side

LONG_CHAIN_PEOPLE = 5
ENDLESS_CHAIN_PEOPLE = 9


def currency_is_known(charter: Charter, report: Report) -> None:
    """Report a currency that ISO 4217 does not list, or one without minor units (XAU)."""
    codes = {one.code: one.exponent for one in Currency}
    if codes.get(charter.currency) is None:
        report.add(
            "currency-unknown",
            ("currency",),
            f"{charter.currency} is no ISO 4217 currency with minor units",
            "write a code such as EUR or USD",
        )


def tiers_cover_every_total(charter: Charter, report: Report) -> None:
    """Report tiers that are reversed, leave totals out, or claim totals twice."""
    by_category: dict[str, list[tuple[int, FundingTier]]] = {}
    for place, tier in enumerate(charter.funding_tiers):
        reversed_ = tier.to_minor is not None and tier.to_minor <= tier.from_minor
        if tier.from_minor < 0 or reversed_:
            report.add(
                "tier-range",
                ("funding_tiers", place, "to_minor" if tier.from_minor >= 0 else "from_minor"),
                f"[{tier.from_minor}, {tier.to_minor}) is no range of totals",
                "begin at 0 or above and end above the beginning",
            )
        else:
            by_category.setdefault(tier.category, []).append((place, tier))
    for category, tiers in by_category.items():
        _cover(category, sorted(tiers, key=lambda one: one[1].from_minor), report)


def _cover(category: str, tiers: Sequence[tuple[int, FundingTier]], report: Report) -> None:
    reached: int | None = 0
    for place, tier in tiers:
        at: At = ("funding_tiers", place, "from_minor")
        if reached is None or tier.from_minor < reached:
            shown = "without an end" if reached is None else f"up to {reached}"
            report.add(
                "tier-overlap",
                at,
                f"{category} from {tier.from_minor}: a tier before it goes {shown}",
                "let each tier begin where the one before it ends; the end is not part of it",
            )
        elif tier.from_minor > reached:
            report.add(
                "tier-hole",
                at,
                f"no tier of {category} has totals from {reached} to {tier.from_minor - 1}",
                f"let this tier begin at {reached}, or add one",
            )
        if reached is not None:
            reached = None if tier.to_minor is None else max(reached, tier.to_minor)
    if reached is not None:
        report.add(
            "tier-hole",
            ("funding_tiers", tiers[-1][0], "to_minor"),
            f"no tier of {category} has totals from {reached} up",
            "let the last tier end with null",
        )


def approvals_are_possible(charter: Charter, report: Report) -> None:
    """Report levels that ask for more people than there are, or are numbered wrongly."""
    for at, approvals, by_program in _all_levels(charter):
        numbers = [approval.level for approval in approvals]
        if not by_program and numbers != list(range(1, len(numbers) + 1)):
            report.add(
                "approval-levels",
                at,
                f"the levels are {', '.join(map(str, numbers))}",
                "number them 1, 2, 3, … in the order in which they are asked",
            )
        for place, approval in enumerate(approvals):
            _possible(charter, approval, (*at, place), report, by_program=by_program)


def _possible(
    charter: Charter, approval: Approval, at: At, report: Report, *, by_program: bool
) -> None:
    if approval.of is None and approval.unit is None:
        if not by_program or approval.role not in PROGRAM_ROLES:
            roles = f", or a role of the program: {', '.join(sorted(PROGRAM_ROLES))}"
            report.add(
                "approval-impossible",
                (*at, "role"),
                f"nobody is named who could act as {approval.role}",
                f"name people in `of`, or a `unit`{roles if by_program else ''}",
            )
        return
    people = candidates(charter, approval)
    if len(people) < approval.needed:
        report.add(
            "approval-impossible",
            (*at, "needed"),
            f"{approval.needed} of {len(people)} people are needed as {approval.role}",
            "name more people, or ask for fewer",
        )


def _all_levels(charter: Charter) -> list[tuple[At, tuple[Approval, ...], bool]]:
    """Return every list of approvals with its path and whether a program may fill its roles."""
    return [
        *(
            (("funding_tiers", place, "approvals"), tier.approvals, False)
            for place, tier in enumerate(charter.funding_tiers)
        ),
        *(
            (("review", "approvals", depth.value), approvals, False)
            for depth, approvals in charter.review.approvals.items()
        ),
        (("launch", "go_roles"), charter.launch.go_roles, True),
    ]


def gates_can_be_passed(charter: Charter, report: Report) -> None:
    """Report gates with nobody at all who could pass them."""

    def nobody(at: At, gate: str, why: str, remedy: str) -> None:
        report.add("gate-without-approver", at, f"nobody can pass {gate}: {why}", remedy)

    if all(unit.side is not Side.BUSINESS for unit in charter.units):
        nobody(("units",), "PLEDGE", "no unit is on the business side", "declare one")
    if not any(grade.limits.get(Purpose.PLEDGE, 0) != 0 for grade in charter.grades):
        nobody(("grades",), "PLEDGE", "no grade may pledge", "give a grade a PLEDGE limit")
    if not charter.funding_tiers:
        nobody(("funding_tiers",), "FUND", "there are no tiers", "add the table of authority")
    for place, tier in enumerate(charter.funding_tiers):
        if not tier.approvals:
            at: At = ("funding_tiers", place, "approvals")
            nobody(at, "FUND", f"a tier of {tier.category} has no approvals", "name who approves")
    for depth in Depth:
        if not charter.review.approvals.get(depth):
            at = ("review", "approvals", depth.value)
            nobody(at, "KNIGHT", f"no reviewers for depth {depth}", "name who reviews")
    if not charter.launch.go_roles:
        nobody(("launch", "go_roles"), "LAUNCH", "nobody is polled for go", "name the roles")


def chains_are_short(charter: Charter, report: Report) -> None:
    """Report decisions for which many people must say yes."""
    for at, approvals, _ in _all_levels(charter):
        _length(sum(approval.needed for approval in approvals), at, "approvals", report)
    for place, channel in enumerate(charter.channels):
        longest = max(
            (
                (len(required_positions(charter, (one.id,), (channel.id,), "").agree), one.id)
                for one in charter.audiences
            ),
            default=(0, ""),
        )
        what = f"units to agree for {longest[1]} by {channel.id}"
        _length(longest[0], ("channels", place), what, report)


def _length(people: int, at: At, what: str, report: Report) -> None:
    if people <= LONG_CHAIN_PEOPLE:
        return
    endless = people >= ENDLESS_CHAIN_PEOPLE
    report.add(
        "approver-chain-endless" if endless else "approver-chain-long",
        at,
        f"{people} {what}: a chain of more than {LONG_CHAIN_PEOPLE} people stalls",
        "ask fewer people for a yes, and tell the others",
    )


CHECKS: tuple[Check, ...] = (
    currency_is_known,
    tiers_cover_every_total,
    approvals_are_possible,
    gates_can_be_passed,
    chains_are_short,
)
