"""Wires and runs the IT risk service."""

import sys
from contextlib import AsyncExitStack

from investiture.casework.foundation import lay
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Pinned
from investiture.chassis.clock import Clock, SystemClock
from investiture.chassis.process import run
from investiture.chassis.server import Binding, Server
from investiture.chassis.settings import ServiceSettings
from investiture.itrisk.assessing import Assessing
from investiture.itrisk.computing import Computer
from investiture.itrisk.handlers import SERVICE, ItRiskHandlers
from investiture.itrisk.operations import KnightDesk, ReviewOperations
from investiture.itrisk.profiles import ProfileStore
from investiture.itrisk.profiling import ProfileOperations
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
    desks = Pinned(base.rules, lambda charter: KnightDesk(charter, store, reviews))
    cases = CaseOperations(store, base.rules, [desks])
    profiles = ProfileStore()
    assessing = Assessing(cases, profiles, base.rules)
    computer = Computer()
    closing.callback(computer.close)
    operations = ReviewOperations(cases, desks, reviews, assessing, profiles)
    handlers = ItRiskHandlers(operations, cases, base.mutations, base.directory(), computer)
    risk = RiskHandlers(
        ProfileOperations(cases, profiles, assessing),
        assessing,
        computer,
        base.mutations,
        base.charter,
    )
    base.attend(cases, closing)
    return base.server(cases, [Binding(SERVICE, handlers), Binding(RISK, risk)])


if __name__ == "__main__":
    sys.exit(run(NAME, ServiceSettings, compose))
