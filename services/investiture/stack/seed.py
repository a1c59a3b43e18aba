"""People and envelopes for a stack that has none yet, through the API like everybody else."""

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import grpc

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.stack.entries import envelopes_of, people_of

IMPORTER = "workloads/stack"

Dial = Callable[[str, str, Sequence[str]], grpc.aio.Channel]
"""Gives a channel to a service, as a subject with roles."""


async def import_people(dial: Dial, path: Path) -> int:
    """Import the people of a file where the directory is empty; return how many were added."""
    stub = SponsorshipServiceStub(dial("sponsorship", IMPORTER, ("directory-admin",)))
    present = await stub.ListPeople(sponsorship_pb.ListPeopleRequest(page_size=1))
    if present.people:
        return 0
    answer = await stub.ImportDirectory(
        sponsorship_pb.ImportDirectoryRequest(
            request_id=str(uuid.uuid4()),
            people=[person.message() for person in people_of(path)],
        )
    )
    return answer.added


async def issue_envelopes(dial: Dial, path: Path) -> int:
    """Issue the envelopes of a file where there are none; return how many were issued."""
    reader = BudgetServiceStub(dial("budget", IMPORTER, ("operator",)))
    present = await reader.ListEnvelopes(budget_pb.ListEnvelopesRequest(page_size=1))
    if present.envelopes:
        return 0
    entries = envelopes_of(path)
    for entry in entries:
        stub = BudgetServiceStub(dial("budget", entry.issued_by, ("budget-committee",)))
        await stub.IssueEnvelope(entry.request(str(uuid.uuid4())))
    return len(entries)
