"""Everybody of a made-up enterprise tries every decision, in every name they can think of."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from random import Random

from tests.contract.sides.houses import Enterprise, enterprise
from tests.contract.sides.reviews import everybody_closes
from tests.contract.sides.rooms import AnyRoom
from tests.contract.sides.tally import Tally
from tests.contract.sides.walks import Walk
from tests.support.clock import SettableClock
from tests.support.services import Realm, new_request_id

from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework import wire

PROGRAMS = 4
"""Of each enterprise."""

Open = Callable[[Path, Enterprise], AbstractAsyncContextManager[dict[str, AnyRoom]]]
"""Opens the three services over an enterprise, in a folder of their own."""


async def everybody_tries(
    number: int,
    size: tuple[int, int],
    least: int,
    rooms: Open,
    realm: Realm,
    clock: SettableClock,
    folder: Path,
) -> Tally:
    """Walks programs of one enterprise after the other, until `least` decisions were tried.

    The oracle agrees with each of them, and launch takes no three warrants that share a person.
    """
    tally = Tally()
    while tally.attempts < least:
        made, chance = enterprise(number, *size), Random(number)
        here = folder / str(number)
        here.mkdir()
        async with rooms(here, made) as found:
            await lend(made, found, clock, chance, tally)
            for place in range(PROGRAMS):
                if tally.attempts >= least:
                    break
                name = f"programs/p{number}-{place}"
                walk = Walk(name, made, found, realm, clock, chance, tally)
                await walk.walk()
                if chance.random() < 0.85:
                    room = found["sponsorship"]
                    await everybody_closes(walk.emergencies, room, chance, tally)
        number += 1
    return tally


async def lend(
    made: Enterprise, found: dict[str, AnyRoom], clock: SettableClock, chance: Random, tally: Tally
) -> None:
    """Everybody lends to anybody, both ways; what was taken is known."""
    for _ in range(60):
        one, other = chance.sample(made.people, 2)
        for delegator, delegate in ((one, other), (other, one)):
            purpose = chance.choice(("PLEDGE", "POSITION", "FUND", "KNIGHT"))
            request = pb.CreateDelegationRequest(
                request_id=new_request_id(),
                delegate=delegate,
                purpose=pb.Purpose.Value(f"PURPOSE_{purpose}"),
                ends_at=wire.stamp(clock.now() + timedelta(days=300)),
            )
            _, reason = await found["sponsorship"].attempt(delegator, "CreateDelegation", request)
            if not reason:
                assert made.side(delegator) == made.side(delegate)
                made.lent.add((delegator, delegate, purpose))
                tally.delegated += 1
