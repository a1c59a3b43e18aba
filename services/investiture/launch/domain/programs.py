"""A program as an immutable value, and what may happen to it.

Every transition takes the instant and answers the next program, or refuses and says what to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from investiture.casework.facts import Ending, Revision, TrialRun
from investiture.casework.words import Gate, Outcome
from investiture.chassis.refusal import Denied, Leg, PreconditionFailed, Stale
from investiture.launch.domain import trial_runs
from investiture.launch.domain.content import Content
from investiture.launch.domain.proof import Measurement

RESUMERS = 2
"""How many different people it takes to resume a suspended program."""


class ProgramState(StrEnum):
    """Where a program is; values equal the API's names without their prefix."""

    DRAFT = "DRAFT"
    ON_PATH = "ON_PATH"
    PILOTING = "PILOTING"
    LAUNCHED = "LAUNCHED"
    ENDED = "ENDED"


RESUBMITTED = (Outcome.WITHDRAWN, Outcome.DECLINED)
"""Ends after which a program may be taken up again, as a new one."""

WALKING = (ProgramState.ON_PATH, ProgramState.PILOTING)


@dataclass(frozen=True, slots=True)
class Submission:
    """An immutable revision: what it says, what follows from it, who submitted it and why."""

    facts: Revision
    content: Content
    submitted_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Suspension:
    """A stop at once, and who agreed to end it so far."""

    by: str
    reason: str
    at: datetime
    agreed: tuple[str, ...] = ()

    @property
    def people(self) -> tuple[str, ...]:
        """Who suspended, then who agreed to resume."""
        return (self.by, *self.agreed)


@dataclass(frozen=True, slots=True)
class Program:
    """What is to be launched.

    `version` counts every change of its path too and is what a watch resumes by; `edition` counts
    the changes of the program itself and is what an etag stands for: a nudge recorded meanwhile
    must not refuse a withdrawal.
    """

    name: str
    proposer: str
    content: Content
    created_at: datetime
    state: ProgramState = ProgramState.DRAFT
    revision: int = 0
    submitted_at: datetime | None = None
    launched_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    end_reason: str = ""
    ended_by: str = ""
    settled: bool = False
    suspended: bool = False
    suspension: Suspension | None = None
    measurements: tuple[Measurement, ...] = ()
    incidents: tuple[str, ...] = ()
    resubmits: str = ""
    trial_runs: tuple[TrialRun, ...] = ()
    """Pilots under a standing decision, the newest first; those of what it takes up too."""
    edition: int = 1
    version: int = 1

    @property
    def etag(self) -> str:
        """Changes with every edition; opaque, so that only who read the program has it."""
        return sha256(f"{self.name}\n{self.edition}".encode()).hexdigest()[:20]

    @property
    def beats(self) -> bool:
        """Whether its workflow has something to do, and so is rung now and then."""
        return self.state is not ProgramState.DRAFT and not self.settled


def check_etag(program: Program, etag: str) -> None:
    """Refuses with STALE_ETAG unless the caller saw this edition."""
    if etag != program.etag:
        raise Stale(program.name, program.etag)


def require_state(program: Program, *allowed: ProgramState) -> None:
    """Refuses with PROGRAM_ENDED or WRONG_STATE unless the program is in an allowed state."""
    if program.state in allowed:
        return
    if program.state is ProgramState.ENDED:
        how = _said(program.outcome) if program.outcome else "ended"
        raise PreconditionFailed(
            "PROGRAM_ENDED",
            f"{program.name} has ended ({how}); nothing can change it any more",
            legs=_taken_up(program, how),
        )
    now = _said(program.state)
    wanted = " or ".join(_said(state) for state in allowed)
    raise PreconditionFailed(
        "WRONG_STATE",
        f"{program.name} is {now}; this needs it to be {wanted}",
        legs=(
            Leg(
                type="STATE",
                subject=program.name,
                description=f"the program is {now}, not {wanted}",
                remedy=_REMEDY[program.state],
            ),
        ),
    )


_REMEDY = {
    ProgramState.DRAFT: "submit it first",
    ProgramState.ON_PATH: "revise it to change what it says; its path says what it waits for",
    ProgramState.PILOTING: "revise it to change what it says, or record the pilot's outcome",
    ProgramState.LAUNCHED: "it is launched: suspend it, measure its benefits, or close it",
}


def _taken_up(program: Program, how: str) -> tuple[Leg, ...]:
    """What to do about a program that has ended, where there is something."""
    if program.outcome not in RESUBMITTED:
        return ()
    remedy = "take it up again as a new program that resubmits it: every gate decides anew"
    return (Leg("ENDED", program.name, f"the program was {how}", remedy),)


def require_resubmittable(program: Program, person: str) -> None:
    """Refuses to take up a program that is on its path, and who had no part in it.

    A launched one is taken up only where it ran as a trial: its evidence is for what comes after.
    """
    if person not in {program.proposer, *program.content.sponsors}:
        sponsors = ", ".join(sorted(program.content.sponsors))
        raise Denied(
            "NOT_A_HOLDER",
            f"{person} neither proposed nor sponsored {program.name}; {program.proposer} and "
            f"{sponsors} may take it up again. Submit a proposal of your own instead",
        )
    walked = program.state in (ProgramState.LAUNCHED, ProgramState.ENDED)
    if program.outcome in RESUBMITTED or (walked and program.trial_runs):
        return
    now = _said(program.outcome or program.state)
    raise PreconditionFailed(
        "WRONG_STATE",
        f"{program.name} is {now}; a program is taken up again after it was withdrawn or declined, "
        "or launched after a trial by a standing decision",
        legs=(
            Leg(
                type="STATE",
                subject=program.name,
                description=f"the program is {now}",
                remedy=(
                    "propose what comes after it as a program of its own"
                    if program.state is ProgramState.ENDED
                    else _REMEDY[program.state]
                ),
            ),
        ),
    )


def require_proposer(program: Program, person: str) -> None:
    """Refuses with NOT_A_HOLDER whoever did not propose the program."""
    if person != program.proposer:
        raise Denied(
            "NOT_A_HOLDER", f"{program.name} belongs to {program.proposer}, who alone may do this"
        )


def require_not_suspended(program: Program) -> None:
    """Refuses with PROGRAM_SUSPENDED what would move a suspended program forward."""
    if program.suspended and program.suspension is not None:
        raise PreconditionFailed(
            "PROGRAM_SUSPENDED",
            f"{program.name} was suspended by {program.suspension.by}; two people resume it. Why: "
            f"{program.suspension.reason}",
        )


def require_current(program: Program, newest: Revision, gate: Gate, gate_digest: str) -> None:
    """Refuses a decision on another state of the program than its newest revision's."""
    if gate_digest != newest.gate_digest(gate):
        raise PreconditionFailed(
            "REVISION_SUPERSEDED",
            f"{program.name} was revised (revision {newest.number}) in what this gate decides on; "
            "a new round opens, decide there",
        )


def submit(program: Program, now: datetime) -> Program:
    """The draft on its path as revision 1."""
    require_state(program, ProgramState.DRAFT)
    return replace(program, state=ProgramState.ON_PATH, revision=1, submitted_at=now)


def revise(program: Program, content: Content, now: datetime, *, pilot_goes_on: bool) -> Program:
    """The program with its next revision; a pilot of something else has to start again."""
    require_state(program, *WALKING)
    runs = program.trial_runs
    return replace(
        program,
        state=program.state if pilot_goes_on else ProgramState.ON_PATH,
        trial_runs=runs if pilot_goes_on else trial_runs.stopped(runs, program.name, now),
        content=content,
        revision=program.revision + 1,
        submitted_at=now,
    )


def end(program: Program, outcome: Outcome, by: str, reason: str, now: datetime) -> Program:
    """The program ended; it is settled at once where nobody was ever asked."""
    return replace(
        program,
        state=ProgramState.ENDED,
        outcome=outcome,
        end_reason=reason,
        ended_by=by,
        ended_at=now,
        settled=program.state is ProgramState.DRAFT,
        suspended=False,
        trial_runs=trial_runs.stopped(program.trial_runs, program.name, now),
    )


def ending_of(program: Program) -> Ending:
    """How the program ended; WRONG_STATE while it lives."""
    if program.outcome is None or program.ended_at is None:
        raise PreconditionFailed(
            "WRONG_STATE", f"{program.name} has not ended; there is nothing to release"
        )
    return Ending(
        program=program.name,
        outcome=program.outcome,
        revision=program.revision,
        decided_by=program.ended_by,
        reason=program.end_reason,
        ended_at=program.ended_at,
    )


def suspend(program: Program, by: str, reason: str, now: datetime) -> Program:
    """The program stopped at once."""
    require_state(program, *WALKING, ProgramState.LAUNCHED)
    if program.suspended:
        raise _suspension(program, "is suspended already", "two people resume it")
    stopped = replace(program, suspended=True, suspension=Suspension(by, reason, now))
    return harmed(stopped, f"{now:%Y-%m-%d %H:%M} suspended by {by}: {reason}")


def resume(program: Program, by: str) -> Program:
    """The program with one more agreement to resume; it runs again with the second person's."""
    require_state(program, *WALKING, ProgramState.LAUNCHED)
    suspension = program.suspension
    if not program.suspended or suspension is None:
        raise _suspension(program, "is not suspended", "there is nothing to resume")
    if by in suspension.agreed:
        raise _suspension(
            program, f"has the agreement of {by} already", "a second person agrees too"
        )
    agreed = (*suspension.agreed, by)
    return replace(
        program,
        suspended=len(agreed) < RESUMERS,
        suspension=replace(suspension, agreed=agreed),
    )


def require_responder(
    program: Program, person: str, roles: frozenset[str], any_of: Sequence[str]
) -> None:
    """Lets through who answers for every program (`any_of`), and this program's own sponsor."""
    if roles.isdisjoint(any_of) and person not in program.content.sponsors:
        raise Denied(
            "NOT_A_HOLDER",
            f"{person} is no sponsor of {program.name}; its sponsor may, and {', '.join(any_of)}",
        )


def with_incident(program: Program, line: str) -> Program:
    """The program with one more incident."""
    return replace(program, incidents=(*program.incidents, line))


def harmed(program: Program, incident: str) -> Program:
    """The program with an incident on the record of its trials."""
    runs = trial_runs.harmed(program.trial_runs, program.name, incident)
    return replace(program, trial_runs=runs)


def _suspension(program: Program, what: str, remedy: str) -> PreconditionFailed:
    description = f"{program.name} {what}"
    return PreconditionFailed(
        "WRONG_STATE",
        f"{description}; {remedy}",
        legs=(Leg("STATE", program.name, description, remedy),),
    )


def _said(word: StrEnum) -> str:
    return word.value.lower().replace("_", " ")
