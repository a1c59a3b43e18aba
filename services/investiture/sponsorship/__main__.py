"""Wires and runs the sponsorship service."""

import sys
from contextlib import AsyncExitStack

from investiture.casework.foundation import lay
from investiture.casework.operations import CaseOperations
from investiture.chassis.clock import Clock, SystemClock
from investiture.chassis.process import run
from investiture.chassis.server import Binding, Server
from investiture.chassis.settings import ServiceSettings
from investiture.sponsorship.handlers import SERVICE, SponsorshipHandlers
from investiture.sponsorship.operations.delegations import DelegationOperations
from investiture.sponsorship.operations.desk import PledgeDesk
from investiture.sponsorship.operations.directory import DirectoryOperations
from investiture.sponsorship.operations.pledges import PledgeOperations
from investiture.sponsorship.own_directory import OwnDirectory
from investiture.sponsorship.store.delegations import DelegationStore
from investiture.sponsorship.store.people import PeopleStore
from investiture.sponsorship.store.pledges import PledgeStore
from investiture.sponsorship.store.tables import CASES

NAME = "sponsorship"


async def compose(
    settings: ServiceSettings, closing: AsyncExitStack, clock: Clock | None = None
) -> Server:
    """Builds the service; what has to be closed is pushed onto `closing`."""
    base = await lay(NAME, settings, closing, clock or SystemClock())
    people, lent, store = PeopleStore(), DelegationStore(), PledgeStore()
    directory = DirectoryOperations(base.charter, people, lent)
    desk = PledgeDesk(base.charter, store, directory)
    cases = CaseOperations(base.case_store(CASES), base.charter, [desk])
    handlers = SponsorshipHandlers(
        base.charter,
        cases,
        PledgeOperations(base.charter, cases, store, directory, desk),
        directory,
        DelegationOperations(base.charter, people, lent),
        base.mutations,
        base.pager,
    )
    own = OwnDirectory(directory, base.mutations)
    return base.server(cases, [Binding(SERVICE, handlers)], own)


if __name__ == "__main__":
    sys.exit(run(NAME, ServiceSettings, compose))
