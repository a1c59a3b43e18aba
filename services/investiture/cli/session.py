"""Who calls, and where the services are: a command's connection to them."""

import asyncio
import difflib
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import grpc
import typer
from google.protobuf.message import Message

from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.governance.v1 import governance_service_pb2 as governance_pb
from investiture.api.governance.v1.emergencies_pb2_grpc import EmergencyServiceStub
from investiture.api.governance.v1.governance_service_pb2_grpc import GovernanceServiceStub
from investiture.api.governance.v1.standing_decisions_pb2_grpc import StandingDecisionServiceStub
from investiture.api.itrisk.v1.acceptance_service_pb2_grpc import AcceptanceServiceStub
from investiture.api.itrisk.v1.appeal_service_pb2_grpc import AppealServiceStub
from investiture.api.itrisk.v1.calibration_service_pb2_grpc import CalibrationServiceStub
from investiture.api.itrisk.v1.duty_service_pb2_grpc import DutyServiceStub
from investiture.api.itrisk.v1.itrisk_service_pb2_grpc import ItRiskServiceStub
from investiture.api.itrisk.v1.risk_service_pb2_grpc import RiskServiceStub
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.api.sponsorship.v1.register_service_pb2_grpc import RegisterServiceStub
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.chassis.authentication import LocalIssuer
from investiture.chassis.client import MintedToken, TokenFile, TokenSource, dial
from investiture.chassis.settings import IdentitySettings, Settings, load
from investiture.cli import output, problems
from investiture.cli.problems import Complaint
from investiture.cli.root import Shared
from investiture.stack import record
from investiture.stack.names import SERVICES

OWNERS: Mapping[int, str] = {
    gate_pb2.GATE_PLEDGE: "sponsorship",
    gate_pb2.GATE_FUND: "budget",
    gate_pb2.GATE_KNIGHT: "itrisk",
    gate_pb2.GATE_PILOT: "launch",
    gate_pb2.GATE_LAUNCH: "launch",
    gate_pb2.GATE_PROVE: "launch",
}
"""The service that owns each gate."""

TOKEN = "INVESTITURE_TOKEN"  # noqa: S105 - the name of a variable
TRACEBACK = "INVESTITURE_TRACEBACK"
_MOST_PEOPLE = 500

M = TypeVar("M", bound=Message)


class _GivenToken:
    def __init__(self, token: str) -> None:
        self._token = token

    def token(self) -> str:
        return self._token


class Session:
    """A command's channels, dialled when they are first needed, as one caller."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.settings = load(Settings)
        self.record = record.running(shared.data)
        self._channels: list[grpc.aio.Channel] = []
        self._tokens: TokenSource | None = None

    async def close(self) -> None:
        """Close the channels."""
        await asyncio.gather(*(channel.close() for channel in self._channels))

    async def sponsorship(self) -> SponsorshipServiceStub:
        """Return sponsorship's API."""
        return SponsorshipServiceStub(await self._channel("sponsorship"))

    async def governance(self) -> GovernanceServiceStub:
        """Return the API of changes that two people sign; sponsorship serves it."""
        return GovernanceServiceStub(await self._channel("sponsorship"))

    async def standing(self) -> StandingDecisionServiceStub:
        """Return the API of standing decisions; sponsorship serves it."""
        return StandingDecisionServiceStub(await self._channel("sponsorship"))

    async def emergencies(self) -> EmergencyServiceStub:
        """Return the API of emergencies; sponsorship serves it."""
        return EmergencyServiceStub(await self._channel("sponsorship"))

    async def registers(self) -> RegisterServiceStub:
        """Return sponsorship's registers."""
        return RegisterServiceStub(await self._channel("sponsorship"))

    async def budget(self) -> BudgetServiceStub:
        """Return budget's API."""
        return BudgetServiceStub(await self._channel("budget"))

    async def itrisk(self) -> ItRiskServiceStub:
        """Return IT risk's API."""
        return ItRiskServiceStub(await self._channel("itrisk"))

    async def risk(self) -> RiskServiceStub:
        """Return IT risk's numbers."""
        return RiskServiceStub(await self._channel("itrisk"))

    async def acceptances(self) -> AcceptanceServiceStub:
        """Return who accepts risk; IT risk serves it."""
        return AcceptanceServiceStub(await self._channel("itrisk"))

    async def appeals(self) -> AppealServiceStub:
        """Return appeals against declines; IT risk serves them."""
        return AppealServiceStub(await self._channel("itrisk"))

    async def duties(self) -> DutyServiceStub:
        """Return the duties beside the numbers; IT risk serves them."""
        return DutyServiceStub(await self._channel("itrisk"))

    async def calibration(self) -> CalibrationServiceStub:
        """Return how well reviewers foresee; IT risk serves it."""
        return CalibrationServiceStub(await self._channel("itrisk"))

    async def launch(self) -> LaunchServiceStub:
        """Return launch's API."""
        return LaunchServiceStub(await self._channel("launch"))

    async def cases(self, service: str) -> CaseServiceStub:
        """Return what every gate's case does alike, of the service that owns the gate."""
        return CaseServiceStub(await self._channel(service))

    def address(self, service: str) -> str:
        """Return where a service, or ``temporal``, is.

        Raises:
            Complaint: neither an option, nor a variable, nor a running stack says it.
        """
        given = self.shared.addresses.get(service) or self.settings.peers.get(service)
        if given:
            return given
        if self.record is not None:
            return self.record.addresses[service]
        raise Complaint(
            f"no stack is running in {self.shared.data}, and nothing says where {service} is",
            problems.UNAVAILABLE,
            f"start one with `investiture up`, or give --{service} HOST:PORT",
        )

    @property
    def person(self) -> str:
        """Who calls, as far as the command knows; empty with a token of one's own."""
        name = self.shared.person
        return f"people/{name}" if name and "/" not in name else name

    def show(self, message: M, render: Callable[[M], object]) -> None:
        """Print an answer: as JSON where that is asked for, else as ``render`` has it."""
        if self.shared.json:
            output.print_json(message)
        else:
            output.console.print(render(message))

    def note(self, content: object) -> None:
        """Print what a person should see on the way; scripts are spared it."""
        if not self.shared.json:
            output.console.print(content)

    async def roles(self, person: str) -> tuple[str, ...]:
        """Return the roles of somebody in the embedded stack: as given, else by the charter.

        Raises:
            Complaint: the directory does not know the person.
        """
        if self.shared.roles:
            return self.shared.roles
        if not person.startswith("people/"):
            return ()
        if self.record is None:
            return ()
        channel = self._dial("sponsorship", self._minted(person, ()))
        stub = SponsorshipServiceStub(channel)
        try:
            found = await stub.GetPerson(sponsorship_pb.GetPersonRequest(name=person))
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise
            raise await _stranger(stub, person) from None
        from investiture.charter.load import load_text
        from investiture.stack.roles import roles_of

        in_force = await self.charter_in_force()
        charter = load_text(in_force.document, "the charter in force")
        unit = found.unit.removeprefix("units/")
        return roles_of(person, unit, guest=bool(found.guest_of), charter=charter)

    async def charter_in_force(self) -> governance_pb.Charter:
        """Return the charter in force; of the embedded stack nobody has to say who asks."""
        if self.record is None:
            channel = await self._channel("sponsorship")
        else:
            channel = self._dial("sponsorship", self._minted("workloads/command", ()))
        return await GovernanceServiceStub(channel).GetCharter(governance_pb.GetCharterRequest())

    def mint(self, person: str, roles: Sequence[str]) -> str:
        """Return a token of the embedded stack's issuer.

        Raises:
            Complaint: there is no embedded stack here.
        """
        return self._minted(person, roles).token()

    async def _channel(self, service: str) -> grpc.aio.Channel:
        if self._tokens is None:
            self._tokens = await self._caller()
        return self._dial(service, self._tokens)

    def _dial(self, service: str, tokens: TokenSource) -> grpc.aio.Channel:
        address = self.address(service)
        channel = dial(address, tokens=tokens, tls_settings=self.settings)
        self._channels.append(channel)
        return channel

    async def _caller(self) -> TokenSource:
        path = self.shared.token_file or self.settings.token_file
        if path is not None:
            return _token_file(path)
        if os.environ.get(TOKEN):
            return _GivenToken(os.environ[TOKEN])
        if self.record is None:
            self.address(SERVICES[0])  # nothing to call either: say that first
        if not self.person:
            raise Complaint(
                "nobody is calling: every answer and every decision has a name",
                problems.PERMISSION,
                "say who you are with --as PERSON (embedded stack), or give a token: "
                f"--token-file FILE or the variable {TOKEN}",
            )
        return self._minted(self.person, await self.roles(self.person))

    def _minted(self, person: str, roles: Sequence[str]) -> MintedToken:
        if self.record is None:
            raise Complaint(
                f"no stack is running in {self.shared.data}, so nobody here may mint a token",
                problems.PERMISSION,
                f"give a token of your identity provider: --token-file FILE or {TOKEN}",
            )
        issuer = LocalIssuer(Path(self.record.issuer_key), IdentitySettings())
        return MintedToken(issuer, person, roles)


def run(ctx: typer.Context, act: Callable[[Session], Awaitable[None]]) -> None:
    """Run a command with its connection; whatever goes wrong becomes words and an exit code."""
    shared: Shared = ctx.obj

    async def connected() -> None:
        session = Session(shared)
        try:
            await act(session)
        finally:
            await session.close()

    guard(shared, lambda: asyncio.run(connected()))


def guard(shared: Shared, act: Callable[[], None]) -> None:
    """Run something; whatever goes wrong becomes words and an exit code, never a stack trace."""
    try:
        act()
    except KeyboardInterrupt:
        raise typer.Exit(problems.INTERRUPTED) from None
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:  # noqa: BLE001 - the outermost edge: whatever it was, words
        raise typer.Exit(_tell(error, shared)) from None


def _tell(error: Exception, shared: Shared) -> int:
    try:
        return problems.tell(error, as_json=shared.json)
    except Exception as unknown:
        if os.environ.get(TRACEBACK):
            raise
        sys.stderr.write(
            f"{type(unknown).__name__}: {unknown}\n"
            f"  → a fault of the command; with {TRACEBACK}=1 it says where\n"
        )
        return problems.INTERNAL


def _token_file(path: Path) -> TokenFile:
    if not path.is_file():
        raise Complaint(f"{path} is no file", problems.CONFIG, "give a file with a bearer token")
    return TokenFile(path)


async def _stranger(stub: SponsorshipServiceStub, person: str) -> Complaint:
    """Return what to say of somebody the directory does not know, with whom was meant."""
    request = sponsorship_pb.ListPeopleRequest(page_size=_MOST_PEOPLE)
    names = [known.name for known in (await stub.ListPeople(request)).people]
    near = difflib.get_close_matches(person, names, 1)
    remedy = f"did you mean {near[0]}?" if near else "`investiture directory list` shows who is"
    return Complaint(f"{person} is not in the directory", problems.NOT_FOUND, remedy)
