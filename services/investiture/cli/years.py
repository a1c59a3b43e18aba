"""The close of a fiscal year: what lapses, what is carried, and whose funding is lost with it."""

from collections.abc import Sequence
from typing import Annotated

import typer
from google.type.money_pb2 import Money
from rich.console import Group, RenderableType
from rich.text import Text

from investiture.api.budget.v1 import fiscal_years_pb2 as pb
from investiture.cli.deciding import agreed_etag
from investiture.cli.output import clock, instant, short, table
from investiture.cli.session import Session, run
from investiture.cli.transfers import envelope_name, money_of
from investiture.stack import amounts

app = typer.Typer()
group = typer.Typer(no_args_is_help=True, help="Fiscal years, and their close.")
app.add_typer(group, name="year", rich_help_panel="Decisions")

Year = Annotated[int, typer.Argument(help="The fiscal year: 2027.", min=2000, max=2200)]


@group.command()
def show(ctx: typer.Context, year: Year) -> None:
    """Show a fiscal year; once it is closed, what became of its money."""

    async def act(session: Session) -> None:
        stub = await session.budget()
        found = await stub.GetFiscalYear(pb.GetFiscalYearRequest(name=f"fiscalYears/{year}"))
        session.show(found, shown)

    run(ctx, act)


@group.command()
def close(
    ctx: typer.Context,
    year: Year,
    lapse: Annotated[
        list[str] | None,
        typer.Option(help="Everything unspent lapses.", metavar="ENVELOPE[=SUCCESSOR]"),
    ] = None,
    carry_committed: Annotated[
        list[str] | None,
        typer.Option(help="What is held goes on, the rest lapses.", metavar="ENVELOPE=SUCCESSOR"),
    ] = None,
    carry_all: Annotated[
        list[str] | None,
        typer.Option(help="What is available goes on, too.", metavar="ENVELOPE=SUCCESSOR[=CAP]"),
    ] = None,
) -> None:
    """Close a fiscal year that has ended; --dry-run shows what would lapse and be carried."""
    closings = [
        *(_closing(one, pb.YEAR_END_RULE_LAPSE, "--lapse") for one in lapse or ()),
        *(
            _closing(one, pb.YEAR_END_RULE_CARRY_COMMITTED, "--carry-committed")
            for one in carry_committed or ()
        ),
        *(_closing(one, pb.YEAR_END_RULE_CARRY_ALL, "--carry-all") for one in carry_all or ()),
    ]

    async def act(session: Session) -> None:
        stub = await session.budget()
        name = f"fiscalYears/{year}"
        seen = await stub.GetFiscalYear(pb.GetFiscalYearRequest(name=name))
        request = pb.CloseFiscalYearRequest(
            request_id=session.shared.fresh_request_id(),
            name=name,
            etag=agreed_etag(session, seen.etag, name),
            envelopes=closings,
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.CloseFiscalYear(request), shown)

    run(ctx, act)


def shown(year: pb.FiscalYear) -> Group:
    """Return a fiscal year with the outcome of its close."""
    head = Text.assemble(
        (f"{year.name}  ", "bold"),
        "closed" if year.closed else "open",
        f"  {year.first_day} to {year.last_day}",
    )
    lines: list[RenderableType] = [head]
    if year.closed:
        by = f"  by {short(year.closed_by)}, {clock(instant(year, 'closed_at'))}"
        lines.append(Text(by, style="dim"))
    if year.envelopes:
        lines.append(_envelopes(year.envelopes))
    lines += [_program(one) for one in year.programs]
    return Group(*lines)


def rule_word(rule: int) -> str:
    """Return a rule in words: ``carry committed``."""
    name = pb.YearEndRule.Name(pb.YearEndRule.ValueType(rule))
    return name.removeprefix("YEAR_END_RULE_").lower().replace("_", " ")


def _closing(text: str, rule: pb.YearEndRule.ValueType, option: str) -> pb.EnvelopeClosing:
    envelope, _, rest = text.partition("=")
    successor, _, cap = rest.partition("=")
    if cap and rule != pb.YEAR_END_RULE_CARRY_ALL:
        raise typer.BadParameter("only --carry-all takes a cap", param_hint=option)
    return pb.EnvelopeClosing(
        envelope=envelope_name(envelope),
        rule=rule,
        successor=envelope_name(successor),
        cap=money_of(cap, option) if cap else None,
    )


def _envelopes(found: Sequence[pb.EnvelopeClose]) -> RenderableType:
    figures = ("lapsed", "available", "reserved", "committed")
    drawn = table("envelope", "rule", "goes on in", *figures, right=figures)
    for one in found:
        carried: Sequence[Money] = (
            one.carried_available,
            one.carried_reserved,
            one.carried_committed,
        )
        drawn.add_row(
            short(one.envelope),
            rule_word(one.rule),
            short(one.successor) if one.successor else "–",
            amounts.shown(one.lapsed),
            *(amounts.shown(money) for money in carried),
        )
    return drawn


def _program(one: pb.ProgramClose) -> Text:
    name = short(one.program)
    if not amounts.minor(one.lapsed):
        return Text(f"  {name}: {amounts.shown(one.carried)} goes on", style="green")
    voided = "; its funding is void and has to be reserved anew" if one.funding_voided else ""
    return Text(f"  {name}: {amounts.shown(one.lapsed)} lapsed{voided}", style="yellow")
