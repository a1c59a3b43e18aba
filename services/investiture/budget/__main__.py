"""Wires and runs the budget service."""

import sys
from contextlib import AsyncExitStack
from datetime import timedelta

from investiture.budget.appropriation_store import AppropriationStore
from investiture.budget.correction_handlers import CorrectionHandlers
from investiture.budget.correction_operations import CorrectionOperations
from investiture.budget.desk import FundDesk
from investiture.budget.handlers import SERVICE, BudgetHandlers
from investiture.budget.holds import HoldSweeper
from investiture.budget.import_handlers import ImportHandlers
from investiture.budget.importing import ImportOperations
from investiture.budget.ledger_store import LedgerStore
from investiture.budget.operations import (
    EnvelopeOperations,
    FundingOperations,
    SpendOperations,
)
from investiture.budget.owner_handlers import OwnerHandlers
from investiture.budget.owners import OwnerOperations
from investiture.budget.statement_handlers import StatementHandlers
from investiture.budget.statement_store import StatementStore
from investiture.budget.store import FundingStore
from investiture.budget.tables import CASES
from investiture.budget.transfer_handlers import TransferHandlers
from investiture.budget.transfer_operations import TransferOperations
from investiture.budget.transfer_store import TransferStore
from investiture.budget.year_handlers import YearHandlers
from investiture.budget.year_operations import YearOperations
from investiture.budget.year_store import YearStore
from investiture.casework.foundation import lay
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Pinned
from investiture.chassis.clock import Clock, SystemClock
from investiture.chassis.joined import joined
from investiture.chassis.process import StartRefused, run
from investiture.chassis.server import Binding, Server
from investiture.chassis.settings import ServiceSettings
from investiture.chassis.ticker import Ticker

NAME = "budget"


async def compose(
    settings: ServiceSettings, closing: AsyncExitStack, clock: Clock | None = None
) -> Server:
    """Builds the service; what has to be closed is pushed onto `closing`."""
    base = await lay(NAME, settings, closing, clock or SystemClock())
    ledger, fundings = LedgerStore(), FundingStore()
    store = base.case_store(CASES)
    try:
        desks = Pinned(base.rules, lambda charter: FundDesk(charter, store, fundings, ledger))
    except ValueError as error:
        raise StartRefused(str(error)) from None
    cases = CaseOperations(store, base.rules, [desks])
    calendar = base.charter.fiscal_year
    directory = base.directory()
    handlers = BudgetHandlers(
        envelopes=EnvelopeOperations(ledger),
        fundings=FundingOperations(cases, desks, fundings, ledger),
        spend=SpendOperations(cases, desks, fundings, ledger),
        cases=cases,
        mutations=base.mutations,
        directory=directory,
        pager=base.pager,
    )
    transfers = TransferHandlers(
        TransferOperations(base.charter, TransferStore(), ledger, store.standings),
        base.mutations,
        directory,
        base.pager,
    )
    corrections = CorrectionHandlers(
        CorrectionOperations(calendar, cases, fundings, ledger), base.mutations, directory
    )
    years = YearHandlers(
        YearOperations(calendar, cases, fundings, ledger, YearStore()), base.mutations
    )
    owners = OwnerHandlers(OwnerOperations(cases, fundings, ledger), base.mutations, directory)
    statements = StatementHandlers(StatementStore(ledger), base.mutations, base.pager)
    imports = ImportHandlers(
        ImportOperations(AppropriationStore(ledger)), base.mutations, directory
    )
    every = joined(handlers, transfers, corrections, years, owners, statements, imports)
    base.attend(cases, closing)
    sweeper = HoldSweeper(base.mutations, fundings, ledger)
    ticker = Ticker("holds", timedelta(seconds=settings.expiry_seconds), sweeper.tick)
    ticker.start()
    closing.push_async_callback(ticker.stop)
    return base.server(cases, [Binding(SERVICE, every)])


if __name__ == "__main__":
    sys.exit(run(NAME, ServiceSettings, compose))
