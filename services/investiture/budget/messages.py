"""The money side's values as messages of the API."""

from collections.abc import Sequence

from google.type.money_pb2 import Money

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.common.v1.gate_pb2 import GateCase
from investiture.budget import domain
from investiture.budget.domain import Envelope
from investiture.budget.holdings import Commitment, Hold, Reservation, Tranche
from investiture.budget.ledger import Account, Balances, Entry
from investiture.budget.operations import FundingReading
from investiture.budget.running import Holding
from investiture.budget.statement_store import Held, Line, Reading
from investiture.casework import wire
from investiture.casework.amounts import Amount
from investiture.casework.money import to_money
from investiture.casework.vocabulary import Vocabulary

ACCOUNTS = Vocabulary(Account, pb.Account.Value, "ACCOUNT_", pb.ACCOUNT_UNSPECIFIED)
HOLDS = Vocabulary(Hold, pb.Hold.Value, "HOLD_", pb.HOLD_UNSPECIFIED)
TRANCHES = Vocabulary(Tranche, pb.Tranche.Value, "TRANCHE_", pb.TRANCHE_UNSPECIFIED)


def envelope(value: Envelope) -> pb.Envelope:
    """The API's form of an envelope."""
    return pb.Envelope(
        name=value.name,
        display_name=value.display_name,
        fiscal_year=value.fiscal_year,
        cost_centre=value.cost_centre,
        purpose=value.purpose,
        owner=value.owner,
        currency_code=value.currency,
        balances=balances_to(value.balances, value.currency),
        version=value.version,
        etag=value.etag,
        closed=value.closed,
        successor=value.successor,
    )


def balances_to(balances: Balances, currency: str) -> pb.Balances:
    """The API's form of an envelope's balances."""
    return pb.Balances(
        **{
            name: to_money(Amount(getattr(balances, name), currency))
            for name in ("appropriated", "available", "reserved", "committed", "actual", "lapsed")
        }
    )


def holding_to(holding: Holding, currency: str) -> pb.Balances:
    """The API's form of what a program has in an envelope."""
    return pb.Balances(
        **{
            name: to_money(Amount(getattr(holding, name), currency))
            for name in ("reserved", "committed", "actual")
        }
    )


def funding(reading: FundingReading, gate_case: GateCase) -> pb.Funding:
    """The API's form of a funding; `gate_case` is its case's."""
    case, kept = reading.case, reading.funding
    currency = case.facts.currency
    out = domain.conflicted(case, kept)
    given = domain.approved_by_level(case, kept.levels)
    return pb.Funding(
        gate_case=gate_case,
        amount=to_money(Amount(case.facts.amount_minor, currency)),
        ceiling=(
            to_money(Amount(kept.ceiling_minor, currency))
            if kept.ceiling_minor is not None
            else None
        ),
        category=kept.category,
        levels=[
            pb.ApprovalLevel(
                level=level.level,
                role=level.role,
                needed=level.needed,
                eligible=[person for person in level.eligible if person not in out],
                approved_by=people,
            )
            for level, people in zip(kept.levels, given, strict=True)
        ],
        reservation=(
            reservation(reading.reservation, reading.commitments)
            if reading.reservation is not None
            else None
        ),
        approved_in=kept.opened.approved_in,
        tier_from=_optional(kept.opened.tier_from_minor, currency),
        tier_to=_optional(kept.opened.tier_to_minor, currency),
        counted_together=_counted_together(reading),
    )


def _counted_together(reading: FundingReading) -> pb.CountedTogether | None:
    opened, facts = reading.funding.opened, reading.case.facts
    if not opened.others:
        return None
    total = facts.amount_minor + sum(other.amount_minor for other in opened.others)
    return pb.CountedTogether(
        total=to_money(Amount(total, facts.currency)),
        cost_centre=opened.cost_centre,
        others=[
            pb.CountedRequest(
                program=other.program,
                amount=to_money(Amount(other.amount_minor, facts.currency)),
                asked_at=wire.stamp(other.asked_at),
            )
            for other in opened.others
        ],
    )


def _optional(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else to_money(Amount(minor, currency))


def reservation(value: Reservation, commitments: tuple[Commitment, ...]) -> pb.Reservation:
    """The API's form of a reservation with its commitments."""

    def money(minor: int) -> Money:
        return to_money(Amount(minor, value.currency))

    return pb.Reservation(
        name=value.name,
        envelope=value.envelope,
        reserved=money(value.reserved_minor),
        remaining=money(value.remaining_minor),
        committed=money(value.committed_minor),
        actual=money(value.actual_minor),
        released=money(value.released_minor),
        commitments=[commitment(one, value.currency) for one in commitments],
        state=HOLDS.to(value.state),
        expires_at=wire.stamp(value.expires_at),
    )


def commitment(value: Commitment, currency: str) -> pb.Commitment:
    """The API's form of a commitment."""
    return pb.Commitment(
        name=value.name,
        vendor=value.vendor,
        to_it=not value.vendor,
        tranche=TRANCHES.to(value.tranche),
        amount=to_money(Amount(value.amount_minor, currency)),
        actual=to_money(Amount(value.actual_minor, currency)),
        closed=value.closed,
        version=value.version,
        etag=value.etag,
        lapsed=to_money(Amount(value.lapsed_minor, currency)),
        rolls_forward=value.rolls_forward,
        spent_on=value.spent_on,
    )


def entry(value: Entry) -> pb.LedgerEntry:
    """The API's form of an entry of the ledger."""
    posting = value.posting
    return pb.LedgerEntry(
        sequence=value.sequence,
        posted_at=wire.stamp(value.posted_at),
        envelope=posting.envelope,
        program=posting.program,
        debit=ACCOUNTS.to(posting.debit),
        credit=ACCOUNTS.to(posting.credit),
        amount=to_money(Amount(posting.amount_minor, value.currency)),
        kind=posting.kind.value,
        actor=value.actor,
        reference=posting.reference,
        commitment=posting.commitment,
        corrects=posting.corrects or 0,
    )


def statement(reading: Reading, lines: Sequence[Line], next_page_token: str) -> pb.Statement:
    """The API's form of a statement with a page of its lines."""
    of_program = reading.name.startswith("programs/")

    def line(value: Line) -> pb.StatementLine:
        left, currency = value.left, value.entry.currency
        return pb.StatementLine(
            entry=entry(value.entry),
            balances=(
                holding_to(left.program, currency)
                if of_program
                else balances_to(left.envelope, currency)
            ),
        )

    return pb.Statement(
        name=reading.name,
        at=wire.stamp(reading.at),
        opening=[_held(one) for one in reading.opening],
        lines=[line(one) for one in lines],
        closing=[_held(one) for one in reading.closing],
        next_page_token=next_page_token,
    )


def _held(value: Held) -> pb.StatementBalance:
    held = value.held
    return pb.StatementBalance(
        envelope=value.envelope,
        balances=(
            balances_to(held, value.currency)
            if isinstance(held, Balances)
            else holding_to(held, value.currency)
        ),
    )
