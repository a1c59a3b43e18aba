"""Risk profiles: scenario X of the design, and what is saved of it."""

from typing import Any

from tests.support.reviews import REVIEWER, Desk
from tests.support.services import new_request_id

from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as review_pb
from investiture.api.itrisk.v1 import risk_service_pb2 as pb
from investiture.api.itrisk.v1.risk_service_pb2_grpc import RiskServiceStub


def scenario(mode: float = 0.5, **changes: Any) -> pb.Scenario:
    values: dict[str, Any] = {
        "name": "account takeover",
        "frequency": pb.Frequency(
            events=pb.Estimate(pert=pb.Pert(min=0.1, mode=mode, max=max(2.0, mode)))
        ),
        "primary": pb.Estimate(pert=pb.Pert(min=50_000, mode=150_000, max=900_000)),
        "secondary": pb.SecondaryLoss(
            probability=0.3,
            loss=pb.Estimate(lognormal90=pb.Lognormal90(low=100_000, high=3_000_000)),
        ),
    }
    return pb.Scenario(**{**values, **changes})


def content(*scenarios: pb.Scenario, **changes: Any) -> pb.RiskContent:
    values: dict[str, Any] = {
        "scenarios": scenarios or (scenario(),),
        "controls": [
            pb.Control(name="MFA", frequency_effectiveness=0.35, cost=40_000),
            pb.Control(name="moderation", frequency_effectiveness=0.25, cost=90_000),
        ],
    }
    return pb.RiskContent(**{**values, **changes})


def saving(program: str, what: pb.RiskContent, **changes: Any) -> pb.SaveRiskProfileRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "program": program,
        "content": what,
    }
    return pb.SaveRiskProfileRequest(**{**values, **changes})


def risk_of(desk: Desk, person: str = REVIEWER, *roles: str) -> RiskServiceStub:
    return RiskServiceStub(desk.service.channel(person, *(roles or ("reviewer",))))


def knighting(case: gate_pb2.GateCase, **changes: Any) -> review_pb.KnightRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": case.name,
        "etag": case.etag,
        "rationale": "inside",
    }
    return review_pb.KnightRequest(**{**values, **changes})


def long_content(name: str = "scenario") -> pb.RiskContent:
    """Sixty uncertain scenarios, the most there may be, and twelve controls: it takes seconds."""
    names = [f"{name} {number}" for number in range(60)]
    return content(
        *(scenario(0.5 + n / 1_000, name=one) for n, one in enumerate(names)),
        controls=[
            pb.Control(
                name=f"control {n}",
                frequency_effectiveness=0.03 + n / 100,
                severity_reduction=0.02 * (n % 3),
                cost=1_000 * 2**n,
                scenarios=names,
            )
            for n in range(12)
        ],
    )
