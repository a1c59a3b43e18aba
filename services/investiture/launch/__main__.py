"""Wires and runs the launch service."""

import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta

from investiture.api.governance.v1.standing_decisions_pb2_grpc import StandingDecisionServiceStub
from investiture.casework.desk import Desk
from investiture.casework.foundation import lay
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Pinned
from investiture.casework.statements import FRESH
from investiture.casework.store import CaseStore
from investiture.chassis.clock import Clock, SystemClock
from investiture.chassis.process import run
from investiture.chassis.server import Binding, Server
from investiture.chassis.settings import ServiceSettings
from investiture.chassis.ticker import Ticker
from investiture.launch.doorbell import ring_case
from investiture.launch.handlers import SERVICE, LaunchHandlers, Rooms
from investiture.launch.heartbeats import Heartbeats, pause
from investiture.launch.incidents import IncidentTeller, StandingIncidents
from investiture.launch.operations.conduct import ConductOperations
from investiture.launch.operations.desks import LaunchDesk, PilotDesk, ProveDesk
from investiture.launch.operations.endings import Endings
from investiture.launch.operations.path import PathOperations
from investiture.launch.operations.programs import ProgramOperations
from investiture.launch.operations.projection import Projection
from investiture.launch.operations.stages import StageOperations
from investiture.launch.store import CASES, PathStore, ProgramStore, StageStore
from investiture.launch.watching import Watchers

NAME = "launch"
TELLING = timedelta(seconds=2)
"""How often sponsorship is told of incidents that it has not answered for."""


async def compose(
    settings: ServiceSettings, closing: AsyncExitStack, clock: Clock | None = None
) -> Server:
    """Builds the service; what has to be closed is pushed onto `closing`."""
    base = await lay(NAME, settings, closing, clock or SystemClock())
    heartbeat = base.charter.launch.heartbeat.elapsed
    watchers = Watchers()
    programs, path, kept = ProgramStore(heartbeat, watchers.announce), PathStore(), StageStore()
    projection = Projection(programs, path)
    store = CaseStore(CASES, ring_case, projection.witness)

    def pinned(desk: Callable[..., Desk]) -> Pinned[Desk]:
        return Pinned(base.rules, lambda charter: desk(charter, programs, path, kept, store))

    stages: tuple[Callable[..., Desk], ...] = (PilotDesk, LaunchDesk, ProveDesk)
    cases = CaseOperations(store, base.rules, [pinned(one) for one in stages])
    endings = Endings(programs, cases)
    incidents = StandingIncidents()
    rooms = Rooms(
        programs=ProgramOperations(programs, path, endings, base.rules, incidents),
        path=PathOperations(programs, path, projection, endings, cases, incidents, base.rules),
        stages=StageOperations(programs, path, kept, cases, endings, base.charter, FRESH),
        conduct=ConductOperations(programs, path, cases, endings, incidents),
        mutations=base.mutations,
        statements=base.statements,
        directory=base.directory(),
        pager=base.pager,
        watchers=watchers,
    )
    heartbeats = Heartbeats(base.mutations, programs)
    ticker = Ticker("heartbeat", pause(heartbeat), heartbeats.beat)
    ticker.start()
    closing.push_async_callback(ticker.stop)
    stub = StandingDecisionServiceStub(base.channels.to(settings.peer("sponsorship")))
    teller = IncidentTeller(base.mutations, incidents, base.statements, stub)
    telling = Ticker("incidents", TELLING, teller.tell)
    telling.start()
    closing.push_async_callback(telling.stop)
    base.attend(cases, closing)
    return base.server(cases, [Binding(SERVICE, LaunchHandlers(rooms))])


if __name__ == "__main__":
    sys.exit(run(NAME, ServiceSettings, compose))
