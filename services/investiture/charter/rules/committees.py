"""Rules about committees: seats, chair, quorum, meetings and the side they are on."""

from collections.abc import Iterator

from investiture.charter.committees import Committee
from investiture.charter.document import At
from investiture.charter.model import Charter
from investiture.charter.rules import Check, Report
from investiture.charter.vocabulary import Side


def seats_are_people(charter: Charter, report: Report) -> None:
    """Report a person with two seats, and a chair without one."""
    for number, committee in enumerate(charter.committees):
        at: At = ("committees", number)
        for place, person in enumerate(committee.seats):
            if person in committee.seats[:place]:
                report.add(
                    "committee-seat-twice",
                    (*at, "seats", place),
                    f"{person} has two seats in `{committee.id}`",
                    "remove one: one person is one presence, however many votes they carry",
                )
        if committee.chair not in committee.seats:
            report.add(
                "committee-chair",
                (*at, "chair"),
                f"{committee.chair} chairs `{committee.id}` and has no seat in it",
                "give the chair a seat, or name one of those who have one",
            )


def quorums_are_attainable(charter: Charter, report: Report) -> None:
    """Report committees that need more people or more yes than they have seats."""
    for number, committee in enumerate(charter.committees):
        at: At = ("committees", number)
        seats = len(set(committee.seats))
        for name, what in (("quorum", "people present"), ("floor", "yes")):
            least: int = getattr(committee, name)
            if least > seats:
                given = name in committee.model_fields_set
                report.add(
                    "committee-quorum",
                    (*at, name) if given else (*at, "seats"),
                    f"`{committee.id}` has {seats} seats and needs {least} {what}",
                    f"add seats, or lower its {name}",
                )


def committees_meet(charter: Charter, report: Report) -> None:
    """Report committees without a meeting from the day on which the charter is in force."""
    for number, committee in enumerate(charter.committees):
        meets = committee.meets
        if meets.every is None and not any(day >= charter.effective for day in meets.dates):
            report.add(
                "committee-never-meets",
                ("committees", number, "meets"),
                f"`{committee.id}` does not meet from {charter.effective} on",
                "name dates, or a day of each month, for instance `every: second tuesday`",
            )


def committees_are_of_one_side(charter: Charter, report: Report) -> None:
    """Report committees whose side is not that of what they answer for, or of who sits there."""
    found = {committee.id: committee for committee in charter.committees}
    for place, unit in enumerate(charter.units):
        named = found.get(unit.committee or "")
        if named is not None and named.side is not unit.side:
            report.add(
                "committee-side",
                ("units", place, "committee"),
                f"`{unit.id}` is on the {unit.side} side, `{named.id}` on the {named.side} side",
                "let a committee of the unit's own side answer for it",
            )
    above = found.get(charter.oversight or "")
    if above is not None and above.side is not Side.BUSINESS:
        report.add(
            "committee-side",
            ("oversight",),
            f"`{above.id}` is on the {above.side} side and cannot stand above the sponsors",
            "name a committee of the business side",
        )
    for number, committee in enumerate(charter.committees):
        for place, person in enumerate(committee.seats):
            for other in _elsewhere(charter, committee, person):
                report.add(
                    "committee-side",
                    ("committees", number, "seats", place),
                    f"{person} sits in `{committee.id}` on the {committee.side} side and {other}",
                    "give the seat to somebody of that side: one person, one side",
                )


def _elsewhere(charter: Charter, committee: Committee, person: str) -> Iterator[str]:
    leads = [unit for unit in charter.units if person in (unit.head, unit.deputy)]
    if leads and all(unit.side is not committee.side for unit in leads):
        yield f"leads {leads[0].id} on the {leads[0].side} side"
    for other in charter.committees:
        if other.side is not committee.side and person in other.seats:
            yield f"in `{other.id}` on the {other.side} side"


def committees_answer_for_something(charter: Charter, report: Report) -> None:
    """Report committees that nothing is asked of."""
    named = {unit.committee for unit in charter.units} | {charter.oversight}
    for number, committee in enumerate(charter.committees):
        if committee.id not in named:
            report.add(
                "committee-idle",
                ("committees", number, "id"),
                f"no unit answers by `{committee.id}`, and it does not stand above the top",
                "name it as the `committee` of a unit or as `oversight`, or remove it",
            )


CHECKS: tuple[Check, ...] = (
    seats_are_people,
    quorums_are_attainable,
    committees_meet,
    committees_are_of_one_side,
    committees_answer_for_something,
)
