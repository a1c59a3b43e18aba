"""What a transaction posts and asks for is checked before it reaches a database."""

from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from tests.contract.chassis_sql.ground import decide

from investiture.chassis.idempotency import fingerprint, message_class
from investiture.chassis.outbox import OutboxMessage


def message(**fields: Any) -> OutboxMessage:
    return OutboxMessage("launch-path/p", "case.decided", "cases/1", **fields)


def test_a_message_signals_or_starts() -> None:
    with pytest.raises(ValueError, match="signals a workflow, starts one, or both"):
        message()


def test_what_starts_names_its_queue() -> None:
    with pytest.raises(ValueError, match="come together"):
        message(workflow_type="LaunchPath")


def test_an_argument_goes_with_a_signal() -> None:
    with pytest.raises(ValueError, match="argument goes with a signal"):
        message(workflow_type="A", task_queue="q", argument=StringValue())


@pytest.mark.parametrize("field", ["start_argument", "summary", "search_attributes"])
def test_what_starts_nothing_brings_nothing_to_start_with(field: str) -> None:
    values = {"start_argument": StringValue(), "summary": "x", "search_attributes": {"A": "b"}}
    with pytest.raises(ValueError, match="only a message that may start"):
        message(signal="ring", **{field: values[field]})


def test_the_fingerprint_is_of_what_is_asked() -> None:
    request = decide(etag="1", validate_only=True)
    before = fingerprint(request)
    assert request.etag == "1"
    assert fingerprint(decide()) == before
    assert fingerprint(decide(note="no")) != before


def test_a_type_nobody_imported_is_unknown() -> None:
    with pytest.raises(KeyError):
        message_class("test.Nothing")
    assert message_class("google.protobuf.StringValue") is StringValue
