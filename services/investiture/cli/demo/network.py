"""The third story: an internal network led by IT, overdue, countersigned, withdrawn."""

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.cli.demo.community import fund
from investiture.cli.demo.people import Person
from investiture.cli.demo.stage import WATCHER, Stage
from investiture.cli.demo.story import Story, case_of, story
from investiture.cli.demo.warrants import collect
from investiture.cli.output import short
from investiture.stack import amounts

TITLE = "An internal network, led by IT"
FILE = "internal-network.yaml"
ENVELOPE = "envelopes/workplace"


async def play(stage: Stage) -> Story:
    """Overdue and escalated; refused without the business; funded, withdrawn, released."""
    async with story(stage, 3, TITLE, FILE) as told:
        before = await _balances(stage)
        iris, ivan = Person(stage, "iris"), Person(stage, "ivan")
        await iris.submits(told)
        await _escalates(told)

        problem = await stage.refused("AUTHORITY_INSUFFICIENT", ivan.pledges(told))
        told.tell(f"{ivan.called}, of IT, would pledge alone.")
        stage.tell_problem(problem)
        legs = [leg.type for leg in problem.legs]
        told.expect("the business side to be what is missing", legs == ["business_side"], legs)

        await iris.revises(told, _countersigned, "Hana Sato of HR is the business counter-sponsor")
        await told.opens(gate_pb2.GATE_PLEDGE, 2)
        await Person(stage, "hana").pledges(told)
        await ivan.pledges(told)

        await fund(stage, told)
        await told.opens(gate_pb2.GATE_KNIGHT)
        await collect(told, gate_pb2.GATE_PLEDGE, gate_pb2.GATE_FUND)
        held = amounts.minor((await _balances(stage)).reserved)
        told.expect("28,000 EUR to be reserved", held == 28_000_00, held)

        await iris.withdraws(told, "the works council wants one of the seven chats kept")
        await told.ends(statements_pb2.OUTCOME_WITHDRAWN)
        after = await _balances(stage)
        told.expect("the ledger to be back where it was", before == after, after)
        told.tell(f"{short(ENVELOPE)}: {amounts.shown(after.available)} available, as before.")
    return told


async def _escalates(told: Story) -> None:
    """Nobody decides: the agreed time passes, and the escalation adds a holder."""
    case = await told.opens(gate_pb2.GATE_PLEDGE)
    first = {holder.person for holder in case.holders}
    told.tell(f"Nobody decides; {', '.join(short(one) for one in sorted(first))} hold it.")
    await told.until(
        "the overdue decision to have another holder",
        lambda path: any(
            step.step == gate_pb2.STEP_OVERDUE and step.added
            for step in case_of(path, gate_pb2.GATE_PLEDGE).escalations
        ),
    )
    steps = told.case(gate_pb2.GATE_PLEDGE).escalations
    taken = [gate_pb2.Step.Name(step.step).removeprefix("STEP_") for step in steps]
    told.expect("nudge, warn, overdue", taken[:3] == ["NUDGE", "WARN", "OVERDUE"], taken)
    added = [person for step in steps for person in step.added]
    told.expect("the added one to be new", not first & set(added), added)
    names = ", ".join(short(one) for one in added)
    told.tell(f"Overdue: {names} holds it too; nobody lost it.", "yellow")


def _countersigned(content: pb.ProgramContent) -> None:
    content.counter_sponsor = "people/hana"


async def _balances(stage: Stage) -> budget_pb.Balances:
    stub = BudgetServiceStub(stage.channel("budget", WATCHER))
    return (await stub.GetEnvelope(budget_pb.GetEnvelopeRequest(name=ENVELOPE))).balances
