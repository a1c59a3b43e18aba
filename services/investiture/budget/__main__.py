"""Wires and runs the budget service."""

import sys
from contextlib import AsyncExitStack

from investiture.budget.desk import FundDesk
from investiture.budget.handlers import SERVICE, BudgetHandlers
from investiture.budget.ledger_store import LedgerStore
from investiture.budget.operations import (
    EnvelopeOperations,
    FundingOperations,
    SpendOperations,
)
from investiture.budget.store import FundingStore
from investiture.budget.tables import CASES
from investiture.casework.foundation import lay
from investiture.casework.operations import CaseOperations
from investiture.chassis.clock import Clock, SystemClock
from investiture.chassis.process import StartRefused, run
from investiture.chassis.server import Binding, Server
from investiture.chassis.settings import ServiceSettings

NAME = "budget"


async def compose(
    settings: ServiceSettings, closing: AsyncExitStack, clock: Clock | None = None
) -> Server:
    """Builds the service; what has to be closed is pushed onto `closing`."""
    base = await lay(NAME, settings, closing, clock or SystemClock())
    ledger, fundings = LedgerStore(), FundingStore()
    store = base.case_store(CASES)
    try:
        desk = FundDesk(base.charter, store, fundings, ledger)
    except ValueError as error:
        raise StartRefused(str(error)) from None
    cases = CaseOperations(store, base.charter, [desk])
    handlers = BudgetHandlers(
        envelopes=EnvelopeOperations(ledger),
        fundings=FundingOperations(cases, desk, fundings, ledger),
        spend=SpendOperations(cases, fundings, ledger),
        cases=cases,
        mutations=base.mutations,
        directory=base.directory(),
        pager=base.pager,
    )
    base.attend(cases, closing)
    return base.server(cases, [Binding(SERVICE, handlers)])


if __name__ == "__main__":
    sys.exit(run(NAME, ServiceSettings, compose))
