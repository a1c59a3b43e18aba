"""Wires and runs the sponsorship service."""

import sys
from contextlib import AsyncExitStack
from datetime import timedelta

from investiture.casework.charter_store import CharterStore
from investiture.casework.foundation import lay
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Pinned
from investiture.charter.model import Charter
from investiture.chassis.clock import Clock, SystemClock
from investiture.chassis.process import run
from investiture.chassis.server import Binding, Server
from investiture.chassis.settings import ServiceSettings
from investiture.chassis.ticker import Ticker
from investiture.sponsorship.attestations import Attestations, pause
from investiture.sponsorship.dated import DatedChanges
from investiture.sponsorship.emergencies import SERVICE as EMERGENCY
from investiture.sponsorship.emergencies import EmergencyHandlers, ReviewSweep
from investiture.sponsorship.governance import SERVICE as GOVERNANCE
from investiture.sponsorship.governance import GovernanceHandlers
from investiture.sponsorship.handlers import SERVICE, SponsorshipHandlers
from investiture.sponsorship.operations.absences import AbsenceOperations
from investiture.sponsorship.operations.authority_tests import AuthorityTests
from investiture.sponsorship.operations.changes import ChangeOperations
from investiture.sponsorship.operations.delegations import DelegationOperations
from investiture.sponsorship.operations.desk import PledgeDesk
from investiture.sponsorship.operations.directory import DirectoryOperations
from investiture.sponsorship.operations.emergencies import EmergencyOperations, EmergencyReviews
from investiture.sponsorship.operations.liveness import LivenessOperations
from investiture.sponsorship.operations.pledges import PledgeOperations
from investiture.sponsorship.operations.registers import RegisterOperations
from investiture.sponsorship.operations.standing_decisions import StandingDecisions
from investiture.sponsorship.own_directory import OwnDirectory
from investiture.sponsorship.registers import SERVICE as REGISTERS
from investiture.sponsorship.registers import RegisterHandlers
from investiture.sponsorship.standing_decisions import SERVICE as STANDING
from investiture.sponsorship.standing_decisions import StandingDecisionHandlers
from investiture.sponsorship.store.absences import AbsenceStore
from investiture.sponsorship.store.changes import ChangeStore
from investiture.sponsorship.store.delegations import DelegationStore
from investiture.sponsorship.store.emergencies import EmergencyStore
from investiture.sponsorship.store.interests import InterestStore
from investiture.sponsorship.store.people import PeopleStore
from investiture.sponsorship.store.pledges import PledgeStore
from investiture.sponsorship.store.standing_decisions import StandingDecisionStore
from investiture.sponsorship.store.tables import CASES

NAME = "sponsorship"


async def compose(
    settings: ServiceSettings, closing: AsyncExitStack, clock: Clock | None = None
) -> Server:
    """Builds the service with its sweep; what has to be closed is pushed onto `closing`."""
    server, attestations, every = await build(settings, closing, clock)
    ticker = Ticker("attestations", every, attestations.sweep)
    ticker.start()
    closing.push_async_callback(ticker.stop)
    return server


async def build(
    settings: ServiceSettings, closing: AsyncExitStack, clock: Clock | None = None
) -> tuple[Server, Attestations, timedelta]:
    """The service, the sweep that nobody has started yet, and how often to start it."""
    base = await lay(NAME, settings, closing, clock or SystemClock())
    people, lent, store = PeopleStore(), DelegationStore(), PledgeStore()
    interests = InterestStore()
    directory = DirectoryOperations(base.charter, people, lent, interests)
    signed, emergencies = StandingDecisionStore(), EmergencyStore()
    reviews = EmergencyReviews(base.rules, emergencies, directory)

    def pledge_desk(charter: Charter) -> PledgeDesk:
        standing = StandingDecisions(charter, signed, directory)
        return PledgeDesk(charter, store, directory, standing, reviews)

    desks = Pinned(base.rules, pledge_desk)
    tests = AuthorityTests(base.rules, store, directory)
    cases = CaseOperations(base.case_store(CASES), base.rules, [desks])
    pledges = PledgeOperations(cases, store, directory, desks, tests)
    liveness = LivenessOperations(cases, store, directory, desks, tests, pledges, reviews)
    attestations = Attestations(base.mutations, liveness)
    changes = ChangeOperations(
        base.charters, directory, ChangeStore(), CharterStore(), liveness.followed
    )
    handlers = SponsorshipHandlers(
        base.charter,
        cases,
        pledges,
        liveness,
        directory,
        DelegationOperations(base.charter, people, lent),
        changes,
        base.mutations,
        base.pager,
        absences=AbsenceOperations(people, AbsenceStore()),
    )
    governing = GovernanceHandlers(changes, base.mutations, base.statements, base.pager)
    dated = DatedChanges(base.mutations, changes)
    ticker = Ticker("changes", DatedChanges.INTERVAL, dated.apply)
    ticker.start()
    closing.push_async_callback(ticker.stop)
    base.attend(cases, closing, own=True)
    registers = RegisterHandlers(
        base.charter,
        RegisterOperations(base.charter, people, lent, interests),
        base.mutations,
        base.pager,
    )
    standing = StandingDecisionHandlers(
        base.charter,
        StandingDecisions(base.charter, signed, directory),
        base.mutations,
        base.statements,
    )
    declaring = EmergencyOperations(cases, emergencies, reviews, directory)
    reviewing = Ticker(
        "emergencies",
        ReviewSweep.INTERVAL,
        ReviewSweep(base.mutations, declaring, reviews).sweep,
    )
    reviewing.start()
    closing.push_async_callback(reviewing.stop)
    own = OwnDirectory(directory, base.mutations)
    bindings = [
        Binding(SERVICE, handlers),
        Binding(REGISTERS, registers),
        Binding(GOVERNANCE, governing),
        Binding(STANDING, standing),
        Binding(EMERGENCY, EmergencyHandlers(declaring, base.mutations, base.pager)),
    ]
    server = base.server(cases, bindings, own, directory.principals)
    intervals = (one.sponsorship.reattestation.elapsed for one in base.charters.every)
    return server, attestations, pause(min(intervals))


if __name__ == "__main__":
    sys.exit(run(NAME, ServiceSettings, compose))
