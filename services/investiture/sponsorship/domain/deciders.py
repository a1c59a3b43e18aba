"""Who decided for the units: whom a warrant names for them, and in which role."""

from collections.abc import Iterable

from investiture.casework.facts import Decider
from investiture.casework.words import Side
from investiture.sponsorship.domain.ballots import Vote
from investiture.sponsorship.domain.committees import Choice, Outcome
from investiture.sponsorship.domain.positions import Position

ENDORSER = "endorser"
MEMBER = "member"
"""The role of who has a vote in the committee that answers for a unit."""
ARBITER = "arbiter"
"""The role of who may override a unit's objection or sustain it."""


def endorsing(position: Position) -> Iterable[Decider]:
    """Who agreed for a unit: who said it, or each member of its committee who voted for it."""
    if position.carried:
        yield from (_voter(vote, MEMBER) for vote in position.carried)
    elif position.recorded_at is not None:
        yield Decider(
            person=position.person,
            on_behalf_of=position.on_behalf_of,
            side=Side.BUSINESS,
            role=ENDORSER,
            decided_at=position.recorded_at,
            revision=position.revision,
            gate_digest=position.gate_digest,
        )


def overriding(position: Position) -> Iterable[Decider]:
    """Who overrode a unit: who stands above it, or who voted so in the committee above the top."""
    appeal = position.appeal
    if appeal is not None and appeal.count.outcome is Outcome.CARRIED:
        yield from (_voter(vote, ARBITER) for vote in appeal.saying(Choice.YES))
    elif position.resolved_at is not None:
        yield Decider(
            person=position.resolved_by,
            on_behalf_of=position.resolved_for,
            side=Side.BUSINESS,
            role=ARBITER,
            decided_at=position.resolved_at,
            revision=position.revision,
            gate_digest=position.gate_digest,
        )


def _voter(vote: Vote, role: str) -> Decider:
    return Decider(
        person=vote.person,
        on_behalf_of=vote.on_behalf_of,
        side=Side.BUSINESS,
        role=role,
        decided_at=vote.recorded_at,
        revision=vote.revision,
        gate_digest=vote.gate_digest,
    )
