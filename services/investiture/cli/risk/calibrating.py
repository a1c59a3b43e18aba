"""How well reviewers foresee: what a program lost, and the score of what was said before."""

from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from investiture.api.itrisk.v1 import calibration_service_pb2 as pb
from investiture.api.itrisk.v1 import risk_service_pb2 as risk_pb
from investiture.cli.conversations import Digest, File, digest_of
from investiture.cli.deciding import Program, program_name
from investiture.cli.session import Session, run
from investiture.cli.transfers import money_of
from investiture.stack import amounts

app = typer.Typer()


@app.command()
def outcome(
    ctx: typer.Context,
    program: Program,
    loss: Annotated[str, typer.Argument(help='What the year lost: "48_000 EUR", or "0 EUR".')],
    evidence: Annotated[
        str, typer.Option("--evidence", help="Where the figure is shown.", metavar="LINK")
    ],
    file: File = None,
    sha256: Digest = "",
) -> None:
    """Record what a program lost in a year: the probabilities stated about it are settled by it."""
    lost = money_of(loss, "LOSS")

    async def act(session: Session) -> None:
        digest = digest_of(file, sha256).removeprefix("sha256:")
        stub = await session.calibration()
        recorded = await stub.RecordOutcome(
            pb.RecordOutcomeRequest(
                request_id=session.shared.fresh_request_id(),
                program=program_name(program),
                loss=lost,
                evidence=risk_pb.RiskEvidence(url=evidence, sha256=digest),
                validate_only=session.shared.dry_run,
            )
        )
        session.show(
            recorded,
            lambda one: Text(
                f"{one.program} lost {amounts.shown(one.loss)}; "
                f"probabilities settled by that: {one.settled}"
            ),
        )

    run(ctx, act)


@app.command()
def calibration(ctx: typer.Context) -> None:
    """Show how well your stated probabilities held, and those of all reviewers together."""

    async def act(session: Session) -> None:
        stub = await session.calibration()
        session.show(await stub.GetCalibration(pb.GetCalibrationRequest()), _calibration)

    run(ctx, act)


def _calibration(found: pb.Calibration) -> Group:
    everybody = (
        _line("all reviewers", found.all)
        if found.HasField("all")
        else Text("all reviewers: too few have a settled one to show it without showing whose")
    )
    return Group(_line("yours, which nobody else sees", found.own), everybody)


def _line(whose: str, score: pb.Score) -> Text:
    if not score.settled:
        return Text(f"{whose}: none is settled yet; state one with `knight --chance`")
    return Text(
        f"{whose}: Brier score {score.brier:.3f} over {score.settled} "
        f"(0 is perfect, 0.250 is what one half always gives); "
        f"stated {score.stated:.0%} on average, happened {score.happened:.0%}"
    )
