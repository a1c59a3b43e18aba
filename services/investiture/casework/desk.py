"""What one gate does differently from the others: its desk."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from investiture.casework.case import Candidate, Case, Holder
from investiture.casework.facts import Authority, Ending, Evidence, Revision, Warrant
from investiture.casework.openings import Weighed
from investiture.casework.standing import Part
from investiture.casework.trial_lane import Covered, Lane
from investiture.casework.words import Gate
from investiture.charter import timetable as dates
from investiture.chassis.transaction import Transaction


class Desk(Protocol):
    """What one gate does differently."""

    @property
    def gate(self) -> Gate:
        """The gate."""
        ...

    @property
    def collection(self) -> str:
        """Collection of the case's resource name, for instance `pledges`."""
        ...

    @property
    def required(self) -> tuple[Gate, ...]:
        """Gates whose fresh warrants an opening needs."""
        ...

    def admit(self, tx: Transaction, evidence: Evidence) -> None:
        """Refuses an opening for reasons of this gate; the common ones were checked."""
        ...

    def same_tier(self, decided: Revision, revision: Revision) -> bool:
        """Whether both totals lie in one tier of the delegation-of-authority table."""
        ...

    def holders(self, tx: Transaction, case: Case, evidence: Evidence) -> Sequence[Holder]:
        """Stores what the gate keeps beside a new case and answers its first holders."""
        ...

    def chain(self, tx: Transaction, case: Case) -> Sequence[Candidate]:
        """Who may be added by an escalation, in order, free of people who may not hold the case."""
        ...

    def parts(self, tx: Transaction, case: Case) -> Sequence[Part]:
        """What of an open case has to be decided now, by how many, and who may not."""
        ...

    def more_time(self, tx: Transaction, case: Case) -> dates.Timetable | None:
        """Stores and answers the dates of an extended wait for somebody who has dates of their own.

        None where the charter's agreed time says them.
        """
        ...

    def superseded(self, tx: Transaction, old: Case, new: Case) -> None:
        """Carries over or gives back what the older round held."""
        ...

    def voided(self, tx: Transaction, case: Case) -> None:
        """Gives back what the decision held."""
        ...

    def released(self, tx: Transaction, case: Case, ending: Ending) -> None:
        """Gives back everything that is held for a program that has ended."""
        ...

    def warrant(self, tx: Transaction, case: Case, warrant: Warrant) -> Warrant:
        """Completes the warrant with what only this gate knows."""
        ...

    def evidence(self, tx: Transaction, case: Case) -> Evidence:
        """What the case was opened on, as far as its record has kept it."""
        ...

    def terms(self, tx: Transaction, case: Case) -> Sequence[str]:
        """What the charter makes this gate ask of the case, one line each."""
        ...


@runtime_checkable
class LaneDesk(Protocol):
    """A desk whose gate a standing decision may decide, without a person in the room."""

    def signer(self, evidence: Evidence) -> str:
        """Who has to be looked up in the directory before `lane` is asked; empty for nobody."""
        ...

    def lane(self, tx: Transaction, case: Case, evidence: Evidence) -> Lane:
        """Which standing decision covers a new case, or why none does."""
        ...

    def fits(self, tx: Transaction, present: Case, evidence: Evidence) -> bool:
        """Whether a later revision is still within the caps that `present` was decided by."""
        ...

    def by_standing_decision(
        self, tx: Transaction, case: Case, evidence: Evidence, covered: Covered
    ) -> Case:
        """Stores what the gate keeps and holds, and answers the case as decided."""
        ...


@runtime_checkable
class EmergencyDesk(Protocol):
    """A desk whose gate two people may decide provisionally in an emergency."""

    def acting(self, tx: Transaction, authority: Authority) -> Authority:
        """Who decides, as they are inside this transaction."""
        ...

    def may_decide(self, tx: Transaction, case: Case, authority: Authority) -> datetime | None:
        """Refuses whom this gate bars, and what it needs all the same.

        Answers how long the decision may stand at the most; None where nothing here bounds it.
        """
        ...

    def decided_provisionally(self, tx: Transaction, case: Case) -> None:
        """Stores what the gate keeps and holds once two have decided."""
        ...


@runtime_checkable
class ReviewingDesk(Protocol):
    """A desk that has people look again at what stands, and sees to it that they are there."""

    def reviewing(self, tx: Transaction, case: Case) -> Part:
        """Who of them has it in hand, and who may not."""
        ...


@runtime_checkable
class HoldingDesk(Protocol):
    """A desk whose decision holds something, so that a revision changes that with it."""

    def weigh(self, tx: Transaction, present: Case, evidence: Evidence) -> Weighed:
        """Carries the standing decision to a materially other revision with what it holds.

        Where it cannot, nothing is changed and the notes say why.
        """
        ...

    def reason(self, tx: Transaction, case: Case) -> str:
        """Why a round that was just opened is asked as it is; empty where nothing is special."""
        ...
