"""What the bare side's parts agree on."""

from collections.abc import Mapping, Sequence
from typing import Final

from investiture.api.common.v1 import gate_pb2

SERVICE: Final = "bench.Bare"
WRITE: Final = "Write"
READ: Final = "Read"
PATH: Final = "BarePath"
PROOF: Final = "BareProof"
RING: Final = "ring"

QUIET: Final = gate_pb2.STEP_UNSPECIFIED
RINGS: Final = gate_pb2.STEP_NUDGE
STARTS_PATH: Final = gate_pb2.STEP_WARN
STARTS_PROOF: Final = gate_pb2.STEP_OVERDUE
"""What a write does besides: the request's ``step`` says it, for want of a field of its own."""

GATES: Final[Sequence[gate_pb2.Gate.ValueType]] = (
    gate_pb2.GATE_PLEDGE,
    gate_pb2.GATE_FUND,
    gate_pb2.GATE_KNIGHT,
    gate_pb2.GATE_PILOT,
    gate_pb2.GATE_LAUNCH,
)
DECISIONS: Final[Mapping[gate_pb2.Gate.ValueType, int]] = {
    gate_pb2.GATE_PLEDGE: 1,
    gate_pb2.GATE_FUND: 2,
    gate_pb2.GATE_KNIGHT: 1,
    gate_pb2.GATE_PILOT: 1,
    gate_pb2.GATE_LAUNCH: 1,
}
"""How many decisions pass a gate, as on the path of ``company.py``."""


def case_name(program: str, gate: gate_pb2.Gate.ValueType) -> str:
    """Return the key of a gate's row."""
    return f"{program}/{gate_pb2.Gate.Name(gate)}"


def path_id(program: str) -> str:
    """Return the id of a program's bare path."""
    return f"bare-path/{program}"


def proof_id(program: str) -> str:
    """Return the id of a program's bare proof."""
    return f"bare-proof/{program}"
