"""Everybody of a made-up enterprise tries to close the reviews of its emergencies."""

import asyncio
from random import Random

from tests.contract.sides.emergencies import EmergencyOracle
from tests.contract.sides.oracle import Says
from tests.contract.sides.rooms import AnyRoom
from tests.contract.sides.tally import Tally
from tests.support.services import new_request_id

from investiture.api.governance.v1 import emergencies_pb2 as pb


async def everybody_closes(
    oracle: EmergencyOracle, room: AnyRoom, chance: Random, tally: Tally
) -> None:
    """Of each team's review that is not closed; one of those who may then does."""
    for owed in [*oracle.made.owed.values()]:
        people = oracle.made.people
        asked = pb.GetEmergencyRequest(name=owed.name)
        review: pb.EmergencyReview = await room.ask("workloads/worker", "GetEmergency", asked)
        assert (review.state, review.team) == (pb.EMERGENCY_STATE_UNDER_REVIEW, owed.team)
        able = [one for one in people if oracle.closing(one, owed) is Says.MUST]
        assert {*review.closers} == {*able}

        async def close(person: str, review: pb.EmergencyReview, *, rehearsing: bool) -> bool:
            request = pb.CloseEmergencyReviewRequest(
                request_id=new_request_id(),
                name=review.name,
                etag=review.etag,
                findings="it was one; the order was kept",
                validate_only=rehearsing,
            )
            answer, reason = await room.attempt(person, "CloseEmergencyReview", request)
            tally.attempts += 1
            if answer is None:
                tally.refused[reason] += 1
                return False
            tally.done += 1
            return True

        refused = [one for one in people if one not in able]
        tried = [*((one, True) for one in people), *((one, False) for one in refused)]
        closed = await asyncio.gather(
            *(close(one, review, rehearsing=rehearsing) for one, rehearsing in tried)
        )
        tally.rehearsed += len(people)
        for (person, _), done in zip(tried, closed, strict=True):
            assert done is (person in able), person
        if able:
            closer = chance.choice(able)
            assert closer not in owed.voices, "who decided provisionally closes no review"
            assert await close(closer, review, rehearsing=False)
            del oracle.made.owed[owed.team]
            tally.reviewed += 1
