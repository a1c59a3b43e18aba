"""Corrections and late actuals over gRPC: proto in, operation, proto out."""

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.budget import messages
from investiture.budget.correction_operations import (
    Corrected,
    Correction,
    CorrectionOperations,
    LateActual,
)
from investiture.budget.operations import CommitmentReading
from investiture.budget.transfer_handlers import day
from investiture.casework.directory import Directory, resolve_caller
from investiture.casework.money import from_money
from investiture.casework.words import Purpose
from investiture.chassis.call import Call
from investiture.chassis.transaction import Mutations


class CorrectionHandlers:
    """What was booked wrongly, and what comes after its year."""

    def __init__(
        self, corrections: CorrectionOperations, mutations: Mutations, directory: Directory
    ) -> None:
        self._corrections = corrections
        self._mutations = mutations
        self._directory = directory

    async def CorrectActual(
        self, request: pb.CorrectActualRequest, call: Call
    ) -> pb.CorrectActualResponse:
        """Corrects an actual by new entries."""
        asked = Correction(
            commitment=request.name,
            etag=request.etag,
            entry=request.entry,
            amount=from_money(request.amount, "amount"),
            rebook_to=request.rebook_to,
            rebook_etag=request.rebook_etag,
            invoice=request.invoice,
            reason=request.reason,
        )
        authority = await resolve_caller(self._directory, call, Purpose.FUND)
        return await self._mutations.run(
            call, request, lambda tx: _response(self._corrections.correct(tx, asked, authority))
        )

    async def RollForwardActual(
        self, request: pb.RollForwardActualRequest, call: Call
    ) -> pb.Commitment:
        """Records a late actual of a closed year."""
        asked = LateActual(
            commitment=request.name,
            etag=request.etag,
            amount=from_money(request.amount, "amount"),
            spent_on=day(request.spent_on, "spent_on"),
            invoice=request.invoice,
            envelope=request.envelope,
        )
        authority = await resolve_caller(self._directory, call, Purpose.FUND)
        return await self._mutations.run(
            call,
            request,
            lambda tx: _commitment(self._corrections.roll_forward(tx, asked, authority)),
        )


def _commitment(reading: CommitmentReading) -> pb.Commitment:
    return messages.commitment(reading.commitment, reading.currency)


def _response(done: Corrected) -> pb.CorrectActualResponse:
    return pb.CorrectActualResponse(
        corrected=_commitment(done.corrected),
        rebooked=None if done.rebooked is None else _commitment(done.rebooked),
        entries=[messages.entry(one) for one in done.entries],
    )
