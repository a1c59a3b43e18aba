"""Two-way tables between our words and the API's enum values."""

from collections.abc import Callable
from enum import StrEnum
from typing import Generic, TypeVar

from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.casework.words import (
    Amber,
    AppealOutcome,
    Basis,
    CaseState,
    Gate,
    Outcome,
    Side,
    Step,
    Verdict,
)

W = TypeVar("W", bound=StrEnum)
V = TypeVar("V", bound=int)


class Vocabulary(Generic[W, V]):
    """Translates one enum: `PREFIX_WORD` on the API is `WORD` inside, its zero value None."""

    def __init__(self, words: type[W], value_of: Callable[[str], V], prefix: str, unset: V) -> None:
        self._to = {word: value_of(f"{prefix}{word.value}") for word in words}
        self._of: dict[int, W] = {int(value): word for word, value in self._to.items()}
        self._unset = unset

    def to(self, word: W | None) -> V:
        """The API's value; its zero value for None."""
        return self._unset if word is None else self._to[word]

    def maybe(self, value: int) -> W | None:
        """Our word; None for the zero value."""
        return self._of.get(value)

    def of(self, value: int) -> W:
        """Our word for a value that validation has let through; KeyError otherwise."""
        return self._of[value]


GATES = Vocabulary(Gate, gate_pb2.Gate.Value, "GATE_", gate_pb2.GATE_UNSPECIFIED)
SIDES = Vocabulary(Side, gate_pb2.Side.Value, "SIDE_", gate_pb2.SIDE_UNSPECIFIED)
STATES = Vocabulary(
    CaseState, gate_pb2.CaseState.Value, "CASE_STATE_", gate_pb2.CASE_STATE_UNSPECIFIED
)
VERDICTS = Vocabulary(Verdict, gate_pb2.Verdict.Value, "VERDICT_", gate_pb2.VERDICT_UNSPECIFIED)
BASES = Vocabulary(Basis, gate_pb2.Basis.Value, "BASIS_", gate_pb2.BASIS_UNSPECIFIED)
AMBERS = Vocabulary(Amber, gate_pb2.Amber.Value, "AMBER_", gate_pb2.AMBER_UNSPECIFIED)
STEPS = Vocabulary(Step, gate_pb2.Step.Value, "STEP_", gate_pb2.STEP_UNSPECIFIED)
APPEAL_OUTCOMES = Vocabulary(
    AppealOutcome,
    gate_pb2.AppealOutcome.Value,
    "APPEAL_OUTCOME_",
    gate_pb2.APPEAL_OUTCOME_UNSPECIFIED,
)
OUTCOMES = Vocabulary(
    Outcome, statements_pb2.Outcome.Value, "OUTCOME_", statements_pb2.OUTCOME_UNSPECIFIED
)
