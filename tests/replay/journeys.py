"""The paths whose closed histories are kept: each journey walks one and says which ran."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial

from tests.support.case_records import WALKED, Gate, name_of
from tests.support.paths import Company

from investiture.api.common.v1 import gate_pb2 as pb
from investiture.api.common.v1 import statements_pb2 as statement_pb
from investiture.api.workflows.v1.path_pb2 import Ring
from investiture.chassis.refusal import PreconditionFailed
from investiture.workflows import contract

Journey = Callable[[Company, str], Awaitable[str]]
"""Walks a program's path and returns the id of the workflow whose history is kept."""


async def launched(world: Company, program: str) -> str:
    world.plans[program] = world.say_nothing
    world.records.submit(program)
    handle = await world.path(program)
    for gate in WALKED:
        await world.opened(program, gate)
        await world.caught_up(handle)
        world.records.decide(program, gate)
    assert (await world.outcome(program)).launched
    return contract.launch_path_id(program)


async def returned_then_launched(world: Company, program: str) -> str:
    def plan(case: pb.GateCase) -> None:
        if case.gate == pb.GATE_KNIGHT and case.round == 1:
            world.records.request_changes(program, case.gate)
        else:
            world.say_yes(case)

    world.plans[program] = plan
    world.records.submit(program)
    await world.opened(program, pb.GATE_KNIGHT)
    await world.shows(program, "KNIGHT CHANGES_REQUESTED")
    world.records.revise(program, changed=[pb.GATE_KNIGHT], tolerated=[pb.GATE_FUND])
    assert (await world.outcome(program)).launched
    return contract.launch_path_id(program)


async def withdrawn(world: Company, program: str, gate: Gate) -> str:
    world.plans[program] = world.say_yes_before(gate)
    world.records.submit(program)
    await world.opened(program, gate)
    await world.shows(program, f"{name_of(gate)} OPEN")
    world.records.end(program, statement_pb.OUTCOME_WITHDRAWN)
    assert (await world.outcome(program)).outcome == statement_pb.OUTCOME_WITHDRAWN
    return contract.launch_path_id(program)


async def declined(world: Company, program: str, gate: Gate) -> str:
    world.plans[program] = world.say_yes_before(gate)
    world.records.submit(program)
    await world.opened(program, gate)
    await world.shows(program, f"{name_of(gate)} OPEN")
    world.records.decline(program, gate)
    assert (await world.outcome(program)).outcome == statement_pb.OUTCOME_DECLINED
    return contract.launch_path_id(program)


async def not_appealed(world: Company, program: str) -> str:
    world.plans[program] = world.say_yes_before(pb.GATE_KNIGHT)
    world.records.submit(program)
    await world.opened(program, pb.GATE_KNIGHT)
    await world.shows(program, "KNIGHT OPEN")
    world.records.decline(program, pb.GATE_KNIGHT, timedelta(seconds=2))
    assert (await world.outcome(program)).outcome == statement_pb.OUTCOME_DECLINED
    return contract.launch_path_id(program)


async def appealed(world: Company, program: str, *, granted: bool) -> str:
    world.plans[program] = world.say_yes_before(pb.GATE_KNIGHT)
    world.records.submit(program)
    await world.opened(program, pb.GATE_KNIGHT)
    await world.shows(program, "KNIGHT OPEN")
    world.records.decline(program, pb.GATE_KNIGHT, timedelta(days=5))
    await world.shows(program, "KNIGHT DECLINED, waits for proposer")
    world.records.appeal(program, pb.GATE_KNIGHT)
    await world.shows(program, "KNIGHT DECLINED, waits for arbiter")
    world.plans[program] = world.say_yes
    world.records.decide_appeal(program, pb.GATE_KNIGHT, granted=granted)
    outcome = await world.outcome(program)
    assert outcome.launched is granted
    assert granted or outcome.outcome == statement_pb.OUTCOME_DECLINED
    return contract.launch_path_id(program)


async def revised_to_an_earlier_gate(world: Company, program: str) -> str:
    world.plans[program] = world.say_yes_before(pb.GATE_PILOT)
    world.records.submit(program)
    await world.opened(program, pb.GATE_PILOT)
    world.plans[program] = world.say_yes
    world.records.revise(program, changed=[pb.GATE_PLEDGE, pb.GATE_FUND])
    world.records.decide(program, pb.GATE_PILOT)
    assert (await world.outcome(program)).launched
    return contract.launch_path_id(program)


async def voided(world: Company, program: str) -> str:
    world.plans[program] = world.say_yes_before(pb.GATE_LAUNCH)
    world.records.submit(program)
    await world.opened(program, pb.GATE_LAUNCH)
    world.plans[program] = world.say_yes
    world.records.void(program, pb.GATE_FUND)
    await world.opened(program, pb.GATE_FUND, 2)
    world.records.decide(program, pb.GATE_LAUNCH)
    assert (await world.outcome(program)).launched
    return contract.launch_path_id(program)


async def expired(world: Company, program: str) -> str:
    world.plans[program] = world.say_yes_before(pb.GATE_FUND)
    world.records.validity[program, pb.GATE_PLEDGE] = timedelta(seconds=1.5)
    world.records.submit(program)
    await world.opened(program, pb.GATE_FUND)
    del world.records.validity[program, pb.GATE_PLEDGE]
    world.plans[program] = world.say_yes
    await world.opened(program, pb.GATE_PLEDGE, 2)
    world.records.decide(program, pb.GATE_FUND)
    assert (await world.outcome(program)).launched
    return contract.launch_path_id(program)


async def escalated(world: Company, program: str) -> str:
    world.plans[program] = world.say_yes_before(pb.GATE_FUND)
    world.records.slas[program, pb.GATE_FUND] = timedelta(seconds=2)
    world.records.submit(program)
    case = await world.opened(program, pb.GATE_FUND)
    await world.records.until(lambda: len(case.escalations) == 4)
    world.plans[program] = world.say_yes
    world.records.decide(program, pb.GATE_FUND)
    assert (await world.outcome(program)).launched
    return contract.launch_path_id(program)


async def blocked_then_suspended(world: Company, program: str) -> str:
    def plan(case: pb.GateCase) -> None:
        blocks = pb.GATE_PILOT if case.gate == pb.GATE_KNIGHT else pb.GATE_UNSPECIFIED
        if case.gate < pb.GATE_PILOT:
            world.records.decide(program, case.gate, blocks=blocks)

    world.plans[program] = plan
    world.records.submit(program)
    await world.opened(program, pb.GATE_KNIGHT)
    await world.shows(program, "PILOT BLOCKED")
    world.records.suspend(program, True)
    world.records.close_condition(program, pb.GATE_KNIGHT)
    await world.shows(program, "PILOT SUSPENDED")
    world.plans[program] = world.say_yes
    world.records.suspend(program, False)
    assert (await world.outcome(program)).launched
    return contract.launch_path_id(program)


async def parked_then_retried(world: Company, program: str) -> str:
    refusal = PreconditionFailed("AUTHORITY_INSUFFICIENT", "nobody expected this")
    world.servers.trouble("itrisk", "OpenCase", refusal=refusal, program=program)
    world.records.submit(program)
    await world.shows(program, "KNIGHT PARKED")
    await (await world.path(program)).signal(contract.RETRY)
    assert (await world.outcome(program)).launched
    return contract.launch_path_id(program)


async def rung_in_vain(world: Company, program: str) -> str:
    world.plans[program] = world.say_yes_before(pb.GATE_FUND)
    world.records.submit(program)
    await world.opened(program, pb.GATE_FUND)
    await world.shows(program, "FUND OPEN")
    handle = await world.path(program)
    for gate in (pb.GATE_UNSPECIFIED, *WALKED):
        for _ in range(3):
            await handle.signal(contract.RING, Ring(gate=gate))
        await world.caught_up(handle)
    world.plans[program] = world.say_yes
    world.records.decide(program, pb.GATE_FUND)
    assert (await world.outcome(program)).launched
    return contract.launch_path_id(program)


async def settled(world: Company, program: str, outcome: statement_pb.Outcome.ValueType) -> str:
    world.records.submit(program)
    assert (await world.outcome(program)).launched
    await world.proof_shows(program, "PROVE OPEN")
    world.records.close(program, outcome)
    assert (await world.proof(program).result()).outcome == outcome
    return contract.prove_return_id(program)


async def lost_after_the_launch(world: Company, program: str) -> str:
    world.records.validity[program, pb.GATE_FUND] = timedelta(seconds=4)
    world.records.submit(program)
    assert (await world.outcome(program)).launched
    await world.proof_shows(program, "PROVE OPEN")
    world.records.void(program, pb.GATE_KNIGHT)
    known = world.records.programs[program].recorded
    await world.records.until(
        lambda: (
            [known[gate].state for gate in (pb.GATE_FUND, pb.GATE_KNIGHT)]
            == [pb.CASE_STATE_EXPIRED, pb.CASE_STATE_VOIDED]
        )
    )
    world.records.ask_sponsors(program)
    proof = world.proof(program)
    await world.shows(program, "PROVE OPEN, FUND was lost (EXPIRED), KNIGHT was lost", proof)
    world.records.close(program, statement_pb.OUTCOME_MISSED)
    assert (await proof.result()).outcome == statement_pb.OUTCOME_MISSED
    return contract.prove_return_id(program)


JOURNEYS: Mapping[str, Journey] = {
    "launched": launched,
    "returned-then-launched": returned_then_launched,
    **{f"withdrawn-at-{name_of(gate).lower()}": partial(withdrawn, gate=gate) for gate in WALKED},
    "declined-by-the-sponsor": partial(declined, gate=pb.GATE_PLEDGE),
    "declined-by-the-knight": partial(declined, gate=pb.GATE_KNIGHT),
    "declined-at-go": partial(declined, gate=pb.GATE_LAUNCH),
    "declined-and-not-appealed": not_appealed,
    "appealed-and-granted": partial(appealed, granted=True),
    "appealed-and-upheld": partial(appealed, granted=False),
    "revised-to-an-earlier-gate": revised_to_an_earlier_gate,
    "voided": voided,
    "expired": expired,
    "escalated": escalated,
    "blocked-then-suspended": blocked_then_suspended,
    "parked-then-retried": parked_then_retried,
    "rung-in-vain": rung_in_vain,
    "proven": partial(settled, outcome=statement_pb.OUTCOME_PROVEN),
    "lost-after-the-launch": lost_after_the_launch,
    "missed": partial(settled, outcome=statement_pb.OUTCOME_MISSED),
    "promise-waived": partial(settled, outcome=statement_pb.OUTCOME_PROMISE_WAIVED),
}
