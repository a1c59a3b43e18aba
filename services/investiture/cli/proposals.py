"""Program files: a proposal as people write it, and as the API takes it.

Everything wrong with a file is said at once, each with file, line, field and remedy, and before
anything is sent. What only the services can know (audiences, envelopes, people) comes back from
them by field, and is told with the line of that field.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import grpc
from google.protobuf.message import Message
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.charter.document import At, Document, read
from investiture.charter.finding import DocumentBroken, Finding, Severity
from investiture.charter.typed import typed
from investiture.chassis.client import explain
from investiture.chassis.validation import violations_of
from investiture.stack import amounts

_STEP = re.compile(r"([a-z_]+)|\[([0-9]+)\]")
_CONTENT = "content."
_NAMED = {"people": "a person", "units": "a unit", "envelopes": "an envelope"}


def _amount(value: object) -> object:
    if isinstance(value, str):
        amounts.parse(value)  # its ValueError becomes the finding
    elif isinstance(value, int | float):
        raise amounts.AmountUnreadable("say the currency too: 48_000 EUR")
    return value


Amount = Annotated[str, BeforeValidator(_amount)]
Bps = Annotated[int, Field(ge=1, le=10_000)]
"""Basis points of the full audience: 10,000 is all of it."""

ProgramId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TranchesEntry(_Part):
    """The total by stage."""

    trial: Amount
    pilot: Amount
    general: Amount


class BenefitEntry(_Part):
    """What is promised in return; the values are yearly."""

    id: str
    description: str
    measure: str
    owner: str
    baseline: float = 0.0
    low: Amount
    likely: Amount
    high: Amount


class PilotEntry(_Part):
    """How the pilot is run."""

    hypothesis: str
    exposure_bps: Bps
    exit_criteria: tuple[str, ...]
    kill_criteria: tuple[str, ...] = ()
    rollback: str = ""
    owner: str
    people: Annotated[int, Field(ge=0)] = 0
    days: Annotated[int, Field(ge=0)] = 0


class ProposalEntry(_Part):
    """A program file. Fields are called as in the API, where each is explained."""

    program: ProgramId
    title: str
    objective: str
    customer_promise: str
    audiences: tuple[str, ...]
    channels: tuple[str, ...] = ()
    data_classes: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    agency: str = ""
    owning_unit: str
    sponsor: str
    counter_sponsor: str = ""
    it_liaison: str = ""
    steward: str = ""
    response_rota: tuple[str, ...] = ()
    amount: Amount
    tranches: TranchesEntry | None = None
    category: str
    envelope: str = ""
    spend_conditions: tuple[str, ...] = ()
    exposure_bps: Bps
    controls: tuple[str, ...] = ()
    benefits: Annotated[tuple[BenefitEntry, ...], Field(min_length=1)]
    cost_of_delay_per_week: Amount | None = None
    pilot_plan: PilotEntry


@dataclass(frozen=True, slots=True)
class Proposal:
    """A program file that can be sent, and where each of its fields stands."""

    program: str
    content: pb.ProgramContent
    document: Document

    def located(self, error: grpc.aio.AioRpcError) -> Exception:
        """Return a refusal of fields with their lines in the file; any other as it is."""
        problem = explain(error)
        if not problem.violations:
            return error
        return DocumentBroken(
            _violation(self.document, one.field.removeprefix(_CONTENT), one.description)
            for one in problem.violations
        )


def proposal_of(path: Path) -> Proposal:
    """Read a program file.

    Raises:
        DocumentBroken: with file, line, field and remedy of each thing that is wrong.
    """
    document = read(path)
    entry = typed(document, ProposalEntry)
    content = _content(entry)
    broken = [
        _violation(document, violation.field, violation.description)
        for violation in violations_of(content)
    ]
    if broken:
        raise DocumentBroken(broken)
    return Proposal(entry.program, content, document)


def _content(entry: ProposalEntry) -> pb.ProgramContent:
    plain = entry.model_dump(exclude={"program"}, exclude_none=True)
    content = pb.ProgramContent()
    _fill(content, plain)
    return content


def _fill(message: Any, values: Mapping[str, Any]) -> None:
    """Set a message's fields to plain values; amounts are texts there and messages here."""
    for name, value in values.items():
        field = getattr(message, name)
        if isinstance(value, Mapping):
            _fill(field, cast("Mapping[str, Any]", value))
        elif isinstance(value, tuple | list):
            for item in cast("Sequence[Any]", value):
                if isinstance(item, Mapping):
                    _fill(field.add(), cast("Mapping[str, Any]", item))
                else:
                    field.append(item)
        elif isinstance(field, Message):
            field.CopyFrom(amounts.parse(value))
        else:
            setattr(message, name, value)


def _violation(document: Document, path: str, why: str) -> Finding:
    at: At = tuple(int(match[2]) if match[2] else match[1] for match in _STEP.finditer(path))
    return Finding(
        file=document.file,
        line=document.line(at),
        rule="field-refused",
        severity=Severity.ERROR,
        message=why,
        remedy=_remedy(why),
        field=path,
    )


def _remedy(why: str) -> str:
    """Return what to do about a broken rule: how a name of that kind is written."""
    for collection, kind in _NAMED.items():
        if f"^{collection}/" in why:
            return f"write {kind} as {collection}/…"
    return "correct the value"
