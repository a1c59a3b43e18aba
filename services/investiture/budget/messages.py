"""The money side's values as messages of the API."""

from google.type.money_pb2 import Money

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.common.v1.gate_pb2 import GateCase
from investiture.budget import domain
from investiture.budget.domain import Envelope
from investiture.budget.holdings import Commitment, Hold, Reservation, Tranche
from investiture.budget.ledger import Account, Entry
from investiture.budget.operations import FundingReading
from investiture.casework import wire
from investiture.casework.amounts import Amount
from investiture.casework.money import to_money
from investiture.casework.vocabulary import Vocabulary

ACCOUNTS = Vocabulary(Account, pb.Account.Value, "ACCOUNT_", pb.ACCOUNT_UNSPECIFIED)
HOLDS = Vocabulary(Hold, pb.Hold.Value, "HOLD_", pb.HOLD_UNSPECIFIED)
TRANCHES = Vocabulary(Tranche, pb.Tranche.Value, "TRANCHE_", pb.TRANCHE_UNSPECIFIED)


def envelope(value: Envelope) -> pb.Envelope:
    """The API's form of an envelope."""
    balances = value.balances

    def money(minor: int) -> Money:
        return to_money(Amount(minor, value.currency))

    return pb.Envelope(
        name=value.name,
        display_name=value.display_name,
        fiscal_year=value.fiscal_year,
        cost_centre=value.cost_centre,
        purpose=value.purpose,
        owner=value.owner,
        currency_code=value.currency,
        balances=pb.Balances(
            appropriated=money(balances.appropriated),
            available=money(balances.available),
            reserved=money(balances.reserved),
            committed=money(balances.committed),
            actual=money(balances.actual),
            lapsed=money(balances.lapsed),
        ),
        version=value.version,
        etag=value.etag,
        closed=value.closed,
        successor=value.successor,
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
    )


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
