"""Fiscal years over gRPC: proto in, operation, proto out."""

from investiture.api.budget.v1 import fiscal_years_pb2 as pb
from investiture.budget.year_operations import FiscalYear, YearOperations
from investiture.budget.years import Closing, EnvelopeClose, ProgramClose, Rule, year_name
from investiture.casework import wire
from investiture.casework.amounts import Amount
from investiture.casework.money import from_money, to_money
from investiture.casework.vocabulary import Vocabulary
from investiture.chassis.call import Call
from investiture.chassis.transaction import Mutations

RULES = Vocabulary(Rule, pb.YearEndRule.Value, "YEAR_END_RULE_", pb.YEAR_END_RULE_UNSPECIFIED)


class YearHandlers:
    """Fiscal years and their close."""

    def __init__(self, years: YearOperations, mutations: Mutations) -> None:
        self._years = years
        self._mutations = mutations

    async def GetFiscalYear(self, request: pb.GetFiscalYearRequest, call: Call) -> pb.FiscalYear:
        """Reads a fiscal year."""
        return await self._mutations.read(
            call, lambda tx: _message(self._years.read(tx, _year(request.name)))
        )

    async def CloseFiscalYear(
        self, request: pb.CloseFiscalYearRequest, call: Call
    ) -> pb.FiscalYear:
        """Closes a fiscal year."""
        closings = [
            _closing(one, f"envelopes[{index}]") for index, one in enumerate(request.envelopes)
        ]
        return await self._mutations.run(
            call,
            request,
            lambda tx: _message(self._years.close(tx, _year(request.name), request.etag, closings)),
        )


def _year(name: str) -> int:
    return int(name.rpartition("/")[2])


def _closing(value: pb.EnvelopeClosing, at: str) -> Closing:
    cap = from_money(value.cap, f"{at}.cap", positive=False) if value.HasField("cap") else None
    return Closing(value.envelope, RULES.of(value.rule), value.successor, cap)


def _message(value: FiscalYear) -> pb.FiscalYear:
    return pb.FiscalYear(
        name=year_name(value.year),
        first_day=value.first_day.isoformat(),
        last_day=value.last_day.isoformat(),
        closed=value.closed_at is not None,
        closed_at=wire.stamp(value.closed_at),
        closed_by=value.closed_by,
        envelopes=[_envelope(one) for one in value.envelopes],
        programs=[_program(one) for one in value.programs],
        etag=value.etag,
    )


def _envelope(value: EnvelopeClose) -> pb.EnvelopeClose:
    return pb.EnvelopeClose(
        envelope=value.envelope,
        rule=RULES.to(value.rule),
        successor=value.successor,
        lapsed=to_money(Amount(value.lapsed_minor, value.currency)),
        carried_available=to_money(Amount(value.carried_available_minor, value.currency)),
        carried_reserved=to_money(Amount(value.carried_reserved_minor, value.currency)),
        carried_committed=to_money(Amount(value.carried_committed_minor, value.currency)),
    )


def _program(value: ProgramClose) -> pb.ProgramClose:
    return pb.ProgramClose(
        program=value.program,
        envelope=value.envelope,
        carried=to_money(Amount(value.carried_minor, value.currency)),
        lapsed=to_money(Amount(value.lapsed_minor, value.currency)),
        funding_voided=value.funding_voided,
    )
