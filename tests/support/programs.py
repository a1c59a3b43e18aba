"""A believable program of the default charter's enterprise, changed field by field."""

from typing import Any

from google.type.money_pb2 import Money

from investiture.api.launch.v1 import launch_service_pb2 as pb

PROPOSER = "people/ben"
SPONSOR = "people/sara"
MONEY = "people/finn"
KNIGHT = "people/ines"
PILOT_OWNER = "people/sam"
BENEFIT_OWNER = "people/nora"
STEWARD = "people/stella"


def eur(units: int) -> Money:
    return Money(currency_code="EUR", units=units)


def benefit(**changes: Any) -> pb.Benefit:
    values: dict[str, Any] = {
        "id": "deflection",
        "description": "questions that the community answers",
        "measure": "sessions x resolved x cost of a contact, EUR a year",
        "owner": BENEFIT_OWNER,
        "baseline": 0.0,
        "low": eur(20_000),
        "likely": eur(31_500),
        "high": eur(40_000),
    }
    return pb.Benefit(**{**values, **changes})


def plan(**changes: Any) -> pb.PilotPlan:
    values: dict[str, Any] = {
        "hypothesis": "one in three invited customers answers another one within four weeks",
        "exposure_bps": 500,
        "exit_criteria": ["35 % of the invited are active in week four"],
        "kill_criteria": ["three complaints about privacy"],
        "rollback": "read-only within an hour, tested in November",
        "owner": PILOT_OWNER,
    }
    return pb.PilotPlan(**{**values, **changes})


def content(**changes: Any) -> pb.ProgramContent:
    """A self-support community of customers, changed field by field."""
    values: dict[str, Any] = {
        "title": "Self-support community",
        "objective": "customers help each other",
        "customer_promise": "an answer within a day, from people who had the same question",
        "audiences": ["customers"],
        "channels": ["community-forum"],
        "data_classes": ["contact", "behaviour"],
        "vendors": ["Forumware"],
        "owning_unit": "units/support",
        "sponsor": SPONSOR,
        "it_liaison": "people/omar",
        "steward": STEWARD,
        "amount": eur(90_000),
        "tranches": pb.Tranches(trial=eur(5_000), pilot=eur(15_000), general=eur(70_000)),
        "category": "opex",
        "exposure_bps": 5_000,
        "benefits": [benefit()],
        "cost_of_delay_per_week": eur(7_000),
        "pilot_plan": plan(),
        "response_rota": [STEWARD],
        "controls": ["MFA"],
    }
    return pb.ProgramContent(**{**values, **changes})
