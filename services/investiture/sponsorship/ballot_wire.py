"""A committee's ballot to its proto."""

from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework import wire
from investiture.casework.vocabulary import Vocabulary
from investiture.sponsorship.domain.ballots import Ballot, Vote
from investiture.sponsorship.domain.committees import Choice, Outcome

OUTCOMES = Vocabulary(
    Outcome, pb.BallotOutcome.Value, "BALLOT_OUTCOME_", pb.BALLOT_OUTCOME_UNSPECIFIED
)
CHOICES = Vocabulary(Choice, pb.VoteChoice.Value, "VOTE_CHOICE_", pb.VOTE_CHOICE_UNSPECIFIED)


def ballot_to(ballot: Ballot | None) -> pb.Ballot | None:
    """The API's form of a ballot; None stays unset."""
    if ballot is None:
        return None
    committee, found, members = ballot.committee, ballot.count, ballot.members
    return pb.Ballot(
        committee=ballot.name,
        display_name=committee.name,
        chair=committee.chair,
        outcome=OUTCOMES.to(found.outcome),
        summary=str(found),
        eligible=found.eligible,
        votes_possible=found.votes,
        needed=found.needed,
        yes=found.yes,
        no=found.no,
        abstained=found.abstained,
        present=found.present,
        quorum=committee.quorum,
        asked=ballot.asked,
        out=[seat for seat in committee.seats if seat not in members],
        votes=[_vote_to(one) for one in ballot.votes],
        due_at=None if ballot.timetable is None else wire.stamp(ballot.timetable.overdue_at),
    )


def _vote_to(vote: Vote) -> pb.Vote:
    return pb.Vote(
        seat=vote.seat,
        person=vote.person,
        choice=CHOICES.to(vote.choice),
        recorded_at=wire.stamp(vote.recorded_at),
        grounds=vote.grounds,
        harm=vote.harm,
        proposal=vote.proposal,
        reason=vote.reason,
    )
