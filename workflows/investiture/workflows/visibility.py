"""What operators see of a path: search attributes, current details, and one line in the memo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, cast

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

with workflow.unsafe.imports_passed_through():
    from google.protobuf.timestamp_pb2 import Timestamp

    from investiture.api.common.v1 import gate_pb2, statements_pb2
    from investiture.api.workflows.v1.path_pb2 import GateReading, ProgramReading

from investiture.workflows import contract
from investiture.workflows.doorbell import GateId, gate_name

GATE = SearchAttributeKey.for_keyword(contract.GATE_ATTRIBUTE)
STATE = SearchAttributeKey.for_keyword(contract.STATE_ATTRIBUTE)
HOLDER_ROLE = SearchAttributeKey.for_keyword(contract.HOLDER_ROLE_ATTRIBUTE)
RISK_BAND = SearchAttributeKey.for_keyword(contract.RISK_BAND_ATTRIBUTE)
UNITS = SearchAttributeKey.for_keyword_list(contract.UNITS_ATTRIBUTE)
DUE_AT = SearchAttributeKey.for_datetime(contract.DUE_AT_ATTRIBUTE)
STALL_BILL = SearchAttributeKey.for_int(contract.STALL_BILL_ATTRIBUTE)
ESCALATED = SearchAttributeKey.for_bool(contract.ESCALATED_ATTRIBUTE)

_KEYS: Final[Sequence[SearchAttributeKey[Any]]] = (
    GATE,
    STATE,
    HOLDER_ROLE,
    RISK_BAND,
    UNITS,
    DUE_AT,
    STALL_BILL,
    ESCALATED,
)

PARKED = "PARKED"
"""An answer that nobody expected: `investiture path retry`, once its cause is mended."""
BLOCKED = "BLOCKED"
"""An expected refusal: something else has to come first."""
SUSPENDED = "SUSPENDED"
DRAFT = "DRAFT"
ENDING = "ENDING"
"""What is held for the program is being released."""
LAUNCHED = "LAUNCHED"

_Date = Literal["next_at", "overdue_at", "waiting_since", "appealable_until"]


@dataclass(frozen=True, slots=True)
class View:
    """What there is to see: where the path is and what it knows of the program and this gate."""

    gate: GateId
    program: ProgramReading
    reading: GateReading
    held_state: str = ""
    """PARKED, BLOCKED or ENDING, where the path does not simply wait for a decision."""
    held_reason: str = ""
    amber: gate_pb2.Amber.ValueType = gate_pb2.AMBER_UNSPECIFIED
    """What is the matter with the sponsor, whichever gate is sought."""
    standing_decisions: Sequence[str] = ()
    """Ids of the standing decisions by which gates of this path were decided."""
    provisional: Sequence[tuple[GateId, datetime]] = ()
    """Gates that two people decided in an emergency, and until when that stands."""
    lost: Sequence[GateReading] = ()
    """Gates whose decision is gone, although the program was launched by it."""

    @property
    def state(self) -> str:
        """One word for where it stands."""
        if self.held_state:
            return self.held_state
        if self.program.suspended:
            return SUSPENDED
        if self.program.revision == 0:
            return DRAFT
        return _state(self.reading)


class Display:
    """Shows a view, and writes into history only what changed since the one before."""

    def __init__(self) -> None:
        """Start from what an earlier run of the same path has shown."""
        # One type a key, which a loop over all of them cannot say.
        known = cast(
            "Mapping[SearchAttributeKey[Any], Any]", workflow.info().typed_search_attributes
        )
        self._shown: dict[str, Any] = {key.name: known.get(key) for key in _KEYS}
        self._line: str = workflow.memo_value(contract.MEMO_NOW, "", type_hint=str)
        self._updates: list[SearchAttributeUpdate[Any]] = []

    def show(self, view: View) -> None:
        """Show where the path waits."""
        reading, program = view.reading, view.program
        before: Sequence[str] = self._shown[UNITS.name] or ()
        units = sorted({*before, *program.units, *reading.holder_units})
        self._set(GATE, gate_name(view.gate))
        self._set(STATE, view.state)
        self._set(HOLDER_ROLE, reading.holder_roles[0] if reading.holder_roles else None)
        self._set(RISK_BAND, program.risk_band or None)
        self._set(UNITS, units or None)
        self._set(DUE_AT, _date(reading, "overdue_at"))
        self._set(STALL_BILL, program.stall_bill_minor)
        self._set(ESCALATED, reading.escalated)
        line = _line(view)
        workflow.set_current_details(_details(view, line))
        self._write(line)

    def end(self, state: str) -> None:
        """Show that nobody is waited for any more."""
        self._set(STATE, state)
        self._set(HOLDER_ROLE, None)
        self._set(DUE_AT, None)
        self._set(ESCALATED, False)
        line = state.lower().replace("_", " ")
        workflow.set_current_details(f"**{line}**")
        self._write(line)

    def _set(self, key: SearchAttributeKey[Any], value: Any) -> None:
        if self._shown[key.name] == value:
            return
        self._shown[key.name] = value
        self._updates.append(key.value_unset() if value is None else key.value_set(value))

    def _write(self, line: str) -> None:
        if self._updates:
            # Typed for its old form too, whose parameter is only partly known.
            cast("Any", workflow).upsert_search_attributes(self._updates)
            self._updates = []
        if line != self._line:
            workflow.upsert_memo({contract.MEMO_NOW: line})
            self._line = line


def outcome_name(outcome: statements_pb2.Outcome.ValueType) -> str:
    """Return how a program ended, without prefix."""
    return statements_pb2.Outcome.Name(outcome).removeprefix("OUTCOME_")


def _line(view: View) -> str:
    reading = view.reading
    words = [f"{gate_name(view.gate)} {view.state}"]
    if view.held_reason:
        words.append(view.held_reason)
    if view.amber:
        words.append(f"amber: {_AMBER[view.amber]}")
    if view.standing_decisions:
        words.append(f"by standing decision {', '.join(view.standing_decisions)}")
    for gate, until in view.provisional:
        words.append(f"{gate_name(gate)} is provisional until {until:%Y-%m-%d %H:%M}Z")
    words += (f"{gate_name(one.gate)} was lost ({_state(one)})" for one in view.lost)
    if reading.holder_roles:
        words.append(f"waits for {_holders(reading.holder_roles, reading.holder_units)}")
    elif reading.no_eligible_holder:
        words.append("nobody is eligible to decide")
    since = _date(reading, "waiting_since")
    if since is not None:
        words.append(f"since {_text(since)}")
    if reading.appeal_open:
        words.append(_appeal(reading))
    next_at = _date(reading, "next_at")
    if next_at is not None:
        step = gate_pb2.Step.Name(reading.next_step).removeprefix("STEP_").lower()
        words.append(f"{step} at {_text(next_at)}")
    return ", ".join(words)


def _state(reading: GateReading) -> str:
    return gate_pb2.CaseState.Name(reading.state).removeprefix("CASE_STATE_")


def _appeal(reading: GateReading) -> str:
    until = _date(reading, "appealable_until")
    return f"can be appealed until {_text(until)}" if until else "its appeal is to be decided"


_AMBER: Final[Mapping[gate_pb2.Amber.ValueType, str]] = {
    gate_pb2.AMBER_SPONSOR_IN_NAME_ONLY: "the sponsor has not attested in time",
    gate_pb2.AMBER_FORWARD_MOVES_PAUSED: "no gate opens until the sponsor attests",
    gate_pb2.AMBER_TRANSFER: "the sponsor was lost and has to be followed",
}


def _details(view: View, line: str) -> str:
    reading, program = view.reading, view.program
    overdue_at = _date(reading, "overdue_at")
    lines = [f"**{line}**", "", f"- revision {program.revision}, round {reading.round}"]
    if overdue_at is not None:
        lines.append(f"- overdue at {_text(overdue_at)}")
    lines += [
        f"- escalated: {'yes' if reading.escalated else 'no'}, steps taken: {reading.steps_taken}",
        f"- stall bill: {program.stall_bill_minor} minor units",
    ]
    if reading.no_eligible_holder:
        lines.append("- **nobody is eligible to decide: reassign the case**")
    if view.held_state == PARKED:
        lines.append("- **unexpected answer: mend its cause, then `investiture path retry`**")
    return "\n".join(lines)


def _holders(roles: Sequence[str], units: Sequence[str]) -> str:
    return f"{', '.join(roles)} ({', '.join(units)})" if units else ", ".join(roles)


def _date(reading: GateReading, field: _Date) -> datetime | None:
    if not reading.HasField(field):
        return None
    value: Timestamp = getattr(reading, field)
    return value.ToDatetime(tzinfo=UTC)


def _text(date: datetime) -> str:
    return f"{date:%Y-%m-%d %H:%M:%S}Z"
