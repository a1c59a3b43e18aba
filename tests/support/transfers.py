"""Transfers as tests ask for them, over a real socket."""

from typing import Any

from tests.support.budget import ENVELOPE, MoneySide, eur
from tests.support.services import new_request_id

from investiture.api.budget.v1 import transfers_pb2 as pb

OTHER = "envelopes/events-2027"


def proposal(units: int = 400, **changes: Any) -> pb.ProposeTransferRequest:
    """From the first envelope, which fay owns, to the other one."""
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "giver": ENVELOPE,
        "taker": OTHER,
        "amount": eur(units),
        "reason": "the event grew",
    }
    return pb.ProposeTransferRequest(**{**values, **changes})


def exchange(**changes: Any) -> pb.Exchange:
    values: dict[str, Any] = {
        "rate": "1.0842",
        "source": "ECB reference rate",
        "quoted_on": "2027-01-04",
        "rounding": pb.ROUNDING_HALF_EVEN,
    }
    return pb.Exchange(**{**values, **changes})


def approval(transfer: pb.Transfer, **changes: Any) -> pb.ApproveTransferRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": transfer.name,
        "etag": transfer.etag,
    }
    return pb.ApproveTransferRequest(**{**values, **changes})


def refusal(transfer: pb.Transfer, **changes: Any) -> pb.DeclineTransferRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": transfer.name,
        "etag": transfer.etag,
        "reason": "not this quarter",
    }
    return pb.DeclineTransferRequest(**{**values, **changes})


async def transferred(money: MoneySide, request: pb.ProposeTransferRequest) -> pb.Transfer:
    """A transfer from fay's envelope to olga's, posted."""
    made: pb.Transfer = await money.person("fiona").ProposeTransfer(request)
    half: pb.Transfer = await money.person("fay").ApproveTransfer(approval(made))
    done: pb.Transfer = await money.person("olga").ApproveTransfer(approval(half))
    return done
