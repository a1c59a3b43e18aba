"""Both sides of the path bench: each submits a program, sees its gates open and decides them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from typing import Protocol

import grpc
from tests.bench.bare import contract
from tests.bench.bare.client import method
from tests.bench.company import Company
from tests.bench.tap import Listener

from investiture.api.common.v1 import gate_pb2
from investiture.api.workflows.v1.path_pb2 import GateInput

Act = Callable[[], Awaitable[None]]
"""One decision; it returns when it is acknowledged."""

OPEN, EXECUTE = "open_gate", "execute_launch"


@dataclass(frozen=True, slots=True)
class OpenGate:
    """A gate whose case is open, as whoever decides it reads it first."""

    opened_at: float
    """Seconds since the epoch, as the record says."""
    acts: Sequence[Act]


class Side(Protocol):
    """What the driver needs of a side."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def pids(self) -> Sequence[int]:
        """Its processes, Temporal's included."""
        ...

    async def submit(self, number: int) -> str:
        """Submit a program; return its name once that is acknowledged."""
        ...

    async def opened(self, program: str, gate: gate_pb2.Gate.ValueType) -> OpenGate:
        """Return once a gate's case is open."""
        ...

    async def launched(self, program: str) -> None:
        """Return once the program is launched."""
        ...


class Ours:
    """The services, the worker and their people."""

    name = "ours"

    def __init__(self, company: Company, listener: Listener, pids: Sequence[int]) -> None:
        self._company = company
        self._listener = listener
        self.pids = pids

    async def submit(self, number: int) -> str:
        """Create and submit a program."""
        return await self._company.submit(f"walked-{number}")

    async def opened(self, program: str, gate: gate_pb2.Gate.ValueType) -> OpenGate:
        """Wait for the activity that opens the gate, and read the case."""
        await self._listener.ended((OPEN, program, gate))
        holder = [await self._company.read(program, gate)]
        decisions = self._company.decisions(gate)

        async def act(number: int) -> None:
            # Each decision is about what the one before left: it needs that etag.
            holder[0] = await decisions[number](holder[0])

        return OpenGate(
            opened_at=holder[0].opened_at.ToNanoseconds() / 1e9,
            acts=[partial(act, number) for number in range(len(decisions))],
        )

    async def launched(self, program: str) -> None:
        """Wait for the activity that launches."""
        await self._listener.ended((EXECUTE, program, gate_pb2.GATE_LAUNCH))


class Bare:
    """The bare service and the bare worker."""

    name = "bare"

    def __init__(self, channel: grpc.aio.Channel, listener: Listener, pids: Sequence[int]) -> None:
        self._write = method(channel, contract.WRITE)
        self._read = method(channel, contract.READ)
        self._listener = listener
        self.pids = pids

    async def submit(self, number: int) -> str:
        """Commit a row and start the path."""
        program = f"bare-{number}"
        await self._write(
            GateInput(program=program, case_name=program, version=1, step=contract.STARTS_PATH)
        )
        return program

    async def opened(self, program: str, gate: gate_pb2.Gate.ValueType) -> OpenGate:
        """Wait for the activity that opens the gate, and read the row."""
        await self._listener.ended((OPEN, program, gate))
        case = contract.case_name(program, gate)
        reading = await self._read(GateInput(case_name=case))

        async def act(version: int) -> None:
            await self._write(
                GateInput(
                    program=program,
                    gate=gate,
                    case_name=case,
                    version=version,
                    step=contract.RINGS,
                )
            )

        versions = range(2, 2 + contract.DECISIONS[gate])
        return OpenGate(
            opened_at=reading.waiting_since.ToDatetime(tzinfo=UTC).timestamp(),
            acts=[partial(act, version) for version in versions],
        )

    async def launched(self, program: str) -> None:
        """Wait for the activity that launches."""
        await self._listener.ended((EXECUTE, program, gate_pb2.GATE_LAUNCH))
