"""Rules about appetite, material fields, pilots, standing decisions and the emergency path."""

from datetime import timedelta

from investiture.charter.model import Charter
from investiture.charter.policy import LONGEST_EMERGENCY
from investiture.charter.rules import Check, Report
from investiture.charter.vocabulary import Gate, MaterialField


def appetite_descends(charter: Charter, report: Report) -> None:
    """Report appetite points out of order, and an appetite that is never valid."""
    points = charter.appetite.points
    for place in range(1, len(points)):
        before, here = points[place - 1], points[place]
        if here.loss_minor <= before.loss_minor or here.probability >= before.probability:
            name = "loss_minor" if here.loss_minor <= before.loss_minor else "probability"
            report.add(
                "appetite-order",
                ("appetite", "points", place, name),
                f"{here.loss_minor} at {here.probability} does not follow "
                f"{before.loss_minor} at {before.probability}",
                "write losses upward and probabilities strictly downward",
            )
    if charter.appetite.valid_until <= charter.appetite.valid_from:
        report.add(
            "appetite-validity",
            ("appetite", "valid_until"),
            f"the appetite ends on {charter.appetite.valid_until}, not after it begins",
            "let it end after it begins",
        )


def gates_say_what_is_material(charter: Charter, report: Report) -> None:
    """Report gates without material fields, fields named twice and tolerances for nothing."""
    for gate in Gate:
        if not charter.material.get(gate):
            at = ("material", gate.value)
            message = f"no field is material for {gate}: any change would carry its decision"
            report.add("material-missing", at, message, "name the fields its deciders look at")
    funded = charter.material.get(Gate.FUND)
    if funded and MaterialField.AMOUNT not in funded:
        report.add(
            "amount-immaterial",
            ("material", Gate.FUND.value),
            "the amount is not material for FUND: any increase would pass as decided",
            "add `amount`",
        )
    for gate, names in charter.material.items():
        for place, name in enumerate(names):
            if name in names[:place]:
                at_field = ("material", gate.value, place)
                message = f"`{name}` is named twice for {gate}"
                report.add("material-repeated", at_field, message, "keep one")
    for gate, tolerance in charter.tolerances.items():
        for option, increase, name in (
            ("amount_increase_bps", tolerance.amount_increase_bps, MaterialField.AMOUNT),
            ("exposure_increase_bps", tolerance.exposure_increase_bps, MaterialField.EXPOSURE),
        ):
            if increase and name not in charter.material.get(gate, ()):
                report.add(
                    "tolerance-idle",
                    ("tolerances", gate.value, option),
                    f"`{name}` is not material for {gate}, so its tolerance does nothing",
                    "remove the tolerance, or make the field material",
                )


def pilots_have_room(charter: Charter, report: Report) -> None:
    """Report pilot templates whose bounds or rates contradict each other."""
    for place, pilot in enumerate(charter.pilot_templates):
        shortest, longest = pilot.min_duration.elapsed, pilot.max_duration.elapsed
        wrong = (
            ("max_duration", shortest > longest, "the shortest pilot is longer than the longest"),
            ("maturity", pilot.maturity.elapsed > longest, "nobody matures before it ends"),
            (
                "target_rate",
                not 0 < pilot.baseline_rate < pilot.target_rate < 1,
                "the target is not above the baseline, both between 0 and 1",
            ),
            (
                "false_go",
                not (
                    pilot.false_go > 0 < pilot.false_stop
                    and pilot.false_go < 0.5 > pilot.false_stop
                ),
                "error rates lie between 0 and a half",
            ),
        )
        for name, broken, why in wrong:
            if broken:
                at = ("pilot_templates", place, name)
                report.add("pilot-bounds", at, f"`{pilot.id}`: {why}", "correct the bounds")


def standing_decisions_have_three_sides(charter: Charter, report: Report) -> None:
    """Report standing decisions that one person signed for two sides."""
    for place, decision in enumerate(charter.standing_decisions):
        signers = (
            decision.signers.sponsor,
            decision.signers.fund_owner,
            decision.signers.knight,
        )
        if len(set(signers)) < len(signers):
            report.add(
                "standing-decision-signers",
                ("standing_decisions", place, "signers"),
                f"`{decision.id}` is signed by {', '.join(sorted(set(signers)))} only",
                "let sponsor, fund owner and knight be three people",
            )


def emergencies_are_bounded(charter: Charter, report: Report) -> None:
    """Report provisional decisions that stand too long, gates of one person, and shared people."""
    path = charter.emergency
    if path is None:
        return
    if not timedelta() < path.stands.elapsed <= LONGEST_EMERGENCY:
        report.add(
            "emergency-stands",
            ("emergency", "stands"),
            f"a provisional decision stands for {path.stands}",
            "let it stand for at most PT72H, and for some time",
        )
    for name, people in (("fund", path.fund), ("knight", path.knight)):
        if len(set(people)) < 2:
            report.add(
                "emergency-two-people",
                ("emergency", name),
                f"{', '.join(sorted(set(people)))} alone decides `{name}`; two are needed",
                "name two different people, better three",
            )
    closers = set(charter.emergency_closers)
    seen: dict[str, str] = dict.fromkeys(closers, "closes the review")
    sides = (("countersigners", path.countersigners), ("fund", path.fund), ("knight", path.knight))
    for name, people in sides:
        for place, person in enumerate(people):
            if seen.setdefault(person, f"decides in `{name}`") != f"decides in `{name}`":
                report.add(
                    "emergency-sides",
                    ("emergency", name, place),
                    f"{person} {seen[person]} and decides in `{name}`",
                    "name somebody else: sides share nobody, and who decides closes no review",
                )


CHECKS: tuple[Check, ...] = (
    appetite_descends,
    gates_say_what_is_material,
    pilots_have_room,
    standing_decisions_have_three_sides,
    emergencies_are_bounded,
)
