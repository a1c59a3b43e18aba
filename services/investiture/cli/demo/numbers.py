"""The risk of the second story's program in numbers: saved, refused, pictured, brought inside."""

import asyncio
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from rich.padding import Padding

from investiture.api.itrisk.v1 import itrisk_service_pb2 as review_pb
from investiture.api.itrisk.v1 import risk_service_pb2 as pb
from investiture.api.itrisk.v1.itrisk_service_pb2_grpc import ItRiskServiceStub
from investiture.api.itrisk.v1.risk_service_pb2_grpc import RiskServiceStub
from investiture.cli.demo.stage import Stage
from investiture.cli.demo.story import Story
from investiture.cli.risk import picture_tables, writing
from investiture.cli.risk.contents import content_in
from investiture.itrisk.quantification import pictures
from investiture.itrisk.quantification.assessment import Assessment, assess
from investiture.itrisk.quantification.document import question_of
from investiture.itrisk.quantification.scenarios import Question
from investiture.stack.example import example

FILE = "examples/risk/open-workshop.yaml"
NIGHT_SHIFT = "moderators at night, until the end"
PRESSING = 1_000_000.0


async def saves_profile(stage: Stage, told: Story, name: str) -> None:
    """The proposer says what could go wrong, in numbers."""
    stub = RiskServiceStub(stage.channel("itrisk", f"people/{name}"))
    saved = await stub.SaveRiskProfile(
        pb.SaveRiskProfileRequest(
            request_id=str(uuid.uuid4()), program=told.program, content=content_in(example(FILE))
        )
    )
    scenarios = ", ".join(one.name for one in saved.content.scenarios)
    told.tell(f"{stage.display_name(saved.author)} saves a risk profile: {scenarios}.")


async def requests_changes(stage: Stage, told: Story, name: str) -> None:
    """IT cannot say yes to these numbers, and names the gap that they show."""
    person = f"people/{name}"
    stub = ItRiskServiceStub(stage.channel("itrisk", person))
    found = await assessed(stage, told, person)
    told.tell(f"{found.sentence}", "yellow")
    at = {one.loss: one for one in found.exceedance}
    told.expect(
        "more than 1 M to be too likely", at[PRESSING].lower > at[PRESSING].tolerated, found
    )
    review = await stub.GetReview(
        review_pb.GetReviewRequest(name=f"{told.program}/riskReviews/latest")
    )
    case = review.gate_case
    problem = await stage.refused(
        "VERDICT_NOT_ALLOWED",
        stub.Knight(
            review_pb.KnightRequest(request_id=str(uuid.uuid4()), name=case.name, etag=case.etag)
        ),
    )
    stage.tell_problem(problem)
    asked = await stub.RequestChanges(
        review_pb.RequestChangesRequest(
            request_id=str(uuid.uuid4()), name=case.name, etag=case.etag, from_assessment=True
        )
    )
    (gap,) = asked.gate_case.gaps
    told.expect("the gap to name the cheapest control", NIGHT_SHIFT in gap.remedy, gap)
    told.tell(f"{stage.display_name(person)} requests changes: {gap.excess} → {gap.remedy}")
    await _draw(stage, told, found)


async def is_inside(stage: Stage, told: Story, name: str) -> None:
    """The same computation, with the control in place."""
    found = await assessed(stage, told, f"people/{name}")
    told.expect("the control in place", list(found.controls_in_place) == [NIGHT_SHIFT], found)
    told.expect("the risk to be inside", found.verdict == pb.RISK_VERDICT_INSIDE, found)
    told.tell(f"With {NIGHT_SHIFT}: {found.sentence}", "green")


async def assessed(stage: Stage, told: Story, person: str) -> pb.Assessment:
    """The program's risk as the service computes it."""
    stub = RiskServiceStub(stage.channel("itrisk", person))
    found: pb.Assessment = await stub.Assess(pb.AssessRequest(program=told.program))
    return found


def document() -> Mapping[str, Any]:
    """The scenario file of the program."""
    read: Mapping[str, Any] = yaml.safe_load(example(FILE).read_text(encoding="utf-8"))
    return read


async def _draw(stage: Stage, told: Story, found: pb.Assessment) -> None:
    """Both pictures as files, and beside them in words what they show."""
    question = _question(found)
    assessment = await asyncio.to_thread(assess, question)
    told.expect("the file's numbers to be the service's", assessment.mean == found.mean, found.mean)
    folder = Path(tempfile.mkdtemp(prefix="investiture-pictures-"))
    wanted = writing.Wanted(folder / "open-workshop.svg", folder / "open-workshop.png")
    files = await asyncio.to_thread(_drawn, question, assessment, wanted)
    told.expect("both pictures twice, with their words", _written(files), files)
    _tell_points(stage, assessment)
    told.tell(f"The loss exceedance curve and the tipping map are in {folder}", "bold")


def _drawn(question: Question, assessment: Assessment, wanted: writing.Wanted) -> list[Path]:
    curves = pictures.exceedance_curves(question, assessment)
    return writing.write(wanted, curves, pictures.tipping_map(question, assessment))


def _question(found: pb.Assessment) -> Question:
    points = [[one.loss, one.tolerated] for one in found.exceedance if one.tolerated]
    question = question_of({**document(), "appetite": points})
    return replace(question, exposure=found.exposure)


def _written(files: list[Path]) -> bool:
    suffixes = sorted(path.suffix for path in files if path.stat().st_size > 0)
    return {".svg", ".png", ".txt"} == set(suffixes)


def _tell_points(stage: Stage, assessment: Assessment) -> None:
    rows = picture_tables.points_table(assessment.exceedance, assessment.readings)
    stage.console.print(Padding(rows, (0, 0, 0, 9)))
