"""What a call of IT takes while an assessment is computed, over the same call without one.

The call reads the newest risk profile: token, roles, validation, one query. The assessment is a
what-if of a scenario with a dozen controls, other ones each time, so that none is answered from
memory; the next begins as soon as one has ended.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import count

import grpc
from tests.bench.calls import Call, Timed, timed
from tests.bench.company import BEN, Company, new_id, options
from tests.bench.figures import Findings, Row, Target
from tests.bench.scale import Run

from investiture.api.itrisk.v1 import risk_service_pb2 as pb
from investiture.api.itrisk.v1.risk_service_pb2_grpc import RiskServiceStub
from investiture.stack.embedded import Stack
from investiture.stack.plan import WORKER

PROGRAM = "programs/assessed"
_WARM_UP = 50
_CALLS = 4
"""Times as many calls as a round of one at a time has: a 99th percentile needs some."""
_THINK_SECONDS = 0.005
_STEPS = 2

_RAN = (
    "assessments, sqlite: itrisk with its computing process, the other services idle, no worker;"
    " {count} what-ifs of a scenario with twelve controls, {seconds:.1f} s each, one after the"
    " other beside the calls."
)


async def measure(run: Run) -> Findings:
    """Measure calls with and without an assessment in flight."""
    row = Row(
        key="assessments.p99",
        what="GetRiskProfile while an assessment is computed, p99; bare: without one",
        unit="ms",
        target=Target(2.0),
    )
    findings = Findings([row])
    run.steps.begin("assessments: starting")
    async with Stack(run.folder / "assessments", options(run.folder / "assessed")) as stack:
        await stack.stop(WORKER)
        company = Company(stack)
        async with company.open():
            risk = company.stub("itrisk", RiskServiceStub)
            await _save(company, risk)
            run.steps.end()
            run.steps.begin("assessments: warming up")
            numbers = count(1)
            await _what_if(company, risk, next(numbers))
            await timed(_reads(company, risk, _WARM_UP), 1)
            run.steps.end()
            took: list[float] = []
            for number in range(run.scale.rounds):
                run.steps.begin(f"assessments: round {number + 1}")
                company.renew()
                calls = run.scale.alone * _CALLS
                without = await timed(_reads(company, risk, calls), 1, _THINK_SECONDS)
                beside = await _beside(company, risk, calls, numbers, took)
                row.add(beside.p99, without.p99)
                run.steps.end()
    seconds = sum(took) / len(took) if took else 0.0
    findings.ran.append(_RAN.format(count=len(took), seconds=seconds))
    return findings


def steps_of(rounds: int) -> int:
    """Return how many steps a measurement takes."""
    return _STEPS + rounds


async def _beside(
    company: Company, risk: RiskServiceStub, calls: int, numbers: Iterator[int], took: list[float]
) -> Timed:
    async def assess() -> None:
        for number in numbers:
            began = time.perf_counter()
            await _what_if(company, risk, number)
            took.append(time.perf_counter() - began)

    assessing = asyncio.create_task(assess())
    try:
        return await timed(_reads(company, risk, calls), 1, _THINK_SECONDS)
    finally:
        assessing.cancel()
        with suppress(asyncio.CancelledError, grpc.aio.AioRpcError):
            await assessing


def _reads(company: Company, risk: RiskServiceStub, calls: int) -> Iterator[Call]:
    request = pb.GetRiskProfileRequest(name=f"{PROGRAM}/riskProfiles/latest")
    for _ in range(calls):
        yield partial(risk.GetRiskProfile, request, metadata=company.headers(BEN, "proposer"))


async def _save(company: Company, risk: RiskServiceStub) -> None:
    request = pb.SaveRiskProfileRequest(request_id=new_id(), program=PROGRAM, content=_content(0))
    await risk.SaveRiskProfile(request, metadata=company.headers(BEN, "proposer"))


async def _what_if(company: Company, risk: RiskServiceStub, number: int) -> None:
    request = pb.WhatIfRequest(program=PROGRAM, content=_content(number))
    await risk.WhatIf(request, metadata=company.headers(BEN, "proposer"))


def _content(number: int) -> pb.RiskContent:
    """Scenario X of the design and twelve controls; another content for every number."""
    frequency = pb.Frequency(
        events=pb.Estimate(pert=pb.Pert(min=0.1, mode=0.5 + number / 10_000, max=2.0))
    )
    secondary = pb.Estimate(lognormal90=pb.Lognormal90(low=100_000, high=3_000_000))
    return pb.RiskContent(
        scenarios=[
            pb.Scenario(
                name="X",
                frequency=frequency,
                primary=pb.Estimate(pert=pb.Pert(min=50_000, mode=150_000, max=900_000)),
                secondary=pb.SecondaryLoss(probability=0.3, loss=secondary),
            )
        ],
        controls=[
            pb.Control(
                name=f"control {n}",
                frequency_effectiveness=0.03 + n / 100,
                severity_reduction=0.02 * (n % 3),
                cost=1_000 * 2**n,
            )
            for n in range(12)
        ],
    )
