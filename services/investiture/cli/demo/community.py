"""The first story: a self-support community led by the business, from the proposal to the proof."""

from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.cli.demo.people import Person
from investiture.cli.demo.stage import Stage
from investiture.cli.demo.story import Story, story
from investiture.cli.demo.warrants import collect

TITLE = "A customer self-support community, led by the business"
FILE = "support-community.yaml"


async def play(stage: Stage) -> Story:
    """Knighted, piloted, launched, proven."""
    ben, sara, vera = (Person(stage, name) for name in ("ben", "sara", "vera"))
    async with story(stage, 1, TITLE, FILE) as told:
        await ben.submits(told)

        await told.opens(gate_pb2.GATE_PLEDGE)
        await sara.pledges(told)  # she heads support: her pledge is her unit's agreement, too
        await vera.consents(told, "sales")  # prospects read a customers' forum, and are hers

        await fund(stage, told)

        await told.opens(gate_pb2.GATE_KNIGHT)
        await Person(stage, "ines").knights(told)

        await told.opens(gate_pb2.GATE_PILOT)
        await ben.ends_pilot(
            told, "38 % of the invited were active in the fourth week", "61 % within four hours"
        )

        await told.opens(gate_pb2.GATE_LAUNCH)
        await collect(told, *_WARRANTS)
        await sara.says_go(told)
        await told.opens(gate_pb2.GATE_PROVE)
        told.expect("a launch", told.path.program.HasField("launch_time"))
        told.tell("Launched, with three fresh warrants presented.", "bold")

        await Person(stage, "fay").spends_on_it(told, "12_000 EUR", "10_500 EUR")
        await sara.measures(told, "deflection", "34_200 EUR")
        await sara.settles(told, statements_pb2.OUTCOME_PROVEN, "more than the promised return")
        await told.ends(statements_pb2.OUTCOME_PROVEN)
    return told


async def fund(stage: Stage, told: Story, round_: int = 1) -> None:
    """Approve level by level, and reserve: finance's part is the same in every story."""
    await told.opens(gate_pb2.GATE_FUND, round_)
    await Person(stage, "fiona").approves(told)
    await Person(stage, "finn").approves(told)
    await Person(stage, "fay").reserves(told)


_WARRANTS = (
    gate_pb2.GATE_PLEDGE,
    gate_pb2.GATE_FUND,
    gate_pb2.GATE_KNIGHT,
    gate_pb2.GATE_PILOT,
)
