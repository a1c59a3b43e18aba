"""Conflicts of interest: who may not decide on a program although their side and role would.

Two rules. An interest in force in the program, in one of its vendors, or in the unit that leads it
bars every decision. And who decides for the money or for IT is no direct report of who asks for the
program (proposer, sponsor, counter-sponsor).

Only the direct line counts, and not the line to who stands at the top of the house: everybody's
line ends there, so that a program of the chief executive could be decided by nobody at all. A
conflict is a person's own: the next who is asked decides, and the delegate of somebody conflicted
is conflicted too.
"""

from collections.abc import Iterable

from investiture.casework.facts import Authority, Interest, Revision
from investiture.chassis.refusal import Leg, PreconditionFailed

CONFLICT = "CONFLICT_OF_INTEREST"
_VENDORS = "vendors/"
_REMEDY = "recuse: whoever is asked next decides; a holder hands it on by reassigning it"


def subject_key(subject: str) -> str:
    """A subject as it is compared: vendors are people's words, so case and spaces do not count."""
    if not subject.startswith(_VENDORS):
        return subject
    return _VENDORS + " ".join(subject.removeprefix(_VENDORS).casefold().split())


def touched(facts: Revision) -> frozenset[str]:
    """The subjects in which nobody who decides on a revision has an interest, as compared."""
    vendors = (f"{_VENDORS}{vendor}" for vendor in facts.vendors)
    return frozenset(
        subject_key(one) for one in (facts.program, facts.owning_unit, *vendors) if one
    )


def interested(facts: Revision, interests: Iterable[Interest]) -> tuple[Leg, ...]:
    """One leg for each interest that a decision on a revision would touch."""
    subjects = touched(facts)
    return tuple(
        Leg(
            type=CONFLICT,
            subject=one.person,
            description=f"{one.person} has a declared interest in {one.subject} ({one.name})",
            remedy=_REMEDY,
        )
        for one in interests
        if subject_key(one.subject) in subjects
    )


def reporting(facts: Revision, authority: Authority) -> tuple[Leg, ...]:
    """One leg for each of who ask for a revision to whom the decider reports directly."""
    who = " or ".join(authority.people)
    return tuple(
        Leg(
            type=CONFLICT,
            subject=authority.person,
            description=f"{who} reports to {name}, who asks for this program",
            remedy=_REMEDY,
        )
        for name in facts.business_people
        if name in authority.reports_to
    )


def require_impartial(facts: Revision, authority: Authority) -> None:
    """Refuses with CONFLICT_OF_INTEREST who has an interest in what is decided."""
    _refuse(interested(facts, authority.interests))


def require_independent(facts: Revision, authority: Authority) -> None:
    """Refuses with CONFLICT_OF_INTEREST as well who reports to who asks: for money and IT."""
    _refuse((*interested(facts, authority.interests), *reporting(facts, authority)))


def _refuse(legs: tuple[Leg, ...]) -> None:
    if legs:
        raise PreconditionFailed(CONFLICT, legs=legs)
