"""The front door: drafts, revisions, withdrawal, and who may do what to them."""

import json
from typing import Any

import pytest
from tests.support.launches import Front
from tests.support.programs import PROPOSER, SPONSOR, benefit, content, eur, plan
from tests.support.services import new_request_id

from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.casework.words import CaseState, Gate

UNCHANGED, CARRIED = pb.REVISION_EFFECT_UNCHANGED, pb.REVISION_EFFECT_CARRIED
REOPENED, NOT_DECIDED = pb.REVISION_EFFECT_REOPENED, pb.REVISION_EFFECT_NOT_DECIDED


def creating(program_id: str = "community", **request: Any) -> pb.CreateProgramRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "program_id": program_id,
        "content": content(),
    }
    return pb.CreateProgramRequest(**{**values, **request})


def submitting(program: pb.Program, **request: Any) -> pb.SubmitProgramRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": program.name,
        "etag": program.etag,
    }
    return pb.SubmitProgramRequest(**{**values, **request})


def withdrawing(program: pb.Program, **request: Any) -> pb.WithdrawProgramRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": program.name,
        "etag": program.etag,
        "reason": "not this year",
    }
    return pb.WithdrawProgramRequest(**{**values, **request})


async def test_a_draft_is_written_then_submitted_as_revision_one(desk: Front) -> None:
    draft = await desk.proposer.CreateProgram(creating())
    assert (draft.name, draft.state) == ("programs/community", pb.PROGRAM_STATE_DRAFT)
    assert (draft.proposer, draft.revision, draft.version) == (PROPOSER, 0, 1)
    better = content(title="Self-support of customers")
    written = await desk.proposer.UpdateDraft(
        pb.UpdateDraftRequest(
            request_id=new_request_id(), name=draft.name, etag=draft.etag, content=better
        )
    )
    assert written.content == better
    submitted = await desk.proposer.SubmitProgram(submitting(written))
    assert (submitted.state, submitted.revision) == (pb.PROGRAM_STATE_ON_PATH, 1)
    assert submitted.submit_time.ToSeconds() == desk.clock.now().timestamp()
    assert submitted == await desk.program(draft.name)
    revision = await desk.worker.GetRevision(
        pb.GetRevisionRequest(name=f"{draft.name}/revisions/1")
    )
    assert (revision.submitted_by, revision.content) == (PROPOSER, better)
    assert set(revision.gate_digests) == {gate.value for gate in Gate}
    facts = await desk.facts(draft.name)
    assert dict(facts.gate_digests) == dict(revision.gate_digests)
    assert (facts.digest, facts.charter_digest) == (revision.digest, revision.charter_digest)


async def test_a_program_without_an_id_gets_one_and_an_agency_may_propose(desk: Front) -> None:
    agency = desk.person("people/zoe", "agency")
    draft = await agency.CreateProgram(creating("", content=content(agency="Brightside")))
    assert draft.name.startswith("programs/p-")
    assert draft.proposer == "people/zoe"
    submitted = await agency.SubmitProgram(submitting(draft))
    assert submitted.revision == 1


async def test_a_name_is_taken_once(desk: Front) -> None:
    await desk.draft()
    problem = await desk.refused(desk.person("people/max", "proposer").CreateProgram(creating()))
    assert (problem.code, problem.reason) == ("ALREADY_EXISTS", "RESOURCE_EXISTS")


async def test_content_is_refused_by_field_and_nothing_is_stored(desk: Front) -> None:
    before = desk.everything()
    for broken, reason, field in (
        (content(audiences=["custmers"]), "INVALID_FIELD", "content.audiences[0]"),
        (content(amount=eur(-1)), "INVALID_AMOUNT", "content.amount"),
        (content(title=""), "INVALID_FIELD", "content.title"),
    ):
        problem = await desk.refused(desk.proposer.CreateProgram(creating(content=broken)))
        assert (problem.code, problem.reason) == ("INVALID_ARGUMENT", reason)
        assert [violation.field for violation in problem.violations] == [field]
    assert desk.everything() == before


async def test_a_repeated_request_is_answered_alike_and_an_altered_one_refused(
    desk: Front,
) -> None:
    request = creating()
    first = await desk.proposer.CreateProgram(request)
    await desk.proposer.SubmitProgram(submitting(first))
    assert await desk.proposer.CreateProgram(request) == first
    request.content.title = "Something else"
    problem = await desk.refused(desk.proposer.CreateProgram(request))
    assert (problem.code, problem.reason) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")


async def test_validating_only_answers_alike_and_stores_nothing(desk: Front) -> None:
    draft = await desk.draft()
    before = desk.everything()
    rehearsed = await desk.proposer.SubmitProgram(submitting(draft, validate_only=True))
    assert rehearsed.state == pb.PROGRAM_STATE_ON_PATH
    assert (await desk.proposer.CreateProgram(creating("other", validate_only=True))).version == 1
    await desk.proposer.WithdrawProgram(withdrawing(draft, validate_only=True))
    assert desk.everything() == before


async def test_a_stale_etag_is_refused_and_a_recorded_standing_makes_none_stale(
    desk: Front,
) -> None:
    draft = await desk.draft()
    submitted = await desk.proposer.SubmitProgram(submitting(draft))
    problem = await desk.refused(desk.proposer.WithdrawProgram(withdrawing(draft)))
    assert (problem.code, problem.reason) == ("ABORTED", "STALE_ETAG")
    await desk.stand(await desk.facts(draft.name), Gate.PLEDGE)
    withdrawn = await desk.proposer.WithdrawProgram(withdrawing(submitted))
    assert withdrawn.state == pb.PROGRAM_STATE_ENDED
    assert withdrawn.version > submitted.version


async def test_only_the_proposer_edits_and_only_a_draft_is_updated(desk: Front) -> None:
    draft = await desk.draft()
    request = pb.UpdateDraftRequest(
        request_id=new_request_id(), name=draft.name, etag=draft.etag, content=content()
    )
    stranger = desk.person("people/max", "proposer")
    problem = await desk.refused(stranger.UpdateDraft(request))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    submitted = await desk.proposer.SubmitProgram(submitting(draft))
    request.etag, request.request_id = submitted.etag, new_request_id()
    problem = await desk.refused(desk.proposer.UpdateDraft(request))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
    problem = await desk.refused(desk.proposer.SubmitProgram(submitting(submitted)))
    assert problem.reason == "WRONG_STATE"


async def test_a_revision_says_what_it_does_to_each_gate(desk: Front) -> None:
    program = await desk.submitted()
    await desk.stand(await desk.facts(program.name), Gate.PLEDGE, Gate.FUND)
    knight = desk.gate_case(await desk.facts(program.name), Gate.KNIGHT, CaseState.OPEN)
    await desk.record(knight)
    # 5 % more money and a vendor: within the pledge's tolerance, another matter for the funding.
    answer = await desk.revised(program, amount=eur(94_500), tranches=None, vendors=["Nightwatch"])
    assert (answer.program.revision, answer.program.state) == (2, pb.PROGRAM_STATE_ON_PATH)
    effects = {effect.gate: effect for effect in answer.effects}
    assert {gate: effect.effect for gate, effect in effects.items()} == {
        gate_pb2.GATE_PLEDGE: CARRIED,
        gate_pb2.GATE_FUND: REOPENED,
        gate_pb2.GATE_KNIGHT: NOT_DECIDED,
        gate_pb2.GATE_PILOT: NOT_DECIDED,
        gate_pb2.GATE_LAUNCH: NOT_DECIDED,
        gate_pb2.GATE_PROVE: NOT_DECIDED,
    }
    assert list(effects[gate_pb2.GATE_FUND].changed_fields) == ["amount", "tranches", "vendors"]
    assert list(effects[gate_pb2.GATE_PLEDGE].changed_fields) == ["amount"]
    path = {gate.gate: gate for gate in (await desk.path(program.name)).gates}
    assert not path[gate_pb2.GATE_FUND].standing
    first = await desk.worker.GetRevision(pb.GetRevisionRequest(name=f"{program.name}/revisions/1"))
    assert first.content == program.content, "a revision never changes"


async def test_an_increase_is_measured_from_what_the_decider_saw(desk: Front) -> None:
    program = await desk.submitted()
    await desk.stand(await desk.facts(program.name), Gate.PLEDGE, Gate.FUND)
    # The pledge's tolerance, and the contingency of the funding's tier: 10 % each.
    for amount, effect in ((97_000, CARRIED), (99_000, CARRIED), (99_001, REOPENED)):
        answer = await desk.revised(program, amount=eur(amount), tranches=None)
        assert [one.effect for one in answer.effects[:2]] == [effect, effect], amount


async def test_a_revision_of_the_pilot_ends_the_pilot_that_runs(desk: Front) -> None:
    await desk.piloting()
    name = "programs/community"
    same = await desk.revised(await desk.program(name), title="Another title")
    assert same.program.state == pb.PROGRAM_STATE_PILOTING
    other = await desk.revised(same.program, pilot_plan=plan(exposure_bps=400))
    assert other.program.state == pb.PROGRAM_STATE_ON_PATH


async def test_the_sponsor_may_withdraw_and_strangers_may_not(desk: Front) -> None:
    program = await desk.submitted()
    other = desk.person("people/mira", "sponsor")
    problem = await desk.refused(other.WithdrawProgram(withdrawing(program)))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    ended = await desk.sponsor.WithdrawProgram(withdrawing(program))
    assert ended.outcome == statements_pb2.OUTCOME_WITHDRAWN
    assert (ended.ended_by, ended.end_reason) == (SPONSOR, "not this year")
    assert not ended.settled
    problem = await desk.refused(desk.sponsor.WithdrawProgram(withdrawing(ended)))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "PROGRAM_ENDED")


async def test_the_end_is_signed_once_there_is_one(desk: Front) -> None:
    program = await desk.submitted()
    asked = pb.GetEndStatementRequest(program=program.name)
    problem = await desk.refused(desk.worker.GetEndStatement(asked))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
    await desk.proposer.WithdrawProgram(withdrawing(program))
    signed = await desk.worker.GetEndStatement(asked)
    ending = desk.realm.statements("budget").read_end(signed.statement, program.name)
    assert (ending.decided_by, ending.reason) == (PROPOSER, "not this year")
    assert signed.outcome == statements_pb2.OUTCOME_WITHDRAWN


async def test_a_revision_statement_is_for_the_worker_and_its_proposer(desk: Front) -> None:
    draft = await desk.draft()
    asked = pb.GetRevisionStatementRequest(program=draft.name)
    problem = await desk.refused(desk.worker.GetRevisionStatement(asked))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
    await desk.proposer.SubmitProgram(submitting(draft))
    assert (await desk.proposer.GetRevisionStatement(asked)).revision == 1
    stranger = desk.person("people/max", "proposer")
    problem = await desk.refused(stranger.GetRevisionStatement(asked))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")


async def test_programs_are_listed_by_name_page_by_page(desk: Front) -> None:
    for program_id in ("c", "a", "b"):
        await desk.submitted(program_id)
    await desk.draft("d")
    listed = pb.ListProgramsRequest(page_size=2)
    names: list[str] = []
    while True:
        page = await desk.worker.ListPrograms(listed)
        names += [program.name for program in page.programs]
        if not page.next_page_token:
            break
        listed.page_token = page.next_page_token
    assert names == [f"programs/{letter}" for letter in "abcd"]
    drafts = await desk.worker.ListPrograms(pb.ListProgramsRequest(state=pb.PROGRAM_STATE_DRAFT))
    assert [program.name for program in drafts.programs] == ["programs/d"]
    problem = await desk.refused(
        desk.worker.ListPrograms(
            pb.ListProgramsRequest(state=pb.PROGRAM_STATE_DRAFT, page_token=listed.page_token)
        )
    )
    assert problem.reason == "PAGE_TOKEN_INVALID"


async def test_a_page_of_programs_that_say_much_ends_early(desk: Front) -> None:
    much = [benefit(id=f"b-{number}", description="x" * 2000) for number in range(50)]
    for letter in "abcdefghij":
        await desk.draft(letter, benefits=much)
    page = await desk.worker.ListPrograms(pb.ListProgramsRequest())
    assert 0 < len(page.programs) < 10
    rest = await desk.worker.ListPrograms(pb.ListProgramsRequest(page_token=page.next_page_token))
    assert len(page.programs) + len(rest.programs) == 10


@pytest.mark.parametrize("name", ["programs/nobody", "programs/community/revisions/9"])
async def test_what_does_not_exist_is_not_found(desk: Front, name: str) -> None:
    await desk.submitted()
    if "revisions" in name:
        problem = await desk.refused(desk.worker.GetRevision(pb.GetRevisionRequest(name=name)))
    else:
        problem = await desk.refused(desk.worker.GetProgram(pb.GetProgramRequest(name=name)))
    assert (problem.code, problem.reason) == ("NOT_FOUND", "RESOURCE_NOT_FOUND")


async def test_each_change_leaves_an_audit_leaf_with_its_actor(desk: Front) -> None:
    program = await desk.submitted()
    await desk.revised(program, title="Another title")
    await desk.proposer.WithdrawProgram(withdrawing(await desk.program(program.name)))
    documents = [json.loads(row["document"]) for row in desk.rows("event")]
    kinds = [document["kind"] for document in documents]
    assert kinds == ["program.created", "program.submitted", "program.revised", "program.ended"]
    assert {document["actor"] for document in documents} == {PROPOSER}
    assert documents[2]["payload"]["revision"] == 2
