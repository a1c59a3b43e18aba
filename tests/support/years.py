"""Fiscal years as tests close them, over a real socket."""

from typing import Any

from tests.support.budget import MoneySide, eur
from tests.support.services import new_request_id

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.budget.v1 import fiscal_years_pb2 as pb

OLD, NEW = "envelopes/launches-2026", "envelopes/launches-2027"
YEAR = "fiscalYears/2026"
LAPSE = pb.YEAR_END_RULE_LAPSE
CARRY_COMMITTED = pb.YEAR_END_RULE_CARRY_COMMITTED
CARRY_ALL = pb.YEAR_END_RULE_CARRY_ALL


async def two_years(money: MoneySide, old: int = 100_000, new: int = 50_000) -> None:
    """An envelope of the year that has ended and its successor, both fay's."""
    await money.issue(old, name=OLD, fiscal_year=2026)
    await money.issue(new, name=NEW)


def closing(
    rule: pb.YearEndRule.ValueType, envelope: str = OLD, **changes: Any
) -> pb.EnvelopeClosing:
    successor = changes.pop("successor", NEW)
    return pb.EnvelopeClosing(envelope=envelope, rule=rule, successor=successor, **changes)


async def year(money: MoneySide, name: str = YEAR) -> pb.FiscalYear:
    found: pb.FiscalYear = await money.auditor.GetFiscalYear(pb.GetFiscalYearRequest(name=name))
    return found


async def closing_request(
    money: MoneySide, *closings: pb.EnvelopeClosing, **changes: Any
) -> pb.CloseFiscalYearRequest:
    name = str(changes.get("name", YEAR))
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": name,
        "etag": changes.get("etag") or (await year(money, name)).etag,
        "envelopes": closings,
    }
    return pb.CloseFiscalYearRequest(**{**values, **changes})


async def close(money: MoneySide, *closings: pb.EnvelopeClosing, **changes: Any) -> pb.FiscalYear:
    request = await closing_request(money, *closings, **changes)
    done: pb.FiscalYear = await money.committee.CloseFiscalYear(request)
    return done


def late(lapsed: budget_pb.Commitment, units: int, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": lapsed.name,
        "etag": lapsed.etag,
        "amount": eur(units),
        "spent_on": "2026-12-20",
        "invoice": "2026-0815",
    }
    return budget_pb.RollForwardActualRequest(**{**values, **changes})
