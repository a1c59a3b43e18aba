"""Risk that people answer for: who accepts what is above the appetite, and the duties beside it."""

from typing import Annotated

import typer
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Group
from rich.text import Text

from investiture.api.itrisk.v1 import acceptance_service_pb2 as acceptance_pb
from investiture.api.itrisk.v1 import duty_service_pb2 as duty_pb
from investiture.api.itrisk.v1 import risk_service_pb2 as risk_pb
from investiture.cli import problems
from investiture.cli.deciding import (
    OnBehalfOf,
    Program,
    Reason,
    agreed_etag,
    person_name,
    program_name,
)
from investiture.cli.output import clock, instant, short
from investiture.cli.problems import Complaint
from investiture.cli.risk.command import app, risk
from investiture.cli.rows import instant_of
from investiture.cli.session import Session, run
from investiture.stack import amounts

__all__ = ["app"]

_KINDS = tuple(name.removeprefix("DUTY_KIND_").lower() for name in duty_pb.DutyKind.keys()[1:])
_STATES = tuple(name.removeprefix("DUTY_STATE_").lower() for name in duty_pb.DutyState.keys()[1:])


@risk.command()
def accept(
    ctx: typer.Context,
    program: Program,
    reason: Reason,
    until: Annotated[str, typer.Option("--until", help="Last day; at most a year.")],
    on_behalf_of: OnBehalfOf = "",
) -> None:
    """Accept a program's risk above the appetite, at your level of the delegation of authority."""
    ends = _day(until)

    async def act(session: Session) -> None:
        name = program_name(program)
        risks, acceptances = await session.risk(), await session.acceptances()
        seen = await risks.Assess(risk_pb.AssessRequest(program=name))
        session.note(Text(seen.sentence))
        accepted = await acceptances.AcceptRisk(
            acceptance_pb.AcceptRiskRequest(
                request_id=session.shared.fresh_request_id(),
                program=name,
                assessment_digest=agreed_etag(session, seen.digest, f"the assessment of {name}"),
                reason=reason,
                until=ends,
                on_behalf_of=person_name(on_behalf_of),
                validate_only=session.shared.dry_run,
            )
        )
        session.show(accepted, _accepted)

    run(ctx, act)


@risk.command()
def acceptances(ctx: typer.Context, program: Program) -> None:
    """Show who accepted a program's risk, until when, and who has still to."""

    async def act(session: Session) -> None:
        stub = await session.acceptances()
        request = acceptance_pb.ListRiskAcceptancesRequest(program=program_name(program))
        session.show(
            await stub.ListRiskAcceptances(request),
            lambda found: Group(*(_accepted(one) for one in found.acceptances)),
        )

    run(ctx, act)


@risk.command()
def duty(
    ctx: typer.Context,
    program: Program,
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(_KINDS)}.")],
    state: Annotated[str, typer.Argument(help=f"One of {', '.join(_STATES)}.")],
    unit: Annotated[str, typer.Option("--unit", help="For which unit you speak: `legal`.")],
    reason: Reason = "",
    until: Annotated[str, typer.Option("--until", help="Of an exception: its last day.")] = "",
) -> None:
    """Say for your unit that a program keeps a duty, does not, or is excepted until a date."""
    wanted_kind, wanted_state = _one_of(kind, _KINDS, "KIND"), _one_of(state, _STATES, "STATE")
    ends = _day(until) if until else None
    unit_name = unit if unit.startswith("units/") else f"units/{unit}"

    async def act(session: Session) -> None:
        stub = await session.duties()
        name = program_name(program)
        kind_value = duty_pb.DutyKind.Value(f"DUTY_KIND_{wanted_kind.upper()}")
        known = (await stub.ListDuties(duty_pb.ListDutiesRequest(program=name))).duties
        said = next((o.name for o in known if (o.kind, o.unit) == (kind_value, unit_name)), "")
        recorded = await stub.RecordDuty(
            duty_pb.RecordDutyRequest(
                request_id=session.shared.fresh_request_id(),
                program=name,
                kind=kind_value,
                unit=unit_name,
                state=duty_pb.DutyState.Value(f"DUTY_STATE_{wanted_state.upper()}"),
                reason=reason,
                until=ends,
                etag=agreed_etag(session, said, f"the duty of {name}"),
                validate_only=session.shared.dry_run,
            )
        )
        session.show(recorded, _duty_line)

    run(ctx, act)


@risk.command()
def duties(ctx: typer.Context, program: Program) -> None:
    """Show how a program stands to law, privacy and contracts."""

    async def act(session: Session) -> None:
        stub = await session.duties()
        found = await stub.ListDuties(duty_pb.ListDutiesRequest(program=program_name(program)))
        session.show(found, lambda all_: Group(*(_duty_line(one) for one in all_.duties)))

    run(ctx, act)


def _accepted(one: acceptance_pb.RiskAcceptance) -> Group:
    state = acceptance_pb.AcceptanceState.Name(one.state).removeprefix("ACCEPTANCE_STATE_").lower()
    head = Text(
        f"{one.name} {state}: {amounts.shown(one.at_stake)} at stake, until "
        f"{clock(instant(one, 'until'))}; to be looked at again by "
        f"{clock(instant(one, 'review_at'))}"
    )
    voices = (
        Text(f"  {short(voice.person)} as {voice.role}: {voice.reason}") for voice in one.voices
    )
    lacking = (Text(f"  lacks {line}", style="yellow") for line in one.lacking)
    return Group(head, *voices, *lacking)


def _duty_line(one: duty_pb.Duty) -> Text:
    kind = duty_pb.DutyKind.Name(one.kind).removeprefix("DUTY_KIND_").lower()
    state = duty_pb.DutyState.Name(one.state).removeprefix("DUTY_STATE_").lower()
    until = f" until {clock(instant(one, 'until'))}" if one.HasField("until") else ""
    why = f": {one.reason}" if one.reason else ""
    return Text(f"{kind} by {short(one.unit)}: {state}{until}{why}, says {short(one.person)}")


def _day(text: str) -> Timestamp:
    try:
        return instant_of(text, ending=True)
    except ValueError:
        raise Complaint(
            f"--until {text} is no date", problems.USAGE, "write it as 2027-02-28"
        ) from None


def _one_of(said: str, known: tuple[str, ...], where: str) -> str:
    if said.lower() not in known:
        raise typer.BadParameter(f"{said} is none of {', '.join(known)}", param_hint=where)
    return said.lower()
