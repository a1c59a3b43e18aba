"""The bare path's activities: calls to the bare service, and nothing else."""

import asyncio
from collections.abc import Sequence

import grpc
from temporalio import activity
from tests.bench.bare import contract
from tests.bench.bare.client import method

from investiture.api.common.v1 import gate_pb2
from investiture.api.workflows.v1.path_pb2 import (
    GateInput,
    GateReading,
    PathInput,
    ProgramReading,
)

_STATED = (gate_pb2.GATE_PLEDGE, gate_pb2.GATE_FUND, gate_pb2.GATE_KNIGHT)
"""Gates of other services than launch: their warrants are fetched, their standing is recorded."""


class Activities:
    """Each with the calls of its counterpart, reads and writes alike, or with one call only.

    Args:
        channel: to the bare service.
        one_call: whether an activity is a single call, however many its counterpart makes.
    """

    def __init__(self, channel: grpc.aio.Channel, *, one_call: bool) -> None:
        self._write = method(channel, contract.WRITE)
        self._read = method(channel, contract.READ)
        self._one_call = one_call
        self._known: set[str] = set()

    @activity.defn
    async def read_program(self, asked: PathInput) -> ProgramReading:
        """Read the program; its revision too, the first time."""
        request = GateInput(case_name=asked.program)
        await self._read(request)
        if asked.program not in self._known and not self._one_call:
            self._known.add(asked.program)
            await self._read(request)
        return ProgramReading(program=asked.program)

    @activity.defn
    async def open_gate(self, asked: GateInput) -> GateReading:
        """Read the statement, the case and the warrants before it; write the case, record it."""
        if not self._one_call:
            await self._read(asked)
            before = [gate for gate in _STATED if gate < asked.gate]
            await self._all(asked, 1 + len(before))
        opening = GateInput()
        opening.CopyFrom(asked)
        opening.step = contract.RINGS
        reading = await self._write(opening)
        await self._record(asked)
        return reading

    @activity.defn
    async def read_gate(self, asked: GateInput) -> GateReading:
        """Read the case, record it."""
        reading = await self._read(asked)
        await self._record(asked)
        return reading

    @activity.defn
    async def execute_launch(self, asked: GateInput) -> GateReading:
        """Read three warrants, launch."""
        if not self._one_call:
            await self._all(asked, len(_STATED))
        launch = GateInput(
            program=asked.program,
            gate=gate_pb2.GATE_PROVE,
            case_name=contract.case_name(asked.program, gate_pb2.GATE_PROVE),
            version=1,
            step=contract.STARTS_PROOF,
        )
        return await self._write(launch)

    async def _record(self, asked: GateInput) -> None:
        if asked.gate in _STATED and not self._one_call:
            name = f"record/{asked.case_name}"
            await self._write(GateInput(case_name=name, version=asked.version))

    async def _all(self, asked: GateInput, reads: int) -> Sequence[GateReading]:
        return await asyncio.gather(*(self._read(asked) for _ in range(reads)))
