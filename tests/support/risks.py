"""Risk profiles: scenario X of the design, and what is saved of it."""

from typing import Any

from tests.support.services import new_request_id

from investiture.api.itrisk.v1 import risk_service_pb2 as pb


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
