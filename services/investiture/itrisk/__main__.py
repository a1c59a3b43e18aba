"""Wires and runs the IT risk service."""

import sys
from contextlib import AsyncExitStack
from datetime import timedelta

from investiture.casework.foundation import lay
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Pinned
from investiture.chassis.clock import Clock, SystemClock
from investiture.chassis.process import run
from investiture.chassis.server import Binding, Server
from investiture.chassis.settings import ServiceSettings
from investiture.chassis.ticker import Ticker
from investiture.itrisk.acceptance_handlers import SERVICE as ACCEPTANCE
from investiture.itrisk.acceptance_handlers import AcceptanceHandlers
from investiture.itrisk.acceptance_store import AcceptanceStore
from investiture.itrisk.accepters import Accepters
from investiture.itrisk.accepting import AcceptanceOperations
from investiture.itrisk.appeal_handlers import SERVICE as APPEAL
from investiture.itrisk.appeal_handlers import AppealHandlers
from investiture.itrisk.appealing import AppealOperations
from investiture.itrisk.appetites import Recomputing
from investiture.itrisk.assessing import Assessing
from investiture.itrisk.bounds import Bounds
from investiture.itrisk.calibration import ForecastStore
from investiture.itrisk.calibration_handlers import SERVICE as CALIBRATION
from investiture.itrisk.calibration_handlers import CalibrationHandlers, CalibrationOperations
from investiture.itrisk.computing import Computer
from investiture.itrisk.desk import KnightDesk
from investiture.itrisk.duty_handlers import SERVICE as DUTY
from investiture.itrisk.duty_handlers import DutyHandlers
from investiture.itrisk.duty_operations import DutyOperations
from investiture.itrisk.duty_store import DutyStore
from investiture.itrisk.estimates import EstimateStore
from investiture.itrisk.estimating import EstimateOperations
from investiture.itrisk.graces import GraceStore
from investiture.itrisk.handlers import SERVICE, ItRiskHandlers
from investiture.itrisk.operations import ReviewOperations
from investiture.itrisk.profiles import ProfileStore
from investiture.itrisk.profiling import ProfileOperations
from investiture.itrisk.re_reviews import ReReviews
from investiture.itrisk.risk_handlers import SERVICE as RISK
from investiture.itrisk.risk_handlers import RiskHandlers
from investiture.itrisk.store import CASES, ReviewStore

NAME = "itrisk"


async def compose(
    settings: ServiceSettings, closing: AsyncExitStack, clock: Clock | None = None
) -> Server:
    """Builds the service; what has to be closed is pushed onto `closing`."""
    base = await lay(NAME, settings, closing, clock or SystemClock())
    reviews = ReviewStore()
    store = base.case_store(CASES)
    profiles, acceptances, duties = ProfileStore(), AcceptanceStore(), DutyStore()
    accepters = Accepters(profiles, acceptances)
    desks = Pinned(
        base.rules, lambda charter: KnightDesk(charter, store, reviews, accepters, profiles, duties)
    )
    cases = CaseOperations(store, base.rules, [desks])
    assessing = Assessing(cases, profiles, base.rules)
    computer = Computer()
    closing.callback(computer.close)
    forecasts = ForecastStore()
    bounds = Bounds(cases, profiles, acceptances, duties, GraceStore())
    operations = ReviewOperations(cases, desks, reviews, assessing, profiles, bounds, forecasts)
    handlers = ItRiskHandlers(operations, cases, base.mutations, base.directory(), computer)
    risk = RiskHandlers(
        ProfileOperations(cases, profiles, assessing, bounds),
        EstimateOperations(profiles, EstimateStore()),
        assessing,
        computer,
        base.mutations,
        base.charter,
    )
    accepting = AcceptanceHandlers(
        AcceptanceOperations(cases, reviews, assessing, acceptances, bounds),
        base.mutations,
        base.directory(),
        computer,
    )
    appealing = AppealHandlers(
        AppealOperations(cases, desks, reviews, operations),
        cases,
        base.mutations,
        base.directory(),
    )
    owed = DutyHandlers(DutyOperations(cases, duties, bounds), base.mutations, base.directory())
    scoring = CalibrationHandlers(CalibrationOperations(forecasts), base.mutations)
    recomputing = Recomputing(
        cases,
        profiles,
        assessing,
        bounds,
        ReReviews(cases, desks, acceptances, bounds),
        computer,
        base.mutations,
        base.charter,
        base.clock,
    )
    ticker = Ticker("recomputing", timedelta(seconds=settings.expiry_seconds), recomputing.tick)
    ticker.start()
    closing.push_async_callback(ticker.stop)
    base.attend(cases, closing)
    return base.server(
        cases,
        [
            Binding(SERVICE, handlers),
            Binding(RISK, risk),
            Binding(ACCEPTANCE, accepting),
            Binding(APPEAL, appealing),
            Binding(DUTY, owed),
            Binding(CALIBRATION, scoring),
        ],
    )


if __name__ == "__main__":
    sys.exit(run(NAME, ServiceSettings, compose))
