"""What a revision does to a gate is said by the charter that its case was opened under."""

from tests.support.budget import ON_SQLITE
from tests.support.charters import amended, sign
from tests.support.clock import SettableClock
from tests.support.launches import front
from tests.support.programs import eur
from tests.support.services import CHARTER, Realm

from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.casework.words import Gate

QUIET = CHARTER.read_text(encoding="utf-8").replace("heartbeat: PT15M", "heartbeat: P3650D")
B = amended(("{amount_increase_bps: 1000, exp", "{amount_increase_bps: 0, exp"), text=QUIET)


@ON_SQLITE
async def test_a_pledge_of_before_a_charter_is_carried_as_far_as_it_was_agreed(
    realm: Realm, clock: SettableClock, database_url: str
) -> None:
    async with front(realm, clock, database_url) as desk:
        program = await desk.submitted()
        await desk.stand(await desk.facts(program.name), Gate.PLEDGE)
    sign(database_url, B, clock.now())
    async with front(realm, clock, database_url) as desk:
        answer = await desk.revised(program, amount=eur(94_500), tranches=None)
        assert answer.effects[0].effect == pb.REVISION_EFFECT_CARRIED
