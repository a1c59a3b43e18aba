"""Pilots under a standing decision: when they ran and what they showed, evidence for the full path.

Pure. A program keeps its own, and those of the program that it takes up again. What is signed of
them is bounded, because a statement is: the observations stand whole with the pilot.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from investiture.casework.facts import StandingRef, TrialRun, Warrant
from investiture.casework.words import Gate, Verdict

MOST = 2
MOST_INCIDENTS = 3
MOST_CHARACTERS = 200

Runs = tuple[TrialRun, ...]


def ref_of(warrants: Mapping[Gate, Warrant]) -> StandingRef | None:
    """The standing decision by which all of these gates passed; None where people decided one."""
    refs = {warrant.standing_decision for warrant in warrants.values()}
    return refs.pop() if len(refs) == 1 else None


def begun(runs: Runs, run: TrialRun) -> Runs:
    """The runs with one more; another that its program had under way has ended with it."""
    return (run, *stopped(runs, run.program, run.began_at))


def observed(
    runs: Runs, pilot: str, verdict: Verdict | None, observations: Sequence[str], now: datetime
) -> Runs:
    """The runs with how the one of `pilot` went, where it is a trial."""
    return tuple(
        replace(run, ended_at=now, verdict=verdict, observations=tuple(observations))
        if run.pilot == pilot
        else run
        for run in runs
    )


def stopped(runs: Runs, program: str, now: datetime) -> Runs:
    """The runs, of which none of `program` goes on."""
    return tuple(
        replace(run, ended_at=now) if run.program == program and run.ended_at is None else run
        for run in runs
    )


def harmed(runs: Runs, program: str, incident: str) -> Runs:
    """The runs, of which those of `program` had this incident, up to now its newest one."""
    return tuple(
        replace(run, incidents=(incident, *run.incidents)) if run.program == program else run
        for run in runs
    )


def evidence(runs: Runs, elsewhere: Iterable[TrialRun] = ()) -> Runs:
    """What is signed of the runs: the newest first, each as the program that ran it has it now.

    What went wrong in an earlier one is shown before what went well in a later one, so that no
    trial is pushed out by repeating it. `elsewhere` is what the programs have on record that are
    taken up again.
    """
    known = {run.pilot: run for run in elsewhere}
    now = [known.get(run.pilot, run) for run in runs]
    worst = sorted(now[1:], key=_went)[: MOST - 1]
    return tuple(
        replace(
            run,
            observations=tuple(_cut(line) for line in run.observations),
            incidents=_newest(run.incidents),
        )
        for run in (*now[:1], *worst)
    )


def _went(run: TrialRun) -> tuple[bool, int]:
    """How a trial went, the worst first: harm, then a failure, then what nobody recorded."""
    return not run.incidents, _RANK.get(run.verdict, 0)


_RANK: Mapping[Verdict | None, int] = {
    Verdict.PILOT_FAILED: 0,
    None: 1,
    Verdict.PILOT_SUCCEEDED: 2,
}


def _newest(incidents: Sequence[str]) -> tuple[str, ...]:
    """The newest incidents; where there are more than fit, the last line says how many."""
    if len(incidents) <= MOST_INCIDENTS:
        return tuple(_cut(line) for line in incidents)
    shown = incidents[: MOST_INCIDENTS - 1]
    more = f"and {len(incidents) - len(shown)} before"
    return (*(_cut(line) for line in shown), more)


def _cut(line: str) -> str:
    return line if len(line) <= MOST_CHARACTERS else line[: MOST_CHARACTERS - 1] + "…"
