"""The third story: an internal network led by IT, overdue, countersigned, withdrawn."""

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.charter.load import examine_text
from investiture.cli.demo.community import fund
from investiture.cli.demo.people import Person
from investiture.cli.demo.stage import WATCHER, Stage
from investiture.cli.demo.story import Story, case_of, story
from investiture.cli.demo.warrants import collect
from investiture.cli.output import short
from investiture.cli.ownership import ownership_map
from investiture.stack import amounts
from investiture.stack.example import example

TITLE = "An internal network, led by IT"
FILE = "internal-network.yaml"
ENVELOPE = "envelopes/workplace"
CHARTER = "charters/demo.yaml"
_OWNED_BY_HR = "  - {id: employees, name: Employees, owner: hr, contributors: [legal]}\n"
_OWNED_BY_IT_TOO = "  - {id: employees, name: Our own people, owner: it}\n"


async def play(stage: Stage) -> Story:
    """Overdue and escalated; refused without the business; funded, withdrawn, released."""
    async with story(stage, 3, TITLE, FILE) as told:
        before = await _balances(stage)
        iris, ivan = Person(stage, "iris"), Person(stage, "ivan")
        await iris.submits(told)
        await told.opens(gate_pb2.GATE_PLEDGE)
        await _touches_hr(stage, told)
        _finds_an_overlap(told)
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


async def _touches_hr(stage: Stage, told: Story) -> None:
    """IT leads, and yet it is HR's relationship that the program touches."""
    stub = SponsorshipServiceStub(stage.channel("sponsorship", WATCHER))
    name = f"{told.program}/pledges/latest"
    pledge = await stub.GetPledge(sponsorship_pb.GetPledgeRequest(name=name))
    agree = {
        one.unit: list(one.relationships)
        for one in pledge.positions
        if one.role == sponsorship_pb.POSITION_ROLE_AGREE
    }
    told.expect("HR to be touched, and IT to have no veto", agree == {"units/hr": ["employees"]})
    told.tell("Whose relationships does it touch?")
    stage.console.print(ownership_map(pledge))


def _finds_an_overlap(told: Story) -> None:
    """IT would own the employees as well: the lint finds the second owner before anybody else."""
    told.tell("IT drafts a charter in which it owns the relationship to the employees too.")
    draft = example(CHARTER).read_text().replace(_OWNED_BY_HR, f"{_OWNED_BY_HR}{_OWNED_BY_IT_TOO}")
    found = examine_text(draft, "draft.yaml").findings
    overlap = next((one for one in found if one.rule == "relationship-contested"), None)
    told.expect("the lint to find the overlap", overlap is not None, found)
    told.tell(f"{overlap}", "yellow")


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
