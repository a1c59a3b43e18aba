"""Wires and runs the IT risk service."""

import sys
from contextlib import AsyncExitStack

from investiture.casework.foundation import lay
from investiture.casework.operations import CaseOperations
from investiture.charter.model import Charter
from investiture.chassis.clock import Clock, SystemClock
from investiture.chassis.process import run
from investiture.chassis.server import Binding, Server
from investiture.chassis.settings import ServiceSettings
from investiture.itrisk.handlers import SERVICE, ItRiskHandlers
from investiture.itrisk.operations import KnightDesk, ReviewOperations
from investiture.itrisk.store import CASES, ReviewStore

NAME = "itrisk"


async def compose(
    settings: ServiceSettings, closing: AsyncExitStack, clock: Clock | None = None
) -> Server:
    """Builds the service; what has to be closed is pushed onto `closing`."""
    base = await lay(NAME, settings, closing, clock or SystemClock())
    reviews = ReviewStore()
    store = base.case_store(CASES)
    desk = KnightDesk(base.charter, store, reviews)
    cases = CaseOperations(store, base.charter, [desk])
    operations = ReviewOperations(cases, desk, reviews, base.charter)
    handlers = ItRiskHandlers(operations, cases, base.mutations, base.directory())
    base.attend(cases, closing)

    def under(charter: Charter) -> CaseOperations:
        return CaseOperations(store, charter, [KnightDesk(charter, store, reviews)])

    return base.server(cases, [Binding(SERVICE, handlers)], under=under)


if __name__ == "__main__":
    sys.exit(run(NAME, ServiceSettings, compose))
