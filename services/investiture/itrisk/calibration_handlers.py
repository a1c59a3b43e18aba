"""CalibrationService: what happened, and how well it was foreseen."""

from investiture.api.itrisk.v1 import calibration_service_pb2 as pb
from investiture.casework import wire
from investiture.casework.amounts import Amount
from investiture.casework.money import from_money, to_money
from investiture.chassis.call import Call
from investiture.chassis.refusal import Denied, InvalidArgument, PreconditionFailed
from investiture.chassis.transaction import Mutations, Transaction
from investiture.itrisk.calibration import ForecastStore, Score, score, score_of_all

SERVICE = "investiture.api.itrisk.v1.CalibrationService"


class CalibrationOperations:
    """Settles forecasts, and scores them."""

    def __init__(self, store: ForecastStore) -> None:
        self._store = store

    def record(self, tx: Transaction, program: str, loss: Amount, url: str, sha256: str) -> int:
        """Settles every open forecast about a program by what it lost; how many these were."""
        known = self._store.open(tx, program)
        if not known:
            raise PreconditionFailed(
                "WRONG_STATE", f"no probability about {program} waits for its outcome"
            )
        caller = tx.call.principal.subject
        if any(one.person == caller for one in known):
            raise Denied(
                "NOT_A_HOLDER", f"{caller} stated a probability; somebody else records the outcome"
            )
        if loss.currency != known[0].currency:
            raise InvalidArgument.of(
                "loss", f"give it in {known[0].currency}", reason="INVALID_AMOUNT"
            )
        for one in known:
            self._store.settle(tx, one, happened=loss.minor > one.loss_minor)
        payload = {
            "loss_minor": str(loss.minor),
            "currency": loss.currency,
            "url": url,
            "sha256": sha256,
            "settled": len(known),
        }
        tx.record("risk.outcome_recorded", program, 1, payload, program=program)
        return len(known)

    def scores(self, tx: Transaction) -> tuple[Score, Score | None]:
        """The caller's own score, and that of all together."""
        settled, caller = self._store.settled(tx), tx.call.principal.subject
        own = [one for one in settled if one.person == caller]
        return score(own), score_of_all(settled)


class CalibrationHandlers:
    """Calibration over gRPC."""

    def __init__(self, operations: CalibrationOperations, mutations: Mutations) -> None:
        self._operations = operations
        self._mutations = mutations

    async def RecordOutcome(self, request: pb.RecordOutcomeRequest, call: Call) -> pb.Outcome:
        """Records what a program lost."""
        loss = from_money(request.loss, "loss", positive=False)
        shown = request.evidence
        return await self._mutations.run(
            call,
            request,
            lambda tx: pb.Outcome(
                program=request.program,
                loss=to_money(loss),
                settled=self._operations.record(tx, request.program, loss, shown.url, shown.sha256),
                recorded_at=wire.stamp(tx.now),
            ),
        )

    async def GetCalibration(self, request: pb.GetCalibrationRequest, call: Call) -> pb.Calibration:
        """The caller's own, and that of all."""
        own, every = await self._mutations.read(call, self._operations.scores)
        return pb.Calibration(own=_score_to(own), all=_score_to(every) if every else None)


def _score_to(found: Score) -> pb.Score:
    return pb.Score(
        settled=found.settled, brier=found.brier, stated=found.stated, happened=found.happened
    )
