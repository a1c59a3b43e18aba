"""How a committee's vote looks: the count, who said what, who is still asked, and until when."""

from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.cli.output import instant, short

_OUTCOMES = {
    pb.BALLOT_OUTCOME_OPEN: "votes",
    pb.BALLOT_OUTCOME_CARRIED: "carried",
    pb.BALLOT_OUTCOME_REJECTED: "rejected",
    pb.BALLOT_OUTCOME_NO_QUORUM: "no quorum",
}


def ballot_lines(ballot: pb.Ballot) -> list[str]:
    """Return the count, what each member said, and whom it waits for."""
    name = ballot.display_name or short(ballot.committee)
    lines = [f"{name} {_OUTCOMES.get(ballot.outcome, '?')}: {ballot.summary}"]
    said = [_vote(one) for one in ballot.votes]
    if said:
        lines.append(", ".join(said))
    silent = {one.seat for one in ballot.votes}
    out = [short(one) for one in ballot.out if one not in silent]
    if out:
        lines.append(f"take no part: {', '.join(out)}")
    if ballot.asked:
        due = instant(ballot, "due_at")
        until = "" if due is None else f" by {due:%Y-%m-%d %H:%M} UTC"
        lines.append(f"asked{until}: {', '.join(short(one) for one in ballot.asked)}")
    return lines


def _vote(vote: pb.Vote) -> str:
    choice = pb.VoteChoice.Name(vote.choice).removeprefix("VOTE_CHOICE_").lower()
    by = "" if vote.person == vote.seat else f" by {short(vote.person)}"
    return f"{short(vote.seat)} {choice}{by}"
