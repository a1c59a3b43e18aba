"""The second story: an agency's campaign that asks IT first, is revised, and misses its promise."""

import time

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.cli.demo import numbers
from investiture.cli.demo.community import fund
from investiture.cli.demo.forgery import ring_falsely
from investiture.cli.demo.people import Person, condition
from investiture.cli.demo.stage import WATCHER, Stage
from investiture.cli.demo.story import Story, case_of, story
from investiture.cli.demo.warrants import collect
from investiture.cli.output import short
from investiture.stack import amounts
from investiture.stack.names import WORKER

TITLE = "A campaign brought by an outside agency"
FILE = "agency-campaign.yaml"


async def play(stage: Stage) -> Story:
    """Asks IT first; pledged, funded, changed, carried, knighted with conditions; missed."""
    async with story(stage, 2, TITLE, FILE) as told:
        await _asks_it_first(stage, told)
        await _is_pledged(stage, told)
        await fund(stage, told)
        await _is_revised(stage, told)
        await _goes_on_without_worker(stage, told)
        await _hears_forged_signals(told)
        await _is_knighted_with_a_condition(stage, told)
        await _misses_its_promise(stage, told)
    return told


async def _asks_it_first(stage: Stage, told: Story) -> None:
    """The agency asks IT before anybody in the business stands behind it."""
    zoe = Person(stage, "zoe")
    await zoe.submits(told)
    await numbers.saves_profile(stage, told, "zoe")
    problem = await stage.refused("BUSINESS_FIRST", zoe.asks_it(told))
    stage.tell_problem(problem)
    told.expect("a remedy for each of two missing warrants", len(problem.legs) == 2, problem.legs)
    told.expect("each leg to have its remedy", all(leg.remedy for leg in problem.legs))


async def _is_pledged(stage: Stage, told: Story) -> None:
    await told.opens(gate_pb2.GATE_PLEDGE)
    await Person(stage, "mira").pledges(told)
    await Person(stage, "vera").consents(told, "sales")
    await _is_objected_to(stage, told)


async def _is_objected_to(stage: Stage, told: Story) -> None:
    """Legal's objection keeps the pledge from standing until its unit conditions it."""
    lena = Person(stage, "lena")
    pledge = await lena.objects(
        told,
        "legal",
        "privacy",
        "names and questions of people who never became customers stay public for ever",
        "delete both after 90 days",
    )
    (position,) = (one for one in pledge.positions if one.unit == "units/legal")
    told.expect("somebody above both to be able to end it", bool(position.arbiter), position)
    told.tell(f"{stage.display_name(position.arbiter)} may override or sustain it.", "yellow")
    stands = pledge.gate_case.state == gate_pb2.CASE_STATE_STANDING
    told.expect("the pledge not to stand against a veto", not stands, pledge.gate_case)
    asked = condition("questions and names are deleted after 90 days", "max", gate_pb2.GATE_LAUNCH)
    await lena.consents_if(told, "legal", asked)


async def _is_revised(stage: Stage, told: Story) -> None:
    """IT names the gap; the revision closes it: one gate carried, two reopened."""
    zoe = Person(stage, "zoe")
    await told.opens(gate_pb2.GATE_KNIGHT)
    await numbers.requests_changes(stage, told, "ines")
    await told.until(
        "the proposer to hold the review",
        lambda path: (
            case_of(path, gate_pb2.GATE_KNIGHT).state == gate_pb2.CASE_STATE_CHANGES_REQUESTED
        ),
    )
    answer = await zoe.revises(told, _night_shift, "a night shift of moderators, 3_000 EUR more")
    effects = {effect.gate: effect.effect for effect in answer.effects}
    told.expect(
        "the pledge carried, the funding reopened",
        effects[gate_pb2.GATE_PLEDGE] == pb.REVISION_EFFECT_CARRIED
        and effects[gate_pb2.GATE_FUND] == pb.REVISION_EFFECT_REOPENED,
        effects,
    )
    await told.opens(gate_pb2.GATE_FUND, 2)
    pledge = told.case(gate_pb2.GATE_PLEDGE)
    told.expect("the pledge to be carried", pledge.basis == gate_pb2.BASIS_CARRIED, pledge)
    told.expect("its decider to be told", "people/mira" in pledge.notices[-1].people)
    changes = "; ".join(pledge.notices[-1].changes)
    told.tell(f"Mira's pledge is carried to revision 2; she is told: {changes}", "cyan")


def _night_shift(content: pb.ProgramContent) -> None:
    content.controls.append(numbers.NIGHT_SHIFT)
    content.vendors.append("Nightwatch")  # inside the ceiling, but another vendor is asked anew
    content.amount.CopyFrom(amounts.parse("43_000 EUR"))
    content.tranches.general.CopyFrom(amounts.parse("35_000 EUR"))


async def _goes_on_without_worker(stage: Stage, told: Story) -> None:
    """The worker is killed; finance decides all the same; the path goes on with the next worker."""
    pid = await stage.stack.kill(WORKER)
    told.tell(f"kill -9 {pid}: the worker is dead.", "bold red")
    for name in ("fiona", "finn"):
        await Person(stage, name).approves(told)
    await Person(stage, "fay").reserves(told)
    budget = BudgetServiceStub(stage.channel("budget", WATCHER))
    latest = budget_pb.GetFundingRequest(name=f"{told.program}/budgetRequests/latest")
    funding = await budget.GetFunding(latest)
    stands = funding.gate_case.state == gate_pb2.CASE_STATE_STANDING
    told.expect("the decision to stand in the record", stands, funding.gate_case)
    waits = told.path.waiting_at == gate_pb2.GATE_FUND
    told.expect("the path to wait meanwhile", waits, told.path.waiting_at)
    await stage.stack.start(WORKER)
    told.tell("Another worker runs.", "bold")
    started = time.monotonic()
    await told.opens(gate_pb2.GATE_KNIGHT, 2)
    told.tell(f"The path went on {time.monotonic() - started:.1f} s later.", "bold green")


async def _hears_forged_signals(told: Story) -> None:
    """Signals that nobody's decision stands behind say "look again", and nothing more."""
    before = _standings(told.path)
    answered = await ring_falsely(told)
    told.expect("the path to have looked", answered > 0, answered)
    after = _standings(told.path)
    told.expect("no gate to move by a forged signal", before == after, after)
    told.tell(f"{answered} forged signals were sent with the Temporal client: nothing moved.")


def _standings(path: pb.Path) -> dict[str, tuple[int, int, int]]:
    cases = (gate.gate_case for gate in path.gates)
    return {case.name: (case.version, case.state, case.verdict) for case in cases if case.name}


async def _is_knighted_with_a_condition(stage: Stage, told: Story) -> None:
    """IT's condition and Legal's block the launch until their owner closes them."""
    await numbers.is_inside(stage, told, "ines")
    text = "the night shift is trained in our rules"
    asked = condition(text, "max", gate_pb2.GATE_LAUNCH)
    await Person(stage, "ines").knights(told, [asked])
    await told.opens(gate_pb2.GATE_PILOT)
    max_, mira = Person(stage, "max"), Person(stage, "mira")
    await max_.ends_pilot(told, "3.4 % of the invited asked for an offer")
    await collect(told, gate_pb2.GATE_PLEDGE, gate_pb2.GATE_FUND, gate_pb2.GATE_KNIGHT)
    asking = Person(stage, "zoe").asks_to_launch(told)
    problem = await stage.refused("LAUNCH_NOT_READY", asking)
    stage.tell_problem(problem)
    evidence = {
        gate_pb2.GATE_PLEDGE: "the job that deletes, and its first run",
        gate_pb2.GATE_KNIGHT: "attendance list of the training",
    }
    for gate, shown in evidence.items():
        conditions = told.case(gate).conditions
        told.expect("one condition of each", len(conditions) == 1, conditions)
        await max_.closes(told, gate, conditions[0], shown)
    await told.opens(gate_pb2.GATE_LAUNCH)
    await mira.says_go(told)
    await told.opens(gate_pb2.GATE_PROVE)
    told.tell("Launched, with three fresh warrants presented.", "bold")


async def _misses_its_promise(stage: Stage, told: Story) -> None:
    mira = Person(stage, "mira")
    await mira.measures(told, "offers", "22_000 EUR")
    reason = f"{short('people/mira')} promised 60,000; the workshop brought 22,000"
    await mira.settles(told, statements_pb2.OUTCOME_MISSED, reason)
    await told.ends(statements_pb2.OUTCOME_MISSED)
