"""What every gate's case does alike: what waits for me, conditions, taking a decision back."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from investiture.api.casework.v1 import case_service_pb2 as pb
from investiture.api.common.v1 import gate_pb2
from investiture.cli.conversations import asked_of
from investiture.cli.deciding import (
    Program,
    Reason,
    answer,
    etag_for,
    gate_of,
    newest_case,
    person_name,
)
from investiture.cli.emergency import in_hand, review_shown
from investiture.cli.output import clock, gate_word, instant, short, table
from investiture.cli.paths import next_step, state
from investiture.cli.people import away_among
from investiture.cli.session import OWNERS, Session, run
from investiture.cli.transfers import CALLER, transfers_table, waiting_for
from investiture.stack.names import SERVICES

PANEL = "Decisions"
app = typer.Typer()
conditions = typer.Typer(no_args_is_help=True, help="Conditions of an approval.")
app.add_typer(conditions, name="condition", rich_help_panel=PANEL)

GateName = Annotated[str, typer.Argument(help="The gate: `pledge`, `knight`, …", metavar="GATE")]


@app.command(rich_help_panel=PANEL)
def inbox(
    ctx: typer.Context,
    unit: Annotated[str, typer.Option(help="Only what is held for this unit.")] = "",
    of: Annotated[str, typer.Option("--of", help="Another's; operators and governance may.")] = "",
) -> None:
    """List what waits for you, the earliest due date first."""

    async def act(session: Session) -> None:
        whole = pb.ListPendingDecisionsResponse()
        for service in SERVICES:
            whole.cases.extend(await _pending(session, service, person_name(of), unit))
        whole.cases.sort(key=lambda case: case.timetable.overdue_at.ToNanoseconds())
        whose = person_name(of) or session.person
        session.show(whole, lambda found: _inbox(found, whose))
        marks = await away_among(session, (h.person for c in whole.cases for h in c.holders))
        if marks is not None:
            session.note(marks)
        transfers = [] if unit else await waiting_for(session, person_name(of) or CALLER)
        if transfers:
            session.note(transfers_table(transfers))
        reviews = () if unit else await in_hand(session, whose)
        if reviews:
            session.note(Group(*map(review_shown, reviews)))
        questions = await asked_of(session, person_name(of))
        if questions:
            who = "you were" if not of else f"{of} was"
            many = "a question" if len(questions) == 1 else f"{len(questions)} questions"
            session.note(f"{who} asked {many}: `investiture case asked`")

    run(ctx, act)


@app.command(rich_help_panel=PANEL)
def void(ctx: typer.Context, program: Program, gate: GateName, reason: Reason) -> None:
    """Take back a decision that stands: who made it may, and governance; the gate reopens."""
    number = gate_of(gate)

    async def act(session: Session) -> None:
        stub = await session.cases(OWNERS[number])
        case = await newest_case(session, program, number)
        request = pb.VoidCaseRequest(
            request_id=session.shared.fresh_request_id(),
            name=case.name,
            etag=etag_for(session, case),
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        reading = await stub.VoidCase(request)
        answer(session, reading, reading.gate_case)

    run(ctx, act)


@app.command(rich_help_panel=PANEL)
def reassign(
    ctx: typer.Context,
    program: Program,
    gate: GateName,
    person: Annotated[str, typer.Argument(help="Who decides instead.")],
    reason: Reason,
) -> None:
    """Hand an open decision to another eligible person."""
    number = gate_of(gate)

    async def act(session: Session) -> None:
        stub = await session.cases(OWNERS[number])
        case = await newest_case(session, program, number)
        request = pb.ReassignCaseRequest(
            request_id=session.shared.fresh_request_id(),
            name=case.name,
            etag=etag_for(session, case),
            person=person_name(person),
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        reading = await stub.ReassignCase(request)
        answer(session, reading, reading.gate_case)

    run(ctx, act)


@conditions.command(name="close")
def close_condition(
    ctx: typer.Context,
    program: Program,
    gate: Annotated[str, typer.Argument(help="The gate that asked for it: `knight`.")],
    condition: Annotated[str, typer.Argument(help="Its id: `c1`.")],
    evidence: Annotated[str, typer.Option("--evidence", help="Link to what shows it.")],
) -> None:
    """Close a condition with its evidence: its owner may, and who decided the gate."""
    number = gate_of(gate)

    async def act(session: Session) -> None:
        stub = await session.cases(OWNERS[number])
        case = await newest_case(session, program, number)
        request = pb.CloseConditionRequest(
            request_id=session.shared.fresh_request_id(),
            name=case.name,
            etag=etag_for(session, case),
            condition_id=condition,
            evidence=evidence,
            validate_only=session.shared.dry_run,
        )
        reading = await stub.CloseCondition(request)
        answer(session, reading, reading.gate_case)

    run(ctx, act)


async def _pending(
    session: Session, service: str, person: str, unit: str
) -> list[gate_pb2.GateCase]:
    stub = await session.cases(service)
    of_unit = unit if not unit or unit.startswith("units/") else f"units/{unit}"
    cases: list[gate_pb2.GateCase] = []
    token = ""
    while True:
        page = await stub.ListPendingDecisions(
            pb.ListPendingDecisionsRequest(person=person, unit=of_unit, page_token=token)
        )
        cases.extend(page.cases)
        token = page.next_page_token
        if not token:
            return cases


def _inbox(found: pb.ListPendingDecisionsResponse, person: str) -> Table | Text:
    if not found.cases:
        return Text("nothing waits for you" if person else "nothing waits", style="dim")
    drawn = table("program", "gate", "stands", "your role", "since", "overdue", "next")
    now = datetime.now(UTC)
    for case in found.cases:
        mine = [holder.role for holder in case.holders if holder.person == person]
        if person and not mine:  # it waits for somebody who lends the caller their authority
            mine = [f"{one.role} for {short(one.person)}" for one in case.holders]
        drawn.add_row(
            short(case.program),
            gate_word(case.gate),
            state(case),
            ", ".join(mine),
            clock(instant(case, "waiting_since")),
            clock(instant(case.timetable, "overdue_at")),
            next_step(case, now),
        )
    return drawn
