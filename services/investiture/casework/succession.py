"""The round in which a decision passes into other hands: its maker can no longer carry it."""

from dataclasses import replace

from investiture.casework.case import Case
from investiture.casework.words import Amber, CaseState


def passes_on(old: Case, new: Case) -> bool:
    """Whether `new` only asks who carries what `old` decided; what others said of it goes on."""
    return (
        old.state is CaseState.VOIDED
        and old.amber is Amber.TRANSFER
        and old.gate_digest == new.gate_digest
    )


def succeeding(old: Case, new: Case) -> Case:
    """The new round; where the decision only passes on, with why it does and its conditions."""
    if not passes_on(old, new):
        return new
    return replace(new, amber=old.amber, reason=old.reason, conditions=old.conditions)
