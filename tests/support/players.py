"""The people of the example directory as callers of the public API, who insist.

A call that nobody answered is repeated under the same request id, as every client of ours may.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from tests.support.halden import charter, directory
from tests.support.traps import PATIENCE_SECONDS

from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.itrisk.v1.itrisk_service_pb2_grpc import ItRiskServiceStub
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.stack.roles import roles_of

NOBODY_ANSWERED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

M = TypeVar("M", bound=Message)
Dial = Callable[[str, str, Sequence[str]], grpc.aio.Channel]
"""Gives a channel to a service, as a subject with roles."""


async def insist(ask: Callable[[], Awaitable[M]]) -> M:
    """What a service answers, however often it has to be asked until it is there."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await ask()
            except grpc.aio.AioRpcError as error:
                if error.code() not in NOBODY_ANSWERED:
                    raise


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was asked and answered; asked again, it has to be answered the same."""

    ask: Callable[[Any], Awaitable[Message]]
    request: Message
    answer: Message

    async def again(self) -> Message:
        """What the very same request is answered now."""
        return await insist(lambda: self.ask(self.request))


class Cast:
    """Everybody of the example directory, with the roles that the stack would give them."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial

    def channel(self, service: str, person: str) -> grpc.aio.Channel:
        """A channel of one person to one service."""
        known = directory()[person]
        unit = known.unit.removeprefix("units/")
        roles = roles_of(person, unit, guest=known.guest, charter=charter())
        return self._dial(service, person, roles)

    def launch(self, person: str) -> LaunchServiceStub:
        return LaunchServiceStub(self.channel("launch", person))

    def sponsorship(self, person: str) -> SponsorshipServiceStub:
        return SponsorshipServiceStub(self.channel("sponsorship", person))

    def budget(self, person: str) -> BudgetServiceStub:
        return BudgetServiceStub(self.channel("budget", person))

    def itrisk(self, person: str) -> ItRiskServiceStub:
        return ItRiskServiceStub(self.channel("itrisk", person))

    def worker(self) -> LaunchServiceStub:
        """The launch service as the worker calls it."""
        return LaunchServiceStub(self._dial("launch", "workloads/worker", ("worker",)))

    def cases(self, service: str) -> CaseServiceStub:
        """The cases of a service as the worker calls them."""
        return CaseServiceStub(self._dial(service, "workloads/worker", ("worker",)))
