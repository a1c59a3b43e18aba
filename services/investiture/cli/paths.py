"""How a program's path and its cases look."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from rich.console import Group, RenderableType
from rich.text import Text

from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.cli.output import (
    clock,
    gate_word,
    instant,
    one_line,
    outcome_word,
    short,
    span,
    state_word,
    step_word,
    table,
    verdict_word,
)
from investiture.stack import amounts

_STYLES = {
    gate_pb2.CASE_STATE_OPEN: "yellow",
    gate_pb2.CASE_STATE_CHANGES_REQUESTED: "magenta",
    gate_pb2.CASE_STATE_STANDING: "green",
    gate_pb2.CASE_STATE_DECLINED: "red",
    gate_pb2.CASE_STATE_VOIDED: "red",
    gate_pb2.CASE_STATE_EXPIRED: "red",
}
_AMBER = {
    gate_pb2.AMBER_SPONSOR_IN_NAME_ONLY: "sponsor in name only",
    gate_pb2.AMBER_FORWARD_MOVES_PAUSED: "no further gate opens until the sponsor attests",
    gate_pb2.AMBER_TRANSFER: "the sponsorship waits for a transfer",
    gate_pb2.AMBER_DECISION_LOST: "a decision it was launched by is gone",
}
_MS = timedelta(milliseconds=1)


def program_state(program: pb.Program) -> str:
    """Return where a program is, in words."""
    if program.outcome:
        return outcome_word(program.outcome)
    name = pb.ProgramState.Name(program.state).removeprefix("PROGRAM_STATE_")
    words = name.lower().replace("_", " ")
    return f"{words}, suspended" if program.suspended else words


def path_table(path: pb.Path, now: datetime | None = None) -> RenderableType:
    """Return the path as a table: each gate, who holds it, since when, the next date."""
    at = now or datetime.now(UTC)
    drawn = table("  gate", "stands", "who", "since", "next", "waited")
    for gate in path.gates:
        drawn.add_row(*_row(gate, path.waiting_at == gate.gate, at))
    return Group(_title(path), drawn, *_remarks(path))


def _title(path: pb.Path) -> Text:
    program = path.program
    title = Text.assemble((program.content.title, "bold"), f"  {program.name}")
    title.append(f"  revision {program.revision}  {program_state(program)}")
    if path.HasField("stall_bill"):
        title.append(f"  stall bill {amounts.shown(path.stall_bill)}")
    return title


def _row(gate: pb.PathGate, waiting: bool, now: datetime) -> Iterator[RenderableType]:
    case = gate.gate_case
    marker = "▶ " if waiting else "  "
    yield Text(f"{marker}{gate_word(gate.gate)}", style="bold" if waiting else "")
    if not gate.HasField("gate_case"):
        yield from (Text("·", style="dim"), "", "", "", "")
        return
    yield state(case)
    yield _who(case)
    yield clock(instant(case, "waiting_since")) if case.holders else ""
    yield next_step(case, now)
    yield span(gate.waited_ms * _MS) if gate.waited_ms else ""


def _who(case: gate_pb2.GateCase) -> Text:
    """Return whom it waits for; of a decided case, who decided."""
    if case.holders:
        return Text("\n".join(holder_lines(case)))
    deciders = ", ".join(dict.fromkeys(short(one.person) for one in case.deciders))
    return Text(f"✓ {deciders}" if deciders else "", style="dim")


def state(case: gate_pb2.GateCase) -> Text:
    """Return how a case stands: its verdict where it has one, with round and basis."""
    standing = case.state == gate_pb2.CASE_STATE_STANDING
    words = verdict_word(case.verdict) if standing else state_word(case.state)
    text = Text(words or state_word(case.state), style=_STYLES.get(case.state, "dim"))
    if case.round > 1:
        text.append(f" (round {case.round})", style="dim")
    if case.basis == gate_pb2.BASIS_CARRIED:
        text.append(f" carried to revision {case.revision}", style="cyan")
    if case.HasField("standing_decision"):
        text.append(f" by standing decision {case.standing_decision.id}", style="cyan")
    if case.HasField("appealable_until"):
        until = clock(instant(case, "appealable_until"))
        text.append(f", can be appealed until {until}", style="yellow")
    elif case.appeal_open:
        text.append(", appealed", style="yellow")
    if case.basis == gate_pb2.BASIS_EMERGENCY:
        until = clock(instant(case, "standing_until"))
        text.append(f" provisional until {until}", style="bold yellow")
    if case.amber:
        text.append(" amber", style="bold yellow")
    if case.no_eligible_holder:
        text.append(" nobody eligible", style="bold red")
    return text


def holder_lines(case: gate_pb2.GateCase) -> Iterator[str]:
    """Yield a line for each holder: who, in which role, added by which escalation."""
    for holder in case.holders:
        unit = f" for {short(holder.unit)}" if holder.unit else ""
        added = f", added {step_word(holder.added_by)}" if holder.added_by else ""
        yield f"{short(holder.person)} ({holder.role}{unit}{added})"


def next_step(case: gate_pb2.GateCase, now: datetime) -> str:
    """Return the next date of a case's timetable and what it is."""
    due = instant(case.timetable, "next_at")
    if due is None or not case.holders:
        return ""
    left = due - now
    when = f"in {span(left)}" if left > timedelta(0) else "now"
    return f"{step_word(case.timetable.next_step)} {when}"


def _remarks(path: pb.Path) -> Iterator[Text]:
    """Yield what does not fit a row: gaps, open conditions, notices, the end, incidents."""
    for gate in path.gates:
        yield from case_remarks(gate.gate_case)
    yield from trial_remarks(path.trial_runs)
    program = path.program
    if program.end_reason:
        by = f" by {short(program.ended_by)}" if program.ended_by else ""
        yield Text(f"  ended{by}: {program.end_reason}", style="dim")
    for incident in program.incidents:
        yield Text(f"  incident: {one_line(incident)}", style="red")


def case_remarks(case: gate_pb2.GateCase) -> Iterator[Text]:
    """Yield why a case is amber, its extensions, gaps, appeal, conditions, and what was carried."""
    gate = gate_word(case.gate) if case.gate else ""
    if case.amber:
        yield Text(f"  {gate} amber, {_AMBER[case.amber]}: {case.reason}", style="yellow")
    if case.HasField("emergency"):
        said = case.emergency
        line = f"  {gate} emergency ({short(said.declared_by)}): {said.reason}; if it waits: "
        yield Text(line + said.consequence, style="yellow")
    for voice in case.provisional.voices:
        line = f"  {gate} decided provisionally by {short(voice.decider.person)}: {voice.reason}"
        yield Text(line, style="cyan")
    for why in case.not_covered:
        yield Text(f"  {gate} on the full path: {why}", style="yellow")
    for extension in case.extensions:
        until = clock(instant(extension, "overdue_at"))
        line = f"  {gate} given more time until {until} ({short(extension.person)}): "
        yield Text(line + extension.reason, style="cyan")
    for gap in case.gaps:
        yield Text(f"  {gate} gap: {gap.risk}: {gap.excess} over {gap.tolerance}", style="magenta")
        yield Text(f"    → {gap.remedy}", style="green")
    if case.HasField("appeal"):
        yield from _appeal_remarks(gate, case.appeal)
    for condition in case.conditions:
        closed = condition.HasField("closed_at")
        how = "closed" if closed else f"open, blocks {gate_word(condition.blocks)}"
        line = f"  {gate} condition {condition.id} ({short(condition.owner)}, {how}): "
        yield Text(line + condition.text, style="dim" if closed else "yellow")
    for notice in case.notices:
        people = ", ".join(short(person) for person in notice.people)
        what = "; ".join(notice.changes) or "nothing material"
        line = f"  {gate} carried {notice.from_revision} → {notice.to_revision}, {people} told: "
        yield Text(line + what, style="cyan")


def trial_remarks(runs: Iterable[gate_pb2.TrialRun]) -> Iterator[Text]:
    """Yield what trials by a standing decision showed, and what happened in them."""
    for run in runs:
        ended = clock(instant(run, "ended_at")) if run.HasField("ended_at") else "now"
        how = verdict_word(run.verdict) or "nothing recorded"
        size = f"at most {run.people} people, {run.exposure_bps / 100:g} % of the audience"
        line = f"  trial {run.pilot} by standing decision {run.standing_decision.id}, {size}, "
        yield Text(f"{line}{clock(instant(run, 'began_at'))} to {ended}: {how}", style="cyan")
        for observed in run.observations:
            yield Text(f"    {one_line(observed)}", style="dim")
        for incident in run.incidents:
            yield Text(f"    incident: {one_line(incident)}", style="red")


def _appeal_remarks(gate: str, appeal: gate_pb2.Appeal) -> Iterator[Text]:
    whose = ", ".join(short(person) for person in appeal.declined_by)
    line = f"  {gate} declined by {whose}, appealed by {short(appeal.person)}: {appeal.grounds}"
    yield Text(line, style="magenta")
    for link in appeal.evidence:
        yield Text(f"    {link}", style="dim")
    if appeal.outcome:
        name = gate_pb2.AppealOutcome.Name(appeal.outcome)
        how = name.removeprefix("APPEAL_OUTCOME_").lower()
        yield Text(f"    {how} by {short(appeal.decided_by)}: {appeal.reason}", style="cyan")


def case_line(case: gate_pb2.GateCase, now: datetime | None = None) -> str:
    """Return a case as one plain line: what a log or a pipe gets."""
    at = now or datetime.now(UTC)
    who = ", ".join(holder_lines(case)) or ", ".join(
        dict.fromkeys(short(one.person) for one in case.deciders)
    )
    parts = (gate_word(case.gate), state(case).plain, who, next_step(case, at))
    return "  ".join(part for part in parts if part)
